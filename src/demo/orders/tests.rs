//! What is refused, with the words of the server, and what a destination leaves behind.
#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

use crate::demo::statement::{Alter, BackupScope, Tenants};
use crate::demo::testing::{Bench, full, listed};

fn uri(bench: &Bench, path: &str) -> String {
    format!("file://{}/{path}", bench.data.path().display())
}

#[test]
fn the_first_ineligible_of_a_list_refuses_all_and_database_skips_it() {
    let mut bench = Bench::tenants("  - {names: [pay]}\n  - {names: [off], archive: STOP}");
    let refused = bench.say("sys", &full(&["pay", "off"])).unwrap_err();
    assert_eq!(refused, (9040, "backup can not start, because log archive status is not doing.".to_owned()));
    assert!(bench.cluster().jobs.is_empty());
    bench.say("sys", &full(&[])).unwrap();
    assert_eq!(bench.job("sys").unwrap().executors, [1002]);
}

#[test]
fn database_with_nobody_eligible_says_what_to_look_at() {
    let mut bench = Bench::tenants("  - {names: [off], archive: STOP}");
    let (code, message) = bench.say("sys", &full(&[])).unwrap_err();
    assert_eq!(code, 9040);
    assert!(message.contains("no tenant meets the backup condition, please check the tenant status,"), "{message}");
}

#[test]
fn each_obstacle_has_its_text() {
    let lines = "  - {names: [bare], destinations: false, archive: null, sets: []}\n  - {names: [bin], recycled: true}\n  \
                 - {names: [clone], role: CLONE}";
    let mut bench = Bench::tenants(lines);
    let mut why = |tenant: &str| bench.say("sys", &full(&[tenant])).unwrap_err();
    assert_eq!(why("bare").1, "backup can not start, because backup dest is not set.");
    assert_eq!(why("bin").1, "backup can not start, because tenant status is not normal.");
    assert_eq!(why("clone").1, "backup can not start, because tenant status is not normal.");
    assert_eq!(why("nobody").0, 5160);
    assert_eq!(bench.say("bare", &full(&[])).unwrap_err().1, "backup can not start");
}

#[test]
fn a_standby_may_be_backed_up() {
    let mut bench = Bench::scenario("healthy");
    bench.say("sys", &full(&["dr"])).unwrap();
}

#[test]
fn a_user_tenant_names_no_tenants() {
    let mut bench = Bench::scenario("healthy");
    assert_eq!(bench.say("pay", &full(&["pay"])).unwrap_err().0, 1235);
    assert_eq!(bench.say("pay", &Alter::CancelBackup(listed(&["pay"]))).unwrap_err().0, 1227);
    let to = Some("file:///x".to_owned());
    let (scope, description) = (BackupScope::Database, None);
    let backup = Alter::Backup { incremental: false, scope, to, plus_archivelog: false, description };
    assert_eq!(bench.say("sys", &backup).unwrap_err().0, 1235);
}

#[test]
fn of_all_tenants_nobody_is_told_who_failed() {
    let mut bench = Bench::scenario("archiving-off");
    assert_eq!(bench.archive(true, listed(&["report", "pay"])).unwrap_err().0, 9091);
    assert!(!bench.tenant("pay").archivelog);
    bench.archive(true, Tenants::Unnamed).unwrap();
    assert!(bench.tenant("pay").archivelog && bench.tenant("order").archivelog);
    assert_eq!(bench.archive(true, Tenants::Word("all_meta".to_owned())).unwrap_err().0, 1235);
}

#[test]
fn a_destination_is_refused_with_the_code_of_its_mistake() {
    let mut bench = Bench::scenario("healthy");
    let mut code = |value: &str| bench.set("data_backup_dest", value, "pay").unwrap_err().0;
    assert_eq!(code("nonsense"), 9026);
    assert_eq!(code("file://relative"), 9026);
    assert_eq!(code("oss://b/p?host=h&access_id=a"), 9026);
    assert_eq!(code("oss://b/p?host=h&access_id=a&encrypt_key=00"), 9026);
    assert_eq!(code("cos://b/p?host=h&access_id=a&access_key=k"), 9026);
    assert_eq!(bench.set("data_backup_dest", "file:///b", "sys").unwrap_err().0, 1235);
    assert_eq!(bench.set("data_backup_dest", "file:///b", "nobody").unwrap_err().0, 5160);
    bench.say("sys", &full(&["pay"])).unwrap();
    bench.pass(2_000);
    let other = uri(&bench, "other");
    assert_eq!(bench.set("data_backup_dest", &other, "pay").unwrap_err().0, 9036);
    bench.set("data_backup_dest", &other, "order").unwrap();
}

#[test]
fn a_directory_is_one_tenants_for_one_kind() {
    let mut bench = Bench::scenario("healthy");
    let mine = uri(&bench, "mine");
    bench.set("data_backup_dest", &mine, "pay").unwrap();
    bench.set("data_backup_dest", &mine, "pay").unwrap();
    assert!(bench.data.path().join("mine/format.obbak").is_file());
    assert_eq!(bench.set("data_backup_dest", &mine, "order").unwrap_err().0, 9081);
    bench.set("data_backup_dest", "file:///mnt/nfs/x", "pay").unwrap();
    assert_eq!(bench.set("data_backup_dest", "file:///mnt/nfs/x/", "order").unwrap_err().0, 9081);
    std::fs::create_dir(bench.data.path().join("full")).unwrap();
    std::fs::write(bench.data.path().join("full/a-file"), "x").unwrap();
    let full = uri(&bench, "full");
    assert_eq!(bench.set("data_backup_dest", &full, "pay").unwrap_err().0, 9080);
}

#[test]
fn log_archive_dest_is_whole_and_needs_the_archive_stopped() {
    let mut bench = Bench::scenario("archiving-off");
    let location = format!("LOCATION={}", uri(&bench, "log"));
    let running = bench.set("log_archive_dest", &location, "report").unwrap_err();
    assert_eq!(running, (1235, "change archive dest when archive is running is not supported".to_owned()));
    let mut code = |value: &str| bench.set("log_archive_dest", value, "pay").unwrap_err();
    assert_eq!(code("BINDING=Optional").1, "set archive dest without location is not supported");
    assert_eq!(code(&format!("{location} PIECE_SWITCH_INTERVAL=8d")).0, 1235);
    assert_eq!(code(&format!("{location} FLAVOUR=sweet")).0, 1235);
    assert_eq!(code("LOCATION=s3://b/p?host=h&access_id=a&access_key=k").0, 4179);
    bench.set("log_archive_dest", &format!("{location} BINDING=Mandatory PIECE_SWITCH_INTERVAL=3d"), "pay").unwrap();
    bench.set("log_archive_dest", &location, "pay").unwrap();
    let dest = bench.tenant("pay").archive.as_ref().unwrap();
    assert_eq!((dest.binding.as_str(), dest.piece_switch_interval.as_str()), ("Optional", "1d"));
    bench.set("archive_lag_target", "60s", "pay").unwrap();
    bench.set("log_archive_dest", "LOCATION=s3://b/p?host=h&access_id=a&access_key=k", "pay").unwrap();
}
