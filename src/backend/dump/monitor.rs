//! Observes a dump from its start to its verdict, whichever process started it: it is found by its paths and never started
//! twice.

use std::path::PathBuf;
use std::time::Duration;

use bytesize::ByteSize;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::manifest::{self, Manifest};
use super::process::{DumpProcess, DumpState};
use super::run_paths::RunPaths;
use super::start_record::StartRecord;
use super::system::{DumpSystem, attempt_paths, internal_fault, leftover_dumps};
use super::{join_fault, outcome, queries, run_blocking};
use crate::backend::{Observed, ObservedJob, StepContext, StepObservation, Waiting};
use crate::domain::choices::Mode;
use crate::domain::facts::TaskFacts;
use crate::domain::fault::{Cause, Fault};
use crate::domain::outcome::Outcome;
use crate::domain::plan::TargetPlan;
use crate::domain::task::IntentView;

/// Time that one observation waits for a proof before it reports that the proof still runs.
pub(super) const PROOF_WAIT: Duration = Duration::from_secs(1);

/// A proof that reads every byte of a dump, on a thread of its own.
pub(super) struct BackgroundProof {
    place: RunPaths,
    work: JoinHandle<Result<Manifest, Fault>>,
}

/// The progress of a proof.
pub(super) enum ProofProgress {
    /// Every file is present and complete.
    Complete(Box<Manifest>),
    /// The dump cannot be trusted, or could not be read.
    Failed(Fault),
    /// There is no proof, or not yet; what the step reports instead.
    Observed(Box<Observed>),
}

/// What one poll of a dump found.
struct DumpObservation {
    state: DumpState,
    /// Size of all its files, in bytes.
    bytes: u64,
    snapshot_taken: bool,
    /// `mydumper 0.10.0`.
    tool: String,
    /// Process id of the leader.
    pid: u32,
    /// The fault of a dump that ended badly.
    fault: Fault,
}

impl DumpObservation {
    fn writing_text(&self, place: &RunPaths) -> String {
        format!("{}, process {}, writes {}", self.tool, self.pid, place.partial().display())
    }
}

impl DumpSystem {
    /// Keeps a dump that this process has just started.
    pub(super) fn track_dump(&mut self, dump: DumpProcess, begun: StartRecord) {
        self.dump = Some(dump);
        self.start_record = Some(begun);
    }

    /// Observes the step `StartBackup`: checks whether a dump may be started, or whether an earlier start led to one.
    pub(super) async fn observe_start(
        &mut self,
        run: &StepContext<'_>,
        target: &TargetPlan,
    ) -> Result<Observed, Fault> {
        let Some(intent) = run.start_intent(&target.target) else {
            if let Some(waiting) = self.earlier_dump_running(run, target).await? {
                return Ok(StepObservation::Wait(waiting).into());
            }
            return self.check_before_start(run, target).await.map(Observed::from);
        };
        let place = attempt_paths(run, target, intent.attempt)?;
        let mut said = match self.poll(&place).await? {
            Some(polled) => polled.writing_text(&place),
            None if place.finished().is_dir() => format!("{} is finished", place.finished().display()),
            None => return Ok(untraced_start(intent, &place).into()),
        };
        for (attempt, place) in leftover_dumps(run, target, intent.attempt) {
            said.push_str(". ");
            said.push_str(outcome::leftover_note(attempt, &place.partial()).trim_end_matches('.'));
        }
        Ok(with_attempt(StepObservation::Done(said), intent))
    }

    /// Returns a wait where the dump of an earlier attempt still runs: a second one is never started beside it.
    async fn earlier_dump_running(
        &mut self,
        run: &StepContext<'_>,
        target: &TargetPlan,
    ) -> Result<Option<Waiting>, Fault> {
        for (attempt, place) in leftover_dumps(run, target, run.attempt) {
            if let Some(DumpObservation { state: DumpState::Running { .. }, pid, .. }) = self.poll(&place).await? {
                return Ok(Some(Waiting::new(still_running_text(attempt, pid), true)));
            }
        }
        Ok(None)
    }

