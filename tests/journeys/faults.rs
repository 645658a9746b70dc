//! Faults during a backup: what is said, the exit code, what was sent, and how it goes on once the cause is gone.

use obnow::demo::control::ControlRequest;
use serde_json::Value;

use crate::fleet::DemoFleet;

const FULL: [&str; 5] = ["backup", "demo/pay", "--mode", "full", "--yes"];

#[test]
fn lagging_archive_becomes_restorable_by_itself() {
    let fleet = DemoFleet::serve("lagging");
    let check = fleet.json(&["check", "demo/pay"]).exits(0);
    let (result, found) = check.check("demo/pay", "archive_lag");
    assert_eq!(result, "warn");
    assert!(found.starts_with("the archive is ") && found.ends_with(" s behind; its target is 4 s"), "{found}");

    let ran = fleet.json(&FULL).exits(3).quiet();
    assert_eq!(
        (fleet.job("pay")["status"].as_str(), fleet.job("pay")["history"].as_bool()),
        (Some("COMPLETED"), Some(true))
    );
    let verdict = ran.verdict("demo/pay");
    assert_eq!((&verdict["verdict"], &verdict["set"]), (&"not_yet_restorable".into(), &3.into()));
    assert!(verdict["from"].is_null() && verdict["to_scn"].is_null(), "{verdict}");
    let [what, why, next] = ["what", "why", "next"].map(|field| verdict["fault"][field].as_str().unwrap().to_owned());
    assert!(what.starts_with("pay is backed up and cannot be restored yet: it waits for the log up to 20"), "{what}");
    assert!(why.starts_with("The log is 6") && why.ends_with(" s: it stands still or is too slow."), "{why}");
    assert_eq!(
        next,
        "Look at the destination of the archive. Watch on with: obnow watch demo/pay. It only looks again, and sends nothing."
    );
    let listed = fleet.json(&["tasks"]).of_kind("task");
    assert_eq!((&listed[0]["state"], &listed[0]["verdict"]), (&"done".into(), &"not_yet_restorable".into()));

    assert_eq!(fleet.fix(), ["archive-stands"]);
    fleet.wait("pay", "restorable", "yes");
    let watched = fleet.json(&["watch", "demo/pay"]).exits(0).quiet();
    assert_eq!(watched.task(), ran.task());
    let verdict = watched.verdict("demo/pay");
    assert_eq!((&verdict["verdict"], &verdict["set"]), (&"restorable".into(), &3.into()));
    assert_eq!(fleet.starts().len(), 1, "nothing was sent again");
}

#[test]
fn a_failed_backup_is_explained_and_retry_is_a_new_one() {
    let fleet = DemoFleet::serve("fails");
    let ran = fleet.json(&FULL).exits(20).quiet();
    let job = fleet.job("pay");
    assert_eq!((job["status"].as_str(), job["result"].as_i64()), (Some("FAILED"), Some(-9082)));
    let [what, why, next] = ran.fault();
    assert_eq!(what, "The backup of demo/pay failed on the server.");
    assert!(why.starts_with("OceanBase answered with error 9082 (OB_BACKUP_DEVICE_OUT_OF_SPACE): "), "{why}");
    assert!(why.contains(" The destination is full. It says so on server 127.0.0.1:"), "{why}");
    assert!(
        next.starts_with("Free or add space in the destination, and start the backup again. In its log: grep Y"),
        "{next}"
    );
    let verdict = ran.verdict("demo/pay");
    assert_eq!((&verdict["verdict"], &verdict["set"]), (&"failed".into(), &3.into()));
    assert_eq!(ran.of_kind("fault")[0]["code"], 9082);
    assert_eq!(
        verdict["told"],
        serde_json::json!(["Set 3 stays on the destination as it is; nothing can be restored from it."])
    );

    // Off a terminal a new backup needs the word of its user.
    let task = ran.task();
    let asked = fleet.run(&["retry", &task]).exits(1);
    assert!(
        asked
            .err
            .contains("Retry starts a NEW backup of demo/pay, attempt 2. What failed stays there: set 3 of demo/pay."),
        "{}",
        asked.err
    );
    assert!(asked.err.contains("Next: Say --yes to go on."), "{}", asked.err);
    assert_eq!(fleet.starts().len(), 1);
    fleet.json(&["retry", &task, "--yes"]).exits(20);

    assert_eq!(fleet.fix(), ["no-space"]);
    let again = fleet.json(&["retry", &task, "--yes"]).exits(0);
    let verdict = again.verdict("demo/pay");
    assert_eq!((again.task(), &verdict["verdict"], &verdict["set"]), (task.clone(), &"restorable".into(), &5.into()));
    let starts = fleet.starts();
    for (attempt, start) in (1..).zip(&starts) {
        assert_eq!(*start, format!("ALTER SYSTEM BACKUP TENANT = 'pay' DESCRIPTION = 'obnow {task}.{attempt}'"));
    }
    assert_eq!(starts.len(), 3);
}

