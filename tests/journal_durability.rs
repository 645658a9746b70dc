//! Tests the durability of the journal and the locks when processes are killed: the test starts its own binary again as the
//! process to kill.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a test may fall where it stands")]
#![allow(clippy::disallowed_methods, reason = "the child learns from its environment what to be")]

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use obnow::journal::locks::{self, Busy, Claim, HeldLocks, LockResult, Owner};
use obnow::journal::reader::{Follower, read};
use obnow::journal::{TaskId, Writer, audit, clock};
use serde_json::{Value, json};

const ROLE: &str = "OBNOW_TEST_ROLE";
const STATE: &str = "OBNOW_TEST_STATE";

/// Serializes the tests that start processes: a process that is started while another test has inheritable locks would inherit
/// them.
fn one_at_a_time() -> MutexGuard<'static, ()> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner)
}

fn id() -> TaskId {
    "1QJ45Y2V0ZZZ".parse().unwrap()
}

fn own_process() -> Owner {
    Owner::here(&id(), Timestamp::UNIX_EPOCH)
}

fn claim() -> [Claim; 1] {
    [Claim::known("1".into(), None, vec![1002])]
}

fn held(state: &Path) -> HeldLocks {
    match locks::take(state, &claim(), &own_process()).unwrap() {
        LockResult::Held(held) => held,
        LockResult::Busy(busy) => panic!("{busy:?}"),
    }
}

fn busy(state: &Path) -> Busy {
    match locks::take(state, &claim(), &own_process()).unwrap() {
        LockResult::Held(_) => panic!("the lock was free"),
        LockResult::Busy(busy) => busy,
    }
}

/// A child process that prints lines; drop kills it.
struct ChildProcess {
    child: Child,
    out: BufReader<ChildStdout>,
}

impl ChildProcess {
    fn start(role: &str, state: &Path) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child_process", "--nocapture"])
            .env(ROLE, role)
            .env(STATE, state)
            .stdout(Stdio::piped())
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        Self { child, out }
    }

    /// Returns the next line it prints; output of the test harness is skipped.
    fn next_line(&mut self) -> Option<String> {
        loop {
            let mut line = String::new();
            if self.out.read_line(&mut line).unwrap() == 0 {
                return None;
            }
            if let Some((_, said)) = line.trim_end().split_once("SAYS ") {
                return Some(said.to_owned());
            }
        }
    }

    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for ChildProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn print_line(text: impl std::fmt::Display) {
    println!("SAYS {text}");
    std::io::stdout().flush().unwrap();
}

/// Not a test of its own but the other process of the tests below: without its role it has nothing to do.
#[test]
fn child_process() {
    let (Ok(role), Ok(state)) = (std::env::var(ROLE), std::env::var(STATE)) else { return };
    let state = Path::new(&state);
    match role.as_str() {
        "write" => {
            let now = clock::now();
            let mut writer = if std::fs::exists(state.join(format!("tasks/{}.jsonl", id()))).unwrap() {
                Writer::open(state, &id(), now).unwrap()
            } else {
                Writer::create(state, &id(), now).unwrap()
            };
            let pid = std::process::id();
            for number in 0_u64.. {
                // Long lines are longer in the writing.
                let padding = "x".repeat(usize::try_from(number % 7 * 3_000).unwrap());
                writer
                    .append(now, &json!({"pid": pid, "number": number, "padding": padding}), number % 3 == 0)
                    .unwrap();
                print_line(number);
            }
        }
        "full" => {
            let mut writer = Writer::create(state, &id(), Timestamp::UNIX_EPOCH).unwrap();
            let path = state.join(format!("tasks/{}.jsonl", id()));
            let before = std::fs::metadata(&path).unwrap().len();
            // The system takes the first bytes of the line, as a disk does that is full in the middle of it.
            let room = rustix::process::Rlimit { current: Some(before + 10), maximum: None };
            rustix::process::setrlimit(rustix::process::Resource::Fsize, room).unwrap();
            let fault = writer.append(Timestamp::UNIX_EPOCH, &json!("event"), true).unwrap_err();
            print_line(&fault.next);
            print_line(std::fs::metadata(&path).unwrap().len() - before);
        }
        "audit" => {
            let action = |number: u64| audit::AuditEntry {
                at: clock::now(),
                task: None,
                target: number.to_string(),
                who: std::process::id().to_string(),
                host: String::new(),
                action: "x".repeat(10_000),
                statement: String::new(),
            };
            for number in 0.. {
                audit::write(state, &action(number)).unwrap();
                print_line(number);
            }
        }
        "hold" => {
            let _held = held(state);
            print_line("held");
            std::io::stdin().read_line(&mut String::new()).unwrap();
        }
        "contend" => {
            let mine = state.join("inside");
            let mut won = 0;
            while won < 50 {
                if let LockResult::Held(_held) = locks::take(state, &claim(), &own_process()).unwrap() {
                    // Fails if anyone else is inside.
                    std::fs::File::create_new(&mine).unwrap();
                    std::fs::remove_file(&mine).unwrap();
                    won += 1;
                }
            }
            print_line("done");
        }
        other => panic!("no role {other}"),
    }
}

