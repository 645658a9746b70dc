//! The state that only a cluster of V2.2 or V3 has: major freezes and merges of the whole cluster, parameters that reach its
//! servers one after the other, its role.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::demo::clock::Micros;

/// What only a cluster of V2.2 or V3 has.
#[derive(Debug, Clone, Serialize)]
pub struct LegacyState {
    /// `PRIMARY` or `PHYSICAL STANDBY`.
    pub role: String,
    /// The major freezes, oldest first; never empty.
    pub freezes: Vec<Freeze>,
    /// The progress of the merges.
    pub merge: Merge,
    /// Previous values of parameters that may not have reached every server, and when each was changed.
    #[serde(rename = "before")]
    pub previous_values: BTreeMap<String, (String, Micros)>,
}

/// A major freeze, as `__all_freeze_info` has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Freeze {
    /// `frozen_version`.
    pub version: i64,
    /// `frozen_timestamp`.
    pub at: Micros,
}

/// The merge of one version after the other, zone by zone.
#[derive(Debug, Clone, Serialize)]
pub struct Merge {
    /// `global_broadcast_version`: the version that is being merged, or was last.
    pub version: i64,
    /// The zones, in the order of their servers.
    pub zones: Vec<ZoneMerge>,
    /// Index of the zone that is merging; `None`: everything is merged.
    pub zone: Option<usize>,
    /// Work done in it, in microseconds of work.
    #[serde(rename = "done")]
    pub work_done: Micros,
    /// Up to when the work is counted.
    #[serde(rename = "seen")]
    pub accounted_until: Micros,
    /// When this version's merge began.
    pub started: Micros,
}

/// The merge progress of a zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct ZoneMerge {
    /// `last_merged_version`.
    #[serde(rename = "merged")]
    pub merged_version: i64,
    /// `last_merged_time`.
    pub at: Micros,
    /// `merge_start_time`.
    pub start: Micros,
}

impl LegacyState {
    /// Returns the last major freeze.
    #[must_use]
    pub fn last_freeze(&self) -> Freeze {
        self.freezes.last().copied().unwrap_or(Freeze { version: 1, at: 0 })
    }

    /// Returns the version that every zone has merged.
    #[must_use]
    pub fn merged_version(&self) -> i64 {
        self.merge.zones.iter().map(|zone| zone.merged_version).min().unwrap_or(1)
    }
}
