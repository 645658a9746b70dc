//! Tests of a full backup that needs a major freeze first, of the merge of the whole cluster, and of a failing merge.

use obnow::demo::fault_injection::FaultEffect;

use super::served_fleet::{Client, LIMIT_MS, ServedFleet};

/// Global items of `__all_zone`: value and info.
async fn global(client: &mut Client, name: &str) -> (i64, String) {
    let sql = format!("SELECT value, info FROM oceanbase.__all_zone WHERE zone = '' AND name = '{name}'");
    let row = client.ask(&sql).await.remove(0);
    (row[0].parse().unwrap(), row[1].clone())
}

/// Returns `merge_status` of every zone, in order.
async fn states(client: &mut Client) -> Vec<String> {
    let sql = "SELECT zone, info FROM oceanbase.__all_zone WHERE name = 'merge_status' \
               AND zone IN ('zone1', 'zone2', 'zone3') ORDER BY zone";
    client.ask(sql).await.into_iter().map(|mut row| row.remove(1)).collect()
}

async fn until(client: &mut Client, merge_status: &str) {
    let reached = async {
        while global(client, "merge_status").await.1 != merge_status {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_millis(LIMIT_MS), reached).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn full_needs_a_freeze_after_the_archive_start() {
    let mut demo = ServedFleet::start("needs-compaction").await;
    let mut client = demo.sys("legacy-sh").await;
    let tenants = client.column("SELECT tenant_name FROM oceanbase.__all_tenant").await;
    assert_eq!(tenants.len(), 15, "sys and fourteen");
    for sql in ["ALTER SYSTEM BACKUP DATABASE", "ALTER SYSTEM BACKUP INCREMENTAL DATABASE"] {
        let (code, message) = client.refused(sql).await;
        assert_eq!(code, 9040, "{message}");
        assert!(message.contains("need major freeze first. start timestamp : "), "{message}");
    }
    let frozen =
        "SELECT frozen_version, frozen_timestamp FROM oceanbase.__all_freeze_info ORDER BY frozen_version DESC";
    let before = client.ask(frozen).await;
    assert_eq!(global(&mut client, "frozen_version").await.0.to_string(), before[0][0]);
    client.ask("ALTER SYSTEM MAJOR FREEZE").await;
    let after = client.ask(frozen).await;
    assert_eq!(after.len(), before.len() + 1);
    assert!(after[0][1] > before[0][1]);
    until(&mut client, "IDLE").await;
    assert_eq!(global(&mut client, "last_merged_version").await.0.to_string(), after[0][0]);
    assert_eq!(global(&mut client, "global_broadcast_version").await.0.to_string(), after[0][0]);
    client.ask("ALTER SYSTEM BACKUP DATABASE").await;
    demo.wait("legacy-sh", "sys", "history", "COMPLETED").await;
    demo.wait("legacy-sh", "sys", "restorable", "yes").await;
    demo.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn zones_merge_in_turn_and_errors_block_the_merge() {
    let mut demo = ServedFleet::start("needs-compaction").await;
    let mut client = demo.sys("legacy-bj").await;
    let version = global(&mut client, "last_merged_version").await.0;
    client.ask("ALTER SYSTEM MAJOR FREEZE").await;
    until(&mut client, "ERROR").await;
    assert_eq!(states(&mut client).await, ["IDLE", "ERROR", "IDLE"]);
    assert_eq!(global(&mut client, "is_merge_error").await.0, 1);
    assert_eq!(global(&mut client, "last_merged_version").await.0, version);
    let merged = "SELECT zone, value FROM oceanbase.__all_zone WHERE name = 'last_merged_version' \
                  AND zone IN ('zone1', 'zone2', 'zone3') ORDER BY zone";
    let (old, new) = (version.to_string(), (version + 1).to_string());
    assert_eq!(client.ask(merged).await, [["zone1", &new], ["zone2", &old], ["zone3", &old]]);
    demo.fix().await;
    until(&mut client, "IDLE").await;
    assert_eq!(global(&mut client, "last_merged_version").await.0, version + 1);
    assert_eq!(global(&mut client, "is_merge_error").await.0, 0);

    // It can be broken again, and then sixteen versions are as many as may wait.
    demo.inject("legacy-bj", None, FaultEffect::CompactionFails).await;
    for _ in 0..16 {
        client.ask("ALTER SYSTEM MAJOR FREEZE").await;
    }
    assert_eq!(states(&mut client).await, ["ERROR", "IDLE", "IDLE"]);
    let refused = client.refused("ALTER SYSTEM MAJOR FREEZE").await;
    assert_eq!(refused, (4217, "Major freeze not allowed now".to_owned()));
    client.ask("ALTER SYSTEM SET enable_major_freeze = False").await;
    assert_eq!(client.refused("ALTER SYSTEM MAJOR FREEZE").await, (4179, "major freeze not allowed".to_owned()));
    demo.stop().await;
}
