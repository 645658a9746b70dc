#![allow(clippy::unwrap_used, reason = "a test stops where its setup fails")]

use super::*;
use crate::demo::clock;
use crate::demo::fault_injection::{FaultEffect, InjectedFault};
use crate::demo::fleet::RoundStatus;
use crate::demo::harness::{DemoHarness, full_backup};

/// Returns what the server would restore up to a point: type and id of each row, or the code of the error.
fn find_restore_source(
    harness: &DemoHarness,
    from: &str,
    scn: i128,
    passwords: &[&str],
) -> Result<Vec<(String, i128)>, u16> {
    let context = ViewContext { fleet: &harness.fleet, cluster: harness.cluster(), tenant_id: 1, zone: "+08:00" };
    let preview = Preview { from: from.to_owned(), until: Until::Scn(scn), legacy: None };
    let passwords: Vec<String> = passwords.iter().map(|text| (*text).to_owned()).collect();
    let issuer = Issuer { cluster: 0, tenant_id: 1, encrypted: false, at: harness.fleet.now };
    check_preview(harness.cluster(), issuer, &preview).map_err(|error| error.code)?;
    let rows = preview_rows(&context, &preview, &passwords).map_err(|error| error.code)?;
    Ok(rows
        .into_iter()
        .map(|row| match (&row[0].1, &row[1].1) {
            (Value::Text(kind), Value::Integer(id)) => (kind.clone(), *id),
            _ => (String::new(), 0),
        })
        .collect())
}

fn both_uris(harness: &DemoHarness) -> String {
    let base = harness.data.path().join("demo/pay");
    format!("file://{0}/data,file://{0}/clog", base.display())
}

fn data_uri(harness: &DemoHarness) -> String {
    both_uris(harness).split(',').next().unwrap().to_owned()
}

/// Returns the earliest restore point of the newest set that the views list.
fn newest_restore_point(harness: &DemoHarness) -> i128 {
    clock::scn(harness.tenant("pay").sets.last().unwrap().min_restore.unwrap())
}

fn set_ids(rows: &[(String, i128)]) -> Vec<i128> {
    rows.iter().filter(|(kind, _)| kind == "BACKUP_SET").map(|(_, id)| *id).collect()
}

fn missing_file(what: MissingFile) -> InjectedFault {
    InjectedFault {
        name: "lost".to_owned(),
        cluster: None,
        tenant: Some("pay".to_owned()),
        server: None,
        fixable: true,
        since: 0,
        effect: FaultEffect::FileMissing { what },
    }
}

fn harness() -> DemoHarness {
    DemoHarness::with_tenants("  - {names: [pay], sets: [3d, 1d]}\n")
}

#[test]
fn the_chain_and_the_pieces_up_to_the_point_are_found() {
    let harness = harness();
    let rows = find_restore_source(&harness, &both_uris(&harness), newest_restore_point(&harness), &[]).unwrap();
    assert_eq!(set_ids(&rows), [1, 2]);
    // The piece of the set's own day, in days since the round began.
    assert_eq!(rows.iter().filter(|(kind, _)| kind == "BACKUP_PIECE").map(|(_, id)| *id).collect::<Vec<_>>(), [29, 30]);
    // Before the increment the full stands alone.
    assert_eq!(
        set_ids(
            &find_restore_source(&harness, &both_uris(&harness), newest_restore_point(&harness) - 1_000, &[]).unwrap()
        ),
        [1]
    );
    assert_eq!(find_restore_source(&harness, &both_uris(&harness), 0, &[]), Err(1210));
    let first = clock::scn(harness.tenant("pay").sets[0].min_restore.unwrap());
    assert_eq!(
        find_restore_source(&harness, &both_uris(&harness), first - 1_000, &[]),
        Err(4018),
        "no set is that old"
    );
}

#[test]
fn a_log_that_has_not_come_or_is_not_there_is_4018() {
    let mut harness = harness();
    assert_eq!(
        find_restore_source(&harness, &both_uris(&harness), clock::scn(harness.fleet.now + 3_600 * clock::SECOND), &[]),
        Err(4018)
    );
    harness.fleet.faults.push(missing_file(MissingFile::NewestPiece));
    assert_eq!(
        find_restore_source(&harness, &both_uris(&harness), clock::scn(harness.fleet.now - 5_000_000), &[]),
        Err(4018)
    );
    // The pieces before it are there.
    let first = clock::scn(harness.tenant("pay").sets[0].min_restore.unwrap());
    assert!(find_restore_source(&harness, &both_uris(&harness), first, &[]).is_ok());
}

#[test]
fn a_set_without_its_info_file_is_none() {
    let mut harness = harness();
    harness.fleet.faults.push(missing_file(MissingFile::NewestSetInfo));
    assert_eq!(
        set_ids(&find_restore_source(&harness, &both_uris(&harness), newest_restore_point(&harness), &[]).unwrap()),
        [1]
    );
}

#[test]
fn the_views_and_the_storage_may_differ() {
    let mut harness = harness();
    harness.fleet.clusters[0].tenants.last_mut().unwrap().sets[1].file_status = "DELETED".to_owned();
    assert_eq!(
        set_ids(&find_restore_source(&harness, &both_uris(&harness), newest_restore_point(&harness), &[]).unwrap()),
        [1, 2]
    );
}

