//! How a cluster is reached, without any secret.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::secret::SecretSource;

/// The settings of a connection, without the secrets themselves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connection {
    /// The endpoints as `host:port`, tried in turn.
    pub endpoints: Vec<String>,
    /// The login, `root@sys` or `root@sys#cluster`.
    pub user: String,
    /// The source of the password; `None`: it was typed and is not kept, or there is none.
    pub password: Option<SecretSource>,
    /// The TLS mode.
    pub tls: TlsMode,
    /// The path of the CA's file, for the verifying modes.
    pub ca: Option<String>,
    /// The path of the dump tool of a logical backup, where the inventory names it.
    pub mydumper: Option<String>,
    /// The time limits.
    pub limits: Limits,
}

/// The TLS mode of a connection; from `Prefer` on each mode includes the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TlsMode {
    /// Without TLS.
    Off,
    /// TLS where the server offers it.
    #[default]
    Prefer,
    /// TLS; without it no connection is made.
    Require,
    /// As `Require`; the certificate comes from a known authority.
    VerifyCa,
    /// As `VerifyCa`; the certificate is valid for this host.
    VerifyFull,
}

/// Time limits, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// To connect to an endpoint.
    pub connect: u64,
    /// For the answer to a statement.
    pub statement: u64,
    /// Between two observations of a running task.
    pub poll: u64,
    /// Without progress until a task is reported as stalled.
    pub stall: u64,
    /// For the log to reach the end of a finished set.
    pub archive_wait: u64,
    /// Between two heartbeats of a runner.
    pub heartbeat: u64,
    /// For the server's proof on a storage.
    #[serde(default = "default_proof_timeout")]
    pub proof: u64,
}

impl Limits {
    /// Returns how long all endpoints together may take until one of them has answered as the expected cluster: time for one that
    /// accepts the login and then is silent, and for another.
    #[must_use]
    pub fn connect_deadline(&self) -> Duration {
        Duration::from_millis(self.connect.saturating_add(self.statement).saturating_mul(2))
    }

    /// Returns how long the log of a finished set is waited for: as configured, and at least `at_least` milliseconds where the
    /// pace of the log is known.
    #[must_use]
    pub fn log_wait(&self, at_least: Option<u64>) -> Duration {
        Duration::from_millis(at_least.map_or(self.archive_wait, |known| self.archive_wait.max(known)))
    }

    /// Returns the time between two proofs on a storage.
    #[must_use]
    pub fn proof_interval(&self) -> Duration {
        Duration::from_millis(self.archive_wait / 10).clamp(Duration::from_secs(1), Duration::from_secs(30))
    }
}

/// Returns the limit that older journals, which do not have it, meant.
fn default_proof_timeout() -> u64 {
    300_000
}
