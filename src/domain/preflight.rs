//! Preflight: all preconditions checked at once, each with what was found and its remedy.
//!
//! A failed `gate` refuses the start; a `step` check is a warning, which may predict that a step will fail.

use serde::{Deserialize, Serialize};

use super::choices::Choices;
use super::fault::{Cause, Fault};
use super::format::capitalized;
use super::target::TargetName;

mod cluster;
mod cluster_backup;
mod competing_load;
mod directory_checks;
mod dump;
mod tenant;
#[cfg(test)]
mod tests;

pub use cluster::cluster_checks;
pub use directory_checks::{
    DirectoryFindings, checks_below_v4, directories_to_set, inspected_checks, is_unseen, proof_checks,
};
pub use dump::in_the_way;
pub use tenant::tenant_checks;

/// The text of the OCP page for the step `Check if ready to data backup`.
pub const FULL_NEEDED: &str = "Full data backup needed before incremental data backup";

/// The text of the OCP page for the step `Start cluster compact if necessary`.
pub const COMPACTION_NEEDED: &str = "Cluster compaction needed before full data backup";

/// The checks; `--skip` and JSON use their snake-case names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckId {
    /// The version has a backup method that this program knows.
    Version,
    /// No upgrade runs.
    Upgrading,
    /// All servers have one build.
    OneBuild,
    /// The servers are active.
    Servers,
    /// The tenant may be backed up.
    Tenant,
    /// The tenant's role.
    Role,
    /// The type of backup is available for the target.
    Mode,
    /// No other backup runs on the target.
    AnotherBackup,
    /// The login has the privileges.
    Privileges,
    /// The backup service of a logical backup.
    BackupService,
    /// A dump restores everything that it holds.
    Dumpable,
    /// The tables that are excluded from a dump on request.
    ExcludedTables,
    /// A dump restores values unchanged.
    ExactValues,
    /// The objects that no dump holds.
    LeftOut,
    /// The directory of this host that a dump is written into.
    DumpDirectory,
    /// The free space there, compared with the last dump's size.
    FreeSpace,
    /// There is a usable full backup for an incremental one.
    UsableFull,
    /// The destinations are set, or will be set by the plan.
    Destination,
    /// A directory that is to be set, and in which the views list something, was inspected and has its format file.
    DestinationProven,
    /// A directory that is to be set is this cluster's own, and not that of another with the same ids.
    Owner,
    /// The log archive runs, or will be started.
    LogArchiving,
    /// The lag of the log archive.
    ArchiveLag,
    /// The policy that removes old backups.
    DeletePolicy,
    /// No cleanup of backups runs.
    Cleanup,
    /// This host's clock agrees with the server's.
    Clock,
    /// Encryption that is requested is possible.
    Encryption,
    /// Every server can write to the destination.
    EveryServerWrites,
    /// Whether a full backup needs a major compaction.
    Compaction,
    /// Every tenant uses the global timestamp service, which a backup below V4 needs.
    TimestampService,
    /// No platform manages the cluster, or nothing that it manages is changed.
    Managed,
    /// The load that competes with the backup.
    Load,
    /// The encryption passwords of the sets in one directory.
    Passwords,
    /// The keys of transparent encryption.
    EncryptionKeys,
}

impl CheckId {
    /// All checks, in the order in which they are shown.
    pub const ALL: [Self; 33] = [
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
        Self::Dumpable,
        Self::ExcludedTables,
        Self::ExactValues,
        Self::LeftOut,
        Self::DumpDirectory,
        Self::FreeSpace,
        Self::UsableFull,
        Self::Destination,
        Self::DestinationProven,
        Self::Owner,
        Self::LogArchiving,
        Self::ArchiveLag,
        Self::DeletePolicy,
        Self::Cleanup,
        Self::Clock,
        Self::Encryption,
        Self::EveryServerWrites,
        Self::Compaction,
        Self::TimestampService,
        Self::Managed,
        Self::Load,
        Self::Passwords,
        Self::EncryptionKeys,
    ];

