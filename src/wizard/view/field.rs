//! A field of a form: its label, what is typed, and where the cursor is.

use super::lines::{Body, Piece, Row};
use super::text::{pad, width};
use super::theme::Role;
use crate::wizard::text_field::TextField;
use unicode_width::UnicodeWidthChar;

/// Cells in front of what is typed: a mark, the label, a space.
pub const LABEL_WIDTH: usize = 22;

/// As much of a field as fits, its cursor in it: the text, and the cells in front of the cursor.
#[must_use]
pub fn visible_text(field: &TextField, cells: usize) -> (String, usize) {
    let drawn: Vec<char> = field.display_text().chars().collect();
    let wide = |chars: &[char]| chars.iter().map(|c| c.width().unwrap_or(0)).sum::<usize>();
    let cursor = field.cursor().min(drawn.len());
    // One cell stays free for the cursor behind the text.
    let room = cells.saturating_sub(1);
    let mut from = 0;
    while from < cursor && wide(drawn.get(from..cursor).unwrap_or_default()) > room {
        from += 1;
    }
    let mut to = cursor;
    while to < drawn.len() && wide(drawn.get(from..=to).unwrap_or_default()) <= room {
        to += 1;
    }
    let shown: String = drawn.get(from..to).unwrap_or_default().iter().collect();
    (shown, wide(drawn.get(from..cursor).unwrap_or_default()))
}

/// A label in its cells; what has the focus and what is wrong are marked.
#[must_use]
pub fn label(name: &str, focused: bool, wrong: bool) -> (Role, String) {
    let (role, mark) = match (focused, wrong) {
        (true, _) => (Role::Title, " > "),
        (false, true) => (Role::Fail, " ! "),
        (false, false) => (Role::Disabled, "   "),
    };
    (role, format!("{mark}{}", pad(name, LABEL_WIDTH - 3)))
}

/// Draws a field in which text is typed.
pub fn draw(body: &mut Body, name: &str, text: &TextField, (focused, wrong): (bool, bool), cells: usize) {
    let (shown, before) = visible_text(text, cells.saturating_sub(LABEL_WIDTH));
    let label = label(name, focused, wrong);
    if focused {
        body.cursor = Some((body.lines.len(), width(&label.1) + before));
    }
    body.push(Row::from_pieces(vec![label, (Role::Text, shown)]));
}

/// Draws what can be chosen, in as many lines as that needs.
pub fn choices(body: &mut Body, name: &str, focused: bool, choices: Vec<Piece>, cells: usize) {
    let mut rows = vec![vec![label(name, focused, false)]];
    let mut used = LABEL_WIDTH;
    for (role, text) in choices {
        let wide = width(&text) + 2;
        // The two spaces behind the last one of a line may be cut off.
        if used > LABEL_WIDTH && used + wide > cells + 2 {
            rows.push(vec![label("", false, false)]);
            used = LABEL_WIDTH;
        }
        used += wide;
        if let Some(row) = rows.last_mut() {
            row.push((role, format!("{text}  ")));
        }
    }
    for row in rows {
        body.push(Row::from_pieces(row).with_focus(focused));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wizard::key::Key;

    #[test]
    fn a_long_text_shows_the_part_around_its_cursor() {
        let mut text = TextField::new("abcdefghij");
        assert_eq!(visible_text(&text, 20), ("abcdefghij".to_owned(), 10));
        assert_eq!(visible_text(&text, 5), ("ghij".to_owned(), 4));
        text.handle_key(Key::Home);
        assert_eq!(visible_text(&text, 5), ("abcd".to_owned(), 0));
        text.handle_key(Key::Right);
        assert_eq!(visible_text(&text, 5), ("abcd".to_owned(), 1));
        assert_eq!(visible_text(&text, 0), (String::new(), 0));
        let wide = TextField::new("\u{8ba2}\u{5355}\u{5e93}");
        assert_eq!(visible_text(&wide, 5), ("\u{5355}\u{5e93}".to_owned(), 4), "two cells each");
    }
}
