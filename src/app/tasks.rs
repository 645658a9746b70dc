//! Reads the tasks of the state directory.

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::domain::choices::Choices;
use crate::domain::facts::Facts;
use crate::domain::fault::{Cause, Fault};
use crate::domain::format;
use crate::domain::last_storage::last_storage;
use crate::domain::target::TargetName;
use crate::domain::task::{Event, TaskState, TaskView};
pub use crate::journal::tasks::TaskId;
use crate::journal::{heartbeat, locks, reader, tasks};
use crate::process;

use super::AppContext;

/// One task.
pub struct Task {
    /// Its id.
    pub id: TaskId,
    /// What its journal says.
    pub view: TaskView,
    /// Whether its runner lives.
    pub is_runner_alive: bool,
    /// The warning about a runner that lives and does not answer.
    pub unresponsive: Option<Fault>,
}

impl Task {
    /// Returns the state of the task.
    #[must_use]
    pub fn state(&self) -> TaskState {
        self.view.state(self.is_runner_alive)
    }

    /// Whether the task started, as far as its journal can be read.
    fn has_started(&self) -> bool {
        self.view.created.is_some() || self.view.has_lost_its_beginning()
    }

    /// The order in which the server did what this task is about: the number of its job, of its set below V4, or of the last
    /// job before it.
    fn server_order(&self, target: &TargetName) -> Option<u64> {
        let view = self.view.target(target).or(self.view.targets.first())?;
        let before = self.view.intents.iter().filter_map(|intent| intent.highest_job).max();
        view.job.or(view.set).or(before)
    }

    /// Returns the exit reason of the last runner.
    #[must_use]
    pub fn exit_reason(&self, context: &AppContext) -> Option<Fault> {
        heartbeat::last_word(&context.directories.state, &self.id)
    }

    /// Returns a warning if the task was created after `now`.
    #[must_use]
    pub fn clock_warning(&self, now: Timestamp) -> Option<Fault> {
        let created = self.view.created.filter(|created| *created > now)?;
        let moment = |at| format::moment(at, &TimeZone::UTC);
        Some(Fault::new(
            Cause::Internal,
            format!("Task {} is of the future: it began at {}, and it is {}.", self.id, moment(created), moment(now)),
            "The clock of this host was ahead then, or is behind now.",
            "Check the clock with: timedatectl. The order of tasks follows the server's jobs until that moment.",
        ))
    }

    /// Returns the warnings of the task: a damaged journal, an unresponsive runner, a creation time in the future.
    #[must_use]
    pub fn warnings(&self, now: Timestamp) -> Vec<Fault> {
        let damage = self.view.damage(self.id.as_str());
        damage.into_iter().chain(self.unresponsive.clone()).chain(self.clock_warning(now)).collect()
    }

    /// Returns the targets of the task.
    #[must_use]
    pub fn targets(&self) -> Vec<TargetName> {
        self.view.targets.iter().map(|target| target.target.clone()).collect()
    }
}

/// Makes the id of a new task.
///
/// # Errors
/// The system gives no randomness.
pub fn new_id(context: &AppContext) -> Result<TaskId, Fault> {
    let random = crate::journal::clock::random().map_err(|error| {
        let why = format!("The system gives no random bits: {error}.");
        Fault::new(Cause::Internal, "No task can be begun.", why, "Check /dev/urandom.")
    })?;
    Ok(TaskId::new(context.now(), random))
}

/// Parses a task id.
///
/// # Errors
/// It is none.
pub fn parse_id(text: &str) -> Result<TaskId, Fault> {
    text.parse().map_err(|why: String| {
        let what = format!("{text} is no task.");
        Fault::new(Cause::Usage, what, why, "List the tasks with: obnow tasks.")
    })
}

/// Finds the task whose id starts with `prefix`.
///
/// # Errors
/// None does, or several do, or its journal cannot be read.
pub fn find(context: &AppContext, prefix: &str) -> Result<Task, Fault> {
    let task = load(context, tasks::find(&context.directories.state, prefix)?)?;
    if !task.has_started() {
        return Err(Fault::new(
            Cause::Usage,
            format!("Task {} never began.", task.id),
            "Its runner ended before it had written what was confirmed, and so before it did anything.",
            "Start the backup anew.",
        ));
    }
    Ok(task)
}

/// The newest task on a target: one that runs, else the one whose job the server numbered last, because the clock of this
/// host may have been set back; where the newest by the clock has no job, that one. None where there is none.
///
/// # Errors
/// The state directory cannot be read.
pub fn find_newest(context: &AppContext, target: &TargetName) -> Result<Option<Task>, Fault> {
    let asked = |task: &Task| {
        let prepared = task.view.prepared.as_ref();
        prepared.is_some_and(|prepared| prepared.plan.choices.targets.contains(target))
            || task.targets().contains(target)
    };
    let mut on: Vec<Task> = load_all(context)?.into_iter().flatten().filter(asked).collect();
    let cluster = |task: &Task| {
        task.view.prepared.as_ref().map(|prepared| (prepared.plan.cluster.id, prepared.plan.cluster.created))
    };
    let Some(first) = on.first() else { return Ok(None) };
    let mut newest = (first.server_order(target), 0);
    if !first.is_runner_alive && newest.0.is_some() {
        // Another cluster of that name has numbers of its own.
        for (at, task) in on.iter().enumerate().filter(|(_, task)| cluster(task) == cluster(first)) {
            let order = task.server_order(target);
            newest = if order > newest.0 { (order, at) } else { newest };
        }
    }
    Ok(Some(on.swap_remove(newest.1)))
}

