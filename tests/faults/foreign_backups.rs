//! Tests of backups that another client started: watched to their verdict, cancelled by the watching task only, or waited for.

use obnow::demo::control::ControlRequest;

use crate::fixtures::{RunningCommand, hold, journal_until, journals, release, task, until, wait};
use crate::fleet::DemoFleet;

#[test]
fn foreign_backup_is_watched_as_its_own_task() {
    // One has a job of its own that is held; of the other only the job of sys is there yet.
    for target in ["demo/pay", "demo/order"] {
        let fleet = DemoFleet::serve("busy");
        let watch = RunningCommand::start(&fleet, &["watch", target, "--json"]);
        journal_until(&fleet, "a wait", |event| event["event"] == "waiting");
        let id = task(&fleet);
        let listed = fleet.json(&["tasks"]).exits(0).of_kind("task");
        assert_eq!((&listed[0]["task"], &listed[0]["state"]), (&id.as_str().into(), &"running".into()));
        let second = RunningCommand::start(&fleet, &["watch", target, "--json"]);
        assert_eq!(fleet.fix(), ["slow-data", "slow-scheduler"]);
        for watched in [watch.end().exits(0), second.end().exits(0)] {
            let watched = watched.quiet();
            assert_eq!(watched.task(), id, "one task, however many watch");
            let steps: Vec<String> = watched.steps(target).into_iter().map(|(step, _)| step).collect();
            assert_eq!(steps, ["Wait for data backup", "Confirm restorable"], "{target}");
            assert_eq!(watched.verdict(target)["verdict"], "restorable");
        }
        let retry = fleet.json(&["retry", &id, "--yes"]).exits(1).quiet();
        assert_eq!(
            retry.fault(),
            [
                format!("Task {id} cannot be retried."),
                "It only watched a backup that somebody else started.".to_owned(),
                "Start one of your own with: obnow backup.".to_owned(),
            ]
        );
        assert_eq!(fleet.statements(), Vec::<String>::new(), "watching writes nothing");
    }
}

#[test]
fn foreign_job_is_cancelled_from_its_watcher_only() {
    cancelled_from_its_watcher("demo/pay", "pay", "daily by cron");
    // Here only the job of sys is there yet.
    cancelled_from_its_watcher("demo/order", "order", "weekly by cron");
}

fn cancelled_from_its_watcher(target: &str, tenant: &str, owner: &str) {
    let fleet = DemoFleet::serve("busy");
    let watch = RunningCommand::start(&fleet, &["watch", target, "--json"]);
    journal_until(&fleet, "a wait", |event| event["event"] == "waiting");
    let id = task(&fleet);
    for said in [&["cancel", &id][..], &["cancel", &id, "--yes"]] {
        let unnamed = fleet.json(said).exits(10);
        assert_eq!(unnamed.fault()[0], "Nothing was cancelled.");
        assert!(unnamed.fault()[2].contains(&format!("--confirm {target} to go on.")), "{:?}", unnamed.fault());
    }
    let unasked = fleet.json(&["cancel", &id, "--yes", "--confirm", "demo"]).exits(10);
    let of_sys = tenant == "order";
    let said = if of_sys {
        "CANCEL BACKUP hits nothing before it is there"
    } else {
        "stops every backup job of these tenants, whoever started it"
    };
    assert!(unasked.err.contains(said), "{}", unasked.err);
    assert!(unasked.err.contains("A job that somebody starts there just before the statement arrives is hit too"));
    assert!(unasked.err.contains(&format!("by \"{owner}\"")), "{}", unasked.err);
    assert!(unasked.err.contains("stays on the destination, and nothing can be restored from it"), "{}", unasked.err);
    assert_eq!(fleet.statements(), Vec::<String>::new());
    let cancel = RunningCommand::start(&fleet, &["cancel", &id, "--yes", "--confirm", target, "--json"]);
    if of_sys {
        // Before the tenant has a job of its own the statement would hit nothing and succeed.
        journal_until(&fleet, "the wait for the job", |event| {
            event["event"] == "request" && event["answer"].as_str().unwrap().starts_with("waits for the job of order")
        });
        assert_eq!(fleet.statements(), Vec::<String>::new());
        fleet.fix();
    }
    let sent = format!("ALTER SYSTEM CANCEL BACKUP TENANT = '{tenant}'");
    until("the cancel at the server", || match fleet.statements() {
        sent_now if sent_now == [sent.as_str()] => Ok(()),
        sent_now => Err(format!("{sent_now:?}")),
    });
    cancel.end();
    watch.end();
    let verdict = fleet.json(&["watch", &id]).exits(23).verdict(target);
    assert_eq!(verdict["verdict"], "cancelled");
    assert_eq!(fleet.statements(), [sent]);
}

