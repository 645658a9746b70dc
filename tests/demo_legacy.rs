//! Tests the release lines other than V4.2.5 of the embedded OceanBase, over the wire: one file for each subject.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops where its setup fails")]

#[path = "demo_legacy/backup.rs"]
mod backup;
#[path = "demo_legacy/columns.rs"]
mod columns;
#[path = "demo_legacy/compaction.rs"]
mod compaction;
#[path = "demo_legacy/grammar.rs"]
mod grammar;
#[path = "demo_legacy/served_fleet.rs"]
mod served_fleet;
#[path = "demo_legacy/tenants.rs"]
mod tenants;
#[path = "demo_legacy/v4.rs"]
mod v4;
#[path = "demo_legacy/views.rs"]
mod views;
