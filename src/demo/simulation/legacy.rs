//! Simulates a cluster of V2.2 or V3: one backup and one archive for all of its tenants, and merges of the whole cluster, zone
//! by zone.

use std::collections::BTreeMap;

use crate::demo::clock::{self, Micros};
use crate::demo::fault_injection::{ClusterFaults, FaultEffect, InjectedFault};
use crate::demo::fleet::{
    BackupSet, Cluster, Fleet, Freeze, Job, JobStatus, LegacySetColumns, LegacyState, Round, RoundStatus, Tenant,
};

use super::archive;
use super::clock_time;

/// Milliseconds of work that a zone needs to merge a version.
const ZONE_MERGE_WORK: Micros = 1500;

/// Increments that may follow a full; the next one is a full itself.
const MAX_INCREMENTS: usize = 64;

/// Returns the destination of the cluster's backups and archive: `backup_dest` on the server of the root service.
#[must_use]
pub fn destination(cluster: &Cluster) -> &str {
    cluster.parameters.get("backup_dest").map_or("", String::as_str)
}

/// Advances the merge of a cluster to a point in time.
pub(super) fn step_merge(cluster: &mut Cluster, faults: &[InjectedFault], speed: u32, at: Micros) {
    let faults = ClusterFaults { all: faults, cluster: &cluster.name };
    let Some(legacy) = cluster.legacy.as_mut() else { return };
    let Some(zone) = legacy.merge.zone else { return };
    if !is_merge_stalled(faults, zone) {
        legacy.merge.work_done += (at - legacy.merge.accounted_until).max(0) * Micros::from(speed);
    }
    legacy.merge.accounted_until = at;
    if legacy.merge.work_done < ZONE_MERGE_WORK * 1000 {
        return;
    }
    let version = legacy.merge.version;
    legacy.merge.work_done = 0;
    if let Some(merged) = legacy.merge.zones.get_mut(zone) {
        merged.merged_version = version;
        merged.at = at;
    }
    if let Some(next) = legacy.merge.zones.get_mut(zone + 1) {
        next.start = at;
        legacy.merge.zone = Some(zone + 1);
    } else {
        legacy.merge.zone = None;
        start_next_merge(legacy, at);
    }
}

/// Returns when the zone that is merging has finished.
pub(super) fn merge_due(cluster: &Cluster, faults: &[InjectedFault], speed: u32) -> Option<Micros> {
    let merge = &cluster.legacy.as_ref()?.merge;
    merge.zone.filter(|zone| !is_merge_stalled(ClusterFaults { all: faults, cluster: &cluster.name }, *zone))?;
    let speed = Micros::from(speed);
    Some(merge.accounted_until + (ZONE_MERGE_WORK * 1000 - merge.work_done + speed - 1).div_euclid(speed).max(0))
}

/// Returns whether the merge of a zone is stalled: by an error, or because a test holds it.
fn is_merge_stalled(faults: ClusterFaults<'_>, zone: usize) -> bool {
    has_merge_failed(faults, zone) || faults.holds_merge(zone)
}

/// Returns whether the merge of a zone has failed with an error.
#[must_use]
pub fn has_merge_failed(faults: ClusterFaults<'_>, zone: usize) -> bool {
    faults.has_effect(&FaultEffect::CompactionFails, Some(zone))
}

/// Returns the global `merge_status`; `None` on a line that merges tenant by tenant.
#[must_use]
pub fn merge_state(fleet: &Fleet, cluster: &Cluster) -> Option<&'static str> {
    let faults = ClusterFaults { all: &fleet.faults, cluster: &cluster.name };
    Some(match cluster.legacy.as_ref()?.merge.zone {
        None => "IDLE",
        Some(zone) if has_merge_failed(faults, zone) => "ERROR",
        Some(_) => "MERGING",
    })
}

fn start_next_merge(legacy: &mut LegacyState, at: Micros) {
    if legacy.merge.zone.is_none() && legacy.merge.version < legacy.last_freeze().version {
        legacy.merge.version += 1;
        legacy.merge.zone = Some(0);
        legacy.merge.work_done = 0;
        legacy.merge.accounted_until = at;
        legacy.merge.started = at;
        if let Some(first) = legacy.merge.zones.first_mut() {
            first.start = at;
        }
    }
}

/// Freezes a new version, and starts to merge it unless an older one is still being merged.
pub fn freeze(legacy: &mut LegacyState, at: Micros) {
    let version = legacy.last_freeze().version + 1;
    legacy.freezes.push(Freeze { version, at });
    start_next_merge(legacy, at);
}

