//! Fixtures for a running command, and waits with a deadline that print the last state.

use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::{CommandResult, DemoFleet};

/// The time limit for what takes a few seconds at most.
pub const DEADLINE: Duration = Duration::from_mins(1);

/// Repeats a question until it has an answer; at the deadline it fails with the last state.
#[track_caller]
pub fn until<T>(what: &str, question: impl FnMut() -> Result<T, String>) -> T {
    until_within(DEADLINE, what, question)
}

/// Repeats a question until it has an answer, with another time limit.
#[track_caller]
pub fn until_within<T>(timeout: Duration, what: &str, mut question: impl FnMut() -> Result<T, String>) -> T {
    let end = Instant::now() + timeout;
    loop {
        match question() {
            Ok(answer) => return answer,
            Err(state) => assert!(Instant::now() < end, "waited {timeout:?} for {what}; last state:\n{state}"),
        }
        std::thread::sleep(Duration::from_millis(3));
    }
}

/// A command that runs.
pub struct RunningCommand {
    args: Vec<String>,
    child: Option<Child>,
    out: Option<JoinHandle<()>>,
    err: Option<JoinHandle<()>>,
    /// Standard output and standard error so far.
    captured: [Arc<Mutex<Vec<u8>>>; 2],
}

impl RunningCommand {
    pub fn start(fleet: &DemoFleet, args: &[&str]) -> Self {
        Self::of(fleet.command(args), args)
    }

    /// Starts any command; `args` describe it in failures.
    pub fn of(mut command: Command, args: &[&str]) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let captured = [Arc::default(), Arc::default()];
        let out = drain(child.stdout.take().unwrap(), &captured[0]);
        let err = drain(child.stderr.take().unwrap(), &captured[1]);
        let args = args.iter().map(|arg| (*arg).to_owned()).collect();
        Self { args, child: Some(child), out: Some(out), err: Some(err), captured }
    }

    pub fn pid(&self) -> u32 {
        self.child.as_ref().unwrap().id()
    }

    /// Returns whether the command has ended.
    pub fn ended(&mut self) -> bool {
        self.child.as_mut().unwrap().try_wait().unwrap().is_some()
    }

    /// Waits for this text on standard error.
    #[track_caller]
    pub fn wait_for_stderr(&self, text: &str) {
        self.writes(1, text);
    }

    /// Waits for this text on standard output.
    #[track_caller]
    pub fn wait_for_stdout(&self, text: &str) {
        self.writes(0, text);
    }

    #[track_caller]
    fn writes(&self, stream: usize, text: &str) {
        until(&format!("{text:?} on standard {}", ["output", "error"][stream]), || {
            let captured = self.text(stream);
            if captured.contains(text) { Ok(()) } else { Err(captured) }
        });
    }

    fn text(&self, of: usize) -> String {
        String::from_utf8_lossy(&self.captured[of].lock().unwrap()).into_owned()
    }

    /// Waits for the end of the command; returns its result.
    #[track_caller]
    pub fn end(self) -> CommandResult {
        self.wait_within(DEADLINE)
    }

    /// Waits for the end of the command, with another time limit.
    #[track_caller]
    pub fn wait_within(mut self, timeout: Duration) -> CommandResult {
        let mut child = self.child.take().unwrap();
        let args = self.args.clone();
        let status = until_within(timeout, &format!("the end of {args:?}"), || match child.try_wait().unwrap() {
            Some(status) => Ok(status),
            None => Err(format!("{args:?} runs as {}", child.id())),
        });
        self.out.take().unwrap().join().unwrap();
        self.err.take().unwrap().join().unwrap();
        CommandResult { args, out: self.text(0), err: self.text(1), code: status.code().unwrap_or(-1) }
    }
}

impl Drop for RunningCommand {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn drain(mut from: impl Read + Send + 'static, into: &Arc<Mutex<Vec<u8>>>) -> JoinHandle<()> {
    let into = Arc::clone(into);
    std::thread::spawn(move || {
        let mut bytes = [0; 16 * 1024];
        while let Ok(length @ 1..) = from.read(&mut bytes) {
            into.lock().unwrap().extend_from_slice(&bytes[..length]);
        }
    })
}
