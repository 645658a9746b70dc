//! A cluster of 1,000 tenants: two BACKUP statements, a verdict for each tenant, and nothing that grows by the length of a
//! statement for each tenant in it.

use crate::fleet::{DemoFleet, RunningCommand};

/// How often a text has a BACKUP statement in it.
fn starts_in(text: &str) -> usize {
    text.matches("ALTER SYSTEM BACKUP TENANT").count()
}

#[test]
fn thousand_tenants_take_two_statements() {
    let fleet = DemoFleet::serve("thousand");
    // The look at each storage is another journey's.
    let full = ["backup", "thousand-cluster", "--mode", "full", "--no-proof"];
    // Half a minute where nothing else runs, most of it the embedded fleet's.
    let patience = std::time::Duration::from_secs(400);
    let ran = RunningCommand::start(&fleet, &[&full[..], &["--yes", "--json"]].concat())
        .wait_within(patience)
        .exits(0)
        .quiet();
    let plan = &ran.of_kind("plan")[0];
    assert_eq!(starts_in(&plan.to_string()), 2, "a statement stands in the plan once");
    let starts = plan["steps"].as_array().unwrap().iter().filter(|step| step["step"] == "Start data backup");
    let of: Vec<&serde_json::Value> = starts.map(|step| &step["statements_of"]).collect();
    assert_eq!(of.len(), 1_000);
    assert!(of[0].is_null() && of[799] == "thousand-cluster/app_0001", "{} {}", of[0], of[799]);
    assert!(of[800].is_null() && of[999] == "thousand-cluster/app_0801", "{} {}", of[800], of[999]);

    let sent = fleet.starts();
    let told: Vec<(usize, String)> = sent
        .iter()
        .map(|text| (text.matches("'app_").count(), text.rsplit_once(" DESCRIPTION = ").unwrap().1.to_owned()))
        .collect();
    let task = ran.task();
    assert_eq!(told, [(800, format!("'obnow {task}.1/1'")), (200, format!("'obnow {task}.1/2'"))]);
    let verdicts = ran.of_kind("verdict");
    assert_eq!(verdicts.len(), 1_001);
    assert!(verdicts.iter().all(|verdict| verdict["verdict"] == "restorable"), "{:?}", verdicts.last());

    // Two in the plan, and one in the intent of each part.
    let journal = fleet.state().join("tasks").join(format!("{task}.jsonl"));
    assert_eq!(starts_in(&std::fs::read_to_string(journal).unwrap()), 4);
    let watched = fleet.json(&["watch", &task]).exits(0).quiet();
    assert_eq!(watched.of_kind("verdict").len(), 1_001);
    assert_eq!(fleet.starts().len(), 2, "nothing was sent again");
}
