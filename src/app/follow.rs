//! Following a task: its journal is the only thing that is read, and any number may read it.

use std::collections::VecDeque;
use std::time::Duration;

use jiff::Timestamp;

use crate::domain::fault::Fault;
use crate::domain::task::{Event, TaskState, TaskView, UnreadableEvent};
use crate::journal::heartbeat;
use crate::journal::reader::Follower;
use crate::journal::tasks::TaskId;

use super::AppContext;
use super::tasks::{self, RunnerLiveness};

/// Interval at which the journal's length is read.
const POLL_INTERVAL: Duration = Duration::from_millis(150);

/// Follows the journal of one task.
pub struct TaskFollower<'a> {
    context: &'a AppContext,
    id: TaskId,
    follower: Follower<Event>,
    /// Entries that were read and not yet returned.
    pending: VecDeque<(Timestamp, Result<Event, UnreadableEvent>)>,
    /// The runner was reported as unresponsive.
    is_unresponsive: bool,
    /// The state of the task after the events that were returned.
    pub view: TaskView,
}

/// An update from a followed task.
#[derive(Debug)]
pub enum FollowUpdate {
    /// An entry of the journal: when it was written, and its event, or the line that is none.
    Entry(Timestamp, Result<Event, UnreadableEvent>),
    /// The runner lives and has not answered for three heartbeats.
    Unresponsive(Fault),
    /// The runner answers again.
    Responsive,
}

impl<'a> TaskFollower<'a> {
    /// From the beginning of the journal.
    #[must_use]
    pub fn new(context: &'a AppContext, id: TaskId) -> Self {
        let follower = Follower::new(&context.directories.state, &id);
        Self { context, id, follower, pending: VecDeque::new(), is_unresponsive: false, view: TaskView::default() }
    }

    /// The next line that belongs to an attempt after `after`, with 0 every event there is; None once nothing more comes. One
    /// at a time: `view` is the task as it was when that event happened.
    ///
    /// # Errors
    /// The journal cannot be read.
    pub async fn next(&mut self, after: u32) -> Result<Option<FollowUpdate>, Fault> {
        loop {
            while let Some((at, event)) = self.pending.pop_front() {
                self.view.take(at, &event);
                if after == 0 || self.view.attempt > after {
                    return Ok(Some(FollowUpdate::Entry(at, event)));
                }
            }
            let life = self.liveness();
            let entries = self.follower.entries()?;
            self.pending.extend(entries.into_iter().map(|entry| (entry.at, entry.event)));
            if !self.pending.is_empty() {
                continue;
            }
            match life {
                // Nobody writes any more: the runner has left, or is gone.
                RunnerLiveness::Exited if self.view.created.is_some() || self.view.has_lost_its_beginning() => {
                    return Ok(None);
                }
                RunnerLiveness::Unresponsive(fault) if !self.is_unresponsive => {
                    self.is_unresponsive = true;
                    return Ok(Some(FollowUpdate::Unresponsive(fault)));
                }
                RunnerLiveness::Responsive if self.is_unresponsive => {
                    self.is_unresponsive = false;
                    return Ok(Some(FollowUpdate::Responsive));
                }
                RunnerLiveness::Exited | RunnerLiveness::Unresponsive(_) | RunnerLiveness::Responsive => {
                    tokio::time::sleep(POLL_INTERVAL).await;
                }
            }
        }
    }

    fn liveness(&self) -> RunnerLiveness {
        tasks::runner_liveness(self.context, &self.id, &self.view)
    }

    /// Returns the exit reason of the last runner.
    #[must_use]
    pub fn exit_reason(&self) -> Option<Fault> {
        heartbeat::last_word(&self.context.directories.state, &self.id)
    }

    /// Returns the state of the task.
    #[must_use]
    pub fn state(&self) -> TaskState {
        self.view.state(self.liveness().is_alive())
    }
}
