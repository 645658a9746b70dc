//! Where no destination is set: the strategy's, a given base for both, both given, or none.

use crate::fleet::DemoFleet;

fn sent(fleet: &DemoFleet) -> Vec<String> {
    fleet.statements().iter().map(|text| text.split(" DESCRIPTION").next().unwrap().to_owned()).collect()
}

#[test]
fn a_strategy_supplies_what_is_not_set() {
    let fleet = DemoFleet::serve("no-destination");
    let ran = fleet.json(&["backup", "demo/pay", "--mode", "full", "--yes"]).exits(0).quiet();
    assert_eq!(ran.step("demo/pay", "Set backup destination"), ("ok".into(), "both are set".into()));
    assert_eq!(ran.verdict("demo/pay")["verdict"], "restorable");
    let data = fleet.folder().join("data/strategy/1001/1002");
    let data = data.display();
    assert_eq!(
        sent(&fleet),
        [
            format!("ALTER SYSTEM SET LOG_ARCHIVE_DEST = 'LOCATION=file://{data}/clog' TENANT = 'pay'"),
            format!("ALTER SYSTEM SET DATA_BACKUP_DEST = 'file://{data}/data' TENANT = 'pay'"),
            "ALTER SYSTEM ARCHIVELOG TENANT = 'pay'".to_owned(),
            "ALTER SYSTEM BACKUP TENANT = 'pay'".to_owned(),
        ]
    );
    let plan = &ran.of_kind("plan")[0];
    let step = plan["steps"].as_array().unwrap().iter().find(|step| step["step"] == "Set backup destination").unwrap();
    let effect = step["effect"].as_str().unwrap();
    assert!(effect.contains("(the inventory's strategy)"), "{effect}");
    assert!(effect.ends_with("This setting stays: later scheduled backups go there too."), "{effect}");
    // Set once; the next backup needs none of it.
    let next = fleet.json(&["backup", "demo/pay", "--mode", "incremental", "--yes"]).exits(0);
    assert_eq!(next.step("demo/pay", "Set backup destination").0, "not_needed");
}

#[test]
fn without_any_nothing_starts_and_the_flag_is_named() {
    let fleet = DemoFleet::serve("no-destination");
    let check = fleet.json(&["check", "demo"]).exits(0).quiet();
    let none = "none that can be used: not set, not given, not in a strategy of the inventory";
    assert_eq!(check.check("demo/order", "destination"), ("warn".into(), none.into()));
    let pay = format!("file://{}", fleet.folder().join("data/strategy/1001/1002/data").display());
    assert_eq!(check.check("demo/pay", "destination"), ("pass".into(), pay));
    for target in ["demo/order", "demo"] {
        let ran = fleet.json(&["backup", target, "--mode", "full", "--yes"]).exits(1).quiet();
        assert_eq!(
            ran.fault(),
            [
                "demo/order has no data backup destination.",
                "Neither the cluster nor a strategy of the inventory names one, and none was given.",
                "Give one with --storage URI, for example --storage file:///backup.",
            ]
            .map(str::to_owned)
        );
    }
    assert_eq!(sent(&fleet), Vec::<String>::new());
    assert!(fleet.json(&["tasks"]).exits(0).of_kind("task").is_empty());
}

#[test]
fn one_given_storage_is_a_base_for_both() {
    let fleet = DemoFleet::serve("no-destination");
    let base = fleet.folder().join("data/base");
    let uri = format!("file://{}", base.display());
    let ran = fleet.json(&["backup", "demo/order", "--mode", "full", "--yes", "--storage", &uri]).exits(0).quiet();
    assert_eq!(ran.verdict("demo/order")["verdict"], "restorable");
    let sent = sent(&fleet);
    assert_eq!(
        sent[0],
        format!("ALTER SYSTEM SET LOG_ARCHIVE_DEST = 'LOCATION={uri}/1001/1004/clog' TENANT = 'order'")
    );
    assert_eq!(sent[1], format!("ALTER SYSTEM SET DATA_BACKUP_DEST = '{uri}/1001/1004/data' TENANT = 'order'"));
    let recipe = ran.verdict("demo/order")["recipe"][0].as_str().unwrap().to_owned();
    assert!(recipe.starts_with(&format!("data {uri}/1001/1004/data   log {uri}/1001/1004/clog ")), "{recipe}");
}