/// All tasks: those that run, then the others, newest first, and last those whose id is of the future; one whose journal
/// cannot be read is given as its fault. A journal without `created` in which nothing is damaged is of a task that never
/// began: it is none.
///
/// # Errors
/// The state directory cannot be read.
pub fn load_all(context: &AppContext) -> Result<Vec<Result<Task, Fault>>, Fault> {
    let tasks = tasks::list(&context.directories.state)?.into_iter().map(|id| load(context, id));
    let mut all: Vec<_> = tasks.filter(|task| task.as_ref().map_or(true, Task::has_started)).collect();
    let now = context.now();
    all.sort_by_key(|task| match task {
        Ok(task) if task.is_runner_alive => 0,
        Ok(task) if task.clock_warning(now).is_some() => 2,
        Ok(_) | Err(_) => 1,
    });
    Ok(all)
}

/// The choices with the storage of the last successful task of these targets, where nothing else names one.
///
/// # Errors
/// The state directory cannot be read.
pub fn with_last_storage(context: &AppContext, facts: &Facts, mut choices: Choices) -> Result<Choices, Fault> {
    if choices.storage.is_none() && choices.fallbacks.is_empty() {
        // A journal that cannot be read says nothing of its storage.
        let tasks: Vec<Task> = load_all(context)?.into_iter().filter_map(Result::ok).collect();
        choices.fallbacks.extend(last_storage(tasks.iter().map(|task| &task.view), &facts.cluster, &choices.targets));
    }
    Ok(choices)
}

/// Loads one task.
///
/// # Errors
/// Its journal cannot be read.
pub fn load(context: &AppContext, id: TaskId) -> Result<Task, Fault> {
    let journal = reader::read::<Event>(&context.directories.state, &id)?;
    let view = TaskView::of_lines(journal.entries.iter().map(|entry| (entry.at, &entry.event)));
    let life = runner_liveness(context, &id, &view);
    let alive = life.is_alive();
    let silent = match life {
        RunnerLiveness::Unresponsive(fault) => Some(fault),
        RunnerLiveness::Responsive | RunnerLiveness::Exited => None,
    };
    Ok(Task { id, view, is_runner_alive: alive, unresponsive: silent })
}

/// Whether somebody works on a task.
#[derive(Debug)]
pub enum RunnerLiveness {
    /// Its runner lives and answers.
    Responsive,
    /// Its runner lives and has left no sign of life for three heartbeats; what is said of it.
    Unresponsive(Fault),
    /// No runner lives.
    Exited,
}

impl RunnerLiveness {
    /// Whether its runner lives.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        !matches!(self, Self::Exited)
    }
}

/// Whether somebody works on a task. A runner of this host is seen by its process: it holds the lock, or is the one that the
/// journal names; one of another host that shares this directory by its heartbeat alone.
#[must_use]
pub fn runner_liveness(context: &AppContext, id: &TaskId, view: &TaskView) -> RunnerLiveness {
    let owner = view.prepared.as_ref().zip(view.connection.as_ref()).and_then(|(prepared, connection)| {
        let claim = super::run_task::claim(prepared, connection);
        let owner = locks::owner(&context.directories.state, &claim.cluster, claim.tenants.first().copied());
        owner.filter(|owner| owner.task == *id)
    });
    let now = context.now();
    let beats = view.connection.as_ref().map_or(10_000, |connection| connection.limits.heartbeat);
    let limit = Duration::from_millis(beats.saturating_mul(3));
    let age = heartbeat::age(&context.directories.state, id, now).ok().flatten();
    let named = view.runner.zip(view.runner_process.as_deref()).map(|(pid, mark)| process::lives(pid, mark));
    let pid = match (&owner, named.flatten(), view.runner) {
        (Some(owner), _, _) => owner.pid,
        (None, Some(true), Some(pid)) => pid,
        // A runner may write one more heartbeat after its `RunnerEnded`; it is ignored.
        (None, None, Some(_)) if age.is_some_and(|age| age < limit) => return RunnerLiveness::Responsive,
        (None, _, _) => return RunnerLiveness::Exited,
    };
    // One that has just taken the task has not beaten yet.
    let taken = owner.and_then(|owner| Duration::try_from(now.duration_since(owner.at)).ok());
    let silence = age.into_iter().chain(taken).min().unwrap_or_default();
    if silence < limit {
        return RunnerLiveness::Responsive;
    }
    let since = now.checked_sub(silence).unwrap_or(now);
    RunnerLiveness::Unresponsive(TaskView::runner_silent(id.as_str(), pid, since, silence.as_secs()))
}
