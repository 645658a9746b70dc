//! Tests that jobs behave as on a V4 server. The time is set by the test; nothing sleeps.
#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

use crate::demo::alter::{Issuer, execute};
use crate::demo::clock::{self, SECOND};
use crate::demo::fault_injection::{ClusterFaults, FaultEffect, InjectedFault};
use crate::demo::fleet::{JobStatus, RoundStatus};
use crate::demo::harness::{DemoHarness, START_TIME, full_backup, incremental_backup, named_tenants};
use crate::demo::statement::{Alter, Tenants, Value};
use crate::demo::view_rows::{ViewContext, rows};

use super::*;

mod rounds;

const ONE_TENANT: &str = "  - {names: [pay]}";

fn hold_phase(harness: &mut DemoHarness, phase: &str) {
    let (tenant, since) = (Some("pay".to_owned()), harness.fleet.now);
    let effect = FaultEffect::HoldPhase { phase: phase.to_owned(), code: None, text: String::new() };
    let (cluster, server, fixable) = (None, None, true);
    harness.fleet.faults.push(InjectedFault {
        name: phase.to_owned(),
        cluster,
        tenant,
        server,
        fixable,
        since,
        effect,
    });
}

fn column(harness: &DemoHarness, view: &str, column: &str) -> Vec<Value> {
    let context = ViewContext { fleet: &harness.fleet, cluster: harness.cluster(), tenant_id: 1, zone: "+08:00" };
    rows(&context, view).unwrap().iter().map(|row| row.get(column).cloned().unwrap_or(Value::Null)).collect()
}

fn text(value: &str) -> Value {
    Value::Text(value.to_owned())
}

#[test]
fn the_parent_comes_first_and_its_child_a_moment_later() {
    let mut harness = DemoHarness::with_tenants("  - {names: [pay, order]}");
    harness.execute("sys", &full_backup(&["pay", "order"])).unwrap();
    let parent = harness.job("sys").unwrap().clone();
    assert_eq!(parent.executors, [1002, 1004]);
    assert_eq!((parent.status, parent.initiator_tenant_id), (JobStatus::Init, 1));
    assert_eq!(parent.initiator_job_id, parent.id, "a job of sys is its own initiator");
    assert!(harness.job("pay").is_none());
    harness.advance_ms(800);
    let child = harness.job("pay").unwrap();
    assert_eq!((child.initiator_tenant_id, child.initiator_job_id), (1, parent.id));
    assert_eq!(child.description, "obnow 7.1");
    assert!(child.start > parent.start);
    assert!(harness.job("order").is_some());
    assert_eq!(column(&harness, "CDB_OB_BACKUP_JOBS", "JOB_LEVEL")[..2], [text("CLUSTER"), text("USER_TENANT")]);
}

#[test]
fn a_job_goes_through_its_phases_in_order_and_into_history() {
    let mut harness = DemoHarness::with_tenants(ONE_TENANT);
    harness.execute("sys", &full_backup(&["pay"])).unwrap();
    let mut seen: Vec<Value> = Vec::new();
    for _ in 0..600 {
        harness.advance_ms(100);
        for status in column(&harness, "CDB_OB_BACKUP_TASKS", "STATUS") {
            if seen.last() != Some(&status) {
                seen.push(status);
            }
        }
    }
    let expected = [
        "INIT",
        "BACKUP_SYS_META",
        "BACKUP_USER_META",
        "BACKUP_META_FINISH",
        "BACKUP_DATA_MINOR",
        "BACKUP_DATA_MAJOR",
        "BACKUP_LOG",
        "COMPLETED",
    ];
    assert_eq!(seen, expected.map(text));
    assert!(column(&harness, "CDB_OB_BACKUP_JOBS", "STATUS").is_empty());
    assert_eq!(column(&harness, "CDB_OB_BACKUP_JOB_HISTORY", "STATUS"), [text("COMPLETED"), text("COMPLETED")]);
    assert_eq!(column(&harness, "CDB_OB_BACKUP_TASK_HISTORY", "STATUS"), [text("COMPLETED")]);
    let set = harness.tenant("pay").sets.last().unwrap();
    assert_eq!((set.id, set.status.as_str(), set.file_status.as_str()), (3, "SUCCESS", "AVAILABLE"));
}

