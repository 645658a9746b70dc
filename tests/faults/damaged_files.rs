//! Tests of damaged journals and special files: the damage is named by its line, and nothing is started a second time.

use std::os::unix::fs::PermissionsExt;

use obnow::demo::control::ControlRequest;
use serde_json::json;

use crate::damage::{begun_at, break_line, directory, fifo, into_the_future, line_with, without_room};
use crate::fixtures::{RunningCommand, hold, journals, kill_runner, release, serve_quick, state_of, task, wait};
use crate::fleet::{CommandResult, DemoFleet};

const BACKUP: [&str; 5] = ["backup", "demo/pay", "--mode", "full", "--yes"];

#[test]
fn unreadable_start_event_is_named_by_its_line() {
    let fleet = serve_quick("healthy");
    let id = fleet.json(&BACKUP).exits(0).task();
    let path = journals(&fleet).pop().unwrap();
    break_line(&path, 2);
    let what = format!("The journal of task {id} is damaged at line 2.");
    let listed = fleet.json(&["tasks"]).exits(0);
    assert_eq!(listed.of_kind("task")[0]["state"], "unknown", "{}", listed.out);
    assert_eq!(listed.fault()[0], what);
    for args in [["watch", &id], ["retry", &id]] {
        let ran = fleet.json(&args).exits(21);
        let [said, why, next] = ran.fault();
        assert_eq!(said, what);
        assert!(why.contains("statements were about to be sent"), "{why}");
        assert!(next.contains("obnow targets") && !next.contains("anew with"), "{next}");
    }
    fleet.run(&["cancel", &id, "--yes"]).exits(21);
    let watched = fleet.json(&["watch", &id]);
    assert_eq!(watched.of_kind("unknown")[0]["line"], json!(2), "{}", watched.out);
    let report = fleet.run(&["report", &id]).exits(0);
    let report = std::fs::read_to_string(report.out.trim()).unwrap();
    assert!(report.contains(&what) && report.contains("line 2 cannot be read"), "{report}");
    assert_eq!(fleet.starts().len(), 1);
}

/// The header is a line like the others.
#[test]
fn a_header_that_cannot_be_read_leaves_the_other_lines() {
    let fleet = serve_quick("healthy");
    let id = fleet.json(&BACKUP).exits(0).task();
    break_line(&journals(&fleet)[0], 1);
    let watched = fleet.json(&["watch", &id]).exits(0);
    assert_eq!(watched.verdict("demo/pay")["verdict"], "restorable");
    assert!(watched.fault()[0].ends_with("is damaged at line 1."), "{:?}", watched.fault());
}

#[test]
fn a_start_that_cannot_be_read_is_not_sent_a_second_time() {
    let fleet = serve_quick("healthy");
    hold(&fleet, "ALTER SYSTEM BACKUP", true, false);
    let follower = RunningCommand::start(&fleet, &BACKUP);
    wait(&fleet, "", "held", "1");
    kill_runner(&fleet);
    follower.end().exits(21);
    release(&fleet, "ALTER SYSTEM BACKUP");
    let id = task(&fleet);
    let path = journals(&fleet).pop().unwrap();
    let line = line_with(&path, "\"event\":\"intent\"");
    break_line(&path, line);
    let refused = fleet.json(&["retry", &id]).exits(21);
    let [what, why, _] = refused.fault();
    assert_eq!(what, format!("The journal of task {id} is damaged at line {line}."));
    assert!(why.contains("a second time"), "{why}");
    fleet.run(&["cancel", &id, "--yes"]).exits(21);
    assert_eq!(fleet.starts().len(), 1);
}

#[test]
fn unaudited_statement_is_not_sent() {
    let fleet = serve_quick("healthy");
    directory(&fleet.state().join("audit.jsonl"));
    let ran = fleet.run(&BACKUP).exits(15);
    let said = format!("{}{}", ran.out, ran.err);
    assert!(said.contains("cannot write the audit trail") && said.contains("nothing was started"), "{said}");
    assert!(
        said.contains("What is not in the audit trail is not sent") && !said.contains("The runner is gone"),
        "{said}"
    );
    assert!(!said.contains("goes on;") && !said.contains("server goes on"), "{said}");
    assert_eq!(fleet.statements(), Vec::<String>::new());
    std::fs::remove_dir(fleet.state().join("audit.jsonl")).unwrap();
    fleet.run(&["retry", &task(&fleet)]).exits(0);
    assert_eq!(fleet.starts().len(), 1);
}

