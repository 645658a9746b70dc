//! What a Retry would do (R9): nothing, continue, only observe, or start a new backup. Every interface shows it beforehand.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::{TargetView, TaskState, TaskView};
use crate::domain::fault::{Cause, Fault};
use crate::domain::format;
use crate::domain::step::StepKind;
use crate::domain::target::TargetName;

/// What a Retry would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RetryEffect {
    /// A target has no backup that may have been started, or its dump waits for upload: the task continues from this step.
    GoesOn(StepKind),
    /// Everything that was started is alive, or its state is not known: the Retry only observes.
    LooksAgain,
    /// A new backup is started.
    NewBackup {
        /// The targets of the new backup.
        targets: Vec<TargetName>,
        /// The attempt that it would be.
        attempt: u32,
        /// The sets of failed backups that stay on the destination: `set 3 of prod/pay`.
        left: Vec<String>,
    },
}

impl RetryEffect {
    /// Returns the question to confirm: what the new backup is, and what stays. None where nothing has to be confirmed.
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
    /// Returns what a Retry of the task `id` would do, once no runner works on it.
    ///
    /// # Errors
    /// A Retry has nothing to do, and the fault names what to do instead; or the journal is damaged, so that a backup might be
    /// started twice.
    pub fn retry(&self, id: &str, state: TaskState) -> Result<RetryEffect, Fault> {
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
            return Ok(RetryEffect::NewBackup {
                left: left.collect(),
                targets: new.into_iter().map(|target| target.target.clone()).collect(),
                attempt: self.attempt + 1,
            });
        }
        let not_begun = wanting.iter().filter(|target| target.stopped_in_upload() || !self.may_have_started(target));
        let step = not_begun.filter_map(|target| target.current()).map(|step| step.kind).min();
        Ok(step.map_or(RetryEffect::LooksAgain, RetryEffect::GoesOn))
    }

    /// Whether a job of the target's present backup exists, or may exist.
    fn may_have_started(&self, target: &TargetView) -> bool {
        let mut starts = self.intents.iter().rev().filter(|intent| {
            intent.step == StepKind::StartBackup
                && intent.targets.contains(&target.target)
                && intent.attempt >= target.anew_since
        });
        let sent = starts.next().is_some_and(|intent| !intent.refused && !intent.known_not_started);
        target.attached || target.job.is_some() || sent
    }

    /// Whether a Retry may set a destination, start a backup or use an object storage: then it needs more secrets than the
    /// login's.
    #[must_use]
    pub fn retry_may_start(&self) -> bool {
        self.targets.iter().filter(|target| target.wants_retry()).any(|target| {
            let started = target.step(StepKind::StartBackup).is_none_or(|step| step.state.is_passed());
            // The contents of an object storage are listed with its key.
            target.needs_new_backup() || !started || target.step(StepKind::Upload).is_some()
        })
    }

    /// Returns the fault of a task that has not ended and whose runner is gone; `last_word` is the fault which that runner left.
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

    /// Whether no start of a backup was sent. An intent is on disk before its statement is sent, so the journal proves it.
    #[must_use]
    pub fn has_started_nothing(&self) -> bool {
        self.is_wholly_read() && !self.targets.iter().any(|target| self.may_have_started(target))
    }

    /// Returns the fault of a runner whose process `pid` is alive and has had no heartbeat since `since`, for `seconds`.
    #[must_use]
    pub fn runner_silent(id: &str, pid: u32, since: Timestamp, seconds: u64) -> Fault {
        Fault::new(
            Cause::Unknown,
            format!("The runner of task {id} has not answered since {}.", format::moment(since, &TimeZone::UTC)),
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
    /// Whether there is, or may be, something to cancel.
    #[must_use]
    pub fn may_be_cancelled(self) -> bool {
        match self {
            Self::Running | Self::RunnerGone | Self::Unknown => true,
            Self::Done | Self::Failed | Self::Cancelled => false,
        }
    }
}
