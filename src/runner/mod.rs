//! The runner: takes a task step by step to its verdict and writes everything it observes and does to the journal. It has no
//! user interface; watchers read the journal.

mod actions;
mod progress_watch;
mod requests;
mod stall;
mod storage_proof;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use crate::backend::{DialectKey, Observed, StepContext, StepObservation, System, Waiting};
use crate::config::directories::who;
use crate::domain::connection::Limits;
use crate::domain::fault::{Cause, Fault};
use crate::domain::outcome::{Outcome, VerdictKind};
use crate::domain::plan::{Action, Need, TargetPlan};
use crate::domain::progress::ProgressMeter;
use crate::domain::step::{StepKind, StepState};
use crate::domain::target::TargetName;
use crate::domain::task::{COMPACT, Event, Prepared, TaskView};
use crate::journal::clock::now;
use crate::journal::requests::Inbox;
use crate::journal::tasks::TaskId;
use crate::journal::{Writer, heartbeat};
use progress_watch::{Attention, StepWatch};
use requests::PendingCancel;

/// Runs one task.
pub struct Runner {
    state: PathBuf,
    task: TaskId,
    writer: Writer<Event>,
    view: TaskView,
    prepared: Prepared,
    limits: Limits,
    system: System,
    inbox: Inbox,
    /// A requested cancel that is not done yet.
    cancel: Option<PendingCancel>,
    meters: BTreeMap<TargetName, ProgressMeter>,
    begun: Instant,
    /// Whether a major compaction was requested for this attempt, whatever the plan says.
    compact_first: bool,
    /// Whether the server has required a compaction in this attempt.
    went_back: bool,
    /// Whether the compaction step comes next.
    goes_back: bool,
    /// The dialect for which the plan was last compared with the preview.
    compared: Option<DialectKey>,
    /// The targets of this attempt; `None` before it has started.
    attempted: Option<Vec<TargetName>>,
}

/// The result of a finished step for one target.
struct StepResult {
    state: StepState,
    detail: String,
    fault: Option<Fault>,
    outcome: Option<Box<Outcome>>,
}

impl StepResult {
    fn passed(state: StepState, detail: String) -> Self {
        Self { state, detail, fault: None, outcome: None }
    }

    /// Returns whether the step succeeded, with a restorable outcome where it has one.
    fn is_success(&self) -> bool {
        matches!(self.state, StepState::Ok | StepState::NotNeeded)
            && self.outcome.as_ref().is_none_or(|outcome| outcome.verdict == VerdictKind::Restorable)
    }

    fn failed(fault: Fault) -> Self {
        let outcome = Some(Box::new(Outcome::failed(fault.clone(), None)));
        Self { state: StepState::Failed, detail: fault.what.clone(), fault: Some(fault), outcome }
    }

    fn unknown(fault: Fault) -> Self {
        let outcome = Some(Box::new(Outcome::unknown(fault.clone())));
        Self { state: StepState::Unknown, detail: fault.what.clone(), fault: Some(fault), outcome }
    }

    fn from_outcome(outcome: Box<Outcome>) -> Self {
        let state = match outcome.verdict {
            VerdictKind::Restorable | VerdictKind::NotYetRestorable | VerdictKind::NotRestorable => StepState::Ok,
            VerdictKind::Failed => StepState::Failed,
            VerdictKind::Cancelled => StepState::Cancelled,
            VerdictKind::Unknown => StepState::Unknown,
        };
        let first = outcome.fault.as_ref().map(|fault| fault.what.clone()).or_else(|| outcome.notes.first().cloned());
        let detail = first.unwrap_or_default();
        Self { state, detail, fault: outcome.fault.clone(), outcome: Some(outcome) }
    }
}

impl Runner {
    /// Returns a runner for a task whose journal has a `created` event; the caller holds the locks.
    ///
    /// # Errors
    /// The journal names no plan.
    pub fn new(
        state: PathBuf,
        task: TaskId,
        writer: Writer<Event>,
        view: TaskView,
        system: System,
    ) -> Result<Self, Fault> {
        let (Some(prepared), Some(connection)) = (&view.prepared, &view.connection) else {
            return Err(Fault::new(
                Cause::Internal,
                format!("Task {task} cannot be run."),
                "Its journal does not say what was confirmed.",
                "Start the backup anew.",
            ));
        };
        let (prepared, limits) = ((**prepared).clone(), connection.limits);
        let inbox = Inbox::new(&state, &task, 0);
        let mut system = system;
        system.require_identity_of(&prepared.plan);
        let begun = Instant::now();
        Ok(Self {
            state,
            task,
            writer,
            view,
            prepared,
            limits,
            system,
            inbox,
            cancel: None,
            meters: BTreeMap::new(),
            begun,
            compact_first: false,
            went_back: false,
            goes_back: false,
            compared: None,
            attempted: None,
        })
    }

