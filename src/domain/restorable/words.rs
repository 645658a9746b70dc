//! The words of the views. A word obnow does not know is carried as it was.

use crate::domain::choices::Mode;

/// Makes an enum of a view's words, compared without regard to case, with a place for any other word.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal $(| $also:literal)*),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(from = "String", into = "String")]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)+
            /// A word obnow does not know, as the server wrote it.
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
        /// Everything.
        Full = "FULL" | "D",
        /// What changed since the set before.
        Incremental = "INC" | "I",
    }
}

impl SetKind {
    /// The mode that makes such a set; None: the word is not known.
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
    /// STATUS of a set.
    SetStatus {
        /// Being made.
        Doing = "DOING",
        /// Made.
        Success = "SUCCESS",
        /// Not made.
        Failed = "FAILED",
    }
}

words! {
    /// `FILE_STATUS` of a set or a piece.
    FileStatus {
        /// All there.
        Available = "AVAILABLE",
        /// Being copied elsewhere.
        Copying = "COPYING",
        /// Not all written.
        Incomplete = "INCOMPLETE",
        /// Being deleted.
        Deleting = "DELETING",
        /// Past its time.
        Expired = "EXPIRED",
        /// Damaged.
        Broken = "BROKEN",
        /// Gone.
        Deleted = "DELETED",
    }
}

words! {
    /// STATUS of a piece.
    PieceStatus {
        /// Being written.
        Active = "ACTIVE",
        /// Being closed.
        Freezing = "FREEZING",
        /// Closed. The last one of a stopped round is closed before its end.
        Frozen = "FROZEN",
        /// No longer written: its round ended before it did.
        Inactive = "INACTIVE",
    }
}

words! {
    /// STATUS of a round (V4 source: `ob_archive_struct`).
    RoundStatus {
        /// Nothing yet.
        Invalid = "INVALID",
        /// About to begin.
        Prepare = "PREPARE",
        /// Beginning.
        Beginning = "BEGINNING",
        /// Archiving.
        Doing = "DOING",
        /// Broken; it never goes on.
        Interrupted = "INTERRUPTED",
        /// About to stop.
        Stopping = "STOPPING",
        /// Over.
        Stop = "STOP",
        /// About to pause.
        Suspending = "SUSPENDING",
        /// Paused; the same round can go on.
        Suspend = "SUSPEND",
    }
}

impl SetKind {
    /// The word of screens and JSON.
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
    /// Whether more log can still come in this round. A word nobody knows does not say that it is over.
    #[must_use]
    pub const fn may_go_on(&self) -> bool {
        !matches!(self, Self::Interrupted | Self::Stop | Self::Invalid)
    }
}
