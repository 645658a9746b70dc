//! Reconciles a start below V4 (R8), where jobs carry no marker: the set of a start is recognized by its id, which is higher
//! than all before.

use super::super::OceanBase;
use super::super::jobs::{cancelled, made};
use super::super::release_profile::ViewId;
use super::super::session::number;
use super::super::start_reconcile::{last_effect, may_take_effect};
use super::super::view_reader::FilterValue;
use super::rows::CLUSTER;
use crate::backend::{Observed, ObservedJob, StepContext, StepObservation, Waiting};
use crate::domain::diagnosis::server_fault;
use crate::domain::facts::JobFacts;
use crate::domain::fault::{Cause, Fault};
use crate::domain::outcome::Outcome;
use crate::domain::plan::TargetPlan;
use crate::domain::task::IntentView;

impl OceanBase {
    /// Reconciles the starts of these targets.
    pub(in super::super) async fn reconcile_by_set(
        &mut self,
        run: &StepContext<'_>,
        targets: &[&TargetPlan],
    ) -> Result<Vec<Observed>, Fault> {
        let mut jobs = self.read_cluster_jobs().await?;
        let intents: Vec<&IntentView> = targets.iter().filter_map(|target| run.start_intent(&target.target)).collect();
        let before = intents.iter().filter_map(|intent| intent.highest_job).min().unwrap_or_default();
        let ended =
            self.read(ViewId::Sets, &[("TENANT_ID", vec![FilterValue::Number(CLUSTER)])], "BACKUP_SET_ID").await?;
        let mut young: Vec<u64> =
            ended.iter().filter_map(|row| number(row, "BACKUP_SET_ID")).filter(|set| *set > before).collect();
        young.extend(jobs.iter().map(|job| job.job_id).filter(|set| *set > before));
        let history = self.read_cluster_history(&young).await?;
        // A part that ended between the two queries is in both results: its history row counts.
        jobs.retain(|job| !history.iter().any(|other| (other.tenant_id, other.job_id) == (job.tenant_id, job.job_id)));
        jobs.extend(history);
        jobs.sort_by_key(|job| job.job_id);
        targets
            .iter()
            .map(|target| {
                let intent = run.start_intent(&target.target);
                let intent = intent.ok_or_else(|| self.internal_fault("a start without an intent"))?;
                Ok(settled(&jobs, intent, target, run))
            })
            .collect()
    }
}

/// Reconciles the start of one target by the sets.
pub(super) fn settled(jobs: &[JobFacts], intent: &IntentView, target: &TargetPlan, run: &StepContext<'_>) -> Observed {
    let before = intent.highest_job.unwrap_or_default();
    let young = |job: &&JobFacts| job.job_id > before;
    let of = |id: u64| jobs.iter().filter(young).find(move |job| job.tenant_id == id);
    let accepted = intent.answered == Some(true);
    if let Some(own) = of(target.tenant.id) {
        let asked = format!("{} was asked for and the server makes", target.mode.word());
        let silent = made(own, target, &asked);
        let whose = if accepted { String::new() } else { unproven_note(own) };
        return Observed {
            observation: StepObservation::Done(format!("set {}{whose}{silent}", own.job_id)),
            job: Some(ObservedJob { job_id: own.job_id, set_id: own.set_id, kind: own.kind.mode() }),
        };
    }
    if let Some(all) = of(CLUSTER) {
        if all.is_live() {
            let what = format!("set {} is {}; the part of {} is awaited", all.job_id, all.status, target.tenant.name);
            return StepObservation::Wait(Waiting::new(what, true)).into();
        }
        let job = Some(ObservedJob { job_id: all.job_id, set_id: None, kind: None });
        let outcome = if all.was_cancelled() {
            Outcome::cancelled(cancelled(all, target), None)
        } else {
            Outcome::failed(no_part_fault(all, target), None)
        };
        return Observed { observation: StepObservation::JobFailed(Box::new(outcome)), job };
    }
    if accepted {
        let what = "the server accepted the start; its backup set is awaited";
        return StepObservation::Wait(Waiting::new(what, false)).into();
    }
    // While a job without a known set runs nothing is proven.
    if may_take_effect(intent, run.now) || jobs.iter().any(JobFacts::is_live) {
        let what =
            "whether the backup was started: no answer came, the server is asked for a new set until it is known";
        return StepObservation::Wait(Waiting::new(what, true)).into();
    }
    let seconds = last_effect(intent) / 1_000;
    let proof = format!("the server's own limit of {seconds} s for it has passed, and there is no new backup set");
    StepObservation::NotStarted { intent: intent.intent, proof }.into()
}

/// Returns the note on a set that cannot be proven ours, without a marker and without an answer (R8).
fn unproven_note(set: &JobFacts) -> String {
    let at = if set.started.is_empty() { "an unknown time" } else { &set.started };
    format!(", started at {at} (server time), cannot be proven ours: attached to, not claimed")
}

/// Returns the fault of a job that ended without a part of this tenant.
fn no_part_fault(all: &JobFacts, target: &TargetPlan) -> Fault {
    let what = format!("The server made no backup of {}.", target.target);
    if all.result != 0 {
        return server_fault(all.result, &all.comment, &what);
    }
    let why = format!("Set {} ended as {} without a part of it.", all.job_id, all.status);
    let next = "Look at oceanbase.__all_rootservice_event_history (module 'backup'), mend the cause and retry.";
    Fault::new(Cause::Server, what, why, next)
}
