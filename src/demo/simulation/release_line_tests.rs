//! Tests of the jobs of each release line, and of faults on V2.2 and V3. The time is set by the test; nothing sleeps.
#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

use crate::demo::fault_injection::{FaultEffect, InjectedFault};
use crate::demo::fleet::{JobStatus, RoundStatus};
use crate::demo::harness::DemoHarness;
use crate::demo::statement::Value;

use super::*;

fn text(value: &str) -> Value {
    Value::Text(value.to_owned())
}

fn inject_fault(harness: &mut DemoHarness, tenant: Option<&str>, server: Option<usize>, effect: FaultEffect) {
    let (name, since) = (format!("{effect:?}"), harness.fleet.now);
    let tenant = tenant.map(str::to_owned);
    harness.fleet.faults.push(InjectedFault { name, cluster: None, tenant, server, fixable: true, since, effect });
}

/// Returns the states that a view shows of one job, in order.
fn states(harness: &mut DemoHarness, view: &str, row: usize) -> Vec<Value> {
    let mut seen: Vec<Value> = Vec::new();
    for _ in 0..600 {
        harness.advance_ms(100);
        let states = harness.column(view, "STATUS");
        if let Some(state) = states.get(row).filter(|state| seen.last() != Some(state)) {
            seen.push(state.clone());
        }
    }
    seen
}

#[test]
fn the_states_of_a_task_are_those_of_the_line() {
    let v4_0 = [
        "INIT",
        "BACKUP_SYS_META",
        "BACKUP_USER_META",
        "BACKUP_DATA_SYS",
        "BACKUP_DATA_MINOR",
        "BACKUP_DATA_MAJOR",
        "BACKUP_LOG",
        "COMPLETED",
    ]
    .as_slice();
    let v4_2_5 = [
        "INIT",
        "BACKUP_SYS_META",
        "BACKUP_USER_META",
        "BACKUP_META_FINISH",
        "BACKUP_DATA_MINOR",
        "BACKUP_DATA_MAJOR",
        "BACKUP_LOG",
        "COMPLETED",
    ]
    .as_slice();
    let v4_3_5 = [
        "INIT",
        "BACKUP_SYS_META",
        "BACKUP_USER_META",
        "BACKUP_META_FINISH",
        "BACKUP_SYS_DATA",
        "BACKUP_USER_DATA",
        "BACKUP_FUSE_TABLET_META",
        "PREPARE_BACKUP_LOG",
        "BEFORE_BACKUP_LOG",
        "BACKUP_LOG",
        "COMPLETED",
    ]
    .as_slice();
    let legacy = ["GENERATE", "DOING", "FINISH"].as_slice();
    for (line, sql, view, row, expected) in [
        ("4.0", "BACKUP TENANT = pay", "CDB_OB_BACKUP_TASKS", 0, v4_0),
        ("4.1", "BACKUP TENANT = pay", "CDB_OB_BACKUP_TASKS", 0, v4_0),
        ("4.2.5", "BACKUP TENANT = pay", "CDB_OB_BACKUP_TASKS", 0, v4_2_5),
        ("4.3.5", "BACKUP TENANT = pay", "CDB_OB_BACKUP_TASKS", 0, v4_3_5),
        ("3.2.4", "BACKUP DATABASE", "__ALL_VIRTUAL_BACKUP_TASK", 1, legacy),
        ("2.2.77", "BACKUP DATABASE", "__ALL_VIRTUAL_BACKUP_TASK", 1, legacy),
    ] {
        let mut harness = DemoHarness::with_line(line, "");
        harness.execute_sql("sys", sql).unwrap();
        let expected: Vec<Value> = expected.iter().map(|state| text(state)).collect();
        assert_eq!(states(&mut harness, view, row), expected, "{line}");
    }
}

#[test]
fn the_log_has_a_progress_of_its_own_on_v4_3_5() {
    let mut harness = DemoHarness::with_line("4.3.5", "");
    inject_fault(
        &mut harness,
        None,
        None,
        FaultEffect::HoldPhase { phase: "BACKUP_LOG".to_owned(), code: None, text: String::new() },
    );
    harness.execute_sql("sys", "BACKUP TENANT = pay PLUS ARCHIVELOG").unwrap();
    harness.advance_ms(60_000);
    assert_eq!(harness.column("CDB_OB_BACKUP_TASKS", "STATUS"), [text("BACKUP_LOG")]);
    assert_eq!(harness.column("CDB_OB_BACKUP_TASKS", "LOG_FILE_COUNT"), [Value::Integer(40)]);
    assert_eq!(harness.column("CDB_OB_BACKUP_TASKS", "LOG_PROGRESS"), [text("0.00")]);
}

