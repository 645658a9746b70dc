#![allow(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

use proptest::prelude::*;

use super::*;
use crate::domain::time_zone::ServerTimeZone;

mod laws;

/// Returns a good full set that needs the log from 100 on, and can be restored from 150 on.
fn full(id: u64) -> BackupSet {
    BackupSet {
        id,
        kind: SetKind::Full,
        prev_full: 0,
        prev_inc: 0,
        tenant_level: false,
        status: SetStatus::Success,
        file_status: FileStatus::Available,
        start_replay: Scn(100),
        min_restore: Scn(150),
        log_needed_to: None,
        plus_archivelog: false,
        encryption_mode: "NONE".into(),
        dest_id: 1001,
        path: "file:///b/data".into(),
        bytes: Some(1),
        data_version: None,
        cluster_version: None,
        restores_here: Some(true),
        started: None,
        ended: None,
    }
}

fn incremental(id: u64, prev_full: u64, prev_inc: u64) -> BackupSet {
    BackupSet { kind: SetKind::Incremental, prev_full, prev_inc, ..full(id) }
}

fn piece(piece_id: u64, start: u64, end: u64, checkpoint: u64) -> Piece {
    let status = if checkpoint >= end { PieceStatus::Frozen } else { PieceStatus::Active };
    let (start, end, checkpoint) = (Scn(start), Some(Scn(end)), Scn(checkpoint));
    Piece { dest_id: 1002, round_id: 1, piece_id, status, file_status: FileStatus::Available, start, end, checkpoint }
}

fn round(status: RoundStatus, start: u64, checkpoint: u64) -> Round {
    Round { round_id: 1, dest_id: 1002, status, start: Scn(start), checkpoint: Scn(checkpoint), path: String::new() }
}

fn judge(set: &BackupSet, pieces: Option<&[Piece]>, rounds: &[Round]) -> Verdict {
    let sets = [set.clone()];
    let facts = VerdictInput { job: &JobEnd::Completed, set: Some(set), sets: &sets, pieces, rounds };
    verdict(&facts)
}

fn window(from: u64, to: u64, set: u64, growing: bool) -> Window {
    Window { from: Scn(from), to: Scn(to), set, growing, from_set_alone: false }
}

#[test]
fn the_window_ends_where_the_unbroken_log_ends() {
    let doing = [round(RoundStatus::Doing, 50, 400)];
    let other_dest = Piece { dest_id: 9, ..piece(2, 200, 300, 300) };
    let broken = Piece { file_status: FileStatus::Broken, ..piece(2, 200, 300, 300) };
    let inactive = Piece { status: PieceStatus::Inactive, ..piece(1, 50, 200, 170) };
    let frozen = |checkpoint| Piece { status: PieceStatus::Frozen, ..piece(1, 50, 200, checkpoint) };
    let next_round = Piece { round_id: 2, ..piece(2, 200, 500, 400) };
    let incomplete = Piece { file_status: FileStatus::Incomplete, ..piece(2, 200, 500, 200) };
    let endless = Piece { end: None, ..piece(2, 200, 900, 400) };
    for (what, pieces, wanted) in [
        ("one piece", vec![piece(1, 50, 500, 400)], Some((400, true))),
        ("two in a row", vec![piece(1, 50, 200, 200), piece(2, 200, 500, 400)], Some((400, true))),
        ("in any order", vec![piece(2, 200, 500, 400), piece(1, 50, 200, 200)], Some((400, true))),
        ("no end known", vec![piece(1, 50, 200, 200), endless], Some((400, true))),
        ("a gap", vec![piece(1, 50, 200, 200), piece(3, 201, 500, 400)], Some((200, true))),
        ("another destination", vec![piece(1, 50, 200, 200), other_dest], Some((200, true))),
        ("a broken one between", vec![piece(1, 50, 200, 200), broken, piece(3, 300, 500, 400)], Some((200, true))),
        ("the round ended in it", vec![inactive, piece(2, 200, 500, 400)], Some((170, false))),
        ("the log of a piece ends before it", vec![frozen(170), piece(2, 200, 500, 400)], Some((400, true))),
        ("even before the point", vec![frozen(90), piece(2, 200, 500, 400)], Some((400, true))),
        ("a stopped round is frozen before its end", vec![frozen(170), next_round.clone()], Some((170, true))),
        ("and covers nothing behind its log", vec![frozen(90), next_round], None),
        ("the next one has no log yet", vec![piece(1, 50, 200, 200), incomplete], Some((200, true))),
        ("too late", vec![piece(1, 101, 500, 400)], None),
        ("begins at the point", vec![piece(1, 100, 500, 400)], Some((400, true))),
        ("not far enough", vec![piece(1, 50, 500, 149)], None),
        ("just far enough", vec![piece(1, 50, 500, 150)], Some((150, true))),
        ("none", vec![], None),
    ] {
        let found = window_of(&full(1), Some(&pieces), &doing);
        assert_eq!(found, wanted.map(|(to, growing)| window(150, to, 1, growing)), "{what}");
    }
}

