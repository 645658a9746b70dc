//! Tests the wire protocol of the embedded OceanBase with a real client and with raw bytes.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops where its setup fails")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use obnow::demo::connection_registry::ConnectionRegistry;
use obnow::demo::server::serve_endpoint;
use obnow::demo::server_model::{Account, Endpoint, Greeting, ReplyOutcome, ServerModel, Session};
use obnow::demo::statement::{Alter, Row, ServerError, Value};
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection, MySqlDatabaseError, MySqlRow, MySqlSslMode};
use sqlx::{AssertSqlSafe, Column, ConnectOptions, Connection, Row as _, TypeInfo, raw_sql};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

/// A value that needs a second part of a packet once there is anything beside it.
const MAX_PACKET_PART: usize = 0xFF_FFFF;

/// A world of one server: `root@sys#c` and `root@t1#c`, both with the password `pa'ss`.
struct FakeModel {
    greeting: Greeting,
    line: &'static str,
    heard: mpsc::UnboundedSender<Notice>,
    altered: Mutex<Vec<(Alter, Option<String>)>>,
}

#[derive(Debug, PartialEq, Eq)]
enum Notice {
    Open(u64),
    Gone(u64),
    /// A statement that never ends by itself has started.
    Begun(u64),
}

impl ServerModel for FakeModel {
    fn greeting(&self, _: Endpoint) -> Greeting {
        self.greeting.clone()
    }

    fn login(&self, _: Endpoint, user_name: &str, proves: &dyn Fn(&str) -> bool) -> Result<Account, ServerError> {
        let account = |tenant: &str, tenant_id| Account { user: "root".into(), tenant: tenant.into(), tenant_id };
        match user_name {
            "root@sys#c" if proves("pa'ss") => Ok(account("sys", 1)),
            "root@t1#c" if proves("pa'ss") => Ok(account("t1", 1002)),
            "open@sys" if proves("") => Ok(account("sys", 1)),
            _ => {
                let message = format!("Access denied for user '{user_name}'@'%' (using password: YES)");
                Err(ServerError { code: 1045, state: "28000", message })
            }
        }
    }

    fn line(&self, _: Endpoint) -> String {
        self.line.to_owned()
    }

    fn rows(&self, session: &Session, view: &str) -> Result<Vec<Row>, ServerError> {
        let text = |text: &str| Value::Text(text.to_owned());
        Ok(match view {
            "DBA_OB_TENANTS" => vec![
                Row::from([("TENANT_ID", Value::Integer(1)), ("TENANT_NAME", text("sys"))]),
                Row::from([
                    ("TENANT_ID", Value::Integer(1002)),
                    ("TENANT_NAME", text("租户")),
                    ("SYNC_SCN", Value::Integer(i128::from(u64::MAX))),
                    ("CREATE_TIME", text("2026-11-20 03:31:40.000001")),
                ]),
            ],
            "CDB_OB_BACKUP_PARAMETER" => {
                vec![Row::from([
                    ("NAME", text("n")),
                    ("VALUE", text(&"x".repeat(MAX_PACKET_PART))),
                    ("TENANT_ID", Value::Integer(7)),
                ])]
            }
            "DBA_OB_ZONES" => vec![Row::from([("NO_SUCH", text("x"))])],
            _ => panic!("{view} for {session:?}"),
        })
    }

    fn variable(&self, _: &Session, name: &str) -> Option<Value> {
        let value = match name {
            "version()" => "5.7.25-OceanBase_CE-v4.2.5.1",
            "ob_version()" => "4.2.5.1",
            "@@time_zone" => "+08:00",
            "@@version_comment" => "OceanBase_CE 4.2.5.1",
            "@@ob_query_timeout" => return Some(Value::Integer(10_000_000)),
            _ => return None,
        };
        Some(Value::Text(value.to_owned()))
    }

    fn grants(&self, _: &Session) -> Vec<String> {
        vec!["GRANT ALTER SYSTEM ON *.* TO 'root'".to_owned()]
    }

    fn parameters(&self, _: &Session, tenant: Option<&str>) -> Vec<(String, String)> {
        let cluster = ("cluster".to_owned(), tenant.unwrap_or("pay").to_owned());
        vec![cluster, ("cluster_id".to_owned(), "7".to_owned()), ("syslog_level".to_owned(), "INFO".to_owned())]
    }

