//! `obnow cancel TASK`: shows the affected jobs, asks once, and waits for the server to end them.

use super::answers::{Answers, Question};
use super::args::CancelArgs;
use super::{Exit, Say, backup, tasks as task_commands};
use crate::app::hand_over::Order;
use crate::app::{AppContext, cancel, task_secrets, tasks};
use crate::domain::fault::Fault;

/// Cancels.
pub(super) async fn run(context: &AppContext, say: &Say, args: &CancelArgs) -> Result<Exit, Fault> {
    let task = tasks::find(context, &args.task)?;
    let question = cancel::question(context, &task).await?;
    question.lines.iter().for_each(|line| say.note(line));
    let title = if question.foreign { "This is not obnow's own backup." } else { "This cancels a backup on prod." };
    Answers { yes: args.yes, name: args.confirm.as_deref() }.insist(&Question {
        ask: "Cancel?",
        name: question.name.as_deref().map(|name| (title.to_owned(), name)),
        undone: "Nothing was cancelled.",
        or: "",
    })?;
    let request = cancel::ask(context, &task)?;
    if task.alive {
        let after = task.view.attempt.saturating_sub(1);
        return backup::follow_asked(context, say, task.id.as_str(), (after, Some(&request))).await;
    }
    task_commands::launch(context, say, &task, Order::GoOn, task_secrets::Given::default(), Some(&request)).await
}
