//! The value of `LOG_ARCHIVE_DEST`, which is always sent whole.
//!
//! V4.2.5 docs, preparation before log archiving: what is left out of the value falls back to its default, so what the
//! server has is read and repeated.

use serde::{Deserialize, Serialize};

use super::destination::{Destination, DestinationError, URI_LIMIT, refuse_credential};
use super::secret::Secret;
use super::version::Version;

#[cfg(test)]
mod tests;

/// Which of archiving and business traffic waits for the other when archiving is slower than writing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum Binding {
    /// Business first: log may be recycled before it is archived, and the round breaks.
    Optional,
    /// Archive first: writes may be throttled.
    Mandatory,
    /// Another word of the server, as it was read.
    Other(String),
}

impl From<String> for Binding {
    fn from(word: String) -> Self {
        match word.to_ascii_lowercase().as_str() {
            "optional" => Self::Optional,
            "mandatory" => Self::Mandatory,
            _ => Self::Other(word),
        }
    }
}

impl From<Binding> for String {
    fn from(binding: Binding) -> Self {
        binding.to_string()
    }
}

impl std::fmt::Display for Binding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Optional => "Optional",
            Self::Mandatory => "Mandatory",
            Self::Other(word) => word,
        })
    }
}

/// A log archive destination: where the log goes, and how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArchiveDest {
    /// The directory or bucket.
    pub location: Destination,
    /// Which of the two waits; absent: the server's default, Optional.
    pub binding: Option<Binding>,
    /// The length of a piece, as the server writes it (`1d`); absent: the server's default, one day.
    pub piece_switch_interval: Option<String>,
    /// The other parts of the value (`COMPRESSION=enable`), as they were read.
    pub others: Vec<String>,
}

/// Why a value of `LOG_ARCHIVE_DEST` is refused before the server is asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ArchiveDestError {
    /// No `LOCATION=`.
    #[error("The log archive destination has no LOCATION. Write LOCATION=file:///path, or the URI alone.")]
    NoLocation,
    /// A part that is no `KEY=value`, or whose key the server does not know.
    #[error("The log archive destination contains {0}, which the server does not know. Take it out.")]
    UnknownPart(String),
    /// A part that occurs twice.
    #[error("The log archive destination has {0} twice. Keep one.")]
    Repeated(String),
    /// Not `Optional` or `Mandatory`.
    #[error("BINDING must be Optional or Mandatory.")]
    BadBinding,
    /// Outside one to seven days (V4 answers 1235).
    #[error("PIECE_SWITCH_INTERVAL must be between 1d and 7d.")]
    BadInterval,
    /// The location is refused.
    #[error(transparent)]
    Location(#[from] DestinationError),
}

impl ArchiveDest {
    /// Returns a destination with this location and the server's defaults.
    #[must_use]
    pub fn new(location: Destination) -> Self {
        Self { location, binding: None, piece_switch_interval: None, others: Vec::new() }
    }

    /// Parses what a user wrote: the complete value, or a URI alone.
    ///
    /// # Errors
    /// The location is refused ([`Destination::parse_user`]), or a part is one that the server refuses.
    pub fn parse_user(text: &str) -> Result<Self, ArchiveDestError> {
        let text = text.trim();
        refuse_credential(text)?;
        let has_location = text.split_whitespace().any(|part| split(part).0.eq_ignore_ascii_case("LOCATION"));
        if !has_location && text.contains("://") {
            return Ok(Self::new(Destination::parse_user(text)?));
        }
        let read = Self::parse(text, Destination::parse_user)?;
        match (&read.binding, &read.piece_switch_interval) {
            (Some(Binding::Other(_)), _) => Err(ArchiveDestError::BadBinding),
            (_, Some(interval)) if !in_range(interval) => Err(ArchiveDestError::BadInterval),
            _ => match read.others.first() {
                Some(other) if !split(other).0.eq_ignore_ascii_case("COMPRESSION") => {
                    Err(ArchiveDestError::UnknownPart(printable(split(other).0)))
                }
                _ => Ok(read),
            },
        }
    }

    /// Parses a complete value of the server, whose words are taken as they are.
    ///
    /// # Errors
    /// It has no location, or one of an unknown scheme.
    pub fn parse_server(text: &str) -> Result<Self, ArchiveDestError> {
        Self::parse(text, Destination::parse_server)
    }

