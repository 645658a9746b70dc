//! A fake backend with random answers: inventories, clusters, storages, runners, journals. Every answer that can
//! come, comes.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::task_journals::{TaskScript, journal};
use super::{driver, fixtures};
use crate::app::storage_check::TestSpec;
use crate::domain::exit;
use crate::domain::facts::Facts;
use crate::domain::fault::Fault;
use crate::domain::storage_check::{Fit, OwnerFinding, StorageCheck, TestReport, TestUpdate, TestedCheck};
use crate::domain::task::{Prepared, TaskState, TaskView, UnreadableEvent};
use crate::wizard::effect::Effect;
use crate::wizard::model::RequestId;
use crate::wizard::msg::{Answer, TaskRow};
use crate::wizard::screens::confirm_dialog::{ConfirmAction, ConfirmDialog};

/// Dice that fall the same way for the same seed (splitmix64).
pub struct SeededRandom(pub u64);

impl SeededRandom {
    /// 0 to below `sides`.
    pub fn below(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((z ^ (z >> 31)) % (sides as u64)).unwrap()
    }

    /// Once in so many throws.
    pub fn one_in(&mut self, sides: usize) -> bool {
        self.below(sides) == 0
    }

    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }
}

/// What was answered and has not arrived yet, and the tasks there are.
pub struct FakeBackend {
    pub pending: VecDeque<(RequestId, Answer)>,
    clusters: BTreeMap<String, Vec<Arc<Facts>>>,
    tasks: BTreeMap<String, (Arc<Prepared>, TaskScript)>,
    next_id: u64,
}

impl FakeBackend {
    pub fn new() -> Self {
        let prod = vec![
            fixtures::prod(),
            fixtures::read_later(&fixtures::prod()),
            fixtures::busy(),
            fixtures::not_archiving(),
            fixtures::upgrading(),
            fixtures::mixed(),
            fixtures::without_storage(),
        ];
        let vault = vec![fixtures::with_name(fixtures::prod(), "vault")];
        let clusters = [("prod", prod), ("dev-seek", vec![fixtures::seek()]), ("vault", vault)];
        let shared = |facts: Vec<Facts>| facts.into_iter().map(Arc::new).collect();
        Self {
            pending: VecDeque::new(),
            clusters: clusters.into_iter().map(|(name, facts)| (name.to_owned(), shared(facts))).collect(),
            tasks: BTreeMap::new(),
            next_id: 0,
        }
    }

    /// Whoever it concerns does what was asked, and answers.
    pub fn take(&mut self, effect: Effect, dice: &mut SeededRandom) {
        match effect {
            Effect::OpenInventory(req) => {
                let known = match dice.below(12) {
                    0 => Err(fixtures::unreachable()),
                    1 => Ok(fixtures::inventory_of(Vec::new())),
                    _ => Ok(fixtures::three_clusters()),
                };
                self.say(req, Answer::InventoryOpened(Box::new(known)));
            }
            Effect::Detect(req, names) => {
                for cluster in names {
                    let facts = self.facts_of(&cluster, dice);
                    self.say(req, Answer::Detected { cluster, facts });
                }
            }
            Effect::TryConnection(req, _) => {
                let facts =
                    if dice.one_in(2) { Err(fixtures::refused_login()) } else { fixtures::answer(fixtures::prod()) };
                self.say(req, Answer::ConnectionTried(facts));
            }
            Effect::SaveConnection(req, _) | Effect::UseConnection(req, _) => {
                let known = if dice.one_in(4) { Err(fixtures::unreachable()) } else { Ok(fixtures::three_clusters()) };
                self.say(req, Answer::ConnectionSaved(Box::new(known)));
            }
            Effect::Prepare(req, facts, choices) => {
                self.next_id += 1;
                let made = driver::plan_preview(&facts, &choices, &format!("1M7W{}", self.next_id));
                self.say(req, Answer::Prepared(Box::new(made)));
            }
            Effect::Test(req, directories) => directories.iter().for_each(|one| self.test(req, &one.spec, dice)),
            Effect::Launch(req, prepared, _) => {
                let started = self.launch(prepared, dice);
                self.say(req, Answer::Launched(started));
            }
            Effect::Attach(req, ..) => {
                let known = self.tasks.keys().next().cloned();
                self.say(req, Answer::Launched(known.ok_or_else(fixtures::unreachable)));
            }
            Effect::Resume { req, task, .. } => {
                if let Some((_, story)) = self.tasks.get_mut(&task) {
                    *story = *dice.pick(&TaskScript::ALL);
                }
                let started = if dice.one_in(4) { Err(fixtures::unreachable()) } else { Ok(task) };
                self.say(req, Answer::Launched(started));
            }
            Effect::CancelQuestion(req, _) => {
                let question =
                    ConfirmDialog::new(ConfirmAction::Cancel, "Cancel this backup?", vec!["pay of prod".into()]);
                self.asked_back(req, question.with_name("prod/pay"), dice);
            }
            Effect::CompactQuestion(req, _) => {
                let question =
                    ConfirmDialog::new(ConfirmAction::Compact, "Compact?", vec!["ALL 14 tenants of prod".into()]);
                self.asked_back(req, question, dice);
            }
            Effect::Cancel(req, _) => {
                let asked = if dice.one_in(3) { Err(fixtures::unreachable()) } else { Ok(()) };
                self.say(req, Answer::CancelRequested(asked));
            }
            Effect::Follow(req, id) => self.follow(req, &id),
            Effect::ListTasks(req) => {
                let rows = if dice.one_in(9) { Err(fixtures::unreachable()) } else { Ok(self.rows()) };
                self.say(req, Answer::Tasks(rows));
            }
            Effect::Report(req, id) => {
                let path =
                    if dice.one_in(2) { Ok(format!("/tmp/{id}.txt").into()) } else { Err(fixtures::unreachable()) };
                self.say(req, Answer::ReportWritten(path));
            }
            Effect::FixDemo(req) => {
                let fixed = if dice.one_in(2) { Ok(vec!["no-space".to_owned()]) } else { Err("no fleet".to_owned()) };
                self.say(req, Answer::DemoFixed(fixed));
            }
            Effect::GivePassword(..)
            | Effect::StopTest
            | Effect::Unfollow
            | Effect::Copy(_)
            | Effect::Suspend
            | Effect::Quit => {}
        }
    }

