//! All systems behind one interface: the runner does not know which one it uses.

use std::os::fd::OwnedFd;

use super::dump::DumpSystem;
use super::oceanbase::session::Failure;
use super::oceanbase::{OceanBase, PendingStatements};
use super::storage::SharedObjectStore;
use super::{Observed, StepContext};
use crate::domain::archiving::UnchangedArchive;
use crate::domain::facts::{Facts, Scope};
use crate::domain::fault::Fault;
use crate::domain::plan::{Action, Plan, TargetPlan};
use crate::domain::stall::Stall;
use crate::domain::step::StepKind;
use crate::domain::target::TargetName;
use crate::domain::task::PreviewStep;

/// A system that can be backed up.
pub enum System {
    /// A cluster with physical backup.
    OceanBase(Box<OceanBase>),
    /// An engine with logical backup.
    Dump(Box<DumpSystem>),
}

/// What decides how statements are written for a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DialectKey {
    /// Name of its release profile.
    pub profile_name: &'static str,
    /// Scope of the login: sys or one tenant.
    pub scope: Scope,
}

/// Returns copies of the locks' descriptors that a child process inherits; the caller drops them right after the start.
pub type InheritLocks = Box<dyn Fn() -> Result<Vec<OwnedFd>, Fault> + Send + Sync>;

/// A prepared action: what the intent in the journal records about it, and how it is executed.
pub struct PreparedAction {
    /// The statements or the command, with secrets as `***`.
    pub shown_statements: Vec<String>,
    /// The statements as they were confirmed, where values read from the server are filled in; `None` where nothing was filled
    /// in.
    pub confirmed_statements: Option<Vec<String>>,
    /// The DESCRIPTION that marks a start.
    pub description: Option<String>,
    /// The highest job id before the action.
    pub highest_job: Option<u64>,
    /// The server's id of the connection that sends it, if the server lists it.
    pub connection: Option<crate::domain::task::ServerConnection>,
    /// The endpoint it is sent to.
    pub server: String,
    /// The server's own time limit for it, in milliseconds.
    pub server_limit_ms: u64,
    /// How it is executed.
    pub(super) execution: Execution,
}

/// What a cancel does in the current state of the server.
pub enum CancelDecision {
    /// This action is to be sent; it ends these jobs, each as tenant id and job id. The list is empty where one statement is
    /// always enough.
    Send(Box<PreparedAction>, Vec<(u64, u64)>),
    /// The jobs do not exist yet, and CANCEL BACKUP would hit nothing; the text says what is awaited.
    NotYetRunning(String),
    /// No job of this task runs, or it is being cancelled already.
    NothingToCancel,
    /// Another job runs now that would be hit too; the text describes it.
    WouldHitOtherJob(String),
}

/// How an action is executed.
pub(super) enum Execution {
    /// Statements, sent over a connection of their own.
    Statements(Box<PendingStatements>),
    /// The start of a dump.
    StartDump(Box<super::dump::PendingDump>),
    /// The end of the running dump.
    StopDump,
}

impl System {
    /// Observes a step for these targets, all at once.
    ///
    /// # Errors
    /// No answer, or a question that was refused: it concerns all of them.
    pub async fn observe_step(
        &mut self,
        run: &StepContext<'_>,
        step: StepKind,
        targets: &[&TargetPlan],
    ) -> Result<Vec<Observed>, Fault> {
        match self {
            Self::OceanBase(system) => system.look(run, step, targets).await,
            Self::Dump(system) => system.observe_step(run, step, targets).await,
        }
    }

    /// Reads everything a plan is made from.
    ///
    /// # Errors
    /// Unreachable, refused, or not an OceanBase.
    pub async fn detect(&mut self) -> Result<Facts, Fault> {
        match self {
            Self::OceanBase(system) => system.detect().await,
            Self::Dump(system) => system.detect().await,
        }
    }

    /// Renders the steps of a plan with their statements.
    ///
    /// # Errors
    /// A planned action for which this system has no statement.
    pub async fn preview(&mut self, plan: &Plan, task: &str) -> Result<Vec<PreviewStep>, Fault> {
        match self {
            Self::OceanBase(system) => system.preview(plan, task).await,
            Self::Dump(system) => system.preview(plan, task).await,
        }
    }

    /// Checks that every statement of a plan can be rendered with the available secrets, before the first one is sent.
    ///
    /// # Errors
    /// One cannot, and why.
    pub fn check_sendable(&self, plan: &Plan, task: &str, attempt: u32) -> Result<(), Fault> {
        match self {
            Self::OceanBase(system) => system.can_send(plan, task, attempt),
            // A dump carries no secret in a statement.
            Self::Dump(_) => Ok(()),
        }
    }

