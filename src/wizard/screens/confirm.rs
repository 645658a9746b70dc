//! The confirm screen: the plan, and the button that starts it.

use std::sync::Arc;

use jiff::Timestamp;

use super::confirm_dialog::{ConfirmAction, ConfirmDialog};
use super::secret_prompt::{SecretPrompt, SecretPurpose};
use super::task;
use crate::domain::choices::Choices;
use crate::domain::command_line::shell;
use crate::domain::confirmation::name_confirmation;
use crate::domain::fault::Fault;
use crate::domain::plan::{Action as PlanAction, Refusal, TargetPlan};
use crate::domain::preflight::{Check, CheckId};
use crate::domain::secret::{Secret, SecretSource};
use crate::domain::task::{Prepared, PreviewStep};
use crate::wizard::effect::{Effect, TypedSecrets};
use crate::wizard::key::Key;
use crate::wizard::keymap::{Action, Availability, Binding};
use crate::wizard::model::{Draft, Model, Overlay, RequestId, Screen};
use crate::wizard::msg::PlanPreview;
use crate::wizard::text_field::TextField;
use crate::wizard::update;

/// The buttons.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Button {
    /// Back: where the focus starts.
    #[default]
    Back,
    /// Back up Now.
    Start,
}

/// A plan that was made for the draft.
#[derive(Debug, Clone, PartialEq)]
pub struct ShownPlan {
    /// The plan that is confirmed.
    pub prepared: Arc<Prepared>,
    /// The command line that makes the same plan.
    pub equivalent_command: String,
    /// The choices it was made from.
    choices: Choices,
    /// When the facts it was made from were read.
    facts: Timestamp,
}

/// The confirm screen.
#[derive(Debug, Clone, Default)]
pub struct ConfirmScreen {
    /// The plan, or why there is none.
    pub shown: Option<Result<ShownPlan, Box<Refusal>>>,
    /// The question for it.
    pub pending: Option<(RequestId, Choices, Timestamp)>,
    /// The button that has the focus.
    pub button: Button,
    /// The first row on the screen.
    pub top: usize,
    /// The plan is being handed over.
    pub launch_request: Option<RequestId>,
    /// The hand-over was refused.
    pub launch_error: Option<Fault>,
}

/// The keys of the screen.
pub const KEYS: [Binding; 7] = [
    Binding::new(
        &[Key::Tab, Key::BackTab, Key::Left, Key::Right],
        Action::NextField,
        "button",
        "to the other button",
        8,
    ),
    Binding::new(&[Key::Enter], Action::Next, "press", "press the focused button", 7).when(|model| {
        match model.confirm.button {
            Button::Back => can_leave(model),
            Button::Start => can_start(model),
        }
    }),
    Binding::new(&[Key::Esc], Action::Back, "back", "back to the mode", 6).when(can_leave),
    Binding::new(&[Key::Char('o')], Action::Override, "override", "plan in spite of a failed check", 5).when(|model| {
        match may_be_overridden(model) {
            Some(_) => can_leave(model),
            None => Availability::Hidden,
        }
    }),
    Binding::new(
        &[Key::Char(' ')],
        Action::Choose,
        "look",
        "send the secrets of the server's look at the storage, or not",
        5,
    )
    .when(|model| {
        can_change_draft(model, proof_secrets_offer(model).is_some(), "The look at the storage needs no secret here.")
    }),
    Binding::new(
        &[Key::Char('p')],
        Action::Password,
        "password",
        "add a password of older backup sets, for the server's look at the storage",
        1,
    )
    .when(|model| can_change_draft(model, may_prove(model), "The server is not asked to look at the storage here.")),
    Binding::new(&[Key::Char('y')], Action::Copy, "copy", "copy the command that makes the same plan", 3),
];

/// The failed check, of those that may be overridden, for which there is no plan, or for which a target is left out of it.
fn may_be_overridden(model: &Model) -> Option<&Check> {
    let checks: &[Check] = match model.confirm.shown.as_ref()? {
        Ok(shown) => &shown.prepared.plan.checks,
        Err(refusal) => &refusal.checks,
    };
    checks.iter().find(|check| check.check.may_be_skipped() && check.refuses())
}

/// Asks for the target's name, to plan in spite of a failed check.
fn ask_to_override(model: &mut Model) {
    let (Some(draft), Some(check)) = (&model.draft, may_be_overridden(model)) else { return };
    let question = ConfirmDialog::for_override(check, &draft.targets);
    model.overlay = Some(Overlay::Confirm(Box::new(question)));
}

