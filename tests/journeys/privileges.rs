//! Tests of logins without some privileges: what each lacks, the GRANT statement, and exit 12; nothing is sent.

use crate::fleet::DemoFleet;

const BACKUP: [&str; 4] = ["--mode", "full", "--yes", "--json"];

#[test]
fn a_login_without_alter_system_is_refused_by_name() {
    let fleet = DemoFleet::serve("no-privilege");
    let lacks = "the login watcher@sys lacks ALTER SYSTEM; SHOW GRANTS has: GRANT SELECT ON `oceanbase`.* TO 'watcher'";
    let check = fleet.json(&["check", "watched/pay"]).exits(12).quiet();
    assert_eq!(check.check("watched", "privileges"), ("fail".into(), lacks.into()));
    for target in ["watched/pay", "watched"] {
        let ran = fleet.run(&[&["backup", target][..], &BACKUP].concat()).exits(12).quiet();
        assert_eq!(
            ran.fault(),
            [
                "watched cannot be backed up now.".to_owned(),
                format!("T{}.", &lacks[1..]),
                "As root@sys: GRANT ALTER SYSTEM ON *.* TO 'watcher';".to_owned(),
            ]
        );
    }
    for row in fleet.json(&["targets"]).exits(0).of_kind("target") {
        if row["target"].as_str().unwrap().starts_with("watched") {
            assert_eq!((&row["eligible"], &row["reason"]), (&false.into(), &lacks.into()));
            assert!(row["last_good"].is_object(), "what it may see it sees");
        }
    }
    assert!(fleet.statements().is_empty());
}

#[test]
fn missing_view_privileges_are_all_named() {
    let fleet = DemoFleet::serve("no-privilege");
    let expected = [
        "The login guest@sys may not read oceanbase.DBA_OB_TENANTS.",
        "A backup is planned, watched and proven from the server's own views; SHOW GRANTS has: GRANT USAGE ON *.* TO \
         'guest'.",
        "As root@sys: GRANT SELECT ON oceanbase.* TO 'guest'; GRANT ALTER SYSTEM ON *.* TO 'guest';",
    ];
    for command in [&["check", "guest/pay", "--json"][..], &[&["backup", "guest/pay"][..], &BACKUP].concat()] {
        let ran = fleet.run(command).exits(12).quiet();
        assert_eq!(ran.fault(), expected);
        assert_eq!(ran.of_kind("fault")[0]["code"], 1142);
    }
    let row = fleet.json(&["targets"]).exits(0).of_kind("target").into_iter().find(|row| row["target"] == "guest");
    let row = row.unwrap();
    assert_eq!((&row["state"], &row["eligible"]), (&"refused".into(), &false.into()));
    assert_eq!(row["reason"], format!("{} {}", expected[0], expected[1]));
    assert!(fleet.statements().is_empty());
}

#[test]
fn an_oracle_mode_tenants_own_login_is_told_to_use_sys() {
    let fleet = DemoFleet::serve("no-privilege");
    let ran = fleet.run(&[&["backup", "oracle/report"][..], &BACKUP].concat()).exits(12).quiet();
    let [what, why, next] = ran.fault();
    assert!(what.starts_with("SYS@report cannot log in to 127.0.0.1:"), "{what}");
    assert_eq!(why, "It belongs to an Oracle-mode tenant, which this protocol cannot log in to.");
    assert_eq!(next, "Use root@sys: Oracle-mode tenants are backed up from the sys tenant.");
}

#[test]
fn mixed_builds_alone_are_overridden_and_the_plan_says_so() {
    let fleet = DemoFleet::serve("mixed-builds");
    let check = fleet.json(&["check", "demo/pay"]).exits(10).quiet();
    let (result, found) = check.check("demo", "one_build");
    let builds = "4.2.5.1_101000092024120918-33c61340b84acea88d8cfe868d2a75f7f3b042d1(Dec 10 2024 06:37:41), \
                  4.2.5.2_102000042025010815-2f1c0bb1d0f6b5b7a1c6b3e3a6a0e2fd8b7e5a11(Jan  8 2025 16:30:05)";
    assert_eq!(result, "fail");
    assert_eq!(found, format!("the servers run 2 builds, as a half-finished upgrade leaves them: {builds}"));
    let refused = fleet.run(&[&["backup", "demo/pay"][..], &BACKUP].concat()).exits(10).quiet();
    assert_eq!(refused.fault()[2], "Finish the upgrade, or override this with --skip one_build.");
    assert!(fleet.statements().is_empty());

    let overridden = format!("overridden: the servers run 2 builds, as a half-finished upgrade leaves them: {builds}");
    let skip = ["backup", "demo/pay", "--mode", "full", "--skip", "one_build"];
    let shown = fleet.run(&[&skip[..], &["--dry-run"]].concat()).exits(0);
    assert!(shown.out.contains(&format!("\n  {overridden}\n")), "{}", shown.out);
    let ran = fleet.json(&[&skip[..], &["--yes"]].concat()).exits(0).quiet();
    assert_eq!(
        ran.of_kind("plan")[0]["overridden"],
        serde_json::json!([{"target": "demo", "check": "one_build", "found": overridden}])
    );
    assert_eq!(ran.verdict("demo/pay")["verdict"], "restorable");
    // An upgrade that runs is refused whatever is skipped.
    let never = ["backup", "demo/pay", "--mode", "full", "--yes", "--skip", "upgrading"];
    let refused = fleet.json(&never).exits(1);
    assert_eq!(refused.fault()[0], "The check upgrading cannot be skipped.");
    assert!(refused.fault()[1].starts_with("Only these may be overridden: one_build"), "{:?}", refused.fault());
}
