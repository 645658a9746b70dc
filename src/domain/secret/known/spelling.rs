//! The spellings of a secret: where it stands in a text that quotes, escapes or encodes it.

use std::ops::Range;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

use super::HIDDEN;

/// What is left of a secret among letters and digits is looked for from this length on.
const SHORTEST_REST: usize = 8;

/// A beginning of a secret is looked for from this length on, in characters: a server quotes a cut piece of a statement.
const SHORTEST_BEGINNING: usize = 8;

/// How many times one way to escape is undone at most; a text that is escaped more often is no honest answer.
const LAYERS: usize = 16;

/// Reads what stands at the beginning of a text: the bytes it means, and how many it takes. None: it stands for itself.
type Decoder = fn(&[u8]) -> Option<(Vec<u8>, usize)>;

/// Every way to escape, with the characters without one of which a text is not escaped that way.
const DECODERS: [(Decoder, &[char]); 6] = [
    (mixed, &['\\', '%', '&']),
    (doubled, &['\'', '"', '`']),
    (escaped, &['\\']),
    (percent, &['%']),
    (form, &['+']),
    (entity, &['&']),
];

/// The text with `***` in the place of the secret, or of a beginning of it, however it is spelled.
pub(super) fn without(text: &str, secret: &str) -> String {
    // In bytes.
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

/// Where these bytes stand, or at least so many of their beginning: up to the end of what agrees.
fn places(text: &[u8], wanted: &[u8], least: usize) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| rest.len() >= least && least > 0) {
        let agree = rest.iter().zip(wanted).take_while(|(a, b)| a == b).count();
        if agree < least {
            at += 1;
            continue;
        }
        // No character is hidden by half.
        let is_within = |end: &usize| wanted.get(*end).is_some_and(|byte| byte & 0xC0 == 0x80);
        let end = at + (0..=agree).rev().find(|end| !is_within(end)).unwrap_or(agree);
        found.push(at..end);
        // What agrees may begin again within it: the longest is looked for from every place.
        at += 1;
    }
    found
}

/// Where the secret stands once one way to escape is undone, as often as it was done.
fn decoded(text: &str, secret: &str, least: usize, decoder: Decoder) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut plain = Zeroizing::new(text.as_bytes().to_vec());
    // Where each byte begins in the text, and where the last one ends.
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

/// The text with every escape undone that begins with a backslash, `%` or `&`, as often as it was done and however they are mixed.
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

/// One escape of several ways: `%` within JSON, a backslash within a URI.
fn mixed(text: &[u8]) -> Option<(Vec<u8>, usize)> {
    escaped(text).or_else(|| percent(text)).or_else(|| entity(text))
}

/// A quote within a string of a statement.
fn doubled(text: &[u8]) -> Option<(Vec<u8>, usize)> {
    match text {
        [a @ (b'\'' | b'"' | b'`'), b, ..] if a == b => Some((vec![*a], 2)),
        _ => None,
    }
}

/// A backslash in a statement, in JSON and in what `Debug` prints.
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

/// `application/x-www-form-urlencoded`.
fn form(text: &[u8]) -> Option<(Vec<u8>, usize)> {
    if text.first() == Some(&b'+') { Some((vec![b' '], 1)) } else { percent(text) }
}

/// `&lt;`, `&#60;` and `&#x3c;` of XML and HTML.
fn entity(text: &[u8]) -> Option<(Vec<u8>, usize)> {
    /// The longest that is known, in bytes: `#x10ffff`.
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

/// Where Base64 holds the secret, alone or within more: `user:secret` of HTTP Basic. What its first and last digits share with
/// other bytes is not looked at.
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
                // A whole one goes with its last digit and what pads it.
                let end = text.as_bytes().get(range.end..).unwrap_or_default();
                let more = end.iter().take_while(|byte| byte.is_ascii_alphanumeric() || b"+/-_".contains(byte)).count();
                let pad = end.get(more..).unwrap_or_default().iter().take_while(|byte| **byte == b'=').count();
                range.start..range.end + if more <= 1 { more + pad } else { 0 }
            }));
        }
    }
    found
}
