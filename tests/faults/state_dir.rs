//! Tests of the files that tasks leave on this host: private permissions, an audit entry before every action, and no action that
//! could not be audited first.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::damage::without_room;
use crate::fixtures::{
    RunningCommand, events, hold, journals, kill_runner, newest_events, release, runs_step, serve_quick, summary, task,
    wait,
};
use crate::fleet::{DemoFleet, OBNOW};

const BACKUP: [&str; 6] = ["backup", "demo/pay", "--mode", "full", "--yes", "--json"];

fn walk(folder: &Path) -> Vec<PathBuf> {
    let mut all = vec![folder.to_owned()];
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { all.extend(walk(&path)) } else { all.push(path) }
    }
    all
}

#[test]
fn everything_is_private() {
    let fleet = serve_quick("no-destination");
    hold(&fleet, "ALTER SYSTEM BACKUP", true, false);
    let face = RunningCommand::start(&fleet, &BACKUP);
    wait(&fleet, "", "held", "1");
    let id = task(&fleet);
    fleet.run(&["cancel", &id, "--yes"]);
    let check = |when: &str| {
        for path in walk(&fleet.state()) {
            let mode = std::fs::metadata(&path).unwrap().permissions().mode() & 0o7777;
            let private = if path.is_dir() { 0o700 } else { 0o600 };
            assert_eq!(mode, private, "{when}: {} is {mode:04o}", path.display());
        }
    };
    check("under way");
    release(&fleet, "ALTER SYSTEM BACKUP");
    face.end();
    check("after its end");
}

/// Every statement that reached the server stands in the audit trail, in the same order, and from before.
#[test]
fn the_audit_trail_is_what_the_server_received() {
    let fleet = serve_quick("no-destination");
    fleet.json(&BACKUP[..5]).exits(0);
    fleet.json(&["backup", "demo/pay", "--mode", "incremental", "--yes"]).exits(0);
    let audit = std::fs::read_to_string(fleet.state().join("audit.jsonl")).unwrap();
    let audit: Vec<Value> = audit.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    // What shows the answer of a look at the storage is no ALTER SYSTEM, which is all that the fleet keeps.
    let shows = |line: &Value| line["statement"] == "SHOW RESTORE PREVIEW";
    assert_eq!(audit.iter().filter(|line| shows(line)).count(), fleet.previews().len());
    let audit: Vec<Value> = audit.into_iter().filter(|line| !shows(line)).collect();
    let received = fleet.ask(&obnow::demo::control::ControlRequest::Statements);
    let received = received.as_array().unwrap();
    assert_eq!(audit.len(), received.len());
    for (line, statement) in audit.iter().zip(received) {
        assert_eq!(line["statement"].as_str().unwrap().replace('`', "'"), statement["text"].as_str().unwrap());
        let written: jiff::Timestamp = line["at"].as_str().unwrap().parse().unwrap();
        assert!(written.as_microsecond() <= statement["at"].as_i64().unwrap(), "{line}\n{statement}");
        for field in ["task", "target", "who", "host", "action"] {
            assert!(!line[field].as_str().unwrap().is_empty(), "{field} of {line}");
        }
    }
}

#[test]
fn a_state_directory_that_cannot_be_written_starts_nothing() {
    let fleet = DemoFleet::serve("healthy");
    let file = fleet.folder().join("a-file");
    std::fs::write(&file, "").unwrap();
    for state in [Path::new("/proc/obnow"), file.as_path()] {
        let mut face = Command::new(OBNOW);
        face.args(&BACKUP[..5]).arg("--config").arg(fleet.config()).arg("--state").arg(state);
        let face = face.output().unwrap();
        let said = String::from_utf8_lossy(&face.stderr).into_owned();
        assert_eq!(face.status.code(), Some(1), "{said}");
        assert!(said.contains(&state.display().to_string()) && said.contains("Next:"), "{said}");
        assert!(!said.contains("panicked"), "{said}");
    }
    assert!(fleet.statements().is_empty());
}

/// One that others may write into is refused: they could plant a task.
#[test]
fn a_state_directory_of_everybody_is_refused() {
    let fleet = DemoFleet::serve("healthy");
    std::fs::create_dir_all(fleet.state()).unwrap();
    std::fs::set_permissions(fleet.state(), std::fs::Permissions::from_mode(0o777)).unwrap();
    let refused = fleet.run(&BACKUP[..5]).exits(1);
    assert!(refused.err.contains("chmod 700"), "{}", refused.err);
    assert!(fleet.statements().is_empty());
}

