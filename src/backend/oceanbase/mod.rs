//! OceanBase over the MySQL protocol: detection, statements, and the observation of each step.

mod actions;
mod cancel;
mod clock;
mod column_types;
mod competing_load;
mod detect;
mod grants;
mod identity;
mod jobs;
mod parse;
mod per_cluster;
mod release_profile;
mod render;
mod rows;
pub mod session;
mod sets;
mod stall;
mod start_reconcile;
mod statement;
mod steps;
mod storage_proof;
mod tenants;
#[cfg(test)]
mod unreadable_value_tests;
mod view_reader;

pub use actions::PendingStatements;
pub use release_profile::ReleaseProfile;
pub use render::{Dialect, RunId, render_action, render_plan};
pub use session::{Session, WritingSession};
pub use statement::{Secrets, Statement};

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::domain::connection::Connection;
use crate::domain::facts::LoginFacts;
use crate::domain::fault::{Cause, Fault};
use crate::domain::stall::ServerClock;
use crate::domain::target::TargetName;
use crate::domain::version::Detected;
use view_reader::{LoginTenant, OptionalColumns};

/// Returns the time of this host. It stamps what was read; rules compare the server's own times.
#[allow(
    clippy::disallowed_methods,
    reason = "detection stamps its facts and measures the server's clock against this one"
)]
fn now() -> Timestamp {
    Timestamp::now()
}

/// A cluster or an engine, with its connection.
pub struct OceanBase {
    target: TargetName,
    environment: Option<String>,
    connection: Connection,
    secrets: Secrets,
    session: Option<Session>,
    detected: Option<Detected>,
    home: Option<LoginTenant>,
    login: Option<LoginFacts>,
    columns: Option<OptionalColumns>,
    /// The server's clock, as the open connection shows it.
    clock: Option<ServerClock>,
    expected: Option<identity::ConfirmedIdentity>,
    /// Storage proofs, by target.
    looks: BTreeMap<TargetName, storage_proof::ProofState>,
    /// The connection of the last proof: consecutive proofs share one.
    look_session: Option<WritingSession>,
    /// Endpoints whose connections broke, the latest last; they are tried after the others.
    broken: Vec<String>,
    /// Endpoints that closed the connection on a text of several queries.
    one_at_a_time: Vec<String>,
    /// The first unreadable value of the current detection.
    unread: Option<Fault>,
    /// Why the connection was lost. A caller that continues without an optional result gets this fault from the next query.
    lost: Option<Fault>,
}

impl OceanBase {
    /// Returns a cluster of the inventory; nothing is connected yet.
    #[must_use]
    pub fn new(target: TargetName, environment: Option<String>, connection: Connection, secrets: Secrets) -> Self {
        Self {
            target,
            environment,
            connection,
            secrets,
            session: None,
            detected: None,
            home: None,
            login: None,
            columns: None,
            clock: None,
            expected: None,
            looks: BTreeMap::new(),
            look_session: None,
            broken: Vec::new(),
            one_at_a_time: Vec::new(),
            unread: None,
            lost: None,
        }
    }

    /// Connects where no connection is open.
    pub(crate) async fn ensure_session(&mut self) -> Result<(), Fault> {
        if self.session.is_none() {
            let met = self.connect_verified().await?;
            self.one_at_a_time = met.one_at_a_time;
            for endpoint in met.mute {
                self.record_broken(endpoint);
            }
            if met.home.is_some() {
                self.home = met.home;
            }
            self.detected = Some(met.detected);
            self.session = Some(met.session);
            self.lost = None;
            if self.expected.is_some() {
                self.prepare_to_observe().await?;
            }
        }
        Ok(())
    }

    /// Reads what a task needs to know about its server before it observes any step.
    async fn prepare_to_observe(&mut self) -> Result<(), Fault> {
        let prepared = async {
            self.read_clock().await?;
            if self.columns.is_none() {
                self.columns = Some(self.find_columns().await?);
            }
            Ok(())
        };
        let prepared = prepared.await;
        if prepared.is_err() {
            self.drop_session();
        }
        prepared
    }

    /// Returns the open connection.
    pub(in crate::backend) fn session(&mut self) -> Result<&mut Session, Fault> {
        match &mut self.session {
            Some(session) => Ok(session),
            None => Err(self.lost.clone().unwrap_or_else(|| {
                Fault::new(
                    Cause::Unreachable,
                    format!("{} cannot be reached.", self.target),
                    "The connection was lost.",
                    "Check the network between this host and the cluster.",
                )
            })),
        }
    }

    /// Drops a broken connection.
    pub(crate) fn drop_session(&mut self) {
        self.clock = None;
        if let Some(session) = self.session.take() {
            self.record_broken(session.endpoint);
        }
    }

    /// Drops a connection on which a query got no answer, and keeps the reason.
    pub(super) fn lose_session(&mut self, why: &Fault) {
        if self.session.is_some() {
            self.lost = Some(why.clone());
        }
        self.drop_session();
    }

    fn record_broken(&mut self, endpoint: String) {
        self.broken.retain(|broken| *broken != endpoint);
        self.broken.push(endpoint);
    }

    /// Returns the connection settings.
    #[must_use]
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Returns the login's password, for a tool that logs in by itself.
    pub(in crate::backend) fn password(&self) -> Option<&crate::domain::secret::Secret> {
        self.secrets.login.as_ref()
    }

    fn line(&self) -> Result<&'static ReleaseProfile, Fault> {
        self.detected
            .as_ref()
            .and_then(|detected| ReleaseProfile::for_version(&detected.version))
            .ok_or_else(|| self.internal_fault("a statement without a known line"))
    }

    /// Returns the tenant that the login sees the cluster from.
    fn home(&self) -> Result<&LoginTenant, Fault> {
        self.home.as_ref().ok_or_else(|| self.internal_fault("a question from no tenant"))
    }

    fn internal_fault(&self, what: &str) -> Fault {
        Fault::new(
            Cause::Internal,
            format!("obnow lost its way on {}: {what}.", self.target),
            "This is a mistake in obnow.",
            "Report it; nothing was sent.",
        )
    }
}
