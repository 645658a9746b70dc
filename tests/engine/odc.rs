//! OceanBase's own grammar of its MySQL mode, of all releases in one, as its Developer Center carries it: a second real parser.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};

use super::{installed, program};

/// What `tests/run` installs.
pub const RELEASE: &str = "ob-parser-js-3.3.0";

/// Whether the grammar takes each statement, in order. It is looser than any one server: it proves the syntax, not that a
/// release has it. `None`, loudly, where it is not installed.
pub fn parses<S: AsRef<str>>(statements: &[S]) -> Option<Vec<bool>> {
    let place = installed(RELEASE)?;
    let mut child = Command::new(program("node")?)
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/engine/parse.js"))
        .arg(place)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut questions = child.stdin.take().unwrap();
    let answers = BufReader::new(child.stdout.take().unwrap());
    let lines: Vec<String> = statements.iter().map(|s| serde_json::to_string(s.as_ref()).unwrap()).collect();
    let asking = std::thread::spawn(move || {
        for line in lines {
            writeln!(questions, "{line}").unwrap();
        }
    });
    let found: Vec<bool> = answers.lines().map(|line| serde_json::from_str(&line.unwrap()).unwrap()).collect();
    asking.join().unwrap();
    assert!(child.wait().unwrap().success(), "the parser ended badly after {} answers", found.len());
    assert_eq!(found.len(), statements.len(), "one answer a statement");
    Some(found)
}
