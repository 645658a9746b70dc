//! Builds a fleet from a scenario at a given time, with rounds and sets from before.

mod legacy;

use std::collections::BTreeMap;
use std::path::Path;

use crate::demo::alter::{self, Issuer, destination};
use crate::demo::clock::{self, Micros, SECOND};
use crate::demo::fault_injection::FaultEffect;
use crate::demo::fleet::{
    ArchiveDest, BackupSet, Cluster, DestState, Engine, Fleet, LegacySetColumns, Round, RoundStatus, Server, SqlPort,
    Tenant, TenantJob, TenantKind,
};
use crate::demo::release_line;
use crate::demo::simulation;
use crate::demo::statement::{Alter, BackupScope};
use crate::demo::stored_backups::{self, StoredBackups};

use super::{BackupEntry, ClusterEntry, EngineEntry, RoundEntry, Scenario, ScenarioError, TenantEntry, broken};

/// The settings that a fleet is built with.
#[derive(Debug, Clone)]
pub struct FleetSettings<'a> {
    /// The fleet's data directory.
    pub data: &'a Path,
    /// The TCP port of each server, cluster by cluster.
    pub ports: &'a [u16],
    /// How many times faster than by default.
    pub speed: u32,
    /// The password of every `root`.
    pub password: &'a str,
    /// The present time.
    pub now: Micros,
}

impl Scenario {
    /// Returns how many SQL ports the scenario needs.
    #[must_use]
    pub fn port_count(&self) -> usize {
        self.clusters.iter().map(|cluster| cluster.servers).sum()
    }

    /// Builds the fleet. Directories below the data directory are created.
    ///
    /// # Errors
    /// [`ScenarioError::Broken`], also when a directory cannot be created.
    pub fn build_fleet(&self, name: &str, settings: &FleetSettings<'_>) -> Result<Fleet, ScenarioError> {
        let mut faults = self.faults.clone();
        for fault in &mut faults {
            // A stalled checkpoint stalled before the scenario began: long enough to be detected.
            let age = if fault.effect == FaultEffect::CheckpointStalled { 600 * SECOND } else { 0 };
            fault.since = settings.now - age;
        }
        let mut fleet = Fleet {
            time_zone: "+08:00".to_owned(),
            system_time_zone: "+08:00".to_owned(),
            now: settings.now,
            speed: settings.speed.max(1),
            data_dir: settings.data.to_owned(),
            clusters: Vec::new(),
            endpoints: Vec::new(),
            faults,
            directory_owners: BTreeMap::new(),
            lost_replies: self.lost_replies.clone(),
            reply_holds: Vec::new(),
            held_statements: Vec::new(),
            held_count: 0,
            statements: Vec::new(),
            connections_opened: 0,
            connections: Vec::new(),
        };
        let mut ports = settings.ports.iter().copied();
        for (index, entry) in self.clusters.iter().enumerate() {
            let own: Vec<u16> = ports.by_ref().take(entry.servers).collect();
            for (server, port) in own.iter().enumerate() {
                fleet.endpoints.push(SqlPort { cluster: index, server, port: *port, restarts: 0 });
            }
            fleet.clusters.push(entry.build_cluster(settings, &own, index).map_err(|why| broken(name, &why))?);
            if fleet.clusters[index].line.is_legacy() {
                legacy::add_tenants(&mut fleet, index, entry, settings.now).map_err(|why| broken(name, &why))?;
            } else {
                add_tenants(&mut fleet, index, entry, settings.now).map_err(|why| broken(name, &why))?;
            }
            store_earlier_sets(&mut fleet.clusters[index], entry);
            for backup in &entry.backups {
                start_earlier_backup(&mut fleet, index, backup, settings.now).map_err(|why| broken(name, &why))?;
            }
        }
        simulation::advance(&mut fleet, settings.now);
        Ok(fleet)
    }
}

