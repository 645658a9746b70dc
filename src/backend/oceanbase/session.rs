//! One connection to a server of the OceanBase family. Text statements only: V3 refuses to prepare, proxies get prepared
//! ones wrong, and in the text protocol every value arrives exactly as the server prints it.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt};
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection, MySqlSslMode};
use sqlx::{AssertSqlSafe, Column, ConnectOptions, Connection as _, Executor, Row as _};
use tokio::time::{Instant, sleep_until, timeout};

use self::faults::{brief, connect_fault, statement_failure, unreachable};
use super::statement::{Secrets, Statement};
use crate::domain::connection::{Connection, TlsMode};
use crate::domain::fault::{Cause, Fault};
use crate::domain::secret::Secret;

mod faults;

/// How long a further endpoint waits for the one before it to answer.
const STAGGER: Duration = Duration::from_millis(300);

/// What a server may take beyond its own limit before the client gives up on the answer.
const GRACE: Duration = Duration::from_secs(2);

/// What sets the server's limit for the statements of a session.
const LIMIT: &str = "SET SESSION ob_query_timeout";

/// The server reached its own limit for a statement.
const TIMED_OUT: u32 = 4012;

/// A row of an answer, by column name in upper case; NULL is None.
pub type Row = BTreeMap<String, Option<String>>;

/// Why a statement has no good answer.
#[derive(Debug, Clone)]
pub struct Failure {
    /// What to tell.
    pub fault: Fault,
    /// Whether the server answered, with a refusal. False: nobody knows what it did.
    pub answered: bool,
    /// Whether it answered with a value that is not what its column holds.
    pub unread: bool,
}

/// An open connection.
pub struct Session {
    conn: MySqlConnection,
    /// The server's id of this connection.
    pub id: u64,
    /// `host:port` it goes to.
    pub endpoint: String,
    /// What `VERSION()` said.
    pub version_text: String,
    limit: Duration,
    /// Why the server does not end a statement of this session by itself; None: it does, or was not asked to.
    unbounded: Option<Fault>,
}

impl Session {
    /// Connects to the first endpoint that answers. A refused login ends it at once: the next endpoint would refuse it
    /// too, and count another failure.
    ///
    /// # Errors
    /// The fault of the login, or of the first endpoint when none answers.
    pub async fn open(to: &Connection, password: Option<&Secret>) -> Result<Self, Fault> {
        Self::open_telling(to, password).await.map_err(|(_, fault)| fault)
    }

    /// The same; the endpoint that ended it comes with the fault.
    ///
    /// # Errors
    /// As [`Session::open`].
    pub async fn open_telling(to: &Connection, password: Option<&Secret>) -> Result<Self, (String, Fault)> {
        let begin = Instant::now();
        let mut tries: FuturesUnordered<_> = (0u32..)
            .zip(&to.endpoints)
            .map(|(place, endpoint)| async move {
                sleep_until(begin + STAGGER * place).await;
                (place, endpoint, Self::open_one(to, password, endpoint).await)
            })
            .collect();
        let mut first: Option<(u32, &String, Fault)> = None;
        while let Some((place, endpoint, outcome)) = tries.next().await {
            match outcome {
                Ok(session) => return Ok(session),
                Err(fault) if fault.cause == Cause::Rights => return Err((endpoint.clone(), fault)),
                Err(fault) => {
                    if first.as_ref().is_none_or(|(earlier, ..)| place < *earlier) {
                        first = Some((place, endpoint, fault));
                    }
                }
            }
        }
        Err(first.map_or_else(
            || {
                let next = "Add endpoints: [\"host:2881\"].";
                let fault = Fault::new(Cause::Usage, "The cluster has no endpoint.", "The inventory lists none.", next);
                (String::new(), fault)
            },
            |(_, endpoint, fault)| (endpoint.clone(), fault),
        ))
    }

