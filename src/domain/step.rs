//! The steps of a backup, their names and their states.

use serde::{Deserialize, Serialize};

/// A step. Two of the names are contracts and appear letter for letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepKind {
    /// Identity, upgrade, role, servers, rights; nobody else is backing up.
    CheckTarget,
    /// The tool of a logical backup is there.
    CheckBackupService,
    /// A usable full for an incremental.
    CheckReady,
    /// Data and log archive destinations, only what differs.
    SetDestination,
    /// The log archive runs.
    StartArchiving,
    /// A major compaction, where the line needs one.
    Compact,
    /// The one statement that starts the backup.
    StartBackup,
    /// The server (or the dump tool) works.
    WaitForBackup,
    /// The files of a dump go to an object storage.
    Upload,
    /// History row, chain, log, encryption: the verdict.
    ConfirmRestorable,
}

impl StepKind {
    /// The name as shown, in the journal's events and in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::CheckTarget => "Check target",
            Self::CheckBackupService => "Check backup service",
            Self::CheckReady => "Check if ready to data backup",
            Self::SetDestination => "Set backup destination",
            Self::StartArchiving => "Start log archiving",
            Self::Compact => "Start cluster compact if necessary",
            Self::StartBackup => "Start data backup",
            Self::WaitForBackup => "Wait for data backup",
            Self::Upload => "Upload",
            Self::ConfirmRestorable => "Confirm restorable",
        }
    }

    /// Whether a failure here still means that no backup job existed.
    #[must_use]
    pub fn is_before_the_job(self) -> bool {
        self <= Self::StartBackup
    }
}

/// The state of a step of one target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepState {
    /// Not begun.
    Pending,
    /// Under way.
    Running,
    /// Done.
    Ok,
    /// Nothing had to be done.
    NotNeeded,
    /// It failed; the task stops there for this target.
    Failed,
    /// Cancelled on the server.
    Cancelled,
    /// Nobody knows.
    Unknown,
}

impl StepState {
    /// The word of JSON and of the screen.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Ok => "ok",
            Self::NotNeeded => "not_needed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Unknown => "unknown",
        }
    }

    /// Whether the next step may begin.
    #[must_use]
    pub fn is_passed(self) -> bool {
        matches!(self, Self::Ok | Self::NotNeeded)
    }

    /// Whether the target's way ends here.
    #[must_use]
    pub fn is_stopped(self) -> bool {
        matches!(self, Self::Failed | Self::Cancelled | Self::Unknown)
    }
}
