//! Tests that no secret reaches argv, environment, files, output or error text: canaries are used for every secret, and
//! everything that obnow leaves or shows is searched for them.
#![allow(clippy::disallowed_methods, reason = "a deadline of a test is one of the wall clock")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail loudly")]

mod buckets;
mod faulty_server;

use std::collections::BTreeSet;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use buckets::scripted_storage::ScriptedStorage;
use faulty_server::{FaultyServers, PASSWORD, Tampering, error};
use obnow::demo::statement::{Alter, Literal, Value as Cell};

const OBNOW: &str = env!("CARGO_BIN_EXE_obnow");

const KEY: &str = "CANARY-of-the-access-key-93e0";
const ENCRYPTION: &str = "CANARY-of-the-encryption-58b2";
const CANARIES: [&str; 3] = [PASSWORD, KEY, ENCRYPTION];

/// Serializes the tests that search the processes of this host and those that pass a process a secret.
fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Looks at every process of this user again and again: at its arguments, and at its environment unless a test itself
/// put a secret there.
struct Watch {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<BTreeSet<String>>,
    _turn: MutexGuard<'static, ()>,
}

impl Watch {
    /// `environments`: also those of the processes whose arguments have this word, and of all others when it is empty.
    fn begin(canaries: &'static [&'static str], environments: &'static str) -> Self {
        let turn = turn();
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let mut found = BTreeSet::new();
            loop {
                look(canaries, environments, &mut found);
                if stopped.load(Ordering::Relaxed) {
                    return found;
                }
                std::thread::sleep(std::time::Duration::from_millis(1));
            }
        });
        Self { stop, thread, _turn: turn }
    }

    fn end(self) -> BTreeSet<String> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap()
    }
}

fn look(canaries: &[&str], environments: &str, found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let path = entry.path();
        if !entry.file_name().to_str().is_some_and(|name| name.bytes().all(|byte| byte.is_ascii_digit())) {
            continue;
        }
        let text = |name: &str| {
            let bytes = std::fs::read(path.join(name)).unwrap_or_default();
            String::from_utf8_lossy(&bytes).replace('\0', " ")
        };
        let arguments = text("cmdline");
        if arguments.starts_with(OBNOW) && arguments.contains("run-task") {
            found.insert("a runner was seen".to_owned());
        }
        if arguments.starts_with(OBNOW) && arguments.contains("run-probe") {
            found.insert("a probe was seen".to_owned());
        }
        let environment = if arguments.contains(environments) { text("environ") } else { String::new() };
        for canary in canaries {
            if arguments.contains(canary) {
                found.insert(format!("{canary} in the arguments {arguments:?}"));
            }
            if environment.contains(canary) {
                found.insert(format!("{canary} in the environment of {arguments:?}"));
            }
        }
    }
}

/// The files below this folder that hold one of the canaries, other than those the test wrote itself.
fn in_files(folder: &Path, planted: &[PathBuf], found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            in_files(&path, planted, found);
        } else if !planted.contains(&path) {
            let text = String::from_utf8_lossy(&std::fs::read(&path).unwrap_or_default()).into_owned();
            in_text(&text, &path.display().to_string(), found);
        }
    }
}

fn in_text(text: &str, workspace: &str, found: &mut BTreeSet<String>) {
    for canary in CANARIES.into_iter().filter(|canary| text.contains(canary)) {
        found.insert(format!("{canary} in {workspace}"));
    }
}

/// A folder with an inventory, and the files that hold the secrets.
struct Workspace {
    folder: tempfile::TempDir,
    planted: Vec<PathBuf>,
}

