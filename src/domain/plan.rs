//! The plan of a backup: what will be done, in which order, what each step changes and interrupts, and what is not needed.

use serde::{Deserialize, Serialize};

use super::archive_dest::ArchiveDest;
use super::choices::{Choices, Mode, NoFullPolicy};
use super::destination::Destination;
use super::dump::ExcludedTables;
use super::facts::{Facts, TenantFacts, TenantKind};
use super::fault::{Cause, Fault};
use super::identity::ClusterIdentity;
use super::incremental_base::incremental_base;
use super::preflight::{self, Check};
use super::secret::SecretSource;
use super::step::StepKind;
use super::target::TargetName;
use super::version::{AtLeast, Method, Version};

mod attach;
mod chosen_destination;
mod cluster_backup;
mod destinations;
mod parts;
mod proof;
mod statement_secrets;
mod steps;
#[cfg(test)]
mod tests;

pub use attach::attach;
pub use chosen_destination::{ChosenDestination, chosen_destination, dump_directory};
pub use cluster_backup::{CompactionOutlook, OWN_DIRECTORY, cluster_scope, compaction_outlook, covers_cluster};
pub use destinations::{wanted_archive_destination, wanted_data_destination};
pub use proof::{ProofSkipped, check_proof_possible, proof_action};
pub use statement_secrets::{
    StatementSecrets, can_carry_to, can_decrypt, not_carried, unfit_to_decrypt, unfit_to_encrypt,
};
pub use steps::{moves_unproven_binding, settings_changed};

/// The tenant that a plan was made for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TenantIdentity {
    /// Its id.
    pub id: u64,
    /// Its name.
    pub name: String,
    /// Its role when the plan was made.
    pub role: String,
}

/// One write to a server or a storage, in terms of the domain; the backend renders its statements.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Sets `DATA_BACKUP_DEST`, or `backup_dest` below V4.
    SetDataDestination {
        /// The new destination, without keys.
        destination: Destination,
        /// Where its access key is read from.
        access_key: Option<SecretSource>,
    },
    /// Sets `LOG_ARCHIVE_DEST` with all its attributes.
    SetArchiveDestination {
        /// The new destination with the attributes that are kept.
        destination: ArchiveDest,
        /// Where its access key is read from.
        access_key: Option<SecretSource>,
    },
    /// Raises `archive_lag_target`, which S3 needs.
    SetArchiveLagTarget {
        /// The new target in seconds.
        seconds: u64,
    },
    /// Stops log archiving.
    StopArchiving,
    /// Starts log archiving.
    StartArchiving,
    /// Resumes a suspended round, or enables a deferred destination.
    ResumeArchiving,
    /// Starts the data backup.
    StartBackup {
        /// Full or incremental.
        mode: Mode,
        /// Whether the set includes the log (PLUS ARCHIVELOG).
        plus_archivelog: bool,
        /// Where the encryption password is read from.
        encrypt: Option<SecretSource>,
        /// The directory of this backup alone; only a backup of tenants below V4 has one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<BackupTo>,
    },
    /// Starts a major compaction of the cluster.
    Compact,
    /// Requests the storage proof: the server lists what it would restore from (`RESTORE ... PREVIEW`).
    #[serde(rename = "look_at_storage")]
    ProveOnStorage {
        /// The directory of the sets, without keys.
        data: Destination,
        /// The directory of the log archive; `None` for the log inside the set.
        log: Option<Destination>,
        /// Where the access key is read from; `None` where none is needed.
        access_key: Option<SecretSource>,
        /// Where the passwords of the sets are read from.
        decrypt: Vec<SecretSource>,
    },
    /// Starts the dump of a logical backup below this directory.
    StartDump {
        /// The directory in which the dump gets one of its own.
        directory: String,
        /// Tables and views that are left out.
        #[serde(default, skip_serializing_if = "ExcludedTables::is_empty")]
        exclude: ExcludedTables,
        /// Whether the directory may be created: it was missing when the plan was made, or is obnow's own; `None` where it was
        /// not inspected, which allows it, too.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        makes: Option<bool>,
    },
    /// Uploads the files of a dump into a directory of their own below this directory of an object storage.
    Upload {
        /// The directory, without keys.
        destination: Destination,
        /// Where its access key is read from.
        access_key: Option<SecretSource>,
    },
}

/// The directory of one backup, named by the statement that starts it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupTo {
    /// The directory, without keys; it ends in [`RUN`].
    pub destination: Destination,
    /// Where its access key is read from.
    pub access_key: Option<SecretSource>,
}