    async fn alter(&self, session: &Session, alter: Alter) -> ReplyOutcome {
        if matches!(alter, Alter::MajorFreeze(_)) {
            self.heard.send(Notice::Begun(session.connection)).unwrap();
            std::future::pending::<()>().await;
        }
        self.altered.lock().unwrap().push((alter, session.encryption.clone()));
        ReplyOutcome::Done
    }

    async fn before_reply(&self, session: &Session, statement: &str) -> ReplyOutcome {
        if statement.contains("lost") {
            return ReplyOutcome::ConnectionLost;
        }
        if statement.contains("held") {
            self.heard.send(Notice::Begun(session.connection)).unwrap();
            std::future::pending::<()>().await;
        }
        if statement.contains("refused late") {
            return ReplyOutcome::Refused(ServerError { code: 4012, state: "HY000", message: "Timeout".to_owned() });
        }
        ReplyOutcome::Done
    }

    fn connection_changed(&self, _: Endpoint, connection: u64, open: bool) {
        // The test may be over.
        let _nobody_listens = self.heard.send(if open { Notice::Open(connection) } else { Notice::Gone(connection) });
    }
}

struct Server {
    model: Arc<FakeModel>,
    port: u16,
    heard: mpsc::UnboundedReceiver<Notice>,
    stop: watch::Sender<bool>,
    serving: JoinHandle<std::io::Result<()>>,
}

impl Server {
    async fn start() -> Self {
        Self::greeting(Greeting::Version("5.7.25-OceanBase_CE-v4.2.5.1".to_owned())).await
    }

    async fn greeting(greeting: Greeting) -> Self {
        Self::of_line(greeting, "4.2.5").await
    }

    async fn of_line(greeting: Greeting, line: &'static str) -> Self {
        let (sender, heard) = mpsc::unbounded_channel();
        let model = Arc::new(FakeModel { greeting, line, heard: sender, altered: Mutex::default() });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (stop, stopping) = watch::channel(false);
        let serving =
            tokio::spawn(serve_endpoint(Arc::clone(&model), 0, listener, ConnectionRegistry::new(), stopping));
        Self { model, port, heard, stop, serving }
    }

    fn options(&self, user: &str, password: &str) -> MySqlConnectOptions {
        let options = MySqlConnectOptions::new().host("127.0.0.1").port(self.port).username(user);
        let options = if password.is_empty() { options } else { options.password(password) };
        options
            .ssl_mode(MySqlSslMode::Preferred)
            .pipes_as_concat(false)
            .no_engine_substitution(false)
            .timezone(None)
            .set_names(false)
            .statement_cache_capacity(0)
            .disable_statement_logging()
    }

    async fn sys(&self) -> MySqlConnection {
        self.options("root@sys#c", "pa'ss").connect().await.unwrap()
    }

    /// Waits until the world has heard this, whatever else it hears before.
    async fn until(&mut self, wanted: Notice) {
        while self.next_notice().await != wanted {}
    }

    async fn next_notice(&mut self) -> Notice {
        let next = tokio::time::timeout(Duration::from_secs(20), self.heard.recv()).await;
        next.unwrap_or_else(|_| panic!("the world hears nothing more")).unwrap()
    }
}

async fn ask(client: &mut MySqlConnection, sql: &str) -> Result<Vec<MySqlRow>, sqlx::Error> {
    raw_sql(AssertSqlSafe(sql.to_owned())).fetch_all(client).await
}

/// The rows as text, NULL as `-`.
async fn texts(client: &mut MySqlConnection, sql: &str) -> Vec<Vec<String>> {
    let cell = |row: &MySqlRow, place| match row.try_get_unchecked::<Option<Vec<u8>>, _>(place).unwrap() {
        Some(bytes) => String::from_utf8(bytes).unwrap(),
        None => "-".to_owned(),
    };
    let rows = ask(client, sql).await.unwrap();
    rows.iter().map(|row| (0..row.columns().len()).map(|place| cell(row, place)).collect()).collect()
}

fn code(error: &sqlx::Error) -> (u16, Option<&str>) {
    let error = error.as_database_error().unwrap_or_else(|| panic!("{error:?}"));
    let error = error.downcast_ref::<MySqlDatabaseError>();
    (error.number(), error.code())
}

async fn refused(client: &mut MySqlConnection, sql: &str) -> u16 {
    code(&ask(client, sql).await.unwrap_err()).0
}

async fn connection_id(client: &mut MySqlConnection) -> u64 {
    texts(client, "SELECT connection_id()").await[0][0].parse().unwrap()
}

