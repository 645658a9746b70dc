//! Tests of an engine without physical backup: detection, and a backup service that is absent, untested, or found.

use std::process::Output;

use serde_json::Value;

use crate::fleet::DemoFleet;
use crate::script::script;

/// A folder for PATH with nothing in it, or a mydumper that says it is of this release.
fn path(release: Option<&str>) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    if let Some(release) = release {
        let tool = folder.path().join("mydumper");
        script(&tool, &format!("echo 'mydumper {release}, built against MySQL 8.0.40'"));
    }
    folder
}

fn json(fleet: &DemoFleet, args: &[&str], path: &tempfile::TempDir) -> (Vec<Value>, Output) {
    let output = fleet.command(args).arg("--json").env("PATH", path.path()).output().unwrap();
    let out = String::from_utf8_lossy(&output.stdout).into_owned();
    (out.lines().map(|line| serde_json::from_str(line).unwrap()).collect(), output)
}

fn check<'a>(events: &'a [Value], check: &str) -> &'a Value {
    events.iter().find(|event| event["check"] == check).unwrap_or_else(|| panic!("no {check}: {events:#?}"))
}

#[test]
fn it_is_detected_and_its_method_is_told() {
    let fleet = DemoFleet::serve("logical");
    let rows = fleet.json(&["targets"]).exits(0).quiet().of_kind("target");
    assert_eq!(rows.len(), 1);
    assert_eq!((&rows[0]["target"], &rows[0]["version"]), (&"dev-seek".into(), &"seekdb 1.4.0".into()));
    assert_eq!((&rows[0]["method"], &rows[0]["kind"]), (&"logical".into(), &"cluster".into()));
    assert!(rows[0]["last_good"].is_null());
}

#[test]
fn missing_backup_service_says_how_to_install_it() {
    let fleet = DemoFleet::serve("logical");
    let none = path(None);
    let (events, output) = json(&fleet, &["check", "dev-seek"], &none);
    assert_eq!(output.status.code(), Some(10), "{events:#?}");
    let service = check(&events, "backup_service");
    assert_eq!((&service["result"], &service["stage"]), (&"fail".into(), &"gate".into()));
    assert!(service["fix"].as_str().unwrap().contains("mydumper"), "{service}");
    let storage = ["--storage", "file:///nowhere"];
    let all = [&["backup", "dev-seek", "--mode", "full", "--yes"], &storage[..]].concat();
    let (events, output) = json(&fleet, &all, &none);
    assert_eq!(output.status.code(), Some(10));
    let fault = events.iter().find(|event| event["event"] == "fault").unwrap();
    assert_eq!(fault["what"], "dev-seek cannot be backed up now.");
    assert_eq!((&fault["why"], &fault["next"]), (&service["found"], &service["fix"]));
    // Installed meanwhile: the same question again.
    let (events, output) = json(&fleet, &["check", "dev-seek"], &path(Some("0.10.0")));
    assert_eq!((output.status.code(), &check(&events, "backup_service")["result"]), (Some(0), &"pass".into()));
}

#[test]
fn a_release_nobody_tried_is_refused_by_name() {
    let fleet = DemoFleet::serve("logical");
    let (events, output) = json(&fleet, &["check", "dev-seek"], &path(Some("0.99.1")));
    assert_eq!(output.status.code(), Some(10), "{events:#?}");
    let service = check(&events, "backup_service");
    assert!(service["found"].as_str().unwrap().contains("0.99.1"), "{service}");
}

#[test]
fn logical_plan_is_the_full_dump_command() {
    let fleet = DemoFleet::serve("logical");
    let tool = path(Some("0.10.0"));
    let uri = format!("file://{}", fleet.folder().join("data/dump").display());
    let dry = ["backup", "dev-seek", "--mode", "full", "--storage", &uri, "--dry-run"];
    let (events, output) = json(&fleet, &dry, &tool);
    assert_eq!(output.status.code(), Some(0), "{events:#?}");
    let plan = events.iter().find(|event| event["event"] == "plan").unwrap();
    let steps: Vec<&str> =
        plan["steps"].as_array().unwrap().iter().map(|step| step["step"].as_str().unwrap()).collect();
    assert_eq!(
        steps,
        [
            "Check target",
            "Check backup service",
            "Check if ready to data backup",
            "Start data backup",
            "Wait for data backup",
            "Confirm restorable",
        ]
    );
    let command = plan["steps"][3]["statements"][0].as_str().unwrap();
    assert!(command.contains("--threads=1 --no-locks"), "{command}");
    assert!(command.contains("--defaults-file=<login>") && !command.contains("password"), "{command}");

    let (events, output) = json(&fleet, &["backup", "dev-seek", "--mode", "incremental", "--yes"], &tool);
    assert_eq!(output.status.code(), Some(10));
    let fault = events.iter().find(|event| event["event"] == "fault").unwrap();
    assert_eq!(fault["why"], "A logical backup is always full: the dump has no incremental form.");
    assert_eq!(fault["next"], "Choose a full backup.");
    let (events, output) = json(&fleet, &["backup", "dev-seek", "--mode", "full", "--yes"], &tool);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(events.last().unwrap()["what"], "dev-seek has no backup destination.");
    assert!(fleet.json(&["tasks"]).of_kind("task").is_empty());
}
