//! `obnow backup`: the plan, the confirmation, the start, and the task to its verdict.

use super::args::{BackupArgs, Common};
use super::confirmation::{Answer, Confirmation, ConfirmationArgs, ask, is_terminal};
use super::output::OutputStyle;
use super::plan_footer::{self, PlanComparison, PlanFooter};
use super::plan_tests::{self, DirectoryFindings};
use super::{Exit, Output, choices_from_args, render, tasks as tasks_face};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::app::follow::{FollowUpdate, TaskFollower};
use crate::app::launch::{DetachedLauncher, LaunchOutcome, LaunchRequest, Launcher, TaskSecrets};
use crate::app::storage_check::subjects;
use crate::app::tasks::TaskId;
use crate::app::{AppContext, cancel, choices_from_inventory, detect, dump_directory, plans, tasks};
use crate::domain::choices::{Choices, Mode};
use crate::domain::confirmation::{NameConfirmation, name_confirmation};
use crate::domain::exit;
use crate::domain::facts::{Facts, TenantKind};
use crate::domain::fault::{Cause, Fault};
use crate::domain::outcome::{Outcome, VerdictKind};
use crate::domain::plan::Refusal;
use crate::domain::preflight::{Check, cluster_checks, tenant_checks};
use crate::domain::saved_plan::SavedPlan;
use crate::domain::target::TargetName;
use crate::domain::task::{Event, Prepared, TargetView, TaskState};
use crate::domain::version::Method;

/// Backs up.
pub(super) async fn run(context: &AppContext, say: &Output, common: &Common, args: &BackupArgs) -> Result<Exit, Fault> {
    let saved = args.plan.as_deref().map(plans::open).transpose()?;
    let targets = saved.as_ref().map_or(&args.targets, |saved| &saved.choices.targets);
    let cluster = context.cluster(choices_from_args::one_cluster(targets)?)?;
    let choices = match &saved {
        Some(saved) => choices_from_args::choices_from_plan_file(saved, args)?,
        None => {
            choices_from_args::choices_from_args(args, choices_from_inventory::default_compaction(cluster, targets))?
        }
    };
    choices.check()?;
    let said = choices.clone();
    let choices = choices_from_inventory::with_strategies(choices, cluster);
    // Asked for before anything else is waited for.
    context.password(cluster).await?;
    let id = tasks::new_id(context)?;
    let until = args.wait_lock.map(|limit| tokio::time::Instant::now() + limit);
    let request = PlanRequest { targets, choices: &choices, saved: saved.as_ref(), id: &id, until };
    let mut looked: Option<DirectoryFindings> = None;
    let (facts, prepared, waiting) = match plan_when_free(context, say, args, &request, &mut looked).await? {
        Planned::Ready { facts, prepared, waited } => (facts, prepared, waited),
        Planned::Attach(target) => return tasks_face::attach(context, say, &target).await,
        Planned::Refused(exit) => return Ok(exit),
    };
    let compared = compare_plans(args, saved.as_ref(), &prepared);
    print_detected(say, &facts);
    render::checks(say, &prepared.plan.checks);
    let by_name = name_confirmation(&prepared, cluster.environment.as_deref());
    let answers = ConfirmationArgs { yes: args.yes, name: args.confirm.as_deref() };
    let question = start_confirmation(by_name.as_ref());
    let only_shown = args.dry_run || args.save_plan.is_some();
    let may_begin = if only_shown { None } else { Some(answers.can_answer(&question)) };
    let secrets = plan_tests::secrets(context, &prepared, (looked.as_ref(), matches!(may_begin, Some(Ok(()))))).await?;
    super::print_short_secret_notes(context, say);
    if let Some(path) = &args.save_plan {
        plans::save(context, path, &facts, &prepared)?;
    }
    let saved_as = args.save_plan.as_deref();
    let run_it = plan_footer::run_command(common, saved_as);
    let same_as = plan_footer::quote_command(common, plans::equivalent_command(cluster, &said, by_name.as_ref()));
    render::plan(say, &prepared, &PlanFooter { equivalent_command: same_as, compared, saved_as, run_command: run_it });
    let Some(refused) = may_begin else { return Ok(Exit::OK) };
    refused?;
    check_unattended_start(&prepared, saved.as_ref(), args.yes)?;
    let subjects = subjects::from_plan(&facts, cluster, &prepared);
    // What was given by hand nobody has tried yet.
    if choices.storage.is_some()
        && !plan_tests::passes(say, looked.as_ref(), subjects, (&secrets, &choices.skip)).await?
    {
        return Ok(Exit::STORAGE);
    }
    if answers.answer(&question)? == Answer::No {
        return Ok(Exit::LEFT);
    }
    context.ensure_state_directory()?;
    let order =
        LaunchRequest::Start { prepared, connection: Box::new(context.connection(cluster)), by: context.operator() };
    let waits = (until, waiting);
    let started = launch_and_follow(context, (&id, &order, &secrets), waits, |fault| {
        on_busy(say, args, targets, fault);
    })
    .await?;
    match started {
        LaunchOutcome::Busy(fault) => Err(fault),
        LaunchOutcome::Started if args.detach => print_detached(context, say, &id),
        LaunchOutcome::Started => follow(context, say, id.as_str()).await,
    }
}

