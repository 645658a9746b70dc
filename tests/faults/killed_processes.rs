//! Tests that killing obnow at any time never starts a second backup and never stops the first, and that watching again shows
//! the same result.

use std::process::{Command, Stdio};

use obnow::demo::control::ControlRequest;
use rustix::process::Signal;

use crate::fixtures::{
    RunningCommand, current_step, hold, is_alive, journal_until, journals, kill, kill_runner, newest_events, release,
    runner, runs_step, serve_quick, state_of, step_until, summary, task, until, wait,
};
use crate::fleet::{CommandResult, DemoFleet};

const BACKUP: [&str; 6] = ["backup", "demo/pay", "--mode", "full", "--yes", "--json"];

/// After a kill: the follower and the list report that the runner has exited, and Retry leads to a backup that can be restored,
/// having started exactly one.
#[track_caller]
fn gone_then_restorable(fleet: &DemoFleet, follower: RunningCommand) -> CommandResult {
    let id = task(fleet);
    let left = follower.end().exits(21);
    let said = left.of_kind("fault").pop().unwrap_or_else(|| panic!("no fault\n{}", left.out));
    assert!(said["what"].as_str().unwrap().contains("is gone"), "{said}");
    assert!(said["next"].as_str().unwrap().contains(&format!("obnow retry {id}")), "{said}");
    assert_eq!(state_of(fleet, &id), "runner_gone");
    let retried = fleet.json(&["retry", &id]).exits(0);
    restorable_by_one(fleet, &retried);
    retried
}

#[track_caller]
fn restorable_by_one(fleet: &DemoFleet, ran: &CommandResult) {
    assert_eq!(ran.verdict("demo/pay")["verdict"], "restorable");
    assert_eq!(fleet.starts().len(), 1, "{:#?}\n{}", fleet.starts(), summary(&newest_events(fleet)));
    assert_eq!(state_of(fleet, &task(fleet)), "done");
    // The truth for whoever comes later is the same.
    let watched = fleet.json(&["watch", "demo/pay"]).exits(0);
    assert_eq!(watched.verdict("demo/pay"), ran.verdict("demo/pay"));
}

/// Kills the runner when the journal says that this step runs and the server has not answered its first question.
fn killed_in(step: &str) {
    let fleet = serve_quick("no-destination");
    hold(&fleet, "", true, false);
    let follower = RunningCommand::start(&fleet, &BACKUP);
    step_until(&fleet, step, || current_step(&fleet).as_deref() == Some(step));
    kill_runner(&fleet);
    release(&fleet, "");
    let started = fleet.starts().len();
    gone_then_restorable(&fleet, follower);
    let refuted = newest_events(&fleet).iter().any(|event| event["event"] == "not_started");
    assert!(!refuted, "{started} were started, and the journal says that none was");
}

#[test]
fn in_check_target() {
    killed_in("check_target");
}

#[test]
fn in_check_if_ready() {
    killed_in("check_ready");
}

#[test]
fn in_set_backup_destination() {
    killed_in("set_destination");
}

#[test]
fn in_start_log_archiving() {
    killed_in("start_archiving");
}

#[test]
fn in_start_data_backup_before_anything_was_sent() {
    killed_in("start_backup");
}

#[test]
fn in_wait_for_data_backup() {
    killed_in("wait_for_backup");
}

#[test]
fn in_confirm_restorable() {
    killed_in("confirm_restorable");
}

/// The compaction step asks the server nothing on this line. A kill between two lines of the journal leaves the lines
/// before it, which is what is left here.
#[test]
fn in_start_cluster_compact() {
    let fleet = serve_quick("no-destination");
    hold(&fleet, "", true, false);
    let follower = RunningCommand::start(&fleet, &BACKUP);
    step_until(&fleet, "start_backup", || current_step(&fleet).as_deref() == Some("start_backup"));
    kill_runner(&fleet);
    let path = journals(&fleet).pop().unwrap();
    let whole = std::fs::read_to_string(&path).unwrap();
    let is_compact = |line: &&str| line.contains("\"step\":\"compact\"") && line.contains("\"state\":\"running\"");
    let end = whole.lines().position(|line| is_compact(&line)).unwrap();
    follower.end().exits(21);
    let kept: Vec<&str> = whole.lines().take(end + 1).collect();
    std::fs::write(&path, kept.join("\n") + "\n").unwrap();
    release(&fleet, "");
    let id = task(&fleet);
    assert_eq!(state_of(&fleet, &id), "runner_gone");
    let retried = fleet.json(&["retry", &id]).exits(0);
    restorable_by_one(&fleet, &retried);
}

