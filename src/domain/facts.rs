//! What detection found on one cluster, at one moment. Words a server uses and this program does not know are kept as
//! they are.

use super::archive_dest::ArchiveDest;
use super::cluster_backup::ClusterBackupFacts;
use super::competing_load::{CompetingLoad, ManagingPlatform, TransparentEncryption};
use super::destination::Destination;
use super::dump::{Catalogue, DumpDirectoryFacts};
use super::identity::Created;
use super::progress::Count;
use super::proof::ProofRule;
use super::restorable::{BackupSet, Piece, Round, SetKind};
use super::scn::Scn;
use super::target::TargetName;
use super::time_zone::ServerTimeZone;
use super::version::{Edition, Method, Version};
use jiff::Timestamp;

mod server;

pub use server::ServerFacts;

/// A fact, or why nobody could read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Known<T> {
    /// It was read.
    Known(T),
    /// It was not, and this is why; it is listed as not checked.
    NotChecked(String),
}

impl<T> Known<T> {
    /// The fact, where it was read.
    pub fn get(&self) -> Option<&T> {
        match self {
            Self::Known(value) => Some(value),
            Self::NotChecked(_) => None,
        }
    }
}

/// Everything known about a cluster and its tenants.
#[derive(Debug, Clone, PartialEq)]
pub struct Facts {
    /// When it was read, by this host's clock.
    pub at: Timestamp,
    /// The cluster.
    pub cluster: ClusterFacts,
    /// Its tenants, sys and meta among them, by id.
    pub tenants: Vec<TenantFacts>,
}

impl Facts {
    /// The tenant of that name; names are compared as the server prints them.
    #[must_use]
    pub fn tenant(&self, name: &str) -> Option<&TenantFacts> {
        self.tenants.iter().find(|tenant| tenant.name == name)
    }

    /// The tenant of that id.
    #[must_use]
    pub fn tenant_by_id(&self, id: u64) -> Option<&TenantFacts> {
        self.tenants.iter().find(|tenant| tenant.id == id)
    }

    /// How the tenant is called as a target. A name that is none (it has a slash in it) is replaced by the id; on an
    /// engine without tenants it is the cluster itself.
    #[must_use]
    pub fn target(&self, tenant: &TenantFacts) -> TargetName {
        if tenant.id == 0 {
            return self.cluster.target.clone();
        }
        let cluster = self.cluster.name();
        TargetName::tenant_named(cluster, &tenant.name)
            .or_else(|_| TargetName::tenant_named(cluster, &format!("tenant {}", tenant.id)))
            .unwrap_or_else(|_| self.cluster.target.clone())
    }
}

impl Facts {
    /// A time as the server prints it, as a moment; None where none is set, or where it cannot be known.
    #[must_use]
    pub fn server_time(&self, printed: &str) -> Option<Timestamp> {
        self.cluster.time_zone.moment(printed).ok()
    }

    /// The time of detection by the server's clock, which also stamps sets and log.
    #[must_use]
    pub fn server_now(&self) -> Scn {
        let host = Scn::from_timestamp(self.at).0;
        Scn(host.saturating_add_signed(self.cluster.clock_ahead_ms.saturating_mul(1_000_000)))
    }
}

/// Where a login sees the cluster from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The sys tenant: the whole cluster.
    Sys,
    /// A user tenant's own administrator: that tenant alone.
    Tenant,
}

/// Who is logged in, and what he may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginFacts {
    /// `root@sys`, as the inventory has it.
    pub user: String,
    /// The tenant he is logged in to.
    pub tenant: String,
    /// What a backup needs and the server's list of his grants does not have.
    pub missing: Known<Vec<MissingGrant>>,
    /// His grants, as the server lists them.
    pub grants: Vec<String>,
}

/// A privilege that a backup needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingGrant {
    /// What it is called.
    pub privilege: &'static str,
    /// The statement that gives it.
    pub statement: String,
    /// What it is needed for was done all the same when the facts were read.
    pub seen_to_work: bool,
}

