//! Tests the command `obnow test-storage`: its output, events and exit codes; and the same check before a backup.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail loudly")]

mod buckets;
mod fleet;

use std::path::Path;
use std::process::{Command, Stdio};

use buckets::scripted_storage::{Request, ScriptedStorage};
use fleet::{DemoFleet, OBNOW, until};
use serde_json::Value;

fn run(args: &[&str], key: Option<&str>) -> (i32, String, String) {
    let state = tempfile::tempdir().unwrap();
    let mut command = Command::new(OBNOW);
    command.args(args).arg("--state").arg(state.path()).arg("--config").arg(state.path().join("none.yaml"));
    command.envs(key.map(|key| ("OBNOW_TEST_KEY", key))).stdin(Stdio::null());
    let output = command.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

fn events(out: &str) -> Vec<Value> {
    out.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}"))).collect()
}

/// The value of a field of the `test` event of a check.
fn of<'a>(events: &'a [Value], check: &str, field: &str) -> &'a Value {
    let event = events.iter().find(|event| event["event"] == "test" && event["check"] == check);
    &event.unwrap_or_else(|| panic!("no {check}: {events:#?}"))[field]
}

fn bucket(port: u16) -> String {
    format!("s3://backups/p?host=http://127.0.0.1:{port}&addressing_model=path_style")
}

#[test]
fn good_directory_exits_0_with_a_line_per_check() {
    let place = tempfile::Builder::new().prefix("obnow").tempdir_in("/dev/shm").unwrap();
    let uri = format!("file://{}", place.path().display());
    let (code, out, err) = run(&["test-storage", &uri], None);
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    let line =
        |label: &str| out.lines().find(|line| line.contains(label)).unwrap_or_else(|| panic!("no {label}: {out}"));
    assert_eq!(out.lines().next().unwrap(), format!("Test  {uri}"));
    for (label, found) in [
        ("  ok   directory ", " ms  empty"),
        ("  ok   write 1 MiB ", " ms  written, and synced to the storage"),
        ("  ok   read back ", " ms  the same bytes"),
        ("  ok   delete ", " ms  nothing is left behind"),
        ("  -    every server ", " not checked: that every server reaches it"),
    ] {
        assert!(line(label).ends_with(found), "{out}");
    }
    assert!(line("passed at ").ends_with(": 8 of 8"), "{out}");
    let by_hand = format!("      sudo -u admin test -w {}", place.path().display());
    assert_eq!(line("sudo"), by_hand);
    assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 0);
    let (code, out, err) = run(&["test-storage", &uri, "--json"], None);
    assert_eq!((code, err.as_str()), (0, ""));
    let events = events(&out);
    assert_eq!(events.len(), 10);
    for event in &events {
        let fields: Vec<&str> = event.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(fields[..7], ["event", "target", "uri", "check", "result", "ms", "found"]);
        assert_eq!((event["target"].as_str(), event["uri"].as_str()), (None, Some(uri.as_str())));
    }
    assert_eq!(of(&events, "read_back", "result"), "pass");
    assert!(of(&events, "read_back", "ms").is_u64() && of(&events, "every_server", "ms").is_null());
    assert_eq!(of(&events, "every_server", "result"), "not_checked");
}

#[test]
fn a_failed_test_is_exit_13_with_three_sentences() {
    let place = tempfile::Builder::new().prefix("obnow").tempdir_in("/dev/shm").unwrap();
    std::fs::write(place.path().join("photo.jpg"), "").unwrap();
    let uri = format!("file://{}", place.path().display());
    let (code, out, err) = run(&["test-storage", &uri], None);
    assert_eq!(code, 13);
    let shown = place.path().display();
    let what = format!("{shown} is not empty and not OceanBase's: it holds photo.jpg.");
    assert!(out.contains(&format!("ms  {what}\n")) && out.contains("  failed at "), "{out}");
    let why = "The server takes an empty directory or one with its own format.obbak, and would answer 9080.";
    let next = "Next: Choose an empty directory for this tenant and this kind.";
    assert_eq!(err, format!("{what}\n{why}\n{next}\n"));
    let (code, out, _) = run(&["test-storage", &uri, "--json"], None);
    let events = events(&out);
    assert_eq!((code, of(&events, "directory", "code")), (13, &Value::from(9080)));
    let fault = events.last().unwrap();
    assert_eq!(
        (fault["event"].as_str(), fault["why"].as_str(), fault["code"].as_u64()),
        (Some("fault"), Some(why), Some(9080))
    );
}

