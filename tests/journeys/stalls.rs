//! Tests of stalls: reported with the reason, updated when it changes, withdrawn when the job moves again, and no failure.

use std::io::{BufRead, BufReader, Lines};
use std::process::{Child, ChildStdout, Stdio};

use obnow::demo::control::ControlRequest;
use serde_json::Value;

use crate::fleet::DemoFleet;

const FULL: [&str; 6] = ["backup", "demo/pay", "--mode", "full", "--yes", "--json"];

/// A command whose events are read as they come.
struct EventStream {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    events: Vec<Value>,
}

impl EventStream {
    fn start(fleet: &DemoFleet, args: &[&str]) -> Self {
        let mut child = fleet.command(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines, events: Vec::new() }
    }

    /// The next event of that kind for which it holds; the command must not end before.
    #[track_caller]
    fn until(&mut self, kind: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        while let Some(event) = self.next() {
            if event["event"] == kind && wanted(&event) {
                return event;
            }
        }
        panic!("no such {kind}: {:#?}", self.events);
    }

    fn next(&mut self) -> Option<Value> {
        let event: Value = serde_json::from_str(&self.lines.next()?.unwrap()).unwrap();
        self.events.push(event.clone());
        Some(event)
    }

    #[track_caller]
    fn ends(&mut self, code: i32) {
        while self.next().is_some() {}
        assert_eq!(self.child.wait().unwrap().code(), Some(code), "{:#?}", self.events);
    }

    fn count(&self, kind: &str) -> usize {
        self.events.iter().filter(|event| event["event"] == kind).count()
    }
}

