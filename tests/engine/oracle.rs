//! What the grammar of OceanBase V4.3.5 says of a statement: a real parser, not our opinion.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::{PARSER, installed};

/// It ran.
pub const RAN: u32 = 0;
/// A syntax error.
pub const WRONG: u32 = 1064;

/// The code of each statement, in order: 0 ran; 5160, 1235, 1210 parsed and then refused; 1064 is a syntax error.
/// `None`, loudly, where the parser is not installed.
pub fn oracle<S: AsRef<str>>(statements: &[S]) -> Option<Vec<u32>> {
    let place = installed(PARSER)?;
    let folder = TempDir::new().unwrap();
    let mut child = Command::new(place.join("bin/python"))
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/engine/parse.py"))
        .arg(folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
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
    let codes: Vec<u32> = answers.lines().map(|line| serde_json::from_str(&line.unwrap()).unwrap()).collect();
    asking.join().unwrap();
    assert!(child.wait().unwrap().success(), "the parser ended badly after {} answers", codes.len());
    assert_eq!(codes.len(), statements.len(), "one answer a statement");
    Some(codes)
}

/// True when the grammar accepts it, whatever the server then says.
pub fn parsed(code: u32) -> bool {
    code != WRONG
}
