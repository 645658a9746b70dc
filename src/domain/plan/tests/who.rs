//! R6 and R7: which tenants are backed up, left out or refused.

use super::*;
use crate::domain::choices::RequestedStorage;
use crate::domain::dump::{DumpDirectoryFacts, DumpDirectoryState, ExcludedTables};
use crate::domain::facts::{BackupServiceFacts, CompatibilityMode, Known, Role, Scope, WorkingDirectory};
use crate::domain::samples::{self, cluster, job, other_tenant, server, wanted};
use crate::domain::secret::SecretSource;
use crate::domain::version::Detected;

#[test]
fn a_cluster_is_all_of_its_eligible_user_tenants() {
    let mut gone = other_tenant(1006, "__recycle_$_1");
    gone.in_recycle_bin = true;
    let mut restoring = other_tenant(1008, "copy");
    restoring.role = Role::Other("RESTORE".into());
    let mut dropping = other_tenant(1010, "old");
    dropping.status = "DROPPING".into();
    let mut standby = other_tenant(1012, "far");
    standby.role = Role::Standby;
    let mut busy = other_tenant(1014, "busy");
    busy.running = vec![job("nightly")];
    let facts = cluster(vec![other_tenant(1004, "log"), tenant(1002, "pay"), gone, restoring, dropping, standby, busy]);
    let made = plan(&facts, &choose(&["prod"], Mode::Full)).unwrap();
    let names: Vec<&str> = made.targets.iter().map(|target| target.tenant.name.as_str()).collect();
    assert_eq!(names, ["pay", "log", "far"], "by id");
    let left: Vec<(String, &str)> =
        made.left_out.iter().map(|left| (left.target.to_string(), left.reason.as_str())).collect();
    assert_eq!(
        left,
        [
            ("prod/__recycle_$_1".into(), "the tenant is in the recycle bin"),
            ("prod/copy".into(), "the tenant's role is RESTORE, and only PRIMARY and STANDBY can be backed up"),
            ("prod/old".into(), "the tenant's status is DROPPING, and only NORMAL can be backed up"),
            (
                "prod/busy".into(),
                "job 7 runs on it: a backup (full) since 2026-11-20 10:59:00 (server time), started by \"nightly\""
            ),
        ]
    );
    let everything = format!("{:?} {:?}", made.targets, made.left_out) + &format!("{:?}", made.checks);
    assert!(!everything.contains("prod/sys") && !everything.contains("META$"), "sys and meta are never mentioned");
    let role = made.checks.iter().find(|check| check.check == CheckId::Role && check.result == CheckResult::Warn);
    assert!(role.unwrap().found.starts_with("STANDBY: the window ends where the standby has replayed"));
}

#[test]
fn a_tenant_named_twice_is_backed_up_once() {
    let facts = cluster(vec![tenant(1002, "pay"), other_tenant(1004, "log")]);
    let made = plan(&facts, &choose(&["prod/log", "prod", "prod/pay", "prod/log"], Mode::Full)).unwrap();
    let names: Vec<&str> = made.targets.iter().map(|target| target.tenant.name.as_str()).collect();
    assert_eq!(names, ["pay", "log"]);
}

#[test]
fn one_tenant_that_is_refused_refuses_the_start_with_its_cause() {
    type Spoil = fn(&mut Facts);
    let rows: [(&str, Spoil, Cause, &str); 8] = [
        ("sys", |_| {}, Cause::Precondition, "sys and meta tenants are never backed up"),
        ("META$1002", |_| {}, Cause::Precondition, "sys and meta tenants are never backed up"),
        ("pay", |facts| facts.tenants[2].in_recycle_bin = true, Cause::Precondition, "recycle bin"),
        ("pay", |facts| facts.tenants[2].status = "CREATING".into(), Cause::Precondition, "status is CREATING"),
        ("pay", |facts| facts.tenants[2].role = Role::Other("CLONE".into()), Cause::Precondition, "role is CLONE"),
        (
            "pay",
            |facts| {
                facts.cluster.scope = Scope::Tenant;
                facts.tenants[2].mode = CompatibilityMode::Oracle;
            },
            Cause::Precondition,
            "Oracle-mode tenant",
        ),
        ("pay", |facts| facts.tenants[2].running = vec![job("obnow t1.1")], Cause::Busy, "started by obnow task t1.1"),
        (
            "pay",
            |facts| facts.tenants[2].name = "All".into(),
            Cause::Precondition,
            "takes the name All for many tenants",
        ),
    ];
    for (name, spoil, cause, says) in rows {
        let mut facts = prod();
        spoil(&mut facts);
        let name = if facts.tenants[2].name == "All" { "All" } else { name };
        let refusal = plan(&facts, &choose(&[&format!("prod/{name}")], Mode::Full)).unwrap_err();
        assert_eq!(refusal.fault.cause, cause, "{says}");
        assert_eq!(refusal.fault.what, format!("prod/{name} cannot be backed up now."));
        assert!(refusal.fault.why.to_lowercase().contains(&says.to_lowercase()), "{}", refusal.fault.why);
        assert!(!refusal.fault.next.is_empty(), "{says}: what mends it");
        let missed = usize::from(!says.starts_with("sys and meta"));
        assert_eq!(refusal.left_out.len(), missed, "{says}: sys and meta are nobody's to miss");
        assert!(refusal.checks.iter().any(crate::domain::preflight::Check::refuses), "all checks can be shown");
    }
}

