//! Full or incremental.

use ratatui::layout::Rect;

use super::lines::{Body, Help, Row};
use super::text::{cells_before, fit, width};
use super::theme::Role;
use crate::domain::choices::{CompactionChoice, Mode, NoFullPolicy};
use crate::domain::estimate;
use crate::domain::incremental_base::incremental_base;
use crate::domain::plan::CompactionOutlook;
use crate::domain::preflight::FULL_NEEDED;
use crate::domain::restorable::{SetKind, chain};
use crate::domain::secret::SHORT;
use crate::wizard::model::Model;
use crate::wizard::screens::mode::{self, ModeLine};

/// Cells of the choices themselves; what is said of them follows.
const CHOICE_WIDTH: usize = 26;

/// Draws it.
pub fn body(model: &Model, area: Rect) -> Body {
    let mut body = Body::default();
    let Some(draft) = &model.draft else { return body };
    let choice = &draft.mode;
    let wide = usize::from(area.width);
    body.push_empty();
    for line in mode::visible_lines(model) {
        let off = mode::disabled_reason(model, line);
        let (mark, name) = match line {
            ModeLine::Full => (radio(choice.mode == Mode::Full), "Full Backup"),
            ModeLine::Incremental => (radio(choice.mode == Mode::Incremental), "Incremental Backup"),
            ModeLine::NoFull => ("   ", "Tenants without a full"),
            ModeLine::PlusArchivelog => (check(choice.plus_archivelog), "PLUS ARCHIVELOG"),
            ModeLine::Encrypt => (check(choice.encrypt), "encrypt with a password"),
            ModeLine::Password => ("   ", "password"),
            ModeLine::RepeatPassword => ("   ", "password again"),
            ModeLine::Compact => (check(compacts(model)), "run a major compaction"),
        };
        let label = format!(" {mark} {}", super::text::pad(name, CHOICE_WIDTH));
        let said = match (&off, line) {
            (Some(why), _) => why.clone(),
            (None, ModeLine::Password) => choice.password.display_text(),
            (None, ModeLine::RepeatPassword) => choice.repeated_password.display_text(),
            (None, line) => line_note(model, line),
        };
        let role = if off.is_some() { Role::Disabled } else { Role::Text };
        let focused = choice.focus == line;
        if focused && matches!(line, ModeLine::Password | ModeLine::RepeatPassword) {
            let field = if line == ModeLine::Password { &choice.password } else { &choice.repeated_password };
            body.cursor = Some((body.lines.len(), width(&label) + cells_before(field)));
        }
        let row = Row::from_pieces(vec![(role, label), (role, fit(&said, wide.saturating_sub(CHOICE_WIDTH + 6)))]);
        body.push(row.with_focus(focused && !choice.is_typing()));
    }
    body.push_empty();
    let rule = "For physical backup, a full backup must exist before an incremental backup.";
    body.push_wrapped(Role::Disabled, rule, 1, wide);
    let without = if choice.mode == Mode::Incremental { mode::tenants_without_full(model) } else { Vec::new() };
    if !without.is_empty() {
        body.push_empty();
        body.push_wrapped(Role::Warn, FULL_NEEDED, 1, wide);
        let room = usize::from(area.height).saturating_sub(body.lines.len() + 1).max(1);
        for (name, why) in without.iter().take(room) {
            body.push_text(Role::Text, fit(&format!("   {name}: {why}"), wide));
        }
        if without.len() > room {
            body.push_text(Role::Text, format!("   and {} more", without.len() - room));
        }
    }
    body.help = match choice.validation_error() {
        Some(complaint) if choice.is_typing() && !choice.repeated_password.value().is_empty() => Help::error(complaint),
        _ if choice.is_typing() && choice.encryption().is_some_and(|password| password.is_short()) => Help::of(SHORT),
        _ => Help::of(help(choice.focus)),
    };
    body
}

fn radio(on: bool) -> &'static str {
    if on { "(*)" } else { "( )" }
}

fn check(on: bool) -> &'static str {
    if on { "[x]" } else { "[ ]" }
}

fn compacts(model: &Model) -> bool {
    model.choices().is_some_and(|choices| choices.compact == CompactionChoice::Auto)
}

/// What is said beside a line.
fn line_note(model: &Model, line: ModeLine) -> String {
    let tenants = model.tenants();
    match line {
        ModeLine::Full => estimate::next(&tenants, &SetKind::Full)
            .map_or_else(|| "size and time unknown: no full backup yet".to_owned(), |told| told.to_string()),
        ModeLine::Incremental => base_text(model),
        ModeLine::NoFull => match model.draft.as_ref().map(|draft| draft.mode.no_full) {
            Some(NoFullPolicy::Full) => "get a full backup instead".to_owned(),
            Some(NoFullPolicy::Skip) => "are left out".to_owned(),
            Some(NoFullPolicy::Fail) | None => "fail at step 2".to_owned(),
        },
        ModeLine::PlusArchivelog => "adds the log: this set alone restores to its own end".to_owned(),
        ModeLine::Compact => match mode::draft_compaction_outlook(model) {
            Some(CompactionOutlook::Needed(why)) => format!("needed: {why}; may affect the business"),
            Some(CompactionOutlook::NotChecked(why)) => format!("if needed (not checked: {why})"),
            Some(CompactionOutlook::IfAsked | CompactionOutlook::NotNeeded(_)) | None => {
                "if the server asks for one; may affect the business".to_owned()
            }
        },
        ModeLine::Encrypt => "the server writes the password in clear into its observer.log".to_owned(),
        ModeLine::Password | ModeLine::RepeatPassword => String::new(),
    }
}

/// What an incremental would stand on.
fn base_text(model: &Model) -> String {
    let (Some(facts), Some(choices)) = (model.facts(), model.choices()) else { return String::new() };
    let tenants = model.tenants();
    let missing = mode::tenants_without_full(model).len();
    match tenants.as_slice() {
        [only] => {
            let wanted = crate::domain::plan::wanted_data_destination(facts, only, &choices);
            match incremental_base(only, wanted.as_ref()) {
                Err(_) => FULL_NEEDED.to_owned(),
                Ok(base) => {
                    let word = base.kind.word();
                    let at = base.min_restore.to_local(&facts.cluster.time_zone);
                    let more = chain(base, &only.sets).map_or(0, |sets| sets.len());
                    format!("since the {word} of {at} (chain of {more})")
                }
            }
        }
        _ if missing > 0 => format!("{missing} of {} tenants have no usable full", tenants.len()),
        _ => format!("every one of {} tenants has a usable full", tenants.len()),
    }
}

fn help(line: ModeLine) -> &'static str {
    match line {
        ModeLine::Full => "Everything. The longest, and the base of all that follows.",
        ModeLine::Incremental => "What changed since the last good set on the same destination.",
        ModeLine::NoFull => "Space changes what becomes of tenants that have no full to build on.",
        ModeLine::PlusArchivelog => "Also copies the log the backup needs into the set itself.",
        ModeLine::Encrypt => {
            "Every restore then needs this password. obnow keeps it nowhere; the server logs it in clear."
        }
        ModeLine::Password => "Asked twice. No quote and no backslash; it is needed for every restore.",
        ModeLine::RepeatPassword => "The same password once more.",
        ModeLine::Compact => "A major compaction loads the whole cluster. Space switches it.",
    }
}