#[test]
fn v4_0_parses_what_it_cannot_do() {
    let mut harness = DemoHarness::with_line("4.0", "");
    let plus = harness.execute_sql("sys", "BACKUP TENANT = pay PLUS ARCHIVELOG").unwrap_err();
    assert_eq!(plus, (1235, "plus archive is not supported".to_owned()));
    // It knows the item, and spells its word in a way of its own.
    assert_eq!(harness.execute_sql("sys", "SET log_archive_dest_state = 'ENABLE' TENANT = pay").unwrap_err().0, 1210);
    harness.execute_sql("sys", "SET log_archive_dest_state = 'DEFER' TENANT = pay").unwrap();
    harness.advance_ms(2_000);
    assert!(harness.tenant("pay").is_archiving(), "nothing comes of it");
    harness.execute_sql("sys", "SET log_archive_dest_state = 'ENBALE' TENANT = pay").unwrap();
    assert_eq!(
        harness
            .execute_sql("sys", "SET data_backup_dest = 's3://b/p?host=h&access_id=a&access_key=k' TENANT = pay")
            .unwrap_err()
            .0,
        9026
    );
    assert_eq!(states_of_archive(&harness), ["ENBALE"; 2].map(text));
}

fn states_of_archive(harness: &DemoHarness) -> Vec<Value> {
    let (names, values) =
        (harness.column("CDB_OB_ARCHIVE_DEST", "NAME"), harness.column("CDB_OB_ARCHIVE_DEST", "VALUE"));
    names.into_iter().zip(values).filter(|(name, _)| *name == text("state")).map(|(_, value)| value).collect()
}

#[test]
fn v4_1_knows_modes_and_no_log_in_a_backup() {
    let mut harness = DemoHarness::with_line("4.1", "");
    let plus = harness.execute_sql("sys", "BACKUP TENANT = pay PLUS ARCHIVELOG").unwrap_err();
    assert_eq!(plus, (1235, "plus archive is not supported".to_owned()));
    assert_eq!(harness.execute_sql("pay", "ARCHIVELOG").unwrap_err().0, 9091);
    harness.execute_sql("sys", "SET log_archive_dest_state = 'DEFER' TENANT = pay").unwrap();
    harness.advance_ms(2_000);
    assert_eq!(harness.tenant("pay").current_round().unwrap().status, RoundStatus::Suspend);
    assert_eq!(states_of_archive(&harness), ["DEFER", "ENABLE"].map(text));
    harness.fleet.clusters[0].parameters.insert("enable_upgrade_mode".to_owned(), "True".to_owned());
    harness.execute_sql("sys", "BACKUP TENANT = `order`").unwrap();
    harness.advance_ms(5_000);
    assert_eq!(harness.job("sys").unwrap().status, JobStatus::Completed);
    let events = harness.column("DBA_OB_ROOTSERVICE_EVENT_HISTORY", "EVENT");
    assert!(!events.contains(&text("handle_user_tenant_backup_failed")), "it came with V4.2.0: {events:?}");
}

#[test]
fn v4_0_archivelog_starts_the_round_or_is_refused() {
    let mut harness = DemoHarness::with_line("4.0", "");
    let bare = (1235, "Not supported feature or function".to_owned());
    assert_eq!(harness.execute_sql("sys", "ARCHIVELOG TENANT = pay").unwrap_err(), bare, "it runs");
    harness.execute_sql("sys", "NOARCHIVELOG TENANT = pay").unwrap();
    harness.advance_ms(2_000);
    assert_eq!(harness.execute_sql("sys", "NOARCHIVELOG TENANT = `order`, pay").unwrap_err(), bare);
    harness.execute_sql("sys", "NOARCHIVELOG").unwrap();
    harness.advance_ms(2_000);
    let log = format!("LOCATION=file://{}/log", harness.data.path().display());
    harness.execute_sql("sys", &format!("SET log_archive_dest = '{log}' TENANT = pay")).unwrap();
    assert_eq!(states_of_archive(&harness), ["DISABLE", "ENBALE"].map(text));
    std::fs::remove_file(harness.data.path().join("log/format.obbak")).unwrap();
    assert_eq!(
        harness.execute_sql("sys", "ARCHIVELOG TENANT = pay, `order`").unwrap_err().0,
        9080,
        "the first of a list"
    );
    assert!(harness.tenant("order").current_round().unwrap().status == RoundStatus::Prepare, "the others obey");
    let events = harness.column("DBA_OB_ROOTSERVICE_EVENT_HISTORY", "VALUE3");
    assert!(events.contains(&text("-9080")), "{events:?}");
}

