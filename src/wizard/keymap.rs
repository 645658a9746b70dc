//! The keys, declared once: the same tables lead a key to its action, fill the footer and the help.

use super::key::Key;
use super::model::{Model, Screen};
use super::screens::{confirm, confirm_dialog, connect, detected, mode, secret_prompt, storage, target, task, tasks};

/// What a key means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// Go on, or activate what has the focus.
    Next,
    /// Go back, or close what is open.
    Back,
    /// Choose or mark what has the focus.
    Choose,
    /// One up.
    Up,
    /// One down.
    Down,
    /// One to the left.
    Left,
    /// One to the right.
    Right,
    /// To the first.
    First,
    /// To the last.
    Last,
    /// A screen up.
    PageUp,
    /// A screen down.
    PageDown,
    /// To the next field.
    NextField,
    /// To the field before.
    PreviousField,
    /// Filter the list.
    Filter,
    /// Open or close the help.
    Help,
    /// End the wizard.
    Quit,
    /// Test the storage.
    Test,
    /// Retry, or check again.
    Retry,
    /// Perform a major compaction.
    Compact,
    /// Cancel the task.
    Cancel,
    /// Show or hide the log.
    Log,
    /// Leave the task to itself.
    Detach,
    /// Write a report.
    Report,
    /// List the tasks.
    Tasks,
    /// Copy.
    Copy,
    /// Add a password.
    Password,
    /// Override a check that allows it.
    Override,
    /// Leave out of a dump what it cannot carry, or take it in again.
    ToggleExclude,
    /// Remove the causes of the embedded fleet.
    FixDemo,
}

/// Whether a key does something now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Availability {
    /// It does.
    Ready,
    /// It does not, and why.
    Unavailable(String),
    /// It has no business here.
    Hidden,
}

impl Availability {
    /// Ready, or off with a reason.
    #[must_use]
    pub fn ready_or(ready: bool, reason: &str) -> Self {
        if ready { Self::Ready } else { Self::Unavailable(reason.to_owned()) }
    }

    /// Ready, or not to be seen.
    #[must_use]
    pub fn ready_or_hidden(ready: bool) -> Self {
        if ready { Self::Ready } else { Self::Hidden }
    }
}

/// One line of a key table.
#[derive(Clone, Copy)]
pub struct Binding {
    /// The keys; the first one is shown.
    pub keys: &'static [Key],
    /// What they do.
    pub action: Action,
    /// The footer's word.
    pub short: &'static str,
    /// The help's words.
    pub long: &'static str,
    /// What the footer drops first: the higher, the longer it stays. 0: help only.
    pub priority: u8,
    /// Whether it does something now.
    pub availability: fn(&Model) -> Availability,
}

impl Binding {
    /// A key that always works.
    #[must_use]
    pub const fn new(
        keys: &'static [Key],
        action: Action,
        short: &'static str,
        long: &'static str,
        priority: u8,
    ) -> Self {
        Self { keys, action, short, long, priority, availability: always }
    }

    /// The same, where it works only sometimes.
    #[must_use]
    pub const fn when(mut self, when: fn(&Model) -> Availability) -> Self {
        self.availability = when;
        self
    }
}

fn always(_: &Model) -> Availability {
    Availability::Ready
}

/// Moves in a list.
pub const MOVE_KEYS: [Binding; 6] = [
    Binding::new(&[Key::Up, Key::Char('k')], Action::Up, "up", "one up", 0),
    Binding::new(&[Key::Down, Key::Char('j')], Action::Down, "down", "one down", 0),
    Binding::new(&[Key::Char('g'), Key::Home], Action::First, "first", "to the first", 0),
    Binding::new(&[Key::Char('G'), Key::End], Action::Last, "last", "to the last", 0),
    Binding::new(&[Key::PageUp], Action::PageUp, "page up", "a screen up", 0),
    Binding::new(&[Key::PageDown], Action::PageDown, "page down", "a screen down", 0),
];

