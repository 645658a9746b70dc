//! Observes each step of a physical backup and decides which action it needs.

use std::collections::BTreeSet;

use super::identity::{other_cluster, role_change};
use super::jobs::{ended_without, watch_job, watch_parent};
use super::release_profile::{BackupScope, ViewId};
use super::view_reader::FilterValue;
use super::{OceanBase, rows};
use crate::backend::{Observed, StepContext, StepObservation, Waiting};
use crate::domain::archiving::{self, Archiving};
use crate::domain::choices::Mode;
use crate::domain::facts::{Facts, JobFacts, TenantFacts};
use crate::domain::fault::{Cause, Fault};
use crate::domain::identity::another_creation;
use crate::domain::incremental_base::incremental_base;
use crate::domain::outcome;
use crate::domain::plan::{Action, Need, Plan, TargetPlan, plan};
use crate::domain::preflight::FULL_NEEDED;
use crate::domain::step::StepKind;
use crate::domain::target::TargetName;

impl OceanBase {
    /// Observes a step for these targets at once, with one round of queries however many they are.
    ///
    /// # Errors
    /// The connection failed, or the server refused a query: it concerns all targets.
    pub async fn look(
        &mut self,
        run: &StepContext<'_>,
        step: StepKind,
        targets: &[&TargetPlan],
    ) -> Result<Vec<Observed>, Fault> {
        self.ensure_session().await?;
        // It is only shared by the proofs of one round, for which its identity was verified.
        self.look_session = None;
        match step {
            StepKind::CheckTarget => self.check_target(run, targets).await,
            StepKind::CheckReady => Ok(fail_together(run, self.observe_each(targets, check_ready).await?)),
            StepKind::SetDestination => {
                let whole = run.prepared.plan.is_per_cluster;
                self.observe_each(targets, |tenant, target| observe_destination(tenant, target, whole)).await
            }
            StepKind::StartArchiving => self.observe_each(targets, start_archiving).await,
            StepKind::Compact => match self.line()?.backup_scope {
                BackupScope::PerTenant => Ok(targets
                    .iter()
                    .map(|_| StepObservation::NotNeeded("not needed on V4".to_owned()).into())
                    .collect()),
                BackupScope::PerCluster(_) => self.compact(run, targets).await,
            },
            StepKind::StartBackup => self.observe_start(run, targets).await,
            StepKind::WaitForBackup => self.observe_wait(run, targets).await,
            StepKind::ConfirmRestorable => self.observe_proof(run, targets).await,
            StepKind::CheckBackupService | StepKind::Upload => {
                Err(self.internal_fault("a logical step of a physical backup"))
            }
        }
    }

    /// Reads the tenants again and observes each.
    async fn observe_each(
        &mut self,
        targets: &[&TargetPlan],
        judge: impl Fn(&TenantFacts, &TargetPlan) -> StepObservation,
    ) -> Result<Vec<Observed>, Fault> {
        let ids: Vec<u64> = targets.iter().map(|target| target.tenant.id).collect();
        let tenants = self.refresh_tenants(&ids).await?;
        Ok(targets
            .iter()
            .map(|target| match tenants.iter().find(|tenant| tenant.id == target.tenant.id) {
                Some(tenant) => judge(tenant, target).into(),
                None => StepObservation::Failed(gone(target)).into(),
            })
            .collect())
    }

    async fn check_target(&mut self, run: &StepContext<'_>, targets: &[&TargetPlan]) -> Result<Vec<Observed>, Fault> {
        let facts = self.detect().await?;
        let again = plan(&facts, &run.prepared.plan.choices).ok();
        Ok(targets.iter().map(|target| recheck_target(&facts, again.as_ref(), run, target).into()).collect())
    }

