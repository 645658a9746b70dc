//! Server text before a person or a file sees it: nothing that drives a terminal, and no secret.

use std::fmt::Write;

use super::redact::redact;
use crate::domain::secret::hide_secrets;

/// What somebody else says: a server, a storage, a child, a file. Escape sequences, control characters and characters that
/// reorder text are taken out, and `***` stands in the place of every secret: the values of the keys that no destination may
/// have either, logins, the strings behind `IDENTIFIED BY`, and the secrets of this process wherever they stand ([`hide`]).
///
/// Line breaks and tabs become spaces, so the result is one line. Cleaning twice changes nothing more.
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

/// What was kept, as it is given to a program: without the values of keys like `access_key=`. What drives a terminal is left to
/// [`escaped`].
#[must_use]
pub fn without_keys(text: &str) -> String {
    redact(text)
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
