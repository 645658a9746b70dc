//! Starts backup jobs of V4: the checks of a tenant in the server's order (V4.3.1 source, `ob_backup_data_scheduler.cpp`), and
//! the child jobs of a job that sys started.

use crate::demo::alter::server_error;
use crate::demo::clock::Micros;
use crate::demo::fault_injection::InjectedFault;
use crate::demo::fleet::{Cluster, Job, JobStatus, Tenant};
use crate::demo::release_line::Feature;
use crate::demo::statement::ServerError;

use super::{is_upgrading, trace_id};

/// Returns the error 9040 `backup can not start` with a reason.
#[must_use]
pub fn cannot_start(why: &str) -> ServerError {
    server_error(9040, format!("backup can not start, because {why}"))
}

fn check_normal(tenant: &Tenant) -> Result<(), ServerError> {
    let normal = tenant.status == "NORMAL" && !tenant.recycled;
    if normal && matches!(tenant.role.as_str(), "PRIMARY" | "STANDBY") {
        Ok(())
    } else {
        Err(cannot_start("tenant status is not normal."))
    }
}

fn check_archiving(tenant: &Tenant) -> Result<(), ServerError> {
    if tenant.is_archiving() { Ok(()) } else { Err(cannot_start("log archive status is not doing.")) }
}

/// Checks that the initiator has no other job of the tenant: one at a time.
fn check_not_running(cluster: &Cluster, tenant: &Tenant, initiator: i64) -> Result<(), ServerError> {
    let own = |job: &&Job| job.tenant_id == tenant.id && job.initiator_tenant_id == initiator;
    if cluster.jobs.iter().filter(own).any(|job| !job.in_history) {
        return Err(server_error(9036, "Backup is in progress"));
    }
    Ok(())
}

/// Checks a tenant that sys listed. Upgrade mode is not checked here: it fails the child job.
///
/// # Errors
/// 9036, 9040.
pub fn check_listed(cluster: &Cluster, tenant: &Tenant) -> Result<(), ServerError> {
    check_normal(tenant)?;
    check_archiving(tenant)?;
    check_not_running(cluster, tenant, 1)?;
    if tenant.data_dest.is_none() {
        return Err(cannot_start("backup dest is not set."));
    }
    Ok(())
}

/// The options of a BACKUP statement.
#[derive(Debug, Clone)]
pub struct BackupRequest {
    /// INC (true) or FULL.
    pub incremental: bool,
    /// PLUS ARCHIVELOG.
    pub plus_archivelog: bool,
    /// The session's encryption password was set.
    pub encrypted: bool,
    /// `DESCRIPTION`.
    pub description: String,
}

impl BackupRequest {
    fn from_job(job: &Job) -> Self {
        Self {
            incremental: job.incremental,
            plus_archivelog: job.plus_archivelog,
            encrypted: job.encrypted,
            description: job.description.clone(),
        }
    }

    /// Returns a new job of a tenant, without a path or a set.
    fn new_job(&self, tenant_id: i64, id: i64, initiator: (i64, i64), at: Micros) -> Job {
        Job {
            tenant_id,
            id,
            initiator_tenant_id: initiator.0,
            initiator_job_id: initiator.1,
            executors: vec![tenant_id],
            incremental: self.incremental,
            plus_archivelog: self.plus_archivelog,
            of_tenants: false,
            encrypted: self.encrypted,
            description: self.description.clone(),
            start: at,
            end: None,
            status: JobStatus::Init,
            result: 0,
            comment: String::new(),
            path: String::new(),
            set_id: 0,
            phase: 0,
            work_done: 0,
            accounted_until: at,
            transition_at: None,
            upgrade_since: None,
            in_history: false,
        }
    }
}

/// Starts the job of sys; its child jobs are started later.
pub fn start_sys_job(cluster: &mut Cluster, wanted: &BackupRequest, executors: Vec<i64>, at: Micros) {
    let id = cluster.allocate_job_id(1);
    // It is its own initiator.
    let job = wanted.new_job(1, id, (1, id), at);
    cluster.jobs.push(Job { executors, ..job });
}

/// Starts a tenant's job, for itself or for the job of sys that is given as `initiator` (tenant id and job id). The id and the
/// type of its set are decided here: an increment without a base silently becomes a full.
///
/// # Errors
/// 9036, 9040.
pub fn start_tenant_job(
    cluster: &mut Cluster,
    faults: &[InjectedFault],
    wanted: &BackupRequest,
    tenant_id: i64,
    initiator: (i64, i64),
    at: Micros,
) -> Result<(), ServerError> {
    let upgrading = is_upgrading(cluster, faults);
    let Some(tenant) = cluster.tenant_by_id(tenant_id) else {
        return Err(cannot_start("tenant status is not normal."));
    };
    let dest = tenant.data_dest.as_ref().ok_or_else(|| server_error(9040, "backup can not start"))?;
    let path = dest.path_column();
    check_normal(tenant)?;
    check_not_running(cluster, tenant, initiator.0)?;
    check_archiving(tenant)?;
    if upgrading {
        return Err(cannot_start("cluster upgrading"));
    }
    let base = tenant.increment_base(&path).filter(|_| wanted.incremental);
    let other = base.filter(|base| {
        base.compatible != tenant.compatible && cluster.line.has(Feature::IncrementNeedsSameDataVersion)
    });
    if let Some(base) = other {
        return Err(cannot_start(&format!(
            "cross compatible incremental backup is not supported, previous backup set compatible is {}, current \
             compatible is {}",
            base.compatible, tenant.compatible
        )));
    }
    let incremental = base.is_some();
    let jobs = cluster.jobs.iter().filter(|job| job.tenant_id == tenant_id).map(|job| job.set_id);
    let on_media = cluster.stored_backups.highest_set_id(tenant_id);
    let set_id = tenant.sets.iter().map(|set| set.id).chain(jobs).max().unwrap_or(0).max(on_media) + 1;
    let id = cluster.allocate_job_id(tenant_id);
    let job = wanted.new_job(tenant_id, id, initiator, at);
    cluster.jobs.push(Job { incremental, path, set_id, ..job });
    Ok(())
}

/// Starts the child jobs of a job of sys. Why a tenant gets none is only in the event history, as a code without its text,
/// and in no result.
pub(super) fn start_children(cluster: &mut Cluster, faults: &[InjectedFault], index: usize, at: Micros) {
    let parent = &mut cluster.jobs[index];
    parent.status = JobStatus::Doing;
    parent.work_done = 0;
    let (id, executors, wanted) = (parent.id, parent.executors.clone(), BackupRequest::from_job(parent));
    for tenant_id in executors {
        // No event is written for a tenant that is not normal any more, or that has a job of sys already.
        let passed = cluster
            .tenant_by_id(tenant_id)
            .is_none_or(|tenant| check_normal(tenant).is_err() || check_not_running(cluster, tenant, 1).is_err());
        if passed {
            continue;
        }
        let Err(refused) = start_tenant_job(cluster, faults, &wanted, tenant_id, (1, id), at) else { continue };
        if cluster.line.has(Feature::RefusedChildEvent) {
            let items = vec![
                ("user_tenant_id", tenant_id.to_string()),
                ("ret", format!("-{}", refused.code)),
                ("trace_id", trace_id(at)),
            ];
            cluster.record_event(at, "backup_data", "handle_user_tenant_backup_failed", items);
        }
    }
}