/// What is known about the cluster itself.
#[derive(Debug, Clone, PartialEq)]
pub struct ClusterFacts {
    /// Its name in the inventory, as a target.
    pub target: TargetName,
    /// Its environment in the inventory, such as `prod`.
    pub environment: Option<String>,
    /// The endpoint that answered.
    pub endpoint: String,
    /// The name the servers use.
    pub server_name: Option<String>,
    /// The cluster's id; None on an engine without clusters, or where it cannot be seen.
    pub id: Option<u64>,
    /// When the tenant of this login was created, which tells clusters of one id apart.
    pub created: Known<Created>,
    /// Version and build.
    pub version: Version,
    /// Community or Enterprise, where the server says.
    pub edition: Option<Edition>,
    /// How it is backed up.
    pub method: Method,
    /// Why that method.
    pub method_reason: String,
    /// Where the login sees it from.
    pub scope: Scope,
    /// Who is logged in.
    pub login: LoginFacts,
    /// The observers.
    pub servers: Known<Vec<ServerFacts>>,
    /// Every sign of a running upgrade; empty means none was seen.
    pub upgrading: Known<Vec<String>>,
    /// The zone in which the server prints its times.
    pub time_zone: ServerTimeZone,
    /// Milliseconds the server's clock is ahead of this host's.
    pub clock_ahead_ms: i64,
    /// The tool that makes a logical backup, on this host; None on a physical line.
    pub backup_service: Option<BackupServiceFacts>,
    /// Where on this host a dump is written that goes to an object storage; None: nobody said.
    pub work: Option<WorkingDirectory>,
    /// What a dump can carry; None on a physical line.
    pub dump: Option<Known<Catalogue>>,
    /// The directory of this host that a dump with the choices at hand is written into; None: nobody looked.
    pub dump_directory: Option<Known<DumpDirectoryFacts>>,
    /// When its servers can be asked to look at a storage.
    pub proof: ProofRule,
    /// Whether a proxy stands between; None: the server does not say.
    pub through_proxy: Option<bool>,
    /// What the lines below V4 have once for the whole cluster; None where each tenant has its own.
    pub cluster_backup: Option<Box<ClusterBackupFacts>>,
    /// Who else manages it, as far as signs tell; empty means that no sign was seen.
    pub managers: Known<Vec<ManagingPlatform>>,
}

impl ClusterFacts {
    /// What is to say where it is known by its id alone; empty: its creation is known too.
    #[must_use]
    pub fn has_only_its_id(&self) -> String {
        match &self.created {
            Known::Known(_) => String::new(),
            Known::NotChecked(why) => format!(", the cluster known by its id alone: {why}"),
        }
    }

    /// Its name in the inventory.
    #[must_use]
    pub fn name(&self) -> &str {
        self.target.cluster()
    }
}

/// The backup service of a logical backup, as found on this host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BackupServiceFacts {
    /// Found, and its options are known.
    Ready {
        /// Name and release, `mydumper 0.10.0`.
        release: String,
        /// The program.
        path: String,
    },
    /// It cannot be used, and the fault says why and how to install it.
    Missing(super::fault::Fault),
}

/// The directory of this host that holds a dump until it is in an object storage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkingDirectory {
    /// Its path, from the root.
    pub path: String,
    /// Bytes that are free there; None: the system does not say.
    pub free: Option<u64>,
}

/// What a tenant is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TenantKind {
    /// The sys tenant.
    Sys,
    /// A meta tenant.
    Meta,
    /// A user tenant.
    User,
}

/// The SQL mode of a tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CompatibilityMode {
    /// MySQL mode.
    Mysql,
    /// Oracle mode.
    Oracle,
    /// Another word.
    Other(String),
}

/// The role of a tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Role {
    /// `PRIMARY`.
    Primary,
    /// `STANDBY`.
    Standby,
    /// `RESTORE`, `CLONE` and words not known here.
    Other(String),
}

impl Role {
    /// The server's word.
    #[must_use]
    pub fn word(&self) -> &str {
        match self {
            Self::Primary => "PRIMARY",
            Self::Standby => "STANDBY",
            Self::Other(word) => word,
        }
    }
}

