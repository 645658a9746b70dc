//! From Target to RESTORABLE at 80x24, by keys alone.

use crate::fleet::DemoFleet;
use crate::navigation::{answered, choose, start, start_it, to_confirm, to_mode};
use crate::pty::{DOWN, ESC};

#[test]
fn a_tenant_full_and_then_incremental() {
    let fleet = DemoFleet::serve("healthy");
    let mut terminal = start(&fleet, "healthy", &[]);
    answered(&terminal);
    choose(&mut terminal, "pay");
    to_confirm(&mut terminal);
    let confirmed = terminal.screen();
    assert!(confirmed.contains("Back up now: tenant pay of demo, full"), "{confirmed}");
    // What does not fit is scrolled to.
    terminal.keys("G");
    terminal.shows("Same as: obnow --demo=healthy");
    assert_eq!(fleet.statements(), Vec::<String>::new(), "until here nothing but reads");
    start_it(&mut terminal);
    terminal.shows("RESTORABLE  pay: ");
    terminal.keys("G");
    terminal.shows("Confirm restorable");
    let ended = terminal.screen();
    for step in ["Check target", "Start data backup", "Wait for data backup", "Confirm restorable"] {
        assert!(ended.lines().any(|row| row.contains("ok ") && row.contains(step)), "{step}\n{ended}");
    }
    assert_eq!(fleet.starts().len(), 1);

    // Back to the list, where it is the last good backup now; and once more, incremental.
    terminal.keys(ESC);
    terminal.shows("[1 Target]");
    terminal.until("the new backup in the list", |screen| {
        crate::pty::focused(screen).contains("pay") && crate::pty::focused(screen).contains("full")
    });
    to_mode(&mut terminal);
    terminal.keys(DOWN);
    terminal.keys(" ");
    terminal.shows("(*) Incremental Backup");
    terminal.keys("\r");
    terminal.shows("Back up now: tenant pay of demo, incremental");
    start_it(&mut terminal);
    terminal.shows("RESTORABLE  pay: ");
    assert_eq!(fleet.starts().len(), 2);
    assert!(fleet.starts()[1].contains("BACKUP INCREMENTAL"), "{:?}", fleet.starts());
    terminal.keys("q");
    assert_eq!(terminal.exit(), 0);
    let all_text = terminal.all_text();
    assert!(all_text.contains("RESTORABLE  pay: "), "the verdict is in the scrollback:\n{all_text}");
}

#[test]
fn a_cluster() {
    let fleet = DemoFleet::serve("healthy");
    let mut terminal = start(&fleet, "healthy", &[]);
    answered(&terminal);
    terminal.keys("g");
    terminal.until("the cluster's row", |screen| {
        crate::pty::focused(screen).lines().any(|row| row.trim_start().starts_with("demo "))
    });
    to_confirm(&mut terminal);
    start_it(&mut terminal);
    terminal.shows("done ");
    for tenant in ["pay", "order", "report", "dr"] {
        terminal.shows(&format!("RESTORABLE    {tenant}: "));
    }
    assert_eq!(fleet.starts().len(), 1, "one statement for all of them");
    terminal.keys("q");
    assert_eq!(terminal.exit(), 0);
    let all_text = terminal.all_text();
    for tenant in ["pay", "order", "report", "dr"] {
        assert!(all_text.contains(&format!("RESTORABLE  {tenant}: ")), "{tenant}\n{all_text}");
    }
}

#[test]
fn straight_in_to_a_tenant() {
    let fleet = DemoFleet::serve("healthy");
    let mut terminal = start(&fleet, "healthy", &["--target", "demo/order"]);
    terminal.shows("[2 Detected]");
    terminal.shows("demo / order");
    terminal.keys("q");
    assert_eq!(terminal.exit(), 130);
}

/// The server wants the password of every set in the directory, and one of them is of another backup.
#[test]
fn older_set_password_enables_the_storage_proof() {
    let fleet = DemoFleet::serve("wrong-password");
    let mut terminal = start(&fleet, "wrong-password", &[]);
    answered(&terminal);
    choose(&mut terminal, "pay");
    to_confirm(&mut terminal);
    terminal.keys("G");
    terminal.shows("[ ] let the server look at the storage: sends the password of set 1 to the");
    terminal.keys("p");
    terminal.shows("Password of older backup sets");
    terminal.keys("forgotten");
    terminal.keys("\r");
    terminal.shows("SET DECRYPTION IDENTIFIED BY '***'");
    terminal.keys("G");
    terminal.shows("passwords of older backup sets: 1 given");
    start_it(&mut terminal);
    terminal.shows("RESTORABLE  pay: ");
    terminal.keys("G");
    terminal.shows("the server found set");
    assert!(!terminal.screen().contains("forgotten"), "{}", terminal.screen());
    terminal.keys("q");
    assert_eq!(terminal.exit(), 0);
    let looks = fleet.previews();
    assert!(looks.iter().any(|(text, _)| text.contains("PREVIEW")), "{looks:?}");
}
