//! The end of one target: the verdict as it is kept and told, with its windows and the restore recipe.

use serde::{Deserialize, Serialize};

use super::choices::Mode;
use super::facts::{Known, TenantFacts};
use super::fault::{Cause, Fault};
use super::proof::Proof;
use super::restorable::{self, BackupSet, Encryption, GROWING, JobEnd, NotYet, RoundStatus, Span, Verdict, Windows};
use super::scn::{Scn, span_text};
use super::target::TargetName;
use super::task::TaskState;
use super::time_zone::ServerTimeZone;

mod recipe;
#[cfg(test)]
mod tests;

use recipe::recipe;

/// The verdict in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VerdictWord {
    /// It can be restored to any time of the window.
    Restorable,
    /// It will be, when the log has come.
    NotYetRestorable,
    /// It never will be.
    NotRestorable,
    /// It could not be made.
    Failed,
    /// It was cancelled.
    Cancelled,
    /// Nobody knows.
    Unknown,
}

impl VerdictWord {
    /// The word of JSON.
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

    /// The word a person reads first.
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

    /// How bad it is; of several targets the worst is the task's. Not knowing is the worst of all.
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

    /// The state a task has that ended with it.
    #[must_use]
    pub fn task_state(self) -> TaskState {
        match self {
            Self::Restorable | Self::NotYetRestorable | Self::NotRestorable => TaskState::Done,
            Self::Failed => TaskState::Failed,
            Self::Cancelled => TaskState::Cancelled,
            Self::Unknown => TaskState::Unknown,
        }
    }

    /// Whether a Retry has something to do.
    #[must_use]
    pub fn may_be_retried(self) -> bool {
        self != Self::Restorable
    }

    /// Whether another look may find another verdict.
    #[must_use]
    pub fn may_still_change(self) -> bool {
        matches!(self, Self::NotYetRestorable | Self::Unknown)
    }

    /// Whether that Retry is a new backup and not only another look.
    #[must_use]
    pub fn needs_new_backup(self) -> bool {
        matches!(self, Self::Failed | Self::Cancelled | Self::NotRestorable)
    }
}

/// A window, as kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptWindow {
    /// The earliest point.
    pub from: Scn,
    /// The latest.
    pub to: Scn,
    /// The set it stands on.
    pub set: u64,
}

/// The end of one target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// The verdict.
    pub verdict: VerdictWord,
    /// What the server made.
    pub mode: Option<Mode>,
    /// The earliest point it can be restored to.
    pub from: Option<Scn>,
    /// The latest.
    pub to: Option<Scn>,
    /// The set.
    pub set: Option<u64>,
    /// Every window of the tenant, newest first, its own among them.
    pub windows: Vec<KeptWindow>,
    /// What is told beside the fault, line by line, in the server's own time.
    pub told: Vec<String>,
    /// What is missing, or why it failed, and what to do next.
    pub fault: Option<Fault>,
    /// How to restore it, line by line.
    pub recipe: Vec<String>,
    /// Whether the encryption that was asked for is there; None: none was asked for, or there is no set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encryption: Option<Encryption>,
    /// What the server itself found on the storage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<Proof>,
    /// Why the server has not looked there, or what came of it otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof_why: Option<String>,
}

impl Outcome {
    /// The words a person reads first: of the verdict, and that encryption lacks.
    #[must_use]
    pub fn headline(&self) -> String {
        let verdict = self.verdict.headline();
        match self.encryption.and_then(Encryption::mark) {
            Some(mark) => format!("{verdict}, {mark}"),
            None => verdict.to_owned(),
        }
    }

    /// The verdict in few words, for a list: `restorable, NOT ENCRYPTED`.
    #[must_use]
    pub fn in_short(&self) -> String {
        let verdict = self.verdict.word().replace('_', " ");
        match self.encryption.and_then(Encryption::mark) {
            Some(mark) => format!("{verdict}, {mark}"),
            None => verdict,
        }
    }

    /// How bad it is; of several targets the worst is the task's.
    #[must_use]
    pub fn severity(&self) -> (u8, Option<Encryption>) {
        (self.verdict.severity(), self.encryption)
    }

    /// Whether it can be restored and is encrypted as asked.
    #[must_use]
    pub fn is_as_asked(&self) -> bool {
        self.verdict == VerdictWord::Restorable && self.encryption.and_then(Encryption::mark).is_none()
    }

    /// Whether a Retry has something to do.
    #[must_use]
    pub fn may_be_retried(&self) -> bool {
        self.verdict.may_be_retried() || !self.is_as_asked()
    }

    /// Whether another look may find something else.
    #[must_use]
    pub fn may_still_change(&self) -> bool {
        self.verdict.may_still_change() || self.encryption == Some(Encryption::Unknown)
    }

