//! Views of the cluster: tenants, servers, zones, configuration, sessions, events, compaction.

use crate::demo::alter::{CLUSTER_PARAMETERS, TENANT_PARAMETERS};
use crate::demo::clock::{self, Micros};
use crate::demo::fault_injection::FaultEffect;
use crate::demo::fleet::{
    ClientConnection, Cluster, Engine, ForeignSession, RootServiceEvent, Server, Tenant, TenantJob,
};
use crate::demo::release_line::Feature;
use crate::demo::simulation;
use crate::demo::statement::{Row, Value};

use super::{ViewContext, count, int, row, scn, text, yes_no};

const LOCALHOST: &str = "127.0.0.1";

/// Returns `VERSION()`, `OB_VERSION()` and `version_comment` of a cluster.
#[must_use]
pub fn version_texts(cluster: &Cluster) -> (String, String, String) {
    let (version, build) = (&cluster.version, &cluster.build);
    let short = three_part_version(version);
    match cluster.engine {
        // The enterprise edition shows only its version.
        Engine::Enterprise if cluster.line.is_legacy() => {
            (short.clone(), short, format!("OceanBase {version} (r{build}-{COMMIT}) (Built May 11 2022 13:24:22)"))
        }
        Engine::Community if cluster.line.is_legacy() => (
            format!("{short}-OceanBase CE"),
            short,
            format!("OceanBase_CE {version} (r{build}-{COMMIT}) (Built Apr 15 2022 02:16:22)"),
        ),
        Engine::Community => (
            format!("5.7.25-OceanBase_CE-v{version}"),
            version.clone(),
            format!("OceanBase_CE {version} (r{build}-{COMMIT}) (Built Dec 10 2024 06:37:41)"),
        ),
        Engine::Enterprise => (
            format!("5.7.25-OceanBase-v{version}"),
            version.clone(),
            format!("OceanBase {version} (r{build}-{COMMIT}) (Built Dec 10 2024 06:37:41)"),
        ),
        // seekdb shows its own version besides that of the OceanBase it is built from.
        Engine::Seekdb => (
            format!("5.7.25-OceanBase seekdb-v{build}"),
            version.clone(),
            format!("OceanBase {version} seekdb (r{build}) (Built Sep 30 2026 12:00:00)"),
        ),
    }
}

const COMMIT: &str = "33c61340b84acea88d8cfe868d2a75f7f3b042d1";

/// Returns the first three parts of a version, which the lines before V4 show everywhere but in `version_comment`.
pub(super) fn three_part_version(version: &str) -> String {
    version.split('.').take(3).collect::<Vec<_>>().join(".")
}

pub(super) fn build_version(cluster: &Cluster, server: &Server) -> String {
    let version = if cluster.line.is_legacy() { three_part_version(&cluster.version) } else { cluster.version.clone() };
    let full = || format!("{version}_{}-{COMMIT}(Dec 10 2024 06:37:41)", cluster.build);
    server.build_version.clone().unwrap_or_else(full)
}

pub(super) fn tenants(context: &ViewContext<'_>) -> Vec<Row> {
    let zones = || context.cluster.servers.iter().map(|server| server.zone.as_str());
    let locality = zones().map(|zone| format!("FULL{{1}}@{zone}")).collect::<Vec<_>>().join(", ");
    let to_row = |tenant: &Tenant| {
        let synced = tenant.is_user().then_some(context.fleet.now);
        let mut columns = row([
            ("TENANT_ID", int(tenant.id)),
            ("TENANT_NAME", text(&*tenant.name)),
            ("TENANT_TYPE", text(tenant.tenant_type())),
            ("CREATE_TIME", context.time(tenant.created)),
            ("MODIFY_TIME", context.time(tenant.created)),
            ("PRIMARY_ZONE", text("RANDOM")),
            ("LOCALITY", text(&*locality)),
            ("COMPATIBILITY_MODE", text(&*tenant.mode)),
            ("STATUS", text(&*tenant.status)),
            ("IN_RECYCLEBIN", yes_no(tenant.recycled)),
            ("LOCKED", text("NO")),
            ("TENANT_ROLE", text(context.faults().switched_role(&tenant.name).unwrap_or(&tenant.role))),
            ("SWITCHOVER_STATUS", text("NORMAL")),
            ("SWITCHOVER_EPOCH", int(0)),
            ("SYNC_SCN", scn(synced)),
            ("REPLAYABLE_SCN", scn(synced)),
            ("READABLE_SCN", scn(synced)),
            ("RECOVERY_UNTIL_SCN", int(4_611_686_018_427_387_903_i64)),
            ("LOG_MODE", text(if tenant.archivelog { "ARCHIVELOG" } else { "NOARCHIVELOG" })),
            ("ARBITRATION_SERVICE_STATUS", text("DISABLED")),
            ("UNIT_NUM", int(1)),
        ]);
        columns.extend(row([
            ("COMPATIBLE", text(&*tenant.compatible)),
            ("MAX_LS_ID", int(if tenant.is_user() { 1001 } else { 1 })),
            ("RESTORE_DATA_MODE", text("NORMAL")),
        ]));
        columns
    };
    // A user tenant sees itself and its meta tenant.
    let seen = |tenant: &&Tenant| {
        context.tenant_id == 1 || tenant.id == context.tenant_id || tenant.id == context.tenant_id - 1
    };
    context.cluster.tenants.iter().filter(seen).map(to_row).collect()
}

