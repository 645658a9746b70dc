//! What is followed, shown, copied and left behind.

use super::*;

fn run_to(percent: f64) -> Event {
    Event::Progress {
        target: target("prod/pay"),
        progress: Progress {
            phase: "BACKUP_DATA_MINOR".into(),
            percent: Some(percent),
            bytes: 1,
            bytes_total: None,
            rate: None,
            eta: None,
            tablets: None,
            blocks: None,
            log_percent: None,
        },
    }
}

#[test]
fn only_a_task_that_runs_on_the_screen_has_a_clock() {
    let mut model = watching(&[created(&["prod/pay"], None), started(1, false)]);
    assert_eq!(next_wake(&model, at(5)), Some(at(6)));
    key(&mut model, '?');
    assert_eq!(next_wake(&model, at(5)), None, "under the help nothing moves");
    key(&mut model, '?');
    end(&mut model, TaskState::RunnerGone);
    assert_eq!(next_wake(&model, at(5)), None);
    let mut model = watching(&[created(&["prod/pay"], None)]);
    press(&mut model, Key::Esc);
    assert_eq!((model.screen, next_wake(&model, at(5))), (Screen::Target, None), "it goes on without the screen");
    assert!(watched_task(&model).is_live(), "and is still followed");
}

#[test]
fn the_log_has_every_event_but_figures_that_only_grew() {
    let events = [created(&["prod/pay"], None), started(1, false), run_to(1.0), run_to(2.0), job(3)];
    let mut model = watching(&events);
    let unknown = serde_json::json!({"event": "someday", "text": "a\u{1b}[31mb access_key=SECRET"});
    answer(&mut model, 1, Answer::Followed(at(9), Box::new(Err(UnreadableEvent::Unknown(unknown)))));
    let lines: Vec<String> =
        watched_task(&model).log.iter().map(|line| format!("{} {}", line.line.word, line.line.text)).collect();
    assert_eq!(lines.len(), 5, "{lines:?}");
    assert_eq!(lines[0], "created prod/pay, full, by me at here");
    assert_eq!(lines[1], " attempt 1");
    assert!(lines[2].contains("BACKUP_DATA_MINOR  1 %"), "{lines:?}");
    assert_eq!(lines[3], "job 7 of prod/pay, set 3, full");
    assert!(lines[4].starts_with("? {\"event\":\"someday\"") && lines[4].contains("access_key=***"), "{lines:?}");
}

#[test]
fn answers_to_what_is_not_followed_any_more_change_nothing() {
    let mut model = watching(&[created(&["prod/pay"], None)]);
    answer(&mut model, 7, Answer::Followed(at(9), Box::new(Ok(job(3)))));
    answer(&mut model, 7, Answer::FollowEnded { state: TaskState::Done, exit_reason: None });
    answer(&mut model, 7, Answer::FollowFailed(fault("Gone.")));
    answer(&mut model, 7, Answer::ReportWritten(Err(fault("Full."))));
    answer(&mut model, 7, Answer::CancelRequested(Ok(())));
    let task = watched_task(&model);
    assert_eq!((task.view.targets[0].job, task.final_state, task.is_cancelling), (None, None, false));
    assert_eq!((&task.read_error, &task.request_error), (&None, &None));
}

#[test]
fn a_journal_that_cannot_be_read_is_read_again_by_r() {
    let mut model = watching(&[created(&["prod/pay"], None)]);
    answer(&mut model, 1, Answer::FollowFailed(fault("The journal is not read.")));
    assert_eq!(watched_task(&model).read_error.as_ref().unwrap().what, "The journal is not read.");
    assert_eq!(exit_message(&model).1, ["Task T1 cannot be read: obnow watch T1"]);
    assert_eq!(key(&mut model, 'r'), "[Follow(RequestId(2), \"T1\")]");
    assert_eq!(watched_task(&model).read_error, None);
}