/// Whether a step has something to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Need {
    /// It reads, waits or writes.
    Needed,
    /// Nothing is to be done, and why.
    NotNeeded(String),
}

/// One step of one target's plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedStep {
    /// The kind of the step.
    pub kind: StepKind,
    /// Whether it is needed.
    pub need: Need,
    /// What it writes, in order; empty where it only reads and waits.
    pub actions: Vec<Action>,
    /// What it changes, as text.
    pub effect: String,
    /// What it interrupts, as text; empty where it interrupts nothing.
    pub interrupts: String,
}

impl PlannedStep {
    fn reads(kind: StepKind) -> Self {
        Self::with(kind, Vec::new(), "reads only")
    }

    fn with(kind: StepKind, actions: Vec<Action>, effect: impl Into<String>) -> Self {
        Self { kind, need: Need::Needed, actions, effect: effect.into(), interrupts: String::new() }
    }

    fn not_needed(kind: StepKind, why: impl Into<String>) -> Self {
        let why = why.into();
        Self {
            kind,
            need: Need::NotNeeded(why.clone()),
            actions: Vec::new(),
            effect: format!("not needed: {why}"),
            interrupts: String::new(),
        }
    }
}

/// The part of a plan that concerns one target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetPlan {
    /// The target.
    pub target: TargetName,
    /// The tenant; on an engine without tenants, the instance itself (id 0).
    pub tenant: TenantIdentity,
    /// Full or incremental, after `--no-full` was applied.
    pub mode: Mode,
    /// Its steps, in order.
    pub steps: Vec<PlannedStep>,
    /// Notes for the user; none of them prevents the backup.
    pub notes: Vec<String>,
    /// The job of another program or person that is only watched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attached: Option<Attached>,
    /// Why the storage proof is not requested.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof_why: Option<String>,
    /// The secrets that the proof would send to the server, where they alone are the reason that it is not requested.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof_needs: Option<String>,
    /// Whether it resumes archiving that was suspended, or enables an archive destination that was deferred.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub resumes_archive: bool,
    /// The number, from 1, of the job it belongs to; `None` where one job covers every target of the plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<u32>,
}

/// A job that obnow did not start and that a task watches to its verdict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attached {
    /// The tenant's own job; `None` while only a job of sys that names the tenant is there.
    pub job: Option<u64>,
    /// The job of sys, if there is one.
    pub parent: Option<u64>,
    /// Who started it, as far as its description shows.
    pub owner: String,
    /// When it started, in the server's time zone, as the server printed it.
    pub since: String,
}

impl TargetPlan {
    /// Returns the planned step of that kind.
    #[must_use]
    pub fn step(&self, kind: StepKind) -> Option<&PlannedStep> {
        self.steps.iter().find(|step| step.kind == kind)
    }
}

/// A target that is not backed up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExcludedTarget {
    /// The target.
    pub target: TargetName,
    /// Why it is not.
    pub reason: String,
}

/// The confirmed or proposed backup of targets of one cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The cluster it was made for.
    pub cluster: ClusterIdentity,
    /// Whether the backup is physical or logical.
    pub method: Method,
    /// The choices it was made from.
    pub choices: Choices,
    /// Whether every action is done once for all targets together, as below V4.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[serde(rename = "whole")]
    pub is_per_cluster: bool,
    /// The targets that are backed up.
    pub targets: Vec<TargetPlan>,
    /// The targets that are not; sys and meta tenants are not listed.
    pub left_out: Vec<ExcludedTarget>,
    /// Every preflight check that was made for it.
    pub checks: Vec<Check>,
}

impl Plan {
    /// Returns the plan of that target.
    #[must_use]
    pub fn target(&self, name: &TargetName) -> Option<&TargetPlan> {
        self.targets.iter().find(|target| target.target == *name)
    }

    /// Returns the targets whose suspended or deferred archiving it resumes.
    pub fn resumed(&self) -> impl Iterator<Item = &TargetName> {
        self.targets.iter().filter(|target| target.resumes_archive).map(|target| &target.target)
    }

    /// Returns where the access key of the first action that needs one is read from; `None` where none is needed.
    #[must_use]
    pub fn access_key(&self) -> Option<SecretSource> {
        let actions = self.targets.iter().flat_map(|target| &target.steps).flat_map(|step| &step.actions);
        actions.into_iter().find_map(|action| match action {
            Action::SetDataDestination { access_key, .. }
            | Action::SetArchiveDestination { access_key, .. }
            | Action::Upload { access_key, .. }
            | Action::ProveOnStorage { access_key, .. } => access_key.clone(),
            Action::StartBackup { to, .. } => to.as_ref().and_then(|to| to.access_key.clone()),
            _ => None,
        })
    }

