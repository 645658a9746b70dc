//! Renders what several commands print, as text and as JSON: times, sizes, checks, plans, and the events of a task.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::Output;
use super::output::{OutputStyle, fault_fields};
use super::plan_footer::PlanFooter;
use crate::domain::choices::Mode;
use crate::domain::diagnosis::sentence;
use crate::domain::format;
use crate::domain::outcome::{Outcome, VerdictKind};
use crate::domain::preflight::{Check, CheckResult, Stage};
use crate::domain::progress::Progress;
use crate::domain::proof::Proof;
use crate::domain::restorable::Encryption;
use crate::domain::scn::Scn;
use crate::domain::step::{StepKind, StepState};
use crate::domain::target::TargetName;
use crate::domain::task::{
    Event, LogLine, Prepared, PreviewStep, TargetView, TaskState, TaskView, UnreadableEvent, log_line, shared,
};

/// The clock of this host, for the log of what happens now.
pub(super) fn clock(at: Timestamp) -> String {
    format::clock(at, &TimeZone::system())
}

/// A moment as a person reads it, in the time of this host.
pub(super) fn moment(at: Timestamp) -> String {
    format::moment(at, &TimeZone::system())
}

/// A line of a journal that is no event this obnow knows: as it stands there, and its number where it is damaged.
pub(super) fn unread_entry(say: &Output, id: &str, at: Timestamp, entry: &UnreadableEvent) {
    let line = match entry {
        UnreadableEvent::Damaged { line, .. } => Some(line),
        UnreadableEvent::Unknown(_) => None,
    };
    say.event("unknown", json!({"task": id, "at": at.to_string(), "entry": entry.value(), "line": line}));
    log(say, at, None, &[crate::domain::task::unknown(entry)]);
}

