//! Tests Ctrl-Z, the shell, and the return with fg.

use crate::inventory::InventoryDirectory;
use crate::pty::{self, CTRL_Z, DEFAULT_SIZE, DOWN, Terminal};

const THREE: [&str; 3] = ["prod-hz", "legacy-sh", "dr-bj"];

/// A shell with job control that starts a program, has the terminal when that stops, and brings it back at a line.
const SHELL: &str = r#"set -m; "$@"; echo "SHELL after $?"; read -r line; echo "READ $line"; fg; echo "LEFT with $?""#;

fn in_a_shell(inventory: &InventoryDirectory) -> Terminal {
    let words = inventory.words(&[]);
    let mut args = vec!["-c", SHELL, "sh", pty::OBNOW];
    args.extend(words.iter().map(String::as_str));
    let mut command = pty::command("sh", &args);
    command.env("A_SECRET", "x");
    let terminal = Terminal::start(command, DEFAULT_SIZE);
    terminal.shows("3 unreachable");
    terminal
}

#[test]
fn ctrl_z_and_fg_restore_the_wizard() {
    let inventory = InventoryDirectory::of(&THREE);
    let mut terminal = in_a_shell(&inventory);
    terminal.keys(DOWN);
    terminal.focuses("legacy-sh");
    let before = terminal.screen();
    terminal.assert_raw_mode();
    terminal.keys(CTRL_Z);
    // 128 and the number of the signal that stopped it.
    terminal.shows("SHELL after 148");
    terminal.assert_restored();
    assert!(!terminal.screen().contains("legacy-sh"), "{}", terminal.screen());
    // The shell reads lines as ever, and what is typed is echoed.
    terminal.keys("a line\r");
    terminal.shows("3 unreachable");
    terminal.focuses("legacy-sh");
    terminal.shows_again(&before);
    terminal.assert_raw_mode();
    terminal.keys("q");
    terminal.shows("LEFT with 130");
    assert_eq!(terminal.exit(), 0);
    terminal.assert_restored();
    let all_text = terminal.look(vt100::Screen::contents);
    assert!(all_text.contains("a line") && all_text.contains("READ a line"), "{all_text}");
}

#[test]
fn resize_while_suspended_is_drawn_after_fg() {
    let inventory = InventoryDirectory::of(&THREE);
    let mut terminal = in_a_shell(&inventory);
    terminal.keys(CTRL_Z);
    terminal.shows("SHELL after 148");
    terminal.resize(100, 30);
    terminal.keys("go\r");
    terminal.until("the footer in the last row", |screen| {
        screen.rows(0, 100).nth(29).is_some_and(|row| row.contains("? help"))
    });
}

#[test]
fn without_a_shell_behind_it_ctrl_z_stops_nothing() {
    let inventory = InventoryDirectory::of(&THREE);
    let mut terminal = inventory.open();
    terminal.keys(CTRL_Z);
    terminal.shows("No shell waits behind obnow that could bring it back; it was not stopped.");
    terminal.assert_raw_mode();
    terminal.keys(DOWN);
    terminal.focuses("legacy-sh");
}
