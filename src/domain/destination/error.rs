//! The reasons to refuse a destination before it is sent to the server.

use super::{ACCESS_KEY, StorageKind};

/// What is wrong with a destination, and what to do. No message repeats a value: it may be a secret in the wrong position.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DestinationError {
    /// The text is empty.
    #[error("A backup destination is missing. Write file:///path, or scheme://bucket/path?host=…")]
    Empty,
    /// It has no scheme, or an unknown one.
    #[error(
        "The destination does not begin with file://, oss://, cos://, s3:// or azblob://. Write one of them in front."
    )]
    UnknownScheme,
    /// The path of a directory is not absolute, or is the root directory.
    #[error(
        "A file:// destination needs an absolute directory below the root. Write file:///path, with three slashes."
    )]
    NotAbsolute,
    /// There is no bucket after the scheme.
    #[error("The {0} destination names no bucket. Write {0}://bucket/path.")]
    NoBucket(StorageKind),
    /// The path contains `.` or `..`.
    #[error("The path of the destination contains . or .. as a directory. Write the directory itself.")]
    DotSegment,
    /// It is longer than the server accepts.
    #[error("{}", too_long(what, *actual, *limit))]
    TooLong {
        /// The part that is too long.
        what: String,
        /// The limit, in bytes.
        limit: usize,
        /// The length, in bytes.
        actual: usize,
    },
    /// It contains a character that ends a token of the server.
    #[error("{}", forbidden(what, character))]
    Forbidden {
        /// The part that contains it.
        what: String,
        /// The name of the character.
        character: &'static str,
    },
    /// It contains a secret, which would reach logs and plan files.
    #[error(
        "The destination contains the key {0}, or one named like it, whose value is a secret. Leave it out, and give the \
         access key by --access-key-from."
    )]
    SecretInUri(&'static str),
    /// It contains `user:key@bucket`, as other programs write it.
    #[error(
        "The destination contains a login before @. Leave it out, and give the id by --access-id and the key by \
         --access-key-from."
    )]
    LoginInUri,
    /// The server's text contains a credential, which is not kept.
    #[error(
        "The destination has *** in the place of what held a credential. Write the path anew, without a credential."
    )]
    Hidden,
    /// It contains the masked form that a view shows.
    #[error(
        "The destination contains encrypt_key=, which only the server itself can use. Leave it out, and give the access \
         key by --access-key-from."
    )]
    MaskedKey,
    /// It lacks a key that the storage needs.
    #[error("A {kind} destination needs {key}. Add it.")]
    Missing {
        /// The storage.
        kind: StorageKind,
        /// The key.
        key: &'static str,
    },
    /// It contains an attribute that no server knows; its position after `?`. Its name is not repeated: it may be a secret.
    #[error(
        "In the destination, attribute {0} behind ? is none that OceanBase knows. Correct its name, or take it out; an \
         access key is given by --access-key-from."
    )]
    UnknownAttribute(usize),
    /// It contains a key of other kinds of storage.
    #[error("{key} does not go with a {kind} destination. Take it out.")]
    NotForKind {
        /// The storage.
        kind: StorageKind,
        /// The key.
        key: String,
    },
    /// A key has no value.
    #[error("In the destination, {0} has no value. Give it one, or take it out.")]
    EmptyValue(String),
    /// The server refuses a value.
    #[error("In the destination, {key} must be {allowed}.")]
    BadValue {
        /// The key.
        key: &'static str,
        /// The values that are allowed.
        allowed: String,
    },
    /// A key occurs twice; the server does not document which one counts.
    #[error("In the destination, {0} is given twice. Keep one.")]
    Repeated(String),
    /// It contains a key that is newer than this version.
    #[error("OceanBase knows {key} from {since} on. Take it out.")]
    NotYetKnown {
        /// The key.
        key: &'static str,
        /// The first version with the key.
        since: &'static str,
    },
    /// The release line does not support this storage.
    #[error("OceanBase before V4 does not back up to {0}. Use file, oss or cos.")]
    NotOnThisLine(StorageKind),
}

/// The advice for an access key that is refused: the storage service makes access keys, nobody can edit one.
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

/// What is wrong with the access key itself, and not with the URI around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccessKeyError {
    /// It was not given.
    Missing,
    /// No statement can contain it.
    Unfit,
}

impl DestinationError {
    /// Returns whether it is refused because it contains a credential.
    #[must_use]
    pub fn is_of_a_credential(&self) -> bool {
        matches!(self, Self::SecretInUri(_) | Self::LoginInUri | Self::MaskedKey)
    }

    /// Returns what is wrong with the access key; `None`: something else is wrong.
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
