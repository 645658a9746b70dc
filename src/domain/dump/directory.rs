//! The state, before the start, of the directory on this host that a dump is written into.

use crate::domain::fault::Fault;

/// What was found about the directory of a dump.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DumpDirectoryFacts {
    /// The path of the directory, up to the variable of the run.
    pub path: String,
    /// What exists at that path.
    pub state: DumpDirectoryState,
    /// Whether it, or where it is missing the nearest directory above it, lies on this host's root file system.
    pub on_root: bool,
    /// Free bytes of its file system; `None` where the system does not report them.
    pub free: Option<u64>,
    /// The size in bytes of the target's newest dump in it; `None` where there is none.
    pub last: Option<u64>,
}

/// What exists at the path of a dump's directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DumpDirectoryState {
    /// The directory exists.
    There {
        /// Whether it is empty.
        empty: bool,
    },
    /// Nothing exists there; the dump creates the directory.
    Missing {
        /// The nearest existing directory above it.
        above: String,
    },
    /// No dump can be written there, and why.
    Unfit(Fault),
}

impl DumpDirectoryFacts {
    /// Returns whether the dump has to create the directory first.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        matches!(self.state, DumpDirectoryState::Missing { .. })
    }
}
