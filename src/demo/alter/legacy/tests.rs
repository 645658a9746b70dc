//! Tests of statements on V2.2 and V3: refusals with the server's messages, and effects.
#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

use crate::demo::alter::{Issuer, execute};
use crate::demo::fault_injection::{FaultEffect, InjectedFault};
use crate::demo::fleet::{JobStatus, RoundStatus};
use crate::demo::harness::{DemoHarness, full_backup};
use crate::demo::statement::Value;

fn text(value: &str) -> Value {
    Value::Text(value.to_owned())
}

fn archive_state(harness: &DemoHarness) -> Option<RoundStatus> {
    harness.tenant("sys").current_round().map(|round| round.status)
}

#[test]
fn cluster_full_is_one_restorable_set_of_all_tenants() {
    for line in ["2.2.77", "3.1.2", "3.1.5", "3.2.2", "3.2.2-tenant", "3.2.4"] {
        let mut harness = DemoHarness::with_line(line, "");
        harness.execute_sql("sys", "BACKUP DATABASE").unwrap();
        assert!(harness.column("CDB_OB_BACKUP_PROGRESS", "TENANT_ID").is_empty(), "{line}: a row lags behind");
        harness.advance_ms(3_000);
        assert_eq!(harness.column("CDB_OB_BACKUP_PROGRESS", "STATUS"), vec![text("RUNNING"); 3], "{line}");
        assert_eq!(harness.column("CDB_OB_BACKUP_PROGRESS", "BS_KEY"), vec![Value::Integer(3); 3], "{line}");
        harness.advance_ms(30_000);
        assert!(harness.column("CDB_OB_BACKUP_PROGRESS", "STATUS").is_empty(), "{line}");
        let states = harness.column("CDB_OB_BACKUP_SET_DETAILS", "STATUS");
        assert_eq!(states, vec![text("COMPLETED"); 9], "{line}: three sets of sys and two tenants");
        for name in ["sys", "pay", "order"] {
            let tenant = harness.tenant(name);
            assert!(
                crate::demo::simulation::legacy::is_restorable(&harness.fleet, harness.cluster(), tenant),
                "{line}: {name}"
            );
        }
    }
}

#[test]
fn the_checks_of_a_backup_come_in_the_order_of_the_server() {
    let mut harness = DemoHarness::with_line("3.1.2", "  whole: {archive_age: 1h, archive: STOP}\n");
    let no = |harness: &mut DemoHarness| harness.execute_sql("sys", "BACKUP DATABASE").unwrap_err();
    let refused = no(&mut harness);
    let message = "backup can not start, because log archive is not doing. log archive status : STOP.";
    assert_eq!(refused, (9040, message.to_owned()));
    harness.execute_sql("sys", "ARCHIVELOG").unwrap();
    let message = "backup can not start, because log archive is not doing. log archive status : BEGINNING.";
    assert_eq!(no(&mut harness), (9040, message.to_owned()));
    harness.advance_ms(2_000);
    assert_eq!(archive_state(&harness), Some(RoundStatus::Doing));
    let (code, message) = no(&mut harness);
    assert_eq!(code, 9040);
    let begins = "backup can not start, because log archive start timestamp is bigger than frozen timestamp, need major \
                  freeze first. start timestamp : ";
    assert!(message.starts_with(begins), "{message}");
    harness.execute_sql("sys", "MAJOR FREEZE").unwrap();
    harness.execute_sql("sys", "BACKUP DATABASE").unwrap();
    assert_eq!(no(&mut harness), (9036, "Backup is in progress".to_owned()));
}

#[test]
fn a_user_tenant_may_give_no_orders() {
    let mut harness = DemoHarness::with_line("3.2.4", "");
    for sql in ["ARCHIVELOG", "BACKUP DATABASE", "MAJOR FREEZE", "SET backup_dest = ''"] {
        assert_eq!(harness.execute_sql("pay", sql).unwrap_err().0, 1227, "{sql}");
    }
}

