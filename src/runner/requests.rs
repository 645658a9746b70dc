//! Requests of watchers: read at each poll, answered in the journal. Cancel is the only one.

use crate::domain::fault::{Cause, Fault};
use crate::domain::outcome::Outcome;
use crate::domain::plan::TargetPlan;
use crate::domain::step::StepKind;
use crate::domain::target::TargetName;
use crate::domain::task::{Event, TargetView};
use crate::journal::clock::now;
use crate::journal::requests::Request;

use crate::backend::CancelDecision;

use super::actions::{SendResult, unsent};
use super::{Runner, StepContext, StepResult};

/// How often CANCEL BACKUP is repeated while the job continues to run.
const MAX_REPEATS: u32 = 5;

/// A requested cancel.
pub(super) struct PendingCancel {
    ask: Request,
    /// How often CANCEL BACKUP was sent.
    sent: u32,
    /// The jobs it was to end, as tenant id and job id.
    hit: Vec<(u64, u64)>,
    /// Whether the wait for its jobs was reported.
    waits: bool,
}

impl PendingCancel {
    fn new(ask: Request) -> Self {
        Self { ask, sent: 0, hit: Vec::new(), waits: false }
    }
}

impl Runner {
    /// Reads the requests since the last poll.
    pub(super) fn read_requests(&mut self) -> Result<(), Fault> {
        for ask in self.inbox.asks()?.into_iter().flatten() {
            if self.view.requests.contains(&ask.id) {
                continue;
            }
            if ask.verb == "cancel" && self.cancel.is_none() {
                self.cancel = Some(PendingCancel::new(ask));
            } else {
                let answer = format!("this runner cannot {} now", ask.verb);
                self.answer(&ask, answer)?;
            }
        }
        Ok(())
    }

    fn answer(&mut self, ask: &Request, answer: String) -> Result<(), Fault> {
        self.answer_request_with(ask, answer, None)
    }

    /// Answers a request with a fault of this host that prevents it.
    fn answer_request_with(&mut self, ask: &Request, answer: String, fault: Option<Fault>) -> Result<(), Fault> {
        let (request, verb, who) = (ask.id.clone(), ask.verb.clone(), ask.who.clone());
        self.write(&Event::Request { request, verb, who, answer, fault })
    }

    /// Returns whether a start of this backup was sent for the target.
    fn has_started(&self, target: &TargetName) -> bool {
        self.step_context().start_intent(target).is_some()
    }

    /// Answers requests that are not done when the runner exits: the next attempt does not inherit them.
    pub(super) fn answer_pending(&mut self) -> Result<(), Fault> {
        self.read_requests()?;
        match self.cancel.take().filter(|cancelling| cancelling.sent == 0) {
            Some(cancelling) => {
                self.answer(&cancelling.ask, "too late: nothing of this attempt runs any more".to_owned())
            }
            None => Ok(()),
        }
    }

    /// Processes a requested cancel as soon as possible: before the start everything ends at once; afterwards the cancel is sent
    /// to the server and its result awaited.
    pub(super) async fn process_cancel(&mut self, kind: StepKind, open: &mut Vec<TargetPlan>) -> Result<(), Fault> {
        let Some(ask) = self.cancel.as_ref().map(|cancelling| cancelling.ask.clone()) else { return Ok(()) };
        if kind == StepKind::StartBackup && open.iter().any(|target| self.has_started(&target.target)) {
            // Whether it was started is not known yet; the next observations reconcile it.
            return Ok(());
        }
        if kind < StepKind::WaitForBackup {
            // All targets without a start end here, also those that wait for others at a later step.
            let from_outcome: Vec<TargetName> = self
                .view
                .targets
                .iter()
                .filter(|target| target.attempt == self.view.attempt && target.outcome.is_none())
                .filter(|target| target.job.is_none() && !self.has_started(&target.target))
                .map(|target| target.target.clone())
                .collect();
            open.retain(|target| !from_outcome.contains(&target.target));
            for name in from_outcome {
                let at = self.view.target(&name).and_then(TargetView::current).map_or(kind, |step| step.kind);
                let fault = Fault::new(
                    Cause::Server,
                    format!("The backup of {name} was cancelled before it was started."),
                    format!("{} asked for it.", ask.who),
                    "Retry goes on from the step it was in.",
                );
                self.finish_step(&name, at, StepResult::from_outcome(Box::new(Outcome::cancelled(fault, None))))?;
            }
            let others = self.view.targets.iter().any(|target| target.outcome.is_none() && target.job.is_some());
            if !others {
                self.cancel = None;
                return self.answer(&ask, "cancelled before anything was started".to_owned());
            }
            // A job of an earlier attempt continues; the step that waits for it handles the cancel.
            return Ok(());
        }
        if kind > StepKind::Upload {
            let sent = self.cancel.take().is_some_and(|cancelling| cancelling.sent > 0);
            let late = "too late: the backup is done, only its verdict is awaited";
            return if sent { Ok(()) } else { self.answer(&ask, late.to_owned()) };
        }
        self.cancel_jobs(kind, open).await
    }

