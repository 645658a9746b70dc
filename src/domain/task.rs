//! A task: its events as the journal keeps them, and its state as their pure fold.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::connection::Connection;
use super::facts::JobFacts;
use super::fault::Fault;
use super::outcome::Outcome;
use super::plan::Plan;
use super::progress::Progress;
use super::step::{StepKind, StepState};
use super::target::TargetName;

mod damage;
mod event;
mod retry;
mod shared;
#[cfg(test)]
mod tests;
mod told;

pub use damage::Unread;
pub use event::{COMPACT, Event, ServerConnection};
pub use retry::Retry;
pub use shared::{shared, unshared};
pub use told::{Told, state_word, told, unknown};

/// One step as it is shown before the start and compared before each act.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreviewStep {
    /// Whose step.
    pub target: TargetName,
    /// Which step.
    pub step: StepKind,
    /// Whether there is something to do.
    pub needed: bool,
    /// The statements, in order, secrets as `***`.
    pub statements: Vec<String>,
    /// What it changes.
    pub effect: String,
    /// What it interrupts; empty: nothing.
    pub interrupts: String,
}

/// A plan together with what was shown of it; a task stores it and is held to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prepared {
    /// The task it was prepared for.
    pub task: String,
    /// The plan.
    pub plan: Plan,
    /// What is shown, target by target and step by step.
    #[serde(with = "shared")]
    pub preview: Vec<PreviewStep>,
    /// A hash over plan and preview: what a person confirms.
    pub digest: String,
}

/// The state of a step of one target, folded.
#[derive(Debug, Clone, PartialEq)]
pub struct StepView {
    /// Which step.
    pub kind: StepKind,
    /// Its state.
    pub state: StepState,
    /// What is to say about it.
    pub detail: String,
    /// Why it failed, or attention while it runs.
    pub fault: Option<Fault>,
    /// When it began.
    pub started: Option<Timestamp>,
    /// When it ended.
    pub ended: Option<Timestamp>,
}

/// The state of one target, folded.
#[derive(Debug, Clone, PartialEq)]
pub struct TargetView {
    /// The target.
    pub target: TargetName,
    /// Its steps.
    pub steps: Vec<StepView>,
    /// The server's job, once found.
    pub job: Option<u64>,
    /// The set it makes.
    pub set: Option<u64>,
    /// How far it is.
    pub progress: Option<Progress>,
    /// Its end.
    pub outcome: Option<Outcome>,
    /// The attempt it was last part of.
    pub attempt: u32,
    /// The attempt its present backup began with; starts of earlier attempts made other backups.
    pub anew_since: u32,
    /// Somebody else's job, only watched.
    pub attached: bool,
}

impl TargetView {
    /// The step that is running, stopped, or next.
    #[must_use]
    pub fn current(&self) -> Option<&StepView> {
        self.steps.iter().find(|step| !step.state.is_passed())
    }

    /// The step of that kind.
    #[must_use]
    pub fn step(&self, kind: StepKind) -> Option<&StepView> {
        self.steps.iter().find(|step| step.kind == kind)
    }

    /// Whether nothing more happens without a new attempt.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.outcome.is_some() || self.current().is_some_and(|step| step.state.is_stopped())
    }

    /// Whether a Retry has something to do: it stopped, or its verdict may still change.
    #[must_use]
    pub fn wants_retry(&self) -> bool {
        match &self.outcome {
            // Somebody else's backup is not repeated; only what may still change is looked at again.
            Some(outcome) if self.attached => outcome.may_still_change(),
            Some(outcome) => outcome.may_be_retried(),
            None => true,
        }
    }

    /// Whether it stopped on the way of a dump to an object storage.
    #[must_use]
    pub fn stopped_in_upload(&self) -> bool {
        self.step(StepKind::Upload).is_some_and(|step| step.state.is_stopped())
    }

    /// Whether a Retry starts a new backup (the server's job failed or was cancelled) and not only looks again.
    #[must_use]
    pub fn needs_new_backup(&self) -> bool {
        !self.attached
            && self.job.is_some()
            // What was dumped is on this host: only its way to the storage is repeated.
            && !self.stopped_in_upload()
            && self.outcome.as_ref().is_some_and(Outcome::needs_new_backup)
    }
}

/// An intent whose answer may be missing.
#[derive(Debug, Clone, PartialEq)]
pub struct IntentView {
    /// Its number.
    pub intent: u32,
    /// The targets.
    pub targets: Vec<TargetName>,
    /// The step.
    pub step: StepKind,
    /// The attempt.
    pub attempt: u32,
    /// The marker of the job.
    pub description: Option<String>,
    /// The highest job id seen before it.
    pub highest_job: Option<u64>,
    /// The sending connection.
    pub connection: Option<ServerConnection>,
    /// Its endpoint.
    pub server: String,
    /// Milliseconds after which the server gives up.
    pub server_limit: u64,
    /// When it was written.
    pub at: Timestamp,
    /// None: no event says what became of it. Some(true): the server answered.
    pub answered: Option<bool>,
    /// Whether the answer was a refusal.
    pub refused: bool,
    /// The refusal.
    pub refusal: Option<Fault>,
    /// Proven not to have started anything.
    pub settled_as_not_started: bool,
}

