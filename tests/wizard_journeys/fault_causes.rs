//! Tests of each scenario with a fault: the cause is named, F removes it if possible, and the user can continue to the end.

use obnow::demo::control::ControlRequest;

use crate::fleet::DemoFleet;
use crate::navigation::{answered, choose, start, start_it, to_confirm, to_mode};
use crate::pty::{DOWN, ENTER, ESC, TAB, Terminal};

/// The wizard on a scenario, every cluster answered, the focus on a target.
fn on(scenario: &str, target: &str) -> (DemoFleet, Terminal) {
    let fleet = DemoFleet::serve(scenario);
    let mut terminal = start(&fleet, scenario, &[]);
    answered(&terminal);
    choose(&mut terminal, target);
    (fleet, terminal)
}

/// Starts a backup with the defaults on a scenario.
fn started(scenario: &str, target: &str) -> (DemoFleet, Terminal) {
    let (fleet, mut terminal) = on(scenario, target);
    to_confirm(&mut terminal);
    start_it(&mut terminal);
    (fleet, terminal)
}

/// F removes these causes.
#[track_caller]
fn removes(terminal: &mut Terminal, causes: &str) {
    terminal.keys("F");
    terminal.shows(&format!("Removed: {causes}."));
}

/// A verdict in green: its line begins with the word.
#[track_caller]
fn is_restorable(terminal: &Terminal) {
    terminal
        .until("RESTORABLE", |screen| screen.contents().lines().any(|row| row.trim_start().starts_with("RESTORABLE ")));
}

/// Leaves: its exit code.
#[track_caller]
fn leaves(mut terminal: Terminal) -> u32 {
    terminal.keys("q");
    terminal.exit()
}

#[test]
fn a_backup_that_fails_is_explained_and_r_makes_a_new_one() {
    let (fleet, mut terminal) = started("fails", "pay");
    terminal.shows("The backup of demo/pay failed on the server.");
    terminal.shows("9082");
    removes(&mut terminal, "no-space");
    terminal.keys("r");
    terminal.shows("NEW backup");
    terminal.keys("y");
    is_restorable(&terminal);
    assert_eq!(fleet.starts().len(), 2);
    assert_eq!(leaves(terminal), 0);
}

#[test]
fn stalled_archive_turns_green_after_recheck() {
    let (fleet, mut terminal) = started("lagging", "pay");
    terminal.shows("NOT YET RESTORABLE");
    removes(&mut terminal, "archive-stands");
    fleet.wait("pay", "restorable", "yes");
    terminal.keys("r");
    is_restorable(&terminal);
    assert_eq!(fleet.starts().len(), 1, "it only looked again");
    assert_eq!(leaves(terminal), 0);
}

#[test]
fn an_upgrade_holds_the_way_until_it_is_over() {
    let (fleet, mut terminal) = on("upgrading", "pay");
    terminal.keys(ENTER);
    terminal.shows("[2 Detected]");
    terminal.shows("FAIL  upgrading");
    terminal.keys(ENTER);
    terminal.shows("upgrading: the cluster is upgrading");
    assert!(terminal.screen().contains("[2 Detected]"));
    removes(&mut terminal, "upgrade");
    terminal.shows("ok    upgrading");
    terminal.hides("asking again");
    for screen in ["[3 Storage]", "[4 Mode]", "[5 Confirm]"] {
        terminal.keys(ENTER);
        terminal.shows(screen);
    }
    terminal.shows("Back up now: ");
    start_it(&mut terminal);
    is_restorable(&terminal);
    assert_eq!(fleet.starts().len(), 1);
}

#[test]
fn a_password_that_is_no_longer_right_is_said_in_the_list() {
    let (_fleet, mut terminal) = on("login-refused", "demo");
    terminal.focuses("refused");
    // The three sentences are on the next screen, whole.
    terminal.keys(ENTER);
    terminal.shows("[2 Detected]");
    terminal.shows("root@sys cannot log in to 127.0.0.1:");
    terminal.shows("Next: ");
    // The way holds there until the cause is gone.
    terminal.keys(ENTER);
    removes(&mut terminal, "password-changed");
    assert!(terminal.screen().contains("[2 Detected]"), "{}", terminal.screen());
    terminal.shows("ok    version");
}

