//! Tests of refused statements with the server's messages, and of destinations.
#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

use crate::demo::harness::{DemoHarness, full_backup, named_tenants};
use crate::demo::statement::{Alter, BackupScope, Tenants, Value};

fn uri(harness: &DemoHarness, path: &str) -> String {
    format!("file://{}/{path}", harness.data.path().display())
}

#[test]
fn ineligible_tenant_refuses_a_list_not_database() {
    let mut harness = DemoHarness::with_tenants("  - {names: [pay]}\n  - {names: [off], archive: STOP}");
    let refused = harness.execute("sys", &full_backup(&["pay", "off"])).unwrap_err();
    assert_eq!(refused, (9040, "backup can not start, because log archive status is not doing.".to_owned()));
    assert!(harness.cluster().jobs.is_empty());
    harness.execute("sys", &full_backup(&[])).unwrap();
    assert_eq!(harness.job("sys").unwrap().executors, [1002]);
}

#[test]
fn database_with_nobody_eligible_says_what_to_look_at() {
    let mut harness = DemoHarness::with_tenants("  - {names: [off], archive: STOP}");
    let (code, message) = harness.execute("sys", &full_backup(&[])).unwrap_err();
    assert_eq!(code, 9040);
    assert!(message.contains("no tenant meets the backup condition, please check the tenant status,"), "{message}");
}

#[test]
fn each_obstacle_has_its_text() {
    let lines = "  - {names: [bare]}\n  - {names: [bin], recycled: true}\n  - {names: [clone], role: CLONE}";
    let mut harness = DemoHarness::with_tenants(lines);
    let mut why = |tenant: &str| harness.execute("sys", &full_backup(&[tenant])).unwrap_err();
    assert_eq!(why("bin").1, "backup can not start, because tenant status is not normal.");
    assert_eq!(why("clone").1, "backup can not start, because tenant status is not normal.");
    assert_eq!(why("nobody").0, 5160);
    harness.set_item("data_backup_dest", "", "bare").unwrap();
    let mut why = |who: &str, tenant: &[&str]| harness.execute(who, &full_backup(tenant)).unwrap_err().1;
    assert_eq!(why("sys", &["bare"]), "backup can not start, because backup dest is not set.");
    assert_eq!(why("bare", &[]), "backup can not start");
}

#[test]
fn a_standby_may_be_backed_up() {
    let mut harness = DemoHarness::from_scenario("healthy");
    harness.execute("sys", &full_backup(&["dr"])).unwrap();
}

#[test]
fn a_user_tenant_names_no_tenants() {
    let mut harness = DemoHarness::from_scenario("healthy");
    assert_eq!(harness.execute("pay", &full_backup(&["pay"])).unwrap_err().0, 1235);
    assert_eq!(harness.execute("pay", &Alter::CancelBackup(named_tenants(&["pay"]))).unwrap_err().0, 1227);
    let to = Some("file:///x".to_owned());
    let (scope, description) = (BackupScope::Database, None);
    let backup = Alter::Backup { incremental: false, scope, to, plus_archivelog: false, description };
    assert_eq!(harness.execute("sys", &backup).unwrap_err().0, 1235);
}

#[test]
fn sys_archivelog_reports_only_the_last_switch_off() {
    let mut harness = DemoHarness::from_scenario("archiving-off");
    harness.switch_archive(true, named_tenants(&["report", "pay"])).unwrap();
    assert!(harness.tenant("pay").archivelog, "the others obey");
    harness.switch_archive(true, Tenants::Unnamed).unwrap();
    assert!(harness.tenant("pay").archivelog && harness.tenant("order").archivelog);
    assert_eq!(harness.switch_archive(true, Tenants::Keyword("all_meta".to_owned())).unwrap_err().0, 1235);
    harness.switch_archive(false, named_tenants(&["order"])).unwrap();
    harness.switch_archive(false, named_tenants(&["order", "report"])).unwrap();
    assert_eq!(harness.switch_archive(false, named_tenants(&["pay", "report"])).unwrap_err().0, 9092);
    let event = |event: &str| {
        let all = harness.cluster().events.iter().filter(|known| known.event == event);
        all.map(|event| event.items[1].1.clone()).collect::<Vec<_>>()
    };
    assert_eq!(event("open_archive_mode"), ["-9091", "0", "-9091", "0", "-9091"]);
    assert_eq!(event("close_archive_mode"), ["0", "-9092", "0", "0", "-9092"]);
    let own = Alter::ArchiveLog { on: true, tenants: Tenants::Unnamed, description: None };
    harness.execute("pay", &own).unwrap();
    assert_eq!(harness.execute("pay", &own).unwrap_err().0, 9091, "a tenant itself is told");
}

