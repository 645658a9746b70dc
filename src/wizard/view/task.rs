//! A task: who and what, its targets, the verdict, its steps with progress and what failed, and one line of its log. The
//! body scrolls; its first and last lines stay.

use jiff::Timestamp;
use ratatui::layout::Rect;

use super::lines::{Body, Help, Row};
use super::text::{fit, pad, width};
use super::theme::Role;
use crate::domain::format;
use crate::domain::outcome::{Outcome, VerdictKind};
use crate::domain::task::{TargetView, TaskState, state_word};
use crate::wizard::model::Model;
use crate::wizard::screens::task::{RetryAction, WatchedTask, retry_action};

mod log;
mod steps;
#[cfg(test)]
mod tests;
mod verdict;

/// What is drawn of a task: rows that stay, and rows that scroll.
struct Page {
    head: Vec<Row>,
    rows: Vec<Row>,
    /// The rows that matter now, which are on the screen while nobody scrolls: the first, and behind the last.
    current_rows: (usize, usize),
}

/// From so many cells on there is room for whole words.
const WIDE_WIDTH: usize = 100;

/// Rows below the body's scrolling part: the log, or what is missing of the body.
const FOOTER_ROWS: usize = 1;

impl Page {
    /// Rows of the part that scrolls.
    fn visible_rows(&self, high: usize) -> usize {
        high.saturating_sub(self.head.len() + FOOTER_ROWS).max(1)
    }

    /// The first row on the screen.
    fn top(&self, wanted: Option<usize>, high: usize) -> usize {
        let room = self.visible_rows(high);
        let last = self.rows.len().saturating_sub(room);
        let (first, behind) = self.current_rows;
        wanted.unwrap_or_else(|| behind.saturating_sub(room).min(first)).min(last)
    }
}

/// Where the view stands: its first row, the last one that may be, and the rows of a page.
#[must_use]
pub fn scroll_range(model: &Model) -> (usize, usize, usize) {
    let Some(task) = &model.task else { return (0, 0, 1) };
    let (wide, high) = (usize::from(model.size.0), model.body_rows());
    if let Some(top) = task.log_top {
        let rows = log::rows(task, model, wide).len();
        let room = log::visible_rows(high);
        let last = rows.saturating_sub(room);
        return (top.min(last), last, room);
    }
    // No row more or less comes from the clock.
    let page = page(task, Timestamp::UNIX_EPOCH, (wide, high));
    let room = page.visible_rows(high);
    (page.top(task.top, high), page.rows.len().saturating_sub(room), room)
}

/// Draws it.
#[must_use]
pub fn body(model: &Model, now: Timestamp, area: Rect) -> Body {
    let mut body = Body::default();
    let Some(task) = &model.task else { return body };
    let (wide, high) = (usize::from(area.width), usize::from(area.height));
    if let Some(top) = task.log_top {
        return log::body(task, model, top, (wide, high));
    }
    let page = page(task, now, (wide, high));
    let room = page.visible_rows(high);
    let top = page.top(task.top, high);
    let below = page.rows.len().saturating_sub(top + room);
    body.lines.extend(page.head);
    body.lines.extend(page.rows.into_iter().skip(top).take(room));
    while body.lines.len() < high.saturating_sub(FOOTER_ROWS) {
        body.push_empty();
    }
    body.push(footer_row(task, model, (top, below), wide));
    body.help = help(model, task);
    body
}

/// The last thing that happened, and how much of the body is not on the screen.
fn footer_row(task: &WatchedTask, model: &Model, hidden: (usize, usize), wide: usize) -> Row {
    let several = task.view.targets.len() > 1;
    let more = match (hidden, several) {
        ((0, 0), _) => String::new(),
        ((0, below), false) => format!("  {below} more: Down"),
        ((0, below), true) => format!("  {below} more: PgDn"),
        ((above, 0), false) => format!("  {above} lines above: Up"),
        ((above, 0), true) => format!("  {above} lines above: PgUp"),
        ((above, below), _) => format!("  {above} above, {below} below"),
    };
    let said = task.log.last().map_or_else(String::new, |line| format!(" log {}", log::line(line, model)));
    let said = pad(&said, wide.saturating_sub(width(&more) + 1));
    Row::from_pieces(vec![(Role::Disabled, said), (Role::Hint, more)])
}

