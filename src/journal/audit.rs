//! The audit trail: one line an action, on the disk before the action is even intended.

use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::disk;
use super::tail::Tail;
use super::tasks::TaskId;
use crate::domain::fault::Fault;

/// One action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Action {
    /// When.
    pub at: Timestamp,
    /// For which task; `None` for what is done outside of one.
    pub task: Option<TaskId>,
    /// To what: `cluster` or `cluster/tenant`.
    pub target: String,
    /// Who had it done.
    pub who: String,
    /// On which host obnow ran.
    pub host: String,
    /// What, in domain words: the step.
    pub action: String,
    /// The statement as a person may see it: redacted.
    pub statement: String,
}

/// Writes an action down; it is on the disk when this returns, and only then may it be done.
///
/// # Errors
/// The disk refuses: the action must not be done.
pub fn write(state: &Path, action: &Action) -> Result<(), Fault> {
    super::state::ensure(state)?;
    let path = state.join("audit.jsonl");
    let line = serde_json::to_vec(action).map_err(std::io::Error::from);
    line.and_then(|line| disk::append_shared(&path, &line))
        .map_err(|error| disk::fault("write the audit trail", &path, &error))
}

/// All actions, the oldest first; a line that is none is given as its text.
///
/// # Errors
/// The file is there and cannot be read.
pub fn read(state: &Path) -> Result<Vec<Result<Action, String>>, Fault> {
    let lines = Tail::new(state.join("audit.jsonl"), 0).lines()?;
    let parse = |line: Vec<u8>| serde_json::from_slice(&line).map_err(|_| String::from_utf8_lossy(&line).into_owned());
    Ok(lines.into_iter().filter(|line| !line.is_empty()).map(parse).collect())
}

#[cfg(test)]
mod tests;
