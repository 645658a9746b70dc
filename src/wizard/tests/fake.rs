//! A fake backend with random answers: inventories, clusters, storages, runners, journals. Every answer that can
//! come, comes.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::plans::{Story, journal};
use super::{cast, drive};
use crate::app::test::TestOf;
use crate::domain::exit;
use crate::domain::facts::Facts;
use crate::domain::fault::Fault;
use crate::domain::storage_test::{Fit, Seen, StorageCheck, TestNews, TestReport, TestedCheck};
use crate::domain::task::{Prepared, TaskState, TaskView, Unread};
use crate::wizard::effect::Effect;
use crate::wizard::model::Req;
use crate::wizard::msg::{Answer, TaskRow};
use crate::wizard::screens::question::{Doing, Question};

/// Dice that fall the same way for the same seed (splitmix64).
pub struct Dice(pub u64);

impl Dice {
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
pub struct Fake {
    pub pending: VecDeque<(Req, Answer)>,
    clusters: BTreeMap<String, Vec<Arc<Facts>>>,
    tasks: BTreeMap<String, (Arc<Prepared>, Story)>,
    next_id: u64,
}

impl Fake {
    pub fn new() -> Self {
        let prod = vec![
            cast::prod(),
            cast::later(&cast::prod()),
            cast::busy(),
            cast::not_archiving(),
            cast::upgrading(),
            cast::mixed(),
            cast::without_storage(),
        ];
        let vault = vec![cast::named(cast::prod(), "vault")];
        let clusters = [("prod", prod), ("dev-seek", vec![cast::seek()]), ("vault", vault)];
        let shared = |facts: Vec<Facts>| facts.into_iter().map(Arc::new).collect();
        Self {
            pending: VecDeque::new(),
            clusters: clusters.into_iter().map(|(name, facts)| (name.to_owned(), shared(facts))).collect(),
            tasks: BTreeMap::new(),
            next_id: 0,
        }
    }

    /// Whoever it concerns does what was asked, and answers.
    pub fn take(&mut self, effect: Effect, dice: &mut Dice) {
        match effect {
            Effect::Open(req) => {
                let known = match dice.below(12) {
                    0 => Err(cast::unreachable()),
                    1 => Ok(cast::known(Vec::new())),
                    _ => Ok(cast::three()),
                };
                self.say(req, Answer::Opened(Box::new(known)));
            }
            Effect::Detect(req, names) => {
                for cluster in names {
                    let facts = self.facts_of(&cluster, dice);
                    self.say(req, Answer::Detected { cluster, facts });
                }
            }
            Effect::Try(req, _) => {
                let facts = if dice.one_in(2) { Err(cast::refused_login()) } else { cast::answer(cast::prod()) };
                self.say(req, Answer::Tried(facts));
            }
            Effect::Save(req, _) | Effect::Use(req, _) => {
                let known = if dice.one_in(4) { Err(cast::unreachable()) } else { Ok(cast::three()) };
                self.say(req, Answer::Saved(Box::new(known)));
            }
            Effect::Prepare(req, facts, choices) => {
                self.next_id += 1;
                let made = drive::made(&facts, &choices, &format!("1M7W{}", self.next_id));
                self.say(req, Answer::Prepared(Box::new(made)));
            }
            Effect::Test(req, directories) => directories.iter().for_each(|one| self.test(req, &one.what, dice)),
            Effect::Launch(req, prepared, _) => {
                let started = if dice.one_in(5) {
                    Err(cast::unreachable())
                } else {
                    let id = prepared.task.clone();
                    self.tasks.insert(id.clone(), (prepared, *dice.pick(&Story::ALL)));
                    Ok(id)
                };
                self.say(req, Answer::Launched(started));
            }
            Effect::Attach(req, ..) => {
                let known = self.tasks.keys().next().cloned();
                self.say(req, Answer::Launched(known.ok_or_else(cast::unreachable)));
            }
            Effect::GoOn { req, task, .. } => {
                if let Some((_, story)) = self.tasks.get_mut(&task) {
                    *story = *dice.pick(&Story::ALL);
                }
                let started = if dice.one_in(4) { Err(cast::unreachable()) } else { Ok(task) };
                self.say(req, Answer::Launched(started));
            }
            Effect::CancelQuestion(req, _) => {
                let question = Question::new(Doing::Cancel, "Cancel this backup?", vec!["pay of prod".into()]);
                self.asked_back(req, question.by_name("prod/pay"), dice);
            }
            Effect::CompactQuestion(req, _) => {
                let question = Question::new(Doing::Compact, "Compact?", vec!["ALL 14 tenants of prod".into()]);
                self.asked_back(req, question, dice);
            }
            Effect::Cancel(req, _) => {
                let asked = if dice.one_in(3) { Err(cast::unreachable()) } else { Ok(()) };
                self.say(req, Answer::CancelAsked(asked));
            }
            Effect::Follow(req, id) => self.follow(req, &id),
            Effect::ListTasks(req) => {
                let rows = if dice.one_in(9) { Err(cast::unreachable()) } else { Ok(self.rows()) };
                self.say(req, Answer::Tasks(rows));
            }
            Effect::Report(req, id) => {
                let path = if dice.one_in(2) { Ok(format!("/tmp/{id}.txt").into()) } else { Err(cast::unreachable()) };
                self.say(req, Answer::Reported(path));
            }
            Effect::Fix(req) => {
                let fixed = if dice.one_in(2) { Ok(vec!["no-space".to_owned()]) } else { Err("no fleet".to_owned()) };
                self.say(req, Answer::Fixed(fixed));
            }
            Effect::GivePassword(..)
            | Effect::StopTest
            | Effect::Unfollow
            | Effect::Copy(_)
            | Effect::Suspend
            | Effect::Leave => {}
        }
    }

