//! The identity of a cluster: its id is a number that people choose, so the creation time of its tenants goes with it (R8).

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::facts::{ClusterFacts, Facts};

#[cfg(test)]
mod tests;

/// The creation of the tenant that a login sees a cluster from: sys, or the tenant of its administrator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Created {
    /// The tenant's id; 1 is sys.
    pub tenant: u64,
    /// The time, to the microsecond (V4: `DBA_OB_TENANTS.CREATE_TIME`; below: `__all_tenant.gmt_create`).
    pub at: Timestamp,
}

impl Created {
    /// Returns whether both prove that there are two clusters. Creations of two different tenants prove nothing.
    #[must_use]
    pub fn is_another(self, other: Self) -> bool {
        self.tenant == other.tenant && self.at != other.at
    }
}

impl std::fmt::Display for Created {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.tenant {
            1 => write!(f, "{}", self.at),
            tenant => write!(f, "{} (tenant {tenant})", self.at),
        }
    }
}

/// The cluster and release that a plan was made for; compared again before anything is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterIdentity {
    /// The name in the inventory.
    pub name: String,
    /// The cluster's id.
    pub id: Option<u64>,
    /// The version and build, as displayed.
    pub version: String,
    /// The creation of its sys tenant, or of the login's own; `None`: not known, and the id alone identifies it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<Created>,
}

impl ClusterIdentity {
    /// Returns the identity of the cluster of these facts.
    #[must_use]
    pub fn of(facts: &Facts) -> Self {
        let cluster = &facts.cluster;
        Self {
            name: cluster.name().to_owned(),
            id: cluster.id,
            version: cluster.version.with_build(),
            created: cluster.created.get().copied(),
        }
    }

    /// Returns whether these facts are about another cluster. What is not known on one side proves nothing.
    #[must_use]
    pub fn is_another(&self, cluster: &ClusterFacts) -> bool {
        self.id.zip(cluster.id).is_some_and(|(id, now)| id != now)
            || self.created.zip(cluster.created.get().copied()).is_some_and(|(then, now)| then.is_another(now))
    }
}

/// Returns why a cluster with this creation is not the confirmed one; `None`: nothing proves it.
#[must_use]
pub fn another_creation(confirmed: Option<Created>, found: Option<Created>) -> Option<String> {
    let (confirmed, found) = confirmed.zip(found).filter(|(confirmed, found)| confirmed.is_another(*found))?;
    Some(format!("It was created at {found}, and one created at {confirmed} was confirmed."))
}
