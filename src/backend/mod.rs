//! Systems that can back up, and what each can do. They speak in domain words: statements, view names and files of a
//! system stay in its own folder.

pub mod dump;
pub mod oceanbase;
mod storage;
mod system;

pub use oceanbase::Secrets;
pub use storage::{LentStorage, Storage, ToStore};
pub use system::{Act, Cancel, LendLocks, System, Wording};

use crate::domain::choices::Mode;
use crate::domain::facts::TaskFacts;
use crate::domain::fault::Fault;
use crate::domain::outcome::Outcome;
use crate::domain::plan::Action;
use crate::domain::step::StepKind;
use crate::domain::target::TargetName;
use crate::domain::task::{IntentView, Prepared, TaskView};

/// What a look at a step found, for one target.
#[derive(Debug, Clone, PartialEq)]
pub enum Look {
    /// It is done; what is to say about it.
    Done(String),
    /// Nothing had to be done, and why.
    NotNeeded(String),
    /// It cannot be done.
    Failed(Fault),
    /// Nobody knows.
    Unknown(Fault),
    /// The server's job (or the dump) ended badly.
    Ended(Box<Outcome>),
    /// The server works on it, or something is awaited.
    Wait(Waiting),
    /// This is to be done now.
    Act(Action),
    /// A start that got no answer is proven not to have happened.
    NotStarted {
        /// Which intent.
        intent: u32,
        /// What proves it.
        proof: String,
    },
    /// The verdict.
    Verdict(Box<Outcome>),
    /// The verdict if nobody waits any longer.
    NotYet {
        /// What is waited for.
        what: String,
        /// Milliseconds that the wait should last at least, as the log comes in steps; None: not known.
        at_least: Option<u64>,
        /// The verdict meanwhile.
        outcome: Box<Outcome>,
    },
}

/// What a step waits for.
#[derive(Debug, Clone, PartialEq)]
pub struct Waiting {
    /// In words.
    pub what: String,
    /// Phase and counters, while a job has them.
    pub task: Option<TaskFacts>,
    /// Whether the server shows something alive: then a limit raises attention and never fails the step.
    pub alive: bool,
    /// The error that the running job shows, if it shows one; it is no movement.
    pub trouble: Option<Fault>,
}

impl Waiting {
    /// Waits for something that has no counters.
    #[must_use]
    pub fn for_(what: impl Into<String>, alive: bool) -> Self {
        Self { what: what.into(), task: None, alive, trouble: None }
    }

    /// Whether this is where it stood at the other look.
    #[must_use]
    pub fn stands_at(&self, other: &Self) -> bool {
        (&self.what, &self.task, self.alive) == (&other.what, &other.task, other.alive)
    }
}

/// The server's job of a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JobSeen {
    /// Its id.
    pub job: u64,
    /// The set it makes, once known.
    pub set: Option<u64>,
    /// What the server made of it.
    pub kind: Option<Mode>,
}

/// A look together with the job that was seen.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    /// What was found.
    pub look: Look,
    /// The job, where one was seen.
    pub job: Option<JobSeen>,
}

impl From<Look> for Seen {
    fn from(look: Look) -> Self {
        Self { look, job: None }
    }
}

/// The run a step belongs to.
#[derive(Debug, Clone, Copy)]
pub struct Run<'a> {
    /// The task's id.
    pub task: &'a str,
    /// What was confirmed.
    pub prepared: &'a Prepared,
    /// What happened so far.
    pub view: &'a TaskView,
    /// The present attempt.
    pub attempt: u32,
    /// This host's time.
    pub now: jiff::Timestamp,
}

impl Run<'_> {
    /// The intent to start that a target's backup hangs on: the last one of this backup that was not refused.
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
            .filter(|intent| !intent.refused && !intent.settled_as_not_started)
    }

    /// The job of a target, once found.
    #[must_use]
    pub fn job(&self, target: &TargetName) -> Option<u64> {
        self.view.target(target)?.job
    }

    /// The set of a target, once known.
    #[must_use]
    pub fn set(&self, target: &TargetName) -> Option<u64> {
        self.view.target(target)?.set
    }
}
