//! How a call answers the questions of a command: `--yes` those with yes or no, `--confirm` those that ask for a name. Off a
//! terminal nothing ever asks.

use std::io::{BufRead, IsTerminal, Write};

use crate::domain::diagnosis::printable;
use crate::domain::fault::{Cause, Fault};

/// The answers that were given with the call.
#[derive(Debug, Clone, Copy)]
pub(super) struct ConfirmationArgs<'a> {
    /// `--yes`.
    pub(super) yes: bool,
    /// `--confirm NAME`.
    pub(super) name: Option<&'a str>,
}

/// A question before something is done.
pub(super) struct Confirmation<'a> {
    /// What is asked where yes is enough: `Cancel?`.
    pub(super) ask: &'a str,
    /// What is asked for, and the name that answers it; None: yes is enough.
    pub(super) name: Option<(String, &'a str)>,
    /// What was not done where it is not answered.
    pub(super) if_declined: &'a str,
    /// What else than an answer leads on: `, or --dry-run to see it only`.
    pub(super) alternative: &'a str,
}

/// The answer to a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    /// It is to be done.
    Yes,
    /// A person said otherwise.
    No,
}

impl ConfirmationArgs<'_> {
    /// Refuses what nobody can answer, before anything is waited for.
    ///
    /// # Errors
    /// A name is missing, or is another (exit 10); or there is no terminal to ask for a yes on (exit 1). The flag is named.
    pub(super) fn can_answer(self, question: &Confirmation<'_>) -> Result<(), Fault> {
        let asks = !self.yes && is_terminal();
        let refused = |why: String, next: String| Err(Fault::new(Cause::Precondition, question.if_declined, why, next));
        match (&question.name, self.name) {
            (Some((_, name)), Some(given)) if given != *name => refused(
                format!("--confirm names {given}, and this is about {name}."),
                format!("Look again at what is meant; if it is {name}, say --confirm {}.", word(name)),
            ),
            (Some((_, name)), None) if !asks => {
                let yes = if self.yes { "" } else { "--yes " };
                refused(
                    format!("It is confirmed by the name {name}, and no yes stands for that."),
                    format!("Say {yes}--confirm {} to go on{}.", word(name), question.alternative),
                )
            }
            _ if self.yes || asks => Ok(()),
            _ => Err(Fault::new(
                Cause::Usage,
                question.if_declined,
                "There is no terminal to ask on.",
                format!("Say --yes to go on{}.", question.alternative),
            )),
        }
    }

    /// Asks what the call did not answer.
    ///
    /// # Errors
    /// As [`ConfirmationArgs::can_answer`].
    pub(super) fn answer(self, question: &Confirmation<'_>) -> Result<Answer, Fault> {
        self.can_answer(question)?;
        let right = match (&question.name, self.name) {
            (Some((asked, name)), None) => ask(&format!("{asked} Type {name} to go on: ")) == **name,
            _ => self.yes || matches!(ask(&format!("{} [y/N] ", question.ask)).as_str(), "y" | "Y" | "yes"),
        };
        Ok(if right { Answer::Yes } else { Answer::No })
    }

    /// Asks, and returns an error for a no.
    ///
    /// # Errors
    /// As [`ConfirmationArgs::can_answer`], and the no.
    pub(super) fn require_yes(self, question: &Confirmation<'_>) -> Result<(), Fault> {
        match self.answer(question)? {
            Answer::Yes => Ok(()),
            Answer::No => {
                let why = "The question was answered otherwise.";
                Err(Fault::new(Cause::Usage, question.if_declined, why, "Try again when it suits."))
            }
        }
    }
}

/// A name as a shell takes it.
fn word(name: &str) -> String {
    crate::domain::command_line::shell(&[name.to_owned()])
}

/// Whether a person can be asked.
pub(super) fn is_terminal() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// Asks on the terminal, and reads a line.
pub(super) fn ask(question: &str) -> String {
    let mut error = std::io::stderr().lock();
    let _ = write!(error, "{}", printable(question)).and_then(|()| error.flush());
    let mut answer = String::new();
    // A terminal that cannot be read has answered no.
    let _ = std::io::stdin().lock().read_line(&mut answer);
    answer.trim().to_owned()
}
