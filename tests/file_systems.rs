//! Tests the storage check on prepared file systems: full, read-only, without permission, hanging. Each is mounted in a
//! namespace of the probe's own, so that nothing is left of it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test may fail loudly"
)]
#![allow(clippy::disallowed_methods, reason = "a test looks at its environment")]

#[path = "engine/script.rs"]
mod script;

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use obnow::app::storage_check::{ProbeProgram, TestSpec, run_test};
use obnow::domain::destination::Destination;
use obnow::domain::storage_check::{StorageCheck, TestReport, TestResult};

const OBNOW: &str = env!("CARGO_BIN_EXE_obnow");

fn of(directory: &Path) -> TestSpec {
    let uri = TestSpec::for_uri(Destination::parse_user(&format!("file://{}", directory.display())).unwrap());
    // What is mounted for a test is the directory itself.
    TestSpec { may_probe_inside: true, ..uri }
}

#[track_caller]
fn fault(report: &TestReport, check: StorageCheck) -> String {
    let tested = report.check(check).unwrap_or_else(|| panic!("no {check:?}: {report:#?}"));
    assert_eq!(tested.result, TestResult::Fail, "{report:#?}");
    tested.fault.as_ref().unwrap().to_string()
}

/// Returns whether this host allows the test; prints a skip message if not, which is a failure on CI.
fn possible(what: &str, command: &str) -> bool {
    let done = Command::new("sh").args(["-c", command]).stdin(Stdio::null()).output().unwrap();
    if !done.status.success() {
        assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "{what} is not possible here, and CI=true");
        eprintln!("SKIPPED, {what} is not possible here: {}", String::from_utf8_lossy(&done.stderr));
    }
    done.status.success()
}

/// The probe after this shell command, in a mount namespace of its own.
fn after(place: &Path, command: &str) -> ProbeProgram {
    wrapped(place, &format!("exec unshare -rm sh -c '{command} && exec {OBNOW} \"$@\"' sh \"$@\""))
}

fn wrapped(place: &Path, text: &str) -> ProbeProgram {
    let program = place.join("wrapped");
    script::script(&program, text);
    ProbeProgram { program }
}

const NAMESPACE: &str = "d=$(mktemp -d) && unshare -rm mount -t tmpfs none $d";

#[tokio::test]
async fn a_full_file_system_is_said_with_what_is_free() {
    if !possible("a mount", NAMESPACE) {
        return;
    }
    let place = tempfile::tempdir().unwrap();
    let directory = place.path().join("backup");
    std::fs::create_dir(&directory).unwrap();
    let shown = directory.display();
    let mount = format!("mount -t tmpfs -o size=768k none {shown}");
    let report = run_test(&after(place.path(), &mount), of(&directory), None).await;
    assert_eq!(
        fault(&report, StorageCheck::FreeSpace),
        format!(
            "{shown} is full. The file system has no room for a probe of 1 MiB. Look at: df -h {shown}. Make room, or choose \
             another directory."
        )
    );
    assert!(fault(&report, StorageCheck::Write).starts_with(&format!("{shown} is full. ")), "it really is");
    assert_eq!(report.check(StorageCheck::Delete).unwrap().result, TestResult::Pass, "half a probe is deleted too");
    assert_eq!(report.left_behind, None);
    let none = format!("mount -t tmpfs -o size=8m,nr_inodes=1 none {shown}");
    let report = run_test(&after(place.path(), &none), of(&directory), None).await;
    assert!(fault(&report, StorageCheck::FreeSpace).contains("has no inode left"), "{report:#?}");
}

#[tokio::test]
async fn a_read_only_file_system_is_named() {
    if !possible("a mount", NAMESPACE) {
        return;
    }
    let place = tempfile::tempdir().unwrap();
    let directory = place.path().join("backup");
    std::fs::create_dir(&directory).unwrap();
    let shown = directory.display();
    let report =
        run_test(&after(place.path(), &format!("mount -t tmpfs -o ro none {shown}")), of(&directory), None).await;
    assert_eq!(
        fault(&report, StorageCheck::Write),
        format!(
            "{shown} cannot be written to. It is on a read-only file system. Look at its mount: findmnt -T {shown}. Mount it \
             read-write, or choose another directory."
        )
    );
    assert_eq!(
        report.check(StorageCheck::Mount).unwrap().found,
        format!("tmpfs of none on {shown}, of this host alone")
    );
}

