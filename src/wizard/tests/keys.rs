//! The key tables: nothing means two things, everything can be reached, and the footer says the most important.

use ratatui::style::Modifier;

use super::screen_fixtures;
use super::snapshots::{drawn, rows};
use crate::wizard::key::Key;
use crate::wizard::keymap::{self, Action, Availability, Binding};
use crate::wizard::model::{Model, Overlay, Screen};
use crate::wizard::view::theme::Theme;

const SCREENS: [Screen; 8] = [
    Screen::Connect,
    Screen::Target,
    Screen::Detected,
    Screen::Storage,
    Screen::Mode,
    Screen::Confirm,
    Screen::Task,
    Screen::Tasks,
];

fn ready(model: &Model) -> impl Iterator<Item = &'static Binding> + '_ {
    keymap::active_bindings(model).into_iter().filter(|binding| (binding.availability)(model) == Availability::Ready)
}

/// A key that would do two things now.
pub fn twice(model: &Model) -> Option<String> {
    let mut seen: Vec<(Key, Action)> = Vec::new();
    for binding in ready(model) {
        for key in binding.keys {
            if let Some((_, action)) = seen.iter().find(|(other, action)| other == key && *action != binding.action) {
                return Some(format!("{} is {action:?} and {:?}", key.name(), binding.action));
            }
            seen.push((*key, binding.action));
        }
    }
    None
}

#[test]
fn no_key_means_two_things_at_once() {
    for (name, model) in screen_fixtures::all() {
        assert_eq!(twice(&model), None, "{name}");
    }
}

#[test]
fn every_screen_has_help_quit_and_back() {
    for screen in SCREENS {
        let has = |action: Action| keymap::screen_bindings(screen).any(|binding| binding.action == action);
        assert!(has(Action::Help) && has(Action::Quit), "{screen:?}");
        assert!(has(Action::Back) || screen == Screen::Connect, "{screen:?}");
    }
    for (name, model) in screen_fixtures::all() {
        let does = |action: Action| ready(&model).any(|binding| binding.action == action);
        assert!(does(Action::Quit), "{name}");
        let first = matches!(model.screen, Screen::Target | Screen::Connect) && model.overlay.is_none();
        let esc = ready(&model).any(|binding| binding.keys.contains(&Key::Esc));
        assert!(first || esc, "{name}: Esc leads nowhere");
    }
}

#[test]
fn no_key_is_one_that_a_terminal_or_another_program_takes() {
    for screen in SCREENS {
        for binding in keymap::screen_bindings(screen) {
            for key in binding.keys {
                // F-keys and Alt are no keys of the wizard at all; of Control there is one.
                assert!(!matches!(key, Key::Ctrl(_)) || *key == Key::Ctrl('c'), "{screen:?} {}", key.name());
            }
            assert!(!binding.long.is_empty(), "{screen:?} {:?}", binding.action);
            assert!(!binding.short.is_empty() || binding.priority == 0, "{screen:?} {:?}", binding.action);
        }
    }
}

/// The first key of a binding that does it now: while text is typed, a letter is text.
fn key_now(model: &Model, binding: &Binding) -> Option<Key> {
    binding.keys.iter().copied().find(|key| !model.is_typing() || !matches!(key, Key::Char(_)))
}

#[test]
fn the_footer_fits_its_three_main_hints() {
    for (name, mut model) in screen_fixtures::all() {
        for size in [(80, 24), (60, 16)] {
            let footer = rows(&drawn(&mut model, Theme { color: true, ascii: true }, size)).pop().unwrap();
            let hinted = ready(&model).filter(|binding| binding.priority > 0);
            let mut hints: Vec<(Key, &Binding)> =
                hinted.filter_map(|binding| Some((key_now(&model, binding)?, binding))).collect();
            hints.sort_by_key(|(_, binding)| std::cmp::Reverse(binding.priority));
            // A key that is in the table twice is shown once.
            let mut seen = Vec::new();
            hints.retain(|(key, _)| {
                let first = !seen.contains(key);
                seen.push(*key);
                first
            });
            for (key, binding) in hints.into_iter().take(3) {
                let hint = format!("{} {}", key.name(), binding.short);
                assert!(footer.contains(&hint), "{name} {size:?}: {hint:?} is not in {footer:?}");
            }
            if model.overlay.is_none() && !model.is_typing() {
                assert!(footer.trim_end().ends_with("? help"), "{name} {size:?}: {footer:?}");
            }
        }
    }
}

#[test]
fn the_help_lists_every_key_and_why_one_does_nothing() {
    for (name, mut model) in screen_fixtures::all() {
        if !matches!(model.overlay, Some(Overlay::Help(_))) {
            continue;
        }
        // As high as it needs to be.
        let buffer = drawn(&mut model, Theme { color: true, ascii: true }, (160, 60));
        let text = rows(&buffer).join("\n");
        for binding in keymap::screen_bindings(model.screen) {
            match (binding.availability)(&model) {
                Availability::Hidden => {}
                Availability::Ready => assert!(text.contains(binding.long), "{name}: {}\n{text}", binding.long),
                Availability::Unavailable(why) => assert!(text.contains(&format!("({why})")), "{name}: {why}\n{text}"),
            }
        }
        let bold = (0..160).any(|x| buffer[(x, 3)].modifier.contains(Modifier::BOLD));
        assert!(bold, "{name}: it begins with what the screen is for");
    }
}