/// A failed check was overridden by the name: the plan is made anew.
pub fn override_check(model: &mut Model, check: CheckId) -> Vec<Effect> {
    if let Some(draft) = &mut model.draft {
        draft.mode.skip.insert(check);
    }
    prepare(model)
}

/// While the plan is being handed over its draft stays as it is: the answer is about that draft.
fn can_leave(model: &Model) -> Availability {
    Availability::ready_or(model.confirm.launch_request.is_none(), "The task is being handed over.")
}

/// What changes the draft: ready where there is something to change, and never while the plan is being handed over.
fn can_change_draft(model: &Model, ready: bool, reason: &str) -> Availability {
    if ready { can_leave(model) } else { Availability::Unavailable(reason.to_owned()) }
}

/// The tick about the secrets of the server's look at the storage: whether it is set, and what it says. None: the plan needs
/// no secret for it, or cannot be asked at all.
#[must_use]
pub fn proof_secrets_offer(model: &Model) -> Option<(bool, String)> {
    let Some(Ok(shown)) = &model.confirm.shown else { return None };
    let plan = &shown.prepared.plan;
    let server = model.facts().map_or_else(|| plan.cluster.name.clone(), |facts| facts.cluster.endpoint.clone());
    let set = model.draft.as_ref().is_some_and(|draft| draft.may_send_proof_secrets);
    let told = |needs: &str| format!("sends {needs} to the server {server}, whose audit and logs may keep it");
    if let Some(needs) = plan.targets.iter().find_map(|target| target.proof_needs.as_deref()) {
        return Some((set, told(needs)));
    }
    let mut asked = plan.targets.iter().flat_map(|target| &target.steps).flat_map(|step| &step.actions);
    asked.find_map(crate::domain::plan::Action::secrets).filter(|_| set).map(|secrets| (set, told(&secrets)))
}

/// Whether the server looks at the storage in the end, or would if it got the secrets for it.
fn may_prove(model: &Model) -> bool {
    let Some(Ok(shown)) = &model.confirm.shown else { return false };
    let looks = |target: &TargetPlan| {
        let mut actions = target.steps.iter().flat_map(|step| &step.actions);
        target.proof_needs.is_some() || actions.any(|action| matches!(action, PlanAction::ProveOnStorage { .. }))
    };
    shown.prepared.plan.targets.iter().any(looks)
}

/// Asks for a password of older backup sets: the server wants that of every set in the directory.
fn ask_older_password(model: &mut Model) {
    let given = model.draft.as_ref().map_or(0, |draft| draft.older_passwords.len());
    let what = match given {
        0 => "Password of older backup sets".to_owned(),
        given => format!("Password of older backup sets, number {}", given + 1),
    };
    model.overlay = Some(Overlay::SecretPrompt(Box::new(SecretPrompt::new(what, SecretPurpose::OlderPassword, None))));
}

/// A password of older backup sets was typed: it goes along with the look at the storage, and the plan is made anew.
pub fn add_older_password(model: &mut Model, password: TextField) -> Vec<Effect> {
    if let Some(why) = password.as_secret().and_then(|secret| secret.unfit_to_encrypt()) {
        model.notice = Some(format!("The password cannot be used. {why}."));
        return Vec::new();
    }
    let Some(draft) = model.draft.as_mut() else { return Vec::new() };
    if draft.older_passwords.contains(&password) {
        model.notice = Some("That password is given already.".to_owned());
        return Vec::new();
    }
    draft.older_passwords.push(password);
    draft.may_send_proof_secrets = true;
    prepare(model)
}

/// Whether the plan on the screen is that of the present draft and facts.
fn can_start(model: &Model) -> Availability {
    if model.confirm.launch_request.is_some() {
        return Availability::Unavailable("The task is being handed over.".to_owned());
    }
    if let Some(why) = no_plan_reason(model) {
        return Availability::Unavailable(why);
    }
    match &model.confirm.shown {
        None => Availability::Unavailable("The plan is being made.".to_owned()),
        Some(Err(refusal)) => Availability::Unavailable(format!("{} {}", refusal.fault.what, refusal.fault.why)),
        Some(Ok(shown)) => Availability::ready_or(is_current(model, shown), "The plan is being made anew."),
    }
}

