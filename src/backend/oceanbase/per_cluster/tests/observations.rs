//! Tests below V4 of the reconciliation of a start without a marker, and of when a compaction is started, observed or required
//! (R5, R8).

use jiff::{SignedDuration, Timestamp};

use super::super::{compaction, rows, start_reconcile};
use super::row;
use crate::backend::{StepContext, StepObservation};
use crate::domain::choices::{CompactionChoice, Mode};
use crate::domain::cluster_backup::CompactionRule;
use crate::domain::connection::{Connection, Limits, TlsMode};
use crate::domain::facts::{Facts, JobFacts, Known};
use crate::domain::fault::{Cause, Fault};
use crate::domain::plan::{Action, plan};
use crate::domain::samples::{choose, legacy, target, whole};
use crate::domain::step::StepKind;
use crate::domain::task::{COMPACT, Event, Prepared, TaskView};
use crate::domain::time_zone::ServerTimeZone;

/// A task on a cluster whose last freeze is older than its archive round, with its facts and journal.
struct StepFixture {
    facts: Facts,
    prepared: Prepared,
    view: TaskView,
    begun: Timestamp,
}

fn fixture(compact: CompactionChoice, more: &[Event]) -> StepFixture {
    let facts = legacy("3.1.2", CompactionRule::Enforced, 10_000);
    let mut choices = choose(&["legacy"], Mode::Full);
    choices.compact = compact;
    let plan = plan(&facts, &choices).unwrap();
    let prepared = Prepared { task: "T1".into(), plan, preview: Vec::new(), digest: String::new() };
    let connection = Connection {
        endpoints: Vec::new(),
        user: "root@sys".into(),
        password: None,
        tls: TlsMode::Off,
        ca: None,
        limits: Limits { connect: 1, statement: 1, poll: 1, stall: 1, archive_wait: 1, heartbeat: 1, proof: 1 },
        mydumper: None,
    };
    let targets = prepared.plan.targets.iter().map(|target| target.target.clone()).collect();
    let begun = facts.at;
    let created =
        Event::Created { prepared: Box::new(prepared.clone()), connection: Box::new(connection), by: "a@b".into() };
    let mut events = vec![created, Event::RunnerStarted { pid: 1, attempt: 1, anew: false, targets, process: None }];
    events.extend(more.iter().cloned());
    let view = TaskView::fold(events.iter().map(|event| (begun, event)));
    StepFixture { facts, prepared, view, begun }
}

impl StepFixture {
    fn run(&self, after: i64) -> StepContext<'_> {
        let now = self.begun + SignedDuration::from_secs(after);
        StepContext { task: "T1", prepared: &self.prepared, view: &self.view, attempt: self.view.attempt, now }
    }

    fn reconciled(&self, after: i64, jobs: &[JobFacts]) -> StepObservation {
        let run = self.run(after);
        let plan = &self.prepared.plan.targets[0];
        start_reconcile::settled(jobs, run.start_intent(&plan.target).unwrap(), plan, &run).observation
    }

    fn compaction(&mut self, change: impl Fn(&mut crate::domain::cluster_backup::CompactionFacts)) -> StepObservation {
        self.compaction_after(1, change)
    }

    fn compaction_after(
        &mut self,
        after: i64,
        change: impl Fn(&mut crate::domain::cluster_backup::CompactionFacts),
    ) -> StepObservation {
        if let Known::Known(compaction) = &mut whole(&mut self.facts).compaction {
            change(compaction);
        }
        let tenant = self.facts.tenant("pay").unwrap();
        let whole = self.facts.cluster.cluster_backup.as_deref().unwrap();
        compaction::look(&self.run(after), whole, &ServerTimeZone::fixed(0), tenant, &self.prepared.plan.targets[0])
    }
}

fn intent(step: StepKind, highest: u64) -> Event {
    Event::Intent {
        intent: 1,
        targets: vec![target("legacy/pay"), target("legacy/order")],
        step,
        attempt: 1,
        statements: Vec::new(),
        description: None,
        highest_job: Some(highest),
        connection: None,
        server: "h:1".into(),
        server_limit: 150_000,
    }
}

fn answered(answered: bool) -> Event {
    Event::Answered { intent: 1, fault: None, answered }
}

fn part(tenant: &str, set: &str, status: &str) -> JobFacts {
    rows::running(&row(&[
        ("TENANT_ID", tenant),
        ("BACKUP_SET_ID", set),
        ("BACKUP_TYPE", "D"),
        ("STATUS", status),
        ("RESULT", "0"),
        ("START_TIME", "2026-11-20 11:00:01"),
    ]))
    .unwrap()
}

fn unanswered_start() -> StepFixture {
    fixture(CompactionChoice::Never, &[intent(StepKind::StartBackup, 6), answered(false)])
}

#[test]
fn unanswered_start_attaches_to_a_newer_set() {
    let words =
        |look: StepObservation| if let StepObservation::Done(words) = look { words } else { panic!("{look:?}") };
    let seven = [part("1001", "7", "DOING"), part("1", "7", "DOING")];
    let claimed = ", started at 2026-11-20 11:00:01 (server time), cannot be proven ours: attached to, not claimed";
    assert_eq!(words(unanswered_start().reconciled(1, &seven)), format!("set 7{claimed}"));
    let ours = fixture(CompactionChoice::Never, &[intent(StepKind::StartBackup, 6), answered(true)]);
    assert_eq!(words(ours.reconciled(1, &seven)), "set 7", "the server took it, and nobody else can start meanwhile");
    // A set from before does not belong to it.
    assert!(matches!(unanswered_start().reconciled(1, &[part("1001", "6", "DOING")]), StepObservation::Wait(_)));
}

