//! Finds secrets by the text before them: the key of a value, a login before `@`, the words of a statement or of a header.

use std::ops::Range;

use crate::domain::credential::secret_name;
use crate::domain::secret::{HIDDEN, unescaped};

/// The bytes before a separator that are searched for the name of a key: more than any name has, however it is escaped.
const NAME_LENGTH: usize = 256;

/// The bytes after `IDENTIFIED WITH` within which its string may begin: a plugin's name lies between.
const PLUGIN_LENGTH: usize = 100;

/// The minimum length of a token of a `Bearer` header, in bytes; a shorter word is an ordinary one.
const SHORTEST_TOKEN: usize = 8;

/// Returns the text with `***` for every secret that the text before it reveals. Idempotent.
pub(super) fn redact(text: &str) -> String {
    let mut found = secrets(text);
    found.extend(escaped(text));
    found.sort_by_key(|range| range.start);
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    let mut ranges = found.into_iter().peekable();
    while let Some(mut range) = ranges.next() {
        while let Some(next) = ranges.next_if(|next| next.start <= range.end) {
            range.end = range.end.max(next.end);
        }
        out.push_str(&text[at..range.start]);
        out.push_str(HIDDEN);
        at = range.end;
    }
    out.push_str(&text[at..]);
    out
}

/// Returns the ranges of the secrets.
fn secrets(text: &str) -> Vec<Range<usize>> {
    // Only ASCII changes, so positions in both texts are the same.
    let lower = text.to_ascii_lowercase();
    let mut found: Vec<Range<usize>> =
        text.match_indices(['=', ':', '\u{ff1d}', '\u{ff1a}']).filter_map(|(at, sign)| value(text, at, sign)).collect();
    found
        .extend(lower.match_indices("identified by").filter_map(|(at, words)| strings(text, &lower, at + words.len())));
    found.extend(
        lower.match_indices("identified with").filter_map(|(at, words)| hashed(text, &lower, at + words.len())),
    );
    found.extend(lower.match_indices("bearer ").filter_map(|(at, word)| token(text, at, at + word.len())));
    found.extend(text.match_indices('@').filter_map(|(at, _)| login(text, at)));
    found.extend(text.match_indices("://").filter_map(|(at, sign)| authority(text, at + sign.len())));
    found
}

/// Returns the words that contain a secret once their escapes are undone: they are hidden completely.
fn escaped(text: &str) -> Vec<Range<usize>> {
    let is_end = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`');
    let mut at = 0;
    let mut found = Vec::new();
    for word in text.split_inclusive(is_end) {
        let bare = word.trim_end_matches(is_end);
        if bare.contains(['%', '\\', '&']) {
            let plain = unescaped(bare);
            if plain != bare && secrets(&plain).len() > secrets(bare).len() {
                found.push(at..at + bare.len());
            }
        }
        at += word.len();
    }
    found
}

/// Returns the value after a separator, where the name before it is that of a secret.
fn value(text: &str, at: usize, sign: &str) -> Option<Range<usize>> {
    let is_quote = |c: char| matches!(c, '"' | '\'' | '`' | '\\');
    let before = text[..at].trim_end();
    let name = before.trim_end_matches(is_quote);
    let is_quoted = name.len() < before.len();
    let mut from = name.len().saturating_sub(NAME_LENGTH);
    while !name.is_char_boundary(from) {
        from += 1;
    }
    let name = unescaped(&name[from..]);
    let known = secret_name(&name)?;
    let behind = &text[at + sign.len()..];
    if matches!(sign, ":" | "\u{ff1a}") {
        if behind.starts_with("//") {
            return None;
        }
        if known == "authorization" {
            return header(text, behind);
        }
        // "using password: YES" is no password; a colon separates only the key of an object, and what is surely a key.
        let is_key = matches!(known, "access_key" | "encrypt_key")
            || (known == "secret" && name.to_ascii_lowercase().ends_with("key"));
        if !is_quoted && !is_key {
            return None;
        }
    }
    value_in(text, behind.trim_start_matches(|c: char| c.is_whitespace() || matches!(c, '=' | '>')))
}

/// Returns the value at the beginning of a text. A text between `<` and `>` is obnow's own placeholder.
fn value_in(text: &str, value: &str) -> Option<Range<usize>> {
    if value.starts_with('<') && value.find('>').is_some_and(|end| !value[..end].contains(char::is_control)) {
        return None;
    }
    let inner = value.trim_start_matches('\\');
    let start = text.len() - inner.len();
    if let Some(quote) = inner.chars().next().filter(|c| matches!(c, '"' | '\'')) {
        let inside = &inner[1..];
        let length = if inner.len() < value.len() {
            // The quotes are escaped themselves: the next one ends it.
            inside.find(quote).map_or(inside.len(), |end| inside[..end].trim_end_matches('\\').len())
        } else {
            quoted_length(inside, quote)
        };
        return (!is_placeholder(&inside[..length])).then(|| start + 1..start + 1 + length);
    }
    let start = text.len() - value.len();
    let end = value.find(|c: char| c.is_whitespace() || matches!(c, '&' | '"' | '\'' | '`')).unwrap_or(value.len());
    let goes_on = matches!(value[end..].chars().next(), Some(c) if !c.is_whitespace());
    let length = if goes_on { end } else { value[..end].trim_end_matches([',', ';']).len() };
    (length > 0).then(|| start..start + length)
}

