//! The directories of V4 destinations, and the format file by which a server recognizes its own (V4.3.1 source,
//! `ob_backup_store.cpp`).
//!
//! A `file://` path below the fleet's `data/` is on this host, so its directory and format file are real: a storage test on this
//! host finds them. Any other path is not on this host, and only recorded.

use std::fs;
use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::alter::server_error;
use super::fleet::{Fleet, RegisteredDest};
use super::statement::ServerError;

mod format;

pub use format::Claimant;

const NO_FORMAT_FILE: (u16, &str) = (9080, "format file does not exist, try to set a new directory.");
const OTHER_FORMAT_FILE: (u16, &str) = (9081, "format file does not match, try to set a new directory.");

/// Whose a directory is, as its format file says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DirectoryOwner {
    /// `backup_data` or `archive_log`.
    pub dest_type: String,
    /// The cluster's id.
    pub cluster_id: i64,
    /// The tenant's id.
    pub tenant_id: i64,
    /// `DEST_ID`; 0 below V4, which has none.
    pub dest_id: i64,
}

impl DirectoryOwner {
    /// The `dest_type` of a log archive.
    pub const ARCHIVE: &'static str = "archive_log";
}

/// The content of a directory.
enum DirectoryContent {
    /// Nothing, or the directory does not exist.
    Empty,
    /// Files, but no format file.
    Foreign,
    /// A format file with this owner; `None` if it cannot be parsed.
    Owned(Option<DirectoryOwner>),
}

/// Returns the path on this host; `None` if it is not below the fleet's data directory.
#[must_use]
pub fn local_path(data: &Path, path: &str) -> Option<PathBuf> {
    let path = PathBuf::from(path.strip_prefix("file://")?);
    let climbs = path.components().any(|part| part == Component::ParentDir);
    (path.starts_with(data) && !climbs).then_some(path)
}

fn inspect_directory(folder: &Path) -> DirectoryContent {
    match fs::read(folder.join(format::FILE_NAME)) {
        Ok(file) => DirectoryContent::Owned(format::decode(&file)),
        Err(_) if fs::read_dir(folder).is_ok_and(|mut files| files.next().is_some()) => DirectoryContent::Foreign,
        Err(_) => DirectoryContent::Empty,
    }
}

/// Checks the format file at the start of a job or an archive round: an empty directory is not mounted, or was emptied.
///
/// # Errors
/// The code as the source has it, negative, and its text.
pub fn check_directory(cluster_id: i64, tenant_id: i64, known: &RegisteredDest) -> Result<(), (i64, &'static str)> {
    let Some(folder) = &known.dest.folder else { return Ok(()) };
    let (dest_type, dest_id) = (known.dest_type.clone(), known.dest.dest_id);
    let own = DirectoryOwner { dest_type, cluster_id, tenant_id, dest_id };
    let (code, text) = match inspect_directory(folder) {
        DirectoryContent::Owned(Some(owner)) if owner == own => return Ok(()),
        DirectoryContent::Owned(_) => OTHER_FORMAT_FILE,
        DirectoryContent::Empty | DirectoryContent::Foreign => NO_FORMAT_FILE,
    };
    Err((-i64::from(code), text))
}

/// Whose a directory is, as its format file says.
///
/// # Errors
/// Returns 9080 without a readable format file.
pub fn directory_owner(fleet: &Fleet, folder: Option<&Path>, path_column: &str) -> Result<DirectoryOwner, ServerError> {
    let owner = match folder.map(inspect_directory) {
        Some(DirectoryContent::Owned(owner)) => owner,
        Some(DirectoryContent::Empty | DirectoryContent::Foreign) => None,
        None => fleet.directory_owners.get(path_column).cloned(),
    };
    owner.ok_or_else(|| server_error(NO_FORMAT_FILE.0, NO_FORMAT_FILE.1))
}

/// Claims a directory for a destination that is being set; returns true if its format file had to be written, so that the
/// destination is a new one. `own` is the tenant's registered owner with its `DEST_ID`, `new` the owner with the next `DEST_ID`,
/// `by` the claimant.
///
/// # Errors
/// 9071, 9080, 9081.
pub fn claim_directory(
    fleet: &mut Fleet,
    folder: Option<&Path>,
    path_column: &str,
    own: Option<&DirectoryOwner>,
    new: &DirectoryOwner,
    by: &Claimant<'_>,
) -> Result<bool, ServerError> {
    let refused = |(code, text): (u16, &str)| server_error(code, text);
    let Some(folder) = folder else {
        return match fleet.directory_owners.get(path_column) {
            Some(owner) if own == Some(owner) => Ok(false),
            Some(_) => Err(refused(OTHER_FORMAT_FILE)),
            None => {
                fleet.directory_owners.insert(path_column.to_owned(), new.clone());
                Ok(true)
            }
        };
    };
    let failed = |error: std::io::Error| server_error(9071, format!("no I/O operation permission: {error}"));
    match inspect_directory(folder) {
        DirectoryContent::Owned(owner) if owner.is_some() && owner.as_ref() == own => Ok(false),
        DirectoryContent::Owned(_) => Err(refused(OTHER_FORMAT_FILE)),
        DirectoryContent::Foreign => Err(refused(NO_FORMAT_FILE)),
        DirectoryContent::Empty => {
            fs::create_dir_all(folder).map_err(failed)?;
            fs::write(folder.join(format::FILE_NAME), format::encode(new, by, path_column)).map_err(failed)?;
            Ok(true)
        }
    }
}
