//! Views of the cluster: tenants, servers, zones and their merges, parameters, events, cleanups.

use super::super::{ViewContext, count, int, row, text};
use super::{LOCALHOST, current_job, flag};
use crate::demo::alter::legacy::{PARAMETERS, cluster_role, is_cleanup_running};
use crate::demo::clock::Micros;
use crate::demo::fleet::{Cluster, Freeze, Job, JobStatus, LegacyState, RootServiceEvent, RoundStatus, Server, Tenant};
use crate::demo::simulation::{self, legacy};
use crate::demo::statement::{Row, Value};
use crate::demo::view_rows::cluster::{build_version, three_part_version};

fn zero() -> Value {
    int(0)
}

pub(super) fn tenants(context: &ViewContext<'_>) -> Vec<Row> {
    let to_row = |tenant: &Tenant| {
        let status = if tenant.role == "RESTORE" { "RESTORE" } else { &*tenant.status };
        let mut columns = shared_tenant_columns(context, tenant);
        columns.extend(row([
            ("REPLICA_NUM", int(-1)),
            ("LOCKED", zero()),
            ("REWRITE_MERGE_VERSION", zero()),
            ("LOGONLY_REPLICA_NUM", zero()),
            ("PREVIOUS_LOCALITY", text("")),
            ("STORAGE_FORMAT_VERSION", zero()),
            ("STORAGE_FORMAT_WORK_VERSION", zero()),
            ("DEFAULT_TABLEGROUP_ID", int(-1)),
            ("COMPATIBILITY_MODE", flag(tenant.mode == "ORACLE")),
            ("DROP_TENANT_TIME", int(-1)),
            ("IN_RECYCLEBIN", flag(tenant.recycled)),
            ("GMT_CREATE", context.time(tenant.created)),
            ("GMT_MODIFIED", context.time(tenant.created)),
        ]));
        columns.insert("STATUS", text(format!("TENANT_STATUS_{status}")));
        columns.extend(row([
            ("GMT_CREATE", context.time(tenant.created)),
            ("GMT_MODIFIED", context.time(tenant.created)),
        ]));
        columns
    };
    context.cluster.tenants.iter().map(to_row).collect()
}

/// Returns the only variable that a backup depends on: an enum, shown as its number.
pub(super) fn variables(context: &ViewContext<'_>) -> Vec<Row> {
    let to_row = |tenant: &Tenant| {
        row([
            ("TENANT_ID", int(tenant.id)),
            ("ZONE", text("")),
            ("NAME", text("ob_timestamp_service")),
            ("VALUE", text(if tenant.local_timestamps { "0" } else { "1" })),
        ])
    };
    context.cluster.tenants.iter().map(to_row).collect()
}

fn shared_tenant_columns(context: &ViewContext<'_>, tenant: &Tenant) -> Row {
    let zones: Vec<&str> = context.cluster.servers.iter().map(|server| &*server.zone).collect();
    let locality = zones.iter().map(|zone| format!("FULL{{1}}@{zone}")).collect::<Vec<_>>().join(", ");
    row([
        ("TENANT_ID", int(tenant.id)),
        ("TENANT_NAME", text(&*tenant.name)),
        ("ZONE_LIST", text(zones.join(";"))),
        ("PRIMARY_ZONE", text("RANDOM")),
        ("COLLATION_TYPE", zero()),
        ("INFO", text(if tenant.id == 1 { "system tenant" } else { "" })),
        ("READ_ONLY", zero()),
        ("LOCALITY", text(locality)),
    ])
}

pub(super) fn gv_tenants(context: &ViewContext<'_>) -> Vec<Row> {
    context.cluster.tenants.iter().map(|tenant| shared_tenant_columns(context, tenant)).collect()
}

