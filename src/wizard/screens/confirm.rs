//! The confirm screen: the plan, and the button that starts it.

use std::sync::Arc;

use jiff::Timestamp;

use super::ask::{Ask, Asked};
use super::question::{Doing, Question};
use super::task;
use crate::domain::choices::Choices;
use crate::domain::command_line::shell;
use crate::domain::confirmation::by_name;
use crate::domain::fault::Fault;
use crate::domain::plan::{Action as PlanAction, Refusal, TargetPlan};
use crate::domain::preflight::{Check, CheckId};
use crate::domain::secret::{Secret, SecretSource};
use crate::domain::task::{Prepared, PreviewStep};
use crate::wizard::effect::{Effect, Typed};
use crate::wizard::form::Text;
use crate::wizard::key::Key;
use crate::wizard::keymap::{Action, Availability, Binding};
use crate::wizard::model::{Draft, Model, Overlay, Req, Screen};
use crate::wizard::msg::Made;
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
pub struct Shown {
    /// The plan that is confirmed.
    pub prepared: Arc<Prepared>,
    /// The command line that makes the same plan.
    pub same_as: String,
    /// The choices it was made from.
    choices: Choices,
    /// When the facts it was made from were read.
    facts: Timestamp,
}

/// The confirm screen.
#[derive(Debug, Clone, Default)]
pub struct Confirm {
    /// The plan, or why there is none.
    pub shown: Option<Result<Shown, Box<Refusal>>>,
    /// The question for it.
    pub asking: Option<(Req, Choices, Timestamp)>,
    /// The button that has the focus.
    pub button: Button,
    /// The first row on the screen.
    pub top: usize,
    /// The plan is being handed over.
    pub launching: Option<Req>,
    /// The hand-over was refused.
    pub refused: Option<Fault>,
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
    .when(|model| draft_may_change(model, offer(model).is_some(), "The look at the storage needs no secret here.")),
    Binding::new(
        &[Key::Char('p')],
        Action::Password,
        "password",
        "add a password of older backup sets, for the server's look at the storage",
        1,
    )
    .when(|model| draft_may_change(model, may_look(model), "The server is not asked to look at the storage here.")),
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
    let question = Question::override_of(check, &draft.targets);
    model.overlay = Some(Overlay::Question(Box::new(question)));
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
    Availability::when(model.confirm.launching.is_none(), "The task is being handed over.")
}

/// What changes the draft: ready where there is something to change, and never while the plan is being handed over.
fn draft_may_change(model: &Model, ready: bool, reason: &str) -> Availability {
    if ready { can_leave(model) } else { Availability::Off(reason.to_owned()) }
}

/// The tick about the secrets of the server's look at the storage: whether it is set, and what it says. None: the plan needs
/// no secret for it, or cannot be asked at all.
#[must_use]
pub fn offer(model: &Model) -> Option<(bool, String)> {
    let Some(Ok(shown)) = &model.confirm.shown else { return None };
    let plan = &shown.prepared.plan;
    let server = model.facts().map_or_else(|| plan.cluster.name.clone(), |facts| facts.cluster.endpoint.clone());
    let set = model.draft.as_ref().is_some_and(|draft| draft.prove);
    let told = |needs: &str| format!("{needs}: sent to the server {server}, whose audit and logs may keep it");
    if let Some(needs) = plan.targets.iter().find_map(|target| target.proof_needs.as_deref()) {
        return Some((set, told(needs)));
    }
    let mut asked = plan.targets.iter().flat_map(|target| &target.steps).flat_map(|step| &step.actions);
    asked.find_map(crate::domain::plan::Action::secrets).filter(|_| set).map(|secrets| (set, told(&secrets)))
}

