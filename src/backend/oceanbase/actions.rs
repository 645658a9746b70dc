//! Actions on OceanBase: statements are rendered, prepared with a new connection, and sent once.

use super::identity::VerifiedSession;
use super::release_profile::{BackupScope, ViewId};
use super::render::{Dialect, RunId};
use super::session::{Failure, WritingSession};
use super::statement::Statement;
use super::view_reader::FilterValue;
use super::{OceanBase, render, rows};
use crate::backend::system::{DialectKey, Execution, PreparedAction};
use crate::domain::facts::Scope;
use crate::domain::fault::{Cause, Fault};
use crate::domain::plan::{Action, Plan, StatementSecrets, TargetPlan};
use crate::domain::target::TargetName;
use crate::domain::task::{PreviewStep, ServerConnection};

/// Rendered statements and the one connection that sends them; if it breaks, the attempt ends.
pub struct PendingStatements {
    pub(super) session: WritingSession,
    pub(super) statements: Vec<Statement>,
    /// The target of a storage proof; `None` for other statements.
    pub(super) looks_for: Option<TargetName>,
}

impl PreparedAction {
    /// Returns the prepared storage proof of a target.
    pub(super) fn looking(session: WritingSession, statements: Vec<Statement>, target: TargetName) -> Self {
        Self {
            shown_statements: statements.iter().map(ToString::to_string).collect(),
            confirmed_statements: Some(statements.iter().map(Statement::as_confirmed).collect()),
            description: None,
            highest_job: None,
            connection: None,
            server: session.endpoint.clone(),
            server_limit_ms: session.server_limit(),
            execution: Execution::Statements(Box::new(PendingStatements {
                session,
                statements,
                looks_for: Some(target),
            })),
        }
    }
}

impl OceanBase {
    /// Renders the steps of a plan for the first attempt.
    ///
    /// # Errors
    /// The release cannot be read from the server, or its profile has no statement for an action.
    pub async fn preview(&mut self, plan: &Plan, task: &str) -> Result<Vec<PreviewStep>, Fault> {
        if self.detected.is_none() {
            self.ensure_session().await?;
        }
        render::render_plan(self.words()?, plan, task, 1)
    }

    /// Returns what decides how statements are written: the profile of the connected server and the scope of the login.
    #[must_use]
    pub fn wording(&self) -> Option<DialectKey> {
        let words = self.words().ok()?;
        Some(DialectKey { profile_name: &words.profile.name, scope: words.scope })
    }

    /// Checks that every statement of a plan can be rendered with the available secrets.
    ///
    /// # Errors
    /// A secret is missing, or no statement can carry it.
    pub fn can_send(&self, plan: &Plan, task: &str, attempt: u32) -> Result<(), Fault> {
        let carried = StatementSecrets {
            access_key: self.secrets.access_key.as_ref(),
            encryption: self.secrets.encryption.as_ref(),
            decryption: &self.secrets.decryption,
        };
        plan.can_carry(carried)?;
        let words = self.words()?;
        for target in &plan.targets {
            let of = RunId { task, attempt, part: target.part };
            for action in target.steps.iter().flat_map(|step| &step.actions) {
                for statement in render::render_action(words, action, &[&target.tenant.name], of)? {
                    statement.wire_text(&self.secrets)?;
                }
            }
        }
        Ok(())
    }

    /// Renders an action and opens the connection that will send it.
    ///
    /// # Errors
    /// Nothing was sent: the profile has no statement, or the connection failed.
    pub async fn open_act(
        &mut self,
        action: &Action,
        group: &[TargetPlan],
        task: &str,
        attempt: u32,
    ) -> Result<PreparedAction, Fault> {
        self.ensure_session().await?;
        let home = self.home()?;
        if home.scope == Scope::Tenant && group.iter().any(|target| target.tenant.id != home.id) {
            return Err(self.internal_fault("a statement of one tenant for another"));
        }
        if let (Action::ProveOnStorage { .. }, [target]) = (action, group) {
            return self.open_proof(action, &target.target, task, attempt).await;
        }
        let tenants: Vec<&str> = group.iter().map(|target| target.tenant.name.as_str()).collect();
        let of = RunId { task, attempt, part: group.first().and_then(|target| target.part) };
        let statements = render::render_action(self.words()?, action, &tenants, of)?;
        let starts = matches!(action, Action::StartBackup { .. });
        let highest_job = match action {
            Action::StartBackup { .. } => self.highest_job().await?,
            Action::Compact => self.frozen_version().await?,
            _ => None,
        };
        let mut session = self.open_verified_session().await?;
        session.allow(self.line()?.action_timeout_factor).await?;
        let connection = if starts { self.listed_connection(session.id).await } else { None };
        Ok(PreparedAction {
            shown_statements: statements.iter().map(ToString::to_string).collect(),
            confirmed_statements: None,
            description: (starts && self.line()?.jobs_carry_description()).then(|| of.description()),
            highest_job,
            connection,
            server: session.endpoint.clone(),
            server_limit_ms: session.server_limit(),
            execution: Execution::Statements(Box::new(PendingStatements { session, statements, looks_for: None })),
        })
    }

    /// Sends the statements in order, up to the first failure.
    ///
    /// # Errors
    /// The refusal, or that no answer came.
    pub async fn perform(&mut self, mut act: PendingStatements) -> Result<(), Failure> {
        if let Some(target) = &act.looks_for {
            self.send_proof(&mut act.session, &act.statements, target).await?;
            self.look_session = Some(act.session);
            return Ok(());
        }
        for statement in &act.statements {
            act.session.send(statement, &self.secrets).await?;
        }
        Ok(())
    }

    /// Returns the release profile and the scope of this login.
    pub(super) fn words(&self) -> Result<Dialect<'static>, Fault> {
        Ok(Dialect { profile: self.line()?, scope: self.home()?.scope })
    }

    /// Opens the one connection of an action to the confirmed cluster. A tenant's own statement names no tenant, so the
    /// connection must be of that tenant.
    pub(super) async fn open_verified_session(&self) -> Result<WritingSession, Fault> {
        let VerifiedSession { session, home: here, .. } = self.connect_verified().await?;
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
        if let BackupScope::PerCluster(_) = self.line()?.backup_scope {
            return self.highest_set().await;
        }
        let running = self.running_jobs().await?;
        // Every tenant numbers its own jobs; the jobs of this login are numbered in its own tenant.
        let own = ("TENANT_ID", vec![FilterValue::Number(self.home()?.id)]);
        let ended = self.read(ViewId::JobHistory, &[own], "JOB_ID DESC").await?;
        let ended = ended.first().map(rows::job).transpose()?;
        Ok(running.iter().chain(&ended).map(|job| job.job_id).max())
    }

    /// Returns the connection's id, if the servers list it. Behind a proxy they may not, and then its absence later proves
    /// nothing.
    async fn listed_connection(&mut self, id: u64) -> Option<ServerConnection> {
        let rows = self.read(ViewId::Connections, &[("ID", vec![FilterValue::Number(id)])], "").await.ok()?;
        rows.first().map(|row| ServerConnection { id, server: rows::server(row) })
    }
}
