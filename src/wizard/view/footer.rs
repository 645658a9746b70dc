//! The two last lines: help for what has the focus, and the keys that work now.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::lines::Help;
use super::text::{fit, width};
use super::theme::{Role, Theme};
use crate::wizard::key::Key;
use crate::wizard::keymap::{self, Action, Availability, Binding};
use crate::wizard::model::Model;

/// The help line: what the person must know first goes before everything else.
pub fn draw_help(model: &Model, said: &Help, theme: Theme, area: Rect, frame: &mut Frame<'_>) {
    let (role, text) = match &model.notice {
        Some(notice) => (Role::Warn, notice.as_str()),
        None if said.is_error => (Role::Fail, said.text.as_str()),
        None => (Role::Text, said.text.as_str()),
    };
    let text = format!(" {}", fit(text, usize::from(area.width).saturating_sub(2)));
    frame.render_widget(Line::from(Span::styled(text, theme.style(role))), area);
}

/// The hints that fit, those with the highest priority first, in the order of the table; the help's key is at the right end.
#[must_use]
pub fn hints(model: &Model, cells: usize) -> (Vec<&'static Binding>, Option<&'static Binding>) {
    let now = keymap::active_bindings(model);
    let ready = |binding: &&&Binding| {
        binding.priority > 0
            && shown_key(model, binding).is_some()
            && (binding.availability)(model) == Availability::Ready
    };
    let mut seen = Vec::new();
    let mut hints: Vec<&'static Binding> = Vec::new();
    for binding in now.iter().filter(ready) {
        let key = shown_key(model, binding);
        if !seen.contains(&key) {
            seen.push(key);
            hints.push(binding);
        }
    }
    let help = hints.iter().position(|binding| binding.action == Action::Help).map(|at| hints.remove(at));
    let taken = |binding: &Binding| hint_width(model, binding);
    let room = cells.saturating_sub(help.map_or(0, taken));
    while hints.iter().map(|binding| taken(binding)).sum::<usize>() > room {
        let least = hints.iter().enumerate().min_by_key(|(_, binding)| binding.priority).map(|(at, _)| at);
        match least {
            Some(at) => drop(hints.remove(at)),
            None => break,
        }
    }
    (hints, help)
}

/// The key of a binding that does it now: while text is typed a printable key is text.
fn shown_key(model: &Model, binding: &Binding) -> Option<Key> {
    let typing = model.is_typing();
    binding.keys.iter().copied().find(|key| !typing || !matches!(key, Key::Char(_)))
}

/// Cells of a hint with the space behind it.
fn hint_width(model: &Model, binding: &Binding) -> usize {
    shown_key(model, binding).map_or(0, |key| width(&key.name())) + 1 + width(binding.short) + 2
}

/// The keys that work now.
pub fn draw_keys(model: &Model, theme: Theme, area: Rect, frame: &mut Frame<'_>) {
    let cells = usize::from(area.width).saturating_sub(1);
    let (hints, help) = hints(model, cells);
    let mut spans = vec![Span::raw(" ")];
    let mut used = 1;
    let mut add = |binding: &Binding, spans: &mut Vec<Span<'static>>| {
        let key = shown_key(model, binding).map(Key::name).unwrap_or_default();
        spans.push(Span::styled(key, theme.style(Role::Hint)));
        spans.push(Span::raw(format!(" {}  ", binding.short)));
        used += hint_width(model, binding);
    };
    for binding in hints {
        add(binding, &mut spans);
    }
    if let Some(help) = help {
        let mut last = Vec::new();
        add(help, &mut last);
        spans.push(Span::raw(" ".repeat(usize::from(area.width).saturating_sub(used))));
        spans.extend(last);
    }
    frame.render_widget(Line::from(spans), area);
}