#[test]
fn v4_0_increment_accepts_another_data_version() {
    let tenants = "  tenants: [{names: [pay], sets_version: 4.0.0.1}]\n";
    let text =
        format!("shows: a test\nclusters:\n- name: demo\n  id: 1\n  version: 4.0.0.2\n  line: \"4.0\"\n{tenants}");
    let mut harness = DemoHarness::from_yaml(&text);
    harness.execute_sql("sys", "BACKUP INCREMENTAL TENANT = pay").unwrap();
    harness.advance_ms(60_000);
    assert!(harness.tenant("pay").sets.last().unwrap().incremental);
    assert_eq!(harness.job("pay").unwrap().status, JobStatus::Completed);
}

#[test]
fn legacy_task_result_is_only_in_inner_tables() {
    let mut harness = DemoHarness::with_line("3.1.5", "");
    let effect =
        FaultEffect::JobFails { phase: "DOING".to_owned(), code: -9013, text: "Write OSS file error".to_owned() };
    inject_fault(&mut harness, Some("pay"), None, effect);
    harness.execute_sql("sys", "BACKUP DATABASE").unwrap();
    harness.advance_ms(40_000);
    let of_this = |harness: &DemoHarness, view: &str, key: &str, column: &str| {
        let ids = harness.column(view, key);
        let values = harness.column(view, column);
        ids.iter().zip(values).filter(|(id, _)| **id == Value::Integer(3)).map(|(_, value)| value).collect::<Vec<_>>()
    };
    let results = of_this(&harness, "__ALL_BACKUP_TASK_HISTORY", "BACKUP_SET_ID", "RESULT");
    assert_eq!(results, [-9013, -9013, 0].map(Value::Integer), "sys, pay, order");
    let states = of_this(&harness, "CDB_OB_BACKUP_SET_DETAILS", "BS_KEY", "STATUS");
    assert_eq!(states, ["FAILED", "FAILED", "COMPLETED"].map(text));
    let states = of_this(&harness, "CDB_OB_BACKUP_SET_FILES", "BS_KEY", "STATUS");
    assert_eq!(states, ["FAILED", "FAILED", "SUCCESS"].map(text));
    let events = harness.column("__ALL_ROOTSERVICE_EVENT_HISTORY", "EVENT");
    assert!(events.contains(&text("finish backup tenant")) && events.contains(&text("finish backup cluster")));
    harness.fleet.faults.clear();
    harness.execute_sql("sys", "BACKUP DATABASE").unwrap();
    harness.advance_ms(40_000);
    assert_eq!(harness.job("sys").unwrap().status, JobStatus::Completed);
}

#[test]
fn held_task_shows_its_partition_group_and_server() {
    let mut harness = DemoHarness::with_line("3.2.4", "");
    let effect =
        FaultEffect::HoldPhase { phase: "DOING".to_owned(), code: Some(-9051), text: "not mounted".to_owned() };
    inject_fault(&mut harness, Some("pay"), Some(1), effect);
    harness.execute_sql("sys", "BACKUP DATABASE").unwrap();
    harness.advance_ms(60_000);
    assert_eq!(harness.column("CDB_OB_BACKUP_PROGRESS", "STATUS"), ["RUNNING", "RUNNING", "COMPLETED"].map(text));
    assert_eq!(harness.column("__ALL_VIRTUAL_PG_BACKUP_TASK", "RESULT"), [0, 0, -9051].map(Value::Integer));
    assert_eq!(harness.column("__ALL_VIRTUAL_PG_BACKUP_TASK", "SVR_PORT")[2], Value::Integer(2883));
    harness.fleet.faults.clear();
    harness.advance_ms(60_000);
    assert_eq!(harness.job("sys").unwrap().status, JobStatus::Completed);
}

