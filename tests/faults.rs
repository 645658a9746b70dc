//! Tests of failures during a backup, with the real program on the embedded fleet: processes killed at every boundary, answers
//! lost, connections cut, disks full. One file for each subject.
#![allow(clippy::disallowed_methods, reason = "a deadline of a test is one of the wall clock")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail loudly")]

#[path = "faults/attach.rs"]
mod attach;
#[path = "faults/broken.rs"]
mod broken;
#[path = "faults/damaged.rs"]
mod damaged;
mod fleet;
#[path = "faults/hand_over.rs"]
mod hand_over;
#[path = "faults/killed.rs"]
mod killed;
#[path = "faults/lost.rs"]
mod lost;
#[path = "engine/script.rs"]
mod script;
#[path = "faults/silent.rs"]
mod silent;
#[path = "faults/state_dir.rs"]
mod state_dir;
#[path = "faults/support.rs"]
mod support;
