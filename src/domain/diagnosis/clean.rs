//! Cleans foreign text before it reaches a user or a file: no control of the terminal, and no secret.

use std::fmt::Write;

use super::redact::redact;
use crate::domain::secret::hide_secrets;

/// Cleans the text of a server, a storage, a child process or a file. Escape sequences, control characters and characters that
/// reorder text are removed, and every secret is replaced by `***`: the values of the keys that a destination may not have,
/// logins, the strings after `IDENTIFIED BY`, and the secrets of this process ([`hide_secrets`]).
///
/// Line breaks and tabs become spaces, so the result is one line. Cleaning is idempotent.
#[must_use]
pub fn foreign(text: &str) -> String {
    hide_secrets(&identifier(&hide_secrets(text)))
}

/// The same for a name, an id or a state, which is compared and sent back, so that no secret of this process is looked for in
/// it: a password may be the name of a tenant. `tests/architecture.rs` lists who reads such.
#[must_use]
pub fn identifier(text: &str) -> String {
    redact(&plain(text))
}

/// Cleans a sentence of obnow, which may quote foreign or recorded text: no control of the terminal, and no value of
/// `access_key=` and similar keys. The secrets of this process are removed where foreign text arrives ([`foreign`]), and not
/// here: a password may be an ordinary word, and `***` in a well-known sentence would reveal it.
#[must_use]
pub fn sentence(text: &str) -> String {
    identifier(text)
}

/// Removes the controls of a terminal line by line, without a search for secrets: for text that was cleaned where it arrived.
#[must_use]
pub fn printable(text: &str) -> String {
    text.split('\n').map(plain).collect::<Vec<_>>().join("\n")
}

/// Removes the values of keys like `access_key=` from recorded text for a program. Controls of a terminal are left to
/// [`escaped`].
#[must_use]
pub fn without_keys(text: &str) -> String {
    redact(text)
}

/// Writes every character of a JSON object that controls a terminal or reorders text as its escape: a parser gets the same text.
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

/// Returns whether a character is invisible, or makes others appear elsewhere (Unicode's `Default_Ignorable_Code_Point` and
/// controls of a terminal).
#[must_use]
pub fn is_invisible(c: char) -> bool {
    c.is_control()
        || is_reordering(c)
        || matches!(c, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}' | '\u{2029}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// Returns whether a character changes the order in which text is displayed.
const fn is_reordering(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