/// A limit on the file size stands for a full disk, at every kilobyte that a task writes.
#[test]
fn what_cannot_be_written_down_is_not_done() {
    let fleet = serve_quick("healthy");
    let first = fleet.command(&BACKUP[..5]).env("USER", "u").output().unwrap();
    assert_eq!(first.status.code(), Some(0));
    let whole = std::fs::read_to_string(&journals(&fleet)[0]).unwrap();
    // In the blocks of 512 bytes that this limit counts in; every one of them around the start itself.
    let blocks = |bytes: usize| u64::try_from(bytes / 512).unwrap();
    let before_the_start = whole.find("\"intent\"").unwrap();
    // The name of who starts it is in the journal: with a longer one a block ends in the middle of the intent.
    let name = "u".repeat(1 + 512 - (before_the_start + 100) % 512);
    let middle = blocks(before_the_start + 100 + name.len() - 1);
    let near = middle - 1..middle + 2;
    let coarse = |step| (1..blocks(whole.len())).step_by(step);
    let (mut stopped, mut cut_in_the_intent) = (0, false);
    let limits: [(bool, BTreeSet<u64>); 2] = [(false, coarse(5).chain(near).collect()), (true, coarse(9).collect())];
    for (kills, limits) in limits {
        for blocks in limits {
            let state = tempfile::tempdir().unwrap();
            let before = fleet.starts().len();
            let mut face = without_room(blocks, kills, &BACKUP[..5]);
            let face = face.env("USER", &name).arg("--config").arg(fleet.config()).arg("--state").arg(state.path());
            let face = face.output().unwrap();
            let said = String::from_utf8_lossy(&face.stderr).into_owned();
            let what = format!("killed: {kills}, {blocks} blocks: {:?}\n{said}", face.status);
            assert!(matches!(face.status.code(), Some(1 | 15 | 21)), "{what}");
            assert!(said.contains("Next:") && !said.contains("panicked"), "{what}");
            stopped += 1;
            let tasks = std::fs::read_dir(state.path().join("tasks")).into_iter().flatten();
            let journal = tasks.map(|entry| entry.unwrap().path()).find(|path| path.extension().unwrap() == "jsonl");
            let written = journal.as_ref().map(events).unwrap_or_default();
            cut_in_the_intent |= started_in(&written) && !written.iter().any(|event| event["event"] == "intent");
            let intent = written.iter().any(|event| event["event"] == "intent" && event["step"] == "start_backup");
            let started = fleet.starts().len() - before;
            assert!(started == 0 || (intent && started == 1), "{what}{started} started\n{}", summary(&written));
            if face.status.code() != Some(21) {
                assert_eq!(started, 0, "{what}");
            }
            if face.status.code() == Some(15) {
                assert!(said.contains("nothing was started") || said.contains("no backup was started"), "{what}");
            } else if face.status.code() == Some(21) && !kills {
                assert!(said.contains("append to the journal") || said.contains("audit trail"), "{what}");
            }
            // With room again, it goes on: to one backup, however far it had come.
            if written.iter().any(|event| event["event"] == "created") {
                let id = journal.unwrap().file_stem().unwrap().to_str().unwrap().to_owned();
                let mut retry = Command::new(OBNOW);
                retry.args(["retry", &id, "--config"]).arg(fleet.config()).arg("--state").arg(state.path());
                let retry = retry.output().unwrap();
                assert_eq!(retry.status.code(), Some(0), "{what}{}", String::from_utf8_lossy(&retry.stderr));
                assert_eq!(fleet.starts().len(), before + 1, "{what}");
            }
        }
    }
    assert!(stopped > 4, "the limit never fell into a task");
    assert!(cut_in_the_intent, "the limit never fell into the intent to start");
}

/// Returns whether the step that starts the backup was started.
fn started_in(events: &[Value]) -> bool {
    events.iter().any(|event| runs_step(event, "start_backup"))
}

