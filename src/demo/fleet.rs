//! What the embedded fleet knows: clusters, their servers and tenants, destinations, archive rounds, backup sets, jobs
//! and events. Only state; [`super::life`] moves it, [`super::orders`] changes it on request.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::clock::{self, Moment};
use super::fault::Fault;
use super::orders::destination::Owner;

/// Everything behind the endpoints of one scenario.
#[derive(Debug, Clone, Serialize)]
pub struct Fleet {
    /// Up to when the state has been advanced.
    pub now: Moment,
    /// How many times faster work goes than by default; never zero.
    pub speed: u32,
    /// The place's `data/`: what lies below it is really on this host's disk.
    pub data: PathBuf,
    /// The clusters, in the order of the scenario.
    pub clusters: Vec<Cluster>,
    /// The SQL ports, in the order of the listening sockets.
    pub endpoints: Vec<Port>,
    /// Everything that is wrong, or held, at the moment.
    pub faults: Vec<Fault>,
    /// Who uses the directories that are not on this host, by path.
    pub directories: BTreeMap<String, Owner>,
    /// Replies to lose.
    pub drops: Vec<LostReply>,
    /// Every `ALTER SYSTEM` received, in order.
    pub statements: Vec<Received>,
    /// How many connections there have been.
    pub connected: u64,
    /// Who is connected.
    pub connections: Vec<Client>,
}

/// One SQL port.
#[derive(Debug, Clone, Serialize)]
pub struct Port {
    /// Index of its cluster.
    pub cluster: usize,
    /// Index of its server in the cluster.
    pub server: usize,
    /// The TCP port on 127.0.0.1.
    pub port: u16,
    /// Raised to cut every connection of this port.
    pub restarts: u64,
}

/// A logged-in connection, as `GV$OB_PROCESSLIST` shows it.
#[derive(Debug, Clone, Serialize)]
pub struct Client {
    /// The connection's id, unique in its cluster.
    pub id: u64,
    /// Where it came in.
    pub endpoint: usize,
    /// `root`; empty until something was said.
    pub user: String,
    /// The tenant's name.
    pub tenant: String,
    /// Since when.
    pub since: Moment,
}

/// One reply that will be lost.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LostReply {
    /// What the statement begins with, compared without case.
    pub prefix: String,
    /// Whether the statement is carried out all the same.
    pub applied: bool,
}

/// An `ALTER SYSTEM` as it was received.
#[derive(Debug, Clone, Serialize)]
pub struct Received {
    /// When.
    pub at: Moment,
    /// On which cluster.
    pub cluster: String,
    /// By which connection.
    pub connection: u64,
    /// By whom: the tenant's name.
    pub tenant: String,
    /// The statement in one canonical spelling, keys masked.
    pub text: String,
    /// `done`, `refused CODE MESSAGE`, `lost before it was applied` or `lost after it was applied: ..`.
    pub outcome: String,
}

/// What kind of engine a cluster is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Engine {
    /// Community edition.
    Community,
    /// Enterprise edition.
    Enterprise,
    /// seekdb: one server, no physical backup.
    Seekdb,
}

/// One cluster.
#[derive(Debug, Clone, Serialize)]
pub struct Cluster {
    /// The cluster's name.
    pub name: String,
    /// The cluster's id.
    pub id: i64,
    /// `4.2.5.1`; seekdb's is what `OB_VERSION()` says.
    pub version: String,
    /// `101000092024120918`.
    pub build: String,
    /// The engine.
    pub engine: Engine,
    /// The key of `assets/demo/views.yaml`.
    pub line: String,
    /// The password of `root@sys`, and of the tenants' administrators.
    #[serde(skip)]
    pub password: String,
    /// One a zone.
    pub servers: Vec<Server>,
    /// sys first, then meta and user tenants by id.
    pub tenants: Vec<Tenant>,
    /// Cluster-wide configuration items.
    pub parameters: BTreeMap<String, String>,
    /// Backup jobs, parents and children, running and ended.
    pub jobs: Vec<Job>,
    /// `DBA_OB_ROOTSERVICE_EVENT_HISTORY`.
    pub events: Vec<Event>,
    /// `DBA_OB_TENANT_JOBS`.
    pub tenant_jobs: Vec<TenantJob>,
    /// The last `JOB_ID` of each tenant; 1 is sys.
    pub last_job_id: BTreeMap<i64, i64>,
    /// The last `DEST_ID`.
    pub last_dest_id: i64,
}