/// The backup runs; a cancel that cannot be audited is not sent, and the user is told so.
#[test]
fn a_cancel_that_cannot_be_audited_is_not_sent_and_says_so() {
    let fleet = serve_quick("healthy");
    fleet.ask(&ControlRequest::HoldPhase { cluster: None, tenant: "pay".into(), phase: "BACKUP_DATA_MAJOR".into() });
    let backup = RunningCommand::start(&fleet, &BACKUP);
    fleet.wait("pay", "task", "BACKUP_DATA_MAJOR");
    let (id, trail) = (task(&fleet), fleet.state().join("audit.jsonl"));
    std::fs::rename(&trail, fleet.folder().join("kept")).unwrap();
    directory(&trail);
    let sent = fleet.statements();
    let refused = fleet.json(&["cancel", &id, "--yes"]).exits(1);
    let [what, why, next] = refused.fault();
    assert!(what.contains("cannot write the audit trail"), "{what}");
    assert!(why.ends_with("What is not in the audit trail is not sent: the backup runs on."), "{why}");
    assert!(next.ends_with(&format!("Then cancel again: obnow cancel {id}.")), "{next}");
    assert_eq!(fleet.statements(), sent, "nothing was sent");
    std::fs::remove_dir(&trail).unwrap();
    std::fs::rename(fleet.folder().join("kept"), &trail).unwrap();
    fleet.json(&["cancel", &id, "--yes"]).exits(23);
    backup.end().exits(23);
    let audit = std::fs::read_to_string(&trail).unwrap();
    assert_eq!(audit.matches("CANCEL BACKUP").count(), 1, "{audit}");
}

/// The disk is full before a journal can be created: there is no task, and no failed step.
#[test]
fn runner_refused_before_its_journal_started_nothing() {
    let fleet = serve_quick("healthy");
    let state = tempfile::tempdir().unwrap();
    let mut full = without_room(1, false, &BACKUP);
    let full = full.arg("--config").arg(fleet.config()).arg("--state").arg(state.path()).output().unwrap();
    let full = CommandResult::of(&BACKUP, &full).exits(1);
    assert!(full.err.contains("Nothing was started."), "{}", full.err);
    assert_eq!(fleet.statements(), Vec::<String>::new());
}

/// Room for what was confirmed and a little more: the disk is full before anything is sent.
#[test]
fn a_disk_that_is_full_before_the_start_is_a_failed_step() {
    let fleet = serve_quick("healthy");
    fleet.run(&BACKUP).exits(0);
    let path = journals(&fleet).pop().unwrap();
    let whole = std::fs::read_to_string(&path).unwrap();
    let runs_step = whole.find("runner_started").unwrap();
    let blocks = u64::try_from(runs_step / 512).unwrap() + 1;
    let state = tempfile::tempdir().unwrap();
    let mut full = without_room(blocks, false, &BACKUP);
    let full = full.arg("--config").arg(fleet.config()).arg("--state").arg(state.path()).output().unwrap();
    let full = CommandResult::of(&BACKUP, &full).exits(15);
    assert!(full.err.contains("nothing was started on the server"), "{}", full.err);
    assert_eq!(fleet.starts().len(), 1);
}

