//! Tests of failures below V4: starts without an answer, interrupted archives, jobs that fail or are cancelled.

use obnow::demo::control::ControlRequest;

use crate::fleet::{DemoFleet, RunningCommand};

const NAME: Option<&str> = Some("ce-cd");

fn cluster() -> Option<String> {
    NAME.map(str::to_owned)
}

fn outcomes(fleet: &DemoFleet) -> Vec<(String, String)> {
    fleet.statements_to("ce-cd")
}

fn wait(fleet: &DemoFleet, tenant: &str, what: &str, is: &str) {
    let (tenant, what, is) = (Some(tenant.to_owned()), what.to_owned(), is.to_owned());
    fleet.ask(&ControlRequest::Wait { cluster: cluster(), tenant, what, is, within_ms: 30_000 });
}

/// A cause that can be removed.
fn inject(fleet: &DemoFleet, fields: &serde_json::Value) {
    let mut fault = serde_json::json!({"name": "cause", "cluster": "ce-cd", "fixable": true});
    fault.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    fleet.ask(&ControlRequest::InjectFault { fault: serde_json::from_value(fault).unwrap() });
}

const BACKUP: [&str; 5] = ["backup", "ce-cd", "--mode", "full", "--yes"];

/// R8: nothing marks the job, so a set that appeared meanwhile is attached to, and never claimed.
#[test]
fn unanswered_start_is_not_resent_or_claimed() {
    let fleet = DemoFleet::serve("fleet");
    fleet.ask(&ControlRequest::LoseReply { prefix: "ALTER SYSTEM BACKUP".into(), applied: true });
    let ran = fleet.json(&BACKUP).exits(0);
    assert_eq!(outcomes(&fleet), [("ALTER SYSTEM BACKUP DATABASE".into(), "lost after it was applied: done".into())]);
    let (state, detail) = ran.step("ce-cd/shop", "Start data backup");
    assert_eq!(state, "ok");
    assert!(detail.starts_with("set 3, started at "), "{detail}");
    assert!(detail.ends_with(" (server time), cannot be proven ours: attached to, not claimed"), "{detail}");
    assert_eq!(ran.verdict("ce-cd/shop")["verdict"], "restorable");
    let told = fleet.run(&["watch", &ran.task()]).exits(0);
    let unproven = "The start got no answer: that set 3 is the one that was asked for cannot be proven.";
    assert!(told.out.contains(unproven), "{}", told.out);
}

/// A refused start is no start; what the server says is told with the next step.
#[test]
fn another_job_makes_it_busy() {
    let fleet = DemoFleet::serve("fleet");
    fleet.ask(&ControlRequest::HoldPhase { cluster: cluster(), tenant: "shop".into(), phase: "DOING".into() });
    let first = RunningCommand::start(&fleet, &[&BACKUP[..], &["--json"]].concat());
    wait(&fleet, "shop", "task", "DOING");
    let second = fleet.json(&BACKUP).exits(11);
    assert!(second.out.contains("\"event\":\"fault\""), "{}", second.out);
    assert_eq!(outcomes(&fleet).len(), 1);
    fleet.ask(&ControlRequest::ReleasePhase { cluster: cluster(), tenant: "shop".into(), phase: "DOING".into() });
    first.end().exits(0);
}

