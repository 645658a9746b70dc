//! Below V4: one destination, one archive, one job.

use super::*;
use crate::domain::choices::{CompactionChoice, StorageSource};
use crate::domain::cluster_backup::CompactionRule::{self, AsAnswered, Enforced, NotAsked};
use crate::domain::preflight::{COMPACTION_NEEDED, Check, CheckId, tenant_checks};
use crate::domain::restorable::{BackupSet, RoundStatus};
use crate::domain::samples::{ago, legacy, place, wanted, whole};

const OLD: u64 = 10_000;
const YOUNG: u64 = 100;

fn facts(frozen: u64) -> Facts {
    legacy("3.1.2", Enforced, frozen)
}

fn the_cluster(mode: Mode) -> Choices {
    choose(&["legacy"], mode)
}

fn with_storage(uri: &str, targets: &[&str]) -> Choices {
    let mut choices = choose(targets, Mode::Full);
    choices.storage = Some(wanted(Some(uri), None, StorageSource::Given));
    choices
}

#[test]
fn one_job_covers_everybody_with_the_same_steps() {
    let plan = plan(&facts(YOUNG), &the_cluster(Mode::Full)).unwrap();
    assert!(plan.is_per_cluster);
    let names: Vec<String> = plan.targets.iter().map(|target| target.target.to_string()).collect();
    assert_eq!(names, ["legacy/pay", "legacy/order"]);
    assert_eq!(plan.targets[0].steps, plan.targets[1].steps);
    assert!(plan.targets.iter().all(|target| target.notes.len() == 1), "nobody can be left out of the statement");
    assert!(plan.targets[0].notes[0].ends_with(" DDL and index builds may wait behind it."));
    let of = |kind| plan.targets[0].step(kind).unwrap();
    assert_eq!(of(StepKind::SetDestination).effect, "not needed: backup_dest is already set");
    assert_eq!(of(StepKind::StartArchiving).effect, "not needed: DOING");
    let effect = "not needed: the last major freeze is younger than the archive round";
    assert_eq!(of(StepKind::Compact).effect, effect);
    assert_eq!(of(StepKind::StartBackup).effect, "A full backup of ALL 2 tenants of legacy to file:///backup");
    assert_eq!(letters(&plan.targets[0], StepKind::StartBackup), "B");
}

#[test]
fn a_compaction_is_announced_or_its_lack_is() {
    let mut choices = the_cluster(Mode::Full);
    let never = planned(&facts(OLD), &choices);
    let step = never.step(StepKind::Compact).unwrap();
    let why = "the last major compaction (2026-11-20 08:13:20 +08:00) is older than the start of log archiving \
               (2026-11-20 08:30:00 +08:00)";
    assert_eq!((step.actions.len(), &step.need), (0, &Need::Needed));
    assert_eq!(step.effect, format!("will fail: {COMPACTION_NEEDED}: {why}"));
    choices.compact = CompactionChoice::Auto;
    let auto = planned(&facts(OLD), &choices);
    assert_eq!(letters(&auto, StepKind::Compact), "c");
    let effect = format!(
        "a major compaction of ALL 2 tenants of legacy, which may affect the business; the last one took 1 h 52 min ({why})"
    );
    assert_eq!(auto.step(StepKind::Compact).unwrap().effect, effect);
    // A round that the plan itself starts is younger than every freeze.
    let mut stopped = facts(YOUNG);
    for tenant in &mut stopped.tenants {
        tenant.archive.current.as_mut().unwrap().status = RoundStatus::Stop;
    }
    assert_eq!(letters(&planned(&stopped, &choices), StepKind::StartArchiving), "s");
    assert_eq!(letters(&planned(&stopped, &choices), StepKind::Compact), "c");
}

