//! A plan that would set a directory in which the server lists something has to have seen it: its Test comes before the plan.

use super::{Say, test_storage};
use crate::app::hand_over::Purse;
use crate::app::prepare::prepare;
use crate::app::test::subjects;
use crate::app::{Room, purse};
use crate::config::inventory::Cluster;
use crate::domain::choices::Choices;
use crate::domain::facts::Facts;
use crate::domain::fault::Fault;
use crate::domain::plan::Refusal;
use crate::domain::preflight::{Check, CheckId, is_unseen};
use crate::domain::task::Prepared;

/// What was seen for a plan.
pub(super) struct Looked {
    /// The choices with it.
    pub(super) choices: Choices,
    /// The secrets that the Tests needed: they are read once.
    pub(super) purse: Purse,
    /// No Test failed, but for what is overridden.
    pub(super) passed: bool,
}

/// Whether a plan, or its refusal, waits for a Test.
pub(super) fn is_awaited(made: &Result<Prepared, Box<Refusal>>) -> bool {
    let checks: &[Check] = match made {
        Ok(prepared) => &prepared.plan.checks,
        Err(refusal) => &refusal.checks,
    };
    checks.iter().any(is_unseen)
}

/// Tests what the plan would set. None: there would be no plan whatever a Test says.
///
/// # Errors
/// A secret cannot be had.
pub(super) async fn look(
    room: &Room,
    say: &Say,
    cluster: &Cluster,
    facts: &Facts,
    (choices, id): (&Choices, &str),
) -> Result<Option<Looked>, Fault> {
    let mut unproven = choices.clone();
    unproven.skip.insert(CheckId::DestinationProven);
    let Ok(draft) = prepare(facts, &unproven, id) else { return Ok(None) };
    let purse = purse::to_begin(room, cluster, &draft, purse::Given::default()).await?;
    let tests = test_storage::of_plan(say, subjects::of_plan(facts, cluster, &draft), &purse, &choices.skip).await?;
    let choices = Choices { seen: tests.seen, ..choices.clone() };
    Ok(Some(Looked { choices, purse, passed: tests.passed }))
}
