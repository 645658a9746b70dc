//! Back up Now: every step with what it sends, changes and interrupts.

use ratatui::layout::Rect;

use super::lines::{Body, Help, Row};
use super::text::wrap;
use super::theme::Role;
use crate::domain::fault::Fault;
use crate::domain::plan::{Plan, Refusal, TargetPlan};
use crate::domain::preflight::CheckResult;
use crate::domain::step::StepKind;
use crate::domain::target::TargetName;
use crate::domain::task::{Prepared, PreviewStep};
use crate::wizard::model::Model;
use crate::wizard::screens::confirm::{self, Button, ShownPlan};

/// Cells of a step's name.
const STEP_WIDTH: usize = 36;

/// How many rows the screen's text has, at the terminal's width.
#[must_use]
pub fn row_count(model: &Model) -> usize {
    text_rows(model, usize::from(model.size.0)).len()
}

/// Draws it: the text scrolls, the buttons stay.
#[must_use]
pub fn body(model: &Model, area: Rect) -> Body {
    let mut body = Body::default();
    let (wide, high) = (usize::from(area.width), usize::from(area.height));
    let all = text_rows(model, wide);
    let room = high.saturating_sub(2);
    let top = model.confirm.top.min(all.len().saturating_sub(room));
    let below = all.len().saturating_sub(top + room);
    for row in all.into_iter().skip(top).take(room) {
        body.push(row);
    }
    while body.lines.len() < room {
        body.push_empty();
    }
    let more = match (top, below) {
        (0, 0) => String::new(),
        (0, below) => format!("{below} more lines: Down"),
        (above, 0) => format!("{above} lines above: Up"),
        (above, below) => format!("{above} above, {below} below"),
    };
    body.push_text(Role::Disabled, format!("{more:>wide$}", wide = wide.saturating_sub(1)));
    let no_plan = confirm::no_plan_reason(model);
    let ready = matches!(&model.confirm.shown, Some(Ok(_))) && model.confirm.pending.is_none() && no_plan.is_none();
    let button = |which: Button, text: &str, on: bool| {
        let role = match (model.confirm.button == which, on) {
            (true, _) => Role::Focus,
            (false, true) => Role::Title,
            (false, false) => Role::Disabled,
        };
        (role, format!("[ {text} ]"))
    };
    body.push(Row::from_pieces(vec![
        (Role::Text, "   ".to_owned()),
        button(Button::Back, "Back", true),
        (Role::Text, "   ".to_owned()),
        button(Button::Start, "Back up Now", ready),
    ]));
    body.help = match (&model.confirm.shown, model.confirm.launch_request) {
        (_, Some(_)) => Help::of("Handing the task over to its runner."),
        (_, None) if no_plan.is_some() => Help::error(no_plan.unwrap_or_default()),
        (None, None) => Help::of("Making the plan."),
        (Some(Err(refusal)), None) => Help::error(format!("{} {}", refusal.fault.why, refusal.fault.next)),
        (Some(Ok(_)), None) => match model.confirm.button {
            Button::Back => Help::of("Tab moves to Back up Now. Nothing has been sent yet."),
            Button::Start => Help::of("Enter starts it, exactly once."),
        },
    };
    body
}

fn text_rows(model: &Model, wide: usize) -> Vec<Row> {
    let mut body = Body::default();
    if let Some(fault) = &model.confirm.launch_error {
        fault_rows(&mut body, fault, wide);
        body.push_empty();
    }
    match &model.confirm.shown {
        None => match confirm::no_plan_reason(model) {
            Some(why) => body.push_wrapped(Role::Fail, &why, 1, wide),
            None => body.push_text(Role::Text, " Making the plan."),
        },
        Some(Err(refusal)) => refusal_rows(&mut body, refusal, wide),
        Some(Ok(shown)) => plan_rows(&mut body, model, shown, wide),
    }
    body.lines
}

/// The three sentences of a fault.
fn fault_rows(body: &mut Body, fault: &Fault, wide: usize) {
    body.push_wrapped(Role::Fail, &fault.what, 1, wide);
    body.push_wrapped(Role::Text, &fault.why, 1, wide);
    body.push_wrapped(Role::Text, &format!("Next: {}", fault.next), 1, wide);
}

fn refusal_rows(body: &mut Body, refusal: &Refusal, wide: usize) {
    fault_rows(body, &refusal.fault, wide);
    for check in refusal.checks.iter().filter(|check| check.refuses()) {
        body.push_wrapped(
            Role::Text,
            &format!("FAIL {} {}: {}", check.target, check.check.name(), check.found),
            1,
            wide,
        );
    }
    left_out_rows(body, refusal.left_out.iter().map(|left| (left.target.to_string(), left.reason.as_str())), wide);
}

fn left_out_rows<'a>(body: &mut Body, left: impl Iterator<Item = (String, &'a str)>, wide: usize) {
    for (target, reason) in left {
        body.push_wrapped(Role::Warn, &format!("left out: {target}: {reason}"), 1, wide);
    }
}