impl ClusterEntry {
    fn build_cluster(&self, settings: &FleetSettings<'_>, ports: &[u16], index: usize) -> Result<Cluster, String> {
        let started = settings.now - 40 * 86_400 * SECOND;
        let line = release_line::find(&self.line).ok_or_else(|| format!("there is no line '{}'", self.line))?;
        let down = |zone: &String| self.inactive.contains(zone);
        let server = |(sql_port, number): (&u16, u16)| Server {
            zone: format!("zone{number}"),
            svr_port: 2881 + number,
            sql_port: *sql_port,
            status: if down(&format!("zone{number}")) { "INACTIVE" } else { "ACTIVE" }.to_owned(),
            build_version: self.builds.get(&format!("zone{number}")).cloned(),
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
            start: settings.now - 300 * SECOND,
        };
        // Precise to the microsecond and different for each cluster: with its id it identifies a cluster.
        let before = i64::try_from(index).unwrap_or_default() * SECOND;
        let sys = self.build_tenant(1, "sys", None, started - before);
        Ok(Cluster {
            name: self.name.clone(),
            id: self.id,
            version: self.version.clone(),
            build: self.build.clone(),
            engine,
            line,
            users: self.accounts.clone(),
            password: settings.password.to_owned(),
            servers: ports.iter().zip(1..).map(server).collect(),
            tenants: vec![sys],
            parameters: self.parameters.clone(),
            foreign_sessions: self.sessions.clone(),
            jobs: Vec::new(),
            events: Vec::new(),
            tenant_jobs: self.tenant_jobs.iter().map(job).collect(),
            last_job_id: BTreeMap::new(),
            last_dest_id: 0,
            legacy: None,
            stored_backups: StoredBackups::default(),
        })
    }

    fn build_tenant(&self, id: i64, name: &str, entry: Option<&TenantEntry>, created: Micros) -> Tenant {
        let word = |get: fn(&TenantEntry) -> &String, otherwise: &str| {
            entry.map_or_else(|| otherwise.to_owned(), |entry| get(entry).clone())
        };
        Tenant {
            id,
            kind: if id == 1 { TenantKind::Sys } else { TenantKind::User },
            name: name.to_owned(),
            mode: word(|entry| &entry.mode, "MYSQL"),
            role: word(|entry| &entry.role, "PRIMARY"),
            status: word(|entry| &entry.status, "NORMAL"),
            recycled: entry.is_some_and(|entry| entry.recycled),
            archivelog: false,
            created,
            compatible: self.version.clone(),
            parameters: entry.map_or_else(BTreeMap::new, |entry| entry.parameters.clone()),
            megabytes: entry.map_or(1000, |entry| entry.megabytes),
            data_dest: None,
            archive_dest: None,
            registered_dests: Vec::new(),
            rounds: Vec::new(),
            sets: Vec::new(),
            recovery_window: entry.and_then(|entry| entry.recovery_window.clone()),
            major_freeze: (created, created),
            local_timestamps: entry.is_some_and(|entry| entry.local_timestamps),
        }
    }
}

/// Adds a cluster's user tenants, with their rounds and sets from before the scenario.
fn add_tenants(fleet: &mut Fleet, cluster: usize, entry: &ClusterEntry, now: Micros) -> Result<(), String> {
    for ((name, kind), id) in entry.named_tenants().zip((1002..).step_by(2)) {
        let created = now - 40 * 86_400 * SECOND;
        let meta =
            Tenant { kind: TenantKind::Meta, ..entry.build_tenant(id - 1, &format!("META${id}"), None, created) };
        let tenant = entry.build_tenant(id, &name, Some(kind), created);
        fleet.clusters[cluster].tenants.extend([meta, tenant]);
        if kind.destinations {
            let base = format!("file://{}/{}/{name}", fleet.data_dir.display(), entry.name);
            let issuer = Issuer { cluster, tenant_id: 1, encrypted: false, at: created };
            let location = format!("LOCATION={base}/clog");
            destination::set_data_dest(fleet, issuer, id, &format!("{base}/data")).map_err(|error| error.message)?;
            destination::set_archive_dest(fleet, issuer, id, &location).map_err(|error| error.message)?;
        }
        if let Some(tenant) = fleet.clusters[cluster].tenant_mut(id) {
            add_history(tenant, kind, now)?;
        }
    }
    Ok(())
}

