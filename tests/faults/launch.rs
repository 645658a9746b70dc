//! Tests of the launch of a runner: it starts nothing without its payload, survives the end of the front end, and of two that
//! start at once only one runs.

use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::time::Duration;

use obnow::app::launch::{DetachedLauncher, LaunchOutcome, LaunchRequest, Launcher, TaskSecrets};
use obnow::app::prepare::prepare;
use obnow::app::{AppContext, detect, tasks};
use obnow::demo::control::ControlRequest;
use obnow::domain::choices::{Choices, Mode, RequestedStorage, StorageSource};
use obnow::domain::fault::{Cause, Fault};
use obnow::domain::secret::{Secret, SecretSource};

use crate::fixtures::{
    RunningCommand, events, hold, is_alive, journals, kill, newest_events, release, runner, serve_quick, state_of,
    task, until, wait,
};
use crate::fleet::{DemoFleet, OBNOW};

const BACKUP: [&str; 6] = ["backup", "demo/pay", "--mode", "full", "--yes", "--json"];

/// Returns what a runner replies to this standard input.
fn told(id: &str, state: &std::path::Path, parcel: &[u8]) -> String {
    let mut runner = Command::new(OBNOW)
        .args(["run-task", id, "--state"])
        .arg(state)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // One that refuses may have left before it read everything.
    let _ = runner.stdin.take().unwrap().write_all(parcel);
    let mut said = String::new();
    runner.stdout.take().unwrap().read_to_string(&mut said).unwrap();
    runner.wait().unwrap();
    said
}

#[test]
fn without_its_parcel_a_runner_refuses_and_leaves_nothing() {
    let place = tempfile::tempdir().unwrap();
    let state = place.path().join("state");
    let good_id = "1QJ45Y2V0ZZZ";
    let parcels: [&[u8]; 9] = [
        b"",
        b"{",
        b"null",
        b"[]",
        b"\xff\xfe\x00",
        b"{\"order\":\"go_on\"",
        b"{\"order\":\"go_on\",\"login\":null,\"access_key\":null,\"encryption\":null}",
        b"{\"order\":{\"new\":{\"prepared\":{},\"connection\":{},\"by\":\"x\"}},\"login\":null}",
        b"{\"order\":\"rm -rf\",\"login\":\"CANARY-in-a-parcel\"}",
    ];
    for parcel in parcels {
        let said = told(good_id, &state, parcel);
        let fault = said.strip_prefix("refused ").unwrap_or_else(|| panic!("{said:?} to {parcel:?}"));
        let fault: Fault = serde_json::from_str(fault).unwrap();
        assert!(!fault.what.is_empty() && !fault.next.is_empty());
        assert!(!said.contains("CANARY"), "{said}");
    }
    for id in ["", "x", "../../../../tmp/x", "1QJ45Y2V0ZZZ/..", "-"] {
        let said = told(id, &state, parcels[6]);
        assert!(said.is_empty() || said.starts_with("refused "), "{said:?} to the id {id:?}");
    }
    let left: Vec<_> = walk(&state).into_iter().filter(|path| path.is_file()).collect();
    assert!(left.is_empty(), "{left:?}");
}

fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}

/// A program that is no runner.
fn script(text: &str) -> (tempfile::TempDir, DetachedLauncher) {
    let place = tempfile::tempdir().unwrap();
    let program = place.path().join("runner");
    crate::script::script(&program, &format!("echo $$ >{}/pid\n{text}", place.path().display()));
    let detached =
        DetachedLauncher { program, state: place.path().join("state"), start_timeout: Duration::from_millis(400) };
    (place, detached)
}

fn launched(detached: &DetachedLauncher) -> Fault {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let id = "1QJ45Y2V0ZZZ".parse().unwrap();
    runtime.block_on(detached.launch(&id, LaunchRequest::Resume, TaskSecrets::default())).unwrap_err()
}

