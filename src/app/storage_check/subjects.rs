//! What is tested where a URI, a target or a plan is named: the directories, whose they will be, and where their keys are.

use super::{DirectoryRules, TestSpec, directory_rules};
use crate::config::inventory::Cluster;
use crate::domain::choices::{Choices, RequestedStorage};
use crate::domain::destination::{Destination, printable_uri};
use crate::domain::facts::{Facts, TenantFacts, TenantKind};
use crate::domain::fault::{Cause, Fault};
use crate::domain::plan::{Action, RUN};
use crate::domain::secret::SecretSource;
use crate::domain::step::StepKind;
use crate::domain::target::TargetName;
use crate::domain::task::Prepared;
use crate::domain::template::{DirKind, Template, TemplateError, TemplatePair, Values};

/// One Test of several.
#[derive(Debug, Clone)]
pub struct TestSubject {
    /// Whose directory it is; None: nobody was named.
    pub target: Option<TargetName>,
    /// What the directory holds; None: nobody said, or everything of a cluster.
    pub kind: Option<DirKind>,
    /// The Test, without its key.
    pub spec: TestSpec,
    /// Where its access key is; None: nobody said, or it needs none.
    pub access_key: Option<SecretSource>,
}

impl TestSubject {
    /// `prod/pay data: s3://bucket/data`.
    #[must_use]
    pub fn title(&self) -> String {
        let bare = self.spec.destination.uri_without_attributes();
        match (&self.target, self.kind) {
            (Some(target), Some(kind)) => format!("{target} {kind}: {bare}"),
            (Some(target), None) => format!("{target}: {bare}"),
            (None, _) => bare,
        }
    }
}

/// A directory of which nothing is known but its URI.
///
/// # Errors
/// The URI is refused, or its path has variables, which stand for nothing where no target is named.
pub fn from_uri(uri: &str, access_id: Option<&str>) -> Result<TestSubject, Fault> {
    let refused = |why: String| {
        let what = format!("{} cannot be used as a destination.", printable_uri(uri));
        Fault::new(Cause::Usage, what, why, "Correct it and try again.")
    };
    let destination = Destination::parse_user(uri).map_err(|error| refused(error.to_string()))?;
    let template = Template::new(destination).map_err(|error| refused(error.to_string()))?;
    if template.has_variables() {
        let why = "Its variables stand for a cluster and a tenant, and none is named.";
        return Err(Fault::new(
            Cause::Usage,
            format!("{} cannot be tested.", printable_uri(uri)),
            why,
            "Write the directory itself, or name the target: obnow test-storage CLUSTER/TENANT.",
        ));
    }
    let destination = with_access_id(template.destination().clone(), access_id)?;
    Ok(TestSubject { target: None, kind: None, spec: TestSpec::for_uri(destination), access_key: None })
}

/// The directories of a target: its own, else those of the best fallback.
///
/// # Errors
/// There is no such tenant, nobody names a directory, or the one that is named cannot be used.
pub fn from_target(
    facts: &Facts,
    target: &TargetName,
    choices: &Choices,
    access_id: Option<&str>,
) -> Result<Vec<TestSubject>, Fault> {
    let users = facts.tenants.iter().filter(|tenant| tenant.kind == TenantKind::User);
    let tenants: Vec<&TenantFacts> = match target.tenant() {
        None => users.collect(),
        Some(name) => vec![facts.tenant(name).ok_or_else(|| {
            Fault::new(
                Cause::Usage,
                format!("There is no tenant {name} on {}.", facts.cluster.target),
                "The cluster does not list it.",
                "See the names with: obnow targets.",
            )
        })?],
    };
    let several = tenants.len() > 1;
    let mut subjects = Vec::new();
    // Below V4 a tenant has no directory of its own but the TO that a strategy names for it.
    let has_to = |name: &str| choices.fallbacks.iter().any(|wanted| wanted.covers(name) && wanted.data.is_some());
    let is_one = match (directory_rules(facts), target.tenant()) {
        (DirectoryRules::PerTenant, _) => false,
        (DirectoryRules::PerCluster, Some(name)) => !has_to(name),
        (DirectoryRules::PerCluster, None) | (DirectoryRules::Logical, _) => true,
    };
    if is_one {
        let own = facts.cluster.cluster_backup.as_ref().and_then(|whole| whole.destination().cloned());
        let is_set = own.is_some();
        let (destination, key) = match own {
            Some(own) => (own, None),
            None => cluster_fallback(facts, choices)?,
        };
        let destination = with_access_id(destination, access_id)?;
        let access_key = key.or_else(|| fallback_key(choices, &destination));
        let what = TestSpec::for_cluster(facts, destination);
        let what = if is_set { what } else { what.with_statement_check(facts) };
        let target = Some(facts.cluster.target.clone());
        return Ok(vec![TestSubject { target, kind: None, spec: what, access_key }]);
    }
    for tenant in tenants {
        let clog = tenant.archive.destination.as_ref().map(|dest| dest.location.clone());
        for (kind, own) in [(DirKind::Data, tenant.data_destination.clone()), (DirKind::Clog, clog)] {
            if kind == DirKind::Clog && matches!(directory_rules(facts), DirectoryRules::PerCluster) {
                continue;
            }
            let own = own.filter(|_| matches!(directory_rules(facts), DirectoryRules::PerTenant));
            let is_set = own.is_some();
            let (destination, key) = match own {
                Some(own) => (own, None),
                None => tenant_fallback(facts, tenant, kind, choices, several)?,
            };
            let destination = with_access_id(destination, access_id)?;
            let access_key = key.or_else(|| fallback_key(choices, &destination));
            let what = TestSpec::for_tenant(facts, tenant, kind, destination);
            let what = if is_set { what } else { what.with_statement_check(facts) };
            subjects.push(TestSubject { target: Some(facts.target(tenant)), kind: Some(kind), spec: what, access_key });
        }
    }
    Ok(subjects)
}