#[test]
fn a_cancel_is_one_statement_and_ends_everybody() {
    let fleet = DemoFleet::serve("fleet");
    let held = |tenant: &str| ControlRequest::HoldPhase {
        cluster: cluster(),
        tenant: tenant.to_owned(),
        phase: "DOING".into(),
    };
    fleet.ask(&held("shop"));
    fleet.ask(&held("cart"));
    let follower = RunningCommand::start(&fleet, &[&BACKUP[..], &["--json"]].concat());
    wait(&fleet, "shop", "task", "DOING");
    let task = crate::fleet::until("the task", || {
        let tasks = fleet.json(&["tasks"]);
        let mut running = tasks.of_kind("task").into_iter().filter(|task| task["step"] == "Wait for data backup");
        running.find_map(|task| task["task"].as_str().map(str::to_owned)).ok_or(tasks.out)
    });
    let cancelled = fleet.run(&["cancel", &task, "--yes"]);
    assert_eq!(cancelled.code, 23, "{}\n{}", cancelled.out, cancelled.err);
    assert!(cancelled.err.contains("stops the one backup job, of ALL 2 tenants of ce-cd"), "{}", cancelled.err);
    let ended = follower.end().exits(23);
    for name in ["ce-cd/shop", "ce-cd/cart"] {
        assert_eq!(ended.verdict(name)["verdict"], "cancelled", "{name}");
    }
    let said: Vec<String> = outcomes(&fleet).into_iter().map(|(text, _)| text).collect();
    assert_eq!(said, ["ALTER SYSTEM BACKUP DATABASE", "ALTER SYSTEM CANCEL BACKUP"]);
    // Retry is a new backup of everybody.
    for tenant in ["shop", "cart"] {
        fleet.ask(&ControlRequest::ReleasePhase {
            cluster: cluster(),
            tenant: tenant.to_owned(),
            phase: "DOING".into(),
        });
    }
    let again = fleet.json(&["retry", &task, "--yes"]).exits(0);
    assert_eq!(again.verdict("ce-cd/cart")["verdict"], "restorable");
}

/// Views do not show why a set failed; the task's own row does.
#[test]
fn a_failed_job_is_told_with_its_code() {
    let fleet = DemoFleet::serve("fleet");
    fleet.ask(&ControlRequest::HoldPhase { cluster: cluster(), tenant: "shop".into(), phase: "DOING".into() });
    let follower = RunningCommand::start(&fleet, &[&BACKUP[..], &["--json"]].concat());
    wait(&fleet, "shop", "task", "DOING");
    fleet.ask(&ControlRequest::FailJob { cluster: cluster(), tenant: "shop".into(), code: -9051, text: String::new() });
    fleet.ask(&ControlRequest::ReleasePhase { cluster: cluster(), tenant: "shop".into(), phase: "DOING".into() });
    let failed = follower.end();
    assert!(matches!(failed.code, 4 | 20), "{} {}", failed.code, failed.out);
    let verdict = failed.verdict("ce-cd/shop");
    assert_eq!(verdict["verdict"], "failed");
    let fault = failed.of_kind("fault").into_iter().find(|fault| fault["code"] == 9051);
    let fault = fault.unwrap_or_else(|| panic!("{}", failed.out));
    assert_eq!(fault["what"], "The backup of ce-cd/shop failed on the server.");
    assert!(fault["why"].as_str().unwrap().contains("9051 (OB_BACKUP_MOUNT_FILE_NOT_VALID)"), "{fault}");
    assert!(fault["next"].as_str().unwrap().starts_with("Mount the same export on every server"), "{fault}");
}

/// R2, R4: a broken archive starts a new round. An incremental is possible all the same; what it means for the window is said.
#[test]
fn a_broken_archive_is_stopped_and_started_anew() {
    let fleet = DemoFleet::serve("fleet");
    fleet.ask(&ControlRequest::InterruptArchive { cluster: cluster(), tenant: "shop".into() });
    let incremental = fleet.json(&["check", "ce-cd", "--mode", "incremental"]).exits(0);
    let (result, found) = incremental.check("ce-cd/shop", "usable_full");
    assert_eq!(result, "warn");
    assert!(found.contains("a new log archive round begins before the backup: nothing between"), "{found}");
    let check = fleet.json(&["check", "ce-cd"]).exits(0);
    let (result, found) = check.check("ce-cd/shop", "log_archiving");
    assert!(result == "warn" && found.starts_with("INTERRUPTED: the backup stops this round"), "{found}");
    let ran = fleet.json(&[&BACKUP[..], &["--compact", "auto"]].concat()).exits(0);
    let said: Vec<String> = outcomes(&fleet).into_iter().map(|(text, _)| text).collect();
    assert_eq!(
        said,
        [
            "ALTER SYSTEM NOARCHIVELOG",
            "ALTER SYSTEM ARCHIVELOG",
            "ALTER SYSTEM MAJOR FREEZE",
            "ALTER SYSTEM BACKUP DATABASE"
        ],
        "a new round asks for a younger freeze, and each is said once"
    );
    assert_eq!(ran.verdict("ce-cd/shop")["verdict"], "restorable");
}

