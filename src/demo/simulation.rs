//! Simulates time. Nothing ticks: every access first brings the state to the present by [`advance`], which replays the
//! transitions that have become due since the last access, in order and at their own times.
//!
//! The clock is the wall clock. Only work is faster: a phase that takes a second of work takes `1 / speed` seconds.

pub mod archive;
pub mod job_start;
pub mod legacy;
mod progress;
#[cfg(test)]
mod release_line_tests;
#[cfg(test)]
mod tests;

use super::clock::Micros;
use super::fault_injection::{self, ClusterFaults, FaultEffect, InjectedFault};
use super::fleet::{BackupSet, Cluster, Fleet, Job, JobStatus, LegacySetColumns, RoundStatus};
use super::release_line::{Feature, PhaseWork};
use super::storage;
use super::stored_backups;

pub use progress::{Progress, phase_permille, progress};

/// Milliseconds of work until the child jobs of a sys job appear, a canceling job is CANCELED, and an ended job is in the
/// history.
const CHILDREN_WORK: Micros = 700;
const CANCEL_WORK: Micros = 1500;
const HISTORY_WORK: Micros = 400;

/// How long a job waits in upgrade mode before it fails: 64 times 5 s (V4.3.1 source, `check_can_backup_`).
const UPGRADE_WAIT: Micros = 64 * 5_000;

/// RESULT of what was cancelled.
const CANCELED_RESULT: i64 = -4072;

/// Converts milliseconds of work into microseconds on the clock.
#[must_use]
pub fn clock_time(milliseconds: Micros, speed: u32) -> Micros {
    milliseconds * 1000 / Micros::from(speed)
}

/// Advances the fleet to `now`.
pub fn advance(fleet: &mut Fleet, now: Micros) {
    while let Some(due) = next_due(fleet).filter(|due| *due <= now) {
        // What was held until now may have been due long ago; time does not go back for it.
        step_to(fleet, due.max(fleet.now));
    }
    step_to(fleet, now.max(fleet.now));
}

/// Returns when the next transition is due, if nothing else happens. The archive's checkpoint is none: it is computed.
#[must_use]
pub fn next_due(fleet: &Fleet) -> Option<Micros> {
    let next_in = |cluster: &Cluster| {
        let rounds =
            cluster.tenants.iter().flat_map(|tenant| &tenant.rounds).filter_map(|round| round.transition_at).min();
        let jobs = (0..cluster.jobs.len()).filter_map(|job| job_due(cluster, &fleet.faults, fleet.speed, job)).min();
        let merge = legacy::merge_due(cluster, &fleet.faults, fleet.speed);
        rounds.into_iter().chain(jobs).chain(merge).min()
    };
    fleet.clusters.iter().filter_map(next_in).min()
}

fn step_to(fleet: &mut Fleet, at: Micros) {
    fleet.now = at;
    for cluster in &mut fleet.clusters {
        legacy::step_archive(cluster, &fleet.faults, fleet.speed, at);
        legacy::step_merge(cluster, &fleet.faults, fleet.speed, at);
        for index in 0..cluster.jobs.len() {
            if !cluster.jobs[index].in_history {
                advance_job(cluster, &fleet.faults, fleet.speed, index, at);
            }
        }
        for index in 0..cluster.jobs.len() {
            if cluster.jobs[index].tenant_id == 1 && !cluster.jobs[index].status.has_ended() {
                close_parent(cluster, &fleet.faults, fleet.speed, index, at);
            }
        }
    }
}

/// Returns when the job changes by itself; `None` while it is held, waits for another job, or is in the history.
fn job_due(cluster: &Cluster, faults: &[InjectedFault], speed: u32, index: usize) -> Option<Micros> {
    let job = &cluster.jobs[index];
    if job.in_history {
        return None;
    }
    if job.transition_at.is_some() {
        // On V2.2 and V3 the cluster is cleaned up behind its backup.
        let cleanup = job.status.has_ended() && job.tenant_id == 1 && is_held(cluster, faults, job, "CLEANUP");
        let held = cleanup || job.status == JobStatus::Canceling && is_held(cluster, faults, job, "CANCELING");
        return job.transition_at.filter(|_| !held);
    }
    if let Some(since) = job.upgrade_since.filter(|_| waits_for_upgrade(cluster, faults, job)) {
        return Some(since + clock_time(UPGRADE_WAIT, speed));
    }
    let left = phase_length(cluster, faults, index)? - job.work_done;
    let speed = Micros::from(speed);
    Some(job.accounted_until + (left + speed - 1).div_euclid(speed).max(0))
}

