//! Retry, compaction and cancel: what each key says, asks and does in each state.

use super::*;

#[test]
fn r_names_resume_recheck_or_new_backup() {
    use StepKind::{CheckTarget, ConfirmRestorable, StartBackup, WaitForBackup};
    use StepState::{Cancelled, Failed, Ok, Unknown};
    for (kind, state, word, says) in [
        (CheckTarget, Failed, VerdictKind::Failed, "retry"),
        (CheckTarget, Cancelled, VerdictKind::Cancelled, "retry"),
        (StartBackup, Failed, VerdictKind::Failed, "retry"),
        (WaitForBackup, Failed, VerdictKind::Failed, "NEW backup"),
        (WaitForBackup, Cancelled, VerdictKind::Cancelled, "NEW backup"),
        (WaitForBackup, Unknown, VerdictKind::Unknown, "look again"),
        (ConfirmRestorable, Ok, VerdictKind::NotYetRestorable, "look again"),
        (ConfirmRestorable, Ok, VerdictKind::NotRestorable, "NEW backup"),
        (
            ConfirmRestorable,
            Ok,
            VerdictKind::Restorable,
            "not: Every target of it is restorable. Start another backup with: obnow backup.",
        ),
    ] {
        let model = watched(&stopped_in(kind, state, word));
        assert_eq!(retry_says(&model), says, "{kind:?} {word:?}");
    }
    let model = watching(&[created(&["prod/pay"], None), started(1, false)]);
    assert_eq!(retry_says(&model), "not: It runs; r is for what stopped.");
}

#[test]
fn a_new_backup_is_asked_once_and_names_what_stays() {
    let mut model = watched(&stopped_in(StepKind::WaitForBackup, StepState::Failed, VerdictKind::Failed));
    assert_eq!(key(&mut model, 'r'), "[]");
    let Some(Overlay::Confirm(question)) = &model.overlay else { panic!("it is asked") };
    assert_eq!(
        question.lines,
        ["Retry starts a NEW backup of prod/pay, attempt 2. What failed stays there: set 3 of prod/pay."]
    );
    assert_eq!(question.name, None);
    assert_eq!(press(&mut model, Key::Enter), "[]");
    assert!(model.overlay.is_some(), "Enter is too easily pressed to be a yes");
    let mut no = watched(&stopped_in(StepKind::WaitForBackup, StepState::Failed, VerdictKind::Failed));
    key(&mut no, 'r');
    assert_eq!((press(&mut no, Key::Esc).as_str(), no.overlay.is_none()), ("[]", true));
    assert_eq!(watched_task(&no).pending, None);
    assert_eq!(
        key(&mut model, 'y'),
        "[Resume { req: RequestId(2), task: \"T1\", compact: false, typed: TypedSecrets { access_key: None, encryption: None, decryption: [] } }]"
    );
    assert_eq!(retry_says(&model), "not: What was asked for is still under way.");
}

#[test]
fn another_look_is_not_asked_for() {
    for (kind, state, word) in [
        (StepKind::CheckReady, StepState::Failed, VerdictKind::Failed),
        (StepKind::ConfirmRestorable, StepState::Ok, VerdictKind::NotYetRestorable),
    ] {
        let mut model = watched(&stopped_in(kind, state, word));
        assert!(key(&mut model, 'r').starts_with("[Resume { req: RequestId(2), task: \"T1\", compact: false"));
        assert!(model.overlay.is_none());
    }
}

#[test]
fn a_retry_rereads_and_a_refusal_says_why() {
    let events = stopped_in(StepKind::CheckReady, StepState::Failed, VerdictKind::Failed);
    let mut model = watched(&events);
    key(&mut model, 'r');
    assert_eq!(answer(&mut model, 9, Answer::Launched(Ok("T1".into()))), "[]", "another question's answer");
    assert_eq!(answer(&mut model, 2, Answer::Launched(Ok("T1".into()))), "[Follow(RequestId(3), \"T1\")]");
    assert_eq!(watched_task(&model).view.targets.len(), 1, "what was known stays until the journal is read");
    assert!(watched_task(&model).is_live());
    let said = Answer::Followed(at(0), Box::new(Ok(events[0].clone())));
    answer(&mut model, 3, said);
    assert_eq!(watched_task(&model).log.len(), 1, "the log begins anew");
    assert_eq!(watched_task(&model).view.attempt, 0);

    let mut model = watched(&events);
    key(&mut model, 'r');
    assert_eq!(answer(&mut model, 2, Answer::Launched(Err(fault("It is taken.")))), "[]");
    assert_eq!(watched_task(&model).request_error.as_ref().unwrap().what, "It is taken.");
    assert_eq!(retry_says(&model), "retry", "it may be tried again");
}

