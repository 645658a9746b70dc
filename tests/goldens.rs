//! Snapshots of what the program writes: every command, `--help`, every scenario as text and JSON, its files and the control
//! requests of the demo. A rename inside the program changes nothing here.
//!
//! What differs in each run (digits, ids, paths) is normalized. `INSTA_UPDATE=always` rewrites the snapshots.
#![allow(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods, reason = "a test may fail loudly")]

mod fleet;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use fleet::{CommandResult, DemoFleet, OBNOW};
use obnow::demo::control::ControlRequest;
use serde_json::Value;

#[path = "goldens/scrubbed.rs"]
mod scrubbed;

use scrubbed::scrubbed;

/// Scenarios whose first cluster is backed up as well: each ends by itself.
const BACKED_UP: &[&str] = &[
    "healthy",
    "no-full",
    "archiving-off",
    "no-destination",
    "suspended",
    "archive-broken",
    "upgrading",
    "partial",
    "bad-storage",
    "fails",
    "no-privilege",
    "standby",
    "encryption-lost",
    "media-lost",
    "wrong-password",
    "tenant-gate",
    "managed",
];

/// One command: its words, its exit code and what it wrote, on both streams.
fn written(fleet: &DemoFleet, args: &[&str]) -> String {
    shown(&fleet.run(args), fleet.folder())
}

fn shown(ran: &CommandResult, folder: &Path) -> String {
    let mut text = format!("$ obnow {}\nexit {}\n", scrubbed(&ran.args.join(" "), folder), ran.code);
    for (stream, written) in [("stdout", &ran.out), ("stderr", &ran.err)] {
        // Whether it has to be waited for is a matter of time.
        let written: Vec<&str> =
            written.lines().filter(|line| !line.contains("waits for the storage to show it")).collect();
        if !written.is_empty() {
            writeln!(text, "-- {stream}\n{}", scrubbed(&written.join("\n"), folder)).unwrap();
        }
    }
    text
}

/// The events of a task, each form once: how many of them there are depends on the machine, and progress comes by time.
fn events(ran: &CommandResult, folder: &Path) -> String {
    let forms: BTreeSet<String> =
        ran.out.lines().filter(|line| !by_time(line)).map(|line| without_step(&scrubbed(line, folder))).collect();
    let forms: Vec<String> = forms.into_iter().collect();
    format!("$ obnow {}\nexit {}\n{}\n", ran.args.join(" "), ran.code, forms.join("\n"))
}

/// A task that runs without its step: at which one it is first seen is a matter of time.
fn without_step(line: &str) -> String {
    let runs = "\"state\":\"running\",\"step\":\"";
    match line.split_once(runs).filter(|_| line.starts_with("{\"event\":\"task\"")) {
        Some((before, after)) => {
            let rest = after.split_once('"').map_or("", |(_, rest)| rest);
            format!("{before}{runs}STEP\"{rest}")
        }
        None => line.to_owned(),
    }
}

/// Whether it depends on the moment that this is printed at all.
fn by_time(line: &str) -> bool {
    ["progress", "waiting"].iter().any(|kind| line.contains(&format!("\"event\":\"{kind}\"")))
}

/// Which keys an object has, at every depth, and of which kind their values are; the words of events stay.
fn shape(value: &Value) -> String {
    match value {
        Value::Object(fields) => {
            let fields: Vec<String> = fields.iter().map(|(name, value)| format!("{name}:{}", shape(value))).collect();
            format!("{{{}}}", fields.join(","))
        }
        Value::Array(items) => {
            let items: BTreeSet<String> = items.iter().map(shape).collect();
            format!("[{}]", items.into_iter().collect::<Vec<_>>().join("|"))
        }
        Value::String(_) => "text".to_owned(),
        Value::Number(_) => "number".to_owned(),
        Value::Bool(_) => "yes or no".to_owned(),
        Value::Null => "null".to_owned(),
    }
}

/// The first cluster and its first tenant that are listed.
fn targets(fleet: &DemoFleet) -> [Option<String>; 2] {
    let rows = fleet.json(&["targets"]).of_kind("target");
    ["cluster", "tenant"]
        .map(|kind| rows.iter().find(|row| row["kind"] == kind).map(|row| row["target"].as_str().unwrap().to_owned()))
}

