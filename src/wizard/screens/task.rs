//! A task as it runs: each step, its state, time and log; what failed and the way on; and the verdict.

use std::cmp::Reverse;
use std::path::PathBuf;
use std::sync::Arc;

use super::confirm_dialog::ConfirmDialog;
use super::{target, tasks};
use crate::domain::facts::Facts;
use crate::domain::fault::Fault;
use crate::domain::format;
use crate::domain::target::TargetName;
use crate::domain::task::{Event, LogLine, TargetView, TaskState, TaskView, UnreadableEvent, log_line, unknown};
use crate::wizard::effect::{Effect, TypedSecrets};
use crate::wizard::keymap::Action;
use crate::wizard::model::{Model, Overlay, RequestId, Screen};
use crate::wizard::update;
use crate::wizard::view::task as view;
use jiff::Timestamp;

mod actions;
mod exit_message;
mod keys;
#[cfg(test)]
pub(crate) mod tests;

pub use actions::{cancel, compact, handle_cancel_requested, handle_unresponsive, retry, retry_with};
pub use exit_message::exit_message;
pub use keys::{KEYS, RetryAction, retry_action};

/// What was asked for and is not answered yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PendingRequest {
    /// What a cancel would hit.
    CancelQuestion,
    /// What a major compaction would load.
    CompactQuestion,
    /// To go on with it.
    Resume,
    /// To cancel it.
    Cancel,
    /// A report.
    Report,
}

/// A line of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogEntry {
    /// When it was written.
    pub at: Timestamp,
    /// What it says.
    pub line: LogLine,
}

/// A report that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Where it is.
    pub path: PathBuf,
    /// Its path was copied.
    pub is_copied: bool,
}

/// The task that is watched.
#[derive(Debug, Clone)]
pub struct WatchedTask {
    /// Its id.
    pub id: String,
    /// What was typed for it.
    pub typed: TypedSecrets,
    /// The question that follows its journal.
    pub follow_request: Option<RequestId>,
    /// What its journal says.
    pub view: TaskView,
    /// The final state, once no runner writes the journal.
    pub final_state: Option<TaskState>,
    /// Exit reason of the last runner.
    pub exit_reason: Option<Fault>,
    /// Why the last request failed.
    pub request_error: Option<Fault>,
    /// Why its journal cannot be read.
    pub read_error: Option<Fault>,
    /// The warning about a runner that lives and does not answer.
    pub unresponsive: Option<Fault>,
    /// What was asked for.
    pub pending: Option<(RequestId, PendingRequest)>,
    /// A cancel was asked for and has no answer yet.
    pub is_cancelling: bool,
    /// What happened to it, the oldest first.
    pub log: Vec<LogEntry>,
    /// The first line of the log on the screen, while the log is open; beyond its end: the end.
    pub log_top: Option<usize>,
    /// The first row of the body; None: where the present step is.
    pub top: Option<usize>,
    /// The target that was chosen among several.
    pub focus: Option<TargetName>,
    /// The report that was written last.
    pub report: Option<Report>,
    /// The screen to go back to.
    pub return_screen: Screen,
    /// A major compaction was agreed to, and waits for a secret.
    compact_first: bool,
    /// The journal is read from its start again; until then the old state is shown.
    is_rereading: bool,
}

impl WatchedTask {
    /// A task of which nothing was read yet.
    #[must_use]
    pub fn new(id: String, typed: TypedSecrets, following: RequestId, from: Screen) -> Self {
        Self {
            id,
            typed,
            follow_request: Some(following),
            view: TaskView::default(),
            final_state: None,
            unresponsive: None,
            exit_reason: None,
            request_error: None,
            read_error: None,
            pending: None,
            is_cancelling: false,
            log: Vec::new(),
            log_top: None,
            top: None,
            focus: None,
            report: None,
            return_screen: from,
            compact_first: false,
            is_rereading: false,
        }
    }

    /// Whether its clock moves.
    #[must_use]
    pub fn is_live(&self) -> bool {
        self.follow_request.is_some() && self.final_state.is_none()
    }

    /// Its state.
    #[must_use]
    pub fn state(&self) -> TaskState {
        self.final_state.unwrap_or_else(|| self.view.state(true))
    }

