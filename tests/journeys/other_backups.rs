//! Tests of a second backup of a target: one started elsewhere, and one of a runner of this host.

use obnow::demo::control::ControlRequest;

use crate::fleet::DemoFleet;

#[test]
fn running_foreign_backup_refuses_a_second_one() {
    let fleet = DemoFleet::serve("busy");
    fleet.wait("pay", "task", "BACKUP_DATA_MAJOR");
    assert_eq!(fleet.job("pay")["description"], "daily by cron");
    let rows = fleet.json(&["targets"]).exits(0).of_kind("target");
    assert_eq!(rows[0]["state"], "backing up 2 tenants");
    assert!(rows[1]["state"].as_str().unwrap().starts_with("backing up "), "{}", rows[1]);
    assert!(rows.iter().all(|row| row["eligible"] == true && row["reason"].is_null()), "busy is no ineligibility");

    for (target, job, owner) in [("demo/pay", 1, "daily by cron"), ("demo/order", 2, "weekly by cron")] {
        let check = fleet.json(&["check", target]).exits(11).quiet();
        let (result, found) = check.check(target, "another_backup");
        assert_eq!(result, "fail");
        assert!(found.starts_with(&format!("job {job} runs on it: a backup (full) since 2")), "{found}");
        assert!(found.ends_with(&format!(" (server time), started by \"{owner}\"")), "{found}");
        let ran = fleet.json(&["backup", target, "--mode", "full", "--yes"]).exits(11).quiet();
        let [what, why, next] = ran.fault();
        assert_eq!(what, format!("{target} cannot be backed up now."));
        assert_eq!(why, format!("J{}.", &found[1..]), "a sentence");
        assert_eq!(next, format!("Watch it with: obnow watch {target}, or wait for its end with --wait-lock."));
    }
    assert_eq!(fleet.statements(), Vec::<String>::new());
    let tasks = fleet.json(&["tasks"]).exits(0).quiet().of_kind("task");
    let told = |task: &serde_json::Value| {
        (task["task"].clone(), task["targets"][0].clone(), task["state"].clone(), task["owner"].clone())
    };
    let row = |target: &str, owner: &str| {
        (serde_json::Value::Null, target.into(), "running".into(), format!("\"{owner}\"").into())
    };
    let expected = [row("demo/pay", "daily by cron"), row("demo/order", "weekly by cron")];
    assert_eq!(tasks.iter().map(told).collect::<Vec<_>>(), expected, "they run elsewhere: no task of ours");

    // The cluster without them: they are left out, with the reason.
    let cluster = fleet.json(&["backup", "demo", "--mode", "full", "--yes"]).exits(4).quiet();
    let plan = &cluster.of_kind("plan")[0];
    assert_eq!(plan["targets"], serde_json::json!(["demo/report"]));
    assert_eq!(plan["left_out"].as_array().unwrap().len(), 2);
    assert_eq!(cluster.verdict("demo/report")["verdict"], "restorable");
    assert!(fleet.starts()[0].starts_with("ALTER SYSTEM BACKUP TENANT = 'report' "), "{:?}", fleet.starts());

    // It is followed to its verdict, and nothing is sent for that.
    let (fixed, watched) = fleet.fix_while_watched("demo/order");
    assert_eq!(fixed, ["slow-data", "slow-scheduler"]);
    let watched = watched.exits(0).quiet();
    assert_eq!(watched.verdict("demo/order")["verdict"], "restorable");
    assert_eq!(fleet.starts().len(), 1);
    fleet.wait("pay", "history", "COMPLETED");
    let ran = fleet.json(&["backup", "demo/pay", "--mode", "full", "--yes"]).exits(0);
    assert_eq!(ran.verdict("demo/pay")["verdict"], "restorable");
}

