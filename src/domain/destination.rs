//! Where a backup goes: a URI as the server lexes it, without its secret key.

use serde::{Deserialize, Serialize};

use super::credential::{Credential, credential};
use super::diagnosis::foreign;
use super::secret::{HIDDEN, Secret};

mod error;
mod kind;
mod lex;
mod limits;
#[cfg(test)]
mod tests;

pub use error::{DestinationError, OfKey};
use kind::Known;
pub use kind::StorageKind;
pub(super) use lex::refuse_credential;
pub use limits::URI_LIMIT;

/// The key of a URI that is a secret, and never kept in one.
const ACCESS_KEY: &str = "access_key";

/// A storage, a path on it and what else its URI says, but never the access key: that is a [`Secret`] which only
/// [`Destination::to_statement_uri`] puts back.
///
/// Printed and serialised as its URI, with `access_key=***` where the server holds a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Destination {
    kind: StorageKind,
    /// Behind `scheme://`, without a trailing slash: `/backup/data`, or `bucket/backup/data`.
    path: String,
    /// The other `key=value` tokens, in their order, as written.
    tokens: Vec<String>,
    /// The keys whose values were dropped because they are secret.
    masked: Vec<String>,
}

/// What a person wrote as a URI, as it may be repeated to him: nothing of it but its scheme where it holds a credential, and no
/// attribute that no server takes, which may be one.
#[must_use]
pub fn shown(uri: &str) -> String {
    if credential(uri).is_none() {
        let Some((bare, info)) = uri.split_once('?') else { return foreign(uri) };
        let token = |token: &str| match kind::known(key_of(token)) {
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
    /// Reads what a person typed or a plan file says.
    ///
    /// The id of the key may be in the text or be added with [`Destination::with_attribute`]; what is still missing then is
    /// told by [`Destination::missing_keys`].
    ///
    /// # Errors
    /// When the text is no URI, is too long, holds a character the server's lexer breaks on, a key that does not go with
    /// the storage or a value the server refuses, or a secret: an access key is given by `--access-key-from`, and the
    /// `encrypt_key` of a view is only the server's own (V4: it answers 9026). No message repeats a value.
    pub fn parse_user(text: &str) -> Result<Self, DestinationError> {
        let destination = lex::user(text.trim())?;
        destination.check()?;
        Ok(destination)
    }

    /// Reads what a view or a parameter shows. Credentials are dropped and noted in [`Destination::masked`], a path that holds
    /// one is hidden whole; unknown keys are kept, and nothing else is checked: the server
    /// has accepted it.
    ///
    /// # Errors
    /// When the text is empty or its scheme is none obnow knows.
    pub fn parse_server(text: &str) -> Result<Self, DestinationError> {
        lex::server(text.trim())
    }

    /// The kind of storage.
    #[must_use]
    pub fn kind(&self) -> StorageKind {
        self.kind
    }

    /// The path behind `scheme://`: `/backup/data`, or `bucket/backup/data`.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The part before `?`.
    #[must_use]
    pub fn bare(&self) -> String {
        format!("{}://{}", self.kind.scheme(), self.path)
    }

    /// The path with the host behind it, as the views' PATH columns have it (V4.3.1 source, `get_backup_path_str`).
    #[must_use]
    pub fn path_text(&self) -> String {
        match self.attribute("host") {
            Some(host) => format!("{}?host={host}", self.bare()),
            None => self.bare(),
        }
    }

    /// The value of a key, found as the server finds it: the first token that begins with `key=`, in this case.
    #[must_use]
    pub fn attribute(&self, key: &str) -> Option<&str> {
        self.tokens.iter().find_map(|token| token.strip_prefix(key)?.strip_prefix('='))
    }

    /// The secret keys the server's text had, by name: `access_key`, `encrypt_key`.
    #[must_use]
    pub fn masked(&self) -> &[String] {
        &self.masked
    }

    /// The keys the storage needs and the URI lacks. The access key is not among them: it is never in a URI.
    #[must_use]
    pub fn missing_keys(&self) -> Vec<&'static str> {
        let by_role = self.attribute("role_arn").is_some();
        let needed = self.kind.needed().iter().copied();
        needed.filter(|key| self.attribute(key).is_none() && !(by_role && *key == "access_id")).collect()
    }

    /// Whether an access key must come with it: object storage without a role to assume.
    #[must_use]
    pub fn needs_access_key(&self) -> bool {
        self.kind != StorageKind::File && self.attribute("role_arn").is_none()
    }

    /// The same destination with a key set to a value, in the place it had, else at the end.
    ///
    /// # Errors
    /// As [`Destination::parse_user`].
    pub fn with_attribute(mut self, key: &str, value: &str) -> Result<Self, DestinationError> {
        let token = lex::sent(&format!("{key}={value}"));
        lex::refuse_credential(&token)?;
        match self.tokens.iter_mut().find(|old| key_of(old) == key) {
            Some(old) => *old = token,
            None => self.tokens.push(token),
        }
        self.check()?;
        Ok(self)
    }

    /// The same storage and keys with another path behind `scheme://`.
    ///
    /// # Errors
    /// As [`Destination::parse_user`].
    pub fn with_path(mut self, path: &str) -> Result<Self, DestinationError> {
        lex::trim_slashes(path).clone_into(&mut self.path);
        self.check()?;
        Ok(self)
    }

    /// The full URI for a statement, with the key behind its id.
    ///
    /// # Errors
    /// When a key the storage needs is missing, the access key too (a masked one is never sent back); when an access key
    /// is given for a folder; and as [`Destination::parse_user`].
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
            None => Ok(Secret::around(self.written(None))),
            Some(key) => {
                Self::check_access_key(key)?;
                lex::check_bytes("the whole destination", self.bytes(Some(key)), URI_LIMIT)?;
                Ok(Secret::around(self.written(Some(key.expose()))))
            }
        }
    }

    /// The statement's URI as it may be shown: `access_key=***` where a key will be sent.
    #[must_use]
    pub fn redacted_statement_uri(&self) -> String {
        self.written(self.needs_access_key().then_some("***"))
    }

    /// The URI as a person may write it again: without any key, not even a masked one.
    #[must_use]
    pub fn without_keys(&self) -> String {
        self.written(None)
    }

    /// What the URI says beside the keys of these names, as written: `a=b&c=d`.
    #[must_use]
    pub fn other_attributes(&self, known: &[&str]) -> String {
        let others = self.tokens.iter().filter(|token| !known.contains(&key_of(token)));
        others.map(String::as_str).collect::<Vec<_>>().join("&")
    }

    /// Whether the server takes both for the same path: it compares the text before `?` and the host letter by letter, without
    /// a slash at the end (V4.3.1 source, `get_prev_backup_set_id` and `get_backup_path_str`). Case, slashes within and the
    /// host's scheme make another path. Where only one shows a host, the host is not compared.
    #[must_use]
    pub fn is_same_path(&self, other: &Self) -> bool {
        let same_host = match (self.attribute("host"), other.attribute("host")) {
            (Some(a), Some(b)) => a == b,
            _ => true,
        };
        self.kind == other.kind && self.path == other.path && same_host
    }

    /// Whether both may lead to the same directory, however they are written: for refusing two users of one directory. Keys,
    /// credentials and what the server appends do not matter.
    #[must_use]
    pub fn may_be_same_directory(&self, other: &Self) -> bool {
        self.same_store(other) && self.parts().eq(other.parts())
    }

    /// Whether this directory lies below the other one.
    #[must_use]
    pub fn is_inside(&self, other: &Self) -> bool {
        let mut below = self.parts();
        self.same_store(other)
            && !self.may_be_same_directory(other)
            && other.parts().all(|part| below.next() == Some(part))
    }

    /// Whether the server, which shows `self`, already has what is wanted, so that nothing needs to be set: the same path,
    /// and no attribute asked for that differs. What is left out of `wanted` is not asked for.
    #[must_use]
    pub fn already_is(&self, wanted: &Self) -> bool {
        let differs = |token: &String| {
            let Some(known) = kind::known(key_of(token)) else { return false };
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

    fn check_known(&self, known: &Known, value: &str) -> Result<(), DestinationError> {
        let key = known.key;
        if !known.kinds.contains(&self.kind) {
            return Err(DestinationError::NotForKind { kind: self.kind, key: key.into() });
        }
        if value.is_empty() {
            return Err(DestinationError::EmptyValue(key.into()));
        }
        lex::check_text(key, value, known.limit)?;
        if !known.takes(value) {
            return Err(DestinationError::BadValue { key, allowed: known.values.join(" or ") });
        }
        Ok(())
    }

    /// The URI with this text as its access key, behind the id it belongs to.
    fn written(&self, access_key: Option<&str>) -> String {
        let mut tokens: Vec<String> = self.tokens.clone();
        if let Some(key) = access_key {
            let behind = tokens.iter().position(|token| key_of(token) == "access_id").map_or(tokens.len(), |at| at + 1);
            tokens.insert(behind, format!("access_key={key}"));
        }
        if tokens.is_empty() { self.bare() } else { format!("{}?{}", self.bare(), tokens.join("&")) }
    }
}

/// The key of a token; a token without `=` is all key.
fn key_of(token: &str) -> &str {
    token.split_once('=').map_or(token, |(key, _)| key)
}

/// An endpoint without what does not change where it leads.
fn endpoint(host: &str) -> &str {
    let host = host.strip_prefix("https://").or_else(|| host.strip_prefix("http://")).unwrap_or(host);
    host.trim_end_matches('/')
}

/// Redacted: what the server holds as a key is `access_key=***`.
impl std::fmt::Display for Destination {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.written((!self.masked.is_empty()).then_some("***")))
    }
}

impl TryFrom<String> for Destination {
    type Error = DestinationError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        lex::stored(&text)
    }
}

impl From<Destination> for String {
    fn from(destination: Destination) -> Self {
        destination.to_string()
    }
}
