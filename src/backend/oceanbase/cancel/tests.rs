#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops where its setup fails")]

use super::*;
use crate::domain::choices::Mode;
use crate::domain::plan::{Attached, plan};
use crate::domain::samples::{choose, cluster, job, tenant};
use crate::domain::task::{Prepared, TargetView, TaskView};

/// Returns the scope of a cancel of task t1 for tenant pay (1002) among these jobs.
fn scope_of(jobs: &[JobFacts], attached: Option<Attached>, seen: Option<u64>, hit: &[(u64, u64)]) -> CancelScope {
    with_context(attached, seen, |run, target| aim(jobs, run, &[target], hit))
}

/// Calls `ask` with the context of task t1 on tenant pay.
fn with_context<T>(
    attached: Option<Attached>,
    seen: Option<u64>,
    ask: impl Fn(&StepContext<'_>, &TargetPlan) -> T,
) -> T {
    let mut plan = plan(&cluster(vec![tenant(1002, "pay")]), &choose(&["prod/pay"], Mode::Full)).unwrap();
    plan.targets[0].attached = attached;
    let view = TargetView {
        target: plan.targets[0].target.clone(),
        steps: Vec::new(),
        job: seen,
        set: None,
        progress: None,
        outcome: None,
        attempt: 1,
        anew_since: 1,
        attached: false,
    };
    let view = TaskView { targets: vec![view], ..TaskView::default() };
    let prepared = Prepared { task: "t1".into(), plan, preview: Vec::new(), digest: String::new() };
    let run =
        StepContext { task: "t1", prepared: &prepared, view: &view, attempt: 1, now: jiff::Timestamp::UNIX_EPOCH };
    ask(&run, &prepared.plan.targets[0])
}

fn parent(description: &str) -> JobFacts {
    JobFacts { tenant_id: 1, job_id: 80, set_id: None, initiator_tenant_id: 1, ..job(description) }
}

fn child(id: u64, status: &str) -> JobFacts {
    let (initiator_tenant_id, initiator_job_id) = (1, Some(80));
    JobFacts { job_id: id, initiator_tenant_id, initiator_job_id, status: status.into(), ..job("obnow t1.1") }
}

fn scope_with_jobs(jobs: &[u64]) -> CancelScope {
    let jobs = jobs.iter().map(|id| (1002, *id)).collect();
    CancelScope { tenants: vec!["pay".into()], jobs, ..CancelScope::default() }
}

/// Before the child job exists CANCEL BACKUP succeeds without effect.
#[test]
fn cancel_waits_for_the_child_job() {
    let waits = CancelScope { awaited: vec!["pay".into()], ..CancelScope::default() };
    assert_eq!(scope_of(&[parent("obnow t1.1")], None, None, &[]), waits);
    assert_eq!(scope_of(&[parent("obnow t1.1"), child(7, "INIT")], None, None, &[]), scope_with_jobs(&[7]));
    assert_eq!(scope_of(&[], None, None, &[]), CancelScope::default());
    assert_eq!(scope_of(&[parent("nightly")], None, None, &[]), CancelScope::default(), "somebody else's");
    let attached = |job| Some(Attached { job, parent: Some(80), owner: "nightly".into(), since: String::new() });
    assert_eq!(scope_of(&[parent("nightly")], attached(None), None, &[]), waits);
    assert_eq!(scope_of(&[parent("nightly"), child(9, "DOING")], attached(None), None, &[]), scope_with_jobs(&[9]));
}

/// A repeat is for the job of the first statement.
#[test]
fn repeated_cancel_spares_other_jobs() {
    let ours = [parent("obnow t1.1"), child(7, "DOING")];
    assert_eq!(
        scope_of(&ours, None, Some(7), &[(1002, 7)]),
        scope_with_jobs(&[7]),
        "it was not hit, and is sent again"
    );
    assert_eq!(
        scope_of(&[parent("obnow t1.1"), child(7, "CANCELING")], None, Some(7), &[(1002, 7)]),
        CancelScope::default()
    );
    let other = JobFacts { job_id: 8, ..job("by hand") };
    let beside = [ours[0].clone(), ours[1].clone(), other.clone()];
    let stopped = scope_of(&beside, None, Some(7), &[(1002, 7)]);
    assert_eq!(stopped.another.as_deref(), Some("job 8 of pay, started by \"by hand\""));
    // What ran when it was asked for was shown.
    assert_eq!(scope_of(&beside, None, Some(7), &[]), scope_with_jobs(&[7, 8]));
    assert_eq!(scope_of(&beside, None, Some(7), &[(1002, 7), (1002, 8)]), scope_with_jobs(&[7, 8]));
    // Ours has ended: nothing is meant any more.
    assert_eq!(scope_of(&[other], None, Some(7), &[(1002, 7)]), CancelScope::default());
}

/// The child ends CANCELED, and the job of sys FAILED with -4072: for a tenant without a child that is a cancel too.
#[test]
fn a_parent_that_failed_with_4072_was_cancelled() {
    use super::super::jobs::watch_parent;
    use crate::backend::StepObservation;
    use crate::domain::outcome::VerdictKind;
    let ended = |status: &str, result| JobFacts { status: status.into(), result, ..parent("nightly") };
    let verdict = |job: JobFacts| {
        with_context(None, None, |run, target| {
            match watch_parent(run, 80, &[], std::slice::from_ref(&job), target).observation {
                StepObservation::JobFailed(outcome) => {
                    (outcome.verdict, outcome.fault.map(|fault| fault.why).unwrap_or_default())
                }
                look => panic!("{look:?}"),
            }
        })
    };
    let (word, why) = verdict(ended("FAILED", 4072));
    assert_eq!((word, why.contains("FAILED with 4072, which is a cancel")), (VerdictKind::Cancelled, true), "{why}");
    assert_eq!(verdict(ended("CANCELED", 4072)).0, VerdictKind::Cancelled);
    assert_eq!(verdict(ended("FAILED", 9040)).0, VerdictKind::Failed);
    assert_eq!(verdict(ended("COMPLETED", 0)).0, VerdictKind::Failed);
    assert!(!JobFacts { status: "DOING".into(), result: 4072, ..job("x") }.was_cancelled(), "it still runs");
}