#[test]
fn without_the_view_of_pieces_the_round_says_it() {
    for (rounds, wanted) in [
        (vec![round(RoundStatus::Doing, 50, 400)], Some(window(150, 400, 1, true))),
        (vec![round(RoundStatus::Stop, 50, 400)], Some(window(150, 400, 1, false))),
        (vec![round(RoundStatus::Suspend, 100, 150)], Some(window(150, 150, 1, false))),
        (vec![round(RoundStatus::Doing, 101, 400)], None),
        (vec![round(RoundStatus::Stop, 50, 149), round(RoundStatus::Doing, 149, 400)], None),
        (vec![round(RoundStatus::Prepare, 0, 400)], None),
        (vec![round(RoundStatus::Beginning, 0, 400)], None),
    ] {
        assert_eq!(window_of(&full(1), None, &rounds), wanted, "{rounds:?}");
    }
}

#[test]
fn older_lines_wait_for_the_completion_too() {
    let set = BackupSet { start_replay: Scn(100), min_restore: Scn(100), log_needed_to: Some(Scn(180)), ..full(1) };
    assert_eq!(window_of(&set, None, &[round(RoundStatus::Doing, 50, 179)]), None);
    assert_eq!(window_of(&set, None, &[round(RoundStatus::Doing, 50, 180)]), Some(window(100, 180, 1, true)));
}

/// Such a point gives no window, not even for a set that has its log inside.
#[test]
fn an_earliest_point_before_the_log_of_the_set_is_no_bound() {
    let doing = [round(RoundStatus::Doing, 50, 400)];
    let v4 = |min_restore| BackupSet { min_restore: Scn(min_restore), ..full(1) };
    let v3 = |snapshot| BackupSet { log_needed_to: Some(Scn(180)), ..v4(snapshot) };
    for (set, column) in [(v4(17), "MIN_RESTORE_SCN"), (v4(99), "MIN_RESTORE_SCN"), (v3(17), "SNAPSHOT_VERSION")] {
        let inside = BackupSet { plus_archivelog: true, ..set.clone() };
        for set in [set, inside] {
            assert_eq!(window_of(&set, None, &doing), None, "{column}");
            assert_eq!(windows(std::slice::from_ref(&set), None, &doing), Windows::default(), "{column}");
            let Verdict::Unknown(why) = judge(&set, None, &doing) else { unreachable!("{column} is a bound") };
            assert!(why.contains(&format!("its {column} is before its START_REPLAY_")), "{why}");
        }
    }
    assert_eq!(window_of(&v4(100), None, &doing), Some(window(100, 400, 1, true)));
}

