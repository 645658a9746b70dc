//! `obnow tasks`, `obnow watch` and `obnow retry`.

use serde_json::json;

use super::args::{RetryArgs, WatchArgs};
use super::confirmation::{Confirmation, ConfirmationArgs};
use super::output::OutputStyle;
use super::{Exit, Output, backup, render};
use crate::app::launch::{DetachedLauncher, LaunchOutcome, LaunchRequest, Launcher, TaskSecrets};
use crate::app::tasks::{self, Task};
use crate::app::{AppContext, attach, compact, detect, task_secrets};
use crate::domain::facts::TenantKind;
use crate::domain::fault::{Cause, Fault};
use crate::domain::format;
use crate::domain::step::StepKind;
use crate::domain::target::TargetName;
use crate::domain::task::TargetView;

/// The tasks of this host, newest first, then the backups that run elsewhere on the clusters of the inventory.
pub(super) async fn list(context: &AppContext, say: &Output) -> Result<Exit, Fault> {
    let all = tasks::load_all(context)?;
    let mut ours = Vec::new();
    for task in &all {
        match task {
            Ok(task) => {
                ours.push(task);
                render::task(say, task.id.as_str(), &task.view, task.state());
                say.line(&task_line(task));
                for fault in task.warnings(context.now()) {
                    say.fault(&fault);
                }
            }
            Err(fault) => say.fault(fault),
        }
    }
    let elsewhere = print_foreign_jobs(context, say, &ours).await;
    if all.is_empty() && elsewhere == 0 && !say.json {
        say.note("There is no task on this host yet, and no backup runs elsewhere.");
    }
    Ok(Exit::OK)
}

/// Jobs that no task of this host started; how many were shown.
async fn print_foreign_jobs(context: &AppContext, say: &Output, ours: &[&Task]) -> usize {
    let mut shown = 0;
    for answer in detect::collect_all(context).await {
        let facts = match answer.facts {
            Ok(facts) => facts,
            Err(fault) => {
                say.fault(&fault);
                continue;
            }
        };
        for tenant in facts.tenants.iter().filter(|tenant| tenant.kind == TenantKind::User) {
            let Some(job) = tenant.running.first() else { continue };
            let target = facts.target(tenant);
            if ours.iter().any(|task| task.view.has_job(task.id.as_str(), job, &target)) {
                continue;
            }
            shown += 1;
            let step = StepKind::WaitForBackup.name();
            say.event(
                "task",
                json!({"task": null, "targets": [target], "mode": job.kind.word(), "state": "running", "step": step,
                       "started": facts.server_time(&job.started).map(|at| at.to_string()), "verdict": null,
                       "owner": job.owner()}),
            );
            let since = &job.started;
            say.line(&format!(
                "{:<12}  {:<12} {:<12} {:<20} {since} (server time)  {target}  by {}{}",
                "elsewhere",
                "running",
                job.kind.word(),
                "",
                job.owner(),
                job.percent().map_or_else(String::new, |percent| format!(", {percent} %")),
            ));
        }
    }
    shown
}

fn task_line(task: &Task) -> String {
    let targets: Vec<String> = task.targets().iter().map(ToString::to_string).collect();
    let mode = task.view.prepared.as_ref().map_or("", |prepared| prepared.plan.choices.mode.word());
    let step = task.view.targets.iter().find_map(TargetView::current).map_or("", |step| step.kind.name());
    let verdict = format::worst(&task.view).map_or_else(String::new, |(_, outcome)| outcome.in_short());
    let started = task.view.created.map_or_else(String::new, render::moment);
    format!(
        "{}  {:<12} {:<12} {:<20} {started}  {}  {step}",
        task.id,
        task.state().word(),
        mode,
        verdict,
        targets.join(", ")
    )
    .trim_end()
    .to_owned()
}

/// Follows a task; one whose verdict may still change is looked at again by a runner of its own. A target that no task of
/// this host works on, and that somebody else backs up, is attached to.
pub(super) async fn watch(context: &AppContext, say: &Output, args: &WatchArgs) -> Result<Exit, Fault> {
    if let Ok(task) = tasks::find(context, &args.what) {
        return watch_task(context, say, &task).await;
    }
    let cluster = args.what.split('/').next().unwrap_or_default();
    let known = context.inventory.clusters.iter().any(|inventory| inventory.name == cluster);
    let target = match args.what.parse::<TargetName>() {
        Ok(target) if known || args.what.contains('/') => target,
        _ => return watch_task(context, say, &tasks::find(context, &args.what)?).await,
    };
    let newest = tasks::find_newest(context, &target)?;
    match newest {
        Some(task) if task.is_runner_alive => watch_task(context, say, &task).await,
        // A task that is over is told of again only where nothing else runs now.
        Some(task) => match attach(context, say, &target).await {
            Err(fault) if fault.cause == Cause::Usage => watch_task(context, say, &task).await,
            other => other,
        },
        None => attach(context, say, &target).await,
    }
}

