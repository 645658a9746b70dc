//! The systems there are, behind one face: the runner does not know which one it runs.

use std::os::fd::OwnedFd;

use super::dump::DumpSystem;
use super::oceanbase::session::Failure;
use super::oceanbase::{OceanBase, PendingAct};
use super::storage::LentStorage;
use super::{Run, Seen};
use crate::domain::archiving::Unchanged;
use crate::domain::facts::{Facts, Scope};
use crate::domain::fault::Fault;
use crate::domain::plan::{Action, Plan, TargetPlan};
use crate::domain::standstill::Standstill;
use crate::domain::step::StepKind;
use crate::domain::target::TargetName;
use crate::domain::task::PreviewStep;

/// A system that can be backed up.
pub enum System {
    /// A cluster with physical backup.
    OceanBase(Box<OceanBase>),
    /// An engine that is dumped.
    Dump(Box<DumpSystem>),
}

/// What decides how a plan is written for a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wording {
    /// The name of its line.
    pub line: &'static str,
    /// The kind of the login.
    pub scope: Scope,
}

/// Makes copies of the locks' descriptors that a child process inherits; whoever takes them drops them right after the start.
pub type LendLocks = Box<dyn Fn() -> Result<Vec<OwnedFd>, Fault> + Send + Sync>;

/// An act that is ready to be performed: everything an intent has to say about it, and how to do it.
pub struct Act {
    /// The statements (or the command), secrets as `***`.
    pub shown: Vec<String>,
    /// The same as they were confirmed, where values are filled in that are read from the server; None: they are as they were.
    pub planned: Option<Vec<String>>,
    /// The marker of a start.
    pub description: Option<String>,
    /// The highest job id seen before.
    pub highest_job: Option<u64>,
    /// The server's id of the connection it will be sent over, if the server lists it.
    pub connection: Option<crate::domain::task::ServerConnection>,
    /// Where it will be sent.
    pub server: String,
    /// Milliseconds after which the server itself gives up on it.
    pub server_limit: u64,
    /// How it is done.
    pub(super) doing: Doing,
}

/// What a cancel comes to, as the server stands now.
pub enum Cancel {
    /// This is to be sent; it is to end these jobs, each with its tenant. None are named where one statement is enough.
    Send(Box<Act>, Vec<(u64, u64)>),
    /// The jobs that are meant are not there yet, and before they are CANCEL BACKUP hits nothing: what is awaited.
    Awaits(String),
    /// Nothing that is meant runs, or it is being cancelled already.
    Nothing,
    /// Beside what was meant another job runs there now, which would be hit too: what it is.
    Another(String),
}

/// How an act is done.
pub(super) enum Doing {
    /// Statements over their own connection.
    Statements(Box<PendingAct>),
    /// A dump at its place.
    Dump(Box<super::dump::PendingDump>),
    /// The end of the dump that runs.
    EndDump,
}

