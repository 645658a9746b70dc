//! A running seekdb server for a test: free port, temporary directory, password; it ends with its owner, however that ends.

use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use sqlx::mysql::MySqlConnection;
use tempfile::TempDir;

use super::port::Port;
use super::{installed, package, sql};

/// A password with everything in it that a careless quoting breaks.
pub const PASSWORD: &str = "p w'\"\\#;=$x\\";
const READY: Duration = Duration::from_mins(1);

/// Keeps the server until its standard input closes: it ends even where the test was killed.
const REAPER: &str = r#""$@" </dev/null & engine=$!; cat >/dev/null; kill -9 "$engine"; wait "$engine" 2>/dev/null"#;

/// A running engine; dropping it ends it and removes its folder.
pub struct Seekdb {
    /// Where it listens, on 127.0.0.1.
    pub port: u16,
    keeper: Child,
    folder: TempDir,
    _port: Port,
}

impl Seekdb {
    /// Starts a release and waits until `root@sys` can log in; `None`, loudly, where it is not installed.
    pub async fn start(release: &str) -> Option<Self> {
        let program = package(&installed(release)?).join("seekdb");
        let folder = TempDir::new().unwrap();
        let claimed = Port::claim();
        let port = claimed.number;
        let output = File::create(folder.path().join("output")).unwrap();
        let keeper = Command::new("/bin/sh")
            .args(["-c", REAPER, "keeper"])
            .arg(program)
            .args(["--nodaemon", "--log-level", "WARN", "--port", &port.to_string(), "--base-dir"])
            .arg(folder.path())
            .args(["--parameter", "datafile_size=64M", "--parameter", "log_disk_size=2G", "--parameter", "cpu_count=2"])
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(output.try_clone().unwrap())
            .stderr(output)
            .spawn()
            .unwrap();
        let engine = Self { port, keeper, folder, _port: claimed };
        engine.wait_until_ready().await;
        Some(engine)
    }

    /// A connection of `root@sys`.
    pub async fn connect(&self) -> MySqlConnection {
        sql::connect(self.port, Some(PASSWORD)).await.unwrap()
    }

    /// The folder the server works in.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    async fn wait_until_ready(&self) {
        let deadline = Instant::now() + READY;
        let mut connection = loop {
            // What listens there and does not answer is waited for no longer.
            match tokio::time::timeout(READY, sql::connect(self.port, None)).await {
                Ok(Ok(connection)) => break connection,
                error if Instant::now() > deadline => panic!("not ready in {READY:?}: {error:?}; {}", self.said()),
                _ => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        };
        let quoted = PASSWORD.replace('\\', "\\\\").replace('\'', "''");
        sql::run(&mut connection, format!("ALTER USER root IDENTIFIED BY '{quoted}'")).await;
    }

    fn said(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("output")).unwrap_or_default()
    }
}

impl Drop for Seekdb {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
    }
}
