//! Messages change the model and return effects. The rule of this layer: no I/O, no clock, no task is started here;
//! time comes in as an argument, and what must be done goes out as data.

use super::effect::Effect;
use super::key::Key;
use super::keymap::{self, Action, KeyLookup};
use super::model::{ClusterState, Model, Overlay, RequestId, Screen};
use super::msg::{Answer, Msg};
use super::screens::{confirm, confirm_dialog, connect, detected, mode, secret_prompt, storage, target, task, tasks};
use crate::app::inventory_summary::{ClusterSummary, InventorySummary};
use crate::domain::fault::Fault;

/// The one way the model changes.
#[must_use]
pub fn update(model: &mut Model, msg: Msg) -> Vec<Effect> {
    match msg {
        Msg::Key(key) => handle_key(model, key),
        Msg::Paste(text) => handle_paste(model, &text),
        Msg::Resized(columns, rows) => {
            model.size = (columns, rows);
            target::clamp_cursor(model);
            Vec::new()
        }
        Msg::Woken => Vec::new(),
        Msg::NotSuspended => {
            model.notice = Some("No shell waits behind obnow that could bring it back; it was not stopped.".to_owned());
            Vec::new()
        }
        Msg::Answer(req, answer) => handle_answer(model, req, answer),
    }
}

/// Returns the first effects: they read the inventory.
#[must_use]
pub fn initial_effects(model: &mut Model) -> Vec<Effect> {
    let req = model.next_request_id();
    model.inventory_request = Some(req);
    vec![Effect::OpenInventory(req)]
}

fn handle_key(model: &mut Model, key: Key) -> Vec<Effect> {
    model.notice = None;
    if model.is_too_small() {
        // Nothing is done that nobody can see.
        return match key {
            Key::Ctrl('c') | Key::Char('q') => leave(model),
            _ => Vec::new(),
        };
    }
    if key == Key::Ctrl('z') {
        return vec![Effect::Suspend];
    }
    if model.is_typing() && edit_text(model, key) {
        return Vec::new();
    }
    match keymap::look_up(model, key) {
        KeyLookup::Action(action) => handle_action(model, action),
        KeyLookup::Unavailable(why) => {
            model.notice = Some(why);
            Vec::new()
        }
        KeyLookup::Unbound => {
            if let Key::Char(_) = key {
                model.notice = Some(format!("{} does nothing here; ? shows the keys that do.", key.name()));
            }
            Vec::new()
        }
    }
}

/// A text field takes its keys first; whether it took this one.
fn edit_text(model: &mut Model, key: Key) -> bool {
    match (&mut model.overlay, model.screen) {
        (Some(Overlay::Confirm(question)), _) => question.name.as_mut().is_some_and(|name| name.text.handle_key(key)),
        (Some(Overlay::SecretPrompt(ask)), _) => ask.text.handle_key(key),
        (None, Screen::Target) => target::type_filter(model, key),
        (None, Screen::Storage) => storage::handle_key(model, key),
        (None, Screen::Mode) => mode::handle_key(model, key),
        (None, Screen::Connect) => connect::handle_key(model, key),
        (Some(Overlay::Help(_)), _) | (None, Screen::Detected | Screen::Confirm | Screen::Task | Screen::Tasks) => {
            false
        }
    }
}

/// Pasted text goes into a field and nowhere else: it is never a key.
fn handle_paste(model: &mut Model, text: &str) -> Vec<Effect> {
    model.notice = None;
    if !model.is_typing() || model.is_too_small() {
        model.notice = Some("Nothing here takes text; what was pasted was not used.".to_owned());
        return Vec::new();
    }
    match (&mut model.overlay, model.screen) {
        (Some(Overlay::Confirm(question)), _) => {
            if let Some(name) = &mut question.name {
                name.text.paste(text);
            }
        }
        (Some(Overlay::SecretPrompt(ask)), _) => ask.text.paste(text),
        (None, Screen::Target) => target::paste_filter(model, text),
        (None, Screen::Storage) => storage::handle_paste(model, text),
        (None, Screen::Mode) => mode::handle_paste(model, text),
        (None, Screen::Connect) => connect::handle_paste(model, text),
        (Some(Overlay::Help(_)), _) | (None, Screen::Detected | Screen::Confirm | Screen::Task | Screen::Tasks) => {}
    }
    Vec::new()
}

