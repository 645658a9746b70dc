//! Writes the instructions to restore a set, which belong to the verdict; whoever restores adapts them.

use std::collections::BTreeMap;

use crate::domain::destination::{Destination, StorageKind};
use crate::domain::facts::{BaseRule, TenantFacts};
use crate::domain::restorable::{self, BackupSet, EncryptionMode, FileStatus, SetKind, Window};
use crate::domain::scn::Scn;
use crate::domain::sql::{quoted_name, quoted_text};
use crate::domain::time_zone::ServerTimeZone;
use crate::domain::version::{AtLeast, Version};

#[cfg(test)]
mod tests;

/// The versions from which a restore reads times, checks sets and restores parameters in another way.
const V4_1: Version = Version::oceanbase([4, 1, 0, 0], None);
const V4_2: Version = Version::oceanbase([4, 2, 0, 0], None);

/// Returns the instructions to restore the set to the latest point of its window: destinations without keys, the chain, the
/// statement, passwords, the versions to restore into, and what the backup does not contain.
pub(super) fn restore_instructions(
    tenant: &TenantFacts,
    set: &BackupSet,
    window: &Window,
    zone: &ServerTimeZone,
) -> Vec<String> {
    let chain = restorable::chain(set, &tenant.sets).unwrap_or_else(|_| vec![set.id]);
    let ids: Vec<String> = chain.iter().map(ToString::to_string).collect();
    let kind = if set.kind == SetKind::Full { "full" } else { "full and increments" };
    // Where the set was written, which later settings do not change.
    let data = Destination::parse_server(&set.path).ok().or_else(|| tenant.data_destination.clone());
    // The log of the round that covers the set; where it went is not changed by where it goes now.
    let covering = restorable::covering(set.start_replay, tenant.archive.known_rounds());
    let archived = covering.and_then(|round| Destination::parse_server(&round.path).ok());
    let log = archived.or_else(|| tenant.archive.destination.as_ref().map(|archive| archive.location.clone()));
    let named = |place: &Option<Destination>, unknown: &str| {
        place.as_ref().map_or_else(|| unknown.to_owned(), Destination::uri_without_attributes)
    };
    let (data_uri, log_uri) = (named(&data, "<data URI>"), named(&log, "<archive URI>"));
    let shown_log = if window.from_set_alone { "inside the set" } else { &log_uri };
    let of_v4 = !matches!(tenant.base, BaseRule::Round { .. });
    let passwords = passwords(tenant, set, &chain, window.to, of_v4);
    let password = if passwords.is_some() { "see below" } else { "none" };
    let mut lines =
        vec![format!("data {data_uri}   log {shown_log}   sets {} ({kind})   password: {password}", ids.join(", "))];
    lines.extend(passwords);
    if let Some(Some(encryption)) = tenant.transparent_encryption.get() {
        lines.push(encryption.needed());
    }
    let keys = "the host, access_id and access_key of an object storage";
    // What nobody can name may be one.
    let on_object_storage = |place: &Option<Destination>| place.as_ref().is_none_or(|p| p.kind() != StorageKind::File);
    if of_v4 {
        let from = if window.from_set_alone { data_uri } else { format!("{data_uri},{log_uri}") };
        lines.extend(statement(tenant, set, &from, window, zone));
        if on_object_storage(&data) || (!window.from_set_alone && on_object_storage(&log)) {
            lines.push(format!("add {keys} to each URI"));
        }
        lines.push(into(set));
        lines.push(format!("not in the backup: {}", left_out(tenant, set)));
    } else {
        lines.extend(below_v4(tenant, set, (&data_uri, &log_uri), window.to, zone));
        if on_object_storage(&data) {
            lines.push(format!("add {keys} to the URI"));
        }
        let left_out = "cluster parameters, resource pools, the data of the sys tenant, TDE keys";
        lines.push(format!("not in the backup: {left_out}"));
    }
    lines
}

/// Returns the statement with its SCN, which is the same for every server; a time is read in a zone that depends on the version.
fn statement(tenant: &TenantFacts, set: &BackupSet, from: &str, window: &Window, zone: &ServerTimeZone) -> Vec<String> {
    let from = quoted_text(from);
    let until = window.to;
    let mut lines = vec![format!(
        "ALTER SYSTEM RESTORE <new_tenant> FROM {from} UNTIL SCN = {} WITH 'pool_list=<pool>'",
        until.nanos()
    )];
    let at = until.to_local(zone);
    if window.from_set_alone {
        // V4.2.0 and later, ObRestoreUtil::check_restore_using_complement_log_: with an archive among the URIs the log
        // inside the set is not looked at (4018), and without one a TIME is not either.
        lines.push(format!(
            "SCN {} is {at} (server time); name the data URI alone, or the log inside the set is not used",
            until.nanos()
        ));
        return lines;
    }
    let is_from = |version: &Version, gate| version.reaches(gate) == AtLeast::Yes;
    let made_at = set.data_version.as_deref().and_then(|version| version.parse::<Version>().ok());
    let read_in = match made_at {
        // V4.1 source, the resolver of RESTORE.
        _ if !is_from(&tenant.version, &V4_2) => "the time_zone of its session".to_owned(),
        // V4.3.1 source, ObRestoreUtil::get_backup_sys_time_zone_ and ObBackupDataStore.
        Some(made_at) if !is_from(&made_at, &V4_2) => "+08:00, for a set of a data version below 4.2".to_owned(),
        _ => "the system_time_zone that the backup holds, whatever its session says".to_owned(),
    };
    lines.push(format!("SCN {} is {at} (server time); a TIME instead would be read in {read_in}", until.nanos()));
    lines
}

