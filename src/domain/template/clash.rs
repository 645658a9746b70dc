//! Clashes: two owners of one directory, which the server would refuse hours later (9080, 9081).

use super::{Destination, DirKind};

/// The tenant (or cluster) that would write to a directory, and what it would write.
type Owner = (String, DirKind);

/// How two directories clash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClashKind {
    /// They are the same directory.
    Same,
    /// The first is inside the second, which then is not empty.
    Inside,
}

/// Two owners whose directories clash. `Display` prints it as a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clash {
    /// The first owner.
    pub first: Owner,
    /// The second owner.
    pub second: Owner,
    /// How they clash.
    pub kind: ClashKind,
    /// The directory of the first owner, without keys.
    pub directory: String,
}

impl std::fmt::Display for Clash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let ((a, a_kind), (b, b_kind), directory) = (&self.first, &self.second, &self.directory);
        match self.kind {
            ClashKind::Same => write!(f, "{a} ({a_kind}) and {b} ({b_kind}) would share the directory {directory}."),
            ClashKind::Inside => {
                write!(f, "The directory {directory} of {a} ({a_kind}) lies inside the one of {b} ({b_kind}).")
            }
        }
    }
}

/// Returns every pair of directories that are the same or of which one contains the other: each tenant and each kind needs
/// its own empty directory (V4.2.5 docs, preparation before data backup).
#[must_use]
pub fn clashes(directories: &[(Owner, Destination)]) -> Vec<Clash> {
    let mut found = Vec::new();
    for (at, (first, a)) in directories.iter().enumerate() {
        for (second, b) in &directories[at + 1..] {
            let clash = |first: &Owner, second: &Owner, kind, directory: &Destination| Clash {
                first: first.clone(),
                second: second.clone(),
                kind,
                directory: directory.uri_without_attributes(),
            };
            if a.may_be_same_directory(b) {
                found.push(clash(first, second, ClashKind::Same, a));
            } else if a.is_inside(b) {
                found.push(clash(first, second, ClashKind::Inside, a));
            } else if b.is_inside(a) {
                found.push(clash(second, first, ClashKind::Inside, b));
            }
        }
    }
    found
}
