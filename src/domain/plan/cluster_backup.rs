//! The plan below V4: one destination, one log archive and one job. Every action is done once for the cluster; only from V3.2.2
//! on can tenants be backed up alone.

use super::destinations::{
    ResolvedDestination, no_destination_given, parsed, unusable, usable_by, values_of, with_access_id,
};
use super::steps::{ENCRYPTED, archiving_step, competition, identity, resumes_archive};
use super::{Action, BackupTo, PlannedStep, TargetPlan, no_plus_archivelog, plus_archivelog};
use crate::domain::archiving::{self, Archiving};
use crate::domain::choices::{Choices, CompactionChoice, Mode, NoFullPolicy, RequestedStorage};
use crate::domain::cluster_backup::{ClusterBackupFacts, CompactionFacts, CompactionRule, needs_compaction};
use crate::domain::facts::{Facts, Known, TenantFacts, TenantKind};
use crate::domain::fault::{Cause, Fault};
use crate::domain::incremental_base::incremental_base;
use crate::domain::preflight::{COMPACTION_NEEDED, FULL_NEEDED};
use crate::domain::scn::Scn;
use crate::domain::step::StepKind;
use crate::domain::template::{Template, Values, Variable, v2_v3_cluster, v3_tenant};

/// Returns the scope of a statement to the cluster, as text: `ALL 14 tenants of legacy-sh`.
#[must_use]
pub fn cluster_scope(facts: &Facts) -> String {
    let is_there = |tenant: &&TenantFacts| tenant.kind == TenantKind::User && !tenant.in_recycle_bin;
    let users = facts.tenants.iter().filter(is_there).count();
    let tenants = if users == 1 { "tenant" } else { "tenants" };
    format!("ALL {users} {tenants} of {}", facts.cluster.name())
}

/// Returns whether the target is the cluster, and not tenants of it.
#[must_use]
pub fn covers_cluster(choices: &Choices) -> bool {
    choices.targets.iter().any(|target| target.tenant().is_none())
}

/// Returns the plans of the tenants. All have the same steps, since each step is done once for all.
pub(super) fn target_plans(
    facts: &Facts,
    whole: &ClusterBackupFacts,
    eligible: &[&TenantFacts],
    choices: &Choices,
) -> Result<Vec<TargetPlan>, Fault> {
    if choices.plus_archivelog
        && let Err(why) = plus_archivelog(&facts.cluster.version)
    {
        return Err(no_plus_archivelog(facts, why));
    }
    let place = place(facts, whole, eligible, choices)?;
    let of_cluster = covers_cluster(choices);
    let mode = if of_cluster { mode(facts, &place, eligible, choices)? } else { Mode::Full };
    let steps = match eligible.first() {
        Some(any) => steps(facts, whole, any, choices, &place, mode)?,
        None => Vec::new(),
    };
    Ok(eligible
        .iter()
        .map(|tenant| TargetPlan {
            target: facts.target(tenant),
            tenant: identity(tenant),
            mode,
            resumes_archive: resumes_archive(tenant, &steps),
            steps: steps.clone(),
            notes: vec![competition(facts, tenant)],
            attached: None,
            proof_why: super::proof::why_not(facts),
            proof_needs: None,
            part: None,
        })
        .collect())
}

/// Why the cluster's destination cannot take a backup of tenants, as half a sentence.
pub const OWN_DIRECTORY: &str =
    "Before V4 a backup of tenants goes to a directory outside of the cluster's own destination";

/// Returns the mode of the cluster's one job, from which no tenant can be left out.
fn mode(
    facts: &Facts,
    place: &ResolvedDestination<'_>,
    eligible: &[&TenantFacts],
    choices: &Choices,
) -> Result<Mode, Fault> {
    let without = eligible.iter().find_map(|tenant| {
        incremental_base(tenant, Some(&place.destination)).err().map(|reason| (facts.target(tenant), reason))
    });
    match (choices.mode, choices.no_full, without) {
        (Mode::Incremental, NoFullPolicy::Full, Some(_)) => Ok(Mode::Full),
        (Mode::Incremental, NoFullPolicy::Skip, Some((target, reason))) => Err(Fault::new(
            Cause::Usage,
            format!("{target} cannot be left out of a backup of the whole cluster."),
            format!("{FULL_NEEDED}: {reason}. Before V4 one job covers every tenant."),
            "Make a full backup, or let --no-full full make one of it.",
        )),
        (mode, ..) => Ok(mode),
    }
}

