//! The scenarios: YAML that describes clusters, tenants and faults, from which a fleet is built.

mod fleet_builder;

use std::collections::BTreeMap;

use serde::Deserialize;

use super::accounts::User;
use super::fault_injection::InjectedFault;
use super::fleet::{ForeignSession, LostReply};

pub use fleet_builder::FleetSettings;

/// Why a scenario cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    /// No such name.
    #[error("there is no scenario '{0}'; `obnow demo --list` shows them")]
    Unknown(String),
    /// The scenario cannot be parsed or built.
    #[error("scenario '{name}' is broken: {why}")]
    Broken {
        /// Which.
        name: String,
        /// Why.
        why: String,
    },
}

/// The scenarios by name, in the order of the list.
const SCENARIOS: [(&str, &str); 31] = [
    ("fleet", include_str!("../../assets/demo/scenarios/fleet.yaml")),
    ("healthy", include_str!("../../assets/demo/scenarios/healthy.yaml")),
    ("no-full", include_str!("../../assets/demo/scenarios/no-full.yaml")),
    ("silent-full", include_str!("../../assets/demo/scenarios/silent-full.yaml")),
    ("archiving-off", include_str!("../../assets/demo/scenarios/archiving-off.yaml")),
    ("no-destination", include_str!("../../assets/demo/scenarios/no-destination.yaml")),
    ("suspended", include_str!("../../assets/demo/scenarios/suspended.yaml")),
    ("archive-broken", include_str!("../../assets/demo/scenarios/archive-broken.yaml")),
    ("upgrading", include_str!("../../assets/demo/scenarios/upgrading.yaml")),
    ("mixed-builds", include_str!("../../assets/demo/scenarios/mixed-builds.yaml")),
    ("busy", include_str!("../../assets/demo/scenarios/busy.yaml")),
    ("partial", include_str!("../../assets/demo/scenarios/partial.yaml")),
    ("lagging", include_str!("../../assets/demo/scenarios/lagging.yaml")),
    ("bad-storage", include_str!("../../assets/demo/scenarios/bad-storage.yaml")),
    ("never-restorable", include_str!("../../assets/demo/scenarios/never-restorable.yaml")),
    ("fails", include_str!("../../assets/demo/scenarios/fails.yaml")),
    ("stalls", include_str!("../../assets/demo/scenarios/stalls.yaml")),
    ("job-gone", include_str!("../../assets/demo/scenarios/job-gone.yaml")),
    ("lost-reply", include_str!("../../assets/demo/scenarios/lost-reply.yaml")),
    ("unreachable", include_str!("../../assets/demo/scenarios/unreachable.yaml")),
    ("login-refused", include_str!("../../assets/demo/scenarios/login-refused.yaml")),
    ("no-privilege", include_str!("../../assets/demo/scenarios/no-privilege.yaml")),
    ("standby", include_str!("../../assets/demo/scenarios/standby.yaml")),
    ("encryption-lost", include_str!("../../assets/demo/scenarios/encryption-lost.yaml")),
    ("media-lost", include_str!("../../assets/demo/scenarios/media-lost.yaml")),
    ("wrong-password", include_str!("../../assets/demo/scenarios/wrong-password.yaml")),
    ("needs-compaction", include_str!("../../assets/demo/scenarios/needs-compaction.yaml")),
    ("tenant-gate", include_str!("../../assets/demo/scenarios/tenant-gate.yaml")),
    ("logical", include_str!("../../assets/demo/scenarios/logical.yaml")),
    ("managed", include_str!("../../assets/demo/scenarios/managed.yaml")),
    ("thousand", include_str!("../../assets/demo/scenarios/thousand.yaml")),
];

/// The default scenario.
pub const DEFAULT: &str = "fleet";

/// A scenario as it is written in YAML.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// One line for `obnow demo --list`.
    #[serde(rename = "shows")]
    pub summary: String,
    /// Its clusters.
    pub clusters: Vec<ClusterEntry>,
    /// Its faults.
    #[serde(default)]
    pub faults: Vec<InjectedFault>,
    /// Replies that will be lost.
    #[serde(default)]
    pub lost_replies: Vec<LostReply>,
}

