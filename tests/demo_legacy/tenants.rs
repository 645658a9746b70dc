//! Tests of backups of single tenants, which V3.2.2 has from one build on.

use super::served_fleet::ServedFleet;

#[tokio::test(flavor = "multi_thread")]
async fn below_the_gate_the_statement_is_unknown() {
    let demo = ServedFleet::start("tenant-gate").await;
    let mut client = demo.sys("below").await;
    let (code, message) = client.refused("ALTER SYSTEM BACKUP TENANT fund TO 'file:///b'").await;
    assert_eq!(code, 1064);
    assert!(message.contains("near 'TENANT fund TO 'file:///b'' at line 1"), "{message}");
    demo.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tenant_backup_needs_empty_dir_and_cluster_set() {
    let mut demo = ServedFleet::start("tenant-gate").await;
    let mut client = demo.sys("at").await;
    let data = demo.dir.join("data").display().to_string();
    for (to, code, message) in [
        (
            format!("file://{data}/at"),
            20303,
            "the directory must not be that of the cluster's backups, or one below it",
        ),
        (
            format!("file://{data}/at/x"),
            20303,
            "the directory must not be that of the cluster's backups, or one below it",
        ),
        (format!("file://{data}/fresh"), 20304, "only an empty directory can be used"),
        ("nowhere".to_owned(), 9026, "backup destination is not valid"),
    ] {
        let refused = client.refused(&format!("ALTER SYSTEM BACKUP TENANT fund, bond TO '{to}'")).await;
        assert_eq!(refused, (code, message.to_owned()), "{to}");
    }
    let unknown = client.refused("ALTER SYSTEM BACKUP TENANT nobody TO 'file:///b'").await;
    assert_eq!(unknown.0, 5160);
    // The manual's own quotes.
    let backup = format!("ALTER SYSTEM BACKUP TENANT fund, loan TO \"file://{data}/tenants/one\"");
    client.ask(&backup).await;
    assert_eq!(client.refused(&backup).await, (9036, "Backup is in progress".to_owned()));
    demo.wait("at", "sys", "history", "COMPLETED").await;
    let levels = "SELECT TENANT_ID, BACKUP_TYPE, STATUS, BACKUP_LEVEL FROM oceanbase.CDB_OB_BACKUP_SET_DETAILS \
                  WHERE BS_KEY = 3 ORDER BY TENANT_ID";
    let expected = ["1", "1001", "1003"].map(|tenant| [tenant, "D", "COMPLETED", "TENANT"]);
    assert_eq!(client.ask(levels).await, expected);
    let refused = client.refused(&backup).await;
    assert_eq!(refused, (20304, "only an empty directory can be used".to_owned()), "it is taken now");
    // No base of the cluster's increments, and no change of its settings.
    client.ask("ALTER SYSTEM BACKUP INCREMENTAL DATABASE").await;
    demo.wait("at", "sys", "history", "COMPLETED").await;
    let base = "SELECT backup_type, prev_inc_backup_set_id, backup_dest FROM oceanbase.__all_backup_task_history \
                WHERE backup_set_id = 4 AND tenant_id = 1001";
    assert_eq!(client.ask(base).await, [["I", "2", &format!("file://{data}/at")]]);

    let mut fresh = demo.sys("fresh").await;
    let refused = fresh.refused("ALTER SYSTEM BACKUP TENANT fund TO 'file:///b'").await;
    assert_eq!(refused, (20305, "perform a cluster-level backup before a tenant-level backup".to_owned()));
    demo.stop().await;
}
