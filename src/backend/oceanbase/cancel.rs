//! Prepares a cancel on OceanBase: CANCEL BACKUP ends every job of the named tenants, whoever started it, and succeeds without
//! effect while a tenant has none (V4.3.1 source, `ObBackupDataScheduler::cancel_backup_data`). So the jobs are looked up first.

use super::jobs::is_for;
use super::release_profile::BackupScope;
use super::{OceanBase, PendingStatements, render};
use crate::backend::StepContext;
use crate::backend::system::{CancelDecision, Execution, PreparedAction};
use crate::domain::facts::JobFacts;
use crate::domain::fault::Fault;
use crate::domain::plan::TargetPlan;

/// The tenants and jobs that a CANCEL BACKUP would affect now.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct CancelScope {
    /// Tenants it has to name.
    pub(super) tenants: Vec<String>,
    /// Jobs that it ends, as tenant id and job id.
    pub(super) jobs: Vec<(u64, u64)>,
    /// Tenants whose own job does not exist yet, only the parent job of sys.
    pub(super) awaited: Vec<String>,
    /// A job of someone else that it would end too.
    pub(super) another: Option<String>,
}

impl OceanBase {
    /// Prepares the CANCEL BACKUP that ends this task's own jobs, or the job it is attached to.
    ///
    /// # Errors
    /// Nothing was sent, and why.
    pub async fn open_cancel(
        &mut self,
        run: &StepContext<'_>,
        targets: &[&TargetPlan],
        hit: &[(u64, u64)],
    ) -> Result<CancelDecision, Fault> {
        self.ensure_session().await?;
        let aim = match self.line()?.backup_scope {
            BackupScope::PerTenant => aim(&self.running_jobs().await?, run, targets, hit),
            BackupScope::PerCluster(_) => self.cancel_scope_of_set(run, targets).await?,
        };
        if let Some(another) = aim.another {
            return Ok(CancelDecision::WouldHitOtherJob(another));
        }
        if aim.tenants.is_empty() {
            return Ok(match aim.awaited.as_slice() {
                [] => CancelDecision::NothingToCancel,
                awaited => CancelDecision::NotYetRunning(format!("the job of {}", awaited.join(", "))),
            });
        }
        let names: Vec<&str> = aim.tenants.iter().map(String::as_str).collect();
        let statements = vec![render::render_cancel(self.words()?, &names)?];
        let mut session = self.open_verified_session().await?;
        session.allow(self.line()?.action_timeout_factor).await?;
        let act = PreparedAction {
            shown_statements: statements.iter().map(ToString::to_string).collect(),
            confirmed_statements: None,
            description: None,
            highest_job: None,
            connection: None,
            server: session.endpoint.clone(),
            server_limit_ms: session.server_limit(),
            execution: Execution::Statements(Box::new(PendingStatements { session, statements, looks_for: None })),
        };
        Ok(CancelDecision::Send(Box::new(act), aim.jobs))
    }
}

/// Finds among the running jobs those that a CANCEL BACKUP of this task is to end: jobs that carry its marker, or the job it is
/// attached to.
pub(super) fn aim(
    jobs: &[JobFacts],
    run: &StepContext<'_>,
    targets: &[&TargetPlan],
    hit: &[(u64, u64)],
) -> CancelScope {
    let mark = format!("{}{}.", JobFacts::MARK, run.task);
    let ours = |job: &JobFacts| job.is_live() && job.description.starts_with(&mark);
    let mut parents: Vec<u64> =
        jobs.iter().filter(|job| job.tenant_id == 1 && ours(job)).map(|job| job.job_id).collect();
    parents.extend(targets.iter().filter_map(|target| target.attached.as_ref()?.parent));
    let mut aim = CancelScope::default();
    for target in targets {
        let tenant = target.tenant.id;
        // An attached job is known by its id: it carries the marker of its owner.
        let attached = target.attached.as_ref().and_then(|_| run.job_id(&target.target));
        let is_child = |job: &JobFacts| {
            job.initiator_tenant_id == 1 && job.initiator_job_id.is_some_and(|parent| parents.contains(&parent))
        };
        let own: Vec<&JobFacts> = jobs.iter().filter(|job| job.is_live() && job.tenant_id == tenant).collect();
        let meant = |job: &&&JobFacts| ours(job) || is_child(job) || Some(job.job_id) == attached;
        let open: Vec<&JobFacts> = own.iter().filter(meant).filter(|job| job.status != "CANCELING").copied().collect();
        let waits = |job: &&JobFacts| {
            job.tenant_id == 1 && job.is_live() && parents.contains(&job.job_id) && is_for(job, tenant)
        };
        if !open.is_empty() {
            let foreign = own.iter().filter(|job| !meant(job) && job.status != "CANCELING");
            // For the first statement everything that ran was confirmed; a repeat was not confirmed for other jobs.
            let mut foreign = foreign.filter(|job| !hit.is_empty() && !hit.contains(&(tenant, job.job_id)));
            if let Some(job) = foreign.next() {
                aim.another = Some(format!("job {} of {}, started by {}", job.job_id, target.tenant.name, job.owner()));
            }
            aim.tenants.push(target.tenant.name.clone());
            let hits = own.iter().filter(|job| job.status != "CANCELING");
            aim.jobs.extend(hits.map(|job| (tenant, job.job_id)));
        } else if !own.iter().any(|job| meant(&job)) && jobs.iter().any(|job| waits(&job)) {
            aim.awaited.push(target.tenant.name.clone());
        }
    }
    aim
}

#[cfg(test)]
mod tests;
