#![allow(clippy::unwrap_used, reason = "a test stops where its setup fails")]

use jiff::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::domain::choices::Mode;
use crate::domain::connection::{Limits, TlsMode};
use crate::domain::fault::Cause;
use crate::domain::outcome::VerdictKind;
use crate::domain::plan::plan;
use crate::domain::progress::Progress;
use crate::domain::samples::{self, choose, cluster, other_tenant, target, tenant};
use crate::domain::secret::SecretSource;

mod laws;
mod shared;
mod upload;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_795_143_600 + second).unwrap()
}

/// Returns the creation of a task over `prod/pay` and `prod/log`.
fn created() -> Event {
    let facts = cluster(vec![tenant(1002, "pay"), other_tenant(1004, "log")]);
    let plan = plan(&facts, &choose(&["prod"], Mode::Full)).unwrap();
    let preview = vec![PreviewStep {
        target: target("prod/pay"),
        step: StepKind::StartBackup,
        needed: true,
        statements: vec!["ALTER SYSTEM BACKUP ...".into()],
        effect: "a backup".into(),
        interrupts: String::new(),
    }];
    let connection = Connection {
        endpoints: vec!["10.0.0.1:2881".into()],
        user: "root@sys".into(),
        password: Some(SecretSource::Env("PW".into())),
        tls: TlsMode::VerifyFull,
        ca: None,
        mydumper: None,
        limits: Limits { connect: 1, statement: 2, poll: 3, stall: 4, archive_wait: 5, heartbeat: 6, proof: 7 },
    };
    Event::Created {
        prepared: Box::new(Prepared { task: "t1".into(), plan, preview, digest: "d".into() }),
        connection: Box::new(connection),
        by: "me@here".into(),
    }
}

fn step(name: &str, kind: StepKind, state: StepState) -> Event {
    Event::Step { target: target(name), step: kind, state, detail: format!("{kind:?}"), fault: None }
}

fn started(attempt: u32, anew: bool, names: &[&str]) -> Event {
    Event::RunnerStarted {
        pid: 42,
        attempt,
        anew,
        targets: names.iter().map(|name| target(name)).collect(),
        process: None,
    }
}

fn fault() -> Fault {
    Fault::new(Cause::Server, "What.", "Why.", "Next.").with_code(9026).with_detail("more")
}

fn outcome(verdict: VerdictKind) -> Outcome {
    Outcome { verdict, ..Outcome::failed(fault(), Some(3)) }
}

fn verdict(name: &str, word: VerdictKind) -> Event {
    Event::Verdict { target: target(name), outcome: Box::new(outcome(word)) }
}

fn job(name: &str, job: u64, set: Option<u64>) -> Event {
    Event::Job { target: target(name), job, set, kind: Some(Mode::Full) }
}

fn intent(number: u32, attempt: u32) -> Event {
    Event::Intent {
        intent: number,
        targets: vec![target("prod/pay")],
        step: StepKind::StartBackup,
        attempt,
        statements: vec!["ALTER SYSTEM BACKUP TENANT = `pay`".into()],
        description: Some(format!("obnow t1.{attempt}")),
        highest_job: Some(6),
        connection: Some(crate::domain::task::ServerConnection { id: 2_147_483_999, server: "10.0.0.1:2882".into() }),
        server: "10.0.0.1:2881".into(),
        server_limit: 30_000,
    }
}

fn progress(bytes: u64) -> Progress {
    Progress {
        phase: "BACKUP_DATA_MINOR".into(),
        percent: Some(12.5),
        bytes,
        bytes_total: None,
        rate: None,
        eta: Some((1, 9)),
        tablets: None,
        blocks: Some(crate::domain::progress::Count { done: 1, total: 2 }),
        log_percent: None,
    }
}

/// Folds events that are one second apart.
fn folded(events: &[Event]) -> TaskView {
    TaskView::fold((0..).map(at).zip(events))
}

/// Returns an event for each step of a target, all in this state.
fn all_steps(name: &str, state: StepState) -> impl Iterator<Item = Event> + '_ {
    samples::PHYSICAL.into_iter().map(move |kind| step(name, kind, state))
}

#[test]
fn a_new_task_waits_for_its_first_step() {
    let view = folded(&[created()]);
    assert_eq!(
        view.targets.iter().map(|target| target.target.to_string()).collect::<Vec<_>>(),
        ["prod/pay", "prod/log"]
    );
    let pay = view.target(&target("prod/pay")).unwrap();
    assert_eq!(pay.steps.iter().map(|step| step.kind).collect::<Vec<_>>(), samples::PHYSICAL);
    assert!(pay.steps.iter().all(|step| step.state == StepState::Pending && step.started.is_none()));
    assert_eq!(pay.current().unwrap().kind, StepKind::CheckTarget);
    assert_eq!(
        (view.by.as_str(), view.created, view.last, view.attempt, view.runner),
        ("me@here", Some(at(0)), Some(at(0)), 0, None)
    );
    assert!(view.prepared.is_some() && view.connection.is_some());
}

