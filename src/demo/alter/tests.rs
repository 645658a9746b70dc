//! Tests of refused statements with the server's messages, and of destinations.
#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

use crate::demo::harness::{DemoHarness, full_backup, named_tenants};
use crate::demo::statement::{Alter, BackupScope, Tenants, Value};

fn uri(bench: &DemoHarness, path: &str) -> String {
    format!("file://{}/{path}", bench.data.path().display())
}

#[test]
fn ineligible_tenant_refuses_a_list_not_database() {
    let mut bench = DemoHarness::with_tenants("  - {names: [pay]}\n  - {names: [off], archive: STOP}");
    let refused = bench.execute("sys", &full_backup(&["pay", "off"])).unwrap_err();
    assert_eq!(refused, (9040, "backup can not start, because log archive status is not doing.".to_owned()));
    assert!(bench.cluster().jobs.is_empty());
    bench.execute("sys", &full_backup(&[])).unwrap();
    assert_eq!(bench.job("sys").unwrap().executors, [1002]);
}

#[test]
fn database_with_nobody_eligible_says_what_to_look_at() {
    let mut bench = DemoHarness::with_tenants("  - {names: [off], archive: STOP}");
    let (code, message) = bench.execute("sys", &full_backup(&[])).unwrap_err();
    assert_eq!(code, 9040);
    assert!(message.contains("no tenant meets the backup condition, please check the tenant status,"), "{message}");
}

#[test]
fn each_obstacle_has_its_text() {
    let lines = "  - {names: [bare]}\n  - {names: [bin], recycled: true}\n  - {names: [clone], role: CLONE}";
    let mut bench = DemoHarness::with_tenants(lines);
    let mut why = |tenant: &str| bench.execute("sys", &full_backup(&[tenant])).unwrap_err();
    assert_eq!(why("bin").1, "backup can not start, because tenant status is not normal.");
    assert_eq!(why("clone").1, "backup can not start, because tenant status is not normal.");
    assert_eq!(why("nobody").0, 5160);
    bench.set_item("data_backup_dest", "", "bare").unwrap();
    let mut why = |who: &str, tenant: &[&str]| bench.execute(who, &full_backup(tenant)).unwrap_err().1;
    assert_eq!(why("sys", &["bare"]), "backup can not start, because backup dest is not set.");
    assert_eq!(why("bare", &[]), "backup can not start");
}

#[test]
fn a_standby_may_be_backed_up() {
    let mut bench = DemoHarness::from_scenario("healthy");
    bench.execute("sys", &full_backup(&["dr"])).unwrap();
}

#[test]
fn a_user_tenant_names_no_tenants() {
    let mut bench = DemoHarness::from_scenario("healthy");
    assert_eq!(bench.execute("pay", &full_backup(&["pay"])).unwrap_err().0, 1235);
    assert_eq!(bench.execute("pay", &Alter::CancelBackup(named_tenants(&["pay"]))).unwrap_err().0, 1227);
    let to = Some("file:///x".to_owned());
    let (scope, description) = (BackupScope::Database, None);
    let backup = Alter::Backup { incremental: false, scope, to, plus_archivelog: false, description };
    assert_eq!(bench.execute("sys", &backup).unwrap_err().0, 1235);
}

#[test]
fn sys_archivelog_reports_only_the_last_switch_off() {
    let mut bench = DemoHarness::from_scenario("archiving-off");
    bench.switch_archive(true, named_tenants(&["report", "pay"])).unwrap();
    assert!(bench.tenant("pay").archivelog, "the others obey");
    bench.switch_archive(true, Tenants::Unnamed).unwrap();
    assert!(bench.tenant("pay").archivelog && bench.tenant("order").archivelog);
    assert_eq!(bench.switch_archive(true, Tenants::Keyword("all_meta".to_owned())).unwrap_err().0, 1235);
    bench.switch_archive(false, named_tenants(&["order"])).unwrap();
    bench.switch_archive(false, named_tenants(&["order", "report"])).unwrap();
    assert_eq!(bench.switch_archive(false, named_tenants(&["pay", "report"])).unwrap_err().0, 9092);
    let event = |event: &str| {
        let all = bench.cluster().events.iter().filter(|known| known.event == event);
        all.map(|event| event.items[1].1.clone()).collect::<Vec<_>>()
    };
    assert_eq!(event("open_archive_mode"), ["-9091", "0", "-9091", "0", "-9091"]);
    assert_eq!(event("close_archive_mode"), ["0", "-9092", "0", "0", "-9092"]);
    let own = Alter::ArchiveLog { on: true, tenants: Tenants::Unnamed, description: None };
    bench.execute("pay", &own).unwrap();
    assert_eq!(bench.execute("pay", &own).unwrap_err().0, 9091, "a tenant itself is told");
}

