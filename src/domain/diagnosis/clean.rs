//! Server text before a person or a file sees it: nothing that drives a terminal, and no secret.

use std::fmt::Write;

use crate::domain::secret::hide;

/// The keys whose value is a secret where they stand before `=` or `:`. Compared in lower case, at the end of a word, so
/// `secret_access_key` is one too.
const SECRET_KEYS: [&str; 12] = [
    "access_key",
    "encrypt_key",
    "secret_key",
    "access_key_secret",
    "password",
    "passwd",
    "secret",
    "token",
    "signature",
    "credential",
    "passphrase",
    "pwd",
];
/// The signature of Azure's SAS: such a key where it is the whole word.
const SIGNATURE: &str = "sig=";
/// Before the quoted passwords of SET ENCRYPTION, SET DECRYPTION and CREATE USER.
const IDENTIFIED: &str = "identified by";

/// What somebody else says: a server, a storage, a child, a file. Escape sequences, control characters and characters that
/// reorder text are taken out, and `***` stands in the place of every secret: the values of `access_key=`, `encrypt_key=` and
/// their like, the strings behind `IDENTIFIED BY`, and the secrets of this process wherever they stand ([`hide`]).
///
/// Line breaks and tabs become spaces, so the result is one line. Cleaning twice changes nothing more.
#[must_use]
pub fn foreign(text: &str) -> String {
    hide(&identifier(&hide(text)))
}

/// The same for a name, an id or a state, which is compared and sent back, so that no secret of this process is looked for in
/// it: a password may be the name of a tenant. `tests/architecture.rs` lists who reads such.
#[must_use]
pub fn identifier(text: &str) -> String {
    redact(&plain(text))
}

/// What obnow itself says, which may quote what others said and what was kept: nothing that drives a terminal, and no value of
/// `access_key=` and its like. The secrets of this process are taken out of foreign text where it comes in ([`foreign`]), and not
/// looked for here: a password may be an ordinary word, and `***` in a sentence that everybody knows would tell it.
#[must_use]
pub fn sentence(text: &str) -> String {
    identifier(text)
}

/// The same without looking for secrets, line by line: what a person reads of text that was cleaned where it came from.
#[must_use]
pub fn printable(text: &str) -> String {
    text.split('\n').map(plain).collect::<Vec<_>>().join("\n")
}

/// One object of JSON in which every character that drives a terminal or reorders text is written as its escape: whoever reads
/// the object gets the same text.
#[must_use]
pub fn escaped(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        if c.is_control() || is_reordering(c) {
            // All of them are below U+10000. Writing into a string cannot fail.
            let _ = write!(out, "\\u{:04x}", u32::from(c));
        } else {
            out.push(c);
        }
    }
    out
}

fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\u{1b}' => match chars.next_if(|next| matches!(next, '[' | ']' | 'P' | 'X' | '^' | '_')) {
                // A control sequence ends with a letter or one of @[\]^_`{|}~.
                Some('[') => {
                    while chars.next_if(|next| matches!(next, ' '..='?')).is_some() {}
                    chars.next_if(|next| matches!(next, '@'..='~'));
                }
                // A string (a title, a clipboard) ends with BEL or ESC \; without an end nothing of it is text.
                Some(_) => {
                    while let Some(next) = chars.next() {
                        if next == '\u{7}' || (next == '\u{1b}' && chars.next_if_eq(&'\\').is_some()) {
                            break;
                        }
                    }
                }
                None => {}
            },
            '\n' | '\r' | '\t' => out.push(' '),
            c if c.is_control() || is_reordering(c) => {}
            c => out.push(c),
        }
    }
    out
}

/// Whether nothing is seen of a character, or others are seen elsewhere for it (Unicode's
/// `Default_Ignorable_Code_Point` and what drives a terminal).
#[must_use]
pub fn is_invisible(c: char) -> bool {
    c.is_control()
        || is_reordering(c)
        || matches!(c, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}' | '\u{2029}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// Marks that make text read in another order than it is written.
const fn is_reordering(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn redact(text: &str) -> String {
    // Only ASCII changes, so places in both texts are the same.
    let lower = text.to_ascii_lowercase();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while at < text.len() {
        let value = secret_value(&lower, at).or_else(|| signature(&lower, at));
        if let Some(value) = value.or_else(|| identified_by(text, &lower, at)) {
            out.push_str(&text[at..value.start]);
            out.push_str("***");
            at = value.end;
        } else {
            let next = text[at..].chars().next().map_or(1, char::len_utf8);
            out.push_str(&text[at..at + next]);
            at += next;
        }
    }
    out
}

/// Where the secret is, if a key and its separator begin at `at`.
fn secret_value(lower: &str, at: usize) -> Option<std::ops::Range<usize>> {
    let rest = &lower[at..];
    let after_key = SECRET_KEYS.iter().find_map(|key| {
        let after = rest.strip_prefix(key)?;
        let after = after.trim_start_matches(['"', '\'', '`']).trim_start();
        // "using password: YES" is no password; a colon separates only a key of an object.
        let colon =
            after.strip_prefix(':').filter(|_| key.contains("key") || rest.as_bytes().get(key.len()) == Some(&b'"'));
        after.strip_prefix('=').or(colon)
    })?;
    value_in(lower, after_key.trim_start())
}

/// Where the signature is, if `sig=` begins at `at`.
fn signature(lower: &str, at: usize) -> Option<std::ops::Range<usize>> {
    let is_within = lower[..at].ends_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | '-'));
    lower[at..].strip_prefix(SIGNATURE).filter(|_| !is_within).and_then(|value| value_in(lower, value))
}

/// Where a value ends that begins the rest of a text.
fn value_in(lower: &str, value: &str) -> Option<std::ops::Range<usize>> {
    let start = lower.len() - value.len();
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''));
    if let Some(quote) = quote {
        return Some(start + 1..start + 1 + quoted_length(&value[1..], quote));
    }
    let end = value.find(|c: char| c.is_whitespace() || matches!(c, '&' | '"' | '\'' | '`'));
    Some(start..start + end.unwrap_or(value.len())).filter(|range| !range.is_empty())
}

/// All strings behind `IDENTIFIED BY`, separated by commas: SET DECRYPTION takes several.
fn identified_by(text: &str, lower: &str, at: usize) -> Option<std::ops::Range<usize>> {
    let rest = lower[at..].strip_prefix(IDENTIFIED)?.trim_start();
    let rest = rest.strip_prefix("password").map_or(rest, str::trim_start);
    let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let start = text.len() - rest.len() + 1;
    let mut end = start + quoted_length(&text[start..], quote);
    while let Some(more) = text.get(end + 1..).and_then(|after| after.trim_start().strip_prefix(',')) {
        let more = more.trim_start();
        if !more.starts_with(quote) {
            break;
        }
        let next = text.len() - more.len() + 1;
        end = next + quoted_length(&text[next..], quote);
    }
    Some(start..end)
}

/// How long a string is, up to its closing quote: a doubled quote and one behind a backslash belong to it. To the end of
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
