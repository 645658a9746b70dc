//! The paths of one run of a logical backup: the dump, and beside it the files needed to find and check it later.

use std::path::{Path, PathBuf};

use crate::domain::fault::{Cause, Fault};
use crate::domain::plan::RUN;

/// The paths of one run. The dump is `<run>.partial` while it is written, and `<run>` once it is proven.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunPaths {
    directory: PathBuf,
    run_id: String,
}

impl RunPaths {
    /// Returns the paths of the run `<task>.<attempt>` in a destination directory.
    ///
    /// # Errors
    /// The run's name is empty or has other characters than ASCII letters, digits, `.`, `_` and `-`, or the folder is not absolute.
    pub fn new(folder: &Path, run: &str) -> Result<Self, Fault> {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        if run.is_empty() || run.starts_with('.') || !run.chars().all(plain) || !folder.is_absolute() {
            return Err(Fault::new(
                Cause::Internal,
                format!("{} and {run:?} do not name a place for a dump.", folder.display()),
                "The folder must be absolute, the run's name plain.",
                "Give an absolute path as destination.",
            ));
        }
        Ok(Self { directory: folder.to_path_buf(), run_id: run.to_owned() })
    }

    /// Returns the paths of a task's attempt in the directory of its plan, with the variable of the run filled in.
    ///
    /// # Errors
    /// As [`RunPaths::new`].
    pub fn for_attempt(directory: &str, task: &str, attempt: u32) -> Result<Self, Fault> {
        let run = format!("{task}.{attempt}");
        Self::new(Path::new(&directory.replace(RUN, &run)), &run)
    }

    /// Returns the directory of a plan up to the variable of the run, which exists before the first run.
    #[must_use]
    pub fn base_directory(directory: &str) -> PathBuf {
        let of_every_run = Path::new(directory).components().take_while(|part| {
            let text = part.as_os_str().to_string_lossy();
            !text.contains(RUN)
        });
        of_every_run.collect()
    }

    /// Returns the run id, `<task>.<attempt>`.
    #[must_use]
    pub fn run_id(&self) -> &str {
        &self.run_id
    }

    /// Returns the destination directory of this run.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Returns the directory of a dump that is not proven yet.
    #[must_use]
    pub fn partial(&self) -> PathBuf {
        self.with_suffix(".partial")
    }

    /// Returns the directory of a dump whose manifest is on disk.
    #[must_use]
    pub fn finished(&self) -> PathBuf {
        self.with_suffix("")
    }

    /// Returns the log file of `mydumper` (mode 0600).
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.with_suffix(".log")
    }

    /// Returns the file that names the process which writes the dump.
    #[must_use]
    pub fn process_record(&self) -> PathBuf {
        self.with_suffix(".dump.json")
    }

    /// Returns the file with the exit status of `mydumper`, which is written even if obnow has exited.
    #[must_use]
    pub fn exit_status(&self) -> PathBuf {
        self.with_suffix(".exit")
    }

    /// Returns the start record: the tables and the server's time at the start.
    #[must_use]
    pub fn start_record(&self) -> PathBuf {
        self.with_suffix(".begun.json")
    }

    /// Returns the manifest of a dump that was uploaded and removed from this host.
    #[must_use]
    pub fn uploaded_manifest(&self) -> PathBuf {
        self.with_suffix(".uploaded.json")
    }

    fn with_suffix(&self, suffix: &str) -> PathBuf {
        self.directory.join(format!("{}{suffix}", self.run_id))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_run_never_leaves_its_folder() {
        let folder = Path::new("/backup");
        assert_eq!(RunPaths::new(folder, "t1.2").unwrap().partial(), Path::new("/backup/t1.2.partial"));
        assert_eq!(
            RunPaths::for_attempt("/backup/{run}", "t1", 2).unwrap().partial(),
            Path::new("/backup/t1.2/t1.2.partial")
        );
        assert_eq!(RunPaths::base_directory("/backup/{run}/x"), Path::new("/backup"));
        assert_eq!(RunPaths::base_directory("/backup/a"), Path::new("/backup/a"));
        for run in ["", "..", "../x", "a/b", ".hidden", "a b", "汉"] {
            assert!(RunPaths::new(folder, run).is_err(), "{run:?}");
        }
        assert!(RunPaths::new(Path::new("backup"), "t1.2").is_err());
    }
}
