//! The state of the embedded fleet: clusters, their servers and tenants, destinations, archive rounds, backup sets, jobs and
//! events. Only data: [`super::simulation`] advances it in time, [`super::alter`] changes it by statements.

mod job;
mod legacy;
mod tenant;

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::accounts::User;
use super::clock::Micros;
use super::fault_injection::InjectedFault;
use super::release_line::ReleaseLine;
use super::reply_holds::{HeldStatement, ReplyHold};
use super::storage::DirectoryOwner;
use super::stored_backups::StoredBackups;

pub use job::{Job, JobStatus};
pub use legacy::{Freeze, LegacyState, Merge, ZoneMerge};
pub use tenant::{
    ArchiveDest, BackupSet, DestState, LegacySetColumns, RegisteredDest, Round, RoundStatus, StoredDest, Tenant,
    TenantKind,
};

/// The state behind the endpoints of one scenario.
#[derive(Debug, Clone, Serialize)]
pub struct Fleet {
    /// Up to when the state has been advanced.
    pub now: Micros,
    /// How many times faster work goes than by default; never zero.
    pub speed: u32,
    /// The fleet's `data/` directory: paths below it are on this host's disk.
    #[serde(rename = "data")]
    pub data_dir: PathBuf,
    /// The clusters, in the order of the scenario.
    pub clusters: Vec<Cluster>,
    /// `time_zone` of a connection that has set none.
    pub time_zone: String,
    /// `system_time_zone`, the observers' own.
    pub system_time_zone: String,
    /// The SQL ports, in the order of the listening sockets.
    pub endpoints: Vec<SqlPort>,
    /// The present faults, held phases among them.
    pub faults: Vec<InjectedFault>,
    /// The owners of directories that are not on this host, by path.
    #[serde(rename = "directories")]
    pub directory_owners: BTreeMap<String, DirectoryOwner>,
    /// Replies to lose.
    #[serde(rename = "drops")]
    pub lost_replies: Vec<LostReply>,
    /// Rules for the statements to hold.
    #[serde(rename = "holds")]
    pub reply_holds: Vec<ReplyHold>,
    /// The statements that are held.
    #[serde(rename = "held")]
    pub held_statements: Vec<HeldStatement>,
    /// How many statements were held so far; the last one's id.
    #[serde(rename = "held_so_far")]
    pub held_count: u64,
    /// Every `ALTER SYSTEM` received, in order.
    pub statements: Vec<ReceivedStatement>,
    /// How many connections were opened so far.
    #[serde(rename = "connected")]
    pub connections_opened: u64,
    /// The open connections.
    pub connections: Vec<ClientConnection>,
}

/// One SQL port.
#[derive(Debug, Clone, Serialize)]
pub struct SqlPort {
    /// Index of its cluster.
    pub cluster: usize,
    /// Index of its server in the cluster.
    pub server: usize,
    /// The TCP port on 127.0.0.1.
    pub port: u16,
    /// Counts restarts; an increment cuts every connection of this port.
    pub restarts: u64,
}

/// A logged-in connection, as `GV$OB_PROCESSLIST` shows it.
#[derive(Debug, Clone, Serialize)]
pub struct ClientConnection {
    /// The connection's id, unique in its cluster.
    pub id: u64,
    /// Where it came in.
    pub endpoint: usize,
    /// `root`; empty before the first statement.
    pub user: String,
    /// The tenant's name.
    pub tenant: String,
    /// Since when.
    pub since: Micros,
}

/// A connection of another program that exists only in the list of sessions.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ForeignSession {
    /// Who is logged in.
    pub user: String,
    /// To which tenant.
    pub tenant: String,
    /// The host it comes from.
    pub from: String,
}

/// One reply that will be lost.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LostReply {
    /// The prefix of the statement, compared without case.
    pub prefix: String,
    /// Whether the statement is executed all the same.
    pub applied: bool,
}

