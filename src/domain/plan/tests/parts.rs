//! R6 and R8: a plan of more than one job.

use std::collections::BTreeMap;

use super::*;
use crate::domain::choices::NoFullPolicy;
use crate::domain::samples::{cluster, full, other_tenant};

/// Returns, by part, the number of targets, the bytes of the list of ids and the mode.
fn parts(made: &Plan) -> BTreeMap<Option<u32>, (usize, usize, Mode)> {
    let mut parts: BTreeMap<Option<u32>, Vec<&TargetPlan>> = BTreeMap::new();
    for target in &made.targets {
        parts.entry(target.part).or_default().push(target);
    }
    let told = |targets: Vec<&TargetPlan>| {
        let ids: Vec<String> = targets.iter().map(|target| target.tenant.id.to_string()).collect();
        let modes = targets.iter().all(|target| target.mode == targets[0].mode);
        assert!(modes, "one job has one mode");
        (targets.len(), ids.join(",").len(), targets[0].mode)
    };
    parts.into_iter().map(|(part, targets)| (part, told(targets))).collect()
}

fn tenants(ids: impl Iterator<Item = u64>) -> Vec<TenantFacts> {
    ids.map(|id| other_tenant(id, &format!("t{id}"))).collect()
}

#[test]
fn one_job_takes_as_many_tenants_as_the_server_has_room_for() {
    // Ids of four digits: 800 of them and their commas are 3,999 bytes.
    for (count, expected) in [(1, vec![1]), (800, vec![800]), (801, vec![800, 1]), (1_000, vec![800, 200])] {
        let facts = cluster(tenants((0..count).map(|number| 1_002 + 2 * number)));
        let made = plan(&facts, &choose(&["prod"], Mode::Full)).unwrap();
        let parts = parts(&made);
        assert!(parts.values().all(|(_, bytes, _)| *bytes <= 4_000), "{parts:?}");
        assert_eq!(parts.values().map(|(targets, ..)| *targets).collect::<Vec<_>>(), expected);
        let numbers: Vec<Option<u32>> = parts.into_keys().collect();
        let alone = expected.len() == 1;
        assert_eq!(numbers, if alone { vec![None] } else { vec![Some(1), Some(2)] });
        let said =
            made.targets[0].notes.iter().any(|note| note.starts_with("The backup is 2 jobs, for the server has room"));
        assert_eq!(said, !alone);
    }
    // Ids of every length.
    let facts = cluster(tenants((0..1_500).map(|number| 9_002 + 2 * number)));
    let made = plan(&facts, &choose(&["prod"], Mode::Full)).unwrap();
    let parts = parts(&made);
    assert!(parts.values().all(|(_, bytes, _)| *bytes <= 4_000), "{parts:?}");
    assert_eq!(parts.values().map(|(targets, ..)| targets).sum::<usize>(), 1_500);
}

#[test]
fn fulls_and_increments_are_parts_of_their_own() {
    let mut with_base = other_tenant(1_002, "pay");
    with_base.sets = vec![crate::domain::restorable::BackupSet { path: "file:///own/1002/data".into(), ..full(1) }];
    let facts = cluster(vec![with_base, other_tenant(1_004, "log"), other_tenant(1_006, "far")]);
    let mut choices = choose(&["prod"], Mode::Incremental);
    choices.no_full = NoFullPolicy::Full;
    let made = plan(&facts, &choices).unwrap();
    let told: Vec<(&str, Mode, Option<u32>)> =
        made.targets.iter().map(|target| (target.tenant.name.as_str(), target.mode, target.part)).collect();
    assert_eq!(told, [("pay", Mode::Incremental, Some(1)), ("log", Mode::Full, Some(2)), ("far", Mode::Full, Some(2))]);
}
