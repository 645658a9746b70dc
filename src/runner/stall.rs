//! Waits of a step: progress, stalls and attention. A stalled step is reported with its reason, and so is the end of the stall.

use tokio::time::Instant;

use super::progress_watch::{Attention, StepWatch, WaitDecision};
use super::{Runner, StepEffect, StepResult, context_of};
use crate::backend::Waiting;
use crate::domain::fault::Fault;
use crate::domain::plan::TargetPlan;
use crate::domain::progress::Sample;
use crate::domain::step::StepKind;
use crate::domain::target::TargetName;
use crate::domain::task::Event;

impl Runner {
    /// Records a wait: writes progress and decides how long it may last.
    pub(super) fn keep_waiting(
        &mut self,
        kind: StepKind,
        name: &TargetName,
        waiting: &Waiting,
        patience: &mut StepWatch,
    ) -> Result<StepEffect, Fault> {
        let progressed = patience.moved(name, waiting, Instant::now());
        if progressed {
            self.write_recovery(name, kind, &waiting.what, patience)?;
        }
        if let Some(task) = &waiting.task {
            let sample = Sample {
                at_ms: u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX),
                phase: task.phase.clone(),
                bytes: task.bytes,
                bytes_total: task.bytes_total,
                percent: task.percent,
                tablets: task.tablets,
                blocks: task.blocks,
                log_percent: task.log_percent,
            };
            let progress = self.meters.entry(name.clone()).or_default().observe(&sample);
            if self.view.target(name).is_some_and(|view| view.progress.as_ref() != Some(&progress))
                && patience.progress_due(name, Instant::now())
            {
                self.write(&Event::Progress { target: name.clone(), progress })?;
            }
        }
        match patience.judge(kind, name, waiting, Instant::now()) {
            WaitDecision::Continue => self.waiting(name, kind, &waiting.what, None, patience)?,
            WaitDecision::Stalled => return Ok(StepEffect::Stalled(waiting.clone())),
            WaitDecision::GiveUp(fault) if kind >= StepKind::StartBackup => {
                self.finish_step(name, kind, StepResult::unknown(fault))?;
                return Ok(StepEffect::StepResult);
            }
            WaitDecision::GiveUp(fault) if matches!(kind, StepKind::SetDestination | StepKind::StartArchiving) => {
                return Ok(StepEffect::GivenUp(fault));
            }
            WaitDecision::GiveUp(fault) => {
                self.finish_step(name, kind, StepResult::failed(fault))?;
                return Ok(StepEffect::StepResult);
            }
        }
        Ok(StepEffect::Waiting { progressed })
    }

    /// Writes what a step waits for, once per change.
    pub(super) fn waiting(
        &mut self,
        name: &TargetName,
        step: StepKind,
        what: &str,
        attention: Option<&Attention>,
        patience: &mut StepWatch,
    ) -> Result<(), Fault> {
        if patience.is_new_message(name, what, attention.map(|attention| attention.reason.as_str())) {
            let fault = attention.map(|attention| attention.fault.clone());
            self.write(&Event::Waiting { target: name.clone(), step, what: what.to_owned(), fault, over: false })?;
        }
        Ok(())
    }

    /// Diagnoses and reports stalled targets. The server is queried when the limit has passed, and then once per limit; a failed
    /// query fails no step.
    pub(super) async fn diagnose_stalls(
        &mut self,
        kind: StepKind,
        stuck: &[(TargetPlan, Waiting)],
        patience: &mut StepWatch,
    ) -> Result<(), Fault> {
        let ask: Vec<_> = stuck
            .iter()
            .filter_map(|(target, waiting)| {
                let since = patience.stall_probe_due(&target.target, Instant::now())?;
                Some((target, waiting, since))
            })
            .collect();
        if !ask.is_empty() {
            let run = context_of(&self.task, &self.prepared, &self.view);
            let places: Vec<_> = ask.iter().map(|(target, waiting, _)| (*target, waiting.what.as_str())).collect();
            let reasons = self.system.diagnose_stall(&run, kind, &places).await;
            for ((target, waiting, since), reason) in ask.into_iter().zip(reasons) {
                let (at, trouble) = (waiting.what.as_str(), waiting.last_error.as_ref());
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

    /// Fails the step of a target whose log archive did not change as requested, with what can be read about it.
    pub(super) async fn fail_unchanged_archive(
        &mut self,
        kind: StepKind,
        target: &TargetPlan,
        fault: Fault,
    ) -> Result<(), Fault> {
        let told = self.system.read_unchanged_archive(target).await;
        let fault = told.map_or(fault.clone(), |unchanged| unchanged.fault(&target.target, &fault));
        self.finish_step(&target.target, kind, StepResult::failed(fault))
    }

    /// Reports that a stalled target makes progress again, if attention was raised for it.
    pub(super) fn write_recovery(
        &mut self,
        name: &TargetName,
        step: StepKind,
        what: &str,
        patience: &mut StepWatch,
    ) -> Result<(), Fault> {
        let Some(stood) = patience.take_attention(name) else { return Ok(()) };
        let again = format!("it moves again after {} s: {what}", stood.as_secs());
        patience.is_new_message(name, what, None);
        self.write(&Event::Waiting { target: name.clone(), step, what: again, fault: None, over: true })
    }
}
