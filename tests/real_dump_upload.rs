//! The whole program with a real server and a real object storage: a dump goes into a bucket, comes back out of it, and is
//! restored; a wrong key, a killed runner and a cancel in the middle of the way are gone on from.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr, clippy::disallowed_methods)]

mod buckets;
mod engine;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use buckets::moto::{Moto, User};
use engine::seekdb::{PASSWORD, Seekdb};
use engine::{SERVER, program, sample_data, sql};
use obnow::backend::dump::manifest::{MANIFEST_NAME, Manifest, verify};
use obnow::domain::destination::Destination;
use obnow::domain::secret::Secret;
use obnow::journal::clock::now;
use obnow::probe::object_storage::bucket::Bucket;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

const RIGHTS: [&str; 6] =
    ["PutObject", "GetObject", "ListBucket", "DeleteObject", "ListBucketMultipartUploads", "AbortMultipartUpload"];

/// A way to a storage that stops at one request to put an object, until it is opened.
struct PausingProxy {
    port: u16,
    puts: Arc<AtomicUsize>,
    open: Arc<Notify>,
}

impl PausingProxy {
    /// Lets `passes` such requests through.
    async fn start(to: u16, passes: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (puts, open) = (Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
        let (counted, opened) = (puts.clone(), open.clone());
        tokio::spawn(async move {
            while let Ok((here, _)) = listener.accept().await {
                let (counted, opened) = (counted.clone(), opened.clone());
                tokio::spawn(async move {
                    let Ok(there) = TcpStream::connect(("127.0.0.1", to)).await else { return };
                    let (mut from, mut answers) = here.into_split();
                    let (mut back, mut asked) = there.into_split();
                    let way_back = tokio::spawn(async move { tokio::io::copy(&mut back, &mut answers).await });
                    let mut bytes = vec![0; 1 << 16];
                    while let Ok(read @ 1..) = from.read(&mut bytes).await {
                        // A request begins a read: its client waits for the answer to the one before.
                        if bytes.starts_with(b"PUT ") && counted.fetch_add(1, Ordering::SeqCst) == passes {
                            opened.notified().await;
                        }
                        if asked.write_all(&bytes[..read]).await.is_err() {
                            break;
                        }
                    }
                    way_back.abort();
                });
            }
        });
        Self { port, puts, open }
    }

    /// Until a request stands before the gate.
    async fn holds(&self, passes: usize) {
        soon("a request at the gate", || (self.puts.load(Ordering::SeqCst) > passes).then_some(())).await;
    }
}

/// A place with an inventory whose strategy uploads to a bucket.
struct Workspace {
    folder: tempfile::TempDir,
    user: User,
    uri: String,
}

impl Workspace {
    fn new(engine: &Seekdb, moto: &Moto, user: User, port: u16) -> Self {
        let workspace = Self { folder: tempfile::tempdir().unwrap(), user, uri: moto.uri("backups/dumps") };
        workspace.private("password", PASSWORD);
        workspace.private("key", &workspace.user.key);
        let here = workspace.folder.path().display();
        workspace.private(
            "config.yaml",
            &format!(
                "clusters:\n  - name: lab\n    endpoints: [\"127.0.0.1:{}\"]\n    user: root@sys\n    \
                 password: {{file: {here}/password}}\n    strategies:\n      - storage: {{kind: s3, bucket: backups, \
                 path: dumps, endpoint: \"http://127.0.0.1:{port}\", region: us-east-1, addressing: path_style, \
                 access_id: {}, access_key: {{file: {here}/key}}}}\nlimits: {{poll: 50ms}}\n",
                engine.port, workspace.user.id
            ),
        );
        workspace
    }

    fn private(&self, name: &str, text: &str) {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let here = self.folder.path();
        let mut command = Command::new(env!("CARGO_BIN_EXE_obnow"));
        command.arg("--config").arg(here.join("config.yaml")).arg("--state").arg(here.join("state")).args(arguments);
        command.stdin(Stdio::null());
        command
    }

    async fn run(&self, arguments: &[&str]) -> (i32, String) {
        let mut command = self.command(arguments);
        let output: Output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        let words = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        eprintln!("{words}");
        assert!(!words.contains(&self.user.key) && !words.contains(PASSWORD), "a secret in {words}");
        (output.status.code().unwrap(), words)
    }

    fn journal(&self) -> String {
        let entries = std::fs::read_dir(self.folder.path().join("state/tasks")).into_iter().flatten().flatten();
        let path = entries.map(|entry| entry.path()).find(|path| path.extension().is_some_and(|end| end == "jsonl"));
        path.map(|path| std::fs::read_to_string(path).unwrap()).unwrap_or_default()
    }

