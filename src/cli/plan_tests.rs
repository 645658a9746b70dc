//! What a plan needs to know of the directories that it would set comes before the plan: by a Test, or by a look where nothing
//! starts.

use std::collections::BTreeSet;

use super::{Output, test_storage};
use crate::app::launch::TaskSecrets;
use crate::app::prepare::prepare;
use crate::app::storage_check::inspection;
use crate::app::storage_check::subjects::{self, TestSubject};
use crate::app::{AppContext, task_secrets};
use crate::domain::choices::Choices;
use crate::domain::facts::{Facts, TenantFacts, TenantKind};
use crate::domain::fault::Fault;
use crate::domain::plan::{Refusal, moves_unproven_binding};
use crate::domain::preflight::{CheckId, is_unseen};
use crate::domain::target::TargetName;
use crate::domain::task::Prepared;

/// What was found in the directories of a plan.
pub(super) struct DirectoryFindings {
    /// The choices with it.
    choices: Choices,
    /// What came of its Tests; None: it was only looked.
    tested: Option<TestOutcome>,
}

struct TestOutcome {
    /// The secrets that the Tests needed: they are read once.
    secrets: TaskSecrets,
    /// No Test failed, but for what is overridden.
    passed: bool,
}

/// The plan, made again after what it needs to know of its directories is known.
///
/// # Errors
/// A secret cannot be had.
pub(super) async fn plan_with_findings(
    context: &AppContext,
    say: &Output,
    facts: &Facts,
    (choices, id): (&Choices, &str),
    (looked, may_test): (&mut Option<DirectoryFindings>, bool),
) -> Result<Result<Prepared, Box<Refusal>>, Fault> {
    let made = prepare(facts, choices, id);
    if looked.is_none() {
        *looked = if !may_test {
            Some(inspect_directories(context, facts, choices).await?)
        } else if needs_test(facts, &made) {
            Box::pin(test_directories(context, say, facts, (choices, id))).await?
        } else {
            None
        };
    }
    Ok(looked.as_ref().map_or(made, |looked| prepare(facts, &looked.choices, id)))
}

/// The secrets of a plan: those of its Tests where there were any.
///
/// # Errors
/// A secret cannot be had, or no statement can carry it.
pub(super) async fn secrets(
    context: &AppContext,
    prepared: &Prepared,
    (looked, may_begin): (Option<&DirectoryFindings>, bool),
) -> Result<TaskSecrets, Fault> {
    match looked.and_then(|looked| looked.tested.as_ref()) {
        Some(tested) => Ok(tested.secrets.clone()),
        None => {
            task_secrets::for_plan(context, context.cluster(&prepared.plan.cluster.name)?, prepared, may_begin).await
        }
    }
}

/// Whether the directories of a plan pass their Tests, which are made where none were made for the plan.
///
/// # Errors
/// The Tests cannot be made.
pub(super) async fn passes(
    say: &Output,
    looked: Option<&DirectoryFindings>,
    subjects: Vec<TestSubject>,
    (secrets, skip): (&TaskSecrets, &BTreeSet<CheckId>),
) -> Result<bool, Fault> {
    match looked.and_then(|looked| looked.tested.as_ref()) {
        Some(tested) => Ok(tested.passed),
        None => Ok(Box::pin(test_storage::test_plan(say, subjects, secrets, skip)).await?.passed),
    }
}

/// Whether a Test decides about a plan or its refusal: something is listed in what it sets, or an archive that is Mandatory
/// moves.
fn needs_test(facts: &Facts, made: &Result<Prepared, Box<Refusal>>) -> bool {
    match made {
        Ok(prepared) => prepared.plan.checks.iter().any(is_unseen) || moves_unproven_binding(facts, &prepared.plan),
        Err(refusal) => refusal.checks.iter().any(is_unseen),
    }
}

/// Tests what the plan would set. None: there would be no plan whatever a Test says.
///
/// # Errors
/// A secret cannot be had.
async fn test_directories(
    context: &AppContext,
    say: &Output,
    facts: &Facts,
    (choices, id): (&Choices, &str),
) -> Result<Option<DirectoryFindings>, Fault> {
    let mut unproven = choices.clone();
    unproven.skip.insert(CheckId::DestinationProven);
    let Ok(draft) = prepare(facts, &unproven, id) else { return Ok(None) };
    let cluster = context.cluster(facts.cluster.name())?;
    let secrets = task_secrets::for_start(context, cluster, &draft, task_secrets::SecretOverrides::default()).await?;
    let tests =
        test_storage::test_plan(say, subjects::from_plan(facts, cluster, &draft), &secrets, &choices.skip).await?;
    let choices = Choices { seen: tests.seen, proven_archives: tests.proven_archives, ..choices.clone() };
    Ok(Some(DirectoryFindings { choices, tested: Some(TestOutcome { secrets, passed: tests.passed }) }))
}

/// Looks into what a backup of the targets would set, without writing.
async fn inspect_directories(
    context: &AppContext,
    facts: &Facts,
    choices: &Choices,
) -> Result<DirectoryFindings, Fault> {
    let asked = |tenant: &&TenantFacts| {
        let whole = |target: &TargetName| target.tenant().is_none() || *target == facts.target(tenant);
        tenant.kind == TenantKind::User && choices.targets.iter().any(whole)
    };
    let tenants: Vec<&TenantFacts> = facts.tenants.iter().filter(asked).collect();
    let looks = inspection::inspect_directories(context, facts, &tenants, choices).await?;
    Ok(DirectoryFindings { choices: Choices { seen: looks.seen, ..choices.clone() }, tested: None })
}
