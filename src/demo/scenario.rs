//! The scenarios: data that describes clusters, tenants and what is wrong, and the fleet made of it at a given moment.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use super::clock::{self, Moment, SECOND};
use super::fault::{Effect, Fault};
use super::fleet::{
    ArchiveDest, Cluster, DataDest, Engine, Fleet, LostReply, Port, Round, RoundStatus, Server, Set, Tenant, TenantJob,
};
use super::life;
use super::orders::{self, Order, destination};
use super::statement::{Alter, BackupScope};

/// Why a scenario cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    /// No such name.
    #[error("there is no scenario '{0}'; `obnow demo --list` shows them")]
    Unknown(String),
    /// The file that comes with the program cannot be read: a mistake of ours.
    #[error("scenario '{name}' is broken: {why}")]
    Broken {
        /// Which.
        name: String,
        /// Why.
        why: String,
    },
}

/// The scenarios by name, in the order of the list.
const SCENARIOS: [(&str, &str); 21] = [
    ("fleet", include_str!("../../assets/demo/scenarios/fleet.yaml")),
    ("healthy", include_str!("../../assets/demo/scenarios/healthy.yaml")),
    ("no-full", include_str!("../../assets/demo/scenarios/no-full.yaml")),
    ("silent-full", include_str!("../../assets/demo/scenarios/silent-full.yaml")),
    ("archiving-off", include_str!("../../assets/demo/scenarios/archiving-off.yaml")),
    ("no-destination", include_str!("../../assets/demo/scenarios/no-destination.yaml")),
    ("suspended", include_str!("../../assets/demo/scenarios/suspended.yaml")),
    ("archive-broken", include_str!("../../assets/demo/scenarios/archive-broken.yaml")),
    ("upgrading", include_str!("../../assets/demo/scenarios/upgrading.yaml")),
    ("busy", include_str!("../../assets/demo/scenarios/busy.yaml")),
    ("partial", include_str!("../../assets/demo/scenarios/partial.yaml")),
    ("lagging", include_str!("../../assets/demo/scenarios/lagging.yaml")),
    ("fails", include_str!("../../assets/demo/scenarios/fails.yaml")),
    ("stalls", include_str!("../../assets/demo/scenarios/stalls.yaml")),
    ("job-gone", include_str!("../../assets/demo/scenarios/job-gone.yaml")),
    ("lost-reply", include_str!("../../assets/demo/scenarios/lost-reply.yaml")),
    ("unreachable", include_str!("../../assets/demo/scenarios/unreachable.yaml")),
    ("login-refused", include_str!("../../assets/demo/scenarios/login-refused.yaml")),
    ("standby", include_str!("../../assets/demo/scenarios/standby.yaml")),
    ("encryption-lost", include_str!("../../assets/demo/scenarios/encryption-lost.yaml")),
    ("logical", include_str!("../../assets/demo/scenarios/logical.yaml")),
];

/// The default scenario.
pub const DEFAULT: &str = "fleet";

/// A scenario as it is written.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// One line for `obnow demo --list`.
    pub shows: String,
    /// Its clusters.
    pub clusters: Vec<ClusterEntry>,
    /// What is wrong.
    #[serde(default)]
    pub faults: Vec<Fault>,
    /// Replies that will be lost.
    #[serde(default)]
    pub lost_replies: Vec<LostReply>,
}

/// A cluster as it is written.
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
    /// User tenants; several of the same kind are named together.
    #[serde(default)]
    pub tenants: Vec<TenantEntry>,
    /// Backups that were started elsewhere.
    #[serde(default)]
    pub backups: Vec<BackupEntry>,
    /// Jobs in `DBA_OB_TENANT_JOBS`, by type.
    #[serde(default)]
    pub tenant_jobs: Vec<String>,
    /// Strategies of the inventory, as they are; `{data}` is the place's data folder.
    #[serde(default)]
    pub strategies: Vec<serde_yaml::Value>,
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

