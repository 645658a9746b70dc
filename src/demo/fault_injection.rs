//! Fault injection. A fault is declared, not played: the state is read together with the present faults, so that removing one
//! ends its effect. Tests hold phases in the same way.

use serde::{Deserialize, Serialize};

use super::clock::Micros;

/// A named fault and its effect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InjectedFault {
    /// The name by which it is removed.
    pub name: String,
    /// The cluster it is in; none: all of them.
    #[serde(default)]
    pub cluster: Option<String>,
    /// The tenant it concerns; none: all of them.
    #[serde(default)]
    pub tenant: Option<String>,
    /// The server it concerns, counted from 0; none: all of them.
    #[serde(default)]
    pub server: Option<usize>,
    /// Whether a request to remove all fixable faults removes it.
    #[serde(default)]
    pub fixable: bool,
    /// Since when it is present.
    #[serde(default)]
    pub since: Micros,
    /// What it does.
    #[serde(flatten)]
    pub effect: FaultEffect,
}

/// What a fault does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum FaultEffect {
    /// A phase of a job does not progress: a task's status, `SCHEDULE` (a child before its task), `PARENT` (a sys job
    /// before its children), `CANCELING`, or on V2.2 and V3 `CLEANUP` and `MERGE` (of a zone, the fault's server).
    #[serde(rename = "hold")]
    HoldPhase {
        /// The phase.
        phase: String,
        /// The code that the task shows meanwhile, negative; none: it shows nothing.
        #[serde(default)]
        code: Option<i64>,
        /// Its text.
        #[serde(default)]
        text: String,
    },
    /// A job fails at the end of a phase.
    JobFails {
        /// The phase.
        phase: String,
        /// The code as the source stores it, negative.
        code: i64,
        /// Its text.
        text: String,
    },
    /// A destination of the tenant cannot be set because of the content of its directory.
    DestinationRefused {
        /// The code a client sees.
        code: u16,
        /// Its text; the path follows.
        text: String,
    },
    /// The checkpoint of the archive has stalled at `since`.
    #[serde(rename = "checkpoint_stands")]
    CheckpointStalled,
    /// The port refuses connections.
    #[serde(rename = "refuse")]
    PortRefuses,
    /// The port accepts connections and never sends anything.
    #[serde(rename = "silence")]
    Unresponsive,
    /// Every login is refused with 1045.
    LoginRefused,
    /// `enable_upgrade_mode` is True.
    UpgradeMode,
    /// A running job is missing in the running views.
    #[serde(rename = "job_gone")]
    JobHidden {
        /// And it is missing in the history views once it has ended.
        #[serde(default)]
        history: bool,
    },
    /// A view answers 1142 to whoever is logged in to the tenant.
    ViewDenied {
        /// Its name.
        view: String,
    },
    /// An encrypted backup is not shown as one.
    EncryptionLost,
    /// The archive is interrupted as soon as a backup is completed, before its log is archived. Removing the fault starts a new
    /// round.
    ArchiveBreaks,
    /// A BACKUP takes this long before it is answered: longer than `ob_query_timeout` of the session is 4012, and it was
    /// started all the same.
    SlowStart {
        /// Milliseconds of work.
        milliseconds: i64,
    },
    /// A CANCEL BACKUP is executed, and answered with this error all the same.
    CancelRefused {
        /// The code a client sees.
        code: u16,
        /// Its text.
        text: String,
    },
    /// Every session is shown as one through a proxy.
    #[serde(rename = "proxied")]
    BehindProxy,
    /// Files that the views list are missing on the storage.
    #[serde(rename = "media_lacks")]
    FileMissing {
        /// Which files.
        what: MissingFile,
    },
    /// V2.2 and V3: the merge of a zone (the fault's server) fails with an error, and is stalled until the fault is removed.
    CompactionFails,
    /// V2.2 and V3: old backups are being removed.
    CleanupRuns,
    /// The tenant was switched to another role; on V2.2 and V3 without a tenant, the cluster.
    #[serde(rename = "role")]
    RoleSwitched {
        /// `STANDBY`, `PRIMARY`.
        role: String,
    },
}

/// Files that may be missing on the storage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MissingFile {
    /// The files of the newest archive piece.
    NewestPiece,
    /// The info file of the newest backup set.
    NewestSetInfo,
}

/// The faults of a fleet, from the view of one cluster.
#[derive(Debug, Clone, Copy)]
pub struct ClusterFaults<'a> {
    /// All of them.
    pub all: &'a [InjectedFault],
    /// The name of the cluster.
    pub cluster: &'a str,
}

