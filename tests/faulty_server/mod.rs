//! Fixtures for faulty servers in the test process: an embedded cluster whose replies a test tampers with, and sockets that speak
//! another protocol.
#![allow(dead_code, clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener as Listener};
use std::sync::{Arc, Mutex};

use obnow::demo::clock;
use obnow::demo::connection_registry::ConnectionRegistry;
use obnow::demo::scenario::{self, FleetSettings};
use obnow::demo::server::serve_endpoint;
use obnow::demo::server_model::{Account, Endpoint, Greeting, ReplyOutcome, ServerModel, Session};
use obnow::demo::shared_fleet::SharedFleet;
use obnow::demo::statement::{Alter, Row, ServerError, Value};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::watch;

/// The password of `root@sys` of every faulty server.
pub const PASSWORD: &str = "CANARY-of-the-login-41c7";

/// The rows of a view, or an error instead.
pub type Answer = Result<Vec<Row>, ServerError>;

/// Maps a view and its rows to the rows that are sent.
pub type Rows = Box<dyn Fn(&str, Answer) -> Answer + Send + Sync>;

/// The changes that a test makes to a server's replies.
pub struct Tampering {
    /// Another greeting.
    pub greeting: Option<Greeting>,
    /// Other values of `VERSION()` and `version_comment`.
    pub version: Option<(&'static str, &'static str)>,
    /// A parameter with its other value on each server.
    pub parameter: Option<(&'static str, &'static str)>,
    /// Errors instead of the execution of an `ALTER SYSTEM`.
    pub alter: Option<fn(&Alter) -> Option<ServerError>>,
    /// Changes the rows of a view, whose name is in upper case.
    pub rows: Rows,
    /// Every statement that the server received.
    pub received: Arc<Mutex<Vec<String>>>,
}

impl Tampering {
    /// Changes nothing.
    pub fn none() -> Self {
        Self {
            greeting: None,
            version: None,
            parameter: None,
            alter: None,
            rows: Box::new(|_, answer| answer),
            received: Arc::default(),
        }
    }

    /// Changes the rows of views.
    pub fn rows(rows: impl Fn(&str, Answer) -> Answer + Send + Sync + 'static) -> Self {
        Self { rows: Box::new(rows), ..Self::none() }
    }

    /// Returns an error instead of the rows of one view.
    pub fn refuses(view: &'static str, code: u16, message: &'static str) -> Self {
        Self::rows(move |asked, answer| if asked == view { Err(error(code, message)) } else { answer })
    }

    /// Sets one column of one view in every row.
    pub fn column(view: &'static str, column: &'static str, value: Value) -> Self {
        Self::rows(move |asked, answer| {
            let mut rows = answer?;
            for row in rows.iter_mut().filter(|_| asked == view) {
                row.insert(column, value.clone());
            }
            Ok(rows)
        })
    }

    /// Changes every value of every view.
    pub fn values(tampering: impl Fn(&str, &Value) -> Value + Send + Sync + 'static) -> Self {
        Self::rows(move |_, answer| {
            let mut rows = answer?;
            for row in &mut rows {
                for (column, value) in row.iter_mut() {
                    *value = tampering(column, value);
                }
            }
            Ok(rows)
        })
    }

    /// Changes the value of a parameter on each server.
    pub fn parameter(name: &'static str, value: &'static str) -> Self {
        Self { parameter: Some((name, value)), ..Self::none() }
    }

    /// Changes the version.
    pub fn version(version: &'static str, comment: &'static str) -> Self {
        Self { version: Some((version, comment)), ..Self::none() }
    }
}

impl Tampering {
    /// Returns the value of a parameter that is sent.
    fn shown(&self, name: &str, value: String) -> String {
        let tampered = self.parameter.filter(|(tampered, _)| name.eq_ignore_ascii_case(tampered));
        tampered.map_or(value, |(_, other)| other.to_owned())
    }
}

/// Returns an error of the server.
pub fn error(code: u16, message: &str) -> ServerError {
    ServerError { code, state: "HY000", message: message.to_owned() }
}

struct FaultyServer {
    inner: SharedFleet,
    tampering: Tampering,
}

impl ServerModel for FaultyServer {
    fn greeting(&self, endpoint: Endpoint) -> Greeting {
        let own = self.inner.greeting(endpoint);
        match (&self.tampering.greeting, self.tampering.version) {
            (Some(greeting), _) => greeting.clone(),
            (None, Some((version, _))) => Greeting::Version(version.to_owned()),
            (None, None) => own,
        }
    }

    fn login(&self, at: Endpoint, user: &str, proves: &dyn Fn(&str) -> bool) -> Result<Account, ServerError> {
        self.inner.login(at, user, proves)
    }

    fn line(&self, endpoint: Endpoint) -> String {
        self.inner.line(endpoint)
    }

