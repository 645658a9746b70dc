//! Preflight: every precondition at once, each with what was found and its fix.
//!
//! A `gate` that fails refuses the start; a `step` check predicts that a step will fail and lets the start be.

use serde::{Deserialize, Serialize};

use super::choices::{Choices, Mode};
use super::facts::{ClusterFacts, CompatibilityMode, Facts, Known, Role, Scope, ServiceFacts, TenantFacts, TenantKind};
use super::fault::{Cause, Fault};
use super::restorable::{RoundStatus, SetKind};
use super::scn::Scn;
use super::target::TargetName;
use super::usable_full::usable_full;
use super::version::Method;

/// Contract text of the step `Check if ready to data backup`.
pub const FULL_NEEDED: &str = "Full data backup needed before incremental data backup";

/// Every check there is; the snake-case name is what `--skip` and JSON use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckId {
    /// The version has a backup method this program knows.
    Version,
    /// No upgrade runs.
    Upgrading,
    /// All servers have one build.
    OneBuild,
    /// The servers are up.
    Servers,
    /// The tenant is one that may be backed up.
    Tenant,
    /// The tenant's role.
    Role,
    /// The mode is one the target offers.
    Mode,
    /// No other backup runs on the target.
    AnotherBackup,
    /// The login may do it.
    Privileges,
    /// The backup service of a logical backup.
    BackupService,
    /// A usable full for an incremental.
    UsableFull,
    /// The destinations are set, or will be.
    Destination,
    /// The log archive runs, or will.
    LogArchiving,
    /// How far the archive is behind.
    ArchiveLag,
    /// What removes old backups.
    DeletePolicy,
    /// No cleanup of backups runs.
    Cleanup,
    /// This host's clock and the server's.
    Clock,
    /// Every server can write to the destination.
    EveryServerWrites,
}

impl CheckId {
    /// All checks, in the order they are shown.
    pub const ALL: [Self; 18] = [
        Self::Version,
        Self::Upgrading,
        Self::OneBuild,
        Self::Servers,
        Self::Tenant,
        Self::Role,
        Self::Mode,
        Self::AnotherBackup,
        Self::Privileges,
        Self::BackupService,
        Self::UsableFull,
        Self::Destination,
        Self::LogArchiving,
        Self::ArchiveLag,
        Self::DeletePolicy,
        Self::Cleanup,
        Self::Clock,
        Self::EveryServerWrites,
    ];

    /// The name of JSON and `--skip`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Version => "version",
            Self::Upgrading => "upgrading",
            Self::OneBuild => "one_build",
            Self::Servers => "servers",
            Self::Tenant => "tenant",
            Self::Role => "role",
            Self::Mode => "mode",
            Self::AnotherBackup => "another_backup",
            Self::Privileges => "privileges",
            Self::BackupService => "backup_service",
            Self::UsableFull => "usable_full",
            Self::Destination => "destination",
            Self::LogArchiving => "log_archiving",
            Self::ArchiveLag => "archive_lag",
            Self::DeletePolicy => "delete_policy",
            Self::Cleanup => "cleanup",
            Self::Clock => "clock",
            Self::EveryServerWrites => "every_server_writes",
        }
    }

    /// The check of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|check| check.name() == name)
    }

    /// Whether a person may override its failure: only a half-finished upgrade's mixed builds.
    #[must_use]
    pub fn may_be_skipped(self) -> bool {
        matches!(self, Self::OneBuild)
    }
}

/// What a failed check does to the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Refuses the start.
    Gate,
    /// Predicts that a step will fail.
    Step,
}

/// The result of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckResult {
    /// In order.
    Pass,
    /// To look at.
    Warn,
    /// Refuses the start.
    Fail,
    /// Nobody could look.
    NotChecked,
}

impl CheckResult {
    /// The word of JSON and of the screen.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Warn => "warn",
            Self::Fail => "fail",
            Self::NotChecked => "not_checked",
        }
    }
}

/// One check with its result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// The target it is about.
    pub target: TargetName,
    /// Which check.
    pub check: CheckId,
    /// What a failure does.
    pub stage: Stage,
    /// The result.
    pub result: CheckResult,
    /// What was found.
    pub found: String,
    /// What mends it; empty where nothing needs mending.
    pub fix: String,
    /// The kind of cause of a failure.
    pub cause: Cause,
}

impl Check {
    /// Whether it refuses the start.
    #[must_use]
    pub fn refuses(&self) -> bool {
        self.stage == Stage::Gate && self.result == CheckResult::Fail
    }

    /// The failed check as three sentences.
    #[must_use]
    pub fn fault(&self) -> Fault {
        Fault::new(
            self.cause,
            format!("{} cannot be backed up now.", self.target),
            self.found.clone(),
            self.fix.clone(),
        )
    }
}