#[test]
fn plus_archivelog_adds_the_log_phase() {
    let mut harness = DemoHarness::with_tenants(ONE_TENANT);
    let Alter::Backup { incremental, scope, to, description, .. } = full_backup(&["pay"]) else { unreachable!() };
    let backup = Alter::Backup { incremental, scope, to, plus_archivelog: true, description };
    harness.execute("sys", &backup).unwrap();
    hold_phase(&mut harness, "BACKUP_LOG");
    harness.advance_ms(60_000);
    assert_eq!(column(&harness, "CDB_OB_BACKUP_TASKS", "STATUS"), [text("BACKUP_LOG")]);
    assert_eq!(column(&harness, "CDB_OB_BACKUP_SET_FILES", "FILE_STATUS").last(), Some(&text("COPYING")));
    assert!(harness.tenant("pay").sets.last().unwrap().min_restore.is_some());
}

#[test]
fn counters_grow_and_a_held_phase_stands_still() {
    let mut harness = DemoHarness::with_tenants(ONE_TENANT);
    harness.execute("sys", &full_backup(&["pay"])).unwrap();
    let mut last = 0;
    for _ in 0..100 {
        harness.advance_ms(150);
        let finished = harness.job("pay").map_or(0, |_| progress(harness.cluster(), 1).finished_blocks);
        assert!(finished >= last);
        last = finished;
    }
    assert!(last > 0, "no block was done in fifteen seconds");
    hold_phase(&mut harness, "BACKUP_DATA_MAJOR");
    harness.advance_ms(1);
    let held = progress(harness.cluster(), 1);
    harness.advance_ms(3_600_000);
    assert_eq!(progress(harness.cluster(), 1), held);
    harness.fleet.faults.clear();
    harness.advance_ms(60_000);
    assert_eq!(harness.job("pay").unwrap().status, JobStatus::Completed);
}

#[test]
fn replay_and_restore_points_frame_the_set() {
    let mut harness = DemoHarness::with_tenants(ONE_TENANT);
    harness.execute("sys", &full_backup(&["pay"])).unwrap();
    harness.advance_ms(60_000);
    let set = harness.tenant("pay").sets.last().unwrap();
    let (end, min_restore) = (set.end.unwrap(), set.min_restore.unwrap());
    assert!(set.start_replay <= set.start);
    assert!(min_restore <= end && end - min_restore < 2 * SECOND, "{min_restore} is not near {end}");
}

#[test]
fn every_backup_ends_within_a_minute() {
    for name in ["healthy", "fleet"] {
        let mut harness = DemoHarness::from_scenario(name);
        harness.execute("sys", &full_backup(&[])).unwrap();
        harness.advance_ms(60_000);
        let jobs = &harness.cluster().jobs;
        assert!(jobs.iter().all(|job| job.status == JobStatus::Completed), "{name}: {jobs:?}");
    }
}

#[test]
fn increment_base_is_the_latest_good_set_on_the_path() {
    let mut harness = DemoHarness::with_tenants(ONE_TENANT);
    harness.execute("sys", &incremental_backup(&["pay"])).unwrap();
    harness.advance_ms(60_000);
    let set = harness.tenant("pay").sets.last().unwrap().clone();
    assert!(set.incremental);
    assert_eq!((set.prev_full, set.prev_inc), (1, 2));
    assert!(harness.job("pay").unwrap().incremental);
}

