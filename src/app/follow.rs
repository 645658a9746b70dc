//! Following a task: its journal is the only thing that is read, and any number may read it.

use std::collections::VecDeque;
use std::time::Duration;

use jiff::Timestamp;

use crate::domain::fault::Fault;
use crate::domain::task::{Event, TaskState, TaskView, Unread};
use crate::journal::heartbeat;
use crate::journal::reader::Follower;
use crate::journal::tasks::TaskId;

use super::AppContext;
use super::tasks::{self, Life};

/// Interval at which the journal's length is read.
const EVERY: Duration = Duration::from_millis(150);

/// Follows the journal of one task.
pub struct Follow<'a> {
    context: &'a AppContext,
    id: TaskId,
    follower: Follower<Event>,
    /// Entries that were read and not yet returned.
    read: VecDeque<(Timestamp, Result<Event, Unread>)>,
    /// The runner was reported as unresponsive.
    silent: bool,
    /// The state of the task after the events that were returned.
    pub view: TaskView,
}

/// An update from a followed task.
#[derive(Debug)]
pub enum News {
    /// An entry of the journal: when it was written, and its event, or the line that is none.
    Line(Timestamp, Result<Event, Unread>),
    /// The runner lives and has not answered for three heartbeats.
    Silent(Fault),
    /// The runner answers again.
    AnswersAgain,
}

impl<'a> Follow<'a> {
    /// From the beginning of the journal.
    #[must_use]
    pub fn new(context: &'a AppContext, id: TaskId) -> Self {
        let follower = Follower::new(&context.places.state, &id);
        Self { context, id, follower, read: VecDeque::new(), silent: false, view: TaskView::default() }
    }

    /// The next line that belongs to an attempt after `after`, with 0 every event there is; None once nothing more comes. One
    /// at a time: `view` is the task as it was when that event happened.
    ///
    /// # Errors
    /// The journal cannot be read.
    pub async fn next(&mut self, after: u32) -> Result<Option<News>, Fault> {
        loop {
            while let Some((at, event)) = self.read.pop_front() {
                self.view.take(at, &event);
                if after == 0 || self.view.attempt > after {
                    return Ok(Some(News::Line(at, event)));
                }
            }
            let life = self.life();
            let entries = self.follower.entries()?;
            self.read.extend(entries.into_iter().map(|entry| (entry.at, entry.event)));
            if !self.read.is_empty() {
                continue;
            }
            match life {
                // Nobody writes any more: the runner has left, or is gone.
                Life::Gone if self.view.created.is_some() || self.view.has_lost_its_beginning() => return Ok(None),
                Life::Silent(fault) if !self.silent => {
                    self.silent = true;
                    return Ok(Some(News::Silent(fault)));
                }
                Life::Works if self.silent => {
                    self.silent = false;
                    return Ok(Some(News::AnswersAgain));
                }
                Life::Gone | Life::Silent(_) | Life::Works => tokio::time::sleep(EVERY).await,
            }
        }
    }

    fn life(&self) -> Life {
        tasks::life(self.context, &self.id, &self.view)
    }

    /// Returns the exit reason of the last runner.
    #[must_use]
    pub fn last_word(&self) -> Option<Fault> {
        heartbeat::last_word(&self.context.places.state, &self.id)
    }

    /// Returns the state of the task.
    #[must_use]
    pub fn state(&self) -> TaskState {
        self.view.state(self.life().is_there())
    }
}