#[test]
fn given_destinations_are_used_unchanged() {
    let fleet = DemoFleet::serve("no-destination");
    let uri = |name: &str| format!("file://{}", fleet.folder().join("data").join(name).display());
    let (data, log, other) = (uri("d"), uri("l"), uri("other"));
    let both = ["--storage", &data, "--archive-storage", &log];
    fleet.json(&[&["backup", "demo/order", "--mode", "full", "--yes"], &both[..]].concat()).exits(0);
    let first = sent(&fleet);
    assert_eq!(first[0], format!("ALTER SYSTEM SET LOG_ARCHIVE_DEST = 'LOCATION={log}' TENANT = 'order'"));
    assert_eq!(first[1], format!("ALTER SYSTEM SET DATA_BACKUP_DEST = '{data}' TENANT = 'order'"));

    let moved = fleet.json(&["backup", "demo/order", "--mode", "full", "--yes", "--archive-storage", &other]).exits(0);
    let plan = &moved.of_kind("plan")[0];
    let step = plan["steps"].as_array().unwrap().iter().find(|step| step["step"] == "Set backup destination").unwrap();
    let stops = "log archiving of order: it stops, a new round starts, and older sets cannot be restored past the stop";
    assert_eq!(step["interrupts"], stops);
    assert_eq!(
        sent(&fleet)[first.len()..],
        [
            "ALTER SYSTEM NOARCHIVELOG TENANT = 'order'".to_owned(),
            format!(
                "ALTER SYSTEM SET LOG_ARCHIVE_DEST = 'LOCATION={other} BINDING=Optional PIECE_SWITCH_INTERVAL=1d' TENANT = 'order'"
            ),
            "ALTER SYSTEM ARCHIVELOG TENANT = 'order'".to_owned(),
            "ALTER SYSTEM BACKUP TENANT = 'order'".to_owned(),
        ]
    );
    assert_eq!(moved.verdict("demo/order")["verdict"], "restorable");
    assert_eq!(
        moved.verdict("demo/order")["windows"].as_array().unwrap().len(),
        2,
        "the window before the stop is kept"
    );
}

#[test]
fn a_place_no_server_knows_is_refused_by_its_name() {
    let fleet = DemoFleet::serve("no-destination");
    let ran = fleet.json(&["backup", "demo/order", "--mode", "full", "--yes", "--storage", "ftp://x"]).exits(1).quiet();
    assert_eq!(ran.fault()[0], "ftp://x cannot be used as a destination.");
    assert!(ran.fault()[1].contains("file://, oss://, cos://, s3:// or azblob://"), "{}", ran.out);
    assert_eq!(sent(&fleet), Vec::<String>::new());
}

#[test]
fn check_names_the_owner_of_planned_directories() {
    let fleet = DemoFleet::serve("no-destination");
    let told = || fleet.json(&["check", "demo/pay"]).exits(0);
    let (result, found) = told().check("demo/pay", "owner");
    assert_eq!(result, "not_checked", "{found}");
    assert!(found.contains("is not there on this host"), "{found}");
    for uri in found.split(' ').filter_map(|word| word.trim_end_matches(':').strip_prefix("file://")) {
        std::fs::create_dir_all(uri).unwrap();
        assert_eq!(told().check("demo/pay", "owner").0, "pass");
        std::fs::write(std::path::Path::new(uri).join("letters.txt"), "a").unwrap();
        let foreign = fleet.json(&["check", "demo/pay"]).exits(13);
        assert_eq!(foreign.check("demo/pay", "owner").0, "fail");
        assert_eq!(std::fs::read_dir(uri).unwrap().count(), 1, "nothing is written by a look");
    }
    assert_eq!(sent(&fleet), Vec::<String>::new());
}

/// A mount point that is empty: set again, the server would list its sets as DELETED and refuse the real directory for ever.
#[test]
fn used_directory_is_set_only_after_it_was_read() {
    let fleet = DemoFleet::serve("no-destination");
    let folder = |name: &str| fleet.folder().join("data").join(name);
    let uri = |name: &str| format!("file://{}", folder(name).display());
    let (first, second, log) = (uri("first"), uri("second"), uri("log"));
    let to = |data: &str, more: &[&str]| {
        let own = ["backup", "demo/order", "--mode", "full", "--yes", "--storage", data, "--archive-storage", &log];
        fleet.json(&[&own[..], more].concat())
    };
    to(&first, &[]).exits(0);
    to(&second, &[]).exits(0);
    std::fs::rename(folder("first"), folder("elsewhere")).unwrap();
    std::fs::create_dir(folder("first")).unwrap();
    let before = sent(&fleet).len();
    let refused = to(&first, &[]).exits(10);
    let (result, found) = refused.check("demo/order", "destination_proven");
    assert_eq!(result, "fail");
    assert!(found.contains("was not seen with its format file") && found.contains("DELETED"), "{found}");
    assert!(refused.fault()[2].contains("--skip destination_proven"), "{:?}", refused.fault());
    assert_eq!(sent(&fleet).len(), before, "nothing was sent");
    to(&first, &["--dry-run"]).exits(10);
    // Mounted again it is seen, and the plan goes on.
    std::fs::remove_dir(folder("first")).unwrap();
    std::fs::rename(folder("elsewhere"), folder("first")).unwrap();
    // To look at it nothing has to be written.
    let looked = to(&first, &["--dry-run"]).exits(0);
    assert_eq!(looked.check("demo/order", "destination_proven").0, "pass");
    let (result, found) = looked.check("demo/order", "owner");
    assert_eq!((result.as_str(), found.ends_with("is empty, or this tenant's own")), ("pass", true), "{found}");
    assert!(looked.of_kind("test").is_empty(), "{}", looked.out);
    let seen = to(&first, &[]).exits(0);
    assert_eq!(seen.check("demo/order", "destination_proven").0, "pass");
    assert_eq!(seen.check("demo/order", "owner").0, "pass");
    assert_eq!(sent(&fleet)[before], format!("ALTER SYSTEM SET DATA_BACKUP_DEST = '{first}' TENANT = 'order'"));
    // Who knows better says so, by this flag alone.
    to(&second, &[]).exits(0);
    std::fs::remove_dir_all(folder("first")).unwrap();
    let skipped = to(&first, &["--skip", "destination_proven", "--dry-run"]).exits(0);
    assert!(skipped.check("demo/order", "destination_proven").1.starts_with("overridden: "));
}