    /// Connects to one endpoint.
    ///
    /// # Errors
    /// One fault that says which of the many things it was.
    pub async fn open_one(to: &Connection, password: Option<&Secret>, endpoint: &str) -> Result<Self, Fault> {
        let deadline = Duration::from_millis(to.limits.connect);
        let options = options(to, password, endpoint)?;
        let conn = match timeout(deadline, MySqlConnection::connect_with(&options)).await {
            Ok(Ok(conn)) => conn,
            Ok(Err(error)) => return Err(connect_fault(&error, endpoint, &to.user, password)),
            Err(_) => {
                return Err(unreachable(endpoint, format!("It did not answer within {}.", seconds(deadline))));
            }
        };
        let limit = Duration::from_millis(to.limits.statement);
        let mut session =
            Self { conn, id: 0, endpoint: endpoint.to_owned(), version_text: String::new(), limit, unbounded: None };
        session.introduce(deadline).await?;
        Ok(session)
    }

    async fn introduce(&mut self, deadline: Duration) -> Result<(), Fault> {
        let question = self.ask("SELECT VERSION() AS VERSION, CONNECTION_ID() AS ID", deadline);
        let row = question.await.map_err(|failure| failure.fault)?.pop().unwrap_or_default();
        self.version_text = text(&row, "VERSION");
        self.id = number(&row, "ID").unwrap_or_default();
        Ok(())
    }

    /// Lets the server end every statement of this session at the client's own limit. Where it refuses that, as an entry that
    /// only reads does, questions go on without it; nothing is written then ([`Session::allow`]).
    ///
    /// # Errors
    /// The server did not answer.
    pub async fn bound_statements(&mut self) -> Result<(), Fault> {
        let statement = format!("{LIMIT} = {}", self.limit.as_micros());
        match self.ask(&statement, self.limit + GRACE).await {
            Ok(_) => self.unbounded = None,
            Err(failure) if failure.answered => self.unbounded = Some(failure.fault),
            Err(failure) => return Err(failure.fault),
        }
        Ok(())
    }

    /// Lets the statements of this session, which write, take so many times the usual limit.
    ///
    /// # Errors
    /// The server does not set the limit: it could still carry a statement out long after nobody waits for it.
    pub async fn allow(&mut self, times: u32) -> Result<(), Fault> {
        if times > 1 {
            self.limit *= times;
            self.bound_statements().await?;
        }
        match &self.unbounded {
            None => Ok(()),
            Some(refusal) => Err(Fault {
                what: format!("Nothing is written through {}.", self.endpoint),
                why: format!(
                    "It refuses {LIMIT}, which ends a statement that nobody waits for any more. {}",
                    refusal.what
                ),
                next: "Name an endpoint in the inventory that is not read only: an observer itself (port 2881)."
                    .to_owned(),
                ..refusal.clone()
            }),
        }
    }

    /// Lets the statements of this session take so long.
    ///
    /// # Errors
    /// The server's refusal.
    pub async fn allow_for(&mut self, limit: Duration) -> Result<(), Fault> {
        self.limit = limit;
        self.bound_statements().await
    }

    /// Milliseconds after which the server itself gives up on a statement of this session.
    #[must_use]
    pub fn server_limit(&self) -> u64 {
        u64::try_from(self.limit.as_millis()).unwrap_or(u64::MAX)
    }

    /// Asks for rows.
    ///
    /// # Errors
    /// What the server answered, or that it did not.
    pub async fn rows(&mut self, sql: &str) -> Result<Vec<Row>, Failure> {
        self.ask(sql, self.limit + GRACE).await.map_err(|mut failure| {
            if failure.fault.code == Some(TIMED_OUT) {
                // A question changes nothing: that it was not answered in time is all there is to say.
                failure.fault.cause = Cause::Unreachable;
                "The server gave up on a question at its own time limit.".clone_into(&mut failure.fault.why);
                "Try again; if it stays, look what loads the sys tenant, or raise limits.statement."
                    .clone_into(&mut failure.fault.next);
            }
            failure
        })
    }

    /// Sends a statement that changes something, once.
    ///
    /// # Errors
    /// A refusal, or that no answer came and nobody knows.
    pub async fn send(&mut self, statement: &Statement, secrets: &Secrets) -> Result<(), Failure> {
        self.send_for_rows(statement, secrets).await.map(drop)
    }

    /// Sends a statement with its secrets, once, and takes the rows of its answer.
    ///
    /// # Errors
    /// As [`Session::send`].
    pub async fn send_for_rows(&mut self, statement: &Statement, secrets: &Secrets) -> Result<Vec<Row>, Failure> {
        let wire = statement.wire_text(secrets).map_err(|fault| Failure { fault, answered: true, unread: false })?;
        self.ask_shown(wire.expose(), &statement.to_string(), self.limit + GRACE).await
    }