/// R5: V2.2.60 to V3.1.2 enforce it, V3.1.3 and later do not, V3.2 reports the need when the backup starts.
#[test]
fn each_line_asks_for_a_compaction_in_its_own_way() {
    let step = |rule: CompactionRule, mode, compact| {
        let choices = Choices { compact, ..the_cluster(mode) };
        let target = planned(&legacy("3.2.4.0", rule, OLD), &choices);
        (letters(&target, StepKind::Compact), target.step(StepKind::Compact).unwrap().effect.clone())
    };
    assert_eq!(step(NotAsked, Mode::Full, CompactionChoice::Auto).0, "");
    assert_eq!(step(NotAsked, Mode::Full, CompactionChoice::Auto).1, "not needed: V3.2.4 does not ask for one");
    let (actions, effect) = step(AsAnswered, Mode::Full, CompactionChoice::Auto);
    assert_eq!(actions, "c");
    assert!(
        effect.starts_with("if the server asks for it: a major compaction of ALL 2 tenants of legacy, "),
        "{effect}"
    );
    let (actions, effect) = step(AsAnswered, Mode::Full, CompactionChoice::Never);
    assert_eq!(actions, "");
    assert!(effect.starts_with("if the server asks for it: will fail: Cluster compaction needed"), "{effect}");
    for rule in [Enforced, AsAnswered, NotAsked] {
        let none = (String::new(), "not needed: an incremental never compacts".to_owned());
        assert_eq!(step(rule, Mode::Incremental, CompactionChoice::Auto), none);
    }
}

#[test]
fn another_destination_stops_the_archive_of_everybody() {
    let plan = plan(&facts(YOUNG), &with_storage("file:///new/{cluster}", &["legacy"])).unwrap();
    let target = &plan.targets[0];
    assert_eq!(letters(target, StepKind::SetDestination), "xd");
    let step = target.step(StepKind::SetDestination).unwrap();
    let interrupts = "log archiving of ALL 2 tenants of legacy: it stops, a new round starts, and older sets cannot be \
                      restored past the stop";
    assert_eq!(step.interrupts, interrupts);
    for words in
        ["backup_dest of ALL 2 tenants of legacy becomes file:///new/legacy (given)", "(9026)", "This setting stays"]
    {
        assert!(step.effect.contains(words), "{}", step.effect);
    }
    assert_eq!(letters(target, StepKind::StartArchiving), "s");
    let mut off = facts(YOUNG);
    whole(&mut off).destinations = vec![None];
    for tenant in &mut off.tenants {
        tenant.archive.current = None;
        tenant.archive.rounds.clear();
    }
    let target = planned(&off, &with_storage("file:///new", &["legacy"]));
    assert_eq!(
        (letters(&target, StepKind::SetDestination), letters(&target, StepKind::StartArchiving)),
        ("d".into(), "s".into())
    );
}

#[test]
fn a_destination_that_cannot_be_is_refused_with_its_reason() {
    for (uri, why) in [
        ("file:///b/{tenant_id}", "{tenant_id} does not go with a backup of the whole cluster before V4"),
        ("file:///b/{kind}", "{kind} does not go with a backup before V4"),
    ] {
        let fault = refused(&facts(YOUNG), &with_storage(uri, &["legacy"]));
        assert_eq!(fault.cause, Cause::Usage, "{uri}");
        assert!(fault.why.contains(why), "{uri}: {}", fault.why);
    }
    let mut second = facts(YOUNG);
    whole(&mut second).has_second_copy = true;
    let fault = refused(&second, &with_storage("file:///new", &["legacy"]));
    assert_eq!((fault.cause, fault.what.as_str()), (Cause::Precondition, "backup_dest of legacy cannot change now."));
    assert!(plan(&second, &the_cluster(Mode::Full)).is_ok(), "what is set already is not set again");
    let mut log = the_cluster(Mode::Full);
    log.storage = Some(wanted(None, Some("file:///log"), StorageSource::Given));
    assert_eq!(refused(&facts(YOUNG), &log).what, "legacy has no log archive destination of its own.");
    let plus = Choices { plus_archivelog: true, ..the_cluster(Mode::Full) };
    let fault = refused(&facts(YOUNG), &plus);
    assert_eq!((fault.cause, fault.what.as_str()), (Cause::Usage, "legacy has no PLUS ARCHIVELOG."));
}

/// The server would silently make a full: an incremental of all tenants needs a base of all tenants.
#[test]
fn nobody_is_left_out_of_an_incremental() {
    let mut one_without = facts(YOUNG);
    one_without.tenants[2].sets.clear();
    let with = |no_full| Choices { no_full, ..the_cluster(Mode::Incremental) };
    let full = plan(&one_without, &with(NoFullPolicy::Full)).unwrap();
    assert!(full.targets.iter().all(|target| target.mode == Mode::Full));
    let fault = refused(&one_without, &with(NoFullPolicy::Skip));
    assert_eq!(fault.what, "legacy/order cannot be left out of a backup of the whole cluster.");
    assert!(
        fault.why.starts_with("Full data backup needed before incremental data backup: the tenant has no"),
        "{}",
        fault.why
    );
    let fail = plan(&one_without, &with(NoFullPolicy::Fail)).unwrap();
    assert!(
        fail.targets.iter().all(|target| target.mode == Mode::Incremental),
        "its step fails with the contract text"
    );
}

