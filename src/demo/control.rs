//! The control socket of a fleet, `control.sock`: JSON lines, one request and one reply at a time. A test holds and releases
//! phases, injects and removes faults, loses replies, and waits for states with it.
//!
//! A request is an object with `ask` and its fields; `cluster` may be left out and is then the first one.
//!
//! | ask | fields | does |
//! | --- | --- | --- |
//! | `ping` | | nothing: the fleet is there |
//! | `hold`, `release` | `tenant`, `phase` | a phase of the tenant's jobs stands still, or goes on ([`FaultEffect::HoldPhase`]) |
//! | `fail` | `tenant`, `code`, `text` | the running job of the tenant fails now |
//! | `inject` | `fault` | adds a named [`InjectedFault`] as scenarios write them |
//! | `fix` | `name` or none | removes one fault, or every fixable one |
//! | `lose_reply` | `prefix`, `applied` | the reply to the next statement that begins so is lost; `applied` says whether it was carried out |
//! | `hold_reply` | `prefix`, `applied`, `lingers` | statements that begin so are held before their answer; `applied` false: before an ALTER SYSTEM is carried out; `lingers`: the server goes on with it when its client is gone |
//! | `pass_reply` | `prefix` | the first statement held under this prefix goes on |
//! | `release_reply` | `prefix` | all of them go on, and no more are held |
//! | `refuse`, `accept` | `endpoint` | the port (by its place in the list) stops or starts to listen |
//! | `cut` | | every connection is cut |
//! | `restart` | `server` | the server restarts: its connections are lost |
//! | `stand`, `move` | `tenant` | the checkpoint of the archive stands still, or moves again |
//! | `interrupt` | `tenant` | the archive round breaks |
//! | `time_zone` | `zone`, `system` | connections that set no `time_zone` have this one from now on, and `SYSTEM` stands for that |
//! | `vanish` | `tenant` | running jobs of the tenant are no longer shown |
//! | `wait` | `tenant`, `what`, `is`, `within_ms` | answers when it is so; what: `job`, `history`, `task`, `round`, `restorable` (`yes`, `no`), `statements` (how many), and without `tenant`, `connections` and `held` (how many), on V2.2 and V3 `merge` (`IDLE`, `MERGING`, `ERROR`) |
//! | `state` | | everything |
//! | `statements` | | every ALTER SYSTEM received, in order |
//! | `stop` | | the fleet ends |
//!
//! The reply is `{"ok": value}` or `{"error": text}`.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::fault_injection::{ClusterFaults, FaultEffect, InjectedFault};
use super::fleet::{Cluster, Fleet, LostReply, Tenant};
use super::reply_holds::ReplyHold;
use super::shared_fleet::SharedFleet;
use super::simulation::{self, archive};

/// A request.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case")]
#[allow(missing_docs, reason = "the table above says what each field is")]
pub enum ControlRequest {
    Ping,
    #[serde(rename = "hold")]
    HoldPhase {
        cluster: Option<String>,
        tenant: String,
        phase: String,
    },
    #[serde(rename = "release")]
    ReleasePhase {
        cluster: Option<String>,
        tenant: String,
        phase: String,
    },
    #[serde(rename = "fail")]
    FailJob {
        cluster: Option<String>,
        tenant: String,
        code: i64,
        text: String,
    },
    #[serde(rename = "inject")]
    InjectFault {
        fault: InjectedFault,
    },
    #[serde(rename = "fix")]
    RemoveFaults {
        name: Option<String>,
    },
    LoseReply {
        prefix: String,
        applied: bool,
    },
    HoldReply {
        prefix: String,
        applied: bool,
        lingers: bool,
    },
    PassReply {
        prefix: String,
    },
    ReleaseReply {
        prefix: String,
    },
    #[serde(rename = "refuse")]
    RefuseConnections {
        endpoint: usize,
    },
    #[serde(rename = "accept")]
    AcceptConnections {
        endpoint: usize,
    },
    #[serde(rename = "cut")]
    CutConnections,
    #[serde(rename = "restart")]
    RestartServer {
        cluster: Option<String>,
        server: usize,
    },
    #[serde(rename = "stand")]
    StallCheckpoint {
        cluster: Option<String>,
        tenant: String,
    },
    #[serde(rename = "move")]
    ResumeCheckpoint {
        cluster: Option<String>,
        tenant: String,
    },
    #[serde(rename = "interrupt")]
    InterruptArchive {
        cluster: Option<String>,
        tenant: String,
    },
    TimeZone {
        zone: String,
        system: String,
    },
    #[serde(rename = "vanish")]
    HideJobs {
        cluster: Option<String>,
        tenant: String,
    },
    Wait {
        cluster: Option<String>,
        tenant: Option<String>,
        what: String,
        is: String,
        within_ms: u64,
    },
    State,
    Statements,
    Stop,
}

