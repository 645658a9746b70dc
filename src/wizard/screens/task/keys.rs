//! The keys of a task, and when each of them does something.

use super::Watched;
use crate::domain::preflight::COMPACTION_NEEDED;
use crate::domain::step::{StepKind, StepState};
use crate::domain::task::Retry;
use crate::wizard::key::Key;
use crate::wizard::keymap::{Action, Availability, Binding};
use crate::wizard::model::Model;

/// Why nothing goes on from a task that has just stopped.
const LEAVING: &str = "Its runner is just leaving; a moment.";

/// The keys of the screen. One of the first four is what r does now.
pub const KEYS: [Binding; 11] = [
    Binding::new(&[Key::Char('r')], Action::Retry, "NEW backup", "start a NEW backup; what failed stays", 9)
        .when(|model| Availability::shown(matches!(way(model), Way::Retry(Retry::NewBackup { .. })))),
    Binding::new(&[Key::Char('r')], Action::Retry, "look again", "look again; nothing is started that may be there", 9)
        .when(|model| Availability::shown(matches!(way(model), Way::Retry(Retry::LooksAgain)))),
    Binding::new(&[Key::Char('r')], Action::Retry, "retry", "go on from the step that stopped", 9)
        .when(|model| Availability::shown(matches!(way(model), Way::Retry(Retry::GoesOn(_))))),
    Binding::new(&[Key::Char('r')], Action::Retry, "retry", "read it again, or go on with it", 9).when(
        |model| match way(model) {
            Way::ReadAgain => Availability::Ready,
            Way::Retry(_) => Availability::Hidden,
            Way::Not(why) => Availability::Off(why),
        },
    ),
    Binding::new(&[Key::Char('m')], Action::Compact, "major compaction", "perform a major compaction, then go on", 8)
        .when(can_compact),
    Binding::new(&[Key::Char('c')], Action::Cancel, "cancel", "cancel it; what that hits is shown first", 6)
        .when(can_cancel),
    Binding::new(&[Key::Char('l')], Action::Log, "log", "open or close the whole log", 5),
    Binding::new(&[Key::Char('d')], Action::Detach, "detach", "leave it to itself; it goes on", 4).when(|model| {
        let runs = model.task.as_ref().is_some_and(|task| task.ticks());
        Availability::when(runs, "Nobody works on it any more; Esc goes back.")
    }),
    Binding::new(&[Key::Esc], Action::Back, "back", "back to where you were; a task that runs goes on", 7),
    Binding::new(&[Key::Char('o')], Action::Report, "report", "write a redacted report for a ticket", 5).when(can_ask),
    Binding::new(&[Key::Char('y')], Action::Copy, "copy", "copy the verdict, the fault, or the id", 3),
];

/// The action of the key `r`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// Read the journal again.
    ReadAgain,
    /// Retry the task.
    Retry(Retry),
    /// Nothing, and why.
    Not(String),
}

/// Returns the present action of the key `r`.
#[must_use]
pub fn way(model: &Model) -> Way {
    let Some(task) = &model.task else { return Way::Not("No task is watched.".to_owned()) };
    if task.asking.is_some() {
        return Way::Not("What was asked for is still under way.".to_owned());
    }
    if task.unread.is_some() {
        return Way::ReadAgain;
    }
    let Some(state) = task.ended else {
        let over = task.view.targets.iter().all(crate::domain::task::TargetView::is_over);
        return Way::Not(if over && !task.view.targets.is_empty() {
            LEAVING.to_owned()
        } else {
            "It runs; r is for what stopped.".to_owned()
        });
    };
    match task.view.retry(&task.id, state) {
        Ok(retry) => Way::Retry(retry),
        Err(fault) => Way::Not(format!("{} {}", fault.why, fault.next)),
    }
}

fn can_ask(model: &Model) -> Availability {
    match &model.task {
        Some(task) => Availability::when(task.asking.is_none(), "What was asked for is still under way."),
        None => Availability::Hidden,
    }
}

/// Whether a target stopped at the compaction, with its contract text.
#[must_use]
pub fn waits_for_compaction(task: &Watched) -> bool {
    task.view.targets.iter().filter_map(|target| target.step(StepKind::Compact)).any(|step| {
        step.state == StepState::Failed
            && step.fault.as_ref().is_some_and(|fault| fault.what.starts_with(COMPACTION_NEEDED))
    })
}

fn can_compact(model: &Model) -> Availability {
    match &model.task {
        Some(task) if waits_for_compaction(task) && task.ended.is_none() => Availability::Off(LEAVING.to_owned()),
        Some(task) if waits_for_compaction(task) => can_ask(model),
        Some(_) | None => Availability::Off("No step of it waits for a major compaction.".to_owned()),
    }
}

fn can_cancel(model: &Model) -> Availability {
    let Some(task) = &model.task else { return Availability::Hidden };
    let state = task.state();
    if task.cancelling {
        return Availability::Off("The cancel was asked for; the server's word is awaited.".to_owned());
    }
    if task.view.created.is_none() || !state.may_be_cancelled() {
        return Availability::Off(format!("There is nothing to cancel: it is {}.", state.word().replace('_', " ")));
    }
    can_ask(model)
}
