//! Finds `mydumper` and knows how each tested release is used. An untested release is refused by name.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::process::Command;

use crate::child::{self, Bounds, ChildError};
use crate::domain::diagnosis::foreign;
use crate::domain::fault::{Cause, Fault};

/// Time a program may take to print its version.
const VERSION_TIMEOUT: Duration = Duration::from_secs(10);

/// The most bytes of its output that are read.
const MAX_VERSION_BYTES: u64 = 4_096;

/// The most characters of its output that a message repeats.
const MAX_SHOWN: usize = 100;

/// A release that was tested against a real server, with writers running and a restore compared.
#[derive(Debug, PartialEq, Eq)]
pub struct Release {
    /// As `mydumper --version` prints it.
    pub version: &'static str,
    /// Options that make all tables one instant and keep the files provable.
    pub options: &'static [&'static str],
    /// True when it was tested over TLS.
    pub tested_with_tls: bool,
}

/// The tested releases.
///
/// 0.10.0 (the package `mydumper` 0.10.1 of Debian 12): by default it sends `FLUSH TABLES WITH READ LOCK`, a syntax error;
/// several threads without locks have several snapshots; one thread has one, taken at its first read of a table.
/// `--complete-insert`: without it the last row of a table with generated columns may lose its column list.
/// `--build-empty-files`: an empty table has a file, so that a missing file is never taken for one.
pub const RELEASES: &[Release] = &[Release {
    version: "0.10.0",
    options: &["--threads=1", "--no-locks", "--complete-insert", "--build-empty-files", "--verbose=3"],
    tested_with_tls: false,
}];

/// The dump program of this host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tool {
    /// Path of the program.
    pub path: PathBuf,
    /// The tested release, with its options.
    pub release: &'static Release,
}

/// `mydumper 0.10.0`.
impl std::fmt::Display for Tool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "mydumper {}", self.release.version)
    }
}

/// Finds `mydumper`: the one that the inventory names, else the first on `search` (the value of PATH).
///
/// # Errors
/// It is absent.
pub fn find_program(named: Option<&Path>, search: &OsStr) -> Result<PathBuf, Fault> {
    match named {
        Some(path) if path.is_file() => Ok(path.to_path_buf()),
        Some(path) => {
            Err(not_installed(&format!("The inventory names {}, and there is no such file.", path.display())))
        }
        None => std::env::split_paths(search)
            .filter(|folder| folder.is_absolute())
            .map(|folder| folder.join("mydumper"))
            .find(|file| file.is_file())
            .ok_or_else(|| not_installed("There is no mydumper on PATH.")),
    }
}

/// Runs a program with `--version` and returns it with its release.
///
/// # Errors
/// It cannot be run, or its release was not tested.
pub async fn identify_tool(path: PathBuf) -> Result<Tool, Fault> {
    let release = parse_release(&read_version(&path, VERSION_TIMEOUT).await?)?;
    Ok(Tool { path, release })
}

/// Returns what a program prints for `--version`, up to [`MAX_VERSION_BYTES`] bytes.
async fn read_version(path: &Path, within: Duration) -> Result<String, Fault> {
    let mut command = Command::new(path);
    command.arg("--version").env_clear();
    match child::ask(command, b"", Bounds { within, most: MAX_VERSION_BYTES }).await {
        Ok(said) => Ok(said.out),
        Err(ChildError::NotStarted(error) | ChildError::Io(error)) => {
            Err(not_installed(&format!("{} cannot be run: {error}.", path.display())))
        }
        Err(ChildError::TimedOut(_)) => Err(Fault::new(
            Cause::Precondition,
            "The backup service does not say which release it is.",
            format!("`{} --version` did not end within {} s.", path.display(), within.as_secs()),
            "Run it by hand; name the right program as `mydumper:` of the cluster in the inventory.",
        )),
    }
}

