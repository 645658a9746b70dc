//! Tests of a login to a tenant, which sees only that tenant: the same backup with the statements of a tenant.

use obnow::demo::control::ControlRequest;
use obnow::demo::fault_injection::{FaultEffect, InjectedFault};
use serde_json::json;

use crate::fleet::{CommandResult, DemoFleet};

/// A scenario whose inventory logs in as this user instead of `root@sys`.
fn served_as(scenario: &str, user: &str) -> DemoFleet {
    let fleet = DemoFleet::serve(scenario);
    let text = std::fs::read_to_string(fleet.config()).unwrap();
    assert!(text.contains("user: root@sys"), "{text}");
    std::fs::write(fleet.config(), text.replace("user: root@sys", &format!("user: {user}"))).unwrap();
    fleet
}

const FULL: [&str; 5] = ["backup", "demo/pay", "--mode", "full", "--yes"];

/// What a tenant does not see is listed, each with its reason.
#[track_caller]
fn sees_its_tenant_alone(ran: &CommandResult, cluster: &str) {
    for (check, why) in [
        ("upgrading", "upgrade mode and upgrade jobs are seen from the sys tenant only"),
        ("one_build", "the servers are seen from the sys tenant only"),
        ("servers", "the servers are seen from the sys tenant only"),
    ] {
        assert_eq!(ran.check(cluster, check), ("not_checked".into(), why.into()), "{check}");
    }
}

#[test]
fn a_tenant_backs_itself_up_full_and_incremental() {
    let fleet = DemoFleet::serve("no-privilege");
    let check = fleet.json(&["check", "own/pay"]).exits(0).quiet();
    sees_its_tenant_alone(&check, "own");
    let may = "the login root@pay#demo may read the views and has ALTER SYSTEM";
    assert_eq!(check.check("own", "privileges"), ("pass".into(), may.into()));
    let others = "none runs on the tenant; one that sys has accepted and not yet begun is seen from sys only";
    assert_eq!(check.check("own/pay", "another_backup"), ("not_checked".into(), others.into()));

    let full = fleet.json(&["backup", "own/pay", "--mode", "full", "--yes"]).exits(0).quiet();
    let verdict = full.verdict("own/pay");
    assert_eq!((&verdict["verdict"], &verdict["type"]), (&"restorable".into(), &"full".into()));
    let incremental = fleet.json(&["backup", "own/pay", "--mode", "incremental", "--yes"]).exits(0).quiet();
    assert_eq!(incremental.verdict("own/pay")["type"], "incremental");
    // A user that was granted what it takes does as well as root.
    let op = fleet.json(&["backup", "op/order", "--mode", "full", "--yes"]).exits(0).quiet();
    assert_eq!(
        fleet.statements(),
        [
            format!("ALTER SYSTEM BACKUP DATABASE DESCRIPTION = 'obnow {}.1'", full.task()),
            format!("ALTER SYSTEM BACKUP INCREMENTAL DATABASE DESCRIPTION = 'obnow {}.1'", incremental.task()),
            format!("ALTER SYSTEM BACKUP DATABASE DESCRIPTION = 'obnow {}.1'", op.task()),
        ]
    );
    // The job is the tenant's own: it has no parent.
    let job = fleet.job("pay");
    assert_eq!((&job["tenant_id"], &job["initiator_tenant_id"]), (&json!(1002), &json!(1002)));
    let plain = fleet.run(&["backup", "own/pay", "--mode", "full", "--dry-run"]).exits(0);
    assert_eq!(plain.out.matches("the servers are seen from the sys tenant only").count(), 3, "{}", plain.out);
}

