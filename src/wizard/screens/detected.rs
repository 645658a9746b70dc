//! What was detected: version, method and the preflight, all at once.

use super::question::{Doing, Question};
use super::{storage, target};
use crate::domain::choices::Choices;
use crate::domain::facts::JobFacts;
use crate::domain::preflight::{Check, CheckResult, cluster_checks, tenant_checks};
use crate::wizard::effect::Effect;
use crate::wizard::key::Key;
use crate::wizard::keymap::{Action, Availability, Binding};
use crate::wizard::model::{Model, Overlay, Screen};
use crate::wizard::update;

/// The keys of the screen.
pub const KEYS: [Binding; 6] = [
    Binding::new(&[Key::Enter], Action::Next, "next", "go on to the storage", 8).when(can_go_on),
    Binding::new(&[Key::Esc], Action::Back, "back", "back to the targets", 7),
    Binding::new(&[Key::Char('r')], Action::Retry, "check again", "ask the cluster again", 6),
    Binding::new(&[Key::Char('d')], Action::Detach, "watch it", "watch the backup that runs on this tenant", 6)
        .when(|model| Availability::shown(running(model).is_some())),
    Binding::new(&[Key::Char('o')], Action::Override, "override", "go on in spite of mixed builds", 5).when(|model| {
        let may = checks(model).iter().any(|check| check.check.may_be_skipped() && check.refuses());
        Availability::shown(may)
    }),
    Binding::new(&[Key::Char('y')], Action::Copy, "copy", "copy the focused check", 1),
];

/// Every check of the draft's targets, in the mode that is chosen.
#[must_use]
pub fn checks(model: &Model) -> Vec<Check> {
    let (Some(draft), Some(facts)) = (&model.draft, model.facts()) else { return Vec::new() };
    let mut choices = Choices::new(draft.targets.clone(), draft.mode.mode);
    choices.skip.clone_from(&draft.mode.skip);
    if let Some(chosen) = model.chosen() {
        choices.fallbacks.clone_from(&chosen.known.fallbacks);
    }
    let tenants = model.tenants();
    let mut checks = cluster_checks(facts, &choices);
    for tenant in &tenants {
        checks.extend(tenant_checks(facts, tenant, &choices));
    }
    checks
}

/// The backup that runs on the one chosen tenant.
#[must_use]
pub fn running(model: &Model) -> Option<&JobFacts> {
    let draft = model.draft.as_ref()?;
    let [target] = draft.targets.as_slice() else { return None };
    target.tenant()?;
    model.facts()?.tenant(target.tenant()?)?.running.first()
}

/// What refuses the start: of one target its first failure, of several those that leave nothing to back up.
#[must_use]
pub fn refusal(model: &Model) -> Option<Check> {
    let facts = model.facts()?;
    let checks = checks(model);
    let refused = |check: &&Check| check.refuses();
    let of_cluster = checks.iter().filter(refused).find(|check| check.target.tenant().is_none());
    if let Some(check) = of_cluster {
        return Some(check.clone());
    }
    let tenants = model.tenants();
    let is_out = |name: &crate::domain::target::TargetName| checks.iter().filter(refused).any(|c| c.target == *name);
    let any_left = tenants.iter().any(|tenant| !is_out(&facts.target(tenant)));
    if any_left { None } else { checks.iter().find(refused).cloned() }
}

fn can_go_on(model: &Model) -> Availability {
    if model.facts().is_none() {
        return Availability::Off("The cluster has not answered yet.".to_owned());
    }
    match refusal(model) {
        None => Availability::Ready,
        Some(check) => Availability::Off(format!("{}: {}. {}", check.check.name(), check.found, check.fix)),
    }
}

/// Keeps the focus within the checks.
pub fn settle(model: &mut Model) {
    model.check = model.check.min(checks(model).len().saturating_sub(1));
}

/// The place of the first check to look at.
fn worst(checks: &[Check]) -> usize {
    let place = |result: CheckResult| checks.iter().position(|check| check.result == result);
    place(CheckResult::Fail).or_else(|| place(CheckResult::Warn)).unwrap_or(0)
}

/// Does what a key means.
pub fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    let rows = checks(model).len();
    if let Some(row) = update::moved(action, model.check, rows, model.body_rows()) {
        model.check = row;
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
            model.check = worst(&checks(model));
            cluster.map_or_else(Vec::new, |cluster| target::ask_one(model, &cluster))
        }
        Action::Override => {
            let Some(draft) = &model.draft else { return Vec::new() };
            let name = draft.targets.first().map(ToString::to_string).unwrap_or_default();
            let found = checks(model).into_iter().find(|check| check.check.may_be_skipped() && check.refuses());
            let lines = found.map(|check| vec![format!("{}.", check.found), check.fix]).unwrap_or_default();
            let title = "Back up a cluster whose upgrade is half finished?";
            let question = Question::new(Doing::Override, title, lines).by_name(name);
            model.overlay = Some(Overlay::Question(Box::new(question)));
            Vec::new()
        }
        Action::Detach => attach(model),
        Action::Copy => {
            let checks = checks(model);
            let focused = checks.get(model.check);
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

/// The mixed builds were overridden by the name.
pub fn override_builds(model: &mut Model) -> Vec<Effect> {
    let may: Vec<_> =
        checks(model).into_iter().map(|check| check.check).filter(|check| check.may_be_skipped()).collect();
    if let Some(draft) = &mut model.draft {
        draft.mode.skip.extend(may);
    }
    Vec::new()
}
