//! R2: a log archive that does not change as it was asked to. From sys a server answers ARCHIVELOG and NOARCHIVELOG with success
//! whatever came of them (V4.1.0 to V4.3.1 source, `ObArchiveSchedulerService`), and a round that its root service cannot begin
//! leaves neither a row nor an event.

use super::super::diagnosis::explain;
use super::super::facts::Known;
use super::super::fault::Fault;
use super::super::stall::RootServiceEvent;
use super::super::storage_check::FORMAT_FILE;
use super::super::target::TargetName;

/// The facts about such an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnchangedArchive {
    /// Whether there is a round.
    pub has_round: Known<bool>,
    /// The directory that it writes to, without keys.
    pub directory: Option<String>,
    /// `ip:port` of the root service's leader; `None`: no server says that it is the leader.
    pub leader: Known<Option<String>>,
    /// The last events of log archiving that name the tenant, the newest first.
    pub events: Known<Vec<RootServiceEvent>>,
}

impl UnchangedArchive {
    /// Returns the fault of a wait that was given up; `given_up` is its general form.
    #[must_use]
    pub fn fault(&self, target: &TargetName, given_up: &Fault) -> Fault {
        let no_round = self.has_round.get() == Some(&false);
        let what =
            if no_round { format!("No log archive round of {target} has appeared.") } else { given_up.what.clone() };
        let mut why = Vec::new();
        if no_round {
            why.push(given_up.what.clone());
        }
        why.push(given_up.why.clone());
        let refused = self.refusal();
        match &refused {
            Some((event, refusal)) => {
                why.push(format!("The server refused it with {} at {}. {} {}", event.name, event.at, refusal.what, refusal.why));
            }
            None if no_round => why.push(
                "A round begins only when the RootService leader finds the directory in order; otherwise it leaves no row and \
                 no event."
                    .to_owned(),
            ),
            None => {}
        }
        why.push(self.events_said());
        let (cause, next) = match &refused {
            Some((_, refusal)) => (refusal.cause, refusal.next.clone()),
            None => (given_up.cause, self.where_to_look()),
        };
        let mut fault = Fault::new(cause, what, why.join(" "), next);
        fault.code = refused.and_then(|(_, refusal)| refusal.code);
        fault
    }

    /// Returns the newest switch of the archive mode if it failed, with its fault.
    fn refusal(&self) -> Option<(&RootServiceEvent, Fault)> {
        let switches =
            |event: &&RootServiceEvent| matches!(event.name.as_str(), "open_archive_mode" | "close_archive_mode");
        let event = self.events.get()?.iter().find(switches)?;
        let (_, result) = event.items.iter().find(|(name, _)| name.eq_ignore_ascii_case("result"))?;
        let code: i64 = result.trim().parse().ok()?;
        (code != 0).then(|| (event, explain(code, "")))
    }

    fn events_said(&self) -> String {
        match &self.events {
            Known::NotChecked(why) => format!("The events of the root service were not read: {why}"),
            Known::Known(events) if events.is_empty() => "No event of log archiving names the tenant.".to_owned(),
            Known::Known(events) => {
                let said: Vec<String> = events.iter().map(RootServiceEvent::said).collect();
                format!("The tenant's last events of log archiving: {}.", said.join("; "))
            }
        }
    }

    fn where_to_look(&self) -> String {
        let at = match self.leader.get() {
            Some(Some(leader)) => format!("On {leader}, the RootService leader,"),
            _ => "On the server of the RootService leader (WITH_ROOTSERVER in the list of servers)".to_owned(),
        };
        let directory = self.directory.as_deref().unwrap_or("the archive's directory");
        let reached = if directory.starts_with("file:") { "is mounted" } else { "can be reached" };
        format!(
            "{at} look whether {directory} {reached}, whether the server's user may write there, and whether its {FORMAT_FILE} \
             is there; then retry."
        )
    }
}
