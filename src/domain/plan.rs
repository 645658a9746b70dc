//! The one plan: what will be done, in which order, what each step changes and interrupts, and what is not needed.

use serde::{Deserialize, Serialize};

use super::archive_dest::ArchiveDest;
use super::choices::{Choices, Mode, NoFull};
use super::destination::Destination;
use super::dump::Exclude;
use super::facts::{Facts, TenantFacts, TenantKind};
use super::fault::{Cause, Fault};
use super::identity::ClusterIdentity;
use super::preflight::{self, Check};
use super::secret::SecretSource;
use super::step::StepKind;
use super::target::TargetName;
use super::usable_full::usable_full;
use super::version::{Method, Reach, Version};

mod attach;
mod carried;
mod chosen;
mod destinations;
mod look;
mod parts;
mod steps;
#[cfg(test)]
mod tests;
mod whole;

pub use attach::attach;
pub use carried::{Carried, can_carry_to, can_decrypt, not_carried, unfit_to_decrypt, unfit_to_encrypt};
pub use chosen::{Chosen, chosen_destination, dump_directory};
pub use destinations::{wanted_archive_destination, wanted_data_destination};
pub use look::{Unasked, may_ask, question};
pub use steps::{moves_unproven_binding, settings_changed};
pub use whole::{CompactionOutlook, OWN_DIRECTORY, compaction_outlook, is_of_the_cluster, whole_scope};

/// Which tenant a plan was made for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TenantIdentity {
    /// Its id.
    pub id: u64,
    /// Its name.
    pub name: String,
    /// Its role then.
    pub role: String,
}

/// A write, in domain words; the backend says it in the server's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Set `DATA_BACKUP_DEST`.
    SetDataDestination {
        /// The new destination, without keys.
        destination: Destination,
        /// Where its access key is to be found.
        access_key: Option<SecretSource>,
    },
    /// Set `LOG_ARCHIVE_DEST`, whole.
    SetArchiveDestination {
        /// The new destination with the parts that are kept.
        destination: ArchiveDest,
        /// Where its access key is to be found.
        access_key: Option<SecretSource>,
    },
    /// Raise `archive_lag_target`, which S3 needs.
    SetArchiveLagTarget {
        /// The new target in seconds.
        seconds: u64,
    },
    /// Switch log archiving off.
    StopArchiving,
    /// Switch log archiving on.
    StartArchiving,
    /// Let a suspended round go on.
    ResumeArchiving,
    /// Start the data backup.
    StartBackup {
        /// Full or incremental.
        mode: Mode,
        /// Add the log.
        plus_archivelog: bool,
        /// Where the encryption password is to be found.
        encrypt: Option<SecretSource>,
        /// The directory of this backup alone, where it has one (a tenant on V3.2).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<BackupTo>,
    },
    /// Start a major compaction of the whole cluster.
    Compact,
    /// Let the server look at the storage for what it would restore from.
    LookAtStorage {
        /// Where the sets are, without keys.
        data: Destination,
        /// Where the log is; None: the log inside the set is meant.
        log: Option<Destination>,
        /// Where the access key is to be found; None: none is needed.
        access_key: Option<SecretSource>,
        /// Where the passwords of the sets are to be found.
        decrypt: Vec<SecretSource>,
    },
    /// Start the dump of a logical backup into this directory.
    StartDump {
        /// The directory the finished backup will have.
        directory: String,
        /// Tables and views that are left out.
        #[serde(default, skip_serializing_if = "Exclude::is_empty")]
        exclude: Exclude,
        /// Whether it was missing when this was confirmed, so that it may be made; None: nobody looked.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        makes: Option<bool>,
    },
    /// Put the files of a dump under this directory of an object storage, in a directory of their own.
    Upload {
        /// The directory, without keys.
        destination: Destination,
        /// Where its access key is to be found.
        access_key: Option<SecretSource>,
    },
}

/// The directory of one backup, named by its own statement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupTo {
    /// The directory, without keys; it ends in [`RUN`].
    pub destination: Destination,
    /// Where its access key is to be found.
    pub access_key: Option<SecretSource>,
}

