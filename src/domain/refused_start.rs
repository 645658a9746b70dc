//! R4: why a server started no job for a tenant that the statement listed. To sys it reports a code at most, never the reason
//! (V4.2.0 to V4.3.1 source, `handle_user_tenant_backupdatabase_`), so the reason is derived from what the views show of the
//! tenant.

use super::archiving::{self, Archiving};
use super::choices::Mode;
use super::diagnosis::{Comment, explain, located};
use super::facts::{Facts, Known, TenantFacts};
use super::fault::{Cause, Fault};
use super::target::TargetName;

#[cfg(test)]
mod tests;

/// The code that only means that some condition does not hold.
const CANNOT_START: u32 = 9040;

/// What is known about a tenant that the statement listed and that has no job.
#[derive(Debug, Clone, PartialEq)]
pub struct RefusedStart {
    /// The job of sys that listed it.
    pub parent: u64,
    /// The status with which that job ended.
    pub ended: String,
    /// The event of the refusal, parsed as a comment: its code, its server and its trace id; `None` where there is no event.
    pub event: Option<Comment>,
    /// The mode that was requested.
    pub mode: Mode,
    /// The present signs of an upgrade.
    pub upgrading: Known<Vec<String>>,
    /// The present facts of the tenant; `None` where they could not be read.
    pub tenant: Option<TenantFacts>,
}

impl RefusedStart {
    /// Returns the fault of the tenant's backup.
    #[must_use]
    pub fn fault(&self, target: &TargetName) -> Fault {
        let what = format!("The server started no backup of {target}.");
        let code = self.event.as_ref().and_then(|event| event.code);
        let fault = match code {
            Some(code) if code != CANNOT_START => {
                let explained = explain(i64::from(code), "");
                Fault { what, why: format!("{} {}", explained.what, explained.why), ..explained }
            }
            _ => self.probable_cause(what, code, target),
        };
        self.event.as_ref().map_or(fault.clone(), |event| located(fault, event))
    }

    fn probable_cause(&self, what: String, code: Option<u32>, target: &TargetName) -> Fault {
        let said = match code {
            Some(code) => format!("To sys it says {code} and no reason."),
            None => format!(
                "Job {} ended as {} without a job for it, and no event says why (V4.0 and V4.1 write none).",
                self.parent, self.ended
            ),
        };
        let (why, next) = match self.reason() {
            Some((why, next)) => (format!("{said} Probably {why}."), next.replace("{target}", &target.to_string())),
            None => (
                format!("{said} Nothing that a backup needs is seen to be missing now."),
                format!("Run the checks (obnow check {target}), and retry."),
            ),
        };
        let fault = Fault::new(Cause::Precondition, what, why, next);
        Fault { code, ..fault }
    }

    /// Returns the first condition of a backup that visibly does not hold, and its remedy. The order is the one in which the
    /// server checks them (V4.3.1 source, `start_tenant_backup_data_`).
    fn reason(&self) -> Option<(String, &'static str)> {
        let tenant = self.tenant.as_ref()?;
        if tenant.data_destination.is_none() {
            return Some(("it has no DATA_BACKUP_DEST".to_owned(), "Set its destination, and retry."));
        }
        if tenant.status != "NORMAL" {
            let why = format!("the tenant's status is {}", tenant.status);
            return Some((why, "Wait until the tenant is NORMAL, and retry."));
        }
        if archiving::archiving_state(&tenant.archive) != Archiving::Running {
            let word = tenant.archive.latest().map_or_else(|| "off".to_owned(), |round| round.status.to_string());
            return Some((
                format!("its log archive is {word}"),
                "Retry: the step Start log archiving says what can be done.",
            ));
        }
        if let Some(sign) = self.upgrading.get().and_then(|signs| signs.first()) {
            let why = format!("the cluster is upgrading: {sign}");
            return Some((why, "Wait until the upgrade has ended, and retry."));
        }
        let base = tenant.sets.iter().filter(|set| set.is_good()).max_by_key(|set| set.id)?;
        let (then, now) = (base.data_version.as_ref()?, tenant.data_version.as_ref()?);
        (self.mode == Mode::Incremental && then != now).then(|| {
            let why = format!(
                "the tenant was upgraded since set {} ({then}, now {now}), and no incremental is made across that",
                base.id
            );
            (why, "Take a full backup: obnow backup {target} --mode full.")
        })
    }
}

impl RefusedStart {
    /// Takes over what the facts of the cluster show about the tenant.
    #[must_use]
    pub fn with_facts(mut self, facts: &Facts, tenant: u64) -> Self {
        self.upgrading = facts.cluster.upgrading.clone();
        self.tenant = facts.tenant_by_id(tenant).cloned();
        self
    }
}
