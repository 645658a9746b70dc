//! The plan together with what is shown of it, and the digest that is confirmed. No I/O: facts in, prepared task out.

use crate::backend::dump;
use crate::backend::oceanbase;
use crate::domain::choices::Choices;
use crate::domain::digest;
use crate::domain::facts::Facts;
use crate::domain::fault::{Cause, Fault};
use crate::domain::plan::{Plan, Refusal, plan};
use crate::domain::task::{Prepared, PreviewStep};
use crate::domain::version::Method;

/// Makes the plan and renders it.
///
/// # Errors
/// The plan's refusal, or a line that has no words for it.
pub fn prepare(facts: &Facts, choices: &Choices, task: &str) -> Result<Prepared, Box<Refusal>> {
    let plan = plan(facts, choices)?;
    let (checks, left_out) = (plan.checks.clone(), plan.left_out.clone());
    prepare_plan(facts, plan, task).map_err(|fault| Box::new(Refusal { fault, checks, left_out }))
}

/// Adds to a plan the steps that are shown, and the digest.
///
/// # Errors
/// The line has no words for it.
pub(super) fn prepare_plan(facts: &Facts, plan: Plan, task: &str) -> Result<Prepared, Fault> {
    let preview = preview_steps(facts, &plan, task)?;
    // All that was shown and all that it was made from.
    let digest = digest::digest_of(&serde_json::to_vec(&(&plan, &preview)).unwrap_or_default());
    Ok(Prepared { task: task.to_owned(), plan, preview, digest })
}

fn preview_steps(facts: &Facts, plan: &Plan, task: &str) -> Result<Vec<PreviewStep>, Fault> {
    match plan.method {
        Method::Logical => dump::preview(facts, plan, task),
        Method::Physical => match oceanbase::ReleaseProfile::for_version(&facts.cluster.version) {
            Some(line) => {
                let words = oceanbase::Dialect { profile: line, scope: facts.cluster.scope };
                oceanbase::render_plan(words, plan, task, 1)
            }
            None => Err(Fault::new(
                Cause::Precondition,
                format!("{} cannot be backed up.", facts.cluster.target),
                format!("{} is no line obnow has words for.", facts.cluster.version),
                "Use a newer obnow.",
            )),
        },
    }
}
