//! A plan that would set a directory in which the server lists something has to have seen it: its Test comes before the plan.

use std::collections::BTreeSet;

use super::{Say, test_storage};
use crate::app::hand_over::Purse;
use crate::app::prepare::prepare;
use crate::app::test::subjects::{self, Subject};
use crate::app::{Room, purse};
use crate::domain::choices::Choices;
use crate::domain::facts::Facts;
use crate::domain::fault::Fault;
use crate::domain::plan::Refusal;
use crate::domain::preflight::{Check, CheckId, is_unseen};
use crate::domain::task::Prepared;

/// What was seen for a plan.
pub(super) struct Looked {
    /// The choices with it.
    choices: Choices,
    /// The secrets that the Tests needed: they are read once.
    purse: Purse,
    /// No Test failed, but for what is overridden.
    passed: bool,
}

/// The plan; where it waits for a Test of what it would set, and something may be tested, after that.
///
/// # Errors
/// A secret cannot be had.
pub(super) async fn plan(
    room: &Room,
    say: &Say,
    facts: &Facts,
    (choices, id): (&Choices, &str),
    (looked, may_test): (&mut Option<Looked>, bool),
) -> Result<Result<Prepared, Box<Refusal>>, Fault> {
    let made = prepare(facts, choices, id);
    if !may_test || !is_awaited(&made) {
        return Ok(made);
    }
    if looked.is_none() {
        *looked = Box::pin(look(room, say, facts, (choices, id))).await?;
    }
    Ok(looked.as_ref().map_or(made, |looked| prepare(facts, &looked.choices, id)))
}

/// The secrets of a plan: those of its Tests where there were any.
///
/// # Errors
/// A secret cannot be had, or no statement can carry it.
pub(super) async fn purse(
    room: &Room,
    prepared: &Prepared,
    (looked, may_begin): (Option<&Looked>, bool),
) -> Result<Purse, Fault> {
    match looked {
        Some(looked) => Ok(looked.purse.clone()),
        None => purse::of_plan(room, room.cluster(&prepared.plan.cluster.name)?, prepared, may_begin).await,
    }
}

/// Whether the directories of a plan pass their Tests, which are made where none were made for the plan.
///
/// # Errors
/// The Tests cannot be made.
pub(super) async fn passes(
    say: &Say,
    looked: Option<&Looked>,
    subjects: Vec<Subject>,
    (purse, skip): (&Purse, &BTreeSet<CheckId>),
) -> Result<bool, Fault> {
    match looked {
        Some(looked) => Ok(looked.passed),
        None => Ok(Box::pin(test_storage::of_plan(say, subjects, purse, skip)).await?.passed),
    }
}

/// Whether a plan, or its refusal, waits for a Test.
fn is_awaited(made: &Result<Prepared, Box<Refusal>>) -> bool {
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
async fn look(room: &Room, say: &Say, facts: &Facts, (choices, id): (&Choices, &str)) -> Result<Option<Looked>, Fault> {
    let mut unproven = choices.clone();
    unproven.skip.insert(CheckId::DestinationProven);
    let Ok(draft) = prepare(facts, &unproven, id) else { return Ok(None) };
    let cluster = room.cluster(facts.cluster.name())?;
    let purse = purse::to_begin(room, cluster, &draft, purse::Given::default()).await?;
    let tests = test_storage::of_plan(say, subjects::of_plan(facts, cluster, &draft), &purse, &choices.skip).await?;
    let choices = Choices { seen: tests.seen, ..choices.clone() };
    Ok(Some(Looked { choices, purse, passed: tests.passed }))
}
