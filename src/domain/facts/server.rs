//! What was found on one server of a cluster.

/// One observer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerFacts {
    /// `ip:port` of its RPC service, as the server names it in its messages.
    pub address: String,
    /// Its zone.
    pub zone: String,
    /// `ACTIVE`, `INACTIVE`, `DELETING`.
    pub status: String,
    /// `START_SERVICE_TIME` is set and `STOP_TIME` is not; None where one of them was not read.
    pub serving: Option<bool>,
    /// Its build, as the server prints it.
    pub build: String,
}

impl ServerFacts {
    /// Active, and not known to be started and not stopped.
    #[must_use]
    pub fn may_serve(&self) -> bool {
        self.status == "ACTIVE" && self.serving.is_none()
    }

    /// Active, started and not stopped.
    #[must_use]
    pub fn healthy(&self) -> bool {
        self.status == "ACTIVE" && self.serving == Some(true)
    }
}
