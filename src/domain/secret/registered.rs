//! The secrets that this process holds, and foreign text without them: a server, a storage or a child process may repeat them.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

mod spelling;

pub use spelling::unescaped;

/// The length, in characters, below which a secret is not looked for: it could be part of ordinary words. Its position in a
/// statement hides it.
pub(super) const SHORTEST: usize = 6;

/// The text that replaces a secret.
pub const HIDDEN: &str = "***";

/// Every secret that is still held. The references are weak, so a secret is wiped when its last holder drops it.
static KNOWN: Mutex<Vec<Weak<SecretString>>> = Mutex::new(Vec::new());

/// Registers a secret for [`hide_secrets`].
pub(super) fn register(secret: &Arc<SecretString>) {
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    known.retain(|held| held.strong_count() > 0);
    if secret.expose_secret().chars().count() >= SHORTEST {
        known.push(Arc::downgrade(secret));
    }
}

/// Returns foreign text with `***` in place of every secret of this process, and of a beginning of one: in plain text and as
/// statements, URIs, forms, JSON, XML, Base64 and hexadecimal digits spell it. Not for names, ids, numbers and states: those
/// are compared and sent back.
#[must_use]
pub fn hide_secrets(text: &str) -> String {
    let mut held: Vec<Arc<SecretString>> =
        KNOWN.lock().unwrap_or_else(PoisonError::into_inner).iter().filter_map(Weak::upgrade).collect();
    // A secret that contains another one goes first.
    held.sort_by_key(|secret| std::cmp::Reverse(secret.expose_secret().len()));
    let mut hidden = text.to_owned();
    for secret in held {
        // The text still contains the secret, so its memory is wiped.
        let before = Zeroizing::new(hidden);
        hidden = spelling::without(&before, secret.expose_secret());
    }
    hidden
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

    use super::super::Secret;
    use super::*;

    #[test]
    fn a_secret_is_hidden_however_it_is_written_for_as_long_as_it_is_held() {
        let secret = Secret::new("CANARY'x/ \"9\\<&>+".to_owned());
        for form in [
            "CANARY'x/ \"9\\<&>+",
            "CANARY''x/ \"9\\<&>+",
            "CANARY\\'x/ \"9\\\\<&>+",
            "CANARY'x\\/ \\\"9\\\\\\u003c\\u0026>+",
            "CANARY%27x%2F%20%229%5C%3C%26%3E%2B",
            "CANARY%27x%2f%20%229%5c%3c%26%3E%2b",
            "%43ANARY'x/%20\"9\\%3C&>%2B",
            "CANARY%27x%2F+%229%5C%3C%26%3E%2B",
            "CANARY&apos;x/ &quot;9\\&lt;&amp;&gt;+",
            "CANARY&#39;x&#x2F; &#34;9&#92;&#60;&#38;&#62;&#43;",
            "43414E41525927782F2022395C3C263E2B",
            "43414e41525927782f2022395c3c263e2b",
            "43414E41525927782f2022395c3C263e2B",
        ] {
            let said = hide_secrets(&format!("bad value: {form}, at 7"));
            assert_eq!(said, "bad value: ***, at 7", "{form}");
        }
        let coded = STANDARD.encode(secret.expose());
        assert_eq!(hide_secrets(&format!("Basic {coded} refused")), "Basic *** refused");
        drop(secret);
        // A concurrent test that calls `hide` holds every secret while it does.
        let is_shown = || hide_secrets("CANARY''x/ \"9\\") == "CANARY''x/ \"9\\";
        let tries = 1_000_000;
        let mut shown = false;
        for _ in 0..tries {
            shown = is_shown();
            if shown {
                break;
            }
            std::thread::yield_now();
        }
        assert!(shown, "nobody holds it any more");
    }

    /// The login of HTTP Basic: the secret may begin at any byte of a group of three.
    #[test]
    fn a_secret_within_what_base64_holds_is_hidden() {
        let _held = Secret::new("CANARYkey~2718".to_owned());
        for user in ["", "u:", "us:", "root:", "root@sys:"] {
            for behind in ["", "!", "!!"] {
                let login = format!("{user}CANARYkey~2718{behind}");
                for coded in [STANDARD.encode(&login), URL_SAFE_NO_PAD.encode(&login)] {
                    let said = hide_secrets(&format!("Authorization: Basic {coded}"));
                    assert!(said.contains("***"), "{login}: {said}");
                    let rest = said.rsplit(' ').next().unwrap_or_default();
                    let left = rest.split("***").map(str::len).sum::<usize>();
                    assert!(left <= (user.len() + behind.len()) * 4 / 3 + 8, "{login}: {said}");
                }
            }
        }
    }

    #[test]
    fn what_is_left_of_it_among_letters_and_digits_is_hidden() {
        let _held = Secret::new("CANARY/left+over=".to_owned());
        assert_eq!(hide_secrets("CodeCANARYleftover"), "Code***");
    }

    #[test]
    fn a_beginning_of_it_is_hidden_up_to_the_end_of_what_agrees() {
        let _held = Secret::new("begin~é7/qrstuvwxyz0123456789".to_owned());
        for cut in ["begin~é7/", "begin~é7%2Fqrst", "begin~é7/qrstuvwxyz012345678", "626567696e7ec3a9372f7172"] {
            assert_eq!(hide_secrets(&format!("near '{cut}' at line 1")), "near '***' at line 1", "{cut}");
        }
        assert_eq!(
            hide_secrets("near 'begin~é' at line 1"),
            "near 'begin~é' at line 1",
            "too short to be told from a word"
        );
        assert_eq!(hide_secrets("begin~é7/and more"), "***and more");
        let _with_accents = Secret::new("accents:é".repeat(4));
        assert_eq!(hide_secrets("accents:è, accents:éè"), "***è, ***è", "no character is hidden by half");
        let coded = STANDARD.encode("user:begin~é7/qrstu");
        let said = hide_secrets(&coded);
        assert!(said.contains("***") && said.len() < 14, "{said}");
    }

    #[test]
    fn one_that_is_escaped_more_than_once_is_hidden() {
        let _held = Secret::new("layers9x~7/q<\"\\".to_owned());
        for form in [
            "layers9x~7%252Fq<\"\\",
            "layers9x~7%25252Fq%25253C\"\\",
            "layers9x~7%%32%46q<\"\\",
            "layers9x~7/q&amp;lt;&amp;quot;\\",
            "layers9x~7/q<\\\\\\\"\\\\\\\\",
        ] {
            assert_eq!(hide_secrets(&format!("bad value: {form}, at 7")), "bad value: ***, at 7", "{form}");
        }
    }

    /// Percent escapes within JSON, JSON within a URI, and either within XML.
    #[test]
    fn one_that_is_escaped_in_several_ways_is_hidden() {
        let _held = Secret::new("mix/ed/key/9x".to_owned());
        for form in ["mix\\u00252Fed%2Fkey/9x", "mix%5Cu002fed/key%2F9x", "mix&#37;2Fed/key\\/9x"] {
            assert_eq!(hide_secrets(&format!("bad value: {form}, at 7")), "bad value: ***, at 7", "{form}");
        }
    }

    #[test]
    fn a_short_one_is_not_looked_for() {
        let _held = Secret::new("teN42".to_owned());
        assert_eq!(hide_secrets("the teN42th row"), "the teN42th row");
    }
}
