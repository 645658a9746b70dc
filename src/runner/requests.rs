//! Requests of those who watch: read at each look, answered in the journal. Cancel is the only one.

use crate::domain::fault::{Cause, Fault};
use crate::domain::outcome::Outcome;
use crate::domain::plan::TargetPlan;
use crate::domain::step::StepKind;
use crate::domain::target::TargetName;
use crate::domain::task::{Event, TargetView};
use crate::journal::clock::now;
use crate::journal::requests::Ask;

use super::acts::Answer;
use super::{Run, Runner, Settled};

impl Runner {
    /// Takes what was asked since the last look.
    pub(super) fn take_requests(&mut self) -> Result<(), Fault> {
        for ask in self.inbox.asks()?.into_iter().flatten() {
            if self.view.requests.contains(&ask.id) {
                continue;
            }
            if ask.verb == "cancel" && self.cancel.is_none() {
                self.cancel = Some(ask);
            } else {
                let answer = format!("this runner cannot {} now", ask.verb);
                self.answer(&ask, answer)?;
            }
        }
        Ok(())
    }

    fn answer(&mut self, ask: &Ask, answer: String) -> Result<(), Fault> {
        self.write(&Event::Request { request: ask.id.clone(), verb: ask.verb.clone(), who: ask.who.clone(), answer })
    }

    /// Whether a start of this backup was sent for the target.
    fn has_started(&self, target: &TargetName) -> bool {
        self.run_view().start_intent(target).is_some()
    }

    /// Answers what was asked and is not done when the runner leaves: the next attempt is another matter.
    pub(super) fn answer_the_rest(&mut self) -> Result<(), Fault> {
        self.take_requests()?;
        match self.cancel.take() {
            Some(ask) => self.answer(&ask, "too late: nothing of this attempt runs any more".to_owned()),
            None => Ok(()),
        }
    }

    /// Does what a cancel asks for, as soon as it can be done: before the start everything ends at once; afterwards the
    /// server is told and its word awaited.
    pub(super) async fn obey_cancel(&mut self, kind: StepKind, open: &mut Vec<TargetPlan>) -> Result<(), Fault> {
        let Some(ask) = self.cancel.clone() else { return Ok(()) };
        if kind == StepKind::StartBackup && open.iter().any(|target| self.has_started(&target.target)) {
            // Whether it was started is not known yet; the next looks settle it.
            return Ok(());
        }
        if kind < StepKind::WaitForBackup {
            // Everyone who has started nothing ends here, also those who wait for the others at a later step.
            let ended: Vec<TargetName> = self
                .view
                .targets
                .iter()
                .filter(|target| target.attempt == self.view.attempt && target.outcome.is_none())
                .filter(|target| target.job.is_none() && !self.has_started(&target.target))
                .map(|target| target.target.clone())
                .collect();
            open.retain(|target| !ended.contains(&target.target));
            for name in ended {
                let at = self.view.target(&name).and_then(TargetView::current).map_or(kind, |step| step.kind);
                let fault = Fault::new(
                    Cause::Server,
                    format!("The backup of {name} was cancelled before it was started."),
                    format!("{} asked for it.", ask.who),
                    "Retry goes on from the step it was in.",
                );
                self.settle(&name, at, Settled::ended(Box::new(Outcome::cancelled(fault, None))))?;
            }
            let others = self.view.targets.iter().any(|target| target.outcome.is_none() && target.job.is_some());
            if !others {
                self.cancel = None;
                return self.answer(&ask, "cancelled before anything was started".to_owned());
            }
            // A job of an earlier attempt goes on: it is told in the step that waits for it.
            return Ok(());
        }
        if kind > StepKind::Upload {
            self.cancel = None;
            return self.answer(&ask, "too late: the backup is done, only its verdict is awaited".to_owned());
        }
        let targets: Vec<&TargetPlan> = open.iter().collect();
        let run = Run {
            task: self.task.as_str(),
            prepared: &self.prepared,
            view: &self.view,
            attempt: self.view.attempt,
            now: now(),
        };
        let answer = match self.system.open_cancel(&run, &targets).await {
            Ok(Some(act)) => {
                let names = open.iter().map(|target| target.target.clone()).collect::<Vec<_>>();
                match self.send(kind, act, &names).await? {
                    Answer::Taken => "sent; it ends when the server says so".to_owned(),
                    Answer::Refused(fault) => format!("refused: {} {}", fault.what, fault.why),
                    // Nothing is lost by asking again: the next try first looks whether the job is being cancelled.
                    Answer::None => return Ok(()),
                }
            }
            Ok(None) => "nothing of this task runs on the server, or it is being cancelled already".to_owned(),
            // The next look connects again.
            Err(fault) if fault.cause == Cause::Unreachable => return Ok(()),
            Err(fault) => format!("not sent: {} {}", fault.what, fault.why),
        };
        self.cancel = None;
        self.answer(&ask, answer)
    }
}
