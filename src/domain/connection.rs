//! How a cluster is reached, without any secret.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::secret::SecretSource;

/// What is needed to connect, beside the secrets themselves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connection {
    /// `host:port`, tried in turn.
    pub endpoints: Vec<String>,
    /// The login, `root@sys` or `root@sys#cluster`.
    pub user: String,
    /// Where the password is to be found; None: it was typed and is not kept, or there is none.
    pub password: Option<SecretSource>,
    /// How much encryption is asked for.
    pub tls: TlsMode,
    /// The CA's file for the verifying modes.
    pub ca: Option<String>,
    /// The dump tool of a logical backup, where the inventory names it.
    pub mydumper: Option<String>,
    /// The limits of waits.
    pub limits: Limits,
}

/// How much encryption a connection asks for; each includes the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TlsMode {
    /// None.
    Off,
    /// If the server offers it.
    #[default]
    Prefer,
    /// Or no connection.
    Require,
    /// The certificate comes from a known authority.
    VerifyCa,
    /// And is made out to this host.
    VerifyFull,
}

/// Limits of waits, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// To connect.
    pub connect: u64,
    /// For one statement.
    pub statement: u64,
    /// Between two looks at a running task.
    pub poll: u64,
    /// Without movement before attention is raised.
    pub stall: u64,
    /// For the log to pass a finished set.
    pub archive_wait: u64,
    /// Between two heartbeats.
    pub heartbeat: u64,
    /// For the server's look at a storage.
    #[serde(default = "default_proof_timeout")]
    pub proof: u64,
}

impl Limits {
    /// How long all endpoints together may take until one of them has answered as the cluster that is meant: time for one
    /// that logs in and is silent, and for another.
    #[must_use]
    pub fn connect_deadline(&self) -> Duration {
        Duration::from_millis(self.connect.saturating_add(self.statement).saturating_mul(2))
    }

    /// How long the log of a finished set is waited for: as configured, and at least `at_least` milliseconds where it is known
    /// how fast the log comes.
    #[must_use]
    pub fn log_wait(&self, at_least: Option<u64>) -> Duration {
        Duration::from_millis(at_least.map_or(self.archive_wait, |known| self.archive_wait.max(known)))
    }

    /// How long after a look at a storage the next one is made.
    #[must_use]
    pub fn proof_interval(&self) -> Duration {
        Duration::from_millis(self.archive_wait / 10).clamp(Duration::from_secs(1), Duration::from_secs(30))
    }
}

/// What older journals, which do not say it, meant.
fn default_proof_timeout() -> u64 {
    300_000
}