/// A format file as a server of V4 writes it: prod/pay, or whoever else, with the ids of demo/order.
fn format_file(cluster: &str, tenant: &str, uri: &str, dest_id: u64) -> Vec<u8> {
    let number = |value: u64| -> Vec<u8> {
        let groups = (0..10).map(|place| u8::try_from(value >> (7 * place) & 0x7f).unwrap()).collect::<Vec<_>>();
        let last = groups.iter().rposition(|group| *group > 0).unwrap_or(0);
        (0..=last).map(|place| groups[place] | if place < last { 0x80 } else { 0 }).collect()
    };
    let object = |parts: &[u8]| [&[1], &number(parts.len() as u64)[..], parts].concat();
    let text = |text: &str| object(&[&number(text.len() as u64 + 1)[..], text.as_bytes(), &[0]].concat());
    let numbers = [1001, 1004, 1, dest_id, 0, 1_763_600_000_000_000].map(number).concat();
    let body = object(&[text(cluster), text(tenant), text(uri), numbers].concat());
    let mut header = vec![29, 0, 1, 0, 1, 0, 0, 0, 48, 0];
    header.resize(48, 0);
    [header, body].concat()
}

/// Ids are chosen by people, and many clusters have the same: only `DEST_ID` and what is listed under it prove whose a directory is.
#[test]
fn matching_ids_alone_do_not_prove_ownership() {
    let fleet = DemoFleet::serve("no-destination");
    let folder = |name: &str| fleet.folder().join("data").join(name);
    let uri = |name: &str| format!("file://{}", folder(name).display());
    let log = uri("log");
    let to = |data: &str, more: &[&str]| {
        let own = ["backup", "demo/order", "--mode", "full", "--yes", "--storage", data, "--archive-storage", &log];
        fleet.json(&[&own[..], more].concat())
    };
    let refused = |data: &str, why: &str, code| {
        let before = sent(&fleet);
        let refused = to(data, &[]).exits(code);
        let told = refused.of_kind("fault").swap_remove(0);
        assert!(told["what"].as_str().unwrap().contains(" is the directory of "), "{told}");
        assert!(told["why"].as_str().unwrap().contains(why), "{told}");
        assert!(told["next"].as_str().unwrap().contains("--skip owner"), "{told}");
        assert_eq!(sent(&fleet), before, "nothing was sent");
        refused
    };
    // Another cluster with the same ids wrote it.
    let foreign = uri("foreign");
    std::fs::create_dir_all(folder("foreign")).unwrap();
    std::fs::write(folder("foreign/format.obbak"), format_file("other-site", "order", &foreign, 1002)).unwrap();
    refused(&foreign, "which other clusters have too, and the name other-site/order", 13);

    // The same names as well, and another DEST_ID than the one under which the server lists its sets.
    let (first, second) = (uri("first"), uri("second"));
    to(&first, &[]).exits(0);
    to(&second, &[]).exits(0);
    std::fs::write(folder("first/format.obbak"), format_file("demo", "order", &first, 9_999)).unwrap();
    let other = "has the DEST_ID 9999, and the server lists what it has there under another";
    let unproven = refused(&first, other, 10);
    let (result, found) = unproven.check("demo/order", "owner");
    assert_eq!(result, "fail");
    assert!(found.contains("DEST_ID of another, and nothing in it proves whose it is"), "{found}");

    // Whoever knows better says so; the server has the last word.
    let before = sent(&fleet).len();
    let overridden = to(&foreign, &["--skip", "owner"]).exits(13);
    assert!(overridden.fault()[0].contains("error 9081"), "{:?}", overridden.fault());
    assert!(sent(&fleet).len() > before, "it was sent");
}