#[test]
fn a_retry_asks_for_a_missing_secret() {
    let with = |kind, state, word| {
        let mut events = stopped_in(kind, state, word);
        events[0] = created(&["prod/pay"], Some(SecretSource::Prompt));
        watched(&events)
    };
    let mut model = with(StepKind::WaitForBackup, StepState::Failed, VerdictKind::Failed);
    key(&mut model, 'r');
    assert_eq!(key(&mut model, 'y'), "[]");
    assert!(matches!(&model.overlay, Some(Overlay::SecretPrompt(ask)) if ask.label == "Encryption password"));
    for c in "pw".chars() {
        key(&mut model, c);
    }
    let effects = update(&mut model, Msg::Key(Key::Enter));
    let [Effect::Resume { typed, compact: false, .. }] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!(typed.encryption.as_ref().unwrap().expose(), "pw");
    // Once typed it is known; what only looks again needs none.
    answer(&mut model, 2, Answer::Launched(Err(fault("It is taken."))));
    key(&mut model, 'r');
    assert!(key(&mut model, 'y').starts_with("[Resume"));
    let mut again = with(StepKind::ConfirmRestorable, StepState::Ok, VerdictKind::NotYetRestorable);
    assert!(key(&mut again, 'r').starts_with("[Resume"));
}

#[test]
fn a_retry_asks_for_each_older_set_password() {
    let mut events = stopped_in(StepKind::WaitForBackup, StepState::Failed, VerdictKind::Failed);
    let Event::Created { prepared, .. } = &mut events[0] else { panic!("{:?}", events[0]) };
    let mut choices = choose(&["prod/pay"], Mode::Full);
    choices.proof.asked = Some(true);
    choices.proof.decrypt = vec![SecretSource::Prompt, SecretSource::Env("PW".into()), SecretSource::Stdin];
    prepared.plan = plan(&cluster(vec![tenant(1002, "pay")]), &choices).unwrap();
    let mut model = watched(&events);
    key(&mut model, 'r');
    assert_eq!(key(&mut model, 'y'), "[]");
    for (password, last) in [("one", false), ("two", true)] {
        let Some(Overlay::SecretPrompt(ask)) = &model.overlay else { panic!("{:?}", model.notice) };
        assert_eq!(ask.label, "Password of older backup sets");
        password.chars().for_each(|c| assert_eq!(key(&mut model, c), "[]"));
        let effects = update(&mut model, Msg::Key(Key::Enter));
        match effects.as_slice() {
            [Effect::Resume { typed, .. }] if last => {
                let given: Vec<&str> = typed.decryption.iter().map(crate::domain::secret::Secret::expose).collect();
                assert_eq!(given, ["one", "two"]);
            }
            other => assert!(other.is_empty() && !last, "{other:?}"),
        }
    }
}