/// A cluster as it is written in a scenario.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClusterEntry {
    /// The name.
    pub name: String,
    /// The id.
    pub id: i64,
    /// For the inventory.
    #[serde(default = "default_environment")]
    pub environment: String,
    /// `4.2.5.1`.
    #[serde(default = "default_version")]
    pub version: String,
    /// Build number; for seekdb its own version.
    #[serde(default = "default_build")]
    pub build: String,
    /// `community`, `enterprise` or `seekdb`.
    #[serde(default)]
    pub engine: EngineEntry,
    /// The key of the views.
    #[serde(default = "default_line")]
    pub line: String,
    /// How many servers, one a zone.
    #[serde(default = "default_servers")]
    pub servers: usize,
    /// User tenants; several with the same properties are one entry.
    #[serde(default)]
    pub tenants: Vec<TenantEntry>,
    /// Backups that were started elsewhere.
    #[serde(default)]
    pub backups: Vec<BackupEntry>,
    /// Jobs in `DBA_OB_TENANT_JOBS`, by type.
    #[serde(default)]
    pub tenant_jobs: Vec<String>,
    /// The initial state of a cluster of V2.2 or V3, whose tenants have no destinations, archives or sets of their own.
    #[serde(default)]
    #[serde(rename = "whole")]
    pub legacy: LegacyEntry,
    /// Zones whose server is shown as inactive.
    #[serde(default)]
    pub inactive: Vec<String>,
    /// Builds of servers that run another one than the cluster, by zone.
    #[serde(default)]
    pub builds: BTreeMap<String, String>,
    /// Users beside `root`.
    #[serde(default)]
    pub accounts: Vec<User>,
    /// Configuration items of a V4 cluster that are not at their defaults.
    #[serde(default)]
    pub parameters: BTreeMap<String, String>,
    /// Sessions of other programs in the list of processes.
    #[serde(default)]
    pub sessions: Vec<ForeignSession>,
    /// The inventory's entries for it; by default one of its own name for `root@sys`.
    #[serde(default)]
    pub logins: Vec<LoginEntry>,
    /// Strategies of the inventory, copied; `{data}` is the fleet's data directory.
    #[serde(default)]
    pub strategies: Vec<serde_yaml::Value>,
}

/// An entry of the inventory.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoginEntry {
    /// What the inventory calls the cluster.
    pub name: String,
    /// The user that logs in.
    pub user: String,
}

/// The engines by name.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EngineEntry {
    /// Community edition.
    #[default]
    Community,
    /// Enterprise edition.
    Enterprise,
    /// seekdb.
    Seekdb,
}

/// Tenants as they are written in a scenario.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TenantEntry {
    /// Their names.
    pub names: Vec<String>,
    /// Each name stands for this many tenants, with a suffix of four digits; 0: for one tenant of that name.
    #[serde(default)]
    pub numbered: usize,
    /// `MYSQL` or `ORACLE`.
    #[serde(default = "default_mode")]
    pub mode: String,
    /// `PRIMARY`, `STANDBY`, ..
    #[serde(default = "default_role")]
    pub role: String,
    /// `NORMAL`, ..
    #[serde(default = "default_status")]
    pub status: String,
    /// In the recycle bin.
    #[serde(default)]
    pub recycled: bool,
    /// Whether both destinations are set.
    #[serde(default = "yes")]
    pub destinations: bool,
    /// The state of the archive: a word of the server, or none where there never was a round.
    #[serde(default = "default_archive")]
    pub archive: Option<RoundEntry>,
    /// How long ago the archive round began.
    #[serde(default = "default_archive_age")]
    pub archive_age: String,
    /// How much there is to back up, in MB.
    #[serde(default = "default_megabytes")]
    pub megabytes: i64,
    /// Age of the backup sets, oldest first; the first is a full, the others increments.
    #[serde(default = "default_sets")]
    pub sets: Vec<String>,
    /// Where the sets are, if not at the present destination.
    #[serde(default)]
    pub sets_path: Option<String>,
    /// The data version of the sets, if not the present one.
    #[serde(default)]
    pub sets_version: Option<String>,
    /// The passwords of the sets that are encrypted, by id.
    #[serde(default)]
    pub set_passwords: BTreeMap<i64, String>,
    /// The ids of sets that are on the storage and in no view any more.
    #[serde(default)]
    pub sets_unlisted: Vec<i64>,
    /// Recovery window of the delete policy.
    #[serde(default)]
    pub recovery_window: Option<String>,
    /// Configuration items of the tenant that are not at their defaults.
    #[serde(default)]
    pub parameters: BTreeMap<String, String>,
    /// V2.2 and V3: the tenant has timestamps of its own, LTS.
    #[serde(default)]
    pub local_timestamps: bool,
}