    fn rows(&self, session: &Session, view: &str) -> Answer {
        let mut rows = (self.tampering.rows)(view, self.inner.rows(session, view))?;
        for row in rows.iter_mut().filter(|_| view == "GV$OB_PARAMETERS") {
            if let (Some(Value::Text(name)), Some(Value::Text(value))) = (row.get("NAME"), row.get("VALUE")) {
                let value = self.tampering.shown(name, value.clone());
                row.insert("VALUE", Value::Text(value));
            }
        }
        Ok(rows)
    }

    fn variable(&self, session: &Session, name: &str) -> Option<Value> {
        match (self.tampering.version, name) {
            (Some((version, _)), "version()" | "@@version") => Some(Value::Text(version.to_owned())),
            (Some((_, comment)), "@@version_comment") => Some(Value::Text(comment.to_owned())),
            _ => self.inner.variable(session, name),
        }
    }

    fn grants(&self, session: &Session) -> Vec<String> {
        self.inner.grants(session)
    }

    fn parameters(&self, session: &Session, tenant: Option<&str>) -> Vec<(String, String)> {
        let shown = self.inner.parameters(session, tenant).into_iter();
        shown.map(|(name, value)| (name.clone(), self.tampering.shown(&name, value))).collect()
    }

    fn server_parameters(&self, session: &Session) -> Option<Vec<(String, u16, String, String)>> {
        let shown = self.inner.server_parameters(session)?.into_iter();
        let tampered = shown.map(|(zone, port, name, value)| {
            let value = self.tampering.shown(&name, value);
            (zone, port, name, value)
        });
        Some(tampered.collect())
    }

    fn alter(&self, session: &Session, alter: Alter) -> impl Future<Output = ReplyOutcome> + Send {
        let refused = self.tampering.alter.and_then(|refuses| refuses(&alter));
        async move {
            match refused {
                Some(error) => ReplyOutcome::Refused(error),
                None => self.inner.alter(session, alter).await,
            }
        }
    }

    fn before_reply(&self, session: &Session, statement: &str) -> impl Future<Output = ReplyOutcome> + Send {
        self.tampering.received.lock().unwrap().push(statement.to_owned());
        self.inner.before_reply(session, statement)
    }

    fn connection_changed(&self, endpoint: Endpoint, connection: u64, open: bool) {
        self.inner.connection_changed(endpoint, connection, open);
    }
}

/// Faulty servers; drop stops them.
pub struct FaultyServers {
    runtime: Runtime,
    data: tempfile::TempDir,
    stop: watch::Sender<bool>,
}

impl FaultyServers {
    pub fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        Self { runtime, data: tempfile::tempdir().unwrap(), stop: watch::Sender::new(false) }
    }

    /// Starts one server of a healthy cluster with the tenants of these YAML lines; returns its port.
    pub fn tenants(&self, lines: &str, tampering: Tampering) -> u16 {
        self.cluster(&format!("  tenants:\n{lines}"), tampering)
    }

    /// Starts one server of a healthy cluster with these YAML lines besides name and id; returns its port.
    pub fn cluster(&self, lines: &str, tampering: Tampering) -> u16 {
        let listener = Listener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        listener.set_nonblocking(true).unwrap();
        let text = format!("shows: a test\nclusters:\n- name: demo\n  id: 1001\n  servers: 1\n{lines}");
        let data = self.data.path().join(port.to_string());
        std::fs::create_dir(&data).unwrap();
        let settings = FleetSettings { data: &data, ports: &[port], speed: 20, password: PASSWORD, now: clock::now() };
        let fleet = scenario::parse("odd", &text).unwrap().build_fleet("odd", &settings).unwrap();
        let model = Arc::new(FaultyServer { inner: SharedFleet::new(fleet), tampering });
        let stopped = self.stop.subscribe();
        self.runtime.spawn(async move {
            let listener = TcpListener::from_std(listener).unwrap();
            serve_endpoint(model, 0, listener, ConnectionRegistry::new(), stopped).await
        });
        port
    }

    /// One server of a healthy cluster (`demo`, with `pay`, `order`, an Oracle-mode `report` and a standby `dr`), twisted;
    /// its port.
    pub fn tampered(&self, tampering: Tampering) -> u16 {
        let lines =
            "  - {names: [pay, order]}\n  - {names: [report], mode: ORACLE}\n  - {names: [dr], role: STANDBY}\n";
        self.tenants(lines, tampering)
    }

    /// Starts a port that sends every client these bytes, and then hangs up or stays silent.
    pub fn answers_with_bytes(bytes: &'static [u8], hangs_up: bool) -> u16 {
        let listener = Listener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { return };
                std::thread::spawn(move || {
                    let _ = stream.write_all(bytes);
                    if !hangs_up {
                        let _ = stream.read_to_end(&mut Vec::new());
                    }
                });
            }
        });
        port
    }

    /// Returns a reserved port without a listener.
    pub fn closed(&self) -> u16 {
        let _entered = self.runtime.enter();
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
        let port = socket.local_addr().unwrap().port();
        std::mem::forget(socket);
        port
    }
}
