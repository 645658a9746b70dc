//! The keys of a task, and when each of them does something.

use super::WatchedTask;
use crate::domain::preflight::COMPACTION_NEEDED;
use crate::domain::step::{StepKind, StepState};
use crate::domain::task::RetryEffect;
use crate::wizard::key::Key;
use crate::wizard::keymap::{Action, Availability, Binding};
use crate::wizard::model::Model;

/// Why nothing goes on from a task that has just stopped.
const RUNNER_EXITING: &str = "Its runner is just leaving; a moment.";

/// The keys of the screen. One of the first four is what r does now.
pub const KEYS: [Binding; 11] = [
    Binding::new(&[Key::Char('r')], Action::Retry, "NEW backup", "start a NEW backup; what failed stays", 9).when(
        |model| {
            Availability::ready_or_hidden(matches!(
                retry_action(model),
                RetryAction::Retry(RetryEffect::NewBackup { .. })
            ))
        },
    ),
    Binding::new(&[Key::Char('r')], Action::Retry, "look again", "look again; nothing is started that may be there", 9)
        .when(|model| {
            Availability::ready_or_hidden(matches!(retry_action(model), RetryAction::Retry(RetryEffect::LooksAgain)))
        }),
    Binding::new(&[Key::Char('r')], Action::Retry, "retry", "go on from the step that stopped", 9).when(|model| {
        Availability::ready_or_hidden(matches!(retry_action(model), RetryAction::Retry(RetryEffect::GoesOn(_))))
    }),
    Binding::new(&[Key::Char('r')], Action::Retry, "retry", "read it again, or go on with it", 9).when(|model| {
        match retry_action(model) {
            RetryAction::Reread => Availability::Ready,
            RetryAction::Retry(_) => Availability::Hidden,
            RetryAction::Unavailable(why) => Availability::Unavailable(why),
        }
    }),
    Binding::new(&[Key::Char('m')], Action::Compact, "major compaction", "perform a major compaction, then go on", 8)
        .when(can_compact),
    Binding::new(&[Key::Char('c')], Action::Cancel, "cancel", "cancel it; what that hits is shown first", 6)
        .when(can_cancel),
    Binding::new(&[Key::Char('l')], Action::Log, "log", "open or close the whole log", 5),
    Binding::new(&[Key::Char('d')], Action::Detach, "detach", "leave it to itself; it goes on", 4).when(|model| {
        let runs = model.task.as_ref().is_some_and(|task| task.is_live());
        Availability::ready_or(runs, "Nobody works on it any more; Esc goes back.")
    }),
    Binding::new(&[Key::Esc], Action::Back, "back", "back to where you were; a task that runs goes on", 7),
    Binding::new(&[Key::Char('o')], Action::Report, "report", "write a redacted report for a ticket", 5)
        .when(can_request),
    Binding::new(&[Key::Char('y')], Action::Copy, "copy", "copy the verdict, the fault, or the id", 3),
];

/// The action of the key `r`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RetryAction {
    /// Read the journal again.
    Reread,
    /// Retry the task.
    Retry(RetryEffect),
    /// Nothing, and why.
    Unavailable(String),
}

/// Returns the present action of the key `r`.
#[must_use]
pub fn retry_action(model: &Model) -> RetryAction {
    let Some(task) = &model.task else { return RetryAction::Unavailable("No task is watched.".to_owned()) };
    if task.pending.is_some() {
        return RetryAction::Unavailable("What was asked for is still under way.".to_owned());
    }
    if task.read_error.is_some() {
        return RetryAction::Reread;
    }
    let Some(state) = task.final_state else {
        let over = task.view.targets.iter().all(crate::domain::task::TargetView::is_over);
        return RetryAction::Unavailable(if over && !task.view.targets.is_empty() {
            RUNNER_EXITING.to_owned()
        } else {
            "It runs; r is for what stopped.".to_owned()
        });
    };
    match task.view.retry(&task.id, state) {
        Ok(retry) => RetryAction::Retry(retry),
        Err(fault) => RetryAction::Unavailable(format!("{} {}", fault.why, fault.next)),
    }
}

fn can_request(model: &Model) -> Availability {
    match &model.task {
        Some(task) => Availability::ready_or(task.pending.is_none(), "What was asked for is still under way."),
        None => Availability::Hidden,
    }
}

/// Whether a target stopped at the compaction, with its contract text.
#[must_use]
pub fn waits_for_compaction(task: &WatchedTask) -> bool {
    task.view.targets.iter().filter_map(|target| target.step(StepKind::Compact)).any(|step| {
        step.state == StepState::Failed
            && step.fault.as_ref().is_some_and(|fault| fault.what.starts_with(COMPACTION_NEEDED))
    })
}

fn can_compact(model: &Model) -> Availability {
    match &model.task {
        Some(task) if waits_for_compaction(task) && task.final_state.is_none() => {
            Availability::Unavailable(RUNNER_EXITING.to_owned())
        }
        Some(task) if waits_for_compaction(task) => can_request(model),
        Some(_) | None => Availability::Unavailable("No step of it waits for a major compaction.".to_owned()),
    }
}

fn can_cancel(model: &Model) -> Availability {
    let Some(task) = &model.task else { return Availability::Hidden };
    let state = task.state();
    if task.is_cancelling {
        return Availability::Unavailable("The cancel was asked for; the server's word is awaited.".to_owned());
    }
    if task.view.created.is_none() || !state.may_be_cancelled() {
        return Availability::Unavailable(format!(
            "There is nothing to cancel: it is {}.",
            state.word().replace('_', " ")
        ));
    }
    can_request(model)
}