impl System {
    /// Looks at a step for these targets, all at once.
    ///
    /// # Errors
    /// No answer, or a question that was refused: it concerns all of them.
    pub async fn look(&mut self, run: &Run<'_>, step: StepKind, targets: &[&TargetPlan]) -> Result<Vec<Seen>, Fault> {
        match self {
            Self::OceanBase(system) => system.look(run, step, targets).await,
            Self::Dump(system) => system.look(run, step, targets).await,
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

    /// What is shown of a plan.
    ///
    /// # Errors
    /// A planned action this system has no words for.
    pub async fn preview(&mut self, plan: &Plan, task: &str) -> Result<Vec<PreviewStep>, Fault> {
        match self {
            Self::OceanBase(system) => system.preview(plan, task).await,
            Self::Dump(system) => system.preview(plan, task).await,
        }
    }

    /// Whether every statement of a plan can be made with the secrets that are here, before the first of them is sent.
    ///
    /// # Errors
    /// One cannot, and why.
    pub fn can_send(&self, plan: &Plan, task: &str, attempt: u32) -> Result<(), Fault> {
        match self {
            Self::OceanBase(system) => system.can_send(plan, task, attempt),
            // A dump carries no secret in a statement.
            Self::Dump(_) => Ok(()),
        }
    }

    /// Makes an act ready: for OceanBase over one fresh connection of its own.
    ///
    /// # Errors
    /// Nothing was sent, and why.
    pub async fn open_act(
        &mut self,
        action: &Action,
        group: &[TargetPlan],
        task: &str,
        attempt: u32,
    ) -> Result<Act, Fault> {
        match self {
            Self::OceanBase(system) => system.open_act(action, group, task, attempt).await,
            Self::Dump(system) => system.open_act(action, group, task, attempt).await,
        }
    }

    /// Performs it, once.
    ///
    /// # Errors
    /// The refusal, or that no answer came.
    pub async fn perform(&mut self, act: Act) -> Result<(), Failure> {
        match (self, act.doing) {
            (Self::OceanBase(system), Doing::Statements(pending)) => system.perform(*pending).await,
            (Self::Dump(system), Doing::Dump(pending)) => system.perform(*pending).await,
            (Self::Dump(system), Doing::EndDump) => {
                system.end();
                Ok(())
            }
            (_, _) => Ok(()),
        }
    }

    /// Makes the act ready that ends what this task runs. `hit` are the jobs that an earlier CANCEL BACKUP of this request was
    /// to hit, each with its tenant: a repeat goes to no others. A dump is this host's own process: it is ended when the act is
    /// performed, and nobody else is asked.
    ///
    /// # Errors
    /// Nothing was sent, and why.
    pub async fn open_cancel(
        &mut self,
        run: &Run<'_>,
        targets: &[&TargetPlan],
        hit: &[(u64, u64)],
    ) -> Result<Cancel, Fault> {
        match self {
            Self::OceanBase(system) => system.open_cancel(run, targets, hit).await,
            Self::Dump(system) => Ok(match system.open_cancel(run, targets) {
                Some(act) => Cancel::Send(Box::new(act), Vec::new()),
                None => Cancel::Nothing,
            }),
        }
    }

    /// What decides how a plan is written for the server; None: not known yet, or it is this host that carries it out.
    #[must_use]
    pub fn wording(&self) -> Option<Wording> {
        match self {
            Self::OceanBase(system) => system.wording(),
            Self::Dump(_) => None,
        }
    }

    /// Takes that the server was not asked to look at a storage, and why.
    pub fn looked_in_vain(&mut self, target: &TargetName, fault: &Fault) {
        match self {
            Self::OceanBase(system) => system.looked_in_vain(target, fault),
            // A dump is judged by its manifest.
            Self::Dump(_) => {}
        }
    }

    /// Gives the locks of the target to whatever is started on this host, so that the target stays taken while that lives. What
    /// runs on servers needs none: they show it to everybody.
    pub fn lend_locks(&mut self, lend: LendLocks) {
        match self {
            Self::OceanBase(_) => {}
            Self::Dump(system) => system.lend_locks(lend),
        }
    }

    /// Gives the object storage that a dump goes on to; nobody else uploads.
    pub fn lend_storage(&mut self, storage: LentStorage) {
        match self {
            Self::OceanBase(_) => {}
            Self::Dump(system) => system.lend_storage(storage),
        }
    }

    /// Lets every connection from now on prove that it leads to what was confirmed.
    pub fn expect(&mut self, plan: &Plan) {
        match self {
            Self::OceanBase(system) => system.expect(plan),
            // The engine of a dump has no identity but its endpoint.
            Self::Dump(_) => {}
        }
    }

    /// Why these targets stand still, each with the words of what it stands at. It changes nothing, and what cannot be read
    /// is said as that.
    pub async fn standstill(
        &mut self,
        run: &Run<'_>,
        step: StepKind,
        stuck: &[(&TargetPlan, &str)],
    ) -> Vec<Standstill> {
        match self {
            Self::OceanBase(system) => system.standstill(run, step, stuck).await,
            Self::Dump(_) => stuck.iter().map(|_| Standstill::unknown("a dump has none.")).collect(),
        }
    }

    /// What is known of a target's log archive that does not do what it was told to; None: nothing, or it has none of its own
    /// (below V4 the archive is the cluster's).
    pub async fn unchanged_archive(&mut self, target: &TargetPlan) -> Option<Unchanged> {
        match self {
            Self::OceanBase(system) => system.unchanged_archive(target).await,
            Self::Dump(_) => None,
        }
    }

    /// Forgets a connection that broke.
    pub fn disconnect(&mut self) {
        match self {
            Self::OceanBase(system) => system.drop_session(),
            Self::Dump(system) => system.disconnect(),
        }
    }
}