fn scenarios() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/demo/scenarios");
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
        // A thousand rows say no more than one.
        .filter(|name| name != "thousand")
        .collect();
    names.sort();
    names
}

fn scenario(name: &str) -> String {
    let fleet = DemoFleet::serve(name);
    let folder = fleet.folder().to_owned();
    let mut text = String::new();
    for args in [&["targets"][..], &["targets", "--json"], &["config", "show"], &["tasks"]] {
        writeln!(text, "{}", written(&fleet, args)).unwrap();
    }
    let [cluster, tenant] = targets(&fleet);
    let Some(cluster) = cluster else { return text };
    let first = tenant.unwrap_or_else(|| cluster.clone());
    writeln!(text, "{}", written(&fleet, &["check", &cluster, "--json"])).unwrap();
    for (target, mode) in [(&cluster, "full"), (&first, "incremental")] {
        writeln!(text, "{}", written(&fleet, &["backup", target, "--mode", mode, "--dry-run"])).unwrap();
    }
    writeln!(text, "{}", written(&fleet, &["backup", &first, "--mode", "full", "--dry-run", "--json"])).unwrap();
    writeln!(text, "{}", written(&fleet, &["prove", &first])).unwrap();
    if BACKED_UP.contains(&name) {
        let ran = fleet.json(&["backup", &cluster, "--mode", "full", "--yes"]);
        writeln!(text, "{}", events(&ran, &folder)).unwrap();
        writeln!(text, "{}", written(&fleet, &["tasks"])).unwrap();
        let sent = fleet.ask(&ControlRequest::Statements);
        let sent = sent.as_array().unwrap().iter().map(|sent| scrubbed(sent["text"].as_str().unwrap(), &folder));
        // Which tenant's log is there first is a matter of time, and so is the order of the looks at the storage.
        let (mut looks, mut sent): (Vec<String>, Vec<String>) = sent.partition(|text| text.ends_with(" PREVIEW"));
        looks.sort();
        // How often is a matter of time, too.
        looks.dedup();
        sent.append(&mut looks);
        writeln!(text, "statements\n{}", sent.join("\n")).unwrap();
    }
    text
}

#[test]
fn every_scenario_is_written_as_it_was() {
    let names = std::sync::Mutex::new(scenarios());
    let found = std::sync::Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                loop {
                    let Some(name) = names.lock().unwrap().pop() else { return };
                    let text = scenario(&name);
                    found.lock().unwrap().push((name, text));
                }
            });
        }
    });
    let mut found = found.into_inner().unwrap();
    found.sort();
    assert!(found.len() > 25, "{}", found.len());
    for (name, text) in found {
        insta::assert_snapshot!(format!("scenario_{name}"), text);
    }
}

#[test]
fn every_help_is_written_as_it_was() {
    let mut text = String::new();
    let commands = [
        "targets",
        "check",
        "test-storage",
        "prove",
        "backup",
        "tasks",
        "watch",
        "retry",
        "cancel",
        "report",
        "config",
        "demo",
        "config show",
        "config init",
        "nonsense",
    ];
    for command in std::iter::once("").chain(commands) {
        let args: Vec<&str> = command.split_whitespace().chain(["--help"]).collect();
        let ran = CommandResult::of(&args, &Command::new(OBNOW).args(&args).stdin(Stdio::null()).output().unwrap());
        writeln!(text, "$ obnow {}\nexit {}\n{}{}", args.join(" "), ran.code, ran.out, ran.err).unwrap();
    }
    insta::assert_snapshot!("help", text);
}

