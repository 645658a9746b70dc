//! The messages to the wizard: keys, and the answers to its effects.

use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;

use super::key::Key;
use super::model::RequestId;
use super::screens::confirm_dialog::ConfirmDialog;
use crate::app::inventory_summary::InventorySummary;
use crate::domain::exit::Exit;
use crate::domain::facts::Facts;
use crate::domain::fault::Fault;
use crate::domain::plan::Refusal;
use crate::domain::storage_check::{TestReport, TestUpdate};
use crate::domain::task::{Event, Prepared, TaskState, TaskView, UnreadableEvent};

/// One thing that happened.
#[derive(Debug)]
pub enum Msg {
    /// A key was pressed.
    Key(Key),
    /// Text was pasted.
    Paste(String),
    /// The terminal has another size.
    Resized(u16, u16),
    /// The time that [`super::model::next_wake`] named has come.
    Woken,
    /// There is no shell that could continue a wizard that stops.
    NotSuspended,
    /// An answer came.
    Answer(RequestId, Answer),
}

/// An answer.
#[derive(Debug)]
pub enum Answer {
    /// The inventory was read.
    InventoryOpened(Box<Result<InventorySummary, Fault>>),
    /// A cluster answered, or did not.
    Detected {
        /// Its name.
        cluster: String,
        /// What it said.
        facts: Result<Arc<Facts>, Fault>,
    },
    /// A connection that was typed was tried.
    ConnectionTried(Result<Arc<Facts>, Fault>),
    /// The connection was saved, and the inventory read again.
    ConnectionSaved(Box<Result<InventorySummary, Fault>>),
    /// The plan was made, or refused.
    Prepared(Box<Result<PlanPreview, Box<Refusal>>>),
    /// A check of a storage's Test begins or has ended.
    TestProgressed(Box<TestUpdate>),
    /// The Test has ended.
    TestFinished(Box<TestReport>),
    /// A runner took the task (its id), or why not.
    Launched(Result<String, Fault>),
    /// Something was written into the journal of the watched task.
    Followed(Timestamp, Box<Result<Event, UnreadableEvent>>),
    /// Its runner lives and does not answer; None: it answers again.
    RunnerUnresponsive(Option<Fault>),
    /// No runner writes the journal of the watched task any more.
    FollowEnded {
        /// Its state.
        state: TaskState,
        /// Exit reason of the last runner.
        exit_reason: Option<Fault>,
    },
    /// The journal of the watched task cannot be read.
    FollowFailed(Fault),
    /// The tasks of this host.
    Tasks(Result<Vec<TaskRow>, Fault>),
    /// The dialog before a cancel or a compaction, or why neither is possible.
    DialogReady(Result<Box<ConfirmDialog>, Fault>),
    /// A request to cancel was put into the task's file, or why not.
    CancelRequested(Result<(), Fault>),
    /// A report was written there.
    ReportWritten(Result<PathBuf, Fault>),
    /// Causes of the embedded fleet were removed: their names.
    DemoFixed(Result<Vec<String>, String>),
}

/// A plan, and the command line that makes the same.
#[derive(Debug, Clone, PartialEq)]
pub struct PlanPreview {
    /// The plan, and what is shown of it.
    pub prepared: Prepared,
    /// The arguments of that command line, from `backup` on.
    pub equivalent_command: Vec<String>,
}

/// A task in the list of tasks.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskRow {
    /// Its id.
    pub id: String,
    /// What its journal says; or why it cannot be read.
    pub view: Result<Box<TaskView>, Fault>,
    /// Its state.
    pub state: TaskState,
    /// The exit code it stands for.
    pub exit: Exit,
}
