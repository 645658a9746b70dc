//! Tests the version and the views that each line has, and those it lacks.

use obnow::demo::view_definitions::views_of;

use super::served_fleet::{ServedFleet, answer};

/// The clusters of the fleet that are no V4.2.5, and their lines.
pub const CLUSTERS: [(&str, &str); 9] = [
    ("old-gz", "2.2.77"),
    ("ce-cd", "3.1.2"),
    ("ce-xa", "3.1.5"),
    ("pre-gate-tj", "3.2.2"),
    ("gate-nj", "3.2.2-tenant"),
    ("ee-sz", "3.2.4"),
    ("dr-sz", "3.2.4"),
    ("first-v4", "4.0"),
    ("htap-wh", "4.3.5"),
];

#[tokio::test(flavor = "multi_thread")]
async fn every_view_of_every_line_can_be_asked_and_is_described() {
    let demo = ServedFleet::start("fleet").await;
    for (cluster, line) in CLUSTERS {
        let mut client = demo.sys(cluster).await;
        for (name, view) in views_of(line).unwrap() {
            let columns: Vec<String> = view.columns.iter().map(|column| format!("`{}`", column.name)).collect();
            client.ask(&format!("SELECT {} FROM oceanbase.{name}", columns.join(", "))).await;
            let described = client.column(&format!("DESC oceanbase.{name}")).await;
            assert_eq!(described.len(), columns.len(), "{line}: {name}");
            let unknown = client.refused(&format!("SELECT nothing FROM oceanbase.{name}")).await;
            assert_eq!(unknown, (1054, "Unknown column 'nothing' in 'field list'".to_owned()), "{line}: {name}");
        }
    }
    demo.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_line_says_what_it_is() {
    let demo = ServedFleet::start("fleet").await;
    for (cluster, version, comment) in [
        ("old-gz", "2.2.77", "OceanBase 2.2.77 (r20210414193106-"),
        ("ce-cd", "3.1.2-OceanBase CE", "OceanBase_CE 3.1.2 (r10000392021123010-"),
        ("ce-xa", "3.1.5-OceanBase CE", "OceanBase_CE 3.1.5 (r100010012023060910-"),
        ("gate-nj", "3.2.2", "OceanBase 3.2.2 (r20220304134610-"),
        ("ee-sz", "3.2.4", "OceanBase 3.2.4.1 (r101000052023010822-"),
        ("first-v4", "5.7.25-OceanBase_CE-v4.0.0.0", "OceanBase_CE 4.0.0.0 (r103000022023011215-"),
        ("htap-wh", "5.7.25-OceanBase_CE-v4.3.5.0", "OceanBase_CE 4.3.5.0 (r100000202024123117-"),
    ] {
        let mut client = demo.sys(cluster).await;
        let said = client.ask("SELECT VERSION(), @@version_comment").await.remove(0);
        assert_eq!(said[0], version, "{cluster}");
        assert!(said[1].starts_with(comment), "{cluster}: {}", said[1]);
    }
    let missing = demo.sys("old-gz").await.refused("SELECT OB_VERSION()").await;
    assert_eq!(missing, (1305, "FUNCTION ob_version does not exist".to_owned()));
    let mut client = demo.sys("pre-gate-tj").await;
    assert_eq!(client.column("SELECT OB_VERSION()").await, ["3.2.2"]);
    let builds = client.column("SELECT build_version FROM oceanbase.__all_server").await;
    assert!(builds[0].starts_with("3.2.2_20220120181545-"), "{builds:?}");
    demo.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_has_its_own_views_and_columns_only() {
    let demo = ServedFleet::start("fleet").await;
    for (cluster, missing) in [
        ("ee-sz", "DBA_OB_TENANTS"),
        ("ce-xa", "CDB_OB_BACKUP_JOBS"),
        ("old-gz", "CDB_OB_ARCHIVELOG"),
        ("ce-cd", "GV$OB_PARAMETERS"),
        ("htap-wh", "CDB_OB_BACKUP_PROGRESS"),
        ("first-v4", "__all_zone"),
        ("first-v4", "CDB_OB_LS_LOG_ARCHIVE_PROGRESS"),
    ] {
        let refused = demo.sys(cluster).await.refused(&format!("SELECT x FROM oceanbase.{missing}")).await;
        assert_eq!(refused, (1146, format!("Table 'oceanbase.{}' doesn't exist", missing.to_lowercase())), "{cluster}");
    }
    for (cluster, view, column, has) in [
        ("ee-sz", "CDB_OB_BACKUP_SET_DETAILS", "BACKUP_LEVEL", true),
        ("gate-nj", "CDB_OB_BACKUP_SET_DETAILS", "BACKUP_LEVEL", true),
        ("pre-gate-tj", "CDB_OB_BACKUP_SET_DETAILS", "BACKUP_LEVEL", false),
        ("ce-xa", "CDB_OB_BACKUP_SET_DETAILS", "BACKUP_LEVEL", false),
        ("ce-cd", "CDB_OB_BACKUP_SET_DETAILS", "COPY_ID", true),
        ("old-gz", "CDB_OB_BACKUP_SET_DETAILS", "COPY_ID", false),
        ("ce-xa", "V$OB_CLUSTER", "PROTECTION_MODE", true),
        ("old-gz", "V$OB_CLUSTER", "PROTECTION_MODE", false),
        ("first-v4", "CDB_OB_BACKUP_TASKS", "DATA_PROGRESS", false),
        ("first-v4", "DBA_OB_TENANTS", "LOG_MODE", false),
        ("htap-wh", "CDB_OB_BACKUP_TASKS", "LOG_PROGRESS", true),
        ("first-v4", "CDB_OB_BACKUP_SET_FILES", "CLUSTER_VERSION", false),
        ("first-v4", "DBA_OB_SERVERS", "CREATE_TIME", true),
        ("ee-sz", "__all_tenant", "GMT_CREATE", true),
        ("htap-wh", "DBA_OB_TENANTS", "RESTORE_DATA_MODE", true),
    ] {
        let asked = demo.sys(cluster).await.try_ask(&format!("SELECT {column} FROM oceanbase.{view}")).await;
        match asked {
            Ok(_) => assert!(has, "{cluster} has {view}.{column}"),
            Err((code, message)) => assert!(!has && code == 1054, "{cluster}: {code} {message}"),
        }
    }
    demo.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tenants_log_in_and_see_no_inner_table() {
    let demo = ServedFleet::start("fleet").await;
    let mut client = demo.log_in("ee-sz", 0, "root@core").await.unwrap();
    assert_eq!(client.column("SELECT VERSION()").await, ["3.2.4"]);
    for sql in ["SELECT status FROM oceanbase.CDB_OB_BACKUP_PROGRESS", "SELECT info FROM oceanbase.__all_zone"] {
        assert_eq!(client.refused(sql).await.0, 1142, "{sql}");
    }
    assert_eq!(client.refused("ALTER SYSTEM BACKUP DATABASE").await.0, 1227);
    assert_eq!(client.refused("SET ENCRYPTION ON IDENTIFIED BY 'x' ONLY").await.0, 1235);
    for (user, code) in [("root@sys#ee-sz", 5160), ("root@sys#other", 4666), ("root@nobody", 5160), ("who@sys", 1045)] {
        let Err(error) = demo.log_in("ee-sz", 0, user).await else { panic!("{user} logged in") };
        assert_eq!(answer(&error).0, code, "{user}");
    }
    let mut client = demo.sys("ee-sz").await;
    let tenants =
        "SELECT tenant_id, tenant_name, compatibility_mode, status, in_recyclebin FROM oceanbase.__all_tenant";
    let expected = [
        ["1", "sys", "0", "TENANT_STATUS_NORMAL", "0"],
        ["1001", "core", "0", "TENANT_STATUS_NORMAL", "0"],
        ["1002", "card", "0", "TENANT_STATUS_NORMAL", "0"],
        ["1003", "loan", "0", "TENANT_STATUS_NORMAL", "0"],
        ["1004", "ledger", "1", "TENANT_STATUS_NORMAL", "0"],
        ["1005", "old_core", "0", "TENANT_STATUS_NORMAL", "1"],
    ];
    assert_eq!(client.ask(tenants).await, expected);
    let role = "SELECT cluster_id, cluster_name, cluster_role, cluster_status FROM oceanbase.v$ob_cluster";
    assert_eq!(client.ask(role).await, [["5006", "ee-sz", "PRIMARY", "VALID"]]);
    assert_eq!(demo.sys("dr-sz").await.ask(role).await, [["5007", "dr-sz", "PHYSICAL STANDBY", "VALID"]]);
    demo.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parameter_has_a_row_for_each_server() {
    let demo = ServedFleet::start("fleet").await;
    let mut client = demo.sys("ce-xa").await;
    let rows = client.ask("SHOW PARAMETERS LIKE 'min_observer_version'").await;
    assert_eq!(rows.len(), 3);
    assert_eq!(rows[0].len(), 12);
    let seen = |row: &Vec<String>| [0, 1, 3, 4, 6].map(|column| row[column].clone());
    let expected =
        |zone: &str, port: &str| [zone, "observer", port, "min_observer_version", "3.1.5"].map(str::to_owned);
    assert_eq!(
        rows.iter().map(seen).collect::<Vec<_>>(),
        [expected("zone1", "2882"), expected("zone2", "2883"), expected("zone3", "2884")]
    );
    let where_names = "SHOW PARAMETERS WHERE name IN ('enable_upgrade_mode', '_upgrade_stage')";
    let rows = client.ask(where_names).await;
    assert_eq!(rows.iter().map(|row| row[6].as_str()).collect::<Vec<_>>(), ["False", "NONE"].repeat(3));
    let mut old = demo.sys("old-gz").await;
    assert_eq!(old.refused(where_names).await.0, 1064, "V2.2 has LIKE only");
    assert!(old.ask("SHOW PARAMETERS LIKE '_upgrade_stage'").await.is_empty());
    let tables = client.column("SHOW TABLES FROM oceanbase LIKE 'CDB_OB_BACKUP%'").await;
    assert!(tables.contains(&"CDB_OB_BACKUP_SET_FILES".to_owned()), "{tables:?}");
    assert!(tables.iter().all(|name| name.starts_with("CDB_OB_BACKUP")), "{tables:?}");
    demo.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn timeouts_are_the_sessions_own_and_gts_is_named() {
    let demo = ServedFleet::start("fleet").await;
    let mut client = demo.sys("ee-sz").await;
    assert_eq!(client.ask("SELECT @@ob_query_timeout, @@ob_trx_timeout").await, [["10000000", "100000000"]]);
    client.ask("SET SESSION ob_query_timeout = 1000000000").await;
    client.ask("SET SESSION ob_trx_timeout = 1000000000").await;
    assert_eq!(client.ask("SELECT @@ob_query_timeout, @@ob_trx_timeout").await, [["1000000000", "1000000000"]]);
    assert_eq!(client.ask("SHOW VARIABLES LIKE 'ob_timestamp_service'").await, [["ob_timestamp_service", "GTS"]]);
    demo.stop().await;
}