fn plan_rows(body: &mut Body, model: &Model, shown: &ShownPlan, wide: usize) {
    let prepared: &Prepared = &shown.prepared;
    let plan: &Plan = &prepared.plan;
    let groups = groups(prepared);
    // One statement starts a part, and names everyone in it.
    let mut parts = std::collections::BTreeSet::new();
    for (place, group) in groups.iter().enumerate() {
        let Some(first) = group.first() else { continue };
        let said = first.part.is_some_and(|part| !parts.insert(part));
        let title = format!("Back up now: {}, {}", group_title(plan, group), first.mode.word());
        body.push_wrapped(Role::Title, &title, 1, wide);
        if place == 0 {
            // What is to look at is not below the lines that a small screen shows.
            for check in plan.overridden() {
                body.push_wrapped(Role::Warn, &check.found, 1, wide);
            }
            warnings(body, plan, wide);
        }
        for (number, step) in (1..).zip(steps_of(prepared, first)) {
            step_rows(body, number, step, said && step.step == StepKind::StartBackup, wide);
        }
        let mut notes: Vec<&String> = Vec::new();
        for note in group.iter().flat_map(|target| &target.notes) {
            if !notes.contains(&note) {
                notes.push(note);
                body.push_wrapped(Role::Warn, note, 1, wide);
            }
        }
        if groups.len() > 1 {
            body.push_empty();
        }
    }
    left_out_rows(body, plan.left_out.iter().map(|left| (left.target.to_string(), left.reason.as_str())), wide);
    if groups.len() == 1 {
        body.push_empty();
    }
    if prepared.preview.iter().all(|step| step.interrupts.is_empty()) {
        body.push_text(Role::Ok, " Interrupts nothing.");
    }
    let mut unchecked: Vec<String> =
        model.draft.as_ref().map(|draft| draft.storage.unchecked_notes()).unwrap_or_default();
    for check in plan.not_checked() {
        if !unchecked.contains(&check.found) {
            unchecked.push(check.found.clone());
        }
    }
    if !unchecked.is_empty() {
        body.push_wrapped(Role::Text, &format!("Not checked: {}.", unchecked.join("; ")), 1, wide);
    }
    if let Some((set, sent)) = confirm::proof_secrets_offer(model) {
        let mark = if set { 'x' } else { ' ' };
        body.push_wrapped(Role::Text, &format!("[{mark}] let the server look at the storage: {sent}"), 1, wide);
        let given = model.draft.as_ref().map_or(0, |draft| draft.older_passwords.len());
        let back = if set { ", Space takes all secrets back" } else { "" };
        let says = format!("passwords of older backup sets: {given} given; p adds one{back}");
        body.push_wrapped(Role::Text, &says, 5, wide);
    }
    body.push_wrapped(Role::Disabled, &format!("Same as: {}", shown.equivalent_command), 1, wide);
}

/// The targets, those for which exactly the same is done together: below V4 that is the whole cluster.
fn groups(prepared: &Prepared) -> Vec<Vec<&TargetPlan>> {
    let mut groups: Vec<Vec<&TargetPlan>> = Vec::new();
    for target in &prepared.plan.targets {
        let same = |group: &&mut Vec<&TargetPlan>| {
            group.first().is_some_and(|first| {
                first.mode == target.mode
                    && steps_of(prepared, first).map(step_key).eq(steps_of(prepared, target).map(step_key))
            })
        };
        match groups.last_mut().filter(same) {
            Some(group) => group.push(target),
            None => groups.push(vec![target]),
        }
    }
    groups
}

fn steps_of<'a>(prepared: &'a Prepared, target: &'a TargetPlan) -> impl Iterator<Item = &'a PreviewStep> {
    prepared.preview.iter().filter(|step| step.target == target.target)
}

/// What is done, whoever's step it is.
fn step_key(step: &PreviewStep) -> (StepKind, bool, &[String], &str, &str) {
    (step.step, step.needed, &step.statements, &step.effect, &step.interrupts)
}

/// The targets of a group, every one by its name.
fn group_title(plan: &Plan, group: &[&TargetPlan]) -> String {
    let cluster = &plan.cluster.name;
    let names: Vec<&str> = group.iter().filter_map(|target| target.target.tenant()).collect();
    match names.as_slice() {
        [] => format!("cluster {cluster}"),
        [only] => format!("tenant {only} of {cluster}"),
        several => format!("{} tenants of {cluster} ({})", several.len(), several.join(", ")),
    }
}

/// What is to look at, once however many targets it is found on.
fn warnings(body: &mut Body, plan: &Plan, wide: usize) {
    let mut told: Vec<(&str, &TargetName, usize)> = Vec::new();
    for check in plan.checks.iter().filter(|check| check.result == CheckResult::Warn) {
        match told.iter_mut().find(|(found, _, _)| *found == check.found) {
            Some((_, _, count)) => *count += 1,
            None => told.push((&check.found, &check.target, 1)),
        }
    }
    for (found, first, count) in told {
        let whose = if count == 1 { first.to_string() } else { format!("{first} and {} more", count - 1) };
        body.push_wrapped(Role::Warn, &format!("warn: {whose}: {found}"), 1, wide);
    }
}

/// A step; `said`: its statements are above already.
fn step_rows(body: &mut Body, number: usize, step: &PreviewStep, said: bool, wide: usize) {
    let role = if step.needed { Role::Text } else { Role::Disabled };
    let head = format!(" {number:>2} {}", super::text::pad(step.step.name(), STEP_WIDTH));
    // A start says in its statement what it does; the statement is what counts.
    let room = wide.saturating_sub(STEP_WIDTH + 5);
    let mut lines = wrap(&step.effect, room).into_iter();
    let first = lines.next().unwrap_or_default();
    body.push(Row::from_pieces(vec![(role, head), (role, first)]));
    for line in lines {
        body.push_text(role, format!("{}{line}", " ".repeat(STEP_WIDTH + 4)));
    }
    if said {
        body.push_wrapped(Role::Hint, "by the BACKUP statement above, which names it", 6, wide);
    } else {
        for statement in &step.statements {
            body.push_wrapped(Role::Hint, statement, 6, wide);
        }
    }
    if !step.interrupts.is_empty() {
        body.push_wrapped(Role::Fail, &format!("interrupts: {}", step.interrupts), 6, wide);
    }
}
