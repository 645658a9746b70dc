//! The result of a target: the verdict with its windows and the restore instructions.

use serde::{Deserialize, Serialize};

use super::choices::Mode;
use super::facts::TenantFacts;
use super::fault::{Cause, Fault};
use super::proof::Proof;
use super::restorable::{
    self, BackupSet, Encryption, GROWING, JobEnd, NotYet, RoundStatus, Span, Verdict, Window, Windows,
};
use super::scn::{Scn, span_text};
use super::target::TargetName;
use super::task::TaskState;
use super::time_zone::ServerTimeZone;

mod restore_instructions;
#[cfg(test)]
mod tests;

use restore_instructions::restore_instructions;

/// The verdict without its details.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VerdictKind {
    /// It can be restored to any time of the window.
    Restorable,
    /// It will be restorable, once the log has been archived.
    NotYetRestorable,
    /// It will never be restorable.
    NotRestorable,
    /// It could not be made.
    Failed,
    /// It was cancelled.
    Cancelled,
    /// It is not known.
    Unknown,
}

impl VerdictKind {
    /// Returns the word of JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Restorable => "restorable",
            Self::NotYetRestorable => "not_yet_restorable",
            Self::NotRestorable => "not_restorable",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Unknown => "unknown",
        }
    }

    /// Returns the headline on screens.
    #[must_use]
    pub fn headline(self) -> &'static str {
        match self {
            Self::Restorable => "RESTORABLE",
            Self::NotYetRestorable => "NOT YET RESTORABLE",
            Self::NotRestorable => "DONE, BUT CANNOT BE RESTORED",
            Self::Failed => "FAILED",
            Self::Cancelled => "CANCELLED",
            Self::Unknown => "UNKNOWN",
        }
    }

    /// Returns how bad it is; a task has the worst of its targets. `Unknown` is the worst.
    #[must_use]
    pub fn severity(self) -> u8 {
        match self {
            Self::Restorable => 0,
            Self::NotYetRestorable => 1,
            Self::Cancelled => 2,
            Self::NotRestorable => 3,
            Self::Failed => 4,
            Self::Unknown => 5,
        }
    }

    /// Returns the state of a task that ended with it.
    #[must_use]
    pub fn task_state(self) -> TaskState {
        match self {
            Self::Restorable | Self::NotYetRestorable | Self::NotRestorable => TaskState::Done,
            Self::Failed => TaskState::Failed,
            Self::Cancelled => TaskState::Cancelled,
            Self::Unknown => TaskState::Unknown,
        }
    }

    /// Returns whether a Retry has something to do.
    #[must_use]
    pub fn may_be_retried(self) -> bool {
        self != Self::Restorable
    }

    /// Returns whether a later check may find another verdict.
    #[must_use]
    pub fn may_still_change(self) -> bool {
        matches!(self, Self::NotYetRestorable | Self::Unknown)
    }

    /// Returns whether its Retry is a new backup and not only another check.
    #[must_use]
    pub fn needs_new_backup(self) -> bool {
        matches!(self, Self::Failed | Self::Cancelled | Self::NotRestorable)
    }
}

/// A window, as journals hold it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordedWindow {
    /// The earliest point.
    pub from: Scn,
    /// The latest point.
    pub to: Scn,
    /// The newest set that it is based on; 0 for a dump.
    pub set: u64,
}

/// The result of a target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// The verdict.
    pub verdict: VerdictKind,
    /// The type of backup that the server made.
    pub mode: Option<Mode>,
    /// The earliest point that it can be restored to.
    pub from: Option<Scn>,
    /// The latest point.
    pub to: Option<Scn>,
    /// The set.
    pub set: Option<u64>,
    /// All windows of the tenant, newest first, its own among them.
    pub windows: Vec<RecordedWindow>,
    /// Notes beside the fault, a line each, in the server's time zone.
    #[serde(rename = "told")]
    pub notes: Vec<String>,
    /// What is missing, or why it failed, and what to do next.
    pub fault: Option<Fault>,
    /// The instructions to restore it, a line each.
    #[serde(rename = "recipe")]
    pub restore_instructions: Vec<String>,
    /// Whether it is encrypted as requested; `None`: no encryption was requested, or there is no set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encryption: Option<Encryption>,
    /// What the server found on the storage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<Proof>,
    /// Why there is no proof.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof_why: Option<String>,
}

