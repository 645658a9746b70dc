//! Runs the effects of the wizard: each in an async task of its own, whose answer becomes a message.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::mpsc::{self, UnboundedSender};
use tokio::task::{AbortHandle, JoinSet};

use super::effect::{DirectoryTest, Effect, TypedSecrets};
use super::event_loop::{DemoFix, StartOptions};
use super::model::RequestId;
use super::msg::{Answer, PlanPreview, TaskRow};
use super::screens::confirm_dialog::{ConfirmAction, ConfirmDialog};
use super::screens::connect::Login;
use crate::app::follow::{FollowUpdate, TaskFollower};
use crate::app::inventory_summary::{self, InventorySummary};
use crate::app::launch::{DetachedLauncher, LaunchOutcome, LaunchRequest, Launcher, TaskSecrets};
use crate::app::setup::{self, NewCluster};
use crate::app::storage_check::ProbeProgram;
use crate::app::{
    AppContext, SecretFlag, SecretRequest, attach, choices_from_inventory, detect, dump_directory, now, plans, prepare,
    report, storage_check, task_secrets, tasks,
};
use crate::domain::choices::Choices;
use crate::domain::confirmation::name_confirmation;
use crate::domain::exit;
use crate::domain::facts::Facts;
use crate::domain::fault::{Cause, Fault};
use crate::domain::plan::Refusal;
use crate::domain::secret::{Secret, SecretSource};
use crate::domain::storage_check::{StorageCheck, TestReport, TestedCheck};
use crate::domain::target::TargetName;
use crate::domain::task::Prepared;

/// The context, once the inventory was read; another one after a connection was saved.
type SharedContext = Arc<Mutex<Option<Arc<AppContext>>>>;

/// Makes a context of a new cluster and its password.
type MakeContext = fn(Option<PathBuf>, Option<PathBuf>, &NewCluster, Secret) -> Result<AppContext, Fault>;

/// Runs effects.
pub struct EffectRunner {
    start: Arc<StartOptions>,
    context: SharedContext,
    answers: UnboundedSender<(RequestId, Answer)>,
    /// Effects that may be aborted at any time.
    reads: JoinSet<()>,
    /// Effects that must finish, such as the launch of a runner.
    writes: JoinSet<()>,
    following: Option<AbortHandle>,
    testing: Option<AbortHandle>,
}

impl EffectRunner {
    /// Makes a runner with no effect started.
    #[must_use]
    pub fn new(start: StartOptions, answers: UnboundedSender<(RequestId, Answer)>) -> Self {
        Self {
            start: Arc::new(start),
            context: SharedContext::default(),
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
        let say = EffectSender { answers: self.answers.clone() };
        match effect {
            Effect::OpenInventory(req) => self.open_inventory(req, say),
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
                self.read(move |context| async move {
                    say.send(req, Answer::Prepared(Box::new(prepare_plan(context, facts, *choices).await)));
                });
            }
            Effect::Test(req, directories) => {
                let Some(context) = self.context() else { return };
                self.testing = Some(self.reads.spawn(test_all(context, req, directories, say)));
            }
            Effect::StopTest => self.stop_test(),
            Effect::Launch(req, prepared, typed) => {
                self.write(move |context| async move {
                    say.send(req, Answer::Launched(launch(&context, &prepared, typed).await));
                });
            }
            Effect::Attach(req, facts, target) => {
                self.write(move |context| async move {
                    say.send(req, Answer::Launched(attach_foreign(&context, &facts, &target).await));
                });
            }
            Effect::Resume { req, task, compact, typed } => {
                self.write(move |context| async move {
                    say.send(req, Answer::Launched(resume(&context, task, compact, typed).await));
                });
            }
            Effect::CancelQuestion(req, task) => {
                self.read(move |context| async move {
                    say.send(req, Answer::DialogReady(cancel_question(&context, &task).await.map(Box::new)));
                });
            }
            Effect::CompactQuestion(req, task) => {
                self.read(move |context| async move {
                    say.send(req, Answer::DialogReady(compact_question(&context, &task).await.map(Box::new)));
                });
            }
            Effect::Cancel(req, task) => {
                self.write(move |context| async move {
                    say.send(req, Answer::CancelRequested(cancel(&context, &task).await));
                });
            }
            Effect::Follow(req, task) => self.follow(req, task, say),
            Effect::Unfollow => self.unfollow(),
            Effect::ListTasks(req) => {
                let Some(context) = self.context() else { return };
                self.reads.spawn_blocking(move || say.send(req, Answer::Tasks(list_tasks(&context))));
            }
            Effect::FixDemo(req) => self.fix_demo(req, say),
            Effect::Report(req, task) => {
                let Some(context) = self.context() else { return };
                self.writes.spawn_blocking(move || {
                    say.send(req, Answer::ReportWritten(report::write(&context, &task).map(|(_, path)| path)));
                });
            }
            Effect::TryConnection(req, login) => {
                self.reads.spawn(try_connection(Arc::clone(&self.start), req, *login, say));
            }
            Effect::SaveConnection(req, login) => self.set_up(req, *login, setup::save, say),
            Effect::UseConnection(req, login) => self.set_up(req, *login, setup::context_for, say),
            // The loop itself does these: they are the terminal's.
            Effect::Copy(_) | Effect::Suspend | Effect::Quit => {}
        }
    }

