//! What an `ALTER SYSTEM` does to the fleet: who may say it, what is checked, what the server answers, and what it
//! leaves behind. Every effect that takes time is left to [`super::life`].

pub mod destination;
#[cfg(test)]
mod tests;
pub mod v3;

use super::clock::Moment;
use super::fleet::{Cluster, Fleet, Job, JobStatus, RoundStatus, Tenant};
use super::life::{self, archive};
use super::line::{Feature, Line};
use super::refusal::refuse;
use super::statement::{Alter, BackupScope, Literal, ServerError, Tenants};

/// Who gives the order, where and when.
#[derive(Debug, Clone, Copy)]
pub struct Order {
    /// Index of the cluster.
    pub cluster: usize,
    /// The tenant of the session; 1 is sys.
    pub tenant_id: i64,
    /// The session has an encryption password.
    pub encrypted: bool,
    /// When.
    pub at: Moment,
}

/// An error with the SQLSTATE that belongs to its code.
#[must_use]
pub fn refusal(code: u16, message: impl Into<String>) -> ServerError {
    let state = match code {
        1045 => "28000",
        1146 => "42S02",
        1227 => "42501",
        1235 => "0A000",
        5099 => "42000",
        _ => "HY000",
    };
    refuse(code, state, message)
}

/// `<x> not supported`, as the 4.x resolver says it.
pub(crate) fn not_supported(what: &str) -> ServerError {
    refusal(1235, format!("{what} not supported"))
}

fn no_privilege() -> ServerError {
    refusal(1227, "Access denied; you need (at least one of) the ALTER SYSTEM privilege(s) for this operation")
}

fn unknown_tenant(name: &str) -> ServerError {
    refusal(5160, format!("invalid tenant name specified in connection string: {name}"))
}

/// Carries out an order; the fleet must have been advanced to its moment.
///
/// # Errors
/// What the server answers when it refuses; nothing has been changed then, except that of several tenants some may
/// already have obeyed.
pub fn carry_out(fleet: &mut Fleet, order: Order, alter: &Alter) -> Result<(), ServerError> {
    if fleet.clusters[order.cluster].line.is_v3() {
        return v3::carry_out(fleet, order, alter);
    }
    match alter {
        Alter::Set { items, tenants } => set(fleet, order, items, tenants),
        Alter::ArchiveLog { on, tenants, .. } => archive_log(fleet, order, *on, tenants),
        Alter::Backup { .. } => backup(fleet, order, alter),
        Alter::CancelBackup(tenants) => {
            let speed = fleet.speed;
            let cluster = &mut fleet.clusters[order.cluster];
            let concerned = whom(cluster, order, tenants)?;
            life::cancel(cluster, speed, &concerned, order.at);
            Ok(())
        }
        Alter::MajorFreeze(tenants) => {
            let done = order.at + life::work(5000, fleet.speed);
            let cluster = &mut fleet.clusters[order.cluster];
            let concerned = match tenants {
                Tenants::Unnamed => vec![order.tenant_id],
                named => whom(cluster, order, named)?,
            };
            for tenant_id in concerned {
                if let Some(tenant) = cluster.tenant_mut(tenant_id) {
                    tenant.frozen = (order.at, done);
                }
            }
            Ok(())
        }
        // The grammar of V4 has no such forms.
        Alter::MinorFreeze | Alter::CancelAll | Alter::CancelDelete => Err(not_supported("this is")),
        Alter::Refused { code, message } => Err(refusal(*code, message.clone())),
    }
}

/// The user tenants an order concerns: from sys, all of them or the listed ones; else only its own.
fn whom(cluster: &Cluster, order: Order, tenants: &Tenants) -> Result<Vec<i64>, ServerError> {
    let all = || cluster.user_tenants().map(|tenant| tenant.id).collect();
    match tenants {
        Tenants::Unnamed if order.tenant_id == 1 => Ok(all()),
        Tenants::Unnamed => Ok(vec![order.tenant_id]),
        _ if order.tenant_id != 1 => Err(no_privilege()),
        Tenants::Word(word) if word == "all" => Ok(all()),
        Tenants::Word(word) => Err(not_supported(&format!("use {word} here is"))),
        Tenants::Listed(names) => names.iter().map(|name| Ok(user_tenant(cluster, name)?.id)).collect(),
    }
}

