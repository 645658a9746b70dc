//! Fixtures for the program on an embedded fleet of its own: a served scenario in a temporary directory, commands with their
//! output and exit code, and the fleet's control socket.
#![allow(
    dead_code,
    clippy::panic,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    reason = "a test may fail loudly, and owns its deadlines"
)]

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Output, Stdio};

use obnow::demo::control::{ControlClient, ControlError, ControlRequest};
use serde_json::Value;

mod running_command;

#[allow(unused_imports, reason = "not every test that has a fleet waits")]
pub use running_command::{DEADLINE, RunningCommand, until};

/// The program.
pub const OBNOW: &str = env!("CARGO_BIN_EXE_obnow");

/// How many times faster than by default the servers work in tests.
pub const SPEED: &str = "20";

/// A fleet that is served until this is dropped.
pub struct DemoFleet {
    temp_dir: tempfile::TempDir,
    folder: PathBuf,
    server: Child,
    // Closing it ends the fleet.
    server_stdin: Option<ChildStdin>,
}

impl DemoFleet {
    /// Serves a scenario and waits for its ready line.
    pub fn serve(scenario: &str) -> Self {
        Self::serve_in(scenario, tempfile::Builder::new().prefix("ob").tempdir().unwrap())
    }

    /// Serves a scenario in the given directory and waits for its ready line.
    pub fn serve_in(scenario: &str, temp_dir: tempfile::TempDir) -> Self {
        let mut server = Command::new(OBNOW)
            .args(["demo", "--serve", "--until-eof", "--scenario", scenario, "--speed", SPEED, "--state"])
            .arg(temp_dir.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let server_stdin = server.stdin.take();
        let mut ready_line = String::new();
        BufReader::new(server.stdout.take().unwrap()).read_line(&mut ready_line).unwrap();
        let ready: Value =
            serde_json::from_str(&ready_line).unwrap_or_else(|_| panic!("no ready line: {ready_line:?}"));
        let folder = PathBuf::from(ready["dir"].as_str().unwrap());
        Self { temp_dir, folder, server, server_stdin }
    }

    /// Returns the fleet's directory with `config.yaml`, `state/` and `data/`.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns the state directory of tasks on this fleet.
    pub fn state(&self) -> PathBuf {
        self.folder.join("state")
    }

    /// Returns the path of this fleet's inventory.
    pub fn config(&self) -> PathBuf {
        self.folder.join("config.yaml")
    }

    /// Returns a command on this fleet, not yet started; its standard input is empty.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(OBNOW);
        command.args(args).arg("--config").arg(self.config()).arg("--state").arg(self.state()).stdin(Stdio::null());
        command
    }

    /// Runs a command to its end.
    #[track_caller]
    pub fn run(&self, args: &[&str]) -> CommandResult {
        RunningCommand::start(self, args).end()
    }

    /// Runs a command with `--json` to its end.
    pub fn json(&self, args: &[&str]) -> CommandResult {
        let mut all = args.to_vec();
        all.push("--json");
        self.run(&all)
    }

    /// Sends a request to the control socket, which must succeed.
    pub fn ask(&self, ask: &ControlRequest) -> Value {
        self.try_ask(ask).unwrap()
    }

