//! What a journal keeps of a task.

use serde::{Deserialize, Serialize};

use super::Prepared;
use crate::domain::choices::Mode;
use crate::domain::connection::Connection;
use crate::domain::fault::Fault;
use crate::domain::outcome::Outcome;
use crate::domain::progress::Progress;
use crate::domain::step::{StepKind, StepState};
use crate::domain::target::TargetName;

/// The verb of the request to perform a major compaction before the backup.
pub const COMPACT: &str = "compact";

/// A connection as the servers list it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerConnection {
    /// Its id.
    pub id: u64,
    /// `ip:port` of the server it is on.
    pub server: String,
}

/// What happened to a task. Events are appended, never changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The task exists: what was confirmed, and how to reach the target.
    Created {
        /// What was confirmed.
        prepared: Box<Prepared>,
        /// How to reach the target.
        connection: Box<Connection>,
        /// Who started it, `user@host`.
        by: String,
    },
    /// A runner took the task.
    RunnerStarted {
        /// Its process.
        pid: u32,
        /// The attempt it makes, from 1.
        attempt: u32,
        /// True when failed targets begin again from their first step (a new backup).
        anew: bool,
        /// The targets this attempt is about.
        targets: Vec<TargetName>,
        /// What tells its process apart from every other; only its own host can read it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        process: Option<String>,
    },
    /// A step changed its state.
    Step {
        /// Whose step.
        target: TargetName,
        /// Which step.
        step: StepKind,
        /// The new state.
        state: StepState,
        /// What is to say about it.
        detail: String,
        /// Why it failed or is unknown.
        fault: Option<Fault>,
    },
    /// A statement is about to be sent; written and synced before it is.
    Intent {
        /// Number of the intent within the task.
        intent: u32,
        /// The targets it concerns.
        targets: Vec<TargetName>,
        /// The step it belongs to.
        step: StepKind,
        /// The attempt.
        attempt: u32,
        /// The statements, secrets as `***`.
        statements: Vec<String>,
        /// For a start: the marker the job will carry.
        description: Option<String>,
        /// For a start: the highest job id seen before. For a compaction: the last frozen version.
        highest_job: Option<u64>,
        /// The server's id of the sending connection.
        connection: Option<ServerConnection>,
        /// The endpoint of the sending connection.
        server: String,
        /// Milliseconds after which the server itself gives up on the statement.
        server_limit: u64,
    },
    /// The answer to an intent.
    Answered {
        /// Which intent.
        intent: u32,
        /// None: accepted. Some: refused, or no answer came.
        fault: Option<Fault>,
        /// Whether the server answered at all.
        answered: bool,
    },
    /// A start that got no answer is proven not to have happened.
    NotStarted {
        /// Which intent.
        intent: u32,
        /// What proves it.
        proof: String,
    },
    /// The server's job was found.
    Job {
        /// Whose job.
        target: TargetName,
        /// Its id.
        job: u64,
        /// The set it makes, once known.
        set: Option<u64>,
        /// What the server made of it.
        kind: Option<Mode>,
    },
    /// How far a target is.
    Progress {
        /// Whose progress.
        target: TargetName,
        /// The figures.
        progress: Progress,
    },
    /// A running step waits for something; with a fault when nothing moved for the limit.
    Waiting {
        /// Whose step.
        target: TargetName,
        /// Which step.
        step: StepKind,
        /// What it waits for.
        what: String,
        /// Attention: what stands still, and why.
        fault: Option<Fault>,
        /// The attention that was raised before is over: it moves again.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        over: bool,
    },
    /// The target's end, with what it can be restored to.
    Verdict {
        /// Whose end.
        target: TargetName,
        /// The outcome.
        outcome: Box<Outcome>,
    },
    /// A request was taken.
    Request {
        /// Its id.
        request: String,
        /// What was asked.
        verb: String,
        /// Who asked.
        who: String,
        /// What came of it.
        answer: String,
        /// Why it was not done, where something here stands in its way.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        fault: Option<Fault>,
    },
    /// The runner left in order.
    RunnerEnded {
        /// Why.
        reason: String,
    },
}
