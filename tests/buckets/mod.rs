//! Object storages for tests: two third-party S3 servers, Azure's own emulator, and a scripted server for other responses.
//! `tests/run` installs those that are not crates.
#![allow(
    dead_code,
    clippy::panic,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    clippy::disallowed_methods
)]

pub mod authority;
pub mod azurite;
pub mod moto;
pub mod s3s_fs;
pub mod scripted_storage;

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A server that ends with the test.
pub struct Server {
    child: Child,
    /// Where it listens.
    pub port: u16,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    /// Starts it and waits until it says its address, which ends with the port.
    fn start(mut command: Command) -> Self {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (said, port) = std::sync::mpsc::channel();
        let listen = |pipe: Box<dyn Read + Send>| {
            let said = said.clone();
            std::thread::spawn(move || {
                for line in BufReader::new(pipe).lines().map_while(Result::ok) {
                    let with_tls = line.split_once("http://127.0.0.1:").map(|(_, with_tls)| with_tls);
                    let digits: Option<String> =
                        with_tls.map(|with_tls| with_tls.chars().take_while(char::is_ascii_digit).collect());
                    if let Some(port) = digits.and_then(|digits| digits.parse().ok()) {
                        let _ = said.send(Ok(port));
                    }
                }
                let _ = said.send(Err(()));
            });
        };
        listen(Box::new(child.stdout.take().unwrap()));
        listen(Box::new(child.stderr.take().unwrap()));
        drop(said);
        let mut ended = 0;
        loop {
            match port.recv_timeout(std::time::Duration::from_mins(1)).expect("a server says its address") {
                Ok(port) => return Self { child, port },
                Err(()) => ended += 1,
            }
            assert!(ended < 2, "the server ended: {command:?}");
        }
    }
}

/// A place below target/engines that `tests/run` made, or `None` with a loud word; on CI a missing one is a failure.
fn installed(name: &str) -> Option<PathBuf> {
    let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/engines").join(name);
    if place.join("stamp").is_file() {
        return Some(place);
    }
    not_installed(&format!("{name} is not in target/engines; tests/run installs it"))
}

/// Prints a skip message, which is a failure on CI; returns `None`.
pub fn not_installed<T>(what: &str) -> Option<T> {
    assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "{what}, and CI=true");
    eprintln!("SKIPPED, a real server is missing: {what}");
    None
}