impl Workspace {
    /// The inventory names the server by these lines for its password.
    fn new(port: u16, password: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut workspace = Self { folder, planted: Vec::new() };
        for (name, secret) in [("login", PASSWORD), ("key", KEY), ("encryption", ENCRYPTION)] {
            let path = workspace.path(name);
            private(&path, secret);
            workspace.planted.push(path);
        }
        let login = password.replace("FILE", &workspace.path("login").display().to_string());
        let limits = "limits: {connect: 1s, statement: 2s, poll: 50ms, stall: 2s, archive_wait: 2s, heartbeat: 300ms}";
        private(
            &workspace.path("config.yaml"),
            &format!(
                "{limits}\nclusters:\n- {{name: demo, endpoints: [\"127.0.0.1:{port}\"], user: root@sys{login}}}\n"
            ),
        );
        std::fs::create_dir(workspace.path("tmp")).unwrap();
        workspace
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs a command; what it shows is searched.
    fn run(&self, args: &[&str], input: Option<&str>, found: &mut BTreeSet<String>) -> (Option<i32>, String) {
        let mut command = Command::new(OBNOW);
        command.args(args).env("TMPDIR", self.path("tmp")).env("RUST_BACKTRACE", "full");
        command.env("OBNOW_TEST_LOGIN", PASSWORD).env("OBNOW_TEST_KEY", KEY).env("OBNOW_TEST_ENCRYPTION", ENCRYPTION);
        command.arg("--state").arg(self.path("state"));
        if !args.contains(&"--host") {
            command.arg("--config").arg(self.path("config.yaml"));
        }
        let stdin = if input.is_some() { Stdio::piped() } else { Stdio::null() };
        let mut child = command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        if let Some(input) = input {
            child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        }
        let output = child.wait_with_output().unwrap();
        let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        in_text(&said, &format!("what {args:?} says:\n{said}"), found);
        (output.status.code(), said)
    }

    fn search(&self, found: &mut BTreeSet<String>) {
        in_files(self.folder.path(), &self.planted, found);
        assert!(self.path("state/audit.jsonl").exists(), "there was nothing to search");
    }
}

fn private(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

/// A bucket that accepts everything, and the options for it.
struct Bucket {
    scripted_storage: ScriptedStorage,
    data: String,
    log: String,
}

impl Bucket {
    fn new() -> Self {
        let scripted_storage = ScriptedStorage::bucket(|_| None);
        let host = format!("?host=http://127.0.0.1:{}&addressing_model=path_style", scripted_storage.port);
        let uri = |kind: &str| format!("s3://bucket/{{cluster_id}}/{{tenant_id}}/{kind}{host}");
        Self { data: uri("{kind}"), log: uri("log"), scripted_storage }
    }

    fn options(&self) -> Vec<&str> {
        vec!["--storage", &self.data, "--archive-storage", &self.log, "--access-id", "AKIAEXAMPLE"]
    }

    /// What was sent to it holds no secret, and the Test of each destination took place.
    fn search(&self, found: &mut BTreeSet<String>) {
        let seen = self.scripted_storage.seen.lock().unwrap();
        assert!(seen.iter().any(|request| request.method == "PUT"), "nothing was tested: {seen:?}");
        for request in seen.iter() {
            in_text(&format!("{} {:?}", request.target, request.headers), "a request to the storage", found);
        }
    }
}

fn backup<'a>(more: &[&'a str]) -> Vec<&'a str> {
    let mut args = vec!["backup", "demo/pay", "--mode", "full", "--yes"];
    args.extend(more);
    args
}

/// Without this the other tests would prove nothing: what is planted is found, in every kind of place.
#[test]
fn a_planted_canary_is_found() {
    const PLANTED: &str = "CANARY-that-is-to-be-found-77aa";
    let mut processes = [
        Command::new("cat").env("SECRET", PLANTED).stdin(Stdio::piped()).spawn().unwrap(),
        Command::new("sh").args(["-c", "read line", PLANTED]).stdin(Stdio::piped()).spawn().unwrap(),
    ];
    let end = std::time::Instant::now() + std::time::Duration::from_secs(10);
    let mut found = BTreeSet::new();
    let both = |found: &BTreeSet<String>| {
        ["in the arguments", "in the environment"]
            .iter()
            .all(|how| found.iter().any(|workspace| workspace.contains(how)))
    };
    while !both(&found) && std::time::Instant::now() < end {
        look(&[PLANTED], "cat", &mut found);
    }
    let watched = Watch::begin(&[PLANTED], "cat").end();
    for process in &mut processes {
        process.kill().unwrap();
        process.wait().unwrap();
    }
    assert!(found.iter().any(|workspace| workspace.contains("in the arguments")), "{found:?}");
    assert!(found.iter().any(|workspace| workspace.contains("in the environment")), "{found:?}");
    assert!(both(&watched), "{watched:?}");
    let workspace = Workspace::new(1, "");
    std::fs::create_dir_all(workspace.path("state/tasks")).unwrap();
    private(&workspace.path("state/audit.jsonl"), &format!("{{\"statement\":\"access_key={KEY}\"}}"));
    private(&workspace.path("state/tasks/x.ask"), PASSWORD);
    let mut found = BTreeSet::new();
    workspace.search(&mut found);
    in_text(&format!("panicked at {ENCRYPTION}"), "a text", &mut found);
    assert_eq!(found.len(), 3, "{found:?}");
}

