//! The verdict on one set, with which a backup ends.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::log::covering;
use super::{
    BackupSet, BrokenChain, FileStatus, Piece, PieceStatus, Round, RoundStatus, Scn, SetStatus, Window, chain,
    window_of,
};
use crate::domain::format::capitalized;
use crate::domain::time_zone::ServerTimeZone;

/// The end of a job, by its row in the history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobEnd {
    /// `COMPLETED`.
    Completed,
    /// `FAILED`.
    Failed,
    /// `CANCELED`.
    Cancelled,
    /// Not known, and why: there is no row in the history, or its word is not known.
    Unsettled(String),
}

/// The facts of one tenant from which a verdict is derived.
#[derive(Debug, Clone, Copy)]
pub struct VerdictInput<'a> {
    /// How the job ended.
    pub job: &'a JobEnd,
    /// The set that it made, where the view has it.
    pub set: Option<&'a BackupSet>,
    /// All sets of the tenant.
    pub sets: &'a [BackupSet],
    /// The pieces of its log archive; `None` where none were read, so that the rounds alone count.
    pub pieces: Option<&'a [Piece]>,
    /// All rounds of its log archive, including those that are over.
    pub rounds: &'a [Round],
}

/// The log that a set waits for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotYet {
    /// The point up to which the log is complete.
    pub have: Scn,
    /// The point that it has to reach.
    pub need: Scn,
    /// The round in which it comes.
    pub round_id: u64,
    /// The status of that round; SUSPEND waits until it is resumed.
    pub round_status: RoundStatus,
}

/// What a set lacks permanently. Its `Display` shows times in UTC; [`Missing::description`] shows the server's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Missing {
    /// A set that it is based on.
    Chain(BrokenChain),
    /// Its own files.
    SetFiles {
        /// The set.
        id: u64,
        /// The word of the view.
        file_status: FileStatus,
    },
    /// The log up to `need`, because the archive ended before.
    ArchiveEnded {
        /// The round.
        round_id: u64,
        /// The status with which it ended.
        status: RoundStatus,
        /// The point at which it ended.
        have: Scn,
        /// The point up to which the log is needed.
        need: Scn,
    },
    /// The log from `need_from` on, which no round archived.
    NotCovered {
        /// The point from which the log is needed.
        need_from: Scn,
    },
    /// Log that was archived and is not there any more, by the status of its piece.
    Piece {
        /// The round.
        round_id: u64,
        /// The piece.
        piece_id: u64,
        /// The word of the view.
        file_status: FileStatus,
    },
    /// A piece that no view lists, between two others, or before or after all of them.
    PieceGone {
        /// The round.
        round_id: u64,
        /// The point after which log is missing.
        after: Scn,
    },
}

impl std::error::Error for Missing {}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence(Scn::to_rfc3339))
    }
}

impl Missing {
    /// Returns what is missing, in one sentence, with times in the server's time zone.
    #[must_use]
    pub fn description(&self, zone: &ServerTimeZone) -> String {
        self.sentence(|at| at.to_local(zone))
    }

    fn sentence(&self, time: impl Fn(Scn) -> String) -> String {
        match self {
            Self::Chain(broken) => format!("{}.", capitalized(&broken.to_string())),
            Self::SetFiles { id, file_status } => format!("The files of backup set {id} are {file_status}."),
            Self::ArchiveEnded { round_id, status, have, need } => {
                let (have, need) = (time(*have), time(*need));
                format!("Log archive round {round_id} is {status} at {have}, and the log is needed up to {need}.")
            }
            Self::NotCovered { need_from } => {
                format!("No log archive round covers {}, from where the backup set needs the log.", time(*need_from))
            }
            Self::Piece { round_id, piece_id, file_status } => {
                format!("Archived log is not there: piece {piece_id} of round {round_id} is {file_status}.")
            }
            Self::PieceGone { round_id, after } => {
                format!("Archived log is not there: a piece of round {round_id} after {} is gone.", time(*after))
            }
        }
    }