#[tokio::test]
async fn only_the_right_password_logs_in() {
    let server = Server::start().await;
    for (user, password) in [("root@sys#c", "pa'ss"), ("root@t1#c", "pa'ss"), ("open@sys", "")] {
        let mut client = server.options(user, password).connect().await.unwrap();
        client.ping().await.unwrap();
        client.close().await.unwrap();
    }
    for (user, password) in [("root@sys#c", "pa'sS"), ("root@sys#c", ""), ("open@sys", "x"), ("nobody", "pa'ss")] {
        let error = server.options(user, password).connect().await.unwrap_err();
        assert_eq!(code(&error), (1045, Some("28000")), "{user}");
        assert!(error.to_string().contains(user), "{error}");
    }
    let error = server.options("root@sys#c", "pa'ss").database("nope").connect().await.unwrap_err();
    assert_eq!(code(&error), (1049, Some("42000")));
    server.options("root@sys#c", "pa'ss").database("oceanbase").connect().await.unwrap();
}

#[tokio::test]
async fn a_select_comes_with_types_and_exact_values() {
    let server = Server::start().await;
    let mut client = server.sys().await;
    let sql = "SELECT TENANT_ID, tenant_name, SYNC_SCN, CREATE_TIME FROM oceanbase.DBA_OB_TENANTS ORDER BY TENANT_ID";
    let expected = [["1", "sys", "-", "-"], ["1002", "租户", "18446744073709551615", "2026-11-20 03:31:40.000001"]];
    assert_eq!(texts(&mut client, sql).await, expected);
    let rows = ask(&mut client, sql).await.unwrap();
    let columns: Vec<_> = rows[0].columns().iter().map(|c| (c.name(), c.type_info().name())).collect();
    let expected = [
        ("TENANT_ID", "BIGINT"),
        ("tenant_name", "VARCHAR"),
        ("SYNC_SCN", "BIGINT UNSIGNED"),
        ("CREATE_TIME", "TIMESTAMP"),
    ];
    assert_eq!(columns, expected);
    // Strict decoding takes the types at their word.
    assert_eq!(rows[1].try_get::<u64, _>(2).unwrap(), u64::MAX);
    assert_eq!(rows[1].try_get::<String, _>(1).unwrap(), "租户");
    let none = texts(&mut client, "SELECT TENANT_ID FROM oceanbase.DBA_OB_TENANTS WHERE TENANT_ID = 5").await;
    assert!(none.is_empty());
}

#[tokio::test]
async fn a_value_longer_than_a_packet_arrives() {
    let server = Server::start().await;
    let mut client = server.sys().await;
    let rows = texts(&mut client, "SELECT NAME, VALUE, TENANT_ID FROM oceanbase.CDB_OB_BACKUP_PARAMETER").await;
    assert_eq!((rows[0][0].as_str(), rows[0][1].len(), rows[0][2].as_str()), ("n", MAX_PACKET_PART, "7"));
    client.ping().await.unwrap();
}

#[tokio::test]
async fn refusals_leave_the_connection_usable() {
    let server = Server::start().await;
    let mut client = server.sys().await;
    for (sql, expected) in [
        ("SELECT FOO FROM oceanbase.DBA_OB_TENANTS", 1054),
        ("SELECT A FROM oceanbase.NO_SUCH", 1146),
        ("DESC oceanbase.NO_SUCH", 1146),
        ("SELECT ZONE FROM oceanbase.DBA_OB_ZONES", 1105),
        ("SELECT * FROM oceanbase.DBA_OB_TENANTS", 1064),
        ("SELECT @@no_such", 1193),
        ("SET no_such = 1", 1193),
        ("SET time_zone = 'nowhere'", 1298),
        ("ALTER SYSTEM SUSPEND BACKUP", 1210),
        ("ALTER SYSTEM VALIDATE DATABASE", 1235),
        ("SET ENCRYPTION ON IDENTIFIED BY '' ONLY", 1210),
        ("SHOW GRANTS /* refused late */", 4012),
        ("KILL 5", 1094),
    ] {
        assert_eq!(refused(&mut client, sql).await, expected, "{sql}");
    }
    // The prepared protocol is refused, as on a server that has it switched off.
    let prepared = sqlx::query("SELECT connection_id()").bind(1).fetch_all(&mut client).await.unwrap_err();
    assert_eq!(code(&prepared), (1235, Some("0A000")));
    client.ping().await.unwrap();
    let mut tenant = server.options("root@t1#c", "pa'ss").connect().await.unwrap();
    let denied = ask(&mut tenant, "SELECT JOB_ID FROM oceanbase.CDB_OB_BACKUP_JOBS").await.unwrap_err();
    assert_eq!(code(&denied), (1142, Some("42000")));
}

