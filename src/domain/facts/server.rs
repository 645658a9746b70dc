//! The facts about one server of a cluster.

/// One server (observer process) of a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerFacts {
    /// `ip:port` of its RPC service, the form that the server's own messages use.
    pub address: String,
    /// The zone it belongs to.
    pub zone: String,
    /// The server's word for its status: `ACTIVE`, `INACTIVE`, `DELETING`.
    pub status: String,
    /// Whether `START_SERVICE_TIME` is set and `STOP_TIME` is not; `None` where one of them was not read.
    pub serving: Option<bool>,
    /// Its build, exactly as the server prints it.
    pub build: String,
}

impl ServerFacts {
    /// Returns whether it is active while it was not read whether it is serving.
    #[must_use]
    pub fn may_serve(&self) -> bool {
        self.status == "ACTIVE" && self.serving.is_none()
    }

    /// Returns whether it is active, started and not stopped.
    #[must_use]
    pub fn healthy(&self) -> bool {
        self.status == "ACTIVE" && self.serving == Some(true)
    }
}
