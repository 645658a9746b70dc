//! What watchers ask of a runner: `ID.ask`, appended to by anyone, read by the runner at each of its looks.

use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::disk;
use super::tail::Tail;
use super::tasks::{TaskFiles, TaskId};
use crate::domain::fault::Fault;

/// One request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ask {
    /// The runner's answer, an event of the journal, names it.
    pub id: String,
    /// What is asked for: `cancel`.
    pub verb: String,
    /// Who asks.
    pub who: String,
    /// When.
    pub at: Timestamp,
}

/// Puts a request; it is on the disk when this returns.
///
/// # Errors
/// The disk refuses.
pub fn put(state: &Path, task: &TaskId, ask: &Ask) -> Result<(), Fault> {
    let path = TaskFiles::new(state, task).ask;
    if let Some(folder) = path.parent() {
        disk::directory(folder)?;
    }
    let line = serde_json::to_vec(ask).map_err(std::io::Error::from);
    line.and_then(|line| disk::append_shared(&path, &line))
        .map_err(|error| disk::fault("put a request into", &path, &error))
}

/// The runner's side: gives each request once.
#[derive(Debug)]
pub struct Inbox {
    tail: Tail,
}

impl Inbox {
    /// Requests behind this offset; 0 for all. A runner that goes on with a task leaves out those whose answer is in
    /// the journal.
    #[must_use]
    pub fn new(state: &Path, task: &TaskId, offset: u64) -> Self {
        Self { tail: Tail::new(TaskFiles::new(state, task).ask, offset) }
    }

    /// Where the next request begins.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.tail.offset()
    }

    /// The requests that came since; a line that is none is given as its text.
    ///
    /// # Errors
    /// The file is there and cannot be read.
    pub fn asks(&mut self) -> Result<Vec<Result<Ask, String>>, Fault> {
        let lines = self.tail.lines()?;
        let parse =
            |line: Vec<u8>| serde_json::from_slice(&line).map_err(|_| String::from_utf8_lossy(&line).into_owned());
        Ok(lines.into_iter().filter(|line| !line.is_empty()).map(parse).collect())
    }
}

#[cfg(test)]
mod tests;
