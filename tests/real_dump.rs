//! Tests a dump of a real server under load: verified, restored into a second server, and compared.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr, clippy::disallowed_methods)]

mod engine;

use std::fs::File;
use std::os::fd::AsFd as _;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant as Clock};

use engine::seekdb::{PASSWORD, Seekdb};
use engine::{SERVER, program, sample_data, sql};
use jiff::Timestamp;
use obnow::backend::dump::contents::{DumpContents, LIST_DATABASES, LIST_TABLES};
use obnow::backend::dump::manifest::{DumpSource, SnapshotWindow, seal, verify};
use obnow::backend::dump::process::{DumpProcess, DumpState};
use obnow::backend::dump::releases::{self, Tool};
use obnow::backend::dump::run_paths::RunPaths;
use obnow::backend::dump::{Login, manifest};
use obnow::domain::dump::ExcludedTables;
use obnow::domain::secret::Secret;
use rustix::process::{Pid, Signal, kill_process_group};
use sqlx::mysql::MySqlConnection;

const DEADLINE: Duration = Duration::from_mins(2);

async fn tool() -> Option<Tool> {
    let path = program("mydumper")?;
    program("myloader")?;
    Some(releases::identify_tool(path).await.unwrap())
}

fn login(engine: &Seekdb, password: &str) -> Login {
    let password = Secret::new(password.to_owned());
    Login { host: "127.0.0.1".into(), port: engine.port, user: "root@sys".into(), password, requires_tls: false }
}

async fn texts(connection: &mut MySqlConnection, query: &str) -> Vec<Vec<String>> {
    let rows = sql::rows(connection, query).await;
    let text = |value: Option<Vec<u8>>| String::from_utf8(value.unwrap_or_default()).unwrap();
    rows.into_iter().map(|row| row.into_iter().map(text).collect()).collect()
}

async fn scope(connection: &mut MySqlConnection) -> DumpContents {
    let databases = texts(connection, LIST_DATABASES).await;
    let tables = texts(connection, LIST_TABLES).await;
    let tables = tables.iter().map(|row| (row[0].as_str(), row[1].as_str(), row[2].as_str()));
    DumpContents::new(databases.iter().map(|row| row[0].as_str()), tables, &ExcludedTables::default()).unwrap()
}

async fn server_time(connection: &mut MySqlConnection) -> Timestamp {
    let text = sql::value(connection, "SELECT UTC_TIMESTAMP(6)").await;
    format!("{}Z", text.replace(' ', "T")).parse().unwrap()
}

async fn busy_rows(connection: &mut MySqlConnection) -> u64 {
    sql::value(connection, "SELECT COUNT(*) FROM pay.busy_a").await.parse().unwrap()
}

