//! Tests that the terminal is restored however the wizard ends, and that a lost terminal ends it.

use std::sync::Arc;

use obnow::wizard::{DemoFix, StartOptions};
use rustix::process::{Pid, Signal, kill_process};

use crate::inventory::InventoryDirectory;
use crate::pty::{self, CTRL_C, DEFAULT_SIZE, DOWN, Terminal};

const THREE: [&str; 3] = ["prod-hz", "legacy-sh", "dr-bj"];

/// Tells the test's own program that it is the child of a test.
const CHILD: &str = "OBNOW_TEST_CHILD";

fn signal(terminal: &Terminal, signal: Signal) {
    let pid = Pid::from_raw(terminal.pid().try_into().unwrap()).unwrap();
    kill_process(pid, signal).unwrap();
}

#[test]
fn every_ordinary_end_gives_the_terminal_back() {
    let inventory = InventoryDirectory::of(&THREE);
    for keys in ["q", CTRL_C] {
        let mut terminal = inventory.open();
        terminal.assert_raw_mode();
        terminal.keys(keys);
        assert_eq!(terminal.exit(), 130);
        terminal.assert_restored();
        assert_eq!(terminal.look(vt100::Screen::contents).trim(), "", "nothing was decided, so nothing is said");
    }
}

#[test]
fn term_and_hup_give_the_terminal_back() {
    let inventory = InventoryDirectory::of(&THREE);
    for of_it in [Signal::TERM, Signal::HUP] {
        let mut terminal = inventory.open();
        terminal.assert_raw_mode();
        signal(&terminal, of_it);
        assert_eq!(terminal.exit(), 130);
        terminal.assert_restored();
    }
}

#[test]
fn term_ends_it_while_something_is_typed_or_asked() {
    let inventory = InventoryDirectory::of(&THREE);
    let mut terminal = inventory.open();
    terminal.keys("/dr");
    terminal.shows("filter: dr");
    // The cursor is shown where text is typed.
    assert!(terminal.look(|screen| !screen.hide_cursor()));
    signal(&terminal, Signal::TERM);
    assert_eq!(terminal.exit(), 130);
    terminal.assert_restored();
}

/// Not a test by itself: what the test below starts as a program of its own.
#[test]
#[allow(
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "it is a program of its own, which is told by its environment, says what it saw, and ends with a code"
)]
fn the_child_of_the_tests_of_a_panic() {
    let Ok(config) = std::env::var(CHILD) else { return };
    let fix: DemoFix = Arc::new(|| Box::pin(async { panic!("a task of obnow broke") }));
    let start = StartOptions {
        config: Some(config.into()),
        state: Some("/nonexistent".into()),
        demo: Some(("child".to_owned(), fix)),
        ..StartOptions::default()
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let fault = runtime.block_on(obnow::wizard::run(start)).unwrap_err();
    runtime.shutdown_background();
    eprintln!("SAID: {fault}");
    std::process::exit(7);
}

#[test]
fn panic_restores_the_terminal_and_is_printed() {
    let inventory = InventoryDirectory::of(&THREE);
    let program = std::env::current_exe().unwrap();
    let args = ["--exact", "exits::the_child_of_the_tests_of_a_panic", "--nocapture"];
    // The thread that breaks and the one that draws are two: a few rounds, for the order is not always the same.
    for round in 0..4 {
        let mut command = pty::command(program.to_str().unwrap(), &args);
        command.env(CHILD, inventory.config());
        command.env("A_SECRET", "x");
        command.env("RUST_BACKTRACE", "0");
        let mut terminal = Terminal::start(command, DEFAULT_SIZE);
        terminal.shows("demo: child");
        terminal.shows("3 unreachable");
        terminal.assert_raw_mode();
        terminal.keys("F");
        assert_eq!(terminal.exit(), 7, "round {round}");
        terminal.assert_restored();
        let told = terminal.look(vt100::Screen::contents);
        assert!(told.contains("a task of obnow broke"), "round {round}: what broke is not to be read:\n{told}");
        assert!(told.contains("SAID: obnow broke off. This is a mistake in obnow; "), "round {round}:\n{told}");
        assert!(!told.contains("prod-hz"), "round {round}: the wizard drew on a screen that is not its own:\n{told}");
    }
}

#[test]
fn stalled_terminal_does_not_block_the_exit() {
    let inventory = InventoryDirectory::of(&THREE);
    let mut terminal = inventory.open();
    terminal.stall(DOWN);
    // More than any terminal keeps for later: the wizard is held up in a write now.
    for _ in 0..400 {
        terminal.keys("?\x1b[B\x1b[B?");
    }
    let state = || std::fs::read_to_string(format!("/proc/{}/status", terminal.pid())).unwrap();
    assert!(state().contains("State:\tS"), "{}", state());
    signal(&terminal, Signal::TERM);
    crate::fleet::until("the end", || if terminal.has_ended() { Ok(()) } else { Err("it runs".to_owned()) });
}

#[test]
fn a_terminal_that_is_gone_ends_it() {
    let inventory = InventoryDirectory::of(&THREE);
    let mut terminal = inventory.open();
    terminal.keys("?");
    terminal.shows("Keys in grey");
    terminal.close_abruptly("?");
    crate::fleet::until("the end", || if terminal.has_ended() { Ok(()) } else { Err("it runs".to_owned()) });
}

#[test]
fn a_terminal_that_goes_without_a_signal_ends_it_as_well() {
    let inventory = InventoryDirectory::of(&THREE);
    // In a session of its own the terminal is not its controlling one: nobody sends it HUP.
    let words = inventory.words(&[]);
    let mut args = vec!["--wait", pty::OBNOW];
    args.extend(words.iter().map(String::as_str));
    let mut command = pty::command("setsid", &args);
    command.env("A_SECRET", "x");
    let mut terminal = Terminal::start(command, DEFAULT_SIZE);
    terminal.shows("3 unreachable");
    let children = format!("/proc/{0}/task/{0}/children", terminal.pid());
    let wizard: u32 = std::fs::read_to_string(children).unwrap().trim().parse().unwrap();
    let alive = || {
        let status = std::fs::read_to_string(format!("/proc/{wizard}/stat")).unwrap_or_default();
        status.contains("(obnow)") && !status.contains("(obnow) Z")
    };
    assert!(alive());
    terminal.keys("?");
    terminal.shows("Keys in grey");
    terminal.close_abruptly("?");
    crate::fleet::until("the end", || if alive() { Err(format!("{wizard} runs")) } else { Ok(()) });
}