fn user_tenant<'a>(cluster: &'a Cluster, name: &str) -> Result<&'a Tenant, ServerError> {
    let tenant = cluster.tenant(name).ok_or_else(|| unknown_tenant(name))?;
    if tenant.is_user() { Ok(tenant) } else { Err(not_supported("sys or meta tenant is")) }
}

fn archive_log(fleet: &mut Fleet, order: Order, on: bool, tenants: &Tenants) -> Result<(), ServerError> {
    let speed = fleet.speed;
    let concerned = whom(&fleet.clusters[order.cluster], order, tenants)?;
    let listed = matches!(tenants, Tenants::Listed(_)) || order.tenant_id != 1;
    for tenant_id in concerned {
        let cluster = &mut fleet.clusters[order.cluster];
        let line = cluster.line;
        let switched = match cluster.tenant_mut(tenant_id) {
            Some(tenant) if tenant.status != "NORMAL" => Err(refusal(9023, "cannot start log archive backup")),
            Some(tenant) if tenant.archivelog == on => Err(already(line, on)),
            Some(tenant) => {
                tenant.archivelog = on;
                Ok(())
            }
            None => Ok(()),
        };
        match switched {
            Ok(()) if on => archive::begin(cluster, tenant_id, speed, order.at),
            Ok(()) => archive::stop(cluster, tenant_id, speed, order.at),
            // The first of a list that fails is told; of all tenants nobody's failure is.
            Err(error) if listed => return Err(error),
            Err(_) => {}
        }
    }
    Ok(())
}

/// V4.0 has no codes of their own for these.
fn already(line: &Line, on: bool) -> ServerError {
    match (on, line.has(Feature::ArchiveModeCodes)) {
        (true, true) => refusal(9091, "Already in ARCHIVELOG mode"),
        (false, true) => refusal(9092, "Already in NOARCHIVELOG mode"),
        (true, false) => refusal(9023, "cannot start log archive backup"),
        (false, false) => refusal(9024, "log archive backup is already disabled"),
    }
}

const BACKUP_ITEMS: [&str; 3] = ["data_backup_dest", "log_archive_dest", "log_archive_dest_state"];

fn set(fleet: &mut Fleet, order: Order, items: &[(String, Literal)], tenants: &Tenants) -> Result<(), ServerError> {
    let paused = fleet.clusters[order.cluster].line.has(Feature::ArchiveState);
    let is_backup = |name: &str| BACKUP_ITEMS.contains(&name) && (paused || name != "log_archive_dest_state");
    let backup = items.iter().filter(|(name, _)| is_backup(name)).count();
    if backup == 0 {
        return items.iter().try_for_each(|(name, value)| set_parameter(fleet, order, name, value, tenants));
    }
    if backup != items.len() {
        let what = "backup configuration items cannot be set together with non data backup configuration items";
        return Err(not_supported(&format!("{what} is")));
    }
    let cluster = &fleet.clusters[order.cluster];
    let tenant_id = match tenants {
        Tenants::Unnamed if order.tenant_id != 1 => order.tenant_id,
        Tenants::Listed(names) if order.tenant_id == 1 && names.len() == 1 => user_tenant(cluster, &names[0])?.id,
        _ if order.tenant_id != 1 => return Err(no_privilege()),
        _ => return Err(not_supported("set backup configuration items of the sys tenant is")),
    };
    for (name, value) in items {
        let Literal::Text(value) = value else { return Err(refusal(1210, "Invalid argument")) };
        match name.as_str() {
            "data_backup_dest" => destination::set_data(fleet, order, tenant_id, value)?,
            "log_archive_dest" => destination::set_archive(fleet, order, tenant_id, value)?,
            _ => set_state(fleet, order, tenant_id, value)?,
        }
    }
    Ok(())
}

