//! The progress of a job: its percentage and bytes never go backwards, it is never complete before the verdict, and unknown
//! before there is data.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

#[cfg(test)]
mod tests;

/// The maximum of a progress bar before the verdict.
pub const CAP_PERCENT: f64 = 99.9;
/// The window of rates, in milliseconds.
const WINDOW_MS: u64 = 60_000;
/// The time that samples must span before an end is estimated from them, in milliseconds.
const ESTIMATE_AFTER_MS: u64 = 5_000;
/// The longest estimate that is shown, in seconds.
const FARTHEST_SECONDS: f64 = 30.0 * 86_400.0;

/// A number of finished items and their total, which may grow while a backup runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    /// Finished.
    pub done: u64,
    /// The items known so far; 0 before any is known.
    pub total: u64,
}

/// The progress that is shown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// The server's word for the phase.
    pub phase: String,
    /// 0 to 99.9, and 100 with the verdict; `None` before there is data.
    pub percent: Option<f64>,
    /// The bytes written so far.
    pub bytes: u64,
    /// The total of bytes, where it is known: not of a physical backup.
    pub bytes_total: Option<u64>,
    /// Bytes per second over the last minute, or between the last two samples where they are farther apart; `None` before two.
    pub rate: Option<f64>,
    /// The shortest and the longest estimate of the remaining seconds; `None` where there is none.
    pub eta: Option<(u64, u64)>,
    /// Tablets, where the server counts them.
    pub tablets: Option<Count>,
    /// Macroblocks, where the server counts them.
    pub blocks: Option<Count>,
    /// The percentage of the log that is in the set, while it is added (PLUS ARCHIVELOG).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_percent: Option<f64>,
}

/// The server's counters at one moment.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Sample {
    /// The time, in milliseconds of any monotonic clock.
    pub at_ms: u64,
    /// The server's word for the phase.
    pub phase: String,
    /// `OUTPUT_BYTES`, or the size of what a dump wrote; `None`: not known.
    pub bytes: Option<u64>,
    /// The total of bytes, where it is known.
    pub bytes_total: Option<u64>,
    /// `DATA_PROGRESS`, where the view has it (V4.2.1 BP3 and later).
    pub percent: Option<f64>,
    /// `FINISH_TABLET_COUNT` of `TABLET_COUNT`.
    pub tablets: Option<Count>,
    /// `FINISH_MACRO_BLOCK_COUNT` of `MACRO_BLOCK_COUNT`.
    pub blocks: Option<Count>,
    /// `LOG_PROGRESS` in a phase of the log, where the view has it (V4.3.1 and later).
    pub log_percent: Option<f64>,
}

/// The unit in which the work of a job is counted; two samples are compared only where it is the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    Blocks,
    Bytes,
    Percent,
}

/// Finished and total work, in one unit.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Work {
    unit: Unit,
    done: f64,
    total: f64,
}

/// A point of the window that rates are computed from.
#[derive(Debug, Clone, Copy)]
struct Point {
    at_ms: u64,
    bytes: u64,
    work: Option<Work>,
}

/// Computes the [`Progress`] of one job from its samples.
#[derive(Debug, Clone, Default)]
pub struct ProgressMeter {
    points: VecDeque<Point>,
    last: Option<Progress>,
    moved_at_ms: Option<u64>,
}

impl ProgressMeter {
    /// Returns a meter without samples.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a sample and returns the progress. Time or bytes that go back count as no progress.
    pub fn observe(&mut self, sample: &Sample) -> Progress {
        let before = self.last.take();
        let at_ms = self.points.back().map_or(sample.at_ms, |last| last.at_ms.max(sample.at_ms));
        // An absent value has not changed.
        let bytes = before.as_ref().map_or(0, |last| last.bytes).max(sample.bytes.unwrap_or(0));
        let work = work_of(sample, bytes);
        let percent = match (before.as_ref().and_then(|last| last.percent), work.map(percent_of)) {
            (Some(shown), Some(now)) => Some(shown.max(now)),
            (shown, now) => shown.or(now),
        };
        let log_percent = match (before.as_ref().and_then(|last| last.log_percent), sample.log_percent) {
            (Some(shown), Some(now)) => Some(shown.max(now)),
            (_, now) => now,
        };
        self.take_in(Point { at_ms, bytes, work });
        let progress = Progress {
            phase: sample.phase.clone(),
            percent,
            bytes,
            bytes_total: sample.bytes_total,
            rate: self.rate(),
            eta: self.eta(),
            tablets: sample.tablets,
            blocks: sample.blocks,
            log_percent,
        };
        let counts = |p: &Progress| (p.phase.clone(), p.bytes, p.tablets, p.blocks);
        let percents = |p: &Progress| (p.percent, p.log_percent);
        let moved = |last: Progress| counts(&last) != counts(&progress) || percents(&last) != percents(&progress);
        if before.is_none_or(moved) {
            self.moved_at_ms = Some(at_ms);
        }
        self.last = Some(progress.clone());
        progress
    }

