//! A command that runs while the test looks, and waits with one deadline that print the last state.

use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::{Fleet, Ran};

/// Patience for what takes a few seconds at most.
pub const DEADLINE: Duration = Duration::from_mins(1);

/// Asks again and again until there is an answer; at the deadline it fails with the last state.
#[track_caller]
pub fn until<T>(what: &str, mut question: impl FnMut() -> Result<T, String>) -> T {
    let end = Instant::now() + DEADLINE;
    loop {
        match question() {
            Ok(answer) => return answer,
            Err(state) => assert!(Instant::now() < end, "waited {DEADLINE:?} for {what}; last state:\n{state}"),
        }
        std::thread::sleep(Duration::from_millis(3));
    }
}

/// A command that runs.
pub struct Running {
    args: Vec<String>,
    child: Option<Child>,
    out: Option<JoinHandle<String>>,
    err: Option<JoinHandle<String>>,
}

impl Running {
    pub fn start(fleet: &Fleet, args: &[&str]) -> Self {
        Self::of(fleet.command(args), args)
    }

    /// The same of any command, with the words it is called by in what a test says.
    pub fn of(mut command: Command, args: &[&str]) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (out, err) = (drain(child.stdout.take().unwrap()), drain(child.stderr.take().unwrap()));
        let args = args.iter().map(|arg| (*arg).to_owned()).collect();
        Self { args, child: Some(child), out: Some(out), err: Some(err) }
    }

    pub fn pid(&self) -> u32 {
        self.child.as_ref().unwrap().id()
    }

    /// The exit code, once it ended.
    pub fn ended(&mut self) -> bool {
        self.child.as_mut().unwrap().try_wait().unwrap().is_some()
    }

    /// Waits for its end.
    #[track_caller]
    pub fn end(mut self) -> Ran {
        let mut child = self.child.take().unwrap();
        let args = self.args.clone();
        let status = until(&format!("the end of {args:?}"), || match child.try_wait().unwrap() {
            Some(status) => Ok(status),
            None => Err(format!("{args:?} runs as {}", child.id())),
        });
        Ran {
            args,
            out: self.out.take().unwrap().join().unwrap(),
            err: self.err.take().unwrap().join().unwrap(),
            code: status.code().unwrap_or(-1),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn drain(mut from: impl Read + Send + 'static) -> JoinHandle<String> {
    std::thread::spawn(move || {
        let mut text = String::new();
        let _ = from.read_to_string(&mut text);
        text
    })
}
