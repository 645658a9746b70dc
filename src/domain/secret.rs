//! Secrets as a type: a secret cannot be printed, serialised or compared, and is read only through [`Secret::expose`].

use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};

mod registered;

pub use registered::{HIDDEN, hide_secrets, unescaped};

/// A password or an access key. `Debug` prints `***`, and the memory is wiped when the last copy is dropped. While a copy
/// exists the secret is hidden in foreign text ([`hide_secrets`]).
#[derive(Clone)]
pub struct Secret(Arc<SecretString>);

impl Secret {
    /// Takes ownership of the text and, unless it is too short, registers it for [`hide_secrets`].
    #[must_use]
    pub fn new(text: String) -> Self {
        let secret = Arc::new(SecretString::from(text));
        registered::register(&secret);
        Self(secret)
    }

    /// Wraps a text that contains secrets, a statement or a URI: it is kept and printed like a secret, but [`hide_secrets`] does not look
    /// for it. Only the secrets within it are hidden in foreign text.
    #[must_use]
    pub fn from_shared(text: String) -> Self {
        Self(Arc::new(SecretString::from(text)))
    }

    /// Whether it is too short for [`hide_secrets`]: then only its position in a statement hides it.
    #[must_use]
    pub fn is_short(&self) -> bool {
        !self.is_empty() && self.expose().chars().count() < registered::SHORTEST
    }

    /// Returns the value. For the call that hands it to a driver, never for a text that a person or a file sees.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// Whether there is nothing to hide: an empty password means that none is set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.expose().is_empty()
    }

    /// Returns why it cannot be the password that encrypts a backup; None: a statement can carry it. Quotes and backslashes are
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

    /// Returns what a user does not see of it and a server compares all the same, as a hint where it was refused; None: nothing.
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

/// The note beside the field of a short secret ([`Secret::is_short`]).
pub const SHORT: &str = "Below 6 characters: hidden in statements, but not where others repeat it.";

/// Returns the note on a short secret as a message of its own; `what` names the secret.
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

/// Where a secret is found; this, and never the value, goes into plans and journals.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SecretSource {
    /// An environment variable.
    Env(String),
    /// The first line of a file that only its owner may read.
    File(String),
    /// The first line that a shell command prints. The command may contain a secret itself, so it is kept only in the
    /// inventory; journals have a marker instead of it.
    Command(#[serde(serialize_with = "marker")] String),
    /// One line of standard input (command line only).
    Stdin,
    /// A prompt on the terminal.
    Prompt,
    /// A login that has no password: nothing is read, and nothing is prompted for.
    #[serde(rename = "none")]
    NoPassword,
}

impl SecretSource {
    /// Reads the word of the command line and of plan files: `env:NAME`, `file:PATH` or `stdin`.
    ///
    /// # Errors
    /// The text is none of them. The message does not repeat the text, which may be the secret itself.
    pub fn from_word(text: &str) -> Result<Self, &'static str> {
        match text.split_once(':') {
            Some(("env", name)) if !name.is_empty() => Ok(Self::Env(name.to_owned())),
            Some(("file", path)) if !path.is_empty() => Ok(Self::File(path.to_owned())),
            None if text == "stdin" => Ok(Self::Stdin),
            _ => Err("write env:NAME, file:PATH or stdin"),
        }
    }

    /// Reads the word for the password of a login, which may be `none`, too.
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

    /// Returns the word that [`SecretSource::from_word`] or [`SecretSource::of_login`] reads. A prompt and a command (which often
    /// contains a password) have no word: they become `stdin`, so that an encrypted backup stays encrypted and the secret is
    /// given again.
    #[must_use]
    pub fn word(&self) -> String {
        match self {
            Self::Env(name) => format!("env:{name}"),
            Self::File(path) => format!("file:{path}"),
            Self::Command(_) | Self::Stdin | Self::Prompt => "stdin".to_owned(),
            Self::NoPassword => NONE.to_owned(),
        }
    }

    /// Whether a later run finds the secret there unattended.
    #[must_use]
    pub fn lasts(&self) -> bool {
        matches!(self, Self::Env(_) | Self::File(_) | Self::Command(_) | Self::NoPassword)
    }
}

/// The word for a login without a password: in the inventory, and for `--password-from`.
pub const NONE: &str = "none";

/// The text that is written instead of a command.
const MARKER: &str = "***";

#[allow(clippy::ptr_arg, clippy::needless_pass_by_value, reason = "serde calls it with a reference to the field")]
fn marker<S: serde::Serializer>(_: &String, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(MARKER)
}

impl SecretSource {
    /// Whether this is a command that was read back from a plan or journal: the inventory has the command itself.
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
