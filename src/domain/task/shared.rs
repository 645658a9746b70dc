//! The serialised form of a plan's steps: long statements that several targets share are written once, with the first of them.
//! Otherwise a text would grow by the length of a statement for each tenant that the statement names.

use std::collections::BTreeMap;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::PreviewStep;
use crate::domain::step::StepKind;
use crate::domain::target::TargetName;

/// The length, in bytes, up to which statements are written with every target: only those for many tenants make a text long.
const SHORT: usize = 1_000;

/// Returns the steps in their order, each with the earlier target whose step of the same kind has the same statements. None:
/// the statements are written with the step itself.
pub fn shared(steps: &[PreviewStep]) -> impl Iterator<Item = (&PreviewStep, Option<&TargetName>)> {
    let mut first: BTreeMap<(StepKind, &[String]), &TargetName> = BTreeMap::new();
    steps.iter().map(move |step| {
        if step.statements.iter().map(String::len).sum::<usize>() <= SHORT {
            return (step, None);
        }
        let owner = *first.entry((step.step, &step.statements)).or_insert(&step.target);
        (step, (*owner != step.target).then_some(owner))
    })
}

/// Gives every step its statements; each step is read with the target that has them, where that is another one.
///
/// # Errors
/// The target that has no such step before it.
pub fn unshared(written: Vec<(PreviewStep, Option<TargetName>)>) -> Result<Vec<PreviewStep>, TargetName> {
    let mut first: BTreeMap<(StepKind, TargetName), Vec<String>> = BTreeMap::new();
    let mut steps = Vec::with_capacity(written.len());
    for (mut step, owner) in written {
        match owner {
            Some(owner) => {
                let key = (step.step, owner);
                let Some(statements) = first.get(&key) else { return Err(key.1) };
                step.statements.clone_from(statements);
            }
            None if step.statements.is_empty() => {}
            None => {
                first.insert((step.step, step.target.clone()), step.statements.clone());
            }
        }
        steps.push(step);
    }
    Ok(steps)
}

/// A step as a journal stores it.
#[derive(Serialize, Deserialize)]
struct Written {
    target: TargetName,
    step: StepKind,
    needed: bool,
    statements: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    statements_of: Option<TargetName>,
    effect: String,
    interrupts: String,
}

/// Serialises the steps, for `#[serde(with)]`.
pub(super) fn serialize<S: Serializer>(steps: &[PreviewStep], to: S) -> Result<S::Ok, S::Error> {
    to.collect_seq(shared(steps).map(|(step, owner)| Written {
        target: step.target.clone(),
        step: step.step,
        needed: step.needed,
        statements: if owner.is_some() { Vec::new() } else { step.statements.clone() },
        statements_of: owner.cloned(),
        effect: step.effect.clone(),
        interrupts: step.interrupts.clone(),
    }))
}

/// Deserialises the steps, for `#[serde(with)]`; also steps that have all their statements, as older releases wrote them.
pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<PreviewStep>, D::Error> {
    let written = Vec::<Written>::deserialize(from)?.into_iter().map(|step| {
        let Written { target, step, needed, statements, statements_of, effect, interrupts } = step;
        (PreviewStep { target, step, needed, statements, effect, interrupts }, statements_of)
    });
    unshared(written.collect()).map_err(|owner| D::Error::custom(format!("{owner} has no statements of that step")))
}
