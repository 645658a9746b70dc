//! A fault has three sentences: what happened, why, what to do next; plus a detail for the log.

use serde::{Deserialize, Serialize};

/// The kind of a cause; the exit code of a refused start follows from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// The command, the inventory or a plan file is wrong.
    Usage,
    /// A precondition of the backup does not hold.
    Precondition,
    /// Another backup runs.
    Busy,
    /// The login, or its privileges.
    Rights,
    /// The backup destination.
    Storage,
    /// No server answers, or not as OceanBase does.
    Unreachable,
    /// The server refused for another reason.
    Server,
    /// The effect is unknown.
    Unknown,
    /// obnow itself, or the host it runs on.
    Internal,
}

/// A failure as it is reported to a user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// One sentence: what happened.
    pub what: String,
    /// One sentence: why.
    pub why: String,
    /// One sentence: what to do next.
    pub next: String,
    /// The server's error code, if there is one.
    pub code: Option<u32>,
    /// The kind of cause.
    pub cause: Cause,
    /// The server's own words and other details for the log; cleaned and redacted, may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
}

impl Fault {
    /// Returns a fault without a code or detail.
    #[must_use]
    pub fn new(cause: Cause, what: impl Into<String>, why: impl Into<String>, next: impl Into<String>) -> Self {
        Self { what: what.into(), why: why.into(), next: next.into(), code: None, cause, detail: String::new() }
    }

    /// Returns the fault with the server's code.
    #[must_use]
    pub fn with_code(mut self, code: u32) -> Self {
        self.code = Some(code);
        self
    }

    /// Returns the fault with a detail for the log.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = detail.into();
        self
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {} {}", self.what, self.why, self.next)
    }
}

impl std::error::Error for Fault {}
