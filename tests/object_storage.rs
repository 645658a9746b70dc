//! Tests the storage check of object storages: on real servers, and on a scripted one for failures that no real one produces.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail loudly")]
#![allow(clippy::disallowed_methods, reason = "a test has a clock of its own")]

mod buckets;
#[path = "engine/script.rs"]
mod script;

use std::path::{Path, PathBuf};
use std::time::Duration;

use buckets::moto::{Moto, User};
use buckets::scripted_storage::{ScriptedStorage, error, xml};
use buckets::{azurite, s3s_fs};
use obnow::app::storage_check::{ProbeProgram, TestSpec, run_test};
use obnow::domain::destination::{Destination, StorageKind};
use obnow::domain::secret::Secret;
use obnow::domain::storage_check::{StorageCheck, TestReport, TestResult};
use tokio::sync::mpsc;

use StorageCheck as C;

fn obnow() -> ProbeProgram {
    ProbeProgram { program: PathBuf::from(env!("CARGO_BIN_EXE_obnow")) }
}

fn of(uri: &str, id: &str, key: &str) -> TestSpec {
    let destination = Destination::parse_user(uri).unwrap().with_attribute("access_id", id).unwrap();
    TestSpec {
        may_probe_inside: true,
        ..TestSpec::for_uri(destination).with_access_key(Some(Secret::new(key.to_owned())))
    }
}

async fn test(uri: &str, id: &str, key: &str) -> TestReport {
    let report = run_test(&obnow(), of(uri, id, key), None).await;
    let said = format!("{report:?}");
    assert!(!said.contains(key), "a key in {said}");
    assert!(!said.contains("RAW") && !said.contains("<?xml") && !said.contains("reqwest"), "raw text in {said}");
    assert_eq!(report.checks.len(), C::of(StorageKind::S3).count(), "{report:#?}");
    report
}

fn found(report: &TestReport, check: StorageCheck) -> &str {
    &report.check(check).unwrap_or_else(|| panic!("no {check:?}: {report:#?}")).found
}

#[track_caller]
fn fault(report: &TestReport, check: StorageCheck) -> String {
    let tested = report.check(check).unwrap_or_else(|| panic!("no {check:?}: {report:#?}"));
    assert_eq!(tested.result, TestResult::Fail, "{report:#?}");
    assert_eq!(report.count(TestResult::Fail), 1, "one cause fails one check: {report:#?}");
    tested.fault.as_ref().unwrap().to_string()
}

/// Everything but what needs a cluster or its servers.
#[track_caller]
fn passes(report: &TestReport) {
    assert_eq!((report.count(TestResult::Fail), report.count(TestResult::Pass)), (0, 10), "{report:#?}");
    assert_eq!(found(report, C::Write), "written");
    assert_eq!(found(report, C::ReadBack), "the same bytes");
    assert_eq!(found(report, C::List), "the probe is listed");
    assert_eq!(found(report, C::Delete), "nothing is left behind");
    assert_eq!(found(report, C::Directory), "empty");
    assert_eq!(found(report, C::Credentials), "the storage knows the access id, and the key is right");
    assert!(found(report, C::Clock).ends_with(" s apart"), "{report:#?}");
    assert_eq!(report.left_behind, None);
    for check in &report.checks {
        assert_eq!(check.ms.is_some(), check.result == TestResult::Pass, "{check:?}");
    }
}

const ALL: [&str; 4] = ["ListBucket", "GetObject", "PutObject", "DeleteObject"];

async fn user_without(moto: &Moto, action: &str) -> User {
    let actions: Vec<&str> = ALL.into_iter().filter(|own| *own != action).collect();
    let user = moto.user("tester", &actions).await;
    moto.check_everybody().await;
    user
}

#[tokio::test]
async fn aws_takes_a_probe_and_nothing_is_left() {
    let Some(moto) = Moto::start().await else { return };
    moto.object("elsewhere/one", b"1".to_vec()).await;
    let user = user_without(&moto, "").await;
    let report = test(&moto.uri("backups/backup/data"), &user.id, &user.key).await;
    passes(&report);
    assert!(found(&report, C::Tls).starts_with("none: "), "{report:#?}");
    assert!(!moto.versions().await.contains("obnow-test"));
}

