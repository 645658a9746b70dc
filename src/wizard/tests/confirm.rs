//! Back up Now: one deliberate key, on the plan that is on the screen, once.

use super::driver::{Wizard, names};
use super::fixtures;
use crate::domain::choices::StorageSource;
use crate::domain::facts::Facts;
use crate::domain::preflight::CheckId;
use crate::domain::samples;
use crate::wizard::effect::Effect;
use crate::wizard::model::{Model, Overlay, Screen};
use crate::wizard::msg::Answer;
use crate::wizard::screens::confirm::{self, Button};

fn on_confirm(facts: Facts) -> Wizard {
    let mut wizard = Wizard::with(facts);
    wizard.keys(&["Down"]);
    wizard.goes_to_confirm();
    wizard
}

fn preview(model: &Model) -> String {
    let Some(Ok(shown)) = &model.confirm.shown else { panic!("{:?}", model.confirm.shown) };
    shown.prepared.preview.iter().flat_map(|step| step.statements.clone()).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_focus_starts_on_back_and_only_back_up_now_starts() {
    let mut wizard = on_confirm(fixtures::prod());
    assert!(preview(&wizard.model).contains("ALTER SYSTEM BACKUP TENANT = "), "{}", preview(&wizard.model));
    wizard.keys(&["Enter"]);
    wizard.is_on(Screen::Mode);
    wizard.keys(&["Enter"]);
    wizard.prepared();
    wizard.keys(&["Tab"]);
    let effects = wizard.keys(&["Enter"]);
    let [Effect::Launch(_, prepared, _)] = effects.as_slice() else { panic!("{effects:?}") };
    let Some(Ok(shown)) = &wizard.model.confirm.shown else { panic!() };
    assert_eq!(prepared.digest, shown.prepared.digest);
}

#[test]
fn before_the_plan_is_made_nothing_can_be_started() {
    let mut wizard = Wizard::with(fixtures::prod());
    wizard.keys(&["Down", "Enter", "Enter", "Enter", "Enter", "Tab"]);
    wizard.is_on(Screen::Confirm);
    assert!(wizard.keys(&["Enter"]).is_empty());
    wizard.says("The plan is being made.");
    // An answer to another question makes no plan.
    let other = super::driver::plan_preview(&fixtures::prod(), &wizard.model.choices().unwrap(), "T");
    wizard.answer(crate::wizard::model::RequestId(77), Answer::Prepared(Box::new(other)));
    assert!(wizard.keys(&["Enter"]).is_empty());
    wizard.says("The plan is being made.");
}

#[test]
fn a_queued_key_does_not_start_a_changed_plan() {
    let mut wizard = on_confirm(fixtures::prod());
    wizard.keys(&["Tab"]);
    // The facts change: the plan is made again, and off until it is.
    let req = super::driver::Wizard::last(&wizard, |effect| match effect {
        Effect::Detect(req, _) => Some(*req),
        _ => None,
    });
    assert_eq!(wizard.model.clusters[0].pending, Some(req), "going to Detected asked again");
    let effects = wizard.detected("prod", fixtures::answer(fixtures::read_later(&fixtures::not_archiving())));
    assert_eq!(names(&effects), ["Prepare"]);
    assert!(wizard.keys(&["Enter"]).is_empty());
    wizard.says("The plan is being made anew.");
    wizard.prepared();
    assert_eq!(wizard.model.confirm.button, Button::Back, "another plan: the focus is on Back again");
    wizard.keys(&["Enter"]);
    wizard.is_on(Screen::Mode);
}

#[test]
fn a_plan_that_reads_the_same_keeps_the_focus() {
    let mut wizard = on_confirm(fixtures::prod());
    wizard.keys(&["Tab"]);
    wizard.detected("prod", fixtures::answer(fixtures::read_later(&fixtures::prod())));
    wizard.prepared();
    assert_eq!(wizard.model.confirm.button, Button::Start, "only the task's id is another");
    assert_eq!(names(&wizard.keys(&["Enter"])), ["Launch"]);
}

#[test]
fn on_prod_what_interrupts_something_asks_for_the_name() {
    // Dropping what a round needs is what interrupts: a destination that is changed stops the log archive.
    let mut wizard = on_confirm(fixtures::prod());
    let interrupting = |wizard: &mut Wizard| {
        let Some(Ok(shown)) = &mut wizard.model.confirm.shown else { panic!() };
        let prepared = std::sync::Arc::make_mut(&mut shown.prepared);
        prepared.preview[3].interrupts = "log archiving stops for a moment".into();
    };
    interrupting(&mut wizard);
    wizard.keys(&["Tab"]);
    assert!(wizard.keys(&["Enter"]).is_empty());
    let Some(Overlay::Confirm(question)) = &wizard.model.overlay else { panic!("{:?}", wizard.model.overlay) };
    assert_eq!(question.lines, ["prod/pay: log archiving stops for a moment"]);
    assert!(wizard.keys(&["y", "Enter"]).is_empty());
    wizard.says("Type prod/pay first; Esc goes back.");
    wizard.keys(&["Ctrl-U"]);
    wizard.types("prod/pay");
    assert_eq!(names(&wizard.keys(&["Enter"])), ["Launch"]);

    // The plan changes while the name is typed: the question was about another one.
    let mut wizard = on_confirm(fixtures::prod());
    interrupting(&mut wizard);
    wizard.keys(&["Tab", "Enter"]);
    wizard.types("prod/pay");
    wizard.detected("prod", fixtures::answer(fixtures::read_later(&fixtures::not_archiving())));
    wizard.prepared();
    assert!(wizard.model.overlay.is_none());
    wizard.says("The plan changed meanwhile; read it again.");
    assert_eq!(wizard.model.confirm.button, Button::Back);
}

#[test]
fn elsewhere_nothing_is_asked() {
    let mut facts = fixtures::prod();
    facts.cluster.environment = Some("test".into());
    let mut wizard = on_confirm(facts);
    let Some(Ok(shown)) = &mut wizard.model.confirm.shown else { panic!() };
    std::sync::Arc::make_mut(&mut shown.prepared).preview[3].interrupts = "something".into();
    assert_eq!(names(&wizard.keys(&["Tab", "Enter"])), ["Launch"]);
}

#[test]
fn a_plan_launches_once_and_keeps_its_draft() {
    let mut wizard = on_confirm(fixtures::prod());
    wizard.keys(&["Tab", "Enter"]);
    for key in ["Enter", "Esc"] {
        assert!(wizard.keys(&[key]).is_empty());
        wizard.is_on(Screen::Confirm).says("The task is being handed over.");
    }
    wizard.keys(&["Tab"]);
    assert!(wizard.keys(&["Enter"]).is_empty());
    wizard.is_on(Screen::Confirm).says("The task is being handed over.");
    let req = wizard.model.confirm.launch_request.unwrap();
    let effects = wizard.answer(req, Answer::Launched(Ok("1M7W".into())));
    assert_eq!(names(&effects), ["Follow"]);
    wizard.is_on(Screen::Task);
    assert!(wizard.model.draft.is_none(), "the next backup begins with a fresh draft");
}

#[test]
fn a_refused_launch_is_shown_and_replanned() {
    let mut wizard = on_confirm(fixtures::prod());
    wizard.keys(&["Tab", "Enter"]);
    let req = wizard.model.confirm.launch_request.unwrap();
    let effects = wizard.answer(req, Answer::Launched(Err(fixtures::unreachable())));
    assert_eq!(names(&effects), ["Prepare"], "its id is used up");
    wizard.is_on(Screen::Confirm);
    assert_eq!(
        wizard.model.confirm.launch_error.as_ref().map(|fault| fault.what.as_str()),
        Some("10.0.0.1:2881 cannot be reached.")
    );
    assert!(wizard.keys(&["Tab", "Enter"]).is_empty(), "not before there is one");
    wizard.prepared();
    wizard.keys(&["Tab"]);
    if wizard.model.confirm.button == Button::Back {
        wizard.keys(&["Tab"]);
    }
    assert_eq!(names(&wizard.keys(&["Enter"])), ["Launch"]);
}

#[test]
fn a_refused_plan_says_why_and_starts_nothing() {
    let mut wizard = on_confirm(fixtures::prod());
    wizard.detected("prod", fixtures::answer(fixtures::read_later(&fixtures::busy())));
    wizard.prepared();
    let Some(Err(refusal)) = &wizard.model.confirm.shown else { panic!("{:?}", wizard.model.confirm.shown) };
    let (what, why) = (refusal.fault.what.clone(), refusal.fault.why.clone());
    wizard.keys(&["Tab"]);
    assert!(wizard.keys(&["Enter"]).is_empty());
    wizard.says(&format!("{what} {why}"));
}

#[test]
fn the_command_that_makes_the_same_is_copied_whole() {
    let mut wizard = on_confirm(fixtures::prod());
    wizard.model.global_args = vec!["--config".into(), "/a b/c.yaml".into()];
    wizard.keys(&["Enter", "Enter"]);
    wizard.prepared();
    let effects = wizard.keys(&["y"]);
    let [Effect::Copy(text)] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!(text, "obnow --config '/a b/c.yaml' backup prod/pay --mode full");
}

#[test]
fn no_key_leaves_the_screen_during_a_launch() {
    let mut wizard = on_confirm(fixtures::prod());
    wizard.keys(&["Tab", "Enter"]);
    // Its answer opens the task: another task's question must not be on the screen then.
    assert!(wizard.keys(&["b"]).is_empty());
    wizard.is_on(Screen::Confirm).says("The task is being handed over.");
    wizard.keys(&["?"]);
    assert!(matches!(wizard.model.overlay, Some(Overlay::Help(_))));
    let req = wizard.model.confirm.launch_request.unwrap();
    wizard.answer(req, Answer::Launched(Ok("1M7W".into())));
    wizard.is_on(Screen::Task);
    assert!(wizard.model.overlay.is_none(), "the help of another screen: {:?}", wizard.model.overlay);
}

#[test]
fn quitting_during_a_launch_claims_nothing() {
    let mut wizard = on_confirm(fixtures::prod());
    wizard.model.draft.as_mut().unwrap().mode.mode = crate::domain::choices::Mode::Incremental;
    assert!(wizard.keys(&["q"]).is_empty());
    assert!(matches!(wizard.model.overlay, Some(Overlay::Confirm(_))), "something that was chosen would be lost");
    wizard.keys(&["Esc"]);
    wizard.model.draft.as_mut().unwrap().mode.mode = crate::domain::choices::Mode::Full;
    wizard.model.draft.as_mut().unwrap().mode.encrypt = true;
    wizard.model.confirm.launch_request = Some(crate::wizard::model::RequestId(99));
    assert_eq!(names(&wizard.keys(&["q"])), ["StopTest", "Quit"]);
    assert!(wizard.model.overlay.is_none() && wizard.model.is_leaving);
    wizard.says("What was asked for is being handed over; obnow ends right after that.");
}

#[test]
fn what_was_chosen_for_other_targets_is_not_lost_unasked() {
    let mut wizard = on_confirm(fixtures::prod());
    wizard.model.draft.as_mut().unwrap().mode.mode = crate::domain::choices::Mode::Incremental;
    wizard.keys(&["Esc", "Esc", "Esc", "Esc", "Up", "Enter"]);
    wizard.is_on(Screen::Detected);
    assert!(!wizard.model.draft.as_ref().unwrap().is_edited(), "a draft of its own");
    assert!(wizard.keys(&["q"]).is_empty());
    let Some(Overlay::Confirm(question)) = &wizard.model.overlay else { panic!("{:?}", wizard.model.overlay) };
    assert_eq!(question.title, "Leave obnow?");
}

#[test]
fn an_unreachable_cluster_replaces_the_plan() {
    let why = "10.0.0.1:2881 cannot be reached. Nobody answered within 5 s. No plan is made without its answer.";
    let mut wizard = on_confirm(fixtures::prod());
    wizard.keys(&["Tab"]);
    assert!(wizard.detected("prod", Err(fixtures::unreachable())).is_empty());
    assert!(wizard.keys(&["Enter"]).is_empty());
    wizard.says(why);
    // The same where it broke off before Confirm was opened.
    let mut wizard = Wizard::with(fixtures::prod());
    wizard.keys(&["Down", "Enter", "Enter", "Enter"]);
    wizard.detected("prod", Err(fixtures::unreachable()));
    wizard.keys(&["Enter", "Tab"]);
    wizard.is_on(Screen::Confirm);
    assert!(wizard.keys(&["Enter"]).is_empty());
    wizard.says(why);
    // It answers again: the plan is made.
    wizard.keys(&["Esc", "Esc", "Esc"]);
    wizard.is_on(Screen::Detected);
    assert!(wizard.keys(&["Enter"]).is_empty());
    wizard.says("10.0.0.1:2881 cannot be reached. Nobody answered within 5 s.");
    wizard.keys(&["r"]);
    wizard.detected("prod", fixtures::answer(fixtures::prod()));
    wizard.keys(&["Enter", "Enter"]);
    assert_eq!(names(&wizard.keys(&["Enter"])), ["Prepare"]);
}

#[test]
fn marks_that_became_a_task_do_not_lead_the_next_enter() {
    let mut wizard = Wizard::with(fixtures::prod());
    wizard.keys(&["Down", "Space"]);
    assert_eq!(wizard.model.list.marked.len(), 1);
    wizard.goes_to_confirm();
    wizard.keys(&["Tab", "Enter"]);
    assert_eq!(wizard.model.list.marked.len(), 1, "a hand-over that is refused loses nothing");
    let req = wizard.model.confirm.launch_request.unwrap();
    wizard.answer(req, Answer::Launched(Ok("1M7W".into())));
    assert!(wizard.model.list.marked.is_empty());
}

#[test]
fn a_changed_password_is_asked_for_on_detect() {
    let mut wizard = Wizard::on(fixtures::inventory_of(vec![fixtures::cluster_summary("prod", None, true)]));
    wizard.keys(&["s", "Enter"]);
    wizard.detected("prod", fixtures::answer(fixtures::prod()));
    wizard.keys(&["Enter"]);
    wizard.is_on(Screen::Detected);
    wizard.detected("prod", Err(fixtures::refused_login()));
    assert!(wizard.keys(&["Enter"]).is_empty());
    wizard.says("The login was refused. The password of root@sys is wrong.");
    wizard.keys(&["r"]);
    let Some(Overlay::SecretPrompt(ask)) = &wizard.model.overlay else { panic!("{:?}", wizard.model.notice) };
    assert_eq!(ask.label, "Password of root@sys on prod");
    assert_eq!(names(&wizard.keys(&["s", "Enter"])), ["GivePassword", "Detect"]);
    wizard.is_on(Screen::Detected);
}

/// pay has no destination, and the strategy names one in which the server lists its set; nothing was tested.
#[test]
fn an_unseen_directory_is_overridden_by_name() {
    let mut facts = fixtures::prod();
    let pay = facts.tenants.iter_mut().find(|tenant| tenant.id == 1002).unwrap();
    pay.data_destination = None;
    let mut wizard = Wizard::with(facts);
    let strategy = samples::wanted(Some("file:///own/data"), Some("file:///own/clog"), StorageSource::Strategy);
    wizard.model.clusters[0].summary.fallbacks = vec![strategy];
    wizard.keys(&["Down"]);
    wizard.goes_to_confirm();
    let Some(Err(refusal)) = &wizard.model.confirm.shown else { panic!("{:?}", wizard.model.confirm.shown) };
    assert!(refusal.fault.why.contains("was not seen with its format file"), "{}", refusal.fault);
    assert!(wizard.keys(&["Tab", "Enter"]).is_empty(), "it starts nothing");
    wizard.keys(&["o"]);
    let Some(Overlay::Confirm(question)) = &wizard.model.overlay else { panic!("{:?}", wizard.model.overlay) };
    assert_eq!(question.title, "Back up in spite of the failed check destination_proven?");
    assert!(wizard.keys(&["y", "Enter"]).is_empty());
    wizard.says("Type prod/pay first; Esc goes back.");
    wizard.keys(&["Ctrl-U"]);
    wizard.types("prod/pay");
    assert_eq!(names(&wizard.keys(&["Enter"])), ["Prepare"]);
    wizard.prepared();
    let Some(Ok(shown)) = &wizard.model.confirm.shown else { panic!("{:?}", wizard.model.confirm.shown) };
    assert_eq!(shown.prepared.plan.overridden().count(), 1);
    assert_eq!(wizard.model.choices().unwrap().skip, [CheckId::DestinationProven].into());
}

/// A cluster whose storage needs an access key.
fn with_a_key() -> Facts {
    let mut facts = fixtures::prod();
    for tenant in &mut facts.tenants {
        let place =
            |kind: &str| crate::domain::samples::place(&format!("oss://b/{}/{kind}?host=h&access_id=i", tenant.id));
        if tenant.data_destination.is_some() {
            tenant.data_destination = Some(place("data"));
        }
        if let Some(archive) = &mut tenant.archive.destination {
            archive.location = place("clog");
        }
    }
    facts
}

#[test]
fn the_tick_names_where_proof_secrets_go() {
    let mut wizard = on_confirm(with_a_key());
    assert!(!preview(&wizard.model).contains("PREVIEW"), "nothing goes along unasked");
    let (set, says) = confirm::proof_secrets_offer(&wizard.model).unwrap();
    assert!(!set && says.contains("10.0.0.1:2881, whose audit and logs may keep it"), "{says}");
    assert_eq!(names(&wizard.keys(&["Space"])), ["Prepare"]);
    wizard.prepared();
    assert!(preview(&wizard.model).contains("access_key=***' UNTIL SCN = 0 PREVIEW"), "{}", preview(&wizard.model));
    let (set, says) = confirm::proof_secrets_offer(&wizard.model).unwrap();
    assert!(set && says.starts_with("sends the access key of oss://b/"), "{says}");
    // The key is asked for before anything starts, never in the running task.
    wizard.keys(&["Tab"]);
    assert!(wizard.keys(&["Enter"]).is_empty());
    assert!(matches!(wizard.model.overlay, Some(Overlay::SecretPrompt(_))), "{:?}", wizard.model.overlay);
    wizard.keys(&["Esc", "Space"]);
    wizard.prepared();
    assert!(!preview(&wizard.model).contains("PREVIEW"));
}

#[test]
fn where_no_secret_is_needed_there_is_no_tick() {
    let mut wizard = on_confirm(fixtures::prod());
    assert!(preview(&wizard.model).contains("PREVIEW"));
    assert_eq!(confirm::proof_secrets_offer(&wizard.model), None);
    assert!(wizard.keys(&["Space"]).is_empty());
    wizard.says("The look at the storage needs no secret here.");
}

#[test]
fn older_set_passwords_are_added_and_removed() {
    let mut wizard = on_confirm(fixtures::prod());
    let add = |wizard: &mut Wizard, password: &str| {
        assert!(wizard.keys(&["p"]).is_empty());
        assert!(matches!(wizard.model.overlay, Some(Overlay::SecretPrompt(_))), "{:?}", wizard.model.notice);
        wizard.types(password);
        wizard.keys(&["Enter"])
    };
    assert!(add(&mut wizard, "").is_empty());
    wizard.says("No password was typed; the plan stays as it is.");
    assert!(add(&mut wizard, "it's").is_empty());
    wizard.says("The password cannot be used. It has a quote in it, which no statement can carry safely.");
    assert_eq!(names(&add(&mut wizard, "of 2024")), ["Prepare"]);
    wizard.prepared();
    assert!(add(&mut wizard, "of 2024").is_empty());
    wizard.says("That password is given already.");
    assert_eq!(names(&add(&mut wizard, "of 2025")), ["Prepare"]);
    wizard.prepared();
    let shown = preview(&wizard.model);
    assert!(shown.contains("SET DECRYPTION IDENTIFIED BY '***', '***'"), "{shown}");
    let (set, says) = confirm::proof_secrets_offer(&wizard.model).unwrap();
    assert!(set && says.starts_with("sends 2 passwords to the server"), "{says}");
    assert!(wizard.model.draft.as_ref().unwrap().is_edited(), "they are not lost unasked");
    let mut started = Wizard { model: wizard.model, pending_effects: Vec::new() };
    let effects = started.keys(&["Tab", "Enter"]);
    let [Effect::Launch(req, _, typed)] = effects.as_slice() else { panic!("{effects:?}") };
    let given: Vec<&str> = typed.decryption.iter().map(crate::domain::secret::Secret::expose).collect();
    assert_eq!(given, ["of 2024", "of 2025"]);
    // The draft stays as it is until the answer.
    for key in ["p", "Space"] {
        assert!(started.keys(&[key]).is_empty());
        started.is_on(Screen::Confirm).says("The task is being handed over.");
    }
    started.answer(*req, Answer::Launched(Err(fixtures::unreachable())));
    started.prepared();
    assert_eq!(names(&started.keys(&["Space"])), ["Prepare"]);
    started.prepared();
    let shown = preview(&started.model);
    assert!(shown.contains("PREVIEW") && !shown.contains("DECRYPTION"), "{shown}");
    assert!(started.model.draft.as_ref().unwrap().older_passwords.is_empty());
}
