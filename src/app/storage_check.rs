//! The Test of a storage, for any face: what to test, who does it, and the report.
//!
//! The probe is made by a process of its own, which gets its order through a pipe and tells each check as it ends. A mount
//! whose server is gone may hold that process for ever, and nobody waits for it. It deletes its probe when its standard input
//! ends: when nobody wants the result any more, and also when this process is gone, however it ended.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{ChildStdin, ChildStdout, Command};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};
use zeroize::Zeroizing;

use super::launch::inherited_environment;
use crate::domain::destination::{Destination, StorageKind};
use crate::domain::facts::{Facts, TenantFacts, TenantKind};
use crate::domain::fault::{Cause, Fault};
use crate::domain::listed_media::listed_media;
use crate::domain::plan::not_carried;
use crate::domain::restorable::RoundStatus;
use crate::domain::scn::Scn;
use crate::domain::secret::Secret;
use crate::domain::storage_check::{
    DestinationUse, Expected, StorageCheck, TenantDirectory, TestReport, TestUpdate, TestedCheck, assess_servers,
    by_hand, script, sole_use,
};
use crate::domain::template::DirKind;
use crate::domain::version::{Method, Version};
use crate::probe::ProbeEvent;
use crate::probe::ssh::{SshServers, ask};

mod environment;
pub mod inspection;
mod process;
pub mod subjects;

pub use process::run as run_probe;

/// How long a whole Test may take.
pub const DEADLINE: Duration = Duration::from_secs(30);

/// How long the process may take to delete its probe after the deadline.
const CLEANUP_GRACE: Duration = Duration::from_secs(2);

/// Number of requests with full timeouts that fit into the deadline.
const REQUESTS_PER_DEADLINE: u32 = 3;

/// What one Test is of, and how it is made.
#[derive(Debug, Clone)]
pub struct TestSpec {
    /// The directory, its variables expanded.
    pub destination: Destination,
    /// The access key of an object storage.
    pub access_key: Option<Secret>,
    /// What the server requires of the directory.
    pub expected: Expected,
    /// Every other destination of the cluster; None: no cluster was named.
    pub others: Option<Vec<DestinationUse>>,
    /// The servers of the cluster, where the inventory says how to log in to them; None: they are not asked.
    pub servers: Option<SshServers>,
    /// That the server itself writes there, as it shows.
    pub evidence: Option<String>,
    /// The version of the server that is to be told of it in a statement; None: it knows it already, or nobody was named.
    pub statement_version: Option<Version>,
    /// The directory is only read; nothing is written.
    pub is_read_only: bool,
    /// The probe may lie in the directory itself: nothing beside it may be written to, and that was asked.
    pub may_probe_inside: bool,
    /// How long the whole Test may take.
    pub deadline: Duration,
}

impl TestSpec {
    /// Makes the Test of a directory of which only the URI is known.
    #[must_use]
    pub fn for_uri(destination: Destination) -> Self {
        let expected = Expected::EmptyOrOurs { cluster_id: None, tenant_id: None, kind: None };
        Self {
            destination,
            access_key: None,
            expected,
            others: None,
            servers: None,
            evidence: None,
            statement_version: None,
            is_read_only: false,
            may_probe_inside: false,
            deadline: DEADLINE,
        }
    }

