#![allow(clippy::unwrap_used, reason = "a test stops where its setup fails")]

use super::*;
use crate::domain::facts::Known;
use crate::domain::restorable::{FileStatus, Round, SetStatus};
use crate::domain::samples::{ago, full, round, target, tenant};

const EAST: i32 = 28_800;

/// Returns `pay` with a good full backup 1, made an hour ago, and an archive in this state with this checkpoint.
fn pay(status: &str, checkpoint: Scn) -> TenantFacts {
    let mut pay = tenant(1002, "pay");
    pay.sets = vec![BackupSet { start_replay: ago(3_700), min_restore: ago(3_600), ..full(1) }];
    pay.archive.rounds = vec![Round { checkpoint, ..round(status) }];
    pay.archive.current = pay.archive.rounds.first().cloned();
    pay
}

fn judged(pay: &TenantFacts, set: u64, encrypted: bool) -> Assessment {
    assess(pay, &target("prod/pay"), set, encrypted, &ServerTimeZone::fixed(EAST))
}

fn last(judged: Assessment) -> Outcome {
    match judged {
        Assessment::Final(outcome) => *outcome,
        Assessment::Pending { .. } => unreachable!("it will not change by waiting"),
    }
}

fn coming(judged: Assessment) -> (String, Option<u64>, Outcome) {
    match judged {
        Assessment::Pending { what, at_least, interim: meanwhile } => (what, at_least, *meanwhile),
        Assessment::Final(outcome) => unreachable!("{outcome:?}"),
    }
}

#[test]
fn a_window_is_told_with_date_and_zone() {
    let outcome = last(judged(&pay("DOING", ago(5)), 1, false));
    assert_eq!(outcome.verdict, VerdictKind::Restorable);
    assert_eq!((outcome.from, outcome.to, outcome.set), (Some(ago(3_600)), Some(ago(5)), Some(1)));
    assert_eq!(outcome.mode, Some(Mode::Full));
    assert_eq!(
        outcome.notes,
        ["pay: 2026-11-20 10:00:00 to 10:59:55 +08:00 (server time), end moves on while archiving runs"]
    );
    assert_eq!(outcome.windows, [RecordedWindow { from: ago(3_600), to: ago(5), set: 1 }]);
    assert_eq!(outcome.fault, None);
    let stopped = last(judged(&pay("STOP", ago(60)), 1, false));
    assert_eq!(stopped.notes, ["pay: 2026-11-20 10:00:00 to 10:59:00 +08:00 (server time)"]);
    // The cluster itself as a target is called by its own name.
    let outcome = last(assess(&pay("STOP", ago(60)), &target("prod"), 1, false, &ServerTimeZone::fixed(0)));
    assert!(outcome.notes[0].starts_with("prod: 2026-11-20 02:00:00 to 02:59:00 +00:00"), "{:?}", outcome.notes);
}

/// Where printed times are not known as moments nobody knows how far the log reaches: neither a window nor a loss.
#[test]
fn without_the_servers_zone_no_log_is_known() {
    for status in ["DOING", "STOP"] {
        let mut pay = pay(status, ago(5));
        pay.archive.times = Known::NotChecked("the server's time zone is not known: time_zone is SYSTEM".into());
        let (_, _, outcome) = coming(judged(&pay, 1, false));
        assert_eq!((outcome.verdict, outcome.from, outcome.windows.len()), (VerdictKind::Unknown, None, 0));
        let fault = outcome.fault.unwrap();
        assert_eq!(
            fault.why,
            "Up to when the log is archived is not known: the server's time zone is not known: time_zone is SYSTEM."
        );
        pay.sets[0].status = SetStatus::Failed;
        assert_eq!(last(judged(&pay, 1, false)).verdict, VerdictKind::Failed, "what does not rest on the log is said");
    }
}

/// The view of pieces exists and was not read: the round alone says nothing of a piece that is gone.
#[test]
fn unread_pieces_make_no_window() {
    for status in ["DOING", "STOP"] {
        let mut pay = pay(status, ago(5));
        assert_eq!(last(judged(&pay, 1, false)).verdict, VerdictKind::Restorable, "without the view the round decides");
        pay.archive.pieces = Known::NotChecked("the login may not read them".into());
        let (_, _, outcome) = coming(judged(&pay, 1, false));
        assert_eq!((outcome.verdict, outcome.from, outcome.windows.len()), (VerdictKind::Unknown, None, 0));
        let why = outcome.fault.unwrap().why;
        assert_eq!(why, "Up to when the log is archived is not known: the login may not read them.");
    }
}