/// Whether the server looks at the storage in the end, or would if it got the secrets for it.
fn may_look(model: &Model) -> bool {
    let Some(Ok(shown)) = &model.confirm.shown else { return false };
    let looks = |target: &TargetPlan| {
        let mut actions = target.steps.iter().flat_map(|step| &step.actions);
        target.proof_needs.is_some() || actions.any(|action| matches!(action, PlanAction::LookAtStorage { .. }))
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
    model.overlay = Some(Overlay::Ask(Box::new(Ask::new(what, Asked::OlderPassword, None))));
}

/// A password of older backup sets was typed: it goes along with the look at the storage, and the plan is made anew.
pub fn add_older_password(model: &mut Model, password: Text) -> Vec<Effect> {
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
    draft.prove = true;
    prepare(model)
}

/// Whether the plan on the screen is that of the present draft and facts.
fn can_start(model: &Model) -> Availability {
    if model.confirm.launching.is_some() {
        return Availability::Off("The task is being handed over.".to_owned());
    }
    if let Some(why) = no_plan(model) {
        return Availability::Off(why);
    }
    match &model.confirm.shown {
        None => Availability::Off("The plan is being made.".to_owned()),
        Some(Err(refusal)) => Availability::Off(format!("{} {}", refusal.fault.what, refusal.fault.why)),
        Some(Ok(shown)) => Availability::when(is_present(model, shown), "The plan is being made anew."),
    }
}

/// Why no plan can be made from the draft and the facts as they are; None: one is made, or was.
#[must_use]
pub fn no_plan(model: &Model) -> Option<String> {
    let cluster = model.chosen()?;
    match &cluster.answer {
        Some(Err(fault)) => Some(format!("{} {} No plan is made without its answer.", fault.what, fault.why)),
        None => Some(format!("{} has not answered yet.", cluster.known.name)),
        Some(Ok(_)) => {
            let wrong = model.draft.as_ref().and_then(|draft| draft.storage.wanted().err());
            wrong.map(|why| format!("The storage cannot be used: {why}"))
        }
    }
}

fn is_present(model: &Model, shown: &Shown) -> bool {
    let facts = model.facts().map(|facts| facts.at);
    model.confirm.asking.is_none() && facts == Some(shown.facts) && model.choices().as_ref() == Some(&shown.choices)
}

/// Opens the screen.
pub fn open(model: &mut Model) -> Vec<Effect> {
    model.screen = Screen::Confirm;
    model.confirm = Confirm::default();
    prepare(model)
}

/// Has the plan made from the draft and the facts as they are.
pub fn prepare(model: &mut Model) -> Vec<Effect> {
    let (Some(choices), Some(facts)) = (model.choices(), model.facts().cloned()) else {
        // The answer to an older question is about facts that are gone.
        model.confirm.asking = None;
        return Vec::new();
    };
    let req = model.next_req();
    model.confirm.asking = Some((req, choices.clone(), facts.at));
    vec![Effect::Prepare(req, facts, Box::new(choices))]
}

/// The plan was made, or refused.
pub fn prepared(model: &mut Model, req: Req, made: Result<Made, Box<Refusal>>) -> Vec<Effect> {
    let Some((_, choices, facts)) = model.confirm.asking.take_if(|(asked, _, _)| *asked == req) else {
        return Vec::new();
    };
    let words = |words: Vec<String>| {
        let whole: Vec<String> =
            ["obnow".to_owned()].into_iter().chain(model.reach.iter().cloned()).chain(words).collect();
        shell(&whole)
    };
    let shown =
        made.map(|made| Shown { prepared: Arc::new(made.prepared), same_as: words(made.same_as), choices, facts });
    // Another plan than the one that was read is not started by a key that was on its way, nor by a question that the old
    // one asked.
    let same =
        matches!((&model.confirm.shown, &shown), (Some(Ok(old)), Ok(new)) if reads_alike(&old.prepared, &new.prepared));
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
fn reads_alike(old: &Prepared, new: &Prepared) -> bool {
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
        Overlay::Question(question) => question.doing == Doing::Start,
        Overlay::Ask(ask) => ask.asked == Asked::AccessKeyToStart,
        Overlay::Help(_) => false,
    }
}

/// Does what a key means.
pub fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    let rows = crate::wizard::view::confirm::rows(model);
    if let Some(top) = update::moved(action, model.confirm.top, rows, model.body_rows()) {
        model.confirm.top = top.min(rows.saturating_sub(model.body_rows().saturating_sub(2)));
        return Vec::new();
    }
    match (action, model.confirm.button) {
        (Action::NextField, Button::Back) => model.confirm.button = Button::Start,
        (Action::NextField, Button::Start) => model.confirm.button = Button::Back,
        (Action::Back, _) | (Action::Next, Button::Back) => model.screen = Screen::Mode,
        (Action::Next, Button::Start) => return start(model),
        (Action::Override, _) => ask_to_override(model),
        (Action::Choose, _) if offer(model).is_some() => {
            if let Some(draft) = model.draft.as_mut() {
                draft.prove = !draft.prove;
                draft.older_passwords.clear();
            }
            return prepare(model);
        }
        (Action::Password, _) => ask_older_password(model),
        (Action::Copy, _) => {
            if let Some(Ok(shown)) = &model.confirm.shown {
                return vec![Effect::Copy(shown.same_as.clone())];
            }
        }
        _ => {}
    }
    Vec::new()
}

