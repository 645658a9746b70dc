//! Runs the effects of the wizard: each in an async task of its own, whose answer becomes a message.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::mpsc::{self, UnboundedSender};
use tokio::task::{AbortHandle, JoinSet};

use super::effect::{Effect, ToTest, Typed};
use super::model::Req;
use super::msg::{Answer, Made, TaskRow};
use super::run::{Fix, Start};
use super::screens::connect::Login;
use super::screens::question::{Doing, Question};
use crate::app::follow::{Follow, News};
use crate::app::hand_over::{Detached, Launcher, Order, Started, TaskSecrets};
use crate::app::known::{self, Known};
use crate::app::setup::{self, NewCluster};
use crate::app::test::Tester;
use crate::app::{
    AppContext, Asking, Flag, attach, choose, detect, dump_place, now, plans, prepare, report, task_secrets, tasks,
    test,
};
use crate::domain::choices::Choices;
use crate::domain::confirmation::by_name;
use crate::domain::exit;
use crate::domain::facts::Facts;
use crate::domain::fault::{Cause, Fault};
use crate::domain::plan::Refusal;
use crate::domain::secret::{Secret, SecretSource};
use crate::domain::storage_test::{StorageCheck, TestReport, TestedCheck};
use crate::domain::target::TargetName;
use crate::domain::task::Prepared;

/// The context, once the inventory was read; another one after a connection was saved.
type Shared = Arc<Mutex<Option<Arc<AppContext>>>>;

/// Makes a context of a new cluster and its password.
type MakeRoom = fn(Option<PathBuf>, Option<PathBuf>, &NewCluster, Secret) -> Result<AppContext, Fault>;

/// Runs effects.
pub struct Effects {
    start: Arc<Start>,
    context: Shared,
    answers: UnboundedSender<(Req, Answer)>,
    /// Effects that may be aborted at any time.
    reads: JoinSet<()>,
    /// Effects that must finish, such as the launch of a runner.
    writes: JoinSet<()>,
    following: Option<AbortHandle>,
    testing: Option<AbortHandle>,
}

impl Effects {
    /// Makes a runner with no effect started.
    #[must_use]
    pub fn new(start: Start, answers: UnboundedSender<(Req, Answer)>) -> Self {
        Self {
            start: Arc::new(start),
            context: Shared::default(),
            answers,
            reads: JoinSet::new(),
            writes: JoinSet::new(),
            following: None,
            testing: None,
        }
    }

    /// Waits for what must not be broken off.
    pub async fn finish(&mut self) {
        while self.writes.join_next().await.is_some() {}
    }

