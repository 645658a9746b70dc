//! Runs a script on every server with the system's ssh: its agent, known hosts and configuration; nothing is ever prompted for.

use std::ffi::OsString;
use std::time::Duration;

use tokio::process::Command;
use tokio::task::JoinSet;

use crate::child::{self, Bounds, ChildError};
use crate::domain::storage_check::ServerReply;

/// Servers that are contacted at once.
const MAX_PARALLEL: usize = 16;

/// The most output of a server, in bytes; a script prints a dozen lines.
const MAX_OUTPUT_BYTES: u64 = 64 << 10;

/// Time limit of a connection, in seconds, as an ssh option.
const CONNECT_TIMEOUT: &str = "ConnectTimeout=5";

/// The servers to contact, and the user to log in as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SshServers {
    /// The user to log in as.
    pub user: String,
    /// The hosts of the cluster's servers.
    pub hosts: Vec<String>,
}

/// Runs a script on every server, each within the time limit; the results come in the order of the hosts.
pub async fn ask(
    servers: &SshServers,
    script: &str,
    limit: Duration,
    environment: &[(&'static str, OsString)],
) -> Vec<ServerReply> {
    let mut said = Vec::new();
    for hosts in servers.hosts.chunks(MAX_PARALLEL) {
        let mut asked = JoinSet::new();
        for (place, host) in hosts.iter().enumerate() {
            let (user, host) = (servers.user.clone(), host.clone());
            let (script, environment) = (script.to_owned(), environment.to_vec());
            asked.spawn(async move {
                let said = run_on_server(&user, &host, &script, &environment, limit).await;
                (place, ServerReply { server: host, said })
            });
        }
        // Dropping this kills every ssh that still runs.
        let mut answers = asked.join_all().await;
        answers.sort_by_key(|(place, _)| *place);
        said.extend(answers.into_iter().map(|(_, says)| says));
    }
    said
}

async fn run_on_server(
    user: &str,
    host: &str,
    script: &str,
    environment: &[(&'static str, OsString)],
    within: Duration,
) -> Result<String, String> {
    let mut command = Command::new("ssh");
    command
        .args(["-o", "BatchMode=yes", "-o", CONNECT_TIMEOUT, "-T", "-l", user, "--", host, "sh", "-s"])
        .env_clear()
        .envs(environment.iter().map(|(name, value)| (name, value)));
    let said = match child::ask(command, script.as_bytes(), Bounds { within, most: MAX_OUTPUT_BYTES }).await {
        Ok(said) => said,
        Err(ChildError::NotStarted(error)) => return Err(format!("ssh cannot be started: {error}")),
        Err(ChildError::Io(error)) => return Err(format!("ssh was lost: {error}")),
        Err(ChildError::TimedOut(limit)) => return Err(format!("no answer within {} s", limit.as_secs_f32())),
    };
    if said.is_cut {
        return Err(format!("it said more than {MAX_OUTPUT_BYTES} bytes"));
    }
    if said.status.success() {
        return Ok(said.out);
    }
    let last = said.errors.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it ended without a word");
    Err(last.trim().to_owned())
}