    fn say(&mut self, req: Req, answer: Answer) {
        self.pending.push_back((req, answer));
    }

    fn facts_of(&mut self, cluster: &str, dice: &mut Dice) -> Result<Arc<Facts>, Fault> {
        match dice.below(16) {
            0 => Err(cast::unreachable()),
            1 => Err(cast::refused_login()),
            // Most of the time everything is in order.
            2..=7 => self.clusters.get(cluster).map(|all| Arc::clone(&all[0])).ok_or_else(cast::unreachable),
            _ => self.clusters.get(cluster).map(|all| Arc::clone(dice.pick(all))).ok_or_else(cast::unreachable),
        }
    }

    fn asked_back(&mut self, req: Req, question: Question, dice: &mut Dice) {
        let question = if dice.one_in(4) { Err(cast::unreachable()) } else { Ok(Box::new(question)) };
        self.say(req, Answer::Questioned(question));
    }

    fn test(&mut self, req: Req, what: &TestOf, dice: &mut Dice) {
        let check = match dice.below(3) {
            0 => TestedCheck::fail(StorageCheck::Write, Some(5), cast::unreachable()),
            _ => TestedCheck::pass(StorageCheck::Write, Some(5), "written"),
        };
        self.say(req, Answer::Tested(Box::new(TestNews::Begins(StorageCheck::Write))));
        self.say(req, Answer::Tested(Box::new(TestNews::Ended(check.clone()))));
        let every = TestedCheck::not_checked(StorageCheck::EveryServer, "that every server reaches it");
        let directory = TestedCheck {
            seen: Some(Seen { format: true, doubted: false, fit: Fit::Fit }),
            ..TestedCheck::pass(StorageCheck::Directory, Some(1), "ours, format file matches")
        };
        let report = TestReport {
            uri: what.destination.to_string(),
            checks: vec![check, directory, every],
            at: cast::now(),
            left_behind: None,
            by_hand: vec!["df -h".into()],
        };
        self.say(req, Answer::TestOver(Box::new(report)));
    }

    fn follow(&mut self, req: Req, id: &str) {
        let Some((prepared, story)) = self.tasks.get(id).cloned() else {
            return self.say(req, Answer::FollowFailed(cast::unreachable()));
        };
        let mut view = TaskView::default();
        for event in journal(&prepared, story) {
            view.apply(cast::now(), &event);
            self.say(req, Answer::Followed(cast::now(), Box::new(Ok(event))));
        }
        if story == Story::Runs {
            let later = serde_json::json!({"event": "of a later obnow"});
            self.say(req, Answer::Followed(cast::now(), Box::new(Err(Unread::Unknown(later)))));
        } else {
            self.say(req, Answer::FollowedToEnd { state: view.state(false), last_word: None });
        }
    }

    fn rows(&self) -> Vec<TaskRow> {
        let row = |(id, (prepared, story)): (&String, &(Arc<Prepared>, Story))| {
            let mut view = TaskView::default();
            for event in journal(prepared, *story) {
                view.apply(cast::now(), &event);
            }
            let state = view.state(*story == Story::Runs);
            TaskRow { id: id.clone(), exit: exit::of_task(&view, state, None), view: Ok(Box::new(view)), state }
        };
        let unread = TaskRow {
            id: String::new(),
            view: Err(cast::unreachable()),
            state: TaskState::Unknown,
            exit: exit::Exit::UNKNOWN,
        };
        // The newest few: a list of thousands shows nothing new.
        self.tasks.iter().rev().take(4).map(row).chain([unread]).collect()
    }
}