#[tokio::test]
async fn a_bucket_that_keeps_versions_keeps_none_of_the_probe() {
    let Some(moto) = Moto::start().await else { return };
    moto.keep_versions().await;
    let actions = [&ALL[..], &["DeleteObjectVersion"]].concat();
    let user = moto.user("tester", &actions).await;
    moto.check_everybody().await;
    passes(&test(&moto.uri("backups/backup/data"), &user.id, &user.key).await);
    assert!(!moto.versions().await.contains("obnow-test"));
}

#[tokio::test]
async fn a_wrong_id_and_a_wrong_key_are_two_faults() {
    let Some(moto) = Moto::start().await else { return };
    let user = user_without(&moto, "").await;
    let uri = moto.uri("backups/backup");
    let who = uri.split("http://").nth(1).unwrap().split('&').next().unwrap();
    assert_eq!(
        fault(&test(&uri, "AKIANOBODY", &user.key).await, C::Credentials),
        format!(
            "s3://backups/backup cannot be asked. {who} does not know the access id. Check --access-id, and that it belongs to \
             this storage."
        )
    );
    assert_eq!(
        fault(&test(&uri, &user.id, "not/the+key").await, C::Credentials),
        "s3://backups/backup cannot be asked. The access key is wrong: the signature made with it does not match. Check the source \
         of the access key: it must be the key of this access id."
    );
}

#[tokio::test]
async fn a_missing_bucket_is_named() {
    let Some(moto) = Moto::start().await else { return };
    let user = user_without(&moto, "").await;
    let report = test(&moto.uri("nobody/backup"), &user.id, &user.key).await;
    assert!(fault(&report, C::Directory).starts_with("There is no bucket nobody. "), "{report:#?}");
    assert_eq!(report.check(C::Write).unwrap().result, TestResult::NotChecked);
}

#[tokio::test]
async fn each_missing_right_is_named() {
    let next = "Add that right to the policy of the access id; the servers need it for every backup.";
    for (action, check, what, may) in [
        ("ListBucket", C::List, "listed", "list the bucket"),
        ("PutObject", C::Write, "written to", "put objects"),
        ("GetObject", C::ReadBack, "read", "get objects"),
    ] {
        let Some(moto) = Moto::start().await else { return };
        let user = user_without(&moto, action).await;
        let report = test(&moto.uri("backups/backup"), &user.id, &user.key).await;
        let sentence =
            format!("s3://backups/backup cannot be {what}. The access id is known and may not {may}. {next}");
        assert_eq!(fault(&report, check), sentence);
        assert_eq!(report.left_behind, None, "{report:#?}");
        assert!(!moto.versions().await.contains("obnow-test"));
    }
}

#[tokio::test]
async fn a_probe_that_cannot_be_deleted_is_named() {
    let Some(moto) = Moto::start().await else { return };
    let user = user_without(&moto, "DeleteObject").await;
    let report = test(&moto.uri("backups/backup"), &user.id, &user.key).await;
    let left = report.left_behind.clone().expect("it is named");
    assert_eq!(
        fault(&report, C::Delete),
        format!(
            "Left behind {left}; the server will refuse this directory (9080) until it is removed. It could be written and \
             not deleted: The access id is known and may not delete objects. Remove {left}, and give the access id the right \
             to delete objects."
        )
    );
    let name = left.strip_prefix("s3://backups/").unwrap().to_owned();
    assert!(moto.versions().await.contains(&name), "it is really there");
}

#[tokio::test]
async fn a_folder_behind_s3_takes_a_probe_and_stays_empty() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("backups")).unwrap();
    let server = s3s_fs::serve(folder.path());
    let uri = format!("s3://backups/back up?host=http://127.0.0.1:{}&addressing_model=path_style", server.port)
        .replace(' ', "%");
    passes(&test(&uri, s3s_fs::ID, s3s_fs::KEY).await);
    let seen = server.seen.lock().unwrap().clone();
    let probe = seen.iter().find(|request| request.method == "PUT").unwrap();
    assert_eq!(probe.body.len(), 1 << 20);
    assert!(probe.target.starts_with("/backups/back%25up/.obnow-test-"), "{}", probe.target);
    let wrong = test(&uri, s3s_fs::ID, "not-the-key").await;
    assert!(fault(&wrong, C::Credentials).contains("The access key is wrong"));
}