#[test]
fn special_files_and_foreign_directories_are_named() {
    let fleet = serve_quick("healthy");
    let id = fleet.json(&BACKUP).exits(0).task();
    let path = journals(&fleet).pop().unwrap();
    let kept = std::fs::read(&path).unwrap();
    let each = |says: &str| {
        for args in [&["watch", &id][..], &["retry", &id], &["report", &id]] {
            let ran = fleet.run(args).exits(1);
            assert!(ran.err.contains(says) && ran.err.contains("Next: "), "{args:?}: {}", ran.err);
        }
        let listed = fleet.run(&["tasks"]);
        assert!(listed.err.contains(says), "{}", listed.err);
    };
    fifo(&path);
    each("It is a FIFO, not an ordinary file.");
    std::fs::remove_file(&path).unwrap();
    let real = fleet.folder().join("real.jsonl");
    std::fs::write(&real, &kept).unwrap();
    std::os::unix::fs::symlink(&real, &path).unwrap();
    each("It is a symbolic link");
    std::fs::remove_file(&path).unwrap();
    std::fs::write(&path, &kept).unwrap();
    let mode =
        |path: &std::path::Path, mode| std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    mode(&path, 0o666);
    each("Others than its owner may write it: its mode is 0666.");
    mode(&path, 0o600);
    // Neither does a FIFO among the locks or in the place of a sign of life hold anybody.
    fifo(&fleet.state().join("tasks").join(format!("{id}.alive")));
    for lock in std::fs::read_dir(fleet.state().join("locks")).unwrap() {
        fifo(&lock.unwrap().path().with_extension("owner"));
    }
    fleet.run(&["watch", &id]).exits(0);
    for part in ["tasks", "locks"] {
        let folder = fleet.state().join(part);
        mode(&folder, 0o777);
        each("Others than its owner may write in it: its mode is 0777.");
        fleet.run(&BACKUP).exits(1);
        mode(&folder, 0o700);
    }
    mode(&fleet.state(), 0o777);
    each("Others than its owner may write in it: its mode is 0777.");
    mode(&fleet.state(), 0o700);
    if rustix::process::geteuid().is_root() {
        std::os::unix::fs::chown(&path, Some(65_534), None).unwrap();
        each("It belongs to the user with the uid 65534, and this is uid 0.");
        std::os::unix::fs::chown(&path, Some(0), None).unwrap();
        std::os::unix::fs::chown(fleet.config(), Some(65_534), None).unwrap();
        let refused = fleet.run(&["targets"]).exits(1);
        assert!(refused.err.contains("It belongs to the user with the uid 65534"), "{}", refused.err);
    }
    assert_eq!(fleet.starts().len(), 1);
}

/// After the clock went back the newest task is the one that runs, and then the one whose job the server began last.
#[test]
fn a_task_of_the_future_is_not_the_newest() {
    let fleet = serve_quick("healthy");
    fleet.json(&BACKUP).exits(0);
    let old = into_the_future(&journals(&fleet)[0]);
    hold(&fleet, "ALTER SYSTEM BACKUP", true, false);
    let face = RunningCommand::start(&fleet, &["backup", "demo/pay", "--mode", "full", "--yes", "--json", "--detach"]);
    let new = face.end().exits(0).task();
    wait(&fleet, "", "held", "1");
    let listed = fleet.json(&["tasks"]).exits(0);
    let ids: Vec<_> = listed.of_kind("task").iter().map(|event| event["task"].clone()).collect();
    assert_eq!(ids, [json!(new), json!(old)]);
    assert!(listed.fault()[0].starts_with(&format!("Task {old} is of the future: ")), "{:?}", listed.fault());
    let watch = RunningCommand::start(&fleet, &["watch", "demo/pay", "--json"]);
    release(&fleet, "ALTER SYSTEM BACKUP");
    let watched = watch.end().exits(0);
    assert_eq!(watched.task(), new);
    assert_eq!(state_of(&fleet, &new), "done");
    assert_eq!(fleet.json(&["watch", "demo/pay"]).exits(0).task(), new);
}

/// The clock of this host was set back between two tasks: by their ids the older one is the newer.
#[test]
fn clock_set_back_keeps_the_newest_task() {
    let fleet = serve_quick("healthy");
    let journal = |id: &str| fleet.state().join("tasks").join(format!("{id}.jsonl"));
    let first = fleet.json(&BACKUP).exits(0).task();
    let second = fleet.json(&BACKUP).exits(0).task();
    let (first, _) = begun_at(&journal(&first), jiff::Timestamp::now());
    let listed = |fleet: &DemoFleet| {
        let tasks = fleet.json(&["tasks"]).exits(0).of_kind("task");
        tasks.iter().map(|event| event["task"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(listed(&fleet), [first.clone(), second.clone()]);
    assert_eq!(fleet.json(&["watch", "demo/pay"]).exits(0).task(), second);
    hold(&fleet, "ALTER SYSTEM BACKUP", true, false);
    let face = RunningCommand::start(&fleet, &["backup", "demo/pay", "--mode", "full", "--yes", "--json", "--detach"]);
    let third = face.end().exits(0).task();
    wait(&fleet, "", "held", "1");
    let (second, _) = begun_at(&journal(&second), jiff::Timestamp::now());
    assert_eq!(listed(&fleet), [third.clone(), second, first]);
    let watch = RunningCommand::start(&fleet, &["watch", "demo/pay", "--json"]);
    release(&fleet, "ALTER SYSTEM BACKUP");
    assert_eq!(watch.end().exits(0).task(), third);
}
