//! Tests how the real program behaves in a pseudo-terminal: one file for each subject.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail loudly")]

mod fleet;
mod pty;

#[path = "wizard_pty/appearance.rs"]
mod appearance;
#[path = "wizard_pty/exits.rs"]
mod exits;
#[path = "wizard_pty/inventory.rs"]
mod inventory;
#[path = "wizard_pty/keyboard.rs"]
mod keyboard;
#[path = "wizard_pty/suspend.rs"]
mod suspend;
#[path = "wizard_pty/terminal_output.rs"]
mod terminal_output;
