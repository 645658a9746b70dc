//! Systems that can be backed up. Their interface uses domain types: statements, view names and files of a system stay in its
//! own directory.

pub mod dump;
pub mod oceanbase;
mod storage;
mod system;

pub use oceanbase::Secrets;
pub use storage::{ObjectStore, SharedObjectStore, UploadRequest};
pub use system::{CancelDecision, DialectKey, InheritLocks, PreparedAction, System};

use crate::domain::choices::Mode;
use crate::domain::facts::TaskFacts;
use crate::domain::fault::Fault;
use crate::domain::outcome::Outcome;
use crate::domain::plan::Action;
use crate::domain::step::StepKind;
use crate::domain::target::TargetName;
use crate::domain::task::{IntentView, Prepared, TaskView};

/// The state of a step for one target, as it was observed.
#[derive(Debug, Clone, PartialEq)]
pub enum StepObservation {
    /// The step is done, with a note about it.
    Done(String),
    /// Nothing had to be done, with the reason.
    NotNeeded(String),
    /// The step failed.
    Failed(Fault),
    /// The state cannot be determined.
    Unknown(Fault),
    /// The server's job, or the dump, ended without a backup.
    JobFailed(Box<Outcome>),
    /// The server works on the step, or the step waits for something.
    Wait(Waiting),
    /// This action is to be executed now.
    NeedsAction(Action),
    /// A start that got no answer is proven not to have been executed.
    NotStarted {
        /// Number of the intent.
        intent: u32,
        /// The proof, as text.
        proof: String,
    },
    /// The verdict.
    Verdict(Box<Outcome>),
    /// The verdict if the wait ends now.
    Pending {
        /// What is waited for.
        what: String,
        /// The least time to wait, in milliseconds, since the log is archived in intervals; `None` where it is not known.
        at_least: Option<u64>,
        /// The interim verdict.
        outcome: Box<Outcome>,
    },
}

/// What a step waits for.
#[derive(Debug, Clone, PartialEq)]
pub struct Waiting {
    /// The wait as text.
    pub what: String,
    /// Phase and counters of the running job, where it has them.
    pub task: Option<TaskFacts>,
    /// Whether the server shows running work: then a limit raises attention and never fails the step.
    pub server_busy: bool,
    /// The error that the running job shows, if any; it does not count as progress.
    pub last_error: Option<Fault>,
}

impl Waiting {
    /// Returns a wait without counters.
    #[must_use]
    pub fn new(what: impl Into<String>, alive: bool) -> Self {
        Self { what: what.into(), task: None, server_busy: alive, last_error: None }
    }

    /// Returns whether nothing but the error changed since the other wait.
    #[must_use]
    pub fn same_as(&self, other: &Self) -> bool {
        (&self.what, &self.task, self.server_busy) == (&other.what, &other.task, other.server_busy)
    }
}

/// The server's job of a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ObservedJob {
    /// Its id.
    pub job_id: u64,
    /// The id of the backup set it makes, once known.
    pub set_id: Option<u64>,
    /// Full or incremental, as the server made it.
    pub kind: Option<Mode>,
}

/// An observation together with the job that was seen.
#[derive(Debug, Clone, PartialEq)]
pub struct Observed {
    /// The state of the step.
    pub observation: StepObservation,
    /// The job, where one was seen.
    pub job: Option<ObservedJob>,
}

impl From<StepObservation> for Observed {
    fn from(look: StepObservation) -> Self {
        Self { observation: look, job: None }
    }
}

/// The context in which a step is observed: the task, its plan and its journal.
#[derive(Debug, Clone, Copy)]
pub struct StepContext<'a> {
    /// The task's id.
    pub task: &'a str,
    /// The confirmed plan.
    pub prepared: &'a Prepared,
    /// The state of the task from its journal.
    pub view: &'a TaskView,
    /// Number of the current attempt.
    pub attempt: u32,
    /// Current time of this host.
    pub now: jiff::Timestamp,
}

impl StepContext<'_> {
    /// Returns the intent that started the target's backup: the last one of this backup that was not refused or proven not to be
    /// executed.
    #[must_use]
    pub fn start_intent(&self, target: &TargetName) -> Option<&IntentView> {
        let since = self.view.target(target)?.anew_since;
        self.view
            .intents
            .iter()
            .rev()
            .find(|intent| {
                intent.step == StepKind::StartBackup && intent.targets.contains(target) && intent.attempt >= since
            })
            .filter(|intent| !intent.refused && !intent.known_not_started)
    }

    /// Returns the job id of a target, once found.
    #[must_use]
    pub fn job_id(&self, target: &TargetName) -> Option<u64> {
        self.view.target(target)?.job
    }

    /// Returns the backup set id of a target, once known.
    #[must_use]
    pub fn set_id(&self, target: &TargetName) -> Option<u64> {
        self.view.target(target)?.set
    }
}