    async fn observe_start(&mut self, run: &StepContext<'_>, targets: &[&TargetPlan]) -> Result<Vec<Observed>, Fault> {
        let (open, fresh): (Vec<_>, Vec<_>) =
            targets.iter().copied().partition(|target| run.start_intent(&target.target).is_some());
        let mut seen: Vec<(&TargetName, Observed)> = Vec::new();
        if !open.is_empty() {
            let settled = match self.line()?.backup_scope {
                BackupScope::PerTenant => self.settle(run, &open).await?,
                BackupScope::PerCluster(_) => self.reconcile_by_set(run, &open).await?,
            };
            seen.extend(open.iter().map(|target| &target.target).zip(settled));
        }
        if !fresh.is_empty() {
            let facts = self.detect().await?;
            let again = plan(&facts, &run.prepared.plan.choices).ok();
            let looks =
                fresh.iter().map(|target| check_before_start(&facts, again.as_ref(), run, target).into()).collect();
            seen.extend(fresh.iter().map(|target| &target.target).zip(fail_together(run, looks)));
        }
        targets
            .iter()
            .map(|target| {
                let own = seen.iter().find(|(name, _)| **name == target.target);
                own.map(|(_, seen)| seen.clone()).ok_or_else(|| self.internal_fault("a target without a look"))
            })
            .collect()
    }

    async fn observe_wait(&mut self, run: &StepContext<'_>, targets: &[&TargetPlan]) -> Result<Vec<Observed>, Fault> {
        let running = self.running_jobs().await?;
        // Every tenant numbers its own jobs, so an id alone identifies none, and jobs of many tenants share one id.
        let shown: BTreeSet<(u64, u64)> = running.iter().map(|row| (row.tenant_id, row.job_id)).collect();
        let missing: BTreeSet<u64> = targets
            .iter()
            .filter_map(|target| Some((target.tenant.id, run.job_id(&target.target)?)))
            .filter(|job| !shown.contains(job))
            .map(|(_, job)| job)
            .collect();
        let missing: Vec<u64> = missing.into_iter().collect();
        let mut history = self.read_history(&missing).await?;
        // A job of sys that the task attached to before the tenant had its own.
        let parents: Vec<u64> = targets
            .iter()
            .filter(|target| run.job_id(&target.target).is_none())
            .filter_map(|target| target.attached.as_ref()?.parent)
            .collect();
        if !parents.is_empty() && self.line()?.backup_scope == BackupScope::PerTenant {
            let (sys, jobs) = (
                ("INITIATOR_TENANT_ID", vec![FilterValue::Number(1)]),
                parents.iter().copied().map(FilterValue::Number).collect(),
            );
            let children = self.read(ViewId::JobHistory, &[("INITIATOR_JOB_ID", jobs), sys], "JOB_ID").await?;
            history.extend(children.iter().map(rows::job).collect::<Result<Vec<_>, _>>()?);
        }
        history.extend(self.read_history(&parents).await?);
        // Rounds that read the history do not read the roles too.
        let roles = if missing.is_empty() && parents.is_empty() { self.roles(targets).await? } else { Vec::new() };
        let mut all: Vec<Observed> = targets
            .iter()
            .map(|target| {
                let parent = target.attached.as_ref().and_then(|attached| attached.parent);
                let mut seen = match (run.job_id(&target.target), parent) {
                    (Some(id), _) => watch_job(id, &running, &history, target),
                    (None, Some(parent)) => watch_parent(run, parent, &running, &history, target),
                    (None, None) => StepObservation::Unknown(no_job_fault(run, target)).into(),
                };
                let role = roles.iter().find(|(id, _)| *id == target.tenant.id);
                if let (StepObservation::Wait(waiting), Some((_, role))) = (&mut seen.observation, role)
                    && let Some(change) = role_change(target, role)
                {
                    waiting.what = format!("{}; {change}", waiting.what);
                }
                seen
            })
            .collect();
        if !run.prepared.plan.is_per_cluster {
            for (target, seen) in targets.iter().zip(&mut all) {
                if let Some(parent) = ended_without(run, target, &history)
                    && matches!(seen.observation, StepObservation::JobFailed(_))
                {
                    seen.observation =
                        StepObservation::JobFailed(Box::new(self.outcome_without_child(parent, target).await));
                }
            }
        }
        Ok(all)
    }

