//! A dump that stopped while it was uploaded to an object storage: only the upload continues.

use super::*;
use crate::domain::choices::StorageSource;
use crate::domain::facts::{BackupServiceFacts, WorkingDirectory};
use crate::domain::samples::{self, wanted};
use crate::domain::version::{Method, Version};

const NAME: &str = "prod";

/// Returns a task of a successful dump of `prod`, whose upload ended in this state.
fn uploaded(state: StepState, verdict: VerdictKind) -> TaskView {
    let mut facts = cluster(vec![tenant(0, "")]);
    facts.tenants.retain(|tenant| tenant.id == 0);
    facts.cluster.method = Method::Logical;
    facts.cluster.version = Version::seekdb([1, 4, 0, 0], None);
    facts.cluster.backup_service =
        Some(BackupServiceFacts::Ready { release: "mydumper 0.10.0".into(), path: "/usr/bin/mydumper".into() });
    facts.cluster.work = Some(WorkingDirectory { path: "/state/dumps".into(), free: None });
    let mut choices = choose(&[NAME], Mode::Full);
    let storage = wanted(Some("s3://b/p?host=h&access_id=i"), None, StorageSource::Given);
    let key = Some(SecretSource::Env("KEY".into()));
    choices.storage = Some(crate::domain::choices::RequestedStorage { access_key: key, ..storage });
    let Event::Created { connection, by, .. } = created() else { return TaskView::default() };
    let prepared = Prepared {
        task: "t1".into(),
        plan: plan(&facts, &choices).unwrap(),
        preview: Vec::new(),
        digest: String::new(),
    };
    let mut events = vec![Event::Created { prepared: Box::new(prepared), connection, by }, started(1, false, &[NAME])];
    let before = samples::UPLOADED.into_iter().filter(|kind| *kind < StepKind::Upload);
    events.extend(before.map(|kind| step(NAME, kind, StepState::Ok)));
    events.push(Event::Job { target: target(NAME), job: 1, set: None, kind: None });
    events.push(step(NAME, StepKind::Upload, state));
    events.push(Event::Verdict { target: target(NAME), outcome: Box::new(outcome(verdict)) });
    TaskView::fold(events.iter().map(|event| (at(0), event)))
}

#[test]
fn a_retry_goes_on_with_the_upload_and_starts_no_second_dump() {
    for (state, verdict, task) in [
        (StepState::Failed, VerdictKind::Failed, TaskState::Failed),
        (StepState::Cancelled, VerdictKind::Cancelled, TaskState::Cancelled),
    ] {
        let mut view = uploaded(state, verdict);
        assert_eq!(view.state(false), task);
        assert_eq!(view.retry("t1", task).unwrap(), RetryEffect::GoesOn(StepKind::Upload));
        assert!(view.retry_may_start(), "the storage's key is needed again");
        view.apply(at(1), &started(2, false, &[NAME]));
        let again = &view.targets[0];
        assert_eq!(again.current().unwrap().kind, StepKind::Upload);
        assert_eq!((again.job, again.anew_since), (Some(1), 0), "it is the dump of the first attempt");
    }
}

#[test]
fn a_dump_that_is_not_whole_is_made_anew() {
    let view = uploaded(StepState::Ok, VerdictKind::NotRestorable);
    let again = view.retry("t1", TaskState::Failed).unwrap();
    assert!(matches!(again, RetryEffect::NewBackup { attempt: 2, .. }), "{again:?}");
}