/// Returns the value of an `Authorization` header: its scheme and everything after it.
fn header(text: &str, behind: &str) -> Option<Range<usize>> {
    let value = behind.trim_start();
    let start = text.len() - value.len();
    let end = value.find(['"', '\'', '`']).unwrap_or(value.len());
    (end > 0).then(|| start..start + end)
}

/// Returns all strings after `IDENTIFIED BY`, separated by commas: SET DECRYPTION takes several.
fn strings(text: &str, lower: &str, at: usize) -> Option<Range<usize>> {
    let rest = lower[at..].trim_start();
    let rest = rest.strip_prefix("password").map_or(rest, str::trim_start);
    let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let start = text.len() - rest.len() + 1;
    let mut end = start + quoted_length(&text[start..], quote);
    let mut placeholders = is_placeholder(&text[start..end]);
    while let Some(more) = text.get(end + 1..).and_then(|after| after.trim_start().strip_prefix(',')) {
        let more = more.trim_start();
        if !more.starts_with(quote) {
            break;
        }
        let next = text.len() - more.len() + 1;
        end = next + quoted_length(&text[next..], quote);
        placeholders &= is_placeholder(&text[next..end]);
    }
    (!placeholders).then_some(start..end)
}

/// Returns whether a string is obnow's own placeholder for a secret that a user is to fill in.
fn is_placeholder(text: &str) -> bool {
    text.strip_prefix('<')
        .and_then(|rest| rest.strip_suffix('>'))
        .is_some_and(|name| !name.contains(['<', '>', '\'', '"']))
}

/// Returns the string after `IDENTIFIED WITH plugin AS` or `BY`.
fn hashed(text: &str, lower: &str, at: usize) -> Option<Range<usize>> {
    let rest = &lower[at..];
    let (begin, quote) = rest.char_indices().find(|(_, c)| matches!(c, '"' | '\'' | ';'))?;
    let words = rest[..begin].trim_end();
    if quote == ';' || begin > PLUGIN_LENGTH || !(words.ends_with(" as") || words.ends_with(" by")) {
        return None;
    }
    let start = at + begin + 1;
    Some(start..start + quoted_length(&text[start..], quote))
}

/// Returns the token of a `Bearer` header.
fn token(text: &str, word: usize, at: usize) -> Option<Range<usize>> {
    let is_within = text[..word].ends_with(char::is_alphanumeric);
    let length =
        text[at..].bytes().take_while(|byte| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(byte)).count();
    (!is_within && length >= SHORTEST_TOKEN).then_some(at..at + length)
}

/// Returns the password of `user:password@`.
fn login(text: &str, at: usize) -> Option<Range<usize>> {
    let is_end = |c: char| c.is_whitespace() || "/?&#=,;\"'`()<>".contains(c);
    let start = text[..at].rfind(is_end).map_or(0, |end| end + text[end..].chars().next().map_or(1, char::len_utf8));
    let colon = text[start..at].find(':')?;
    Some(start + colon + 1..at).filter(|range| !range.is_empty())
}

/// Returns the login of a URI whose authority begins here: before a bucket or a host, also where its password contains a slash or
/// a question mark.
fn authority(text: &str, at: usize) -> Option<Range<usize>> {
    let rest = &text[at..];
    let rest = &rest[..rest.find(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`')).unwrap_or(rest.len())];
    let authority = rest.split(['/', '?', '&', '#']).next().unwrap_or_default();
    if let Some(end) = authority.rfind('@') {
        let start = authority.find(':').filter(|colon| *colon < end).map_or(0, |colon| colon + 1);
        return (start < end).then_some(at + start..at + end);
    }
    // The colons of an IPv6 address are within its brackets.
    let host = authority.rfind(']').map_or(0, |end| end + 1);
    let colon = host + authority[host..].find(':')?;
    let is_port = authority[colon + 1..].bytes().all(|byte| byte.is_ascii_digit());
    rest.rfind('@').filter(|_| !is_port).map(|end| at + colon + 1..at + end)
}

/// Returns the length of a string up to its closing quote: a doubled quote and one after a backslash belong to it. To the end of
/// the text where nothing closes it.
fn quoted_length(text: &str, quote: char) -> usize {
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        if c == '\\' {
            chars.next();
        } else if c == quote && chars.next_if(|(_, next)| *next == quote).is_none() {
            return at;
        }
    }
    text.len()
}