    /// Starts work that reads, where an inventory is open; the end of the wizard breaks it off.
    fn read<F: Future<Output = ()> + Send + 'static>(&mut self, work: impl FnOnce(Arc<AppContext>) -> F) {
        if let Some(context) = self.context() {
            self.reads.spawn(work(context));
        }
    }

    /// Starts work that must not be broken off, where an inventory is open.
    fn write<F: Future<Output = ()> + Send + 'static>(&mut self, work: impl FnOnce(Arc<AppContext>) -> F) {
        if let Some(context) = self.context() {
            self.writes.spawn(work(context));
        }
    }

    fn open_inventory(&mut self, req: RequestId, say: EffectSender) {
        let (start, context) = (Arc::clone(&self.start), Arc::clone(&self.context));
        self.reads.spawn(async move {
            say.send(req, Answer::InventoryOpened(Box::new(open_inventory(start, context).await)));
        });
    }

    fn stop_test(&mut self) {
        if let Some(testing) = self.testing.take() {
            testing.abort();
        }
    }

    fn fix_demo(&mut self, req: RequestId, say: EffectSender) {
        let Some((_, fix)) = &self.start.demo else { return };
        let fix: DemoFix = Arc::clone(fix);
        self.reads.spawn(async move { say.send(req, Answer::DemoFixed(fix().await)) });
    }

    /// Follows one task at a time.
    fn follow(&mut self, req: RequestId, task: String, say: EffectSender) {
        let Some(context) = self.context() else { return };
        self.unfollow();
        self.following = Some(self.reads.spawn(follow(context, req, task, say)));
    }

    fn unfollow(&mut self) {
        if let Some(following) = self.following.take() {
            following.abort();
        }
    }

    /// Makes a context of a connection that was typed, and works in that from now on.
    fn set_up(&mut self, req: RequestId, login: Login, make: MakeContext, say: EffectSender) {
        let (start, shared) = (Arc::clone(&self.start), Arc::clone(&self.context));
        self.writes.spawn_blocking(move || {
            let context = make(start.config.clone(), start.state.clone(), &login.cluster(), login.password);
            let known = context.and_then(|context| {
                let known = inventory_summary::summarize(&context)?;
                *shared.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(context));
                Ok(known)
            });
            say.send(req, Answer::ConnectionSaved(Box::new(known)));
        });
    }

    fn context(&self) -> Option<Arc<AppContext>> {
        self.context.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Sends answers to the event loop.
#[derive(Clone)]
struct EffectSender {
    answers: UnboundedSender<(RequestId, Answer)>,
}

impl EffectSender {
    /// Sends an answer; it is dropped if the wizard has exited.
    fn send(&self, req: RequestId, answer: Answer) {
        let _ = self.answers.send((req, answer));
    }
}

async fn open_inventory(start: Arc<StartOptions>, shared: SharedContext) -> Result<InventorySummary, Fault> {
    let read = tokio::task::spawn_blocking(move || {
        let context =
            AppContext::open(start.config.clone(), start.state.clone(), start.direct.as_ref())?.without_prompts();
        let known = inventory_summary::summarize(&context)?;
        *shared.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(context));
        Ok(known)
    });
    read.await.unwrap_or_else(|_| Err(panicked("Reading the inventory")))
}

/// Tries a connection that was typed; nothing of it is kept.
async fn try_connection(start: Arc<StartOptions>, req: RequestId, login: Login, say: EffectSender) {
    let facts = match setup::context_for(start.config.clone(), start.state.clone(), &login.cluster(), login.password) {
        Ok(context) => setup::try_connect(&context).await.map(Arc::new),
        Err(fault) => Err(fault),
    };
    say.send(req, Answer::ConnectionTried(facts));
}

fn panicked(what: &str) -> Fault {
    Fault::new(Cause::Internal, format!("{what} broke off."), "This is a mistake in obnow.", "Report it.")
}

