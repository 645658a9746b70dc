//! Simulates the log archive: rounds, pieces, and a checkpoint that is computed from the time.

use std::collections::BTreeMap;

use crate::demo::clock::{self, Micros};
use crate::demo::fault_injection::{ClusterFaults, InjectedFault};
use crate::demo::fleet::{Cluster, DestState, RegisteredDest, Round, RoundStatus, Tenant};
use crate::demo::release_line::Feature;
use crate::demo::storage;

use super::{clock_time, legacy};

/// Milliseconds of work that each of PREPARE, BEGINNING, STOPPING and SUSPENDING takes.
pub(super) const TRANSITION_WORK: Micros = 600;

/// Finishes the transitions that are due, and starts those that the modes of the tenants ask for.
pub(super) fn step_rounds(cluster: &mut Cluster, faults: &[InjectedFault], speed: u32, at: Micros) {
    let mut changed = Vec::new();
    for tenant in &mut cluster.tenants {
        for round in tenant.rounds.iter_mut().filter(|round| round.transition_at.is_some_and(|due| due <= at)) {
            let before = round.status;
            finish_transition(round, at);
            changed.push((tenant.id, before, round.status));
        }
    }
    if cluster.line.is_legacy() {
        return;
    }
    for (tenant_id, before, after) in changed {
        let items = vec![
            ("tenant_id", tenant_id.to_string()),
            ("dest_no", "0".to_owned()),
            ("old_status", before.as_str().to_owned()),
            ("new_status", after.as_str().to_owned()),
        ];
        cluster.record_event(at, "log_archive", "change_status", items);
    }
    for tenant_id in cluster.tenants.iter().map(|tenant| tenant.id).collect::<Vec<_>>() {
        schedule_round(cluster, tenant_id, faults, speed, at);
    }
}

fn finish_transition(round: &mut Round, at: Micros) {
    round.status = match round.status {
        RoundStatus::Prepare => {
            round.start = Some(at);
            round.reached_checkpoint = at;
            RoundStatus::Beginning
        }
        RoundStatus::Beginning => {
            // On V2.2 and V3 nothing comes before it.
            if round.start.is_none() {
                round.start = Some(at);
            }
            // It is DOING when its checkpoint has moved; a paused round resumes here.
            round.reached_checkpoint = round.reached_checkpoint.max(at);
            round.frozen_checkpoint = None;
            RoundStatus::Doing
        }
        RoundStatus::Stopping => RoundStatus::Stop,
        RoundStatus::Suspending => RoundStatus::Suspend,
        stable => stable,
    };
    round.transition_at = (round.status == RoundStatus::Beginning).then_some(at + round.transition_time);
}

/// Moves a tenant's archive towards what `LOG_MODE` and `LOG_ARCHIVE_DEST_STATE` ask for, as the root service does at each of
/// its turns (V4.3.1 source, `ob_archive_scheduler_service.cpp`): a round in transition is left alone, and a directory whose
/// format file has changed is checked again at the next turn, without a message.
pub fn schedule_round(cluster: &mut Cluster, tenant_id: i64, faults: &[InjectedFault], speed: u32, at: Micros) {
    if !cluster.line.has(Feature::LogMode) {
        return;
    }
    let id = cluster.id;
    let Some(tenant) = cluster.tenant_by_id(tenant_id) else { return };
    let normal = tenant.is_user() && tenant.status == "NORMAL" && !tenant.recycled;
    let Some(dest) = tenant.archive_dest.as_ref().filter(|_| normal) else { return };
    let status = tenant.current_round().map(|round| round.status);
    match (tenant.archivelog, dest.state, status) {
        (false, _, None | Some(RoundStatus::Stop | RoundStatus::Stopping | RoundStatus::Prepare)) => {}
        (false, ..) => disable_round(cluster, tenant_id, faults, speed, at),
        (true, DestState::Defer, Some(RoundStatus::Doing)) => {
            leave_round(cluster, tenant_id, RoundStatus::Suspending, faults, speed, at);
            record_round_event(cluster, at, "defer_archive", tenant_id);
        }
        (true, DestState::Defer, _) => {}
        (true, _, None | Some(RoundStatus::Stop | RoundStatus::Suspend)) if check_directory(id, tenant).is_ok() => {
            enable_round(cluster, tenant_id, speed, at);
        }
        (true, ..) => {}
    }
}

