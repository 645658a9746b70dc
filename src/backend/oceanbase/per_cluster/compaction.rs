//! The step `Compact` below V4 (R5): starts a major compaction where the backup needs one (a freeze newer than the archive
//! round), and observes its merge by zone.

use super::super::OceanBase;
use super::super::column_types::needed;
use super::super::release_profile::{BackupScope, ViewId};
use super::super::session::text;
use super::super::start_reconcile::may_take_effect;
use super::super::steps::gone;
use crate::backend::{Observed, StepContext, StepObservation, Waiting};
use crate::domain::choices::Mode;
use crate::domain::cluster_backup::{ClusterBackupFacts, CompactionFacts, CompactionRule, needs_compaction};
use crate::domain::diagnosis::asks_for_compaction;
use crate::domain::facts::{Known, TenantFacts};
use crate::domain::fault::{Cause, Fault};
use crate::domain::format::capitalized;
use crate::domain::plan::{Action, TargetPlan};
use crate::domain::preflight::COMPACTION_NEEDED;
use crate::domain::scn::Scn;
use crate::domain::step::StepKind;
use crate::domain::task::IntentView;
use crate::domain::time_zone::ServerTimeZone;

impl OceanBase {
    /// Observes the major compaction of the cluster for these targets.
    pub(in super::super) async fn compact(
        &mut self,
        run: &StepContext<'_>,
        targets: &[&TargetPlan],
    ) -> Result<Vec<Observed>, Fault> {
        let BackupScope::PerCluster(rules) = self.line()?.backup_scope else {
            return Err(self.internal_fault("a compaction on a line that needs none"));
        };
        let parameters = self.parameters().await?;
        let whole = self.read_cluster_backup_facts(rules, &parameters).await?;
        let zone = self.time_zone().await?;
        let ids: Vec<u64> = targets.iter().map(|target| target.tenant.id).collect();
        let tenants = self.read_cluster_tenants(&parameters, &whole, &zone, Some(&ids)).await?;
        Ok(targets
            .iter()
            .map(|target| match tenants.iter().find(|tenant| tenant.id == target.tenant.id) {
                Some(tenant) => look(run, &whole, &zone, tenant, target).into(),
                None => StepObservation::Failed(gone(target)).into(),
            })
            .collect())
    }

    /// Reads the version of the last major freeze: a new freeze gets a higher one.
    pub(in super::super) async fn frozen_version(&mut self) -> Result<Option<u64>, Fault> {
        let rows = self.read(ViewId::Freezes, &[], "FROZEN_VERSION DESC LIMIT 1").await?;
        let freeze = rows.first().map(|row| needed(row, "FROZEN_VERSION")).transpose()?;
        // Of the two views with it one may be ahead: the higher value is used.
        let rows = self.read(ViewId::Zones, &[], "ZONE, NAME").await?;
        let global = rows.iter().find(|row| text(row, "ZONE").is_empty() && text(row, "NAME") == "frozen_version");
        Ok(freeze.max(global.map(|row| needed(row, "VALUE")).transpose()?))
    }
}

