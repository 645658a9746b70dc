//! A task as it runs: each step, its state, time and log; what failed and the way on; and the verdict.

use std::cmp::Reverse;
use std::path::PathBuf;
use std::sync::Arc;

use super::question::Question;
use super::{target, tasks};
use crate::domain::facts::Facts;
use crate::domain::fault::Fault;
use crate::domain::target::TargetName;
use crate::domain::task::{Event, TargetView, TaskState, TaskView, Told, Unread, told, unknown};
use crate::domain::words;
use crate::wizard::effect::{Effect, Typed};
use crate::wizard::keymap::Action;
use crate::wizard::model::{Model, Overlay, Req, Screen};
use crate::wizard::update;
use crate::wizard::view::task as view;
use jiff::Timestamp;

mod farewell;
mod keys;
mod on;
#[cfg(test)]
pub(crate) mod tests;

pub use farewell::farewell;
pub use keys::{KEYS, Way, way};
pub use on::{cancel, compact, retry, retry_with, silent};

/// What was asked for and is not answered yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asking {
    /// What a cancel would hit.
    CancelQuestion,
    /// What a major compaction would load.
    CompactQuestion,
    /// To go on with it.
    GoOn,
    /// To cancel it.
    Cancel,
    /// A report.
    Report,
}

/// A line of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// When it was written.
    pub at: Timestamp,
    /// What it says.
    pub told: Told,
}

/// A report that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Where it is.
    pub path: PathBuf,
    /// Its path was copied.
    pub copied: bool,
}

/// The task that is watched.
#[derive(Debug, Clone)]
pub struct Watched {
    /// Its id.
    pub id: String,
    /// What was typed for it.
    pub typed: Typed,
    /// The question that follows its journal.
    pub following: Option<Req>,
    /// What its journal says.
    pub view: TaskView,
    /// The final state, once no runner writes the journal.
    pub ended: Option<TaskState>,
    /// Exit reason of the last runner.
    pub last_word: Option<Fault>,
    /// Why the last request failed.
    pub refused: Option<Fault>,
    /// Why its journal cannot be read.
    pub unread: Option<Fault>,
    /// The warning about a runner that lives and does not answer.
    pub silent: Option<Fault>,
    /// What was asked for.
    pub asking: Option<(Req, Asking)>,
    /// A cancel was asked for and has no answer yet.
    pub cancelling: bool,
    /// What happened to it, the oldest first.
    pub log: Vec<LogLine>,
    /// The first line of the log on the screen, while the log is open; beyond its end: the end.
    pub log_top: Option<usize>,
    /// The first row of the body; None: where the present step is.
    pub top: Option<usize>,
    /// The target that was chosen among several.
    pub focus: Option<TargetName>,
    /// The report that was written last.
    pub report: Option<Report>,
    /// The screen to go back to.
    pub from: Screen,
    /// A major compaction was agreed to, and waits for a secret.
    compact_first: bool,
    /// The journal is read from its start again; until then the old state is shown.
    again: bool,
}

impl Watched {
    /// A task of which nothing was read yet.
    #[must_use]
    pub fn new(id: String, typed: Typed, following: Req, from: Screen) -> Self {
        Self {
            id,
            typed,
            following: Some(following),
            view: TaskView::default(),
            ended: None,
            silent: None,
            last_word: None,
            refused: None,
            unread: None,
            asking: None,
            cancelling: false,
            log: Vec::new(),
            log_top: None,
            top: None,
            focus: None,
            report: None,
            from,
            compact_first: false,
            again: false,
        }
    }

    /// Whether its clock moves.
    #[must_use]
    pub fn ticks(&self) -> bool {
        self.following.is_some() && self.ended.is_none()
    }

    /// Its state.
    #[must_use]
    pub fn state(&self) -> TaskState {
        self.ended.unwrap_or_else(|| self.view.state(true))
    }

    /// Its targets; once it is over the worst first.
    #[must_use]
    pub fn targets(&self) -> Vec<&TargetView> {
        let mut targets: Vec<&TargetView> = self.view.targets.iter().collect();
        if self.ended.is_some() {
            // What has no verdict is what nobody knows.
            targets
                .sort_by_key(|target| Reverse(target.outcome.as_ref().map_or(u8::MAX, |end| end.verdict.severity())));
        }
        targets
    }

