//! Requests of those who watch: read at each look, answered in the journal. Cancel is the only one.

use crate::domain::fault::{Cause, Fault};
use crate::domain::outcome::Outcome;
use crate::domain::plan::TargetPlan;
use crate::domain::step::StepKind;
use crate::domain::task::Event;
use crate::journal::clock::now;
use crate::journal::requests::Ask;

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

    /// Does what a cancel asks for, as soon as it can be done: before the start everything ends at once; afterwards the
    /// server is told and its word awaited.
    pub(super) async fn obey_cancel(&mut self, kind: StepKind, open: &mut Vec<TargetPlan>) -> Result<(), Fault> {
        let Some(ask) = self.cancel.clone() else { return Ok(()) };
        let started = open.iter().any(|target| self.run_view().start_intent(&target.target).is_some());
        if kind == StepKind::StartBackup && started {
            // Whether it was started is not known yet; the next looks settle it.
            return Ok(());
        }
        self.cancel = None;
        if kind < StepKind::WaitForBackup {
            self.answer(&ask, "cancelled before anything was started".to_owned())?;
            for target in std::mem::take(open) {
                let fault = Fault::new(
                    Cause::Server,
                    format!("The backup of {} was cancelled before it was started.", target.target),
                    format!("{} asked for it.", ask.who),
                    "Retry goes on from the step it was in.",
                );
                self.settle(&target.target, kind, Settled::ended(Box::new(Outcome::cancelled(fault, None))))?;
            }
            return Ok(());
        }
        if kind > StepKind::WaitForBackup {
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
        let act = match self.system.open_cancel(&run, &targets).await {
            Ok(Some(act)) => act,
            Ok(None) => return self.answer(&ask, "nothing of this task runs on the server".to_owned()),
            Err(fault) => return self.answer(&ask, format!("not sent: {} {}", fault.what, fault.why)),
        };
        let names = open.iter().map(|target| target.target.clone()).collect::<Vec<_>>();
        let refused = self.send(kind, act, &names).await?;
        let answer = refused.map_or_else(
            || "sent; it ends when the server says so".to_owned(),
            |fault| format!("refused: {} {}", fault.what, fault.why),
        );
        self.answer(&ask, answer)
    }
}