#[test]
fn an_object_storage_is_tested_with_the_key_of_its_source() {
    let scripted_storage = ScriptedStorage::bucket(|_| None);
    let args = [
        "test-storage",
        &bucket(scripted_storage.port),
        "--access-id",
        "AKIA",
        "--access-key-from",
        "env:OBNOW_TEST_KEY",
    ];
    let (code, out, err) = run(&args, Some("a-long-secret-key"));
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    let seen = scripted_storage.seen.lock().unwrap().clone();
    let methods: Vec<&str> = seen.iter().map(|request| request.method.as_str()).collect();
    // The list, whether the bucket itself is a destination, the probe, and the bucket.
    assert_eq!(methods, ["GET", "GET", "PUT", "GET", "GET", "DELETE", "HEAD"]);
    assert!(seen.iter().all(|request| request.header("authorization").contains("Credential=AKIA/")), "{seen:?}");
    drop(seen);
    let (code, _, err) = run(&args[..4], None);
    assert_eq!(code, 1);
    assert!(
        err.contains("The access key of s3://backups/p was not found.") && err.contains("--access-key-from"),
        "{err}"
    );
}

#[test]
fn bucket_of_others_is_not_written_to() {
    let args = |uri: &str, more: &[&str]| {
        let base = ["test-storage", uri, "--access-id", "AKIA", "--access-key-from", "env:OBNOW_TEST_KEY", "--json"];
        run(&[&base[..], more].concat(), Some("a-long-secret-key"))
    };
    let written = |scripted_storage: &ScriptedStorage| {
        let seen = scripted_storage.seen.lock().unwrap();
        seen.iter().filter(|request| request.method == "PUT").map(|request| request.target.clone()).collect::<Vec<_>>()
    };
    let scripted_storage = ScriptedStorage::bucket(|_| None);
    let deep = bucket(scripted_storage.port).replace("/p?", "/a/p?");
    assert_eq!(args(&deep, &[]).0, 0);
    assert!(written(&scripted_storage)[0].starts_with("/backups/a/.obnow-test-"), "{:?}", written(&scripted_storage));
    // The whole bucket has nothing beside it: that is asked first.
    let scripted_storage = ScriptedStorage::bucket(|_| None);
    let whole = bucket(scripted_storage.port).replace("/p?", "?");
    let (code, out, err) = args(&whole, &[]);
    assert_eq!((code, of(&events(&out), "write", "result")), (0, &Value::from("not_checked")), "{out}");
    assert!(err.contains("test again with --write-inside") && written(&scripted_storage).is_empty(), "{err}");
    assert_eq!(args(&whole, &["--write-inside"]).0, 0);
    assert!(written(&scripted_storage)[0].starts_with("/backups/.obnow-test-"), "{:?}", written(&scripted_storage));
    // So where the policy allows nothing but the directory.
    let scripted_storage = ScriptedStorage::bucket(|request| {
        let is_beside = request.method == "PUT" && !request.target.contains("/a/p/");
        is_beside.then(|| buckets::scripted_storage::error(403, "AccessDenied"))
    });
    let deep = bucket(scripted_storage.port).replace("/p?", "/a/p?");
    let (code, out, _) = args(&deep, &[]);
    assert_eq!((code, of(&events(&out), "write", "result")), (0, &Value::from("not_checked")), "{out}");
    assert_eq!(args(&deep, &["--write-inside"]).0, 0);
    // And where a directory above it is a destination itself.
    let scripted_storage = ScriptedStorage::bucket(|request| {
        let is_format_file = request.method == "GET" && request.target.ends_with("/backups/format.obbak");
        is_format_file.then(|| buckets::scripted_storage::xml(200, ""))
    });
    let deep = bucket(scripted_storage.port).replace("/p?", "/a/p?");
    let (code, out, _) = args(&deep, &[]);
    assert_eq!((code, of(&events(&out), "write", "result")), (0, &Value::from("not_checked")), "{out}");
    assert!(out.contains("belongs to another destination") && written(&scripted_storage).is_empty(), "{out}");
    // What is there is somebody else's.
    let scripted_storage = ScriptedStorage::bucket(|request| {
        let list =
            "<ListBucketResult><Name>backups</Name><Contents><Key>p/photo.jpg</Key></Contents></ListBucketResult>";
        (request.method == "GET" && request.target.contains("max-keys"))
            .then(|| buckets::scripted_storage::xml(200, list))
    });
    for more in [&[][..], &["--write-inside"]] {
        let (code, out, _) = args(&bucket(scripted_storage.port), more);
        assert_eq!((code, of(&events(&out), "directory", "code")), (13, &Value::from(9080)), "{out}");
        assert_eq!(of(&events(&out), "write", "result"), "not_checked");
    }
    assert!(written(&scripted_storage).is_empty(), "{:?}", written(&scripted_storage));
}

