//! Runs a fleet as a process of its own, in a directory with an inventory, the state of its tasks, the data, the control socket
//! and a lock. One process serves a scenario; the others join it.

mod inventory;
mod ports;

use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::UnixListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::clock;
use super::control::{self, ControlClient, ControlError, ControlRequest};
use super::scenario::{self, FleetSettings, ScenarioError};
use super::shared_fleet::SharedFleet;

/// The file name of the control socket in the fleet's directory.
pub const CONTROL_SOCKET: &str = "control.sock";
const LOCK: &str = "fleet.lock";
const CONFIG: &str = "config.yaml";
const LOG: &str = "fleet.log";
const PASSWORD: &str = "fleet-password";

/// How long a fleet is served after its last connection.
const IDLE_TIMEOUT: Duration = Duration::from_mins(10);
/// How long a fleet may take to start or to stop.
const START_TIMEOUT: Duration = Duration::from_secs(15);
/// A Unix socket's path has 108 bytes, the last of them a zero.
const SOCKET_PATH: usize = 107;

/// Why a fleet cannot be served, joined or stopped.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// No such scenario, or a broken one.
    #[error(transparent)]
    Scenario(#[from] ScenarioError),
    /// Another process serves it already.
    #[error("the demo fleet of '{0}' is already being served")]
    AlreadyServed(String),
    /// No process serves it.
    #[error("no demo fleet of '{0}' is being served")]
    NotServed(String),
    /// The path of the folder is too long for the socket in it.
    #[error("{path} is {length} bytes long, and a Unix socket's path may have {SOCKET_PATH}: choose a shorter --state")]
    PathTooLong {
        /// The socket.
        path: String,
        /// Its length in bytes.
        length: usize,
    },
    /// The process did not start.
    #[error("the demo fleet did not start: {0}")]
    NotStarted(String),
    /// The process did not end.
    #[error("the demo fleet of '{0}' did not stop within 15 seconds")]
    NotStopped(String),
    /// The control socket failed.
    #[error(transparent)]
    Control(#[from] ControlError),
    /// A file or a socket failed.
    #[error("{what}: {source}")]
    Io {
        /// What was being done.
        what: String,
        /// Why it failed.
        source: io::Error,
    },
}

fn io_error(what: impl std::fmt::Display) -> impl FnOnce(io::Error) -> ServiceError {
    move |source| ServiceError::Io { what: what.to_string(), source }
}

/// How a fleet is served.
#[derive(Debug, Clone)]
pub struct ServeOptions {
    /// The scenario's name.
    pub scenario: String,
    /// The root of obnow's state: the folder is `demo/<scenario>` in it.
    pub state_root: PathBuf,
    /// How many times faster work goes than by default; 0 is 1.
    pub speed: u32,
    /// The first TCP port; 0 lets the system choose them all.
    pub port: u16,
    /// End when stdin does.
    pub until_eof: bool,
    /// Leave the caller's session first: not in tests, which serve in their own process.
    pub own_session: bool,
}

/// The directory of a fleet that is being served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FleetDirectory {
    /// The path, with `config.yaml`, `state/` and `data/` in it.
    pub dir: PathBuf,
}

/// Returns the directory of a scenario below obnow's state.
#[must_use]
pub fn fleet_dir(state_root: &Path, scenario: &str) -> PathBuf {
    state_root.join("demo").join(scenario)
}

fn socket_path(dir: &Path) -> Result<PathBuf, ServiceError> {
    let path = dir.join(CONTROL_SOCKET);
    let length = path.as_os_str().len();
    if length > SOCKET_PATH {
        return Err(ServiceError::PathTooLong { path: path.display().to_string(), length });
    }
    Ok(path)
}

fn create_private_dir(path: &Path) -> Result<(), ServiceError> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(io_error(path.display()))
}

fn open_lock(dir: &Path) -> Result<File, ServiceError> {
    let path = dir.join(LOCK);
    let opened = File::options().read(true).append(true).create(true).mode(0o600).open(&path);
    opened.map_err(io_error(path.display()))
}

/// Takes the lock of the serving process.
fn take_lock(dir: &Path, scenario: &str) -> Result<File, ServiceError> {
    let lock = open_lock(dir)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(ServiceError::AlreadyServed(scenario.to_owned())),
        Err(TryLockError::Error(source)) => Err(io_error(LOCK)(source)),
    }
}

/// Returns whether a process serves the fleet of this directory.
fn is_served(dir: &Path) -> Result<bool, ServiceError> {
    if !dir.join(LOCK).exists() {
        return Ok(false);
    }
    let lock = open_lock(dir)?;
    match lock.try_lock() {
        Ok(()) => {
            // At once: closed alone, it would stay with a child process that another thread is about to start.
            let _ = lock.unlock();
            Ok(false)
        }
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(source)) => Err(io_error(LOCK)(source)),
    }
}