pub(super) fn servers(context: &ViewContext<'_>) -> Vec<Row> {
    let to_row = |(index, server): (usize, &Server)| {
        let active = server.status == "ACTIVE";
        row([
            ("GMT_CREATE", context.time(server.started)),
            ("GMT_MODIFIED", context.time(server.started)),
            ("SVR_IP", text(LOCALHOST)),
            ("SVR_PORT", int(server.svr_port)),
            ("ID", count(index + 1)),
            ("ZONE", text(&*server.zone)),
            ("INNER_PORT", int(server.sql_port)),
            ("WITH_ROOTSERVER", flag(index == 0)),
            ("STATUS", text(server.status.to_lowercase())),
            ("BLOCK_MIGRATE_IN_TIME", zero()),
            ("BUILD_VERSION", text(build_version(context.cluster, server))),
            ("STOP_TIME", zero()),
            ("START_SERVICE_TIME", int(if active { server.started } else { 0 })),
            ("FIRST_SESSID", zero()),
            ("WITH_PARTITION", flag(true)),
            ("LAST_OFFLINE_TIME", int(if active { 0 } else { server.started })),
        ])
    };
    context.cluster.servers.iter().enumerate().map(to_row).collect()
}

/// Returns every zone's items, and with an empty zone those of the cluster.
pub(super) fn zones(context: &ViewContext<'_>) -> Vec<Row> {
    let Some(state) = &context.cluster.legacy else { return Vec::new() };
    let mut rows = Vec::new();
    let created = context.cluster.servers.first().map_or(0, |server| server.started);
    let mut item = |zone: &str, name: &'static str, value: i64, info: &str| {
        rows.push(row([
            ("GMT_CREATE", context.time(created)),
            ("GMT_MODIFIED", context.time(created)),
            ("ZONE", text(zone)),
            ("NAME", text(name)),
            ("VALUE", int(value)),
            ("INFO", text(info)),
        ]));
    };
    let (version, frozen) = (state.merge.version, state.last_freeze());
    let error = state.merge.zone.is_some_and(|zone| legacy::has_merge_failed(context.faults(), zone));
    let (number, word) = merge_state(state.merge.zone.is_some(), error);
    item("", "cluster", 0, &context.cluster.name);
    item("", "try_frozen_version", frozen.version, "");
    item("", "frozen_version", frozen.version, "");
    item("", "frozen_time", frozen.at, "");
    item("", "global_broadcast_version", version, "");
    item("", "last_merged_version", state.merged_version(), "");
    for name in ["privilege_version", "config_version", "lease_info_version"] {
        item("", name, created, "");
    }
    item("", "is_merge_error", i64::from(error), "");
    item("", "merge_status", number, word);
    for name in ["warm_up_start_time", "time_zone_info_version", "gc_schema_version"] {
        item("", name, 0, "");
    }
    item("", "proposal_frozen_version", frozen.version, "");
    item("", "snapshot_gc_ts", context.fleet.now, "");
    item("", "storage_format_version", 4, "");
    for (index, (server, merge)) in context.cluster.servers.iter().zip(&state.merge.zones).enumerate() {
        let zone = &*server.zone;
        let at_work = state.merge.zone == Some(index);
        let (number, word) = merge_state(at_work, at_work && error);
        item(zone, "status", 2, "ACTIVE");
        item(zone, "is_merging", i64::from(at_work), "");
        item(zone, "broadcast_version", if at_work { version } else { merge.merged_version }, "");
        item(zone, "last_merged_version", merge.merged_version, "");
        item(zone, "last_merged_time", merge.at, "");
        item(zone, "all_merged_version", merge.merged_version, "");
        item(zone, "merge_start_time", merge.start, "");
        item(zone, "is_merge_timeout", 0, "");
        item(zone, "suspend_merging", 0, "");
        item(zone, "merge_status", number, word);
        item(zone, "region", 0, "sys_region");
        item(zone, "idc", 0, "");
        item(zone, "zone_type", 0, "ReadWrite");
        item(zone, "recovery_status", 0, "NORMAL");
        item(zone, "storage_type", 0, "LOCAL");
    }
    rows
}

fn merge_state(merging: bool, error: bool) -> (i64, &'static str) {
    match (merging, error) {
        (_, true) => (3, "ERROR"),
        (true, false) => (1, "MERGING"),
        (false, false) => (0, "IDLE"),
    }
}

pub(super) fn freezes(context: &ViewContext<'_>) -> Vec<Row> {
    let to_row = |freeze: &Freeze| {
        row([
            ("FROZEN_VERSION", int(freeze.version)),
            ("FROZEN_TIMESTAMP", int(freeze.at)),
            ("SCHEMA_VERSION", int(freeze.at)),
        ])
    };
    context.cluster.legacy.iter().flat_map(|state: &LegacyState| &state.freezes).map(to_row).collect()
}

