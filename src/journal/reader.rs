//! Reads a task's journal, at once or following it as it grows. A reader changes nothing and takes no lock.

use std::io::{BufRead, BufReader};
use std::marker::PhantomData;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::state_files;
use super::tail::LineTail;
use super::tasks::{TaskFiles, TaskId};
use crate::domain::fault::{Cause, Fault};
use crate::domain::task::UnreadableEvent;

/// The version of the format that this obnow writes, and the newest that it reads.
pub const FORMAT_VERSION: u32 = 1;

/// One entry of a journal.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry<E> {
    /// When it was written, in UTC; the time of the line before where it is unreadable.
    pub at: Timestamp,
    /// The event, or the unreadable content.
    pub event: Result<E, UnreadableEvent>,
}

/// The current contents of a journal.
#[derive(Debug, Clone, PartialEq)]
pub struct Journal<E> {
    /// When the journal was created; `None` where its runner was killed before the first line was complete.
    pub begun: Option<Timestamp>,
    /// Its events, the oldest first.
    pub entries: Vec<Entry<E>>,
}

/// Reads the journal of a task up to its last complete line.
///
/// # Errors
/// It does not exist, belongs to another task or a newer obnow, or cannot be read.
pub fn read<E: DeserializeOwned>(state: &Path, id: &TaskId) -> Result<Journal<E>, Fault> {
    let mut follower = Follower::new(state, id);
    let entries = follower.entries()?;
    if !follower.tail.opened() {
        return Err(Fault::new(
            Cause::Usage,
            format!("There is no task {id}."),
            format!("{} is not there.", follower.tail.path().display()),
            "List the tasks with `obnow tasks`.",
        ));
    }
    Ok(Journal { begun: follower.begun, entries })
}

/// Reads a growing journal; returns each entry once.
#[derive(Debug)]
pub struct Follower<E> {
    tail: LineTail,
    id: TaskId,
    begun: Option<Timestamp>,
    last: Timestamp,
    /// Number of lines read.
    line: u64,
    event: PhantomData<fn() -> E>,
}

impl<E: DeserializeOwned> Follower<E> {
    /// Returns a follower from the first event on; the journal need not exist yet.
    #[must_use]
    pub fn new(state: &Path, id: &TaskId) -> Self {
        let tail = LineTail::new(TaskFiles::new(state, id).journal, 0);
        Self { tail, id: id.clone(), begun: None, last: Timestamp::UNIX_EPOCH, line: 0, event: PhantomData }
    }

    /// Returns the entries since the last call; none where the journal does not exist yet.
    ///
    /// # Errors
    /// It belongs to another task or a newer obnow, or cannot be read.
    pub fn entries(&mut self) -> Result<Vec<Entry<E>>, Fault> {
        let mut lines = self.tail.lines()?.into_iter().peekable();
        let mut entries = Vec::new();
        if self.begun.is_none() {
            let Some(first) = lines.next() else { return Ok(entries) };
            self.line = 1;
            match parse_header(&first, &self.id, self.tail.path()) {
                Ok(begun) => self.last = begun,
                // Its other lines identify it.
                Err(_) if lines.peek().is_some() && !is_header(&first) => {
                    entries.push(self.damaged_entry(text(&first)));
                }
                Err(fault) => return Err(fault),
            }
            self.begun = Some(self.last);
        }
        for line in lines {
            self.line += 1;
            if !line.is_empty() {
                entries.push(self.parse_entry(&line));
            }
        }
        Ok(entries)
    }

    /// Waits until there may be new entries: checks at once, then at every interval `every`.
    ///
    /// # Errors
    /// The journal cannot be read, or was removed.
    pub async fn grown(&self, every: Duration) -> Result<(), Fault> {
        self.tail.grown(every).await
    }

    /// Waits for new entries; never returns an empty list.
    ///
    /// # Errors
    /// As [`Follower::entries`].
    pub async fn next(&mut self, every: Duration) -> Result<Vec<Entry<E>>, Fault> {
        loop {
            let entries = self.entries()?;
            if !entries.is_empty() {
                return Ok(entries);
            }
            self.grown(every).await?;
        }
    }

    fn parse_entry(&mut self, line: &[u8]) -> Entry<E> {
        let Ok(mut value) = serde_json::from_slice::<Value>(line) else {
            return self.damaged_entry(text(line));
        };
        if let Some(at) = value.get("at").and_then(Value::as_str).and_then(|at| at.parse().ok()) {
            self.last = at;
        }
        let Some(event) = value.get_mut("event").map(Value::take) else { return self.damaged_entry(value) };
        match serde_json::from_value(event.clone()) {
            Ok(event) => Entry { at: self.last, event: Ok(event) },
            Err(error) if is_unknown_event(&event, &error) => {
                Entry { at: self.last, event: Err(UnreadableEvent::Unknown(event)) }
            }
            Err(_) => self.damaged_entry(event),
        }
    }

    fn damaged_entry(&self, text: Value) -> Entry<E> {
        Entry { at: self.last, event: Err(UnreadableEvent::Damaged { line: self.line, text }) }
    }
}

fn text(line: &[u8]) -> Value {
    Value::String(String::from_utf8_lossy(line).into_owned())
}

fn is_header(line: &[u8]) -> bool {
    serde_json::from_slice::<Value>(line).is_ok_and(|value| value.get("obnow_journal").is_some())
}

/// Returns whether the kind of the event is unknown to this obnow, and not something inside a known event.
fn is_unknown_event(event: &Value, error: &serde_json::Error) -> bool {
    let said = error.to_string();
    let kind = said.strip_prefix("unknown variant `").and_then(|rest| rest.split('`').next());
    let tag = event.get("event").and_then(Value::as_str).or(event.as_str());
    kind.is_some_and(|kind| tag == Some(kind) || event.get(kind).is_some())
}

/// Checks the first line of a journal.
pub(super) fn check_header(path: &Path, id: &TaskId) -> Result<(), Fault> {
    let mut line = Vec::new();
    let read = state_files::open_to_read(path).and_then(|file| BufReader::new(file).read_until(b'\n', &mut line));
    read.map_err(|error| state_files::fault("read", path, &error))?;
    parse_header(&line, id, path).map(|_| ())
}

/// Parses the first line of this task's journal and returns when it was created.
fn parse_header(line: &[u8], id: &TaskId, path: &Path) -> Result<Timestamp, Fault> {
    let refused =
        |why: String, next: &str| Fault::new(Cause::Usage, format!("{} is not read.", path.display()), why, next);
    let value: Value = serde_json::from_slice(line).unwrap_or_default();
    let Some(version) = value.get("obnow_journal").and_then(Value::as_u64) else {
        return Err(refused("It does not begin as a journal of obnow does.".into(), "Look at the file itself."));
    };
    if version > u64::from(FORMAT_VERSION) {
        return Err(refused(
            format!("It is written in format {version}; this obnow knows format {FORMAT_VERSION}."),
            "Use the obnow that wrote it, or a newer one.",
        ));
    }
    let task = value.get("task").and_then(Value::as_str).unwrap_or_default();
    if task != id.as_str() {
        return Err(refused(format!("It is the journal of the task {task:?}."), "Give the file its own name back."));
    }
    let at = value.get("at").and_then(Value::as_str).and_then(|at| at.parse().ok());
    Ok(at.unwrap_or(Timestamp::UNIX_EPOCH))
}

#[cfg(test)]
mod tests;
