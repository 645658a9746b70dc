//! The destination of each tenant that needs no typing, and its source.

use crate::domain::choices::Choices;
use crate::domain::destination::Destination;
use crate::domain::facts::{Facts, TenantFacts};
use crate::domain::plan::{ChosenDestination, chosen_destination};
use crate::domain::preflight::{Check, tenant_checks};
use crate::domain::template::{DirKind, Variable};
use crate::domain::version::Method;
use crate::wizard::model::Model;

/// One tenant's destination.
#[derive(Debug, Clone, PartialEq)]
pub struct DetectedDestination {
    /// The tenant.
    pub tenant: String,
    /// What the plan would use; None: nobody names one.
    pub chosen: Option<ChosenDestination>,
}

/// The tenants that a backup would cover; where all are refused, all of them.
#[must_use]
pub fn covered_tenants<'a>(facts: &'a Facts, tenants: Vec<&'a TenantFacts>, choices: &Choices) -> Vec<&'a TenantFacts> {
    if facts.cluster.method == Method::Logical {
        return tenants;
    }
    let stays = |tenant: &&TenantFacts| !tenant_checks(facts, tenant, choices).iter().any(Check::refuses);
    let staying: Vec<&TenantFacts> = tenants.iter().copied().filter(stays).collect();
    if staying.is_empty() { tenants } else { staying }
}

/// Finds the destination of each of these tenants.
#[must_use]
pub fn find_destinations(
    facts: &Facts,
    tenants: &[&TenantFacts],
    choices: &Choices,
    kind: DirKind,
) -> Vec<DetectedDestination> {
    let several = tenants.len() > 1;
    let of = |tenant: &&TenantFacts| DetectedDestination {
        tenant: tenant.name.clone(),
        chosen: chosen_destination(facts, tenant, choices, kind, several).ok(),
    };
    tenants.iter().map(of).collect()
}

/// Returns the source of these destinations as the screen shows it.
#[must_use]
pub fn source_label(found: &[DetectedDestination]) -> String {
    if let [only] = found {
        return match &only.chosen {
            None => "nobody names one".to_owned(),
            Some(ChosenDestination { source: None, .. }) => "the cluster's own destination".to_owned(),
            Some(ChosenDestination { source: Some(source), .. }) => source.words().to_owned(),
        };
    }
    let mut groups: Vec<(&str, usize)> = Vec::new();
    for one in found {
        let words = match &one.chosen {
            None => "none",
            Some(ChosenDestination { source: None, .. }) => "own",
            Some(ChosenDestination { source: Some(source), .. }) => source.words(),
        };
        match groups.iter_mut().find(|(known, _)| *known == words) {
            Some((_, count)) => *count += 1,
            None => groups.push((words, 1)),
        }
    }
    let words: Vec<String> = groups
        .iter()
        .map(|(words, count)| match (*words, groups.len()) {
            ("own", 1) => format!("the own destinations of {count} tenants"),
            ("none", 1) => format!("nobody names one for {count} tenants"),
            ("own", _) => format!("the own destinations of {count}"),
            ("none", _) => format!("nobody for {count}"),
            (words, 1) => format!("{words}, for {count} tenants"),
            (words, _) => format!("{words} for {count}"),
        })
        .collect();
    words.join(", ")
}

/// What an edit begins with: the one destination, or what those of several tenants have in common, with variables for the
/// rest; a directory that cannot be said so stays empty. A base, from which the log archive follows too, is said with
/// variables where that can be: written out, it would be taken for a directory above another one of the same names.
#[must_use]
pub fn initial_form(
    model: &Model,
    found: &[DetectedDestination],
    (kind, is_base): (DirKind, bool),
) -> Option<(Destination, String)> {
    let facts = model.facts()?;
    let known: Vec<(&str, &ChosenDestination)> =
        found.iter().filter_map(|one| Some((one.tenant.as_str(), one.chosen.as_ref()?))).collect();
    let (_, first) = known.first()?;
    let path = match known.as_slice() {
        [_] if found.len() == 1 => {
            let whole = || first.destination.path().to_owned();
            if is_base { common_path(facts, &known, kind).unwrap_or_else(whole) } else { whole() }
        }
        several => common_path(facts, several, kind).unwrap_or_default(),
    };
    Some((first.destination.clone(), path))
}

/// The path with variables that all of these have in common.
fn common_path(facts: &Facts, known: &[(&str, &ChosenDestination)], kind: DirKind) -> Option<String> {
    let cluster = facts.cluster.id.map(|id| id.to_string());
    let mut paths = known.iter().map(|(name, chosen)| {
        let path = chosen.destination.path();
        // A directory above may have that name for another reason.
        let (path, kind) = match path.rsplit_once('/') {
            Some((above, last)) if last == kind.to_string() => (above, format!("/{{{}}}", Variable::Kind.name())),
            _ => (path, String::new()),
        };
        let id = facts.tenant(name).map(|tenant| tenant.id.to_string());
        let part = |part: &str| {
            let variable = if id.as_deref() == Some(part) {
                Variable::TenantId
            } else if part == *name {
                Variable::Tenant
            } else if cluster.as_deref() == Some(part) {
                Variable::ClusterId
            } else {
                return part.to_owned();
            };
            format!("{{{}}}", variable.name())
        };
        path.split('/').map(part).collect::<Vec<_>>().join("/") + &kind
    });
    let first = paths.next()?;
    let names_the_tenant = first.contains("{tenant_id}") || first.contains("{tenant}");
    (names_the_tenant && paths.all(|path| path == first)).then_some(first)
}
