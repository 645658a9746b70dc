//! The steps of one target's plan: what each does, changes and interrupts.

use super::chosen_destination::{logical_place, upload_key};
use super::destinations::{ResolvedDestinations, resolve_destinations};
use super::proof::{ConfirmStep, confirm_step};
use super::{Action, Plan, PlannedStep, TargetPlan, TenantIdentity, no_plus_archivelog, not_carried, plus_archivelog};
use crate::domain::archive_dest::{ArchiveDest, Binding};
use crate::domain::archiving::{self, Archiving};
use crate::domain::choices::{Choices, Mode, NoFullPolicy};
use crate::domain::destination::{Destination, StorageKind};
use crate::domain::facts::{ArchiveFacts, Facts, Known, TenantFacts};
use crate::domain::fault::{Cause, Fault};
use crate::domain::format::size;
use crate::domain::incremental_base::incremental_base;
use crate::domain::step::StepKind;
use crate::domain::version::Method;

/// The note on a start with a password. Every release that was read logs the password: V3.1.0 to V4.3.5 source,
/// `ObBackupSetEncryptionResolver::resolve`.
pub(super) const ENCRYPTED: &str =
    ", encrypted with a password, which the server writes in clear into its observer.log";

/// Plans the steps of one target (R3).
pub(super) fn target_plan(
    facts: &Facts,
    tenant: &TenantFacts,
    choices: &Choices,
    several: bool,
) -> Result<TargetPlan, Fault> {
    if choices.plus_archivelog
        && let Err(why) = plus_archivelog(&facts.cluster.version)
    {
        return Err(no_plus_archivelog(facts, why));
    }
    if facts.cluster.method == Method::Logical {
        return logical_plan(facts, tenant, choices);
    }
    let wanted = resolve_destinations(facts, tenant, choices, several)?;
    let base = incremental_base(tenant, Some(&wanted.data.destination));
    let mode = match (choices.mode, choices.no_full, &base) {
        (Mode::Incremental, NoFullPolicy::Full, Err(_)) => Mode::Full,
        (mode, _, _) => mode,
    };
    let (destination, new_archive) = destination_step(facts, tenant, &wanted, choices)?;
    let archiving_step = archiving_step(tenant, &tenant.name, new_archive);
    let kind = match mode {
        Mode::Full => "A full backup",
        Mode::Incremental => "An incremental backup",
    };
    let encrypted = if choices.encrypt.is_some() { ENCRYPTED } else { "" };
    let start = PlannedStep::with(
        StepKind::StartBackup,
        vec![Action::StartBackup {
            mode,
            plus_archivelog: choices.plus_archivelog,
            encrypt: choices.encrypt.clone(),
            to: None,
        }],
        format!("{kind} of {} to {}{encrypted}", tenant.name, wanted.data.destination.redacted_statement_uri()),
    );
    let ConfirmStep { step, unasked, note } = confirm_step(facts, tenant, choices, &wanted);
    let steps = vec![
        PlannedStep::reads(StepKind::CheckTarget),
        PlannedStep::reads(StepKind::CheckReady),
        destination,
        archiving_step,
        PlannedStep::not_needed(StepKind::Compact, "not needed on V4").worded("not needed on V4"),
        start,
        PlannedStep::reads(StepKind::WaitForBackup),
        step,
    ];
    let (proof_why, proof_needs) = unasked.map_or((None, None), |unasked| (Some(unasked.why), unasked.needs));
    Ok(TargetPlan {
        target: facts.target(tenant),
        tenant: identity(tenant),
        mode,
        resumes_archive: resumes_archive(tenant, &steps),
        steps,
        notes: note.into_iter().chain([competition(facts, tenant)]).collect(),
        attached: None,
        part: None,
        proof_why,
        proof_needs,
    })
}

