//! The storage Test, from this host: a probe of real size is written, read back, listed and deleted, and the cluster is
//! not asked anything. It runs in a process of its own (`app::storage_check`), because a mount whose server is gone may hold whoever
//! touches it for ever.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::storage_check::{StorageCheck, TestedCheck};

pub mod directory;
mod mounts;
pub mod object_storage;
mod probe_content;
mod reporter;
pub mod ssh;

/// The events of a running probe.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProbeEvent {
    /// This check has started.
    #[serde(rename = "begins")]
    CheckStarted(StorageCheck),
    /// This check has ended.
    #[serde(rename = "ended")]
    CheckEnded(TestedCheck),
    /// This probe exists from now on, until [`ProbeEvent::ProbeRemoved`].
    #[serde(rename = "leaves")]
    ProbeWritten(String),
    /// The probe is deleted.
    #[serde(rename = "gone")]
    ProbeRemoved,
    /// The probe is complete; without this event it was aborted.
    Done,
}

/// The environment of a probe: its event listener, its clock, and the stop signal.
pub struct ProbeContext<'a> {
    /// Receives every event at once.
    pub tell: &'a mut dyn FnMut(ProbeEvent),
    /// Returns the time of this host.
    pub now: fn() -> Timestamp,
    /// Returns whether the probe must be deleted and the Test must end.
    pub stopped: &'a dyn Fn() -> bool,
}