/// What is known about one tenant.
#[derive(Debug, Clone, PartialEq)]
pub struct TenantFacts {
    /// Its id.
    pub id: u64,
    /// Its name.
    pub name: String,
    /// The name could be taken as the server prints it. One with control characters in it is shown without them, and a
    /// statement would name another tenant.
    pub name_is_exact: bool,
    /// When it was created; None: the server does not say.
    pub created: Option<Timestamp>,
    /// sys, meta or user.
    pub kind: TenantKind,
    /// MySQL or Oracle mode.
    pub mode: CompatibilityMode,
    /// Primary, standby or another.
    pub role: Role,
    /// `NORMAL`, or the server's other word.
    pub status: String,
    /// In the recycle bin.
    pub in_recycle_bin: bool,
    /// Set to read only, where the line tells.
    pub read_only: bool,
    /// The version of its cluster.
    pub version: Version,
    /// The data version (`COMPATIBLE`), where the line has it.
    pub data_version: Option<String>,
    /// What of it is set and cannot be read; nothing is planned for a tenant beside it.
    pub unread: Vec<String>,
    /// `DATA_BACKUP_DEST`.
    pub data_destination: Option<Destination>,
    /// The log archive.
    pub archive: ArchiveFacts,
    /// Every backup set the server lists, in the order of its ids.
    pub sets: Vec<BackupSet>,
    /// What an increment stands on.
    pub base: BaseRule,
    /// Backup jobs that run for this tenant, whoever started them.
    pub running: Vec<JobFacts>,
    /// The delete policy's recovery window; None: no policy, nothing is ever removed.
    pub recovery_window: Known<Option<String>>,
    /// A cleanup of backups that runs now, as one sentence.
    pub cleanup: Known<Option<String>>,
    /// Transparent encryption of its data; None: it is off.
    pub transparent_encryption: Known<Option<TransparentEncryption>>,
    /// What a backup of it competes with.
    pub load: CompetingLoad,
}

/// What an increment stands on (R4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BaseRule {
    /// The latest good set on the same path.
    Path,
    /// Below V4: a full of the whole cluster on the same path, with no more entries after it than these. The server makes a
    /// full without a word where there is none.
    Round {
        /// Beyond so many entries after the last full, failed ones too, the next incremental becomes a full.
        most: usize,
    },
}

/// How far the clocks of a cluster's servers may be apart, in seconds, before a checkpoint contradicts one of them.
const CLOCKS_APART: u64 = 60;

/// The log archive of a tenant.
#[derive(Debug, Clone, PartialEq)]
pub struct ArchiveFacts {
    /// `LOG_MODE = ARCHIVELOG`; None where the line does not tell.
    pub log_mode_on: Option<bool>,
    /// `LOG_ARCHIVE_DEST` with all its parts.
    pub destination: Option<ArchiveDest>,
    /// `LOG_ARCHIVE_DEST_STATE` is `DEFER`.
    pub deferred: bool,
    /// The current round; None when archiving never ran or its round is over and gone.
    pub current: Option<Round>,
    /// All rounds, the current one among them, by id.
    pub rounds: Vec<Round>,
    /// The pieces; None on a release without their view.
    pub pieces: Known<Option<Vec<Piece>>>,
    /// `archive_lag_target` in seconds, where it could be read.
    pub lag_target: Option<u64>,
    /// Whether the times of its rounds are known as moments; where they are not, no point in the log is known.
    pub times: Known<()>,
}

impl ArchiveFacts {
    /// The newest round, whether it runs or not.
    #[must_use]
    pub fn latest(&self) -> Option<&Round> {
        self.current.as_ref().or_else(|| self.rounds.last())
    }

    /// Whole seconds that the newest round's checkpoint is behind `now`; None where it has none yet, none that is known, or one
    /// that contradicts the clock.
    #[must_use]
    pub fn behind(&self, now: Scn) -> Option<u64> {
        self.times.get()?;
        let checkpoint = self.latest().map(|round| round.checkpoint).filter(|at| *at > Scn(0))?;
        (!self.contradicts_clock(now)).then(|| now.seconds_since(checkpoint))
    }

    /// Whether the newest round's checkpoint is later than the server's clock, by more than servers of one cluster may be apart:
    /// one of both is wrong, and how far the log is behind is not known.
    #[must_use]
    pub fn contradicts_clock(&self, now: Scn) -> bool {
        self.latest().is_some_and(|round| round.checkpoint.seconds_since(now) > CLOCKS_APART)
    }

    /// Milliseconds in which the log comes three steps further; None where `archive_lag_target` was not read.
    #[must_use]
    pub fn expected_archive_delay(&self) -> Option<u64> {
        self.lag_target.map(|seconds| seconds.saturating_mul(3_000))
    }

    /// Returns whether it is known how far the log reaches: the times of its rounds, and its pieces where the release has them.
    ///
    /// # Errors
    /// What was not read.
    pub fn reach_is_known(&self) -> Result<(), &str> {
        match (&self.times, &self.pieces) {
            (Known::NotChecked(why), _) | (_, Known::NotChecked(why)) => Err(why),
            (Known::Known(()), Known::Known(_)) => Ok(()),
        }
    }

