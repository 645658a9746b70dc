//! Properties that hold for any archive and any sets.

use super::*;

/// Returns contiguous pieces of the given lengths from 50 on, whose log is complete except that of the last.
fn run(lengths: &[u64]) -> Vec<Piece> {
    let mut at = 50;
    let mut pieces = Vec::new();
    for (index, length) in lengths.iter().enumerate() {
        let last = index + 1 == lengths.len();
        let checkpoint = if last { at + length / 2 } else { at + length };
        pieces.push(piece(index as u64 + 1, at, at + length, checkpoint));
        at += length;
    }
    pieces
}

/// Generates pieces without any order between them, some overlapping, some not available.
fn any_pieces() -> impl Strategy<Value = Vec<Piece>> {
    let one = (1_u64..8, 1_u64..5, 0_u64..5, 0..6, 0..5).prop_map(|(start, length, done, files, dest)| {
        let (start, end) = (start * 40, (start + length) * 40);
        let mut piece = piece(start, start, end, (start + done * 40).min(end));
        if files == 0 {
            piece.file_status = FileStatus::Broken;
        }
        if dest == 0 {
            piece.dest_id = 9;
        }
        piece
    });
    proptest::collection::vec(one, 0..9)
}

fn to(found: Option<&Window>) -> Option<Scn> {
    found.map(|window| window.to)
}

proptest! {
    #[test]
    fn a_run_without_a_gap_reaches_to_its_last_checkpoint(lengths in proptest::collection::vec(2_u64..80, 1..8)) {
        let pieces = run(&lengths);
        let end = pieces.last().unwrap().checkpoint;
        let found = window_of(&full(1), Some(&pieces), &[]);
        prop_assert_eq!(to(found.as_ref()), (end >= Scn(150)).then_some(end));
    }

    #[test]
    fn no_window_extends_over_a_piece_that_is_not_available(
        lengths in proptest::collection::vec(2_u64..80, 2..8),
        lost: prop::sample::Index,
    ) {
        let mut pieces = run(&lengths);
        let lost = lost.index(pieces.len());
        pieces[lost].file_status = FileStatus::Deleted;
        let (start, end) = (pieces[lost].start, pieces[lost].end.unwrap());
        if let Some(found) = window_of(&full(1), Some(&pieces), &[]) {
            // Either the gap ends before the set needs log, or the window ends at it.
            prop_assert!(end <= Scn(100) || found.to <= start, "{found:?} over {start:?}");
        }
    }

    #[test]
    fn dropping_a_piece_never_lengthens_the_window(pieces in any_pieces(), drop: prop::sample::Index) {
        let all = window_of(&full(1), Some(&pieces), &[]);
        let mut fewer = pieces;
        if !fewer.is_empty() {
            fewer.remove(drop.index(fewer.len()));
        }
        prop_assert!(to(window_of(&full(1), Some(&fewer), &[]).as_ref()) <= to(all.as_ref()));
    }

    #[test]
    fn a_window_has_its_beginning_before_its_end(pieces in any_pieces(), plus: bool) {
        let set = BackupSet { plus_archivelog: plus, ..full(1) };
        let found = window_of(&set, Some(&pieces), &[]);
        prop_assert!(!plus || found.is_some());
        if let Some(found) = found {
            prop_assert!(found.from <= found.to);
            prop_assert_eq!(found.from, set.min_restore);
        }
    }

    #[test]
    fn restorable_is_said_exactly_where_a_window_is(pieces in any_pieces(), checkpoint in 1_u64..400) {
        for status in [RoundStatus::Doing, RoundStatus::Interrupted] {
            let rounds = [round(status, 40, checkpoint)];
            let found = window_of(&full(1), Some(&pieces), &rounds);
            let said = match judge(&full(1), Some(&pieces), &rounds) {
                Verdict::Restorable(window) => Some(window),
                Verdict::NotYet(_) | Verdict::NotRestorable(_) => None,
                other => return Err(TestCaseError::fail(format!("{other:?}"))),
            };
            prop_assert_eq!(said, found);
        }
    }

    #[test]
    fn what_is_not_yet_turns_with_the_round(checkpoint in 50_u64..150) {
        let judge = |status, checkpoint| judge(&full(1), None, &[round(status, 50, checkpoint)]);
        prop_assert_eq!(judge(RoundStatus::Doing, checkpoint).word(), "not_yet_restorable");
        prop_assert_eq!(judge(RoundStatus::Doing, 150).word(), "restorable");
        prop_assert_eq!(judge(RoundStatus::Interrupted, checkpoint).word(), "not_restorable");
        prop_assert_eq!(judge(RoundStatus::Stop, checkpoint).word(), "not_restorable");
    }

    #[test]
    fn windows_stand_apart_and_hold_every_good_set(starts in proptest::collection::vec(50_u64..900, 0..8), pieces in any_pieces()) {
        let sets: Vec<_> = (1..).zip(&starts).map(|(id, start)| BackupSet {
            start_replay: Scn(*start), min_restore: Scn(start + 10), ..full(id)
        }).collect();
        let found = windows(&sets, Some(&pieces), &[]);
        for pair in found.0.windows(2) {
            prop_assert!(pair[0].from > pair[1].to);
        }
        for set in &sets {
            if let Some(own) = window_of(set, Some(&pieces), &[]) {
                let holder = found.at(own.from).unwrap();
                prop_assert!(holder.to >= own.to && holder.set >= own.set);
            }
        }
    }

    #[test]
    fn a_chain_begins_with_a_full_and_ends_with_the_set(links in proptest::collection::vec((0_u64..8, 0_u64..8, 0..4), 1..8)) {
        let sets: Vec<_> = (1..).zip(&links).map(|(id, (prev_full, prev_inc, kind))| {
            if *kind == 0 { full(id) } else { incremental(id, *prev_full, *prev_inc) }
        }).collect();
        for set in &sets {
            if let Ok(ids) = chain(set, &sets) {
                prop_assert_eq!(ids.last(), Some(&set.id));
                prop_assert!(ids.is_sorted());
                let first = sets.iter().find(|other| other.id == ids[0]).unwrap();
                prop_assert_eq!(&first.kind, &SetKind::Full);
            }
        }
    }

    #[test]
    fn pieces_of_rounds_that_are_not_needed_change_nothing(
        spans in proptest::collection::vec((1_u64..100, 0_u64..60, 0..4, 0..5), 1..7),
        starts in proptest::collection::vec((0_u64..700, 0..4), 0..5),
    ) {
        let sets: Vec<_> = (1..).zip(&starts).map(|(id, (start, files))| {
            let file_status = if *files == 0 { FileStatus::Deleted } else { FileStatus::Available };
            BackupSet { start_replay: Scn(*start), min_restore: Scn(start + 10), file_status, ..full(id) }
        }).collect();
        let (rounds, pieces) = archive(&spans);
        let needed = rounds_needed(&sets, &rounds);
        let is_needed = |piece: &&Piece| needed.as_ref().is_none_or(|ids| ids.contains(&piece.round_id));
        let less: Vec<Piece> = pieces.iter().filter(is_needed).cloned().collect();
        prop_assert_eq!(windows(&sets, Some(&pieces), &rounds), windows(&sets, Some(&less), &rounds));
        for set in &sets {
            let of = |pieces| VerdictInput { job: &JobEnd::Completed, set: Some(set), sets: &sets, pieces: Some(pieces), rounds: &rounds };
            prop_assert_eq!(verdict(&of(&pieces)), verdict(&of(&less)));
        }
    }
}

