//! The steps of a target: one line each, under the running one how far it is, under the stopped one why and what helps.

use jiff::Timestamp;

use super::super::lines::{Body, Row};
use super::super::text::{fit, pad, width};
use super::super::theme::Role;
use super::verdict;
use crate::domain::format;
use crate::domain::progress::Progress;
use crate::domain::step::{StepKind, StepState};
use crate::domain::task::{StepView, TargetView, state_word};

/// Cells of a step's state.
const STATE_WIDTH: usize = 11;
/// Cells of its name.
const NAME_WIDTH: usize = 34;
/// Cells of its time.
const TIME_WIDTH: usize = 9;
/// Cells of the bar.
const BAR_WIDTH: usize = 32;

/// The role of a step's state.
pub fn role(state: StepState) -> Role {
    match state {
        StepState::Pending | StepState::NotNeeded => Role::Disabled,
        StepState::Running => Role::Hint,
        StepState::Ok => Role::Ok,
        StepState::Failed => Role::Fail,
        StepState::Cancelled | StepState::Unknown => Role::Warn,
    }
}

/// Adds the steps; the rows of the present one are given, the first and behind the last.
pub fn rows(body: &mut Body, target: &TargetView, now: Timestamp, wide: usize) -> (usize, usize) {
    let present = target.current().map(|step| step.kind);
    let mut place = (0, 0);
    for step in &target.steps {
        let first = body.lines.len();
        // What only looked at the server is through; what it found is the verdict's, and so is the colour.
        let found = target.outcome.as_ref().filter(|_| step.kind == StepKind::ConfirmRestorable);
        let role_of = found.map_or(role(step.state), super::verdict_role);
        // Before it was said what is waited for, the server's word for what it does says it.
        let phase = target.progress.as_ref().filter(|_| has_progress(step.kind));
        let said = phase.filter(|_| step.detail.is_empty()).map_or(step.detail.as_str(), |phase| &phase.phase);
        body.push(step_row(step, (role_of, said), now, wide));
        match step.state {
            StepState::Running => running(body, target, step, wide),
            StepState::Failed | StepState::Cancelled | StepState::Unknown => {
                if let Some(fault) = &step.fault {
                    verdict::fault(body, role(step.state), fault, 3, wide);
                }
                let outcome = target.outcome.as_ref().filter(|outcome| verdict::is_shown_by_step(target, outcome));
                for told in outcome.iter().flat_map(|outcome| &outcome.notes) {
                    body.push_wrapped(Role::Text, told, 3, wide.saturating_sub(1));
                }
            }
            StepState::Pending | StepState::Ok | StepState::NotNeeded => {}
        }
        if present == Some(step.kind) || present.is_none() {
            place = (first, body.lines.len());
        }
    }
    place
}

fn step_row(step: &StepView, (role, said): (Role, &str), now: Timestamp, wide: usize) -> Row {
    let word = match step.state {
        StepState::Failed | StepState::Cancelled | StepState::Unknown => state_word(step.state).to_uppercase(),
        StepState::Pending | StepState::Running | StepState::Ok | StepState::NotNeeded => {
            state_word(step.state).to_owned()
        }
    };
    let time = match (step.started, step.ended, step.state) {
        (_, _, StepState::Pending | StepState::NotNeeded) | (None, ..) | (Some(_), None, StepState::Ok) => {
            String::new()
        }
        (Some(from), Some(to), _) => format::elapsed(from, to),
        (Some(from), None, _) => format::stopwatch(from, now),
    };
    let room = wide.saturating_sub(3 + STATE_WIDTH + 1 + NAME_WIDTH + 1 + TIME_WIDTH + 1);
    // What stopped it is said below, letter for letter and whole; what it waits for where the line is too short.
    let detail = match step.state {
        StepState::Failed | StepState::Cancelled | StepState::Unknown | StepState::Pending => "",
        StepState::Running if width(said) > room => "",
        StepState::Running | StepState::Ok | StepState::NotNeeded => said,
    };
    let name = if step.state == StepState::Pending || step.state == StepState::NotNeeded {
        Role::Disabled
    } else {
        Role::Text
    };
    Row::from_pieces(vec![
        (role, format!("   {} ", pad(&word, STATE_WIDTH))),
        (name, format!("{} ", pad(step.kind.name(), NAME_WIDTH))),
        (Role::Disabled, pad(&fit(detail, room), room)),
        (Role::Text, format!("{time:>TIME_WIDTH$}")),
    ])
}

/// Whether a step moves data, so that it is said how far it is.
fn has_progress(step: StepKind) -> bool {
    matches!(step, StepKind::WaitForBackup | StepKind::Upload)
}

/// How far the running step is, what it waits for, and what it is warned of.
fn running(body: &mut Body, target: &TargetView, step: &StepView, wide: usize) {
    let indent = 3 + STATE_WIDTH + 1;
    let room = wide.saturating_sub(3 + STATE_WIDTH + 1 + NAME_WIDTH + 1 + TIME_WIDTH + 1);
    if width(&step.detail) > room {
        body.push_wrapped(Role::Disabled, &step.detail, indent, wide);
    }
    if has_progress(step.kind) {
        match &target.progress {
            Some(progress) => figures(body, progress, indent, wide),
            None => body.push_text(Role::Text, format!("{:indent$}progress unknown", "")),
        }
    }
    if let Some(fault) = &step.fault {
        verdict::fault(body, Role::Warn, fault, 3, wide);
    }
}

/// The bar with what it counts, and the figures.
fn figures(body: &mut Body, progress: &Progress, indent: usize, wide: usize) {
    let counted = match (progress.percent, &progress.blocks) {
        (None, _) => "progress unknown".to_owned(),
        (Some(percent), Some(blocks)) => {
            format!("{} % of blocks ({} of {})", percent.floor(), blocks.done, blocks.total)
        }
        (Some(percent), None) => format!("{} %", percent.floor()),
    };
    let cells = BAR_WIDTH.min(wide.saturating_sub(indent + width(&counted) + 3));
    let done = filled_cells(progress.percent.unwrap_or(0.0), cells);
    body.push(Row::from_pieces(vec![
        (Role::Text, " ".repeat(indent)),
        (Role::Ok, "#".repeat(done)),
        (Role::Disabled, "-".repeat(cells - done)),
        (Role::Text, format!("  {counted}")),
    ]));
    let mut parts = vec![match progress.bytes_total {
        Some(total) => format!("{} of {} written", format::size(progress.bytes), format::size(total)),
        None => format!("{} written", format::size(progress.bytes)),
    }];
    parts.extend(progress.log_percent.map(format::log_share));
    parts.extend(progress.rate.map(format::rate));
    parts.push(progress.eta.map_or_else(|| "time left unknown".to_owned(), format::time_left));
    body.push_wrapped(Role::Text, &parts.join("   "), indent, wide);
}

/// How many of so many cells are full; all of them only at 100.
fn filled_cells(percent: f64, cells: usize) -> usize {
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "cells of a bar"
    )]
    let full = (percent.clamp(0.0, 100.0) / 100.0 * cells as f64) as usize;
    full.min(cells)
}
