//! Parses a version from every form in which a server shows it.

use super::{Engine, Version};

/// The edition, where the text names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Edition {
    /// The text names the Community Edition: `OceanBase_CE`, `OceanBase CE`.
    Community,
    /// The text names OceanBase without CE, from V4 on. Older Community builds did not name themselves.
    Enterprise,
}

impl std::fmt::Display for Edition {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Community => "Community Edition",
            Self::Enterprise => "Enterprise Edition",
        })
    }
}

/// The version and the edition that one text of a server shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Detected {
    /// The version, with the build where the text has it.
    pub version: Version,
    /// The edition, where the text has it.
    pub edition: Option<Edition>,
}

/// The error for a text that is not a version of OceanBase: the text, without control characters, cut to 80 characters.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not an OceanBase version.")]
pub struct NotOceanBase(pub String);

impl Detected {
    /// Parses `VERSION()`, `OB_VERSION()`, `version_comment`, `BUILD_VERSION`, or a version as a user types it.
    ///
    /// # Errors
    /// The text is another product's or has no version. Bare numbers count as OceanBase from major version 1 to 4, the newest
    /// there is: `8.0.36` is a MySQL. Other numbers count only with a leading `V` or behind `OceanBase`.
    pub fn read(text: &str) -> Result<Self, NotOceanBase> {
        let lower = text.trim().to_ascii_lowercase();
        find(&lower).ok_or_else(|| NotOceanBase(shown(text)))
    }
}

fn find(text: &str) -> Option<Detected> {
    if let Some((_, after)) = text.split_once("seekdb") {
        // `seekdb-v1.2.0.0`, `seekdb 1.4.0`, and `seekdb (r1.2.0.0)`: the numbers before the word are the kernel's.
        let after = after.trim_start_matches(['-', ' ', '(', 'r', 'v', '_']);
        let (numbers, rest) = numbers(after)?;
        return Some(Detected {
            version: Version { engine: Engine::Seekdb, numbers, build: build(rest) },
            edition: None,
        });
    }
    if let Some((before, after)) = text.split_once("oceanbase") {
        let (ce, after) = match after.strip_prefix("_ce").or_else(|| after.strip_prefix(" ce")) {
            Some(after) => (true, after),
            None => (false, after),
        };
        let (numbers, rest) = match numbers(after.trim_start_matches(['-', ' ', 'v', '_'])) {
            Some(found) => found,
            // `3.1.5-OceanBase CE`: the number comes first. 5.7.25 there is the MySQL version that the server emulates.
            None => numbers(before).filter(|(numbers, _)| is_bare_oceanbase(*numbers))?,
        };
        let edition = match (ce, numbers[0]) {
            (true, _) => Some(Edition::Community),
            (false, 4..) => Some(Edition::Enterprise),
            (false, _) => None,
        };
        return Some(Detected { version: Version::oceanbase(numbers, build(rest)), edition });
    }
    let (named, digits) = match text.strip_prefix('v') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let (numbers, rest) = numbers(digits)?;
    let only_a_build_follows = rest.is_empty() || build(rest).is_some();
    (only_a_build_follows && (named || is_bare_oceanbase(numbers)))
        .then(|| Detected { version: Version::oceanbase(numbers, build(rest)), edition: None })
}

fn is_bare_oceanbase(numbers: [u32; 4]) -> bool {
    (1..=4).contains(&numbers[0])
}

/// Parses two to four numbers separated by dots; returns them and the rest of the text.
fn numbers(text: &str) -> Option<([u32; 4], &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (dotted, rest) = text.split_at(end);
    let mut numbers = [0; 4];
    let mut count = 0;
    for part in dotted.split('.') {
        *numbers.get_mut(count)? = part.parse().ok()?;
        count += 1;
    }
    (count >= 2).then_some((numbers, rest))
}

/// Parses the build number behind a version: `_100000012023120716-c33e…`, `-20220304134610`, ` (r2022… -590d9fea)`.
fn build(rest: &str) -> Option<u64> {
    let rest = rest.trim_start().strip_prefix(['_', '-', '('])?;
    let rest = rest.strip_prefix('r').unwrap_or(rest);
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let (digits, after) = rest.split_at(end);
    // The shortest build number is a date to the hour; shorter digits are the beginning of a commit hash.
    let is_build =
        digits.len() >= 10 && !digits.starts_with('0') && !after.starts_with(|c: char| c.is_ascii_alphanumeric());
    if is_build { digits.parse().ok() } else { None }
}

fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(80).collect::<String>().trim().to_owned()
}
