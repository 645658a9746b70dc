//! Why a step has stalled: everything that can be known about it, as one attention.

use jiff::Timestamp;

use super::diagnosis::Comment;
use super::facts::Known;
use super::fault::{Cause, Fault};
use super::scn::Scn;
use super::step::StepKind;
use super::target::TargetName;
use super::time_zone::ServerTimeZone;
use super::version::Version;

#[cfg(test)]
mod tests;

/// The server's clock compared with this host's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerClock {
    /// The zone in which the server prints its times.
    pub time_zone: ServerTimeZone,
    /// How many milliseconds the server's clock is ahead of this host's.
    pub ahead_ms: i64,
}

impl ServerClock {
    /// Converts a moment of this host's clock to the server's clock.
    #[must_use]
    pub fn at(&self, here: Timestamp) -> Scn {
        let ms = here.as_millisecond().saturating_add(self.ahead_ms);
        Scn(u64::try_from(ms).unwrap_or_default().saturating_mul(1_000_000))
    }
}

/// The progress of a tenant's log archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchiveProgress {
    /// The status of the round.
    pub status: String,
    /// How many seconds the checkpoint is behind the server's clock; None before there is a checkpoint.
    pub behind: Option<u64>,
    /// The log stream that is furthest behind, and by how many seconds, where the server shows it.
    pub slowest: Option<(u64, u64)>,
    /// `archive_lag_target` in seconds, where it could be read.
    pub lag_target: Option<u64>,
}

impl ArchiveProgress {
    /// Whether the lag is too large to just wait: more than three times the lag target, the limit of the preflight check. False
    /// where the lag target was not read.
    fn lags(&self) -> bool {
        let late = self.behind.max(self.slowest.map(|(_, late)| late));
        late.zip(self.lag_target).is_some_and(|(late, target)| late > target.saturating_mul(3))
    }

    /// Returns the advice on a lag.
    fn next(&self) -> String {
        let stream = self.slowest.map_or_else(
            || "and which of the tenant's log streams is behind".to_owned(),
            |(stream, _)| format!("and at log stream {stream}, which is the last"),
        );
        let target = self.lag_target.map_or_else(String::new, |seconds| format!(" of {seconds} s"));
        format!(
            "Look at the archive's destination (reachable, writable, not full), {stream}: the archive is more than three \
             times its lag target{target} behind. The step goes on by itself once the archive does."
        )
    }
}

/// The latest event of the root service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RootServiceEvent {
    /// When it happened, as the server prints it.
    pub at: String,
    /// The name of the event.
    pub name: String,
    /// The named values of the event.
    pub items: Vec<(String, String)>,
}

impl RootServiceEvent {
    /// Formats it: `deal with failed job at 2026-11-20 03:31:40 (job_id 12)`.
    pub(super) fn said(&self) -> String {
        let items: Vec<String> = self.items.iter().map(|(name, value)| format!("{name} {value}")).collect();
        let items = if items.is_empty() { String::new() } else { format!(" ({})", items.join(", ")) };
        format!("{} at {}{items}", self.name, self.at)
    }
}

/// What a stalled backup blocks in a version, and how a cancel that does not end can be forced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StalledStep {
    /// What the server blocks until the backup has ended.
    waits: &'static str,
    /// The statement that ends all backups by force, with its side effects; None: the version has none.
    force: Option<&'static str>,
    /// The server on which the root service's leader runs, where it was read.
    pub root_service: Option<String>,
}

impl StalledStep {
    /// Returns what this version blocks. V2, V3 and V4.0 block DDL (V3.1.5 source; V4 documentation); `CANCEL ALL BACKUP FORCE`
    /// is in the grammar of V3.1.3 to V3.2 only, and V4 answers it with 1210.
    #[must_use]
    pub fn of(version: &Version) -> Self {
        let at_least = |text: &str| text.parse::<Version>().is_ok_and(|bound| *version >= bound);
        let waits = if at_least("4.1.0") {
            "other backups of the tenant and changes of its destinations"
        } else {
            "DDL, with it index builds, other backups and changes of destinations"
        };
        let force = (at_least("3.1.3") && !at_least("4.0.0")).then_some(
            "ALTER SYSTEM CANCEL ALL BACKUP FORCE, which stops log archiving too and clears backup_dest; not every build \
             of V3.2 knows it, and obnow never sends it",
        );
        Self { waits, force, root_service: None }
    }

    /// Returns the advice on a cancel that does not end.
    fn of_a_cancel(&self) -> String {
        let server = self.root_service.as_ref().map_or_else(
            || "the server that leads the root service (WITH_ROOTSERVER in the list of servers)".to_owned(),
            |server| format!("the server that leads the root service, {server},"),
        );
        let force = self.force.map_or_else(
            || "This version has no statement that ends it by force.".to_owned(),
            |statement| format!("By force it is ended with {statement}."),
        );
        format!(
            "A cancel stands while the metadata of the backup cannot be written: look on {server} whether the destination is \
             mounted and its files are there, and mount it or bring them back. Behind it wait {}. {force}",
            self.waits
        )
    }

    /// Returns the advice on a backup that has stalled without a known error.
    fn of_a_backup(&self) -> String {
        format!(
            "Look there for what it waits for (log, disk and network of that server); it goes on when the server does. Behind \
             it wait {}: cancel the backup if they cannot wait.",
            self.waits
        )
    }
}