#[test]
fn checks_come_in_the_order_of_the_server() {
    let off = "  - {names: [pay], archive: STOP}\n  - {names: [bare], destinations: false, archive: null, sets: []}\n  \
               - {names: [late]}";
    let mut harness = DemoHarness::with_tenants(off);
    let mut why = |who: &str, tenant: &[&str]| harness.execute(who, &full_backup(tenant)).unwrap_err().1;
    // From sys the archive is looked at before the destination, in a tenant the destination first.
    assert_eq!(why("sys", &["bare"]), "backup can not start, because log archive status is not doing.");
    assert_eq!(why("bare", &[]), "backup can not start");
    assert_eq!(why("pay", &[]), "backup can not start, because log archive status is not doing.");
    harness.fleet.clusters[0].parameters.insert("enable_upgrade_mode".to_owned(), "True".to_owned());
    harness.execute("late", &full_backup(&[])).unwrap_err();
    let late = harness.tenant("late").id;
    crate::demo::simulation::archive::interrupt_round(
        &mut harness.fleet.clusters[0],
        late,
        &[],
        1,
        crate::demo::harness::START_TIME,
    );
    let why = harness.execute("late", &full_backup(&[])).unwrap_err().1;
    assert_eq!(why, "backup can not start, because log archive status is not doing.", "the upgrade is looked at last");
}

#[test]
fn a_destination_is_refused_with_the_code_of_its_mistake() {
    let mut harness = DemoHarness::from_scenario("healthy");
    let mut code = |value: &str| harness.set_item("data_backup_dest", value, "pay").unwrap_err().0;
    assert_eq!(code("nonsense"), 9026);
    assert_eq!(code("file://relative"), 9026);
    assert_eq!(code("oss://b/p?host=h&access_id=a"), 9026);
    assert_eq!(code("oss://b/p?host=h&access_id=a&encrypt_key=00"), 9026);
    assert_eq!(code("cos://b/p?host=h&access_id=a&access_key=k"), 9026);
    assert_eq!(harness.set_item("data_backup_dest", "file:///b", "sys").unwrap_err().0, 1235);
    assert_eq!(harness.set_item("data_backup_dest", "file:///b", "nobody").unwrap_err().0, 5160);
    harness.execute("sys", &full_backup(&["pay"])).unwrap();
    harness.advance_ms(2_000);
    let other = uri(&harness, "other");
    assert_eq!(harness.set_item("data_backup_dest", &other, "pay").unwrap_err().0, 9036);
    harness.set_item("data_backup_dest", &other, "order").unwrap();
}

#[test]
fn a_directory_is_one_tenants_for_one_kind() {
    let mut harness = DemoHarness::from_scenario("healthy");
    let mine = uri(&harness, "mine");
    harness.set_item("data_backup_dest", &mine, "pay").unwrap();
    harness.set_item("data_backup_dest", &mine, "pay").unwrap();
    assert!(harness.data.path().join("mine/format.obbak").is_file());
    assert_eq!(harness.set_item("data_backup_dest", &mine, "order").unwrap_err().0, 9081);
    harness.set_item("data_backup_dest", "file:///mnt/nfs/x", "pay").unwrap();
    assert_eq!(harness.set_item("data_backup_dest", "file:///mnt/nfs/x/", "order").unwrap_err().0, 9081);
    std::fs::create_dir(harness.data.path().join("full")).unwrap();
    std::fs::write(harness.data.path().join("full/a-file"), "x").unwrap();
    let full = uri(&harness, "full");
    assert_eq!(harness.set_item("data_backup_dest", &full, "pay").unwrap_err().0, 9080);
}

#[test]
fn reset_data_dest_without_format_file_deletes_sets() {
    let mut harness = DemoHarness::from_scenario("healthy");
    let data = uri(&harness, "demo/pay/data");
    let (old, other) = (harness.tenant("pay").data_dest.clone().unwrap().dest_id, uri(&harness, "other"));
    harness.set_item("data_backup_dest", &other, "pay").unwrap();
    harness.set_item("data_backup_dest", &data, "pay").unwrap();
    assert_eq!(harness.tenant("pay").data_dest.as_ref().unwrap().dest_id, old, "the format file is there");
    assert!(harness.tenant("pay").sets.iter().all(|set| set.file_status == "AVAILABLE"));
    std::fs::remove_file(harness.data.path().join("demo/pay/data/format.obbak")).unwrap();
    harness.set_item("data_backup_dest", &data, "pay").unwrap();
    let new = harness.tenant("pay").data_dest.as_ref().unwrap().dest_id;
    assert!(new > old);
    assert!(harness.tenant("pay").sets.iter().all(|set| set.file_status == "DELETED"));
    assert!(harness.tenant("order").sets.iter().all(|set| set.file_status == "AVAILABLE"));
    // The directory as it was before is somebody else's from now on.
    let theirs = harness.data.path().join("demo/order/data/format.obbak");
    std::fs::copy(theirs, harness.data.path().join("demo/pay/data/format.obbak")).unwrap();
    assert_eq!(harness.set_item("data_backup_dest", &data, "pay").unwrap_err().0, 9081);
}

