//! Messages change the model and return effects. The rule of this layer: no I/O, no clock, no task is started here;
//! time comes in as an argument, and what must be done goes out as data.

use super::effect::Effect;
use super::key::Key;
use super::keymap::{self, Action, Meaning};
use super::model::{Cluster, Model, Overlay, Req, Screen};
use super::msg::{Answer, Msg};
use super::screens::{ask, confirm, connect, detected, mode, question, storage, target, task, tasks};
use crate::app::known::{Known, KnownCluster};
use crate::domain::fault::Fault;

/// The one way the model changes.
#[must_use]
pub fn update(model: &mut Model, msg: Msg) -> Vec<Effect> {
    match msg {
        Msg::Key(key) => pressed(model, key),
        Msg::Paste(text) => pasted(model, &text),
        Msg::Resized(columns, rows) => {
            model.size = (columns, rows);
            target::settle(model);
            Vec::new()
        }
        Msg::Woken => Vec::new(),
        Msg::NotSuspended => {
            model.notice = Some("No shell waits behind obnow that could bring it back; it was not stopped.".to_owned());
            Vec::new()
        }
        Msg::Answer(req, answer) => answered(model, req, answer),
    }
}

/// Returns the first effects: they read the inventory.
#[must_use]
pub fn begin(model: &mut Model) -> Vec<Effect> {
    let req = model.next_req();
    model.opening = Some(req);
    vec![Effect::Open(req)]
}

fn pressed(model: &mut Model, key: Key) -> Vec<Effect> {
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
    if model.is_typing() && typed(model, key) {
        return Vec::new();
    }
    match keymap::meaning(model, key) {
        Meaning::Does(action) => act(model, action),
        Meaning::Not(why) => {
            model.notice = Some(why);
            Vec::new()
        }
        Meaning::Nothing => {
            if let Key::Char(_) = key {
                model.notice = Some(format!("{} does nothing here; ? shows the keys that do.", key.name()));
            }
            Vec::new()
        }
    }
}

/// A text field takes its keys first; whether it took this one.
fn typed(model: &mut Model, key: Key) -> bool {
    match (&mut model.overlay, model.screen) {
        (Some(Overlay::Question(question)), _) => question.name.as_mut().is_some_and(|name| name.text.key(key)),
        (Some(Overlay::Ask(ask)), _) => ask.text.key(key),
        (None, Screen::Target) => target::type_filter(model, key),
        (None, Screen::Storage) => storage::typed(model, key),
        (None, Screen::Mode) => mode::typed(model, key),
        (None, Screen::Connect) => connect::typed(model, key),
        (Some(Overlay::Help(_)), _) | (None, Screen::Detected | Screen::Confirm | Screen::Task | Screen::Tasks) => {
            false
        }
    }
}

/// Pasted text goes into a field and nowhere else: it is never a key.
fn pasted(model: &mut Model, text: &str) -> Vec<Effect> {
    model.notice = None;
    if !model.is_typing() || model.is_too_small() {
        model.notice = Some("Nothing here takes text; what was pasted was not used.".to_owned());
        return Vec::new();
    }
    match (&mut model.overlay, model.screen) {
        (Some(Overlay::Question(question)), _) => {
            if let Some(name) = &mut question.name {
                name.text.paste(text);
            }
        }
        (Some(Overlay::Ask(ask)), _) => ask.text.paste(text),
        (None, Screen::Target) => target::paste_filter(model, text),
        (None, Screen::Storage) => storage::pasted(model, text),
        (None, Screen::Mode) => mode::pasted(model, text),
        (None, Screen::Connect) => connect::pasted(model, text),
        (Some(Overlay::Help(_)), _) | (None, Screen::Detected | Screen::Confirm | Screen::Task | Screen::Tasks) => {}
    }
    Vec::new()
}

fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    if action == Action::Quit {
        return quit(model);
    }
    match model.overlay.take() {
        Some(Overlay::Help(row)) => {
            if action != Action::Back {
                let rows = keymap::of_screen(model.screen).count();
                model.overlay = Some(Overlay::Help(moved(action, row, rows, model.body_rows()).unwrap_or(row)));
            }
            return Vec::new();
        }
        Some(Overlay::Question(question)) => return question::act(model, &question, action),
        Some(Overlay::Ask(ask)) => return ask::act(model, *ask, action),
        None => {}
    }
    match action {
        Action::Help => {
            model.overlay = Some(Overlay::Help(0));
            Vec::new()
        }
        Action::Fix => {
            let req = model.next_req();
            vec![Effect::Fix(req)]
        }
        Action::Tasks if model.screen != Screen::Tasks => tasks::open(model),
        _ => match model.screen {
            Screen::Connect => connect::act(model, action),
            Screen::Target => target::act(model, action),
            Screen::Detected => detected::act(model, action),
            Screen::Storage => storage::act(model, action),
            Screen::Mode => mode::act(model, action),
            Screen::Confirm => confirm::act(model, action),
            Screen::Task => task::act(model, action),
            Screen::Tasks => tasks::act(model, action),
        },
    }
}