    /// The target whose steps are shown: the chosen one, else the first that is not over, else the first.
    #[must_use]
    pub fn focused(&self) -> Option<&TargetView> {
        let targets = self.targets();
        let chosen = self.focus.as_ref().and_then(|focus| targets.iter().find(|target| target.target == *focus));
        chosen.or_else(|| targets.iter().find(|target| !target.is_over())).or_else(|| targets.first()).copied()
    }

    /// The fault of the focused target: why it stopped, what it is warned of, or what its verdict says.
    #[must_use]
    pub fn fault(&self) -> Option<&Fault> {
        let target = self.focused()?;
        let of_verdict = target.outcome.as_ref().and_then(|outcome| outcome.fault.as_ref());
        of_verdict.or_else(|| target.current().and_then(|step| step.fault.as_ref()))
    }

    /// Reads its journal from the beginning again; what is known stays on the screen until then.
    fn follow_again(&mut self, req: Req) -> Vec<Effect> {
        self.following = Some(req);
        self.ended = None;
        self.last_word = None;
        self.refused = None;
        self.unread = None;
        self.top = None;
        self.again = true;
        vec![Effect::Follow(req, self.id.clone())]
    }

    /// What y copies: the path of a report that was just written, else what the focused target came to.
    fn copied(&mut self) -> String {
        if let Some(report) = self.report.as_mut().filter(|report| !report.copied) {
            report.copied = true;
            return report.path.display().to_string();
        }
        let of_fault = |fault: &Fault| {
            let mut lines = words::sentences(fault).to_vec();
            if !fault.detail.is_empty() {
                lines.push(fault.detail.clone());
            }
            lines.join("\n")
        };
        let target = self.focused();
        let verdict = target.and_then(|target| Some((&target.target, target.outcome.as_ref()?)));
        let fault = self.unread.as_ref().or(self.refused.as_ref()).or_else(|| self.fault());
        match (verdict, fault) {
            (Some((target, outcome)), _) => {
                let mut lines = words::whole_verdict(target, outcome);
                let detail = outcome.fault.as_ref().map(|fault| fault.detail.clone());
                lines.extend(detail.filter(|detail| !detail.is_empty()));
                format!("Task {}\n{}", self.id, lines.join("\n"))
            }
            (None, Some(fault)) => format!("Task {}\n{}", self.id, of_fault(fault)),
            (None, None) => self.id.clone(),
        }
    }
}

/// Opens a task; the one that was watched before is let go, and remembered for the farewell.
pub fn open(model: &mut Model, id: String, typed: Typed) -> Vec<Effect> {
    let from = match model.screen {
        Screen::Tasks => Screen::Tasks,
        _ => Screen::Target,
    };
    model.screen = Screen::Task;
    if let Some(task) = model.task.as_mut().filter(|task| task.id == id) {
        task.from = from;
        if task.ticks() {
            return Vec::new();
        }
        // Somebody else may have gone on with it meanwhile.
        model.last_req += 1;
        return task.follow_again(Req(model.last_req));
    }
    let req = model.next_req();
    let known = model.left.iter().position(|left| left.id == id).map(|at| model.left.remove(at));
    let mut task = known.unwrap_or_else(|| Box::new(Watched::new(id, typed, req, from)));
    task.from = from;
    let effects = task.follow_again(req);
    if let Some(mut before) = model.task.replace(task) {
        before.following = None;
        model.left.push(before);
    }
    effects
}

/// Watches the backup that somebody else runs on a tenant.
pub fn attach(model: &mut Model, facts: Arc<Facts>, target: TargetName) -> Vec<Effect> {
    if model.attaching.is_some() {
        return Vec::new();
    }
    let req = model.next_req();
    model.attaching = Some((req, model.screen));
    model.notice = Some(format!("A runner of its own begins to watch {target}."));
    vec![Effect::Attach(req, facts, target)]
}

/// Does what a key means.
pub fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    if moved(model, action) {
        return Vec::new();
    }
    match action {
        Action::Back | Action::Detach => back(model),
        Action::Retry => on::asked_to_retry(model),
        Action::Compact => on::ask_what(model, Asking::CompactQuestion),
        Action::Cancel => on::ask_what(model, Asking::CancelQuestion),
        Action::Report => on::ask_what(model, Asking::Report),
        Action::Log => {
            if let Some(task) = &mut model.task {
                task.log_top = if task.log_top.is_some() { None } else { Some(usize::MAX) };
            }
            Vec::new()
        }
        Action::Copy => {
            let Some(task) = &mut model.task else { return Vec::new() };
            let text = task.copied();
            let first = text.lines().next().unwrap_or_default();
            model.notice = Some(format!("Copied, where the terminal takes it: {first}"));
            vec![Effect::Copy(text)]
        }
        _ => Vec::new(),
    }
}

