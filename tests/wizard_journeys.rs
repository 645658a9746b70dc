//! End-to-end tests of the wizard in a pseudo-terminal on the embedded fleet, by keys alone: one file for each subject.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail loudly")]

mod fleet;
mod pty;

#[path = "wizard_journeys/causes.rs"]
mod causes;
#[path = "wizard_journeys/first.rs"]
mod first;
#[path = "wizard_journeys/leaving.rs"]
mod leaving;
#[path = "wizard_journeys/restorable.rs"]
mod restorable;
#[path = "wizard_journeys/walk.rs"]
mod walk;