#[test]
fn reset_log_dest_without_format_file_deletes_pieces() {
    let mut harness = DemoHarness::from_scenario("archiving-off");
    std::fs::remove_file(harness.data.path().join("demo/pay/clog/format.obbak")).unwrap();
    let location = format!("LOCATION={}", uri(&harness, "demo/pay/clog"));
    harness.set_item("log_archive_dest", &location, "pay").unwrap();
    let tenants = harness.column("CDB_OB_ARCHIVELOG_PIECE_FILES", "TENANT_ID");
    let files = harness.column("CDB_OB_ARCHIVELOG_PIECE_FILES", "FILE_STATUS");
    let of_pay = tenants.iter().zip(files).filter(|(tenant, _)| **tenant == Value::Integer(1002)).map(|(_, file)| file);
    let of_pay: Vec<Value> = of_pay.collect();
    assert!(of_pay.len() > 20 && of_pay.iter().all(|file| *file == Value::Text("DELETED".to_owned())), "{of_pay:?}");
}

#[test]
fn every_path_names_the_endpoint_of_object_storage() {
    let mut harness = DemoHarness::from_scenario("archiving-off");
    let uri = "oss://b/p?access_id=a&access_key=k&host=oss.example.com";
    harness.set_item("data_backup_dest", uri, "report").unwrap();
    harness.execute("sys", &full_backup(&["report"])).unwrap();
    harness.advance_ms(60_000);
    let path = Value::Text("oss://b/p?host=oss.example.com".to_owned());
    for view in ["CDB_OB_BACKUP_SET_FILES", "CDB_OB_BACKUP_JOB_HISTORY", "CDB_OB_BACKUP_TASK_HISTORY"] {
        assert!(harness.column(view, "PATH").contains(&path), "{view}");
    }
    let uri = "LOCATION=oss://b/log?host=oss.example.com&access_id=a&access_key=k";
    harness.set_item("log_archive_dest", uri, "pay").unwrap();
    harness.switch_archive(true, named_tenants(&["pay"])).unwrap();
    harness.advance_ms(5_000);
    let path = Value::Text("oss://b/log?host=oss.example.com".to_owned());
    for view in ["CDB_OB_ARCHIVELOG", "CDB_OB_ARCHIVELOG_PIECE_FILES"] {
        assert!(harness.column(view, "PATH").contains(&path), "{view}");
    }
    let stored = harness.column("CDB_OB_BACKUP_STORAGE_INFO", "PATH");
    assert!(stored.contains(&Value::Text("oss://b/p".to_owned())), "{stored:?}");
}

#[test]
fn log_archive_dest_is_whole_and_needs_the_archive_stopped() {
    let mut harness = DemoHarness::from_scenario("archiving-off");
    let location = format!("LOCATION={}", uri(&harness, "log"));
    let running = harness.set_item("log_archive_dest", &location, "report").unwrap_err();
    assert_eq!(running, (1235, "change archive dest when archive is running is not supported".to_owned()));
    let mut code = |value: &str| harness.set_item("log_archive_dest", value, "pay").unwrap_err();
    assert_eq!(code("BINDING=Optional").1, "set archive dest without location is not supported");
    assert_eq!(code(&format!("{location} PIECE_SWITCH_INTERVAL=8d")).0, 1235);
    assert_eq!(code(&format!("{location} FLAVOUR=sweet")).0, 1235);
    assert_eq!(code("LOCATION=s3://b/p?host=h&access_id=a&access_key=k").0, 4179);
    harness
        .set_item("log_archive_dest", &format!("{location} BINDING=Mandatory PIECE_SWITCH_INTERVAL=3d"), "pay")
        .unwrap();
    harness.set_item("log_archive_dest", &location, "pay").unwrap();
    let dest = harness.tenant("pay").archive_dest.as_ref().unwrap();
    assert_eq!((dest.binding.as_str(), dest.piece_switch_interval.as_str()), ("Optional", "1d"));
    harness.set_item("archive_lag_target", "60s", "pay").unwrap();
    harness.set_item("log_archive_dest", "LOCATION=s3://b/p?host=h&access_id=a&access_key=k", "pay").unwrap();
}