    /// Sends the cancel once its jobs exist, and repeats it while they run, as long as no other job would be hit.
    async fn cancel_jobs(&mut self, kind: StepKind, open: &[TargetPlan]) -> Result<(), Fault> {
        let Some(mut cancelling) = self.cancel.take() else { return Ok(()) };
        let targets: Vec<&TargetPlan> = open.iter().collect();
        let run = StepContext {
            task: self.task.as_str(),
            prepared: &self.prepared,
            view: &self.view,
            attempt: self.view.attempt,
            now: now(),
        };
        let first = cancelling.sent == 0;
        let aimed = self.system.prepare_cancel(&run, &targets, &cancelling.hit).await;
        let answer = match aimed {
            Ok(CancelDecision::Send(..)) if cancelling.sent > MAX_REPEATS => {
                format!("sent {} times, and the job runs on; see on the server what keeps it", cancelling.sent)
            }
            Ok(CancelDecision::Send(act, jobs)) => {
                let names = open.iter().map(|target| target.target.clone()).collect::<Vec<_>>();
                match self.send(kind, *act, &names).await? {
                    SendResult::StepEffects => {
                        let ask = cancelling.ask.clone();
                        // A dump, and the one job below V4, end by the first.
                        if !jobs.is_empty() {
                            cancelling.sent += 1;
                            cancelling.hit = jobs;
                            self.cancel = Some(cancelling);
                        }
                        let sent = "sent; it ends when the server says so".to_owned();
                        return if first { self.answer(&ask, sent) } else { Ok(()) };
                    }
                    // V4.3.1 source, `cancel_jobs`: a server that has cancelled more than two jobs of one tenant answers this.
                    SendResult::Refused(fault) if fault.code == Some(4016) => format!(
                        "answered with an error that may come after it was done, so the jobs' own states decide: {}",
                        fault.what
                    ),
                    SendResult::NotAudited(fault) => {
                        let mut fault = unsent(fault, "the backup runs on.");
                        fault.next = format!("{} Then cancel again: obnow cancel {}.", fault.next, self.task);
                        let answer = format!("not sent: {} {}", fault.what, fault.why);
                        return self.answer_request_with(&cancelling.ask, answer, Some(fault));
                    }
                    SendResult::Refused(fault) => format!("refused: {} {}", fault.what, fault.why),
                    // The next try first checks whether the job is being cancelled already.
                    SendResult::Lost => {
                        self.cancel = Some(cancelling);
                        return Ok(());
                    }
                }
            }
            Ok(CancelDecision::NotYetRunning(what)) => {
                let said = std::mem::replace(&mut cancelling.waits, true);
                let ask = cancelling.ask.clone();
                self.cancel = Some(cancelling);
                let waits = format!("waits for {what}: CANCEL BACKUP hits nothing before it is there");
                return if said { Ok(()) } else { self.answer(&ask, waits) };
            }
            // The statement that was sent took effect.
            Ok(CancelDecision::NothingToCancel) if !first => return Ok(()),
            Ok(CancelDecision::NothingToCancel) => {
                "nothing of this task runs on the server, or it is being cancelled already".to_owned()
            }
            Ok(CancelDecision::WouldHitOtherJob(job)) => {
                format!("not sent again: {job}, runs there now and would be hit too")
            }
            // The next observation connects again.
            Err(fault) if fault.cause == Cause::Unreachable => {
                self.cancel = Some(cancelling);
                return Ok(());
            }
            Err(fault) => format!("not sent: {} {}", fault.what, fault.why),
        };
        self.answer(&cancelling.ask, answer)
    }
}