/// Back up Now was pressed: on prod, what interrupts something or compacts the cluster asks for a name first.
fn start(model: &mut Model) -> Vec<Effect> {
    let Some(Ok(shown)) = &model.confirm.shown else { return Vec::new() };
    let environment = model.chosen().and_then(|cluster| cluster.known.environment.as_deref());
    if let Some(asked) = by_name(&shown.prepared, environment) {
        let question = Question::new(Doing::Start, asked.title, asked.lines).by_name(asked.name);
        model.overlay = Some(Overlay::Question(Box::new(question)));
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
    let typed = draft.typed();
    let Some(Ok(shown)) = &model.confirm.shown else { return Vec::new() };
    let source = shown.prepared.plan.access_key();
    if matches!(source, Some(SecretSource::Prompt)) && typed.access_key.is_none() {
        let ask = Ask::new("Access key of the storage".to_owned(), Asked::AccessKeyToStart, None);
        model.overlay = Some(Overlay::Ask(Box::new(ask)));
        return Vec::new();
    }
    hand_over(model, typed)
}

/// Goes on with the access key that was asked for.
pub fn launch_with(model: &mut Model, key: Secret) -> Vec<Effect> {
    if can_start(model) != Availability::Ready {
        model.notice = Some("The plan changed meanwhile; read it again.".to_owned());
        return Vec::new();
    }
    let Some(draft) = &model.draft else { return Vec::new() };
    let typed = Typed { access_key: Some(key), ..draft.typed() };
    hand_over(model, typed)
}

fn hand_over(model: &mut Model, typed: Typed) -> Vec<Effect> {
    let req = model.next_req();
    let Some(Ok(shown)) = &model.confirm.shown else { return Vec::new() };
    model.confirm.launching = Some(req);
    model.confirm.refused = None;
    vec![Effect::Launch(req, Arc::clone(&shown.prepared), typed)]
}

/// A runner took it, or did not.
pub fn launched(model: &mut Model, started: Result<String, Fault>) -> Vec<Effect> {
    model.confirm.launching = None;
    match started {
        Ok(id) => {
            let typed = model.draft.as_ref().map(Draft::typed).unwrap_or_default();
            // What was made up has become a task; the next backup begins with a fresh draft.
            model.draft = None;
            model.confirm = Confirm::default();
            // Marks that stayed would send the next Enter to these tenants again, whatever has the focus.
            model.list.marked.clear();
            // The help of this screen would lie over another one.
            model.overlay = None;
            task::open(model, id, typed)
        }
        Err(fault) => {
            model.confirm.refused = Some(fault);
            model.confirm.button = Button::Back;
            // Its id is used up, whether or not anything began under it.
            prepare(model)
        }
    }
}
