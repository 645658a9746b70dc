//! The engine, version and build of a server, and the backup method that follows from them.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

mod method;
mod read;
#[cfg(test)]
mod tests;

pub use method::{Method, MethodChoice};
pub use read::{Detected, Edition, NotOceanBase};

/// The engines that speak OceanBase's protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Engine {
    /// OceanBase Database.
    OceanBase,
    /// seekdb, the single-node engine; its version numbers are its own.
    Seekdb,
}

/// A version, with its build where it is known. It is serialised as the text of [`Version::with_build`].
///
/// `OB_VERSION()` of seekdb returns the version of the kernel inside it; use `VERSION()` or `version_comment`, which
/// name the engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Version {
    /// The engine that the numbers belong to.
    pub engine: Engine,
    /// The four numbers; one that the server does not print is 0 (`2.2.77` is `2.2.77.0`).
    pub numbers: [u32; 4],
    /// The number of the build, as printed: `20220304134610` (a date to the second) until 2022, then a prefix and a date to
    /// the hour, `100000012023120716`.
    pub build: Option<u64>,
}

/// Whether a version is at least the one that a gate requires.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AtLeast {
    /// The version is the gate's or newer.
    Yes,
    /// The version is older, or of another engine.
    No,
    /// The numbers are the gate's, and whether the build is new enough is not known.
    BuildUnknown,
}

impl Version {
    /// The first build that can back up one tenant below V4 (V3.2.2 Enterprise, build 20220304134610).
    pub const TENANT_BACKUP: Self = Self::oceanbase([3, 2, 2, 0], Some(20_220_304_134_610));

    /// Returns an OceanBase version.
    #[must_use]
    pub const fn oceanbase(numbers: [u32; 4], build: Option<u64>) -> Self {
        Self { engine: Engine::OceanBase, numbers, build }
    }

    /// Returns a seekdb version.
    #[must_use]
    pub const fn seekdb(numbers: [u32; 4], build: Option<u64>) -> Self {
        Self { engine: Engine::Seekdb, numbers, build }
    }

    /// Returns the release line: the first two numbers, `(4, 2)` for V4.2.5.1.
    #[must_use]
    pub const fn line(&self) -> (u32, u32) {
        (self.numbers[0], self.numbers[1])
    }

    /// Compares this version with a gate. A gate without a build requires the numbers alone.
    #[must_use]
    pub fn reaches(&self, gate: &Self) -> AtLeast {
        if self.engine != gate.engine {
            return AtLeast::No;
        }
        match (self.numbers.cmp(&gate.numbers), gate.build) {
            (Ordering::Less, _) => AtLeast::No,
            (Ordering::Greater, _) | (Ordering::Equal, None) => AtLeast::Yes,
            (Ordering::Equal, Some(wanted)) => match self.build {
                None => AtLeast::BuildUnknown,
                Some(build) => build_reaches(build, wanted),
            },
        }
    }

    /// Returns the text with the build, where it is known: `V3.2.2-20220304134610`.
    #[must_use]
    pub fn with_build(&self) -> String {
        match self.build {
            Some(build) => format!("{self}-{build}"),
            None => self.to_string(),
        }
    }
}

/// Returns when a build was made, as YYYYMMDDHHMMSS, and how many of these 14 digits are known.
fn made_at(build: u64) -> (u64, u32) {
    const SECONDS: std::ops::Range<u64> = 10_000_000_000_000..100_000_000_000_000;
    if SECONDS.contains(&build) {
        (build, 14)
    } else {
        // A prefix of seven or eight digits, then YYYYMMDDHH.
        (build % 10_000_000_000 * 10_000, 10)
    }
}

fn build_reaches(build: u64, wanted: u64) -> AtLeast {
    let (build, build_digits) = made_at(build);
    let (wanted, wanted_digits) = made_at(wanted);
    if build_digits == wanted_digits || build / 10_000 != wanted / 10_000 {
        if build >= wanted { AtLeast::Yes } else { AtLeast::No }
    } else {
        // Both were made in the same hour, and one of them is dated to the hour only.
        AtLeast::BuildUnknown
    }
}

/// Orders by the numbers, then by when the build was made; an unknown build comes before every known one. Versions of
/// different engines have no order.
impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        let key = |v: &Self| (v.numbers, v.build.map(|build| (made_at(build).0, build)));
        (self.engine == other.engine).then(|| key(self).cmp(&key(other)))
    }
}

/// Prints it without the build: `V4.2.5.1`, `V2.2.77`, `seekdb 1.4.0`. A fourth number of 0 appears from V4 on only, as OceanBase
/// prints it.
impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [major, minor, patch, fourth] = self.numbers;
        let four = fourth != 0 || (self.engine == Engine::OceanBase && major >= 4);
        f.write_str(match self.engine {
            Engine::OceanBase => "V",
            Engine::Seekdb => "seekdb ",
        })?;
        write!(f, "{major}.{minor}.{patch}")?;
        if four { write!(f, ".{fourth}") } else { Ok(()) }
    }
}

impl std::str::FromStr for Version {
    type Err = NotOceanBase;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Detected::read(text)?.version)
    }
}

impl TryFrom<String> for Version {
    type Error = NotOceanBase;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Version> for String {
    fn from(version: Version) -> Self {
        version.with_build()
    }
}
