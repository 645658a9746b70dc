//! Where backups go: filled in by itself, or typed and tested.

use jiff::Timestamp;

use crate::domain::choices::Wanted;
use crate::domain::facts::TenantFacts;
use crate::domain::secret::Secret;
use crate::domain::storage_test::{TestNews, TestReport};
use crate::wizard::effect::Effect;
use crate::wizard::key::Key;
use crate::wizard::keymap::{Action, Binding};
use crate::wizard::model::{Model, Req, Screen};

/// The storage part of a draft.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Storage {}

impl Storage {
    /// Whether something was typed.
    #[must_use]
    pub fn is_typed(&self) -> bool {
        false
    }

    /// Whether printable keys are text.
    #[must_use]
    pub fn is_typing(&self) -> bool {
        false
    }

    /// What was typed, as a choice; None where nothing was.
    ///
    /// # Errors
    /// What is typed is no destination, and why.
    pub fn wanted(&self, _tenants: &[&TenantFacts]) -> Result<Option<Wanted>, String> {
        Ok(None)
    }

    /// The access key that was typed.
    #[must_use]
    pub fn access_key(&self) -> Option<Secret> {
        None
    }

    /// What the Test of what was typed could not check, for the confirm screen.
    #[must_use]
    pub fn not_checked(&self) -> Vec<String> {
        Vec::new()
    }
}

/// The keys of the screen.
pub const KEYS: [Binding; 2] = [
    Binding::new(&[Key::Enter], Action::Next, "next", "go on to the mode", 8),
    Binding::new(&[Key::Esc], Action::Back, "back", "back to what was detected", 7),
];

/// Fills the form in from what is known, where nothing was typed.
pub fn prefill(_model: &mut Model) {}

/// Does what a key means.
pub fn act(model: &mut Model, action: Action, _now: Timestamp) -> Vec<Effect> {
    match action {
        Action::Next => model.screen = Screen::Mode,
        Action::Back => model.screen = Screen::Detected,
        _ => {}
    }
    Vec::new()
}

/// A key while text is typed; whether it was one for it.
pub fn typed(_model: &mut Model, _key: Key) -> bool {
    false
}

/// Pastes into the focused field.
pub fn pasted(_model: &mut Model, _text: &str) {}

/// A check of the Test begins or has ended.
pub fn tested(_model: &mut Model, _req: Req, _news: TestNews) -> Vec<Effect> {
    Vec::new()
}

/// The Test has ended.
pub fn test_over(_model: &mut Model, _req: Req, _report: TestReport) -> Vec<Effect> {
    Vec::new()
}
