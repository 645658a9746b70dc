//! What V2 and V3 have once for the whole cluster: one destination, one log archive, one backup job, one compaction.

use serde::Deserialize;

use super::destination::Destination;
use super::facts::Known;
use super::scn::Scn;
use super::time_zone::ServerTimeZone;
use super::words::span;

/// What a line below V4 asks of a backup; part of the line's data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WholeRules {
    /// Whether a full backup asks for a major freeze after the start of the archive round.
    pub compaction: CompactionRule,
    /// The entries after the last full, failed ones too, beyond which the server makes a full without a word.
    pub most_increments: usize,
}

/// Whether a server refuses a full backup whose last major freeze is older than its archive round (9040).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CompactionRule {
    /// It does.
    Enforced,
    /// It does not.
    NotAsked,
    /// Nobody knows before it answers.
    AsAnswered,
}

/// What is known of the cluster as the one thing that is backed up.
#[derive(Debug, Clone, PartialEq)]
pub struct WholeFacts {
    /// What its line asks for.
    pub rules: WholeRules,
    /// Its role, and its primary.
    pub role: Known<ClusterRole>,
    /// `backup_dest`, each value that a server has: one, unless a change is on its way. None: it is not set.
    pub destinations: Vec<Option<Destination>>,
    /// `backup_backup_dest` is set: while it is, `backup_dest` cannot change.
    pub has_second_copy: bool,
    /// `backup_status` of the cluster: `STOP` while no job runs.
    pub status: String,
    /// A running cleanup of backups, as one sentence.
    pub cleanup: Known<Option<String>>,
    /// Its major compactions.
    pub compaction: Known<CompactionFacts>,
    /// User tenants without GTS, by name; where they can be told.
    pub without_gts: Known<Vec<String>>,
}

impl WholeFacts {
    /// The one `backup_dest`; None while none is set or the servers do not agree.
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
    /// `PRIMARY`, `PHYSICAL STANDBY`, or the server's other word.
    pub word: String,
    /// The id of the primary, on a standby.
    pub primary: Option<u64>,
}

impl ClusterRole {
    /// Whether a backup can be made of it.
    #[must_use]
    pub fn is_primary(&self) -> bool {
        self.word == "PRIMARY"
    }
}

/// The major compactions of a cluster: the last freeze, and how far its merge is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompactionFacts {
    /// `enable_major_freeze`; without it none can be started (4179).
    pub enabled: bool,
    /// The version of the last major freeze.
    pub frozen_version: u64,
    /// When that was.
    pub frozen_at: Scn,
    /// The version all zones were told to merge.
    pub broadcast_version: u64,
    /// The version all zones have merged.
    pub merged_version: u64,
    /// `IDLE`, `MERGING`, `ERROR`, or another word.
    pub status: String,
    /// A merge met an error and does not go on.
    pub has_error: bool,
    /// Zone by zone.
    pub zones: Vec<ZoneCompaction>,
    /// Seconds the last whole merge took, where it can be told.
    pub last_took: Option<u64>,
    /// The newest frozen version that a good set was made of.
    pub backed_up_version: Option<u64>,
}

/// How far a zone is with the merge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ZoneCompaction {
    /// Its name.
    pub zone: String,
    /// The version it has merged.
    pub merged_version: u64,
    /// Whether it is at it.
    pub merging: bool,
}

impl CompactionFacts {
    /// Every zone has merged the last frozen version, and nothing is under way.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.merged_version >= self.frozen_version
            && self.merged_version >= self.broadcast_version
            && self.status == "IDLE"
    }

    /// How far it is: `version 5: 1 of 3 zones merged (z2, z3 left), MERGING`.
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

    /// How long the last one took, for a person: `the last one took 1 h 52 min`.
    #[must_use]
    pub fn last_one(&self) -> String {
        match self.last_took {
            None => "how long the last one took is not known".to_owned(),
            // In hours where it is one: this is the time a business has to bear.
            Some(seconds @ 3_600..) => {
                format!("the last one took {} h {} min", seconds / 3_600, seconds % 3_600 / 60)
            }
            Some(seconds) => format!("the last one took {}", span(seconds)),
        }
    }
}

/// Why a full backup needs a major compaction first (R5); None: it needs none. `round_start` is where the log of the running
/// round begins, None while a round is still to be started; `asked` says that this server has refused a backup for want of one.
/// Times are told in `zone`, the server's.
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

    /// R5: V2.2.60 to V3.1.2 enforce it, later V3.1 do not, V3.2 says so itself.
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
