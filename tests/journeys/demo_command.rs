//! Tests the command `obnow demo`: without a terminal, list, join, fix, reset, and stop.

use std::process::{Command, Stdio};

use crate::fleet::{CommandResult, OBNOW};

fn obnow(state: &std::path::Path, args: &[&str]) -> CommandResult {
    let mut command = Command::new(OBNOW);
    command.args(args).arg("--state").arg(state).stdin(Stdio::null());
    CommandResult::of(args, &command.output().unwrap())
}

/// A demo directory whose fleet is stopped however the test ends.
struct DemoDirectory {
    root: tempfile::TempDir,
    scenario: &'static str,
}

impl DemoDirectory {
    fn new(scenario: &'static str) -> Self {
        Self { root: tempfile::Builder::new().prefix("ob").tempdir().unwrap(), scenario }
    }

    fn run(&self, args: &[&str]) -> CommandResult {
        obnow(self.root.path(), args)
    }

    fn demo(&self, args: &[&str]) -> CommandResult {
        self.run(&[&["demo", "--scenario", self.scenario], args].concat())
    }
}

impl Drop for DemoDirectory {
    fn drop(&mut self) {
        let _ = obnow(self.root.path(), &["demo", "--scenario", self.scenario, "--stop"]);
    }
}

#[test]
fn off_a_terminal_it_plays_the_main_job_to_its_verdict() {
    let directory = DemoDirectory::new("healthy");
    let ran = directory.demo(&["--speed", "20"]).exits(0);
    assert_eq!(ran.err, "");
    assert!(ran.out.contains("Back up now: demo/pay, full\n"), "{}", ran.out);
    assert!(ran.out.contains("\nRESTORABLE  pay: "), "{}", ran.out);
    for step in ["Check target", "Check if ready to data backup", "Start data backup", "Confirm restorable"] {
        assert!(ran.out.contains(step), "{step}:\n{}", ran.out);
    }
    // It lives on: another command joins it by name, and finds what was made.
    let joined = directory.run(&["tasks", "--demo=healthy", "--json"]).exits(0).quiet();
    assert_eq!(joined.of_kind("task")[0]["verdict"], "restorable");
    let rows = directory.run(&["targets", "--demo=healthy", "--json"]).exits(0).of_kind("target");
    assert_eq!(rows[1]["last_good"]["type"], "full");

    directory.demo(&["--reset"]).exits(0);
    let empty = directory.run(&["tasks", "--demo=healthy", "--json"]).exits(0);
    assert!(empty.of_kind("task").is_empty(), "{}", empty.out);
    let stopped = directory.demo(&["--stop"]).exits(0);
    assert_eq!(stopped.err, "The fleet of healthy has ended.\n");
}

#[test]
fn a_cause_is_removed_by_name_of_the_scenario() {
    let directory = DemoDirectory::new("login-refused");
    directory.run(&["check", "demo/pay", "--demo=login-refused", "--json"]).exits(12);
    let fixed = directory.demo(&["--fix"]).exits(0);
    assert_eq!(fixed.err, "Removed: password-changed.\n");
    directory.run(&["check", "demo/pay", "--demo=login-refused", "--json"]).exits(0);
    let again = directory.demo(&["--fix"]).exits(0);
    assert_eq!(again.err, "Removed: no cause; there was none to remove.\n");
}

#[test]
fn every_scenario_is_listed_with_what_it_shows() {
    let root = tempfile::tempdir().unwrap();
    let listed = obnow(root.path(), &["demo", "--list"]).exits(0);
    let names: Vec<&str> = listed.out.lines().map(|line| line.split_whitespace().next().unwrap()).collect();
    for name in [
        "fleet",
        "healthy",
        "no-full",
        "silent-full",
        "archiving-off",
        "no-destination",
        "suspended",
        "archive-broken",
        "upgrading",
        "busy",
        "partial",
        "lagging",
        "fails",
        "stalls",
        "job-gone",
        "lost-reply",
        "unreachable",
        "login-refused",
        "no-privilege",
        "mixed-builds",
        "standby",
        "encryption-lost",
        "media-lost",
        "wrong-password",
        "logical",
        "managed",
        "thousand",
    ] {
        assert!(names.contains(&name), "{name} of {names:?}");
    }
    assert!(listed.out.lines().all(|line| line.split_whitespace().count() > 3), "{}", listed.out);
    let json = obnow(root.path(), &["demo", "--list", "--json"]).exits(0).quiet();
    assert_eq!(json.of_kind("scenario").len(), names.len());
    let none = obnow(root.path(), &["demo", "--scenario", "nosuch", "--json"]).exits(1).quiet();
    assert_eq!(none.fault()[2], "See the scenarios with: obnow demo --list.");
}
