//! The kinds of storage: their keys, and the versions that support them.

use serde::{Deserialize, Serialize};

use crate::domain::version::{Engine, Version};

/// A kind of storage that OceanBase can write to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StorageKind {
    /// A directory that is mounted on every server, usually by NFS.
    File,
    /// Alibaba Cloud OSS.
    Oss,
    /// Tencent Cloud COS.
    Cos,
    /// S3 and services with its protocol: OBS, GCS, `MinIO`.
    S3,
    /// Azure Blob Storage.
    Azblob,
}

use StorageKind::{Azblob, Cos, File, Oss, S3};

impl StorageKind {
    /// All kinds, in the order in which they are offered.
    pub const ALL: [Self; 5] = [File, Oss, Cos, S3, Azblob];

    /// Returns the text before `://`.
    #[must_use]
    pub const fn scheme(self) -> &'static str {
        match self {
            File => "file",
            Oss => "oss",
            Cos => "cos",
            S3 => "s3",
            Azblob => "azblob",
        }
    }

    /// Returns the kind of a scheme; the server accepts lower case only.
    #[must_use]
    pub fn from_scheme(scheme: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.scheme() == scheme)
    }

    /// Returns the keys that have to be in the URI, besides the access key.
    pub(super) const fn needed(self) -> &'static [&'static str] {
        match self {
            File => &[],
            Cos => &["host", "access_id", "appid"],
            Oss | S3 | Azblob => &["host", "access_id"],
        }
    }

    /// Checks that a version can back up to this kind (V4.2.5 and V4.3.3 docs, overview: backup media). No SQL tells which kinds
    /// a server supports, so the version decides.
    ///
    /// # Errors
    /// A sentence with the first version that supports it.
    pub fn supported_by(self, version: &Version) -> Result<(), String> {
        if version.engine == Engine::Seekdb {
            return Err(format!("{version} has no physical backup."));
        }
        let [major, minor, patch, fourth] = version.numbers;
        let since = match self {
            File | Oss => return Ok(()),
            // On V2 and V3 the Enterprise Edition knows COS.
            Cos if major < 4 || version.numbers >= [4, 2, 1, 0] => return Ok(()),
            Cos => "V4.2.1",
            S3 => {
                let known = match (major, minor) {
                    (..4, _) | (4, ..2) => false,
                    (4, 2) => patch >= 3 || (patch == 1 && fourth >= 7),
                    _ => true,
                };
                if known {
                    return Ok(());
                }
                "V4.2.1.7, V4.2.3 and V4.3.0"
            }
            Azblob => {
                let known = match (major, minor) {
                    (..4, _) | (4, ..2) => false,
                    (4, 2) => (patch, fourth) >= (5, 6),
                    (4, 3) => (patch, fourth) >= (5, 3),
                    _ => true,
                };
                if known {
                    return Ok(());
                }
                "V4.2.5.6 and V4.3.5.3"
            }
        };
        Err(format!("{version} does not back up to {self}; that is supported since {since}."))
    }
}

impl std::fmt::Display for StorageKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.scheme())
    }
}

/// The rules for a key of the part after `?`.
pub(super) struct KeySpec {
    pub key: &'static str,
    pub kinds: &'static [StorageKind],
    /// The maximum length of a value, in bytes.
    pub limit: usize,
    /// The allowed values; empty: any.
    pub values: &'static [&'static str],
    /// The server's value where the key is absent.
    pub default: Option<&'static str>,
}

impl KeySpec {
    /// Returns whether a value is allowed.
    pub fn takes(&self, value: &str) -> bool {
        self.values.is_empty() || self.values.contains(&value)
    }
}

const OBJECT: &[StorageKind] = &[Oss, Cos, S3, Azblob];
const EXTENSION: usize = 511;

/// Returns the rules for a key (V4.3.1 source: `ObStorageInfo`, whose fields hold `key=` too, and docs `ALTER SYSTEM SET
/// DATA_BACKUP_DEST`).
pub(super) fn key_spec(key: &str) -> Option<KeySpec> {
    let free = |key, kinds, limit| KeySpec { key, kinds, limit, values: &[], default: None };
    let one_of = |key, kinds, values, default| KeySpec { key, kinds, limit: EXTENSION, values, default };
    Some(match key {
        "host" => free("host", OBJECT, 250),
        "access_id" => free("access_id", OBJECT, 245),
        "appid" => free("appid", &[Cos], EXTENSION),
        "s3_region" => free("s3_region", &[S3], 127),
        "delete_mode" => one_of("delete_mode", OBJECT, &["delete", "tagging"], Some("delete")),
        "addressing_model" => {
            one_of("addressing_model", &[S3], &["virtual_hosted_style", "path_style"], Some("virtual_hosted_style"))
        }
        "checksum_type" => one_of("checksum_type", OBJECT, &["no_checksum", "md5", "crc32"], Some("md5")),
        "enable_worm" => one_of("enable_worm", &[Oss], &["true", "false"], Some("false")),
        "role_arn" => free("role_arn", &[Oss, Cos, S3], 255),
        "external_id" => free("external_id", &[Oss, Cos, S3], 127),
        "max_iops" => free("max_iops", OBJECT, EXTENSION),
        "max_bandwidth" => free("max_bandwidth", OBJECT, EXTENSION),
        "zone" => free("zone", &StorageKind::ALL, EXTENSION),
        "idc" => free("idc", &StorageKind::ALL, EXTENSION),
        "region" => free("region", &StorageKind::ALL, EXTENSION),
        _ => return None,
    })
}