pub(super) fn look(
    run: &StepContext<'_>,
    whole: &ClusterBackupFacts,
    zone: &ServerTimeZone,
    tenant: &TenantFacts,
    target: &TargetPlan,
) -> StepObservation {
    if target.mode == Mode::Incremental {
        return StepObservation::NotNeeded("an incremental never compacts".to_owned());
    }
    let asked = run.view.compacts_first();
    let compaction = match &whole.compaction {
        Known::Known(compaction) => compaction,
        Known::NotChecked(why) => return StepObservation::Failed(compaction_needed(run, why, None)),
    };
    let sent = sent(run, target);
    if let Some(sent) = sent {
        // A compaction of an earlier attempt is observed to its end, and not started again.
        let goes_on = compaction.frozen_version > sent.highest_job.unwrap_or_default() && !compaction.is_over();
        if goes_on || sent.attempt == run.attempt || may_still_start(run, compaction, sent) {
            return watch(run, compaction, sent);
        }
    }
    let planned = target.step(StepKind::Compact).is_some_and(|step| step.actions.contains(&Action::Compact));
    let answered = was_refused_for_compaction(run, target);
    let rule = whole.rules.compaction;
    if let Known::NotChecked(why) = &tenant.archive.times
        && rule != CompactionRule::NotAsked
        && !(planned || asked)
    {
        return if answered {
            StepObservation::Failed(compaction_needed(run, "the server has asked for one", None))
        } else {
            StepObservation::NotNeeded(format!(
                "whether one is needed is not known ({why}); the server decides at the start"
            ))
        };
    }
    let round = tenant.archive.latest().map(|round| round.start).filter(|start| *start > Scn(0));
    // Where the servers never require one, the user may request it.
    let needed = needs_compaction(rule, compaction, round, answered || asked, zone)
        .or_else(|| (asked && rule == CompactionRule::NotAsked).then(|| "it was asked for".to_owned()));
    let Some(why) = needed else {
        return StepObservation::NotNeeded(format!(
            "none is needed: the last frozen version is {}",
            compaction.frozen_version
        ));
    };
    if compaction.has_error {
        let why = format!("{why}, and the merge of version {} has met an error", compaction.broadcast_version);
        return StepObservation::Failed(compaction_needed(
            run,
            &why,
            Some("Look at oceanbase.__all_zone (is_merge_error), mend the cause"),
        ));
    }
    if planned || asked {
        return StepObservation::NeedsAction(Action::Compact);
    }
    StepObservation::Failed(compaction_needed(run, &format!("{why}; {}", compaction.last_one()), None))
}

/// Returns whether a MAJOR FREEZE without an answer may still be executed: until the server's own limit for it has passed.
fn may_still_start(run: &StepContext<'_>, compaction: &CompactionFacts, sent: &IntentView) -> bool {
    let is_not_there = compaction.frozen_version <= sent.highest_job.unwrap_or_default();
    sent.answered != Some(true) && is_not_there && may_take_effect(sent, run.now)
}

/// Observes the merge that was started with this intent.
fn watch(run: &StepContext<'_>, compaction: &CompactionFacts, sent: &IntentView) -> StepObservation {
    if compaction.has_error {
        let why = format!("the merge of version {} has met an error", compaction.broadcast_version);
        return StepObservation::Failed(compaction_needed(
            run,
            &why,
            Some("Look at oceanbase.__all_zone (is_merge_error), mend the cause"),
        ));
    }
    if compaction.frozen_version <= sent.highest_job.unwrap_or_default() {
        let what = if sent.answered == Some(true) {
            "the server accepted MAJOR FREEZE; the new version is awaited"
        } else {
            "whether MAJOR FREEZE was accepted: no answer came, a new frozen version is looked for"
        };
        return StepObservation::Wait(Waiting::new(what, false));
    }
    if compaction.is_over() {
        return StepObservation::Done(format!("version {} is merged in every zone", compaction.frozen_version));
    }
    StepObservation::Wait(Waiting::new(compaction.progress(), true))
}

/// Returns the intent of the last compaction that this task started for the target, unless the server refused it.
fn sent<'a>(run: &StepContext<'a>, target: &TargetPlan) -> Option<&'a IntentView> {
    let own = |intent: &&IntentView| intent.step == StepKind::Compact && intent.targets.contains(&target.target);
    run.view.intents.iter().rev().find(own).filter(|intent| !intent.refused)
}

/// Returns whether a start of this task was refused because a compaction is needed.
fn was_refused_for_compaction(run: &StepContext<'_>, target: &TargetPlan) -> bool {
    let starts = run.view.intents.iter().filter(|intent| intent.step == StepKind::StartBackup);
    let mut own = starts.filter(|intent| intent.targets.contains(&target.target));
    own.any(|intent| intent.refusal.as_ref().is_some_and(asks_for_compaction))
}

/// Returns the fault of a needed compaction, with the reason and how to continue.
fn compaction_needed(run: &StepContext<'_>, why: &str, first: Option<&str>) -> Fault {
    let first = first.map_or_else(String::new, |first| format!("{first}. "));
    let next = format!(
        "{first}m on the task's screen, or obnow retry {} --compact, performs a major compaction (may load the cluster), then goes on from this step.",
        run.task
    );
    Fault::new(Cause::Precondition, COMPACTION_NEEDED, format!("{}.", capitalized(why)), next)
}