    /// Sets whether a major compaction was requested before the backup.
    #[must_use]
    pub fn compacting(mut self, first: bool) -> Self {
        self.compact_first = first;
        self
    }

    /// Starts an attempt: from now on the journal names this process as the one that works on the task.
    ///
    /// # Errors
    /// The journal cannot be written.
    pub fn begin(&mut self) -> Result<(), Fault> {
        let attempt = self.view.attempt + 1;
        let targets: Vec<TargetName> = self
            .view
            .targets
            .iter()
            .filter(|target| target.wants_retry())
            .map(|target| target.target.clone())
            .collect();
        let anew = self.view.targets.iter().any(crate::domain::task::TargetView::needs_new_backup);
        self.attempted = Some(targets.clone());
        // First, because it reserves the space for an exit message.
        heartbeat::beat(&self.state, &self.task, now())?;
        heartbeat::clear_exit_message(&self.state, &self.task)?;
        let (pid, process) = (std::process::id(), crate::process::mark());
        self.write(&Event::RunnerStarted { pid, attempt, anew, targets, process })?;
        if self.compact_first {
            let (request, verb, who) = (format!("compact.{attempt}"), COMPACT.to_owned(), who());
            self.write(&Event::Request {
                request,
                verb,
                who,
                answer: "a major compaction comes first".to_owned(),
                fault: None,
            })?;
        }
        Ok(())
    }

    /// Runs the task to its end: every target is finished, stopped or has a verdict.
    ///
    /// # Errors
    /// The journal cannot be written; then nothing more is done.
    pub async fn run(mut self) -> Result<TaskView, Fault> {
        if self.attempted.is_none() {
            self.begin()?;
        }
        let targets = self.attempted.clone().unwrap_or_default();
        let (state, task, every) =
            (self.state.clone(), self.task.clone(), Duration::from_millis(self.limits.heartbeat));
        let pulse = tokio::spawn(async move {
            loop {
                tokio::time::sleep(every).await;
                // A heartbeat that cannot be written appears as an old one, which is correct.
                let _ = heartbeat::beat(&state, &task, now());
            }
        });
        let kinds: Vec<StepKind> = self
            .prepared
            .plan
            .targets
            .first()
            .map_or_else(Vec::new, |target| target.steps.iter().map(|step| step.kind).collect());
        let mut outcome = Ok(());
        let mut at = 0;
        while let Some(kind) = kinds.get(at).copied() {
            outcome = self.run_step(kind, &targets).await;
            if outcome.is_err() {
                break;
            }
            let back = std::mem::take(&mut self.goes_back).then_some(StepKind::Compact);
            at = back.and_then(|step| kinds.iter().position(|kind| *kind == step)).unwrap_or(at + 1);
        }
        pulse.abort();
        outcome?;
        self.answer_pending()?;
        let reason = if self.view.targets.iter().all(|target| target.outcome.is_some()) { "done" } else { "stopped" };
        self.write(&Event::RunnerEnded { reason: reason.to_owned() })?;
        Ok(self.view)
    }

    /// Returns the targets that have reached this step and not finished it.
    fn targets_at_step(&self, kind: StepKind, of: &[TargetName]) -> Vec<TargetPlan> {
        self.prepared
            .plan
            .targets
            .iter()
            .filter(|plan| of.contains(&plan.target))
            .filter(|plan| {
                self.view.target(&plan.target).is_some_and(|view| {
                    view.outcome.is_none()
                        && view.current().is_some_and(|step| step.kind == kind && !step.state.is_stopped())
                })
            })
            .cloned()
            .collect()
    }