/// A runner that was called not started must not start later.
#[test]
fn a_runner_that_says_nothing_in_time_is_ended() {
    let (place, detached) = script("cat >/dev/null\nexec sleep 1000");
    let fault = launched(&detached);
    assert!(fault.why.contains("did not say within"), "{fault}");
    let pid = std::fs::read_to_string(place.path().join("pid")).unwrap().trim().parse().unwrap();
    until("its end", || if is_alive(pid) { Err(format!("{pid} lives")) } else { Ok(()) });
}

#[test]
fn a_runner_that_goes_without_a_word_is_said_to() {
    let (_place, detached) = script("cat >/dev/null");
    assert!(launched(&detached).why.contains("ended before it had said anything"));
    let (_place, detached) = script("cat >/dev/null; echo whatever");
    assert!(launched(&detached).why.contains("ended before it had said anything"));
}

/// A runner that started the task before it became unresponsive is not reported as not started.
#[test]
fn a_runner_that_falls_silent_after_it_began_leaves_a_task() {
    let (place, detached) = script("cat >/dev/null; exec sleep 1000");
    let fleet = serve_quick("healthy");
    fleet.json(&BACKUP[..5]).exits(0);
    let journal = journals(&fleet).pop().unwrap();
    let (state, id) = (place.path().join("state/tasks"), task(&fleet));
    std::fs::create_dir_all(&state).unwrap();
    let text = std::fs::read_to_string(journal).unwrap();
    let begun: Vec<&str> = text.lines().take(2).collect();
    std::fs::write(state.join(format!("{id}.jsonl")), begun.join("\n") + "\n").unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let id = id.parse().unwrap();
    let fault = runtime.block_on(detached.launch(&id, LaunchRequest::Resume, TaskSecrets::default())).unwrap_err();
    assert_eq!(fault.cause, Cause::Unknown, "{fault}");
    assert!(fault.next.contains(&format!("obnow retry {id}")), "{fault}");
}

/// The front end dies at every moment of the launch: either nothing was started, or the task reaches its verdict.
#[test]
fn a_face_that_dies_at_any_moment_leaves_all_or_nothing() {
    let fleet = serve_quick("healthy");
    let (mut began, mut nothing) = (0, 0);
    for round in 0..12_u64 {
        let before = journals(&fleet).len();
        let starts = fleet.starts().len();
        let face = RunningCommand::start(&fleet, &BACKUP);
        let pid = face.pid();
        let child = until("the runner's process", || child_of(pid).ok_or_else(|| "none".to_owned()));
        // Anywhere from right after the spawn to after the task was begun.
        std::thread::sleep(Duration::from_micros(round * 800));
        kill(pid, rustix::process::Signal::KILL);
        drop(face);
        until("the end of the runner", || if is_alive(child) { Err(format!("{child} lives")) } else { Ok(()) });
        let now = fleet.json(&["tasks"]).exits(0).of_kind("task").len();
        assert!(now == before || now == before + 1);
        if now == before {
            nothing += 1;
            assert_eq!(fleet.starts().len(), starts, "something was started that no task knows of");
        } else {
            began += 1;
            assert_eq!(state_of(&fleet, &task(&fleet)), "done");
            assert_eq!(fleet.starts().len(), starts + 1);
        }
    }
    assert!(began > 0, "{nothing} times nothing was begun");
}

/// The runner that this face started.
fn child_of(face: u32) -> Option<u32> {
    for entry in std::fs::read_dir("/proc").unwrap() {
        let Some(pid) = entry.ok()?.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let parent = stat.rsplit_once(") ").and_then(|(_, rest)| rest.split(' ').nth(1)?.parse::<u32>().ok());
        let said = std::fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        if parent == Some(face) && said.contains("run-task") {
            return Some(pid);
        }
    }
    None
}

