//! The contract between the two halves of the embedded OceanBase: the wire (protocol, grammar, SQL over views) asks,
//! the world (clusters, tenants, jobs, archive rounds and their life) answers.

use std::collections::BTreeMap;
use std::future::Future;

use super::statement::{Alter, Preview, Row, ServerError, Value};

/// Index of a listening endpoint (an observer's SQL port, or a proxy's) in the world's list.
pub type Endpoint = usize;

/// One logged-in connection.
#[derive(Debug, Clone)]
pub struct Session {
    /// The server's connection id; above 2^31, as on OceanBase.
    pub connection: u64,
    /// Where it came in.
    pub endpoint: Endpoint,
    /// Who it is.
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

/// How a client is met before it has logged in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Greeting {
    /// A handshake with this server version, e.g. `5.7.25-OceanBase_CE-v4.2.5.1`.
    Version(String),
    /// The first packet is an error (1040, 8001 "initializing").
    Error(ServerError),
    /// The connection is accepted and never answered.
    Silence,
}

/// What becomes of a statement's reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// OK packet.
    Done,
    /// Error packet.
    Refused(ServerError),
    /// The connection is cut without a reply.
    ConnectionLost,
}

/// The state behind the views.
pub trait World: Send + Sync + 'static {
    /// How the endpoint meets a new client.
    fn greeting(&self, endpoint: Endpoint) -> Greeting;
    /// Checks a login. `user_name` is as sent (`root@sys#cluster`); `proves` says whether the client's proof fits a password.
    ///
    /// # Errors
    /// 1045 and the others a server refuses a login with.
    fn login(&self, endpoint: Endpoint, user_name: &str, proves: &dyn Fn(&str) -> bool)
    -> Result<Account, ServerError>;
    /// The line whose views and grammar this endpoint has: the key of `assets/demo/views.yaml`.
    fn line(&self, endpoint: Endpoint) -> String;
    /// Whether this session may read a view, named as in [`World::row_count`].
    ///
    /// # Errors
    /// 1142.
    fn may_read(&self, _session: &Session, _view: &str) -> Result<(), ServerError> {
        Ok(())
    }
    /// The rows of a view as this session may see them; `view` is in upper case and exists on this line.
    ///
    /// # Errors
    /// Whatever the server answers instead of rows.
    fn rows(&self, session: &Session, view: &str) -> Result<Vec<Row>, ServerError>;
    /// The value of a system variable or of `version()` and `ob_version()` (names in lower case, variables with `@@`).
    /// None: unknown.
    fn variable(&self, session: &Session, name: &str) -> Option<Value>;
    /// The lines of `SHOW GRANTS`.
    fn grants(&self, session: &Session) -> Vec<String>;
    /// Every configuration item a `SHOW PARAMETERS` may show: name and value.
    fn parameters(&self, session: &Session, tenant: Option<&str>) -> Vec<(String, String)>;
    /// What `SHOW PARAMETERS` shows on a line where it has a row for each server: zone, RPC port, name and value. None: the
    /// others, which show [`World::parameters`].
    fn server_parameters(&self, _session: &Session) -> Option<Vec<(String, u16, String, String)>> {
        None
    }
    /// What a restore would be made from: heading and value of each column, row by row. It is read from the storage when it is
    /// shown.
    ///
    /// # Errors
    /// Whatever the server answers instead.
    fn restore_source(
        &self,
        _session: &Session,
        _preview: &Preview,
    ) -> Result<Vec<Vec<(&'static str, Value)>>, ServerError> {
        Err(super::refusal::fleet_bug("no storage to look at"))
    }
    /// Carries out an `ALTER SYSTEM`; never asked with [`Alter::Refused`]. The future is dropped where it waits when the
    /// statement is killed or its client leaves.
    fn alter(&self, session: &Session, alter: Alter) -> impl Future<Output = Outcome> + Send;
    /// Called once for every statement after it was carried out and before it is answered; a test may hold it or have the connection cut here.
    fn before_reply(&self, session: &Session, statement: &str) -> impl Future<Output = Outcome> + Send;
    /// A connection came (true) or went (false).
    fn connection(&self, endpoint: Endpoint, connection: u64, open: bool);
}
