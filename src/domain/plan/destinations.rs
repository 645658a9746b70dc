//! R1: which destinations a tenant's backup uses, where each comes from, and which directories clash.

use std::collections::BTreeSet;

use super::{Action, RUN, TargetPlan, not_carried};
use crate::domain::choices::{Choices, RequestedStorage, StorageSource};
use crate::domain::destination::{Destination, printable_uri};
use crate::domain::facts::{Facts, TenantFacts, TenantKind};
use crate::domain::fault::{Cause, Fault};
use crate::domain::secret::SecretSource;
use crate::domain::target::TargetName;
use crate::domain::template::{Clash, ClashKind, DirKind, Template, TemplateError, TemplatePair, Values, clashes};

/// Returns the data destination that the backup will use: the one given, otherwise the tenant's own, otherwise the first fallback
/// that covers the tenant. `None` where there is none or it cannot be used; the plan's error says why.
#[must_use]
pub fn wanted_data_destination(facts: &Facts, tenant: &TenantFacts, choices: &Choices) -> Option<Destination> {
    let place = match facts.cluster.cluster_backup.as_deref() {
        Some(whole) => super::cluster_backup::place(facts, whole, &[tenant], choices),
        None => resolve_data_destination(facts, tenant, choices, false),
    };
    place.ok().map(|place| place.destination)
}

/// Returns the log archive destination that the backup will use, in the order of [`wanted_data_destination`].
#[must_use]
pub fn wanted_archive_destination(facts: &Facts, tenant: &TenantFacts, choices: &Choices) -> Option<Destination> {
    resolve_archive_destination(facts, tenant, choices, false).ok().map(|place| place.destination)
}

/// A destination and where it comes from.
pub(super) struct ResolvedDestination<'a> {
    pub(super) destination: Destination,
    /// The choice that names it; `None` where it is the target's own.
    pub(super) from: Option<&'a RequestedStorage>,
}

impl ResolvedDestination<'_> {
    pub(super) fn source(&self) -> &'static str {
        self.from.map_or("", |wanted| StorageSource::words(wanted.source))
    }

    /// Returns where its access key is read from; `None` where it needs none.
    pub(super) fn access_key(&self) -> Result<Option<SecretSource>, Fault> {
        let bare = self.destination.uri_without_attributes();
        if let Some(key) = self.destination.missing_keys().first() {
            let next = match *key {
                "access_id" => "Give the id with --access-id.".to_owned(),
                key => format!("Put {key}=... into the part of the URI after ?."),
            };
            let why = format!("A destination on {} needs {key}, and none was given.", self.destination.kind());
            return Err(Fault::new(Cause::Usage, format!("{bare} cannot be set."), why, next));
        }
        if !self.destination.needs_access_key() {
            return Ok(None);
        }
        self.from.and_then(|wanted| wanted.access_key.clone()).map(Some).ok_or_else(|| {
            Fault::new(
                Cause::Usage,
                format!("Setting {bare} needs its access key."),
                "The server never shows a stored key, and none was given.",
                "Give it with --access-key-from env:NAME, file:PATH or stdin, and its id with --access-id.",
            )
        })
    }
}

/// The destinations of a tenant's backup.
pub(super) struct ResolvedDestinations<'a> {
    pub(super) data: ResolvedDestination<'a>,
    pub(super) archive: ResolvedDestination<'a>,
}

pub(super) fn resolve_destinations<'a>(
    facts: &Facts,
    tenant: &TenantFacts,
    choices: &'a Choices,
    several: bool,
) -> Result<ResolvedDestinations<'a>, Fault> {
    Ok(ResolvedDestinations {
        data: resolve_data_destination(facts, tenant, choices, several)?,
        archive: resolve_archive_destination(facts, tenant, choices, several)?,
    })
}

pub(super) fn resolve_data_destination<'a>(
    facts: &Facts,
    tenant: &TenantFacts,
    choices: &'a Choices,
    several: bool,
) -> Result<ResolvedDestination<'a>, Fault> {
    let given = choices.storage.as_ref().filter(|wanted| wanted.data.is_some());
    if let (None, Some(own)) = (given, &tenant.data_destination) {
        return Ok(ResolvedDestination { destination: own.clone(), from: None });
    }
    let fallback = || choices.fallbacks.iter().find(|wanted| wanted.covers(&tenant.name) && wanted.data.is_some());
    let Some((wanted, base)) = given.or_else(fallback).and_then(|wanted| Some((wanted, wanted.data.as_ref()?))) else {
        return Err(no_destination_given(&facts.target(tenant), "data backup", "--storage"));
    };
    let (data, _) = expanded(facts, tenant, base, wanted.archive.as_deref(), several)?;
    Ok(ResolvedDestination { destination: usable_by(facts, with_access_id(data, wanted)?)?, from: Some(wanted) })
}

/// Returns the archive's destination. A base given by hand moves data and archive; a fallback only fills in what is missing.
pub(super) fn resolve_archive_destination<'a>(
    facts: &Facts,
    tenant: &TenantFacts,
    choices: &'a Choices,
    several: bool,
) -> Result<ResolvedDestination<'a>, Fault> {
    let says = |wanted: &&RequestedStorage| wanted.data.is_some() || wanted.archive.is_some();
    let given = choices.storage.as_ref().filter(says);
    if let (None, Some(own)) = (given, &tenant.archive.destination) {
        return Ok(ResolvedDestination { destination: own.location.clone(), from: None });
    }
    let fallback = || choices.fallbacks.iter().filter(|wanted| wanted.covers(&tenant.name)).find(says);
    let wanted = given.or_else(fallback);
    // An archive given alone is its own base: it is expanded as the archive of a pair.
    let base = wanted.and_then(|wanted| Some((wanted, wanted.data.as_ref().or(wanted.archive.as_ref())?)));
    let Some((wanted, base)) = base else {
        return Err(no_destination_given(&facts.target(tenant), "log archive", "--archive-storage"));
    };
    let (_, archive) = expanded(facts, tenant, base, wanted.archive.as_deref(), several)?;
    Ok(ResolvedDestination { destination: usable_by(facts, with_access_id(archive, wanted)?)?, from: Some(wanted) })
}

