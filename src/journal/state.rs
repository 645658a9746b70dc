//! The state directory as a whole: made private, and used only where nobody else may put anything into it.

use std::path::Path;

use super::disk;
use crate::domain::fault::Fault;

/// The directories in it.
const PARTS: [&str; 3] = ["tasks", "locks", "reports"];

/// Makes the state directory, 0700, where it is missing.
///
/// # Errors
/// It cannot be made, or as [`check`].
pub fn ensure(state: &Path) -> Result<(), Fault> {
    disk::directory(&real(state))?;
    check(state)
}

/// Whether the state directory, and each directory in it, is one of this user that others may not write in. What is not there
/// is in order.
///
/// # Errors
/// One of them is no directory, a link, another user's, or one that others may write in.
pub fn check(state: &Path) -> Result<(), Fault> {
    disk::check_directory(&real(state))?;
    for part in PARTS {
        disk::check_directory(&state.join(part))?;
    }
    Ok(())
}

/// The directory itself: a person may have put a link in its place, and what matters is where that leads.
fn real(state: &Path) -> std::path::PathBuf {
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
    fn the_state_directory_is_made_private_and_refused_when_others_may_write() {
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
    fn each_directory_in_it_is_checked_and_a_link_is_followed_only_to_the_whole() {
        let folder = tempfile::tempdir().unwrap();
        let (state, other) = (folder.path().join("state"), folder.path().join("other"));
        for path in [&state, &other] {
            ensure(path).unwrap();
        }
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(&state, &link).unwrap();
        ensure(&link).unwrap();
        for part in PARTS {
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
