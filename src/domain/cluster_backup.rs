//! What V2 and V3 have once for the full cluster: one destination, one log archive, one backup job, one compaction.

use serde::Deserialize;

use super::destination::Destination;
use super::facts::Known;
use super::format::span;
use super::scn::Scn;
use super::time_zone::ServerTimeZone;

/// What a release line below V4 requires of a backup; part of the data of the release line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClusterBackupRules {
    /// Whether a full backup requires a major freeze after the start of the archive round.
    pub compaction: CompactionRule,
    /// The number of entries after the last full, failed ones too, beyond which the server makes a full without any warning.
    pub most_increments: usize,
}

/// Whether a server refuses a full backup whose last major freeze is older than its archive round (9040).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CompactionRule {
    /// The server refuses it.
    Enforced,
    /// The server accepts it.
    NotAsked,
    /// It is not known before the server answers.
    AsAnswered,
}

/// What is known of a cluster that is backed up by one job.
#[derive(Debug, Clone, PartialEq)]
pub struct ClusterBackupFacts {
    /// What its release line requires.
    pub rules: ClusterBackupRules,
    /// The role of the cluster, and its primary.
    pub role: Known<ClusterRole>,
    /// `backup_dest`, each distinct value of the servers: one, unless a change has not reached all of them. None: it is not set.
    pub destinations: Vec<Option<Destination>>,
    /// Whether `backup_backup_dest` is set: while it is, `backup_dest` cannot be changed.
    pub has_second_copy: bool,
    /// `backup_status` of the cluster: `STOP` while no job runs.
    pub status: String,
    /// The running cleanup of backups, as one sentence; None: none is running.
    pub cleanup: Known<Option<String>>,
    /// The major compactions.
    pub compaction: Known<CompactionFacts>,
    /// The names of the user tenants without GTS, where it is known.
    pub without_gts: Known<Vec<String>>,
}

impl ClusterBackupFacts {
    /// Returns the one `backup_dest`; None where none is set or the servers do not agree.
    #[must_use]
    pub fn destination(&self) -> Option<&Destination> {
        match self.destinations.as_slice() {
            [one] => one.as_ref(),
            _ => None,
        }
    }
}

/// The role of a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterRole {
    /// `PRIMARY`, `PHYSICAL STANDBY`, or another word of the server.
    pub word: String,
    /// The id of the primary cluster, on a standby.
    pub primary: Option<u64>,
}

impl ClusterRole {
    /// Whether the cluster is a primary: only such a cluster can be backed up.
    #[must_use]
    pub fn is_primary(&self) -> bool {
        self.word == "PRIMARY"
    }
}

/// The major compactions of a cluster: the last freeze, and the progress of its merge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompactionFacts {
    /// `enable_major_freeze`; while it is off, no compaction can be started (4179).
    pub enabled: bool,
    /// The version of the last major freeze.
    pub frozen_version: u64,
    /// When the last major freeze was.
    pub frozen_at: Scn,
    /// The version that all zones have been told to merge.
    pub broadcast_version: u64,
    /// The version all zones have merged.
    pub merged_version: u64,
    /// `IDLE`, `MERGING`, `ERROR`, or another word.
    pub status: String,
    /// Whether a merge has met an error and does not continue.
    pub has_error: bool,
    /// The progress of each zone.
    pub zones: Vec<ZoneCompaction>,
    /// How many seconds the last complete merge took, where it is known.
    pub last_took: Option<u64>,
    /// The newest frozen version that a good set contains.
    pub backed_up_version: Option<u64>,
}

/// The progress of the merge in one zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ZoneCompaction {
    /// The name of the zone.
    pub zone: String,
    /// The version it has merged.
    pub merged_version: u64,
    /// Whether the zone is merging.
    pub merging: bool,
}