    /// Sends a request to the control socket, which may refuse it.
    ///
    /// # Errors
    /// Its refusal.
    pub fn try_ask(&self, ask: &ControlRequest) -> Result<Value, ControlError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async { ControlClient::connect(&self.folder).await?.send(ask).await })
    }

    /// Returns every `RESTORE .. PREVIEW` that reached the fleet, with its outcome.
    pub fn previews(&self) -> Vec<(String, String)> {
        let reply = self.ask(&ControlRequest::Statements);
        let list = reply.as_array().cloned().unwrap_or_else(|| panic!("{reply}"));
        let text = |entry: &Value, field: &str| entry[field].as_str().unwrap_or_else(|| panic!("{entry}")).to_owned();
        list.iter()
            .filter(|entry| is_preview(entry))
            .map(|entry| (text(entry, "text"), text(entry, "outcome")))
            .collect()
    }

    /// Returns every ALTER SYSTEM that reached the fleet, without the previews, in its canonical spelling.
    pub fn statements(&self) -> Vec<String> {
        let reply = self.ask(&ControlRequest::Statements);
        let mut list = reply.as_array().cloned().unwrap_or_else(|| panic!("{reply}"));
        list.retain(|entry| !is_preview(entry));
        // R6, in every journey: from sys nothing is said without naming its tenants.
        for entry in list.iter().filter(|entry| entry["tenant"] == "sys") {
            assert!(entry["text"].as_str().is_some_and(|text| text.contains(" TENANT = ")), "{entry}");
        }
        list.iter().map(|entry| entry["text"].as_str().unwrap_or_else(|| panic!("{entry}")).to_owned()).collect()
    }

    /// Returns every ALTER SYSTEM that reached a cluster below V4, with its outcome.
    pub fn statements_to(&self, cluster: &str) -> Vec<(String, String)> {
        let reply = self.ask(&ControlRequest::Statements);
        let list = reply.as_array().cloned().unwrap_or_else(|| panic!("{reply}"));
        let text = |entry: &Value, field: &str| entry[field].as_str().unwrap_or_else(|| panic!("{entry}")).to_owned();
        list.iter()
            .filter(|entry| entry["cluster"] == cluster)
            .map(|entry| (text(entry, "text"), text(entry, "outcome")))
            .collect()
    }

    /// Removes every fixable fault; returns their names.
    pub fn fix(&self) -> Vec<String> {
        serde_json::from_value(self.ask(&ControlRequest::RemoveFaults { name: None })).unwrap()
    }

    /// Watches a backup that somebody else started, and removes every cause once the watcher waits for its end: the names of the
    /// causes, and what came of it.
    #[track_caller]
    pub fn fix_while_watched(&self, target: &str) -> (Vec<String>, CommandResult) {
        let newest = || {
            let entries = std::fs::read_dir(self.state().join("tasks")).ok()?;
            let journals = entries.map(|entry| entry.unwrap().path());
            journals.filter(|path| path.extension().is_some_and(|end| end == "jsonl")).max()
        };
        let before = newest();
        let watch = RunningCommand::start(self, &["watch", target, "--json"]);
        until("the wait for its end", || {
            let journal = newest().filter(|journal| Some(journal) != before.as_ref()).ok_or("no journal")?;
            let text = std::fs::read_to_string(journal).unwrap();
            if text.contains(r#""event":"waiting""#) { Ok(()) } else { Err(text) }
        });
        (self.fix(), watch.end())
    }

    /// Waits until a tenant of the first cluster is in a state, within half a minute.
    #[track_caller]
    pub fn wait(&self, tenant: &str, what: &str, is: &str) {
        let (tenant, what, is) = (Some(tenant.to_owned()), what.to_owned(), is.to_owned());
        self.ask(&ControlRequest::Wait { cluster: None, tenant, what, is, within_ms: 30_000 });
    }

    /// Returns the newest job of a tenant of the first cluster, whoever started it.
    #[track_caller]
    pub fn job(&self, tenant: &str) -> Value {
        let state = self.ask(&ControlRequest::State);
        let cluster = &state["clusters"][0];
        let listed = cluster["tenants"].as_array().unwrap().iter().find(|known| known["name"] == tenant).unwrap();
        let jobs = cluster["jobs"].as_array().unwrap();
        jobs.iter().rev().find(|job| job["tenant_id"] == listed["id"]).cloned().unwrap_or_else(|| panic!("{jobs:?}"))
    }

    /// The BACKUP statements among them.
    pub fn starts(&self) -> Vec<String> {
        self.statements().into_iter().filter(|text| text.starts_with("ALTER SYSTEM BACKUP ")).collect()
    }
}

impl Drop for DemoFleet {
    fn drop(&mut self) {
        drop(self.server_stdin.take());
        let _ = self.server.wait();
    }
}

