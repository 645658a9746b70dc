//! The dialog before an action: it says what would be done; on prod the target's name is typed.

use super::{confirm, detected, task};
use crate::domain::preflight::{Check, CheckId};
use crate::domain::target::TargetName;
use crate::wizard::effect::Effect;
use crate::wizard::key::Key;
use crate::wizard::keymap::{Action, Availability, Binding};
use crate::wizard::model::{Model, Overlay, Screen};
use crate::wizard::text_field::TextField;
use crate::wizard::update;

/// What yes would do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConfirmAction {
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
pub struct ConfirmDialog {
    /// What yes would do.
    pub action: ConfirmAction,
    /// The question.
    pub title: String,
    /// What it is about: scope, owners, what stays.
    pub lines: Vec<String>,
    /// The name that must be typed; None: the key alone answers.
    pub name: Option<NameInput>,
}

/// A name that must be typed.
#[derive(Debug, Clone, PartialEq)]
pub struct NameInput {
    /// The name.
    pub expected: String,
    /// What is typed.
    pub text: TextField,
}

impl ConfirmDialog {
    /// A question that a key answers.
    #[must_use]
    pub fn new(doing: ConfirmAction, title: impl Into<String>, lines: Vec<String>) -> Self {
        Self { action: doing, title: title.into(), lines, name: None }
    }

    /// The same, answered by typing a name.
    #[must_use]
    pub fn with_name(mut self, expected: impl Into<String>) -> Self {
        self.name = Some(NameInput { expected: expected.into(), text: TextField::default() });
        self
    }

    /// Whether a failed check is overridden.
    #[must_use]
    pub fn for_override(check: &Check, targets: &[TargetName]) -> Self {
        // Of several targets a check of the cluster is about it, and one of a tenant about that tenant.
        let name = match targets {
            [target] => target.to_string(),
            _ => check.target.to_string(),
        };
        let title = format!("Back up in spite of the failed check {}?", check.check.name());
        let lines = vec![format!("{}.", check.found), check.fix.clone()];
        Self::new(ConfirmAction::Override(check.check), title, lines).with_name(name)
    }

    /// What a cancel hits, and whether it is meant.
    #[must_use]
    pub fn for_cancel(asked: crate::app::cancel::CancelQuestion) -> Self {
        let title = if asked.is_foreign { "This is not obnow's own backup. Cancel it?" } else { "Cancel this backup?" };
        let question = Self::new(ConfirmAction::Cancel, title, asked.lines);
        match asked.required_name {
            Some(name) => question.with_name(name),
            None => question,
        }
    }

    /// Whether what was typed may be lost.
    #[must_use]
    pub fn for_leaving() -> Self {
        let lines = vec!["What was typed is not kept, and nothing was started.".to_owned()];
        Self::new(ConfirmAction::Leave, "Leave obnow?", lines)
    }

    /// Whether it is [`ConfirmDialog::for_leaving`].
    #[must_use]
    pub fn is_about_leaving(&self) -> bool {
        self.action == ConfirmAction::Leave
    }
}

/// The keys of a question.
pub const KEYS: [Binding; 4] = [
    Binding::new(&[Key::Char('y')], Action::Next, "yes", "do it", 9).when(|model| match open_dialog(model) {
        Some(question) => Availability::ready_or_hidden(question.name.is_none()),
        None => Availability::Hidden,
    }),
    Binding::new(&[Key::Enter], Action::Next, "do it", "do it, once the name is typed", 9).when(|model| {
        match open_dialog(model).map(|question| &question.name) {
            Some(Some(name)) if name.text.value() == name.expected => Availability::Ready,
            Some(Some(name)) => Availability::Unavailable(format!("Type {} first; Esc goes back.", name.expected)),
            // Enter is pressed too easily to be a yes.
            Some(None) => Availability::Unavailable("y does it; Esc goes back.".to_owned()),
            None => Availability::Hidden,
        }
    }),
    Binding::new(&[Key::Esc, Key::Char('n')], Action::Back, "no", "go back; nothing is done", 8),
    Binding::new(&[Key::Ctrl('c')], Action::Quit, "quit", "end obnow", 2),
];

fn open_dialog(model: &Model) -> Option<&ConfirmDialog> {
    match &model.overlay {
        Some(Overlay::Confirm(question)) => Some(question),
        Some(Overlay::Help(_) | Overlay::SecretPrompt(_)) | None => None,
    }
}

/// Does what a key means.
pub fn handle_action(model: &mut Model, question: &ConfirmDialog, action: Action) -> Vec<Effect> {
    if action != Action::Next {
        return Vec::new();
    }
    match question.action {
        ConfirmAction::Leave => update::leave(model),
        ConfirmAction::Start => confirm::launch(model),
        ConfirmAction::Override(check) if model.screen == Screen::Confirm => confirm::override_check(model, check),
        ConfirmAction::Override(check) => detected::override_check(model, check),
        ConfirmAction::Retry => task::retry(model),
        ConfirmAction::Compact => task::compact(model),
        ConfirmAction::Cancel => task::cancel(model),
    }
}
