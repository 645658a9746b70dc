//! Faults of the storage Test of a directory.

use std::io::{Error, ErrorKind};
use std::path::Path;

use crate::domain::diagnosis::foreign;
use crate::domain::fault::{Cause, Fault};

/// The operation that failed.
#[derive(Debug, Clone, Copy)]
pub(super) enum Operation {
    Enter,
    Write,
    Read,
    List,
    Measure,
}

impl Operation {
    const fn past_participle(self) -> &'static str {
        match self {
            Self::Enter => "entered",
            Self::Write => "written to",
            Self::Read => "read",
            Self::List => "listed",
            Self::Measure => "measured",
        }
    }
}

/// Returns the fault of an operating system error.
pub(super) fn fault(doing: Operation, path: &Path, error: &Error) -> Fault {
    let shown = foreign(&path.display().to_string());
    let storage = |what: String, why: &str, next: String| Fault::new(Cause::Storage, what, why, next);
    let what = format!("{shown} cannot be {}.", doing.past_participle());
    match error.kind() {
        ErrorKind::PermissionDenied => {
            let who = rustix::process::geteuid().as_raw();
            let why = format!("The user of this process (uid {who}) has no permission for it.");
            storage(
                what,
                &why,
                format!("Look at: ls -ldn {shown}. The user of the observers needs the same permission."),
            )
        }
        ErrorKind::ReadOnlyFilesystem => storage(
            what,
            "It is on a read-only file system.",
            format!("Look at its mount: findmnt -T {shown}. Mount it read-write, or choose another directory."),
        ),
        ErrorKind::StorageFull => storage(
            format!("{shown} is full."),
            "The file system has no room for a probe of 1 MiB.",
            format!("Look at: df -h {shown}. Make room, or choose another directory."),
        ),
        ErrorKind::QuotaExceeded => storage(
            format!("{shown} is full for this user."),
            "His quota on the file system is used up.",
            "Raise the quota, or choose another directory.".to_owned(),
        ),
        ErrorKind::StaleNetworkFileHandle => storage(
            what,
            "The mount is stale: its server no longer has what this host mounted.",
            format!("Mount it anew: umount -l and mount the directory of findmnt -T {shown}."),
        ),
        ErrorKind::TimedOut => storage(
            what,
            "The server of the mount does not answer.",
            format!("Look at the mount: findmnt -T {shown}, and at its server."),
        ),
        ErrorKind::NotADirectory => storage(
            format!("{shown} is not a directory."),
            "Something else has its name.",
            "Choose another directory.".to_owned(),
        ),
        ErrorKind::NotFound => storage(
            what,
            "It was there a moment ago and is gone.",
            "Find out who removes it, and test again.".to_owned(),
        ),
        _ => {
            let said = foreign(&error.to_string());
            let why = format!("The system says: {said}.");
            storage(what, &why, format!("Look at the mount: findmnt -T {shown}, and at the kernel's log: dmesg."))
        }
    }
}

pub(super) fn broken_link_fault(path: &Path) -> Fault {
    let shown = foreign(&path.display().to_string());
    Fault::new(
        Cause::Storage,
        format!("{shown} cannot be entered."),
        "It is a link that leads nowhere.",
        format!("Look at: ls -l {shown}. Mend the link, or choose another directory."),
    )
}

pub(super) fn no_inodes_fault(path: &Path) -> Fault {
    let shown = foreign(&path.display().to_string());
    Fault::new(
        Cause::Storage,
        format!("{shown} is full."),
        "The file system has no inode left, so no file can be made.",
        format!("Look at: df -i {shown}. Remove files, or choose another directory."),
    )
}

pub(super) fn differs(path: &Path, length: usize) -> Fault {
    let shown = foreign(&path.display().to_string());
    Fault::new(
        Cause::Storage,
        format!("What was written to {shown} came back otherwise ({length} bytes)."),
        "The storage, or the way to it, changes data.",
        "Do not back up there; have the storage checked.",
    )
}

pub(super) fn not_listed(path: &Path) -> Fault {
    let shown = foreign(&path.display().to_string());
    Fault::new(
        Cause::Storage,
        format!("The probe that was written to {shown} is not listed."),
        "The mount shows an old state of the directory.",
        format!("Look at its options, lookupcache=positive among them: findmnt -T {shown}."),
    )
}

/// Returns the fault of a probe that could not be deleted, in the directory itself (`in_it`) or beside it.
pub(super) fn left_behind(probe: &Path, in_it: bool, error: &Error) -> Fault {
    let shown = foreign(&probe.display().to_string());
    let said = match error.kind() {
        ErrorKind::PermissionDenied => "the user of this process may not delete there".to_owned(),
        ErrorKind::ReadOnlyFilesystem => "the file system has become read-only".to_owned(),
        _ => format!("the system says: {}", foreign(&error.to_string())),
    };
    let what = if in_it {
        format!("Left behind {shown}; the server will refuse this directory (9080) until it is removed.")
    } else {
        format!("Left behind {shown}.")
    };
    Fault::new(
        Cause::Storage,
        what,
        format!("It could be written and not deleted: {said}."),
        format!("Remove it: rm {shown}, and give the user the right to delete."),
    )
}