#[test]
fn archive_states_and_refusals() {
    let mut harness = DemoHarness::with_line("3.1.5", "  whole: {destination: false, archive: null, sets: []}\n");
    assert_eq!(
        harness.execute_sql("sys", "ARCHIVELOG").unwrap_err(),
        (9026, "backup destination is not valid".to_owned())
    );
    assert_eq!(harness.execute_sql("sys", "NOARCHIVELOG").unwrap_err().0, 9024);
    let dest = format!("file://{}/b", harness.data.path().display());
    harness.execute_sql("sys", &format!("SET backup_dest = '{dest}'")).unwrap();
    assert!(harness.column("CDB_OB_BACKUP_ARCHIVELOG_SUMMARY", "STATUS").is_empty());
    harness.execute_sql("sys", "ARCHIVELOG").unwrap();
    assert_eq!(harness.column("CDB_OB_BACKUP_ARCHIVELOG", "STATUS"), vec![text("BEGINNING"); 3]);
    assert_eq!(harness.column("CDB_OB_BACKUP_ARCHIVELOG", "MIN_FIRST_TIME"), vec![text(""); 3]);
    let twice = harness.execute_sql("sys", "ARCHIVELOG").unwrap_err();
    assert_eq!(twice, (1235, "start log archive backup when not STOP is not supported".to_owned()));
    harness.advance_ms(2_000);
    assert_eq!(harness.column("CDB_OB_BACKUP_ARCHIVELOG", "STATUS"), vec![text("DOING"); 3]);
    let moved = harness.execute_sql("sys", &format!("SET backup_dest = '{dest}2'")).unwrap_err();
    assert_eq!(moved, (9036, "Backup is in progress".to_owned()));
    harness.execute_sql("sys", "NOARCHIVELOG").unwrap();
    assert_eq!(harness.column("CDB_OB_BACKUP_ARCHIVELOG", "STATUS"), vec![text("STOPPING"); 3]);
    harness.advance_ms(1_000);
    assert_eq!(archive_state(&harness), Some(RoundStatus::Stop));
    let own = harness.execute_sql("sys", &format!("SET backup_dest = '{dest}'")).unwrap_err();
    assert_eq!(own, (9026, "backup destination is not valid".to_owned()), "it holds an archive of this cluster");
    harness.execute_sql("sys", &format!("SET backup_dest = '{dest}2'")).unwrap();
    harness.execute_sql("sys", "ARCHIVELOG").unwrap();
    harness.advance_ms(2_000);
    assert_eq!(harness.column("CDB_OB_BACKUP_ARCHIVELOG_SUMMARY", "LOG_ARCHIVE_ROUND").len(), 6);
    let own = harness.column("CDB_OB_BACKUP_ARCHIVELOG_SUMMARY", "STATUS");
    assert_eq!(own[..2], [text("STOP"), text("DOING")]);
}

#[test]
fn a_parameter_reaches_one_server_after_the_other() {
    let mut harness = DemoHarness::with_line("3.2.4", "  whole: {archive: null, destination: false}\n");
    let values = |harness: &DemoHarness| {
        let names = harness.column("__ALL_VIRTUAL_SYS_PARAMETER_STAT", "NAME");
        let values = harness.column("__ALL_VIRTUAL_SYS_PARAMETER_STAT", "VALUE");
        let own = names.iter().zip(values).filter(|(name, _)| **name == text("backup_dest"));
        own.map(|(_, value)| value != text("")).collect::<Vec<_>>()
    };
    harness.execute_sql("sys", "SET backup_dest = 'file:///b'").unwrap();
    assert_eq!(values(&harness), [true, false, false]);
    harness.advance_ms(1_100);
    assert_eq!(values(&harness), [true, true, false]);
    harness.advance_ms(1_000);
    assert_eq!(values(&harness), [true, true, true]);
}

#[test]
fn a_standby_cluster_is_not_archived() {
    let mut harness = DemoHarness::with_line("3.2.4", "  whole: {role: PHYSICAL STANDBY, archive: null}\n");
    let refused = harness.execute_sql("sys", "ARCHIVELOG").unwrap_err();
    assert_eq!(refused, (1235, "backup in not primary cluster is not supported".to_owned()));
    assert_eq!(harness.column("V$OB_CLUSTER", "CLUSTER_ROLE"), [text("PHYSICAL STANDBY")]);
}

#[test]
fn cancel_is_refused_without_a_job_or_too_late() {
    let mut harness = DemoHarness::with_line("3.1.5", "");
    let nothing = harness.execute_sql("sys", "CANCEL BACKUP").unwrap_err();
    assert_eq!(nothing, (9049, "backup status is stopped, can not cancel".to_owned()));
    harness.execute_sql("sys", "BACKUP DATABASE").unwrap();
    harness.advance_ms(5_000);
    harness.execute_sql("sys", "CANCEL BACKUP").unwrap();
    assert_eq!(
        harness.execute_sql("sys", "CANCEL BACKUP").unwrap_err(),
        (9041, "cancel backup do not allow".to_owned())
    );
    harness.advance_ms(5_000);
    assert_eq!(harness.job("sys").unwrap().status, JobStatus::Canceled);
    let results = harness.column("__ALL_BACKUP_TASK_HISTORY", "RESULT");
    assert_eq!(results.iter().filter(|result| **result == Value::Integer(-4072)).count(), 3, "{results:?}");
    assert_eq!(harness.column("CDB_OB_BACKUP_SET_FILES", "STATUS")[2], text("FAILED"));
}