fn set_state(fleet: &mut Fleet, order: Order, tenant_id: i64, value: &str) -> Result<(), ServerError> {
    let speed = fleet.speed;
    let cluster = &mut fleet.clusters[order.cluster];
    let enable = match value.to_ascii_uppercase().as_str() {
        "ENABLE" => true,
        "DEFER" => false,
        _ => return Err(refusal(1210, "Incorrect arguments to log_archive_dest_state")),
    };
    let Some(dest) = cluster.tenant_mut(tenant_id).and_then(|tenant| tenant.archive.as_mut()) else {
        return Err(refusal(4018, "Entry not exist"));
    };
    dest.enabled = enable;
    let doing = cluster.tenant_by_id(tenant_id).is_some_and(Tenant::archiving);
    if enable {
        archive::resume(cluster, tenant_id);
        archive::begin(cluster, tenant_id, speed, order.at);
    } else if doing {
        archive::suspend(cluster, tenant_id, speed, order.at);
    }
    Ok(())
}

/// Items of the cluster; every other known one belongs to a tenant.
pub(crate) const CLUSTER_PARAMETERS: [(&str, &str); 6] = [
    ("enable_upgrade_mode", "False"),
    ("enable_rebalance", "True"),
    ("server_permanent_offline_time", "3600s"),
    ("syslog_level", "WDIAG"),
    ("enable_rereplication", "True"),
    ("major_freeze_duty_time", "Disable"),
];
/// Items of a tenant, with their defaults. The lag target is 120 s on a server; here the checkpoint moves faster.
pub(crate) const TENANT_PARAMETERS: [(&str, &str); 5] = [
    ("archive_lag_target", "4s"),
    ("ha_low_thread_score", "0"),
    ("log_archive_concurrency", "0"),
    ("default_compress_func", "zstd_1.3.8"),
    ("undo_retention", "1800"),
];

fn set_parameter(
    fleet: &mut Fleet,
    order: Order,
    name: &str,
    value: &Literal,
    tenants: &Tenants,
) -> Result<(), ServerError> {
    let speed = fleet.speed;
    let now = fleet.now;
    let cluster = &mut fleet.clusters[order.cluster];
    let value = match value {
        Literal::Text(text) => text.clone(),
        Literal::Integer(number) => number.to_string(),
        Literal::Null => return Err(refusal(1210, "Invalid argument")),
    };
    if CLUSTER_PARAMETERS.iter().any(|(known, _)| *known == name) {
        if order.tenant_id != 1 {
            return Err(no_privilege());
        }
        cluster.parameters.insert(name.to_owned(), value);
        return Ok(());
    }
    if !TENANT_PARAMETERS.iter().any(|(known, _)| *known == name) {
        return Err(refusal(5099, format!("System config unknown: {name}")));
    }
    let concerned = match tenants {
        Tenants::Unnamed => vec![order.tenant_id],
        Tenants::Word(_) if order.tenant_id == 1 => cluster.user_tenants().map(|tenant| tenant.id).collect(),
        named => whom(cluster, order, named)?,
    };
    for tenant_id in concerned {
        let Some(tenant) = cluster.tenant_mut(tenant_id) else { continue };
        // A checkpoint that was reached stays reached, whatever steps it moves in from now on.
        let reached = tenant.round().and_then(|round| {
            let faults = super::fault::Faults { all: &[], cluster: "" };
            archive::checkpoint(tenant, round, faults, speed, now)
        });
        if let (Some(round), Some(reached)) = (tenant.rounds.last_mut(), reached) {
            round.reached = reached;
        }
        tenant.parameters.insert(name.to_owned(), value.clone());
    }
    Ok(())
}

fn cannot_start(why: &str) -> ServerError {
    refusal(9040, format!("backup can not start, because {why}"))
}