fn handle_action(model: &mut Model, action: Action) -> Vec<Effect> {
    if action == Action::Quit {
        return quit(model);
    }
    match model.overlay.take() {
        Some(Overlay::Help(row)) => {
            if action != Action::Back {
                let rows = keymap::screen_bindings(model.screen).count();
                model.overlay = Some(Overlay::Help(next_position(action, row, rows, model.body_rows()).unwrap_or(row)));
            }
            return Vec::new();
        }
        Some(Overlay::Confirm(question)) => return confirm_dialog::handle_action(model, &question, action),
        Some(Overlay::SecretPrompt(ask)) => return secret_prompt::handle_action(model, *ask, action),
        None => {}
    }
    match action {
        Action::Help => {
            model.overlay = Some(Overlay::Help(0));
            Vec::new()
        }
        Action::FixDemo => {
            let req = model.next_request_id();
            vec![Effect::FixDemo(req)]
        }
        Action::Tasks if model.screen != Screen::Tasks => tasks::open(model),
        _ => match model.screen {
            Screen::Connect => connect::handle_action(model, action),
            Screen::Target => target::handle_action(model, action),
            Screen::Detected => detected::handle_action(model, action),
            Screen::Storage => storage::handle_action(model, action),
            Screen::Mode => mode::handle_action(model, action),
            Screen::Confirm => confirm::handle_action(model, action),
            Screen::Task => task::handle_action(model, action),
            Screen::Tasks => tasks::handle_action(model, action),
        },
    }
}

/// Where a move leads in a list of so many rows; None: the action is no move.
#[must_use]
pub fn next_position(action: Action, from: usize, rows: usize, page: usize) -> Option<usize> {
    let last = rows.saturating_sub(1);
    Some(match action {
        Action::Up => from.saturating_sub(1),
        Action::Down => (from + 1).min(last),
        Action::First => 0,
        Action::Last => last,
        Action::PageUp => from.saturating_sub(page),
        Action::PageDown => (from + page).min(last),
        _ => return None,
    })
}

/// Ends, after a question where something typed would be lost.
fn quit(model: &mut Model) -> Vec<Effect> {
    let drafts = model.draft.iter().chain(model.drafts.values());
    let lost = drafts.into_iter().any(super::model::Draft::is_edited) || model.connect.is_edited();
    // What was made up has become a task, or is just becoming one: "nothing was started" would be wrong.
    let begun = model.screen == Screen::Task || model.confirm.launch_request.is_some();
    let asked_already = matches!(&model.overlay, Some(Overlay::Confirm(question)) if question.is_about_leaving());
    if lost && !begun && !asked_already {
        model.overlay = Some(Overlay::Confirm(Box::new(confirm_dialog::ConfirmDialog::for_leaving())));
        return Vec::new();
    }
    leave(model)
}

/// Ends.
pub fn leave(model: &mut Model) -> Vec<Effect> {
    model.is_leaving = true;
    if model.confirm.launch_request.is_some() || model.task.as_ref().is_some_and(|task| task.pending.is_some()) {
        // That is waited for, and a screen on which no key does anything would look broken.
        model.notice = Some("What was asked for is being handed over; obnow ends right after that.".to_owned());
    }
    vec![Effect::StopTest, Effect::Quit]
}

