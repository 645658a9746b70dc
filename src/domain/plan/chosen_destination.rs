//! The destination that a plan would use, for a user interface that shows it before there is a plan.

use super::destinations::{
    no_destination_given, parsed, resolve_archive_destination, resolve_data_destination, unusable, values_of,
    with_access_id,
};
use crate::domain::choices::{Choices, RequestedStorage, StorageSource};
use crate::domain::destination::{Destination, StorageKind};
use crate::domain::facts::{Facts, TenantFacts};
use crate::domain::fault::{Cause, Fault};
use crate::domain::secret::SecretSource;
use crate::domain::template::{DirKind, Template, Values};
use crate::domain::version::Method;

/// A destination, its variables expanded as far as they are known, and its source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChosenDestination {
    /// The directory.
    pub destination: Destination,
    /// Who named it; `None` where it is the target's own.
    pub source: Option<StorageSource>,
    /// Where its access key is read from, if a source names that.
    pub access_key: Option<SecretSource>,
}

/// Returns where a backup with these choices writes one kind of a tenant's files; `several` where the tenant is one of many.
///
/// # Errors
/// Those of the plan: no destination is named, or the one that was given cannot be used.
pub fn chosen_destination(
    facts: &Facts,
    tenant: &TenantFacts,
    choices: &Choices,
    kind: DirKind,
    several: bool,
) -> Result<ChosenDestination, Fault> {
    if facts.cluster.method == Method::Logical {
        let (destination, wanted) = logical_place(facts, tenant, choices)?;
        let access_key = wanted.access_key.clone().filter(|_| destination.needs_access_key());
        return Ok(ChosenDestination { destination, source: Some(wanted.source), access_key });
    }
    let place = match (facts.cluster.cluster_backup.as_deref(), kind) {
        // Below V4 one directory takes data and log of all tenants.
        (Some(whole), _) => super::cluster_backup::place(facts, whole, &[tenant], choices)?,
        (None, DirKind::Data) => resolve_data_destination(facts, tenant, choices, several)?,
        (None, DirKind::Clog) => resolve_archive_destination(facts, tenant, choices, several)?,
    };
    Ok(ChosenDestination {
        source: place.from.map(|wanted| wanted.source),
        access_key: place.from.and_then(|wanted| wanted.access_key.clone()),
        destination: place.destination,
    })
}

/// Returns the directory of this host that a dump with these choices is written into; obnow's own where the dump is uploaded to
/// an object storage. `None` where no destination is named or it cannot be used; the plan reports that.
#[must_use]
pub fn dump_directory(facts: &Facts, choices: &Choices) -> Option<String> {
    let tenant = facts.tenants.first().filter(|_| facts.cluster.method == Method::Logical)?;
    let (place, _) = logical_place(facts, tenant, choices).ok()?;
    if place.kind() == StorageKind::File {
        return Some(place.path().to_owned());
    }
    facts.cluster.work.as_ref().map(|work| work.path.clone())
}

/// Returns the destination, on this host or an object storage, in which a logical backup creates its own directory, and who named
/// it.
pub(super) fn logical_place<'a>(
    facts: &Facts,
    tenant: &TenantFacts,
    choices: &'a Choices,
) -> Result<(Destination, &'a RequestedStorage), Fault> {
    let target = facts.cluster.target.clone();
    let mut named = choices.storage.iter().chain(&choices.fallbacks);
    let (wanted, uri) = named
        .find_map(|wanted| Some((wanted, wanted.data.as_deref()?)))
        .ok_or_else(|| no_destination_given(&target, "backup", "--storage"))?;
    let template = Template::new(parsed(uri)?).map_err(|error| unusable(&target, &error))?;
    let values = Values { tenant: None, tenant_id: None, kind: Some(DirKind::Data), ..values_of(facts, tenant) };
    let folder = template.expand(&values).map_err(|error| unusable(&target, &error))?;
    if folder.kind() == StorageKind::File {
        return Ok((folder, wanted));
    }
    let place = with_access_id(folder, wanted)?;
    if place.attribute("role_arn").is_some() {
        return Err(Fault::new(
            Cause::Usage,
            format!("{} cannot take a logical backup.", place.uri_without_attributes()),
            "This host uploads the dump, and obnow does not assume roles: only the servers do.",
            "Take role_arn out, and give an id with --access-id and its key with --access-key-from.",
        ));
    }
    Ok((place, wanted))
}

/// Returns where the access key of an upload is read from.
///
/// # Errors
/// The destination lacks what a request needs, or no source of its key is named.
pub(super) fn upload_key(place: &Destination, wanted: &RequestedStorage) -> Result<SecretSource, Fault> {
    let bare = place.uri_without_attributes();
    if let Some(key) = place.missing_keys().first() {
        let next = match *key {
            "access_id" => "Give the id with --access-id.".to_owned(),
            key => format!("Put {key}=... into the part of the URI after ?."),
        };
        let why = format!("An upload to {} needs {key}, and none was given.", place.kind());
        return Err(Fault::new(Cause::Usage, format!("{bare} cannot take a logical backup."), why, next));
    }
    wanted.access_key.clone().ok_or_else(|| {
        Fault::new(
            Cause::Usage,
            format!("An upload to {bare} needs its access key."),
            "This host signs every request with it, and none was given.",
            "Give it with --access-key-from env:NAME, file:PATH or stdin, and its id with --access-id.",
        )
    })
}
