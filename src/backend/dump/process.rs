//! The process of a dump: started once, polled, found again by a later obnow, and killed with all its children.

use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::fd::{AsFd as _, BorrowedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::time::Duration;

use rustix::io::{FdFlags, fcntl_getfd, fcntl_setfd};
use rustix::process::{Pid, Signal, kill_process_group};
use serde::{Deserialize, Serialize};

use super::command::{EXIT_STATUS_WRAPPER, build_command, check_tls};
use super::releases::Tool;
use super::run_paths::RunPaths;
use super::{Login, io_fault};
use crate::domain::diagnosis::foreign;
use crate::domain::dump::ExcludedTables;
use crate::domain::fault::{Cause, Fault};
use crate::process::{Process, boot_id};

/// Time that a dump's sessions may take for one query or transaction; the server's own limits are between seconds and a day.
pub const SESSION_LIMIT: Duration = Duration::from_hours(7 * 24);

/// The most bytes of a dump's log that are read; the log of a hundred thousand tables is shorter.
const MAX_LOG_BYTES: u64 = 16 << 20;

/// The process that writes a dump; a JSON file beside it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessRecord {
    /// The format of this file: 1.
    pub format: u32,
    /// The run id, `<task>.<attempt>`.
    pub run: String,
    /// Process id of the leader of the dump's process group.
    pub pid: u32,
    /// When the process started, in clock ticks since the host's boot.
    pub start_ticks: u64,
    /// Id of the host's boot: a dump does not survive a reboot.
    pub boot_id: String,
    /// The program.
    pub tool: PathBuf,
    /// Its release.
    pub release: String,
}

/// The state of a dump when it was polled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DumpState {
    /// It runs.
    Running {
        /// Bytes in its files by now.
        bytes_written: u64,
    },
    /// It exited with this status; 0 means without an error.
    Exited(i32),
    /// It ended without an exit status: it was killed, or the host went down.
    EndedWithoutStatus,
}

/// A dump that this or an earlier process started. Dropping the value does not end the dump.
#[derive(Debug)]
pub struct DumpProcess {
    place: RunPaths,
    record: ProcessRecord,
    child: Option<Child>,
}

impl DumpProcess {
    /// Starts a dump without the excluded tables. The process inherits `locks`, which stay held while it lives.
    ///
    /// # Errors
    /// TLS that this release was not tested with, a run that was started before, a directory that cannot be written, or a
    /// program that does not start.
    pub fn start(
        tool: &Tool,
        login: &Login,
        place: &RunPaths,
        exclude: &ExcludedTables,
        locks: &[BorrowedFd<'_>],
    ) -> Result<Self, Fault> {
        check_tls(tool, login.requires_tls)?;
        let log = create_new(&place.log())?;
        let errors = log.try_clone().map_err(|error| io_fault("Opening", &place.log(), &error))?;
        let child = with_inherited(locks, || {
            let options = login.option_file(SESSION_LIMIT)?;
            build_command(tool, login, place, exclude)
                .stdin(options)
                .stdout(log)
                .stderr(errors)
                .spawn()
                .map_err(|error| io_fault("Starting", &tool.path, &error))
        })?;
        let record = ProcessRecord {
            format: 1,
            run: place.run_id().to_owned(),
            pid: child.id(),
            start_ticks: Process::of(child.id()).map_or(0, |stat| stat.start_ticks),
            boot_id: boot_id(),
            tool: tool.path.clone(),
            release: tool.release.version.to_owned(),
        };
        let dump = Self { place: place.clone(), record, child: Some(child) };
        if let Err(fault) = write_record(place, &dump.record) {
            dump.kill();
            return Err(fault);
        }
        Ok(dump)
    }

    /// Returns the dump that an earlier process started at these paths, running or not; `None` where none was started, or where
    /// that process ended before it wrote the record: then the inherited locks still keep the target taken.
    ///
    /// # Errors
    /// Its record cannot be read.
    pub fn find(place: &RunPaths) -> Result<Option<Self>, Fault> {
        let path = place.process_record();
        let text = match std::fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(io_fault("Reading", &path, &error)),
        };
        let record: ProcessRecord =
            serde_json::from_slice(&text).map_err(|error| io_fault("Reading", &path, &error.into()))?;
        Ok(Some(Self { place: place.clone(), record, child: None }))
    }

    /// Finds a running dump that has no record, as where the process that started it ended before it could write one, and writes
    /// the record now.
    ///
    /// # Errors
    /// The record cannot be written.
    pub fn adopt(place: &RunPaths, release: &str) -> Result<Option<Self>, Fault> {
        let Some((pid, tool)) = find_running_wrapper(place) else { return Ok(None) };
        let Some(stat) = Process::of(pid) else { return Ok(None) };
        let record = ProcessRecord {
            format: 1,
            run: place.run_id().to_owned(),
            pid,
            start_ticks: stat.start_ticks,
            boot_id: boot_id(),
            tool,
            release: release.to_owned(),
        };
        write_record(place, &record)?;
        Ok(Some(Self { place: place.clone(), record, child: None }))
    }