/// Returns the destination of the backup: the one of the cluster, or the directory of a backup of tenants.
pub(super) fn place<'a>(
    facts: &Facts,
    whole: &ClusterBackupFacts,
    eligible: &[&TenantFacts],
    choices: &'a Choices,
) -> Result<ResolvedDestination<'a>, Fault> {
    let target = &facts.cluster.target;
    if let Some(archive) = choices.storage.as_ref().and_then(|wanted| wanted.archive.as_deref()) {
        return Err(Fault::new(
            Cause::Usage,
            format!("{target} has no log archive destination of its own."),
            format!(
                "Before V4 data and log go to one destination; {} was given for the log.",
                crate::domain::destination::printable_uri(archive)
            ),
            "Give that one with --storage, and leave --archive-storage out.",
        ));
    }
    let of_cluster = covers_cluster(choices);
    let given = choices.storage.as_ref().filter(|wanted| wanted.data.is_some());
    if let (None, true, Some(own)) = (given, of_cluster, whole.destination()) {
        return Ok(ResolvedDestination { destination: own.clone(), from: None });
    }
    let covers = |wanted: &&RequestedStorage| match (of_cluster, eligible) {
        (true, _) => wanted.tenants.is_none(),
        (false, tenants) => tenants.iter().all(|tenant| wanted.covers(&tenant.name)),
    };
    let fallback = || choices.fallbacks.iter().filter(covers).find(|wanted| wanted.data.is_some());
    let wanted = given.or_else(fallback);
    let Some((wanted, base)) = wanted.and_then(|wanted| Some((wanted, wanted.data.as_deref()?))) else {
        return Err(if of_cluster {
            no_destination_given(target, "backup", "--storage")
        } else {
            needs_its_own(choices)
        });
    };
    let refused = |error| unusable(target, &error);
    let template = Template::new(parsed(base)?).map_err(refused)?;
    let template = if of_cluster { v2_v3_cluster(template) } else { v3_tenant(template) }.map_err(refused)?;
    let destination = match eligible {
        [one] if !of_cluster => template.expand(&values_of(facts, one)),
        several => {
            let of_one = [Variable::Tenant, Variable::TenantId].into_iter().find(|variable| template.has(*variable));
            if let (false, [_, _, ..], Some(variable)) = (of_cluster, several, of_one) {
                let why = format!("{{{}}} stands for one tenant, and one directory takes them all.", variable.name());
                let what = format!("The destination given for {target} cannot be used.");
                return Err(Fault::new(Cause::Usage, what, why, "Take it out, or back up one tenant at a time."));
            }
            template.expand(&Values {
                cluster: facts.cluster.name(),
                cluster_id: facts.cluster.id,
                run: Some(super::RUN),
                ..Values::default()
            })
        }
    };
    let destination = usable_by(facts, with_access_id(destination.map_err(refused)?, wanted)?)?;
    if !of_cluster {
        refuse_backup_dest(facts, whole, &destination)?;
    }
    Ok(ResolvedDestination { destination, from: Some(wanted) })
}

/// Returns the fault of a backup of tenants without a directory of its own (`BACKUP TENANT .. TO`), which it needs whatever the
/// cluster's destination is.
fn needs_its_own(choices: &Choices) -> Fault {
    let tenants: Vec<String> = choices.targets.iter().map(ToString::to_string).collect();
    Fault::new(
        Cause::Usage,
        format!("The backup of {} needs a destination of its own.", tenants.join(", ")),
        format!("{OWN_DIRECTORY}; none was given, and no strategy of the inventory names one."),
        "Give one with --storage URI, for example --storage file:///backup/tenants.",
    )
}

