//! What differs between a plan as it was saved and the same plan now.

use crate::domain::plan::ExcludedTarget;
use crate::domain::step::StepKind;
use crate::domain::target::TargetName;
use crate::domain::task::PreviewStep;

/// The kind of a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// The statement would be sent now, and would not have been then.
    StatementAdded,
    /// The statement would have been sent then, and is not now.
    StatementRemoved,
    /// The step had something to do then, and has nothing to do now.
    NoLongerNeeded,
    /// The step had nothing to do then, and has something to do now.
    NowNeeded,
    /// The step sends the same statements, and its effect is another.
    OtherEffect,
    /// The step interrupts something that it did not interrupt then.
    NowInterrupts,
    /// The target was part of the plan, or unknown to it, and is left out now.
    NowLeftOut,
    /// The target was not part of the plan, and is backed up now.
    NowBackedUp,
    /// The target was part of the plan, and is neither planned nor left out now.
    NoLongerAsked,
    /// The target is left out as it was then, for another reason.
    OtherReason,
}

impl Change {
    /// Returns the word of JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::StatementAdded => "statement_added",
            Self::StatementRemoved => "statement_removed",
            Self::NoLongerNeeded => "no_longer_needed",
            Self::NowNeeded => "now_needed",
            Self::OtherEffect => "other_effect",
            Self::NowInterrupts => "now_interrupts",
            Self::NowLeftOut => "now_left_out",
            Self::NowBackedUp => "now_backed_up",
            Self::NoLongerAsked => "no_longer_asked",
            Self::OtherReason => "other_reason",
        }
    }
}

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The targets it concerns: one statement may be for several tenants.
    pub targets: Vec<TargetName>,
    /// The step; None: the difference is about the target itself.
    pub step: Option<StepKind>,
    /// What kind it is.
    pub change: Change,
    /// The statement, the effect or the reason; may be empty.
    pub text: String,
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let targets: Vec<String> = self.targets.iter().map(ToString::to_string).collect();
        write!(f, "{}: ", targets.join(", "))?;
        if let Some(step) = self.step {
            write!(f, "{}: ", step.name())?;
        }
        f.write_str(match self.change {
            Change::StatementAdded => "added",
            Change::StatementRemoved => "removed",
            Change::NoLongerNeeded => "no longer needed",
            Change::NowNeeded => "needed now",
            Change::OtherEffect => "otherwise now",
            Change::NowInterrupts => "interrupts now",
            Change::NowLeftOut => "left out now",
            Change::NowBackedUp => "backed up now",
            Change::NoLongerAsked => "not asked for any more",
            Change::OtherReason => "left out for another reason",
        })?;
        if self.text.is_empty() { Ok(()) } else { write!(f, ": {}", self.text) }
    }
}

/// One of the two plans: its steps and the targets it leaves out.
type Side<'a> = (&'a [PreviewStep], &'a [ExcludedTarget]);

/// Returns every difference: first which targets are backed up, then what is done, in the order of the steps.
pub(super) fn between(then: Side<'_>, now: Side<'_>) -> Vec<Difference> {
    let mut found = Differences::default();
    for target in targets(then.0) {
        if !now.0.iter().any(|step| step.target == *target) {
            match reason(now.1, target) {
                Some(reason) => found.add(target, None, Change::NowLeftOut, reason),
                None => found.add(target, None, Change::NoLongerAsked, ""),
            }
        }
    }
    for target in targets(now.0) {
        if !then.0.iter().any(|step| step.target == *target) {
            let reason = reason(then.1, target).map(|reason| format!("it was left out then: {reason}"));
            found.add(target, None, Change::NowBackedUp, &reason.unwrap_or_default());
        }
    }
    for left in now.1 {
        match reason(then.1, &left.target) {
            Some(reason) if reason != left.reason => {
                found.add(&left.target, None, Change::OtherReason, &left.reason);
            }
            // The target did not exist when the plan was saved.
            None if !then.0.iter().any(|step| step.target == left.target) => {
                found.add(&left.target, None, Change::NowLeftOut, &left.reason);
            }
            _ => {}
        }
    }
    let same = |a: &PreviewStep, b: &PreviewStep| a.target == b.target && a.step == b.step;
    for old in then.0 {
        let new = now.0.iter().find(|new| same(old, new));
        found.step(Some(old), new);
    }
    for new in now.0.iter().filter(|new| !then.0.iter().any(|old| same(old, new))) {
        found.step(None, Some(new));
    }
    found.list
}

fn targets(steps: &[PreviewStep]) -> Vec<&TargetName> {
    let mut targets: Vec<&TargetName> = Vec::new();
    for step in steps {
        if !targets.contains(&&step.target) {
            targets.push(&step.target);
        }
    }
    targets
}

fn reason<'a>(left_out: &'a [ExcludedTarget], target: &TargetName) -> Option<&'a str> {
    left_out.iter().find(|left| left.target == *target).map(|left| left.reason.as_str())
}

#[derive(Default)]
struct Differences {
    list: Vec<Difference>,
}

impl Differences {
    /// Adds a difference; where a step differs in the same way for several targets, they share one entry.
    fn add(&mut self, target: &TargetName, step: Option<StepKind>, change: Change, text: &str) {
        let known = |known: &&mut Difference| (known.step, known.change, known.text.as_str()) == (step, change, text);
        // Each target that is left out has an entry of its own.
        match self.list.iter_mut().filter(|_| step.is_some()).find(known) {
            Some(known) => known.targets.push(target.clone()),
            None => self.list.push(Difference { targets: vec![target.clone()], step, change, text: text.to_owned() }),
        }
    }

    /// Compares one step then and now; None: that plan does not have it.
    fn step(&mut self, then: Option<&PreviewStep>, now: Option<&PreviewStep>) {
        let Some(either) = now.or(then) else { return };
        let (target, step) = (&either.target, Some(either.step));
        if let (Some(then), Some(now)) = (then, now) {
            match (then.needed, now.needed) {
                (true, false) => self.add(target, step, Change::NoLongerNeeded, &now.effect),
                (false, true) => self.add(target, step, Change::NowNeeded, &now.effect),
                (true, true) if then.statements == now.statements && then.effect != now.effect => {
                    self.add(target, step, Change::OtherEffect, &now.effect);
                }
                _ => {}
            }
            if !now.interrupts.is_empty() && then.interrupts != now.interrupts {
                self.add(target, step, Change::NowInterrupts, &now.interrupts);
            }
        }
        let none: &[String] = &[];
        let old = then.map_or(none, |then| &then.statements);
        let new = now.map_or(none, |now| &now.statements);
        if old == new {
            return;
        }
        let mut removed = missing(old, new);
        let mut added = missing(new, old);
        if removed.is_empty() && added.is_empty() {
            // The same statements in another order, which may matter.
            (removed, added) = (old.iter().collect(), new.iter().collect());
        }
        for text in removed {
            self.add(target, step, Change::StatementRemoved, text);
        }
        for text in added {
            self.add(target, step, Change::StatementAdded, text);
        }
    }
}

/// Returns the texts of `list` that are not in `other`, counting repetitions.
fn missing<'a>(list: &'a [String], other: &[String]) -> Vec<&'a String> {
    let mut left: Vec<&String> = other.iter().collect();
    list.iter()
        .filter(|text| match left.iter().position(|known| known == text) {
            Some(at) => {
                left.swap_remove(at);
                false
            }
            None => true,
        })
        .collect()
}
