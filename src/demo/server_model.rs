//! The interface between the two halves of the embedded OceanBase: the wire half (protocol, grammar, SQL over views) calls it,
//! the model half (clusters, tenants, jobs, archive rounds) implements it.

use std::collections::BTreeMap;
use std::future::Future;

use super::statement::{Alter, Preview, Row, ServerError, Value};

/// Index of a listening endpoint (an observer's SQL port, or a proxy's) in the fleet's list.
pub type Endpoint = usize;

/// One logged-in connection.
#[derive(Debug, Clone)]
pub struct Session {
    /// The server's connection id; above 2^31, as on OceanBase.
    pub connection: u64,
    /// The endpoint it connected to.
    pub endpoint: Endpoint,
    /// The account that logged in.
    pub account: Account,
    /// Session variables that were set, names in lower case.
    pub variables: BTreeMap<String, String>,
    /// `SET ENCRYPTION` of this session: the password, or none.
    pub encryption: Option<String>,
    /// `SET DECRYPTION` of this session: the passwords.
    pub decryption: Vec<String>,
    /// The last `RESTORE .. PREVIEW` of this session, until its answer was read.
    pub preview: Option<Preview>,
}

/// Who logged in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// `root` of `root@sys#cluster`.
    pub user: String,
    /// The tenant's name.
    pub tenant: String,
    /// The tenant's id; 1 is sys.
    pub tenant_id: u64,
}

/// What a client gets before it has logged in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Greeting {
    /// A handshake with this server version, e.g. `5.7.25-OceanBase_CE-v4.2.5.1`.
    Version(String),
    /// The first packet is an error (1040, 8001 "initializing").
    Error(ServerError),
    /// The connection is accepted and never answered.
    Unresponsive,
}

/// The reply to a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReplyOutcome {
    /// OK packet.
    Done,
    /// Error packet.
    Refused(ServerError),
    /// The connection is cut without a reply.
    ConnectionLost,
}

/// The state of an embedded server: what the wire half reads and executes statements on.
pub trait ServerModel: Send + Sync + 'static {
    /// Returns what the endpoint sends to a new client.
    fn greeting(&self, endpoint: Endpoint) -> Greeting;
    /// Checks a login. `user_name` is as sent (`root@sys#cluster`); `proves` says whether the client's proof fits a password.
    ///
    /// # Errors
    /// 1045 and the others a server refuses a login with.
    fn login(&self, endpoint: Endpoint, user_name: &str, proves: &dyn Fn(&str) -> bool)
    -> Result<Account, ServerError>;
    /// Returns the key of the release line whose views and grammar this endpoint has, as in `assets/demo/views.yaml`.
    fn line(&self, endpoint: Endpoint) -> String;
    /// Checks that this session may read a view, named as in [`ServerModel::rows`].
    ///
    /// # Errors
    /// 1142.
    fn may_read(&self, _session: &Session, _view: &str) -> Result<(), ServerError> {
        Ok(())
    }
    /// Returns the rows of a view that this session may see; `view` is in upper case and exists on this line.
    ///
    /// # Errors
    /// Whatever the server answers instead of rows.
    fn rows(&self, session: &Session, view: &str) -> Result<Vec<Row>, ServerError>;
    /// Returns the value of a system variable or of `version()` and `ob_version()` (names in lower case, variables with `@@`);
    /// `None` for an unknown name.
    fn variable(&self, session: &Session, name: &str) -> Option<Value>;
    /// Returns the lines of `SHOW GRANTS`.
    fn grants(&self, session: &Session) -> Vec<String>;
    /// Returns the name and value of every configuration item that `SHOW PARAMETERS` may show.
    fn parameters(&self, session: &Session, tenant: Option<&str>) -> Vec<(String, String)>;
    /// Returns zone, RPC port, name and value for `SHOW PARAMETERS` on a line where it has a row for each server; `None` on the
    /// other lines, which show [`ServerModel::parameters`].
    fn server_parameters(&self, _session: &Session) -> Option<Vec<(String, u16, String, String)>> {
        None
    }
    /// Returns what a restore would read: heading and value of each column, row by row. The storage is read when the rows are
    /// asked for.
    ///
    /// # Errors
    /// Whatever the server answers instead.
    fn restore_preview(
        &self,
        _session: &Session,
        _preview: &Preview,
    ) -> Result<Vec<Vec<(&'static str, Value)>>, ServerError> {
        Err(super::server_errors::internal_error("no storage to look at"))
    }
    /// Executes an `ALTER SYSTEM`; never called with [`Alter::Refused`]. The future is dropped where it waits when the
    /// statement is killed or its client disconnects.
    fn alter(&self, session: &Session, alter: Alter) -> impl Future<Output = ReplyOutcome> + Send;
    /// Is called once for every statement, after it was executed and before it is answered; a test may hold the reply or cut the
    /// connection here.
    fn before_reply(&self, session: &Session, statement: &str) -> impl Future<Output = ReplyOutcome> + Send;
    /// Is told that a connection was opened (true) or closed (false).
    fn connection_changed(&self, endpoint: Endpoint, connection: u64, open: bool);
}
