//! Tests of a cluster backup of V2.2 and V3: destination, archive, full, increment, cancel.

use obnow::demo::fault_injection::FaultEffect;

use super::served_fleet::{Client, ServedFleet};

/// How a set ended, per tenant.
async fn set(client: &mut Client, id: u32) -> Vec<Vec<String>> {
    let sql = format!(
        "SELECT TENANT_ID, BACKUP_TYPE, STATUS, FILE_STATUS FROM oceanbase.CDB_OB_BACKUP_SET_FILES WHERE BS_KEY = {id} \
         ORDER BY TENANT_ID"
    );
    client.ask(&sql).await
}

#[tokio::test(flavor = "multi_thread")]
async fn each_line_backs_up_its_cluster_to_restorable() {
    let mut demo = ServedFleet::start("fleet").await;
    for (cluster, tenant) in [
        ("old-gz", "core"),
        ("ce-cd", "shop"),
        ("ce-xa", "wallet"),
        ("pre-gate-tj", "fund"),
        ("gate-nj", "bond"),
        ("ee-sz", "ledger"),
    ] {
        let mut client = demo.sys(cluster).await;
        client.ask("SET SESSION ob_query_timeout = 1000000000").await;
        client.ask("ALTER SYSTEM BACKUP DATABASE").await;
        let state =
            "SELECT value FROM oceanbase.__all_virtual_backup_info WHERE tenant_id = 1 AND name = 'backup_status'";
        assert_ne!(client.column(state).await, ["STOP"], "{cluster}");
        demo.wait(cluster, tenant, "history", "COMPLETED").await;
        demo.wait(cluster, "sys", "history", "COMPLETED").await;
        demo.wait(cluster, tenant, "restorable", "yes").await;
        demo.wait(cluster, "sys", "restorable", "yes").await;
        assert_eq!(client.column(state).await, ["STOP"], "{cluster}");
        assert!(client.column("SELECT STATUS FROM oceanbase.CDB_OB_BACKUP_PROGRESS").await.is_empty(), "{cluster}");
        let made = set(&mut client, 3).await;
        assert!(made.len() > 2, "{cluster}: {made:?}");
        assert_eq!(made[0], ["1", "D", "SUCCESS", "AVAILABLE"], "{cluster}");
        assert!(made.iter().all(|row| row[1..] == ["D", "SUCCESS", "AVAILABLE"]), "{cluster}: {made:?}");
        // From the snapshot to the archive's own end, in the round that covers it.
        let snapshot = "SELECT snapshot_version, result FROM oceanbase.__all_backup_task_history \
                        WHERE backup_set_id = 3 AND tenant_id = 1";
        assert_eq!(client.ask(snapshot).await[0][1], "0", "{cluster}");
        let archive = "SELECT STATUS, MIN_FIRST_TIME, MAX_NEXT_TIME FROM oceanbase.CDB_OB_BACKUP_ARCHIVELOG_SUMMARY \
                       WHERE TENANT_ID = 1 ORDER BY LOG_ARCHIVE_ROUND DESC LIMIT 1";
        let archive = client.ask(archive).await.remove(0);
        let ended =
            "SELECT COMPLETION_TIME FROM oceanbase.CDB_OB_BACKUP_SET_DETAILS WHERE TENANT_ID = 1 AND BS_KEY = 3";
        assert_eq!(archive[0], "DOING", "{cluster}");
        assert!(archive[2] >= client.column(ended).await[0], "{cluster}: {archive:?}");
    }
    demo.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_increment_stands_on_its_base_in_a_new_round_too() {
    let mut demo = ServedFleet::start("fleet").await;
    let mut client = demo.sys("ee-sz").await;
    client.ask("ALTER SYSTEM BACKUP INCREMENTAL DATABASE").await;
    demo.wait("ee-sz", "sys", "history", "COMPLETED").await;
    assert_eq!(set(&mut client, 3).await[0][1], "I");
    let previous = "SELECT prev_full_backup_set_id, prev_inc_backup_set_id FROM oceanbase.__all_backup_task_history \
                    WHERE backup_set_id = 3 AND tenant_id = 1001";
    assert_eq!(client.ask(previous).await, [["1", "2"]]);

    client.ask("ALTER SYSTEM NOARCHIVELOG").await;
    demo.wait("ee-sz", "sys", "round", "STOP").await;
    client.ask("ALTER SYSTEM ARCHIVELOG").await;
    demo.wait("ee-sz", "sys", "round", "DOING").await;
    client.ask("ALTER SYSTEM BACKUP INCREMENTAL DATABASE").await;
    demo.wait("ee-sz", "sys", "history", "COMPLETED").await;
    let made = set(&mut client, 4).await;
    assert!(made.iter().all(|row| row[1] == "I"), "no round is compared: {made:?}");
    demo.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn destination_change_needs_a_stopped_archive() {
    let mut demo = ServedFleet::start("fleet").await;
    let mut client = demo.sys("ce-xa").await;
    let refused = client.refused("ALTER SYSTEM SET backup_dest = 'file:///new'").await;
    assert_eq!(refused, (9036, "Backup is in progress".to_owned()), "the archive runs");
    client.ask("ALTER SYSTEM NOARCHIVELOG").await;
    demo.wait("ce-xa", "sys", "round", "STOP").await;
    for (uri, code, message) in [
        ("file:///new?a=b", 1235, "backup device is nfs, additional parameters are not supported"),
        ("file:///new?", 1235, "backup device is nfs, setting '?' is not supported"),
        ("file://new", 9026, "backup destination is not valid"),
        ("s3://b/p?host=h&access_id=a&access_key=k", 9026, "backup destination is not valid"),
        ("oss://b/p", 9026, "backup destination is not valid"),
        ("cos://b/p?host=h&access_id=a&access_key=k&appid=1", 4015, "System error"),
    ] {
        let refused = client.refused(&format!("ALTER SYSTEM SET backup_dest = '{uri}'")).await;
        assert_eq!(refused, (code, message.to_owned()), "{uri}");
    }
    let uri = "oss://b/p?host=h&access_id=AK&access_key=SECRET";
    client.ask(&format!("ALTER SYSTEM SET backup_dest = '{uri}'")).await;
    let values = "SELECT value FROM oceanbase.__all_virtual_sys_parameter_stat WHERE name = 'backup_dest'";
    let first = client.column(values).await;
    assert_eq!(first[0], uri, "on the root service's server at once, and in clear");
    let reached = async {
        while client.column(values).await != [uri; 3] {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_millis(super::served_fleet::LIMIT_MS), reached).await.unwrap();
    client.ask("ALTER SYSTEM ARCHIVELOG").await;
    demo.wait("ce-xa", "sys", "round", "DOING").await;
    let rounds = "SELECT LOG_ARCHIVE_ROUND, STATUS FROM oceanbase.CDB_OB_BACKUP_ARCHIVELOG_SUMMARY WHERE TENANT_ID = 1 \
                  ORDER BY LOG_ARCHIVE_ROUND";
    assert_eq!(client.ask(rounds).await, [["1", "STOP"], ["2", "DOING"]]);
    demo.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_start_times_out_and_still_runs() {
    let mut demo = ServedFleet::start("fleet").await;
    demo.inject("ce-cd", None, FaultEffect::SlowStart { milliseconds: 12_000 }).await;
    let mut client = demo.sys("ce-cd").await;
    assert_eq!(client.refused("ALTER SYSTEM BACKUP DATABASE").await, (4012, "Timeout".to_owned()));
    demo.wait("ce-cd", "sys", "history", "COMPLETED").await;
    client.ask("SET SESSION ob_query_timeout = 1000000000").await;
    client.ask("ALTER SYSTEM BACKUP DATABASE").await;
    demo.wait("ce-cd", "sys", "history", "COMPLETED").await;
    assert_eq!(set(&mut client, 4).await[0], ["1", "D", "SUCCESS", "AVAILABLE"]);
    demo.stop().await;
}
