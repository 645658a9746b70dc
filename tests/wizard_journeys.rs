//! End-to-end tests of the wizard in a pseudo-terminal on the embedded fleet, by keys alone: one file for each subject.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail loudly")]

mod fleet;
mod pty;

#[path = "wizard_journeys/fault_causes.rs"]
mod fault_causes;
#[path = "wizard_journeys/first_run.rs"]
mod first_run;
#[path = "wizard_journeys/leaving.rs"]
mod leaving;
#[path = "wizard_journeys/navigation.rs"]
mod navigation;
#[path = "wizard_journeys/restorable.rs"]
mod restorable;