#[test]
fn acknowledged_events_survive_a_killed_writer() {
    let _turn = one_at_a_time();
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path();
    let mut follower = Follower::<Value>::new(state, &id());
    let mut seen = Vec::new();
    let mut acknowledged: Vec<(u32, u64)> = Vec::new();
    for round in 0..25_u64 {
        let mut writer = ChildProcess::start("write", state);
        // The kill falls anywhere in what the writer does after this acknowledgement.
        let stop = clock::random().unwrap() % 40 + round % 2;
        loop {
            let number: u64 = writer.next_line().unwrap().parse().unwrap();
            if number == stop {
                break;
            }
        }
        seen.extend(follower.entries().unwrap());
        let pid = writer.child.id();
        writer.kill();
        // It may have acknowledged more before it died, and all of that counts.
        let mut last = stop;
        while let Some(number) = writer.next_line() {
            last = number.parse().unwrap();
        }
        acknowledged.extend((0..=last).map(|number| (pid, number)));
    }
    let journal = read::<Value>(state, &id()).unwrap();
    seen.extend(follower.entries().unwrap());
    assert_eq!(seen, journal.entries, "a follower saw another journal");
    let mut found = Vec::new();
    for entry in journal.entries {
        let event = entry.event.unwrap();
        let part = |name: &str| event.get(name).and_then(Value::as_u64);
        let (Some(pid), Some(number)) = (part("pid"), part("number")) else { panic!("half an event: {event}") };
        found.push((u32::try_from(pid).unwrap(), number));
    }
    // Beyond the acknowledged ones a writer may have finished one more.
    let surplus: Vec<_> = found.iter().filter(|event| !acknowledged.contains(event)).collect();
    assert!(surplus.len() <= 25, "{surplus:?}");
    found.retain(|event| acknowledged.contains(event));
    assert_eq!(found, acknowledged);
}

#[test]
fn full_disk_leaves_no_partial_line() {
    let _turn = one_at_a_time();
    let folder = tempfile::tempdir().unwrap();
    let mut writer = ChildProcess::start("full", folder.path());
    assert!(writer.next_line().unwrap().contains("Free some space"));
    assert_eq!(writer.next_line().unwrap(), "0");
}