impl Outcome {
    /// Returns the headline on screens: the verdict, and a missing encryption.
    #[must_use]
    pub fn headline(&self) -> String {
        let verdict = self.verdict.headline();
        match self.encryption.and_then(Encryption::mark) {
            Some(mark) => format!("{verdict}, {mark}"),
            None => verdict.to_owned(),
        }
    }

    /// Returns the verdict for a list: `restorable, NOT ENCRYPTED`.
    #[must_use]
    pub fn in_short(&self) -> String {
        let verdict = self.verdict.word().replace('_', " ");
        match self.encryption.and_then(Encryption::mark) {
            Some(mark) => format!("{verdict}, {mark}"),
            None => verdict,
        }
    }

    /// Returns how bad it is; a task has the worst of its targets.
    #[must_use]
    pub fn severity(&self) -> (u8, Option<Encryption>) {
        (self.verdict.severity(), self.encryption)
    }

    /// Returns whether it can be restored and is encrypted as requested.
    #[must_use]
    pub fn is_as_asked(&self) -> bool {
        self.verdict == VerdictKind::Restorable && self.encryption.and_then(Encryption::mark).is_none()
    }

    /// Returns whether a Retry has something to do.
    #[must_use]
    pub fn may_be_retried(&self) -> bool {
        self.verdict.may_be_retried() || !self.is_as_asked()
    }

    /// Returns whether a later check may find something else.
    #[must_use]
    pub fn may_still_change(&self) -> bool {
        self.verdict.may_still_change() || self.encryption == Some(Encryption::Unknown)
    }

    /// Returns whether its Retry is a new backup and not only another check.
    #[must_use]
    pub fn needs_new_backup(&self) -> bool {
        self.verdict.needs_new_backup()
            || (self.verdict == VerdictKind::Restorable && self.encryption == Some(Encryption::Missing))
    }

    fn ended(verdict: VerdictKind, set: Option<u64>, fault: Fault) -> Self {
        let left_behind =
            set.map(|set| format!("Set {set} stays on the destination as it is; nothing can be restored from it."));
        Self {
            verdict,
            mode: None,
            from: None,
            to: None,
            set,
            windows: Vec::new(),
            notes: left_behind.into_iter().collect(),
            fault: Some(fault),
            restore_instructions: Vec::new(),
            encryption: None,
            proof: None,
            proof_why: None,
        }
    }

    /// Returns the result of a failed backup, with the set that it left.
    #[must_use]
    pub fn failed(fault: Fault, set: Option<u64>) -> Self {
        Self::ended(VerdictKind::Failed, set, fault)
    }

    /// Returns the result of a cancelled backup.
    #[must_use]
    pub fn cancelled(fault: Fault, set: Option<u64>) -> Self {
        Self::ended(VerdictKind::Cancelled, set, fault)
    }

    /// Returns the result of a backup that ended and can never be restored.
    #[must_use]
    pub fn not_restorable(fault: Fault) -> Self {
        Self::ended(VerdictKind::NotRestorable, None, fault)
    }

    /// Returns a result that is not known.
    #[must_use]
    pub fn unknown(fault: Fault) -> Self {
        Self::ended(VerdictKind::Unknown, None, fault)
    }

