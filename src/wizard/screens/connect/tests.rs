#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops where its setup fails")]

use jiff::Timestamp;
use jiff::tz::TimeZone;
use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::*;
use crate::app::inventory_summary::ClusterSummary;
use crate::domain::fault::Cause;
use crate::domain::samples::prod;
use crate::wizard::model::Screen;
use crate::wizard::msg::{Answer, Msg};
use crate::wizard::update::{initial_effects, update};
use crate::wizard::view::theme::Theme;
use crate::wizard::view::view;

const PASSWORD: &str = "s3cr3t-pw";

fn now() -> Timestamp {
    "2026-11-20T03:31:02Z".parse().unwrap()
}

fn press(model: &mut Model, key: Key) -> Vec<Effect> {
    update(model, Msg::Key(key))
}

fn answer(model: &mut Model, req: RequestId, answer: Answer) -> Vec<Effect> {
    update(model, Msg::Answer(req, answer))
}

fn known(cluster: Option<&str>, has_inventory: bool) -> InventorySummary {
    let cluster = cluster.map(|name| ClusterSummary {
        name: name.parse().unwrap(),
        environment: Some("prod".into()),
        endpoints: vec!["10.0.0.1:2881".into()],
        user: "root@sys".into(),
        is_password_typed: true,
        ssh_user: None,
        max_backup_age: None,
        fallbacks: Vec::new(),
        compactions: Vec::new(),
    });
    InventorySummary { clusters: cluster.into_iter().collect(), has_inventory, path: "/home/x/config.yaml".into() }
}

/// The form, where there is no inventory.
fn form() -> Model {
    let mut model = Model::new((80, 24), TimeZone::UTC);
    let [Effect::OpenInventory(req)] = initial_effects(&mut model)[..] else { panic!("the inventory is read first") };
    assert!(answer(&mut model, req, Answer::InventoryOpened(Box::new(Ok(known(None, false))))).is_empty());
    assert_eq!(model.screen, Screen::Connect);
    model
}

fn fill(model: &mut Model, stop: ConnectFocus, text: &str) {
    while model.connect.focus != stop {
        press(model, Key::Tab);
    }
    text.chars().for_each(|c| assert!(press(model, Key::Char(c)).is_empty()));
}

/// Filled in, with the focus on a button.
fn filled(stop: ConnectFocus) -> Model {
    let mut model = form();
    fill(&mut model, ConnectFocus::Name, "prod");
    fill(&mut model, ConnectFocus::Host, "10.0.0.1");
    fill(&mut model, ConnectFocus::Password, PASSWORD);
    fill(&mut model, ConnectFocus::Environment, " ");
    fill(&mut model, stop, "");
    model
}

fn refused() -> Fault {
    Fault::new(Cause::Rights, "root@sys cannot log in.", "The password is wrong.", "Check it.")
}

fn drawn(model: &Model, size: (u16, u16)) -> String {
    let mut terminal = Terminal::new(TestBackend::new(size.0, size.1)).unwrap();
    terminal.draw(|frame| view(model, Theme { color: false, ascii: true }, now(), frame)).unwrap();
    let buffer = terminal.backend().buffer();
    let row = |y: u16| (0..size.0).map(|x| buffer[(x, y)].symbol()).collect::<String>();
    (0..size.1).map(row).collect::<Vec<_>>().join("\n")
}

#[test]
fn enter_goes_from_field_to_field_and_connects_on_the_last() {
    let mut model = form();
    for stop in [ConnectFocus::Host, ConnectFocus::User, ConnectFocus::Password, ConnectFocus::Environment] {
        assert!(press(&mut model, Key::Enter).is_empty());
        assert_eq!(model.connect.focus, stop);
    }
    // The host is missing: that is said, and nothing is tried.
    assert!(press(&mut model, Key::Enter).is_empty());
    assert_eq!(model.connect.focus, ConnectFocus::Host);
    assert_eq!(model.notice.as_deref(), Some("Enter the host of an observer or of OBProxy."));
    fill(&mut model, ConnectFocus::Host, "10.0.0.1:28810");
    fill(&mut model, ConnectFocus::Environment, "");
    let effects = press(&mut model, Key::Enter);
    let [Effect::TryConnection(_, login)] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!(
        (login.host.as_str(), login.user.as_str(), login.cluster().display_name().as_str()),
        ("10.0.0.1:28810", "root@sys", "10.0.0.1")
    );
    assert!(login.password.is_empty() && login.cluster().environment.is_none());
}