/// BACKUP answers only when every tenant has its backup point: it may take far longer than any other statement.
#[test]
fn a_start_may_take_longer_than_a_question() {
    let fleet = DemoFleet::serve("fleet");
    // The limit of a statement is 5 s here, by the fleet's own faster clock a twentieth of that.
    inject(&fleet, &serde_json::json!({"kind": "slow_start", "milliseconds": 60_000}));
    let ran = fleet.json(&BACKUP).exits(0);
    assert_eq!(ran.step("ce-cd/shop", "Start data backup"), ("ok".into(), "set 3".into()), "it was answered");
    assert_eq!(outcomes(&fleet), [("ALTER SYSTEM BACKUP DATABASE".into(), "done".into())]);
}

#[test]
fn upgrade_cleanup_and_standby_are_refused() {
    let fleet = DemoFleet::serve("fleet");
    for (fault, check, found) in [
        (
            serde_json::json!({"kind": "upgrade_mode"}),
            "upgrading",
            "the cluster is upgrading: enable_upgrade_mode is True",
        ),
        (serde_json::json!({"kind": "cleanup_runs"}), "cleanup", "cleanup job "),
        (
            serde_json::json!({"kind": "role", "role": "PHYSICAL STANDBY"}),
            "role",
            "the cluster is PHYSICAL STANDBY, and before V4 only a primary can be backed up",
        ),
    ] {
        inject(&fleet, &fault);
        let refused = fleet.json(&BACKUP).exits(10);
        let failed = refused.of_kind("check").into_iter().find(|check| check["result"] == "fail").unwrap();
        assert_eq!(failed["check"], check, "{failed}");
        assert!(failed["found"].as_str().unwrap().starts_with(found), "{failed}");
        fleet.ask(&ControlRequest::RemoveFaults { name: Some("cause".to_owned()) });
    }
    assert_eq!(outcomes(&fleet), []);
    fleet.json(&BACKUP).exits(0);
}

/// R7: builds that differ without another sign of an upgrade stop it, and may be overridden.
#[test]
fn mixed_builds_alone_are_overridden_and_an_upgrade_is_not() {
    let fleet = DemoFleet::serve("mixed-builds");
    let backup = ["backup", "legacy", "--mode", "full", "--yes"];
    let refused = fleet.json(&backup).exits(10).quiet();
    assert_eq!(refused.check("legacy", "upgrading").0, "pass");
    let (result, found) = refused.check("legacy", "one_build");
    assert_eq!(result, "fail");
    assert!(found.starts_with("the servers run 2 builds, as a half-finished upgrade leaves them: 3.1.2_"), "{found}");
    assert!(found.contains("3.1.2_10000392022011215-"), "{found}");
    assert_eq!(refused.fault()[2], "Finish the upgrade, or override this with --skip one_build.");
    assert_eq!(fleet.statements_to("legacy"), []);
    let skip = [&backup[..], &["--skip", "one_build"]].concat();
    let sign = serde_json::json!({"name": "cause", "cluster": "legacy", "fixable": true, "kind": "upgrade_mode"});
    fleet.ask(&ControlRequest::InjectFault { fault: serde_json::from_value(sign).unwrap() });
    let upgrading = fleet.json(&skip).exits(10).quiet();
    assert_eq!(upgrading.check("legacy", "upgrading").0, "fail");
    assert_eq!(fleet.statements_to("legacy"), []);
    fleet.ask(&ControlRequest::RemoveFaults { name: Some("cause".to_owned()) });
    let ran = fleet.json(&skip).exits(0);
    assert_eq!(ran.of_kind("plan")[0]["overridden"][0]["check"], "one_build");
    assert_eq!(ran.verdict("legacy/shop")["verdict"], "restorable");
}

