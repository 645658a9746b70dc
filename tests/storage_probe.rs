//! Tests the storage check from the view of a front end: the probe process, its progress, its deadline, and its cleanup.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail loudly")]

#[path = "engine/script.rs"]
mod script;

use std::path::{Path, PathBuf};
use std::time::Duration;

use obnow::app::storage_check::{ProbeProgram, TestSpec, run_test};
use obnow::domain::destination::{Destination, StorageKind};
use obnow::domain::storage_check::{StorageCheck, TestReport, TestResult, TestUpdate};
use tokio::sync::mpsc;

fn obnow() -> ProbeProgram {
    ProbeProgram { program: PathBuf::from(env!("CARGO_BIN_EXE_obnow")) }
}

fn on_a_mount() -> tempfile::TempDir {
    tempfile::Builder::new().prefix("obnow").tempdir_in("/dev/shm").unwrap()
}

fn of(directory: &Path) -> TestSpec {
    TestSpec::for_uri(Destination::parse_user(&format!("file://{}", directory.display())).unwrap())
}

/// Returns a fake probe that reads its request, prints the given lines, and then runs the given command.
fn double(folder: &Path, says: &str, then: &str) -> ProbeProgram {
    let program = folder.join("double");
    script::script(&program, &format!("read -r order\nprintf '%s\\n' {says}\n{then}"));
    ProbeProgram { program }
}

#[track_caller]
fn fault_of(report: &TestReport, check: StorageCheck) -> String {
    let tested = report.check(check).unwrap_or_else(|| panic!("no {check:?}: {report:#?}"));
    assert_eq!(tested.result, TestResult::Fail, "{report:#?}");
    tested.fault.as_ref().unwrap().to_string()
}

#[tokio::test]
async fn probe_process_reports_each_check_as_it_ends() {
    let place = on_a_mount();
    let (sender, mut news) = mpsc::unbounded_channel();
    let report = run_test(&obnow(), of(place.path()), Some(&sender)).await;
    assert!(report.passed(), "{report:#?}");
    assert_eq!(report.count(TestResult::Pass), 8, "{report:#?}");
    assert_eq!(
        report.not_checked(),
        ["whether another tenant uses the directory: no cluster was named", "that every server reaches it"]
    );
    assert!(report.checks.is_sorted_by_key(|check| check.check));
    assert_eq!(report.left_behind, None);
    assert_eq!(report.uri, format!("file://{}", place.path().display()));
    assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 0);
    drop(sender);
    let mut told = Vec::new();
    while let Some(news) = news.recv().await {
        told.push(news);
    }
    let at = |wanted: &TestUpdate| told.iter().position(|news| news == wanted);
    for check in &report.checks {
        let ended = at(&TestUpdate::Ended(check.clone()));
        assert!(ended.is_some(), "{check:?} was not told: {told:?}");
        if check.ms.is_some() {
            assert!(at(&TestUpdate::Begins(check.check)) < ended, "{check:?}: {told:?}");
        }
    }
}

#[tokio::test]
async fn hanging_probe_is_given_up_at_the_deadline() {
    let place = tempfile::tempdir().unwrap();
    let says = r#"'{"begins":"write"}' '{"leaves":"/backup/obnow-test-1.tmp"}'"#;
    let tester = double(place.path(), says, "exec sleep 60");
    let test = TestSpec { deadline: Duration::from_millis(300), ..of(Path::new("/backup")) };
    let report = run_test(&tester, test, None).await;
    assert_eq!(
        fault_of(&report, StorageCheck::Write),
        "file:///backup did not answer within 0.3 s (write 1 MiB). A mount whose server is gone hangs like this, and so does \
         everything that touches it. Look at the mount and its server: findmnt /backup, and dmesg."
    );
    assert_eq!(report.left_behind.as_deref(), Some("/backup/obnow-test-1.tmp"));
    assert!(report.not_checked().contains(&"read back: the Test broke off before"), "{report:#?}");
    assert_eq!(report.checks.len(), StorageCheck::of(StorageKind::File).count());
}

#[tokio::test]
async fn what_is_only_slow_deletes_its_probe_when_it_is_given_up() {
    let place = tempfile::tempdir().unwrap();
    let says = r#"'{"begins":"write"}' '{"leaves":"/backup/obnow-test-1.tmp"}'"#;
    // Its input ends when nobody wants the result any more.
    let tester = double(place.path(), says, r#"cat; echo '"gone"'"#);
    let test = TestSpec { deadline: Duration::from_millis(300), ..of(Path::new("/backup")) };
    let report = run_test(&tester, test, None).await;
    assert!(fault_of(&report, StorageCheck::Write).contains("did not answer within 0.3 s"));
    assert_eq!(report.left_behind, None);
}

#[tokio::test]
async fn a_process_that_breaks_off_is_no_pass() {
    let place = tempfile::tempdir().unwrap();
    for (says, check, why) in [
        (r#"'{"begins":"list"}'"#, StorageCheck::List, "ended in the middle of it"),
        ("nonsense", StorageCheck::Directory, "cannot be heard"),
        (
            r#"'{"ended":{"check":"write","result":"pass","ms":1,"found":"","fault":null}}'"#,
            StorageCheck::Directory,
            "ended in the middle",
        ),
    ] {
        let report = run_test(&double(place.path(), says, ""), of(Path::new("/backup")), None).await;
        let fault = fault_of(&report, check);
        assert!(fault.starts_with("The storage was not tested. ") && fault.contains(why), "{fault}");
    }
    let nobody = ProbeProgram { program: "/no/such/program".into() };
    let report = run_test(&nobody, of(Path::new("/backup")), None).await;
    assert!(fault_of(&report, StorageCheck::Directory).contains("No such file or directory"));
}

#[tokio::test]
async fn who_gives_up_leaves_nothing_behind() {
    let place = tempfile::tempdir().unwrap();
    let end = place.path().join("ended");
    let tester = double(place.path(), r#"'{"begins":"write"}'"#, &format!("cat; touch {}", end.display()));
    let (sender, mut news) = mpsc::unbounded_channel();
    {
        let test = std::pin::pin!(run_test(&tester, of(Path::new("/backup")), Some(&sender)));
        let begun = async { while !matches!(news.recv().await, Some(TestUpdate::Begins(_))) {} };
        tokio::select! {
            report = test => panic!("it ended by itself: {report:?}"),
            () = begun => {}
        }
    }
    // Nobody killed the process: it heard that its input has ended, and went on to its own end.
    let limit = tokio::time::Instant::now() + Duration::from_secs(10);
    while !end.exists() {
        assert!(tokio::time::Instant::now() < limit, "the process did not hear that it was given up");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