/// Returns the changes to a tenant's settings that a plan with these choices makes, as half sentences: `sets its destinations`.
#[must_use]
pub fn settings_changed(facts: &Facts, tenant: &TenantFacts, choices: &Choices) -> Vec<&'static str> {
    let planned = match facts.cluster.cluster_backup.as_deref() {
        Some(whole) => {
            super::cluster_backup::target_plans(facts, whole, &[tenant], choices).map(|mut plans| plans.pop())
        }
        None => target_plan(facts, tenant, choices, false).map(Some),
    };
    // A backup that cannot be planned changes nothing.
    let Some(planned) = planned.ok().flatten() else { return Vec::new() };
    let acts = |kind| planned.step(kind).is_some_and(|step| !step.actions.is_empty());
    [(StepKind::SetDestination, "sets its destinations"), (StepKind::StartArchiving, "switches its log archiving")]
        .into_iter()
        .filter(|(kind, _)| acts(*kind))
        .map(|(_, said)| said)
        .collect()
}

/// Returns the load that the backup competes with, as text (R15).
pub(super) fn competition(facts: &Facts, tenant: &TenantFacts) -> String {
    let numbers = facts.cluster.version.numbers;
    // V3 and V4.0 docs, data backup: DDL that changes data waits while a backup runs.
    let ddl = if numbers < [4, 1, 0, 0] { " DDL and index builds may wait behind it." } else { "" };
    format!("Load beside the backup: {}.{ddl}", tenant.load.told())
}

/// Returns whether these steps resume archiving that was suspended, or enable a destination that was deferred.
pub(super) fn resumes_archive(tenant: &TenantFacts, steps: &[PlannedStep]) -> bool {
    let acts = |step: &PlannedStep| match step.kind {
        StepKind::StartArchiving => step.actions.contains(&Action::ResumeArchiving),
        StepKind::SetDestination => {
            tenant.archive.deferred
                && step.actions.iter().any(|action| matches!(action, Action::SetArchiveDestination { .. }))
        }
        _ => false,
    };
    steps.iter().any(acts)
}

impl PlannedStep {
    fn worded(mut self, effect: &str) -> Self {
        effect.clone_into(&mut self.effect);
        self
    }
}

pub(super) fn identity(tenant: &TenantFacts) -> TenantIdentity {
    TenantIdentity { id: tenant.id, name: tenant.name.clone(), role: tenant.role.word().to_owned() }
}

/// Returns the step that sets the destinations that differ, and whether the log archive moves.
fn destination_step(
    facts: &Facts,
    tenant: &TenantFacts,
    wanted: &ResolvedDestinations<'_>,
    choices: &Choices,
) -> Result<(PlannedStep, bool), Fault> {
    let (data, archive) = (&wanted.data.destination, &wanted.archive.destination);
    let data_differs = tenant.data_destination.as_ref().is_none_or(|own| !own.already_is(data));
    let archive_differs = tenant.archive.destination.as_ref().is_none_or(|own| !own.location.already_is(archive));
    if !data_differs && !archive_differs {
        return Ok((PlannedStep::not_needed(StepKind::SetDestination, "both already set"), false));
    }
    if let (true, Archiving::Unrecognized(word)) = (archive_differs, archiving::archiving_state(&tenant.archive)) {
        // The next step fails with the unknown status; until its meaning is known nothing is stopped or set.
        let why = format!("nothing is set while the archive is {word}, which has no known way on");
        return Ok((PlannedStep::not_needed(StepKind::SetDestination, why), false));
    }
    let mut step = PlannedStep::with(StepKind::SetDestination, Vec::new(), String::new());
    let mut effects = Vec::new();
    if archive_differs {
        let kept = tenant.archive.destination.clone().unwrap_or_else(|| ArchiveDest::new(archive.clone()));
        if archiving::must_stop_first(&tenant.archive) {
            step.actions.push(Action::StopArchiving);
            step.interrupts = format!(
                "log archiving of {}: it stops, a new round starts, and older sets cannot be restored past the stop",
                tenant.name
            );
        }
        if archive.kind() == StorageKind::S3 && tenant.archive.lag_target.is_some_and(|seconds| seconds < 60) {
            step.actions.push(Action::SetArchiveLagTarget { seconds: 60 });
            effects.push("archive_lag_target becomes 60 s, which S3 needs".to_owned());
        }
        let (binding, unproven) = binding(&kept, archive, choices);
        let whole = ArchiveDest { location: archive.clone(), binding, ..kept };
        // The attributes that are repeated beside the URI count too.
        whole.carried_by(&facts.cluster.version, None).map_err(|error| not_carried(archive, &error))?;
        let access_key = wanted.archive.access_key()?;
        step.actions.push(Action::SetArchiveDestination { destination: whole, access_key });
        let uri = archive.redacted_statement_uri();
        effects.push(format!("LOG_ARCHIVE_DEST becomes {uri} ({})", wanted.archive.source()));
        effects.extend(unproven.map(str::to_owned));
        if tenant.archive.deferred {
            effects.push("LOG_ARCHIVE_DEST_STATE was DEFER, and becomes ENABLE by this".to_owned());
        }
    }
    if data_differs {
        let access_key = wanted.data.access_key()?;
        step.actions.push(Action::SetDataDestination { destination: data.clone(), access_key });
        let uri = data.redacted_statement_uri();
        effects
            .push(format!("DATA_BACKUP_DEST becomes {uri} ({}); the chain restarts with a full", wanted.data.source()));
    }
    effects.push("This setting stays: later scheduled backups go there too.".to_owned());
    step.effect = effects.join(". ");
    Ok((step, archive_differs))
}

