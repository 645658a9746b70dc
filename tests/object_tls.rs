//! Tests the storage check over TLS: a valid certificate, and each kind of invalid one.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail loudly")]
#![allow(clippy::disallowed_methods, reason = "a test looks at its environment")]

mod buckets;
#[path = "engine/script.rs"]
mod script;

use std::path::Path;

use buckets::authority::authority;
use buckets::scripted_storage::ScriptedStorage;
use obnow::app::storage_check::{ProbeProgram, TestSpec, run_test};
use obnow::domain::destination::Destination;
use obnow::domain::secret::Secret;
use obnow::domain::storage_check::{StorageCheck, TestReport, TestResult};

const OBNOW: &str = env!("CARGO_BIN_EXE_obnow");

/// obnow, which trusts this authority, by a clock that is moved.
fn trusting(folder: &Path, authority: &str, clock: &str) -> ProbeProgram {
    let program = folder.join("program");
    let moved = if clock.is_empty() { String::new() } else { format!("/usr/bin/faketime -f {clock} ") };
    script::script(&program, &format!("SSL_CERT_FILE={authority} exec {moved}{OBNOW} \"$@\""));
    ProbeProgram { program }
}

async fn test(tester: &ProbeProgram, port: u16) -> TestReport {
    let uri = format!("s3://backups/p?host=https://127.0.0.1:{port}&access_id=A&addressing_model=path_style");
    let what =
        TestSpec::for_uri(Destination::parse_user(&uri).unwrap()).with_access_key(Some(Secret::new("k-e-y-s".into())));
    run_test(tester, what, None).await
}

#[track_caller]
fn fault(report: &TestReport) -> String {
    let tested = report.check(StorageCheck::Tls).unwrap();
    assert_eq!((tested.result, report.count(TestResult::Fail)), (TestResult::Fail, 1), "{report:#?}");
    tested.fault.as_ref().unwrap().to_string()
}

#[tokio::test]
async fn a_certificate_in_order_lets_the_probe_through() {
    let folder = tempfile::tempdir().unwrap();
    let Some(tls) = authority(folder.path(), "IP:127.0.0.1") else { return };
    let scripted_storage = ScriptedStorage::bucket_with_tls(Some(tls), |_| None);
    let trusted = folder.path().join("ca.pem").display().to_string();
    let report = test(&trusting(folder.path(), &trusted, ""), scripted_storage.port).await;
    assert!(report.passed(), "{report:#?}");
    assert_eq!(report.check(StorageCheck::Tls).unwrap().found, "encrypted, the certificate is in order");
    assert_eq!(report.check(StorageCheck::Delete).unwrap().result, TestResult::Pass);
    let sent = scripted_storage.seen.lock().unwrap();
    assert!(
        sent.first().is_some_and(|request| request.header("authorization").is_empty()),
        "the way is tried unsigned"
    );
}

#[tokio::test]
async fn each_certificate_that_is_not_in_order_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let Some(tls) = authority(folder.path(), "DNS:s3.example.com") else { return };
    let scripted_storage = ScriptedStorage::bucket_with_tls(Some(tls), |_| None);
    let trusted = folder.path().join("ca.pem").display().to_string();
    let who = format!("No encrypted connection to 127.0.0.1:{} came about. ", scripted_storage.port);
    let stranger = test(&trusting(folder.path(), "/dev/null", ""), scripted_storage.port).await;
    assert_eq!(
        fault(&stranger),
        format!(
            "{who}Nobody this host trusts has signed its certificate. Add its CA to the certificate authorities of this host, or \
             name it in SSL_CERT_FILE; the servers need it too."
        )
    );
    let other = test(&trusting(folder.path(), &trusted, ""), scripted_storage.port).await;
    assert!(fault(&other).starts_with(&format!("{who}Its certificate does not name this host. ")), "{other:#?}");
    if Path::new("/usr/bin/faketime").exists() || buckets::not_installed::<()>("faketime is not installed").is_some() {
        let late = test(&trusting(folder.path(), &trusted, "+90d"), scripted_storage.port).await;
        assert_eq!(fault(&late), format!("{who}Its certificate has expired. Renew the certificate of the storage."));
        let early = test(&trusting(folder.path(), &trusted, "-90d"), scripted_storage.port).await;
        assert!(fault(&early).ends_with("Compare the clocks of this host and of the storage."), "{early:#?}");
    }
    assert!(scripted_storage.seen.lock().unwrap().is_empty(), "nothing was sent to whom nobody trusts");
}
