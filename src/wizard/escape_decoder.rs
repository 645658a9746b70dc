//! Joins escape sequences that the network has split.
//!
//! crossterm takes an `ESC` at the end of a read for the key. Over SSH an arrow may come as `ESC` and `[B`, and then three keys are
//! seen: Esc, `[`, `B`. So an Esc is held for a moment: what follows at once belongs to it.

use crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

/// How long an Esc is held, in milliseconds.
pub const ESCAPE_TIMEOUT_MS: u64 = 40;

/// Longer than any sequence a key sends.
const MAX_SEQUENCE_LEN: usize = 16;

/// The input that is not decoded yet.
#[derive(Debug, Default)]
pub enum PendingInput {
    /// Nothing.
    #[default]
    Nothing,
    /// An Esc, and what came behind it.
    Sequence(Vec<char>),
    /// A paste whose beginning was split.
    Paste(String),
}

/// Puts events together.
#[derive(Debug, Default)]
pub struct EscapeDecoder {
    pending: PendingInput,
}

impl EscapeDecoder {
    /// Whether something is held, and waits for what follows.
    #[must_use]
    pub fn is_pending(&self) -> bool {
        !matches!(self.pending, PendingInput::Nothing)
    }

    /// Takes an event; returns the complete ones.
    pub fn feed(&mut self, event: Event) -> Vec<Event> {
        match (&mut self.pending, plain_char(&event)) {
            (PendingInput::Nothing, _) if is_esc(&event) => {
                self.pending = PendingInput::Sequence(Vec::new());
                Vec::new()
            }
            // Esc and a key that came in one packet: the terminal's library takes them for Alt, which no key here has.
            (PendingInput::Nothing, _) => match without_alt(&event) {
                Some(behind) => vec![key_event(KeyCode::Esc), behind],
                None => vec![event],
            },
            (PendingInput::Sequence(chars), Some(c)) => {
                chars.push(c);
                self.decode()
            }
            (PendingInput::Paste(text), Some(c)) => {
                text.push(c);
                Vec::new()
            }
            (PendingInput::Sequence(_) | PendingInput::Paste(_), None) => {
                let mut events = self.flush();
                events.extend(self.feed(event));
                events
            }
        }
    }

    /// Nothing followed in time: what was held is what it seemed.
    pub fn flush(&mut self) -> Vec<Event> {
        match std::mem::take(&mut self.pending) {
            PendingInput::Nothing => Vec::new(),
            PendingInput::Sequence(chars) => {
                let behind = chars.into_iter().map(|c| match c {
                    '\n' => key_event(KeyCode::Enter),
                    '\t' => key_event(KeyCode::Tab),
                    c => char_event(c),
                });
                [key_event(KeyCode::Esc)].into_iter().chain(behind).collect()
            }
            PendingInput::Paste(text) => vec![Event::Paste(text)],
        }
    }

    fn decode(&mut self) -> Vec<Event> {
        let PendingInput::Sequence(chars) = &self.pending else { return Vec::new() };
        let whole = match chars.as_slice() {
            ['[' | 'O'] => false,
            ['[', .., last] => !matches!(last, '0'..='9' | ';' | '<' | '=' | '>' | '?' | ' '..='/'),
            _ => true,
        };
        if !whole && chars.len() < MAX_SEQUENCE_LEN {
            return Vec::new();
        }
        let text: String = chars.iter().collect();
        if text == "[200~" {
            self.pending = PendingInput::Paste(String::new());
            return Vec::new();
        }
        match parse_sequence(&text) {
            Some(code) => {
                self.pending = PendingInput::Nothing;
                vec![key_event(code)]
            }
            // A sequence nobody knows is no text either.
            None if chars.len() > 1 => {
                self.pending = PendingInput::Nothing;
                Vec::new()
            }
            None => self.flush(),
        }
    }
}

/// The key of a sequence behind its Esc; modifiers are left out, for no key of obnow has one here.
fn parse_sequence(text: &str) -> Option<KeyCode> {
    let (start, last) = (text.chars().next()?, text.chars().last()?);
    let number = text.get(1..text.len().checked_sub(1)?)?.split(';').next()?;
    Some(match (start, last, number) {
        (_, 'A', _) => KeyCode::Up,
        (_, 'B', _) => KeyCode::Down,
        (_, 'C', _) => KeyCode::Right,
        (_, 'D', _) => KeyCode::Left,
        (_, 'H', _) | ('[', '~', "1" | "7") => KeyCode::Home,
        (_, 'F', _) | ('[', '~', "4" | "8") => KeyCode::End,
        ('[', 'Z', _) => KeyCode::BackTab,
        ('[', '~', "3") => KeyCode::Delete,
        ('[', '~', "5") => KeyCode::PageUp,
        ('[', '~', "6") => KeyCode::PageDown,
        ('O', 'P', _) | ('[', '~', "11") => KeyCode::F(1),
        _ => return None,
    })
}