    /// Returns all rounds, where it is known how far the log reaches; else none.
    #[must_use]
    pub fn known_rounds(&self) -> &[Round] {
        self.reach_is_known().map_or(&[], |()| self.rounds.as_slice())
    }

    /// Returns the pieces; `None` on a release without them, none where they were not read: what they hold is then in no window.
    #[must_use]
    pub fn known_pieces(&self) -> Option<&[Piece]> {
        match &self.pieces {
            Known::Known(pieces) => pieces.as_deref(),
            Known::NotChecked(_) => Some(&[]),
        }
    }
}

/// A backup job, as the running or the history view shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct JobFacts {
    /// Whose job: 1 for a parent started from sys.
    pub tenant_id: u64,
    /// Its id.
    pub job_id: u64,
    /// The set it makes; None for a parent.
    pub set_id: Option<u64>,
    /// The tenant that started it.
    pub initiator_tenant_id: u64,
    /// The parent's id, where a parent started it.
    pub initiator_job_id: Option<u64>,
    /// Ids of the tenants it covers, as far as the view tells.
    pub executors: Vec<u64>,
    /// Full or incremental, as the server decided.
    pub kind: SetKind,
    /// `INIT`, `DOING`, `COMPLETED`, `FAILED`, `CANCELING`, `CANCELED`, or another word.
    pub status: String,
    /// The server's result code without its sign; 0 is good.
    pub result: u64,
    /// The server's own words, cleaned.
    pub comment: String,
    /// The description it was started with.
    pub description: String,
    /// Where it writes, without attributes.
    pub path: String,
    /// When it started, in the server's own time, as printed.
    pub started: String,
    /// When it ended, as printed.
    pub ended: Option<String>,
    /// The phase and counters of its task, while it has one.
    pub task: Option<TaskFacts>,
}

/// The running task (the backup set being made) of a job.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskFacts {
    /// The server's word for the phase.
    pub phase: String,
    /// Bytes written so far; None: the view does not say.
    pub bytes: Option<u64>,
    /// Bytes in the end, where that is known: of an upload.
    pub bytes_total: Option<u64>,
    /// Tablets done, of all known so far.
    pub tablets: Option<Count>,
    /// Macro blocks done, of all known so far.
    pub blocks: Option<Count>,
    /// The server's own percentage, where it has one.
    pub percent: Option<f64>,
    /// The same of the log that goes into the set (PLUS ARCHIVELOG), where the view has it.
    pub log_percent: Option<f64>,
}

/// `OB_CANCELED`: the result of what was cancelled.
const CANCELED: u64 = 4072;

impl JobFacts {
    /// The tag obnow puts in front of every description it sends.
    pub const MARK: &'static str = "obnow ";

    /// How far it is in whole percent of its blocks, never 100; None before there is data.
    #[must_use]
    pub fn percent(&self) -> Option<u64> {
        let blocks = self.task.as_ref()?.blocks.filter(|blocks| blocks.total > 0)?;
        Some((blocks.done.saturating_mul(100) / blocks.total).min(99))
    }

    /// Whether the server still works on it.
    #[must_use]
    pub fn is_live(&self) -> bool {
        !matches!(self.status.as_str(), "COMPLETED" | "FAILED" | "CANCELED")
    }

    /// Whether somebody cancelled it: a tenant's own job ends CANCELED, the one of sys that started it FAILED with -4072
    /// (V4.3.1 source, `ObBackupDataScheduler`).
    #[must_use]
    pub fn was_cancelled(&self) -> bool {
        self.status == "CANCELED" || (!self.is_live() && self.result == CANCELED)
    }

    /// Whether it is being cancelled: V4 says CANCELING, the lines below it CANCEL.
    #[must_use]
    pub fn is_being_cancelled(&self) -> bool {
        matches!(self.status.as_str(), "CANCELING" | "CANCEL")
    }

    /// The task of obnow that started it, on this host or another.
    #[must_use]
    pub fn task(&self) -> Option<&str> {
        self.description.strip_prefix(Self::MARK)?.split('.').next()
    }

    /// Who started it, as far as the description tells.
    #[must_use]
    pub fn owner(&self) -> String {
        match self.description.strip_prefix(Self::MARK) {
            Some(run) => format!("obnow task {run}"),
            None if self.description.is_empty() => "someone without a description".to_owned(),
            None => format!("\"{}\"", self.description),
        }
    }
}
