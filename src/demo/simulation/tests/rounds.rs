//! Tests of archive rounds and pieces of V4. The time is set by the test; nothing sleeps.

use super::*;

#[test]
fn a_round_is_prepared_begins_and_archives() {
    let mut bench = DemoHarness::from_scenario("archiving-off");
    bench.switch_archive(true, named_tenants(&["pay"])).unwrap();
    let mut seen = Vec::new();
    for _ in 0..20 {
        let status = bench.tenant("pay").current_round().unwrap().status;
        if seen.last() != Some(&status) {
            seen.push(status);
        }
        bench.advance_ms(100);
    }
    assert_eq!(seen, [RoundStatus::Prepare, RoundStatus::Beginning, RoundStatus::Doing]);
    assert_eq!(bench.tenant("pay").current_round().unwrap().id, 2);
    let on = Alter::ArchiveLog { on: true, tenants: Tenants::Unnamed, description: None };
    assert_eq!(bench.execute("pay", &on).unwrap_err().0, 9091);
    bench.switch_archive(false, named_tenants(&["pay"])).unwrap();
    assert_eq!(bench.tenant("pay").current_round().unwrap().status, RoundStatus::Stopping);
    bench.advance_ms(1_000);
    assert_eq!(bench.tenant("pay").current_round().unwrap().status, RoundStatus::Stop);
    assert_eq!(bench.switch_archive(false, named_tenants(&["pay"])).unwrap_err().0, 9092);
}

#[test]
fn archivelog_waits_for_a_destination() {
    let mut bench = DemoHarness::from_scenario("no-destination");
    bench.switch_archive(true, named_tenants(&["pay"])).unwrap();
    bench.advance_ms(10_000);
    assert!(bench.tenant("pay").archivelog && bench.tenant("pay").rounds.is_empty());
    assert!(column(&bench, "CDB_OB_ARCHIVELOG", "STATUS").is_empty());
    let location = format!("LOCATION=file://{}/log", bench.data.path().display());
    bench.set_item("log_archive_dest", &location, "pay").unwrap();
    bench.advance_ms(2_000);
    assert!(bench.tenant("pay").is_archiving());
}

#[test]
fn defer_pauses_the_round_and_enable_goes_on_with_it() {
    let mut bench = DemoHarness::with_tenants(ONE);
    bench.set_item("log_archive_dest_state", "DEFER", "pay").unwrap();
    assert_eq!(bench.tenant("pay").current_round().unwrap().status, RoundStatus::Suspending);
    bench.advance_ms(1_000);
    assert_eq!(bench.tenant("pay").current_round().unwrap().status, RoundStatus::Suspend);
    let refused = bench.execute("sys", &full_backup(&["pay"])).unwrap_err();
    assert_eq!(refused.1, "backup can not start, because log archive status is not doing.");
    bench.set_item("log_archive_dest_state", "ENABLE", "pay").unwrap();
    assert_eq!(bench.tenant("pay").current_round().unwrap().status, RoundStatus::Beginning);
    bench.advance_ms(1_000);
    let round = bench.tenant("pay").current_round().unwrap();
    assert_eq!((round.id, round.status), (1, RoundStatus::Doing));
}

#[test]
fn a_round_goes_on_from_suspend_alone_and_by_itself() {
    let mut bench = DemoHarness::with_tenants(ONE);
    bench.set_item("log_archive_dest_state", "DEFER", "pay").unwrap();
    bench.set_item("log_archive_dest_state", "ENABLE", "pay").unwrap();
    let mut seen = Vec::new();
    for _ in 0..30 {
        let status = bench.tenant("pay").current_round().unwrap().status;
        if seen.last() != Some(&status) {
            seen.push(status);
        }
        bench.advance_ms(100);
    }
    // SUSPEND itself is left in the very turn it is reached in.
    assert_eq!(seen, [RoundStatus::Suspending, RoundStatus::Beginning, RoundStatus::Doing]);
    let changes = column(&bench, "DBA_OB_ROOTSERVICE_EVENT_HISTORY", "EVENT");
    assert_eq!(changes, ["defer_archive", "change_status", "enable_archive", "change_status"].map(text));
}

#[test]
fn setting_log_archive_dest_enables_a_deferred_one() {
    let mut bench = DemoHarness::from_scenario("archiving-off");
    bench.set_item("log_archive_dest_state", "DEFER", "pay").unwrap();
    bench.switch_archive(true, named_tenants(&["pay"])).unwrap();
    bench.advance_ms(5_000);
    assert_eq!(bench.tenant("pay").current_round().unwrap().status, RoundStatus::Stop, "deferred");
    let location = format!("LOCATION=file://{}/other", bench.data.path().display());
    bench.set_item("log_archive_dest", &location, "pay").unwrap();
    bench.advance_ms(5_000);
    assert!(bench.tenant("pay").is_archiving());
}