#[test]
fn an_increment_without_a_base_silently_becomes_a_full() {
    let mut harness = DemoHarness::with_tenants(ONE_TENANT);
    let other = format!("file://{}/elsewhere", harness.data.path().display());
    harness.set_item("data_backup_dest", &other, "pay").unwrap();
    harness.execute("sys", &incremental_backup(&["pay"])).unwrap();
    harness.advance_ms(60_000);
    let set = harness.tenant("pay").sets.last().unwrap();
    assert_eq!((set.incremental, set.prev_full, set.prev_inc), (false, 0, 0));
    assert!(!harness.job("pay").unwrap().incremental);
}

#[test]
fn upgrade_mode_fails_the_child_not_the_sys_backup() {
    let mut harness = DemoHarness::from_scenario("upgrading");
    harness.execute("sys", &full_backup(&["pay"])).unwrap();
    harness.advance_ms(5_000);
    assert!(harness.job("pay").is_none());
    assert_eq!(harness.job("sys").unwrap().status, JobStatus::Completed);
    assert_eq!(harness.job("sys").unwrap().result, 0);
    let event =
        harness.cluster().events.iter().find(|event| event.event == "handle_user_tenant_backup_failed").unwrap();
    let (names, values): (Vec<_>, Vec<_>) = event.items.iter().cloned().unzip();
    assert_eq!(names, ["user_tenant_id", "ret", "trace_id"], "no words of why");
    assert_eq!(values[..2], ["1002", "-9040"]);
    let refused = harness.execute("pay", &full_backup(&[])).unwrap_err();
    assert_eq!(refused, (9040, "backup can not start, because cluster upgrading".to_owned()));
}

#[test]
fn a_failed_child_fails_its_parent_and_its_set() {
    let mut harness = DemoHarness::from_scenario("fails");
    harness.execute("sys", &full_backup(&["pay", "order"])).unwrap();
    harness.advance_ms(60_000);
    let job = harness.job("pay").unwrap();
    assert_eq!((job.status, job.result), (JobStatus::Failed, -9082));
    assert!(
        job.comment.contains("addr: 127.0.0.1:2884, module: BACKUP_DATA, result: -9082(backup device out of space), "),
        "{}",
        job.comment
    );
    assert_eq!(harness.job("order").unwrap().status, JobStatus::Completed);
    assert_eq!((harness.job("sys").unwrap().status, harness.job("sys").unwrap().result), (JobStatus::Failed, -9082));
    let set = harness.tenant("pay").sets.last().unwrap();
    assert_eq!((&*set.status, &*set.file_status), ("FAILED", "BROKEN"));
    harness.fleet.faults.clear();
    harness.execute("sys", &full_backup(&["pay"])).unwrap();
    harness.advance_ms(60_000);
    assert_eq!(harness.job("pay").unwrap().status, JobStatus::Completed);
}

#[test]
fn cancel_hits_every_job_of_the_tenant_and_no_other() {
    let mut harness = DemoHarness::with_tenants("  - {names: [pay, order]}");
    harness.execute("sys", &full_backup(&["pay", "order"])).unwrap();
    harness.advance_ms(2_000);
    harness.execute("pay", &full_backup(&[])).unwrap();
    harness.advance_ms(1_000);
    assert_eq!(harness.cluster().running_jobs(1002).count(), 2);
    harness.execute("sys", &Alter::CancelBackup(named_tenants(&["pay"]))).unwrap();
    assert!(harness.cluster().running_jobs(1002).all(|job| job.status == JobStatus::Canceling));
    harness.advance_ms(2_000);
    assert_eq!(harness.cluster().running_jobs(1002).count(), 0);
    assert_eq!(harness.cluster().running_jobs(1004).count(), 1);
    harness.advance_ms(60_000);
    assert_eq!(harness.job("order").unwrap().status, JobStatus::Completed);
    let parent = harness.job("sys").unwrap();
    assert_eq!((parent.status, parent.result, &*parent.comment), (JobStatus::Failed, -4072, ""));
    assert_eq!(harness.cluster().jobs[1].result, -4072);
    let set = &harness.tenant("pay").sets[2];
    assert_eq!((&*set.status, &*set.file_status), ("FAILED", "BROKEN"));
}

