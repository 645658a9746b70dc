//! Tests of the checks below V4.

use super::*;
use crate::domain::choices::CompactionChoice;
use crate::domain::cluster_backup::{ClusterBackupFacts, ClusterRole, CompactionFacts, CompactionRule};
use crate::domain::samples::{legacy, wanted, whole};

const OLD: u64 = 10_000;
const YOUNG: u64 = 100;

fn checks_of(
    mode: Mode,
    compact: CompactionChoice,
    frozen: u64,
    change: impl Fn(&mut ClusterBackupFacts),
) -> Vec<Check> {
    let mut facts = legacy("3.1.2", CompactionRule::Enforced, frozen);
    change(whole(&mut facts));
    cluster_checks(&facts, &Choices { compact, ..choose(&["legacy"], mode) })
}

fn full_of(change: impl Fn(&mut ClusterBackupFacts)) -> Vec<Check> {
    checks_of(Mode::Full, CompactionChoice::Never, YOUNG, change)
}

fn compaction(whole: &mut ClusterBackupFacts) -> &mut CompactionFacts {
    let Known::Known(compaction) = &mut whole.compaction else { unreachable!() };
    compaction
}

fn names(checks: &[Check]) -> Vec<(&'static str, CheckResult)> {
    checks.iter().map(|check| (check.check.name(), check.result)).collect()
}

#[test]
fn a_healthy_cluster_below_v4_passes_everything_it_can() {
    let facts = legacy("3.1.2", CompactionRule::Enforced, YOUNG);
    let choices = choose(&["legacy"], Mode::Full);
    let checks = cluster_checks(&facts, &choices);
    assert_eq!(
        names(&checks),
        [
            ("version", PASS),
            ("upgrading", PASS),
            ("one_build", PASS),
            ("servers", PASS),
            ("privileges", PASS),
            ("role", PASS),
            ("compaction", PASS),
            ("timestamp_service", NOT_CHECKED),
            ("encryption_keys", NOT_CHECKED),
            ("clock", PASS),
            ("every_server_writes", NOT_CHECKED),
        ]
    );
    assert_eq!(told(&checks, CheckId::Role).1, "PRIMARY cluster");
    let last = "none is needed; last freeze 2026-11-20 10:58:20 +08:00 (server time), version 5, IDLE";
    assert_eq!(told(&checks, CheckId::Compaction).1, last);
    let tenants = tenant_checks(&facts, &facts.tenants[1], &choices);
    assert_eq!(
        names(&tenants),
        [
            ("tenant", PASS),
            ("another_backup", PASS),
            ("destination", PASS),
            ("log_archiving", PASS),
            ("archive_lag", PASS),
            ("delete_policy", PASS),
            ("cleanup", PASS),
        ]
    );
}

#[test]
fn a_standby_cluster_is_refused_and_its_primary_named() {
    let standby = |primary| {
        let role = ClusterRole { word: "PHYSICAL STANDBY".into(), primary };
        full_of(move |whole| whole.role = Known::Known(role.clone()))
    };
    let checks = standby(Some(7));
    let refusal = checks.iter().find(|check| check.refuses()).unwrap();
    assert_eq!(refusal.check, CheckId::Role);
    assert_eq!(refusal.found, "the cluster is PHYSICAL STANDBY, and before V4 only a primary can be backed up");
    assert_eq!(refusal.fix, "Back up the primary, cluster id 7, to a directory of its own.");
    let fix = standby(None).into_iter().find(Check::refuses).unwrap().fix;
    assert_eq!(fix, "Back up its primary, to a directory of its own.");
    let unknown = full_of(|whole| whole.role = Known::NotChecked("no view".into()));
    assert_eq!(told(&unknown, CheckId::Role), (NOT_CHECKED, "no view"));
}

#[test]
fn what_a_compaction_will_come_to_is_said_before() {
    let told_of = |compact, change: fn(&mut ClusterBackupFacts)| {
        let checks = checks_of(Mode::Full, compact, OLD, change);
        let (result, found) = told(&checks, CheckId::Compaction);
        (result, found.to_owned())
    };
    let why = "the last major compaction (2026-11-20 08:13:20 +08:00) is older than the start of log archiving \
               (2026-11-20 08:30:00 +08:00)";
    let fails = format!("step 5 will fail: Cluster compaction needed before full data backup: {why}");
    assert_eq!(told_of(CompactionChoice::Never, |_| {}), (WARN, fails.clone()));
    let performs = "step 5 performs a major compaction of ALL 2 tenants of legacy";
    assert_eq!(
        told_of(CompactionChoice::Auto, |_| {}),
        (WARN, format!("{performs}: {why}; the last one took 1 h 52 min"))
    );
    let off = told_of(CompactionChoice::Auto, |whole| compaction(whole).enabled = false);
    assert_eq!(off, (WARN, format!("{fails}, and enable_major_freeze is off")));
    let broken = told_of(CompactionChoice::Auto, |whole| compaction(whole).has_error = true);
    assert_eq!(broken, (WARN, format!("{fails}, and the merge of version 5 has met an error")));
    let young = full_of(|whole| compaction(whole).has_error = true);
    let found = "none is needed now; the merge of version 5 has met an error";
    assert_eq!(told(&young, CheckId::Compaction), (WARN, found));
    let backed_up = full_of(|whole| compaction(whole).backed_up_version = Some(5));
    let found = "frozen version 5 is already backed up: this backup has the same base data";
    assert_eq!(told(&backed_up, CheckId::Compaction), (WARN, found));
    let incremental = checks_of(Mode::Incremental, CompactionChoice::Never, OLD, |_| {});
    assert_eq!(told(&incremental, CheckId::Compaction), (PASS, "an incremental never compacts"));
}

