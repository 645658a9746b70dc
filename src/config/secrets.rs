//! Reads a secret from its source. Nothing here repeats what was read, neither in an error nor in a log.

use std::io::{BufRead, IsTerminal, Read};
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt};
use zeroize::{Zeroize, Zeroizing};

use super::private_file;
use crate::domain::fault::{Cause, Fault};
use crate::domain::secret::{Secret, SecretSource};

/// The limit for a command and for standard input.
pub const DEADLINE: Duration = Duration::from_secs(30);

/// The longest secret, in bytes: a longer first line means that the wrong file is named.
const LONGEST: usize = 64 << 10;

/// The secret that is asked for, by its name in messages, and the flag that names its source.
#[derive(Debug, Clone, Copy)]
pub struct SecretRequest<'a> {
    /// The name of the secret: `the password of root@sys on prod-hz`.
    pub what: &'a str,
    /// The flag that names its source.
    pub flag: SecretFlag,
}

/// The flags that name the source of a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecretFlag {
    /// The password of a login, which may have none.
    PasswordFrom,
    /// The access key of an object storage.
    AccessKeyFrom,
    /// The password that encrypts a backup.
    EncryptFrom,
    /// The passwords of sets that are encrypted already.
    DecryptFrom,
}

impl SecretFlag {
    /// Returns the flag as it is written.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::PasswordFrom => "--password-from",
            Self::AccessKeyFrom => "--access-key-from",
            Self::EncryptFrom => "--encrypt-from",
            Self::DecryptFrom => "--decrypt-from",
        }
    }

    /// Returns the values that the flag accepts.
    fn sources(self) -> &'static str {
        match self {
            Self::PasswordFrom => "env:NAME, file:PATH or stdin, or none if there is no password",
            Self::AccessKeyFrom | Self::EncryptFrom | Self::DecryptFrom => "env:NAME, file:PATH or stdin",
        }
    }

    /// Returns the advice where a source was empty. Only a login can have no secret, and the user states that explicitly.
    fn where_empty(self, next: &str) -> String {
        match self {
            Self::PasswordFrom => format!(
                "{next} A login that has no password is said by password: none in the inventory, or --password-from none."
            ),
            Self::AccessKeyFrom | Self::EncryptFrom | Self::DecryptFrom => next.to_owned(),
        }
    }
}

/// Resolves sources with what this process has: a terminal or none.
#[derive(Debug, Clone)]
pub struct Resolver {
    terminal: bool,
    deadline: Duration,
}

impl Resolver {
    /// Returns a resolver for this process: it prompts only where both standard input and standard error are a terminal.
    #[must_use]
    pub fn here() -> Self {
        Self { terminal: std::io::stdin().is_terminal() && std::io::stderr().is_terminal(), deadline: DEADLINE }
    }

    /// Returns a resolver that never prompts, for the runner and for a screen that has a field of its own.
    #[must_use]
    pub fn silent() -> Self {
        Self { terminal: false, deadline: DEADLINE }
    }

