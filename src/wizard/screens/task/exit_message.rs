//! The lines that are printed when the wizard exits.

use super::WatchedTask;
use crate::domain::command_line::shell;
use crate::domain::exit::{self, Exit};
use crate::domain::format;
use crate::domain::task::TaskState;
use crate::wizard::model::Model;

/// What is printed when the wizard ends, and its exit code: that of the task that was watched last, where it is over.
#[must_use]
pub fn exit_message(model: &Model) -> (Exit, Vec<String>) {
    let mut lines = Vec::new();
    for task in &model.previous_tasks {
        lines.extend(task_lines(model, task));
    }
    let Some(task) = &model.task else { return (Exit::LEFT, lines) };
    lines.extend(task_lines(model, task));
    let exit =
        final_state(task).map_or(Exit::LEFT, |state| exit::of_task(&task.view, state, task.exit_reason.as_ref()));
    (exit, lines)
}

/// How it ended. A verdict on every target is an end, though its runner has a moment left to go.
fn final_state(task: &WatchedTask) -> Option<TaskState> {
    let mut targets = task.view.targets.iter();
    let present = task.follow_request.is_some() && !task.is_rereading && !task.view.targets.is_empty();
    let judged = present && targets.all(|target| target.outcome.is_some());
    task.final_state.or_else(|| judged.then(|| task.view.state(false)))
}

fn task_lines(model: &Model, task: &WatchedTask) -> Vec<String> {
    let id = &task.id;
    let command = |verb: &str| {
        let words = ["obnow".to_owned()].into_iter().chain(model.global_args.iter().cloned());
        shell(&words.chain([verb.to_owned(), id.clone()]).collect::<Vec<_>>())
    };
    match final_state(task) {
        Some(TaskState::RunnerGone) => {
            let fault = task.view.runner_gone(id, task.exit_reason.as_ref());
            vec![fault.what, fault.why, format!("Go on with: {}", command("retry"))]
        }
        Some(_) => {
            let mut lines = vec![format!("Task {id}")];
            for target in task.targets() {
                match &target.outcome {
                    Some(outcome) => lines.extend(format::verdict_lines(&target.target, outcome)),
                    None => lines.push(format!("UNKNOWN  {}", target.target)),
                }
            }
            lines.extend(format::left_out(&task.view));
            lines
        }
        None if task.read_error.is_some() => vec![format!("Task {id} cannot be read: {}", command("watch"))],
        None if task.follow_request.is_some() => vec![format!("Task {id} still runs: {}", command("watch"))],
        None => vec![format!("Task {id} still ran when it was left: {}", command("watch"))],
    }
}