/// A connection by hand, of a client that asks for several statements in one text or does not: the usual ones ask for nothing that a
/// greeting does not offer.
struct RawClient(TcpStream);

impl RawClient {
    async fn logged_in(server: &Server, asks: bool) -> Self {
        let mut client = Self(TcpStream::connect(("127.0.0.1", server.port)).await.unwrap());
        client.packet().await;
        let capabilities: u32 = 1 << 9 | 1 << 15 | if asks { 1 << 16 } else { 0 };
        let mut login = capabilities.to_le_bytes().to_vec();
        login.resize(32, 0);
        login.extend_from_slice(b"open@sys\0\0");
        client.send(1, &login).await;
        assert_eq!(client.packet().await[0], 0, "the login");
        client
    }

    async fn send(&mut self, sequence: u8, payload: &[u8]) {
        let length = u8::try_from(payload.len()).unwrap();
        self.0.write_all(&[&[length, 0, 0, sequence], payload].concat()).await.unwrap();
    }

    async fn packet(&mut self) -> Vec<u8> {
        let mut header = [0; 4];
        self.0.read_exact(&mut header).await.unwrap();
        let mut payload = vec![0; usize::from(header[0]) | usize::from(header[1]) << 8];
        self.0.read_exact(&mut payload).await.unwrap();
        payload
    }

    /// Of each answer to a text 0 where it has rows, or the code of its error.
    async fn ask(&mut self, text: &str) -> Vec<u16> {
        self.send(0, &[b"\x03", text.as_bytes()].concat()).await;
        let mut found = Vec::new();
        loop {
            let head = self.packet().await;
            if head[0] == 0xFF {
                found.push(u16::from_le_bytes([head[1], head[2]]));
                return found;
            }
            found.push(0);
            let mut more = false;
            for _end_of in ["columns", "rows"] {
                let mut packet = self.packet().await;
                while packet[0] != 0xFE {
                    packet = self.packet().await;
                }
                more = packet[3] & 8 != 0;
            }
            if !more {
                return found;
            }
        }
    }
}

#[tokio::test]
async fn multi_statements_are_answered_up_to_an_error() {
    let server = Server::start().await;
    let mut client = RawClient::logged_in(&server, true).await;
    let text = "SELECT EFFECTIVE_TENANT_ID(); SELECT EFFECTIVE_TENANT() AS `;`; SHOW GRANTS;";
    assert_eq!(client.ask(text).await, [0, 0, 0]);
    let text = "SELECT EFFECTIVE_TENANT_ID(); SELECT A FROM oceanbase.NO_SUCH; ALTER SYSTEM ARCHIVELOG TENANT = t1";
    assert_eq!(client.ask(text).await, [0, 1146]);
    assert_eq!(client.ask("SELECT EFFECTIVE_TENANT_ID()").await, [0]);
    assert!(server.model.altered.lock().unwrap().is_empty(), "what stands behind an error is not carried out");
}

#[tokio::test]
async fn multi_statements_need_line_and_client_support() {
    for (line, asks, taken) in [
        ("3.1.2", true, true),
        ("3.1.5", true, true),
        ("4.0", true, true),
        ("4.3.5", true, true),
        ("4.3.5", false, false),
        ("2.2.77", true, false),
        ("3.2.4", true, false),
    ] {
        let server = Server::of_line(Greeting::Version("5.7.25-OceanBase".to_owned()), line).await;
        let mut client = RawClient::logged_in(&server, asks).await;
        let expected = if taken { vec![0, 0] } else { vec![1064] };
        let two = "SELECT EFFECTIVE_TENANT_ID(); SELECT EFFECTIVE_TENANT_ID()";
        assert_eq!(client.ask(two).await, expected, "{line}");
        assert_eq!(client.ask("SELECT EFFECTIVE_TENANT_ID();").await, [0], "{line}: one is taken");
    }
}