/// Returns the binding of an archive that moves, and the note where Mandatory is not kept: under Mandatory, a path that some
/// server cannot write to stops the tenant's writes.
fn binding(kept: &ArchiveDest, to: &Destination, choices: &Choices) -> (Option<Binding>, Option<&'static str>) {
    let proven = choices.proven_archives.contains(&to.uri_without_attributes());
    match &kept.binding {
        Some(Binding::Mandatory) if !proven => (
            Some(Binding::Optional),
            Some(
                "BINDING=Mandatory becomes Optional: no Test has passed there on every server, and a place that one of them \
                 cannot write to stops the tenant's writes under Mandatory",
            ),
        ),
        binding => (binding.clone(), None),
    }
}

/// Returns whether the plan moves a Mandatory archive to a path where no Test has passed on every server, and so makes it
/// Optional. A passed Test keeps it Mandatory.
#[must_use]
pub fn moves_unproven_binding(facts: &Facts, plan: &Plan) -> bool {
    plan.targets.iter().any(|target| {
        let own = facts.tenant_by_id(target.tenant.id).and_then(|tenant| tenant.archive.destination.as_ref());
        let mut actions = target.steps.iter().flat_map(|step| &step.actions);
        own.is_some_and(|own| own.binding == Some(Binding::Mandatory))
            && actions.any(|action| match action {
                Action::SetArchiveDestination { destination, .. } => destination.binding != Some(Binding::Mandatory),
                _ => false,
            })
    })
}

/// Returns the step that starts the log archive; `whose` is the scope, as text.
pub(super) fn archiving_step(tenant: &TenantFacts, whose: &str, new_destination: bool) -> PlannedStep {
    let policy = match &tenant.recovery_window {
        Known::Known(Some(window)) => format!("recovery window {window}"),
        Known::Known(None) => "none".to_owned(),
        Known::NotChecked(_) => "not checked".to_owned(),
    };
    let stays = format!("Archiving stays on and fills the directory; delete policy: {policy}.");
    let kind = StepKind::StartArchiving;
    let archive: &ArchiveFacts = &tenant.archive;
    if new_destination {
        let already_on = archive.log_mode_on == Some(true) && archive.latest().is_none();
        // ARCHIVELOG is on and has started no round because there is no destination: setting one starts it.
        let actions = if already_on { Vec::new() } else { start_actions(archive) };
        return PlannedStep::with(kind, actions, format!("starts a new round. {stays}"));
    }
    match archiving::archiving_state(archive) {
        Archiving::Running => PlannedStep::not_needed(kind, "DOING"),
        Archiving::Starting(word) => PlannedStep::with(kind, Vec::new(), format!("waits: {word}")),
        Archiving::Stopping(word) => PlannedStep::with(
            kind,
            start_actions(archive),
            format!("waits until {word} has become STOP, then starts a new round. {stays}"),
        ),
        Archiving::Off => PlannedStep::with(kind, start_actions(archive), format!("starts a new round. {stays}")),
        Archiving::Suspended(word) => {
            let coming = if word == "SUSPENDING" { "waits until SUSPENDING has become SUSPEND" } else { &word };
            let effect = format!(
                "archiving was suspended on purpose; this resumes it ({coming}): the same round goes on. {stays}"
            );
            PlannedStep::with(kind, vec![Action::ResumeArchiving], effect)
        }
        Archiving::Interrupted => {
            let mut step = PlannedStep::with(
                kind,
                vec![Action::StopArchiving, Action::StartArchiving],
                format!("INTERRUPTED: stops the broken round and starts a new one. {stays}"),
            );
            step.interrupts = format!(
                "the broken archive round of {whose}: log between the break and the new round is lost for restore"
            );
            step
        }
        Archiving::Unrecognized(word) => {
            PlannedStep::with(kind, Vec::new(), format!("will fail: the archive is {word}, which has no known way on"))
        }
    }
}

