//! The facts that detection reads of one cluster, at one moment. Words of a server that this program does not know are kept as
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

/// A fact, or why it was not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Known<T> {
    /// It was read.
    Known(T),
    /// It was not read, and why; it is listed as not checked.
    NotChecked(String),
}

impl<T> Known<T> {
    /// Returns the fact, where it was read.
    pub fn get(&self) -> Option<&T> {
        match self {
            Self::Known(value) => Some(value),
            Self::NotChecked(_) => None,
        }
    }
}

/// The facts about a cluster and its tenants.
#[derive(Debug, Clone, PartialEq)]
pub struct Facts {
    /// The time of reading, by this host's clock.
    pub at: Timestamp,
    /// The cluster.
    pub cluster: ClusterFacts,
    /// The tenants, sys and meta among them, by id.
    pub tenants: Vec<TenantFacts>,
}

impl Facts {
    /// Returns the tenant of a name; names are compared as the server prints them.
    #[must_use]
    pub fn tenant(&self, name: &str) -> Option<&TenantFacts> {
        self.tenants.iter().find(|tenant| tenant.name == name)
    }

    /// Returns the tenant of an id.
    #[must_use]
    pub fn tenant_by_id(&self, id: u64) -> Option<&TenantFacts> {
        self.tenants.iter().find(|tenant| tenant.id == id)
    }

    /// Returns the tenant's name as a target. A name that cannot be one (it contains a slash) is replaced by the id; on an engine
    /// without tenants it is the cluster itself.
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
    /// Returns the moment of a time that the server printed; `None` where none is set, or where it cannot be known.
    #[must_use]
    pub fn server_time(&self, printed: &str) -> Option<Timestamp> {
        self.cluster.time_zone.moment(printed).ok()
    }

    /// Returns the time of detection by the server's clock, which also stamps sets and log.
    #[must_use]
    pub fn server_now(&self) -> Scn {
        let host = Scn::from_timestamp(self.at).0;
        Scn(host.saturating_add_signed(self.cluster.clock_ahead_ms.saturating_mul(1_000_000)))
    }
}

/// The tenant that a login sees the cluster from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The sys tenant, which sees the entire cluster.
    Sys,
    /// A user tenant, whose administrator sees that tenant only.
    Tenant,
}

/// The login, and its privileges.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginFacts {
    /// `root@sys`, as the inventory has it.
    pub user: String,
    /// The tenant that it logs in to.
    pub tenant: String,
    /// The privileges that a backup needs and the server's list of its grants lacks.
    pub missing: Known<Vec<MissingGrant>>,
    /// Its grants, as the server lists them.
    pub grants: Vec<String>,
}

/// A privilege that a backup needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingGrant {
    /// Its name.
    pub privilege: &'static str,
    /// The statement that grants it.
    pub statement: String,
    /// Whether what it is needed for succeeded all the same when the facts were read.
    pub seen_to_work: bool,
}

/// The facts about the cluster itself.
#[derive(Debug, Clone, PartialEq)]
pub struct ClusterFacts {
    /// Its name in the inventory, as a target.
    pub target: TargetName,
    /// Its environment in the inventory, such as `prod`.
    pub environment: Option<String>,
    /// The endpoint that answered.
    pub endpoint: String,
    /// The name that the servers use.
    pub server_name: Option<String>,
    /// The cluster's id; `None` on an engine without clusters, or where it cannot be seen.
    pub id: Option<u64>,
    /// The creation of this login's tenant, which tells clusters with one id apart.
    pub created: Known<Created>,
    /// Version and build.
    pub version: Version,
    /// Community or Enterprise, where the server tells.
    pub edition: Option<Edition>,
    /// The backup method.
    pub method: Method,
    /// The reason for that method.
    pub method_reason: String,
    /// The tenant that the login sees it from.
    pub scope: Scope,
    /// The login.
    pub login: LoginFacts,
    /// The observers.
    pub servers: Known<Vec<ServerFacts>>,
    /// All signs of a running upgrade; empty: none was seen.
    pub upgrading: Known<Vec<String>>,
    /// The zone in which the server prints its times.
    pub time_zone: ServerTimeZone,
    /// The milliseconds by which the server's clock is ahead of this host's.
    pub clock_ahead_ms: i64,
    /// The tool for logical backups on this host; `None` on a physical release line.
    pub backup_service: Option<BackupServiceFacts>,
    /// The directory of this host that holds a dump on its way to an object storage; `None`: none is configured.
    pub work: Option<WorkingDirectory>,
    /// What a dump can hold; `None` on a physical release line.
    pub dump: Option<Known<Catalogue>>,
    /// The directory of this host that a dump with the present choices is written into; `None`: it was not inspected.
    pub dump_directory: Option<Known<DumpDirectoryFacts>>,
    /// When its servers can be asked for a proof on a storage.
    pub proof: ProofRule,
    /// Whether the connection goes through a proxy; `None`: the server does not tell.
    pub through_proxy: Option<bool>,
    /// The facts that exist once per cluster below V4; `None` where each tenant has its own.
    pub cluster_backup: Option<Box<ClusterBackupFacts>>,
    /// The platforms that manage it, as far as there are signs; empty: no sign was seen.
    pub managers: Known<Vec<ManagingPlatform>>,
}