    /// Observes the step `WaitForBackup`: the dump runs, has ended, or is missing.
    pub(super) async fn observe_wait(&mut self, run: &StepContext<'_>, target: &TargetPlan) -> Result<Observed, Fault> {
        let Some(intent) = run.start_intent(&target.target) else {
            return Err(internal_fault("a wait for a dump that nobody started"));
        };
        let place = attempt_paths(run, target, intent.attempt)?;
        if place.finished().is_dir() {
            return Ok(with_attempt(
                StepObservation::Done(format!("{} is finished", place.finished().display())),
                intent,
            ));
        }
        let ended = |fault| {
            let outcome = outcome::failed_outcome(fault, intent.attempt, &place.partial());
            Ok(with_attempt(StepObservation::JobFailed(Box::new(outcome)), intent))
        };
        let Some(polled) = self.poll(&place).await? else { return ended(files_missing(intent.attempt, &place)) };
        match polled.state {
            DumpState::Running { .. } => {
                let estimate = self.record_snapshot_time(&place, polled.snapshot_taken).await?;
                let again = intent.attempt != run.attempt;
                let waiting = running_wait(&polled, estimate, &place, again.then_some(intent.attempt));
                Ok(with_attempt(StepObservation::Wait(waiting), intent))
            }
            DumpState::Exited(0) => {
                let said = format!("{} ended with status 0", polled.tool);
                if self.record_end(&place).await? {
                    // Once, so that the figures that stay are those of the end.
                    return Ok(with_attempt(
                        StepObservation::Wait(Waiting {
                            what: said,
                            task: Some(dumping_progress(polled.bytes, None)),
                            server_busy: true,
                            last_error: None,
                        }),
                        intent,
                    ));
                }
                Ok(with_attempt(StepObservation::Done(said), intent))
            }
            DumpState::Exited(_) | DumpState::EndedWithoutStatus if self.was_cancelled => {
                let what = format!("The dump of {} was cancelled.", target.target);
                let next = "Retry starts a new dump; what this one wrote stays in its .partial directory.";
                let fault =
                    Fault::new(Cause::Server, what, format!("Process {} was ended as asked.", polled.pid), next);
                Ok(with_attempt(StepObservation::JobFailed(Box::new(Outcome::cancelled(fault, None))), intent))
            }
            DumpState::Exited(_) | DumpState::EndedWithoutStatus => ended(polled.fault),
        }
    }

    /// Observes the step `ConfirmRestorable`: reads every byte, and seals a new dump or verifies a sealed one.
    pub(super) async fn observe_proof(
        &mut self,
        run: &StepContext<'_>,
        target: &TargetPlan,
    ) -> Result<Observed, Fault> {
        let Some(intent) = run.start_intent(&target.target) else {
            return Err(internal_fault("a verdict on a dump that nobody started"));
        };
        let place = attempt_paths(run, target, intent.attempt)?;
        let zone = outcome::server_time_zone(self.start_record(&place).await?);
        let proof = match self.poll_proof(intent, &place).await? {
            ProofProgress::Complete(manifest) => Ok(*manifest),
            ProofProgress::Failed(fault) => Err(fault),
            ProofProgress::Observed(seen) => return Ok(*seen),
        };
        let outcome = outcome::proof_outcome(proof, &place.finished(), &zone);
        Ok(with_attempt(StepObservation::Verdict(Box::new(outcome)), intent))
    }

    /// Polls the proof of a dump that has ended, and starts it where it does not run.
    pub(super) async fn poll_proof(&mut self, intent: &IntentView, place: &RunPaths) -> Result<ProofProgress, Fault> {
        let found = |look| Ok(ProofProgress::Observed(Box::new(with_attempt(look, intent))));
        if self.background_proof.as_ref().is_none_or(|proving| proving.place != *place) {
            match self.proof(place).await {
                Ok(work) => self.background_proof = Some(BackgroundProof { place: place.clone(), work }),
                Err(ProofError::DumpFailed(fault)) => {
                    let outcome = outcome::failed_outcome(fault, intent.attempt, &place.partial());
                    return found(StepObservation::JobFailed(Box::new(outcome)));
                }
                Err(ProofError::Incomplete(fault)) => {
                    return found(StepObservation::Verdict(Box::new(Outcome::not_restorable(fault))));
                }
                Err(ProofError::Unavailable(fault)) => return Err(fault),
            }
        }
        let Some(proving) = &mut self.background_proof else {
            return Err(internal_fault("a proof that was never begun"));
        };
        let Ok(proof) = timeout(PROOF_WAIT, &mut proving.work).await else {
            let what = format!("every byte of {} is read and counted", place.run_id());
            return found(StepObservation::Wait(Waiting::new(what, true)));
        };
        self.background_proof = None;
        Ok(proof
            .unwrap_or_else(|error| Err(join_fault(&error)))
            .map_or_else(ProofProgress::Failed, |manifest| ProofProgress::Complete(Box::new(manifest))))
    }

