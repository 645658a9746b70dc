//! Uploads a proven dump to an object storage: every file, the manifest last; then lists the objects and compares them.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::manifest::{self, FileEntry, MANIFEST_NAME, Manifest};
use super::monitor::{PROOF_WAIT, ProofProgress, with_attempt};
use super::run_paths::RunPaths;
use super::system::{DumpSystem, attempt_paths, internal_fault};
use super::{io_fault, join_fault, outcome, run_blocking, write_atomically};
use crate::backend::storage::{SharedObjectStore, UploadRequest};
use crate::backend::{Observed, StepContext, StepObservation, Waiting};
use crate::domain::destination::{Destination, StorageKind};
use crate::domain::digest;
use crate::domain::facts::TaskFacts;
use crate::domain::fault::{Cause, Fault};
use crate::domain::format::size;
use crate::domain::outcome::Outcome;
use crate::domain::plan::{Action, RUN, TargetPlan};
use crate::domain::step::StepKind;
use crate::domain::time_zone::ServerTimeZone;

/// The objects of one run in a bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RunObjects {
    /// The URI of the run's directory as it is shown: `s3://bucket/path/<task>.<attempt>/`.
    pub(super) display_uri: String,
    /// The common prefix of all keys, with a slash at its end.
    prefix: String,
    /// The confirmed destination, without its access key.
    destination: Destination,
}

impl RunObjects {
    /// Returns the objects of a run, with the variable of the run filled in.
    pub(super) fn for_run(destination: &Destination, run: &str) -> Self {
        let path = destination.path().replace(RUN, run);
        let key = path.split_once('/').map(|(_, directory)| format!("{directory}/")).unwrap_or_default();
        let shown = format!("{}://{path}/{run}/", destination.kind());
        Self { display_uri: shown, prefix: format!("{key}{run}/"), destination: destination.clone() }
    }

    /// Returns the objects that a target's plan uploads; `None` where it has no upload.
    fn from_plan(target: &TargetPlan, run: &str) -> Option<Self> {
        let action = target.step(StepKind::Upload).and_then(|step| step.actions.first())?;
        match action {
            Action::Upload { destination, .. } => Some(Self::for_run(destination, run)),
            _ => None,
        }
    }

    fn key(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    /// Returns the endpoint URL for an S3 client; `None` for another kind of storage.
    pub(super) fn endpoint(&self) -> Option<String> {
        let host = self.destination.attribute("host").filter(|_| self.destination.kind() == StorageKind::S3)?;
        // Without a scheme HTTP is used, as the servers do.
        Some(if host.contains("://") { host.to_owned() } else { format!("http://{host}") })
    }
}

/// An upload in progress, in a task of its own.
pub(super) struct BackgroundUpload {
    place: RunPaths,
    work: JoinHandle<Result<String, Fault>>,
    sent: Arc<AtomicU64>,
    total: u64,
    files: usize,
}

/// A comparison of the uploaded objects with the manifest, in a task of its own.
pub(super) struct BackgroundComparison {
    place: RunPaths,
    work: JoinHandle<Result<Manifest, CompareError>>,
}

/// Why the uploaded objects are not known to be the dump.
enum CompareError {
    /// The objects differ from the manifest.
    Different(Fault),
    /// The objects could not be read.
    Unreadable(Fault),
}

impl DumpSystem {
    /// Returns whether a target's dump is uploaded to an object storage.
    pub(super) fn has_upload(target: &TargetPlan) -> bool {
        target.step(StepKind::Upload).is_some()
    }

