//! Two owners of one directory, which the server would refuse hours later (9080, 9081).

use super::{Destination, DirKind};

/// Who would write to a directory.
type Owner = (String, DirKind);

/// How two directories collide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClashKind {
    /// They are one and the same.
    Same,
    /// The first lies inside the second, which is then not empty.
    Inside,
}

/// Two owners that are in each other's way. A sentence when printed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clash {
    /// The first: a tenant (or cluster) and what it would write.
    pub first: Owner,
    /// The second.
    pub second: Owner,
    /// How they collide.
    pub kind: ClashKind,
    /// The directory of the first, without keys.
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

/// Finds every pair of directories that are the same or lie one inside the other: each tenant and each kind needs its own
/// empty directory (V4.2.5 docs, preparation before data backup).
#[must_use]
pub fn clashes(directories: &[(Owner, Destination)]) -> Vec<Clash> {
    let mut found = Vec::new();
    for (at, (first, a)) in directories.iter().enumerate() {
        for (second, b) in &directories[at + 1..] {
            let clash = |first: &Owner, second: &Owner, kind, directory: &Destination| Clash {
                first: first.clone(),
                second: second.clone(),
                kind,
                directory: directory.bare(),
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
