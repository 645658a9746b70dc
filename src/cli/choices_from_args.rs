//! Makes choices from arguments or a plan file.

use super::args::BackupArgs;
use crate::domain::choices::{Choices, CompactionChoice, RequestedStorage, StorageSource};
use crate::domain::dump::ExcludedTables;
use crate::domain::fault::{Cause, Fault};
use crate::domain::proof::ProofChoice;
use crate::domain::saved_plan::SavedPlan;
use crate::domain::secret::SecretSource;
use crate::domain::target::TargetName;

#[cfg(test)]
mod tests;

/// The choices of a command line. `usual` is what is done about compaction where `--compact` is not given; what the
/// inventory adds is not in them yet.
pub(super) fn choices_from_args(args: &BackupArgs, usual: CompactionChoice) -> Result<Choices, Fault> {
    let mode = args.mode.ok_or_else(|| {
        Fault::new(
            Cause::Usage,
            "The data backup mode is missing.",
            "A backup is full or incremental, and obnow does not guess.",
            "Say --mode full or --mode incremental.",
        )
    })?;
    Ok(Choices {
        storage: storage_from_args(args),
        plus_archivelog: args.plus_archivelog,
        compact: args.compact.map_or(usual, Into::into),
        encrypt: args.encrypt_from.clone(),
        no_full: args.no_full.into(),
        skip: args.skip.iter().copied().collect(),
        exclude: ExcludedTables(args.exclude_table.iter().cloned().collect()),
        proof: ProofChoice {
            asked: (args.prove || args.no_proof).then_some(args.prove),
            access_key: args.access_key_from.clone().filter(|_| args.prove),
            decrypt: args.decrypt_from.clone(),
        },
        resume_archive: args.resume_archive,
        ..Choices::new(args.targets.clone(), mode.into())
    })
}

fn storage_from_args(args: &BackupArgs) -> Option<RequestedStorage> {
    (args.storage.is_some() || args.archive_storage.is_some()).then(|| RequestedStorage {
        data: args.storage.clone(),
        archive: args.archive_storage.clone(),
        access_id: args.access_id.clone(),
        access_key: args.access_key_from.clone(),
        source: StorageSource::Given,
        tenants: None,
    })
}

/// The choices of a saved plan, with the sources of its secrets where they are named anew.
///
/// # Errors
/// A secret has no source that lasts and none was named, or one was named that the plan has no use for.
pub(super) fn choices_from_plan_file(plan: &SavedPlan, args: &BackupArgs) -> Result<Choices, Fault> {
    let mut choices = plan.choices.clone();
    // The key that is set and the one that goes with a look are the same.
    let named = args.access_key_from.as_ref();
    let of_proof = choices.proof.access_key.is_some();
    let key = choices.storage.as_mut().and_then(|storage| storage.access_key.as_mut());
    if key.is_some() || !of_proof {
        replace_source(key, named, "--access-key-from", "an access key")?;
    }
    if of_proof {
        replace_source(choices.proof.access_key.as_mut(), named, "--access-key-from", "an access key")?;
    }
    if !choices.proof.decrypt.iter().all(SecretSource::lasts) {
        return Err(Fault::new(
            Cause::Usage,
            "The plan needs the passwords of older sets, and names no lasting source of them.",
            "They came from standard input when it was saved.",
            "Save a new plan with --decrypt-from env:NAME or file:PATH.",
        ));
    }
    replace_source(choices.encrypt.as_mut(), args.encrypt_from.as_ref(), "--encrypt-from", "an encryption password")?;
    Ok(choices)
}

fn replace_source(
    source: Option<&mut SecretSource>,
    named: Option<&SecretSource>,
    flag: &str,
    called: &str,
) -> Result<(), Fault> {
    match (source, named) {
        (Some(source), Some(named)) => source.clone_from(named),
        (Some(source), None) if !source.lasts() => {
            return Err(Fault::new(
                Cause::Usage,
                format!("The plan needs {called}, and {flag} is missing."),
                "The plan file names no source that is still there: it was typed, or came from standard input.",
                format!("Say {flag} env:NAME, file:PATH or stdin."),
            ));
        }
        (None, Some(_)) => {
            return Err(Fault::new(
                Cause::Usage,
                format!("The plan has no use for {flag}."),
                format!("It was saved without {called}, and it runs as it was saved."),
                "Leave the option out, or save a new plan with it.",
            ));
        }
        _ => {}
    }
    Ok(())
}

/// The one cluster that all targets belong to.
pub(super) fn one_cluster(targets: &[TargetName]) -> Result<&str, Fault> {
    let first = targets.first().map_or("", TargetName::cluster);
    if targets.iter().all(|target| target.cluster() == first) {
        return Ok(first);
    }
    Err(Fault::new(
        Cause::Usage,
        "The targets are of several clusters.",
        "One task backs up one cluster, or tenants of one.",
        "Start one backup for each cluster.",
    ))
}