#[test]
fn m_is_only_for_the_step_that_waits_for_a_compaction() {
    let mut model = watched(&stopped_in(StepKind::Compact, StepState::Failed, VerdictKind::Failed));
    assert_eq!(key(&mut model, 'm'), "[]");
    assert_eq!(model.notice.as_deref(), Some("No step of it waits for a major compaction."));
    let mut events = stopped_in(StepKind::Compact, StepState::Failed, VerdictKind::Failed);
    for event in &mut events {
        if let Event::Step { step: StepKind::Compact, fault: Some(fault), .. } = event {
            fault.what = COMPACTION_NEEDED.to_owned();
        }
    }
    let mut model = watched(&events);
    let ended = model.task.as_mut().unwrap().final_state.take();
    assert_eq!(key(&mut model, 'm'), "[]");
    assert_eq!(model.notice.as_deref(), Some("Its runner is just leaving; a moment."));
    model.task.as_mut().unwrap().final_state = ended;
    assert_eq!(key(&mut model, 'm'), "[CompactQuestion(RequestId(2), \"T1\")]");
    let asked = ConfirmDialog::new(
        super::super::super::confirm_dialog::ConfirmAction::Compact,
        "Perform it?",
        vec!["ALL 14".into()],
    );
    answer(&mut model, 2, Answer::DialogReady(Ok(Box::new(asked.with_name("prod")))));
    assert_eq!(press(&mut model, Key::Enter), "[]", "the name is not typed yet");
    assert_eq!(model.notice.as_deref(), Some("Type prod first; Esc goes back."));
    for c in "prod".chars() {
        key(&mut model, c);
    }
    assert!(press(&mut model, Key::Enter).starts_with("[Resume { req: RequestId(3), task: \"T1\", compact: true"));
}

fn hits(name: Option<&str>, foreign: bool) -> ConfirmDialog {
    let lines = vec!["CANCEL BACKUP stops ..".to_owned(), "  job 7".to_owned()];
    ConfirmDialog::for_cancel(cancel::CancelQuestion {
        lines,
        required_name: name.map(str::to_owned),
        is_foreign: foreign,
    })
}

fn runs() -> Model {
    let mut events = vec![created(&["prod/pay"], None), started(1, false)];
    events.extend(passed_before(StepKind::WaitForBackup));
    events.extend([job(3), step(StepKind::WaitForBackup, StepState::Running)]);
    watching(&events)
}

#[test]
fn a_cancel_shows_what_it_hits_before_it_asks() {
    let mut model = runs();
    assert_eq!(key(&mut model, 'c'), "[CancelQuestion(RequestId(2), \"T1\")]");
    assert!(model.overlay.is_none(), "nothing is asked before it is known");
    assert_eq!(key(&mut model, 'c'), "[]");
    assert_eq!(model.notice.as_deref(), Some("What was asked for is still under way."));
    assert_eq!(answer(&mut model, 1, Answer::DialogReady(Ok(Box::new(hits(None, false))))), "[]");
    assert!(model.overlay.is_none(), "another question's answer");
    answer(&mut model, 2, Answer::DialogReady(Ok(Box::new(hits(None, false)))));
    let Some(Overlay::Confirm(question)) = &model.overlay else { panic!("it is asked") };
    assert_eq!((question.title.as_str(), question.lines[1].as_str()), ("Cancel this backup?", "  job 7"));
    assert_eq!(key(&mut model, 'y'), "[Cancel(RequestId(3), \"T1\")]");
    answer(&mut model, 3, Answer::CancelRequested(Ok(())));
    assert!(watched_task(&model).is_cancelling);
    key(&mut model, 'c');
    assert_eq!(model.notice.as_deref(), Some("The cancel was asked for; the server's word is awaited."));
    let said = Event::Request {
        request: "r".into(),
        verb: "cancel".into(),
        who: "me".into(),
        answer: "sent; it ends when the server says so".into(),
        fault: None,
    };
    answer(&mut model, 1, Answer::Followed(at(61), Box::new(Ok(said))));
    assert_eq!(model.notice.as_deref(), Some("cancel: sent; it ends when the server says so"));
}

#[test]
fn no_cancel_after_a_no_or_an_end() {
    let mut model = runs();
    key(&mut model, 'c');
    answer(&mut model, 2, Answer::DialogReady(Ok(Box::new(hits(None, false)))));
    assert_eq!(press(&mut model, Key::Esc), "[]");
    assert_eq!(watched_task(&model).pending, None);
    key(&mut model, 'c');
    answer(&mut model, 3, Answer::DialogReady(Ok(Box::new(hits(None, false)))));
    answer(&mut model, 1, Answer::Followed(at(61), Box::new(Ok(verdict(VerdictKind::Restorable)))));
    end(&mut model, TaskState::Done);
    assert_eq!(key(&mut model, 'y'), "[]");
    assert_eq!(model.notice.as_deref(), Some("It has ended meanwhile; nothing was cancelled."));
    key(&mut model, 'c');
    assert_eq!(model.notice.as_deref(), Some("There is nothing to cancel: it is done."));
}

