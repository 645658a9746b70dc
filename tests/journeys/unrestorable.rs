//! Tests of a completed backup that can never be restored: what is missing, what to do, and the new backup.

use crate::fleet::DemoFleet;

#[test]
fn an_archive_that_breaks_before_the_log_is_there() {
    let fleet = DemoFleet::serve("never-restorable");
    let ran = fleet.json(&["backup", "demo/pay", "--mode", "full", "--yes"]).exits(22).quiet();
    let job = fleet.job("pay");
    assert_eq!((job["status"].as_str(), job["history"].as_bool()), (Some("COMPLETED"), Some(true)));
    assert_eq!(ran.step("demo/pay", "Wait for data backup").0, "ok");
    let [what, why, next] = ran.fault();
    assert_eq!(what, "The backup of pay is done, but it cannot be restored.");
    assert!(why.starts_with("Log archive round 1 is INTERRUPTED at 20"), "{why}");
    assert!(why.contains(", and the log is needed up to 20"), "{why}");
    assert_eq!(why.matches(" +08:00").count(), 2, "both times are the server's: {why}");
    assert_eq!(next, "Restart the log archive, wait until it is DOING, and take a new full backup.");
    let full = ran.of_kind("progress").iter().any(|event| event["percent"] == 100.0);
    assert!(!full, "it is never full: it cannot be restored");
    let verdict = ran.verdict("demo/pay");
    assert_eq!((&verdict["verdict"], &verdict["set"]), (&"not_restorable".into(), &3.into()));
    assert!(verdict["from"].is_null() && verdict["to_scn"].is_null(), "{verdict}");
    let task = ran.task();
    let listed = fleet.json(&["tasks"]).of_kind("task")[0].clone();
    assert_eq!((&listed["state"], &listed["verdict"]), (&"done".into(), &"not_restorable".into()));

    // As the archive stands a retry would do what nobody has confirmed.
    let refused = fleet.json(&["retry", &task, "--yes"]).exits(15);
    assert_eq!(refused.fault()[0], "The plan of demo/pay changed since you confirmed.");
    assert_eq!(fleet.starts().len(), 1);

    assert_eq!(fleet.fix(), ["log-recycled"]);
    let again = fleet.json(&["retry", &task, "--yes"]).exits(0);
    let verdict = again.verdict("demo/pay");
    assert_eq!((again.task(), &verdict["verdict"], &verdict["set"]), (task.clone(), &"restorable".into(), &4.into()));
    let starts = fleet.starts();
    assert_eq!(starts.len(), 2, "{starts:?}");
    assert!(!starts[1].ends_with(&format!("{task}.1'")), "a new backup has a new mark: {starts:?}");
}

#[test]
fn in_plain_lines_it_is_red() {
    let fleet = DemoFleet::serve("never-restorable");
    let ran = fleet.run(&["backup", "demo/pay", "--mode", "full", "--yes"]).exits(22);
    assert!(ran.out.contains("\nDONE, BUT CANNOT BE RESTORED  "), "{}", ran.out);
    assert!(ran.err.contains("The backup of pay is done, but it cannot be restored.\n"), "{}", ran.err);
}
