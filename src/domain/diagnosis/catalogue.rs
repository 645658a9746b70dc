//! The catalogue of error codes, with the cause and the remedy of each.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

use super::clean::foreign;
use crate::domain::fault::{Cause, Fault};

/// The text of the built-in catalogue.
const ERRORS: &str = include_str!("../../../assets/errors.yaml");

/// The entry of a code.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// The code as a client sees it, without its sign.
    pub code: u32,
    /// Its name in OceanBase's own list.
    pub name: String,
    /// The kind of cause.
    pub cause: Cause,
    /// One sentence: why.
    pub why: String,
    /// One sentence: what to do next.
    pub next: String,
    /// The other causes of the same code, told apart by the server's text; the first match counts.
    #[serde(default)]
    cases: Vec<Case>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    /// A part of the server's text, in lower case.
    text: String,
    cause: Option<Cause>,
    why: String,
    next: String,
}

/// Codes and their entries.
#[derive(Debug, Clone, Default)]
pub struct Catalogue(BTreeMap<u32, Entry>);

/// Why a text is no catalogue.
#[derive(Debug, thiserror::Error)]
pub enum CatalogueError {
    /// It does not have the form of a catalogue.
    #[error("the error catalogue cannot be read: {0}")]
    Yaml(#[from] serde_yaml::Error),
    /// A code occurs twice.
    #[error("the error catalogue has {0} twice")]
    Twice(u32),
}

impl Catalogue {
    /// Parses a catalogue.
    ///
    /// # Errors
    /// The text is none, or has a code twice.
    pub fn parse(text: &str) -> Result<Self, CatalogueError> {
        let mut entries = BTreeMap::new();
        for entry in serde_yaml::from_str::<Vec<Entry>>(text)? {
            let code = entry.code;
            if entries.insert(code, entry).is_some() {
                return Err(CatalogueError::Twice(code));
            }
        }
        Ok(Self(entries))
    }

    /// Returns the entry of a code.
    #[must_use]
    pub fn get(&self, code: u32) -> Option<&Entry> {
        self.0.get(&as_clients_see_it(code))
    }

    /// Returns all entries, by code.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.0.values()
    }

    /// Returns the fault for a code and the server's text.
    #[must_use]
    pub fn explain(&self, code: i64, text: &str) -> Fault {
        let code = as_clients_see_it(u32::try_from(code.unsigned_abs()).unwrap_or(u32::MAX));
        let said = foreign(text);
        let said = said.trim().trim_end_matches('.');
        let entry = self.get(code);
        let name = entry.map_or_else(String::new, |entry| format!(" ({})", entry.name));
        let what = if said.is_empty() {
            format!("OceanBase answered with error {code}{name}.")
        } else {
            format!("OceanBase answered with error {code}{name}: {said}.")
        };
        let fault = match entry {
            None => Fault::new(
                Cause::Server,
                what,
                "obnow does not know this code.",
                "Look it up in the error codes of your OceanBase version, and search the server's log for it.",
            ),
            Some(entry) => {
                let lower = said.to_ascii_lowercase();
                let told_apart = entry.cases.iter().find(|case| lower.contains(&case.text));
                let cause = told_apart.and_then(|case| case.cause).unwrap_or(entry.cause);
                let (why, next) = told_apart.map_or((&entry.why, &entry.next), |case| (&case.why, &case.next));
                Fault::new(cause, what, why, next)
            }
        };
        fault.with_code(code)
    }
}

/// Returns the code under which a client sees a code of the server: some have a number of MySQL (OceanBase source,
/// `ob_errno.def`). The RESULT of a job holds the server's own.
const fn as_clients_see_it(code: u32) -> u32 {
    match code {
        4002 => 1210,
        4007 => 1235,
        4043 => 1045,
        5001 => 1064,
        5006 => 1149,
        5036 => 1227,
        6210 => 4012,
        code => code,
    }
}

/// Returns the fault for a code (with or without its sign) and the server's text, by the built-in catalogue. The text is cleaned.
#[must_use]
pub fn explain(code: i64, text: &str) -> Fault {
    // A test parses the catalogue; with a broken one the code would still be shown.
    static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| Catalogue::parse(ERRORS).unwrap_or_default());
    CATALOGUE.explain(code, text)
}