#[test]
fn cancel_before_the_child_job_has_no_effect() {
    let mut harness = DemoHarness::with_tenants(ONE_TENANT);
    let cancel = Alter::CancelBackup(named_tenants(&["pay"]));
    harness.execute("sys", &cancel).unwrap();
    harness.execute("sys", &full_backup(&["pay"])).unwrap();
    harness.execute("sys", &cancel).unwrap();
    harness.advance_ms(60_000);
    assert_eq!(harness.job("pay").unwrap().status, JobStatus::Completed);
    assert_eq!(harness.job("sys").unwrap().status, JobStatus::Completed);
    harness.execute("pay", &Alter::CancelBackup(Tenants::Unnamed)).unwrap();
}

#[test]
fn a_bare_cancel_of_sys_ends_its_own_job_too() {
    let mut harness = DemoHarness::with_tenants("  - {names: [pay, order]}");
    harness.execute("sys", &full_backup(&["pay", "order"])).unwrap();
    harness.advance_ms(3_000);
    harness.execute("sys", &Alter::CancelBackup(Tenants::Unnamed)).unwrap();
    harness.advance_ms(10_000);
    for tenant in ["pay", "order", "sys"] {
        let job = harness.job(tenant).unwrap();
        assert_eq!((job.status, job.result), (JobStatus::Canceled, -4072), "{tenant}");
    }
}

#[test]
fn two_initiators_queue_and_one_initiator_is_refused() {
    let mut harness = DemoHarness::with_tenants(ONE_TENANT);
    harness.execute("sys", &full_backup(&["pay"])).unwrap();
    harness.advance_ms(800);
    let refused = harness.execute("sys", &full_backup(&["pay"])).unwrap_err();
    assert_eq!(refused, (9036, "Backup is in progress".to_owned()));
    harness.advance_ms(5_000);
    harness.execute("pay", &full_backup(&[])).unwrap();
    harness.advance_ms(2_000);
    assert_eq!(column(&harness, "CDB_OB_BACKUP_TASKS", "STATUS").len(), 1);
    harness.advance_ms(120_000);
    assert_eq!(harness.tenant("pay").sets.len(), 4);
}

#[test]
fn second_start_before_the_child_makes_no_set() {
    let mut harness = DemoHarness::with_tenants(ONE_TENANT);
    harness.execute("sys", &full_backup(&["pay"])).unwrap();
    harness.execute("sys", &full_backup(&["pay"])).unwrap();
    harness.advance_ms(90_000);
    assert_eq!(harness.tenant("pay").sets.len(), 3);
    let parents = harness.cluster().jobs.iter().filter(|job| job.tenant_id == 1);
    assert_eq!(parents.map(|job| job.status).collect::<Vec<_>>(), [JobStatus::Completed; 2]);
}

#[test]
fn missing_format_file_fails_the_job_at_its_start() {
    let mut harness = DemoHarness::with_tenants(ONE_TENANT);
    std::fs::remove_file(harness.data.path().join("demo/pay/data/format.obbak")).unwrap();
    harness.execute("sys", &full_backup(&["pay"])).unwrap();
    harness.advance_ms(10_000);
    let job = harness.job("pay").unwrap();
    assert_eq!((job.status, job.result), (JobStatus::Failed, -9080));
    assert_eq!(harness.tenant("pay").sets.len(), 2, "it made no set");
    assert_eq!((harness.job("sys").unwrap().status, harness.job("sys").unwrap().result), (JobStatus::Failed, -9080));
}

