//! The choices of a backup, made by a user, a plan file or the command line.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::destination::Destination;
use super::diagnosis::foreign;
use super::dump::ExcludedTables;
use super::fault::{Cause, Fault};
use super::preflight::CheckId;
use super::proof::ProofChoice;
use super::secret::SecretSource;
use super::storage_check::OwnerFinding;
use super::target::TargetName;

/// The type of a data backup.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// A full backup.
    Full,
    /// An incremental backup, based on an earlier set.
    Incremental,
}

impl Mode {
    /// Returns the word of screens, JSON and `--mode`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Incremental => "incremental",
        }
    }
}

/// What happens to a tenant without a usable full backup when an incremental one is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoFullPolicy {
    /// Its step fails with the contract text of the OCP page.
    Fail,
    /// It gets a full backup.
    Full,
    /// It is excluded.
    Skip,
}

impl NoFullPolicy {
    /// Returns the word of `--no-full`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Fail => "fail",
            Self::Full => "full",
            Self::Skip => "skip",
        }
    }
}

/// Whether a major compaction that the backup needs may be started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CompactionChoice {
    /// It is started.
    Auto,
    /// It is not; the step fails.
    Never,
}

impl CompactionChoice {
    /// Returns the word of `--compact`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Never => "never",
        }
    }
}

/// The source of a requested destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StorageSource {
    /// The user typed it, or gave it as `--storage` or `--archive-storage`.
    Given,
    /// A strategy of the inventory.
    Strategy,
    /// The last successful task of the target.
    LastTask,
}

impl StorageSource {
    /// Returns the source as screens show it.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Given => "given",
            Self::Strategy => "the inventory's strategy",
            Self::LastTask => "the last successful task",
        }
    }
}

/// A requested destination: URIs without keys, which may contain template variables.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestedStorage {
    /// The URI of the data backup, or the base of both.
    pub data: Option<String>,
    /// The URI of the log archive; `None`: it is derived from the data backup's.
    pub archive: Option<String>,
    /// The access id, where the kind has one.
    pub access_id: Option<String>,
    /// The source of the access key.
    pub access_key: Option<SecretSource>,
    /// The source of this request.
    pub source: StorageSource,
    /// The tenants that it is for; `None`: all.
    pub tenants: Option<Vec<String>>,
}

impl RequestedStorage {
    /// Returns whether it is for this tenant.
    #[must_use]
    pub fn covers(&self, tenant: &str) -> bool {
        self.tenants.as_ref().is_none_or(|names| names.iter().any(|name| name == tenant))
    }
}

/// All choices of one backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choices {
    /// The targets: one cluster, or tenants of one cluster.
    pub targets: Vec<TargetName>,
    /// Full or incremental.
    pub mode: Mode,
    /// The storage that the user gave; it takes precedence over the cluster's own.
    pub storage: Option<RequestedStorage>,
    /// Destinations for a cluster without one of its own, best first.
    pub fallbacks: Vec<RequestedStorage>,
    /// Whether the set includes the log, so that it can be restored to its own end without the archive.
    pub plus_archivelog: bool,
    /// Whether a major compaction that the backup needs may be started.
    pub compact: CompactionChoice,
    /// The source of the encryption password.
    pub encrypt: Option<SecretSource>,
    /// What happens to tenants without a usable full backup.
    pub no_full: NoFullPolicy,
    /// The checks that are overridden.
    pub skip: BTreeSet<CheckId>,
    /// Whether archiving that someone suspended may be resumed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub resume_archive: bool,
    /// The archive destinations, without keys, whose Test has passed on every server.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub proven_archives: BTreeSet<String>,
    /// The tables and views that a dump excludes, as `DB.TABLE`.
    #[serde(default, skip_serializing_if = "ExcludedTables::is_empty")]
    pub exclude: ExcludedTables,
    /// Whether the server proves the backup on the storage in the end.
    #[serde(default, skip_serializing_if = "ProofChoice::is_default")]
    pub proof: ProofChoice,
    /// The directories that a Test of this start has inspected.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub seen: Vec<InspectedDirectory>,
}

/// A directory as a Test found it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InspectedDirectory {
    /// Its URI, without attributes.
    pub uri: String,
    /// The finding.
    pub seen: OwnerFinding,
}

impl Choices {
    /// Returns the simplest choices: these targets, this type, everything else as the cluster has it.
    #[must_use]
    pub fn new(targets: Vec<TargetName>, mode: Mode) -> Self {
        Self {
            targets,
            mode,
            storage: None,
            fallbacks: Vec::new(),
            plus_archivelog: false,
            compact: CompactionChoice::Never,
            encrypt: None,
            no_full: NoFullPolicy::Fail,
            skip: BTreeSet::new(),
            exclude: ExcludedTables::default(),
            seen: Vec::new(),
            resume_archive: false,
            proven_archives: BTreeSet::new(),
            proof: ProofChoice::default(),
        }
    }

    /// Checks the choices before anything of them is shown or kept: a check that cannot be skipped, a table without its database,
    /// and a destination that is invalid or contains a secret are refused.
    ///
    /// # Errors
    /// A usage fault that names it; it repeats no secret.
    pub fn check(&self) -> Result<(), Fault> {
        if let Some(check) = self.skip.iter().find(|check| !check.may_be_skipped()) {
            return Err(Fault::new(
                Cause::Usage,
                format!("The check {} cannot be skipped.", check.name()),
                format!("Only these may be overridden: {}.", CheckId::skippable_names()),
                "Leave it out, and mend what the check found.",
            ));
        }
        if let Some(name) = self.exclude.0.iter().find(|name| !is_table_name(name)) {
            return Err(Fault::new(
                Cause::Usage,
                format!("{} does not name a table.", foreign(name)),
                "A table or view to leave out is named with its database.",
                "Write --exclude-table DB.TABLE.",
            ));
        }
        let uris = self.storage.iter().flat_map(|wanted| [&wanted.data, &wanted.archive]).flatten();
        for uri in uris {
            Destination::parse_user(uri).map_err(|error| {
                let what = format!("{} cannot be used as a destination.", super::destination::printable_uri(uri));
                Fault::new(Cause::Usage, what, error.to_string(), "Correct it and try again.")
            })?;
        }
        Ok(())
    }
}

/// Returns whether a text has the form `DB.TABLE`.
fn is_table_name(text: &str) -> bool {
    text.split_once('.').is_some_and(|(database, table)| !database.is_empty() && !table.is_empty())
}
