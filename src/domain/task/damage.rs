//! Journal lines that this obnow cannot read as events, and the faults of a journal with damaged lines.

use jiff::Timestamp;
use serde_json::Value;

use super::{Event, TaskView};
use crate::domain::fault::{Cause, Fault};

/// A line that this obnow cannot read as an event.
#[derive(Debug, Clone, PartialEq)]
pub enum UnreadableEvent {
    /// The JSON of an event that this release does not know.
    Unknown(Value),
    /// A damaged line: what it meant is not known.
    Damaged {
        /// The number of the line, from 1.
        line: u64,
        /// What the line contains: its JSON, or its text.
        text: Value,
    },
}

impl UnreadableEvent {
    /// Returns what the line contains.
    #[must_use]
    pub fn value(&self) -> &Value {
        match self {
            Self::Unknown(value) | Self::Damaged { text: value, .. } => value,
        }
    }
}

impl TaskView {
    /// Folds all lines of a journal: events, and lines that are none.
    #[must_use]
    pub fn of_lines<'a>(lines: impl IntoIterator<Item = (Timestamp, &'a Result<Event, UnreadableEvent>)>) -> Self {
        let mut view = Self::default();
        for (at, line) in lines {
            view.take(at, line);
        }
        view
    }

    /// Applies one more line.
    pub fn take(&mut self, at: Timestamp, line: &Result<Event, UnreadableEvent>) {
        match line {
            Ok(event) => self.apply(at, event),
            Err(UnreadableEvent::Damaged { line, .. }) => self.damaged.push(*line),
            Err(UnreadableEvent::Unknown(_)) => self.unknown += 1,
        }
    }

    /// Whether the plan that was confirmed cannot be read although the task began: it may have started something.
    #[must_use]
    pub fn has_lost_its_beginning(&self) -> bool {
        self.created.is_none() && (!self.damaged.is_empty() || self.attempt > 0 || !self.intents.is_empty())
    }

    /// Whether every event was read and is known, and none refers to a missing one.
    #[must_use]
    pub fn is_wholly_read(&self) -> bool {
        self.damaged.is_empty() && self.unknown == 0 && self.contradictions == 0
    }

    /// Returns the fault of a damaged journal; None: every line was read, and no event refers to a missing one.
    #[must_use]
    pub fn damage(&self, id: &str) -> Option<Fault> {
        let lost = self.has_lost_its_beginning();
        if self.damaged.is_empty() && self.contradictions == 0 && !lost {
            return None;
        }
        let some: Vec<String> = self.damaged.iter().take(5).map(ToString::to_string).collect();
        let count = self.damaged.len();
        let more = if count > some.len() { format!(" and {} more", count - some.len()) } else { String::new() };
        let place = match count {
            0 if lost => " where it says what was confirmed".to_owned(),
            0 => ": it speaks of a statement or a target that is not in it".to_owned(),
            1 => format!(" at line {}", some.join("")),
            _ => format!(" at {count} lines: {}{more}", some.join(", ")),
        };
        let why = match (lost, self.intents.len()) {
            (true, 0) => "What was confirmed cannot be read, and nobody knows whether a backup was started.".to_owned(),
            (true, sent) => format!(
                "What was confirmed cannot be read, and {sent} statements were about to be sent: what they started may run, or be done."
            ),
            (false, _) if count == 0 => "An event is missing, or was changed; what it said is not known.".to_owned(),
            (false, _) => "What those lines said is not known; what follows is told from the others.".to_owned(),
        };
        Some(Fault::new(
            Cause::Unknown,
            format!("The journal of task {id} is damaged{place}."),
            why,
            "See on the server what runs and what is done, with obnow tasks and obnow targets, before anything is started anew.",
        ))
    }

    /// Returns the fault of a journal with events that this obnow does not know.
    fn holds_unknown_events(&self, id: &str) -> Option<Fault> {
        (self.unknown > 0).then(|| {
            Fault::new(
                Cause::Unknown,
                format!("The journal of task {id} has an event that this obnow does not know."),
                "A later obnow wrote it, or it is damaged.",
                "Go on with the obnow that wrote it, or see on the server what runs and what is done, with obnow targets.",
            )
        })
    }

    /// Refuses to continue a task where a line that was not read may have been the start of its backup: the backup would be
    /// started twice.
    ///
    /// # Errors
    /// The journal is damaged or has unknown events, and the plan cannot be read, or a target that wants a Retry has no known
    /// job or needs a new backup.
    pub fn may_go_on(&self, id: &str) -> Result<(), Fault> {
        let Some(fault) = self.damage(id).or_else(|| self.holds_unknown_events(id)) else { return Ok(()) };
        let mut open = self.targets.iter().filter(|target| target.wants_retry());
        if !self.has_lost_its_beginning() && open.all(|target| target.job.is_some() && !target.needs_new_backup()) {
            return Ok(());
        }
        let why = format!("{} A start that was written there would be sent a second time.", fault.why);
        Err(Fault { why, ..fault })
    }
}