impl Drop for EventStream {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Every run of digits as one #: times, ids and ports differ from run to run.
fn shape(text: &Value) -> String {
    let mut shape = String::new();
    for c in text.as_str().unwrap().chars() {
        match c {
            c if c.is_ascii_digit() && shape.ends_with('#') => {}
            c if c.is_ascii_digit() => shape.push('#'),
            c => shape.push(c),
        }
    }
    shape
}

fn server(fleet: &DemoFleet, place: usize) -> String {
    let state = fleet.ask(&ControlRequest::State);
    format!("127.0.0.1:{}", state["clusters"][0]["servers"][place]["svr_port"])
}

#[test]
fn a_stalled_backup_names_its_cause_and_goes_on_by_itself() {
    let fleet = DemoFleet::serve("stalls");
    let mut stream = EventStream::start(&fleet, &FULL);
    let fault = stream.until("fault", |_| true);
    assert_eq!(fleet.job("pay")["status"], "DOING", "alive on the server");
    assert_eq!(
        shape(&fault["what"]),
        "Wait for data backup of demo/pay has not moved since #-#-# #:#:# +#:# (server time)."
    );
    let server = server(&fleet, 1);
    let (why, said) = (shape(&fault["why"]), fault["why"].as_str().unwrap());
    assert!(said.starts_with(&format!("It stands at BACKUP_DATA_MAJOR, on server {server}. ")), "{said}");
    assert_eq!(
        why,
        "It stands at BACKUP_DATA_MAJOR, on server #.#.#.#:#. The archive is DOING and # s behind. The root service wrote \
         last: persist_set_task at #-#-# #:#:# (tenant_id #, job_id #). The last error: OceanBase answered with error # \
         (OB_BACKUP_DEST_NOT_CONNECT): can not connect to backup destination. The server named in the comment does not \
         reach the destination. It says so on server #.#.#.#:#, log stream #, BACKUP_DATA."
    );
    assert!(
        shape(&fault["next"]).starts_with(
            "It goes on by itself once the cause is gone, and nothing has to be started anew. Check the mount, the \
             network and the access key on that server, and run the storage test. In its log: grep YB#F#-"
        ),
        "{fault}"
    );
    assert_eq!(fault["code"], 9070);
    let listed = fleet.json(&["tasks"]).of_kind("task")[0].clone();
    assert_eq!((&listed["state"], &listed["step"]), (&"running".into(), &"Wait for data backup".into()));

    assert_eq!(fleet.fix(), ["not-mounted"]);
    let again = stream.until("step", |event| event["detail"].as_str().is_some_and(|text| text.contains("moves again")));
    assert_eq!((&again["step"], &again["state"]), (&"Wait for data backup".into(), &"running".into()));
    assert!(shape(&again["detail"]).starts_with("it moves again after # s: "), "{again}");
    stream.ends(0);
    assert_eq!(stream.count("fault"), 1, "said once: {:#?}", stream.events);
    assert_eq!(stream.events.last().unwrap()["verdict"], "restorable");
    assert_eq!(fleet.starts().len(), 1);
}

#[test]
fn another_reason_is_said_again() {
    let fleet = patient("healthy", "500ms", "60s");
    fleet.ask(&hold("BACKUP_DATA_MINOR", None));
    let mut stream = EventStream::start(&fleet, &FULL);
    let first = stream.until("fault", |_| true);
    assert!(first["why"].as_str().unwrap().ends_with("The server names no error."), "{first}");
    assert!(first["next"].as_str().unwrap().starts_with("Look there for what it waits for"), "{first}");
    assert!(first["code"].is_null());
    fleet.ask(&hold("BACKUP_DATA_MINOR", Some((-9061, "IO limit"))));
    let second = stream.until("fault", |_| true);
    assert_eq!((&second["code"], &second["what"]), (&9061.into(), &first["what"]));
    fleet.ask(&ControlRequest::RemoveFaults { name: None });
    stream.ends(0);
    assert_eq!(stream.count("fault"), 2, "{:#?}", stream.events);
}

#[test]
fn a_parent_without_its_child_is_said_too() {
    let fleet = patient("healthy", "500ms", "60s");
    fleet.ask(&ControlRequest::HoldPhase { cluster: None, tenant: "pay".into(), phase: "PARENT".into() });
    let mut stream = EventStream::start(&fleet, &FULL);
    let fault = stream.until("fault", |_| true);
    assert!(
        fault["what"].as_str().unwrap().starts_with("Start data backup of demo/pay has not moved since "),
        "{fault}"
    );
    let why = fault["why"].as_str().unwrap();
    assert!(
        why.starts_with("It stands at job 1 is INIT; the job of pay is awaited; the server does not say on"),
        "{why}"
    );
    fleet.ask(&ControlRequest::ReleasePhase { cluster: None, tenant: "pay".into(), phase: "PARENT".into() });
    stream.ends(0);
    assert_eq!(fleet.starts().len(), 1);
}

#[test]
fn a_checkpoint_that_stands_names_the_log_stream() {
    let fleet = patient("lagging", "500ms", "60s");
    let mut stream = EventStream::start(&fleet, &FULL);
    let fault = stream.until("fault", |_| true);
    assert!(
        fault["what"].as_str().unwrap().starts_with("Confirm restorable of demo/pay has not moved since "),
        "{fault}"
    );
    let why = shape(&fault["why"]);
    assert!(why.contains(". The archive is DOING and # s behind; log stream # is the last, # s behind. "), "{why}");
    assert!(fault["why"].as_str().unwrap().contains("; log stream 1001 is the last, "), "{fault}");
    assert_eq!(fleet.fix(), ["archive-stands"]);
    stream.ends(0);
    assert_eq!(stream.events.last().unwrap()["verdict"], "restorable");
}

/// What the journal says of the way never goes back, and is never full before the verdict.
#[test]
fn progress_is_honest() {
    let fleet = DemoFleet::serve("healthy");
    // It stands in the middle until that was told: how often it is told is a matter of time.
    fleet.ask(&ControlRequest::HoldPhase { cluster: None, tenant: "pay".into(), phase: "BACKUP_DATA_MAJOR".into() });
    let mut stream = EventStream::start(&fleet, &FULL);
    stream.until("progress", |event| event["phase"] == "BACKUP_DATA_MAJOR");
    fleet.ask(&ControlRequest::ReleasePhase { cluster: None, tenant: "pay".into(), phase: "BACKUP_DATA_MAJOR".into() });
    stream.ends(0);
    let task = stream.events.last().unwrap()["task"].as_str().unwrap().to_owned();
    let path = fleet.state().join("tasks").join(format!("{task}.jsonl"));
    let journal = std::fs::read_to_string(path).unwrap();
    let events: Vec<Value> =
        journal.lines().skip(1).map(|line| serde_json::from_str::<Value>(line).unwrap()["event"].take()).collect();
    let confirmed =
        |event: &Value| event["event"] == "step" && event["step"] == "confirm_restorable" && event["state"] == "ok";
    let end = events.iter().position(confirmed).unwrap();
    let progress: Vec<&Value> =
        events.iter().filter(|event| event["event"] == "progress").map(|event| &event["progress"]).collect();
    let before = events[..end].iter().filter(|event| event["event"] == "progress").count();
    assert!(before >= 2, "nothing was told on the way: {journal}");
    let (mut percent, mut bytes) = (0.0, 0);
    for (place, stream) in progress.iter().enumerate() {
        let (now, written) = (stream["percent"].as_f64().unwrap_or(percent), stream["bytes"].as_u64().unwrap());
        assert!(now >= percent && written >= bytes, "it goes back: {progress:#?}");
        let last = place + 1 == progress.len();
        assert!(last || now < 100.0, "full before the verdict: {progress:#?}");
        assert!(!stream["phase"].as_str().unwrap().is_empty() && stream["bytes_total"].is_null(), "{stream}");
        if let Some(eta) = stream["eta"].as_array() {
            assert!(eta[0].as_u64() <= eta[1].as_u64(), "{stream}");
        }
        (percent, bytes) = (now, written);
    }
    let full = events.iter().position(|event| event["progress"]["percent"] == 100.0).unwrap();
    let verdict = events.iter().position(|event| event["event"] == "verdict").unwrap();
    assert!(end < verdict && verdict < full && percent >= 100.0, "full only after the verdict: {progress:#?}");
}

fn hold(phase: &str, error: Option<(i64, &str)>) -> ControlRequest {
    let effect = obnow::demo::fault_injection::FaultEffect::HoldPhase {
        phase: phase.to_owned(),
        code: error.map(|(code, _)| code),
        text: error.map_or("", |(_, text)| text).to_owned(),
    };
    let fault = obnow::demo::fault_injection::InjectedFault {
        name: "held".to_owned(),
        cluster: None,
        tenant: Some("pay".to_owned()),
        server: Some(0),
        fixable: true,
        since: 0,
        effect,
    };
    ControlRequest::InjectFault { fault }
}

/// A fleet whose inventory has these limits for a standstill and for the archive.
fn patient(scenario: &str, stall: &str, archive_wait: &str) -> DemoFleet {
    let fleet = DemoFleet::serve(scenario);
    let config = std::fs::read_to_string(fleet.config()).unwrap();
    let limits = config.replace("stall: 5s", &format!("stall: {stall}"));
    let limits = limits.replace("archive_wait: 5s", &format!("archive_wait: {archive_wait}"));
    assert_ne!(config, limits, "the inventory of a fleet has other limits");
    std::fs::write(fleet.config(), limits).unwrap();
    fleet
}

/// In the phase of the log the server counts files of log, and no block moves any more.
#[test]
fn the_log_that_goes_into_a_set_has_progress_of_its_own() {
    let fleet = DemoFleet::serve("fleet");
    let (cluster, tenant) = (Some("htap-wh".to_owned()), "lake".to_owned());
    let phase = "BACKUP_LOG".to_owned();
    fleet.ask(&ControlRequest::HoldPhase { cluster: cluster.clone(), tenant: tenant.clone(), phase: phase.clone() });
    let args = ["backup", "htap-wh/lake", "--mode", "full", "--yes", "--plus-archivelog", "--json"];
    let mut stream = EventStream::start(&fleet, &args);
    let progress = stream.until("progress", |progress| progress["phase"] == "BACKUP_LOG");
    assert_eq!(progress["log_percent"], 0.0, "{progress}");
    fleet.ask(&ControlRequest::ReleasePhase { cluster, tenant, phase });
    stream.ends(0);
}

/// A cluster below V4 is one target for its server, and one that does not answer is silent for all tenants: that is said once.
#[test]
fn a_whole_cluster_that_does_not_answer_is_said_once() {
    let fleet = DemoFleet::serve("fleet");
    let cluster = || Some("ce-cd".to_owned());
    for tenant in ["shop", "cart"] {
        fleet.ask(&ControlRequest::HoldPhase {
            cluster: cluster(),
            tenant: tenant.to_owned(),
            phase: "DOING".to_owned(),
        });
    }
    let mut stream = EventStream::start(&fleet, &["backup", "ce-cd", "--mode", "full", "--yes", "--json"]);
    stream.until("step", |step| step["step"] == "Wait for data backup" && step["state"] == "running");
    let silence = serde_json::json!({"name": "silence", "cluster": "ce-cd", "fixable": true, "kind": "refuse"});
    fleet.ask(&ControlRequest::InjectFault { fault: serde_json::from_value(silence).unwrap() });
    stream.until("fault", |fault| fault["what"].as_str().unwrap().ends_with(" cannot be reached."));
    // It stays silent for longer than is waited: nobody knows what became of it.
    stream.ends(21);
    let faults: Vec<&Value> = stream.events.iter().filter(|event| event["event"] == "fault").collect();
    for (place, fault) in faults.iter().enumerate() {
        assert!(!faults[..place].contains(fault), "said twice: {fault}");
    }
}
