//! A body as lines of pieces, each with its role: what every screen is made of.

use ratatui::Frame;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};

use super::text::{pad, width};
use super::theme::{Role, Theme};

/// A piece of a line.
pub type Piece = (Role, String);

/// What a screen draws: its lines, what the help line says, and where the cursor is.
#[derive(Debug, Clone, Default)]
pub struct Body {
    /// The lines, from the top of the body.
    pub lines: Vec<Row>,
    /// The help for what has the focus.
    pub help: Help,
    /// Line and cell of the cursor, where text is typed.
    pub cursor: Option<(usize, usize)>,
}

/// What the help line says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Help {
    /// The words.
    pub text: String,
    /// The text says what is wrong.
    pub is_error: bool,
}

impl Help {
    /// Makes a help text.
    #[must_use]
    pub fn of(text: impl Into<String>) -> Self {
        Self { text: text.into(), is_error: false }
    }

    /// Makes a help text that says what is wrong.
    #[must_use]
    pub fn error(text: impl Into<String>) -> Self {
        Self { text: text.into(), is_error: true }
    }
}

/// One line.
#[derive(Debug, Clone, Default)]
pub struct Row {
    /// Its pieces, from the left.
    pub pieces: Vec<Piece>,
    /// It has the focus: all of it is drawn so.
    pub focused: bool,
}

impl Row {
    /// A line of one piece.
    #[must_use]
    pub fn of(role: Role, text: impl Into<String>) -> Self {
        Self { pieces: vec![(role, text.into())], focused: false }
    }

    /// A line of several.
    #[must_use]
    pub fn from_pieces(pieces: Vec<Piece>) -> Self {
        Self { pieces, focused: false }
    }

    /// Sets whether the row has the focus.
    #[must_use]
    pub fn with_focus(mut self, focused: bool) -> Self {
        self.focused = focused;
        self
    }

    /// How many cells it takes.
    #[must_use]
    pub fn width(&self) -> usize {
        self.pieces.iter().map(|(_, text)| width(text)).sum()
    }
}

impl Body {
    /// Adds a line.
    pub fn push(&mut self, row: Row) {
        self.lines.push(row);
    }

    /// Adds a line of one piece.
    pub fn push_text(&mut self, role: Role, text: impl Into<String>) {
        self.lines.push(Row::of(role, text));
    }

    /// Adds an empty line.
    pub fn push_empty(&mut self) {
        self.lines.push(Row::default());
    }

    /// Adds a text in as many lines as it needs, each indented by so many cells.
    pub fn push_wrapped(&mut self, role: Role, text: &str, indent: usize, cells: usize) {
        for line in super::text::wrap(text, cells.saturating_sub(indent)) {
            self.lines.push(Row::of(role, format!("{}{line}", " ".repeat(indent))));
        }
    }

    /// Draws the body.
    pub fn draw(&self, theme: Theme, area: Rect, frame: &mut Frame<'_>) {
        for (row, y) in self.lines.iter().zip(area.y..area.bottom()) {
            let line_area = Rect { y, height: 1, ..area };
            if row.focused {
                // The whole width, so that it is seen whatever its text is.
                let text: String = row.pieces.iter().map(|(_, text)| text.as_str()).collect();
                let text = pad(&text, usize::from(area.width));
                frame.render_widget(Line::from(Span::styled(text, theme.style(Role::Focus))), line_area);
            } else {
                let spans: Vec<Span<'_>> =
                    row.pieces.iter().map(|(role, text)| Span::styled(text.as_str(), theme.style(*role))).collect();
                frame.render_widget(Line::from(spans), line_area);
            }
        }
        if let Some((line, cell)) = self.cursor {
            let (Ok(line), Ok(cell)) = (u16::try_from(line), u16::try_from(cell)) else { return };
            let (x, y) = (area.x.saturating_add(cell), area.y.saturating_add(line));
            if x < area.right() && y < area.bottom() {
                frame.set_cursor_position(Position { x, y });
            }
        }
    }
}

/// A horizontal rule.
pub fn draw_rule(theme: Theme, area: Rect, frame: &mut Frame<'_>) {
    let text = "-".repeat(usize::from(area.width));
    frame.render_widget(Line::from(Span::styled(text, theme.style(Role::Disabled))), area);
}

/// Joins pieces with cells of a fixed width.
#[must_use]
pub fn cells(cells: &[(Role, &str, usize)]) -> Vec<Piece> {
    cells.iter().map(|(role, text, wide)| (*role, format!("{} ", pad(text, wide.saturating_sub(1))))).collect()
}
