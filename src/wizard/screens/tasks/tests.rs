#![allow(clippy::unwrap_used, reason = "a test stops where its setup fails")]

use jiff::tz::TimeZone;

use super::*;
use crate::app::inventory_summary::ClusterSummary;
use crate::domain::exit::Exit;
use crate::domain::fault::Cause;
use crate::domain::samples::{cluster, job, other_tenant, target, tenant};
use crate::domain::task::{TaskState, TaskView};
use crate::wizard::model::ClusterState;
use crate::wizard::msg::{Answer, Msg};
use crate::wizard::update::update;

fn row(id: &str) -> TaskRow {
    let view = Ok(Box::new(TaskView::default()));
    TaskRow { id: id.into(), view, state: TaskState::Done, exit: Exit::OK }
}

fn unreadable() -> TaskRow {
    let fault = Fault::new(Cause::Usage, "T3.jsonl is not read.", "It is of a newer obnow.", "Use that one.");
    TaskRow { id: String::new(), view: Err(fault), state: TaskState::Unknown, exit: Exit::UNKNOWN }
}

/// A wizard on the list, with a cluster where a task of this host, another host's task and cron back up.
fn listing(rows: Vec<TaskRow>) -> Model {
    let (mut pay, mut log, mut crm) = (tenant(1002, "pay"), other_tenant(1004, "log"), other_tenant(1006, "crm"));
    pay.running = vec![job("obnow T1.1")];
    log.running = vec![job("obnow T77.1")];
    crm.running = vec![job("by cron")];
    let known = ClusterSummary {
        name: target("prod"),
        environment: None,
        endpoints: Vec::new(),
        user: "root@sys".into(),
        is_password_typed: false,
        ssh_user: None,
        max_backup_age: None,
        fallbacks: Vec::new(),
        compactions: Vec::new(),
    };
    let facts = Arc::new(cluster(vec![pay, log, crm]));
    let mut model = Model::new((80, 24), TimeZone::UTC);
    model.clusters = vec![ClusterState {
        summary: known,
        answer: Some(Ok(facts)),
        pending: None,
        needs_password: false,
        rows: Vec::new(),
    }];
    let effects = open(&mut model);
    assert_eq!(format!("{effects:?}"), "[ListTasks(RequestId(1))]");
    let answer = Msg::Answer(RequestId(1), Answer::Tasks(Ok(rows)));
    assert!(update(&mut model, answer).is_empty());
    model
}

fn press(model: &mut Model, key: Key) -> Vec<Effect> {
    update(model, Msg::Key(key))
}

#[test]
fn what_no_task_of_this_host_started_runs_elsewhere() {
    let model = listing(vec![row("T1")]);
    let owners: Vec<(String, String)> =
        foreign_jobs(&model).iter().map(|other| (other.target.to_string(), other.job.owner())).collect();
    assert_eq!(
        owners,
        [("prod/log".to_owned(), "obnow task T77.1".to_owned()), ("prod/crm".to_owned(), "\"by cron\"".to_owned())]
    );
}

#[test]
fn enter_watches_attaches_or_shows_a_fault() {
    let mut model = listing(vec![row("T1"), unreadable()]);
    assert!(press(&mut model, Key::Down).is_empty());
    assert!(press(&mut model, Key::Enter).is_empty());
    assert_eq!(model.notice.as_deref(), Some("T3.jsonl is not read. It is of a newer obnow."));
    press(&mut model, Key::Char('G'));
    let effects = press(&mut model, Key::Enter);
    assert!(matches!(effects.as_slice(), [Effect::Attach(_, _, name)] if *name == target("prod/crm")), "{effects:?}");
    model.attach_request = None;
    press(&mut model, Key::Char('g'));
    let effects = press(&mut model, Key::Enter);
    assert!(matches!(effects.as_slice(), [Effect::Follow(_, id)] if id == "T1"), "{effects:?}");
    assert_eq!(model.screen, Screen::Task);
    // Esc leads back here, and from here to where one was before.
    press(&mut model, Key::Esc);
    assert_eq!(model.screen, Screen::Tasks);
    press(&mut model, Key::Esc);
    assert_eq!(model.screen, Screen::Target);
}

#[test]
fn the_list_of_a_task_does_not_lead_in_circles() {
    let mut model = listing(vec![row("T1")]);
    press(&mut model, Key::Enter);
    press(&mut model, Key::Char('b'));
    assert_eq!(model.screen, Screen::Tasks);
    press(&mut model, Key::Esc);
    assert_eq!(model.screen, Screen::Target);
}

#[test]
fn a_late_list_is_dropped_and_the_focus_stays_on_its_task() {
    let mut model = listing(vec![row("T2"), row("T1")]);
    press(&mut model, Key::Down);
    let effects = refresh(&mut model);
    assert_eq!(format!("{effects:?}"), "[ListTasks(RequestId(2))]");
    let late = Msg::Answer(RequestId(1), Answer::Tasks(Ok(Vec::new())));
    assert!(update(&mut model, late).is_empty());
    assert_eq!(model.tasks.rows.len(), 2);
    let answer = Msg::Answer(RequestId(2), Answer::Tasks(Ok(vec![row("T3"), row("T2"), row("T1")])));
    assert!(update(&mut model, answer).is_empty());
    assert_eq!(focused(&model).unwrap().id, "T1");
    let effects = press(&mut model, Key::Char('y'));
    assert!(matches!(effects.as_slice(), [Effect::Copy(id)] if id == "T1"));
    let _ = refresh(&mut model);
    let refused = Fault::new(Cause::Internal, "It cannot be read.", "Why.", "Next.");
    let answer = Msg::Answer(RequestId(3), Answer::Tasks(Err(refused.clone())));
    assert!(update(&mut model, answer).is_empty());
    assert_eq!((model.tasks.fault.as_ref(), model.tasks.rows.len()), (Some(&refused), 3));
}
