//! The release lines of OceanBase and their differences besides the views. The rest of the demo asks a line for its features,
//! never for its name.

use serde::{Serialize, Serializer};

use super::clock::Micros;
use super::fleet::DestState;

/// How backups are organized.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Generation {
    /// V2.2 and V3: one destination, one archive and one backup for the whole cluster.
    Legacy,
    /// V4 and seekdb: each tenant has its own.
    V4,
}

/// A difference between release lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Feature {
    /// `BACKUP TENANT .. TO`: enterprise edition from V3.2.2-20220304134610 on.
    TenantBackup,
    /// `CANCEL ALL BACKUP FORCE`.
    CancelAll,
    /// A full backup wants a major freeze that is younger than the archive round.
    FreezeBeforeFull,
    /// `ob_version()`.
    ObVersionFunction,
    /// `SHOW PARAMETERS WHERE`.
    ShowParametersWhere,
    /// What came with V3: parameters such as `_upgrade_stage`, and columns.
    SinceV3,
    /// `cos://` and `oss://` as the enterprise edition has them; the community edition knows `oss://` only.
    Cos,
    /// V4: `s3://` and `azblob://`.
    S3,
    /// V4: `PLUS ARCHIVELOG` is supported, not only parsed.
    PlusArchivelog,
    /// V4: `checksum_type` of an object storage, which a SET fills in.
    ChecksumType,
    /// V4.1: `LOG_MODE`; the server starts, pauses and stops a round by itself. Before, ARCHIVELOG itself started one. 9091, 9092
    /// and SUSPEND came with it.
    LogMode,
    /// V4: `all_user` and `all_meta` are keywords.
    TenantKeywords,
    /// V4.2.0: an increment on a set of another data version is refused.
    IncrementNeedsSameDataVersion,
    /// V4.2.0: an event records why a tenant got no job from a job of sys.
    RefusedChildEvent,
    /// V4.2.1: the COMMENT of a job names the server on which it failed.
    CommentNamesServer,
    /// V4.2.1: the times of `GV$OB_PROCESSLIST` have fractions.
    FractionalTimes,
    /// V4: `BACKUP KEY`, `BACKUP CLUSTER PARAMETERS` and `EXTERNAL_STORAGE_DEST` are in the grammar.
    KeyAndParameterBackups,
    /// Several statements in one query, from a client that asked for it. From V3.1.3 on a server accepts them from every client;
    /// the demo does not, so that no client relies on that.
    MultiStatements,
    /// `RESTORE .. PREVIEW` is in the grammar in the form that works: V3.1.1, V4.2.1.
    RestorePreview,
}

/// What the progress counters count in a phase of a tenant's job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PhaseWork {
    /// Nothing yet: the job waits for its task.
    Queued,
    /// Work that no counter counts.
    Uncounted,
    /// Tablets.
    Tablets,
    /// All tablets are done, no block yet.
    TabletsDone,
    /// The first fifth of the blocks.
    FirstBlocks,
    /// The remaining blocks; all of them on a line without the former.
    RemainingBlocks,
    /// All data is done.
    AfterData,
    /// All data is done; the last phase before the log.
    BeforeLog,
    /// The log; it takes a moment if the log was not asked for. The earliest restore point of the set is known when the phase
    /// before it ends.
    Log,
}

/// A phase: its name, the milliseconds of work that a full backup of 1000 MB takes in it, and what is done.
pub type Phase = (&'static str, Micros, PhaseWork);

/// A release line.
#[derive(Debug, PartialEq, Eq)]
pub struct ReleaseLine {
    /// The key of `assets/demo/views.yaml`.
    pub key: &'static str,
    /// How its backups are organized.
    pub generation: Generation,
    /// The phases of a tenant's job. All but the first are statuses of the task.
    pub phases: &'static [Phase],
    features: &'static [Feature],
}

impl ReleaseLine {
    /// Returns whether the line has a feature.
    #[must_use]
    pub fn has(&self, feature: Feature) -> bool {
        self.features.contains(&feature)
    }

    /// Returns the words of `LOG_ARCHIVE_DEST_STATE`; `ENBALE` is the spelling in the source of V4.0.
    #[must_use]
    pub fn dest_states(&self) -> &'static [(DestState, &'static str)] {
        use DestState::{Defer, Disable, Enable, Interrupt};
        if self.has(Feature::LogMode) {
            &[(Enable, "ENABLE"), (Defer, "DEFER")]
        } else {
            &[(Enable, "ENBALE"), (Disable, "DISABLE"), (Defer, "DEFER"), (Interrupt, "INTERRUPT")]
        }
    }

    /// Returns whether the line is V2.2 or V3.
    #[must_use]
    pub fn is_legacy(&self) -> bool {
        self.generation == Generation::Legacy
    }
}

impl Serialize for ReleaseLine {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.key)
    }
}

/// Finds the line with that key.
#[must_use]
pub fn find(key: &str) -> Option<&'static ReleaseLine> {
    LINES.iter().find(|line| line.key == key)
}

/// V2.2 and V3: the states of a tenant's task; before, it is SCHEDULE in `__all_virtual_backup_info` only.
const LEGACY_PHASES: &[Phase] = &[
    ("SCHEDULE", 900, PhaseWork::Queued),
    ("GENERATE", 1000, PhaseWork::Uncounted),
    ("DOING", 17_000, PhaseWork::RemainingBlocks),
];

