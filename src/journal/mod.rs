//! What a task stores on disk: its events, the requests to it, its heartbeat, its locks, and the audit trail. Only the runner
//! writes, everyone else reads; a kill at any time loses nothing that was acknowledged.

pub mod audit;
pub mod clock;
pub mod heartbeat;
pub mod locks;
pub mod reader;
pub mod reports;
pub mod requests;
pub mod state;
mod state_files;
mod tail;
pub mod tasks;
pub mod writer;

pub use reader::{Entry, Follower, Journal};
pub use tasks::{TaskFiles, TaskId};
pub use writer::Writer;