    fn events(&self) -> Vec<Value> {
        self.journal().lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    fn task(&self) -> String {
        let entries = std::fs::read_dir(self.folder.path().join("state/tasks")).unwrap().flatten();
        let mut names = entries.map(|entry| entry.file_name().into_string().unwrap());
        names.find_map(|name| name.strip_suffix(".jsonl").map(str::to_owned)).unwrap()
    }

    /// What is left of the dump on this host.
    fn copy(&self) -> PathBuf {
        self.folder.path().join("state/dumps").join(format!("{}.1", self.task()))
    }

    async fn bucket(&self) -> Bucket {
        let destination = Destination::parse_user(&self.uri).unwrap().with_attribute("access_id", &self.user.id);
        let key = Secret::new(self.user.key.clone());
        Bucket::open(&destination.unwrap(), &key, Duration::from_secs(30), now).await.unwrap()
    }

    /// All objects of the run, by the names of their files.
    async fn objects(&self) -> BTreeMap<String, u64> {
        let prefix = format!("dumps/{}.1/", self.task());
        let sizes = self.bucket().await.sizes(&prefix).await.unwrap();
        sizes.into_iter().map(|(key, size)| (key.strip_prefix(&prefix).unwrap().to_owned(), size)).collect()
    }

    async fn fetch(&self, into: &Path) -> Manifest {
        let bucket = self.bucket().await;
        std::fs::create_dir(into).unwrap();
        for name in self.objects().await.keys() {
            let body = bucket.get(&format!("dumps/{}.1/{name}", self.task()), 1 << 28).await.unwrap();
            std::fs::write(into.join(name), body).unwrap();
        }
        verify(into).unwrap()
    }
}

/// What `find` finds, as soon as it does.
async fn soon<T>(what: &str, mut find: impl FnMut() -> Option<T>) -> T {
    for _ in 0..12_000 {
        if let Some(found) = find() {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("{what} never came")
}

/// Gone, or only not yet noticed by its parent.
fn is_over(pid: u64) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_none_or(|(_, rest)| rest.starts_with('Z'))
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

async fn ready() -> Option<(Seekdb, Moto, User)> {
    program("mydumper")?;
    let (engine, moto) = tokio::join!(Seekdb::start(SERVER), Moto::start());
    let (engine, moto) = (engine?, moto?);
    let user = moto.user("dumper", &RIGHTS).await;
    moto.check_everybody().await;
    sample_data::quiet(&mut engine.connect().await).await;
    Some((engine, moto, user))
}

fn port(moto: &Moto) -> u16 {
    let uri = moto.uri("backups");
    uri.split_once("127.0.0.1:").unwrap().1.split('&').next().unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn upload_fails_with_a_wrong_key_and_restores_after() {
    let Some((engine, moto, user)) = ready().await else { return };
    let Some(other) = Seekdb::start(SERVER).await else { return };
    let workspace = Workspace::new(&engine, &moto, user, port(&moto));
    workspace.private("key", "no/such+key");
    let plan = workspace.run(&["backup", "lab", "--mode", "full", "--dry-run"]).await.1;
    let work = workspace.folder.path().join("state/dumps");
    assert!(
        plan.contains("Upload") && plan.contains("every file goes to s3://backups/dumps/<task>.<attempt>/"),
        "{plan}"
    );
    assert!(plan.contains(&format!("its whole size in {} on this host", work.display())), "{plan}");

    let (code, words) = workspace.run(&["backup", "lab", "--mode", "full", "--yes"]).await;
    assert_eq!(code, 20, "{words}");
    assert!(words.contains("The access key is wrong: the signature made with it does not match."), "{words}");
    assert!(words.contains("The dump itself is whole and stays in"), "{words}");
    assert!(workspace.copy().join(MANIFEST_NAME).is_file(), "the dump stays");
    let dumps = || workspace.events().iter().filter(|line| line["event"]["description"].is_string()).count();
    assert_eq!(dumps(), 1, "the start carries the mark of its run");

    workspace.private("key", &workspace.user.key);
    let (code, words) = workspace.run(&["retry", &workspace.task(), "--yes"]).await;
    assert_eq!(code, 0, "{words}");
    assert_eq!(dumps(), 1, "no second dump is started");
    assert!(!words.contains("NEW backup"), "{words}");
    let to = format!("s3://backups/dumps/{}.1/", workspace.task());
    assert!(words.contains(&format!("are in {to}")), "{words}");
    assert!(words.contains(&format!("The copy on this host, {}, is removed.", workspace.copy().display())), "{words}");
    assert!(
        words.contains(&format!("aws s3 cp --recursive --endpoint-url http://127.0.0.1:{}", port(&moto))),
        "{words}"
    );
    assert!(!workspace.copy().exists(), "the copy is removed");
    let text = workspace.journal();
    assert!(!text.contains(&workspace.user.key) && !text.contains("no/such+key") && !text.contains(PASSWORD));
    let progress = workspace.events().into_iter().map(|event| event["event"]["progress"].clone());
    let progress: Vec<Value> = progress.filter(|progress| progress["phase"] == "uploading").collect();
    assert!(progress.iter().all(|progress| progress["bytes_total"].as_u64() > Some(20 << 20)), "{progress:?}");

    let fetched = workspace.folder.path().join("fetched");
    let manifest = workspace.fetch(&fetched).await;
    assert!(manifest.rows() > 0);
    load(&fetched, &other);
    let (mut here, mut there) = (other.connect().await, engine.connect().await);
    for connection in [&mut here, &mut there] {
        sql::run(connection, "SET SESSION time_zone = '+00:00', ob_query_timeout = 100000000").await;
    }
    for table in sample_data::QUIET {
        let mut restored = sql::rows(&mut here, format!("SELECT * FROM {table}")).await;
        let mut source = sql::rows(&mut there, format!("SELECT * FROM {table}")).await;
        restored.sort();
        source.sort();
        assert!(!source.is_empty() && restored == source, "{table} came back otherwise");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn retry_resumes_the_upload_of_a_killed_runner() {
    let Some((engine, moto, user)) = ready().await else { return };
    let proxy = PausingProxy::start(port(&moto), 3).await;
    let workspace = Workspace::new(&engine, &moto, user, proxy.port);
    let (code, words) = workspace.run(&["backup", "lab", "--mode", "full", "--yes", "--detach"]).await;
    assert_eq!(code, 0, "{words}");
    proxy.holds(3).await;
    let runner = workspace.events().iter().find_map(|line| line["event"]["pid"].as_u64()).unwrap();
    kill_process(Pid::from_raw(i32::try_from(runner).unwrap()).unwrap(), Signal::KILL).unwrap();
    soon("the runner's end", || is_over(runner).then_some(())).await;
    let there = workspace.objects().await;
    assert!(there.len() == 3 && !there.contains_key(MANIFEST_NAME), "{there:?}");
    proxy.open.notify_one();

    let (code, words) = workspace.run(&["retry", &workspace.task(), "--yes"]).await;
    assert_eq!(code, 0, "{words}");
    let before = ["3", "4"].iter().any(|known| words.contains(&format!(", {known} of them since an earlier attempt")));
    assert!(before, "{words}");
    let fetched = workspace.folder.path().join("fetched");
    let manifest = workspace.fetch(&fetched).await;
    assert_eq!(manifest.files.len() + 1, workspace.objects().await.len());
    assert!(!workspace.copy().exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancel_stops_an_upload_and_says_what_stays() {
    let Some((engine, moto, user)) = ready().await else { return };
    let proxy = PausingProxy::start(port(&moto), 2).await;
    let workspace = Workspace::new(&engine, &moto, user, proxy.port);
    let (code, words) = workspace.run(&["backup", "lab", "--mode", "full", "--yes", "--detach"]).await;
    assert_eq!(code, 0, "{words}");
    proxy.holds(2).await;
    let (_, words) = workspace.run(&["cancel", &workspace.task(), "--yes"]).await;
    assert!(words.contains("what is under s3://backups/dumps stays"), "{words}");
    soon("the end of the runner", || workspace.journal().contains("\"runner_ended\"").then_some(())).await;
    let text = workspace.journal();
    assert!(text.contains("The upload of the dump of lab was cancelled."), "{text}");
    let stays = format!("What was uploaded, if anything, stays under s3://backups/dumps/{}.1/", workspace.task());
    assert!(text.contains(&stays) && workspace.copy().join(MANIFEST_NAME).is_file(), "{text}");
    proxy.open.notify_one();
    let (code, words) = workspace.run(&["retry", &workspace.task(), "--yes"]).await;
    assert_eq!(code, 0, "{words}");
    assert!(!workspace.copy().exists() && workspace.objects().await.contains_key(MANIFEST_NAME));
}