#[test]
fn a_job_waits_for_an_upgrade_to_end_and_then_fails() {
    let mut harness = DemoHarness::with_tenants(ONE_TENANT);
    harness.execute("sys", &full_backup(&["pay"])).unwrap();
    harness.advance_ms(5_000);
    let upgrade = |harness: &mut DemoHarness, on: &str| {
        harness.fleet.clusters[0].parameters.insert("enable_upgrade_mode".to_owned(), on.to_owned());
    };
    upgrade(&mut harness, "True");
    harness.advance_ms(60_000);
    assert_eq!(harness.job("pay").unwrap().status, JobStatus::Doing, "it stands");
    upgrade(&mut harness, "False");
    harness.advance_ms(60_000);
    assert_eq!(harness.job("pay").unwrap().status, JobStatus::Completed, "and goes on once the upgrade has ended");
    harness.execute("sys", &full_backup(&["pay"])).unwrap();
    harness.advance_ms(5_000);
    upgrade(&mut harness, "True");
    harness.advance_ms(1);
    harness.advance_ms(319_000);
    assert_eq!(harness.job("pay").unwrap().status, JobStatus::Doing);
    harness.advance_ms(2_000);
    assert_eq!((harness.job("pay").unwrap().status, harness.job("pay").unwrap().result), (JobStatus::Failed, -4109));
}

#[test]
fn a_job_fails_at_once_when_the_data_version_changes() {
    let mut harness = DemoHarness::with_tenants(ONE_TENANT);
    harness.execute("sys", &full_backup(&["pay"])).unwrap();
    harness.advance_ms(5_000);
    let tenant = harness.fleet.clusters[0].tenants.iter_mut().find(|tenant| tenant.name == "pay").unwrap();
    tenant.compatible = "4.3.0.0".to_owned();
    harness.advance_ms(100);
    assert_eq!((harness.job("pay").unwrap().status, harness.job("pay").unwrap().result), (JobStatus::Failed, -4143));
}

#[test]
fn a_job_fails_when_its_archive_breaks() {
    let mut harness = DemoHarness::with_tenants(ONE_TENANT);
    harness.execute("sys", &full_backup(&["pay"])).unwrap();
    harness.advance_ms(5_000);
    let now = harness.fleet.now;
    archive::interrupt_round(&mut harness.fleet.clusters[0], 1002, &[], 1, now);
    harness.advance_ms(100);
    assert_eq!((harness.job("pay").unwrap().status, harness.job("pay").unwrap().result), (JobStatus::Failed, -9027));
    harness.switch_archive(false, Tenants::Unnamed).unwrap();
    harness.advance_ms(1_000);
    harness.switch_archive(true, Tenants::Unnamed).unwrap();
    harness.advance_ms(2_000);
    let rounds = &harness.tenant("pay").rounds;
    assert_eq!((rounds[0].status, rounds[1].status), (RoundStatus::Stop, RoundStatus::Doing));
    assert!(rounds[1].start.unwrap() > rounds[0].reached_checkpoint, "the two rounds are not continuous");
    assert!(
        rounds[1].base_piece > archive::last_piece(&rounds[0], rounds[0].reached_checkpoint),
        "piece ids begin anew"
    );
}

#[test]
fn archive_break_always_leaves_the_set_short_of_log() {
    for milliseconds in (0..4_000).step_by(50) {
        let mut harness = DemoHarness::with_tenants(ONE_TENANT);
        let (name, tenant, effect) = ("breaks".to_owned(), Some("pay".to_owned()), FaultEffect::ArchiveBreaks);
        let (cluster, server, since) = (None, None, harness.fleet.now);
        harness.fleet.faults.push(InjectedFault { name, cluster, tenant, server, fixable: true, since, effect });
        harness.advance_ms(milliseconds);
        harness.execute("sys", &full_backup(&["pay"])).unwrap();
        harness.advance_ms(60_000);
        let tenant = harness.tenant("pay");
        let (set, round) = (tenant.sets.last().unwrap(), tenant.current_round().unwrap());
        assert_eq!(round.status, RoundStatus::Interrupted);
        assert!(round.frozen_checkpoint < set.min_restore, "begun after {milliseconds} ms");
    }
}

