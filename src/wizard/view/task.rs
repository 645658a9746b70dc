//! A task: its steps, progress and log, what failed, and the verdict.

use jiff::Timestamp;
use ratatui::layout::Rect;

use super::lines::{Body, Row};
use super::theme::{Role, Theme};
use crate::wizard::model::Model;

/// Draws it.
pub fn body(model: &Model, _theme: Theme, _now: Timestamp, _area: Rect) -> Body {
    let mut body = Body::default();
    let Some(task) = &model.task else { return body };
    for target in &task.view.targets {
        body.line(Role::Title, format!(" {}", target.target));
        for step in &target.steps {
            body.push(Row::pieces(vec![(
                Role::Text,
                format!("   {:<11} {}  {}", step.state.word(), step.kind.name(), step.detail),
            )]));
        }
    }
    body
}