#[test]
fn log_that_is_still_coming_is_waited_for() {
    let mut waits = pay("DOING", ago(3_630));
    waits.archive.lag_target = Some(90);
    let (what, at_least, meanwhile) = coming(judged(&waits, 1, false));
    assert_eq!(
        what,
        "waits for the log up to 2026-11-20 10:00:00 +08:00; it is archived up to 2026-11-20 09:59:30 +08:00"
    );
    assert_eq!(at_least, Some(270_000), "three times the lag target, in ms");
    assert_eq!((meanwhile.verdict, meanwhile.from, meanwhile.to), (VerdictKind::NotYetRestorable, None, None));
    let fault = meanwhile.fault.unwrap();
    assert_eq!(fault.why, "The log is 30 s short of it and comes in steps of about 90 s.");
    assert_eq!(fault.next, "Watch on with: obnow watch prod/pay. It only looks again, and sends nothing.");
    assert!(meanwhile.notes.is_empty(), "the fault says it, once");
    assert!(meanwhile.restore_instructions.is_empty(), "nothing can be restored yet");
    // Three steps late, it does not come as it should.
    let mut late = waits.clone();
    late.archive.lag_target = Some(9);
    let fault = coming(judged(&late, 1, false)).2.fault.unwrap();
    assert_eq!(fault.why, "The log is 30 s short of it, and its steps are 9 s: it stands still or is too slow.");
    assert!(fault.next.starts_with("Look at the destination of the archive. Watch on with: "), "{fault}");
    late.archive.lag_target = Some(10);
    let fault = coming(judged(&late, 1, false)).2.fault.unwrap();
    assert_eq!(fault.why, "The log is 30 s short of it and comes in steps of about 10 s.");
    // A round that stands still does not come by itself.
    let (_, _, meanwhile) = coming(judged(&pay("SUSPEND", ago(3_630)), 1, false));
    assert_eq!(meanwhile.fault.unwrap().why, "Round 1 is SUSPEND and does not move by itself.");
    // Where the lag target was not read, nothing is made of it: the limit alone counts.
    waits.archive.lag_target = None;
    let (what, at_least, meanwhile) = coming(judged(&waits, 1, false));
    assert_eq!(at_least, None);
    assert!(
        what.ends_with("; in which steps it comes was not read, so limits.archive_wait alone ends the wait"),
        "{what}"
    );
    let why = "The log is 30 s short of it; in which steps it comes was not read.";
    assert_eq!(meanwhile.fault.unwrap().why, why);
    waits.archive.lag_target = Some(u64::MAX);
    assert_eq!(coming(judged(&waits, 1, false)).1, Some(u64::MAX), "no overflow");
}

#[test]
fn what_will_never_be_names_what_is_missing() {
    let mut deleted = pay("DOING", ago(5));
    deleted.sets[0].file_status = FileStatus::Deleted;
    for (what, facts, says) in [
        ("the archive broke first", pay("INTERRUPTED", ago(3_630)), "INTERRUPTED"),
        ("its files are gone", deleted, "DELETED"),
    ] {
        let outcome = last(judged(&facts, 1, false));
        assert_eq!(outcome.verdict, VerdictKind::NotRestorable, "{what}");
        let fault = outcome.fault.unwrap();
        assert!(fault.why.contains(says), "{what}: {}", fault.why);
        assert!(!fault.next.is_empty());
        assert_eq!(fault.what, "The backup of pay is done, but it cannot be restored.");
        assert!(outcome.notes.is_empty(), "{what}: the fault says it, once");
        assert!(outcome.restore_instructions.is_empty(), "{what}");
    }
}

#[test]
fn a_set_that_failed_or_is_not_to_be_found() {
    let mut facts = pay("DOING", ago(5));
    facts.sets[0].status = SetStatus::Failed;
    let outcome = last(judged(&facts, 1, false));
    assert_eq!((outcome.verdict, outcome.set), (VerdictKind::Failed, Some(1)));
    assert_eq!(
        outcome.notes.last().unwrap(),
        "Set 1 stays on the destination as it is; nothing can be restored from it."
    );
    let (what, _, meanwhile) = coming(judged(&pay("DOING", ago(5)), 9, false));
    assert_eq!(what, "waits for the view of sets");
    assert_eq!((meanwhile.verdict, meanwhile.set), (VerdictKind::Unknown, Some(9)));
}

