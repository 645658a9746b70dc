//! The destination of a backup: a URI as the server splits it, without its access key.

use serde::{Deserialize, Serialize};

use super::credential::{Credential, credential};
use super::diagnosis::foreign;
use super::secret::{HIDDEN, Secret};

mod error;
mod kind;
mod limits;
#[cfg(test)]
mod tests;
mod uri;

pub use error::{AccessKeyError, DestinationError};
use kind::KeySpec;
pub use kind::StorageKind;
pub use limits::URI_LIMIT;
pub(super) use uri::refuse_credential;

/// The key of a URI whose value is a secret, which is never kept in one.
const ACCESS_KEY: &str = "access_key";

/// A storage, a path on it and the other attributes of its URI, but never the access key: that is a [`Secret`] which only
/// [`Destination::to_statement_uri`] adds.
///
/// Displayed and serialized as its URI, with `access_key=***` where the server holds a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Destination {
    kind: StorageKind,
    /// The text after `scheme://`, without a trailing slash: `/backup/data`, or `bucket/backup/data`.
    path: String,
    /// The other `key=value` tokens, in their order, as written.
    tokens: Vec<String>,
    /// The keys whose values were dropped because they are secrets.
    masked: Vec<String>,
}

/// Returns what a user wrote as a URI for display: only its scheme where it contains a credential, and without attributes that no
/// server takes, which may be one.
#[must_use]
pub fn printable_uri(uri: &str) -> String {
    if credential(uri).is_none() {
        let Some((bare, info)) = uri.split_once('?') else { return foreign(uri) };
        let token = |token: &str| match kind::key_spec(key_of(token)) {
            Some(known) if known.takes(token.split_once('=').map_or("", |(_, value)| value)) => token.to_owned(),
            Some(known) => format!("{}={HIDDEN}", known.key),
            None => HIDDEN.to_owned(),
        };
        return foreign(&format!("{bare}?{}", info.split('&').map(token).collect::<Vec<_>>().join("&")));
    }
    let kind = uri.trim_start().split_once("://").and_then(|(scheme, _)| StorageKind::from_scheme(scheme));
    kind.map_or(HIDDEN.to_owned(), |kind| format!("{kind}://{HIDDEN}"))
}

impl Destination {
    /// Parses a URI of a user or a plan file.
    ///
    /// The access id may be in the text or be added with [`Destination::with_attribute`]; [`Destination::missing_keys`] returns
    /// what is still missing then.
    ///
    /// # Errors
    /// The text is no URI, is too long, contains a character that ends a token of the server, a key that does not go with the
    /// storage or a value that the server refuses, or a secret: an access key is given by `--access-key-from`, and the
    /// `encrypt_key` of a view is only the server's own (V4: it answers 9026). No message repeats a value.
    pub fn parse_user(text: &str) -> Result<Self, DestinationError> {
        let destination = uri::user(text.trim())?;
        destination.check()?;
        Ok(destination)
    }

    /// Parses what a view or a parameter shows. Credentials are dropped and noted in [`Destination::masked`], a path that
    /// contains one is hidden completely; unknown keys are kept, and nothing else is checked: the server has accepted it.
    ///
    /// # Errors
    /// The text is empty or has an unknown scheme.
    pub fn parse_server(text: &str) -> Result<Self, DestinationError> {
        uri::server(text.trim())
    }

    /// Returns the kind of storage.
    #[must_use]
    pub fn kind(&self) -> StorageKind {
        self.kind
    }

    /// Returns the text after `scheme://`: `/backup/data`, or `bucket/backup/data`.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Returns the URI up to its `?`, without attributes.
    #[must_use]
    pub fn uri_without_attributes(&self) -> String {
        format!("{}://{}", self.kind.scheme(), self.path)
    }

    /// Returns the path followed by the host, as the PATH columns of the views have it (V4.3.1 source, `get_backup_path_str`).
    #[must_use]
    pub fn path_text(&self) -> String {
        match self.attribute("host") {
            Some(host) => format!("{}?host={host}", self.uri_without_attributes()),
            None => self.uri_without_attributes(),
        }
    }

