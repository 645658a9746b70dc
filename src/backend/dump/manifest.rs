//! Proves a dump: checks that every expected file is present and complete, counts the rows, and writes a manifest before the
//! dump gets its final name. With the manifest every truncated, missing, added or altered file is detected later.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::charset;
use super::contents::{DumpContents, FileRole, ListedTable, TableKind};
use super::row_counter::{RowCounter, RowFileError, RowFileSummary};
use super::run_paths::RunPaths;
use super::schema;
use crate::domain::dump::ExcludedTables;
use crate::domain::fault::{Cause, Fault};

/// The manifest's name in the dump's folder.
pub const MANIFEST_NAME: &str = "manifest.json";

/// What no dump contains; listed in every manifest.
pub const NEVER_INCLUDED: [&str; 6] = [
    "users and their rights",
    "routines",
    "triggers",
    "events",
    "sequences",
    "the server's own databases and parameters",
];

/// The longest schema file that is read, in bytes.
const MAX_SCHEMA_BYTES: u64 = 64 << 20;

/// The two server times between which the snapshot of all tables was taken.
///
/// Everything committed at `not_before` is in the dump, and nothing committed after `not_after`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotWindow {
    /// The server's time just before the dump was started; this is the instant a verdict names.
    pub not_before: Timestamp,
    /// The server's time just after a row had reached a file.
    pub not_after: Timestamp,
}

/// What was dumped and from which server, as the caller knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DumpSource {
    /// The server's name for people: `cluster` or `cluster/tenant`.
    pub target: String,
    /// The server's own version text.
    pub server: String,
    /// The release of mydumper.
    pub release: String,
    /// When the snapshot was taken.
    pub instant: SnapshotWindow,
    /// Tables and views that were left out as asked.
    #[serde(default, skip_serializing_if = "ExcludedTables::is_empty")]
    pub exclude: ExcludedTables,
    /// Columns whose values come back changed, each with its reason.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changed: Vec<String>,
    /// Objects of the server that no dump contains, as text.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<String>,
}

/// One table or view of a dump.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableEntry {
    /// Database, name and kind.
    #[serde(flatten)]
    pub listed: ListedTable,
    /// Number of rows, counted in its file; `None` for a view.
    pub rows: Option<u64>,
}

/// One file of a dump.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEntry {
    /// Its name in the dump's folder.
    pub name: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// The SHA-256 of its content, in hexadecimal digits.
    pub sha256: String,
}

/// The manifest of a dump: its contents and files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The format of this file: 1.
    pub format: u32,
    /// The run id, `<task>.<attempt>`.
    pub run: String,
    /// What was dumped.
    pub source: DumpSource,
    /// Its databases.
    pub databases: Vec<String>,
    /// Their tables and views.
    pub tables: Vec<TableEntry>,
    /// All files except the manifest.
    pub files: Vec<FileEntry>,
    /// Objects that a restore will not bring back.
    pub left_out: Vec<String>,
    /// The bytes of the longest statement in the files of rows; None in manifests of releases that did not measure it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub longest_statement: Option<u64>,
}

impl Manifest {
    /// Returns the number of rows of all tables.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.tables.iter().filter_map(|table| table.rows).sum()
    }

    /// Returns the size of all files, in bytes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }
}