#[test]
fn a_late_tenant_keeps_the_whole_cluster_back() {
    let mut harness = DemoHarness::with_line("3.1.5", "");
    inject_fault(&mut harness, Some("pay"), None, FaultEffect::CheckpointStalled);
    let before = harness.fleet.now;
    harness.execute_sql("sys", "BACKUP DATABASE").unwrap();
    harness.advance_ms(60_000);
    let restorable = |harness: &DemoHarness, name: &str| {
        legacy::is_restorable(&harness.fleet, harness.cluster(), harness.tenant(name))
    };
    assert_eq!(["sys", "pay", "order"].map(|name| restorable(&harness, name)), [false, false, true]);
    let sys = harness.tenant("sys").current_round().unwrap();
    assert!(legacy::checkpoint(&harness.fleet, harness.cluster(), harness.tenant("sys"), sys).unwrap() <= before);
    harness.fleet.faults.clear();
    harness.advance_ms(6_000);
    assert_eq!(["sys", "pay", "order"].map(|name| restorable(&harness, name)), [true; 3]);
}

#[test]
fn interrupted_archive_fails_backup_then_new_round() {
    let mut harness = DemoHarness::with_line("3.2.4", "");
    harness.execute_sql("sys", "BACKUP DATABASE").unwrap();
    harness.advance_ms(5_000);
    let now = harness.fleet.now;
    archive::interrupt_round(&mut harness.fleet.clusters[0], 1, &[], 1, now);
    harness.advance_ms(2_000);
    assert_eq!((harness.job("sys").unwrap().status, harness.job("sys").unwrap().result), (JobStatus::Failed, -9027));
    let refused = harness.execute_sql("sys", "BACKUP DATABASE").unwrap_err();
    let says = "backup can not start, because log archive is not doing. log archive status : INTERRUPTED.";
    assert_eq!(refused, (9040, says.to_owned()));
    assert_eq!(harness.execute_sql("sys", "ARCHIVELOG").unwrap_err().0, 1235);
    harness.execute_sql("sys", "NOARCHIVELOG").unwrap();
    harness.advance_ms(1_000);
    harness.execute_sql("sys", "ARCHIVELOG").unwrap();
    harness.advance_ms(2_000);
    let round = harness.tenant("sys").current_round().unwrap();
    assert_eq!((round.id, round.status), (2, RoundStatus::Doing));
}

#[test]
fn an_archive_that_breaks_behind_a_backup_leaves_it_short() {
    let mut harness = DemoHarness::with_line("3.2.4", "");
    inject_fault(&mut harness, Some("pay"), None, FaultEffect::ArchiveBreaks);
    harness.execute_sql("sys", "BACKUP DATABASE").unwrap();
    harness.advance_ms(60_000);
    assert_eq!(harness.job("sys").unwrap().status, JobStatus::Completed);
    assert_eq!(harness.tenant("sys").current_round().unwrap().status, RoundStatus::Interrupted);
    assert!(!legacy::is_restorable(&harness.fleet, harness.cluster(), harness.tenant("sys")));
}

#[test]
fn a_cleanup_is_in_the_way_until_it_ends() {
    let mut harness = DemoHarness::with_line("3.2.4", "");
    assert_eq!(harness.column("__ALL_VIRTUAL_BACKUP_CLEAN_INFO", "STATUS"), [text("STOP")]);
    assert_eq!(harness.execute_sql("sys", "CANCEL DELETE BACKUP").unwrap_err().0, 9053);
    inject_fault(&mut harness, None, None, FaultEffect::CleanupRuns);
    assert_eq!(harness.column("__ALL_VIRTUAL_BACKUP_CLEAN_INFO", "STATUS"), [text("DOING")]);
    let refused = harness.execute_sql("sys", "BACKUP DATABASE").unwrap_err();
    assert_eq!(refused, (9044, "delete backup data is in progress".to_owned()));
    harness.execute_sql("sys", "CANCEL DELETE BACKUP").unwrap();
    harness.execute_sql("sys", "BACKUP DATABASE").unwrap();
}