/// Makes the transitions of the archive that are due, and records them in the event history.
pub(super) fn step_archive(cluster: &mut Cluster, faults: &[InjectedFault], speed: u32, at: Micros) {
    let state = |cluster: &Cluster| {
        let round = cluster.tenants.first().and_then(Tenant::current_round);
        round.map(|round| (round.id, round.status))
    };
    let before = state(cluster);
    archive::step_rounds(cluster, faults, speed, at);
    if let Some((round, status)) = state(cluster).filter(|now| cluster.line.is_legacy() && Some(*now) != before) {
        let items = vec![("new_status", status.as_str().to_owned()), ("round_id", round.to_string())];
        cluster.record_event(at, "log_archive", "change_status", items);
    }
}

/// Starts a new round, unless one is running or there is no destination.
pub fn start_round(cluster: &mut Cluster, speed: u32, at: Micros) {
    let path = destination(cluster).to_owned();
    let interval = dest_option(cluster, "log_archive_piece_switch_interval");
    let Some(sys) = cluster.tenant_mut(1) else { return };
    let over = sys.current_round().is_none_or(|round| round.status == RoundStatus::Stop);
    if !over || path.is_empty() {
        return;
    }
    let id = sys.current_round().map_or(0, |round| round.id) + 1;
    let passing = 2 * clock_time(archive::TRANSITION_WORK, speed);
    let interval = interval.as_deref().and_then(clock::parse_duration).filter(|length| *length > 0);
    sys.rounds.push(Round {
        id,
        status: RoundStatus::Beginning,
        dest_id: 0,
        path,
        start: None,
        frozen_checkpoint: None,
        reached_checkpoint: 0,
        furthest_stream: 0,
        transition_at: Some(at + passing),
        transition_time: passing,
        base_piece: if interval.is_none() { 0 } else { sys.current_round().map_or(1, next_piece) },
        // Without a switch there is one piece that never ends.
        piece_interval: interval.unwrap_or(Micros::MAX / 4),
        comment: String::new(),
        piece_file_statuses: BTreeMap::new(),
    });
    let items = vec![("status", "BEGINNING".to_owned()), ("round_id", id.to_string()), ("result", "0".to_owned())];
    cluster.record_event(at, "log_archive", "handle_start_log_archive", items);
}

fn next_piece(last: &Round) -> i64 {
    archive::last_piece(last, last.reached_checkpoint) + 1
}

/// Begins to end the current round.
pub fn stop_round(cluster: &mut Cluster, faults: &[InjectedFault], speed: u32, at: Micros) {
    archive::leave_round(cluster, 1, RoundStatus::Stopping, faults, speed, at);
    let items = vec![("status", "STOPPING".to_owned()), ("result", "0".to_owned())];
    cluster.record_event(at, "log_archive", "handle_stop_log_archive", items);
}

/// Returns the value of a key of `backup_dest_option`.
#[must_use]
pub fn dest_option(cluster: &Cluster, key: &str) -> Option<String> {
    let text = cluster.parameters.get("backup_dest_option")?;
    text.split('&').find_map(|pair| pair.strip_prefix(key)?.strip_prefix('=').map(str::to_owned))
}

/// Returns the id of the next set, of the cluster or of tenants.
#[must_use]
pub fn next_set_id(cluster: &Cluster) -> i64 {
    let sets = cluster.tenants.iter().flat_map(|tenant| &tenant.sets).map(|set| set.id);
    sets.chain(cluster.jobs.iter().map(|job| job.set_id)).max().unwrap_or(0) + 1
}

/// Returns the base of a tenant's next increment: the latest good set of the whole cluster at this destination, with no more
/// than 64 increments, failed ones too, after the last full. No round is compared.
#[must_use]
pub fn increment_base<'a>(cluster: &Cluster, tenant: &'a Tenant) -> Option<&'a BackupSet> {
    let path = destination(cluster);
    let entries = || tenant.sets.iter().rev().filter(|set| !set.legacy.of_tenants && set.path == path);
    let since = entries().take_while(|set| set.incremental).count();
    let latest = entries().find(|set| set.status == "SUCCESS" && set.file_status == "AVAILABLE");
    latest.filter(|_| since <= MAX_INCREMENTS)
}

/// Starts the cluster's own row, and queues a job for every tenant.
pub(super) fn start_tenants(cluster: &mut Cluster, index: usize, at: Micros) {
    start_set(cluster, index, at);
    let parent = &mut cluster.jobs[index];
    parent.status = JobStatus::Doing;
    parent.work_done = 0;
    let parent = parent.clone();
    for tenant_id in &parent.executors {
        let id = cluster.allocate_job_id(*tenant_id);
        cluster.jobs.push(Job {
            tenant_id: *tenant_id,
            id,
            initiator_job_id: parent.id,
            executors: vec![*tenant_id],
            accounted_until: at,
            status: JobStatus::Init,
            ..parent.clone()
        });
    }
}

