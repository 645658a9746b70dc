//! The heartbeat of a runner: the modification time of `ID.alive`. Space for an exit message is preallocated in the file, so
//! that a full disk cannot prevent writing one.

use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::{Duration, SystemTime};

use jiff::Timestamp;

use super::state_files;
use super::tasks::{TaskFiles, TaskId};
use crate::domain::fault::Fault;

/// Records a heartbeat at `now`.
///
/// # Errors
/// The file cannot be written.
pub fn beat(state: &Path, task: &TaskId, now: Timestamp) -> Result<(), Fault> {
    let path = TaskFiles::new(state, task).alive;
    if let Some(folder) = path.parent() {
        state_files::directory(folder)?;
    }
    let file = state_files::open_to_write(&path);
    file.and_then(|file| {
        if file.metadata()?.len() == 0 {
            // Without space for this there is none for the exit message either.
            let _ = file.write_at(&[b' '; EXIT_MESSAGE_BYTES], 0);
        }
        file.set_modified(SystemTime::from(now))
    })
    .map_err(|error| state_files::fault("leave a sign of life in", &path, &error))
}

/// Space for the exit message, in bytes.
const EXIT_MESSAGE_BYTES: usize = 4096;

/// Writes the exit message of a runner that cannot write its journal.
///
/// # Errors
/// The file cannot be written either.
pub fn write_exit_message(state: &Path, task: &TaskId, why: &Fault) -> Result<(), Fault> {
    let path = TaskFiles::new(state, task).alive;
    let mut word = serde_json::to_vec(why).unwrap_or_default();
    word.resize(EXIT_MESSAGE_BYTES.max(word.len()), b' ');
    let file = state_files::open_to_write(&path);
    file.and_then(|file| file.write_all_at(&word, 0))
        .map_err(|error| state_files::fault("leave a last word in", &path, &error))
}

/// Returns the exit message of the last runner, where it could not write the journal.
#[must_use]
pub fn last_word(state: &Path, task: &TaskId) -> Option<Fault> {
    serde_json::from_slice(&state_files::read_small(&TaskFiles::new(state, task).alive).ok()?).ok()
}

/// Clears the exit message of an earlier runner.
///
/// # Errors
/// The file cannot be written.
pub fn clear_exit_message(state: &Path, task: &TaskId) -> Result<(), Fault> {
    let path = TaskFiles::new(state, task).alive;
    match state_files::open(&path, OpenOptions::new().write(true))
        .and_then(|file| file.write_all_at(&[b' '; EXIT_MESSAGE_BYTES], 0))
    {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(state_files::fault("leave a sign of life in", &path, &error))
        }
        _ => Ok(()),
    }
}

/// Returns the age of the last heartbeat; `None` where there never was one, zero where it is in the future.
///
/// # Errors
/// The file exists and cannot be read.
pub fn age(state: &Path, task: &TaskId, now: Timestamp) -> Result<Option<Duration>, Fault> {
    let path = TaskFiles::new(state, task).alive;
    match state_files::open_to_read(&path).and_then(|file| file.metadata()?.modified()) {
        Ok(at) => Ok(Some(SystemTime::from(now).duration_since(at).unwrap_or_default())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(state_files::fault("look at", &path, &error)),
    }
}

#[cfg(test)]
mod tests;
