//! Where output goes: standard output is data, standard error is messages. A reader that has gone is no error; data that
//! cannot be written for another reason is.

use std::io::{ErrorKind, IsTerminal, Write};
use std::sync::OnceLock;

use anstyle::{AnsiColor, Style};
use serde_json::{Value, json};

use super::Exit;
use super::args::{Color, Common};
use crate::domain::diagnosis::{escaped, printable, sentence, without_keys};
use crate::domain::fault::{Cause, Fault};

/// How this call speaks.
pub struct Output {
    /// One JSON object a line.
    pub json: bool,
    colors: bool,
    /// Why data could not be written.
    write_error: OnceLock<String>,
}

/// The start of a colour's escape sequence.
const COLOR: &str = "\u{1b}[";

/// The style of a word on screen; the text says the same without it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutputStyle {
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

impl Output {
    /// As the options say.
    #[must_use]
    pub fn new(common: &Common) -> Self {
        Self { json: common.json, colors: has_colors(common.color) && !common.json, write_error: OnceLock::new() }
    }

    /// For a program, before the options were read.
    #[must_use]
    pub fn json() -> Self {
        Self { json: true, colors: false, write_error: OnceLock::new() }
    }

    /// A line of data for a person; nothing under `--json`.
    pub fn line(&self, text: &str) {
        if !self.json {
            self.write(&self.printable_text(text));
        }
    }

    /// Writes a line of data. That it could not be written is kept for the end; a reader that has gone wants no more.
    fn write(&self, text: &str) {
        match writeln!(std::io::stdout().lock(), "{text}") {
            Err(error) if error.kind() != ErrorKind::BrokenPipe => {
                let _ = self.write_error.set(error.to_string());
            }
            Ok(()) | Err(_) => {}
        }
    }

    /// A text without what drives a terminal, but for the colours of [`Output::paint`].
    fn printable_text(&self, text: &str) -> String {
        if !self.colors {
            return printable(text);
        }
        let mut parts = text.split(COLOR);
        let mut shown = printable(parts.next().unwrap_or_default());
        for part in parts {
            let (code, rest) = part.split_once('m').unwrap_or(("", part));
            if matches!(code, "0" | "1" | "2" | "31" | "32" | "33") {
                shown.push_str(COLOR);
                shown.push_str(code);
                shown.push('m');
                shown.push_str(&printable(rest));
            } else {
                shown.push_str(&printable(&format!("{COLOR}{part}")));
            }
        }
        shown
    }

    /// The exit code of a command whose data may not have been written: then 1, unless it says what became of a task
    /// (`of_a_task`) or that something else went wrong. The reason goes to standard error.
    #[must_use]
    pub fn final_exit(&self, exit: Exit, of_a_task: bool) -> Exit {
        let Some(why) = self.write_error.get() else { return exit };
        self.print_fault(&Fault::new(
            Cause::Internal,
            "Standard output could not be written.",
            format!("The system says: {why}. What was to be printed is incomplete."),
            "Free some space where it goes, or print to another place.",
        ));
        if exit == Exit::OK && !of_a_task { Exit::USAGE } else { exit }
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
            // What was kept may have been written by another program than this one.
            hide_keys(&mut fields);
            self.write(&escaped(&fields.to_string()));
        }
    }

    /// A message for a person, on standard error.
    pub fn note(&self, text: &str) {
        let _ = writeln!(std::io::stderr().lock(), "{}", self.printable_text(text));
    }

    /// A fault: under `--json` an event, else three sentences on standard error; never both.
    pub fn fault(&self, fault: &Fault) {
        if self.json {
            self.event("fault", fault_fields(fault));
            return;
        }
        self.print_fault(fault);
    }

    fn print_fault(&self, fault: &Fault) {
        let mut error = std::io::stderr().lock();
        let _ = writeln!(error, "{}", self.paint(OutputStyle::Fail, &sentence(&fault.what)));
        let _ = writeln!(error, "{}", sentence(&fault.why));
        let _ = writeln!(error, "Next: {}", sentence(&fault.next));
    }

    /// A word in its role's colour.
    #[must_use]
    pub fn paint(&self, role: OutputStyle, text: &str) -> String {
        if !self.colors {
            return text.to_owned();
        }
        let style = match role {
            OutputStyle::Ok => AnsiColor::Green.on_default(),
            OutputStyle::Warn => AnsiColor::Yellow.on_default(),
            OutputStyle::Fail => AnsiColor::Red.on_default(),
            OutputStyle::Dim => Style::new().dimmed(),
            OutputStyle::Title => Style::new().bold(),
        };
        format!("{style}{text}{style:#}")
    }
}

/// Hides the values of secret keys in every text of a value.
fn hide_keys(value: &mut Value) {
    match value {
        Value::String(text) => *text = without_keys(text),
        Value::Array(items) => items.iter_mut().for_each(hide_keys),
        Value::Object(fields) => fields.values_mut().for_each(hide_keys),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Says that standard output could not be written where nothing else is to be said: the exit code.
#[must_use]
pub fn report_write_error(error: &std::io::Error) -> Exit {
    Output { json: false, colors: false, write_error: OnceLock::from(error.to_string()) }.final_exit(Exit::OK, false)
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
    json!({"what": sentence(&fault.what), "why": sentence(&fault.why), "next": sentence(&fault.next), "code": fault.code})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_colours_reach_a_terminal() {
        let say = |colors| Output { json: false, colors, write_error: OnceLock::new() };
        let text = format!("{} \u{1b}[2J\u{1b}[8mx\u{1b}]0;t\u{7}\u{9b}1my", say(true).paint(OutputStyle::Fail, "red"));
        assert_eq!(say(true).printable_text(&text), "\u{1b}[31mred\u{1b}[0m x1my");
        assert_eq!(say(false).printable_text(&text), "red x1my");
    }

    #[test]
    fn json_shows_no_value_of_a_secret_key_wherever_it_was_kept() {
        let mut kept = json!({"a": ["x access_key=SECRET"], "b": {"c": "s3://u:SECRET@h"}, "n": 7, "d": "pay"});
        hide_keys(&mut kept);
        assert_eq!(kept, json!({"a": ["x access_key=***"], "b": {"c": "s3://u:***@h"}, "n": 7, "d": "pay"}));
    }

    #[test]
    fn lost_output_fails_unless_a_task_exit_stands() {
        let lost = Output { json: false, colors: false, write_error: OnceLock::from("no space".to_owned()) };
        assert_eq!((lost.final_exit(Exit::OK, false), lost.final_exit(Exit::OK, true)), (Exit::USAGE, Exit::OK));
        assert_eq!(lost.final_exit(Exit::BUSY, false), Exit::BUSY);
        assert_eq!(Output::json().final_exit(Exit::OK, false), Exit::OK);
    }
}
