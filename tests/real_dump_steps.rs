//! Tests a logical backup step by step against a real server: observations, actions and events, also after a kill.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

mod engine;

use std::fs::File;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use engine::seekdb::{PASSWORD, Seekdb};
use engine::{SERVER, program, sample_data, sql};
use obnow::app::prepare::prepare;
use obnow::backend::dump::DumpSystem;
use obnow::backend::dump::manifest::{MANIFEST_NAME, verify};
use obnow::backend::dump::process::{DumpProcess, ProcessRecord};
use obnow::backend::dump::run_paths::RunPaths;
use obnow::backend::oceanbase::OceanBase;
use obnow::backend::{Observed, ObservedJob, Secrets, StepContext, StepObservation, System};
use obnow::domain::choices::{Choices, Mode, RequestedStorage, StorageSource};
use obnow::domain::connection::{Connection, Limits, TlsMode};
use obnow::domain::fault::Cause;
use obnow::domain::outcome::{Outcome, VerdictKind};
use obnow::domain::secret::Secret;
use obnow::domain::step::{StepKind, StepState};
use obnow::domain::target::TargetName;
use obnow::domain::task::{Event, Prepared, TaskView};
use obnow::journal::Writer;
use obnow::journal::clock::now;
use obnow::runner::Runner;
use rustix::process::{Pid, Signal, kill_process_group};

const TASK: &str = "01JD8Z4K7QM3";
const POLLS: u32 = 24_000;

fn target() -> TargetName {
    TargetName::cluster_named("lab").unwrap()
}

fn connection(engine: &Seekdb, mydumper: Option<&Path>) -> Connection {
    Connection {
        endpoints: vec![format!("127.0.0.1:{}", engine.port)],
        user: "root@sys".to_owned(),
        password: None,
        tls: TlsMode::Prefer,
        ca: None,
        mydumper: mydumper.map(|path| path.display().to_string()),
        limits: Limits {
            connect: 10_000,
            statement: 30_000,
            poll: 20,
            stall: 120_000,
            archive_wait: 1_000,
            heartbeat: 1_000,
            proof: 1_000,
        },
    }
}

fn system(engine: &Seekdb, mydumper: Option<&Path>) -> System {
    let secrets = Secrets { login: Some(Secret::new(PASSWORD.to_owned())), ..Secrets::default() };
    let server = OceanBase::new(target(), None, connection(engine, mydumper), secrets);
    System::Dump(Box::new(DumpSystem::new(server)))
}

async fn prepared(engine: &Seekdb, folder: &Path) -> Prepared {
    let facts = system(engine, None).detect().await.unwrap();
    let storage = RequestedStorage {
        data: Some(format!("file://{}", folder.display())),
        archive: None,
        access_id: None,
        access_key: None,
        source: StorageSource::Given,
        tenants: None,
    };
    let choices = Choices { storage: Some(storage), ..Choices::new(vec![target()], Mode::Full) };
    prepare(&facts, &choices, TASK).unwrap()
}

fn created(prepared: &Prepared, engine: &Seekdb) -> Event {
    let connection = Box::new(connection(engine, None));
    Event::Created { prepared: Box::new(prepared.clone()), connection, by: "a@b".to_owned() }
}

/// The state of a runner without its loop: the test makes each observation and action.
struct StepHarness {
    system: System,
    prepared: Prepared,
    view: TaskView,
}

impl StepHarness {
    fn new(system: System, prepared: Prepared, engine: &Seekdb) -> Self {
        let mut view = TaskView::default();
        view.apply(now(), &created(&prepared, engine));
        Self { system, prepared, view }
    }

    fn write(&mut self, event: &Event) {
        self.view.apply(now(), event);
    }

    /// A runner takes the task, as the first or after another.
    fn attempt(&mut self, system: System) {
        self.system = system;
        let anew = self.view.targets[0].needs_new_backup();
        let attempt = self.view.attempt + 1;
        self.write(&Event::RunnerStarted { pid: 1, attempt, anew, targets: vec![target()], process: None });
    }

    fn place(&self, attempt: u32) -> RunPaths {
        let planned = &self.prepared.plan.targets[0].step(StepKind::StartBackup).unwrap().actions[0];
        let obnow::domain::plan::Action::StartDump { directory, .. } = planned else { panic!("{planned:?}") };
        RunPaths::for_attempt(directory, TASK, attempt).unwrap()
    }