#[test]
fn in_plain_lines_a_failure_names_the_command_that_goes_on() {
    let fleet = DemoFleet::serve("fails");
    let ran = fleet.run(&FULL).exits(20);
    let task = fleet.json(&["tasks"]).task();
    assert!(ran.err.starts_with("The backup of demo/pay failed on the server.\n"), "{}", ran.err);
    assert!(ran.err.ends_with(&format!("\nOnce the cause is gone: obnow retry {task}\n")), "{}", ran.err);
    assert!(ran.out.contains("\nFAILED  demo/pay\n  Set 3 stays on the destination as it is"), "{}", ran.out);
    fleet.fix();
    let again = fleet.run(&["retry", &task, "--yes"]).exits(0);
    assert!(again.out.contains(" attempt 2\n"), "{}", again.out);
    assert!(again.out.contains("\nRESTORABLE  pay: "), "{}", again.out);
    assert!(!again.out.contains("FAILED"), "only what is new:\n{}", again.out);
}

#[test]
fn job_in_no_view_is_unknown_and_not_resent() {
    let fleet = DemoFleet::serve("job-gone");
    let ran = fleet.json(&FULL).exits(21).quiet();
    let task = ran.task();
    assert_eq!(fleet.job("pay")["description"], format!("obnow {task}.1"), "the server has it");
    let [what, why, next] = ran.fault();
    assert_eq!(what, "What became of the backup of demo/pay is unknown.");
    assert!(why.starts_with("For ") && why.contains(" s nothing has moved: "), "{why}");
    assert!(why.contains(&format!("\"obnow {task}.1\" is awaited")), "{why}");
    assert_eq!(next, "Retry, or watch it: that only looks again, and sends nothing.");
    assert_eq!(ran.verdict("demo/pay")["verdict"], "unknown");
    let listed = fleet.json(&["tasks"]).of_kind("task");
    assert_eq!((&listed[0]["state"], &listed[0]["step"]), (&"unknown".into(), &"Start data backup".into()));

    assert_eq!(fleet.fix(), ["job-not-shown"]);
    fleet.wait("pay", "history", "COMPLETED");
    // No question: it is not a new backup.
    let again = fleet.json(&["retry", &task]).exits(0).quiet();
    assert_eq!(again.verdict("demo/pay")["verdict"], "restorable");
    assert_eq!(fleet.starts(), [format!("ALTER SYSTEM BACKUP TENANT = 'pay' DESCRIPTION = 'obnow {task}.1'")]);
}

#[test]
fn a_job_that_vanishes_while_it_runs_is_awaited_in_history() {
    let fleet = DemoFleet::serve("healthy");
    fleet.ask(&ControlRequest::HoldPhase { cluster: None, tenant: "pay".into(), phase: "BACKUP_DATA_MAJOR".into() });
    let task = fleet.json(&["backup", "demo/pay", "--mode", "full", "--yes", "--detach"]).exits(0).task();
    fleet.wait("pay", "task", "BACKUP_DATA_MAJOR");
    // The runner knows its job.
    until_task(&fleet, "step", "Wait for data backup");
    let fault = fleet.ask(&ControlRequest::HideJobs { cluster: None, tenant: "pay".into() });
    assert_eq!(fault, "vanish demo/pay");
    fleet.ask(&ControlRequest::ReleasePhase { cluster: None, tenant: "pay".into(), phase: "BACKUP_DATA_MAJOR".into() });
    let watched = fleet.json(&["watch", &task]).exits(0);
    assert_eq!(fleet.job("pay")["status"], "COMPLETED");
    assert_eq!(watched.verdict("demo/pay")["verdict"], "restorable");
    assert_eq!(fleet.starts().len(), 1);
}

