//! The times to which a tenant can be restored, and the gaps between them.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use super::log::{Reach, reach};
use super::{BackupSet, Piece, Round, Scn, chain};
use crate::domain::scn::span_text;
use crate::domain::time_zone::ServerTimeZone;

/// The text after a window whose end the archive moves on.
pub const GROWING: &str = ", end moves on while archiving runs";

/// The times to which one set, or several whose windows overlap, can be restored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// The earliest point.
    pub from: Scn,
    /// The latest point.
    pub to: Scn,
    /// The id of the set; of several, the newest.
    pub set: u64,
    /// Whether the archive goes on, and the latest point with it.
    pub growing: bool,
    /// Whether the log that it needs is inside the set (PLUS ARCHIVELOG) and in no archive.
    #[serde(default)]
    pub from_set_alone: bool,
}

impl Window {
    /// Returns the window of a set that contains the log it needs: one point.
    #[must_use]
    pub const fn of_set_alone(at: Scn, set: u64) -> Self {
        Self { from: at, to: at, set, growing: false, from_set_alone: true }
    }

    /// Returns the window as text: `2026-11-20 03:31:40 to 03:31:55 +08:00, end moves on while archiving runs`.
    #[must_use]
    pub fn text(&self, zone: &ServerTimeZone) -> String {
        let span = if self.from == self.to { self.from.to_local(zone) } else { span_text(self.from, self.to, zone) };
        if self.growing { format!("{span}{GROWING}") } else { span }
    }
}

/// The times between two windows, to which nothing can be restored. Both ends belong to the windows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// The end of the older window.
    pub from: Scn,
    /// The beginning of the newer one.
    pub to: Scn,
}

/// A window or a gap, as they are listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Span {
    /// Times to which the tenant can be restored.
    Window(Window),
    /// Times to which it cannot.
    Gap(Gap),
}

/// All windows of a tenant, the newest first; they neither overlap nor touch.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Windows(pub Vec<Window>);

impl Windows {
    /// Returns the gaps between the windows, the newest first.
    #[must_use]
    pub fn gaps(&self) -> Vec<Gap> {
        self.0.windows(2).map(|pair| Gap { from: pair[1].to, to: pair[0].from }).collect()
    }

    /// Returns windows and gaps alternately, the newest first.
    #[must_use]
    pub fn spans(&self) -> Vec<Span> {
        let mut gaps = self.gaps().into_iter();
        let pair = |window: &Window| [Some(Span::Window(window.clone())), gaps.next().map(Span::Gap)];
        self.0.iter().flat_map(pair).flatten().collect()
    }

    /// Returns the window in which a point lies.
    #[must_use]
    pub fn at(&self, point: Scn) -> Option<&Window> {
        self.0.iter().find(|window| window.from <= point && point <= window.to)
    }
}

/// Returns the window of one set, without judging its chain: from its earliest point to the end of the unbroken log from
/// `start_replay` on. A set with PLUS ARCHIVELOG can be restored to its earliest point at least. `None` where a bound was not
/// read or the log does not reach far enough.
#[must_use]
pub fn window_of(set: &BackupSet, pieces: Option<&[Piece]>, rounds: &[Round]) -> Option<Window> {
    if set.unread().is_some() {
        return None;
    }
    match reach_of_set(set, pieces, rounds) {
        Some(reach) => {
            let (from, to, growing) = (set.min_restore, reach.to, reach.growing);
            Some(Window { from, to, set: set.id, growing, from_set_alone: false })
        }
        None => set.plus_archivelog.then(|| Window::of_set_alone(set.min_restore, set.id)),
    }
}

/// Returns whether the archive's log reaches as far as the set needs it; where it does not, only the log inside the set counts.
#[must_use]
pub fn log_covers(set: &BackupSet, pieces: Option<&[Piece]>, rounds: &[Round]) -> bool {
    reach_of_set(set, pieces, rounds).is_some()
}

/// Returns how far the archive's log reaches from where the set needs it; `None` where it ends before [`BackupSet::needed`].
fn reach_of_set(set: &BackupSet, pieces: Option<&[Piece]>, rounds: &[Round]) -> Option<Reach> {
    reach(set.start_replay, pieces, rounds).filter(|reach| reach.to >= set.needed())
}

/// Returns the windows of all sets with an unbroken chain, merged where they overlap or touch, the newest first. `pieces` is
/// `None` where none were read; `rounds` includes those that are over.
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
