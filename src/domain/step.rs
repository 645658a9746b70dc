//! The steps of a backup, their names and their states.

use serde::{Deserialize, Serialize};

/// A step of a backup. Its name ([`StepKind::name`]) appears unchanged on screens, in journals and in JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepKind {
    /// Checks identity, upgrade, role, servers and privileges, and that no other backup is running.
    CheckTarget,
    /// Checks that the tool of a logical backup is there.
    CheckBackupService,
    /// Checks that the backup can start; for an incremental, that there is a usable full.
    CheckReady,
    /// Sets the destinations of data and log archive, and only those that differ.
    SetDestination,
    /// Brings the log archive to DOING.
    StartArchiving,
    /// Performs a major compaction, where the release line needs one.
    Compact,
    /// Sends the statement that starts the backup.
    StartBackup,
    /// Waits while the server (or the dump tool) works.
    WaitForBackup,
    /// Uploads the files of a dump to an object storage.
    Upload,
    /// Reads the history, the chain, the log and the encryption, and gives the verdict.
    ConfirmRestorable,
}

impl StepKind {
    /// Returns the name as it is shown, in the journal's events and in JSON.
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

    /// Whether a failure of this step may mean that no backup job was started.
    #[must_use]
    pub fn is_before_the_job(self) -> bool {
        self <= Self::StartBackup
    }
}

/// The state of a step of one target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepState {
    /// The step has not begun.
    Pending,
    /// The step is in progress.
    Running,
    /// The step succeeded.
    Ok,
    /// The step had nothing to do.
    NotNeeded,
    /// The step failed; the task stops there for this target.
    Failed,
    /// The job was cancelled on the server.
    Cancelled,
    /// The result is not known.
    Unknown,
}

impl StepState {
    /// Returns the word of JSON. Screens show `not needed` for `not_needed`.
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

    /// Whether the step has ended the task for this target.
    #[must_use]
    pub fn is_stopped(self) -> bool {
        matches!(self, Self::Failed | Self::Cancelled | Self::Unknown)
    }
}
