#![allow(clippy::unwrap_used, reason = "a test may fall where it stands")]

use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use super::*;
use crate::config::inventory::{Addressing, Limits, StorageKind};
use crate::domain::connection::TlsMode;

fn fault(text: &str) -> Fault {
    parse(text, Path::new("/etc/c.yaml")).unwrap_err()
}

const SMALL: &str = "clusters:\n  - name: a\n    endpoints: [h]\n    user: root@sys\n";

#[test]
fn the_example_is_an_inventory_and_holds_every_key() {
    let inventory = parse(EXAMPLE, Path::new("x")).unwrap();
    let prod = &inventory.clusters[0];
    assert_eq!(prod.environment.as_deref(), Some("prod"));
    assert_eq!(prod.endpoints[2].host, "2001:db8::3");
    assert_eq!(prod.password, Some(SecretSource::Command("pass show ob/prod-hz".into())));
    assert_eq!(prod.tls.mode, TlsMode::Prefer);
    assert_eq!(prod.max_backup_age, Some(Duration::from_hours(7 * 24)));
    let storage = &prod.strategies[0].storage;
    assert_eq!((storage.kind, storage.addressing), (StorageKind::S3, Some(Addressing::PathStyle)));
    assert_eq!(storage.access_key, Some(SecretSource::Env("OB_S3_KEY".into())));
    assert_eq!(prod.strategy_for(Some("pay")), Some(&prod.strategies[0]));
    assert_eq!(prod.strategy_for(Some("other")), Some(&prod.strategies[1]));
    assert_eq!(prod.strategy_for(None), Some(&prod.strategies[1]));
    assert_eq!(inventory.limits, Limits::default());
    assert_eq!(inventory.ocp[1].access_key_secret, Some(SecretSource::File("/home/admin/.ocp-sh.secret".into())));
}

#[test]
fn limits_left_out_are_the_defaults_and_only_one_may_be_given() {
    let inventory = parse("limits: {poll: 100ms}", Path::new("x")).unwrap();
    assert_eq!(inventory.limits, Limits { poll: Duration::from_millis(100), ..Limits::default() });
    assert_eq!(Limits::default().archive_wait, Duration::from_mins(10));
}

#[test]
fn a_file_of_comments_is_an_empty_inventory_and_a_bom_is_no_matter() {
    assert_eq!(parse("\u{feff}# nothing yet\n\n", Path::new("x")).unwrap(), Inventory::default());
    assert_eq!(parse(&format!("\u{feff}{SMALL}"), Path::new("x")).unwrap().clusters.len(), 1);
}

#[test]
fn errors_name_file_path_line_and_column() {
    let two = |rest: &str| format!("{SMALL}  - name: b\n{rest}");
    for (text, why) in [
        (
            two("    endpoint: [h]\n    user: u\n"),
            "clusters[1].endpoint (line 6, column 5): there is no such key; known here: name, ",
        ),
        (two("    endpoints: []\n    user: u\n"), "clusters[1].endpoints (line 6, column 16): at least one endpoint"),
        (
            two("    endpoints: ['h:1', '::1']\n    user: u\n"),
            "clusters[1].endpoints[1] (line 6, column 24): it is not host:port",
        ),
        (two("    endpoints: h\n    user: u\n"), "clusters[1].endpoints (line 6, column 16): invalid type"),
        (two("    endpoints: [h]\n"), "clusters[1].user (line 5, column 5): it is missing"),
        (format!("{SMALL}{}", &SMALL[10..]), "clusters[1].name (line 5, column 11): the name a is given twice"),
        (format!("{SMALL}    user: x\n"), "clusters[0].user (line 2, column 5): the key is there twice"),
        (format!("{SMALL}    tls: {{mode: maybe}}\n"), "clusters[0].tls.mode (line 5, column 17): unknown variant"),
        (
            format!("{SMALL}    max_backup_age: 7\n"),
            "clusters[0].max_backup_age (line 5, column 21): \"7\" is not a duration",
        ),
        ("limits: {poll: 0s}".into(), "limits.poll (line 1, column 16): a duration of zero"),
        ("clusterz: []".into(), "clusterz (line 1, column 1): there is no such key; known here: clusters, ocp, limits"),
        ("clusters: [".into(), "line 2, column 1: "),
        (
            "ocp: [{name: o, url: 'https://u:p@h', user: u}]".into(),
            "ocp[0].url (line 1, column 22): the address must hold no login",
        ),
        (
            "ocp: [{name: o, url: 'https://h'}]".into(),
            "ocp[0].user (line 1, column 7): user, or access_key_id, is missing",
        ),
    ] {
        let fault = fault(&text);
        assert_eq!(fault.what, "The inventory /etc/c.yaml cannot be used.");
        assert!(fault.why.contains(why), "wanted {why}\n   got {}", fault.why);
        assert_eq!(fault.cause, Cause::Usage);
    }
}

