//! How far the unbroken log reaches from the point at which a set needs it.

use std::collections::BTreeSet;

use super::{BackupSet, FileStatus, Piece, PieceStatus, Round, RoundStatus, Scn};

/// How far the log reaches from a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reach {
    /// The point up to which it is complete.
    pub to: Scn,
    /// Whether the round at its end is archiving.
    pub growing: bool,
}

impl Piece {
    /// Returns its end, where one is known.
    pub(super) fn known_end(&self) -> Option<Scn> {
        self.end.filter(|end| *end != Scn::MAX)
    }

    /// Returns whether the log continues in `next`: it begins where this piece ends, on the same destination. A frozen piece may
    /// have a checkpoint before its end, for want of log; but the last one of a stopped round is frozen too, with the end that
    /// was planned and never reached (V4.3.1 source, `ObDestRoundCheckpointer::generate_one_piece_`).
    fn is_continued_by(&self, next: &Self) -> bool {
        let reached = |end: &Scn| {
            self.checkpoint >= *end || (self.status == PieceStatus::Frozen && self.round_id == next.round_id)
        };
        self.dest_id == next.dest_id && self.known_end().filter(reached) == Some(next.start)
    }
}

/// Returns how far the log reaches from `start`; `None` where nothing covers it.
///
/// With pieces: along available pieces of one destination, each beginning where the one before ended. Without: the round that
/// [`covering`] returns.
pub(super) fn reach(start: Scn, pieces: Option<&[Piece]>, rounds: &[Round]) -> Option<Reach> {
    match pieces {
        Some(pieces) => reach_by_pieces(start, pieces, rounds),
        None => covering(start, rounds).map(|round| Reach { to: round.checkpoint, growing: is_growing(round) }),
    }
    .filter(|reach| reach.to >= start)
}

fn reach_by_pieces(start: Scn, pieces: &[Piece], rounds: &[Round]) -> Option<Reach> {
    // A start of 0 was not read. What an unknown status means for the log is not known.
    let is_there = |piece: &&Piece| {
        piece.file_status == FileStatus::Available
            && piece.start > Scn(0)
            && !matches!(piece.status, PieceStatus::Other(_))
    };
    let mut available: Vec<&Piece> = pieces.iter().filter(is_there).collect();
    available.sort_by_key(|piece| (piece.start, piece.known_end().unwrap_or(Scn::MAX)));
    let mut joined: Vec<&Piece> = Vec::new();
    for piece in available {
        // Its checkpoint, or the piece that continues it, shows whether its log reaches the point.
        let covers = piece.start <= start && piece.known_end().unwrap_or(Scn::MAX).max(piece.checkpoint) >= start;
        if covers || joined.iter().any(|before| before.is_continued_by(piece)) {
            joined.push(piece);
        }
    }
    let last = joined.into_iter().max_by_key(|piece| piece.checkpoint)?;
    let of_last = |round: &&Round| round.dest_id == last.dest_id && round.round_id == last.round_id;
    let growing = rounds.iter().find(of_last).is_some_and(is_growing);
    let open = matches!(last.status, PieceStatus::Active | PieceStatus::Freezing | PieceStatus::Frozen);
    Some(Reach { to: last.checkpoint, growing: growing && open })
}

/// Returns the round whose log covers `start`, or would if it continued: of those that began at or before it, one that can still
/// go on, otherwise the one that reaches furthest; among equals the one that began last.
#[must_use]
pub fn covering(start: Scn, rounds: &[Round]) -> Option<&Round> {
    let began = rounds.iter().filter(|round| round.start <= start && has_begun(round));
    began.max_by_key(|round| {
        let may_reach = if round.status.may_go_on() { Scn::MAX } else { round.checkpoint };
        (may_reach, round.start)
    })
}

/// Returns the ids of the rounds whose pieces can make a window of one of the sets or show why there is none; `None` where all
/// can. A round that is over cannot where its log ends before the first point from which a good set needs it, or where there is
/// no good set.
#[must_use]
pub fn rounds_needed(sets: &[BackupSet], rounds: &[Round]) -> Option<Vec<u64>> {
    let good = sets.iter().filter(|set| set.is_good() && set.unread().is_none());
    let from = good.map(|set| set.start_replay).min();
    let past = |round: &&Round| {
        let ends_before = from.is_none_or(|from| round.checkpoint < from);
        !round.status.may_go_on() && round.checkpoint > Scn(0) && ends_before
    };
    let needed: BTreeSet<u64> = rounds.iter().filter(|round| !past(round)).map(|round| round.round_id).collect();
    rounds.iter().any(|round| !needed.contains(&round.round_id)).then(|| needed.into_iter().collect())
}

/// Returns whether the round has begun: one that is being prepared has no start yet, which a start of 0 shows, too.
fn has_begun(round: &Round) -> bool {
    round.start > Scn(0) && !matches!(round.status, RoundStatus::Invalid | RoundStatus::Prepare)
}

fn is_growing(round: &Round) -> bool {
    round.status == RoundStatus::Doing
}