    /// Starts an effect.
    pub fn run(&mut self, effect: Effect) {
        // What has ended is let go of.
        while self.reads.try_join_next().is_some() {}
        while self.writes.try_join_next().is_some() {}
        let say = Say { answers: self.answers.clone() };
        match effect {
            Effect::Open(req) => {
                let (start, context) = (Arc::clone(&self.start), Arc::clone(&self.context));
                self.reads.spawn(async move { say.one(req, Answer::Opened(Box::new(open(start, context).await))) });
            }
            Effect::Detect(req, names) => {
                let Some(context) = self.context() else { return };
                self.reads.spawn(detect_all(context, req, names, say));
            }
            Effect::GivePassword(cluster, password) => {
                // Before anything that needs it: the next effect finds it there.
                if let Some(context) = self.context() {
                    context.give_password(&cluster, password);
                }
            }
            Effect::Prepare(req, facts, choices) => {
                let Some(context) = self.context() else { return };
                self.reads.spawn(async move {
                    say.one(req, Answer::Prepared(Box::new(prepared(context, facts, *choices).await)));
                });
            }
            Effect::Test(req, directories) => {
                let Some(context) = self.context() else { return };
                self.testing = Some(self.reads.spawn(test_all(context, req, directories, say)));
            }
            Effect::StopTest => {
                if let Some(testing) = self.testing.take() {
                    testing.abort();
                }
            }
            Effect::Launch(req, prepared, typed) => {
                let Some(context) = self.context() else { return };
                self.writes.spawn(async move {
                    say.one(req, Answer::Launched(launch(&context, &prepared, typed).await));
                });
            }
            Effect::Attach(req, facts, target) => {
                let Some(context) = self.context() else { return };
                self.writes.spawn(async move {
                    say.one(req, Answer::Launched(watch_foreign(&context, &facts, &target).await));
                });
            }
            Effect::GoOn { req, task, compact, typed } => {
                let Some(context) = self.context() else { return };
                self.writes.spawn(async move {
                    say.one(req, Answer::Launched(go_on(&context, task, compact, typed).await));
                });
            }
            Effect::CancelQuestion(req, task) => {
                let Some(context) = self.context() else { return };
                self.reads.spawn(async move {
                    let question = cancel_question(&context, &task).await;
                    say.one(req, Answer::Questioned(question.map(Box::new)));
                });
            }
            Effect::CompactQuestion(req, task) => {
                let Some(context) = self.context() else { return };
                self.reads.spawn(async move {
                    let question = compact_question(&context, &task).await;
                    say.one(req, Answer::Questioned(question.map(Box::new)));
                });
            }
            Effect::Cancel(req, task) => {
                let Some(context) = self.context() else { return };
                self.writes.spawn(async move { say.one(req, Answer::CancelAsked(cancel(&context, &task).await)) });
            }
            Effect::Follow(req, task) => {
                let Some(context) = self.context() else { return };
                self.unfollow();
                self.following = Some(self.reads.spawn(follow(context, req, task, say)));
            }
            Effect::Unfollow => self.unfollow(),
            Effect::ListTasks(req) => {
                let Some(context) = self.context() else { return };
                self.reads.spawn_blocking(move || say.one(req, Answer::Tasks(list(&context))));
            }
            Effect::Fix(req) => {
                let Some((_, fix)) = &self.start.demo else { return };
                let fix: Fix = Arc::clone(fix);
                self.reads.spawn(async move { say.one(req, Answer::Fixed(fix().await)) });
            }
            Effect::Report(req, task) => {
                let Some(context) = self.context() else { return };
                self.writes.spawn_blocking(move || {
                    say.one(req, Answer::Reported(report::write(&context, &task).map(|(_, path)| path)));
                });
            }
            Effect::Try(req, login) => {
                self.reads.spawn(attempt(Arc::clone(&self.start), req, *login, say));
            }
            Effect::Save(req, login) => self.set_up(req, *login, setup::save, say),
            Effect::Use(req, login) => self.set_up(req, *login, setup::context_for, say),
            // The loop itself does these: they are the terminal's.
            Effect::Copy(_) | Effect::Suspend | Effect::Leave => {}
        }
    }

    fn unfollow(&mut self) {
        if let Some(following) = self.following.take() {
            following.abort();
        }
    }

    /// Makes a context of a connection that was typed, and works in that from now on.
    fn set_up(&mut self, req: Req, login: Login, make: MakeRoom, say: Say) {
        let (start, shared) = (Arc::clone(&self.start), Arc::clone(&self.context));
        self.writes.spawn_blocking(move || {
            let context = make(start.config.clone(), start.state.clone(), &login.cluster(), login.password);
            let known = context.and_then(|context| {
                let known = known::of(&context)?;
                *shared.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(context));
                Ok(known)
            });
            say.one(req, Answer::Saved(Box::new(known)));
        });
    }

    fn context(&self) -> Option<Arc<AppContext>> {
        self.context.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Sends answers to the event loop.
#[derive(Clone)]
struct Say {
    answers: UnboundedSender<(Req, Answer)>,
}

impl Say {
    /// Sends an answer; it is dropped if the wizard has exited.
    fn one(&self, req: Req, answer: Answer) {
        let _ = self.answers.send((req, answer));
    }
}

async fn open(start: Arc<Start>, shared: Shared) -> Result<Known, Fault> {
    let read = tokio::task::spawn_blocking(move || {
        let context = AppContext::open(start.config.clone(), start.state.clone(), start.direct.as_ref())?.silent();
        let known = known::of(&context)?;
        *shared.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(context));
        Ok(known)
    });
    read.await.unwrap_or_else(|_| Err(broke_off("Reading the inventory")))
}

/// Tries a connection that was typed; nothing of it is kept.
async fn attempt(start: Arc<Start>, req: Req, login: Login, say: Say) {
    let facts = match setup::context_for(start.config.clone(), start.state.clone(), &login.cluster(), login.password) {
        Ok(context) => setup::attempt(&context).await.map(Arc::new),
        Err(fault) => Err(fault),
    };
    say.one(req, Answer::Tried(facts));
}

fn broke_off(what: &str) -> Fault {
    Fault::new(Cause::Internal, format!("{what} broke off."), "This is a mistake in obnow.", "Report it.")
}