/// Returns how much work the present phase takes; `None` when no work is done in it.
fn phase_length(cluster: &Cluster, faults: &[InjectedFault], index: usize) -> Option<Micros> {
    let job = &cluster.jobs[index];
    if job.tenant_id == 1 {
        let waits = job.status == JobStatus::Init && !is_held(cluster, faults, job, "PARENT");
        return waits.then_some(CHILDREN_WORK * 1000);
    }
    let (phase, milliseconds, work) = cluster.line.phases[job.phase];
    // Jobs of two initiators may stand in the queue of one tenant; only one of them has a task.
    let queued = job.phase == 0
        && cluster
            .running_jobs(job.tenant_id)
            .any(|other| (other.phase > 0 || other.id < job.id) && other.id != job.id);
    if queued || waits_for_upgrade(cluster, faults, job) || is_held(cluster, faults, job, phase) {
        return None;
    }
    let megabytes = cluster.tenant_by_id(job.tenant_id).map_or(1000, |tenant| tenant.megabytes);
    let share = match work {
        PhaseWork::RemainingBlocks if job.incremental => megabytes.min(3000) / 4,
        PhaseWork::FirstBlocks | PhaseWork::RemainingBlocks | PhaseWork::Tablets => megabytes.min(3000),
        PhaseWork::Log if !job.plus_archivelog => 100,
        PhaseWork::Queued
        | PhaseWork::Uncounted
        | PhaseWork::TabletsDone
        | PhaseWork::AfterData
        | PhaseWork::BeforeLog
        | PhaseWork::Log => 1000,
    };
    Some(milliseconds * share)
}

fn is_held(cluster: &Cluster, faults: &[InjectedFault], job: &Job, phase: &str) -> bool {
    let faults = ClusterFaults { all: faults, cluster: &cluster.name };
    let tenants = if job.tenant_id == 1 { job.executors.as_slice() } else { std::slice::from_ref(&job.tenant_id) };
    tenants.iter().filter_map(|id| cluster.tenant_by_id(*id)).any(|tenant| faults.holds_phase(&tenant.name, phase))
}

/// Adds the work done until `at`, and makes the transition that it completes.
fn advance_job(cluster: &mut Cluster, faults: &[InjectedFault], speed: u32, index: usize, at: Micros) {
    let due = job_due(cluster, faults, speed, index);
    let length = phase_length(cluster, faults, index);
    let waits = waits_for_upgrade(cluster, faults, &cluster.jobs[index]);
    let refused = midway_error(cluster, index);
    let job = &mut cluster.jobs[index];
    job.upgrade_since = waits.then(|| job.upgrade_since.unwrap_or(at));
    if job.transition_at.is_none() && length.is_some() {
        job.work_done += (at - job.accounted_until).max(0) * Micros::from(speed);
    }
    job.accounted_until = at;
    if let Some((code, text)) = refused {
        fail_job(cluster, speed, index, at, code, text);
    } else if job.upgrade_since.is_some_and(|since| since + clock_time(UPGRADE_WAIT, speed) <= at) {
        fail_job(cluster, speed, index, at, -4109, "Server state or role not the same as expected");
    } else if due.is_some_and(|due| due <= at) {
        match job.status {
            status if status.has_ended() => to_history(cluster, index),
            JobStatus::Canceling => {
                let comment = if cluster.line.is_legacy() { "canceled" } else { "" };
                end_job(cluster, speed, index, at, JobStatus::Canceled, CANCELED_RESULT, comment);
            }
            _ if job.tenant_id == 1 && cluster.line.is_legacy() => legacy::start_tenants(cluster, index, at),
            _ if job.tenant_id == 1 => job_start::start_children(cluster, faults, index, at),
            _ => next_phase(cluster, faults, speed, index, at),
        }
    }
}