    /// Observes the step `Upload`, and starts the upload where it does not run.
    pub(super) async fn observe_upload(
        &mut self,
        run: &StepContext<'_>,
        target: &TargetPlan,
    ) -> Result<Observed, Fault> {
        let Some(intent) = run.start_intent(&target.target) else {
            return Err(internal_fault("an upload of a dump that nobody started"));
        };
        let place = attempt_paths(run, target, intent.attempt)?;
        let objects =
            RunObjects::from_plan(target, place.run_id()).ok_or_else(|| internal_fault("an upload to nowhere"))?;
        if self.was_cancelled {
            if let Some(uploading) = self.background_upload.take() {
                uploading.work.abort();
            }
            return Ok(with_attempt(
                StepObservation::JobFailed(Box::new(cancelled_outcome(target, &place, &objects))),
                intent,
            ));
        }
        if place.uploaded_manifest().is_file() {
            return Ok(with_attempt(
                StepObservation::Done(format!("everything is in {}", objects.display_uri)),
                intent,
            ));
        }
        if self.background_upload.as_ref().is_none_or(|uploading| uploading.place != place) {
            let manifest = match self.poll_proof(intent, &place).await? {
                ProofProgress::Complete(manifest) => *manifest,
                ProofProgress::Observed(seen) => return Ok(*seen),
                ProofProgress::Failed(fault) => {
                    let zone = self.time_zone(&place).await?;
                    let outcome = outcome::proof_outcome(Err(fault), &place.finished(), &zone);
                    return Ok(with_attempt(StepObservation::Verdict(Box::new(outcome)), intent));
                }
            };
            self.background_upload = Some(self.start_upload(&place, &objects, manifest)?);
        }
        let Some(uploading) = &mut self.background_upload else {
            return Err(internal_fault("an upload that was never begun"));
        };
        let Ok(ended) = timeout(PROOF_WAIT, &mut uploading.work).await else {
            return Ok(with_attempt(StepObservation::Wait(uploading.waiting(&objects)), intent));
        };
        self.background_upload = None;
        Ok(with_attempt(
            match ended.unwrap_or_else(|error| Err(join_fault(&error))) {
                Ok(said) => StepObservation::Done(said),
                Err(fault) => StepObservation::JobFailed(Box::new(upload_failed_outcome(fault, &place, &objects))),
            },
            intent,
        ))
    }

    fn start_upload(
        &self,
        place: &RunPaths,
        objects: &RunObjects,
        manifest: Manifest,
    ) -> Result<BackgroundUpload, Fault> {
        let storage = self.object_store.clone().ok_or_else(|| internal_fault("an upload without a storage"))?;
        let sent = Arc::new(AtomicU64::new(0));
        let (total, files) = (manifest.bytes(), manifest.files.len() + 1);
        let work = tokio::spawn(upload_files(storage, objects.clone(), place.finished(), manifest, sent.clone()));
        Ok(BackgroundUpload { place: place.clone(), work, sent, total, files })
    }

    /// Returns the text of the action that stops a running upload.
    pub(super) fn upload_cancel_text(run: &StepContext<'_>, targets: &[&TargetPlan]) -> Option<String> {
        let target = targets.first()?;
        let current = run.view.target(&target.target)?.current()?;
        let intent = run.start_intent(&target.target)?;
        let objects = RunObjects::from_plan(target, &format!("{}.{}", run.task, intent.attempt))?;
        (current.kind == StepKind::Upload).then(|| format!("stop the upload to {}", objects.display_uri))
    }

    /// Observes the step `ConfirmRestorable` of an uploaded dump. The copy on this host is removed only after a good comparison.
    pub(super) async fn confirm_uploaded(
        &mut self,
        run: &StepContext<'_>,
        target: &TargetPlan,
    ) -> Result<Observed, Fault> {
        let Some(intent) = run.start_intent(&target.target) else {
            return Err(internal_fault("a verdict on a dump that nobody started"));
        };
        let place = attempt_paths(run, target, intent.attempt)?;
        let objects =
            RunObjects::from_plan(target, place.run_id()).ok_or_else(|| internal_fault("an upload to nowhere"))?;
        let zone = self.time_zone(&place).await?;
        if self.background_comparison.as_ref().is_none_or(|comparing| comparing.place != place) {
            let storage = self.object_store.clone().ok_or_else(|| internal_fault("a verdict without a storage"))?;
            let work = tokio::spawn(compare(storage, objects.clone(), place.clone()));
            self.background_comparison = Some(BackgroundComparison { place: place.clone(), work });
        }
        let Some(comparing) = &mut self.background_comparison else {
            return Err(internal_fault("a listing that was never begun"));
        };
        let Ok(compared) = timeout(PROOF_WAIT, &mut comparing.work).await else {
            let waiting = Waiting::new(format!("{} is listed and compared", objects.display_uri), true);
            return Ok(with_attempt(StepObservation::Wait(waiting), intent));
        };
        self.background_comparison = None;
        let mut outcome = match compared.unwrap_or_else(|error| Err(CompareError::Unreadable(join_fault(&error)))) {
            Ok(manifest) => {
                let removed = run_blocking({
                    let place = place.clone();
                    move || remove_local_copy(&place)
                })
                .await?;
                let mut outcome = outcome::uploaded_outcome(&manifest, &objects, &zone);
                outcome.notes.push(removed);
                outcome
            }
            Err(CompareError::Different(fault)) => Outcome::not_restorable(fault),
            Err(CompareError::Unreadable(fault)) => Outcome::unknown(fault),
        };
        if outcome.fault.is_some() && place.finished().is_dir() {
            outcome.notes.push(format!("The dump itself stays in {} on this host.", place.finished().display()));
        }
        Ok(with_attempt(StepObservation::Verdict(Box::new(outcome)), intent))
    }

