//! R4: the base an incremental stands on.

use super::destination::Destination;
use super::facts::TenantFacts;
use super::restorable::BackupSet;

#[cfg(test)]
mod tests;

/// The set an incremental to `destination` would build on: the latest of the tenant that is `SUCCESS`, `AVAILABLE` and
/// on this very path. V4 makes a full without a word where there is none, so an incremental is not sent then.
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
    good.iter()
        .filter(|set| Destination::parse_server(&set.path).is_ok_and(|path| path.same_place(destination)))
        .max_by_key(|set| set.id)
        .copied()
        .ok_or_else(|| format!("the good sets (latest: {}) are on another path than {}", latest.id, destination.bare()))
}

/// Whether a set of another data version will make the server turn an incremental into a full, or answer 9040.
#[must_use]
pub fn crosses_data_version(tenant: &TenantFacts, base: &BackupSet) -> Option<(String, String)> {
    let now = tenant.data_version.as_ref()?;
    let then = base.data_version.as_ref()?;
    (now != then).then(|| (then.clone(), now.clone()))
}
