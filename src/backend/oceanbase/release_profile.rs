//! The release lines of OceanBase as data: their features, statements and views, read from `assets/lines/`. An entry names the
//! line it extends (`like`) and what differs.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

use crate::domain::cluster_backup::ClusterBackupRules;
use crate::domain::facts::Scope;
use crate::domain::proof::ProofRule;
use crate::domain::version::Version;

#[cfg(test)]
mod tests;

/// The profile of one release line: the statements it accepts and the views it has.
#[derive(Debug, Clone)]
pub struct ReleaseProfile {
    /// Name for messages.
    pub name: String,
    /// Whether backup jobs are per tenant or per cluster.
    pub backup_scope: BackupScope,
    /// Factor by which a statement that changes something may exceed the usual statement limit.
    pub action_timeout_factor: u32,
    /// When its servers can be asked for a storage proof.
    pub proof: ProofRule,
    /// Whether its servers accept several SELECTs in one text.
    pub accepts_multi_selects: bool,
    /// First release of the line.
    from: String,
    /// First release that is not of the line.
    below: String,
    statements: BTreeMap<StatementId, StatementTemplate>,
    views: BTreeMap<ViewId, ViewByScope>,
}

/// The scope of the backup jobs of a release line, which also applies to destinations, archives and sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BackupScope {
    /// Each tenant has its own jobs.
    #[serde(rename = "of_each_tenant")]
    PerTenant,
    /// One job is for the whole cluster, visible to sys only.
    #[serde(rename = "of_the_cluster")]
    PerCluster(ClusterBackupRules),
}

/// A release line as its file has it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct ProfileEntry {
    name: String,
    from: String,
    below: String,
    /// Name of the line that supplies what this one leaves out.
    like: Option<String>,
    jobs: Option<BackupScope>,
    act_times: Option<u32>,
    proof: Option<ProofRule>,
    several_selects: Option<bool>,
    #[serde(default)]
    statements: BTreeMap<StatementId, StatementTemplate>,
    #[serde(default)]
    views: BTreeMap<ViewId, ViewByScope>,
}

impl ProfileEntry {
    /// Returns the complete profile, with the values inherited from one of those before it.
    fn complete(self, before: &[ReleaseProfile]) -> Result<ReleaseProfile, String> {
        let like = match &self.like {
            Some(name) => Some(
                before
                    .iter()
                    .find(|line| line.name == *name)
                    .ok_or_else(|| format!("{} is like no line", self.name))?,
            ),
            None => None,
        };
        let mut statements = like.map(|like| like.statements.clone()).unwrap_or_default();
        statements.extend(self.statements);
        let mut views = like.map(|like| like.views.clone()).unwrap_or_default();
        views.extend(self.views);
        Ok(ReleaseProfile {
            backup_scope: self
                .jobs
                .or(like.map(|like| like.backup_scope))
                .ok_or_else(|| format!("{} has no jobs", self.name))?,
            action_timeout_factor: self.act_times.or(like.map(|like| like.action_timeout_factor)).unwrap_or(1),
            proof: self.proof.or(like.map(|like| like.proof)).unwrap_or_default(),
            accepts_multi_selects: self
                .several_selects
                .or(like.map(|like| like.accepts_multi_selects))
                .unwrap_or_default(),
            name: self.name,
            from: self.from,
            below: self.below,
            statements,
            views,
        })
    }
}

/// The template of a statement.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
enum StatementTemplate {
    /// One template for every scope.
    Shared(String),
    /// A template for each scope.
    PerScope(ScopedTemplates),
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct ScopedTemplates {
    sys: String,
    /// `None` where only sys may send it.
    #[serde(default)]
    tenant: Option<String>,
}

/// The statements of a release line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StatementId {
    /// Set the data backup's destination.
    SetDataDestination,
    /// Set the log archive's destination.
    SetArchiveDestination,
    /// Set `archive_lag_target`.
    SetArchiveLagTarget,
    /// Resume a suspended archive round.
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
    /// Start a full backup of some tenants on a line with jobs per cluster.
    BackupTenants,
    /// Start a major compaction.
    Compact,
    /// Show a parameter by name, where no view has them all.
    ShowParameter,
    /// Cancel the running backups of tenants.
    CancelBackup,
    /// Set the passwords of encrypted sets for this session.
    Decrypt,
    /// Let the server select what it would restore from.
    #[serde(rename = "look_at_storage")]
    RestorePreview,
    /// Show what it selected.
    #[serde(rename = "show_look")]
    ShowRestorePreview,
}

/// The views of a release line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ViewId {
    /// The observers.
    Servers,
    /// Parameters.
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
    /// Tasks of running backups that the root service scheduled on servers.
    ScheduleTasks,
    /// The archive progress of each log stream.
    LogStreams,
    /// Connections to the servers.
    Connections,
    /// The cluster's own name, id and role.
    Cluster,
    /// Versions and states of the major merge, by zone.
    Zones,
    /// The global variables of every tenant.
    Variables,
    /// The major freezes.
    Freezes,
    /// The state of the cluster's one backup job.
    BackupState,
    /// The state of the files of sets.
    SetFiles,
    /// The level of sets: cluster or tenant.
    SetLevels,
    /// Tasks of backups by server, with their errors.
    BrokenParts,
    /// Major compactions of the tenants.
    MajorCompactions,
}