#[test]
fn steps_keep_their_times() {
    let kind = StepKind::CheckTarget;
    let view = folded(&[
        created(),
        step("prod/pay", kind, StepState::Running),
        step("prod/pay", kind, StepState::Running),
        step("prod/pay", kind, StepState::Ok),
        step("prod/pay", StepKind::Compact, StepState::NotNeeded),
    ]);
    let pay = view.target(&target("prod/pay")).unwrap();
    let check = pay.step(kind).unwrap();
    assert_eq!((check.started, check.ended, check.detail.as_str()), (Some(at(1)), Some(at(3)), "CheckTarget"));
    let compact = pay.step(StepKind::Compact).unwrap();
    assert_eq!((compact.started, compact.ended), (Some(at(4)), Some(at(4))), "it ended as it began");
    assert_eq!(pay.current().unwrap().kind, StepKind::CheckReady);
    assert!(view.target(&target("prod/log")).unwrap().steps.iter().all(|step| step.state == StepState::Pending));
}

#[test]
fn a_task_is_called_by_its_worst_target() {
    use VerdictKind::{Cancelled, Failed, NotRestorable, NotYetRestorable, Restorable, Unknown};
    for (one, other, state) in [
        (Restorable, Restorable, TaskState::Done),
        (Restorable, NotYetRestorable, TaskState::Done),
        (NotRestorable, Restorable, TaskState::Done),
        (Restorable, Cancelled, TaskState::Cancelled),
        (Cancelled, Failed, TaskState::Failed),
        (Failed, Unknown, TaskState::Unknown),
    ] {
        for (first, second) in [(one, other), (other, one)] {
            let view = folded(&[created(), verdict("prod/pay", first), verdict("prod/log", second)]);
            assert_eq!(view.state(true), state, "{first:?} {second:?}");
            assert_eq!(view.state(false), state, "what is over needs no runner");
        }
    }
}

#[test]
fn what_should_run_and_has_no_runner_is_gone() {
    let view = folded(&[created(), started(1, false, &["prod/pay", "prod/log"])]);
    assert_eq!((view.state(true), view.state(false)), (TaskState::Running, TaskState::RunnerGone));
    assert_eq!((view.runner, view.attempt), (Some(42), 1));
    // One target has ended and the other has not: the task still runs.
    let view = folded(&[created(), verdict("prod/pay", VerdictKind::Failed)]);
    assert_eq!((view.state(true), view.state(false)), (TaskState::Running, TaskState::RunnerGone));
    let view = folded(&[]);
    assert_eq!((view.state(true), view.state(false)), (TaskState::Running, TaskState::RunnerGone));
    let ended = folded(&[created(), started(1, false, &[]), Event::RunnerEnded { reason: "stopped".into() }]);
    assert_eq!(ended.runner, None);
}

#[test]
fn steps_that_stopped_end_a_target_without_a_verdict() {
    for (state, task) in [
        (StepState::Failed, TaskState::Failed),
        (StepState::Cancelled, TaskState::Cancelled),
        (StepState::Unknown, TaskState::Unknown),
    ] {
        let stops = |name| step(name, StepKind::CheckTarget, state);
        let view = folded(&[created(), stops("prod/pay"), stops("prod/log")]);
        assert_eq!(view.state(false), task);
        assert!(view.targets[0].is_over() && view.targets[0].wants_retry() && !view.targets[0].needs_new_backup());
    }
    // Every step has passed and there is no verdict: the result is not known.
    let mut events = vec![created(), verdict("prod/log", VerdictKind::Restorable)];
    events.extend(all_steps("prod/pay", StepState::Ok));
    assert!(!folded(&events).targets[0].is_over());
}

