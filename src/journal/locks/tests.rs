#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fall where it stands")]

use std::process::Command;

use super::*;

fn owner_of_task(task: u64) -> Owner {
    let at = Timestamp::from_second(i64::try_from(task).unwrap()).unwrap();
    Owner::here(&TaskId::new(at, task), at)
}

fn claim(cluster: &str, tenants: &[u64]) -> Claim {
    Claim::known(cluster.into(), None, tenants.to_vec())
}

fn held(state: &Path, claims: &[Claim], owner: &Owner) -> HeldLocks {
    match take(state, claims, owner).unwrap() {
        LockResult::Held(held) => held,
        LockResult::Busy(busy) => panic!("{busy:?}"),
    }
}

fn busy(state: &Path, claims: &[Claim], owner: &Owner) -> Busy {
    match take(state, claims, owner).unwrap() {
        LockResult::Held(_) => panic!("{claims:?} was free"),
        LockResult::Busy(busy) => busy,
    }
}

#[test]
fn tenant_locks_share_and_cluster_lock_excludes() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path();
    let (one, other) = (owner_of_task(1), owner_of_task(2));
    let tenant = held(state, &[claim("1", &[1002])], &one);
    let refused = busy(state, &[claim("1", &[1004, 1002])], &other);
    assert_eq!(refused, Busy { lock: "cluster-1.tenant-1002".into(), owner: Some(one.clone()) });
    // What was taken before the refusal is free again.
    let beside = held(state, &[claim("1", &[1004])], &other);
    let refused = busy(state, &[claim("1", &[])], &owner_of_task(3));
    assert_eq!(refused.lock, "cluster-1");
    assert!(refused.owner.is_some());
    drop((tenant, beside));
    let whole = held(state, &[claim("1", &[])], &one);
    let refused = busy(state, &[claim("1", &[1002])], &other);
    assert_eq!(refused, Busy { lock: "cluster-1".into(), owner: Some(one.clone()) });
    assert!(refused.fault().why.contains(&format!("The task {}, process {}", one.task, one.pid)));
    held(state, &[claim("2", &[1002])], &other);
    drop(whole);
    held(state, &[claim("1", &[1002])], &other);
}

#[test]
fn released_lock_is_free_despite_child_copies() {
    let folder = tempfile::tempdir().unwrap();
    let (first, other) = (owner_of_task(1), owner_of_task(2));
    let tenant = held(folder.path(), &[claim("1", &[1002])], &first);
    let copies: Vec<_> = tenant.files.iter().map(|file| file.try_clone().unwrap()).collect();
    let turn = turn(folder.path(), "1").unwrap().unwrap();
    let turn_copy = turn.lock.try_clone().unwrap();
    busy(folder.path(), &[claim("1", &[1002])], &other);
    assert!(super::turn(folder.path(), "1").unwrap().is_none());
    drop((tenant, turn));
    drop(held(folder.path(), &[claim("1", &[1002])], &other));
    assert!(super::turn(folder.path(), "1").unwrap().is_some());
    drop((copies, turn_copy));
}

#[test]
fn locks_are_taken_all_or_none() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path();
    let one = held(state, &[claim("b", &[])], &owner_of_task(1));
    busy(state, &[claim("a", &[]), claim("b", &[1])], &owner_of_task(2));
    assert_eq!(owner(state, "a", None), None);
    drop(one);
    // Duplicate claims, and a cluster together with its own tenant, do not conflict.
    held(state, &[claim("b", &[2, 1, 1]), claim("a", &[1]), claim("b", &[1]), claim("a", &[])], &owner_of_task(2));
}

