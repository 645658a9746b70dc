//! Acts on OceanBase: rendered, opened over one fresh connection, and sent once.

use super::identity::Met;
use super::line::{Jobs, ViewId};
use super::read::Is;
use super::render::Words;
use super::session::{Failure, Session};
use super::statement::Statement;
use super::{OceanBase, render, rows};
use crate::backend::Run;
use crate::backend::system::{Act, Doing};
use crate::domain::facts::{JobFacts, Scope};
use crate::domain::fault::{Cause, Fault};
use crate::domain::plan::{Action, Carried, Plan, TargetPlan};
use crate::domain::task::{PreviewStep, ServerConnection};

/// Statements and the one connection they go over; a break ends the attempt.
pub struct PendingAct {
    session: Session,
    statements: Vec<Statement>,
}

impl OceanBase {
    /// What is shown of a plan: rendered for the first attempt.
    ///
    /// # Errors
    /// The server cannot be asked for its line, or the line has no words for an action.
    pub async fn preview(&mut self, plan: &Plan, task: &str) -> Result<Vec<PreviewStep>, Fault> {
        if self.detected.is_none() {
            self.ensure_session().await?;
        }
        render::preview(self.words()?, plan, task, 1)
    }

    /// Whether every statement of a plan can be made with the secrets that are here.
    ///
    /// # Errors
    /// A secret is missing, or no statement can carry it.
    pub fn can_send(&self, plan: &Plan, task: &str, attempt: u32) -> Result<(), Fault> {
        let carried =
            Carried { access_key: self.secrets.access_key.as_ref(), encryption: self.secrets.encryption.as_ref() };
        plan.can_carry(carried)?;
        let words = self.words()?;
        for target in &plan.targets {
            for action in target.steps.iter().flat_map(|step| &step.actions) {
                for statement in render::action(words, action, &[&target.tenant.name], task, attempt)? {
                    statement.wire_text(&self.secrets)?;
                }
            }
        }
        Ok(())
    }

    /// Renders an act and opens the connection it will go over.
    ///
    /// # Errors
    /// Nothing was sent: the line has no words, or the connection does not come about.
    pub async fn open_act(
        &mut self,
        action: &Action,
        group: &[TargetPlan],
        task: &str,
        attempt: u32,
    ) -> Result<Act, Fault> {
        self.ensure_session().await?;
        let home = self.home()?;
        if home.scope == Scope::Tenant && group.iter().any(|target| target.tenant.id != home.id) {
            return Err(self.internal("a statement of one tenant for another"));
        }
        let tenants: Vec<&str> = group.iter().map(|target| target.tenant.name.as_str()).collect();
        let statements = render::action(self.words()?, action, &tenants, task, attempt)?;
        let starts = matches!(action, Action::StartBackup { .. });
        let highest_job = match action {
            Action::StartBackup { .. } => self.highest_job().await?,
            Action::Compact => self.frozen_version().await?,
            _ => None,
        };
        let mut session = self.fresh_session().await?;
        session.allow(self.line()?.act_times).await?;
        let connection = if starts { self.listed(session.id).await } else { None };
        Ok(Act {
            shown: statements.iter().map(ToString::to_string).collect(),
            description: (starts && self.line()?.marks_jobs()).then(|| render::description(task, attempt)),
            highest_job,
            connection,
            server: session.endpoint.clone(),
            server_limit: session.server_limit(),
            doing: Doing::Statements(Box::new(PendingAct { session, statements })),
        })
    }

    /// Sends the statements, in order; the first failure ends it.
    ///
    /// # Errors
    /// The refusal, or that no answer came.
    pub async fn perform(&mut self, mut act: PendingAct) -> Result<(), Failure> {
        for statement in &act.statements {
            act.session.send(statement, &self.secrets).await?;
        }
        Ok(())
    }

