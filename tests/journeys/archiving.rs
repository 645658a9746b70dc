//! The states of log archiving, and what each step sends for them.

use crate::fleet::{CommandResult, DemoFleet};

/// What was sent, without the id of the task.
fn sent(fleet: &DemoFleet) -> Vec<String> {
    fleet.statements().iter().map(|text| text.split(" DESCRIPTION").next().unwrap().to_owned()).collect()
}

#[track_caller]
fn restorable(ran: &CommandResult, target: &str) -> usize {
    let verdict = ran.verdict(target);
    assert_eq!(verdict["verdict"], "restorable");
    assert!(verdict["from_scn"].as_u64().unwrap() <= verdict["to_scn"].as_u64().unwrap());
    verdict["windows"].as_array().unwrap().len()
}

#[test]
fn archiving_that_is_off_is_started_first() {
    let fleet = DemoFleet::serve("archiving-off");
    let check = fleet.json(&["check", "demo"]).exits(0).quiet();
    let warns = |found: &str| ("warn".to_owned(), found.to_owned());
    assert_eq!(check.check("demo/pay", "log_archiving"), warns("STOP: the backup starts a new round first"));
    assert_eq!(check.check("demo/order", "log_archiving"), warns("archiving does not run: the backup starts it first"));
    assert_eq!(check.check("demo/report", "log_archiving"), ("pass".into(), "DOING, round 1".into()));
    let states: Vec<_> = fleet.json(&["targets"]).of_kind("target").iter().map(|row| row["state"].clone()).collect();
    assert_eq!(states, ["normal", "log archiving off", "log archiving off", "normal"]);

    let ran = fleet.json(&["backup", "demo", "--mode", "full", "--yes"]).exits(0).quiet();
    assert_eq!(ran.step("demo/pay", "Start log archiving"), ("ok".into(), "DOING, round 2".into()));
    assert_eq!(ran.step("demo/order", "Start log archiving"), ("ok".into(), "DOING, round 1".into()));
    assert_eq!(ran.step("demo/report", "Start log archiving"), ("not_needed".into(), "DOING, round 1".into()));
    assert_eq!(
        sent(&fleet),
        [
            "ALTER SYSTEM ARCHIVELOG TENANT = 'pay'",
            "ALTER SYSTEM ARCHIVELOG TENANT = 'order'",
            "ALTER SYSTEM BACKUP TENANT = 'pay', 'order', 'report'",
        ]
    );
    // The windows before and after the stop, with the gap between them.
    assert_eq!(restorable(&ran, "demo/pay"), 2);
    assert!(ran.verdict("demo/pay")["told"][1].as_str().unwrap().contains("; gap 20"), "{}", ran.out);
    assert_eq!(restorable(&ran, "demo/order"), 1);
}

#[test]
fn what_starting_the_archive_does_is_said_before() {
    let fleet = DemoFleet::serve("archiving-off");
    let dry = fleet.run(&["backup", "demo/pay", "--mode", "full", "--dry-run"]).exits(0);
    let effect = "Start log archiving                  starts a new round. Archiving stays on and fills the directory; \
                  delete policy: none.\n      ALTER SYSTEM ARCHIVELOG TENANT = `pay`\n";
    assert!(dry.out.contains(effect), "{}", dry.out);
    assert!(dry.out.contains("Interrupts nothing."), "{}", dry.out);
    assert_eq!(sent(&fleet), Vec::<String>::new());
}

#[test]
fn a_suspended_round_goes_on_without_a_gap() {
    let fleet = DemoFleet::serve("suspended");
    let check = fleet.json(&["check", "demo/pay"]).exits(0);
    let found = "SUSPEND: archiving was suspended on purpose; the backup lets the same round go on first";
    assert_eq!(check.check("demo/pay", "log_archiving"), ("warn".into(), found.into()));
    // Somebody meant it: a yes to everything is not enough where nobody is asked.
    let refused = fleet.json(&["backup", "demo/pay", "--mode", "full", "--yes"]).exits(1).quiet();
    let [what, why, next] = refused.fault();
    assert_eq!(what, "Log archiving of demo/pay is suspended, and nobody said that it may go on.");
    assert_eq!(why, "It was suspended on purpose, a backup resumes it, and nobody is asked here.");
    assert!(next.contains("--resume-archive"), "{next}");
    assert_eq!(sent(&fleet), Vec::<String>::new());
    let ran = fleet.json(&["backup", "demo/pay", "--mode", "full", "--yes", "--resume-archive"]).exits(0).quiet();
    let plan = &ran.of_kind("plan")[0];
    let step = plan["steps"].as_array().unwrap().iter().find(|step| step["step"] == "Start log archiving").unwrap();
    let effect = step["effect"].as_str().unwrap();
    assert!(effect.starts_with("archiving was suspended on purpose; this resumes it (SUSPEND)"), "{effect}");
    assert_eq!(ran.step("demo/pay", "Start log archiving"), ("ok".into(), "DOING, round 1".into()));
    assert_eq!(
        sent(&fleet),
        ["ALTER SYSTEM SET LOG_ARCHIVE_DEST_STATE = 'ENABLE' TENANT = 'pay'", "ALTER SYSTEM BACKUP TENANT = 'pay'"]
    );
    assert!(restorable(&ran, "demo/pay") > 0);
    assert!(!ran.verdict("demo/pay")["told"].to_string().contains("gap"), "{}", ran.out);
}

#[test]
fn a_broken_round_is_named_and_replaced_and_leaves_a_gap() {
    let fleet = DemoFleet::serve("archive-broken");
    let rows = fleet.json(&["targets"]).of_kind("target");
    assert_eq!(rows[1]["state"], "log archiving INTERRUPTED");
    let dry = fleet.json(&["backup", "demo/pay", "--mode", "full", "--dry-run"]).exits(0);
    let plan = &dry.of_kind("plan")[0];
    let step = plan["steps"].as_array().unwrap().iter().find(|step| step["step"] == "Start log archiving").unwrap();
    assert_eq!(step["needed"], true);
    assert_eq!(
        step["statements"],
        serde_json::json!(["ALTER SYSTEM NOARCHIVELOG TENANT = `pay`", "ALTER SYSTEM ARCHIVELOG TENANT = `pay`"])
    );
    let lost = "the broken archive round of pay: log between the break and the new round is lost for restore";
    assert_eq!(step["interrupts"], lost);
    assert_eq!(sent(&fleet), Vec::<String>::new());

    let ran = fleet.json(&["backup", "demo/pay", "--mode", "full", "--yes"]).exits(0).quiet();
    assert_eq!(ran.step("demo/pay", "Start log archiving"), ("ok".into(), "DOING, round 2".into()));
    assert_eq!(
        sent(&fleet),
        [
            "ALTER SYSTEM NOARCHIVELOG TENANT = 'pay'",
            "ALTER SYSTEM ARCHIVELOG TENANT = 'pay'",
            "ALTER SYSTEM BACKUP TENANT = 'pay'",
        ]
    );
    assert_eq!(restorable(&ran, "demo/pay"), 2);
    assert!(ran.verdict("demo/pay")["told"][1].as_str().unwrap().contains("; gap 20"), "{}", ran.out);
}