/// Until V4.2.1.
const V4_0_PHASES: &[Phase] = &[
    ("SCHEDULE", 600, PhaseWork::Queued),
    ("INIT", 1000, PhaseWork::Uncounted),
    ("BACKUP_SYS_META", 1500, PhaseWork::Uncounted),
    ("BACKUP_USER_META", 3000, PhaseWork::Tablets),
    ("BACKUP_DATA_SYS", 1000, PhaseWork::TabletsDone),
    ("BACKUP_DATA_MINOR", 6000, PhaseWork::FirstBlocks),
    ("BACKUP_DATA_MAJOR", 12_000, PhaseWork::RemainingBlocks),
    ("BACKUP_LOG", 3000, PhaseWork::Log),
];

/// From V4.2.1 BP6 on, where `BACKUP_DATA_SYS` is a status that no job reaches.
const V4_2_PHASES: &[Phase] = &[
    ("SCHEDULE", 600, PhaseWork::Queued),
    ("INIT", 1000, PhaseWork::Uncounted),
    ("BACKUP_SYS_META", 1500, PhaseWork::Uncounted),
    ("BACKUP_USER_META", 3000, PhaseWork::Tablets),
    ("BACKUP_META_FINISH", 800, PhaseWork::TabletsDone),
    ("BACKUP_DATA_MINOR", 6000, PhaseWork::FirstBlocks),
    ("BACKUP_DATA_MAJOR", 12_000, PhaseWork::RemainingBlocks),
    ("BACKUP_LOG", 3000, PhaseWork::Log),
];

const V4_3_5_PHASES: &[Phase] = &[
    ("SCHEDULE", 600, PhaseWork::Queued),
    ("INIT", 1000, PhaseWork::Uncounted),
    ("BACKUP_SYS_META", 1500, PhaseWork::Uncounted),
    ("BACKUP_USER_META", 3000, PhaseWork::Tablets),
    ("BACKUP_META_FINISH", 800, PhaseWork::TabletsDone),
    ("BACKUP_SYS_DATA", 2000, PhaseWork::FirstBlocks),
    ("BACKUP_USER_DATA", 14_000, PhaseWork::RemainingBlocks),
    ("BACKUP_FUSE_TABLET_META", 1000, PhaseWork::AfterData),
    ("PREPARE_BACKUP_LOG", 500, PhaseWork::AfterData),
    ("BEFORE_BACKUP_LOG", 700, PhaseWork::BeforeLog),
    ("BACKUP_LOG", 3000, PhaseWork::Log),
];

use Feature::{
    CancelAll, ChecksumType, CommentNamesServer, Cos, FractionalTimes, FreezeBeforeFull, IncrementNeedsSameDataVersion,
    KeyAndParameterBackups, LogMode, MultiStatements, ObVersionFunction, PlusArchivelog, RefusedChildEvent,
    RestorePreview, S3, ShowParametersWhere, SinceV3, TenantBackup, TenantKeywords,
};

/// The features of V4.3.5. The first one is new there.
const V4_3_5_FEATURES: &[Feature] = &[
    ChecksumType,
    ObVersionFunction,
    Cos,
    S3,
    PlusArchivelog,
    LogMode,
    TenantKeywords,
    KeyAndParameterBackups,
    IncrementNeedsSameDataVersion,
    RefusedChildEvent,
    CommentNamesServer,
    FractionalTimes,
    RestorePreview,
    MultiStatements,
];
const V4_2_FEATURES: &[Feature] = V4_3_5_FEATURES.split_at(1).1;

static LINES: [ReleaseLine; 11] = [
    legacy_line("2.2.77", &[FreezeBeforeFull, Cos]),
    legacy_line(
        "3.1.2",
        &[FreezeBeforeFull, ObVersionFunction, ShowParametersWhere, SinceV3, RestorePreview, MultiStatements],
    ),
    legacy_line(
        "3.1.5",
        &[CancelAll, ObVersionFunction, ShowParametersWhere, SinceV3, RestorePreview, MultiStatements],
    ),
    // Builds before 20220304134610.
    legacy_line("3.2.2", &[FreezeBeforeFull, ObVersionFunction, ShowParametersWhere, SinceV3, Cos]),
    // Builds from it on.
    legacy_line(
        "3.2.2-tenant",
        &[TenantBackup, CancelAll, FreezeBeforeFull, ObVersionFunction, ShowParametersWhere, SinceV3, Cos],
    ),
    legacy_line("3.2.4", &[TenantBackup, CancelAll, ObVersionFunction, ShowParametersWhere, SinceV3, Cos]),
    ReleaseLine {
        key: "4.0",
        generation: Generation::V4,
        phases: V4_0_PHASES,
        features: &[ObVersionFunction, MultiStatements],
    },
    ReleaseLine {
        key: "4.1",
        generation: Generation::V4,
        phases: V4_0_PHASES,
        features: &[ObVersionFunction, LogMode, MultiStatements],
    },
    ReleaseLine { key: "4.2.5", generation: Generation::V4, phases: V4_2_PHASES, features: V4_2_FEATURES },
    ReleaseLine { key: "4.3.5", generation: Generation::V4, phases: V4_3_5_PHASES, features: V4_3_5_FEATURES },
    ReleaseLine { key: "seekdb", generation: Generation::V4, phases: V4_3_5_PHASES, features: V4_2_FEATURES },
];

const fn legacy_line(key: &'static str, features: &'static [Feature]) -> ReleaseLine {
    ReleaseLine { key, generation: Generation::Legacy, phases: LEGACY_PHASES, features }
}