    /// A directory that one tenant is to use for one kind, with everybody else of the cluster: as its line wants it.
    #[must_use]
    pub fn for_tenant(facts: &Facts, tenant: &TenantFacts, kind: DirKind, destination: Destination) -> Self {
        let expected = match directory_rules(facts) {
            DirectoryRules::PerTenant => Expected::OfTenant(Box::new(TenantDirectory {
                cluster_id: facts.cluster.id,
                cluster: facts.cluster.server_name.clone(),
                tenant_id: tenant.id,
                tenant: tenant.name.clone(),
                kind,
                listed: listed_media(tenant, kind, &destination),
            })),
            // The TO of a tenant backup.
            DirectoryRules::PerCluster => Expected::Empty,
            DirectoryRules::Logical => Expected::OwnHost,
        };
        let others = match directory_rules(facts) {
            // A TO lies outside the cluster's own directory (20303), which every tenant has in common.
            DirectoryRules::PerCluster => {
                let whole = facts.cluster.cluster_backup.as_ref().and_then(|whole| whole.destination());
                whole.map(|own| cluster_use(facts, own)).into_iter().collect()
            }
            DirectoryRules::PerTenant | DirectoryRules::Logical => other_uses(facts, Some((tenant.id, kind))),
        };
        let evidence = (kind == DirKind::Clog).then(|| archiving_evidence(facts, tenant, &destination)).flatten();
        Self {
            destination,
            access_key: None,
            expected,
            others: Some(others),
            servers: None,
            evidence,
            statement_version: None,
            is_read_only: false,
            may_probe_inside: false,
            deadline: DEADLINE,
        }
    }

    /// The one directory of a whole cluster before V4, or of a logical backup. A V4 cluster has none: there each tenant has
    /// its own, [`TestSpec::for_tenant`].
    #[must_use]
    pub fn for_cluster(facts: &Facts, destination: Destination) -> Self {
        let expected = match directory_rules(facts) {
            DirectoryRules::PerTenant => {
                Expected::EmptyOrOurs { cluster_id: facts.cluster.id, tenant_id: None, kind: None }
            }
            DirectoryRules::PerCluster => Expected::Anything,
            DirectoryRules::Logical => Expected::OwnHost,
        };
        Self {
            destination,
            access_key: None,
            expected,
            others: Some(Vec::new()),
            servers: None,
            evidence: None,
            statement_version: None,
            is_read_only: false,
            may_probe_inside: false,
            deadline: DEADLINE,
        }
    }

    /// Also checks that a statement can carry the destination to the servers of the cluster.
    #[must_use]
    pub fn with_statement_check(mut self, facts: &Facts) -> Self {
        self.statement_version = (self.expected != Expected::OwnHost).then_some(facts.cluster.version);
        self
    }

    /// Why no statement can carry it with its key; None: one can, or none has to.
    fn statement_fault(&self) -> Option<Fault> {
        if self.expected == Expected::OwnHost {
            return None;
        }
        let key = self.access_key.as_ref().filter(|_| self.destination.needs_access_key());
        let carried = match (&self.statement_version, key) {
            (Some(version), key) => self.destination.carried_by(version, key),
            (None, Some(key)) => Destination::check_access_key(key),
            (None, None) => Ok(()),
        };
        carried.err().map(|error| not_carried(&self.destination, &error))
    }

    /// Sets the access key.
    #[must_use]
    pub fn with_access_key(mut self, key: Option<Secret>) -> Self {
        self.access_key = key;
        self
    }

    /// The same with every server asked by ssh, where the inventory has `ssh:` for the cluster. A logical backup is written by
    /// this host, and none is asked.
    #[must_use]
    pub fn with_servers(mut self, facts: &Facts, ssh_user: Option<&str>) -> Self {
        let user = ssh_user.filter(|_| self.expected != Expected::OwnHost);
        self.servers = user.zip(facts.cluster.servers.get()).map(|(user, servers)| {
            let mut hosts: Vec<String> = servers.iter().map(|server| host_without_port(&server.address)).collect();
            // Several servers of one host see the same.
            hosts.sort();
            hosts.dedup();
            SshServers { user: user.to_owned(), hosts }
        });
        self
    }
}

/// An archive that goes on into this very directory is the server's own evidence.
fn archiving_evidence(facts: &Facts, tenant: &TenantFacts, destination: &Destination) -> Option<String> {
    let round = tenant.archive.current.as_ref().filter(|round| round.status == RoundStatus::Doing)?;
    let own = tenant.archive.destination.as_ref()?;
    let server_clock = crate::journal::clock::now() + jiff::SignedDuration::from_millis(facts.cluster.clock_ahead_ms);
    let behind = tenant.archive.behind(Scn::from_timestamp(server_clock))?;
    // Nobody can say that it moves as it should where its steps were not read.
    let moves = behind <= tenant.archive.lag_target?.saturating_mul(3);
    (moves && own.location.is_same_path(destination)).then(|| {
        let up_to = round.checkpoint.to_local(&facts.cluster.time_zone);
        format!("the server's own evidence: log archiving is DOING there, complete up to {up_to}")
    })
}

