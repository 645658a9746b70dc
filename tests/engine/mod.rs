//! Real engines for tests: a server to dump and restore, the parser of OceanBase V4.3.5, and the grammar of all its releases.
//! `tests/run` installs them.
#![allow(
    dead_code,
    clippy::panic,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    clippy::disallowed_methods
)]

pub mod odc_grammar;
pub mod parser;
pub mod port;
pub mod sample_data;
pub mod script;
pub mod seekdb;
pub mod sql;

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::de::DeserializeOwned;

/// The release that serves as a server.
pub const SERVER: &str = "1.4.0.post1";
/// The release that carries the grammar of OceanBase V4.3.5.
pub const PARSER: &str = "1.2.0";

/// Where `tests/run` put a release, or `None` with a loud word; on CI a missing engine is a failure.
pub fn installed(release: &str) -> Option<PathBuf> {
    let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/engines").join(release);
    if place.join("stamp").is_file() {
        return Some(place);
    }
    not_installed(&format!("{release} is not in target/engines; tests/run installs it"))
}

/// A program on PATH, or `None` with a loud word.
pub fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
        .or_else(|| not_installed(&format!("{name} is not on PATH; tests/run installs it")))
}

/// What a parser, which is a program of its own, says of each statement, in order: one line of JSON asks, one answers.
pub fn asked<T: DeserializeOwned, S: AsRef<str>>(parser: &mut Command, statements: &[S]) -> Vec<T> {
    let mut child = parser.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut questions = child.stdin.take().unwrap();
    let answers = BufReader::new(child.stdout.take().unwrap());
    let lines: Vec<String> = statements.iter().map(|s| serde_json::to_string(s.as_ref()).unwrap()).collect();
    let asking = std::thread::spawn(move || {
        for line in lines {
            writeln!(questions, "{line}").unwrap();
        }
    });
    let found: Vec<T> = answers.lines().map(|line| serde_json::from_str(&line.unwrap()).unwrap()).collect();
    asking.join().unwrap();
    assert!(child.wait().unwrap().success(), "the parser ended badly after {} answers", found.len());
    assert_eq!(found.len(), statements.len(), "one answer a statement");
    found
}

pub fn not_installed<T>(what: &str) -> Option<T> {
    assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "{what}, and CI=true");
    eprintln!("SKIPPED, a real engine is missing: {what}");
    None
}

/// The folder of the Python package inside an installed release.
fn package(place: &Path) -> PathBuf {
    let versions = std::fs::read_dir(place.join("lib")).expect("an environment has lib/");
    versions
        .filter_map(Result::ok)
        .map(|entry| entry.path().join("site-packages/pylibseekdb"))
        .find(|folder| folder.is_dir())
        .expect("the environment holds pylibseekdb")
}
