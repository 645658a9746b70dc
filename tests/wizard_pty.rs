//! Tests how the real program behaves in a pseudo-terminal: one file for each subject.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail loudly")]

mod fleet;
mod pty;

#[path = "wizard_pty/ends.rs"]
mod ends;
#[path = "wizard_pty/keyboard.rs"]
mod keyboard;
#[path = "wizard_pty/looks.rs"]
mod looks;
#[path = "wizard_pty/place.rs"]
mod place;
#[path = "wizard_pty/quiet.rs"]
mod quiet;
#[path = "wizard_pty/suspend.rs"]
mod suspend;
