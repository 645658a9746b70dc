//! A plan that was saved to be run later: the choices, the targets' identities, and what was shown of it when it was saved.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::choices::Choices;
use super::facts::{Facts, Known, TenantKind};
use super::fault::{Cause, Fault};
use super::identity::Created;
use super::plan::{ExcludedTarget, Plan};
use super::target::TargetName;
use super::task::{Prepared, PreviewStep};

mod difference;
#[cfg(test)]
mod tests;

pub use difference::{Change, Difference};

/// The placeholder for the task's id in what was shown: every task has an id of its own.
pub const TASK: &str = "{task}";

/// The cluster and the tenants that a plan was made for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpectedCluster {
    /// The cluster's id; None on an engine without clusters.
    pub cluster_id: Option<u64>,
    /// When its sys tenant, or the login's own tenant, was created; None: not known.
    pub created: Option<Created>,
    /// The version with its build.
    pub version: String,
    /// The ids of all tenants of the plan, those that were left out among them; 0 on an engine without tenants.
    pub tenant_ids: BTreeMap<TargetName, u64>,
}

/// How a plan file compares with the digest that it carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileDigest {
    /// The file is as it was saved.
    Matches,
    /// The file was changed after it was saved.
    Differs,
    /// The file has no digest: an older release saved it, or somebody removed it.
    Missing,
}

impl FileDigest {
    /// Returns the word of JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Matches => "matches",
            Self::Differs => "differs",
            Self::Missing => "missing",
        }
    }

    /// Returns one sentence on what is wrong; None: the file is as it was saved.
    #[must_use]
    pub fn problem(self) -> Option<&'static str> {
        match self {
            Self::Matches => None,
            Self::Differs => Some("Its digest differs: the file was changed after it was saved."),
            Self::Missing => Some("It has no digest, so nobody knows whether it was changed after it was saved."),
        }
    }
}

/// A saved plan. It holds no secret: the choices name only the sources of secrets, and what was shown is redacted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedPlan {
    /// When it was saved.
    pub saved: Timestamp,
    /// The choices of the user; what the inventory adds is read again.
    pub choices: Choices,
    /// The cluster and the tenants it was made for.
    pub expect: ExpectedCluster,
    /// The steps as they were shown, with [`TASK`] for the task's id.
    pub shown: Vec<PreviewStep>,
    /// The targets that were left out.
    pub left_out: Vec<ExcludedTarget>,
    /// Whether the file it was read from was changed after it was saved.
    pub digest: FileDigest,
}

impl SavedPlan {
    /// Returns what is saved of a prepared plan.
    #[must_use]
    pub fn of(facts: &Facts, prepared: &Prepared, saved: Timestamp) -> Self {
        let plan = &prepared.plan;
        Self {
            saved,
            choices: Choices { fallbacks: Vec::new(), ..plan.choices.clone() },
            expect: ExpectedCluster {
                cluster_id: plan.cluster.id,
                created: plan.cluster.created,
                version: plan.cluster.version.clone(),
                tenant_ids: tenant_ids(facts, plan),
            },
            shown: timeless(prepared),
            left_out: plan.left_out.clone(),
            digest: FileDigest::Matches,
        }
    }

    /// Checks that the plan runs for the cluster, the tenants and the version it was saved for.
    ///
    /// # Errors
    /// Other targets than those whose ids the plan keeps, another cluster, a cluster whose identity was not read, another tenant
    /// under the same name, a named tenant that is gone, or another version. The fault names which.
    pub fn refuse_another(&self, facts: &Facts) -> Result<(), Fault> {
        self.refuse_other_targets(facts)?;
        let cluster = &facts.cluster;
        let at = format!("{} at {}", cluster.name(), cluster.endpoint);
        if cluster.id != self.expect.cluster_id {
            let id = |id: Option<u64>| id.map_or_else(|| "no cluster id".to_owned(), |id| format!("cluster id {id}"));
            return Err(refused(
                format!("{at} is not the cluster the plan was saved for."),
                format!("The plan expects {}, and this one has {}.", id(self.expect.cluster_id), id(cluster.id)),
                "Check the endpoints in the inventory; if this cluster is meant, save a plan for it with --save-plan.",
            ));
        }
        let created = cluster.created.get().copied();
        if let Some((expected, found)) = self.expect.created.zip(created).filter(|(then, now)| then.is_another(*now)) {
            return Err(refused(
                format!("{at} is not the cluster the plan was saved for."),
                format!("The plan expects one created at {expected}, and this one was created at {found}."),
                "Check the endpoints in the inventory; if this cluster is meant, save a plan for it with --save-plan.",
            ));
        }
        if let (Some(expected), Known::NotChecked(why)) = (self.expect.created, &cluster.created) {
            return Err(refused(
                format!("Whether {at} is the cluster the plan was saved for is not known."),
                format!("The plan expects one created at {expected}, and {why}."),
                "Check what answers there; if this cluster is meant, save a plan for it with --save-plan.",
            ));
        }
        let whole = self.choices.targets.iter().any(|target| target.tenant().is_none());
        for (target, expected) in &self.expect.tenant_ids {
            let named = self.choices.targets.contains(target);
            let found = facts.tenants.iter().find(|tenant| facts.target(tenant) == *target).map(|tenant| tenant.id);
            if found == Some(*expected) || !(named || whole) || (found.is_none() && !named) {
                continue;
            }
            let why = match (found, facts.tenant_by_id(*expected)) {
                (Some(found), _) => format!("The plan expects tenant {expected}, and {target} is tenant {found} now."),
                (None, Some(now)) => format!("Tenant {expected} is called {} now.", now.name),
                (None, None) => format!("There is no tenant of that name and none with the id {expected}."),
            };
            return Err(refused(
                format!("{target} is not the tenant the plan was saved for."),
                why,
                "Find out who replaced it; if this is meant, save a new plan with --save-plan.",
            ));
        }
        let version = cluster.version.with_build();
        if version != self.expect.version {
            return Err(refused(
                format!("{at} runs another version than the plan was saved for."),
                format!("The plan expects {}, and it runs {version}.", self.expect.version),
                "Look at the plan for this version with --dry-run, and save it anew with --save-plan.",
            ));
        }
        Ok(())
    }

