//! Decides how long a step waits, what counts as progress, and when attention is raised. While the server shows running work a
//! limit only raises attention (R9); if the server shows no job, the wait times out.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::StepResult;
use crate::backend::Waiting;
use crate::domain::connection::Limits;
use crate::domain::fault::{Cause, Fault};
use crate::domain::step::StepKind;
use crate::domain::target::TargetName;
use crate::journal::clock::now;

#[cfg(test)]
mod tests;

/// The longest interval between two polls of a running step.
const MAX_POLL_INTERVAL: Duration = Duration::from_secs(10);

/// The shortest interval between two progress events.
const PROGRESS_INTERVAL: Duration = Duration::from_secs(1);

/// The decision about a wait.
pub(super) enum WaitDecision {
    /// Continue to wait.
    Continue,
    /// Continue to wait, and report the stall with its reason.
    Stalled,
    /// Stop: there is nothing to wait for.
    GiveUp(Fault),
}

struct TargetWait {
    /// The last wait that was observed.
    last: Option<Waiting>,
    /// When it last changed.
    moved: Instant,
    /// How long there had been no progress before that.
    stood: Duration,
    /// Time of the last progress, by this host's clock.
    since: Timestamp,
    /// The last message, and the reason written with it.
    said: Option<(String, Option<String>)>,
    /// When the stall was last diagnosed.
    asked_why: Option<Instant>,
    /// The current attention.
    attention: Option<Attention>,
    /// When progress was last written.
    written: Option<Instant>,
    /// When the wait for the archive started.
    archive: Option<Instant>,
}

/// An attention, and the key that tells it from others.
#[derive(Debug, Clone)]
pub(super) struct Attention {
    /// The fault to report.
    pub(super) fault: Fault,
    /// The reason without figures that grow by themselves.
    pub(super) reason: String,
}

/// Watches the progress of one step.
pub(super) struct StepWatch {
    limits: Limits,
    states: BTreeMap<TargetName, TargetWait>,
    silent_since: Option<Instant>,
    pause: Duration,
}

impl StepWatch {
    pub(super) fn new(limits: Limits) -> Self {
        let pause = Duration::from_millis(limits.poll);
        Self { limits, states: BTreeMap::new(), silent_since: None, pause }
    }

