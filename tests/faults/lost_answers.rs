//! Tests of lost answers, broken connections and restarted servers: obnow asks until it knows the state, and sends nothing twice.

use obnow::demo::control::ControlRequest;

use crate::fixtures::{
    RunningCommand, hold, journal_until, newest_events, outcomes, release, runs_step, serve_quick, summary, task, wait,
};
use crate::fleet::DemoFleet;

const BACKUP: [&str; 6] = ["backup", "demo/pay", "--mode", "full", "--yes", "--json"];

fn lose(fleet: &DemoFleet, prefix: &str, applied: bool) {
    fleet.ask(&ControlRequest::LoseReply { prefix: prefix.to_owned(), applied });
}

fn held(fleet: &DemoFleet, phase: &str) -> RunningCommand {
    fleet.ask(&ControlRequest::HoldPhase { cluster: None, tenant: "pay".into(), phase: phase.to_owned() });
    let follower = RunningCommand::start(fleet, &BACKUP);
    wait(fleet, "pay", "task", phase);
    journal_until(fleet, "the wait", |event| runs_step(event, "wait_for_backup"));
    follower
}

fn released(fleet: &DemoFleet, phase: &str, follower: RunningCommand) {
    fleet.ask(&ControlRequest::ReleasePhase { cluster: None, tenant: "pay".into(), phase: phase.to_owned() });
    let ran = follower.end().exits(0);
    assert_eq!(ran.verdict("demo/pay")["verdict"], "restorable");
    assert_eq!(outcomes(fleet), ["done"]);
}

#[test]
fn the_answer_to_a_start_that_was_carried_out() {
    let fleet = serve_quick("healthy");
    lose(&fleet, "ALTER SYSTEM BACKUP", true);
    let ran = fleet.json(&BACKUP[..5]).exits(0);
    assert_eq!(ran.verdict("demo/pay")["verdict"], "restorable");
    assert_eq!(outcomes(&fleet), ["lost after it was applied: done"]);
    let events = newest_events(&fleet);
    let answered = events.iter().find(|event| event["event"] == "answered" && event["intent"] == 1).unwrap();
    assert_eq!(answered["answered"], false, "the answer was not lost: {answered}");
    let job = events.iter().find(|event| event["event"] == "job").unwrap();
    assert_eq!(job["job"], 1, "{}", summary(&events));
}

#[test]
fn start_that_never_arrived_is_resent_only_by_retry() {
    let fleet = serve_quick("healthy");
    lose(&fleet, "ALTER SYSTEM BACKUP", false);
    let failed = fleet.json(&BACKUP[..5]).exits(15);
    let fault = failed.of_kind("fault").pop().unwrap_or_else(|| panic!("{}", failed.out));
    assert!(fault["what"].as_str().unwrap().ends_with("got no answer, and nothing was started."), "{fault}");
    assert_eq!(outcomes(&fleet), ["lost before it was applied"]);
    assert_eq!(failed.steps("demo/pay")[5], ("Start data backup".to_owned(), "failed".to_owned()));
    let retried = fleet.json(&["retry", &failed.task()]).exits(0);
    assert_eq!(retried.verdict("demo/pay")["verdict"], "restorable");
    assert_eq!(outcomes(&fleet), ["lost before it was applied", "done"]);
    assert!(fleet.starts()[1].ends_with(&format!("{}.2'", failed.task())), "{:?}", fleet.starts());
}

/// A setting without an answer is read back; what is true already is not sent again.
#[test]
fn the_answer_to_a_setting() {
    let fleet = serve_quick("no-destination");
    lose(&fleet, "ALTER SYSTEM SET DATA_BACKUP_DEST", true);
    lose(&fleet, "ALTER SYSTEM SET LOG_ARCHIVE_DEST", true);
    lose(&fleet, "ALTER SYSTEM ARCHIVELOG", true);
    fleet.json(&BACKUP[..5]).exits(0);
    assert_eq!(fleet.statements().len(), 4, "{:#?}", fleet.statements());
}

#[test]
fn the_answers_to_questions() {
    let fleet = serve_quick("healthy");
    let follower = held(&fleet, "BACKUP_DATA_MINOR");
    for _ in 0..5 {
        lose(&fleet, "SELECT", true);
    }
    released(&fleet, "BACKUP_DATA_MINOR", follower);
}

