//! Whole clusters below V4: full and incremental on every line, from detection to the verdict.

use obnow::demo::control::ControlRequest;

use crate::fleet::DemoFleet;

fn texts(fleet: &DemoFleet, cluster: &str) -> Vec<String> {
    fleet.statements_to(cluster).into_iter().map(|(text, _)| text).collect()
}

/// The tenants of a cluster that are backed up.
fn tenants(fleet: &DemoFleet, cluster: &str) -> Vec<String> {
    let plan = fleet.json(&["backup", cluster, "--mode", "full", "--dry-run"]).exits(0);
    let targets = plan.of_kind("plan").remove(0)["targets"].take();
    targets.as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned()).collect()
}

#[test]
fn every_line_backs_up_full_and_incremental_to_a_window() {
    let fleet = DemoFleet::serve("fleet");
    for (cluster, version) in [
        ("old-gz", "V2.2.77"),
        ("ce-cd", "V3.1.2"),
        ("ce-xa", "V3.1.5"),
        ("pre-gate-tj", "V3.2.2"),
        ("gate-nj", "V3.2.2"),
        ("ee-sz", "V3.2.4.1"),
    ] {
        let names = tenants(&fleet, cluster);
        let full = fleet.json(&["backup", cluster, "--mode", "full", "--yes"]);
        // One tenant of ee-sz lies in the recycle bin.
        let exit = if cluster == "ee-sz" { 4 } else { 0 };
        let full = full.exits(exit);
        let increment = fleet.json(&["backup", cluster, "--mode", "incremental", "--yes"]).exits(exit);
        assert_eq!(
            texts(&fleet, cluster),
            ["ALTER SYSTEM BACKUP DATABASE", "ALTER SYSTEM BACKUP INCREMENTAL DATABASE"],
            "{cluster}"
        );
        for (ran, kind) in [(&full, "full"), (&increment, "incremental")] {
            for name in &names {
                let verdict = ran.verdict(name);
                assert_eq!((&verdict["verdict"], &verdict["type"]), (&"restorable".into(), &kind.into()), "{name}");
                assert!(verdict["from"].as_str() < verdict["to"].as_str(), "{verdict}");
            }
        }
        let rows = fleet.json(&["targets"]).exits(0).of_kind("target");
        let row = rows.iter().find(|row| row["target"] == cluster).unwrap();
        assert_eq!((&row["version"], &row["method"]), (&version.into(), &"physical".into()));
        assert_eq!(row["last_good"]["type"], "incremental", "{row}");
    }
}

#[test]
fn a_standby_cluster_is_refused_and_its_primary_named() {
    let fleet = DemoFleet::serve("fleet");
    let refused = fleet.json(&["backup", "dr-sz", "--mode", "full", "--storage", "file:///own", "--yes"]).exits(10);
    let [_, why, next] = refused.fault();
    assert_eq!(why, "The cluster is PHYSICAL STANDBY, and before V4 only a primary can be backed up.");
    assert!(next.starts_with("Back up the primary, cluster id "), "{next}");
    assert_eq!(texts(&fleet, "dr-sz"), Vec::<String>::new());
}

#[test]
fn a_tenant_in_the_recycle_bin_is_left_out_and_named() {
    let fleet = DemoFleet::serve("fleet");
    let ran = fleet.json(&["backup", "ee-sz", "--mode", "full", "--yes"]).exits(4);
    let left = &ran.of_kind("plan")[0]["left_out"];
    assert_eq!(*left, serde_json::json!([{"target": "ee-sz/old_core", "reason": "the tenant is in the recycle bin"}]));
    assert_eq!(ran.verdict("ee-sz/core")["verdict"], "restorable");
}