/// Checks that the format file of the archive's directory is as the server wrote it.
///
/// # Errors
/// The code as the source has it, negative, and its text.
pub fn check_directory(cluster_id: i64, tenant: &Tenant) -> Result<(), (i64, &'static str)> {
    let Some(dest) = &tenant.archive_dest else { return Err((-4018, "Entry not exist")) };
    let known = tenant.registered_dests.iter().find(|known| known.dest.path_column() == dest.location.path_column());
    known.map_or(Ok(()), |known| storage::check_directory(cluster_id, tenant.id, known))
}

/// Resumes a paused round, or starts a new one; the caller has checked that it may.
pub fn enable_round(cluster: &mut Cluster, tenant_id: i64, speed: u32, at: Micros) {
    let Some(tenant) = cluster.tenant_mut(tenant_id) else { return };
    let Some(dest) = tenant.archive_dest.as_ref() else { return };
    let passing = clock_time(TRANSITION_WORK, speed);
    if let Some(paused) = tenant.rounds.last_mut().filter(|round| round.status == RoundStatus::Suspend) {
        paused.status = RoundStatus::Beginning;
        paused.transition_time = passing;
        paused.transition_at = Some(at + passing);
    } else {
        let round = Round {
            id: tenant.current_round().map_or(0, |round| round.id) + 1,
            status: RoundStatus::Prepare,
            dest_id: dest.location.dest_id,
            path: dest.location.path_column(),
            start: None,
            frozen_checkpoint: None,
            reached_checkpoint: 0,
            furthest_stream: 0,
            transition_at: Some(at + passing),
            transition_time: passing,
            base_piece: tenant
                .current_round()
                .map_or(1, |round| last_piece(round, round.furthest_stream.max(round.reached_checkpoint)) + 1),
            piece_interval: clock::parse_duration(&dest.piece_switch_interval).unwrap_or(86_400 * clock::SECOND),
            comment: String::new(),
            piece_file_statuses: BTreeMap::new(),
        };
        tenant.rounds.push(round);
    }
    record_round_event(cluster, at, "enable_archive", tenant_id);
}

/// Starts to stop the current round.
pub fn disable_round(cluster: &mut Cluster, tenant_id: i64, faults: &[InjectedFault], speed: u32, at: Micros) {
    leave_round(cluster, tenant_id, RoundStatus::Stopping, faults, speed, at);
    record_round_event(cluster, at, "disable_archive", tenant_id);
}

/// Marks the files of a destination as deleted: its sets, or the pieces of its rounds.
pub fn mark_deleted(tenant: &mut Tenant, known: &RegisteredDest) {
    let id = known.dest.dest_id;
    for set in tenant.sets.iter_mut().filter(|set| known.dest_type == "backup_data" && set.dest_id == id) {
        "DELETED".clone_into(&mut set.file_status);
    }
    for round in tenant.rounds.iter_mut().filter(|round| known.dest_type == "archive_log" && round.dest_id == id) {
        let all = round.base_piece..=last_piece(round, round.furthest_stream.max(round.reached_checkpoint));
        round.piece_file_statuses.extend(all.map(|piece| (piece, "DELETED".to_owned())));
    }
}

/// Interrupts the current round: the log was recycled before it was archived.
pub fn interrupt_round(cluster: &mut Cluster, tenant_id: i64, faults: &[InjectedFault], speed: u32, at: Micros) {
    leave_round(cluster, tenant_id, RoundStatus::Interrupted, faults, speed, at);
    if let Some(round) = cluster.tenant_mut(tenant_id).and_then(|tenant| tenant.rounds.last_mut()) {
        round.transition_at = None;
        "log stream 1001 interrupted.".clone_into(&mut round.comment);
    }
}

/// Interrupts the current round at its checkpoint, before the log that the newest set needs.
pub(super) fn interrupt_short(cluster: &mut Cluster, tenant_id: i64, faults: &[InjectedFault], speed: u32, at: Micros) {
    let name = cluster.name.clone();
    let tenant = cluster.tenant_by_id(tenant_id);
    let short = tenant.and_then(|tenant| {
        checkpoint(tenant, tenant.current_round()?, ClusterFaults { all: faults, cluster: &name }, speed, at - 1)
    });
    // A step of the checkpoint may fall between that point and the end of the job.
    let needed = tenant.and_then(|tenant| tenant.sets.last()?.min_restore);
    let short = short.map(|short| needed.map_or(short, |needed| short.min(needed - 1)));
    if let Some(round) = cluster.tenant_mut(tenant_id).and_then(|tenant| tenant.rounds.last_mut()) {
        round.frozen_checkpoint = short;
    }
    interrupt_round(cluster, tenant_id, faults, speed, at);
}

