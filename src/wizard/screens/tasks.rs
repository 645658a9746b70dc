//! The tasks of this host, newest first, and below them the backups that run elsewhere.

use std::sync::Arc;

use super::{target, task};
use crate::domain::facts::{Facts, JobFacts, TenantKind};
use crate::domain::fault::Fault;
use crate::domain::format;
use crate::domain::target::TargetName;
use crate::wizard::effect::{Effect, TypedSecrets};
use crate::wizard::key::Key;
use crate::wizard::keymap::{Action, Availability, Binding};
use crate::wizard::model::{Model, RequestId, Screen};
use crate::wizard::msg::TaskRow;
use crate::wizard::update;

/// The list.
#[derive(Debug, Clone, Default)]
pub struct TaskList {
    /// Its rows.
    pub rows: Vec<TaskRow>,
    /// The focused one; those that run elsewhere follow.
    pub cursor: usize,
    /// The question for them.
    pub pending: Option<RequestId>,
    /// Why they cannot be listed.
    pub fault: Option<Fault>,
    /// The screen to go back to.
    pub return_screen: Option<Screen>,
}

/// A backup that no task of this host started.
#[derive(Debug, Clone)]
pub struct ForeignJob<'a> {
    /// The facts it was seen in.
    pub facts: &'a Arc<Facts>,
    /// Its tenant.
    pub target: TargetName,
    /// Its job.
    pub job: &'a JobFacts,
}

/// The keys of the screen.
pub const KEYS: [Binding; 4] = [
    Binding::new(&[Key::Enter], Action::Next, "watch", "watch the focused task", 8).when(can_watch),
    Binding::new(&[Key::Esc, Key::Char('b')], Action::Back, "back", "back to where you were", 7),
    Binding::new(&[Key::Char('r')], Action::Retry, "read again", "read the journals and ask the clusters again", 5),
    Binding::new(&[Key::Char('y')], Action::Copy, "copy id", "copy the id of the focused task", 3)
        .when(|model| Availability::ready_or_hidden(focused(model).is_some_and(|row| row.view.is_ok()))),
];

fn can_watch(model: &Model) -> Availability {
    match focused(model) {
        Some(TaskRow { view: Err(fault), .. }) => Availability::Unavailable(format!("{} {}", fault.what, fault.why)),
        Some(TaskRow { view: Ok(_), .. }) => Availability::Ready,
        None if model.attach_request.is_some() => {
            Availability::Unavailable("A runner of its own begins to watch it.".to_owned())
        }
        None => {
            let any = model.tasks.cursor < model.tasks.rows.len() + foreign_jobs(model).len();
            Availability::ready_or(any, "There is no task on this host yet.")
        }
    }
}

/// The task that has the focus.
#[must_use]
pub fn focused(model: &Model) -> Option<&TaskRow> {
    model.tasks.rows.get(model.tasks.cursor)
}

/// The backups that run on the clusters of the inventory and belong to no task of this host.
#[must_use]
pub fn foreign_jobs(model: &Model) -> Vec<ForeignJob<'_>> {
    let ours = |job: &JobFacts, target: &TargetName| {
        model.tasks.rows.iter().any(|row| row.view.as_ref().is_ok_and(|view| view.has_job(&row.id, job, target)))
    };
    let of = |facts| {
        let facts: &Arc<Facts> = facts;
        let users = facts.tenants.iter().filter(|tenant| tenant.kind == TenantKind::User);
        users.filter_map(move |tenant| {
            let target = facts.target(tenant);
            let job = tenant.running.first().filter(|job| !ours(job, &target))?;
            Some(ForeignJob { facts, target, job })
        })
    };
    model.clusters.iter().filter_map(|cluster| cluster.facts()).flat_map(of).collect()
}

/// Opens the screen.
pub fn open(model: &mut Model) -> Vec<Effect> {
    // From a task one does not come back to it by Esc: it may have been opened from here.
    model.tasks.return_screen = Some(if model.screen == Screen::Task { Screen::Target } else { model.screen });
    model.screen = Screen::Tasks;
    refresh(model)
}

/// Reads the tasks again.
pub fn refresh(model: &mut Model) -> Vec<Effect> {
    let req = model.next_request_id();
    model.tasks.pending = Some(req);
    vec![Effect::ListTasks(req)]
}

/// They were read.
pub fn handle_listed(model: &mut Model, req: RequestId, rows: Result<Vec<TaskRow>, Fault>) -> Vec<Effect> {
    if model.tasks.pending != Some(req) {
        return Vec::new();
    }
    model.tasks.pending = None;
    match rows {
        Ok(rows) => {
            // The focus stays on its task, wherever that is now.
            let focused = focused(model).map(|row| row.id.clone()).filter(|id| !id.is_empty());
            let place = focused.and_then(|id| rows.iter().position(|row| row.id == id));
            model.tasks.rows = rows;
            model.tasks.fault = None;
            let last = (model.tasks.rows.len() + foreign_jobs(model).len()).saturating_sub(1);
            model.tasks.cursor = place.unwrap_or(model.tasks.cursor).min(last);
            // Dumps are known from tasks alone.
            target::refresh_all(model);
        }
        Err(fault) => model.tasks.fault = Some(fault),
    }
    Vec::new()
}

/// Returns the result of a task: its worst verdict, else its current step.
#[must_use]
pub fn result_text(row: &TaskRow) -> String {
    let Ok(view) = &row.view else { return String::new() };
    match format::worst(view) {
        Some((_, outcome)) if view.targets.iter().all(crate::domain::task::TargetView::is_over) => outcome.in_short(),
        Some(_) | None => {
            let step = view.targets.iter().find_map(crate::domain::task::TargetView::current);
            step.map_or(String::new(), |step| step.kind.name().to_owned())
        }
    }
}

/// Does what a key means.
pub fn handle_action(model: &mut Model, action: Action) -> Vec<Effect> {
    let rows = model.tasks.rows.len() + foreign_jobs(model).len();
    if let Some(cursor) = update::next_position(action, model.tasks.cursor, rows, model.body_rows()) {
        model.tasks.cursor = cursor;
        return Vec::new();
    }
    match action {
        Action::Next => {
            if let Some(row) = focused(model) {
                let id = row.id.clone();
                return task::open(model, id, TypedSecrets::default());
            }
            let at = model.tasks.cursor.saturating_sub(model.tasks.rows.len());
            let chosen = foreign_jobs(model).get(at).map(|other| (Arc::clone(other.facts), other.target.clone()));
            chosen.map_or_else(Vec::new, |(facts, target)| task::attach(model, facts, target))
        }
        Action::Retry => {
            let mut effects = refresh(model);
            effects.extend(target::detect_all(model));
            effects
        }
        Action::Copy => focused(model).map_or_else(Vec::new, |row| vec![Effect::Copy(row.id.clone())]),
        Action::Back => {
            model.screen = model.tasks.return_screen.unwrap_or(Screen::Target);
            Vec::new()
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests;
