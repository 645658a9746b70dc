//! R2: the states of log archiving, and what each asks for.

use super::facts::{ArchiveFacts, TenantFacts};
use super::restorable::RoundStatus;

#[cfg(test)]
mod tests;
mod unchanged;

pub use unchanged::UnchangedArchive;

/// What the state of the archive means for a backup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Archiving {
    /// `DOING`.
    Running,
    /// It will become `DOING` by itself: the word, or why.
    Starting(String),
    /// It is stopping: the word.
    Stopping(String),
    /// No round, or `STOP`: a new round must be started.
    Off,
    /// `SUSPEND` or on its way there: the round can go on.
    Suspended(String),
    /// `INTERRUPTED`: only a new round helps, and the log since the break is lost.
    Interrupted,
    /// A word that is not known here.
    Unrecognized(String),
}

/// The destination's own switch is off.
const DEFERRED: &str = "LOG_ARCHIVE_DEST_STATE is DEFER";

/// Judges the state of the archive; words as in `CDB_OB_ARCHIVELOG.STATUS` (V4.2.5 docs).
#[must_use]
pub fn archiving_state(archive: &ArchiveFacts) -> Archiving {
    let Some(round) = archive.latest() else {
        // ARCHIVELOG without a destination succeeds and makes no round; with one, the round is about to appear.
        return if archive.log_mode_on == Some(true) && archive.destination.is_some() {
            // A destination that is put off makes no round however long one waits.
            if archive.deferred {
                return Archiving::Suspended(DEFERRED.to_owned());
            }
            Archiving::Starting("LOG_MODE is ARCHIVELOG, its round is about to appear".to_owned())
        } else {
            Archiving::Off
        };
    };
    let word = round.status.to_string();
    match round.status {
        RoundStatus::Doing => Archiving::Running,
        RoundStatus::Prepare | RoundStatus::Beginning => Archiving::Starting(word),
        RoundStatus::Stopping => Archiving::Stopping(word),
        RoundStatus::Suspending | RoundStatus::Suspend => Archiving::Suspended(word),
        RoundStatus::Stop if archive.log_mode_on == Some(true) && archive.deferred => {
            Archiving::Suspended(DEFERRED.to_owned())
        }
        RoundStatus::Stop if archive.log_mode_on == Some(true) && archive.destination.is_some() => {
            Archiving::Starting("LOG_MODE is ARCHIVELOG, a new round is about to appear".to_owned())
        }
        RoundStatus::Stop => Archiving::Off,
        RoundStatus::Interrupted => Archiving::Interrupted,
        RoundStatus::Invalid | RoundStatus::Other(_) => Archiving::Unrecognized(word),
    }
}

/// Whether somebody suspended the archive of the tenant, or put its destination off.
#[must_use]
pub fn is_suspended(tenant: &TenantFacts) -> bool {
    tenant.archive.deferred || matches!(archiving_state(&tenant.archive), Archiving::Suspended(_))
}

/// Whether `LOG_ARCHIVE_DEST` can only be set after archiving was stopped (1235 otherwise).
#[must_use]
pub fn must_stop_first(archive: &ArchiveFacts) -> bool {
    !matches!(archiving_state(archive), Archiving::Off) && archive.latest().is_some()
}