/// A partial line of a killed writer is ignored, and the next writer removes it.
#[test]
fn a_torn_last_line_is_healed() {
    let fleet = serve_quick("healthy");
    hold(&fleet, "ALTER SYSTEM BACKUP", true, false);
    let follower = RunningCommand::start(&fleet, &BACKUP);
    wait(&fleet, "", "held", "1");
    kill_runner(&fleet);
    follower.end().exits(21);
    release(&fleet, "ALTER SYSTEM BACKUP");
    let path = journals(&fleet).pop().unwrap();
    let whole = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, format!("{whole}{{\"at\":\"2026-11-20T10:06:37Z\",\"event\":{{\"event\":\"answ")).unwrap();
    let id = task(&fleet);
    fleet.json(&["tasks"]).exits(0);
    fleet.json(&["watch", &id]).exits(21);
    fleet.json(&["retry", &id]).exits(0);
    let healed = std::fs::read_to_string(&path).unwrap();
    assert!(healed.starts_with(&whole) && !healed.contains("\"answ\n"));
    assert!(healed.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()));
    assert_eq!(fleet.starts().len(), 1);
}

/// What a newer obnow wrote is shown unchanged, and kept.
#[test]
fn an_unknown_event_is_kept_and_shown() {
    let fleet = serve_quick("healthy");
    let id = fleet.json(&BACKUP[..5]).exits(0).task();
    let path = journals(&fleet).pop().unwrap();
    let mut lines: Vec<String> = std::fs::read_to_string(&path).unwrap().lines().map(str::to_owned).collect();
    let unknown = json!({"at": "2026-11-20T10:06:37Z", "event": {"event": "teleported", "to": "the \u{1b}[31mmoon"}});
    lines.insert(4, unknown.to_string());
    lines.insert(5, "not even json".to_owned());
    let text = lines.join("\n") + "\n";
    std::fs::write(&path, &text).unwrap();
    let watched = fleet.run(&["watch", &id]).exits(0);
    assert!(watched.out.contains("teleported") && watched.out.contains("not even json"), "{}", watched.out);
    assert!(!watched.out.contains('\u{1b}'), "{:?}", watched.out);
    let shown = fleet.json(&["watch", &id]).exits(0).of_kind("unknown");
    assert_eq!(shown.len(), 2, "{shown:?}");
    assert_eq!(shown[0]["entry"]["to"], "the \u{1b}[31mmoon");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
}

/// A journal that is empty, of another task, or of a newer format affects no other task.
#[test]
fn a_strange_journal_is_named_and_harms_no_other() {
    let fleet = serve_quick("healthy");
    let id = fleet.json(&BACKUP[..5]).exits(0).task();
    let tasks = fleet.state().join("tasks");
    let write = |id: &str, text: &str| std::fs::write(tasks.join(format!("{id}.jsonl")), text).unwrap();
    write("1QJ45Y2V0ZZ1", "");
    write("1QJ45Y2V0ZZ2", "{\"obnow_journal\":1,\"task\":\"1QJ45Y2V0ZZ2\",\"at\":\"2026-11-20T10:06:37Z\"}\n");
    write("1QJ45Y2V0ZZ3", "{\"obnow_journal\":99,\"task\":\"1QJ45Y2V0ZZ3\",\"at\":\"2026-11-20T10:06:37Z\"}\n");
    write("1QJ45Y2V0ZZ4", "\u{0}\u{0}\u{0}\n");
    write("1QJ45Y2V0ZZ5", "{\"obnow_journal\":1,\"task\":\"1QJ45Y2V0ZZ2\",\"at\":\"2026-11-20T10:06:37Z\"}\n");
    let listed = fleet.json(&["tasks"]).exits(0);
    let names: Vec<Value> = listed.of_kind("task").into_iter().map(|mut event| event["task"].take()).collect();
    assert_eq!(names, [json!(id)]);
    assert_eq!(listed.of_kind("fault").len(), 3, "{}", listed.out);
    for strange in 1..=5 {
        let refused = fleet.run(&["retry", &format!("1QJ45Y2V0ZZ{strange}")]).exits(1);
        assert!(refused.err.contains("Next:") && !refused.err.contains("panicked"), "{}", refused.err);
    }
    fleet.json(&["watch", "demo/pay"]).exits(0);
    assert_eq!(newest_events(&fleet).len(), 0);
}