async fn detect_all(context: Arc<AppContext>, req: RequestId, names: Vec<String>, say: EffectSender) {
    let (sender, mut answers) = mpsc::unbounded_channel::<detect::DetectionResult>();
    let asking = async {
        detect::named(&context, &names, &sender).await;
        drop(sender);
    };
    let taking = async {
        while let Some(answer) = answers.recv().await {
            let facts = answer.facts.map(Arc::new);
            say.send(req, Answer::Detected { cluster: answer.cluster, facts });
        }
    };
    tokio::join!(asking, taking);
}

/// Makes the plan, and judges the secrets for it that are at hand.
async fn prepare_plan(
    context: Arc<AppContext>,
    facts: Arc<Facts>,
    choices: Choices,
) -> Result<PlanPreview, Box<Refusal>> {
    let planner = Arc::clone(&context);
    let made = tokio::task::spawn_blocking(move || make_plan(&planner, &facts, choices)).await;
    let made = made.unwrap_or_else(|_| Err(refusal(panicked("Planning"))))?;
    task_secrets::check_available(&context, &made.prepared).await.map_err(refusal)?;
    Ok(made)
}

fn refusal(fault: Fault) -> Box<Refusal> {
    Box::new(Refusal { fault, checks: Vec::new(), left_out: Vec::new() })
}

fn make_plan(context: &AppContext, facts: &Facts, choices: Choices) -> Result<PlanPreview, Box<Refusal>> {
    let cluster = context.cluster(facts.cluster.name()).map_err(refusal)?;
    choices.check().map_err(refusal)?;
    let said = choices.clone();
    let choices =
        if choices.fallbacks.is_empty() { choices_from_inventory::with_strategies(choices, cluster) } else { choices };
    let id = tasks::new_id(context).map_err(refusal)?;
    let facts = dump_directory::with_dump_directory(facts.clone(), &choices);
    let prepared = prepare::prepare(&facts, &choices, id.as_str())?;
    let by_name = name_confirmation(&prepared, cluster.environment.as_deref());
    Ok(PlanPreview { equivalent_command: plans::equivalent_command(cluster, &said, by_name.as_ref()), prepared })
}

/// Tests directories, all of them, whatever one of them says. An access key that was not typed is looked for once.
async fn test_all(context: Arc<AppContext>, req: RequestId, directories: Vec<DirectoryTest>, say: EffectSender) {
    let mut known: Option<(SecretSource, Secret)> = None;
    for DirectoryTest { spec: what, key_from } in directories {
        let Some(source) = key_from else {
            run_test(req, what, &say).await;
            continue;
        };
        if known.as_ref().is_none_or(|(from, _)| *from != source) {
            let asking = SecretRequest { what: "the access key of the storage", flag: SecretFlag::AccessKeyFrom };
            match context.secret(&source, asking).await {
                Ok(key) => known = Some((source, key)),
                Err(fault) => {
                    send_untested(req, &what, StorageCheck::Credentials, fault, &say);
                    continue;
                }
            }
        }
        let key = known.as_ref().map(|(_, key)| key.clone());
        run_test(req, what.with_access_key(key), &say).await;
    }
}

/// A Test that did not begin.
fn send_untested(
    req: RequestId,
    what: &storage_check::TestSpec,
    check: StorageCheck,
    fault: Fault,
    say: &EffectSender,
) {
    let report = TestReport {
        uri: what.destination.to_string(),
        checks: vec![TestedCheck::fail(check, None, fault)],
        at: now(),
        left_behind: None,
        by_hand: Vec::new(),
    };
    say.send(req, Answer::TestFinished(Box::new(report)));
}

async fn run_test(req: RequestId, what: storage_check::TestSpec, say: &EffectSender) {
    let tester = match ProbeProgram::current() {
        Ok(tester) => tester,
        Err(fault) => return send_untested(req, &what, StorageCheck::Directory, fault, say),
    };
    let (sender, mut news) = mpsc::unbounded_channel();
    let testing = async {
        let report = storage_check::run_test(&tester, what, Some(&sender)).await;
        drop(sender);
        report
    };
    let telling = async {
        while let Some(news) = news.recv().await {
            say.send(req, Answer::TestProgressed(Box::new(news)));
        }
    };
    let (report, ()) = tokio::join!(testing, telling);
    say.send(req, Answer::TestFinished(Box::new(report)));
}

async fn launch(context: &AppContext, prepared: &Prepared, typed: TypedSecrets) -> Result<String, Fault> {
    let cluster = context.cluster(&prepared.plan.cluster.name)?;
    let secrets = task_secrets::for_start(context, cluster, prepared, typed.into()).await?;
    start_runner(context, prepared.clone(), secrets).await
}

