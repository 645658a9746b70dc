//! Which engine a server runs, which version and build of it, and which way of backing up follows from that.

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

/// A version, and the build where it is known. Serialised as the text [`Version::with_build`] makes.
///
/// `OB_VERSION()` of a seekdb answers with the version of the kernel inside it; take `FORMAT_VERSION()` or the
/// `version_comment`, which name the engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Version {
    /// Which engine the numbers belong to.
    pub engine: Engine,
    /// The four numbers; what a server leaves out is 0 (`2.2.77` is `2.2.77.0`).
    pub numbers: [u32; 4],
    /// The number a build is released under, as printed: `20220304134610` (a date to the second) until 2022, then a
    /// prefix and a date to the hour, `100000012023120716`.
    pub build: Option<u64>,
}

/// Whether a version is as new as a gate asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// At the gate or newer.
    Yes,
    /// Older, or another engine.
    No,
    /// The numbers are exactly the gate's, and which build it is cannot be told.
    BuildUnknown,
}

impl Version {
    /// The first build that can back up one tenant below V4 (V3.2.2 Enterprise, build 20220304134610).
    pub const TENANT_BACKUP: Self = Self::oceanbase([3, 2, 2, 0], Some(20_220_304_134_610));

    /// An OceanBase of these numbers.
    #[must_use]
    pub const fn oceanbase(numbers: [u32; 4], build: Option<u64>) -> Self {
        Self { engine: Engine::OceanBase, numbers, build }
    }

    /// A seekdb of these numbers.
    #[must_use]
    pub const fn seekdb(numbers: [u32; 4], build: Option<u64>) -> Self {
        Self { engine: Engine::Seekdb, numbers, build }
    }

    /// The line a version belongs to: its first two numbers, `(4, 2)` for V4.2.5.1.
    #[must_use]
    pub const fn line(&self) -> (u32, u32) {
        (self.numbers[0], self.numbers[1])
    }

    /// Whether this version is the gate's or newer. A gate without a build asks for the numbers alone.
    #[must_use]
    pub fn reaches(&self, gate: &Self) -> Reach {
        if self.engine != gate.engine {
            return Reach::No;
        }
        match (self.numbers.cmp(&gate.numbers), gate.build) {
            (Ordering::Less, _) => Reach::No,
            (Ordering::Greater, _) | (Ordering::Equal, None) => Reach::Yes,
            (Ordering::Equal, Some(wanted)) => match self.build {
                None => Reach::BuildUnknown,
                Some(build) => build_reaches(build, wanted),
            },
        }
    }

    /// The text with the build, where it is known: `V3.2.2-20220304134610`.
    #[must_use]
    pub fn with_build(&self) -> String {
        match self.build {
            Some(build) => format!("{self}-{build}"),
            None => self.to_string(),
        }
    }
}

/// When a build was made: the date in its number, and how many of the 14 digits YYYYMMDDHHMMSS are known.
fn made_at(build: u64) -> (u64, u32) {
    const SECONDS: std::ops::Range<u64> = 10_000_000_000_000..100_000_000_000_000;
    if SECONDS.contains(&build) {
        (build, 14)
    } else {
        // A prefix of seven or eight digits, then YYYYMMDDHH.
        (build % 10_000_000_000 * 10_000, 10)
    }
}

fn build_reaches(build: u64, wanted: u64) -> Reach {
    let (build, build_digits) = made_at(build);
    let (wanted, wanted_digits) = made_at(wanted);
    if build_digits == wanted_digits || build / 10_000 != wanted / 10_000 {
        if build >= wanted { Reach::Yes } else { Reach::No }
    } else {
        // The same hour, and one of the two does not say more than the hour.
        Reach::BuildUnknown
    }
}

/// By the numbers, then by when the build was made; an unknown build comes before every known one. Versions of two
/// engines have no order.
impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        let key = |v: &Self| (v.numbers, v.build.map(|build| (made_at(build).0, build)));
        (self.engine == other.engine).then(|| key(self).cmp(&key(other)))
    }
}

/// Without the build: `V4.2.5.1`, `V2.2.77`, `seekdb 1.4.0`. A fourth number of 0 is shown from V4 on only, as OceanBase
/// writes them.
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
