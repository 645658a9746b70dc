//! R2: the states of log archiving, and the action that each of them needs.

use super::facts::{ArchiveFacts, TenantFacts};
use super::restorable::RoundStatus;

#[cfg(test)]
mod tests;
mod unchanged;

pub use unchanged::UnchangedArchive;

/// The state of log archiving, as far as it matters for a backup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Archiving {
    /// `DOING`.
    Running,
    /// It becomes `DOING` by itself; the server's word, or why.
    Starting(String),
    /// It is stopping; the server's word.
    Stopping(String),
    /// There is no round, or the round is `STOP` and none follows by itself: a new round must be started.
    Off,
    /// The round is `SUSPEND` or on its way there, or the destination is deferred: the round can be resumed.
    Suspended(String),
    /// `INTERRUPTED`: a new round must be started, and the log since the interruption is lost.
    Interrupted,
    /// `INVALID`, or a word that is not known here.
    Unrecognized(String),
}

/// The reason where the destination itself is switched off.
const DEFERRED: &str = "LOG_ARCHIVE_DEST_STATE is DEFER";

/// Returns the state of log archiving; words as in `CDB_OB_ARCHIVELOG.STATUS` (V4.2.5 docs).
#[must_use]
pub fn archiving_state(archive: &ArchiveFacts) -> Archiving {
    let Some(round) = archive.latest() else {
        // ARCHIVELOG without a destination succeeds and makes no round; with one, the round is about to appear.
        return if archive.log_mode_on == Some(true) && archive.destination.is_some() {
            // A deferred destination makes no round, however long it is waited for.
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

/// Returns whether someone suspended the archive of the tenant, or deferred its destination.
#[must_use]
pub fn is_suspended(tenant: &TenantFacts) -> bool {
    tenant.archive.deferred || matches!(archiving_state(&tenant.archive), Archiving::Suspended(_))
}

/// Returns whether `LOG_ARCHIVE_DEST` can only be set after archiving was stopped (1235 otherwise).
#[must_use]
pub fn must_stop_first(archive: &ArchiveFacts) -> bool {
    !matches!(archiving_state(archive), Archiving::Off) && archive.latest().is_some()
}
