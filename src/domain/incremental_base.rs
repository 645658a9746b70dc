//! The base of an incremental backup (R4).

use super::destination::Destination;
use super::facts::{BaseRule, TenantFacts};
use super::restorable::{BackupSet, SetKind};
use super::version::{AtLeast, Version};

#[cfg(test)]
mod tests;

/// The first version that refuses a base of another data version: 9040 (V4.2.0 source, `update_backup_type_if_need_`).
const SAME_DATA_VERSION: Version = Version::oceanbase([4, 2, 0, 0], None);

/// Returns the set that an incremental to `destination` would build on: the tenant's latest set that is `SUCCESS`, `AVAILABLE`
/// and on this very path, as the server compares paths. Where there is none, the servers make a full without any warning or
/// fail in a job that nobody asked for, so an incremental is not sent then.
///
/// # Errors
/// Why there is none, as part of a sentence.
pub fn incremental_base<'a>(
    tenant: &'a TenantFacts,
    destination: Option<&Destination>,
) -> Result<&'a BackupSet, String> {
    let Some(destination) = destination else {
        return Err("the tenant has no backup destination yet".to_owned());
    };
    if tenant.sets.is_empty() {
        return Err("the tenant has no backup set".to_owned());
    }
    let Some(latest) = tenant.sets.iter().filter(|set| set.is_good()).max_by_key(|set| set.id) else {
        return Err("no set of the tenant is both SUCCESS and AVAILABLE".to_owned());
    };
    let is_here = |set: &&BackupSet| {
        !set.tenant_level && Destination::parse_server(&set.path).is_ok_and(|path| path.is_same_path(destination))
    };
    let here: Vec<&BackupSet> = tenant.sets.iter().filter(is_here).collect();
    let base = here.iter().copied().filter(|set| set.is_good()).max_by_key(|set| set.id).ok_or_else(|| {
        format!("the good sets (latest: {}) are on another path than {}", latest.id, destination.path_text())
    })?;
    match tenant.base {
        BaseRule::Path => of_this_version(tenant, base).map(|()| base),
        BaseRule::Round { most } => with_room(&here, most).map(|()| base),
    }
}

/// Checks a base of V4: the server must accept its data version for an incremental, and the cluster must be able to restore it.
fn of_this_version(tenant: &TenantFacts, base: &BackupSet) -> Result<(), String> {
    let of_set = base.data_version.as_deref().unwrap_or_default();
    if base.restores_here == Some(false) {
        return Err(format!("set {} is of data version {of_set}, and {} restores none of it", base.id, tenant.version));
    }
    if tenant.version.reaches(&SAME_DATA_VERSION) != AtLeast::Yes {
        return Ok(());
    }
    match tenant.data_version.as_deref() {
        Some(now) if !of_set.is_empty() && of_set != now => Err(format!(
            "set {} was made at data version {of_set} and the tenant is at {now}: the server takes no incremental across that",
            base.id
        )),
        _ => Ok(()),
    }
}

/// Whether the server requires the base to be of the tenant's data version, and one of the two was not read.
#[must_use]
pub fn data_version_unread(tenant: &TenantFacts, base: &BackupSet) -> bool {
    tenant.base == BaseRule::Path
        && tenant.version.reaches(&SAME_DATA_VERSION) == AtLeast::Yes
        && (tenant.data_version.is_none() || base.data_version.is_none())
}

/// Checks the limit below V4: the server counts every entry since the last full, failed ones too, and beyond its limit makes a
/// full (V3.1.5 source, `ObExternBackupInfoMgr::get_lastest_incremental_backup_count`).
fn with_room(here: &[&BackupSet], most: usize) -> Result<(), String> {
    let full = here.iter().filter(|set| set.kind == SetKind::Full).map(|set| set.id).max();
    let since = here.iter().filter(|set| full.is_none_or(|full| set.id > full)).count();
    if since <= most {
        return Ok(());
    }
    let full = full.map_or_else(|| "the last full".to_owned(), |full| format!("full {full}"));
    Err(format!("{since} backups, failed ones too, came after {full}, and the server makes the next one a full"))
}
