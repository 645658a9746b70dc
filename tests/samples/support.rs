//! Fixtures for the samples: their paths, and a copy in a directory of the test.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::fleet::DemoFleet;

/// The directory in which they were made, without the scenario.
const MADE_IN: &str = "/tmp/ob/demo";

/// The folder of a scenario's samples, by the release that wrote them.
const RELEASE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/samples/0.1.0");

/// One task: its state directory, and its plan file where one was saved.
#[derive(Debug, Clone)]
pub struct Sample {
    pub scenario: String,
    /// What is shown of it, under its scenario.
    pub name: String,
    folder: PathBuf,
    /// The task's id.
    pub id: String,
    /// The journal as it was when the task had ended.
    journal: String,
}

/// All of them, in order of their names.
pub fn samples() -> Vec<Sample> {
    let all: Vec<Sample> = folders(Path::new(RELEASE)).iter().flat_map(|scenario| folders(scenario)).map(of).collect();
    assert!(all.len() >= 39, "{} samples", all.len());
    all
}

/// One of them.
#[track_caller]
pub fn sample(scenario: &str, name: &str) -> Sample {
    of(Path::new(RELEASE).join(scenario).join(name))
}

fn of(folder: PathBuf) -> Sample {
    let journal = files(&folder.join("tasks")).pop().unwrap_or_else(|| panic!("no journal in {}", folder.display()));
    let last = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
    Sample {
        scenario: last(folder.parent().unwrap()),
        name: last(&folder),
        id: last(&journal).trim_end_matches(".jsonl").to_owned(),
        journal: std::fs::read_to_string(journal).unwrap(),
        folder,
    }
}

