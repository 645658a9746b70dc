//! Runs every command of the README as it is printed there, except `tests/run`, which runs this test.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

/// The commands of the README's shell blocks, in order.
fn commands(readme: &str) -> Vec<&str> {
    let mut inside = false;
    let mut found = Vec::new();
    for line in readme.lines() {
        match line {
            "```sh" => inside = true,
            "```" => inside = false,
            line if inside && !line.is_empty() => found.push(line),
            _ => {}
        }
    }
    found
}

#[test]
fn every_command_of_the_readme_does_what_it_should() {
    let readme = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let commands = commands(&readme);
    assert!(commands.len() > 10, "{commands:#?}");
    let place = tempfile::Builder::new().prefix("ob").tempdir().unwrap();
    let program = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_obnow"));
        command.env("XDG_STATE_HOME", place.path()).env("XDG_CONFIG_HOME", place.path());
        command
    };
    // The fleets the commands join, with servers that work faster than a reader's would.
    let fleets = ["fleet", "healthy"].map(|scenario| {
        let mut serve = program();
        serve.args(["demo", "--serve", "--until-eof", "--speed", "20", "--scenario", scenario]);
        let mut fleet = serve.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut ready = String::new();
        BufReader::new(fleet.stdout.take().unwrap()).read_line(&mut ready).unwrap();
        assert!(ready.contains("ready"), "{ready}");
        fleet
    });
    let run = |text: &str| {
        // The program that this test was built with, instead of another build of it.
        let words = text.replacen("cargo run --release --", "obnow", 1);
        let mut words = words.split_whitespace();
        assert_eq!(words.next(), Some("obnow"), "{text}");
        program().args(words).stdin(Stdio::null()).output().unwrap()
    };
    let mut ran = Vec::new();
    for text in commands.into_iter().filter(|text| *text != "tests/run") {
        let output = run(text);
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{text}\n--- out\n{out}\n--- err\n{err}");
        ran.push(out.into_owned());
    }
    assert!(ran[0].contains("RESTORABLE"), "{}", ran[0]);
    for mut fleet in fleets {
        drop(fleet.stdin.take());
        assert!(fleet.wait().unwrap().success());
    }
}
