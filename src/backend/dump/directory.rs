//! The directory of all dumps: whether it exists and can be written, its free space, and the size of the last dump.

use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rustix::fs::{Access, access, statvfs};

use super::io_fault;
use super::manifest::{MANIFEST_NAME, Manifest};
use crate::domain::dump::{DumpDirectoryFacts, DumpDirectoryState};
use crate::domain::fault::{Cause, Fault};
use crate::domain::format::size;

/// The most directory entries that are searched for the last dump.
const MAX_ENTRIES: usize = 10_000;

/// The most manifests that are read for the last dump of one target, newest first.
const MAX_MANIFESTS: usize = 20;

/// Inspects a directory of dumps and the newest dump of this target in it; where the directory is missing, its nearest existing
/// parent. Creates and writes nothing. May block for ever on a storage that does not answer.
#[must_use]
pub fn inspect(folder: &Path, target: &str) -> DumpDirectoryFacts {
    let found = nearest_existing(folder);
    let state = match check_writable(folder, found) {
        Err(fault) => DumpDirectoryState::Unfit(fault),
        Ok(()) if found != folder => DumpDirectoryState::Missing { above: found.display().to_string() },
        Ok(()) => {
            DumpDirectoryState::There { empty: std::fs::read_dir(found).is_ok_and(|mut all| all.next().is_none()) }
        }
    };
    let device = |path: &Path| std::fs::metadata(path).map(|data| data.dev()).ok();
    DumpDirectoryFacts {
        path: folder.display().to_string(),
        state,
        on_root: device(found).is_some_and(|found| device(Path::new("/")) == Some(found)),
        free: free(found),
        last: last(folder, target),
    }
}

/// Returns the directory, or the nearest existing one above it.
fn nearest_existing(folder: &Path) -> &Path {
    folder.ancestors().find(|path| path.symlink_metadata().is_ok()).unwrap_or(folder)
}

fn check_writable(folder: &Path, found: &Path) -> Result<(), Fault> {
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
    })
}

fn free(found: &Path) -> Option<u64> {
    statvfs(found).ok().map(|space| space.f_bavail.saturating_mul(space.f_frsize))
}

/// Returns the size in bytes of the newest dump of a target in a directory, or of one that was uploaded from there.
fn last(folder: &Path, target: &str) -> Option<u64> {
    let entries = std::fs::read_dir(folder).ok()?.take(MAX_ENTRIES).filter_map(Result::ok);
    let manifests = entries.flat_map(|entry| {
        let path = entry.path();
        let name = entry.file_name();
        let own = name.to_str().is_some_and(|name| name.ends_with(".uploaded.json")).then(|| path.clone());
        // With a directory for each run the dump is one level deeper.
        own.into_iter().chain([path.join(MANIFEST_NAME), path.join(&name).join(MANIFEST_NAME)])
    });
    let mut dated: Vec<(SystemTime, PathBuf)> =
        manifests.filter_map(|path| Some((path.metadata().ok()?.modified().ok()?, path))).collect();
    dated.sort_by(|a, b| b.cmp(a));
    let read = |path: &PathBuf| serde_json::from_slice::<Manifest>(&std::fs::read(path).ok()?).ok();
    let mut newest = dated.iter().take(MAX_MANIFESTS).filter_map(|(_, path)| read(path));
    newest.find(|manifest| manifest.source.target == target).map(|manifest| manifest.bytes())
}

/// Checks the directory to write into and describes it; where it is missing, checks its nearest existing parent. Creates and
/// writes nothing.
///
/// # Errors
/// It is not a directory, or cannot be written.
pub(super) fn check_directory(folder: &Path) -> Result<String, Fault> {
    let found = nearest_existing(folder);
    check_writable(folder, found)?;
    let free = free(found).map_or_else(|| "free space not checked".to_owned(), |bytes| format!("{} free", size(bytes)));
    Ok(if found == folder {
        format!("{} can be written, {free}", folder.display())
    } else {
        format!("{} will be made in {}, {free}", folder.display(), found.display())
    })
}

/// Refuses a directory that existed when the backup was confirmed and is missing now.
///
/// # Errors
/// That.
pub(super) fn check_still_exists(base: &Path) -> Result<(), Fault> {
    if base.is_dir() {
        return Ok(());
    }
    Err(Fault::new(
        Cause::Storage,
        format!("{} is missing.", base.display()),
        "It was there when this backup was confirmed: perhaps its storage is not mounted any more.",
        "Mount it, then retry; obnow makes no directory that nobody confirmed.",
    ))
}

/// Creates the directory with mode 0700 where it is missing.
///
/// # Errors
/// The operating system refuses.
pub(super) fn create_directory(folder: &Path) -> Result<(), Fault> {
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
    fn inspect_reports_state_and_last_dump() {
        let folder = tempfile::tempdir().unwrap();
        let here = folder.path().join("dumps");
        let missing = inspect(&here, "lab");
        assert!(missing.is_missing() && !here.exists() && missing.last.is_none(), "{missing:?}");
        std::fs::create_dir(&here).unwrap();
        assert_eq!(inspect(&here, "lab").state, DumpDirectoryState::There { empty: true });
        let write = |run: &str, name: &str, target: &str, bytes: u64, seconds: u64| {
            let path = here.join(run).join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            let instant = r#"{"not_before":"2026-11-20T00:00:00Z","not_after":"2026-11-20T00:00:00Z"}"#;
            let file = format!(r#"{{"name":"metadata","bytes":{bytes},"sha256":"00"}}"#);
            let text = format!(
                r#"{{"format":1,"run":"t.1","source":{{"target":"{target}","server":"s","release":"r","instant":{instant}}},
                "databases":[],"tables":[],"files":[{file}],"left_out":[]}}"#
            );
            std::fs::write(&path, text).unwrap();
            let at = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(seconds);
            std::fs::File::options().write(true).open(&path).unwrap().set_modified(at).unwrap();
        };
        write("t1.1", MANIFEST_NAME, "lab", 10, 100);
        write("t2.1/t2.1", MANIFEST_NAME, "lab", 20, 200);
        write("", "t3.1.uploaded.json", "other", 30, 300);
        let seen = inspect(&here, "lab");
        assert_eq!((seen.last, seen.state), (Some(20), DumpDirectoryState::There { empty: false }));
        assert_eq!(inspect(&here, "other").last, Some(30));
        assert!(seen.free.is_some());
        std::fs::write(folder.path().join("file"), "").unwrap();
        assert!(matches!(inspect(&folder.path().join("file/x"), "lab").state, DumpDirectoryState::Unfit(_)));
        assert!(inspect(Path::new("/"), "lab").on_root && !inspect(Path::new("/proc"), "lab").on_root);
        assert!(check_still_exists(&here).is_ok());
        assert!(check_still_exists(&folder.path().join("gone")).unwrap_err().why.contains("not mounted"));
    }

    #[test]
    fn missing_directory_is_checked_by_its_parent() {
        let folder = tempfile::tempdir().unwrap();
        assert!(check_directory(folder.path()).unwrap().contains("can be written"));
        let below = folder.path().join("a/b");
        let said = check_directory(&below).unwrap();
        assert!(said.contains("will be made in") && !below.exists(), "{said}");
        create_directory(&below).unwrap();
        assert!(check_directory(&below).unwrap().contains("can be written"));
        std::fs::write(folder.path().join("file"), "").unwrap();
        assert!(check_directory(&folder.path().join("file/x")).unwrap_err().why.contains("is not a directory"));
    }
}