/// The host of `ip:port`, without brackets.
fn host_without_port(address: &str) -> String {
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    host.trim_start_matches('[').trim_end_matches(']').to_owned()
}

/// The rules that a release has for backup directories.
enum DirectoryRules {
    PerTenant,
    PerCluster,
    Logical,
}

fn directory_rules(facts: &Facts) -> DirectoryRules {
    match facts.cluster.method {
        Method::Logical => DirectoryRules::Logical,
        Method::Physical if facts.cluster.cluster_backup.is_some() => DirectoryRules::PerCluster,
        Method::Physical => DirectoryRules::PerTenant,
    }
}

/// The directory of a whole cluster below V4.
fn cluster_use(facts: &Facts, destination: &Destination) -> DestinationUse {
    DestinationUse { by: facts.cluster.name().to_owned(), kind: DirKind::Data, destination: destination.clone() }
}

/// What all tenants use, the destination of one tenant for one kind aside.
fn other_uses(facts: &Facts, own: Option<(u64, DirKind)>) -> Vec<DestinationUse> {
    let users = facts.tenants.iter().filter(|tenant| tenant.kind == TenantKind::User);
    let all = users.flat_map(|tenant| {
        let data = tenant.data_destination.clone().map(|destination| (DirKind::Data, destination));
        let clog = tenant.archive.destination.as_ref().map(|dest| (DirKind::Clog, dest.location.clone()));
        let is_own = move |kind: DirKind| own == Some((tenant.id, kind));
        data.into_iter().chain(clog).filter(move |(kind, _)| !is_own(*kind)).map(|(kind, destination)| DestinationUse {
            by: facts.target(tenant).to_string(),
            kind,
            destination,
        })
    });
    all.collect()
}

/// The program that runs as the probe process.
#[derive(Debug, Clone)]
pub struct ProbeProgram {
    /// This program.
    pub program: PathBuf,
}

impl ProbeProgram {
    /// Uses this program.
    ///
    /// # Errors
    /// The system does not say which program this is.
    pub fn current() -> Result<Self, Fault> {
        let program = std::env::current_exe()
            .map_err(|error| probe_failed(&format!("This program cannot be found: {error}.")))?;
        Ok(Self { program })
    }
}

/// The one line on the process's standard input; the line stays open until nobody wants the result.
#[derive(Serialize, Deserialize)]
struct ProbeRequest {
    destination: Destination,
    expected: Expected,
    access_key: Option<Zeroizing<String>>,
    /// How long one request may take.
    limit: Duration,
    #[serde(rename = "looks_only")]
    is_read_only: bool,
    #[serde(rename = "inside")]
    may_probe_inside: bool,
}

