//! Executes `ALTER SYSTEM`: privileges, checks, errors, and the changes of the state. Effects that take time are up to
//! [`super::simulation`].

pub mod destination;
pub mod legacy;
#[cfg(test)]
mod tests;

use super::clock::Micros;
use super::fault_injection::{ClusterFaults, InjectedFault};
use super::fleet::{Cluster, DestState, Fleet, RoundStatus, Tenant};
use super::release_line::Feature;
use super::server_errors::error_with_state;
use super::simulation::job_start::{self, BackupRequest};
use super::simulation::{self, archive};
use super::statement::{Alter, BackupScope, Literal, ServerError, Tenants};
use super::stored_backups;

/// Who issues a statement, on which cluster and when.
#[derive(Debug, Clone, Copy)]
pub struct Issuer {
    /// Index of the cluster.
    pub cluster: usize,
    /// The tenant of the session; 1 is sys.
    pub tenant_id: i64,
    /// The session has an encryption password.
    pub encrypted: bool,
    /// When it is issued.
    pub at: Micros,
}

/// Returns an error with the SQLSTATE of its code.
#[must_use]
pub fn server_error(code: u16, message: impl Into<String>) -> ServerError {
    let state = match code {
        1045 => "28000",
        1146 => "42S02",
        1227 => "42501",
        1235 => "0A000",
        5099 => "42000",
        _ => "HY000",
    };
    error_with_state(code, state, message)
}

/// Returns the error 1235 `<x> not supported`, as the 4.x resolver words it.
pub(crate) fn not_supported(what: &str) -> ServerError {
    server_error(1235, format!("{what} not supported"))
}

fn alter_denied() -> ServerError {
    server_error(1227, "Access denied; you need (at least one of) the ALTER SYSTEM privilege(s) for this operation")
}

fn unknown_tenant(name: &str) -> ServerError {
    server_error(5160, format!("invalid tenant name specified in connection string: {name}"))
}

/// Executes a statement; the fleet must have been advanced to its time.
///
/// # Errors
/// The server's error; nothing has been changed then, except that of several tenants some may have been changed already.
pub fn execute(fleet: &mut Fleet, issuer: Issuer, alter: &Alter) -> Result<(), ServerError> {
    if fleet.clusters[issuer.cluster].line.is_legacy() {
        return legacy::execute(fleet, issuer, alter);
    }
    match alter {
        Alter::Set { items, tenants } => set_items(fleet, issuer, items, tenants),
        Alter::ArchiveLog { on, tenants, .. } => archive_log(fleet, issuer, *on, tenants),
        Alter::Backup { .. } => start_backup(fleet, issuer, alter),
        Alter::PreviewRestore(preview) => {
            stored_backups::check_preview(&fleet.clusters[issuer.cluster], issuer, preview)
        }
        Alter::CancelBackup(tenants) => {
            let speed = fleet.speed;
            let cluster = &mut fleet.clusters[issuer.cluster];
            let named = concerned_tenants(cluster, issuer, tenants)?;
            // Without a list sys cancels its own jobs too, and so the children with them.
            let own = (issuer.tenant_id == 1 && *tenants == Tenants::Unnamed).then_some(1);
            let concerned: Vec<i64> = named.iter().copied().chain(own).collect();
            simulation::cancel_jobs(cluster, speed, &concerned, issuer.at);
            let listed = if own.is_some() || issuer.tenant_id != 1 { Vec::new() } else { named };
            let items = vec![("tenant_id", issuer.tenant_id.to_string()), ("backup_tenant_ids", format!("{listed:?}"))];
            cluster.record_event(issuer.at, "backup_data", "cancel_backup_data", items);
            let faults = ClusterFaults { all: &fleet.faults, cluster: &cluster.name };
            faults.refused_cancel().map_or(Ok(()), |(code, text)| Err(server_error(code, text)))
        }
        Alter::MajorFreeze(tenants) => {
            let done = issuer.at + simulation::clock_time(5000, fleet.speed);
            let cluster = &mut fleet.clusters[issuer.cluster];
            let concerned = match tenants {
                Tenants::Unnamed => vec![issuer.tenant_id],
                named => concerned_tenants(cluster, issuer, named)?,
            };
            for tenant_id in concerned {
                if let Some(tenant) = cluster.tenant_mut(tenant_id) {
                    tenant.major_freeze = (issuer.at, done);
                }
            }
            Ok(())
        }
        // The grammar of V4 has no such forms.
        Alter::MinorFreeze | Alter::CancelAll | Alter::CancelDelete => Err(not_supported("this is")),
        Alter::Refused { code, message } => Err(server_error(*code, message.clone())),
    }
}

