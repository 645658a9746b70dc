//! A line of OceanBase as data: its statements and its views, read from `assets/lines/`.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

use crate::domain::facts::Scope;
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
    statements: BTreeMap<StatementId, Words>,
    views: BTreeMap<ViewId, View>,
}

/// The words of a statement.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
enum Words {
    /// The same from everywhere.
    Both(String),
    /// A form for each scope.
    Each(Forms),
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Forms {
    sys: String,
    tenant: String,
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
    /// Parts of running backups that the root service gave to servers.
    ScheduleTasks,
    /// How far the log of each log stream is archived.
    LogStreams,
    /// Connections to the servers.
    Connections,
}

impl ViewId {
    /// The views without which there is no backup: it would not be known to start, to run or to have ended.
    pub const NEEDED: [Self; 9] = [
        Self::Tenants,
        Self::DataDestination,
        Self::ArchiveDestination,
        Self::ArchiveCurrent,
        Self::ArchiveRounds,
        Self::Sets,
        Self::Jobs,
        Self::JobHistory,
        Self::Tasks,
    ];
}

/// A view as sys and as a tenant sees it.
#[derive(Debug, Clone, Deserialize)]
#[serde(from = "ViewEntry")]
struct View {
    sys: Seen,
    tenant: Option<Seen>,
}

/// A view, as it is seen from one scope, and the columns read from it.
#[derive(Debug, Clone)]
pub struct Seen {
    /// Its name in the schema `oceanbase`.
    pub name: String,
    /// Columns every release of the line has.
    pub columns: Vec<String>,
    /// Columns only some releases have; found at run time.
    pub optional: Vec<String>,
    /// Its rows are all of the tenant that asks, and have no column that says so.
    pub own_rows: bool,
}

/// A view as the line's file has it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ViewEntry {
    view: String,
    tenant_view: Option<String>,
    columns: Vec<String>,
    #[serde(default)]
    optional: Vec<String>,
}

/// The column that a view of one tenant does not have.
pub const TENANT_ID: &str = "TENANT_ID";

impl From<ViewEntry> for View {
    fn from(entry: ViewEntry) -> Self {
        let tenant = entry.tenant_view.map(|name| {
            let own_rows = name != entry.view;
            let has = |column: &&String| !own_rows || *column != TENANT_ID;
            let columns = entry.columns.iter().filter(has).cloned().collect();
            Seen { name, columns, optional: entry.optional.clone(), own_rows }
        });
        let sys = Seen { name: entry.view, columns: entry.columns, optional: entry.optional, own_rows: false };
        Self { sys, tenant }
    }
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

    /// The words of a statement from there, with placeholders.
    #[must_use]
    pub fn statement(&self, id: StatementId, scope: Scope) -> Option<&str> {
        Some(match (self.statements.get(&id)?, scope) {
            (Words::Both(words), _) => words,
            (Words::Each(forms), Scope::Sys) => &forms.sys,
            (Words::Each(forms), Scope::Tenant) => &forms.tenant,
        })
    }

    /// A view as it is seen from there; None: it is not.
    #[must_use]
    pub fn view(&self, id: ViewId, scope: Scope) -> Option<&Seen> {
        let view = self.views.get(&id)?;
        match scope {
            Scope::Sys => Some(&view.sys),
            Scope::Tenant => view.tenant.as_ref(),
        }
    }
}