impl CompactionFacts {
    /// Whether every zone has merged the last frozen version, and no merge is running.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.merged_version >= self.frozen_version
            && self.merged_version >= self.broadcast_version
            && self.status == "IDLE"
    }

    /// Formats the progress: `version 5: 1 of 3 zones merged (z2, z3 left), MERGING`.
    #[must_use]
    pub fn progress(&self) -> String {
        let left: Vec<&str> = self
            .zones
            .iter()
            .filter(|zone| zone.merged_version < self.frozen_version)
            .map(|zone| zone.zone.as_str())
            .collect();
        let done = self.zones.len() - left.len();
        let left = if left.is_empty() { String::new() } else { format!(" ({} left)", left.join(", ")) };
        format!("version {}: {done} of {} zones merged{left}, {}", self.frozen_version, self.zones.len(), self.status)
    }

    /// Formats how long the last compaction took: `the last one took 1 h 52 min`.
    #[must_use]
    pub fn last_one(&self) -> String {
        match self.last_took {
            None => "how long the last one took is not known".to_owned(),
            // From an hour on in hours, because it is how long users of the cluster will notice the load.
            Some(seconds @ 3_600..) => {
                format!("the last one took {} h {} min", seconds / 3_600, seconds % 3_600 / 60)
            }
            Some(seconds) => format!("the last one took {}", span(seconds)),
        }
    }
}

/// Returns why a full backup needs a major compaction first (R5); None: it needs none. `round_start` is where the log of the
/// running round begins, None while a round is still to be started; `asked` is whether this server has refused a backup for
/// want of one. The times in the text are in `zone`, the server's.
#[must_use]
pub fn needs_compaction(
    rule: CompactionRule,
    compaction: &CompactionFacts,
    round_start: Option<Scn>,
    asked: bool,
    zone: &ServerTimeZone,
) -> Option<String> {
    let enforced = match rule {
        CompactionRule::Enforced => true,
        CompactionRule::NotAsked => false,
        CompactionRule::AsAnswered => asked,
    };
    if !enforced {
        return None;
    }
    match round_start {
        None => Some("log archiving is still to be started, and every major compaction so far is older".to_owned()),
        Some(start) if compaction.frozen_at < start => {
            let (frozen, start) = (compaction.frozen_at.to_local(zone), start.to_local(zone));
            Some(format!("the last major compaction ({frozen}) is older than the start of log archiving ({start})"))
        }
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(frozen_at: u64) -> CompactionFacts {
        let zone = |name: &str, merged_version| ZoneCompaction { zone: name.into(), merged_version, merging: true };
        CompactionFacts {
            enabled: true,
            frozen_version: 5,
            frozen_at: Scn(frozen_at),
            broadcast_version: 5,
            merged_version: 4,
            status: "MERGING".into(),
            has_error: false,
            zones: vec![zone("z1", 5), zone("z2", 4), zone("z3", 4)],
            last_took: Some(6_720),
            backed_up_version: None,
        }
    }

    /// R5: V2.2.60 to V3.1.2 enforce it, later V3.1 do not, and V3.2 shows it in its answer.
    #[test]
    fn a_freeze_must_be_younger_than_the_round_where_the_line_enforces_it() {
        use CompactionRule::{AsAnswered, Enforced, NotAsked};
        let needed = |rule, frozen, round, asked| {
            needs_compaction(rule, &facts(frozen), round, asked, &ServerTimeZone::fixed(0)).is_some()
        };
        assert!(needed(Enforced, 99, Some(Scn(100)), false));
        assert!(!needed(Enforced, 100, Some(Scn(100)), false), "the kernel takes the same moment");
        assert!(needed(Enforced, 1_000, None, false), "a round that is still to come begins after every freeze");
        assert!(!needed(NotAsked, 99, Some(Scn(100)), true));
        assert!(!needed(AsAnswered, 99, Some(Scn(100)), false));
        assert!(needed(AsAnswered, 99, Some(Scn(100)), true));
        assert!(!needed(AsAnswered, 101, Some(Scn(100)), true));
    }

    #[test]
    fn a_merge_is_over_when_all_versions_meet_and_nothing_runs() {
        let mut merge = facts(1);
        assert_eq!(merge.progress(), "version 5: 1 of 3 zones merged (z2, z3 left), MERGING");
        assert!(!merge.is_over());
        merge.merged_version = 5;
        assert!(!merge.is_over(), "still MERGING");
        merge.status = "IDLE".into();
        assert!(merge.is_over());
        merge.frozen_version = 6;
        assert!(!merge.is_over(), "a younger freeze is not merged");
    }

    #[test]
    fn the_last_duration_is_told_as_a_person_tells_it() {
        assert_eq!(facts(1).last_one(), "the last one took 1 h 52 min");
        assert_eq!(
            CompactionFacts { last_took: None, ..facts(1) }.last_one(),
            "how long the last one took is not known"
        );
    }
}