/// The program with its clock moved.
fn at_another_time(folder: &Path, by: &str) -> Option<ProbeProgram> {
    if !Path::new("/usr/bin/faketime").exists() {
        return buckets::not_installed("faketime is not installed; tests/run installs it");
    }
    let program = folder.join("moved");
    script::script(&program, &format!("exec /usr/bin/faketime -f {by} {} \"$@\"", env!("CARGO_BIN_EXE_obnow")));
    Some(ProbeProgram { program })
}

#[tokio::test]
async fn a_clock_that_is_off_is_told_in_seconds() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("backups")).unwrap();
    let server = s3s_fs::serve(folder.path());
    let uri = format!("s3://backups/p?host=http://127.0.0.1:{}&addressing_model=path_style", server.port);
    let Some(late) = at_another_time(folder.path(), "+20m") else { return };
    let report = run_test(&late, of(&uri, s3s_fs::ID, s3s_fs::KEY), None).await;
    let said = fault(&report, C::Clock);
    assert!(said.starts_with(&format!("The clocks of this host and of 127.0.0.1:{} are 1", server.port)), "{said}");
    assert!(said.contains(" s apart. A storage refuses requests that are more than 900 s off. "), "{said}");
    let Some(early) = at_another_time(folder.path(), "-5m") else { return };
    let report = run_test(&early, of(&uri, s3s_fs::ID, s3s_fs::KEY), None).await;
    let apart: f64 = found(&report, C::Clock).trim_end_matches(" s apart").parse().unwrap();
    assert!((295.0..310.0).contains(&apart), "{report:#?}");
}

#[tokio::test]
async fn what_is_in_the_directory_is_judged_by_its_format_file() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join("backups/p/deep")).unwrap();
    std::fs::write(folder.path().join("backups/p/deep/file"), "x").unwrap();
    let server = s3s_fs::serve(folder.path());
    let uri = format!("s3://backups/p?host=http://127.0.0.1:{}&addressing_model=path_style", server.port);
    let report = test(&uri, s3s_fs::ID, s3s_fs::KEY).await;
    assert_eq!(
        fault(&report, C::Directory),
        "s3://backups/p is not empty and not OceanBase's: it holds deep. The server takes an empty directory or one with its own \
         format.obbak, and would answer 9080. Choose an empty directory for this tenant and this kind."
    );
    std::fs::write(folder.path().join("backups/p/format.obbak"), "no format").unwrap();
    let report = test(&uri, s3s_fs::ID, s3s_fs::KEY).await;
    assert_eq!(report.count(TestResult::Fail), 0, "{report:#?}");
    assert_eq!(found(&report, C::Directory), "whose directory it is: its format.obbak cannot be read");
}

#[tokio::test]
async fn azure_takes_a_probe_and_says_what_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let Some(server) = azurite::start(folder.path()) else { return };
    let uri =
        |container: &str| format!("azblob://{container}?host=http://127.0.0.1:{}/{}", server.port, azurite::ACCOUNT);
    let missing = test(&uri("backups/backup"), azurite::ACCOUNT, azurite::KEY).await;
    assert!(fault(&missing, C::Directory).starts_with("There is no bucket backups. "), "{missing:#?}");
    azurite::container(server.port, "backups").await;
    passes(&test(&uri("backups/backup/data"), azurite::ACCOUNT, azurite::KEY).await);
    passes(&test(&uri("backups"), azurite::ACCOUNT, azurite::KEY).await);
    let sentence = "The access id, which is the name of the account, or the access key is wrong.";
    let wrong = test(&uri("backups/backup"), azurite::ACCOUNT, "bm90IHRoZSBrZXk=").await;
    assert!(fault(&wrong, C::Credentials).contains(sentence), "{wrong:#?}");
    let no_base64 = test(&uri("backups/backup"), azurite::ACCOUNT, "not-base64").await;
    assert!(fault(&no_base64, C::Credentials).contains("an Azure key is base64"));
}

fn scripted_uri(port: u16) -> String {
    format!("s3://backups/p?host=http://127.0.0.1:{port}&addressing_model=path_style&s3_region=r1")
}