    /// Starts the proof of a dump that exited with status 0.
    async fn proof(&mut self, place: &RunPaths) -> Result<JoinHandle<Result<Manifest, Fault>>, ProofError> {
        let finished: PathBuf = place.finished();
        if finished.is_dir() {
            return Ok(tokio::task::spawn_blocking(move || manifest::verify(&finished)));
        }
        let polled = self.poll(place).await.map_err(ProofError::Unavailable)?;
        match polled {
            None => return Err(ProofError::Incomplete(dump_missing(place))),
            Some(DumpObservation { state: DumpState::Exited(0), .. }) => {}
            Some(DumpObservation { state: DumpState::Running { .. }, .. }) => {
                return Err(ProofError::Unavailable(internal_fault("a verdict on a dump that still runs")));
            }
            Some(polled) => return Err(ProofError::DumpFailed(polled.fault)),
        }
        self.record_end(place).await.map_err(ProofError::Unavailable)?;
        let begun = self.start_record(place).await.map_err(ProofError::Unavailable)?.cloned();
        let (source, before, after) = begun
            .ok_or_else(|| ProofError::Incomplete(dump_missing(place)))?
            .source()
            .map_err(ProofError::Unavailable)?;
        let place = place.clone();
        Ok(tokio::task::spawn_blocking(move || manifest::seal(&place, source, &before, &after)))
    }

    /// Polls the dump of a run, if there is one: started by this process, by one that wrote a process record, or by one that
    /// ended before it could.
    async fn poll(&mut self, place: &RunPaths) -> Result<Option<DumpObservation>, Fault> {
        let held = self.dump.take().filter(|dump| dump.paths() == place);
        let release = self.start_record(place).await?.map_or_else(String::new, |begun| begun.release.clone());
        let place = place.clone();
        let (dump, polled) = run_blocking(move || {
            let found = match held {
                Some(dump) => Ok(Some(dump)),
                None => DumpProcess::find(&place).and_then(|found| {
                    found.map_or_else(|| DumpProcess::adopt(&place, &release), |dump| Ok(Some(dump)))
                }),
            };
            match found {
                Ok(Some(mut dump)) => {
                    let polled = observe_dump(&mut dump);
                    (Some(dump), polled.map(Some))
                }
                Ok(None) => (None, Ok(None)),
                Err(fault) => (None, Err(fault)),
            }
        })
        .await?;
        self.dump = dump;
        polled
    }

    /// Returns the start record of a run; `None` where there is none.
    pub(super) async fn start_record(&mut self, place: &RunPaths) -> Result<Option<&StartRecord>, Fault> {
        if self.start_record.as_ref().is_none_or(|begun| begun.run != place.run_id()) {
            let place = place.clone();
            self.start_record = run_blocking(move || StartRecord::read(&place)).await??;
        }
        Ok(self.start_record.as_ref())
    }

    /// Records the server's time once the snapshot is seen to be taken, and returns the estimated size in bytes.
    async fn record_snapshot_time(&mut self, place: &RunPaths, taken: bool) -> Result<Option<u64>, Fault> {
        let Some(begun) = self.start_record(place).await? else { return Ok(None) };
        let estimate = begun.estimate;
        if taken && begun.not_after.is_none() {
            self.server.ensure_session().await?;
            let now = queries::read_time(self.server.session()?).await?;
            self.change(place, |begun| begun.not_after = Some(now)).await?;
        }
        Ok(estimate)
    }

    /// Records once what the server lists after the end, and returns whether this call did. Where the snapshot was not seen to
    /// be taken, it was before now.
    async fn record_end(&mut self, place: &RunPaths) -> Result<bool, Fault> {
        let Some(begun) = self.start_record(place).await? else { return Ok(false) };
        if begun.after.is_some() {
            return Ok(false);
        }
        let exclude = begun.exclude.clone();
        self.server.ensure_session().await?;
        let session = self.server.session()?;
        let now = queries::read_time(session).await?;
        let after = queries::read_contents(session, &exclude).await?;
        self.change(place, |begun| {
            begun.not_after.get_or_insert(now);
            begun.after = Some(after);
        })
        .await?;
        Ok(true)
    }

    async fn change(&mut self, place: &RunPaths, change: impl FnOnce(&mut StartRecord)) -> Result<(), Fault> {
        let Some(begun) = &mut self.start_record else { return Ok(()) };
        change(begun);
        let (begun, place) = (begun.clone(), place.clone());
        run_blocking(move || begun.write(&place)).await?
    }
}

/// Returns the observation of a start that left no record, no running process and no finished dump.
fn untraced_start(intent: &IntentView, place: &RunPaths) -> StepObservation {
    let partial = place.partial();
    if intent.answered == Some(true) {
        return StepObservation::JobFailed(Box::new(outcome::failed_outcome(
            files_missing(intent.attempt, place),
            intent.attempt,
            &partial,
        )));
    }
    let proof = if place.log().exists() {
        format!(
            "what {} tells of did not live to write down which process it was, and does not run",
            place.log().display()
        )
    } else {
        format!("{} has no record of it, and no process writes there", place.directory().display())
    };
    StepObservation::NotStarted { intent: intent.intent, proof }
}

