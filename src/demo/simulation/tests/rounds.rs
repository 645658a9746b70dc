//! Tests of archive rounds and pieces of V4. The time is set by the test; nothing sleeps.

use super::*;

#[test]
fn a_round_is_prepared_begins_and_archives() {
    let mut harness = DemoHarness::from_scenario("archiving-off");
    harness.switch_archive(true, named_tenants(&["pay"])).unwrap();
    let mut seen = Vec::new();
    for _ in 0..20 {
        let status = harness.tenant("pay").current_round().unwrap().status;
        if seen.last() != Some(&status) {
            seen.push(status);
        }
        harness.advance_ms(100);
    }
    assert_eq!(seen, [RoundStatus::Prepare, RoundStatus::Beginning, RoundStatus::Doing]);
    assert_eq!(harness.tenant("pay").current_round().unwrap().id, 2);
    let on = Alter::ArchiveLog { on: true, tenants: Tenants::Unnamed, description: None };
    assert_eq!(harness.execute("pay", &on).unwrap_err().0, 9091);
    harness.switch_archive(false, named_tenants(&["pay"])).unwrap();
    assert_eq!(harness.tenant("pay").current_round().unwrap().status, RoundStatus::Stopping);
    harness.advance_ms(1_000);
    assert_eq!(harness.tenant("pay").current_round().unwrap().status, RoundStatus::Stop);
    assert_eq!(harness.switch_archive(false, named_tenants(&["pay"])).unwrap_err().0, 9092);
}

#[test]
fn archivelog_waits_for_a_destination() {
    let mut harness = DemoHarness::from_scenario("no-destination");
    harness.switch_archive(true, named_tenants(&["pay"])).unwrap();
    harness.advance_ms(10_000);
    assert!(harness.tenant("pay").archivelog && harness.tenant("pay").rounds.is_empty());
    assert!(column(&harness, "CDB_OB_ARCHIVELOG", "STATUS").is_empty());
    let location = format!("LOCATION=file://{}/log", harness.data.path().display());
    harness.set_item("log_archive_dest", &location, "pay").unwrap();
    harness.advance_ms(2_000);
    assert!(harness.tenant("pay").is_archiving());
}

#[test]
fn defer_pauses_the_round_and_enable_goes_on_with_it() {
    let mut harness = DemoHarness::with_tenants(ONE_TENANT);
    harness.set_item("log_archive_dest_state", "DEFER", "pay").unwrap();
    assert_eq!(harness.tenant("pay").current_round().unwrap().status, RoundStatus::Suspending);
    harness.advance_ms(1_000);
    assert_eq!(harness.tenant("pay").current_round().unwrap().status, RoundStatus::Suspend);
    let refused = harness.execute("sys", &full_backup(&["pay"])).unwrap_err();
    assert_eq!(refused.1, "backup can not start, because log archive status is not doing.");
    harness.set_item("log_archive_dest_state", "ENABLE", "pay").unwrap();
    assert_eq!(harness.tenant("pay").current_round().unwrap().status, RoundStatus::Beginning);
    harness.advance_ms(1_000);
    let round = harness.tenant("pay").current_round().unwrap();
    assert_eq!((round.id, round.status), (1, RoundStatus::Doing));
}

#[test]
fn a_round_goes_on_from_suspend_alone_and_by_itself() {
    let mut harness = DemoHarness::with_tenants(ONE_TENANT);
    harness.set_item("log_archive_dest_state", "DEFER", "pay").unwrap();
    harness.set_item("log_archive_dest_state", "ENABLE", "pay").unwrap();
    let mut seen = Vec::new();
    for _ in 0..30 {
        let status = harness.tenant("pay").current_round().unwrap().status;
        if seen.last() != Some(&status) {
            seen.push(status);
        }
        harness.advance_ms(100);
    }
    // SUSPEND itself is left in the very turn it is reached in.
    assert_eq!(seen, [RoundStatus::Suspending, RoundStatus::Beginning, RoundStatus::Doing]);
    let changes = column(&harness, "DBA_OB_ROOTSERVICE_EVENT_HISTORY", "EVENT");
    assert_eq!(changes, ["defer_archive", "change_status", "enable_archive", "change_status"].map(text));
}

#[test]
fn setting_log_archive_dest_enables_a_deferred_one() {
    let mut harness = DemoHarness::from_scenario("archiving-off");
    harness.set_item("log_archive_dest_state", "DEFER", "pay").unwrap();
    harness.switch_archive(true, named_tenants(&["pay"])).unwrap();
    harness.advance_ms(5_000);
    assert_eq!(harness.tenant("pay").current_round().unwrap().status, RoundStatus::Stop, "deferred");
    let location = format!("LOCATION=file://{}/other", harness.data.path().display());
    harness.set_item("log_archive_dest", &location, "pay").unwrap();
    harness.advance_ms(5_000);
    assert!(harness.tenant("pay").is_archiving());
}