#[test]
fn busy_scenario_has_a_job_and_a_childless_parent() {
    let mut harness = DemoHarness::from_scenario("busy");
    harness.advance_ms(3_600_000);
    assert_eq!(column(&harness, "CDB_OB_BACKUP_TASKS", "STATUS"), [text("BACKUP_DATA_MAJOR")]);
    assert!(harness.job("order").is_none());
    assert!(column(&harness, "CDB_OB_BACKUP_JOBS", "EXECUTOR_TENANT_ID").contains(&text("1004")));
    harness.fleet.faults.retain(|fault| !fault.fixable);
    harness.advance_ms(60_000);
    assert_eq!(harness.job("pay").unwrap().status, JobStatus::Completed);
    assert_eq!(harness.job("order").unwrap().status, JobStatus::Completed);
}

#[test]
fn how_often_one_looks_does_not_change_what_happens() {
    let run = |step: Micros| {
        let mut harness = DemoHarness::with_tenants("  - {names: [pay, order], megabytes: 1300}");
        harness.execute("sys", &full_backup(&["pay", "order"])).unwrap();
        for _ in 0..60_000 / step {
            harness.advance_ms(step);
        }
        serde_json::to_string(&harness.cluster().jobs.iter().map(|job| (job.start, job.end)).collect::<Vec<_>>())
            .unwrap()
    };
    assert_eq!(run(60_000), run(50));
}

#[test]
fn full_backup_of_every_fleet_cluster_is_restorable() {
    let harness = DemoHarness::from_scenario("fleet");
    for index in 0..harness.fleet.clusters.len() {
        let mut fleet = harness.fleet.clone();
        let issuer = Issuer { cluster: index, tenant_id: 1, encrypted: false, at: fleet.now };
        let name = fleet.clusters[index].name.clone();
        if ["dev-seek", "upgrade-gz", "dr-sz"].contains(&name.as_str()) {
            continue;
        }
        execute(&mut fleet, issuer, &full_backup(&[])).unwrap();
        advance(&mut fleet, START_TIME + 70 * SECOND);
        let cluster = &fleet.clusters[index];
        if cluster.line.is_legacy() {
            let executors = cluster.jobs[0].executors.iter().filter_map(|id| cluster.tenant_by_id(*id));
            for tenant in executors.chain(cluster.tenant_by_id(1)) {
                assert_eq!(tenant.sets.last().unwrap().status, "SUCCESS", "{name}/{}", tenant.name);
                assert!(legacy::is_restorable(&fleet, cluster, tenant), "{name}/{}", tenant.name);
            }
            continue;
        }
        for id in &cluster.jobs[0].executors {
            let tenant = cluster.tenant_by_id(*id).unwrap();
            let (round, set) = (tenant.current_round().unwrap(), tenant.sets.last().unwrap());
            let faults = ClusterFaults { all: &fleet.faults, cluster: &name };
            let reached = archive::checkpoint(tenant, round, faults, 1, fleet.now).unwrap();
            assert_eq!(set.status, "SUCCESS", "{name}/{}", tenant.name);
            assert!(round.start.unwrap() <= set.start_replay && set.min_restore.unwrap() <= reached);
        }
    }
}

#[test]
fn a_job_that_is_gone_runs_all_the_same() {
    let mut harness = DemoHarness::from_scenario("job-gone");
    harness.execute("sys", &full_backup(&["pay"])).unwrap();
    harness.advance_ms(60_000);
    assert_eq!(harness.job("pay").unwrap().status, JobStatus::Completed);
    for view in ["CDB_OB_BACKUP_JOBS", "CDB_OB_BACKUP_JOB_HISTORY", "CDB_OB_BACKUP_TASK_HISTORY"] {
        assert!(column(&harness, view, "STATUS").is_empty(), "{view}");
    }
    harness.fleet.faults.clear();
    assert_eq!(column(&harness, "CDB_OB_BACKUP_JOB_HISTORY", "STATUS").len(), 2);
}

