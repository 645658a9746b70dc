//! Credentials in a URI: a key whose value is a secret, or a login before `@`, however both are spelled.

/// The kind of credential that a text holds. No byte of the text is in it, so it may be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Credential {
    /// A key whose value is a secret, by the name it is known by.
    Key(&'static str),
    /// `user:password@`, or `key@`.
    Login,
}

/// The names of keys whose values are secrets, without what is neither letter nor digit, and how they are told. A key that
/// has one of them in its name is one, too: `x-amz-security-token`, `secretAccessKey`.
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

/// The same for names that stand in ordinary words: they count alone. `sig` is the signature of Azure's SAS.
const WHOLE_NAMES: [&str; 12] =
    ["sig", "sas", "pass", "pw", "auth", "jwt", "ak", "sk", "pin", "cred", "creds", "session"];

/// The end of every other name of a key, also of several and of a numbered one: `api_key`, `AccountKey`, `keys`, `key2`.
const KEY: &str = "key";

/// The keys whose values are ids, in which an `@` may stand.
const IDS: [&str; 3] = ["accessid", "rolearn", "externalid"];

/// The keys whose values are endpoints, in which no `@` stands.
const ENDPOINTS: [&str; 2] = ["host", "endpoint"];

/// The first credential of a URI or of a part of one, in any case and percent-encoded any number of times; None: it holds none.
#[must_use]
pub fn credential(text: &str) -> Option<Credential> {
    let text = decoded(text);
    if has_login(&text) {
        return Some(Credential::Login);
    }
    secret_key(&text).map(Credential::Key)
}

/// The secret whose name ends a text, by the name it is known by; `Lost`: it is none. The name may be written in any case and in
/// letters of full width.
#[must_use]
pub fn secret_name(text: &str) -> Option<&'static str> {
    named(&name_before(text, text.len()))
}

/// The text with every percent-encoding undone, those that appear by it too.
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

/// The name of the first key whose value is a secret.
fn secret_key(text: &str) -> Option<&'static str> {
    text.match_indices('=').find_map(|(at, _)| {
        let name = name_before(text, at);
        // No attribute of a destination has such a letter, and some look like the letters of a key.
        named(&name).or_else(|| (!name.is_ascii()).then_some(KEY))
    })
}

/// What stands before a `=`, in lower case and without what is neither letter nor digit.
fn name_before(text: &str, at: usize) -> String {
    let before = text[..at].trim_end_matches(|c: char| c.is_whitespace() || c.is_control());
    let name = before.rsplit(|c: char| !c.is_alphanumeric() && !"_-.~+*$%".contains(c)).next().unwrap_or_default();
    name.chars().map(narrow).filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// A letter of full width as the usual one.
fn narrow(c: char) -> char {
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