/// Returns whether a tenant's job is running; such a job checks its conditions again and again.
fn is_working(job: &Job) -> bool {
    job.tenant_id != 1 && !job.status.has_ended() && job.status != JobStatus::Canceling
}

/// Returns whether a job waits for an upgrade to end, which only jobs of V4 do.
fn waits_for_upgrade(cluster: &Cluster, faults: &[InjectedFault], job: &Job) -> bool {
    !cluster.line.is_legacy() && is_working(job) && is_upgrading(cluster, faults)
}

/// Returns the error of a running job that lost its archive or its data version: code, negative, and text.
fn midway_error(cluster: &Cluster, index: usize) -> Option<(i64, &'static str)> {
    let job = &cluster.jobs[index];
    let tenant = cluster.tenant_by_id(job.tenant_id).filter(|_| is_working(job))?;
    let set = tenant.sets.iter().find(|set| set.id == job.set_id && set.status == "DOING");
    if set.is_some_and(|set| set.compatible != tenant.compatible && !cluster.line.is_legacy()) {
        return Some((-4143, "Version not match"));
    }
    match cluster.round_of(tenant)?.status {
        RoundStatus::Doing => None,
        RoundStatus::Interrupted => Some((-9027, "ob log archive interrupted")),
        _ => Some((-9029, "log archive is not running")),
    }
}

/// Returns whether the cluster is in upgrade mode.
#[must_use]
pub fn is_upgrading(cluster: &Cluster, faults: &[InjectedFault]) -> bool {
    let set = cluster.parameters.get("enable_upgrade_mode").is_some_and(|value| value.eq_ignore_ascii_case("true"));
    set || ClusterFaults { all: faults, cluster: &cluster.name }.has_effect(&FaultEffect::UpgradeMode, None)
}

fn next_phase(cluster: &mut Cluster, faults: &[InjectedFault], speed: u32, index: usize, at: Micros) {
    let job = &cluster.jobs[index];
    let phases = cluster.line.phases;
    let (phase, ..) = phases[job.phase];
    let name = cluster.tenant_by_id(job.tenant_id).map_or_else(String::new, |tenant| tenant.name.clone());
    let tenant_id = job.tenant_id;
    let cluster_name = cluster.name.clone();
    let present = ClusterFaults { all: faults, cluster: &cluster_name };
    if let Some((code, text)) = present.job_failure(&name, phase) {
        fail_job(cluster, speed, index, at, code, &text);
        return;
    }
    let next = phases.get(job.phase + 1).map(|(_, _, work)| *work);
    let last = next.is_none();
    if job.phase == 0 && !start_task(cluster, speed, index, at) {
        return;
    }
    if next == Some(PhaseWork::Log) || last {
        // The earliest restore point of the set is known only when all its data has been copied.
        update_set(cluster, index, |set| set.min_restore = set.min_restore.or(Some(at)));
    }
    if last {
        end_job(cluster, speed, index, at, JobStatus::Completed, 0, "");
        if !cluster.line.is_legacy() && present.breaks_archive(&name) {
            archive::interrupt_short(cluster, tenant_id, faults, speed, at);
        }
    } else {
        let job = &mut cluster.jobs[index];
        job.phase += 1;
        job.work_done = 0;
    }
}