/// Kills the runner while a statement of its own is in the server's hands.
fn killed_at(prefix: &str, applied: bool, lingers: bool) -> (DemoFleet, RunningCommand) {
    let fleet = serve_quick("no-destination");
    hold(&fleet, prefix, applied, lingers);
    let follower = RunningCommand::start(&fleet, &BACKUP);
    wait(&fleet, "", "held", "1");
    let last = newest_events(&fleet).pop().unwrap();
    assert_eq!(last["event"], "intent", "a statement was sent before its intent was written:\n{last}");
    assert!(last["statements"][0].as_str().unwrap().starts_with(prefix), "{last}");
    let audit = std::fs::read_to_string(fleet.state().join("audit.jsonl")).unwrap();
    assert!(audit.lines().last().unwrap().contains(prefix), "the audit trail does not end with it:\n{audit}");
    kill_runner(&fleet);
    (fleet, follower)
}

#[test]
fn between_a_setting_and_its_answer() {
    for (prefix, applied) in [("ALTER SYSTEM SET DATA_BACKUP_DEST", true), ("ALTER SYSTEM SET LOG_ARCHIVE", false)] {
        let (fleet, follower) = killed_at(prefix, applied, false);
        release(&fleet, prefix);
        gone_then_restorable(&fleet, follower);
    }
}

#[test]
fn between_archivelog_and_its_answer() {
    for applied in [true, false] {
        let (fleet, follower) = killed_at("ALTER SYSTEM ARCHIVELOG", applied, false);
        release(&fleet, "ALTER SYSTEM ARCHIVELOG");
        gone_then_restorable(&fleet, follower);
    }
}

/// The backup was started and its reply was lost: it is found by its description, and nothing more is sent.
#[test]
fn killed_before_the_reply_of_an_applied_start() {
    let (fleet, follower) = killed_at("ALTER SYSTEM BACKUP", true, false);
    release(&fleet, "ALTER SYSTEM BACKUP");
    assert_eq!(fleet.starts().len(), 1);
    gone_then_restorable(&fleet, follower);
    let events = newest_events(&fleet);
    assert!(!events.iter().any(|event| event["event"] == "not_started"), "{}", summary(&events));
    let attempts: Vec<u64> = intents(&events).iter().map(|event| event["attempt"].as_u64().unwrap()).collect();
    assert_eq!(attempts, [1], "the second attempt sent something");
}

fn intents(events: &[serde_json::Value]) -> Vec<&serde_json::Value> {
    events.iter().filter(|event| event["event"] == "intent" && event["step"] == "start_backup").collect()
}

/// The backup was not started: its connection is proven closed, and the second attempt sends its own statement.
#[test]
fn killed_before_the_reply_of_an_unapplied_start() {
    let (fleet, follower) = killed_at("ALTER SYSTEM BACKUP", false, false);
    release(&fleet, "ALTER SYSTEM BACKUP");
    assert_eq!(fleet.starts().len(), 0);
    gone_then_restorable(&fleet, follower);
    let events = newest_events(&fleet);
    let proof = events.iter().find(|event| event["event"] == "not_started").unwrap();
    assert!(proof["proof"].as_str().unwrap().contains("connection that sent it is gone"), "{proof}");
    assert!(fleet.starts()[0].ends_with(".2'"), "{:?}", fleet.starts());
}