    /// Whether that Retry is a new backup and not only another look.
    #[must_use]
    pub fn needs_new_backup(&self) -> bool {
        self.verdict.needs_new_backup()
            || (self.verdict == VerdictWord::Restorable && self.encryption == Some(Encryption::Missing))
    }

    fn ended(verdict: VerdictWord, set: Option<u64>, fault: Fault) -> Self {
        let left_behind =
            set.map(|set| format!("Set {set} stays on the destination as it is; nothing can be restored from it."));
        Self {
            verdict,
            mode: None,
            from: None,
            to: None,
            set,
            windows: Vec::new(),
            told: left_behind.into_iter().collect(),
            fault: Some(fault),
            recipe: Vec::new(),
            encryption: None,
            proof: None,
            proof_why: None,
        }
    }

    /// It failed; the set that was left behind is named.
    #[must_use]
    pub fn failed(fault: Fault, set: Option<u64>) -> Self {
        Self::ended(VerdictWord::Failed, set, fault)
    }

    /// It was cancelled.
    #[must_use]
    pub fn cancelled(fault: Fault, set: Option<u64>) -> Self {
        Self::ended(VerdictWord::Cancelled, set, fault)
    }

    /// It ended, and what it left can never be restored.
    #[must_use]
    pub fn not_restorable(fault: Fault) -> Self {
        Self::ended(VerdictWord::NotRestorable, None, fault)
    }

    /// Nobody knows.
    #[must_use]
    pub fn unknown(fault: Fault) -> Self {
        Self::ended(VerdictWord::Unknown, None, fault)
    }

    /// A finished logical backup: one instant.
    #[must_use]
    pub fn instant(at: Scn, told: Vec<String>, recipe: Vec<String>) -> Self {
        Self {
            verdict: VerdictWord::Restorable,
            mode: Some(Mode::Full),
            from: Some(at),
            to: Some(at),
            set: None,
            windows: vec![KeptWindow { from: at, to: at, set: 0 }],
            told,
            fault: None,
            recipe,
            encryption: None,
            proof: None,
            proof_why: None,
        }
    }
}

/// What was judged of a finished backup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judged {
    /// It will not change by waiting.
    Final(Box<Outcome>),
    /// The log is still coming.
    StillComing {
        /// What is waited for.
        what: String,
        /// Milliseconds in which the log comes three steps further; None: not known.
        at_least: Option<u64>,
        /// The verdict if nobody waits any longer.
        meanwhile: Box<Outcome>,
    },
}

/// Judges a set whose job is completed (R10). `zone` is the server's.
#[must_use]
pub fn judge(
    tenant: &TenantFacts,
    target: &TargetName,
    set_id: u64,
    encryption_asked: bool,
    zone: &ServerTimeZone,
) -> Judged {
    let set = tenant.sets.iter().find(|set| set.id == set_id);
    let pieces = tenant.archive.pieces.get().map(Vec::as_slice);
    let rounds = tenant.archive.known_rounds();
    let windows = restorable::windows(&tenant.sets, pieces, rounds);
    let verdict =
        restorable::verdict(&restorable::Facts { job: &JobEnd::Completed, set, sets: &tenant.sets, pieces, rounds });
    let verdict = match &tenant.archive.times {
        Known::NotChecked(why) if verdict.rests_on_the_log() => {
            Verdict::Unknown(format!("Up to when the log is archived is not known: {why}."))
        }
        _ => verdict,
    };
    let others = windows_without(tenant, set_id);
    let others_are = if others.0.iter().any(|window| window.set > set_id) { "other" } else { "older" };
    let at_least = tenant.archive.three_steps();
    let name = target.tenant().unwrap_or(target.cluster());
    let mut outcome = Outcome {
        verdict: word_of(&verdict),
        mode: set.and_then(|set| set.kind.mode()),
        from: None,
        to: None,
        set: Some(set_id),
        windows: kept(&windows),
        told: Vec::new(),
        fault: None,
        recipe: Vec::new(),
        encryption: set.filter(|_| encryption_asked).map(BackupSet::as_asked),
        proof: None,
        proof_why: None,
    };
    match verdict {
        Verdict::Restorable(window) => {
            outcome.from = Some(window.from);
            outcome.to = Some(window.to);
            let growing = if window.growing { GROWING } else { "" };
            outcome.told.push(format!("{name}: {} (server time){growing}", span_text(window.from, window.to, zone)));
            // Windows that overlap are one; where it begins with this set's own, older sets add nothing.
            if windows.0.len() > 1 || windows.0.iter().any(|whole| whole.from < window.from) {
                outcome.told.extend(spans("with older sets", &windows, zone));
            }
            if let Some(set) = set {
                outcome.recipe = recipe(tenant, set, &window, zone);
                outcome.fault = outcome.encryption.and_then(|seen| not_encrypted(name, set, seen));
            }
            Judged::Final(Box::new(outcome))
        }
        Verdict::NotYet(coming) => {
            outcome.fault = Some(still_coming(target, &coming, tenant.archive.lag_target, zone));
            outcome.told.extend(encryption_told(&outcome, set));
            outcome.told.extend(spans(&format!("with {others_are} sets"), &others, zone));
            let what = bounded(format!("waits for {}", awaited(&coming, zone)), at_least);
            Judged::StillComing { what, at_least, meanwhile: Box::new(outcome) }
        }
        Verdict::NotRestorable(missing) => {
            let fault = Fault::new(
                Cause::Server,
                format!("The backup of {name} is done, but it cannot be restored."),
                missing.told(zone),
                missing.next(),
            );
            outcome.fault = Some(fault);
            outcome.told.extend(encryption_told(&outcome, set));
            outcome.told.extend(spans(&format!("what {others_are} sets still restore"), &others, zone));
            Judged::Final(Box::new(outcome))
        }
        Verdict::Failed | Verdict::Cancelled => {
            let fault = Fault::new(
                Cause::Server,
                format!("The backup of {name} failed on the server."),
                format!("Its job is COMPLETED, and the view of sets shows set {set_id} as failed."),
                "Retry starts a new backup.",
            );
            let mut failed = Outcome { windows: outcome.windows, ..Outcome::failed(fault, Some(set_id)) };
            failed.told.extend(spans(&format!("what {others_are} sets still restore"), &others, zone));
            Judged::Final(Box::new(failed))
        }
        Verdict::Unknown(why) => {
            let fault = Fault::new(
                Cause::Unknown,
                format!("Whether the backup of {name} can be restored is unknown."),
                why,
                "Retry: it only looks again.",
            );
            let told = spans(&format!("with {others_are} sets"), &others, zone).into_iter().collect();
            let windows = outcome.windows;
            let encryption = outcome.encryption;
            let unknown = Outcome { set: Some(set_id), windows, told, encryption, ..Outcome::unknown(fault) };
            Judged::StillComing {
                what: "waits for the view of sets".to_owned(),
                at_least,
                meanwhile: Box::new(unknown),
            }
        }
    }
}