#[test]
fn somebody_elses_backup_and_prod_want_a_name() {
    for (question, title) in [
        (hits(Some("prod/pay"), true), "This is not obnow's own backup. Cancel it?"),
        (hits(Some("prod/pay"), false), "Cancel this backup?"),
    ] {
        let mut model = runs();
        key(&mut model, 'c');
        answer(&mut model, 2, Answer::DialogReady(Ok(Box::new(question))));
        let Some(Overlay::Confirm(asked)) = &model.overlay else { panic!("it is asked") };
        assert_eq!(asked.title, title);
        for c in "prod/pa".chars() {
            key(&mut model, c);
        }
        assert_eq!(press(&mut model, Key::Enter), "[]", "not the whole name");
        key(&mut model, 'y');
        assert_eq!(press(&mut model, Key::Enter), "[Cancel(RequestId(3), \"T1\")]");
    }
}

#[test]
fn a_cancel_of_a_task_without_a_runner_is_followed_again() {
    let mut model = runs();
    end(&mut model, TaskState::RunnerGone);
    key(&mut model, 'c');
    answer(&mut model, 2, Answer::DialogReady(Ok(Box::new(hits(None, false)))));
    key(&mut model, 'y');
    assert_eq!(answer(&mut model, 3, Answer::CancelRequested(Ok(()))), "[Follow(RequestId(4), \"T1\")]");
    let mut refused = runs();
    key(&mut refused, 'c');
    answer(&mut refused, 2, Answer::DialogReady(Err(fault("Nobody answers."))));
    assert!(refused.overlay.is_none());
    assert_eq!(watched_task(&refused).request_error.as_ref().unwrap().what, "Nobody answers.");
}

#[test]
fn an_answer_for_a_left_task_blocks_no_key() {
    let mut model = watching(&[created(&["prod/pay"], None), started(1, false)]);
    assert_eq!(key(&mut model, 'c'), "[CancelQuestion(RequestId(2), \"T1\")]");
    open(&mut model, "T2".to_owned(), TypedSecrets::default());
    answer(&mut model, 2, Answer::DialogReady(Err(fault("Nobody answered."))));
    assert_eq!((watched_task(&model).id.as_str(), &watched_task(&model).request_error), ("T2", &None));
    open(&mut model, "T1".to_owned(), TypedSecrets::default());
    let effects = key(&mut model, 'c');
    assert!(effects.starts_with("[CancelQuestion("), "{effects} {:?}", model.notice);
}

#[test]
fn a_retried_task_is_not_reported_as_failed() {
    let mut model = watched(&stopped_in(StepKind::CheckReady, StepState::Failed, VerdictKind::Failed));
    assert!(key(&mut model, 'r').starts_with("[Resume { req: RequestId(2)"));
    open(&mut model, "T2".to_owned(), TypedSecrets::default());
    assert_eq!(answer(&mut model, 2, Answer::Launched(Ok("T1".to_owned()))), "[]", "T2 stays on the screen");
    assert_eq!(watched_task(&model).id, "T2");
    assert_eq!(
        exit_message(&model).1,
        ["Task T1 still ran when it was left: obnow watch T1", "Task T2 still runs: obnow watch T2"]
    );
}

#[test]
fn a_verdict_ends_a_task_with_a_living_runner() {
    let ended = stopped_in(StepKind::ConfirmRestorable, StepState::Ok, VerdictKind::NotRestorable);
    let mut model = watching(&ended);
    let task = model.task.as_ref().unwrap();
    assert!(task.follow_request.is_some() && task.final_state.is_none(), "nobody has said yet that it is over");
    assert_eq!(exit_message(&model).0, crate::domain::exit::Exit::NOT_RESTORABLE);
    // A Retry that was just handed over is no end, whatever came before.
    model.task.as_mut().unwrap().is_rereading = true;
    assert_eq!(exit_message(&model).0, crate::domain::exit::Exit::LEFT);
}
