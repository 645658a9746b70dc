//! The storage Test, from this host: a probe of real size is written, read back, listed and deleted, and the cluster is
//! not asked anything. It runs in a process of its own (`app::storage_check`), because a mount whose server is gone may hold whoever
//! touches it for ever.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::storage_test::{StorageCheck, TestedCheck};

pub mod folder;
mod mounts;
pub mod object;
mod pattern;
pub mod servers;
mod told;

/// What a probe says while it works, one thing at a time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum News {
    /// This check is being made.
    Begins(StorageCheck),
    /// This check has ended.
    Ended(TestedCheck),
    /// From now on this is there until [`News::Gone`].
    Leaves(String),
    /// What was there is deleted.
    Gone,
    /// That was all: who ends without it broke off.
    Done,
}

/// How a probe works: whom it tells, whose clock it reads, and when it has to stop.
pub struct Bench<'a> {
    /// Is told everything at once.
    pub tell: &'a mut dyn FnMut(News),
    /// This host's clock.
    pub now: fn() -> Timestamp,
    /// Nobody waits for the result any more: delete the probe and end.
    pub stopped: &'a dyn Fn() -> bool,
}
