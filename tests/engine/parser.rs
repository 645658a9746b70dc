//! The real parser of OceanBase V4.3.5.

use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::{PARSER, asked, installed};

/// It ran.
pub const RAN: u32 = 0;
/// A syntax error.
pub const WRONG: u32 = 1064;

/// Returns the code of each statement, in order: 0 ran; 5160, 1235, 1210 parsed and then refused; 1064 is a syntax error.
/// `None`, loudly, where the parser is not installed.
pub fn parser_codes<S: AsRef<str>>(statements: &[S]) -> Option<Vec<u32>> {
    let place = installed(PARSER)?;
    let folder = TempDir::new().unwrap();
    let mut parser = Command::new(place.join("bin/python"));
    parser.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/engine/parse.py")).arg(folder.path()).stderr(Stdio::null());
    Some(asked(&mut parser, statements))
}

/// Returns whether the grammar accepts a statement, whatever the server then answers.
pub fn parsed(code: u32) -> bool {
    code != WRONG
}
