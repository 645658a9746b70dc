//! Who a cluster is: its id is a number that people choose, so the moment its tenants were created goes with it (R8).

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::facts::{ClusterFacts, Facts};

#[cfg(test)]
mod tests;

/// When the tenant was created that a login sees a cluster from: sys, or its administrator's own tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Created {
    /// The tenant's id; 1 is sys.
    pub tenant: u64,
    /// When, to the microsecond (V4: `DBA_OB_TENANTS.CREATE_TIME`; below: `__all_tenant.gmt_create`).
    pub at: Timestamp,
}

impl Created {
    /// Whether this tells of another cluster than the other one does. Of two tenants nobody can say.
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

/// Which cluster and which server line a plan was made for; compared again before anything is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterIdentity {
    /// The name in the inventory.
    pub name: String,
    /// The cluster's id.
    pub id: Option<u64>,
    /// The version and build, as shown.
    pub version: String,
    /// When its sys tenant, or the login's own, was created; None: not known, and the id says it alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<Created>,
}

impl ClusterIdentity {
    /// The cluster of these facts.
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

    /// Whether these facts are of another cluster. What is not known on one side tells nothing.
    #[must_use]
    pub fn is_another(&self, cluster: &ClusterFacts) -> bool {
        self.id.zip(cluster.id).is_some_and(|(id, now)| id != now)
            || self.created.zip(cluster.created.get().copied()).is_some_and(|(then, now)| then.is_another(now))
    }
}

/// Why a cluster that was created then is not the one that was confirmed; None: nothing says so.
#[must_use]
pub fn another_creation(confirmed: Option<Created>, found: Option<Created>) -> Option<String> {
    let (confirmed, found) = confirmed.zip(found).filter(|(confirmed, found)| confirmed.is_another(*found))?;
    Some(format!("It was created at {found}, and one created at {confirmed} was confirmed."))
}
