//! Tests with one unreadable value on servers of each line. Without a value that a gate, the identity or a plan needs nothing is
//! started; without one that a verdict needs the verdict is unknown.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail loudly")]

mod faulty_server;

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use faulty_server::{FaultyServers, PASSWORD, Tampering};
use obnow::demo::statement::Value as Cell;
use serde_json::Value;

const LIMITS: &str = "limits: {connect: 2s, statement: 20s, poll: 50ms, stall: 2s, archive_wait: 2s, heartbeat: 1s}\n";

/// A line of the embedded OceanBase, and the version that its servers name.
type Release = (&'static str, &'static str);
const V2: Release = ("2.2.77", "2.2.77");
const V3_1: Release = ("3.1.5", "3.1.5");
const V3_2: Release = ("3.2.4", "3.2.4");
const V4_0: Release = ("4.0", "4.0.0.0");
const V4_2: Release = ("4.2.5", "4.2.5.1");

/// What replaces a value: NULL, an unknown text, or a number that no column can hold.
#[derive(Clone, Copy)]
enum Unreadable {
    Null,
    Empty,
    Word,
    TooLarge,
}

impl Unreadable {
    fn cell(self) -> Cell {
        match self {
            Self::Null => Cell::Null,
            Self::Empty => Cell::Text(String::new()),
            Self::Word => Cell::Text("xyzzy".to_owned()),
            Self::TooLarge => Cell::Text("99999999999999999999".to_owned()),
        }
    }
}
use Unreadable::{Empty, Null, TooLarge, Word};

