//! Tests of destinations that the server refuses, or that fail during the job.

use crate::fleet::DemoFleet;

#[test]
fn directory_in_use_is_refused_until_it_is_empty() {
    let fleet = DemoFleet::serve("bad-storage");
    for (target, code, name) in
        [("demo/pay", 9080, "OB_BACKUP_FORMAT_FILE_NOT_EXIST"), ("demo/order", 9081, "OB_BACKUP_FORMAT_FILE_NOT_MATCH")]
    {
        let ran = fleet.json(&["backup", target, "--mode", "full", "--yes"]).exits(13).quiet();
        assert_eq!(ran.step(target, "Set backup destination").0, "failed");
        let fault = ran.of_kind("fault").pop().unwrap();
        assert_eq!(fault["code"], code);
        let what = fault["what"].as_str().unwrap();
        assert!(
            what.starts_with(&format!("OceanBase answered with error {code} ({name}): format file does not")),
            "{what}"
        );
        assert!(!fault["next"].as_str().unwrap().is_empty());
        assert_eq!(ran.verdict(target)["verdict"], "failed");
        assert!(fleet.starts().is_empty(), "nothing was started: {:?}", fleet.starts());
        let again = fleet.json(&["retry", &ran.task(), "--yes"]).exits(13);
        assert_eq!(again.of_kind("fault").pop().unwrap()["code"], code, "the cause is still there");
    }
    assert_eq!(fleet.fix(), ["not-empty", "of-another", "full", "not-mounted"]);
    for target in ["demo/pay", "demo/order"] {
        let tasks = fleet.json(&["tasks"]).exits(0).of_kind("task");
        let task = tasks.iter().find(|task| task["targets"][0] == target).unwrap()["task"].as_str().unwrap().to_owned();
        let ran = fleet.json(&["retry", &task, "--yes"]).exits(0);
        assert_eq!(ran.verdict(target)["verdict"], "restorable", "{target}");
    }
    assert_eq!(fleet.starts().len(), 2);
}

#[test]
fn full_or_unmounted_device_fails_the_job() {
    let fleet = DemoFleet::serve("bad-storage");
    let mut tasks = Vec::new();
    for (target, code, cause) in
        [("demo/report", 9082, "The destination is full."), ("demo/stock", 9070, "does not reach the destination")]
    {
        let ran = fleet.json(&["backup", target, "--mode", "full", "--yes"]).exits(20).quiet();
        assert_eq!(fleet.job(target.split('/').nth(1).unwrap())["status"], "FAILED");
        let fault = ran.of_kind("fault").pop().unwrap();
        assert_eq!(
            (&fault["what"], &fault["code"]),
            (&format!("The backup of {target} failed on the server.").into(), &code.into())
        );
        let (why, next) = (fault["why"].as_str().unwrap(), fault["next"].as_str().unwrap());
        assert!(why.contains(cause) && why.contains("server 127.0.0.1:"), "{why}");
        assert!(next.contains("In its log: grep Y"), "{next}");
        tasks.push((target, ran.task()));
    }
    fleet.fix();
    for (target, task) in tasks {
        let ran = fleet.json(&["retry", &task, "--yes"]).exits(0);
        assert_eq!(ran.verdict(target)["verdict"], "restorable", "{target}");
    }
}
