//! The storage of the last successful task: the next backup goes there too, where nothing else names one.

use super::choices::{RequestedStorage, StorageSource};
use super::facts::ClusterFacts;
use super::outcome::VerdictKind;
use super::secret::SecretSource;
use super::target::TargetName;
use super::task::TaskView;

/// Returns the storage of the newest task of exactly these targets that ended well: the one that a user gave, else the one that
/// it took from an earlier task. An access key from a source
/// that does not last is asked for again. A task of another cluster with the same name in the inventory does not count.
#[must_use]
pub fn last_storage<'a>(
    tasks: impl Iterator<Item = &'a TaskView>,
    cluster: &ClusterFacts,
    targets: &[TargetName],
) -> Option<RequestedStorage> {
    let of_these = tasks.filter_map(|task| {
        let plan =
            task.prepared.as_ref().map(|prepared| &prepared.plan).filter(|plan| !plan.cluster.is_another(cluster));
        let choices = &plan?.choices;
        let given = choices.storage.as_ref();
        let before = choices.fallbacks.iter().find(|wanted| wanted.source == StorageSource::LastTask);
        let wanted = given.or(before).filter(|wanted| wanted.data.is_some())?;
        (choices.targets == targets && ended_well(task)).then_some((task.created, wanted))
    });
    let (_, wanted) = of_these.max_by_key(|(created, _)| *created)?;
    Some(RequestedStorage {
        access_key: wanted.access_key.as_ref().map(|source| {
            if source.lasts() && !source.is_only_a_marker() { source.clone() } else { SecretSource::Prompt }
        }),
        source: StorageSource::LastTask,
        tenants: None,
        ..wanted.clone()
    })
}

/// Returns whether every target has a backup that can be restored, or will be.
fn ended_well(task: &TaskView) -> bool {
    let good = |word: VerdictKind| matches!(word, VerdictKind::Restorable | VerdictKind::NotYetRestorable);
    !task.targets.is_empty()
        && task.targets.iter().all(|target| target.outcome.as_ref().is_some_and(|outcome| good(outcome.verdict)))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test stops where its setup fails")]
mod tests {
    use super::*;
    use crate::domain::choices::{Choices, Mode};
    use crate::domain::facts::Known;
    use crate::domain::fault::{Cause, Fault};
    use crate::domain::identity::Created;
    use crate::domain::outcome::Outcome;
    use crate::domain::plan::plan;
    use crate::domain::samples::{choose, prod, target, wanted};
    use crate::domain::task::{Prepared, TargetView};

    fn task(created: i64, choices: &Choices, verdict: VerdictKind) -> TaskView {
        let plan = plan(&prod(), choices).unwrap();
        let of = |target: &TargetName| TargetView {
            target: target.clone(),
            steps: Vec::new(),
            job: None,
            set: None,
            progress: None,
            outcome: Some(Outcome { verdict, ..Outcome::failed(Fault::new(Cause::Server, "", "", ""), None) }),
            attempt: 1,
            anew_since: 1,
            attached: false,
        };
        TaskView {
            targets: plan.targets.iter().map(|planned| of(&planned.target)).collect(),
            prepared: Some(Box::new(Prepared {
                task: String::new(),
                plan,
                preview: Vec::new(),
                digest: String::new(),
            })),
            created: jiff::Timestamp::from_second(created).ok(),
            ..TaskView::default()
        }
    }

    fn given(uri: &str) -> Choices {
        let storage = Some(wanted(Some(uri), None, StorageSource::Given));
        Choices { storage, ..choose(&["prod/pay"], Mode::Full) }
    }

    #[test]
    fn the_newest_good_task_of_the_same_targets_says_where() {
        use VerdictKind::{Failed, NotYetRestorable, Restorable};
        let tasks = [
            task(10, &given("file:///old"), Restorable),
            task(30, &given("file:///new"), NotYetRestorable),
            task(20, &given("file:///between"), Restorable),
            task(40, &given("file:///failed"), Failed),
            task(50, &choose(&["prod/pay"], Mode::Full), Restorable),
        ];
        let of = |name: &str| last_storage(tasks.iter(), &prod().cluster, &[target(name)]);
        assert_eq!(of("prod/pay"), Some(wanted(Some("file:///new"), None, StorageSource::LastTask)));
        assert_eq!(of("prod"), None, "another target");
        let mut other = prod().cluster;
        other.created = Known::Known(Created { tenant: 1, at: jiff::Timestamp::UNIX_EPOCH });
        assert_eq!(last_storage(tasks.iter(), &other, &[target("prod/pay")]), None, "another cluster of that id");
    }

    #[test]
    fn what_was_taken_over_once_is_taken_over_again_and_a_typed_key_is_asked_for() {
        let mut choices = given("oss://b/p?host=h&access_id=i");
        let mut storage = choices.storage.take().unwrap();
        storage.access_key = Some(SecretSource::Stdin);
        choices.fallbacks = vec![RequestedStorage { source: StorageSource::LastTask, ..storage }];
        let tasks = [task(1, &choices, VerdictKind::Restorable)];
        let found = last_storage(tasks.iter(), &prod().cluster, &[target("prod/pay")]).unwrap();
        assert_eq!(found.data.as_deref(), Some("oss://b/p?host=h&access_id=i"));
        assert_eq!(found.access_key, Some(SecretSource::Prompt));
    }
}