#[tokio::test]
async fn unmounted_directory_is_reported_not_failed() {
    // The root file system of a namespace is this host's own, wherever its directories lie.
    let Some(folder) = on_the_root_file_system() else { return };
    let report = run_test(&ProbeProgram { program: OBNOW.into() }, of(folder.path()), None).await;
    assert!(report.passed(), "{report:#?}");
    assert_eq!(
        report.check(StorageCheck::Mount).unwrap().found,
        format!(
            "whether the servers see the same directory: {} lies on this host's root file system and not on a mount",
            folder.path().display()
        )
    );
}

fn on_the_root_file_system() -> Option<tempfile::TempDir> {
    let root = std::fs::metadata("/").unwrap().dev();
    let places = ["/var/tmp", "/tmp", "/root", "/opt"];
    let found = places.into_iter().filter(|place| std::fs::metadata(place).is_ok_and(|data| data.dev() == root));
    let made = found.into_iter().find_map(|place| tempfile::tempdir_in(place).ok());
    if made.is_none() {
        possible("a directory on the root file system", "false");
    }
    made
}

#[tokio::test]
async fn who_may_not_write_is_told_who_he_is() {
    let place = tempfile::tempdir().unwrap();
    std::fs::set_permissions(place.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let (closed, hidden) = (place.path().join("closed"), place.path().join("hidden"));
    for (directory, mode) in [(&closed, 0o555), (&hidden, 0o600)] {
        std::fs::create_dir(directory).unwrap();
        std::fs::set_permissions(directory, std::fs::Permissions::from_mode(mode)).unwrap();
    }
    let is_root = std::fs::metadata("/proc/self").unwrap().uid() == 0;
    // root may write everywhere; nobody may not.
    let program = if is_root {
        if !possible("another user", "setpriv --reuid 65534 --regid 65534 --clear-groups true") {
            return;
        }
        // The program may lie where only root may look: it is handed over open.
        format!("exec setpriv --reuid 65534 --regid 65534 --clear-groups /proc/self/fd/9 \"$@\" 9<{OBNOW}")
    } else {
        format!("exec {OBNOW} \"$@\"")
    };
    let tester = wrapped(place.path(), &program);
    let report = run_test(&tester, of(&closed), None).await;
    let shown = closed.display();
    let said = fault(&report, StorageCheck::Write);
    assert!(said.starts_with(&format!("{shown} cannot be written to. The user of this process (uid ")), "{said}");
    assert!(said.ends_with(&format!("Look at: ls -ldn {shown}. The user of the observers needs the same permission.")));
    assert_eq!(report.left_behind, None);
    let report = run_test(&tester, of(&hidden.join("data")), None).await;
    assert!(fault(&report, StorageCheck::Directory).contains("cannot be entered. The user of this process (uid "));
}

#[tokio::test]
async fn a_probe_that_cannot_be_deleted_is_named() {
    let Some(folder) = on_the_root_file_system() else { return };
    let shown = folder.path().display().to_string();
    if !possible("a directory that keeps everything", &format!("chattr +a {shown}")) {
        return;
    }
    let report = run_test(&ProbeProgram { program: OBNOW.into() }, of(folder.path()), None).await;
    assert!(Command::new("chattr").args(["-a", &shown]).status().unwrap().success());
    let left = report.left_behind.clone().expect("it is named");
    assert!(Path::new(&left).exists(), "it is really there");
    let said = fault(&report, StorageCheck::Delete);
    assert!(said.starts_with(&format!("Left behind {left}; the server will refuse this directory (9080) until it is")));
    assert!(said.ends_with(&format!("Remove it: rm {left}, and give the user the right to delete.")), "{said}");
}

#[tokio::test]
async fn a_mount_that_does_not_answer_is_given_up() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/file_systems/stuck.py");
    let place = tempfile::tempdir().unwrap();
    let (directory, release) = (place.path().join("backup"), place.path().join("release"));
    std::fs::create_dir(&directory).unwrap();
    let run = format!("unshare -rm python3 {} {} {}", script.display(), directory.display(), release.display());
    if !possible("a file system of one's own", &format!("{run} true")) {
        return;
    }
    let tester = wrapped(place.path(), &format!("exec {run} {OBNOW} \"$@\""));
    let what = TestSpec { deadline: Duration::from_secs(5), ..of(&directory.join("data")) };
    let report = run_test(&tester, what, None).await;
    assert_eq!(
        fault(&report, StorageCheck::Directory),
        format!(
            "file://{0}/data did not answer within 5 s (directory). A mount whose server is gone hangs like this, and so does \
             everything that touches it. Look at the mount and its server: findmnt {0}/data, and dmesg.",
            directory.display()
        )
    );
    assert!(report.not_checked().contains(&"write 1 MiB: the Test broke off before"), "{report:#?}");
    // The file system ends with the place of this test, and with it whoever waits for it.
}
