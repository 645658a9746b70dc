//! Preflight: every precondition at once, each with what was found and its fix.
//!
//! A `gate` that fails refuses the start; a `step` check predicts that a step will fail and lets the start be.

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

/// Contract text of the step `Check if ready to data backup`.
pub const FULL_NEEDED: &str = "Full data backup needed before incremental data backup";

/// Contract text of the step `Start cluster compact if necessary`.
pub const COMPACTION_NEEDED: &str = "Cluster compaction needed before full data backup";

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
    /// Everything a dump would hold comes back from it.
    Dumpable,
    /// What is left out of a dump as asked.
    ExcludedTables,
    /// The values of a dump come back as they are.
    ExactValues,
    /// What no dump holds.
    LeftOut,
    /// The directory of this host that a dump is written into.
    DumpDirectory,
    /// The room that is free there, against the last dump's size.
    FreeSpace,
    /// A usable full for an incremental.
    UsableFull,
    /// The destinations are set, or will be.
    Destination,
    /// A directory that is to be set, and that the views list something in, was seen with its format file.
    DestinationProven,
    /// A directory that is to be set is this cluster's own, and not of another with the same ids.
    Owner,
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
    /// Encryption that is asked for can be given.
    Encryption,
    /// Every server can write to the destination.
    EveryServerWrites,
    /// Major compactions, where a full backup may need one.
    Compaction,
    /// Every tenant uses the global timestamp service, which a backup below V4 needs.
    TimestampService,
    /// No other program manages the cluster, or nothing of what it manages changes.
    Managed,
    /// What the backup competes with.
    Load,
    /// The encryption passwords of one directory.
    Passwords,
    /// The keys of transparent encryption.
    EncryptionKeys,
}

impl CheckId {
    /// All checks, in the order they are shown.
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

    /// The check of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|check| check.name() == name)
    }

    /// Whether a person may override its failure with `--skip` (R1, R7): what the rules leave to somebody who knows better.
    #[must_use]
    pub fn may_be_skipped(self) -> bool {
        matches!(self, Self::OneBuild | Self::Managed | Self::DestinationProven | Self::Owner)
    }

    /// The names of all checks that may be overridden, for a message: `one_build`.
    #[must_use]
    pub fn skippable_names() -> String {
        let names: Vec<&str> = Self::ALL.into_iter().filter(|check| check.may_be_skipped()).map(Self::name).collect();
        names.join(", ")
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
            sentence(&self.found),
            self.fix.clone(),
        )
    }
}

/// What was found, as a sentence; what ends like one is one already.
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

/// Collects checks about one target.
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

    /// Refuses, unless this check was overridden: then what was found is a warning that says so.
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
