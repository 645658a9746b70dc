//! The inventory as the front ends show it: every cluster before it has answered, and no secret.

use super::{AppContext, choices_from_inventory};
use crate::domain::choices::{Choices, CompactionChoice, Mode, RequestedStorage};
use crate::domain::fault::Fault;
use crate::domain::secret::SecretSource;
use crate::domain::target::TargetName;

/// The inventory as a front end shows it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InventorySummary {
    /// Its clusters, in its order.
    pub clusters: Vec<ClusterSummary>,
    /// Whether there is an inventory at all.
    pub has_inventory: bool,
    /// Where it is, or would be.
    pub path: String,
}

/// One cluster of the inventory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterSummary {
    /// Its name.
    pub name: TargetName,
    /// Its environment, such as `prod`.
    pub environment: Option<String>,
    /// Its endpoints, as `host:port`.
    pub endpoints: Vec<String>,
    /// The login.
    pub user: String,
    /// The inventory names no source of the password: it must be typed.
    pub is_password_typed: bool,
    /// The ssh user of its servers; `None`: a Test does not ask them.
    pub ssh_user: Option<String>,
    /// Seconds beyond which a last good backup is OLD.
    pub max_backup_age: Option<u64>,
    /// Where backups go if the cluster itself names no destination, best first.
    pub fallbacks: Vec<RequestedStorage>,
    /// What the strategies say about a needed major compaction, each for its tenants (Lost: all of them).
    pub compactions: Vec<(Option<Vec<String>>, CompactionChoice)>,
}

impl ClusterSummary {
    /// Returns the compaction policy of a tenant's strategy; `None` if there is none.
    #[must_use]
    pub fn compaction(&self, tenant: Option<&str>) -> Option<CompactionChoice> {
        let is_for = |tenants: &Option<Vec<String>>| {
            tenants.as_ref().is_some_and(|names| names.iter().any(|name| Some(name.as_str()) == tenant))
        };
        let own = self.compactions.iter().find(|(tenants, _)| is_for(tenants));
        own.or_else(|| self.compactions.iter().find(|(tenants, _)| tenants.is_none())).map(|(_, compact)| *compact)
    }
}

/// Summarizes the inventory of a context.
///
/// # Errors
/// A cluster whose name cannot be a target.
pub fn summarize(context: &AppContext) -> Result<InventorySummary, Fault> {
    let mut clusters = Vec::with_capacity(context.inventory.clusters.len());
    for cluster in &context.inventory.clusters {
        let name = context.target(cluster)?;
        let choices = choices_from_inventory::with_strategies(Choices::new(vec![name.clone()], Mode::Full), cluster);
        clusters.push(ClusterSummary {
            name,
            environment: cluster.environment.clone(),
            endpoints: cluster.endpoints.iter().map(ToString::to_string).collect(),
            user: cluster.user.clone(),
            is_password_typed: matches!(cluster.password, None | Some(SecretSource::Prompt)),
            ssh_user: cluster.ssh.as_ref().map(|ssh| ssh.user.clone()),
            max_backup_age: cluster.max_backup_age.map(|age| age.as_secs()),
            fallbacks: choices.fallbacks,
            compactions: cluster
                .strategies
                .iter()
                .map(|strategy| (strategy.tenants.clone(), choices_from_inventory::strategy_compaction(strategy)))
                .collect(),
        });
    }
    Ok(InventorySummary {
        clusters,
        has_inventory: context.has_inventory,
        path: context.directories.config.display().to_string(),
    })
}
