//! A connection to a server of the OceanBase family. It sends text statements only: V3 refuses prepared ones, proxies handle
//! them wrongly, and in the text protocol every value arrives exactly as the server prints it.

use std::marker::PhantomData;
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::time::{Instant, sleep_until, timeout};

use self::client::Client;
use self::faults::{brief, connect_fault, statement_failure, unreachable};
use self::login::LoginRequest;
use self::multi_statements::MultiStatements;
use super::statement::{Secrets, Statement};
use crate::domain::connection::Connection;
use crate::domain::endpoint::Endpoint;
use crate::domain::fault::{Cause, Fault};
use crate::domain::secret::Secret;

mod client;
mod client_error;
mod faults;
mod login;
mod multi_statements;
mod packet_reader;
mod packet_stream;
mod purpose;
#[cfg(test)]
pub mod recording;
mod result_reader;
mod row;
mod tls;

pub use purpose::{Purpose, ReadOnly, Writing};
pub use row::{Row, number, some_text, text, with_column};

/// Delay before the next endpoint is tried while the one before has not answered.
const STAGGER: Duration = Duration::from_millis(300);

/// Time that the client waits for an answer beyond the server's own limit.
const GRACE: Duration = Duration::from_secs(2);

/// The statement that sets the server's time limit for a session.
const SET_QUERY_TIMEOUT: &str = "SET SESSION ob_query_timeout";

/// The server's code for a statement that reached its time limit.
const QUERY_TIMEOUT_CODE: u32 = 4012;

/// Why a statement failed.
#[derive(Debug, Clone)]
pub struct Failure {
    /// The fault for the user.
    pub fault: Fault,
    /// Whether the server answered with an error; false where it is unknown what it did.
    pub answered: bool,
    /// Whether it answered with a value that does not have the type of its column.
    pub unread: bool,
    /// Whether it answered with more than is read; the connection was closed.
    pub oversized: bool,
}

impl Failure {
    /// Returns the failure of a statement that was not sent, or that the server answered with an error.
    #[must_use]
    pub fn refused(fault: Fault) -> Self {
        Self { fault, answered: true, unread: false, oversized: false }
    }

    /// Returns the failure of a statement without an answer: what the server did is unknown.
    #[must_use]
    pub fn lost(fault: Fault) -> Self {
        Self { answered: false, ..Self::refused(fault) }
    }

    /// Returns the failure of a statement whose result has a value that cannot be read.
    #[must_use]
    pub fn unreadable(fault: Fault) -> Self {
        Self { unread: true, ..Self::refused(fault) }
    }
}

/// An open connection that only reads.
pub type Session = TypedSession<ReadOnly>;

/// An open connection that may write.
pub type WritingSession = TypedSession<Writing>;

/// An open connection. Statements that change something can only be sent over one that was opened for that.
pub struct TypedSession<P: Purpose> {
    client: Client,
    /// The server's id of this connection.
    pub id: u64,
    /// `host:port` it goes to.
    pub endpoint: String,
    /// The result of `VERSION()`.
    pub version_text: String,
    limit: Duration,
    /// Why the server refused the time limit for this session; `None` where it accepted it or was not asked.
    unbounded: Option<Fault>,
    /// Whether several queries may be sent in one text.
    several: MultiStatements,
    purpose: PhantomData<P>,
    /// The recording of a test, which stores or replaces results.
    #[cfg(test)]
    pub(super) tape: Option<recording::Recording>,
}

impl<P: Purpose> TypedSession<P> {
    /// Connects to the first endpoint that answers. A refused login ends the attempt at once: the next endpoint would refuse it
    /// too, and count another failure.
    ///
    /// # Errors
    /// The fault of the login, or of the first endpoint when none answers.
    pub async fn open(to: &Connection, password: Option<&Secret>) -> Result<Self, Fault> {
        Self::open_or_failed_endpoint(to, password).await.map_err(|(_, fault)| fault)
    }

