//! The exit codes of obnow, and which one a fault, a task or a target has.

use std::process::ExitCode;

use super::fault::{Cause, Fault};
use super::outcome::VerdictKind;
use super::task::{TargetView, TaskState, TaskView};

/// An exit code of obnow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exit(pub u8);

impl Exit {
    /// Done and restorable; or the list was printed, or the task was started.
    pub const OK: Self = Self(0);
    /// A mistake in the usage or configuration, or an internal error.
    pub const USAGE: Self = Self(1);
    /// The backup is done and not yet restorable.
    pub const NOT_YET: Self = Self(3);
    /// Several targets with different exit codes, or some targets were left out.
    pub const MIXED: Self = Self(4);
    /// A preflight check or the server refused the start.
    pub const REFUSED: Self = Self(10);
    /// Another backup is running.
    pub const BUSY: Self = Self(11);
    /// Authentication failed or a privilege is missing.
    pub const RIGHTS: Self = Self(12);
    /// The storage cannot be used.
    pub const STORAGE: Self = Self(13);
    /// The cluster cannot be reached.
    pub const UNREACHABLE: Self = Self(14);
    /// A step failed before a backup job existed.
    pub const STEP: Self = Self(15);
    /// The backup failed on the server.
    pub const FAILED: Self = Self(20);
    /// The outcome is unknown, or the runner is gone.
    pub const UNKNOWN: Self = Self(21);
    /// The backup is done, but it cannot be restored.
    pub const NOT_RESTORABLE: Self = Self(22);
    /// The backup was cancelled.
    pub const CANCELLED: Self = Self(23);
    /// The backup is restorable, but not proven to be encrypted as asked.
    pub const NOT_ENCRYPTED: Self = Self(24);
    /// The user left obnow; a running task continues.
    pub const LEFT: Self = Self(130);
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.0)
    }
}

/// Returns the exit code of a command that ended with a fault.
#[must_use]
pub fn of_fault(fault: &Fault) -> Exit {
    match fault.cause {
        Cause::Usage | Cause::Internal => Exit::USAGE,
        Cause::Busy => Exit::BUSY,
        Cause::Rights => Exit::RIGHTS,
        Cause::Storage => Exit::STORAGE,
        Cause::Unreachable => Exit::UNREACHABLE,
        Cause::Precondition | Cause::Server => Exit::REFUSED,
        Cause::Unknown => Exit::UNKNOWN,
    }
}

/// Returns the exit code of a task that no runner works on any more; `last_word` is the fault that its runner left as the reason
/// for its end.
#[must_use]
pub fn of_task(view: &TaskView, state: TaskState, last_word: Option<&Fault>) -> Exit {
    if state == TaskState::RunnerGone {
        // A runner that could not write down what it was about to start has stopped in a step.
        return if last_word.is_some() && view.has_started_nothing() { Exit::STEP } else { Exit::UNKNOWN };
    }
    let mut exits: Vec<Exit> = view.targets.iter().map(of_target).collect();
    exits.dedup();
    let left_out = view.prepared.as_ref().is_some_and(|prepared| !prepared.plan.left_out.is_empty());
    match exits.as_slice() {
        [exit] if !left_out => *exit,
        [] => Exit::UNKNOWN,
        _ => Exit::MIXED,
    }
}

/// Returns the exit code of one target.
#[must_use]
pub fn of_target(target: &TargetView) -> Exit {
    let Some(outcome) = &target.outcome else { return Exit::UNKNOWN };
    match outcome.verdict {
        VerdictKind::Restorable if outcome.is_as_asked() => Exit::OK,
        VerdictKind::Restorable => Exit::NOT_ENCRYPTED,
        VerdictKind::NotYetRestorable => Exit::NOT_YET,
        VerdictKind::NotRestorable => Exit::NOT_RESTORABLE,
        VerdictKind::Cancelled => Exit::CANCELLED,
        VerdictKind::Unknown => Exit::UNKNOWN,
        VerdictKind::Failed => {
            let before = target.current().is_some_and(|step| step.kind.is_before_the_job()) && target.job.is_none();
            match outcome.fault.as_ref().map(|fault| fault.cause) {
                _ if !before => Exit::FAILED,
                Some(Cause::Busy) => Exit::BUSY,
                Some(Cause::Rights) => Exit::RIGHTS,
                Some(Cause::Storage) => Exit::STORAGE,
                Some(Cause::Unreachable) => Exit::UNREACHABLE,
                _ => Exit::STEP,
            }
        }
    }
}
