//! The dialog before an action: it says what would be done; on prod the target's name is typed.

use super::{confirm, detected, task};
use crate::domain::preflight::{Check, CheckId};
use crate::domain::target::TargetName;
use crate::wizard::effect::Effect;
use crate::wizard::form::Text;
use crate::wizard::key::Key;
use crate::wizard::keymap::{Action, Availability, Binding};
use crate::wizard::model::{Model, Overlay, Screen};
use crate::wizard::update;

/// What yes would do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doing {
    /// End the wizard, and lose what was typed.
    Leave,
    /// Back up now, though something is interrupted on prod.
    Start,
    /// Override a failed check.
    Override(CheckId),
    /// A Retry that starts a new backup.
    Retry,
    /// A major compaction.
    Compact,
    /// Cancel the task.
    Cancel,
}

/// A question.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// What yes would do.
    pub doing: Doing,
    /// The question.
    pub title: String,
    /// What it is about: scope, owners, what stays.
    pub lines: Vec<String>,
    /// The name that must be typed; None: the key alone answers.
    pub name: Option<Name>,
}

/// A name that must be typed.
#[derive(Debug, Clone, PartialEq)]
pub struct Name {
    /// The name.
    pub expected: String,
    /// What is typed.
    pub text: Text,
}

impl Question {
    /// A question that a key answers.
    #[must_use]
    pub fn new(doing: Doing, title: impl Into<String>, lines: Vec<String>) -> Self {
        Self { doing, title: title.into(), lines, name: None }
    }

    /// The same, answered by typing a name.
    #[must_use]
    pub fn by_name(mut self, expected: impl Into<String>) -> Self {
        self.name = Some(Name { expected: expected.into(), text: Text::default() });
        self
    }

    /// Whether a failed check is overridden.
    #[must_use]
    pub fn override_of(check: &Check, targets: &[TargetName]) -> Self {
        // Of several targets a check of the cluster is about it, and one of a tenant about that tenant.
        let name = match targets {
            [target] => target.to_string(),
            _ => check.target.to_string(),
        };
        let title = format!("Back up in spite of the failed check {}?", check.check.name());
        let lines = vec![format!("{}.", check.found), check.fix.clone()];
        Self::new(Doing::Override(check.check), title, lines).by_name(name)
    }

    /// What a cancel hits, and whether it is meant.
    #[must_use]
    pub fn cancel(asked: crate::app::cancel::Question) -> Self {
        let title = if asked.foreign { "This is not obnow's own backup. Cancel it?" } else { "Cancel this backup?" };
        let question = Self::new(Doing::Cancel, title, asked.lines);
        match asked.name {
            Some(name) => question.by_name(name),
            None => question,
        }
    }

    /// Whether what was typed may be lost.
    #[must_use]
    pub fn leave() -> Self {
        let lines = vec!["What was typed is not kept, and nothing was started.".to_owned()];
        Self::new(Doing::Leave, "Leave obnow?", lines)
    }

    /// Whether it is [`Question::leave`].
    #[must_use]
    pub fn is_about_leaving(&self) -> bool {
        self.doing == Doing::Leave
    }
}

/// The keys of a question.
pub const KEYS: [Binding; 4] = [
    Binding::new(&[Key::Char('y')], Action::Next, "yes", "do it", 9).when(|model| match asked(model) {
        Some(question) => Availability::shown(question.name.is_none()),
        None => Availability::Hidden,
    }),
    Binding::new(&[Key::Enter], Action::Next, "do it", "do it, once the name is typed", 9).when(|model| {
        match asked(model).map(|question| &question.name) {
            Some(Some(name)) if name.text.value() == name.expected => Availability::Ready,
            Some(Some(name)) => Availability::Off(format!("Type {} first; Esc goes back.", name.expected)),
            // Enter is pressed too easily to be a yes.
            Some(None) => Availability::Off("y does it; Esc goes back.".to_owned()),
            None => Availability::Hidden,
        }
    }),
    Binding::new(&[Key::Esc, Key::Char('n')], Action::Back, "no", "go back; nothing is done", 8),
    Binding::new(&[Key::Ctrl('c')], Action::Quit, "quit", "end obnow", 2),
];

fn asked(model: &Model) -> Option<&Question> {
    match &model.overlay {
        Some(Overlay::Question(question)) => Some(question),
        Some(Overlay::Help(_) | Overlay::Ask(_)) | None => None,
    }
}

/// Does what a key means.
pub fn act(model: &mut Model, question: &Question, action: Action) -> Vec<Effect> {
    if action != Action::Next {
        return Vec::new();
    }
    match question.doing {
        Doing::Leave => update::leave(model),
        Doing::Start => confirm::launch(model),
        Doing::Override(check) if model.screen == Screen::Confirm => confirm::override_check(model, check),
        Doing::Override(check) => detected::override_check(model, check),
        Doing::Retry => task::retry(model),
        Doing::Compact => task::compact(model),
        Doing::Cancel => task::cancel(model),
    }
}