/// Whether a step has something to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Need {
    /// It reads, waits or writes.
    Needed,
    /// Nothing to do, and why.
    NotNeeded(String),
}

/// One step of one target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedStep {
    /// Which step.
    pub kind: StepKind,
    /// Whether it is needed.
    pub need: Need,
    /// What it writes, in order; empty: it only reads and waits.
    pub actions: Vec<Action>,
    /// What it changes, in words.
    pub effect: String,
    /// What it interrupts; empty: nothing.
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

/// The plan of one target.
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
    /// Things to know that stop nothing.
    pub notes: Vec<String>,
    /// Somebody else's job that is only watched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attached: Option<Attached>,
    /// Why the server is not asked to look at the storage in the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof_why: Option<String>,
    /// The secrets that the server would be sent for it, where they alone are the reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof_needs: Option<String>,
    /// Archiving was suspended, or its destination put off, by somebody, and the plan ends that.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub resumes_archive: bool,
    /// The job it is part of, from 1; None where one job takes every target of the plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<u32>,
}

/// A job that somebody else started, and that a task watches to its verdict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attached {
    /// The tenant's own job; None while only a job of sys that names the tenant is there.
    pub job: Option<u64>,
    /// That job of sys.
    pub parent: Option<u64>,
    /// Who started it, as far as its description tells.
    pub owner: String,
    /// When it started, in the server's own time, as printed.
    pub since: String,
}

impl TargetPlan {
    /// The planned step of that kind.
    #[must_use]
    pub fn step(&self, kind: StepKind) -> Option<&PlannedStep> {
        self.steps.iter().find(|step| step.kind == kind)
    }
}

/// A target that is not backed up, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// The target.
    pub target: TargetName,
    /// Why.
    pub reason: String,
}

/// What will be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The cluster it was made for.
    pub cluster: ClusterIdentity,
    /// Physical or logical.
    pub method: Method,
    /// The choices it was made from.
    pub choices: Choices,
    /// Below V4: whatever is done is done once, for all targets together.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub whole: bool,
    /// Who is backed up.
    pub targets: Vec<TargetPlan>,
    /// Who is not; sys and meta tenants are not mentioned.
    pub left_out: Vec<LeftOut>,
    /// Every check that was made for it.
    pub checks: Vec<Check>,
}

impl Plan {
    /// The plan of that target.
    #[must_use]
    pub fn target(&self, name: &TargetName) -> Option<&TargetPlan> {
        self.targets.iter().find(|target| target.target == *name)
    }

    /// The targets whose suspended archiving it resumes.
    pub fn resumed(&self) -> impl Iterator<Item = &TargetName> {
        self.targets.iter().filter(|target| target.resumes_archive).map(|target| &target.target)
    }

    /// The same plan for fewer targets.
    #[must_use]
    pub fn narrowed(&self, keep: impl Fn(&TargetName) -> bool) -> Self {
        let mut plan = self.clone();
        plan.targets.retain(|target| keep(&target.target));
        plan
    }

    /// Where the access key of the storage that is set is to be found; None where none is needed.
    #[must_use]
    pub fn access_key(&self) -> Option<SecretSource> {
        let actions = self.targets.iter().flat_map(|target| &target.steps).flat_map(|step| &step.actions);
        actions.into_iter().find_map(|action| match action {
            Action::SetDataDestination { access_key, .. }
            | Action::SetArchiveDestination { access_key, .. }
            | Action::Upload { access_key, .. }
            | Action::LookAtStorage { access_key, .. } => access_key.clone(),
            Action::StartBackup { to, .. } => to.as_ref().and_then(|to| to.access_key.clone()),
            _ => None,
        })
    }

    /// What was found wrong and overridden.
    pub fn overridden(&self) -> impl Iterator<Item = &Check> {
        self.checks
            .iter()
            .filter(|check| check.result == preflight::CheckResult::Warn && self.choices.skip.contains(&check.check))
    }

    /// What was not checked, as found on each target.
    pub fn not_checked(&self) -> impl Iterator<Item = &Check> {
        self.checks.iter().filter(|check| check.result == preflight::CheckResult::NotChecked)
    }
}

