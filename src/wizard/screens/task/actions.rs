//! The actions on a task: retry, major compaction, cancel; each is confirmed once.

use super::keys::{RetryAction, retry_action};
use super::{PendingRequest, WatchedTask, show_error, take_pending};
use crate::domain::fault::Fault;
use crate::domain::task::RetryEffect;
use crate::wizard::effect::{Effect, TypedSecrets};
use crate::wizard::model::{Model, Overlay, RequestId};
use crate::wizard::screens::confirm_dialog::{ConfirmAction, ConfirmDialog};
use crate::wizard::screens::secret_prompt::{SecretPrompt, SecretPurpose};
use crate::wizard::screens::target;

/// r was pressed: a new backup is asked for once, another look is not.
pub(super) fn confirm_retry(model: &mut Model) -> Vec<Effect> {
    match retry_action(model) {
        RetryAction::Reread => {
            let req = model.next_request_id();
            model.task.as_mut().map_or_else(Vec::new, |task| task.follow_again(req))
        }
        RetryAction::Retry(retry) => match retry.question() {
            Some(said) => {
                let question = ConfirmDialog::new(ConfirmAction::Retry, "Start a NEW backup?", vec![said]);
                model.overlay = Some(Overlay::Confirm(Box::new(question)));
                Vec::new()
            }
            None => resume(model, false),
        },
        RetryAction::Unavailable(why) => {
            model.notice = Some(why);
            Vec::new()
        }
    }
}

/// Asks what a key would do, before anybody is asked whether to do it; or for a report.
pub(super) fn send_request(model: &mut Model, what: PendingRequest) -> Vec<Effect> {
    if what != PendingRequest::Report
        && let Some(effects) = request_password(model)
    {
        return effects;
    }
    let req = model.next_request_id();
    let Some(task) = &mut model.task else { return Vec::new() };
    task.pending = Some((req, what));
    let id = task.id.clone();
    match what {
        PendingRequest::CancelQuestion => {
            model.notice = Some("The server is asked what a cancel would hit.".to_owned());
            vec![Effect::CancelQuestion(req, id)]
        }
        PendingRequest::CompactQuestion => {
            model.notice = Some("The server is asked what a major compaction would load.".to_owned());
            vec![Effect::CompactQuestion(req, id)]
        }
        PendingRequest::Report => vec![Effect::Report(req, id)],
        PendingRequest::Resume | PendingRequest::Cancel => Vec::new(),
    }
}

/// The password of its cluster is asked for, where nobody knows it.
fn request_password(model: &mut Model) -> Option<Vec<Effect>> {
    let prepared = model.task.as_ref()?.view.prepared.as_ref()?;
    let name = prepared.plan.cluster.name.clone();
    model.cluster(&name).filter(|cluster| cluster.needs_password)?;
    Some(target::ask_password(model, name))
}

/// Goes on with the task: what was asked was answered with yes.
pub fn retry(model: &mut Model) -> Vec<Effect> {
    if matches!(retry_action(model), RetryAction::Retry(_)) {
        return resume(model, false);
    }
    model.notice = Some("The task changed meanwhile; nothing was done.".to_owned());
    Vec::new()
}

/// Resumes the task with a secret that was typed.
pub fn retry_with(model: &mut Model, keep: impl FnOnce(&mut TypedSecrets)) -> Vec<Effect> {
    let Some(task) = &mut model.task else { return Vec::new() };
    keep(&mut task.typed);
    let compact = std::mem::take(&mut task.compact_first);
    match retry_action(model) {
        RetryAction::Retry(_) => resume(model, compact),
        RetryAction::Reread | RetryAction::Unavailable(_) => {
            model.notice = Some("The task changed meanwhile; nothing was done.".to_owned());
            Vec::new()
        }
    }
}

/// Performs a major compaction, and goes on.
pub fn compact(model: &mut Model) -> Vec<Effect> {
    match retry_action(model) {
        RetryAction::Retry(RetryEffect::GoesOn(_) | RetryEffect::LooksAgain | RetryEffect::NewBackup { .. }) => {
            resume(model, true)
        }
        RetryAction::Reread | RetryAction::Unavailable(_) => {
            model.notice = Some("The task changed meanwhile; nothing was done.".to_owned());
            Vec::new()
        }
    }
}

fn resume(model: &mut Model, compact: bool) -> Vec<Effect> {
    if let Some(effects) = request_password(model) {
        return effects;
    }
    let Some(task) = &mut model.task else { return Vec::new() };
    if let Some((what, asked)) = missing_secret(task) {
        task.compact_first = compact;
        model.overlay = Some(Overlay::SecretPrompt(Box::new(SecretPrompt::new(what.to_owned(), asked, None))));
        return Vec::new();
    }
    model.last_request_id += 1;
    let req = RequestId(model.last_request_id);
    task.pending = Some((req, PendingRequest::Resume));
    task.request_error = None;
    vec![Effect::Resume { req, task: task.id.clone(), compact, typed: task.typed.clone() }]
}

/// A secret that the task needs again, and that nothing leads to but a person.
fn missing_secret(task: &WatchedTask) -> Option<(&'static str, SecretPurpose)> {
    let plan = &task.view.prepared.as_ref()?.plan;
    if !task.view.retry_may_start() {
        return None;
    }
    if plan.access_key().is_some_and(|source| !source.lasts()) && task.typed.access_key.is_none() {
        return Some(("Access key of the storage", SecretPurpose::AccessKeyToRetry));
    }
    if plan.choices.encrypt.as_ref().is_some_and(|source| !source.lasts()) && task.typed.encryption.is_none() {
        return Some(("Encryption password", SecretPurpose::EncryptionToRetry));
    }
    if plan.decrypt_older().iter().filter(|source| !source.lasts()).count() > task.typed.decryption.len() {
        return Some(("Password of older backup sets", SecretPurpose::OlderPasswordToRetry));
    }
    None
}

/// Asks the runner to cancel.
pub fn cancel(model: &mut Model) -> Vec<Effect> {
    let req = model.next_request_id();
    let Some(task) = model.task.as_mut().filter(|task| task.state().may_be_cancelled()) else {
        model.notice = Some("It has ended meanwhile; nothing was cancelled.".to_owned());
        return Vec::new();
    };
    task.pending = Some((req, PendingRequest::Cancel));
    task.request_error = None;
    vec![Effect::Cancel(req, task.id.clone())]
}

/// Its runner does not answer, or does again.
pub fn handle_unresponsive(model: &mut Model, req: RequestId, fault: Option<Fault>) -> Vec<Effect> {
    if let Some(task) = model.task.as_mut().filter(|task| task.follow_request == Some(req)) {
        task.unresponsive = fault;
    }
    Vec::new()
}

/// A request to cancel was put into the task's file, or was not.
pub fn handle_cancel_requested(model: &mut Model, req: RequestId, put: Result<(), Fault>) -> Vec<Effect> {
    let next = model.last_request_id + 1;
    let Some(task) = take_pending(model, req) else { return Vec::new() };
    if let Err(fault) = put {
        return show_error(task, fault);
    }
    task.is_cancelling = true;
    if task.is_live() {
        return Vec::new();
    }
    // No runner was there: one was started for it.
    let effects = task.follow_again(RequestId(next));
    model.last_request_id = next;
    effects
}