fn listed(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

fn folders(folder: &Path) -> Vec<PathBuf> {
    listed(folder).into_iter().filter(|path| path.is_dir()).collect()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    listed(folder).into_iter().filter(|path| path.is_file()).collect()
}

/// The event of a journal's line; null in its header.
pub fn event(line: &str) -> Value {
    serde_json::from_str::<Value>(line).unwrap()["event"].take()
}

impl Sample {
    /// Its events.
    pub fn events(&self) -> Vec<Value> {
        self.journal.lines().skip(1).map(event).collect()
    }

    /// Its journal as it was when the task had ended.
    pub fn whole(&self) -> String {
        self.journal.clone()
    }

    /// The verdict of each target, and the set it is of.
    pub fn verdicts(&self) -> Vec<(Value, Value, Value)> {
        let all = self.events().into_iter().filter(|event| event["event"] == "verdict");
        all.map(|event| (event["target"].clone(), event["outcome"]["verdict"].clone(), event["outcome"]["set"].clone()))
            .collect()
    }

    /// The journal as it was while the job ran, and what came behind; None: it never came so far. A journal is only ever
    /// appended to, so what a task that runs has is the beginning.
    pub fn while_it_ran(&self) -> Option<(String, String)> {
        let mut lines = self.journal.split_inclusive('\n');
        let ends = |line: &&str| {
            let event = event(line);
            event["step"] == "wait_for_backup" && event["event"] == "step" && event["state"] != "running"
        };
        let running: Vec<&str> = lines.by_ref().take_while(|line| !ends(line)).collect();
        let running = running.concat();
        let rest = self.journal[running.len()..].to_owned();
        (!rest.is_empty()).then_some((running, rest))
    }

    /// Puts it where this fleet is: its inventory, its state, and the plan file; the journal is as given. Ports and paths
    /// become those of the fleet.
    pub fn put(&self, fleet: &DemoFleet, journal: &str) {
        let moved = Moved::to(self, fleet);
        private(&fleet.config(), &moved.text(&self.config()));
        self.put_state(&fleet.state(), journal, &|text| moved.text(text));
        let plan = self.folder.join("plan.yaml");
        if plan.exists() {
            private(&plan_file(fleet), &moved.text(&read(&plan)));
        }
    }

    /// Puts its state alone into a directory.
    pub fn put_state(&self, state: &Path, journal: &str, moved: &dyn Fn(&str) -> String) {
        let running = journal.len() < self.journal.len();
        for part in folders(&self.folder) {
            for file in files(&part) {
                let name = file.file_name().unwrap().to_str().unwrap().to_owned();
                let ends_in = |end: &str| file.extension().is_some_and(|found| found == end);
                let text = if ends_in("jsonl") { journal.to_owned() } else { read(&file) };
                // The word of who holds a lock goes with the task.
                if running || !ends_in("owner") {
                    let folder = state.join(part.file_name().unwrap());
                    private(&folder.join(moved(&name)), &moved(&text));
                }
            }
        }
        let audit = self.folder.join("audit.jsonl");
        if audit.exists() {
            private(&state.join("audit.jsonl"), &moved(&read(&audit)));
        }
    }

    /// The inventory of its scenario.
    pub fn config(&self) -> String {
        read(&self.folder.parent().unwrap().join("config.yaml"))
    }

    /// Whether a plan was saved.
    pub fn has_plan(&self) -> bool {
        self.folder.join("plan.yaml").exists()
    }
}

/// Where a sample's plan file is put.
pub fn plan_file(fleet: &DemoFleet) -> PathBuf {
    fleet.folder().join("plan.yaml")
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

/// Writes what only its owner may read, and the folders above it.
pub fn private(path: &Path, text: &str) {
    let folder = path.parent().unwrap();
    if !folder.exists() {
        std::fs::create_dir_all(folder).unwrap();
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700)).unwrap();
        std::fs::set_permissions(folder.parent().unwrap(), std::fs::Permissions::from_mode(0o700)).unwrap();
    }
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

/// How a sample's texts become those of a fleet: its folder, and port by port.
struct Moved {
    folder: (String, String),
    ports: Vec<(String, String)>,
}

impl Moved {
    fn to(sample: &Sample, fleet: &DemoFleet) -> Self {
        let old = endpoints(&sample.config());
        let new = endpoints(&read(&fleet.config()));
        let folder = (format!("{MADE_IN}/{}", sample.scenario), fleet.folder().to_str().unwrap().to_owned());
        let of_new =
            |server: &(String, usize)| new.iter().find(|(known, _)| known == server).map(|(_, port)| port.clone());
        let mut ports: Vec<(String, String)> =
            old.iter().filter_map(|(server, port)| Some((port.clone(), of_new(server)?))).collect();
        ports.dedup();
        Self { folder, ports }
    }

    fn text(&self, text: &str) -> String {
        let mut text = text.replace(&self.folder.0, &self.folder.1);
        // A new port may be another one's old: first each gets a sign of its own.
        for (place, (old, _)) in self.ports.iter().enumerate() {
            text = text.replace(&format!("127.0.0.1:{old}"), &format!("127.0.0.1:<{place}>"));
            text = text.replace(&format!("127-0-0-1-{old}"), &format!("127-0-0-1-<{place}>"));
        }
        for (place, (_, new)) in self.ports.iter().enumerate() {
            text = text.replace(&format!("<{place}>"), new);
        }
        text
    }
}

/// The ports of an inventory, by the name of the cluster and the place in its list.
fn endpoints(config: &str) -> Vec<((String, usize), String)> {
    let config: Value = serde_yaml::from_str(config).unwrap();
    let clusters = config["clusters"].as_array().unwrap().iter();
    let of = |cluster: &Value| {
        let name = cluster["name"].as_str().unwrap().to_owned();
        let all = cluster["endpoints"].as_array().unwrap().clone().into_iter().enumerate();
        all.map(move |(place, endpoint)| {
            ((name.clone(), place), endpoint.as_str().unwrap().rsplit(':').next().unwrap().to_owned())
        })
        .collect::<Vec<_>>()
    };
    clusters.flat_map(of).collect()
}
