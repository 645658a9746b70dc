//! A secret is a type: it cannot be printed, serialised or compared, and leaves only through [`Secret::expose`].

use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};

mod known;

pub use known::{HIDDEN, hide, unescaped};

/// A password or an access key. `Debug` prints `***`, the memory is wiped when the last copy is dropped. While one is held it is
/// hidden in foreign text ([`hide`]).
#[derive(Clone)]
pub struct Secret(Arc<SecretString>);

impl Secret {
    /// Takes ownership of the text.
    #[must_use]
    pub fn new(text: String) -> Self {
        let secret = Arc::new(SecretString::from(text));
        known::remember(&secret);
        Self(secret)
    }

    /// A whole text that carries secrets, a statement or a URI: held and printed like one. In foreign text only the secrets in it
    /// are looked for.
    #[must_use]
    pub fn around(text: String) -> Self {
        Self(Arc::new(SecretString::from(text)))
    }

    /// Whether it is too short to be looked for in foreign text, so that its place in a statement alone hides it.
    #[must_use]
    pub fn is_short(&self) -> bool {
        !self.is_empty() && self.expose().chars().count() < known::SHORTEST
    }

    /// The one way out: for the call that hands it to a driver, never for text a person or a file sees.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// True when there is nothing to hide: an empty password is a password that is not set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.expose().is_empty()
    }

    /// What is wrong with it as the password that encrypts a backup; None: a statement can carry it. Quotes and backslashes are
    /// read in more than one way (R11).
    #[must_use]
    pub fn unfit_to_encrypt(&self) -> Option<&'static str> {
        if self.is_empty() {
            return Some("It is empty");
        }
        self.expose().chars().find_map(|c| match c {
            '\'' | '"' | '`' => Some("It has a quote in it, which no statement can carry safely"),
            '\\' => Some("It has a backslash in it, which no statement can carry safely"),
            c if c.is_control() => Some("It has a control character in it, which no statement can carry"),
            _ => None,
        })
    }

    /// What of it a person does not see and a server compares all the same, for the one to whom it was refused; None: nothing.
    #[must_use]
    pub fn invisible(&self) -> Option<&'static str> {
        let text = self.expose();
        let last = text.chars().next_back();
        if text.starts_with('\u{feff}') {
            Some("begins with a byte order mark")
        } else if last == Some('\r') {
            Some("ends in a carriage return")
        } else if last.is_some_and(char::is_whitespace) {
            Some("ends in a blank")
        } else if text.starts_with(char::is_whitespace) {
            Some("begins with a blank")
        } else if text.contains(|c: char| c.is_control() || c == '\u{feff}') {
            Some("has a character in it that is not seen")
        } else {
            None
        }
    }
}

/// What is said of a secret that is short ([`Secret::is_short`]), beside its field.
pub const SHORT: &str = "Below 6 characters: hidden in statements, but not where others repeat it.";

/// The same as a note of its own; `what` names the secret.
#[must_use]
pub fn short_note(what: &str) -> String {
    format!(
        "Short: {what} has fewer than 6 characters. It is hidden by its place in statements, and not where a server or a program \
             repeats it. Choose a longer one."
    )
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

/// Where a secret is to be found; this, and never the value, goes into plans and journals.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SecretSource {
    /// An environment variable.
    Env(String),
    /// The first line of a file that only its owner may read.
    File(String),
    /// The first line a shell command prints. Its text may hold a secret itself, so it is kept nowhere but in the
    /// inventory: what is written down of it is a marker.
    Command(#[serde(serialize_with = "marker")] String),
    /// One line of standard input (command line only).
    Stdin,
    /// Asked for on the terminal.
    Prompt,
    /// A login that has no password: nothing is looked for, and nobody is asked.
    #[serde(rename = "none")]
    NoPassword,
}

impl SecretSource {
    /// Reads the word of the command line and of plan files: `env:NAME`, `file:PATH` or `stdin`.
    ///
    /// # Errors
    /// It is none of them. The sentence does not repeat the text, which may be the secret itself.
    pub fn from_word(text: &str) -> Result<Self, &'static str> {
        match text.split_once(':') {
            Some(("env", name)) if !name.is_empty() => Ok(Self::Env(name.to_owned())),
            Some(("file", path)) if !path.is_empty() => Ok(Self::File(path.to_owned())),
            None if text == "stdin" => Ok(Self::Stdin),
            _ => Err("write env:NAME, file:PATH or stdin"),
        }
    }

    /// The same for the password of a login, which may have `none`.
    ///
    /// # Errors
    /// As [`SecretSource::from_word`].
    pub fn of_login(text: &str) -> Result<Self, &'static str> {
        match text {
            NONE => Ok(Self::NoPassword),
            _ => Self::from_word(text)
                .map_err(|_| "write env:NAME, file:PATH or stdin, or none where it has no password"),
        }
    }

    /// The word that [`SecretSource::from_word`] reads. What is typed, and a command, in which people write passwords, have
    /// none: in their place stands `stdin`, so that what is encrypted stays encrypted and the secret is given anew.
    #[must_use]
    pub fn word(&self) -> String {
        match self {
            Self::Env(name) => format!("env:{name}"),
            Self::File(path) => format!("file:{path}"),
            Self::Command(_) | Self::Stdin | Self::Prompt => "stdin".to_owned(),
            Self::NoPassword => NONE.to_owned(),
        }
    }

    /// Whether it leads to the secret again in another run, with nobody there.
    #[must_use]
    pub fn lasts(&self) -> bool {
        matches!(self, Self::Env(_) | Self::File(_) | Self::Command(_) | Self::NoPassword)
    }
}

/// What is written where a login has no password: in the inventory, and for `--password-from`.
pub const NONE: &str = "none";

/// What is written instead of a command.
const MARKER: &str = "***";

#[allow(clippy::ptr_arg, clippy::needless_pass_by_value, reason = "serde calls it with a reference to the field")]
fn marker<S: serde::Serializer>(_: &String, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(MARKER)
}

impl SecretSource {
    /// Whether this was read back from what was written down: the inventory has the command itself.
    #[must_use]
    pub fn is_only_a_marker(&self) -> bool {
        matches!(self, Self::Command(text) if text == MARKER)
    }
}

impl std::fmt::Display for SecretSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Env(name) => write!(f, "env:{name}"),
            Self::File(path) => write!(f, "file:{path}"),
            Self::Command(_) => f.write_str("a command"),
            Self::Stdin => f.write_str("stdin"),
            Self::Prompt => f.write_str("asked for"),
            Self::NoPassword => f.write_str(NONE),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops where its setup fails")]

    use super::*;

    #[test]
    fn only_a_login_says_none_and_it_reads_back() {
        assert_eq!(SecretSource::of_login("none"), Ok(SecretSource::NoPassword));
        assert_eq!(SecretSource::of_login("env:A"), Ok(SecretSource::Env("A".into())));
        assert!(SecretSource::from_word("none").is_err(), "an access key is never nothing");
        let source = SecretSource::NoPassword;
        assert_eq!((source.word().as_str(), source.to_string().as_str(), source.lasts()), ("none", "none", true));
        assert_eq!(serde_json::to_string(&source).unwrap(), "\"none\"");
        assert_eq!(serde_json::from_str::<SecretSource>("\"none\"").unwrap(), source);
        assert_eq!(serde_json::from_str::<SecretSource>("\"prompt\"").unwrap(), SecretSource::Prompt, "as before");
    }
}