/// The directories that a plan will give to the cluster, or dump into.
#[must_use]
pub fn from_plan(facts: &Facts, cluster: &Cluster, prepared: &Prepared) -> Vec<TestSubject> {
    let mut subjects = Vec::new();
    for planned in &prepared.plan.targets {
        for action in planned.steps.iter().flat_map(|step| &step.actions) {
            let (kind, destination, access_key) = match action {
                Action::SetDataDestination { destination, access_key } => {
                    (Some(DirKind::Data), destination.clone(), access_key.clone())
                }
                Action::SetArchiveDestination { destination, access_key } => {
                    (Some(DirKind::Clog), destination.location.clone(), access_key.clone())
                }
                Action::StartBackup { to: Some(to), .. } => {
                    (Some(DirKind::Data), to.destination.clone(), to.access_key.clone())
                }
                Action::Upload { destination, access_key } => (None, destination.clone(), access_key.clone()),
                // The directory of this host that it passes through is obnow's own.
                Action::StartDump { .. } if planned.step(StepKind::Upload).is_some() => continue,
                Action::StartDump { directory, .. } => match Destination::parse_user(&format!("file://{directory}")) {
                    Ok(destination) => (None, destination, None),
                    Err(_) => continue,
                },
                Action::SetArchiveLagTarget { .. }
                | Action::StopArchiving
                | Action::StartArchiving
                | Action::ResumeArchiving
                | Action::Compact
                | Action::ProveOnStorage { .. }
                | Action::StartBackup { to: None, .. } => continue,
            };
            let is_to = matches!(action, Action::StartBackup { .. });
            let destination = with_placeholder_run(destination);
            // One statement names one directory for all its tenants.
            if is_to && subjects.iter().any(|subject: &TestSubject| subject.spec.destination == destination) {
                continue;
            }
            let tenant = facts.tenant_by_id(planned.tenant.id);
            let what = match (kind, tenant) {
                // Below V4 what a plan sets is the cluster's, whichever tenant's plan has the step; a TO is for tenants.
                (Some(kind), Some(tenant)) if is_to || !prepared.plan.is_per_cluster => {
                    TestSpec::for_tenant(facts, tenant, kind, destination)
                }
                _ => TestSpec::for_cluster(facts, destination),
            };
            let (target, what) = (Some(planned.target.clone()), what.with_statement_check(facts));
            subjects.push(TestSubject { target, kind, spec: what, access_key });
        }
    }
    with_server_checks(subjects, facts, cluster)
}

/// Adds the check of every server where the inventory has an ssh user.
#[must_use]
pub fn with_server_checks(subjects: Vec<TestSubject>, facts: &Facts, cluster: &Cluster) -> Vec<TestSubject> {
    let ssh_user = cluster.ssh.as_ref().map(|ssh| ssh.user.as_str());
    let asking = |subject: TestSubject| TestSubject { spec: subject.spec.with_servers(facts, ssh_user), ..subject };
    subjects.into_iter().map(asking).collect()
}