    /// Connects to the first endpoint that answers, or returns the endpoint that ended the attempt with its fault.
    ///
    /// # Errors
    /// As [`TypedSession::open`].
    pub async fn open_or_failed_endpoint(to: &Connection, password: Option<&Secret>) -> Result<Self, (String, Fault)> {
        let begin = Instant::now();
        let mut tries: FuturesUnordered<_> = (0u32..)
            .zip(&to.endpoints)
            .map(|(place, endpoint)| async move {
                sleep_until(begin + STAGGER * place).await;
                (place, endpoint, Self::open_endpoint(to, password, endpoint).await)
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
    /// The fault explains which part of the connection failed.
    pub async fn open_endpoint(to: &Connection, password: Option<&Secret>, endpoint: &str) -> Result<Self, Fault> {
        let deadline = Duration::from_millis(to.limits.connect);
        let Endpoint { host, port } = read_endpoint(endpoint)?;
        let ca = read_ca_file(to).await?;
        let login = LoginRequest {
            host: &host,
            user: &to.user,
            password,
            tls: to.tls,
            ca: ca.as_deref(),
            several: P::REQUESTS_MULTI_STATEMENTS,
        };
        let client = match timeout(deadline, Client::connect(port, &login)).await {
            Ok(Ok(client)) => client,
            Ok(Err(trouble)) => return Err(connect_fault(&trouble, endpoint, &to.user, password)),
            Err(_) => {
                return Err(unreachable(endpoint, format!("It did not answer within {}.", seconds(deadline))));
            }
        };
        let limit = Duration::from_millis(to.limits.statement);
        let mut session = Self {
            client,
            id: 0,
            endpoint: endpoint.to_owned(),
            version_text: String::new(),
            limit,
            unbounded: None,
            several: MultiStatements::of::<P>(),
            purpose: PhantomData,
            #[cfg(test)]
            tape: None,
        };
        session.read_session_info(deadline).await?;
        Ok(session)
    }

    async fn read_session_info(&mut self, deadline: Duration) -> Result<(), Fault> {
        let question = self.query_within("SELECT VERSION() AS VERSION, CONNECTION_ID() AS ID", deadline);
        let row = question.await.map_err(|failure| failure.fault)?.pop().unwrap_or_default();
        self.version_text = text(&row, "VERSION");
        // A closed connection, and what it sent, is later identified by its id.
        self.id = number(&row, "ID").ok_or_else(|| {
            Fault::new(
                Cause::Unreachable,
                format!("{} does not say which connection this is.", self.endpoint),
                "It answers CONNECTION_ID() with something that is no number.",
                "Check what answers at that endpoint.",
            )
        })?;
        Ok(())
    }

    /// Sets the client's time limit on the server for every statement of this session. Where the server refuses, as a read-only
    /// endpoint does, queries continue without it, but nothing is written ([`WritingSession::allow`]).
    ///
    /// # Errors
    /// The server did not answer.
    pub async fn apply_statement_limit(&mut self) -> Result<(), Fault> {
        let statement = format!("{SET_QUERY_TIMEOUT} = {}", self.limit.as_micros());
        match self.query_within(&statement, self.limit + GRACE).await {
            Ok(_) => self.unbounded = None,
            Err(failure) if failure.answered => self.unbounded = Some(failure.fault),
            Err(failure) => return Err(failure.fault),
        }
        Ok(())
    }

    /// Returns the server's own time limit for a statement of this session, in milliseconds.
    #[must_use]
    pub fn server_limit(&self) -> u64 {
        u64::try_from(self.limit.as_millis()).unwrap_or(u64::MAX)
    }

    /// Sends a query and returns its rows.
    ///
    /// # Errors
    /// The server's error, or that it did not answer.
    pub async fn rows(&mut self, sql: &str) -> Result<Vec<Row>, Failure> {
        self.query_within(sql, self.limit + GRACE).await.map_err(|mut failure| {
            if failure.fault.code == Some(QUERY_TIMEOUT_CODE) {
                // A query changes nothing: only the missing answer is to be reported.
                failure.fault.cause = Cause::Unreachable;
                "The server gave up on a question at its own time limit.".clone_into(&mut failure.fault.why);
                "Try again; if it stays, look what loads the sys tenant, or raise limits.statement."
                    .clone_into(&mut failure.fault.next);
            }
            failure
        })
    }

    async fn query_within(&mut self, sql: &str, deadline: Duration) -> Result<Vec<Row>, Failure> {
        self.query_shown_as(sql, sql, deadline).await
    }

    /// Sends a text; `shown` is the text that a message may repeat.
    async fn query_shown_as(&mut self, sql: &str, shown: &str, deadline: Duration) -> Result<Vec<Row>, Failure> {
        #[cfg(test)]
        if let Some(answer) = self.tape.as_ref().and_then(|tape| tape.answer(sql)) {
            return answer;
        }
        let answer = self.query_server(sql, shown, deadline).await;
        #[cfg(test)]
        if let Some(tape) = &mut self.tape {
            tape.keep(sql, &answer);
        }
        answer
    }

    async fn query_server(&mut self, sql: &str, shown: &str, deadline: Duration) -> Result<Vec<Row>, Failure> {
        match timeout(deadline, self.client.query_within(sql)).await {
            Err(_) => Err(self.timeout_failure(shown, deadline)),
            Ok(Ok(rows)) => Ok(rows),
            Ok(Err(trouble)) => Err(statement_failure(&trouble, &self.endpoint, shown)),
        }
    }

    fn timeout_failure(&self, shown: &str, deadline: Duration) -> Failure {
        let why = format!("It did not answer a statement within {}.", seconds(deadline));
        let fault = unreachable(&self.endpoint, why).with_detail(brief(shown));
        Failure::lost(fault)
    }
}

impl WritingSession {
    /// Multiplies the time limit of this writing session.
    ///
    /// # Errors
    /// The server does not set the limit: it could execute a statement long after the client stopped waiting.
    pub async fn allow(&mut self, times: u32) -> Result<(), Fault> {
        if times > 1 {
            self.limit *= times;
            self.apply_statement_limit().await?;
        }
        match &self.unbounded {
            None => Ok(()),
            Some(refusal) => Err(Fault {
                what: format!("Nothing is written through {}.", self.endpoint),
                why: format!(
                    "It refuses {SET_QUERY_TIMEOUT}, which ends a statement that nobody waits for any more. {}",
                    refusal.what
                ),
                next: "Name an endpoint in the inventory that is not read only: an observer itself (port 2881)."
                    .to_owned(),
                ..refusal.clone()
            }),
        }
    }

    /// Sets the time limit of this session.
    ///
    /// # Errors
    /// The server's refusal.
    pub async fn set_limit(&mut self, limit: Duration) -> Result<(), Fault> {
        self.limit = limit;
        self.apply_statement_limit().await
    }

    /// Sends a statement once, without reading rows.
    ///
    /// # Errors
    /// The server's error, or that no answer came and the effect is unknown.
    pub async fn send(&mut self, statement: &Statement, secrets: &Secrets) -> Result<(), Failure> {
        self.send_for_rows(statement, secrets).await.map(drop)
    }

    /// Sends a statement with its secrets once, and returns the rows of its result.
    ///
    /// # Errors
    /// As [`TypedSession::send`].
    pub async fn send_for_rows(&mut self, statement: &Statement, secrets: &Secrets) -> Result<Vec<Row>, Failure> {
        let wire = statement.wire_text(secrets).map_err(Failure::refused)?;
        self.query_shown_as(wire.expose(), &statement.to_string(), self.limit + GRACE).await
    }
}

/// Parses an endpoint as `host:port`.
///
/// # Errors
/// It is not an endpoint: a usage fault.
pub fn read_endpoint(written: &str) -> Result<Endpoint, Fault> {
    written.parse().map_err(|why| {
        Fault::new(
            Cause::Usage,
            "An endpoint of this cluster cannot be used.",
            format!("Read as host:port, {why}."),
            "Write it as host:port, for example 10.0.0.1:2881.",
        )
    })
}

/// Reads the CA file, where the inventory names one.
async fn read_ca_file(to: &Connection) -> Result<Option<Vec<u8>>, Fault> {
    let Some(ca) = &to.ca else { return Ok(None) };
    tokio::fs::read(ca).await.map(Some).map_err(|error| {
        Fault::new(
            Cause::Usage,
            format!("The CA file {ca} cannot be used."),
            format!("The system says: {error}."),
            "Correct tls.ca of this cluster in the inventory.",
        )
    })
}

/// Returns a duration as text: in whole seconds, else in milliseconds.
#[must_use]
pub fn seconds(duration: Duration) -> String {
    let millis = duration.as_millis();
    if millis.is_multiple_of(1_000) { format!("{} s", millis / 1_000) } else { format!("{millis} ms") }
}
