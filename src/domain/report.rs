//! The report of a task for a ticket: what was confirmed, what happened, and how it ended. It contains no secrets: the journal
//! holds none, and every line is cleaned once more.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::diagnosis::foreign;
use super::format;
use super::plan::{Need, Plan};
use super::preflight::CheckResult;
use super::task::{
    Event, LogLine, Prepared, TargetView, TaskState, TaskView, UnreadableEvent, log_line, state_word, unknown,
};

#[cfg(test)]
mod tests;

/// The source of a report.
pub struct Report<'a> {
    /// The id of the task.
    pub task: &'a str,
    /// Its journal: the moment at which each event was written, and the event, or the entry where it cannot be read.
    pub events: &'a [(Timestamp, Result<Event, UnreadableEvent>)],
    /// Its state.
    pub state: TaskState,
    /// The version of obnow that writes the report.
    pub version: &'a str,
    /// The moment at which it is written.
    pub at: Timestamp,
}

impl Report<'_> {
    /// Returns the text of the report, with times in UTC.
    #[must_use]
    pub fn text(&self) -> String {
        let view = TaskView::of_lines(self.events.iter().map(|(at, event)| (*at, event)));
        let mut lines = vec![format!("obnow {}: report of task {}", self.version, self.task), String::new()];
        lines.push(format!("made            {}", format::moment(self.at, &TimeZone::UTC)));
        lines.push(format!("state           {}", self.state.word().replace('_', " ")));
        if let Some(created) = view.created {
            lines.push(format!("started         {} by {}", format::moment(created, &TimeZone::UTC), view.by));
        }
        if let Some(fault) = view.damage(self.task) {
            lines.push(format!("damaged         {} {}", fault.what, fault.why));
        }
        lines.push(format!("attempts        {}", view.attempt));
        if let Some(connection) = &view.connection {
            lines.push(format!("reached at      {} as {}", connection.endpoints.join(", "), connection.user));
        }
        if let Some(prepared) = &view.prepared {
            confirmed(prepared, &mut lines);
        }
        for target in &view.targets {
            ended(target, &mut lines);
        }
        lines.extend([String::new(), "WHAT HAPPENED (UTC)".to_owned()]);
        for (at, event) in self.events {
            let of_event = match event {
                Ok(event) => log_line(event),
                Err(entry) => vec![unknown(entry)],
            };
            let clock = at.strftime("%Y-%m-%d %H:%M:%S%.3f").to_string();
            lines.extend(of_event.iter().map(|LogLine { word, text }| format!("{clock} {word:<11} {text}")));
            if let Ok(Event::Step { fault: Some(fault), .. } | Event::Answered { fault: Some(fault), .. }) = event {
                lines.extend(format::sentences(fault).map(|line| format!("{:36}{line}", "")));
                statement_lines(&fault.detail, 36, &mut lines);
            }
        }
        let mut text: String = lines.iter().map(|line| foreign(line).trim_end().to_owned() + "\n").collect();
        text.push_str("\nSecrets are not in this report: obnow writes none down.\n");
        text
    }
}

/// Adds the server's own message, if there is one.
fn statement_lines(detail: &str, indent: usize, lines: &mut Vec<String>) {
    if !detail.is_empty() {
        lines.push(format!("{:indent$}The server said: {detail}", ""));
    }
}

fn confirmed(prepared: &Prepared, lines: &mut Vec<String>) {
    let plan: &Plan = &prepared.plan;
    let id = plan.cluster.id.map(|id| format!(", cluster id {id}")).unwrap_or_default();
    lines.push(format!("cluster         {}, {}{id}", plan.cluster.name, plan.cluster.version));
    lines.push(format!("method          {}", plan.method));
    lines.extend([String::new(), format!("WHAT WAS CONFIRMED ({})", plan.choices.mode.word())]);
    for target in &plan.targets {
        let tenant = &target.tenant;
        lines.push(format!("{}  tenant {}, {}, {}", target.target, tenant.id, tenant.role, target.mode.word()));
        for step in prepared.preview.iter().filter(|step| step.target == target.target) {
            lines.push(format!("  {:<36} {}", step.step.name(), step.effect));
            lines.extend(step.statements.iter().map(|statement| format!("      {statement}")));
            if !step.interrupts.is_empty() {
                lines.push(format!("      interrupts: {}", step.interrupts));
            }
        }
        // A task that only watches has no preview.
        if !prepared.preview.iter().any(|step| step.target == target.target) {
            let needed = target.steps.iter().filter(|step| step.need == Need::Needed);
            lines.extend(needed.map(|step| format!("  {:<36} {}", step.kind.name(), step.effect)));
        }
        lines.extend(target.notes.iter().map(|note| format!("  note: {note}")));
    }
    lines.extend(plan.left_out.iter().map(|left| format!("left out: {}: {}", left.target, left.reason)));
    for check in &plan.checks {
        let word = match check.result {
            CheckResult::Pass => "ok",
            CheckResult::Warn => "warn",
            CheckResult::Fail => "FAIL",
            CheckResult::NotChecked => "not checked",
        };
        let target = format::padded(&check.target.to_string(), 20);
        lines.push(format!("  {word:<11} {target} {:<22} {}", check.check.name(), check.found));
    }
}

fn ended(target: &TargetView, lines: &mut Vec<String>) {
    lines.extend([String::new(), format!("{}", target.target)]);
    for step in &target.steps {
        let time = match (step.started, step.ended) {
            (Some(from), Some(to)) => format::elapsed(from, to),
            _ => String::new(),
        };
        lines.push(format!("  {:<11} {:<36} {time:>9}  {}", state_word(step.state), step.kind.name(), step.detail));
    }
    let ids = [("job", target.job), ("set", target.set)];
    let ids: Vec<String> = ids.into_iter().filter_map(|(name, id)| Some(format!("{name} {}", id?))).collect();
    if !ids.is_empty() {
        lines.push(format!("  {}", ids.join(", ")));
    }
    lines.extend(target.progress.iter().map(|progress| format!("  {}", format::progress(progress))));
    let Some(outcome) = &target.outcome else {
        if let Some(fault) = target.current().and_then(|step| step.fault.as_ref()) {
            lines.extend(format::sentences(fault).map(|line| format!("  {line}")));
            statement_lines(&fault.detail, 2, lines);
        }
        return;
    };
    lines.extend(format::verdict_lines(&target.target, outcome));
    lines.extend(
        outcome.windows.iter().map(|window| {
            format!("  window of set {}: SCN {} to {}", window.set, window.from.nanos(), window.to.nanos())
        }),
    );
    if let Some(fault) = &outcome.fault {
        statement_lines(&fault.detail, 2, lines);
    }
}
