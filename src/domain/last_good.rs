//! The last good backup of a tenant: the newest one that exists and can be restored.

use super::facts::{Facts, Role, TenantFacts, TenantKind};
use super::restorable::{self, Encryption, JobEnd, SetKind, Verdict};
use super::scn::Scn;

#[cfg(test)]
mod tests;

/// A backup that exists and can be restored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastGood {
    /// Its set; `None` for a dump.
    pub set: Option<u64>,
    /// Full or incremental.
    pub kind: SetKind,
    /// The time at which its data was complete (`MIN_RESTORE_SCN`).
    pub at: Scn,
    /// Its size in bytes; `None`: the view does not tell.
    pub bytes: Option<u64>,
    /// The latest time that it can be restored to.
    pub restorable_to: Scn,
    /// Whether it is encrypted as requested, where a task of this host requested it; `None`: no request is known.
    pub encryption: Option<Encryption>,
}

/// Returns the newest set of a tenant that can be restored and has its complete chain.
#[must_use]
pub fn last_good(tenant: &TenantFacts) -> Option<LastGood> {
    let pieces = tenant.archive.known_pieces();
    let mut good: Vec<_> = tenant.sets.iter().filter(|set| restorable::chain(set, &tenant.sets).is_ok()).collect();
    good.sort_by_key(|set| std::cmp::Reverse(set.id));
    good.into_iter().find_map(|set| {
        let window = restorable::window_of(set, pieces, tenant.archive.known_rounds())?;
        Some(LastGood {
            set: Some(set.id),
            kind: set.kind.clone(),
            at: set.min_restore,
            bytes: set.bytes,
            restorable_to: window.to,
            encryption: None,
        })
    })
}

/// Returns the newest completed set, where no set of the tenant can be restored, with the short reason.
#[must_use]
pub fn newest_unrestorable(tenant: &TenantFacts) -> Option<(u64, &'static str)> {
    let set = tenant.sets.iter().filter(|set| set.is_good()).max_by_key(|set| set.id)?;
    if last_good(tenant).is_some() {
        return None;
    }
    let verdict = restorable::verdict(&restorable::VerdictInput {
        job: &JobEnd::Completed,
        set: Some(set),
        sets: &tenant.sets,
        pieces: tenant.archive.known_pieces(),
        rounds: tenant.archive.known_rounds(),
    });
    let word = match verdict {
        _ if verdict.rests_on_the_log() && tenant.archive.reach_is_known().is_err() => "not known to be restorable",
        Verdict::NotYet(_) => "not yet restorable",
        Verdict::NotRestorable(_) => "not restorable",
        _ => "not known to be restorable",
    };
    Some((set.id, word))
}

/// Returns the user tenant of a cluster whose last good backup is the worst: none, then the oldest.
#[must_use]
pub fn worst_tenant(facts: &Facts) -> Option<(&TenantFacts, Option<LastGood>)> {
    facts
        .tenants
        .iter()
        .filter(|tenant| tenant.kind == TenantKind::User && !tenant.in_recycle_bin)
        .filter(|tenant| !matches!(tenant.role, Role::Other(_)))
        .map(|tenant| (tenant, last_good(tenant)))
        .min_by_key(|(_, good)| good.as_ref().map(|good| good.at))
}