/// A command that ended.
#[derive(Debug)]
pub struct CommandResult {
    /// The arguments.
    pub args: Vec<String>,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
    /// The exit code.
    pub code: i32,
}

impl CommandResult {
    /// Returns the result of a command from its output.
    pub fn of(args: &[&str], output: &Output) -> Self {
        Self {
            args: args.iter().map(|arg| (*arg).to_owned()).collect(),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
            code: output.status.code().unwrap_or(-1),
        }
    }

    /// Checks the exit code.
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{:?}\n--- out\n{}\n--- err\n{}", self.args, self.out, self.err);
        self
    }

    /// Returns the events of a `--json` run, one for each line of standard output.
    #[track_caller]
    pub fn events(&self) -> Vec<Value> {
        let parse = |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        self.out.lines().map(parse).collect()
    }

    /// Returns the events of one kind.
    #[track_caller]
    pub fn of_kind(&self, kind: &str) -> Vec<Value> {
        self.events().into_iter().filter(|event| event["event"] == kind).collect()
    }

    /// Returns the verdict of a target.
    #[track_caller]
    pub fn verdict(&self, target: &str) -> Value {
        let found = self.of_kind("verdict").into_iter().rfind(|event| event["target"] == target);
        found.unwrap_or_else(|| panic!("no verdict of {target}\n{}\n{}", self.out, self.err))
    }

    /// Returns the name and the final state of each step of a target, in order of their start.
    #[track_caller]
    pub fn steps(&self, target: &str) -> Vec<(String, String)> {
        let mut steps: Vec<(String, String)> = Vec::new();
        for event in self.of_kind("step").iter().filter(|event| event["target"] == target) {
            let (name, state) = (event["step"].as_str().unwrap(), event["state"].as_str().unwrap());
            match steps.iter_mut().find(|(known, _)| known == name) {
                Some(step) => state.clone_into(&mut step.1),
                None => steps.push((name.to_owned(), state.to_owned())),
            }
        }
        steps
    }

    /// Returns what, why and next of the last fault event.
    #[track_caller]
    pub fn fault(&self) -> [String; 3] {
        let fault = self.of_kind("fault").pop().unwrap_or_else(|| panic!("no fault\n{}\n{}", self.out, self.err));
        ["what", "why", "next"].map(|field| fault[field].as_str().unwrap().to_owned())
    }

    /// Returns the state of a step and its detail.
    #[track_caller]
    pub fn step(&self, target: &str, step: &str) -> (String, String) {
        let of_it = |event: &Value| event["target"] == target && event["step"] == step;
        let last = self.of_kind("step").into_iter().rfind(of_it).unwrap_or_else(|| panic!("no {step}\n{}", self.out));
        (last["state"].as_str().unwrap().to_owned(), last["detail"].as_str().unwrap().to_owned())
    }

    /// Returns the result and the text of a check of a target.
    #[track_caller]
    pub fn check(&self, target: &str, check: &str) -> (String, String) {
        let of_it = |event: &Value| event["target"] == target && event["check"] == check;
        let found = self.of_kind("check").into_iter().find(of_it).unwrap_or_else(|| panic!("no {check}\n{}", self.out));
        (found["result"].as_str().unwrap().to_owned(), found["found"].as_str().unwrap().to_owned())
    }

    /// Checks that standard error is empty: under `--json` everything is on standard output.
    #[track_caller]
    pub fn quiet(self) -> Self {
        assert_eq!(self.err, "", "{:?}", self.args);
        self
    }

    /// Returns the id of the task.
    #[track_caller]
    pub fn task(&self) -> String {
        let task =
            self.of_kind("task").into_iter().next().unwrap_or_else(|| panic!("no task\n{}\n{}", self.out, self.err));
        task["task"].as_str().unwrap().to_owned()
    }
}

/// Returns whether a statement is a `RESTORE .. PREVIEW`.
fn is_preview(entry: &Value) -> bool {
    entry["text"].as_str().is_some_and(|text| text.ends_with(" PREVIEW"))
}
