//! How to restore a set: in the verdict, to be adapted by whoever restores.

use crate::domain::destination::Destination;
use crate::domain::facts::{BaseRule, TenantFacts};
use crate::domain::restorable::{self, BackupSet, SetKind};
use crate::domain::scn::Scn;
use crate::domain::time_zone::ServerTimeZone;

/// How to restore the set: destinations without keys, the chain, the point, passwords, and what is not in it.
pub(super) fn recipe(
    tenant: &TenantFacts,
    set: &BackupSet,
    from: Scn,
    until: Scn,
    zone: &ServerTimeZone,
) -> Vec<String> {
    let chain = restorable::chain(set, &tenant.sets).unwrap_or_else(|_| vec![set.id]);
    let ids: Vec<String> = chain.iter().map(ToString::to_string).collect();
    let kind = if set.kind == SetKind::Full { "full" } else { "full and increments" };
    // Where the set was written, which later settings do not change.
    let written = Destination::parse_server(&set.path).ok().or_else(|| tenant.data_destination.clone());
    let data = written.map_or_else(|| "<data URI>".to_owned(), |destination| destination.bare());
    // The log of the round that covers the set; where it went is not changed by where it goes now.
    let covering = tenant.archive.rounds.iter().rev().find(|round| round.start <= set.start_replay);
    let archived = covering.and_then(|round| Destination::parse_server(&round.path).ok());
    let archive = archived.as_ref().or(tenant.archive.destination.as_ref().map(|archive| &archive.location));
    let log = archive.map_or_else(|| "<archive URI>".to_owned(), Destination::bare);
    let password = restorable::encryption_of(&chain, &tenant.sets).map_or_else(
        || "none".to_owned(),
        |modes| format!("needed: SET DECRYPTION IDENTIFIED BY, every password of the chain ({modes})"),
    );
    let mut lines = vec![format!("data {data}   log {log}   sets {} ({kind})   password: {password}", ids.join(", "))];
    if let BaseRule::Round { .. } = tenant.base {
        lines.extend(below_v4(tenant, set, (&data, &log), until, zone));
        return lines;
    }
    let restore = |until: &str| {
        format!("ALTER SYSTEM RESTORE <new_tenant> FROM '{data},{log}' UNTIL {until} WITH 'pool_list=<pool>'")
    };
    // V4 docs, RESTORE: a time is read in the session's zone and has whole seconds; an SCN is exact.
    let second = Scn(until.0 / 1_000_000_000 * 1_000_000_000);
    let local = second.to_local(zone);
    match local.rsplit_once(' ').filter(|_| second >= from) {
        Some((time, zone)) => {
            lines.push(restore(&format!("TIME = '{time}'")));
            lines.push(format!("the time is of the zone {zone}; the latest point exactly: UNTIL SCN = {}", until.0));
        }
        None => lines.push(restore(&format!("SCN = {}", until.0))),
    }
    lines.push("add to both URIs the host, access_id and access_key of an object storage".to_owned());
    // V4.3.3 docs, overview of backup: tenant parameters are left out there.
    let left_out = "cluster parameters, resource pools, the sys tenant, TDE keys; on V4.3 tenant parameters too";
    lines.push(format!("not in the backup: {left_out}"));
    lines
}

/// V3 docs, RESTORE: the source is named by its tenant, its cluster and the one place of data and log; times have
/// microseconds.
fn below_v4(
    tenant: &TenantFacts,
    set: &BackupSet,
    (data, log): (&str, &str),
    until: Scn,
    zone: &ServerTimeZone,
) -> Vec<String> {
    let local = until.to_local(zone);
    let (time, zone) = local.rsplit_once(' ').unwrap_or((&local, ""));
    let micros = until.0 / 1_000 % 1_000_000;
    let mut lines = vec![
        format!(
            "ALTER SYSTEM RESTORE <new_tenant> FROM {} at '{data}' UNTIL '{time}.{micros:06}' WITH \
             'backup_cluster_name=<cluster>&backup_cluster_id=<id>&pool_list=<pool>'",
            tenant.name
        ),
        format!("the time is of the zone {zone}; <cluster> and <id> are those of the cluster that made the backup"),
    ];
    if set.tenant_level {
        lines.push(format!("the log is not beside this set but in {log}: see RESTORE in the manual of this version"));
    }
    lines.push("add to the URI the host, access_id and access_key of an object storage".to_owned());
    lines
        .push("not in the backup: cluster parameters, resource pools, the data of the sys tenant, TDE keys".to_owned());
    lines
}