    /// Reads the history rows of these jobs.
    async fn read_history(&mut self, jobs: &[u64]) -> Result<Vec<JobFacts>, Fault> {
        if let BackupScope::PerCluster(_) = self.line()?.backup_scope {
            return self.read_cluster_history(jobs).await;
        }
        let filter = ("JOB_ID", jobs.iter().copied().map(FilterValue::Number).collect());
        self.read(ViewId::JobHistory, &[filter], "JOB_ID").await?.iter().map(rows::job).collect()
    }

    async fn observe_proof(&mut self, run: &StepContext<'_>, targets: &[&TargetPlan]) -> Result<Vec<Observed>, Fault> {
        let ids: Vec<u64> = targets.iter().map(|target| target.tenant.id).collect();
        let tenants = self.refresh_tenants(&ids).await?;
        let zone = self.time_zone().await?;
        let mut seen = Vec::new();
        for target in targets {
            let Some(tenant) = tenants.iter().find(|tenant| tenant.id == target.tenant.id) else {
                seen.push(StepObservation::Failed(gone(target)).into());
                continue;
            };
            let encrypted = run.prepared.plan.choices.encrypt.is_some();
            let Some(set) = run.set_id(&target.target) else {
                seen.push(StepObservation::Unknown(no_job_fault(run, target)).into());
                continue;
            };
            let change = role_change(target, tenant.role.word()).map(|change| format!("{change}."));
            let judged = outcome::assess(tenant, &target.target, set, encrypted, &zone).map(|outcome| {
                outcome.notes.extend(change);
                outcome.notes.extend(unproven_start_note(run, target, set));
            });
            seen.push(self.proven(target, tenant, (set, &zone), judged));
        }
        Ok(seen)
    }
}

/// Fails all targets where one fails and one job is for all of them: the job is not started for a part of the targets.
fn fail_together(run: &StepContext<'_>, mut seen: Vec<Observed>) -> Vec<Observed> {
    let failed = seen.iter().find(|seen| matches!(seen.observation, StepObservation::Failed(_))).cloned();
    if let Some(failed) = failed.filter(|_| run.prepared.plan.is_per_cluster) {
        for seen in seen.iter_mut().filter(|seen| !matches!(seen.observation, StepObservation::Failed(_))) {
            *seen = failed.clone();
        }
    }
    seen
}

/// Returns a note on a set whose start got no answer, where no marker proves that it is ours.
fn unproven_start_note(run: &StepContext<'_>, target: &TargetPlan, set: u64) -> Option<String> {
    let lost = run.start_intent(&target.target).is_some_and(|intent| intent.answered != Some(true));
    (run.prepared.plan.is_per_cluster && lost)
        .then(|| format!("The start got no answer: that set {set} is the one that was asked for cannot be proven."))
}

pub(super) fn gone(target: &TargetPlan) -> Fault {
    Fault::new(
        Cause::Precondition,
        format!("{} is gone.", target.target),
        format!("The cluster lists no tenant of id {} any more.", target.tenant.id),
        "Check whether it was dropped or renamed.",
    )
}

fn no_job_fault(run: &StepContext<'_>, target: &TargetPlan) -> Fault {
    let view = if run.prepared.plan.is_per_cluster {
        "CDB_OB_BACKUP_SET_DETAILS"
    } else {
        "CDB_OB_BACKUP_JOB_HISTORY (in the tenant itself: DBA_OB_BACKUP_JOB_HISTORY)"
    };
    Fault::new(
        Cause::Unknown,
        format!("What became of the backup of {} is unknown.", target.target),
        "The journal names no job of it.",
        format!("Look at {view}, then retry: it only looks again."),
    )
}