/// Tenants as they are written.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TenantEntry {
    /// Their names.
    pub names: Vec<String>,
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
    /// Both destinations are set.
    #[serde(default = "yes")]
    pub destinations: bool,
    /// The state of the archive: a word of the server, or none where there never was a round.
    #[serde(default = "default_archive")]
    pub archive: Option<RoundEntry>,
    /// How much there is to back up.
    #[serde(default = "default_megabytes")]
    pub megabytes: i64,
    /// Age of the backup sets, oldest first; the first is a full, the others increments.
    #[serde(default = "default_sets")]
    pub sets: Vec<String>,
    /// Where the sets are, if not at the present destination.
    #[serde(default)]
    pub sets_path: Option<String>,
    /// The data version the sets were made of, if not the present one.
    #[serde(default)]
    pub sets_version: Option<String>,
    /// Recovery window of the delete policy.
    #[serde(default)]
    pub recovery_window: Option<String>,
}

/// The archive states a tenant may begin with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RoundEntry {
    /// Archives.
    Doing,
    /// Was stopped an hour ago.
    Stop,
    /// Was paused an hour ago.
    Suspend,
    /// Broke an hour ago.
    Interrupted,
}

/// A backup that somebody else started.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BackupEntry {
    /// From sys, of these tenants.
    pub tenants: Vec<String>,
    /// Its DESCRIPTION.
    pub description: String,
    /// INC.
    #[serde(default)]
    pub incremental: bool,
    /// How long ago.
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
fn default_megabytes() -> i64 {
    1000
}
fn default_sets() -> Vec<String> {
    vec!["3d".to_owned(), "1d".to_owned()]
}
fn yes() -> bool {
    true
}

/// Name and one line of every scenario.
///
/// # Errors
/// When one of them cannot be read.
pub fn list() -> Result<Vec<(&'static str, String)>, ScenarioError> {
    SCENARIOS.iter().map(|(name, _)| Ok((*name, read(name)?.shows))).collect()
}

/// Reads a scenario.
///
/// # Errors
/// [`ScenarioError`].
pub fn read(name: &str) -> Result<Scenario, ScenarioError> {
    let found = SCENARIOS.iter().find(|(known, _)| *known == name);
    let (_, text) = found.ok_or_else(|| ScenarioError::Unknown(name.to_owned()))?;
    parse(name, text)
}

/// Reads a scenario from its text.
///
/// # Errors
/// [`ScenarioError::Broken`].
pub fn parse(name: &str, text: &str) -> Result<Scenario, ScenarioError> {
    serde_yaml::from_str(text).map_err(|error| broken(name, &error))
}

fn broken(name: &str, why: &dyn std::fmt::Display) -> ScenarioError {
    ScenarioError::Broken { name: name.to_owned(), why: why.to_string() }
}

/// What a fleet is made with.
#[derive(Debug, Clone)]
pub struct Making<'a> {
    /// The place's data folder.
    pub data: &'a Path,
    /// The TCP port of each server, cluster by cluster.
    pub ports: &'a [u16],
    /// How many times faster than by default.
    pub speed: u32,
    /// The password of every `root`.
    pub password: &'a str,
    /// The present.
    pub now: Moment,
}

impl Scenario {
    /// How many SQL ports it has.
    #[must_use]
    pub fn port_count(&self) -> usize {
        self.clusters.iter().map(|cluster| cluster.servers).sum()
    }