/// Hands a new task over.
async fn start_runner(context: &AppContext, prepared: Prepared, secrets: TaskSecrets) -> Result<String, Fault> {
    let cluster = context.cluster(&prepared.plan.cluster.name)?;
    context.ensure_state_directory()?;
    let id = tasks::parse_id(&prepared.task)?;
    let order = LaunchRequest::Start {
        prepared: Box::new(prepared),
        connection: Box::new(context.connection(cluster)),
        by: context.operator(),
    };
    match DetachedLauncher::for_this_program(&context.directories.state)?.launch(&id, order, secrets).await? {
        LaunchOutcome::Started => Ok(id.to_string()),
        LaunchOutcome::Busy(fault) => Err(fault),
    }
}

/// Watches somebody else's backup as a task of its own.
async fn attach_foreign(context: &AppContext, facts: &Facts, target: &TargetName) -> Result<String, Fault> {
    // A task that works on it already says more than one that only watches.
    if let Some(task) = tasks::find_newest(context, target)?.filter(|task| task.is_runner_alive) {
        return Ok(task.id.to_string());
    }
    let cluster = context.cluster(target.cluster())?;
    let id = tasks::new_id(context)?;
    let prepared = attach::prepare(facts, target, id.as_str())?;
    let secrets = TaskSecrets { login: Some(context.password(cluster).await?), ..TaskSecrets::default() };
    start_runner(context, prepared, secrets).await
}

async fn resume(context: &AppContext, id: String, compact: bool, typed: TypedSecrets) -> Result<String, Fault> {
    let task = tasks::find(context, &id)?;
    let secrets = task_secrets::for_retry(context, &task, typed.into()).await?;
    let order = if compact { LaunchRequest::ResumeWithCompaction } else { LaunchRequest::Resume };
    match DetachedLauncher::for_this_program(&context.directories.state)?.launch(&task.id, order, secrets).await? {
        LaunchOutcome::Started => Ok(id),
        LaunchOutcome::Busy(fault) => Err(fault),
    }
}

/// Asks the runner; where none lives, one is started for it.
async fn cancel(context: &AppContext, id: &str) -> Result<(), Fault> {
    let task = tasks::find(context, id)?;
    crate::app::cancel::request_cancel(context, &task)?;
    if task.is_runner_alive {
        return Ok(());
    }
    let secrets = task_secrets::for_cancel(context, &task).await?;
    match DetachedLauncher::for_this_program(&context.directories.state)?
        .launch(&task.id, LaunchRequest::Resume, secrets)
        .await?
    {
        LaunchOutcome::Started => Ok(()),
        LaunchOutcome::Busy(fault) => Err(fault),
    }
}

async fn cancel_question(context: &AppContext, id: &str) -> Result<ConfirmDialog, Fault> {
    let task = tasks::find(context, id)?;
    Ok(ConfirmDialog::for_cancel(crate::app::cancel::question(context, &task).await?))
}

async fn compact_question(context: &AppContext, id: &str) -> Result<ConfirmDialog, Fault> {
    let task = tasks::find(context, id)?;
    let asked = crate::app::compact::question(context, &task).await?;
    let mut lines = vec![asked.text()];
    lines.extend(asked.statements);
    let question = ConfirmDialog::new(ConfirmAction::Compact, "Perform a major compaction?", lines);
    Ok(match asked.required_name {
        Some(name) => question.with_name(name),
        None => question,
    })
}

async fn follow(context: Arc<AppContext>, req: RequestId, id: String, say: EffectSender) {
    let task = match tasks::find(&context, &id) {
        Ok(task) => task,
        Err(fault) => return say.send(req, Answer::FollowFailed(fault)),
    };
    let mut follow = TaskFollower::new(&context, task.id);
    loop {
        match follow.next(0).await {
            Ok(Some(FollowUpdate::Entry(at, event))) => say.send(req, Answer::Followed(at, Box::new(event))),
            Ok(Some(FollowUpdate::Unresponsive(fault))) => say.send(req, Answer::RunnerUnresponsive(Some(fault))),
            Ok(Some(FollowUpdate::Responsive)) => say.send(req, Answer::RunnerUnresponsive(None)),
            Ok(None) => break,
            Err(fault) => return say.send(req, Answer::FollowFailed(fault)),
        }
    }
    say.send(req, Answer::FollowEnded { state: follow.state(), exit_reason: follow.exit_reason() });
}

fn list_tasks(context: &AppContext) -> Result<Vec<TaskRow>, Fault> {
    let rows = tasks::load_all(context)?.into_iter().map(|task| match task {
        Ok(task) => {
            let state = task.state();
            let exit = exit::of_task(&task.view, state, task.exit_reason(context).as_ref());
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
