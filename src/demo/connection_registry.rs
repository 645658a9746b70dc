//! The open connections of the servers of a cluster: their ids, and KILL across all servers.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, watch};

use super::server_errors::error_with_state;
use super::server_model::Account;
use super::statement::ServerError;

/// OceanBase's connection ids have their top bits set, and drivers must not read them as signed.
const FIRST_CONNECTION: u64 = 0xC000_0001;

/// The open connections of a set of servers. A clone shares the registry.
#[derive(Debug, Clone, Default)]
pub struct ConnectionRegistry {
    shared: Arc<Mutex<OpenConnections>>,
}

#[derive(Debug, Default)]
struct OpenConnections {
    opened: u64,
    open: BTreeMap<u64, Entry>,
}

#[derive(Debug)]
struct Entry {
    tenant_id: Option<u64>,
    statement: Arc<Notify>,
    closed: watch::Sender<bool>,
}

/// A registered connection; drop removes it from the registry.
#[derive(Debug)]
pub(super) struct RegisteredConnection {
    registry: ConnectionRegistry,
    pub(super) connection: u64,
    /// Is notified when the running statement is killed.
    pub(super) statement: Arc<Notify>,
    /// True once the connection is killed.
    pub(super) closed: watch::Receiver<bool>,
}

impl ConnectionRegistry {
    /// Returns an empty registry; the first connection's id is above 2^31.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A panic of another connection leaves the map consistent: every change of it is one call.
    fn lock(&self) -> MutexGuard<'_, OpenConnections> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn register(&self) -> RegisteredConnection {
        let statement = Arc::new(Notify::new());
        let (closed, watching) = watch::channel(false);
        let mut shared = self.lock();
        let connection = FIRST_CONNECTION + shared.opened;
        shared.opened += 1;
        shared.open.insert(connection, Entry { tenant_id: None, statement: Arc::clone(&statement), closed });
        RegisteredConnection { registry: self.clone(), connection, statement, closed: watching }
    }

    /// Kills a connection, or only its running statement; an idle one has none, and that is no error.
    ///
    /// # Errors
    /// Returns 1094 if there is no such connection, or if it is of another tenant.
    pub(super) fn kill(&self, killer: &Account, connection: u64, query_only: bool) -> Result<(), ServerError> {
        let shared = self.lock();
        let unknown = || error_with_state(1094, "HY000", format!("Unknown thread id: {connection}"));
        let entry = shared.open.get(&connection).ok_or_else(unknown)?;
        if killer.tenant_id != 1 && entry.tenant_id != Some(killer.tenant_id) {
            return Err(unknown());
        }
        if query_only {
            entry.statement.notify_waiters();
        } else {
            entry.closed.send_replace(true);
        }
        Ok(())
    }
}

impl RegisteredConnection {
    /// Records the tenant of the connection after the login.
    pub(super) fn set_account(&self, account: &Account) {
        if let Some(entry) = self.registry.lock().open.get_mut(&self.connection) {
            entry.tenant_id = Some(account.tenant_id);
        }
    }
}

impl Drop for RegisteredConnection {
    fn drop(&mut self) {
        self.registry.lock().open.remove(&self.connection);
    }
}