    fn state(&mut self, name: &TargetName, at: Instant) -> &mut TargetWait {
        self.states.entry(name.clone()).or_insert_with(|| TargetWait {
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

    /// Returns the interval before the next poll: the configured one after progress, then longer and longer.
    pub(super) fn next_poll_interval(&mut self, moved: bool) -> Duration {
        let shortest = Duration::from_millis(self.limits.poll);
        self.pause =
            if moved { shortest } else { (self.pause * 5 / 4).clamp(shortest, MAX_POLL_INTERVAL.max(shortest)) };
        self.pause
    }

    /// Records that the server answered.
    pub(super) fn answered(&mut self) {
        self.silent_since = None;
    }

    /// Records that the server did not answer; returns how the step is to be finished, or `None` to try again. `begun` means
    /// that a start was sent.
    pub(super) fn record_no_answer(
        &mut self,
        begun: bool,
        fault: &Fault,
        at: Instant,
    ) -> Option<fn(&Fault) -> StepResult> {
        let since = *self.silent_since.get_or_insert(at);
        // Before a job can exist nothing is lost by stopping; afterwards the state on the server is worth the wait, whatever it
        // answers meanwhile: a server short of memory refuses queries too.
        let (limit, end): (u64, fn(&Fault) -> StepResult) = if begun {
            (self.limits.stall, unreachable_for_good)
        } else {
            let lasting = fault.cause != Cause::Unreachable;
            (if lasting { 0 } else { self.limits.connect }, |fault| StepResult::failed(fault.clone()))
        };
        (at.duration_since(since) >= Duration::from_millis(limit)).then_some(end)
    }

    /// Records a wait and returns whether it differs from the last one.
    pub(super) fn moved(&mut self, name: &TargetName, waiting: &Waiting, at: Instant) -> bool {
        let state = self.state(name, at);
        let moved = !state.last.as_ref().is_some_and(|last| last.same_as(waiting));
        if moved {
            state.last = Some(waiting.clone());
            state.stood = at.duration_since(state.moved);
            state.moved = at;
            state.since = now();
            state.asked_why = None;
        }
        moved
    }

    /// Records progress without a new wait: the step ended well.
    pub(super) fn record_movement(&mut self, name: &TargetName, at: Instant) {
        let state = self.state(name, at);
        state.stood = at.duration_since(state.moved);
        state.moved = at;
    }

    /// Clears the attention that was raised before the last progress, and returns how long there had been none.
    pub(super) fn take_attention(&mut self, name: &TargetName) -> Option<Duration> {
        let state = self.states.get_mut(name)?;
        state.attention.take().map(|_| state.stood)
    }

    /// Decides about a wait by the time without progress.
    pub(super) fn judge(&mut self, kind: StepKind, name: &TargetName, waiting: &Waiting, at: Instant) -> WaitDecision {
        let limit = Duration::from_millis(self.limits.stall);
        let still = at.duration_since(self.state(name, at).moved);
        if still < limit {
            return WaitDecision::Continue;
        }
        if waiting.server_busy {
            return WaitDecision::Stalled;
        }
        let what = format!("{} of {name} has not moved for {} s.", kind.name(), still.as_secs());
        if kind >= StepKind::StartBackup {
            let what = format!("What became of the backup of {name} is unknown.");
            let why = format!("For {} s nothing has moved: {}.", still.as_secs(), waiting.what);
            let next = "Retry, or watch it: that only looks again, and sends nothing.";
            return WaitDecision::GiveUp(Fault::new(Cause::Unknown, what, why, next));
        }
        let next = "Look at the server's views, then retry.";
        WaitDecision::GiveUp(Fault::new(Cause::Unknown, what, format!("It waits: {}.", waiting.what), next))
    }

    /// Returns whether a message about the wait is new, and records it.
    pub(super) fn is_new_message(&mut self, name: &TargetName, what: &str, reason: Option<&str>) -> bool {
        let state = self.state(name, Instant::now());
        let said = Some((what.to_owned(), reason.map(str::to_owned)));
        let news = state.said != said;
        state.said = said;
        news
    }

    /// Returns the time of the last progress where a diagnosis of the stall is due: at first, and then once per limit.
    pub(super) fn stall_probe_due(&mut self, name: &TargetName, at: Instant) -> Option<Timestamp> {
        let limit = Duration::from_millis(self.limits.stall);
        let state = self.state(name, at);
        let may = state.asked_why.is_none_or(|asked| at.duration_since(asked) >= limit);
        may.then(|| {
            state.asked_why = Some(at);
            state.since
        })
    }

    /// Returns the attention of a target: the new one, or the current one.
    pub(super) fn attention(&mut self, name: &TargetName, new: Option<Attention>) -> Option<Attention> {
        let state = self.state(name, Instant::now());
        if let Some(new) = new {
            // The same reason is not reported again with other figures.
            let same = state.attention.as_ref().is_some_and(|old| old.reason == new.reason);
            if !same {
                state.attention = Some(new);
            }
        }
        state.attention.clone()
    }

    /// Returns whether progress may be written again.
    pub(super) fn progress_due(&mut self, name: &TargetName, at: Instant) -> bool {
        let state = self.state(name, at);
        let may = state.written.is_none_or(|written| at.duration_since(written) >= PROGRESS_INTERVAL);
        if may {
            state.written = Some(at);
        }
        may
    }

    /// Returns whether the wait for the log of a finished set has timed out. `at_least` is the minimum wait in milliseconds.
    pub(super) fn is_archive_wait_over(&mut self, name: &TargetName, at_least: Option<u64>, at: Instant) -> bool {
        let limit = self.limits.log_wait(at_least);
        let began = *self.state(name, at).archive.get_or_insert(at);
        at.duration_since(began) >= limit
    }
}

fn unreachable_for_good(fault: &Fault) -> StepResult {
    let mut unknown = fault.clone();
    unknown.cause = Cause::Unknown;
    "Once the cluster answers again, retry: it only looks again.".clone_into(&mut unknown.next);
    StepResult::unknown(unknown)
}