/// Why a proof cannot start.
enum ProofError {
    /// The dump itself failed.
    DumpFailed(Fault),
    /// Files that the proof needs are missing.
    Incomplete(Fault),
    /// It is to be tried again later.
    Unavailable(Fault),
}

fn observe_dump(dump: &mut DumpProcess) -> Result<DumpObservation, Fault> {
    let state = dump.poll()?;
    let record = dump.record();
    let (tool, pid) = (format!("mydumper {}", record.release), record.pid);
    let bytes = match state {
        DumpState::Running { bytes_written } => bytes_written,
        DumpState::Exited(_) | DumpState::EndedWithoutStatus => dump.bytes_written()?,
    };
    Ok(DumpObservation { state, bytes, snapshot_taken: dump.snapshot_taken()?, tool, pid, fault: dump.fault(state) })
}

/// Adds the number of the attempt as the job id: a dump has none of the server's, and a Retry after a failure starts a new one.
pub(super) fn with_attempt(look: StepObservation, intent: &IntentView) -> Observed {
    Observed {
        observation: look,
        job: Some(ObservedJob { job_id: u64::from(intent.attempt), set_id: None, kind: Some(Mode::Full) }),
    }
}

/// Returns the wait for a running dump. `earlier` is the attempt that started it, where that is not the current one.
fn running_wait(polled: &DumpObservation, estimate: Option<u64>, place: &RunPaths, earlier: Option<u32>) -> Waiting {
    let estimate = estimate.filter(|estimate| polled.bytes < *estimate);
    let process = match earlier {
        Some(attempt) => still_running_text(attempt, polled.pid),
        None => polled.writing_text(place),
    };
    let what = match estimate {
        Some(estimate) => format!("{process}; the server counts {}", ByteSize::b(estimate)),
        None => process,
    };
    let percent = estimate.map(|estimate| percentage(polled.bytes, estimate));
    Waiting { what, task: Some(dumping_progress(polled.bytes, percent)), server_busy: true, last_error: None }
}

fn dumping_progress(bytes: u64, percent: Option<f64>) -> TaskFacts {
    let phase = "dumping".to_owned();
    TaskFacts { phase, bytes: Some(bytes), bytes_total: None, tablets: None, blocks: None, percent, log_percent: None }
}

fn still_running_text(attempt: u32, pid: u32) -> String {
    format!("the dump of attempt {attempt}, process {pid}, still runs")
}

#[allow(clippy::cast_precision_loss, reason = "a percentage: beyond 2^53 bytes the last digits do not matter")]
fn percentage(done: u64, of: u64) -> f64 {
    done as f64 / of as f64 * 100.0
}

/// Returns the fault of a dump whose record is missing while no process runs.
fn files_missing(attempt: u32, place: &RunPaths) -> Fault {
    Fault::new(
        Cause::Storage,
        format!("The dump of attempt {attempt} is gone."),
        format!("{} is not there any more, and no process writes there.", place.process_record().display()),
        "Retry: a new dump is started.",
    )
}

/// Returns the fault of a dump whose files are missing.
fn dump_missing(place: &RunPaths) -> Fault {
    Fault::new(
        Cause::Storage,
        format!("The dump {} cannot be proven.", place.run_id()),
        format!("Neither {} nor what was written down when it began is there.", place.finished().display()),
        "Do not restore from what is left of it; start a new backup.",
    )
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn percent_needs_a_valid_estimate() {
        let place = RunPaths::new(Path::new("/b"), "t.1").unwrap();
        let at = |bytes, estimate, attempt| {
            let state = DumpState::Running { bytes_written: bytes };
            let fault = internal_fault("nothing");
            let polled =
                DumpObservation { state, bytes, snapshot_taken: true, tool: "mydumper 0.10.0".into(), pid: 7, fault };
            running_wait(&polled, estimate, &place, attempt)
        };
        assert_eq!(at(25, Some(100), None).task.unwrap().percent, Some(25.0));
        assert!(at(25, Some(100), None).what.ends_with("writes /b/t.1.partial; the server counts 100 B"));
        for unknown in [at(25, None, None), at(100, Some(100), None), at(101, Some(100), None)] {
            assert_eq!(unknown.task.unwrap().percent, None);
            assert_eq!(unknown.what, "mydumper 0.10.0, process 7, writes /b/t.1.partial");
        }
        let later = at(1, None, Some(3));
        assert!(later.server_busy && later.what == "the dump of attempt 3, process 7, still runs");
    }
}
