//! V2 and V3: how the facts are read of a cluster that has one destination, one log archive and one backup job. What they
//! mean is decided where it is decided for V4.

mod compact;
mod detect;
mod jobs;
mod rows;
mod settle;
mod standstill;
#[cfg(test)]
mod tests;

/// The configuration items a backup is planned from.
pub(super) const PARAMETERS: [&str; 14] = [
    "cluster",
    "cluster_id",
    "enable_upgrade_mode",
    "min_observer_version",
    "_upgrade_stage",
    "backup_dest",
    "backup_backup_dest",
    "backup_dest_option",
    "log_archive_checkpoint_interval",
    "backup_recovery_window",
    "enable_major_freeze",
    "backup_concurrency",
    "backup_net_limit",
    "obconfig_url",
];