/// Creates the task and the set of a job; returns false if the format file of the directory has changed, and the job has failed.
fn start_task(cluster: &mut Cluster, speed: u32, index: usize, at: Micros) -> bool {
    if cluster.line.is_legacy() {
        legacy::start_set(cluster, index, at);
        return true;
    }
    let job = cluster.jobs[index].clone();
    let refused = cluster.tenant_by_id(job.tenant_id).and_then(|tenant| {
        let known = tenant.registered_dests.iter().find(|known| known.dest.path_column() == job.path)?;
        storage::check_directory(cluster.id, tenant.id, known).err()
    });
    if let Some((code, text)) = refused {
        fail_job(cluster, speed, index, at, code, text);
        return false;
    }
    let Some(tenant) = cluster.tenant_mut(job.tenant_id) else { return false };
    let base = tenant.increment_base(&job.path).filter(|_| job.incremental);
    let (prev_full, prev_inc) = base.map_or((0, 0), |base| (full_of_base(base), base.id));
    let replay = tenant.current_round().and_then(|round| round.start).map_or(at, |start| start.max(at - 2_000_000));
    let share = if job.incremental { 5 } else { 1 };
    let known = tenant.registered_dests.iter().find(|known| known.dest.path_column() == job.path);
    let set = BackupSet {
        id: job.set_id,
        dest_id: known.map_or(0, |known| known.dest.dest_id),
        path: job.path.clone(),
        incremental: job.incremental,
        prev_full,
        prev_inc,
        start: job.start,
        end: None,
        status: "DOING".to_owned(),
        file_status: "COPYING".to_owned(),
        start_replay: replay.min(job.start),
        min_restore: None,
        plus_archivelog: job.plus_archivelog,
        encrypted: job.encrypted,
        compatible: tenant.compatible.clone(),
        blocks: (tenant.megabytes / 2 / share).max(1),
        finished_blocks: 0,
        result: 0,
        comment: String::new(),
        legacy: LegacySetColumns::default(),
    };
    tenant.sets.push(set);
    cluster.jobs[index].status = JobStatus::Doing;
    let items = vec![("tenant_id", job.tenant_id.to_string()), ("job_id", job.id.to_string())];
    cluster.record_event(at, "backup_data", "persist_set_task", items);
    true
}

fn full_of_base(base: &BackupSet) -> i64 {
    if base.incremental { base.prev_full } else { base.id }
}

fn update_set(cluster: &mut Cluster, index: usize, change: impl FnOnce(&mut BackupSet)) {
    let (tenant, set) = (cluster.jobs[index].tenant_id, cluster.jobs[index].set_id);
    let sets = cluster.tenant_mut(tenant).map(|tenant| &mut tenant.sets);
    if let Some(set) = sets.and_then(|sets| sets.iter_mut().find(|one| one.id == set)) {
        change(set);
    }
}

/// Returns the trace id of an event at this time.
fn trace_id(at: Micros) -> String {
    format!("YB427F000001-{at:016X}-0-0")
}

/// Fails a tenant's job with a negative code, as one of its servers would.
pub fn fail_job(cluster: &mut Cluster, speed: u32, index: usize, at: Micros, code: i64, text: &str) {
    let port = cluster.servers.last().map_or(2882, |server| server.svr_port);
    let placed = cluster.line.is_legacy() || cluster.line.has(Feature::CommentNamesServer);
    let comment = if placed {
        fault_injection::job_comment(&format!("127.0.0.1:{port}"), code, text, &trace_id(at))
    } else {
        text.to_owned()
    };
    let items = vec![
        ("tenant_id", cluster.jobs[index].tenant_id.to_string()),
        ("job_id", cluster.jobs[index].id.to_string()),
        ("result", code.to_string()),
        ("trace_id", trace_id(at)),
    ];
    if !cluster.line.is_legacy() {
        cluster.record_event(at, "backup_data", "deal with failed job", items);
    }
    end_job(cluster, speed, index, at, JobStatus::Failed, code, &comment);
}