    /// Returns the checks that were overridden.
    pub fn overridden(&self) -> impl Iterator<Item = &Check> {
        self.checks
            .iter()
            .filter(|check| check.result == preflight::CheckResult::Warn && self.choices.skip.contains(&check.check))
    }

    /// Returns the checks that could not be made, as found on each target.
    pub fn not_checked(&self) -> impl Iterator<Item = &Check> {
        self.checks.iter().filter(|check| check.result == preflight::CheckResult::NotChecked)
    }
}

/// The reason why there is no plan.
#[derive(Debug, Clone, PartialEq)]
pub struct Refusal {
    /// The fault that names the cause.
    pub fault: Fault,
    /// Every preflight check that was made, so that all can be shown.
    pub checks: Vec<Check>,
    /// The targets that were left out before it was refused.
    pub left_out: Vec<ExcludedTarget>,
}

impl Refusal {
    fn of(fault: Fault) -> Box<Self> {
        Box::new(Self { fault, checks: Vec::new(), left_out: Vec::new() })
    }
}

/// The variable in a path that stands for the task and the attempt; it is expanded when a statement is sent.
pub const RUN: &str = "{run}";

/// The first version that includes the log in a set. V4.0 and V4.1 parse PLUS ARCHIVELOG and answer 1235 (V4.0.0 and V4.1.0
/// source, `fill_template_job_`).
const PLUS_ARCHIVELOG: Version = Version::oceanbase([4, 2, 0, 0], None);

/// Checks that a server of this version accepts PLUS ARCHIVELOG.
///
/// # Errors
/// Why it does not, as half a sentence.
pub fn plus_archivelog(version: &Version) -> Result<(), &'static str> {
    match version.reaches(&PLUS_ARCHIVELOG) {
        AtLeast::Yes => Ok(()),
        AtLeast::No | AtLeast::BuildUnknown => Err("that is there from V4.2.0 on"),
    }
}

fn no_plus_archivelog(facts: &Facts, why: &str) -> Fault {
    let what = format!("{} has no PLUS ARCHIVELOG.", facts.cluster.target);
    let why = format!("{} cannot put the log into a set: {why}.", facts.cluster.version);
    Fault::new(Cause::Usage, what, why, "Leave --plus-archivelog out.")
}

/// The note for a start of several tenants.
const NARROWED: &str = "A tenant whose earlier step fails is left out of the BACKUP statement; the others go on.";

/// Makes the plan of a backup from the facts and the choices.
///
/// # Errors
/// A [`Refusal`] when every target is refused or left out, when a target does not exist, or when something must be chosen first
/// or cannot be used (`Cause::Usage`, naming the flag).
pub fn plan(facts: &Facts, choices: &Choices) -> Result<Plan, Box<Refusal>> {
    let asked = asked_tenants(facts, choices)?;
    if facts.cluster.method == Method::Physical && !choices.exclude.is_empty() {
        return Err(Refusal::of(Fault::new(
            Cause::Usage,
            format!("{} cannot be left out.", choices.exclude.words()),
            format!("{} is backed up physically, tenant by tenant, with every table.", facts.cluster.name()),
            "Leave --exclude-table out.",
        )));
    }
    let cluster_wide = choices.targets.iter().any(|target| target.tenant().is_none());
    let mut checks = preflight::cluster_checks(facts, choices);
    checks.extend(preflight::checks_below_v4(facts, &asked, choices));
    let mut eligible = Vec::new();
    let mut left_out = Vec::new();
    let mut first_refused: Option<Check> = checks.iter().find(|check| check.refuses()).cloned();
    let cluster_refused = first_refused.is_some();
    for tenant in asked {
        let mut own = preflight::tenant_checks(facts, tenant, choices);
        own.extend(preflight::proof_checks(facts, tenant, choices));
        let refused = own.iter().find(|check| check.refuses()).cloned();
        checks.extend(own);
        if let Some(check) = refused {
            // The user does not expect backups of sys and meta tenants.
            if tenant.kind == TenantKind::User {
                left_out.push(ExcludedTarget { target: facts.target(tenant), reason: check.found.clone() });
            }
            first_refused.get_or_insert(check);
        } else if !cluster_refused {
            eligible.push(tenant);
        }
    }
    let whole = facts.cluster.cluster_backup.as_deref();
    if choices.mode == Mode::Incremental && choices.no_full == NoFullPolicy::Skip && whole.is_none() {
        eligible.retain(|tenant| {
            match incremental_base(tenant, wanted_data_destination(facts, tenant, choices).as_ref()) {
                Ok(_) => true,
                Err(reason) => {
                    let reason = format!("{}: {reason}", preflight::FULL_NEEDED);
                    left_out.push(ExcludedTarget { target: facts.target(tenant), reason });
                    false
                }
            }
        });
    }
    if eligible.is_empty() {
        let fault = first_refused.map_or_else(|| nothing_left(facts, cluster_wide, &left_out), |check| check.fault());
        return Err(Box::new(Refusal { fault, checks, left_out }));
    }
    let several = eligible.len() > 1;
    let planned = match whole {
        Some(whole) => cluster_backup::target_plans(facts, whole, &eligible, choices),
        None => eligible
            .iter()
            .map(|tenant| steps::target_plan(facts, tenant, choices, several))
            .collect::<Result<_, Fault>>()
            .and_then(|targets: Vec<TargetPlan>| destinations::refuse_clashes(facts, &targets).map(|()| targets)),
    };
    let mut targets: Vec<TargetPlan> =
        planned.map_err(|fault| Box::new(Refusal { fault, checks: checks.clone(), left_out: left_out.clone() }))?;
    if several && facts.cluster.method == Method::Physical && whole.is_none() {
        for target in &mut targets {
            target.notes.push(NARROWED.to_owned());
        }
        parts::number(&mut targets);
    }
    Ok(Plan {
        cluster: ClusterIdentity::of(facts),
        method: facts.cluster.method,
        choices: choices.clone(),
        is_per_cluster: whole.is_some(),
        targets,
        left_out,
        checks,
    })
}

