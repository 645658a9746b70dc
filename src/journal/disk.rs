//! Files of the state directory: private, appended to by whole lines, and on the disk when that is promised.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::Path;

use crate::domain::fault::{Cause, Fault};

/// The fault of a file that could not be used; `doing` completes "obnow cannot .. PATH".
pub(super) fn fault(doing: &str, path: &Path, error: &std::io::Error) -> Fault {
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

/// Makes a directory and what is missing above it, each 0700, and puts its name on the disk.
pub(super) fn directory(path: &Path) -> Result<(), Fault> {
    if path.is_dir() {
        return Ok(());
    }
    let made = DirBuilder::new().recursive(true).mode(0o700).create(path).and_then(|()| sync_parent(path));
    made.map_err(|error| fault("make the directory", path, &error))
}

/// Puts the name of a file on the disk.
pub(super) fn sync_parent(path: &Path) -> std::io::Result<()> {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => File::open(parent)?.sync_all(),
        _ => File::open(".")?.sync_all(),
    }
}

/// The way our files are opened by whoever writes them.
pub(super) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).append(true).mode(0o600);
    options
}

/// Appends one line, which ends in a newline, by one write. What a full disk left of it is taken back.
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

/// Appends a line to a file that several processes append to without a lock, and puts it on the disk. Half a line
/// that a killed one left is closed first, so that it never becomes part of ours.
pub(super) fn append_shared(path: &Path, line: &[u8]) -> std::io::Result<()> {
    let fresh = !path.exists();
    let mut file = private().create(true).open(path)?;
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
    // One write, and no taking back: others may have appended meanwhile.
    let count = file.write(&whole)?;
    if count != whole.len() {
        return Err(ErrorKind::StorageFull.into());
    }
    file.sync_data()?;
    if fresh { sync_parent(path) } else { Ok(()) }
}

/// Replaces a file by a whole new one.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    let new = Path::new(&name);
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(new)?;
    file.write_all(bytes)?;
    file.sync_data()?;
    std::fs::rename(new, path)
}
