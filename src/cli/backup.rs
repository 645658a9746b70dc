//! `obnow backup`: the plan, the confirmation, the start, and the task to its verdict.

use super::answers::{Answered, Answers, Question, ask, is_terminal};
use super::args::{BackupArgs, Common};
use super::beside::{self, Beside, Compared};
use super::proof::{self, Looked};
use super::say::Role;
use super::{Exit, Say, choosing, show, tasks as tasks_face};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::app::follow::{Follow, News};
use crate::app::hand_over::{Detached, Launcher, Order, Started, TaskSecrets};
use crate::app::tasks::TaskId;
use crate::app::test::subjects;
use crate::app::{AppContext, cancel, choose, detect, dump_place, plans, tasks};
use crate::domain::choices::{Choices, Mode};
use crate::domain::confirmation::{ByName, by_name};
use crate::domain::exit;
use crate::domain::facts::{Facts, TenantKind};
use crate::domain::fault::{Cause, Fault};
use crate::domain::outcome::{Outcome, VerdictWord};
use crate::domain::plan::Refusal;
use crate::domain::preflight::{Check, cluster_checks, tenant_checks};
use crate::domain::saved::SavedPlan;
use crate::domain::target::TargetName;
use crate::domain::task::{Event, Prepared, TargetView, TaskState};
use crate::domain::version::Method;

/// Backs up.
pub(super) async fn run(context: &AppContext, say: &Say, common: &Common, args: &BackupArgs) -> Result<Exit, Fault> {
    let saved = args.plan.as_deref().map(plans::open).transpose()?;
    let targets = saved.as_ref().map_or(&args.targets, |saved| &saved.choices.targets);
    let cluster = context.cluster(choosing::one_cluster(targets)?)?;
    let choices = match &saved {
        Some(saved) => choosing::saved(saved, args)?,
        None => choosing::chosen(args, choose::usual_compaction(cluster, targets))?,
    };
    choices.check()?;
    let said = choices.clone();
    let choices = choose::with_strategies(choices, cluster);
    // Asked for before anything else is waited for.
    context.password(cluster).await?;
    let id = tasks::new_id(context)?;
    let until = args.wait_lock.map(|limit| tokio::time::Instant::now() + limit);
    let mut waiting = false;
    let mut looked: Option<Looked> = None;
    let (facts, prepared) = loop {
        let facts = dump_place::seen(detect::one(context, cluster).await?, &choices);
        if let Some(saved) = &saved {
            saved.refuse_another(&facts)?;
        }
        let choices = tasks::with_last_storage(context, &facts, choices.clone())?;
        let over = until.is_some_and(|until| tokio::time::Instant::now() >= until);
        // Neither is anything tested for a plan that is only looked at, or that nobody can confirm.
        let starts = !args.dry_run && args.save_plan.is_none() && (args.yes || is_terminal());
        let made = proof::plan(context, say, &facts, (&choices, id.as_str()), (&mut looked, starts)).await?;
        let refusal = match made {
            // Of several targets those that are busy are left out; who waits, waits for them too.
            Ok(prepared) => match busy_left_out(&prepared).filter(|_| until.is_some() && !over) {
                None => break (facts, prepared),
                Some(fault) => Box::new(Refusal { fault, checks: Vec::new(), left_out: Vec::new() }),
            },
            Err(refusal) => refusal,
        };
        if refusal.fault.cause == Cause::Busy && !waiting {
            match on_busy(say, args, targets, &refusal.fault) {
                OnBusy::Wait => waiting = true,
                OnBusy::Attach(target) => return tasks_face::attach(context, say, target).await,
                OnBusy::Leave => {}
            }
        }
        if refusal.fault.cause != Cause::Busy || !waiting || over {
            show::checks(say, &refusal.checks);
            say.fault(&refusal.fault);
            return Ok(exit::of_fault(&refusal.fault));
        }
        tokio::time::sleep(BETWEEN_LOOKS.max(context.poll())).await;
    };
    let compared = compared(args, saved.as_ref(), &prepared);
    detected(say, &facts);
    show::checks(say, &prepared.plan.checks);
    let by_name = by_name(&prepared, cluster.environment.as_deref());
    let answers = Answers { yes: args.yes, name: args.confirm.as_deref() };
    let question = question(by_name.as_ref());
    let only_shown = args.dry_run || args.save_plan.is_some();
    let may_begin = if only_shown { None } else { Some(answers.can_settle(&question)) };
    let secrets = proof::secrets(context, &prepared, (looked.as_ref(), matches!(may_begin, Some(Ok(()))))).await?;
    super::tell_short(context, say);
    if let Some(path) = &args.save_plan {
        plans::save(context, path, &facts, &prepared)?;
    }
    let saved_as = args.save_plan.as_deref();
    let run_it = beside::run_it(common, saved_as);
    let same_as = beside::command(common, plans::same_as(cluster, &said, by_name.as_ref()));
    show::plan(say, &prepared, &Beside { same_as, compared, saved_as, run_it });
    let Some(refused) = may_begin else { return Ok(Exit::OK) };
    refused?;
    may_begin_unasked(&prepared, saved.as_ref(), args.yes)?;
    let subjects = subjects::of_plan(&facts, cluster, &prepared);
    // What was given by hand nobody has tried yet.
    if choices.storage.is_some() && !proof::passes(say, looked.as_ref(), subjects, (&secrets, &choices.skip)).await? {
        return Ok(Exit::STORAGE);
    }
    if answers.settle(&question)? == Answered::No {
        return Ok(Exit::LEFT);
    }
    context.ensure_state()?;
    let order = Order::New {
        prepared: Box::new(prepared),
        connection: Box::new(context.connection(cluster)),
        by: context.who(),
    };
    let waits = (until, waiting);
    let started = launched(context, (&id, &order, &secrets), waits, |fault| {
        on_busy(say, args, targets, fault);
    })
    .await?;
    match started {
        Started::Busy(fault) => Err(fault),
        Started::Yes if args.detach => {
            let task = tasks::load(context, id)?;
            show::task(say, task.id.as_str(), &task.view, TaskState::Running);
            say.line(&format!("Task {} runs by itself. Watch it with: obnow watch {}", task.id, task.id));
            Ok(Exit::OK)
        }
        Started::Yes => follow(context, say, id.as_str()).await,
    }
}