/// Starts a tenant's part of the set, or with the sys job the cluster's; an increment without a base silently becomes a full.
pub(super) fn start_set(cluster: &mut Cluster, index: usize, at: Micros) {
    let job = cluster.jobs[index].clone();
    let frozen = cluster.legacy.as_ref().map_or(1, |legacy| legacy.last_freeze().version);
    let Some(tenant) = cluster.tenant_by_id(job.tenant_id) else { return };
    let base = increment_base(cluster, tenant).filter(|_| job.incremental);
    let incremental = base.is_some();
    let (prev_full, prev_inc) =
        base.map_or((0, 0), |base| (if base.incremental { base.prev_full } else { base.id }, base.id));
    let round = cluster.round_of(tenant);
    let replay = round.and_then(|round| round.start).map_or(job.start, |start| start.max(job.start - 2_000_000));
    let share = if incremental { 5 } else { 1 };
    let set = BackupSet {
        id: job.set_id,
        dest_id: 0,
        path: job.path.clone(),
        incremental,
        prev_full,
        prev_inc,
        start: at,
        end: None,
        status: "DOING".to_owned(),
        file_status: "INCOMPLETE".to_owned(),
        start_replay: replay.min(job.start),
        // The snapshot is taken when the statement is accepted.
        min_restore: Some(job.start),
        plus_archivelog: false,
        encrypted: job.encrypted,
        compatible: tenant.compatible.clone(),
        blocks: if job.tenant_id == 1 { 0 } else { (tenant.megabytes / 2 / share).max(1) },
        finished_blocks: 0,
        result: 0,
        comment: String::new(),
        legacy: LegacySetColumns {
            round: round.map_or(0, |round| round.id),
            data_version: frozen,
            of_tenants: job.of_tenants,
        },
    };
    if let Some(tenant) = cluster.tenant_mut(job.tenant_id) {
        tenant.sets.push(set);
    }
    let job = &mut cluster.jobs[index];
    job.incremental = incremental;
    job.status = JobStatus::Doing;
    let (event, items) = if job.tenant_id == 1 {
        ("schedule_backup", vec![("tenant_count", job.executors.len().to_string())])
    } else {
        ("start backup tenant", vec![("tenant_id", job.tenant_id.to_string())])
    };
    cluster.record_event(at, "backup", event, items);
}

/// Records the end of a job in the event history.
pub(super) fn record_end(cluster: &mut Cluster, index: usize, at: Micros) {
    let job = &cluster.jobs[index];
    let result = ("result", job.result.to_string());
    let (event, items) = if job.tenant_id == 1 {
        let seconds = ((at - job.start) / clock::SECOND).to_string();
        ("finish backup cluster", vec![result, ("cost time", seconds)])
    } else {
        let mut items = vec![("tenant_id", job.tenant_id.to_string())];
        if job.result != 0 {
            items.extend([("incarnation", "1".to_owned()), ("backup_set_id", job.set_id.to_string())]);
        }
        items.push(result);
        if job.result != 0 {
            items.push(("comment", job.comment.clone()));
        }
        ("finish backup tenant", items)
    };
    cluster.record_event(at, "backup", event, items);
}

/// Applies the faults that follow a completed backup.
pub(super) fn after_backup(cluster: &mut Cluster, faults: &[InjectedFault], speed: u32, index: usize, at: Micros) {
    let cluster_faults = ClusterFaults { all: faults, cluster: &cluster.name };
    let executors = &cluster.jobs[index].executors;
    let mut concerned = executors.iter().filter_map(|id| cluster.tenant_by_id(*id));
    if concerned.any(|tenant| cluster_faults.breaks_archive(&tenant.name)) {
        archive::interrupt_short(cluster, 1, faults, speed, at);
    }
}

/// Returns up to where the log of a tenant is archived; of sys, the slowest tenant of the cluster.
#[must_use]
pub fn checkpoint(fleet: &Fleet, cluster: &Cluster, tenant: &Tenant, round: &Round) -> Option<Micros> {
    let faults = ClusterFaults { all: &fleet.faults, cluster: &cluster.name };
    let checkpoint_of = |tenant: &Tenant| archive::checkpoint(tenant, round, faults, fleet.speed, fleet.now);
    if tenant.id != 1 {
        return checkpoint_of(tenant);
    }
    cluster.user_tenants().filter_map(checkpoint_of).min().or_else(|| checkpoint_of(tenant))
}

/// Returns whether the log reaches the end of the newest good set of a tenant, in the round it was made in.
#[must_use]
pub fn is_restorable(fleet: &Fleet, cluster: &Cluster, tenant: &Tenant) -> bool {
    let good = |set: &&BackupSet| set.status == "SUCCESS" && set.file_status == "AVAILABLE";
    let reaches = |set: &BackupSet| {
        let round = cluster.round_of(tenant).filter(|round| round.id == set.legacy.round)?;
        let begins = round.start? <= set.min_restore?;
        Some(begins && checkpoint(fleet, cluster, tenant, round)? >= set.end?)
    };
    tenant.sets.iter().rev().find(good).and_then(reaches).unwrap_or(false)
}