/// Moves in a form.
pub const FIELD_KEYS: [Binding; 4] = [
    Binding::new(&[Key::Tab, Key::Down, Key::Char('j')], Action::NextField, "field", "to the next field", 3),
    Binding::new(
        &[Key::BackTab, Key::Up, Key::Char('k')],
        Action::PreviousField,
        "field back",
        "to the field before",
        0,
    ),
    Binding::new(&[Key::Left], Action::Left, "left", "the choice to the left", 0),
    Binding::new(&[Key::Right], Action::Right, "right", "the choice to the right", 0),
];

/// What every screen has.
pub const COMMON_KEYS: [Binding; 4] = [
    Binding::new(
        &[Key::Char('F')],
        Action::FixDemo,
        "fix",
        "remove the causes of this embedded fleet that can be removed",
        4,
    )
    .when(|model| Availability::ready_or_hidden(model.demo.is_some())),
    Binding::new(&[Key::Char('b')], Action::Tasks, "tasks", "the tasks of this host", 4).when(|model| {
        match model.screen {
            // Its answer is about the draft and the screen it was asked on.
            Screen::Confirm if model.confirm.launch_request.is_some() => {
                Availability::Unavailable("The task is being handed over.".to_owned())
            }
            Screen::Target | Screen::Detected | Screen::Storage | Screen::Mode | Screen::Confirm | Screen::Task => {
                Availability::Ready
            }
            Screen::Connect | Screen::Tasks => Availability::Hidden,
        }
    }),
    Binding::new(&[Key::Char('q'), Key::Ctrl('c')], Action::Quit, "quit", "end obnow; a task that runs goes on", 2),
    Binding::new(&[Key::Char('?'), Key::Help], Action::Help, "help", "this help", 9),
];

/// Every key of a screen, the screen's own first.
pub fn screen_bindings(screen: Screen) -> impl Iterator<Item = &'static Binding> {
    let own: &'static [&'static [Binding]] = match screen {
        Screen::Connect => &[&connect::KEYS, &FIELD_KEYS],
        Screen::Target => &[&target::KEYS, &MOVE_KEYS],
        Screen::Detected => &[&detected::KEYS, &MOVE_KEYS],
        Screen::Storage => &[&storage::KEYS, &FIELD_KEYS],
        Screen::Mode => &[&mode::KEYS, &FIELD_KEYS],
        Screen::Confirm => &[&confirm::KEYS, &MOVE_KEYS],
        Screen::Task => &[&task::KEYS, &MOVE_KEYS],
        Screen::Tasks => &[&tasks::KEYS, &MOVE_KEYS],
    };
    own.iter().copied().flatten().chain(&COMMON_KEYS)
}

/// The keys that work now: those of the overlay, or else those of the screen.
#[must_use]
pub fn active_bindings(model: &Model) -> Vec<&'static Binding> {
    use super::model::Overlay;
    match &model.overlay {
        Some(Overlay::Help(_)) => HELP_KEYS.iter().chain(&MOVE_KEYS).collect(),
        Some(Overlay::Confirm(_)) => confirm_dialog::KEYS.iter().collect(),
        Some(Overlay::SecretPrompt(_)) => secret_prompt::KEYS.iter().collect(),
        None => screen_bindings(model.screen).collect(),
    }
}

/// The keys of the help.
pub const HELP_KEYS: [Binding; 2] = [
    Binding::new(
        &[Key::Esc, Key::Char('?'), Key::Help, Key::Enter, Key::Char('q')],
        Action::Back,
        "close",
        "close the help",
        9,
    ),
    Binding::new(&[Key::Ctrl('c')], Action::Quit, "quit", "end obnow", 2),
];

/// What a key does now.
#[derive(Debug, PartialEq, Eq)]
pub enum KeyLookup {
    /// The key performs this action.
    Action(Action),
    /// The key is bound and unavailable now, and why.
    Unavailable(String),
    /// The key is not bound.
    Unbound,
}

/// Looks a key up.
#[must_use]
pub fn look_up(model: &Model, key: Key) -> KeyLookup {
    for binding in active_bindings(model).into_iter().filter(|binding| binding.keys.contains(&key)) {
        match (binding.availability)(model) {
            Availability::Ready => return KeyLookup::Action(binding.action),
            Availability::Unavailable(why) => return KeyLookup::Unavailable(why),
            Availability::Hidden => {}
        }
    }
    KeyLookup::Unbound
}
