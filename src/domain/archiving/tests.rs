use super::*;
use crate::domain::samples::{archive, round};

#[test]
fn every_state_is_judged_as_the_law_says() {
    let word = |word: &str| word.to_owned();
    for (status, expected, stops) in [
        ("PREPARE", Archiving::Coming(word("PREPARE")), true),
        ("BEGINNING", Archiving::Coming(word("BEGINNING")), true),
        ("DOING", Archiving::Running, true),
        ("STOPPING", Archiving::Ending(word("STOPPING")), true),
        ("STOP", Archiving::Off, false),
        ("SUSPENDING", Archiving::Suspended(word("SUSPENDING")), true),
        ("SUSPEND", Archiving::Suspended(word("SUSPEND")), true),
        ("INTERRUPTED", Archiving::Broken, true),
        ("INVALID", Archiving::Strange(word("INVALID")), true),
        ("REWINDING", Archiving::Strange(word("REWINDING")), true),
    ] {
        let facts = archive(Some(status));
        assert_eq!(judge(&facts), expected, "{status}");
        assert_eq!(must_stop_first(&facts), stops, "{status}");
    }
    assert_eq!(judge(&archive(None)), Archiving::Off);
    assert!(!must_stop_first(&archive(None)), "no round: nothing to stop");
}

#[test]
fn archivelog_without_a_round_depends_on_the_destination() {
    let mut facts = ArchiveFacts { log_mode_on: Some(true), ..archive(None) };
    assert!(matches!(judge(&facts), Archiving::Coming(_)), "the round is about to appear");
    facts.destination = None;
    assert_eq!(judge(&facts), Archiving::Off, "it waits for a destination");
    facts.log_mode_on = None;
    assert_eq!(judge(&facts), Archiving::Off, "a line that does not tell its mode");
    // A round that stopped while the mode is on again: the next one is coming.
    let mut facts = ArchiveFacts { log_mode_on: Some(true), ..archive(Some("STOP")) };
    assert!(matches!(judge(&facts), Archiving::Coming(_)));
    assert!(must_stop_first(&facts));
    facts.destination = None;
    assert_eq!(judge(&facts), Archiving::Off);
}

#[test]
fn the_round_that_runs_goes_before_those_that_ended() {
    let mut facts = archive(Some("DOING"));
    facts.rounds = vec![round("INTERRUPTED"), round("STOP")];
    assert_eq!(judge(&facts), Archiving::Running);
    facts.current = None;
    facts.log_mode_on = Some(false);
    assert_eq!(judge(&facts), Archiving::Off, "without one the newest of the others");
}