    /// Makes the fleet. Directories below the data folder are really made.
    ///
    /// # Errors
    /// [`ScenarioError::Broken`], also when a directory cannot be made.
    pub fn fleet(&self, name: &str, making: &Making<'_>) -> Result<Fleet, ScenarioError> {
        let mut faults = self.faults.clone();
        for fault in &mut faults {
            // What stands still stood already when the scenario began: long enough to be seen.
            let age = if fault.effect == Effect::CheckpointStands { 600 * SECOND } else { 0 };
            fault.since = making.now - age;
        }
        let mut fleet = Fleet {
            now: making.now,
            speed: making.speed.max(1),
            data: making.data.to_owned(),
            clusters: Vec::new(),
            endpoints: Vec::new(),
            faults,
            directories: BTreeMap::new(),
            drops: self.lost_replies.clone(),
            statements: Vec::new(),
            connected: 0,
            connections: Vec::new(),
        };
        let mut ports = making.ports.iter().copied();
        for (index, entry) in self.clusters.iter().enumerate() {
            let own: Vec<u16> = ports.by_ref().take(entry.servers).collect();
            for (server, port) in own.iter().enumerate() {
                fleet.endpoints.push(Port { cluster: index, server, port: *port, restarts: 0 });
            }
            fleet.clusters.push(entry.cluster(making, &own));
            settle(&mut fleet, index, entry, making.now).map_err(|why| broken(name, &why))?;
            for backup in &entry.backups {
                start(&mut fleet, index, backup, making.now).map_err(|why| broken(name, &why))?;
            }
        }
        life::advance(&mut fleet, making.now);
        Ok(fleet)
    }
}

impl ClusterEntry {
    fn cluster(&self, making: &Making<'_>, ports: &[u16]) -> Cluster {
        let started = making.now - 40 * 86_400 * SECOND;
        let server = |(sql_port, number): (&u16, u16)| Server {
            zone: format!("zone{number}"),
            svr_port: 2881 + number,
            sql_port: *sql_port,
            status: "ACTIVE".to_owned(),
            build_version: None,
            started,
        };
        let engine = match self.engine {
            EngineEntry::Community => Engine::Community,
            EngineEntry::Enterprise => Engine::Enterprise,
            EngineEntry::Seekdb => Engine::Seekdb,
        };
        let job = |job_type: &String| TenantJob {
            job_type: job_type.clone(),
            status: "INPROGRESS".to_owned(),
            start: making.now - 300 * SECOND,
        };
        let sys = self.tenant(1, "sys", None, started);
        Cluster {
            name: self.name.clone(),
            id: self.id,
            version: self.version.clone(),
            build: self.build.clone(),
            engine,
            line: self.line.clone(),
            password: making.password.to_owned(),
            servers: ports.iter().zip(1..).map(server).collect(),
            tenants: vec![sys],
            parameters: BTreeMap::new(),
            jobs: Vec::new(),
            events: Vec::new(),
            tenant_jobs: self.tenant_jobs.iter().map(job).collect(),
            last_job_id: BTreeMap::new(),
            last_dest_id: 0,
        }
    }

    fn tenant(&self, id: i64, name: &str, entry: Option<&TenantEntry>, created: Moment) -> Tenant {
        let word = |get: fn(&TenantEntry) -> &String, otherwise: &str| {
            entry.map_or_else(|| otherwise.to_owned(), |entry| get(entry).clone())
        };
        Tenant {
            id,
            name: name.to_owned(),
            mode: word(|entry| &entry.mode, "MYSQL"),
            role: word(|entry| &entry.role, "PRIMARY"),
            status: word(|entry| &entry.status, "NORMAL"),
            recycled: entry.is_some_and(|entry| entry.recycled),
            archivelog: false,
            created,
            compatible: self.version.clone(),
            parameters: BTreeMap::new(),
            megabytes: entry.map_or(1000, |entry| entry.megabytes),
            data: None,
            archive: None,
            rounds: Vec::new(),
            sets: Vec::new(),
            recovery_window: entry.and_then(|entry| entry.recovery_window.clone()),
            frozen: (created, created),
        }
    }
}

