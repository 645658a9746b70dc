//! `obnow cancel TASK`: what it will hit is shown, asked once, and the end is the server's word.

use super::args::CancelArgs;
use super::{Exit, Say, backup, tasks as task_commands};
use crate::app::hand_over::Order;
use crate::app::{Room, cancel, detect, tasks};
use crate::domain::facts::{Facts, JobFacts};
use crate::domain::fault::{Cause, Fault};
use crate::domain::plan::whole_scope;
use crate::domain::task::TaskState;
use crate::domain::version::Method;

/// Cancels.
pub(super) async fn run(room: &Room, say: &Say, args: &CancelArgs) -> Result<Exit, Fault> {
    let task = tasks::find(room, &args.task)?;
    if !matches!(task.state(), TaskState::Running | TaskState::RunnerGone | TaskState::Unknown) {
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
    let cluster = room.cluster(&prepared.plan.cluster.name)?;
    if prepared.plan.method == Method::Physical {
        let facts = detect::one(room, cluster).await?;
        let mut hits = Vec::new();
        for target in &prepared.plan.targets {
            hits.extend(hit(&facts, target.tenant.id).into_iter().map(|job| (&target.target, job)));
        }
        if hits.is_empty() {
            say.note("Nothing of it runs on the server: the task ends before its start.");
        } else {
            let whole = format!("the one backup job, of {}", whole_scope(&facts));
            let jobs = if prepared.plan.whole { whole } else { "every backup job of these tenants".to_owned() };
            say.note(&format!("CANCEL BACKUP stops {jobs}, whoever started it:"));
        }
        for (target, job) in &hits {
            say.note(&format!("  {target}  {}", words(job)));
        }
        if !hits.is_empty() {
            say.note("What is written by then stays on the destination, and nothing can be restored from it.");
        }
    } else {
        say.note("The dump is ended; what it wrote stays in its .partial directory.");
    }
    if !args.yes {
        let undone = "Nothing was cancelled.";
        if let Some(target) = prepared.plan.targets.iter().find(|target| target.attached.is_some()) {
            // Somebody else's work: the whole name, wherever it is.
            let name = target.target.to_string();
            backup::ask_for(
                &format!("This is not obnow's own backup. Type {name} to cancel it: "),
                &[name.as_str()],
                undone,
            )?;
        } else if cluster.environment.as_deref() == Some("prod") {
            let question = format!("Type {} to cancel: ", cluster.name);
            backup::ask_for(&question, &[cluster.name.as_str()], undone)?;
        } else {
            backup::ask_for("Cancel? [y/N] ", &backup::YES, undone)?;
        }
    }
    cancel::ask(room, &task)?;
    if task.alive {
        return backup::follow_from(room, say, task.id.as_str(), task.view.attempt.saturating_sub(1)).await;
    }
    task_commands::launch(room, say, &task, Order::GoOn, None, None).await
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