    async fn look(&mut self, step: StepKind) -> StepObservation {
        let plan = self.prepared.plan.targets[0].clone();
        let attempt = self.view.attempt;
        let run = StepContext { task: TASK, prepared: &self.prepared, view: &self.view, attempt, now: now() };
        let Observed { observation: look, job } =
            self.system.observe_step(&run, step, &[&plan]).await.unwrap().remove(0);
        if let Some(ObservedJob { job_id: job, set_id: set, kind }) = job {
            self.write(&Event::Job { target: target(), job, set, kind });
        }
        look
    }

    async fn done(&mut self, step: StepKind) -> String {
        for _ in 0..POLLS {
            match self.look(step).await {
                StepObservation::Done(said) => {
                    self.passed(step);
                    return said;
                }
                StepObservation::Wait(_) => tokio::time::sleep(Duration::from_millis(5)).await,
                look => panic!("{step:?}: {look:?}"),
            }
        }
        panic!("{step:?} does not end")
    }

    fn passed(&mut self, step: StepKind) {
        self.write(&Event::Step { target: target(), step, state: StepState::Ok, detail: String::new(), fault: None });
    }

    async fn ended(&mut self, step: StepKind) -> Outcome {
        for _ in 0..POLLS {
            match self.look(step).await {
                StepObservation::Verdict(outcome) | StepObservation::JobFailed(outcome) => {
                    self.write(&Event::Verdict { target: target(), outcome: outcome.clone() });
                    return *outcome;
                }
                StepObservation::Wait(_) => tokio::time::sleep(Duration::from_millis(5)).await,
                look => panic!("{step:?}: {look:?}"),
            }
        }
        panic!("{step:?} does not end")
    }

    async fn checks(&mut self) {
        for step in [StepKind::CheckTarget, StepKind::CheckBackupService, StepKind::CheckReady] {
            eprintln!("{}: {}", step.name(), self.done(step).await);
        }
    }

    /// Looks, writes the intent, and acts only where `performs`: a runner may be killed right between.
    async fn act(&mut self, performs: bool) {
        let look = self.look(StepKind::StartBackup).await;
        let StepObservation::NeedsAction(action) = look else { panic!("{look:?}") };
        let shown = self.system.preview(&self.prepared.plan, TASK).await.unwrap();
        assert_eq!(shown, self.prepared.preview, "what is shown is what was confirmed");
        let group = self.prepared.plan.targets.clone();
        let attempt = self.view.attempt;
        let act = self.system.prepare_action(&action, &group, TASK, attempt).await.unwrap();
        assert_eq!(act.description.as_deref(), Some(format!("obnow {TASK}.{attempt}").as_str()));
        assert!(act.shown_statements[0].contains(&format!("{TASK}.{attempt}.partial")), "{:?}", act.shown_statements);
        assert!(!act.shown_statements[0].contains(PASSWORD));
        self.write(&Event::Intent {
            intent: attempt,
            targets: vec![target()],
            step: StepKind::StartBackup,
            attempt,
            statements: act.shown_statements.clone(),
            description: act.description.clone(),
            highest_job: None,
            connection: None,
            server: act.server.clone(),
            server_limit: act.server_limit_ms,
        });
        if performs {
            assert!(self.system.execute(act).await.is_ok());
        }
    }

    fn answered(&mut self) {
        self.write(&Event::Answered { intent: self.view.attempt, fault: None, answered: true });
    }
}

fn record(place: &RunPaths) -> ProcessRecord {
    DumpProcess::find(place).unwrap().expect("it was written down").record().clone()
}

fn signal(place: &RunPaths, signal: Signal) {
    let pid = Pid::from_raw(i32::try_from(record(place).pid).unwrap()).unwrap();
    kill_process_group(pid, signal).unwrap();
}