fn key_event(code: KeyCode) -> Event {
    Event::Key(KeyEvent::new(code, KeyModifiers::NONE))
}

fn char_event(c: char) -> Event {
    key_event(KeyCode::Char(c))
}

/// The key behind an Esc that was joined to it.
fn without_alt(event: &Event) -> Option<Event> {
    match event {
        Event::Key(key) if key.modifiers.contains(KeyModifiers::ALT) && key.kind != KeyEventKind::Release => {
            let modifiers = key.modifiers - KeyModifiers::ALT;
            Some(Event::Key(KeyEvent { modifiers, ..*key }))
        }
        _ => None,
    }
}

fn is_esc(event: &Event) -> bool {
    matches!(event, Event::Key(key) if key.code == KeyCode::Esc && key.kind != KeyEventKind::Release)
}

/// The character of a key without modifiers but Shift; of a paste also its line ends.
fn plain_char(event: &Event) -> Option<char> {
    let Event::Key(key) = event else { return None };
    if key.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT) {
        return None;
    }
    match key.code {
        KeyCode::Char(c) => Some(c),
        KeyCode::Enter => Some('\n'),
        KeyCode::Tab => Some('\t'),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn feed(input: &mut EscapeDecoder, text: &str) -> Vec<Event> {
        text.chars()
            .flat_map(|c| {
                input.feed(match c {
                    '\u{1b}' => key_event(KeyCode::Esc),
                    '\n' => key_event(KeyCode::Enter),
                    c => char_event(c),
                })
            })
            .collect()
    }

    #[test]
    fn a_split_arrow_is_an_arrow_and_not_esc() {
        for (text, code) in [
            ("\u{1b}[B", KeyCode::Down),
            ("\u{1b}OA", KeyCode::Up),
            ("\u{1b}[5~", KeyCode::PageUp),
            ("\u{1b}[Z", KeyCode::BackTab),
            ("\u{1b}[1;5C", KeyCode::Right),
        ] {
            let mut input = EscapeDecoder::default();
            assert_eq!(feed(&mut input, text), [key_event(code)], "{text:?}");
            assert!(!input.is_pending());
        }
    }

    #[test]
    fn a_split_function_key_is_neither_esc_nor_text() {
        for text in ["\u{1b}OQ", "\u{1b}[17~", "\u{1b}Oj"] {
            let mut input = EscapeDecoder::default();
            assert_eq!(feed(&mut input, text), [], "{text:?}");
            assert!(!input.is_pending());
        }
    }

    #[test]
    fn an_esc_that_nothing_follows_is_esc() {
        let mut input = EscapeDecoder::default();
        assert!(feed(&mut input, "\u{1b}").is_empty() && input.is_pending());
        assert_eq!(input.flush(), [key_event(KeyCode::Esc)]);
        assert_eq!(feed(&mut input, "j"), [char_event('j')]);
    }

    #[test]
    fn esc_and_then_a_key_are_both_kept() {
        let mut input = EscapeDecoder::default();
        assert_eq!(feed(&mut input, "\u{1b}q"), [key_event(KeyCode::Esc), char_event('q')]);
        assert_eq!(feed(&mut input, "\u{1b}\n"), [key_event(KeyCode::Esc), key_event(KeyCode::Enter)]);
        // A second Esc gives the first one out.
        assert_eq!(feed(&mut input, "\u{1b}\u{1b}"), [key_event(KeyCode::Esc)]);
        assert!(input.is_pending());
    }

    #[test]
    fn esc_and_a_key_in_one_packet_are_both_kept() {
        let joined = Event::Key(KeyEvent::new(KeyCode::Char('g'), KeyModifiers::ALT));
        assert_eq!(EscapeDecoder::default().feed(joined), [key_event(KeyCode::Esc), char_event('g')]);
    }

    #[test]
    fn a_paste_whose_beginning_was_split_is_a_paste() {
        let mut input = EscapeDecoder::default();
        assert!(feed(&mut input, "\u{1b}[200~a\nb").is_empty(), "no newline of it submits anything");
        assert_eq!(input.flush(), [Event::Paste("a\nb".to_owned())]);
    }

    #[test]
    fn an_unknown_sequence_is_no_text() {
        let mut input = EscapeDecoder::default();
        assert!(feed(&mut input, "\u{1b}[?1;2c").is_empty());
        assert_eq!(feed(&mut input, "x"), [char_event('x')]);
    }
}
