//! Tests of targets that may not be backed up now, or cannot be reached: which, why, and that nothing is sent.

use crate::fleet::DemoFleet;

#[test]
fn upgrading_cluster_is_refused() {
    let fleet = DemoFleet::serve("upgrading");
    let signs = "the cluster is upgrading: enable_upgrade_mode is True; job 1 UPGRADE_ALL is INPROGRESS";
    for row in fleet.json(&["targets"]).exits(0).quiet().of_kind("target") {
        assert_eq!(
            (&row["state"], &row["eligible"], &row["reason"]),
            (&"upgrading".into(), &false.into(), &signs.into())
        );
        assert!(row["last_good"].is_object(), "what there is can be restored all the same");
    }
    let plain = fleet.run(&["targets"]).exits(0);
    assert!(plain.out.contains("  upgrading: enable_upgrade_mode is True; job 1"), "said once:\n{}", plain.out);
    for target in ["demo/pay", "demo"] {
        let check = fleet.json(&["check", target]).exits(10).quiet();
        assert_eq!(check.check("demo", "upgrading"), ("fail".into(), signs.into()));
        let ran = fleet.json(&["backup", target, "--mode", "full", "--yes"]).exits(10).quiet();
        assert_eq!(
            ran.fault(),
            [
                "demo cannot be backed up now.".to_owned(),
                format!("T{}.", &signs[1..]),
                "Wait until the upgrade has ended, then start the backup.".to_owned(),
            ]
        );
    }
    let skip = fleet.json(&["backup", "demo/pay", "--mode", "full", "--yes", "--skip", "upgrading"]).exits(1).quiet();
    assert_eq!(skip.fault()[0], "The check upgrading cannot be skipped.");
    assert_eq!(fleet.statements(), Vec::<String>::new());
    assert!(fleet.json(&["tasks"]).of_kind("task").is_empty());

    assert_eq!(fleet.fix(), ["upgrade"]);
    let ran = fleet.json(&["backup", "demo/pay", "--mode", "full", "--yes"]).exits(0);
    assert_eq!(ran.verdict("demo/pay")["verdict"], "restorable");
}

#[test]
fn dead_cluster_or_server_hides_no_other() {
    let fleet = DemoFleet::serve("unreachable");
    let rows = fleet.json(&["targets"]).exits(0).quiet().of_kind("target");
    let names: Vec<&str> = rows.iter().map(|row| row["target"].as_str().unwrap()).collect();
    assert_eq!(names, ["demo", "demo/pay", "demo/order", "gone"]);
    assert!(rows[..3].iter().all(|row| row["eligible"] == true && row["state"] == "normal"), "{rows:#?}");
    let gone = &rows[3];
    assert_eq!((&gone["state"], &gone["eligible"]), (&"unreachable".into(), &false.into()));
    let reason = gone["reason"].as_str().unwrap();
    assert!(reason.ends_with(" cannot be reached. Nothing listens there: connection refused."), "{reason}");
    for field in ["version", "method", "last_good"] {
        assert!(gone[field].is_null(), "{field}");
    }
    let plain = fleet.run(&["targets"]).exits(0);
    assert!(plain.out.contains(&format!("unreachable: {reason}")), "{}", plain.out);

    // Two of three servers of this cluster do not answer: the third does.
    fleet.json(&["check", "demo/pay"]).exits(0).quiet();
    let ran = fleet.json(&["backup", "demo/pay", "--mode", "full", "--yes"]).exits(0).quiet();
    assert_eq!(ran.verdict("demo/pay")["verdict"], "restorable");

    for command in [&["check", "gone/pay"][..], &["backup", "gone/pay", "--mode", "full", "--yes"]] {
        let ran = fleet.json(command).exits(14).quiet();
        let [what, why, next] = ran.fault();
        assert!(what.starts_with("127.0.0.1:") && what.ends_with(" cannot be reached."), "{what}");
        assert_eq!(why, "Nothing listens there: connection refused.");
        assert_eq!(
            next,
            "Check the address and the port, the server's state and the firewall between this host and it."
        );
    }
    assert_eq!(fleet.starts().len(), 1);
    assert_eq!(fleet.fix(), ["server-down", "server-hangs", "cluster-down"]);
    let ran = fleet.json(&["backup", "gone/pay", "--mode", "full", "--yes"]).exits(0);
    assert_eq!(ran.verdict("gone/pay")["verdict"], "restorable");
}

#[test]
fn a_refused_login_names_the_user_and_no_password() {
    let fleet = DemoFleet::serve("login-refused");
    let rows = fleet.json(&["targets"]).exits(0).quiet().of_kind("target");
    assert_eq!((rows.len(), &rows[0]["state"], &rows[0]["eligible"]), (1, &"refused".into(), &false.into()));
    let secret = std::fs::read_to_string(fleet.folder().join("fleet-password")).unwrap();
    for command in [&["check", "demo/pay"][..], &["backup", "demo/pay", "--mode", "full", "--yes"]] {
        let ran = fleet.json(command).exits(12).quiet();
        let [what, why, next] = ran.fault();
        assert!(what.starts_with("root@sys cannot log in to 127.0.0.1:"), "{what}");
        assert_eq!(why, "The server refuses the user or the password.");
        assert_eq!(next, "Check user and password of this cluster; a proxy wants user@tenant#cluster.");
        assert_eq!(ran.of_kind("fault")[0]["code"], 1045);
        let plain = fleet.run(command).exits(12);
        assert_eq!(plain.out, "", "a fault is a message, not data");
        assert_eq!(plain.err, format!("{what}\n{why}\nNext: {next}\n"));
        assert!(!plain.err.contains(secret.trim()) && !ran.out.contains(secret.trim()));
    }
    assert_eq!(fleet.fix(), ["password-changed"]);
    let ran = fleet.json(&["backup", "demo/pay", "--mode", "full", "--yes"]).exits(0);
    assert_eq!(ran.verdict("demo/pay")["verdict"], "restorable");
}

#[test]
fn standby_is_allowed_and_restoring_tenant_is_not() {
    let fleet = DemoFleet::serve("standby");
    let rows = fleet.json(&["targets"]).exits(0).of_kind("target");
    let why = "the tenant's role is RESTORE, and only PRIMARY and STANDBY can be backed up";
    assert_eq!((&rows[2]["target"], &rows[2]["state"]), (&"demo/restoring".into(), &"ineligible".into()));
    assert_eq!(rows[2]["reason"], why);
    assert!(rows[0]["last_good"].is_object(), "the worst of those that can be backed up: {}", rows[0]);

    let check = fleet.json(&["check", "demo/dr"]).exits(0);
    let (result, found) = check.check("demo/dr", "role");
    assert_eq!(result, "warn");
    assert!(found.starts_with("STANDBY: the window ends where the standby has replayed"), "{found}");
    assert_eq!(fleet.json(&["check", "demo"]).exits(4).quiet().check("demo/restoring", "role").0, "fail");
    fleet.json(&["check", "demo/restoring"]).exits(10);
    let refused = fleet.json(&["backup", "demo/restoring", "--mode", "full", "--yes"]).exits(10).quiet();
    assert_eq!(
        refused.fault(),
        [
            "demo/restoring cannot be backed up now.".to_owned(),
            format!("T{}.", &why[1..]),
            "Wait until the tenant has become PRIMARY or STANDBY.".to_owned(),
        ]
    );
    assert_eq!(fleet.statements(), Vec::<String>::new());
    let ran = fleet.json(&["backup", "demo/dr", "--mode", "full", "--yes"]).exits(0);
    assert_eq!(ran.verdict("demo/dr")["verdict"], "restorable");
}
