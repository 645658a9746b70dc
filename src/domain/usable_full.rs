//! R4: the base an incremental stands on.

use super::archiving::{self, Archiving};
use super::destination::Destination;
use super::facts::{BaseRule, TenantFacts};
use super::restorable::{BackupSet, SetKind};

#[cfg(test)]
mod tests;

/// The set an incremental to `destination` would build on: the latest of the tenant that is `SUCCESS`, `AVAILABLE` and
/// on this very path; below V4 also of the whole cluster, of this archive round, and with room for one more. The servers make a full without a word where there is none, so an incremental is not sent then.
///
/// # Errors
/// Why there is none, as half a sentence.
pub fn usable_full<'a>(tenant: &'a TenantFacts, destination: Option<&Destination>) -> Result<&'a BackupSet, String> {
    let Some(destination) = destination else {
        return Err("the tenant has no backup destination yet".to_owned());
    };
    if tenant.sets.is_empty() {
        return Err("the tenant has no backup set".to_owned());
    }
    let good: Vec<&BackupSet> = tenant.sets.iter().filter(|set| set.is_good()).collect();
    let Some(latest) = good.iter().max_by_key(|set| set.id) else {
        return Err("no set of the tenant is both SUCCESS and AVAILABLE".to_owned());
    };
    let here = good
        .iter()
        .filter(|set| Destination::parse_server(&set.path).is_ok_and(|path| path.same_place(destination)))
        .filter(|set| !set.tenant_level)
        .copied()
        .collect::<Vec<_>>();
    let base = here.iter().copied().max_by_key(|set| set.id).ok_or_else(|| {
        format!("the good sets (latest: {}) are on another path than {}", latest.id, destination.bare())
    })?;
    match tenant.base {
        BaseRule::Path => Ok(base),
        BaseRule::Round { most } => of_this_round(tenant, &here, most).map(|()| base),
    }
}

/// Below V4 a chain lies within one archive round and has an end.
fn of_this_round(tenant: &TenantFacts, here: &[&BackupSet], most: usize) -> Result<(), String> {
    if !matches!(archiving::judge(&tenant.archive), Archiving::Running | Archiving::Coming(_)) {
        let word = tenant.archive.latest().map_or_else(|| "off".to_owned(), |round| round.status.to_string());
        return Err(format!(
            "log archiving is {word}: a new round begins, and no increment stands on a full of an older one"
        ));
    }
    let fulls = here.iter().filter(|set| set.kind == SetKind::Full);
    let Some(full) = fulls.max_by_key(|set| set.id) else {
        return Err("no full of the whole cluster is left on this path".to_owned());
    };
    if let Some(round) = tenant.archive.latest().filter(|round| round.start > full.start_replay) {
        return Err(format!("full {} is older than log archive round {}", full.id, round.round_id));
    }
    let increments = here.iter().filter(|set| set.kind == SetKind::Incremental && set.prev_full == full.id).count();
    if increments >= most {
        return Err(format!(
            "{increments} increments stand on full {}, and the server makes the next one a full",
            full.id
        ));
    }
    Ok(())
}

/// Whether a set of another data version will make the server turn an incremental into a full, or answer 9040.
#[must_use]
pub fn crosses_data_version(tenant: &TenantFacts, base: &BackupSet) -> Option<(String, String)> {
    let now = tenant.data_version.as_ref()?;
    let then = base.data_version.as_ref()?;
    (now != then).then(|| (then.clone(), now.clone()))
}
