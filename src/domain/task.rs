//! A task: its events, which the journal keeps, and its state, which is a pure fold of them.

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
mod log_line;
mod retry;
mod shared;
#[cfg(test)]
mod tests;

pub use damage::UnreadableEvent;
pub use event::{COMPACT, Event, ServerConnection};
pub use log_line::{LogLine, log_line, state_word, unknown};
pub use retry::RetryEffect;
pub use shared::{shared, unshared};

/// A step as it is shown before the start, and as it is compared before each statement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreviewStep {
    /// The target.
    pub target: TargetName,
    /// The step.
    pub step: StepKind,
    /// Whether the step has something to do.
    pub needed: bool,
    /// The statements, in order, with secrets as `***`.
    pub statements: Vec<String>,
    /// What the step changes.
    pub effect: String,
    /// What the step interrupts; empty: nothing.
    pub interrupts: String,
}

/// A plan together with what was shown of it; a task stores both and does nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prepared {
    /// The task it was prepared for.
    pub task: String,
    /// The plan.
    pub plan: Plan,
    /// The steps as they are shown, by target, then in order.
    #[serde(with = "shared")]
    pub preview: Vec<PreviewStep>,
    /// The hash of plan and preview, which the user confirms.
    pub digest: String,
}

/// The state of one target's step.
#[derive(Debug, Clone, PartialEq)]
pub struct StepView {
    /// The step.
    pub kind: StepKind,
    /// Its state.
    pub state: StepState,
    /// A short description of what it does or found.
    pub detail: String,
    /// Why it failed, or an attention while it runs.
    pub fault: Option<Fault>,
    /// When it began.
    pub started: Option<Timestamp>,
    /// When it ended.
    pub ended: Option<Timestamp>,
}

impl StepView {
    /// Enters a state at a time: a step begins with its first state that is not pending, and has ended unless it runs.
    fn enter(&mut self, at: Timestamp, state: StepState) {
        if state != StepState::Pending {
            self.started.get_or_insert(at);
            self.ended = (state != StepState::Running).then_some(at);
        }
        self.state = state;
    }
}

/// The state of one target.
#[derive(Debug, Clone, PartialEq)]
pub struct TargetView {
    /// The target.
    pub target: TargetName,
    /// Its steps.
    pub steps: Vec<StepView>,
    /// The id of the server's job, once it was found.
    pub job: Option<u64>,
    /// The id of the set that the job makes.
    pub set: Option<u64>,
    /// The latest progress.
    pub progress: Option<Progress>,
    /// The outcome, once the target has ended.
    pub outcome: Option<Outcome>,
    /// The latest attempt that included it; 0: none yet.
    pub attempt: u32,
    /// The attempt in which its present backup began; intents of earlier attempts belong to other backups.
    pub anew_since: u32,
    /// Whether the job was started by another program or task and is only watched.
    pub attached: bool,
}

impl TargetView {
    /// Returns the step that is running, has stopped, or is next; None: all have passed.
    #[must_use]
    pub fn current(&self) -> Option<&StepView> {
        self.steps.iter().find(|step| !step.state.is_passed())
    }

    /// Returns the step of that kind.
    #[must_use]
    pub fn step(&self, kind: StepKind) -> Option<&StepView> {
        self.steps.iter().find(|step| step.kind == kind)
    }

    /// Whether nothing more happens without a new attempt.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.outcome.is_some() || self.current().is_some_and(|step| step.state.is_stopped())
    }

    /// Whether a Retry has something to do: the target stopped, or its verdict may still change.
    #[must_use]
    pub fn wants_retry(&self) -> bool {
        match &self.outcome {
            // A backup that was only watched is not repeated; only what may still change is read again.
            Some(outcome) if self.attached => outcome.may_still_change(),
            Some(outcome) => outcome.may_be_retried(),
            None => true,
        }
    }

    /// Whether it stopped while its dump was uploaded to an object storage.
    #[must_use]
    pub fn stopped_in_upload(&self) -> bool {
        self.step(StepKind::Upload).is_some_and(|step| step.state.is_stopped())
    }

    /// Whether a Retry starts a new backup, because the server's job failed or was cancelled, instead of only reading its state.
    #[must_use]
    pub fn needs_new_backup(&self) -> bool {
        !self.attached
            && self.job.is_some()
            // The dump is complete on this host: only its upload is repeated.
            && !self.stopped_in_upload()
            && self.outcome.as_ref().is_some_and(Outcome::needs_new_backup)
    }
}

/// An intent, and what is known of its answer.
#[derive(Debug, Clone, PartialEq)]
pub struct IntentView {
    /// The number of the intent within the task.
    pub intent: u32,
    /// The targets.
    pub targets: Vec<TargetName>,
    /// The step.
    pub step: StepKind,
    /// The attempt.
    pub attempt: u32,
    /// The mark that the job carries.
    pub description: Option<String>,
    /// The highest job id read before it.
    pub highest_job: Option<u64>,
    /// The connection that sends it, as the servers list it.
    pub connection: Option<ServerConnection>,
    /// The endpoint of that connection.
    pub server: String,
    /// The statement's own limit on the server, in milliseconds.
    pub server_limit: u64,
    /// When it was written.
    pub at: Timestamp,
    /// Whether the server answered; None: no event says what became of the statement.
    pub answered: Option<bool>,
    /// Whether the server refused the statement.
    pub refused: bool,
    /// The fault of the refusal; None: there is none.
    pub refusal: Option<Fault>,
    /// Whether it is proven that it started nothing.
    pub known_not_started: bool,
}

