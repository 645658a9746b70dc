//! Tests a served fleet as a whole: a real client logs in over TCP, and the control socket answers.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops where its setup fails")]

use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use obnow::demo::control::{ControlClient, ControlRequest};
use obnow::demo::service::{self, ServeOptions, ServiceError};
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection, MySqlDatabaseError, MySqlSslMode};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Row as _, raw_sql};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// The time limit for anything that should take far less, in milliseconds.
const LIMIT_MS: u64 = 20_000;

/// A fleet that the test process itself serves, twenty times as fast as by default.
struct ServedFleet {
    state: tempfile::TempDir,
    dir: PathBuf,
    control: ControlClient,
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

fn options(scenario: &str, state: &Path) -> ServeOptions {
    let (scenario, state_root) = (scenario.to_owned(), state.to_owned());
    ServeOptions { scenario, state_root, speed: 20, port: 0, until_eof: false, own_session: false }
}

impl ServedFleet {
    async fn start(scenario: &str) -> Self {
        let state = tempfile::tempdir().unwrap();
        let (out, mut lines) = mpsc::unbounded_channel();
        let task = tokio::spawn(service::serve(options(scenario, state.path()), Lines(out)));
        let mut line = String::new();
        while !line.ends_with('\n') {
            line += &lines.recv().await.unwrap_or_else(|| panic!("{scenario} ended before it was ready"));
        }
        let ready: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(ready["ready"], scenario);
        let dir = PathBuf::from(ready["dir"].as_str().unwrap());
        let control = ControlClient::connect(&dir).await.unwrap();
        Self { state, dir, control, task }
    }

    /// The ports of the first cluster, as its inventory names them.
    fn ports(&self) -> Vec<u16> {
        let text = std::fs::read_to_string(self.dir.join("config.yaml")).unwrap();
        let inventory: serde_yaml::Value = serde_yaml::from_str(&text).unwrap();
        let endpoints = inventory["clusters"][0]["endpoints"].as_sequence().unwrap().iter();
        endpoints.map(|at| at.as_str().unwrap().strip_prefix("127.0.0.1:").unwrap().parse().unwrap()).collect()
    }

    async fn connect(&self, server: usize, user: &str) -> Result<MySqlConnection, sqlx::Error> {
        let text = std::fs::read_to_string(self.dir.join("config.yaml")).unwrap();
        let inventory: serde_yaml::Value = serde_yaml::from_str(&text).unwrap();
        let file = inventory["clusters"][0]["password"]["file"].as_str().unwrap().to_owned();
        let password = std::fs::read_to_string(file).unwrap();
        let options = MySqlConnectOptions::new()
            .host("127.0.0.1")
            .port(self.ports()[server])
            .username(user)
            .password(&password)
            .ssl_mode(MySqlSslMode::Disabled)
            .pipes_as_concat(false)
            .no_engine_substitution(false)
            .timezone(None)
            .set_names(false)
            .statement_cache_capacity(0)
            .disable_statement_logging();
        MySqlConnection::connect_with(&options).await
    }

    async fn wait(&mut self, tenant: &str, what: &str, is: &str) {
        let (tenant, what, is) = (Some(tenant.to_owned()), what.to_owned(), is.to_owned());
        self.control
            .send(&ControlRequest::Wait { cluster: None, tenant, what, is, within_ms: LIMIT_MS })
            .await
            .unwrap();
    }

    async fn statements(&mut self) -> Vec<(String, String)> {
        let list = self.control.send(&ControlRequest::Statements).await.unwrap();
        let word = |entry: &serde_json::Value, key: &str| entry[key].as_str().unwrap().to_owned();
        list.as_array().unwrap().iter().map(|entry| (word(entry, "text"), word(entry, "outcome"))).collect()
    }

