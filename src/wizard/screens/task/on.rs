//! The actions on a task: retry, major compaction, cancel; each is confirmed once.

use super::keys::{Way, way};
use super::{Asking, Watched};
use crate::domain::fault::Fault;
use crate::domain::task::Retry;
use crate::wizard::effect::{Effect, Typed};
use crate::wizard::model::{Model, Overlay, Req};
use crate::wizard::screens::ask::{Ask, Asked};
use crate::wizard::screens::question::{Doing, Question};
use crate::wizard::screens::target;

/// r was pressed: a new backup is asked for once, another look is not.
pub(super) fn asked_to_retry(model: &mut Model) -> Vec<Effect> {
    match way(model) {
        Way::ReadAgain => {
            let req = model.next_req();
            model.task.as_mut().map_or_else(Vec::new, |task| task.follow_again(req))
        }
        Way::Retry(retry) => match retry.question() {
            Some(said) => {
                let question = Question::new(Doing::Retry, "Start a NEW backup?", vec![said]);
                model.overlay = Some(Overlay::Question(Box::new(question)));
                Vec::new()
            }
            None => go_on(model, false),
        },
        Way::Not(why) => {
            model.notice = Some(why);
            Vec::new()
        }
    }
}

/// Asks what a key would do, before anybody is asked whether to do it; or for a report.
pub(super) fn ask_what(model: &mut Model, what: Asking) -> Vec<Effect> {
    if what != Asking::Report
        && let Some(effects) = unlock(model)
    {
        return effects;
    }
    let req = model.next_req();
    let Some(task) = &mut model.task else { return Vec::new() };
    task.asking = Some((req, what));
    let id = task.id.clone();
    match what {
        Asking::CancelQuestion => {
            model.notice = Some("The server is asked what a cancel would hit.".to_owned());
            vec![Effect::CancelQuestion(req, id)]
        }
        Asking::CompactQuestion => {
            model.notice = Some("The server is asked what a major compaction would load.".to_owned());
            vec![Effect::CompactQuestion(req, id)]
        }
        Asking::Report => vec![Effect::Report(req, id)],
        Asking::GoOn | Asking::Cancel => Vec::new(),
    }
}

/// The password of its cluster is asked for, where nobody knows it.
fn unlock(model: &mut Model) -> Option<Vec<Effect>> {
    let prepared = model.task.as_ref()?.view.prepared.as_ref()?;
    let name = prepared.plan.cluster.name.clone();
    model.cluster(&name).filter(|cluster| cluster.locked)?;
    Some(target::ask_password(model, name))
}

/// Goes on with the task: what was asked was answered with yes.
pub fn retry(model: &mut Model) -> Vec<Effect> {
    if matches!(way(model), Way::Retry(_)) {
        return go_on(model, false);
    }
    model.notice = Some("The task changed meanwhile; nothing was done.".to_owned());
    Vec::new()
}

/// Resumes the task with a secret that was typed.
pub fn retry_with(model: &mut Model, keep: impl FnOnce(&mut Typed)) -> Vec<Effect> {
    let Some(task) = &mut model.task else { return Vec::new() };
    keep(&mut task.typed);
    let compact = std::mem::take(&mut task.compact_first);
    match way(model) {
        Way::Retry(_) => go_on(model, compact),
        Way::ReadAgain | Way::Not(_) => {
            model.notice = Some("The task changed meanwhile; nothing was done.".to_owned());
            Vec::new()
        }
    }
}

/// Performs a major compaction, and goes on.
pub fn compact(model: &mut Model) -> Vec<Effect> {
    match way(model) {
        Way::Retry(Retry::GoesOn(_) | Retry::LooksAgain | Retry::NewBackup { .. }) => go_on(model, true),
        Way::ReadAgain | Way::Not(_) => {
            model.notice = Some("The task changed meanwhile; nothing was done.".to_owned());
            Vec::new()
        }
    }
}

fn go_on(model: &mut Model, compact: bool) -> Vec<Effect> {
    if let Some(effects) = unlock(model) {
        return effects;
    }
    let Some(task) = &mut model.task else { return Vec::new() };
    if let Some((what, asked)) = missing(task) {
        task.compact_first = compact;
        model.overlay = Some(Overlay::Ask(Box::new(Ask::new(what.to_owned(), asked, None))));
        return Vec::new();
    }
    model.last_req += 1;
    let req = Req(model.last_req);
    task.asking = Some((req, Asking::GoOn));
    task.refused = None;
    vec![Effect::GoOn { req, task: task.id.clone(), compact, typed: task.typed.clone() }]
}

/// A secret that the task needs again, and that nothing leads to but a person.
fn missing(task: &Watched) -> Option<(&'static str, Asked)> {
    let plan = &task.view.prepared.as_ref()?.plan;
    if !task.view.retry_may_start() {
        return None;
    }
    if plan.access_key().is_some_and(|source| !source.lasts()) && task.typed.access_key.is_none() {
        return Some(("Access key of the storage", Asked::AccessKeyToRetry));
    }
    if plan.choices.encrypt.as_ref().is_some_and(|source| !source.lasts()) && task.typed.encryption.is_none() {
        return Some(("Encryption password", Asked::EncryptionToRetry));
    }
    if plan.decrypt_older().iter().filter(|source| !source.lasts()).count() > task.typed.decryption.len() {
        return Some(("Password of older backup sets", Asked::OlderPasswordToRetry));
    }
    None
}

/// Asks the runner to cancel.
pub fn cancel(model: &mut Model) -> Vec<Effect> {
    let req = model.next_req();
    let Some(task) = model.task.as_mut().filter(|task| task.state().may_be_cancelled()) else {
        model.notice = Some("It has ended meanwhile; nothing was cancelled.".to_owned());
        return Vec::new();
    };
    task.asking = Some((req, Asking::Cancel));
    task.refused = None;
    vec![Effect::Cancel(req, task.id.clone())]
}

/// Its runner does not answer, or does again.
pub fn silent(model: &mut Model, req: Req, fault: Option<Fault>) -> Vec<Effect> {
    if let Some(task) = model.task.as_mut().filter(|task| task.following == Some(req)) {
        task.silent = fault;
    }
    Vec::new()
}
