//! The parameters of a cluster of V2.2 or V3: defaults, checks, and storage.

use super::super::{Issuer, not_supported, server_error};
use super::{archive_state, current_job, destination};
use crate::demo::clock::{self, Micros, SECOND};
use crate::demo::fleet::{Cluster, Fleet, RoundStatus};
use crate::demo::release_line::Feature;
use crate::demo::simulation::legacy;
use crate::demo::statement::{Literal, ServerError};

/// Name, default, and the feature that a line needs for it. The checkpoint interval is 120 s on a server; here the archive
/// moves faster.
pub(crate) const PARAMETERS: [(&str, &str, Option<Feature>); 24] = [
    ("backup_dest", "", None),
    ("backup_dest_option", "", None),
    ("backup_backup_dest", "", None),
    ("backup_backup_dest_option", "", None),
    ("backup_concurrency", "0", None),
    ("backup_net_limit", "0M", None),
    ("backup_region", "", None),
    ("backup_zone", "", Some(Feature::SinceV3)),
    ("backup_log_archive_option", "OPTIONAL COMPRESSION=ENABLE", None),
    ("enable_log_archive", "False", None),
    ("log_archive_concurrency", "0", None),
    ("log_archive_checkpoint_interval", "5s", None),
    ("log_archive_batch_buffer_limit", "1G", None),
    ("gc_wait_archive", "True", None),
    ("backup_recovery_window", "0", None),
    ("auto_delete_expired_backup", "False", None),
    ("_auto_update_reserved_backup_timestamp", "False", None),
    ("data_disk_usage_limit_percentage", "90", None),
    ("enable_major_freeze", "True", None),
    ("enable_manual_merge", "False", None),
    ("enable_upgrade_mode", "False", None),
    ("_upgrade_stage", "NONE", Some(Feature::SinceV3)),
    ("_ob_enable_prepared_statement", "False", Some(Feature::SinceV3)),
    ("ob_event_history_recycle_interval", "7d", None),
];

/// Returns whether a line has a parameter.
fn is_known(cluster: &Cluster, name: &str) -> bool {
    let has = |feature: Option<Feature>| feature.is_none_or(|feature| cluster.line.has(feature));
    PARAMETERS.iter().any(|(known, _, feature)| *known == name && has(*feature))
}

/// Sets a parameter of the cluster.
///
/// # Errors
/// 1210, 1235, 5099, and for `backup_dest` 4015, 9026, 9036.
pub(super) fn set(fleet: &mut Fleet, issuer: Issuer, name: &str, value: &Literal) -> Result<(), ServerError> {
    let cluster = &fleet.clusters[issuer.cluster];
    let value = match value {
        Literal::Text(text) => text.clone(),
        Literal::Integer(number) => number.to_string(),
        Literal::Null => return Err(server_error(1210, format!("Incorrect arguments to {name}"))),
    };
    if !is_known(cluster, name) {
        return Err(server_error(5099, format!("System config unknown: {name}")));
    }
    match name {
        "backup_dest" => {
            let stopped = archive_state(cluster).is_none_or(|state| state == RoundStatus::Stop);
            if !stopped || current_job(cluster).is_some() {
                return Err(server_error(9036, "Backup is in progress"));
            }
            destination::check_backup_dest(fleet, issuer, &value)?;
        }
        "backup_dest_option" => check_option(cluster, &value)?,
        "enable_log_archive" if value.eq_ignore_ascii_case("true") => {
            return Err(not_supported("set enable log archive true without archivelog is"));
        }
        "log_archive_checkpoint_interval" => {
            parse_checkpoint_interval(&value)?;
        }
        "backup_log_archive_option" => check_archive_option(&value)?,
        "backup_zone" | "backup_region" => check_zone_or_region(cluster, name, &value)?,
        _ => {}
    }
    let cluster = &mut fleet.clusters[issuer.cluster];
    store_value(cluster, issuer.at, name, value);
    let interval = legacy::dest_option(cluster, "log_archive_checkpoint_interval")
        .or_else(|| cluster.parameters.get("log_archive_checkpoint_interval").cloned());
    if let Some(interval) = interval {
        for tenant in &mut cluster.tenants {
            tenant.parameters.insert("log_archive_checkpoint_interval".to_owned(), interval.clone());
        }
    }
    Ok(())
}