/// Hands the task over to a runner; while somebody else works on a target, again until the moment given, after the first time
/// said so.
async fn launched(
    context: &AppContext,
    (id, order, secrets): (&TaskId, &Order, &TaskSecrets),
    (until, mut waiting): (Option<tokio::time::Instant>, bool),
    say_busy: impl Fn(&Fault),
) -> Result<Started, Fault> {
    let runner = Detached::here(&context.places.state)?;
    loop {
        match runner.launch(id, order.clone(), secrets.clone()).await? {
            Started::Busy(fault) if until.is_some_and(|until| tokio::time::Instant::now() < until) => {
                if !waiting {
                    say_busy(&fault);
                    waiting = true;
                }
                tokio::time::sleep(BETWEEN_LOOKS.max(context.poll())).await;
            }
            started => return Ok(started),
        }
    }
}

/// Of a plan for several targets, why one of them is left out for now: another backup runs there.
fn busy_left_out(prepared: &Prepared) -> Option<Fault> {
    let busy = |check: &&Check| check.refuses() && check.cause == Cause::Busy;
    prepared.plan.checks.iter().find(busy).map(Check::fault)
}

/// Between two looks at a target that another backup keeps busy.
const BETWEEN_LOOKS: std::time::Duration = std::time::Duration::from_millis(500);

/// What to do where another backup runs.
enum OnBusy<'a> {
    /// Wait for its end.
    Wait,
    /// Watch it.
    Attach(&'a TargetName),
    /// Leave, with exit 11.
    Leave,
}