/// Polls until it ended.
async fn ended(dump: &mut DumpProcess) -> DumpState {
    let deadline = Clock::now() + DEADLINE;
    loop {
        match dump.poll().unwrap() {
            DumpState::Running { bytes_written } => {
                assert!(Clock::now() < deadline, "still running: {bytes_written} bytes");
            }
            state => return state,
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn signal(dump: &DumpProcess, signal: Signal) {
    let group = Pid::from_raw(i32::try_from(dump.record().pid).unwrap()).unwrap();
    kill_process_group(group, signal).unwrap();
}

/// Lets the dump go on only a little at a time, with transactions committed between, until all its first reads are done: two snapshots
/// could not be the same one by luck. Returns the server's time once a row has reached a file.
async fn hobble(dump: &mut DumpProcess, writers: &sample_data::Writers, source: &mut MySqlConnection) -> Timestamp {
    let mut not_after = None;
    let mut left = 2000;
    while left > 0 {
        left -= 1;
        signal(dump, Signal::STOP);
        writers.one_more().await;
        if not_after.is_none() && dump.snapshot_taken().unwrap() {
            not_after = Some(server_time(source).await);
            left = 50;
        }
        signal(dump, Signal::CONT);
        let little = Clock::now() + Duration::from_micros(100);
        while Clock::now() < little {
            std::hint::spin_loop();
        }
        if !matches!(dump.poll().unwrap(), DumpState::Running { .. }) {
            break;
        }
    }
    match not_after {
        Some(instant) => instant,
        None => server_time(source).await,
    }
}

fn load(folder: &Path, into: &Seekdb) {
    let options = folder.with_extension("cnf");
    let password = PASSWORD.replace('\\', "\\\\").replace('"', "\\\"").replace('\'', "\\'");
    std::fs::write(&options, format!("[myloader]\nuser=\"root@sys\"\npassword=\"{password}\"\n")).unwrap();
    let done = Command::new("myloader")
        .arg(format!("--defaults-file={}", options.display()))
        .args(["--host=127.0.0.1", "--threads=2", &format!("--port={}", into.port), "--directory"])
        .arg(folder)
        .output()
        .unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

async fn sorted(connection: &mut MySqlConnection, table: &str) -> Vec<sql::Line> {
    let mut rows = sql::rows(connection, format!("SELECT * FROM {table}")).await;
    rows.sort();
    rows
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_under_load_comes_back_as_of_one_instant() {
    let Some(tool) = tool().await else { return };
    let (Some(from), Some(to)) = tokio::join!(Seekdb::start(SERVER), Seekdb::start(SERVER)) else { return };
    let mut source = from.connect().await;
    sample_data::quiet(&mut source).await;
    sample_data::busy(&mut source).await;
    // Under this mode the quoting of a dump would be wrong: its sessions must set their own.
    sql::run(&mut source, "SET GLOBAL sql_mode = 'STRICT_ALL_TABLES,NO_BACKSLASH_ESCAPES,ANSI_QUOTES'").await;
    let writers = sample_data::Writers::start(&from).await;

    let folder = tempfile::tempdir().unwrap();
    let place = RunPaths::new(folder.path(), "task.1").unwrap();
    let before = scope(&mut source).await;
    before.files().unwrap();
    let least = busy_rows(&mut source).await;
    let not_before = server_time(&mut source).await;
    let began = Clock::now();
    let mut dump = DumpProcess::start(&tool, &login(&from, PASSWORD), &place, &ExcludedTables::default(), &[]).unwrap();
    let not_after = hobble(&mut dump, &writers, &mut source).await;
    let most = busy_rows(&mut source).await;
    assert_eq!(ended(&mut dump).await, DumpState::Exited(0), "{}", dump.fault(DumpState::Exited(0)));
    let elapsed = began.elapsed();
    let after = scope(&mut source).await;
    let written = writers.stop().await;
    assert!(written > most, "the writers wrote on after the snapshot: {written}, {most}");

    let instant = SnapshotWindow { not_before, not_after };
    let from_where = DumpSource {
        target: "s".into(),
        server: "s".into(),
        release: "0.10.0".into(),
        instant,
        exclude: ExcludedTables::default(),
        changed: Vec::new(),
        left_out: Vec::new(),
    };
    let manifest = seal(&place, from_where, &before, &after).unwrap();
    let finished = place.finished();
    assert_eq!(verify(&finished).unwrap(), manifest);
    eprintln!(
        "{} rows, {} bytes in {elapsed:?}; instant within {}",
        manifest.rows(),
        manifest.bytes(),
        not_after - not_before
    );

    load_and_compare(&finished, &to, &mut source, least..=most, &manifest).await;
    change_and_notice(&finished);
}

async fn load_and_compare(
    folder: &Path,
    to: &Seekdb,
    source: &mut MySqlConnection,
    instant: std::ops::RangeInclusive<u64>,
    manifest: &manifest::Manifest,
) {
    // The manifest is not for the loader.
    load(folder, to);
    let mut target = to.connect().await;
    for connection in [&mut *source, &mut target] {
        sql::run(connection, "SET SESSION time_zone = '+00:00', ob_query_timeout = 100000000").await;
    }
    for table in sample_data::QUIET {
        let (there, here) = (sorted(source, table).await, sorted(&mut target, table).await);
        assert!(!there.is_empty(), "{table}");
        assert_eq!(there.len(), here.len(), "{table}");
        if let Some(i) = (0..there.len()).find(|i| there[*i] != here[*i]) {
            panic!("{table}, row {i}: {:?} came back as {:?}", there[i], here[i]);
        }
    }
    let restored = busy_rows(&mut target).await;
    for table in sample_data::BUSY {
        let found = texts(&mut target, &format!("SELECT COUNT(*), MAX(n) FROM {table}")).await;
        assert_eq!(found[0], [restored.to_string(), restored.to_string()], "{table} is from another instant");
    }
    assert!(instant.contains(&restored), "{restored} rows are not from the instant named, {instant:?}");
    for table in &manifest.tables {
        let Some(rows) = table.rows else { continue };
        let name = format!("`{}`.`{}`", table.listed.database, table.listed.name);
        let found = sql::value(&mut target, format!("SELECT COUNT(*) FROM {name}")).await;
        assert_eq!(found, rows.to_string(), "the manifest's count of {name}");
    }
}

fn change_and_notice(folder: &Path) {
    let path = folder.join("pay.m_big.sql");
    let whole = std::fs::read(&path).unwrap();
    // Between two statements, where the file still reads well.
    let cut = whole.windows(3).rposition(|w| w == b");\n" && !whole.ends_with(w)).unwrap_or(0);
    let cut = if cut == 0 { whole.windows(3).position(|w| w == b");\n").unwrap() } else { cut };
    std::fs::write(&path, &whole[..cut + 3]).unwrap();
    assert!(verify(folder).unwrap_err().what.contains("pay.m_big.sql"));
    let mut altered = whole.clone();
    *altered.last_mut().unwrap() = b' ';
    std::fs::write(&path, &altered).unwrap();
    assert!(verify(folder).unwrap_err().what.contains("pay.m_big.sql"));
    std::fs::write(&path, &whole).unwrap();
    verify(folder).unwrap();
    std::fs::remove_file(&path).unwrap();
    assert!(verify(folder).unwrap_err().what.contains("pay.m_big.sql"));
}

#[tokio::test]
async fn running_dump_is_found_locked_and_stoppable() {
    let Some(tool) = tool().await else { return };
    let Some(engine) = Seekdb::start(SERVER).await else { return };
    let mut source = engine.connect().await;
    sample_data::quiet(&mut source).await;
    let folder = tempfile::tempdir().unwrap();
    let place = RunPaths::new(folder.path(), "task.1").unwrap();
    let lock = File::create(folder.path().join("lock")).unwrap();
    lock.try_lock().unwrap();
    assert!(DumpProcess::find(&place).unwrap().is_none());

    let started =
        DumpProcess::start(&tool, &login(&engine, PASSWORD), &place, &ExcludedTables::default(), &[lock.as_fd()])
            .unwrap();
    signal(&started, Signal::STOP);
    drop(lock);
    let pid = started.record().pid;
    // As if the process that started it were gone.
    let mut found = DumpProcess::find(&place).unwrap().unwrap();
    assert_eq!(found.record(), started.record());
    assert!(matches!(found.poll().unwrap(), DumpState::Running { .. }));
    assert!(
        File::open(folder.path().join("lock")).unwrap().try_lock().is_err(),
        "the target is free while the dump lives"
    );
    for file in ["cmdline", "environ"] {
        let seen = std::fs::read(format!("/proc/{pid}/{file}")).unwrap();
        assert!(!String::from_utf8_lossy(&seen).contains(PASSWORD), "{file} shows the password");
    }
    found.kill();
    // Not its parent: it must not take what nobody reaped for running.
    assert_eq!(ended(&mut found).await, DumpState::EndedWithoutStatus);
    let mut started = started;
    assert_eq!(ended(&mut started).await, DumpState::EndedWithoutStatus);
    assert!(File::open(folder.path().join("lock")).unwrap().try_lock().is_ok(), "the lock ends with the dump");
    assert!(
        DumpProcess::start(&tool, &login(&engine, PASSWORD), &place, &ExcludedTables::default(), &[]).is_err(),
        "a run is started once"
    );
}

#[tokio::test]
async fn a_dump_that_fails_says_why_without_the_password() {
    let Some(tool) = tool().await else { return };
    let Some(engine) = Seekdb::start(SERVER).await else { return };
    let folder = tempfile::tempdir().unwrap();
    let place = RunPaths::new(folder.path(), "task.1").unwrap();
    let mut dump =
        DumpProcess::start(&tool, &login(&engine, "canary-7"), &place, &ExcludedTables::default(), &[]).unwrap();
    let state = ended(&mut dump).await;
    assert_eq!(state, DumpState::Exited(1));
    let fault = dump.fault(state);
    assert!(fault.why.contains("denied"), "{fault}");
    let log = std::fs::read_to_string(place.log()).unwrap();
    assert!(!log.contains("canary-7") && !format!("{fault:?}").contains("canary-7"));
    assert_eq!(
        std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(place.log()).unwrap().permissions()) & 0o777,
        0o600
    );

    // The server's own limit for a query is seconds: a table that takes longer must come through.
    let mut source = engine.connect().await;
    sample_data::quiet(&mut source).await;
    sql::run(&mut source, "SET GLOBAL ob_query_timeout = 300000, GLOBAL ob_trx_timeout = 500000").await;
    let place = RunPaths::new(folder.path(), "task.2").unwrap();
    let mut dump =
        DumpProcess::start(&tool, &login(&engine, PASSWORD), &place, &ExcludedTables::default(), &[]).unwrap();
    let deadline = Clock::now() + DEADLINE;
    while !dump.snapshot_taken().unwrap() {
        assert!(Clock::now() < deadline, "{}", dump.fault(DumpState::EndedWithoutStatus));
        tokio::task::yield_now().await;
    }
    signal(&dump, Signal::STOP);
    // The server's clock, not ours, has to pass the limits.
    sql::run(&mut source, "SET SESSION ob_query_timeout = 100000000, SESSION ob_trx_timeout = 100000000").await;
    sql::run(&mut source, "SELECT SLEEP(1.2)").await;
    signal(&dump, Signal::CONT);
    assert_eq!(ended(&mut dump).await, DumpState::Exited(0), "{}", dump.fault(DumpState::Exited(1)));
}