/// Returns the user tenants that a statement concerns: from sys, all of them or the listed ones; else only the issuer's own.
fn concerned_tenants(cluster: &Cluster, issuer: Issuer, tenants: &Tenants) -> Result<Vec<i64>, ServerError> {
    let all = || cluster.user_tenants().map(|tenant| tenant.id).collect();
    match tenants {
        Tenants::Unnamed if issuer.tenant_id == 1 => Ok(all()),
        Tenants::Unnamed => Ok(vec![issuer.tenant_id]),
        _ if issuer.tenant_id != 1 => Err(alter_denied()),
        Tenants::Keyword(word) if word == "all" => Ok(all()),
        Tenants::Keyword(word) => Err(not_supported(&format!("use {word} here is"))),
        Tenants::Listed(names) => names.iter().map(|name| Ok(find_user_tenant(cluster, name)?.id)).collect(),
    }
}

fn find_user_tenant<'a>(cluster: &'a Cluster, name: &str) -> Result<&'a Tenant, ServerError> {
    let tenant = cluster.tenant(name).ok_or_else(|| unknown_tenant(name))?;
    if tenant.is_user() { Ok(tenant) } else { Err(not_supported("sys or meta tenant is")) }
}

/// Executes ARCHIVELOG or NOARCHIVELOG. To sys no failure of ARCHIVELOG is reported, and of NOARCHIVELOG only the last
/// tenant's (V4.1 to V4.3.1 source, `ob_archive_scheduler_service.cpp`); V4.0 reports the first of a list.
fn archive_log(fleet: &mut Fleet, issuer: Issuer, on: bool, tenants: &Tenants) -> Result<(), ServerError> {
    let speed = fleet.speed;
    let concerned = concerned_tenants(&fleet.clusters[issuer.cluster], issuer, tenants)?;
    let listed = matches!(tenants, Tenants::Listed(_)) || issuer.tenant_id != 1;
    let cluster = &mut fleet.clusters[issuer.cluster];
    let mut results = Vec::new();
    for tenant_id in concerned {
        results.push(if cluster.line.has(Feature::LogMode) {
            switch_log_mode(cluster, &fleet.faults, speed, tenant_id, on, issuer.at)
        } else {
            switch_round(cluster, &fleet.faults, speed, tenant_id, on, issuer.at)
        });
    }
    let mode = cluster.line.has(Feature::LogMode);
    match (issuer.tenant_id == 1, mode, on) {
        (true, true, true) => Ok(()),
        (true, true, false) => results.pop().unwrap_or(Ok(())),
        _ if listed => results.into_iter().find(Result::is_err).unwrap_or(Ok(())),
        _ => Ok(()),
    }
}

/// Switches `LOG_MODE` on V4.1 and later. The server then starts or stops the round.
fn switch_log_mode(
    cluster: &mut Cluster,
    faults: &[InjectedFault],
    speed: u32,
    tenant_id: i64,
    on: bool,
    at: Micros,
) -> Result<(), ServerError> {
    let switched = match cluster.tenant_mut(tenant_id) {
        Some(tenant) if on && (tenant.status != "NORMAL" || tenant.recycled) => {
            Err(server_error(9023, "cannot start log archive backup"))
        }
        Some(tenant) if tenant.archivelog == on && on => Err(server_error(9091, "Already in ARCHIVELOG mode")),
        Some(tenant) if tenant.archivelog == on => Err(server_error(9092, "Already in NOARCHIVELOG mode")),
        Some(tenant) => {
            tenant.archivelog = on;
            Ok(())
        }
        None => Ok(()),
    };
    let items = vec![("tenant_id", tenant_id.to_string()), ("result", event_result(&switched))];
    cluster.record_event(at, "log_archive", if on { "open_archive_mode" } else { "close_archive_mode" }, items);
    archive::schedule_round(cluster, tenant_id, faults, speed, at);
    switched
}

/// Starts or stops a round on V4.0, where the statement itself does so (V4.0.0 source, `ob_tenant_archive_scheduler.cpp`).
fn switch_round(
    cluster: &mut Cluster,
    faults: &[InjectedFault],
    speed: u32,
    tenant_id: i64,
    on: bool,
    at: Micros,
) -> Result<(), ServerError> {
    let bare = || server_error(1235, "Not supported feature or function");
    let cluster_id = cluster.id;
    let Some(tenant) = cluster.tenant_mut(tenant_id) else { return Ok(()) };
    let status = tenant.current_round().map(|round| round.status);
    let may = match status {
        _ if on && (tenant.status != "NORMAL" || tenant.recycled) => Err(bare()),
        _ if on => archive::check_directory(cluster_id, tenant)
            .map_err(|(code, text)| server_error(u16::try_from(-code).unwrap_or_default(), text))
            .and_then(|()| if matches!(status, None | Some(RoundStatus::Stop)) { Ok(()) } else { Err(bare()) }),
        Some(RoundStatus::Beginning | RoundStatus::Doing | RoundStatus::Interrupted) => Ok(()),
        _ => Err(bare()),
    };
    if may.is_ok() {
        tenant.archivelog = on;
        if let Some(dest) = tenant.archive_dest.as_mut().filter(|_| on) {
            dest.state = DestState::Enable;
        }
    }
    if may.is_ok() && on {
        archive::enable_round(cluster, tenant_id, speed, at);
    } else if may.is_ok() {
        archive::disable_round(cluster, tenant_id, faults, speed, at);
    } else {
        let items =
            vec![("tenant_id", tenant_id.to_string()), ("dest_no", "0".to_owned()), ("result", event_result(&may))];
        cluster.record_event(at, "log_archive", if on { "enable_archive" } else { "disable_archive" }, items);
    }
    may
}

