//! The directory of all dumps: whether it can be written, and how much space is left in it.

use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;

use rustix::fs::{Access, access, statvfs};

use super::io_fault;
use crate::domain::fault::{Cause, Fault};

/// Says what will be written into; where the directory is missing, its nearest existing parent is looked at. Nothing is made
/// or written.
///
/// # Errors
/// It is no directory, or may not be written.
pub(super) fn look(folder: &Path) -> Result<String, Fault> {
    let found = folder.ancestors().find(|path| path.symlink_metadata().is_ok()).unwrap_or(folder);
    if !found.is_dir() {
        return Err(Fault::new(
            Cause::Storage,
            format!("{} cannot take a backup.", folder.display()),
            format!("{} is not a directory.", found.display()),
            "Choose another directory.",
        ));
    }
    access(found, Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK).map_err(|error| {
        Fault::new(
            Cause::Storage,
            format!("{} cannot take a backup.", folder.display()),
            format!("{} cannot be written: {}.", found.display(), std::io::Error::from(error)),
            "Let the user who runs obnow write there, or choose another directory.",
        )
    })?;
    let free = statvfs(found).map_or_else(
        |_| "free space not checked".to_owned(),
        |space| format!("{} free", bytesize::ByteSize::b(space.f_bavail.saturating_mul(space.f_frsize))),
    );
    Ok(if found == folder {
        format!("{} can be written, {free}", folder.display())
    } else {
        format!("{} will be made in {}, {free}", folder.display(), found.display())
    })
}

/// Makes it, for this user alone, where it is missing.
///
/// # Errors
/// The operating system refuses.
pub(super) fn make(folder: &Path) -> Result<(), Fault> {
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(|error| io_fault("Making", folder, &error))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_parent_answers_for_what_is_missing() {
        let folder = tempfile::tempdir().unwrap();
        assert!(look(folder.path()).unwrap().contains("can be written"));
        let below = folder.path().join("a/b");
        let said = look(&below).unwrap();
        assert!(said.contains("will be made in") && !below.exists(), "{said}");
        make(&below).unwrap();
        assert!(look(&below).unwrap().contains("can be written"));
        std::fs::write(folder.path().join("file"), "").unwrap();
        assert!(look(&folder.path().join("file/x")).unwrap_err().why.contains("is not a directory"));
    }
}