/// R15: the server answers 9044, so nothing is started.
#[test]
fn a_running_cleanup_refuses_the_start() {
    let mut facts = legacy("3.1.2", CompactionRule::Enforced, YOUNG);
    facts.tenants[1].cleanup = Known::Known(Some("cleanup job 4 (DELETE OBSOLETE BACKUP) is DOING".into()));
    let checks = tenant_checks(&facts, &facts.tenants[1], &choose(&["legacy"], Mode::Full));
    let refusal = checks.iter().find(|check| check.refuses()).unwrap();
    assert_eq!((refusal.check, refusal.cause), (CheckId::Cleanup, Cause::Precondition));
    assert_eq!(refusal.found, "cleanup job 4 (DELETE OBSOLETE BACKUP) is DOING");
}

#[test]
fn tenants_without_gts_and_servers_that_disagree_are_named() {
    let gts = full_of(|whole| whole.without_gts = Known::Known(vec!["pay".into()]));
    assert_eq!(told(&gts, CheckId::TimestampService), (FAIL, "without GTS no tenant can be backed up before V4: pay"));
    let all = full_of(|whole| whole.without_gts = Known::Known(Vec::new()));
    assert_eq!(told(&all, CheckId::TimestampService), (PASS, "every tenant uses GTS"));
    let apart = full_of(|whole| whole.destinations.push(None));
    let found = "backup_dest differs between servers (2 values): a change of it is on its way";
    assert_eq!(told(&apart, CheckId::Destination), (WARN, found));
}

#[test]
fn a_read_only_tenant_and_a_storage_the_version_does_not_know() {
    let mut facts = legacy("3.1.2", CompactionRule::Enforced, YOUNG);
    facts.tenants[1].read_only = true;
    let checks = tenant_checks(&facts, &facts.tenants[1], &choose(&["legacy"], Mode::Full));
    assert_eq!(told(&checks, CheckId::Tenant), (PASS, "tenant 1001, NORMAL, read only"));
    let mut v4 = prod();
    v4.cluster.version = Detected::read("OceanBase 4.1.0.0").unwrap().version;
    let mut s3 = choose(&["prod/pay"], Mode::Full);
    let uri = "s3://bucket/backup?host=h&access_id=i";
    s3.storage = Some(wanted(Some(uri), None, crate::domain::choices::StorageSource::Given));
    let checks = tenant_checks(&v4, &v4.tenants[2], &s3);
    let (result, found) = told(&checks, CheckId::Destination);
    let why = "V4.1.0.0 does not back up to s3; that is supported since V4.2.1.7, V4.2.3 and V4.3.0";
    assert!(result == FAIL && found.ends_with(why), "{result:?} {found}");
}

#[test]
fn whose_a_new_destination_is_cannot_be_told() {
    let facts = legacy("3.1.2", CompactionRule::Enforced, YOUNG);
    let tenants: Vec<&TenantFacts> = facts.tenants.iter().collect();
    let of = |choices: &Choices| checks_below_v4(&facts, &tenants, choices);
    let kept = choose(&["legacy"], Mode::Full);
    assert!(of(&kept).is_empty(), "nothing is set");
    let storage = Some(wanted(Some("file:///new"), None, crate::domain::choices::StorageSource::Given));
    let moved = Choices { storage, ..kept };
    let told = of(&moved);
    let not_checked = CheckResult::NotChecked;
    assert_eq!(names(&told), [("destination_proven", not_checked), ("owner", not_checked)]);
    assert!(told[1].found.starts_with("whose file:///new is: below V4 a directory has no format file"), "{told:?}");
    // What is confirmed says so too.
    let planned = crate::domain::plan::plan(&facts, &moved).unwrap();
    assert!(told.iter().all(|check| planned.checks.contains(check)), "{:?}", planned.checks);
    let v4 = prod();
    let users: Vec<&TenantFacts> = v4.tenants.iter().collect();
    let storage = Some(wanted(Some("file:///new"), None, crate::domain::choices::StorageSource::Given));
    assert!(checks_below_v4(&v4, &users, &Choices { storage, ..choose(&["prod"], Mode::Full) }).is_empty());
}
