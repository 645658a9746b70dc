//! The target of a backup, as a user names it: a cluster, or one of its tenants.

use serde::{Deserialize, Serialize};

#[cfg(test)]
mod tests;

/// Whether a target is a cluster or one tenant of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TargetKind {
    /// All tenants of a cluster that may be backed up.
    Cluster,
    /// One tenant.
    Tenant,
}

impl std::fmt::Display for TargetKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Cluster => "cluster",
            Self::Tenant => "tenant",
        })
    }
}

/// `cluster` or `cluster/tenant`, on the command line, in plan files and in JSON (where it is that text).
///
/// The names are the server's and may hold any script, dots and dashes; only `/` separates, so no name contains it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TargetName {
    cluster: String,
    tenant: Option<String>,
}

/// The reason why a text is not the name of a target.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TargetNameError {
    /// The text is empty.
    #[error("A target is missing. Name a cluster, or a tenant as cluster/tenant.")]
    Empty,
    /// There is no text before the slash.
    #[error("\"{0}\" has no cluster before the slash. Write cluster/tenant.")]
    NoCluster(String),
    /// There is no text after the slash.
    #[error("\"{0}\" has no tenant behind the slash. Write cluster/tenant, or the cluster alone.")]
    NoTenant(String),
    /// There is more than one slash.
    #[error("\"{0}\" has more than one slash. Write cluster/tenant; a name contains no slash.")]
    TooManyParts(String),
    /// A name begins or ends with a space, or has a control character: a slip of the keyboard or of a script.
    #[error("\"{0}\" has a space at the end of a name, or a control character in it. Take it out.")]
    Blank(String),
}

impl TargetName {
    /// Returns a cluster as a target.
    ///
    /// # Errors
    /// The name is empty, contains a slash or a control character, or begins or ends with white space.
    pub fn cluster_named(cluster: &str) -> Result<Self, TargetNameError> {
        Ok(Self { cluster: checked(cluster, cluster, TargetNameError::Empty)?, tenant: None })
    }

    /// Returns a tenant as a target.
    ///
    /// # Errors
    /// As [`TargetName::cluster_named`], for either name.
    pub fn tenant_named(cluster: &str, tenant: &str) -> Result<Self, TargetNameError> {
        let whole = format!("{cluster}/{tenant}");
        let cluster = checked(cluster, &whole, TargetNameError::NoCluster(shown(&whole)))?;
        let tenant = checked(tenant, &whole, TargetNameError::NoTenant(shown(&whole)))?;
        Ok(Self { cluster, tenant: Some(tenant) })
    }

    /// Returns the cluster's name.
    #[must_use]
    pub fn cluster(&self) -> &str {
        &self.cluster
    }

    /// Returns the tenant's name; None: the target is a cluster.
    #[must_use]
    pub fn tenant(&self) -> Option<&str> {
        self.tenant.as_deref()
    }

    /// Whether the target is a cluster or a tenant.
    #[must_use]
    pub fn kind(&self) -> TargetKind {
        if self.tenant.is_some() { TargetKind::Tenant } else { TargetKind::Cluster }
    }
}

fn checked(name: &str, whole: &str, empty: TargetNameError) -> Result<String, TargetNameError> {
    if name.is_empty() {
        Err(empty)
    } else if name.contains('/') {
        Err(TargetNameError::TooManyParts(shown(whole)))
    } else if name != name.trim() || name.chars().any(char::is_control) {
        Err(TargetNameError::Blank(shown(whole)))
    } else {
        Ok(name.to_owned())
    }
}

/// Returns the text for an error message, without control characters, so that it cannot drive the terminal.
fn shown(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '?' } else { c }).collect()
}

impl std::str::FromStr for TargetName {
    type Err = TargetNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once('/') {
            None => Self::cluster_named(text),
            Some((cluster, tenant)) => Self::tenant_named(cluster, tenant),
        }
    }
}

impl TryFrom<String> for TargetName {
    type Error = TargetNameError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<TargetName> for String {
    fn from(name: TargetName) -> Self {
        name.to_string()
    }
}

impl std::fmt::Display for TargetName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.tenant {
            None => f.write_str(&self.cluster),
            Some(tenant) => write!(f, "{}/{tenant}", self.cluster),
        }
    }
}
