//! Executes `ALTER SYSTEM` on V2.2 and V3, where every statement concerns the whole cluster.

mod destination;
mod parameters;
#[cfg(test)]
mod tests;

use super::{Issuer, alter_denied, not_supported, server_error, unknown_tenant};
use crate::demo::fault_injection::FaultEffect;
use crate::demo::fleet::{Cluster, Fleet, Job, JobStatus, RoundStatus, Tenant};
use crate::demo::release_line::Feature;
use crate::demo::simulation::{self, legacy};
use crate::demo::statement::{Alter, BackupScope, ServerError};
use crate::demo::stored_backups;

pub(crate) use destination::mark_archive;
pub(crate) use parameters::PARAMETERS;

/// Frozen versions that may wait to be merged.
const MAX_UNMERGED_VERSIONS: i64 = 16;
/// Tenants that one BACKUP TENANT may name.
const MAX_NAMED_TENANTS: usize = 256;

/// Executes a statement; the fleet must have been advanced to its time.
///
/// # Errors
/// The server's error.
pub(super) fn execute(fleet: &mut Fleet, issuer: Issuer, alter: &Alter) -> Result<(), ServerError> {
    if issuer.tenant_id != 1 {
        return Err(alter_denied());
    }
    let speed = fleet.speed;
    match alter {
        Alter::Set { items, .. } => {
            items.iter().try_for_each(|(name, value)| parameters::set(fleet, issuer, name, value))
        }
        Alter::ArchiveLog { on: true, .. } => start_archive(fleet, issuer),
        Alter::ArchiveLog { on: false, .. } => {
            let cluster = &mut fleet.clusters[issuer.cluster];
            match archive_state(cluster) {
                None | Some(RoundStatus::Stop | RoundStatus::Stopping) => {
                    Err(server_error(9024, "log archive backup is already disabled"))
                }
                Some(_) => {
                    legacy::stop_round(cluster, &fleet.faults, speed, issuer.at);
                    Ok(())
                }
            }
        }
        Alter::Backup { scope: BackupScope::Database, incremental, .. } => {
            let tenants = fleet.clusters[issuer.cluster].user_tenants().filter(|tenant| is_normal(tenant));
            let executors = tenants.map(|tenant| tenant.id).collect();
            check_start(fleet, issuer)?;
            let path = legacy::destination(&fleet.clusters[issuer.cluster]).to_owned();
            create_job(fleet, issuer, *incremental, executors, path, false);
            Ok(())
        }
        Alter::Backup { scope: BackupScope::Tenants(names), to, .. } => {
            backup_tenants(fleet, issuer, names, to.as_deref().unwrap_or_default())
        }
        Alter::CancelBackup(_) => cancel(&mut fleet.clusters[issuer.cluster], speed, issuer),
        Alter::MajorFreeze(_) => major_freeze(&mut fleet.clusters[issuer.cluster], issuer),
        Alter::PreviewRestore(preview) => {
            stored_backups::check_preview(&fleet.clusters[issuer.cluster], issuer, preview)
        }
        Alter::MinorFreeze => Ok(()),
        Alter::CancelAll => {
            cancel_all(fleet, issuer);
            Ok(())
        }
        Alter::CancelDelete => {
            if end_cleanup(fleet, issuer) {
                Ok(())
            } else {
                Err(server_error(9053, "cancel delete backup do not allow"))
            }
        }
        Alter::Refused { code, message } => Err(server_error(*code, message.clone())),
    }
}

/// Returns the state of the cluster's archive; `None` before the first round.
fn archive_state(cluster: &Cluster) -> Option<RoundStatus> {
    cluster.tenants.first()?.current_round().map(|round| round.status)
}

/// Returns whether a tenant is backed up: not one that is being created, dropped or restored, or in the recycle bin.
fn is_normal(tenant: &Tenant) -> bool {
    tenant.status == "NORMAL" && tenant.role == "PRIMARY" && !tenant.recycled
}

/// Returns the cluster's job that is in the running views.
fn current_job(cluster: &Cluster) -> Option<&Job> {
    cluster.jobs.iter().find(|job| job.tenant_id == 1 && !job.in_history)
}