/// Moves in the log, among several targets, or in the body; whether it was a move.
fn moved(model: &mut Model, action: Action) -> bool {
    let (top, last, page) = view::scroll(model);
    let Some(task) = &mut model.task else { return false };
    let targets: Vec<TargetName> = task.targets().iter().map(|target| target.target.clone()).collect();
    if task.log_top.is_none() && targets.len() > 1 && matches!(action, Action::Up | Action::Down) {
        let at = task.focused().and_then(|focus| targets.iter().position(|target| *target == focus.target));
        let to = update::moved(action, at.unwrap_or(0), targets.len(), 1);
        task.focus = to.and_then(|to| targets.get(to).cloned());
        task.top = None;
        return true;
    }
    let Some(to) = update::moved(action, top, last + 1, page) else { return false };
    if task.log_top.is_some() {
        // The end stays the end, whatever comes.
        task.log_top = Some(if to >= last { usize::MAX } else { to });
    } else {
        task.top = Some(to);
    }
    true
}

/// Closes the log, or leaves the task to itself.
fn back(model: &mut Model) -> Vec<Effect> {
    let Some(task) = &mut model.task else {
        model.screen = Screen::Target;
        return Vec::new();
    };
    if task.log_top.take().is_some() {
        return Vec::new();
    }
    model.screen = task.from;
    let cluster = task.view.prepared.as_ref().map(|prepared| prepared.plan.cluster.name.clone());
    // What the task changed is shown where one comes back to.
    let mut effects = tasks::refresh(model);
    effects.extend(cluster.map(|cluster| target::ask_one(model, &cluster)).unwrap_or_default());
    effects
}

/// A runner took the task, or did not.
pub fn launched(model: &mut Model, req: Req, started: Result<String, Fault>) -> Vec<Effect> {
    if let Some((_, screen)) = model.attaching.take_if(|(asked, _)| *asked == req) {
        return attached(model, screen, started);
    }
    let next = model.last_req + 1;
    let is_its = |task: &&mut Box<Watched>| matches!(task.asking, Some((asked, _)) if asked == req);
    if let Some(left) = model.left.iter_mut().find(is_its).filter(|_| started.is_ok()) {
        // What it came to before is not what it comes to now.
        left.ended = None;
    }
    let Some(task) = asked(model, req) else { return Vec::new() };
    match started {
        Ok(_) => {
            task.cancelling = false;
            task.focus = None;
            let effects = task.follow_again(Req(next));
            model.last_req = next;
            effects
        }
        Err(fault) => refuse(task, fault),
    }
}

/// Somebody else's backup is watched, or is not.
fn attached(model: &mut Model, asked_on: Screen, started: Result<String, Fault>) -> Vec<Effect> {
    match started {
        Ok(id) if model.screen == asked_on && model.overlay.is_none() => {
            model.notice = None;
            open(model, id, Typed::default())
        }
        Ok(id) => {
            model.notice = Some(format!("Task {id} watches it; b lists the tasks."));
            Vec::new()
        }
        Err(fault) => {
            model.notice = Some(format!("{} {} {}", fault.what, fault.why, fault.next));
            Vec::new()
        }
    }
}

/// Returns the watched task if `req` is its pending request, which is cleared.
fn asked(model: &mut Model, req: Req) -> Option<&mut Watched> {
    // One that was left meanwhile waits for nothing any more; its journal is read again when one comes back to it.
    for left in &mut model.left {
        left.asking.take_if(|(asked, _)| *asked == req);
    }
    let task = model.task.as_mut()?;
    task.asking.take_if(|(asked, _)| *asked == req)?;
    Some(task)
}

fn refuse(task: &mut Watched, fault: Fault) -> Vec<Effect> {
    task.refused = Some(fault);
    task.top = Some(0);
    Vec::new()
}

