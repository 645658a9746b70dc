//! Following a task: its journal is the only thing that is read, and any number may read it.

use std::collections::VecDeque;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use crate::domain::fault::Fault;
use crate::domain::task::{Event, TaskState, TaskView};
use crate::journal::heartbeat;
use crate::journal::reader::Follower;
use crate::journal::tasks::TaskId;

use super::{Room, tasks};

/// How often the journal's length is looked at.
const EVERY: Duration = Duration::from_millis(150);

/// One who follows a task.
pub struct Follow<'a> {
    room: &'a Room,
    id: TaskId,
    follower: Follower<Event>,
    /// What was read and not yet handed out.
    read: VecDeque<News>,
    /// The task as far as its events were handed out.
    pub view: TaskView,
}

/// When something was written, and what: an event, or the words of one that this obnow does not know.
pub type News = (Timestamp, Result<Event, Value>);

impl<'a> Follow<'a> {
    /// From the beginning of the journal.
    #[must_use]
    pub fn new(room: &'a Room, id: TaskId) -> Self {
        let follower = Follower::new(&room.places.state, &id);
        Self { room, id, follower, read: VecDeque::new(), view: TaskView::default() }
    }

    /// The next event that belongs to an attempt after `after`, with 0 every event there is; None once nothing more comes. One
    /// at a time: `view` is the task as it was when that event happened.
    ///
    /// # Errors
    /// The journal cannot be read.
    pub async fn next(&mut self, after: u32) -> Result<Option<News>, Fault> {
        loop {
            while let Some((at, event)) = self.read.pop_front() {
                if let Ok(event) = &event {
                    self.view.apply(at, event);
                }
                if after == 0 || self.view.attempt > after {
                    return Ok(Some((at, event)));
                }
            }
            let over = self.is_over();
            let entries = self.follower.entries()?;
            self.read.extend(entries.into_iter().map(|entry| (entry.at, entry.event)));
            if self.read.is_empty() {
                if over {
                    return Ok(None);
                }
                tokio::time::sleep(EVERY).await;
            }
        }
    }

    /// Nobody writes any more: the runner has left, or is gone.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.view.created.is_some() && !tasks::is_alive(self.room, &self.id, &self.view)
    }

    /// What its last runner left as a reason for going.
    #[must_use]
    pub fn last_word(&self) -> Option<Fault> {
        heartbeat::last_word(&self.room.places.state, &self.id)
    }

    /// The state in one word.
    #[must_use]
    pub fn state(&self) -> TaskState {
        self.view.state(tasks::is_alive(self.room, &self.id, &self.view))
    }
}