/// Tests a storage. `news` gets each check as it begins and ends. Dropping the future stops the Test: the process deletes its
/// probe by itself. It never takes much longer than its deadline, whatever the storage does, and changes nothing of a cluster.
pub async fn run_test(
    tester: &ProbeProgram,
    what: TestSpec,
    news: Option<&mpsc::UnboundedSender<TestUpdate>>,
) -> TestReport {
    let mut sheet = TestRecorder { news, checks: Vec::new(), running: None, left_behind: None };
    sheet.add_check(match what.others.as_ref().map(|others| sole_use(&what.destination, others)) {
        Some(Ok(found)) => TestedCheck::pass(StorageCheck::SoleUse, None, found),
        Some(Err(fault)) => TestedCheck::fail(StorageCheck::SoleUse, None, *fault),
        None => {
            let why = "whether another tenant uses the directory: no cluster was named";
            TestedCheck::not_checked(StorageCheck::SoleUse, why)
        }
    });
    let (uri, by_hand) = (what.destination.to_string(), by_hand(&what.destination));
    let asked = match (&what.servers, &what.expected) {
        (Some(servers), _) => {
            sheet.send(TestUpdate::Begins(StorageCheck::EveryServer));
            Some(servers)
        }
        (None, Expected::OwnHost) => {
            let found = "this host alone writes it";
            sheet.add_check(TestedCheck::pass(StorageCheck::EveryServer, None, found));
            None
        }
        (None, Expected::EmptyOrOurs { .. } | Expected::OfTenant(_) | Expected::Empty | Expected::Anything) => {
            let unknown = "that every server reaches it";
            let why = what.evidence.as_ref().map_or(unknown.to_owned(), |evidence| format!("{unknown}; {evidence}"));
            sheet.add_check(TestedCheck::not_checked(StorageCheck::EveryServer, why));
            None
        }
    };
    let (probed, seen) = tokio::join!(run_probe_process(tester, &what, &mut sheet), async {
        match asked {
            Some(servers) => Some(check_every_server(servers, &what).await),
            None => None,
        }
    });
    if let Some(seen) = seen {
        sheet.add_check(seen);
    }
    if let Err(fault) = probed {
        let check = sheet.running.unwrap_or(StorageCheck::Directory);
        sheet.add_check(TestedCheck::fail(check, None, fault));
        for check in StorageCheck::of(what.destination.kind()) {
            if !sheet.checks.iter().any(|tested| tested.check == check) {
                let why = format!("{}: the Test broke off before", check.label());
                sheet.add_check(TestedCheck::not_checked(check, why));
            }
        }
    }
    sheet.checks.sort_by_key(|check| check.check);
    TestReport { uri, checks: sheet.checks, at: crate::journal::clock::now(), left_behind: sheet.left_behind, by_hand }
}

/// Checks by ssh that every server reaches the directory.
async fn check_every_server(servers: &SshServers, what: &TestSpec) -> TestedCheck {
    let since = Instant::now();
    let environment: Vec<_> = inherited_environment().chain(environment::ssh_agent()).collect();
    let limit = what.deadline.saturating_sub(CLEANUP_GRACE).max(what.deadline / 2);
    let said = ask(servers, &script(&what.destination), limit, &environment).await;
    let ms = u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX);
    assess_servers(&what.destination, &said, ms)
}

/// Records the checks of a Test and sends them to the front end.
struct TestRecorder<'a> {
    news: Option<&'a mpsc::UnboundedSender<TestUpdate>>,
    checks: Vec<TestedCheck>,
    running: Option<StorageCheck>,
    left_behind: Option<String>,
}

impl TestRecorder<'_> {
    fn record(&mut self, news: ProbeEvent) {
        match news {
            ProbeEvent::CheckStarted(check) => {
                self.running = Some(check);
                self.send(TestUpdate::Begins(check));
            }
            ProbeEvent::CheckEnded(check) => self.add_check(check),
            ProbeEvent::ProbeWritten(probe) => self.left_behind = Some(probe),
            ProbeEvent::ProbeRemoved => self.left_behind = None,
            ProbeEvent::Done => {}
        }
    }

    fn add_check(&mut self, check: TestedCheck) {
        if self.running == Some(check.check) {
            self.running = None;
        }
        self.checks.push(check.clone());
        self.send(TestUpdate::Ended(check));
    }

    /// Sends news; a front end that has exited is ignored.
    fn send(&self, news: TestUpdate) {
        if let Some(sender) = self.news {
            let _ = sender.send(news);
        }
    }
}

/// The probe's process, and what it has told.
struct ProbeProcess {
    /// Closing it tells the process to delete its probe and end.
    stdin: Option<ChildStdin>,
    output_lines: Lines<BufReader<ChildStdout>>,
}