    /// Sets another limit for a command and for standard input.
    #[must_use]
    pub fn within(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Reads the secret from its source: the complete environment variable, the input of the prompt, or the first line of a
    /// file, of a command's output or of standard input, without the line's end. A login without a password gives an empty
    /// secret.
    ///
    /// # Errors
    /// There is no such source, it is empty (only a prompt may be left empty), others may read the file, the command fails or
    /// takes too long, or there is no terminal. The fault never holds what was read.
    pub async fn resolve(&self, source: &SecretSource, asking: SecretRequest<'_>) -> Result<Secret, Fault> {
        match source {
            SecretSource::Env(name) => from_env(name, asking),
            SecretSource::File(path) => from_file(path, asking),
            SecretSource::Command(command) => self.by_command(command, asking).await,
            SecretSource::Stdin => self.by_stdin(asking).await,
            SecretSource::Prompt => self.by_prompt(asking).await,
            SecretSource::NoPassword => Ok(Secret::new(String::new())),
        }
    }

    async fn by_command(&self, command: &str, asking: SecretRequest<'_>) -> Result<Secret, Fault> {
        let spawned = tokio::process::Command::new("sh")
            .arg("-c")
            .arg(command)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            // The error messages of a password tool may hold the password.
            .stderr(Stdio::null())
            .process_group(0)
            .kill_on_drop(true)
            .spawn();
        let mut child = spawned.map_err(|error| {
            failed(asking, format!("The command for it did not start: {error}."), "Check that sh is on PATH.")
        })?;
        let group = Group(child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw));
        let Some(mut out) = child.stdout.take() else {
            return Err(failed(asking, "The command for it has no output.".into(), "Try again."));
        };
        let run = async {
            let line = first_line(&mut out).await?;
            // Read on, because a command that prints more would die of the closed pipe; but stop when the command ends, because
            // its children in the background may hold the pipe open for ever.
            let mut rest = Zeroizing::new([0_u8; 4096]);
            let status = loop {
                tokio::select! {
                    biased;
                    status = child.wait() => break status?,
                    read = out.read(&mut rest[..]) => if read? == 0 { break child.wait().await? },
                }
            };
            Ok::<_, std::io::Error>((line, status))
        };
        match tokio::time::timeout(self.deadline, run).await {
            Err(_) => {
                drop(group);
                let why = format!("The command for it did not end within {} s.", self.deadline.as_secs_f32());
                Err(failed(asking, why, "Run the command by hand: it may be waiting for a key or a person."))
            }
            Ok(Err(error)) => Err(failed(
                asking,
                format!("The output of the command for it could not be read: {error}."),
                "Run the command by hand.",
            )),
            Ok(Ok((line, status))) => {
                group.ended();
                if !status.success() {
                    let why = format!("The command for it failed: {}.", ended(status));
                    return Err(failed(asking, why, "Run the command by hand to see what it says."));
                }
                secret(line, "The command for it printed", asking)
            }
        }
    }

    async fn by_stdin(&self, asking: SecretRequest<'_>) -> Result<Secret, Fault> {
        let unread = |why: String| failed(asking, why, "Pipe one line into obnow for each secret it takes from stdin.");
        let read = tokio::task::spawn_blocking(|| line_of(&mut std::io::stdin().lock()));
        match tokio::time::timeout(self.deadline, read).await {
            Err(_) => Err(unread(format!("Standard input gave no line within {} s.", self.deadline.as_secs_f32()))),
            Ok(Ok(Ok(line))) => secret(line, "Standard input gave", asking),
            Ok(Ok(Err(error))) => Err(unread(format!("Standard input cannot be read: {error}."))),
            Ok(Err(error)) => Err(unread(format!("Standard input cannot be read: {error}."))),
        }
    }

    async fn by_prompt(&self, asking: SecretRequest<'_>) -> Result<Secret, Fault> {
        if !self.terminal {
            return Err(failed(asking, "There is no terminal to ask on.".into(), &by_flag(asking.flag)));
        }
        let prompt = format!("{}: ", asking.what);
        match tokio::task::spawn_blocking(move || rpassword::prompt_password(prompt)).await {
            Ok(Ok(text)) => Ok(Secret::new(text)),
            Ok(Err(error)) => {
                Err(failed(asking, format!("The terminal could not be read: {error}."), &by_flag(asking.flag)))
            }
            Err(error) => Err(failed(asking, format!("The terminal could not be read: {error}."), "Try again.")),
        }
    }
}

/// The process group of a command: it is killed unless the command has ended, also when the caller stops waiting.
struct Group(Option<Pid>);

impl Group {
    fn ended(mut self) {
        self.0 = None;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(leader) = self.0 {
            let _ = kill_process_group(leader, Signal::KILL);
        }
    }
}

