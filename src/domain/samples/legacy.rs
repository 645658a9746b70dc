//! Facts for tests: a V2 or V3 cluster `legacy` with the tenants sys, `pay` and `order`, which archives and has one full set.

use super::{ago, cluster, full, place, round, tenant};
use crate::domain::archive_dest::ArchiveDest;
use crate::domain::cluster_backup::{
    ClusterBackupFacts, ClusterBackupRules, ClusterRole, CompactionFacts, CompactionRule, ZoneCompaction,
};
use crate::domain::facts::{BaseRule, Facts, Known, TenantFacts};
use crate::domain::restorable::BackupSet;
use crate::domain::samples::target;
use crate::domain::version::Detected;

fn of_the_cluster(id: u64, name: &str) -> TenantFacts {
    let mut tenant = tenant(id, name);
    let dest = place("file:///backup");
    tenant.data_version = None;
    tenant.data_destination = Some(dest.clone());
    tenant.archive.log_mode_on = None;
    tenant.archive.destination = Some(ArchiveDest::new(dest));
    tenant.archive.current = Some(round("DOING"));
    tenant.base = BaseRule::Round { most: 64 };
    tenant.sets = vec![BackupSet { path: "file:///backup".into(), data_version: Some("4".into()), ..full(1) }];
    tenant
}

/// Returns the cluster in this release, with this compaction rule and a last major freeze `frozen` seconds ago. Its archive
/// round began 9000 s ago.
pub fn legacy(version: &str, compaction: CompactionRule, frozen: u64) -> Facts {
    let mut facts = cluster(vec![of_the_cluster(1_001, "pay"), of_the_cluster(1_002, "order")]);
    facts.tenants.retain(|tenant| tenant.id == 1 || tenant.id > 1_000 && !tenant.name.starts_with("META"));
    facts.cluster.target = target("legacy");
    facts.cluster.version = Detected::read(&format!("OceanBase {version}")).unwrap().version;
    for tenant in &mut facts.tenants {
        tenant.version = facts.cluster.version;
    }
    if let Known::Known(servers) = &mut facts.cluster.servers {
        for server in servers {
            server.build = version.replace('-', "_");
        }
    }
    let zone = |zone: &str| ZoneCompaction { zone: zone.into(), merged_version: 5, merging: false };
    facts.cluster.cluster_backup = Some(Box::new(ClusterBackupFacts {
        rules: ClusterBackupRules { compaction, most_increments: 64 },
        role: Known::Known(ClusterRole { word: "PRIMARY".into(), primary: None }),
        destinations: vec![Some(place("file:///backup"))],
        has_second_copy: false,
        status: "STOP".into(),
        cleanup: Known::Known(None),
        compaction: Known::Known(CompactionFacts {
            enabled: true,
            frozen_version: 5,
            frozen_at: ago(frozen),
            broadcast_version: 5,
            merged_version: 5,
            status: "IDLE".into(),
            has_error: false,
            zones: vec![zone("z1"), zone("z2")],
            last_took: Some(6_720),
            backed_up_version: Some(4),
        }),
        without_gts: Known::NotChecked("nobody says".into()),
    }));
    facts
}

/// Returns what the cluster has once (its one backup job, its compaction), so that a test can change it.
pub fn whole(facts: &mut Facts) -> &mut ClusterBackupFacts {
    facts.cluster.cluster_backup.as_deref_mut().unwrap()
}
