//! See [`crate::wizard::screens::connect`].

use ratatui::layout::Rect;

use super::lines::Body;
use crate::wizard::model::Model;

/// Draws it.
pub fn body(_model: &Model, _area: Rect) -> Body {
    Body::default()
}
