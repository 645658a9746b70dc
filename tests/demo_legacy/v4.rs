//! Tests of V4.0 and V4.3.5: the statements of V4.2.5 with fewer or more columns, and other states.

use obnow::demo::control::ControlRequest;

use super::served_fleet::ServedFleet;

#[tokio::test(flavor = "multi_thread")]
async fn both_back_up_their_tenants_to_restorable() {
    let mut demo = ServedFleet::start("fleet").await;
    for (cluster, tenant) in [("first-v4", "web"), ("htap-wh", "lake")] {
        let mut client = demo.sys(cluster).await;
        client.ask(&format!("ALTER SYSTEM BACKUP TENANT = {tenant} DESCRIPTION = 'obnow 7.1'")).await;
        demo.wait(cluster, tenant, "history", "COMPLETED").await;
        demo.wait(cluster, tenant, "restorable", "yes").await;
        let job = "SELECT STATUS, BACKUP_TYPE FROM oceanbase.CDB_OB_BACKUP_JOB_HISTORY \
                   WHERE TENANT_ID = 1002 AND DESCRIPTION = 'obnow 7.1'";
        assert_eq!(client.ask(job).await, [["COMPLETED", "FULL"]], "{cluster}");
    }
    demo.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_states_of_a_task_are_the_lines_own() {
    let mut demo = ServedFleet::start("fleet").await;
    for (cluster, tenant, phase) in
        [("first-v4", "web", "BACKUP_DATA_SYS"), ("htap-wh", "lake", "BACKUP_FUSE_TABLET_META")]
    {
        let hold = |phase: &str| ControlRequest::HoldPhase {
            cluster: Some(cluster.to_owned()),
            tenant: tenant.to_owned(),
            phase: phase.to_owned(),
        };
        let foreign = demo.control.send(&hold("BACKUP_META")).await.unwrap_err();
        assert!(foreign.to_string().ends_with("no phase 'BACKUP_META'"), "{foreign}");
        demo.control.send(&hold(phase)).await.unwrap();
        let mut client = demo.sys(cluster).await;
        client.ask(&format!("ALTER SYSTEM BACKUP TENANT = {tenant}")).await;
        demo.wait(cluster, tenant, "task", phase).await;
        assert_eq!(client.column("SELECT STATUS FROM oceanbase.CDB_OB_BACKUP_TASKS").await, [phase]);
    }
    demo.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storage_that_came_later_is_no_destination_of_v4_0() {
    let demo = ServedFleet::start("fleet").await;
    let uri = "s3://b/p?host=h&access_id=a&access_key=k&s3_region=r";
    let set = |tenant: &str| format!("ALTER SYSTEM SET DATA_BACKUP_DEST = '{uri}' TENANT = {tenant}");
    let refused = demo.sys("first-v4").await.refused(&set("web")).await;
    assert_eq!(refused, (9026, format!("'{uri}' is not a valid uri")));
    let mut client = demo.sys("htap-wh").await;
    client.ask(&set("bi")).await;
    let limits = "SELECT PATH, MAX_IOPS, MAX_BANDWIDTH FROM oceanbase.CDB_OB_BACKUP_STORAGE_INFO \
                  WHERE TENANT_ID = 1006 AND PATH = 's3://b/p'";
    assert_eq!(client.ask(limits).await, [["s3://b/p", "0", "0"]]);
    let stored = client.column("SELECT VALUE FROM oceanbase.CDB_OB_BACKUP_PARAMETER WHERE TENANT_ID = 1006").await;
    assert!(stored[0].ends_with("&s3_region=r&checksum_type=md5"), "a SET fills it in: {stored:?}");
    let other = "ALTER SYSTEM SET DATA_BACKUP_DEST = 'oss://b/q?host=h&access_id=a&access_key=k&checksum_type=crc32' TENANT = bi";
    let refused = client.refused(other).await;
    assert_eq!(refused, (9113, "checksum type crc32 is not supported for the input destination".to_owned()));
    demo.stop().await;
}