/// Returns the destination of the best fallback for a tenant.
fn tenant_fallback(
    facts: &Facts,
    tenant: &TenantFacts,
    kind: DirKind,
    choices: &Choices,
    several: bool,
) -> Result<(Destination, Option<SecretSource>), Fault> {
    let target = facts.target(tenant);
    let covers = |wanted: &&RequestedStorage| wanted.covers(&tenant.name) && wanted.data.is_some();
    let wanted = choices.fallbacks.iter().find(covers);
    let Some((wanted, data)) = wanted.and_then(|wanted| Some((wanted, wanted.data.as_deref()?))) else {
        return Err(no_destination(&target));
    };
    let expand = || {
        let storage = Template::new(Destination::parse_user(data)?)?;
        let archive = wanted.archive.as_deref();
        let archive = archive.map(|uri| Template::new(Destination::parse_user(uri)?)).transpose()?;
        if matches!(directory_rules(facts), DirectoryRules::PerCluster) {
            return storage.expand(&template_values(facts, Some(tenant)));
        }
        let pair = TemplatePair::v4(&storage, archive.as_ref(), if several { 2 } else { 1 })?;
        let (data, clog) = pair.expand(&template_values(facts, Some(tenant)))?;
        Ok(if kind == DirKind::Data { data } else { clog })
    };
    let destination =
        with_placeholder_run(expand().map_err(|error: TemplateError| invalid_destination(&target, &error))?);
    Ok((with_access_id(destination, wanted.access_id.as_deref())?, wanted.access_key.clone()))
}

/// Returns the destination of the best fallback for a cluster.
fn cluster_fallback(facts: &Facts, choices: &Choices) -> Result<(Destination, Option<SecretSource>), Fault> {
    let target = &facts.cluster.target;
    let wanted = choices.fallbacks.iter().find_map(|wanted| Some((wanted, wanted.data.as_deref()?)));
    let (wanted, data) = wanted.ok_or_else(|| no_destination(target))?;
    let expand = || Template::new(Destination::parse_user(data)?)?.expand(&template_values(facts, None));
    let destination =
        with_placeholder_run(expand().map_err(|error: TemplateError| invalid_destination(target, &error))?);
    Ok((with_access_id(destination, wanted.access_id.as_deref())?, wanted.access_key.clone()))
}

fn template_values<'a>(facts: &'a Facts, tenant: Option<&'a TenantFacts>) -> Values<'a> {
    Values {
        cluster: facts.cluster.name(),
        cluster_id: facts.cluster.id,
        tenant: tenant.map(|tenant| tenant.name.as_str()),
        tenant_id: tenant.map(|tenant| tenant.id),
        kind: Some(DirKind::Data),
        run: Some(RUN),
    }
}

/// A directory that is new each time is tested under a name that no run has: it is not there, as it will not be.
fn with_placeholder_run(destination: Destination) -> Destination {
    let path = destination.path().replace(RUN, "obnow-test");
    destination.clone().with_path(&path).unwrap_or(destination)
}

/// Returns the key of a fallback with the same bucket.
fn fallback_key(choices: &Choices, destination: &Destination) -> Option<SecretSource> {
    let bucket = |uri: &str| {
        let path = uri.split_once("://").map_or("", |(_, path)| path);
        path.split(['/', '?']).next().unwrap_or_default().to_owned()
    };
    let same = |wanted: &&RequestedStorage| {
        let of_kind = |uri: &String| uri.starts_with(&format!("{}://", destination.kind()));
        let uris = [&wanted.data, &wanted.archive];
        uris.into_iter()
            .flatten()
            .filter(|uri| of_kind(uri))
            .any(|uri| bucket(uri) == bucket(&destination.uri_without_attributes()))
    };
    choices.fallbacks.iter().find(same).and_then(|wanted| wanted.access_key.clone())
}

fn with_access_id(destination: Destination, id: Option<&str>) -> Result<Destination, Fault> {
    match id {
        Some(id) if destination.needs_access_key() => {
            let bare = destination.uri_without_attributes();
            destination.with_attribute("access_id", id).map_err(|error| {
                let what = format!("{bare} cannot be used as a destination.");
                Fault::new(Cause::Usage, what, error.to_string(), "Correct it and try again.")
            })
        }
        _ => Ok(destination),
    }
}

fn invalid_destination(target: &TargetName, error: &TemplateError) -> Fault {
    let what = format!("The destination given for {target} cannot be used.");
    Fault::new(Cause::Usage, what, error.to_string(), "Correct it and try again.")
}

fn no_destination(target: &TargetName) -> Fault {
    Fault::new(
        Cause::Usage,
        format!("{target} has no backup destination."),
        "Neither the cluster nor a strategy of the inventory names one.",
        "Name the storage itself: obnow test-storage file:///backup.",
    )
}