#[tokio::test]
async fn describing_and_showing() {
    let server = Server::start().await;
    let mut client = server.sys().await;
    let described = texts(&mut client, "DESC oceanbase.DBA_OB_BACKUP_PARAMETER").await;
    assert_eq!(described, [["NAME", "varchar(1024)", "NO", "", "-", ""], ["VALUE", "longtext", "NO", "", "-", ""]]);
    let columns = texts(&mut client, "SHOW COLUMNS FROM oceanbase.DBA_OB_TENANTS").await;
    assert_eq!(columns[3][..3], ["CREATE_TIME", "timestamp(6)", "YES"]);

    let variables = texts(&mut client, "SHOW VARIABLES LIKE 'version%'").await;
    assert_eq!(variables, [["version_comment", "OceanBase_CE 4.2.5.1"]]);
    let timeout = texts(&mut client, "SHOW VARIABLES LIKE 'ob_query_timeout'").await;
    assert_eq!(timeout, [["ob_query_timeout", "10000000"]]);
    assert!(texts(&mut client, "SHOW VARIABLES LIKE 'no_such'").await.is_empty());

    let parameters = ask(&mut client, "SHOW PARAMETERS LIKE 'cluster%'").await.unwrap();
    let names: Vec<_> = parameters[0].columns().iter().map(Column::name).collect();
    assert_eq!(names[..7], ["zone", "svr_type", "svr_ip", "svr_port", "name", "data_type", "value"]);
    assert_eq!(names.len(), 14);
    let of = |rows: Vec<Vec<String>>| rows.into_iter().map(|row| (row[4].clone(), row[6].clone())).collect::<Vec<_>>();
    let rows = of(texts(&mut client, "SHOW PARAMETERS LIKE 'cluster%'").await);
    assert_eq!(rows, [("cluster".into(), "pay".into()), ("cluster_id".into(), "7".into())]);
    let rows = of(texts(&mut client, "SHOW PARAMETERS LIKE 'cluster' TENANT = t1").await);
    assert_eq!(rows, [("cluster".into(), "t1".into())]);
    assert_eq!(texts(&mut client, "SHOW GRANTS").await, [["GRANT ALTER SYSTEM ON *.* TO 'root'"]]);
}

#[tokio::test]
async fn scalars_and_the_session_s_own_settings() {
    let server = Server::start().await;
    let mut client = server.sys().await;
    let sql = "SELECT version(), ob_version() AS v, effective_tenant_id(), effective_tenant(), @@ob_query_timeout";
    let expected = [["5.7.25-OceanBase_CE-v4.2.5.1", "4.2.5.1", "1", "sys", "10000000"]];
    assert_eq!(texts(&mut client, sql).await, expected);
    assert!(connection_id(&mut client).await > 1 << 31);

    let hour =
        |rows: Vec<Vec<String>>| rows[0].iter().map(|time| time[11..13].parse::<u8>().unwrap()).collect::<Vec<_>>();
    let now = hour(texts(&mut client, "SELECT now(6), utc_timestamp(6)").await);
    assert_eq!(now[0], (now[1] + 8) % 24, "the world's zone");
    ask(&mut client, "SET time_zone = '+02:00', ob_query_timeout = 5").await.unwrap();
    let now = hour(texts(&mut client, "SELECT now(6), utc_timestamp(6)").await);
    assert_eq!(now[0], (now[1] + 2) % 24, "the session's zone");
    assert_eq!(texts(&mut client, "SELECT @@session.ob_query_timeout, @@time_zone").await, [["5", "+02:00"]]);
    ask(&mut client, "SET NAMES utf8mb4").await.unwrap();
    let mut other = server.sys().await;
    assert_eq!(texts(&mut other, "SELECT @@ob_query_timeout").await, [["10000000"]], "nobody else's");
}

#[tokio::test]
async fn an_alter_reaches_the_world_with_its_session() {
    let server = Server::start().await;
    let mut client = server.sys().await;
    ask(&mut client, "SET ENCRYPTION ON IDENTIFIED BY 'pw' ONLY").await.unwrap();
    ask(&mut client, "ALTER SYSTEM CANCEL BACKUP TENANT = t1").await.unwrap();
    let mut other = server.sys().await;
    ask(&mut other, "ALTER SYSTEM CANCEL BACKUP TENANT = t1").await.unwrap();
    let passwords: Vec<_> = server.model.altered.lock().unwrap().iter().map(|(_, password)| password.clone()).collect();
    assert_eq!(passwords, [Some("pw".to_owned()), None], "a password is the session's own");
    // Carried out, and the answer lost.
    let lost = ask(&mut client, "ALTER SYSTEM CANCEL BACKUP /* lost */").await.unwrap_err();
    assert!(lost.as_database_error().is_none(), "{lost}");
    assert_eq!(server.model.altered.lock().unwrap().len(), 3);
}

