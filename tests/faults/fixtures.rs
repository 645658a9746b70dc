//! Fixtures for a running task: its journal, its runner, its follower, and waits with a deadline that print the last state.

use std::path::PathBuf;

use obnow::demo::control::ControlRequest;
use serde_json::Value;

use crate::fleet::{DEADLINE, DemoFleet};
pub use crate::fleet::{RunningCommand, until};

/// Serves a fleet whose runners count as exited after less than a second without a heartbeat.
pub fn serve_quick(scenario: &str) -> DemoFleet {
    let fleet = DemoFleet::serve(scenario);
    let config = std::fs::read_to_string(fleet.config()).unwrap();
    let serve_quick = config.replace("heartbeat: 1s", "heartbeat: 300ms");
    assert_ne!(config, serve_quick, "the inventory of a fleet has another heartbeat");
    std::fs::write(fleet.config(), serve_quick).unwrap();
    fleet
}

/// The journals of a fleet's tasks, the oldest first.
pub fn journals(fleet: &DemoFleet) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(fleet.state().join("tasks")) else { return Vec::new() };
    let paths = entries.map(|entry| entry.unwrap().path());
    let mut paths: Vec<PathBuf> = paths.filter(|path| path.extension().is_some_and(|end| end == "jsonl")).collect();
    paths.sort();
    paths
}

/// The whole lines of a journal behind its header: the events as they are written.
pub fn events(journal: &PathBuf) -> Vec<Value> {
    let text = std::fs::read_to_string(journal).unwrap_or_default();
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    whole.lines().skip(1).map(|line| serde_json::from_str::<Value>(line).unwrap()["event"].take()).collect()
}

/// The events of the newest task; none where there is none yet.
pub fn newest_events(fleet: &DemoFleet) -> Vec<Value> {
    journals(fleet).last().map(events).unwrap_or_default()
}

/// The id of the newest task.
#[track_caller]
pub fn task(fleet: &DemoFleet) -> String {
    until("a task", || {
        let journals = journals(fleet);
        let name = journals.last().and_then(|path| path.file_stem()).map(|name| name.to_str().unwrap().to_owned());
        name.ok_or_else(|| "no journal".to_owned())
    })
}

/// Waits for an event of the newest task.
#[track_caller]
pub fn journal_until(fleet: &DemoFleet, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    until(&format!("{what} in the journal"), || {
        let events = newest_events(fleet);
        events.iter().rfind(|event| wanted(event)).cloned().ok_or_else(|| summary(&events))
    })
}

