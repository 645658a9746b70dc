//! A tenant, its destinations, its archive rounds and its backup sets.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Serialize;

use crate::demo::clock::{self, Micros};

/// The type of a tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum TenantKind {
    /// The sys tenant, which stands for the cluster.
    Sys,
    /// V4: the metadata of a user tenant.
    Meta,
    /// Users' data.
    User,
}

/// One tenant.
#[derive(Debug, Clone, Serialize)]
pub struct Tenant {
    /// 1 is sys; on V4 odd is meta, even is user.
    pub id: i64,
    /// What it is for.
    pub kind: TenantKind,
    /// The name.
    pub name: String,
    /// `MYSQL` or `ORACLE`.
    pub mode: String,
    /// `PRIMARY`, `STANDBY`, ..
    pub role: String,
    /// `NORMAL`, ..
    pub status: String,
    /// In the recycle bin.
    pub recycled: bool,
    /// `LOG_MODE` is ARCHIVELOG.
    pub archivelog: bool,
    /// When it was created.
    pub created: Micros,
    /// The data version.
    pub compatible: String,
    /// The tenant's own configuration items.
    pub parameters: BTreeMap<String, String>,
    /// How much there is to back up, in MB.
    pub megabytes: i64,
    /// `DATA_BACKUP_DEST`.
    #[serde(rename = "data")]
    pub data_dest: Option<StoredDest>,
    /// `LOG_ARCHIVE_DEST`.
    #[serde(rename = "archive")]
    pub archive_dest: Option<ArchiveDest>,
    /// Every destination it ever had, with its present `DEST_ID`: the rows of `BACKUP_STORAGE_INFO`.
    #[serde(rename = "known")]
    pub registered_dests: Vec<RegisteredDest>,
    /// The archive rounds, the last one is the current one.
    pub rounds: Vec<Round>,
    /// The backup sets, by id.
    pub sets: Vec<BackupSet>,
    /// `default` delete policy: the recovery window.
    pub recovery_window: Option<String>,
    /// The last major freeze, and when its compaction is finished.
    #[serde(rename = "frozen")]
    pub major_freeze: (Micros, Micros),
    /// V2.2 and V3: `ob_timestamp_service` is LTS, not GTS.
    pub local_timestamps: bool,
}

/// A destination as it is stored: of data backups, or the location of an archive destination.
#[derive(Debug, Clone, Serialize)]
pub struct StoredDest {
    /// Path without what follows `?`.
    pub path: String,
    /// What follows `?`, keys masked.
    pub extension: String,
    /// The path on this host; `None` if it is not on this host.
    pub folder: Option<PathBuf>,
    /// `DEST_ID`.
    pub dest_id: i64,
    /// When it was set and checked.
    pub checked: Micros,
}

/// A destination that a tenant has or had.
#[derive(Debug, Clone, Serialize)]
pub struct RegisteredDest {
    /// `backup_data` or `archive_log`.
    pub dest_type: String,
    /// The destination.
    pub dest: StoredDest,
}

/// A log archive destination as it is stored.
#[derive(Debug, Clone, Serialize)]
pub struct ArchiveDest {
    /// Path and extension.
    pub location: StoredDest,
    /// `Optional` or `Mandatory`.
    pub binding: String,
    /// `1d`.
    pub piece_switch_interval: String,
    /// `LOG_ARCHIVE_DEST_STATE`.
    pub state: DestState,
}

/// The values of `LOG_ARCHIVE_DEST_STATE`; which of them a line has, and by which word, is up to the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum DestState {
    /// The log is archived there.
    Enable,
    /// The log is not archived for the time being.
    Defer,
    /// V4.0 alone: no round was started there yet.
    Disable,
    /// V4.0 alone: stored without an effect.
    Interrupt,
}

/// The states of an archive round.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RoundStatus {
    /// Waits for the log streams.
    Prepare,
    /// Starts.
    Beginning,
    /// Archives.
    Doing,
    /// Broken: only a new round helps.
    Interrupted,
    /// Ends.
    Stopping,
    /// Ended.
    Stop,
    /// On its way to a pause.
    Suspending,
    /// Paused; the same round can go on.
    Suspend,
}

impl RoundStatus {
    /// Returns the number in the server's source, as events print it.
    #[must_use]
    pub fn number(self) -> i64 {
        match self {
            Self::Prepare => 1,
            Self::Beginning => 2,
            Self::Doing => 3,
            Self::Interrupted => 4,
            Self::Stopping => 5,
            Self::Stop => 6,
            Self::Suspending => 7,
            Self::Suspend => 8,
        }
    }

    /// Returns the server's word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Prepare => "PREPARE",
            Self::Beginning => "BEGINNING",
            Self::Doing => "DOING",
            Self::Interrupted => "INTERRUPTED",
            Self::Stopping => "STOPPING",
            Self::Stop => "STOP",
            Self::Suspending => "SUSPENDING",
            Self::Suspend => "SUSPEND",
        }
    }
}