#[test]
fn cancel_before_the_start_starts_nothing() {
    let fleet = DemoFleet::serve("archiving-off");
    // The archive does not begin before the cancel has reached the task.
    let first = "ALTER SYSTEM ARCHIVELOG";
    hold(&fleet, first, true, false);
    let backup = RunningCommand::start(&fleet, &["backup", "demo", "--mode", "full", "--yes", "--json"]);
    wait(&fleet, "", "held", "1");
    let id = task(&fleet);
    let cancel = RunningCommand::start(&fleet, &["cancel", &id, "--yes", "--json"]);
    let asked = journals(&fleet).pop().unwrap().with_extension("ask");
    until("the request", || if asked.exists() { Ok(()) } else { Err(format!("no {}", asked.display())) });
    release(&fleet, first);
    let cancel = cancel.end().exits(23);
    assert!(cancel.err.contains("the task ends before its start"), "{}", cancel.err);
    let ended = backup.end().exits(23);
    for verdict in ended.of_kind("verdict") {
        assert_eq!(verdict["verdict"], "cancelled", "{verdict}");
    }
    assert_eq!(fleet.starts(), Vec::<String>::new(), "nobody's backup is started after a cancel");
    // What was asked of that attempt is not asked of the next.
    fleet.json(&["retry", &id, "--yes"]).exits(0);
}

#[test]
fn our_own_job_is_cancelled_and_retry_starts_a_new_one() {
    let fleet = DemoFleet::serve("healthy");
    fleet.ask(&ControlRequest::HoldPhase { cluster: None, tenant: "pay".into(), phase: "BACKUP_DATA_MAJOR".into() });
    let backup = RunningCommand::start(&fleet, &["backup", "demo/pay", "--mode", "full", "--yes", "--json"]);
    fleet.wait("pay", "task", "BACKUP_DATA_MAJOR");
    let id = task(&fleet);
    // Another tenant's job is none of this task's business.
    fleet.json(&["backup", "demo/order", "--mode", "full", "--yes"]).exits(0);
    let cancelled = fleet.json(&["cancel", &id, "--yes"]).exits(23);
    assert!(cancelled.err.contains(&format!("by obnow task {id}.1")), "{}", cancelled.err);
    let verdict = backup.end().exits(23).quiet().verdict("demo/pay");
    assert_eq!(verdict["verdict"], "cancelled");
    assert_eq!(verdict["told"][0], "Set 3 stays on the destination as it is; nothing can be restored from it.");
    let sent = fleet.statements();
    assert_eq!(sent.iter().filter(|text| text.contains("CANCEL")).count(), 1, "{sent:?}");
    assert!(sent.contains(&"ALTER SYSTEM CANCEL BACKUP TENANT = 'pay'".to_owned()), "{sent:?}");
    fleet.ask(&ControlRequest::ReleasePhase { cluster: None, tenant: "pay".into(), phase: "BACKUP_DATA_MAJOR".into() });
    let over = fleet.json(&["cancel", &id, "--yes"]).exits(1);
    assert_eq!(over.fault()[0], format!("Task {id} does not run."));
    let again = fleet.json(&["retry", &id, "--yes"]).exits(0);
    assert!(again.err.contains("Retry starts a NEW backup of demo/pay, attempt 2."), "{}", again.err);
    assert_eq!(again.verdict("demo/pay")["verdict"], "restorable");
}

#[test]
fn a_busy_target_is_waited_for_as_long_as_was_said() {
    let fleet = DemoFleet::serve("busy");
    let said = |seconds: u64| format!("Waiting for its end, at most {seconds} s.");
    let summary = fleet.run(&["backup", "demo/pay", "--mode", "full", "--yes", "--wait-lock", "1s"]).exits(11);
    assert!(summary.err.contains(&said(1)), "{}", summary.err);
    assert!(fleet.starts().is_empty());
    let wait = ["backup", "demo/pay", "--mode", "full", "--yes", "--json", "--wait-lock", "5m"];
    let wait = RunningCommand::start(&fleet, &wait);
    wait.wait_for_stderr(&said(300));
    fleet.fix();
    let ended = wait.end().exits(0);
    assert!(ended.err.contains(&said(300)), "it met the other backup: {}", ended.err);
    assert_eq!(ended.verdict("demo/pay")["verdict"], "restorable");
    assert_eq!(fleet.starts().len(), 1);
}
