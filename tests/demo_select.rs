//! Tests SELECT over the views of the embedded OceanBase: columns, types, filters and order.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops where its setup fails")]

use obnow::demo::grammar::parse;
use obnow::demo::select_executor::{ResultTable, execute_select};
use obnow::demo::server_model::Account;
use obnow::demo::statement::{Row, Select, ServerError, Statement, Value};
use obnow::demo::view_definitions::{ColumnType, views_of, visible_view};

fn account(tenant_id: u64) -> Account {
    Account { user: "root".to_owned(), tenant: "t".to_owned(), tenant_id }
}

fn select(sql: &str) -> Select {
    match parse("4.2.5", sql).unwrap() {
        Statement::Select(select) => select,
        other => panic!("{other:?}"),
    }
}

fn ask(sql: &str, rows: &[Row]) -> Result<ResultTable, ServerError> {
    let select = select(sql);
    execute_select(&select, visible_view("4.2.5", &select.view, &account(1))?, rows)
}

fn integer(number: i128) -> Value {
    Value::Integer(number)
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

/// Sets 1 to 3: SCNs on both sides of 2^63, one of them NULL.
fn sets() -> Vec<Row> {
    let scn = [integer(i128::from(u64::MAX)), integer(1), Value::Null];
    (1..)
        .zip(scn)
        .map(|(id, scn)| {
            Row::from([
                ("TENANT_ID", integer(1002)),
                ("BACKUP_SET_ID", integer(id)),
                ("STATUS", text(if id == 2 { "FAILED" } else { "SUCCESS" })),
                ("MIN_RESTORE_SCN", scn),
                ("OUTPUT_RATE_BYTES", text(["9.5000", "10.2500", "0.0000"][usize::try_from(id).unwrap() - 1])),
                ("RESULT", integer(-9040)),
            ])
        })
        .collect()
}

fn ids(rest: &str) -> Vec<i128> {
    let table = ask(&format!("SELECT BACKUP_SET_ID FROM oceanbase.CDB_OB_BACKUP_SET_FILES {rest}"), &sets()).unwrap();
    table.rows.iter().map(|row| if let Value::Integer(id) = row[0] { id } else { panic!("{row:?}") }).collect()
}

#[test]
fn result_has_the_selected_columns_and_types() {
    let sql = "SELECT min_restore_scn, RESULT, OUTPUT_RATE_BYTES, COMMENT, START_TIMESTAMP \
               FROM oceanbase.CDB_OB_BACKUP_SET_FILES LIMIT 1";
    let expected = ResultTable {
        columns: vec![
            ("min_restore_scn".to_owned(), ColumnType::Unsigned),
            ("RESULT".to_owned(), ColumnType::Signed),
            ("OUTPUT_RATE_BYTES".to_owned(), ColumnType::Decimal),
            ("COMMENT".to_owned(), ColumnType::Text),
            ("START_TIMESTAMP".to_owned(), ColumnType::Timestamp),
        ],
        rows: vec![vec![integer(18_446_744_073_709_551_615), integer(-9040), text("9.5000"), Value::Null, Value::Null]],
    };
    assert_eq!(ask(sql, &sets()).unwrap(), expected);
}

#[test]
fn conditions_compare_as_the_column_s_type() {
    for (condition, expected) in [
        ("", &[1, 2, 3][..]),
        ("WHERE MIN_RESTORE_SCN = 18446744073709551615", &[1]),
        ("WHERE MIN_RESTORE_SCN IN ('1', 7)", &[2]),
        ("WHERE MIN_RESTORE_SCN = -1", &[]),
        ("WHERE MIN_RESTORE_SCN = NULL", &[]),
        ("WHERE STATUS = 'success'", &[1, 3]),
        ("WHERE STATUS = 'SUCCESS' AND BACKUP_SET_ID IN (2, 3)", &[3]),
        ("WHERE RESULT = -9040 AND RESULT = '-9040'", &[1, 2, 3]),
        ("WHERE OUTPUT_RATE_BYTES = '10.25'", &[2]),
        ("WHERE OUTPUT_RATE_BYTES = 0", &[3]),
    ] {
        assert_eq!(ids(condition), expected, "{condition}");
    }
}

#[test]
fn order_is_by_value() {
    for (order, expected) in [
        ("ORDER BY MIN_RESTORE_SCN", [3, 2, 1]),
        ("ORDER BY MIN_RESTORE_SCN DESC", [1, 2, 3]),
        ("ORDER BY OUTPUT_RATE_BYTES DESC", [2, 1, 3]),
        ("ORDER BY STATUS DESC, BACKUP_SET_ID DESC", [3, 1, 2]),
    ] {
        assert_eq!(ids(order), expected, "{order}");
    }
    assert_eq!(ids("ORDER BY BACKUP_SET_ID DESC LIMIT 2"), [3, 2]);
    assert_eq!(ids("LIMIT 0"), [0_i128; 0]);
}

#[test]
fn an_unknown_column_is_named_with_its_clause() {
    for (sql, clause) in [
        ("SELECT FOO FROM oceanbase.CDB_OB_BACKUP_JOBS", "field list"),
        ("SELECT JOB_ID FROM oceanbase.CDB_OB_BACKUP_JOBS WHERE FOO = 1", "where clause"),
        ("SELECT JOB_ID FROM oceanbase.CDB_OB_BACKUP_JOBS ORDER BY FOO", "order clause"),
        ("SELECT FOO FROM oceanbase.CDB_OB_BACKUP_TASKS WHERE LOG_PROGRESS = 1", "field list"),
    ] {
        let error = ask(sql, &[]).unwrap_err();
        let expected = (1054, "42S22", format!("Unknown column 'FOO' in '{clause}'"));
        assert_eq!((error.code, error.state, error.message), expected, "{sql}");
    }
    let from_4_3 = ask("SELECT LOG_PROGRESS FROM oceanbase.CDB_OB_BACKUP_TASKS", &[]).unwrap_err();
    assert_eq!(from_4_3.code, 1054, "a column of V4.3 is not in V4.2.5");
}

#[test]
fn rows_that_do_not_fit_the_view_are_loud() {
    for (row, named) in [
        (Row::from([("JOB_ID", integer(1)), ("NO_SUCH", integer(1))]), "NO_SUCH"),
        (Row::from([("JOB_ID", text("1"))]), "JOB_ID bigint(20)"),
        (Row::from([("STATUS", integer(1))]), "STATUS varchar"),
        (Row::from([("JOB_ID", integer(1 << 63))]), "JOB_ID"),
    ] {
        let error = ask("SELECT JOB_ID FROM oceanbase.CDB_OB_BACKUP_JOBS", &[row]).unwrap_err();
        assert_eq!(error.code, 1105);
        assert!(error.message.contains(named), "{}", error.message);
    }
    let negative = Row::from([("MIN_RESTORE_SCN", integer(-1))]);
    let error = ask("SELECT PATH FROM oceanbase.CDB_OB_BACKUP_SET_FILES", &[negative]).unwrap_err();
    assert_eq!(error.code, 1105, "an unsigned column holds nothing below zero");
}

#[test]
fn who_sees_which_view() {
    let code = |line: &str, name: &str, tenant| {
        visible_view(line, name, &account(tenant)).map_or_else(|error| error.code, |_| 0)
    };
    for (line, name, from_sys, from_tenant) in [
        ("4.2.5", "CDB_OB_BACKUP_JOBS", 0, 1142),
        ("4.2.5", "DBA_OB_BACKUP_JOBS", 0, 0),
        ("4.2.5", "DBA_OB_TENANTS", 0, 0),
        ("4.2.5", "DBA_OB_SERVERS", 0, 1142),
        ("4.2.5", "GV$OB_PARAMETERS", 0, 0),
        ("4.2.5", "CDB_OB_NOTHING", 1146, 1146),
        ("seekdb", "GV$OB_PARAMETERS", 0, 0),
        ("seekdb", "DBA_OB_TENANTS", 1146, 1146),
        ("seekdb", "CDB_OB_BACKUP_JOBS", 1146, 1146),
        ("9.9", "DBA_OB_TENANTS", 1105, 1105),
    ] {
        assert_eq!((code(line, name, 1), code(line, name, 1002)), (from_sys, from_tenant), "{line} {name}");
    }
    let error = visible_view("4.2.5", "CDB_OB_NOTHING", &account(1)).unwrap_err();
    assert_eq!(error.message, "Table 'oceanbase.cdb_ob_nothing' doesn't exist");
}

#[test]
fn v4_2_5_has_its_views_as_wide_as_documented() {
    let views = views_of("4.2.5").unwrap();
    for (name, width) in [
        ("OB_BACKUP_JOBS", 19),
        ("OB_BACKUP_JOB_HISTORY", 19),
        ("OB_BACKUP_TASKS", 30),
        ("OB_BACKUP_TASK_HISTORY", 29),
        ("OB_BACKUP_SET_FILES", 39),
        ("OB_BACKUP_PARAMETER", 3),
        ("OB_ARCHIVE_DEST", 4),
        ("OB_BACKUP_DELETE_POLICY", 3),
        ("OB_BACKUP_DELETE_JOBS", 16),
        ("OB_BACKUP_DELETE_JOB_HISTORY", 16),
        ("OB_ARCHIVELOG", 27),
        ("OB_ARCHIVELOG_SUMMARY", 27),
        ("OB_ARCHIVELOG_PIECE_FILES", 24),
        ("OB_LS_LOG_ARCHIVE_PROGRESS", 15),
        ("OB_MAJOR_COMPACTION", 11),
    ] {
        assert_eq!(views[&format!("CDB_{name}")].columns.len(), width, "{name}");
        assert_eq!(views[&format!("DBA_{name}")].columns.len(), width - 1, "{name}");
    }
    for (name, width) in [
        ("CDB_OB_BACKUP_STORAGE_INFO", 9),
        ("DBA_OB_BACKUP_STORAGE_INFO", 9),
        ("DBA_OB_BACKUP_STORAGE_INFO_HISTORY", 9),
        ("DBA_OB_TENANTS", 24),
        ("DBA_OB_SERVERS", 14),
        ("DBA_OB_ZONES", 7),
        ("DBA_OB_ROOTSERVICE_EVENT_HISTORY", 18),
        ("DBA_OB_TENANT_JOBS", 12),
        ("GV$OB_PARAMETERS", 13),
        ("GV$OB_PROCESSLIST", 41),
    ] {
        assert_eq!(views[name].columns.len(), width, "{name}");
    }
}
