#![allow(clippy::unwrap_used, reason = "a test stops where its setup fails")]

use super::*;

const VIEWS: [&str; 2] = ["DBA_OB_TENANTS", "CDB_OB_BACKUP_JOBS"];

fn missing_privileges(lines: &[&str]) -> Known<Vec<&'static str>> {
    let lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
    match missing(&lines, &VIEWS, "op") {
        Known::Known(missing) => Known::Known(missing.iter().map(|grant| grant.privilege).collect()),
        Known::NotChecked(why) => Known::NotChecked(why),
    }
}

#[test]
fn missing_grants_are_found() {
    let (alter, grant_select_sql) = ("ALTER SYSTEM", "SELECT on oceanbase.*");
    for (lines, expected) in [
        (vec!["GRANT ALL PRIVILEGES ON *.* TO 'root' WITH GRANT OPTION"], vec![]),
        (vec!["GRANT SELECT, ALTER SYSTEM ON *.* TO 'op'"], vec![]),
        (vec!["GRANT ALTER SYSTEM ON *.* TO 'op'", "GRANT SELECT ON `oceanbase`.* TO 'op'"], vec![]),
        (vec!["grant alter system on *.* to 'op'", "grant all privileges on oceanbase.* to 'op'"], vec![]),
        (vec!["GRANT SELECT ON *.* TO 'op'"], vec![alter]),
        (vec!["GRANT ALTER SYSTEM ON *.* TO 'op'", "GRANT SELECT ON `pay`.* TO 'op'"], vec![grant_select_sql]),
        (vec!["GRANT USAGE ON *.* TO 'op'"], vec![alter, grant_select_sql]),
        (vec!["GRANT ALL PRIVILEGES ON `oceanbase`.* TO 'op'"], vec![alter]),
        (vec![], vec![alter, grant_select_sql]),
        // A name that says ALTER SYSTEM is none.
        (vec!["GRANT SELECT ON `ALTER SYSTEM`.* TO 'op'"], vec![alter, grant_select_sql]),
        (
            vec![
                "GRANT ALTER SYSTEM ON *.* TO 'op'",
                "GRANT SELECT ON `oceanbase`.`dba_ob_tenants` TO 'op'",
                "GRANT SELECT ON `oceanbase`.`CDB_OB_BACKUP_JOBS` TO 'op'",
            ],
            vec![],
        ),
    ] {
        assert_eq!(missing_privileges(&lines), Known::Known(expected), "{lines:?}");
    }
}

/// As a server of V4.3.5 prints them.
#[test]
fn real_grant_lines_are_parsed() {
    let root = [
        "GRANT ALL PRIVILEGES ON *.* TO 'root' WITH GRANT OPTION",
        "GRANT ALL PRIVILEGES ON `oceanbase`.* TO 'root'",
        "GRANT ALL PRIVILEGES ON `__recyclebin`.* TO 'root'",
    ];
    assert_eq!(missing_privileges(&root), Known::Known(vec![]));
    let op = [
        "GRANT SELECT, SUPER, ALTER SYSTEM ON *.* TO 'op'",
        "GRANT SELECT ON `oceanbase`.`gv$ob_parameters` TO 'op'",
        "GRANT `r1`@`%` TO `op`@`%`",
    ];
    assert_eq!(missing_privileges(&op), Known::Known(vec![]));
    assert!(
        matches!(missing_privileges(&op[1..]), Known::NotChecked(why) if why.ends_with("GRANT `r1`@`%` TO `op`@`%`"))
    );
}

#[test]
fn role_grants_are_unknown() {
    let role = "GRANT `dba`@`%` TO 'op'";
    assert!(matches!(missing_privileges(&[role]), Known::NotChecked(why) if why.ends_with(role)));
    assert_eq!(
        missing_privileges(&[role, "GRANT ALL PRIVILEGES ON *.* TO 'op'"]),
        Known::Known(vec![]),
        "it needs no role"
    );
}

#[test]
fn grant_statement_names_the_user() {
    for login in ["op@pay", "op@pay#prod", "op", "prod:pay:op"] {
        assert_eq!(user_name(login), "op", "{login}");
    }
    assert_eq!(grant_alter_system_sql("op"), "GRANT ALTER SYSTEM ON *.* TO 'op'");
    assert_eq!(grant_select_sql("op"), "GRANT SELECT ON oceanbase.* TO 'op'");
    assert_eq!(grant_select_sql("o'brien"), "GRANT SELECT ON oceanbase.* TO 'o''brien'");
}
