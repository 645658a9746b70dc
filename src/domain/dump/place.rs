//! The directory of this host that a dump is written into, as it was found before the start.

use crate::domain::fault::Fault;

/// The directory of a dump.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlaceFacts {
    /// The directory, up to the variable of the run.
    pub path: String,
    /// What is there.
    pub state: PlaceState,
    /// Whether it, or where it is missing the nearest directory above it, lies on this host's root file system.
    pub on_root: bool,
    /// Bytes that are free there; None: the system does not say.
    pub free: Option<u64>,
    /// The bytes of the target's newest dump that is there; None: there is none.
    pub last: Option<u64>,
}

/// What is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PlaceState {
    /// The directory.
    There {
        /// It has nothing in it.
        empty: bool,
    },
    /// Nothing; a dump makes it.
    Missing {
        /// The nearest directory above it.
        above: String,
    },
    /// Something that takes no dump, and why.
    Unfit(Fault),
}

impl PlaceFacts {
    /// Whether a dump has to make it first.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        matches!(self.state, PlaceState::Missing { .. })
    }
}