#[test]
fn an_upgrading_cluster_is_refused_whatever_is_skipped() {
    let mut facts = prod();
    facts.cluster.upgrading = Known::Known(vec!["enable_upgrade_mode is True".into(), "job 3 runs".into()]);
    let mut choices = choose(&["prod/pay"], Mode::Full);
    choices.skip = CheckId::ALL.into_iter().collect();
    let fault = refused(&facts, &choices);
    assert_eq!(fault.cause, Cause::Precondition);
    assert_eq!(fault.why, "The cluster is upgrading: enable_upgrade_mode is True; job 3 runs.");
    // What could not be checked is no refusal; it is listed.
    facts.cluster.upgrading = Known::NotChecked("no rights".into());
    let made = plan(&facts, &choices).unwrap();
    assert!(made.not_checked().any(|check| check.check == CheckId::Upgrading && check.found == "no rights"));
}

#[test]
fn mixed_builds_alone_may_be_overridden() {
    let mut facts = prod();
    let odd = crate::domain::facts::ServerFacts { build: "4.2.5.2".into(), ..server(2) };
    facts.cluster.servers = Known::Known(vec![server(1), odd]);
    let mut choices = choose(&["prod/pay"], Mode::Full);
    let fault = refused(&facts, &choices);
    assert!(fault.why.starts_with("The servers run 2 builds, as a half-finished upgrade leaves them: "), "{fault}");
    assert!(fault.next.contains("--skip one_build"), "{fault}");
    choices.skip = CheckId::ALL.into_iter().filter(|check| *check != CheckId::OneBuild).collect();
    assert!(plan(&facts, &choices).is_err(), "no other skip helps");
    choices.skip = [CheckId::OneBuild].into();
    let made = plan(&facts, &choices).unwrap();
    let check = made.checks.iter().find(|check| check.check == CheckId::OneBuild).unwrap();
    assert_eq!((check.result, check.found.starts_with("overridden: ")), (CheckResult::Warn, true));
    let skippable: Vec<&str> =
        CheckId::ALL.into_iter().filter(|check| check.may_be_skipped()).map(CheckId::name).collect();
    assert_eq!(skippable, ["one_build", "destination_proven", "owner", "managed"]);
}

#[test]
fn no_skip_overrides_any_other_gate() {
    let mut facts = prod();
    facts.tenants[2].running = vec![job("x")];
    let mut choices = choose(&["prod/pay"], Mode::Full);
    choices.skip = CheckId::ALL.into_iter().collect();
    assert_eq!(refused(&facts, &choices).cause, Cause::Busy);
}

#[test]
fn an_unknown_tenant_and_another_cluster_are_named() {
    let facts = cluster(vec![tenant(1002, "pay"), other_tenant(1004, "log")]);
    let fault = refused(&facts, &choose(&["prod/Pay"], Mode::Full));
    assert_eq!(fault.cause, Cause::Usage);
    assert_eq!(fault.what, "There is no tenant Pay on prod.");
    assert_eq!(fault.why, "Its user tenants are: pay, log.");
    let fault = refused(&cluster(vec![]), &choose(&["prod/pay"], Mode::Full));
    assert_eq!(fault.why, "It has no user tenants.");
    let fault = refused(&facts, &choose(&["test/pay"], Mode::Full));
    assert_eq!((fault.cause, fault.what.as_str()), (Cause::Usage, "test/pay is not of the cluster prod."));
    let fault = refused(&cluster(vec![]), &choose(&["prod"], Mode::Full));
    assert_eq!((fault.cause, fault.why.as_str()), (Cause::Precondition, "It has no user tenant."));
}

