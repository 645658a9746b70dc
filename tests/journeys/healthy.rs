//! Tests of a healthy cluster: a full of a tenant, then an incremental, then a backup of all tenants.

use crate::fleet::DemoFleet;

#[test]
fn full_incremental_and_cluster_end_restorable() {
    let fleet = DemoFleet::serve("healthy");
    let full = fleet.json(&["backup", "demo/pay", "--mode", "full", "--yes"]).exits(0);
    assert_eq!(
        full.steps("demo/pay"),
        [
            ("Check target", "ok"),
            ("Check if ready to data backup", "ok"),
            ("Set backup destination", "not_needed"),
            ("Start log archiving", "not_needed"),
            ("Start cluster compact if necessary", "not_needed"),
            ("Start data backup", "ok"),
            ("Wait for data backup", "ok"),
            ("Confirm restorable", "ok"),
        ]
        .map(|(step, state)| (step.to_owned(), state.to_owned()))
    );
    let verdict = full.verdict("demo/pay");
    assert_eq!((verdict["verdict"].as_str(), verdict["type"].as_str()), (Some("restorable"), Some("full")));
    assert!(verdict["from_scn"].as_u64().unwrap() <= verdict["to_scn"].as_u64().unwrap());

    let incremental = fleet.json(&["backup", "demo/pay", "--mode", "incremental", "--yes"]).exits(0);
    assert_eq!(incremental.verdict("demo/pay")["type"], "incremental");

    let cluster = fleet.json(&["backup", "demo", "--mode", "full", "--yes"]).exits(0);
    for tenant in ["demo/pay", "demo/order", "demo/report", "demo/dr"] {
        assert_eq!(cluster.verdict(tenant)["verdict"], "restorable", "{tenant}");
    }
    let starts = fleet.starts();
    assert_eq!(starts.len(), 3, "{starts:#?}");
}
