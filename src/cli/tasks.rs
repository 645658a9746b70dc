//! `obnow tasks`, `obnow watch` and `obnow retry`.

use super::args::{RetryArgs, WatchArgs};
use super::say::Role;
use super::{Exit, Say, backup, show};
use crate::app::hand_over::{Detached, Launcher, Order, Purse, Started};
use crate::app::tasks::{self, Task};
use crate::app::{Asking, Room};
use crate::domain::fault::{Cause, Fault};
use crate::domain::outcome::VerdictWord;
use crate::domain::secret::SecretSource;
use crate::domain::target::TargetName;
use crate::domain::task::{TargetView, TaskState};

/// The tasks of this host, newest first.
pub(super) fn list(room: &Room, say: &Say) -> Result<Exit, Fault> {
    let all = tasks::all(room)?;
    if all.is_empty() && !say.json {
        say.note("There is no task on this host yet.");
    }
    for task in all {
        match task {
            Ok(task) => {
                show::task(say, task.id.as_str(), &task.view, task.state());
                say.line(&line(&task));
            }
            Err(fault) => say.fault(&fault),
        }
    }
    Ok(Exit::OK)
}

fn line(task: &Task) -> String {
    let targets: Vec<String> = task.targets().iter().map(ToString::to_string).collect();
    let mode = task.view.prepared.as_ref().map_or("", |prepared| prepared.plan.choices.mode.word());
    let step = task.view.targets.iter().find_map(TargetView::current).map_or("", |step| step.kind.name());
    let verdict = show::worst(&task.view).map_or("", |(_, outcome)| outcome.verdict.word());
    let started = task.view.created.map_or_else(String::new, show::moment);
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

/// Follows a task; one whose verdict may still change is looked at again by a runner of its own.
pub(super) async fn watch(room: &Room, say: &Say, args: &WatchArgs) -> Result<Exit, Fault> {
    let task = chosen(room, &args.what)?;
    if !task.alive && task.view.targets.iter().any(may_still_change) {
        return launch(room, say, &task, None, None).await;
    }
    backup::follow(room, say, task.id.as_str()).await
}

fn may_still_change(target: &TargetView) -> bool {
    let verdict = target.outcome.as_ref().map(|outcome| outcome.verdict);
    matches!(verdict, Some(VerdictWord::NotYetRestorable | VerdictWord::Unknown))
}

fn chosen(room: &Room, what: &str) -> Result<Task, Fault> {
    if let Ok(task) = tasks::find(room, what) {
        return Ok(task);
    }
    let is_cluster =
        room.inventory.clusters.iter().any(|cluster| what.split('/').next() == Some(cluster.name.as_str()));
    let target = what.parse::<TargetName>().ok().filter(|_| is_cluster || what.contains('/'));
    match target {
        None => tasks::find(room, what),
        Some(target) => tasks::newest_on(room, &target)?.ok_or_else(|| {
            Fault::new(
                Cause::Usage,
                format!("No task of this host is about {target}."),
                "obnow has started none on it.",
                "List the tasks with: obnow tasks.",
            )
        }),
    }
}

/// Goes on with a task.
pub(super) async fn retry(room: &Room, say: &Say, args: &RetryArgs) -> Result<Exit, Fault> {
    let task = tasks::find(room, &args.task)?;
    if task.state() == TaskState::Done && !task.view.targets.iter().any(TargetView::wants_retry) {
        return Err(Fault::new(
            Cause::Usage,
            format!("Task {} needs no retry.", task.id),
            "Every target of it is restorable.",
            "Start another backup with: obnow backup.",
        ));
    }
    let new: Vec<String> = task
        .view
        .targets
        .iter()
        .filter(|target| target.needs_new_backup())
        .map(|target| target.target.to_string())
        .collect();
    if !new.is_empty() {
        let again = task.view.targets.iter().filter(|target| target.needs_new_backup());
        let left: Vec<String> =
            again.filter_map(|target| Some(format!("set {} of {}", target.set?, target.target))).collect();
        let left =
            if left.is_empty() { String::new() } else { format!(" What failed stays there: {}.", left.join(", ")) };
        let attempt = task.view.attempt + 1;
        say.note(&format!("Retry starts a NEW backup of {}, attempt {attempt}.{left}", new.join(", ")));
        if !args.yes {
            backup::ask_for("Start it? [y/N] ", &backup::YES, "The new backup was not started.")?;
        }
    }
    launch(room, say, &task, args.access_key_from.as_ref(), args.encrypt_from.as_ref()).await
}

pub(super) async fn launch(
    room: &Room,
    say: &Say,
    task: &Task,
    access_key_from: Option<&SecretSource>,
    encrypt_from: Option<&SecretSource>,
) -> Result<Exit, Fault> {
    let (Some(prepared), Some(connection)) = (&task.view.prepared, &task.view.connection) else {
        return Err(Fault::new(
            Cause::Usage,
            format!("Task {} cannot go on.", task.id),
            "Its journal does not say what was confirmed.",
            "Start the backup anew.",
        ));
    };
    let cluster = &prepared.plan.cluster.name;
    let source = room.password_source(cluster).or_else(|| connection.password.clone()).unwrap_or(SecretSource::Prompt);
    let what = format!("the password of {} on {cluster}", connection.user);
    let key = access_key_from.cloned().or_else(|| backup::access_key(prepared));
    let encrypt = encrypt_from.cloned().or_else(|| prepared.plan.choices.encrypt.clone());
    let purse = Purse {
        login: Some(room.secret(&source, Asking { what: &what, flag: "--password-from" }).await?),
        access_key: backup::secret(room, key.as_ref(), "the access key of the storage", "--access-key-from").await?,
        encryption: backup::secret(room, encrypt.as_ref(), "the encryption password", "--encrypt-from").await?,
    };
    let before = task.view.attempt;
    match Detached::here(&room.places.state)?.launch(&task.id, Order::GoOn, purse).await? {
        Started::Busy(fault) => Err(fault),
        Started::Yes => {
            say.line(&say.paint(Role::Dim, &format!("Task {} goes on, attempt {}.", task.id, before + 1)));
            backup::follow_from(room, say, task.id.as_str(), before).await
        }
    }
}
