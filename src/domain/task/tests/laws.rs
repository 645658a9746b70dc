//! Properties that hold for every series of events.

use super::*;

fn name() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["prod/pay", "prod/log", "prod/other"]).prop_map(str::to_owned)
}

fn kind() -> impl Strategy<Value = StepKind> {
    prop::sample::select(samples::PHYSICAL.to_vec())
}

fn state() -> impl Strategy<Value = StepState> {
    prop::sample::select(vec![
        StepState::Pending,
        StepState::Running,
        StepState::Ok,
        StepState::NotNeeded,
        StepState::Failed,
        StepState::Cancelled,
        StepState::Unknown,
    ])
}

fn word() -> impl Strategy<Value = VerdictKind> {
    prop::sample::select(vec![
        VerdictKind::Restorable,
        VerdictKind::NotYetRestorable,
        VerdictKind::NotRestorable,
        VerdictKind::Failed,
        VerdictKind::Cancelled,
        VerdictKind::Unknown,
    ])
}

fn maybe_fault() -> impl Strategy<Value = Option<Fault>> {
    prop::option::of(Just(fault()))
}

/// Returns any event, of every variant.
fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        1 => Just(created()),
        3 => (1..9_u32, any::<bool>(), prop::collection::vec(name(), 0..3), any::<u32>()).prop_map(
            |(attempt, anew, names, pid)| Event::RunnerStarted {
                pid,
                attempt,
                anew,
                targets: names.iter().map(|name| target(name)).collect(),
                process: None
            }
        ),
        6 => (name(), kind(), state(), ".{0,12}", maybe_fault()).prop_map(|(name, step, state, detail, fault)| {
            Event::Step { target: target(&name), step, state, detail, fault }
        }),
        2 => (1..5_u32, 1..4_u32).prop_map(|(number, attempt)| intent(number, attempt)),
        2 => (1..5_u32, maybe_fault(), any::<bool>())
            .prop_map(|(intent, fault, answered)| Event::Answered { intent, fault, answered }),
        1 => (1..5_u32, ".{0,12}").prop_map(|(intent, proof)| Event::NotStarted { intent, proof }),
        2 => (name(), any::<u64>(), prop::option::of(any::<u64>())).prop_map(|(name, id, set)| job(&name, id, set)),
        2 => (name(), any::<u64>())
            .prop_map(|(name, bytes)| Event::Progress { target: target(&name), progress: progress(bytes) }),
        2 => (name(), kind(), ".{0,12}", maybe_fault())
            .prop_map(|(name, step, what, fault)| Event::Waiting { target: target(&name), step, what, over: fault.is_none(), fault }),
        2 => (name(), word()).prop_map(|(name, word)| verdict(&name, word)),
        1 => ("[a-z]{1,3}", ".{0,8}").prop_map(|(request, verb)| Event::Request {
            request,
            verb,
            who: "me".into(),
            answer: "done".into(),
            fault: None
        }),
        1 => ".{0,12}".prop_map(|reason| Event::RunnerEnded { reason }),
    ]
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    prop::collection::vec(event(), 0..40).prop_map(|mut events| {
        events.insert(0, created());
        events
    })
}

proptest! {
    #[test]
    fn it_does_not_matter_where_a_follower_begins(events in events(), cut in 0..40_usize) {
        let whole = folded(&events);
        let cut = cut.min(events.len());
        let mut view = folded(&events[..cut]);
        for (second, event) in (0..).zip(&events).skip(cut) {
            view.apply(at(second), event);
        }
        prop_assert_eq!(view, whole);
    }

    #[test]
    fn every_event_comes_back_from_its_line(event in event()) {
        let line = serde_json::to_string(&event).unwrap();
        prop_assert!(!line.contains('\n'), "one event is one line");
        prop_assert_eq!(serde_json::from_str::<Event>(&line).unwrap(), event);
    }

    #[test]
    fn a_torn_line_is_no_event(event in event(), part in 0.0..1.0_f64) {
        let line = serde_json::to_string(&event).unwrap();
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss,
            reason = "a place in a short line")]
        let cut = (line.len() as f64 * part) as usize;
        let torn = String::from_utf8_lossy(&line.as_bytes()[..cut]).into_owned();
        prop_assert!(serde_json::from_str::<Event>(&torn).is_err());
    }

    #[test]
    fn what_the_fold_says_hangs_together(events in events()) {
        let view = folded(&events);
        prop_assert_eq!(view.targets.len(), 2);
        prop_assert_eq!(view.last, Some(at(i64::try_from(events.len()).unwrap() - 1)));
        let over = view.targets.iter().all(TargetView::is_over);
        // Only a task that has not ended depends on whether its runner is alive.
        prop_assert_eq!(view.state(true) == TaskState::Running, !over);
        prop_assert_eq!(view.state(false) == TaskState::RunnerGone, !over);
        for target in &view.targets {
            prop_assert!(!target.needs_new_backup() || target.wants_retry());
            for step in &target.steps {
                // What has ended had begun, in this order, and what is pending has no times.
                prop_assert!(step.ended.is_none() || step.started.is_some());
                prop_assert!(step.started <= step.ended || step.ended.is_none());
                prop_assert!(step.state != StepState::Running || step.started.is_some());
                prop_assert!(!(step.state.is_stopped() || step.state.is_passed()) || step.ended.is_some());
            }
        }
    }

    #[test]
    fn a_new_attempt_leaves_nothing_stopped_or_running(events in events(), anew in any::<bool>()) {
        let mut view = folded(&events);
        let before = view.clone();
        view.apply(at(99), &started(10, anew, &["prod/pay"]));
        for (target, old) in view.targets.iter().zip(&before.targets) {
            if target.target.tenant() == Some("pay") {
                prop_assert!(target.outcome.is_none() && !target.is_over());
                prop_assert!(target.steps.iter().all(|s| !s.state.is_stopped() && s.state != StepState::Running));
                let new_backup = anew && old.needs_new_backup();
                prop_assert_eq!(target.anew_since, if new_backup { 10 } else { old.anew_since });
                prop_assert_eq!(target.job, if new_backup { None } else { old.job });
            } else {
                prop_assert_eq!(target, old);
            }
        }
        prop_assert_eq!(view.intents, before.intents);
    }
}

/// Checks that every variant is among those that are generated; a new variant stops this from compiling until it is added above.
#[test]
fn no_variant_is_left_out() {
    let number = |event: &Event| match event {
        Event::Created { .. } => 0,
        Event::RunnerStarted { .. } => 1,
        Event::Step { .. } => 2,
        Event::Intent { .. } => 3,
        Event::Answered { .. } => 4,
        Event::NotStarted { .. } => 5,
        Event::Job { .. } => 6,
        Event::Progress { .. } => 7,
        Event::Waiting { .. } => 8,
        Event::Verdict { .. } => 9,
        Event::Request { .. } => 10,
        Event::RunnerEnded { .. } => 11,
    };
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let seen: std::collections::BTreeSet<i32> = (0..600)
        .map(|_| number(&proptest::strategy::ValueTree::current(&event().new_tree(&mut runner).unwrap())))
        .collect();
    assert_eq!(seen, (0..12).collect());
}
