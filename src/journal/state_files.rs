//! Files of the state directory: private, appended to by complete lines, and synced to disk where that is promised.

use std::fs::{DirBuilder, File, Metadata, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, FileExt, FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::OFlags;
use rustix::io::Errno;

use crate::domain::fault::{Cause, Fault};
use crate::domain::private_file::{FileMetadata, PermissionProblem};

/// The largest file that is read, in bytes; the journal of a backup has a few hundred kilobytes.
pub(super) const MAX_FILE_BYTES: u64 = 256 << 20;

/// A file that exists and must not be used.
#[derive(Debug)]
struct UnusableFile(PermissionProblem);

impl std::fmt::Display for UnusableFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0.why)
    }
}

impl std::error::Error for UnusableFile {}

fn unusable(why: impl Into<String>, next: impl Into<String>) -> std::io::Error {
    std::io::Error::other(UnusableFile(PermissionProblem { why: why.into(), next: next.into() }))
}

/// Returns the fault of a file that could not be used; `doing` completes "obnow cannot .. PATH".
pub(super) fn fault(doing: &str, path: &Path, error: &std::io::Error) -> Fault {
    if let Some(UnusableFile(PermissionProblem { why, next })) = error.get_ref().and_then(|inner| inner.downcast_ref())
    {
        return Fault::new(Cause::Internal, format!("obnow cannot {doing} {}.", path.display()), why, next);
    }
    let next = match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "Free some space there, or name another place by --state.",
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            "Check who owns it, or name another place by --state."
        }
        _ => "Check the disk it is on, or name another place by --state.",
    };
    Fault::new(
        Cause::Internal,
        format!("obnow cannot {doing} {}.", path.display()),
        format!("The system says: {error}."),
        next,
    )
}

/// Creates a directory and its missing parents, each with mode 0700, and syncs its name to disk.
///
/// # Errors
/// It cannot be created; or it exists and is a link, belongs to another user, or is writable by others.
pub(super) fn directory(path: &Path) -> Result<(), Fault> {
    if check_directory(path)? {
        return Ok(());
    }
    let made = DirBuilder::new().recursive(true).mode(0o700).create(path).and_then(|()| sync_parent(path));
    made.map_err(|error| fault("make the directory", path, &error))
}

/// Returns whether a directory exists, and checks that it is private.
///
/// # Errors
/// It is a link, belongs to another user, or is writable by others.
pub(super) fn check_directory(path: &Path) -> Result<bool, Fault> {
    let found = match std::fs::symlink_metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(fault("use the directory", path, &error)),
    };
    let checked = if found.is_dir() {
        check_private(path, &found, "write in", "700")
    } else {
        Err(wrong_kind_error(&found, true))
    };
    checked.map(|()| true).map_err(|error| fault("use the directory", path, &error))
}

/// Returns the error of a path that is not a file, or not a directory.
fn wrong_kind_error(found: &Metadata, wanted_directory: bool) -> std::io::Error {
    let kind = found.file_type();
    let what = if kind.is_symlink() {
        "a symbolic link"
    } else if kind.is_fifo() {
        "a FIFO"
    } else if kind.is_dir() {
        "a directory"
    } else if kind.is_file() {
        "a file"
    } else {
        "a device or a socket"
    };
    let wanted = if wanted_directory { "a directory" } else { "an ordinary file" };
    unusable(format!("It is {what}, not {wanted}."), "Find out who put it there, and move it away.")
}

/// Refuses a file or directory that belongs to another user or is writable by others.
fn check_private(path: &Path, found: &Metadata, does: &str, mode: &str) -> std::io::Result<()> {
    let met = FileMetadata { owner: found.uid(), user: rustix::process::geteuid().as_raw(), mode: found.mode() };
    match met.permission_problem(&path.display().to_string(), (0o022, does), mode) {
        Some(PermissionProblem { why, next }) => Err(unusable(why, next)),
        None => Ok(()),
    }
}

/// Opens a private file; never blocks, whatever has that name.
///
/// # Errors
/// It cannot be opened, is not a regular file, belongs to another user, or is writable by others.
pub(super) fn open(path: &Path, options: &OpenOptions) -> std::io::Result<File> {
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits();
    let opened = options.clone().custom_flags(flags.cast_signed()).open(path);
    let file = opened.map_err(|error| match error.raw_os_error().map(Errno::from_raw_os_error) {
        // A link, a FIFO without a reader, or a directory opened for writing.
        Some(Errno::LOOP | Errno::NXIO | Errno::ISDIR) => match std::fs::symlink_metadata(path) {
            Ok(found) if !found.is_file() => wrong_kind_error(&found, false),
            _ => error,
        },
        _ => error,
    })?;
    let found = file.metadata()?;
    if !found.is_file() {
        return Err(wrong_kind_error(&found, false));
    }
    check_private(path, &found, "write", "600")?;
    Ok(file)
}

/// Opens a private file for reading.
pub(super) fn open_to_read(path: &Path) -> std::io::Result<File> {
    open(path, OpenOptions::new().read(true))
}

/// Reads a small private file, at most 64 KiB.
pub(super) fn read_small(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open_to_read(path)?.take(64 << 10).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Opens a small private file for writing; creates it with mode 0600 where it is missing.
pub(super) fn open_to_write(path: &Path) -> std::io::Result<File> {
    open(path, OpenOptions::new().write(true).create(true).truncate(false).mode(0o600))
}

/// Syncs the name of a file to disk.
pub(super) fn sync_parent(path: &Path) -> std::io::Result<()> {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => File::open(parent)?.sync_all(),
        _ => File::open(".")?.sync_all(),
    }
}

/// Returns the options to append to a private file (mode 0600).
pub(super) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).append(true).mode(0o600);
    options
}

/// Appends one line, which ends in a newline, with one write. A partial line on a full disk is removed again.
pub(super) fn append_line(file: &mut File, line: &[u8]) -> std::io::Result<()> {
    let before = file.metadata()?.len();
    let written = loop {
        match file.write(line) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            other => break other,
        }
    };
    match written {
        Ok(count) if count == line.len() => Ok(()),
        Ok(_) => {
            file.set_len(before)?;
            Err(ErrorKind::StorageFull.into())
        }
        Err(error) => Err(error),
    }
}

/// Appends a line to a file that several processes append to without a lock, and syncs it. A partial line of a killed process is
/// terminated first, so that it never becomes part of this line.
pub(super) fn append_shared(path: &Path, line: &[u8]) -> std::io::Result<()> {
    let fresh = !path.exists();
    let mut file = open(path, private().create(true))?;
    let length = file.metadata()?.len();
    let mut last = [b'\n'];
    if length > 0 {
        file.read_exact_at(&mut last, length - 1)?;
    }
    let mut whole = Vec::with_capacity(line.len() + 2);
    if last != [b'\n'] {
        whole.push(b'\n');
    }
    whole.extend_from_slice(line);
    whole.push(b'\n');
    // One write, and a partial one is not removed: others may have appended meanwhile.
    let count = file.write(&whole)?;
    if count != whole.len() {
        return Err(ErrorKind::StorageFull.into());
    }
    file.sync_data()?;
    if fresh { sync_parent(path) } else { Ok(()) }
}

/// Replaces a file atomically.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    let new = Path::new(&name);
    let mut file = open_to_write(new)?;
    file.set_len(0)?;
    file.write_all(bytes)?;
    file.sync_data()?;
    std::fs::rename(new, path)
}
