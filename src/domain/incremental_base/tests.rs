#![allow(clippy::unwrap_used, reason = "a test stops where its setup fails")]

use super::*;
use crate::domain::facts::BaseRule;
use crate::domain::restorable::{FileStatus, SetKind, SetStatus};
use crate::domain::samples::{ago, full, place, round, tenant};
use crate::domain::version::Version;

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
    assert_eq!(incremental_base(&pay, Some(&own)).map(|set| set.id), Ok(3), "an increment is a base too");
    // The latest set is the one with the highest id, whatever the order of the rows.
    let pay = with(vec![full(2), full(1)]);
    assert_eq!(incremental_base(&pay, Some(&own)).map(|set| set.id), Ok(2));
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
        assert_eq!(incremental_base(&pay, destination), Err(reason.to_owned()));
    }
}

#[test]
fn the_endpoint_is_part_of_the_path_and_the_key_is_not() {
    let set = BackupSet { path: "oss://b/data?host=h1&access_id=old".into(), ..full(1) };
    let pay = with(vec![set]);
    assert!(incremental_base(&pay, Some(&place("oss://b/data?host=h1&access_id=new"))).is_ok());
    assert!(incremental_base(&pay, Some(&place("oss://b/data?host=h2&access_id=old"))).is_err());
}

/// From V4.2.0 on the server refuses an incremental across data versions; older releases accept it.
#[test]
fn a_base_of_another_data_version_is_none_where_the_server_takes_none() {
    let own = place("file:///own/data");
    let of = |version: &str| BackupSet { data_version: Some(version.into()), ..full(1) };
    let at = |numbers, set| TenantFacts { version: Version::oceanbase(numbers, None), ..with(vec![set]) };
    let crossed = "set 1 was made at data version 4.2.1.0 and the tenant is at 4.2.5.0: the server takes no incremental \
                   across that";
    assert_eq!(incremental_base(&at([4, 2, 5, 1], of("4.2.1.0")), Some(&own)), Err(crossed.to_owned()));
    assert!(incremental_base(&at([4, 2, 0, 0], of("4.2.1.0")), Some(&own)).is_err());
    assert!(incremental_base(&at([4, 1, 0, 2], of("4.2.1.0")), Some(&own)).is_ok(), "V4.1 does not look at it");
    assert!(incremental_base(&at([4, 2, 5, 1], of("4.2.5.0")), Some(&own)).is_ok());
    // An older good set of the right version does not replace it: the server uses the latest.
    let mut pay = at([4, 2, 5, 1], of("4.2.5.0"));
    pay.sets.push(BackupSet { id: 2, ..of("4.2.1.0") });
    assert!(incremental_base(&pay, Some(&own)).is_err());
    // A data version that was not read does not refuse the base, and is reported.
    let unread = BackupSet { data_version: None, ..full(1) };
    let pay = at([4, 2, 5, 1], unread.clone());
    assert!(incremental_base(&pay, Some(&own)).is_ok() && data_version_unread(&pay, &unread));
    assert!(!data_version_unread(&pay, &full(1)));
    assert!(data_version_unread(&TenantFacts { data_version: None, ..pay.clone() }, &full(1)));
    assert!(!data_version_unread(&at([4, 1, 0, 2], unread.clone()), &unread), "V4.1 does not ask");
}

#[test]
fn what_the_cluster_does_not_restore_is_no_base() {
    let own = place("file:///own/data");
    let old = BackupSet { restores_here: Some(false), data_version: Some("4.0.0.0".into()), ..full(1) };
    let pay = TenantFacts { version: Version::oceanbase([4, 1, 0, 2], None), ..with(vec![old]) };
    assert_eq!(
        incremental_base(&pay, Some(&own)),
        Err("set 1 is of data version 4.0.0.0, and V4.1.0.2 restores none of it".to_owned())
    );
}

/// The server compares the text of the paths, including the host.
#[test]
fn another_spelling_of_the_path_is_another_path() {
    let set = BackupSet { path: "oss://b/data?host=h.x".into(), ..full(1) };
    let pay = with(vec![set]);
    for (uri, same) in [
        ("oss://b/data?host=h.x&access_id=i", true),
        ("oss://b/data/?host=h.x", true),
        ("oss://b/Data?host=h.x", false),
        ("oss://b//data?host=h.x", false),
        ("oss://b/data?host=H.x", false),
        ("oss://b/data?host=http://h.x", false),
    ] {
        assert_eq!(incremental_base(&pay, Some(&place(uri))).is_ok(), same, "{uri}");
    }
}

/// Returns a tenant below V4: round 1 began 9000 s ago, and each set is younger.
fn in_the_round(sets: Vec<BackupSet>) -> TenantFacts {
    let mut pay = TenantFacts { base: BaseRule::Round { most: 3 }, ..with(sets) };
    pay.archive.current = Some(round("DOING"));
    pay.archive.log_mode_on = None;
    pay
}

fn inc(id: u64) -> BackupSet {
    BackupSet { kind: SetKind::Incremental, prev_full: 1, ..full(id) }
}

/// V3.1.5 counts what followed the last full, failed or not, and no archive round.
#[test]
fn below_v4_a_base_is_of_the_cluster_and_has_room() {
    let own = place("file:///own/data");
    let base = |pay: &TenantFacts| incremental_base(pay, Some(&own)).map(|set| set.id);
    assert_eq!(base(&in_the_round(vec![full(1), inc(2), inc(3)])), Ok(3));
    assert_eq!(base(&in_the_round(vec![full(1), inc(2), inc(3), inc(4)])), Ok(4), "the limit itself is taken");
    let no_room = "4 backups, failed ones too, came after full 1, and the server makes the next one a full";
    assert_eq!(base(&in_the_round(vec![full(1), inc(2), inc(3), inc(4), inc(5)])), Err(no_room.into()));
    let failed = |id| BackupSet { status: SetStatus::Failed, ..inc(id) };
    assert_eq!(base(&in_the_round(vec![full(1), inc(2), failed(3), failed(4)])), Ok(2));
    assert_eq!(base(&in_the_round(vec![full(1), inc(2), failed(3), failed(4), failed(5)])), Err(no_room.into()));
    // A new full resets the count, a failed one too.
    assert_eq!(base(&in_the_round(vec![full(1), inc(2), inc(3), inc(4), inc(5), full(6)])), Ok(6));
    let failed_full = BackupSet { status: SetStatus::Failed, ..full(6) };
    assert_eq!(base(&in_the_round(vec![full(1), inc(2), inc(3), inc(4), inc(5), failed_full])), Ok(5));
    let of_a_tenant = BackupSet { tenant_level: true, ..full(9) };
    assert_eq!(base(&in_the_round(vec![full(1), of_a_tenant.clone()])), Ok(1));
    assert!(base(&in_the_round(vec![of_a_tenant])).is_err());
    let older = in_the_round(vec![BackupSet { start_replay: ago(9_001), ..full(1) }]);
    assert_eq!(base(&older), Ok(1), "a new round alone does not make a full");
    let mut pay = in_the_round(vec![full(1)]);
    for word in ["STOP", "INTERRUPTED", "STOPPING"] {
        pay.archive.current = Some(round(word));
        assert_eq!(base(&pay), Ok(1), "{word}");
    }
}
