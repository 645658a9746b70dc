//! A cancel on OceanBase: CANCEL BACKUP ends every job of the tenants it names, whoever started it, and hits nothing while a
//! tenant has none (V4.3.1 source, `ObBackupDataScheduler::cancel_backup_data`). So what it is to hit is looked for first.

use super::jobs::is_for;
use super::line::Jobs;
use super::{OceanBase, PendingAct, render};
use crate::backend::Run;
use crate::backend::system::{Act, Cancel, Doing};
use crate::domain::facts::JobFacts;
use crate::domain::fault::Fault;
use crate::domain::plan::TargetPlan;

/// What a CANCEL BACKUP would do now.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Aim {
    /// The tenants it has to name.
    pub(super) tenants: Vec<String>,
    /// The jobs it is for, each with its tenant.
    pub(super) jobs: Vec<(u64, u64)>,
    /// Of whose jobs only the one of sys is there yet.
    pub(super) awaited: Vec<String>,
    /// A job that nobody meant and that it would hit too.
    pub(super) another: Option<String>,
}

impl OceanBase {
    /// Makes the CANCEL BACKUP ready that ends this task's own jobs, or the one it was attached to.
    ///
    /// # Errors
    /// Nothing was sent, and why.
    pub async fn open_cancel(
        &mut self,
        run: &Run<'_>,
        targets: &[&TargetPlan],
        hit: &[(u64, u64)],
    ) -> Result<Cancel, Fault> {
        self.ensure_session().await?;
        let aim = match self.line()?.jobs {
            Jobs::OfEachTenant => aim(&self.running_jobs().await?, run, targets, hit),
            Jobs::OfTheCluster(_) => self.aim_at_set(run, targets).await?,
        };
        if let Some(another) = aim.another {
            return Ok(Cancel::Another(another));
        }
        if aim.tenants.is_empty() {
            return Ok(match aim.awaited.as_slice() {
                [] => Cancel::Nothing,
                awaited => Cancel::Awaits(format!("the job of {}", awaited.join(", "))),
            });
        }
        let names: Vec<&str> = aim.tenants.iter().map(String::as_str).collect();
        let statements = vec![render::cancel(self.words()?, &names)?];
        let mut session = self.fresh_session().await?;
        session.allow(self.line()?.act_times).await?;
        let act = Act {
            shown: statements.iter().map(ToString::to_string).collect(),
            planned: None,
            description: None,
            highest_job: None,
            connection: None,
            server: session.endpoint.clone(),
            server_limit: session.server_limit(),
            doing: Doing::Statements(Box::new(PendingAct { session, statements, looks_for: None })),
        };
        Ok(Cancel::Send(Box::new(act), aim.jobs))
    }
}

/// Whom a CANCEL BACKUP is for, among the running jobs: the tenants' jobs that carry this task's marker, or the one that was
/// attached to.
pub(super) fn aim(jobs: &[JobFacts], run: &Run<'_>, targets: &[&TargetPlan], hit: &[(u64, u64)]) -> Aim {
    let mark = format!("{}{}.", JobFacts::MARK, run.task);
    let ours = |job: &JobFacts| job.is_live() && job.description.starts_with(&mark);
    let mut parents: Vec<u64> =
        jobs.iter().filter(|job| job.tenant_id == 1 && ours(job)).map(|job| job.job_id).collect();
    parents.extend(targets.iter().filter_map(|target| target.attached.as_ref()?.parent));
    let mut aim = Aim::default();
    for target in targets {
        let tenant = target.tenant.id;
        // A job that was attached to is named by its id: nobody's mark but its owner's is on it.
        let attached = target.attached.as_ref().and_then(|_| run.job(&target.target));
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
            // The first statement was asked about with everything that ran then; a repeat is not.
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
