//! What the views say of a set's encryption (R11).

use serde::{Deserialize, Serialize};

use super::BackupSet;

/// The words of a set that only its password opens (V3.1.5 and V4.3.1 source, `ob_encryption_util`).
const WITH_PASSWORD: [&str; 3] = ["PASSWORD", "PASSWORD_ENCRYPTION", "DUAL_MODE_ENCRYPTION"];
/// The words of one that opens without any.
const WITHOUT_PASSWORD: [&str; 2] = ["NONE", "TRANSPARENT_ENCRYPTION"];

/// What `ENCRYPTION_MODE` says of a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EncryptionMode {
    /// A password was set.
    Password,
    /// None was.
    NoPassword,
    /// The word is not known here, or was not read.
    Unknown,
}

/// Whether the encryption that was asked for is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Encryption {
    /// The view proves it.
    Proven,
    /// The view says that a password was not set.
    Missing,
    /// The view does not say.
    Unknown,
}

impl Encryption {
    /// The word of JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Proven => "proven",
            Self::Missing => "missing",
            Self::Unknown => "unknown",
        }
    }

    /// The mark beside a set that lacks it; None where it is proven.
    #[must_use]
    pub fn mark(self) -> Option<&'static str> {
        match self {
            Self::Proven => None,
            Self::Missing => Some("NOT ENCRYPTED"),
            Self::Unknown => Some("ENCRYPTION UNKNOWN"),
        }
    }
}

impl BackupSet {
    /// What its `ENCRYPTION_MODE` says; case does not matter.
    #[must_use]
    pub fn encryption(&self) -> EncryptionMode {
        let is = |words: &[&str]| words.iter().any(|word| word.eq_ignore_ascii_case(self.encryption_mode.trim()));
        if is(&WITH_PASSWORD) {
            EncryptionMode::Password
        } else if is(&WITHOUT_PASSWORD) {
            EncryptionMode::NoPassword
        } else {
            EncryptionMode::Unknown
        }
    }

    /// Its `ENCRYPTION_MODE` for a person: `not read` where the view has none.
    #[must_use]
    pub fn encryption_word(&self) -> String {
        match self.encryption_mode.trim() {
            "" => "not read".to_owned(),
            mode => mode.to_ascii_uppercase(),
        }
    }

    /// Whether encryption that was asked for is there.
    #[must_use]
    pub fn as_asked(&self) -> Encryption {
        match self.encryption() {
            EncryptionMode::Password => Encryption::Proven,
            EncryptionMode::NoPassword => Encryption::Missing,
            EncryptionMode::Unknown => Encryption::Unknown,
        }
    }
}

/// The encryption of each of these sets: `set 3 PASSWORD, set 4 NONE`. None where each of them opens without a password.
#[must_use]
pub fn encryption_of(sets: &[&BackupSet]) -> Option<String> {
    let modes: Vec<String> = sets.iter().map(|set| format!("set {} {}", set.id, set.encryption_word())).collect();
    sets.iter().any(|set| set.encryption() != EncryptionMode::NoPassword).then(|| modes.join(", "))
}