/// Returns the destination where a statement to this cluster can carry it. Its key is judged where it is known.
pub(super) fn usable_by(facts: &Facts, destination: Destination) -> Result<Destination, Fault> {
    match destination.carried_by(&facts.cluster.version, None) {
        Ok(()) => Ok(destination),
        Err(error) => Err(not_carried(&destination, &error)),
    }
}

/// Returns the directories of one tenant for data and log.
fn expanded(
    facts: &Facts,
    tenant: &TenantFacts,
    storage: &str,
    archive: Option<&str>,
    several: bool,
) -> Result<(Destination, Destination), Fault> {
    let unusable = |error: TemplateError| unusable(&facts.target(tenant), &error);
    let storage = Template::new(parsed(storage)?).map_err(unusable)?;
    let archive = archive.map(|text| Template::new(parsed(text)?).map_err(unusable)).transpose()?;
    let pair = TemplatePair::v4(&storage, archive.as_ref(), if several { 2 } else { 1 }).map_err(unusable)?;
    pair.expand(&values_of(facts, tenant)).map_err(unusable)
}

/// Returns the values of a path's variables. The run is known only when a statement is sent, so its variable stays.
pub(super) fn values_of<'a>(facts: &'a Facts, tenant: &'a TenantFacts) -> Values<'a> {
    Values {
        cluster: facts.cluster.name(),
        cluster_id: facts.cluster.id,
        tenant: Some(&tenant.name),
        tenant_id: Some(tenant.id),
        kind: None,
        run: Some(RUN),
    }
}

pub(super) fn parsed(uri: &str) -> Result<Destination, Fault> {
    Destination::parse_user(uri).map_err(|error| refused_uri(uri, &error.to_string()))
}

fn refused_uri(uri: &str, why: &str) -> Fault {
    let shown = printable_uri(uri);
    Fault::new(Cause::Usage, format!("{shown} cannot be used as a destination."), why, "Correct it and try again.")
}

pub(super) fn unusable(target: &TargetName, error: &TemplateError) -> Fault {
    let what = format!("The destination given for {target} cannot be used.");
    Fault::new(Cause::Usage, what, error.to_string(), "Correct it and try again.")
}

pub(super) fn with_access_id(destination: Destination, wanted: &RequestedStorage) -> Result<Destination, Fault> {
    match &wanted.access_id {
        Some(id) if destination.needs_access_key() => {
            let bare = destination.uri_without_attributes();
            destination.with_attribute("access_id", id).map_err(|error| refused_uri(&bare, &error.to_string()))
        }
        _ => Ok(destination),
    }
}

pub(super) fn no_destination_given(target: &TargetName, kind: &str, flag: &str) -> Fault {
    Fault::new(
        Cause::Usage,
        format!("{target} has no {kind} destination."),
        "Neither the cluster nor a strategy of the inventory names one, and none was given.",
        format!("Give one with {flag} URI, for example {flag} file:///backup."),
    )
}

/// Refuses two tenants, or two kinds, on one directory before the server does (9080, 9081): a new directory must not be one that
/// any tenant of the cluster uses, nor contain one. Directories that stay were accepted by the server already.
pub(super) fn refuse_clashes(facts: &Facts, targets: &[TargetPlan]) -> Result<(), Fault> {
    let mut directories = Vec::new();
    let mut fresh = BTreeSet::new();
    for tenant in facts.tenants.iter().filter(|tenant| tenant.kind == TenantKind::User) {
        let owner = |kind| (facts.target(tenant).to_string(), kind);
        let mut data = tenant.data_destination.clone();
        let mut archive = tenant.archive.destination.as_ref().map(|dest| dest.location.clone());
        let planned = targets.iter().filter(|target| target.tenant.id == tenant.id);
        for action in planned.flat_map(|target| &target.steps).flat_map(|step| &step.actions) {
            match action {
                Action::SetDataDestination { destination, .. } => {
                    data = Some(destination.clone());
                    fresh.insert(owner(DirKind::Data));
                }
                Action::SetArchiveDestination { destination, .. } => {
                    archive = Some(destination.location.clone());
                    fresh.insert(owner(DirKind::Clog));
                }
                _ => {}
            }
        }
        directories.extend(data.map(|destination| (owner(DirKind::Data), destination)));
        directories.extend(archive.map(|destination| (owner(DirKind::Clog), destination)));
    }
    if fresh.is_empty() {
        // Comparing every pair takes long for a thousand tenants.
        return Ok(());
    }
    let refused = |clash: &Clash| match clash.kind {
        ClashKind::Same => fresh.contains(&clash.first) || fresh.contains(&clash.second),
        ClashKind::Inside => fresh.contains(&clash.second),
    };
    match clashes(&directories).iter().find(|clash| refused(clash)) {
        None => Ok(()),
        Some(clash) => Err(Fault::new(
            Cause::Usage,
            clash.to_string(),
            "A directory belongs to one tenant and one kind; the server would answer 9080 or 9081.",
            "Put {tenant_id} and {kind} into the path.",
        )),
    }
}
