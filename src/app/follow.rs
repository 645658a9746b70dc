//! Following a task: its journal is the only thing that is read, and any number may read it.

use std::time::Duration;

use crate::domain::fault::Fault;
use crate::domain::task::{Event, TaskState, TaskView};
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
    /// The task as far as it was read.
    pub view: TaskView,
}

impl<'a> Follow<'a> {
    /// From the beginning of the journal.
    #[must_use]
    pub fn new(room: &'a Room, id: TaskId) -> Self {
        let follower = Follower::new(&room.places.state, &id);
        Self { room, id, follower, view: TaskView::default() }
    }

    /// What was appended since the last call and belongs to an attempt after `after`; an empty list once nothing more
    /// comes.
    ///
    /// # Errors
    /// The journal cannot be read.
    pub async fn next(&mut self, after: u32) -> Result<Vec<(jiff::Timestamp, Event)>, Fault> {
        loop {
            let entries = self.follower.entries()?;
            if !entries.is_empty() {
                let mut news = Vec::new();
                for (at, event) in entries.into_iter().filter_map(|entry| Some((entry.at, entry.event.ok()?))) {
                    self.view.apply(at, &event);
                    if self.view.attempt > after {
                        news.push((at, event));
                    }
                }
                if !news.is_empty() {
                    return Ok(news);
                }
            }
            if self.is_over() {
                return Ok(Vec::new());
            }
            tokio::time::sleep(EVERY).await;
        }
    }

    /// Nobody writes any more: the runner has left, or is gone.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.view.created.is_some() && !tasks::is_alive(self.room, &self.id, &self.view)
    }

    /// The state in one word.
    #[must_use]
    pub fn state(&self) -> TaskState {
        self.view.state(tasks::is_alive(self.room, &self.id, &self.view))
    }
}
