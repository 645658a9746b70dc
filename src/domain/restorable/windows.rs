//! The times a tenant can be restored to, and the gaps between them.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use super::log::{Reach, reach};
use super::{BackupSet, Piece, Round, Scn, chain};
use crate::domain::scn::span_text;
use crate::domain::time_zone::ServerTimeZone;

/// What is said of a window whose end the archive moves on.
pub const GROWING: &str = ", end moves on while archiving runs";

/// The times one set, or several that overlap, can be restored to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// The earliest point.
    pub from: Scn,
    /// The latest point.
    pub to: Scn,
    /// The set; of several the newest.
    pub set: u64,
    /// The archive goes on, and the latest point with it.
    pub growing: bool,
    /// The log that it needs is inside the set (PLUS ARCHIVELOG), and no archive has it.
    #[serde(default)]
    pub from_set_alone: bool,
}

impl Window {
    /// The one point of a set that has the log it needs inside.
    #[must_use]
    pub const fn of_set_alone(at: Scn, set: u64) -> Self {
        Self { from: at, to: at, set, growing: false, from_set_alone: true }
    }

    /// As a person reads it: `2026-11-20 03:31:40 to 03:31:55 +08:00, end moves on while archiving runs`.
    #[must_use]
    pub fn text(&self, zone: &ServerTimeZone) -> String {
        let span = if self.from == self.to { self.from.to_local(zone) } else { span_text(self.from, self.to, zone) };
        if self.growing { format!("{span}{GROWING}") } else { span }
    }
}

/// The times between two windows, to which nothing can be restored; both ends belong to the windows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// The end of the older window.
    pub from: Scn,
    /// The beginning of the newer one.
    pub to: Scn,
}

/// A window or the gap below it, in the order they are shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Span {
    /// Can be restored.
    Window(Window),
    /// Cannot.
    Gap(Gap),
}

/// All windows of a tenant, the newest first; they do not touch.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Windows(pub Vec<Window>);

impl Windows {
    /// The gaps between the windows, the newest first.
    #[must_use]
    pub fn gaps(&self) -> Vec<Gap> {
        self.0.windows(2).map(|pair| Gap { from: pair[1].to, to: pair[0].from }).collect()
    }

    /// Windows and gaps in turn, the newest first.
    #[must_use]
    pub fn spans(&self) -> Vec<Span> {
        let mut gaps = self.gaps().into_iter();
        let pair = |window: &Window| [Some(Span::Window(window.clone())), gaps.next().map(Span::Gap)];
        self.0.iter().flat_map(pair).flatten().collect()
    }

    /// The window a point lies in.
    #[must_use]
    pub fn at(&self, point: Scn) -> Option<&Window> {
        self.0.iter().find(|window| window.from <= point && point <= window.to)
    }
}

/// The window of one set, its chain not judged: from its earliest point to the end of the unbroken log from
/// `start_replay` on. PLUS ARCHIVELOG gives at least the earliest point itself. A bound that was not read is none.
#[must_use]
pub fn window_of(set: &BackupSet, pieces: Option<&[Piece]>, rounds: &[Round]) -> Option<Window> {
    if set.unread().is_some() {
        return None;
    }
    match by_log(set, pieces, rounds) {
        Some(reach) => {
            let (from, to, growing) = (set.min_restore, reach.to, reach.growing);
            Some(Window { from, to, set: set.id, growing, from_set_alone: false })
        }
        None => set.plus_archivelog.then(|| Window::of_set_alone(set.min_restore, set.id)),
    }
}

/// Whether the archive's log reaches the earliest point of the set; where it does not, only the log inside it counts.
#[must_use]
pub fn log_covers(set: &BackupSet, pieces: Option<&[Piece]>, rounds: &[Round]) -> bool {
    by_log(set, pieces, rounds).is_some()
}

/// How far the archive's log reaches from where the set needs it, where it reaches its earliest point.
fn by_log(set: &BackupSet, pieces: Option<&[Piece]>, rounds: &[Round]) -> Option<Reach> {
    reach(set.start_replay, pieces, rounds).filter(|reach| reach.to >= set.needed())
}

/// The windows of all sets that count, merged where they overlap or touch, the newest first. `pieces` is None where the
/// view of pieces is not there; `rounds` are all of them, those that are over too.
#[must_use]
pub fn windows(sets: &[BackupSet], pieces: Option<&[Piece]>, rounds: &[Round]) -> Windows {
    let good = sets.iter().filter(|set| chain(set, sets).is_ok());
    let mut found: Vec<Window> = good.filter_map(|set| window_of(set, pieces, rounds)).collect();
    found.sort_by_key(|window| (window.from, window.set));
    let mut merged: Vec<Window> = Vec::new();
    for window in found {
        match merged.last_mut() {
            Some(last) if window.from <= last.to => {
                last.growing = match window.to.cmp(&last.to) {
                    Ordering::Less => last.growing,
                    Ordering::Equal => last.growing || window.growing,
                    Ordering::Greater => window.growing,
                };
                last.to = last.to.max(window.to);
                last.set = last.set.max(window.set);
                last.from_set_alone &= window.from_set_alone;
            }
            _ => merged.push(window),
        }
    }
    merged.reverse();
    Windows(merged)
}