/// Holds a dump still once it writes.
async fn hold(place: &RunPaths) {
    for _ in 0..POLLS {
        if place.partial().join("metadata.partial").exists() || place.partial().join("metadata").exists() {
            return signal(place, Signal::STOP);
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    panic!("{} never comes", place.partial().display());
}

fn here() -> bool {
    program("mydumper").is_some()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dump_reaches_its_verdict_or_names_the_failure() {
    if !here() {
        return;
    }
    let Some(engine) = Seekdb::start(SERVER).await else { return };
    let mut source = engine.connect().await;
    sample_data::quiet(&mut source).await;
    sql::run(&mut source, "SET GLOBAL time_zone = '+08:00'").await;
    let folder = tempfile::tempdir().unwrap();
    let backup = folder.path().join("backup");
    let prepared = prepared(&engine, &backup).await;
    eprintln!("{:#?}", prepared.preview);

    let (state, task) = (folder.path().join("state"), TASK.parse().unwrap());
    let mut writer = Writer::create(&state, &task, now()).unwrap();
    let event = created(&prepared, &engine);
    writer.append(now(), &event, true).unwrap();
    let mut view = TaskView::default();
    view.apply(now(), &event);
    let runner = Runner::new(state, task, writer, view, system(&engine, None)).unwrap();
    let view = runner.run().await.unwrap();
    for step in &view.targets[0].steps {
        eprintln!("{}: {:?} {}", step.kind.name(), step.state, step.detail);
    }
    let outcome = view.targets[0].outcome.clone().unwrap();
    eprintln!("{:#?}\n{:#?}", outcome.notes, outcome.restore_instructions);
    assert_eq!(outcome.verdict, VerdictKind::Restorable, "{outcome:#?}");
    assert!(outcome.from.is_some() && outcome.from == outcome.to);
    assert!(outcome.notes.iter().any(|line| line.contains("tables are all from one instant")), "{:?}", outcome.notes);
    assert!(
        outcome.restore_instructions.iter().any(|line| line.contains("myloader")),
        "{:?}",
        outcome.restore_instructions
    );
    assert!(
        outcome.restore_instructions.iter().any(|line| line.contains("users and their rights")),
        "{:?}",
        outcome.restore_instructions
    );
    assert!(outcome.notes[0].contains("+08:00"), "the server's own time: {:?}", outcome.notes);
    let progress = view.targets[0].progress.clone().unwrap();
    assert!(progress.bytes > 0, "{progress:?}");
    eprintln!("{progress:?}");

    no_secret_in(folder.path());

    let mut harness = StepHarness { system: system(&engine, None), prepared, view };
    let place = harness.place(1);
    assert!(!place.partial().exists() && place.finished().is_dir());
    assert_eq!(std::fs::metadata(&backup).unwrap().permissions().mode() & 0o777, 0o700);
    let named = format!("{TASK}.1/pay.m_big.sql");
    let path = place.finished().join("pay.m_big.sql");
    let whole = std::fs::read(&path).unwrap();
    let mut altered = whole.clone();
    altered[whole.len() / 2] ^= 1;
    for broken in [Some(&whole[..whole.len() / 2]), Some(&altered), None] {
        match broken {
            Some(bytes) => std::fs::write(&path, bytes).unwrap(),
            None => std::fs::remove_file(&path).unwrap(),
        }
        // As a runner that died before it wrote the verdict.
        harness.system = system(&engine, None);
        let outcome = harness.ended(StepKind::ConfirmRestorable).await;
        assert_eq!(outcome.verdict, VerdictKind::NotRestorable);
        let fault = outcome.fault.unwrap();
        assert!(fault.what.contains(&named), "{fault}");
        eprintln!("{fault}");
        std::fs::write(&path, &whole).unwrap();
    }
    std::fs::write(place.finished().join("more.sql"), "").unwrap();
    assert_eq!(harness.ended(StepKind::ConfirmRestorable).await.verdict, VerdictKind::NotRestorable);
    std::fs::remove_file(place.finished().join("more.sql")).unwrap();
    // A manifest that nobody can read says nothing: a folder in its place is such a one.
    let manifest = place.finished().join(MANIFEST_NAME);
    std::fs::rename(&manifest, folder.path().join("kept")).unwrap();
    std::fs::create_dir(&manifest).unwrap();
    assert_eq!(harness.ended(StepKind::ConfirmRestorable).await.verdict, VerdictKind::Unknown);
    std::fs::remove_dir(&manifest).unwrap();
    std::fs::rename(folder.path().join("kept"), &manifest).unwrap();
    assert_eq!(harness.ended(StepKind::ConfirmRestorable).await.verdict, VerdictKind::Restorable);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_dumps_and_killed_runners_never_make_two_of_one() {
    if !here() {
        return;
    }
    let Some(engine) = Seekdb::start(SERVER).await else { return };
    let mut source = engine.connect().await;
    sample_data::quiet(&mut source).await;
    let folder = tempfile::tempdir().unwrap();
    let prepared = prepared(&engine, folder.path()).await;
    let mut harness = StepHarness::new(system(&engine, None), prepared, &engine);

    // The runner is killed after its intent and before the start.
    harness.attempt(system(&engine, None));
    harness.checks().await;
    harness.act(false).await;
    harness.attempt(system(&engine, None));
    let look = harness.look(StepKind::StartBackup).await;
    let StepObservation::NotStarted { intent, proof } = look else { panic!("{look:?}") };
    eprintln!("{proof}");
    harness.write(&Event::NotStarted { intent, proof });

    // The dump is killed.
    let taken = folder.path().join("lock");
    lend(&mut harness.system, &taken);
    harness.act(true).await;
    harness.answered();
    let place = harness.place(2);
    hold(&place).await;
    harness.done(StepKind::StartBackup).await;
    assert!(File::open(&taken).unwrap().try_lock().is_err(), "the target is free while the dump lives");
    let look = harness.look(StepKind::WaitForBackup).await;
    let StepObservation::Wait(waiting) = look else { panic!("{look:?}") };
    assert!(waiting.server_busy && waiting.what.contains(&record(&place).pid.to_string()), "{waiting:?}");
    // Even where only what watches over it is killed, the dump is seen to live.
    let keeper = Pid::from_raw(i32::try_from(record(&place).pid).unwrap()).unwrap();
    rustix::process::kill_process(keeper, Signal::KILL).unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    let look = harness.look(StepKind::WaitForBackup).await;
    assert!(matches!(&look, StepObservation::Wait(waiting) if waiting.server_busy), "{look:?}");
    signal(&place, Signal::KILL);
    let outcome = harness.ended(StepKind::WaitForBackup).await;
    eprintln!("{:#?}", outcome.notes);
    assert_eq!(outcome.verdict, VerdictKind::Failed);
    assert!(outcome.fault.unwrap().why.contains("kill"));
    assert!(outcome.notes.iter().any(|line| line.contains(&format!("{TASK}.2.partial"))), "{:?}", outcome.notes);
    assert!(harness.view.targets[0].needs_new_backup());
    // What another test started in that very moment holds the descriptor too, until it becomes its own program or ends.
    let free = || File::open(&taken).unwrap().try_lock().is_ok();
    let freed = async {
        while !free() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), freed).await.expect("the lock ends with the dump");

    // Retry is a new dump beside the old one; its runner is killed before it could write down which process it is.
    harness.attempt(system(&engine, None));
    harness.checks().await;
    harness.act(true).await;
    let place = harness.place(3);
    hold(&place).await;
    let pid = record(&place).pid;
    std::fs::remove_file(place.process_record()).unwrap();
    harness.attempt(system(&engine, None));
    let said = harness.done(StepKind::StartBackup).await;
    eprintln!("{said}");
    assert!(said.contains(&format!("process {pid},")) && said.contains(&format!("{TASK}.2.partial")), "{said}");
    assert_eq!(record(&place).pid, pid);

    // And the next one too, while it waits.
    let look = harness.look(StepKind::WaitForBackup).await;
    assert!(matches!(&look, StepObservation::Wait(waiting) if waiting.server_busy), "{look:?}");
    harness.attempt(system(&engine, None));
    let look = harness.look(StepKind::WaitForBackup).await;
    let StepObservation::Wait(waiting) = look else { panic!("{look:?}") };
    assert_eq!(waiting.what.split(';').next().unwrap(), format!("the dump of attempt 3, process {pid}, still runs"));
    eprintln!("{waiting:?}");
    signal(&place, Signal::CONT);
    harness.done(StepKind::WaitForBackup).await;

    // The last one is killed in the middle of the proof.
    std::fs::write(place.partial().join(MANIFEST_NAME), "{\"format\"").unwrap();
    harness.attempt(system(&engine, None));
    let outcome = harness.ended(StepKind::ConfirmRestorable).await;
    assert_eq!(outcome.verdict, VerdictKind::Restorable, "{outcome:#?}");
    assert!(verify(&place.finished()).unwrap().rows() > 100_000);
    assert!(harness.place(2).partial().is_dir(), "what an attempt left stays");
}

fn lend(system: &mut System, lock: &Path) {
    let file = File::create(lock).unwrap();
    file.try_lock().unwrap();
    let kept = std::sync::Mutex::new(Some(file));
    // Given away: when the dump is over, nobody has it.
    system.set_inherited_locks(Box::new(move || Ok(kept.lock().unwrap().take().into_iter().map(Into::into).collect())));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn undumpable_objects_are_refused_before_the_start() {
    if !here() {
        return;
    }
    let Some(engine) = Seekdb::start(SERVER).await else { return };
    let folder = tempfile::tempdir().unwrap();
    let prepared = prepared(&engine, folder.path()).await;
    let mut harness = StepHarness::new(system(&engine, None), prepared, &engine);

    let absent = folder.path().join("no-such-program");
    harness.attempt(system(&engine, Some(&absent)));
    let fault = failed(harness.look(StepKind::CheckBackupService).await);
    assert!(fault.next.contains("apt-get install mydumper"), "{fault}");
    let untried = script(folder.path(), "mydumper v0.21.4-1, built against MySQL 8.0.43");
    harness.attempt(system(&engine, Some(&untried)));
    let fault = failed(harness.look(StepKind::CheckBackupService).await);
    assert!(fault.what.contains("0.21.4-1"), "{fault}");
    let fault = failed(harness.look(StepKind::StartBackup).await);
    assert!(fault.what.contains("0.21.4-1"), "nothing starts with it: {fault}");

    harness.attempt(system(&engine, None));
    harness.checks().await;
    let mut source = engine.connect().await;
    sql::run(&mut source, "CREATE DATABASE odd").await;
    sql::run(&mut source, "SET NAMES utf8mb4").await;
    sql::run(&mut source, "CREATE TABLE odd.`汉字` (a INT)").await;
    let fault = failed(harness.look(StepKind::CheckReady).await);
    assert!(fault.why.contains("odd.汉字") && fault.next.contains("--exclude-table"), "{fault}");
    sql::run(&mut source, "DROP TABLE odd.`汉字`").await;

    // Tables that come while the dump runs: no instant has them all.
    sql::run(&mut source, "CREATE TABLE odd.one (a INT PRIMARY KEY)").await;
    sql::run(&mut source, "INSERT INTO odd.one VALUES (1)").await;
    harness.act(true).await;
    harness.answered();
    harness.done(StepKind::StartBackup).await;
    sql::run(&mut source, "CREATE TABLE odd.late (a INT)").await;
    harness.done(StepKind::WaitForBackup).await;
    let outcome = harness.ended(StepKind::ConfirmRestorable).await;
    assert_eq!(outcome.verdict, VerdictKind::NotRestorable, "{outcome:#?}");
    assert_eq!(outcome.fault.unwrap().what, "The tables are not from one instant.");

    // Another server than the one that was confirmed.
    harness.prepared.plan.cluster.version = "seekdb 1.0.0".to_owned();
    let fault = failed(harness.look(StepKind::CheckTarget).await);
    assert!(fault.why.contains("seekdb 1.0.0 was confirmed") && fault.cause == Cause::Precondition, "{fault}");
}

/// Journal, record, log, manifest: nothing on disk shows the password.
fn no_secret_in(folder: &Path) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            no_secret_in(&path);
        } else {
            let bytes = std::fs::read(&path).unwrap();
            assert!(!String::from_utf8_lossy(&bytes).contains(PASSWORD), "{} shows the password", path.display());
        }
    }
}

fn failed(look: StepObservation) -> obnow::domain::fault::Fault {
    match look {
        StepObservation::Failed(fault) => fault,
        look => panic!("{look:?}"),
    }
}

fn script(folder: &Path, says: &str) -> PathBuf {
    let path = folder.join("mydumper");
    engine::script::script(&path, &format!("echo '{says}'"));
    path
}
