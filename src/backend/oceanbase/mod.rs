//! OceanBase over the MySQL protocol: detection, statements, and a look at each step.

mod acts;
mod cancel;
mod cells;
mod clock;
mod detect;
mod grants;
mod identity;
mod jobs;
mod line;
mod look;
mod read;
mod render;
mod rows;
pub mod session;
mod sets;
mod settle;
mod standstill;
mod statement;
mod steps;
mod surroundings;
mod tenants;
#[cfg(test)]
mod unread_tests;
mod v3;
mod words;

pub use acts::PendingAct;
pub use line::Line;
pub use render::{RunId, Words, action, preview};
pub use session::{Session, WritingSession};
pub use statement::{Secrets, Statement};

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::domain::connection::Connection;
use crate::domain::facts::LoginFacts;
use crate::domain::fault::{Cause, Fault};
use crate::domain::standstill::ServerClock;
use crate::domain::target::TargetName;
use crate::domain::version::Detected;
use read::{Columns, Home};

/// This host's clock. Only what was read is stamped with it; rules compare the server's own times.
#[allow(
    clippy::disallowed_methods,
    reason = "detection stamps its facts and measures the server's clock against this one"
)]
fn now() -> Timestamp {
    Timestamp::now()
}

/// One cluster (or one engine) that can be talked to.
pub struct OceanBase {
    target: TargetName,
    environment: Option<String>,
    connection: Connection,
    secrets: Secrets,
    session: Option<Session>,
    detected: Option<Detected>,
    home: Option<Home>,
    login: Option<LoginFacts>,
    columns: Option<Columns>,
    /// The server's clock, as the open connection shows it.
    clock: Option<ServerClock>,
    expected: Option<identity::Expected>,
    /// Looks at the storage, by target.
    looks: BTreeMap<TargetName, look::Looking>,
    /// The connection of the last look: looks that are made one after the other go over one.
    look_session: Option<WritingSession>,
    /// The endpoints whose connections broke, the latest last: they are tried after the others.
    broken: Vec<String>,
    /// The endpoints that broke off where several questions were one text.
    one_at_a_time: Vec<String>,
    /// The first value of a detection that was not what its column holds.
    unread: Option<Fault>,
    /// Why there is no connection any more: whoever goes on without an answer that he could do without meets this at his next
    /// question.
    lost: Option<Fault>,
}

impl OceanBase {
    /// A cluster of that name in the inventory; nothing is connected yet.
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
            let met = self.meet().await?;
            self.one_at_a_time = met.one_at_a_time;
            for endpoint in met.mute {
                self.note_broken(endpoint);
            }
            if met.home.is_some() {
                self.home = met.home;
            }
            self.detected = Some(met.detected);
            self.session = Some(met.session);
            self.lost = None;
            if self.expected.is_some() {
                self.prepare_to_watch().await?;
            }
        }
        Ok(())
    }

    /// What a task needs to know of its server before it looks at a step, whichever step it begins with.
    async fn prepare_to_watch(&mut self) -> Result<(), Fault> {
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

    /// The open connection.
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

    /// Forgets a connection that broke.
    pub(crate) fn drop_session(&mut self) {
        self.clock = None;
        if let Some(session) = self.session.take() {
            self.note_broken(session.endpoint);
        }
    }

    /// The same, by a question that got no answer.
    pub(super) fn lose_session(&mut self, why: &Fault) {
        if self.session.is_some() {
            self.lost = Some(why.clone());
        }
        self.drop_session();
    }

    fn note_broken(&mut self, endpoint: String) {
        self.broken.retain(|broken| *broken != endpoint);
        self.broken.push(endpoint);
    }

    /// How the cluster is reached.
    #[must_use]
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// The login's password, for a tool that logs in by itself.
    pub(in crate::backend) fn password(&self) -> Option<&crate::domain::secret::Secret> {
        self.secrets.login.as_ref()
    }

    fn line(&self) -> Result<&'static Line, Fault> {
        self.detected
            .as_ref()
            .and_then(|detected| Line::of(&detected.version))
            .ok_or_else(|| self.internal("a statement without a known line"))
    }

    /// The tenant this login sees the cluster from.
    fn home(&self) -> Result<&Home, Fault> {
        self.home.as_ref().ok_or_else(|| self.internal("a question from no tenant"))
    }

    fn internal(&self, what: &str) -> Fault {
        Fault::new(
            Cause::Internal,
            format!("obnow lost its way on {}: {what}.", self.target),
            "This is a mistake in obnow.",
            "Report it; nothing was sent.",
        )
    }
}