fn end_job(cluster: &mut Cluster, speed: u32, index: usize, at: Micros, status: JobStatus, result: i64, comment: &str) {
    let job = &mut cluster.jobs[index];
    job.status = status;
    job.result = result;
    comment.clone_into(&mut job.comment);
    job.end = Some(at);
    job.transition_at = Some(at + clock_time(HISTORY_WORK, speed));
    let finished = progress(cluster, index).finished_blocks;
    let broken = (!cluster.line.is_legacy()).then_some("BROKEN");
    update_set(cluster, index, |set| {
        set.end = Some(at);
        set.result = result;
        comment.clone_into(&mut set.comment);
        if status == JobStatus::Completed {
            "SUCCESS".clone_into(&mut set.status);
            "AVAILABLE".clone_into(&mut set.file_status);
            set.finished_blocks = set.blocks;
        } else {
            "FAILED".clone_into(&mut set.status);
            if let Some(word) = broken {
                word.clone_into(&mut set.file_status);
            }
            set.finished_blocks = finished;
        }
    });
    stored_backups::write_set_info(cluster, index);
    if cluster.line.is_legacy() {
        legacy::record_end(cluster, index, at);
    }
}

/// Ends a job of sys with the last of its children.
fn close_parent(cluster: &mut Cluster, faults: &[InjectedFault], speed: u32, index: usize, at: Micros) {
    let parent = &cluster.jobs[index];
    let children = || children_of(cluster, parent);
    // A parent that was cancelled before it had children ends by itself, when it is due.
    let alone = parent.status == JobStatus::Init || parent.transition_at.is_some();
    if alone {
        return;
    }
    if !cluster.line.is_legacy() {
        // It has taken the first result of a failed child, and no COMMENT.
        if children().all(|child| child.in_history) {
            let (status, result) = match (parent.status, parent.result) {
                (JobStatus::Canceling, _) => (JobStatus::Canceled, CANCELED_RESULT),
                (_, 0) => (JobStatus::Completed, 0),
                (_, result) => (JobStatus::Failed, result),
            };
            end_job(cluster, speed, index, at, status, result, "");
        }
        return;
    }
    if children().any(|child| !child.status.has_ended()) {
        return;
    }
    let failed = children().find(|child| child.status == JobStatus::Failed);
    let canceled = parent.status == JobStatus::Canceling || children().any(|job| job.status == JobStatus::Canceled);
    let (status, result, comment) = match failed {
        Some(child) => (JobStatus::Failed, child.result, child.comment.clone()),
        None if canceled => (JobStatus::Canceled, CANCELED_RESULT, "canceled".to_owned()),
        None => (JobStatus::Completed, 0, String::new()),
    };
    end_job(cluster, speed, index, at, status, result, &comment);
    if status == JobStatus::Completed {
        legacy::after_backup(cluster, faults, speed, index, at);
    }
}

fn children_of<'a>(cluster: &'a Cluster, parent: &'a Job) -> impl Iterator<Item = &'a Job> {
    let own = |job: &&Job| job.initiator_tenant_id == 1 && job.initiator_job_id == parent.id && job.tenant_id != 1;
    cluster.jobs.iter().filter(own)
}

/// Moves a tenant's job to the history; the job of sys that it belongs to takes its result, unless it has one already.
fn to_history(cluster: &mut Cluster, index: usize) {
    let job = &mut cluster.jobs[index];
    job.in_history = true;
    let (result, parent) = (job.result, job.initiator_job_id);
    if job.tenant_id == 1 || job.initiator_tenant_id != 1 || cluster.line.is_legacy() {
        return;
    }
    let parent = cluster.jobs.iter_mut().find(|job| job.tenant_id == 1 && job.id == parent);
    if let Some(parent) = parent.filter(|parent| parent.result == 0) {
        parent.result = result;
    }
}

/// Starts to cancel every job of these tenants, whoever started it. The job of sys itself is reached only by tenant id 1,
/// which a list of names never contains; it is no error if there is no job.
pub fn cancel_jobs(cluster: &mut Cluster, speed: u32, tenant_ids: &[i64], at: Micros) {
    for job in cluster.jobs.iter_mut().filter(|job| matches!(job.status, JobStatus::Init | JobStatus::Doing)) {
        if tenant_ids.contains(&job.tenant_id) {
            // A sys job with children is CANCELED when the last of them is.
            let parent = job.tenant_id == 1 && job.status == JobStatus::Doing;
            job.status = JobStatus::Canceling;
            job.transition_at = (!parent).then_some(at + clock_time(CANCEL_WORK, speed));
        }
    }
}