/// Parses the first line of `mydumper --version`: `mydumper [v]VERSION, built against ...`.
///
/// # Errors
/// It is not the output of mydumper, or the release was not tested.
pub fn parse_release(said: &str) -> Result<&'static Release, Fault> {
    let line: String = foreign(said.lines().next().unwrap_or_default().trim()).chars().take(MAX_SHOWN).collect();
    let Some(version) = line.strip_prefix("mydumper ").and_then(|rest| rest.split([',', ' ']).next()) else {
        return Err(Fault::new(
            Cause::Precondition,
            "The backup service does not say which release it is.",
            format!("`mydumper --version` printed \"{line}\"."),
            "Name the right program as `mydumper:` of the cluster in the inventory.",
        ));
    };
    let version = version.strip_prefix('v').unwrap_or(version);
    RELEASES.iter().find(|release| release.version == version).ok_or_else(|| {
        let tried = RELEASES.iter().map(|release| release.version).collect::<Vec<_>>().join(", ");
        Fault::new(
            Cause::Precondition,
            format!("mydumper {version} is not used for backups."),
            format!("Nobody tried whether its dump is one instant; tried: {tried}."),
            "Install a tried release, and name it as `mydumper:` of the cluster in the inventory.",
        )
    })
}

fn not_installed(why: &str) -> Fault {
    Fault::new(
        Cause::Precondition,
        "The backup service is not installed.",
        why,
        "Install it on this host (Debian, Ubuntu: apt-get install mydumper; others: dnf install mydumper), or name it as \
         `mydumper:` of the cluster in the inventory, then check again.",
    )
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn tested_release_is_parsed() {
        for said in ["mydumper 0.10.0, built against MySQL 10.11.14\n", "mydumper v0.10.0, built\n", "mydumper 0.10.0"]
        {
            assert_eq!(parse_release(said).unwrap().version, "0.10.0");
        }
    }

    #[test]
    fn every_release_dumps_with_one_thread() {
        assert!(RELEASES.iter().all(|release| release.options.contains(&"--threads=1")));
    }

    /// A program that prints and does what this shell script says.
    fn program(folder: &Path, script: &str) -> PathBuf {
        use std::os::unix::fs::PermissionsExt;
        let path = folder.join("mydumper");
        std::fs::write(&path, format!("#!/bin/sh\n[ \"$1\" = --version ] || exit 0\n{script}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        // A child that another test starts has the file open for writing until its exec, and until then it cannot be run.
        while std::process::Command::new(&path)
            .status()
            .is_err_and(|error| error.kind() == std::io::ErrorKind::ExecutableFileBusy)
        {}
        path
    }

    #[tokio::test]
    async fn version_output_is_bounded_and_cleaned() {
        let folder = tempfile::tempdir().unwrap();
        let usual = Duration::from_mins(1);
        let endless = read_version(&program(folder.path(), "PATH=/bin:/usr/bin; yes mydumper"), usual).await.unwrap();
        assert!(endless.len() <= 4_096, "{}", endless.len());
        let silent = program(folder.path(), "exec /bin/sleep 1000");
        let fault = read_version(&silent, Duration::from_millis(50)).await.unwrap_err();
        assert!(fault.why.contains("did not end within"), "{fault}");
        let fault = parse_release("mydumper 0.10.0\u{1b}[31m\u{1b}]52;c;aGFj\u{7}X, built\n").unwrap_err();
        assert_eq!(fault.what, "mydumper 0.10.0X is not used for backups.");
        let long = parse_release(&"x".repeat(10_000_000)).unwrap_err();
        assert!(long.why.len() < 200, "{}", long.why.len());
    }

    #[test]
    fn untested_release_is_refused() {
        let fault = parse_release("mydumper v0.21.4-1, built against MySQL 8.0.43 with SSL support\n").unwrap_err();
        assert!(fault.what.contains("0.21.4-1") && fault.why.contains("0.10.0"), "{fault}");
        assert!(parse_release("GNU tar 1.34").unwrap_err().why.contains("GNU tar"));
        assert!(parse_release("").is_err());
    }

    #[test]
    fn missing_tool_says_how_to_install_it() {
        let folder = tempfile::tempdir().unwrap();
        let fault = find_program(None, folder.path().as_os_str()).unwrap_err();
        assert!(fault.next.contains("apt-get install mydumper"), "{fault}");
        let fault = find_program(Some(&folder.path().join("no")), OsStr::new("")).unwrap_err();
        assert!(fault.why.contains("The inventory names"), "{fault}");
    }
}