/// A text for JSON: null where there is nothing to say.
pub(super) fn non_empty(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

/// A point in the log for JSON.
pub(super) fn scn_value(scn: Option<Scn>) -> Value {
    scn.map_or(Value::Null, |scn| json!(scn.to_rfc3339()))
}

/// The checks of a target, and what was not checked.
pub(super) fn checks(say: &Output, checks: &[Check]) {
    for check in checks {
        let stage = match check.stage {
            Stage::Gate => "gate",
            Stage::Step => "step",
        };
        say.event(
            "check",
            json!({"target": check.target, "check": check.check.name(), "stage": stage, "result": check.result.word(),
                   "found": non_empty(&check.found), "fix": non_empty(&check.fix)}),
        );
        let (role, word) = match check.result {
            CheckResult::Pass => (OutputStyle::Ok, "ok  "),
            CheckResult::Warn => (OutputStyle::Warn, "warn"),
            CheckResult::Fail => (OutputStyle::Fail, "FAIL"),
            CheckResult::NotChecked => (OutputStyle::Dim, "-   "),
        };
        let found = match check.result {
            CheckResult::NotChecked => format!("not checked: {}", check.found),
            _ => check.found.clone(),
        };
        say.line(&format!(
            "  {} {} {:<22} {found}",
            say.paint(role, word),
            format::padded(&check.target.to_string(), 20),
            check.check.name()
        ));
        if !check.fix.is_empty() && check.result != CheckResult::Pass {
            say.line(&format!("{:>30} {}", "fix:", check.fix));
        }
    }
}

/// The plan: its steps with statements and effects, who is left out, and what was not checked.
pub(super) fn plan(say: &Output, prepared: &Prepared, beside: &PlanFooter<'_>) {
    let plan = &prepared.plan;
    let targets: Vec<&TargetName> = plan.targets.iter().map(|target| &target.target).collect();
    let left_out: Vec<Value> =
        plan.left_out.iter().map(|left| json!({"target": left.target, "reason": left.reason})).collect();
    let steps: Vec<Value> = shared(&prepared.preview).map(|(step, owner)| plan_step(step, owner)).collect();
    let overridden: Vec<Value> = plan
        .overridden()
        .map(|check| json!({"target": check.target, "check": check.check.name(), "found": check.found}))
        .collect();
    let mut fields = json!({"targets": targets, "mode": plan.choices.mode.word(), "left_out": left_out, "steps": steps,
                            "overridden": overridden});
    beside.fields(&mut fields);
    say.event("plan", fields);
    if say.json {
        return;
    }
    // What is done once for everybody is shown once.
    let shown = if plan.is_per_cluster { 1 } else { plan.targets.len() };
    // One statement starts a part, and names everyone in it.
    let mut parts = std::collections::BTreeSet::new();
    for target in plan.targets.iter().take(shown) {
        let said = target.part.is_some_and(|part| !parts.insert(part));
        say.line("");
        let names: Vec<String> = if plan.is_per_cluster { &plan.targets[..] } else { std::slice::from_ref(target) }
            .iter()
            .map(|target| target.target.to_string())
            .collect();
        let title = format!("Back up now: {}, {}", names.join(", "), target.mode.word());
        say.line(&say.paint(OutputStyle::Title, &title));
        let shown = prepared.preview.iter().filter(|step| step.target == target.target);
        for (place, step) in shown.enumerate() {
            say.line(&format!("  {} {:<36} {}", place + 1, step.step.name(), step.effect));
            if said && step.step == StepKind::StartBackup {
                say.line("      by the BACKUP statement above, which names it");
            } else {
                for statement in &step.statements {
                    say.line(&format!("      {statement}"));
                }
            }
            if !step.interrupts.is_empty() {
                say.line(&format!("      {} {}", say.paint(OutputStyle::Warn, "interrupts:"), step.interrupts));
            }
        }
        for note in &target.notes {
            say.line(&format!("  {} {note}", say.paint(OutputStyle::Warn, "note:")));
        }
    }
    for left in &plan.left_out {
        say.line(&format!("  {} {}: {}", say.paint(OutputStyle::Warn, "left out:"), left.target, left.reason));
    }
    for check in plan.overridden() {
        say.line(&format!("  {}", say.paint(OutputStyle::Warn, &check.found)));
    }
    let interrupts = prepared.preview.iter().any(|step| !step.interrupts.is_empty());
    if !interrupts {
        say.line("  Interrupts nothing.");
    }
    let mut unchecked: Vec<&str> = Vec::new();
    for check in plan.not_checked() {
        // One reason may stand for several checks.
        if !unchecked.contains(&check.found.as_str()) {
            unchecked.push(&check.found);
        }
    }
    if !unchecked.is_empty() {
        say.line(&format!("  Not checked: {}.", unchecked.join("; ")));
    }
    beside.lines(say);
    say.line("");
}

/// A step of the `plan` event. Long statements that another target's step has already are that one's: a start of many tenants would
/// be as long as its statement for each of them.
fn plan_step(step: &PreviewStep, owner: Option<&TargetName>) -> Value {
    let statements = if owner.is_some() { &[][..] } else { &step.statements };
    let mut fields = json!({"step": step.step.name(), "target": step.target, "needed": step.needed,
                            "statements": statements, "effect": step.effect, "interrupts": non_empty(&step.interrupts)});
    if let Some(owner) = owner {
        fields["statements_of"] = json!(owner);
    }
    fields
}

/// The `task` event.
pub(super) fn task(say: &Output, id: &str, view: &TaskView, state: TaskState) {
    let targets: Vec<&TargetName> = view.targets.iter().map(|target| &target.target).collect();
    let step = view.targets.iter().filter_map(|target| target.current()).min_by_key(|step| step.kind);
    let mode = view.prepared.as_ref().map(|prepared| prepared.plan.choices.mode.word());
    let verdict = format::worst(view).map(|(_, outcome)| outcome.verdict.word());
    say.event(
        "task",
        json!({"task": id, "targets": targets, "mode": mode, "state": state.word(), "step": step.map(|step| step.kind.name()),
               "started": view.created.map(|at| at.to_string()), "verdict": verdict}),
    );
}

/// Lines of the log.
fn log(say: &Output, at: Timestamp, role: Option<OutputStyle>, lines: &[LogLine]) {
    for told in lines {
        let word = format!("{:<11}", told.word);
        let word = role.map_or_else(|| word.clone(), |role| say.paint(role, &word));
        say.line(&format!("{} {word} {}", clock(at), told.text));
    }
}

/// One event of a task, as it happens.
pub(super) fn event(say: &Output, id: &str, at: Timestamp, event: &Event, view: &TaskView) {
    let lines = log_line(event);
    match event {
        Event::Step { target, step, state, detail, fault } => {
            let seconds = view
                .target(target)
                .and_then(|target| target.step(*step))
                .and_then(|step| Some(step.ended?.duration_since(step.started?).as_secs_f64()));
            say.event(
                "step",
                json!({"task": id, "target": target, "step": step.name(), "state": state.word(), "detail": non_empty(detail),
                       "seconds": seconds.map(|seconds| (seconds * 1000.0).round() / 1000.0)}),
            );
            if *state != StepState::Running {
                let role = match state {
                    StepState::Ok => OutputStyle::Ok,
                    StepState::NotNeeded => OutputStyle::Dim,
                    _ => OutputStyle::Fail,
                };
                let mut lines = lines;
                if *step == StepKind::ConfirmRestorable {
                    // The verdict, which follows this step, says it in full.
                    for line in &mut lines {
                        line.text = line.text.trim_end_matches(detail.trim_end()).trim_end().to_owned();
                    }
                }
                log(say, at, Some(role), &lines);
            }
            // For a person the verdict, which follows, says it; once is enough. What stops a whole cluster is one fault.
            if let Some(fault) = fault.as_ref().filter(|_| say.json && view.is_first_with_its_fault(target, *step)) {
                say.fault(fault);
            }
        }
        Event::Waiting { target, step, what, fault, over } => {
            // Attention is said in full below.
            log(say, at, None, lines.get(..1).unwrap_or_default());
            if let Some(fault) = fault.as_ref().filter(|_| view.is_first_with_its_fault(target, *step)) {
                say.fault(fault);
            }
            if *over {
                say.event(
                    "step",
                    json!({"task": id, "target": target, "step": step.name(), "state": StepState::Running.word(),
                           "detail": what, "seconds": null}),
                );
            }
        }
        Event::Progress { target, progress } => {
            say.event("progress", progress_fields(id, target, progress));
            // The last figures come with the verdict, which a person has read by then.
            if view.target(target).is_some_and(|target| target.outcome.is_none()) {
                log(say, at, None, &lines);
            }
        }
        Event::Verdict { target, outcome } => {
            say.event("verdict", verdict_fields(Some(id), Some(target), outcome));
            verdict(say, target, outcome, view);
        }
        Event::Intent { .. } | Event::Request { .. } => log(say, at, None, &lines),
        Event::RunnerStarted { attempt, .. } if *attempt > 1 => log(say, at, None, &lines),
        Event::Created { .. }
        | Event::RunnerStarted { .. }
        | Event::Answered { .. }
        | Event::NotStarted { .. }
        | Event::Job { .. }
        | Event::RunnerEnded { .. } => {}
    }
}

fn verdict(say: &Output, target: &TargetName, outcome: &Outcome, view: &TaskView) {
    let role = match outcome.verdict {
        VerdictKind::Restorable if outcome.is_as_asked() => OutputStyle::Ok,
        VerdictKind::NotYetRestorable | VerdictKind::Cancelled => OutputStyle::Warn,
        _ => OutputStyle::Fail,
    };
    say.line("");
    let headline = outcome.headline();
    for line in format::verdict(target, outcome) {
        match line.strip_prefix(headline.as_str()) {
            Some(rest) => say.line(&format!("{}{rest}", say.paint(role, &headline))),
            None => say.line(&line),
        }
    }
    if let Some(fault) = outcome.fault.as_ref().filter(|_| !say.json) {
        // What stops a whole cluster stops each of its tenants: said in full once, for the first that it is said of.
        let same = |other: &&TargetView| other.outcome.as_ref().and_then(|end| end.fault.as_ref()) == Some(fault);
        match view.targets.iter().find(same).filter(|first| first.target != *target) {
            Some(first) => say.note(&format!("{} (As for {}.)", sentence(&fault.what), first.target)),
            None => say.fault(fault),
        }
    }
    for line in format::restore_instruction_lines(outcome) {
        say.line(&line);
    }
}

/// The last event of a task: the worst verdict, for no target in particular.
pub(super) fn last_verdict(say: &Output, id: &str, view: &TaskView) {
    if let Some((_, outcome)) = format::worst(view) {
        say.event("verdict", verdict_fields(Some(id), None, outcome));
    }
}

fn verdict_fields(id: Option<&str>, target: Option<&TargetName>, outcome: &Outcome) -> Value {
    let windows: Vec<Value> = outcome
        .windows
        .iter()
        .map(|window| json!({"from": window.from.to_rfc3339(), "to": window.to.to_rfc3339(), "set": window.set}))
        .collect();
    json!({"task": id, "target": target, "verdict": outcome.verdict.word(), "type": outcome.mode.map(Mode::word),
           "from": scn_value(outcome.from), "to": scn_value(outcome.to), "from_scn": outcome.from, "to_scn": outcome.to,
           "set": outcome.set, "windows": windows, "encryption": outcome.encryption.map(Encryption::word), "told": outcome.notes, "recipe": outcome.restore_instructions,
           "fault": outcome.fault.as_ref().map(fault_fields), "proof": outcome.proof.as_ref().map(proof_fields),
           "proof_why": outcome.proof_why})
}

fn proof_fields(proof: &Proof) -> Value {
    json!({"at": proof.at.to_string(), "by": proof.by.word(), "until_scn": proof.until_scn, "sets": proof.sets,
           "pieces": proof.pieces})
}

/// Prints the verdict of a proof outside of a task.
pub(super) fn proof_verdict(say: &Output, target: &TargetName, outcome: &Outcome) {
    say.event("verdict", verdict_fields(None, Some(target), outcome));
    verdict(say, target, outcome, &TaskView::default());
}

/// The last event of looks at several storages: the worst, for no target in particular.
pub(super) fn proof_summary(say: &Output, outcome: &Outcome) {
    say.event("verdict", verdict_fields(None, None, outcome));
}

fn progress_fields(id: &str, target: &TargetName, progress: &Progress) -> Value {
    json!({"task": id, "target": target, "phase": progress.phase, "percent": progress.percent, "bytes": progress.bytes,
           "log_percent": progress.log_percent,
           "bytes_total": progress.bytes_total, "rate": progress.rate,
           "eta_seconds": progress.eta.map(|(low, high)| [low, high])})
}
