//! What a task leaves on the disk: its events, the requests put to it, its heartbeat, its locks, and the audit trail.
//! The runner writes, everyone else only reads; a kill at any instant loses nothing that was acknowledged.

pub mod audit;
pub mod clock;
mod disk;
pub mod heartbeat;
pub mod locks;
pub mod reader;
pub mod reports;
pub mod requests;
pub mod state;
mod tail;
pub mod tasks;
pub mod writer;

pub use reader::{Entry, Follower, Journal};
pub use tasks::{TaskFiles, TaskId};
pub use writer::Writer;
