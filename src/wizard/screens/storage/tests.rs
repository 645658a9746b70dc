#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops where its setup fails")]

use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::*;
use crate::app::inventory_summary::{ClusterSummary, InventorySummary};
use crate::app::storage_check::TestSpec;
use crate::domain::choices::Choices;
use crate::domain::facts::Facts;
use crate::domain::fault::{Cause, Fault};
use crate::domain::samples::{other_tenant, place, tenant};
use crate::domain::storage_check::{StorageCheck, TestReport, TestedCheck};
use crate::wizard::effect::Effect;
use crate::wizard::key::Key;
use crate::wizard::model::{Model, Screen};
use crate::wizard::msg::{Answer, Msg};
use crate::wizard::screens::target;
use crate::wizard::update::{initial_effects, update};

mod draw;
mod flow;
mod tested;

pub fn now() -> Timestamp {
    "2026-11-20T03:31:02Z".parse().unwrap()
}

/// The storage screen of this target, on a cluster `prod` that has answered.
pub fn opened(facts: Facts, name: &str, fallbacks: Vec<RequestedStorage>) -> Model {
    let mut model = Model::new((80, 24), TimeZone::UTC);
    let [Effect::OpenInventory(req)] = initial_effects(&mut model)[..] else { panic!("the inventory is read first") };
    let known = ClusterSummary {
        name: facts.cluster.target.clone(),
        environment: None,
        endpoints: Vec::new(),
        user: "root@sys".into(),
        is_password_typed: false,
        ssh_user: None,
        max_backup_age: None,
        fallbacks,
        compactions: Vec::new(),
    };
    let known = InventorySummary { clusters: vec![known], has_inventory: true, path: String::new() };
    let asked = answer(&mut model, req, Answer::InventoryOpened(Box::new(Ok(known))));
    let Some(Effect::Detect(req, _)) = asked.first() else { panic!("the cluster is asked: {asked:?}") };
    answered(&mut model, *req, facts);
    let _ = target::open_draft(&mut model, vec![name.parse().unwrap()]);
    press(&mut model, Key::Enter);
    assert_eq!(model.screen, Screen::Storage, "{:?}", model.notice);
    model
}

/// The cluster says this.
pub fn answered(model: &mut Model, req: RequestId, facts: Facts) {
    let cluster = facts.cluster.name().to_owned();
    answer(model, req, Answer::Detected { cluster, facts: Ok(Arc::new(facts)) });
}

pub fn answer(model: &mut Model, req: RequestId, answer: Answer) -> Vec<Effect> {
    update(model, Msg::Answer(req, answer))
}

pub fn press(model: &mut Model, key: Key) -> Vec<Effect> {
    update(model, Msg::Key(key))
}

pub fn type_in(model: &mut Model, text: &str) {
    for c in text.chars() {
        assert!(press(model, Key::Char(c)).is_empty());
    }
}

pub fn storage(model: &Model) -> &StorageScreen {
    &model.draft.as_ref().unwrap().storage
}

/// Presses Tab until this has the focus.
pub fn go(model: &mut Model, focus: Focus) {
    for _ in 0..20 {
        if storage(model).focus == focus {
            return;
        }
        press(model, Key::Tab);
    }
    panic!("{focus:?} is no stop: {:?}", storage(model).focus_order());
}

/// Begins typing the shown part, with this directory.
pub fn edit(model: &mut Model, directory: &str) {
    go(model, Focus::Edit);
    press(model, Key::Enter);
    assert_eq!(storage(model).focus, Focus::Field(Field::Directory));
    press(model, Key::Ctrl('u'));
    type_in(model, directory);
}

/// Shows the log archive.
pub fn show_archive(model: &mut Model) {
    go(model, Focus::Home);
    press(model, Key::Right);
    assert_eq!(storage(model).part, DirKind::Clog);
}

/// What is tested, under which number; of several directories the first.
pub fn test(model: &mut Model) -> (RequestId, TestSpec) {
    let (req, mut all) = test_all(model);
    (req, all.remove(0))
}

/// The same with every directory.
pub fn test_all(model: &mut Model) -> (RequestId, Vec<TestSpec>) {
    go(model, Focus::Test);
    let effects = press(model, Key::Char('t'));
    let [Effect::Test(req, directories)] = effects.as_slice() else { panic!("{effects:?}, {:?}", model.notice) };
    (*req, directories.iter().map(|one| one.spec.clone()).collect())
}

pub fn report(checks: Vec<TestedCheck>) -> TestReport {
    TestReport { uri: String::new(), checks, at: now(), left_behind: None, by_hand: vec!["df -h /b".into()] }
}

/// A Test in which everything passed but what nobody could look at.
pub fn passing() -> TestReport {
    report(vec![
        TestedCheck::pass(StorageCheck::Write, Some(41), "written"),
        TestedCheck::not_checked(StorageCheck::EveryServer, "that every server reaches it"),
    ])
}

pub fn failing() -> TestReport {
    let fault = Fault::new(Cause::Storage, "It is full.", "No room is left.", "Make room.");
    report(vec![TestedCheck::fail(StorageCheck::Write, None, fault)])
}

/// Tests the shown part, with this result for each of its directories.
#[allow(clippy::needless_pass_by_value, reason = "a report is made for the call")]
pub fn tested(model: &mut Model, report: TestReport) -> TestSpec {
    let (req, what) = test(model);
    while storage(model).is_testing() {
        assert_eq!(answer(model, req, Answer::TestFinished(Box::new(report.clone()))).len(), 0);
    }
    what
}

pub fn choices(model: &Model) -> Choices {
    model.choices().unwrap()
}

/// `prod` with three user tenants, each with directories of its own.
pub fn three() -> Facts {
    let mut first = tenant(1002, "pay");
    first.data_destination = Some(place("file:///own/1002/data"));
    first.archive.destination = Some(crate::domain::archive_dest::ArchiveDest::new(place("file:///own/1002/clog")));
    crate::domain::samples::cluster(vec![first, other_tenant(1004, "order"), other_tenant(1006, "risk")])
}