/// R11: asked for on the connection of the BACKUP, and proven by the view, or it is no backup that was asked for.
#[test]
fn encryption_is_set_before_the_backup_and_proven_after_it() {
    let fleet = DemoFleet::serve("fleet");
    let secret = fleet.folder().join("secret");
    std::fs::write(&secret, "passes-by").unwrap();
    std::fs::set_permissions(&secret, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let source = format!("file:{}", secret.display());
    let encrypted = fleet.json(&[&BACKUP[..], &["--encrypt-from", &source]].concat()).exits(0);
    let said: Vec<String> = outcomes(&fleet).into_iter().map(|(text, _)| text).collect();
    assert_eq!(said, ["ALTER SYSTEM BACKUP DATABASE"]);
    let plan = encrypted.of_kind("plan").remove(0);
    let start =
        plan["steps"].as_array().unwrap().iter().find(|step| step["step"] == "Start data backup").unwrap().clone();
    assert_eq!(start["statements"][0], "SET ENCRYPTION ON IDENTIFIED BY '***' ONLY");
    let effect = start["effect"].as_str().unwrap();
    assert!(effect.ends_with("encrypted with a password, which the server writes in clear into its observer.log"));
    inject(&fleet, &serde_json::json!({"kind": "encryption_lost"}));
    let lost = fleet.json(&[&BACKUP[..], &["--encrypt-from", &source]].concat()).exits(24);
    let verdict = lost.verdict("ce-cd/shop");
    assert_eq!((&verdict["verdict"], &verdict["encryption"]), (&"restorable".into(), &"missing".into()));
    assert!(!lost.out.contains("passes-by") && !encrypted.out.contains("passes-by"));
}

/// What runs is the task's own, told by its set; on another host it is somebody's.
#[test]
fn running_job_is_listed_once_and_watchable() {
    let fleet = DemoFleet::serve("fleet");
    fleet.ask(&ControlRequest::HoldPhase { cluster: cluster(), tenant: "shop".into(), phase: "DOING".into() });
    let follower = RunningCommand::start(&fleet, &[&BACKUP[..], &["--json"]].concat());
    wait(&fleet, "shop", "task", "DOING");
    crate::fleet::until("the task alone", || {
        let tasks = fleet.json(&["tasks"]).of_kind("task");
        let own =
            tasks.iter().any(|task| task["step"] == "Wait for data backup" && task["task"] != serde_json::Value::Null);
        let elsewhere = tasks.iter().any(|task| task["task"] == serde_json::Value::Null);
        if own && !elsewhere { Ok(()) } else { Err(format!("{tasks:?}")) }
    });
    let nothing = fleet.json(&["watch", "ee-sz"]).exits(1);
    assert_eq!(nothing.fault()[2], "See what runs with: obnow tasks.");
    let other = fleet.folder().join("other");
    let (other, config) = (other.display().to_string(), fleet.config().display().to_string());
    let mut watch = std::process::Command::new(crate::fleet::OBNOW);
    watch.args(["watch", "ce-cd", "--json", "--config", &config, "--state", &other]);
    let watching = watch.stdin(std::process::Stdio::null()).stdout(std::process::Stdio::piped()).spawn().unwrap();
    crate::fleet::until("the watch", || {
        let journals = std::fs::read_dir(std::path::Path::new(&other).join("tasks"));
        journals.ok().and_then(|mut all| all.next()).map(drop).ok_or_else(|| "no task yet".to_owned())
    });
    fleet.ask(&ControlRequest::ReleasePhase { cluster: cluster(), tenant: "shop".into(), phase: "DOING".into() });
    follower.end().exits(0);
    let watched = watching.wait_with_output().unwrap();
    let out = String::from_utf8_lossy(&watched.stdout).into_owned();
    assert_eq!(watched.status.code(), Some(0), "{out}");
    for name in ["ce-cd/shop", "ce-cd/cart"] {
        let verdict = format!("\"target\":\"{name}\",\"verdict\":\"restorable\"");
        assert!(out.contains(&verdict), "the cluster is watched through its tenants: {out}");
    }
    assert_eq!(outcomes(&fleet).len(), 1);
}