pub(super) fn clusters(context: &ViewContext<'_>) -> Vec<Row> {
    let cluster = context.cluster;
    let role = cluster_role(context.fleet, cluster);
    let created = cluster.servers.first().map_or(0, |server| server.started);
    let primary = if role == "PRIMARY" { Value::Null } else { int(cluster.id + 1) };
    vec![row([
        ("CLUSTER_ID", int(cluster.id)),
        ("CLUSTER_NAME", text(&*cluster.name)),
        ("CREATED", context.time(created)),
        ("CLUSTER_ROLE", text(role)),
        ("CLUSTER_STATUS", text("VALID")),
        ("SWITCHOVER#", zero()),
        ("SWITCHOVER_STATUS", text("NOT ALLOWED")),
        ("SWITCHOVER_INFO", text("")),
        ("CURRENT_SCN", int(context.fleet.now)),
        ("STANDBY_BECAME_PRIMARY_SCN", zero()),
        ("PRIMARY_CLUSTER_ID", primary),
        ("PROTECTION_MODE", text("MAXIMUM PERFORMANCE")),
        ("PROTECTION_LEVEL", text("MAXIMUM PERFORMANCE")),
        ("REDO_TRANSPORT_OPTIONS", text("")),
    ])]
}

pub(super) fn events(context: &ViewContext<'_>) -> Vec<Row> {
    let to_row = |(event, mut columns): (&RootServiceEvent, Row)| {
        columns.remove("TIMESTAMP");
        columns.insert("GMT_CREATE", context.time(event.at));
        columns
    };
    context.cluster.events.iter().zip(super::super::cluster::events(context)).map(to_row).collect()
}

/// A parameter with its value on one server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::demo) struct Parameter {
    /// The server's zone.
    pub zone: String,
    /// Its RPC port.
    pub port: u16,
    /// The name.
    pub name: &'static str,
    /// The value on this server.
    pub value: String,
}

/// Returns every parameter with its value on every server. A change reaches the servers one after the other, a second of work
/// apart.
#[must_use]
pub(in crate::demo) fn parameters(context: &ViewContext<'_>) -> Vec<Parameter> {
    let cluster = context.cluster;
    let fixed = [
        ("cluster", cluster.name.clone()),
        ("cluster_id", cluster.id.to_string()),
        ("min_observer_version", three_part_version(&cluster.version)),
    ];
    let mut all = Vec::new();
    for (index, server) in (0..).zip(&cluster.servers) {
        let mut show = |name: &'static str, value: String| {
            all.push(Parameter { zone: server.zone.clone(), port: server.svr_port, name, value });
        };
        for (name, value) in &fixed {
            show(name, value.clone());
        }
        for (name, default, feature) in PARAMETERS {
            if feature.is_none_or(|feature| cluster.line.has(feature)) {
                show(name, parameter_value(context, index, name, default));
            }
        }
    }
    all
}

fn parameter_value(context: &ViewContext<'_>, server: Micros, name: &str, default: &str) -> String {
    let cluster = context.cluster;
    let upgrading = simulation::is_upgrading(cluster, &context.fleet.faults);
    match name {
        "enable_upgrade_mode" if upgrading => return "True".to_owned(),
        "_upgrade_stage" if upgrading => return "DBUPGRADE".to_owned(),
        "enable_log_archive" => return if is_archiving(cluster) { "True" } else { "False" }.to_owned(),
        _ => {}
    }
    let before = cluster.legacy.as_ref().and_then(|state| state.previous_values.get(name));
    let late =
        before.filter(|(_, at)| context.fleet.now < at + simulation::clock_time(1000 * server, context.fleet.speed));
    let set = late.map(|(value, _)| value).or_else(|| cluster.parameters.get(name));
    set.cloned().unwrap_or_else(|| default.to_owned())
}

/// Returns whether the archive is running: the server sets `enable_log_archive` itself.
fn is_archiving(cluster: &Cluster) -> bool {
    let round = cluster.tenants.first().and_then(Tenant::current_round);
    round.is_some_and(|round| !matches!(round.status, RoundStatus::Stop | RoundStatus::Stopping))
}