    async fn ask(&mut self, sql: &str, deadline: Duration) -> Result<Vec<Row>, Failure> {
        self.ask_shown(sql, sql, deadline).await
    }

    /// Asks; `shown` is the statement as a message may repeat it.
    async fn ask_shown(&mut self, sql: &str, shown: &str, deadline: Duration) -> Result<Vec<Row>, Failure> {
        let answer = self.conn.fetch_all(sqlx::raw_sql(AssertSqlSafe(sql.to_owned())));
        match timeout(deadline, answer).await {
            Err(_) => Err(Failure {
                fault: unreachable(
                    &self.endpoint,
                    format!("It did not answer a statement within {}.", seconds(deadline)),
                )
                .with_detail(brief(shown)),
                answered: false,
                unread: false,
            }),
            Ok(Ok(rows)) => Ok(rows.iter().map(read_row).collect()),
            Ok(Err(error)) => Err(statement_failure(&error, &self.endpoint, shown)),
        }
    }
}

fn read_row(row: &sqlx::mysql::MySqlRow) -> Row {
    row.columns()
        .iter()
        .enumerate()
        .map(|(place, column)| {
            let bytes = row.try_get_unchecked::<Option<Vec<u8>>, _>(place).ok().flatten();
            (column.name().to_uppercase(), bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
        })
        .collect()
}

/// The text of a column; empty for NULL and for a column that is not there.
#[must_use]
pub fn text(row: &Row, column: &str) -> String {
    row.get(column).cloned().flatten().unwrap_or_default()
}

/// The text of a column, None for NULL, a missing column or an empty text.
#[must_use]
pub fn some_text(row: &Row, column: &str) -> Option<String> {
    row.get(column).cloned().flatten().filter(|text| !text.is_empty())
}

/// A whole number of a column; None for NULL, a missing column or garbage.
#[must_use]
pub fn number(row: &Row, column: &str) -> Option<u64> {
    row.get(column)?.as_ref()?.trim().parse().ok()
}

fn options(to: &Connection, password: Option<&Secret>, endpoint: &str) -> Result<MySqlConnectOptions, Fault> {
    let (host, port) = endpoint.rsplit_once(':').unwrap_or((endpoint, "2881"));
    let port = port.parse().map_err(|_| {
        Fault::new(
            Cause::Usage,
            format!("{endpoint} is not an endpoint."),
            format!("{port} is not a port."),
            "Write it as host:port, for example 10.0.0.1:2881.",
        )
    })?;
    let mut options = MySqlConnectOptions::new()
        .host(host.trim_matches(['[', ']']))
        .port(port)
        .username(&to.user)
        // Whatever the driver would set by itself either shifts times to UTC or is refused by some SQL modes.
        .pipes_as_concat(false)
        .no_engine_substitution(false)
        .timezone(None)
        .set_names(false)
        .statement_cache_capacity(0)
        .ssl_mode(match to.tls {
            TlsMode::Off => MySqlSslMode::Disabled,
            TlsMode::Prefer => MySqlSslMode::Preferred,
            TlsMode::Require => MySqlSslMode::Required,
            TlsMode::VerifyCa => MySqlSslMode::VerifyCa,
            TlsMode::VerifyFull => MySqlSslMode::VerifyIdentity,
        })
        // Statements carry access keys; the driver would log them.
        .disable_statement_logging();
    if let Some(ca) = &to.ca {
        std::fs::metadata(ca).map_err(|error| {
            Fault::new(
                Cause::Usage,
                format!("The CA file {ca} cannot be used."),
                format!("The system says: {error}."),
                "Correct tls.ca of this cluster in the inventory.",
            )
        })?;
        options = options.ssl_ca(Path::new(ca));
    }
    // An empty password given to the driver would be sent as a wrong one.
    if let Some(password) = password.filter(|password| !password.is_empty()) {
        options = options.password(password.expose());
    }
    Ok(options)
}

fn seconds(duration: Duration) -> String {
    let millis = duration.as_millis();
    if millis.is_multiple_of(1_000) { format!("{} s", millis / 1_000) } else { format!("{millis} ms") }
}
