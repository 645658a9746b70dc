#![allow(clippy::unwrap_used, reason = "a test stops where its setup fails")]

use super::*;
use crate::domain::facts::BaseRule;
use crate::domain::restorable::{FileStatus, SetKind, SetStatus};
use crate::domain::samples::{ago, full, place, round, tenant};

fn with(sets: Vec<BackupSet>) -> TenantFacts {
    TenantFacts { sets, ..tenant(1002, "pay") }
}

#[test]
fn the_base_is_the_latest_good_set_on_this_path() {
    let own = place("file:///own/data/");
    let inc = BackupSet { kind: SetKind::Incremental, prev_full: 2, ..full(3) };
    let failed = BackupSet { status: SetStatus::Failed, ..full(4) };
    let doing = BackupSet { status: SetStatus::Doing, ..full(5) };
    let deleted = BackupSet { file_status: FileStatus::Deleted, ..full(6) };
    let strange = BackupSet { file_status: FileStatus::Other("MOVING".into()), ..full(7) };
    let elsewhere = BackupSet { path: "file:///else/data".into(), ..full(8) };
    let unreadable = BackupSet { path: "nonsense".into(), ..full(9) };
    let pay = with(vec![full(2), inc, failed, doing, deleted, strange, elsewhere, unreadable]);
    assert_eq!(usable_full(&pay, Some(&own)).map(|set| set.id), Ok(3), "an increment is a base too");
    // The order of the rows does not matter, the id does.
    let pay = with(vec![full(2), full(1)]);
    assert_eq!(usable_full(&pay, Some(&own)).map(|set| set.id), Ok(2));
}

#[test]
fn without_a_base_the_reason_is_named() {
    let own = place("file:///own/data");
    for (pay, destination, reason) in [
        (with(vec![full(1)]), None, "the tenant has no backup destination yet"),
        (with(vec![]), Some(&own), "the tenant has no backup set"),
        (
            with(vec![BackupSet { status: SetStatus::Failed, ..full(1) }]),
            Some(&own),
            "no set of the tenant is both SUCCESS and AVAILABLE",
        ),
        (
            with(vec![BackupSet { path: "file:///else".into(), ..full(4) }, full(3)]),
            Some(&place("file:///new")),
            "the good sets (latest: 4) are on another path than file:///new",
        ),
    ] {
        assert_eq!(usable_full(&pay, destination), Err(reason.to_owned()));
    }
}

#[test]
fn the_endpoint_is_part_of_the_path_and_the_key_is_not() {
    let set = BackupSet { path: "oss://b/data?host=h1&access_id=old".into(), ..full(1) };
    let pay = with(vec![set]);
    assert!(usable_full(&pay, Some(&place("oss://b/data?host=h1&access_id=new"))).is_ok());
    assert!(usable_full(&pay, Some(&place("oss://b/data?host=h2&access_id=old"))).is_err());
}

#[test]
fn a_change_of_data_version_is_seen_only_where_both_are_known() {
    let pay = tenant(1002, "pay");
    let of = |version: Option<&str>| BackupSet { data_version: version.map(str::to_owned), ..full(1) };
    let crossed = Some(("4.2.1.0".to_owned(), "4.2.5.0".to_owned()));
    assert_eq!(crosses_data_version(&pay, &of(Some("4.2.1.0"))), crossed);
    assert_eq!(crosses_data_version(&pay, &of(Some("4.2.5.0"))), None);
    assert_eq!(crosses_data_version(&pay, &of(None)), None);
    assert_eq!(crosses_data_version(&TenantFacts { data_version: None, ..pay }, &of(Some("4.2.1.0"))), None);
}

/// A tenant below V4: round 1 is 9000 s old, and each set is younger.
fn in_the_round(sets: Vec<BackupSet>) -> TenantFacts {
    let mut pay = TenantFacts { base: BaseRule::Round { most: 3 }, ..with(sets) };
    pay.archive.current = Some(round("DOING"));
    pay.archive.log_mode_on = None;
    pay
}

fn inc(id: u64) -> BackupSet {
    BackupSet { kind: SetKind::Incremental, prev_full: 1, ..full(id) }
}

#[test]
fn below_v4_a_base_is_of_the_cluster_of_this_round_and_has_room() {
    let own = place("file:///own/data");
    let base = |pay: &TenantFacts| usable_full(pay, Some(&own)).map(|set| set.id);
    assert_eq!(base(&in_the_round(vec![full(1), inc(2), inc(3)])), Ok(3));
    let no_room = in_the_round(vec![full(1), inc(2), inc(3), inc(4)]);
    assert_eq!(base(&no_room), Err("3 increments stand on full 1, and the server makes the next one a full".into()));
    // A new full has room again.
    assert_eq!(base(&in_the_round(vec![full(1), inc(2), inc(3), inc(4), full(5)])), Ok(5));
    let of_a_tenant = BackupSet { tenant_level: true, ..full(9) };
    assert_eq!(base(&in_the_round(vec![full(1), of_a_tenant.clone()])), Ok(1));
    assert!(base(&in_the_round(vec![of_a_tenant])).is_err());
    let older = in_the_round(vec![BackupSet { start_replay: ago(9_001), ..full(1) }]);
    assert_eq!(base(&older), Err("full 1 is older than log archive round 1".into()));
}

#[test]
fn below_v4_a_round_that_is_still_to_begin_has_no_base() {
    let own = place("file:///own/data");
    let mut pay = in_the_round(vec![full(1)]);
    for word in ["STOP", "INTERRUPTED", "STOPPING"] {
        pay.archive.current = Some(round(word));
        let reason =
            format!("log archiving is {word}: a new round begins, and no increment stands on a full of an older one");
        assert_eq!(usable_full(&pay, Some(&own)), Err(reason));
    }
    pay.archive.current = None;
    pay.archive.rounds.clear();
    assert!(usable_full(&pay, Some(&own)).unwrap_err().starts_with("log archiving is off"));
    pay.archive.current = Some(round("BEGINNING"));
    assert!(usable_full(&pay, Some(&own)).is_ok(), "it goes on by itself");
}