#[test]
fn checks_come_in_the_order_of_the_server() {
    let off = "  - {names: [pay], archive: STOP}\n  - {names: [bare], destinations: false, archive: null, sets: []}\n  \
               - {names: [late]}";
    let mut bench = DemoHarness::with_tenants(off);
    let mut why = |who: &str, tenant: &[&str]| bench.execute(who, &full_backup(tenant)).unwrap_err().1;
    // From sys the archive is looked at before the destination, in a tenant the destination first.
    assert_eq!(why("sys", &["bare"]), "backup can not start, because log archive status is not doing.");
    assert_eq!(why("bare", &[]), "backup can not start");
    assert_eq!(why("pay", &[]), "backup can not start, because log archive status is not doing.");
    bench.fleet.clusters[0].parameters.insert("enable_upgrade_mode".to_owned(), "True".to_owned());
    bench.execute("late", &full_backup(&[])).unwrap_err();
    let late = bench.tenant("late").id;
    crate::demo::simulation::archive::interrupt_round(
        &mut bench.fleet.clusters[0],
        late,
        &[],
        1,
        crate::demo::harness::NOW,
    );
    let why = bench.execute("late", &full_backup(&[])).unwrap_err().1;
    assert_eq!(why, "backup can not start, because log archive status is not doing.", "the upgrade is looked at last");
}

#[test]
fn a_destination_is_refused_with_the_code_of_its_mistake() {
    let mut bench = DemoHarness::from_scenario("healthy");
    let mut code = |value: &str| bench.set_item("data_backup_dest", value, "pay").unwrap_err().0;
    assert_eq!(code("nonsense"), 9026);
    assert_eq!(code("file://relative"), 9026);
    assert_eq!(code("oss://b/p?host=h&access_id=a"), 9026);
    assert_eq!(code("oss://b/p?host=h&access_id=a&encrypt_key=00"), 9026);
    assert_eq!(code("cos://b/p?host=h&access_id=a&access_key=k"), 9026);
    assert_eq!(bench.set_item("data_backup_dest", "file:///b", "sys").unwrap_err().0, 1235);
    assert_eq!(bench.set_item("data_backup_dest", "file:///b", "nobody").unwrap_err().0, 5160);
    bench.execute("sys", &full_backup(&["pay"])).unwrap();
    bench.advance_ms(2_000);
    let other = uri(&bench, "other");
    assert_eq!(bench.set_item("data_backup_dest", &other, "pay").unwrap_err().0, 9036);
    bench.set_item("data_backup_dest", &other, "order").unwrap();
}

#[test]
fn a_directory_is_one_tenants_for_one_kind() {
    let mut bench = DemoHarness::from_scenario("healthy");
    let mine = uri(&bench, "mine");
    bench.set_item("data_backup_dest", &mine, "pay").unwrap();
    bench.set_item("data_backup_dest", &mine, "pay").unwrap();
    assert!(bench.data.path().join("mine/format.obbak").is_file());
    assert_eq!(bench.set_item("data_backup_dest", &mine, "order").unwrap_err().0, 9081);
    bench.set_item("data_backup_dest", "file:///mnt/nfs/x", "pay").unwrap();
    assert_eq!(bench.set_item("data_backup_dest", "file:///mnt/nfs/x/", "order").unwrap_err().0, 9081);
    std::fs::create_dir(bench.data.path().join("full")).unwrap();
    std::fs::write(bench.data.path().join("full/a-file"), "x").unwrap();
    let full = uri(&bench, "full");
    assert_eq!(bench.set_item("data_backup_dest", &full, "pay").unwrap_err().0, 9080);
}

#[test]
fn reset_data_dest_without_format_file_deletes_sets() {
    let mut bench = DemoHarness::from_scenario("healthy");
    let data = uri(&bench, "demo/pay/data");
    let (old, other) = (bench.tenant("pay").data_dest.clone().unwrap().dest_id, uri(&bench, "other"));
    bench.set_item("data_backup_dest", &other, "pay").unwrap();
    bench.set_item("data_backup_dest", &data, "pay").unwrap();
    assert_eq!(bench.tenant("pay").data_dest.as_ref().unwrap().dest_id, old, "the format file is there");
    assert!(bench.tenant("pay").sets.iter().all(|set| set.file_status == "AVAILABLE"));
    std::fs::remove_file(bench.data.path().join("demo/pay/data/format.obbak")).unwrap();
    bench.set_item("data_backup_dest", &data, "pay").unwrap();
    let new = bench.tenant("pay").data_dest.as_ref().unwrap().dest_id;
    assert!(new > old);
    assert!(bench.tenant("pay").sets.iter().all(|set| set.file_status == "DELETED"));
    assert!(bench.tenant("order").sets.iter().all(|set| set.file_status == "AVAILABLE"));
    // The directory as it was before is somebody else's from now on.
    let theirs = bench.data.path().join("demo/order/data/format.obbak");
    std::fs::copy(theirs, bench.data.path().join("demo/pay/data/format.obbak")).unwrap();
    assert_eq!(bench.set_item("data_backup_dest", &data, "pay").unwrap_err().0, 9081);
}