/// Why no plan can be made from the draft and the facts as they are; None: one is made, or was.
#[must_use]
pub fn no_plan_reason(model: &Model) -> Option<String> {
    let cluster = model.chosen_cluster()?;
    match &cluster.answer {
        Some(Err(fault)) => Some(format!("{} {} No plan is made without its answer.", fault.what, fault.why)),
        None => Some(format!("{} has not answered yet.", cluster.summary.name)),
        Some(Ok(_)) => {
            let wrong = model.draft.as_ref().and_then(|draft| draft.storage.typed_storage().err());
            wrong.map(|why| format!("The storage cannot be used: {why}"))
        }
    }
}

fn is_current(model: &Model, shown: &ShownPlan) -> bool {
    let facts = model.facts().map(|facts| facts.at);
    model.confirm.pending.is_none() && facts == Some(shown.facts) && model.choices().as_ref() == Some(&shown.choices)
}

/// Opens the screen.
pub fn open(model: &mut Model) -> Vec<Effect> {
    model.screen = Screen::Confirm;
    model.confirm = ConfirmScreen::default();
    prepare(model)
}

/// Has the plan made from the draft and the facts as they are.
pub fn prepare(model: &mut Model) -> Vec<Effect> {
    let (Some(choices), Some(facts)) = (model.choices(), model.facts().cloned()) else {
        // The answer to an older question is about facts that are gone.
        model.confirm.pending = None;
        return Vec::new();
    };
    let req = model.next_request_id();
    model.confirm.pending = Some((req, choices.clone(), facts.at));
    vec![Effect::Prepare(req, facts, Box::new(choices))]
}

/// The plan was made, or refused.
pub fn handle_prepared(model: &mut Model, req: RequestId, made: Result<PlanPreview, Box<Refusal>>) -> Vec<Effect> {
    let Some((_, choices, facts)) = model.confirm.pending.take_if(|(asked, _, _)| *asked == req) else {
        return Vec::new();
    };
    let words = |words: Vec<String>| {
        let whole: Vec<String> =
            ["obnow".to_owned()].into_iter().chain(model.global_args.iter().cloned()).chain(words).collect();
        shell(&whole)
    };
    let shown = made.map(|made| ShownPlan {
        prepared: Arc::new(made.prepared),
        equivalent_command: words(made.equivalent_command),
        choices,
        facts,
    });
    // Another plan than the one that was read is not started by a key that was on its way, nor by a question that the old
    // one asked.
    let same =
        matches!((&model.confirm.shown, &shown), (Some(Ok(old)), Ok(new)) if shows_same(&old.prepared, &new.prepared));
    if !same {
        model.confirm.button = Button::Back;
        if model.overlay.as_ref().is_some_and(is_about_the_start) {
            model.overlay = None;
            model.notice = Some("The plan changed meanwhile; read it again.".to_owned());
        }
    }
    model.confirm.shown = Some(shown);
    Vec::new()
}

/// Whether two plans show the same. The id of the task, which is new each time, is in the statements.
fn shows_same(old: &Prepared, new: &Prepared) -> bool {
    let alike = |a: &PreviewStep, b: &PreviewStep| {
        let statements = |step: &PreviewStep, task: &str| -> Vec<String> {
            step.statements.iter().map(|statement| statement.replace(task, "")).collect()
        };
        (&a.target, a.step, a.needed, &a.effect, &a.interrupts)
            == (&b.target, b.step, b.needed, &b.effect, &b.interrupts)
            && statements(a, &old.task) == statements(b, &new.task)
    };
    old.plan.left_out == new.plan.left_out
        && old.preview.len() == new.preview.len()
        && old.preview.iter().zip(&new.preview).all(|(a, b)| alike(a, b))
}

/// Whether answering it would start the plan.
fn is_about_the_start(overlay: &Overlay) -> bool {
    match overlay {
        Overlay::Confirm(question) => question.action == ConfirmAction::Start,
        Overlay::SecretPrompt(ask) => ask.purpose == SecretPurpose::AccessKeyToStart,
        Overlay::Help(_) => false,
    }
}

