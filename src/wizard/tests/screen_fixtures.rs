//! Every screen as it is when all is well, when something is wrong, and while it waits; each reached by keys and answers.

use std::sync::Arc;

use super::driver::Wizard;
use super::fixtures::{self, three_clusters};
use super::task_journals::{TaskScript, journal};
use crate::domain::exit;
use crate::domain::facts::Facts;
use crate::domain::outcome::VerdictKind;
use crate::domain::step::StepKind;
use crate::domain::storage_check::{StorageCheck, TestReport, TestUpdate, TestedCheck};
use crate::domain::task::{Prepared, TaskState, TaskView};
use crate::wizard::effect::Effect;
use crate::wizard::model::{Model, RequestId, Screen};
use crate::wizard::msg::{Answer, TaskRow};

/// A picture to be drawn: what it is called, and the model.
pub type ScreenFixture = (&'static str, Model);

/// Every scene.
pub fn all() -> Vec<ScreenFixture> {
    let mut scenes = vec![
        ("connect.normal", Wizard::on(fixtures::inventory_of(Vec::new())).model),
        ("connect.error", tried(Some(fixtures::refused_login())).model),
        ("connect.loading", tried(None).model),
        ("connect.cjk", typed("\u{8ba2}\u{5355}\u{5e93}").model),
        ("target.normal", list().model),
        ("target.error", broken_list().model),
        ("target.loading", Wizard::begun().model),
        ("target.cjk", Wizard::with(fixtures::chinese()).model),
        ("target.unreadable", unreadable().model),
        ("target.filter", filtered().model),
        ("detected.normal", detected(fixtures::prod()).model),
        ("detected.error", detected(fixtures::upgrading()).model),
        ("detected.loading", on_tenant(fixtures::prod(), &["Enter"]).model),
        ("detected.cjk", detected(fixtures::chinese()).model),
        ("detected.logical", detected(fixtures::seek()).model),
        ("storage.normal", storage(fixtures::prod()).model),
        ("storage.error", tested(false).model),
        ("storage.loading", testing().model),
        ("storage.tested", tested(true).model),
        ("storage.cjk", storage(fixtures::chinese()).model),
        ("mode.normal", mode(fixtures::prod()).model),
        ("mode.error", wrong_password().model),
        ("mode.cjk", mode(fixtures::chinese()).model),
        ("confirm.normal", confirm(fixtures::prod()).model),
        ("confirm.error", confirm(fixtures::busy()).model),
        ("confirm.loading", mode_and(fixtures::prod(), &["Enter"]).model),
        ("confirm.cjk", confirm(fixtures::chinese()).model),
        ("task.normal", task(fixtures::prod(), TaskScript::Running).model),
        ("task.error", task(fixtures::prod(), TaskScript::Ends(VerdictKind::Failed)).model),
        ("task.loading", begun_task(fixtures::prod()).0.model),
        ("task.stopped", task(fixtures::prod(), TaskScript::Stops(StepKind::CheckReady)).model),
        ("task.restorable", task(fixtures::prod(), TaskScript::Ends(VerdictKind::Restorable)).model),
        ("task.cjk", task(fixtures::chinese(), TaskScript::Running).model),
        ("tasks.normal", tasks(fixtures::prod()).model),
        ("tasks.error", broken_tasks().model),
        ("tasks.loading", waiting_tasks().model),
        ("tasks.cjk", tasks(fixtures::chinese()).model),
        ("question.leave", leaving().model),
        ("question.name", mixed_builds().model),
        ("ask.password", asked().model),
    ];
    scenes.extend(helps());
    scenes
}

/// The form of the first connection, filled in.
fn typed(name: &str) -> Wizard {
    let mut wizard = Wizard::on(fixtures::inventory_of(Vec::new()));
    wizard.types(name);
    wizard.keys(&["Tab"]);
    wizard.types("10.0.0.1:2881");
    wizard.keys(&["Tab", "Tab"]);
    wizard.types("a secret");
    wizard
}

/// The connection is being tried, or was refused so.
fn tried(refused: Option<crate::domain::fault::Fault>) -> Wizard {
    let mut wizard = typed("prod-hz");
    wizard.keys(&["Tab", "Tab", "Enter"]);
    let req = wizard.last(|effect| match effect {
        Effect::TryConnection(req, _) => Some(*req),
        _ => None,
    });
    if let Some(fault) = refused {
        wizard.answer(req, Answer::ConnectionTried(Err(fault)));
    }
    wizard
}

fn list() -> Wizard {
    let mut wizard = Wizard::on(three_clusters());
    wizard.detected("prod", fixtures::answer(fixtures::prod()));
    wizard.detected("dev-seek", fixtures::answer(fixtures::seek()));
    wizard.keys(&["Down"]);
    wizard
}

fn broken_list() -> Wizard {
    let mut wizard = Wizard::on(three_clusters());
    wizard.detected("prod", Err(fixtures::unreachable()));
    wizard.detected("dev-seek", Err(fixtures::refused_login()));
    wizard.keys(&["Enter"]);
    wizard
}

fn unreadable() -> Wizard {
    let mut wizard = Wizard::begun();
    let fault = crate::domain::fault::Fault::new(
        crate::domain::fault::Cause::Usage,
        "The inventory cannot be read.",
        "/home/dba/.config/obnow/config.yaml, line 3: there is no key passwort.",
        "Write password.",
    );
    wizard.opened(Err(fault));
    wizard
}

fn filtered() -> Wizard {
    let mut wizard = list();
    wizard.keys(&["/"]);
    wizard.types("pa");
    wizard
}

/// On a tenant, the second row, behind these keys.
fn on_tenant(facts: Facts, keys: &[&str]) -> Wizard {
    let mut wizard = Wizard::with(facts);
    wizard.keys(&["Down"]);
    wizard.keys(keys);
    wizard
}

/// On Detected, and the answer to what was asked on the way is there.
fn detected(facts: Facts) -> Wizard {
    let mut wizard = on_tenant(facts.clone(), &["Enter"]);
    let name = facts.cluster.name().to_owned();
    wizard.detected(&name, fixtures::answer(facts));
    wizard.is_on(Screen::Detected);
    wizard
}

fn storage(facts: Facts) -> Wizard {
    let mut wizard = detected(facts);
    wizard.keys(&["Enter"]);
    wizard.is_on(Screen::Storage);
    wizard
}

/// The question of the Test that runs, and where.
fn the_test(wizard: &Wizard) -> (RequestId, String) {
    wizard.last(|effect| match effect {
        Effect::Test(req, directories) => Some((*req, directories[0].spec.destination.to_string())),
        _ => None,
    })
}

fn testing() -> Wizard {
    let mut wizard = storage(fixtures::prod());
    wizard.keys(&["t"]);
    let (req, _) = the_test(&wizard);
    let ended = TestedCheck::pass(StorageCheck::Write, Some(41), "1 MiB written");
    for news in
        [TestUpdate::Begins(StorageCheck::Write), TestUpdate::Ended(ended), TestUpdate::Begins(StorageCheck::ReadBack)]
    {
        wizard.answer(req, Answer::TestProgressed(Box::new(news)));
    }
    wizard
}

fn tested(well: bool) -> Wizard {
    let mut wizard = storage(fixtures::prod());
    wizard.keys(&["t"]);
    let (req, uri) = the_test(&wizard);
    let write = if well {
        TestedCheck::pass(StorageCheck::Write, Some(41), "1 MiB written")
    } else {
        TestedCheck::fail(StorageCheck::Write, Some(41), super::task_journals::no_room())
    };
    let every = TestedCheck::not_checked(StorageCheck::EveryServer, "that every server reaches it");
    let checks = vec![write, TestedCheck::pass(StorageCheck::List, Some(9), "listed"), every];
    let report = TestReport { uri, checks, at: fixtures::now(), left_behind: None, by_hand: vec!["df -h /own".into()] };
    wizard.answer(req, Answer::TestFinished(Box::new(report)));
    wizard
}

fn mode_and(facts: Facts, keys: &[&str]) -> Wizard {
    let mut wizard = storage(facts);
    wizard.keys(&["Enter"]);
    wizard.is_on(Screen::Mode);
    wizard.keys(keys);
    wizard
}

fn mode(facts: Facts) -> Wizard {
    mode_and(facts, &["Tab"])
}

fn wrong_password() -> Wizard {
    let mut wizard = mode_and(fixtures::prod(), &["Tab", "Tab", "Tab", "Space", "Tab"]);
    wizard.types("secret");
    wizard.keys(&["Enter"]);
    wizard
}

fn confirm(facts: Facts) -> Wizard {
    // What refuses is found between the check and the plan.
    let before =
        if facts.tenants.iter().any(|tenant| !tenant.running.is_empty()) { fixtures::prod() } else { facts.clone() };
    let mut wizard = mode_and(before, &["Enter"]);
    let cluster = wizard.model.draft.as_ref().unwrap().cluster().to_owned();
    wizard.model.cluster_mut(&cluster).unwrap().answer = Some(fixtures::answer(facts));
    wizard.keys(&["Esc", "Enter"]);
    wizard.prepared();
    wizard
}

/// A task that was started just now, with what was confirmed.
fn begun_task(facts: Facts) -> (Wizard, Arc<Prepared>) {
    let mut wizard = confirm(facts);
    wizard.keys(&["Tab", "Enter"]);
    let (req, prepared) = wizard.last(|effect| match effect {
        Effect::Launch(req, prepared, _) => Some((*req, Arc::clone(prepared))),
        _ => None,
    });
    wizard.answer(req, Answer::Launched(Ok("1M7W5WH9X5DA".into())));
    wizard.is_on(Screen::Task);
    (wizard, prepared)
}

/// The same with its journal.
fn task(facts: Facts, story: TaskScript) -> Wizard {
    let (mut wizard, prepared) = begun_task(facts);
    let req = wizard.last(|effect| match effect {
        Effect::Follow(req, _) => Some(*req),
        _ => None,
    });
    let events = journal(&prepared, story);
    let mut view = TaskView::default();
    let mut at = fixtures::now().saturating_sub(jiff::SignedDuration::from_mins(4)).unwrap();
    for event in events {
        view.apply(at, &event);
        wizard.answer(req, Answer::Followed(at, Box::new(Ok(event))));
        at = at.saturating_add(jiff::SignedDuration::from_millis(900)).unwrap();
    }
    if story != TaskScript::Running {
        wizard.answer(req, Answer::FollowEnded { state: view.state(false), exit_reason: None });
    }
    wizard
}

/// The last question for the tasks is answered.
fn answer_tasks(wizard: &mut Wizard, rows: Result<Vec<TaskRow>, crate::domain::fault::Fault>) {
    let req = wizard.last(|effect| match effect {
        Effect::ListTasks(req) => Some(*req),
        _ => None,
    });
    wizard.answer(req, Answer::Tasks(rows));
}

fn tasks(facts: Facts) -> Wizard {
    let prepared = begun_task(facts.clone()).1;
    let mut wizard = Wizard::with(facts);
    wizard.keys(&["b"]);
    let stories =
        [TaskScript::Running, TaskScript::Ends(VerdictKind::Restorable), TaskScript::Ends(VerdictKind::Failed)];
    let rows = stories.into_iter().zip(["1M7W5WH9X5DC", "1M7W5WH9X5DB", "1M7W5WH9X5DA"]).map(|(story, id)| {
        let mut view = TaskView::default();
        let at = fixtures::now().saturating_sub(jiff::SignedDuration::from_hours(3)).unwrap();
        for event in journal(&prepared, story) {
            view.apply(at, &event);
        }
        let state = view.state(story == TaskScript::Running);
        TaskRow { id: id.into(), exit: exit::of_task(&view, state, None), view: Ok(Box::new(view)), state }
    });
    let unread = TaskRow {
        id: "1M7W5WH9X5D9".into(),
        view: Err(fixtures::unreachable()),
        state: TaskState::Unknown,
        exit: exit::Exit::UNKNOWN,
    };
    let rows = rows.chain([unread]).collect();
    answer_tasks(&mut wizard, Ok(rows));
    wizard
}

fn broken_tasks() -> Wizard {
    let mut wizard = waiting_tasks();
    answer_tasks(&mut wizard, Err(fixtures::unreachable()));
    wizard
}

fn waiting_tasks() -> Wizard {
    let mut wizard = Wizard::with(fixtures::prod());
    wizard.keys(&["b"]);
    wizard
}

fn leaving() -> Wizard {
    mode_and(fixtures::prod(), &["Tab", "Tab", "Space", "q"])
}

fn mixed_builds() -> Wizard {
    let mut wizard = detected(fixtures::mixed());
    wizard.keys(&["o"]);
    wizard.types("prod/p");
    wizard
}

fn asked() -> Wizard {
    let mut wizard = Wizard::on(three_clusters());
    wizard.keys(&["G", "Enter"]);
    wizard.types("12345");
    wizard
}

/// The help of every screen, over a scene of it.
fn helps() -> Vec<ScreenFixture> {
    let helped = |mut wizard: Wizard| {
        wizard.keys(&["?"]);
        wizard.model
    };
    vec![
        ("help.target", helped(list())),
        ("help.detected", helped(detected(fixtures::prod()))),
        ("help.storage", helped(storage(fixtures::prod()))),
        ("help.mode", helped(mode_and(fixtures::prod(), &[]))),
        ("help.confirm", helped(confirm(fixtures::prod()))),
        ("help.task", helped(task(fixtures::prod(), TaskScript::Running))),
        ("help.tasks", helped(tasks(fixtures::prod()))),
    ]
}