/// A task's journal and plan file, the audit trail, and the names of everything in the state directory and the fleet's folder.
#[test]
fn every_file_is_written_as_it_was() {
    let fleet = DemoFleet::serve("healthy");
    let folder = fleet.folder().to_owned();
    let plan = folder.join("plan.yaml");
    let mut text = String::new();
    let saved = fleet.run(&["backup", "demo/pay", "--mode", "full", "--save-plan", plan.to_str().unwrap()]);
    writeln!(text, "{}", shown(&saved, &folder)).unwrap();
    writeln!(text, "plan file\n{}", scrubbed(&std::fs::read_to_string(&plan).unwrap(), &folder)).unwrap();
    let ran = fleet.json(&["backup", "demo/pay", "--mode", "full", "--yes"]).exits(0);
    let id = ran.task();
    for (name, path) in [
        ("journal", fleet.state().join("tasks").join(format!("{id}.jsonl"))),
        ("audit trail", fleet.state().join("audit.jsonl")),
    ] {
        let lines = std::fs::read_to_string(path).unwrap();
        let kinds: BTreeSet<String> = lines
            .lines()
            .map(|line| {
                let event: Value = serde_json::from_str(line).unwrap();
                format!("{} {}", event.get("event").and_then(Value::as_str).unwrap_or("-"), shape(&event))
            })
            .collect();
        writeln!(text, "{name}\n{}\n", kinds.into_iter().collect::<Vec<_>>().join("\n")).unwrap();
    }
    let report = folder.join("report.txt");
    fleet.run(&["report", &id, "--output", report.to_str().unwrap()]);
    for root in [fleet.state(), folder.clone()] {
        let mut names: Vec<String> = std::fs::read_dir(&root)
            .unwrap()
            .map(|entry| scrubbed(&entry.unwrap().file_name().to_string_lossy(), &folder))
            .collect();
        names.sort();
        writeln!(text, "{}\n{}\n", scrubbed(&root.to_string_lossy(), &folder), names.join("\n")).unwrap();
    }
    insta::assert_snapshot!("files", text);
}

/// The fleet's requests as a script types them, and its ready line.
#[test]
fn every_request_of_the_fleet_is_answered_as_it_was() {
    use std::io::{BufRead, BufReader, Write as _};
    use std::os::unix::net::UnixStream;

    let fleet = DemoFleet::serve("healthy");
    let folder = fleet.folder().to_owned();
    let requests = [
        r#"{"ask":"ping"}"#,
        r#"{"ask":"hold","cluster":null,"tenant":"pay","phase":"BACKUP_DATA_MINOR"}"#,
        r#"{"ask":"release","tenant":"pay","phase":"BACKUP_DATA_MINOR"}"#,
        r#"{"ask":"fail","tenant":"pay","code":-4184,"text":"no space"}"#,
        r#"{"ask":"inject","fault":{"name":"x","effect":"refuse_login"}}"#,
        r#"{"ask":"fix","name":"x"}"#,
        r#"{"ask":"fix","name":null}"#,
        r#"{"ask":"lose_reply","prefix":"ALTER SYSTEM BACKUP","applied":true}"#,
        r#"{"ask":"hold_reply","prefix":"ALTER SYSTEM X","applied":true,"lingers":false}"#,
        r#"{"ask":"pass_reply","prefix":"ALTER SYSTEM X"}"#,
        r#"{"ask":"release_reply","prefix":"ALTER SYSTEM X"}"#,
        r#"{"ask":"refuse","endpoint":0}"#,
        r#"{"ask":"accept","endpoint":0}"#,
        r#"{"ask":"cut"}"#,
        r#"{"ask":"restart","server":0}"#,
        r#"{"ask":"stand","tenant":"pay"}"#,
        r#"{"ask":"move","tenant":"pay"}"#,
        r#"{"ask":"interrupt","tenant":"pay"}"#,
        r#"{"ask":"time_zone","zone":"+08:00","system":"Asia/Shanghai"}"#,
        r#"{"ask":"vanish","tenant":"pay"}"#,
        r#"{"ask":"wait","what":"connections","is":"0","within_ms":10000}"#,
        r#"{"ask":"wait","tenant":"nobody","what":"job","is":"DOING","within_ms":1}"#,
        r#"{"ask":"statements"}"#,
        r#"{"ask":"nonsense"}"#,
        "no JSON",
    ];
    let mut stream = UnixStream::connect(folder.join("control.sock")).unwrap();
    let mut replies = BufReader::new(stream.try_clone().unwrap());
    let mut text = String::new();
    let mut answer = |request: &str| {
        writeln!(stream, "{request}").unwrap();
        let mut reply = String::new();
        replies.read_line(&mut reply).unwrap();
        reply
    };
    let state: Value = serde_json::from_str(&answer(r#"{"ask":"state"}"#)).unwrap();
    writeln!(text, "state\n{}\n", shape(&state)).unwrap();
    for request in requests {
        writeln!(text, "{request}\n  {}", scrubbed(answer(request).trim_end(), &folder)).unwrap();
    }
    insta::assert_snapshot!("requests", text);
}
