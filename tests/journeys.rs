//! Journeys through the real program on the embedded fleet, headless, one file a subject.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail loudly")]

mod fleet;
#[path = "journeys/healthy.rs"]
mod healthy;
