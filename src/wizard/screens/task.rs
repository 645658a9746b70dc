//! A task as it runs: each step, its state, time and log; what failed and the way on; and the verdict.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use crate::domain::exit::{self, Exit};
use crate::domain::facts::Facts;
use crate::domain::fault::Fault;
use crate::domain::secret::Secret;
use crate::domain::target::TargetName;
use crate::domain::task::{Event, TaskState, TaskView};
use crate::wizard::effect::{Effect, Typed};
use crate::wizard::key::Key;
use crate::wizard::keymap::{Action, Binding};
use crate::wizard::model::{Model, Req, Screen};

/// The task that is watched.
#[derive(Debug, Clone)]
pub struct Watched {
    /// Its id.
    pub id: String,
    /// What was typed for it.
    pub typed: Typed,
    /// The question that follows its journal.
    pub following: Option<Req>,
    /// What its journal says.
    pub view: TaskView,
    /// Its state, once nobody writes into its journal any more.
    pub ended: Option<TaskState>,
    /// What its last runner left as a reason for going.
    pub last_word: Option<Fault>,
    /// Why something that was asked for was not done.
    pub refused: Option<Fault>,
    /// What was asked for: a Retry, a cancel, a report.
    pub asking: Option<Req>,
}

impl Watched {
    /// Whether its clock moves.
    #[must_use]
    pub fn ticks(&self) -> bool {
        self.following.is_some() && self.ended.is_none()
    }
}

/// The keys of the screen.
pub const KEYS: [Binding; 1] =
    [Binding::new(&[Key::Esc], Action::Back, "back", "back to the targets; the task goes on", 7)];

/// Opens a task.
pub fn open(model: &mut Model, id: String, typed: Typed) -> Vec<Effect> {
    let req = model.next_req();
    model.task = Some(Box::new(Watched {
        id: id.clone(),
        typed,
        following: Some(req),
        view: TaskView::default(),
        ended: None,
        last_word: None,
        refused: None,
        asking: None,
    }));
    model.screen = Screen::Task;
    vec![Effect::Follow(req, id)]
}

/// Watches the backup that somebody else runs on a tenant.
pub fn attach(model: &mut Model, facts: Arc<Facts>, target: TargetName) -> Vec<Effect> {
    let req = model.next_req();
    vec![Effect::Attach(req, facts, target)]
}

/// Does what a key means.
pub fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    if action == Action::Back {
        model.screen = Screen::Target;
    }
    Vec::new()
}

/// A runner took the task, or did not.
pub fn launched(_model: &mut Model, _req: Req, _started: Result<String, Fault>) -> Vec<Effect> {
    Vec::new()
}

/// Something was written into its journal.
pub fn followed(model: &mut Model, req: Req, at: Timestamp, event: &Result<Event, Value>) -> Vec<Effect> {
    if let Some(task) = model.task.as_mut().filter(|task| task.following == Some(req))
        && let Ok(event) = event
    {
        task.view.apply(at, event);
    }
    Vec::new()
}

/// Nobody writes into it any more.
pub fn followed_to_end(model: &mut Model, req: Req, state: TaskState, last_word: Option<Fault>) -> Vec<Effect> {
    if let Some(task) = model.task.as_mut().filter(|task| task.following == Some(req)) {
        task.ended = Some(state);
        task.last_word = last_word;
    }
    Vec::new()
}

/// It cannot be read.
pub fn follow_failed(_model: &mut Model, _req: Req, _fault: Fault) -> Vec<Effect> {
    Vec::new()
}

/// A request to cancel was put into the task's file, or was not.
pub fn cancel_asked(_model: &mut Model, _req: Req, _asked: Result<(), Fault>) -> Vec<Effect> {
    Vec::new()
}

/// A report was written, or was not.
pub fn reported(_model: &mut Model, _req: Req, _path: Result<std::path::PathBuf, Fault>) -> Vec<Effect> {
    Vec::new()
}

/// Goes on with the task.
pub fn retry(_model: &mut Model) -> Vec<Effect> {
    Vec::new()
}

/// The same with a secret that was asked for.
pub fn retry_with(_model: &mut Model, _access_key: Option<Secret>, _encryption: Option<Secret>) -> Vec<Effect> {
    Vec::new()
}

/// Performs a major compaction, and goes on.
pub fn compact(_model: &mut Model) -> Vec<Effect> {
    Vec::new()
}

/// Asks the runner to cancel.
pub fn cancel(_model: &mut Model) -> Vec<Effect> {
    Vec::new()
}

/// What is printed when the wizard ends, and its exit code.
#[must_use]
pub fn farewell(model: &Model) -> (Exit, Vec<String>) {
    let Some(task) = &model.task else { return (Exit::LEFT, Vec::new()) };
    match task.ended {
        Some(state) => (exit::of_task(&task.view, state), Vec::new()),
        None => (Exit::LEFT, vec![format!("Task {} still runs: obnow watch {}", task.id, task.id)]),
    }
}