#[test]
fn a_runner_that_is_gone_is_said_and_retry_goes_on() {
    let events = [created(&["prod/pay"], None), started(1, false), step(StepKind::CheckTarget, StepState::Running)];
    let mut model = watching(&events);
    let said = Answer::FollowEnded { state: TaskState::RunnerGone, exit_reason: Some(fault("The disk is full.")) };
    answer(&mut model, 1, said);
    assert_eq!(retry_says(&model), "retry");
    let (exit, lines) = exit_message(&model);
    assert_eq!(exit, Exit::STEP, "it stopped in a step, before a job was there");
    assert_eq!(
        lines,
        [
            "The runner of task T1 is gone.",
            "It stopped in the step Check target: The disk is full. The why; nothing was started on the server.",
            "Go on with: obnow retry T1",
        ]
    );
    // Once something may have been started, it only looks.
    let mut events = vec![created(&["prod/pay"], None), started(1, false)];
    events.extend(passed_before(StepKind::WaitForBackup));
    events.extend([job(3), step(StepKind::WaitForBackup, StepState::Running)]);
    let mut model = watching(&events);
    end(&mut model, TaskState::RunnerGone);
    assert_eq!(retry_says(&model), "look again");
}

#[test]
fn the_worst_target_comes_first() {
    let mut events = vec![created(&["prod"], None), started(1, false)];
    events.extend([step(StepKind::CheckTarget, StepState::Ok)]);
    let mut model = watching(&events);
    let names = |model: &Model| -> Vec<String> {
        watched_task(model).targets().iter().map(|target| target.target.to_string()).collect()
    };
    assert_eq!(names(&model), ["prod/pay", "prod/log"]);
    assert_eq!(watched_task(&model).focused().unwrap().target, target("prod/pay"));
    press(&mut model, Key::Down);
    assert_eq!(watched_task(&model).focused().unwrap().target, target("prod/log"));
    press(&mut model, Key::Down);
    assert_eq!(watched_task(&model).focused().unwrap().target, target("prod/log"), "it is the last");
    press(&mut model, Key::Up);
    assert_eq!(watched_task(&model).focused().unwrap().target, target("prod/pay"));
    let mut model = watching(&events);
    answer(&mut model, 1, Answer::Followed(at(9), Box::new(Ok(verdict(VerdictKind::Restorable)))));
    let failed = Outcome::failed(fault("Log failed."), None);
    let failed = Event::Verdict { target: target("prod/log"), outcome: Box::new(failed) };
    answer(&mut model, 1, Answer::Followed(at(9), Box::new(Ok(failed))));
    end(&mut model, TaskState::Failed);
    assert_eq!(names(&model), ["prod/log", "prod/pay"]);
    assert_eq!(watched_task(&model).focused().unwrap().target, target("prod/log"));
    let (exit, lines) = exit_message(&model);
    assert_eq!((exit, lines[0].as_str()), (Exit::MIXED, "Task T1"));
    assert_eq!(lines[1], "FAILED  prod/log");
    assert!(lines.iter().any(|line| line.starts_with("RESTORABLE  ")), "{lines:?}");
}

#[test]
fn y_copies_what_is_to_be_told() {
    let mut model = watching(&[created(&["prod/pay"], None)]);
    assert_eq!(key(&mut model, 'y'), "[Copy(\"T1\")]");
    let mut model = watched(&stopped_in(StepKind::CheckReady, StepState::Failed, VerdictKind::Failed));
    let copied = key(&mut model, 'y');
    for part in ["Task T1", "FAILED  prod/pay", "What.", "The why.", "Next: The next.", "server words"] {
        assert!(copied.contains(part), "{part} in {copied}");
    }
    assert_eq!(key(&mut model, 'o'), "[Report(RequestId(2), \"T1\")]");
    answer(&mut model, 2, Answer::ReportWritten(Ok("/state/reports/T1.txt".into())));
    assert_eq!(key(&mut model, 'y'), "[Copy(\"/state/reports/T1.txt\")]");
    assert_eq!(key(&mut model, 'y'), copied, "once is enough");
    key(&mut model, 'o');
    answer(&mut model, 3, Answer::ReportWritten(Err(fault("The disk is full."))));
    assert_eq!(watched_task(&model).request_error.as_ref().unwrap().what, "The disk is full.");
}