    fn launch(&mut self, prepared: Arc<Prepared>, dice: &mut SeededRandom) -> Result<String, Fault> {
        if dice.one_in(5) {
            return Err(fixtures::unreachable());
        }
        let id = prepared.task.clone();
        self.tasks.insert(id.clone(), (prepared, *dice.pick(&TaskScript::ALL)));
        Ok(id)
    }

    fn say(&mut self, req: RequestId, answer: Answer) {
        self.pending.push_back((req, answer));
    }

    fn facts_of(&mut self, cluster: &str, dice: &mut SeededRandom) -> Result<Arc<Facts>, Fault> {
        match dice.below(16) {
            0 => Err(fixtures::unreachable()),
            1 => Err(fixtures::refused_login()),
            // Most of the time everything is in order.
            2..=7 => self.clusters.get(cluster).map(|all| Arc::clone(&all[0])).ok_or_else(fixtures::unreachable),
            _ => self.clusters.get(cluster).map(|all| Arc::clone(dice.pick(all))).ok_or_else(fixtures::unreachable),
        }
    }

    fn asked_back(&mut self, req: RequestId, question: ConfirmDialog, dice: &mut SeededRandom) {
        let question = if dice.one_in(4) { Err(fixtures::unreachable()) } else { Ok(Box::new(question)) };
        self.say(req, Answer::DialogReady(question));
    }

    fn test(&mut self, req: RequestId, what: &TestSpec, dice: &mut SeededRandom) {
        let check = match dice.below(3) {
            0 => TestedCheck::fail(StorageCheck::Write, Some(5), fixtures::unreachable()),
            _ => TestedCheck::pass(StorageCheck::Write, Some(5), "written"),
        };
        self.say(req, Answer::TestProgressed(Box::new(TestUpdate::Begins(StorageCheck::Write))));
        self.say(req, Answer::TestProgressed(Box::new(TestUpdate::Ended(check.clone()))));
        let every = TestedCheck::not_checked(StorageCheck::EveryServer, "that every server reaches it");
        let directory = TestedCheck {
            seen: Some(OwnerFinding { format: true, doubted: false, fit: Fit::Fit }),
            ..TestedCheck::pass(StorageCheck::Directory, Some(1), "ours, format file matches")
        };
        let report = TestReport {
            uri: what.destination.to_string(),
            checks: vec![check, directory, every],
            at: fixtures::now(),
            left_behind: None,
            by_hand: vec!["df -h".into()],
        };
        self.say(req, Answer::TestFinished(Box::new(report)));
    }

    fn follow(&mut self, req: RequestId, id: &str) {
        let Some((prepared, story)) = self.tasks.get(id).cloned() else {
            return self.say(req, Answer::FollowFailed(fixtures::unreachable()));
        };
        let mut view = TaskView::default();
        for event in journal(&prepared, story) {
            view.apply(fixtures::now(), &event);
            self.say(req, Answer::Followed(fixtures::now(), Box::new(Ok(event))));
        }
        if story == TaskScript::Running {
            let later = serde_json::json!({"event": "of a later obnow"});
            self.say(req, Answer::Followed(fixtures::now(), Box::new(Err(UnreadableEvent::Unknown(later)))));
        } else {
            self.say(req, Answer::FollowEnded { state: view.state(false), exit_reason: None });
        }
    }

    fn rows(&self) -> Vec<TaskRow> {
        let row = |(id, (prepared, story)): (&String, &(Arc<Prepared>, TaskScript))| {
            let mut view = TaskView::default();
            for event in journal(prepared, *story) {
                view.apply(fixtures::now(), &event);
            }
            let state = view.state(*story == TaskScript::Running);
            TaskRow { id: id.clone(), exit: exit::of_task(&view, state, None), view: Ok(Box::new(view)), state }
        };
        let unread = TaskRow {
            id: String::new(),
            view: Err(fixtures::unreachable()),
            state: TaskState::Unknown,
            exit: exit::Exit::UNKNOWN,
        };
        // The newest few: a list of thousands shows nothing new.
        self.tasks.iter().rev().take(4).map(row).chain([unread]).collect()
    }
}