    /// Returns the last progress.
    #[must_use]
    pub fn last(&self) -> Option<&Progress> {
        self.last.as_ref()
    }

    /// Returns the time of the last movement, in the samples' milliseconds: a stall is measured from here.
    #[must_use]
    pub fn moved_at_ms(&self) -> Option<u64> {
        self.moved_at_ms
    }

    /// Returns the progress of a job that succeeded, the only one with 100 percent; `None` without a sample.
    #[must_use]
    pub fn finished(&self) -> Option<Progress> {
        self.last.clone().map(|last| Progress { percent: Some(100.0), eta: Some((0, 0)), ..last })
    }

    /// Adds a point; keeps those of the last minute, and at least two, however far apart they are.
    fn take_in(&mut self, point: Point) {
        self.points.push_back(point);
        while self.points.len() > 2 && self.points.front().is_some_and(|old| point.at_ms - old.at_ms > WINDOW_MS) {
            self.points.pop_front();
        }
    }

    fn rate(&self) -> Option<f64> {
        let (first, last) = (self.points.front()?, self.points.back()?);
        let seconds = seconds(first.at_ms, last.at_ms)?;
        Some(float(last.bytes - first.bytes) / seconds)
    }

    /// Estimates the remaining time by the fastest and by the slowest of the recent rates, each over at least a quarter of the
    /// window, so that one slow answer is not taken for a slow backup.
    fn eta(&self) -> Option<(u64, u64)> {
        let last = self.points.back()?;
        let now = last.work?;
        let same_unit = |point: &&Point| point.work.is_some_and(|work| work.unit == now.unit);
        let comparable: Vec<&Point> = self.points.iter().rev().take_while(same_unit).collect();
        let span_ms = last.at_ms - comparable.last()?.at_ms;
        if span_ms < ESTIMATE_AFTER_MS {
            return None;
        }
        let rates = comparable
            .iter()
            .filter(|point| (last.at_ms - point.at_ms) * 4 >= span_ms)
            .filter_map(|point| Some((now.done - point.work?.done) / seconds(point.at_ms, last.at_ms)?));
        let (slowest, fastest) =
            rates.fold((f64::INFINITY, 0.0_f64), |(low, high), rate| (low.min(rate), high.max(rate)));
        let left = (now.total - now.done).max(0.0);
        let (soonest, latest) = (left / fastest, left / slowest);
        let tellable = slowest > 0.0 && latest <= FARTHEST_SECONDS;
        tellable.then(|| (whole(soonest.floor()), whole(latest.ceil())))
    }
}

/// Returns the work in blocks, else in bytes, else as the server's own percentage, which is made of blocks and rounded. The
/// phases of metadata count tablets only, which is no measure of the data that follows: there is no work until there are blocks.
fn work_of(sample: &Sample, bytes: u64) -> Option<Work> {
    if let Some(blocks) = sample.blocks {
        let work = Work { unit: Unit::Blocks, done: float(blocks.done), total: float(blocks.total) };
        return (blocks.total > 0).then_some(work);
    }
    if let Some(total) = sample.bytes_total {
        return (total > 0).then(|| Work { unit: Unit::Bytes, done: float(bytes), total: float(total) });
    }
    let percent = sample.percent.filter(|percent| percent.is_finite() && *percent > 0.0)?;
    Some(Work { unit: Unit::Percent, done: percent, total: 100.0 })
}

fn percent_of(work: Work) -> f64 {
    (work.done / work.total * 100.0).clamp(0.0, CAP_PERCENT)
}

fn seconds(from_ms: u64, to_ms: u64) -> Option<f64> {
    (to_ms > from_ms).then(|| float(to_ms - from_ms) / 1000.0)
}

#[allow(clippy::cast_precision_loss, reason = "counts of a progress bar: beyond 2^53 the last digits do not matter")]
fn float(count: u64) -> f64 {
    count as f64
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "seconds within thirty days, never negative"
)]
fn whole(seconds: f64) -> u64 {
    seconds as u64
}