impl IntentView {
    fn take_answer(&mut self, fault: Option<&Fault>, answered: bool) {
        self.answered = Some(answered);
        self.refused = answered && fault.is_some();
        self.refusal = fault.filter(|_| answered).cloned();
    }
}

/// The words of a task's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskState {
    /// A runner is at it.
    Running,
    /// Every target has ended with a backup that is done.
    Done,
    /// A target failed.
    Failed,
    /// A target was cancelled.
    Cancelled,
    /// Nobody knows.
    Unknown,
    /// It should run, and its runner's heartbeat is old.
    RunnerGone,
}

impl TaskState {
    /// The word of JSON and of the screen.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Unknown => "unknown",
            Self::RunnerGone => "runner_gone",
        }
    }
}

/// A task, folded from its events.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TaskView {
    /// What was confirmed; None until `created` was read.
    pub prepared: Option<Box<Prepared>>,
    /// How to reach the target.
    pub connection: Option<Box<Connection>>,
    /// Who started it.
    pub by: String,
    /// When it was created.
    pub created: Option<Timestamp>,
    /// When its last event was written.
    pub last: Option<Timestamp>,
    /// The highest attempt so far.
    pub attempt: u32,
    /// The runner, while it has not left.
    pub runner: Option<u32>,
    /// What tells the runner's process apart from every other.
    pub runner_process: Option<String>,
    /// The lines of the journal that are damaged, from 1.
    pub damaged: Vec<u64>,
    /// How many events this obnow does not know: a later one wrote them, or they are damaged.
    pub unknown: u32,
    /// How many events speak of what is not in the journal: an answer to no statement, a statement for a target outside the plan.
    pub contradictions: u32,
    /// Its targets.
    pub targets: Vec<TargetView>,
    /// All intents.
    pub intents: Vec<IntentView>,
    /// Requests that were answered.
    pub requests: BTreeSet<String>,
    /// The last attempt that was asked to perform a major compaction first.
    pub compact_asked: Option<u32>,
}

