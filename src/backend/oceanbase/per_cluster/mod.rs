//! V2 and V3: reads the facts of a cluster with one destination, one log archive and one backup job. They are assessed by the
//! same rules as those of V4.

mod compaction;
mod detect;
mod jobs;
mod rows;
mod stall;
mod start_reconcile;
#[cfg(test)]
mod tests;

/// The parameters that a backup is planned from.
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