#[test]
fn a_tenant_whose_name_is_none_is_called_by_its_id() {
    let facts = cluster(vec![tenant(1002, "a/b")]);
    let made = plan(&facts, &choose(&["prod"], Mode::Full)).unwrap();
    let called = made.targets[0].target.clone();
    assert_eq!(called.to_string(), "prod/tenant 1002");
    assert_eq!(made.targets[0].tenant.name, "a/b", "statements name it as it is");
    let again = plan(&facts, &choose(&["prod/tenant 1002"], Mode::Full)).unwrap();
    assert_eq!(again.targets[0].tenant.id, 1002, "and it is found again under that");
}

fn seekdb() -> Facts {
    let mut facts = cluster(vec![]);
    facts.cluster.method = Method::Logical;
    facts.cluster.id = None;
    facts.cluster.version = Detected::read("seekdb-v1.4.0.0").unwrap().version;
    facts.cluster.servers = Known::NotChecked("one node".into());
    facts.cluster.backup_service =
        Some(BackupServiceFacts::Ready { release: "mydumper 0.10.0".into(), path: "/usr/bin/mydumper".into() });
    facts.tenants = vec![TenantFacts { data_destination: None, ..tenant(0, "") }];
    facts
}

fn dump(directory: &str, exclude: &[&str], makes: Option<bool>) -> Action {
    let exclude = ExcludedTables(exclude.iter().map(|name| (*name).to_owned()).collect());
    Action::StartDump { directory: directory.into(), exclude, makes }
}