impl ClusterEntry {
    /// Returns every user tenant's name and entry, in the order of the ids.
    fn named_tenants(&self) -> impl Iterator<Item = (String, &TenantEntry)> {
        self.tenants.iter().flat_map(|kind| {
            kind.names.iter().flat_map(move |name| {
                let numbers = if kind.numbered == 0 { 0..=0 } else { 1..=kind.numbered };
                numbers.map(move |number| {
                    let called = if number == 0 { name.clone() } else { format!("{name}_{number:04}") };
                    (called, kind)
                })
            })
        })
    }
}

/// The initial state of a cluster of V2.2 or V3.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LegacyEntry {
    /// `backup_dest` is set.
    pub destination: bool,
    /// The state of the archive: a word of the server, or none where there never was a round.
    pub archive: Option<RoundEntry>,
    /// How long ago the archive round began.
    pub archive_age: String,
    /// Age of the backup sets, oldest first; the first is a full, the others increments.
    pub sets: Vec<String>,
    /// Where the sets are, if not at the present destination.
    pub sets_path: Option<String>,
    /// Age of the major freezes, oldest first.
    pub frozen: Vec<String>,
    /// `PRIMARY` or `PHYSICAL STANDBY`.
    pub role: String,
    /// Parameters that were set.
    pub parameters: BTreeMap<String, String>,
}

impl Default for LegacyEntry {
    fn default() -> Self {
        Self {
            destination: true,
            archive: Some(RoundEntry::Doing),
            archive_age: default_archive_age(),
            sets: default_sets(),
            sets_path: None,
            frozen: ["2d", "1d", "10h"].map(str::to_owned).to_vec(),
            role: default_role(),
            parameters: BTreeMap::new(),
        }
    }
}

/// The initial states of an archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RoundEntry {
    /// Archives.
    Doing,
    /// Was stopped an hour ago.
    Stop,
    /// Was paused an hour ago.
    Suspend,
    /// Was interrupted an hour ago.
    Interrupted,
}

/// A backup that another client started.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BackupEntry {
    /// The tenants; sys started it.
    pub tenants: Vec<String>,
    /// Its DESCRIPTION.
    pub description: String,
    /// INC.
    #[serde(default)]
    pub incremental: bool,
    /// How long ago it was started.
    pub age: String,
}

fn default_environment() -> String {
    "test".to_owned()
}
fn default_version() -> String {
    "4.2.5.1".to_owned()
}
fn default_build() -> String {
    "101000092024120918".to_owned()
}
fn default_line() -> String {
    "4.2.5".to_owned()
}
fn default_servers() -> usize {
    3
}
fn default_mode() -> String {
    "MYSQL".to_owned()
}
fn default_role() -> String {
    "PRIMARY".to_owned()
}
fn default_status() -> String {
    "NORMAL".to_owned()
}
// What serde calls for a field that is not there must return the field's own type.
#[allow(clippy::unnecessary_wraps, reason = "an archive that was never on is written as null")]
fn default_archive() -> Option<RoundEntry> {
    Some(RoundEntry::Doing)
}
fn default_archive_age() -> String {
    "30d".to_owned()
}
fn default_megabytes() -> i64 {
    1000
}
fn default_sets() -> Vec<String> {
    vec!["3d".to_owned(), "1d".to_owned()]
}
fn yes() -> bool {
    true
}

/// Returns the name and the summary of every scenario.
///
/// # Errors
/// When one of them cannot be read.
pub fn list() -> Result<Vec<(&'static str, String)>, ScenarioError> {
    SCENARIOS.iter().map(|(name, _)| Ok((*name, read(name)?.summary))).collect()
}

/// Parses a scenario by name.
///
/// # Errors
/// [`ScenarioError`].
pub fn read(name: &str) -> Result<Scenario, ScenarioError> {
    let found = SCENARIOS.iter().find(|(known, _)| *known == name);
    let (_, text) = found.ok_or_else(|| ScenarioError::Unknown(name.to_owned()))?;
    parse(name, text)
}

/// Parses a scenario from its text.
///
/// # Errors
/// [`ScenarioError::Broken`].
pub fn parse(name: &str, text: &str) -> Result<Scenario, ScenarioError> {
    serde_yaml::from_str(text).map_err(|error| broken(name, &error))
}

fn broken(name: &str, why: &dyn std::fmt::Display) -> ScenarioError {
    ScenarioError::Broken { name: name.to_owned(), why: why.to_string() }
}
