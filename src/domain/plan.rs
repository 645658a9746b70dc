//! The one plan: what will be done, in which order, what each step changes and interrupts, and what is not needed.

use serde::{Deserialize, Serialize};

use super::archive_dest::ArchiveDest;
use super::archiving::{self, Archiving};
use super::choices::{Choices, Mode, NoFull, StorageSource, Wanted};
use super::destination::{Destination, StorageKind};
use super::facts::{ArchiveFacts, Facts, Known, TenantFacts, TenantKind};
use super::fault::{Cause, Fault};
use super::preflight::{self, Check};
use super::secret::SecretSource;
use super::step::StepKind;
use super::target::TargetName;
use super::template::{DirKind, Pair, Template, TemplateError, Values, clashes};
use super::usable_full::{crosses_data_version, usable_full};
use super::version::Method;

/// Which cluster and which server line a plan was made for; compared again before anything is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterIdentity {
    /// The name in the inventory.
    pub name: String,
    /// The cluster's id.
    pub id: Option<u64>,
    /// The version and build, as shown.
    pub version: String,
}

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
    },
    /// Start the dump of a logical backup into this directory.
    StartDump {
        /// The directory the finished backup will have.
        directory: String,
    },
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

    /// The same plan for fewer targets.
    #[must_use]
    pub fn narrowed(&self, keep: impl Fn(&TargetName) -> bool) -> Self {
        let mut plan = self.clone();
        plan.targets.retain(|target| keep(&target.target));
        plan
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

/// Decides everything.
///
/// # Errors
/// A [`Refusal`] when a gate refuses every target, when something must be chosen first (`Cause::Usage`, naming the
/// flag), or when a target does not exist.
pub fn plan(facts: &Facts, choices: &Choices) -> Result<Plan, Box<Refusal>> {
    let asked = asked_tenants(facts, choices)?;
    let cluster_wide = choices.targets.iter().any(|target| target.tenant().is_none());
    let mut checks = preflight::cluster_checks(facts, choices);
    let mut eligible = Vec::new();
    let mut left_out = Vec::new();
    let mut first_refused: Option<Check> = checks.iter().find(|check| check.refuses()).cloned();
    let cluster_refused = first_refused.is_some();
    for tenant in asked {
        let own = preflight::tenant_checks(facts, tenant, choices);
        let refused = own.iter().find(|check| check.refuses()).cloned();
        checks.extend(own);
        if let Some(check) = refused {
            left_out.push(LeftOut { target: facts.target(tenant), reason: check.found.clone() });
            first_refused.get_or_insert(check);
        } else if !cluster_refused {
            eligible.push(tenant);
        }
    }
    if choices.mode == Mode::Incremental && choices.no_full == NoFull::Skip {
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
    let targets: Vec<TargetPlan> = eligible
        .iter()
        .map(|tenant| target_plan(facts, tenant, choices, several))
        .collect::<Result<_, Fault>>()
        .map_err(|fault| Box::new(Refusal { fault, checks: checks.clone(), left_out: left_out.clone() }))?;
    refuse_clashes(&targets).map_err(Refusal::of)?;
    Ok(Plan {
        cluster: ClusterIdentity {
            name: facts.cluster.name().to_owned(),
            id: facts.cluster.id,
            version: facts.cluster.version.with_build(),
        },
        method: facts.cluster.method,
        choices: choices.clone(),
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
        match target.tenant() {
            None => asked.extend(
                facts.tenants.iter().filter(|t| t.kind == TenantKind::User || facts.cluster.method == Method::Logical),
            ),
            Some(name) => asked.push(facts.tenant(name).ok_or_else(|| {
                let names: Vec<&str> =
                    facts.tenants.iter().filter(|t| t.kind == TenantKind::User).map(|t| t.name.as_str()).collect();
                Refusal::of(Fault::new(
                    Cause::Usage,
                    format!("There is no tenant {name} on {}.", facts.cluster.name()),
                    format!("Its user tenants are: {}.", names.join(", ")),
                    "Check the spelling; upper and lower case matter.",
                ))
            })?),
        }
    }
    asked.sort_by_key(|tenant| tenant.id);
    asked.dedup_by_key(|tenant| tenant.id);
    Ok(asked)
}

/// The data destination the backup will use: what was given, else the tenant's own, else the best fallback. None: nobody
/// said, or what was said cannot be used (the plan's error names it).
#[must_use]
pub fn wanted_data_destination(facts: &Facts, tenant: &TenantFacts, choices: &Choices) -> Option<Destination> {
    wanted_destinations(facts, tenant, choices, false).ok().map(|wanted| wanted.data)
}

/// Both destinations of a tenant as the plan wants them.
struct WantedDestinations {
    data: Destination,
    archive: Destination,
    /// What the new destinations come from; None: both are the tenant's own.
    source: Option<StorageSource>,
    access_key: Option<SecretSource>,
}

fn wanted_destinations(
    facts: &Facts,
    tenant: &TenantFacts,
    choices: &Choices,
    several: bool,
) -> Result<WantedDestinations, Fault> {
    let own_data = tenant.data_destination.clone();
    let own_archive = tenant.archive.destination.as_ref().map(|dest| dest.location.clone());
    let fallback = choices.fallbacks.iter().find(|wanted| wanted.covers(&tenant.name) && wanted.data.is_some());
    let given = choices.storage.as_ref();
    let given_data = given.and_then(|wanted| wanted.data.as_deref());
    let given_archive = given.and_then(|wanted| wanted.archive.as_deref());
    let source: Option<&Wanted> = match (given_data.or(given_archive), &own_data, &own_archive) {
        (Some(_), _, _) => given,
        (None, Some(_), Some(_)) => None,
        (None, _, _) => fallback,
    };
    let Some(source) = source else {
        return match (own_data, own_archive) {
            (Some(data), Some(archive)) => Ok(WantedDestinations { data, archive, source: None, access_key: None }),
            (None, _) => Err(nobody_said(&facts.target(tenant), "data backup", "--storage")),
            (Some(_), None) => Err(nobody_said(&facts.target(tenant), "log archive", "--archive-storage")),
        };
    };
    let values = values_of(facts, tenant);
    let tenants = if several { 2 } else { 1 };
    let usable = |error: TemplateError| unusable(&facts.target(tenant), &error);
    let derived = match &source.data {
        Some(base) => {
            let base = Template::new(parsed(base)?).map_err(usable)?;
            let archive =
                source.archive.as_deref().map(|text| template_of_archive(text).map_err(usable)).transpose()?;
            let pair = Pair::v4(&base, archive.as_ref(), tenants).map_err(usable)?;
            Some(pair.expand(&values).map_err(usable)?)
        }
        None => None,
    };
    let data = match (&derived, own_data) {
        (Some((data, _)), _) if given_data.is_some() => data.clone(),
        (_, Some(own)) => own,
        (Some((data, _)), None) => data.clone(),
        (None, None) => return Err(nobody_said(&facts.target(tenant), "data backup", "--storage")),
    };
    let archive = match (given_archive, own_archive, derived) {
        (Some(_), _, Some((_, archive))) => archive,
        (Some(text), _, None) => {
            let template = Template::new(parsed(text)?).map_err(usable)?;
            template.expand(&Values { kind: Some(DirKind::Clog), ..values.clone() }).map_err(usable)?
        }
        // A base given by hand moves both; a fallback only fills what is missing.
        (None, Some(own), _) if given_data.is_none() => own,
        (None, _, Some((_, archive))) => archive,
        (None, Some(own), None) => own,
        (None, None, None) => return Err(nobody_said(&facts.target(tenant), "log archive", "--archive-storage")),
    };
    Ok(WantedDestinations {
        data: with_access_id(data, source)?,
        archive: with_access_id(archive, source)?,
        source: Some(source.source),
        access_key: source.access_key.clone(),
    })
}

/// What the variables of a path stand for. The run is known only when something is sent, so its variable stays.
fn values_of<'a>(facts: &'a Facts, tenant: &'a TenantFacts) -> Values<'a> {
    Values {
        cluster: facts.cluster.name(),
        cluster_id: facts.cluster.id.unwrap_or_default(),
        tenant: Some(&tenant.name),
        tenant_id: Some(tenant.id),
        kind: None,
        run: Some(RUN),
    }
}

fn parsed(uri: &str) -> Result<Destination, Fault> {
    Destination::parse_user(uri).map_err(|error| refused_uri(uri, &error.to_string()))
}

fn template_of_archive(text: &str) -> Result<Template, TemplateError> {
    Template::new(Destination::parse_user(text)?)
}

fn refused_uri(uri: &str, why: &str) -> Fault {
    let shown = super::diagnosis::clean(uri);
    Fault::new(Cause::Usage, format!("{shown} cannot be used as a destination."), why, "Correct it and try again.")
}

fn unusable(target: &TargetName, error: &TemplateError) -> Fault {
    let what = format!("The destination given for {target} cannot be used.");
    Fault::new(Cause::Usage, what, error.to_string(), "Correct it and try again.")
}

fn with_access_id(destination: Destination, wanted: &Wanted) -> Result<Destination, Fault> {
    match &wanted.access_id {
        Some(id) if destination.needs_access_key() => {
            let bare = destination.bare();
            destination.with_attribute("access_id", id).map_err(|error| refused_uri(&bare, &error.to_string()))
        }
        _ => Ok(destination),
    }
}

fn nobody_said(target: &TargetName, kind: &str, flag: &str) -> Fault {
    Fault::new(
        Cause::Usage,
        format!("{target} has no {kind} destination."),
        "Neither the cluster nor a strategy of the inventory names one, and none was given.",
        format!("Give one with {flag} URI, for example {flag} file:///backup."),
    )
}

fn target_plan(facts: &Facts, tenant: &TenantFacts, choices: &Choices, several: bool) -> Result<TargetPlan, Fault> {
    if facts.cluster.method == Method::Logical {
        return logical_plan(facts, tenant, choices);
    }
    let wanted = wanted_destinations(facts, tenant, choices, several)?;
    let base = usable_full(tenant, Some(&wanted.data));
    let mode = match (choices.mode, choices.no_full, &base) {
        (Mode::Incremental, NoFull::Full, Err(_)) => Mode::Full,
        (mode, _, _) => mode,
    };
    let mut notes = Vec::new();
    if mode == Mode::Incremental
        && let Ok(base) = &base
        && let Some((then, now)) = crosses_data_version(tenant, base)
    {
        notes.push(format!(
            "The base was made at data version {then}, the tenant is at {now}: the server makes a full of it or answers 9040."
        ));
    }
    let (destination, new_archive) = destination_step(tenant, &wanted)?;
    let archiving_step = archiving_step(tenant, new_archive);
    let kind = match mode {
        Mode::Full => "A full backup",
        Mode::Incremental => "An incremental backup",
    };
    let encrypted = if choices.encrypt.is_some() { ", encrypted with a password" } else { "" };
    let start = PlannedStep::with(
        StepKind::StartBackup,
        vec![Action::StartBackup { mode, plus_archivelog: choices.plus_archivelog, encrypt: choices.encrypt.clone() }],
        format!("{kind} of {} to {}{encrypted}", tenant.name, wanted.data.redacted_statement_uri()),
    );
    let steps = vec![
        PlannedStep::reads(StepKind::CheckTarget),
        PlannedStep::reads(StepKind::CheckReady),
        destination,
        archiving_step,
        PlannedStep::not_needed(StepKind::Compact, "not needed on V4").worded("not needed on V4"),
        start,
        PlannedStep::reads(StepKind::WaitForBackup),
        PlannedStep::reads(StepKind::ConfirmRestorable),
    ];
    Ok(TargetPlan { target: facts.target(tenant), tenant: identity(tenant), mode, steps, notes })
}

impl PlannedStep {
    fn worded(mut self, effect: &str) -> Self {
        effect.clone_into(&mut self.effect);
        self
    }
}

fn identity(tenant: &TenantFacts) -> TenantIdentity {
    TenantIdentity { id: tenant.id, name: tenant.name.clone(), role: tenant.role.word().to_owned() }
}

/// The step that sets what differs, and whether the log archive moves.
fn destination_step(tenant: &TenantFacts, wanted: &WantedDestinations) -> Result<(PlannedStep, bool), Fault> {
    let data_differs = tenant.data_destination.as_ref().is_none_or(|own| !own.already_is(&wanted.data));
    let archive_differs =
        tenant.archive.destination.as_ref().is_none_or(|own| !own.location.already_is(&wanted.archive));
    if !data_differs && !archive_differs {
        return Ok((PlannedStep::not_needed(StepKind::SetDestination, "both already set"), false));
    }
    let source = wanted.source.map_or("", StorageSource::words);
    let mut step = PlannedStep::with(StepKind::SetDestination, Vec::new(), String::new());
    let mut effects = Vec::new();
    if archive_differs {
        let kept = tenant.archive.destination.clone().unwrap_or_else(|| ArchiveDest::new(wanted.archive.clone()));
        if archiving::must_stop_first(&tenant.archive) {
            step.actions.push(Action::StopArchiving);
            step.interrupts = format!(
                "log archiving of {}: it stops, a new round starts, and older sets cannot be restored past the stop",
                tenant.name
            );
        }
        if wanted.archive.kind() == StorageKind::S3 && tenant.archive.lag_target.is_some_and(|seconds| seconds < 60) {
            step.actions.push(Action::SetArchiveLagTarget { seconds: 60 });
            effects.push("archive_lag_target becomes 60 s, which S3 needs".to_owned());
        }
        step.actions.push(Action::SetArchiveDestination {
            destination: ArchiveDest { location: wanted.archive.clone(), ..kept },
            access_key: key_for(&wanted.archive, wanted)?,
        });
        effects.push(format!("LOG_ARCHIVE_DEST becomes {} ({source})", wanted.archive.redacted_statement_uri()));
    }
    if data_differs {
        step.actions.push(Action::SetDataDestination {
            destination: wanted.data.clone(),
            access_key: key_for(&wanted.data, wanted)?,
        });
        effects.push(format!(
            "DATA_BACKUP_DEST becomes {} ({source}); the chain restarts with a full",
            wanted.data.redacted_statement_uri()
        ));
    }
    effects.push("This setting stays: later scheduled backups go there too.".to_owned());
    step.effect = effects.join(". ").replace("..", ".");
    Ok((step, archive_differs))
}

fn key_for(destination: &Destination, wanted: &WantedDestinations) -> Result<Option<SecretSource>, Fault> {
    if !destination.needs_access_key() {
        return Ok(None);
    }
    wanted.access_key.clone().map(Some).ok_or_else(|| {
        Fault::new(
            Cause::Usage,
            format!("Setting {} needs its access key.", destination.bare()),
            "The server never shows a stored key, and none was given.",
            "Give it with --access-key-from env:NAME, file:PATH or stdin, and its id with --access-id.",
        )
    })
}

fn archiving_step(tenant: &TenantFacts, new_destination: bool) -> PlannedStep {
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
        // ARCHIVELOG is on and has made no round for want of a destination: setting one is all it waits for.
        let actions = if already_on { Vec::new() } else { vec![Action::StartArchiving] };
        return PlannedStep::with(kind, actions, format!("starts a new round. {stays}"));
    }
    match archiving::judge(archive) {
        Archiving::Running => PlannedStep::not_needed(kind, "DOING"),
        Archiving::Coming(word) => PlannedStep::with(kind, Vec::new(), format!("waits: {word}")),
        Archiving::Ending(word) => PlannedStep::with(
            kind,
            vec![Action::StartArchiving],
            format!("waits until {word} has become STOP, then starts a new round. {stays}"),
        ),
        Archiving::Off => PlannedStep::with(kind, vec![Action::StartArchiving], format!("starts a new round. {stays}")),
        Archiving::Suspended(word) => {
            PlannedStep::with(kind, vec![Action::ResumeArchiving], format!("{word}: the same round goes on. {stays}"))
        }
        Archiving::Broken => {
            let mut step = PlannedStep::with(
                kind,
                vec![Action::StopArchiving, Action::StartArchiving],
                format!("INTERRUPTED: stops the broken round and starts a new one. {stays}"),
            );
            step.interrupts = format!(
                "the broken archive round of {}: log between the break and the new round is lost for restore",
                tenant.name
            );
            step
        }
        Archiving::Strange(word) => {
            PlannedStep::with(kind, Vec::new(), format!("will fail: the archive is {word}, which has no known way on"))
        }
    }
}

fn logical_plan(facts: &Facts, tenant: &TenantFacts, choices: &Choices) -> Result<TargetPlan, Fault> {
    let target = facts.cluster.target.clone();
    let wanted = choices
        .storage
        .as_ref()
        .or_else(|| choices.fallbacks.iter().find(|wanted| wanted.data.is_some()))
        .and_then(|wanted| wanted.data.as_deref())
        .ok_or_else(|| nobody_said(&target, "backup", "--storage"))?;
    let template = Template::new(parsed(wanted)?).map_err(|error| unusable(&target, &error))?;
    let values = Values { tenant: None, tenant_id: None, kind: Some(DirKind::Data), ..values_of(facts, tenant) };
    let folder = template.expand(&values).map_err(|error| unusable(&target, &error))?;
    if folder.kind() != StorageKind::File {
        return Err(Fault::new(
            Cause::Usage,
            format!("{} cannot take a logical backup.", folder.bare()),
            "A dump is written to a directory of this host.",
            "Give a directory: --storage file:///backup.",
        ));
    }
    let directory = folder.path().to_owned();
    let start = PlannedStep::with(
        StepKind::StartBackup,
        vec![Action::StartDump { directory: directory.clone() }],
        format!("mydumper on this host writes {directory}/<task>.<attempt>"),
    );
    let steps = vec![
        PlannedStep::reads(StepKind::CheckTarget),
        PlannedStep::reads(StepKind::CheckBackupService),
        PlannedStep::reads(StepKind::CheckReady),
        start,
        PlannedStep::reads(StepKind::WaitForBackup),
        PlannedStep::reads(StepKind::ConfirmRestorable),
    ];
    let notes =
        vec!["A dump leaves out users, routines, triggers and sequences; a reboot of this host ends it.".to_owned()];
    Ok(TargetPlan { target, tenant: identity(tenant), mode: Mode::Full, steps, notes })
}

/// Two tenants, or two kinds, on one directory are refused before the server does (9080, 9081).
fn refuse_clashes(targets: &[TargetPlan]) -> Result<(), Fault> {
    let mut directories = Vec::new();
    for target in targets {
        for action in target.steps.iter().flat_map(|step| &step.actions) {
            match action {
                Action::SetDataDestination { destination, .. } => {
                    directories.push(((target.target.to_string(), DirKind::Data), destination.clone()));
                }
                Action::SetArchiveDestination { destination, .. } => {
                    directories.push(((target.target.to_string(), DirKind::Clog), destination.location.clone()));
                }
                _ => {}
            }
        }
    }
    match clashes(&directories).first() {
        None => Ok(()),
        Some(clash) => Err(Fault::new(
            Cause::Usage,
            clash.to_string(),
            "A directory belongs to one tenant and one kind; the server would answer 9080 or 9081.",
            "Put {tenant_id} and {kind} into the path.",
        )),
    }
}
