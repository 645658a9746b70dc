//! The tasks of this host, newest first.

use jiff::Timestamp;

use super::{target, task};
use crate::domain::fault::Fault;
use crate::wizard::effect::{Effect, Typed};
use crate::wizard::key::Key;
use crate::wizard::keymap::{Action, Availability, Binding};
use crate::wizard::model::{Model, Req, Screen};
use crate::wizard::msg::TaskRow;
use crate::wizard::update;

/// The list.
#[derive(Debug, Clone, Default)]
pub struct List {
    /// Its rows.
    pub rows: Vec<TaskRow>,
    /// The focused one.
    pub cursor: usize,
    /// The question for them.
    pub asking: Option<Req>,
    /// Why they cannot be listed.
    pub fault: Option<Fault>,
    /// The screen to go back to.
    pub from: Option<Screen>,
}

/// The keys of the screen.
pub const KEYS: [Binding; 3] = [
    Binding::new(&[Key::Enter], Action::Next, "watch", "watch the focused task", 8)
        .when(|model| Availability::when(!model.tasks.rows.is_empty(), "There is no task on this host yet.")),
    Binding::new(&[Key::Esc, Key::Char('b')], Action::Back, "back", "back to where you were", 7),
    Binding::new(&[Key::Char('r')], Action::Retry, "read again", "read the journals again", 5),
];

/// Opens the screen.
pub fn open(model: &mut Model) -> Vec<Effect> {
    model.tasks.from = Some(model.screen);
    model.screen = Screen::Tasks;
    refresh(model)
}

/// Reads the tasks again.
pub fn refresh(model: &mut Model) -> Vec<Effect> {
    let req = model.next_req();
    model.tasks.asking = Some(req);
    vec![Effect::ListTasks(req)]
}

/// They were read.
pub fn listed(model: &mut Model, req: Req, rows: Result<Vec<TaskRow>, Fault>, _now: Timestamp) -> Vec<Effect> {
    if model.tasks.asking != Some(req) {
        return Vec::new();
    }
    model.tasks.asking = None;
    match rows {
        Ok(rows) => {
            model.tasks.rows = rows;
            model.tasks.fault = None;
            model.tasks.cursor = model.tasks.cursor.min(model.tasks.rows.len().saturating_sub(1));
            // Dumps are known from tasks alone.
            target::refresh_all(model);
        }
        Err(fault) => model.tasks.fault = Some(fault),
    }
    Vec::new()
}

/// Does what a key means.
pub fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    let rows = model.tasks.rows.len();
    if let Some(cursor) = update::moved(action, model.tasks.cursor, rows, model.body_rows()) {
        model.tasks.cursor = cursor;
        return Vec::new();
    }
    match action {
        Action::Next => {
            let id = model.tasks.rows.get(model.tasks.cursor).map(|row| row.id.clone());
            id.map_or_else(Vec::new, |id| task::open(model, id, Typed::default()))
        }
        Action::Retry => refresh(model),
        Action::Back => {
            model.screen = model.tasks.from.unwrap_or(Screen::Target);
            Vec::new()
        }
        _ => Vec::new(),
    }
}