/// Events in one line each.
pub fn summary(events: &[Value]) -> String {
    let line = |event: &Value| {
        let words = ["event", "step", "state", "what", "detail", "reason"];
        words.iter().filter_map(|word| event[*word].as_str()).collect::<Vec<_>>().join(" ")
    };
    events.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Returns whether an event says that this step runs.
pub fn runs_step(event: &Value, step: &str) -> bool {
    event["event"] == "step" && event["step"] == step && event["state"] == "running"
}

/// The step that the newest task is in.
pub fn current_step(fleet: &DemoFleet) -> Option<String> {
    let last = newest_events(fleet).into_iter().rfind(|event| event["event"] == "step")?;
    (last["state"] == "running").then(|| last["step"].as_str().unwrap().to_owned())
}

/// The runner of the newest task.
#[track_caller]
pub fn runner(fleet: &DemoFleet) -> u32 {
    let started = journal_until(fleet, "runner_started", |event| event["event"] == "runner_started");
    u32::try_from(started["pid"].as_u64().unwrap()).unwrap()
}

/// Returns whether the process is alive and not a zombie.
pub fn is_alive(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat.rsplit_once(") ").and_then(|(_, rest)| rest.chars().next());
    state.is_some_and(|state| !matches!(state, 'Z' | 'X'))
}

/// `kill -9` of the runner of the newest task; when this returns it is dead, and its servers know.
#[track_caller]
pub fn kill_runner(fleet: &DemoFleet) -> u32 {
    let pid = runner(fleet);
    let said = std::fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    assert!(said.contains("run-task") && said.contains(&task(fleet)), "process {pid} is no runner: {said:?}");
    kill(pid, rustix::process::Signal::KILL);
    until("the end of the runner", || if is_alive(pid) { Err(format!("{pid} lives")) } else { Ok(()) });
    nobody_is_connected(fleet);
    pid
}

/// Waits until the servers have seen that their clients are gone: a statement that is let go before that is carried out.
/// What lingers stays, without its client.
#[track_caller]
fn nobody_is_connected(fleet: &DemoFleet) {
    until("the servers to see that their clients are gone", || {
        let state = fleet.ask(&ControlRequest::State);
        let held = state["held"].as_array().unwrap();
        let left_behind = |client: &&Value| {
            held.iter().any(|held| {
                let same = held["connection"] == client["id"] && held["endpoint"] == client["endpoint"];
                same && held["orphaned"] == true
            })
        };
        let there: Vec<&Value> =
            state["connections"].as_array().unwrap().iter().filter(|client| !left_behind(client)).collect();
        if there.is_empty() { Ok(()) } else { Err(format!("{there:?}")) }
    });
}

/// Sends a signal to one process.
pub fn kill(pid: u32, signal: rustix::process::Signal) {
    let pid = rustix::process::Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    rustix::process::kill_process(pid, signal).unwrap();
}

/// Waits for a state of the fleet.
#[track_caller]
pub fn wait(fleet: &DemoFleet, tenant: &str, what: &str, is: &str) {
    let tenant = (!tenant.is_empty()).then(|| tenant.to_owned());
    let within_ms = u64::try_from(DEADLINE.as_millis()).unwrap();
    fleet.ask(&ControlRequest::Wait { cluster: None, tenant, what: what.to_owned(), is: is.to_owned(), within_ms });
}

/// Holds statements of the fleet.
pub fn hold(fleet: &DemoFleet, prefix: &str, applied: bool, lingers: bool) {
    fleet.ask(&ControlRequest::HoldReply { prefix: prefix.to_owned(), applied, lingers });
}

/// Lets them go on.
pub fn release(fleet: &DemoFleet, prefix: &str) {
    fleet.ask(&ControlRequest::ReleaseReply { prefix: prefix.to_owned() });
}

/// Lets one statement after the other pass, from the command's first to the moment at which `reached` holds and a
/// statement of the runner waits for its answer.
#[track_caller]
pub fn step_until(fleet: &DemoFleet, what: &str, reached: impl Fn() -> bool) {
    until(what, || {
        let asked = ControlRequest::Wait {
            cluster: None,
            tenant: None,
            what: "held".to_owned(),
            is: "1".to_owned(),
            within_ms: u64::try_from(DEADLINE.as_millis()).unwrap(),
        };
        fleet.ask(&asked);
        if reached() {
            return Ok(());
        }
        fleet.ask(&ControlRequest::PassReply { prefix: String::new() });
        Err(summary(&newest_events(fleet)))
    });
}

/// Returns the outcomes of the BACKUP statements that reached the fleet.
pub fn outcomes(fleet: &DemoFleet) -> Vec<String> {
    let reply = fleet.ask(&ControlRequest::Statements);
    let all = reply.as_array().unwrap().iter();
    let starts = all.filter(|entry| entry["text"].as_str().unwrap().starts_with("ALTER SYSTEM BACKUP "));
    starts.map(|entry| entry["outcome"].as_str().unwrap().to_owned()).collect()
}

/// The state of a task as `tasks` shows it.
#[track_caller]
pub fn state_of(fleet: &DemoFleet, task: &str) -> String {
    let tasks = fleet.json(&["tasks"]).exits(0).of_kind("task");
    let own = tasks.iter().find(|event| event["task"] == task).unwrap_or_else(|| panic!("{task} is not in {tasks:?}"));
    own["state"].as_str().unwrap().to_owned()
}