/// Runs the probe process and records its checks.
async fn run_probe_process(tester: &ProbeProgram, what: &TestSpec, sheet: &mut TestRecorder<'_>) -> Result<(), Fault> {
    // What the servers can never be told need not be written to.
    if let Some(fault) = what.statement_fault() {
        return Err(fault);
    }
    let until = Instant::now() + what.deadline;
    let mut probing = ProbeProcess::spawn(tester, what).await?;
    loop {
        match timeout_at(until, probing.next()).await {
            Ok(Ok(Some(ProbeEvent::Done))) => return Ok(()),
            Ok(Ok(Some(news))) => sheet.record(news),
            Ok(Ok(None)) => return Err(probe_failed("The process that makes the probe ended in the middle of it.")),
            Ok(Err(error)) => {
                return Err(probe_failed(&format!("The process that makes the probe cannot be heard: {error}.")));
            }
            Err(_) => break,
        }
    }
    // It deletes its probe if it still can; of its checks nothing is waited for any more.
    probing.stdin = None;
    let until = Instant::now() + CLEANUP_GRACE.min(what.deadline);
    while let Ok(Ok(Some(news))) = timeout_at(until, probing.next()).await {
        if matches!(news, ProbeEvent::ProbeWritten(_) | ProbeEvent::ProbeRemoved) {
            sheet.record(news);
        }
    }
    Err(deadline_exceeded(what, sheet.running))
}

impl ProbeProcess {
    async fn spawn(tester: &ProbeProgram, what: &TestSpec) -> Result<Self, Fault> {
        let parcel = ProbeRequest {
            destination: what.destination.clone(),
            expected: what.expected.clone(),
            access_key: what.access_key.as_ref().map(|key| Zeroizing::new(key.expose().to_owned())),
            limit: what.deadline / REQUESTS_PER_DEADLINE,
            is_read_only: what.is_read_only,
            may_probe_inside: what.may_probe_inside,
        };
        let parcel =
            serde_json::to_vec(&parcel).map_err(|error| probe_failed(&format!("It cannot be written: {error}.")))?;
        let mut parcel = Zeroizing::new(parcel);
        parcel.push(b'\n');
        let mut command = Command::new(&tester.program);
        command
            .arg("run-probe")
            .env_clear()
            .envs(inherited_environment())
            .envs(environment::certificates())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // What it holds open of this process would hold up whoever waits for that to be closed.
            .stderr(Stdio::null())
            .current_dir("/");
        // It is not killed when this process wants no more of it: it has to delete its probe first.
        let mut child = command.spawn().map_err(|error| probe_failed(&format!("The system says: {error}.")))?;
        let (Some(mut order), Some(told)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(probe_failed("The system gave no pipes."));
        };
        order
            .write_all(&parcel)
            .await
            .map_err(|error| probe_failed(&format!("It does not take its order: {error}.")))?;
        order.flush().await.map_err(|error| probe_failed(&format!("It does not take its order: {error}.")))?;
        Ok(Self { stdin: Some(order), output_lines: BufReader::new(told).lines() })
    }

    async fn next(&mut self) -> std::io::Result<Option<ProbeEvent>> {
        match self.output_lines.next_line().await? {
            None => Ok(None),
            Some(line) => Ok(Some(serde_json::from_str(&line)?)),
        }
    }
}

fn probe_failed(why: &str) -> Fault {
    Fault::new(Cause::Internal, "The storage was not tested.", why, "Test again; if it stays so, report it.")
}

fn deadline_exceeded(what: &TestSpec, running: Option<StorageCheck>) -> Fault {
    let shown = what.destination.uri_without_attributes();
    let (seconds, during) = (what.deadline.as_secs_f32(), running.map_or("the Test", StorageCheck::label));
    let (why, next) = match what.destination.kind() {
        StorageKind::File => (
            "A mount whose server is gone hangs like this, and so does everything that touches it.",
            format!("Look at the mount and its server: findmnt {}, and dmesg.", what.destination.path()),
        ),
        _ => (
            "The storage, or something on the way to it, takes what is sent and does not answer.",
            "Look at the network between this host and the storage, and test again.".to_owned(),
        ),
    };
    Fault::new(Cause::Storage, format!("{shown} did not answer within {seconds} s ({during})."), why, next)
}