pub(super) fn servers(context: &ViewContext<'_>) -> Vec<Row> {
    let to_row = |(index, server): (usize, &Server)| {
        let active = server.status == "ACTIVE";
        row([
            ("SVR_IP", text(LOCALHOST)),
            ("SVR_PORT", int(server.svr_port)),
            ("ID", count(index + 1)),
            ("ZONE", text(&*server.zone)),
            ("SQL_PORT", int(server.sql_port)),
            ("WITH_ROOTSERVER", yes_no(index == 0)),
            ("STATUS", text(&*server.status)),
            ("START_SERVICE_TIME", context.time_or_null(active.then_some(server.started))),
            ("CREATE_TIME", context.time(server.started)),
            ("MODIFY_TIME", context.time(server.started)),
            ("BUILD_VERSION", text(build_version(context.cluster, server))),
        ])
    };
    context.cluster.servers.iter().enumerate().map(to_row).collect()
}

pub(super) fn zones(context: &ViewContext<'_>) -> Vec<Row> {
    let to_row = |server: &Server| {
        row([
            ("ZONE", text(&*server.zone)),
            ("CREATE_TIME", context.time(server.started)),
            ("MODIFY_TIME", context.time(server.started)),
            ("STATUS", text("ACTIVE")),
            ("IDC", text("")),
            ("REGION", text("sys_region")),
            ("TYPE", text("ReadWrite")),
        ])
    };
    context.cluster.servers.iter().map(to_row).collect()
}

pub(super) fn events(context: &ViewContext<'_>) -> Vec<Row> {
    const NAMES: [(&str, &str); 6] = [
        ("NAME1", "VALUE1"),
        ("NAME2", "VALUE2"),
        ("NAME3", "VALUE3"),
        ("NAME4", "VALUE4"),
        ("NAME5", "VALUE5"),
        ("NAME6", "VALUE6"),
    ];
    let root = context.cluster.servers.first().map_or(2882, |server| server.svr_port);
    let to_row = |event: &RootServiceEvent| {
        let mut columns = row([
            ("TIMESTAMP", context.time(event.at)),
            ("MODULE", text(event.module)),
            ("EVENT", text(event.event)),
            ("EXTRA_INFO", text("")),
            ("RS_SVR_IP", text(LOCALHOST)),
            ("RS_SVR_PORT", int(root)),
        ]);
        for ((name, value), (called, is)) in NAMES.into_iter().zip(&event.items) {
            columns.insert(name, text(*called));
            columns.insert(value, text(&**is));
        }
        columns
    };
    context.cluster.events.iter().map(to_row).collect()
}

pub(super) fn tenant_jobs(context: &ViewContext<'_>) -> Vec<Row> {
    let to_row = |(index, job): (usize, &TenantJob)| {
        row([
            ("JOB_ID", count(index + 1)),
            ("JOB_TYPE", text(&*job.job_type)),
            ("JOB_STATUS", text(&*job.status)),
            ("PROGRESS", int(0)),
            ("START_TIME", context.time(job.start)),
            ("MODIFY_TIME", context.time(job.start)),
            ("TENANT_ID", int(1)),
            ("RS_SVR_IP", text(LOCALHOST)),
            ("RS_SVR_PORT", int(2882)),
        ])
    };
    context.cluster.tenant_jobs.iter().enumerate().map(to_row).collect()
}

/// Returns the parameters of a cluster and, if one is named, of a tenant: name and value.
#[must_use]
pub fn parameter_values(context: &ViewContext<'_>, tenant: Option<&Tenant>) -> Vec<(String, String)> {
    let cluster = context.cluster;
    let mut values = vec![
        ("cluster".to_owned(), cluster.name.clone()),
        ("cluster_id".to_owned(), cluster.id.to_string()),
        ("min_observer_version".to_owned(), cluster.version.clone()),
    ];
    for (name, default) in CLUSTER_PARAMETERS {
        let value = match name {
            "enable_upgrade_mode" if simulation::is_upgrading(cluster, &context.fleet.faults) => "True",
            _ => cluster.parameters.get(name).map_or(default, String::as_str),
        };
        values.push((name.to_owned(), value.to_owned()));
    }
    if let Some(tenant) = tenant {
        values.push(("compatible".to_owned(), tenant.compatible.clone()));
        for (name, default) in TENANT_PARAMETERS {
            let value = tenant.parameters.get(name).map_or(default, String::as_str);
            values.push((name.to_owned(), value.to_owned()));
        }
    }
    values
}