/// Collects checks about one target.
struct Sheet {
    target: TargetName,
    checks: Vec<Check>,
}

impl Sheet {
    fn new(target: TargetName) -> Self {
        Self { target, checks: Vec::new() }
    }

    fn add(&mut self, check: CheckId, stage: Stage, result: CheckResult, cause: Cause, found: String, fix: &str) {
        let target = self.target.clone();
        self.checks.push(Check { target, check, stage, result, found, fix: fix.to_owned(), cause });
    }

    fn pass(&mut self, check: CheckId, found: impl Into<String>) {
        self.add(check, Stage::Gate, CheckResult::Pass, Cause::Precondition, found.into(), "");
    }

    fn warn(&mut self, check: CheckId, found: impl Into<String>, fix: &str) {
        self.add(check, Stage::Step, CheckResult::Warn, Cause::Precondition, found.into(), fix);
    }

    fn refuse(&mut self, check: CheckId, cause: Cause, found: impl Into<String>, fix: &str) {
        self.add(check, Stage::Gate, CheckResult::Fail, cause, found.into(), fix);
    }

    fn not_checked(&mut self, check: CheckId, why: impl Into<String>, fix: &str) {
        self.add(check, Stage::Gate, CheckResult::NotChecked, Cause::Unknown, why.into(), fix);
    }
}

/// The checks that concern the cluster as a whole.
#[must_use]
pub fn cluster_checks(facts: &Facts, choices: &Choices) -> Vec<Check> {
    let cluster = &facts.cluster;
    let mut sheet = Sheet::new(cluster.target.clone());
    if cluster.version.method().known {
        sheet.pass(CheckId::Version, format!("{}: {}", cluster.version.with_build(), cluster.method_reason));
    } else {
        sheet.warn(
            CheckId::Version,
            format!(
                "{} is not known to this release of obnow: {}",
                cluster.version.with_build(),
                cluster.method_reason
            ),
            "Compare the statements on the confirm screen with the manual of that version.",
        );
    }
    upgrading(&mut sheet, cluster, choices);
    servers(&mut sheet, cluster);
    privileges(&mut sheet, cluster);
    if let Some(service) = &cluster.backup_service {
        match service {
            ServiceFacts::Ready { release, path } => sheet.pass(CheckId::BackupService, format!("{release} at {path}")),
            ServiceFacts::Missing(fault) => sheet.refuse(
                CheckId::BackupService,
                Cause::Precondition,
                format!("{} {}", fault.what, fault.why),
                &fault.next,
            ),
        }
    }
    clock(&mut sheet, cluster);
    if cluster.method == Method::Physical {
        sheet.not_checked(
            CheckId::EveryServerWrites,
            "that every server can write there needs a shell on the servers",
            "On each server: mount | grep the directory, or ob_admin test_io_device.",
        );
    }
    sheet.checks
}

fn upgrading(sheet: &mut Sheet, cluster: &ClusterFacts, choices: &Choices) {
    match &cluster.upgrading {
        Known::NotChecked(why) => sheet.not_checked(CheckId::Upgrading, why.clone(), "Ask who runs the cluster."),
        Known::Known(signs) if signs.is_empty() => {
            sheet.pass(CheckId::Upgrading, "upgrade mode off, no upgrade job runs")
        }
        Known::Known(signs) => sheet.refuse(
            CheckId::Upgrading,
            Cause::Precondition,
            format!("the cluster is upgrading: {}", signs.join("; ")),
            "Wait until the upgrade has ended, then start the backup.",
        ),
    }
    let Known::Known(servers) = &cluster.servers else { return };
    let mut builds: Vec<&str> = servers.iter().map(|server| server.build.as_str()).collect();
    builds.sort_unstable();
    builds.dedup();
    if builds.len() < 2 {
        sheet.pass(CheckId::OneBuild, builds.first().map_or_else(String::new, |build| (*build).to_owned()));
    } else if choices.skip.contains(&CheckId::OneBuild) {
        sheet.warn(
            CheckId::OneBuild,
            format!("the servers run {} builds: {}; overridden", builds.len(), builds.join(", ")),
            "",
        );
    } else {
        sheet.refuse(
            CheckId::OneBuild,
            Cause::Precondition,
            format!(
                "the servers run {} builds, as a half-finished upgrade leaves them: {}",
                builds.len(),
                builds.join(", ")
            ),
            "Finish the upgrade, or override this with --skip one_build.",
        );
    }
}

