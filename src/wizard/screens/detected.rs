//! The screen of a detected target: version, method and preflight checks.

use std::collections::BTreeSet;

use super::confirm_dialog::ConfirmDialog;
use super::{storage, target};
use crate::domain::choices::Choices;
use crate::domain::dump::ExcludedTables;
use crate::domain::facts::{JobFacts, Known};
use crate::domain::fault::Cause;
use crate::domain::preflight::{Check, CheckId, CheckResult, cluster_checks, tenant_checks};
use crate::domain::target::TargetName;
use crate::wizard::effect::Effect;
use crate::wizard::key::Key;
use crate::wizard::keymap::{Action, Availability, Binding};
use crate::wizard::model::{Model, Overlay, Screen};
use crate::wizard::update;

/// The keys of the screen.
pub const KEYS: [Binding; 8] = [
    Binding::new(&[Key::Enter], Action::Choose, "watch it", "watch the backup that runs on this tenant", 8)
        .when(|model| Availability::ready_or_hidden(can_watch(model))),
    Binding::new(&[Key::Enter], Action::Next, "next", "go on to the storage", 8).when(can_go_on),
    Binding::new(&[Key::Esc], Action::Back, "back", "back to the targets", 7),
    Binding::new(&[Key::Char('r')], Action::Retry, "check again", "ask the cluster again", 6),
    Binding::new(&[Key::Char('o')], Action::Override, "override", "go on in spite of a failed check", 5)
        .when(|model| Availability::ready_or_hidden(may_be_overridden(model).is_some())),
    Binding::new(
        &[Key::Char('x')],
        Action::ToggleExclude,
        "leave out",
        "leave out of the dump what it cannot carry",
        5,
    )
    .when(|model| Availability::ready_or_hidden(!tables_to_exclude(model).is_empty())),
    Binding::new(&[Key::Char('x')], Action::ToggleExclude, "take in", "take into the dump again what is left out", 5)
        .when(|model| Availability::ready_or_hidden(tables_to_exclude(model).is_empty() && has_exclusions(model))),
    Binding::new(&[Key::Char('y')], Action::Copy, "copy", "copy the focused check", 1),
];

/// The preflight of the draft's targets: made anew when facts or choices change, and only then.
#[derive(Debug, Clone, Default)]
pub struct Preflight {
    /// Every check.
    pub checks: Vec<Check>,
    /// What refuses the start: of one target its first failure, of several one of those that leave nothing to back up.
    pub refusal: Option<Check>,
}

/// Makes the preflight anew.
pub fn refresh(model: &mut Model) {
    let checks = checks(model);
    let refusal = refusal(model, &checks);
    model.preflight = Preflight { checks, refusal };
    model.focused_check = model.focused_check.min(model.preflight.checks.len().saturating_sub(1));
}

/// Every check of the draft's targets, in the mode that is chosen.
fn checks(model: &Model) -> Vec<Check> {
    let (Some(draft), Some(facts)) = (&model.draft, model.facts()) else { return Vec::new() };
    let mut choices = Choices::new(draft.targets.clone(), draft.mode.mode);
    choices.skip.clone_from(&draft.mode.skip);
    choices.exclude.clone_from(&draft.mode.exclude);
    choices.fallbacks = model.fallbacks();
    let mut checks = cluster_checks(facts, &choices);
    for tenant in model.tenants() {
        checks.extend(tenant_checks(facts, tenant, &choices));
    }
    checks
}

fn refusal(model: &Model, checks: &[Check]) -> Option<Check> {
    let facts = model.facts()?;
    let refused: Vec<&Check> = checks.iter().filter(|check| check.refuses()).collect();
    let of_cluster = refused.iter().find(|check| check.target.tenant().is_none());
    if let Some(check) = of_cluster {
        return Some((*check).clone());
    }
    let out: BTreeSet<&TargetName> = refused.iter().map(|check| &check.target).collect();
    let any_left = model.tenants().iter().any(|tenant| !out.contains(&facts.target(tenant)));
    if any_left { None } else { refused.first().map(|check| (*check).clone()) }
}

/// The backup that runs on the one chosen tenant.
#[must_use]
pub fn running_job(model: &Model) -> Option<&JobFacts> {
    let draft = model.draft.as_ref()?;
    let [target] = draft.targets.as_slice() else { return None };
    target.tenant()?;
    model.facts()?.tenant(target.tenant()?)?.running.first()
}

/// Returns the tables that a dump cannot carry and that are not excluded yet.
fn tables_to_exclude(model: &Model) -> BTreeSet<String> {
    let (Some(facts), Some(draft)) = (model.facts(), &model.draft) else { return BTreeSet::new() };
    let Some(catalogue) = facts.cluster.dump.as_ref().and_then(Known::get) else { return BTreeSet::new() };
    let found = catalogue.blocking_objects(&draft.mode.exclude);
    found.iter().map(|finding| finding.object.table_name()).collect()
}