async fn detect_all(context: Arc<AppContext>, req: Req, names: Vec<String>, say: Say) {
    let (sender, mut answers) = mpsc::unbounded_channel::<detect::Detected>();
    let asking = async {
        detect::named(&context, &names, &sender).await;
        drop(sender);
    };
    let taking = async {
        while let Some(answer) = answers.recv().await {
            let facts = answer.facts.map(Arc::new);
            say.one(req, Answer::Detected { cluster: answer.cluster, facts });
        }
    };
    tokio::join!(asking, taking);
}

/// Makes the plan, and judges the secrets for it that are at hand.
async fn prepared(context: Arc<AppContext>, facts: Arc<Facts>, choices: Choices) -> Result<Made, Box<Refusal>> {
    let planner = Arc::clone(&context);
    let made = tokio::task::spawn_blocking(move || planned(&planner, &facts, choices)).await;
    let made = made.unwrap_or_else(|_| Err(refused(broke_off("Planning"))))?;
    task_secrets::judge(&context, &made.prepared).await.map_err(refused)?;
    Ok(made)
}

fn refused(fault: Fault) -> Box<Refusal> {
    Box::new(Refusal { fault, checks: Vec::new(), left_out: Vec::new() })
}

fn planned(context: &AppContext, facts: &Facts, choices: Choices) -> Result<Made, Box<Refusal>> {
    let cluster = context.cluster(facts.cluster.name()).map_err(refused)?;
    choices.check().map_err(refused)?;
    let said = choices.clone();
    let choices = if choices.fallbacks.is_empty() { choose::with_strategies(choices, cluster) } else { choices };
    let id = tasks::new_id(context).map_err(refused)?;
    let facts = dump_place::seen(facts.clone(), &choices);
    let prepared = prepare::prepare(&facts, &choices, id.as_str())?;
    let by_name = by_name(&prepared, cluster.environment.as_deref());
    Ok(Made { same_as: plans::same_as(cluster, &said, by_name.as_ref()), prepared })
}

/// Tests directories, all of them, whatever one of them says. An access key that was not typed is looked for once.
async fn test_all(context: Arc<AppContext>, req: Req, directories: Vec<ToTest>, say: Say) {
    let mut known: Option<(SecretSource, Secret)> = None;
    for ToTest { what, key_from } in directories {
        let Some(source) = key_from else {
            run_test(req, what, &say).await;
            continue;
        };
        if known.as_ref().is_none_or(|(from, _)| *from != source) {
            let asking = Asking { what: "the access key of the storage", flag: Flag::AccessKeyFrom };
            match context.secret(&source, asking).await {
                Ok(key) => known = Some((source, key)),
                Err(fault) => {
                    not_tested(req, &what, StorageCheck::Credentials, fault, &say);
                    continue;
                }
            }
        }
        let key = known.as_ref().map(|(_, key)| key.clone());
        run_test(req, what.with_access_key(key), &say).await;
    }
}

/// A Test that did not begin.
fn not_tested(req: Req, what: &test::TestOf, check: StorageCheck, fault: Fault, say: &Say) {
    let report = TestReport {
        uri: what.destination.to_string(),
        checks: vec![TestedCheck::fail(check, None, fault)],
        at: now(),
        left_behind: None,
        by_hand: Vec::new(),
    };
    say.one(req, Answer::TestOver(Box::new(report)));
}

async fn run_test(req: Req, what: test::TestOf, say: &Say) {
    let tester = match Tester::here() {
        Ok(tester) => tester,
        Err(fault) => return not_tested(req, &what, StorageCheck::Directory, fault, say),
    };
    let (sender, mut news) = mpsc::unbounded_channel();
    let testing = async {
        let report = test::storage(&tester, what, Some(&sender)).await;
        drop(sender);
        report
    };
    let telling = async {
        while let Some(news) = news.recv().await {
            say.one(req, Answer::Tested(Box::new(news)));
        }
    };
    let (report, ()) = tokio::join!(testing, telling);
    say.one(req, Answer::TestOver(Box::new(report)));
}

async fn launch(context: &AppContext, prepared: &Prepared, typed: Typed) -> Result<String, Fault> {
    let cluster = context.cluster(&prepared.plan.cluster.name)?;
    let secrets = task_secrets::for_start(context, cluster, prepared, typed.into()).await?;
    begin(context, prepared.clone(), secrets).await
}

