//! The spellings of a secret: where a text that quotes, escapes or encodes it contains it.

use std::ops::Range;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

use super::HIDDEN;

/// The least length of what remains of a secret without its special characters, so that this rest is looked for.
const SHORTEST_REST: usize = 8;

/// The least length, in characters, of a beginning of a secret that is looked for: a server quotes a cut part of a statement.
const SHORTEST_BEGINNING: usize = 8;

/// The most times that one kind of escape is undone: no server or program escapes a text more often.
const LAYERS: usize = 16;

/// Decodes one escape at the beginning of a text: returns the bytes it means and its length. None: there is no escape.
type Decoder = fn(&[u8]) -> Option<(Vec<u8>, usize)>;

/// Every kind of escape, with its signs: a text without any of them is not escaped that way.
const DECODERS: [(Decoder, &[char]); 6] = [
    (mixed, &['\\', '%', '&']),
    (doubled, &['\'', '"', '`']),
    (escaped, &['\\']),
    (percent, &['%']),
    (form, &['+']),
    (entity, &['&']),
];

/// Returns the text with `***` in place of the secret, or of a beginning of it, however it is spelled.
pub(super) fn without(text: &str, secret: &str) -> String {
    // The length of the shortest beginning, in bytes.
    let least = secret.char_indices().nth(SHORTEST_BEGINNING).map_or(secret.len(), |(at, _)| at);
    let mut found = places(text.as_bytes(), secret.as_bytes(), least);
    for (decoder, signs) in DECODERS {
        if text.contains(signs) {
            found.extend(decoded(text, secret, least, decoder));
        }
    }
    if text.len() > least {
        let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16);
        let digits = secret.bytes().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).flatten();
        let digits: Zeroizing<String> = Zeroizing::new(digits.collect());
        found.extend(places(text.to_ascii_lowercase().as_bytes(), digits.as_bytes(), 2 * least));
        found.extend(in_base64(text, secret, least));
    }
    let rest: Zeroizing<String> =
        Zeroizing::new(secret.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-')).collect());
    if rest.len() >= SHORTEST_REST && rest.len() < secret.len() {
        found.extend(places(text.as_bytes(), rest.as_bytes(), SHORTEST_REST));
    }
    replaced(text, found)
}

fn replaced(text: &str, mut found: Vec<Range<usize>>) -> String {
    found.sort_by_key(|range| range.start);
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    let mut ranges = found.into_iter().peekable();
    while let Some(mut range) = ranges.next() {
        while let Some(next) = ranges.next_if(|next| next.start <= range.end) {
            range.end = range.end.max(next.end);
        }
        out.push_str(text.get(at..range.start).unwrap_or_default());
        out.push_str(HIDDEN);
        at = range.end;
    }
    out.push_str(text.get(at..).unwrap_or_default());
    out
}

/// Returns the ranges that agree with `wanted`, or with at least `least` bytes of its beginning, up to where they differ.
fn places(text: &[u8], wanted: &[u8], least: usize) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| rest.len() >= least && least > 0) {
        let agree = rest.iter().zip(wanted).take_while(|(a, b)| a == b).count();
        if agree < least {
            at += 1;
            continue;
        }
        // A range ends between characters, so that no character is cut.
        let is_within = |end: &usize| wanted.get(*end).is_some_and(|byte| byte & 0xC0 == 0x80);
        let end = at + (0..=agree).rev().find(|end| !is_within(end)).unwrap_or(agree);
        found.push(at..end);
        // Another match may begin within this one: every position is tried, and the longest wins.
        at += 1;
    }
    found
}

/// Returns where the secret is once one kind of escape is undone, up to [`LAYERS`] times.
fn decoded(text: &str, secret: &str, least: usize, decoder: Decoder) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut plain = Zeroizing::new(text.as_bytes().to_vec());
    // For each byte, where its escape begins in the text; then the end of the text.
    let mut begins: Vec<usize> = (0..=text.len()).collect();
    for _ in 0..LAYERS {
        let mut means_more = false;
        let mut undone = Zeroizing::new(Vec::with_capacity(plain.len()));
        let mut places_of = Vec::with_capacity(begins.len());
        let mut at = 0;
        while let (Some(byte), Some(begin)) = (plain.get(at), begins.get(at)) {
            let escape = plain.get(at..).and_then(decoder).filter(|(_, taken)| *taken > 0);
            means_more |= escape.is_some();
            let (means, taken) = escape.unwrap_or((vec![*byte], 1));
            places_of.extend(means.iter().map(|_| *begin));
            undone.extend(means);
            at += taken;
        }
        if !means_more {
            break;
        }
        places_of.push(text.len());
        let here = places(&undone, secret.as_bytes(), least);
        found.extend(
            here.into_iter().filter_map(|range| Some(*places_of.get(range.start)?..*places_of.get(range.end)?)),
        );
        (plain, begins) = (undone, places_of);
    }
    found
}