#[test]
fn each_kind_of_storage_has_its_own_keys() {
    let with = |storage: &str| format!("{SMALL}    strategies: [{{storage: {{{storage}}}}}]\n");
    let objects = "bucket: b, endpoint: e, access_id: i";
    for good in [
        "kind: file, path: /b".to_owned(),
        format!("kind: s3, {objects}, region: r, addressing: path_style, path: p"),
        format!("kind: oss, {objects}"),
        format!("kind: cos, {objects}, app_id: 1250000000"),
        format!("kind: obs, {objects}, access_key: {{file: /k}}"),
        format!("kind: azblob, {objects}"),
    ] {
        parse(&with(&good), Path::new("x")).unwrap();
    }
    for (bad, why) in [
        ("path: /b", "storage.kind (line 5, column 28): it is missing"),
        ("kind: tape", "storage.kind (line 5, column 35): unknown variant"),
        ("kind: file", "storage.path (line 5, column 28): storage of kind file needs it"),
        ("kind: file, path: b", "storage.path (line 5, column 47): a directory is written from the root"),
        ("kind: file, path: /b, bucket: b", "storage.bucket (line 5, column 59): storage of kind file has no such key"),
        ("kind: s3, endpoint: e, access_id: i", "storage.bucket (line 5, column 28): storage of kind s3 needs it"),
        (
            "kind: cos, bucket: b, endpoint: e, access_id: i",
            "storage.app_id (line 5, column 28): storage of kind cos needs it",
        ),
        ("kind: oss, bucket: b, endpoint: e, access_id: i, app_id: 1", "storage.app_id"),
        ("kind: s3, bucket: b, endpoint: 'e&access_key=k', access_id: i", "storage.endpoint"),
    ] {
        let fault = fault(&with(bad));
        assert!(fault.why.contains(why), "wanted {why}\n   got {}", fault.why);
    }
}

#[test]
fn strategies_name_no_tenant_twice() {
    let with = |list: &str| format!("{SMALL}    strategies: [{list}]\n");
    let file = "storage: {kind: file, path: /b}";
    for (list, path) in [
        (format!("{{{file}}}, {{{file}}}"), "strategies[1].tenants"),
        (format!("{{tenants: [], {file}}}"), "strategies[0].tenants"),
        (format!("{{tenants: [t], {file}}}, {{tenants: [u, t], {file}}}"), "strategies[1].tenants[1]"),
    ] {
        let fault = fault(&with(&list));
        assert!(fault.why.starts_with(&format!("clusters[0].{path} ")), "{}", fault.why);
    }
}

#[test]
fn a_secret_written_out_is_refused_and_never_repeated() {
    for written in [
        "hunter2hunter2",
        "'hunter2'",
        "[hunter2]",
        "{value: hunter2}",
        "{env: A, file: hunter2}",
        "77889900",
        "-77889900",
        "7788.99",
        "true",
    ] {
        let fault = fault(&format!("{SMALL}    password: {written}\n"));
        let all = format!("{fault:?}");
        assert!(fault.why.starts_with("clusters[0].password"), "{}", fault.why);
        assert!(!all.contains("hunter2") && !all.contains("7788"), "{all}");
    }
    let none = parse(&format!("{SMALL}    password:\n"), Path::new("x")).unwrap();
    assert_eq!(none.clusters[0].password, None);
}

