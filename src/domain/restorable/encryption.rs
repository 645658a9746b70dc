//! What the views show about the encryption of a set (R11).

use serde::{Deserialize, Serialize};

use super::BackupSet;

/// The words for a set that needs its password to be restored (V3.1.5 and V4.3.1 source, `ob_encryption_util`).
const WITH_PASSWORD: [&str; 3] = ["PASSWORD", "PASSWORD_ENCRYPTION", "DUAL_MODE_ENCRYPTION"];
/// The words for a set that needs none.
const WITHOUT_PASSWORD: [&str; 2] = ["NONE", "TRANSPARENT_ENCRYPTION"];

/// The meaning of a set's `ENCRYPTION_MODE`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EncryptionMode {
    /// The set is encrypted with a password.
    Password,
    /// It is not.
    NoPassword,
    /// The word is not known to obnow, or was not read.
    Unknown,
}

/// Whether a set has the encryption that was requested.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Encryption {
    /// The view proves it.
    Proven,
    /// The view shows that no password was set.
    Missing,
    /// The view does not show it.
    Unknown,
}

impl Encryption {
    /// Returns the word of JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Proven => "proven",
            Self::Missing => "missing",
            Self::Unknown => "unknown",
        }
    }

    /// Returns the mark shown beside a set; `None` where the encryption is proven.
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
    /// Returns the meaning of its `ENCRYPTION_MODE`; case does not matter.
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

    /// Returns its `ENCRYPTION_MODE` as text: `not read` where the view has none.
    #[must_use]
    pub fn encryption_word(&self) -> String {
        match self.encryption_mode.trim() {
            "" => "not read".to_owned(),
            mode => mode.to_ascii_uppercase(),
        }
    }

    /// Returns whether the set has the encryption with a password that was requested.
    #[must_use]
    pub fn as_asked(&self) -> Encryption {
        match self.encryption() {
            EncryptionMode::Password => Encryption::Proven,
            EncryptionMode::NoPassword => Encryption::Missing,
            EncryptionMode::Unknown => Encryption::Unknown,
        }
    }
}

/// Returns the encryption of each of these sets: `set 3 PASSWORD, set 4 NONE`. `None` where every set is known to need no
/// password.
#[must_use]
pub fn encryption_of(sets: &[&BackupSet]) -> Option<String> {
    let modes: Vec<String> = sets.iter().map(|set| format!("set {} {}", set.id, set.encryption_word())).collect();
    sets.iter().any(|set| set.encryption() != EncryptionMode::NoPassword).then(|| modes.join(", "))
}
