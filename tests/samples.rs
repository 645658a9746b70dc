//! Tests with the files of obnow 0.1.0: its journals, plan files, inventories, audit trail and locks, made on every embedded
//! fleet. A later obnow lists, watches and reports them, follows a running task, resumes it, cancels it, and makes a new backup.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail loudly")]
#![allow(clippy::disallowed_methods, reason = "a test sets the time of a file")]

mod fleet;
#[path = "samples/read.rs"]
mod read;
#[path = "samples/support.rs"]
mod support;
#[path = "samples/work.rs"]
mod work;