/// An `ALTER SYSTEM` as it was received.
#[derive(Debug, Clone, Serialize)]
pub struct ReceivedStatement {
    /// When.
    pub at: Micros,
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

/// The engine of a cluster.
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
    /// The line.
    pub line: &'static ReleaseLine,
    /// Users beside `root`.
    pub users: Vec<User>,
    /// The password of every user.
    #[serde(skip)]
    pub password: String,
    /// One a zone.
    pub servers: Vec<Server>,
    /// sys first, then meta and user tenants by id.
    pub tenants: Vec<Tenant>,
    /// Cluster-wide configuration items.
    pub parameters: BTreeMap<String, String>,
    /// Connections of other programs.
    #[serde(rename = "elsewhere")]
    pub foreign_sessions: Vec<ForeignSession>,
    /// Backup jobs, parents and children, running and ended.
    pub jobs: Vec<Job>,
    /// `DBA_OB_ROOTSERVICE_EVENT_HISTORY`.
    pub events: Vec<RootServiceEvent>,
    /// `DBA_OB_TENANT_JOBS`.
    pub tenant_jobs: Vec<TenantJob>,
    /// The last `JOB_ID` of each tenant; 1 is sys.
    pub last_job_id: BTreeMap<i64, i64>,
    /// The last `DEST_ID`.
    pub last_dest_id: i64,
    /// The state that only a cluster of V2.2 or V3 has.
    #[serde(rename = "v3")]
    pub legacy: Option<LegacyState>,
    /// The info files that its backups wrote to the storage.
    #[serde(rename = "media")]
    pub stored_backups: StoredBackups,
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
    pub started: Micros,
}

/// A row of the root service's event history.
#[derive(Debug, Clone, Serialize)]
pub struct RootServiceEvent {
    /// When.
    pub at: Micros,
    /// `backup_data`, `log_archive`, ..
    pub module: &'static str,
    /// `start_backup_data`, ..
    pub event: &'static str,
    /// Name and value, six at most.
    pub items: Vec<(&'static str, String)>,
}

/// A row of `DBA_OB_TENANT_JOBS`.
#[derive(Debug, Clone, Serialize)]
pub struct TenantJob {
    /// `UPGRADE_ALL`, ..
    pub job_type: String,
    /// `INPROGRESS`, ..
    pub status: String,
    /// When it began.
    pub start: Micros,
}

impl Cluster {
    /// Returns a tenant by name.
    #[must_use]
    pub fn tenant(&self, name: &str) -> Option<&Tenant> {
        self.tenants.iter().find(|tenant| tenant.name == name)
    }

    /// Returns a tenant by id.
    #[must_use]
    pub fn tenant_by_id(&self, id: i64) -> Option<&Tenant> {
        self.tenants.get(self.tenant_index(id)?)
    }

    /// Returns a tenant by id, mutable.
    pub fn tenant_mut(&mut self, id: i64) -> Option<&mut Tenant> {
        let index = self.tenant_index(id)?;
        self.tenants.get_mut(index)
    }

    fn tenant_index(&self, id: i64) -> Option<usize> {
        self.tenants.binary_search_by_key(&id, |tenant| tenant.id).ok()
    }

    /// Returns the tenants with users' data.
    pub fn user_tenants(&self) -> impl Iterator<Item = &Tenant> {
        self.tenants.iter().filter(|tenant| tenant.is_user())
    }

    /// Returns the round that archives a tenant's log: on V2.2 and V3 the cluster's own, which is stored with sys.
    #[must_use]
    pub fn round_of<'a>(&'a self, tenant: &'a Tenant) -> Option<&'a Round> {
        if self.line.is_legacy() { self.tenants.first()?.current_round() } else { tenant.current_round() }
    }

    /// Returns the jobs of a tenant that have not ended, whoever started them; parent jobs are not included.
    pub fn running_jobs(&self, tenant_id: i64) -> impl Iterator<Item = &Job> {
        self.jobs.iter().filter(move |job| job.tenant_id == tenant_id && !job.status.has_ended())
    }

    /// Adds a row to the root service's event history.
    pub fn record_event(
        &mut self,
        at: Micros,
        module: &'static str,
        event: &'static str,
        items: Vec<(&'static str, String)>,
    ) {
        self.events.push(RootServiceEvent { at, module, event, items });
    }

    /// Allocates the next `JOB_ID` of a tenant.
    pub fn allocate_job_id(&mut self, tenant_id: i64) -> i64 {
        let last = self.last_job_id.entry(tenant_id).or_default();
        *last += 1;
        *last
    }

    /// Returns the next `DEST_ID` without allocating it.
    #[must_use]
    pub fn upcoming_dest_id(&self) -> i64 {
        1001 + self.last_dest_id
    }

    /// Allocates the next `DEST_ID`.
    pub fn allocate_dest_id(&mut self) -> i64 {
        let id = self.upcoming_dest_id();
        self.last_dest_id += 1;
        id
    }
}