/// Of two that start at once on one target, one runs and the other names it.
#[test]
fn of_two_starts_at_once_exactly_one_begins() {
    let fleet = serve_quick("healthy");
    for round in 1..=20 {
        let tenant = ["pay", "order"][round % 2];
        let target = format!("demo/{tenant}");
        let args = ["backup", target.as_str(), "--mode", "full", "--yes"];
        let phase = "BACKUP_SYS_META".to_owned();
        fleet.ask(&ControlRequest::HoldPhase { cluster: None, tenant: tenant.into(), phase: phase.clone() });
        let mut faces = [RunningCommand::start(&fleet, &args), RunningCommand::start(&fleet, &args)];
        let loser = until("the one that is refused", || {
            faces.iter_mut().position(RunningCommand::ended).ok_or_else(|| "both run".to_owned())
        });
        let [first, second] = faces;
        let (loser, winner) = if loser == 0 { (first, second) } else { (second, first) };
        let refused = loser.end().exits(11);
        wait(&fleet, tenant, "task", "BACKUP_SYS_META");
        let id = task(&fleet);
        assert!(refused.err.contains(&id) || refused.out.contains(&id), "{id} is not named:\n{}", refused.err);
        fleet.ask(&ControlRequest::ReleasePhase { cluster: None, tenant: tenant.into(), phase });
        winner.end().exits(0);
        assert_eq!((journals(&fleet).len(), fleet.starts().len()), (round, round));
    }
}

/// A task of the cluster excludes tasks of its tenants and the reverse; tenants do not exclude each other. The server shows no
/// job yet, so that only the locks decide.
#[test]
fn a_cluster_and_its_tenants_exclude_each_other() {
    let start = "ALTER SYSTEM BACKUP TENANT = 'pay'";
    let fleet = serve_quick("healthy");
    // As long as the others take, the held statement waits.
    let config = std::fs::read_to_string(fleet.config()).unwrap();
    std::fs::write(fleet.config(), config.replace("statement: 5s", "statement: 60s")).unwrap();
    hold(&fleet, start, false, false);
    let tenant = RunningCommand::start(&fleet, &BACKUP);
    wait(&fleet, "", "held", "1");
    let id = task(&fleet);
    let refused = fleet.run(&["backup", "demo", "--mode", "full", "--yes"]).exits(11);
    assert!(refused.err.contains(&id), "{}", refused.err);
    // The same cluster under another name in another inventory is the same cluster.
    let other = fleet.folder().join("other.yaml");
    std::fs::write(&other, std::fs::read_to_string(fleet.config()).unwrap().replace("name: demo", "name: alias"))
        .unwrap();
    std::fs::set_permissions(&other, std::fs::Permissions::from_mode(0o600)).unwrap();
    let mut alias = Command::new(OBNOW);
    alias.args(["backup", "alias/pay", "--mode", "full", "--yes", "--config"]).arg(&other);
    let alias = alias.arg("--state").arg(fleet.state()).output().unwrap();
    assert_eq!(alias.status.code(), Some(11), "{}", String::from_utf8_lossy(&alias.stderr));
    fleet.run(&["backup", "demo/order", "--mode", "full", "--yes"]).exits(0);
    release(&fleet, start);
    tenant.end().exits(0);
    // The other way round.
    let start = "ALTER SYSTEM BACKUP";
    hold(&fleet, start, false, false);
    let whole = RunningCommand::start(&fleet, &["backup", "demo", "--mode", "full", "--yes", "--json"]);
    wait(&fleet, "", "held", "1");
    let id = task(&fleet);
    let refused = fleet.run(&["backup", "demo/order", "--mode", "full", "--yes"]).exits(11);
    assert!(refused.err.contains(&id), "{}", refused.err);
    release(&fleet, start);
    whole.end().exits(0);
    assert_eq!(fleet.starts().len(), 3, "{:#?}", fleet.starts());
}

/// A state directory is the same for the face and its runner, from wherever it is named.
#[test]
fn a_relative_state_directory_is_that_of_the_face() {
    let fleet = DemoFleet::serve("healthy");
    let place = tempfile::tempdir().unwrap();
    let mut face = Command::new(OBNOW);
    face.args(["backup", "demo/pay", "--mode", "full", "--yes", "--config"]).arg(fleet.config());
    // Without a home directory: both places are named.
    let face = face.args(["--state", "here/state"]).current_dir(place.path()).env_remove("HOME").output().unwrap();
    assert_eq!(face.status.code(), Some(0), "{}", String::from_utf8_lossy(&face.stderr));
    assert!(place.path().join("here/state/tasks").is_dir());
}

