//! The status words of the server's views. A word that obnow does not know is kept as it is.

use crate::domain::choices::Mode;

/// Defines an enum of a view's words, which are compared without regard to case, with a variant for any other word.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal $(| $also:literal)*),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(from = "String", into = "String")]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)+
            /// A word that obnow does not know, as the server wrote it.
            Other(String),
        }

        impl From<&str> for $name {
            fn from(word: &str) -> Self {
                match word.trim().to_ascii_uppercase().as_str() {
                    $($word $(| $also)* => Self::$variant,)+
                    _ => Self::Other(word.to_owned()),
                }
            }
        }

        impl From<String> for $name {
            fn from(word: String) -> Self {
                Self::from(word.as_str())
            }
        }

        impl From<$name> for String {
            fn from(word: $name) -> Self {
                word.to_string()
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(match self {
                    $(Self::$variant => $word,)+
                    Self::Other(word) => word,
                })
            }
        }
    };
}

words! {
    /// `BACKUP_TYPE` of a set. The source writes FULL and INC, some docs print D and I.
    SetKind {
        /// All data.
        Full = "FULL" | "D",
        /// The data that changed since the set before.
        Incremental = "INC" | "I",
    }
}

impl SetKind {
    /// Returns the mode that makes such a set; `None` where the word is not known.
    #[must_use]
    pub fn mode(&self) -> Option<Mode> {
        match self {
            Self::Full => Some(Mode::Full),
            Self::Incremental => Some(Mode::Incremental),
            Self::Other(_) => None,
        }
    }
}

words! {
    /// `STATUS` of a set.
    SetStatus {
        /// It is being made.
        Doing = "DOING",
        /// It was completed.
        Success = "SUCCESS",
        /// It could not be made.
        Failed = "FAILED",
    }
}

words! {
    /// `FILE_STATUS` of a set or a piece.
    FileStatus {
        /// All files are there.
        Available = "AVAILABLE",
        /// They are being copied to another path.
        Copying = "COPYING",
        /// They are not completely written.
        Incomplete = "INCOMPLETE",
        /// They are being deleted.
        Deleting = "DELETING",
        /// Their retention has expired.
        Expired = "EXPIRED",
        /// They are damaged.
        Broken = "BROKEN",
        /// They are deleted.
        Deleted = "DELETED",
    }
}

words! {
    /// `STATUS` of a piece.
    PieceStatus {
        /// It is being written.
        Active = "ACTIVE",
        /// It is being closed.
        Freezing = "FREEZING",
        /// It is closed. The last piece of a stopped round is closed before its planned end.
        Frozen = "FROZEN",
        /// It is no longer written, because its round ended before its planned end.
        Inactive = "INACTIVE",
    }
}

words! {
    /// `STATUS` of a round (V4 source: `ob_archive_struct`).
    RoundStatus {
        /// It has not been prepared.
        Invalid = "INVALID",
        /// It is being prepared.
        Prepare = "PREPARE",
        /// It is beginning.
        Beginning = "BEGINNING",
        /// It is archiving.
        Doing = "DOING",
        /// It is broken, and never goes on.
        Interrupted = "INTERRUPTED",
        /// It is about to stop.
        Stopping = "STOPPING",
        /// It is over.
        Stop = "STOP",
        /// It is about to pause.
        Suspending = "SUSPENDING",
        /// It is paused, and can go on.
        Suspend = "SUSPEND",
    }
}

impl SetKind {
    /// Returns the word of screens and JSON.
    #[must_use]
    pub fn word(&self) -> &str {
        match self {
            Self::Full => "full",
            Self::Incremental => "incremental",
            Self::Other(word) => word,
        }
    }
}

impl RoundStatus {
    /// Returns whether more log can still come in this round. An unknown word does not show that it is over.
    #[must_use]
    pub const fn may_go_on(&self) -> bool {
        !matches!(self, Self::Interrupted | Self::Stop | Self::Invalid)
    }
}
