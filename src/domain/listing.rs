//! The list of targets: one row for each cluster and, where its backups are physical, for each user tenant, as both front ends
//! show it.

use super::archiving::{self, Archiving};
use super::choices::{Choices, Mode};
use super::facts::{Facts, Known, TenantFacts, TenantKind};
use super::fault::{Cause, Fault};
use super::format;
use super::last_good::{LastGood, last_good, newest_unrestorable, worst_tenant};
use super::outcome::{Outcome, VerdictKind};
use super::preflight::{Check, cluster_checks, tenant_checks};
use super::restorable::{Encryption, RoundStatus, SetKind};
use super::scn::Scn;
use super::target::{TargetKind, TargetName};
use super::task::TaskView;
use super::version::Method;

/// A row of the list.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The target.
    pub target: TargetName,
    /// The version, where a server answered.
    pub version: Option<String>,
    /// The backup method, where it is known.
    pub method: Option<Method>,
    /// The state as a short text: `normal`, `backing up 43 %`, `upgrading`, `unreachable`.
    pub state: String,
    /// More about the state: who started the running backup.
    pub about: Option<String>,
    /// Whether the rules allow a backup now; a running backup or a missing full one does not make it false.
    pub eligible: bool,
    /// Why the rules do not allow one.
    pub reason: Option<String>,
    /// The last good backup.
    pub last_good: Option<LastGood>,
    /// The tenant of that backup, on a cluster's row: the one with the worst.
    pub whose: Option<String>,
    /// The newest completed set, where none can be restored, with the short reason.
    pub in_vain: Option<(u64, &'static str)>,
    /// Whether a backup of the target runs now.
    pub running: bool,
}

/// The last good backup as a row shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastGoodLabel {
    /// `3 h ago (pay)  incremental`, `none`, `none, set 7 not restorable`, or `-` where the cluster did not answer.
    pub text: String,
    /// Whether there is none, it is older than the target's policy allows, or it is not encrypted as requested.
    pub bad: bool,
}

impl Row {
    /// Returns whether the target is a cluster or a tenant.
    #[must_use]
    pub fn kind(&self) -> TargetKind {
        if self.target.tenant().is_some() { TargetKind::Tenant } else { TargetKind::Cluster }
    }

    /// Returns the method as one word.
    #[must_use]
    pub fn method_label(&self) -> Option<&'static str> {
        self.method.map(|method| match method {
            Method::Physical => "physical",
            Method::Logical => "logical",
        })
    }

    /// Returns the last good backup as text; `oldest` is the age in seconds from which one is OLD.
    #[must_use]
    pub fn last_good_label(&self, now: jiff::Timestamp, oldest: Option<u64>) -> LastGoodLabel {
        let whose = self.whose.as_ref().map(|name| format!(" ({name})")).unwrap_or_default();
        match &self.last_good {
            None if self.version.is_none() => LastGoodLabel { text: "-".to_owned(), bad: false },
            None => {
                let in_vain = self.in_vain.map(|(set, word)| format!(", set {set} {word}")).unwrap_or_default();
                LastGoodLabel { text: format!("none{whose}{in_vain}"), bad: true }
            }
            Some(good) => {
                let seconds = Scn::from_timestamp(now).seconds_since(good.at);
                let word = match &good.kind {
                    SetKind::Full => "full",
                    SetKind::Incremental => "incremental",
                    SetKind::Other(word) => word,
                };
                let old = oldest.is_some_and(|oldest| seconds > oldest);
                let encryption = good.encryption.and_then(Encryption::mark);
                let marks: Vec<&str> = encryption.into_iter().chain(old.then_some("OLD")).collect();
                let marks = if marks.is_empty() { String::new() } else { format!("  {}", marks.join("  ")) };
                let bad = old || encryption.is_some();
                LastGoodLabel { text: format!("{}{whose}  {word}{marks}", format::age(seconds)), bad }
            }
        }
    }

    /// Returns the state with its reason, as one text.
    #[must_use]
    pub fn state_label(&self) -> String {
        match (&self.reason, &self.about) {
            // The reason begins with the state where the cluster is upgrading; once is enough.
            (Some(reason), _) => match reason.split_once("the cluster is upgrading: ") {
                Some((_, signs)) => format!("{}: {signs}", self.state),
                None => format!("{}: {reason}", self.state),
            },
            (None, Some(about)) => format!("{}, {about}", self.state),
            (None, None) => self.state.clone(),
        }
    }
}

/// Returns the rows of a cluster that answered, or the one row of a cluster that did not.
#[must_use]
pub fn rows(cluster: &TargetName, facts: &Result<Facts, Fault>) -> Vec<Row> {
    match facts {
        Ok(facts) => of_facts(facts),
        Err(fault) => vec![unanswered(cluster, fault)],
    }
}

/// Returns the rows of a cluster: its own, then, where its backups are physical, one for each user tenant.
#[must_use]
pub fn of_facts(facts: &Facts) -> Vec<Row> {
    let mut rows = vec![cluster_row(facts)];
    if facts.cluster.method == Method::Physical {
        rows.extend(facts.tenants.iter().filter(|t| t.kind == TenantKind::User).map(|t| tenant_row(facts, t)));
    }
    rows
}

/// Returns the row of a cluster that did not answer.
#[must_use]
pub fn unanswered(cluster: &TargetName, fault: &Fault) -> Row {
    let word = match fault.cause {
        Cause::Rights => "refused",
        Cause::Unreachable => "unreachable",
        _ => "unknown",
    };
    Row {
        target: cluster.clone(),
        version: None,
        method: None,
        state: word.to_owned(),
        about: None,
        eligible: false,
        reason: Some(format!("{} {}", fault.what, fault.why)),
        last_good: None,
        whose: None,
        in_vain: None,
        running: false,
    }
}

