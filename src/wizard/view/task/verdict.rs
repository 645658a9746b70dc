//! How a target ended: the verdict, its windows, what is missing, and the recipe; and a fault in its three sentences.

use super::super::lines::{Body, Row};
use super::super::text::{width, wrap};
use super::super::theme::Role;
use crate::domain::diagnosis::foreign;
use crate::domain::fault::Fault;
use crate::domain::format;
use crate::domain::outcome::Outcome;
use crate::domain::task::TargetView;

/// A fault: what happened, why, what to do next; then the server's own words.
pub fn fault(body: &mut Body, role: Role, fault: &Fault, indent: usize, wide: usize) {
    let [what, why, next] = format::sentences(fault);
    let wide = wide.saturating_sub(1);
    body.push_wrapped(role, &what, indent, wide);
    body.push_wrapped(Role::Text, &why, indent, wide);
    body.push_wrapped(Role::Text, &next, indent, wide);
    if !fault.detail.is_empty() {
        body.push_wrapped(Role::Disabled, &format!("The server said: {}", foreign(&fault.detail)), indent, wide);
    }
}

/// The verdict of a target.
pub fn rows(body: &mut Body, target: &TargetView, outcome: &Outcome, wide: usize) {
    let role = super::verdict_role(outcome);
    let headline = outcome.headline();
    let told = format::verdict(&target.target, outcome);
    let mut told = told.iter().map(String::as_str);
    let about = told.next().and_then(|first| first.strip_prefix(headline.as_str())).unwrap_or_default();
    push_labeled(body, (role, &headline), about.trim_start(), wide);
    if let Some(missing) = &outcome.fault {
        fault(body, role, missing, 3, wide);
    }
    for line in told {
        body.push_wrapped(Role::Text, line.trim_start(), 3, wide.saturating_sub(1));
    }
    for (place, line) in outcome.restore_instructions.iter().enumerate() {
        push_labeled(body, (Role::Title, if place == 0 { "Restore" } else { "       " }), line, wide);
    }
    body.push_empty();
}

/// Whether the step that stopped says all of the verdict, but for what is told beside its fault.
pub fn is_shown_by_step(target: &TargetView, outcome: &Outcome) -> bool {
    let stopped = target.current().filter(|step| step.state.is_stopped());
    stopped.is_some_and(|step| step.fault.is_some() && step.fault == outcome.fault)
}

/// A word and a text behind it, which goes on under itself.
fn push_labeled(body: &mut Body, (role, word): (Role, &str), text: &str, wide: usize) {
    let indent = width(word) + 3;
    for (place, line) in wrap(text, wide.saturating_sub(indent + 1)).into_iter().enumerate() {
        let lead = if place == 0 { format!(" {word}  ") } else { " ".repeat(indent) };
        body.push(Row::from_pieces(vec![(role, lead), (Role::Text, line)]));
    }
}
