//! An incremental without a usable full: the contract text, and that nothing of it is ever sent.

use crate::fleet::{CommandResult, DemoFleet};

const FULL_NEEDED: &str = "Full data backup needed before incremental data backup";

#[track_caller]
fn fails_for_want_of_a_full(ran: &CommandResult, why: &str) {
    let target = why.strip_prefix("For ").and_then(|why| why.split(' ').next()).unwrap();
    let next = format!("Make a full backup first: obnow backup {target} --mode full.");
    assert_eq!(ran.fault(), [FULL_NEEDED, why, &next].map(str::to_owned));
    let failed = ("failed".to_owned(), FULL_NEEDED.to_owned());
    assert_eq!(ran.step(target, "Check if ready to data backup"), failed);
    assert_eq!(ran.steps(target).last().unwrap().0, "Check if ready to data backup", "no step after it is begun");
    assert_eq!(ran.verdict(target)["verdict"], "failed");
}

#[test]
fn incremental_without_a_full_waits_for_one() {
    let fleet = DemoFleet::serve("no-full");
    let check = fleet.json(&["check", "demo/pay", "--mode", "incremental"]).exits(0).quiet();
    let predicted = format!("step 2 will fail: {FULL_NEEDED}: the tenant has no backup set");
    assert_eq!(check.check("demo/pay", "usable_full"), ("warn".into(), predicted));
    let full = fleet.json(&["check", "demo/pay"]).exits(0).of_kind("check");
    assert!(full.iter().all(|check| check["check"] != "usable_full"), "a full asks for no full");

    let failed = fleet.json(&["backup", "demo/pay", "--mode", "incremental", "--yes"]).exits(15).quiet();
    fails_for_want_of_a_full(&failed, "For demo/pay the tenant has no backup set.");
    assert_eq!(fleet.statements(), Vec::<String>::new());
    assert_eq!(failed.steps("demo/pay").len(), 2);
    // Retry is only another look while the cause is there, and from the failed step on.
    let again = fleet.json(&["retry", &failed.task(), "--yes"]).exits(15);
    fails_for_want_of_a_full(&again, "For demo/pay the tenant has no backup set.");
    assert_eq!(again.steps("demo/pay").len(), 1);
    assert_eq!(fleet.statements(), Vec::<String>::new());

    fleet.json(&["backup", "demo/pay", "--mode", "full", "--yes"]).exits(0);
    let gone_on = fleet.json(&["retry", &failed.task(), "--yes"]).exits(0);
    assert_eq!(gone_on.step("demo/pay", "Check if ready to data backup"), ("ok".into(), "set 1 is the base".into()));
    let verdict = gone_on.verdict("demo/pay");
    assert_eq!((verdict["verdict"].as_str(), verdict["type"].as_str()), (Some("restorable"), Some("incremental")));
    let starts = fleet.starts();
    assert_eq!(starts.len(), 2, "{starts:#?}");
    assert!(starts[1].starts_with("ALTER SYSTEM BACKUP INCREMENTAL TENANT = 'pay' "), "{starts:#?}");
}

#[test]
fn plain_output_has_only_the_contract_on_stderr() {
    let fleet = DemoFleet::serve("no-full");
    let failed = fleet.run(&["backup", "demo/pay", "--mode", "incremental", "--yes"]).exits(15);
    let tasks = fleet.json(&["tasks"]).exits(0);
    let lines: Vec<&str> = failed.err.lines().collect();
    assert_eq!(
        lines,
        [
            FULL_NEEDED,
            "For demo/pay the tenant has no backup set.",
            "Next: Make a full backup first: obnow backup demo/pay --mode full.",
            &format!("Once the cause is gone: obnow retry {}", tasks.task()),
        ]
    );
    assert!(failed.out.contains("FAILED  demo/pay\n"), "{}", failed.out);
}