#[test]
fn bad_archive_directory_silently_starts_no_round() {
    let mut bench = DemoHarness::from_scenario("archiving-off");
    let format = bench.data.path().join("demo/pay/clog/format.obbak");
    std::fs::rename(&format, format.with_extension("gone")).unwrap();
    bench.switch_archive(true, named_tenants(&["pay"])).unwrap();
    bench.advance_ms(10_000);
    assert_eq!(bench.tenant("pay").current_round().unwrap().id, 1, "the one that was stopped");
    assert_eq!(column(&bench, "DBA_OB_ROOTSERVICE_EVENT_HISTORY", "EVENT"), [text("open_archive_mode")]);
    std::fs::rename(format.with_extension("gone"), &format).unwrap();
    bench.advance_ms(10);
    bench.advance_ms(2_000);
    assert!(bench.tenant("pay").is_archiving(), "it is looked at again at every turn");
}

#[test]
fn checkpoint_moves_by_the_lag_target_or_stalls() {
    let mut bench = DemoHarness::with_tenants(ONE);
    let reached = |bench: &DemoHarness| {
        let (tenant, fleet) = (bench.tenant("pay"), &bench.fleet);
        let faults = ClusterFaults { all: &fleet.faults, cluster: "demo" };
        archive::checkpoint(tenant, tenant.current_round().unwrap(), faults, 1, fleet.now).unwrap()
    };
    let mut steps = vec![reached(&bench)];
    for _ in 0..120 {
        bench.advance_ms(100);
        if steps.last() != Some(&reached(&bench)) {
            steps.push(reached(&bench));
        }
    }
    let lengths: Vec<_> = steps.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert_eq!(lengths, [4 * SECOND; 3]);
    let mut bench = DemoHarness::from_scenario("lagging");
    let before = reached(&bench);
    assert!(before < NOW - 500 * SECOND);
    bench.advance_ms(60_000);
    assert_eq!(reached(&bench), before);
    bench.fleet.faults.clear();
    assert!(reached(&bench) > bench.fleet.now - 5 * SECOND);
}

#[test]
fn pieces_lie_end_to_end() {
    let bench = DemoHarness::with_tenants(ONE);
    let starts = column(&bench, "CDB_OB_ARCHIVELOG_PIECE_FILES", "START_SCN");
    let ends = column(&bench, "CDB_OB_ARCHIVELOG_PIECE_FILES", "END_SCN");
    assert!(starts.len() > 2);
    assert_eq!(starts[1..], ends[..ends.len() - 1]);
}

/// Returns STATUS, `FILE_STATUS` and whether `CHECKPOINT_SCN` is `START_SCN`, of the last pieces.
fn last_pieces(bench: &DemoHarness, count: usize) -> Vec<(Value, Value, bool)> {
    let tenants = column(bench, "CDB_OB_ARCHIVELOG_PIECE_FILES", "TENANT_ID");
    let of = |name: &str| {
        let all = tenants.iter().zip(column(bench, "CDB_OB_ARCHIVELOG_PIECE_FILES", name));
        all.filter(|(tenant, _)| **tenant == Value::Integer(1002)).map(|(_, value)| value).collect::<Vec<_>>()
    };
    let bare = of("START_SCN").into_iter().zip(of("CHECKPOINT_SCN")).map(|(start, checkpoint)| start == checkpoint);
    let all: Vec<_> = of("STATUS").into_iter().zip(of("FILE_STATUS")).zip(bare).collect();
    all[all.len() - count..].iter().map(|((status, file), bare)| (status.clone(), file.clone(), *bare)).collect()
}

#[test]
fn newest_piece_is_incomplete_before_its_checkpoint() {
    // The round is thirty days old to the second, and one log stream has stood still since before its last switch.
    let mut bench = DemoHarness::from_scenario("lagging");
    let active = |file: &str, bare| (text("ACTIVE"), text(file), bare);
    assert_eq!(last_pieces(&bench, 2), [active("AVAILABLE", false), active("INCOMPLETE", true)]);
    bench.fleet.faults.clear();
    bench.advance_ms(5_000);
    let frozen = (text("FROZEN"), text("AVAILABLE"), false);
    assert_eq!(last_pieces(&bench, 2), [frozen, active("AVAILABLE", false)]);
}

#[test]
fn stopped_round_freezes_pieces_with_their_full_end() {
    let mut bench = DemoHarness::from_scenario("lagging");
    bench.switch_archive(false, named_tenants(&["pay"])).unwrap();
    bench.advance_ms(2_000);
    let frozen = |file: &str, bare| (text("FROZEN"), text(file), bare);
    assert_eq!(last_pieces(&bench, 2), [frozen("AVAILABLE", false), frozen("INCOMPLETE", true)]);
    let ends = column(&bench, "CDB_OB_ARCHIVELOG_PIECE_FILES", "END_SCN");
    assert!(ends.contains(&Value::Integer(clock::scn(NOW + 86_400 * SECOND))), "{ends:?}");
}

#[test]
fn a_set_of_a_young_round_is_replayed_from_within_it() {
    let mut bench = DemoHarness::from_scenario("archiving-off");
    bench.switch_archive(true, named_tenants(&["pay"])).unwrap();
    bench.advance_ms(1_250);
    bench.execute("sys", &full_backup(&["pay"])).unwrap();
    bench.advance_ms(60_000);
    let pay = bench.tenant("pay");
    let (round, set) = (pay.current_round().unwrap(), pay.sets.last().unwrap());
    assert!(round.start.unwrap() <= set.start_replay && set.start_replay <= set.start);
}