/// Checks the identity of a target and every check of the plan again. `again` is the plan as it would be made now for all
/// targets: a target in it has passed; for another one a plan of its own gives the reason.
fn recheck_target(facts: &Facts, again: Option<&Plan>, run: &StepContext<'_>, target: &TargetPlan) -> StepObservation {
    let confirmed = &run.prepared.plan.cluster;
    if facts.cluster.id != confirmed.id {
        let id = |id: Option<u64>| id.map_or_else(|| "unknown".to_owned(), |id| id.to_string());
        let why = format!("Its cluster id is {}, and {} was confirmed.", id(facts.cluster.id), id(confirmed.id));
        return StepObservation::Failed(other_cluster(&facts.cluster.endpoint, why));
    }
    if let Some(why) = another_creation(confirmed.created, facts.cluster.created.get().copied()) {
        return StepObservation::Failed(other_cluster(&facts.cluster.endpoint, why));
    }
    // Where the login does not see the cluster's id, the tenant is identified by its own id and name, and by the version behind
    // the endpoint.
    let version = facts.cluster.version.with_build();
    if facts.cluster.id.is_none() && version != confirmed.version {
        return StepObservation::Failed(Fault::new(
            Cause::Precondition,
            format!("{} is not the cluster that was confirmed.", facts.cluster.endpoint),
            format!("It runs {version}, and {} was confirmed; this login does not see its id.", confirmed.version),
            "Check the endpoints of this cluster in the inventory, and start the backup anew.",
        ));
    }
    let Some(tenant) = facts.tenant_by_id(target.tenant.id) else { return StepObservation::Failed(gone(target)) };
    if tenant.name != target.tenant.name {
        return StepObservation::Failed(Fault::new(
            Cause::Precondition,
            format!("{} is not the tenant that was confirmed.", target.target),
            format!("Tenant {} is called {} now.", tenant.id, tenant.name),
            "Start the backup anew under its present name.",
        ));
    }
    if tenant.role.word() != target.tenant.role {
        return StepObservation::Failed(Fault::new(
            Cause::Precondition,
            format!("{} has changed its role since you confirmed.", target.target),
            format!("It was {} and is {}.", target.tenant.role, tenant.role.word()),
            "Look at the target again and start the backup anew.",
        ));
    }
    let passed = || {
        let (cluster, role) = (&facts.cluster, tenant.role.word());
        let alone = cluster.has_only_its_id();
        StepObservation::Done(format!("{}, tenant {}, {role}{alone}", cluster.endpoint, tenant.id))
    };
    if again.is_some_and(|again| again.target(&target.target).is_some()) {
        return passed();
    }
    let mut choices = run.prepared.plan.choices.clone();
    if !run.prepared.plan.is_per_cluster {
        choices.targets = vec![target.target.clone()];
    }
    match plan(facts, &choices) {
        Ok(now) if now.target(&target.target).is_none() => {
            let left_out = now.left_out.iter().find(|left| left.target == target.target);
            let why = left_out.map_or_else(|| "it is not part of it any more".to_owned(), |left| left.reason.clone());
            let what = format!("{} cannot be part of the backup any more.", target.target);
            StepObservation::Failed(Fault::new(
                Cause::Precondition,
                what,
                format!("{why}."),
                "Mend the cause, and start the backup anew.",
            ))
        }
        Ok(_) => passed(),
        Err(refusal) => StepObservation::Failed(refusal.fault),
    }
}

fn check_ready(tenant: &TenantFacts, target: &TargetPlan) -> StepObservation {
    if target.mode == Mode::Full {
        return StepObservation::Done("a full backup needs none before it".to_owned());
    }
    let new_destination = target.step(StepKind::SetDestination).and_then(|step| {
        step.actions.iter().find_map(|action| match action {
            Action::SetDataDestination { destination, .. } => Some(destination),
            _ => None,
        })
    });
    match incremental_base(tenant, new_destination.or(tenant.data_destination.as_ref())) {
        Ok(base) => StepObservation::Done(format!("set {} is the base", base.id)),
        Err(why) => StepObservation::Failed(Fault::new(
            Cause::Precondition,
            FULL_NEEDED,
            format!("For {} {why}.", target.target),
            format!("Make a full backup first: obnow backup {} --mode full.", target.target),
        )),
    }
}

