//! A cancel: what it will hit, asked of the server before anybody is asked; and the request, put into the task's own file,
//! taken by its runner.

use super::tasks::Task;
use super::{Room, detect};
use crate::domain::confirmation::is_by_name;
use crate::domain::facts::{Facts, JobFacts};
use crate::domain::fault::{Cause, Fault};
use crate::domain::plan::{Action, Plan, whole_scope};
use crate::domain::step::StepKind;
use crate::domain::version::Method;
use crate::journal::requests::{self, Ask};

/// What a person is shown before he cancels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// Which jobs it hits, whoever started them, and what is left behind; line by line.
    pub lines: Vec<String>,
    /// The name that must be typed; None: yes is enough.
    pub name: Option<String>,
    /// The backup is somebody else's.
    pub foreign: bool,
}

/// The question of a task, from what its cluster is now. Nothing is changed.
///
/// # Errors
/// There is nothing to cancel; or the cluster cannot be asked.
pub async fn question(room: &Room, task: &Task) -> Result<Question, Fault> {
    if !task.state().may_be_cancelled() {
        return Err(Fault::new(
            Cause::Usage,
            format!("Task {} does not run.", task.id),
            format!("It is {}.", task.state().word()),
            "List the tasks with: obnow tasks.",
        ));
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
    let cluster = room.cluster(&plan.cluster.name)?;
    let lines = match plan.method {
        Method::Physical => hits(&detect::one(room, cluster).await?, plan),
        Method::Logical => vec![match uploads_to(task) {
            Some(place) => {
                format!("The upload is stopped; what is under {place} stays, and so does the dump on this host.")
            }
            None => "The dump is ended; what it wrote stays in its .partial directory.".to_owned(),
        }],
    };
    // Somebody else's work: the whole name, wherever it is.
    let foreign = plan.targets.iter().find(|target| target.attached.is_some()).map(|target| target.target.to_string());
    let prod = is_by_name(cluster.environment.as_deref());
    Ok(Question { lines, foreign: foreign.is_some(), name: foreign.or_else(|| prod.then(|| cluster.name.clone())) })
}

/// Where a dump is being uploaded to now.
fn uploads_to(task: &Task) -> Option<String> {
    let plan = &task.view.prepared.as_ref()?.plan;
    let target = task.view.targets.iter().find(|target| {
        target.current().is_some_and(|step| step.kind == StepKind::Upload && !step.state.is_stopped())
    })?;
    let action = plan.target(&target.target)?.step(StepKind::Upload)?.actions.first()?;
    match action {
        Action::Upload { destination, .. } => Some(destination.bare()),
        _ => None,
    }
}

/// Every job that runs on the plan's tenants, and what stays of them.
fn hits(facts: &Facts, plan: &Plan) -> Vec<String> {
    let jobs: Vec<String> = plan
        .targets
        .iter()
        .flat_map(|target| {
            let jobs = hit(facts, target.tenant.id).into_iter();
            jobs.map(|job| format!("  {}  {}", target.target, words(&job)))
        })
        .collect();
    if jobs.is_empty() {
        return vec!["Nothing of it runs on the server: the task ends before its start.".to_owned()];
    }
    let hit = if plan.whole {
        format!("the one backup job, of {}", whole_scope(facts))
    } else {
        "every backup job of these tenants".to_owned()
    };
    let mut lines = vec![format!("CANCEL BACKUP stops {hit}, whoever started it:")];
    lines.extend(jobs);
    lines.push("What is written by then stays on the destination, and nothing can be restored from it.".to_owned());
    lines
}

/// The running jobs of a tenant: its own, or those of sys that name it while it has none.
fn hit(facts: &Facts, tenant: u64) -> Vec<JobFacts> {
    let running = facts.tenant_by_id(tenant).map_or(&[][..], |found| &found.running);
    let own: Vec<JobFacts> = running.iter().filter(|job| job.tenant_id == tenant).cloned().collect();
    if own.is_empty() { running.to_vec() } else { own }
}

fn words(job: &JobFacts) -> String {
    let percent = job.percent().map_or_else(String::new, |percent| format!(", {percent} %"));
    format!("job {}, {}, by {}, since {} (server time){percent}", job.job_id, job.kind.word(), job.owner(), job.started)
}

/// Asks the task's runner to cancel; the journal has its answer.
///
/// # Errors
/// The request cannot be written.
pub fn ask(room: &Room, task: &Task) -> Result<(), Fault> {
    let random = crate::journal::clock::random().map_err(|error| {
        let why = format!("The system gives no random bits: {error}.");
        Fault::new(Cause::Internal, "The request cannot be named.", why, "Check /dev/urandom.")
    })?;
    let ask = Ask { id: format!("{random:016x}"), verb: "cancel".to_owned(), who: room.who(), at: room.now() };
    requests::put(&room.places.state, &task.id, &ask)
}

#[cfg(test)]
mod tests;
