//! Ids and files of tasks.

use std::fmt;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::state_files;
use crate::domain::fault::{Cause, Fault};

/// Crockford's base32 digits, without I, L, O and U, so that an id can be read aloud.
const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const ID_LENGTH: usize = 12;

/// The id of a task: twelve characters such as `01JD8Z4K7QM3`; nine of the time, so that ids sort by age, and three random ones.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TaskId(String);

impl TaskId {
    /// Returns the id of a task that starts at this millisecond. The lowest fifteen bits of `random` are used: two tasks of one
    /// millisecond collide once in 32768 times, and then the second journal is refused.
    #[must_use]
    pub fn new(at: Timestamp, random: u64) -> Self {
        let time = u64::try_from(at.as_millisecond()).unwrap_or(0) & ((1 << 45) - 1);
        let number = time << 15 | (random & 0x7FFF);
        let digit = |place: usize| {
            let index = usize::try_from(number >> (5 * (ID_LENGTH - 1 - place)) & 31).unwrap_or(0);
            char::from(DIGITS.get(index).copied().unwrap_or(b'0'))
        };
        Self((0..ID_LENGTH).map(digit).collect())
    }

    /// Returns the id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl FromStr for TaskId {
    type Err = String;

    /// # Errors
    /// One sentence, where the text is not an id.
    fn from_str(text: &str) -> Result<Self, String> {
        match canonical(text) {
            Some(id) if id.len() == ID_LENGTH => Ok(Self(id)),
            _ => Err(format!("{text:?} is not the id of a task")),
        }
    }
}

impl TryFrom<String> for TaskId {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<TaskId> for String {
    fn from(id: TaskId) -> Self {
        id.0
    }
}

/// Normalizes an id as it is typed: in lower case, and with letters that look like digits.
fn canonical(text: &str) -> Option<String> {
    text.chars()
        .map(|c| match c.to_ascii_uppercase() {
            'O' => Some('0'),
            'I' | 'L' => Some('1'),
            c => u8::try_from(c).is_ok_and(|byte| DIGITS.contains(&byte)).then_some(c),
        })
        .collect()
}

/// The files of one task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskFiles {
    /// `ID.jsonl`: its journal.
    pub journal: PathBuf,
    /// `ID.ask`: the requests to it.
    pub ask: PathBuf,
    /// `ID.alive`: its heartbeat.
    pub alive: PathBuf,
}

impl TaskFiles {
    /// Returns the files of a task under this state directory.
    #[must_use]
    pub fn new(state: &Path, id: &TaskId) -> Self {
        let folder = folder(state);
        let file = |ending: &str| folder.join(format!("{id}.{ending}"));
        Self { journal: file("jsonl"), ask: file("ask"), alive: file("alive") }
    }
}

fn folder(state: &Path) -> PathBuf {
    state.join("tasks")
}

/// Returns the ids of all tasks, the newest first.
///
/// # Errors
/// The directory exists and cannot be read, or is writable by others.
pub fn list(state: &Path) -> Result<Vec<TaskId>, Fault> {
    super::state::check(state)?;
    let folder = folder(state);
    let unread = |error: &std::io::Error| state_files::fault("read the directory", &folder, error);
    let entries = match std::fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(unread(&error)),
    };
    let mut ids = Vec::new();
    for entry in entries {
        let name = entry.map_err(|error| unread(&error))?.file_name();
        let id = name.to_str().and_then(|name| name.strip_suffix(".jsonl"));
        // Only the exact spelling counts; other files are not journals.
        ids.extend(id.and_then(|id| id.parse::<TaskId>().ok().filter(|parsed| parsed.as_str() == id)));
    }
    ids.sort_unstable_by(|one, other| other.cmp(one));
    Ok(ids)
}

/// Returns the one task whose id starts with this prefix, in any spelling.
///
/// # Errors
/// There is none or more than one, or the directory cannot be read.
pub fn find(state: &Path, prefix: &str) -> Result<TaskId, Fault> {
    let wanted = canonical(prefix).filter(|wanted| !wanted.is_empty());
    let mut found = list(state)?;
    found.retain(|id| wanted.as_deref().is_some_and(|wanted| id.as_str().starts_with(wanted)));
    let refused =
        |why: String, next: &str| Fault::new(Cause::Usage, format!("No task was chosen by {prefix:?}."), why, next);
    match <[TaskId; 1]>::try_from(found) {
        Ok([id]) => Ok(id),
        Err(found) if found.is_empty() => {
            Err(refused("No task here has an id that begins so.".into(), "List the tasks with `obnow tasks`."))
        }
        Err(found) => {
            let some: Vec<&str> = found.iter().take(3).map(TaskId::as_str).collect();
            let more = if found.len() > some.len() { ", .." } else { "" };
            Err(refused(
                format!("{} tasks have an id that begins so: {}{more}.", found.len(), some.join(", ")),
                "Give more of the id.",
            ))
        }
    }
}

#[cfg(test)]
mod tests;
