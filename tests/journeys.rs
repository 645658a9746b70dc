//! End-to-end tests of the commands on the embedded fleet: one file for each subject.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail loudly")]

mod fleet;
#[path = "engine/script.rs"]
mod script;

#[path = "journeys/archiving.rs"]
mod archiving;
#[path = "journeys/bad_storage.rs"]
mod bad_storage;
#[path = "journeys/busy.rs"]
mod busy;
#[path = "journeys/cancelled.rs"]
mod cancelled;
#[path = "journeys/commands.rs"]
mod commands;
#[path = "journeys/compaction.rs"]
mod compaction;
#[path = "journeys/confirmed.rs"]
mod confirmed;
#[path = "journeys/destinations.rs"]
mod destinations;
#[path = "journeys/events.rs"]
mod events;
#[path = "journeys/faults.rs"]
mod faults;
#[path = "journeys/full_needed.rs"]
mod full_needed;
#[path = "journeys/healthy.rs"]
mod healthy;
#[path = "journeys/legacy_cluster.rs"]
mod legacy_cluster;
#[path = "journeys/legacy_faults.rs"]
mod legacy_faults;
#[path = "journeys/lines_table.rs"]
mod lines_table;
#[path = "journeys/logical.rs"]
mod logical;
#[path = "journeys/managed.rs"]
mod managed;
#[path = "journeys/many.rs"]
mod many;
#[path = "journeys/no_password.rs"]
mod no_password;
#[path = "journeys/output.rs"]
mod output;
#[path = "journeys/place.rs"]
mod place;
#[path = "journeys/plans.rs"]
mod plans;
#[path = "journeys/privileges.rs"]
mod privileges;
#[path = "journeys/proof.rs"]
mod proof;
#[path = "journeys/refused.rs"]
mod refused;
#[path = "journeys/report.rs"]
mod report;
#[path = "journeys/stalls.rs"]
mod stalls;
#[path = "journeys/tenant_admin.rs"]
mod tenant_admin;
#[path = "journeys/tenant_gate.rs"]
mod tenant_gate;
#[path = "journeys/thousand.rs"]
mod thousand;
#[path = "journeys/unrestorable.rs"]
mod unrestorable;
#[path = "journeys/unsendable.rs"]
mod unsendable;