#[test]
fn not_yet_is_told_from_never() {
    use RoundStatus as R;
    let other = |word: &str| R::Other(word.into());
    for (what, rounds, word) in [
        ("still coming", vec![round(R::Doing, 50, 149)], "not_yet_restorable"),
        ("paused", vec![round(R::Suspend, 50, 149)], "not_yet_restorable"),
        ("being stopped", vec![round(R::Stopping, 50, 149)], "not_yet_restorable"),
        ("come", vec![round(R::Doing, 50, 150)], "restorable"),
        ("stopped before", vec![round(R::Stop, 50, 149)], "not_restorable"),
        ("broke before", vec![round(R::Interrupted, 50, 149)], "not_restorable"),
        ("broke after", vec![round(R::Interrupted, 50, 151)], "restorable"),
        ("began too late", vec![round(R::Doing, 101, 400)], "not_restorable"),
        ("a new round since", vec![round(R::Stop, 50, 140), round(R::Doing, 141, 400)], "not_restorable"),
        ("no round", vec![], "not_restorable"),
        ("a strange word", vec![round(other("MIXED"), 50, 149)], "unknown"),
    ] {
        assert_eq!(judge(&full(1), None, &rounds).word(), word, "{what}");
    }
    let wait = judge(&full(1), None, &[round(R::Suspend, 50, 149)]);
    let wanted = NotYet { have: Scn(149), need: Scn(150), round_id: 1, round_status: R::Suspend };
    assert_eq!(wait, Verdict::NotYet(wanted));
}

#[test]
fn a_piece_that_is_gone_is_never_a_wait() {
    let doing = [round(RoundStatus::Doing, 50, 140)];
    let with = |status: FileStatus| Piece { file_status: status, ..piece(1, 50, 120, 120) };
    for (pieces, word) in [
        (vec![piece(1, 50, 120, 120), piece(2, 120, 500, 140)], "not_yet_restorable"),
        (vec![piece(1, 50, 120, 120)], "not_yet_restorable"),
        (vec![with(FileStatus::Copying), piece(2, 120, 500, 140)], "not_yet_restorable"),
        (vec![with(FileStatus::Broken), piece(2, 120, 500, 140)], "not_restorable"),
        (vec![with(FileStatus::Deleted), piece(2, 120, 500, 140)], "not_restorable"),
        (vec![piece(2, 120, 500, 140)], "not_restorable"),
        (vec![piece(1, 50, 110, 110), piece(3, 120, 500, 140)], "not_restorable"),
    ] {
        assert_eq!(judge(&full(1), Some(&pieces), &doing).word(), word, "{pieces:?}");
    }
    let past = [round(RoundStatus::Doing, 50, 200)];
    assert_eq!(judge(&full(1), Some(&[]), &past).word(), "not_restorable");
}

/// A log stream is past the boundary of two pieces, and the round's checkpoint is not: the newest pieces are INCOMPLETE then.
#[test]
fn a_piece_that_the_log_has_not_reached_is_a_wait() {
    let incomplete = |id, start, end, status: &str| Piece {
        status: PieceStatus::from(status),
        file_status: FileStatus::Incomplete,
        ..piece(id, start, end, start)
    };
    for (what, of, last, word) in [
        ("the newest", RoundStatus::Doing, incomplete(2, 120, 500, "ACTIVE"), "not_yet_restorable"),
        ("being stopped", RoundStatus::Stopping, incomplete(2, 120, 500, "ACTIVE"), "not_yet_restorable"),
        ("a strange word", RoundStatus::Doing, incomplete(2, 120, 500, "WAITING"), "not_yet_restorable"),
        ("closed", RoundStatus::Doing, incomplete(2, 120, 500, "FROZEN"), "not_restorable"),
        ("given up", RoundStatus::Doing, incomplete(2, 120, 500, "INACTIVE"), "not_restorable"),
        ("of a round that is over", RoundStatus::Interrupted, incomplete(2, 120, 500, "ACTIVE"), "not_restorable"),
    ] {
        let pieces = [piece(1, 50, 120, 118), last];
        assert_eq!(judge(&full(1), Some(&pieces), &[round(of, 50, 118)]).word(), word, "{what}");
    }
    let pieces = [piece(1, 50, 120, 118), incomplete(2, 120, 130, "ACTIVE"), incomplete(3, 130, 500, "ACTIVE")];
    let Verdict::NotYet(wait) = judge(&full(1), Some(&pieces), &[round(RoundStatus::Doing, 50, 118)]) else {
        unreachable!("several may be ahead of the log")
    };
    assert_eq!((wait.have, wait.need), (Scn(118), Scn(150)));
}

