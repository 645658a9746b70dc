//! Attention: a step that stands still is said with its reason, and so is the end of that (B8).

use tokio::time::Instant;

use super::patience::{Attention, Patience};
use super::{Runner, run_of};
use crate::backend::Waiting;
use crate::domain::fault::Fault;
use crate::domain::plan::TargetPlan;
use crate::domain::step::StepKind;
use crate::domain::target::TargetName;
use crate::domain::task::Event;

impl Runner {
    /// Says why these stand still. The server is asked when the limit has passed, and then once a limit; the reading fails
    /// no step.
    pub(super) async fn say_why(
        &mut self,
        kind: StepKind,
        stuck: &[(TargetPlan, Waiting)],
        patience: &mut Patience,
    ) -> Result<(), Fault> {
        let ask: Vec<_> = stuck
            .iter()
            .filter_map(|(target, waiting)| {
                let since = patience.may_ask_why(&target.target, Instant::now())?;
                Some((target, waiting, since))
            })
            .collect();
        if !ask.is_empty() {
            let run = run_of(&self.task, &self.prepared, &self.view);
            let places: Vec<_> = ask.iter().map(|(target, waiting, _)| (*target, waiting.what.as_str())).collect();
            let reasons = self.system.standstill(&run, kind, &places).await;
            for ((target, waiting, since), reason) in ask.into_iter().zip(reasons) {
                let (at, trouble) = (waiting.what.as_str(), waiting.trouble.as_ref());
                let new = Attention {
                    fault: reason.attention((kind, &target.target), at, trouble, since),
                    reason: reason.key(at, trouble),
                };
                patience.attention(&target.target, Some(new));
            }
        }
        for (target, waiting) in stuck {
            let attention = patience.attention(&target.target, None);
            self.waiting(&target.target, kind, &waiting.what, attention.as_ref(), patience)?;
        }
        Ok(())
    }

    /// Says that what stood still moves again, if attention was raised for it.
    pub(super) fn say_over(
        &mut self,
        name: &TargetName,
        step: StepKind,
        what: &str,
        patience: &mut Patience,
    ) -> Result<(), Fault> {
        let Some(stood) = patience.attention_over(name) else { return Ok(()) };
        let again = format!("it moves again after {} s: {what}", stood.as_secs());
        patience.is_news(name, what, None);
        self.write(&Event::Waiting { target: name.clone(), step, what: again, fault: None, over: true })
    }
}