#[test]
fn untestable_destination_is_refused_first() {
    for (what, wanted) in [
        ("ftp://x", "ftp://x cannot be used as a destination."),
        ("file:///b/{tenant_id}/data", "Its variables stand for a cluster and a tenant, and none is named."),
        ("s3://b/p?host=h&secret=CANARY", "Leave it out, and give the access key by --access-key-from."),
        ("nowhere/pay", "There is no cluster nowhere in the inventory."),
    ] {
        let (code, out, err) = run(&["test-storage", what], None);
        assert_eq!((code, out.as_str()), (1, ""), "{what}");
        assert!(err.contains(wanted) && !err.contains("CANARY"), "{err}");
    }
}

/// Killed at the worst moment: the probe's own process hears that it is alone, and deletes what it wrote.
#[test]
fn a_killed_obnow_leaves_no_probe_behind() {
    let scripted_storage = ScriptedStorage::bucket(|request| {
        (request.method == "GET" && request.target.contains("/.obnow-test-")).then_some(None)
    });
    let state = tempfile::tempdir().unwrap();
    let mut command = Command::new(OBNOW);
    command.args([
        "test-storage",
        &bucket(scripted_storage.port),
        "--access-id",
        "AKIA",
        "--access-key-from",
        "env:OBNOW_TEST_KEY",
    ]);
    command.arg("--state").arg(state.path()).env("OBNOW_TEST_KEY", "a-long-secret-key");
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let seen = |method: &str| {
        let seen = scripted_storage.seen.lock().unwrap();
        let count = seen.iter().filter(|request| request.method == method).count();
        if count > 0 { Ok(()) } else { Err(format!("no {method}: {seen:?}")) }
    };
    // The probe is there, and obnow waits for what it reads back.
    until("the probe is read back", || {
        let seen = scripted_storage.seen.lock().unwrap();
        let reads = |request: &Request| request.method == "GET" && request.target.contains("/.obnow-test-");
        if seen.iter().any(reads) { Ok(()) } else { Err(format!("{seen:?}")) }
    });
    assert!(seen("PUT").is_ok() && seen("DELETE").is_err());
    child.kill().unwrap();
    child.wait().unwrap();
    until("the probe is deleted", || seen("DELETE"));
}

#[test]
fn the_destinations_of_a_target_are_its_own() {
    let fleet = DemoFleet::serve("healthy");
    let ran = fleet.json(&["test-storage", "demo/order"]).exits(0).quiet();
    let events = events(&ran.out);
    let uris: Vec<&str> = events.iter().filter_map(|event| event["uri"].as_str()).collect();
    let data = format!("file://{}", fleet.folder().join("data/demo/order/data").display());
    assert_eq!(uris.first(), Some(&data.as_str()), "{uris:?}");
    assert!(uris.last().unwrap().ends_with("/demo/order/clog"), "{uris:?}");
    assert!(events.iter().all(|event| event["target"] == "demo/order"), "{events:#?}");
    assert_eq!(of(&events, "sole_use", "result"), "pass");
    let evidence =
        "that every server reaches it; the server's own evidence: log archiving is DOING there, complete up to 20";
    let said = |kind: &str| {
        let of_kind =
            |event: &&Value| event["check"] == "every_server" && event["uri"].as_str().unwrap().ends_with(kind);
        events.iter().find(of_kind).unwrap()["found"].as_str().unwrap().starts_with(evidence)
    };
    assert!(said("/clog") && !said("/data"), "{events:#?}");
    assert!(fleet.statements().is_empty(), "a Test changes nothing");
    let ran = fleet.run(&["test-storage", "demo/nobody"]).exits(1);
    assert!(ran.err.contains("There is no tenant nobody on demo."), "{}", ran.err);
}