pub(super) fn parameters(context: &ViewContext<'_>) -> Vec<Row> {
    let mut rows = Vec::new();
    for server in &context.cluster.servers {
        let mut to_row = |tenant: Option<i64>, (name, value): (String, String)| {
            rows.push(row([
                ("SVR_IP", text(LOCALHOST)),
                ("SVR_PORT", int(server.svr_port)),
                ("ZONE", text(&*server.zone)),
                ("SCOPE", text(if tenant.is_some() { "TENANT" } else { "CLUSTER" })),
                ("TENANT_ID", tenant.map_or(Value::Null, int)),
                ("NAME", text(name)),
                ("VALUE", text(value)),
                ("INFO", text("")),
                ("SECTION", text("OBSERVER")),
                ("EDIT_LEVEL", text("DYNAMIC_EFFECTIVE")),
            ]));
        };
        let of_cluster = parameter_values(context, None);
        // A user tenant sees its own items, not the cluster's.
        for item in of_cluster.iter().filter(|_| context.tenant_id == 1).cloned() {
            to_row(None, item);
        }
        let seen = |tenant: &&Tenant| context.tenant_id == 1 || tenant.id == context.tenant_id;
        for tenant in context.cluster.tenants.iter().filter(seen) {
            for item in parameter_values(context, Some(tenant)).into_iter().skip(of_cluster.len()) {
                to_row(Some(tenant.id), item);
            }
        }
    }
    rows
}

/// Returns the sessions: the clients of this fleet, and those that a scenario lists.
pub(super) fn processes(context: &ViewContext<'_>) -> Vec<Row> {
    let mine = context.cluster.tenant_by_id(context.tenant_id).map_or("", |tenant| tenant.name.as_str());
    let seen = |tenant: &str| context.tenant_id == 1 || tenant == mine;
    let to_row = |server: &Server, id: u64, user: &str, tenant: &str, host: &str, since: Micros| {
        let seconds = (context.fleet.now - since) / clock::SECOND;
        // A whole number at first, with fractions later.
        let time = if context.cluster.line.has(Feature::FractionalTimes) {
            text(format!("{seconds}.0"))
        } else {
            int(seconds)
        };
        row([
            ("SVR_IP", text(LOCALHOST)),
            ("SVR_PORT", int(server.svr_port)),
            ("SQL_PORT", int(server.sql_port)),
            ("ID", int(id)),
            ("USER", text(user)),
            ("HOST", text(format!("{host}:0"))),
            ("DB", text("oceanbase")),
            ("TENANT", text(tenant)),
            ("COMMAND", text("Sleep")),
            ("TIME", time.clone()),
            ("TOTAL_TIME", time),
            ("STATE", text("SLEEP")),
            ("USER_CLIENT_IP", text(host)),
            (
                "PROXY_SESSID",
                if context.faults().has_effect(&FaultEffect::BehindProxy, None) { int(7) } else { Value::Null },
            ),
        ])
    };
    let own = |client: &ClientConnection| {
        let port = context.fleet.endpoints.get(client.endpoint)?;
        let cluster = context.fleet.clusters.get(port.cluster)?;
        let server = cluster.servers.get(port.server)?;
        let shown = cluster.name == context.cluster.name && seen(&client.tenant);
        shown.then(|| to_row(server, client.id, &client.user, &client.tenant, LOCALHOST, client.since))
    };
    let other = |(session, id): (&ForeignSession, u64)| {
        let server = context.cluster.servers.first().filter(|_| seen(&session.tenant))?;
        Some(to_row(server, id, &session.user, &session.tenant, &session.from, server.started))
    };
    let elsewhere = context.cluster.foreign_sessions.iter().zip(FIRST_FOREIGN_ID..).filter_map(other);
    context.fleet.connections.iter().filter_map(own).chain(elsewhere).collect()
}

/// The first id of a session that is only listed, far from the ids of clients.
const FIRST_FOREIGN_ID: u64 = 4_000_000_000;

pub(super) fn compaction(context: &ViewContext<'_>) -> Vec<Row> {
    let to_row = |tenant: &Tenant| {
        let (frozen, finished) = tenant.major_freeze;
        let running = context.fleet.now < finished;
        let before: Micros = frozen - 86_400 * clock::SECOND;
        let last = if running { before } else { frozen };
        row([
            ("TENANT_ID", int(tenant.id)),
            ("FROZEN_SCN", scn(Some(frozen))),
            ("FROZEN_TIME", context.time(frozen)),
            ("GLOBAL_BROADCAST_SCN", scn(Some(frozen))),
            ("LAST_SCN", scn(Some(last))),
            ("LAST_FINISH_TIME", context.time(if running { before } else { finished })),
            ("START_TIME", context.time(frozen)),
            ("STATUS", text(if running { "COMPACTING" } else { "IDLE" })),
            ("IS_ERROR", text("NO")),
            ("IS_SUSPENDED", text("NO")),
            ("INFO", text("")),
        ])
    };
    context.cluster.tenants.iter().map(to_row).collect()
}
