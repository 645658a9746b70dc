//! The probe on real directories. `/dev/shm` is a mount on every Linux; `/` is the root file system on every host.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at what it did not expect")]

use std::cell::Cell;
use std::os::unix::fs::symlink;

use super::*;
use crate::domain::storage_check::{TestResult, TestedCheck, written_format};
use crate::domain::template::DirKind;

const EMPTY_OR_OURS: Expected = Expected::EmptyOrOurs { cluster_id: None, tenant_id: None, kind: None };

#[allow(clippy::disallowed_methods, reason = "a test has a clock of its own")]
fn now() -> Timestamp {
    Timestamp::now()
}

fn directory_on_mount() -> tempfile::TempDir {
    tempfile::Builder::new().prefix("obnow").tempdir_in("/dev/shm").unwrap()
}

/// Returns all events of a Test that is stopped when it checks for a stop after `limit` times.
fn events_until_stopped(directory: &Path, expected: &Expected, limit: usize) -> Vec<ProbeEvent> {
    let mut news = Vec::new();
    let asked = Cell::new(0);
    let stopped = || {
        asked.set(asked.get() + 1);
        asked.get() > limit
    };
    probe(
        directory,
        (expected, false),
        &mut ProbeContext { tell: &mut |told| news.push(told), now, stopped: &stopped },
    );
    news
}

fn checks(news: &[ProbeEvent]) -> Vec<TestedCheck> {
    news.iter()
        .filter_map(|news| if let ProbeEvent::CheckEnded(check) = news { Some(check.clone()) } else { None })
        .collect()
}

fn test(directory: &Path, expected: &Expected) -> Vec<TestedCheck> {
    checks(&events_until_stopped(directory, expected, usize::MAX))
}

#[track_caller]
fn of(checks: &[TestedCheck], wanted: StorageCheck) -> &TestedCheck {
    checks.iter().find(|check| check.check == wanted).unwrap_or_else(|| panic!("no {wanted:?} in {checks:?}"))
}

fn names(directory: &Path) -> Vec<String> {
    fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().to_str().unwrap().to_owned()).collect()
}

#[test]
fn empty_directory_passes_and_stays_empty() {
    let place = directory_on_mount();
    let news = events_until_stopped(place.path(), &EMPTY_OR_OURS, usize::MAX);
    let checks = checks(&news);
    assert!(checks.iter().all(|check| check.result == TestResult::Pass), "{checks:#?}");
    let found = |check| of(&checks, check).found.clone();
    assert_eq!(found(StorageCheck::Directory), "empty");
    assert_eq!(found(StorageCheck::Write), "written, and synced to the storage");
    assert_eq!(found(StorageCheck::ReadBack), "the same bytes");
    assert_eq!(found(StorageCheck::List), "the probe is listed");
    assert_eq!(found(StorageCheck::Delete), "nothing is left behind");
    assert_eq!(found(StorageCheck::Clock), "0.0 s apart");
    assert!(found(StorageCheck::FreeSpace).ends_with(" free"), "{checks:?}");
    let mount = found(StorageCheck::Mount);
    assert!(mount.starts_with("tmpfs of ") && mount.ends_with(" on /dev/shm, of this host alone"), "{mount}");
    assert_eq!(names(place.path()), [""; 0]);
    let left = news
        .iter()
        .position(|news| matches!(news, ProbeEvent::ProbeWritten(probe) if probe.starts_with("/dev/shm/.obnow-test-")));
    let gone = news.iter().position(|news| *news == ProbeEvent::ProbeRemoved);
    assert!(left.is_some() && left < gone, "{news:?}");
}