/// What a plan is made for.
struct PlanRequest<'a> {
    targets: &'a [TargetName],
    choices: &'a Choices,
    /// The plan file that it is compared with.
    saved: Option<&'a SavedPlan>,
    id: &'a TaskId,
    /// Until when another backup is waited for; `None`: it is not.
    until: Option<tokio::time::Instant>,
}

/// The end of planning.
enum Planned {
    /// There is a plan.
    Ready {
        facts: Box<Facts>,
        prepared: Box<Prepared>,
        /// Whether another backup was waited for.
        waited: bool,
    },
    /// The running backup of this target is to be watched instead.
    Attach(TargetName),
    /// There is no plan; the refusal was printed.
    Refused(Exit),
}

/// Detects the cluster and makes the plan; while another backup runs, again until the time given.
async fn plan_when_free(
    context: &AppContext,
    say: &Output,
    args: &BackupArgs,
    request: &PlanRequest<'_>,
    looked: &mut Option<DirectoryFindings>,
) -> Result<Planned, Fault> {
    let PlanRequest { targets, choices, saved, id, until } = *request;
    let cluster = context.cluster(choices_from_args::one_cluster(targets)?)?;
    let mut waited = false;
    loop {
        let facts = dump_directory::with_dump_directory(detect::one(context, cluster).await?, choices);
        if let Some(saved) = saved {
            saved.refuse_another(&facts)?;
        }
        let choices = tasks::with_last_storage(context, &facts, choices.clone())?;
        let over = until.is_some_and(|until| tokio::time::Instant::now() >= until);
        // Neither is anything tested for a plan that is only looked at, or that nobody can confirm.
        let starts = !args.dry_run && args.save_plan.is_none() && (args.yes || is_terminal());
        let made =
            plan_tests::plan_with_findings(context, say, &facts, (&choices, id.as_str()), (&mut *looked, starts))
                .await?;
        let refusal = match made {
            // Of several targets those that are busy are left out; who waits, waits for them too.
            Ok(prepared) => match busy_left_out(&prepared).filter(|_| until.is_some() && !over) {
                None => return Ok(Planned::Ready { facts: Box::new(facts), prepared: Box::new(prepared), waited }),
                Some(fault) => Box::new(Refusal { fault, checks: Vec::new(), left_out: Vec::new() }),
            },
            Err(refusal) => refusal,
        };
        if refusal.fault.cause == Cause::Busy && !waited {
            match on_busy(say, args, targets, &refusal.fault) {
                OnBusy::Wait => waited = true,
                OnBusy::Attach(target) => return Ok(Planned::Attach(target.clone())),
                OnBusy::Leave => {}
            }
        }
        if refusal.fault.cause != Cause::Busy || !waited || over {
            render::checks(say, &refusal.checks);
            say.fault(&refusal.fault);
            return Ok(Planned::Refused(exit::of_fault(&refusal.fault)));
        }
        tokio::time::sleep(POLL_INTERVAL.max(context.poll_interval())).await;
    }
}

