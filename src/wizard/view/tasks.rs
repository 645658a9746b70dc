//! The tasks of this host, and the backups that run elsewhere.

use jiff::tz::TimeZone;
use ratatui::layout::Rect;

use super::lines::{Body, Help, Row, cells};
use super::task::{state_role, verdict_role};
use super::text::fit;
use super::theme::Role;
use crate::domain::choices::Mode;
use crate::domain::format;
use crate::domain::restorable::SetKind;
use crate::domain::task::{TaskState, TaskView};
use crate::wizard::model::Model;
use crate::wizard::msg::TaskRow;
use crate::wizard::screens::tasks::{self, ForeignJob};

/// Draws it.
pub fn body(model: &Model, area: Rect) -> Body {
    let mut body = Body::default();
    let (wide, high) = (usize::from(area.width), usize::from(area.height));
    if let Some(fault) = &model.tasks.fault {
        for (role, line) in [Role::Fail, Role::Text, Role::Text].into_iter().zip(format::sentences(fault)) {
            body.push_wrapped(role, &line, 1, wide);
        }
        body.push_empty();
    }
    body.push(Row::from_pieces(columns(
        wide,
        Role::Title,
        ["TASK", "STATE", "MODE", "STEP OR VERDICT", "STARTED", "TARGETS"],
        Role::Title,
    )));
    let list = &model.tasks;
    let elsewhere = tasks::foreign_jobs(model);
    let count = list.rows.len() + elsewhere.len();
    if count == 0 {
        let text = if list.pending.is_some() { " Reading the tasks." } else { " There is no task on this host yet." };
        body.push_text(Role::Text, text);
    }
    let room = high.saturating_sub(body.lines.len()).max(1);
    let top = (list.cursor + 1).saturating_sub(room);
    let ours = list.rows.iter().map(|row| task_row(row, &model.zone, wide));
    let others = elsewhere.iter().map(|other| job_row(other, wide));
    for (at, row) in ours.chain(others).enumerate().skip(top).take(room) {
        body.push(row.with_focus(at == list.cursor));
    }
    body.help = match tasks::focused(model) {
        Some(TaskRow { view: Err(fault), .. }) => Help::error(format!("{} {}", fault.what, fault.why)),
        Some(TaskRow { view: Ok(view), .. }) => targets_help(view),
        None => match elsewhere.get(list.cursor.saturating_sub(list.rows.len())) {
            Some(other) => {
                let job = other.job;
                Help::of(format!("job {} by {}, since {} (server time)", job.job_id, job.owner(), job.started))
            }
            None => Help::default(),
        },
    };
    body
}

/// Who is in it, and what came of it.
fn targets_help(view: &TaskView) -> Help {
    let names: Vec<String> = view.targets.iter().map(|target| target.target.to_string()).collect();
    let worst = format::worst(view);
    let fault = worst.and_then(|(_, outcome)| outcome.fault.as_ref()).map(|fault| format!(": {}", fault.what));
    Help::of(format!("{}{}", names.join(", "), fault.unwrap_or_default()))
}

fn columns(wide: usize, state: Role, texts: [&str; 6], came_to: Role) -> Vec<super::lines::Piece> {
    let [id, word, mode, end, started, targets] = texts;
    let mut pieces = vec![(Role::Text, " ".to_owned())];
    let fixed = [13, 12, 5, 21, 12];
    let rest = wide.saturating_sub(fixed.iter().sum::<usize>() + 1);
    let of_title = |role: Role| if state == Role::Title { Role::Title } else { role };
    pieces.extend(cells(&[
        (of_title(Role::Text), id, fixed[0]),
        (state, word, fixed[1]),
        (of_title(Role::Text), mode, fixed[2]),
        (came_to, end, fixed[3]),
        (of_title(Role::Disabled), started, fixed[4]),
        (of_title(Role::Text), targets, rest),
    ]));
    pieces
}

/// `incremental` is too long for a column.
fn mode_label(mode: Mode) -> &'static str {
    match mode {
        Mode::Full => "full",
        Mode::Incremental => "incr",
    }
}

fn task_row(row: &TaskRow, zone: &TimeZone, wide: usize) -> Row {
    let view = match &row.view {
        Ok(view) => view,
        Err(fault) => {
            let text = fit(&format!(" unreadable    {}", fault.what), wide);
            return Row::of(Role::Fail, text);
        }
    };
    let mode = view.prepared.as_ref().map_or("", |prepared| mode_label(prepared.plan.choices.mode));
    let started =
        view.created.map_or_else(String::new, |at| at.to_zoned(zone.clone()).strftime("%m-%d %H:%M").to_string());
    let names: Vec<String> = view.targets.iter().map(|target| target.target.to_string()).collect();
    let state = match row.state {
        TaskState::RunnerGone => "runner gone",
        state => state.word(),
    };
    let came_to = tasks::result_text(row);
    let role = format::worst(view).map_or(Role::Text, |(_, outcome)| verdict_role(outcome));
    let texts = [row.id.as_str(), state, mode, came_to.as_str(), started.as_str(), &names.join(", ")];
    Row::from_pieces(columns(wide, state_role(row.state), texts, role))
}

fn job_row(other: &ForeignJob<'_>, wide: usize) -> Row {
    let percent = other.job.percent().map_or_else(String::new, |percent| format!(", {percent} %"));
    // MM-DD HH:MM of the server's own time.
    let started = other.job.started.get(5..16).unwrap_or(&other.job.started);
    let mode = match &other.job.kind {
        SetKind::Full => "full",
        SetKind::Incremental => "incr",
        SetKind::Other(word) => word,
    };
    let by = format!("by {}{percent}", other.job.owner());
    let target = other.target.to_string();
    Row::from_pieces(columns(wide, Role::Hint, ["elsewhere", "running", mode, &by, started, &target], Role::Text))
}