pub(super) fn parameter_rows(context: &ViewContext<'_>) -> Vec<Row> {
    let to_row = |parameter: Parameter| {
        row([
            ("ZONE", text(parameter.zone)),
            ("SVR_TYPE", text("observer")),
            ("SVR_IP", text(LOCALHOST)),
            ("SVR_PORT", int(parameter.port)),
            ("NAME", text(parameter.name)),
            ("VALUE", text(parameter.value)),
            ("INFO", text("")),
            ("SECTION", text("OBSERVER")),
            ("SCOPE", text("CLUSTER")),
            ("SOURCE", text("DEFAULT")),
            ("EDIT_LEVEL", text("DYNAMIC_EFFECTIVE")),
        ])
    };
    parameters(context).into_iter().map(to_row).collect()
}

/// Returns the server's own record of backups, of the cluster or of each tenant.
pub(super) fn backup_info(context: &ViewContext<'_>, of_cluster: bool) -> Vec<Row> {
    let cluster = context.cluster;
    let latest = |tenant: &Tenant| {
        tenant.sets.last().map_or((0, 0, 0), |set| (set.id, set.legacy.data_version, set.min_restore.unwrap_or(0)))
    };
    let items = |tenant: &Tenant| {
        let (set, version, snapshot) = latest(tenant);
        let incremental = tenant.sets.last().is_some_and(|set| set.incremental);
        let encrypted = tenant.sets.last().is_some_and(|set| set.encrypted);
        let second = cluster.parameters.get("backup_backup_dest").cloned().unwrap_or_default();
        [
            ("backup_dest", legacy::destination(cluster).to_owned()),
            ("backup_backup_dest", second),
            ("backup_status", backup_state(cluster, tenant).to_owned()),
            ("backup_type", if incremental { "I" } else { "D" }.to_owned()),
            ("backup_snapshot_version", snapshot.to_string()),
            ("backup_schema_version", snapshot.to_string()),
            ("backup_data_version", version.to_string()),
            ("backup_set_id", set.to_string()),
            ("incarnation", "1".to_owned()),
            ("backup_task_id", "0".to_owned()),
            ("detected_backup_region", String::new()),
            ("backup_encryption_mode", if encrypted { "PASSWORD" } else { "NONE" }.to_owned()),
            ("backup_passwd", if encrypted { "c19c1ac4b5f7d3ddfdbb0a4e9cd2f23a" } else { "" }.to_owned()),
        ]
    };
    let rows = |tenant: &Tenant| {
        let to_row = |(name, value): (&str, String)| {
            let mut columns = row([("NAME", text(name)), ("VALUE", text(value))]);
            if !of_cluster {
                columns.insert("TENANT_ID", int(tenant.id));
            }
            columns
        };
        items(tenant).into_iter().map(to_row).collect::<Vec<_>>()
    };
    cluster.tenants.iter().filter(|tenant| !of_cluster || tenant.id == 1).flat_map(rows).collect()
}

fn backup_state(cluster: &Cluster, tenant: &Tenant) -> &'static str {
    let Some(parent) = current_job(cluster).filter(|job| tenant.id == 1 || job.executors.contains(&tenant.id)) else {
        return "STOP";
    };
    let own = cluster.jobs.iter().rev().find(|job| job.tenant_id == tenant.id && job.set_id == parent.set_id);
    let job: &Job = own.unwrap_or(parent);
    match job.status {
        JobStatus::Init => "SCHEDULE",
        JobStatus::Doing => "DOING",
        JobStatus::Canceling => "CANCEL",
        JobStatus::Completed | JobStatus::Failed | JobStatus::Canceled => "CLEANUP",
    }
}

pub(super) fn cleanups(context: &ViewContext<'_>) -> Vec<Row> {
    let runs = is_cleanup_running(context.fleet, context.cluster);
    vec![row([
        ("TENANT_ID", int(1)),
        ("JOB_ID", flag(runs)),
        (
            "START_TIME",
            context.time(if runs { context.cluster.servers.first().map_or(0, |server| server.started) } else { 0 }),
        ),
        ("END_TIME", context.time(0)),
        ("INCARNATION", int(1)),
        ("TYPE", text(if runs { "DELETE OBSOLETE BACKUP" } else { "" })),
        ("STATUS", text(if runs { "DOING" } else { "STOP" })),
        ("PARAMETER", text("")),
        ("ERROR_MSG", text("")),
        ("COMMENT", text("")),
        ("CLOG_GC_SNAPSHOT", zero()),
        ("RESULT", zero()),
        ("COPY_ID", zero()),
    ])]
}
