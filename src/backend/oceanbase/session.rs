//! One connection to a server of the OceanBase family. Text statements only: V3 refuses to prepare, proxies get prepared
//! ones wrong, and in the text protocol every value arrives exactly as the server prints it.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt};
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection, MySqlDatabaseError, MySqlSslMode};
use sqlx::{AssertSqlSafe, Column, ConnectOptions, Connection as _, Executor, Row as _};
use tokio::time::{Instant, sleep_until, timeout};

use super::statement::{Secrets, Statement};
use crate::domain::connection::{Connection, TlsMode};
use crate::domain::diagnosis::{clean, explain};
use crate::domain::fault::{Cause, Fault};
use crate::domain::secret::Secret;

/// How long a further endpoint waits for the one before it to answer.
const STAGGER: Duration = Duration::from_millis(300);

/// What a server may take beyond its own limit before the client gives up on the answer.
const GRACE: Duration = Duration::from_secs(2);

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
            Ok(Err(error)) => return Err(connect_fault(&error, endpoint, &to.user)),
            Err(_) => {
                return Err(unreachable(endpoint, format!("It did not answer within {}.", seconds(deadline))));
            }
        };
        let limit = Duration::from_millis(to.limits.statement);
        let mut session = Self { conn, id: 0, endpoint: endpoint.to_owned(), version_text: String::new(), limit };
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

    /// Lets the server end every statement of this session at the client's own limit.
    ///
    /// # Errors
    /// The server's refusal.
    pub async fn bound_statements(&mut self) -> Result<(), Fault> {
        let statement = format!("SET SESSION ob_query_timeout = {}", self.limit.as_micros());
        self.ask(&statement, self.limit + GRACE).await.map(drop).map_err(|failure| failure.fault)
    }

    /// Lets the statements of this session take so many times the usual limit.
    ///
    /// # Errors
    /// The server's refusal.
    pub async fn allow(&mut self, times: u32) -> Result<(), Fault> {
        if times <= 1 {
            return Ok(());
        }
        self.limit *= times;
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
        let wire = statement.wire_text(secrets).map_err(|fault| Failure { fault, answered: true })?;
        self.ask(wire.expose(), self.limit + GRACE).await.map(drop)
    }

    async fn ask(&mut self, sql: &str, deadline: Duration) -> Result<Vec<Row>, Failure> {
        let answer = self.conn.fetch_all(sqlx::raw_sql(AssertSqlSafe(sql.to_owned())));
        match timeout(deadline, answer).await {
            Err(_) => Err(Failure {
                fault: unreachable(
                    &self.endpoint,
                    format!("It did not answer a statement within {}.", seconds(deadline)),
                ),
                answered: false,
            }),
            Ok(Ok(rows)) => Ok(rows.iter().map(read_row).collect()),
            Ok(Err(error)) => Err(statement_failure(&error, &self.endpoint)),
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

fn unreachable(endpoint: &str, why: impl Into<String>) -> Fault {
    Fault::new(
        Cause::Unreachable,
        format!("{endpoint} cannot be reached."),
        why,
        "Check the address and the port, the server's state and the firewall between this host and it.",
    )
}

fn connect_fault(error: &sqlx::Error, endpoint: &str, user: &str) -> Fault {
    let detail = clean(&error.to_string());
    let fault = match error {
        sqlx::Error::Database(server) => {
            let (code, message) = server_words(server.as_ref());
            login_fault(code, &message, endpoint, user)
        }
        sqlx::Error::Tls(cause) => tls_fault(&clean(&cause.to_string()), endpoint),
        // The driver wraps what it finds wrong with a certificate as an error of the network.
        sqlx::Error::Io(_) if detail.to_ascii_lowercase().contains("cert") => tls_fault(&detail, endpoint),
        sqlx::Error::Io(io) => match io.kind() {
            std::io::ErrorKind::ConnectionRefused => {
                unreachable(endpoint, "Nothing listens there: connection refused.")
            }
            std::io::ErrorKind::UnexpectedEof | std::io::ErrorKind::InvalidData => not_mysql(endpoint),
            std::io::ErrorKind::ConnectionReset | std::io::ErrorKind::BrokenPipe => {
                unreachable(endpoint, "It closed the connection during the login.")
            }
            _ if detail.contains("lookup") || detail.contains("name") => {
                unreachable(endpoint, "The host's name cannot be resolved.")
            }
            _ => unreachable(endpoint, format!("The network says: {}.", clean(&io.to_string()))),
        },
        sqlx::Error::Protocol(_) => not_mysql(endpoint),
        _ => unreachable(endpoint, "The login did not come about."),
    };
    fault.with_detail(detail)
}

fn login_fault(code: u32, message: &str, endpoint: &str, user: &str) -> Fault {
    if message.contains("Oracle tenant for current client driver") {
        return Fault::new(
            Cause::Rights,
            format!("{user} cannot log in to {endpoint}."),
            "It belongs to an Oracle-mode tenant, which this protocol cannot log in to.",
            "Use root@sys: Oracle-mode tenants are backed up from the sys tenant.",
        )
        .with_code(code);
    }
    match code {
        1045 | 5015 => Fault::new(
            Cause::Rights,
            format!("{user} cannot log in to {endpoint}."),
            "The server refuses the user or the password.",
            "Check user and password of this cluster; a proxy wants user@tenant#cluster.",
        ),
        1040 | 8001 => unreachable(endpoint, format!("The server takes no connection now: {message}.")),
        5150 | 5160 => Fault::new(
            Cause::Rights,
            format!("{user} cannot log in to {endpoint}."),
            "There is no such tenant on this server.",
            "Check the tenant's name in the user, for example root@sys.",
        ),
        _ => Fault::new(
            Cause::Server,
            format!("{endpoint} refuses the login of {user}."),
            format!("It answers {code}: {message}."),
            "Look the code up in the server's manual; check user, tenant and cluster in the login.",
        ),
    }
    .with_code(code)
}

fn not_mysql(endpoint: &str) -> Fault {
    Fault::new(
        Cause::Unreachable,
        format!("{endpoint} is not an OceanBase SQL port."),
        "What answers there does not speak the MySQL protocol.",
        "Use the SQL port of an observer (2881) or of OBProxy (2883), not the RPC or an HTTP port.",
    )
}

fn tls_fault(cause: &str, endpoint: &str) -> Fault {
    let (why, next) = if cause.contains("UnsupportedCertVersion") {
        (
            "Its certificate is of version 1, which is not accepted.",
            "Reissue it as version 3 (openssl x509 -extfile), or set tls: {mode: off}.",
        )
    } else if cause.contains("CaUsedAsEndEntity") {
        (
            "Its certificate is a CA's own and is used as a server's.",
            "Issue a server certificate signed by that CA, or use tls: {mode: require}.",
        )
    } else if cause.contains("UnknownIssuer") {
        (
            "Its certificate is not signed by the CA that is configured.",
            "Check tls.ca of this cluster in the inventory.",
        )
    } else if cause.contains("NotValidForName") {
        ("Its certificate does not name this host.", "Use the name of the certificate, or tls: {mode: verify-ca}.")
    } else if cause.contains("does not support TLS") || cause.contains("not supported") {
        ("It offers no TLS, and the inventory asks for it.", "Switch TLS on at the server, or set tls: {mode: prefer}.")
    } else {
        ("The TLS handshake failed.", "Compare tls of this cluster in the inventory with the server's certificate.")
    };
    Fault::new(Cause::Unreachable, format!("TLS with {endpoint} failed."), why, next)
}

fn server_words(error: &dyn sqlx::error::DatabaseError) -> (u32, String) {
    let code = error.try_downcast_ref::<MySqlDatabaseError>().map_or(0, |error| u32::from(error.number()));
    (code, clean(error.message()))
}

fn statement_failure(error: &sqlx::Error, endpoint: &str) -> Failure {
    match error {
        sqlx::Error::Database(server) => {
            let (code, message) = server_words(server.as_ref());
            // The server stopped waiting for itself; what it was asked to do may have happened.
            Failure { fault: explain(i64::from(code), &message), answered: code != TIMED_OUT }
        }
        error => Failure {
            fault: unreachable(endpoint, "The connection broke before the server had answered.")
                .with_detail(clean(&error.to_string())),
            answered: false,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_a_certificate_is_said_as_such() {
        for (said, why) in [
            ("invalid peer certificate: UnknownIssuer", "not signed by the CA"),
            ("invalid peer certificate: Other(OtherError(UnsupportedCertVersion))", "of version 1"),
            ("invalid peer certificate: Other(OtherError(CaUsedAsEndEntity))", "a CA's own"),
            ("invalid peer certificate: NotValidForName", "does not name this host"),
        ] {
            let io = std::io::Error::new(std::io::ErrorKind::InvalidData, said);
            let fault = connect_fault(&sqlx::Error::Io(io), "db:2881", "root@sys");
            assert_eq!(fault.what, "TLS with db:2881 failed.");
            assert!(fault.why.contains(why), "{said}: {}", fault.why);
        }
        let other = std::io::Error::new(std::io::ErrorKind::InvalidData, "packets out of order");
        assert!(
            connect_fault(&sqlx::Error::Io(other), "db:2881", "root@sys").what.contains("not an OceanBase SQL port")
        );
    }
}
