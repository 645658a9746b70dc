//! The tasks of this state directory, as they stand.

use crate::domain::choices::Choices;
use crate::domain::facts::Facts;
use crate::domain::fault::Fault;
use crate::domain::last_storage::last_storage;
use crate::domain::target::TargetName;
use crate::domain::task::{Event, TaskState, TaskView};
use crate::journal::tasks::TaskId;
use crate::journal::{heartbeat, locks, reader, tasks};

use super::Room;

/// One task.
pub struct Task {
    /// Its id.
    pub id: TaskId,
    /// What its journal says.
    pub view: TaskView,
    /// Whether its runner lives.
    pub alive: bool,
}

impl Task {
    /// Its state in one word.
    #[must_use]
    pub fn state(&self) -> TaskState {
        self.view.state(self.alive)
    }

    /// The targets it was asked for.
    #[must_use]
    pub fn targets(&self) -> Vec<TargetName> {
        self.view.targets.iter().map(|target| target.target.clone()).collect()
    }
}

/// A new task's id.
///
/// # Errors
/// The system gives no randomness.
pub fn new_id(room: &Room) -> Result<TaskId, Fault> {
    let random = crate::journal::clock::random().map_err(|error| {
        let why = format!("The system gives no random bits: {error}.");
        Fault::new(crate::domain::fault::Cause::Internal, "No task can be begun.", why, "Check /dev/urandom.")
    })?;
    Ok(TaskId::new(room.now(), random))
}

/// A task's id from its text.
///
/// # Errors
/// It is none.
pub fn id_of(text: &str) -> Result<TaskId, Fault> {
    text.parse().map_err(|why: String| {
        let what = format!("{text} is no task.");
        Fault::new(crate::domain::fault::Cause::Usage, what, why, "List the tasks with: obnow tasks.")
    })
}

/// The task whose id begins so.
///
/// # Errors
/// None does, or several do, or its journal cannot be read.
pub fn find(room: &Room, prefix: &str) -> Result<Task, Fault> {
    let task = load(room, tasks::find(&room.places.state, prefix)?)?;
    if task.view.created.is_none() {
        return Err(Fault::new(
            crate::domain::fault::Cause::Usage,
            format!("Task {} never began.", task.id),
            "Its runner ended before it had written what was confirmed, and so before it did anything.",
            "Start the backup anew.",
        ));
    }
    Ok(task)
}

/// The newest task on a target; None where there is none.
///
/// # Errors
/// The state directory cannot be read.
pub fn newest_on(room: &Room, target: &TargetName) -> Result<Option<Task>, Fault> {
    Ok(all(room)?.into_iter().flatten().find(|task| {
        let asked = task.view.prepared.as_ref().is_some_and(|prepared| prepared.plan.choices.targets.contains(target));
        asked || task.targets().contains(target)
    }))
}

/// All tasks, newest first; one whose journal cannot be read is given as its fault. A journal without `created` is of
/// a task that never began: it is none.
///
/// # Errors
/// The state directory cannot be read.
pub fn all(room: &Room) -> Result<Vec<Result<Task, Fault>>, Fault> {
    let tasks = tasks::list(&room.places.state)?.into_iter().map(|id| load(room, id));
    Ok(tasks.filter(|task| task.as_ref().map_or(true, |task| task.view.created.is_some())).collect())
}

/// The choices with the storage of the last successful task of these targets, where nothing else names one.
///
/// # Errors
/// The state directory cannot be read.
pub fn with_last_storage(room: &Room, facts: &Facts, mut choices: Choices) -> Result<Choices, Fault> {
    if choices.storage.is_none() && choices.fallbacks.is_empty() {
        // A journal that cannot be read says nothing of its storage.
        let tasks: Vec<Task> = all(room)?.into_iter().filter_map(Result::ok).collect();
        choices.fallbacks.extend(last_storage(tasks.iter().map(|task| &task.view), &facts.cluster, &choices.targets));
    }
    Ok(choices)
}

/// One task as it stands.
///
/// # Errors
/// Its journal cannot be read.
pub fn load(room: &Room, id: TaskId) -> Result<Task, Fault> {
    let journal = reader::read::<Event>(&room.places.state, &id)?;
    let view = TaskView::fold(journal.entries.iter().filter_map(|entry| Some((entry.at, entry.event.as_ref().ok()?))));
    let alive = is_alive(room, &id, &view);
    Ok(Task { id, view, alive })
}

/// Whether somebody works on the task: its runner holds the lock, or its heartbeat is fresh (a runner on another host
/// that shares this directory).
#[must_use]
pub fn is_alive(room: &Room, id: &TaskId, view: &TaskView) -> bool {
    let owned = view.prepared.as_ref().zip(view.connection.as_ref()).is_some_and(|(prepared, connection)| {
        let claim = super::run_task::claim(prepared, connection);
        let own =
            |tenant| locks::owner(&room.places.state, &claim.cluster, tenant).is_some_and(|owner| owner.task == *id);
        own(claim.tenants.first().copied())
    });
    let beats = view.connection.as_ref().map_or(10_000, |connection| connection.limits.heartbeat);
    // A runner that said it has left may beat once more; that counts for nothing.
    let fresh = heartbeat::age(&room.places.state, id, room.now())
        .ok()
        .flatten()
        .is_some_and(|age| age.as_millis() < u128::from(beats) * 3);
    owned || (view.runner.is_some() && fresh)
}