    /// Returns the remedy, in one sentence.
    #[must_use]
    pub fn next(&self) -> &'static str {
        match self {
            Self::Chain(_) | Self::SetFiles { .. } => "Take a new full backup.",
            Self::ArchiveEnded { .. } | Self::NotCovered { .. } => {
                "Restart the log archive, wait until it is DOING, and take a new full backup."
            }
            Self::Piece { .. } | Self::PieceGone { .. } => {
                "Find out who removed the archived log, and take a new full backup."
            }
        }
    }
}

/// The final judgement of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It can be restored to any time of the window.
    Restorable(Window),
    /// It can be restored once the log has come.
    NotYet(NotYet),
    /// It can never be restored.
    NotRestorable(Missing),
    /// The server could not make it.
    Failed,
    /// It was cancelled.
    Cancelled,
    /// It is not known, and why.
    Unknown(String),
}

impl Verdict {
    /// Returns the word in JSON.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Restorable(_) => "restorable",
            Self::NotYet(_) => "not_yet_restorable",
            Self::NotRestorable(_) => "not_restorable",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Unknown(_) => "unknown",
        }
    }

    /// Returns whether it follows from where the archived log begins and ends.
    #[must_use]
    pub const fn rests_on_the_log(&self) -> bool {
        match self {
            Self::Restorable(_) | Self::NotYet(_) => true,
            Self::NotRestorable(missing) => !matches!(missing, Missing::Chain(_) | Missing::SetFiles { .. }),
            Self::Failed | Self::Cancelled | Self::Unknown(_) => false,
        }
    }

    /// Returns the exit code of a command that ends with it.
    #[must_use]
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Restorable(_) => 0,
            Self::NotYet(_) => 3,
            Self::Failed => 20,
            Self::Unknown(_) => 21,
            Self::NotRestorable(_) => 22,
            Self::Cancelled => 23,
        }
    }
}

/// Derives the verdict.
///
/// It is *not yet* only where more log can come in the round that covers the set; where it cannot, the verdict is *not
/// restorable*, with what is missing.
#[must_use]
pub fn verdict(facts: &VerdictInput) -> Verdict {
    match facts.job {
        JobEnd::Failed => return Verdict::Failed,
        JobEnd::Cancelled => return Verdict::Cancelled,
        JobEnd::Unsettled(reason) => return Verdict::Unknown(reason.clone()),
        JobEnd::Completed => {}
    }
    let Some(set) = facts.set else {
        return Verdict::Unknown("The job is completed, and its backup set is in no view.".to_owned());
    };
    match (&set.status, &set.file_status) {
        (SetStatus::Failed, _) => return Verdict::Failed,
        (SetStatus::Success, FileStatus::Available) => {}
        (SetStatus::Success, FileStatus::Copying | FileStatus::Other(_)) => {
            return Verdict::Unknown(format!("The files of backup set {} are {}.", set.id, set.file_status));
        }
        (SetStatus::Success, _) => {
            return Verdict::NotRestorable(Missing::SetFiles { id: set.id, file_status: set.file_status.clone() });
        }
        (status, _) => return Verdict::Unknown(format!("The status of backup set {} is {status}.", set.id)),
    }
    if let Err(broken) = chain(set, facts.sets) {
        return Verdict::NotRestorable(Missing::Chain(broken));
    }
    if let Some(what) = set.unread() {
        return Verdict::Unknown(format!("The server does not say {what}, for backup set {}.", set.id));
    }
    match window_of(set, facts.pieces, facts.rounds) {
        Some(window) => Verdict::Restorable(window),
        None => without_window(set, facts),
    }
}

