//! Attaching to a backup that somebody else started: a task whose plan is only "wait" and "confirm restorable".

use crate::domain::facts::Facts;
use crate::domain::fault::{Cause, Fault};
use crate::domain::plan;
use crate::domain::target::TargetName;
use crate::domain::task::Prepared;

use super::prepare::prepare_plan;

/// Prepares a task that waits for the job running on a tenant, or below V4 on the cluster.
///
/// # Errors
/// No job runs there, it is no tenant of this cluster, or it is a cluster whose tenants each have a job of their own.
pub fn prepare(facts: &Facts, target: &TargetName, task: &str) -> Result<Prepared, Fault> {
    let plan = plan::attach(facts, target).ok_or_else(|| {
        // On V4 a cluster has no job of its own, and below it a tenant need not be named.
        let next = if target.tenant().is_none() && facts.cluster.cluster_backup.is_none() {
            "Name a tenant as cluster/tenant; see what runs with: obnow tasks."
        } else {
            "See what runs with: obnow tasks."
        };
        Fault::new(
            Cause::Usage,
            format!("There is nothing to watch on {target}."),
            "No task of this host is about it, and the server shows no backup of it that runs.",
            next,
        )
    })?;
    prepare_plan(facts, plan, task)
}
