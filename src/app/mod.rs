//! The use cases that both front ends share: they join inventory, backends, journal and runner.

pub mod attach;
pub mod cancel;
pub mod choose;
pub mod compact;
pub mod context;
pub mod crash;
pub mod detect;
pub mod dump_place;
pub mod follow;
pub mod hand_over;
pub mod known;
mod lend_storage;
pub mod plans;
pub mod prepare;
pub mod prove;
pub mod report;
pub mod run_task;
pub mod setup;
pub mod task_secrets;
pub mod tasks;
pub mod test;

pub use context::{AppContext, allow_files, limit_cores};

pub use crate::journal::clock::now;

pub use crate::config::secrets::{Asking, Flag};
pub use crate::config::values::parse_duration;