/// One archive round.
#[derive(Debug, Clone, Serialize)]
pub struct Round {
    /// `ROUND_ID`.
    pub id: i64,
    /// The state.
    pub status: RoundStatus,
    /// `DEST_ID`.
    pub dest_id: i64,
    /// Path of the destination.
    pub path: String,
    /// The start of its log; `None` until it is DOING.
    pub start: Option<Micros>,
    /// The checkpoint at which the round stopped; `None` while it moves.
    #[serde(rename = "frozen")]
    pub frozen_checkpoint: Option<Micros>,
    /// The highest checkpoint so far: it never goes back.
    #[serde(rename = "reached")]
    pub reached_checkpoint: Micros,
    /// The position of the furthest log stream when the checkpoint stopped.
    #[serde(rename = "ahead")]
    pub furthest_stream: Micros,
    /// When the present transition (PREPARE, STOPPING, ..) ends.
    #[serde(rename = "due")]
    pub transition_at: Option<Micros>,
    /// How long a transition takes.
    #[serde(rename = "passing")]
    pub transition_time: Micros,
    /// `BASE_PIECE_ID`.
    pub base_piece: i64,
    /// `PIECE_SWITCH_INTERVAL`.
    #[serde(rename = "interval")]
    pub piece_interval: Micros,
    /// `COMMENT`.
    pub comment: String,
    /// `FILE_STATUS` of the pieces that are not AVAILABLE, by piece id.
    #[serde(rename = "pieces")]
    pub piece_file_statuses: BTreeMap<i64, String>,
}

/// One backup set.
#[derive(Debug, Clone, Serialize)]
pub struct BackupSet {
    /// `BACKUP_SET_ID`.
    pub id: i64,
    /// `DEST_ID`.
    pub dest_id: i64,
    /// Path of the destination it is in.
    pub path: String,
    /// INC (true) or FULL.
    pub incremental: bool,
    /// `PREV_FULL_BACKUP_SET_ID`, 0 for a full.
    pub prev_full: i64,
    /// `PREV_INC_BACKUP_SET_ID`, 0 for a full.
    pub prev_inc: i64,
    /// Begin.
    pub start: Micros,
    /// End.
    pub end: Option<Micros>,
    /// `DOING`, `SUCCESS`, `FAILED`.
    pub status: String,
    /// `COPYING`, `AVAILABLE`, `BROKEN`, `DELETED`; on V2.2 and V3 `INCOMPLETE` while it is written.
    pub file_status: String,
    /// `START_REPLAY_SCN`: at or before the start.
    pub start_replay: Micros,
    /// `MIN_RESTORE_SCN`: near the end; `None` until it is known.
    pub min_restore: Option<Micros>,
    /// `PLUS_ARCHIVELOG`.
    pub plus_archivelog: bool,
    /// Encrypted by a password.
    pub encrypted: bool,
    /// The tenant's data version at the time.
    pub compatible: String,
    /// Its size in macro blocks of 2 MB.
    pub blocks: i64,
    /// Blocks done.
    pub finished_blocks: i64,
    /// `RESULT`.
    pub result: i64,
    /// `COMMENT`.
    pub comment: String,
    /// What only a set of V2.2 or V3 has.
    #[serde(rename = "of_cluster")]
    pub legacy: LegacySetColumns,
}

/// What only a set of V2.2 or V3 has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct LegacySetColumns {
    /// The archive round it was made in.
    pub round: i64,
    /// `backup_data_version`: the frozen version.
    pub data_version: i64,
    /// `BACKUP_LEVEL` is TENANT.
    pub of_tenants: bool,
}

impl StoredDest {
    /// Returns the full URI as the views show it, its key masked.
    #[must_use]
    pub fn masked_uri(&self) -> String {
        if self.extension.is_empty() { self.path.clone() } else { format!("{}?{}", self.path, self.extension) }
    }

    /// Returns `host=..` of an object storage; empty for a directory.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        self.extension.split('&').find(|pair| pair.starts_with("host=")).unwrap_or_default()
    }

    /// Returns the destination as PATH columns show it: an object storage with its endpoint behind `?`.
    #[must_use]
    pub fn path_column(&self) -> String {
        match self.endpoint() {
            "" => self.path.clone(),
            endpoint => format!("{}?{endpoint}", self.path),
        }
    }
}

impl Tenant {
    /// Returns whether the tenant has users' data.
    #[must_use]
    pub fn is_user(&self) -> bool {
        self.kind == TenantKind::User
    }

    /// Returns `SYS`, `META` or `USER`.
    #[must_use]
    pub fn tenant_type(&self) -> &'static str {
        match self.kind {
            TenantKind::Sys => "SYS",
            TenantKind::Meta => "META",
            TenantKind::User => "USER",
        }
    }

    /// Returns the current archive round.
    #[must_use]
    pub fn current_round(&self) -> Option<&Round> {
        self.rounds.last()
    }

    /// Returns whether the current round is DOING.
    #[must_use]
    pub fn is_archiving(&self) -> bool {
        self.current_round().is_some_and(|round| round.status == RoundStatus::Doing)
    }

    /// Returns the base of the next increment: the latest good set whose path is the same text.
    #[must_use]
    pub fn increment_base(&self, path_column: &str) -> Option<&BackupSet> {
        let counts =
            |set: &&BackupSet| set.status == "SUCCESS" && set.file_status == "AVAILABLE" && set.path == path_column;
        self.sets.iter().rev().find(counts)
    }

    /// Returns `archive_lag_target` in microseconds; on V2.2 and V3 `log_archive_checkpoint_interval`.
    #[must_use]
    pub fn lag_target(&self) -> Micros {
        let set = |name: &str| self.parameters.get(name).map(String::as_str);
        let text = set("archive_lag_target").or_else(|| set("log_archive_checkpoint_interval")).unwrap_or("4s");
        clock::parse_duration(text).filter(|lag| *lag > 0).unwrap_or(4 * clock::SECOND)
    }
}