    /// Returns the result of a finished logical backup, which restores to one instant.
    #[must_use]
    pub fn instant(at: Scn, told: Vec<String>, recipe: Vec<String>) -> Self {
        Self {
            verdict: VerdictKind::Restorable,
            mode: Some(Mode::Full),
            from: Some(at),
            to: Some(at),
            set: None,
            windows: vec![RecordedWindow { from: at, to: at, set: 0 }],
            notes: told,
            fault: None,
            restore_instructions: recipe,
            encryption: None,
            proof: None,
            proof_why: None,
        }
    }
}

/// The assessment of a completed job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Assessment {
    /// Waiting does not change it.
    Final(Box<Outcome>),
    /// The log is still being archived.
    Pending {
        /// What is waited for.
        what: String,
        /// The milliseconds in which the archive advances by three steps; `None`: not known.
        at_least: Option<u64>,
        /// The result if the wait ends now.
        interim: Box<Outcome>,
    },
}

/// Assesses a set whose job is completed (R10). `zone` is the server's.
#[must_use]
pub fn assess(
    tenant: &TenantFacts,
    target: &TargetName,
    set_id: u64,
    encryption_asked: bool,
    zone: &ServerTimeZone,
) -> Assessment {
    let set = tenant.sets.iter().find(|set| set.id == set_id);
    let pieces = tenant.archive.known_pieces();
    let rounds = tenant.archive.known_rounds();
    let windows = restorable::windows(&tenant.sets, pieces, rounds);
    let (job, sets) = (&JobEnd::Completed, &tenant.sets);
    let verdict = restorable::verdict(&restorable::VerdictInput { job, set, sets, pieces, rounds });
    let verdict = match tenant.archive.reach_is_known() {
        Err(why) if verdict.rests_on_the_log() => {
            Verdict::Unknown(format!("Up to when the log is archived is not known: {why}."))
        }
        _ => verdict,
    };
    let others = windows_without(tenant, set_id);
    let others_are = age_of_others(&others, set_id);
    let at_least = tenant.archive.expected_archive_delay();
    let name = target.tenant().unwrap_or(target.cluster());
    let mut outcome = Outcome {
        verdict: word_of(&verdict),
        mode: set.and_then(|set| set.kind.mode()),
        from: None,
        to: None,
        set: Some(set_id),
        windows: kept(&windows),
        notes: Vec::new(),
        fault: None,
        restore_instructions: Vec::new(),
        encryption: set.filter(|_| encryption_asked).map(BackupSet::as_asked),
        proof: None,
        proof_why: None,
    };
    match verdict {
        Verdict::Restorable(window) => {
            outcome.notes.extend(restorable_span(name, &window, &windows, zone));
            if let Some(set) = set {
                outcome.restore_instructions = restore_instructions(tenant, set, &window, zone);
                outcome.fault = outcome.encryption.and_then(|seen| not_encrypted(name, set, seen));
            }
            (outcome.from, outcome.to) = (Some(window.from), Some(window.to));
            Assessment::Final(Box::new(outcome))
        }
        Verdict::NotYet(coming) => {
            outcome.fault = Some(still_coming(target, &coming, tenant.archive.lag_target, zone));
            outcome.notes.extend(encryption_told(&outcome, set));
            outcome.notes.extend(spans(&format!("with {others_are} sets"), &others, zone));
            let what = bounded(format!("waits for {}", awaited(&coming, zone)), at_least);
            Assessment::Pending { what, at_least, interim: Box::new(outcome) }
        }
        Verdict::NotRestorable(missing) => {
            let fault = Fault::new(
                Cause::Server,
                format!("The backup of {name} is done, but it cannot be restored."),
                missing.description(zone),
                missing.next(),
            );
            outcome.fault = Some(fault);
            outcome.notes.extend(encryption_told(&outcome, set));
            outcome.notes.extend(spans(&format!("what {others_are} sets still restore"), &others, zone));
            Assessment::Final(Box::new(outcome))
        }
        Verdict::Failed | Verdict::Cancelled => {
            let fault = failed_in_view(name, set_id);
            let mut failed = Outcome { windows: outcome.windows, ..Outcome::failed(fault, Some(set_id)) };
            failed.notes.extend(spans(&format!("what {others_are} sets still restore"), &others, zone));
            Assessment::Final(Box::new(failed))
        }
        Verdict::Unknown(why) => {
            let fault = Fault::new(
                Cause::Unknown,
                format!("Whether the backup of {name} can be restored is unknown."),
                why,
                "Retry: it only looks again.",
            );
            let told = spans(&format!("with {others_are} sets"), &others, zone).into_iter().collect();
            let (windows, encryption) = (outcome.windows, outcome.encryption);
            let unknown = Outcome { set: Some(set_id), windows, notes: told, encryption, ..Outcome::unknown(fault) };
            let what = "waits for the view of sets".to_owned();
            Assessment::Pending { what, at_least, interim: Box::new(unknown) }
        }
    }
}