#[test]
fn plus_archivelog_gives_one_point_at_once() {
    let set = BackupSet { plus_archivelog: true, ..full(1) };
    assert_eq!(judge(&set, None, &[]), Verdict::Restorable(Window::of_set_alone(Scn(150), 1)));
    let grown = judge(&set, None, &[round(RoundStatus::Doing, 50, 400)]);
    assert_eq!(grown, Verdict::Restorable(window(150, 400, 1, true)));
}

#[test]
fn the_job_and_the_set_come_before_the_log() {
    let doing = [round(RoundStatus::Doing, 50, 400)];
    let set_of = |status: &str, files: &str| BackupSet { status: status.into(), file_status: files.into(), ..full(1) };
    for (status, files, word) in [
        ("SUCCESS", "AVAILABLE", "restorable"),
        ("FAILED", "AVAILABLE", "failed"),
        ("FAILED", "INCOMPLETE", "failed"),
        ("DOING", "INCOMPLETE", "unknown"),
        ("PONDERING", "AVAILABLE", "unknown"),
        ("SUCCESS", "COPYING", "unknown"),
        ("SUCCESS", "MISLAID", "unknown"),
        ("SUCCESS", "INCOMPLETE", "not_restorable"),
        ("SUCCESS", "BROKEN", "not_restorable"),
        ("SUCCESS", "DELETED", "not_restorable"),
    ] {
        assert_eq!(judge(&set_of(status, files), None, &doing).word(), word, "{status} {files}");
    }
    let set = full(1);
    for (job, set, word) in [
        (JobEnd::Failed, Some(&set), "failed"),
        (JobEnd::Cancelled, Some(&set), "cancelled"),
        (JobEnd::Unsettled("no row".into()), Some(&set), "unknown"),
        (JobEnd::Completed, None, "unknown"),
    ] {
        let facts = VerdictInput { job: &job, set, sets: &[], pieces: None, rounds: &doing };
        assert_eq!(verdict(&facts).word(), word, "{job:?}");
    }
}

#[test]
fn only_a_word_of_a_password_proves_encryption() {
    use Encryption::{Missing, Proven, Unknown};
    for (mode, asked) in [
        ("PASSWORD", Proven),
        ("password", Proven),
        (" PASSWORD_ENCRYPTION ", Proven),
        ("DUAL_MODE_ENCRYPTION", Proven),
        ("NONE", Missing),
        ("None", Missing),
        ("TRANSPARENT_ENCRYPTION", Missing),
        ("", Unknown),
        ("xyz", Unknown),
    ] {
        let set = BackupSet { encryption_mode: mode.into(), ..full(1) };
        assert_eq!(set.as_asked(), asked, "{mode:?}");
        assert_eq!(judge(&set, None, &[round(RoundStatus::Doing, 50, 400)]).word(), "restorable", "{mode:?}");
    }
    assert_eq!([Proven, Missing, Unknown].map(Encryption::word), ["proven", "missing", "unknown"]);
    let marks = [None, Some("NOT ENCRYPTED"), Some("ENCRYPTION UNKNOWN")];
    assert_eq!([Proven, Missing, Unknown].map(Encryption::mark), marks);
}

/// R10: a bound that is 0 or was not read is none: no verdict on a window follows, for better or worse.
#[test]
fn a_bound_that_was_not_read_is_no_bound() {
    let doing = [round(RoundStatus::Doing, 50, 400)];
    for (what, set) in [
        ("the replay", BackupSet { start_replay: Scn(0), ..full(1) }),
        ("the earliest point", BackupSet { min_restore: Scn(0), ..full(1) }),
        ("its end", BackupSet { log_needed_to: Some(Scn(0)), ..full(1) }),
        ("its data version", BackupSet { restores_here: None, ..full(1) }),
        ("with log inside", BackupSet { min_restore: Scn(0), plus_archivelog: true, ..full(1) }),
    ] {
        assert_eq!(window_of(&set, None, &doing), None, "{what}");
        assert_eq!(windows(std::slice::from_ref(&set), None, &doing).0, [], "{what}");
        assert_eq!(judge(&set, None, &doing).word(), "unknown", "{what}");
    }
    let unread = Piece { start: Scn(0), ..piece(1, 50, 500, 400) };
    assert_eq!(window_of(&full(1), Some(&[unread]), &doing), None, "a piece without a start covers nothing");
}

