//! A secret is a type: it cannot be printed, serialised or compared, and leaves only through [`Secret::expose`].

use secrecy::{ExposeSecret, SecretString};

/// A password or an access key. `Debug` prints `***`, the memory is wiped when it is dropped.
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// Takes ownership of the text.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(SecretString::from(text))
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

    /// The word that [`SecretSource::from_word`] reads. What is typed, and a command, in which people write passwords, have
    /// none: in their place stands `stdin`, so that what is encrypted stays encrypted and the secret is given anew.
    #[must_use]
    pub fn word(&self) -> String {
        match self {
            Self::Env(name) => format!("env:{name}"),
            Self::File(path) => format!("file:{path}"),
            Self::Command(_) | Self::Stdin | Self::Prompt => "stdin".to_owned(),
        }
    }

    /// Whether it leads to the secret again in another run, with nobody there.
    #[must_use]
    pub fn lasts(&self) -> bool {
        matches!(self, Self::Env(_) | Self::File(_) | Self::Command(_))
    }
}

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
        }
    }
}
