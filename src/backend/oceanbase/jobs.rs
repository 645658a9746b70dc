//! Observes a backup job: it runs, has ended by its history row, or is between the two.

use crate::backend::{Observed, ObservedJob, StepContext, StepObservation, Waiting};
use crate::domain::diagnosis::server_fault;
use crate::domain::facts::JobFacts;
use crate::domain::fault::{Cause, Fault};
use crate::domain::outcome::Outcome;
use crate::domain::plan::TargetPlan;

/// Returns the observation of a job: running, ended by its history row, or between the two.
pub(super) fn watch_job(id: u64, running: &[JobFacts], history: &[JobFacts], target: &TargetPlan) -> Observed {
    let own = |job: &&JobFacts| job.job_id == id && job.tenant_id == target.tenant.id;
    let ended = history.iter().find(own).filter(|job| !job.is_live());
    let Some(job) = ended.or_else(|| running.iter().find(own)) else {
        // How a job ended that left the running view is unknown until its history row exists.
        let what = format!("job {id} has left the running jobs; its history row is awaited");
        return StepObservation::Wait(Waiting::new(what, false)).into();
    };
    let look = if ended.is_some() {
        assess_ended_job(job, target)
    } else {
        // While a job is being cancelled its phase means nothing.
        let phase = job.task.as_ref().filter(|_| !job.is_being_cancelled()).map(|task| task.phase.clone());
        let what = phase.unwrap_or_else(|| job.status.clone());
        let trouble = (job.result != 0 || !job.comment.is_empty())
            .then(|| server_fault(job.result, &job.comment, &format!("The backup of {} has trouble.", target.target)));
        StepObservation::Wait(Waiting { what, task: job.task.clone(), server_busy: true, last_error: trouble })
    };
    Observed { observation: look, job: Some(ObservedJob { job_id: id, set_id: job.set_id, kind: job.kind.mode() }) }
}

/// Returns whether a job is a tenant's own, or a parent job of sys for it; one whose tenants were not read may be.
pub(super) fn is_for(job: &JobFacts, tenant: u64) -> bool {
    job.tenant_id == tenant || (job.tenant_id == 1 && (job.executors.is_empty() || job.executors.contains(&tenant)))
}

/// Returns the observation of the tenant's own job of a parent job.
pub(super) fn watch_parent(
    run: &StepContext<'_>,
    parent: u64,
    running: &[JobFacts],
    history: &[JobFacts],
    target: &TargetPlan,
) -> Observed {
    let is_child = |job: &&JobFacts| {
        job.tenant_id == target.tenant.id && job.initiator_tenant_id == 1 && job.initiator_job_id == Some(parent)
    };
    if let Some(child) = running.iter().chain(history).find(is_child) {
        return watch_job(child.job_id, running, history, target);
    }
    let is_parent = |job: &&JobFacts| job.tenant_id == 1 && job.job_id == parent;
    match (running.iter().find(is_parent), history.iter().find(is_parent)) {
        (Some(job), _) => {
            let what = format!("job {parent} is {}; the job of {} is awaited", job.status, target.tenant.name);
            StepObservation::Wait(Waiting::new(what, true)).into()
        }
        (None, Some(job)) if job.was_cancelled() => {
            StepObservation::JobFailed(Box::new(Outcome::cancelled(cancelled(job, target), None))).into()
        }
        (None, Some(job)) => {
            let what = format!("The server started no backup of {}.", target.target);
            let why = format!("Job {parent} ended as {} without a job for it.", job.status);
            let events = if run.prepared.plan.is_per_cluster {
                "oceanbase.__all_rootservice_event_history (module 'backup')"
            } else {
                "DBA_OB_ROOTSERVICE_EVENT_HISTORY (MODULE 'backup_data')"
            };
            let next = format!("Look at {events}, and start a backup of your own.");
            StepObservation::JobFailed(Box::new(Outcome::failed(Fault::new(Cause::Server, what, why, next), None)))
                .into()
        }
        (None, None) => {
            let what = format!("job {parent} has left the running jobs; its history row is awaited");
            StepObservation::Wait(Waiting::new(what, false)).into()
        }
    }
}

/// Returns the fault of a cancelled backup.
pub(super) fn cancelled(job: &JobFacts, target: &TargetPlan) -> Fault {
    let when = job.ended.as_deref().unwrap_or("an unknown time");
    let code = if job.status == "CANCELED" { "" } else { " with 4072, which is a cancel," };
    Fault::new(
        Cause::Server,
        format!("The backup of {} was cancelled.", target.target),
        format!("Job {} ended as {}{code} at {when} (server time).", job.job_id, job.status),
        "Retry starts a new backup.",
    )
}

/// Returns the ended parent job of sys that the task is attached to, where the target has no job of its own.
pub(super) fn ended_without<'a>(
    run: &StepContext<'_>,
    target: &TargetPlan,
    history: &'a [JobFacts],
) -> Option<&'a JobFacts> {
    let parent = target.attached.as_ref()?.parent.filter(|_| run.job_id(&target.target).is_none())?;
    let own = |job: &JobFacts| job.tenant_id == target.tenant.id && job.initiator_job_id == Some(parent);
    if history.iter().any(own) {
        return None;
    }
    history.iter().find(|job| job.tenant_id == 1 && job.job_id == parent && !job.is_live())
}

/// Returns a note where a job makes another type of backup than requested, or an unknown type: `; DOES it incremental`.
pub(super) fn made(job: &JobFacts, target: &TargetPlan, does: &str) -> String {
    match job.kind.mode() {
        Some(mode) if mode == target.mode => String::new(),
        Some(mode) => format!("; {does} it {}", mode.word()),
        None => format!("; its type is \"{}\", which is not known", job.kind),
    }
}

/// Assesses the end of a job from its history row.
fn assess_ended_job(job: &JobFacts, target: &TargetPlan) -> StepObservation {
    match job.status.as_str() {
        // Status and code must agree.
        "COMPLETED" if job.result != 0 => StepObservation::Unknown(Fault::new(
            Cause::Unknown,
            format!("What became of the backup of {} is unknown.", target.target),
            format!("Job {} is COMPLETED, and its RESULT is {}.", job.job_id, job.result),
            "Look at the job in the history view and at its set, then retry: it only looks again.",
        )),
        "COMPLETED" => {
            let set = job.set_id.map_or_else(String::new, |set| format!(", set {set}"));
            StepObservation::Done(format!("COMPLETED{set}{}", made(job, target, "the server made")))
        }
        _ if job.was_cancelled() => {
            StepObservation::JobFailed(Box::new(Outcome::cancelled(cancelled(job, target), job.set_id)))
        }
        _ => {
            let fault = server_fault(
                job.result,
                &job.comment,
                &format!("The backup of {} failed on the server.", target.target),
            );
            StepObservation::JobFailed(Box::new(Outcome::failed(fault, job.set_id)))
        }
    }
}