/// Proves a dump that exited with status 0 and gives it its final name; an interrupted call can be repeated. `before` and
/// `after` are what the server listed before the dump started and after it ended.
///
/// # Errors
/// A file is missing, incomplete or unexpected, or tables were created, dropped or changed meanwhile. With `Cause::Unknown`: the
/// files cannot be read, or the manifest cannot be written.
pub fn seal(
    place: &RunPaths,
    source: DumpSource,
    before: &DumpContents,
    after: &DumpContents,
) -> Result<Manifest, Fault> {
    check_same_tables(before, after)?;
    let folder = place.partial();
    // A partial manifest of a process that ended while writing it; no file of a dump has that name.
    match std::fs::remove_file(folder.join(MANIFEST_NAME)) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(read_fault("Removing", &folder.join(MANIFEST_NAME), &error));
        }
        _ => {}
    }
    let expected = before.files()?;
    refuse_unexpected_files(&folder, |name| expected.contains_key(name))?;
    let mut files = Vec::with_capacity(expected.len());
    let mut counted = BTreeMap::new();
    let mut longest = 0;
    for (name, role) in &expected {
        let path = folder.join(name);
        let schema = match role {
            FileRole::Rows(table) => Some(read_schema(&folder, table)?),
            _ => None,
        };
        // Index, partition and expression texts may contain any character; row files need it only where a value does.
        if matches!(role, FileRole::TableSchema(_)) || schema.as_ref().is_some_and(|schema| schema.needs_charset) {
            charset::declare_utf8(&path)?;
        }
        let (entry, rows) = read(&path, name, *role)?;
        if let (FileRole::Rows(table), Some(found), Some(schema)) = (role, rows, schema) {
            let fits = found
                .table_and_columns
                .as_ref()
                .is_none_or(|(into, columns)| *into == schema.table && *columns == schema.columns);
            if !fits {
                return Err(untrusted_file(&path, &RowFileError::WrongTable.to_string()));
            }
            counted.insert(*table, found.rows);
            longest = longest.max(found.longest_statement);
        }
        files.push(entry);
    }
    let tables = before.tables.iter();
    let manifest = Manifest {
        format: 1,
        run: place.run_id().to_owned(),
        source,
        databases: before.databases.clone(),
        tables: tables
            .map(|listed| TableEntry { listed: listed.clone(), rows: counted.get(listed).copied() })
            .collect(),
        files,
        left_out: NEVER_INCLUDED.map(str::to_owned).to_vec(),
        longest_statement: Some(longest),
    };
    publish(place, &manifest)?;
    Ok(manifest)
}

/// Checks every byte of a finished dump against its manifest.
///
/// # Errors
/// A file is truncated, missing, added or altered; the fault names it. With `Cause::Unknown`: the file cannot be read.
pub fn verify(folder: &Path) -> Result<Manifest, Fault> {
    let path = folder.join(MANIFEST_NAME);
    let text = std::fs::read(&path).map_err(|error| read_fault("Reading", &path, &error))?;
    let manifest: Manifest = serde_json::from_slice(&text)
        .map_err(|error| untrusted_file(&path, &format!("it is not a manifest: {error}")))?;
    if manifest.format != 1 {
        return Err(untrusted_file(&path, &format!("its format is {}, not 1", manifest.format)));
    }
    refuse_unexpected_files(folder, |name| {
        name == MANIFEST_NAME || manifest.files.iter().any(|file| file.name == name)
    })?;
    for file in &manifest.files {
        let path = folder.join(&file.name);
        if file.name.contains('/') {
            return Err(untrusted_file(&path, "the manifest names a file elsewhere"));
        }
        let found = hash(&path, &file.name, |_| Ok(()))?;
        if found.bytes != file.bytes {
            return Err(untrusted_file(&path, &format!("it has {} bytes, not {}", found.bytes, file.bytes)));
        }
        if found.sha256 != file.sha256 {
            return Err(untrusted_file(&path, "its content is not what was written"));
        }
    }
    Ok(manifest)
}

/// Refuses a dump during which tables were created or dropped: it would not be from one instant.
fn check_same_tables(before: &DumpContents, after: &DumpContents) -> Result<(), Fault> {
    if before == after {
        return Ok(());
    }
    let differs = |a: &DumpContents, b: &DumpContents| -> Option<String> {
        let table = a.tables.iter().find(|table| !b.tables.contains(table));
        let database = a.databases.iter().find(|database| !b.databases.contains(database));
        table.map(|table| format!("{}.{}", table.database, table.name)).or_else(|| database.cloned())
    };
    let which = differs(before, after).or_else(|| differs(after, before)).unwrap_or_else(|| "a table".to_owned());
    Err(Fault::new(
        Cause::Precondition,
        "The tables are not from one instant.",
        format!("{which} was created or dropped while the dump ran."),
        "Retry when no DDL runs.",
    ))
}

fn refuse_unexpected_files(folder: &Path, known: impl Fn(&str) -> bool) -> Result<(), Fault> {
    let entries = std::fs::read_dir(folder).map_err(|error| read_fault("Reading", folder, &error))?;
    for entry in entries {
        let name = entry.map_err(|error| read_fault("Reading", folder, &error))?.file_name();
        if !name.to_str().is_some_and(&known) {
            return Err(untrusted_file(&folder.join(name), "it does not belong to this dump"));
        }
    }
    Ok(())
}

