//! A line of OceanBase as data: its statements and its views, read from `assets/lines/`.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

use crate::domain::version::Version;

#[cfg(test)]
mod tests;

/// One line: what is said to it and read from it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// Its name, for messages.
    pub name: String,
    /// First release of the line.
    from: String,
    /// First release that is not of the line.
    below: String,
    statements: BTreeMap<StatementId, String>,
    views: BTreeMap<ViewId, View>,
}

/// The statements a line has words for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StatementId {
    /// Set the data backup's destination.
    SetDataDestination,
    /// Set the log archive's destination.
    SetArchiveDestination,
    /// Set `archive_lag_target`.
    SetArchiveLagTarget,
    /// Let a suspended archive round go on.
    ResumeArchiving,
    /// Switch log archiving on.
    StartArchiving,
    /// Switch log archiving off.
    StopArchiving,
    /// Encrypt the backups of this session.
    Encrypt,
    /// Start a full backup.
    BackupFull,
    /// Start an incremental backup.
    BackupIncremental,
    /// Cancel the running backups of tenants.
    CancelBackup,
}

/// The views a line is read through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ViewId {
    /// The observers.
    Servers,
    /// Configuration items.
    Parameters,
    /// The tenants.
    Tenants,
    /// Jobs of tenants, upgrades among them.
    TenantJobs,
    /// Data backup destinations.
    DataDestination,
    /// Log archive destinations.
    ArchiveDestination,
    /// The current archive rounds.
    ArchiveCurrent,
    /// All archive rounds.
    ArchiveRounds,
    /// Archive pieces.
    ArchivePieces,
    /// Backup sets.
    Sets,
    /// Running backup jobs.
    Jobs,
    /// Ended backup jobs.
    JobHistory,
    /// Running backup tasks.
    Tasks,
    /// Delete policies.
    DeletePolicy,
    /// Running cleanups.
    DeleteJobs,
    /// Events of the root service.
    Events,
    /// Connections to the servers.
    Connections,
}

/// A view and the columns read from it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct View {
    /// Its name in the schema `oceanbase`.
    #[serde(rename = "view")]
    pub name: String,
    /// Columns every release of the line has.
    pub columns: Vec<String>,
    /// Columns only some releases have; found at run time.
    #[serde(default)]
    pub optional: Vec<String>,
}

static LINES: LazyLock<Result<Vec<Line>, String>> = LazyLock::new(|| {
    [include_str!("../../../assets/lines/v4.yaml")]
        .into_iter()
        .map(|text| serde_yaml::from_str(text).map_err(|error| error.to_string()))
        .collect()
});

impl Line {
    /// The line of a version, or the nearest one below it; None for a version older than every line.
    #[must_use]
    pub fn of(version: &Version) -> Option<&'static Self> {
        let lines = LINES.as_ref().ok()?;
        let begun = |line: &&Self| line.from.parse::<Version>().is_ok_and(|from| *version >= from);
        lines.iter().find(|line| line.covers(version)).or_else(|| lines.iter().rev().find(begun))
    }

    fn covers(&self, version: &Version) -> bool {
        let (Ok(from), Ok(below)) = (self.from.parse::<Version>(), self.below.parse::<Version>()) else { return false };
        *version >= from && *version < below
    }

    /// The words of a statement, with placeholders.
    #[must_use]
    pub fn statement(&self, id: StatementId) -> Option<&str> {
        self.statements.get(&id).map(String::as_str)
    }

    /// A view.
    #[must_use]
    pub fn view(&self, id: ViewId) -> Option<&View> {
        self.views.get(&id)
    }
}