/// Does what a key means.
pub fn handle_action(model: &mut Model, action: Action) -> Vec<Effect> {
    let rows = crate::wizard::view::confirm::row_count(model);
    if let Some(top) = update::next_position(action, model.confirm.top, rows, model.body_rows()) {
        model.confirm.top = top.min(rows.saturating_sub(model.body_rows().saturating_sub(2)));
        return Vec::new();
    }
    match (action, model.confirm.button) {
        (Action::NextField, Button::Back) => model.confirm.button = Button::Start,
        (Action::NextField, Button::Start) => model.confirm.button = Button::Back,
        (Action::Back, _) | (Action::Next, Button::Back) => model.screen = Screen::Mode,
        (Action::Next, Button::Start) => return start(model),
        (Action::Override, _) => ask_to_override(model),
        (Action::Choose, _) if proof_secrets_offer(model).is_some() => {
            if let Some(draft) = model.draft.as_mut() {
                draft.may_send_proof_secrets = !draft.may_send_proof_secrets;
                draft.older_passwords.clear();
            }
            return prepare(model);
        }
        (Action::Password, _) => ask_older_password(model),
        (Action::Copy, _) => {
            if let Some(Ok(shown)) = &model.confirm.shown {
                return vec![Effect::Copy(shown.equivalent_command.clone())];
            }
        }
        _ => {}
    }
    Vec::new()
}

/// Back up Now was pressed: on prod, what interrupts something or compacts the cluster asks for a name first.
fn start(model: &mut Model) -> Vec<Effect> {
    let Some(Ok(shown)) = &model.confirm.shown else { return Vec::new() };
    let environment = model.chosen_cluster().and_then(|cluster| cluster.summary.environment.as_deref());
    if let Some(asked) = name_confirmation(&shown.prepared, environment) {
        let question = ConfirmDialog::new(ConfirmAction::Start, asked.title, asked.lines).with_name(asked.name);
        model.overlay = Some(Overlay::Confirm(Box::new(question)));
        return Vec::new();
    }
    launch(model)
}

/// Hands the plan over, with every secret it needs.
pub fn launch(model: &mut Model) -> Vec<Effect> {
    if can_start(model) != Availability::Ready {
        model.notice = Some("The plan changed meanwhile; read it again.".to_owned());
        return Vec::new();
    }
    let Some(draft) = &model.draft else { return Vec::new() };
    let typed = draft.typed_secrets();
    let Some(Ok(shown)) = &model.confirm.shown else { return Vec::new() };
    let source = shown.prepared.plan.access_key();
    if matches!(source, Some(SecretSource::Prompt)) && typed.access_key.is_none() {
        let ask = SecretPrompt::new("Access key of the storage".to_owned(), SecretPurpose::AccessKeyToStart, None);
        model.overlay = Some(Overlay::SecretPrompt(Box::new(ask)));
        return Vec::new();
    }
    request_launch(model, typed)
}

/// Goes on with the access key that was asked for.
pub fn launch_with(model: &mut Model, key: Secret) -> Vec<Effect> {
    if can_start(model) != Availability::Ready {
        model.notice = Some("The plan changed meanwhile; read it again.".to_owned());
        return Vec::new();
    }
    let Some(draft) = &model.draft else { return Vec::new() };
    let typed = TypedSecrets { access_key: Some(key), ..draft.typed_secrets() };
    request_launch(model, typed)
}

fn request_launch(model: &mut Model, typed: TypedSecrets) -> Vec<Effect> {
    let req = model.next_request_id();
    let Some(Ok(shown)) = &model.confirm.shown else { return Vec::new() };
    model.confirm.launch_request = Some(req);
    model.confirm.launch_error = None;
    vec![Effect::Launch(req, Arc::clone(&shown.prepared), typed)]
}

/// A runner took it, or did not.
pub fn handle_launched(model: &mut Model, started: Result<String, Fault>) -> Vec<Effect> {
    model.confirm.launch_request = None;
    match started {
        Ok(id) => {
            let typed = model.draft.as_ref().map(Draft::typed_secrets).unwrap_or_default();
            // What was made up has become a task; the next backup begins with a fresh draft.
            model.draft = None;
            model.confirm = ConfirmScreen::default();
            // Marks that stayed would send the next Enter to these tenants again, whatever has the focus.
            model.list.marked.clear();
            // The help of this screen would lie over another one.
            model.overlay = None;
            task::open(model, id, typed)
        }
        Err(fault) => {
            model.confirm.launch_error = Some(fault);
            model.confirm.button = Button::Back;
            // Its id is used up, whether or not anything began under it.
            prepare(model)
        }
    }
}