/// Serves the control socket until the fleet stops.
pub(super) async fn serve(model: Arc<SharedFleet>, listener: UnixListener, stop: watch::Sender<bool>) {
    let mut clients = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                if let Ok((stream, _)) = accepted {
                    clients.spawn(serve_client(Arc::clone(&model), stream, stop.clone()));
                }
            }
            Some(_ended) = clients.join_next() => {}
        }
    }
}

async fn serve_client(model: Arc<SharedFleet>, stream: UnixStream, stop: watch::Sender<bool>) -> io::Result<()> {
    let (reader, mut writer) = stream.into_split();
    let mut lines = BufReader::new(reader).lines();
    while let Some(line) = lines.next_line().await? {
        let asked = serde_json::from_str::<ControlRequest>(&line).map_err(|error| error.to_string());
        let ends = matches!(asked, Ok(ControlRequest::Stop));
        let answer = match asked {
            Ok(ask) => handle_request(&model, ask).await,
            Err(error) => Err(error),
        };
        let reply = answer.map_or_else(|error| json!({"error": error}), |value| json!({"ok": value}));
        writer.write_all(format!("{reply}\n").as_bytes()).await?;
        if ends {
            stop.send_replace(true);
        }
    }
    Ok(())
}

/// Returns the index of the cluster of that name, or of the first.
fn cluster_index(fleet: &Fleet, cluster: Option<&str>) -> Result<usize, String> {
    match cluster {
        None => Ok(0),
        Some(name) => {
            let found = fleet.clusters.iter().position(|cluster| cluster.name == name);
            found.ok_or_else(|| format!("no cluster '{name}'"))
        }
    }
}

fn find_tenant<'a>(cluster: &'a Cluster, name: &str) -> Result<&'a Tenant, String> {
    cluster.tenant(name).ok_or_else(|| format!("no tenant '{name}' in '{}'", cluster.name))
}

/// Returns a fault for a request: its name consists of the effect and the tenant, so that the opposite request finds it.
fn manual_fault(
    fleet: &Fleet,
    cluster: Option<&str>,
    name: &str,
    who: &str,
    effect: FaultEffect,
) -> Result<InjectedFault, String> {
    let cluster = &fleet.clusters[cluster_index(fleet, cluster)?];
    find_tenant(cluster, who)?;
    Ok(InjectedFault {
        name: format!("{name} {}/{who}", cluster.name),
        cluster: Some(cluster.name.clone()),
        tenant: Some(who.to_owned()),
        server: None,
        fixable: true,
        since: fleet.now,
        effect,
    })
}

fn add_fault(fleet: &mut Fleet, fault: InjectedFault) -> Value {
    fleet.faults.retain(|known| known.name != fault.name);
    let name = fault.name.clone();
    fleet.faults.push(fault);
    json!(name)
}

fn remove_faults(fleet: &mut Fleet, gone: impl Fn(&InjectedFault) -> bool) -> Value {
    let (taken, left) = std::mem::take(&mut fleet.faults).into_iter().partition(|fault| gone(fault));
    fleet.faults = left;
    let taken: Vec<InjectedFault> = taken;
    for upgrade in taken.iter().filter(|fault| fault.effect == FaultEffect::UpgradeMode) {
        // The upgrade that was on has ended, and its job with it.
        let clusters = fleet.clusters.iter_mut();
        for cluster in clusters.filter(|cluster| upgrade.cluster.as_ref().is_none_or(|name| *name == cluster.name)) {
            for job in cluster.tenant_jobs.iter_mut().filter(|job| job.status == "INPROGRESS") {
                "SUCCESS".clone_into(&mut job.status);
            }
        }
    }
    for broken in taken.iter().filter(|fault| fault.effect == FaultEffect::ArchiveBreaks) {
        let (speed, now) = (fleet.speed, fleet.now);
        for cluster in &mut fleet.clusters {
            let all = ClusterFaults { all: std::slice::from_ref(broken), cluster: &cluster.name };
            let meant = cluster.tenants.iter().filter(|tenant| all.breaks_archive(&tenant.name));
            let meant: Vec<i64> = meant.map(|tenant| tenant.id).collect();
            // The archive of V2.2 and V3 is the cluster's.
            let meant = if cluster.line.is_legacy() && !meant.is_empty() { vec![1] } else { meant };
            for id in meant {
                archive::restart_round(cluster, id, speed, now);
            }
        }
    }
    json!(taken.into_iter().map(|fault| fault.name).collect::<Vec<_>>())
}