/// A whole backup to an object storage, encrypted, each secret from every kind of source.
#[test]
fn backups_leave_no_secret_anywhere() {
    let watch = Watch::begin(&CANARIES, "run-task");
    let mut found = BTreeSet::new();
    for (password, key, encryption) in [
        (", password: {env: OBNOW_TEST_LOGIN}", "env:OBNOW_TEST_KEY", "env:OBNOW_TEST_ENCRYPTION"),
        (", password: {file: FILE}", "file:KEY", "file:ENCRYPTION"),
        (", password: {command: \"cat FILE\"}", "env:OBNOW_TEST_KEY", "stdin"),
    ] {
        let servers = FaultyServers::new();
        let workspace = Workspace::new(servers.tampered(Tampering::none()), password);
        let key = key.replace(
            "KEY",
            &if key.starts_with("file") { workspace.path("key").display().to_string() } else { "KEY".into() },
        );
        let encryption = match encryption {
            "file:ENCRYPTION" => format!("file:{}", workspace.path("encryption").display()),
            other => other.to_owned(),
        };
        let bucket = Bucket::new();
        let mut more = bucket.options();
        more.extend(["--access-key-from", &key, "--encrypt-from", &encryption]);
        let input = (encryption == "stdin").then(|| format!("{ENCRYPTION}\n"));
        workspace.run(&[&backup(&more)[..], &["--dry-run"]].concat(), input.as_deref(), &mut found);
        for form in [&[][..], &["--json"]] {
            let (code, said) = workspace.run(&[&backup(&more)[..], form].concat(), input.as_deref(), &mut found);
            assert_eq!(code, Some(0), "{password}: {said}");
            assert!(said.contains("access_key=***") || said.contains("verdict"), "{said}");
        }
        for args in [&["targets"][..], &["check", "demo/pay"], &["tasks"], &["watch", "demo/pay"], &["config", "show"]]
        {
            workspace.run(args, None, &mut found);
            workspace.run(&[args, &["--json"]].concat(), None, &mut found);
        }
        workspace.search(&mut found);
        bucket.search(&mut found);
    }
    let seen = watch.end();
    assert!(seen.contains("a runner was seen"), "the watch saw no runner");
    found.extend(seen.into_iter().filter(|workspace| workspace.contains("CANARY")));
    assert!(found.is_empty(), "{found:#?}");
}

/// The key of a Test, from every kind of source, to a storage that takes it and to one that repeats what it was sent. Only
/// the process that was given the variable has the key in its environment.
#[test]
fn a_test_of_a_storage_leaves_no_secret_anywhere() {
    let watch = Watch::begin(&CANARIES, "run-probe");
    let mut found = BTreeSet::new();
    let good = Bucket::new();
    let bad = ScriptedStorage::new(|request| {
        let sent = format!("{request:?} {KEY}").replace(['<', '>', '&'], " ");
        let (code, headers) = (format!("Code{KEY}"), vec![("x-amz-bucket-region", KEY.to_owned())]);
        let body = format!("<Error><Code>{code}</Code><Region>{KEY}</Region><Message>{sent}</Message></Error>");
        Some((400, headers, body.into_bytes()))
    });
    let workspace = Workspace::new(1, "");
    let file = format!("file:{}", workspace.path("key").display());
    for port in [good.scripted_storage.port, bad.port, 1] {
        let uri = format!("s3://bucket/p?host=http://127.0.0.1:{port}&addressing_model=path_style");
        for source in ["env:OBNOW_TEST_KEY", &file, "stdin"] {
            let input = (source == "stdin").then(|| format!("{KEY}\n"));
            for form in [&[][..], &["--json"]] {
                let args = ["test-storage", &uri, "--access-id", "AKIAEXAMPLE", "--access-key-from", source];
                let (code, said) = workspace.run(&[&args[..], form].concat(), input.as_deref(), &mut found);
                assert_eq!(code, Some(if port == good.scripted_storage.port { 0 } else { 13 }), "{said}");
            }
        }
    }
    good.search(&mut found);
    in_files(workspace.folder.path(), &workspace.planted, &mut found);
    let seen = watch.end();
    assert!(seen.contains("a probe was seen"), "the watch saw no probe");
    // Typed where everybody sees it already, it is at least not repeated.
    let _turn = turn();
    let (code, said) = workspace.run(&["test-storage", &format!("s3://b/p?host=h&access_key={KEY}")], None, &mut found);
    assert_eq!(code, Some(1), "{said}");
    found.extend(seen.into_iter().filter(|workspace| workspace.contains("CANARY")));
    assert!(found.is_empty(), "{found:#?}");
}