    /// Returns the paths of its run.
    #[must_use]
    pub fn paths(&self) -> &RunPaths {
        &self.place
    }

    /// Returns the record of its process.
    #[must_use]
    pub fn record(&self) -> &ProcessRecord {
        &self.record
    }

    /// Returns the current state without waiting.
    ///
    /// # Errors
    /// Its files cannot be read.
    pub fn poll(&mut self) -> Result<DumpState, Fault> {
        // Only the parent can tell a dead child from a live one, and only by reaping it.
        if let Some(child) = &mut self.child {
            child.try_wait().map_err(|error| io_fault("Watching", &self.record.tool, &error))?;
        }
        if self.is_alive() {
            return Ok(DumpState::Running { bytes_written: self.bytes_written()? });
        }
        let path = self.place.exit_status();
        match std::fs::read_to_string(&path) {
            Ok(text) => Ok(text
                .strip_suffix('\n')
                .and_then(|n| n.parse().ok())
                .map_or(DumpState::EndedWithoutStatus, DumpState::Exited)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(DumpState::EndedWithoutStatus),
            Err(error) => Err(io_fault("Reading", &path, &error)),
        }
    }

    /// Bytes in its files by now.
    ///
    /// # Errors
    /// The dump's folder cannot be read.
    pub fn bytes_written(&self) -> Result<u64, Fault> {
        directory_size(&self.place.partial())
    }

    /// Returns whether the snapshot has certainly been taken: a row has reached a data file.
    ///
    /// # Errors
    /// The dump's folder cannot be read.
    pub fn snapshot_taken(&self) -> Result<bool, Fault> {
        let partial = self.place.partial();
        if !partial.is_dir() {
            return Ok(false);
        }
        let entries = std::fs::read_dir(&partial).map_err(|error| io_fault("Reading", &partial, &error))?;
        Ok(entries.filter_map(Result::ok).any(|entry| {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            name.ends_with(".sql")
                && !["-schema.sql", "-schema-view.sql", "-schema-create.sql"].iter().any(|end| name.ends_with(end))
                && entry.metadata().is_ok_and(|file| file.len() > 0)
        }))
    }

    /// Kills the whole process group; files that were written stay.
    pub fn kill(&self) {
        if let Some(group) = self.group().filter(|_| self.is_alive()) {
            // An error means that it ended meanwhile.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }

    /// Returns the fault of a dump that did not exit with status 0, from its log.
    #[must_use]
    pub fn fault(&self, state: DumpState) -> Fault {
        let rebooted = self.record.boot_id != boot_id();
        failure_fault(state, &read_log(&self.place.log()), rebooted)
            .with_detail(format!("log: {}", self.place.log().display()))
    }

    fn group(&self) -> Option<Pid> {
        i32::try_from(self.record.pid).ok().and_then(Pid::from_raw)
    }

    /// Returns whether the leader or a process that it started still runs. A zombie counts as ended: an orphan's end may never
    /// be noticed.
    fn is_alive(&self) -> bool {
        if self.record.boot_id != boot_id() {
            return false;
        }
        match Process::of(self.record.pid) {
            // A process id is reused only when its whole group has ended.
            Some(leader) if leader.start_ticks != self.record.start_ticks => false,
            Some(leader) if !leader.is_over => true,
            Some(_) | None => Process::all().any(|stat| stat.group == self.record.pid && !stat.is_over),
        }
    }
}

/// Finds the wrapper process of a run by its arguments, and the program that it runs.
fn find_running_wrapper(place: &RunPaths) -> Option<(u32, PathBuf)> {
    let status = place.exit_status();
    std::fs::read_dir("/proc").ok()?.filter_map(Result::ok).find_map(|entry| {
        let pid = entry.file_name().to_str()?.parse().ok()?;
        let words = std::fs::read(entry.path().join("cmdline")).ok()?;
        let mut words = words.split(|byte| *byte == 0).skip(2);
        let ours = words.next()? == EXIT_STATUS_WRAPPER.as_bytes() && words.next()? == status.as_os_str().as_bytes();
        ours.then_some(())?;
        Some((pid, PathBuf::from(OsStr::from_bytes(words.next()?))))
    })
}

/// Lets the processes that `act` starts inherit the descriptors, and no process that is started later.
fn with_inherited<T>(fds: &[BorrowedFd<'_>], act: impl FnOnce() -> Result<T, Fault>) -> Result<T, Fault> {
    let set = |inherited: bool| -> Result<(), Fault> {
        for fd in fds {
            fcntl_getfd(fd.as_fd())
                .and_then(|flags| {
                    let flags = if inherited { flags - FdFlags::CLOEXEC } else { flags | FdFlags::CLOEXEC };
                    fcntl_setfd(fd.as_fd(), flags)
                })
                .map_err(|error| io_fault("Handing over", Path::new("a lock"), &error.into()))?;
        }
        Ok(())
    };
    set(true)?;
    let done = act();
    set(false)?;
    done
}

fn create_new(path: &Path) -> Result<File, Fault> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map_err(|error| io_fault("Creating", path, &error))
}

fn write_record(place: &RunPaths, record: &ProcessRecord) -> Result<(), Fault> {
    let path = place.process_record();
    let text = serde_json::to_vec(record).map_err(|error| io_fault("Writing", &path, &error.into()))?;
    let mut file = create_new(&path)?;
    file.write_all(&text).and_then(|()| file.sync_all()).map_err(|error| io_fault("Writing", &path, &error))
}

fn directory_size(folder: &Path) -> Result<u64, Fault> {
    match std::fs::read_dir(folder) {
        Ok(entries) => Ok(entries.filter_map(|entry| entry.ok()?.metadata().ok()).map(|file| file.len()).sum()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(0),
        Err(error) => Err(io_fault("Reading", folder, &error)),
    }
}

/// Reads the beginning of a dump's log, at most [`MAX_LOG_BYTES`] bytes; returns an empty text where it cannot be read.
fn read_log(path: &Path) -> String {
    let mut log = Vec::new();
    let _ = File::open(path).and_then(|file| file.take(MAX_LOG_BYTES).read_to_end(&mut log));
    String::from_utf8_lossy(&log).into_owned()
}

/// Returns the fault of a failed dump.
fn failure_fault(state: DumpState, log: &str, rebooted: bool) -> Fault {
    let what = match state {
        DumpState::Exited(status) => format!("mydumper ended with status {status}; its files are not a backup."),
        DumpState::EndedWithoutStatus => "mydumper ended without a status; its files are not a backup.".to_owned(),
        DumpState::Running { .. } => "mydumper still runs.".to_owned(),
    };
    let said: Vec<&str> = log.lines().filter(|line| line.contains("CRITICAL **")).collect();
    let Some(first) = said.first() else {
        let why = match state {
            DumpState::EndedWithoutStatus if rebooted => "The dump was ended by a reboot of this host.".to_owned(),
            DumpState::EndedWithoutStatus => {
                "The dump was ended by a kill, or because this host had no memory left.".to_owned()
            }
            DumpState::Exited(status @ 129..) => {
                format!("It was ended by signal {}: a kill, or this host had no memory left.", status - 128)
            }
            DumpState::Exited(_) | DumpState::Running { .. } => "Its log names no error.".to_owned(),
        };
        return Fault::new(Cause::Unknown, what, why, "Retry: a new dump is started, the old files stay.");
    };
    let words = first.split_once("CRITICAL **: ").map_or(*first, |(_, rest)| rest);
    // The time of day that glib writes before the message.
    let words = words.split_once(": ").filter(|(time, _)| time.len() == 12).map_or(words, |(_, rest)| rest).trim();
    let next = if words.contains("too old versioned data") {
        "A table was created, truncated or dropped meanwhile, or the dump took longer than `undo_retention`: retry when no \
         DDL runs, or raise it."
    } else if words.contains("No space left") {
        "Free space in the destination folder, then retry."
    } else {
        "Remove the cause, then retry: a new dump is started."
    };
    let more = if said.len() > 1 { format!(" ({} more errors)", said.len() - 1) } else { String::new() };
    Fault::new(Cause::Server, what, format!("It said: {}{more}.", foreign(words)), next)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn failure_names_first_error_and_count() {
        let log = "** Message: x\n** (mydumper:1): CRITICAL **: 09:16:54.985: Error dumping table (a.b) data: Request to read \
                   too old versioned data \n** (mydumper:1): CRITICAL **: 09:16:55.000: other\n";
        let fault = failure_fault(DumpState::Exited(1), log, false);
        assert!(fault.why.starts_with("It said: Error dumping table (a.b)"), "{fault}");
        assert!(fault.why.contains("1 more errors") && fault.next.contains("undo_retention"), "{fault}");
        assert!(failure_fault(DumpState::EndedWithoutStatus, "", true).why.contains("reboot"));
        assert!(failure_fault(DumpState::EndedWithoutStatus, "", false).why.contains("kill"));
        assert!(failure_fault(DumpState::Exited(137), "", false).why.contains("signal 9"));
    }

    #[test]
    fn log_read_is_bounded() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        File::create(&path).unwrap().set_len(2 * MAX_LOG_BYTES).unwrap();
        assert_eq!(read_log(&path).len() as u64, MAX_LOG_BYTES);
        assert_eq!(read_log(&folder.path().join("none")), "");
    }
}