#[test]
fn each_key_of_an_option_has_its_range() {
    let mut harness = DemoHarness::with_line("3.1.5", "");
    let good =
        "log_archive_checkpoint_interval=10s&recovery_window=7d&auto_delete_obsolete_backup=true&backup_copies=0";
    harness.execute_sql("sys", &format!("SET backup_dest_option = '{good}'")).unwrap();
    assert_eq!(harness.tenant("pay").lag_target(), 10_000_000);
    for (option, message) in [
        (
            "log_archive_checkpoint_interval=1s",
            "invalid log_archive_checkpoint_interval out of range [5s,1h] is not supported",
        ),
        ("recovery_window=-1", "invalid recovery_window less than 0 is not supported"),
        ("log_archive_piece_switch_interval=8d", "invalid piece_switch_interval out of range [1d,7d] is not supported"),
        (
            "log_archive_piece_switch_interval=1d",
            "change switch piece mode during log archive running is not supported",
        ),
        ("backup_copies=1", "backup_copies out of range [0,8] is not supported"),
        (
            "auto_delete_obsolete_backup=true&auto_touch_reserved_backup=true",
            "auto delete and touch backup at same time is not supported",
        ),
    ] {
        let refused = harness.execute_sql("sys", &format!("SET backup_dest_option = '{option}'")).unwrap_err();
        assert_eq!(refused, (1235, message.to_owned()), "{option}");
    }
    for (sql, code, message) in [
        ("enable_log_archive = True", 1235, "set enable log archive true without archivelog is not supported"),
        ("no_such_parameter = 1", 5099, "System config unknown: no_such_parameter"),
        ("backup_log_archive_option = 'sometimes'", 1210, "Incorrect arguments to backup_log_archive_option"),
        (
            "backup_zone = 'zone1,zone9'",
            9058,
            "can not set backup zone, because backup zone do not exist in zone list. backup zone : zone9.",
        ),
    ] {
        assert_eq!(harness.execute_sql("sys", &format!("SET {sql}")).unwrap_err(), (code, message.to_owned()), "{sql}");
    }
    harness.execute_sql("sys", "SET backup_zone = 'zone1,zone2;zone3'").unwrap();
    let both = harness.execute_sql("sys", "SET backup_region = 'sys_region'").unwrap_err();
    assert_eq!(both, (9057, "can not set backup region, because backup zone has been setup already.".to_owned()));
}

#[test]
fn pieces_lie_end_to_end_once_they_are_switched() {
    let more = "  whole: {archive: null, parameters: {backup_dest_option: log_archive_piece_switch_interval=1d}}\n";
    let mut harness = DemoHarness::with_line("3.2.4", more);
    harness.execute_sql("sys", "ARCHIVELOG").unwrap();
    harness.advance_ms(3 * 86_400_000);
    let own = |harness: &DemoHarness, column: &str| harness.column("CDB_OB_BACKUP_PIECE_FILES", column)[..3].to_vec();
    assert_eq!(own(&harness, "BACKUP_PIECE_ID"), [1, 2, 3].map(Value::Integer));
    assert_eq!(own(&harness, "STATUS"), ["FROZEN", "FROZEN", "ACTIVE"].map(text));
    assert_eq!(own(&harness, "START_TS")[1..], own(&harness, "CHECKPOINT_TS")[..2]);
}

#[test]
fn inactive_server_and_upgrade_are_shown() {
    let mut harness = DemoHarness::with_line("3.1.5", "  inactive: [zone2]\n");
    assert_eq!(harness.column("__ALL_SERVER", "STATUS"), ["active", "inactive", "active"].map(text));
    assert_eq!(harness.column("__ALL_SERVER", "START_SERVICE_TIME")[1], Value::Integer(0));
    harness.execute_sql("sys", "SET enable_upgrade_mode = True").unwrap();
    let names = harness.column("__ALL_VIRTUAL_SYS_PARAMETER_STAT", "NAME");
    let values = harness.column("__ALL_VIRTUAL_SYS_PARAMETER_STAT", "VALUE");
    let of = |name: &str| values[names.iter().position(|known| *known == text(name)).unwrap()].clone();
    assert_eq!((of("enable_upgrade_mode"), of("_upgrade_stage")), (text("True"), text("DBUPGRADE")));
}

#[test]
fn directory_in_use_is_refused_until_freed() {
    let mut harness = DemoHarness::with_line("3.2.4", "  whole: {archive: null, destination: false}\n");
    let (code, words) = (9026, "backup destination is not valid".to_owned());
    harness.fleet.faults.push(InjectedFault {
        name: "in-use".to_owned(),
        cluster: Some("demo".to_owned()),
        tenant: None,
        server: None,
        fixable: true,
        since: 0,
        effect: FaultEffect::DestinationRefused { code, text: words.clone() },
    });
    assert_eq!(harness.execute_sql("sys", "SET backup_dest = 'file:///b'").unwrap_err(), (code, words));
    harness.fleet.faults.clear();
    harness.execute_sql("sys", "SET backup_dest = 'file:///b'").unwrap();
}

#[test]
fn what_was_encrypted_says_so_in_the_case_of_its_line() {
    for (line, shown) in [("2.2.77", "Password"), ("3.2.4", "PASSWORD")] {
        let mut harness = DemoHarness::with_line(line, "");
        let issuer = Issuer { cluster: 0, tenant_id: 1, encrypted: true, at: harness.fleet.now };
        execute(&mut harness.fleet, issuer, &full_backup(&[])).unwrap();
        harness.advance_ms(40_000);
        let modes = harness.column("CDB_OB_BACKUP_SET_FILES", "ENCRYPTION_MODE");
        assert_eq!(modes.iter().filter(|mode| **mode == text(shown)).count(), 3, "{line}: {modes:?}");
    }
}