/// Observes the step `SetDestination`: returns the first planned action that has not taken effect.
fn observe_destination(tenant: &TenantFacts, target: &TargetPlan, whole: bool) -> StepObservation {
    let Some(step) = target.step(StepKind::SetDestination) else {
        return StepObservation::NotNeeded("not planned".to_owned());
    };
    if let Need::NotNeeded(why) = &step.need {
        return StepObservation::NotNeeded(why.clone());
    }
    let archive_moves = step.actions.iter().any(|action| match action {
        Action::SetArchiveDestination { destination, .. } => {
            tenant.archive.destination.as_ref().is_none_or(|own| !own.location.already_is(&destination.location))
        }
        // Data and log go to the one destination.
        Action::SetDataDestination { destination, .. } if whole => {
            tenant.data_destination.as_ref().is_none_or(|own| !own.already_is(destination))
        }
        _ => false,
    });
    for action in &step.actions {
        let wanted = match action {
            Action::StopArchiving => archive_moves && archiving::must_stop_first(&tenant.archive),
            Action::SetArchiveLagTarget { seconds } => {
                tenant.archive.lag_target.is_some_and(|target| target < *seconds)
            }
            Action::SetArchiveDestination { .. } => archive_moves,
            Action::SetDataDestination { destination, .. } => {
                tenant.data_destination.as_ref().is_none_or(|own| !own.already_is(destination))
            }
            _ => false,
        };
        if wanted {
            if let (Action::StopArchiving, Archiving::Stopping(word)) =
                (action, archiving::archiving_state(&tenant.archive))
            {
                return StepObservation::Wait(Waiting::new(format!("log archiving: {word}"), true));
            }
            return StepObservation::NeedsAction(action.clone());
        }
    }
    StepObservation::Done(if whole { "every server has it" } else { "both are set" }.to_owned())
}

fn start_archiving(tenant: &TenantFacts, _: &TargetPlan) -> StepObservation {
    let waiting = |what: String, alive: bool| StepObservation::Wait(Waiting::new(what, alive));
    match archiving::archiving_state(&tenant.archive) {
        Archiving::Running => StepObservation::Done(
            tenant.archive.latest().map_or_else(String::new, |round| format!("DOING, round {}", round.round_id)),
        ),
        Archiving::Starting(word) => waiting(word, tenant.archive.latest().is_some()),
        Archiving::Stopping(word) => waiting(word, true),
        Archiving::Off if tenant.archive.deferred => StepObservation::NeedsAction(Action::ResumeArchiving),
        Archiving::Off => StepObservation::NeedsAction(Action::StartArchiving),
        Archiving::Suspended(word) if word == "SUSPENDING" => waiting(word, true),
        Archiving::Suspended(_) => StepObservation::NeedsAction(Action::ResumeArchiving),
        Archiving::Interrupted => StepObservation::NeedsAction(Action::StopArchiving),
        Archiving::Unrecognized(word) => StepObservation::Failed(Fault::new(
            Cause::Server,
            format!("Log archiving of {} is in a state obnow does not know.", tenant.name),
            format!("The server's view of its archive says {word}."),
            "Look the state up in the server's manual; retry once archiving is DOING.",
        )),
    }
}

/// Repeats the checks right before the start, since hours may have passed.
fn check_before_start(
    facts: &Facts,
    again: Option<&Plan>,
    run: &StepContext<'_>,
    target: &TargetPlan,
) -> StepObservation {
    match recheck_target(facts, again, run, target) {
        StepObservation::Done(_) => {}
        look => return look,
    }
    let Some(tenant) = facts.tenant_by_id(target.tenant.id) else { return StepObservation::Failed(gone(target)) };
    if let StepObservation::Failed(fault) = check_ready(tenant, target) {
        return StepObservation::Failed(fault);
    }
    if archiving::archiving_state(&tenant.archive) != Archiving::Running {
        let word = tenant.archive.latest().map_or_else(|| "off".to_owned(), |round| round.status.to_string());
        return StepObservation::Failed(Fault::new(
            Cause::Precondition,
            format!("Log archiving of {} is not running any more.", target.target),
            format!("It is {word}, and a backup starts only while it is DOING."),
            "Retry: the step Start log archiving says what can be done.",
        ));
    }
    let planned = target.step(StepKind::StartBackup).and_then(|step| step.actions.first());
    planned.map_or_else(|| StepObservation::Failed(gone(target)), |action| StepObservation::NeedsAction(action.clone()))
}