/// A cluster of V4.1 or later restores no set of V4.0, whatever its log.
#[test]
fn a_set_that_is_too_old_for_the_cluster_is_no_window() {
    let doing = [round(RoundStatus::Doing, 50, 400)];
    let old = BackupSet { restores_here: Some(false), data_version: Some("4.0.0.0".into()), ..full(1) };
    assert_eq!(windows(std::slice::from_ref(&old), None, &doing).0, []);
    let Verdict::NotRestorable(missing) = judge(&old, None, &doing) else { unreachable!("it is refused") };
    let why = "Backup set 1 was made at data version 4.0.0.0, and V4.1 and later restore none below 4.1 (4179).";
    assert_eq!(missing.to_string(), why);
    let sets = [old, incremental(2, 1, 1)];
    assert!(matches!(chain(&sets[1], &sets), Err(BrokenChain::TooOld { id: 1, .. })), "nor what stands on it");
}

#[test]
fn a_chain_is_followed_to_its_full() {
    let sets = [full(1), incremental(2, 1, 1), incremental(4, 1, 2), incremental(5, 1, 0), full(6)];
    assert_eq!(chain(&sets[0], &sets), Ok(vec![1]));
    assert_eq!(chain(&sets[2], &sets), Ok(vec![1, 2, 4]));
    assert_eq!(chain(&sets[3], &sets), Ok(vec![1, 5]), "no incremental before it");
    assert_eq!(chain(&sets[4], &sets), Ok(vec![6]));
}

#[test]
fn a_broken_chain_says_where() {
    let broken = BackupSet { file_status: FileStatus::Broken, ..incremental(2, 1, 1) };
    let not_good = BrokenChain::NotGood { id: 2, status: "SUCCESS".into(), file_status: "BROKEN".into() };
    for (sets, wanted) in [
        (vec![incremental(4, 1, 2), full(1)], BrokenChain::Missing { missing: 2, needed_by: 4 }),
        (vec![incremental(4, 1, 2), incremental(2, 1, 1)], BrokenChain::Missing { missing: 1, needed_by: 2 }),
        (vec![incremental(4, 1, 2), broken, full(1)], not_good),
        (vec![incremental(4, 0, 0)], BrokenChain::NoFull(4)),
        (vec![incremental(4, 1, 4), full(1)], BrokenChain::NoFull(4)),
        (vec![incremental(4, 1, 3), full(3), full(1)], BrokenChain::NoFull(4)),
        (vec![BackupSet { kind: "WEEKLY".into(), ..full(4) }], BrokenChain::NoFull(4)),
    ] {
        assert_eq!(chain(&sets[0], &sets), Err(wanted));
    }
}

#[test]
fn words_are_read_and_kept() {
    for (word, kind) in
        [("FULL", SetKind::Full), ("D", SetKind::Full), ("inc", SetKind::Incremental), ("I", SetKind::Incremental)]
    {
        assert_eq!(SetKind::from(word), kind);
    }
    let strange = RoundStatus::from("Pausing");
    assert_eq!(strange.to_string(), "Pausing");
    assert_eq!(serde_json::to_string(&strange).unwrap(), "\"Pausing\"");
    assert_eq!(serde_json::from_str::<RoundStatus>("\"DOING\"").unwrap(), RoundStatus::Doing);
}

#[test]
fn each_verdict_has_its_word_and_code() {
    let not_yet = judge(&full(1), None, &[round(RoundStatus::Doing, 50, 120)]);
    let never = judge(&full(1), None, &[]);
    let good = judge(&full(1), None, &[round(RoundStatus::Doing, 50, 400)]);
    let verdicts = [good, not_yet, Verdict::Unknown(String::new()), Verdict::Cancelled, never, Verdict::Failed];
    let table = [
        ("restorable", 0),
        ("not_yet_restorable", 3),
        ("unknown", 21),
        ("cancelled", 23),
        ("not_restorable", 22),
        ("failed", 20),
    ];
    for verdict in &verdicts {
        let json = serde_json::to_string(verdict).unwrap();
        assert_eq!(&serde_json::from_str::<Verdict>(&json).unwrap(), verdict, "a journal keeps it: {json}");
    }
    for (verdict, expected) in verdicts.iter().zip(table) {
        assert_eq!((verdict.word(), verdict.exit_code()), expected);
    }
}