/// Returns the last restorable dump of an engine, if this task made it: the engine keeps no list of dumps, the tasks of this host
/// do.
#[must_use]
pub fn dump_of(task: &TaskView, target: &TargetName) -> Option<LastGood> {
    let known = task.targets.iter().find(|known| known.target == *target)?;
    let outcome = known.outcome.as_ref().filter(|outcome| outcome.verdict == VerdictKind::Restorable)?;
    let bytes = known.progress.as_ref().map(|progress| progress.bytes);
    Some(LastGood {
        set: None,
        kind: SetKind::Full,
        at: outcome.from?,
        bytes,
        restorable_to: outcome.to?,
        encryption: outcome.encryption,
    })
}

/// Sets the encryption of a row's last good backup to what the task that made it recorded; `None` where none of these tasks
/// made it.
pub fn mark_encryption<'a>(row: &mut Row, tasks: impl IntoIterator<Item = &'a TaskView>) {
    let Some(good) = row.last_good.as_mut().filter(|good| good.set.is_some()) else { return };
    let tenant = match (row.target.tenant(), &row.whose) {
        (None, Some(whose)) => TargetName::tenant_named(row.target.cluster(), whose).ok(),
        _ => Some(row.target.clone()),
    };
    let Some(tenant) = tenant else { return };
    let ends = tasks.into_iter().flat_map(|task| &task.targets).filter(|target| target.target == tenant);
    let made_it = |outcome: &&Outcome| outcome.set == good.set && outcome.mode.is_some();
    good.encryption =
        ends.filter_map(|target| target.outcome.as_ref()).filter(made_it).find_map(|outcome| outcome.encryption);
}

/// Returns the first check that forbids a backup now; a running backup and a missing full one do not count.
fn obstacle(checks: &[Check]) -> Option<String> {
    checks.iter().find(|check| check.refuses() && check.cause != Cause::Busy).map(|check| check.found.clone())
}

fn upgrading(facts: &Facts) -> bool {
    matches!(&facts.cluster.upgrading, Known::Known(signs) if !signs.is_empty())
}

fn cluster_row(facts: &Facts) -> Row {
    let choices = Choices::new(vec![facts.cluster.target.clone()], Mode::Full);
    let reason = obstacle(&cluster_checks(facts, &choices));
    let running =
        facts.tenants.iter().filter(|tenant| tenant.kind == TenantKind::User && !tenant.running.is_empty()).count();
    let state = match (upgrading(facts), running) {
        (true, _) => "upgrading".to_owned(),
        (false, 0) => "normal".to_owned(),
        (false, 1) => "backing up 1 tenant".to_owned(),
        (false, tenants) => format!("backing up {tenants} tenants"),
    };
    let worst = worst_tenant(facts);
    Row {
        target: facts.cluster.target.clone(),
        version: Some(facts.cluster.version.to_string()),
        method: Some(facts.cluster.method),
        state,
        about: None,
        eligible: reason.is_none(),
        reason,
        last_good: worst.as_ref().and_then(|(_, good)| good.clone()),
        in_vain: worst.as_ref().and_then(|(tenant, _)| newest_unrestorable(tenant)),
        whose: worst.map(|(tenant, _)| tenant.name.clone()).filter(|_| facts.cluster.method == Method::Physical),
        running: running > 0,
    }
}

fn tenant_row(facts: &Facts, tenant: &TenantFacts) -> Row {
    let target: TargetName = facts.target(tenant);
    let choices = Choices::new(vec![target.clone()], Mode::Full);
    let mut checks = cluster_checks(facts, &choices);
    checks.extend(tenant_checks(facts, tenant, &choices));
    let reason = obstacle(&checks);
    let (state, about) = match tenant.running.first() {
        Some(job) => {
            let percent = job.percent().map_or_else(String::new, |percent| format!(" {percent} %"));
            let since = job.started.split_once('.').map_or(job.started.as_str(), |(seconds, _)| seconds);
            let about = format!("by {} since {since} (server time)", job.owner());
            (format!("backing up{percent}"), Some(about))
        }
        None if upgrading(facts) => ("upgrading".to_owned(), None),
        None if reason.is_some() => ("ineligible".to_owned(), None),
        // Without its log a backup cannot be restored to a time after the archive stopped.
        None => (archiving_stopped(tenant).unwrap_or_else(|| "normal".to_owned()), None),
    };
    Row {
        target,
        version: Some(facts.cluster.version.to_string()),
        method: Some(facts.cluster.method),
        state,
        about,
        eligible: reason.is_none(),
        reason,
        last_good: last_good(tenant),
        whose: None,
        in_vain: newest_unrestorable(tenant),
        running: !tenant.running.is_empty(),
    }
}

/// Returns that no log is archived, where it should be.
fn archiving_stopped(tenant: &TenantFacts) -> Option<String> {
    match archiving::archiving_state(&tenant.archive) {
        Archiving::Running | Archiving::Starting(_) => None,
        Archiving::Off => Some("log archiving off".to_owned()),
        Archiving::Interrupted => Some(format!("log archiving {}", RoundStatus::Interrupted)),
        Archiving::Stopping(word) | Archiving::Suspended(word) | Archiving::Unrecognized(word) => {
            Some(format!("log archiving {word}"))
        }
    }
}