fn gate() -> Facts {
    legacy("3.2.2.0-20220304134610", AsAnswered, YOUNG)
}

fn gated(facts: &Facts, mode: Mode) -> Vec<Check> {
    plan(facts, &Choices { mode, ..with_storage("file:///own", &["legacy/pay"]) }).unwrap_err().checks
}

#[test]
fn tenants_have_a_directory_of_their_own_each_time() {
    let plan = plan(&gate(), &with_storage("file:///own", &["legacy/pay", "legacy/order"])).unwrap();
    let target = &plan.targets[0];
    assert_eq!(plan.targets.len(), 2);
    let effect = "not needed: a backup of tenants has a directory of its own and changes no setting";
    assert_eq!(target.step(StepKind::SetDestination).unwrap().effect, effect);
    let to = BackupTo { destination: place("file:///own/{run}"), access_key: None };
    let start = Action::StartBackup { mode: Mode::Full, plus_archivelog: false, encrypt: None, to: Some(to) };
    assert_eq!(target.step(StepKind::StartBackup).unwrap().actions, [start]);
    let of_each = with_storage("file:///own/{tenant}/{run}", &["legacy/pay"]);
    let effect = "A full backup of pay to file:///own/pay/{run}, an empty directory of its own";
    assert_eq!(planned(&gate(), &of_each).step(StepKind::StartBackup).unwrap().effect, effect);
    let both = with_storage("file:///own/{tenant}/{run}", &["legacy/pay", "legacy/order"]);
    assert!(refused(&gate(), &both).why.starts_with("{tenant} stands for one tenant"));
}

#[test]
fn a_backup_of_tenants_that_nobody_gave_a_directory_says_that_it_needs_its_own() {
    let fault = refused(&gate(), &choose(&["legacy/pay"], Mode::Full));
    assert_eq!(fault.what, "The backup of legacy/pay needs a destination of its own.");
    assert!(fault.why.starts_with("Before V4 a backup of tenants goes to a directory outside of"), "{}", fault.why);
    let facts = gate();
    let checks = tenant_checks(&facts, facts.tenant("pay").unwrap(), &choose(&["legacy/pay"], Mode::Full));
    let found = checks.into_iter().find(|check| check.check == CheckId::Destination).unwrap().found;
    assert!(found.starts_with("Before V4 a backup of tenants goes to") && found.contains("none was given"), "{found}");
}

#[test]
fn a_directory_within_that_of_the_cluster_is_refused() {
    for uri in ["file:///backup", "file:///backup/tenants"] {
        let fault = refused(&gate(), &with_storage(uri, &["legacy/pay"]));
        assert!(fault.why.contains("It lies in backup_dest, file:///backup"), "{}", fault.why);
    }
    assert!(plan(&gate(), &with_storage("file:///backup2", &["legacy/pay"])).is_ok());
}

#[test]
fn a_build_below_the_gate_is_refused_with_both_versions() {
    for (version, found) in [
        (
            "3.2.2.0-20220304134609",
            "V3.2.2-20220304134609 cannot back up one tenant: that needs V3.2.2-20220304134610 or later",
        ),
        ("3.1.5", "V3.1.5 cannot back up one tenant: that needs V3.2.2-20220304134610 or later"),
        (
            "3.2.2.0",
            "which build of V3.2.2 runs is not known, and backing up one tenant needs V3.2.2-20220304134610 or later",
        ),
    ] {
        let checks = gated(&legacy(version, AsAnswered, YOUNG), Mode::Full);
        let refusal = checks.iter().find(|check| check.refuses()).unwrap();
        assert_eq!((refusal.check, refusal.found.as_str()), (CheckId::Version, found));
    }
    // The lowest build of the active servers counts.
    let mut mixed = gate();
    if let crate::domain::facts::Known::Known(servers) = &mut mixed.cluster.servers {
        servers[2].build = "3.2.2_20220120181545".into();
    }
    let choices = Choices { skip: [CheckId::OneBuild].into(), ..with_storage("file:///own", &["legacy/pay"]) };
    let fault = refused(&mixed, &choices);
    assert!(fault.why.starts_with("V3.2.2-20220120181545 cannot back up one tenant"), "{}", fault.why);
}