/// Gives a cluster its user tenants, with what they had before the scenario begins.
fn settle(fleet: &mut Fleet, cluster: usize, entry: &ClusterEntry, now: Moment) -> Result<(), String> {
    let named = entry.tenants.iter().flat_map(|kind| kind.names.iter().map(move |name| (kind, name)));
    for ((kind, name), id) in named.zip((1002..).step_by(2)) {
        let created = now - 40 * 86_400 * SECOND;
        let meta = entry.tenant(id - 1, &format!("META${id}"), None, created);
        let tenant = entry.tenant(id, name, Some(kind), created);
        fleet.clusters[cluster].tenants.extend([meta, tenant]);
        if kind.destinations {
            let base = format!("file://{}/{}/{name}", fleet.data.display(), entry.name);
            let order = Order { cluster, tenant_id: 1, encrypted: false, at: created };
            let location = format!("LOCATION={base}/clog");
            destination::set_data(fleet, order, id, &format!("{base}/data")).map_err(|error| error.message)?;
            destination::set_archive(fleet, order, id, &location).map_err(|error| error.message)?;
        }
        if let Some(tenant) = fleet.clusters[cluster].tenant_mut(id) {
            remember(tenant, kind, now)?;
        }
    }
    Ok(())
}

/// The round and the sets a tenant has from before.
fn remember(tenant: &mut Tenant, kind: &TenantEntry, now: Moment) -> Result<(), String> {
    let day = 86_400 * SECOND;
    let (archive, data) = (tenant.archive.clone(), tenant.data.clone());
    if let Some((state, ArchiveDest { location, .. })) = kind.archive.zip(archive) {
        let hour_ago = now - 3600 * SECOND;
        let (status, frozen) = match state {
            RoundEntry::Doing => (RoundStatus::Doing, None),
            RoundEntry::Stop => (RoundStatus::Stop, Some(hour_ago)),
            RoundEntry::Suspend => (RoundStatus::Suspend, Some(hour_ago)),
            RoundEntry::Interrupted => (RoundStatus::Interrupted, Some(hour_ago)),
        };
        if let (RoundEntry::Suspend, Some(dest)) = (state, tenant.archive.as_mut()) {
            dest.enabled = false;
        }
        tenant.archivelog = status != RoundStatus::Stop;
        let start = now - 30 * day;
        tenant.rounds.push(Round {
            id: 1,
            status,
            dest_id: location.dest_id,
            path: location.path,
            start: Some(start),
            frozen,
            reached: frozen.unwrap_or(start),
            due: None,
            passing: 0,
            base_piece: 1,
            interval: day,
            comment: String::new(),
            pieces: BTreeMap::new(),
        });
    }
    let Some(DataDest { path, dest_id, .. }) = data else { return Ok(()) };
    let (path, dest_id) = kind.sets_path.clone().map_or((path, dest_id), |path| (path, 1));
    let compatible = kind.sets_version.as_ref().unwrap_or(&tenant.compatible).clone();
    for (age, id) in kind.sets.iter().zip(1..) {
        let age = clock::length(age).ok_or_else(|| format!("'{age}' is no length of time"))?;
        let start = now - age;
        let incremental = id > 1;
        let blocks = if incremental { kind.megabytes / 10 } else { kind.megabytes / 2 };
        tenant.sets.push(Set {
            id,
            dest_id,
            path: path.clone(),
            incremental,
            prev_full: i64::from(incremental),
            prev_inc: id - 1,
            start,
            end: Some(start + 120 * SECOND),
            status: "SUCCESS".to_owned(),
            file_status: "AVAILABLE".to_owned(),
            start_replay: start - 2 * SECOND,
            min_restore: Some(start + 119 * SECOND),
            plus_archivelog: false,
            encrypted: false,
            compatible: compatible.clone(),
            blocks,
            finished_blocks: blocks,
            result: 0,
            comment: String::new(),
        });
    }
    Ok(())
}

/// Starts a backup in the past; the life of the fleet brings it to the present.
fn start(fleet: &mut Fleet, cluster: usize, backup: &BackupEntry, now: Moment) -> Result<(), String> {
    let age = clock::length(&backup.age).ok_or_else(|| format!("'{}' is no length of time", backup.age))?;
    let order = Order { cluster, tenant_id: 1, encrypted: false, at: now - age };
    let alter = Alter::Backup {
        incremental: backup.incremental,
        scope: BackupScope::Tenants(backup.tenants.clone()),
        to: None,
        plus_archivelog: false,
        description: Some(backup.description.clone()),
    };
    fleet.now = order.at;
    orders::carry_out(fleet, order, &alter).map_err(|error| error.message)
}