/// Derives the verdict on a set without a window: whether the missing log can still come.
fn without_window(set: &BackupSet, facts: &VerdictInput) -> Verdict {
    let (start, need) = (set.start_replay, set.needed());
    let Some(round) = covering(start, facts.rounds) else {
        return Verdict::NotRestorable(Missing::NotCovered { need_from: start });
    };
    if !round.status.may_go_on() && strange_piece(round, start, need, facts).is_none() {
        let missing = if round.checkpoint < start {
            Missing::NotCovered { need_from: start }
        } else if round.checkpoint < need {
            let (round_id, status, have) = (round.round_id, round.status.clone(), round.checkpoint);
            Missing::ArchiveEnded { round_id, status, have, need }
        } else {
            lost_piece(round, start, need, facts)
                .unwrap_or(Missing::PieceGone { round_id: round.round_id, after: start })
        };
        return Verdict::NotRestorable(missing);
    }
    if let Some(piece) = strange_piece(round, start, need, facts) {
        let (id, round_id, status) = (piece.piece_id, round.round_id, &piece.status);
        return Verdict::Unknown(format!("The status of piece {id} of log archive round {round_id} is {status}."));
    }
    if let Some(lost) = lost_piece(round, start, need, facts) {
        return Verdict::NotRestorable(lost);
    }
    if let RoundStatus::Other(word) = &round.status {
        return Verdict::Unknown(format!("The status of log archive round {} is {word}.", round.round_id));
    }
    let have = match facts.pieces {
        Some(pieces) => {
            // An incomplete piece shows its start as its checkpoint, and the log has not come that far.
            let reached = of_round(pieces, round).filter(|piece| piece.file_status != FileStatus::Incomplete);
            reached.map(|piece| piece.checkpoint).max().unwrap_or(round.start)
        }
        None => round.checkpoint,
    };
    let (round_id, round_status) = (round.round_id, round.status.clone());
    Verdict::NotYet(NotYet { have: have.min(need), need, round_id, round_status })
}

/// Returns the first available piece with log from `start` to `need` whose status is not known.
fn strange_piece<'a>(round: &Round, start: Scn, need: Scn, facts: &VerdictInput<'a>) -> Option<&'a Piece> {
    of_round(facts.pieces?, round).find(|piece| {
        let has_some = piece.start < need && piece.known_end().unwrap_or(Scn::MAX) > start;
        has_some && piece.file_status == FileStatus::Available && matches!(piece.status, PieceStatus::Other(_))
    })
}

/// Returns the first piece with log from `start` to `need` that no view lists or whose files are lost. Log after the last piece
/// is missing only where the round has passed `need`.
fn lost_piece(round: &Round, start: Scn, need: Scn, facts: &VerdictInput) -> Option<Missing> {
    let mut pieces: Vec<&Piece> = of_round(facts.pieces?, round).collect();
    pieces.sort_by_key(|piece| piece.start);
    let mut log_to = start;
    for piece in pieces {
        let end = piece.known_end().unwrap_or(Scn::MAX);
        if end <= start || piece.start >= need {
            continue;
        }
        if piece.start > log_to {
            return Some(Missing::PieceGone { round_id: round.round_id, after: log_to });
        }
        match &piece.file_status {
            FileStatus::Available | FileStatus::Copying | FileStatus::Other(_) => log_to = log_to.max(end),
            // Normal until the round's checkpoint passes its start (V4.3.1 source, `ObDestRoundCheckpointer`).
            FileStatus::Incomplete
                if round.status.may_go_on() && !matches!(piece.status, PieceStatus::Frozen | PieceStatus::Inactive) =>
            {
                log_to = log_to.max(end);
            }
            status => {
                let (round_id, piece_id) = (round.round_id, piece.piece_id);
                return Some(Missing::Piece { round_id, piece_id, file_status: status.clone() });
            }
        }
    }
    // The round's log is past the point, and no piece holds it.
    (log_to < need && round.checkpoint >= need)
        .then_some(Missing::PieceGone { round_id: round.round_id, after: log_to })
}

fn of_round<'a>(pieces: &'a [Piece], round: &Round) -> impl Iterator<Item = &'a Piece> {
    let (dest_id, round_id) = (round.dest_id, round.round_id);
    pieces.iter().filter(move |piece| piece.dest_id == dest_id && piece.round_id == round_id)
}
