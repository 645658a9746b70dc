#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fall where it stands")]

use super::*;
use crate::backend::oceanbase::release_profile::ReleaseProfile;

/// Which columns are nullable by the servers' own DESC; the embedded servers are checked against the same table.
const TABLE: &str = include_str!("../../../../tests/demo_legacy/columns.txt");

/// Returns whether a column of a view may be NULL; `None` where the table does not have the view.
fn may_be_null(view: &str, column: &str) -> Option<bool> {
    let mut inside = false;
    let mut found = None;
    for line in TABLE.lines() {
        if let Some(name) = line.strip_prefix('[') {
            inside = name.trim_end_matches(']').split(' ').nth(1).is_some_and(|name| name.eq_ignore_ascii_case(view));
        } else if inside && line.split_whitespace().next() == Some(column) {
            let null = line.split('|').next().unwrap().trim_end().ends_with("NULL");
            found = Some(found.unwrap_or(false) || null);
        }
    }
    found
}

#[test]
fn column_types_match_the_servers_nullability() {
    let mut asked = 0;
    for line in ReleaseProfile::all() {
        for (id, view) in line.views() {
            let columns = view.columns.iter().chain(&view.time_columns).chain(&view.optional);
            for column in columns {
                asked += 1;
                let kind = kind(id, column).unwrap_or_else(|| panic!("{} {column} has no kind", view.name));
                let must = kind.mismatch(None).is_some();
                let may = may_be_null(&view.name, column) == Some(true);
                assert!(!(must && may), "{} {column} is NULL on a server", view.name);
            }
        }
    }
    assert!(asked > 150, "{asked}");
}

fn row(cells: &[(&str, Option<&str>)]) -> Row {
    cells.iter().map(|(column, cell)| ((*column).to_owned(), cell.map(str::to_owned))).collect()
}

#[test]
fn mismatching_cell_is_named() {
    for (column, cell, says) in [
        ("DEST_ID", None, "is NULL"),
        ("DEST_ID", Some("abc"), "says \"abc\", which is no whole number"),
        ("DEST_ID", Some("99999999999999999999"), "which is no whole number"),
        ("DEST_ID", Some("-1"), "which is no whole number"),
        ("MIN_RESTORE_SCN", Some("1.5"), "which is no whole number"),
        ("RESULT", Some("x"), "which is no whole number"),
        ("STATUS", Some(" "), "is empty"),
        ("STATUS", None, "is NULL"),
        ("PLUS_ARCHIVELOG", Some("1"), "says \"1\", which is no word of it"),
        ("BACKUP_LEVEL", Some("xyzzy"), "which is no word of it"),
        ("CLUSTER_ROLE", Some(""), "is empty"),
        ("END_TIMESTAMP", Some("xyzzy"), "says \"xyzzy\", which is no time"),
        ("MAX_NEXT_TIME", Some("-1"), "which is no time"),
        ("START_TIME", Some("99999999999999999999"), "which is no time"),
        ("MAX_NEXT_TIME", Some("2026-13-45 00:00:00"), "which is no time"),
        ("MIN_FIRST_TIME", Some("2026-02-30 00:00:00"), "which is no time"),
        ("END_TIME", Some("2026-11-20 25:00:00"), "which is no time"),
        ("END_TIME", Some("9999-12-31 23:59:59"), "which is no time"),
    ] {
        let wrong = check(ViewId::Sets, &[column], &[row(&[(column, cell)])]).unwrap_err();
        assert_eq!(wrong.column, column);
        assert!(wrong.says.contains(says), "{column} {cell:?}: {}", wrong.says);
        let fault = wrong.fault("CDB_OB_BACKUP_SET_FILES");
        assert!(fault.why.contains(column), "{fault}");
    }
    let missing_cell = check(ViewId::Sets, &["DEST_ID"], &[row(&[("STATUS", Some("SUCCESS"))])]).unwrap_err();
    assert_eq!(missing_cell.says, "is not in its answer");
    let long = "x".repeat(1_000_000);
    let long = check(ViewId::Sets, &["DEST_ID"], &[row(&[("DEST_ID", Some(&long))])]).unwrap_err();
    assert!(long.says.len() < 100, "{}", long.says);
}

