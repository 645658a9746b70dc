//! Tests that unresponsive runners and dead runners are told apart.

use crate::damage::Stopped;
use crate::fixtures::{
    RunningCommand, hold, journal_until, kill_runner, release, runner, serve_quick, state_of, task, wait,
};
use crate::fleet::DemoFleet;

const BACKUP: [&str; 5] = ["backup", "demo/pay", "--mode", "full", "--yes"];

/// A stopped process, as one that waits for a disk that hangs.
#[test]
fn unresponsive_runner_does_not_block_a_cancel() {
    let fleet = serve_quick("healthy");
    hold(&fleet, "ALTER SYSTEM BACKUP", true, false);
    let follower = RunningCommand::start(&fleet, &BACKUP);
    wait(&fleet, "", "held", "1");
    let id = task(&fleet);
    let pid = runner(&fleet);
    let stopped = Stopped::stop(pid);
    let silent = format!("The runner of task {id} has not answered since ");
    follower.wait_for_stderr(&silent);
    let watch = RunningCommand::start(&fleet, &["watch", &id]);
    watch.wait_for_stderr(&silent);
    let listed = fleet.json(&["tasks"]).exits(0);
    assert_eq!(state_of(&fleet, &id), "running");
    let [what, why, next] = listed.fault();
    assert!(what.starts_with(&silent) && why.contains(&format!("process {pid} lives")), "{what} {why}");
    assert!(next.contains(&format!("kill -CONT {pid}")), "{next}");
    let cancelled = fleet.run(&["cancel", &id, "--yes"]).exits(21);
    assert!(cancelled.err.contains(&format!("The cancel of task {id} was not taken up.")), "{}", cancelled.err);
    assert!(cancelled.err.contains(&format!("obnow cancel {id}")), "{}", cancelled.err);
    // It resumes, and carries out the request of meanwhile. The job waits until the follower has noticed.
    drop(stopped);
    follower.wait_for_stdout(&format!("The runner of task {id} answers again."));
    release(&fleet, "ALTER SYSTEM BACKUP");
    let answered = journal_until(&fleet, "the answer to the cancel", |event| event["event"] == "request");
    assert_eq!(answered["verb"], "cancel");
    // The job may have been done by then.
    let ended = follower.end();
    assert!(matches!(ended.code, 0 | 23), "{}", ended.out);
    assert_eq!(watch.end().code, ended.code);
    assert_eq!(fleet.starts().len(), 1);
}

/// With a heartbeat of an hour nobody could wait for three of them.
#[test]
fn a_dead_runner_of_this_host_is_gone_at_once() {
    let fleet = DemoFleet::serve("healthy");
    let config = std::fs::read_to_string(fleet.config()).unwrap();
    std::fs::write(fleet.config(), config.replace("heartbeat: 1s", "heartbeat: 1h")).unwrap();
    hold(&fleet, "ALTER SYSTEM BACKUP", true, false);
    let follower = RunningCommand::start(&fleet, &BACKUP);
    wait(&fleet, "", "held", "1");
    kill_runner(&fleet);
    follower.end().exits(21);
    let id = task(&fleet);
    assert_eq!(state_of(&fleet, &id), "runner_gone");
    release(&fleet, "ALTER SYSTEM BACKUP");
    fleet.run(&["retry", &id]).exits(0);
    assert_eq!(fleet.starts().len(), 1);
}