/// Says how a task that nobody follows is watched.
fn print_detached(context: &AppContext, say: &Output, id: &TaskId) -> Result<Exit, Fault> {
    let task = tasks::load(context, id.clone())?;
    render::task(say, task.id.as_str(), &task.view, TaskState::Running);
    say.line(&format!("Task {} runs by itself. Watch it with: obnow watch {}", task.id, task.id));
    Ok(Exit::OK)
}

/// Hands the task over to a runner; while somebody else works on a target, again until the moment given, after the first time
/// said so.
async fn launch_and_follow(
    context: &AppContext,
    (id, order, secrets): (&TaskId, &LaunchRequest, &TaskSecrets),
    (until, mut waiting): (Option<tokio::time::Instant>, bool),
    say_busy: impl Fn(&Fault),
) -> Result<LaunchOutcome, Fault> {
    let runner = DetachedLauncher::for_this_program(&context.directories.state)?;
    loop {
        match runner.launch(id, order.clone(), secrets.clone()).await? {
            LaunchOutcome::Busy(fault) if until.is_some_and(|until| tokio::time::Instant::now() < until) => {
                if !waiting {
                    say_busy(&fault);
                    waiting = true;
                }
                tokio::time::sleep(POLL_INTERVAL.max(context.poll_interval())).await;
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
const POLL_INTERVAL: std::time::Duration = std::time::Duration::from_millis(500);

/// What to do where another backup runs.
enum OnBusy<'a> {
    /// Wait for its end.
    Wait,
    /// Watch it.
    Attach(&'a TargetName),
    /// Leave, with exit 11.
    Leave,
}

fn on_busy<'a>(say: &Output, args: &BackupArgs, targets: &'a [TargetName], fault: &Fault) -> OnBusy<'a> {
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
pub async fn run_demo(context: &AppContext, say: &Output, common: &Common) -> Result<Exit, Fault> {
    for cluster in &context.inventory.clusters {
        let Ok(facts) = detect::one(context, cluster).await else { continue };
        let Some(target) = first_eligible(&facts) else { continue };
        let args = BackupArgs {
            confirm: Some(target.to_string()),
            targets: vec![target],
            plan: None,
            mode: Some(super::args::ModeArg::Full),
            storage: None,
            archive_storage: None,
            access_id: None,
            access_key_from: None,
            compact: None,
            plus_archivelog: false,
            encrypt_from: None,
            no_full: super::args::NoFullArg::Fail,
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

fn print_detected(say: &Output, facts: &Facts) {
    let cluster = &facts.cluster;
    let id = cluster.id.map_or_else(String::new, |id| format!("  cluster id {id}"));
    say.line(&say.paint(OutputStyle::Title, &format!("{}  at {}{id}", cluster.target, cluster.endpoint)));
    say.line(&format!("  OceanBase Version  {}", cluster.version.with_build()));
    say.line(&format!("  Backup Method      {}  ({})", cluster.method, cluster.method_reason));
    say.line("  Preflight");
}

/// The plan against the file it was made from.
fn compare_plans<'a>(
    args: &'a BackupArgs,
    saved: Option<&SavedPlan>,
    prepared: &Prepared,
) -> Option<PlanComparison<'a>> {
    let (file, saved) = args.plan.as_deref().zip(saved)?;
    Some(PlanComparison { file, saved: saved.saved, differences: saved.differences(prepared), digest: saved.digest })
}

/// What is asked before anything is written.
fn start_confirmation(by_name: Option<&NameConfirmation>) -> Confirmation<'_> {
    let name = by_name.map(|asked| (format!("{} It is confirmed by its name.", asked.title), asked.name.as_str()));
    let or = ", or --dry-run to see it only";
    Confirmation { ask: "Back up now?", name, if_declined: "The plan was not confirmed.", alternative: or }
}

/// Waits for Ctrl-C; for ever where the system does not tell of it.
async fn wait_for_interrupt(signal: Option<&mut Signal>) {
    match signal {
        Some(signal) => {
            signal.recv().await;
        }
        None => std::future::pending().await,
    }
}

/// Where nobody is asked nothing more is interrupted than somebody confirmed, and archiving that somebody suspended goes on only
/// where that was said beforehand.
fn check_unattended_start(prepared: &Prepared, saved: Option<&SavedPlan>, unasked: bool) -> Result<(), Fault> {
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
pub(super) async fn follow(context: &AppContext, say: &Output, id: &str) -> Result<Exit, Fault> {
    follow_asked(context, say, id, (0, None)).await
}

/// Whether it is Retry that leads on; what only waits for its log says so itself.
fn needs_retry(target: &TargetView) -> bool {
    let waits = |outcome: &Outcome| outcome.verdict == VerdictKind::NotYetRestorable;
    target.wants_retry() && !target.outcome.as_ref().is_some_and(waits)
}

/// Follows a task to its end, from what comes after an attempt. Ctrl-C leaves it: the task goes on. Where something was asked of
/// its runner, one that does not answer, or cannot do it, ends it.
pub(super) async fn follow_asked(
    context: &AppContext,
    say: &Output,
    id: &str,
    (after, request): (u32, Option<&str>),
) -> Result<Exit, Fault> {
    let task = tasks::find(context, id)?;
    render::task(say, id, &task.view, task.state());
    if after == 0 {
        say.line(&say.paint(OutputStyle::Title, &format!("Task {id}")));
    }
    let mut follow = TaskFollower::new(context, task.id);
    // One for all rounds: a Ctrl-C that comes while an event is printed is not missed.
    let mut interrupts = signal(SignalKind::interrupt()).ok();
    loop {
        let next = tokio::select! {
            next = follow.next(after) => next?,
            () = wait_for_interrupt(interrupts.as_mut()) => {
                say.note(&format!("Left. The task goes on: obnow watch {id}"));
                return Ok(Exit::LEFT);
            }
        };
        match next {
            Some(FollowUpdate::Entry(at, Ok(event))) => {
                render::event(say, id, at, &event, &follow.view);
                if let Event::Request { request: answered, fault: Some(fault), .. } = event
                    && request == Some(answered.as_str())
                {
                    return Err(fault);
                }
            }
            Some(FollowUpdate::Entry(at, Err(unread))) => render::unread_entry(say, id, at, &unread),
            Some(FollowUpdate::Unresponsive(fault))
                if request.is_some_and(|request| !follow.view.requests.contains(request)) =>
            {
                return Err(cancel::request_not_accepted(id, &fault));
            }
            Some(FollowUpdate::Unresponsive(fault)) => say.fault(&fault),
            Some(FollowUpdate::Responsive) => say.line(&format!("The runner of task {id} answers again.")),
            None => break,
        }
    }
    let state = follow.state();
    render::last_verdict(say, id, &follow.view);
    if let Some(fault) = follow.view.damage(id) {
        say.fault(&fault);
    }
    let last_word = follow.exit_reason();
    if state == TaskState::RunnerGone {
        say.fault(&follow.view.runner_gone(id, last_word.as_ref()));
    } else if !say.json && follow.view.targets.iter().any(needs_retry) {
        say.note(&format!("Once the cause is gone: obnow retry {id}"));
    }
    Ok(exit::of_task(&follow.view, state, last_word.as_ref()))
}