fn help(model: &Model, task: &WatchedTask) -> Help {
    use crate::domain::task::RetryEffect;
    if task.view.created.is_none() && task.read_error.is_none() {
        return Help::of("Reading its journal.");
    }
    if task.is_cancelling {
        return Help::of("The cancel was asked for; it ends when the server says so.");
    }
    if task.report.as_ref().is_some_and(|report| !report.is_copied) {
        return Help::of("y copies the path of the report.");
    }
    match retry_action(model) {
        RetryAction::Reread => Help::of("r reads the journal again."),
        RetryAction::Retry(RetryEffect::NewBackup { attempt, .. }) => {
            Help::of(format!("r starts a NEW backup, attempt {attempt}; it is asked once. What failed stays."))
        }
        RetryAction::Retry(RetryEffect::LooksAgain) => {
            Help::of("r only looks again; what is there is never started a second time.")
        }
        RetryAction::Retry(RetryEffect::GoesOn(step)) => Help::of(format!("r goes on from: {}.", step.name())),
        RetryAction::Unavailable(_) if task.is_live() => {
            Help::of("It goes on without this screen: d leaves it, q ends obnow.")
        }
        RetryAction::Unavailable(why) => Help::of(why),
    }
}

/// The role of a task's state.
#[must_use]
pub fn state_role(state: TaskState) -> Role {
    match state {
        TaskState::Running => Role::Hint,
        TaskState::Done => Role::Ok,
        TaskState::Cancelled | TaskState::RunnerGone | TaskState::Unknown => Role::Warn,
        TaskState::Failed => Role::Fail,
    }
}

/// The role of a verdict.
#[must_use]
pub fn verdict_role(outcome: &Outcome) -> Role {
    match outcome.verdict {
        VerdictKind::Restorable if outcome.is_as_asked() => Role::Ok,
        VerdictKind::NotYetRestorable | VerdictKind::Cancelled | VerdictKind::Unknown => Role::Warn,
        // Not encrypted as asked, or worse.
        VerdictKind::Restorable | VerdictKind::NotRestorable | VerdictKind::Failed => Role::Fail,
    }
}

fn page(task: &WatchedTask, now: Timestamp, (wide, high): (usize, usize)) -> Page {
    // What nobody works on any more stands as it was written last.
    let now = if task.is_live() { now } else { task.view.last.unwrap_or(now) };
    let mut head = vec![title_row(task, now, wide)];
    head.extend(target_rows(task, wide, high));
    let mut body = Body::default();
    let attached = task.focused().filter(|target| target.attached);
    let notes = task.view.prepared.as_ref().zip(attached).and_then(|(prepared, target)| {
        prepared.plan.targets.iter().find(|plan| plan.target == target.target).map(|plan| &plan.notes)
    });
    for note in notes.into_iter().flatten() {
        body.push_wrapped(Role::Hint, note, 1, wide);
    }
    for line in format::left_out(&task.view) {
        body.push_wrapped(Role::Warn, &line, 1, wide.saturating_sub(1));
    }
    if let Some(fault) = task.read_error.as_ref().or(task.request_error.as_ref()) {
        verdict::fault(&mut body, Role::Fail, fault, 1, wide);
        body.push_empty();
    }
    for fault in task.unresponsive.iter().cloned().chain(task.view.damage(&task.id)) {
        verdict::fault(&mut body, Role::Warn, &fault, 1, wide);
        body.push_empty();
    }
    if let Some(report) = &task.report {
        body.push_wrapped(Role::Ok, &format!("Report written: {}", report.path.display()), 1, wide);
    }
    if task.final_state == Some(TaskState::RunnerGone) {
        let fault = task.view.runner_gone(&task.id, task.exit_reason.as_ref());
        verdict::fault(&mut body, Role::Warn, &fault, 1, wide);
        body.push_empty();
    }
    let mut present = (0, 0);
    if let Some(target) = task.focused() {
        // What stopped is read where it stopped; what is done, from its verdict on.
        let verdict = target.outcome.as_ref().filter(|outcome| !verdict::is_shown_by_step(target, outcome));
        if let Some(outcome) = verdict {
            verdict::rows(&mut body, target, outcome, wide);
        }
        present = steps::rows(&mut body, target, now, wide);
        if verdict.is_some() {
            present = (0, 0);
        }
    }
    Page { head, rows: body.lines, current_rows: present }
}

