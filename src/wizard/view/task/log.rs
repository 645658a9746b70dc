//! The log of a task: its last line below the steps, and the whole of it.

use super::super::lines::{Body, Help, Row};
use super::super::text::{pad, wrap};
use super::super::theme::Role;
use crate::domain::format;
use crate::wizard::model::Model;
use crate::wizard::screens::task::{LogEntry, WatchedTask};

/// Cells in front of a line's text: time and word.
const TIME_WIDTH: usize = 22;

/// Rows of the log on the screen.
pub fn visible_rows(high: usize) -> usize {
    high.saturating_sub(1).max(1)
}

/// A text without the columns that a wider log has.
fn collapse_spaces(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// One line in one line.
pub fn line(line: &LogEntry, model: &Model) -> String {
    let clock = format::clock(line.at, &model.zone);
    collapse_spaces(&format!("{clock} {} {}", line.line.word, line.line.text))
}

/// All of it, in as many rows as it needs.
pub fn rows(task: &WatchedTask, model: &Model, wide: usize) -> Vec<Row> {
    let mut rows = Vec::new();
    for line in &task.log {
        let clock = format::clock(line.at, &model.zone);
        let role = match line.line.word {
            "send" => Role::Hint,
            "failed" => Role::Fail,
            "attention" | "cancelled" | "unknown" | "?" => Role::Warn,
            _ => Role::Text,
        };
        for (place, text) in
            wrap(&collapse_spaces(&line.line.text), wide.saturating_sub(TIME_WIDTH + 1)).into_iter().enumerate()
        {
            let (lead, word) = if place == 0 {
                (format!(" {clock} "), pad(line.line.word, 12))
            } else {
                (" ".repeat(10), " ".repeat(12))
            };
            rows.push(Row::from_pieces(vec![(Role::Disabled, lead), (role, word), (role, text)]));
        }
    }
    rows
}

/// Draws it.
pub fn body(task: &WatchedTask, model: &Model, top: usize, (wide, high): (usize, usize)) -> Body {
    let mut body = Body::default();
    let all = rows(task, model, wide);
    let (count, room) = (all.len(), visible_rows(high));
    let top = top.min(count.saturating_sub(room));
    body.push_text(Role::Title, format!(" Log of task {}, {count} lines", task.id));
    body.lines.extend(all.into_iter().skip(top).take(room));
    let below = count.saturating_sub(top + room);
    body.help = Help::of(match (top, below) {
        (0, 0) => "All of it is here. l closes it.".to_owned(),
        (above, 0) => format!("{above} lines above. l closes it."),
        (above, below) => format!("{above} lines above, {below} below. G goes to the end, l closes it."),
    });
    body
}
