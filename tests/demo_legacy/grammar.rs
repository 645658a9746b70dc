//! Tests that each line accepts its own statements and refuses those of the others.

use obnow::demo::grammar::parse;

use super::served_fleet::ServedFleet;
use super::views::CLUSTERS;

const ALL: [&str; 9] = ["2.2.77", "3.1.2", "3.1.5", "3.2.2", "3.2.2-tenant", "3.2.4", "4.0", "4.2.5", "4.3.5"];
const V3: &[&str] = &["2.2.77", "3.1.2", "3.1.5", "3.2.2", "3.2.2-tenant", "3.2.4"];
const SINCE_V3: &[&str] = &["3.1.2", "3.1.5", "3.2.2", "3.2.2-tenant", "3.2.4"];
const V4: &[&str] = &["4.0", "4.2.5", "4.3.5"];
const LATER_V4: &[&str] = &["4.2.5", "4.3.5"];
const TENANTS: &[&str] = &["3.2.2-tenant", "3.2.4"];
const CANCEL_ALL: &[&str] = &["3.1.5", "3.2.2-tenant", "3.2.4", "4.0", "4.2.5", "4.3.5"];

/// A statement, and the lines whose grammar has it.
const STATEMENTS: &[(&str, &[&str])] = &[
    ("ALTER SYSTEM BACKUP DATABASE", &ALL),
    ("ALTER SYSTEM BACKUP INCREMENTAL DATABASE", &ALL),
    ("ALTER SYSTEM BACKUP DATABASE DESCRIPTION = 'x'", V4),
    ("ALTER SYSTEM BACKUP DATABASE PLUS ARCHIVELOG", V4),
    ("ALTER SYSTEM BACKUP TENANT = t", V4),
    ("ALTER SYSTEM BACKUP TENANT t, u DESCRIPTION 'x'", V4),
    ("ALTER SYSTEM BACKUP TENANT t, `u` TO 'file:///b'", &["3.2.2-tenant", "3.2.4", "4.0", "4.2.5", "4.3.5"]),
    ("ALTER SYSTEM BACKUP TENANT t TO \"file:///b\"", TENANTS),
    ("ALTER SYSTEM BACKUP TENANT = t TO = 'file:///b'", V4),
    ("ALTER SYSTEM BACKUP INCREMENTAL TENANT t TO 'file:///b'", V4),
    ("ALTER SYSTEM BACKUP FULL DATABASE", &[]),
    ("ALTER SYSTEM ARCHIVELOG", &ALL),
    ("ALTER SYSTEM NOARCHIVELOG", &ALL),
    ("ALTER SYSTEM ARCHIVELOG TENANT = t", V4),
    ("ALTER SYSTEM MAJOR FREEZE", &ALL),
    ("ALTER SYSTEM MAJOR FREEZE TENANT = t", V4),
    ("ALTER SYSTEM MINOR FREEZE", &ALL),
    ("ALTER SYSTEM CANCEL BACKUP", &ALL),
    ("ALTER SYSTEM CANCEL BACKUP TENANT = t", V4),
    ("ALTER SYSTEM CANCEL ALL BACKUP FORCE", CANCEL_ALL),
    ("ALTER SYSTEM CANCEL DELETE BACKUP", &ALL),
    ("ALTER SYSTEM DELETE BACKUPROUND 1", V3),
    ("ALTER SYSTEM SUSPEND BACKUP", &ALL),
    ("ALTER SYSTEM SET backup_dest = 'file:///b'", &ALL),
    ("ALTER SYSTEM SET data_backup_dest = 'file:///b' TENANT = t", V4),
    ("ALTER SYSTEM BACKUP KEY TENANT = t TO 'file:///k' ENCRYPTED BY 'p'", LATER_V4),
    ("ALTER SYSTEM BACKUP CLUSTER PARAMETERS TO 'file:///p'", LATER_V4),
    ("ALTER SYSTEM CHANGE EXTERNAL_STORAGE_DEST PATH = 'oss://b/p?host=h'", LATER_V4),
    ("SET ENCRYPTION ON IDENTIFIED BY 'p' ONLY", &ALL),
    ("SHOW PARAMETERS LIKE 'backup_dest'", &ALL),
    ("SHOW PARAMETERS LIKE 'backup_dest' TENANT = t", V4),
    ("SHOW PARAMETERS WHERE name IN ('cluster', 'cluster_id')", SINCE_V3),
    ("SHOW TABLES FROM oceanbase LIKE 'CDB%'", V3),
];

#[test]
fn every_line_parses_its_own_statements_and_no_other() {
    for (sql, lines) in STATEMENTS {
        for line in ALL {
            match parse(line, sql) {
                Ok(_) => assert!(lines.contains(&line), "V{line} takes {sql}"),
                Err(error) => {
                    assert_eq!((error.code, error.state), (1064, "42000"), "V{line}: {sql}");
                    assert!(!lines.contains(&line), "V{line} refuses {sql}: {}", error.message);
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_refuses_over_the_wire_what_its_line_has_not() {
    let demo = ServedFleet::start("fleet").await;
    for (cluster, line) in CLUSTERS {
        let mut client = demo.sys(cluster).await;
        let foreign = STATEMENTS.iter().filter(|(_, lines)| !lines.contains(&line));
        let mut refused = 0;
        for (sql, _) in foreign {
            let (code, message) = client.refused(sql).await;
            assert_eq!(code, 1064, "{line}: {sql}: {message}");
            assert!(message.starts_with("You have an error in your SQL syntax; "), "{message}");
            refused += 1;
        }
        assert!(refused > 3, "{line}: only {refused} statements are foreign to it");
    }
    demo.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn prepared_statements_are_refused_per_line() {
    use sqlx::Row as _;
    let demo = ServedFleet::start("fleet").await;
    for (cluster, says) in [
        ("ee-sz", "while parameter _ob_enable_prepared_statement is disabled, prepared statement not supported"),
        ("htap-wh", "prepared statement protocol not supported"),
    ] {
        let mut client = demo.sys(cluster).await;
        let Err(error) = sqlx::query("SELECT VERSION()").fetch_one(&mut client.0).await else {
            panic!("{cluster} prepared a statement")
        };
        assert_eq!(super::served_fleet::answer(&error), (1235, says.to_owned()), "{cluster}");
        // The connection is good for more.
        let row = sqlx::raw_sql("SELECT VERSION()").fetch_one(&mut client.0).await.unwrap();
        assert!(!row.get::<String, _>(0).is_empty());
    }
    demo.stop().await;
}
