//! Decides which starts are confirmed by typing a name: on prod, one that interrupts something or performs a major compaction.

use super::plan::Action;
use super::step::StepKind;
use super::task::Prepared;

/// A confirmation by name: the title, what is affected, and the name to type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameConfirmation {
    /// What happens on prod, as one sentence.
    pub title: String,
    /// What is interrupted or compacted, one line for each step.
    pub lines: Vec<String>,
    /// The name to type: that of the only target, or the cluster's where there are several.
    pub name: String,
}

/// Returns whether starts in this environment may need a confirmation by name: only in `prod`.
#[must_use]
pub fn needs_name(environment: Option<&str>) -> bool {
    environment == Some("prod")
}

/// Returns what must be confirmed by name before the start; `None` where a plain yes is enough.
#[must_use]
pub fn name_confirmation(prepared: &Prepared, environment: Option<&str>) -> Option<NameConfirmation> {
    if !needs_name(environment) {
        return None;
    }
    let plan = &prepared.plan;
    let interrupts: Vec<String> = prepared
        .preview
        .iter()
        .filter(|step| !step.interrupts.is_empty())
        .map(|step| format!("{}: {}", step.target, step.interrupts))
        .collect();
    // Before V4 every target has the same compaction, which is performed once.
    let mut compacts = plan.targets.iter().filter_map(|target| target.step(StepKind::Compact));
    let compaction = compacts.find(|step| step.actions.contains(&Action::Compact)).map(|step| step.effect.clone());
    let title = match (interrupts.is_empty(), &compaction) {
        (true, None) => return None,
        (true, Some(_)) => "This performs a major compaction on prod.",
        (false, _) => "This interrupts something on prod.",
    };
    let name = match plan.choices.targets.as_slice() {
        [target] => target.to_string(),
        _ => plan.cluster.name.clone(),
    };
    Some(NameConfirmation { title: title.to_owned(), lines: interrupts.into_iter().chain(compaction).collect(), name })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops where its setup fails")]

    use super::*;
    use crate::domain::choices::Mode;
    use crate::domain::plan::plan;
    use crate::domain::samples::{choose, cluster, other_tenant, tenant};
    use crate::domain::task::PreviewStep;

    fn prepared(targets: &[&str]) -> Prepared {
        let facts = cluster(vec![tenant(1002, "pay"), other_tenant(1004, "log")]);
        let plan = plan(&facts, &choose(targets, Mode::Full)).unwrap();
        Prepared { task: "t".into(), plan, preview: Vec::new(), digest: String::new() }
    }

    fn interrupting(mut prepared: Prepared) -> Prepared {
        prepared.preview.push(PreviewStep {
            target: prepared.plan.targets[0].target.clone(),
            step: StepKind::SetDestination,
            needed: true,
            statements: Vec::new(),
            effect: "LOG_ARCHIVE_DEST becomes file:///x".into(),
            interrupts: "log archiving of pay".into(),
        });
        prepared
    }

    #[test]
    fn on_prod_what_interrupts_is_confirmed_by_the_name_of_the_target() {
        assert_eq!(name_confirmation(&prepared(&["prod/pay"]), Some("prod")), None, "nothing is interrupted");
        let one = interrupting(prepared(&["prod/pay"]));
        let asked = name_confirmation(&one, Some("prod")).unwrap();
        assert_eq!((asked.name.as_str(), asked.lines), ("prod/pay", vec!["prod/pay: log archiving of pay".to_owned()]));
        assert_eq!(name_confirmation(&one, Some("test")), None);
        assert_eq!(name_confirmation(&one, None), None);
        let several = interrupting(prepared(&["prod/pay", "prod/log"]));
        assert_eq!(name_confirmation(&several, Some("prod")).unwrap().name, "prod");
        let whole = interrupting(prepared(&["prod"]));
        assert_eq!(name_confirmation(&whole, Some("prod")).unwrap().name, "prod");
    }

    #[test]
    fn on_prod_a_planned_compaction_is_confirmed_by_name_too() {
        let mut one = prepared(&["prod/pay"]);
        let step = one.plan.targets[0].steps.iter_mut().find(|step| step.kind == StepKind::Compact).unwrap();
        step.actions = vec![Action::Compact];
        step.effect = "a major compaction of ALL 3 tenants of prod".into();
        let asked = name_confirmation(&one, Some("prod")).unwrap();
        assert_eq!(asked.title, "This performs a major compaction on prod.");
        assert_eq!(asked.lines, ["a major compaction of ALL 3 tenants of prod"]);
        assert_eq!(name_confirmation(&one, Some("staging")), None);
        assert_eq!(name_confirmation(&interrupting(one), Some("prod")).unwrap().lines.len(), 2);
    }
}