/// A line, a view and a column of it, what replaces the value, and a part of the expected message.
type Row = (Release, &'static str, &'static str, Unreadable, &'static str);

/// Values that are read before anything is sent.
const BEFORE_START: &[Row] = &[
    (V4_2, "DBA_OB_TENANTS", "TENANT_ID", Null, "TENANT_ID"),
    (V4_0, "DBA_OB_TENANTS", "TENANT_ID", TooLarge, "TENANT_ID"),
    (V4_2, "DBA_OB_TENANTS", "STATUS", Empty, "STATUS"),
    (V4_2, "DBA_OB_TENANTS", "TENANT_ROLE", Null, "role"),
    (V4_2, "DBA_OB_SERVERS", "STATUS", Null, "STATUS"),
    (V4_2, "DBA_OB_SERVERS", "BUILD_VERSION", Empty, "BUILD_VERSION"),
    (V4_2, "CDB_OB_BACKUP_PARAMETER", "VALUE", Word, "data_backup_dest"),
    (V4_0, "CDB_OB_ARCHIVE_DEST", "VALUE", Word, "log_archive_dest"),
    (V4_2, "CDB_OB_ARCHIVELOG", "STATUS", Null, "STATUS"),
    (V4_0, "CDB_OB_ARCHIVELOG", "CHECKPOINT_SCN", TooLarge, "CHECKPOINT_SCN"),
    (V4_2, "CDB_OB_ARCHIVELOG_PIECE_FILES", "STATUS", Empty, "STATUS"),
    (V4_2, "CDB_OB_ARCHIVELOG_PIECE_FILES", "CHECKPOINT_SCN", Null, "CHECKPOINT_SCN"),
    (V4_2, "CDB_OB_BACKUP_SET_FILES", "STATUS", Null, "STATUS"),
    (V4_0, "CDB_OB_BACKUP_SET_FILES", "DEST_ID", Word, "DEST_ID"),
    (V4_2, "CDB_OB_BACKUP_SET_FILES", "MIN_RESTORE_SCN", TooLarge, "MIN_RESTORE_SCN"),
    (V3_1, "__ALL_TENANT", "TENANT_ID", Word, "TENANT_ID"),
    (V2, "__ALL_SERVER", "STATUS", Null, "STATUS"),
    (V3_1, "V$OB_CLUSTER", "CLUSTER_ID", Null, "CLUSTER_ID"),
    (V2, "V$OB_CLUSTER", "CLUSTER_ROLE", Empty, "CLUSTER_ROLE"),
    (V3_2, "__ALL_VIRTUAL_BACKUP_INFO", "VALUE", Word, "VALUE"),
    (V2, "CDB_OB_BACKUP_ARCHIVELOG_SUMMARY", "STATUS", Empty, "STATUS"),
    (V3_2, "CDB_OB_BACKUP_ARCHIVELOG_SUMMARY", "LOG_ARCHIVE_ROUND", Null, "LOG_ARCHIVE_ROUND"),
    (V3_1, "__ALL_BACKUP_TASK_HISTORY", "RESULT", Null, "RESULT"),
    (V2, "__ALL_BACKUP_TASK_HISTORY", "SNAPSHOT_VERSION", TooLarge, "SNAPSHOT_VERSION"),
    (V2, "__ALL_ZONE", "VALUE", Word, "__all_zone"),
    (V3_1, "__ALL_VIRTUAL_BACKUP_CLEAN_INFO", "STATUS", Null, "STATUS"),
    (V3_2, "__ALL_VIRTUAL_SYS_VARIABLE", "VALUE", Word, "xyzzy"),
];

/// Values that are read after the start of the backup.
const AFTER_START: &[Row] = &[
    (V4_2, "CDB_OB_BACKUP_JOB_HISTORY", "STATUS", Word, "its history row is awaited"),
    (V4_0, "CDB_OB_BACKUP_JOB_HISTORY", "RESULT", Null, "RESULT"),
    (V4_2, "CDB_OB_BACKUP_SET_FILES", "STATUS", Null, "STATUS"),
    (V4_2, "CDB_OB_BACKUP_SET_FILES", "MIN_RESTORE_SCN", Null, "from which point on"),
    (V4_2, "CDB_OB_ARCHIVELOG_PIECE_FILES", "CHECKPOINT_SCN", Null, "CHECKPOINT_SCN"),
    (V2, "__ALL_BACKUP_TASK_HISTORY", "RESULT", Word, "RESULT"),
    (V3_2, "__ALL_BACKUP_TASK_HISTORY", "END_TIME", Word, "END_TIME"),
    (V3_1, "CDB_OB_BACKUP_ARCHIVELOG_SUMMARY", "MAX_NEXT_TIME", Word, "MAX_NEXT_TIME"),
];

/// The result of a backup.
struct CommandResult {
    said: String,
    code: Option<i32>,
    /// The statements that change something, as the server heard them.
    sent: Vec<String>,
}

impl CommandResult {
    /// Returns a description of the mismatch: exit code, faults and verdicts.
    fn mismatch(&self, what: &str) -> String {
        let told = self.said.lines().filter(|line| line.contains("fault") || line.contains("verdict"));
        let told: Vec<&str> = told.map(|line| line.get(..400).unwrap_or(line)).collect();
        format!("{what}: exit {:?}, sent {:?}\n{}", self.code, self.sent, told.join("\n"))
    }

    /// The words of its verdicts.
    fn verdicts(&self) -> Vec<String> {
        let events = self.said.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let verdicts = events.filter(|event| event["event"] == "verdict");
        verdicts.map(|verdict| verdict["verdict"].as_str().unwrap().to_owned()).collect()
    }
}

/// Writes the inventory of one cluster.
fn inventory(folder: &Path, port: u16) -> std::path::PathBuf {
    let private = std::fs::Permissions::from_mode(0o600);
    let (secret, config) = (folder.join("password"), folder.join("config.yaml"));
    std::fs::write(&secret, PASSWORD).unwrap();
    let at = format!("endpoints: [\"127.0.0.1:{port}\"], user: root@sys, password: {{file: {}}}", secret.display());
    std::fs::write(&config, format!("{LIMITS}clusters:\n- {{name: demo, {at}}}\n")).unwrap();
    for file in [secret, config.clone()] {
        std::fs::set_permissions(file, private.clone()).unwrap();
    }
    config
}

/// A full backup of a cluster that these lines describe, to its end.
fn backup(servers: &FaultyServers, lines: &str, target: &str, tampering: Tampering, more: &[&str]) -> CommandResult {
    let received = Arc::clone(&tampering.received);
    let folder = tempfile::tempdir().unwrap();
    let config = inventory(folder.path(), servers.cluster(lines, tampering));
    let mut command = Command::new(env!("CARGO_BIN_EXE_obnow"));
    command.args(["backup", target, "--mode", "full", "--compact", "auto", "--no-proof", "--yes", "--json"]).args(more);
    command.arg("--config").arg(&config).arg("--state").arg(folder.path().join("state"));
    let output = command.stdin(Stdio::null()).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let received = received.lock().unwrap();
    CommandResult {
        said: text(&output.stdout) + &text(&output.stderr),
        code: output.status.code(),
        sent: received.iter().filter(|text| text.starts_with("ALTER SYSTEM")).cloned().collect(),
    }
}

fn cluster((line, version): Release) -> String {
    format!("  version: {version}\n  line: \"{line}\"\n  tenants:\n  - {{names: [pay, order]}}\n")
}

/// The target of a backup: below V4 it is the cluster.
fn target((line, _): Release) -> &'static str {
    if line.starts_with('4') { "demo/pay" } else { "demo" }
}

