//! A text field: its value, its cursor, and how keys and pastes edit it.

use tui_input::{Input, InputRequest};

use super::key::Key;
use crate::domain::secret::Secret;

/// Longer than any value a server takes.
const MAX_CHARS: usize = 4_096;

/// A line of text that is typed.
#[derive(Clone, Default)]
pub struct TextField {
    input: Input,
    /// It is a secret: it is drawn as stars, and printed nowhere.
    pub is_secret: bool,
}

impl std::fmt::Debug for TextField {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.is_secret { f.write_str("***") } else { write!(f, "{:?}", self.input.value()) }
    }
}

impl PartialEq for TextField {
    fn eq(&self, other: &Self) -> bool {
        self.value() == other.value() && self.is_secret == other.is_secret
    }
}

impl TextField {
    /// A field with this in it, and the cursor behind it.
    #[must_use]
    pub fn new(value: &str) -> Self {
        Self { input: Input::new(value.to_owned()), is_secret: false }
    }

    /// An empty field for a secret.
    #[must_use]
    pub fn new_secret() -> Self {
        Self { input: Input::default(), is_secret: true }
    }

    /// Returns the text.
    #[must_use]
    pub fn value(&self) -> &str {
        self.input.value()
    }

    /// Returns the text as a secret; `Lost` if it is empty.
    #[must_use]
    pub fn as_secret(&self) -> Option<Secret> {
        let value = self.value();
        (!value.is_empty()).then(|| Secret::new(value.to_owned()))
    }

    /// Where the cursor is, in characters.
    #[must_use]
    pub fn cursor(&self) -> usize {
        self.input.cursor()
    }

    /// Returns the text as it is drawn: a secret as one star for each character.
    #[must_use]
    pub fn display_text(&self) -> String {
        if self.is_secret { "*".repeat(self.value().chars().count()) } else { self.value().to_owned() }
    }

    /// Takes a key in, where it is one for text; whether it was.
    pub fn handle_key(&mut self, key: Key) -> bool {
        let request = match key {
            Key::Char(c) => {
                self.insert(c);
                return true;
            }
            Key::Backspace => InputRequest::DeletePrevChar,
            Key::Delete => InputRequest::DeleteNextChar,
            Key::Left => InputRequest::GoToPrevChar,
            Key::Right => InputRequest::GoToNextChar,
            Key::Home => InputRequest::GoToStart,
            Key::End => InputRequest::GoToEnd,
            Key::Ctrl('u') => InputRequest::DeleteLine,
            Key::Ctrl('w') => InputRequest::DeletePrevWord,
            Key::Ctrl(_)
            | Key::Enter
            | Key::Esc
            | Key::Tab
            | Key::BackTab
            | Key::Up
            | Key::Down
            | Key::PageUp
            | Key::PageDown
            | Key::Help => return false,
        };
        self.input.handle(request);
        true
    }

    /// Takes pasted text in: control characters, the newline of a copied line among them, stay out.
    pub fn paste(&mut self, text: &str) {
        for c in text.trim_end_matches(['\r', '\n']).chars() {
            self.insert(c);
        }
    }

    fn insert(&mut self, c: char) {
        if !c.is_control() && self.value().len() < MAX_CHARS {
            self.input.handle(InputRequest::InsertChar(c));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pasted_line_is_one_value_without_its_newline() {
        let mut text = TextField::default();
        text.paste("s3://b/path\u{1b}[31m\r\n");
        assert_eq!(text.value(), "s3://b/path[31m", "an escape character has no place in a value");
        let mut text = TextField::new("ab");
        text.handle_key(Key::Left);
        text.paste("1\n2");
        assert_eq!((text.value(), text.cursor()), ("a12b", 3));
    }

    #[test]
    fn a_secret_is_drawn_as_stars_and_printed_nowhere() {
        let mut text = TextField::new_secret();
        "s3cr\u{5bc6}t".chars().for_each(|c| assert!(text.handle_key(Key::Char(c))));
        assert_eq!(text.display_text(), "******");
        assert_eq!(format!("{text:?}"), "***");
        assert_eq!(text.as_secret().map(|secret| secret.expose().to_owned()), Some("s3cr\u{5bc6}t".to_owned()));
        assert!(text.handle_key(Key::Ctrl('u')) && text.as_secret().is_none());
    }

    #[test]
    fn enter_and_the_moves_between_fields_are_not_text() {
        let mut text = TextField::new("x");
        for key in [Key::Enter, Key::Esc, Key::Tab, Key::BackTab, Key::Up, Key::Down, Key::Ctrl('c')] {
            assert!(!text.handle_key(key), "{key:?}");
        }
        assert_eq!(text.value(), "x");
    }
}