/// Stops an interrupted round and starts a new one, as its administrator would.
pub fn restart_round(cluster: &mut Cluster, tenant_id: i64, speed: u32, at: Micros) {
    let round = cluster.tenant_mut(tenant_id).and_then(|tenant| tenant.rounds.last_mut());
    if let Some(round) = round.filter(|round| round.status == RoundStatus::Interrupted) {
        round.status = RoundStatus::Stop;
        if cluster.line.is_legacy() {
            legacy::start_round(cluster, speed, at);
        } else {
            enable_round(cluster, tenant_id, speed, at);
        }
    }
}

/// Starts the transition of a round into another state: its checkpoint stays where the slowest log stream is.
pub(super) fn leave_round(
    cluster: &mut Cluster,
    tenant_id: i64,
    to: RoundStatus,
    faults: &[InjectedFault],
    speed: u32,
    at: Micros,
) {
    let name = cluster.name.clone();
    let faults = ClusterFaults { all: faults, cluster: &name };
    let Some(tenant) = cluster.tenant_mut(tenant_id) else { return };
    let stalled_at = tenant.current_round().and_then(|round| {
        let since = faults.checkpoint_stalled_since(&tenant.name)?;
        Some(checkpoint(tenant, round, faults, speed, at)?.max(since.min(at)))
    });
    if let Some(round) = tenant.rounds.last_mut().filter(|round| round.status != RoundStatus::Stop) {
        if round.frozen_checkpoint.is_none() {
            round.furthest_stream = at;
        }
        round.reached_checkpoint = round.frozen_checkpoint.or(stalled_at).unwrap_or(at);
        round.frozen_checkpoint = Some(round.reached_checkpoint);
        round.furthest_stream = round.furthest_stream.max(round.reached_checkpoint);
        round.status = to;
        round.transition_at = Some(at + clock_time(TRANSITION_WORK, speed));
    }
}

/// Records an event about a tenant's current round. The state is printed as its number in the source.
fn record_round_event(cluster: &mut Cluster, at: Micros, what: &'static str, tenant_id: i64) {
    let Some(round) = cluster.tenant_by_id(tenant_id).and_then(Tenant::current_round) else { return };
    let items = vec![
        ("tenant_id", tenant_id.to_string()),
        ("dest_no", "0".to_owned()),
        ("round_id", round.id.to_string()),
        ("status", round.status.number().to_string()),
        ("path", round.path.clone()),
    ];
    cluster.record_event(at, "log_archive", what, items);
}

/// Returns up to where the round's log is archived; it moves in steps of `archive_lag_target`. `None`: the round has not started.
#[must_use]
pub fn checkpoint(
    tenant: &Tenant,
    round: &Round,
    faults: ClusterFaults<'_>,
    speed: u32,
    now: Micros,
) -> Option<Micros> {
    let start = round.start?;
    if let Some(frozen) = round.frozen_checkpoint {
        return Some(frozen.max(start));
    }
    let now = faults.checkpoint_stalled_since(&tenant.name).map_or(now, |since| now.min(since));
    let step = (tenant.lag_target() / Micros::from(speed)).max(1000);
    let full_steps = (now - start).max(0) / step * step;
    Some((start + full_steps).max(round.reached_checkpoint))
}

/// Returns up to where the furthest log stream is archived, `MAX_SCN`: a fault stalls one stream, the others go on.
#[must_use]
pub fn furthest(tenant: &Tenant, round: &Round, faults: ClusterFaults<'_>, speed: u32, now: Micros) -> Option<Micros> {
    let reached = checkpoint(tenant, round, faults, speed, now)?;
    let free = checkpoint(tenant, round, ClusterFaults { all: &[], ..faults }, speed, now)?;
    Some(if round.frozen_checkpoint.is_some() { round.furthest_stream.max(reached) } else { free.max(reached) })
}

/// Returns when the checkpoint moves next.
#[must_use]
pub fn next_checkpoint(tenant: &Tenant, speed: u32, now: Micros) -> Option<Micros> {
    let round = tenant.current_round().filter(|round| round.frozen_checkpoint.is_none())?;
    let step = (tenant.lag_target() / Micros::from(speed)).max(1000);
    let start = round.start?;
    Some(start + ((now - start).max(0) / step + 1) * step)
}

/// Returns the id of the piece that contains the checkpoint.
#[must_use]
pub fn last_piece(round: &Round, checkpoint: Micros) -> i64 {
    let start = round.start.unwrap_or(checkpoint);
    round.base_piece + (checkpoint - start).max(0) / round.piece_interval.max(1)
}
