//! The last good backup of a tenant: the first thing anybody wants to know.

use super::facts::{Facts, Role, TenantFacts, TenantKind};
use super::restorable::{self, SetKind};
use super::scn::Scn;

/// A backup that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastGood {
    /// Full or incremental.
    pub kind: SetKind,
    /// When its data was complete (`MIN_RESTORE_SCN`).
    pub at: Scn,
    /// Its size in bytes.
    pub bytes: u64,
    /// Up to when it can be restored; None: it is done and cannot be restored.
    pub restorable_to: Option<Scn>,
}

/// The newest set of a tenant that can be restored, with its chain whole; if none can, the newest that is done.
#[must_use]
pub fn last_good(tenant: &TenantFacts) -> Option<LastGood> {
    let pieces = tenant.archive.pieces.get().map(Vec::as_slice);
    let mut good: Vec<_> = tenant.sets.iter().filter(|set| set.is_good()).collect();
    good.sort_by_key(|set| std::cmp::Reverse(set.id));
    let found = |set: &&&restorable::BackupSet| {
        let whole = restorable::chain(set, &tenant.sets).is_ok();
        whole.then(|| restorable::window_of(set, pieces, tenant.archive.known_rounds())).flatten()
    };
    let newest = good.iter().find(|set| found(set).is_some()).or_else(|| good.first())?;
    Some(LastGood {
        kind: newest.kind.clone(),
        at: newest.min_restore,
        bytes: newest.bytes,
        restorable_to: found(&newest).map(|window| window.to),
    })
}

/// The user tenant of a cluster whose last good backup is the worst: none, then not restorable, then the oldest.
#[must_use]
pub fn worst_tenant(facts: &Facts) -> Option<(&TenantFacts, Option<LastGood>)> {
    facts
        .tenants
        .iter()
        .filter(|tenant| tenant.kind == TenantKind::User && !tenant.in_recycle_bin)
        .filter(|tenant| !matches!(tenant.role, Role::Other(_)))
        .map(|tenant| (tenant, last_good(tenant)))
        .min_by_key(|(_, good)| good.as_ref().map(|good| (good.restorable_to.is_some(), good.at)))
}
