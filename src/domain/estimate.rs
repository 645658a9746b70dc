//! Estimates the size and duration of the next backup from earlier sets; without such sets there is no estimate.

use super::facts::TenantFacts;
use super::format;
use super::restorable::{BackupSet, SetKind};

/// The most recent sets of a kind whose durations are used.
const SETS: usize = 3;

/// The estimated size and duration of the next backup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Estimate {
    /// The size in bytes: the sum of the latest set of each tenant.
    pub bytes: u64,
    /// The shortest and the longest duration in seconds; `None` where a tenant has no set with both times.
    pub seconds: Option<(u64, u64)>,
}

impl std::fmt::Display for Estimate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "about {}", format::size(self.bytes))?;
        match self.seconds {
            None => Ok(()),
            Some((low, high)) if low == high => write!(f, ", {} at the last rate", format::span(low)),
            Some((low, high)) => write!(f, ", {} to {} at the last rates", format::span(low), format::span(high)),
        }
    }
}

/// Estimates the next backup of these tenants from their latest good sets of that kind; `None` where a tenant has no such set or
/// its size is unknown. Tenants are backed up in parallel, so the backup takes at least as long as the longest of them and at
/// most as long as all of them together.
#[must_use]
pub fn next(tenants: &[&TenantFacts], kind: &SetKind) -> Option<Estimate> {
    let each: Vec<Estimate> = tenants.iter().map(|tenant| of_tenant(tenant, kind)).collect::<Option<_>>()?;
    let spans: Option<Vec<(u64, u64)>> = each.iter().map(|estimate| estimate.seconds).collect();
    let longest = |spans: Vec<(u64, u64)>| {
        let low = spans.iter().map(|(low, _)| *low).max()?;
        Some((low, spans.iter().map(|(_, high)| *high).sum::<u64>().max(low)))
    };
    let bytes = each.iter().map(|estimate| estimate.bytes).sum();
    (!each.is_empty()).then(|| Estimate { bytes, seconds: spans.and_then(longest) })
}

fn of_tenant(tenant: &TenantFacts, kind: &SetKind) -> Option<Estimate> {
    let mut sets: Vec<&BackupSet> = tenant.sets.iter().filter(|set| set.is_good() && set.kind == *kind).collect();
    sets.sort_by_key(|set| std::cmp::Reverse(set.id));
    let last = sets.first()?;
    let took = sets.iter().take(SETS).filter_map(|set| Some(set.ended?.seconds_since(set.started?).max(1)));
    let seconds = took.fold(None, |span: Option<(u64, u64)>, took| {
        Some(span.map_or((took, took), |(low, high)| (low.min(took), high.max(took))))
    });
    Some(Estimate { bytes: last.bytes?, seconds })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::samples::{ago, full, tenant};

    fn set(id: u64, bytes: u64, began: u64, ended: u64) -> BackupSet {
        BackupSet { bytes: Some(bytes), started: Some(ago(began)), ended: Some(ago(ended)), ..full(id) }
    }

    #[test]
    fn the_last_sets_say_how_long_it_takes() {
        let mut pay = tenant(1002, "pay");
        assert_eq!(next(&[&pay], &SetKind::Full), None, "nothing is told from nothing");
        pay.sets = vec![set(1, 1 << 30, 9_000, 8_000), set(2, 3 << 30, 5_000, 3_200)];
        let told = next(&[&pay], &SetKind::Full);
        assert_eq!(
            told.map(|told| told.to_string()).as_deref(),
            Some("about 3.0 GiB, 17 min to 30 min at the last rates")
        );
        assert_eq!(next(&[&pay], &SetKind::Incremental), None);
    }

    #[test]
    fn tenants_are_backed_up_beside_each_other() {
        let (mut pay, mut order) = (tenant(1002, "pay"), tenant(1004, "order"));
        pay.sets = vec![set(1, 1 << 30, 900, 800)];
        order.sets = vec![set(1, 1 << 30, 900, 600)];
        let told = next(&[&pay, &order], &SetKind::Full);
        assert_eq!(told, Some(Estimate { bytes: 2 << 30, seconds: Some((300, 400)) }));
    }
}