fn on_busy<'a>(say: &Say, args: &BackupArgs, targets: &'a [TargetName], fault: &Fault) -> OnBusy<'a> {
    if let Some(limit) = args.wait_lock {
        say.note(&format!("{} Waiting for its end, at most {} s.", fault.why, limit.as_secs()));
        return OnBusy::Wait;
    }
    let [target] = targets else { return OnBusy::Leave };
    if args.yes || target.tenant().is_none() || !is_terminal() {
        return OnBusy::Leave;
    }
    say.note(&fault.why);
    match ask("Watch it, wait for its end, or leave? [watch/wait/LEAVE] ").as_str() {
        "watch" => OnBusy::Attach(target),
        "wait" => OnBusy::Wait,
        _ => OnBusy::Leave,
    }
}

/// The main job on the first eligible tenant, confirmed by itself: what `obnow demo` plays off a terminal.
///
/// # Errors
/// The inventory, the connection, or no tenant that may be backed up.
pub async fn play(context: &AppContext, say: &Say, common: &Common) -> Result<Exit, Fault> {
    for cluster in &context.inventory.clusters {
        let Ok(facts) = detect::one(context, cluster).await else { continue };
        let Some(target) = first_eligible(&facts) else { continue };
        let args = BackupArgs {
            confirm: Some(target.to_string()),
            targets: vec![target],
            plan: None,
            mode: Some(super::args::Mode::Full),
            storage: None,
            archive_storage: None,
            access_id: None,
            access_key_from: None,
            compact: None,
            plus_archivelog: false,
            encrypt_from: None,
            no_full: super::args::NoFull::Fail,
            skip: Vec::new(),
            exclude_table: Vec::new(),
            prove: false,
            no_proof: false,
            decrypt_from: Vec::new(),
            resume_archive: true,
            dry_run: false,
            save_plan: None,
            yes: true,
            detach: false,
            wait_lock: None,
        };
        return Box::pin(run(context, say, common, &args)).await;
    }
    Err(Fault::new(
        Cause::Precondition,
        "No tenant of this fleet can be backed up now.",
        "Every one is refused by a check, or its cluster does not answer.",
        "See why with: obnow --demo=SCENARIO targets.",
    ))
}

fn first_eligible(facts: &Facts) -> Option<TargetName> {
    if facts.cluster.method == Method::Logical {
        return None;
    }
    let users = facts.tenants.iter().filter(|tenant| tenant.kind == TenantKind::User);
    users.map(|tenant| (tenant, facts.target(tenant))).find_map(|(tenant, target)| {
        let choices = Choices::new(vec![target.clone()], Mode::Full);
        let mut checks = cluster_checks(facts, &choices);
        checks.extend(tenant_checks(facts, tenant, &choices));
        (!checks.iter().any(crate::domain::preflight::Check::refuses)).then_some(target)
    })
}

fn detected(say: &Say, facts: &Facts) {
    let cluster = &facts.cluster;
    let id = cluster.id.map_or_else(String::new, |id| format!("  cluster id {id}"));
    say.line(&say.paint(Role::Title, &format!("{}  at {}{id}", cluster.target, cluster.endpoint)));
    say.line(&format!("  OceanBase Version  {}", cluster.version.with_build()));
    say.line(&format!("  Backup Method      {}  ({})", cluster.method, cluster.method_reason));
    say.line("  Preflight");
}

/// The plan against the file it was made from.
fn compared<'a>(args: &'a BackupArgs, saved: Option<&SavedPlan>, prepared: &Prepared) -> Option<Compared<'a>> {
    let (file, saved) = args.plan.as_deref().zip(saved)?;
    Some(Compared { file, saved: saved.saved, differs: saved.differences(prepared), digest: saved.digest })
}

/// What is asked before anything is written.
fn question(by_name: Option<&ByName>) -> Question<'_> {
    let name = by_name.map(|asked| (format!("{} It is confirmed by its name.", asked.title), asked.name.as_str()));
    let or = ", or --dry-run to see it only";
    Question { ask: "Back up now?", name, undone: "The plan was not confirmed.", or }
}