/// Refuses a backup of tenants in the cluster's own destination (OCP: 20303).
fn refuse_backup_dest(
    facts: &Facts,
    whole: &ClusterBackupFacts,
    to: &crate::domain::destination::Destination,
) -> Result<(), Fault> {
    match whole.destination() {
        Some(own) if to.may_be_same_directory(own) || to.is_inside(own) => Err(Fault::new(
            Cause::Usage,
            format!("{} cannot take a backup of tenants of {}.", to.uri_without_attributes(), facts.cluster.target),
            format!(
                "It lies in backup_dest, {}, which belongs to the backups of the whole cluster.",
                own.uri_without_attributes()
            ),
            "Give a directory outside of it with --storage.",
        )),
        _ => Ok(()),
    }
}

fn steps(
    facts: &Facts,
    whole: &ClusterBackupFacts,
    any: &TenantFacts,
    choices: &Choices,
    place: &ResolvedDestination<'_>,
    mode: Mode,
) -> Result<Vec<PlannedStep>, Fault> {
    let scope = cluster_scope(facts);
    let of_cluster = covers_cluster(choices);
    let (destination, moves) = if of_cluster {
        destination_step(facts, whole, any, place)?
    } else {
        let why = "a backup of tenants has a directory of its own and changes no setting";
        (PlannedStep::not_needed(StepKind::SetDestination, why), false)
    };
    let mut archiving = archiving_step(any, &scope, moves);
    if !archiving.actions.is_empty() {
        archiving.effect = format!("log archiving of {scope}: {}", archiving.effect);
    }
    let kind = match mode {
        Mode::Full => "A full backup",
        Mode::Incremental => "An incremental backup",
    };
    let uri = place.destination.redacted_statement_uri();
    let encrypted = if choices.encrypt.is_some() { ENCRYPTED } else { "" };
    let effect = if of_cluster {
        format!("{kind} of {scope} to {uri}{encrypted}")
    } else {
        let names: Vec<&str> = choices.targets.iter().filter_map(|target| target.tenant()).collect();
        format!("{kind} of {} to {uri}, an empty directory of its own{encrypted}", names.join(", "))
    };
    let to = if of_cluster {
        None
    } else {
        Some(BackupTo { destination: place.destination.clone(), access_key: place.access_key()? })
    };
    let start = Action::StartBackup { mode, plus_archivelog: false, encrypt: choices.encrypt.clone(), to };
    Ok(vec![
        PlannedStep::reads(StepKind::CheckTarget),
        PlannedStep::reads(StepKind::CheckReady),
        destination,
        archiving,
        compaction_step(facts, whole, any, choices, mode, moves),
        PlannedStep::with(StepKind::StartBackup, vec![start], effect),
        PlannedStep::reads(StepKind::WaitForBackup),
        PlannedStep::reads(StepKind::ConfirmRestorable),
    ])
}

/// Returns the step that sets `backup_dest`, and whether it changes.
fn destination_step(
    facts: &Facts,
    whole: &ClusterBackupFacts,
    any: &TenantFacts,
    place: &ResolvedDestination<'_>,
) -> Result<(PlannedStep, bool), Fault> {
    let wanted = &place.destination;
    if whole.destination().is_some_and(|own| own.already_is(wanted)) {
        return Ok((PlannedStep::not_needed(StepKind::SetDestination, "backup_dest is already set"), false));
    }
    if let Archiving::Unrecognized(word) = archiving::archiving_state(&any.archive) {
        let why = format!("nothing is set while the archive is {word}, which has no known way on");
        return Ok((PlannedStep::not_needed(StepKind::SetDestination, why), false));
    }
    if whole.has_second_copy {
        return Err(Fault::new(
            Cause::Precondition,
            format!("backup_dest of {} cannot change now.", facts.cluster.target),
            "backup_backup_dest, the destination of second copies, is set, and while it is the server refuses.",
            "Clear backup_backup_dest first, or leave --storage out.",
        ));
    }
    let scope = cluster_scope(facts);
    let mut step = PlannedStep::with(StepKind::SetDestination, Vec::new(), String::new());
    if archiving::must_stop_first(&any.archive) {
        step.actions.push(Action::StopArchiving);
        step.interrupts = format!(
            "log archiving of {scope}: it stops, a new round starts, and older sets cannot be restored past the stop"
        );
    }
    let access_key = place.access_key()?;
    step.actions.push(Action::SetDataDestination { destination: wanted.clone(), access_key });
    step.effect = format!(
        "backup_dest of {scope} becomes {} ({}), for data and log; a new round starts, and the chain restarts with a full. A \
         directory that already holds this cluster's archive is refused (9026). This setting stays: later scheduled backups \
         go there too.",
        wanted.redacted_statement_uri(),
        place.source()
    );
    Ok((step, true))
}