    /// Prepares an action; for OceanBase with a new connection of its own.
    ///
    /// # Errors
    /// Nothing was sent, and why.
    pub async fn prepare_action(
        &mut self,
        action: &Action,
        group: &[TargetPlan],
        task: &str,
        attempt: u32,
    ) -> Result<PreparedAction, Fault> {
        match self {
            Self::OceanBase(system) => system.open_act(action, group, task, attempt).await,
            Self::Dump(system) => system.prepare_action(action, group, task, attempt).await,
        }
    }

    /// Executes a prepared action, once.
    ///
    /// # Errors
    /// The refusal, or that no answer came.
    pub async fn execute(&mut self, act: PreparedAction) -> Result<(), Failure> {
        match (self, act.execution) {
            (Self::OceanBase(system), Execution::Statements(pending)) => system.perform(*pending).await,
            (Self::Dump(system), Execution::StartDump(pending)) => system.execute(*pending).await,
            (Self::Dump(system), Execution::StopDump) => {
                system.stop_work();
                Ok(())
            }
            (_, _) => Ok(()),
        }
    }

    /// Prepares the action that ends the jobs of this task. `hit` are the jobs that an earlier CANCEL BACKUP of this request was
    /// to end, as tenant id and job id: a repeat ends no others. A dump is a process of this host and is killed when the action
    /// is executed.
    ///
    /// # Errors
    /// Nothing was sent, and why.
    pub async fn prepare_cancel(
        &mut self,
        run: &StepContext<'_>,
        targets: &[&TargetPlan],
        hit: &[(u64, u64)],
    ) -> Result<CancelDecision, Fault> {
        match self {
            Self::OceanBase(system) => system.open_cancel(run, targets, hit).await,
            Self::Dump(system) => Ok(match system.prepare_cancel(run, targets) {
                Some(act) => CancelDecision::Send(Box::new(act), Vec::new()),
                None => CancelDecision::NothingToCancel,
            }),
        }
    }

    /// Returns what decides how statements are written for the server; `None` where it is not known yet, or this host executes
    /// the plan.
    #[must_use]
    pub fn dialect_key(&self) -> Option<DialectKey> {
        match self {
            Self::OceanBase(system) => system.wording(),
            Self::Dump(_) => None,
        }
    }

    /// Records that the storage proof was not requested, and why.
    pub fn record_proof_failure(&mut self, target: &TargetName, fault: &Fault) {
        match self {
            Self::OceanBase(system) => system.looked_in_vain(target, fault),
            // A dump is judged by its manifest.
            Self::Dump(_) => {}
        }
    }

    /// Lets processes that are started on this host inherit the locks of the target, so that it stays taken while they live.
    /// Jobs on servers need none: the servers show them to everyone.
    pub fn set_inherited_locks(&mut self, lend: InheritLocks) {
        match self {
            Self::OceanBase(_) => {}
            Self::Dump(system) => system.set_inherited_locks(lend),
        }
    }

    /// Sets the object storage for dumps; other systems do not upload.
    pub fn set_object_store(&mut self, storage: SharedObjectStore) {
        match self {
            Self::OceanBase(_) => {}
            Self::Dump(system) => system.set_object_store(storage),
        }
    }

    /// Requires every connection from now on to lead to the confirmed cluster and tenants.
    pub fn require_identity_of(&mut self, plan: &Plan) {
        match self {
            Self::OceanBase(system) => system.expect(plan),
            // The engine of a dump has no identity but its endpoint.
            Self::Dump(_) => {}
        }
    }

    /// Diagnoses why these targets make no progress; each comes with the text of its wait. It changes nothing, and reports what
    /// cannot be read.
    pub async fn diagnose_stall(
        &mut self,
        run: &StepContext<'_>,
        step: StepKind,
        stuck: &[(&TargetPlan, &str)],
    ) -> Vec<Stall> {
        match self {
            Self::OceanBase(system) => system.standstill(run, step, stuck).await,
            Self::Dump(_) => stuck.iter().map(|_| Stall::unknown("a dump has none.")).collect(),
        }
    }

    /// Reads the state of a target's log archive that did not change as requested; `None` where it cannot be read, or the target
    /// has no archive of its own (below V4 the archive is the cluster's).
    pub async fn read_unchanged_archive(&mut self, target: &TargetPlan) -> Option<UnchangedArchive> {
        match self {
            Self::OceanBase(system) => system.unchanged_archive(target).await,
            Self::Dump(_) => None,
        }
    }

    /// Drops a broken connection.
    pub fn disconnect(&mut self) {
        match self {
            Self::OceanBase(system) => system.drop_session(),
            Self::Dump(system) => system.disconnect(),
        }
    }
}
