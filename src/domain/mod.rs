//! The ground floor: values and rules only. No I/O, no clock, no randomness, no async; time and ids come in as arguments.

pub mod archive_dest;
pub mod destination;
pub mod diagnosis;
pub mod fault;
pub mod progress;
pub mod restorable;
pub mod scn;
pub mod secret;
pub mod target;
pub mod template;
pub mod version;
