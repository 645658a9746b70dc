//! Completes the choices of a backup from the inventory.

use crate::config::inventory::{Addressing, Cluster, Storage, StorageKind, Strategy};
use crate::domain::choices::{Choices, Compact, StorageSource, Wanted};
use crate::domain::target::TargetName;

/// Adds the strategies of a cluster to the choices, those that name tenants first.
#[must_use]
pub fn with_strategies(mut choices: Choices, cluster: &Cluster) -> Choices {
    let (named, whole): (Vec<_>, Vec<_>) = cluster.strategies.iter().partition(|strategy| strategy.tenants.is_some());
    for strategy in named.into_iter().chain(whole) {
        choices.fallbacks.push(Wanted {
            data: Some(storage_uri(&strategy.storage)),
            archive: strategy.archive.as_ref().map(storage_uri),
            access_id: strategy.storage.access_id.clone(),
            access_key: strategy.storage.access_key.clone(),
            source: StorageSource::Strategy,
            tenants: strategy.tenants.clone(),
        });
    }
    choices
}

/// Returns the compaction policy of the target's strategy; `Lost` if the inventory has none.
#[must_use]
pub fn inventory_compaction(cluster: &Cluster, tenant: Option<&str>) -> Option<Compact> {
    cluster.strategy_for(tenant).map(strategy_compaction)
}

/// Returns the compaction policy of a strategy.
#[must_use]
pub fn strategy_compaction(strategy: &Strategy) -> Compact {
    if strategy.automatic_major_compaction { Compact::Auto } else { Compact::Never }
}

/// Returns the default compaction policy: that of the first target's strategy, else never.
#[must_use]
pub fn default_compaction(cluster: &Cluster, targets: &[TargetName]) -> Compact {
    inventory_compaction(cluster, targets.first().and_then(TargetName::tenant)).unwrap_or(Compact::Never)
}

/// Returns the server's URI of an inventory storage, without its key.
fn storage_uri(storage: &Storage) -> String {
    let path = storage.path.as_deref().unwrap_or_default();
    if storage.kind == StorageKind::File {
        return format!("file://{path}");
    }
    // OBS is reached as S3 by every line that knows it.
    let scheme = match storage.kind {
        StorageKind::Obs => "s3",
        kind => kind.word(),
    };
    let bucket = storage.bucket.as_deref().unwrap_or_default();
    let mut attributes = vec![format!("host={}", storage.endpoint.as_deref().unwrap_or_default())];
    attributes.extend(storage.access_id.as_ref().map(|id| format!("access_id={id}")));
    attributes.extend(storage.app_id.as_ref().map(|id| format!("appid={id}")));
    attributes.extend(storage.region.as_ref().map(|region| format!("s3_region={region}")));
    attributes.extend(storage.addressing.map(|addressing| match addressing {
        Addressing::VirtualHostedStyle => "addressing_model=virtual_hosted_style".to_owned(),
        Addressing::PathStyle => "addressing_model=path_style".to_owned(),
    }));
    format!("{scheme}://{bucket}/{}?{}", path.trim_start_matches('/'), attributes.join("&"))
}
