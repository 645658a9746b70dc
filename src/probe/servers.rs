//! Every server asked by the system's own ssh: its agent, its known hosts, its configuration; nothing is ever typed.

use std::ffi::OsString;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::process::Command;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::domain::diagnosis::foreign;
use crate::domain::storage_test::ServerSays;

/// Servers that are asked at once.
const AT_ONCE: usize = 16;

/// How long a connection may take, in seconds.
const CONNECT: &str = "ConnectTimeout=5";

/// Who is asked, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Servers {
    /// The user to log in as.
    pub user: String,
    /// The hosts of the cluster's servers.
    pub hosts: Vec<String>,
}

/// Runs a script on every server, each within the limit; the answers come in the order of the hosts.
pub async fn ask(
    servers: &Servers,
    script: &str,
    limit: Duration,
    environment: &[(&'static str, OsString)],
) -> Vec<ServerSays> {
    let mut said = Vec::new();
    for hosts in servers.hosts.chunks(AT_ONCE) {
        let mut asked = JoinSet::new();
        for (place, host) in hosts.iter().enumerate() {
            let (user, host) = (servers.user.clone(), host.clone());
            let (script, environment) = (script.to_owned(), environment.to_vec());
            asked.spawn(async move {
                let answer = match timeout(limit, one(&user, &host, &script, &environment)).await {
                    Ok(said) => said,
                    Err(_) => Err(format!("no answer within {} s", limit.as_secs_f32())),
                };
                (place, ServerSays { server: host, said: answer })
            });
        }
        // Whoever drops this ends every ssh that still runs.
        let mut answers = asked.join_all().await;
        answers.sort_by_key(|(place, _)| *place);
        said.extend(answers.into_iter().map(|(_, says)| says));
    }
    said
}

async fn one(user: &str, host: &str, script: &str, environment: &[(&'static str, OsString)]) -> Result<String, String> {
    let mut command = Command::new("ssh");
    command
        .args(["-o", "BatchMode=yes", "-o", CONNECT, "-T", "-l", user, "--", host, "sh", "-s"])
        .env_clear()
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    let mut child = command.spawn().map_err(|error| format!("ssh cannot be started: {error}"))?;
    if let Some(mut input) = child.stdin.take() {
        // A connection that did not come about takes no script; ssh says why.
        let _ = input.write_all(script.as_bytes()).await;
    }
    let output = child.wait_with_output().await.map_err(|error| format!("ssh was lost: {error}"))?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        return Ok(said);
    }
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    let last = words.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it ended without a word");
    Err(foreign(last.trim()))
}
