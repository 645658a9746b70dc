//! `obnow cancel TASK`: shows the affected jobs, asks once, and waits for the server to end them.

use super::args::CancelArgs;
use super::confirmation::{Confirmation, ConfirmationArgs};
use super::{Exit, Output, backup, tasks as task_commands};
use crate::app::launch::LaunchRequest;
use crate::app::{AppContext, cancel, task_secrets, tasks};
use crate::domain::fault::Fault;

/// Cancels.
pub(super) async fn run(context: &AppContext, say: &Output, args: &CancelArgs) -> Result<Exit, Fault> {
    let task = tasks::find(context, &args.task)?;
    let question = cancel::question(context, &task).await?;
    question.lines.iter().for_each(|line| say.note(line));
    let title = if question.is_foreign { "This is not obnow's own backup." } else { "This cancels a backup on prod." };
    ConfirmationArgs { yes: args.yes, name: args.confirm.as_deref() }.require_yes(&Confirmation {
        ask: "Cancel?",
        name: question.required_name.as_deref().map(|name| (title.to_owned(), name)),
        if_declined: "Nothing was cancelled.",
        alternative: "",
    })?;
    let request = cancel::request_cancel(context, &task)?;
    if task.is_runner_alive {
        let after = task.view.attempt.saturating_sub(1);
        return backup::follow_asked(context, say, task.id.as_str(), (after, Some(&request))).await;
    }
    task_commands::launch(
        context,
        say,
        &task,
        LaunchRequest::Resume,
        task_secrets::SecretOverrides::default(),
        Some(&request),
    )
    .await
}
