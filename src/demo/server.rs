//! A server of the fleet: accepts connections, handles their logins, and executes their commands.

use std::io;
use std::pin::pin;
use std::sync::Arc;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::connection_registry::{ConnectionRegistry, RegisteredConnection};
use super::handshake::{greet, proof_matches};
use super::lexer::split_statements;
use super::release_line::{self, Feature};
use super::server_errors::{error_with_state, syntax_error};
use super::server_model::{Endpoint, Greeting, ReplyOutcome, ServerModel, Session};
use super::statement::ServerError;
use super::statement_executor::{Reply, execute_statement};
use super::wire::PacketChannel;

/// Databases a client may name at login or by `USE`.
const DATABASES: &[&str] = &["oceanbase", "information_schema", "mysql", "test"];

/// Serves one endpoint until `shutdown` turns true or its sender is dropped; then every connection is cut, and this returns when
/// the last one has ended. The servers of a cluster share a registry.
///
/// # Errors
/// Where the listener itself fails; a connection's errors end only that connection.
pub async fn serve_endpoint<W: ServerModel>(
    model: Arc<W>,
    endpoint: Endpoint,
    listener: TcpListener,
    registry: ConnectionRegistry,
    shutdown: watch::Receiver<bool>,
) -> io::Result<()> {
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            () = wait_for_stop(shutdown.clone()) => break,
            accepted = listener.accept() => accepted,
            Some(_ended) = connections.join_next() => continue,
        };
        match accepted {
            Ok((stream, _)) => {
                let connection = Connection::open(Arc::clone(&model), endpoint, registry.clone());
                connections.spawn(connection.serve(stream, shutdown.clone()));
            }
            // The client disconnected before it was accepted.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(error) => return Err(error),
        }
    }
    while connections.join_next().await.is_some() {}
    Ok(())
}

async fn wait_for_stop(mut shutdown: watch::Receiver<bool>) {
    // An error means that the sender was dropped.
    let _stopped_or_gone = shutdown.wait_for(|stop| *stop).await;
}

/// A client's connection. The model is told when it opens, and by drop when it closes, however it ends.
struct Connection<W: ServerModel> {
    model: Arc<W>,
    endpoint: Endpoint,
    registry: ConnectionRegistry,
    registration: RegisteredConnection,
}

impl<W: ServerModel> Drop for Connection<W> {
    fn drop(&mut self) {
        self.model.connection_changed(self.endpoint, self.registration.connection, false);
    }
}

impl<W: ServerModel> Connection<W> {
    fn open(model: Arc<W>, endpoint: Endpoint, registry: ConnectionRegistry) -> Self {
        let registration = registry.register();
        model.connection_changed(endpoint, registration.connection, true);
        Self { model, endpoint, registry, registration }
    }

    async fn serve(self, stream: TcpStream, shutdown: watch::Receiver<bool>) {
        let killed = wait_for_stop(self.registration.closed.clone());
        tokio::select! {
            // An error of the stream is the end of this connection, and nobody is left to hear of it.
            _ended = self.handle_client(stream) => {}
            () = killed => {}
            () = wait_for_stop(shutdown) => {}
        }
    }

    async fn handle_client(&self, stream: TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        let mut channel = PacketChannel::new(stream);
        match self.model.greeting(self.endpoint) {
            Greeting::Unresponsive => {
                channel.drain().await;
                Ok(())
            }
            Greeting::Error(error) => {
                channel.put_error(&error);
                channel.send().await
            }
            Greeting::Version(version) => match self.log_in(&mut channel, &version).await? {
                Some((session, multi_statements)) => self.commands(&mut channel, session, multi_statements).await,
                None => Ok(()),
            },
        }
    }

    /// Handles the login; `None` if it failed. Returns the session and whether its client asked for several statements in one
    /// query.
    async fn log_in(&self, channel: &mut PacketChannel, version: &str) -> io::Result<Option<(Session, bool)>> {
        let connection = self.registration.connection;
        let Some((login, salt)) = greet(channel, version, connection).await? else {
            channel.put_error(&error_with_state(1043, "08S01", "Bad handshake"));
            channel.send().await?;
            return Ok(None);
        };
        let account = self
            .model
            .login(self.endpoint, &login.user, &|password| proof_matches(password, &salt, &login.proof))
            .and_then(|account| login.database.as_deref().map_or(Ok(()), check_database).map(|()| account));
        let account = match account {
            Ok(account) => account,
            Err(error) => {
                channel.put_error(&error);
                channel.send().await?;
                return Ok(None);
            }
        };
        self.registration.set_account(&account);
        channel.put_ok(false);
        channel.send().await?;
        let (endpoint, variables) = (self.endpoint, std::collections::BTreeMap::new());
        let (encryption, decryption, preview) = (None, Vec::new(), None);
        let session = Session { connection, endpoint, account, variables, encryption, decryption, preview };
        Ok(Some((session, login.multi_statements)))
    }

