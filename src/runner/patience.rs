//! How long a step waits, what counts as movement, and when attention is raised. While the server shows something alive a
//! limit only raises attention (R9); a wait for something that is not there ends.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::Settled;
use crate::backend::Waiting;
use crate::domain::connection::Limits;
use crate::domain::fault::{Cause, Fault};
use crate::domain::step::StepKind;
use crate::domain::target::TargetName;
use crate::journal::clock::now;

#[cfg(test)]
mod tests;

/// The longest pause between two looks at a running step.
const SLOWEST_POLL: Duration = Duration::from_secs(10);

/// Progress is written at most this often.
const PROGRESS_EVERY: Duration = Duration::from_secs(1);

/// What a wait has come to.
pub(super) enum Verdict {
    /// Wait on.
    GoOn,
    /// Wait on, and say that it stands still, and why.
    StandsStill,
    /// Nothing is there to wait for.
    GiveUp(Fault),
}

struct State {
    /// What was seen last.
    last: Option<Waiting>,
    /// When that changed.
    moved: Instant,
    /// How long it had stood before.
    stood: Duration,
    /// When it moved last, by this host's clock.
    since: Timestamp,
    /// What was said last, and the reason that was given with it.
    said: Option<(String, Option<String>)>,
    /// When the server was last asked why nothing moves.
    asked_why: Option<Instant>,
    /// The attention that is raised.
    attention: Option<Attention>,
    /// When progress was written.
    written: Option<Instant>,
    /// When the wait for the archive began.
    archive: Option<Instant>,
}

/// An attention, and what makes it another one.
#[derive(Debug, Clone)]
pub(super) struct Attention {
    /// What is said.
    pub(super) fault: Fault,
    /// The reason, without what grows by itself.
    pub(super) reason: String,
}

/// The patience of one step.
pub(super) struct Patience {
    limits: Limits,
    states: BTreeMap<TargetName, State>,
    silent_since: Option<Instant>,
    pause: Duration,
}

impl Patience {
    pub(super) fn new(limits: Limits) -> Self {
        let pause = Duration::from_millis(limits.poll);
        Self { limits, states: BTreeMap::new(), silent_since: None, pause }
    }

    fn state(&mut self, name: &TargetName, at: Instant) -> &mut State {
        self.states.entry(name.clone()).or_insert_with(|| State {
            last: None,
            moved: at,
            stood: Duration::ZERO,
            since: now(),
            said: None,
            asked_why: None,
            attention: None,
            written: None,
            archive: None,
        })
    }

    /// The pause before the next look: the configured one after movement, then longer and longer.
    pub(super) fn next_poll(&mut self, moved: bool) -> Duration {
        let shortest = Duration::from_millis(self.limits.poll);
        self.pause = if moved { shortest } else { (self.pause * 5 / 4).clamp(shortest, SLOWEST_POLL.max(shortest)) };
        self.pause
    }

    /// The server answered.
    pub(super) fn answered(&mut self) {
        self.silent_since = None;
    }

    /// The server did not answer a look: how the step is to be settled, or None to try on. `begun`: a start was sent.
    pub(super) fn without_answer(&mut self, begun: bool, fault: &Fault, at: Instant) -> Option<fn(&Fault) -> Settled> {
        let since = *self.silent_since.get_or_insert(at);
        // Before a job can exist nothing is lost by stopping; afterwards the truth is on the server and worth the wait,
        // whatever it says meanwhile: a server short of memory refuses questions too.
        let (limit, end): (u64, fn(&Fault) -> Settled) = if begun {
            (self.limits.stall, unreachable_for_good)
        } else {
            let lasting = fault.cause != Cause::Unreachable;
            (if lasting { 0 } else { self.limits.connect }, |fault| Settled::failed(fault.clone()))
        };
        (at.duration_since(since) >= Duration::from_millis(limit)).then_some(end)
    }