impl ViewId {
    /// The views that a backup requires: without them its start, progress and end cannot be observed.
    pub const REQUIRED: [Self; 9] = [
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

/// A view as sys and as a tenant see it.
#[derive(Debug, Clone, Deserialize)]
#[serde(from = "ViewEntry")]
struct ViewByScope {
    sys: VisibleView,
    tenant: Option<VisibleView>,
}

/// A view as one scope sees it, with the columns that are read.
#[derive(Debug, Clone)]
pub struct VisibleView {
    /// Its name in the schema `oceanbase`.
    pub name: String,
    /// Columns every release of the line has.
    pub columns: Vec<String>,
    /// Columns only some releases have; found at run time.
    pub optional: Vec<String>,
    /// Time columns that are selected in seconds since 1970, independent of the session's time zone.
    pub time_columns: Vec<String>,
    /// Whether all rows belong to the tenant of the login, without a `TENANT_ID` column.
    pub own_rows_only: bool,
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
    #[serde(default)]
    moments: Vec<String>,
}

/// Name of the tenant id column, which a view of one tenant does not have.
pub const TENANT_ID: &str = "TENANT_ID";

impl From<ViewEntry> for ViewByScope {
    fn from(entry: ViewEntry) -> Self {
        let tenant = entry.tenant_view.map(|name| {
            let own_rows = name != entry.view;
            let has = |column: &&String| !own_rows || *column != TENANT_ID;
            let columns = entry.columns.iter().filter(has).cloned().collect();
            VisibleView {
                name,
                columns,
                optional: entry.optional.clone(),
                time_columns: entry.moments.clone(),
                own_rows_only: own_rows,
            }
        });
        let ViewEntry { view: name, columns, optional, moments, .. } = entry;
        let sys = VisibleView { name, columns, optional, time_columns: moments, own_rows_only: false };
        Self { sys, tenant }
    }
}

/// The files of the profiles, oldest first; a profile comes after the one it extends.
const PROFILE_FILES: [&str; 8] = [
    include_str!("../../../assets/lines/v2.2.60.yaml"),
    include_str!("../../../assets/lines/v2.2.77.yaml"),
    include_str!("../../../assets/lines/v3.1.0.yaml"),
    include_str!("../../../assets/lines/v3.1.1.yaml"),
    include_str!("../../../assets/lines/v3.1.3.yaml"),
    include_str!("../../../assets/lines/v3.2.yaml"),
    include_str!("../../../assets/lines/v4.yaml"),
    include_str!("../../../assets/lines/v4.2.1.yaml"),
];

static PROFILES: LazyLock<Result<Vec<ReleaseProfile>, String>> = LazyLock::new(|| {
    let mut lines: Vec<ReleaseProfile> = Vec::new();
    for text in PROFILE_FILES {
        let entry: ProfileEntry = serde_yaml::from_str(text).map_err(|error| error.to_string())?;
        lines.push(entry.complete(&lines)?);
    }
    Ok(lines)
});

impl ReleaseProfile {
    /// Returns the profile of a version, or the nearest one below it; `None` for a version older than every profile.
    #[must_use]
    pub fn for_version(version: &Version) -> Option<&'static Self> {
        let lines = PROFILES.as_ref().ok()?;
        let begun = |line: &&Self| line.from.parse::<Version>().is_ok_and(|from| *version >= from);
        lines.iter().find(|line| line.covers(version)).or_else(|| lines.iter().rev().find(begun))
    }

    /// Returns every profile.
    #[cfg(test)]
    pub(super) fn all() -> &'static [Self] {
        PROFILES.as_ref().map_or(&[], Vec::as_slice)
    }

    /// Returns its views as sys and as a tenant see them.
    #[cfg(test)]
    pub(super) fn views(&self) -> impl Iterator<Item = (ViewId, &VisibleView)> {
        self.views
            .iter()
            .flat_map(|(id, view)| std::iter::once(&view.sys).chain(&view.tenant).map(move |seen| (*id, seen)))
    }

    /// Returns whether a job carries the DESCRIPTION of its start.
    #[must_use]
    pub fn jobs_carry_description(&self) -> bool {
        self.backup_scope == BackupScope::PerTenant
    }

    fn covers(&self, version: &Version) -> bool {
        let (Ok(from), Ok(below)) = (self.from.parse::<Version>(), self.below.parse::<Version>()) else { return false };
        *version >= from && *version < below
    }

    /// Returns the template of a statement for a scope; `None` where that scope may not send it.
    #[must_use]
    pub fn template(&self, id: StatementId, scope: Scope) -> Option<&str> {
        Some(match (self.statements.get(&id)?, scope) {
            (StatementTemplate::Shared(words), _) => words,
            (StatementTemplate::PerScope(forms), Scope::Sys) => &forms.sys,
            (StatementTemplate::PerScope(forms), Scope::Tenant) => forms.tenant.as_ref()?,
        })
    }

    /// Returns a view as a scope sees it; `None` where it is not visible.
    #[must_use]
    pub fn view(&self, id: ViewId, scope: Scope) -> Option<&VisibleView> {
        let view = self.views.get(&id)?;
        match scope {
            Scope::Sys => Some(&view.sys),
            Scope::Tenant => view.tenant.as_ref(),
        }
    }
}