fn write_private(path: &Path, text: &str) -> Result<(), ServiceError> {
    let write = || {
        // The mode is set before there is anything to read, whatever was there before.
        let mut file = File::create(path)?;
        file.set_permissions(fs::Permissions::from_mode(0o600))?;
        file.write_all(text.as_bytes())
    };
    write().map_err(io_error(path.display()))
}

/// Serves a scenario until a stop request, until stdin ends (if asked for), or until ten minutes after the last connection.
/// Writes one ready line to `out`.
///
/// # Errors
/// [`ServiceError`], before the ready line; afterwards only what ends the fleet.
pub async fn serve(options: ServeOptions, mut out: impl Write) -> Result<(), ServiceError> {
    // Whatever this process makes is its owner's alone: sockets and logs too.
    let _before = rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    if options.own_session {
        // The leader of a process group (an interactive `demo --serve`) cannot leave its session, and needs not.
        let _leads_a_group = rustix::process::setsid();
    }
    let scenario = scenario::read(&options.scenario)?;
    let dir = std::path::absolute(fleet_dir(&options.state_root, &options.scenario)).map_err(io_error("state"))?;
    let socket = socket_path(&dir)?;
    let data = dir.join("data");
    create_private_dir(&dir)?;
    let lock = take_lock(&dir, &options.scenario)?;
    // Every start is a new fleet: what an earlier one wrote would belong to another cluster.
    for old in [&socket, &data] {
        let removed = if old == &data { fs::remove_dir_all(old) } else { fs::remove_file(old) };
        match removed {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(io_error(old.display())(error)),
            _ => {}
        }
    }
    create_private_dir(&data)?;
    create_private_dir(&dir.join("state"))?;

    let reserved = ports::reserve_ports(scenario.port_count(), options.port).map_err(io_error("127.0.0.1"))?;
    let ports: Vec<u16> = reserved.iter().map(|(_, port)| *port).collect();
    // Not a secret: it opens nothing but this demo, on loopback. It lies in a file as a real one would.
    let password = "embedded";
    let settings = FleetSettings { data: &data, ports: &ports, speed: options.speed, password, now: clock::now() };
    let model = Arc::new(SharedFleet::new(scenario.build_fleet(&options.scenario, &settings)?));
    write_private(&dir.join(PASSWORD), password)?;
    write_private(&dir.join(CONFIG), &inventory::inventory_text(&scenario, &dir, &ports)?)?;

    let door = UnixListener::bind(&socket).map_err(io_error(socket.display()))?;
    let stop = watch::Sender::new(false);
    let mut tasks = JoinSet::new();
    tasks.spawn(control::serve(Arc::clone(&model), door, stop.clone()));
    ports::open_ports(&mut tasks, &model, reserved);
    let ready = json!({"ready": options.scenario, "dir": dir});
    writeln!(out, "{ready}").and_then(|()| out.flush()).map_err(io_error("stdout"))?;

    let mut stopped = stop.subscribe();
    tokio::select! {
        // The sender is ours, so there is always one.
        _notified = stopped.wait_for(|stop| *stop) => {}
        () = wait_for_eof(), if options.until_eof => {}
        () = wait_until_idle(&model) => {}
    }
    tasks.shutdown().await;
    // The lock is released last: a process that finds it free finds no stale socket.
    let _left_behind = fs::remove_file(&socket);
    drop(lock);
    Ok(())
}

/// Returns when stdin ends. A thread of its own reads it: a runtime would wait for such a read when it ends.
async fn wait_for_eof() {
    let (notify, ended) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let _ended_or_broken = io::copy(&mut io::stdin().lock(), &mut io::sink());
        notify.send(())
    });
    // The thread has ended: stdin counts as ended.
    let _notified = ended.await;
}

/// Returns when nobody has been connected for ten minutes.
async fn wait_until_idle(model: &SharedFleet) {
    let (mut counted, mut since) = (0, tokio::time::Instant::now());
    let mut changes = model.subscribe();
    loop {
        let (connected, ever) = model.read(|fleet| (!fleet.connections.is_empty(), fleet.connections_opened));
        // A connection that was opened and closed between two checks restarts the time as well.
        if connected || ever != counted {
            (counted, since) = (ever, tokio::time::Instant::now());
        }
        tokio::select! {
            _changed = changes.changed() => {}
            () = tokio::time::sleep_until(since + IDLE_TIMEOUT), if !connected => return,
        }
    }
}

