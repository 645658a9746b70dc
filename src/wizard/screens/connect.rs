//! The first connection, where there is no inventory: it is tried, saved, and used.

use std::sync::Arc;

use crate::app::known::Known;
use crate::domain::facts::Facts;
use crate::domain::fault::Fault;
use crate::domain::secret::Secret;
use crate::wizard::effect::Effect;
use crate::wizard::key::Key;
use crate::wizard::keymap::{Action, Binding};
use crate::wizard::model::{Model, Req};

/// A connection that was typed.
#[derive(Debug, Clone)]
pub struct Login {
    /// The name the cluster will have in the inventory.
    pub name: String,
    /// `host[:port]`.
    pub host: String,
    /// `root@sys`.
    pub user: String,
    /// Its password; it is kept in memory and not saved.
    pub password: Secret,
    /// The environment, such as `prod`; empty: none.
    pub environment: String,
}

/// The form.
#[derive(Debug, Clone, Default)]
pub struct Connect {}

impl Connect {
    /// Whether printable keys are text.
    #[must_use]
    pub fn is_typing(&self) -> bool {
        false
    }

    /// Whether something was typed.
    #[must_use]
    pub fn is_touched(&self) -> bool {
        false
    }
}

/// The keys of the screen.
pub const KEYS: [Binding; 1] = [Binding::new(&[Key::Enter], Action::Next, "next", "try the connection", 8)];

/// Does what a key means.
pub fn act(_model: &mut Model, _action: Action) -> Vec<Effect> {
    Vec::new()
}

/// A key while text is typed; whether it was one for it.
pub fn typed(_model: &mut Model, _key: Key) -> bool {
    false
}

/// Pastes into the focused field.
pub fn pasted(_model: &mut Model, _text: &str) {}

/// The connection was tried.
pub fn tried(_model: &mut Model, _req: Req, _facts: Result<Arc<Facts>, Fault>) -> Vec<Effect> {
    Vec::new()
}

/// It was saved: the inventory as it is now, where that went well.
pub fn saved(_model: &mut Model, _req: Req, known: Result<Known, Fault>) -> Option<Known> {
    known.ok()
}
