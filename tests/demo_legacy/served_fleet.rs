//! A fixture: a fleet that the test process itself serves, and its clients.

use std::io::{self, Write};
use std::path::PathBuf;

use obnow::demo::control::{ControlClient, ControlRequest};
use obnow::demo::fault_injection::{FaultEffect, InjectedFault};
use obnow::demo::service::{self, ServeOptions, ServiceError};
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection, MySqlDatabaseError, MySqlSslMode};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Row as _, raw_sql};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// The time limit for anything that should take far less, in milliseconds.
pub const LIMIT_MS: u64 = 20_000;

/// A served fleet, twenty times as fast as by default.
pub struct ServedFleet {
    pub state: tempfile::TempDir,
    pub dir: PathBuf,
    pub control: ControlClient,
    task: JoinHandle<Result<(), ServiceError>>,
}

/// Sends what is written to it.
struct Lines(mpsc::UnboundedSender<String>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.send(String::from_utf8_lossy(bytes).into_owned()).map_err(io::Error::other)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl ServedFleet {
    pub async fn start(scenario: &str) -> Self {
        let state = tempfile::tempdir().unwrap();
        let (out, mut lines) = mpsc::unbounded_channel();
        let (name, state_root) = (scenario.to_owned(), state.path().to_owned());
        let options =
            ServeOptions { scenario: name, state_root, speed: 20, port: 0, until_eof: false, own_session: false };
        let task = tokio::spawn(service::serve(options, Lines(out)));
        let mut line = String::new();
        while !line.ends_with('\n') {
            line += &lines.recv().await.unwrap_or_else(|| panic!("{scenario} ended before it was ready"));
        }
        let ready: serde_json::Value = serde_json::from_str(&line).unwrap();
        let dir = PathBuf::from(ready["dir"].as_str().unwrap());
        let control = ControlClient::connect(&dir).await.unwrap();
        Self { state, dir, control, task }
    }

    /// The inventory's entry of a cluster.
    fn entry(&self, cluster: &str) -> serde_yaml::Value {
        let text = std::fs::read_to_string(self.dir.join("config.yaml")).unwrap();
        let inventory: serde_yaml::Value = serde_yaml::from_str(&text).unwrap();
        let mut entries = inventory["clusters"].as_sequence().unwrap().iter();
        entries.find(|entry| entry["name"].as_str() == Some(cluster)).unwrap().clone()
    }

    pub async fn log_in(&self, cluster: &str, server: usize, user: &str) -> Result<Client, sqlx::Error> {
        let entry = self.entry(cluster);
        let password = std::fs::read_to_string(entry["password"]["file"].as_str().unwrap()).unwrap();
        let endpoint = entry["endpoints"][server].as_str().unwrap().to_owned();
        let options = MySqlConnectOptions::new()
            .host("127.0.0.1")
            .port(endpoint.strip_prefix("127.0.0.1:").unwrap().parse().unwrap())
            .username(user)
            .password(&password)
            .ssl_mode(MySqlSslMode::Disabled)
            .pipes_as_concat(false)
            .no_engine_substitution(false)
            .timezone(None)
            .set_names(false)
            .statement_cache_capacity(0)
            .disable_statement_logging();
        MySqlConnection::connect_with(&options).await.map(Client)
    }

    /// `root@sys` on the first server.
    pub async fn sys(&self, cluster: &str) -> Client {
        self.log_in(cluster, 0, "root@sys").await.unwrap()
    }

    pub async fn wait(&mut self, cluster: &str, tenant: &str, what: &str, is: &str) {
        let (cluster, tenant) = (Some(cluster.to_owned()), Some(tenant.to_owned()));
        let (what, is) = (what.to_owned(), is.to_owned());
        self.control.send(&ControlRequest::Wait { cluster, tenant, what, is, within_ms: LIMIT_MS }).await.unwrap();
    }

    /// Puts a fault into a cluster, or into one of its tenants.
    pub async fn inject(&mut self, cluster: &str, tenant: Option<&str>, effect: FaultEffect) {
        let fault = InjectedFault {
            name: "of the test".to_owned(),
            cluster: Some(cluster.to_owned()),
            tenant: tenant.map(str::to_owned),
            server: None,
            fixable: true,
            since: 0,
            effect,
        };
        self.control.send(&ControlRequest::InjectFault { fault }).await.unwrap();
    }

    pub async fn fix(&mut self) {
        self.control.send(&ControlRequest::RemoveFaults { name: None }).await.unwrap();
    }

    pub async fn stop(self) {
        service::stop(self.dir.file_name().unwrap().to_str().unwrap(), self.state.path()).await.unwrap();
        self.task.await.unwrap().unwrap();
    }
}

/// A logged-in client.
pub struct Client(pub MySqlConnection);

impl Client {
    /// The rows of a statement as text.
    pub async fn try_ask(&mut self, sql: &str) -> Result<Vec<Vec<Option<String>>>, (u16, String)> {
        let rows = match raw_sql(AssertSqlSafe(sql.to_owned())).fetch_all(&mut self.0).await {
            Ok(rows) => rows,
            Err(error) => return Err(answer(&error)),
        };
        let cell = |row: &sqlx::mysql::MySqlRow, index| {
            let bytes: Option<Vec<u8>> = row.try_get_unchecked(index).unwrap();
            bytes.map(|bytes| String::from_utf8(bytes).unwrap())
        };
        Ok(rows.iter().map(|row| (0..row.len()).map(|index| cell(row, index)).collect()).collect())
    }

    /// The rows of a statement that must succeed; NULL is `-`.
    pub async fn ask(&mut self, sql: &str) -> Vec<Vec<String>> {
        let rows = self.try_ask(sql).await.unwrap_or_else(|(code, message)| panic!("{sql}: {code} {message}"));
        let text = |cell: Option<String>| cell.unwrap_or_else(|| "-".to_owned());
        rows.into_iter().map(|row| row.into_iter().map(text).collect()).collect()
    }

    /// The first column of a statement that must succeed.
    pub async fn column(&mut self, sql: &str) -> Vec<String> {
        self.ask(sql).await.into_iter().map(|mut row| row.remove(0)).collect()
    }

    /// How the server refuses a statement.
    pub async fn refused(&mut self, sql: &str) -> (u16, String) {
        match self.try_ask(sql).await {
            Err(refused) => refused,
            Ok(rows) => panic!("{sql} was answered: {rows:?}"),
        }
    }
}

/// Code and message of a server's error.
pub fn answer(error: &sqlx::Error) -> (u16, String) {
    let error = error.as_database_error().unwrap_or_else(|| panic!("not an answer of the server: {error}"));
    (error.downcast_ref::<MySqlDatabaseError>().number(), error.message().to_owned())
}
