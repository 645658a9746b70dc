//! Tests that old tasks are listed, watched and reported as they were written.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime};

use serde_json::Value;

use crate::fleet::{CommandResult, DemoFleet, OBNOW, RunningCommand, until};
use crate::support::{Sample, plan_file, private, sample, samples};

/// A state directory, and an inventory of an unreachable cluster.
struct SampleDirectory {
    folder: tempfile::TempDir,
}

impl SampleDirectory {
    fn new() -> Self {
        let directory = Self { folder: tempfile::tempdir().unwrap() };
        let nobody =
            "clusters:\n- {name: nobody, endpoints: [\"127.0.0.1:1\"], user: root@sys, password: {env: NOBODY}}\n";
        private(&directory.folder.path().join("config.yaml"), nobody);
        directory
    }

    fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(OBNOW);
        command.args(args).arg("--state").arg(self.state()).arg("--config").arg(self.folder.path().join("config.yaml"));
        command.env("NOBODY", "x").stdin(Stdio::null());
        command
    }

    fn run(&self, args: &[&str]) -> CommandResult {
        CommandResult::of(args, &self.command(args).output().unwrap())
    }
}

fn as_it_is(text: &str) -> String {
    text.to_owned()
}

/// The verdict of each target, and the set it is of.
fn verdicts(ran: &CommandResult) -> Vec<(Value, Value, Value)> {
    // The one without a target is of the whole task.
    let all = ran.of_kind("verdict").into_iter().filter(|event| !event["target"].is_null());
    all.map(|event| (event["target"].clone(), event["verdict"].clone(), event["set"].clone())).collect()
}

/// What nobody can say any more without asking the server.
fn is_open(sample: &Sample) -> bool {
    sample.verdicts().iter().any(|(_, verdict, _)| verdict == "unknown" || verdict == "not_yet_restorable")
}

#[test]
fn ended_tasks_are_listed_watched_and_reported() {
    let directory = SampleDirectory::new();
    let all = samples();
    for sample in &all {
        sample.put_state(&directory.state(), &sample.whole(), &as_it_is);
    }
    let listed = directory.run(&["tasks", "--json"]).exits(0).of_kind("task");
    assert_eq!(listed.len(), all.len());
    for sample in &all {
        let what = format!("{}/{}", sample.scenario, sample.name);
        let task =
            listed.iter().find(|task| task["task"] == *sample.id).unwrap_or_else(|| panic!("{what} is not listed"));
        assert_ne!(task["state"], "running", "{what}: {task}");
        assert_ne!(task["state"], "runner_gone", "{what}: {task}");
        let report = directory.run(&["report", &sample.id]);
        assert!(report.code == 0, "{what}: {}", report.err);
        if is_open(sample) {
            continue;
        }
        let refused = directory.run(&["cancel", &sample.id, "--yes", "--json"]).exits(1);
        assert_eq!(refused.fault()[0], format!("Task {} does not run.", sample.id), "{what}");
        let watched = directory.run(&["watch", &sample.id, "--json"]);
        assert_eq!(verdicts(&watched), sample.verdicts(), "{what}\n{}{}", watched.out, watched.err);
        assert!(watched.of_kind("unknown").is_empty(), "{what}: {}", watched.out);
        let good = sample.verdicts().iter().all(|(_, verdict, _)| verdict == "restorable");
        assert!(!good || [0, 4].contains(&watched.code), "{what} exits {}", watched.code);
        assert!(good || watched.code > 3, "{what} exits {}", watched.code);
    }
}

/// Signs of life of runners, until this is dropped.
struct Heartbeats {
    over: Arc<AtomicBool>,
    beating: Option<JoinHandle<()>>,
}

impl Heartbeats {
    /// Beside each of these journals.
    fn of(journals: Vec<PathBuf>) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&over);
        let beat = |journal: &PathBuf| {
            let file =
                std::fs::File::options().create(true).append(true).open(journal.with_extension("alive")).unwrap();
            file.set_modified(SystemTime::now()).unwrap();
        };
        let beating = std::thread::spawn(move || {
            while !told.load(Ordering::Relaxed) {
                journals.iter().for_each(beat);
                std::thread::sleep(Duration::from_millis(50));
            }
        });
        Self { over, beating: Some(beating) }
    }
}

impl Drop for Heartbeats {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        let _ = self.beating.take().map(JoinHandle::join);
    }
}

#[test]
fn tasks_that_run_are_followed_to_their_end() {
    let directory = SampleDirectory::new();
    let running: Vec<(Sample, String, String)> = samples()
        .into_iter()
        .filter(|sample| !is_open(sample))
        .filter_map(|sample| sample.while_it_ran().map(|(running, rest)| (sample, running, rest)))
        .collect();
    assert!(running.len() >= 29, "{}", running.len());
    let journal = |sample: &Sample| directory.state().join("tasks").join(format!("{}.jsonl", sample.id));
    for (sample, text, _) in &running {
        sample.put_state(&directory.state(), text, &as_it_is);
    }
    // Without a sign of life their runners are gone.
    let gone = directory.run(&["tasks", "--json"]).exits(0).of_kind("task");
    assert!(gone.iter().all(|task| task["state"] == "runner_gone"), "{gone:#?}");
    let _beats = Heartbeats::of(running.iter().map(|(sample, ..)| journal(sample)).collect());
    until("a sign of life of every runner", || {
        let now = directory.run(&["tasks", "--json"]).exits(0).of_kind("task");
        let quiet: Vec<&Value> = now.iter().filter(|task| task["state"] != "running").collect();
        if quiet.is_empty() { Ok(()) } else { Err(format!("{quiet:?}")) }
    });
    for few in running.chunks(6) {
        let followers: Vec<_> = few
            .iter()
            .map(|(sample, ..)| {
                RunningCommand::of(directory.command(&["watch", &sample.id, "--json"]), &["watch", &sample.id])
            })
            .collect();
        for (sample, _, rest) in few {
            let mut file = std::fs::File::options().append(true).open(journal(sample)).unwrap();
            file.write_all(rest.as_bytes()).unwrap();
        }
        for ((sample, ..), follower) in few.iter().zip(followers) {
            let watched = follower.end();
            assert_eq!(verdicts(&watched), sample.verdicts(), "{}\n{}", watched.out, watched.err);
        }
    }
}

/// Each inventory is understood.
#[test]
fn inventories_are_read() {
    for sample in samples() {
        let directory = SampleDirectory::new();
        private(&directory.folder.path().join("config.yaml"), &sample.config());
        let shown = directory.run(&["config", "show"]);
        assert!(shown.code == 0 && shown.out.contains("endpoints"), "{}: {}{}", sample.scenario, shown.out, shown.err);
    }
}

/// What was planned on a fleet is planned again on one that is like it.
#[test]
fn plan_files_are_read() {
    for name in ["full", "incremental", "cluster"] {
        let (sample, fleet) = (sample("healthy", name), DemoFleet::serve("healthy"));
        sample.put(&fleet, &sample.whole());
        assert!(sample.has_plan());
        let file = plan_file(&fleet);
        let planned = fleet.json(&["backup", "--plan", file.to_str().unwrap(), "--dry-run"]).exits(0);
        let targets = planned.of_kind("plan")[0]["targets"].clone();
        let confirmed = sample.events()[0]["prepared"]["plan"]["choices"]["targets"].clone();
        assert!(targets == confirmed || name == "cluster", "{targets} {confirmed}");
    }
}