    /// Whether what is seen differs from what was seen last.
    pub(super) fn moved(&mut self, name: &TargetName, waiting: &Waiting, at: Instant) -> bool {
        let state = self.state(name, at);
        let moved = !state.last.as_ref().is_some_and(|last| last.stands_at(waiting));
        if moved {
            state.last = Some(waiting.clone());
            state.stood = at.duration_since(state.moved);
            state.moved = at;
            state.since = now();
            state.asked_why = None;
        }
        moved
    }

    /// It moves without another wait being seen: the step ends well.
    pub(super) fn moves_at(&mut self, name: &TargetName, at: Instant) {
        let state = self.state(name, at);
        state.stood = at.duration_since(state.moved);
        state.moved = at;
    }

    /// Takes back the attention that was raised before the last movement; how long it had stood.
    pub(super) fn attention_over(&mut self, name: &TargetName) -> Option<Duration> {
        let state = self.states.get_mut(name)?;
        state.attention.take().map(|_| state.stood)
    }

    /// Judges a wait by how long nothing moved.
    pub(super) fn judge(&mut self, kind: StepKind, name: &TargetName, waiting: &Waiting, at: Instant) -> Verdict {
        let limit = Duration::from_millis(self.limits.stall);
        let still = at.duration_since(self.state(name, at).moved);
        if still < limit {
            return Verdict::GoOn;
        }
        if waiting.alive {
            return Verdict::StandsStill;
        }
        let what = format!("{} of {name} has not moved for {} s.", kind.name(), still.as_secs());
        if kind >= StepKind::StartBackup {
            let what = format!("What became of the backup of {name} is unknown.");
            let why = format!("For {} s nothing has moved: {}.", still.as_secs(), waiting.what);
            let next = "Retry, or watch it: that only looks again, and sends nothing.";
            return Verdict::GiveUp(Fault::new(Cause::Unknown, what, why, next));
        }
        let next = "Look at the server's views, then retry.";
        Verdict::GiveUp(Fault::new(Cause::Unknown, what, format!("It waits: {}.", waiting.what), next))
    }

    /// Whether a line about the wait would say anything new.
    pub(super) fn is_news(&mut self, name: &TargetName, what: &str, reason: Option<&str>) -> bool {
        let state = self.state(name, Instant::now());
        let said = Some((what.to_owned(), reason.map(str::to_owned)));
        let news = state.said != said;
        state.said = said;
        news
    }

    /// Whether the server may be asked why nothing moves: once, and then once a limit. `since` when, by this host's clock.
    pub(super) fn may_ask_why(&mut self, name: &TargetName, at: Instant) -> Option<Timestamp> {
        let limit = Duration::from_millis(self.limits.stall);
        let state = self.state(name, at);
        let may = state.asked_why.is_none_or(|asked| at.duration_since(asked) >= limit);
        may.then(|| {
            state.asked_why = Some(at);
            state.since
        })
    }

    /// The attention of a target: a new one, or the one that is raised.
    pub(super) fn attention(&mut self, name: &TargetName, new: Option<Attention>) -> Option<Attention> {
        let state = self.state(name, Instant::now());
        if let Some(new) = new {
            // The same reason is not said again with other figures.
            let same = state.attention.as_ref().is_some_and(|old| old.reason == new.reason);
            if !same {
                state.attention = Some(new);
            }
        }
        state.attention.clone()
    }

    /// Whether progress may be written again.
    pub(super) fn may_write_progress(&mut self, name: &TargetName, at: Instant) -> bool {
        let state = self.state(name, at);
        let may = state.written.is_none_or(|written| at.duration_since(written) >= PROGRESS_EVERY);
        if may {
            state.written = Some(at);
        }
        may
    }

    /// Whether the wait for the log of a finished set is over.
    pub(super) fn archive_over(&mut self, name: &TargetName, at_least: Option<u64>, at: Instant) -> bool {
        let limit = self.limits.log_wait(at_least);
        let began = *self.state(name, at).archive.get_or_insert(at);
        at.duration_since(began) >= limit
    }
}

fn unreachable_for_good(fault: &Fault) -> Settled {
    let mut unknown = fault.clone();
    unknown.cause = Cause::Unknown;
    "Once the cluster answers again, retry: it only looks again.".clone_into(&mut unknown.next);
    Settled::unknown(unknown)
}
