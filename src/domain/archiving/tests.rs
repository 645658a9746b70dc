use super::*;
use crate::domain::facts::Known;
use crate::domain::fault::{Cause, Fault};
use crate::domain::samples::{archive, round, target};
use crate::domain::stall::RootServiceEvent;

#[test]
fn every_state_is_judged_as_the_law_says() {
    let word = |word: &str| word.to_owned();
    for (status, expected, stops) in [
        ("PREPARE", Archiving::Starting(word("PREPARE")), true),
        ("BEGINNING", Archiving::Starting(word("BEGINNING")), true),
        ("DOING", Archiving::Running, true),
        ("STOPPING", Archiving::Stopping(word("STOPPING")), true),
        ("STOP", Archiving::Off, false),
        ("SUSPENDING", Archiving::Suspended(word("SUSPENDING")), true),
        ("SUSPEND", Archiving::Suspended(word("SUSPEND")), true),
        ("INTERRUPTED", Archiving::Interrupted, true),
        ("INVALID", Archiving::Unrecognized(word("INVALID")), true),
        ("REWINDING", Archiving::Unrecognized(word("REWINDING")), true),
    ] {
        let facts = archive(Some(status));
        assert_eq!(archiving_state(&facts), expected, "{status}");
        assert_eq!(must_stop_first(&facts), stops, "{status}");
    }
    assert_eq!(archiving_state(&archive(None)), Archiving::Off);
    assert!(!must_stop_first(&archive(None)), "no round: nothing to stop");
}

#[test]
fn archivelog_without_a_round_depends_on_the_destination() {
    let mut facts = ArchiveFacts { log_mode_on: Some(true), ..archive(None) };
    assert!(matches!(archiving_state(&facts), Archiving::Starting(_)), "the round is about to appear");
    facts.destination = None;
    assert_eq!(archiving_state(&facts), Archiving::Off, "it waits for a destination");
    facts.log_mode_on = None;
    assert_eq!(archiving_state(&facts), Archiving::Off, "a line that does not tell its mode");
    // A round that stopped while the mode is on again: the next one is coming.
    let mut facts = ArchiveFacts { log_mode_on: Some(true), ..archive(Some("STOP")) };
    assert!(matches!(archiving_state(&facts), Archiving::Starting(_)));
    assert!(must_stop_first(&facts));
    facts.destination = None;
    assert_eq!(archiving_state(&facts), Archiving::Off);
}

#[test]
fn the_round_that_runs_goes_before_those_that_ended() {
    let mut facts = archive(Some("DOING"));
    facts.rounds = vec![round("INTERRUPTED"), round("STOP")];
    assert_eq!(archiving_state(&facts), Archiving::Running);
    facts.current = None;
    facts.log_mode_on = Some(false);
    assert_eq!(archiving_state(&facts), Archiving::Off, "without one the newest of the others");
}

fn given_up() -> Fault {
    let what = "Start log archiving of prod/pay has not moved for 300 s.";
    let why = "It waits: LOG_MODE is ARCHIVELOG, its round is about to appear.";
    Fault::new(Cause::Unknown, what, why, "Look at the server's views, then retry.")
}

fn event(name: &str, result: &str) -> RootServiceEvent {
    let items = [("tenant_id", "1002"), ("result", result)].map(|(name, value)| (name.to_owned(), value.to_owned()));
    RootServiceEvent { at: "2026-11-20 03:31:38".to_owned(), name: name.to_owned(), items: items.to_vec() }
}

fn unchanged(events: Vec<RootServiceEvent>) -> UnchangedArchive {
    UnchangedArchive {
        has_round: Known::Known(false),
        directory: Some("file:///backup/clog".to_owned()),
        leader: Known::Known(Some("10.0.0.2:2882".to_owned())),
        events: Known::Known(events),
    }
}

#[test]
fn a_round_that_does_not_appear_names_the_leader_and_its_directory() {
    let fault = unchanged(vec![event("open_archive_mode", "0")]).fault(&target("prod/pay"), &given_up());
    assert_eq!(fault.what, "No log archive round of prod/pay has appeared.");
    assert_eq!(
        fault.why,
        "Start log archiving of prod/pay has not moved for 300 s. It waits: LOG_MODE is ARCHIVELOG, its round is about to \
         appear. A round begins only when the RootService leader finds the directory in order; otherwise it leaves no row \
         and no event. The tenant's last events of log archiving: open_archive_mode at 2026-11-20 03:31:38 (tenant_id 1002, \
         result 0)."
    );
    assert_eq!(
        fault.next,
        "On 10.0.0.2:2882, the RootService leader, look whether file:///backup/clog is mounted, whether the server's user may \
         write there, and whether its format.obbak is there; then retry."
    );
    let unseen = UnchangedArchive {
        leader: Known::NotChecked("it is not seen.".to_owned()),
        directory: Some("oss://b/clog".to_owned()),
        ..unchanged(Vec::new())
    };
    let fault = unseen.fault(&target("prod/pay"), &given_up());
    assert!(fault.why.ends_with("No event of log archiving names the tenant."), "{fault}");
    assert!(fault.next.starts_with("On the server of the RootService leader (WITH_ROOTSERVER"), "{fault}");
    assert!(fault.next.contains("oss://b/clog can be reached"), "{fault}");
}

#[test]
fn what_the_server_swallowed_is_read_from_its_newest_switch() {
    // The tenant is not normal; the statement succeeded.
    let fault = unchanged(vec![event("open_archive_mode", "-9023"), event("open_archive_mode", "0")])
        .fault(&target("prod/pay"), &given_up());
    assert_eq!(fault.code, Some(9023));
    assert!(
        fault.why.contains(
            "The server refused it with open_archive_mode at 2026-11-20 03:31:38. OceanBase answered with error 9023"
        ),
        "{fault}"
    );
    assert!(fault.next.starts_with("Read the state of the tenant"), "{fault}");
    let round =
        UnchangedArchive { has_round: Known::Known(true), ..unchanged(vec![event("close_archive_mode", "-4179")]) };
    let fault = round.fault(&target("prod/pay"), &given_up());
    assert_eq!((fault.what.as_str(), fault.code), (given_up().what.as_str(), Some(4179)));
    // An older refusal that was followed by a success is none.
    let later = unchanged(vec![event("open_archive_mode", "0"), event("open_archive_mode", "-9023")]);
    assert_eq!(later.fault(&target("prod/pay"), &given_up()).code, None);
}
