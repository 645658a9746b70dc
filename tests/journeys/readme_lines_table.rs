//! The README's table of lines, row by row against an embedded server of that version: what is offered, and what is not.

use std::path::Path;

use crate::fleet::DemoFleet;

/// A row: line, cluster, tenant, step 5, tried.
type Row = [String; 5];

fn rows() -> Vec<Row> {
    let readme = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let table = readme.split("## What it backs up").nth(1).unwrap().split("\n## ").next().unwrap();
    let lines = table.lines().filter(|line| line.starts_with('|')).skip(2);
    lines
        .map(|line| {
            let cells: Vec<String> = line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect();
            cells.try_into().unwrap_or_else(|cells| panic!("five cells: {cells:?}"))
        })
        .collect()
}

/// What the plan of a step says it does, for the first target.
fn step_5(plan: &serde_json::Value) -> String {
    let steps = plan["steps"].as_array().unwrap();
    let step = steps.iter().find(|step| step["step"] == "Start cluster compact if necessary").unwrap();
    step["effect"].as_str().unwrap().to_owned()
}

#[test]
fn each_line_offers_what_the_readme_says() {
    let fleet = DemoFleet::serve("fleet");
    let targets = fleet.json(&["targets"]).exits(0).quiet().of_kind("target");
    let mut seen = 0;
    for [line, cluster_modes, tenant_modes, compaction, tried] in rows() {
        let Some(version) = tried.strip_prefix("simulated ") else {
            assert_eq!(tried, "real seekdb 1.4.0", "{line}");
            let check = fleet.json(&["check", "dev-seek"]).quiet();
            let method = check.of_kind("check").into_iter().find(|check| check["check"] == "version").unwrap();
            assert!(method["found"].as_str().unwrap().contains("no physical backup"), "{line}: {method}");
            continue;
        };
        seen += 1;
        // A build, where the row names one, is in what the version check found.
        let numbers = version.split('-').next().unwrap();
        let of_version = |row: &&serde_json::Value| row["version"] == numbers && row["kind"] == "cluster";
        let cluster = targets
            .iter()
            .filter(of_version)
            .map(|row| row["target"].as_str().unwrap())
            .find(|cluster| {
                let found = fleet.json(&["check", cluster]).quiet().of_kind("check");
                let found = found.iter().find(|check| check["check"] == "version").unwrap();
                let eligible = targets.iter().any(|row| row["target"] == *cluster && row["eligible"] == true);
                eligible && found["found"].as_str().unwrap().contains(version)
            })
            .unwrap_or_else(|| panic!("the fleet has no {version}"));
        let plan = |target: &str, mode: &str| {
            fleet.json(&["backup", target, "--mode", mode, "--compact", "auto", "--dry-run"]).quiet()
        };
        for mode in cluster_modes.split(", ") {
            let plan = plan(cluster, mode).exits(0);
            assert_eq!(plan.of_kind("plan").len(), 1, "{cluster} {mode}");
        }
        let effect = step_5(&plan(cluster, "full").of_kind("plan")[0]);
        let word = match compaction.as_str() {
            "asks for a compaction" => "major freeze",
            "does not ask for one" => "does not ask for one",
            "as the server answers" => "if the server",
            "not needed on V4" => "not needed on V4",
            other => panic!("{other}"),
        };
        assert!(effect.contains(word), "{cluster}: step 5 says {effect:?}, not {word:?}");
        let in_cluster = |row: &&serde_json::Value| {
            row["kind"] == "tenant" && row["target"].as_str().unwrap().starts_with(&format!("{cluster}/"))
        };
        let tenant = targets.iter().find(in_cluster).unwrap()["target"].as_str().unwrap();
        for mode in ["full", "incremental"] {
            // Below V4 a tenant's own directory is nobody's setting: it is given, or in a strategy.
            let own = ["backup", tenant, "--mode", mode, "--storage", "file:///own/{tenant_id}/{run}", "--dry-run"];
            let ran = if cluster_modes == tenant_modes { plan(tenant, mode) } else { fleet.json(&own).quiet() };
            if tenant_modes.split(", ").any(|offered| offered == mode) {
                assert_eq!(ran.exits(0).of_kind("plan").len(), 1, "{tenant} {mode}");
            } else {
                let refused = ran.exits(10);
                assert!(refused.of_kind("plan").is_empty(), "{tenant} {mode}");
            }
        }
    }
    assert!(seen >= 9, "{seen} lines");
}