#[test]
fn the_log_opens_at_its_end_and_esc_closes_it() {
    let mut events = vec![created(&["prod/pay"], None)];
    for number in 1..40 {
        events.push(started(number, false));
    }
    let mut model = watching(&events);
    key(&mut model, 'l');
    let (top, last, page) = view::scroll_range(&model);
    assert_eq!((top, last, page), (23, 23, 17), "40 lines on 17 rows");
    press(&mut model, Key::Up);
    assert_eq!(watched_task(&model).log_top, Some(22));
    key(&mut model, 'G');
    assert_eq!(watched_task(&model).log_top, Some(usize::MAX), "the end stays the end");
    key(&mut model, 'g');
    assert_eq!(watched_task(&model).log_top, Some(0));
    press(&mut model, Key::Esc);
    assert_eq!((watched_task(&model).log_top, model.screen), (None, Screen::Task));
    assert_eq!(press(&mut model, Key::Esc), "[ListTasks(RequestId(2))]");
    assert_eq!(model.screen, Screen::Target);
}

#[test]
fn who_leaves_is_told_of_every_task() {
    let mut model = watching(&[created(&["prod/pay"], None)]);
    model.global_args = vec!["--demo=busy".into()];
    assert_eq!(exit_message(&model), (Exit::LEFT, vec!["Task T1 still runs: obnow --demo=busy watch T1".to_owned()]));
    assert_eq!(
        format!("{:?}", open(&mut model, "T2".into(), TypedSecrets::default())),
        "[Follow(RequestId(2), \"T2\")]"
    );
    answer(&mut model, 1, Answer::Followed(at(9), Box::new(Ok(job(3)))));
    assert_eq!(model.previous_tasks[0].view.targets[0].job, None, "it is let go");
    let (exit, lines) = exit_message(&model);
    assert_eq!(exit, Exit::LEFT);
    assert_eq!(
        lines,
        [
            "Task T1 still ran when it was left: obnow --demo=busy watch T1",
            "Task T2 still runs: obnow --demo=busy watch T2",
        ]
    );
    // Coming back to it takes it up again, and it is told of once.
    assert_eq!(
        format!("{:?}", open(&mut model, "T1".into(), TypedSecrets::default())),
        "[Follow(RequestId(3), \"T1\")]"
    );
    assert_eq!(model.previous_tasks.iter().map(|task| task.id.as_str()).collect::<Vec<_>>(), ["T2"]);
    assert_eq!(exit_message(&Model::new((80, 24), TimeZone::UTC)), (Exit::LEFT, Vec::new()));
    let ended = watched(&stopped_in(StepKind::WaitForBackup, StepState::Failed, VerdictKind::Failed));
    assert_eq!(exit_message(&ended).0, Exit::FAILED);
}

#[test]
fn attaching_opens_the_attached_task() {
    let facts = Arc::new(cluster(vec![tenant(1002, "pay")]));
    let mut model = Model::new((80, 24), TimeZone::UTC);
    model.screen = Screen::Detected;
    let effects = attach(&mut model, Arc::clone(&facts), target("prod/pay"));
    assert!(matches!(effects.as_slice(), [Effect::Attach(RequestId(1), _, name)] if *name == target("prod/pay")));
    assert!(attach(&mut model, Arc::clone(&facts), target("prod/pay")).is_empty(), "once is enough");
    assert_eq!(answer(&mut model, 1, Answer::Launched(Ok("T9".into()))), "[Follow(RequestId(2), \"T9\")]");
    assert_eq!((model.screen, watched_task(&model).id.as_str()), (Screen::Task, "T9"));
    // Who went elsewhere meanwhile stays there.
    model.screen = Screen::Detected;
    attach(&mut model, Arc::clone(&facts), target("prod/pay"));
    model.screen = Screen::Target;
    assert_eq!(answer(&mut model, 3, Answer::Launched(Ok("T8".into()))), "[]");
    assert_eq!(model.notice.as_deref(), Some("Task T8 watches it; b lists the tasks."));
    attach(&mut model, facts, target("prod/pay"));
    answer(&mut model, 4, Answer::Launched(Err(fault("There is nothing to watch."))));
    assert_eq!(model.notice.as_deref(), Some("There is nothing to watch. The why. The next."));
}
