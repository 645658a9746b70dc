//! `obnow cancel TASK`: what it will hit is shown, asked once, and the end is the server's word.

use super::args::CancelArgs;
use super::{Exit, Say, backup, tasks as task_commands};
use crate::app::hand_over::Order;
use crate::app::{Room, cancel, tasks};
use crate::domain::fault::Fault;

/// Cancels.
pub(super) async fn run(room: &Room, say: &Say, args: &CancelArgs) -> Result<Exit, Fault> {
    let task = tasks::find(room, &args.task)?;
    let question = cancel::question(room, &task).await?;
    question.lines.iter().for_each(|line| say.note(line));
    if !args.yes {
        let undone = "Nothing was cancelled.";
        match &question.name {
            Some(name) if question.foreign => {
                let asked = format!("This is not obnow's own backup. Type {name} to cancel it: ");
                backup::ask_for(&asked, &[name.as_str()], undone)?;
            }
            Some(name) => backup::ask_for(&format!("Type {name} to cancel: "), &[name.as_str()], undone)?,
            None => backup::ask_for("Cancel? [y/N] ", &backup::YES, undone)?,
        }
    }
    cancel::ask(room, &task)?;
    if task.alive {
        return backup::follow_from(room, say, task.id.as_str(), task.view.attempt.saturating_sub(1)).await;
    }
    task_commands::launch(room, say, &task, Order::GoOn, None, None).await
}
