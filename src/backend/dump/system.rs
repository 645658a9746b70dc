//! A logical backup as a system: observes each step. The checks are here; the steps of the dump itself are in [`super::monitor`].

use std::path::Path;
use std::sync::Arc;

use super::command::check_tls;
use super::monitor::BackgroundProof;
use super::process::DumpProcess;
use super::run_paths::RunPaths;
use super::start::{PlannedStart, planned_start, requires_tls};
use super::start_record::StartRecord;
use super::upload::{BackgroundComparison, BackgroundUpload};
use super::{directory, queries, run_blocking};
use crate::backend::oceanbase::OceanBase;
use crate::backend::storage::SharedObjectStore;
use crate::backend::system::InheritLocks;
use crate::backend::{Observed, StepContext, StepObservation};
use crate::domain::facts::Facts;
use crate::domain::fault::{Cause, Fault};
use crate::domain::plan::{Action, TargetPlan};
use crate::domain::step::StepKind;
use crate::domain::version::Method;

/// An engine that is backed up logically.
pub struct DumpSystem {
    pub(super) server: OceanBase,
    pub(super) inherit_locks: Option<Arc<InheritLocks>>,
    /// The dump that was started or found, so that its end is noticed by its parent.
    pub(super) dump: Option<DumpProcess>,
    /// Whether this task was cancelled, so that the end of the dump is not a failure.
    pub(super) was_cancelled: bool,
    /// The start record of that dump.
    pub(super) start_record: Option<StartRecord>,
    /// The proof that reads every byte, on a thread of its own.
    pub(super) background_proof: Option<BackgroundProof>,
    /// The object storage that the dump is uploaded to.
    pub(super) object_store: Option<SharedObjectStore>,
    /// The upload, in a task of its own.
    pub(super) background_upload: Option<BackgroundUpload>,
    /// The comparison of the uploaded objects, in a task of its own.
    pub(super) background_comparison: Option<BackgroundComparison>,
}

impl DumpSystem {
    /// Returns the system of the engine behind this connection.
    #[must_use]
    pub fn new(server: OceanBase) -> Self {
        Self {
            server,
            inherit_locks: None,
            dump: None,
            was_cancelled: false,
            start_record: None,
            background_proof: None,
            object_store: None,
            background_upload: None,
            background_comparison: None,
        }
    }

    /// Lets every dump started from now on inherit the locks that `lend` returns, so that the target stays taken while it lives.
    pub fn set_inherited_locks(&mut self, lend: InheritLocks) {
        self.inherit_locks = Some(Arc::new(lend));
    }

    /// Sets the object storage that the dump is uploaded to.
    pub fn set_object_store(&mut self, storage: SharedObjectStore) {
        self.object_store = Some(storage);
    }

    /// Reads everything a plan is made from.
    ///
    /// # Errors
    /// Unreachable, refused, or not of the OceanBase family.
    pub async fn detect(&mut self) -> Result<Facts, Fault> {
        self.server.detect().await
    }

    /// Drops a broken connection.
    pub fn disconnect(&mut self) {
        self.server.drop_session();
    }

    /// Observes a step for these targets.
    ///
    /// # Errors
    /// The server did not answer; after the start also: files of the dump cannot be read.
    pub async fn observe_step(
        &mut self,
        run: &StepContext<'_>,
        step: StepKind,
        targets: &[&TargetPlan],
    ) -> Result<Vec<Observed>, Fault> {
        let mut seen = Vec::with_capacity(targets.len());
        for target in targets {
            seen.push(self.observe_target(run, step, target).await?);
        }
        Ok(seen)
    }

    async fn observe_target(
        &mut self,
        run: &StepContext<'_>,
        step: StepKind,
        target: &TargetPlan,
    ) -> Result<Observed, Fault> {
        match step {
            StepKind::CheckTarget => fault_as_failure(self.check_target(run).await).map(Observed::from),
            StepKind::CheckBackupService => fault_as_failure(self.check_service().await).map(Observed::from),
            StepKind::CheckReady => fault_as_failure(self.check_ready(run, target).await).map(Observed::from),
            StepKind::StartBackup => self.observe_start(run, target).await,
            StepKind::WaitForBackup => self.observe_wait(run, target).await,
            StepKind::Upload => self.observe_upload(run, target).await,
            StepKind::ConfirmRestorable if Self::has_upload(target) => self.confirm_uploaded(run, target).await,
            StepKind::ConfirmRestorable => self.observe_proof(run, target).await,
            StepKind::SetDestination | StepKind::StartArchiving | StepKind::Compact => {
                Err(internal_fault("a physical step of a logical backup"))
            }
        }
    }

