//! The keys of the storage screen.

use super::{Focus, StorageScreen};
use crate::wizard::key::Key;
use crate::wizard::keymap::{Action, Availability, Binding};
use crate::wizard::model::Model;

/// The keys of the screen.
pub const KEYS: [Binding; 10] = [
    Binding::new(&[Key::Enter], Action::Next, "next", "go on to the mode", 8)
        .when(|model| ready_if(model, StorageScreen::enter_continues)),
    Binding::new(&[Key::Enter], Action::Choose, "change", "type a destination, or use the one that was found", 8)
        .when(|model| ready_if(model, |storage| storage.focus == Focus::Edit)),
    Binding::new(&[Key::Enter], Action::Test, "test", "test this destination", 8)
        .when(|model| ready_if(model, StorageScreen::enter_tests)),
    Binding::new(&[Key::Char(' ')], Action::Choose, "choose", "choose, or press the focused button", 5)
        .when(|model| ready_if(model, |storage| !matches!(storage.focus, Focus::Home) || storage.has_two_parts())),
    Binding::new(&[Key::Char('t')], Action::Test, "test", "test this destination; it changes nothing", 6).when(
        |model| {
            let runs = model.draft.as_ref().is_some_and(|draft| draft.storage.is_testing());
            Availability::ready_or(!runs, "A Test runs already; Esc stops it.")
        },
    ),
    Binding::new(&[Key::Esc], Action::Cancel, "stop the Test", "stop the Test that runs", 7)
        .when(|model| ready_if(model, StorageScreen::is_testing)),
    Binding::new(&[Key::Esc], Action::Back, "back", "back to what was detected; nothing typed is lost", 7)
        .when(|model| ready_if(model, |storage| !storage.is_testing())),
    Binding::new(&[Key::PageDown], Action::PageDown, "more", "more of what does not fit", 2),
    Binding::new(&[Key::PageUp], Action::PageUp, "page up", "back up", 0),
    Binding::new(&[Key::Char('y')], Action::Copy, "copy", "copy what is to be done by hand on every server", 1)
        .when(|model| ready_if(model, |storage| !storage.manual_commands().is_empty())),
];

/// Ready where it is so; a table of a screen that is not open yet shows its plainest form.
fn ready_if(model: &Model, is_so: impl Fn(&StorageScreen) -> bool) -> Availability {
    match &model.draft {
        Some(draft) => Availability::ready_or_hidden(is_so(&draft.storage)),
        None => Availability::ready_or_hidden(is_so(&StorageScreen::default())),
    }
}