/// Stores a value and the previous one: the change reaches the servers one after the other.
pub(super) fn store_value(cluster: &mut Cluster, at: Micros, name: &str, value: String) {
    let default = PARAMETERS.iter().find(|(known, ..)| *known == name).map_or("", |(_, default, _)| default);
    let before = cluster.parameters.insert(name.to_owned(), value).unwrap_or_else(|| default.to_owned());
    if let Some(legacy) = cluster.legacy.as_mut() {
        legacy.previous_values.insert(name.to_owned(), (before, at));
    }
}

fn parse_checkpoint_interval(value: &str) -> Result<Micros, ServerError> {
    let length = clock::parse_duration(value).filter(|length| (5 * SECOND..=3600 * SECOND).contains(length));
    length.ok_or_else(|| not_supported("invalid log_archive_checkpoint_interval out of range [5s,1h] is"))
}

/// Parses a duration in an option: `0` needs no unit.
fn parse_option_duration(value: &str) -> Option<Micros> {
    if value == "0" { Some(0) } else { clock::parse_duration(value) }
}

fn check_option(cluster: &Cluster, value: &str) -> Result<(), ServerError> {
    let (mut deletes, mut touches) = (false, false);
    for pair in value.split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) =
            pair.split_once('=').ok_or_else(|| server_error(1210, "Incorrect arguments to backup_dest_option"))?;
        match key {
            "log_archive_checkpoint_interval" => {
                parse_checkpoint_interval(value)?;
            }
            "recovery_window" if parse_option_duration(value).is_none() => {
                return Err(not_supported("invalid recovery_window less than 0 is"));
            }
            "auto_delete_obsolete_backup" => deletes = value.eq_ignore_ascii_case("true"),
            "auto_touch_reserved_backup" => touches = value.eq_ignore_ascii_case("true"),
            "log_archive_piece_switch_interval" => {
                let day = 86_400 * SECOND;
                if parse_option_duration(value).is_none_or(|length| length != 0 && !(day..=7 * day).contains(&length)) {
                    return Err(not_supported("invalid piece_switch_interval out of range [1d,7d] is"));
                }
                let before =
                    legacy::dest_option(cluster, key).and_then(|text| parse_option_duration(&text)).unwrap_or(0);
                let archives = archive_state(cluster).is_some_and(|state| state != RoundStatus::Stop);
                if archives && (before == 0) != (parse_option_duration(value) == Some(0)) {
                    return Err(not_supported("change switch piece mode during log archive running is"));
                }
            }
            "backup_copies" if value != "0" => return Err(not_supported("backup_copies out of range [0,8] is")),
            "recovery_window" | "backup_copies" => {}
            _ => return Err(server_error(1210, "Incorrect arguments to backup_dest_option")),
        }
    }
    if deletes && touches {
        return Err(not_supported("auto delete and touch backup at same time is"));
    }
    Ok(())
}

/// Checks `backup_zone`, zones separated by `,` and `;`, or `backup_region`; only one of both can be set.
fn check_zone_or_region(cluster: &Cluster, name: &str, value: &str) -> Result<(), ServerError> {
    let (code, what, other) =
        if name == "backup_zone" { (9058, "zone", "backup_region") } else { (9057, "region", "backup_zone") };
    let refused = |why: String| Err(server_error(code, format!("can not set backup {what}, because {why}")));
    let known = |item: &&str| {
        let item = item.trim();
        if what == "zone" { cluster.servers.iter().any(|server| server.zone == item) } else { item == "sys_region" }
    };
    if value.is_empty() {
        return Ok(());
    }
    if cluster.parameters.get(other).is_some_and(|set| !set.is_empty()) {
        return refused(format!("{} has been setup already.", other.replace('_', " ")));
    }
    match value.split([',', ';']).find(|item| !known(item)) {
        Some(unknown) => refused(format!("backup {what} do not exist in {what} list. backup {what} : {unknown}.")),
        None => Ok(()),
    }
}

/// Checks an archive option: `optional` or `mandatory`, and `compression=..`.
fn check_archive_option(value: &str) -> Result<(), ServerError> {
    const COMPRESSIONS: [&str; 4] = ["enable", "disable", "lz4_1.0", "zstd_1.3.8"];
    let text = value.to_lowercase();
    let good = |word: &str| {
        let compression = word.strip_prefix("compression=");
        matches!(word, "optional" | "mandatory") || compression.is_some_and(|name| COMPRESSIONS.contains(&name))
    };
    if text.split_whitespace().all(good) {
        Ok(())
    } else {
        Err(server_error(1210, "Incorrect arguments to backup_log_archive_option"))
    }
}
