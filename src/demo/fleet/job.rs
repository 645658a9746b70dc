//! Backup jobs.

use serde::Serialize;

use crate::demo::clock::Micros;

/// The states of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum JobStatus {
    /// Inserted.
    Init,
    /// Works.
    Doing,
    /// Ended well.
    Completed,
    /// Ended badly.
    Failed,
    /// Is being cancelled.
    Canceling,
    /// Was cancelled.
    Canceled,
}

impl JobStatus {
    /// Returns the server's word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Init => "INIT",
            Self::Doing => "DOING",
            Self::Completed => "COMPLETED",
            Self::Failed => "FAILED",
            Self::Canceling => "CANCELING",
            Self::Canceled => "CANCELED",
        }
    }

    /// Returns whether the job has ended.
    #[must_use]
    pub fn has_ended(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Canceled)
    }
}

/// A backup job: a sys parent (`tenant_id` 1), or a tenant's own.
#[derive(Debug, Clone, Serialize)]
#[allow(clippy::struct_excessive_bools, reason = "columns of a view, each with two values of its own")]
pub struct Job {
    /// Whose row it is.
    pub tenant_id: i64,
    /// `JOB_ID`, counted per tenant.
    pub id: i64,
    /// `INITIATOR_TENANT_ID`.
    pub initiator_tenant_id: i64,
    /// `INITIATOR_JOB_ID`: the parent's, which is a parent's own id too; 0 for a job that its tenant started.
    pub initiator_job_id: i64,
    /// `EXECUTOR_TENANT_ID`.
    pub executors: Vec<i64>,
    /// INC (true) or FULL: for a child what it became.
    pub incremental: bool,
    /// `PLUS_ARCHIVELOG`.
    pub plus_archivelog: bool,
    /// V2.2 and V3: a backup of some tenants, `BACKUP_LEVEL` TENANT.
    pub of_tenants: bool,
    /// The session's encryption password was set.
    pub encrypted: bool,
    /// `DESCRIPTION`.
    pub description: String,
    /// Begin.
    pub start: Micros,
    /// End.
    pub end: Option<Micros>,
    /// The state.
    pub status: JobStatus,
    /// `RESULT`: 0, or a negative code as the source stores it.
    pub result: i64,
    /// `COMMENT`.
    pub comment: String,
    /// The destination's path.
    pub path: String,
    /// The set it makes, and `TASK_ID` alike; 0 before it has one.
    pub set_id: i64,
    /// Index of the phase in those of the line.
    pub phase: usize,
    /// Work done in this phase, in microseconds of work.
    #[serde(rename = "done")]
    pub work_done: Micros,
    /// Up to when the work is counted.
    #[serde(rename = "seen")]
    pub accounted_until: Micros,
    /// When an ended job moves to the history views, or a CANCELING one is CANCELED.
    #[serde(rename = "due")]
    pub transition_at: Option<Micros>,
    /// Since when it waits for an upgrade to end.
    pub upgrade_since: Option<Micros>,
    /// It is in the history views.
    #[serde(rename = "history")]
    pub in_history: bool,
}