#[test]
fn real_values_are_accepted() {
    for (view, column, cell) in [
        (ViewId::Sets, "MIN_RESTORE_SCN", None),
        (ViewId::Sets, "RESULT", Some("-4013")),
        (ViewId::ArchivePieces, "END_SCN", Some("18446744073709551615")),
        (ViewId::Jobs, "BACKUP_SET_ID", None),
        (ViewId::Parameters, "TENANT_ID", None),
        (ViewId::Tenants, "CREATE_TIME", Some("1796063382.123456")),
        (ViewId::Tenants, "CREATE_TIME", Some("0")),
        (ViewId::Sets, "END_TIMESTAMP", Some("2026-11-20 03:31:40.123456")),
        (ViewId::Sets, "END_TIMESTAMP", None),
        (ViewId::ArchiveRounds, "MAX_NEXT_TIME", Some("")),
        (ViewId::ArchiveRounds, "MAX_NEXT_TIME", Some("1970-01-01 08:00:00.000000")),
        (ViewId::ArchiveRounds, "MIN_FIRST_TIME", Some("0000-00-00 00:00:00")),
        (ViewId::Variables, "VALUE", Some("gts")),
        (ViewId::Tenants, "LOG_MODE", None),
        (ViewId::Tenants, "IN_RECYCLEBIN", Some("NO")),
    ] {
        assert_eq!(check(view, &[column], &[row(&[(column, cell)])]), Ok(()), "{column} {cell:?}");
    }
}

#[test]
fn future_times_are_refused() {
    // 2026-11-20T00:00:00Z.
    let now = 1_795_132_800_u64;
    let day = 86_400;
    let at = |column: &str, cell: &str| check_not_future(&[row(&[(column, Some(cell))])], Scn(now * 1_000_000_000));
    for (column, in_a_second) in [
        ("START_SCN", 1_000_000_000),
        ("CHECKPOINT_SCN", 1_000_000_000),
        ("START_REPLAY_SCN", 1_000_000_000),
        ("MIN_RESTORE_SCN", 1_000_000_000),
        ("SNAPSHOT_VERSION", 1_000_000),
        ("START_REPLAY_LOG_TS", 1_000_000),
        ("FROZEN_TIMESTAMP", 1_000_000),
    ] {
        let moment = |second: u64| (second * in_a_second).to_string();
        assert_eq!(at(column, "0"), Ok(()));
        assert_eq!(at(column, &moment(now + day)), Ok(()), "{column}: clocks may be apart");
        for late in [moment(now + day + 1), "4611686018427387903".to_owned(), u64::MAX.to_string()] {
            let wrong = at(column, &late).unwrap_err();
            assert_eq!(wrong.column, column);
            assert_eq!(wrong.says, format!("says \"{late}\", which is later than the server's clock"));
        }
    }
    for column in ["START_TIMESTAMP", "END_TIMESTAMP", "START_TIME", "END_TIME", "MIN_FIRST_TIME", "MAX_NEXT_TIME"] {
        for read in ["", "1970-01-01 08:00:00", "2026-11-20 00:00:00", "2026-11-21 14:00:00"] {
            assert_eq!(at(column, read), Ok(()), "{column} {read}: a zone may be ahead of UTC");
        }
        for late in ["2026-11-21 14:00:01", "9999-12-30 00:00:00.000000"] {
            assert_eq!(at(column, late).unwrap_err().column, column, "{late}");
        }
    }
    assert_eq!(at("END_SCN", "4611686018427387903"), Ok(()), "the end of a piece is planned");
}