#[test]
fn find_owner_tries_no_lock() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path();
    let one = owner_of_task(1);
    let tenant = held(state, &[claim("1", &[1002])], &one);
    assert_eq!(owner(state, "1", Some(1002)), Some(one.clone()));
    assert_eq!(owner(state, "1", None), Some(one.clone()));
    assert_eq!(owner(state, "1", Some(1004)), None);
    assert_eq!(owner(state, "11", None), None);
    drop(tenant);
    assert_eq!(owner(state, "1", None), None);
    let whole = held(state, &[claim("1", &[])], &one);
    assert_eq!(owner(state, "1", Some(1004)), Some(one));
    // Asking left no lock file of that tenant behind, so it opened none.
    assert!(!state.join("locks/cluster-1.tenant-1004").exists());
    drop(whole);
}

#[test]
fn reused_process_id_is_not_the_owner() {
    let mut owner = owner_of_task(1);
    assert!(owner.alive());
    owner.started.push('0');
    assert!(!owner.alive());
    let mut child = Command::new("true").spawn().unwrap();
    let owner = Owner { pid: child.id(), started: started(child.id()).unwrap_or_default(), ..owner };
    child.wait().unwrap();
    assert!(!owner.alive());
}

#[test]
fn stale_owner_file_is_removed() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path();
    let dead = Owner { started: "another boot+1".into(), ..owner_of_task(1) };
    std::mem::forget(held(state, &[claim("9", &[])], &dead));
    std::fs::copy(state.join("locks/cluster-9.owner"), state.join("locks/cluster-1.owner")).unwrap();
    std::fs::copy(state.join("locks/cluster-9.owner"), state.join("locks/cluster-2.tenant-5.owner")).unwrap();
    let tenant = held(state, &[claim("1", &[1])], &owner_of_task(2));
    assert!(!state.join("locks/cluster-1.owner").exists());
    let whole = held(state, &[claim("2", &[])], &owner_of_task(2));
    assert!(!state.join("locks/cluster-2.tenant-5.owner").exists());
    drop((tenant, whole));
}

#[test]
fn unusable_cluster_name_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    for id in ["", "../1", "a/b", "1.tenant-2", "é"] {
        take(folder.path(), &[claim(id, &[])], &owner_of_task(1)).unwrap_err();
    }
}

fn claim_with_creation(name: &str, second: i64, tenants: &[u64]) -> Claim {
    let at = Timestamp::from_microsecond(second * 1_000_000 + 1).unwrap();
    Claim::known(name.into(), Some(Created { tenant: 1, at }), tenants.to_vec())
}

#[test]
fn same_id_different_creation_is_no_conflict() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path();
    let one = held(state, &[claim_with_creation("1", 100, &[1002])], &owner_of_task(1));
    let other = held(state, &[claim_with_creation("1", 200, &[1002])], &owner_of_task(2));
    busy(state, &[claim_with_creation("1", 100, &[1002])], &owner_of_task(3));
    drop(one);
    let whole = held(state, &[claim_with_creation("1", 100, &[])], &owner_of_task(1));
    busy(state, &[claim_with_creation("1", 200, &[])], &owner_of_task(3));
    assert_eq!(owner(state, &claim_with_creation("1", 100, &[]).cluster, None), Some(owner_of_task(1)));
    drop((whole, other));
}

/// An older release, and a login that does not see the creation time, identify a cluster by its id alone.
#[test]
fn id_only_claims_conflict_with_known_creation() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path();
    for (theirs, mine, free) in [
        (vec![1002], vec![1002], false),
        (vec![1002], vec![1004], true),
        (vec![1002], vec![], false),
        (vec![], vec![1002], false),
        (vec![], vec![], false),
    ] {
        for known_first in [false, true] {
            let (first, second) = (claim("1", &theirs), claim_with_creation("1", 100, &mine));
            let (first, second) = if known_first { (second, first) } else { (first, second) };
            let holds = held(state, &[first], &owner_of_task(1));
            if free {
                held(state, &[second], &owner_of_task(2));
            } else {
                let refused = busy(state, &[second], &owner_of_task(2));
                assert_eq!(refused.owner, Some(owner_of_task(1)), "{theirs:?} {mine:?} {known_first}");
            }
            drop(holds);
        }
    }
    held(state, &[claim_with_creation("2", 100, &[])], &owner_of_task(1));
}
