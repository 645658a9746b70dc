//! The server's lexer: split at the first `?`, then at `&`; keys are case-sensitive, nothing is decoded.

use super::{Destination, DestinationError, StorageKind, key_of};

/// The words that make a key a secret, wherever it comes from.
const SECRET_WORDS: [&str; 5] = ["access_key", "secret", "passw", "token", "encrypt_key"];

/// A person's text: secrets are refused before anything else, so that no other message can be about one.
pub(super) fn user(text: &str) -> Result<Destination, DestinationError> {
    for token in text.split(['?', '&']) {
        refuse_secret(token)?;
    }
    let (kind, path, info) = parts(text)?;
    let info = info.unwrap_or_default();
    // `user:key@bucket` is how other programs write a login: it may be a secret, so it is not repeated.
    if kind != StorageKind::File && path.split('/').next().is_some_and(|bucket| bucket.contains('@')) {
        return Err(DestinationError::LoginInUri);
    }
    if kind == StorageKind::File && info.contains('?') {
        return Err(DestinationError::Forbidden { what: "the path".into(), character: "a question mark" });
    }
    Ok(Destination { kind, path, tokens: tokens(info).map(sent).collect(), masked: Vec::new() })
}

/// A token of a person as it is sent: an endpoint has no slash at its end, which a Test would pass over and a server may not.
pub(super) fn sent(token: &str) -> String {
    match token.strip_prefix("host=") {
        // The slashes of a scheme without a host are kept: it is refused as it was written.
        Some(host) if trim_slashes(host).ends_with(':') => token.to_owned(),
        Some(host) => format!("host={}", trim_slashes(host)),
        None => token.to_owned(),
    }
}

/// The server's text: secrets are dropped, and their keys remembered.
pub(super) fn server(text: &str) -> Result<Destination, DestinationError> {
    let (kind, path, info) = parts(text)?;
    let (secret, open): (Vec<_>, Vec<_>) = tokens(info.unwrap_or_default()).partition(|token| is_secret(token));
    let masked = secret.into_iter().map(|token| key_of(token).to_owned()).collect();
    Ok(Destination { kind, path, tokens: open.into_iter().map(str::to_owned).collect(), masked })
}

/// Our own text out of a journal or a plan file, where a secret can only be `***`.
pub(super) fn stored(text: &str) -> Result<Destination, DestinationError> {
    let written = |token: &&str| is_secret(token) && !token.ends_with("=***");
    if let Some(token) = text.split(['?', '&']).find(written) {
        refuse_secret(token)?;
    }
    server(text)
}

pub(super) fn refuse_secret(token: &str) -> Result<(), DestinationError> {
    if !token.contains('=') || !is_secret(token) {
        return Ok(());
    }
    let key = key_of(token).trim();
    let masked = key.to_ascii_lowercase().contains("encrypt_key");
    Err(if masked { DestinationError::MaskedKey } else { DestinationError::SecretInUri(printable(key)) })
}

fn is_secret(token: &str) -> bool {
    let key = key_of(token).to_ascii_lowercase();
    SECRET_WORDS.iter().any(|word| key.contains(word))
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

/// A value: no `&`, and none of what is forbidden everywhere; at most so many bytes.
pub(super) fn check_text(what: &str, text: &str, limit: usize) -> Result<(), DestinationError> {
    if text.contains('&') {
        return Err(DestinationError::Forbidden { what: printable(what), character: "an ampersand" });
    }
    check_characters(what, what)?;
    check_characters(what, text)?;
    check_length(what, text, limit)
}

/// The value of `LOG_ARCHIVE_DEST` is split at spaces, and a quote or a backslash would end or change the statement's string.
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
