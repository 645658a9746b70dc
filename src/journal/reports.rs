//! Reports of tasks: files that obnow writes and never reads.

use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::state_files;
use super::tasks::TaskId;
use crate::domain::fault::Fault;

/// The most reports of one second.
const MAX_PER_SECOND: u32 = 100;

/// Writes a report to a new file under `reports` (mode 0600) and returns its path. No report replaces another.
///
/// # Errors
/// The file cannot be written.
pub fn keep(state: &Path, task: &TaskId, at: Timestamp, text: &str) -> Result<PathBuf, Fault> {
    let folder = state.join("reports");
    state_files::directory(&folder)?;
    let stem = format!("{task}-{}", at.strftime("%Y%m%dT%H%M%SZ"));
    let mut path = folder.join(format!("{stem}.txt"));
    for number in 2..=MAX_PER_SECOND {
        let file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
        match file.and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all())) {
            Ok(()) => return Ok(path),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                path = folder.join(format!("{stem}-{number}.txt"));
            }
            Err(error) => {
                // A partial report is removed; the fault reported is that of the write.
                let _ = std::fs::remove_file(&path);
                return Err(state_files::fault("write the report", &path, &error));
            }
        }
    }
    Err(state_files::fault("write the report", &path, &ErrorKind::AlreadyExists.into()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops where its setup fails")]

    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn report_is_private_and_replaces_none() {
        let state = tempfile::tempdir().unwrap();
        let task: TaskId = "1M7W5WH9X5DA".parse().unwrap();
        let at = Timestamp::from_second(1_795_143_600).unwrap();
        let first = keep(state.path(), &task, at, "one").unwrap();
        let second = keep(state.path(), &task, at, "two").unwrap();
        assert_eq!(first, state.path().join("reports/1M7W5WH9X5DA-20261120T030000Z.txt"));
        assert_eq!(second, state.path().join("reports/1M7W5WH9X5DA-20261120T030000Z-2.txt"));
        assert_eq!(std::fs::read_to_string(&first).unwrap(), "one");
        assert_eq!(std::fs::read_to_string(&second).unwrap(), "two");
        for path in [&first, &second] {
            assert_eq!(std::fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        assert_eq!(std::fs::metadata(first.parent().unwrap()).unwrap().permissions().mode() & 0o777, 0o700);
    }

    #[test]
    fn unwritable_reports_directory_is_named() {
        let state = tempfile::tempdir().unwrap();
        let task: TaskId = "1M7W5WH9X5DA".parse().unwrap();
        std::fs::write(state.path().join("reports"), "a file").unwrap();
        let fault = keep(state.path(), &task, Timestamp::UNIX_EPOCH, "one").unwrap_err();
        assert!(fault.what.contains("reports"), "{fault}");
    }
}