async fn handle_request(model: &SharedFleet, ask: ControlRequest) -> Result<Value, String> {
    if let ControlRequest::Wait { cluster, tenant, what, is, within_ms } = ask {
        return wait_for_state(
            model,
            cluster.as_deref(),
            tenant.as_deref(),
            &what,
            &is,
            Duration::from_millis(within_ms),
        )
        .await;
    }
    match ask {
        ControlRequest::PassReply { prefix } => match model.release_held(&prefix, false) {
            0 => Err(format!("no statement is held under '{prefix}'")),
            passed => Ok(json!(passed)),
        },
        ControlRequest::ReleaseReply { prefix } => Ok(json!(model.release_held(&prefix, true))),
        ask => model.update(|fleet| apply_request(fleet, ask)),
    }
}

#[allow(clippy::too_many_lines, reason = "one line or two for each request of the table above")]
fn apply_request(fleet: &mut Fleet, ask: ControlRequest) -> Result<Value, String> {
    Ok(match ask {
        ControlRequest::TimeZone { zone, system } => {
            (fleet.time_zone, fleet.system_time_zone) = (zone, system);
            Value::Null
        }
        ControlRequest::Ping
        | ControlRequest::Stop
        | ControlRequest::Wait { .. }
        | ControlRequest::PassReply { .. }
        | ControlRequest::ReleaseReply { .. } => Value::Null,
        ControlRequest::HoldPhase { cluster, tenant, phase } => {
            let phases = fleet.clusters[cluster_index(fleet, cluster.as_deref())?].line.phases;
            let others = ["PARENT", "CANCELING", "CLEANUP"];
            let known = phases.iter().any(|(name, ..)| *name == phase) || others.contains(&phase.as_str());
            if !known {
                return Err(format!("no phase '{phase}'"));
            }
            let effect = FaultEffect::HoldPhase { phase: phase.clone(), code: None, text: String::new() };
            let fault = manual_fault(fleet, cluster.as_deref(), &format!("hold {phase} of"), &tenant, effect)?;
            add_fault(fleet, fault)
        }
        ControlRequest::ReleasePhase { cluster, tenant, phase } => {
            let cluster = fleet.clusters[cluster_index(fleet, cluster.as_deref())?].name.clone();
            let held = |fault: &InjectedFault| matches!(&fault.effect, FaultEffect::HoldPhase { phase: held, .. } if *held == phase);
            remove_faults(fleet, |fault| is_of_tenant(fault, &cluster, &tenant) && held(fault))
        }
        ControlRequest::FailJob { cluster, tenant: who, code, text } => {
            let (speed, now) = (fleet.speed, fleet.now);
            let index = cluster_index(fleet, cluster.as_deref())?;
            let cluster = &mut fleet.clusters[index];
            let id = find_tenant(cluster, &who)?.id;
            let job = cluster.jobs.iter().position(|job| job.tenant_id == id && !job.status.has_ended());
            simulation::fail_job(
                cluster,
                speed,
                job.ok_or_else(|| format!("no job of '{who}' runs"))?,
                now,
                code,
                &text,
            );
            Value::Null
        }
        ControlRequest::InjectFault { mut fault } => {
            fault.since = fleet.now;
            add_fault(fleet, fault)
        }
        ControlRequest::RemoveFaults { name } => match name {
            Some(name) if !fleet.faults.iter().any(|fault| fault.name == name) => {
                return Err(format!("no fault '{name}'"));
            }
            Some(name) => remove_faults(fleet, |fault| fault.name == name),
            None => remove_faults(fleet, |fault| fault.fixable),
        },
        ControlRequest::LoseReply { prefix, applied } => {
            fleet.lost_replies.push(LostReply { prefix, applied });
            Value::Null
        }
        ControlRequest::HoldReply { prefix, applied, lingers } => {
            fleet.reply_holds.push(ReplyHold { prefix, applied, outlives_client: lingers });
            Value::Null
        }
        ControlRequest::RefuseConnections { endpoint } => {
            let port = fleet.endpoints.get(endpoint).ok_or("no such endpoint")?;
            let (cluster, server) = (fleet.clusters[port.cluster].name.clone(), port.server);
            let fault = InjectedFault {
                name: format!("refuse {cluster}/{server}"),
                cluster: Some(cluster),
                tenant: None,
                server: Some(server),
                fixable: true,
                since: fleet.now,
                effect: FaultEffect::PortRefuses,
            };
            add_fault(fleet, fault)
        }
        ControlRequest::AcceptConnections { endpoint } => {
            let port = fleet.endpoints.get(endpoint).ok_or("no such endpoint")?;
            let (cluster, server) = (fleet.clusters[port.cluster].name.clone(), port.server);
            remove_faults(fleet, |fault| {
                let here = fault.cluster.as_ref().is_none_or(|name| *name == cluster)
                    && fault.server.is_none_or(|index| index == server);
                here && matches!(fault.effect, FaultEffect::PortRefuses | FaultEffect::Unresponsive)
            })
        }
        ControlRequest::CutConnections => {
            for port in &mut fleet.endpoints {
                port.restarts += 1;
            }
            Value::Null
        }
        ControlRequest::RestartServer { cluster, server } => {
            let (cluster, now) = (cluster_index(fleet, cluster.as_deref())?, fleet.now);
            let port = fleet.endpoints.iter_mut().find(|port| port.cluster == cluster && port.server == server);
            port.ok_or("no such server")?.restarts += 1;
            fleet.clusters[cluster].servers[server].started = now;
            Value::Null
        }
        ControlRequest::StallCheckpoint { cluster, tenant } => {
            let fault = manual_fault(fleet, cluster.as_deref(), "stand", &tenant, FaultEffect::CheckpointStalled)?;
            add_fault(fleet, fault)
        }
        ControlRequest::ResumeCheckpoint { cluster, tenant } => {
            let cluster = fleet.clusters[cluster_index(fleet, cluster.as_deref())?].name.clone();
            remove_faults(fleet, |fault| {
                is_of_tenant(fault, &cluster, &tenant) && fault.effect == FaultEffect::CheckpointStalled
            })
        }
        ControlRequest::InterruptArchive { cluster, tenant: who } => {
            let (index, now) = (cluster_index(fleet, cluster.as_deref())?, fleet.now);
            // The archive of V2.2 and V3 is the cluster's.
            let own = find_tenant(&fleet.clusters[index], &who)?.id;
            let id = if fleet.clusters[index].line.is_legacy() { 1 } else { own };
            archive::interrupt_round(&mut fleet.clusters[index], id, &fleet.faults, fleet.speed, now);
            Value::Null
        }
        ControlRequest::HideJobs { cluster, tenant } => {
            let fault =
                manual_fault(fleet, cluster.as_deref(), "vanish", &tenant, FaultEffect::JobHidden { history: false })?;
            add_fault(fleet, fault)
        }
        ControlRequest::State => serde_json::to_value(&*fleet).map_err(|error| error.to_string())?,
        ControlRequest::Statements => serde_json::to_value(&fleet.statements).map_err(|error| error.to_string())?,
    })
}

