//! R5: the contract text of a needed compaction, the compaction itself, and the retry that goes on.

use obnow::demo::control::ControlRequest;

use crate::fleet::{CommandResult, DemoFleet, RunningCommand};

const NEEDED: &str = "Cluster compaction needed before full data backup";
const STEP: &str = "Start cluster compact if necessary";

fn backup(fleet: &DemoFleet, more: &[&str]) -> CommandResult {
    fleet.json(&[&["backup", "legacy-sh", "--mode", "full", "--yes"], more].concat())
}

fn texts(fleet: &DemoFleet, cluster: &str) -> Vec<String> {
    fleet.statements_to(cluster).into_iter().map(|(text, _)| text).collect()
}

/// Every target of a run, as its task names them.
fn targets(ran: &CommandResult) -> Vec<String> {
    let task = ran.of_kind("task").remove(0);
    task["targets"].as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned()).collect()
}

#[test]
fn compaction_needs_consent_and_then_resumes() {
    let fleet = DemoFleet::serve("needs-compaction");
    let check = fleet.json(&["check", "legacy-sh"]).exits(0).quiet();
    let (result, found) = check.check("legacy-sh", "compaction");
    assert_eq!(result, "warn");
    assert!(found.starts_with(&format!("step 5 will fail: {NEEDED}: the last major compaction (")), "{found}");

    let failed = backup(&fleet, &[]).exits(15).quiet();
    let names = targets(&failed);
    assert_eq!(names.len(), 14);
    for name in &names {
        assert_eq!(failed.step(name, STEP), ("failed".to_owned(), NEEDED.to_owned()), "{name}");
        assert_eq!(failed.steps(name).len(), 5, "nothing is begun after it");
    }
    assert_eq!(failed.of_kind("fault").len(), 1, "one for the cluster, not one a tenant: {}", failed.out);
    let [what, why, next] = failed.fault();
    assert_eq!(what, NEEDED);
    assert!(
        why.starts_with("The last major compaction (") && why.contains("is older than the start of log archiving ("),
        "{why}"
    );
    let on = format!(
        "m on the task's screen, or obnow retry {} --compact, performs a major compaction (may load the cluster), then goes on from this step.",
        failed.task()
    );
    assert_eq!(next, on);
    assert_eq!(texts(&fleet, "legacy-sh"), Vec::<String>::new());

    // A person reads the reason once, and for whom else it holds.
    let told = fleet.run(&["watch", &failed.task()]).exits(15);
    assert_eq!(told.err.matches("is older than the start of log archiving").count(), 1, "{}", told.err);
    for name in &names[1..] {
        assert!(told.out.contains(name.as_str()), "{name}\n{}", told.out);
    }
    assert_eq!(told.err.matches(&format!("{NEEDED} (As for {}.)", names[0])).count(), 13, "{}", told.err);

    // A plain retry only looks again while nothing has changed.
    let again = fleet.json(&["retry", &failed.task(), "--yes"]).exits(15);
    assert_eq!(again.fault()[0], NEEDED);
    assert_eq!(again.steps(&names[0]).len(), 1);
    assert_eq!(texts(&fleet, "legacy-sh"), Vec::<String>::new());

    // Off a terminal nothing is done that was not said.
    let asked = fleet.run(&["retry", &failed.task(), "--compact"]).exits(1);
    assert!(
        asked.err.contains("A major compaction of ALL 14 tenants of legacy-sh; the last one took "),
        "{}",
        asked.err
    );
    assert!(asked.err.contains("It may affect the business.\n  ALTER SYSTEM MAJOR FREEZE\n"), "{}", asked.err);
    assert!(asked.err.contains("The major compaction was not started.\n"), "{}", asked.err);
    assert_eq!(texts(&fleet, "legacy-sh"), Vec::<String>::new());

    // The second zone waits until the first was seen.
    let held =
        serde_json::json!({"name": "held", "cluster": "legacy-sh", "server": 1, "kind": "hold", "phase": "MERGE"});
    fleet.ask(&ControlRequest::InjectFault { fault: serde_json::from_value(held).unwrap() });
    let retry = RunningCommand::start(&fleet, &["retry", &failed.task(), "--compact", "--yes"]);
    retry.wait_for_stdout("1 of 3 zones merged (");
    fleet.ask(&ControlRequest::RemoveFaults { name: Some("held".to_owned()) });
    retry.end().exits(0);
    assert_eq!(texts(&fleet, "legacy-sh"), ["ALTER SYSTEM MAJOR FREEZE", "ALTER SYSTEM BACKUP DATABASE"]);
    let told = fleet.json(&["watch", &failed.task()]).exits(0);
    for name in &names {
        let (state, detail) = told.step(name, STEP);
        assert!(state == "ok" && detail.ends_with(" is merged in every zone"), "{name}: {state} {detail}");
        assert_eq!(told.verdict(name)["verdict"], "restorable", "{name}");
    }
}

