//! Builds the initial state of a cluster of V2.2 or V3: destination, archive, freezes and sets are the cluster's.

use std::collections::BTreeMap;

use super::super::{ClusterEntry, LegacyEntry, RoundEntry};
use crate::demo::alter::legacy::mark_archive;
use crate::demo::clock::{self, Micros, SECOND};
use crate::demo::fleet::{
    BackupSet, Cluster, Fleet, Freeze, LegacySetColumns, LegacyState, Merge, Round, RoundStatus, Tenant, ZoneMerge,
};

const DAY: Micros = 86_400 * SECOND;

/// Adds a cluster's user tenants, with its round and sets from before the scenario.
pub(super) fn add_tenants(fleet: &mut Fleet, index: usize, entry: &ClusterEntry, now: Micros) -> Result<(), String> {
    let legacy = &entry.legacy;
    let created = now - 40 * DAY;
    let named = entry.named_tenants().zip(1001..);
    let tenants = named.map(|((name, kind), id)| entry.build_tenant(id, &name, Some(kind), created));
    fleet.clusters[index].tenants.extend(tenants);
    let cluster = &mut fleet.clusters[index];
    for tenant in &mut cluster.tenants {
        tenant.parameters.insert("log_archive_checkpoint_interval".to_owned(), "5s".to_owned());
    }
    cluster.parameters.extend(legacy.parameters.clone());
    let uri = format!("file://{}/{}", fleet.data_dir.display(), entry.name);
    if legacy.destination {
        cluster.parameters.entry("backup_dest".to_owned()).or_insert_with(|| uri.clone());
    }
    cluster.legacy = Some(initial_state(cluster, legacy, now)?);
    let Some(path) = cluster.parameters.get("backup_dest").filter(|path| !path.is_empty()).cloned() else {
        return Ok(());
    };
    let Some(archive) = legacy.archive else { return Ok(()) };
    let start = now - parse_age(&legacy.archive_age)?;
    let round = initial_round(archive, &path, start, now);
    if let Some(sys) = cluster.tenant_mut(1) {
        sys.rounds.push(round);
    }
    let sets_path = legacy.sets_path.clone().unwrap_or_else(|| path.clone());
    let sets = initial_sets(cluster, legacy, &sets_path, now)?;
    let present: Vec<&mut Tenant> =
        cluster.tenants.iter_mut().filter(|tenant| tenant.status == "NORMAL" && !tenant.recycled).collect();
    for tenant in present {
        let blocks = if tenant.id == 1 { 0 } else { tenant.megabytes / 2 };
        tenant.sets.clone_from(&sets);
        for set in &mut tenant.sets {
            set.blocks = if set.incremental { blocks / 5 } else { blocks };
            set.finished_blocks = set.blocks;
        }
    }
    mark_archive(fleet, index, &path).map_err(|error| error.to_string())
}

fn parse_age(text: &str) -> Result<Micros, String> {
    clock::parse_duration(text).ok_or_else(|| format!("'{text}' is no length of time"))
}

/// Returns the initial state, whose freezes are all merged.
fn initial_state(cluster: &Cluster, legacy: &LegacyEntry, now: Micros) -> Result<LegacyState, String> {
    let freeze = |(age_text, version): (&String, i64)| Ok(Freeze { version, at: now - parse_age(age_text)? });
    let freezes = legacy.frozen.iter().zip(41..).map(freeze).collect::<Result<Vec<_>, String>>()?;
    let last = *freezes.last().ok_or("a cluster has been frozen at least once")?;
    let zone = |index: usize| {
        let start = last.at + Micros::try_from(index).unwrap_or(0) * 600 * SECOND;
        ZoneMerge { merged_version: last.version, start, at: start + 540 * SECOND }
    };
    Ok(LegacyState {
        role: legacy.role.clone(),
        merge: Merge {
            version: last.version,
            zones: (0..cluster.servers.len()).map(zone).collect(),
            zone: None,
            work_done: 0,
            accounted_until: now,
            started: last.at,
        },
        freezes,
        previous_values: BTreeMap::new(),
    })
}

fn initial_round(state: RoundEntry, path: &str, start: Micros, now: Micros) -> Round {
    let hour_ago = now - 3600 * SECOND;
    let (status, frozen) = match state {
        RoundEntry::Doing => (RoundStatus::Doing, None),
        // No archive of these lines can be paused.
        RoundEntry::Stop | RoundEntry::Suspend => (RoundStatus::Stop, Some(hour_ago)),
        RoundEntry::Interrupted => (RoundStatus::Interrupted, Some(hour_ago)),
    };
    Round {
        id: 1,
        status,
        dest_id: 0,
        path: path.to_owned(),
        start: Some(start),
        frozen_checkpoint: frozen,
        reached_checkpoint: frozen.unwrap_or(start),
        furthest_stream: frozen.unwrap_or(start),
        transition_at: None,
        transition_time: 0,
        base_piece: 0,
        piece_interval: Micros::MAX / 4,
        comment: String::new(),
        piece_file_statuses: BTreeMap::new(),
    }
}

fn initial_sets(cluster: &Cluster, legacy: &LegacyEntry, path: &str, now: Micros) -> Result<Vec<BackupSet>, String> {
    let version = |at: Micros| {
        let frozen = cluster.legacy.iter().flat_map(|legacy| &legacy.freezes).rev().find(|freeze| freeze.at <= at);
        frozen.map_or(40, |freeze| freeze.version)
    };
    let set = |(age_text, id): (&String, i64)| {
        let start = now - parse_age(age_text)?;
        let incremental = id > 1;
        // A set that is older than the round belongs to a round that is not kept.
        let round_start = cluster.tenants.first().and_then(Tenant::current_round).and_then(|round| round.start);
        let round = i64::from(round_start.is_some_and(|round_start| round_start <= start));
        Ok(BackupSet {
            id,
            dest_id: 0,
            path: path.to_owned(),
            incremental,
            prev_full: i64::from(incremental),
            prev_inc: id - 1,
            start,
            end: Some(start + 120 * SECOND),
            status: "SUCCESS".to_owned(),
            file_status: "AVAILABLE".to_owned(),
            start_replay: start - 2 * SECOND,
            min_restore: Some(start),
            plus_archivelog: false,
            encrypted: false,
            compatible: cluster.version.clone(),
            blocks: 0,
            finished_blocks: 0,
            result: 0,
            comment: String::new(),
            legacy: LegacySetColumns { round, data_version: version(start), of_tenants: false },
        })
    };
    legacy.sets.iter().zip(1..).map(set).collect()
}
