//! What a cluster of V2.2 or V3 refuses, with the words of the server, and what it does when it does not.
#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

use crate::demo::fleet::{JobStatus, RoundStatus};
use crate::demo::statement::Value;
use crate::demo::testing::Bench;

fn text(value: &str) -> Value {
    Value::Text(value.to_owned())
}

fn round(bench: &Bench) -> Option<RoundStatus> {
    bench.tenant("sys").round().map(|round| round.status)
}

#[test]
fn a_full_of_the_cluster_is_one_set_of_every_tenant_and_ends_restorable() {
    for line in ["2.2.77", "3.1.2", "3.1.5", "3.2.2", "3.2.2-tenant", "3.2.4"] {
        let mut bench = Bench::line(line, "");
        bench.sql("sys", "BACKUP DATABASE").unwrap();
        assert!(bench.column("CDB_OB_BACKUP_PROGRESS", "TENANT_ID").is_empty(), "{line}: a row lags behind");
        bench.pass(3_000);
        assert_eq!(bench.column("CDB_OB_BACKUP_PROGRESS", "STATUS"), vec![text("RUNNING"); 3], "{line}");
        assert_eq!(bench.column("CDB_OB_BACKUP_PROGRESS", "BS_KEY"), vec![Value::Integer(3); 3], "{line}");
        bench.pass(30_000);
        assert!(bench.column("CDB_OB_BACKUP_PROGRESS", "STATUS").is_empty(), "{line}");
        let states = bench.column("CDB_OB_BACKUP_SET_DETAILS", "STATUS");
        assert_eq!(states, vec![text("COMPLETED"); 9], "{line}: three sets of sys and two tenants");
        for name in ["sys", "pay", "order"] {
            let tenant = bench.tenant(name);
            assert!(crate::demo::life::v3::restorable(&bench.fleet, bench.cluster(), tenant), "{line}: {name}");
        }
    }
}

#[test]
fn the_checks_of_a_backup_come_in_the_order_of_the_server() {
    let mut bench = Bench::line("3.1.2", "  whole: {archive_age: 1h, archive: STOP}\n");
    let no = |bench: &mut Bench| bench.sql("sys", "BACKUP DATABASE").unwrap_err();
    let refused = no(&mut bench);
    let message = "backup can not start, because log archive is not doing. log archive status : STOP.";
    assert_eq!(refused, (9040, message.to_owned()));
    bench.sql("sys", "ARCHIVELOG").unwrap();
    let message = "backup can not start, because log archive is not doing. log archive status : BEGINNING.";
    assert_eq!(no(&mut bench), (9040, message.to_owned()));
    bench.pass(2_000);
    assert_eq!(round(&bench), Some(RoundStatus::Doing));
    let (code, message) = no(&mut bench);
    assert_eq!(code, 9040);
    let begins = "backup can not start, because log archive start timestamp is bigger than frozen timestamp, need major \
                  freeze first. start timestamp : ";
    assert!(message.starts_with(begins), "{message}");
    bench.sql("sys", "MAJOR FREEZE").unwrap();
    bench.sql("sys", "BACKUP DATABASE").unwrap();
    assert_eq!(no(&mut bench), (9036, "Backup is in progress".to_owned()));
}

#[test]
fn a_user_tenant_may_give_no_orders() {
    let mut bench = Bench::line("3.2.4", "");
    for sql in ["ARCHIVELOG", "BACKUP DATABASE", "MAJOR FREEZE", "SET backup_dest = ''"] {
        assert_eq!(bench.sql("pay", sql).unwrap_err().0, 1227, "{sql}");
    }
}

