//! The lines of OceanBase: what tells them apart beside their views. Everything else asks a line by its features, never
//! by its name.

use serde::{Serialize, Serializer};

use super::clock::Moment;
use super::fleet::DestState;

/// How backups are organised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Generation {
    /// V2.2 and V3: one destination, one archive and one backup for the whole cluster.
    V3,
    /// V4 and seekdb: each tenant has its own.
    V4,
}

/// What a line has and another one has not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Feature {
    /// `BACKUP TENANT .. TO`: enterprise edition from V3.2.2-20220304134610 on.
    TenantBackup,
    /// `CANCEL ALL BACKUP FORCE`.
    CancelAll,
    /// A full backup wants a major freeze that is younger than the archive round.
    FreezeFirst,
    /// `ob_version()`.
    ObVersion,
    /// `SHOW PARAMETERS WHERE`.
    ParametersWhere,
    /// What came with V3: parameters such as `_upgrade_stage`, and columns.
    SinceV3,
    /// `cos://` and `oss://` as the enterprise edition has them; the community edition knows `oss://` only.
    Cos,
    /// V4: `s3://` and `azblob://`.
    S3,
    /// V4: `PLUS ARCHIVELOG` is more than parsed.
    PlusArchivelog,
    /// V4: `checksum_type` of an object storage, which a SET fills in.
    ChecksumType,
    /// V4.1: `LOG_MODE`, and with it a round begins, pauses and ends by itself; before, ARCHIVELOG itself began one. 9091 and
    /// 9092 came with it, and SUSPEND.
    ArchiveMode,
    /// V4: `all_user` and `all_meta` are words.
    AllUser,
    /// V4.2.0: an increment on a set of another data version is refused.
    SameDataVersion,
    /// V4.2.0: what keeps a tenant from a job that sys started is an event.
    RefusedChildEvent,
    /// V4.2.1: the COMMENT of a job names where it failed.
    PlacedComments,
    /// V4.2.1: the times of `GV$OB_PROCESSLIST` have fractions.
    FractionalTimes,
    /// V4: `BACKUP KEY`, `BACKUP CLUSTER PARAMETERS` and `EXTERNAL_STORAGE_DEST` are in the grammar.
    LaterForms,
    /// Several statements in one text, from a client that asks for it. From V3.1.3 on a server takes them from every client;
    /// here none may count on that.
    SeveralStatements,
    /// `RESTORE .. PREVIEW` is in the grammar in the form that works: V3.1.1, V4.2.1.
    RestorePreview,
}

/// What is done in a phase of a tenant's job, as far as counting goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// Waits; there is no task yet.
    Schedule,
    /// Nothing that is counted.
    Other,
    /// Tablets.
    Tablets,
    /// Tablets are done, blocks have not begun.
    TabletsDone,
    /// The first fifth of the blocks.
    Minor,
    /// The other blocks; all of them on a line without the former.
    Major,
    /// The data is there.
    AfterData,
    /// The same, in the last phase before the log.
    BeforeLog,
    /// The log; where it was not asked for, a moment. With the end of the one before it the point is known to which the set
    /// can be restored.
    Log,
}

/// A phase: its name, how many milliseconds of work a full backup of 1000 MB takes in it, and what is done.
pub type Phase = (&'static str, Moment, Work);

/// One line.
#[derive(Debug, PartialEq, Eq)]
pub struct Line {
    /// The key of `assets/demo/views.yaml`.
    pub key: &'static str,
    /// Which organisation of backups.
    pub generation: Generation,
    /// The phases of a tenant's job. All but the first are statuses of the task.
    pub phases: &'static [Phase],
    features: &'static [Feature],
}

impl Line {
    /// Whether the line has it.
    #[must_use]
    pub fn has(&self, feature: Feature) -> bool {
        self.features.contains(&feature)
    }

    /// The words of `LOG_ARCHIVE_DEST_STATE`; the first one of V4.0 is spelt so in its source.
    #[must_use]
    pub fn dest_states(&self) -> &'static [(DestState, &'static str)] {
        use DestState::{Defer, Disable, Enable, Interrupt};
        if self.has(Feature::ArchiveMode) {
            &[(Enable, "ENABLE"), (Defer, "DEFER")]
        } else {
            &[(Enable, "ENBALE"), (Disable, "DISABLE"), (Defer, "DEFER"), (Interrupt, "INTERRUPT")]
        }
    }

    /// V2.2 or V3.
    #[must_use]
    pub fn is_v3(&self) -> bool {
        self.generation == Generation::V3
    }
}

impl Serialize for Line {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.key)
    }
}

/// The line of that key.
#[must_use]
pub fn of(key: &str) -> Option<&'static Line> {
    LINES.iter().find(|line| line.key == key)
}

