//! Files that only their owner may read, and directories that only their owner may enter.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

use zeroize::Zeroizing;

use crate::domain::fault::{Cause, Fault};
use crate::domain::private_file::{FileMetadata, PermissionProblem};

/// What is required of a file that is read.
struct PermissionRule {
    /// The mode bits that it must not have, and what others could do with them.
    forbidden: (u32, &'static str),
    /// The argument of `chmod` that repairs the mode.
    mode: &'static str,
    /// The largest size that is read, in MiB.
    megabytes: u64,
}

/// Reads the file; None where there is no file. `called` is its name in messages ("The inventory").
///
/// # Errors
/// It is not an ordinary file, it belongs to another user than this process's or root, others may touch it, it is larger than
/// 1 MiB, or it cannot be read.
pub(super) fn read(path: &Path, called: &str) -> Result<Option<Zeroizing<Vec<u8>>>, Fault> {
    demanding(path, called, &PermissionRule { forbidden: (0o077, "touch"), mode: "600", megabytes: 1 })
}

/// Reads a file without secrets, which others may read but not write, of at most 16 MiB.
///
/// # Errors
/// As [`read`].
pub(super) fn read_open(path: &Path, called: &str) -> Result<Option<Zeroizing<Vec<u8>>>, Fault> {
    demanding(path, called, &PermissionRule { forbidden: (0o022, "write"), mode: "go-w", megabytes: 16 })
}

fn demanding(path: &Path, called: &str, demand: &PermissionRule) -> Result<Option<Zeroizing<Vec<u8>>>, Fault> {
    let largest = demand.megabytes << 20;
    let shown = path.display();
    let unreadable = |error: &std::io::Error| {
        Fault::new(
            Cause::Usage,
            format!("{called} {shown} cannot be read."),
            format!("The system says: {error}."),
            "Check the path and who owns it.",
        )
    };
    // The type is checked before the file is opened: opening a pipe would wait for a writer.
    let kind = match std::fs::metadata(path) {
        Ok(found) => found.file_type(),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable(&error)),
    };
    let refused =
        |why: String, next: String| Fault::new(Cause::Usage, format!("{called} {shown} is not used."), why, next);
    if !kind.is_file() {
        return Err(refused("It is not an ordinary file.".into(), "Name an ordinary file.".into()));
    }
    let file = File::open(path).map_err(|error| unreadable(&error))?;
    let found = file.metadata().map_err(|error| unreadable(&error))?;
    let met = FileMetadata { owner: found.uid(), user: rustix::process::geteuid().as_raw(), mode: found.mode() };
    if let Some(PermissionProblem { why, next }) =
        met.permission_problem(&shown.to_string(), demand.forbidden, demand.mode)
    {
        return Err(refused(why, next));
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(usize::try_from(found.len().min(largest)).unwrap_or(0) + 1));
    file.take(largest + 1).read_to_end(&mut bytes).map_err(|error| unreadable(&error))?;
    if bytes.len() as u64 > largest {
        return Err(refused(format!("It is larger than {} MB.", demand.megabytes), "Name the right file.".into()));
    }
    Ok(Some(bytes))
}

/// Writes a new file, with mode 0600, and syncs it; an existing one is never overwritten.
///
/// # Errors
/// The file exists already, or cannot be written.
pub(super) fn write_new(path: &Path, called: &str, text: &str) -> Result<(), Fault> {
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        directory(parent)?;
    }
    let written = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).and_then(|mut file| {
        let done = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
        if done.is_err() {
            // An incomplete file would prevent the next attempt.
            let _ = std::fs::remove_file(path);
        }
        done
    });
    written.map_err(|error| {
        let (why, next) = if error.kind() == ErrorKind::AlreadyExists {
            ("A file of that name exists, and is never overwritten.".to_owned(), "Edit it, or move it away first.")
        } else {
            (format!("The system says: {error}."), "Check the directory and who owns it.")
        };
        Fault::new(Cause::Usage, format!("{called} {} was not written.", path.display()), why, next)
    })
}

/// Creates a directory and its missing parents, each with mode 0700; an existing one is left as it is.
///
/// # Errors
/// It cannot be created, or a file has its name.
pub(super) fn directory(path: &Path) -> Result<(), Fault> {
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|error| {
        Fault::new(
            Cause::Usage,
            format!("The directory {} cannot be made.", path.display()),
            format!("The system says: {error}."),
            "Check the path and who owns it, or name another by --config or --state.",
        )
    })
}