/// Returns the passwords that a restore asks for; `None`: none. V4 checks every set that it finds in the directory up to the
/// point, whatever the chain, and a missing password ends the entire restore (V4.3.1 source,
/// `ObBackupDataStore::do_get_backup_set_array_`).
fn passwords(tenant: &TenantFacts, set: &BackupSet, chain: &[u64], until: Scn, of_v4: bool) -> Option<String> {
    let in_directory = |other: &&BackupSet| {
        let same = other.path == set.path || (set.dest_id != 0 && other.dest_id == set.dest_id);
        same && other.file_status != FileStatus::Deleted && other.min_restore <= until
    };
    let sets: Vec<&BackupSet> = if of_v4 {
        tenant.sets.iter().filter(in_directory).collect()
    } else {
        restorable::sets_of(chain, &tenant.sets)
    };
    let mut by_mode: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for set in sets.into_iter().filter(|set| set.encryption() != EncryptionMode::NoPassword) {
        by_mode.entry(set.encryption_word()).or_default().push(set.id);
    }
    if by_mode.is_empty() {
        return None;
    }
    let which: Vec<String> = by_mode.iter().map(|(mode, ids)| format!("{mode}: {}", listed(ids))).collect();
    let whose = if of_v4 { "every set in that directory up to the point" } else { "every set of the chain" };
    Some(format!("SET DECRYPTION IDENTIFIED BY '<password>', '<password>' first: of {whose} ({})", which.join("; ")))
}

/// Returns ids as a short text: `sets 1 to 40, 43`.
fn listed(ids: &[u64]) -> String {
    let mut runs: Vec<(u64, u64)> = Vec::new();
    for id in ids {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == *id => *last = *id,
            _ => runs.push((*id, *id)),
        }
    }
    let words: Vec<String> = runs
        .iter()
        .map(|(first, last)| match last - first {
            0 => first.to_string(),
            1 => format!("{first}, {last}"),
            _ => format!("{first} to {last}"),
        })
        .collect();
    format!("{} {}", if ids.len() == 1 { "set" } else { "sets" }, words.join(", "))
}

/// Returns the versions that it can be restored into (V4.3.1 source, `ObRestoreUtil::check_backup_set_version_match_`).
fn into(set: &BackupSet) -> String {
    let made_at = set.data_version.as_deref().and_then(|version| version.parse::<Version>().ok());
    if made_at.is_some_and(|made_at| made_at.reaches(&V4_1) != AtLeast::Yes) {
        return "restores into a cluster of V4.0: V4.1 and later take no data version below 4.1 (4179)".to_owned();
    }
    let cluster = match &set.cluster_version {
        Some(version) => format!("of V{version} or later"),
        None => "not older than the one that made it".to_owned(),
    };
    let data = set.data_version.as_deref().unwrap_or("of the set");
    format!("restores into a cluster {cluster} whose data version is {data} or later (else 4179)")
}

/// Returns what a restore does not bring back.
fn left_out(tenant: &TenantFacts, set: &BackupSet) -> String {
    let of_all = "cluster parameters, resource pools, the sys tenant, TDE keys";
    let made_by = set.cluster_version.as_deref().and_then(|version| version.parse::<Version>().ok());
    match made_by.unwrap_or(tenant.version).numbers {
        // V4.2.1 BP10 docs, overview of backup.
        [4, 2, 1, patch] if patch >= 10 => of_all.to_owned(),
        // V4.3.3 docs, overview of backup.
        [4, 0 | 1 | 3, ..] | [4, 2, 0 | 1, _] => format!("{of_all}, tenant parameters"),
        _ => format!("{of_all}; whether tenant parameters are is not known for this version"),
    }
}

/// Returns the instructions below V4 (V3 docs, RESTORE): the source is named by its tenant, its cluster and the one directory of
/// data and log; times have microseconds.
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
            "ALTER SYSTEM RESTORE <new_tenant> FROM {} AT {} UNTIL '{time}.{micros:06}' WITH \
             'backup_cluster_name=<cluster>&backup_cluster_id=<id>&pool_list=<pool>'",
            quoted_name(&tenant.name),
            quoted_text(data)
        ),
        format!("the time is of the zone {zone}; <cluster> and <id> are those of the cluster that made the backup"),
    ];
    if set.tenant_level {
        lines.push(format!("the log is not beside this set but in {log}: see RESTORE in the manual of this version"));
    }
    lines
}
