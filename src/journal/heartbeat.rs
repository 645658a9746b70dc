//! The sign of life of a runner: the time of `ID.alive`. In it is room for the last word of one that cannot write its
//! journal any more; the room is taken while there still is some, so that a full disk does not silence it.

use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::os::unix::fs::FileExt;
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
    let file = disk::open_to_write(&path);
    file.and_then(|file| {
        if file.metadata()?.len() == 0 {
            // Where even this finds no room, the last word does not either.
            let _ = file.write_at(&[b' '; ROOM], 0);
        }
        file.set_modified(SystemTime::from(now))
    })
    .map_err(|error| disk::fault("leave a sign of life in", &path, &error))
}

/// Room for the last word, in bytes.
const ROOM: usize = 4096;

/// Leaves the reason why the runner goes, for want of a journal to write it into.
///
/// # Errors
/// The disk refuses this too.
pub fn leave_word(state: &Path, task: &TaskId, why: &Fault) -> Result<(), Fault> {
    let path = TaskFiles::new(state, task).alive;
    let mut word = serde_json::to_vec(why).unwrap_or_default();
    word.resize(ROOM.max(word.len()), b' ');
    let file = disk::open_to_write(&path);
    file.and_then(|file| file.write_all_at(&word, 0))
        .map_err(|error| disk::fault("leave a last word in", &path, &error))
}

/// The reason that the last runner left, where it could not write it into the journal.
#[must_use]
pub fn last_word(state: &Path, task: &TaskId) -> Option<Fault> {
    serde_json::from_slice(&disk::read_small(&TaskFiles::new(state, task).alive).ok()?).ok()
}

/// Forgets the word of an earlier runner.
///
/// # Errors
/// The disk refuses.
pub fn forget_word(state: &Path, task: &TaskId) -> Result<(), Fault> {
    let path = TaskFiles::new(state, task).alive;
    match disk::open(&path, OpenOptions::new().write(true)).and_then(|file| file.write_all_at(&[b' '; ROOM], 0)) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(disk::fault("leave a sign of life in", &path, &error)),
        _ => Ok(()),
    }
}

/// How long ago the last sign of life was; `None` where there never was one, zero where it is of the future.
///
/// # Errors
/// The file is there and cannot be looked at.
pub fn age(state: &Path, task: &TaskId, now: Timestamp) -> Result<Option<Duration>, Fault> {
    let path = TaskFiles::new(state, task).alive;
    match disk::open_to_read(&path).and_then(|file| file.metadata()?.modified()) {
        Ok(at) => Ok(Some(SystemTime::from(now).duration_since(at).unwrap_or_default())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(disk::fault("look at", &path, &error)),
    }
}

#[cfg(test)]
mod tests;
