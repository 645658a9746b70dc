//! What is drawn of the model. Nothing here changes anything.
//!
//! ```text
//! +------------------------------------------------------------------------------+
//! | obnow  prod-hz / pay   tenant 1004  PRIMARY  V4.2.5.1   10.0.0.1:2881   PROD | header
//! | 1 Target  2 Detected [3 Storage] 4 Mode  5 Confirm  6 Task                   | way
//! |------------------------------------------------------------------------------|
//! |  body                                                                        | one file a screen
//! |------------------------------------------------------------------------------|
//! | help for what has the focus, or what is wrong with it                        | help
//! | Enter next  t test  Esc back                                         ? help  | footer
//! +------------------------------------------------------------------------------+
//! ```

pub mod confirm;
mod connect;
mod detected;
mod field;
mod footer;
mod header;
mod lines;
mod mode;
mod overlay;
mod storage;
mod target;
pub mod task;
mod tasks;
pub mod text;
pub mod theme;

use jiff::Timestamp;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};

use super::model::{MIN_SIZE, Model, Overlay, Screen};
use lines::Body;
use theme::{Role, Theme};

/// Draws the model. Ages are as of `now`.
pub fn view(model: &Model, theme: Theme, now: Timestamp, frame: &mut Frame<'_>) {
    let area = frame.area();
    // The terminal may have become smaller than the model knows yet.
    if model.is_too_small() || area.width < MIN_SIZE.0 || area.height < MIN_SIZE.1 {
        too_small(area, theme, frame);
    } else {
        draw_frame(model, theme, now, frame);
    }
    if theme.ascii {
        to_ascii(frame);
    }
}

/// A terminal that has no more than ASCII gets no more: every other cell becomes a question mark.
fn to_ascii(frame: &mut Frame<'_>) {
    for cell in &mut frame.buffer_mut().content {
        if !cell.symbol().is_ascii() {
            let wide = text::width(cell.symbol()) > 1;
            cell.set_symbol(if wide { "??" } else { "?" });
        }
    }
}

fn draw_frame(model: &Model, theme: Theme, now: Timestamp, frame: &mut Frame<'_>) {
    let area = frame.area();
    let [header, way, above, body, below, help, keys] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(1),
        Constraint::Length(1),
        Constraint::Fill(1),
        Constraint::Length(1),
        Constraint::Length(1),
        Constraint::Length(1),
    ])
    .areas(area);
    header::draw_identity(model, theme, header, frame);
    header::draw_steps(model, theme, way, frame);
    lines::draw_rule(theme, above, frame);
    lines::draw_rule(theme, below, frame);
    let drawn = match (&model.overlay, model.screen) {
        (Some(Overlay::Help(top)), screen) => overlay::help(model, screen, *top, body),
        (Some(Overlay::Confirm(question)), _) => overlay::confirm_dialog(question, body),
        (Some(Overlay::SecretPrompt(ask)), _) => overlay::secret_prompt(ask, body),
        (None, Screen::Connect) => connect::body(model, body),
        (None, Screen::Target) => target::body(model, now, body),
        (None, Screen::Detected) => detected::body(model, now, body),
        (None, Screen::Storage) => storage::body(model, body),
        (None, Screen::Mode) => mode::body(model, body),
        (None, Screen::Confirm) => confirm::body(model, body),
        (None, Screen::Task) => task::body(model, now, body),
        (None, Screen::Tasks) => tasks::body(model, body),
    };
    let said = drawn.help.clone();
    drawn.draw(theme, body, frame);
    footer::draw_help(model, &said, theme, help, frame);
    footer::draw_keys(model, theme, keys, frame);
}

/// What a terminal that is too small shows.
fn too_small(area: Rect, theme: Theme, frame: &mut Frame<'_>) {
    let mut body = Body::default();
    let (columns, rows) = MIN_SIZE;
    let told = format!("enlarge to {columns}x{rows} (now {}x{})", area.width, area.height);
    for line in text::wrap(&told, usize::from(area.width)) {
        body.push_text(Role::Warn, line);
    }
    body.draw(theme, area, frame);
}