#[test]
fn new_destination_reaches_all_servers_before_restart() {
    let fleet = DemoFleet::serve("fleet");
    let new = format!("file://{}", fleet.folder().join("data/elsewhere").display());
    let incremental = ["backup", "ce-xa", "--mode", "incremental", "--storage", &new, "--yes"];
    let failed = fleet.json(&incremental).exits(15);
    assert_eq!(failed.fault()[0], "Full data backup needed before incremental data backup");
    assert_eq!(texts(&fleet, "ce-xa"), Vec::<String>::new());
    let ran = fleet.json(&["backup", "ce-xa", "--mode", "full", "--storage", &new, "--yes"]).exits(0);
    let said = texts(&fleet, "ce-xa");
    let kinds: Vec<&str> =
        said.iter().map(|text| text.split(" = ").next().unwrap().split('=').next().unwrap()).collect();
    assert_eq!(
        kinds,
        [
            "ALTER SYSTEM NOARCHIVELOG",
            "ALTER SYSTEM SET BACKUP_DEST",
            "ALTER SYSTEM ARCHIVELOG",
            "ALTER SYSTEM BACKUP DATABASE"
        ],
        "once for everybody: {said:?}"
    );
    for name in ["ce-xa/shop", "ce-xa/cart", "ce-xa/wallet"] {
        assert_eq!(ran.verdict(name)["verdict"], "restorable", "{name}");
        assert_eq!(ran.step(name, "Set backup destination"), ("ok".into(), "every server has it".into()));
    }
    // What is there now is not set again, and is a base.
    let next = fleet.json(&["backup", "ce-xa", "--mode", "incremental", "--yes"]).exits(0);
    assert_eq!(next.verdict("ce-xa/shop")["type"], "incremental");
    assert_eq!(texts(&fleet, "ce-xa").len(), 5);
}

#[test]
fn what_belongs_to_v4_is_refused_by_name() {
    let fleet = DemoFleet::serve("fleet");
    for (more, what) in [
        (["--archive-storage", "file:///log"].as_slice(), "ce-cd has no log archive destination of its own."),
        (["--plus-archivelog"].as_slice(), "ce-cd has no PLUS ARCHIVELOG."),
        (["--storage", "file:///b/{tenant}"].as_slice(), "The destination given for ce-cd cannot be used."),
    ] {
        let refused = fleet.json(&[&["backup", "ce-cd", "--mode", "full", "--yes"], more].concat()).exits(1);
        assert_eq!(refused.fault()[0], what);
    }
    let s3 = ["backup", "ce-cd", "--mode", "full", "--yes", "--storage", "s3://bucket/x?host=h", "--access-id", "i"];
    let refused = fleet.json(&s3);
    assert!(matches!(refused.code, 1 | 10), "{}", refused.out);
    assert!(refused.fault()[1].contains("s3"), "{:?}", refused.fault());
    assert_eq!(texts(&fleet, "ce-cd"), Vec::<String>::new());
}

/// On V2 and V3 the set's point is a number and the log's points are printed times. Whatever zone the server prints them in, both
/// agree; where its variables do not tell the zone, it is asked to print in UTC.
#[test]
fn a_window_is_right_in_every_time_zone_of_the_server() {
    let fleet = DemoFleet::serve("needs-compaction");
    let cluster = "legacy-sh";
    let target = tenants(&fleet, cluster).remove(0);
    let zones = [
        ("-05:30", "", "-05:30"),
        ("SYSTEM", "+02:00", "+02:00"),
        ("SYSTEM", "CST", "+08:00"),
        ("+00:00", "", "+00:00"),
    ];
    for (zone, system, shown) in zones {
        fleet.ask(&ControlRequest::TimeZone { zone: zone.to_owned(), system: system.to_owned() });
        let ran = fleet.json(&["backup", cluster, "--mode", "full", "--compact", "auto", "--yes"]).exits(0);
        let verdict = ran.verdict(&target);
        assert_eq!(verdict["verdict"], "restorable", "{verdict}");
        let moment = |field: &str| verdict[field].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
        let minutes = moment("to").duration_since(moment("from")).as_mins();
        assert!((0..30).contains(&minutes), "{zone} {system}: {verdict}");
        let report = fleet.run(&["report", verdict["task"].as_str().unwrap()]).exits(0);
        let report = std::fs::read_to_string(report.out.trim()).unwrap();
        assert!(report.contains(&format!("{shown} (server time)")), "{zone} {system}: {report}");
    }
}

/// No file in a directory says whose it is before V4; that nobody can tell is said before it is set, by check and by backup.
#[test]
fn new_destination_owner_is_reported_unchecked() {
    let fleet = DemoFleet::serve("fleet");
    let storage = format!("file://{}", fleet.folder().join("data/new").display());
    let plan = ["backup", "ce-cd", "--mode", "full", "--storage", &storage, "--dry-run"];
    let planned = fleet.json(&plan).exits(0);
    for check in ["destination_proven", "owner"] {
        let (result, found) = planned.check("ce-cd", check);
        assert_eq!(result, "not_checked", "{found}");
        assert!(found.contains(&storage) && found.contains("below V4 a directory has no format file"), "{found}");
    }
    assert_eq!(texts(&fleet, "ce-cd"), Vec::<String>::new());
}
