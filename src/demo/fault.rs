//! What can be wrong in the fleet, by name. A fault is declared, not played: the state is read together with the faults
//! that are present, so that removing one is all it takes to mend its effect. Tests hold phases by the same means.

use serde::{Deserialize, Serialize};

use super::clock::Moment;

/// A named cause, and what it does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
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
    /// Whether a fix of everything removes it.
    #[serde(default)]
    pub fixable: bool,
    /// Since when it is there.
    #[serde(default)]
    pub since: Moment,
    /// What it does.
    #[serde(flatten)]
    pub effect: Effect,
}

/// What a fault does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Effect {
    /// A phase of a job does not move: a task's status, `SCHEDULE` (a child before its task), `PARENT` (a sys job
    /// before its children), `CANCELING`, or on V2.2 and V3 `CLEANUP` and `MERGE` (of a zone, the fault's server).
    Hold {
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
    /// A destination of the tenant cannot be set: what is in its directory is in the way.
    DestinationRefused {
        /// The code a client sees.
        code: u16,
        /// Its text; the path follows.
        text: String,
    },
    /// The checkpoint of the archive stands still since `since`.
    CheckpointStands,
    /// The port refuses connections.
    Refuse,
    /// The port accepts connections and never says a word.
    Silence,
    /// Every login is refused with 1045.
    LoginRefused,
    /// `enable_upgrade_mode` is True.
    UpgradeMode,
    /// A running job is missing in the running views.
    JobGone {
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
    /// The archive breaks as soon as a backup is completed, before its log is there. Whoever removes the cause has started a
    /// new round.
    ArchiveBreaks,
    /// A BACKUP takes this long before it is answered: longer than `ob_query_timeout` of the session is 4012, and it was
    /// started all the same.
    SlowStart {
        /// Milliseconds of work.
        milliseconds: i64,
    },
    /// A CANCEL BACKUP is carried out, and refused with this all the same.
    CancelRefused {
        /// The code a client sees.
        code: u16,
        /// Its text.
        text: String,
    },
    /// Every connection comes through a proxy.
    Proxied,
    /// The storage lacks what the views list.
    MediaLacks {
        /// What.
        what: Lacks,
    },
    /// V2.2 and V3: the merge of a zone (the fault's server) ends in an error, and stands still until that is removed.
    CompactionFails,
    /// V2.2 and V3: old backups are being removed.
    CleanupRuns,
    /// The tenant was switched to another role; on V2.2 and V3 without a tenant, the cluster.
    Role {
        /// `STANDBY`, `PRIMARY`.
        role: String,
    },
}

/// What a storage may lack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lacks {
    /// The files of the piece that is written now.
    NewestPiece,
    /// The info file of the newest backup set.
    NewestSetInfo,
}

/// The faults of a fleet, asked from one cluster.
#[derive(Debug, Clone, Copy)]
pub struct Faults<'a> {
    /// All of them.
    pub all: &'a [Fault],
    /// The cluster that asks.
    pub cluster: &'a str,
}

