//! Tests of the server's proof by `RESTORE .. PREVIEW`: what it finds ends a backup, what is missing makes it bad, and without an
//! answer the verdict is unchanged.

use obnow::demo::control::ControlRequest;
use obnow::demo::fault_injection::{FaultEffect, InjectedFault};
use serde_json::Value;

use crate::fleet::{CommandResult, DemoFleet};

fn full(fleet: &DemoFleet, target: &str, more: &[&str]) -> CommandResult {
    let mut args = vec!["backup", target, "--mode", "full", "--yes"];
    args.extend(more);
    fleet.json(&args)
}

fn confirming(planned: &CommandResult) -> Value {
    let plan = planned.of_kind("plan")[0].clone();
    let steps = plan["steps"].as_array().unwrap();
    steps.iter().find(|step| step["step"] == "Confirm restorable").unwrap().clone()
}

#[test]
fn a_good_backup_ends_with_what_the_server_found() {
    let fleet = DemoFleet::serve("healthy");
    let planned = fleet.json(&["backup", "demo/pay", "--mode", "full", "--dry-run"]).exits(0);
    let step = confirming(&planned);
    let shown: Vec<&str> = step["statements"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert!(shown[0].starts_with("ALTER SYSTEM RESTORE FROM 'file:///"), "{shown:?}");
    assert!(shown[0].ends_with("/clog' UNTIL SCN = 0 PREVIEW"), "{shown:?}");
    assert_eq!(shown[1], "SHOW RESTORE PREVIEW");
    assert!(step["effect"].as_str().unwrap().contains("MIN_RESTORE_SCN is filled in"), "{step}");
    assert!(fleet.previews().is_empty());

    let ran = full(&fleet, "demo/pay", &[]).exits(0).quiet();
    let verdict = ran.verdict("demo/pay");
    let proof = &verdict["proof"];
    assert_eq!((&proof["by"], &proof["sets"]), (&"media".into(), &serde_json::json!([3])), "{verdict}");
    assert_eq!(proof["until_scn"], verdict["from_scn"], "the window's own start was asked for");
    assert!(proof["at"].is_string() && !proof["pieces"].as_array().unwrap().is_empty(), "{proof}");
    assert!(verdict["proof_why"].is_null(), "{verdict}");
    let looks = fleet.previews();
    assert_eq!(looks.len(), 1, "{looks:?}");
    assert!(looks[0].0.ends_with(&format!("UNTIL SCN = {} PREVIEW", verdict["from_scn"])), "{looks:?}");
    // It is audited like everything that is sent, in the words that were sent.
    let audit = std::fs::read_to_string(fleet.state().join("audit.jsonl")).unwrap();
    assert_eq!(audit.matches(" PREVIEW\"").count(), 2, "the question and its answer: {audit}");

    let report = fleet.run(&["report", &ran.task()]).exits(0);
    let text = std::fs::read_to_string(report.out.trim().rsplit(' ').next().unwrap()).unwrap_or(report.out.clone());
    assert!(text.contains("the server found set 3 and piece") || report.out.contains(".txt"), "{text}");

    let plain = fleet.run(&["backup", "demo/order", "--mode", "incremental", "--yes"]).exits(0);
    assert!(plain.out.contains("  the server found sets 3, 2, 1 and piece"), "{}", plain.out);
}

#[test]
fn without_a_proof_it_is_said_and_nothing_is_asked() {
    let fleet = DemoFleet::serve("healthy");
    let ran = full(&fleet, "demo/pay", &["--no-proof"]).exits(0).quiet();
    let verdict = ran.verdict("demo/pay");
    assert!(verdict["proof"].is_null(), "{verdict}");
    assert_eq!(verdict["proof_why"], "it was left out by --no-proof");
    assert!(fleet.previews().is_empty());
    let same = fleet.json(&["backup", "demo/pay", "--mode", "full", "--no-proof", "--dry-run"]).exits(0);
    assert!(confirming(&same)["statements"].as_array().unwrap().is_empty());
    assert!(same.of_kind("plan")[0]["same_as"].as_str().unwrap().ends_with(" --no-proof"));
}

#[test]
fn encrypted_backup_is_proven_only_on_request() {
    let fleet = DemoFleet::serve("healthy");
    let secret = fleet.folder().join("secret");
    std::fs::write(&secret, "s3cr3t-CANARY\n").unwrap();
    std::fs::set_permissions(&secret, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let source = format!("file:{}", secret.display());
    let ran = full(&fleet, "demo/pay", &["--encrypt-from", &source]).exits(0).quiet();
    let why = ran.verdict("demo/pay")["proof_why"].clone();
    assert_eq!(why, "it needs the password of this backup, and secrets are sent only with --prove");

    let ran = full(&fleet, "demo/order", &["--encrypt-from", &source, "--prove"]).exits(0);
    assert_eq!(ran.verdict("demo/order")["proof"]["sets"], serde_json::json!([3]));
    let statements = confirming(&ran)["statements"].clone();
    assert_eq!(statements[0], "SET DECRYPTION IDENTIFIED BY '***'", "{statements}");
    assert!(!std::fs::read_to_string(fleet.state().join("audit.jsonl")).unwrap().contains("CANARY"));
    assert!(!ran.out.contains("CANARY") && !ran.err.contains("CANARY"));
    // What is in the directory now keeps the next one from being looked at without it.
    let next = full(&fleet, "demo/order", &[]).exits(0).quiet();
    let why = next.verdict("demo/order")["proof_why"].clone();
    assert_eq!(why, "it needs the password of set 3, and secrets are sent only with --prove");
    let next = full(&fleet, "demo/order", &["--prove", "--decrypt-from", &source]).exits(0);
    assert_eq!(next.verdict("demo/order")["proof"]["sets"], serde_json::json!([5]));
}

#[test]
fn what_the_storage_lacks_makes_a_backup_bad() {
    let fleet = DemoFleet::serve("media-lost");
    let ran = fleet.json(&["backup", "demo", "--mode", "full", "--yes"]).exits(22);
    for tenant in ["demo/pay", "demo/order", "demo/report"] {
        let verdict = ran.verdict(tenant);
        assert_eq!(verdict["verdict"], "not_restorable", "{verdict}");
        assert!(verdict["proof"].is_null(), "{verdict}");
        let why = verdict["fault"]["why"].as_str().unwrap();
        assert!(why.starts_with("The views list it, the storage lacks it: "), "{why}");
    }
    let why = |tenant: &str| ran.verdict(tenant)["proof_why"].as_str().unwrap().to_owned();
    assert_eq!(why("demo/pay"), "the server answers 4018: no enough log for restore");
    assert_eq!(why("demo/order"), "the server would restore from sets 1, 2, not from set 3");
    let asked = fleet.previews().iter().filter(|(text, _)| text.contains("/pay/")).count();
    assert!(asked > 1, "it was asked again until the time was over: {asked}");

    // At any time later, without a backup: the same, until the cause is gone.
    let in_vain = fleet.run(&["prove", "demo/pay"]).exits(22);
    assert_eq!(in_vain.err.matches("waits for the storage to show it").count(), 1, "{}", in_vain.err);
    assert_eq!(fleet.fix().len(), 3);
    let proven = fleet.json(&["prove", "demo/pay"]).exits(0);
    let verdict = proven.of_kind("verdict")[0].clone();
    assert_eq!((&verdict["verdict"], &verdict["task"]), (&"restorable".into(), &Value::Null), "{verdict}");
    assert_eq!(verdict["proof"]["sets"], serde_json::json!([3]));
    let all = fleet.json(&["prove", "demo"]).exits(0);
    assert_eq!(all.of_kind("verdict").len(), 4, "one a tenant, and the worst");
}

#[test]
fn a_password_that_nobody_gave_changes_no_verdict() {
    let fleet = DemoFleet::serve("wrong-password");
    let ran = full(&fleet, "demo/order", &[]).exits(0);
    let verdict = ran.verdict("demo/order");
    assert!(verdict["proof"].is_null(), "{verdict}");
    assert!(verdict["proof_why"].as_str().unwrap().starts_with("the server answers 9047: "), "{verdict}");
    // Where the views list it nothing is sent without being asked for.
    let ran = full(&fleet, "demo/pay", &[]).exits(0);
    let why = ran.verdict("demo/pay")["proof_why"].clone();
    assert_eq!(why, "it needs the password of set 1, and secrets are sent only with --prove");
    fleet.json(&["prove", "demo/pay"]).exits(21);
    let secret = fleet.folder().join("secret");
    std::fs::write(&secret, "forgotten\n").unwrap();
    std::fs::set_permissions(&secret, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let source = format!("file:{}", secret.display());
    let proven = fleet.run(&["prove", "demo/pay", "--decrypt-from", &source]).exits(0);
    assert!(proven.err.contains("whose audit and logs may keep it"), "{}", proven.err);
    assert!(proven.out.contains("the server found set 3 and piece"), "{}", proven.out);
}

#[test]
fn log_inside_the_set_is_proven_without_archive() {
    // The archive stands still, and the set needs none.
    let fleet = DemoFleet::serve("lagging");
    let ran = full(&fleet, "demo/pay", &["--plus-archivelog"]).exits(0);
    let statements = confirming(&ran)["statements"].as_array().unwrap().len();
    assert_eq!(statements, 4, "both questions are shown");
    let verdict = ran.verdict("demo/pay");
    assert_eq!((&verdict["from"], &verdict["proof"]["sets"]), (&verdict["to"], &serde_json::json!([3])), "{verdict}");
    let (said, _) = fleet.previews().pop().unwrap();
    assert!(!said.contains("/clog"), "{said}");
}

#[test]
fn through_a_proxy_nothing_is_asked() {
    let fleet = DemoFleet::serve("healthy");
    let name = "proxied".to_owned();
    let (cluster, tenant, server, fixable, since) = (None, None, None, true, 0);
    let fault = InjectedFault { name, cluster, tenant, server, fixable, since, effect: FaultEffect::BehindProxy };
    fleet.ask(&ControlRequest::InjectFault { fault });
    let ran = full(&fleet, "demo/pay", &["--prove"]).exits(0).quiet();
    let why = ran.verdict("demo/pay")["proof_why"].as_str().unwrap().to_owned();
    assert!(why.contains("through a proxy"), "{why}");
    fleet.json(&["prove", "demo/pay"]).exits(21);
    assert!(fleet.previews().is_empty());
}

#[test]
fn proof_timeout_leaves_the_verdict_to_the_views() {
    let fleet = DemoFleet::serve("healthy");
    let prefix = "SHOW RESTORE PREVIEW".to_owned();
    fleet.ask(&ControlRequest::HoldReply { prefix, applied: true, lingers: false });
    let ran = full(&fleet, "demo/pay", &[]).exits(0).quiet();
    let verdict = ran.verdict("demo/pay");
    assert_eq!((&verdict["verdict"], &verdict["proof"]), (&"restorable".into(), &Value::Null), "{verdict}");
    let why = verdict["proof_why"].as_str().unwrap();
    assert!(why.contains("did not answer a statement within"), "{why}");
}

#[test]
fn only_v3_1_community_supports_legacy_proof() {
    let fleet = DemoFleet::serve("fleet");
    let proven = fleet.json(&["prove", "ce-xa/shop"]).exits(0);
    let verdict = proven.of_kind("verdict")[0].clone();
    assert_eq!(verdict["proof"]["sets"], serde_json::json!([1, 2]), "{verdict}");
    let said = fleet.statements_to("ce-xa");
    let (asked, outcome) = said.last().unwrap();
    assert!(asked.starts_with("ALTER SYSTEM RESTORE obnow_look_0 FROM shop AT 'file:///"), "{asked}");
    assert_eq!(outcome, "done");
    let ran = fleet.json(&["backup", "ce-xa", "--mode", "full", "--yes"]).exits(0);
    let why = ran.verdict("ce-xa/shop")["proof_why"].as_str().unwrap().to_owned();
    assert!(why.contains("obnow prove"), "{why}");
    let none = fleet.json(&["prove", "pre-gate-tj/fund"]).exits(21);
    let why = none.of_kind("verdict")[0]["proof_why"].as_str().unwrap().to_owned();
    assert!(why.ends_with("cannot be asked to look at the storage"), "{why}");
}

#[test]
fn unsendable_password_is_refused_before_announcement_and_audit() {
    let fleet = DemoFleet::serve("wrong-password");
    let secret = fleet.folder().join("secret");
    std::fs::write(&secret, "CANARY'b\n").unwrap();
    std::fs::set_permissions(&secret, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let refused = fleet.run(&["prove", "demo/pay", "--decrypt-from", &format!("file:{}", secret.display())]).exits(1);
    assert!(refused.err.contains("a quote"), "{}", refused.err);
    assert!(!refused.err.contains("Sends ") && !refused.err.contains("CANARY"), "{}", refused.err);
    let audit = std::fs::read_to_string(fleet.state().join("audit.jsonl")).unwrap_or_default();
    assert!(!audit.contains("PREVIEW"), "{audit}");
    assert!(fleet.previews().is_empty());
}

#[test]
fn tenant_without_a_backup_makes_the_summary_unknown() {
    let fleet = DemoFleet::serve("no-full");
    let ran = fleet.json(&["prove", "demo"]).exits(4).quiet();
    assert_eq!(ran.verdict("demo/order")["verdict"], "restorable");
    let all = ran.of_kind("verdict");
    let summary = all.last().unwrap();
    assert_eq!((&summary["target"], &summary["verdict"]), (&Value::Null, &"unknown".into()), "{summary}");
    assert_eq!(summary["fault"]["what"], "There is no backup of demo/pay to prove.");
}
