//! Text in cells: cut, padded and wrapped by the width a terminal draws.

use unicode_width::UnicodeWidthChar;

use crate::domain::format::cells;
use crate::wizard::text_field::TextField;

/// The mark of a text that was cut.
const CUT: &str = "..";

/// How many cells a text takes.
#[must_use]
pub fn width(text: &str) -> usize {
    cells(text)
}

/// The text in at most so many cells; what was cut off is marked.
#[must_use]
pub fn fit(text: &str, cells: usize) -> String {
    if width(text) <= cells {
        return text.to_owned();
    }
    if cells <= CUT.len() {
        return head(text, cells).to_owned();
    }
    format!("{}{CUT}", head(text, cells - CUT.len()))
}

/// As much of the text as so many cells hold.
fn head(text: &str, cells: usize) -> &str {
    let mut used = 0;
    for (at, c) in text.char_indices() {
        used += c.width().unwrap_or(0);
        if used > cells {
            return text.get(..at).unwrap_or_default();
        }
    }
    text
}

/// The text in exactly so many cells.
#[must_use]
pub fn pad(text: &str, cells: usize) -> String {
    let mut text = fit(text, cells);
    let missing = cells.saturating_sub(width(&text));
    text.extend(std::iter::repeat_n(' ', missing));
    text
}

/// Cells in front of a field's cursor, as it is drawn.
#[must_use]
pub fn cells_before(field: &TextField) -> usize {
    let before: String = field.display_text().chars().take(field.cursor()).collect();
    width(&before)
}

/// The text in lines of at most so many cells, broken at spaces where there are any.
#[must_use]
pub fn wrap(text: &str, cells: usize) -> Vec<String> {
    let cells = cells.max(1);
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split(' ') {
        let mut word = word;
        if !line.is_empty() && width(&line) + 1 + width(word) > cells {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        while width(&line) + width(word) > cells {
            let mut part = head(word, cells - width(&line).min(cells));
            if part.is_empty() {
                // Not even one character fits beside what is there, or at all.
                part = word.char_indices().nth(1).map_or(word, |(at, _)| word.get(..at).unwrap_or(word));
            }
            line.push_str(part);
            word = word.get(part.len()..).unwrap_or_default();
            lines.push(std::mem::take(&mut line));
            if word.is_empty() {
                break;
            }
        }
        line.push_str(word);
    }
    if !line.is_empty() || lines.is_empty() {
        lines.push(line);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_text_says_so_and_never_takes_more_cells() {
        assert_eq!(fit("upgrading", 20), "upgrading");
        assert_eq!(fit("unreachable", 8), "unreac..");
        assert_eq!(fit("\u{8ba2}\u{5355}\u{5e93}", 5), "\u{8ba2}..");
        assert_eq!((fit("abc", 1), fit("\u{8ba2}", 1)), ("a".to_owned(), String::new()));
        assert_eq!(pad("\u{8ba2}\u{5355}", 6), "\u{8ba2}\u{5355}  ");
        assert_eq!(width(&pad("\u{8ba2}\u{5355}\u{5e93}", 5)), 5);
    }

    #[test]
    fn lines_are_broken_at_spaces_and_long_words_within() {
        assert_eq!(wrap("the log has not passed it", 9), ["the log", "has not", "passed it"]);
        assert_eq!(wrap("s3://bucket/path", 6), ["s3://b", "ucket/", "path"]);
        assert_eq!(wrap("", 5), [""]);
        for cells in 1..12 {
            for line in wrap("a \u{8ba2}\u{5355}\u{5e93} of several words", cells) {
                assert!(width(&line) <= cells.max(2), "{line:?} in {cells}");
            }
        }
    }
}
