//! Colours as roles. Sixteen colours, the terminal's own background, and always a word beside the colour. What obnow itself
//! draws is ASCII on every terminal: box drawing is two cells wide on some, and nothing is worth a shifted column.

use ratatui::style::{Color, Modifier, Style};

/// What a text is, and so how it looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Plain text.
    Text,
    /// A heading.
    Title,
    /// A key, or something to do.
    Hint,
    /// In order.
    Ok,
    /// To look at.
    Warn,
    /// Wrong.
    Fail,
    /// What has the focus.
    Focus,
    /// What cannot be chosen, and what matters less.
    Disabled,
}

/// How this terminal is drawn on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Theme {
    /// Colours may be used.
    pub color: bool,
    /// Only ASCII may be drawn: a name in another script is shown as question marks.
    pub ascii: bool,
}

impl Theme {
    /// The style of a role. Without colours a role is told by bold and reverse alone, which every terminal has: the
    /// selection stays visible.
    #[must_use]
    pub fn style(self, role: Role) -> Style {
        let plain = Style::new();
        let colored = |color: Color| if self.color { plain.fg(color) } else { plain };
        match role {
            Role::Text => plain,
            Role::Title => plain.add_modifier(Modifier::BOLD),
            Role::Hint => colored(Color::Cyan),
            Role::Ok => colored(Color::Green),
            Role::Warn => colored(Color::Yellow).add_modifier(Modifier::BOLD),
            Role::Fail => colored(Color::Red).add_modifier(Modifier::BOLD),
            Role::Focus => plain.add_modifier(Modifier::REVERSED),
            Role::Disabled => plain.add_modifier(Modifier::DIM),
        }
    }

    /// The environment of a cluster: prod cannot be overlooked.
    #[must_use]
    pub fn environment(self, name: &str) -> Style {
        match name {
            "prod" => self.style(Role::Fail).add_modifier(Modifier::REVERSED),
            "staging" => self.style(Role::Warn).add_modifier(Modifier::REVERSED),
            _ => self.style(Role::Title),
        }
    }
}

/// Whether only ASCII may be drawn: the locale is not UTF-8, or the terminal is known to have no more.
#[must_use]
pub fn needs_ascii(locale: &str, term: &str) -> bool {
    let locale = locale.to_ascii_lowercase();
    let utf8 = locale.contains("utf-8") || locale.contains("utf8");
    !utf8 || matches!(term, "linux" | "vt100" | "dumb")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ascii_where_more_might_break() {
        for (locale, term, ascii) in [
            ("en_US.UTF-8", "xterm-256color", false),
            ("C.utf8", "screen", false),
            ("zh_CN.GB18030", "xterm", true),
            ("zh_CN.UTF-8", "xterm", false),
            ("C", "xterm", true),
            ("", "xterm", true),
            ("en_US.UTF-8", "linux", true),
            ("en_US.UTF-8", "vt100", true),
            ("en_US.UTF-8", "dumb", true),
        ] {
            assert_eq!(needs_ascii(locale, term), ascii, "{locale} {term}");
        }
    }

    #[test]
    fn without_colours_the_focus_is_still_seen() {
        let mono = Theme { color: false, ascii: true };
        for role in [Role::Text, Role::Title, Role::Hint, Role::Ok, Role::Warn, Role::Fail, Role::Focus, Role::Disabled]
        {
            let style = mono.style(role);
            assert_eq!((style.fg, style.bg), (None, None), "{role:?}");
        }
        assert!(mono.style(Role::Focus).add_modifier.contains(Modifier::REVERSED));
        assert!(mono.environment("prod").add_modifier.contains(Modifier::REVERSED));
    }
}
