//! The events of a task, as its journal keeps them.

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

/// A connection, as the servers list it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerConnection {
    /// Its id on that server.
    pub id: u64,
    /// The server that it is connected to, `ip:port`.
    pub server: String,
}

/// An event of a task. Events are appended and never changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The task was created: what was confirmed, and how to reach the target.
    Created {
        /// The plan and its preview, which the user confirmed.
        prepared: Box<Prepared>,
        /// How to reach the target.
        connection: Box<Connection>,
        /// Who started it, `user@host`.
        by: String,
    },
    /// A runner took the task.
    RunnerStarted {
        /// The id of its process.
        pid: u32,
        /// The attempt it makes, from 1.
        attempt: u32,
        /// Whether targets whose backup failed begin again at their first step, with a new backup.
        anew: bool,
        /// The targets of this attempt.
        targets: Vec<TargetName>,
        /// What identifies its process among all others; only its own host can compare it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        process: Option<String>,
    },
    /// A step changed its state.
    Step {
        /// The target.
        target: TargetName,
        /// The step.
        step: StepKind,
        /// The new state.
        state: StepState,
        /// A short description of what it does or found.
        detail: String,
        /// Why it failed, or why its result is not known.
        fault: Option<Fault>,
    },
    /// A statement is about to be sent; the event is written and synced before it is.
    Intent {
        /// The number of the intent within the task.
        intent: u32,
        /// The targets it concerns.
        targets: Vec<TargetName>,
        /// The step it belongs to.
        step: StepKind,
        /// The attempt.
        attempt: u32,
        /// The statements, with secrets as `***`.
        statements: Vec<String>,
        /// For a start: the mark that the job will carry.
        description: Option<String>,
        /// For a start: the highest job id read before. For a compaction: the last frozen version.
        highest_job: Option<u64>,
        /// The connection that sends it, as the servers list it.
        connection: Option<ServerConnection>,
        /// The endpoint of that connection.
        server: String,
        /// The statement's own limit on the server, in milliseconds.
        server_limit: u64,
    },
    /// The answer to an intent.
    Answered {
        /// The number of the intent.
        intent: u32,
        /// None: the statement was accepted. Some: it was refused, or no answer came.
        fault: Option<Fault>,
        /// Whether the server answered at all.
        answered: bool,
    },
    /// A start without an answer is proven not to have happened.
    NotStarted {
        /// The number of the intent.
        intent: u32,
        /// What proves it.
        proof: String,
    },
    /// The server's job was found.
    Job {
        /// The target.
        target: TargetName,
        /// The job's id.
        job: u64,
        /// The id of the set that it makes, once known.
        set: Option<u64>,
        /// The type of backup that the server made of it.
        kind: Option<Mode>,
    },
    /// A target has progressed.
    Progress {
        /// The target.
        target: TargetName,
        /// The latest progress.
        progress: Progress,
    },
    /// A running step waits for something; with a fault where nothing has moved for the limit.
    Waiting {
        /// The target.
        target: TargetName,
        /// The step.
        step: StepKind,
        /// What it waits for.
        what: String,
        /// The attention: what has stalled, and why.
        fault: Option<Fault>,
        /// Whether an earlier attention is over, because the step moves again.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        over: bool,
    },
    /// A target has ended, with what it can be restored to.
    Verdict {
        /// The target.
        target: TargetName,
        /// The outcome.
        outcome: Box<Outcome>,
    },
    /// A request was answered.
    Request {
        /// The id of the request.
        request: String,
        /// What was requested.
        verb: String,
        /// Who requested it.
        who: String,
        /// The answer.
        answer: String,
        /// Why the request was not carried out, where this host is the cause.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        fault: Option<Fault>,
    },
    /// The runner left properly.
    RunnerEnded {
        /// Why it left.
        reason: String,
    },
}