/// Returns what the sets of windows are called beside a set: `other` where one of them is newer.
fn age_of_others(windows: &Windows, set_id: u64) -> &'static str {
    if windows.0.iter().any(|window| window.set > set_id) { "other" } else { "older" }
}

fn failed_in_view(name: &str, set_id: u64) -> Fault {
    Fault::new(
        Cause::Server,
        format!("The backup of {name} failed on the server."),
        format!("Its job is COMPLETED, and the view of sets shows set {set_id} as failed."),
        "Retry starts a new backup.",
    )
}

/// Returns the times that a set can be restored to, and those with older sets where these add some.
fn restorable_span(name: &str, window: &Window, all: &Windows, zone: &ServerTimeZone) -> Vec<String> {
    let growing = if window.growing { GROWING } else { "" };
    let own = format!("{name}: {} (server time){growing}", span_text(window.from, window.to, zone));
    // Windows that overlap are one; where it begins with this set's own, older sets add nothing.
    let older_add_some = all.0.len() > 1 || all.0.iter().any(|other| other.from < window.from);
    let older = older_add_some.then(|| spans("with older sets", all, zone)).flatten();
    std::iter::once(own).chain(older).collect()
}

/// What other sets restore, whatever the verdict on one.
#[derive(Debug, Clone, Default)]
pub struct OtherBackups {
    /// Their windows, newest first.
    pub windows: Vec<RecordedWindow>,
    /// The windows as a line; `None`: there is none.
    pub told: Option<String>,
}

/// Returns what the views show to be restorable without this set.
#[must_use]
pub fn other_backups(tenant: &TenantFacts, set_id: u64, zone: &ServerTimeZone) -> OtherBackups {
    let windows = windows_without(tenant, set_id);
    let lead = format!("by the views {} sets still restore", age_of_others(&windows, set_id));
    OtherBackups { told: spans(&lead, &windows, zone), windows: kept(&windows) }
}

fn windows_without(tenant: &TenantFacts, set_id: u64) -> Windows {
    let others: Vec<BackupSet> = tenant.sets.iter().filter(|set| set.id != set_id).cloned().collect();
    restorable::windows(&others, tenant.archive.known_pieces(), tenant.archive.known_rounds())
}

fn kept(windows: &Windows) -> Vec<RecordedWindow> {
    windows.0.iter().map(|window| RecordedWindow { from: window.from, to: window.to, set: window.set }).collect()
}

/// Returns what is waited for, with the limit of the wait where the pace of the log is not known.
pub(super) fn bounded(what: String, at_least: Option<u64>) -> String {
    match at_least {
        Some(_) => what,
        None => format!("{what}; in which steps it comes was not read, so limits.archive_wait alone ends the wait"),
    }
}

/// Returns the log that is waited for, and how far it is archived.
fn awaited(coming: &NotYet, zone: &ServerTimeZone) -> String {
    let (need, have) = (coming.need.to_local(zone), coming.have.to_local(zone));
    format!("the log up to {need}; it is archived up to {have}")
}