    async fn run_step(&mut self, kind: StepKind, of: &[TargetName]) -> Result<(), Fault> {
        let mut open = self.targets_at_step(kind, of);
        self.write_batch(|runner| {
            let running = || StepResult::passed(StepState::Running, String::new());
            open.iter().try_for_each(|target| runner.step(&target.target, kind, running()))
        })?;
        if kind == StepKind::Upload {
            // The progress starts anew, with the dumped bytes as the total.
            self.meters.clear();
        }
        let mut patience = StepWatch::new(self.limits);
        let mut sent = actions::SentActions::default();
        while !open.is_empty() {
            self.read_requests()?;
            self.process_cancel(kind, &mut open).await?;
            if open.is_empty() {
                break;
            }
            let looked = self.look(kind, &open).await;
            let seen = match looked {
                Ok(seen) => seen,
                Err(fault) => {
                    self.system.disconnect();
                    let begun = self.may_have_job(kind, &open);
                    if let Some(settled) = patience.record_no_answer(begun, &fault, Instant::now()) {
                        for target in open.drain(..) {
                            self.finish_step(&target.target, kind, settled(&fault))?;
                        }
                    } else {
                        let silence = Attention { reason: fault.why.clone(), fault };
                        for target in &open {
                            let what = &silence.fault.what;
                            self.waiting(&target.target, kind, what, Some(&silence), &mut patience)?;
                        }
                        tokio::time::sleep(patience.next_poll_interval(false)).await;
                    }
                    continue;
                }
            };
            patience.answered();
            let all = open.into_iter().zip(seen);
            let taken = self.write_batch(|runner| {
                let mut taken = StepEffects::default();
                for (target, seen) in all {
                    let took = runner.record_observation(kind, &target, seen, &mut patience, &mut sent)?;
                    taken.add(target, took);
                }
                Ok(taken)
            })?;
            let StepEffects { still, acts, moved, stuck, given_up } = taken;
            open = still;
            for (target, fault) in given_up {
                self.fail_unchanged_archive(kind, &target, fault).await?;
            }
            self.diagnose_stalls(kind, &stuck, &mut patience).await?;
            if !acts.is_empty() {
                let failed = self.act(kind, acts, &mut sent).await?;
                for (target, settled) in failed {
                    open.retain(|plan| plan.target != target);
                    if let Some(settled) = settled {
                        self.finish_step(&target, kind, settled)?;
                    }
                }
                continue;
            }
            if !open.is_empty() {
                tokio::time::sleep(patience.next_poll_interval(moved)).await;
            }
        }
        Ok(())
    }