fn servers(sheet: &mut Sheet, cluster: &ClusterFacts) {
    match &cluster.servers {
        Known::NotChecked(why) => {
            sheet.not_checked(CheckId::Servers, why.clone(), "Log in as root@sys to see the servers.")
        }
        Known::Known(servers) => {
            let sick: Vec<String> = servers
                .iter()
                .filter(|server| !server.healthy())
                .map(|server| {
                    format!("{} is {}", server.address, if server.serving { &server.status } else { "stopped" })
                })
                .collect();
            let healthy = servers.len() - sick.len();
            if sick.is_empty() {
                sheet.pass(CheckId::Servers, format!("{healthy} of {healthy} active"));
            } else {
                let found = format!("{healthy} of {} active: {}", servers.len(), sick.join(", "));
                sheet.warn(
                    CheckId::Servers,
                    found,
                    "Start the missing server; the backup runs on the others meanwhile.",
                );
            }
        }
    }
}

fn privileges(sheet: &mut Sheet, cluster: &ClusterFacts) {
    match (cluster.method, cluster.scope) {
        (Method::Logical, _) => {}
        (Method::Physical, Scope::Sys) => {
            sheet.pass(CheckId::Privileges, "logged in to the sys tenant, its views answer")
        }
        (Method::Physical, Scope::Tenant) => sheet.not_checked(
            CheckId::Privileges,
            "logged in to a user tenant: whether it may back itself up shows when the statement is sent",
            "Log in as root@sys to back up from the sys tenant.",
        ),
    }
}

/// A clock further apart than this makes ages and lags misleading.
const CLOCK_TOLERANCE_MS: i64 = 2_000;

fn clock(sheet: &mut Sheet, cluster: &ClusterFacts) {
    let apart = cluster.clock_ahead_ms.abs();
    let tenths = apart / 100;
    if apart <= CLOCK_TOLERANCE_MS {
        sheet.pass(CheckId::Clock, format!("{}.{} s apart", tenths / 10, tenths % 10));
    } else {
        let side = if cluster.clock_ahead_ms > 0 { "ahead of" } else { "behind" };
        sheet.warn(
            CheckId::Clock,
            format!("the server's clock is {}.{} s {side} this host's", tenths / 10, tenths % 10),
            "Ages and lags are computed by the server's clock; check NTP on this host and on the servers.",
        );
    }
}

/// The checks that concern one tenant.
#[must_use]
pub fn tenant_checks(facts: &Facts, tenant: &TenantFacts, choices: &Choices) -> Vec<Check> {
    let mut sheet = Sheet::new(facts.target(tenant));
    who_may(&mut sheet, facts, tenant);
    if facts.cluster.method == Method::Logical {
        logical_mode(&mut sheet, choices);
        return sheet.checks;
    }
    another_backup(&mut sheet, tenant);
    if choices.mode == Mode::Incremental {
        incremental_base(&mut sheet, facts, tenant, choices);
    }
    archive(&mut sheet, facts, tenant);
    retention(&mut sheet, facts, tenant);
    sheet.checks
}

fn logical_mode(sheet: &mut Sheet, choices: &Choices) {
    if choices.mode == Mode::Incremental {
        sheet.refuse(
            CheckId::Mode,
            Cause::Precondition,
            "a logical backup is always full: the dump has no incremental form",
            "Choose a full backup.",
        );
    } else {
        sheet.pass(CheckId::Mode, "full");
    }
}

fn who_may(sheet: &mut Sheet, facts: &Facts, tenant: &TenantFacts) {
    let refusal = match tenant.kind {
        TenantKind::Sys | TenantKind::Meta if facts.cluster.method == Method::Physical => {
            Some(("sys and meta tenants are never backed up", "Back up the user tenants instead."))
        }
        _ if tenant.in_recycle_bin => {
            Some(("the tenant is in the recycle bin", "Take it out of the recycle bin first (FLASHBACK TENANT)."))
        }
        _ => None,
    };
    if let Some((found, fix)) = refusal {
        sheet.refuse(CheckId::Tenant, Cause::Precondition, found, fix);
    } else if tenant.status != "NORMAL" {
        sheet.refuse(
            CheckId::Tenant,
            Cause::Precondition,
            format!("the tenant's status is {}, and only NORMAL can be backed up", tenant.status),
            "Wait until DBA_OB_TENANTS shows NORMAL.",
        );
    } else if facts.cluster.scope == Scope::Tenant && tenant.mode == CompatibilityMode::Oracle {
        sheet.refuse(
            CheckId::Tenant,
            Cause::Precondition,
            "an Oracle-mode tenant cannot be logged in to with this protocol",
            "Log in as root@sys: Oracle-mode tenants are backed up from there.",
        );
    } else {
        sheet.pass(CheckId::Tenant, format!("tenant {}, {}", tenant.id, tenant.status));
    }
    match &tenant.role {
        Role::Primary => sheet.pass(CheckId::Role, "PRIMARY"),
        Role::Standby => sheet.warn(
            CheckId::Role,
            "STANDBY: the window ends where the standby has replayed, and it needs its own archive destination",
            "Back up the primary if the window must reach now.",
        ),
        Role::Other(word) => sheet.refuse(
            CheckId::Role,
            Cause::Precondition,
            format!("the tenant's role is {word}, and only PRIMARY and STANDBY can be backed up"),
            "Wait until the tenant has become PRIMARY or STANDBY.",
        ),
    }
}