/// Adds the round and the sets that a tenant has from before the scenario.
fn add_history(tenant: &mut Tenant, kind: &TenantEntry, now: Micros) -> Result<(), String> {
    let day = 86_400 * SECOND;
    let (archive, data) = (tenant.archive_dest.clone(), tenant.data_dest.clone());
    if let Some((state, ArchiveDest { location, .. })) = kind.archive.zip(archive) {
        let hour_ago = now - 3600 * SECOND;
        let (status, frozen) = match state {
            RoundEntry::Doing => (RoundStatus::Doing, None),
            RoundEntry::Stop => (RoundStatus::Stop, Some(hour_ago)),
            RoundEntry::Suspend => (RoundStatus::Suspend, Some(hour_ago)),
            RoundEntry::Interrupted => (RoundStatus::Interrupted, Some(hour_ago)),
        };
        if let Some(dest) = tenant.archive_dest.as_mut() {
            dest.state = if state == RoundEntry::Suspend { DestState::Defer } else { DestState::Enable };
        }
        tenant.archivelog = status != RoundStatus::Stop;
        let age = clock::parse_duration(&kind.archive_age);
        let start = now - age.ok_or_else(|| format!("'{}' is no length of time", kind.archive_age))?;
        tenant.rounds.push(Round {
            id: 1,
            status,
            dest_id: location.dest_id,
            path: location.path_column(),
            start: Some(start),
            frozen_checkpoint: frozen,
            reached_checkpoint: frozen.unwrap_or(start),
            furthest_stream: frozen.unwrap_or(start),
            transition_at: None,
            transition_time: 0,
            base_piece: 1,
            piece_interval: day,
            comment: String::new(),
            piece_file_statuses: BTreeMap::new(),
        });
    }
    let Some(dest) = data else { return Ok(()) };
    let (path, dest_id) = (dest.path_column(), dest.dest_id);
    let (path, dest_id) = kind.sets_path.clone().map_or((path, dest_id), |path| (path, 1));
    let compatible = kind.sets_version.as_ref().unwrap_or(&tenant.compatible).clone();
    for (age, id) in kind.sets.iter().zip(1..) {
        let age = clock::parse_duration(age).ok_or_else(|| format!("'{age}' is no length of time"))?;
        let start = now - age;
        let incremental = id > 1;
        let blocks = if incremental { kind.megabytes / 10 } else { kind.megabytes / 2 };
        tenant.sets.push(BackupSet {
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
            encrypted: kind.set_passwords.contains_key(&id),
            compatible: compatible.clone(),
            blocks,
            finished_blocks: blocks,
            result: 0,
            comment: String::new(),
            legacy: LegacySetColumns::default(),
        });
    }
    Ok(())
}

/// Writes the info files of the sets from before the scenario, and removes the unlisted ones from the views.
fn store_earlier_sets(cluster: &mut Cluster, entry: &ClusterEntry) {
    let kinds: BTreeMap<String, &TenantEntry> = entry.named_tenants().collect();
    for tenant_id in cluster.tenants.iter().map(|tenant| tenant.id).collect::<Vec<_>>() {
        let Some(tenant) = cluster.tenant_by_id(tenant_id) else { continue };
        let kind = kinds.get(&tenant.name).copied();
        for set in tenant.sets.clone() {
            let password = kind.and_then(|kind| kind.set_passwords.get(&set.id));
            stored_backups::write_earlier_set_info(cluster, tenant_id, &set, password.map(String::as_str));
        }
        if let (Some(tenant), Some(kind)) = (cluster.tenant_mut(tenant_id), kind) {
            tenant.sets.retain(|set| !kind.sets_unlisted.contains(&set.id));
        }
    }
}

/// Starts a backup in the past; the simulation advances it to the present.
fn start_earlier_backup(fleet: &mut Fleet, cluster: usize, backup: &BackupEntry, now: Micros) -> Result<(), String> {
    let age = clock::parse_duration(&backup.age).ok_or_else(|| format!("'{}' is no length of time", backup.age))?;
    let issuer = Issuer { cluster, tenant_id: 1, encrypted: false, at: now - age };
    // On V2.2 and V3 it is one of the whole cluster, without a description.
    let is_legacy = fleet.clusters[cluster].line.is_legacy();
    let scope = if is_legacy { BackupScope::Database } else { BackupScope::Tenants(backup.tenants.clone()) };
    let alter = Alter::Backup {
        incremental: backup.incremental,
        scope,
        to: None,
        plus_archivelog: false,
        description: Some(backup.description.clone()),
    };
    fleet.now = issuer.at;
    alter::execute(fleet, issuer, &alter).map_err(|error| error.message)
}
