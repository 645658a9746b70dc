//! The state directory: created private, and used only where no other user may write in it.

use std::path::Path;

use super::state_files;
use crate::domain::fault::Fault;

/// Its subdirectories.
const SUBDIRECTORIES: [&str; 3] = ["tasks", "locks", "reports"];

/// Creates the state directory with mode 0700 where it is missing.
///
/// # Errors
/// It cannot be created, or as [`check`].
pub fn ensure(state: &Path) -> Result<(), Fault> {
    state_files::directory(&resolved(state))?;
    check(state)
}

/// Checks that the state directory and each subdirectory belong to this user and are not writable by others. Missing directories
/// are accepted.
///
/// # Errors
/// One of them is not a directory, is a link, belongs to another user, or is writable by others.
pub fn check(state: &Path) -> Result<(), Fault> {
    state_files::check_directory(&resolved(state))?;
    for part in SUBDIRECTORIES {
        state_files::check_directory(&state.join(part))?;
    }
    Ok(())
}

/// Resolves the directory: the user may have replaced it by a link, whose target is what matters.
fn resolved(state: &Path) -> std::path::PathBuf {
    std::fs::canonicalize(state).unwrap_or_else(|_| state.to_path_buf())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops where its setup fails")]

    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn mode(path: &Path, mode: u32) {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn state_directory_must_be_private() {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("a/b");
        check(&state).unwrap();
        ensure(&state).unwrap();
        for path in [folder.path().join("a"), state.clone()] {
            assert_eq!(std::fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o700);
        }
        ensure(&state).unwrap();
        mode(&state, 0o770);
        for refused in [ensure(&state), check(&state)] {
            assert_eq!(refused.unwrap_err().next, format!("Run: chmod 700 {}", state.display()));
        }
        std::fs::remove_dir(&state).unwrap();
        std::fs::write(&state, "").unwrap();
        assert!(ensure(&state).unwrap_err().why.contains("a file, not a directory"));
    }

    #[test]
    fn subdirectories_are_checked_without_links() {
        let folder = tempfile::tempdir().unwrap();
        let (state, other) = (folder.path().join("state"), folder.path().join("other"));
        for path in [&state, &other] {
            ensure(path).unwrap();
        }
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(&state, &link).unwrap();
        ensure(&link).unwrap();
        for part in SUBDIRECTORIES {
            let path = state.join(part);
            std::os::unix::fs::symlink(&other, &path).unwrap();
            assert!(check(&link).unwrap_err().why.contains("a symbolic link"), "{part}");
            std::fs::remove_file(&path).unwrap();
            std::fs::create_dir(&path).unwrap();
            mode(&path, 0o777);
            assert!(check(&state).unwrap_err().next.starts_with("Run: chmod 700 "), "{part}");
            mode(&path, 0o700);
        }
        check(&state).unwrap();
    }
}