#[test]
fn a_connection_is_saved_without_its_password() {
    let mut model = filled(ConnectFocus::Save);
    let effects = press(&mut model, Key::Enter);
    let [Effect::TryConnection(req, _)] = effects.as_slice() else { panic!("{effects:?}") };
    assert!(press(&mut model, Key::Enter).is_empty(), "once is enough");
    assert_eq!(model.notice.as_deref(), Some("It is being tried; Esc stops waiting."));
    let effects = answer(&mut model, *req, Answer::ConnectionTried(Ok(Arc::new(prod()))));
    let [Effect::SaveConnection(req, login)] = effects.as_slice() else { panic!("{effects:?}") };
    assert!(
        drawn(&model, (80, 24)).contains("V4.2.5.1-101000012024  Physical Backup  saving"),
        "{}",
        drawn(&model, (80, 24))
    );
    assert_eq!(login.password.expose(), PASSWORD, "it is kept for the room that is opened");
    assert_eq!(login.cluster().environment.as_deref(), Some("prod"));
    let effects = answer(&mut model, *req, Answer::ConnectionSaved(Box::new(Ok(known(Some("prod"), true)))));
    assert!(matches!(&effects[0], Effect::Detect(_, names) if *names == ["prod"]), "it is asked at once: {effects:?}");
    assert!(model.overlay.is_none() && !model.clusters[0].needs_password, "the password is known");
    assert_eq!(model.screen, Screen::Target);
    assert_eq!(model.notice.as_deref(), Some("Saved to /home/x/config.yaml, without the password."));
    assert!(!model.connect.is_edited(), "nothing would be lost by leaving");
    assert!(!format!("{model:?}").contains(PASSWORD), "it is nowhere in the model any more");
}

#[test]
fn a_failed_connection_is_shown_and_not_saved() {
    let mut model = filled(ConnectFocus::Save);
    let effects = press(&mut model, Key::Enter);
    let [Effect::TryConnection(req, _)] = effects.as_slice() else { panic!("{effects:?}") };
    assert!(!format!("{model:?} {effects:?}").contains(PASSWORD));
    assert!(answer(&mut model, *req, Answer::ConnectionTried(Err(refused()))).is_empty());
    let screen = drawn(&model, (60, 16));
    for text in ["root@sys cannot log in.", "The password is wrong.", "Next: Check it."] {
        assert!(screen.contains(text), "{screen}");
    }
    assert_eq!(model.connect.host.value(), "10.0.0.1", "what was typed is still there");
    fill(&mut model, ConnectFocus::Password, "x");
    assert!(model.connect.fault.is_none(), "it was about another password");
}

#[test]
fn an_existing_inventory_is_not_overwritten() {
    let mut model = filled(ConnectFocus::Save);
    let Some(Effect::TryConnection(req, _)) = press(&mut model, Key::Enter).pop() else { panic!("it is tried") };
    let Some(Effect::SaveConnection(req, _)) =
        answer(&mut model, req, Answer::ConnectionTried(Ok(Arc::new(prod())))).pop()
    else {
        panic!("it is saved")
    };
    let there = Fault::new(Cause::Usage, "It was not written.", "A file of that name exists.", "Edit it.");
    assert!(answer(&mut model, req, Answer::ConnectionSaved(Box::new(Err(there)))).is_empty());
    assert_eq!((model.screen, model.connect.focus), (Screen::Connect, ConnectFocus::Use));
    assert!(drawn(&model, (80, 24)).contains("A file of that name exists."));
    let Some(Effect::TryConnection(req, login)) = press(&mut model, Key::Enter).pop() else { panic!("it is tried") };
    assert_eq!(login.cluster().display_name(), "10.0.0.1", "as --host would call it");
    let effects = answer(&mut model, req, Answer::ConnectionTried(Ok(Arc::new(prod()))));
    let [Effect::UseConnection(req, _)] = effects.as_slice() else { panic!("{effects:?}") };
    answer(&mut model, *req, Answer::ConnectionSaved(Box::new(Ok(known(Some("10.0.0.1"), true)))));
    assert_eq!(model.global_args, ["--host", "10.0.0.1", "--user", "root@sys"], "the same command elsewhere");
    assert!(!model.clusters[0].needs_password);
    assert_eq!(model.notice.as_deref(), Some("Nothing was saved."));
}