/// Where a move leads in a list of so many rows; None: the action is no move.
#[must_use]
pub fn moved(action: Action, from: usize, rows: usize, page: usize) -> Option<usize> {
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
    let lost = drafts.into_iter().any(super::model::Draft::is_touched) || model.connect.is_touched();
    // What was made up has become a task, or is just becoming one: "nothing was started" would be wrong.
    let begun = model.screen == Screen::Task || model.confirm.launching.is_some();
    let asked_already = matches!(&model.overlay, Some(Overlay::Question(question)) if question.is_about_leaving());
    if lost && !begun && !asked_already {
        model.overlay = Some(Overlay::Question(Box::new(question::Question::leave())));
        return Vec::new();
    }
    leave(model)
}

/// Ends.
pub fn leave(model: &mut Model) -> Vec<Effect> {
    model.leaving = true;
    if model.confirm.launching.is_some() || model.task.as_ref().is_some_and(|task| task.asking.is_some()) {
        // That is waited for, and a screen on which no key does anything would look broken.
        model.notice = Some("What was asked for is being handed over; obnow ends right after that.".to_owned());
    }
    vec![Effect::StopTest, Effect::Leave]
}

/// Handles an answer; one to a request that is not pending any more changes nothing.
fn answered(model: &mut Model, req: Req, answer: Answer) -> Vec<Effect> {
    match answer {
        Answer::Opened(known) if model.opening == Some(req) => opened(model, *known),
        Answer::Opened(_) => Vec::new(),
        Answer::Detected { cluster, facts } => target::detected(model, req, &cluster, facts),
        Answer::Tried(facts) => connect::tried(model, req, facts),
        Answer::Saved(known) => match connect::saved(model, req, *known) {
            Some(known) => opened(model, Ok(known)),
            None => Vec::new(),
        },
        Answer::Prepared(prepared) => confirm::prepared(model, req, *prepared),
        Answer::Tested(news) => storage::tested(model, req, *news),
        Answer::TestOver(report) => storage::test_over(model, req, *report),
        Answer::Launched(started) => launched(model, req, started),
        Answer::Followed(at, event) => task::followed(model, req, at, &event),
        Answer::Silent(fault) => task::silent(model, req, fault),
        Answer::FollowedToEnd { state, last_word } => task::followed_to_end(model, req, state, last_word),
        Answer::FollowFailed(fault) => task::follow_failed(model, req, fault),
        Answer::Tasks(rows) => tasks::listed(model, req, rows),
        Answer::Questioned(question) => task::questioned(model, req, question.map(|question| *question)),
        Answer::CancelAsked(asked) => task::cancel_asked(model, req, asked),
        Answer::Reported(path) => task::reported(model, req, path),
        Answer::Fixed(causes) => fixed(model, causes),
    }
}

/// A runner took a task, or did not: the question was the confirm screen's, the picker's or the task view's.
fn launched(model: &mut Model, req: Req, started: Result<String, Fault>) -> Vec<Effect> {
    if model.confirm.launching == Some(req) {
        return confirm::launched(model, started);
    }
    task::launched(model, req, started)
}

/// The inventory was read: its clusters are shown, and asked.
fn opened(model: &mut Model, known: Result<Known, Fault>) -> Vec<Effect> {
    model.opening = None;
    let (clusters, has_none) = match &known {
        Ok(known) => (known.clusters.clone(), known.clusters.is_empty()),
        Err(_) => (Vec::new(), false),
    };
    // A password that was typed into the form of the first connection is there already.
    let unlocked = model.connect.unlocked.take();
    let is_locked = |known: &KnownCluster| known.asks_password && unlocked.as_deref() != Some(known.name.cluster());
    model.clusters = clusters
        .into_iter()
        .map(|known| Cluster { locked: is_locked(&known), known, answer: None, asking: None, rows: Vec::new() })
        .collect();
    let names = model.clusters.iter().map(|cluster| cluster.known.name.cluster().to_owned());
    model.places = names.zip(0..).collect();
    model.inventory = Some(known);
    if has_none {
        model.screen = Screen::Connect;
        return Vec::new();
    }
    if model.screen == Screen::Connect {
        model.screen = Screen::Target;
    }
    target::refresh_all(model);
    let mut effects = target::ask_all(model);
    effects.extend(tasks::refresh(model));
    // One cluster, whose password is asked for: there is nothing else to do first.
    if let [only] = model.clusters.as_slice()
        && only.locked
    {
        let name = only.known.name.cluster().to_owned();
        effects.extend(target::ask_password(model, name));
    }
    effects.extend(target::go_straight(model));
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

fn fixed(model: &mut Model, causes: Result<Vec<String>, String>) -> Vec<Effect> {
    model.notice = Some(match causes {
        Ok(causes) if causes.is_empty() => "There was no cause to remove.".to_owned(),
        Ok(causes) => format!("Removed: {}.", causes.join(", ")),
        Err(why) => format!("Nothing was removed: {why}."),
    });
    match model.screen {
        Screen::Target => target::ask_all(model),
        Screen::Detected | Screen::Storage | Screen::Mode | Screen::Confirm => {
            let cluster = model.draft.as_ref().map(|draft| draft.cluster().to_owned());
            cluster.map_or_else(Vec::new, |cluster| target::ask_one(model, &cluster))
        }
        Screen::Connect | Screen::Task | Screen::Tasks => Vec::new(),
    }
}
