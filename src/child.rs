//! Runs external programs with limits on time and output; their output is cleaned and freed of this process's secrets. A program
//! whose output is a secret is run by `config::secrets`, with limits of its own.

use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;

use crate::domain::diagnosis::foreign;

/// The limits of a program.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Time until it must have ended.
    pub within: Duration,
    /// The most bytes that are read of its standard output, and again of its standard error.
    pub most: u64,
}

/// The cleaned output of a program.
#[derive(Debug)]
pub struct ChildOutput {
    /// How it ended.
    pub status: ExitStatus,
    /// Its standard output.
    pub out: String,
    /// Its standard error.
    pub errors: String,
    /// Whether it wrote more than the limit and was killed for it.
    pub is_cut: bool,
}

/// Why a program has no output.
#[derive(Debug)]
pub enum ChildError {
    /// It does not start.
    NotStarted(std::io::Error),
    /// Its pipes or its exit status could not be read.
    Io(std::io::Error),
    /// It did not end within this limit and was killed.
    TimedOut(Duration),
}

/// Runs a program with this input and returns its output. Dropping the future kills the program.
///
/// # Errors
/// It does not start, cannot be read, or takes too long.
pub async fn ask(mut command: Command, input: &[u8], bounds: Bounds) -> Result<ChildOutput, ChildError> {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().map_err(ChildError::NotStarted)?;
    let (to, out, errors) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let told = async {
        if let Some(mut to) = to {
            // A program that does not read its input writes an error itself.
            let _ = to.write_all(input).await;
        }
    };
    let talk = async {
        let ((), out, errors) =
            futures_util::future::join3(told, read(out, bounds.most), read(errors, bounds.most)).await;
        Ok::<_, std::io::Error>((out?, errors?, child.wait().await?))
    };
    let (out, errors, status) = tokio::time::timeout(bounds.within, talk)
        .await
        .map_err(|_| ChildError::TimedOut(bounds.within))?
        .map_err(ChildError::Io)?;
    let is_cut = [&out, &errors].iter().any(|bytes| bytes.len() as u64 > bounds.most);
    let words = |mut bytes: Vec<u8>| {
        bytes.truncate(usize::try_from(bounds.most).unwrap_or(usize::MAX));
        String::from_utf8_lossy(&bytes).lines().map(foreign).collect::<Vec<_>>().join("\n")
    };
    Ok(ChildOutput { status, out: words(out), errors: words(errors), is_cut })
}

/// Reads a pipe up to one byte beyond the limit and closes it, which ends a program that continues to write.
async fn read(from: Option<impl AsyncRead + Unpin>, most: u64) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if let Some(from) = from {
        from.take(most.saturating_add(1)).read_to_end(&mut bytes).await?;
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops where its setup fails")]

    use super::*;
    use crate::domain::secret::Secret;

    const TEST_BOUNDS: Bounds = Bounds { within: Duration::from_mins(1), most: 4_096 };

    async fn run_script(script: &str, input: &[u8], bounds: Bounds) -> Result<ChildOutput, ChildError> {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]);
        ask(command, input, bounds).await
    }

    #[tokio::test]
    async fn output_is_cleaned_and_hides_secrets() {
        let _held = Secret::new("CANARYchild9".to_owned());
        let said = run_script("cat; printf 'a\\033[31mb\\n' >&2; exit 3", b"one CANARYchild9\ntwo\n", TEST_BOUNDS)
            .await
            .unwrap();
        assert_eq!((said.out.as_str(), said.errors.as_str(), said.is_cut), ("one ***\ntwo", "ab", false));
        assert_eq!(said.status.code(), Some(3));
    }

    #[tokio::test]
    async fn endless_output_is_truncated() {
        let said = run_script("yes", b"", TEST_BOUNDS).await.unwrap();
        assert!(said.is_cut && !said.status.success(), "{said:?}");
        assert_eq!(said.out.len(), 4_095, "the last line break is no line");
        let errors = run_script("yes >&2", b"", TEST_BOUNDS).await.unwrap();
        assert!(errors.is_cut && errors.out.is_empty(), "{errors:?}");
    }

    #[tokio::test]
    async fn program_times_out() {
        let bounds = Bounds { within: Duration::from_millis(50), ..TEST_BOUNDS };
        let late = run_script("exec sleep 1000", b"", bounds).await.unwrap_err();
        assert!(matches!(late, ChildError::TimedOut(limit) if limit == bounds.within), "{late:?}");
        let left = run_script("sleep 1000 & echo done", b"", bounds).await.unwrap_err();
        assert!(matches!(left, ChildError::TimedOut(_)), "what it left holds the pipe: {left:?}");
        let absent = ask(Command::new("/nowhere/program"), b"", TEST_BOUNDS).await.unwrap_err();
        assert!(matches!(absent, ChildError::NotStarted(_)), "{absent:?}");
    }
}
