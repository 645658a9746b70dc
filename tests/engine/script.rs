//! Shell scripts in the place of programs.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

/// Makes an executable script of these lines. Another process writes it: a child that any thread of this one starts has what is
/// open here until it executes something, and a file that somebody has open for writing cannot be executed (ETXTBSY).
pub fn script(path: &Path, lines: &str) {
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", "cat >\"$1\" && chmod 755 \"$1\"", "sh"]).arg(path);
    let mut writing = shell.stdin(Stdio::piped()).spawn().unwrap();
    writing.stdin.take().unwrap().write_all(format!("#!/bin/sh\n{lines}\n").as_bytes()).unwrap();
    assert!(writing.wait().unwrap().success());
}