impl ClusterFacts {
    /// Returns the sentence for a cluster that is known by its id alone; empty: its creation is known too.
    #[must_use]
    pub fn has_only_its_id(&self) -> String {
        match &self.created {
            Known::Known(_) => String::new(),
            Known::NotChecked(why) => format!(", the cluster known by its id alone: {why}"),
        }
    }

    /// Returns its name in the inventory.
    #[must_use]
    pub fn name(&self) -> &str {
        self.target.cluster()
    }
}

/// The tool for logical backups on this host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BackupServiceFacts {
    /// It was found, and its options are known.
    Ready {
        /// Name and release, `mydumper 0.10.0`.
        release: String,
        /// The program.
        path: String,
    },
    /// It cannot be used; the fault says why and how to install it.
    Missing(super::fault::Fault),
}

/// The directory of this host that holds a dump until it is uploaded to an object storage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkingDirectory {
    /// Its absolute path.
    pub path: String,
    /// Its free bytes; `None`: the system does not tell.
    pub free: Option<u64>,
}

/// The kind of a tenant.
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
    /// Returns the server's word.
    #[must_use]
    pub fn word(&self) -> &str {
        match self {
            Self::Primary => "PRIMARY",
            Self::Standby => "STANDBY",
            Self::Other(word) => word,
        }
    }
}

/// The facts about a tenant.
#[derive(Debug, Clone, PartialEq)]
pub struct TenantFacts {
    /// Its id.
    pub id: u64,
    /// Its name.
    pub name: String,
    /// Whether the name is exactly the server's. A name with control characters is shown without them, and a statement would name
    /// another tenant.
    pub name_is_exact: bool,
    /// Its creation; `None`: the server does not tell.
    pub created: Option<Timestamp>,
    /// sys, meta or user.
    pub kind: TenantKind,
    /// MySQL or Oracle mode.
    pub mode: CompatibilityMode,
    /// Primary, standby or another.
    pub role: Role,
    /// `NORMAL`, or the server's other word.
    pub status: String,
    /// Whether it is in the recycle bin.
    pub in_recycle_bin: bool,
    /// Whether it is read-only, where the release line tells.
    pub read_only: bool,
    /// The version of its cluster.
    pub version: Version,
    /// The data version (`COMPATIBLE`), where the release line has it.
    pub data_version: Option<String>,
    /// What is set and could not be read; nothing is planned for a tenant with such values.
    pub unread: Vec<String>,
    /// `DATA_BACKUP_DEST`.
    pub data_destination: Option<Destination>,
    /// The log archive.
    pub archive: ArchiveFacts,
    /// All backup sets that the server lists, in the order of their ids.
    pub sets: Vec<BackupSet>,
    /// The rule for the base of an incremental backup.
    pub base: BaseRule,
    /// The running backup jobs of this tenant, whoever started them.
    pub running: Vec<JobFacts>,
    /// The delete policy's recovery window; `None`: no policy, nothing is ever removed.
    pub recovery_window: Known<Option<String>>,
    /// The running cleanup of backups, as a sentence.
    pub cleanup: Known<Option<String>>,
    /// Transparent encryption of its data; None: it is off.
    pub transparent_encryption: Known<Option<TransparentEncryption>>,
    /// The load that competes with a backup of it.
    pub load: CompetingLoad,
}

/// The rule for the base of an incremental backup (R4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BaseRule {
    /// The latest good set with the same path.
    Path,
    /// Below V4: a full backup of the cluster with the same path, followed by at most this number of entries. Where there is
    /// none, the server makes a full backup without notice.
    Round {
        /// The number of entries after the last full backup, failed ones included, from which the next incremental becomes a full
        /// one.
        most: usize,
    },
}

/// The difference between the clocks of a cluster's servers, in seconds, that a checkpoint may show before it contradicts them.
const CLOCKS_APART: u64 = 60;

/// The log archive of a tenant.
#[derive(Debug, Clone, PartialEq)]
pub struct ArchiveFacts {
    /// `LOG_MODE = ARCHIVELOG`; `None` where the release line does not tell.
    pub log_mode_on: Option<bool>,
    /// `LOG_ARCHIVE_DEST`, complete.
    pub destination: Option<ArchiveDest>,
    /// `LOG_ARCHIVE_DEST_STATE` is `DEFER`.
    pub deferred: bool,
    /// The current round; `None` where archiving never ran, or its last round is over and no longer listed.
    pub current: Option<Round>,
    /// All rounds, the current one among them, by id.
    pub rounds: Vec<Round>,
    /// The pieces; None on a release without their view.
    pub pieces: Known<Option<Vec<Piece>>>,
    /// `archive_lag_target` in seconds, where it could be read.
    pub lag_target: Option<u64>,
    /// Whether the times of its rounds are known as moments; otherwise no point in the log is known.
    pub times: Known<()>,
}