/// What is known about the need for a major compaction before a full backup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CompactionOutlook {
    /// None is needed, and why.
    NotNeeded(String),
    /// One is needed, and why.
    Needed(String),
    /// One is needed if the server requires it when the backup starts.
    IfAsked,
    /// The need could not be determined, and why.
    NotChecked(String),
}

/// Returns whether a full backup with these choices needs a major compaction first (R5).
#[must_use]
pub fn compaction_outlook(facts: &Facts, whole: &ClusterBackupFacts, choices: &Choices) -> CompactionOutlook {
    let Some(any) = facts.tenants.iter().find(|tenant| tenant.kind == TenantKind::User) else {
        return CompactionOutlook::NotNeeded("there is no tenant".to_owned());
    };
    let moves = covers_cluster(choices)
        && place(facts, whole, &[any], choices)
            .is_ok_and(|place| !whole.destination().is_some_and(|own| own.already_is(&place.destination)));
    outlook(facts, whole, any, choices.mode, moves)
}

fn outlook(facts: &Facts, whole: &ClusterBackupFacts, any: &TenantFacts, mode: Mode, moves: bool) -> CompactionOutlook {
    if mode == Mode::Incremental {
        return CompactionOutlook::NotNeeded("an incremental never compacts".to_owned());
    }
    let rule = whole.rules.compaction;
    if rule == CompactionRule::NotAsked {
        return CompactionOutlook::NotNeeded(format!("{} does not ask for one", facts.cluster.version));
    }
    let compaction = match &whole.compaction {
        Known::Known(compaction) => compaction,
        Known::NotChecked(why) => return CompactionOutlook::NotChecked(why.clone()),
    };
    let goes_on = matches!(archiving::archiving_state(&any.archive), Archiving::Running | Archiving::Starting(_));
    if let Known::NotChecked(why) = &any.archive.times {
        return CompactionOutlook::NotChecked(why.clone());
    }
    let start = any.archive.latest().map(|round| round.start).filter(|start| goes_on && !moves && *start > Scn(0));
    match (needs_compaction(rule, compaction, start, true, &facts.cluster.time_zone), rule) {
        (None, CompactionRule::AsAnswered) => CompactionOutlook::NotNeeded(
            "the last major freeze is younger than the archive round, if the server asks for that at all".to_owned(),
        ),
        (None, _) => CompactionOutlook::NotNeeded("the last major freeze is younger than the archive round".to_owned()),
        (Some(_), CompactionRule::AsAnswered) => CompactionOutlook::IfAsked,
        (Some(why), _) => CompactionOutlook::Needed(why),
    }
}

fn compaction_step(
    facts: &Facts,
    whole: &ClusterBackupFacts,
    any: &TenantFacts,
    choices: &Choices,
    mode: Mode,
    moves: bool,
) -> PlannedStep {
    let kind = StepKind::Compact;
    let last = whole.compaction.get().map(CompactionFacts::last_one);
    let last = last.map_or_else(String::new, |last| format!("; {last}"));
    let what = format!("a major compaction of {}, which may affect the business{last}", cluster_scope(facts));
    let (lead, why) = match outlook(facts, whole, any, mode, moves) {
        CompactionOutlook::NotNeeded(why) => return PlannedStep::not_needed(kind, why),
        CompactionOutlook::Needed(why) => (String::new(), why),
        CompactionOutlook::IfAsked => (
            "if the server asks for it: ".to_owned(),
            "the last major freeze is older than the archive round".to_owned(),
        ),
        CompactionOutlook::NotChecked(why) => ("if one is needed: ".to_owned(), why),
    };
    match choices.compact {
        CompactionChoice::Auto => PlannedStep::with(kind, vec![Action::Compact], format!("{lead}{what} ({why})")),
        CompactionChoice::Never => {
            PlannedStep::with(kind, Vec::new(), format!("{lead}will fail: {COMPACTION_NEEDED}: {why}"))
        }
    }
}
