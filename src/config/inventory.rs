//! The inventory: the clusters that a user has described. The types are flat, so that an error keeps its position in the file.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::values::{login, maybe_span, source, span};
use crate::domain::connection::TlsMode;
use crate::domain::endpoint::Endpoint;
use crate::domain::secret::SecretSource;

/// The complete file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Inventory {
    /// The clusters that are reached over the `MySQL` protocol.
    pub clusters: Vec<Cluster>,
    /// The OCP servers, each of which lists clusters of its own.
    pub ocp: Vec<Ocp>,
    /// The limits of waiting.
    pub limits: Limits,
}

/// A cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cluster {
    /// The name of the cluster on the command line; without `/`.
    pub name: String,
    /// The environment, which colours the header. With `prod`, effects that interrupt are confirmed by typing the target's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// The observers or `OBProxy` servers, tried in this order; never empty.
    pub endpoints: Vec<Endpoint>,
    /// The user to log in as: `root@sys`, `root@sys#cluster`, or a tenant's own administrator.
    pub user: String,
    /// The source of the password, or that there is none; the user is asked for it where this is absent.
    #[serde(default, with = "login", skip_serializing_if = "Option::is_none")]
    pub password: Option<SecretSource>,
    /// The encryption of the connection.
    #[serde(default)]
    pub tls: Tls,
    /// The path of the dump tool for this cluster; searched for on PATH where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mydumper: Option<PathBuf>,
    /// How a storage Test reaches every server; absent: it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ssh: Option<Ssh>,
    /// The age beyond which the last good backup is shown as OLD.
    #[serde(default, with = "maybe_span", skip_serializing_if = "Option::is_none")]
    pub max_backup_age: Option<Duration>,
    /// The destinations to use where the cluster itself has none set.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub strategies: Vec<Strategy>,
}

impl Cluster {
    /// Returns the strategy that names the tenant, otherwise the one without a list of tenants. For None, only the latter counts.
    #[must_use]
    pub fn strategy_for(&self, tenant: Option<&str>) -> Option<&Strategy> {
        let named = |strategy: &&Strategy| {
            strategy.tenants.as_ref().is_some_and(|names| names.iter().any(|name| Some(name.as_str()) == tenant))
        };
        self.strategies
            .iter()
            .find(named)
            .or_else(|| self.strategies.iter().find(|strategy| strategy.tenants.is_none()))
    }
}

/// The encryption of a connection.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// How strictly encryption is required.
    #[serde(default)]
    pub mode: TlsMode,
    /// A PEM file of certificate authorities.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<PathBuf>,
}

/// How the servers of a cluster are reached over ssh.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ssh {
    /// The user to log in as.
    pub user: String,
}

/// The destinations of backups, for some tenants or the full cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Strategy {
    /// The tenants that it is for; absent: the full cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenants: Option<Vec<String>>,
    /// The storage of the data.
    pub storage: Storage,
    /// The storage of the log archive; absent: derived from `storage`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub archive: Option<Storage>,
    /// Whether a full backup that needs a major compaction may perform it (R5); absent: false.
    #[serde(default)]
    pub automatic_major_compaction: bool,
}

/// A storage of backups, as data. Which fields it must and may have depends on the kind, and is checked when the file
/// is read: `file` has only a path, and the others always have bucket and endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Storage {
    /// The kind of storage.
    pub kind: StorageKind,
    /// The directory (`file`), or the path inside the bucket; it may have template variables.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The bucket (azblob: the container).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bucket: Option<String>,
    /// The host of the service, with or without a scheme.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// The region, where the service requires one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// The id of the access key: a name, not a secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_id: Option<String>,
    /// The source of the access key; the user is asked for it where this is absent.
    #[serde(default, with = "source", skip_serializing_if = "Option::is_none")]
    pub access_key: Option<SecretSource>,
    /// The APPID of COS; no other kind has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app_id: Option<String>,
    /// How the bucket is addressed, for services that allow both ways (s3, obs).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub addressing: Option<Addressing>,
}

/// The kinds of storage that servers of any release line support.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StorageKind {
    /// A directory that every server mounts.
    File,
    /// Amazon S3, and services that are compatible with it.
    S3,
    /// Alibaba Cloud OSS.
    Oss,
    /// Tencent Cloud COS.
    Cos,
    /// Huawei Cloud OBS.
    Obs,
    /// Azure Blob Storage.
    Azblob,
}

impl StorageKind {
    /// Returns the word in the inventory.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::S3 => "s3",
            Self::Oss => "oss",
            Self::Cos => "cos",
            Self::Obs => "obs",
            Self::Azblob => "azblob",
        }
    }
}

/// How a bucket is addressed (`addressing_model` of the server).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Addressing {
    /// `https://bucket.host/`, the server's default.
    VirtualHostedStyle,
    /// `https://host/bucket/`, as `MinIO` requires it.
    PathStyle,
}

/// An OCP server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ocp {
    /// The name of the OCP server in obnow; no cluster has the same.
    pub name: String,
    /// The address, `https://host:port`, without a login in it.
    pub url: String,
    /// The user of Basic authentication; either this or `access_key_id` is set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The source of the password, or that there is none; the user is asked for it where this is absent.
    #[serde(default, with = "login", skip_serializing_if = "Option::is_none")]
    pub password: Option<SecretSource>,
    /// The id of the key of AK/SK authentication.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_key_id: Option<String>,
    /// The source of the key's secret; the user is asked for it where this is absent.
    #[serde(default, with = "source", skip_serializing_if = "Option::is_none")]
    pub access_key_secret: Option<SecretSource>,
}

/// The limits of waiting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// The time to wait for a connection.
    #[serde(with = "span")]
    pub connect: Duration,
    /// The time to wait for the answer to one statement.
    #[serde(with = "span")]
    pub statement: Duration,
    /// The interval at which a running job is observed.
    #[serde(with = "span")]
    pub poll: Duration,
    /// The time without progress after which a job counts as stalled.
    #[serde(with = "span")]
    pub stall: Duration,
    /// The time to wait for the log archive to reach the end of a backup.
    #[serde(with = "span")]
    pub archive_wait: Duration,
    /// The interval of a runner's heartbeats. A runner that misses three counts as not answering on this host, and as gone
    /// on another.
    #[serde(with = "span")]
    pub heartbeat: Duration,
    /// The time to wait for the server's proof from the storage (`RESTORE ... PREVIEW`).
    #[serde(with = "span")]
    pub proof: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            statement: Duration::from_secs(30),
            poll: Duration::from_secs(1),
            stall: Duration::from_mins(5),
            archive_wait: Duration::from_mins(10),
            heartbeat: Duration::from_secs(10),
            proof: Duration::from_mins(5),
        }
    }
}