    /// Checks that the targets and the kept tenant ids are the same set: a target in only one of them was edited by hand.
    fn refuse_other_targets(&self, facts: &Facts) -> Result<(), Fault> {
        let (targets, kept) = (&self.choices.targets, &self.expect.tenant_ids);
        // A target that names a cluster covers all its tenants.
        let whole =
            |target: &TargetName| targets.iter().any(|one| one.tenant().is_none() && one.cluster() == target.cluster());
        let asked = |target: &TargetName| targets.contains(target) || whole(target);
        let of =
            |target: &TargetName, known: &TargetName| target.tenant().is_none() && target.cluster() == known.cluster();
        let has_id = |target: &TargetName| kept.keys().any(|known| known == target || of(target, known));
        // A tenant created since then belongs to the cluster that was meant, but only an unchanged file proves that the cluster
        // was meant.
        let users = facts.tenants.iter().filter(|tenant| tenant.kind == TenantKind::User);
        let mut unkept =
            users.map(|tenant| facts.target(tenant)).filter(|target| whole(target) && !kept.contains_key(target));
        let came = unkept.next().filter(|_| self.digest != FileDigest::Matches);
        let added = targets.iter().find(|target| !has_id(target)).cloned().or(came);
        let why = match (added, kept.keys().find(|target| !asked(target))) {
            (Some(added), _) => format!("{added} is among its targets, and its tenant_ids keep no id of it."),
            (None, Some(left)) => format!("Its tenant_ids keep the id of {left}, which is not among its targets."),
            (None, None) => return Ok(()),
        };
        Err(refused(
            "The targets of the plan are others than those it was saved for.",
            why,
            "Save a new plan for the targets that are meant, with --save-plan.",
        ))
    }

    /// Refuses an interruption that nobody has confirmed, in a run that asks for no confirmation (`--yes`).
    ///
    /// # Errors
    /// A step interrupts what it did not when the plan was saved; or any step interrupts something and the file is not as it
    /// was saved.
    pub fn refuse_unasked(&self, prepared: &Prepared) -> Result<(), Fault> {
        let next = "Look at it with --dry-run; if it is meant, save a new plan with --save-plan.";
        let interrupting = || prepared.preview.iter().filter(|step| !step.interrupts.is_empty());
        let known = |now: &PreviewStep| {
            let same = |then: &PreviewStep| (&then.target, then.step) == (&now.target, now.step);
            self.shown.iter().any(|then| same(then) && then.interrupts == now.interrupts)
        };
        if let Some(step) = interrupting().find(|step| !known(step)) {
            return Err(refused(
                format!("The plan interrupts more than when it was saved: {}.", step.interrupts),
                format!("{} of {} did not do that then, and --yes asks nobody.", step.step.name(), step.target),
                next,
            ));
        }
        if let (Some(complaint), Some(step)) = (self.digest.problem(), interrupting().next()) {
            return Err(refused(
                format!("The plan interrupts something, and its file is not proven: {}.", step.interrupts),
                format!("{complaint} --yes asks nobody."),
                next,
            ));
        }
        Ok(())
    }

    /// Returns what differs from the plan as it was saved, one entry for each difference.
    #[must_use]
    pub fn differences(&self, prepared: &Prepared) -> Vec<Difference> {
        difference::between((&self.shown, &self.left_out), (&timeless(prepared), &prepared.plan.left_out))
    }
}

fn refused(what: impl Into<String>, why: impl Into<String>, next: &str) -> Fault {
    Fault::new(Cause::Precondition, what, why, next)
}

fn tenant_ids(facts: &Facts, plan: &Plan) -> BTreeMap<TargetName, u64> {
    let planned = plan.targets.iter().map(|target| (target.target.clone(), target.tenant.id));
    let found = |left: &ExcludedTarget| facts.tenants.iter().find(|tenant| facts.target(tenant) == left.target);
    let left_out = plan.left_out.iter().filter_map(|left| Some((left.target.clone(), found(left)?.id)));
    planned.chain(left_out).collect()
}

/// Returns the steps as they are shown, with [`TASK`] in place of the task's id.
fn timeless(prepared: &Prepared) -> Vec<PreviewStep> {
    let told = |text: &String| match prepared.task.as_str() {
        "" => text.clone(),
        task => text.replace(task, TASK),
    };
    let step = |step: &PreviewStep| PreviewStep {
        statements: step.statements.iter().map(told).collect(),
        effect: told(&step.effect),
        ..step.clone()
    };
    prepared.preview.iter().map(step).collect()
}
