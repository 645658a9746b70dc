//! Tests of the output: a failed write is reported, and input never controls the terminal.

use std::fs::File;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::fleet::{CommandResult, DemoFleet, OBNOW};

const PLAN: [&str; 5] = ["backup", "demo/pay", "--mode", "full", "--dry-run"];

/// Runs a command whose standard output is a full disk.
fn into_the_full(mut command: Command, args: &[&str]) -> CommandResult {
    let full = File::options().write(true).open("/dev/full").unwrap();
    CommandResult::of(args, &command.stdout(full).stderr(Stdio::piped()).spawn().unwrap().wait_with_output().unwrap())
}

#[test]
fn what_cannot_be_printed_is_a_failure_with_its_reason() {
    let fleet = DemoFleet::serve("healthy");
    let id = fleet.json(&["backup", "demo/order", "--mode", "full", "--yes"]).exits(0).task();
    let json = [&PLAN[..], &["--json"]].concat();
    for args in [
        &["targets"][..],
        &["targets", "--json"],
        &["check", "demo/pay"],
        &["tasks"],
        &["config", "show"],
        &["report", &id],
        &PLAN,
        &json,
        &["demo", "--list"],
        &["--help"],
        &["--version"],
    ] {
        let ran = into_the_full(fleet.command(args), args).exits(1);
        assert!(ran.err.contains("Standard output could not be written."), "{args:?}: {}", ran.err);
        assert!(ran.err.contains("o space left on device"), "{args:?}: {}", ran.err);
    }
    // The code of a task says what became of it.
    let args = ["watch", &id];
    assert!(into_the_full(fleet.command(&args), &args).exits(0).err.contains("Standard output could not be written."));
    // A reader that has gone wants no more.
    for args in [&["targets"][..], &["--help"]] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let ran =
            fleet.command(args).stdout(writer).stderr(Stdio::piped()).spawn().unwrap().wait_with_output().unwrap();
        assert_eq!((ran.status.code(), ran.stderr.len()), (Some(0), 0), "{args:?}");
    }
}

#[test]
fn early_fault_is_json_and_usage_error_explains() {
    // Whatever the limit is, it is said, and what it is too low for is not begun.
    for files in 4..16 {
        let limit = format!("ulimit -n {files}; exec \"$@\"");
        let limited = ["-c", &limit, "sh", OBNOW, "targets", "--json"];
        let ran = CommandResult::of(&limited, &Command::new("sh").args(limited).output().unwrap()).exits(1).quiet();
        let [what, why, next] = ran.fault();
        assert_eq!(what, format!("obnow may open {files} files at once, and needs 64."));
        assert!(why.contains("RLIMIT_NOFILE") && next.contains("ulimit -n 1024"), "{why} / {next}");
    }
    for args in [["targets", "--nonsense", "--json"], ["backup", "a/b/c", "--json"], ["nonsense", "--json", "--utc"]] {
        let ran = CommandResult::of(&args, &Command::new(OBNOW).args(args).output().unwrap()).exits(1).quiet();
        let [what, why, _] = ran.fault();
        assert!(!what.is_empty() && !why.is_empty() && !why.contains("For more information"), "{what} / {why}");
    }
}

/// A journal that somebody changed, and what was typed: neither reaches the terminal as more than text.
#[test]
fn what_was_kept_or_typed_is_cleaned_when_it_is_shown() {
    let fleet = DemoFleet::serve("healthy");
    let id = fleet.json(&["backup", "demo/pay", "--mode", "full", "--yes"]).exits(0).task();
    let journal = fleet.state().join("tasks").join(format!("{id}.jsonl"));
    let text = std::fs::read_to_string(&journal).unwrap();
    let evil = "\"detail\":\"\\u001b]52;c;aGFj\\u0007\u{9b}31m\u{202e}\\u007fX";
    let changed = text.replace("\"detail\":\"", evil);
    assert_ne!(text, changed);
    std::fs::write(&journal, changed).unwrap();
    let odd = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
    for args in [&["watch", &id][..], &["watch", &id, "--json"], &["tasks"], &["tasks", "--json"]] {
        let ran = fleet.run(args).exits(0);
        assert!(!ran.out.contains(odd) && !ran.err.contains(odd), "{args:?}: {:?}", ran.out);
    }
    let shown = fleet.json(&["watch", &id]);
    let details = |ran: &CommandResult| {
        ran.of_kind("step").iter().any(|step| step["detail"].as_str().is_some_and(|text| text.contains('\u{202e}')))
    };
    assert!(details(&shown), "{}", shown.out);
    let storage = "file:///backup/a\u{202e}b";
    for json in [&[][..], &["--json"]] {
        let ran = fleet.run(&[&PLAN[..], &["--storage", storage], json].concat());
        assert!(!ran.out.contains(odd) && !ran.err.contains(odd), "{}", ran.out);
    }
}

/// A password that no statement carries, or none at all, is found when the plan is made.
#[test]
fn a_bad_encryption_password_is_found_at_planning() {
    let fleet = DemoFleet::serve("healthy");
    let args = [&PLAN[..], &["--encrypt-from", "stdin"]].concat();
    let none = fleet.run(&args).exits(1);
    assert!(none.err.contains("encryption password"), "{}", none.err);
}

#[test]
fn what_a_fleet_makes_is_its_owners_alone() {
    let place = tempfile::Builder::new().prefix("ob").tempdir().unwrap();
    let run = |args: &[&str]| {
        let mut command = Command::new(OBNOW);
        command.args(args).arg("--state").arg(place.path()).stdin(Stdio::null());
        CommandResult::of(args, &command.output().unwrap())
    };
    run(&["--demo=healthy", "targets"]).exits(0);
    let mut folders = vec![place.path().join("demo")];
    let mut sockets = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let found = std::fs::symlink_metadata(&path).unwrap();
            assert_eq!(found.permissions().mode() & 0o077, 0, "{}", path.display());
            sockets += usize::from(found.file_type().is_socket());
            if found.is_dir() {
                folders.push(path);
            }
        }
    }
    run(&["demo", "--scenario", "healthy", "--stop"]).exits(0);
    assert!(sockets > 0, "no socket was looked at");
}

/// Bounds of what is typed are said.
#[test]
fn a_wait_and_a_list_of_hosts_have_bounds() {
    let of = |args: &[&str]| -> Value {
        let ran = CommandResult::of(args, &Command::new(OBNOW).args(args).arg("--json").output().unwrap()).exits(1);
        Value::from(ran.fault().join(" "))
    };
    let wait = of(&["backup", "a/b", "--mode", "full", "--wait-lock", "99999999999999d"]);
    assert!(wait.as_str().unwrap().contains("the longest duration is 3650d"), "{wait}");
    let wait = of(&["backup", "a/b", "--mode", "full", "--wait-lock", "31d"]);
    assert!(wait.as_str().unwrap().contains("longer than 30d"), "{wait}");
    let hosts = of(&["targets", "--host", &vec!["h"; 399].join(",")]);
    assert!(hosts.as_str().unwrap().contains("more than 32 endpoints"), "{hosts}");
}
