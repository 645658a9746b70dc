//! Reads the complete lines of a growing file, each once.

use std::fs::File;
use std::io::ErrorKind;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::state_files;
use crate::domain::fault::{Cause, Fault};

/// A position in a file after the last line that was returned.
#[derive(Debug)]
pub(super) struct LineTail {
    path: PathBuf,
    file: Option<File>,
    offset: u64,
    seen: Option<(u64, SystemTime)>,
}

impl LineTail {
    /// Returns a tail from `offset` bytes on; the file need not exist yet.
    pub(super) fn new(path: PathBuf, offset: u64) -> Self {
        Self { path, file: None, offset, seen: None }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the offset of the next line.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// Returns whether the file was ever opened.
    pub(super) fn opened(&self) -> bool {
        self.file.is_some()
    }

    /// Returns the complete lines since the last call, without their newlines; a partial last line is left for later.
    pub(super) fn lines(&mut self) -> Result<Vec<Vec<u8>>, Fault> {
        let file = match &self.file {
            Some(file) => file,
            None => match state_files::open_to_read(&self.path) {
                Ok(file) => self.file.insert(file),
                Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
                Err(error) => return Err(state_files::fault("read", &self.path, &error)),
            },
        };
        let state = file.metadata().and_then(|found| Ok((found.len(), found.modified()?)));
        let state = state.map_err(|error| state_files::fault("read", &self.path, &error))?;
        if state.0 < self.offset {
            return Err(Fault::new(
                Cause::Internal,
                format!("{} is shorter than it was.", self.path.display()),
                "Lines that were read before are gone: something other than obnow changed the file.",
                "Leave the files of the state directory alone; look at the file itself.",
            ));
        }
        if state.0 > state_files::MAX_FILE_BYTES {
            return Err(Fault::new(
                Cause::Internal,
                format!("{} is not read.", self.path.display()),
                format!("It has {} bytes, and no more than {} are read.", state.0, state_files::MAX_FILE_BYTES),
                "Look at the file itself: nothing of obnow writes that much.",
            ));
        }
        let wanted = usize::try_from(state.0 - self.offset).unwrap_or(usize::MAX);
        let mut bytes = vec![0; wanted];
        let mut filled = 0;
        while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match file.read_at(rest, self.offset + filled as u64) {
                // A torn last line was removed between the two reads.
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(state_files::fault("read", &self.path, &error)),
            }
        }
        bytes.truncate(filled);
        self.seen = Some(state);
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
        bytes.truncate(whole);
        self.offset += whole as u64;
        bytes.pop();
        if whole == 0 { Ok(Vec::new()) } else { Ok(bytes.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect()) }
    }

    /// Waits until the file has changed since the last [`LineTail::lines`]: checks at once, then at every interval `every`.
    pub(super) async fn grown(&self, every: Duration) -> Result<(), Fault> {
        loop {
            match std::fs::metadata(&self.path).and_then(|found| Ok((found.len(), found.modified()?))) {
                Ok(state) if Some(state) != self.seen => return Ok(()),
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::NotFound && self.seen.is_none() => {}
                Err(error) => return Err(state_files::fault("read", &self.path, &error)),
            }
            tokio::time::sleep(every).await;
        }
    }
}