fn backup(fleet: &mut Fleet, order: Order, alter: &Alter) -> Result<(), ServerError> {
    let Alter::Backup { incremental, scope, to, plus_archivelog, description } = alter else { return Ok(()) };
    if to.is_some() {
        return Err(not_supported("backup do not support using specify path is"));
    }
    let upgrading = life::upgrading(&fleet.clusters[order.cluster], &fleet.faults);
    let cluster = &mut fleet.clusters[order.cluster];
    if *plus_archivelog && !cluster.line.has(Feature::PlusArchivelog) {
        return Err(not_supported("plus archive is"));
    }
    let executors = match scope {
        BackupScope::Tenants(_) if order.tenant_id != 1 => {
            return Err(not_supported("user tenant cannot specify tenant names is"));
        }
        BackupScope::Tenants(names) => {
            let tenants = names.iter().map(|name| user_tenant(cluster, name)).collect::<Result<Vec<_>, _>>()?;
            for tenant in &tenants {
                may_start(cluster, tenant, 1)?;
            }
            tenants.iter().map(|tenant| tenant.id).collect()
        }
        BackupScope::Database if order.tenant_id == 1 => {
            let eligible = |tenant: &&Tenant| may_start(cluster, tenant, 1).is_ok();
            let tenants: Vec<i64> = cluster.user_tenants().filter(eligible).map(|tenant| tenant.id).collect();
            if tenants.is_empty() {
                return Err(cannot_start(
                    "no tenant meets the backup condition, please check the tenant status, log archive status, \
                     backup data dest, and backup status for each tenant",
                ));
            }
            tenants
        }
        BackupScope::Database => {
            let tenant = cluster.tenant_by_id(order.tenant_id).ok_or_else(no_privilege)?;
            if upgrading {
                return Err(cannot_start("cluster upgrading"));
            }
            if tenant.data.is_none() {
                return Err(refusal(9040, "backup can not start"));
            }
            may_start(cluster, tenant, tenant.id)?;
            vec![tenant.id]
        }
    };
    let of_sys = order.tenant_id == 1;
    let own = cluster.tenant_by_id(order.tenant_id).filter(|_| !of_sys).and_then(|tenant| tenant.data.as_ref());
    let path = own.map_or_else(String::new, |dest| dest.path.clone());
    let job = Job {
        tenant_id: order.tenant_id,
        id: cluster.next_job_id(order.tenant_id),
        initiator_tenant_id: order.tenant_id,
        initiator_job_id: 0,
        executors,
        incremental: *incremental,
        plus_archivelog: *plus_archivelog,
        of_tenants: false,
        encrypted: order.encrypted,
        description: description.clone().unwrap_or_default(),
        start: order.at,
        end: None,
        status: JobStatus::Init,
        result: 0,
        comment: String::new(),
        path,
        set_id: 0,
        phase: 0,
        done: 0,
        seen: order.at,
        due: None,
        history: false,
    };
    let items = vec![("tenant_id", order.tenant_id.to_string()), ("result", "0".to_owned())];
    cluster.jobs.push(job);
    cluster.event(order.at, "backup_data", "start_backup_data", items);
    Ok(())
}

/// The checks of a BACKUP statement on one tenant. Upgrade mode is not among them from sys: it is met by the child.
fn may_start(cluster: &Cluster, tenant: &Tenant, initiator: i64) -> Result<(), ServerError> {
    if let Some(why) = life::obstacle(tenant) {
        return Err(cannot_start(why));
    }
    let same = |job: &&Job| job.initiator_tenant_id == initiator && job.executors.contains(&tenant.id);
    if cluster.jobs.iter().filter(same).any(|job| !job.status.ended()) {
        return Err(refusal(9036, "Backup is in progress"));
    }
    Ok(())
}

/// Whether a tenant's round keeps its destination from being changed.
pub(crate) fn archive_runs(tenant: &Tenant) -> bool {
    tenant.round().is_some_and(|round| round.status != RoundStatus::Stop)
}