#[tokio::test]
async fn a_bucket_elsewhere_says_where() {
    for (status, body, region, wanted) in [
        (301, "<Error><Code>PermanentRedirect</Code></Error>", Some("eu-west-1"), "s3_region=eu-west-1"),
        (400, "<Error><Code>AuthorizationHeaderMalformed</Code><Region>r2</Region></Error>", None, "s3_region=r2"),
        (
            403,
            "<Error><Code>AccessDenied</Code><Endpoint>oss-x.example.com</Endpoint></Error>",
            None,
            "host=oss-x.example.com",
        ),
        (400, "<Error><Code>IllegalLocationConstraintException</Code></Error>", None, "s3_region=REGION"),
    ] {
        let scripted_storage = ScriptedStorage::new(move |_| {
            let headers = region.map(|region| ("x-amz-bucket-region", region.to_owned()));
            Some((status, headers.into_iter().collect(), body.as_bytes().to_vec()))
        });
        let said = fault(&test(&scripted_uri(scripted_storage.port), "A", "k-e-y").await, C::Directory);
        assert!(said.starts_with("The bucket backups is not in the region that was given. "), "{said}");
        assert!(said.contains(wanted), "{said}");
    }
}

#[tokio::test]
async fn what_is_no_object_storage_is_called_so() {
    let page = ScriptedStorage::new(|_| Some((200, Vec::new(), b"<html>RAW console</html>".to_vec())));
    let sentence = "is not an object storage. It speaks HTTP, and no object storage answers like this. Check host and port: a \
                    console or another web server may listen there.";
    assert!(fault(&test(&scripted_uri(page.port), "A", "k-e-y").await, C::Credentials).ends_with(sentence));
    let absent = ScriptedStorage::new(|_| Some((404, Vec::new(), b"RAW not found".to_vec())));
    assert!(fault(&test(&scripted_uri(absent.port), "A", "k-e-y").await, C::Credentials).ends_with(sentence));
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            use std::io::{Read, Write};
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(b"SSH-2.0-OpenSSH_9.2\r\n");
        }
    });
    let said = fault(&test(&scripted_uri(port), "A", "k-e-y").await, C::Credentials);
    assert!(said.contains("is not an object storage. Something else listens there: its answer is no HTTP."), "{said}");
    let said = fault(&test(&scripted_uri(port).replace("http:", "https:"), "A", "k-e-y").await, C::Tls);
    assert!(said.contains("It does not speak TLS there. Write http:// in front of the host"), "{said}");
}

#[tokio::test]
async fn nobody_there_is_said_at_the_place_where_it_ends() {
    // No test ever listens there, as one might on a port that was free a moment ago.
    let port = 1_u16;
    let report = test(&scripted_uri(port), "A", "k-e-y").await;
    assert_eq!(
        fault(&report, C::Connect),
        format!(
            "127.0.0.1:{port} cannot be reached. Nothing listens on that port (connection refused). Check the port in host, \
             and whether the storage service runs."
        )
    );
    assert_eq!(report.not_checked().len(), 3, "{report:#?}");
    let report = test("s3://backups/p?host=no-such-name.invalid", "A", "k-e-y").await;
    assert_eq!(
        fault(&report, C::Resolve),
        "backups.no-such-name.invalid cannot be reached. Its name has no address. Check the spelling of host; where the bucket is no \
         part of the host's name, add addressing_model=path_style."
    );
    let report = test("s3://backups/p?host=http://", "A", "k-e-y").await;
    assert!(fault(&report, C::Resolve).contains("Its host, http://, is none."));
}

#[tokio::test]
async fn a_storage_that_says_nothing_is_given_up() {
    let scripted_storage = ScriptedStorage::new(|_| None);
    let what =
        TestSpec { deadline: Duration::from_millis(900), ..of(&scripted_uri(scripted_storage.port), "A", "k-e-y") };
    let report = run_test(&obnow(), what, None).await;
    assert_eq!(
        fault(&report, C::Credentials),
        format!(
            "127.0.0.1:{} did not answer within 0.3 s. It takes what is sent, or something on the way does, and does not \
             answer. Look at the storage service and at the network to it, and test again.",
            scripted_storage.port
        )
    );
}

#[tokio::test]
async fn a_write_without_an_answer_is_deleted_and_looked_for() {
    let scripted_storage = ScriptedStorage::bucket(|request| (request.method == "PUT").then_some(None));
    let what = TestSpec { deadline: Duration::from_secs(3), ..of(&scripted_uri(scripted_storage.port), "A", "k-e-y") };
    let report = run_test(&obnow(), what, None).await;
    assert!(fault(&report, C::Write).contains("did not answer within 1 s"), "{report:#?}");
    assert_eq!(report.left_behind, None, "{report:#?}");
    let seen = scripted_storage.seen.lock().unwrap();
    assert!(seen.iter().any(|request| request.method == "DELETE"), "{seen:?}");
}

