//! The messages to the wizard: keys, and the answers to its effects.

use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;

use super::key::Key;
use super::model::Req;
use super::screens::question::Question;
use crate::app::known::Known;
use crate::domain::exit::Exit;
use crate::domain::facts::Facts;
use crate::domain::fault::Fault;
use crate::domain::plan::Refusal;
use crate::domain::storage_test::{TestNews, TestReport};
use crate::domain::task::{Event, Prepared, TaskState, TaskView, Unread};

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
    Answer(Req, Answer),
}

/// An answer.
#[derive(Debug)]
pub enum Answer {
    /// The inventory was read.
    Opened(Box<Result<Known, Fault>>),
    /// A cluster answered, or did not.
    Detected {
        /// Its name.
        cluster: String,
        /// What it said.
        facts: Result<Arc<Facts>, Fault>,
    },
    /// A connection that was typed was tried.
    Tried(Result<Arc<Facts>, Fault>),
    /// The connection was saved, and the inventory read again.
    Saved(Box<Result<Known, Fault>>),
    /// The plan was made, or refused.
    Prepared(Box<Result<Made, Box<Refusal>>>),
    /// A check of a storage's Test begins or has ended.
    Tested(Box<TestNews>),
    /// The Test has ended.
    TestOver(Box<TestReport>),
    /// A runner took the task (its id), or why not.
    Launched(Result<String, Fault>),
    /// Something was written into the journal of the watched task.
    Followed(Timestamp, Box<Result<Event, Unread>>),
    /// Its runner lives and does not answer; None: it answers again.
    Silent(Option<Fault>),
    /// No runner writes the journal of the watched task any more.
    FollowedToEnd {
        /// Its state.
        state: TaskState,
        /// Exit reason of the last runner.
        last_word: Option<Fault>,
    },
    /// The journal of the watched task cannot be read.
    FollowFailed(Fault),
    /// The tasks of this host.
    Tasks(Result<Vec<TaskRow>, Fault>),
    /// The dialog before a cancel or a compaction, or why neither is possible.
    Questioned(Result<Box<Question>, Fault>),
    /// A request to cancel was put into the task's file, or why not.
    CancelAsked(Result<(), Fault>),
    /// A report was written there.
    Reported(Result<PathBuf, Fault>),
    /// Causes of the embedded fleet were removed: their names.
    Fixed(Result<Vec<String>, String>),
}

/// A plan, and the command line that makes the same.
#[derive(Debug, Clone, PartialEq)]
pub struct Made {
    /// The plan, and what is shown of it.
    pub prepared: Prepared,
    /// The arguments of that command line, from `backup` on.
    pub same_as: Vec<String>,
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
