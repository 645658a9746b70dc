//! The ground floor: values and rules only. No I/O, no clock, no randomness, no async; time and ids come in as arguments.

pub mod archive_dest;
pub mod archiving;
pub mod choices;
pub mod command_line;
pub mod confirmation;
pub mod connection;
pub mod destination;
pub mod diagnosis;
pub mod estimate;
pub mod exit;
pub mod facts;
pub mod fault;
pub mod last_good;
pub mod last_storage;
pub mod listing;
pub mod outcome;
pub mod plan;
pub mod preflight;
pub mod progress;
pub mod report;
pub mod restorable;
#[cfg(test)]
pub(crate) mod samples;
pub mod saved;
pub mod scn;
pub mod secret;
pub mod standstill;
pub mod step;
pub mod storage_test;
pub mod target;
pub mod task;
pub mod template;
pub mod usable_full;
pub mod version;
pub mod whole;
pub mod words;