fn is_of_tenant(fault: &InjectedFault, cluster: &str, tenant: &str) -> bool {
    fault.cluster.as_deref().is_none_or(|name| name == cluster) && fault.tenant.as_deref() == Some(tenant)
}

async fn wait_for_state(
    model: &SharedFleet,
    cluster: Option<&str>,
    who: Option<&str>,
    what: &str,
    is: &str,
    within: Duration,
) -> Result<Value, String> {
    model.read(|fleet| observed_state(fleet, cluster, who, what))?;
    let state = |fleet: &Fleet| observed_state(fleet, cluster, who, what).unwrap_or_else(|error| error);
    let reached = model.wait_until(within, |fleet| (state(fleet) == is).then_some(())).await;
    match reached {
        Some(()) => Ok(Value::Null),
        None => Err(format!(
            "waited {within:?} for {what} of {} to be '{is}'; it is '{}'",
            who.unwrap_or("the fleet"),
            model.read(state)
        )),
    }
}

/// Returns the present value of a state that `wait` can wait for, in one word.
fn observed_state(fleet: &Fleet, cluster: Option<&str>, who: Option<&str>, what: &str) -> Result<String, String> {
    match (what, who) {
        ("connections", _) => return Ok(fleet.connections.len().to_string()),
        ("held", _) => return Ok(fleet.held_statements.len().to_string()),
        ("statements", _) => return Ok(fleet.statements.len().to_string()),
        _ => {}
    }
    let cluster = &fleet.clusters[cluster_index(fleet, cluster)?];
    if what == "merge" {
        let merge = simulation::legacy::merge_state(fleet, cluster).ok_or("the cluster is merged tenant by tenant")?;
        return Ok(merge.to_owned());
    }
    let tenant = find_tenant(cluster, who.ok_or_else(|| format!("'{what}' is asked of a tenant"))?)?;
    let job = cluster.jobs.iter().rev().find(|job| job.tenant_id == tenant.id);
    Ok(match what {
        "job" => job.map_or("", |job| job.status.as_str()).to_owned(),
        "history" => job.filter(|job| job.in_history).map_or("", |job| job.status.as_str()).to_owned(),
        "task" => job
            .map_or("", |job| {
                if job.status.has_ended() || tenant.id == 1 {
                    job.status.as_str()
                } else {
                    cluster.line.phases[job.phase].0
                }
            })
            .to_owned(),
        "round" => cluster.round_of(tenant).map_or("", |round| round.status.as_str()).to_owned(),
        "restorable" => if is_restorable(fleet, cluster, tenant) { "yes" } else { "no" }.to_owned(),
        _ => return Err(format!("nobody knows what '{what}' is")),
    })
}

