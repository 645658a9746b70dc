//! Reports of tasks: files of their own, which obnow writes and never reads.

use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::disk;
use super::tasks::TaskId;
use crate::domain::fault::Fault;

/// How many reports of one second there may be.
const MOST: u32 = 100;

/// Writes a report to a new file, 0600, under `reports`, and gives its path. No report replaces another.
///
/// # Errors
/// The disk refuses.
pub fn keep(state: &Path, task: &TaskId, at: Timestamp, text: &str) -> Result<PathBuf, Fault> {
    let folder = state.join("reports");
    disk::directory(&folder)?;
    let stem = format!("{task}-{}", at.strftime("%Y%m%dT%H%M%SZ"));
    let mut path = folder.join(format!("{stem}.txt"));
    for number in 2..=MOST {
        let file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
        match file.and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all())) {
            Ok(()) => return Ok(path),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                path = folder.join(format!("{stem}-{number}.txt"));
            }
            Err(error) => {
                // Half a report is none; where it cannot be taken away, its fault is still the first one.
                let _ = std::fs::remove_file(&path);
                return Err(disk::fault("write the report", &path, &error));
            }
        }
    }
    Err(disk::fault("write the report", &path, &ErrorKind::AlreadyExists.into()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops where its setup fails")]

    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_report_is_for_its_owner_and_replaces_none() {
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
    fn a_place_that_takes_no_file_is_named() {
        let state = tempfile::tempdir().unwrap();
        let task: TaskId = "1M7W5WH9X5DA".parse().unwrap();
        std::fs::write(state.path().join("reports"), "a file").unwrap();
        let fault = keep(state.path(), &task, Timestamp::UNIX_EPOCH, "one").unwrap_err();
        assert!(fault.what.contains("reports"), "{fault}");
    }
}