fn has_exclusions(model: &Model) -> bool {
    model.draft.as_ref().is_some_and(|draft| !draft.mode.exclude.is_empty())
}

fn can_go_on(model: &Model) -> Availability {
    if model.facts().is_none() {
        let why = match model.chosen_cluster().and_then(|cluster| cluster.answer.as_ref()) {
            Some(Err(fault)) => format!("{} {}", fault.what, fault.why),
            Some(Ok(_)) | None => "The cluster has not answered yet.".to_owned(),
        };
        return Availability::Unavailable(why);
    }
    match &model.preflight.refusal {
        None => Availability::Ready,
        Some(_) if can_watch(model) => Availability::Hidden,
        Some(check) => Availability::Unavailable(format!("{}: {}. {}", check.check.name(), check.found, check.fix)),
    }
}

/// The failed check that o overrides: the focused one, else the first that may be overridden.
fn may_be_overridden(model: &Model) -> Option<&Check> {
    let checks = &model.preflight.checks;
    let may = |check: &&Check| check.check.may_be_skipped() && check.refuses();
    checks.get(model.focused_check).filter(may).or_else(|| checks.iter().find(may))
}

/// Whether the start is refused because a backup runs, which can be watched instead.
fn can_watch(model: &Model) -> bool {
    let busy = model.preflight.refusal.as_ref().is_some_and(|check| check.cause == Cause::Busy);
    busy && running_job(model).is_some()
}

/// Puts the focus on the first check to look at.
pub fn focus_worst_check(model: &mut Model) {
    refresh(model);
    let checks = &model.preflight.checks;
    let place = |result: CheckResult| checks.iter().position(|check| check.result == result);
    model.focused_check = place(CheckResult::Fail).or_else(|| place(CheckResult::Warn)).unwrap_or(0);
}

/// Does what a key means.
pub fn handle_action(model: &mut Model, action: Action) -> Vec<Effect> {
    let rows = model.preflight.checks.len();
    if let Some(row) = update::next_position(action, model.focused_check, rows, model.body_rows()) {
        model.focused_check = row;
        return Vec::new();
    }
    match action {
        Action::Next => {
            storage::prefill(model);
            // A logical backup of this program lands where the storage says too.
            model.screen = Screen::Storage;
            Vec::new()
        }
        Action::Back => {
            model.screen = Screen::Target;
            Vec::new()
        }
        Action::Retry => {
            let cluster = model.draft.as_ref().map(|draft| draft.cluster().to_owned());
            focus_worst_check(model);
            let locked = model.chosen_cluster().is_some_and(|cluster| cluster.needs_password);
            match cluster {
                // A password that was typed is no longer right.
                Some(cluster) if locked => target::ask_password(model, cluster),
                Some(cluster) => target::detect_one(model, &cluster),
                None => Vec::new(),
            }
        }
        Action::Override => {
            let (Some(draft), Some(check)) = (&model.draft, may_be_overridden(model)) else { return Vec::new() };
            let question = ConfirmDialog::for_override(check, &draft.targets);
            model.overlay = Some(Overlay::Confirm(Box::new(question)));
            Vec::new()
        }
        Action::ToggleExclude => {
            let tables = tables_to_exclude(model);
            if let Some(draft) = &mut model.draft {
                if tables.is_empty() {
                    draft.mode.exclude = ExcludedTables::default();
                } else {
                    draft.mode.exclude.0.extend(tables);
                }
            }
            focus_worst_check(model);
            Vec::new()
        }
        Action::Choose => attach(model),
        Action::Copy => {
            let focused = model.preflight.checks.get(model.focused_check);
            focused.map_or_else(Vec::new, |check| {
                vec![Effect::Copy(format!(
                    "{} {} {}: {} {}",
                    check.target,
                    check.check.name(),
                    check.result.word(),
                    check.found,
                    check.fix
                ))]
            })
        }
        _ => Vec::new(),
    }
}

/// Watches the backup that runs on the chosen tenant.
fn attach(model: &mut Model) -> Vec<Effect> {
    let (Some(facts), Some(draft)) = (model.facts().cloned(), &model.draft) else { return Vec::new() };
    let Some(target) = draft.targets.first().cloned() else { return Vec::new() };
    super::task::attach(model, facts, target)
}

/// A failed check was overridden by the name.
pub fn override_check(model: &mut Model, check: CheckId) -> Vec<Effect> {
    if let Some(draft) = &mut model.draft {
        draft.mode.skip.insert(check);
    }
    refresh(model);
    Vec::new()
}
