//! Tests the program against a real server: its runner is killed while the dump runs, and Retry waits for that dump.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

mod engine;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use engine::seekdb::{PASSWORD, Seekdb};
use engine::{SERVER, program, sample_data};
use obnow::backend::dump::process::ProcessRecord;
use rustix::process::{Pid, Signal, kill_process, kill_process_group};

fn obnow(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_obnow"));
    command.arg("--config").arg(folder.join("config.yaml")).arg("--state").arg(folder.join("state")).args(arguments);
    command.stdin(Stdio::null());
    command
}

/// What `find` finds, as soon as it does.
async fn soon<T>(what: &str, mut find: impl FnMut() -> Option<T>) -> T {
    for _ in 0..6000 {
        if let Some(found) = find() {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("{what} never came")
}

fn files(folder: &Path, end: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).filter(|path| path.to_str().is_some_and(|path| path.ends_with(end))).collect()
}

fn pid(number: u64) -> Pid {
    Pid::from_raw(i32::try_from(number).unwrap()).unwrap()
}

/// Gone, or only not yet noticed by its parent.
fn is_over(pid: u64) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_none_or(|(_, rest)| rest.starts_with('Z'))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_runner_leaves_a_dump_that_retry_waits_for() {
    if program("mydumper").is_none() {
        return;
    }
    let Some(engine) = Seekdb::start(SERVER).await else { return };
    let mut source = engine.connect().await;
    sample_data::quiet(&mut source).await;
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let private = |name: &str, text: &str| {
        std::fs::write(here.join(name), text).unwrap();
        std::fs::set_permissions(here.join(name), std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    };
    private("password", PASSWORD);
    let inventory = format!(
        "clusters:\n  - name: lab\n    endpoints: [\"127.0.0.1:{}\"]\n    user: root@sys\n    password: {{file: {}}}\n",
        engine.port,
        here.join("password").display()
    );
    private("config.yaml", &inventory);
    let backup = here.join("backup");
    let storage = format!("file://{}", backup.display());

    let started = obnow(here, &["backup", "lab", "--mode", "full", "--storage", &storage, "--yes", "--detach"]);
    let said = { started }.output().unwrap();
    assert!(
        said.status.success(),
        "{}\n{}",
        String::from_utf8_lossy(&said.stdout),
        String::from_utf8_lossy(&said.stderr)
    );
    let record = soon("the record of the dump", || {
        let path = files(&backup, ".dump.json").pop()?;
        serde_json::from_slice::<ProcessRecord>(&std::fs::read(path).ok()?).ok()
    })
    .await;
    let task = record.run.strip_suffix(".1").unwrap().to_owned();
    let partial = backup.join(format!("{}.partial", record.run));
    soon("the dump's folder", || partial.is_dir().then_some(())).await;
    let journal = soon("the journal", || files(&here.join("state/tasks"), ".jsonl").pop()).await;
    let lines = || -> Vec<serde_json::Value> {
        let text = std::fs::read_to_string(&journal).unwrap();
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    };
    let runner = lines().iter().find_map(|line| line["event"]["pid"].as_u64()).unwrap();
    kill_process(pid(runner), Signal::KILL).unwrap();
    soon("the runner's end", || is_over(runner).then_some(())).await;
    // Not before: a stopped group whose parent ends is woken by the kernel.
    kill_process_group(pid(record.pid.into()), Signal::STOP).unwrap();

    assert!(files(&backup, ".exit").is_empty(), "the dump was over before it could be held");

    // The dump keeps the target: nobody else starts one.
    let other = obnow(here, &["backup", "lab", "--mode", "full", "--storage", &storage, "--yes", "--detach"]);
    let said = { other }.output().unwrap();
    let words = format!("{}{}", String::from_utf8_lossy(&said.stdout), String::from_utf8_lossy(&said.stderr));
    assert!(!said.status.success() && words.contains(&task), "{words}");
    eprintln!("{words}");

    let retry = obnow(here, &["retry", &task, "--yes"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let waits = format!("the dump of attempt 1, process {}, still runs", record.pid);
    soon("the word of the dump that still runs", || {
        std::fs::read_to_string(&journal).unwrap().contains(&waits).then_some(())
    })
    .await;
    kill_process_group(pid(record.pid.into()), Signal::CONT).unwrap();
    let said = retry.wait_with_output().unwrap();
    let words = format!("{}{}", String::from_utf8_lossy(&said.stdout), String::from_utf8_lossy(&said.stderr));
    eprintln!("{words}");
    assert!(said.status.success(), "{words}");
    assert!(backup.join(&record.run).join("manifest.json").is_file());
    assert_eq!(files(&backup, ".dump.json").len(), 1, "one dump was made");
    assert!(!std::fs::read_to_string(&journal).unwrap().contains(PASSWORD));
}