    async fn commands(
        &self,
        channel: &mut PacketChannel,
        mut session: Session,
        multi_statements: bool,
    ) -> io::Result<()> {
        loop {
            channel.reset_sequence();
            let Some(packet) = channel.read().await? else { return Ok(()) };
            let Some((command, body)) = packet.split_first() else { return Err(io::ErrorKind::InvalidData.into()) };
            let reply = match command {
                0x01 => return Ok(()),
                0x02 => check_database(&String::from_utf8_lossy(body)).map_or_else(Reply::Refused, |()| Reply::Done),
                0x03 => {
                    if !self.query(channel, &mut session, body, multi_statements).await? {
                        return Ok(());
                    }
                    continue;
                }
                0x0E => Reply::Done,
                0x16 => Reply::Refused(self.prepare_refused()),
                _ => Reply::Refused(error_with_state(1047, "08S01", "Unknown command")),
            };
            if !put_reply(channel, reply, false) {
                return Ok(());
            }
            channel.send().await?;
        }
    }

    /// Executes the statements of a query and answers each, in order; an error is the last answer. Returns false if the
    /// connection is cut.
    async fn query(
        &self,
        channel: &mut PacketChannel,
        session: &mut Session,
        body: &[u8],
        multi_statements: bool,
    ) -> io::Result<bool> {
        let Ok(text) = std::str::from_utf8(body) else {
            channel.put_error(&error_with_state(1300, "HY000", "Invalid utf8mb4 character string"));
            channel.send().await?;
            return Ok(true);
        };
        let statements = split_statements(text);
        if let [first, _, ..] = statements[..]
            && !(multi_statements && self.allows_multi_statements())
        {
            channel.put_error(&syntax_error(text, first.len(), None));
            channel.send().await?;
            return Ok(true);
        }
        let mut left = statements.into_iter().peekable();
        while let Some(statement) = left.next() {
            let reply = self.execute_unless_killed(channel, session, statement).await;
            let refused = matches!(reply, Reply::Refused(_));
            if !put_reply(channel, reply, left.peek().is_some()) {
                return Ok(false);
            }
            channel.send().await?;
            if refused {
                break;
            }
        }
        Ok(true)
    }

    fn allows_multi_statements(&self) -> bool {
        release_line::find(&self.model.line(self.endpoint)).is_some_and(|line| line.has(Feature::MultiStatements))
    }

    /// Returns the error of a prepared statement; V3 names the parameter that would allow it.
    fn prepare_refused(&self) -> ServerError {
        let legacy =
            release_line::find(&self.model.line(self.endpoint)).is_some_and(release_line::ReleaseLine::is_legacy);
        let why = if legacy {
            "while parameter _ob_enable_prepared_statement is disabled, prepared statement"
        } else {
            "prepared statement protocol"
        };
        error_with_state(1235, "0A000", format!("{why} not supported"))
    }

    /// Executes a statement, unless it is killed or the client disconnects while it runs: a server drops the work of such a
    /// client.
    async fn execute_unless_killed(&self, channel: &PacketChannel, session: &mut Session, sql: &str) -> Reply {
        let mut killed = pin!(self.registration.statement.notified());
        // From here on a KILL QUERY is not missed, even before the first poll.
        killed.as_mut().enable();
        tokio::select! {
            biased;
            reply = self.execute(session, sql) => reply,
            () = killed => Reply::Refused(error_with_state(1317, "70100", "Query execution was interrupted")),
            () = channel.closed_by_client() => Reply::ConnectionLost,
        }
    }

    async fn execute(&self, session: &mut Session, sql: &str) -> Reply {
        let reply = execute_statement(&*self.model, &self.registry, session, sql).await;
        match self.model.before_reply(session, sql).await {
            ReplyOutcome::Done => reply,
            other => other.into(),
        }
    }
}

/// Writes a reply into the channel; returns false if the connection is to be cut without one.
fn put_reply(channel: &mut PacketChannel, reply: Reply, more: bool) -> bool {
    match reply {
        Reply::Done => channel.put_ok(more),
        Reply::Rows(table) => channel.put_table(&table, more),
        Reply::Refused(error) => channel.put_error(&error),
        Reply::ConnectionLost => return false,
    }
    true
}

fn check_database(name: &str) -> Result<(), ServerError> {
    let known = DATABASES.iter().any(|known| known.eq_ignore_ascii_case(name));
    if known { Ok(()) } else { Err(error_with_state(1049, "42000", format!("Unknown database '{name}'"))) }
}