#[test]
fn several_tenants_where_one_has_no_full() {
    let fleet = DemoFleet::serve("no-full");
    let both = ["backup", "demo/pay", "demo/order", "--mode", "incremental", "--yes"];
    let with = |way: &str| fleet.json(&[&both[..], &["--no-full", way]].concat());

    let skipped = with("skip").exits(4);
    let plan = &skipped.of_kind("plan")[0];
    assert_eq!(plan["targets"], serde_json::json!(["demo/order"]));
    let reason = format!("{FULL_NEEDED}: the tenant has no backup set");
    assert_eq!(plan["left_out"], serde_json::json!([{"target": "demo/pay", "reason": reason}]));
    assert_eq!(skipped.verdict("demo/order")["verdict"], "restorable");
    assert!(skipped.of_kind("verdict").iter().all(|verdict| verdict["target"] != "demo/pay"));

    let failed = with("fail").exits(4);
    fails_for_want_of_a_full(&failed, "For demo/pay the tenant has no backup set.");
    assert_eq!(failed.verdict("demo/order")["verdict"], "restorable");
    let worst = failed.of_kind("verdict").pop().unwrap();
    assert_eq!((worst["target"].as_str(), worst["verdict"].as_str()), (None, Some("failed")), "the worst one's");

    let made = with("full").exits(0);
    assert_eq!(made.verdict("demo/pay")["type"], "full");
    assert_eq!(made.verdict("demo/order")["type"], "incremental");
    let starts = fleet.starts();
    let kinds: Vec<&str> = starts.iter().map(|start| start.split(" DESCRIPTION").next().unwrap()).collect();
    assert_eq!(
        kinds,
        [
            "ALTER SYSTEM BACKUP INCREMENTAL TENANT = 'order'",
            "ALTER SYSTEM BACKUP INCREMENTAL TENANT = 'order'",
            "ALTER SYSTEM BACKUP TENANT = 'pay'",
            "ALTER SYSTEM BACKUP INCREMENTAL TENANT = 'order'",
        ]
    );
}

#[test]
fn skip_with_no_full_anywhere_does_nothing() {
    let fleet = DemoFleet::serve("no-full");
    let none = fleet.json(&["backup", "demo/pay", "--mode", "incremental", "--yes", "--no-full", "skip"]).quiet();
    assert_ne!(none.code, 0, "{}", none.out);
    assert!(none.fault().iter().all(|sentence| !sentence.is_empty()), "{}", none.out);
    assert_eq!(fleet.statements(), Vec::<String>::new());
    assert!(fleet.json(&["tasks"]).exits(0).of_kind("task").is_empty());
}

#[test]
fn what_the_server_would_not_take_as_a_base_is_not_sent() {
    let fleet = DemoFleet::serve("silent-full");
    let pay = fleet.json(&["backup", "demo/pay", "--mode", "incremental", "--yes"]).exits(15).quiet();
    let why = &pay.fault()[1];
    assert!(why.starts_with("For demo/pay the good sets (latest: 2) are on another path than file:///"), "{why}");
    fails_for_want_of_a_full(&pay, why);
    assert_eq!(fleet.statements(), Vec::<String>::new());

    // From V4.2.0 on the server refuses an incremental across data versions, in a job that nobody asked for.
    let order = fleet.json(&["backup", "demo/order", "--mode", "incremental", "--yes"]).exits(15).quiet();
    let crossed = "For demo/order set 2 was made at data version 4.2.5.0 and the tenant is at 4.2.5.1: the server takes no \
                   incremental across that.";
    fails_for_want_of_a_full(&order, crossed);
    assert_eq!(fleet.statements(), Vec::<String>::new());
    let made = ["backup", "demo/order", "--mode", "incremental", "--yes", "--no-full", "full"];
    assert_eq!(fleet.json(&made).exits(0).verdict("demo/order")["type"], "full");
    assert_eq!(fleet.starts().len(), 1);
}
