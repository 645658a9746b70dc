#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops where its setup fails")]

use jiff::tz::TimeZone;

use super::*;
use crate::app::cancel;
use crate::domain::choices::Mode;
use crate::domain::connection::{Connection, Limits, TlsMode};
use crate::domain::exit::Exit;
use crate::domain::fault::Cause;
use crate::domain::outcome::{Outcome, VerdictKind};
use crate::domain::plan::plan;
use crate::domain::preflight::COMPACTION_NEEDED;
use crate::domain::progress::Progress;
use crate::domain::samples::{self, choose, cluster, other_tenant, target, tenant};
use crate::domain::secret::SecretSource;
use crate::domain::step::{StepKind, StepState};
use crate::domain::task::Prepared;
use crate::wizard::key::Key;
use crate::wizard::keymap::{KeyLookup, look_up};
use crate::wizard::model::next_wake;
use crate::wizard::msg::{Answer, Msg};
use crate::wizard::update::update;

mod follow;
mod resume;

pub fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_795_143_600 + second).unwrap()
}

/// A task over these tenants of `prod`.
pub fn created(names: &[&str], encrypt: Option<SecretSource>) -> Event {
    let facts = cluster(vec![tenant(1002, "pay"), other_tenant(1004, "log")]);
    let mut plan = plan(&facts, &choose(names, Mode::Full)).unwrap();
    plan.choices.encrypt = encrypt;
    let connection = Connection {
        endpoints: vec!["10.0.0.1:2881".into()],
        user: "root@sys".into(),
        password: None,
        tls: TlsMode::Prefer,
        ca: None,
        mydumper: None,
        limits: Limits { connect: 1, statement: 2, poll: 3, stall: 4, archive_wait: 5, heartbeat: 6, proof: 7 },
    };
    let prepared = Prepared { task: "T1".into(), plan, preview: Vec::new(), digest: "d".into() };
    Event::Created { prepared: Box::new(prepared), connection: Box::new(connection), by: "me at here".into() }
}

pub fn fault(what: &str) -> Fault {
    Fault::new(Cause::Server, what, "The why.", "The next.").with_detail("server words")
}

pub fn started(attempt: u32, anew: bool) -> Event {
    Event::RunnerStarted { pid: 7, attempt, anew, targets: vec![target("prod/pay")], process: None }
}

pub fn step(kind: StepKind, state: StepState) -> Event {
    let fault = state.is_stopped().then(|| fault("What."));
    Event::Step { target: target("prod/pay"), step: kind, state, detail: String::new(), fault }
}

pub fn passed_before(kind: StepKind) -> Vec<Event> {
    let before = samples::PHYSICAL.into_iter().take_while(|other| *other != kind);
    before.map(|kind| step(kind, StepState::Ok)).collect()
}

pub fn job(set: u64) -> Event {
    Event::Job { target: target("prod/pay"), job: 7, set: Some(set), kind: Some(Mode::Full) }
}

pub fn verdict(word: VerdictKind) -> Event {
    let missing = (word != VerdictKind::Restorable).then(|| fault("What."));
    let outcome = Outcome { verdict: word, fault: missing, ..Outcome::failed(fault("What."), Some(3)) };
    Event::Verdict { target: target("prod/pay"), outcome: Box::new(outcome) }
}

/// A task of `pay` that stopped in this step.
pub fn stopped_in(kind: StepKind, state: StepState, word: VerdictKind) -> Vec<Event> {
    let mut events = vec![created(&["prod/pay"], None), started(1, false)];
    events.extend(passed_before(kind));
    if !kind.is_before_the_job() {
        events.push(job(3));
    }
    events.extend([step(kind, state), verdict(word), Event::RunnerEnded { reason: "stopped".into() }]);
    events
}

/// A wizard that watches the task `T1`, whose journal holds these events.
pub fn watching(events: &[Event]) -> Model {
    let mut model = Model::new((80, 24), TimeZone::UTC);
    let effects = open(&mut model, "T1".to_owned(), TypedSecrets::default());
    assert_eq!(format!("{effects:?}"), "[Follow(RequestId(1), \"T1\")]");
    for (second, event) in (0..).zip(events) {
        let said = Answer::Followed(at(second), Box::new(Ok(event.clone())));
        assert!(update(&mut model, Msg::Answer(RequestId(1), said)).is_empty());
    }
    model
}

/// The same, and nobody writes into the journal any more.
pub fn watched(events: &[Event]) -> Model {
    let mut model = watching(events);
    let state = model.task.as_ref().unwrap().view.state(false);
    end(&mut model, state);
    model
}

pub fn end(model: &mut Model, state: TaskState) {
    let following = model.task.as_ref().unwrap().follow_request.unwrap();
    let said = Answer::FollowEnded { state, exit_reason: None };
    assert!(update(model, Msg::Answer(following, said)).is_empty());
}

/// The effects of a key, as they print.
pub fn press(model: &mut Model, key: Key) -> String {
    format!("{:?}", update(model, Msg::Key(key)))
}

pub fn key(model: &mut Model, c: char) -> String {
    press(model, Key::Char(c))
}

pub fn answer(model: &mut Model, req: u64, answer: Answer) -> String {
    format!("{:?}", update(model, Msg::Answer(RequestId(req), answer)))
}

/// The words beside r in the footer, or why it does nothing.
pub fn retry_says(model: &Model) -> String {
    match look_up(model, Key::Char('r')) {
        KeyLookup::Action(_) => {
            let ready = |binding: &&crate::wizard::keymap::Binding| {
                binding.action == Action::Retry
                    && (binding.availability)(model) == crate::wizard::keymap::Availability::Ready
            };
            let all: Vec<_> = KEYS.iter().filter(ready).map(|binding| binding.short).collect();
            assert_eq!(all.len(), 1, "one label at a time");
            all[0].to_owned()
        }
        KeyLookup::Unavailable(why) => format!("not: {why}"),
        KeyLookup::Unbound => panic!("r is a key of the task"),
    }
}

pub fn watched_task(model: &Model) -> &WatchedTask {
    model.task.as_ref().unwrap()
}