/// One observer.
#[derive(Debug, Clone, Serialize)]
pub struct Server {
    /// `zone1`.
    pub zone: String,
    /// RPC port, `SVR_PORT`.
    pub svr_port: u16,
    /// SQL port.
    pub sql_port: u16,
    /// `ACTIVE`, `INACTIVE`, `DELETING`.
    pub status: String,
    /// The build it runs, where it differs from the cluster's.
    pub build_version: Option<String>,
    /// Since when it serves.
    pub started: Moment,
}

/// One tenant.
#[derive(Debug, Clone, Serialize)]
pub struct Tenant {
    /// 1 is sys, odd is meta, even is user.
    pub id: i64,
    /// The name.
    pub name: String,
    /// `MYSQL` or `ORACLE`.
    pub mode: String,
    /// `PRIMARY`, `STANDBY`, ..
    pub role: String,
    /// `NORMAL`, ..
    pub status: String,
    /// In the recycle bin.
    pub recycled: bool,
    /// `LOG_MODE` is ARCHIVELOG.
    pub archivelog: bool,
    /// When it was made.
    pub created: Moment,
    /// The data version.
    pub compatible: String,
    /// The tenant's own configuration items.
    pub parameters: BTreeMap<String, String>,
    /// How much there is to back up, in MB.
    pub megabytes: i64,
    /// `DATA_BACKUP_DEST`.
    pub data: Option<DataDest>,
    /// `LOG_ARCHIVE_DEST`.
    pub archive: Option<ArchiveDest>,
    /// The archive rounds, the last one is the current one.
    pub rounds: Vec<Round>,
    /// The backup sets, by id.
    pub sets: Vec<Set>,
    /// `default` delete policy: the recovery window.
    pub recovery_window: Option<String>,
    /// The last major freeze, and when its compaction is finished.
    pub frozen: (Moment, Moment),
}

/// A data backup destination as it is stored.
#[derive(Debug, Clone, Serialize)]
pub struct DataDest {
    /// Path without what follows `?`.
    pub path: String,
    /// What follows `?`, keys masked.
    pub extension: String,
    /// `DEST_ID`.
    pub dest_id: i64,
    /// When it was set, and so checked.
    pub checked: Moment,
}

/// A log archive destination as it is stored.
#[derive(Debug, Clone, Serialize)]
pub struct ArchiveDest {
    /// Path and extension.
    pub location: DataDest,
    /// `Optional` or `Mandatory`.
    pub binding: String,
    /// `1d`.
    pub piece_switch_interval: String,
    /// `ENABLE` (true) or `DEFER`.
    pub enabled: bool,
}

/// The states of an archive round.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RoundStatus {
    /// Waits for the log streams.
    Prepare,
    /// Starts.
    Beginning,
    /// Archives.
    Doing,
    /// Broken: only a new round helps.
    Interrupted,
    /// Ends.
    Stopping,
    /// Ended.
    Stop,
    /// On its way to a pause.
    Suspending,
    /// Paused; the same round can go on.
    Suspend,
}

impl RoundStatus {
    /// The server's word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Prepare => "PREPARE",
            Self::Beginning => "BEGINNING",
            Self::Doing => "DOING",
            Self::Interrupted => "INTERRUPTED",
            Self::Stopping => "STOPPING",
            Self::Stop => "STOP",
            Self::Suspending => "SUSPENDING",
            Self::Suspend => "SUSPEND",
        }
    }
}