/// Why there is no plan.
#[derive(Debug, Clone, PartialEq)]
pub struct Refusal {
    /// The one fault that names the cause.
    pub fault: Fault,
    /// Every check that was made, so that all of them can be shown.
    pub checks: Vec<Check>,
    /// Who was left out, where targets were sorted already.
    pub left_out: Vec<LeftOut>,
}

impl Refusal {
    fn of(fault: Fault) -> Box<Self> {
        Box::new(Self { fault, checks: Vec::new(), left_out: Vec::new() })
    }
}

/// The variable of the run, which is filled in when something is sent.
pub const RUN: &str = "{run}";

/// The first version that puts the log into a set. V4.0 and V4.1 know the words, and answer 1235 (V4.0.0 and V4.1.0 source,
/// `fill_template_job_`).
const PLUS_ARCHIVELOG: Version = Version::oceanbase([4, 2, 0, 0], None);

/// Whether a server of this version takes PLUS ARCHIVELOG.
///
/// # Errors
/// Why it does not, as half a sentence.
pub fn plus_archivelog(version: &Version) -> Result<(), &'static str> {
    match version.reaches(&PLUS_ARCHIVELOG) {
        Reach::Yes => Ok(()),
        Reach::No | Reach::BuildUnknown => Err("that is there from V4.2.0 on"),
    }
}

fn no_plus_archivelog(facts: &Facts, why: &str) -> Fault {
    let what = format!("{} has no PLUS ARCHIVELOG.", facts.cluster.target);
    let why = format!("{} cannot put the log into a set: {why}.", facts.cluster.version);
    Fault::new(Cause::Usage, what, why, "Leave --plus-archivelog out.")
}

/// What a person must know before he confirms a start of several tenants.
const NARROWED: &str = "A tenant whose earlier step fails is left out of the BACKUP statement; the others go on.";

/// Decides everything.
///
/// # Errors
/// A [`ErrorPacket`] when a gate refuses every target, when something must be chosen first (`Cause::Usage`, naming the
/// flag), or when a target does not exist.
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
            // sys and meta tenants are nobody's to miss.
            if tenant.kind == TenantKind::User {
                left_out.push(LeftOut { target: facts.target(tenant), reason: check.found.clone() });
            }
            first_refused.get_or_insert(check);
        } else if !cluster_refused {
            eligible.push(tenant);
        }
    }
    let whole = facts.cluster.whole.as_deref();
    if choices.mode == Mode::Incremental && choices.no_full == NoFull::Skip && whole.is_none() {
        eligible.retain(|tenant| match usable_full(tenant, wanted_data_destination(facts, tenant, choices).as_ref()) {
            Ok(_) => true,
            Err(reason) => {
                let reason = format!("{}: {reason}", preflight::FULL_NEEDED);
                left_out.push(LeftOut { target: facts.target(tenant), reason });
                false
            }
        });
    }
    if eligible.is_empty() {
        let fault = first_refused.map_or_else(|| nothing_left(facts, cluster_wide, &left_out), |check| check.fault());
        return Err(Box::new(Refusal { fault, checks, left_out }));
    }
    let several = eligible.len() > 1;
    let planned = match whole {
        Some(whole) => whole::target_plans(facts, whole, &eligible, choices),
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
        whole: whole.is_some(),
        targets,
        left_out,
        checks,
    })
}

fn nothing_left(facts: &Facts, cluster_wide: bool, left_out: &[LeftOut]) -> Fault {
    let what = format!("Nothing of {} is left to back up.", facts.cluster.name());
    if let Some(first) = left_out.first() {
        let why = format!("{} was left out: {}", first.target, first.reason);
        return Fault::new(Cause::Precondition, what, why, "Choose a full backup, or another target.");
    }
    let why = if cluster_wide { "It has no user tenant." } else { "No tenant was named." };
    Fault::new(Cause::Precondition, what, why, "Name a tenant as cluster/tenant.")
}

/// The tenants the choices name; for a whole cluster every user tenant.
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

/// The tenant of that name; one whose name is none for a target is found by what it is called instead.
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