/// Hands a new task over.
async fn begin(context: &AppContext, prepared: Prepared, secrets: TaskSecrets) -> Result<String, Fault> {
    let cluster = context.cluster(&prepared.plan.cluster.name)?;
    context.ensure_state()?;
    let id = tasks::id_of(&prepared.task)?;
    let order = Order::New {
        prepared: Box::new(prepared),
        connection: Box::new(context.connection(cluster)),
        by: context.who(),
    };
    match Detached::here(&context.places.state)?.launch(&id, order, secrets).await? {
        Started::Yes => Ok(id.to_string()),
        Started::Busy(fault) => Err(fault),
    }
}

/// Watches somebody else's backup as a task of its own.
async fn watch_foreign(context: &AppContext, facts: &Facts, target: &TargetName) -> Result<String, Fault> {
    // A task that works on it already says more than one that only watches.
    if let Some(task) = tasks::newest_on(context, target)?.filter(|task| task.alive) {
        return Ok(task.id.to_string());
    }
    let cluster = context.cluster(target.cluster())?;
    let id = tasks::new_id(context)?;
    let prepared = attach::prepare(facts, target, id.as_str())?;
    let secrets = TaskSecrets { login: Some(context.password(cluster).await?), ..TaskSecrets::default() };
    begin(context, prepared, secrets).await
}

async fn go_on(context: &AppContext, id: String, compact: bool, typed: Typed) -> Result<String, Fault> {
    let task = tasks::find(context, &id)?;
    let secrets = task_secrets::for_retry(context, &task, typed.into()).await?;
    let order = if compact { Order::CompactFirst } else { Order::GoOn };
    match Detached::here(&context.places.state)?.launch(&task.id, order, secrets).await? {
        Started::Yes => Ok(id),
        Started::Busy(fault) => Err(fault),
    }
}

/// Asks the runner; where none lives, one is started for it.
async fn cancel(context: &AppContext, id: &str) -> Result<(), Fault> {
    let task = tasks::find(context, id)?;
    crate::app::cancel::ask(context, &task)?;
    if task.alive {
        return Ok(());
    }
    let secrets = task_secrets::for_cancel(context, &task).await?;
    match Detached::here(&context.places.state)?.launch(&task.id, Order::GoOn, secrets).await? {
        Started::Yes => Ok(()),
        Started::Busy(fault) => Err(fault),
    }
}

async fn cancel_question(context: &AppContext, id: &str) -> Result<Question, Fault> {
    let task = tasks::find(context, id)?;
    Ok(Question::cancel(crate::app::cancel::question(context, &task).await?))
}

async fn compact_question(context: &AppContext, id: &str) -> Result<Question, Fault> {
    let task = tasks::find(context, id)?;
    let asked = crate::app::compact::question(context, &task).await?;
    let mut lines = vec![asked.text()];
    lines.extend(asked.statements);
    let question = Question::new(Doing::Compact, "Perform a major compaction?", lines);
    Ok(match asked.type_name {
        Some(name) => question.by_name(name),
        None => question,
    })
}

async fn follow(context: Arc<AppContext>, req: Req, id: String, say: Say) {
    let task = match tasks::find(&context, &id) {
        Ok(task) => task,
        Err(fault) => return say.one(req, Answer::FollowFailed(fault)),
    };
    let mut follow = Follow::new(&context, task.id);
    loop {
        match follow.next(0).await {
            Ok(Some(News::Line(at, event))) => say.one(req, Answer::Followed(at, Box::new(event))),
            Ok(Some(News::Silent(fault))) => say.one(req, Answer::Silent(Some(fault))),
            Ok(Some(News::AnswersAgain)) => say.one(req, Answer::Silent(None)),
            Ok(None) => break,
            Err(fault) => return say.one(req, Answer::FollowFailed(fault)),
        }
    }
    say.one(req, Answer::FollowedToEnd { state: follow.state(), last_word: follow.last_word() });
}

fn list(context: &AppContext) -> Result<Vec<TaskRow>, Fault> {
    let rows = tasks::all(context)?.into_iter().map(|task| match task {
        Ok(task) => {
            let state = task.state();
            let exit = exit::of_task(&task.view, state, task.last_word(context).as_ref());
            TaskRow { id: task.id.to_string(), view: Ok(Box::new(task.view)), state, exit }
        }
        Err(fault) => TaskRow {
            id: String::new(),
            view: Err(fault),
            state: crate::domain::task::TaskState::Unknown,
            exit: exit::Exit::UNKNOWN,
        },
    });
    Ok(rows.collect())
}