#[tokio::test]
async fn kill_query_ends_the_statement_and_keeps_the_connection() {
    let mut server = Server::start().await;
    let (mut victim, mut killer) = (server.sys().await, server.sys().await);
    let id = connection_id(&mut victim).await;
    // Nothing runs yet: nothing to kill, and the next statement is not hit.
    ask(&mut killer, &format!("KILL QUERY {id}")).await.unwrap();
    for sql in ["ALTER SYSTEM MAJOR FREEZE TENANT = t1", "SHOW GRANTS /* held */"] {
        let held = tokio::spawn(async move {
            let error = ask(&mut victim, sql).await.unwrap_err();
            (victim, code(&error).0)
        });
        server.until(Notice::Begun(id)).await;
        ask(&mut killer, &format!("KILL QUERY {id}")).await.unwrap();
        let (back, code) = held.await.unwrap();
        victim = back;
        assert_eq!(code, 1317, "{sql}");
        assert_eq!(connection_id(&mut victim).await, id);
    }
    assert!(server.model.altered.lock().unwrap().is_empty());
}

#[tokio::test]
async fn kill_cuts_the_connection() {
    let mut server = Server::start().await;
    let (mut victim, mut killer) = (server.sys().await, server.sys().await);
    let id = connection_id(&mut victim).await;
    let mut tenant = server.options("root@t1#c", "pa'ss").connect().await.unwrap();
    assert_eq!(refused(&mut tenant, &format!("KILL {id}")).await, 1094, "a tenant sees only its own");
    ask(&mut killer, &format!("KILL {id}")).await.unwrap();
    server.until(Notice::Gone(id)).await;
    assert!(ask(&mut victim, "SHOW GRANTS").await.is_err());
    assert_eq!(refused(&mut killer, &format!("KILL {id}")).await, 1094);
}

#[tokio::test]
async fn a_client_that_leaves_ends_its_statement() {
    let mut server = Server::start().await;
    let mut client = server.sys().await;
    let id = connection_id(&mut client).await;
    let held = tokio::spawn(async move { ask(&mut client, "ALTER SYSTEM MAJOR FREEZE").await });
    server.until(Notice::Begun(id)).await;
    held.abort();
    server.until(Notice::Gone(id)).await;
}

#[tokio::test]
async fn an_error_may_come_instead_of_a_handshake() {
    let full = ServerError { code: 1040, state: "08004", message: "Too many connections".to_owned() };
    let server = Server::greeting(Greeting::Error(full)).await;
    let error = server.options("root@sys#c", "pa'ss").connect().await.unwrap_err();
    assert_eq!(code(&error), (1040, Some("08004")));
}

#[tokio::test]
async fn a_silent_server_hears_the_client_go() {
    let mut server = Server::greeting(Greeting::Unresponsive).await;
    let mut client = TcpStream::connect(("127.0.0.1", server.port)).await.unwrap();
    let Notice::Open(id) = server.next_notice().await else { panic!("opened first") };
    client.write_all(b"anyone?").await.unwrap();
    drop(client);
    assert_eq!(server.next_notice().await, Notice::Gone(id));
}

#[tokio::test]
async fn a_malformed_packet_ends_only_its_own_connection() {
    let mut server = Server::start().await;
    let mut client = server.sys().await;
    for bytes in [&b"GET / HTTP/1.1\r\n\r\n"[..], &[1, 0, 0, 1, 0], &[0, 0, 0, 1], &[255; 64]] {
        let mut stranger = TcpStream::connect(("127.0.0.1", server.port)).await.unwrap();
        stranger.write_all(bytes).await.unwrap();
        stranger.shutdown().await.unwrap();
        let mut answer = Vec::new();
        // The server may reset a connection whose bytes it never read.
        let _end = stranger.read_to_end(&mut answer).await;
        client.ping().await.unwrap();
    }
    // All four are gone; ours is the one that is left.
    for _ in 0..4 {
        while !matches!(server.next_notice().await, Notice::Gone(_)) {}
    }
    client.ping().await.unwrap();
}

#[tokio::test]
async fn a_stop_cuts_every_connection_and_returns() {
    let mut server = Server::start().await;
    let mut client = server.sys().await;
    let id = connection_id(&mut client).await;
    server.stop.send_replace(true);
    server.until(Notice::Gone(id)).await;
    (&mut server.serving).await.unwrap().unwrap();
    assert!(client.ping().await.is_err());
    assert!(TcpStream::connect(("127.0.0.1", server.port)).await.is_err());
}
