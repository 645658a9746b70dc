//! Launches the runner of a task: a process of its own that outlives the front end.
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
use crate::domain::task::{Event, Prepared};
use crate::journal::reader;
use crate::journal::tasks::TaskId;

/// How long a runner may take to say that it has started.
const START_TIMEOUT: Duration = Duration::from_secs(10);

/// The variables a runner is given; everything else of the environment stays behind.
const INHERITED_VARIABLES: [&str; 9] =
    ["PATH", "HOME", "USER", "LOGNAME", "SUDO_USER", "TZ", "LANG", "LC_ALL", "TMPDIR"];

/// The request to launch a runner.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LaunchRequest {
    /// A task that was just confirmed.
    #[serde(rename = "new")]
    Start {
        /// What was confirmed.
        prepared: Box<Prepared>,
        /// How the target is reached.
        connection: Box<Connection>,
        /// Who confirmed it.
        by: String,
    },
    /// A task whose journal is there.
    #[serde(rename = "go_on")]
    Resume,
    /// The same, and the major compaction that its backup may need comes first: it was asked for by itself (`m`,
    /// `retry --compact`), with its scope named.
    #[serde(rename = "compact_first")]
    ResumeWithCompaction,
}

/// The secrets of a task; they are sent to the runner through a pipe only.
#[derive(Clone, Default)]
pub struct TaskSecrets {
    /// The login's password.
    pub login: Option<Secret>,
    /// The access key of the storage.
    pub access_key: Option<Secret>,
    /// The password that encrypts the backup.
    pub encryption: Option<Secret>,
    /// The passwords that go with a look at the storage.
    pub decryption: Vec<Secret>,
}

/// The JSON object on the runner's standard input.
#[derive(Serialize, Deserialize)]
pub(super) struct LaunchPayload {
    #[serde(rename = "order")]
    pub(super) request: LaunchRequest,
    pub(super) login: Option<Zeroizing<String>>,
    pub(super) access_key: Option<Zeroizing<String>>,
    pub(super) encryption: Option<Zeroizing<String>>,
    #[serde(default)]
    pub(super) decryption: Vec<Zeroizing<String>>,
}

/// The runner's reply.
#[derive(Debug)]
pub enum LaunchOutcome {
    /// The runner has accepted the task.
    Started,
    /// Another task holds the lock of the target; the fault names it.
    Busy(Fault),
}

/// The answer of the runner, one line: a word and, after a space, a fault as JSON.
pub(super) const STARTED: &str = "started";
/// See [`STARTED`].
pub(super) const BUSY: &str = "busy";
/// See [`STARTED`].
pub(super) const REFUSED: &str = "refused";

/// Starts the runner process of a task.
pub trait Launcher {
    /// Launches the runner of a task and waits for its reply.
    ///
    /// # Errors
    /// Nothing was started, and why.
    fn launch(
        &self,
        task: &TaskId,
        order: LaunchRequest,
        secrets: TaskSecrets,
    ) -> impl Future<Output = Result<LaunchOutcome, Fault>>;
}

/// Launches runners as detached processes.
pub struct DetachedLauncher {
    /// This program.
    pub program: PathBuf,
    /// The state directory.
    pub state: PathBuf,
    /// How long the runner may take to say that it has started.
    pub start_timeout: Duration,
}

impl DetachedLauncher {
    /// Uses this program, with this state directory.
    ///
    /// # Errors
    /// The system does not say which program this is.
    pub fn for_this_program(state: &Path) -> Result<Self, Fault> {
        let program =
            std::env::current_exe().map_err(|error| not_started(&format!("This program cannot be found: {error}.")))?;
        Ok(Self { program, state: state.to_path_buf(), start_timeout: START_TIMEOUT })
    }

    /// Returns the fault of a launch whose runner ended without a reply; the journal says whether the task was created.
    fn failed_launch(&self, task: &TaskId, new: bool, why: &str) -> Fault {
        let begun = reader::read::<Event>(&self.state, task)
            .is_ok_and(|journal| journal.entries.iter().any(|entry| matches!(entry.event, Ok(Event::Created { .. }))));
        if !begun {
            return not_started(why);
        }
        let what = if new { "was begun, and its runner is gone" } else { "was not taken up again" };
        Fault::new(
            Cause::Unknown,
            format!("Task {task} {what}."),
            why,
            format!("Go on with: obnow retry {task}. It reads the server first."),
        )
    }
}

impl Launcher for DetachedLauncher {
    async fn launch(&self, task: &TaskId, order: LaunchRequest, secrets: TaskSecrets) -> Result<LaunchOutcome, Fault> {
        let new = matches!(order, LaunchRequest::Start { .. });
        let text = |secret: Option<Secret>| secret.map(|secret| Zeroizing::new(secret.expose().to_owned()));
        let parcel = LaunchPayload {
            request: order,
            login: text(secrets.login),
            access_key: text(secrets.access_key),
            encryption: text(secrets.encryption),
            decryption: secrets.decryption.into_iter().filter_map(|secret| text(Some(secret))).collect(),
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
            .envs(inherited_environment())
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
        let why = match tokio::time::timeout(self.start_timeout, exchange).await {
            Err(_) => format!("The runner did not say within {} s that it has started.", self.start_timeout.as_secs()),
            Ok(Err(error)) => format!("The runner cannot be talked to: {error}."),
            Ok(Ok(line)) => match parse_reply(line.trim()) {
                // It refuses before it has begun anything: what runs already is an earlier attempt's.
                Some(Err(fault)) => {
                    let so = if new { "Nothing was started." } else { "This attempt has started nothing." };
                    let why = format!("{} {so}", fault.why);
                    return Err(Fault { why, ..fault });
                }
                Some(said) => return said,
                None => "The runner ended before it had said anything.".to_owned(),
            },
        };
        // It must not begin after it was called not started.
        let _ = child.kill().await;
        Err(self.failed_launch(task, new, &why))
    }
}

/// Parses the runner's reply; `Lost` if it is not one.
fn parse_reply(line: &str) -> Option<Result<LaunchOutcome, Fault>> {
    let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
    let fault = || serde_json::from_str::<Fault>(rest).unwrap_or_else(|_| not_started("The runner does not say why."));
    match word {
        STARTED => Some(Ok(LaunchOutcome::Started)),
        BUSY => Some(Ok(LaunchOutcome::Busy(fault()))),
        REFUSED => Some(Err(fault())),
        _ => None,
    }
}

#[allow(clippy::disallowed_methods, reason = "the allow-list of what a runner inherits")]
pub(super) fn inherited_environment() -> impl Iterator<Item = (&'static str, std::ffi::OsString)> {
    INHERITED_VARIABLES.into_iter().filter_map(|name| std::env::var_os(name).map(|value| (name, value)))
}

fn not_started(why: &str) -> Fault {
    Fault::new(
        Cause::Internal,
        "The backup was not started.",
        why,
        "Look with: obnow tasks. A task that is not listed there was never begun.",
    )
}