/// The server still executes the statement although its client is dead: it is not proven that nothing was started.
#[test]
fn killed_while_the_server_executes_the_start() {
    let (fleet, follower) = killed_at("ALTER SYSTEM BACKUP", false, true);
    follower.end().exits(21);
    assert_eq!(fleet.starts().len(), 0);
    let retry = RunningCommand::start(&fleet, &["retry", &task(&fleet), "--json"]);
    journal_until(&fleet, "that nobody knows", |event| {
        event["event"] == "waiting" && event["what"].as_str().unwrap().starts_with("whether ")
    });
    release(&fleet, "ALTER SYSTEM BACKUP");
    let retried = retry.end().exits(0);
    restorable_by_one(&fleet, &retried);
    assert!(!newest_events(&fleet).iter().any(|event| event["event"] == "not_started"));
}

/// The job continues by itself, and Retry only observes it.
#[test]
fn while_the_job_goes_on() {
    let fleet = serve_quick("healthy");
    fleet.ask(&ControlRequest::HoldPhase { cluster: None, tenant: "pay".into(), phase: "BACKUP_DATA_MINOR".into() });
    let follower = RunningCommand::start(&fleet, &BACKUP);
    wait(&fleet, "pay", "task", "BACKUP_DATA_MINOR");
    journal_until(&fleet, "the wait", |event| runs_step(event, "wait_for_backup"));
    kill_runner(&fleet);
    fleet.ask(&ControlRequest::ReleasePhase { cluster: None, tenant: "pay".into(), phase: "BACKUP_DATA_MINOR".into() });
    wait(&fleet, "pay", "history", "COMPLETED");
    gone_then_restorable(&fleet, follower);
}

/// Several kills in a row, wherever they fall: still one backup.
#[test]
fn again_and_again() {
    let fleet = serve_quick("no-destination");
    hold(&fleet, "", true, false);
    let mut follower = RunningCommand::start(&fleet, &BACKUP);
    let mut id = String::new();
    for step in ["set_destination", "start_archiving", "start_backup", "wait_for_backup", "confirm_restorable"] {
        step_until(&fleet, step, || current_step(&fleet).as_deref() == Some(step));
        id = task(&fleet);
        kill_runner(&fleet);
        follower.end().exits(21);
        follower = RunningCommand::start(&fleet, &["retry", &id, "--json"]);
        until("the next runner", || {
            let starts = newest_events(&fleet).iter().filter(|event| event["event"] == "runner_started").count();
            let dead = !is_alive(runner(&fleet));
            if dead { Err(format!("{starts} runners")) } else { Ok(()) }
        });
    }
    release(&fleet, "");
    let ran = follower.end().exits(0);
    assert_eq!(state_of(&fleet, &id), "done");
    restorable_by_one(&fleet, &ran);
}

/// The face is disposable.
#[test]
fn the_face_and_its_session() {
    for signal in [Signal::KILL, Signal::TERM, Signal::HUP, Signal::INT] {
        let fleet = serve_quick("healthy");
        fleet.ask(&ControlRequest::HoldPhase {
            cluster: None,
            tenant: "pay".into(),
            phase: "BACKUP_DATA_MINOR".into(),
        });
        let plain = fleet.command(&BACKUP);
        // Where the tests run under `nohup` a face would inherit that SIGHUP is ignored, and rightly live on.
        let mut command = Command::new("env");
        command.arg("--default-signal=HUP").arg(plain.get_program()).args(plain.get_args()).stdin(Stdio::null());
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut face = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        wait(&fleet, "pay", "task", "BACKUP_DATA_MINOR");
        let pid = runner(&fleet);
        assert_ne!(session(pid), session(face.id()), "the runner is in the session of its face");
        let group = rustix::process::Pid::from_raw(i32::try_from(face.id()).unwrap()).unwrap();
        rustix::process::kill_process_group(group, signal).unwrap();
        let code = ends(&mut face);
        assert_eq!(code, (signal == Signal::INT).then_some(130), "after {signal:?}");
        assert!(is_alive(pid), "{signal:?} to the face ended the runner");
        let id = task(&fleet);
        assert_eq!(state_of(&fleet, &id), "running");
        let watch = RunningCommand::start(&fleet, &["watch", &id, "--json"]);
        fleet.ask(&ControlRequest::ReleasePhase {
            cluster: None,
            tenant: "pay".into(),
            phase: "BACKUP_DATA_MINOR".into(),
        });
        let watched = watch.end().exits(0);
        restorable_by_one(&fleet, &watched);
    }
}

