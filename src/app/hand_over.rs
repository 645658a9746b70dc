//! The hand-over of a task from a face to its runner: a process of its own that outlives the face.
//!
//! The face writes one JSON object to the runner's standard input and waits for one line on its standard output. Only
//! after the runner has taken the locks and written `created` does it say `started`: no such line, nothing started.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::Command;
use zeroize::Zeroizing;

use crate::domain::connection::Connection;
use crate::domain::fault::{Cause, Fault};
use crate::domain::secret::Secret;
use crate::domain::task::Prepared;
use crate::journal::tasks::TaskId;

/// How long a runner may take to say that it has started.
const PATIENCE: Duration = Duration::from_secs(10);

/// The variables a runner is given; everything else of the environment stays behind.
const ENVIRONMENT: [&str; 9] = ["PATH", "HOME", "USER", "LOGNAME", "SUDO_USER", "TZ", "LANG", "LC_ALL", "TMPDIR"];

/// A new task, or one that goes on.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// A task that was just confirmed.
    New {
        /// What was confirmed.
        prepared: Box<Prepared>,
        /// How the target is reached.
        connection: Box<Connection>,
        /// Who confirmed it.
        by: String,
    },
    /// A task whose journal is there.
    GoOn,
}

/// The secrets of a task as they go through the pipe, and nowhere else.
#[derive(Default)]
pub struct Purse {
    /// The login's password.
    pub login: Option<Secret>,
    /// The access key of the storage.
    pub access_key: Option<Secret>,
    /// The password that encrypts the backup.
    pub encryption: Option<Secret>,
}

/// The one object on the runner's standard input.
#[derive(Serialize, Deserialize)]
pub(super) struct Parcel {
    pub(super) order: Order,
    pub(super) login: Option<Zeroizing<String>>,
    pub(super) access_key: Option<Zeroizing<String>>,
    pub(super) encryption: Option<Zeroizing<String>>,
}

/// What the runner said.
#[derive(Debug)]
pub enum Started {
    /// It has the task.
    Yes,
    /// The target is taken by another task, and whose it is.
    Busy(Fault),
}

/// The answer of the runner, one line: a word and, after a space, a fault as JSON.
pub(super) const STARTED: &str = "started";
/// See [`STARTED`].
pub(super) const BUSY: &str = "busy";
/// See [`STARTED`].
pub(super) const REFUSED: &str = "refused";

/// Whoever gets a task run.
pub trait Launcher {
    /// Hands a task over and waits until it is somebody else's.
    ///
    /// # Errors
    /// Nothing was started, and why.
    fn launch(&self, task: &TaskId, order: Order, purse: Purse) -> impl Future<Output = Result<Started, Fault>>;
}

/// Runs a task in a process of its own.
pub struct Detached {
    /// This program.
    pub program: PathBuf,
    /// The state directory.
    pub state: PathBuf,
}

impl Detached {
    /// By this very program, on this state.
    ///
    /// # Errors
    /// The system does not say which program this is.
    pub fn here(state: &Path) -> Result<Self, Fault> {
        let program =
            std::env::current_exe().map_err(|error| not_started(&format!("This program cannot be found: {error}.")))?;
        Ok(Self { program, state: state.to_path_buf() })
    }
}

impl Launcher for Detached {
    async fn launch(&self, task: &TaskId, order: Order, purse: Purse) -> Result<Started, Fault> {
        let text = |secret: Option<Secret>| secret.map(|secret| Zeroizing::new(secret.expose().to_owned()));
        let parcel = Parcel {
            order,
            login: text(purse.login),
            access_key: text(purse.access_key),
            encryption: text(purse.encryption),
        };
        let parcel = serde_json::to_vec(&parcel)
            .map_err(|error| not_started(&format!("The task cannot be written: {error}.")))?;
        let parcel = Zeroizing::new(parcel);
        let mut command = Command::new(&self.program);
        command
            .arg("run-task")
            .arg(task.as_str())
            .arg("--state")
            .arg(&self.state)
            .env_clear()
            .envs(environment())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .current_dir("/");
        // Not a process group of its own: who leads one cannot leave the session, which the runner does first of all.
        let mut child = command.spawn().map_err(|error| not_started(&format!("The system says: {error}.")))?;
        let (Some(mut input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(not_started("The system gave no pipes."));
        };
        let exchange = async {
            input.write_all(&parcel).await?;
            input.shutdown().await?;
            drop(input);
            let mut line = String::new();
            BufReader::new(output.take(1 << 20)).read_line(&mut line).await?;
            Ok::<String, std::io::Error>(line)
        };
        match tokio::time::timeout(PATIENCE, exchange).await {
            Err(_) => Err(not_started(&format!(
                "The runner did not say within {} s that it has started.",
                PATIENCE.as_secs()
            ))),
            Ok(Err(error)) => Err(not_started(&format!("The runner cannot be talked to: {error}."))),
            Ok(Ok(line)) => answer(line.trim()),
        }
    }
}

fn answer(line: &str) -> Result<Started, Fault> {
    let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
    let fault = || serde_json::from_str::<Fault>(rest).unwrap_or_else(|_| not_started("The runner does not say why."));
    match word {
        STARTED => Ok(Started::Yes),
        BUSY => Ok(Started::Busy(fault())),
        REFUSED => Err(fault()),
        _ => Err(not_started("The runner ended before it had said anything.")),
    }
}

#[allow(clippy::disallowed_methods, reason = "the allow-list of what a runner inherits")]
fn environment() -> impl Iterator<Item = (&'static str, std::ffi::OsString)> {
    ENVIRONMENT.into_iter().filter_map(|name| std::env::var_os(name).map(|value| (name, value)))
}

fn not_started(why: &str) -> Fault {
    Fault::new(
        Cause::Internal,
        "The backup was not started.",
        why,
        "Look with: obnow tasks. A task that is not listed there was never begun.",
    )
}