/// The password of one cluster that is named on the command line.
#[test]
fn a_login_without_an_inventory_leaves_no_secret() {
    let _turn = turn();
    let servers = FaultyServers::new();
    let port = servers.tampered(Tampering::none());
    let workspace = Workspace::new(port, "");
    let mut found = BTreeSet::new();
    let host = format!("127.0.0.1:{port}");
    let file = format!("file:{}", workspace.path("login").display());
    for source in ["env:OBNOW_TEST_LOGIN", &file, "stdin"] {
        let input = (source == "stdin").then(|| format!("{PASSWORD}\n"));
        let args = ["targets", "--host", &host, "--password-from", source];
        let (code, said) = workspace.run(&args, input.as_deref(), &mut found);
        assert_eq!(code, Some(0), "{said}");
        assert!(said.contains("V4.2.5"), "{said}");
        let whole = ["backup", "127.0.0.1/pay", "--mode", "full", "--yes", "--host", &host, "--password-from", source];
        let (code, said) = workspace.run(&whole, input.as_deref(), &mut found);
        assert_eq!(code, Some(0), "{said}");
    }
    workspace.search(&mut found);
    assert!(found.is_empty(), "{found:#?}");
}

/// What fails says more, and none of it is a secret: the server even repeats the statement.
#[test]
fn failures_repeat_no_secret() {
    let _turn = turn();
    let echo = |alter: &Alter| match alter {
        Alter::Set { items, .. } => items.iter().find_map(|(_, value)| match value {
            Literal::Text(text) => Some(error(1210, &format!("Incorrect arguments near '{text}' {text}"))),
            _ => None,
        }),
        // And by their values alone, which no key stands before.
        Alter::Backup { .. } => {
            let values = format!("bad value: {ENCRYPTION} of {PASSWORD}");
            Some(error(1064, &format!("near IDENTIFIED BY '{ENCRYPTION}' ONLY; {values}")))
        }
        _ => None,
    };
    let servers = FaultyServers::new();
    let workspace = Workspace::new(
        servers.tampered(Tampering { alter: Some(echo), ..Tampering::none() }),
        ", password: {file: FILE}",
    );
    let mut found = BTreeSet::new();
    let bucket = Bucket::new();
    let mut more = bucket.options();
    more.extend(["--access-key-from", "env:OBNOW_TEST_KEY", "--encrypt-from", "env:OBNOW_TEST_ENCRYPTION"]);
    for form in [&[][..], &["--json"]] {
        let (code, said) = workspace.run(&[&backup(&more)[..], form].concat(), None, &mut found);
        assert_eq!(code, Some(15), "{said}");
        assert!(said.contains("1210") && said.contains("***"), "{said}");
        let plain = backup(&["--encrypt-from", "env:OBNOW_TEST_ENCRYPTION"]);
        let (code, said) = workspace.run(&[&plain[..], form].concat(), None, &mut found);
        assert_eq!(code, Some(15), "{said}");
        assert!(said.contains("1064"), "{said}");
    }
    let (_, tasks) = workspace.run(&["tasks"], None, &mut found);
    let id = tasks.split_whitespace().next().unwrap().to_owned();
    workspace.run(&["retry", &id, "--yes", "--encrypt-from", "env:OBNOW_TEST_ENCRYPTION"], None, &mut found);
    workspace.run(&["cancel", &id, "--yes"], None, &mut found);
    workspace.run(&["watch", &id], None, &mut found);
    workspace.search(&mut found);
    assert!(found.is_empty(), "{found:#?}");
}

/// What is too short to be looked for is said to be.
#[test]
fn a_short_secret_is_noted() {
    let _turn = turn();
    let workspace = Workspace::new(FaultyServers::new().tampered(Tampering::none()), "");
    let mut found = BTreeSet::new();
    for (password, is_short) in [("ab1", true), ("ab1cd2", false)] {
        let args = ["targets", "--host", "127.0.0.1:1", "--password-from", "stdin"];
        let (_, said) = workspace.run(&args, Some(&format!("{password}\n")), &mut found);
        let note = "Short: the password of root@sys on 127.0.0.1 has fewer than 6 characters.";
        assert_eq!(said.contains(note), is_short, "{said}");
    }
}