#[test]
fn bombs_are_refused() {
    let levels = (1..12).map(|level| format!("&x{level} [{}]", vec![format!("*x{}", level - 1); 9].join(", ")));
    let levels = levels.collect::<Vec<_>>().join(", ");
    for place in ["clusters: ", "ocp: ", "limits: ", "clusters: [{name: a, user: u, endpoints: [h], password: ", ""] {
        let close = if place.contains('{') { "}]" } else { "" };
        fault(&format!("{place}[&x0 [h, h, h, h, h, h, h, h, h], {levels}, *x11]{close}\n"));
    }
    fault("clusters: &a [{name: a, strategies: &b [*a, *b], endpoints: *b}]\n");
    fault(&format!("clusters: {}{}", "[".repeat(2_000), "]".repeat(2_000)));
    fault(&format!("{SMALL}    password: {}{}", "[".repeat(2_000), "]".repeat(2_000)));
}

#[test]
fn what_is_shown_has_sources_and_no_commands_and_what_is_written_reads_back() {
    let inventory = parse(EXAMPLE, Path::new("x")).unwrap();
    let shown = show(&inventory).unwrap();
    assert!(shown.contains("env: OB_S3_KEY") && shown.contains("archive_wait: 10m"), "{shown}");
    assert!(!shown.contains("pass show"), "{shown}");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new/config.yaml");
    write_new(&path, &inventory).unwrap();
    assert_eq!(load(&path).unwrap().unwrap(), inventory);
}

#[test]
fn init_writes_a_private_file_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("obnow/config.yaml");
    init(&path).unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
    assert_eq!(std::fs::metadata(path.parent().unwrap()).unwrap().permissions().mode() & 0o777, 0o700);
    std::fs::write(&path, "limits: {}").unwrap();
    let fault = init(&path).unwrap_err();
    assert!(fault.why.contains("never overwritten"), "{fault}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "limits: {}");
}

#[test]
fn absent_is_not_unreadable_and_a_file_others_may_read_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.yaml");
    assert_eq!(load(&path).unwrap(), None);
    assert!(load(folder.path()).unwrap_err().why.contains("not an ordinary file"));
    init(&path).unwrap();
    for mode in [0o640, 0o604, 0o620, 0o601] {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        let fault = load(&path).unwrap_err();
        assert_eq!(fault.next, format!("Run: chmod 600 {}", path.display()));
    }
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    std::fs::write(&path, b"limits: {}\n# \xff\n").unwrap();
    assert!(load(&path).unwrap_err().why.contains("line 2: the text is not UTF-8"));
}

#[test]
fn a_name_is_one_that_can_be_read_and_said() {
    let named = |name: &str| {
        let text = format!("clusters:\n  - name: \"{name}\"\n    endpoints: [h]\n    user: root@sys\n");
        parse(&text, Path::new("p")).map(|_| ()).map_err(|fault| fault.why)
    };
    for good in ["prod-hz", "a.b", "\u{4e2d}\u{6587}", "prod*1"] {
        assert_eq!(named(good), Ok(()), "{good}");
    }
    for (bad, why) in [
        ("", "must not be empty"),
        ("-x", "must not begin with a dash"),
        ("--yes", "must not begin with a dash"),
        (".", "other characters than dots"),
        ("*", "other characters than dots"),
        ("a b", "a slash or a space"),
        ("a/b", "a slash or a space"),
        ("a\\u202Eb", "a character that is not seen"),
        ("a\\uFEFFb", "a character that is not seen"),
        ("a\\eb", "a character that is not seen"),
    ] {
        let said = named(bad).unwrap_err();
        assert!(said.contains(why) && !said.contains('\u{202e}'), "{bad}: {said}");
    }
    let two = SMALL.to_owned() + &SMALL.replace("clusters:\n", "").replace("name: a", "name: A");
    assert!(fault(&two).why.contains("the names a and A differ in nothing but capitals"), "{}", fault(&two).why);
}

#[test]
fn a_list_a_limit_and_a_depth_have_bounds_that_are_said() {
    let endpoints = SMALL.replace("[h]", &format!("[{}]", vec!["h"; 33].join(", ")));
    assert!(
        fault(&endpoints).why.contains("clusters[0].endpoints") && fault(&endpoints).why.contains("no more than 32")
    );
    let limit = fault("limits: {connect: 25h}\n");
    assert!(limit.why.contains("limits.connect") && limit.why.contains("longer than 1d"), "{limit}");
    let deep = fault(&format!("clusters: {}", "[".repeat(100_000)));
    assert!(deep.why.contains("line 1: lists and maps lie more than 32 deep"), "{deep}");
}