#[test]
fn a_retry_goes_on_at_the_step_that_stopped() {
    let mut events = vec![created(), started(1, false, &["prod/pay", "prod/log"])];
    for kind in [StepKind::CheckTarget, StepKind::CheckReady] {
        events.push(step("prod/pay", kind, StepState::Ok));
    }
    events.push(step("prod/pay", StepKind::SetDestination, StepState::Failed));
    events.push(verdict("prod/pay", VerdictKind::Failed));
    events.push(step("prod/log", StepKind::CheckTarget, StepState::Running));
    events.push(started(2, false, &["prod/pay"]));
    let view = folded(&events);
    let pay = view.target(&target("prod/pay")).unwrap();
    assert_eq!(pay.current().unwrap().kind, StepKind::SetDestination);
    assert_eq!(pay.current().unwrap().state, StepState::Pending);
    assert_eq!((pay.attempt, pay.anew_since, &pay.outcome), (2, 0, &None), "not a new backup");
    assert_eq!(pay.step(StepKind::CheckTarget).unwrap().state, StepState::Ok);
    let log = view.target(&target("prod/log")).unwrap();
    assert_eq!((log.attempt, log.current().unwrap().state), (1, StepState::Running), "not part of this attempt");
}

#[test]
fn a_retry_of_a_failed_job_is_a_new_backup() {
    let mut events = vec![created(), started(1, false, &["prod/pay", "prod/log"])];
    for (name, word) in [("prod/pay", VerdictKind::Failed), ("prod/log", VerdictKind::NotYetRestorable)] {
        events.extend(all_steps(name, StepState::Ok));
        events.push(job(name, 7, Some(3)));
        events.push(Event::Progress { target: target(name), progress: progress(5) });
        events.push(verdict(name, word));
    }
    let before = folded(&events);
    assert!(before.targets[0].needs_new_backup() && !before.targets[1].needs_new_backup());
    events.push(started(2, true, &["prod/pay", "prod/log"]));
    let view = folded(&events);
    let pay = view.target(&target("prod/pay")).unwrap();
    assert!(pay.steps.iter().all(|step| *step == fresh_step(step.kind)), "from the first step");
    assert_eq!((pay.job, pay.set, &pay.progress, &pay.outcome, pay.anew_since), (None, None, &None, &None, 2));
    // The job of the other target is only observed again.
    let log = view.target(&target("prod/log")).unwrap();
    assert_eq!((log.job, log.set, log.anew_since), (Some(7), Some(3), 0));
    assert!(log.progress.is_some());
    assert_eq!(log.current().unwrap().kind, StepKind::ConfirmRestorable);
    assert_eq!(log.outcome, None);
}

#[test]
fn only_a_job_that_ended_badly_needs_a_new_backup() {
    use VerdictKind::{Cancelled, Failed, NotRestorable, NotYetRestorable, Restorable, Unknown};
    for (word, with_job) in [
        (Failed, true),
        (Cancelled, true),
        (NotRestorable, true),
        (NotYetRestorable, false),
        (Restorable, false),
        (Unknown, false),
    ] {
        let mut events = vec![created(), verdict("prod/pay", word)];
        assert!(!folded(&events).targets[0].needs_new_backup(), "{word:?}: no job was there");
        events.push(job("prod/pay", 7, None));
        assert_eq!(folded(&events).targets[0].needs_new_backup(), with_job, "{word:?}");
        assert_eq!(folded(&events).targets[0].wants_retry(), word != Restorable, "{word:?}");
    }
}

#[test]
fn an_intent_is_open_until_something_says_what_became_of_it() {
    let answered = |answered, fault| Event::Answered { intent: 2, fault, answered };
    for (events, expected) in [
        (vec![], (None, false, false)),
        (vec![answered(true, None)], (Some(true), false, false)),
        (vec![answered(true, Some(fault()))], (Some(true), true, false)),
        (vec![answered(false, Some(fault()))], (Some(false), false, false)),
        (
            vec![answered(false, Some(fault())), Event::NotStarted { intent: 2, proof: "gone".into() }],
            (Some(false), false, true),
        ),
        (vec![Event::NotStarted { intent: 9, proof: "another".into() }], (None, false, false)),
    ] {
        let mut all = vec![created(), intent(1, 1), intent(2, 1)];
        all.extend(events);
        let view = folded(&all);
        let intents: Vec<_> = view.intents.iter().map(|i| (i.answered, i.refused, i.known_not_started)).collect();
        assert_eq!(intents, [(None, false, false), expected]);
        assert_eq!((view.intents[1].at, view.intents[1].attempt), (at(2), 1));
    }
}

#[test]
fn a_set_that_was_seen_is_not_forgotten() {
    let view = folded(&[created(), job("prod/pay", 7, Some(3)), job("prod/pay", 7, None)]);
    assert_eq!((view.targets[0].job, view.targets[0].set), (Some(7), Some(3)));
}

