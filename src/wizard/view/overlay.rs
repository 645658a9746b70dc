//! What lies over a screen: help, a question, a secret that is asked for.

use ratatui::layout::Rect;

use super::lines::{Body, Help, Row};
use super::text::{self, pad, width};
use super::theme::Role;
use crate::domain::secret::SHORT;
use crate::wizard::key::Key;
use crate::wizard::keymap::{self, Availability};
use crate::wizard::model::{Model, Screen};
use crate::wizard::screens::confirm_dialog::ConfirmDialog;
use crate::wizard::screens::secret_prompt::{SecretPrompt, SecretPurpose};

/// What a screen is for.
fn purpose(screen: Screen) -> &'static str {
    match screen {
        Screen::Connect => "The first connection: it is tried, and written into the inventory.",
        Screen::Target => "Every cluster and tenant, with its last good backup. Pick what to back up.",
        Screen::Detected => {
            "What was found out about the target, and every precondition at once. FAIL blocks, warn does not."
        }
        Screen::Storage => "Where the backup and the log go. What is typed by hand must pass a Test first.",
        Screen::Mode => "Full or incremental, and what belongs to it.",
        Screen::Confirm => "Everything that will be done, in order. Nothing starts without Back up Now.",
        Screen::Task => "The task as it runs. It goes on without this screen.",
        Screen::Tasks => "Every task of this host. One that runs can be watched by any number.",
    }
}

/// The help of a screen: what it is for, and all of its keys, those that do not apply with their reason.
pub fn help(model: &Model, screen: Screen, top: usize, area: Rect) -> Body {
    let mut lines = vec![Row::of(Role::Title, format!(" {}", purpose(screen))), Row::default()];
    for binding in keymap::screen_bindings(screen) {
        let available = (binding.availability)(model);
        if available == Availability::Hidden {
            continue;
        }
        let keys: Vec<String> = binding.keys.iter().filter(|key| **key != Key::Help).map(|key| key.name()).collect();
        let keys = pad(&keys.join(" "), 18);
        lines.push(match available {
            Availability::Unavailable(why) => Row::from_pieces(vec![
                (Role::Disabled, format!("  {keys} {}", binding.long)),
                (Role::Disabled, format!(" ({why})")),
            ]),
            Availability::Ready | Availability::Hidden => {
                Row::from_pieces(vec![(Role::Hint, format!("  {keys} ")), (Role::Text, binding.long.to_owned())])
            }
        });
    }
    let rows = usize::from(area.height);
    let top = top.min(lines.len().saturating_sub(rows));
    let lines = lines.into_iter().skip(top).take(rows).collect();
    Body { lines, help: Help::of("Keys in grey do nothing now, and why."), cursor: None }
}

/// A question, with what it is about.
pub fn confirm_dialog(question: &ConfirmDialog, area: Rect) -> Body {
    let cells = usize::from(area.width).saturating_sub(2);
    let mut body = Body::default();
    body.push_empty();
    body.push_wrapped(Role::Warn, &question.title, 2, cells);
    body.push_empty();
    for line in &question.lines {
        body.push_wrapped(Role::Text, line, 2, cells);
    }
    body.push_empty();
    match &question.name {
        None => {
            body.push_text(Role::Text, "  y  yes, do it");
            body.push_text(Role::Text, "  Esc  no, go back");
            body.help = Help::of("Nothing is done until y is pressed.");
        }
        Some(name) => {
            let label = format!("  Type {} to do it: ", name.expected);
            body.cursor = Some((body.lines.len(), width(&label) + text::cells_before(&name.text)));
            body.push(Row::from_pieces(vec![(Role::Text, label), (Role::Title, name.text.display_text())]));
            body.help = Help::of("Enter does it once the name is typed; Esc goes back.");
        }
    }
    body
}

/// A secret that is asked for.
pub fn secret_prompt(ask: &SecretPrompt, area: Rect) -> Body {
    let cells = usize::from(area.width).saturating_sub(2);
    let mut body = Body::default();
    body.push_empty();
    if let Some(refused) = &ask.last_error {
        body.push_wrapped(Role::Fail, refused, 2, cells);
        body.push_empty();
    }
    let label = format!("  {}: ", ask.label);
    body.cursor = Some((body.lines.len(), width(&label) + text::cells_before(&ask.text)));
    body.push(Row::from_pieces(vec![(Role::Text, label), (Role::Title, ask.text.display_text())]));
    let is_short = ask.text.as_secret().is_some_and(|secret| secret.is_short());
    body.help = Help::of(match ask.purpose {
        _ if is_short => SHORT,
        SecretPurpose::Login(_) => "Kept in memory until obnow ends; Enter alone: no password.",
        SecretPurpose::OlderPassword => {
            "The server wants that of every set in the directory, one after the other: p adds each."
        }
        SecretPurpose::AccessKeyToStart
        | SecretPurpose::AccessKeyToRetry
        | SecretPurpose::EncryptionToRetry
        | SecretPurpose::OlderPasswordToRetry => "It is kept in memory until obnow ends, and written nowhere.",
    });
    body
}
