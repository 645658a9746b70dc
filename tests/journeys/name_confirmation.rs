//! Tests of the confirmation by a name: `--yes` answers only yes-or-no questions, and on prod a name is given by `--confirm`.

use obnow::demo::control::ControlRequest;

use crate::fleet::{DemoFleet, RunningCommand};

/// A fleet whose one cluster is prod.
fn on_prod(scenario: &str) -> DemoFleet {
    let fleet = DemoFleet::serve(scenario);
    let inventory = std::fs::read_to_string(fleet.config()).unwrap();
    let prod: Vec<String> = inventory
        .lines()
        .map(|line| match line.split_once("environment:") {
            Some((before, _)) => format!("{before}environment: prod"),
            None => line.to_owned(),
        })
        .collect();
    std::fs::write(fleet.config(), prod.join("\n")).unwrap();
    fleet
}

#[test]
fn prod_interruption_needs_the_target_name() {
    let fleet = on_prod("healthy");
    let uri = format!("file://{}", fleet.folder().join("data/elsewhere").display());
    let backup = ["backup", "demo/pay", "--mode", "full", "--storage", &uri];
    let with = |more: &[&str]| fleet.run(&[&backup[..], more].concat());
    for (said, flags) in [(&["--yes"][..], "--confirm demo/pay"), (&[], "--yes --confirm demo/pay")] {
        let refused = with(said).exits(10);
        assert!(refused.err.contains("The plan was not confirmed."), "{}", refused.err);
        assert!(refused.err.contains("It is confirmed by the name demo/pay, and no yes stands for that."));
        let next = format!("Next: Say {flags} to go on, or --dry-run to see it only.");
        assert!(refused.err.contains(&next), "{}", refused.err);
    }
    let other = with(&["--yes", "--confirm", "demo"]).exits(10);
    assert!(other.err.contains("--confirm names demo, and this is about demo/pay."), "{}", other.err);
    // The name says which target is meant, and not that it may begin.
    let no_yes = with(&["--confirm", "demo/pay"]).exits(1);
    assert!(no_yes.err.contains("Next: Say --yes to go on"), "{}", no_yes.err);
    assert_eq!(fleet.statements(), Vec::<String>::new());
    assert!(fleet.json(&["tasks"]).exits(0).of_kind("task").is_empty());

    let shown = with(&["--dry-run"]).exits(0);
    let same = shown.out.lines().find(|line| line.contains("Same as: ")).unwrap_or_default().to_owned();
    assert!(same.ends_with(&format!("--storage {uri} --confirm demo/pay")), "{same}");
    let ran = fleet.json(&[&backup[..], &["--yes", "--confirm", "demo/pay"]].concat()).exits(0);
    assert_eq!(ran.verdict("demo/pay")["verdict"], "restorable");
    // Nothing is interrupted any more: yes is enough.
    fleet.json(&["backup", "demo/pay", "--mode", "full", "--yes"]).exits(0);
}

#[test]
fn on_prod_a_cancel_needs_the_name_of_what_it_hits() {
    let fleet = on_prod("healthy");
    fleet.ask(&ControlRequest::HoldPhase { cluster: None, tenant: "pay".into(), phase: "BACKUP_DATA_MAJOR".into() });
    let backup = RunningCommand::start(&fleet, &["backup", "demo/pay", "--mode", "full", "--yes", "--json"]);
    fleet.wait("pay", "task", "BACKUP_DATA_MAJOR");
    let task = fleet.json(&["tasks"]).exits(0).of_kind("task")[0]["task"].as_str().unwrap().to_owned();
    let refused = fleet.json(&["cancel", &task, "--yes"]).exits(10);
    assert_eq!(refused.fault()[0], "Nothing was cancelled.");
    assert_eq!(refused.fault()[2], "Say --confirm demo/pay to go on.");
    assert!(!fleet.statements().iter().any(|text| text.contains("CANCEL")), "{:?}", fleet.statements());
    fleet.json(&["cancel", &task, "--yes", "--confirm", "demo/pay"]).exits(23);
    backup.end().exits(23);
}

#[test]
fn prod_compaction_needs_the_cluster_name() {
    let fleet = on_prod("needs-compaction");
    let backup = ["backup", "legacy-sh", "--mode", "full", "--yes"];
    let planned = fleet.json(&[&backup[..], &["--compact", "auto"]].concat()).exits(10);
    assert_eq!(planned.fault()[2], "Say --confirm legacy-sh to go on, or --dry-run to see it only.");
    let failed = fleet.json(&backup).exits(15);
    let retry = ["retry", &failed.task(), "--compact", "--yes"].map(str::to_owned);
    let retry: Vec<&str> = retry.iter().map(String::as_str).collect();
    let refused = fleet.json(&retry).exits(10);
    assert_eq!(refused.fault()[0], "The major compaction was not started.");
    assert_eq!(refused.fault()[2], "Say --confirm legacy-sh to go on.");
    assert_eq!(fleet.statements_to("legacy-sh"), []);
    fleet.json(&[&retry[..], &["--confirm", "legacy-sh"]].concat()).exits(0);
}
