//! Tests the events of `--json`: every documented field in every event, null without a value, and nothing but events.

use serde_json::Value;

use crate::fleet::{CommandResult, DemoFleet};

/// The documented fields of each event.
const FIELDS: [(&str, &[&str]); 8] = [
    ("target", &["target", "kind", "version", "method", "state", "eligible", "reason", "last_good"]),
    ("check", &["target", "check", "stage", "result", "found", "fix"]),
    ("plan", &["targets", "mode", "left_out", "steps"]),
    ("task", &["task", "targets", "mode", "state", "step", "started", "verdict"]),
    ("step", &["task", "target", "step", "state", "detail", "seconds"]),
    ("progress", &["task", "target", "phase", "percent", "bytes", "bytes_total", "rate", "eta_seconds"]),
    ("fault", &["what", "why", "next", "code"]),
    ("verdict", &["task", "target", "verdict", "type", "from", "to", "from_scn", "to_scn", "set", "windows"]),
];

const WORDS: [(&str, &str, &[&str]); 8] = [
    ("check", "stage", &["gate", "step"]),
    ("check", "result", &["pass", "warn", "fail", "not_checked"]),
    ("target", "kind", &["cluster", "tenant"]),
    ("task", "state", &["running", "done", "failed", "cancelled", "unknown", "runner_gone"]),
    ("step", "state", &["pending", "running", "ok", "not_needed", "failed", "cancelled", "unknown"]),
    ("verdict", "verdict", &["restorable", "not_yet_restorable", "not_restorable", "failed", "cancelled", "unknown"]),
    ("plan", "mode", &["full", "incremental"]),
    ("task", "mode", &["full", "incremental"]),
];

#[track_caller]
fn is_utc(event: &Value, moment: &Value) {
    if let Some(text) = moment.as_str() {
        assert!(text.ends_with('Z') && text.contains('T'), "{event}");
        text.parse::<jiff::Timestamp>().unwrap_or_else(|error| panic!("{error}: {event}"));
    } else {
        assert!(moment.is_null(), "{event}");
    }
}

/// Every event has its fields; which events there were.
#[track_caller]
fn documented(ran: &CommandResult, kinds: &mut Vec<String>) {
    assert_eq!(ran.err, "", "{:?}", ran.args);
    for (line, event) in ran.out.lines().zip(ran.events()) {
        let kind = event["event"].as_str().unwrap_or_else(|| panic!("{line}"));
        assert!(line.starts_with(&format!("{{\"event\":\"{kind}\"")), "event first: {line}");
        let (_, fields) =
            FIELDS.iter().find(|(name, _)| *name == kind).unwrap_or_else(|| panic!("not documented: {line}"));
        for field in *fields {
            assert!(event.get(field).is_some(), "{kind} lacks {field}: {line}");
        }
        for (_, field, words) in WORDS.iter().filter(|(name, _, _)| *name == kind) {
            assert!(words.contains(&event[field].as_str().unwrap()), "{field}: {line}");
        }
        match kind {
            "target" if event["last_good"].is_object() => {
                for field in ["type", "at", "bytes", "restorable_to"] {
                    assert!(event["last_good"].get(field).is_some(), "{line}");
                }
                is_utc(&event, &event["last_good"]["at"]);
                is_utc(&event, &event["last_good"]["restorable_to"]);
            }
            "task" => is_utc(&event, &event["started"]),
            "plan" => {
                for step in event["steps"].as_array().unwrap() {
                    for field in ["step", "target", "needed", "statements", "effect", "interrupts"] {
                        assert!(step.get(field).is_some(), "{step}");
                    }
                }
                for left in event["left_out"].as_array().unwrap() {
                    assert!(left["target"].is_string() && left["reason"].is_string(), "{left}");
                }
            }
            "step" => assert_eq!(event["seconds"].is_null(), event["state"] == "running", "{line}"),
            "progress" => {
                assert!(event["bytes_total"].is_null(), "physical: {line}");
                assert!(event["percent"].is_null() || (0.0..=100.0).contains(&event["percent"].as_f64().unwrap()));
            }
            "fault" => assert!(["what", "why", "next"].iter().all(|field| event[field] != ""), "{line}"),
            "verdict" => {
                is_utc(&event, &event["from"]);
                is_utc(&event, &event["to"]);
                for window in event["windows"].as_array().unwrap() {
                    is_utc(&event, &window["from"]);
                    is_utc(&event, &window["to"]);
                    assert!(window["set"].is_u64(), "{line}");
                }
            }
            _ => {}
        }
        kinds.push(kind.to_owned());
    }
}

#[test]
fn every_event_has_every_documented_field() {
    let mut kinds = Vec::new();
    let fleet = DemoFleet::serve("partial");
    for args in [
        &["targets"][..],
        &["check", "demo"],
        &["check", "demo/pay", "--mode", "incremental"],
        &["backup", "demo", "--mode", "full", "--dry-run"],
        &["backup", "demo", "--mode", "full", "--yes"],
        &["backup", "demo/pay", "--mode", "incremental", "--yes"],
        &["backup", "demo/pay", "--mode", "full", "--yes", "--detach"],
        &["watch", "demo/pay"],
        &["backup", "demo/nobody", "--mode", "full", "--yes"],
        &["backup", "demo/pay"],
        &["backup", "demo/pay", "--mode", "full"],
        &["backup", "demo/pay", "--mode", "half"],
        &["tasks"],
    ] {
        documented(&fleet.json(args), &mut kinds);
    }
    for (kind, _) in FIELDS {
        assert!(kinds.iter().any(|seen| seen == kind), "no {kind} was seen");
    }
    let mut kinds = Vec::new();
    let unreachable = DemoFleet::serve("unreachable");
    documented(&unreachable.json(&["targets"]), &mut kinds);
    documented(&unreachable.json(&["check", "gone"]), &mut kinds);
    let busy = DemoFleet::serve("busy");
    documented(&busy.json(&["backup", "demo/pay", "--mode", "full", "--yes"]), &mut kinds);
}

#[test]
fn the_order_of_a_run_is_its_story() {
    let fleet = DemoFleet::serve("healthy");
    let ran = fleet.json(&["backup", "demo/pay", "--mode", "full", "--yes"]).exits(0).quiet();
    let events = ran.events();
    let mut kinds: Vec<&str> = events.iter().map(|event| event["event"].as_str().unwrap()).collect();
    kinds.dedup();
    assert_eq!(kinds[..4], ["check", "plan", "task", "step"], "{kinds:?}");
    assert_eq!(kinds.last(), Some(&"verdict"));
    let steps = ran.of_kind("step");
    assert!(steps.iter().step_by(2).all(|step| step["state"] == "running"), "each step begins: {steps:#?}");
    let percents: Vec<f64> = ran.of_kind("progress").iter().filter_map(|event| event["percent"].as_f64()).collect();
    assert!(percents.is_sorted(), "never backwards: {percents:?}");
    let watched = fleet.json(&["watch", &ran.task()]).exits(0).quiet();
    assert_eq!(watched.of_kind("step"), ran.of_kind("step"), "a later look tells the same");
    assert_eq!(watched.of_kind("verdict"), ran.of_kind("verdict"));
}