/// Looks again until a field of the newest task is so; half a minute at most.
#[track_caller]
fn until_task(fleet: &DemoFleet, field: &str, is: &str) {
    let mut last = Value::Null;
    for _ in 0..600 {
        last = fleet.json(&["tasks"]).of_kind("task")[0].clone();
        if last[field] == is {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    panic!("waited for {field} to be {is}: {last}");
}

#[test]
fn applied_start_with_lost_reply_is_found() {
    let fleet = DemoFleet::serve("lost-reply");
    let ran = fleet.json(&FULL).exits(0).quiet();
    let state = fleet.ask(&ControlRequest::State);
    assert_eq!(state["drops"], serde_json::json!([]), "the reply was lost");
    assert_eq!(ran.step("demo/pay", "Start data backup").1, format!("job 1, obnow {}.1", ran.task()));
    assert_eq!(ran.verdict("demo/pay")["verdict"], "restorable");
    assert_eq!(fleet.starts().len(), 1);
}

#[test]
fn unapplied_start_with_lost_reply_needs_a_retry() {
    let fleet = DemoFleet::serve("healthy");
    fleet.ask(&ControlRequest::LoseReply { prefix: "ALTER SYSTEM BACKUP".into(), applied: false });
    let ran = fleet.json(&FULL);
    assert_eq!(fleet.ask(&ControlRequest::State)["drops"], serde_json::json!([]), "it was lost");
    assert!([15, 21].contains(&ran.code), "{}\n{}", ran.code, ran.out);
    let jobs = fleet.ask(&ControlRequest::State)["clusters"][0]["jobs"].clone();
    assert_eq!(jobs, serde_json::json!([]), "nothing runs on the server");
    let sent = fleet.starts().len();
    assert_eq!(sent, 1, "obnow does not send it again by itself");
    let again = fleet.json(&["retry", &ran.task(), "--yes"]).exits(0);
    assert_eq!(again.verdict("demo/pay")["verdict"], "restorable");
    let made = fleet.ask(&ControlRequest::State)["clusters"][0]["jobs"].as_array().unwrap().len();
    assert_eq!(made, 2, "one parent, one child");
}

#[test]
fn encryption_that_is_not_proven_is_its_own_fault_and_exit() {
    let fleet = DemoFleet::serve("encryption-lost");
    let password = fleet.folder().join("encryption");
    let secret = "s3cret-of-the-test";
    write_private(&password, secret);
    let from = format!("file:{}", password.display());
    let ran = fleet.json(&[&FULL[..], &["--encrypt-from", &from]].concat()).exits(24).quiet();
    assert_eq!(fleet.job("pay")["status"], "COMPLETED");
    assert_eq!(
        ran.fault(),
        [
            "NOT ENCRYPTED as asked: the backup of pay lies on the destination in clear.",
            "ENCRYPTION_MODE of set 3 is NONE, and a password was to protect it.",
            "Retry takes a new backup; delete set 3 if it must not lie there in clear.",
        ]
        .map(str::to_owned)
    );
    let verdict = ran.verdict("demo/pay");
    assert_eq!((&verdict["verdict"], &verdict["set"]), (&"restorable".into(), &3.into()));
    assert_eq!((&verdict["encryption"], verdict["to"].is_string()), (&"missing".into(), true));
    // Wherever the set is shown it is marked.
    let listed = fleet.json(&["targets"]).of_kind("target");
    let row = listed.iter().find(|row| row["target"] == "demo/pay").unwrap();
    assert_eq!(row["last_good"]["encryption"], "missing", "{row}");
    let report = fleet.run(&["report", &ran.task()]).out;
    let report = std::fs::read_to_string(report.trim_end()).unwrap();
    for shown in [fleet.run(&["targets"]).out, fleet.run(&["tasks"]).out, report] {
        assert!(shown.contains("NOT ENCRYPTED"), "{shown}");
    }
    assert_eq!(fleet.json(&["tasks"]).of_kind("task")[0]["state"], "done");

    assert_eq!(fleet.fix(), ["not-encrypted"]);
    let again = fleet.json(&["retry", &ran.task(), "--yes", "--encrypt-from", &from]).exits(0);
    assert_eq!(again.verdict("demo/pay")["verdict"], "restorable");
    assert_eq!(again.verdict("demo/pay")["encryption"], "proven");
    let recipe = again.verdict("demo/pay")["recipe"].to_string();
    assert!(recipe.contains("SET DECRYPTION IDENTIFIED BY"), "{recipe}");
    assert_eq!(fleet.starts().len(), 2);
    // The password is nowhere but in its file.
    for out in [&ran.out, &again.out] {
        assert!(!out.contains(secret));
    }
    let state = std::process::Command::new("grep").args(["-rl", secret]).arg(fleet.state()).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&state.stdout), "", "no journal, audit or log has it");
}

fn write_private(path: &std::path::Path, text: &str) {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut file = std::fs::OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(path).unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

/// The keys of transparent encryption are in no backup: that is said before, and under the verdict, and nothing of it is sent.
#[test]
fn tde_keys_are_named_and_no_statement_is_sent() {
    let fleet = DemoFleet::serve("encryption-lost");
    let ran = fleet.json(&["backup", "demo/order", "--mode", "full", "--yes"]).exits(0).quiet();
    let needs = "transparent encryption is on (tde_method is internal): a restore needs its keys, which are not in the backup; \
                 back them up, for example with ALTER SYSTEM BACKUP KEY TENANT = `order` TO '<uri>' ENCRYPTED BY '<password>'";
    assert_eq!(ran.check("demo/order", "encryption_keys"), ("warn".into(), needs.into()));
    let recipe = ran.verdict("demo/order")["recipe"].clone();
    assert!(recipe.as_array().unwrap().contains(&needs.into()), "{recipe:#}");
    assert!(!fleet.statements().iter().any(|text| text.contains("BACKUP KEY")), "{:?}", fleet.statements());
    // The other tenant has none.
    let other = fleet.json(&["check", "demo/pay"]).exits(0);
    assert!(!other.out.contains("tde_method"), "{}", other.out);
}