/// What can be restored by other sets, whatever is said of one.
#[derive(Debug, Clone, Default)]
pub struct Without {
    /// Their windows, newest first.
    pub windows: Vec<KeptWindow>,
    /// The windows in one line; `Lost`: there is none.
    pub told: Option<String>,
}

/// Returns what the views show to be restorable without this set.
#[must_use]
pub fn without(tenant: &TenantFacts, set_id: u64, zone: &ServerTimeZone) -> Without {
    let windows = windows_without(tenant, set_id);
    Without { told: spans("by the views older sets still restore", &windows, zone), windows: kept(&windows) }
}

fn windows_without(tenant: &TenantFacts, set_id: u64) -> Windows {
    let others: Vec<BackupSet> = tenant.sets.iter().filter(|set| set.id != set_id).cloned().collect();
    restorable::windows(&others, tenant.archive.pieces.get().map(Vec::as_slice), tenant.archive.known_rounds())
}

fn kept(windows: &Windows) -> Vec<KeptWindow> {
    windows.0.iter().map(|window| KeptWindow { from: window.from, to: window.to, set: window.set }).collect()
}

/// What is waited for, with what bounds the wait where the steps of the log are not known.
pub(super) fn bounded(what: String, at_least: Option<u64>) -> String {
    match at_least {
        Some(_) => what,
        None => format!("{what}; in which steps it comes was not read, so limits.archive_wait alone ends the wait"),
    }
}

/// The log that is awaited, and how far it is.
fn awaited(coming: &NotYet, zone: &ServerTimeZone) -> String {
    let (need, have) = (coming.need.to_local(zone), coming.have.to_local(zone));
    format!("the log up to {need}; it is archived up to {have}")
}

/// Why a finished backup cannot be restored yet, and when to expect it.
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

/// The fault of a backup that can be restored and is not proven to be encrypted as asked (R11); None where it is.
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

/// The same in one line, where another fault comes first.
fn encryption_told(outcome: &Outcome, set: Option<&BackupSet>) -> Option<String> {
    let mark = outcome.encryption.and_then(Encryption::mark)?;
    set.map(|set| format!("{mark}: ENCRYPTION_MODE of set {} is {}", set.id, set.encryption_word()))
}

fn word_of(verdict: &Verdict) -> VerdictWord {
    match verdict {
        Verdict::Restorable(_) => VerdictWord::Restorable,
        Verdict::NotYet(_) => VerdictWord::NotYetRestorable,
        Verdict::NotRestorable(_) => VerdictWord::NotRestorable,
        Verdict::Failed => VerdictWord::Failed,
        Verdict::Cancelled => VerdictWord::Cancelled,
        Verdict::Unknown(_) => VerdictWord::Unknown,
    }
}

/// The windows and the gaps between them, in one line; None where there is no window.
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