impl<'a> ClusterFaults<'a> {
    fn concerning(self, tenant: Option<&'a str>) -> impl Iterator<Item = &'a InjectedFault> {
        self.all.iter().filter(move |fault| {
            fault.cluster.as_deref().is_none_or(|cluster| cluster == self.cluster)
                && (fault.tenant.is_none() || tenant.is_none() || fault.tenant.as_deref() == tenant)
        })
    }

    /// Returns whether a phase of a tenant's job is held.
    #[must_use]
    pub fn holds_phase(self, tenant: &'a str, phase: &str) -> bool {
        self.concerning(Some(tenant))
            .any(|fault| matches!(&fault.effect, FaultEffect::HoldPhase { phase: held, .. } if held == phase))
    }

    /// Returns whether the merge of a zone is held.
    #[must_use]
    pub fn holds_merge(self, zone: usize) -> bool {
        self.concerning(None).any(|fault| {
            fault.server.is_none_or(|server| server == zone)
                && matches!(&fault.effect, FaultEffect::HoldPhase { phase, .. } if phase == "MERGE")
        })
    }

    /// Returns the error that a tenant's task shows while its phase is held: index of the server, negative code, and text.
    #[must_use]
    pub fn held_task_error(self, tenant: &'a str, phase: &str) -> Option<(Option<usize>, i64, &'a str)> {
        self.concerning(Some(tenant)).find_map(|fault| match &fault.effect {
            FaultEffect::HoldPhase { phase: held, code: Some(code), text } if held == phase => {
                Some((fault.server, *code, &**text))
            }
            _ => None,
        })
    }

    /// Returns why a destination of a tenant cannot be set: the code and its text.
    #[must_use]
    pub fn refused_destination(self, tenant: &'a str) -> Option<(u16, &'a str)> {
        self.concerning(Some(tenant)).find_map(|fault| match &fault.effect {
            FaultEffect::DestinationRefused { code, text } => Some((*code, &**text)),
            _ => None,
        })
    }

    /// Returns how many milliseconds of work a BACKUP takes before it is answered.
    #[must_use]
    pub fn slow_start(self) -> Option<i64> {
        self.concerning(None).find_map(|fault| match fault.effect {
            FaultEffect::SlowStart { milliseconds } => Some(milliseconds),
            _ => None,
        })
    }

    /// Returns the error of a CANCEL BACKUP that was executed: the code and its text.
    #[must_use]
    pub fn refused_cancel(self) -> Option<(u16, &'a str)> {
        self.concerning(None).find_map(|fault| match &fault.effect {
            FaultEffect::CancelRefused { code, text } => Some((*code, &**text)),
            _ => None,
        })
    }

    /// Returns the role that a tenant was switched to.
    #[must_use]
    pub fn switched_role(self, tenant: &'a str) -> Option<&'a str> {
        self.concerning(Some(tenant)).find_map(|fault| match &fault.effect {
            FaultEffect::RoleSwitched { role } => Some(&**role),
            _ => None,
        })
    }

    /// Returns whether the archive of a tenant is interrupted when its backup has ended.
    #[must_use]
    pub fn breaks_archive(self, tenant: &'a str) -> bool {
        self.concerning(Some(tenant)).any(|fault| fault.effect == FaultEffect::ArchiveBreaks)
    }

    /// Returns whether these files of a tenant are missing on the storage.
    #[must_use]
    pub fn lacks_file(self, tenant: &'a str, what: MissingFile) -> bool {
        self.concerning(Some(tenant)).any(|fault| fault.effect == FaultEffect::FileMissing { what })
    }

    /// Returns the error with which a tenant's job fails at the end of this phase: negative code and text.
    #[must_use]
    pub fn job_failure(self, tenant: &'a str, phase: &str) -> Option<(i64, String)> {
        self.concerning(Some(tenant)).find_map(|fault| match &fault.effect {
            FaultEffect::JobFails { phase: at, code, text } if at == phase => Some((*code, text.clone())),
            _ => None,
        })
    }

    /// Returns since when the checkpoint of a tenant has stalled.
    #[must_use]
    pub fn checkpoint_stalled_since(self, tenant: &'a str) -> Option<Micros> {
        let stands = |fault: &&InjectedFault| fault.effect == FaultEffect::CheckpointStalled;
        self.concerning(Some(tenant)).filter(stands).map(|fault| fault.since).min()
    }

    /// Returns whether a tenant's jobs are missing in the running views, or if `ended` in the history views.
    #[must_use]
    pub fn hides_jobs(self, tenant: &'a str, ended: bool) -> bool {
        self.concerning(Some(tenant))
            .any(|fault| matches!(fault.effect, FaultEffect::JobHidden { history } if history || !ended))
    }

    /// Returns whether a view may not be read from a tenant.
    #[must_use]
    pub fn denies_view(self, tenant: &'a str, view: &str) -> bool {
        self.concerning(Some(tenant))
            .any(|fault| matches!(&fault.effect, FaultEffect::ViewDenied { view: denied } if denied == view))
    }

    /// Returns whether a tenant's encrypted backups are shown as not encrypted.
    #[must_use]
    pub fn hides_encryption(self, tenant: &'a str) -> bool {
        self.concerning(Some(tenant)).any(|fault| fault.effect == FaultEffect::EncryptionLost)
    }

    /// Returns whether the cluster as a whole, or one server of it, has this effect.
    #[must_use]
    pub fn has_effect(self, effect: &FaultEffect, server: Option<usize>) -> bool {
        self.concerning(None).any(|fault| {
            fault.effect == *effect && (fault.server.is_none() || server.is_none() || fault.server == server)
        })
    }
}

/// Returns a COMMENT as a server writes it for a job that failed on one of its log streams.
#[must_use]
pub fn job_comment(addr: &str, code: i64, text: &str, trace_id: &str) -> String {
    format!("(SERVER)ls_id: 1001, addr: {addr}, module: BACKUP_DATA, result: {code}({text}), trace_id: {trace_id}")
}