/// The parent of a mount point is on another file system.
#[test]
fn mount_root_is_written_only_when_allowed() {
    let told = events_until_stopped(Path::new("/dev/shm"), &Expected::Anything, usize::MAX);
    assert!(!told.iter().any(|news| matches!(news, ProbeEvent::ProbeWritten(_))), "{told:?}");
    let checks = checks(&told);
    let write = of(&checks, StorageCheck::Write);
    assert!(write.asks_inside && write.result == TestResult::NotChecked, "{write:?}");
    assert!(write.found.contains("/dev, which is beside /dev/shm, is another file system"), "{write:?}");
    let place = directory_on_mount();
    let mut news = Vec::new();
    let mut bench = ProbeContext { tell: &mut |told| news.push(told), now, stopped: &|| false };
    probe(place.path(), (&EMPTY_OR_OURS, true), &mut bench);
    let inside = format!("{}/.obnow-test-", place.path().display());
    assert!(
        news.iter().any(|news| matches!(news, ProbeEvent::ProbeWritten(probe) if probe.starts_with(&inside))),
        "{news:?}"
    );
}

#[test]
fn missing_directory_is_tested_by_its_parent() {
    let place = directory_on_mount();
    let checks = test(&place.path().join("1001/1004/data"), &EMPTY_OR_OURS);
    assert!(checks.iter().all(|check| check.result == TestResult::Pass), "{checks:#?}");
    let found = &of(&checks, StorageCheck::Directory).found;
    assert_eq!(*found, format!("not there yet: the server makes it. Tested {} above it", place.path().display()));
    assert_eq!(names(place.path()), [""; 0]);
}

#[test]
fn foreign_destination_above_is_not_written() {
    let other = directory_on_mount();
    fs::write(other.path().join(FORMAT_FILE), "").unwrap();
    let below = other.path().join("a/data");
    fs::create_dir_all(&below).unwrap();
    let shown = other.path().display();
    for (directory, found, asks_inside) in [
        (
            below.join("missing"),
            format!("whether anything can be written: {shown} above it is a destination itself"),
            false,
        ),
        (below.clone(), format!("what is beside {} belongs to another destination, {shown}", below.display()), true),
    ] {
        let news = events_until_stopped(&directory, &Expected::Anything, usize::MAX);
        assert!(!news.iter().any(|news| matches!(news, ProbeEvent::ProbeWritten(_))), "{news:?}");
        let checks = checks(&news);
        let write = of(&checks, StorageCheck::Write);
        assert!(write.found.contains(&found) && write.asks_inside == asks_inside, "{write:?}");
        assert_eq!(write.result, TestResult::NotChecked);
    }
}

#[test]
fn own_host_directory_may_be_on_root_disk() {
    let place = tempfile::tempdir_in("/var/tmp").unwrap();
    let checks = test(&place.path().join("dumps"), &Expected::OwnHost);
    assert!(checks.iter().all(|check| check.result == TestResult::Pass), "{checks:#?}");
    let found = &of(&checks, StorageCheck::Directory).found;
    assert_eq!(*found, format!("not there yet: obnow makes it. Tested {} above it", place.path().display()));
    fs::write(place.path().join("other"), "").unwrap();
    let found = of(&test(place.path(), &Expected::OwnHost), StorageCheck::Directory).found.clone();
    assert_eq!(found, "there; each backup makes a directory of its own in it");
}

#[test]
fn missing_directory_on_root_is_not_checked() {
    let checks = test(Path::new("/obnow-no-such-directory/data"), &EMPTY_OR_OURS);
    assert!(checks.iter().all(|check| check.result == TestResult::NotChecked), "{checks:#?}");
    assert_eq!(
        of(&checks, StorageCheck::Write).found,
        "whether anything can be written: /obnow-no-such-directory/data is not there, and /, the nearest directory above it, \
         lies on this host's root file system"
    );
    assert!(!Path::new("/obnow-no-such-directory").exists());
}

