//! Tests the report of a task: one private file with what was confirmed, what happened and why the task ended.

use std::os::unix::fs::PermissionsExt;

use crate::fleet::DemoFleet;

#[test]
fn report_is_a_private_and_complete_file() {
    let fleet = DemoFleet::serve("no-full");
    let failed = fleet.json(&["backup", "demo/pay", "--mode", "incremental", "--yes"]).exits(15).quiet();
    let task = failed.task();
    let report = fleet.run(&["report", &task]).exits(0);
    assert_eq!(report.err, "");
    let path = report.out.trim_end();
    let name = path.rsplit('/').next().unwrap();
    assert!(name.starts_with(&task) && path.contains("/state/reports/"), "{path}");
    assert_eq!(std::fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
    let text = std::fs::read_to_string(path).unwrap();
    for part in [
        format!("report of task {task}\n"),
        "state           failed\n".to_owned(),
        "cluster         demo, V4.2.5.1-101000092024120918, cluster id 1001\n".to_owned(),
        "WHAT WAS CONFIRMED (incremental)\n".to_owned(),
        format!("      ALTER SYSTEM BACKUP INCREMENTAL TENANT = `pay` DESCRIPTION = 'obnow {task}.1'\n"),
        "FAILED  demo/pay\n  Full data backup needed before incremental data backup\n".to_owned(),
        "  Next: Make a full backup first: obnow backup demo/pay --mode full.\n".to_owned(),
        " failed      Check if ready to data backup        demo/pay".to_owned(),
    ] {
        assert!(text.contains(&part), "{part:?} is not in:\n{text}");
    }
    // Another one replaces none, and a program is told where it is.
    let again = fleet.json(&["report", &task]).exits(0).quiet();
    let event = &again.of_kind("report")[0];
    assert_eq!(event["task"], serde_json::json!(task));
    assert_ne!(event["path"], serde_json::json!(path));
    assert_eq!(fleet.statements(), Vec::<String>::new());
    let none = fleet.json(&["report", "ZZZZ"]).exits(1).quiet();
    assert_eq!(none.fault()[1], "No task here has an id that begins so.");
}