fn check_global_timestamps(cluster: &Cluster) -> Result<(), ServerError> {
    if cluster.user_tenants().any(|tenant| tenant.local_timestamps) {
        return Err(not_supported("physical backup without GTS is"));
    }
    Ok(())
}

fn start_archive(fleet: &mut Fleet, issuer: Issuer) -> Result<(), ServerError> {
    let speed = fleet.speed;
    let cluster = &fleet.clusters[issuer.cluster];
    if legacy::destination(cluster).is_empty() {
        return Err(server_error(9026, "backup destination is not valid"));
    }
    if cluster_role(fleet, cluster) != "PRIMARY" {
        return Err(not_supported("backup in not primary cluster is"));
    }
    if archive_state(cluster).is_some_and(|state| state != RoundStatus::Stop) {
        return Err(not_supported("start log archive backup when not STOP is"));
    }
    check_global_timestamps(cluster)?;
    destination::claim_archive(fleet, issuer)?;
    legacy::start_round(&mut fleet.clusters[issuer.cluster], speed, issuer.at);
    Ok(())
}

/// Returns the role of the cluster: `PRIMARY` or `PHYSICAL STANDBY`.
pub(crate) fn cluster_role<'a>(fleet: &'a Fleet, cluster: &'a Cluster) -> &'a str {
    let own = cluster.legacy.as_ref().map_or("PRIMARY", |legacy| legacy.role.as_str());
    let switched = fleet.faults.iter().find_map(|fault| match &fault.effect {
        FaultEffect::RoleSwitched { role }
            if fault.tenant.is_none() && fault.cluster.as_ref().is_none_or(|name| *name == cluster.name) =>
        {
            Some(role.as_str())
        }
        _ => None,
    });
    switched.unwrap_or(own)
}

/// Returns whether old backups are being removed.
pub(crate) fn is_cleanup_running(fleet: &Fleet, cluster: &Cluster) -> bool {
    crate::demo::fault_injection::ClusterFaults { all: &fleet.faults, cluster: &cluster.name }
        .has_effect(&FaultEffect::CleanupRuns, None)
}

fn cannot_start(why: &str) -> ServerError {
    server_error(9040, format!("backup can not start, because {why}"))
}

/// Checks a BACKUP statement, in the server's order.
fn check_start(fleet: &Fleet, issuer: Issuer) -> Result<(), ServerError> {
    let cluster = &fleet.clusters[issuer.cluster];
    check_global_timestamps(cluster)?;
    let round = cluster.tenants.first().and_then(Tenant::current_round);
    let state = round.map_or(RoundStatus::Stop, |round| round.status);
    let Some(round) = round.filter(|_| state == RoundStatus::Doing) else {
        let state = state.as_str();
        return Err(cannot_start(&format!("log archive is not doing. log archive status : {state}.")));
    };
    let frozen = cluster.legacy.as_ref().map_or(0, |legacy| legacy.last_freeze().at);
    let start = round.start.unwrap_or_default();
    if cluster.line.has(Feature::FreezeBeforeFull) && start > frozen {
        return Err(cannot_start(&format!(
            "log archive start timestamp is bigger than frozen timestamp, need major freeze first. start timestamp : \
             {start}, frozen timestamp : {frozen} ."
        )));
    }
    if current_job(cluster).is_some() {
        return Err(server_error(9036, "Backup is in progress"));
    }
    if is_cleanup_running(fleet, cluster) {
        return Err(server_error(9044, "delete backup data is in progress"));
    }
    Ok(())
}

fn create_job(
    fleet: &mut Fleet,
    issuer: Issuer,
    incremental: bool,
    executors: Vec<i64>,
    path: String,
    of_tenants: bool,
) {
    let cluster = &mut fleet.clusters[issuer.cluster];
    let set_id = legacy::next_set_id(cluster);
    let id = cluster.allocate_job_id(1);
    cluster.jobs.push(Job {
        tenant_id: 1,
        id,
        initiator_tenant_id: 1,
        initiator_job_id: 0,
        executors,
        incremental,
        plus_archivelog: false,
        of_tenants,
        encrypted: issuer.encrypted,
        description: String::new(),
        start: issuer.at,
        end: None,
        status: JobStatus::Init,
        result: 0,
        comment: String::new(),
        path,
        set_id,
        phase: 0,
        work_done: 0,
        accounted_until: issuer.at,
        transition_at: None,
        upgrade_since: None,
        in_history: false,
    });
    cluster.record_event(issuer.at, "backup", "start backup cluster", Vec::new());
}

