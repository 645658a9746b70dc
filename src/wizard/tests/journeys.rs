//! Journeys through the reducer: what is asked for at each key, what late answers do, and what outlives the screens.

use super::driver::{Wizard, names};
use super::fixtures::{self, three_clusters};
use crate::domain::choices::Mode;
use crate::domain::facts::Facts;
use crate::domain::preflight::CheckId;
use crate::wizard::effect::Effect;
use crate::wizard::key::Key;
use crate::wizard::model::{Overlay, RequestId, Screen};
use crate::wizard::msg::{Answer, Msg};
use crate::wizard::screens::confirm::Button;
use crate::wizard::screens::confirm_dialog::ConfirmAction;
use crate::wizard::view::theme::Theme;

fn on_pay(facts: Facts) -> Wizard {
    let mut wizard = Wizard::with(facts);
    wizard.keys(&["Down"]);
    assert_eq!(wizard.model.focused_row().map(|(_, row)| row.target.to_string()).as_deref(), Some("prod/pay"));
    wizard
}

fn answered(wizard: &Wizard, cluster: &str) -> bool {
    wizard.model.cluster(cluster).is_some_and(|cluster| cluster.facts().is_some())
}

#[test]
fn opening_detects_clusters_with_a_password() {
    let mut wizard = Wizard::begun();
    assert_eq!(format!("{:?}", wizard.pending_effects), "[OpenInventory(RequestId(1))]");
    let effects = wizard.opened(Ok(three_clusters()));
    assert_eq!(format!("{effects:?}"), r#"[Detect(RequestId(2), ["prod", "dev-seek"]), ListTasks(RequestId(3))]"#);
    let states: Vec<&str> = wizard.model.clusters.iter().map(|cluster| cluster.rows[0].row.state.as_str()).collect();
    assert_eq!(states, ["asking", "asking", "password needed"]);
    // Each on its own: one that answers waits for no other.
    wizard.detected("dev-seek", fixtures::answer(fixtures::seek()));
    assert!(answered(&wizard, "dev-seek") && !answered(&wizard, "prod"));
    wizard.detected("prod", Err(fixtures::unreachable()));
    assert_eq!(wizard.model.clusters[0].rows[0].row.state, "unreachable");
}

#[test]
fn an_empty_inventory_begins_with_the_first_connection() {
    let mut wizard = Wizard::begun();
    let effects = wizard.opened(Ok(fixtures::inventory_of(Vec::new())));
    assert!(effects.is_empty(), "{effects:?}");
    wizard.is_on(Screen::Connect);
}

#[test]
fn a_stale_answer_changes_nothing() {
    let mut wizard = Wizard::with(fixtures::prod());
    let before = format!("{:?}", wizard.model.clusters);
    // The first question was answered; it is asked again, and an answer to the first one comes late.
    wizard.keys(&["r"]);
    let asking = wizard.model.clusters[0].pending;
    assert_ne!(asking, Some(RequestId(2)));
    for late in [RequestId(2), RequestId(77)] {
        wizard.answer(late, Answer::Detected { cluster: "prod".into(), facts: Err(fixtures::unreachable()) });
    }
    wizard.answer(asking.unwrap(), Answer::Detected { cluster: "other".into(), facts: Err(fixtures::unreachable()) });
    assert_eq!(wizard.model.clusters[0].pending, asking);
    wizard.answer(
        asking.unwrap(),
        Answer::Detected { cluster: "prod".into(), facts: fixtures::answer(fixtures::prod()) },
    );
    assert_eq!(format!("{:?}", wizard.model.clusters), before);
    // The same of the inventory, of the tasks and of a plan.
    wizard.answer(RequestId(1), Answer::InventoryOpened(Box::new(Err(fixtures::unreachable()))));
    assert!(matches!(wizard.model.inventory, Some(Ok(_))));
    wizard.answer(RequestId(77), Answer::Tasks(Err(fixtures::unreachable())));
    assert!(wizard.model.tasks.fault.is_none());
    wizard.answer(RequestId(77), Answer::Launched(Ok("1M7W".into())));
    assert!(wizard.model.task.is_none());
    wizard.is_on(Screen::Target);
}

#[test]
fn the_way_forward_and_back_keeps_what_was_chosen() {
    let mut wizard = on_pay(fixtures::prod());
    let effects = wizard.keys(&["Enter"]);
    assert_eq!(names(&effects), ["Detect"], "what was read an hour ago is read again");
    wizard.is_on(Screen::Detected);
    wizard.keys(&["Enter"]);
    wizard.is_on(Screen::Storage);
    wizard.keys(&["Enter"]);
    wizard.is_on(Screen::Mode);
    // Incremental.
    wizard.keys(&["Tab", "Space"]);
    assert_eq!(wizard.model.draft.as_ref().unwrap().mode.mode, Mode::Incremental);
    let effects = wizard.keys(&["Enter"]);
    let [Effect::Prepare(_, _, choices)] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!((choices.mode, choices.targets[0].to_string().as_str()), (Mode::Incremental, "prod/pay"));
    wizard.is_on(Screen::Confirm);
    for screen in [Screen::Mode, Screen::Storage, Screen::Detected, Screen::Target] {
        let effects = wizard.keys(&["Esc"]);
        wizard.is_on(screen);
        assert!(!names(&effects).contains(&"Launch".to_owned()));
    }
    // Another target, and back to this one: its draft is as it was.
    wizard.keys(&["Down", "Enter"]);
    assert_eq!(wizard.model.draft.as_ref().unwrap().mode.mode, Mode::Full, "order has a draft of its own");
    wizard.keys(&["Esc", "Up", "Enter"]);
    assert_eq!(wizard.model.draft.as_ref().unwrap().mode.mode, Mode::Incremental);
}

#[test]
fn marked_tenants_are_backed_up_together() {
    let mut wizard = on_pay(fixtures::prod());
    wizard.keys(&["Up", "Space"]);
    wizard.says("Mark tenants; a cluster is backed up whole with Enter.");
    wizard.keys(&["Down", "Space", "Space"]);
    assert_eq!(wizard.model.list.marked.len(), 2);
    wizard.keys(&["Enter"]);
    let draft = wizard.model.draft.as_ref().unwrap();
    assert_eq!(draft.targets.iter().map(ToString::to_string).collect::<Vec<_>>(), ["prod/order", "prod/pay"]);
    wizard.keys(&["Esc", "Esc"]);
    assert!(wizard.model.list.marked.is_empty(), "Esc clears the marks");
    wizard.keys(&["Esc"]);
    wizard.says("This is the first screen; q ends obnow.");
}

#[test]
fn a_marked_tenant_that_is_gone_is_not_backed_up() {
    let mut wizard = on_pay(fixtures::prod());
    wizard.keys(&["Space", "Space", "r"]);
    let mut without = fixtures::prod();
    without.tenants.retain(|tenant| tenant.name != "order");
    wizard.detected("prod", fixtures::answer(without));
    assert_eq!(wizard.model.list.marked.iter().map(ToString::to_string).collect::<Vec<_>>(), ["prod/pay"]);
    // One that does not answer takes no mark away.
    wizard.keys(&["r"]);
    wizard.detected("prod", Err(fixtures::unreachable()));
    assert_eq!(wizard.model.list.marked.len(), 1);
}

#[test]
fn the_filter_takes_keys_and_follows_answers() {
    let mut wizard = Wizard::on(three_clusters());
    wizard.detected("prod", fixtures::answer(fixtures::prod()));
    wizard.keys(&["/"]);
    // q and ? are letters here, and end and open nothing.
    wizard.types("q?");
    assert!(!wizard.model.is_leaving && wizard.model.overlay.is_none());
    assert_eq!(wizard.model.list.shown.len(), 0);
    wizard.keys(&["Ctrl-U"]);
    wizard.types("ORD");
    let shown = |wizard: &Wizard| wizard.model.list.shown.len();
    assert_eq!(shown(&wizard), 1);
    wizard.keys(&["Enter"]);
    assert!(!wizard.model.list.is_filtering && shown(&wizard) == 1);
    // A tenant of another name in the same place is not shown for it.
    wizard.keys(&["r"]);
    let mut renamed = fixtures::prod();
    renamed.tenants.iter_mut().filter(|tenant| tenant.name == "order").for_each(|tenant| tenant.name = "zoo".into());
    wizard.detected("prod", fixtures::answer(renamed));
    assert_eq!(shown(&wizard), 0);
    wizard.keys(&["Esc"]);
    assert!(shown(&wizard) > 3, "Esc clears it");
}

#[test]
fn straight_in_goes_to_the_target_once_it_is_known() {
    let mut wizard = Wizard::begun();
    wizard.model.initial_target = Some("prod/order".parse().unwrap());
    wizard.opened(Ok(three_clusters()));
    wizard.is_on(Screen::Target);
    let effects = wizard.detected("prod", fixtures::answer(fixtures::prod()));
    assert_eq!(names(&effects), ["Detect"]);
    wizard.is_on(Screen::Detected);
    assert_eq!(wizard.model.draft.as_ref().unwrap().targets[0].to_string(), "prod/order");
    // Once: from there Esc leads to the list, and its answers lead nowhere.
    wizard.keys(&["Esc"]);
    wizard.detected("prod", fixtures::answer(fixtures::prod()));
    wizard.is_on(Screen::Target);
}

#[test]
fn straight_in_to_what_is_not_there_says_so() {
    for (target, told) in [
        ("nowhere", "There is no cluster nowhere in the inventory."),
        ("prod/nobody", "There is no tenant prod/nobody."),
    ] {
        let mut wizard = Wizard::begun();
        wizard.model.initial_target = Some(target.parse().unwrap());
        wizard.opened(Ok(three_clusters()));
        wizard.detected("prod", fixtures::answer(fixtures::prod()));
        wizard.is_on(Screen::Target).says(told);
    }
    let mut wizard = Wizard::begun();
    wizard.model.initial_target = Some("prod/pay".parse().unwrap());
    wizard.opened(Ok(three_clusters()));
    wizard.detected("prod", Err(fixtures::unreachable()));
    wizard.is_on(Screen::Target).says("10.0.0.1:2881 cannot be reached. Nobody answered within 5 s.");
}

#[test]
fn a_refused_password_is_asked_for_again() {
    let mut wizard = Wizard::on(fixtures::inventory_of(vec![fixtures::cluster_summary("vault", None, true)]));
    // One cluster that needs one: it is asked for at once, and the cluster is not asked without it.
    assert!(!names(&wizard.pending_effects).contains(&"Detect".to_owned()));
    let Some(Overlay::SecretPrompt(ask)) = &wizard.model.overlay else { panic!("{:?}", wizard.model.overlay) };
    assert_eq!(ask.label, "Password of root@sys on vault");
    wizard.types("qwerty");
    let effects = wizard.keys(&["Enter"]);
    let [Effect::GivePassword(name, password), Effect::Detect(_, asked)] = effects.as_slice() else {
        panic!("{effects:?}")
    };
    assert_eq!((name.as_str(), password.expose(), asked.as_slice()), ("vault", "qwerty", &["vault".to_owned()][..]));
    assert!(!format!("{effects:?} {:?}", wizard.model).contains("qwerty"), "it is printed nowhere");
    wizard.detected("vault", Err(fixtures::refused_login()));
    assert!(wizard.model.clusters[0].needs_password);
    wizard.keys(&["Enter"]);
    let Some(Overlay::SecretPrompt(ask)) = &wizard.model.overlay else { panic!("{:?}", wizard.model.overlay) };
    assert_eq!(ask.last_error.as_deref(), Some("The password of root@sys is wrong."));
    wizard.types("right");
    wizard.keys(&["Enter"]);
    wizard.detected("vault", fixtures::answer(fixtures::with_name(fixtures::prod(), "vault")));
    assert!(!wizard.model.clusters[0].needs_password && answered(&wizard, "vault"));
}

#[test]
fn other_answers_keep_a_half_typed_password() {
    let mut wizard = Wizard::begun();
    wizard.model.initial_target = Some("vault/pay".parse().unwrap());
    wizard.opened(Ok(three_clusters()));
    wizard.types("half a pass");
    wizard.detected("prod", fixtures::answer(fixtures::prod()));
    wizard.detected("dev-seek", fixtures::answer(fixtures::seek()));
    let Some(Overlay::SecretPrompt(ask)) = &wizard.model.overlay else { panic!("{:?}", wizard.model.overlay) };
    assert_eq!(ask.text.value(), "half a pass");
    wizard.keys(&["Esc"]);
    assert!(wizard.model.overlay.is_none() && wizard.model.initial_target.is_none());
}

#[test]
fn what_refuses_the_start_holds_the_way_and_says_why() {
    let mut wizard = on_pay(fixtures::upgrading());
    wizard.keys(&["Enter"]);
    wizard.is_on(Screen::Detected);
    wizard.keys(&["Enter"]);
    wizard.is_on(Screen::Detected);
    let told = wizard.model.notice.clone().unwrap();
    assert!(told.starts_with("upgrading: "), "{told}");
    let effects = wizard.keys(&["r"]);
    assert_eq!(names(&effects), ["Detect"]);
    wizard.detected("prod", fixtures::answer(fixtures::prod()));
    wizard.keys(&["Enter"]);
    wizard.is_on(Screen::Storage);
}

#[test]
fn a_key_toggles_excluded_tables() {
    let mut wizard = Wizard::with(fixtures::failing_checks());
    wizard.keys(&["Down", "Enter"]);
    wizard.is_on(Screen::Detected);
    wizard.keys(&["Enter"]);
    wizard.is_on(Screen::Detected);
    let told = wizard.model.notice.clone().unwrap();
    assert!(told.starts_with("dumpable: ") && told.contains("pay.inv.a"), "{told}");
    let exclude = |wizard: &Wizard| wizard.model.draft.as_ref().unwrap().mode.exclude.words();
    wizard.keys(&["x"]);
    assert_eq!(exclude(&wizard), "pay.inv, pay.v", "the view that reads it goes with it");
    let found = wizard.model.preflight.checks.iter().find(|check| check.check == CheckId::ExcludedTables);
    assert_eq!(found.unwrap().found, "left out as asked: pay.inv, pay.v");
    wizard.keys(&["x"]);
    assert_eq!(exclude(&wizard), "");
    wizard.keys(&["Enter"]);
    wizard.is_on(Screen::Detected);
    wizard.keys(&["x", "Enter"]);
    wizard.is_on(Screen::Storage);
}

#[test]
fn mixed_builds_are_overridden_by_the_name_alone() {
    let mut wizard = on_pay(fixtures::mixed());
    wizard.keys(&["Enter", "o"]);
    let Some(Overlay::Confirm(question)) = &wizard.model.overlay else { panic!("{:?}", wizard.model.notice) };
    assert_eq!(
        (question.action, question.title.as_str()),
        (ConfirmAction::Override(CheckId::OneBuild), "Back up in spite of the failed check one_build?")
    );
    wizard.keys(&["Enter"]);
    wizard.says("Type prod/pay first; Esc goes back.");
    wizard.types("prod/pay");
    wizard.keys(&["Enter", "Enter"]);
    wizard.is_on(Screen::Storage);
}

#[test]
fn a_short_password_is_said_where_it_is_typed() {
    let mut wizard = on_pay(fixtures::prod());
    wizard.keys(&["Enter", "Enter", "Enter", "Tab", "Tab", "Tab", "Space", "Enter"]);
    let said = |wizard: &mut Wizard| {
        let drawn = super::snapshots::drawn(&mut wizard.model, Theme { color: false, ascii: true }, (80, 24));
        super::snapshots::rows(&drawn).join("\n").contains(crate::domain::secret::SHORT)
    };
    wizard.types("12345");
    assert!(said(&mut wizard));
    wizard.types("6");
    assert!(!said(&mut wizard));
}

#[test]
fn an_invalid_password_stops_the_mode_screen() {
    let mut wizard = on_pay(fixtures::prod());
    wizard.keys(&["Enter", "Enter", "Enter"]);
    wizard.is_on(Screen::Mode);
    wizard.keys(&["Tab", "Tab", "Tab", "Space", "Enter"]);
    wizard.is_on(Screen::Mode).says("The password is empty. Type one, or switch encryption off.");
    // The focus went there; j and k are letters now.
    wizard.types("jk'");
    wizard.keys(&["Enter"]);
    wizard.says("It has a quote in it, which no statement can carry safely. Choose another password.");
    wizard.keys(&["Backspace", "Tab"]);
    wizard.types("j");
    wizard.keys(&["Enter"]);
    wizard.is_on(Screen::Mode).says("The two passwords differ. Type the same one twice.");
    wizard.types("k");
    let effects = wizard.keys(&["Enter"]);
    wizard.is_on(Screen::Confirm);
    assert_eq!(names(&effects), ["Prepare"]);
    wizard.prepared();
    let effects = wizard.keys(&["Tab", "Enter"]);
    let [Effect::Launch(_, _, typed)] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!(typed.encryption.as_ref().map(crate::domain::secret::Secret::expose), Some("jk"));
}

#[test]
fn leaving_asks_once_where_something_would_be_lost() {
    let mut wizard = on_pay(fixtures::prod());
    wizard.keys(&["Enter", "Enter", "Enter", "Tab", "Space", "q"]);
    assert!(!wizard.model.is_leaving);
    let Some(Overlay::Confirm(question)) = &wizard.model.overlay else { panic!("{:?}", wizard.model.overlay) };
    assert_eq!(question.title, "Leave obnow?");
    wizard.keys(&["Esc"]);
    assert!(wizard.model.overlay.is_none() && !wizard.model.is_leaving);
    // Ctrl-C twice always leaves.
    wizard.keys(&["Ctrl-C"]);
    assert!(!wizard.model.is_leaving);
    let effects = wizard.keys(&["Ctrl-C"]);
    assert!(wizard.model.is_leaving);
    assert_eq!(names(&effects), ["StopTest", "Quit"]);
    let mut untouched = on_pay(fixtures::prod());
    untouched.keys(&["Enter", "q"]);
    assert!(untouched.model.is_leaving);
}

#[test]
fn in_a_terminal_too_small_to_see_anything_nothing_is_done() {
    let mut wizard = on_pay(fixtures::prod());
    wizard.goes_to_confirm().keys(&["Tab"]);
    wizard.tell(Msg::Resized(59, 16));
    let effects = wizard.keys(&["Enter", "Esc", "/", "Ctrl-Z"]);
    assert!(effects.is_empty(), "{effects:?}");
    wizard.tell(Msg::Paste("x".to_owned()));
    wizard.tell(Msg::Resized(60, 16));
    wizard.is_on(Screen::Confirm);
    assert_eq!(wizard.model.confirm.button, Button::Start);
    assert_eq!(names(&wizard.keys(&["Enter"])), ["Launch"]);
    wizard.tell(Msg::Resized(1, 1));
    wizard.key(Key::Ctrl('c'));
    assert!(wizard.model.is_leaving);
}