/// Runs every case, some at a time; returns the mismatches.
fn each<T: Sync>(rows: &[T], mismatch: impl Fn(&T) -> Option<String> + Sync) -> Vec<String> {
    let (next, found) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while let Some(row) = rows.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let mismatch = mismatch(row);
                    found.lock().unwrap().extend(mismatch);
                }
            });
        }
    });
    found.into_inner().unwrap()
}

fn name((line, view, column, garbage, _): &Row) -> String {
    format!("{} {view}.{column} = {:?}", line.0, garbage.cell())
}

#[test]
fn every_line_is_backed_up_where_everything_is_read() {
    let servers = FaultyServers::new();
    let mismatch = each(&[V2, V3_1, V3_2, V4_0, V4_2], |line| {
        let ran = backup(&servers, &cluster(*line), target(*line), Tampering::none(), &[]);
        let good = ran.code == Some(0) && ran.verdicts().iter().all(|verdict| verdict == "restorable");
        (!good || ran.sent.is_empty()).then(|| ran.mismatch(line.0))
    });
    assert!(mismatch.is_empty(), "{}", mismatch.join("\n\n"));
}

#[test]
fn unreadable_gate_or_plan_value_starts_nothing() {
    let servers = FaultyServers::new();
    let mismatch = each(BEFORE_START, |row| {
        let (line, view, column, garbage, says) = *row;
        let ran = backup(&servers, &cluster(line), target(line), Tampering::column(view, column, garbage.cell()), &[]);
        let refused = matches!(ran.code, Some(10 | 14 | 15));
        let good = refused && ran.sent.is_empty() && ran.said.contains(says);
        (!good).then(|| ran.mismatch(&name(row)))
    });
    assert!(mismatch.is_empty(), "{} of {}:\n{}", mismatch.len(), BEFORE_START.len(), mismatch.join("\n\n"));
}

