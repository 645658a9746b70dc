//! Appends to a task's journal.

use std::fs::{File, TryLockError};
use std::io::ErrorKind;
use std::marker::PhantomData;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::Serialize;

use super::reader::{self, FORMAT_VERSION};
use super::state_files;
use super::tasks::{TaskFiles, TaskId};
use crate::domain::fault::{Cause, Fault};

/// Appends events to the journal of one task, and locks it against every other writer until dropped.
#[derive(Debug)]
pub struct Writer<E> {
    file: File,
    path: PathBuf,
    /// Whether durable events wait for [`Writer::sync`].
    gathers: bool,
    /// Whether a write failed: what is on disk is unknown then, and nothing more is written.
    broken: bool,
    event: PhantomData<fn(&E)>,
}

#[derive(Serialize)]
struct JournalHeader<'a> {
    obnow_journal: u32,
    task: &'a TaskId,
    at: Timestamp,
}

#[derive(Serialize)]
struct Line<'a, E> {
    at: Timestamp,
    event: &'a E,
}

impl<E: Serialize> Writer<E> {
    /// Creates a journal; its first line and its name are on disk when this returns.
    ///
    /// # Errors
    /// A journal of that id exists, or the file cannot be written.
    pub fn create(state: &Path, id: &TaskId, at: Timestamp) -> Result<Self, Fault> {
        let path = TaskFiles::new(state, id).journal;
        if let Some(folder) = path.parent() {
            state_files::directory(folder)?;
        }
        let file = state_files::open(&path, state_files::private().create_new(true));
        let file = file.map_err(|error| state_files::fault("begin the journal", &path, &error))?;
        let mut writer = Self::lock(file, path)?;
        writer.write_header(id, at)?;
        Ok(writer)
    }

    /// Opens a journal to append to it. A partial line of a killed writer is cut off: it was never acknowledged, and no reader
    /// has taken it.
    ///
    /// # Errors
    /// It does not exist, belongs to another task or a newer obnow, is locked by another writer, or cannot be written.
    pub fn open(state: &Path, id: &TaskId, at: Timestamp) -> Result<Self, Fault> {
        let path = TaskFiles::new(state, id).journal;
        let file = state_files::open(&path, &state_files::private())
            .map_err(|error| state_files::fault("open the journal", &path, &error))?;
        let mut writer = Self::lock(file, path)?;
        let cut = |error: std::io::Error| state_files::fault("repair the journal", &writer.path, &error);
        let end = complete_length(&writer.file).map_err(cut)?;
        if end != writer.file.metadata().map_err(cut)?.len() {
            writer.file.set_len(end).and_then(|()| writer.file.sync_all()).map_err(cut)?;
        }
        if end == 0 {
            writer.write_header(id, at)?;
        } else {
            reader::check_header(&writer.path, id)?;
        }
        Ok(writer)
    }

    fn lock(file: File, path: PathBuf) -> Result<Self, Fault> {
        match file.try_lock() {
            Ok(()) => Ok(Self { file, path, gathers: false, broken: false, event: PhantomData }),
            Err(TryLockError::WouldBlock) => Err(Fault::new(
                Cause::Busy,
                format!("{} has a writer already.", path.display()),
                "Another runner works on this task.",
                "Watch the task, or wait until that runner has ended.",
            )),
            Err(TryLockError::Error(error)) => Err(state_files::fault("lock the journal", &path, &error)),
        }
    }

    fn write_header(&mut self, task: &TaskId, at: Timestamp) -> Result<(), Fault> {
        self.line(&JournalHeader { obnow_journal: FORMAT_VERSION, task, at }, true)?;
        state_files::sync_parent(&self.path)
            .map_err(|error| state_files::fault("begin the journal", &self.path, &error))
    }

    /// Appends one event. With `durable` it is on disk when this returns; otherwise it survives the end of this process but not
    /// of the host.
    ///
    /// # Errors
    /// The write failed. Then it is unknown what is on disk, and this writer accepts no more events.
    pub fn append(&mut self, at: Timestamp, event: &E, durable: bool) -> Result<(), Fault> {
        self.line(&Line { at, event }, durable)
    }

    /// Lets durable events wait for [`Writer::sync`] from now on.
    pub fn gather(&mut self) {
        self.gathers = true;
    }

    /// Syncs everything appended to disk and ends the batch.
    ///
    /// # Errors
    /// As [`Writer::append`].
    pub fn sync(&mut self) -> Result<(), Fault> {
        self.gathers = false;
        let done = if self.broken { Err(ErrorKind::BrokenPipe.into()) } else { self.file.sync_data() };
        self.broken = done.is_err();
        done.map_err(|error| state_files::fault("append to the journal", &self.path, &error))
    }

    fn line(&mut self, line: &impl Serialize, durable: bool) -> Result<(), Fault> {
        if self.broken {
            let error = std::io::Error::from(ErrorKind::BrokenPipe);
            return Err(state_files::fault("go on, after a failed write, with the journal", &self.path, &error));
        }
        // JSON has no raw newline inside, whatever the event holds.
        let text = serde_json::to_vec(line).map_err(std::io::Error::from);
        let mut text =
            text.map_err(|error| state_files::fault("write an event into the journal", &self.path, &error))?;
        text.push(b'\n');
        let mut done = state_files::append_line(&mut self.file, &text);
        if durable && !self.gathers && done.is_ok() {
            done = self.file.sync_data();
        }
        self.broken = done.is_err();
        done.map_err(|error| state_files::fault("append to the journal", &self.path, &error))
    }
}

impl<E> Drop for Writer<E> {
    fn drop(&mut self) {
        // Closing alone would leave the lock with a child process that another thread is starting: until its `exec` it has a
        // copy of every open file.
        let _ = self.file.unlock();
    }
}

/// Returns the length of the file up to its last newline.
fn complete_length(file: &File) -> std::io::Result<u64> {
    let mut chunk = [0_u8; 4096];
    let mut end = file.metadata()?.len();
    while end > 0 {
        let start = end.saturating_sub(chunk.len() as u64);
        let part = chunk.get_mut(..usize::try_from(end - start).unwrap_or(0)).unwrap_or_default();
        file.read_exact_at(part, start)?;
        if let Some(last) = part.iter().rposition(|byte| *byte == b'\n') {
            return Ok(start + last as u64 + 1);
        }
        end = start;
    }
    Ok(0)
}

#[cfg(test)]
mod tests;