    /// Returns the value of a key, found as the server finds it: the first token that begins with `key=`, case-sensitive.
    #[must_use]
    pub fn attribute(&self, key: &str) -> Option<&str> {
        self.tokens.iter().find_map(|token| token.strip_prefix(key)?.strip_prefix('='))
    }

    /// Returns the names of the secret keys that the server's text had: `access_key`, `encrypt_key`.
    #[must_use]
    pub fn masked(&self) -> &[String] {
        &self.masked
    }

    /// Returns the keys that the storage needs and the URI lacks. The access key is not among them: it is never in a URI.
    #[must_use]
    pub fn missing_keys(&self) -> Vec<&'static str> {
        let by_role = self.attribute("role_arn").is_some();
        let needed = self.kind.needed().iter().copied();
        needed.filter(|key| self.attribute(key).is_none() && !(by_role && *key == "access_id")).collect()
    }

    /// Returns whether an access key has to come with it: object storage without a role to assume.
    #[must_use]
    pub fn needs_access_key(&self) -> bool {
        self.kind != StorageKind::File && self.attribute("role_arn").is_none()
    }

    /// Returns the destination with a key set to a value, at its present position, else at the end.
    ///
    /// # Errors
    /// As [`Destination::parse_user`].
    pub fn with_attribute(mut self, key: &str, value: &str) -> Result<Self, DestinationError> {
        let token = uri::sent(&format!("{key}={value}"));
        uri::refuse_credential(&token)?;
        match self.tokens.iter_mut().find(|old| key_of(old) == key) {
            Some(old) => *old = token,
            None => self.tokens.push(token),
        }
        self.check()?;
        Ok(self)
    }

    /// Returns the same storage and keys with another path after `scheme://`.
    ///
    /// # Errors
    /// As [`Destination::parse_user`].
    pub fn with_path(mut self, path: &str) -> Result<Self, DestinationError> {
        uri::trim_slashes(path).clone_into(&mut self.path);
        self.check()?;
        Ok(self)
    }

    /// Returns the complete URI for a statement, with the access key after its id.
    ///
    /// # Errors
    /// A key that the storage needs is missing, the access key too (a masked one is never sent back); an access key is given for
    /// a directory; or as [`Destination::parse_user`].
    pub fn to_statement_uri(&self, access_key: Option<&Secret>) -> Result<Secret, DestinationError> {
        self.check()?;
        if let Some(key) = self.missing_keys().first() {
            return Err(DestinationError::Missing { kind: self.kind, key });
        }
        match access_key {
            None if self.needs_access_key() => Err(DestinationError::Missing { kind: self.kind, key: ACCESS_KEY }),
            Some(_) if self.kind == StorageKind::File => {
                Err(DestinationError::NotForKind { kind: self.kind, key: "access_key".into() })
            }
            None => Ok(Secret::from_shared(self.written(None))),
            Some(key) => {
                Self::check_access_key(key)?;
                uri::check_bytes("the whole destination", self.bytes(Some(key)), URI_LIMIT)?;
                Ok(Secret::from_shared(self.written(Some(key.expose()))))
            }
        }
    }

    /// Returns the statement's URI for display: `access_key=***` where a key will be sent.
    #[must_use]
    pub fn redacted_statement_uri(&self) -> String {
        self.written(self.needs_access_key().then_some("***"))
    }

    /// Returns the URI as a user may write it again: without any key, not even a masked one.
    #[must_use]
    pub fn without_keys(&self) -> String {
        self.written(None)
    }

    /// Returns the attributes whose keys are not among these, as written: `a=b&c=d`.
    #[must_use]
    pub fn other_attributes(&self, known: &[&str]) -> String {
        let others = self.tokens.iter().filter(|token| !known.contains(&key_of(token)));
        others.map(String::as_str).collect::<Vec<_>>().join("&")
    }

    /// Returns whether the server takes both for the same path: it compares the text before `?` and the host byte by byte,
    /// without a trailing slash (V4.3.1 source, `get_prev_backup_set_id` and `get_backup_path_str`). Case, inner slashes and the
    /// host's scheme make another path. Where only one shows a host, the host is not compared.
    #[must_use]
    pub fn is_same_path(&self, other: &Self) -> bool {
        let same_host = match (self.attribute("host"), other.attribute("host")) {
            (Some(a), Some(b)) => a == b,
            _ => true,
        };
        self.kind == other.kind && self.path == other.path && same_host
    }

    /// Returns whether both may lead to the same directory, however they are written: two users of one directory are refused.
    /// Keys, credentials and what the server appends do not matter.
    #[must_use]
    pub fn may_be_same_directory(&self, other: &Self) -> bool {
        self.same_store(other) && self.parts().eq(other.parts())
    }

    /// Returns whether this directory lies below the other one.
    #[must_use]
    pub fn is_inside(&self, other: &Self) -> bool {
        let mut below = self.parts();
        self.same_store(other)
            && !self.may_be_same_directory(other)
            && other.parts().all(|part| below.next() == Some(part))
    }

    /// Returns whether the server, which shows `self`, already has what is wanted, so that nothing needs to be set: the same
    /// path, and no requested attribute that differs. What `wanted` leaves out is not compared.
    #[must_use]
    pub fn already_is(&self, wanted: &Self) -> bool {
        let differs = |token: &String| {
            let Some(known) = kind::key_spec(key_of(token)) else { return false };
            known.key != "host" && self.attribute(known.key).or(known.default) != wanted.attribute(known.key)
        };
        self.is_same_path(wanted) && !wanted.tokens.iter().any(differs)
    }

    fn same_store(&self, other: &Self) -> bool {
        let hosts = (self.attribute("host"), other.attribute("host"));
        let same_host = match hosts {
            (Some(a), Some(b)) => endpoint(a).eq_ignore_ascii_case(endpoint(b)),
            _ => true,
        };
        self.kind == other.kind && same_host
    }

    fn parts(&self) -> impl Iterator<Item = &str> {
        self.path.split('/').filter(|part| !part.is_empty() && *part != ".")
    }

    fn check_known(&self, known: &KeySpec, value: &str) -> Result<(), DestinationError> {
        let key = known.key;
        if !known.kinds.contains(&self.kind) {
            return Err(DestinationError::NotForKind { kind: self.kind, key: key.into() });
        }
        if value.is_empty() {
            return Err(DestinationError::EmptyValue(key.into()));
        }
        uri::check_text(key, value, known.limit)?;
        if !known.takes(value) {
            return Err(DestinationError::BadValue { key, allowed: known.values.join(" or ") });
        }
        Ok(())
    }

    /// Returns the URI with this text as its access key, after the access id.
    fn written(&self, access_key: Option<&str>) -> String {
        let mut tokens: Vec<String> = self.tokens.clone();
        if let Some(key) = access_key {
            let behind = tokens.iter().position(|token| key_of(token) == "access_id").map_or(tokens.len(), |at| at + 1);
            tokens.insert(behind, format!("access_key={key}"));
        }
        if tokens.is_empty() {
            self.uri_without_attributes()
        } else {
            format!("{}?{}", self.uri_without_attributes(), tokens.join("&"))
        }
    }
}

/// Returns the key of a token; a token without `=` is a key only.
fn key_of(token: &str) -> &str {
    token.split_once('=').map_or(token, |(key, _)| key)
}

/// Returns an endpoint without the parts that do not change where it leads.
fn endpoint(host: &str) -> &str {
    let host = host.strip_prefix("https://").or_else(|| host.strip_prefix("http://")).unwrap_or(host);
    host.trim_end_matches('/')
}

/// Writes the URI redacted: a key that the server holds is `access_key=***`.
impl std::fmt::Display for Destination {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.written((!self.masked.is_empty()).then_some("***")))
    }
}

impl TryFrom<String> for Destination {
    type Error = DestinationError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        uri::stored(&text)
    }
}

impl From<Destination> for String {
    fn from(destination: Destination) -> Self {
        destination.to_string()
    }
}