    async fn stop(self) {
        service::stop(self.dir.file_name().unwrap().to_str().unwrap(), self.state.path()).await.unwrap();
        self.task.await.unwrap().unwrap();
    }
}

/// The rows of a statement as text.
async fn ask(client: &mut MySqlConnection, sql: &str) -> Result<Vec<Vec<Option<String>>>, sqlx::Error> {
    let rows = raw_sql(AssertSqlSafe(sql.to_owned())).fetch_all(client).await?;
    let cell = |row: &sqlx::mysql::MySqlRow, index| {
        let bytes: Option<Vec<u8>> = row.try_get_unchecked(index).unwrap();
        bytes.map(|bytes| String::from_utf8(bytes).unwrap())
    };
    Ok(rows.iter().map(|row| (0..row.len()).map(|index| cell(row, index)).collect()).collect())
}

fn code(error: &sqlx::Error) -> u16 {
    let error = error.as_database_error().unwrap_or_else(|| panic!("not an answer of the server: {error}"));
    error.downcast_ref::<MySqlDatabaseError>().number()
}

fn number(value: Option<&Option<String>>) -> u64 {
    value.unwrap().as_ref().unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_backup_by_sql_ends_restorable() {
    let mut demo = ServedFleet::start("healthy").await;
    let mut client = demo.connect(0, "root@sys#demo").await.unwrap();
    let version = ask(&mut client, "SELECT VERSION(), OB_VERSION(), EFFECTIVE_TENANT_ID()").await.unwrap();
    let expected = ["5.7.25-OceanBase_CE-v4.2.5.1", "4.2.5.1", "1"].map(|text| Some(text.to_owned()));
    assert_eq!(version, [expected]);

    ask(&mut client, "ALTER SYSTEM BACKUP TENANT = 'pay' DESCRIPTION = 'obnow 7.1'").await.unwrap();
    demo.wait("pay", "history", "COMPLETED").await;
    demo.wait("pay", "restorable", "yes").await;

    let job = "SELECT STATUS, BACKUP_SET_ID, BACKUP_TYPE FROM oceanbase.CDB_OB_BACKUP_JOB_HISTORY \
               WHERE TENANT_ID = 1002 AND DESCRIPTION = 'obnow 7.1'";
    let job = ask(&mut client, job).await.unwrap();
    assert_eq!(job, [["COMPLETED", "3", "FULL"].map(|text| Some(text.to_owned()))]);
    let set = "SELECT STATUS, FILE_STATUS, START_REPLAY_SCN, MIN_RESTORE_SCN FROM oceanbase.CDB_OB_BACKUP_SET_FILES \
               WHERE TENANT_ID = 1002 AND BACKUP_SET_ID = 3";
    let set = ask(&mut client, set).await.unwrap().remove(0);
    assert_eq!(set[..2], ["SUCCESS", "AVAILABLE"].map(|text| Some(text.to_owned())));
    let pieces = "SELECT START_SCN, CHECKPOINT_SCN, END_SCN FROM oceanbase.CDB_OB_ARCHIVELOG_PIECE_FILES \
                  WHERE TENANT_ID = 1002 AND FILE_STATUS = 'AVAILABLE' ORDER BY PIECE_ID";
    let pieces = ask(&mut client, pieces).await.unwrap();
    let (replay, restore) = (number(set.get(2)), number(set.get(3)));
    assert!(pieces.iter().any(|piece| number(piece.first()) <= replay && replay < number(piece.get(2))));
    assert!(number(pieces.last().unwrap().get(1)) >= restore, "the log does not reach {restore}: {pieces:?}");
    demo.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_view_of_every_line_can_be_asked() {
    let demo = ServedFleet::start("fleet").await;
    let mut client = demo.connect(1, "root@sys").await.unwrap();
    for (name, view) in obnow::demo::view_definitions::views_of("4.2.5").unwrap() {
        let columns: Vec<&str> = view.columns.iter().map(|column| column.name.as_str()).collect();
        ask(&mut client, &format!("SELECT {} FROM oceanbase.{name}", columns.join(", "))).await.unwrap();
    }
    demo.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lost_reply_hides_whether_it_was_applied() {
    let mut demo = ServedFleet::start("healthy").await;
    let backup = "alter system backup tenant = pay description 'obnow 7.1'";
    for (applied, outcome) in [(false, "lost before it was applied"), (true, "lost after it was applied: done")] {
        let prefix = "ALTER SYSTEM BACKUP".to_owned();
        demo.control.send(&ControlRequest::LoseReply { prefix, applied }).await.unwrap();
        let mut client = demo.connect(0, "root@sys").await.unwrap();
        let error = ask(&mut client, backup).await.unwrap_err();
        assert!(error.as_database_error().is_none(), "{error}");
        let canonical = "ALTER SYSTEM BACKUP TENANT = 'pay' DESCRIPTION = 'obnow 7.1'".to_owned();
        assert_eq!(*demo.statements().await.last().unwrap(), (canonical, outcome.to_owned()));
        let mut look = demo.connect(0, "root@sys").await.unwrap();
        let jobs = "SELECT JOB_ID FROM oceanbase.CDB_OB_BACKUP_JOBS WHERE TENANT_ID = 1 AND DESCRIPTION = 'obnow 7.1'";
        assert_eq!(ask(&mut look, jobs).await.unwrap().len(), usize::from(applied));
    }
    demo.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn phases_are_held_failed_and_released_by_the_door() {
    let mut demo = ServedFleet::start("healthy").await;
    let (tenant, phase) = ("pay".to_owned(), "BACKUP_DATA_MAJOR".to_owned());
    let hold = ControlRequest::HoldPhase { cluster: None, tenant: tenant.clone(), phase: phase.clone() };
    demo.control.send(&hold).await.unwrap();
    let mut client = demo.connect(2, "root@sys").await.unwrap();
    ask(&mut client, "ALTER SYSTEM BACKUP TENANT = 'pay', 'order'").await.unwrap();
    demo.wait("order", "history", "COMPLETED").await;
    demo.wait("pay", "task", "BACKUP_DATA_MAJOR").await;
    let fail = ControlRequest::FailJob {
        cluster: None,
        tenant: tenant.clone(),
        code: -4016,
        text: "Internal error".to_owned(),
    };
    demo.control.send(&fail).await.unwrap();
    demo.wait("pay", "history", "FAILED").await;
    demo.control.send(&ControlRequest::ReleasePhase { cluster: None, tenant, phase }).await.unwrap();
    ask(&mut client, "ALTER SYSTEM BACKUP TENANT = 'pay'").await.unwrap();
    demo.wait("pay", "history", "COMPLETED").await;
    let (tenant, what, is) = (Some("pay".to_owned()), "job".to_owned(), "DOING".to_owned());
    let late =
        demo.control.send(&ControlRequest::Wait { cluster: None, tenant, what, is, within_ms: 30 }).await.unwrap_err();
    assert!(late.to_string().ends_with("for job of pay to be 'DOING'; it is 'COMPLETED'"), "{late}");
    demo.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ports_refuse_hang_listen_and_are_cut() {
    let mut demo = ServedFleet::start("unreachable").await;
    let refused = demo.connect(0, "root@sys").await.unwrap_err();
    assert!(
        matches!(&refused, sqlx::Error::Io(error) if error.kind() == io::ErrorKind::ConnectionRefused),
        "{refused}"
    );
    let hangs = tokio::time::timeout(std::time::Duration::from_millis(200), demo.connect(1, "root@sys")).await;
    assert!(hangs.is_err(), "the silent server said something");
    let mut third = demo.connect(2, "root@sys").await.unwrap();
    let mut fixed = service::remove_faults("unreachable", demo.state.path()).await.unwrap();
    fixed.sort();
    assert_eq!(fixed, ["cluster-down", "server-down", "server-hangs"]);
    for server in [0, 1] {
        // Whether the port listens already is not for us to know, so we ask until it does.
        let opened = async {
            while demo.connect(server, "root@sys").await.is_err() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(std::time::Duration::from_millis(LIMIT_MS), opened).await.unwrap();
    }
    demo.control.send(&ControlRequest::CutConnections).await.unwrap();
    let (tenant, what, is) = (None, "connections".to_owned(), "0".to_owned());
    demo.control.send(&ControlRequest::Wait { cluster: None, tenant, what, is, within_ms: LIMIT_MS }).await.unwrap();
    assert!(ask(&mut third, "SELECT VERSION()").await.is_err());
    demo.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn logins_are_refused_as_a_server_refuses_them() {
    let demo = ServedFleet::start("healthy").await;
    assert!(demo.connect(0, "root@pay").await.is_ok());
    for (user, expected) in
        [("root@report", 1235), ("admin@sys", 1045), ("root@nobody", 5160), ("root@sys#other", 1045)]
    {
        assert_eq!(code(&demo.connect(0, user).await.unwrap_err()), expected, "{user}");
    }
    demo.stop().await;
    let demo = ServedFleet::start("login-refused").await;
    assert_eq!(code(&demo.connect(0, "root@sys").await.unwrap_err()), 1045);
    demo.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_without_physical_backup_says_what_it_is() {
    let demo = ServedFleet::start("logical").await;
    let mut client = demo.connect(0, "root@sys").await.unwrap();
    let said = ask(&mut client, "SELECT VERSION(), @@version_comment").await.unwrap().remove(0);
    assert_eq!(said[0].as_deref(), Some("5.7.25-OceanBase seekdb-v1.4.0.0"));
    assert!(said[1].as_ref().unwrap().starts_with("OceanBase 4.3.5.3 seekdb (r1.4.0.0) (Built "), "{said:?}");
    let missing = ask(&mut client, "SELECT TENANT_ID FROM oceanbase.DBA_OB_TENANTS").await.unwrap_err();
    assert_eq!(code(&missing), 1146);
    demo.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_place_has_one_fleet_which_others_join() {
    let demo = ServedFleet::start("healthy").await;
    let state = demo.state.path().to_owned();
    let twice = service::serve(options("healthy", &state), io::sink()).await.unwrap_err();
    assert!(matches!(twice, ServiceError::AlreadyServed(_)), "{twice}");
    let joined = service::join_or_start("healthy", &state, Path::new("/nonexistent"), 1).await.unwrap();
    assert_eq!(joined.dir, demo.dir);
    for file in ["config.yaml", "fleet-password"] {
        let mode = demo.dir.join(file).metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
    assert!(demo.dir.join("data/demo/pay/data/format.obbak").is_file());
    let dir = demo.dir.clone();
    demo.stop().await;
    assert!(!dir.join("control.sock").exists());
    assert!(matches!(service::stop("healthy", &state).await, Err(ServiceError::NotServed(_))));
}

#[tokio::test]
async fn a_path_that_is_too_long_for_a_socket_is_named() {
    let state = tempfile::tempdir().unwrap();
    let deep = state.path().join("x".repeat(90));
    let error = service::serve(options("healthy", &deep), io::sink()).await.unwrap_err();
    assert!(matches!(error, ServiceError::PathTooLong { .. }), "{error}");
    assert!(!deep.exists());
}

#[tokio::test]
async fn a_fleet_that_cannot_start_says_why() {
    let state = tempfile::tempdir().unwrap();
    let error = service::join_or_start("healthy", state.path(), Path::new("/bin/false"), 1).await.unwrap_err();
    assert!(matches!(error, ServiceError::NotStarted(_)), "{error}");
    let unknown = service::join_or_start("nowhere", state.path(), Path::new("/bin/false"), 1).await.unwrap_err();
    assert!(unknown.to_string().starts_with("there is no scenario 'nowhere'"), "{unknown}");
}
