//! The use cases that both front ends share: they join inventory, backends, journal and runner.

pub mod attach;
pub mod cancel;
pub mod choices_from_inventory;
pub mod compact;
pub mod context;
pub mod crash;
pub mod detect;
pub mod dump_directory;
pub mod follow;
pub mod inventory_summary;
pub mod launch;
mod object_store;
pub mod plans;
pub mod prepare;
pub mod prove;
pub mod report;
pub mod run_task;
pub mod setup;
pub mod storage_check;
pub mod task_secrets;
pub mod tasks;

pub use context::{AppContext, disable_core_dumps, raise_file_limit};

pub use crate::journal::clock::now;

pub use crate::config::secrets::{SecretFlag, SecretRequest};
pub use crate::config::values::parse_duration;