#[test]
fn an_answer_nobody_waits_for_changes_nothing() {
    let mut model = filled(ConnectFocus::Save);
    let Some(Effect::TryConnection(req, _)) = press(&mut model, Key::Enter).pop() else { panic!("it is tried") };
    assert!(press(&mut model, Key::Esc).is_empty());
    assert!(answer(&mut model, req, Answer::ConnectionTried(Ok(Arc::new(prod())))).is_empty(), "nothing is saved");
    // Nor is one for what was typed before.
    let late = req;
    let Some(Effect::TryConnection(req, _)) = press(&mut model, Key::Enter).pop() else { panic!("it is tried") };
    assert!(
        answer(&mut model, late, Answer::ConnectionTried(Ok(Arc::new(prod())))).is_empty(),
        "that was the first one's"
    );
    assert!(model.connect.is_waiting());
    fill(&mut model, ConnectFocus::Host, "0");
    assert!(answer(&mut model, req, Answer::ConnectionTried(Ok(Arc::new(prod())))).is_empty());
    assert!(answer(&mut model, req, Answer::ConnectionSaved(Box::new(Ok(known(Some("prod"), true))))).is_empty());
    assert_eq!(model.screen, Screen::Connect);
    assert!(press(&mut model, Key::Esc).is_empty());
    assert_eq!(model.notice.as_deref(), Some("This is the first screen; Ctrl-C ends obnow."));
}

#[test]
fn what_cannot_be_a_cluster_is_told_at_its_field() {
    let wrong = |stop: ConnectFocus, text: &str| {
        let mut model = filled(stop);
        press(&mut model, Key::Ctrl('u'));
        fill(&mut model, stop, text);
        model.connect.validation_error()
    };
    let at = |stop: ConnectFocus, text: &str, words: &str| {
        let found = wrong(stop, text);
        assert!(matches!(&found, Some((at, why)) if *at == stop && why.contains(words)), "{text}: {found:?}");
    };
    assert_eq!(wrong(ConnectFocus::Name, ""), None, "it is called by its host then");
    at(ConnectFocus::Name, "a b", "must not hold a slash or a space");
    at(ConnectFocus::Host, "10.0.0.1:x", "the port must be a number");
    at(ConnectFocus::User, "", "user cannot be used: it must not be empty");
}

#[test]
fn the_form_fits_the_minimum_size_without_password() {
    let mut model = filled(ConnectFocus::Use);
    for size in [(60, 16), (80, 24), (120, 40), (10, 3)] {
        model.size = size;
        let screen = drawn(&model, size);
        assert!(!screen.contains(PASSWORD));
        if size.0 >= 60 {
            for text in
                ["*********", "(*) prod", "( ) dev", "[ Use without saving ]", "obnow demo", "/home/x/config.yaml"]
            {
                assert!(screen.contains(text), "{text} at {size:?}:\n{screen}");
            }
        }
    }
}

#[test]
fn a_short_password_is_said_under_its_field() {
    let mut model = form();
    fill(&mut model, ConnectFocus::Password, "12345");
    assert!(drawn(&model, (80, 24)).contains(crate::domain::secret::SHORT));
    fill(&mut model, ConnectFocus::Password, "6");
    assert!(!drawn(&model, (80, 24)).contains(crate::domain::secret::SHORT));
}
