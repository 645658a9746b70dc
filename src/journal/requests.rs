//! Requests of watchers to a runner: `ID.ask`, appended to by any process, read by the runner at each poll.

use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::state_files;
use super::tail::LineTail;
use super::tasks::{TaskFiles, TaskId};
use crate::domain::fault::Fault;

/// A request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// Id that the runner's answer, an event of the journal, refers to.
    pub id: String,
    /// The requested action: `cancel`.
    pub verb: String,
    /// The user who requests it.
    pub who: String,
    /// Time of the request.
    pub at: Timestamp,
}

/// Appends a request; it is on disk when this returns.
///
/// # Errors
/// The file cannot be written.
pub fn put(state: &Path, task: &TaskId, ask: &Request) -> Result<(), Fault> {
    let path = TaskFiles::new(state, task).ask;
    if let Some(folder) = path.parent() {
        state_files::directory(folder)?;
    }
    let line = serde_json::to_vec(ask).map_err(std::io::Error::from);
    line.and_then(|line| state_files::append_shared(&path, &line))
        .map_err(|error| state_files::fault("put a request into", &path, &error))
}

/// The runner's side of the requests: returns each request once.
#[derive(Debug)]
pub struct Inbox {
    tail: LineTail,
}

impl Inbox {
    /// Returns the requests after this offset, 0 for all. A runner that resumes a task skips those whose answer is in the
    /// journal.
    #[must_use]
    pub fn new(state: &Path, task: &TaskId, offset: u64) -> Self {
        Self { tail: LineTail::new(TaskFiles::new(state, task).ask, offset) }
    }

    /// Returns the offset of the next request.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.tail.offset()
    }

    /// Returns the requests since the last call; a line that is not a request is returned as its text.
    ///
    /// # Errors
    /// The file exists and cannot be read.
    pub fn asks(&mut self) -> Result<Vec<Result<Request, String>>, Fault> {
        let lines = self.tail.lines()?;
        let parse =
            |line: Vec<u8>| serde_json::from_slice(&line).map_err(|_| String::from_utf8_lossy(&line).into_owned());
        Ok(lines.into_iter().filter(|line| !line.is_empty()).map(parse).collect())
    }
}

#[cfg(test)]
mod tests;