/// One archive round.
#[derive(Debug, Clone, Serialize)]
pub struct Round {
    /// `ROUND_ID`.
    pub id: i64,
    /// The state.
    pub status: RoundStatus,
    /// `DEST_ID`.
    pub dest_id: i64,
    /// Path of the destination.
    pub path: String,
    /// Where its log begins; none until it is DOING.
    pub start: Option<Moment>,
    /// The checkpoint no longer moves past this moment.
    pub frozen: Option<Moment>,
    /// The checkpoint was here already: it never goes back.
    pub reached: Moment,
    /// When the present passing state (PREPARE, STOPPING, ..) ends.
    pub due: Option<Moment>,
    /// How long a passing state lasts.
    pub passing: Moment,
    /// `BASE_PIECE_ID`.
    pub base_piece: i64,
    /// `PIECE_SWITCH_INTERVAL`.
    pub interval: Moment,
    /// `COMMENT`.
    pub comment: String,
    /// `FILE_STATUS` of the pieces that are not AVAILABLE, by piece id.
    pub pieces: BTreeMap<i64, String>,
}

/// One backup set.
#[derive(Debug, Clone, Serialize)]
pub struct Set {
    /// `BACKUP_SET_ID`.
    pub id: i64,
    /// `DEST_ID`.
    pub dest_id: i64,
    /// Where it lies.
    pub path: String,
    /// INC (true) or FULL.
    pub incremental: bool,
    /// `PREV_FULL_BACKUP_SET_ID`, 0 for a full.
    pub prev_full: i64,
    /// `PREV_INC_BACKUP_SET_ID`, 0 for a full.
    pub prev_inc: i64,
    /// Begin.
    pub start: Moment,
    /// End.
    pub end: Option<Moment>,
    /// `DOING`, `SUCCESS`, `FAILED`.
    pub status: String,
    /// `AVAILABLE`, `INCOMPLETE`, ..
    pub file_status: String,
    /// At or before the start.
    pub start_replay: Moment,
    /// Near the end; none until it is known.
    pub min_restore: Option<Moment>,
    /// `PLUS_ARCHIVELOG`.
    pub plus_archivelog: bool,
    /// Encrypted by a password.
    pub encrypted: bool,
    /// The tenant's data version at the time.
    pub compatible: String,
    /// What it moves in all, in macro blocks of 2 MB.
    pub blocks: i64,
    /// Blocks done.
    pub finished_blocks: i64,
    /// `RESULT`.
    pub result: i64,
    /// `COMMENT`.
    pub comment: String,
}

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
    /// The server's word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Init => "INIT",
            Self::Doing => "DOING",
            Self::Completed => "COMPLETED",
            Self::Failed => "FAILED",
            Self::Canceling => "CANCELING",
            Self::Canceled => "CANCELED",
        }
    }

    /// Whether nothing happens any more.
    #[must_use]
    pub fn ended(self) -> bool {
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
    /// `INITIATOR_JOB_ID`: the parent's, else 0.
    pub initiator_job_id: i64,
    /// `EXECUTOR_TENANT_ID`.
    pub executors: Vec<i64>,
    /// INC (true) or FULL: for a child what it became.
    pub incremental: bool,
    /// `PLUS_ARCHIVELOG`.
    pub plus_archivelog: bool,
    /// The session's encryption password was set.
    pub encrypted: bool,
    /// `DESCRIPTION`.
    pub description: String,
    /// Begin.
    pub start: Moment,
    /// End.
    pub end: Option<Moment>,
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
    /// Index of the phase in [`super::life::PHASES`].
    pub phase: usize,
    /// Work done in this phase, in microseconds of work.
    pub done: Moment,
    /// Until when `done` is accounted.
    pub seen: Moment,
    /// When it leaves the running views (ended), or has been cancelled (CANCELING).
    pub due: Option<Moment>,
    /// It is in the history views.
    pub history: bool,
}

