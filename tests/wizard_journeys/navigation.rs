//! Fixtures that navigate the wizard on a served scenario, from screen to screen by keys.
#![allow(dead_code, reason = "not every journey takes every way")]

use crate::fleet::DemoFleet;
use crate::pty::{self, DEFAULT_SIZE, ENTER, TAB, Terminal};

/// The wizard on a fleet, with the key that removes causes.
pub fn start(fleet: &DemoFleet, scenario: &str, more: &[&str]) -> Terminal {
    let root = fleet.folder().parent().and_then(std::path::Path::parent).unwrap();
    let demo = format!("--demo={scenario}");
    let mut words = vec![demo.as_str(), "--state", root.to_str().unwrap()];
    words.extend(more);
    let terminal = Terminal::start(pty::command(pty::OBNOW, &words), DEFAULT_SIZE);
    terminal.shows("[1 Target]");
    terminal
}

/// Waits until every cluster has answered.
pub fn answered(terminal: &Terminal) {
    terminal.until("every answer", |screen| {
        let text = screen.contents();
        text.contains(" target") && !text.contains("not answered yet") && !text.contains("asking")
    });
}

/// Puts the focus on a row of the list.
pub fn choose(terminal: &mut Terminal, name: &str) {
    terminal.keys("/");
    terminal.shows("filter:");
    terminal.keys(name);
    terminal.keys(ENTER);
    terminal
        .until("the one row", |screen| pty::focused(screen).contains(name) && !screen.contents().contains("asking"));
}

/// From Target, the focus on a target, to Confirm with its plan; the storage and mode as they are found.
pub fn to_confirm(terminal: &mut Terminal) {
    to_mode(terminal);
    terminal.keys(ENTER);
    terminal.shows("[5 Confirm]");
    terminal.shows("Back up now: ");
}

/// From Target, the focus on a target, to Mode, with facts that no answer on its way will change.
pub fn to_mode(terminal: &mut Terminal) {
    for screen in ["[2 Detected]", "[3 Storage]", "[4 Mode]"] {
        terminal.keys(ENTER);
        terminal.shows(screen);
        if screen == "[2 Detected]" {
            terminal.hides("asking again");
        }
    }
}

/// Back up Now, the one deliberate key.
pub fn start_it(terminal: &mut Terminal) {
    terminal.keys(TAB);
    terminal.focuses("[ Back up Now ]");
    // While a plan is made there is nothing to start.
    terminal.hides("being made anew");
    terminal.keys(ENTER);
    terminal.shows("[6 Task]");
}
