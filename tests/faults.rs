//! Tests of failures during a backup, with the real program on the embedded fleet: processes killed at every boundary, answers
//! lost, connections cut, disks full. One file for each subject.
#![allow(clippy::disallowed_methods, reason = "a deadline of a test is one of the wall clock")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail loudly")]

#[path = "faults/damage.rs"]
mod damage;
#[path = "faults/damaged_files.rs"]
mod damaged_files;
#[path = "faults/fixtures.rs"]
mod fixtures;
mod fleet;
#[path = "faults/foreign_backups.rs"]
mod foreign_backups;
#[path = "faults/killed_processes.rs"]
mod killed_processes;
#[path = "faults/launch.rs"]
mod launch;
#[path = "faults/lost_answers.rs"]
mod lost_answers;
#[path = "engine/script.rs"]
mod script;
#[path = "faults/state_dir.rs"]
mod state_dir;
#[path = "faults/unresponsive_runners.rs"]
mod unresponsive_runners;