fn another_backup(sheet: &mut Sheet, tenant: &TenantFacts) {
    match tenant.running.first() {
        None => sheet.pass(CheckId::AnotherBackup, "none runs"),
        Some(job) => sheet.refuse(
            CheckId::AnotherBackup,
            Cause::Busy,
            format!(
                "job {} runs on it, {} since {}, started by {}",
                job.job_id,
                job.kind.word(),
                job.started,
                job.owner()
            ),
            "Wait until it has ended, or follow it with: obnow watch.",
        ),
    }
}

fn incremental_base(sheet: &mut Sheet, facts: &Facts, tenant: &TenantFacts, choices: &Choices) {
    let destination = super::plan::wanted_data_destination(facts, tenant, choices);
    match usable_full(tenant, destination.as_ref()) {
        Ok(base) => {
            let from = if base.kind == SetKind::Full { "full" } else { "incremental" };
            sheet.pass(CheckId::UsableFull, format!("set {} ({from}) on this path", base.id));
        }
        Err(reason) => sheet.warn(
            CheckId::UsableFull,
            format!("step 2 will fail: {FULL_NEEDED}: {reason}"),
            "Choose a full backup, or let these tenants have one with --no-full full.",
        ),
    }
}

fn archive(sheet: &mut Sheet, facts: &Facts, tenant: &TenantFacts) {
    let now = Scn::from_timestamp(facts.at);
    let lag = tenant.archive.lag_seconds(now);
    match tenant.archive.latest() {
        Some(round) if round.status == RoundStatus::Doing => {
            sheet.pass(CheckId::LogArchiving, format!("DOING, round {}", round.round_id));
            let allowed = tenant.archive.lag_target.unwrap_or(120).saturating_mul(3);
            let lag = lag.unwrap_or(0);
            if lag > allowed {
                sheet.warn(
                    CheckId::ArchiveLag,
                    format!("the archive is {lag} s behind; its target is {} s", allowed / 3),
                    "Look at the archive's destination; the backup is restorable only once the log has passed it.",
                );
            } else {
                sheet.pass(CheckId::ArchiveLag, format!("{lag} s behind"));
            }
        }
        Some(round) => sheet.warn(
            CheckId::LogArchiving,
            format!("{}: the plan says what is done about it", round.status),
            "See step `Start log archiving` in the plan.",
        ),
        None => sheet.warn(
            CheckId::LogArchiving,
            "archiving does not run: the plan starts it",
            "See step `Start log archiving` in the plan.",
        ),
    }
}

fn retention(sheet: &mut Sheet, facts: &Facts, tenant: &TenantFacts) {
    match &tenant.recovery_window {
        Known::NotChecked(why) => sheet.not_checked(CheckId::DeletePolicy, why.clone(), ""),
        Known::Known(None) => {
            sheet.warn(CheckId::DeletePolicy, "none: nothing is ever removed", "Watch the room on the destination.");
        }
        Known::Known(Some(window)) => match older_than_window(facts, tenant, window) {
            Some(set) => sheet.warn(
                CheckId::DeletePolicy,
                format!("recovery window {window}; full {set} is older: this chain may be deleted"),
                "Make a full backup now.",
            ),
            None => sheet.pass(CheckId::DeletePolicy, format!("recovery window {window}")),
        },
    }
    match &tenant.cleanup {
        None => sheet.pass(CheckId::Cleanup, "none runs"),
        Some(sentence) => sheet.warn(CheckId::Cleanup, sentence.clone(), "It may remove sets while this backup runs."),
    }
}

/// The latest full, if it ended before the recovery window began.
fn older_than_window(facts: &Facts, tenant: &TenantFacts, window: &str) -> Option<u64> {
    let days: i64 = window.strip_suffix('d')?.parse().ok()?;
    let full = tenant.sets.iter().rev().find(|set| set.kind == SetKind::Full && set.is_good())?;
    let edge =
        i64::try_from(Scn::from_timestamp(facts.at).0).ok()?.checked_sub(days.checked_mul(86_400_000_000_000)?)?;
    (i64::try_from(full.min_restore.0).ok()? < edge).then_some(full.id)
}