#[test]
fn older_windows_and_the_gaps_between_are_told() {
    let mut facts = pay("DOING", ago(5));
    facts.archive.rounds[0].start = ago(4_000);
    facts.archive.rounds[0].round_id = 2;
    facts.archive.rounds.insert(0, Round { start: ago(20_000), checkpoint: ago(10_800), ..round("STOP") });
    facts.sets.insert(0, BackupSet { start_replay: ago(14_500), min_restore: ago(14_400), ..full(1) });
    facts.sets[1].id = 2;
    let outcome = last(judged(&facts, 2, false));
    assert_eq!(outcome.notes.len(), 2);
    assert_eq!(
        outcome.notes[1],
        "with older sets: 2026-11-20 10:00:00 to 10:59:55 +08:00, end moves on while archiving runs; gap 2026-11-20 08:00:00 to \
         10:00:00 +08:00; 2026-11-20 07:00:00 to 08:00:00 +08:00"
    );
    assert_eq!(outcome.windows.iter().map(|window| window.set).collect::<Vec<_>>(), [2, 1], "newest first");
}

#[test]
fn whatever_is_said_of_the_set_what_others_restore_is_told() {
    // Set 1 stands on a round that is over; set 2 on round 2, in this state.
    let two = |status: &str, checkpoint: Scn| {
        let mut facts = pay(status, checkpoint);
        facts.archive.rounds[0].start = ago(4_000);
        facts.archive.rounds[0].round_id = 2;
        facts.archive.rounds.insert(0, Round { start: ago(20_000), checkpoint: ago(10_800), ..round("STOP") });
        facts.sets.insert(0, BackupSet { start_replay: ago(14_500), min_restore: ago(14_400), ..full(1) });
        facts.sets[1].id = 2;
        facts
    };
    let old = "2026-11-20 07:00:00 to 08:00:00 +08:00";
    let sets = |outcome: &Outcome| outcome.windows.iter().map(|window| window.set).collect::<Vec<_>>();
    let red = last(judged(&two("INTERRUPTED", ago(3_630)), 2, false));
    assert_eq!((&red.notes, sets(&red)), (&vec![format!("what older sets still restore: {old}")], vec![1]));
    assert_eq!(
        red.fault.unwrap().why,
        "Log archive round 2 is INTERRUPTED at 2026-11-20 09:59:30 +08:00, and the log is needed up to 2026-11-20 \
         10:00:00 +08:00."
    );
    let amber = coming(judged(&two("DOING", ago(3_630)), 2, false)).2;
    assert_eq!((&amber.notes, sets(&amber)), (&vec![format!("with older sets: {old}")], vec![1]));
    // Its own window is not what the older ones restore.
    let mut failed = two("DOING", ago(5));
    failed.sets[1].status = SetStatus::Failed;
    let failed = last(judged(&failed, 2, false));
    assert_eq!((failed.notes.len(), sets(&failed)), (2, vec![1]));
    assert_eq!(failed.notes[1], format!("what older sets still restore: {old}"));
    let unknown = coming(judged(&two("STOP", ago(5)), 9, false)).2;
    let both = format!("2026-11-20 10:00:00 to 10:59:55 +08:00; gap 2026-11-20 08:00:00 to 10:00:00 +08:00; {old}");
    assert_eq!((&unknown.notes, sets(&unknown)), (&vec![format!("with older sets: {both}")], vec![2, 1]));
    // A newer set is not called an older one.
    let mut gone = two("STOP", ago(5));
    gone.sets[0].file_status = FileStatus::Deleted;
    let told = last(judged(&gone, 1, false)).notes;
    assert_eq!(told, ["what other sets still restore: 2026-11-20 10:00:00 to 10:59:55 +08:00"]);
    let beside = |set| other_backups(&two("STOP", ago(5)), set, &ServerTimeZone::fixed(8 * 3_600)).told.unwrap();
    assert!(beside(1).starts_with("by the views other sets still restore: "), "{}", beside(1));
    assert!(beside(2).starts_with("by the views older sets still restore: "), "{}", beside(2));
}