/// Returns why a finished backup cannot be restored yet, and when to expect it.
fn still_coming(target: &TargetName, coming: &NotYet, lag: Option<u64>, zone: &ServerTimeZone) -> Fault {
    let name = target.tenant().unwrap_or(target.cluster());
    let behind = coming.need.0.saturating_sub(coming.have.0).div_ceil(1_000_000_000);
    let moves = matches!(coming.round_status, RoundStatus::Doing | RoundStatus::Beginning | RoundStatus::Prepare);
    let watch = format!("Watch on with: obnow watch {target}. It only looks again, and sends nothing.");
    let (why, next) = match lag {
        _ if !moves => {
            (format!("Round {} is {} and does not move by itself.", coming.round_id, coming.round_status), watch)
        }
        // Three steps late, it does not come as it should.
        Some(lag) if behind > lag.saturating_mul(3) => (
            format!("The log is {behind} s short of it, and its steps are {lag} s: it stands still or is too slow."),
            format!("Look at the destination of the archive. {watch}"),
        ),
        Some(lag) => (format!("The log is {behind} s short of it and comes in steps of about {lag} s."), watch),
        None => (format!("The log is {behind} s short of it; in which steps it comes was not read."), watch),
    };
    let what = format!("{name} is backed up and cannot be restored yet: it waits for {}.", awaited(coming, zone));
    Fault::new(Cause::Precondition, what, why, next)
}

/// Returns the fault of a backup that can be restored and is not proven to be encrypted as requested (R11); `None` where it is.
fn not_encrypted(name: &str, set: &BackupSet, seen: Encryption) -> Option<Fault> {
    let mode = set.encryption_word();
    match seen {
        Encryption::Proven => None,
        Encryption::Missing => Some(Fault::new(
            Cause::Server,
            format!("NOT ENCRYPTED as asked: the backup of {name} lies on the destination in clear."),
            format!("ENCRYPTION_MODE of set {} is {mode}, and a password was to protect it.", set.id),
            format!("Retry takes a new backup; delete set {} if it must not lie there in clear.", set.id),
        )),
        Encryption::Unknown => Some(Fault::new(
            Cause::Unknown,
            format!("ENCRYPTION UNKNOWN: whether the backup of {name} is encrypted as asked cannot be told."),
            match set.encryption_mode.trim() {
                "" => format!("ENCRYPTION_MODE of set {} was not read.", set.id),
                word => format!("ENCRYPTION_MODE of set {} is {word}, a word that obnow does not know.", set.id),
            },
            "Look the word up in the manual of this version; Retry only looks again.",
        )),
    }
}

/// Returns the note about missing encryption, for a result with another fault.
fn encryption_told(outcome: &Outcome, set: Option<&BackupSet>) -> Option<String> {
    let mark = outcome.encryption.and_then(Encryption::mark)?;
    set.map(|set| format!("{mark}: ENCRYPTION_MODE of set {} is {}", set.id, set.encryption_word()))
}

fn word_of(verdict: &Verdict) -> VerdictKind {
    match verdict {
        Verdict::Restorable(_) => VerdictKind::Restorable,
        Verdict::NotYet(_) => VerdictKind::NotYetRestorable,
        Verdict::NotRestorable(_) => VerdictKind::NotRestorable,
        Verdict::Failed => VerdictKind::Failed,
        Verdict::Cancelled => VerdictKind::Cancelled,
        Verdict::Unknown(_) => VerdictKind::Unknown,
    }
}

/// Returns the windows and the gaps between them as a line; `None` where there is no window.
fn spans(lead: &str, windows: &Windows, zone: &ServerTimeZone) -> Option<String> {
    let words: Vec<String> = windows
        .spans()
        .iter()
        .map(|span| match span {
            Span::Window(window) => window.text(zone),
            Span::Gap(gap) => format!("gap {}", span_text(gap.from, gap.to, zone)),
        })
        .collect();
    (!words.is_empty()).then(|| format!("{lead}: {}", words.join("; ")))
}