#[test]
fn bad_archive_directory_silently_starts_no_round() {
    let mut harness = DemoHarness::from_scenario("archiving-off");
    let format = harness.data.path().join("demo/pay/clog/format.obbak");
    std::fs::rename(&format, format.with_extension("gone")).unwrap();
    harness.switch_archive(true, named_tenants(&["pay"])).unwrap();
    harness.advance_ms(10_000);
    assert_eq!(harness.tenant("pay").current_round().unwrap().id, 1, "the one that was stopped");
    assert_eq!(column(&harness, "DBA_OB_ROOTSERVICE_EVENT_HISTORY", "EVENT"), [text("open_archive_mode")]);
    std::fs::rename(format.with_extension("gone"), &format).unwrap();
    harness.advance_ms(10);
    harness.advance_ms(2_000);
    assert!(harness.tenant("pay").is_archiving(), "it is looked at again at every turn");
}

#[test]
fn checkpoint_moves_by_the_lag_target_or_stalls() {
    let mut harness = DemoHarness::with_tenants(ONE_TENANT);
    let reached = |harness: &DemoHarness| {
        let (tenant, fleet) = (harness.tenant("pay"), &harness.fleet);
        let faults = ClusterFaults { all: &fleet.faults, cluster: "demo" };
        archive::checkpoint(tenant, tenant.current_round().unwrap(), faults, 1, fleet.now).unwrap()
    };
    let mut steps = vec![reached(&harness)];
    for _ in 0..120 {
        harness.advance_ms(100);
        if steps.last() != Some(&reached(&harness)) {
            steps.push(reached(&harness));
        }
    }
    let lengths: Vec<_> = steps.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert_eq!(lengths, [4 * SECOND; 3]);
    let mut harness = DemoHarness::from_scenario("lagging");
    let before = reached(&harness);
    assert!(before < START_TIME - 500 * SECOND);
    harness.advance_ms(60_000);
    assert_eq!(reached(&harness), before);
    harness.fleet.faults.clear();
    assert!(reached(&harness) > harness.fleet.now - 5 * SECOND);
}

#[test]
fn pieces_lie_end_to_end() {
    let harness = DemoHarness::with_tenants(ONE_TENANT);
    let starts = column(&harness, "CDB_OB_ARCHIVELOG_PIECE_FILES", "START_SCN");
    let ends = column(&harness, "CDB_OB_ARCHIVELOG_PIECE_FILES", "END_SCN");
    assert!(starts.len() > 2);
    assert_eq!(starts[1..], ends[..ends.len() - 1]);
}

/// Returns STATUS, `FILE_STATUS` and whether `CHECKPOINT_SCN` is `START_SCN`, of the last pieces.
fn last_pieces(harness: &DemoHarness, count: usize) -> Vec<(Value, Value, bool)> {
    let tenants = column(harness, "CDB_OB_ARCHIVELOG_PIECE_FILES", "TENANT_ID");
    let of = |name: &str| {
        let all = tenants.iter().zip(column(harness, "CDB_OB_ARCHIVELOG_PIECE_FILES", name));
        all.filter(|(tenant, _)| **tenant == Value::Integer(1002)).map(|(_, value)| value).collect::<Vec<_>>()
    };
    let bare = of("START_SCN").into_iter().zip(of("CHECKPOINT_SCN")).map(|(start, checkpoint)| start == checkpoint);
    let all: Vec<_> = of("STATUS").into_iter().zip(of("FILE_STATUS")).zip(bare).collect();
    all[all.len() - count..].iter().map(|((status, file), bare)| (status.clone(), file.clone(), *bare)).collect()
}

#[test]
fn newest_piece_is_incomplete_before_its_checkpoint() {
    // The round is thirty days old to the second, and one log stream has stood still since before its last switch.
    let mut harness = DemoHarness::from_scenario("lagging");
    let active = |file: &str, bare| (text("ACTIVE"), text(file), bare);
    assert_eq!(last_pieces(&harness, 2), [active("AVAILABLE", false), active("INCOMPLETE", true)]);
    harness.fleet.faults.clear();
    harness.advance_ms(5_000);
    let frozen = (text("FROZEN"), text("AVAILABLE"), false);
    assert_eq!(last_pieces(&harness, 2), [frozen, active("AVAILABLE", false)]);
}

#[test]
fn stopped_round_freezes_pieces_with_their_full_end() {
    let mut harness = DemoHarness::from_scenario("lagging");
    harness.switch_archive(false, named_tenants(&["pay"])).unwrap();
    harness.advance_ms(2_000);
    let frozen = |file: &str, bare| (text("FROZEN"), text(file), bare);
    assert_eq!(last_pieces(&harness, 2), [frozen("AVAILABLE", false), frozen("INCOMPLETE", true)]);
    let ends = column(&harness, "CDB_OB_ARCHIVELOG_PIECE_FILES", "END_SCN");
    assert!(ends.contains(&Value::Integer(clock::scn(START_TIME + 86_400 * SECOND))), "{ends:?}");
}

#[test]
fn a_set_of_a_young_round_is_replayed_from_within_it() {
    let mut harness = DemoHarness::from_scenario("archiving-off");
    harness.switch_archive(true, named_tenants(&["pay"])).unwrap();
    harness.advance_ms(1_250);
    harness.execute("sys", &full_backup(&["pay"])).unwrap();
    harness.advance_ms(60_000);
    let pay = harness.tenant("pay");
    let (round, set) = (pay.current_round().unwrap(), pay.sets.last().unwrap());
    assert!(round.start.unwrap() <= set.start_replay && set.start_replay <= set.start);
}