#[test]
fn the_password_of_every_set_up_to_the_point_is_asked_for() {
    let harness = DemoHarness::with_tenants("  - {names: [pay], sets: [3d, 1d], set_passwords: {1: old}}\n");
    let at = newest_restore_point(&harness);
    assert_eq!(find_restore_source(&harness, &both_uris(&harness), at, &[]), Err(9047));
    assert_eq!(find_restore_source(&harness, &both_uris(&harness), at, &["wrong"]), Err(9047));
    assert_eq!(set_ids(&find_restore_source(&harness, &both_uris(&harness), at, &["wrong", "old"]).unwrap()), [1, 2]);
    // Of the first set that is too new as well.
    let harness = DemoHarness::with_tenants("  - {names: [pay], sets: [3d, 1d], set_passwords: {2: new}}\n");
    assert_eq!(
        find_restore_source(&harness, &both_uris(&harness), newest_restore_point(&harness) - 1_000, &[]),
        Err(9047)
    );
}

#[test]
fn a_set_that_no_view_lists_any_more_still_counts() {
    let harness =
        DemoHarness::with_tenants("  - {names: [pay], sets: [3d, 1d], set_passwords: {1: old}, sets_unlisted: [1]}\n");
    assert_eq!(harness.tenant("pay").sets.len(), 1);
    assert_eq!(find_restore_source(&harness, &both_uris(&harness), newest_restore_point(&harness), &[]), Err(9047));
}

#[test]
fn a_directory_without_its_format_file_is_9080() {
    let harness = harness();
    std::fs::remove_file(harness.data.path().join("demo/pay/clog/format.obbak")).unwrap();
    assert_eq!(find_restore_source(&harness, &both_uris(&harness), newest_restore_point(&harness), &[]), Err(9080));
}

#[test]
fn the_log_inside_a_set_counts_where_no_archive_is_named() {
    let mut harness = harness();
    assert_eq!(find_restore_source(&harness, &data_uri(&harness), newest_restore_point(&harness), &[]), Err(4016));
    harness.fleet.clusters[0].tenants.last_mut().unwrap().rounds[0].status = RoundStatus::Doing;
    harness.execute_sql("sys", "BACKUP TENANT = pay PLUS ARCHIVELOG").unwrap();
    harness.advance_ms(120_000);
    let at = newest_restore_point(&harness);
    let alone = find_restore_source(&harness, &data_uri(&harness), at, &[]).unwrap();
    assert_eq!((set_ids(&alone), alone.len()), (vec![3], 2));
    // With the archive's path the log inside the set is not used.
    harness.fleet.faults.push(missing_file(MissingFile::NewestPiece));
    assert_eq!(find_restore_source(&harness, &both_uris(&harness), at, &[]), Err(4018));
    assert!(find_restore_source(&harness, &data_uri(&harness), at, &[]).is_ok());
}

#[test]
fn a_backup_writes_its_info_file_when_it_ends() {
    let mut harness = harness();
    harness.execute("sys", &full_backup(&["pay"])).unwrap();
    harness.advance_ms(3_000);
    assert_eq!(harness.cluster().stored_backups.highest_set_id(harness.tenant("pay").id), 2);
    harness.advance_ms(120_000);
    assert_eq!(harness.cluster().stored_backups.highest_set_id(harness.tenant("pay").id), 3);
    assert_eq!(
        set_ids(&find_restore_source(&harness, &both_uris(&harness), newest_restore_point(&harness), &[]).unwrap()),
        [3]
    );
}

#[test]
fn a_release_refuses_what_it_does_not_have() {
    let of = |version: &str| {
        let mut harness = harness();
        harness.fleet.clusters[0].version = version.to_owned();
        find_restore_source(&harness, &both_uris(&harness), newest_restore_point(&harness), &[])
            .map(|rows| set_ids(&rows))
    };
    for version in ["4.0.0.0", "4.1.0.2", "4.2.0.1", "4.2.1.7", "4.2.2.1", "4.3.0.1"] {
        assert_eq!(of(version), Err(1235), "{version}");
    }
    assert_eq!(of("4.3.1.0"), Err(5112));
    for version in ["4.2.3.1", "4.2.5.1", "4.3.5.0"] {
        assert_eq!(of(version), Ok(vec![1, 2]), "{version}");
    }
    let harness = harness();
    let preview =
        Preview { from: both_uris(&harness), until: Until::Scn(newest_restore_point(&harness)), legacy: None };
    let issuer = Issuer { cluster: 0, tenant_id: 1002, encrypted: false, at: harness.fleet.now };
    assert_eq!(check_preview(harness.cluster(), issuer, &preview).unwrap_err().code, 4179);
}

#[test]
fn failed_set_info_does_not_hide_later_sets() {
    let mut harness = harness();
    harness.execute("sys", &full_backup(&["pay"])).unwrap();
    harness.advance_ms(3_000);
    harness.execute_sql("sys", "CANCEL BACKUP TENANT = pay").unwrap();
    harness.advance_ms(60_000);
    harness.execute("sys", &full_backup(&["pay"])).unwrap();
    harness.advance_ms(120_000);
    assert_eq!(harness.tenant("pay").sets.last().unwrap().id, 4);
    assert_eq!(
        set_ids(&find_restore_source(&harness, &both_uris(&harness), newest_restore_point(&harness), &[]).unwrap()),
        [4]
    );
}
