//! Files that only their owner may read, and the ones only he may find.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

use zeroize::Zeroizing;

use crate::domain::fault::{Cause, Fault};
use crate::domain::private_file::{Complaint, Met};

/// What a file must be to be read.
struct Demand {
    /// The mode bits that it must not have, and what they would let others do.
    forbidden: (u32, &'static str),
    /// The mode that mends it.
    mode: &'static str,
    /// The largest that is read whole, in megabytes.
    megabytes: u64,
}

/// The file's bytes, or `Lost` where there is no file. `called` is what a person calls it ("The inventory").
///
/// # Errors
/// It is no ordinary file, others than its owner may touch it, it is larger than a megabyte, or it cannot be read.
pub(super) fn read(path: &Path, called: &str) -> Result<Option<Zeroizing<Vec<u8>>>, Fault> {
    demanding(path, called, &Demand { forbidden: (0o077, "touch"), mode: "600", megabytes: 1 })
}

/// The same for a file without secrets, which others may read but not write; up to 16 megabytes.
///
/// # Errors
/// As [`read`].
pub(super) fn read_open(path: &Path, called: &str) -> Result<Option<Zeroizing<Vec<u8>>>, Fault> {
    demanding(path, called, &Demand { forbidden: (0o022, "write"), mode: "go-w", megabytes: 16 })
}

fn demanding(path: &Path, called: &str, demand: &Demand) -> Result<Option<Zeroizing<Vec<u8>>>, Fault> {
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
    // Looked at before it is opened: opening a pipe would wait for a writer.
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
    let met = Met { owner: found.uid(), user: rustix::process::geteuid().as_raw(), mode: found.mode() };
    if let Some(Complaint { why, next }) = met.complaint(&shown.to_string(), demand.forbidden, demand.mode) {
        return Err(refused(why, next));
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(usize::try_from(found.len().min(largest)).unwrap_or(0) + 1));
    file.take(largest + 1).read_to_end(&mut bytes).map_err(|error| unreadable(&error))?;
    if bytes.len() as u64 > largest {
        return Err(refused(format!("It is larger than {} MB.", demand.megabytes), "Name the right file.".into()));
    }
    Ok(Some(bytes))
}

/// Writes a new file, 0600, to the disk; never an existing one.
///
/// # Errors
/// It exists already, or cannot be written.
pub(super) fn write_new(path: &Path, called: &str, text: &str) -> Result<(), Fault> {
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        directory(parent)?;
    }
    let written = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).and_then(|mut file| {
        let done = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
        if done.is_err() {
            // Half a file of ours would stand in the way of the next attempt.
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

/// Makes a directory and what is missing above it, each 0700; one that exists is left as it is.
///
/// # Errors
/// It cannot be made, or something else has its name.
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