#[test]
fn a_cluster_that_is_gone_delays_no_other_and_comes_back() {
    let (_fleet, mut terminal) = on("unreachable", "gone");
    terminal.focuses("unreachable");
    terminal.keys(ESC);
    terminal.shows("pay");
    removes(&mut terminal, "server-down, server-hangs, cluster-down");
    terminal.until("nobody is unreachable", |screen| {
        let text = screen.contents();
        text.contains("5 targets") && !text.contains("unreachable:")
    });
}

#[test]
fn mixed_builds_are_overridden_by_typing_the_name() {
    let (fleet, mut terminal) = on("mixed-builds", "pay");
    terminal.keys(ENTER);
    terminal.shows("FAIL  one build");
    terminal.keys("o");
    terminal.shows("Type demo/pay to do it:");
    terminal.keys("demo/pay");
    terminal.keys(ENTER);
    terminal.hides("Type demo/pay");
    for screen in ["[3 Storage]", "[4 Mode]", "[5 Confirm]"] {
        terminal.keys(ENTER);
        terminal.shows(screen);
    }
    terminal.shows("overridden: ");
    start_it(&mut terminal);
    is_restorable(&terminal);
    assert_eq!(fleet.starts().len(), 1);
}

#[test]
fn a_backup_of_somebody_else_is_watched_to_its_verdict() {
    let (fleet, mut terminal) = on("busy", "pay");
    terminal.keys(ENTER);
    terminal.shows("FAIL  another backup");
    terminal.shows("Enter watch it");
    terminal.keys(ENTER);
    terminal.shows("[6 Task]");
    terminal.shows("Wait for data backup");
    removes(&mut terminal, "slow-data, slow-scheduler");
    is_restorable(&terminal);
    assert_eq!(fleet.starts(), Vec::<String>::new(), "nothing was started");
    assert_eq!(leaves(terminal), 0);
}

#[test]
fn a_backup_that_stands_still_says_where_and_goes_on() {
    let (fleet, mut terminal) = started("stalls", "pay");
    terminal.shows("has not moved since");
    removes(&mut terminal, "not-mounted");
    is_restorable(&terminal);
    assert_eq!(fleet.starts().len(), 1);
    assert_eq!(leaves(terminal), 0);
}

#[test]
fn refused_destination_stops_and_r_resumes() {
    let (fleet, mut terminal) = started("bad-storage", "pay");
    terminal.shows("FAILED      Set backup destination");
    terminal.shows("9080");
    assert_eq!(fleet.starts(), Vec::<String>::new());
    removes(&mut terminal, "not-empty, of-another, full, not-mounted");
    terminal.keys("r");
    is_restorable(&terminal);
    assert_eq!(fleet.starts().len(), 1);
    assert_eq!(leaves(terminal), 0);
}

#[test]
fn a_job_that_is_in_no_view_is_unknown_and_only_looked_for() {
    let (fleet, mut terminal) = started("job-gone", "pay");
    terminal.shows("UNKNOWN");
    removes(&mut terminal, "job-not-shown");
    fleet.wait("pay", "history", "COMPLETED");
    terminal.keys("r");
    is_restorable(&terminal);
    assert_eq!(fleet.starts().len(), 1, "it was not sent again");
    assert_eq!(leaves(terminal), 0);
}

#[test]
fn a_lost_answer_is_settled_and_nothing_is_sent_twice() {
    let (fleet, terminal) = started("lost-reply", "pay");
    is_restorable(&terminal);
    assert_eq!(fleet.starts().len(), 1);
    assert_eq!(leaves(terminal), 0);
}

#[test]
fn encryption_that_is_not_proven_is_marked() {
    let (fleet, mut terminal) = on("encryption-lost", "pay");
    to_mode(&mut terminal);
    terminal.keys(&DOWN.repeat(3));
    terminal.focuses("encrypt with a password");
    terminal.keys(" ");
    terminal.shows("password again");
    terminal.keys(&format!("{DOWN}a secret{TAB}a secret{ENTER}"));
    terminal.shows("Back up now: ");
    start_it(&mut terminal);
    terminal.shows("RESTORABLE, NOT ENCRYPTED");
    removes(&mut terminal, "not-encrypted");
    terminal.keys("r");
    terminal.shows("NEW backup");
    terminal.keys("y");
    is_restorable(&terminal);
    let raw = String::from_utf8_lossy(&terminal.raw()).into_owned();
    assert!(!raw.contains("a secret"), "the password was drawn");
    assert_eq!(fleet.starts().len(), 2);
    assert_eq!(leaves(terminal), 0);
}

