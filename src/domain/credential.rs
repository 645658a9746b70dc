//! Credentials in a URI: a key whose value is a secret, or a login before `@`, however both are spelled.

/// The kind of credential that a text contains. It holds no byte of the text, so it may be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Credential {
    /// A key whose value is a secret, by its usual name.
    Key(&'static str),
    /// `user:password@`, or `key@`.
    Login,
}

/// The names of keys whose values are secrets, reduced to letters and digits, with the form that is shown. A key that contains
/// one of them is one, too: `x-amz-security-token`, `secretAccessKey`.
const SECRET_NAMES: [(&str, &str); 15] = [
    ("encryptkey", "encrypt_key"),
    ("accesskey", "access_key"),
    ("secret", "secret"),
    ("passw", "password"),
    ("passphrase", "passphrase"),
    ("passcode", "passcode"),
    ("pwd", "pwd"),
    ("token", "token"),
    ("signature", "signature"),
    ("credential", "credential"),
    ("authorization", "authorization"),
    ("bearer", "bearer"),
    ("\u{5bc6}\u{7801}", "password"),
    ("\u{53e3}\u{4ee4}", "password"),
    ("\u{5bc6}\u{94a5}", "key"),
];

/// The names that also occur in ordinary words: they count only as the complete name. `sig` is the signature of Azure's SAS.
const WHOLE_NAMES: [&str; 12] =
    ["sig", "sas", "pass", "pw", "auth", "jwt", "ak", "sk", "pin", "cred", "creds", "session"];

/// The end of all other names of keys, also of several and of numbered ones: `api_key`, `AccountKey`, `keys`, `key2`.
const KEY: &str = "key";

/// The keys whose values are ids, which may contain an `@`.
const IDS: [&str; 3] = ["accessid", "rolearn", "externalid"];

/// The keys whose values are endpoints, which contain no `@`.
const ENDPOINTS: [&str; 2] = ["host", "endpoint"];

/// Returns the first credential of a URI or of a part of one, in any case and percent-encoded any number of times; `None`: it
/// contains none.
#[must_use]
pub fn credential(text: &str) -> Option<Credential> {
    let text = decoded(text);
    if has_login(&text) {
        return Some(Credential::Login);
    }
    secret_key(&text).map(Credential::Key)
}

/// Returns the usual name of the secret whose name ends a text; `None`: it is none. The name may be written in any case and in
/// full-width letters.
#[must_use]
pub fn secret_name(text: &str) -> Option<&'static str> {
    named(&name_before(text, text.len()))
}

/// Returns the text with every percent-encoding decoded, also those that decoding produces.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    for byte in text.bytes() {
        bytes.push(byte);
        while let [.., b'%', high, low] = bytes[..] {
            let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
            let (Some(high), Some(low)) = (digit(high), digit(low)) else { break };
            bytes.truncate(bytes.len() - 3);
            bytes.push(high << 4 | low);
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Returns the name of the first key whose value is a secret.
fn secret_key(text: &str) -> Option<&'static str> {
    text.match_indices('=').find_map(|(at, _)| {
        let name = name_before(text, at);
        // No attribute of a destination has such a letter, and some look like the letters of a key.
        named(&name).or_else(|| (!name.is_ascii()).then_some(KEY))
    })
}

/// Returns the text before a `=`, in lower case and reduced to letters and digits.
fn name_before(text: &str, at: usize) -> String {
    let before = text[..at].trim_end_matches(|c: char| c.is_whitespace() || c.is_control());
    let name = before.rsplit(|c: char| !c.is_alphanumeric() && !"_-.~+*$%".contains(c)).next().unwrap_or_default();
    name.chars().map(trim_separators).filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Returns the ordinary form of a full-width letter.
fn trim_separators(c: char) -> char {
    match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
        c => c,
    }
}

fn named(name: &str) -> Option<&'static str> {
    // The id of a key is no secret: `access_key_id`, `SecretId`.
    if name.ends_with("id") {
        return None;
    }
    let within = SECRET_NAMES.iter().find(|(part, _)| name.contains(part)).map(|(_, told)| *told);
    within.or_else(|| WHOLE_NAMES.into_iter().find(|whole| *whole == name)).or_else(|| {
        let bare = name.trim_end_matches(|c: char| c.is_ascii_digit());
        bare.strip_suffix('s').unwrap_or(bare).ends_with(KEY).then_some(KEY)
    })
}

fn has_login(text: &str) -> bool {
    // In one piece: no path and no value has it.
    let pieces = text.split(|c: char| c.is_whitespace() || "/?&#=,;\"'`()<>".contains(c));
    let whole = |piece: &str| piece.rsplit_once('@').is_some_and(|(login, _)| login.contains(':'));
    if pieces.into_iter().any(whole) {
        return true;
    }
    // Before a bucket or a host, also where the password has a slash or a question mark in it.
    let authorities = text.match_indices("://").map(|(at, found)| &text[at + found.len()..]);
    let before_a_host = |rest: &str| {
        let authority = rest.split(['/', '?', '&', '#', '"', '\'', ' ']).next().unwrap_or_default();
        // The colons of an IPv6 address are within its brackets.
        let behind = authority.rsplit_once(']').map_or(authority, |(_, behind)| behind);
        let port = behind.split_once(':').map(|(_, port)| port);
        authority.contains('@')
            || (port.is_some_and(|port| !port.bytes().all(|b| b.is_ascii_digit())) && rest.contains('@'))
    };
    if authorities.into_iter().any(before_a_host) {
        return true;
    }
    let (first, info) = text.split_once('?').unwrap_or((text, ""));
    let is = |token: &str, names: &[&str]| {
        token.find('=').is_some_and(|at| names.contains(&name_before(token, at).as_str()))
    };
    info.split(['?', '&']).any(|token| token.contains('@') && !is(token, &IDS))
        || first.split('&').any(|token| token.contains('@') && is(token, &ENDPOINTS))
}
