//! The sign of life of a runner: the time of `ID.alive`, and nothing in it.

use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::{Duration, SystemTime};

use jiff::Timestamp;

use super::disk;
use super::tasks::{TaskFiles, TaskId};
use crate::domain::fault::Fault;

/// Alive at `now`.
///
/// # Errors
/// The disk refuses.
pub fn beat(state: &Path, task: &TaskId, now: Timestamp) -> Result<(), Fault> {
    let path = TaskFiles::new(state, task).alive;
    if let Some(folder) = path.parent() {
        disk::directory(folder)?;
    }
    let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path);
    file.and_then(|file| file.set_modified(SystemTime::from(now)))
        .map_err(|error| disk::fault("leave a sign of life in", &path, &error))
}

/// How long ago the last sign of life was; `None` where there never was one, zero where it is of the future.
///
/// # Errors
/// The file is there and cannot be looked at.
pub fn age(state: &Path, task: &TaskId, now: Timestamp) -> Result<Option<Duration>, Fault> {
    let path = TaskFiles::new(state, task).alive;
    match std::fs::metadata(&path).and_then(|found| found.modified()) {
        Ok(at) => Ok(Some(SystemTime::from(now).duration_since(at).unwrap_or_default())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(disk::fault("look at", &path, &error)),
    }
}

#[cfg(test)]
mod tests;