impl<'a> Faults<'a> {
    fn of(self, tenant: Option<&'a str>) -> impl Iterator<Item = &'a Fault> {
        self.all.iter().filter(move |fault| {
            fault.cluster.as_deref().is_none_or(|cluster| cluster == self.cluster)
                && (fault.tenant.is_none() || tenant.is_none() || fault.tenant.as_deref() == tenant)
        })
    }

    /// Whether a phase of a tenant's job is held.
    #[must_use]
    pub fn holds(self, tenant: &'a str, phase: &str) -> bool {
        self.of(Some(tenant)).any(|fault| matches!(&fault.effect, Effect::Hold { phase: held, .. } if held == phase))
    }

    /// Whether the merge of a zone is held.
    #[must_use]
    pub fn holds_merge(self, zone: usize) -> bool {
        self.of(None).any(|fault| {
            fault.server.is_none_or(|server| server == zone)
                && matches!(&fault.effect, Effect::Hold { phase, .. } if phase == "MERGE")
        })
    }

    /// What the task of a tenant shows while a phase of it is held: on which server, the code and its text.
    #[must_use]
    pub fn trouble(self, tenant: &'a str, phase: &str) -> Option<(Option<usize>, i64, &'a str)> {
        self.of(Some(tenant)).find_map(|fault| match &fault.effect {
            Effect::Hold { phase: held, code: Some(code), text } if held == phase => {
                Some((fault.server, *code, &**text))
            }
            _ => None,
        })
    }

    /// Why a destination of a tenant cannot be set: the code and its text.
    #[must_use]
    pub fn refused_destination(self, tenant: &'a str) -> Option<(u16, &'a str)> {
        self.of(Some(tenant)).find_map(|fault| match &fault.effect {
            Effect::DestinationRefused { code, text } => Some((*code, &**text)),
            _ => None,
        })
    }

    /// How many milliseconds of work a BACKUP takes before it is answered.
    #[must_use]
    pub fn slow_start(self) -> Option<i64> {
        self.of(None).find_map(|fault| match fault.effect {
            Effect::SlowStart { milliseconds } => Some(milliseconds),
            _ => None,
        })
    }

    /// What a CANCEL BACKUP is refused with after it was carried out: the code and its text.
    #[must_use]
    pub fn refused_cancel(self) -> Option<(u16, &'a str)> {
        self.of(None).find_map(|fault| match &fault.effect {
            Effect::CancelRefused { code, text } => Some((*code, &**text)),
            _ => None,
        })
    }

    /// The role that a tenant has instead of its own.
    #[must_use]
    pub fn role(self, tenant: &'a str) -> Option<&'a str> {
        self.of(Some(tenant)).find_map(|fault| match &fault.effect {
            Effect::Role { role } => Some(&**role),
            _ => None,
        })
    }

    /// Whether the archive of a tenant breaks when its backup has ended.
    #[must_use]
    pub fn breaks_archive(self, tenant: &'a str) -> bool {
        self.of(Some(tenant)).any(|fault| fault.effect == Effect::ArchiveBreaks)
    }

    /// Whether the storage of a tenant lacks this.
    #[must_use]
    pub fn lacks(self, tenant: &'a str, what: Lacks) -> bool {
        self.of(Some(tenant)).any(|fault| fault.effect == Effect::MediaLacks { what })
    }

    /// How a tenant's job fails at the end of this phase.
    #[must_use]
    pub fn failure(self, tenant: &'a str, phase: &str) -> Option<(i64, String)> {
        self.of(Some(tenant)).find_map(|fault| match &fault.effect {
            Effect::JobFails { phase: at, code, text } if at == phase => Some((*code, text.clone())),
            _ => None,
        })
    }

    /// Since when the checkpoint of a tenant stands still.
    #[must_use]
    pub fn standstill(self, tenant: &'a str) -> Option<Moment> {
        let stands = |fault: &&Fault| fault.effect == Effect::CheckpointStands;
        self.of(Some(tenant)).filter(stands).map(|fault| fault.since).min()
    }

    /// Whether a tenant's jobs are missing in the running views, or in the history views.
    #[must_use]
    pub fn gone(self, tenant: &'a str, ended: bool) -> bool {
        self.of(Some(tenant)).any(|fault| matches!(fault.effect, Effect::JobGone { history } if history || !ended))
    }

    /// Whether a view may not be read from a tenant.
    #[must_use]
    pub fn denies(self, tenant: &'a str, view: &str) -> bool {
        self.of(Some(tenant))
            .any(|fault| matches!(&fault.effect, Effect::ViewDenied { view: denied } if denied == view))
    }

    /// Whether a tenant's backups are not shown as encrypted.
    #[must_use]
    pub fn unencrypted(self, tenant: &'a str) -> bool {
        self.of(Some(tenant)).any(|fault| fault.effect == Effect::EncryptionLost)
    }

    /// Whether the cluster as a whole, or one server of it, suffers from this.
    #[must_use]
    pub fn has(self, effect: &Effect, server: Option<usize>) -> bool {
        self.of(None).any(|fault| {
            fault.effect == *effect && (fault.server.is_none() || server.is_none() || fault.server == server)
        })
    }
}

/// The text of a COMMENT, as a server writes it for a job that failed on one of its log streams.
#[must_use]
pub fn comment(addr: &str, code: i64, text: &str, trace_id: &str) -> String {
    format!("(SERVER)ls_id: 1001, addr: {addr}, module: BACKUP_DATA, result: {code}({text}), trace_id: {trace_id}")
}