    /// Its targets; once it is over the worst first.
    #[must_use]
    pub fn targets(&self) -> Vec<&TargetView> {
        let mut targets: Vec<&TargetView> = self.view.targets.iter().collect();
        if self.final_state.is_some() {
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
    fn follow_again(&mut self, req: RequestId) -> Vec<Effect> {
        self.follow_request = Some(req);
        self.final_state = None;
        self.exit_reason = None;
        self.request_error = None;
        self.read_error = None;
        self.top = None;
        self.is_rereading = true;
        vec![Effect::Follow(req, self.id.clone())]
    }

    /// What y copies: the path of a report that was just written, else what the focused target came to.
    fn text_to_copy(&mut self) -> String {
        if let Some(report) = self.report.as_mut().filter(|report| !report.is_copied) {
            report.is_copied = true;
            return report.path.display().to_string();
        }
        let of_fault = |fault: &Fault| {
            let mut lines = format::sentences(fault).to_vec();
            if !fault.detail.is_empty() {
                lines.push(fault.detail.clone());
            }
            lines.join("\n")
        };
        let target = self.focused();
        let verdict = target.and_then(|target| Some((&target.target, target.outcome.as_ref()?)));
        let fault = self.read_error.as_ref().or(self.request_error.as_ref()).or_else(|| self.fault());
        match (verdict, fault) {
            (Some((target, outcome)), _) => {
                let mut lines = format::verdict_lines(target, outcome);
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
pub fn open(model: &mut Model, id: String, typed: TypedSecrets) -> Vec<Effect> {
    let from = match model.screen {
        Screen::Tasks => Screen::Tasks,
        _ => Screen::Target,
    };
    model.screen = Screen::Task;
    if let Some(task) = model.task.as_mut().filter(|task| task.id == id) {
        task.return_screen = from;
        if task.is_live() {
            return Vec::new();
        }
        // Somebody else may have gone on with it meanwhile.
        model.last_request_id += 1;
        return task.follow_again(RequestId(model.last_request_id));
    }
    let req = model.next_request_id();
    let known = model.previous_tasks.iter().position(|left| left.id == id).map(|at| model.previous_tasks.remove(at));
    let mut task = known.unwrap_or_else(|| Box::new(WatchedTask::new(id, typed, req, from)));
    task.return_screen = from;
    let effects = task.follow_again(req);
    if let Some(mut before) = model.task.replace(task) {
        before.follow_request = None;
        model.previous_tasks.push(before);
    }
    effects
}

/// Watches the backup that somebody else runs on a tenant.
pub fn attach(model: &mut Model, facts: Arc<Facts>, target: TargetName) -> Vec<Effect> {
    if model.attach_request.is_some() {
        return Vec::new();
    }
    let req = model.next_request_id();
    model.attach_request = Some((req, model.screen));
    model.notice = Some(format!("A runner of its own begins to watch {target}."));
    vec![Effect::Attach(req, facts, target)]
}

/// Does what a key means.
pub fn handle_action(model: &mut Model, action: Action) -> Vec<Effect> {
    if handle_move(model, action) {
        return Vec::new();
    }
    match action {
        Action::Back | Action::Detach => back(model),
        Action::Retry => actions::confirm_retry(model),
        Action::Compact => actions::send_request(model, PendingRequest::CompactQuestion),
        Action::Cancel => actions::send_request(model, PendingRequest::CancelQuestion),
        Action::Report => actions::send_request(model, PendingRequest::Report),
        Action::Log => {
            if let Some(task) = &mut model.task {
                task.log_top = if task.log_top.is_some() { None } else { Some(usize::MAX) };
            }
            Vec::new()
        }
        Action::Copy => {
            let Some(task) = &mut model.task else { return Vec::new() };
            let text = task.text_to_copy();
            let first = text.lines().next().unwrap_or_default();
            model.notice = Some(format!("Copied, where the terminal takes it: {first}"));
            vec![Effect::Copy(text)]
        }
        _ => Vec::new(),
    }
}

/// Moves in the log, among several targets, or in the body; whether it was a move.
fn handle_move(model: &mut Model, action: Action) -> bool {
    let (top, last, page) = view::scroll_range(model);
    let Some(task) = &mut model.task else { return false };
    let targets: Vec<TargetName> = task.targets().iter().map(|target| target.target.clone()).collect();
    if task.log_top.is_none() && targets.len() > 1 && matches!(action, Action::Up | Action::Down) {
        let at = task.focused().and_then(|focus| targets.iter().position(|target| *target == focus.target));
        let to = update::next_position(action, at.unwrap_or(0), targets.len(), 1);
        task.focus = to.and_then(|to| targets.get(to).cloned());
        task.top = None;
        return true;
    }
    let Some(to) = update::next_position(action, top, last + 1, page) else { return false };
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
    model.screen = task.return_screen;
    let cluster = task.view.prepared.as_ref().map(|prepared| prepared.plan.cluster.name.clone());
    // What the task changed is shown where one comes back to.
    let mut effects = tasks::refresh(model);
    effects.extend(cluster.map(|cluster| target::detect_one(model, &cluster)).unwrap_or_default());
    effects
}

/// A runner took the task, or did not.
pub fn handle_launched(model: &mut Model, req: RequestId, started: Result<String, Fault>) -> Vec<Effect> {
    if let Some((_, screen)) = model.attach_request.take_if(|(asked, _)| *asked == req) {
        return handle_attached(model, screen, started);
    }
    let next = model.last_request_id + 1;
    let is_its = |task: &&mut Box<WatchedTask>| matches!(task.pending, Some((asked, _)) if asked == req);
    if let Some(left) = model.previous_tasks.iter_mut().find(is_its).filter(|_| started.is_ok()) {
        // What it came to before is not what it comes to now.
        left.final_state = None;
    }
    let Some(task) = take_pending(model, req) else { return Vec::new() };
    match started {
        Ok(_) => {
            task.is_cancelling = false;
            task.focus = None;
            let effects = task.follow_again(RequestId(next));
            model.last_request_id = next;
            effects
        }
        Err(fault) => show_error(task, fault),
    }
}

/// Somebody else's backup is watched, or is not.
fn handle_attached(model: &mut Model, asked_on: Screen, started: Result<String, Fault>) -> Vec<Effect> {
    match started {
        Ok(id) if model.screen == asked_on && model.overlay.is_none() => {
            model.notice = None;
            open(model, id, TypedSecrets::default())
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
fn take_pending(model: &mut Model, req: RequestId) -> Option<&mut WatchedTask> {
    // One that was left meanwhile waits for nothing any more; its journal is read again when one comes back to it.
    for left in &mut model.previous_tasks {
        left.pending.take_if(|(asked, _)| *asked == req);
    }
    let task = model.task.as_mut()?;
    task.pending.take_if(|(asked, _)| *asked == req)?;
    Some(task)
}

fn show_error(task: &mut WatchedTask, fault: Fault) -> Vec<Effect> {
    task.request_error = Some(fault);
    task.top = Some(0);
    Vec::new()
}

/// Something was written into its journal.
pub fn handle_entry(
    model: &mut Model,
    req: RequestId,
    at: Timestamp,
    event: &Result<Event, UnreadableEvent>,
) -> Vec<Effect> {
    let shown = model.screen == Screen::Task;
    let Some(task) = model.task.as_mut().filter(|task| task.follow_request == Some(req)) else { return Vec::new() };
    if std::mem::take(&mut task.is_rereading) {
        task.view = TaskView::default();
        task.log.clear();
    }
    let lines = match event {
        Ok(event) if is_logged(&task.view, event) => log_line(event),
        Ok(_) => Vec::new(),
        Err(entry) => vec![unknown(entry)],
    };
    task.log.extend(lines.into_iter().map(|told| LogEntry { at, line: told }));
    task.view.take(at, event);
    if let Ok(Event::Request { verb, answer, fault, .. }) = event {
        let was_ours = std::mem::take(&mut task.is_cancelling);
        if was_ours {
            task.request_error.clone_from(fault);
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

/// Nobody writes into it any more.
pub fn handle_follow_ended(
    model: &mut Model,
    req: RequestId,
    state: TaskState,
    last_word: Option<Fault>,
) -> Vec<Effect> {
    let Some(task) = model.task.as_mut().filter(|task| task.follow_request == Some(req)) else { return Vec::new() };
    task.follow_request = None;
    task.final_state = Some(state);
    task.unresponsive = None;
    task.exit_reason = last_word;
    task.is_cancelling = false;
    task.top = None;
    let cluster = task.view.prepared.as_ref().map(|prepared| prepared.plan.cluster.name.clone());
    match (model.screen, cluster) {
        (Screen::Target, Some(cluster)) => target::detect_one(model, &cluster),
        (Screen::Tasks, _) => tasks::refresh(model),
        _ => Vec::new(),
    }
}

/// Shows that the journal cannot be read.
pub fn handle_follow_failed(model: &mut Model, req: RequestId, fault: Fault) -> Vec<Effect> {
    if let Some(task) = model.task.as_mut().filter(|task| task.follow_request == Some(req)) {
        task.follow_request = None;
        task.read_error = Some(fault);
        task.top = Some(0);
    }
    Vec::new()
}

/// What a cancel or a compaction would do is known: it is asked.
pub fn handle_dialog(model: &mut Model, req: RequestId, question: Result<ConfirmDialog, Fault>) -> Vec<Effect> {
    let may_ask = model.screen == Screen::Task && model.overlay.is_none();
    let Some(task) = take_pending(model, req) else { return Vec::new() };
    match question {
        Ok(question) => {
            task.request_error = None;
            if may_ask {
                model.notice = None;
                model.overlay = Some(Overlay::Confirm(Box::new(question)));
            }
            Vec::new()
        }
        Err(fault) => show_error(task, fault),
    }
}

/// A report was written, or was not.
pub fn handle_report(model: &mut Model, req: RequestId, path: Result<PathBuf, Fault>) -> Vec<Effect> {
    let Some(task) = take_pending(model, req) else { return Vec::new() };
    match path {
        Ok(path) => {
            task.report = Some(Report { path, is_copied: false });
            task.top = Some(0);
            Vec::new()
        }
        Err(fault) => show_error(task, fault),
    }
}