    /// Returns the current step context.
    fn step_context(&self) -> StepContext<'_> {
        StepContext {
            task: self.task.as_str(),
            prepared: &self.prepared,
            view: &self.view,
            attempt: self.view.attempt,
            now: now(),
        }
    }

    /// Returns whether a start of any of these targets was sent, so that a job may exist.
    fn may_have_job(&self, kind: StepKind, open: &[TargetPlan]) -> bool {
        let run = context_of(&self.task, &self.prepared, &self.view);
        kind > StepKind::StartBackup || open.iter().any(|target| run.start_intent(&target.target).is_some())
    }

    async fn look(&mut self, kind: StepKind, open: &[TargetPlan]) -> Result<Vec<Observed>, Fault> {
        let run = context_of(&self.task, &self.prepared, &self.view);
        let targets: Vec<&TargetPlan> = open.iter().collect();
        self.system.observe_step(&run, kind, &targets).await
    }

    /// Records the observation of one target in the journal and returns what follows from it.
    fn record_observation(
        &mut self,
        kind: StepKind,
        target: &TargetPlan,
        seen: Observed,
        patience: &mut StepWatch,
        sent: &mut actions::SentActions,
    ) -> Result<StepEffect, Fault> {
        let name = &target.target;
        if let Some(job) = seen.job {
            let known = self.view.target(name);
            let news = known
                .is_none_or(|view| view.job != Some(job.job_id) || (job.set_id.is_some() && view.set != job.set_id));
            if news {
                self.write(&Event::Job { target: name.clone(), job: job.job_id, set: job.set_id, kind: job.kind })?;
            }
        }
        let settled = match seen.observation {
            StepObservation::Done(detail) => {
                let planned_idle = matches!(target.step(kind).map(|step| &step.need), Some(Need::NotNeeded(_)));
                let state = if planned_idle { StepState::NotNeeded } else { StepState::Ok };
                StepResult::passed(state, detail)
            }
            StepObservation::NotNeeded(why) => StepResult::passed(StepState::NotNeeded, why),
            StepObservation::Failed(fault) => StepResult::failed(fault),
            StepObservation::Unknown(fault) => StepResult::unknown(fault),
            StepObservation::JobFailed(outcome) | StepObservation::Verdict(outcome) => {
                StepResult::from_outcome(outcome)
            }
            StepObservation::NotStarted { intent, proof } => {
                let attempt = self.view.intents.iter().find(|view| view.intent == intent).map(|view| view.attempt);
                self.write(&Event::NotStarted { intent, proof: proof.clone() })?;
                if attempt != Some(self.view.attempt) {
                    // The start of an earlier attempt is reconciled; this attempt observes again and starts.
                    return Ok(StepEffect::Waiting { progressed: true });
                }
                StepResult::failed(Fault::new(
                    Cause::Server,
                    format!("The start of the backup of {name} got no answer, and nothing was started."),
                    format!("It is proven: {proof}."),
                    "Retry sends it again, once.",
                ))
            }
            StepObservation::NeedsAction(action) => {
                if let Some(settled) = self.check_confirmed(kind, target, &action, sent) {
                    settled
                } else if sent.contains(name, &action) && !matches!(action, Action::ProveOnStorage { .. }) {
                    let waiting = Waiting::new("the server accepted it and does not show it yet", false);
                    return self.keep_waiting(kind, name, &waiting, patience);
                } else {
                    return Ok(StepEffect::Action(action));
                }
            }
            StepObservation::Wait(waiting) => return self.keep_waiting(kind, name, &waiting, patience),
            StepObservation::Pending { what, at_least, outcome } => {
                if !patience.is_archive_wait_over(name, at_least, Instant::now()) {
                    return self.keep_waiting(kind, name, &Waiting::new(what, true), patience);
                }
                StepResult::from_outcome(outcome)
            }
        };
        // Only a success counts as progress; any other result replaces the attention.
        if settled.is_success() {
            patience.record_movement(name, Instant::now());
            self.write_recovery(name, kind, &settled.detail, patience)?;
        } else {
            patience.take_attention(name);
        }
        self.finish_step(name, kind, settled)?;
        Ok(StepEffect::StepResult)
    }

    fn finish_step(&mut self, name: &TargetName, kind: StepKind, settled: StepResult) -> Result<(), Fault> {
        let outcome = settled.outcome.clone();
        self.step(name, kind, settled)?;
        let Some(outcome) = outcome else { return Ok(()) };
        let restorable = outcome.verdict == VerdictKind::Restorable;
        self.write(&Event::Verdict { target: name.clone(), outcome })?;
        // Progress is 100 % only once the backup is known to be restorable.
        if restorable && let Some(progress) = self.meters.get(name).and_then(ProgressMeter::finished) {
            self.write(&Event::Progress { target: name.clone(), progress })?;
        }
        Ok(())
    }

    fn step(&mut self, name: &TargetName, step: StepKind, settled: StepResult) -> Result<(), Fault> {
        let StepResult { state, detail, fault, .. } = settled;
        self.write(&Event::Step { target: name.clone(), step, state, detail, fault })
    }

    /// Writes the events of `take` as one batch, which is synced to disk before anything follows from them.
    fn write_batch<T>(&mut self, take: impl FnOnce(&mut Self) -> Result<T, Fault>) -> Result<T, Fault> {
        self.writer.gather();
        let taken = take(self);
        let synced = self.writer.sync();
        let taken = taken?;
        synced.map(|()| taken)
    }

    /// Writes an event; all except progress and waits are on disk before anything follows from them.
    fn write(&mut self, event: &Event) -> Result<(), Fault> {
        let at: Timestamp = now();
        let durable = !matches!(event, Event::Progress { .. } | Event::Waiting { .. });
        self.writer.append(at, event, durable)?;
        self.view.apply(at, event);
        Ok(())
    }
}

/// Returns the step context from the parts of the runner.
fn context_of<'a>(task: &'a TaskId, prepared: &'a Prepared, view: &'a TaskView) -> StepContext<'a> {
    StepContext { task: task.as_str(), prepared, view, attempt: view.attempt, now: now() }
}

/// The effects of an observation, by target.
#[derive(Default)]
struct StepEffects {
    still: Vec<TargetPlan>,
    acts: Vec<(TargetPlan, Action)>,
    moved: bool,
    stuck: Vec<(TargetPlan, Waiting)>,
    given_up: Vec<(TargetPlan, Fault)>,
}

impl StepEffects {
    fn add(&mut self, target: TargetPlan, took: StepEffect) {
        match took {
            StepEffect::StepResult => self.moved = true,
            StepEffect::Action(action) => {
                self.acts.push((target.clone(), action));
                self.still.push(target);
            }
            StepEffect::Waiting { progressed } => {
                self.moved |= progressed;
                self.still.push(target);
            }
            StepEffect::Stalled(waiting) => {
                self.stuck.push((target.clone(), waiting));
                self.still.push(target);
            }
            StepEffect::GivenUp(fault) => self.given_up.push((target, fault)),
        }
    }
}

/// The effect of an observation of one target.
enum StepEffect {
    /// The target finished this step or stopped in it.
    StepResult,
    /// This action is to be executed.
    Action(Action),
    /// There was no progress for too long.
    Stalled(Waiting),
    /// The wait timed out, and the server may tell why.
    GivenUp(Fault),
    /// The target waits.
    Waiting {
        /// Whether there was progress since the last observation.
        progressed: bool,
    },
}