#[test]
fn tenant_admin_lists_only_its_own_tenant() {
    let fleet = DemoFleet::serve("no-privilege");
    let rows = fleet.json(&["targets"]).exits(0).quiet().of_kind("target");
    let own: Vec<_> = rows.iter().filter(|row| row["target"].as_str().unwrap().starts_with("own")).collect();
    assert_eq!(own.len(), 2, "{own:#?}");
    let why = "the login root@pay#demo sees the tenant pay alone, not the cluster";
    assert_eq!(
        (&own[0]["target"], &own[0]["eligible"], &own[0]["reason"]),
        (&"own".into(), &false.into(), &why.into())
    );
    assert_eq!((&own[1]["target"], &own[1]["eligible"]), (&"own/pay".into(), &true.into()));
    assert!(own[1]["last_good"].is_object());
    for command in [&["check", "own"][..], &["backup", "own", "--mode", "full", "--yes"]] {
        let ran = fleet.json(command).exits(12).quiet();
        assert_eq!(ran.check("own", "privileges"), ("fail".into(), why.into()));
    }
    let ran = fleet.json(&["backup", "own/order", "--mode", "full", "--yes"]).exits(1).quiet();
    assert_eq!(ran.fault()[..2], ["There is no tenant order on own.", "Its user tenants are: pay."]);
    assert!(fleet.statements().is_empty());
}

#[test]
fn a_failed_backup_of_a_tenant_is_retried_as_a_new_one() {
    let fleet = served_as("fails", "root@pay");
    let ran = fleet.json(&FULL).exits(20).quiet();
    let task = ran.task();
    assert_eq!(ran.fault()[0], "The backup of demo/pay failed on the server.");
    fleet.fix();
    let again = fleet.json(&["retry", &task, "--yes"]).exits(0);
    assert_eq!(again.verdict("demo/pay")["verdict"], "restorable");
    let start = |attempt| format!("ALTER SYSTEM BACKUP DATABASE DESCRIPTION = 'obnow {task}.{attempt}'");
    assert_eq!(fleet.statements(), [start(1), start(2)]);
}

#[test]
fn a_tenants_cancel_ends_its_own_job_and_nobody_elses() {
    let fleet = served_as("stalls", "root@pay");
    fleet.ask(&ControlRequest::HoldPhase { cluster: None, tenant: "order".into(), phase: "BACKUP_DATA_MAJOR".into() });
    let config = std::fs::read_to_string(fleet.config()).unwrap();
    std::fs::write(fleet.config(), config.replace("user: root@pay", "user: root@order")).unwrap();
    let other = fleet.json(&["backup", "demo/order", "--mode", "full", "--yes", "--detach"]).exits(0).task();
    fleet.wait("order", "task", "BACKUP_DATA_MAJOR");
    std::fs::write(fleet.config(), config).unwrap();
    let task = fleet.json(&["backup", "demo/pay", "--mode", "full", "--yes", "--detach"]).exits(0).task();
    fleet.wait("pay", "task", "BACKUP_DATA_MAJOR");
    let cancelled = fleet.json(&["cancel", &task, "--yes"]).exits(23);
    assert_eq!(cancelled.verdict("demo/pay")["verdict"], "cancelled");
    let said = fleet.statements();
    assert_eq!(said.last().unwrap(), "ALTER SYSTEM CANCEL BACKUP", "{said:#?}");
    assert_eq!(said.len(), 3);
    fleet.fix();
    fleet.ask(&ControlRequest::ReleasePhase {
        cluster: None,
        tenant: "order".into(),
        phase: "BACKUP_DATA_MAJOR".into(),
    });
    let other = fleet.json(&["watch", &other]).exits(0);
    assert_eq!(other.verdict("demo/order")["verdict"], "restorable");
}

#[test]
fn a_tenant_sets_its_destinations_and_starts_its_archive() {
    let fleet = served_as("no-destination", "root@pay");
    // The strategy of the inventory wants the cluster's id, which a tenant does not see; no other is made up.
    let ran = fleet.json(&FULL).exits(1).quiet();
    assert_eq!(ran.fault()[0], "The destination given for demo/pay cannot be used.");
    assert!(ran.fault()[1].contains("{cluster_id}"), "{:?}", ran.fault());
    let data = format!("file://{}", fleet.folder().join("data/own").display());
    let storage = format!("{data}/{{tenant_id}}");
    let mut given = FULL.to_vec();
    given.extend(["--storage", &storage]);
    let ran = fleet.json(&given).exits(0);
    assert_eq!(
        fleet.statements(),
        [
            format!("ALTER SYSTEM SET LOG_ARCHIVE_DEST = 'LOCATION={data}/1002/clog'"),
            format!("ALTER SYSTEM SET DATA_BACKUP_DEST = '{data}/1002/data'"),
            "ALTER SYSTEM ARCHIVELOG".to_owned(),
            format!("ALTER SYSTEM BACKUP DATABASE DESCRIPTION = 'obnow {}.1'", ran.task()),
        ]
    );
}