impl IntentView {
    /// Returns the state of an intent that was just written; `None` for another event.
    fn from_event(at: Timestamp, event: &Event) -> Option<Self> {
        let Event::Intent {
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
        } = event
        else {
            return None;
        };
        Some(Self {
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
            known_not_started: false,
        })
    }

    fn take_answer(&mut self, fault: Option<&Fault>, answered: bool) {
        self.answered = Some(answered);
        self.refused = answered && fault.is_some();
        self.refusal = fault.filter(|_| answered).cloned();
    }
}

/// The state of a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskState {
    /// A runner is working on it.
    Running,
    /// The backup of every target is complete, whatever it can be restored to.
    Done,
    /// A target failed.
    Failed,
    /// A target was cancelled.
    Cancelled,
    /// The result is not known.
    Unknown,
    /// Its runner's heartbeat is old, and the task has not ended.
    RunnerGone,
}

impl TaskState {
    /// Returns the word of JSON and of the screen.
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

/// A task as its events leave it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TaskView {
    /// What the user confirmed; None until `created` was read.
    pub prepared: Option<Box<Prepared>>,
    /// How to reach the target.
    pub connection: Option<Box<Connection>>,
    /// The user who started it.
    pub by: String,
    /// When it was created.
    pub created: Option<Timestamp>,
    /// When its last event was written.
    pub last: Option<Timestamp>,
    /// The latest attempt; 0: no runner has started yet.
    pub attempt: u32,
    /// The runner's process id; None: the runner has left.
    pub runner: Option<u32>,
    /// What identifies the runner's process among all others, past and present, on its host.
    pub runner_process: Option<String>,
    /// The numbers of the journal's damaged lines, from 1.
    pub damaged: Vec<u64>,
    /// How many events this obnow does not know: a later release wrote them, or they are damaged.
    pub unknown: u32,
    /// How many events refer to what the journal does not have: an answer to no statement, a statement for a target outside
    /// the plan.
    pub contradictions: u32,
    /// Its targets.
    pub targets: Vec<TargetView>,
    /// Every intent, in order.
    pub intents: Vec<IntentView>,
    /// The ids of the requests that were answered.
    pub requests: BTreeSet<String>,
    /// The attempt in which a major compaction before the backup was last requested.
    pub compact_asked: Option<u32>,
}

impl TaskView {
    /// Folds all events.
    #[must_use]
    pub fn fold<'a>(events: impl IntoIterator<Item = (Timestamp, &'a Event)>) -> Self {
        let mut view = Self::default();
        for (at, event) in events {
            view.apply(at, event);
        }
        view
    }

    /// Returns the target of that name.
    #[must_use]
    pub fn target(&self, name: &TargetName) -> Option<&TargetView> {
        self.targets.iter().find(|target| target.target == *name)
    }

    /// Whether a running job of a target was started by this task, whose id is `id`: by the mark that the job carries or, below
    /// V4, where no job carries one, by its id, which is the set's.
    #[must_use]
    pub fn has_job(&self, id: &str, job: &JobFacts, target: &TargetName) -> bool {
        if self.prepared.as_ref().is_some_and(|prepared| prepared.plan.is_per_cluster) {
            return self.target(target).is_some_and(|known| known.job == Some(job.job_id));
        }
        job.task() == Some(id)
    }

    /// Whether a target is the first one with this fault of this step: what stops the full cluster stops each of its targets, and
    /// is shown once.
    #[must_use]
    pub fn is_first_with_its_fault(&self, target: &TargetName, kind: StepKind) -> bool {
        let fault = |view: &TargetView| view.step(kind).and_then(|step| step.fault.clone());
        let own = self.target(target).and_then(fault);
        self.targets.iter().find(|other| fault(other) == own).is_none_or(|first| first.target == *target)
    }

    /// Whether this attempt was requested to perform a major compaction before the backup.
    #[must_use]
    pub fn compacts_first(&self) -> bool {
        self.compact_asked == Some(self.attempt)
    }

    /// Returns the state; `alive` is whether the runner's heartbeat is fresh.
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

    /// Whether one of these targets is not in the plan; false where the plan was not read.
    fn is_outside_the_plan(&self, targets: &[TargetName]) -> bool {
        self.created.is_some() && targets.iter().any(|name| self.target(name).is_none())
    }

    /// Applies one more event.
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
                    view.enter(at, *state);
                    view.detail.clone_from(detail);
                    view.fault.clone_from(fault);
                }
            }
            Event::Intent { targets, .. } => {
                self.contradictions += u32::from(self.is_outside_the_plan(targets));
                self.intents.extend(IntentView::from_event(at, event));
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
                    view.known_not_started = true;
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

    /// Applies the start of a runner: the targets of its attempt leave their stopped steps.
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
                    // The backup may have become restorable since, so the verdict is read again.
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
