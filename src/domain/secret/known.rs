//! The secrets that this process holds, and foreign text without them: a server, a storage or a child may repeat what it was given.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE};
use secrecy::{ExposeSecret, SecretString};

/// A shorter secret is not looked for: its letters stand in ordinary words, too. It is hidden by its place in a statement.
const SHORTEST: usize = 6;

/// What stands in the place of a secret.
const HIDDEN: &str = "***";

/// Every secret that is still held; it is wiped when the last one who holds it lets go.
static KNOWN: Mutex<Vec<Weak<SecretString>>> = Mutex::new(Vec::new());

/// Takes a secret among those that are looked for.
pub(super) fn remember(secret: &Arc<SecretString>) {
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    known.retain(|held| held.strong_count() > 0);
    if secret.expose_secret().chars().count() >= SHORTEST {
        known.push(Arc::downgrade(secret));
    }
}

/// Foreign text with `***` in the place of every secret of this process, as it is and as statements, URIs, JSON and HTTP write it.
/// Not for names, ids, numbers and states: those are compared and sent back.
#[must_use]
pub fn hide(text: &str) -> String {
    let held: Vec<Arc<SecretString>> =
        KNOWN.lock().unwrap_or_else(PoisonError::into_inner).iter().filter_map(Weak::upgrade).collect();
    let mut forms: Vec<String> = held.iter().flat_map(|secret| forms(secret.expose_secret())).collect();
    // What contains another form goes first.
    forms.sort_by_key(|form| std::cmp::Reverse(form.len()));
    forms.iter().fold(text.to_owned(), |text, form| if text.contains(form) { text.replace(form, HIDDEN) } else { text })
}

/// How a secret may be written.
fn forms(secret: &str) -> Vec<String> {
    let json = serde_json::to_string(secret).unwrap_or_default();
    let percent = |digits: fn(u8) -> String| -> String {
        let part = |byte: u8| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
            byte => format!("%{}", digits(byte)),
        };
        secret.bytes().map(part).collect()
    };
    let hex = |digits: fn(u8) -> String| secret.bytes().map(digits).collect::<String>();
    let (upper, lower) = (|byte| format!("{byte:02X}"), |byte| format!("{byte:02x}"));
    let mut forms = vec![
        secret.to_owned(),
        secret.replace('\'', "''"),
        secret.replace('\\', "\\\\").replace('\'', "\\'"),
        json.trim_matches('"').to_owned(),
        percent(upper),
        percent(lower),
        hex(upper),
        hex(lower),
        STANDARD.encode(secret),
        STANDARD_NO_PAD.encode(secret),
        URL_SAFE.encode(secret),
    ];
    forms.retain(|form| !form.is_empty());
    forms
}

#[cfg(test)]
mod tests {
    use super::super::Secret;
    use super::*;

    #[test]
    fn a_secret_is_hidden_however_it_is_written_for_as_long_as_it_is_held() {
        let secret = Secret::new("CANARY'x/ \"9\\".to_owned());
        for form in [
            "CANARY'x/ \"9\\",
            "CANARY''x/ \"9\\",
            "CANARY\\'x/ \"9\\\\",
            "CANARY'x/ \\\"9\\\\",
            "CANARY%27x%2F%20%229%5C",
            "CANARY%27x%2f%20%229%5c",
            "43414E41525927782F2022395C",
            "43414e41525927782f2022395c",
        ] {
            let said = hide(&format!("bad value: {form}, at 7"));
            assert!(said.starts_with("bad value: ***") && said.ends_with(", at 7"), "{form}: {said}");
        }
        let coded = STANDARD.encode(secret.expose());
        assert_eq!(hide(&format!("Basic {coded} refused")), "Basic *** refused");
        drop(secret);
        assert_eq!(hide("CANARY''x/ \"9\\"), "CANARY''x/ \"9\\", "nobody holds it any more");
    }

    #[test]
    fn a_short_one_is_not_looked_for() {
        let _held = Secret::new("teN42".to_owned());
        assert_eq!(hide("the teN42th row"), "the teN42th row");
    }
}