/// Waits for Ctrl-C; for ever where the system does not tell of it.
async fn interrupted(signal: Option<&mut Signal>) {
    match signal {
        Some(signal) => {
            signal.recv().await;
        }
        None => std::future::pending().await,
    }
}

/// Where nobody is asked nothing more is interrupted than somebody confirmed, and archiving that somebody suspended goes on only
/// where that was said beforehand.
fn may_begin_unasked(prepared: &Prepared, saved: Option<&SavedPlan>, unasked: bool) -> Result<(), Fault> {
    if let Some(saved) = saved.filter(|_| unasked) {
        saved.refuse_unasked(prepared)?;
    }
    let resumed: Vec<String> = prepared.plan.resumed().map(ToString::to_string).collect();
    if resumed.is_empty() || prepared.plan.choices.resume_archive || !unasked {
        return Ok(());
    }
    Err(Fault::new(
        Cause::Usage,
        format!("Log archiving of {} is suspended, and nobody said that it may go on.", resumed.join(", ")),
        "It was suspended on purpose, a backup resumes it, and nobody is asked here.",
        "Find out why it was suspended; say --resume-archive if it may go on.",
    ))
}

/// Follows a task from its beginning to its end.
pub(super) async fn follow(context: &AppContext, say: &Say, id: &str) -> Result<Exit, Fault> {
    follow_asked(context, say, id, (0, None)).await
}

/// Whether it is Retry that leads on; what only waits for its log says so itself.
fn goes_on_by_retry(target: &TargetView) -> bool {
    let waits = |outcome: &Outcome| outcome.verdict == VerdictWord::NotYetRestorable;
    target.wants_retry() && !target.outcome.as_ref().is_some_and(waits)
}

/// Follows a task to its end, from what comes after an attempt. Ctrl-C leaves it: the task goes on. Where something was asked of
/// its runner, one that does not answer, or cannot do it, ends it.
pub(super) async fn follow_asked(
    context: &AppContext,
    say: &Say,
    id: &str,
    (after, request): (u32, Option<&str>),
) -> Result<Exit, Fault> {
    let task = tasks::find(context, id)?;
    show::task(say, id, &task.view, task.state());
    if after == 0 {
        say.line(&say.paint(Role::Title, &format!("Task {id}")));
    }
    let mut follow = Follow::new(context, task.id);
    // One for all rounds: a Ctrl-C that comes while an event is printed is not missed.
    let mut interrupts = signal(SignalKind::interrupt()).ok();
    loop {
        let next = tokio::select! {
            next = follow.next(after) => next?,
            () = interrupted(interrupts.as_mut()) => {
                say.note(&format!("Left. The task goes on: obnow watch {id}"));
                return Ok(Exit::LEFT);
            }
        };
        match next {
            Some(News::Line(at, Ok(event))) => {
                show::event(say, id, at, &event, &follow.view);
                if let Event::Request { request: answered, fault: Some(fault), .. } = event
                    && request == Some(answered.as_str())
                {
                    return Err(fault);
                }
            }
            Some(News::Line(at, Err(unread))) => show::unknown(say, id, at, &unread),
            Some(News::Silent(fault)) if request.is_some_and(|request| !follow.view.requests.contains(request)) => {
                return Err(cancel::not_taken_up(id, &fault));
            }
            Some(News::Silent(fault)) => say.fault(&fault),
            Some(News::AnswersAgain) => say.line(&format!("The runner of task {id} answers again.")),
            None => break,
        }
    }
    let state = follow.state();
    show::last_verdict(say, id, &follow.view);
    if let Some(fault) = follow.view.damage(id) {
        say.fault(&fault);
    }
    let last_word = follow.last_word();
    if state == TaskState::RunnerGone {
        say.fault(&follow.view.runner_gone(id, last_word.as_ref()));
    } else if !say.json && follow.view.targets.iter().any(goes_on_by_retry) {
        say.note(&format!("Once the cause is gone: obnow retry {id}"));
    }
    Ok(exit::of_task(&follow.view, state, last_word.as_ref()))
}
