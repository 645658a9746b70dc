//! The times to which a backup can be restored: the set, its chain, and the unbroken log after it.
//!
//! The facts come from `CDB_OB_BACKUP_SET_FILES`, `CDB_OB_ARCHIVELOG_PIECE_FILES` and `CDB_OB_ARCHIVELOG_SUMMARY` of one tenant
//! (V4), or from the corresponding views of V2 and V3. Words that obnow does not know are kept as they are.

use serde::{Deserialize, Serialize};

use super::scn::Scn;
use super::version::{AtLeast, Version};

mod chain;
mod encryption;
mod log;
mod status;
#[cfg(test)]
mod tests;
mod verdict;
mod windows;

pub use chain::{BrokenChain, chain, sets_of};
pub use encryption::{Encryption, EncryptionMode, encryption_of};
pub use log::{covering, rounds_needed};
pub use status::{FileStatus, PieceStatus, RoundStatus, SetKind, SetStatus};
pub use verdict::{JobEnd, Missing, NotYet, Verdict, VerdictInput, verdict};
pub use windows::{GROWING, Gap, Span, Window, Windows, log_covers, window_of, windows};

/// One backup set of one tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupSet {
    /// `BACKUP_SET_ID`.
    pub id: u64,
    /// Full or incremental.
    pub kind: SetKind,
    /// `PREV_FULL_BACKUP_SET_ID`: the full set that an incremental is based on; 0 for a full.
    pub prev_full: u64,
    /// `PREV_INC_BACKUP_SET_ID`: the set directly before it; 0 where there is none, or where it is the full.
    pub prev_inc: u64,
    /// Whether `BACKUP_LEVEL` is `TENANT` (V3.2): no incremental is based on it.
    #[serde(default)]
    pub tenant_level: bool,
    /// The status of its making.
    pub status: SetStatus,
    /// The state of its files.
    pub file_status: FileStatus,
    /// `START_REPLAY_SCN`: the point from which the log is needed. V2, V3: `START_REPLAY_LOG_TS` where the server has it,
    /// otherwise the snapshot version. 0 where it was not read.
    pub start_replay: Scn,
    /// `MIN_RESTORE_SCN`: the earliest point it can be restored to. V2, V3: the snapshot version. 0 where it was not read.
    pub min_restore: Scn,
    /// How far the log must reach before the set can be restored, where that is later than `min_restore`: `COMPLETION_TIME` on V2
    /// and V3, 0 where it was not read. `None` where only `min_restore` is required.
    pub log_needed_to: Option<Scn>,
    /// Whether it was made with PLUS ARCHIVELOG, and contains the log up to `min_restore` itself.
    pub plus_archivelog: bool,
    /// `ENCRYPTION_MODE`, as shown; `NONE` is not encrypted, empty was not read.
    pub encryption_mode: String,
    /// `DEST_ID`.
    pub dest_id: u64,
    /// `PATH`, without keys.
    pub path: String,
    /// `OUTPUT_BYTES`; `None` where it is NULL.
    pub bytes: Option<u64>,
    /// `TENANT_COMPATIBLE`: the data version it was made at, where the release line has it.
    pub data_version: Option<String>,
    /// `CLUSTER_VERSION`: the version of the cluster that made it, where the view has it (V4.1 and later).
    pub cluster_version: Option<String>,
    /// Whether a cluster of the version that lists it can restore it (see [`restores_here`]); `None` where that is not known.
    pub restores_here: Option<bool>,
    /// The moment at which its making began.
    pub started: Option<Scn>,
    /// The moment at which it ended.
    pub ended: Option<Scn>,
}

impl BackupSet {
    /// Returns whether it was completed and all of its files are there.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.status == SetStatus::Success && self.file_status == FileStatus::Available
    }

    /// Returns how far the log must reach before anything can be restored from it.
    #[must_use]
    pub fn needed(&self) -> Scn {
        self.log_needed_to.map_or(self.min_restore, |to| to.max(self.min_restore))
    }

    /// Returns what a window needs and the server does not report, as half a sentence; `None` where all of it was read.
    #[must_use]
    pub fn unread(&self) -> Option<&'static str> {
        if self.start_replay == Scn(0) && (self.min_restore > Scn(0) || self.log_needed_to.is_none()) {
            Some("from which point on it needs the log")
        } else if self.min_restore == Scn(0) && self.log_needed_to.is_some() {
            Some("from which point on it can be restored (its SNAPSHOT_VERSION is no moment)")
        } else if self.min_restore == Scn(0) {
            Some("from which point on it can be restored")
        } else if self.min_restore < self.start_replay {
            Some(self.too_early())
        } else if self.log_needed_to == Some(Scn(0)) {
            Some("when it was complete")
        } else if self.restores_here.is_none() {
            Some("at which data version it was made")
        } else {
            None
        }
    }

    /// Returns the text for an earliest point that lies before the log from which it would be reached: it is no bound.
    fn too_early(&self) -> &'static str {
        if self.log_needed_to.is_none() {
            "from which point on it can be restored (its MIN_RESTORE_SCN is before its START_REPLAY_SCN)"
        } else {
            "from which point on it can be restored (its SNAPSHOT_VERSION is before its START_REPLAY_LOG_TS)"
        }
    }
}

/// Returns whether a cluster of `version` restores a set of this `TENANT_COMPATIBLE`. V4.1 and later restore none below 4.1
/// (4179; V4.3.1 source, `ObRestoreUtil::check_backup_set_version_match_`). `None` where the data version was not read or is not
/// a version.
#[must_use]
pub fn restores_here(data_version: Option<&str>, version: &Version) -> Option<bool> {
    let gate = Version::oceanbase([4, 1, 0, 0], None);
    if version.reaches(&gate) != AtLeast::Yes {
        return Some(true);
    }
    let made_at: Version = data_version?.parse().ok()?;
    Some(made_at.reaches(&gate) == AtLeast::Yes)
}

/// One piece of the log archive of one tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Piece {
    /// `DEST_ID`: the destination the piece is in.
    pub dest_id: u64,
    /// `ROUND_ID`.
    pub round_id: u64,
    /// `PIECE_ID`.
    pub piece_id: u64,
    /// Its status: whether it is still written.
    pub status: PieceStatus,
    /// The state of its files.
    pub file_status: FileStatus,
    /// `START_SCN`.
    pub start: Scn,
    /// `END_SCN`: where the next piece begins; `None` or [`Scn::MAX`] while it is not known.
    pub end: Option<Scn>,
    /// `CHECKPOINT_SCN`: its log is complete up to here.
    pub checkpoint: Scn,
}

/// One round of the log archive of one tenant, running or over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Round {
    /// `ROUND_ID`.
    pub round_id: u64,
    /// `DEST_ID`.
    pub dest_id: u64,
    /// Its status.
    pub status: RoundStatus,
    /// `START_SCN`: its log begins here. V2, V3: `MIN_FIRST_TIME`.
    pub start: Scn,
    /// `CHECKPOINT_SCN`: its log is complete up to here. V2, V3: `MAX_NEXT_TIME`.
    pub checkpoint: Scn,
    /// `PATH`: the directory of its log, without keys; empty where the view does not show it.
    pub path: String,
}
