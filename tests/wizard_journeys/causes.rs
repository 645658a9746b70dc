//! Each scenario with something wrong: the cause is named, F removes it, and there is a way on to the end.

use crate::fleet::Fleet;
use crate::walk::{answered, choose, start, start_it, to_confirm};

#[test]
fn a_backup_that_fails_is_explained_and_r_makes_a_new_one() {
    let fleet = Fleet::serve("fails");
    let mut terminal = start(&fleet, "fails", &[]);
    answered(&terminal);
    choose(&mut terminal, "pay");
    to_confirm(&mut terminal);
    start_it(&mut terminal);
    terminal.shows("The backup of demo/pay failed on the server.");
    terminal.shows("9082");
    terminal.keys("F");
    terminal.shows("Removed: no-space.");
    terminal.keys("r");
    terminal.shows("NEW backup");
    terminal.keys("y");
    terminal.shows("RESTORABLE  pay: ");
    assert_eq!(fleet.starts().len(), 2);
    terminal.keys("q");
    assert_eq!(terminal.exit(), 0);
}

#[test]
fn an_archive_that_stands_still_turns_green_by_another_look() {
    let fleet = Fleet::serve("lagging");
    let mut terminal = start(&fleet, "lagging", &[]);
    answered(&terminal);
    choose(&mut terminal, "pay");
    to_confirm(&mut terminal);
    start_it(&mut terminal);
    terminal.shows("NOT YET RESTORABLE");
    terminal.keys("F");
    terminal.shows("Removed: archive-stands.");
    fleet.wait("pay", "restorable", "yes");
    terminal.keys("r");
    terminal.until("the green verdict", |screen| {
        screen.contents().lines().any(|row| row.trim_start().starts_with("RESTORABLE  pay: "))
    });
    assert_eq!(fleet.starts().len(), 1, "it only looked again");
}
