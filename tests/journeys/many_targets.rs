//! Tests of many targets: the fleet, and a cluster where some tenants are left out and one fails.

use crate::fleet::DemoFleet;

#[test]
fn fleet_lists_forty_targets_and_the_ineligible() {
    let fleet = DemoFleet::serve("fleet");
    let rows = fleet.json(&["targets"]).exits(0).quiet().of_kind("target");
    assert!(rows.len() >= 40, "{}", rows.len());
    let row = |target: &str| rows.iter().find(|row| row["target"] == target).unwrap_or_else(|| panic!("no {target}"));
    // Tenants of older builds than the first that can back up one are another subject.
    let by_itself =
        |row: &serde_json::Value| row["reason"].as_str().is_some_and(|why| why.contains("back up one tenant"));
    let ineligible: Vec<&str> = rows
        .iter()
        .filter(|row| row["eligible"] == false && !by_itself(row))
        .map(|row| row["target"].as_str().unwrap())
        .collect();
    assert_eq!(
        ineligible,
        [
            "prod-hz/old_shop",
            "ee-sz/old_core",
            "dr-sz",
            "dr-sz/core",
            "dr-sz/card",
            "upgrade-gz",
            "upgrade-gz/pay",
            "upgrade-gz/order",
            "upgrade-gz/member",
            "down-bj"
        ]
    );
    for target in ineligible {
        assert!(!row(target)["reason"].as_str().unwrap().is_empty(), "{target}");
    }
    assert_eq!(row("prod-hz/old_shop")["reason"], "the tenant is in the recycle bin");
    assert_eq!(row("dev-seek")["method"], "logical");
    assert_eq!(row("dev-seek")["version"], "seekdb 1.4.0");
    assert_eq!(row("test-a")["version"], "V4.2.5.0");
    // Last good backup first: type, and whether there is none.
    assert_eq!(row("staging/pay")["last_good"]["type"], "full");
    assert!(row("staging/sandbox")["last_good"].is_null());
    // sys and meta never count.
    assert!(rows.iter().all(|row| !row["target"].as_str().unwrap().ends_with("/sys")));

    let plain = fleet.run(&["targets"]).exits(0);
    assert_eq!(plain.err, "");
    assert_eq!(plain.out.lines().count(), rows.len() + 1, "a heading, and a line each");
    let two = fleet.json(&["backup", "prod-hz/pay", "prod-sh/crm", "--mode", "full", "--yes"]).exits(1).quiet();
    assert_eq!(two.fault()[0], "The targets are of several clusters.");
    assert_eq!(fleet.statements(), Vec::<String>::new());
}

#[test]
fn each_eligible_cluster_of_the_fleet_ends_restorable() {
    let fleet = DemoFleet::serve("fleet");
    let clusters = [("prod-hz", 11, 4), ("prod-sh", 10, 0), ("staging", 6, 0), ("test-a", 4, 0), ("test-b", 3, 0)];
    std::thread::scope(|all| {
        for (cluster, tenants, code) in clusters {
            let fleet = &fleet;
            all.spawn(move || {
                let ran = fleet.json(&["backup", cluster, "--mode", "full", "--yes"]).exits(code).quiet();
                let verdicts = ran.of_kind("verdict");
                assert_eq!(verdicts.len(), tenants + 1, "{cluster}");
                assert!(verdicts.iter().all(|verdict| verdict["verdict"] == "restorable"), "{cluster}: {verdicts:#?}");
            });
        }
    });
    assert_eq!(fleet.starts().len(), clusters.len(), "one statement a cluster");
    for (cluster, code) in [("upgrade-gz", 10), ("down-bj", 14)] {
        fleet.json(&["backup", cluster, "--mode", "full", "--yes"]).exits(code).quiet();
    }
    assert_eq!(fleet.starts().len(), clusters.len());
    let tasks = fleet.json(&["tasks"]).exits(0).of_kind("task");
    assert_eq!(tasks.len(), clusters.len());
    assert!(tasks.iter().all(|task| task["state"] == "done" && task["verdict"] == "restorable"), "{tasks:#?}");
}

#[test]
fn cluster_with_a_failing_tenant_is_partly_done() {
    let fleet = DemoFleet::serve("partial");
    let ran = fleet.json(&["backup", "demo", "--mode", "full", "--yes"]).exits(4).quiet();
    assert_eq!(fleet.job("stock")["status"], "FAILED");
    let reason = "the tenant's role is RESTORE, and only PRIMARY and STANDBY can be backed up";
    let plan = &ran.of_kind("plan")[0];
    assert_eq!(plan["left_out"], serde_json::json!([{"target": "demo/restoring", "reason": reason}]));
    for tenant in ["demo/pay", "demo/order", "demo/report"] {
        assert_eq!(ran.verdict(tenant)["verdict"], "restorable", "{tenant}");
    }
    assert_eq!(ran.verdict("demo/stock")["verdict"], "failed");
    let worst = ran.of_kind("verdict").pop().unwrap();
    assert!(worst["target"].is_null());
    let mut copy = ran.verdict("demo/stock");
    copy["target"] = serde_json::Value::Null;
    assert_eq!(worst, copy, "a copy of the worst one's other fields");
    let start = &fleet.starts()[0];
    assert!(start.starts_with("ALTER SYSTEM BACKUP TENANT = 'pay', 'order', 'stock', 'report' "), "{start}");

    // Retry: only the one that failed; the good ones keep their sets.
    assert_eq!(fleet.fix(), ["no-space"]);
    let again = fleet.run(&["retry", &ran.task(), "--yes"]).exits(4);
    let says = "Retry starts a NEW backup of demo/stock, attempt 2. What failed stays there: set 3 of demo/stock.\n";
    assert_eq!(again.err, says);
    let start = &fleet.starts()[1];
    assert!(start.starts_with("ALTER SYSTEM BACKUP TENANT = 'stock' "), "{start}");
    let tasks = fleet.json(&["tasks"]).of_kind("task");
    assert_eq!((&tasks[0]["state"], &tasks[0]["verdict"]), (&"done".into(), &"restorable".into()));
}

#[test]
fn ineligible_named_tenant_is_left_out() {
    let fleet = DemoFleet::serve("partial");
    let ran = fleet.json(&["backup", "demo/pay", "demo/restoring", "--mode", "full", "--yes"]).exits(4).quiet();
    assert_eq!(ran.verdict("demo/pay")["verdict"], "restorable");
    assert_eq!(ran.of_kind("plan")[0]["left_out"][0]["target"], "demo/restoring");
    let start = &fleet.starts()[0];
    assert!(start.starts_with("ALTER SYSTEM BACKUP TENANT = 'pay' "), "{start}");
}