#[test]
fn detached_task_blocks_a_second_and_can_be_watched() {
    let fleet = DemoFleet::serve("healthy");
    let hold = |tenant: &str| ControlRequest::HoldPhase {
        cluster: None,
        tenant: tenant.into(),
        phase: "BACKUP_DATA_MAJOR".into(),
    };
    fleet.ask(&hold("pay"));
    let left = fleet.json(&["backup", "demo/pay", "--mode", "full", "--yes", "--detach"]).exits(0).quiet();
    let task = left.task();
    assert!(left.of_kind("verdict").is_empty(), "detached: it is started, no more");
    fleet.wait("pay", "task", "BACKUP_DATA_MAJOR");

    // The server's job refuses first; before there is one, the lock does.
    let second = fleet.json(&["backup", "demo/pay", "--mode", "full", "--yes"]).exits(11).quiet();
    assert!(second.fault()[1].ends_with(&format!("started by obnow task {task}.1.")), "{}", second.out);
    let listed = fleet.json(&["tasks"]).exits(0).of_kind("task");
    assert_eq!(
        (listed.len(), &listed[0]["state"], &listed[0]["step"]),
        (1, &"running".into(), &"Wait for data backup".into())
    );
    let again = fleet.json(&["retry", &task, "--yes"]).exits(11).quiet();
    assert!(again.fault()[1].contains(&task), "{}", again.out);
    // Another tenant is in nobody's way.
    fleet.json(&["backup", "demo/order", "--mode", "full", "--yes"]).exits(0);

    fleet.ask(&ControlRequest::ReleasePhase { cluster: None, tenant: "pay".into(), phase: "BACKUP_DATA_MAJOR".into() });
    for what in ["demo/pay", &task, &task[..task.len() - 2]] {
        let watched = fleet.json(&["watch", what]).exits(0).quiet();
        assert_eq!((watched.task(), &watched.verdict("demo/pay")["verdict"]), (task.clone(), &"restorable".into()));
        assert_eq!(watched.steps("demo/pay").len(), 8, "from its beginning");
    }
    assert_eq!(fleet.starts().len(), 2);
}

#[test]
fn lock_names_the_task_before_a_job_is_shown() {
    let fleet = DemoFleet::serve("archiving-off");
    // Its first steps take their time: the archive does not begin.
    fleet.ask(&ControlRequest::HoldPhase { cluster: None, tenant: "pay".into(), phase: "PARENT".into() });
    let first = fleet.json(&["backup", "demo/pay", "--mode", "full", "--yes", "--detach"]).exits(0);
    let task = first.task();
    let second = fleet.json(&["backup", "demo/pay", "--mode", "full", "--yes"]).exits(11).quiet();
    let fault = second.fault();
    assert!(fault[1].contains(&task), "{fault:?}");
    assert!(fleet.starts().len() <= 1, "{:?}", fleet.starts());
    fleet.ask(&ControlRequest::ReleasePhase { cluster: None, tenant: "pay".into(), phase: "PARENT".into() });
    fleet.json(&["watch", &task]).exits(0);
    assert_eq!(fleet.starts().len(), 1);
}

#[test]
fn a_task_that_is_done_needs_no_retry() {
    let fleet = DemoFleet::serve("healthy");
    let done = fleet.json(&["backup", "demo/pay", "--mode", "full", "--yes"]).exits(0);
    let retry = fleet.json(&["retry", &done.task(), "--yes"]).exits(1).quiet();
    assert_eq!(
        retry.fault(),
        [
            format!("Task {} needs no retry.", done.task()),
            "Every target of it is restorable.".to_owned(),
            "Start another backup with: obnow backup.".to_owned(),
        ]
    );
    assert_eq!(fleet.starts().len(), 1);
}

#[test]
fn what_nobody_started_cannot_be_watched_or_retried() {
    let fleet = DemoFleet::serve("busy");
    let target = fleet.json(&["watch", "demo/report"]).exits(1).quiet();
    assert_eq!(target.fault()[0], "There is nothing to watch on demo/report.");
    for command in ["watch", "retry"] {
        let none = fleet.json(&[command, "NOSUCH"]).exits(1).quiet();
        assert_eq!(none.fault()[0], "No task was chosen by \"NOSUCH\".");
    }
    assert_eq!(fleet.statements(), Vec::<String>::new());
}