#[test]
fn a_dump_leaves_out_what_is_excluded_and_makes_its_directory_only_where_that_is_said() {
    let mut facts = seekdb();
    let mut choices = choose(&["prod"], Mode::Full);
    choices.storage = Some(wanted(Some("file:///d"), None, crate::domain::choices::StorageSource::Given));
    choices.exclude = ExcludedTables(["pay.inv".to_owned(), "o.e.*".to_owned()].into());
    let place = |state| DumpDirectoryFacts { path: "/d".into(), state, on_root: true, free: Some(1), last: None };
    for (state, makes, effect) in [
        (
            DumpDirectoryState::There { empty: false },
            false,
            "mydumper on this host writes /d/<task>.<attempt> without o.e.*, pay.inv",
        ),
        (
            DumpDirectoryState::Missing { above: "/".into() },
            true,
            "makes the directory /d; mydumper on this host writes /d/<task>.<attempt> without o.e.*, pay.inv",
        ),
    ] {
        facts.cluster.dump_directory = Some(Known::Known(place(state)));
        let start = planned(&facts, &choices).step(StepKind::StartBackup).unwrap().clone();
        assert_eq!(start.effect, effect);
        assert_eq!(start.actions, [dump("/d", &["pay.inv", "o.e.*"], Some(makes))]);
    }
    facts.cluster.dump_directory = Some(Known::NotChecked("no answer".into()));
    let start = planned(&facts, &choices).step(StepKind::StartBackup).unwrap().clone();
    assert_eq!(start.actions, [dump("/d", &["pay.inv", "o.e.*"], Some(false))], "nobody confirmed that it is made");
    assert_eq!(dump_directory(&facts, &choices).as_deref(), Some("/d"));
    // A plan of an earlier release has neither field.
    let old: Action = serde_json::from_str(r#"{"start_dump":{"directory":"/d"}}"#).unwrap();
    assert_eq!(old, dump("/d", &[], None));
    assert_eq!(serde_json::to_string(&old).unwrap(), r#"{"start_dump":{"directory":"/d"}}"#);
    let physical = cluster(vec![tenant(1002, "pay")]);
    choices.storage = None;
    let fault = refused(&physical, &choices);
    assert!(fault.cause == Cause::Usage && fault.next.contains("--exclude-table"), "{fault}");
}

#[test]
fn a_logical_backup_is_a_dump_into_a_directory() {
    let facts = seekdb();
    let mut choices = choose(&["prod"], Mode::Full);
    let fault = refused(&facts, &choices);
    assert_eq!(fault.cause, Cause::Usage);
    assert!(fault.next.contains("--storage URI"), "{fault}");
    let given = crate::domain::choices::StorageSource::Given;
    choices.storage = Some(wanted(None, Some("file:///a"), given));
    choices.fallbacks = vec![wanted(Some("file:///dumps/{cluster}"), None, given)];
    let made = planned(&facts, &choices);
    assert_eq!((made.target.to_string(), made.mode, made.tenant.id), ("prod".into(), Mode::Full, 0));
    let kinds: Vec<StepKind> = made.steps.iter().map(|step| step.kind).collect();
    assert_eq!(kinds, samples::LOGICAL);
    let start = made.step(StepKind::StartBackup).unwrap();
    assert_eq!(start.actions, [dump("/dumps/prod", &[], None)]);
    assert!(made.notes[0].contains("users, routines, triggers and sequences"), "what is left out is listed");
    let writes = made.steps.iter().filter(|step| !step.actions.is_empty()).count();
    assert_eq!(writes, 1, "only the start writes");

    choices.storage = Some(wanted(Some("file:///d/{tenant}"), None, given));
    assert!(refused(&facts, &choices).why.contains("{tenant} stands for nothing here"));
    choices.storage = None;
    choices.mode = Mode::Incremental;
    let fault = refused(&facts, &choices);
    assert_eq!((fault.cause, fault.why.contains("always full")), (Cause::Precondition, true), "{fault}");
}

#[test]
fn a_logical_backup_to_an_object_storage_passes_through_this_host() {
    let mut facts = seekdb();
    facts.cluster.work = Some(WorkingDirectory { path: "/state/dumps".into(), free: Some(5 << 30) });
    let given = crate::domain::choices::StorageSource::Given;
    let mut choices = choose(&["prod"], Mode::Full);
    let mut storage = wanted(Some("oss://b/{cluster}/x?host=h&access_id=i"), None, given);
    storage.access_key = Some(SecretSource::Env("KEY".into()));
    choices.storage = Some(storage.clone());
    let made = planned(&facts, &choices);
    let kinds: Vec<StepKind> = made.steps.iter().map(|step| step.kind).collect();
    assert_eq!(kinds, samples::UPLOADED);
    let start = made.step(StepKind::StartBackup).unwrap();
    assert_eq!(start.actions, [dump("/state/dumps", &[], None)]);
    let upload = made.step(StepKind::Upload).unwrap();
    let destination = Destination::parse_user("oss://b/prod/x?host=h&access_id=i").unwrap();
    assert_eq!(upload.actions, [Action::Upload { destination, access_key: storage.access_key.clone() }]);
    assert!(upload.effect.starts_with("every file goes to oss://b/prod/x/<task>.<attempt>/, the manifest last"));
    assert!(made.notes[1].contains("/state/dumps on this host: 5.0 GiB free; whether it fits is not checked"));
    let plan = crate::domain::plan::plan(&facts, &choices).unwrap();
    assert_eq!(plan.access_key(), storage.access_key, "it is resolved before the start");

    let work = |last| DumpDirectoryFacts {
        path: "/state/dumps".into(),
        state: DumpDirectoryState::Missing { above: "/state".into() },
        on_root: true,
        free: Some(5 << 30),
        last,
    };
    facts.cluster.dump_directory = Some(Known::Known(work(Some(1 << 30))));
    let made = planned(&facts, &choices);
    assert!(made.notes[1].ends_with("5.0 GiB free; the last dump there has 1.0 GiB."), "{}", made.notes[1]);
    let start = made.step(StepKind::StartBackup).unwrap();
    assert_eq!(start.actions, [dump("/state/dumps", &[], Some(true))], "obnow's own directory");
    assert!(start.effect.starts_with("mydumper on this host writes"));
    let of_dumps = |facts: &Facts| {
        let checks = crate::domain::plan::plan(facts, &choices).unwrap().checks;
        let ids = [CheckId::DumpDirectory, CheckId::FreeSpace];
        checks.into_iter().map(|check| check.check).filter(|check| ids.contains(check)).collect::<Vec<_>>()
    };
    assert_eq!(of_dumps(&facts), [CheckId::FreeSpace], "that it is missing is nobody's business");

    facts.cluster.work = None;
    assert!(refused(&facts, &choices).why.contains("Nobody said where on this host"));
    for (uri, key, said) in [
        ("oss://b/x?host=h&access_id=i", None, "An upload to oss://b/x needs its access key."),
        ("oss://b/x?host=h", storage.access_key.clone(), "An upload to oss needs access_id"),
        ("s3://b/x?host=h&role_arn=r", storage.access_key.clone(), "obnow does not assume roles"),
    ] {
        choices.storage = Some(RequestedStorage { access_key: key, ..wanted(Some(uri), None, given) });
        assert!(refused(&facts, &choices).to_string().contains(said), "{uri}: {}", refused(&facts, &choices));
    }
}

#[test]
fn without_the_backup_service_there_is_no_dump() {
    let mut facts = seekdb();
    let missing = Fault::new(Cause::Precondition, "mydumper is not there.", "Not on PATH.", "Install it.");
    facts.cluster.backup_service = Some(BackupServiceFacts::Missing(missing));
    let mut choices = choose(&["prod"], Mode::Full);
    choices.storage = Some(wanted(Some("file:///d"), None, crate::domain::choices::StorageSource::Given));
    let fault = refused(&facts, &choices);
    assert_eq!((fault.why.as_str(), fault.next.as_str()), ("mydumper is not there. Not on PATH.", "Install it."));
}