#[test]
fn foreign_directory_is_refused_unwritten() {
    let place = directory_on_mount();
    for name in ["b", "a\u{1b}[31m", "c", "d"] {
        fs::write(place.path().join(name), "").unwrap();
    }
    let checks = test(place.path(), &EMPTY_OR_OURS);
    let fault = of(&checks, StorageCheck::Directory).fault.clone().unwrap();
    let shown = place.path().display();
    assert_eq!(fault.what, format!("{shown} is not empty and not OceanBase's: it holds a, b, c and more."));
    assert_eq!(fault.code, Some(9080));
    let unwritten = of(&checks, StorageCheck::Write);
    assert_eq!((unwritten.result, unwritten.found.as_str()), (TestResult::NotChecked, FOREIGN_DIRECTORY));
    assert_eq!(
        of(&checks, StorageCheck::FreeSpace).result,
        TestResult::Pass,
        "what writes nothing is tested all the same"
    );
    let told = events_until_stopped(place.path(), &EMPTY_OR_OURS, usize::MAX);
    assert!(!told.iter().any(|news| matches!(news, ProbeEvent::ProbeWritten(_))), "nothing is ever written: {told:?}");
    let empty = test(place.path(), &Expected::Empty);
    assert_eq!(of(&empty, StorageCheck::Directory).found, format!("{shown} is not empty: it holds a, b, c and more."));
    let anything = test(place.path(), &Expected::Anything);
    assert_eq!(of(&anything, StorageCheck::Directory).result, TestResult::Pass);
    fs::write(place.path().join(FORMAT_FILE), "").unwrap();
    assert_eq!(of(&test(place.path(), &EMPTY_OR_OURS), StorageCheck::Directory).result, TestResult::NotChecked);
    let expected = Expected::EmptyOrOurs { cluster_id: Some(7), tenant_id: Some(1004), kind: Some(DirKind::Clog) };
    let format = |kind| written_format(&format!("file://{shown}"), 7, 1004, kind);
    fs::write(place.path().join(FORMAT_FILE), format(1)).unwrap();
    assert_eq!(of(&test(place.path(), &expected), StorageCheck::Directory).found, "ours, format file matches");
    fs::write(place.path().join(FORMAT_FILE), format(0)).unwrap();
    let fault = of(&test(place.path(), &expected), StorageCheck::Directory).fault.clone().unwrap();
    assert_eq!((fault.code, fault.what), (Some(9081), format!("{shown} is the directory of prod/pay (data).")));
}

#[test]
fn non_directory_is_a_fault() {
    let place = directory_on_mount();
    let (file, link) = (place.path().join("file"), place.path().join("link"));
    fs::write(&file, "").unwrap();
    symlink("/nowhere/at/all", &link).unwrap();
    for (path, what, why) in [
        (&file, format!("{} is not a directory.", file.display()), "Something else has its name."),
        (
            &file.join("below"),
            format!("{} is not a directory.", file.join("below").display()),
            "Something else has its name.",
        ),
        (&link, format!("{} cannot be entered.", link.display()), "It is a link that leads nowhere."),
    ] {
        let checks = test(path, &EMPTY_OR_OURS);
        let fault = of(&checks, StorageCheck::Directory).fault.clone().unwrap();
        assert_eq!((fault.what, fault.why.as_str()), (what, why));
        assert_eq!(of(&checks, StorageCheck::Write).result, TestResult::NotChecked);
    }
    assert_eq!(names(place.path()).len(), 2);
}

#[test]
fn stop_at_any_time_leaves_nothing_behind() {
    let whole = events_until_stopped(directory_on_mount().path(), &Expected::Anything, usize::MAX);
    assert!(whole.contains(&ProbeEvent::ProbeRemoved));
    let mut cut_short = 0;
    for limit in 0..24 {
        let place = directory_on_mount();
        let news = events_until_stopped(place.path(), &EMPTY_OR_OURS, limit);
        assert_eq!(names(place.path()), [""; 0], "stopped at {limit}");
        let count = |wanted: fn(&&ProbeEvent) -> bool| news.iter().filter(wanted).count();
        let (left, gone) = (
            count(|news| matches!(news, ProbeEvent::ProbeWritten(_))),
            count(|news| **news == ProbeEvent::ProbeRemoved),
        );
        assert_eq!(left, gone, "stopped at {limit}: {news:?}");
        cut_short += usize::from(left == 1 && !checks(&news).iter().any(|check| check.check == StorageCheck::Write));
    }
    assert!(cut_short > 10, "a write was stopped halfway {cut_short} times");
}