/// Returns the result of a statement as events print it: the code as the source has it.
fn event_result(of: &Result<(), ServerError>) -> String {
    match of {
        Ok(()) => "0".to_owned(),
        Err(error) if error.code == 1235 => "-4007".to_owned(),
        Err(error) => format!("-{}", error.code),
    }
}

const DESTINATION_ITEMS: [&str; 3] = ["data_backup_dest", "log_archive_dest", "log_archive_dest_state"];

fn set_items(
    fleet: &mut Fleet,
    issuer: Issuer,
    items: &[(String, Literal)],
    tenants: &Tenants,
) -> Result<(), ServerError> {
    let backup = items.iter().filter(|(name, _)| DESTINATION_ITEMS.contains(&name.as_str())).count();
    if backup == 0 {
        return items.iter().try_for_each(|(name, value)| set_parameter(fleet, issuer, name, value, tenants));
    }
    if backup != items.len() {
        let what = "backup configuration items cannot be set together with non data backup configuration items";
        return Err(not_supported(&format!("{what} is")));
    }
    let cluster = &fleet.clusters[issuer.cluster];
    let tenant_id = match tenants {
        Tenants::Unnamed if issuer.tenant_id != 1 => issuer.tenant_id,
        Tenants::Listed(names) if issuer.tenant_id == 1 && names.len() == 1 => find_user_tenant(cluster, &names[0])?.id,
        _ if issuer.tenant_id != 1 => return Err(alter_denied()),
        _ => return Err(not_supported("set backup configuration items of the sys tenant is")),
    };
    for (name, value) in items {
        let Literal::Text(value) = value else { return Err(server_error(1210, "Invalid argument")) };
        match name.as_str() {
            "data_backup_dest" => destination::set_data_dest(fleet, issuer, tenant_id, value)?,
            "log_archive_dest" => destination::set_archive_dest(fleet, issuer, tenant_id, value)?,
            _ => set_dest_state(fleet, issuer, tenant_id, value)?,
        }
    }
    Ok(())
}

fn set_dest_state(fleet: &mut Fleet, issuer: Issuer, tenant_id: i64, value: &str) -> Result<(), ServerError> {
    let speed = fleet.speed;
    let cluster = &mut fleet.clusters[issuer.cluster];
    let word = |(_, word): &&(DestState, &str)| word.eq_ignore_ascii_case(value);
    let state = cluster.line.dest_states().iter().find(word).ok_or_else(|| server_error(1210, "Invalid argument"))?.0;
    let Some(dest) = cluster.tenant_mut(tenant_id).and_then(|tenant| tenant.archive_dest.as_mut()) else {
        return Err(server_error(4018, "Entry not exist"));
    };
    dest.state = state;
    archive::schedule_round(cluster, tenant_id, &fleet.faults, speed, issuer.at);
    Ok(())
}

/// Parameters of the cluster with their defaults; every other known one belongs to a tenant.
pub(crate) const CLUSTER_PARAMETERS: [(&str, &str); 7] = [
    ("obconfig_url", ""),
    ("enable_upgrade_mode", "False"),
    ("enable_rebalance", "True"),
    ("server_permanent_offline_time", "3600s"),
    ("syslog_level", "WDIAG"),
    ("enable_rereplication", "True"),
    ("major_freeze_duty_time", "Disable"),
];
/// Parameters of a tenant with their defaults. The lag target is 120 s on a server; here the checkpoint moves faster.
pub(crate) const TENANT_PARAMETERS: [(&str, &str); 6] = [
    ("tde_method", "none"),
    ("archive_lag_target", "4s"),
    ("ha_low_thread_score", "0"),
    ("log_archive_concurrency", "0"),
    ("default_compress_func", "zstd_1.3.8"),
    ("undo_retention", "1800"),
];