#[test]
fn behind_a_backup_it_is_too_late_to_cancel() {
    let mut harness = DemoHarness::with_line("3.2.4", "");
    let phase = "CLEANUP".to_owned();
    inject_fault(&mut harness, None, None, FaultEffect::HoldPhase { phase, code: None, text: String::new() });
    harness.execute_sql("sys", "BACKUP DATABASE").unwrap();
    harness.advance_ms(60_000);
    let state = |harness: &DemoHarness| {
        let (names, values) =
            (harness.column("__ALL_BACKUP_INFO", "NAME"), harness.column("__ALL_BACKUP_INFO", "VALUE"));
        values[names.iter().position(|name| *name == text("backup_status")).unwrap()].clone()
    };
    assert_eq!(state(&harness), text("CLEANUP"));
    assert_eq!(harness.execute_sql("sys", "CANCEL BACKUP").unwrap_err().0, 9041);
    harness.fleet.faults.clear();
    harness.advance_ms(1_000);
    assert_eq!(state(&harness), text("STOP"));
    assert_eq!(harness.execute_sql("sys", "CANCEL BACKUP").unwrap_err().0, 9049);
}

#[test]
fn cancel_all_stops_all_and_clears_backup_dest() {
    let mut harness = DemoHarness::with_line("3.2.4", "");
    harness.execute_sql("sys", "BACKUP DATABASE").unwrap();
    harness.advance_ms(3_000);
    harness.execute_sql("sys", "CANCEL ALL BACKUP FORCE").unwrap();
    harness.advance_ms(5_000);
    assert_eq!(harness.job("sys").unwrap().status, JobStatus::Canceled);
    assert_eq!(harness.tenant("sys").current_round().unwrap().status, RoundStatus::Stop);
    assert_eq!(legacy::destination(harness.cluster()), "");
}

#[test]
fn beyond_sixty_four_entries_the_next_is_a_full() {
    let sets = "  whole: {sets: [90h, ".to_owned() + &["1h"; 63].join(", ") + "]}\n";
    let mut harness = DemoHarness::with_line("3.1.5", &sets);
    let mut kinds = Vec::new();
    for _ in 0..4 {
        harness.execute_sql("sys", "BACKUP INCREMENTAL DATABASE").unwrap();
        harness.advance_ms(40_000);
        kinds.push(harness.tenant("pay").sets.last().unwrap().incremental);
    }
    assert_eq!(kinds, [true, true, false, true]);
}

#[test]
fn foreign_backup_runs_from_the_start() {
    let mut harness = DemoHarness::with_line(
        "3.2.4",
        "  backups: [{tenants: [], description: by cron, incremental: true, age: 5s}]\n",
    );
    assert_eq!(harness.column("CDB_OB_BACKUP_PROGRESS", "BACKUP_TYPE"), vec![text("I"); 3]);
    assert_eq!(harness.execute_sql("sys", "BACKUP DATABASE").unwrap_err().0, 9036);
    harness.advance_ms(30_000);
    harness.execute_sql("sys", "BACKUP DATABASE").unwrap();
}

#[test]
fn legacy_progress_is_independent_of_polling() {
    let run = |step: Micros| {
        let mut harness = DemoHarness::with_line("3.1.2", "");
        harness.execute_sql("sys", "MAJOR FREEZE").unwrap();
        harness.execute_sql("sys", "MAJOR FREEZE").unwrap();
        harness.execute_sql("sys", "BACKUP DATABASE").unwrap();
        for _ in 0..60_000 / step {
            harness.advance_ms(step);
        }
        let jobs: Vec<_> = harness.cluster().jobs.iter().map(|job| (job.start, job.end)).collect();
        let zones: Vec<_> = harness.cluster().legacy.iter().flat_map(|legacy| legacy.merge.zones.clone()).collect();
        (jobs, zones)
    };
    assert_eq!(run(60_000), run(50));
}

#[test]
fn without_global_timestamps_nothing_is_backed_up() {
    let more = "  - {names: [local], local_timestamps: true}\n";
    let text = format!(
        "shows: a test\nclusters:\n- name: demo\n  id: 1\n  version: 3.2.4\n  line: 3.2.4\n  tenants:\n  - {{names: [pay]}}\n{more}"
    );
    let mut harness = DemoHarness::from_yaml(&text);
    let refused = harness.execute_sql("sys", "BACKUP DATABASE").unwrap_err();
    assert_eq!(refused, (1235, "physical backup without GTS is not supported".to_owned()));
}