#[test]
fn audited_actions_survive_a_killed_writer() {
    let _turn = one_at_a_time();
    let folder = tempfile::tempdir().unwrap();
    let mut acknowledged: Vec<(String, String)> = Vec::new();
    for _ in 0..5 {
        let mut players = [ChildProcess::start("audit", folder.path()), ChildProcess::start("audit", folder.path())];
        for player in &mut players {
            while player.next_line().unwrap() != "10" {}
        }
        for player in &mut players {
            let pid = player.child.id();
            player.kill();
            let mut last = 10_u64;
            while let Some(number) = player.next_line() {
                last = number.parse().unwrap();
            }
            acknowledged.extend((0..=last).map(|number| (pid.to_string(), number.to_string())));
        }
    }
    let read = audit::read(folder.path()).unwrap();
    let found: std::collections::HashSet<_> =
        read.into_iter().filter_map(Result::ok).map(|action| (action.who, action.target)).collect();
    for action in &acknowledged {
        assert!(found.contains(action), "{action:?} is lost");
    }
}

#[test]
fn a_lock_names_its_living_holder_and_ends_with_his_kill() {
    let _turn = one_at_a_time();
    let folder = tempfile::tempdir().unwrap();
    for _ in 0..5 {
        let mut holder = ChildProcess::start("hold", folder.path());
        assert_eq!(holder.next_line().unwrap(), "held");
        let owner = busy(folder.path()).owner.unwrap();
        assert_eq!((owner.pid, &owner.task, owner.alive()), (holder.child.id(), &id(), true));
        assert_eq!(locks::owner(folder.path(), "1", Some(1002)), Some(owner.clone()));
        holder.kill();
        assert!(!owner.alive());
        assert_eq!(locks::owner(folder.path(), "1", Some(1002)), None);
    }
    drop(held(folder.path()));
}

#[test]
fn a_journal_has_one_writer_among_processes_too() {
    let _turn = one_at_a_time();
    let folder = tempfile::tempdir().unwrap();
    let mut writer = ChildProcess::start("write", folder.path());
    writer.next_line().unwrap();
    Writer::<Value>::open(folder.path(), &id(), clock::now()).unwrap_err();
    writer.kill();
    Writer::<Value>::open(folder.path(), &id(), clock::now()).unwrap();
}

#[test]
fn of_many_processes_one_at_a_time_is_inside() {
    let _turn = one_at_a_time();
    let folder = tempfile::tempdir().unwrap();
    let mut players: Vec<ChildProcess> = (0..4).map(|_| ChildProcess::start("contend", folder.path())).collect();
    for player in &mut players {
        assert_eq!(player.next_line().as_deref(), Some("done"));
        assert!(player.child.wait().unwrap().success());
    }
}

#[test]
fn inherited_locks_outlive_the_runner() {
    let _turn = one_at_a_time();
    let folder = tempfile::tempdir().unwrap();
    let gone = Owner { started: "another boot+1".into(), ..own_process() };
    let LockResult::Held(locks) = locks::take(folder.path(), &claim(), &gone).unwrap() else { panic!("busy") };
    let copies = locks.inheritable().unwrap();
    let mut child = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    drop(copies);
    drop(locks);
    let other = Owner { pid: 1, ..own_process() };
    for tenants in [vec![1002], vec![]] {
        let claims = [Claim::known("1".into(), None, tenants)];
        let LockResult::Busy(refused) = locks::take(folder.path(), &claims, &other).unwrap() else { panic!("free") };
        assert_eq!(refused.owner.as_ref(), Some(&gone));
        assert!(refused.fault().why.contains("what it started still runs"), "{}", refused.fault());
    }
    drop(child.stdin.take());
    child.wait().unwrap();
    drop(held(folder.path()));
}

#[test]
fn a_child_that_was_not_given_the_locks_does_not_keep_them() {
    let _turn = one_at_a_time();
    let folder = tempfile::tempdir().unwrap();
    let locks = held(folder.path());
    let mut child = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    // While it becomes another program it still has everything its parent has; when it answers it has become one.
    let mut input = child.stdin.take().unwrap();
    input.write_all(b"are you there?\n").unwrap();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut String::new()).unwrap();
    drop(locks);
    drop(held(folder.path()));
    drop(input);
    child.wait().unwrap();
}