/// Handles an answer; one to a request that is not pending any more changes nothing.
fn handle_answer(model: &mut Model, req: RequestId, answer: Answer) -> Vec<Effect> {
    match answer {
        Answer::InventoryOpened(known) if model.inventory_request == Some(req) => handle_inventory(model, *known),
        Answer::InventoryOpened(_) => Vec::new(),
        Answer::Detected { cluster, facts } => target::handle_detected(model, req, &cluster, facts),
        Answer::ConnectionTried(facts) => connect::handle_tried(model, req, facts),
        Answer::ConnectionSaved(known) => match connect::handle_saved(model, req, *known) {
            Some(known) => handle_inventory(model, Ok(known)),
            None => Vec::new(),
        },
        Answer::Prepared(prepared) => confirm::handle_prepared(model, req, *prepared),
        Answer::TestProgressed(news) => storage::handle_test_news(model, req, *news),
        Answer::TestFinished(report) => storage::handle_test_report(model, req, *report),
        Answer::Launched(started) => handle_launched(model, req, started),
        Answer::Followed(at, event) => task::handle_entry(model, req, at, &event),
        Answer::RunnerUnresponsive(fault) => task::handle_unresponsive(model, req, fault),
        Answer::FollowEnded { state, exit_reason: last_word } => {
            task::handle_follow_ended(model, req, state, last_word)
        }
        Answer::FollowFailed(fault) => task::handle_follow_failed(model, req, fault),
        Answer::Tasks(rows) => tasks::handle_listed(model, req, rows),
        Answer::DialogReady(question) => task::handle_dialog(model, req, question.map(|question| *question)),
        Answer::CancelRequested(asked) => task::handle_cancel_requested(model, req, asked),
        Answer::ReportWritten(path) => task::handle_report(model, req, path),
        Answer::DemoFixed(causes) => handle_demo_fixed(model, causes),
    }
}

/// A runner took a task, or did not: the question was the confirm screen's, the picker's or the task view's.
fn handle_launched(model: &mut Model, req: RequestId, started: Result<String, Fault>) -> Vec<Effect> {
    if model.confirm.launch_request == Some(req) {
        return confirm::handle_launched(model, started);
    }
    task::handle_launched(model, req, started)
}

/// The inventory was read: its clusters are shown, and asked.
fn handle_inventory(model: &mut Model, known: Result<InventorySummary, Fault>) -> Vec<Effect> {
    model.inventory_request = None;
    let (clusters, has_none) = match &known {
        Ok(known) => (known.clusters.clone(), known.clusters.is_empty()),
        Err(_) => (Vec::new(), false),
    };
    // A password that was typed into the form of the first connection is there already.
    let unlocked = model.connect.password_given_for.take();
    let is_locked =
        |known: &ClusterSummary| known.is_password_typed && unlocked.as_deref() != Some(known.name.cluster());
    model.clusters = clusters
        .into_iter()
        .map(|known| ClusterState {
            needs_password: is_locked(&known),
            summary: known,
            answer: None,
            pending: None,
            rows: Vec::new(),
        })
        .collect();
    let names = model.clusters.iter().map(|cluster| cluster.summary.name.cluster().to_owned());
    model.cluster_indexes = names.zip(0..).collect();
    model.inventory = Some(known);
    if has_none {
        model.screen = Screen::Connect;
        return Vec::new();
    }
    if model.screen == Screen::Connect {
        model.screen = Screen::Target;
    }
    target::refresh_all(model);
    let mut effects = target::detect_all(model);
    effects.extend(tasks::refresh(model));
    // One cluster, whose password is asked for: there is nothing else to do first.
    if let [only] = model.clusters.as_slice()
        && only.needs_password
    {
        let name = only.summary.name.cluster().to_owned();
        effects.extend(target::ask_password(model, name));
    }
    effects.extend(target::open_initial_target(model));
    effects
}

/// The facts of a cluster are new: whatever was made from the old ones is made again.
pub fn facts_changed(model: &mut Model, cluster: &str) -> Vec<Effect> {
    if model.draft.as_ref().is_none_or(|draft| draft.cluster() != cluster) {
        return Vec::new();
    }
    storage::prefill(model);
    detected::refresh(model);
    if model.screen == Screen::Confirm { confirm::prepare(model) } else { Vec::new() }
}

fn handle_demo_fixed(model: &mut Model, causes: Result<Vec<String>, String>) -> Vec<Effect> {
    model.notice = Some(match causes {
        Ok(causes) if causes.is_empty() => "There was no cause to remove.".to_owned(),
        Ok(causes) => format!("Removed: {}.", causes.join(", ")),
        Err(why) => format!("Nothing was removed: {why}."),
    });
    match model.screen {
        Screen::Target => target::detect_all(model),
        Screen::Detected | Screen::Storage | Screen::Mode | Screen::Confirm => {
            let cluster = model.draft.as_ref().map(|draft| draft.cluster().to_owned());
            cluster.map_or_else(Vec::new, |cluster| target::detect_one(model, &cluster))
        }
        Screen::Connect | Screen::Task | Screen::Tasks => Vec::new(),
    }
}
