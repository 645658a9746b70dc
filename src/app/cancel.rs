//! A cancel: what it will hit, asked of the server before anybody is asked; and the request, put into the task's own file,
//! taken by its runner.

use super::tasks::Task;
use super::{AppContext, detect};
use crate::domain::confirmation::needs_name;
use crate::domain::facts::{Facts, JobFacts};
use crate::domain::fault::{Cause, Fault};
use crate::domain::plan::{Action, Plan, TargetPlan, cluster_scope};
use crate::domain::step::StepKind;
use crate::domain::task::IntentView;
use crate::domain::version::Method;
use crate::journal::requests::{self, Request};

/// The question before a cancel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CancelQuestion {
    /// Which jobs it hits, whoever started them, and what is left behind; line by line.
    pub lines: Vec<String>,
    /// The name that must be typed; None: yes is enough.
    pub required_name: Option<String>,
    /// The backup is somebody else's.
    pub is_foreign: bool,
}

/// Detects the cluster and returns the question of a task; nothing is changed.
///
/// # Errors
/// There is nothing to cancel; or the cluster cannot be asked.
pub async fn question(context: &AppContext, task: &Task) -> Result<CancelQuestion, Fault> {
    if !task.state().may_be_cancelled() {
        return Err(Fault::new(
            Cause::Usage,
            format!("Task {} does not run.", task.id),
            format!("It is {}.", task.state().word()),
            "List the tasks with: obnow tasks.",
        ));
    }
    if let Some(fault) = task.view.damage(task.id.as_str()).filter(|_| task.view.has_lost_its_beginning()) {
        return Err(fault);
    }
    if !task.is_runner_alive {
        task.view.may_go_on(task.id.as_str())?;
    }
    let Some(prepared) = &task.view.prepared else {
        let why = "Its journal does not say what was confirmed.";
        return Err(Fault::new(
            Cause::Usage,
            format!("Task {} cannot be cancelled.", task.id),
            why,
            "Look at the server.",
        ));
    };
    let plan = &prepared.plan;
    let cluster = context.cluster(&plan.cluster.name)?;
    let lines = match plan.method {
        Method::Physical => affected_jobs(&detect::one(context, cluster).await?, plan, has_lost_start(task)),
        Method::Logical => vec![match upload_destination(task) {
            Some(place) => {
                format!("The upload is stopped; what is under {place} stays, and so does the dump on this host.")
            }
            None => "The dump is ended; what it wrote stays in its .partial directory.".to_owned(),
        }],
    };
    // Somebody else's work: the whole name, wherever it is.
    let foreign = plan.targets.iter().find(|target| target.attached.is_some()).map(|target| target.target.to_string());
    let prod = needs_name(cluster.environment.as_deref());
    Ok(CancelQuestion {
        lines,
        is_foreign: foreign.is_some(),
        required_name: foreign.or_else(|| prod.then(|| hit_by_name(plan))),
    })
}

/// The name that stands for what a cancel hits: the one target's own, else the cluster's. Where one job covers everybody that
/// is the cluster, whatever was chosen.
fn hit_by_name(plan: &Plan) -> String {
    match plan.choices.targets.as_slice() {
        [target] if !plan.is_per_cluster => target.to_string(),
        _ => plan.cluster.name.clone(),
    }
}

/// Returns the destination of the upload that runs now.
fn upload_destination(task: &Task) -> Option<String> {
    let plan = &task.view.prepared.as_ref()?.plan;
    let target = task.view.targets.iter().find(|target| {
        target.current().is_some_and(|step| step.kind == StepKind::Upload && !step.state.is_stopped())
    })?;
    let action = plan.target(&target.target)?.step(StepKind::Upload)?.actions.first()?;
    match action {
        Action::Upload { destination, .. } => Some(destination.uri_without_attributes()),
        _ => None,
    }
}