/// Something was written into its journal.
pub fn followed(model: &mut Model, req: Req, at: Timestamp, event: &Result<Event, Unread>) -> Vec<Effect> {
    let shown = model.screen == Screen::Task;
    let Some(task) = model.task.as_mut().filter(|task| task.following == Some(req)) else { return Vec::new() };
    if std::mem::take(&mut task.again) {
        task.view = TaskView::default();
        task.log.clear();
    }
    let lines = match event {
        Ok(event) if is_logged(&task.view, event) => told(event),
        Ok(_) => Vec::new(),
        Err(entry) => vec![unknown(entry)],
    };
    task.log.extend(lines.into_iter().map(|told| LogLine { at, told }));
    task.view.take(at, event);
    if let Ok(Event::Request { verb, answer, fault, .. }) = event {
        let was_ours = std::mem::take(&mut task.cancelling);
        if was_ours {
            task.refused.clone_from(fault);
        }
        if was_ours && shown {
            model.notice = Some(format!("{verb}: {answer}"));
        }
    }
    Vec::new()
}

/// Figures that only grew are on the screen and not in the log; another phase is news.
fn is_logged(view: &TaskView, event: &Event) -> bool {
    match event {
        Event::Progress { target, progress } => {
            let before = view.target(target).and_then(|target| target.progress.as_ref());
            before.is_none_or(|before| before.phase != progress.phase)
        }
        Event::Created { .. }
        | Event::RunnerStarted { .. }
        | Event::Step { .. }
        | Event::Intent { .. }
        | Event::Answered { .. }
        | Event::NotStarted { .. }
        | Event::Job { .. }
        | Event::Waiting { .. }
        | Event::Verdict { .. }
        | Event::Request { .. }
        | Event::RunnerEnded { .. } => true,
    }
}

/// Handles the end of a followed journal.
pub fn followed_to_end(model: &mut Model, req: Req, state: TaskState, last_word: Option<Fault>) -> Vec<Effect> {
    let Some(task) = model.task.as_mut().filter(|task| task.following == Some(req)) else { return Vec::new() };
    task.following = None;
    task.ended = Some(state);
    task.silent = None;
    task.last_word = last_word;
    task.cancelling = false;
    task.top = None;
    let cluster = task.view.prepared.as_ref().map(|prepared| prepared.plan.cluster.name.clone());
    match (model.screen, cluster) {
        (Screen::Target, Some(cluster)) => target::ask_one(model, &cluster),
        (Screen::Tasks, _) => tasks::refresh(model),
        _ => Vec::new(),
    }
}

/// Shows that the journal cannot be read.
pub fn follow_failed(model: &mut Model, req: Req, fault: Fault) -> Vec<Effect> {
    if let Some(task) = model.task.as_mut().filter(|task| task.following == Some(req)) {
        task.following = None;
        task.unread = Some(fault);
        task.top = Some(0);
    }
    Vec::new()
}

/// What a cancel or a compaction would do is known: it is asked.
pub fn questioned(model: &mut Model, req: Req, question: Result<Question, Fault>) -> Vec<Effect> {
    let may_ask = model.screen == Screen::Task && model.overlay.is_none();
    let Some(task) = asked(model, req) else { return Vec::new() };
    match question {
        Ok(question) => {
            task.refused = None;
            if may_ask {
                model.notice = None;
                model.overlay = Some(Overlay::Question(Box::new(question)));
            }
            Vec::new()
        }
        Err(fault) => refuse(task, fault),
    }
}

/// A request to cancel was put into the task's file, or was not.
pub fn cancel_asked(model: &mut Model, req: Req, put: Result<(), Fault>) -> Vec<Effect> {
    let next = model.last_req + 1;
    let Some(task) = asked(model, req) else { return Vec::new() };
    if let Err(fault) = put {
        return refuse(task, fault);
    }
    task.cancelling = true;
    if task.ticks() {
        return Vec::new();
    }
    // No runner was there: one was started for it.
    let effects = task.follow_again(Req(next));
    model.last_req = next;
    effects
}

/// A report was written, or was not.
pub fn reported(model: &mut Model, req: Req, path: Result<PathBuf, Fault>) -> Vec<Effect> {
    let Some(task) = asked(model, req) else { return Vec::new() };
    match path {
        Ok(path) => {
            task.report = Some(Report { path, copied: false });
            task.top = Some(0);
            Vec::new()
        }
        Err(fault) => refuse(task, fault),
    }
}