async fn watch_task(context: &AppContext, say: &Output, task: &Task) -> Result<Exit, Fault> {
    let changing = |target: &TargetView| target.outcome.as_ref().is_some_and(|end| end.verdict.may_still_change());
    if !task.is_runner_alive && task.view.targets.iter().any(changing) {
        return launch(context, say, task, LaunchRequest::Resume, task_secrets::SecretOverrides::default(), None).await;
    }
    backup::follow(context, say, task.id.as_str()).await
}

/// Follows the backup that somebody else runs on a tenant, as a task of its own.
pub(super) async fn attach(context: &AppContext, say: &Output, target: &TargetName) -> Result<Exit, Fault> {
    let cluster = context.cluster(target.cluster())?;
    let password = context.password(cluster).await?;
    let facts = detect::one(context, cluster).await?;
    let id = tasks::new_id(context)?;
    let prepared = attach::prepare(&facts, target, id.as_str())?;
    if let Some(attached) = prepared.plan.targets.first().and_then(|plan| plan.attached.as_ref()) {
        let words = format!(
            "Watching the backup of {target} that {} started at {} (server time).",
            attached.owner, attached.since
        );
        say.line(&words);
    }
    context.ensure_state_directory()?;
    let order = LaunchRequest::Start {
        prepared: Box::new(prepared),
        connection: Box::new(context.connection(cluster)),
        by: context.operator(),
    };
    let secrets = TaskSecrets { login: Some(password), ..TaskSecrets::default() };
    match DetachedLauncher::for_this_program(&context.directories.state)?.launch(&id, order, secrets).await? {
        LaunchOutcome::Busy(fault) => Err(fault),
        LaunchOutcome::Started => backup::follow(context, say, id.as_str()).await,
    }
}

/// Goes on with a task.
pub(super) async fn retry(context: &AppContext, say: &Output, args: &RetryArgs) -> Result<Exit, Fault> {
    let task = tasks::find(context, &args.task)?;
    let retry = task.view.retry(task.id.as_str(), task.state())?;
    let answers = ConfirmationArgs { yes: args.yes, name: args.confirm.as_deref() };
    if let Some(question) = retry.question() {
        say.note(&question);
        let undone = "The new backup was not started.";
        answers.require_yes(&Confirmation { ask: "Start it?", name: None, if_declined: undone, alternative: "" })?;
    }
    let order = if args.compact { compaction(context, say, &task, answers).await? } else { LaunchRequest::Resume };
    let given = task_secrets::SecretOverrides {
        access_key_from: args.access_key_from.clone(),
        encrypt_from: args.encrypt_from.clone(),
        ..task_secrets::SecretOverrides::default()
    };
    launch(context, say, &task, order, given, None).await
}

/// Asks once for the compaction: whom it concerns, and what is sent.
async fn compaction(
    context: &AppContext,
    say: &Output,
    task: &Task,
    answers: ConfirmationArgs<'_>,
) -> Result<LaunchRequest, Fault> {
    let question = compact::question(context, task).await?;
    say.note(&question.text());
    for statement in &question.statements {
        say.note(&format!("  {statement}"));
    }
    answers.require_yes(&Confirmation {
        ask: "Perform it?",
        name: question.required_name.as_deref().map(|name| ("This is prod.".to_owned(), name)),
        if_declined: "The major compaction was not started.",
        alternative: "",
    })?;
    Ok(LaunchRequest::ResumeWithCompaction)
}

pub(super) async fn launch(
    context: &AppContext,
    say: &Output,
    task: &Task,
    order: LaunchRequest,
    given: task_secrets::SecretOverrides,
    request: Option<&str>,
) -> Result<Exit, Fault> {
    let secrets = task_secrets::for_retry(context, task, given).await?;
    let before = task.view.attempt;
    match DetachedLauncher::for_this_program(&context.directories.state)?.launch(&task.id, order, secrets).await? {
        LaunchOutcome::Busy(fault) => Err(fault),
        LaunchOutcome::Started => {
            say.line(&say.paint(OutputStyle::Dim, &format!("Task {} goes on, attempt {}.", task.id, before + 1)));
            backup::follow_asked(context, say, task.id.as_str(), (before, request)).await
        }
    }
}