/// Returns consecutive rounds, all over except the last, with two pieces each. A span is the round's length, the gap before it,
/// the state of the files of its first piece, and how much longer its last piece was planned to be.
fn archive(spans: &[(u64, u64, i32, i32)]) -> (Vec<Round>, Vec<Piece>) {
    let (mut rounds, mut pieces) = (Vec::new(), Vec::new());
    let mut at = 50;
    for (id, (length, gap, files, planned)) in (1_u64..).zip(spans) {
        let start = at + if *gap < 20 { 0 } else { *gap };
        let end = start + length;
        let status = if id == spans.len() as u64 { RoundStatus::Doing } else { RoundStatus::Stop };
        rounds.push(Round { round_id: id, ..round(status, start, end) });
        let middle = start + length / 2;
        let mut first = Piece { round_id: id, ..piece(id * 10, start, middle, middle) };
        if *files == 0 {
            first.file_status = FileStatus::Deleted;
        }
        let planned = end + u64::try_from(*planned).unwrap_or_default() * 30;
        let last = Piece { round_id: id, status: PieceStatus::Frozen, ..piece(id * 10 + 1, middle, planned, end) };
        pieces.extend([first, last]);
        at = end;
    }
    (rounds, pieces)
}

#[test]
fn rounds_that_ended_before_the_first_good_set_are_not_needed() {
    let old = Round { round_id: 1, ..round(RoundStatus::Stop, 10, 90) };
    let next = Round { round_id: 2, ..round(RoundStatus::Stop, 95, 300) };
    let now = Round { round_id: 3, ..round(RoundStatus::Doing, 300, 400) };
    let rounds = [old.clone(), next, now];
    assert_eq!(rounds_needed(&[full(1)], &rounds), Some(vec![2, 3]));
    assert_eq!(rounds_needed(&[full(1), BackupSet { start_replay: Scn(60), ..full(2) }], &rounds), None);
    // The point from which the set needs the log was not read: no window can be made with it.
    assert_eq!(rounds_needed(&[BackupSet { start_replay: Scn(0), ..full(1) }], &rounds), Some(vec![3]));
    assert_eq!(rounds_needed(&[full(1)], &[Round { checkpoint: Scn(0), ..old.clone() }]), None, "its end was not read");
    assert_eq!(rounds_needed(&[full(1)], &[Round { status: RoundStatus::Suspend, ..old }]), None, "it can go on");
}