/// Returns the text with every escape undone that begins with a backslash, `%` or `&`, up to 16 times and in any mix.
#[must_use]
pub fn unescaped(text: &str) -> String {
    let mut plain = text.as_bytes().to_vec();
    for _ in 0..LAYERS {
        let mut undone = Vec::with_capacity(plain.len());
        let mut at = 0;
        while let Some(byte) = plain.get(at) {
            let (means, taken) = plain.get(at..).and_then(mixed).unwrap_or((vec![*byte], 1));
            undone.extend(means);
            at += taken.max(1);
        }
        if undone == plain {
            break;
        }
        plain = undone;
    }
    String::from_utf8_lossy(&plain).into_owned()
}

/// Decodes an escape with a backslash, `%` or `&`: they are mixed where JSON contains a URI, or a URI contains JSON.
fn mixed(text: &[u8]) -> Option<(Vec<u8>, usize)> {
    escaped(text).or_else(|| percent(text)).or_else(|| entity(text))
}

/// Decodes a doubled quote within a string of a statement.
fn doubled(text: &[u8]) -> Option<(Vec<u8>, usize)> {
    match text {
        [a @ (b'\'' | b'"' | b'`'), b, ..] if a == b => Some((vec![*a], 2)),
        _ => None,
    }
}

/// Decodes a backslash in a statement, in JSON and in the output of `Debug`.
fn escaped(text: &[u8]) -> Option<(Vec<u8>, usize)> {
    match text {
        [b'\\', b'u', digits @ ..] => {
            let (digits, around) = match digits {
                [b'{', rest @ ..] => (rest.split(|byte| *byte == b'}').next()?, 4),
                _ => (digits.get(..4)?, 2),
            };
            character(digits, 16).map(|means| (means, digits.len() + around))
        }
        [b'\\', b'n', ..] => Some((vec![b'\n'], 2)),
        [b'\\', b't', ..] => Some((vec![b'\t'], 2)),
        [b'\\', b'r', ..] => Some((vec![b'\r'], 2)),
        [b'\\', other, ..] => Some((vec![*other], 2)),
        _ => None,
    }
}

fn percent(text: &[u8]) -> Option<(Vec<u8>, usize)> {
    let [b'%', high, low, ..] = text else { return None };
    let digits = [*high, *low];
    let digits = std::str::from_utf8(&digits).ok()?;
    Some((vec![u8::from_str_radix(digits, 16).ok()?], 3))
}

/// Decodes `application/x-www-form-urlencoded`.
fn form(text: &[u8]) -> Option<(Vec<u8>, usize)> {
    if text.first() == Some(&b'+') { Some((vec![b' '], 1)) } else { percent(text) }
}

/// Decodes `&lt;`, `&#60;` and `&#x3c;` of XML and HTML.
fn entity(text: &[u8]) -> Option<(Vec<u8>, usize)> {
    /// The longest name that is known, in bytes: `#x10ffff`.
    const LONGEST: usize = 8;
    let [b'&', rest @ ..] = text else { return None };
    let length = rest.iter().take(LONGEST + 1).position(|byte| *byte == b';')?;
    let name = rest.get(..length)?;
    let means = match name {
        b"amp" => vec![b'&'],
        b"lt" => vec![b'<'],
        b"gt" => vec![b'>'],
        b"quot" => vec![b'"'],
        b"apos" => vec![b'\''],
        [b'#', b'x' | b'X', digits @ ..] => character(digits, 16)?,
        [b'#', digits @ ..] => character(digits, 10)?,
        _ => return None,
    };
    Some((means, length + 2))
}

fn character(digits: &[u8], radix: u32) -> Option<Vec<u8>> {
    let digits = std::str::from_utf8(digits).ok()?;
    let c = char::from_u32(u32::from_str_radix(digits, radix).ok()?)?;
    Some(c.to_string().into_bytes())
}

/// Returns where Base64 holds the secret, alone or within more (`user:secret` of HTTP Basic). The first and last digits that the
/// secret shares with other bytes are not compared.
fn in_base64(text: &str, secret: &str, least: usize) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    for before in 0..3 {
        let mut bytes = Zeroizing::new(vec![0; before]);
        bytes.extend_from_slice(secret.as_bytes());
        let first = (before * 8).div_ceil(6);
        let behind = bytes.len() * 8 / 6;
        for engine in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
            let coded = Zeroizing::new(engine.encode(&bytes[..]));
            let own = coded.get(first..behind).unwrap_or_default();
            let cut = ((before + least) * 8 / 6).saturating_sub(first);
            found.extend(places(text.as_bytes(), own.as_bytes(), cut.min(own.len())).into_iter().map(|range| {
                // After a complete match, the last digit and the padding are hidden, too.
                let end = text.as_bytes().get(range.end..).unwrap_or_default();
                let more = end.iter().take_while(|byte| byte.is_ascii_alphanumeric() || b"+/-_".contains(byte)).count();
                let pad = end.get(more..).unwrap_or_default().iter().take_while(|byte| **byte == b'=').count();
                range.start..range.end + if more <= 1 { more + pad } else { 0 }
            }));
        }
    }
    found
}
