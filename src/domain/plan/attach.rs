//! The plan of a task that only watches a job that obnow did not start.

use super::{Attached, Plan, PlannedStep, TargetPlan, steps};
use crate::domain::choices::{Choices, Mode};
use crate::domain::cluster_backup::ClusterBackupFacts;
use crate::domain::facts::{Facts, JobFacts, TenantFacts, TenantKind};
use crate::domain::identity::ClusterIdentity;
use crate::domain::restorable::SetKind;
use crate::domain::step::StepKind;
use crate::domain::target::TargetName;

/// Returns the plan of a task that only watches the job that runs on a tenant or, below V4, on the cluster. It writes nothing.
/// `None` where no job runs, or where the target is neither.
#[must_use]
pub fn attach(facts: &Facts, target: &TargetName) -> Option<Plan> {
    let watched: Vec<&TenantFacts> = match (target.tenant(), &facts.cluster.cluster_backup) {
        (Some(name), _) => facts.tenant(name).into_iter().collect(),
        (None, Some(whole)) => members(facts, whole),
        // On V4 each tenant has a job of its own.
        (None, None) => Vec::new(),
    };
    let targets: Vec<TargetPlan> = watched.into_iter().filter_map(|tenant| target_plan(facts, tenant)).collect();
    let mode = targets.first()?.mode;
    let named = match &facts.cluster.cluster_backup {
        Some(_) => target.clone(),
        None => targets.first()?.target.clone(),
    };
    Some(Plan {
        cluster: ClusterIdentity::of(facts),
        method: facts.cluster.method,
        choices: Choices::new(vec![named], mode),
        is_per_cluster: facts.cluster.cluster_backup.is_some(),
        targets,
        left_out: Vec::new(),
        checks: Vec::new(),
    })
}

/// Returns the tenants that the cluster's running job covers.
fn members<'a>(facts: &'a Facts, whole: &ClusterBackupFacts) -> Vec<&'a TenantFacts> {
    let users = || facts.tenants.iter().filter(|tenant| tenant.kind == TenantKind::User);
    // A backup of some tenants goes to another directory, and covers only the tenants that have a part in it.
    let own = whole.destination().map(crate::domain::destination::Destination::uri_without_attributes);
    let elsewhere = |job: &JobFacts| !job.path.is_empty() && own.as_ref().is_some_and(|own| job.path != *own);
    let of_some = users().flat_map(|tenant| &tenant.running).any(elsewhere);
    let is_in = |tenant: &&TenantFacts| {
        let has_part = tenant.running.iter().any(|job| job.tenant_id == tenant.id);
        has_part || (!of_some && !tenant.in_recycle_bin && tenant.status == "NORMAL")
    };
    users().filter(is_in).collect()
}

fn target_plan(facts: &Facts, tenant: &TenantFacts) -> Option<TargetPlan> {
    let job = tenant.running.first()?;
    let own = tenant.running.iter().find(|job| job.tenant_id == tenant.id);
    let parent = tenant.running.iter().find(|job| job.tenant_id != tenant.id);
    let attached = Attached {
        job: own.map(|job| job.job_id),
        parent: parent.map(|job| job.job_id),
        owner: job.owner(),
        since: job.started.clone(),
    };
    Some(TargetPlan {
        target: facts.target(tenant),
        tenant: steps::identity(tenant),
        mode: if job.kind == SetKind::Full { Mode::Full } else { Mode::Incremental },
        steps: vec![PlannedStep::reads(StepKind::WaitForBackup), PlannedStep::reads(StepKind::ConfirmRestorable)],
        notes: vec![format!("The job was started by {}; obnow only watches it.", attached.owner)],
        attached: Some(attached),
        proof_why: Some("a task that only watches sends nothing".to_owned()),
        proof_needs: None,
        resumes_archive: false,
        part: None,
    })
}
