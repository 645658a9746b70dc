//! A look into the directories that a backup would set: what is in them and whose they are. Nothing is written, and nobody is
//! asked for a secret.

use futures_util::{StreamExt, stream};

use super::{ProbeProgram, TestSpec, run_test};
use crate::app::{AppContext, SecretFlag, task_secrets};
use crate::domain::choices::{Choices, InspectedDirectory};
use crate::domain::destination::Destination;
use crate::domain::facts::{Facts, TenantFacts};
use crate::domain::fault::Fault;
use crate::domain::preflight::{DirectoryFindings, directories_to_set};
use crate::domain::storage_check::StorageCheck;
use crate::domain::template::DirKind;

/// Number of directories that are inspected.
const MAX_DIRECTORIES: usize = 64;

/// Inspections that run at the same time.
const MAX_CONCURRENT: usize = 4;

/// Inspects the directories that a backup of these tenants would set.
///
/// # Errors
/// The system does not say which program this is.
pub async fn inspect_directories(
    context: &AppContext,
    facts: &Facts,
    tenants: &[&TenantFacts],
    choices: &Choices,
) -> Result<DirectoryFindings, Fault> {
    let tester = ProbeProgram::current()?;
    let all = tenants.iter().flat_map(|tenant| {
        directories_to_set(facts, tenant, choices).into_iter().map(|(kind, destination)| (*tenant, kind, destination))
    });
    let mut all: Vec<_> = all.collect();
    let rest = all.split_off(all.len().min(MAX_DIRECTORIES));
    let looking = all.into_iter().map(|directory| inspect_directory(context, &tester, facts, directory, choices));
    let looked: Vec<_> = stream::iter(looking).buffered(MAX_CONCURRENT).collect().await;
    let mut looks = DirectoryFindings::default();
    for (uri, seen) in looked {
        match seen {
            Ok(seen) => looks.seen.push(seen),
            Err(why) => drop(looks.unseen.insert(uri, why)),
        }
    }
    let why = || format!("only the first {MAX_DIRECTORIES} directories are looked into");
    looks.unseen.extend(rest.into_iter().map(|(_, _, destination)| (destination.uri_without_attributes(), why())));
    Ok(looks)
}

/// Returns what was found in one directory, or why it was not inspected.
async fn inspect_directory(
    context: &AppContext,
    tester: &ProbeProgram,
    facts: &Facts,
    (tenant, kind, destination): (&TenantFacts, DirKind, Destination),
    choices: &Choices,
) -> (String, Result<InspectedDirectory, String>) {
    let uri = destination.uri_without_attributes();
    let mut key = None;
    if destination.needs_access_key() {
        let covering = choices.fallbacks.iter().filter(|wanted| wanted.covers(&tenant.name));
        let source = choices.storage.iter().chain(covering).find_map(|wanted| wanted.access_key.clone());
        key = task_secrets::read_without_prompt(context, source, SecretFlag::AccessKeyFrom).await;
        if key.is_none() {
            return (uri, Err("its access key is not at hand, and nobody is asked for it here".to_owned()));
        }
    }
    let what =
        TestSpec { is_read_only: true, ..TestSpec::for_tenant(facts, tenant, kind, destination).with_access_key(key) };
    let report = run_test(tester, what, None).await;
    let seen = match report.seen() {
        Some(seen) => Ok(InspectedDirectory { uri: uri.clone(), seen }),
        None => Err(report.fault().map_or_else(
            || {
                let told = report.check(StorageCheck::Directory).map(|check| check.found.clone());
                told.unwrap_or_else(|| "it was not reached".to_owned())
            },
            |fault| format!("{} {}", fault.what, fault.why),
        )),
    };
    (uri, seen)
}