#[test]
fn not_started_needs_the_server_limit() {
    assert!(matches!(unanswered_start().reconciled(160, &[]), StepObservation::Wait(_)), "150 s and 10 s");
    let look = unanswered_start().reconciled(161, &[]);
    let proof = "the server's own limit of 160 s for it has passed, and there is no new backup set";
    assert_eq!(look, StepObservation::NotStarted { intent: 1, proof: proof.into() });
    let coming = [rows::coming("PREPARE", None, crate::domain::restorable::SetKind::Full)];
    assert!(
        matches!(unanswered_start().reconciled(900, &coming), StepObservation::Wait(_)),
        "a job without a set may be it"
    );
}

#[test]
fn tenant_without_a_part_fails() {
    let ours = || fixture(CompactionChoice::Never, &[intent(StepKind::StartBackup, 6), answered(true)]);
    let StepObservation::Wait(waiting) = ours().reconciled(1, &[part("1", "7", "DOING")]) else { panic!() };
    assert_eq!((waiting.what.as_str(), waiting.server_busy), ("set 7 is DOING; the part of pay is awaited", true));
    let over = JobFacts { status: "COMPLETED".into(), ..part("1", "7", "FINISH") };
    let StepObservation::JobFailed(outcome) = ours().reconciled(1, &[over]) else { panic!() };
    assert_eq!(outcome.fault.unwrap().what, "The server made no backup of legacy/pay.");
}

#[test]
fn compaction_needs_confirmation() {
    let failed =
        |look: StepObservation| if let StepObservation::Failed(fault) = look { fault } else { panic!("{look:?}") };
    let never = failed(fixture(CompactionChoice::Never, &[]).compaction(|_| {}));
    assert_eq!(never.what, "Cluster compaction needed before full data backup");
    assert_eq!(fixture(CompactionChoice::Auto, &[]).compaction(|_| {}), StepObservation::NeedsAction(Action::Compact));
    let (request, verb, who) = ("compact.1".to_owned(), COMPACT.to_owned(), "a".to_owned());
    let asked = Event::Request { request, verb, who, answer: String::new(), fault: None };
    assert_eq!(
        fixture(CompactionChoice::Never, &[asked]).compaction(|_| {}),
        StepObservation::NeedsAction(Action::Compact)
    );
    let broken = failed(fixture(CompactionChoice::Auto, &[]).compaction(|compaction| compaction.has_error = true));
    assert!(broken.why.ends_with("and the merge of version 5 has met an error."), "{}", broken.why);
    let young = fixture(CompactionChoice::Auto, &[])
        .compaction(|compaction| compaction.frozen_at = crate::domain::samples::ago(1));
    assert_eq!(young, StepObservation::NotNeeded("none is needed: the last frozen version is 5".into()));
}

/// A later attempt observes the compaction that was started, and starts no second one.
#[test]
fn earlier_compaction_is_observed_to_its_end() {
    let sent = [intent(StepKind::Compact, 5), answered(true)];
    let taken_up =
        Event::RunnerStarted { pid: 2, attempt: 2, anew: false, targets: vec![target("legacy/pay")], process: None };
    let mut again = fixture(CompactionChoice::Auto, &[&sent[..], &[taken_up]].concat());
    let look = again.compaction(|compaction| {
        compaction.frozen_version = 6;
        compaction.status = "MERGING".into();
    });
    let StepObservation::Wait(waiting) = look else { panic!("{look:?}") };
    assert_eq!(waiting.what, "version 6: 0 of 2 zones merged (z1, z2 left), MERGING");
    // In the attempt that sent it the new version is awaited, and then merged.
    let mut own = fixture(CompactionChoice::Auto, &sent);
    let StepObservation::Wait(waiting) = own.compaction(|_| {}) else { panic!() };
    assert_eq!(waiting.what, "the server accepted MAJOR FREEZE; the new version is awaited");
    let done = own.compaction(|compaction| {
        (compaction.frozen_version, compaction.broadcast_version, compaction.merged_version) = (6, 6, 6);
    });
    assert_eq!(done, StepObservation::Done("version 6 is merged in every zone".into()));
}

/// A MAJOR FREEZE without an answer is not reported as accepted, and none is sent again while it may still be executed.
#[test]
fn unanswered_compaction_is_not_sent_twice() {
    let sent = [intent(StepKind::Compact, 5), answered(false)];
    let what = |look: StepObservation| {
        if let StepObservation::Wait(waiting) = look { waiting.what } else { panic!("{look:?}") }
    };
    let doubt = "whether MAJOR FREEZE was accepted: no answer came, a new frozen version is looked for";
    assert_eq!(what(fixture(CompactionChoice::Auto, &sent).compaction(|_| {})), doubt);
    let taken_up =
        Event::RunnerStarted { pid: 2, attempt: 2, anew: false, targets: vec![target("legacy/pay")], process: None };
    let mut again = fixture(CompactionChoice::Auto, &[&sent[..], &[taken_up]].concat());
    assert_eq!(what(again.compaction_after(160, |_| {})), doubt, "150 s and 10 s");
    assert_eq!(again.compaction_after(161, |_| {}), StepObservation::NeedsAction(Action::Compact));
}

/// On V3.2 the server's error text decides: only a refusal that requires a compaction counts.
#[test]
fn compaction_refusal_is_recognized() {
    let refusal = |code, what: &str| Fault::new(Cause::Precondition, what, "", "").with_code(code);
    let asks = crate::domain::diagnosis::asks_for_compaction;
    assert!(asks(&refusal(9040, "start timestamp is bigger than frozen timestamp, need major freeze first. start")));
    assert!(!asks(&refusal(9040, "because log archive is not doing")));
    assert!(!asks(&refusal(9036, "need major freeze first")));
}
