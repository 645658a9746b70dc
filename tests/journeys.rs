//! End-to-end tests of the commands on the embedded fleet: one file for each subject.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail loudly")]

mod fleet;
#[path = "engine/script.rs"]
mod script;

#[path = "journeys/archiving.rs"]
mod archiving;
#[path = "journeys/bad_storage.rs"]
mod bad_storage;
#[path = "journeys/commands.rs"]
mod commands;
#[path = "journeys/compaction.rs"]
mod compaction;
#[path = "journeys/demo_command.rs"]
mod demo_command;
#[path = "journeys/destinations.rs"]
mod destinations;
#[path = "journeys/faults.rs"]
mod faults;
#[path = "journeys/full_backup_needed.rs"]
mod full_backup_needed;
#[path = "journeys/healthy.rs"]
mod healthy;
#[path = "journeys/json_events.rs"]
mod json_events;
#[path = "journeys/legacy_cluster.rs"]
mod legacy_cluster;
#[path = "journeys/legacy_faults.rs"]
mod legacy_faults;
#[path = "journeys/legacy_tenant_backup.rs"]
mod legacy_tenant_backup;
#[path = "journeys/logical.rs"]
mod logical;
#[path = "journeys/many_targets.rs"]
mod many_targets;
#[path = "journeys/name_confirmation.rs"]
mod name_confirmation;
#[path = "journeys/no_password.rs"]
mod no_password;
#[path = "journeys/ocp_managed.rs"]
mod ocp_managed;
#[path = "journeys/other_backups.rs"]
mod other_backups;
#[path = "journeys/output.rs"]
mod output;
#[path = "journeys/plans.rs"]
mod plans;
#[path = "journeys/privileges.rs"]
mod privileges;
#[path = "journeys/proof.rs"]
mod proof;
#[path = "journeys/readme_lines_table.rs"]
mod readme_lines_table;
#[path = "journeys/refused_cancel.rs"]
mod refused_cancel;
#[path = "journeys/refused_targets.rs"]
mod refused_targets;
#[path = "journeys/report.rs"]
mod report;
#[path = "journeys/stalls.rs"]
mod stalls;
#[path = "journeys/tenant_admin.rs"]
mod tenant_admin;
#[path = "journeys/thousand_tenants.rs"]
mod thousand_tenants;
#[path = "journeys/unrestorable.rs"]
mod unrestorable;
#[path = "journeys/unsendable_secrets.rs"]
mod unsendable_secrets;