fn set_parameter(
    fleet: &mut Fleet,
    issuer: Issuer,
    name: &str,
    value: &Literal,
    tenants: &Tenants,
) -> Result<(), ServerError> {
    let speed = fleet.speed;
    let now = fleet.now;
    let cluster = &mut fleet.clusters[issuer.cluster];
    let value = match value {
        Literal::Text(text) => text.clone(),
        Literal::Integer(number) => number.to_string(),
        Literal::Null => return Err(server_error(1210, "Invalid argument")),
    };
    if CLUSTER_PARAMETERS.iter().any(|(known, _)| *known == name) {
        if issuer.tenant_id != 1 {
            return Err(alter_denied());
        }
        cluster.parameters.insert(name.to_owned(), value);
        return Ok(());
    }
    if !TENANT_PARAMETERS.iter().any(|(known, _)| *known == name) {
        return Err(server_error(5099, format!("System config unknown: {name}")));
    }
    let concerned = match tenants {
        Tenants::Unnamed => vec![issuer.tenant_id],
        Tenants::Keyword(_) if issuer.tenant_id == 1 => cluster.user_tenants().map(|tenant| tenant.id).collect(),
        named => concerned_tenants(cluster, issuer, named)?,
    };
    for tenant_id in concerned {
        let Some(tenant) = cluster.tenant_mut(tenant_id) else { continue };
        // A checkpoint that was reached stays reached, whatever steps it moves in from now on.
        let reached = tenant.current_round().and_then(|round| {
            let faults = ClusterFaults { all: &[], cluster: "" };
            archive::checkpoint(tenant, round, faults, speed, now)
        });
        if let (Some(round), Some(reached)) = (tenant.rounds.last_mut(), reached) {
            round.reached_checkpoint = reached;
        }
        tenant.parameters.insert(name.to_owned(), value.clone());
    }
    Ok(())
}

fn start_backup(fleet: &mut Fleet, issuer: Issuer, alter: &Alter) -> Result<(), ServerError> {
    let Alter::Backup { incremental, scope, to, plus_archivelog, description } = alter else { return Ok(()) };
    if to.is_some() {
        return Err(not_supported("backup do not support using specify path is"));
    }
    let cluster = &fleet.clusters[issuer.cluster];
    let named = match scope {
        BackupScope::Tenants(_) if issuer.tenant_id != 1 => {
            return Err(not_supported("user tenant cannot specify tenant names is"));
        }
        BackupScope::Tenants(names) => {
            names.iter().map(|name| Ok(find_user_tenant(cluster, name)?.id)).collect::<Result<Vec<_>, ServerError>>()?
        }
        BackupScope::Database => Vec::new(),
    };
    let wanted = BackupRequest {
        incremental: *incremental,
        plus_archivelog: *plus_archivelog,
        encrypted: issuer.encrypted,
        description: description.clone().unwrap_or_default(),
    };
    let started = create_jobs(fleet, issuer, &wanted, &named);
    let items = vec![("tenant_id", issuer.tenant_id.to_string()), ("result", event_result(&started))];
    fleet.clusters[issuer.cluster].record_event(issuer.at, "backup_data", "start_backup_data", items);
    started
}

/// Checks a BACKUP as the root service does, and starts its jobs.
fn create_jobs(fleet: &mut Fleet, issuer: Issuer, wanted: &BackupRequest, named: &[i64]) -> Result<(), ServerError> {
    let cluster = &mut fleet.clusters[issuer.cluster];
    if wanted.plus_archivelog && !cluster.line.has(Feature::PlusArchivelog) {
        return Err(not_supported("plus archive is"));
    }
    if issuer.tenant_id != 1 {
        let initiator = (issuer.tenant_id, 0);
        return job_start::start_tenant_job(cluster, &fleet.faults, wanted, issuer.tenant_id, initiator, issuer.at);
    }
    for tenant in named.iter().filter_map(|id| cluster.tenant_by_id(*id)) {
        job_start::check_listed(cluster, tenant)?;
    }
    let executors: Vec<i64> = if named.is_empty() {
        let eligible = |tenant: &&Tenant| job_start::check_listed(cluster, tenant).is_ok();
        cluster.user_tenants().filter(eligible).map(|tenant| tenant.id).collect()
    } else {
        named.to_vec()
    };
    let printed: Vec<String> = executors.iter().map(i64::to_string).collect();
    // The ids are printed into 4,096 bytes, the last of which ends them.
    if printed.join(",").len() > 4_095 {
        return Err(server_error(4019, "Size overflow"));
    }
    if executors.is_empty() {
        return Err(job_start::cannot_start(
            "no tenant meets the backup condition, please check the tenant status, log archive status, \
             backup data dest, and backup status for each tenant",
        ));
    }
    job_start::start_sys_job(cluster, wanted, executors, issuer.at);
    Ok(())
}

/// Returns whether a tenant's archive is running, so that its destination cannot be changed.
pub(crate) fn is_archive_running(tenant: &Tenant) -> bool {
    tenant.current_round().is_some_and(|round| round.status != RoundStatus::Stop)
}