#[test]
fn all_connections_in_the_wait() {
    let fleet = serve_quick("healthy");
    let follower = held(&fleet, "BACKUP_DATA_MINOR");
    for _ in 0..3 {
        let before = connected(&fleet);
        fleet.ask(&ControlRequest::CutConnections);
        crate::fixtures::until("another connection", || {
            let now = connected(&fleet);
            if now > before { Ok(()) } else { Err(format!("{now} connections so far")) }
        });
    }
    released(&fleet, "BACKUP_DATA_MINOR", follower);
    let events = newest_events(&fleet);
    assert!(!events.iter().any(|event| event["state"] == "failed"), "{}", summary(&events));
}

fn connected(fleet: &DemoFleet) -> u64 {
    fleet.ask(&ControlRequest::State)["connected"].as_u64().unwrap()
}

#[test]
fn a_server_that_restarts_in_the_wait() {
    let fleet = serve_quick("healthy");
    let follower = held(&fleet, "BACKUP_DATA_MAJOR");
    for server in 0..3 {
        fleet.ask(&ControlRequest::RestartServer { cluster: None, server });
    }
    released(&fleet, "BACKUP_DATA_MAJOR", follower);
}

/// The endpoint of the task is down for good; another server of the cluster answers.
#[test]
fn a_server_that_restarts_between_the_start_and_its_answer() {
    for applied in [true, false] {
        let fleet = serve_quick("healthy");
        hold(&fleet, "ALTER SYSTEM BACKUP", applied, false);
        let follower = RunningCommand::start(&fleet, &["backup", "demo/pay", "--mode", "full", "--yes", "--json"]);
        wait(&fleet, "", "held", "1");
        for server in 0..3 {
            fleet.ask(&ControlRequest::RestartServer { cluster: None, server });
        }
        release(&fleet, "ALTER SYSTEM BACKUP");
        let ran = follower.end();
        let lost =
            newest_events(&fleet).into_iter().any(|event| event["event"] == "answered" && event["answered"] == false);
        assert!(lost, "the answer came: {}", summary(&newest_events(&fleet)));
        if applied {
            assert_eq!(ran.exits(0).verdict("demo/pay")["verdict"], "restorable");
            assert_eq!(outcomes(&fleet).len(), 1);
        } else {
            ran.exits(15);
            let started = outcomes(&fleet).iter().filter(|outcome| *outcome == "done").count();
            assert_eq!(started, 0, "what never arrived was not started");
            fleet.json(&["retry", &task(&fleet), "--yes"]).exits(0);
            assert_eq!(outcomes(&fleet).iter().filter(|outcome| *outcome == "done").count(), 1);
        }
    }
}

#[test]
fn one_endpoint_for_good() {
    let fleet = serve_quick("healthy");
    let follower = held(&fleet, "BACKUP_DATA_MAJOR");
    fleet.ask(&ControlRequest::RefuseConnections { endpoint: 0 });
    released(&fleet, "BACKUP_DATA_MAJOR", follower);
}

/// No server answers for longer than the limit: the verdict is unknown, not failed; a later Retry only observes again.
#[test]
fn every_endpoint_for_longer_than_the_limit() {
    let fleet = DemoFleet::serve("healthy");
    let config = std::fs::read_to_string(fleet.config()).unwrap().replace("stall: 5s", "stall: 1s");
    std::fs::write(fleet.config(), config).unwrap();
    let follower = held(&fleet, "BACKUP_DATA_MAJOR");
    for endpoint in 0..3 {
        fleet.ask(&ControlRequest::RefuseConnections { endpoint });
    }
    let left = follower.end().exits(21);
    assert_eq!(left.verdict("demo/pay")["verdict"], "unknown");
    for endpoint in 0..3 {
        fleet.ask(&ControlRequest::AcceptConnections { endpoint });
    }
    fleet.ask(&ControlRequest::ReleasePhase { cluster: None, tenant: "pay".into(), phase: "BACKUP_DATA_MAJOR".into() });
    let retried = fleet.json(&["retry", &task(&fleet)]).exits(0);
    assert_eq!(retried.verdict("demo/pay")["verdict"], "restorable");
    assert_eq!(outcomes(&fleet), ["done"]);
}

/// A job that is no longer shown is unknown until history says, and that is never success by itself.
#[test]
fn the_job_itself() {
    let fleet = DemoFleet::serve("healthy");
    let config = std::fs::read_to_string(fleet.config()).unwrap().replace("stall: 5s", "stall: 1s");
    std::fs::write(fleet.config(), config).unwrap();
    let follower = held(&fleet, "BACKUP_DATA_MAJOR");
    fleet.ask(&ControlRequest::HideJobs { cluster: None, tenant: "pay".into() });
    let left = follower.end().exits(21);
    assert_eq!(left.verdict("demo/pay")["verdict"], "unknown");
    assert_eq!(outcomes(&fleet), ["done"]);
}