    /// Returns the name of JSON and `--skip`.
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
            Self::Dumpable => "dumpable",
            Self::ExcludedTables => "excluded_tables",
            Self::ExactValues => "exact_values",
            Self::LeftOut => "left_out",
            Self::DumpDirectory => "dump_directory",
            Self::FreeSpace => "free_space",
            Self::UsableFull => "usable_full",
            Self::Destination => "destination",
            Self::DestinationProven => "destination_proven",
            Self::Owner => "owner",
            Self::LogArchiving => "log_archiving",
            Self::ArchiveLag => "archive_lag",
            Self::DeletePolicy => "delete_policy",
            Self::Cleanup => "cleanup",
            Self::Clock => "clock",
            Self::Encryption => "encryption",
            Self::EveryServerWrites => "every_server_writes",
            Self::Compaction => "compaction",
            Self::TimestampService => "timestamp_service",
            Self::Managed => "managed",
            Self::Load => "load",
            Self::Passwords => "passwords",
            Self::EncryptionKeys => "encryption_keys",
        }
    }

    /// Returns the check with a name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|check| check.name() == name)
    }

    /// Returns whether a user may override its failure with `--skip` (R1, R7).
    #[must_use]
    pub fn may_be_skipped(self) -> bool {
        matches!(self, Self::OneBuild | Self::Managed | Self::DestinationProven | Self::Owner)
    }

    /// Returns the names of all checks that may be overridden, for a message: `one_build, owner`.
    #[must_use]
    pub fn skippable_names() -> String {
        let names: Vec<&str> = Self::ALL.into_iter().filter(|check| check.may_be_skipped()).map(Self::name).collect();
        names.join(", ")
    }
}

/// The effect of a failed check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// A failure refuses the start.
    Gate,
    /// It refuses nothing: a warning, which may predict that a step will fail.
    Step,
}

/// The result of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckResult {
    /// The precondition holds.
    Pass,
    /// It holds, and something needs attention.
    Warn,
    /// It does not hold.
    Fail,
    /// It was not checked.
    NotChecked,
}

impl CheckResult {
    /// Returns the word of JSON and of the screen.
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

/// A check with its result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// The target it is about.
    pub target: TargetName,
    /// The kind of check.
    pub check: CheckId,
    /// The effect of a failure.
    pub stage: Stage,
    /// The result.
    pub result: CheckResult,
    /// What was found.
    pub found: String,
    /// The remedy; empty where none is needed.
    pub fix: String,
    /// The kind of cause of a failure.
    pub cause: Cause,
}

impl Check {
    /// Returns whether it refuses the start.
    #[must_use]
    pub fn refuses(&self) -> bool {
        self.stage == Stage::Gate && self.result == CheckResult::Fail
    }

    /// Returns the failed check as a fault.
    #[must_use]
    pub fn fault(&self) -> Fault {
        Fault::new(
            self.cause,
            format!("{} cannot be backed up now.", self.target),
            sentence(&self.found),
            self.fix.clone(),
        )
    }
}

/// Returns what was found as a sentence; text that ends like one is returned as it is.
fn sentence(found: &str) -> String {
    if found.ends_with('.') {
        return found.to_owned();
    }
    // A URI is repeated as it was written.
    if found.split(' ').next().is_some_and(|word| word.contains("://")) {
        return format!("{found}.");
    }
    format!("{}.", capitalized(found))
}

/// Collects the checks of one target.
struct CheckList {
    target: TargetName,
    checks: Vec<Check>,
}

impl CheckList {
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

    /// Refuses, unless this check was overridden: then the finding is a warning that says so.
    fn refuse_unless_skipped(&mut self, check: CheckId, choices: &Choices, found: &str, fix: &str) {
        if choices.skip.contains(&check) {
            self.warn(check, format!("overridden: {found}"), fix);
        } else {
            let fix = format!("{}, or override this with --skip {}.", fix.trim_end_matches('.'), check.name());
            self.refuse(check, Cause::Precondition, found, &fix);
        }
    }

    fn not_checked(&mut self, check: CheckId, why: impl Into<String>, fix: &str) {
        self.add(check, Stage::Gate, CheckResult::NotChecked, Cause::Unknown, why.into(), fix);
    }
}