    /// Makes the CANCEL BACKUP ready that ends this task's own jobs; None when none of them runs. Only tenants whose running
    /// job carries this task's marker are named.
    ///
    /// # Errors
    /// Nothing was sent, and why.
    pub async fn open_cancel(&mut self, run: &Run<'_>, targets: &[&TargetPlan]) -> Result<Option<Act>, Fault> {
        self.ensure_session().await?;
        let tenants = match self.line()?.jobs {
            Jobs::OfEachTenant => self.cancellable(run, targets).await?,
            Jobs::OfTheCluster(_) => self.cancellable_set(run, targets).await?,
        };
        if tenants.is_empty() {
            return Ok(None);
        }
        let statements = vec![render::cancel(self.words()?, &tenants)?];
        let mut session = self.fresh_session().await?;
        session.allow(self.line()?.act_times).await?;
        Ok(Some(Act {
            shown: statements.iter().map(ToString::to_string).collect(),
            description: None,
            highest_job: None,
            connection: None,
            server: session.endpoint.clone(),
            server_limit: session.server_limit(),
            doing: Doing::Statements(Box::new(PendingAct { session, statements })),
        }))
    }

    /// The tenants whose running job is this task's own, or the one it was attached to.
    async fn cancellable<'a>(&mut self, run: &Run<'_>, targets: &[&'a TargetPlan]) -> Result<Vec<&'a str>, Fault> {
        let jobs = self.running_jobs().await?;
        let mark = format!("{}{}.", JobFacts::MARK, run.task);
        let ours = |job: &JobFacts| job.is_live() && job.description.starts_with(&mark);
        let parents: Vec<u64> =
            jobs.iter().filter(|job| job.tenant_id == 1 && ours(job)).map(|job| job.job_id).collect();
        let is_our_child = |job: &JobFacts| {
            job.initiator_tenant_id == 1 && job.initiator_job_id.is_some_and(|parent| parents.contains(&parent))
        };
        Ok(targets
            .iter()
            .filter(|target| {
                // A job that was attached to is named by its id: nobody's mark but its owner's is on it.
                let attached = target.attached.as_ref().and_then(|_| run.job(&target.target));
                let parent = target.attached.as_ref().and_then(|attached| attached.parent);
                jobs.iter().filter(|job| job.is_live() && job.status != "CANCELING").any(|job| {
                    let own = job.tenant_id == target.tenant.id;
                    let meant = ours(job) || is_our_child(job) || Some(job.job_id) == attached;
                    let is_parent = job.tenant_id == 1 && attached.is_none() && Some(job.job_id) == parent;
                    (own && meant) || is_parent
                })
            })
            .map(|target| target.tenant.name.as_str())
            .collect())
    }

    /// The words of this login's line, as it says them.
    fn words(&self) -> Result<Words<'static>, Fault> {
        Ok(Words { line: self.line()?, scope: self.home()?.scope })
    }

    /// The one connection of an act, to whoever was confirmed. A tenant's own form names no tenant: it must be that tenant's
    /// connection.
    async fn fresh_session(&self) -> Result<Session, Fault> {
        let Met { session, home: here, .. } = self.meet().await?;
        let home = self.home()?;
        let Some(here) = here.filter(|here| here != home) else { return Ok(session) };
        Err(Fault::new(
            Cause::Precondition,
            format!("{} is not the tenant that was looked at.", session.endpoint),
            format!(
                "{} is logged in to {} ({}) there, not to {} ({}).",
                self.connection.user, here.name, here.id, home.name, home.id
            ),
            "Check the endpoints and the user of this cluster in the inventory.",
        ))
    }

    async fn highest_job(&mut self) -> Result<Option<u64>, Fault> {
        if let Jobs::OfTheCluster(_) = self.line()?.jobs {
            return self.highest_set().await;
        }
        let running = self.running_jobs().await?;
        // Every tenant counts its own jobs; what this login starts is counted where it is logged in.
        let own = ("TENANT_ID", vec![Is::Number(self.home()?.id)]);
        let ended = self.read(ViewId::JobHistory, &[own], "JOB_ID DESC").await?;
        let ended = ended.first().map(rows::job);
        Ok(running.iter().chain(&ended).map(|job| job.job_id).max())
    }

    /// The connection's id, if the servers list it under that id. Behind a proxy they may not, and then its absence later
    /// proves nothing.
    async fn listed(&mut self, id: u64) -> Option<ServerConnection> {
        let rows = self.read(ViewId::Connections, &[("ID", vec![Is::Number(id)])], "").await.ok()?;
        rows.first().map(|row| ServerConnection { id, server: rows::server(row) })
    }
}
