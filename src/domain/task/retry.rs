//! What a Retry would do (R9): nothing, go on, only look again, or start a new backup. Every face says it before it is done.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::{TargetView, TaskState, TaskView};
use crate::domain::fault::{Cause, Fault};
use crate::domain::step::StepKind;
use crate::domain::target::TargetName;
use crate::domain::words;

/// What a Retry would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Retry {
    /// Nothing of it reached the server yet, or what was dumped is uploaded: it goes on from this step.
    GoesOn(StepKind),
    /// What was started lives, or nobody knows: it only looks again.
    LooksAgain,
    /// It starts a new backup.
    NewBackup {
        /// Of whom.
        targets: Vec<TargetName>,
        /// The attempt it would be.
        attempt: u32,
        /// What failed and stays on the destination: `set 3 of prod/pay`.
        left: Vec<String>,
    },
}

impl Retry {
    /// What a new backup is, and what stays, in one sentence each; None where nothing has to be asked.
    #[must_use]
    pub fn question(&self) -> Option<String> {
        let Self::NewBackup { targets, attempt, left } = self else { return None };
        let names: Vec<String> = targets.iter().map(ToString::to_string).collect();
        let left =
            if left.is_empty() { String::new() } else { format!(" What failed stays there: {}.", left.join(", ")) };
        Some(format!("Retry starts a NEW backup of {}, attempt {attempt}.{left}", names.join(", ")))
    }
}

impl TaskView {
    /// What a Retry of the task `id` would do, once nobody works on it any more.
    ///
    /// # Errors
    /// It has nothing to do, and what to do instead; or its journal is damaged, so that a backup might be started twice.
    pub fn retry(&self, id: &str, state: TaskState) -> Result<Retry, Fault> {
        self.may_go_on(id)?;
        if self.targets.iter().all(|target| target.attached && !target.wants_retry()) {
            return Err(Fault::new(
                Cause::Usage,
                format!("Task {id} cannot be retried."),
                "It only watched a backup that somebody else started.",
                "Start one of your own with: obnow backup.",
            ));
        }
        let wanting: Vec<&TargetView> = self.targets.iter().filter(|target| target.wants_retry()).collect();
        if state == TaskState::Done && wanting.is_empty() {
            return Err(Fault::new(
                Cause::Usage,
                format!("Task {id} needs no retry."),
                "Every target of it is restorable.",
                "Start another backup with: obnow backup.",
            ));
        }
        let new: Vec<&TargetView> = wanting.iter().copied().filter(|target| target.needs_new_backup()).collect();
        if !new.is_empty() {
            let left = new.iter().filter_map(|target| Some(format!("set {} of {}", target.set?, target.target)));
            return Ok(Retry::NewBackup {
                left: left.collect(),
                targets: new.into_iter().map(|target| target.target.clone()).collect(),
                attempt: self.attempt + 1,
            });
        }
        let not_begun = wanting.iter().filter(|target| target.stopped_in_upload() || !self.may_have_started(target));
        let step = not_begun.filter_map(|target| target.current()).map(|step| step.kind).min();
        Ok(step.map_or(Retry::LooksAgain, Retry::GoesOn))
    }

    /// Whether a job of the target's present backup is there, or may be.
    fn may_have_started(&self, target: &TargetView) -> bool {
        let mut starts = self.intents.iter().rev().filter(|intent| {
            intent.step == StepKind::StartBackup
                && intent.targets.contains(&target.target)
                && intent.attempt >= target.anew_since
        });
        let sent = starts.next().is_some_and(|intent| !intent.refused && !intent.settled_as_not_started);
        target.attached || target.job.is_some() || sent
    }

    /// Whether a Retry may set a destination or start a backup, or asks an object storage, for which it needs more secrets
    /// than the login.
    #[must_use]
    pub fn retry_may_start(&self) -> bool {
        self.targets.iter().filter(|target| target.wants_retry()).any(|target| {
            let started = target.step(StepKind::StartBackup).is_none_or(|step| step.state.is_passed());
            // What is in an object storage is listed with its key.
            target.needs_new_backup() || !started || target.step(StepKind::Upload).is_some()
        })
    }

    /// What is said of a task that should run and whose runner is gone; `last_word` is what that runner left.
    #[must_use]
    pub fn runner_gone(&self, id: &str, last_word: Option<&Fault>) -> Fault {
        let step = self.targets.iter().find_map(TargetView::current);
        let step = step.map_or_else(String::new, |step| format!(" in the step {}", step.kind.name()));
        let why = match last_word {
            Some(word) => format!("It stopped{step}: {} {}", word.what, word.why),
            None => format!("It stopped{step} without saying why"),
        };
        let left = match (self.has_started_nothing(), self.intents.is_empty()) {
            (false, _) if !self.is_wholly_read() => "what it started on the server, if anything, goes on",
            (true, true) => "nothing was started on the server",
            (true, false) => "no backup was started; what it set on the server before stays",
            (false, _) => "what it started on the server goes on",
        };
        Fault::new(
            Cause::Unknown,
            format!("The runner of task {id} is gone."),
            format!("{}; {left}.", why.trim_end_matches('.')),
            format!("Go on with: obnow retry {id}. It reads the server first."),
        )
    }

    /// No start of a backup was sent: its intent is on the disk before it is.
    #[must_use]
    pub fn has_started_nothing(&self) -> bool {
        self.is_wholly_read() && !self.targets.iter().any(|target| self.may_have_started(target))
    }

    /// What is said of a runner whose process `pid` lives and has left no sign of life since `since`, for `seconds`.
    #[must_use]
    pub fn runner_silent(id: &str, pid: u32, since: Timestamp, seconds: u64) -> Fault {
        Fault::new(
            Cause::Unknown,
            format!("The runner of task {id} has not answered since {}.", words::moment(since, &TimeZone::UTC)),
            format!(
                "Its process {pid} lives and left no sign of life for {seconds} s: it is stopped, or waits for a disk."
            ),
            format!(
                "See what holds it with: ps -o stat,wchan -p {pid}; a stopped one goes on with: kill -CONT {pid}. What it \
                 started on the server goes on without it."
            ),
        )
    }
}

impl TaskState {
    /// Whether there is something to cancel, or may be.
    #[must_use]
    pub fn may_be_cancelled(self) -> bool {
        match self {
            Self::Running | Self::RunnerGone | Self::Unknown => true,
            Self::Done | Self::Failed | Self::Cancelled => false,
        }
    }
}
