//! Splits a URI as the server does: at the first `?`, then at `&`; keys are case-sensitive, nothing is decoded.

use super::{Credential, Destination, DestinationError, StorageKind, credential, key_of, kind};
use crate::domain::secret::HIDDEN;

/// Parses a user's text. Credentials are refused before anything else, so that no other message can be about one, and unknown
/// attributes before their values are checked: they may be credentials by another name.
pub(super) fn user(text: &str) -> Result<Destination, DestinationError> {
    refuse_credential(text)?;
    let (storage, path, info) = parts(text)?;
    let info = info.unwrap_or_default();
    if storage == StorageKind::File && info.contains('?') {
        return Err(DestinationError::Forbidden { what: "the path".into(), character: "a question mark" });
    }
    if let Some(at) = tokens(info).position(|token| kind::key_spec(key_of(token)).is_none()) {
        return Err(DestinationError::UnknownAttribute(at + 1));
    }
    Ok(Destination { kind: storage, path, tokens: tokens(info).map(sent).collect(), masked: Vec::new() })
}

/// Returns a user's token as it is sent: an endpoint has no trailing slash, which a Test would ignore and a server may not.
pub(super) fn sent(token: &str) -> String {
    match token.strip_prefix("host=") {
        // The slashes of a scheme without a host are kept: it is refused as it was written.
        Some(host) if trim_slashes(host).ends_with(':') => token.to_owned(),
        Some(host) => format!("host={}", trim_slashes(host)),
        None => token.to_owned(),
    }
}

/// Parses the server's text: credentials are dropped, and the names of their keys are kept.
pub(super) fn server(text: &str) -> Result<Destination, DestinationError> {
    let (kind, path, info) = parts(text)?;
    let info = info.unwrap_or_default();
    let path = if credential(&format!("{}://{path}", kind.scheme())).is_some() { HIDDEN.to_owned() } else { path };
    // A password may contain the characters that separate tokens.
    let is_torn = credential(&format!("?{info}")) == Some(Credential::Login);
    let mut masked = Vec::new();
    let mut open = Vec::new();
    for token in tokens(info) {
        match credential(token) {
            Some(Credential::Key(name)) => masked.push(name.to_owned()),
            None if !is_torn || !(key_of(token) == "host" || token.contains('@')) => open.push(token.to_owned()),
            Some(Credential::Login) | None => masked.push("host".to_owned()),
        }
    }
    Ok(Destination { kind, path, tokens: open, masked })
}

/// Parses obnow's own text of a journal or a plan file, in which a secret can only be `***`.
pub(super) fn stored(text: &str) -> Result<Destination, DestinationError> {
    let is_masked = |token: &&str| token.strip_suffix("=***").is_some_and(|key| !key.contains('='));
    let (bare, info) = text.split_once('?').unwrap_or((text, ""));
    let open: Vec<&str> = info.split('&').filter(|token| !is_masked(token)).collect();
    refuse_credential(&format!("{bare}?{}", open.join("&")))?;
    server(text)
}

/// Refuses a text that contains a credential.
///
/// # Errors
/// It contains one; the error repeats nothing of it.
pub(in crate::domain) fn refuse_credential(text: &str) -> Result<(), DestinationError> {
    match credential(text) {
        None => Ok(()),
        Some(Credential::Key("encrypt_key")) => Err(DestinationError::MaskedKey),
        Some(Credential::Key(name)) => Err(DestinationError::SecretInUri(name)),
        Some(Credential::Login) => Err(DestinationError::LoginInUri),
    }
}

fn parts(text: &str) -> Result<(StorageKind, String, Option<&str>), DestinationError> {
    if text.is_empty() {
        return Err(DestinationError::Empty);
    }
    let (scheme, rest) = text.split_once("://").ok_or(DestinationError::UnknownScheme)?;
    let kind = StorageKind::from_scheme(scheme).ok_or(DestinationError::UnknownScheme)?;
    let (path, info) = match rest.split_once('?') {
        Some((path, info)) => (path, Some(info)),
        None => (rest, None),
    };
    Ok((kind, trim_slashes(path).to_owned(), info))
}

fn tokens(info: &str) -> impl Iterator<Item = &str> {
    info.split('&').filter(|token| !token.is_empty())
}

pub(super) fn trim_slashes(path: &str) -> &str {
    path.trim_end_matches('/')
}

pub(super) fn check_path(kind: StorageKind, path: &str) -> Result<(), DestinationError> {
    if path == HIDDEN {
        return Err(DestinationError::Hidden);
    }
    match kind {
        StorageKind::File if !path.starts_with('/') => return Err(DestinationError::NotAbsolute),
        StorageKind::File => {}
        _ if path.is_empty() || path.starts_with('/') => return Err(DestinationError::NoBucket(kind)),
        _ => {}
    }
    if path.split('/').any(|part| part == "." || part == "..") {
        return Err(DestinationError::DotSegment);
    }
    if path.contains('?') {
        return Err(DestinationError::Forbidden { what: "the path".into(), character: "a question mark" });
    }
    check_characters("the path", path)
}

/// Checks a value: no `&`, none of the characters that are forbidden everywhere, at most `limit` bytes.
pub(super) fn check_text(what: &str, text: &str, limit: usize) -> Result<(), DestinationError> {
    if text.contains('&') {
        return Err(DestinationError::Forbidden { what: printable(what), character: "an ampersand" });
    }
    check_characters(what, what)?;
    check_characters(what, text)?;
    check_length(what, text, limit)
}

/// Checks the characters of a text: the value of `LOG_ARCHIVE_DEST` is split at spaces, and a quote or a backslash would end or
/// change the statement's string.
fn check_characters(what: &str, text: &str) -> Result<(), DestinationError> {
    let character = text.chars().find_map(|c| match c {
        '\'' | '"' => Some("a quote"),
        '\\' => Some("a backslash"),
        c if c.is_whitespace() => Some("a space"),
        c if c.is_control() => Some("a control character"),
        '\u{feff}' => Some("a byte order mark"),
        _ => None,
    });
    character.map_or(Ok(()), |character| Err(DestinationError::Forbidden { what: printable(what), character }))
}

pub(super) fn check_length(what: &str, text: &str, limit: usize) -> Result<(), DestinationError> {
    check_bytes(what, text.len(), limit)
}

pub(super) fn check_bytes(what: &str, actual: usize, limit: usize) -> Result<(), DestinationError> {
    if actual <= limit { Ok(()) } else { Err(DestinationError::TooLong { what: printable(what), limit, actual }) }
}

fn printable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(60).collect()
}
