//! The lengths that a statement of each version can hold: of a destination and its parts, with the access key in it.

use super::{ACCESS_KEY, Destination, DestinationError, StorageKind, key_of, kind, uri};
use crate::domain::secret::Secret;
use crate::domain::version::Version;

/// The maximum length of a complete destination, in bytes (V4 source: shorter than 2048); the value of `LOG_ARCHIVE_DEST`, which
/// contains one, may be no longer.
pub const URI_LIMIT: usize = 2047;
/// The maximum length of the part before `?`, in bytes (V4 source: shorter than 1024).
pub(super) const PATH_LIMIT: usize = 1023;
/// The maximum length of the part after `?`, in bytes, from V4.3.5 on (source: shorter than 1600).
pub(super) const INFO_LIMIT: usize = 1599;
/// The maximum length of the part after `?`, in bytes, before V4.3.5 (V4.0 to V4.3.1 source, `ObStorageInfo`: shorter than 1536).
const OLDER_INFO_LIMIT: usize = 1535;
/// The maximum length of an access key, in bytes (V4.3.1 source, `ObStorageInfo`: `access_key=` is part of its 256 bytes).
pub(super) const KEY_LIMIT: usize = 244;
/// The maximum length of the keys of [`EXTENSION`] together, with their names (V4.3.1 source: one field of 512 bytes).
const EXTENSION_LIMIT: usize = 511;
/// The keys that share one field of the server.
const EXTENSION: [&str; 3] = ["appid", "s3_region", "delete_mode"];
/// The maximum length of the part after `?` for V2 and V3, in bytes (source of 3.1).
const V2_V3_INFO_LIMIT: usize = 255;
const V2_V3_VALUE_LIMIT: usize = 127;

const INFO: &str = "the part after ?";

impl Destination {
    /// Checks that a statement to a server of this version can hold the destination, with its access key where that is given.
    /// Without one, keys are not checked.
    ///
    /// # Errors
    /// The server would refuse it (1210, 9026) or misread it. No message repeats a value.
    pub fn carried_by(&self, version: &Version, access_key: Option<&Secret>) -> Result<(), DestinationError> {
        self.check()?;
        if version.line().0 < 4 {
            return self.check_v2_v3(access_key);
        }
        if let Some(key) = access_key {
            Self::check_access_key(key)?;
        }
        // V4.2.3 and V4.3.0 source: older ones know no such key.
        if self.attribute("checksum_type").is_some() && version.numbers < [4, 2, 3, 0] {
            return Err(DestinationError::NotYetKnown { key: "checksum_type", since: "V4.2.3" });
        }
        let limit = if version.numbers < [4, 3, 5, 0] { OLDER_INFO_LIMIT } else { INFO_LIMIT };
        uri::check_bytes(INFO, self.info_bytes(access_key), limit)?;
        uri::check_bytes("the whole destination", self.bytes(access_key), URI_LIMIT)
    }

    /// Checks that V2.2.60 to V3.2 accept this destination: a directory without keys, or OSS or COS within shorter limits.
    ///
    /// # Errors
    /// They do not; the server would answer 9026 or 1235.
    pub fn check_v2_v3(&self, access_key: Option<&Secret>) -> Result<(), DestinationError> {
        if !matches!(self.kind, StorageKind::File | StorageKind::Oss | StorageKind::Cos) {
            return Err(DestinationError::NotOnThisLine(self.kind));
        }
        if let (StorageKind::File, Some(token)) = (self.kind, self.tokens.first()) {
            return Err(DestinationError::NotForKind { kind: self.kind, key: key_of(token).into() });
        }
        if let Some(key) = access_key {
            uri::check_text(ACCESS_KEY, key.expose(), V2_V3_VALUE_LIMIT)?;
        }
        for key in ["host", "access_id"] {
            uri::check_length(key, self.attribute(key).unwrap_or_default(), V2_V3_VALUE_LIMIT)?;
        }
        uri::check_bytes(INFO, self.info_bytes(access_key), V2_V3_INFO_LIMIT)
    }

    /// Whether any statement can carry an access key.
    ///
    /// # Errors
    /// A character that the server's lexer breaks on, or more bytes than it has room for.
    pub fn check_access_key(key: &Secret) -> Result<(), DestinationError> {
        uri::check_text(ACCESS_KEY, key.expose(), KEY_LIMIT)
    }

    /// Every rule of the server that can be known before it is asked, whichever version of V4 it is.
    pub(super) fn check(&self) -> Result<(), DestinationError> {
        uri::refuse_credential(&self.uri_without_attributes())?;
        uri::check_path(self.kind, &self.path)?;
        uri::check_length("the path", &self.uri_without_attributes(), PATH_LIMIT)?;
        for token in &self.tokens {
            let key = key_of(token);
            if self.tokens.iter().filter(|other| key_of(other) == key).count() > 1 {
                return Err(DestinationError::Repeated(key.into()));
            }
            let value = token.split_once('=').map_or("", |(_, value)| value);
            match kind::key_spec(key) {
                None => uri::check_text(key, value, INFO_LIMIT)?,
                Some(known) => self.check_known(&known, value)?,
            }
        }
        let together: Vec<&str> =
            self.tokens.iter().map(String::as_str).filter(|token| EXTENSION.contains(&key_of(token))).collect();
        uri::check_length(
            &format!("what {} say together", EXTENSION.join(", ")),
            &together.join("&"),
            EXTENSION_LIMIT,
        )?;
        uri::check_bytes(INFO, self.info_bytes(None), INFO_LIMIT)?;
        uri::check_bytes("the whole destination", self.bytes(None), URI_LIMIT)
    }

    /// The bytes of the whole URI.
    pub(super) fn bytes(&self, access_key: Option<&Secret>) -> usize {
        let info = self.info_bytes(access_key);
        self.uri_without_attributes().len() + if info == 0 { 0 } else { "?".len() + info }
    }

    /// The bytes behind `?`, counted without a copy of the key.
    fn info_bytes(&self, access_key: Option<&Secret>) -> usize {
        let key = access_key.map(|key| "access_key=".len() + key.expose().len());
        let parts: Vec<usize> = self.tokens.iter().map(String::len).chain(key).collect();
        parts.iter().sum::<usize>() + parts.len().saturating_sub(1)
    }
}
