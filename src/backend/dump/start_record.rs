//! The start record of a dump, a JSON file beside it: a later obnow needs it to tell which instant the tables are from.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::contents::DumpContents;
use super::manifest::{DumpSource, SnapshotWindow};
use super::run_paths::RunPaths;
use super::{io_fault, write_atomically};
use crate::domain::dump::ExcludedTables;
use crate::domain::fault::{Cause, Fault};

/// The start record of a dump, completed when the dump ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StartRecord {
    /// The format of this file: 1.
    pub format: u32,
    /// The run id, `<task>.<attempt>`.
    pub run: String,
    /// What is dumped, for people.
    pub target: String,
    /// The server's own version text.
    pub server: String,
    /// The release of mydumper.
    pub release: String,
    /// Seconds the server's own times are ahead of UTC.
    pub utc_offset: i32,
    /// The server's time right before the dump was started.
    pub not_before: Timestamp,
    /// The server's time when the snapshot was first seen to be taken; at the latest, when the dump had ended.
    pub not_after: Option<Timestamp>,
    /// The size of all tables by the server's own statistics, in bytes; `None` where it has none.
    pub estimate: Option<u64>,
    /// Databases and tables that the server listed before the start.
    pub before: DumpContents,
    /// Databases and tables that the server listed after the dump ended.
    pub after: Option<DumpContents>,
    /// Tables and views that are left out as asked.
    #[serde(default, skip_serializing_if = "ExcludedTables::is_empty")]
    pub exclude: ExcludedTables,
    /// Columns whose values come back changed, each with its reason.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changed: Vec<String>,
    /// Objects of the server that no dump contains, as text.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<String>,
}

impl StartRecord {
    /// Writes the record to disk atomically.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn write(&self, place: &RunPaths) -> Result<(), Fault> {
        let path = place.start_record();
        let written = write_atomically(&path, |new| {
            let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(new)?;
            file.write_all(&serde_json::to_vec(self)?)
        });
        written.map_err(|error| io_fault("Writing", &path, &error))
    }

    /// Reads the record of a run; `None` where there is none.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn read(place: &RunPaths) -> Result<Option<Self>, Fault> {
        let path = place.start_record();
        match std::fs::read(&path) {
            Ok(text) => serde_json::from_slice(&text)
                .map(Some)
                .map_err(|error| io_fault("Reading", &path, &std::io::Error::from(error))),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(io_fault("Reading", &path, &error)),
        }
    }

    /// Returns the source for the manifest, and what the server listed before and after the dump.
    ///
    /// # Errors
    /// The end of the dump, or what the server listed then, was not recorded.
    pub fn source(self) -> Result<(DumpSource, DumpContents, DumpContents), Fault> {
        let (Some(not_after), Some(after)) = (self.not_after, self.after) else {
            return Err(Fault::new(
                Cause::Unknown,
                format!("Whether the dump {} is whole is unknown.", self.run),
                "The server was not asked yet what it held when the dump ended.",
                "Retry: it only looks again.",
            ));
        };
        let instant = SnapshotWindow { not_before: self.not_before, not_after };
        let source = DumpSource {
            target: self.target,
            server: self.server,
            release: self.release,
            instant,
            exclude: self.exclude,
            changed: self.changed,
            left_out: self.left_out,
        };
        Ok((source, self.before, after))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn start_record_survives_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let place = RunPaths::new(folder.path(), "t.1").unwrap();
        assert_eq!(StartRecord::read(&place).unwrap(), None);
        let mut begun = StartRecord {
            format: 1,
            run: "t.1".into(),
            target: "lab".into(),
            server: "5.7.25".into(),
            release: "0.10.0".into(),
            utc_offset: 28_800,
            not_before: "2026-11-19T19:31:40.123456Z".parse().unwrap(),
            not_after: None,
            estimate: Some(5),
            before: DumpContents { databases: vec!["pay".into()], tables: Vec::new() },
            after: None,
            exclude: ExcludedTables(["pay.x".to_owned()].into()),
            changed: Vec::new(),
            left_out: Vec::new(),
        };
        begun.write(&place).unwrap();
        assert_eq!(begun.clone().source().unwrap_err().cause, Cause::Unknown);
        begun.not_after = Some(begun.not_before);
        begun.after = Some(begun.before.clone());
        begun.write(&place).unwrap();
        assert_eq!(StartRecord::read(&place).unwrap().as_ref(), Some(&begun));
        assert_eq!(begun.source().unwrap().0.instant.not_after.to_string(), "2026-11-19T19:31:40.123456Z");
        std::fs::write(place.start_record(), "{").unwrap();
        assert!(StartRecord::read(&place).is_err());
    }
}
