//! OceanBase's own grammar of its MySQL mode, of all releases in one, as its Developer Center carries it: a second real parser.

use std::process::Command;

use super::{asked, installed, program};

/// What `tests/run` installs.
pub const RELEASE: &str = "ob-parser-js-3.3.0";

/// Returns whether the grammar accepts each statement. It is looser than any one server: it proves the syntax, not that a
/// release has it. `None`, loudly, where it is not installed.
pub fn parses<S: AsRef<str>>(statements: &[S]) -> Option<Vec<bool>> {
    let place = installed(RELEASE)?;
    let mut parser = Command::new(program("node")?);
    parser.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/engine/parse.js")).arg(place);
    Some(asked(&mut parser, statements))
}
