//! The lines that are printed when the wizard exits.

use super::Watched;
use crate::domain::command_line::shell;
use crate::domain::exit::{self, Exit};
use crate::domain::task::TaskState;
use crate::domain::words;
use crate::wizard::model::Model;

/// What is printed when the wizard ends, and its exit code: that of the task that was watched last, where it is over.
#[must_use]
pub fn farewell(model: &Model) -> (Exit, Vec<String>) {
    let mut lines = Vec::new();
    for task in &model.left {
        lines.extend(of_task(model, task));
    }
    let Some(task) = &model.task else { return (Exit::LEFT, lines) };
    lines.extend(of_task(model, task));
    let exit = end(task).map_or(Exit::LEFT, |state| exit::of_task(&task.view, state, task.last_word.as_ref()));
    (exit, lines)
}

/// How it ended. A verdict on every target is an end, though its runner has a moment left to go.
fn end(task: &Watched) -> Option<TaskState> {
    let mut targets = task.view.targets.iter();
    let present = task.following.is_some() && !task.again && !task.view.targets.is_empty();
    let judged = present && targets.all(|target| target.outcome.is_some());
    task.ended.or_else(|| judged.then(|| task.view.state(false)))
}

fn of_task(model: &Model, task: &Watched) -> Vec<String> {
    let id = &task.id;
    let command = |verb: &str| {
        let words = ["obnow".to_owned()].into_iter().chain(model.reach.iter().cloned());
        shell(&words.chain([verb.to_owned(), id.clone()]).collect::<Vec<_>>())
    };
    match end(task) {
        Some(TaskState::RunnerGone) => {
            let fault = task.view.runner_gone(id, task.last_word.as_ref());
            vec![fault.what, fault.why, format!("Go on with: {}", command("retry"))]
        }
        Some(_) => {
            let mut lines = vec![format!("Task {id}")];
            for target in task.targets() {
                match &target.outcome {
                    Some(outcome) => lines.extend(words::whole_verdict(&target.target, outcome)),
                    None => lines.push(format!("UNKNOWN  {}", target.target)),
                }
            }
            lines.extend(words::left_out(&task.view));
            lines
        }
        None if task.unread.is_some() => vec![format!("Task {id} cannot be read: {}", command("watch"))],
        None if task.following.is_some() => vec![format!("Task {id} still runs: {}", command("watch"))],
        None => vec![format!("Task {id} still ran when it was left: {}", command("watch"))],
    }
}
