//! The wizard without a terminal: its reducer driven by keys and answers, its keys as tables, its screens as pictures.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops where its setup fails")]

mod confirm;
mod driver;
mod fake_backend;
mod fixtures;
mod journeys;
mod keys;
mod random_keys;
mod screen_fixtures;
mod snapshots;
mod task_journals;