    async fn time_zone(&mut self, place: &RunPaths) -> Result<ServerTimeZone, Fault> {
        Ok(outcome::server_time_zone(self.start_record(place).await?))
    }
}

impl BackgroundUpload {
    fn waiting(&self, objects: &RunObjects) -> Waiting {
        let bytes = self.sent.load(Ordering::Relaxed).min(self.total);
        let task = TaskFacts {
            phase: "uploading".to_owned(),
            bytes: Some(bytes),
            bytes_total: Some(self.total),
            tablets: None,
            blocks: None,
            percent: None,
            log_percent: None,
        };
        let what = format!("{} files, {}, go to {}", self.files, size(self.total), objects.display_uri);
        Waiting { what, task: Some(task), server_busy: true, last_error: None }
    }
}

/// Uploads the files that are not there yet, the manifest last, and returns a summary.
async fn upload_files(
    storage: SharedObjectStore,
    objects: RunObjects,
    folder: std::path::PathBuf,
    manifest: Manifest,
    sent: Arc<AtomicU64>,
) -> Result<String, Fault> {
    let there = storage.sizes(objects.prefix.clone()).await?;
    let mut known = 0;
    for file in &manifest.files {
        let key = objects.key(&file.name);
        if there.get(&key) == Some(&file.bytes) {
            known += 1;
            sent.fetch_add(file.bytes, Ordering::Relaxed);
        } else {
            storage.put(upload_request(key, &folder, file, &sent)).await?;
        }
    }
    let text = read(&folder.join(MANIFEST_NAME)).await?;
    let entry =
        FileEntry { name: MANIFEST_NAME.to_owned(), bytes: text.len() as u64, sha256: digest::digest_of(&text) };
    storage.put(upload_request(objects.key(MANIFEST_NAME), &folder, &entry, &sent)).await?;
    let before = if known == 0 { String::new() } else { format!(", {known} of them since an earlier attempt") };
    Ok(format!(
        "{} files, {}, are in {}{before}",
        manifest.files.len() + 1,
        size(manifest.bytes()),
        objects.display_uri
    ))
}

fn upload_request(key: String, folder: &Path, file: &FileEntry, sent: &Arc<AtomicU64>) -> UploadRequest {
    UploadRequest {
        key,
        path: folder.join(&file.name),
        bytes: file.bytes,
        sha256: file.sha256.clone(),
        sent_bytes: Arc::clone(sent),
    }
}

/// Lists the uploaded objects and compares them with the manifest, and the uploaded manifest with the local one.
async fn compare(storage: SharedObjectStore, objects: RunObjects, place: RunPaths) -> Result<Manifest, CompareError> {
    let kept = place.uploaded_manifest();
    let path = if kept.is_file() { kept } else { place.finished().join(MANIFEST_NAME) };
    let ours = read(&path).await.map_err(CompareError::Unreadable)?;
    let manifest: Manifest = serde_json::from_slice(&ours)
        .map_err(|error| CompareError::Unreadable(io_fault("Reading", &path, &std::io::Error::from(error))))?;
    let there = storage.sizes(objects.prefix.clone()).await.map_err(CompareError::Unreadable)?;
    check_listing(&objects, &manifest, ours.len() as u64, &there).map_err(CompareError::Different)?;
    let theirs = storage.get(objects.key(MANIFEST_NAME), ours.len()).await.map_err(CompareError::Unreadable)?;
    if theirs != ours {
        let why = format!("The content of {MANIFEST_NAME} there is not what was uploaded.");
        return Err(CompareError::Different(storage_differs(&objects, why)));
    }
    Ok(manifest)
}

/// Checks that every file of the manifest and the manifest itself are listed with their sizes, and nothing else.
fn check_listing(
    objects: &RunObjects,
    manifest: &Manifest,
    own: u64,
    there: &BTreeMap<String, u64>,
) -> Result<(), Fault> {
    let files = manifest.files.iter().map(|file| (file.name.as_str(), file.bytes));
    let wanted: BTreeMap<String, u64> =
        files.chain([(MANIFEST_NAME, own)]).map(|(name, bytes)| (objects.key(name), bytes)).collect();
    for (key, bytes) in &wanted {
        match there.get(key) {
            Some(found) if found == bytes => {}
            Some(found) => {
                return Err(storage_differs(objects, format!("{key} has {found} bytes there, not {bytes}.")));
            }
            None => return Err(storage_differs(objects, format!("{key} is not listed."))),
        }
    }
    // A storage may have an object for the directory itself.
    let other = there.keys().find(|key| !wanted.contains_key(*key) && **key != objects.prefix);
    other.map_or(Ok(()), |key| {
        let key = crate::domain::diagnosis::foreign(key);
        Err(storage_differs(objects, format!("{key} is there and does not belong to this dump.")))
    })
}

fn storage_differs(objects: &RunObjects, why: String) -> Fault {
    Fault::new(
        Cause::Storage,
        format!("{} cannot be trusted.", objects.display_uri),
        why,
        "Look for what changes objects there: a lifecycle rule, another program; then start a new backup.",
    )
}

/// Removes the copy on this host and returns a note about it. The manifest stays, so that the verdict can be given again.
fn remove_local_copy(place: &RunPaths) -> String {
    let (finished, kept) = (place.finished(), place.uploaded_manifest());
    let shown = finished.display().to_string();
    let removed = || -> std::io::Result<()> {
        if !finished.is_dir() {
            return Ok(());
        }
        if !kept.is_file() {
            write_atomically(&kept, |new| std::fs::copy(finished.join(MANIFEST_NAME), new).map(drop))?;
        }
        std::fs::remove_dir_all(&finished)
    };
    match removed() {
        Ok(()) => format!("The copy on this host, {shown}, is removed."),
        Err(error) => format!("The copy on this host, {shown}, could not be removed ({error}); remove it by hand."),
    }
}

fn cancelled_outcome(target: &TargetPlan, place: &RunPaths, objects: &RunObjects) -> Outcome {
    let fault = Fault::new(
        Cause::Server,
        format!("The upload of the dump of {} was cancelled.", target.target),
        "It was stopped as asked.",
        "Retry goes on with the upload of what is not there yet.",
    );
    with_leftover_notes(Outcome::cancelled(fault, None), place, objects)
}

fn upload_failed_outcome(fault: Fault, place: &RunPaths, objects: &RunObjects) -> Outcome {
    with_leftover_notes(Outcome::failed(fault, None), place, objects)
}

/// Adds notes about the files that stay on this host and in the storage.
fn with_leftover_notes(mut outcome: Outcome, place: &RunPaths, objects: &RunObjects) -> Outcome {
    outcome.notes.push(format!(
        "What was uploaded, if anything, stays under {}; it is not usable without its {MANIFEST_NAME}.",
        objects.display_uri
    ));
    outcome.notes.push(format!("The dump itself is whole and stays in {} on this host.", place.finished().display()));
    outcome
}

async fn read(path: &Path) -> Result<Vec<u8>, Fault> {
    let path = path.to_path_buf();
    run_blocking(move || std::fs::read(&path).map_err(|error| manifest::read_fault("Reading", &path, &error))).await?
}

#[cfg(test)]
#[path = "upload_tests.rs"]
mod tests;