#[test]
fn tenant_admin_resumes_and_restarts_its_archive() {
    for (scenario, said) in [
        ("suspended", &["ALTER SYSTEM SET LOG_ARCHIVE_DEST_STATE = 'ENABLE'"][..]),
        ("archive-broken", &["ALTER SYSTEM NOARCHIVELOG", "ALTER SYSTEM ARCHIVELOG"]),
    ] {
        let fleet = served_as(scenario, "root@pay");
        let ran = fleet.json(&[&FULL[..], &["--resume-archive"]].concat()).exits(0);
        let mut expected: Vec<String> = said.iter().map(|text| (*text).to_owned()).collect();
        expected.push(format!("ALTER SYSTEM BACKUP DATABASE DESCRIPTION = 'obnow {}.1'", ran.task()));
        assert_eq!(fleet.statements(), expected, "{scenario}");
    }
}

#[test]
fn a_lost_reply_is_settled_by_the_tenants_own_views() {
    let fleet = served_as("lost-reply", "root@pay");
    let ran = fleet.json(&FULL).exits(0);
    assert_eq!(fleet.starts(), [format!("ALTER SYSTEM BACKUP DATABASE DESCRIPTION = 'obnow {}.1'", ran.task())]);

    // Lost before it was carried out: the connection is gone, and that is seen from the tenant.
    fleet.ask(&ControlRequest::LoseReply { prefix: "ALTER SYSTEM BACKUP".into(), applied: false });
    let ran = fleet.json(&FULL).exits(15);
    let [_, why, next] = ran.fault();
    assert_eq!(
        why,
        "It is proven: the connection that sent it is gone on the server, and no job carries its description."
    );
    assert_eq!(next, "Retry sends it again, once.");
    fleet.json(&["retry", &ran.task(), "--yes"]).exits(0);
}

#[test]
fn hidden_connections_are_no_proof_of_absence() {
    let fleet = served_as("healthy", "root@pay");
    let text = std::fs::read_to_string(fleet.config()).unwrap();
    std::fs::write(fleet.config(), text.replace("statement: 5s", "statement: 1s")).unwrap();
    let denied = FaultEffect::ViewDenied { view: "GV$OB_PROCESSLIST".into() };
    let (cluster, tenant) = (None, Some("pay".to_owned()));
    let fault =
        InjectedFault { name: "hidden".into(), cluster, tenant, server: None, fixable: true, since: 0, effect: denied };
    fleet.ask(&ControlRequest::InjectFault { fault });
    fleet.ask(&ControlRequest::LoseReply { prefix: "ALTER SYSTEM BACKUP".into(), applied: false });
    let ran = fleet.json(&FULL).exits(15);
    assert_eq!(
        ran.fault()[1],
        "It is proven: the server's own limit of 11 s for it has passed, and no job carries its description."
    );
    fleet.json(&["retry", &ran.task(), "--yes"]).exits(0);
    assert_eq!(fleet.starts().len(), 2);
}

#[test]
fn upgrade_hidden_from_tenant_is_refused_by_server() {
    let fleet = served_as("upgrading", "root@pay");
    let ran = fleet.json(&FULL).exits(15);
    sees_its_tenant_alone(&ran, "demo");
    assert_eq!(ran.step("demo/pay", "Start data backup").0, "failed");
    assert!(ran.fault()[0].contains("9040"), "{:?}", ran.fault());
}

#[test]
fn tenant_admin_watches_a_backup_started_by_sys() {
    let fleet = served_as("busy", "root@pay");
    let ran = fleet.json(&FULL).exits(11).quiet();
    let (result, found) = ran.check("demo/pay", "another_backup");
    assert_eq!(result, "fail");
    assert!(found.contains("job 1 runs on it: a backup (full) since "), "{found}");
    let watched = fleet.fix_while_watched("demo/pay").1.exits(0);
    assert_eq!(watched.verdict("demo/pay")["verdict"], "restorable");
    assert!(fleet.starts().iter().all(|start| start.contains(" TENANT = ")), "the tenant started nothing");
}