#[test]
fn reset_log_dest_without_format_file_deletes_pieces() {
    let mut bench = DemoHarness::from_scenario("archiving-off");
    std::fs::remove_file(bench.data.path().join("demo/pay/clog/format.obbak")).unwrap();
    let location = format!("LOCATION={}", uri(&bench, "demo/pay/clog"));
    bench.set_item("log_archive_dest", &location, "pay").unwrap();
    let tenants = bench.column("CDB_OB_ARCHIVELOG_PIECE_FILES", "TENANT_ID");
    let files = bench.column("CDB_OB_ARCHIVELOG_PIECE_FILES", "FILE_STATUS");
    let of_pay = tenants.iter().zip(files).filter(|(tenant, _)| **tenant == Value::Integer(1002)).map(|(_, file)| file);
    let of_pay: Vec<Value> = of_pay.collect();
    assert!(of_pay.len() > 20 && of_pay.iter().all(|file| *file == Value::Text("DELETED".to_owned())), "{of_pay:?}");
}

#[test]
fn every_path_names_the_endpoint_of_object_storage() {
    let mut bench = DemoHarness::from_scenario("archiving-off");
    let uri = "oss://b/p?access_id=a&access_key=k&host=oss.example.com";
    bench.set_item("data_backup_dest", uri, "report").unwrap();
    bench.execute("sys", &full_backup(&["report"])).unwrap();
    bench.advance_ms(60_000);
    let path = Value::Text("oss://b/p?host=oss.example.com".to_owned());
    for view in ["CDB_OB_BACKUP_SET_FILES", "CDB_OB_BACKUP_JOB_HISTORY", "CDB_OB_BACKUP_TASK_HISTORY"] {
        assert!(bench.column(view, "PATH").contains(&path), "{view}");
    }
    let uri = "LOCATION=oss://b/log?host=oss.example.com&access_id=a&access_key=k";
    bench.set_item("log_archive_dest", uri, "pay").unwrap();
    bench.switch_archive(true, named_tenants(&["pay"])).unwrap();
    bench.advance_ms(5_000);
    let path = Value::Text("oss://b/log?host=oss.example.com".to_owned());
    for view in ["CDB_OB_ARCHIVELOG", "CDB_OB_ARCHIVELOG_PIECE_FILES"] {
        assert!(bench.column(view, "PATH").contains(&path), "{view}");
    }
    let stored = bench.column("CDB_OB_BACKUP_STORAGE_INFO", "PATH");
    assert!(stored.contains(&Value::Text("oss://b/p".to_owned())), "{stored:?}");
}

#[test]
fn log_archive_dest_is_whole_and_needs_the_archive_stopped() {
    let mut bench = DemoHarness::from_scenario("archiving-off");
    let location = format!("LOCATION={}", uri(&bench, "log"));
    let running = bench.set_item("log_archive_dest", &location, "report").unwrap_err();
    assert_eq!(running, (1235, "change archive dest when archive is running is not supported".to_owned()));
    let mut code = |value: &str| bench.set_item("log_archive_dest", value, "pay").unwrap_err();
    assert_eq!(code("BINDING=Optional").1, "set archive dest without location is not supported");
    assert_eq!(code(&format!("{location} PIECE_SWITCH_INTERVAL=8d")).0, 1235);
    assert_eq!(code(&format!("{location} FLAVOUR=sweet")).0, 1235);
    assert_eq!(code("LOCATION=s3://b/p?host=h&access_id=a&access_key=k").0, 4179);
    bench
        .set_item("log_archive_dest", &format!("{location} BINDING=Mandatory PIECE_SWITCH_INTERVAL=3d"), "pay")
        .unwrap();
    bench.set_item("log_archive_dest", &location, "pay").unwrap();
    let dest = bench.tenant("pay").archive_dest.as_ref().unwrap();
    assert_eq!((dest.binding.as_str(), dest.piece_switch_interval.as_str()), ("Optional", "1d"));
    bench.set_item("archive_lag_target", "60s", "pay").unwrap();
    bench.set_item("log_archive_dest", "LOCATION=s3://b/p?host=h&access_id=a&access_key=k", "pay").unwrap();
}