/// Returns whether the log of the current round reaches the earliest restore point of the newest good set.
fn is_restorable(fleet: &Fleet, cluster: &Cluster, tenant: &Tenant) -> bool {
    if cluster.line.is_legacy() {
        return simulation::legacy::is_restorable(fleet, cluster, tenant);
    }
    let faults = ClusterFaults { all: &fleet.faults, cluster: &cluster.name };
    let set = tenant.sets.iter().rev().find(|set| set.status == "SUCCESS" && set.file_status == "AVAILABLE");
    let covered = |set: &super::fleet::BackupSet| {
        let round =
            tenant.current_round().filter(|round| round.start.is_some_and(|start| start <= set.start_replay))?;
        let reached = archive::checkpoint(tenant, round, faults, fleet.speed, fleet.now)?;
        Some(reached >= set.min_restore?)
    };
    set.and_then(covered).unwrap_or(false)
}

/// Why a request failed.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// The control socket does not answer.
    #[error("the demo fleet does not answer on {path}: {source}")]
    Unreachable {
        /// The socket.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// The fleet refused the request.
    #[error("the demo fleet says: {0}")]
    Refused(String),
}

/// A client of the control socket.
#[derive(Debug)]
pub struct ControlClient {
    path: String,
    stream: BufReader<UnixStream>,
}

impl ControlClient {
    /// Connects to `control.sock` in a fleet's directory.
    ///
    /// # Errors
    /// [`ControlError::Unreachable`].
    pub async fn connect(folder: &Path) -> Result<Self, ControlError> {
        let socket = folder.join(super::service::CONTROL_SOCKET);
        let path = socket.display().to_string();
        match UnixStream::connect(&socket).await {
            Ok(stream) => Ok(Self { path, stream: BufReader::new(stream) }),
            Err(source) => Err(ControlError::Unreachable { path, source }),
        }
    }

    /// Sends a request, and waits for the reply.
    ///
    /// # Errors
    /// [`ControlError`].
    pub async fn send(&mut self, ask: &ControlRequest) -> Result<Value, ControlError> {
        let line = self.send_line(ask).await;
        let line = line.map_err(|source| ControlError::Unreachable { path: self.path.clone(), source })?;
        let mut reply: Value = serde_json::from_str(&line).map_err(|error| ControlError::Refused(error.to_string()))?;
        match reply.get("error").and_then(Value::as_str) {
            Some(error) => Err(ControlError::Refused(error.to_owned())),
            None => Ok(reply["ok"].take()),
        }
    }

    async fn send_line(&mut self, ask: &ControlRequest) -> io::Result<String> {
        let request = serde_json::to_string(ask)?;
        self.stream.get_mut().write_all(format!("{request}\n").as_bytes()).await?;
        let mut line = String::new();
        match self.stream.read_line(&mut line).await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(line),
        }
    }
}
