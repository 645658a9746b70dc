//! One destination as a plan would use it, for a face that shows it before there is a plan.

use super::destinations::{archive_place, data_place, nobody_said, parsed, unusable, values_of};
use crate::domain::choices::{Choices, StorageSource, Wanted};
use crate::domain::destination::{Destination, StorageKind};
use crate::domain::facts::{Facts, TenantFacts};
use crate::domain::fault::{Cause, Fault};
use crate::domain::secret::SecretSource;
use crate::domain::template::{DirKind, Template, Values};
use crate::domain::version::Method;

/// A destination, its variables expanded as far as they are known, and who named it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chosen {
    /// The directory.
    pub destination: Destination,
    /// None: it is the target's own.
    pub source: Option<StorageSource>,
    /// Where its access key is to be found, if a source names that.
    pub access_key: Option<SecretSource>,
}

/// Where a backup with these choices puts one kind of a tenant's files; `several`: the tenant is one of many.
///
/// # Errors
/// The plan's own: nobody names a destination, or what was given cannot be used.
pub fn chosen_destination(
    facts: &Facts,
    tenant: &TenantFacts,
    choices: &Choices,
    kind: DirKind,
    several: bool,
) -> Result<Chosen, Fault> {
    if facts.cluster.method == Method::Logical {
        let (destination, wanted) = logical_folder(facts, tenant, choices)?;
        return Ok(Chosen { destination, source: Some(wanted.source), access_key: None });
    }
    let place = match (facts.cluster.whole.as_deref(), kind) {
        // Below V4 one directory takes them all, data and log.
        (Some(whole), _) => super::whole::place(facts, whole, &[tenant], choices)?,
        (None, DirKind::Data) => data_place(facts, tenant, choices, several)?,
        (None, DirKind::Clog) => archive_place(facts, tenant, choices, several)?,
    };
    Ok(Chosen {
        source: place.from.map(|wanted| wanted.source),
        access_key: place.from.and_then(|wanted| wanted.access_key.clone()),
        destination: place.destination,
    })
}

/// The directory of this host in which a logical backup makes its own, and who named it.
pub(super) fn logical_folder<'a>(
    facts: &Facts,
    tenant: &TenantFacts,
    choices: &'a Choices,
) -> Result<(Destination, &'a Wanted), Fault> {
    let target = facts.cluster.target.clone();
    let mut named = choices.storage.iter().chain(&choices.fallbacks);
    let (wanted, uri) = named
        .find_map(|wanted| Some((wanted, wanted.data.as_deref()?)))
        .ok_or_else(|| nobody_said(&target, "backup", "--storage"))?;
    let template = Template::new(parsed(uri)?).map_err(|error| unusable(&target, &error))?;
    let values = Values { tenant: None, tenant_id: None, kind: Some(DirKind::Data), ..values_of(facts, tenant) };
    let folder = template.expand(&values).map_err(|error| unusable(&target, &error))?;
    if folder.kind() == StorageKind::File {
        return Ok((folder, wanted));
    }
    Err(Fault::new(
        Cause::Usage,
        format!("{} cannot take a logical backup.", folder.bare()),
        "A dump is written to a directory of this host.",
        "Give a directory: --storage file:///backup.",
    ))
}