/// What is known of a stall, for one target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stall {
    /// The server's clock; None: it was never read.
    pub clock: Option<ServerClock>,
    /// The servers that do the work.
    pub servers: Vec<String>,
    /// The progress of the log archive; None: there is no round.
    pub archive: Known<Option<ArchiveProgress>>,
    /// The latest event of the root service about it.
    pub event: Known<Option<RootServiceEvent>>,
    /// What the stall blocks; None: it is not a backup by a server.
    pub hanging: Option<StalledStep>,
}

impl Stall {
    /// Returns a stall of which nothing is known, for this reason.
    #[must_use]
    pub fn unknown(why: &str) -> Self {
        let why = || why.to_owned();
        let (archive, event) = (Known::NotChecked(why()), Known::NotChecked(why()));
        Self { clock: None, servers: Vec::new(), archive, event, hanging: None }
    }

    /// Returns the advice where the server names no error.
    fn next(&self, step: StepKind) -> String {
        let lagging = self.archive.get().and_then(Option::as_ref).filter(|stand| stand.lags());
        if let Some(stand) = lagging {
            return stand.next();
        }
        let of_backup = matches!(step, StepKind::StartBackup | StepKind::WaitForBackup);
        match &self.hanging {
            Some(hanging) if of_backup => hanging.of_a_backup(),
            Some(_) => {
                "Look at the destination of the log archive and at the tenant's events; the step goes on when the \
                        server does."
                    .to_owned()
            }
            None => "Look at what it waits for; the step goes on when that does.".to_owned(),
        }
    }

    /// Returns the attention of a step that has been `at` a status `since` a moment of this host's clock; `trouble` is the
    /// error of the running job, if it has one.
    #[must_use]
    pub fn attention(
        &self,
        (step, target): (StepKind, &TargetName),
        at: &str,
        trouble: Option<&Fault>,
        since: Timestamp,
    ) -> Fault {
        let since = self.clock.as_ref().map_or_else(
            || format!("{} (this host's clock)", Scn::from_timestamp(since).to_local(&ServerTimeZone::fixed(0))),
            |clock| format!("{} (server time)", clock.at(since).to_local(&clock.time_zone)),
        );
        let why = [
            self.place(at, trouble),
            self.archive_said(step),
            self.event_said(),
            trouble.map_or_else(
                || "The server names no error.".to_owned(),
                |trouble| format!("The last error: {}", trouble.why),
            ),
        ];
        let cancel = self.hanging.as_ref().filter(|_| Self::is_cancel(at));
        let next = match (cancel, trouble) {
            (Some(hanging), _) => hanging.of_a_cancel(),
            (None, None) => self.next(step),
            (None, Some(trouble)) => format!(
                "It goes on by itself once the cause is gone, and nothing has to be started anew. {}",
                trouble.next
            ),
        };
        let what = format!("{} of {target} has not moved since {since}.", step.name());
        let mut fault = Fault::new(trouble.map_or(Cause::Server, |trouble| trouble.cause), what, why.join(" "), next);
        fault.code = trouble.and_then(|trouble| trouble.code);
        fault
    }

    /// Returns a key that changes with the reason of the stall. The lag is not part of it, because it grows by itself; whether
    /// the lag is too large is.
    #[must_use]
    pub fn key(&self, at: &str, trouble: Option<&Fault>) -> String {
        let archive = self.archive.get().and_then(Option::as_ref);
        let archive = archive.map(|stand| (&stand.status, stand.slowest.map(|(stream, _)| stream), stand.lags()));
        let trouble = trouble.map(|trouble| (trouble.code, &trouble.detail));
        format!("{at} {:?} {archive:?} {:?} {trouble:?}", self.servers, self.event)
    }

    /// Whether a job in this status is being cancelled.
    #[must_use]
    pub fn is_cancel(at: &str) -> bool {
        matches!(at, "CANCELING" | "CANCEL")
    }

    fn place(&self, at: &str, trouble: Option<&Fault>) -> String {
        let mut servers = self.servers.clone();
        if servers.is_empty() {
            servers.extend(trouble.and_then(|trouble| Comment::parse(&trouble.detail)?.addr));
        }
        if servers.is_empty() {
            let items = self.event.get().and_then(Option::as_ref).map(|event| event.items.as_slice());
            servers.extend(items.into_iter().flatten().find_map(|(_, value)| Comment::parse(value)?.addr));
        }
        match servers.as_slice() {
            [] => format!("It stands at {at}; the server does not say on which of its servers."),
            [one] => format!("It stands at {at}, on server {one}."),
            many => format!("It stands at {at}, on servers {}.", many.join(", ")),
        }
    }

    fn archive_said(&self, step: StepKind) -> String {
        let stand = match &self.archive {
            Known::NotChecked(why) => return format!("The archive was not looked at: {why}"),
            Known::Known(None) => return "There is no archive round.".to_owned(),
            Known::Known(Some(stand)) => stand,
        };
        let behind = stand.behind.map_or_else(
            || format!("The archive is {} and has no checkpoint yet", stand.status),
            |behind| {
                let unread = if stand.lag_target.is_none() { " (its lag target was not read)" } else { "" };
                format!("The archive is {} and {behind} s behind{unread}", stand.status)
            },
        );
        match stand.slowest {
            Some((stream, late)) => format!("{behind}; log stream {stream} is the last, {late} s behind."),
            None if step == StepKind::ConfirmRestorable => format!("{behind}; no log stream is named."),
            None => format!("{behind}."),
        }
    }

    fn event_said(&self) -> String {
        match &self.event {
            Known::NotChecked(why) => format!("The events of the root service were not read: {why}"),
            Known::Known(None) => "The root service wrote nothing about it.".to_owned(),
            Known::Known(Some(event)) => format!("The root service wrote last: {}.", event.said()),
        }
    }
}