#[test]
fn lost_log_makes_a_backup_unrestorable() {
    let (fleet, mut terminal) = started("never-restorable", "pay");
    terminal.shows("DONE, BUT CANNOT BE RESTORED");
    removes(&mut terminal, "log-recycled");
    terminal.keys("r");
    terminal.shows("NEW backup");
    terminal.keys("y");
    is_restorable(&terminal);
    assert_eq!(fleet.starts().len(), 2);
}

#[test]
fn a_stopped_archive_is_started_as_the_plan_says() {
    for (scenario, words) in [
        ("archiving-off", "ALTER SYSTEM ARCHIVELOG"),
        ("suspended", "ALTER SYSTEM"),
        ("archive-broken", "ALTER SYSTEM"),
    ] {
        let (fleet, mut terminal) = on(scenario, "pay");
        to_confirm(&mut terminal);
        terminal.shows(words);
        start_it(&mut terminal);
        is_restorable(&terminal);
        assert!(fleet.statements().iter().any(|statement| statement.contains("LOG")), "{:?}", fleet.statements());
        assert_eq!(leaves(terminal), 0, "{scenario}");
    }
}

#[test]
fn incremental_without_a_full_offers_a_full() {
    for scenario in ["no-full", "silent-full"] {
        let (fleet, mut terminal) = on(scenario, "pay");
        to_mode(&mut terminal);
        terminal.keys(&format!("{DOWN} {ENTER}"));
        terminal.shows("[5 Confirm]");
        // It is said before, and held to behind.
        terminal.shows("step 2 will fail: Full data backup needed before");
        start_it(&mut terminal);
        terminal.shows("FAILED      Check if ready to data backup");
        assert_eq!(fleet.starts(), Vec::<String>::new(), "{scenario}");
        terminal.keys(ESC);
        terminal.shows("[1 Target]");
        terminal.focuses("pay");
        to_confirm(&mut terminal);
        terminal.shows("Back up now: tenant pay of demo, full");
        start_it(&mut terminal);
        is_restorable(&terminal);
        assert_eq!(fleet.starts().len(), 1, "{scenario}");
    }
}

#[test]
fn a_cluster_names_who_is_left_out_and_who_failed() {
    let (fleet, mut terminal) = on("partial", "stock");
    terminal.keys(ESC);
    terminal.shows("restoring");
    terminal.keys("g");
    to_confirm(&mut terminal);
    terminal.keys("G");
    terminal.shows("left out: demo/restoring");
    start_it(&mut terminal);
    terminal.shows("demo/stock");
    terminal.shows("failed");
    terminal.shows("NEW backup");
    removes(&mut terminal, "no-space");
    terminal.keys("r");
    terminal.shows("demo/stock");
    terminal.keys("y");
    is_restorable(&terminal);
    terminal.shows("done ");
    assert_eq!(fleet.starts().len(), 2);
}

#[test]
fn m_performs_the_needed_compaction() {
    let (fleet, mut terminal) = started("needs-compaction", "legacy-sh");
    terminal.shows("Cluster compaction needed before full data backup");
    terminal.shows("m major compaction");
    terminal.keys("m");
    terminal.shows("y  yes, do it");
    terminal.keys("y");
    is_restorable(&terminal);
    let sent = fleet.ask(&ControlRequest::Statements).to_string();
    assert!(sent.contains("ALTER SYSTEM MAJOR FREEZE"), "{sent}");
}

#[test]
fn a_tenant_in_restore_is_shown_and_refused() {
    let (_fleet, mut terminal) = on("standby", "restor");
    terminal.keys(" ");
    terminal.shows("cannot be backed up now:");
    terminal.keys(ENTER);
    terminal.shows("[2 Detected]");
    terminal.shows("FAIL  role");
    terminal.keys(ENTER);
    terminal.shows("[2 Detected]");
}
