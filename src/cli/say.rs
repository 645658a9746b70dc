//! Where output goes: standard output is data, standard error is messages, and a reader that has gone is no error.

use std::io::{IsTerminal, Write};

use serde_json::{Value, json};

use super::args::{Color, Common};
use crate::domain::diagnosis::clean;
use crate::domain::fault::Fault;

/// How this call speaks.
pub struct Say {
    /// One JSON object a line.
    pub json: bool,
    colors: bool,
}

/// A role of a word on screen; the word itself always says the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// In order.
    Ok,
    /// To look at.
    Warn,
    /// Wrong.
    Fail,
    /// Less important.
    Dim,
    /// A heading.
    Title,
}

impl Say {
    /// As the options say.
    #[must_use]
    pub fn new(common: &Common) -> Self {
        Self { json: common.json, colors: has_colors(common.color) && !common.json }
    }

    /// A line of data for a person; nothing under `--json`.
    pub fn line(&self, text: &str) {
        if !self.json {
            let _ = writeln!(std::io::stdout().lock(), "{text}");
        }
    }

    /// A line of data for a program; nothing without `--json`.
    pub fn event(&self, name: &str, mut fields: Value) {
        if self.json {
            if let Value::Object(map) = &mut fields {
                let mut ordered = serde_json::Map::new();
                ordered.insert("event".to_owned(), json!(name));
                ordered.append(map);
                fields = Value::Object(ordered);
            }
            let _ = writeln!(std::io::stdout().lock(), "{fields}");
        }
    }

    /// A message for a person, on standard error.
    pub fn note(&self, text: &str) {
        let _ = writeln!(std::io::stderr().lock(), "{text}");
    }

    /// A fault: under `--json` an event, else three sentences on standard error; never both.
    pub fn fault(&self, fault: &Fault) {
        if self.json {
            self.event("fault", fault_fields(fault));
            return;
        }
        let mut error = std::io::stderr().lock();
        let _ = writeln!(error, "{}", self.paint(Role::Fail, &clean(&fault.what)));
        let _ = writeln!(error, "{}", clean(&fault.why));
        let _ = writeln!(error, "Next: {}", clean(&fault.next));
    }

    /// A word in its role's colour.
    #[must_use]
    pub fn paint(&self, role: Role, text: &str) -> String {
        if !self.colors {
            return text.to_owned();
        }
        let code = match role {
            Role::Ok => "32",
            Role::Warn => "33",
            Role::Fail => "31",
            Role::Dim => "2",
            Role::Title => "1",
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }
}

/// Whether colours are wanted: what was asked for, else what the terminal and `NO_COLOR` say.
#[must_use]
#[allow(clippy::disallowed_methods, reason = "NO_COLOR is read where colours are decided")]
pub fn has_colors(color: Color) -> bool {
    match color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => {
            std::io::stdout().is_terminal()
                && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
                && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
        }
    }
}

/// The fields of a fault event.
#[must_use]
pub fn fault_fields(fault: &Fault) -> Value {
    json!({"what": clean(&fault.what), "why": clean(&fault.why), "next": clean(&fault.next), "code": fault.code})
}