/// Reads one file of a new dump to its end, checks it by its role, and syncs it to disk.
fn read(path: &Path, name: &str, role: FileRole<'_>) -> Result<(FileEntry, Option<RowFileSummary>), Fault> {
    let mut counter = RowCounter::default();
    let mut text = Vec::new();
    let is_rows = matches!(role, FileRole::Rows(_));
    let entry = hash(path, name, |piece| {
        if is_rows {
            return counter.feed(piece).map_err(|broken| untrusted_file(path, &broken.to_string()));
        }
        text.extend_from_slice(piece);
        if text.len() as u64 > MAX_SCHEMA_BYTES {
            Err(untrusted_file(path, "it is longer than any definition"))
        } else {
            Ok(())
        }
    })?;
    // Also where a late error of a network file system shows.
    File::open(path).and_then(|file| file.sync_all()).map_err(|error| read_fault("Writing", path, &error))?;
    let whole = match role {
        FileRole::Rows(_) => {
            let found = counter.finish().map_err(|broken| untrusted_file(path, &broken.to_string()))?;
            return Ok((entry, Some(found)));
        }
        FileRole::Metadata => text.split(|b| *b == b'\n').any(|line| line.starts_with(b"Finished dump at: ")),
        FileRole::Database(database) => schema::is_complete_database(&text, database),
        FileRole::TableSchema(table) => schema::parse_table(&text).is_some_and(|found| found.table == table.name),
        FileRole::StandIn(view) => schema::parse_table(&text).is_some_and(|found| found.table == view.name),
        FileRole::View(view) => schema::is_complete_view(&text, &view.name),
    };
    if whole { Ok((entry, None)) } else { Err(untrusted_file(path, "it is not one whole definition")) }
}

fn read_schema(folder: &Path, table: &ListedTable) -> Result<schema::TableSchema, Fault> {
    debug_assert_eq!(table.kind, TableKind::Table, "only tables have rows");
    let path = folder.join(format!("{}.{}-schema.sql", table.database, table.name));
    let text = std::fs::read(&path).map_err(|error| read_fault("Reading", &path, &error))?;
    schema::parse_table(&text).ok_or_else(|| untrusted_file(&path, "it is not one whole definition"))
}

/// Computes size and SHA-256 of a file, and passes each chunk to `each`.
fn hash(path: &Path, name: &str, mut each: impl FnMut(&[u8]) -> Result<(), Fault>) -> Result<FileEntry, Fault> {
    let failed = |error: &std::io::Error| read_fault("Reading", path, error);
    let mut file = File::open(path).map_err(|error| failed(&error))?;
    let mut piece = vec![0; 1 << 20];
    let mut hasher = Sha256::new();
    let mut bytes = 0;
    loop {
        let read = file.read(&mut piece).map_err(|error| failed(&error))?;
        if read == 0 {
            break;
        }
        bytes += read as u64;
        hasher.update(&piece[..read]);
        each(&piece[..read])?;
    }
    let sha256 = hasher.finalize().iter().fold(String::with_capacity(64), |mut text, byte| {
        use std::fmt::Write as _;
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    });
    Ok(FileEntry { name: name.to_owned(), bytes, sha256 })
}

/// Syncs the manifest, then the directory, and then renames the directory.
fn publish(place: &RunPaths, manifest: &Manifest) -> Result<(), Fault> {
    let (folder, finished) = (place.partial(), place.finished());
    let path = folder.join(MANIFEST_NAME);
    let written = || -> std::io::Result<()> {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
        serde_json::to_writer_pretty(&file, manifest)?;
        file.write_all(b"\n")?;
        file.sync_all()?;
        File::open(&folder)?.sync_all()
    };
    written().map_err(|error| read_fault("Writing", &path, &error))?;
    let renamed = || -> std::io::Result<()> {
        std::fs::rename(&folder, &finished)?;
        File::open(place.directory())?.sync_all()
    };
    renamed().map_err(|error| read_fault("Renaming to", &finished, &error))
}

/// Returns the fault of a file that cannot be read: a missing file makes the dump untrusted, any other error leaves it unknown.
pub(super) fn read_fault(doing: &str, path: &Path, error: &std::io::Error) -> Fault {
    if error.kind() == std::io::ErrorKind::NotFound {
        return untrusted_file(path, "it is missing");
    }
    Fault { cause: Cause::Unknown, ..super::io_fault(doing, path, error) }
}

fn untrusted_file(path: &Path, why: &str) -> Fault {
    Fault::new(
        Cause::Storage,
        format!("{} cannot be trusted.", path.display()),
        format!("Of this file: {why}."),
        "Do not restore from this dump; start a new backup.",
    )
}

#[cfg(test)]
#[path = "manifest_tests.rs"]
mod tests;