/// Returns the actions that start a round: a deferred destination makes none until it is enabled.
fn start_actions(archive: &ArchiveFacts) -> Vec<Action> {
    let enable = archive.deferred.then_some(Action::ResumeArchiving);
    enable.into_iter().chain([Action::StartArchiving]).collect()
}

fn logical_plan(facts: &Facts, tenant: &TenantFacts, choices: &Choices) -> Result<TargetPlan, Fault> {
    let target = facts.cluster.target.clone();
    let (place, wanted) = logical_place(facts, tenant, choices)?;
    let mut notes =
        vec!["A dump leaves out users, routines, triggers and sequences; a reboot of this host ends it.".to_owned()];
    let (directory, upload) = if place.kind() == StorageKind::File {
        (place.path().to_owned(), None)
    } else {
        let access_key = Some(upload_key(&place, wanted)?);
        let work = facts.cluster.work.as_ref().ok_or_else(|| no_work_folder(&place))?;
        let free = work.free.map_or_else(|| "free space not checked".to_owned(), |free| format!("{} free", size(free)));
        let last = facts.cluster.dump_directory.as_ref().and_then(Known::get).and_then(|place| place.last);
        let fits = last.map_or_else(
            || "whether it fits is not checked".to_owned(),
            |bytes| format!("the last dump there has {}", size(bytes)),
        );
        notes.push(format!(
            "Until it is uploaded the dump needs its whole size in {} on this host: {free}; {fits}.",
            work.path
        ));
        let effect = format!(
            "every file goes to {}/<task>.<attempt>/, the manifest last; the copy on this host is removed once the backup is restorable",
            place.uri_without_attributes()
        );
        let action = Action::Upload { destination: place, access_key };
        (work.path.clone(), Some(PlannedStep::with(StepKind::Upload, vec![action], effect)))
    };
    let missing = facts.cluster.dump_directory.as_ref().map(|place| place.get().filter(|place| place.is_missing()));
    let effect = match missing {
        Some(Some(place)) if upload.is_none() => {
            format!("makes the directory {}; mydumper on this host writes {directory}/<task>.<attempt>", place.path)
        }
        _ => format!("mydumper on this host writes {directory}/<task>.<attempt>"),
    };
    let without =
        if choices.exclude.is_empty() { String::new() } else { format!(" without {}", choices.exclude.words()) };
    // obnow's own directory is created like the rest of its state.
    let makes = missing.map(|missing| missing.is_some() || upload.is_some());
    let start = PlannedStep::with(
        StepKind::StartBackup,
        vec![Action::StartDump { directory, exclude: choices.exclude.clone(), makes }],
        format!("{effect}{without}"),
    );
    let mut steps = vec![
        PlannedStep::reads(StepKind::CheckTarget),
        PlannedStep::reads(StepKind::CheckBackupService),
        PlannedStep::reads(StepKind::CheckReady),
        start,
        PlannedStep::reads(StepKind::WaitForBackup),
    ];
    steps.extend(upload);
    steps.push(PlannedStep::reads(StepKind::ConfirmRestorable));
    Ok(TargetPlan {
        target,
        tenant: identity(tenant),
        mode: Mode::Full,
        steps,
        notes,
        attached: None,
        proof_why: None,
        proof_needs: None,
        resumes_archive: false,
        part: None,
    })
}

fn no_work_folder(place: &Destination) -> Fault {
    Fault::new(
        Cause::Internal,
        format!("A dump to {} cannot be planned.", place.uri_without_attributes()),
        "Nobody said where on this host it is written first.",
        "Look at the target again.",
    )
}