/// R11: what can be restored is restorable; that it is not encrypted as asked is a fault of its own, with its own exit.
#[test]
fn what_is_not_encrypted_as_asked_is_restorable_and_marked() {
    let of = |mode: &str, encrypted| {
        let mut facts = pay("DOING", ago(5));
        facts.sets[0].encryption_mode = mode.into();
        last(judged(&facts, 1, encrypted))
    };
    let proven = of("PASSWORD", true);
    assert_eq!((proven.encryption, &proven.fault, proven.is_as_asked()), (Some(Encryption::Proven), &None, true));
    assert_eq!(of("NONE", false).encryption, None, "nobody asked");
    for (mode, seen, headline, what, why) in [
        ("NONE", Encryption::Missing, "RESTORABLE, NOT ENCRYPTED", "NOT ENCRYPTED as asked", "is NONE, and a password"),
        (
            "TRANSPARENT_ENCRYPTION",
            Encryption::Missing,
            "RESTORABLE, NOT ENCRYPTED",
            "NOT ENCRYPTED",
            "is TRANSPARENT_ENCRY",
        ),
        (
            "xyz",
            Encryption::Unknown,
            "RESTORABLE, ENCRYPTION UNKNOWN",
            "ENCRYPTION UNKNOWN: whether",
            "is xyz, a word that",
        ),
        ("", Encryption::Unknown, "RESTORABLE, ENCRYPTION UNKNOWN", "ENCRYPTION UNKNOWN: whether", "was not read."),
    ] {
        let outcome = of(mode, true);
        assert_eq!((outcome.verdict, outcome.encryption), (VerdictKind::Restorable, Some(seen)), "{mode}");
        assert_eq!((outcome.headline().as_str(), outcome.is_as_asked()), (headline, false), "{mode}");
        assert_eq!(outcome.in_short(), headline.replace("RESTORABLE", "restorable"));
        let fault = outcome.fault.as_ref().unwrap();
        assert!(fault.what.starts_with(what) && fault.why.contains(why), "{mode}: {fault}");
        assert!(
            !outcome.restore_instructions.is_empty() && outcome.to.is_some(),
            "{mode}: it can be restored all the same"
        );
        assert!(outcome.severity() > proven.severity(), "{mode}");
        let again = (outcome.may_be_retried(), outcome.may_still_change(), outcome.needs_new_backup());
        assert_eq!(again, (true, seen == Encryption::Unknown, seen == Encryption::Missing), "{mode}");
        let lines = crate::domain::format::verdict_lines(&target("prod/pay"), &outcome);
        assert!(lines[0].starts_with(&format!("{headline}  pay: 2026-11-20 10:00:00 to")), "{lines:?}");
        assert!(lines.iter().any(|line| line.contains(what)), "{lines:?}");
        let kept: Outcome = serde_json::from_str(&serde_json::to_string(&outcome).unwrap()).unwrap();
        assert_eq!(kept, outcome, "a journal keeps it");
    }
    // Where something else is wrong, that comes first and this is told beside it.
    let waits = coming(judged(&pay("DOING", ago(3_630)), 1, true)).2;
    assert_eq!(waits.headline(), "NOT YET RESTORABLE, NOT ENCRYPTED");
    assert!(waits.notes.contains(&"NOT ENCRYPTED: ENCRYPTION_MODE of set 1 is NONE".to_owned()), "{:?}", waits.notes);
    // Journals of before have no such field.
    let mut old = serde_json::to_value(of("PASSWORD", true)).unwrap();
    old.as_object_mut().unwrap().remove("encryption");
    assert_eq!(serde_json::from_value::<Outcome>(old).unwrap().encryption, None);
}

#[test]
fn each_word_has_its_rank_and_state() {
    use VerdictKind::{Cancelled, Failed, NotRestorable, NotYetRestorable, Restorable, Unknown};
    let table = [
        (Restorable, "restorable", TaskState::Done, false, false),
        (NotYetRestorable, "not_yet_restorable", TaskState::Done, true, false),
        (Cancelled, "cancelled", TaskState::Cancelled, true, true),
        (NotRestorable, "not_restorable", TaskState::Done, true, true),
        (Failed, "failed", TaskState::Failed, true, true),
        (Unknown, "unknown", TaskState::Unknown, true, false),
    ];
    for (rank, (verdict, word, state, again, anew)) in table.into_iter().enumerate() {
        assert_eq!((verdict.word(), usize::from(verdict.severity())), (word, rank));
        assert_eq!((verdict.task_state(), verdict.may_be_retried(), verdict.needs_new_backup()), (state, again, anew));
        assert_eq!(serde_json::to_value(verdict).unwrap(), word, "the journal has the word of JSON");
        let headline = verdict.headline();
        assert_eq!(headline, headline.to_uppercase());
    }
}

#[test]
fn ends_without_a_verdict_keep_their_fault() {
    let fault = Fault::new(Cause::Server, "What.", "Why.", "Next.");
    let failed = Outcome::failed(fault.clone(), Some(4));
    assert_eq!(failed.notes, ["Set 4 stays on the destination as it is; nothing can be restored from it."]);
    assert!(Outcome::failed(fault.clone(), None).notes.is_empty());
    assert_eq!(Outcome::cancelled(fault.clone(), Some(4)).verdict, VerdictKind::Cancelled);
    assert_eq!(Outcome::unknown(fault.clone()).fault, Some(fault));
    let instant = Outcome::instant(ago(1), vec!["told".into()], vec!["how".into()]);
    assert_eq!((instant.from, instant.to, instant.verdict), (Some(ago(1)), Some(ago(1)), VerdictKind::Restorable));
}
