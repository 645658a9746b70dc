//! Times, sizes and figures as text, the same in every interface.

use bytesize::ByteSize;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use unicode_width::UnicodeWidthStr;

use super::diagnosis::sentence;
use super::fault::Fault;
use super::outcome::{Outcome, VerdictKind};
use super::progress::Progress;
use super::proof::Proof;
use super::target::TargetName;
use super::task::TaskView;

/// Returns how many cells of a terminal a text takes: a wide character takes two.
#[must_use]
pub fn cells(text: &str) -> usize {
    UnicodeWidthStr::width(text)
}

/// Returns the text with spaces appended until it takes at least `to` cells.
#[must_use]
pub fn padded(text: &str, to: usize) -> String {
    format!("{text}{}", " ".repeat(to.saturating_sub(cells(text))))
}

/// Returns the text with its first letter in upper case.
#[must_use]
pub fn capitalized(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// Formats the time of day in that zone: `03:31:02`.
#[must_use]
pub fn clock(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%H:%M:%S").to_string()
}

/// Formats a moment in that zone: `2026-11-20 03:31:02 +08:00`.
#[must_use]
pub fn moment(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S %:z").to_string()
}

/// Formats a size in bytes: `41.2 GiB`.
#[must_use]
pub fn size(bytes: u64) -> String {
    ByteSize::b(bytes).display().iec().to_string()
}

/// Formats a size in bytes, or `size unknown`.
#[must_use]
pub fn size_or_unknown(bytes: Option<u64>) -> String {
    bytes.map_or_else(|| "size unknown".to_owned(), size)
}

/// Formats an age in seconds, cut to its unit: `3 h ago`.
#[must_use]
pub fn age(seconds: u64) -> String {
    match seconds {
        0..=119 => format!("{seconds} s ago"),
        120..=7_199 => format!("{} min ago", seconds / 60),
        7_200..=172_799 => format!("{} h ago", seconds / 3_600),
        _ => format!("{} d ago", seconds / 86_400),
    }
}

/// Formats a span of seconds: `8 min`. Minutes are rounded up; from two hours on it is cut to full minutes.
#[must_use]
pub fn span(seconds: u64) -> String {
    match seconds {
        0..=119 => format!("{seconds} s"),
        120..=7_199 => format!("{} min", seconds.div_ceil(60)),
        _ => format!("{} h {} min", seconds / 3_600, seconds % 3_600 / 60),
    }
}

/// Formats how many seconds a log archive is behind: `8 min behind`.
#[must_use]
pub fn behind(seconds: Option<u64>) -> String {
    seconds.map_or_else(|| "how far behind is not known".to_owned(), |seconds| format!("{} behind", span(seconds)))
}

/// Formats a rate in bytes per second: `78 MiB/s`.
#[must_use]
pub fn rate(bytes_a_second: f64) -> String {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rate is a small positive number")]
    let whole = bytes_a_second.max(0.0) as u64;
    format!("{}/s", size(whole))
}

/// Formats the time that is left, in seconds, as a range where it is one: `left 5 min to 8 min`.
#[must_use]
pub fn time_left((low, high): (u64, u64)) -> String {
    if low == high { format!("left {}", span(low)) } else { format!("left {} to {}", span(low), span(high)) }
}

/// Formats how much of the log is in the set: `log 43 %`.
#[must_use]
pub fn log_share(percent: f64) -> String {
    format!("log {} %", percent.floor())
}

/// Formats all figures of a progress in one line.
#[must_use]
pub fn progress(progress: &Progress) -> String {
    let mut parts = vec![progress.phase.clone()];
    match progress.percent {
        // Cut, not rounded: 99.9 % is not 100 %.
        Some(percent) => parts.push(format!("{} %", percent.floor())),
        None => parts.push("progress unknown".to_owned()),
    }
    parts.extend(progress.log_percent.map(log_share));
    if let Some(blocks) = &progress.blocks {
        parts.push(format!("{} of {} blocks", blocks.done, blocks.total));
    }
    parts.push(match progress.bytes_total {
        Some(total) => format!("{} of {} written", size(progress.bytes), size(total)),
        None => format!("{} written", size(progress.bytes)),
    });
    parts.extend(progress.rate.map(rate));
    parts.extend(progress.eta.map(time_left));
    parts.join("  ")
}

/// Returns the worst outcome of a task, and its target.
#[must_use]
pub fn worst(view: &TaskView) -> Option<(&TargetName, &Outcome)> {
    view.targets
        .iter()
        .filter_map(|target| Some((&target.target, target.outcome.as_ref()?)))
        .max_by_key(|(_, outcome)| outcome.severity())
}

/// Formats a span between two moments as a clock shows it: `00:04:12`; below a minute in seconds, `0.2 s`.
#[must_use]
pub fn elapsed(from: Timestamp, to: Timestamp) -> String {
    let millis = to.duration_since(from).as_millis().max(0);
    let seconds = millis / 1_000;
    if seconds < 60 { format!("{seconds}.{} s", millis % 1_000 / 100) } else { stopwatch(from, to) }
}

/// Formats a span between two moments as a running clock shows it: `00:04:12`.
#[must_use]
pub fn stopwatch(from: Timestamp, to: Timestamp) -> String {
    let seconds = to.duration_since(from).as_secs().max(0);
    format!("{:02}:{:02}:{:02}", seconds / 3_600, seconds % 3_600 / 60, seconds % 60)
}

/// Returns the three sentences of a fault, cleaned, the last one after `Next:`.
#[must_use]
pub fn sentences(fault: &Fault) -> [String; 3] {
    [sentence(&fault.what), sentence(&fault.why), format!("Next: {}", sentence(&fault.next))]
}

/// Formats a verdict: its headline with the target or its window, then the notes beside the fault.
#[must_use]
pub fn verdict(target: &TargetName, outcome: &Outcome) -> Vec<String> {
    let mut told = outcome.notes.iter();
    let about = match &outcome.fault {
        // For a restorable backup, what is missing is shown beside the window, not instead of it.
        _ if outcome.verdict == VerdictKind::Restorable => told.next().map_or_else(|| target.to_string(), Clone::clone),
        None => told.next().map_or_else(|| target.to_string(), Clone::clone),
        Some(_) => target.to_string(),
    };
    let mut lines = vec![format!("{}  {about}", outcome.headline())];
    lines.extend(told.map(|line| format!("  {line}")));
    lines.extend(proof_line(outcome).map(|line| format!("  {line}")));
    lines
}

/// Formats what the server found on the storage, or why there is no proof; None where neither is known.
#[must_use]
pub fn proof_line(outcome: &Outcome) -> Option<String> {
    let why = || outcome.proof_why.as_ref().map(|why| format!("no proof from the storage: {why}"));
    outcome.proof.as_ref().map(Proof::text).or_else(why)
}

/// Formats the recipe of a restore, the first line after `Restore`.
#[must_use]
pub fn restore_instruction_lines(outcome: &Outcome) -> Vec<String> {
    let lead = |place: usize| if place == 0 { "Restore" } else { "" };
    outcome
        .restore_instructions
        .iter()
        .enumerate()
        .map(|(place, line)| format!("  {:<9} {line}", lead(place)))
        .collect()
}

/// Formats a complete verdict: the notes, the fault, and the recipe.
#[must_use]
pub fn verdict_lines(target: &TargetName, outcome: &Outcome) -> Vec<String> {
    let mut lines = verdict(target, outcome);
    lines.extend(outcome.fault.iter().flat_map(sentences).map(|line| format!("  {line}")));
    lines.extend(restore_instruction_lines(outcome));
    lines
}

/// Formats the targets that were left out of a task, with the reasons.
#[must_use]
pub fn left_out(view: &TaskView) -> Vec<String> {
    let left = view.prepared.iter().flat_map(|prepared| &prepared.plan.left_out);
    left.map(|left| format!("left out: {}: {}", left.target, left.reason)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_letter_becomes_a_capital() {
        assert_eq!(capitalized("tenant pay is gone"), "Tenant pay is gone");
        // A letter of several bytes, and one whose upper case is two letters.
        assert_eq!(capitalized("\u{e4}rger"), "\u{c4}rger");
        assert_eq!(capitalized("\u{df}"), "SS");
        assert_eq!(capitalized(""), "");
    }
}
