//! The events of a task as text, for the log of every interface.

use super::{Event, UnreadableEvent};
use crate::domain::choices::Mode;
use crate::domain::diagnosis::sentence;
use crate::domain::format;
use crate::domain::step::StepState;

/// One line of a log, without its time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// The kind of the event, in one word; may be empty.
    pub word: &'static str,
    /// What happened.
    pub text: String,
}

impl LogLine {
    fn new(word: &'static str, text: &str) -> Self {
        // The text is cleaned again: the journal may have been changed.
        Self { word, text: sentence(text).trim_end().to_owned() }
    }
}

/// Returns the word of a step's state, as screens show it.
#[must_use]
pub fn state_word(state: StepState) -> &'static str {
    match state {
        StepState::NotNeeded => "not needed",
        _ => state.word(),
    }
}

/// Returns the log line of an entry that this obnow cannot read as an event: what the entry contains.
#[must_use]
pub fn unknown(entry: &UnreadableEvent) -> LogLine {
    match entry {
        UnreadableEvent::Unknown(value) => LogLine::new("?", &value.to_string()),
        UnreadableEvent::Damaged { line, text } => {
            LogLine::new("damaged", &format!("line {line} cannot be read: {text}"))
        }
    }
}

/// Returns the log lines of an event.
#[must_use]
pub fn log_line(event: &Event) -> Vec<LogLine> {
    let one = |word: &'static str, text: String| vec![LogLine::new(word, &text)];
    match event {
        Event::Created { by, prepared, .. } => {
            let names: Vec<String> = prepared.plan.targets.iter().map(|target| target.target.to_string()).collect();
            one("created", format!("{}, {}, by {by}", names.join(", "), prepared.plan.choices.mode.word()))
        }
        Event::RunnerStarted { attempt, .. } => one("", format!("attempt {attempt}")),
        Event::Step { target, step, state, detail, .. } => {
            one(state_word(*state), format!("{:<36} {target}  {detail}", step.name()))
        }
        Event::Waiting { target, step, what, fault, .. } => {
            let mut lines = one("running", format!("{:<36} {target}  {what}", step.name()));
            if let Some(fault) = fault {
                lines.push(LogLine::new("attention", &format!("{} {}", fault.what, fault.why)));
            }
            lines
        }
        Event::Progress { target, progress } => one("", format!("{:<36} {target}  {}", "", format::progress(progress))),
        Event::Intent { statements, .. } => {
            statements.iter().map(|statement| LogLine::new("send", statement)).collect()
        }
        Event::Answered { fault, answered, .. } => match (fault, answered) {
            (None, _) => one("answer", "accepted".to_owned()),
            (Some(fault), true) => one("answer", format!("refused: {} {}", fault.what, fault.why)),
            (Some(fault), false) => one("answer", format!("none: {} {}", fault.what, fault.why)),
        },
        Event::NotStarted { proof, .. } => one("proven", format!("nothing was started: {proof}")),
        Event::Job { target, job, set, kind } => {
            let set = set.map(|set| format!(", set {set}")).unwrap_or_default();
            let kind = kind.map(|kind: Mode| format!(", {}", kind.word())).unwrap_or_default();
            one("job", format!("{job} of {target}{set}{kind}"))
        }
        Event::Verdict { target, outcome } => one("verdict", format!("{}  {target}", outcome.headline())),
        Event::Request { verb, who, answer, .. } => one("asked", format!("{verb} asked by {who}: {answer}")),
        Event::RunnerEnded { reason } => one("runner", format!("left: {reason}")),
    }
}
