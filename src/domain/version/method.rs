//! The backup method that follows from a version.

use super::{Engine, Version};

/// How a target is backed up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// The servers themselves back up, block by block, with the log.
    Physical,
    /// A dump tool reads the tables over SQL.
    Logical,
}

impl std::fmt::Display for Method {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Physical => "Physical Backup",
            Self::Logical => "Logical Backup",
        })
    }
}

/// The method of a version, and the reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MethodChoice {
    /// The method.
    pub method: Method,
    /// Whether the version is on a known release line; if not, it is read as the nearest one below it.
    pub known: bool,
    /// The reason, in one sentence.
    pub reason: String,
}

/// The first version with physical backup; OceanBase Cloud Platform has the same limit.
const FIRST_PHYSICAL: [u32; 4] = [2, 2, 60, 0];

/// The release lines with physical backup: first and last version (as far as the numbers are given), and the name to show.
const PHYSICAL: [([u32; 3], [u32; 3], &str); 4] = [
    ([2, 2, 60], [2, 2, 77], "V2.2.60 to V2.2.77"),
    ([3, 1, 0], [3, 1, u32::MAX], "V3.1"),
    ([3, 2, 0], [3, 2, u32::MAX], "V3.2"),
    ([4, 0, 0], [4, 4, u32::MAX], "V4.0 to V4.4"),
];

impl Version {
    /// Decides how this version is backed up: physically on V2.2.60 to V2.2.77, V3.1, V3.2 and V4.0 to V4.4; logically below
    /// V2.2.60 and on seekdb. Any other version counts as the nearest release line below it, and the reason says so: such a
    /// cluster is read, and never written to.
    #[must_use]
    pub fn method(&self) -> MethodChoice {
        if self.engine == Engine::Seekdb {
            let reason = format!("{self} has no physical backup.");
            return MethodChoice { method: Method::Logical, known: true, reason };
        }
        if self.numbers < FIRST_PHYSICAL {
            let reason = format!("{self} is older than V2.2.60, the first with physical backup.");
            return MethodChoice { method: Method::Logical, known: true, reason };
        }
        let three = [self.numbers[0], self.numbers[1], self.numbers[2]];
        let (known, line) = PHYSICAL
            .iter()
            .rev()
            .find(|(first, _, _)| *first <= three)
            .map_or((false, ""), |(_, last, line)| (three <= *last, *line));
        let reason = if known {
            format!("{self} is on a line with physical backup ({line}).")
        } else {
            format!("{self} is on no line obnow knows; it is read as the nearest one, {line}.")
        };
        MethodChoice { method: Method::Physical, known, reason }
    }
}