/// Every job that runs on the plan's tenants, and what stays of them. `lost`: a start of this task got no answer, and nobody
/// knows what became of it.
fn affected_jobs(facts: &Facts, plan: &Plan, lost: bool) -> Vec<String> {
    let of = |target: &TargetPlan| facts.tenant_by_id(target.tenant.id).map_or(&[][..], |found| &found.running);
    let line = |target: &TargetPlan, job: &JobFacts| format!("  {}  {}", target.target, describe_job(job));
    let own = |target: &TargetPlan, job: &JobFacts| plan.is_per_cluster || job.tenant_id == target.tenant.id;
    let (mut jobs, mut parents) = (Vec::new(), Vec::new());
    for target in &plan.targets {
        let running = of(target);
        let (its, of_sys): (Vec<&JobFacts>, Vec<&JobFacts>) = running.iter().partition(|job| own(target, job));
        if its.is_empty() {
            parents.extend(of_sys.into_iter().map(|job| line(target, job)));
        } else if plan.is_per_cluster {
            // The part of the tenant stands before the job that covers everybody.
            let part = its.iter().find(|job| job.tenant_id == target.tenant.id).or(its.first());
            jobs.extend(part.map(|job| line(target, job)));
        } else {
            jobs.extend(its.into_iter().map(|job| line(target, job)));
        }
    }
    if jobs.is_empty() && parents.is_empty() && !lost {
        return vec!["Nothing of it runs on the server: the task ends before its start.".to_owned()];
    }
    let hit = if plan.is_per_cluster {
        format!("the one backup job, of {}", cluster_scope(facts))
    } else {
        "every backup job of these tenants".to_owned()
    };
    let mut lines = Vec::new();
    if !jobs.is_empty() {
        lines.push(format!("CANCEL BACKUP stops {hit}, whoever started it:"));
        lines.append(&mut jobs);
    }
    if !parents.is_empty() {
        lines.push(
            "These have no job of their own yet, and CANCEL BACKUP hits nothing before it is there: it is waited for."
                .into(),
        );
        lines.append(&mut parents);
    }
    if lost {
        lines.push(format!(
            "A start of this task got no answer. Once its job is seen CANCEL BACKUP is sent, and may hit {hit}, whoever started it."
        ));
    }
    if !plan.is_per_cluster {
        lines.push("A job that somebody starts there just before the statement arrives is hit too.".to_owned());
    }
    lines.push("What is written by then stays on the destination, and nothing can be restored from it.".to_owned());
    lines
}

/// Whether a start of this task got no answer, and no job of it was seen.
fn has_lost_start(task: &Task) -> bool {
    let unknown = |intent: &IntentView| {
        let open = intent.answered != Some(true) && !intent.refused && !intent.known_not_started;
        let jobless = |name| task.view.target(name).is_some_and(|target| target.job.is_none());
        intent.step == StepKind::StartBackup && open && intent.targets.iter().any(jobless)
    };
    task.view.intents.iter().any(unknown)
}

fn describe_job(job: &JobFacts) -> String {
    let percent = job.percent().map_or_else(String::new, |percent| format!(", {percent} %"));
    format!("job {}, {}, by {}, since {} (server time){percent}", job.job_id, job.kind.word(), job.owner(), job.started)
}

/// Asks the task's runner to cancel; the journal has its answer under the id that is given here.
///
/// # Errors
/// The request cannot be written.
pub fn request_cancel(context: &AppContext, task: &Task) -> Result<String, Fault> {
    let random = crate::journal::clock::random().map_err(|error| {
        let why = format!("The system gives no random bits: {error}.");
        Fault::new(Cause::Internal, "The request cannot be named.", why, "Check /dev/urandom.")
    })?;
    let ask =
        Request { id: format!("{random:016x}"), verb: "cancel".to_owned(), who: context.operator(), at: context.now() };
    requests::put(&context.directories.state, &task.id, &ask)?;
    Ok(ask.id)
}

/// What is said of a cancel that a silent runner does not take up.
#[must_use]
pub fn request_not_accepted(id: &str, silent: &Fault) -> Fault {
    Fault::new(
        Cause::Unknown,
        format!("The cancel of task {id} was not taken up."),
        format!("{} {} The request is written, and it is done once the runner answers again.", silent.what, silent.why),
        format!("Let the process go on with kill -CONT, or end it with kill -KILL and say again: obnow cancel {id}."),
    )
}

#[cfg(test)]
mod tests;
