//! The life of the log archive: rounds, pieces, and a checkpoint that is computed, not moved.

use std::collections::BTreeMap;

use crate::demo::clock::{self, Moment};
use crate::demo::fault::Faults;
use crate::demo::fleet::{Cluster, Round, RoundStatus, Tenant};

use super::{v3, work};

/// Milliseconds of work that PREPARE, BEGINNING, STOPPING and SUSPENDING take each.
pub(super) const PASSING: Moment = 600;

/// Makes the passing states that fell due into the states they lead to.
pub(super) fn step(cluster: &mut Cluster, at: Moment) {
    for tenant in &mut cluster.tenants {
        for round in tenant.rounds.iter_mut().filter(|round| round.due.is_some_and(|due| due <= at)) {
            round.status = match round.status {
                RoundStatus::Prepare => {
                    round.start = Some(at);
                    round.reached = at;
                    RoundStatus::Beginning
                }
                RoundStatus::Beginning => {
                    // On V2.2 and V3 nothing comes before it.
                    if round.start.is_none() {
                        round.start = Some(at);
                        round.reached = at;
                    }
                    RoundStatus::Doing
                }
                RoundStatus::Stopping => RoundStatus::Stop,
                RoundStatus::Suspending => RoundStatus::Suspend,
                settled => settled,
            };
            round.due = (round.status == RoundStatus::Beginning).then_some(at + round.passing);
        }
    }
}

/// Starts a new round, if archiving is on and there is a place to archive to: without one, nothing happens at all.
pub fn begin(cluster: &mut Cluster, tenant_id: i64, speed: u32, at: Moment) {
    if cluster.line.is_v3() {
        v3::begin_round(cluster, speed, at);
        return;
    }
    let Some(tenant) = cluster.tenant_mut(tenant_id) else { return };
    let over = tenant.round().is_none_or(|round| round.status == RoundStatus::Stop);
    let Some(dest) = tenant.archive.as_ref().filter(|dest| over && dest.enabled) else { return };
    if !tenant.archivelog {
        return;
    }
    let passing = work(PASSING, speed);
    let round = Round {
        id: tenant.round().map_or(0, |round| round.id) + 1,
        status: RoundStatus::Prepare,
        dest_id: dest.location.dest_id,
        path: dest.location.path.clone(),
        start: None,
        frozen: None,
        reached: 0,
        due: Some(at + passing),
        passing,
        base_piece: tenant.round().map_or(1, |round| last_piece(round, round.reached) + 1),
        interval: clock::length(&dest.piece_switch_interval).unwrap_or(86_400 * clock::SECOND),
        comment: String::new(),
        pieces: BTreeMap::new(),
    };
    tenant.rounds.push(round);
    event(cluster, at, "open_archive_mode", tenant_id);
}

/// Begins to end the current round.
pub fn stop(cluster: &mut Cluster, tenant_id: i64, speed: u32, at: Moment) {
    leave(cluster, tenant_id, RoundStatus::Stopping, speed, at);
    event(cluster, at, "close_archive_mode", tenant_id);
}

/// Begins to pause the current round.
pub fn suspend(cluster: &mut Cluster, tenant_id: i64, speed: u32, at: Moment) {
    leave(cluster, tenant_id, RoundStatus::Suspending, speed, at);
}

/// Goes on with a paused round.
pub fn resume(cluster: &mut Cluster, tenant_id: i64) {
    let round = cluster.tenant_mut(tenant_id).and_then(|tenant| tenant.rounds.last_mut());
    let paused = |round: &&mut Round| matches!(round.status, RoundStatus::Suspend | RoundStatus::Suspending);
    if let Some(round) = round.filter(paused) {
        round.status = RoundStatus::Doing;
        round.frozen = None;
        round.due = None;
    }
}

/// Breaks the current round: the log was recycled before it was archived.
pub fn interrupt(cluster: &mut Cluster, tenant_id: i64, at: Moment) {
    leave(cluster, tenant_id, RoundStatus::Interrupted, 1, at);
    if let Some(round) = cluster.tenant_mut(tenant_id).and_then(|tenant| tenant.rounds.last_mut()) {
        round.due = None;
        "observer clog is recycled before archive, result: -9087".clone_into(&mut round.comment);
    }
}

/// Breaks the current round where its checkpoint is, short of what was written last.
pub(super) fn break_short(cluster: &mut Cluster, tenant_id: i64, faults: Faults<'_>, speed: u32, at: Moment) {
    let tenant = cluster.tenant_by_id(tenant_id);
    let short = tenant.and_then(|tenant| checkpoint(tenant, tenant.round()?, faults, speed, at - 1));
    if let Some(round) = cluster.tenant_mut(tenant_id).and_then(|tenant| tenant.rounds.last_mut()) {
        round.frozen = short;
    }
    interrupt(cluster, tenant_id, at);
}

/// Ends a round that broke and starts a new one, as its administrator would.
pub fn renew(cluster: &mut Cluster, tenant_id: i64, speed: u32, at: Moment) {
    let round = cluster.tenant_mut(tenant_id).and_then(|tenant| tenant.rounds.last_mut());
    if let Some(round) = round.filter(|round| round.status == RoundStatus::Interrupted) {
        round.status = RoundStatus::Stop;
        begin(cluster, tenant_id, speed, at);
    }
}

pub(super) fn leave(cluster: &mut Cluster, tenant_id: i64, to: RoundStatus, speed: u32, at: Moment) {
    let Some(tenant) = cluster.tenant_mut(tenant_id) else { return };
    if let Some(round) = tenant.rounds.last_mut().filter(|round| round.status != RoundStatus::Stop) {
        round.reached = round.frozen.unwrap_or(at);
        round.frozen = Some(round.reached);
        round.status = to;
        round.due = Some(at + work(PASSING, speed));
    }
}

fn event(cluster: &mut Cluster, at: Moment, what: &'static str, tenant_id: i64) {
    cluster.event(at, "log_archive", what, vec![("tenant_id", tenant_id.to_string())]);
}

/// Up to where the round's log is archived: it moves in steps of `archive_lag_target`, and none is 0.
#[must_use]
pub fn checkpoint(tenant: &Tenant, round: &Round, faults: Faults<'_>, speed: u32, now: Moment) -> Option<Moment> {
    let start = round.start?;
    if let Some(frozen) = round.frozen {
        return Some(frozen.max(start));
    }
    let now = faults.standstill(&tenant.name).map_or(now, |since| now.min(since));
    let step = (tenant.lag() / Moment::from(speed)).max(1000);
    let whole = (now - start).max(0) / step * step;
    Some((start + whole).max(round.reached))
}

/// When the checkpoint next moves by itself.
#[must_use]
pub fn next_checkpoint(tenant: &Tenant, speed: u32, now: Moment) -> Option<Moment> {
    let round = tenant.round().filter(|round| round.frozen.is_none())?;
    let step = (tenant.lag() / Moment::from(speed)).max(1000);
    let start = round.start?;
    Some(start + ((now - start).max(0) / step + 1) * step)
}

/// The piece that holds the checkpoint.
#[must_use]
pub fn last_piece(round: &Round, checkpoint: Moment) -> i64 {
    let start = round.start.unwrap_or(checkpoint);
    round.base_piece + (checkpoint - start).max(0) / round.interval.max(1)
}
