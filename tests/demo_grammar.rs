//! Tests the grammar of the embedded OceanBase, statement by statement, against what a V4.3.5 server parses and refuses.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops where its setup fails")]

use obnow::demo::grammar::parse;
use obnow::demo::statement::{Alter, BackupScope, Literal, Scalar, Select, Statement, Tenants};

fn read(sql: &str) -> Statement {
    parse("4.2.5", sql).unwrap_or_else(|error| panic!("{sql}: {}", error.message))
}

fn alter(sql: &str) -> Alter {
    match read(&format!("ALTER SYSTEM {sql}")) {
        Statement::Alter(alter) => alter,
        other => panic!("{sql}: {other:?}"),
    }
}

fn refused(sql: &str) {
    match parse("4.2.5", sql) {
        Err(error) => assert_eq!((error.code, error.state), (1064, "42000"), "{sql}"),
        Ok(statement) => panic!("{sql} was taken as {statement:?}"),
    }
}

fn listed(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn backup(incremental: bool, scope: BackupScope, plus_archivelog: bool, description: Option<&str>) -> Alter {
    Alter::Backup { incremental, scope, to: None, plus_archivelog, description: description.map(str::to_owned) }
}

fn tenants(names: &[&str]) -> BackupScope {
    BackupScope::Tenants(listed(names))
}

#[test]
fn every_form_of_backup_that_v4_parses() {
    use BackupScope::Database;
    for (sql, expected) in [
        ("BACKUP DATABASE", backup(false, Database, false, None)),
        ("backup database", backup(false, Database, false, None)),
        ("BACKUP DATABASE DESCRIPTION='abc'", backup(false, Database, false, Some("abc"))),
        ("BACKUP DATABASE DESCRIPTION 'abc'", backup(false, Database, false, Some("abc"))),
        ("BACKUP DATABASE PLUS ARCHIVELOG", backup(false, Database, true, None)),
        ("BACKUP DATABASE PLUS ARCHIVELOG DESCRIPTION = 'x'", backup(false, Database, true, Some("x"))),
        ("BACKUP INCREMENTAL DATABASE", backup(true, Database, false, None)),
        ("BACKUP INCREMENTAL DATABASE PLUS ARCHIVELOG DESCRIPTION='x'", backup(true, Database, true, Some("x"))),
        ("BACKUP TENANT=t1", backup(false, tenants(&["t1"]), false, None)),
        ("BACKUP TENANT t1", backup(false, tenants(&["t1"]), false, None)),
        ("BACKUP TENANT='t1','t2'", backup(false, tenants(&["t1", "t2"]), false, None)),
        ("BACKUP TENANT=`t1`,`t2`", backup(false, tenants(&["t1", "t2"]), false, None)),
        ("BACKUP TENANT=t1 PLUS ARCHIVELOG DESCRIPTION='x'", backup(false, tenants(&["t1"]), true, Some("x"))),
        ("BACKUP INCREMENTAL TENANT=t1,t2 PLUS ARCHIVELOG", backup(true, tenants(&["t1", "t2"]), true, None)),
        ("BACKUP TENANT=ALL", backup(false, tenants(&["ALL"]), false, None)),
        ("BACKUP TENANT=all_user", backup(false, tenants(&["all_user"]), false, None)),
        ("BACKUP /* why */ TENANT = t1;", backup(false, tenants(&["t1"]), false, None)),
    ] {
        assert_eq!(alter(sql), expected, "{sql}");
    }
}

#[test]
fn a_path_of_backup_parses_for_the_world_to_refuse() {
    for sql in ["BACKUP DATABASE TO 'file:///b'", "BACKUP DATABASE TO='file:///b'"] {
        assert!(matches!(alter(sql), Alter::Backup { to: Some(path), .. } if path == "file:///b"), "{sql}");
    }
}

#[test]
fn every_form_of_backup_that_v4_refuses() {
    for sql in [
        "BACKUP TENANT=database",
        "BACKUP TENANT=a-b",
        "BACKUP DATABASE TENANT=t1",
        "BACKUP PLUS ARCHIVELOG TENANT=t1",
        "BACKUP TENANT=t1 DESCRIPTION='x' PLUS ARCHIVELOG",
        "BACKUP TENANT=(t1,t2)",
        "BACKUP DATABASE PLUS ARCHIVELOG TO='path'",
        "BACKUP TENANT",
        "BACKUP TENANT=",
        "BACKUP TENANT=t1,",
        "BACKUP TENANT=t1 t2",
        "BACKUP DATABASE DESCRIPTION=abc",
        "BACKUP DATABASE PLUS",
        "BACKUP DATABASE INCREMENTAL",
    ] {
        refused(&format!("ALTER SYSTEM {sql}"));
    }
}

#[test]
fn destinations_and_settings() {
    let set = |items: &[(&str, Literal)], tenants| Alter::Set {
        items: items.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect(),
        tenants,
    };
    let uri = Literal::Text("file:///b/data".to_owned());
    let one = Tenants::Listed(listed(&["t1"]));
    for (sql, expected) in [
        ("SET DATA_BACKUP_DEST='file:///b/data'", set(&[("data_backup_dest", uri.clone())], Tenants::Unnamed)),
        ("SET DATA_BACKUP_DEST = 'file:///b/data' TENANT = t1", set(&[("data_backup_dest", uri)], one.clone())),
        ("SET log_archive_dest_state='DEFER' TENANT 't1'", {
            set(&[("log_archive_dest_state", Literal::Text("DEFER".to_owned()))], one)
        }),
        ("SET ha_low_thread_score = 10 TENANT = ALL_USER", {
            set(&[("ha_low_thread_score", Literal::Integer(10))], Tenants::Keyword("all_user".to_owned()))
        }),
        ("SET LOG_ARCHIVE_DEST='' TENANT = ALL", {
            set(&[("log_archive_dest", Literal::Text(String::new()))], Tenants::Listed(listed(&["ALL"])))
        }),
        ("SET a = -1, b = true", {
            set(&[("a", Literal::Integer(-1)), ("b", Literal::Text("True".to_owned()))], Tenants::Unnamed)
        }),
    ] {
        assert_eq!(alter(sql), expected, "{sql}");
    }
    for sql in [
        "SET DATA_BACKUP_DEST='x' TENANT=t1,t2",
        "SET LOG_ARCHIVE_DEST='LOCATION=x' TENANT=t1,t2",
        "SET DATA_BACKUP_DEST=x",
        "SET DATA_BACKUP_DEST \"x\"",
        "SET",
    ] {
        refused(&format!("ALTER SYSTEM {sql}"));
    }
}

#[test]
fn double_quotes_are_refused_though_a_server_takes_them() {
    // What they mean hangs on the session's sql_mode; nothing of ours may rely on it.
    for sql in ["BACKUP TENANT=\"t1\"", "BACKUP DATABASE DESCRIPTION=\"abc\"", "SET DATA_BACKUP_DEST=\"x\""] {
        refused(&format!("ALTER SYSTEM {sql}"));
    }
}

#[test]
fn archiving_cancelling_and_freezing() {
    let log = |on, tenants, description: Option<&str>| Alter::ArchiveLog {
        on,
        tenants,
        description: description.map(str::to_owned),
    };
    let two = || Tenants::Listed(listed(&["t1", "t2"]));
    let word = |word: &str| Tenants::Keyword(word.to_owned());
    for (sql, expected) in [
        ("ARCHIVELOG", log(true, Tenants::Unnamed, None)),
        ("NOARCHIVELOG", log(false, Tenants::Unnamed, None)),
        ("ARCHIVELOG TENANT=ALL", log(true, word("all"), None)),
        ("ARCHIVELOG TENANT='all_user'", log(true, word("all_user"), None)),
        ("ARCHIVELOG TENANT=ALL, t1", log(true, Tenants::Listed(listed(&["ALL", "t1"])), None)),
        ("ARCHIVELOG TENANT = t1, t2 DESCRIPTION = 'x'", log(true, two(), Some("x"))),
        ("NOARCHIVELOG TENANT `t1`,'t2'", log(false, two(), None)),
        ("CANCEL BACKUP", Alter::CancelBackup(Tenants::Unnamed)),
        ("CANCEL BACKUP TENANT = t1, t2", Alter::CancelBackup(two())),
        ("CANCEL BACKUP TENANT t1,t2", Alter::CancelBackup(two())),
        ("MAJOR FREEZE", Alter::MajorFreeze(Tenants::Unnamed)),
        ("MAJOR FREEZE TENANT = t1, t2", Alter::MajorFreeze(two())),
        ("MAJOR FREEZE TENANT = all_meta", Alter::MajorFreeze(word("all_meta"))),
    ] {
        assert_eq!(alter(sql), expected, "{sql}");
    }
    for sql in [
        "ARCHIVELOG TENANT=(t1,t2)",
        "ARCHIVELOG DESCRIPTION='x' TENANT=t1",
        "ARCHIVELOG t1",
        "CANCEL BACKUP t1",
        "CANCEL",
        "MAJOR",
        "FROBNICATE",
    ] {
        refused(&format!("ALTER SYSTEM {sql}"));
    }
}

#[test]
fn what_parses_only_to_be_answered_with_an_error() {
    for (sql, expected) in [
        ("BACKUP", 1235),
        ("BACKUP INCREMENTAL", 1235),
        ("BACKUP TO 'x' PLUS ARCHIVELOG DESCRIPTION 'y'", 1235),
        ("BACKUP KEY TENANT t1 TO 'x'", 1235),
        ("BACKUP KEY TENANT = t1 TO 'x' ENCRYPTED BY 'y'", 1235),
        ("BACKUP CLUSTER PARAMETERS TO 'x'", 1235),
        ("DELETE BACKUPSET 1 TENANT t1", 1235),
        ("DELETE BACKUPPIECE 1 COPY 1", 1235),
        ("ADD DELETE BACKUP POLICY 'default' TENANT t1", 1235),
        ("DELETE OBSOLETE BACKUP TENANT=t1", 1235),
        ("CANCEL DELETE BACKUP TENANT=t1,t2", 1235),
        ("ADD DELETE BACKUP POLICY 'default' RECOVERY_WINDOW '7d' REDUNDANCY 1 TENANT t1", 1235),
        ("DROP DELETE BACKUP POLICY='default'", 1235),
        ("VALIDATE DATABASE", 1235),
        ("VALIDATE BACKUPSET 1", 1235),
        ("CANCEL VALIDATE 1", 1235),
        ("ALTER EXTERNAL_STORAGE_DEST PATH='a' SET ACCESS_INFO='b' ATTRIBUTE='c'", 1235),
        ("CHANGE EXTERNAL_STORAGE_DEST PATH='a' ACCESS_INFO 'b'", 1235),
        ("MINOR FREEZE TENANT=t1", 1235),
        ("SUSPEND MERGE", 1235),
        ("CLEAR MERGE ERROR", 1235),
        ("SUSPEND BACKUP", 1210),
        ("RESUME BACKUP", 1210),
        ("CANCEL ALL BACKUP FORCE", 1210),
    ] {
        assert!(matches!(alter(sql), Alter::Refused { code, .. } if code == expected), "{sql}");
    }
    for sql in [
        "ALTER EXTERNAL_STORAGE_DEST PATH='a' ATTRIBUTE='c' ACCESS_INFO='b'",
        "ALTER EXTERNAL_STORAGE_DEST PATH='a' ACCESS_INFO='b' TENANT=t1",
        "ADD DELETE BACKUP POLICY 'default' RECOVERY_WINDOW='7d' BACKUP_COPIES 1 REDUNDANCY=1",
        "SUSPEND BACKUP TENANT=t1",
        "CANCEL ALL BACKUP",
        "VALIDATE",
    ] {
        refused(&format!("ALTER SYSTEM {sql}"));
    }
}

#[test]
fn set_encryption_accepts_either_quote() {
    for sql in ["SET ENCRYPTION ON IDENTIFIED BY 'pw' ONLY", "set encryption on identified by \"pw\" only"] {
        assert_eq!(read(sql), Statement::SetEncryption("pw".to_owned()), "{sql}");
    }
    for sql in ["SET ENCRYPTION OFF", "SET ENCRYPTION ON IDENTIFIED BY 'pw'", "SET ENCRYPTION ON IDENTIFIED BY pw ONLY"]
    {
        refused(sql);
    }
}

#[test]
fn a_select_is_columns_of_one_view() {
    let sql = "select /*+ query_timeout(1) */ job_id, `STATUS` from oceanbase.cdb_ob_backup_jobs \
               where tenant_id = 1002 and status in ('INIT', 'DOING') and result = -1 and comment = NULL \
               order by job_id desc, status asc, result limit 5;";
    let integer = Literal::Integer;
    let expected = Select {
        columns: listed(&["job_id", "STATUS"]),
        unix_time_columns: Vec::new(),
        view: "CDB_OB_BACKUP_JOBS".to_owned(),
        filter: vec![
            ("tenant_id".to_owned(), vec![integer(1002)]),
            ("status".to_owned(), vec![Literal::Text("INIT".to_owned()), Literal::Text("DOING".to_owned())]),
            ("result".to_owned(), vec![integer(-1)]),
            ("comment".to_owned(), vec![Literal::Null]),
        ],
        order: vec![("job_id".to_owned(), true), ("status".to_owned(), false), ("result".to_owned(), false)],
        limit: Some(5),
    };
    assert_eq!(read(sql), Statement::Select(expected));
    let Statement::Select(asked) = read("SELECT a, UNIX_TIMESTAMP(b) AS c FROM oceanbase.V") else { unreachable!() };
    assert_eq!((asked.columns, asked.unix_time_columns), (listed(&["a", "b"]), vec![(1, "c".to_owned())]));
    let other_schema = read("SELECT a FROM information_schema.tables");
    assert!(matches!(other_schema, Statement::Select(select) if select.view == "INFORMATION_SCHEMA.TABLES"));
}

#[test]
fn a_select_is_nothing_else() {
    for sql in [
        "SELECT * FROM oceanbase.V",
        "SELECT a FROM V",
        "SELECT a+1 FROM oceanbase.V",
        "SELECT a b FROM oceanbase.V",
        "SELECT a AS b FROM oceanbase.V",
        "SELECT count(a) FROM oceanbase.V",
        "SELECT DISTINCT a FROM oceanbase.V",
        "SELECT 'a' FROM oceanbase.V",
        "SELECT \"a\" FROM oceanbase.V",
        "SELECT 1",
        "SELECT a FROM oceanbase.V, oceanbase.W",
        "SELECT a FROM oceanbase.V v",
        "SELECT a FROM oceanbase.V JOIN oceanbase.W ON a = b",
        "SELECT a FROM (SELECT a FROM oceanbase.V)",
        "SELECT a FROM oceanbase.V WHERE a = \"x\"",
        "SELECT a FROM oceanbase.V WHERE a = b",
        "SELECT a FROM oceanbase.V WHERE a > 1",
        "SELECT a FROM oceanbase.V WHERE a <> 1",
        "SELECT a FROM oceanbase.V WHERE a = 1 OR a = 2",
        "SELECT a FROM oceanbase.V WHERE a LIKE 'x'",
        "SELECT a FROM oceanbase.V WHERE a IS NULL",
        "SELECT a FROM oceanbase.V WHERE a IN ()",
        "SELECT a FROM oceanbase.V WHERE a IN (SELECT a FROM oceanbase.V)",
        "SELECT a FROM oceanbase.V WHERE a = 1 + 1",
        "SELECT a FROM oceanbase.V ORDER BY a + 1",
        "SELECT a FROM oceanbase.V LIMIT -1",
        "SELECT a FROM oceanbase.V LIMIT 1, 2",
        "SELECT a FROM oceanbase.V UNION SELECT a FROM oceanbase.V",
        "SELECT a FROM oceanbase.V; SELECT a FROM oceanbase.V",
        "SELECT now()",
        "SELECT now(3)",
        "SELECT version() FROM oceanbase.V",
        "SELECT sleep(1)",
        "DESC V",
        "INSERT INTO oceanbase.V VALUES (1)",
        "",
    ] {
        refused(sql);
    }
}

#[test]
fn scalars_keep_their_heading() {
    let sql = "SELECT VERSION(), ob_version() AS v, effective_tenant_id(), EFFECTIVE_TENANT(), connection_id(), \
               now(6), utc_timestamp(6), @@session.Time_Zone";
    let expected = [
        ("VERSION()", Scalar::Version),
        ("v", Scalar::ObVersion),
        ("effective_tenant_id()", Scalar::TenantId),
        ("EFFECTIVE_TENANT()", Scalar::TenantName),
        ("connection_id()", Scalar::ConnectionId),
        ("now(6)", Scalar::Now),
        ("utc_timestamp(6)", Scalar::UtcNow),
        ("@@session.Time_Zone", Scalar::Variable("time_zone".to_owned())),
    ];
    let expected = expected.map(|(heading, scalar)| (heading.to_owned(), scalar));
    assert_eq!(read(sql), Statement::Scalars(expected.to_vec()));
}

#[test]
fn the_small_statements() {
    let setting = |name: &str, value: &str| (name.to_owned(), Literal::Text(value.to_owned()));
    for (sql, expected) in [
        ("DESC oceanbase.dba_ob_tenants", Statement::Describe("DBA_OB_TENANTS".to_owned())),
        ("SHOW COLUMNS FROM oceanbase.DBA_OB_TENANTS", Statement::Describe("DBA_OB_TENANTS".to_owned())),
        ("SHOW VARIABLES LIKE 'version%'", Statement::ShowVariables("version%".to_owned())),
        ("SHOW PARAMETERS LIKE 'cluster%'", Statement::ShowParameters("cluster%".to_owned(), None)),
        ("SHOW PARAMETERS LIKE 'x' TENANT = t1", Statement::ShowParameters("x".to_owned(), Some("t1".to_owned()))),
        ("SHOW GRANTS", Statement::ShowGrants),
        ("KILL 3221225473", Statement::Kill { query_only: false, connection: 3_221_225_473 }),
        ("KILL QUERY 5", Statement::Kill { query_only: true, connection: 5 }),
        ("SET NAMES utf8mb4", Statement::SetSession(vec![setting("names", "utf8mb4")])),
        ("SET SESSION ob_query_timeout = 5, @@autocommit = ON", {
            let timeout = ("ob_query_timeout".to_owned(), Literal::Integer(5));
            Statement::SetSession(vec![timeout, setting("autocommit", "ON")])
        }),
    ] {
        assert_eq!(read(sql), expected, "{sql}");
    }
}

#[test]
fn the_error_says_where_in_the_server_s_words() {
    let error = parse("4.2.5", "ALTER SYSTEM BACKUP TENANT=(t1,t2)").unwrap_err();
    let expected = "You have an error in your SQL syntax; check the manual that corresponds to your OceanBase version for \
                    the right syntax to use near '(t1,t2)' at line 1";
    assert_eq!(error.message, expected);
    let error = parse("4.2.5", "SELECT a\nFROM oceanbase.V\nWHERE a > 1").unwrap_err();
    assert!(error.message.contains("near '> 1' at line 3; the embedded OceanBase takes"), "{}", error.message);
}

#[test]
fn a_line_without_a_grammar_is_loud() {
    assert!(parse("seekdb", "SHOW GRANTS").is_ok());
    assert_eq!(parse("1.4", "SHOW GRANTS").unwrap_err().code, 1105);
}
