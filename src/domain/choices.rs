//! What a person (or a plan file, or the command line) chose.

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

/// Data backup mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// A full backup.
    Full,
    /// An incremental backup on a usable full.
    Incremental,
}

impl Mode {
    /// The word of screens, JSON and `--mode`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Incremental => "incremental",
        }
    }
}

/// What becomes of a tenant that has no usable full when an incremental is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoFullPolicy {
    /// Its step fails with the contract text.
    Fail,
    /// It gets a full.
    Full,
    /// It is left out.
    Skip,
}

impl NoFullPolicy {
    /// The word of `--no-full`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Fail => "fail",
            Self::Full => "full",
            Self::Skip => "skip",
        }
    }
}

/// Whether a needed major compaction may be run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CompactionChoice {
    /// Run it if the backup needs one.
    Auto,
    /// Never; the step fails when one is needed.
    Never,
}

impl CompactionChoice {
    /// The word of `--compact`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Never => "never",
        }
    }
}

/// Where a wanted destination comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StorageSource {
    /// Typed, or given as `--storage` or `--archive-storage`.
    Given,
    /// The inventory's strategy.
    Strategy,
    /// The last successful task.
    LastTask,
}

impl StorageSource {
    /// How it is called on screen.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Given => "given",
            Self::Strategy => "the inventory's strategy",
            Self::LastTask => "the last successful task",
        }
    }
}

/// A destination as wanted: a URI without keys, maybe with template variables.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestedStorage {
    /// The data backup's storage, or a base for both.
    pub data: Option<String>,
    /// The log archive's; None: derived from the data backup's.
    pub archive: Option<String>,
    /// The access id, where the kind has one.
    pub access_id: Option<String>,
    /// Where the access key is to be found.
    pub access_key: Option<SecretSource>,
    /// Where this comes from.
    pub source: StorageSource,
    /// The tenants it is for; None: all.
    pub tenants: Option<Vec<String>>,
}

impl RequestedStorage {
    /// Whether it is meant for this tenant.
    #[must_use]
    pub fn covers(&self, tenant: &str) -> bool {
        self.tenants.as_ref().is_none_or(|names| names.iter().any(|name| name == tenant))
    }
}

/// All choices of one backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choices {
    /// What to back up: one cluster, or tenants of one cluster.
    pub targets: Vec<TargetName>,
    /// Full or incremental.
    pub mode: Mode,
    /// Given by hand; goes before what the cluster has.
    pub storage: Option<RequestedStorage>,
    /// Used where the cluster has no destination of its own, best first.
    pub fallbacks: Vec<RequestedStorage>,
    /// Add the log, so that the set alone restores to its own end.
    pub plus_archivelog: bool,
    /// Whether a needed compaction may be run.
    pub compact: CompactionChoice,
    /// Where the encryption password is to be found.
    pub encrypt: Option<SecretSource>,
    /// For tenants without a usable full.
    pub no_full: NoFullPolicy,
    /// Checks that are overridden, where the rules allow it.
    pub skip: BTreeSet<CheckId>,
    /// Archiving that somebody suspended may go on.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub resume_archive: bool,
    /// Archive destinations, without keys, whose Test has passed on every server.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub proven_archives: BTreeSet<String>,
    /// Tables and views that a dump leaves out, as `DB.TABLE`.
    #[serde(default, skip_serializing_if = "ExcludedTables::is_empty")]
    pub exclude: ExcludedTables,
    /// Whether the server is asked to look at the storage in the end.
    #[serde(default, skip_serializing_if = "ProofChoice::is_default")]
    pub proof: ProofChoice,
    /// Directories that a Test of this start has seen.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub seen: Vec<InspectedDirectory>,
}

/// A directory as a Test saw it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InspectedDirectory {
    /// Its URI, without attributes.
    pub uri: String,
    /// What was seen.
    pub seen: OwnerFinding,
}

impl Choices {
    /// The plainest choice: these targets, this mode, everything else as the cluster has it.
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

    /// Refuses what no plan may be made from, before anything of it is shown or kept: a check that cannot be skipped, a table
    /// without its database, and a destination that is none or holds a secret.
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

/// `DB.TABLE`, as far as it can be told from the text.
fn is_table_name(text: &str) -> bool {
    text.split_once('.').is_some_and(|(database, table)| !database.is_empty() && !table.is_empty())
}