#[tokio::test]
async fn altered_data_and_ignored_delete_are_faults() {
    let changed = ScriptedStorage::bucket(|request| {
        (request.method == "GET" && request.target.contains("/.obnow-test-"))
            .then(|| Some((200, Vec::new(), vec![0; 9])))
    });
    let said = fault(&test(&scripted_uri(changed.port), "A", "k-e-y").await, C::ReadBack);
    assert!(said.starts_with("What was written to s3://backups/p came back otherwise (9 bytes)."), "{said}");
    let held = ScriptedStorage::bucket(|request| (request.method == "DELETE").then(|| xml(204, "")));
    let report = test(&scripted_uri(held.port), "A", "k-e-y").await;
    let left = report.left_behind.clone().unwrap();
    assert!(
        fault(&report, C::Delete).starts_with(&format!("Left behind {left}; the server will refuse")),
        "{report:#?}"
    );
    assert!(fault(&report, C::Delete).contains("The storage said that it was deleted, and still has it."));
}

#[tokio::test]
async fn other_refusals_are_sentences_with_at_most_a_code() {
    for (status, code, wanted) in [
        (
            403,
            "RequestTimeTooSkewed",
            (C::Clock, "The clocks of this host and of the storage are too far apart for it."),
        ),
        (507, "QuotaExceeded", (C::Credentials, "It has no room, or the quota is used up.")),
        (503, "SlowDown", (C::Credentials, "has too much to do, or is broken (HTTP 503).")),
        (400, "Odd<i>.Code", (C::Credentials, "answers Oddi.Code.")),
    ] {
        let scripted_storage = ScriptedStorage::new(move |_| error(status, code));
        let report = test(&scripted_uri(scripted_storage.port), "A", "k-e-y").await;
        assert!(fault(&report, wanted.0).contains(wanted.1), "{report:#?}");
    }
}

#[tokio::test]
async fn without_a_key_or_an_id_only_the_way_is_tested() {
    let scripted_storage = ScriptedStorage::bucket(|_| None);
    let destination = Destination::parse_user(&scripted_uri(scripted_storage.port)).unwrap();
    let keyless = run_test(&obnow(), TestSpec::for_uri(destination.clone()), None).await;
    assert_eq!((keyless.count(TestResult::Pass), keyless.count(TestResult::Fail)), (3, 0), "{keyless:#?}");
    assert!(keyless.not_checked().contains(&"what needs the access key: none was given"));
    let nobody = TestSpec::for_uri(destination.clone()).with_access_key(Some(Secret::new("k".into())));
    let nobody = run_test(&obnow(), nobody, None).await;
    assert!(fault(&nobody, C::Credentials).contains("Give the id with --access-id."));
    let role = destination.with_attribute("role_arn", "arn:aws:iam::1:role/x").unwrap();
    let role = run_test(&obnow(), TestSpec::for_uri(role), None).await;
    assert!(role.not_checked().contains(&"what the role may do: only the servers assume it"), "{role:#?}");
    assert!(scripted_storage.seen.lock().unwrap().is_empty(), "nothing was asked");
}

#[tokio::test]
async fn who_gives_up_has_the_probe_deleted() {
    let scripted_storage = ScriptedStorage::bucket(|request| {
        (request.method == "GET" && request.target.contains("/.obnow-test-")).then_some(None)
    });
    let (sender, mut news) = mpsc::unbounded_channel();
    {
        let tester = obnow();
        let test =
            std::pin::pin!(run_test(&tester, of(&scripted_uri(scripted_storage.port), "A", "k-e-y"), Some(&sender)));
        let reading = async {
            while !matches!(news.recv().await, Some(obnow::domain::storage_check::TestUpdate::Begins(C::ReadBack))) {}
        };
        tokio::select! {
            report = test => panic!("it ended by itself: {report:?}"),
            () = reading => {}
        }
    }
    let limit = tokio::time::Instant::now() + Duration::from_secs(10);
    while !scripted_storage.seen.lock().unwrap().iter().any(|request| request.method == "DELETE") {
        assert!(tokio::time::Instant::now() < limit, "the probe was not deleted");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
