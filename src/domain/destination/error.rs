//! Why a destination is refused before the server is asked.

use super::{ACCESS_KEY, StorageKind};

/// What is wrong with a destination, and what to do. No message repeats a value: it may be a secret in the wrong place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DestinationError {
    /// Nothing was given.
    #[error("A backup destination is missing. Write file:///path, or scheme://bucket/path?host=…")]
    Empty,
    /// No scheme, or one no OceanBase knows.
    #[error(
        "The destination does not begin with file://, oss://, cos://, s3:// or azblob://. Write one of them in front."
    )]
    UnknownScheme,
    /// A folder that is not absolute, or the root directory itself.
    #[error(
        "A file:// destination needs an absolute directory below the root. Write file:///path, with three slashes."
    )]
    NotAbsolute,
    /// No bucket behind the scheme.
    #[error("The {0} destination names no bucket. Write {0}://bucket/path.")]
    NoBucket(StorageKind),
    /// `.` or `..` as a part of the path.
    #[error("The path of the destination contains . or .. as a directory. Write the directory itself.")]
    DotSegment,
    /// Longer than the server takes.
    #[error("{}", too_long(what, *actual, *limit))]
    TooLong {
        /// What is too long.
        what: String,
        /// How long it may be, in bytes.
        limit: usize,
        /// How long it is, in bytes.
        actual: usize,
    },
    /// A character that the server's lexer breaks on.
    #[error("{}", forbidden(what, character))]
    Forbidden {
        /// Where it is.
        what: String,
        /// Which it is, in words.
        character: &'static str,
    },
    /// A secret in a URI, where it would reach logs and plan files.
    #[error(
        "The destination contains the key {0}, or one named like it, whose value is a secret. Leave it out, and give the \
         access key by --access-key-from."
    )]
    SecretInUri(&'static str),
    /// `user:key@bucket`, as other programs write it.
    #[error(
        "The destination contains a login before @. Leave it out, and give the id by --access-id and the key by \
         --access-key-from."
    )]
    LoginInUri,
    /// What the server shows holds a credential that is not kept.
    #[error(
        "The destination has *** in the place of what held a credential. Write the path anew, without a credential."
    )]
    Hidden,
    /// The masked form a view shows.
    #[error(
        "The destination contains encrypt_key=, which only the server itself can use. Leave it out, and give the access \
         key by --access-key-from."
    )]
    MaskedKey,
    /// A key the storage needs.
    #[error("A {kind} destination needs {key}. Add it.")]
    Missing {
        /// The storage.
        kind: StorageKind,
        /// The key.
        key: &'static str,
    },
    /// An attribute that no server knows, by its place behind `?`. Its name is not repeated: it may be a secret.
    #[error(
        "In the destination, attribute {0} behind ? is none that OceanBase knows. Correct its name, or take it out; an \
         access key is given by --access-key-from."
    )]
    UnknownAttribute(usize),
    /// A key that does not go with this storage.
    #[error("{key} does not go with a {kind} destination. Take it out.")]
    NotForKind {
        /// The storage.
        kind: StorageKind,
        /// The key.
        key: String,
    },
    /// A key without a value.
    #[error("In the destination, {0} has no value. Give it one, or take it out.")]
    EmptyValue(String),
    /// A value that the server refuses.
    #[error("In the destination, {key} must be {allowed}.")]
    BadValue {
        /// The key.
        key: &'static str,
        /// What it may be.
        allowed: String,
    },
    /// One key twice: which one counts is the server's secret.
    #[error("In the destination, {0} is given twice. Keep one.")]
    Repeated(String),
    /// A key that came later than this version.
    #[error("OceanBase knows {key} from {since} on. Take it out.")]
    NotYetKnown {
        /// The key.
        key: &'static str,
        /// Since when it is there.
        since: &'static str,
    },
    /// A storage that the line does not know.
    #[error("OceanBase before V4 does not back up to {0}. Use file, oss or cos.")]
    NotOnThisLine(StorageKind),
}

/// An access key is made by the storage service: nobody can edit it.
const ANOTHER_KEY: &str = "Have the storage service make another one.";

fn too_long(what: &str, actual: usize, limit: usize) -> String {
    if what == ACCESS_KEY {
        return format!("The access key is {actual} bytes long, and the server takes {limit}. {ANOTHER_KEY}");
    }
    format!("In the destination, {what} is {actual} bytes long, and the server takes {limit}. Shorten it.")
}

fn forbidden(what: &str, character: &str) -> String {
    if what == ACCESS_KEY {
        return format!("The access key contains {character}, which the server cannot read there. {ANOTHER_KEY}");
    }
    format!("In the destination, {what} contains {character}, which the server cannot read there. Take it out.")
}

/// What is wrong with an access key, and not with the URI around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccessKeyError {
    /// It was not given.
    Missing,
    /// No statement can carry it.
    Unfit,
}

impl DestinationError {
    /// Whether it is refused because a credential is in it.
    #[must_use]
    pub fn is_of_a_credential(&self) -> bool {
        matches!(self, Self::SecretInUri(_) | Self::LoginInUri | Self::MaskedKey)
    }

    /// What is wrong with the access key; None: something else is wrong.
    #[must_use]
    pub fn access_key_error(&self) -> Option<AccessKeyError> {
        match self {
            Self::TooLong { what, .. } | Self::Forbidden { what, .. } => {
                (what == ACCESS_KEY).then_some(AccessKeyError::Unfit)
            }
            Self::Missing { key, .. } => (*key == ACCESS_KEY).then_some(AccessKeyError::Missing),
            _ => None,
        }
    }
}
