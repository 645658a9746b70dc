//! Tests that the task continues in its runner when the user quits or the terminal is lost.

use obnow::demo::control::ControlRequest;

use crate::fleet::{DemoFleet, until};
use crate::navigation::{answered, choose, start, start_it, to_confirm};
use crate::pty::{CTRL_C, Terminal};

const PHASE: &str = "BACKUP_DATA_MAJOR";

/// A backup of pay that stands in a phase until it is released.
fn held() -> (DemoFleet, Terminal) {
    let fleet = DemoFleet::serve("healthy");
    fleet.ask(&ControlRequest::HoldPhase { cluster: None, tenant: "pay".into(), phase: PHASE.into() });
    let mut terminal = start(&fleet, "healthy", &[]);
    answered(&terminal);
    choose(&mut terminal, "pay");
    to_confirm(&mut terminal);
    start_it(&mut terminal);
    fleet.wait("pay", "task", PHASE);
    terminal.shows("Wait for data backup");
    (fleet, terminal)
}

/// Releases the held phase, and checks that the task ends restorable without a front end.
fn ends_restorable(fleet: &DemoFleet) {
    let task = fleet.json(&["tasks"]).exits(0).task();
    fleet.ask(&ControlRequest::ReleasePhase { cluster: None, tenant: "pay".into(), phase: PHASE.into() });
    let watched = fleet.json(&["watch", &task]).exits(0);
    assert_eq!(watched.verdict("demo/pay")["verdict"], "restorable");
    assert_eq!(fleet.starts().len(), 1);
}

#[test]
fn leaving_says_how_to_watch_on_and_the_task_goes_on() {
    for keys in ["q", CTRL_C] {
        let (fleet, mut terminal) = held();
        terminal.keys(keys);
        assert_eq!(terminal.exit(), 130);
        terminal.assert_restored();
        let task = fleet.json(&["tasks"]).exits(0).task();
        let all_text = terminal.all_text();
        assert!(
            all_text.contains(&format!("Task {task} still runs: obnow "))
                && all_text.contains(&format!("watch {task}")),
            "{all_text}"
        );
        ends_restorable(&fleet);
    }
}

#[test]
fn lost_terminal_ends_the_wizard_not_the_task() {
    let (fleet, mut terminal) = held();
    terminal.close_abruptly("l");
    until("the wizard's end", || if terminal.has_ended() { Ok(()) } else { Err("it runs".to_owned()) });
    ends_restorable(&fleet);
}

#[test]
fn a_later_login_finds_the_task_and_follows_it() {
    let (fleet, mut terminal) = held();
    terminal.keys("q");
    terminal.exit();
    let mut later = start(&fleet, "healthy", &[]);
    answered(&later);
    later.keys("b");
    later.shows("[Tasks]");
    later.shows("running");
    later.keys("\r");
    later.shows("[6 Task]");
    later.shows("Wait for data backup");
    fleet.ask(&ControlRequest::ReleasePhase { cluster: None, tenant: "pay".into(), phase: PHASE.into() });
    later.shows("RESTORABLE  pay: ");
    later.keys("q");
    assert_eq!(later.exit(), 0);
}
