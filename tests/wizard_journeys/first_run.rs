//! Tests the first run without an inventory: the connection form is tested, saved, and used.

use std::os::unix::fs::PermissionsExt;

use crate::fleet::DemoFleet;
use crate::pty::{self, DEFAULT_SIZE, ENTER, TAB, Terminal};

#[test]
fn the_first_connection_is_tried_saved_and_used() {
    let fleet = DemoFleet::serve("healthy");
    let known = std::fs::read_to_string(fleet.config()).unwrap();
    let endpoint = known.split('"').find(|word| word.starts_with("127.0.0.1:")).map(str::to_owned);
    let endpoint = endpoint.or_else(|| {
        let at = known.find("127.0.0.1:")?;
        known.get(at..).map(|rest| rest.chars().take_while(|c| c.is_ascii_digit() || ".:".contains(*c)).collect())
    });
    let endpoint = endpoint.unwrap_or_else(|| panic!("no endpoint in\n{known}"));
    let place = tempfile::Builder::new().prefix("ob").tempdir().unwrap();
    let config = place.path().join("config.yaml");
    let state = place.path().join("state");
    let words = ["--config", config.to_str().unwrap(), "--state", state.to_str().unwrap()];
    let mut terminal = Terminal::start(pty::command(pty::OBNOW, &words), DEFAULT_SIZE);
    terminal.shows("[Connection]");
    terminal.keys(&format!("first{TAB}{endpoint}{TAB}{TAB}wrong{TAB}{TAB}"));
    terminal.focuses("Connect and save");
    terminal.keys(ENTER);
    terminal.shows("cannot log in");
    assert!(!config.exists(), "what does not work is not saved");
    // The password of the embedded fleet is the one thing that was wrong.
    terminal.keys("\x1b[Z\x1b[Z");
    terminal.keys("\x15");
    terminal.keys(&password(&known));
    terminal.keys(&format!("{TAB}{TAB}"));
    terminal.focuses("Connect and save");
    terminal.keys(ENTER);
    terminal.shows("[1 Target]");
    terminal.until("its tenants", |screen| screen.contents().contains("pay") && screen.contents().contains("normal"));
    let saved = std::fs::read_to_string(&config).unwrap();
    assert!(saved.contains("first") && saved.contains(&endpoint), "{saved}");
    assert!(!saved.contains(&password(&known)), "the password is not in it: {saved}");
    assert_eq!(std::fs::metadata(&config).unwrap().permissions().mode() & 0o077, 0, "nobody else reads it");
    terminal.keys("q");
    assert_eq!(terminal.exit(), 130);
}

/// The password that the fleet's inventory leads to.
fn password(known: &str) -> String {
    let at = known.find("file:").unwrap_or_else(|| panic!("no password file in\n{known}"));
    let path: String = known[at + 5..].trim_start().chars().take_while(|c| !",}\n".contains(*c)).collect();
    std::fs::read_to_string(path.trim().trim_matches('"')).unwrap().trim().to_owned()
}