    /// Parses the name and value rows of `CDB_OB_ARCHIVE_DEST` for one tenant and one `DEST_NO`: `path`, `binding`,
    /// `piece_switch_interval`; the others (`dest_id`, `state`) are not part of the value. Returns `None` without a path.
    ///
    /// # Errors
    /// The path has an unknown scheme.
    pub fn from_rows<'a>(rows: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Option<Self>, ArchiveDestError> {
        let (mut location, mut binding, mut piece_switch_interval) = (None, None, None);
        for (name, value) in rows.into_iter().filter(|(_, value)| !value.is_empty()) {
            match name.to_ascii_lowercase().as_str() {
                "path" => location = Some(Destination::parse_server(value)?),
                "binding" => binding = Some(Binding::from(value.to_owned())),
                "piece_switch_interval" => piece_switch_interval = Some(value.to_owned()),
                _ => {}
            }
        }
        Ok(location.map(|location| Self { location, binding, piece_switch_interval, others: Vec::new() }))
    }

    /// Returns whether the server, which has `self`, already has what is wanted; what `wanted` leaves out is not compared.
    #[must_use]
    pub fn already_is(&self, wanted: &Self) -> bool {
        let binding = self.binding.as_ref().unwrap_or(&Binding::Optional);
        let interval = self.piece_switch_interval.as_deref().unwrap_or("1d");
        self.location.already_is(&wanted.location)
            && wanted.binding.as_ref().is_none_or(|wanted| wanted == binding)
            && wanted.piece_switch_interval.as_deref().is_none_or(|wanted| same_interval(wanted, interval))
            && wanted.others.iter().all(|other| self.others.iter().any(|own| own.eq_ignore_ascii_case(other)))
    }

    /// Returns the complete value for the statement, with the access key in the location.
    ///
    /// # Errors
    /// As [`Destination::to_statement_uri`].
    pub fn to_statement_value(&self, access_key: Option<&Secret>) -> Result<Secret, DestinationError> {
        let uri = self.location.to_statement_uri(access_key)?;
        let value = Secret::from_shared(self.written(uri.expose()));
        check_whole(value.expose().len())?;
        Ok(value)
    }

    /// Checks that a statement to a server of this version can hold the complete value, with the access key where it is given.
    ///
    /// # Errors
    /// As [`Destination::carried_by`], and where the complete value is longer than the server reads (4019).
    pub fn carried_by(&self, version: &Version, access_key: Option<&Secret>) -> Result<(), DestinationError> {
        self.location.carried_by(version, access_key)?;
        let key = access_key.map_or(0, |key| "&access_key=".len() + key.expose().len());
        check_whole(self.written(&self.location.without_keys()).len() + key)
    }

    /// Returns the statement's value for display: `access_key=***` where a key will be sent.
    #[must_use]
    pub fn redacted_statement_value(&self) -> String {
        self.written(&self.location.redacted_statement_uri())
    }

    fn written(&self, uri: &str) -> String {
        let binding = self.binding.iter().map(|binding| format!("BINDING={binding}"));
        let interval = self.piece_switch_interval.iter().map(|interval| format!("PIECE_SWITCH_INTERVAL={interval}"));
        let parts = std::iter::once(format!("LOCATION={uri}")).chain(binding).chain(interval);
        parts.chain(self.others.iter().cloned()).collect::<Vec<_>>().join(" ")
    }

    fn parse(
        text: &str,
        destination: impl Fn(&str) -> Result<Destination, DestinationError>,
    ) -> Result<Self, ArchiveDestError> {
        let (mut location, mut binding, mut interval) = (None, None, None);
        let mut others: Vec<String> = Vec::new();
        for part in text.split_whitespace() {
            let (key, value) = split(part);
            let once = |seen: bool| if seen { Err(ArchiveDestError::Repeated(printable(key))) } else { Ok(()) };
            match key.to_ascii_uppercase().as_str() {
                "LOCATION" => {
                    once(location.is_some())?;
                    location = Some(destination(value)?);
                }
                "BINDING" => {
                    once(binding.is_some())?;
                    binding = Some(Binding::from(value.to_owned()));
                }
                "PIECE_SWITCH_INTERVAL" => {
                    once(interval.is_some())?;
                    interval = Some(value.to_owned());
                }
                _ => others.push(part.to_owned()),
            }
        }
        let location = location.ok_or(ArchiveDestError::NoLocation)?;
        Ok(Self { location, binding, piece_switch_interval: interval, others })
    }
}

/// Writes the value with secrets redacted, as [`Destination`] does.
impl std::fmt::Display for ArchiveDest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.written(&self.location.to_string()))
    }
}

/// Checks the length of the complete value, which has to be below 2,048 bytes like the URI alone (V4.3.1 source,
/// `ob_backup_config.cpp`).
fn check_whole(actual: usize) -> Result<(), DestinationError> {
    if actual <= URI_LIMIT {
        return Ok(());
    }
    Err(DestinationError::TooLong { what: "the whole value of LOG_ARCHIVE_DEST".into(), limit: URI_LIMIT, actual })
}

/// Splits a part at its first `=`; a URI contains more of them.
fn split(part: &str) -> (&str, &str) {
    part.split_once('=').unwrap_or((part, ""))
}

const DAY: u64 = 86_400;

fn in_range(interval: &str) -> bool {
    seconds(interval).is_some_and(|seconds| (DAY..=7 * DAY).contains(&seconds))
}

fn same_interval(a: &str, b: &str) -> bool {
    a.eq_ignore_ascii_case(b) || matches!((seconds(a), seconds(b)), (Some(a), Some(b)) if a == b)
}

/// Returns an interval (`1d`, `24h`, `1440m`, `86400s`) in seconds.
fn seconds(interval: &str) -> Option<u64> {
    let unit = interval.chars().last()?;
    let number: u64 = interval.get(..interval.len() - unit.len_utf8())?.parse().ok()?;
    number.checked_mul(match unit.to_ascii_lowercase() {
        'd' => DAY,
        'h' => 3600,
        'm' => 60,
        's' => 1,
        _ => return None,
    })
}

fn printable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(40).collect()
}
