//! The audit trail: one line per action, on disk before the action is even intended.

use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::state_files;
use super::tail::LineTail;
use super::tasks::TaskId;
use crate::domain::fault::Fault;

/// An entry of the audit trail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEntry {
    /// Time of the action.
    pub at: Timestamp,
    /// Id of its task; `None` for an action outside of a task.
    pub task: Option<TaskId>,
    /// The target: `cluster` or `cluster/tenant`.
    pub target: String,
    /// The user who requested it.
    pub who: String,
    /// The host that obnow ran on.
    pub host: String,
    /// The action in domain terms: the name of the step.
    pub action: String,
    /// The redacted statement.
    pub statement: String,
}

/// Writes an entry; it is on disk when this returns, and only then the action may be executed.
///
/// # Errors
/// It cannot be written: the action must not be executed.
pub fn write(state: &Path, action: &AuditEntry) -> Result<(), Fault> {
    super::state::ensure(state)?;
    let path = state.join("audit.jsonl");
    let line = serde_json::to_vec(action).map_err(std::io::Error::from);
    line.and_then(|line| state_files::append_shared(&path, &line))
        .map_err(|error| state_files::fault("write the audit trail", &path, &error))
}

/// Reads all entries, the oldest first; a line that is not an entry is returned as its text.
///
/// # Errors
/// The file exists and cannot be read.
pub fn read(state: &Path) -> Result<Vec<Result<AuditEntry, String>>, Fault> {
    let lines = LineTail::new(state.join("audit.jsonl"), 0).lines()?;
    let parse = |line: Vec<u8>| serde_json::from_slice(&line).map_err(|_| String::from_utf8_lossy(&line).into_owned());
    Ok(lines.into_iter().filter(|line| !line.is_empty()).map(parse).collect())
}

#[cfg(test)]
mod tests;