impl TaskView {
    /// The fold of all events.
    #[must_use]
    pub fn fold<'a>(events: impl IntoIterator<Item = (Timestamp, &'a Event)>) -> Self {
        let mut view = Self::default();
        for (at, event) in events {
            view.apply(at, event);
        }
        view
    }

    /// The target of that name.
    #[must_use]
    pub fn target(&self, name: &TargetName) -> Option<&TargetView> {
        self.targets.iter().find(|target| target.target == *name)
    }

    /// Whether a running job of a target is this task's, whose id is `id`: by the mark it carries or, below V4, where no job
    /// carries one, by the set it makes.
    #[must_use]
    pub fn has_job(&self, id: &str, job: &JobFacts, target: &TargetName) -> bool {
        if self.prepared.as_ref().is_some_and(|prepared| prepared.plan.whole) {
            return self.target(target).is_some_and(|known| known.job == Some(job.job_id));
        }
        job.task() == Some(id)
    }

    /// Whether the fault of a step of a target is said for it: what stops a whole cluster stops each of its targets,
    /// and is said for the first of them.
    #[must_use]
    pub fn is_first_with_its_fault(&self, target: &TargetName, kind: StepKind) -> bool {
        let fault = |view: &TargetView| view.step(kind).and_then(|step| step.fault.clone());
        let own = self.target(target).and_then(fault);
        self.targets.iter().find(|other| fault(other) == own).is_none_or(|first| first.target == *target)
    }

    /// Whether this attempt was asked to perform a major compaction before the backup.
    #[must_use]
    pub fn compacts_first(&self) -> bool {
        self.compact_asked == Some(self.attempt)
    }

    /// The state in one word; `alive` says whether the runner's heartbeat is fresh.
    #[must_use]
    pub fn state(&self, alive: bool) -> TaskState {
        if self.has_lost_its_beginning() {
            return TaskState::Unknown;
        }
        let over = !self.targets.is_empty() && self.targets.iter().all(TargetView::is_over);
        if !over {
            return if alive { TaskState::Running } else { TaskState::RunnerGone };
        }
        self.targets.iter().map(target_state).max_by_key(|state| severity(*state)).unwrap_or(TaskState::Unknown)
    }

    /// Whether one of them is no target of the plan, where that was read.
    fn is_outside_the_plan(&self, targets: &[TargetName]) -> bool {
        self.created.is_some() && targets.iter().any(|name| self.target(name).is_none())
    }

    /// Takes one more event in.
    pub fn apply(&mut self, at: Timestamp, event: &Event) {
        self.last = Some(at);
        match event {
            Event::Created { prepared, connection, by } => {
                self.targets = prepared.plan.targets.iter().map(fresh_target).collect();
                self.prepared = Some(prepared.clone());
                self.connection = Some(connection.clone());
                self.by.clone_from(by);
                self.created = Some(at);
            }
            Event::RunnerStarted { .. } => self.begin(event),
            Event::Step { target, step, state, detail, fault } => {
                if let Some(view) = self.step_mut(target, *step) {
                    match state {
                        StepState::Running => {
                            view.started.get_or_insert(at);
                            view.ended = None;
                        }
                        StepState::Pending => {}
                        _ => {
                            view.started.get_or_insert(at);
                            view.ended = Some(at);
                        }
                    }
                    view.state = *state;
                    view.detail.clone_from(detail);
                    view.fault.clone_from(fault);
                }
            }
            Event::Intent {
                intent,
                targets,
                step,
                attempt,
                description,
                highest_job,
                connection,
                server,
                server_limit,
                ..
            } => {
                self.contradictions += u32::from(self.is_outside_the_plan(targets));
                self.intents.push(IntentView {
                    intent: *intent,
                    targets: targets.clone(),
                    step: *step,
                    attempt: *attempt,
                    description: description.clone(),
                    highest_job: *highest_job,
                    connection: connection.clone(),
                    server: server.clone(),
                    server_limit: *server_limit,
                    at,
                    answered: None,
                    refused: false,
                    refusal: None,
                    settled_as_not_started: false,
                });
            }
            Event::Answered { intent, fault, answered } => {
                if let Some(view) = self.intents.iter_mut().find(|view| view.intent == *intent) {
                    view.take_answer(fault.as_ref(), *answered);
                } else {
                    self.contradictions += 1;
                }
            }
            Event::NotStarted { intent, .. } => {
                if let Some(view) = self.intents.iter_mut().find(|view| view.intent == *intent) {
                    view.settled_as_not_started = true;
                }
            }
            Event::Job { target, job, set, .. } => {
                if let Some(view) = self.target_mut(target) {
                    view.job = Some(*job);
                    view.set = set.or(view.set);
                }
            }
            Event::Progress { target, progress } => {
                if let Some(view) = self.target_mut(target) {
                    view.progress = Some(progress.clone());
                }
            }
            Event::Waiting { target, step, what, fault, .. } => {
                if let Some(view) = self.step_mut(target, *step) {
                    view.detail.clone_from(what);
                    view.fault.clone_from(fault);
                }
            }
            Event::Verdict { target, outcome } => {
                if let Some(view) = self.target_mut(target) {
                    view.outcome = Some((**outcome).clone());
                }
            }
            Event::Request { request, verb, .. } => {
                self.requests.insert(request.clone());
                if verb == COMPACT {
                    self.compact_asked = Some(self.attempt);
                }
            }
            Event::RunnerEnded { .. } => self.runner = None,
        }
    }

    /// A runner took the task.
    fn begin(&mut self, event: &Event) {
        let Event::RunnerStarted { pid, attempt, anew, targets, process } = event else { return };
        self.runner = Some(*pid);
        self.runner_process.clone_from(process);
        self.attempt = *attempt;
        for view in self.targets.iter_mut().filter(|view| targets.contains(&view.target)) {
            let from_the_first = *anew && view.needs_new_backup();
            view.attempt = *attempt;
            view.outcome = None;
            if from_the_first {
                view.job = None;
                view.set = None;
                view.progress = None;
                view.anew_since = *attempt;
            }
            for step in &mut view.steps {
                if from_the_first || step.state.is_stopped() || step.state == StepState::Running {
                    *step = fresh_step(step.kind);
                } else if step.kind == StepKind::ConfirmRestorable {
                    // Its verdict may have changed since, so it is read again.
                    *step = fresh_step(step.kind);
                }
            }
        }
    }

    fn target_mut(&mut self, name: &TargetName) -> Option<&mut TargetView> {
        self.targets.iter_mut().find(|target| target.target == *name)
    }

    fn step_mut(&mut self, target: &TargetName, kind: StepKind) -> Option<&mut StepView> {
        self.target_mut(target)?.steps.iter_mut().find(|step| step.kind == kind)
    }
}

fn fresh_target(plan: &super::plan::TargetPlan) -> TargetView {
    TargetView {
        target: plan.target.clone(),
        steps: plan.steps.iter().map(|step| fresh_step(step.kind)).collect(),
        job: plan.attached.as_ref().and_then(|attached| attached.job),
        set: None,
        progress: None,
        outcome: None,
        attempt: 0,
        anew_since: 0,
        attached: plan.attached.is_some(),
    }
}

fn fresh_step(kind: StepKind) -> StepView {
    StepView { kind, state: StepState::Pending, detail: String::new(), fault: None, started: None, ended: None }
}

fn target_state(target: &TargetView) -> TaskState {
    match (&target.outcome, target.current().map(|step| step.state)) {
        (Some(outcome), _) => outcome.verdict.task_state(),
        (None, Some(StepState::Cancelled)) => TaskState::Cancelled,
        (None, Some(StepState::Unknown) | None) => TaskState::Unknown,
        (None, Some(_)) => TaskState::Failed,
    }
}

fn severity(state: TaskState) -> u8 {
    match state {
        TaskState::Done => 0,
        TaskState::Running => 1,
        TaskState::Cancelled => 2,
        TaskState::Failed => 3,
        TaskState::RunnerGone => 4,
        TaskState::Unknown => 5,
    }
}