impl ArchiveFacts {
    /// Returns the newest round, whether it runs or not.
    #[must_use]
    pub fn latest(&self) -> Option<&Round> {
        self.current.as_ref().or_else(|| self.rounds.last())
    }

    /// Returns the seconds that the newest round's checkpoint is behind `now`; `None` where it has none yet, none that is known,
    /// or one that contradicts the clock.
    #[must_use]
    pub fn behind(&self, now: Scn) -> Option<u64> {
        self.times.get()?;
        let checkpoint = self.latest().map(|round| round.checkpoint).filter(|at| *at > Scn(0))?;
        (!self.contradicts_clock(now)).then(|| now.seconds_since(checkpoint))
    }

    /// Returns whether the newest round's checkpoint is later than the server's clock by more than the clocks of a cluster may
    /// differ: one of both is wrong, and the lag of the archive is not known.
    #[must_use]
    pub fn contradicts_clock(&self, now: Scn) -> bool {
        self.latest().is_some_and(|round| round.checkpoint.seconds_since(now) > CLOCKS_APART)
    }

    /// Returns the milliseconds in which the archive advances by three steps; `None` where `archive_lag_target` was not read.
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

/// A backup job, as the view of running or of past jobs shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct JobFacts {
    /// The tenant of the job: 1 for a parent job that was started from sys.
    pub tenant_id: u64,
    /// Its id.
    pub job_id: u64,
    /// The set that it makes; `None` for a parent job.
    pub set_id: Option<u64>,
    /// The tenant that started it.
    pub initiator_tenant_id: u64,
    /// The parent job's id, where a parent job started it.
    pub initiator_job_id: Option<u64>,
    /// The ids of the tenants that it covers, as far as the view tells.
    pub executors: Vec<u64>,
    /// Full or incremental, as the server decided.
    pub kind: SetKind,
    /// `INIT`, `DOING`, `COMPLETED`, `FAILED`, `CANCELING`, `CANCELED`, or another word.
    pub status: String,
    /// The server's result code without its sign; 0 is success.
    pub result: u64,
    /// The server's own words, cleaned.
    pub comment: String,
    /// The description it was started with.
    pub description: String,
    /// The path that it writes to, without attributes.
    pub path: String,
    /// The time of its start in the server's time zone, as printed.
    pub started: String,
    /// The time of its end, as printed.
    pub ended: Option<String>,
    /// The phase and counters of its running task.
    pub task: Option<TaskFacts>,
}

/// The running task of a job, which makes the backup set.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskFacts {
    /// The server's word for the phase.
    pub phase: String,
    /// The bytes written so far; `None`: the view does not tell.
    pub bytes: Option<u64>,
    /// The total of bytes, where it is known: of an upload.
    pub bytes_total: Option<u64>,
    /// The finished tablets, of all that are known so far.
    pub tablets: Option<Count>,
    /// The finished macro blocks, of all that are known so far.
    pub blocks: Option<Count>,
    /// The server's own percentage, where the view has one.
    pub percent: Option<f64>,
    /// The server's percentage of the log in the set (PLUS ARCHIVELOG), where the view has it.
    pub log_percent: Option<f64>,
}

/// `OB_CANCELED`, the result of a cancelled job.
const CANCELED: u64 = 4072;

impl JobFacts {
    /// The prefix of every description that obnow sends.
    pub const MARK: &'static str = "obnow ";

    /// Returns the percentage of its finished blocks, never 100; `None` before there is data.
    #[must_use]
    pub fn percent(&self) -> Option<u64> {
        let blocks = self.task.as_ref()?.blocks.filter(|blocks| blocks.total > 0)?;
        Some((blocks.done.saturating_mul(100) / blocks.total).min(99))
    }

    /// Returns whether the server still works on it.
    #[must_use]
    pub fn is_live(&self) -> bool {
        !matches!(self.status.as_str(), "COMPLETED" | "FAILED" | "CANCELED")
    }

    /// Returns whether it was cancelled: a tenant's own job ends CANCELED, the parent job of sys FAILED with -4072 (V4.3.1
    /// source, `ObBackupDataScheduler`).
    #[must_use]
    pub fn was_cancelled(&self) -> bool {
        self.status == "CANCELED" || (!self.is_live() && self.result == CANCELED)
    }

    /// Returns whether it is being cancelled: V4 prints CANCELING, earlier releases CANCEL.
    #[must_use]
    pub fn is_being_cancelled(&self) -> bool {
        matches!(self.status.as_str(), "CANCELING" | "CANCEL")
    }

    /// Returns the task of obnow that started it, on this host or another.
    #[must_use]
    pub fn task(&self) -> Option<&str> {
        self.description.strip_prefix(Self::MARK)?.split('.').next()
    }

    /// Returns who started it, as far as the description tells.
    #[must_use]
    pub fn owner(&self) -> String {
        match self.description.strip_prefix(Self::MARK) {
            Some(run) => format!("obnow task {run}"),
            None if self.description.is_empty() => "someone without a description".to_owned(),
            None => format!("\"{}\"", self.description),
        }
    }
}