#[test]
fn waiting_is_told_and_a_stall_keeps_the_step_running() {
    let wait = |fault| Event::Waiting {
        target: target("prod/pay"),
        step: StepKind::WaitForBackup,
        what: "w".into(),
        fault,
        over: false,
    };
    let running = step("prod/pay", StepKind::WaitForBackup, StepState::Running);
    let view = folded(&[created(), running.clone(), wait(Some(fault()))]);
    let step = view.targets[0].step(StepKind::WaitForBackup).unwrap();
    assert_eq!((step.state, step.detail.as_str(), &step.fault), (StepState::Running, "w", &Some(fault())));
    let view = folded(&[created(), running, wait(Some(fault())), wait(None)]);
    assert_eq!(view.targets[0].step(StepKind::WaitForBackup).unwrap().fault, None, "it moved again");
}

#[test]
fn events_about_what_is_not_in_the_plan_change_nothing() {
    let before = folded(&[created()]);
    for event in [
        step("prod/other", StepKind::CheckTarget, StepState::Failed),
        step("prod/pay", StepKind::CheckBackupService, StepState::Failed),
        verdict("else/pay", VerdictKind::Failed),
        job("prod", 7, None),
        Event::Progress { target: target("prod/no"), progress: progress(1) },
        Event::Answered { intent: 5, fault: None, answered: true },
        Event::NotStarted { intent: 5, proof: String::new() },
    ] {
        let mut view = before.clone();
        view.apply(at(0), &event);
        // An answer to no statement counts as a contradiction.
        assert_eq!(view.contradictions, u32::from(matches!(event, Event::Answered { .. })), "{event:?}");
        view.contradictions = 0;
        assert_eq!(view, before, "{event:?}");
    }
}

#[test]
fn lines_that_are_no_event_are_not_taken_for_one() {
    for line in [
        "{}",
        "[]",
        "null",
        "\"step\"",
        r#"{"event":"someday"}"#,
        r#"{"event":"step","target":"prod/pay","step":"check_target","state":"o"#,
        r#"{"event":"step","target":"prod/pay","step":"check_target","state":"paused","detail":"","fault":null}"#,
        r#"{"event":"step","target":"prod/pay/x","step":"check_target","state":"ok","detail":"","fault":null}"#,
        r#"{"event":"verdict","target":"prod/pay"}"#,
    ] {
        assert!(serde_json::from_str::<Event>(line).is_err(), "{line}");
    }
    // A later obnow may write more fields: the known ones are read.
    let more = r#"{"event":"runner_ended","reason":"done","mood":"good"}"#;
    assert_eq!(serde_json::from_str::<Event>(more).unwrap(), Event::RunnerEnded { reason: "done".into() });
}

#[test]
fn states_have_the_words_of_json() {
    use StepState::{Cancelled, Failed, NotNeeded, Ok, Pending, Running, Unknown};
    for state in [
        TaskState::Running,
        TaskState::Done,
        TaskState::Failed,
        TaskState::Cancelled,
        TaskState::Unknown,
        TaskState::RunnerGone,
    ] {
        assert_eq!(serde_json::to_value(state).unwrap(), state.word());
    }
    for (state, passed, stopped) in [
        (Pending, false, false),
        (Running, false, false),
        (Ok, true, false),
        (NotNeeded, true, false),
        (Failed, false, true),
        (Cancelled, false, true),
        (Unknown, false, true),
    ] {
        assert_eq!(serde_json::to_value(state).unwrap(), state.word());
        assert_eq!((state.is_passed(), state.is_stopped()), (passed, stopped), "{state:?}");
    }
    for kind in samples::PHYSICAL.into_iter().chain(samples::UPLOADED) {
        let late = matches!(kind, StepKind::WaitForBackup | StepKind::Upload | StepKind::ConfirmRestorable);
        assert_eq!(kind.is_before_the_job(), !late, "{kind:?}");
    }
    let sorted = [&samples::PHYSICAL[..], &samples::LOGICAL, &samples::UPLOADED].iter().all(|kinds| kinds.is_sorted());
    assert!(sorted, "patience compares kinds");
}

#[test]
fn what_all_targets_wait_with_is_said_for_the_first() {
    let waits = |name: &str, what: &str| Event::Waiting {
        target: target(name),
        step: StepKind::WaitForBackup,
        what: "w".into(),
        fault: Some(Fault { what: what.into(), ..fault() }),
        over: false,
    };
    let mut view = folded(&[created(), waits("prod/pay", "Gone.")]);
    let (pay, other) = (&view.targets[0].target.clone(), &view.targets[1].target.clone());
    assert!(view.is_first_with_its_fault(pay, StepKind::WaitForBackup));
    view.apply(Timestamp::UNIX_EPOCH, &waits(&other.to_string(), "Gone."));
    assert!(view.is_first_with_its_fault(pay, StepKind::WaitForBackup));
    assert!(!view.is_first_with_its_fault(other, StepKind::WaitForBackup));
    view.apply(Timestamp::UNIX_EPOCH, &waits(&other.to_string(), "Another."));
    assert!(view.is_first_with_its_fault(other, StepKind::WaitForBackup));
}