/// Joins the fleet of a scenario: the one that is being served, or a new one that `program demo --serve` serves.
///
/// # Errors
/// [`ServiceError`].
pub async fn join_or_start(
    scenario: &str,
    state_root: &Path,
    program: &Path,
    speed: u32,
) -> Result<FleetDirectory, ServiceError> {
    scenario::read(scenario)?;
    let dir = std::path::absolute(fleet_dir(state_root, scenario)).map_err(io_error("state"))?;
    socket_path(&dir)?;
    if !is_served(&dir)? {
        match start_process(scenario, state_root, program, speed).await {
            // Two processes may start at once: the lock decides, and the other one joins.
            Err(error) if !is_served(&dir)? => return Err(error),
            _ => {}
        }
    }
    let answers = async {
        loop {
            if let Ok(mut control) = ControlClient::connect(&dir).await
                && control.send(&ControlRequest::Ping).await.is_ok()
            {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    match tokio::time::timeout(START_TIMEOUT, answers).await {
        Ok(()) => Ok(FleetDirectory { dir }),
        Err(_) => Err(ServiceError::NotStarted("it holds its lock but does not answer".to_owned())),
    }
}

/// Starts a serving process, and waits for its ready line. Its standard error goes to `fleet.log`.
async fn start_process(scenario: &str, state_root: &Path, program: &Path, speed: u32) -> Result<(), ServiceError> {
    let dir = fleet_dir(state_root, scenario);
    create_private_dir(&dir)?;
    let log = dir.join(LOG);
    let opened = File::options().write(true).create(true).truncate(true).mode(0o600).open(&log);
    let file = opened.map_err(io_error(log.display()))?;
    let mut command = tokio::process::Command::new(program);
    command.args(["demo", "--serve", "--scenario", scenario, "--speed"]).arg(speed.max(1).to_string());
    command.arg("--state").arg(state_root);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(file);
    // It leaves the session by itself (`serve`): as the leader of a group made here it no longer could.
    let mut child = command.spawn().map_err(io_error(program.display()))?;
    let mut line = String::new();
    let ready = async {
        match child.stdout.take() {
            Some(stdout) => BufReader::new(stdout).read_line(&mut line).await,
            None => Ok(0),
        }
    };
    match tokio::time::timeout(START_TIMEOUT, ready).await {
        Ok(Ok(_)) if serde_json::from_str(&line).is_ok_and(|ready: serde_json::Value| ready["ready"] == scenario) => {
            Ok(())
        }
        Ok(Ok(_)) => {
            let log_text = fs::read_to_string(&log).unwrap_or_default();
            let log_text = if log_text.trim().is_empty() { "it ended without a word" } else { log_text.trim() };
            Err(ServiceError::NotStarted(log_text.to_owned()))
        }
        Ok(Err(error)) => Err(ServiceError::NotStarted(error.to_string())),
        Err(_) => Err(ServiceError::NotStarted("no ready line within 15 seconds".to_owned())),
    }
}

/// Stops the fleet of a scenario, and waits for its end.
///
/// # Errors
/// [`ServiceError::NotServed`] and the others.
pub async fn stop(scenario: &str, state_root: &Path) -> Result<(), ServiceError> {
    let dir = fleet_dir(state_root, scenario);
    if !is_served(&dir)? {
        return Err(ServiceError::NotServed(scenario.to_owned()));
    }
    ControlClient::connect(&dir).await?.send(&ControlRequest::Stop).await?;
    let deadline = tokio::time::Instant::now() + START_TIMEOUT;
    while is_served(&dir)? {
        if tokio::time::Instant::now() >= deadline {
            return Err(ServiceError::NotStopped(scenario.to_owned()));
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

/// Stops the fleet if it is being served, and removes its directory.
///
/// # Errors
/// [`ServiceError`].
pub async fn reset(scenario: &str, state_root: &Path) -> Result<(), ServiceError> {
    scenario::read(scenario)?;
    match stop(scenario, state_root).await {
        Ok(()) | Err(ServiceError::NotServed(_)) => {}
        Err(error) => return Err(error),
    }
    let dir = fleet_dir(state_root, scenario);
    match fs::remove_dir_all(&dir) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(io_error(dir.display())(error)),
        _ => Ok(()),
    }
}

/// Removes every fixable fault of the fleet; returns their names.
///
/// # Errors
/// [`ServiceError::NotServed`] and the others.
pub async fn remove_faults(scenario: &str, state_root: &Path) -> Result<Vec<String>, ServiceError> {
    let dir = fleet_dir(state_root, scenario);
    if !is_served(&dir)? {
        return Err(ServiceError::NotServed(scenario.to_owned()));
    }
    let removed = ControlClient::connect(&dir).await?.send(&ControlRequest::RemoveFaults { name: None }).await?;
    Ok(serde_json::from_value(removed).unwrap_or_default())
}

pub use scenario::list;