/// A secret in the wrong place is refused, and not repeated.
#[test]
fn a_secret_in_the_wrong_place_is_not_repeated() {
    let _turn = turn();
    let servers = FaultyServers::new();
    let port =
        servers.tampered(Tampering::column("DBA_OB_TENANTS", "STATUS", Cell::Text(format!("password={PASSWORD}"))));
    let workspace = Workspace::new(port, ", password: {file: FILE}");
    let mut found = BTreeSet::new();
    let uri = format!("s3://bucket/p?host=h&access_key={KEY}");
    let (long, key) = (format!("--password={PASSWORD}"), format!("--access-key={KEY}"));
    let cases: [&[&str]; 9] = [
        &[&long],
        &[&key],
        &["--password-from", PASSWORD],
        &["--access-key-from", KEY],
        &["--encrypt-from", ENCRYPTION],
        &["--storage", &uri],
        &["--archive-storage", &uri],
        &["--access-key-from", "env:CANARY_that_is_not_set"],
        &["--encrypt-from", "file:/nowhere"],
    ];
    for more in cases {
        let (code, said) = workspace.run(&backup(more), None, &mut found);
        assert_ne!(code, Some(0), "{said}");
        assert!(!said.contains("panicked"), "{said}");
    }
    // Every other place of a URI or an endpoint, for every front end that takes one.
    let places = [
        format!("s3://bucket/p?host=h&token={KEY}"),
        format!("s3://bucket/p?host=h&access_id=A&X-Amz-Security-Token={KEY}"),
        format!("azblob://c/p?host=h&sig={KEY}"),
        format!("s3://bucket/p?host=h&access%255Fkey={KEY}"),
        format!("s3://bucket/p?host=http://u:{KEY}@h"),
        format!("s3://u:{KEY}@bucket/p?host=h"),
        format!("file:///backup?AccessKey={KEY}"),
    ];
    for uri in &places {
        let of_backup = backup(&["--storage", uri, "--dry-run", "--json"]);
        for args in [vec!["test-storage", uri], vec!["test-storage", uri, "--json"], vec!["targets", uri], of_backup] {
            let (code, said) = workspace.run(&args, None, &mut found);
            assert_eq!(code, Some(1), "{said}");
        }
        let right = std::fs::read_to_string(workspace.path("config.yaml")).unwrap();
        for storage in [format!("\"{uri}\""), format!("{{kind: file, path: \"/{uri}\"}}")] {
            let cluster = right.trim_end().trim_end_matches('}');
            private(&workspace.path("storage.yaml"), &format!("{cluster}}}, strategies: [{{storage: {storage}}}]}}\n"));
            let mut command = Command::new(OBNOW);
            let output =
                command.args(["config", "show", "--config"]).arg(workspace.path("storage.yaml")).output().unwrap();
            let said =
                format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
            assert_eq!(output.status.code(), Some(1), "{said}");
            assert!(said.contains("storage"), "{said}");
            in_text(&said, "the complaint about a storage of the inventory", &mut found);
        }
    }
    for host in [format!("u:{PASSWORD}@h:1"), format!("h:{PASSWORD}"), format!("a:1,u:{PASSWORD}@h:1")] {
        let (code, said) = workspace.run(&["targets", "--host", &host, "--password-from", "none"], None, &mut found);
        assert_eq!(code, Some(1), "{said}");
    }
    // Written out in the inventory; and repeated by the server as a state.
    workspace.run(&["targets"], None, &mut found);
    workspace.run(&["check", "demo/pay"], None, &mut found);
    let right = std::fs::read_to_string(workspace.path("config.yaml")).unwrap();
    let source = format!("{{file: {}}}", workspace.path("login").display());
    for password in [PASSWORD.to_owned(), format!("[{PASSWORD}]"), format!("{{value: {PASSWORD}}}")] {
        private(&workspace.path("wrong.yaml"), &right.replace(&source, &password));
        let mut command = Command::new(OBNOW);
        command.args(["targets", "--config"]).arg(workspace.path("wrong.yaml"));
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains("clusters[0].password"), "{said}");
        in_text(&said, "the complaint about the inventory", &mut found);
    }
    assert!(found.is_empty(), "{found:#?}");
}

/// Texts of a crash are made by `Debug`.
#[test]
fn a_crash_prints_no_secret() {
    let secret = obnow::domain::secret::Secret::new(PASSWORD.to_owned());
    let secrets = obnow::backend::Secrets { login: Some(secret.clone()), ..Default::default() };
    assert_eq!(format!("{secret:?}"), "***");
    assert!(!format!("{secrets:?}").contains(PASSWORD));
}