/// Executes `BACKUP TENANT .. TO ..`: a full into a directory of its own, after a backup of the cluster.
fn backup_tenants(fleet: &mut Fleet, issuer: Issuer, names: &[String], to: &str) -> Result<(), ServerError> {
    let cluster = &fleet.clusters[issuer.cluster];
    let mut executors = Vec::new();
    for name in names {
        let tenant = cluster.tenant(name).ok_or_else(|| unknown_tenant(name))?;
        if !tenant.is_user() || !is_normal(tenant) {
            return Err(not_supported("backup of this tenant is"));
        }
        executors.push(tenant.id);
    }
    if executors.len() > MAX_NAMED_TENANTS {
        return Err(not_supported("backup of more than 256 tenants is"));
    }
    check_start(fleet, issuer)?;
    let cluster = &fleet.clusters[issuer.cluster];
    let cluster_level =
        |tenant: &Tenant| tenant.sets.iter().any(|set| set.status == "SUCCESS" && !set.legacy.of_tenants);
    if !cluster.tenants.first().is_some_and(cluster_level) {
        return Err(server_error(20305, "perform a cluster-level backup before a tenant-level backup"));
    }
    destination::claim_tenant_directory(fleet, issuer, names, to)?;
    create_job(fleet, issuer, false, executors, to.to_owned(), true);
    Ok(())
}

fn cancel(cluster: &mut Cluster, speed: u32, issuer: Issuer) -> Result<(), ServerError> {
    let Some(job) = current_job(cluster) else {
        return Err(server_error(9049, "backup status is stopped, can not cancel"));
    };
    if job.status.has_ended() || job.status == JobStatus::Canceling {
        return Err(server_error(9041, "cancel backup do not allow"));
    }
    let executors: Vec<i64> = job.executors.iter().copied().chain([1]).collect();
    simulation::cancel_jobs(cluster, speed, &executors, issuer.at);
    Ok(())
}

fn major_freeze(cluster: &mut Cluster, issuer: Issuer) -> Result<(), ServerError> {
    let allowed = cluster.parameters.get("enable_major_freeze").is_none_or(|value| value.eq_ignore_ascii_case("true"));
    let Some(state) = cluster.legacy.as_mut() else { return Ok(()) };
    if !allowed {
        return Err(server_error(4179, "major freeze not allowed"));
    }
    if state.last_freeze().version - state.merged_version() >= MAX_UNMERGED_VERSIONS {
        return Err(server_error(4217, "Major freeze not allowed now"));
    }
    legacy::freeze(state, issuer.at);
    Ok(())
}

/// Cancels the backup, stops the archive, and clears the destinations.
fn cancel_all(fleet: &mut Fleet, issuer: Issuer) {
    end_cleanup(fleet, issuer);
    let speed = fleet.speed;
    let cluster = &mut fleet.clusters[issuer.cluster];
    // It is no error if no backup is running.
    let _nothing_runs = cancel(cluster, speed, issuer);
    if archive_state(cluster).is_some_and(|state| !matches!(state, RoundStatus::Stop | RoundStatus::Stopping)) {
        legacy::stop_round(cluster, &fleet.faults, speed, issuer.at);
    }
    for name in ["backup_dest", "backup_backup_dest"] {
        parameters::store_value(cluster, issuer.at, name, String::new());
    }
}

fn end_cleanup(fleet: &mut Fleet, issuer: Issuer) -> bool {
    let name = fleet.clusters[issuer.cluster].name.clone();
    let before = fleet.faults.len();
    fleet.faults.retain(|fault| {
        fault.effect != FaultEffect::CleanupRuns || fault.cluster.as_ref().is_some_and(|cluster| *cluster != name)
    });
    fleet.faults.len() < before
}