#[test]
fn encryption_is_shown_unless_it_was_lost() {
    for (scenario, shown) in [("healthy", "PASSWORD"), ("encryption-lost", "NONE")] {
        let mut harness = DemoHarness::from_scenario(scenario);
        let issuer = Issuer { cluster: 0, tenant_id: 1, encrypted: true, at: harness.fleet.now };
        execute(&mut harness.fleet, issuer, &full_backup(&["pay"])).unwrap();
        harness.advance_ms(60_000);
        let modes = column(&harness, "CDB_OB_BACKUP_SET_FILES", "ENCRYPTION_MODE");
        assert_eq!(modes[2], text(shown), "{scenario}: {modes:?}");
    }
}

#[test]
fn a_set_at_an_older_destination_is_no_base() {
    let mut harness = DemoHarness::from_scenario("silent-full");
    harness.execute("sys", &incremental_backup(&["pay"])).unwrap();
    harness.advance_ms(60_000);
    assert!(!harness.tenant("pay").sets.last().unwrap().incremental);
    harness.execute("sys", &incremental_backup(&["pay"])).unwrap();
    harness.advance_ms(60_000);
    assert!(harness.tenant("pay").sets.last().unwrap().incremental, "the full that was made is a base");
}

#[test]
fn increment_on_other_data_version_makes_no_child() {
    let mut harness = DemoHarness::from_scenario("silent-full");
    harness.execute("sys", &incremental_backup(&["order"])).unwrap();
    harness.advance_ms(60_000);
    assert!(harness.job("order").is_none());
    let parent = harness.job("sys").unwrap();
    assert_eq!((parent.status, parent.result), (JobStatus::Completed, 0));
    let refused = harness.execute("order", &incremental_backup(&[])).unwrap_err();
    let why = "backup can not start, because cross compatible incremental backup is not supported, previous backup set \
               compatible is 4.2.5.0, current compatible is 4.2.5.1";
    assert_eq!(refused, (9040, why.to_owned()));
    harness.execute("order", &full_backup(&[])).unwrap();
}

#[test]
fn what_was_held_does_not_turn_back_time_for_the_others() {
    let end_of_order = |held: bool| {
        let mut harness = DemoHarness::with_tenants("  - {names: [pay, order]}");
        harness.execute("sys", &full_backup(&["pay", "order"])).unwrap();
        harness.advance_ms(2_000);
        if held {
            hold_phase(&mut harness, "CANCELING");
        }
        harness.execute("sys", &Alter::CancelBackup(named_tenants(&["pay"]))).unwrap();
        harness.advance_ms(10_000);
        assert_eq!(harness.job("pay").unwrap().status.has_ended(), !held);
        harness.fleet.faults.clear();
        harness.advance_ms(60_000);
        assert_eq!(harness.job("pay").unwrap().status, JobStatus::Canceled);
        harness.job("order").unwrap().end
    };
    assert_eq!(end_of_order(true), end_of_order(false));
}

#[test]
fn a_parent_without_children_is_cancelled_in_its_own_time() {
    let mut harness = DemoHarness::with_tenants(ONE_TENANT);
    harness.execute("sys", &full_backup(&["pay"])).unwrap();
    harness.execute("sys", &Alter::CancelBackup(Tenants::Unnamed)).unwrap();
    harness.advance_ms(100);
    assert_eq!(harness.job("sys").unwrap().status, JobStatus::Canceling);
    harness.advance_ms(2_000);
    assert_eq!(harness.job("sys").unwrap().status, JobStatus::Canceled);
    assert!(harness.job("pay").is_none());
}