/// Waits for the end of a process: its exit code, or none where a signal ended it.
#[track_caller]
fn ends(child: &mut std::process::Child) -> Option<i32> {
    until("its end", || child.try_wait().unwrap().ok_or_else(|| format!("{} runs", child.id()))).code()
}

/// Ctrl-C leaves a follower, also when it comes while that waits for its reader in the middle of what it prints.
#[test]
fn ctrl_c_to_a_face_whose_reader_is_slow() {
    let fleet = serve_quick("healthy");
    fleet.ask(&ControlRequest::HoldPhase { cluster: None, tenant: "pay".into(), phase: "BACKUP_DATA_MINOR".into() });
    let id = fleet.json(&["backup", "demo/pay", "--mode", "full", "--yes", "--detach"]).exits(0).task();
    wait(&fleet, "pay", "task", "BACKUP_DATA_MINOR");
    journal_until(&fleet, "the wait", |event| runs_step(event, "wait_for_backup"));
    let watch =
        |out: Stdio| fleet.command(&["watch", &id, "--json"]).stdout(out).stderr(Stdio::null()).spawn().unwrap();
    // The first two lines that it prints, by another one: it listens for Ctrl-C before the second.
    let mut serve_quick = watch(Stdio::piped());
    let lines = std::io::BufRead::lines(std::io::BufReader::new(serve_quick.stdout.take().unwrap()));
    let two: usize = lines.take(2).map(|line| line.unwrap().len() + 1).sum();
    kill(serve_quick.id(), Signal::KILL);
    serve_quick.wait().unwrap();
    // A pipe that has room for them, and not for the third.
    let (mut out, mut filled) = std::io::pipe().unwrap();
    let size = rustix::pipe::fcntl_setpipe_size(&out, 4096).unwrap();
    std::io::Write::write_all(&mut filled, &vec![b'\n'; size - two]).unwrap();
    let mut face = watch(filled.into());
    until("a follower that waits for its reader", || {
        let held = rustix::io::ioctl_fionread(&out).unwrap();
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", face.id())).unwrap();
        let sleeps = stat.rsplit_once(") ").unwrap().1.starts_with('S');
        if held == size as u64 && sleeps { Ok(()) } else { Err(format!("{held} of {size} bytes, {stat}")) }
    });
    kill(face.id(), Signal::INT);
    let drain = std::thread::spawn(move || std::io::copy(&mut out, &mut std::io::sink()));
    assert_eq!(ends(&mut face), Some(130));
    drain.join().unwrap().unwrap();
    fleet.ask(&ControlRequest::ReleasePhase { cluster: None, tenant: "pay".into(), phase: "BACKUP_DATA_MINOR".into() });
    fleet.json(&["watch", &id]).exits(0);
}

fn session(pid: u32) -> String {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    // pid (name) state ppid pgrp session
    stat.rsplit_once(") ").unwrap().1.split(' ').nth(3).unwrap().to_owned()
}

/// A live runner is not replaced.
#[test]
fn retry_of_a_task_that_runs_is_refused() {
    let fleet = serve_quick("healthy");
    fleet.ask(&ControlRequest::HoldPhase { cluster: None, tenant: "pay".into(), phase: "BACKUP_DATA_MINOR".into() });
    let follower = RunningCommand::start(&fleet, &BACKUP);
    wait(&fleet, "pay", "task", "BACKUP_DATA_MINOR");
    let id = task(&fleet);
    let refused = fleet.run(&["retry", &id]).exits(11);
    assert!(refused.err.contains(&id), "{}", refused.err);
    fleet.ask(&ControlRequest::ReleasePhase { cluster: None, tenant: "pay".into(), phase: "BACKUP_DATA_MINOR".into() });
    restorable_by_one(&fleet, &follower.end().exits(0));
    // And one that is done has nothing to go on with.
    fleet.run(&["retry", &id]).exits(1);
    assert_eq!(newest_events(&fleet).iter().filter(|event| event["event"] == "runner_started").count(), 1);
}