#[test]
fn with_leave_it_is_announced_performed_and_passed() {
    let fleet = DemoFleet::serve("needs-compaction");
    let plan = fleet.json(&["backup", "legacy-sh", "--mode", "full", "--compact", "auto", "--dry-run"]).exits(0);
    let plan = &plan.of_kind("plan")[0];
    let step = plan["steps"].as_array().unwrap().iter().find(|step| step["step"] == STEP).unwrap();
    assert_eq!(step["statements"], serde_json::json!(["ALTER SYSTEM MAJOR FREEZE"]));
    let effect = step["effect"].as_str().unwrap();
    let announced =
        "a major compaction of ALL 14 tenants of legacy-sh, which may affect the business; the last one took ";
    assert!(effect.starts_with(announced), "{effect}");
    assert_eq!(texts(&fleet, "legacy-sh"), Vec::<String>::new());
    let done = backup(&fleet, &["--compact", "auto"]).exits(0);
    assert_eq!(texts(&fleet, "legacy-sh"), ["ALTER SYSTEM MAJOR FREEZE", "ALTER SYSTEM BACKUP DATABASE"]);
    assert_eq!(done.step("legacy-sh/pay", STEP).0, "ok");
    // The next one finds a freeze that is young enough.
    let next = backup(&fleet, &["--compact", "auto"]).exits(0);
    assert_eq!(next.step("legacy-sh/pay", STEP).0, "not_needed");
    assert_eq!(texts(&fleet, "legacy-sh").len(), 3);
}

#[test]
fn failed_merge_fails_the_step_and_resumes_once_fixed() {
    let fleet = DemoFleet::serve("needs-compaction");
    let all = ["backup", "legacy-bj", "--mode", "full", "--compact", "auto", "--yes"];
    let failed = fleet.json(&all).exits(15);
    let [what, why, next] = failed.fault();
    assert_eq!(what, NEEDED);
    assert!(why.contains("has met an error"), "{why}");
    assert!(
        next.starts_with("Look at oceanbase.__all_zone (is_merge_error), mend the cause. m on the task's screen, or "),
        "{next}"
    );
    assert_eq!(texts(&fleet, "legacy-bj"), ["ALTER SYSTEM MAJOR FREEZE"]);
    assert_eq!(fleet.fix(), ["merge-error"]);
    let done = fleet.json(&["retry", &failed.task(), "--yes"]).exits(0);
    assert_eq!(done.verdict("legacy-bj/pay")["verdict"], "restorable");
    assert_eq!(texts(&fleet, "legacy-bj"), ["ALTER SYSTEM MAJOR FREEZE", "ALTER SYSTEM BACKUP DATABASE"]);
}

/// R5: on V3.2 nobody knows before the server answers. What it asks for leads back to the step that is about it, once.
#[test]
fn on_v3_2_the_server_says_whether_it_wants_one() {
    let fleet = DemoFleet::serve("fleet");
    let new_round = |cluster: &str, tenant: &str| {
        fleet.ask(&ControlRequest::InterruptArchive { cluster: Some(cluster.to_owned()), tenant: tenant.to_owned() });
    };
    new_round("gate-nj", "fund");
    let failed = fleet.json(&["backup", "gate-nj", "--mode", "full", "--yes"]).exits(15);
    for name in ["gate-nj/fund", "gate-nj/bond"] {
        assert_eq!(failed.step(name, STEP), ("failed".to_owned(), NEEDED.to_owned()));
        assert_eq!(failed.step(name, "Start data backup").0, "pending", "it comes again after that step");
    }
    assert_eq!(failed.fault()[0], NEEDED);
    let outcome = fleet.statements_to("gate-nj").pop().unwrap();
    assert!(outcome.1.starts_with("refused 9040 ") && outcome.1.contains("need major freeze first"), "{outcome:?}");
    let done = fleet.json(&["retry", &failed.task(), "--compact", "--yes"]).exits(0);
    assert_eq!(done.verdict("gate-nj/bond")["verdict"], "restorable");
    assert_eq!(texts(&fleet, "gate-nj")[3..], ["ALTER SYSTEM MAJOR FREEZE", "ALTER SYSTEM BACKUP DATABASE"]);

    // With leave it is all one task.
    new_round("gate-nj", "fund");
    let auto = fleet.json(&["backup", "gate-nj", "--mode", "full", "--compact", "auto", "--yes"]).exits(0);
    assert_eq!(auto.step("gate-nj/fund", STEP).0, "ok");
    assert_eq!(
        texts(&fleet, "gate-nj")[5..],
        [
            "ALTER SYSTEM NOARCHIVELOG",
            "ALTER SYSTEM ARCHIVELOG",
            "ALTER SYSTEM BACKUP DATABASE",
            "ALTER SYSTEM MAJOR FREEZE",
            "ALTER SYSTEM BACKUP DATABASE"
        ]
    );
    // V3.2.4 does not ask, and nothing is compacted for nothing.
    new_round("ee-sz", "core");
    let all = ["backup", "ee-sz", "--mode", "full", "--compact", "auto", "--yes", "--confirm", "ee-sz"];
    fleet.json(&all).exits(4);
    assert!(!texts(&fleet, "ee-sz").contains(&"ALTER SYSTEM MAJOR FREEZE".to_owned()));
}

#[test]
fn on_v4_there_is_nothing_to_compact() {
    let fleet = DemoFleet::serve("no-full");
    let failed = fleet.json(&["backup", "demo/pay", "--mode", "incremental", "--yes"]).exits(15);
    let refused = fleet.json(&["retry", &failed.task(), "--compact", "--yes"]).exits(1);
    assert_eq!(refused.fault()[1], "Start cluster compact if necessary: not needed on V4.");
    let full = fleet.json(&["backup", "demo/pay", "--mode", "full", "--yes"]).exits(0);
    assert_eq!(full.step("demo/pay", STEP), ("not_needed".to_owned(), "not needed on V4".to_owned()));
}
