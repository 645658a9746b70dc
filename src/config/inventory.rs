//! The inventory: what a person wrote about his clusters. Flat types, so that an error keeps its place in the file.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::values::{login, maybe_span, source, span};
use crate::domain::connection::TlsMode;
use crate::domain::endpoint::Endpoint;
use crate::domain::secret::SecretSource;

/// The whole file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Inventory {
    /// Clusters reached over the `MySQL` protocol.
    pub clusters: Vec<Cluster>,
    /// OCP servers, each of which knows clusters of its own.
    pub ocp: Vec<Ocp>,
    /// How long to wait for what.
    pub limits: Limits,
}

/// One cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cluster {
    /// The name it is called by on the command line; without `/`.
    pub name: String,
    /// Colours the header; `prod` makes effects that interrupt ask for the target's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// Observers or `OBProxy`, tried in this order; never empty.
    pub endpoints: Vec<Endpoint>,
    /// `root@sys`, `root@sys#cluster`, or a tenant's own administrator.
    pub user: String,
    /// Where its password is found, or that it has none; asked for when absent.
    #[serde(default, with = "login", skip_serializing_if = "Option::is_none")]
    pub password: Option<SecretSource>,
    /// Encryption of the connection.
    #[serde(default)]
    pub tls: Tls,
    /// The dump tool of this cluster; found on PATH when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mydumper: Option<PathBuf>,
    /// Lets Test ask every server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ssh: Option<Ssh>,
    /// A last good backup older than this is shown as OLD.
    #[serde(default, with = "maybe_span", skip_serializing_if = "Option::is_none")]
    pub max_backup_age: Option<Duration>,
    /// Used where the cluster itself has no destination set.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub strategies: Vec<Strategy>,
}

impl Cluster {
    /// The strategy that names the tenant, else the one for the whole cluster; for `Lost` only the latter.
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

/// Encryption of a connection.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// How much is asked for.
    #[serde(default)]
    pub mode: TlsMode,
    /// A file of certificate authorities, PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<PathBuf>,
}

/// How the servers of a cluster are reached by ssh.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ssh {
    /// The user to log in as.
    pub user: String,
}

/// Where backups go, for some tenants or the whole cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Strategy {
    /// The tenants it is for; absent: the whole cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenants: Option<Vec<String>>,
    /// Where data goes.
    pub storage: Storage,
    /// Where the log archive goes; absent: derived from `storage`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub archive: Option<Storage>,
    /// Whether a full backup that needs a major compaction may perform it; absent: false.
    #[serde(default)]
    pub automatic_major_compaction: bool,
}

/// A place for backups, as data. Which fields must and may be there follows from the kind, and is checked when the
/// file is read: `file` has only a path, the others never lack bucket and endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Storage {
    /// What kind of storage.
    pub kind: StorageKind,
    /// A directory (`file`), or the path inside the bucket; may hold template variables.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The bucket (azblob: the container).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bucket: Option<String>,
    /// The host of the service, with or without a scheme.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// The region, where the service wants one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// The access key id: a name, not a secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_id: Option<String>,
    /// Where the access key is found; asked for when absent.
    #[serde(default, with = "source", skip_serializing_if = "Option::is_none")]
    pub access_key: Option<SecretSource>,
    /// COS only: the APPID.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app_id: Option<String>,
    /// How the bucket is addressed, where the service leaves the choice (s3, obs).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub addressing: Option<Addressing>,
}

/// The kinds of storage a server of any line may know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StorageKind {
    /// A directory that every server mounts.
    File,
    /// Amazon S3, and what speaks like it.
    S3,
    /// Alibaba Cloud.
    Oss,
    /// Tencent Cloud.
    Cos,
    /// Huawei Cloud.
    Obs,
    /// Azure Blob.
    Azblob,
}

impl StorageKind {
    /// The word in the inventory.
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
    /// `https://host/bucket/`, as `MinIO` wants it.
    PathStyle,
}

/// One OCP server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ocp {
    /// The name it is called by; no cluster has the same.
    pub name: String,
    /// `https://host:port`, without a login in it.
    pub url: String,
    /// The user for Basic authentication; this or `access_key_id`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Where its password is found, or that it has none; asked for when absent.
    #[serde(default, with = "login", skip_serializing_if = "Option::is_none")]
    pub password: Option<SecretSource>,
    /// The key id for AK/SK authentication.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_key_id: Option<String>,
    /// Where its secret is found; asked for when absent.
    #[serde(default, with = "source", skip_serializing_if = "Option::is_none")]
    pub access_key_secret: Option<SecretSource>,
}

/// How long to wait for what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// For a connection.
    #[serde(with = "span")]
    pub connect: Duration,
    /// For the answer to one statement.
    #[serde(with = "span")]
    pub statement: Duration,
    /// Between two looks at a running job.
    #[serde(with = "span")]
    pub poll: Duration,
    /// Without any movement before a job is called stalled.
    #[serde(with = "span")]
    pub stall: Duration,
    /// For the archive to reach the end of a backup.
    #[serde(with = "span")]
    pub archive_wait: Duration,
    /// Between two heartbeats of a runner; one of this host that misses three is said not to answer, one elsewhere to be gone.
    #[serde(with = "span")]
    pub heartbeat: Duration,
    /// For the server's look at a storage.
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