#[test]
fn below_v4_the_directory_is_the_clusters_whoever_is_named() {
    let fleet = DemoFleet::serve("fleet");
    for target in ["old-gz", "old-gz/core"] {
        let ran = fleet.json(&["test-storage", target]).exits(0).quiet();
        let events = events(&ran.out);
        assert_eq!(of(&events, "directory", "found"), "there; the server makes its own directories in it");
        assert_eq!(of(&events, "sole_use", "result"), "pass");
        assert!(events.iter().all(|event| event["target"] == "old-gz"), "{events:#?}");
    }
}

#[test]
fn a_backup_to_a_storage_given_by_hand_tests_it_first() {
    let fleet = DemoFleet::serve("healthy");
    let place = tempfile::Builder::new().prefix("obnow").tempdir_in("/dev/shm").unwrap();
    let (data, log) = (place.path().join("data"), place.path().join("log"));
    std::fs::create_dir(&data).unwrap();
    std::fs::write(data.join("photo.jpg"), "").unwrap();
    let uri = |path: &Path| format!("file://{}", path.display());
    let (data_uri, log_uri) = (uri(&data), uri(&log));
    let args =
        ["backup", "demo/order", "--mode", "full", "--yes", "--storage", &data_uri, "--archive-storage", &log_uri];
    // A plan that is only shown looks, and predicts it.
    let dry = fleet.json(&[&args[..], &["--dry-run"]].concat()).exits(13);
    assert!(!dry.out.contains("\"event\":\"test\""), "{}", dry.out);
    assert_eq!(dry.check("demo/order", "owner").0, "fail", "{}", dry.out);
    let refused = fleet.json(&args).exits(13);
    let all = events(&refused.out);
    let failed: Vec<&Value> = all.iter().filter(|event| event["result"] == "fail").collect();
    assert_eq!(failed.len(), 1, "{all:#?}");
    assert_eq!((failed[0]["uri"].as_str(), failed[0]["code"].as_u64()), (Some(data_uri.as_str()), Some(9080)));
    assert!(all.iter().any(|event| event["event"] == "fault" && event["code"] == 9080), "{all:#?}");
    assert!(fleet.statements().is_empty(), "nothing was started");
    std::fs::remove_file(data.join("photo.jpg")).unwrap();
    let done = fleet.json(&args).exits(0).quiet();
    let all = events(&done.out);
    let first = |event: &str| all.iter().position(|own| own["event"] == event);
    assert!(first("plan") < first("test") && first("test") < first("task"), "{}", done.out);
    let tested: Vec<&str> =
        all.iter().filter(|own| own["check"] == "write").filter_map(|own| own["uri"].as_str()).collect();
    assert_eq!(tested.len(), 2);
    assert!(tested.contains(&data_uri.as_str()) && tested.contains(&log_uri.as_str()), "{tested:?}");
    assert_eq!(of(&all, "every_server", "result"), "not_checked");
}

/// Below V4 a tenant's backup goes to a directory of its own, which its statement names and no setting does.
#[test]
fn a_tenants_own_directory_below_v4_is_tested_before_the_start() {
    let fleet = DemoFleet::serve("tenant-gate");
    let parent = tempfile::Builder::new().prefix("obnow").tempdir_in("/dev/shm").unwrap();
    let own = parent.path().join("own");
    let uri = format!("file://{}", own.display());
    let args = ["backup", "at/fund", "at/bond", "--mode", "full", "--yes", "--storage", &uri];
    std::fs::write(&own, "no directory").unwrap();
    let refused = fleet.json(&args).exits(13);
    let all = events(&refused.out);
    let failed = all.iter().find(|event| event["event"] == "test" && event["result"] == "fail").unwrap();
    assert!(failed["uri"].as_str().unwrap().starts_with(&uri), "{failed}");
    assert!(fleet.statements().is_empty(), "nothing was started");
    std::fs::remove_file(&own).unwrap();
    let done = fleet.json(&args).exits(0).quiet();
    let tested = events(&done.out);
    let written = tested.iter().filter(|event| event["check"] == "write").collect::<Vec<_>>();
    assert_eq!(written.len(), 1, "one directory for both: {written:#?}");
    assert_eq!(of(&tested, "write", "result"), "pass");
}