/// A line of the root service's event history.
#[derive(Debug, Clone, Serialize)]
pub struct Event {
    /// When.
    pub at: Moment,
    /// `backup_data`, `log_archive`, ..
    pub module: &'static str,
    /// `start_backup_data`, ..
    pub event: &'static str,
    /// Name and value, six at most.
    pub items: Vec<(&'static str, String)>,
}

/// A line of `DBA_OB_TENANT_JOBS`.
#[derive(Debug, Clone, Serialize)]
pub struct TenantJob {
    /// `UPGRADE_ALL`, ..
    pub job_type: String,
    /// `INPROGRESS`, ..
    pub status: String,
    /// When it began.
    pub start: Moment,
}

impl Cluster {
    /// A tenant by name.
    #[must_use]
    pub fn tenant(&self, name: &str) -> Option<&Tenant> {
        self.tenants.iter().find(|tenant| tenant.name == name)
    }

    /// A tenant by id.
    #[must_use]
    pub fn tenant_by_id(&self, id: i64) -> Option<&Tenant> {
        self.tenants.iter().find(|tenant| tenant.id == id)
    }

    /// A tenant by id, to change it.
    pub fn tenant_mut(&mut self, id: i64) -> Option<&mut Tenant> {
        self.tenants.iter_mut().find(|tenant| tenant.id == id)
    }

    /// Tenants that hold users' data.
    pub fn user_tenants(&self) -> impl Iterator<Item = &Tenant> {
        self.tenants.iter().filter(|tenant| tenant.is_user())
    }

    /// Jobs of a tenant that have not ended, whoever started them; parents do not count.
    pub fn running(&self, tenant_id: i64) -> impl Iterator<Item = &Job> {
        self.jobs.iter().filter(move |job| job.tenant_id == tenant_id && !job.status.ended())
    }

    /// Writes a line of the root service's event history.
    pub fn event(&mut self, at: Moment, module: &'static str, event: &'static str, items: Vec<(&'static str, String)>) {
        self.events.push(Event { at, module, event, items });
    }

    /// The next `JOB_ID` of a tenant.
    pub fn next_job_id(&mut self, tenant_id: i64) -> i64 {
        let last = self.last_job_id.entry(tenant_id).or_default();
        *last += 1;
        *last
    }

    /// The next `DEST_ID`.
    pub fn next_dest_id(&mut self) -> i64 {
        self.last_dest_id += 1;
        1000 + self.last_dest_id
    }
}

impl DataDest {
    /// The whole URI as the views show it, its key masked.
    #[must_use]
    pub fn masked(&self) -> String {
        if self.extension.is_empty() { self.path.clone() } else { format!("{}?{}", self.path, self.extension) }
    }
}

impl Tenant {
    /// Even ids from 1002 on are user tenants.
    #[must_use]
    pub fn is_user(&self) -> bool {
        self.id >= 1002 && self.id % 2 == 0
    }

    /// `SYS`, `META` or `USER`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self.id {
            1 => "SYS",
            id if id % 2 == 0 => "USER",
            _ => "META",
        }
    }

    /// The current archive round.
    #[must_use]
    pub fn round(&self) -> Option<&Round> {
        self.rounds.last()
    }

    /// Whether the archive is in DOING.
    #[must_use]
    pub fn archiving(&self) -> bool {
        self.round().is_some_and(|round| round.status == RoundStatus::Doing)
    }

    /// What the server takes as the base of an increment: the latest good set on the present path.
    #[must_use]
    pub fn base(&self) -> Option<&Set> {
        let path = &self.data.as_ref()?.path;
        self.sets
            .iter()
            .rev()
            .find(|set| set.status == "SUCCESS" && set.file_status == "AVAILABLE" && set.path == *path)
    }

    /// `archive_lag_target` in microseconds.
    #[must_use]
    pub fn lag(&self) -> Moment {
        let text = self.parameters.get("archive_lag_target").map_or("4s", String::as_str);
        clock::length(text).filter(|lag| *lag > 0).unwrap_or(4 * clock::SECOND)
    }
}