#[test]
fn a_tenant_is_backed_up_whole_and_after_its_cluster() {
    let refusal = |facts: &Facts, mode| {
        gated(facts, mode).into_iter().find(Check::refuses).map(|check| (check.check, check.found)).unwrap()
    };
    let mode = refusal(&gate(), Mode::Incremental);
    assert_eq!(mode, (CheckId::Mode, "a backup of one tenant is always full before V4".to_owned()));
    let mut none = gate();
    none.tenants[1].sets = vec![BackupSet { tenant_level: true, min_restore: ago(100), ..full(3) }];
    let (check, found) = refusal(&none, Mode::Full);
    assert_eq!(check, CheckId::UsableFull, "a backup of a tenant is none of the cluster");
    assert!(
        found.starts_with("before one tenant can be backed up a backup of the whole cluster must exist"),
        "{found}"
    );
}

/// Below V4 a job is of the cluster: a task that watches the cluster watches every tenant in the job.
#[test]
fn a_cluster_is_watched_through_every_tenant_in_its_job() {
    let part = |tenant_id, path: &str| crate::domain::facts::JobFacts {
        tenant_id,
        path: path.into(),
        initiator_job_id: (tenant_id != 1).then_some(7),
        ..crate::domain::samples::job("")
    };
    let mut running = facts(YOUNG);
    let watched = |facts: &Facts, name| {
        let plan = attach(facts, &target(name))?;
        assert!(plan.targets.iter().all(|target| target.attached.is_some() && target.steps.len() == 2));
        Some(plan.targets.iter().map(|target| target.target.to_string()).collect::<Vec<_>>())
    };
    assert_eq!(watched(&running, "legacy"), None, "nothing runs");
    for tenant in running.tenants.iter_mut().filter(|tenant| tenant.kind == TenantKind::User) {
        tenant.running = vec![part(1, "file:///backup")];
    }
    assert_eq!(watched(&running, "legacy").unwrap(), ["legacy/pay", "legacy/order"], "parts come one by one");
    assert_eq!(watched(&running, "legacy/order").unwrap(), ["legacy/order"]);
    // A backup of some tenants covers only those.
    let order = running.tenants.iter_mut().find(|tenant| tenant.name == "order").unwrap();
    order.running = vec![part(order.id, "file:///own"), part(1, "file:///own")];
    assert_eq!(watched(&running, "legacy").unwrap(), ["legacy/order"]);
    // On V4 each tenant has a job of its own.
    let mut v4 = crate::domain::samples::prod();
    v4.tenants[2].running = vec![part(v4.tenants[2].id, "")];
    assert_eq!(watched(&v4, "prod"), None);
    assert_eq!(watched(&v4, "prod/pay").unwrap(), ["prod/pay"]);
}

/// A version on no known release line is read like the nearest one, which is reported, and nothing is ever started on it.
#[test]
fn nothing_is_written_to_a_version_that_nobody_knows() {
    for (version, nearest) in [("2.2.78", "V2.2.60 to V2.2.77"), ("3.0.0", "V2.2.60 to V2.2.77"), ("3.3.0", "V3.2")] {
        let mut choices = the_cluster(Mode::Full);
        choices.skip = CheckId::ALL.into_iter().collect();
        let mut facts = legacy(version, AsAnswered, YOUNG);
        facts.cluster.method_reason = facts.cluster.version.method().reason;
        let fault = refused(&facts, &choices);
        assert_eq!(
            fault.why,
            format!(
                "V{version} is not known to this release of obnow: V{version} is on no line obnow knows; it is read as the \
                 nearest one, {nearest}."
            )
        );
        assert!(fault.next.ends_with("; nothing is written to it."), "{}", fault.next);
    }
    for version in ["4.5.0.0", "V5.0.0.0"] {
        let mut facts = crate::domain::samples::prod();
        facts.cluster.version = version.parse().unwrap();
        facts.cluster.method_reason = facts.cluster.version.method().reason;
        let fault = refused(&facts, &choose(&["prod/pay"], Mode::Full));
        assert!(fault.why.ends_with("it is read as the nearest one, V4.0 to V4.4."), "{}", fault.why);
    }
}