/// The beat of a runner is a private file that its end leaves behind.
#[test]
fn a_runner_has_a_heartbeat() {
    let fleet = serve_quick("healthy");
    fleet.ask(&ControlRequest::HoldPhase { cluster: None, tenant: "pay".into(), phase: "BACKUP_SYS_META".into() });
    let face = RunningCommand::start(&fleet, &BACKUP);
    wait(&fleet, "pay", "task", "BACKUP_SYS_META");
    let path = journals(&fleet).pop().unwrap().with_extension("alive");
    let beat = |at: &std::path::Path| std::fs::metadata(at).unwrap().modified().unwrap();
    let first = beat(&path);
    until("another beat", || if beat(&path) > first { Ok(()) } else { Err(format!("{first:?}")) });
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", runner(&fleet))).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().skip(4).take(2).collect::<Vec<_>>(), ["0", "0"], "{core}");
    fleet.ask(&ControlRequest::ReleasePhase { cluster: None, tenant: "pay".into(), phase: "BACKUP_SYS_META".into() });
    face.end().exits(0);
    assert_eq!(newest_events(&fleet).last().unwrap()["event"], "runner_ended");
    assert_eq!(events(&journals(&fleet)[0]).len(), newest_events(&fleet).len());
}

/// Faces refuse such a key themselves. Whatever hands it over all the same: nothing is stopped for a statement that cannot be
/// made, and nothing is written down as sent.
#[test]
fn unbuildable_later_statement_sends_nothing() {
    let fleet = DemoFleet::serve("healthy");
    let room = AppContext::open(Some(fleet.config()), Some(fleet.state()), None).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let cluster = room.cluster("demo").unwrap();
    let facts = runtime.block_on(detect::one(&room, cluster)).unwrap();
    let mut choices = Choices::new(vec!["demo/pay".parse().unwrap()], Mode::Full);
    choices.storage = Some(RequestedStorage {
        data: Some("s3://b/p?host=h&access_id=A".to_owned()),
        archive: None,
        access_id: None,
        access_key: Some(SecretSource::Stdin),
        source: StorageSource::Given,
        tenants: None,
    });
    let id = tasks::new_id(&room).unwrap();
    let prepared = prepare(&facts, &choices, id.as_str()).unwrap();
    assert!(prepared.preview.iter().any(|step| step.statements.iter().any(|text| text.contains("NOARCHIVELOG"))));
    let (connection, login) = (Box::new(room.connection(cluster)), runtime.block_on(room.password(cluster)).unwrap());
    let order = LaunchRequest::Start { prepared: Box::new(prepared), connection, by: "a test".to_owned() };
    let key = Some(Secret::new("CANARY&b".to_owned()));
    let purse = TaskSecrets { login: Some(login), access_key: key, ..TaskSecrets::default() };
    room.ensure_state_directory().unwrap();
    let detached =
        DetachedLauncher { program: OBNOW.into(), state: fleet.state(), start_timeout: Duration::from_secs(20) };
    let started = runtime.block_on(detached.launch(&id, order, purse)).unwrap();
    assert!(matches!(started, LaunchOutcome::Started));
    let events = until("the end", || {
        let events = newest_events(&fleet);
        if events.iter().any(|event| event["event"] == "runner_ended") {
            Ok(events)
        } else {
            Err(format!("{events:?}"))
        }
    });
    assert!(!events.iter().any(|event| event["event"] == "intent"), "{events:#?}");
    let told = events.iter().find(|event| event["event"] == "verdict").unwrap().to_string();
    assert!(
        told.contains("The access key of s3://b/p/1001/1002/clog cannot be used.") && !told.contains("CANARY"),
        "{told}"
    );
    assert_eq!(fleet.statements(), Vec::<String>::new());
    let audit = std::fs::read_to_string(fleet.state().join("audit.jsonl")).unwrap_or_default();
    assert!(!audit.contains("ARCHIVELOG"), "{audit}");
}