fn nothing_left(facts: &Facts, cluster_wide: bool, left_out: &[ExcludedTarget]) -> Fault {
    let what = format!("Nothing of {} is left to back up.", facts.cluster.name());
    if let Some(first) = left_out.first() {
        let why = format!("{} was left out: {}", first.target, first.reason);
        return Fault::new(Cause::Precondition, what, why, "Choose a full backup, or another target.");
    }
    let why = if cluster_wide { "It has no user tenant." } else { "No tenant was named." };
    Fault::new(Cause::Precondition, what, why, "Name a tenant as cluster/tenant.")
}

/// Returns the tenants that the choices name; for a cluster, every user tenant.
fn asked_tenants<'a>(facts: &'a Facts, choices: &Choices) -> Result<Vec<&'a TenantFacts>, Box<Refusal>> {
    let mut asked: Vec<&TenantFacts> = Vec::new();
    for target in &choices.targets {
        if target.cluster() != facts.cluster.name() {
            return Err(Refusal::of(Fault::new(
                Cause::Usage,
                format!("{target} is not of the cluster {}.", facts.cluster.name()),
                "A backup covers one cluster, or tenants of one cluster.",
                "Start a backup of its own for each cluster.",
            )));
        }
        match target.tenant() {
            None => asked.extend(
                facts.tenants.iter().filter(|t| t.kind == TenantKind::User || facts.cluster.method == Method::Logical),
            ),
            Some(name) => asked.push(tenant_called(facts, target).ok_or_else(|| no_tenant(facts, name))?),
        }
    }
    asked.sort_by_key(|tenant| tenant.id);
    asked.dedup_by_key(|tenant| tenant.id);
    Ok(asked)
}

/// Returns the tenant of that name. A tenant whose name cannot be part of a target is found by the target that stands for it.
fn tenant_called<'a>(facts: &'a Facts, target: &TargetName) -> Option<&'a TenantFacts> {
    let by_name = target.tenant().and_then(|name| facts.tenant(name));
    by_name.or_else(|| facts.tenants.iter().find(|tenant| tenant.id != 0 && facts.target(tenant) == *target))
}

fn no_tenant(facts: &Facts, name: &str) -> Box<Refusal> {
    let users = facts.tenants.iter().filter(|tenant| tenant.kind == TenantKind::User && tenant.id != 0);
    let names: Vec<&str> = users.map(|tenant| tenant.name.as_str()).collect();
    let why = if names.is_empty() {
        "It has no user tenants.".to_owned()
    } else {
        format!("Its user tenants are: {}.", names.join(", "))
    };
    Refusal::of(Fault::new(
        Cause::Usage,
        format!("There is no tenant {name} on {}.", facts.cluster.name()),
        why,
        "Check the spelling; upper and lower case matter.",
    ))
}