/// V2.2 and V3: the states of a tenant's task; before, it is SCHEDULE in `__all_virtual_backup_info` only.
const V3: &[Phase] =
    &[("SCHEDULE", 900, Work::Schedule), ("GENERATE", 1000, Work::Other), ("DOING", 17_000, Work::Major)];

/// Until V4.2.1.
const V4_0: &[Phase] = &[
    ("SCHEDULE", 600, Work::Schedule),
    ("INIT", 1000, Work::Other),
    ("BACKUP_SYS_META", 1500, Work::Other),
    ("BACKUP_USER_META", 3000, Work::Tablets),
    ("BACKUP_DATA_SYS", 1000, Work::TabletsDone),
    ("BACKUP_DATA_MINOR", 6000, Work::Minor),
    ("BACKUP_DATA_MAJOR", 12_000, Work::Major),
    ("BACKUP_LOG", 3000, Work::Log),
];

/// From V4.2.1 BP6 on, where `BACKUP_DATA_SYS` is a word nothing leads to.
const V4_2: &[Phase] = &[
    ("SCHEDULE", 600, Work::Schedule),
    ("INIT", 1000, Work::Other),
    ("BACKUP_SYS_META", 1500, Work::Other),
    ("BACKUP_USER_META", 3000, Work::Tablets),
    ("BACKUP_META_FINISH", 800, Work::TabletsDone),
    ("BACKUP_DATA_MINOR", 6000, Work::Minor),
    ("BACKUP_DATA_MAJOR", 12_000, Work::Major),
    ("BACKUP_LOG", 3000, Work::Log),
];

const V4_3_5: &[Phase] = &[
    ("SCHEDULE", 600, Work::Schedule),
    ("INIT", 1000, Work::Other),
    ("BACKUP_SYS_META", 1500, Work::Other),
    ("BACKUP_USER_META", 3000, Work::Tablets),
    ("BACKUP_META_FINISH", 800, Work::TabletsDone),
    ("BACKUP_SYS_DATA", 2000, Work::Minor),
    ("BACKUP_USER_DATA", 14_000, Work::Major),
    ("BACKUP_FUSE_TABLET_META", 1000, Work::AfterData),
    ("PREPARE_BACKUP_LOG", 500, Work::AfterData),
    ("BEFORE_BACKUP_LOG", 700, Work::BeforeLog),
    ("BACKUP_LOG", 3000, Work::Log),
];

use Feature::{
    AllUser, ArchiveMode, CancelAll, ChecksumType, Cos, FractionalTimes, FreezeFirst, LaterForms, ObVersion,
    ParametersWhere, PlacedComments, PlusArchivelog, RefusedChildEvent, RestorePreview, S3, SameDataVersion,
    SeveralStatements, SinceV3, TenantBackup,
};

/// What V4.3.5 has. The first of it is new there.
const V4_3_5_FEATURES: &[Feature] = &[
    ChecksumType,
    ObVersion,
    Cos,
    S3,
    PlusArchivelog,
    ArchiveMode,
    AllUser,
    LaterForms,
    SameDataVersion,
    RefusedChildEvent,
    PlacedComments,
    FractionalTimes,
    RestorePreview,
    SeveralStatements,
];
const V4_2_FEATURES: &[Feature] = V4_3_5_FEATURES.split_at(1).1;

static LINES: [Line; 11] = [
    v3("2.2.77", &[FreezeFirst, Cos]),
    v3("3.1.2", &[FreezeFirst, ObVersion, ParametersWhere, SinceV3, RestorePreview, SeveralStatements]),
    v3("3.1.5", &[CancelAll, ObVersion, ParametersWhere, SinceV3, RestorePreview, SeveralStatements]),
    // Builds before 20220304134610.
    v3("3.2.2", &[FreezeFirst, ObVersion, ParametersWhere, SinceV3, Cos]),
    // Builds from it on.
    v3("3.2.2-tenant", &[TenantBackup, CancelAll, FreezeFirst, ObVersion, ParametersWhere, SinceV3, Cos]),
    v3("3.2.4", &[TenantBackup, CancelAll, ObVersion, ParametersWhere, SinceV3, Cos]),
    Line { key: "4.0", generation: Generation::V4, phases: V4_0, features: &[ObVersion, SeveralStatements] },
    Line {
        key: "4.1",
        generation: Generation::V4,
        phases: V4_0,
        features: &[ObVersion, ArchiveMode, SeveralStatements],
    },
    Line { key: "4.2.5", generation: Generation::V4, phases: V4_2, features: V4_2_FEATURES },
    Line { key: "4.3.5", generation: Generation::V4, phases: V4_3_5, features: V4_3_5_FEATURES },
    Line { key: "seekdb", generation: Generation::V4, phases: V4_3_5, features: V4_2_FEATURES },
];

const fn v3(key: &'static str, features: &'static [Feature]) -> Line {
    Line { key, generation: Generation::V3, phases: V3, features }
}
