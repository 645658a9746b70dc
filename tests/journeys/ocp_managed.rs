//! Tests of a cluster that OCP manages: backed up to its present destinations, and changed only on request.

use crate::fleet::DemoFleet;

#[test]
fn ocp_cluster_is_changed_only_on_request() {
    let fleet = DemoFleet::serve("managed");
    let check = fleet.json(&["check", "demo/pay"]).exits(0);
    let signs = "probably managed by OCP (obconfig_url is http://ocp.example.com:8080/services; the user ocp_monitor is logged in)";
    assert_eq!(check.check("demo", "managed"), ("warn".into(), signs.into()));
    fleet.json(&["backup", "demo/pay", "--mode", "full", "--yes"]).exits(0);
    let sent = fleet.statements().len();

    let refused = fleet.json(&["backup", "demo/bare", "--mode", "full", "--yes"]).exits(10);
    let [_, why, next] = refused.fault();
    assert!(why.contains("this plan sets its destinations and switches its log archiving"), "{why}");
    assert!(next.ends_with("override this with --skip managed."), "{next}");
    assert_eq!(fleet.statements().len(), sent, "nothing was sent");
    let overridden = fleet.json(&["backup", "demo/bare", "--mode", "full", "--yes", "--skip", "managed"]).exits(0);
    let said = &overridden.of_kind("plan")[0]["overridden"];
    assert!(said.to_string().contains("overridden: probably managed by OCP"), "{said}");
}