#[allow(clippy::disallowed_methods, reason = "the one place where a secret comes out of the environment")]
fn from_env(name: &str, asking: SecretRequest<'_>) -> Result<Secret, Fault> {
    let next = "Export it, or name another source.";
    let readable = !name.is_empty() && !name.contains(['=', '\0']);
    match readable.then(|| std::env::var(name)) {
        None | Some(Err(std::env::VarError::NotPresent)) => {
            Err(failed(asking, format!("The environment variable {name:?} is not set."), next))
        }
        Some(Err(std::env::VarError::NotUnicode(_))) => {
            Err(failed(asking, format!("The environment variable {name} is not UTF-8."), next))
        }
        Some(Ok(text)) if text.is_empty() => {
            Err(failed(asking, format!("The environment variable {name} is empty."), &asking.flag.where_empty(next)))
        }
        Some(Ok(text)) => Ok(Secret::new(text)),
    }
}

fn from_file(path: &str, asking: SecretRequest<'_>) -> Result<Secret, Fault> {
    let called = format!("The file for {}", asking.what);
    let Some(bytes) = private_file::read(Path::new(path), &called)? else {
        return Err(failed(asking, format!("The file {path} is not there."), "Name the right file."));
    };
    let line = line_of(&mut &bytes[..])
        .map_err(|error| failed(asking, format!("The file {path} is not used: {error}."), "Name the right file."))?;
    secret(line, &format!("The file {path} begins with"), asking)
}

fn by_flag(flag: SecretFlag) -> String {
    format!("Give it by {} {}.", flag.word(), flag.sources())
}

fn failed(asking: SecretRequest<'_>, why: String, next: &str) -> Fault {
    let mut what = asking.what.to_owned();
    if let Some(first) = what.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    Fault::new(Cause::Usage, format!("{what} was not found."), why, next)
}

fn ended(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt;
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit status {code}"),
        (None, Some(signal)) => format!("ended by signal {signal}"),
        (None, None) => "it ended in no known way".into(),
    }
}

fn too_long() -> std::io::Error {
    std::io::Error::other("its first line is longer than any secret")
}

/// Reads the first line, without its newline.
async fn first_line(from: &mut (impl AsyncRead + Unpin)) -> std::io::Result<Zeroizing<Vec<u8>>> {
    // The buffer never grows: growing would leave a copy behind.
    let mut line = Zeroizing::new(Vec::with_capacity(LONGEST));
    let mut chunk = Zeroizing::new([0_u8; 4096]);
    loop {
        let read = from.read(&mut chunk[..]).await?;
        let part = chunk.get(..read).unwrap_or_default();
        let end = part.iter().position(|byte| *byte == b'\n');
        let part = part.get(..end.unwrap_or(part.len())).unwrap_or_default();
        if line.len() + part.len() > LONGEST {
            return Err(too_long());
        }
        line.extend_from_slice(part);
        if read == 0 || end.is_some() {
            return Ok(line);
        }
    }
}

/// Reads the first line, without its newline, and blocks meanwhile; what follows it stays for the next secret.
fn line_of(from: &mut impl BufRead) -> std::io::Result<Zeroizing<Vec<u8>>> {
    let mut line = Zeroizing::new(Vec::with_capacity(LONGEST + 1));
    from.take(LONGEST as u64 + 1).read_until(b'\n', &mut line)?;
    if line.last() == Some(&b'\n') {
        line.pop();
    } else if line.len() > LONGEST {
        return Err(too_long());
    }
    Ok(line)
}

fn secret(mut line: Zeroizing<Vec<u8>>, origin: &str, asking: SecretRequest<'_>) -> Result<Secret, Fault> {
    if line.last() == Some(&b'\r') {
        line.pop();
    }
    if line.is_empty() {
        let next = asking.flag.where_empty("Put the secret in its first line.");
        return Err(failed(asking, format!("{origin} an empty line."), &next));
    }
    // A copy of exactly its size, so that no later shrinking moves the secret in memory.
    match String::from_utf8(line.as_slice().to_vec()) {
        Ok(text) => Ok(Secret::new(text)),
        Err(error) => {
            error.into_bytes().zeroize();
            Err(failed(asking, format!("{origin} a line that is not UTF-8."), "Put the secret in its first line."))
        }
    }
}

#[cfg(test)]
mod tests;