/// Id, what, how long, which step, and whether anybody works on it.
fn title_row(task: &WatchedTask, now: Timestamp, wide: usize) -> Row {
    let view = &task.view;
    let mode = view.prepared.as_ref().map_or("", |prepared| prepared.plan.choices.mode.word());
    let what = match view.targets.as_slice() {
        [] => String::new(),
        // The line above proves the cluster.
        [only] => {
            let name = only.target.tenant().unwrap_or(only.target.cluster());
            if only.attached { format!("  Watch {name}") } else { format!("  Back up {name} ({mode})") }
        }
        several => format!("  Back up {} tenants ({mode})", several.len()),
    };
    let state = task.state();
    let time = view.created.map_or_else(String::new, |created| format!(" {}", format::stopwatch(created, now)));
    let word = match state {
        TaskState::Running if task.is_cancelling => "cancelling".to_owned(),
        _ if task.read_error.is_some() => "unreadable".to_owned(),
        state => state.word().replace('_', " "),
    };
    let step = task.focused().and_then(|target| {
        let at = target.steps.iter().position(|step| !step.state.is_passed())?;
        let of = if wide < WIDE_WIDTH { "/" } else { " of " };
        Some(format!("  step {}{of}{}", at + 1, target.steps.len()))
    });
    let alive = match (task.is_live(), view.runner) {
        (true, Some(_)) => "  runner alive",
        (true, None) => "  runner leaving",
        (false, _) => "",
    };
    let alive = if view.created.is_none() { "" } else { alive };
    let attempt = if view.attempt > 1 { format!("  attempt {}", view.attempt) } else { String::new() };
    let left = format!(" Task {}{what}", task.id);
    let mut right = format!("{time}{attempt}{}{alive}", step.as_deref().unwrap_or_default());
    if width(&left) + width(&right) + width(&word) + 2 > wide {
        // The log tells of attempts too.
        right = format!("{time}{}{alive}", step.unwrap_or_default());
    }
    let room = wide.saturating_sub(width(&right) + width(&word) + 2);
    Row::from_pieces(vec![
        (Role::Title, fit(&left, room)),
        (Role::Text, "  ".to_owned()),
        (state_role(state), word),
        (Role::Text, right),
    ])
}

/// Of several targets a line each, at most a third of the body; the focused one is among them.
fn target_rows(task: &WatchedTask, wide: usize, high: usize) -> Vec<Row> {
    let targets = task.targets();
    if targets.len() < 2 {
        return Vec::new();
    }
    let focus = task.focused().map(|target| &target.target);
    let at = targets.iter().position(|target| Some(&target.target) == focus).unwrap_or(0);
    let room = targets.len().min((high / 3).max(2));
    let top = (at + 1).saturating_sub(room);
    // Which of how many, where not all of them are seen.
    let spare = if targets.len() > room { 10 } else { 1 };
    let mut rows: Vec<Row> = targets
        .iter()
        .enumerate()
        .skip(top)
        .take(room)
        .map(|(place, target)| target_row(target, wide.saturating_sub(spare)).with_focus(place == at))
        .collect();
    if targets.len() > room
        && let Some(last) = rows.last_mut()
    {
        let place = format!(" {} of {}", at + 1, targets.len());
        last.pieces.push((Role::Disabled, place));
    }
    rows
}

fn target_row(target: &TargetView, wide: usize) -> Row {
    let name = format!("   {} ", pad(&target.target.to_string(), 24));
    let (role, word, rest) = match (&target.outcome, target.current()) {
        (Some(outcome), _) => {
            let told =
                outcome.fault.as_ref().map(|fault| fault.what.clone()).or_else(|| outcome.notes.first().cloned());
            (verdict_role(outcome), outcome.headline(), told.unwrap_or_default())
        }
        (None, Some(step)) => {
            let percent = target.progress.as_ref().and_then(|progress| progress.percent);
            let percent = percent.map(|percent| format!("  {} %", percent.floor())).unwrap_or_default();
            let role = if step.fault.is_some() { Role::Warn } else { steps::role(step.state) };
            (role, state_word(step.state).to_owned(), format!("{}{percent}", step.kind.name()))
        }
        (None, None) => (Role::Text, "ok".to_owned(), String::new()),
    };
    let word = pad(&word, 13.max(width(&word)));
    let rest = fit(&rest, wide.saturating_sub(width(&name) + width(&word) + 1));
    Row::from_pieces(vec![(Role::Text, name), (role, word), (Role::Text, format!(" {rest}"))])
}