#[test]
fn a_journal_with_damaged_lines_goes_on_only_where_its_job_is_known() {
    let damaged = |line| Err(UnreadableEvent::Damaged { line, text: serde_json::Value::Null });
    let fold = |lines: &[Result<Event, UnreadableEvent>]| {
        TaskView::of_lines(lines.iter().map(|line| (Timestamp::UNIX_EPOCH, line)))
    };
    let lost = fold(&[damaged(2), Ok(intent(1, 1))]);
    assert!(lost.has_lost_its_beginning());
    assert_eq!((lost.state(false), lost.state(true)), (TaskState::Unknown, TaskState::Unknown));
    let said = lost.retry("T", TaskState::Unknown).unwrap_err();
    assert_eq!((said.cause, said.what.as_str()), (Cause::Unknown, "The journal of task T is damaged at line 2."));
    let unstarted = fold(&[Ok(created()), damaged(3)]);
    assert!(!unstarted.has_lost_its_beginning());
    assert!(unstarted.may_go_on("T").is_err(), "the line may have been the start");
    let jobs = ["prod/pay", "prod/log"].map(|name| Ok(job(name, 7, Some(3))));
    let mut lines = vec![Ok(created()), damaged(3)];
    lines.extend(jobs);
    assert_eq!(fold(&lines).may_go_on("T"), Ok(()));
    assert_eq!(fold(&[Ok(created())]).damage("T"), None);
    let many = fold(&[damaged(2), damaged(3), damaged(4), damaged(5), damaged(6), damaged(9)]).damage("T").unwrap();
    assert!(many.what.ends_with("is damaged at 6 lines: 2, 3, 4, 5, 6 and 1 more."), "{many}");
}

/// The kind of an intent or one of its targets was changed, or its line is missing: a start may have been there.
#[test]
fn an_event_that_is_not_known_or_speaks_of_a_missing_one_may_have_been_the_start() {
    let fold = |lines: &[Result<Event, UnreadableEvent>]| {
        TaskView::of_lines(lines.iter().map(|line| (Timestamp::UNIX_EPOCH, line)))
    };
    let other = UnreadableEvent::Unknown(serde_json::json!({"event": "int#nt", "intent": 1}));
    let mut astray = intent(1, 1);
    if let Event::Intent { targets, .. } = &mut astray {
        *targets = vec!["prod/elsewhere".parse().unwrap()];
    }
    let answered = Event::Answered { intent: 1, fault: None, answered: true };
    for (line, what) in [
        (Err(other), "The journal of task T has an event that this obnow does not know."),
        (Ok(astray), "The journal of task T is damaged: it speaks of a statement or a target that is not in it."),
        (Ok(answered), "The journal of task T is damaged: it speaks of a statement or a target that is not in it."),
    ] {
        let view = fold(&[Ok(created()), line.clone()]);
        assert_eq!(view.retry("T", TaskState::RunnerGone).unwrap_err().what, what);
        assert!(!view.has_started_nothing(), "{what}");
        assert!(view.runner_gone("T", None).why.ends_with("; what it started on the server, if anything, goes on."));
        let jobs = ["prod/pay", "prod/log"].map(|name| Ok(job(name, 7, Some(3))));
        let known: Vec<_> = [Ok(created()), line].into_iter().chain(jobs).collect();
        assert_eq!(fold(&known).may_go_on("T"), Ok(()));
    }
}

#[test]
fn what_is_said_of_a_runner_that_is_gone_is_no_more_than_what_it_sent() {
    let why = |events: &[Event]| folded(events).runner_gone("T", None).why;
    assert!(why(&[created()]).ends_with("; nothing was started on the server."));
    assert!(why(&[created(), intent(1, 1)]).ends_with("; what it started on the server goes on."));
    let mut other = intent(1, 1);
    if let Event::Intent { step, .. } = &mut other {
        *step = StepKind::SetDestination;
    }
    assert!(why(&[created(), other]).ends_with("; no backup was started; what it set on the server before stays."));
    // Targets that have passed all of their steps stopped in none.
    let mut view = folded(&[created()]);
    view.targets.iter_mut().flat_map(|target| &mut target.steps).for_each(|step| step.state = StepState::Ok);
    assert!(view.runner_gone("T", None).why.starts_with("It stopped without saying why; "));
}
