//! Tests of secrets that no statement can contain: found before anything is planned, tested or sent, on every line.

use std::os::unix::fs::PermissionsExt as _;

use crate::fleet::DemoFleet;

/// A source that gives this secret.
fn file(fleet: &DemoFleet, name: &str, text: &str) -> String {
    let path = fleet.folder().join(name);
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    format!("file:{}", path.display())
}

/// Nothing was sent, kept or audited.
fn untouched(fleet: &DemoFleet) {
    assert_eq!(fleet.statements(), Vec::<String>::new());
    assert!(fleet.json(&["tasks"]).exits(0).of_kind("task").is_empty());
    let audit = std::fs::read_to_string(fleet.state().join("audit.jsonl")).unwrap_or_default();
    assert!(!audit.contains("ARCHIVELOG"), "{audit}");
}

#[test]
fn unsendable_access_key_is_a_usage_error() {
    let fleet = DemoFleet::serve("healthy");
    let uri = "s3://b/p?host=http://127.0.0.1:1&access_id=A&addressing_model=path_style";
    let long = "k".repeat(300);
    for (key, why) in [
        ("CANARY&b", "an ampersand"),
        ("CANARY b", "a space"),
        ("CANARY'b", "a quote"),
        ("CANARY\"b", "a quote"),
        ("CANARY\\b", "a backslash"),
        ("CANARY\u{7}b", "a control character"),
        ("\u{feff}CANARY", "a byte order mark"),
        (&long, "300 bytes long"),
    ] {
        let source = file(&fleet, "key", key);
        let backup = ["backup", "demo/pay", "--mode", "full", "--storage", uri, "--access-key-from", &source];
        for more in [&["--yes"][..], &["--dry-run"]] {
            let refused = fleet.json(&[&backup[..], more].concat()).exits(1);
            assert!(refused.of_kind("plan").is_empty(), "{key:?} {more:?}: {}", refused.out);
            let [what, said, _] = refused.fault();
            assert_eq!(what, "The access key of s3://b/p/1001/1002/clog cannot be used.", "{key:?}");
            assert!(said.contains(why), "{key:?}: {said}");
            assert!(!refused.out.contains("CANARY") && !refused.err.contains("CANARY"));
        }
        let tested = fleet.json(&["test-storage", uri, "--access-key-from", &source]).exits(13);
        assert!(
            tested.of_kind("fault").iter().any(|fault| fault["what"] == "The access key of s3://b/p cannot be used.")
        );
    }
    untouched(&fleet);
}

#[test]
fn unsendable_encryption_password_is_a_usage_error() {
    let fleet = DemoFleet::serve("healthy");
    for password in ["CANARY'b", "CANARY\"b", "CANARY`b", "CANARY\\b", "CANARY\u{1}b"] {
        let source = file(&fleet, "password", password);
        let backup = ["backup", "demo/pay", "--mode", "full", "--encrypt-from", &source];
        for more in [&["--yes"][..], &["--dry-run"]] {
            let refused = fleet.json(&[&backup[..], more].concat()).exits(1);
            assert_eq!(refused.fault()[0], "The encryption password cannot be used.", "{password:?}");
            assert!(!refused.out.contains("CANARY") && !refused.err.contains("CANARY"));
        }
    }
    untouched(&fleet);
}

/// There the server takes 127 bytes, and answers 9026 after the archive of every tenant was stopped.
#[test]
fn below_v4_a_key_has_less_room() {
    let fleet = DemoFleet::serve("fleet");
    let source = file(&fleet, "key", &"k".repeat(128));
    let uri = "oss://b/p?host=http://127.0.0.1:1&access_id=A";
    let backup = [
        "backup",
        "old-gz",
        "--mode",
        "full",
        "--storage",
        uri,
        "--access-key-from",
        &source,
        "--yes",
        "--confirm",
        "old-gz",
    ];
    let refused = fleet.json(&backup).exits(1);
    assert!(
        refused.fault()[1].contains("The access key is 128 bytes long, and the server takes 127"),
        "{:?}",
        refused.fault()
    );
    assert_eq!(fleet.statements_to("old-gz"), []);
}