#[test]
fn windows_are_told_newest_first_with_their_gaps() {
    let at = |id, from: u64| BackupSet { start_replay: Scn(from), min_restore: Scn(from + 50), ..full(id) };
    let sets = [at(1, 100), at(2, 200), at(3, 600), at(4, 900)];
    let old = Round { round_id: 1, ..round(RoundStatus::Stop, 50, 300) };
    let new = Round { round_id: 2, ..round(RoundStatus::Doing, 550, 800) };
    let found = windows(&sets, None, &[old, new]);
    assert_eq!(found.0, [window(650, 800, 3, true), window(150, 300, 2, false)]);
    assert_eq!(found.gaps(), [Gap { from: Scn(300), to: Scn(650) }]);
    assert_eq!(found.spans().len(), 3);
    assert_eq!(found.at(Scn(160)).map(|window| window.set), Some(2));
    assert_eq!(found.at(Scn(400)), None);
}

#[test]
fn a_window_is_told_with_dates_and_zone() {
    let second = 1_000_000_000;
    let from = 1_795_116_700 * second;
    let eight = &ServerTimeZone::fixed(8 * 3_600);
    assert_eq!(
        window(from, from + 15 * second, 1, true).text(eight),
        "2026-11-20 03:31:40 to 03:31:55 +08:00, end moves on while archiving runs"
    );
    assert_eq!(Window::of_set_alone(Scn(from), 1).text(eight), "2026-11-20 03:31:40 +08:00");
}

#[test]
fn what_is_missing_is_told_in_sentences() {
    let Verdict::NotRestorable(missing) = judge(&full(1), None, &[round(RoundStatus::Interrupted, 50, 120)]) else {
        unreachable!("the archive broke")
    };
    assert_eq!(
        missing.to_string(),
        "Log archive round 1 is INTERRUPTED at 1970-01-01T00:00:00.00000012Z, and the log is needed up to \
         1970-01-01T00:00:00.00000015Z."
    );
    assert_eq!(
        missing.description(&ServerTimeZone::fixed(28_800)),
        "Log archive round 1 is INTERRUPTED at 1970-01-01 08:00:00 +08:00, and the log is needed up to 1970-01-01 \
         08:00:00 +08:00."
    );
    assert!(missing.next().contains("new full backup"));
    let chain = Missing::Chain(BrokenChain::Missing { missing: 2, needed_by: 4 });
    assert_eq!(chain.to_string(), "Backup set 2, which set 4 stands on, is gone.");
    let hour = Scn(3_600_000_000_000);
    let told = Missing::NotCovered { need_from: hour }.description(&ServerTimeZone::fixed(0));
    assert_eq!(
        told,
        "No log archive round covers 1970-01-01 01:00:00 +00:00, from where the backup set needs the log."
    );
    let told = Missing::PieceGone { round_id: 3, after: hour }.description(&ServerTimeZone::fixed(-3_600));
    assert_eq!(told, "Archived log is not there: a piece of round 3 after 1970-01-01 00:00:00 -01:00 is gone.");
}

#[test]
fn a_piece_whose_status_is_not_known_makes_no_window_and_is_named() {
    let set = full(1);
    let rounds = [round(RoundStatus::Doing, 50, 400)];
    let mut strange = piece(7, 50, 1_000, 400);
    assert!(matches!(judge(&set, Some(&[strange.clone()]), &rounds), Verdict::Restorable(_)));
    strange.status = PieceStatus::Other("MELTING".to_owned());
    let Verdict::Unknown(why) = judge(&set, Some(&[strange]), &rounds) else { unreachable!() };
    assert_eq!(why, "The status of piece 7 of log archive round 1 is MELTING.");
}