#[test]
fn the_archive_goes_through_its_states_and_says_what_it_refuses() {
    let mut bench = Bench::line("3.1.5", "  whole: {destination: false, archive: null, sets: []}\n");
    assert_eq!(bench.sql("sys", "ARCHIVELOG").unwrap_err(), (9026, "backup destination is not valid".to_owned()));
    assert_eq!(bench.sql("sys", "NOARCHIVELOG").unwrap_err().0, 9024);
    let dest = format!("file://{}/b", bench.data.path().display());
    bench.sql("sys", &format!("SET backup_dest = '{dest}'")).unwrap();
    assert!(bench.column("CDB_OB_BACKUP_ARCHIVELOG_SUMMARY", "STATUS").is_empty());
    bench.sql("sys", "ARCHIVELOG").unwrap();
    assert_eq!(bench.column("CDB_OB_BACKUP_ARCHIVELOG", "STATUS"), vec![text("BEGINNING"); 3]);
    assert_eq!(bench.column("CDB_OB_BACKUP_ARCHIVELOG", "MIN_FIRST_TIME"), vec![text(""); 3]);
    let twice = bench.sql("sys", "ARCHIVELOG").unwrap_err();
    assert_eq!(twice, (1235, "start log archive backup when not STOP is not supported".to_owned()));
    bench.pass(2_000);
    assert_eq!(bench.column("CDB_OB_BACKUP_ARCHIVELOG", "STATUS"), vec![text("DOING"); 3]);
    let moved = bench.sql("sys", &format!("SET backup_dest = '{dest}2'")).unwrap_err();
    assert_eq!(moved, (9036, "Backup is in progress".to_owned()));
    bench.sql("sys", "NOARCHIVELOG").unwrap();
    assert_eq!(bench.column("CDB_OB_BACKUP_ARCHIVELOG", "STATUS"), vec![text("STOPPING"); 3]);
    bench.pass(1_000);
    assert_eq!(round(&bench), Some(RoundStatus::Stop));
    let own = bench.sql("sys", &format!("SET backup_dest = '{dest}'")).unwrap_err();
    assert_eq!(own, (9026, "backup destination is not valid".to_owned()), "it holds an archive of this cluster");
    bench.sql("sys", &format!("SET backup_dest = '{dest}2'")).unwrap();
    bench.sql("sys", "ARCHIVELOG").unwrap();
    bench.pass(2_000);
    assert_eq!(bench.column("CDB_OB_BACKUP_ARCHIVELOG_SUMMARY", "LOG_ARCHIVE_ROUND").len(), 6);
    let own = bench.column("CDB_OB_BACKUP_ARCHIVELOG_SUMMARY", "STATUS");
    assert_eq!(own[..2], [text("STOP"), text("DOING")]);
}

#[test]
fn a_parameter_reaches_one_server_after_the_other() {
    let mut bench = Bench::line("3.2.4", "  whole: {archive: null, destination: false}\n");
    let values = |bench: &Bench| {
        let names = bench.column("__ALL_VIRTUAL_SYS_PARAMETER_STAT", "NAME");
        let values = bench.column("__ALL_VIRTUAL_SYS_PARAMETER_STAT", "VALUE");
        let own = names.iter().zip(values).filter(|(name, _)| **name == text("backup_dest"));
        own.map(|(_, value)| value != text("")).collect::<Vec<_>>()
    };
    bench.sql("sys", "SET backup_dest = 'file:///b'").unwrap();
    assert_eq!(values(&bench), [true, false, false]);
    bench.pass(1_100);
    assert_eq!(values(&bench), [true, true, false]);
    bench.pass(1_000);
    assert_eq!(values(&bench), [true, true, true]);
}

#[test]
fn a_standby_cluster_is_not_archived() {
    let mut bench = Bench::line("3.2.4", "  whole: {role: PHYSICAL STANDBY, archive: null}\n");
    let refused = bench.sql("sys", "ARCHIVELOG").unwrap_err();
    assert_eq!(refused, (1235, "backup in not primary cluster is not supported".to_owned()));
    assert_eq!(bench.column("V$OB_CLUSTER", "CLUSTER_ROLE"), [text("PHYSICAL STANDBY")]);
}

#[test]
fn cancel_says_when_there_is_nothing_and_when_it_is_too_late() {
    let mut bench = Bench::line("3.1.5", "");
    let nothing = bench.sql("sys", "CANCEL BACKUP").unwrap_err();
    assert_eq!(nothing, (9049, "backup status is stopped, can not cancel".to_owned()));
    bench.sql("sys", "BACKUP DATABASE").unwrap();
    bench.pass(5_000);
    bench.sql("sys", "CANCEL BACKUP").unwrap();
    assert_eq!(bench.sql("sys", "CANCEL BACKUP").unwrap_err(), (9041, "cancel backup do not allow".to_owned()));
    bench.pass(5_000);
    assert_eq!(bench.job("sys").unwrap().status, JobStatus::Canceled);
    let results = bench.column("__ALL_BACKUP_TASK_HISTORY", "RESULT");
    assert_eq!(results.iter().filter(|result| **result == Value::Integer(-4072)).count(), 3, "{results:?}");
    assert_eq!(bench.column("CDB_OB_BACKUP_SET_FILES", "STATUS")[2], text("FAILED"));
}