    /// Checks that the server answers and is the one that was confirmed.
    async fn check_target(&mut self, run: &StepContext<'_>) -> Result<StepObservation, Fault> {
        let facts = self.detect().await?;
        let (cluster, confirmed) = (&facts.cluster, &run.prepared.plan.cluster);
        let version = cluster.version.with_build();
        if cluster.method != Method::Logical {
            return Ok(StepObservation::Failed(Fault::new(
                Cause::Precondition,
                format!("{} is not dumped any more.", cluster.target),
                format!("It is {version} now: {}", cluster.method_reason),
                "Start the backup anew: it will be a physical one.",
            )));
        }
        if cluster.id != confirmed.id || version != confirmed.version {
            return Ok(StepObservation::Failed(Fault::new(
                Cause::Precondition,
                format!("{} is not the server that was confirmed.", cluster.endpoint),
                format!("It is {version}, and {} was confirmed.", confirmed.version),
                "Check the endpoints in the inventory, look at the target again and start the backup anew.",
            )));
        }
        Ok(StepObservation::Done(format!("{}, {version}", cluster.endpoint)))
    }

    async fn check_service(&mut self) -> Result<StepObservation, Fault> {
        let tool = self.current_tool().await?;
        Ok(StepObservation::Done(format!("{tool} at {}", tool.path.display())))
    }

    /// Checks what a dump needs: the tool, a directory, and tables that a restore brings back. A dump is always full.
    async fn check_ready(&mut self, run: &StepContext<'_>, target: &TargetPlan) -> Result<StepObservation, Fault> {
        let tool = self.current_tool().await?;
        check_tls(&tool, requires_tls(self.server.connection().tls))?;
        let place = attempt_paths(run, target, run.attempt)?;
        let PlannedStart { exclude, required_base: base, .. } = planned_start(start_action(target)?)?;
        let directory = run_blocking(move || {
            base.as_deref().map_or(Ok(()), directory::check_still_exists)?;
            directory::check_directory(place.directory())
        })
        .await??;
        self.server.ensure_session().await?;
        let session = self.server.session()?;
        let (scope, _) = queries::read_dumpable_contents(session, exclude).await?;
        let size = queries::estimate_size(session).await;
        let size = size.map_or_else(String::new, |bytes| format!(", about {}", bytesize::ByteSize::b(bytes)));
        let tables = scope.tables.len();
        Ok(StepObservation::Done(format!(
            "a full dump needs none before it; {tables} tables and views{size}; {directory}"
        )))
    }

    /// Repeats the checks right before the start, since hours may have passed.
    pub(super) async fn check_before_start(
        &mut self,
        run: &StepContext<'_>,
        target: &TargetPlan,
    ) -> Result<StepObservation, Fault> {
        for look in
            [fault_as_failure(self.check_target(run).await)?, fault_as_failure(self.check_ready(run, target).await)?]
        {
            if !matches!(look, StepObservation::Done(_)) {
                return Ok(look);
            }
        }
        Ok(StepObservation::NeedsAction(start_action(target)?.clone()))
    }
}

/// Turns a fault into a failed step, except a missing answer, which is tried again.
fn fault_as_failure(look: Result<StepObservation, Fault>) -> Result<StepObservation, Fault> {
    match look {
        Err(fault) if fault.cause != Cause::Unreachable => Ok(StepObservation::Failed(fault)),
        look => look,
    }
}

/// Returns the planned action that starts a target's dump.
fn start_action(target: &TargetPlan) -> Result<&Action, Fault> {
    let planned = target.step(StepKind::StartBackup).and_then(|step| step.actions.first());
    planned.ok_or_else(|| internal_fault("a start without an action"))
}

/// Returns the paths of an attempt's dump.
pub(super) fn attempt_paths(run: &StepContext<'_>, target: &TargetPlan, attempt: u32) -> Result<RunPaths, Fault> {
    let action = start_action(target)?;
    RunPaths::for_attempt(planned_start(action)?.directory, run.task, attempt)
}

/// Returns the partial dumps of earlier attempts, which are left as they are.
pub(super) fn leftover_dumps(run: &StepContext<'_>, target: &TargetPlan, before: u32) -> Vec<(u32, RunPaths)> {
    let earlier = run.view.intents.iter().filter(|intent| {
        intent.step == StepKind::StartBackup && intent.targets.contains(&target.target) && intent.attempt < before
    });
    let places = earlier.filter_map(|intent| Some((intent.attempt, attempt_paths(run, target, intent.attempt).ok()?)));
    places.filter(|(_, place)| Path::is_dir(&place.partial())).collect()
}

pub(super) fn internal_fault(what: &str) -> Fault {
    Fault::new(
        Cause::Internal,
        format!("obnow lost its way in a logical backup: {what}."),
        "This is a mistake in obnow.",
        "Report it; nothing was started.",
    )
}
