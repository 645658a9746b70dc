//! Attaching to a backup that somebody else started: a task whose plan is only "wait" and "confirm restorable".

use crate::domain::facts::Facts;
use crate::domain::fault::{Cause, Fault};
use crate::domain::plan;
use crate::domain::target::TargetName;
use crate::domain::task::Prepared;

use super::prepare::prepared;

/// The task that watches the job running on a tenant.
///
/// # Errors
/// No job runs there, or it is no tenant of this cluster.
pub fn prepare(facts: &Facts, target: &TargetName, task: &str) -> Result<Prepared, Fault> {
    let tenant = target.tenant().and_then(|name| facts.tenant(name));
    let plan = tenant.and_then(|tenant| plan::attach(facts, tenant)).ok_or_else(|| {
        Fault::new(
            Cause::Usage,
            format!("There is nothing to watch on {target}."),
            "No task of this host is about it, and the server shows no backup of it that runs.",
            "Name a tenant as cluster/tenant; see what runs with: obnow tasks.",
        )
    })?;
    prepared(facts, plan, task)
}