/// The same of what is no column of a view.
#[test]
fn unreadable_parameter_or_version_starts_nothing() {
    type Other = (Release, fn() -> Tampering, &'static str);
    let servers = FaultyServers::new();
    let rows: &[Other] = &[
        (V4_2, || Tampering::version("5.7.25-OceanBase-vX", "OceanBase X (rY)"), "is not an OceanBase"),
        (V3_1, || Tampering::version("5.7.25-OceanBase-v3", "OceanBase 3 (r1-a)"), "is not an OceanBase"),
        (V2, || Tampering::parameter("backup_dest", "xyzzy"), "backup_dest"),
        (V3_2, || Tampering::parameter("cluster_id", "xyzzy"), "cluster_id"),
        (V4_2, || Tampering::parameter("cluster_id", ""), "cluster_id"),
        (V3_1, || Tampering::parameter("enable_upgrade_mode", "xyzzy"), "enable_upgrade_mode"),
        (V4_0, || Tampering::parameter("enable_upgrade_mode", ""), "enable_upgrade_mode"),
    ];
    let mismatch = each(rows, |(line, tampering, says)| {
        let ran = backup(&servers, &cluster(*line), target(*line), tampering(), &[]);
        let good = matches!(ran.code, Some(10 | 14 | 15)) && ran.sent.is_empty() && ran.said.contains(says);
        (!good).then(|| ran.mismatch(&format!("{} {says}", line.0)))
    });
    assert!(mismatch.is_empty(), "{}", mismatch.join("\n\n"));
}

/// A job of sys whose tenants were not read may be of any of them.
#[test]
fn a_job_whose_tenants_were_not_read_is_in_the_way() {
    let servers = FaultyServers::new();
    let lines = format!(
        "{}  backups:\n  - {{tenants: [order], description: by cron, age: 20s}}\nfaults:\n- {{name: slow, kind: hold, tenant: \
         order, phase: PARENT}}\n",
        cluster(V4_2)
    );
    let beside = backup(&servers, &lines, "demo/pay", Tampering::none(), &[]);
    assert_eq!(beside.code, Some(0), "the job of another is none of its own\n{}", beside.said);
    let mismatch = each(&[Null, Empty, Word, TooLarge], |garbage| {
        let tampering = Tampering::column("CDB_OB_BACKUP_JOBS", "EXECUTOR_TENANT_ID", garbage.cell());
        let ran = backup(&servers, &lines, "demo/pay", tampering, &[]);
        let good = ran.code == Some(11) && ran.sent.is_empty();
        (!good).then(|| ran.mismatch(&format!("{:?}", garbage.cell())))
    });
    assert!(mismatch.is_empty(), "{}", mismatch.join("\n\n"));
}

/// A column has this value in every row once a backup was started.
fn garbled_after_the_start(view: &'static str, column: &'static str, cell: Cell) -> Tampering {
    let mut tampering = Tampering::none();
    let received = Arc::clone(&tampering.received);
    tampering.rows = Box::new(move |asked, answer| {
        let started = || received.lock().unwrap().iter().any(|text| text.starts_with("ALTER SYSTEM BACKUP"));
        let mut rows = answer?;
        if asked == view && started() {
            for row in &mut rows {
                row.insert(column, cell.clone());
            }
        }
        Ok(rows)
    });
    tampering
}

#[test]
fn a_verdict_is_unknown_where_what_it_reads_was_not_read() {
    let servers = FaultyServers::new();
    let mismatch = each(AFTER_START, |row| {
        let (line, view, column, garbage, says) = *row;
        let tampering = garbled_after_the_start(view, column, garbage.cell());
        let ran = backup(&servers, &cluster(line), target(line), tampering, &[]);
        let verdicts = ran.verdicts();
        let unknown = ran.code == Some(21) && verdicts.iter().all(|verdict| verdict == "unknown");
        let good = unknown && !verdicts.is_empty() && ran.sent.len() == 1 && ran.said.contains(says);
        (!good).then(|| ran.mismatch(&name(row)))
    });
    assert!(mismatch.is_empty(), "{} of {}:\n{}", mismatch.len(), AFTER_START.len(), mismatch.join("\n\n"));
}

/// The history row of the job says that it is done, and with which error.
#[test]
fn a_job_whose_word_and_code_do_not_agree_is_unknown() {
    let servers = FaultyServers::new();
    let tampering = garbled_after_the_start("CDB_OB_BACKUP_JOB_HISTORY", "RESULT", Cell::Integer(-4013));
    let ran = backup(&servers, &cluster(V4_2), "demo/pay", tampering, &[]);
    assert_eq!((ran.code, ran.verdicts()), (Some(21), vec!["unknown".to_owned(); 2]), "{}", ran.said);
    assert!(ran.said.contains("is COMPLETED, and its RESULT is 4013."), "{}", ran.said);
}

#[test]
fn encryption_that_was_not_read_is_not_proven() {
    let servers = FaultyServers::new();
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("encryption");
    std::fs::write(&secret, "CANARY-of-the-backup-19").unwrap();
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o600)).unwrap();
    let source = format!("file:{}", secret.display());
    let rows = [
        (V4_2, "CDB_OB_BACKUP_SET_FILES", Null),
        (V4_0, "CDB_OB_BACKUP_SET_FILES", Word),
        (V3_2, "__ALL_BACKUP_TASK_HISTORY", Empty),
    ];
    let mismatch = each(&rows, |(line, view, garbage)| {
        let tampering = garbled_after_the_start(view, "ENCRYPTION_MODE", garbage.cell());
        let ran = backup(&servers, &cluster(*line), target(*line), tampering, &["--encrypt-from", &source]);
        let good = ran.code == Some(24) && ran.said.contains("ENCRYPTION UNKNOWN");
        (!good).then(|| ran.mismatch(&format!("{} {:?}", line.0, garbage.cell())))
    });
    assert!(mismatch.is_empty(), "{}", mismatch.join("\n\n"));
}
