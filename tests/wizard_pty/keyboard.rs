//! Tests of the input: split escape sequences, pastes, and alternative key codes.

use std::time::{Duration, Instant};

use crate::inventory::InventoryDirectory;
use crate::pty::{DEFAULT_SIZE, DOWN, ESC, Terminal, UP};

const THREE: [&str; 3] = ["prod-hz", "legacy-sh", "dr-bj"];

/// A pause as a slow line makes it, shorter than the time an Esc is held.
const SLOW_LINE: Duration = Duration::from_millis(15);

/// How long an Esc is held.
const HELD: Duration = Duration::from_millis(40);

/// A wizard to which two pieces came one after the other, on a line as slow as that. Where this host itself took longer, it
/// proves nothing, and another one is opened.
#[allow(clippy::disallowed_methods, reason = "it is the test's own pause that is measured")]
fn in_pieces(inventory: &InventoryDirectory, prepare: impl Fn(&mut Terminal), [first, rest]: [&str; 2]) -> Terminal {
    for _ in 0..200 {
        let mut terminal = inventory.open();
        prepare(&mut terminal);
        let before = Instant::now();
        terminal.keys(first);
        std::thread::sleep(SLOW_LINE);
        terminal.keys(rest);
        if before.elapsed() < HELD {
            return terminal;
        }
    }
    panic!("this host is too busy for anything that takes {SLOW_LINE:?}");
}

#[test]
fn an_arrow_that_the_network_split_is_an_arrow() {
    let inventory = InventoryDirectory::of(&THREE);
    for pieces in [["\x1b", "[B"], ["\x1b[", "B"]] {
        let terminal = in_pieces(&inventory, |terminal| terminal.focuses("prod-hz"), pieces);
        terminal.focuses("legacy-sh");
        // No part of it was taken for a key of its own: none does anything here, and that would be said.
        assert!(!terminal.screen().contains("does nothing here"), "{}", terminal.screen());
        assert!(!terminal.screen().contains("first screen"), "{}", terminal.screen());
    }
}

#[test]
fn a_key_that_comes_together_with_a_size_is_not_lost() {
    let inventory = InventoryDirectory::of(&THREE);
    let mut terminal = inventory.open();
    for round in 0_u16..300 {
        let key_first = round % 3 == 0;
        if key_first {
            terminal.keys("?");
        }
        terminal.resize(DEFAULT_SIZE.0 + round % 2, DEFAULT_SIZE.1 + round % 5);
        if !key_first {
            terminal.keys("?");
        }
        if round % 2 == 0 {
            terminal.shows("Keys in grey");
        } else {
            terminal.hides("Keys in grey");
        }
    }
}

#[test]
fn more_keys_than_one_read_takes_are_all_read() {
    let inventory = InventoryDirectory::of(&THREE);
    let mut terminal = inventory.open();
    // One more than a power of two: whatever a read takes, the last one alone decides.
    for _ in 0..20 {
        terminal.keys(&"?".repeat(1_025));
        terminal.shows("Keys in grey");
        terminal.keys(&"?".repeat(1_025));
        terminal.hides("Keys in grey");
    }
}

#[test]
fn an_esc_that_nothing_follows_is_back() {
    let inventory = InventoryDirectory::of(&THREE);
    let mut terminal = inventory.open();
    terminal.keys("/");
    terminal.shows("filter: ");
    terminal.keys("dr");
    terminal.shows("filter: dr");
    terminal.hides("legacy-sh");
    terminal.keys(ESC);
    terminal.shows("legacy-sh");
    // On the first screen it says where the way out is, and quits nothing.
    terminal.keys(ESC);
    terminal.shows("This is the first screen; q ends obnow.");
}

#[test]
fn paste_drops_newline_and_control_characters() {
    let inventory = InventoryDirectory::of(&THREE);
    let mut terminal = inventory.open();
    // Where nothing takes text, a paste with a q in it ends nothing.
    terminal.keys("\x1b[200~quit\n\x1b[201~");
    terminal.shows("Nothing here takes text; what was pasted was not used.");
    terminal.keys("/");
    terminal.shows("filter: ");
    terminal.keys("\x1b[200~leg\x07acy\x1b[31m\r\n\x1b[201~");
    terminal.shows("filter: legacy[31m");
    // It was not submitted: what is typed now still goes into it.
    terminal.keys("x");
    terminal.shows("filter: legacy[31mx");
}

#[test]
fn a_paste_whose_first_bytes_come_late_is_a_paste() {
    let inventory = InventoryDirectory::of(&THREE);
    let prepare = |terminal: &mut Terminal| {
        terminal.keys("/");
        terminal.shows("filter: ");
    };
    let mut terminal = in_pieces(&inventory, prepare, ["\x1b", "[200~legacy\n\x1b[201~"]);
    terminal.shows("filter: legacy");
    terminal.keys("-");
    terminal.shows("filter: legacy-");
}

#[test]
fn both_backspaces_delete() {
    let inventory = InventoryDirectory::of(&THREE);
    let mut terminal = inventory.open();
    terminal.keys("/xyz");
    terminal.shows("filter: xyz");
    terminal.keys("\x08");
    terminal.until("one less", |screen| screen.contents().contains("filter: xy "));
    terminal.keys("\x7f");
    terminal.until("one less", |screen| screen.contents().contains("filter: x "));
    assert!(!terminal.screen().contains("Keys in grey"), "Ctrl-H opens no help");
}

#[test]
fn keys_of_other_people_do_nothing() {
    let inventory = InventoryDirectory::of(&THREE);
    let mut terminal = inventory.open();
    terminal.keys(DOWN);
    terminal.focuses("legacy-sh");
    let before = terminal.screen();
    // F1 and F1 again, F5, Alt-x (the same bytes as Esc and x), Ctrl-S, Ctrl-B, a focus report, an answer nobody asked for.
    for keys in ["\x1bOP", "\x1bOP", "\x1b[15~", "\x1bx", "\x13", "\x02", "\x1b[I", "\x1b[?1;2c"] {
        terminal.keys(keys);
    }
    // What is typed behind them is seen, so they were.
    terminal.keys(UP);
    terminal.focuses("prod-hz");
    terminal.keys(DOWN);
    terminal.focuses("legacy-sh");
    terminal.shows_again(&before);
}
