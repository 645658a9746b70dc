//! Tests of commands without a terminal: what they print, what they refuse, and what they never do.

use crate::fleet::{CommandResult, DemoFleet, OBNOW};

#[test]
fn a_dry_run_prints_the_plan_and_touches_nothing() {
    let fleet = DemoFleet::serve("archiving-off");
    let ran = fleet.json(&["backup", "demo", "--mode", "full", "--dry-run"]).exits(0).quiet();
    let plan = &ran.of_kind("plan")[0];
    assert_eq!(plan["targets"], serde_json::json!(["demo/pay", "demo/order", "demo/report"]));
    assert_eq!(plan["steps"].as_array().unwrap().len(), 3 * 8);
    let step = &plan["steps"][5];
    assert_eq!((&step["step"], &step["needed"]), (&"Start data backup".into(), &true.into()));
    let start = step["statements"][0].as_str().unwrap();
    assert!(
        start.starts_with("ALTER SYSTEM BACKUP TENANT = `pay`, `order`, `report` DESCRIPTION = 'obnow "),
        "{start}"
    );
    assert!(ran.of_kind("task").is_empty());
    assert_eq!(fleet.statements(), Vec::<String>::new());
    let tasks = fleet.run(&["tasks"]).exits(0);
    assert_eq!(
        (tasks.out.as_str(), tasks.err.as_str()),
        ("", "There is no task on this host yet, and no backup runs elsewhere.\n")
    );
    let lines = fleet.run(&["backup", "demo/pay", "--mode", "full", "--dry-run"]).exits(0);
    assert_eq!(lines.err, "");
    assert!(lines.out.contains("OceanBase Version  V4.2.5.1-101000092024120918\n"), "{}", lines.out);
    assert!(lines.out.contains("Backup Method      Physical Backup  ("), "{}", lines.out);
    assert!(lines.out.contains("Not checked: that every server can write there needs a shell on the servers."));
}

#[test]
fn without_a_terminal_the_missing_flag_is_named() {
    let fleet = DemoFleet::serve("healthy");
    let mode = fleet.json(&["backup", "demo/pay", "--yes"]).exits(1).quiet();
    assert_eq!(mode.fault()[2], "Say --mode full or --mode incremental.");
    let yes = fleet.json(&["backup", "demo/pay", "--mode", "full"]).exits(1).quiet();
    assert_eq!(
        yes.fault(),
        [
            "The plan was not confirmed.",
            "There is no terminal to ask on.",
            "Say --yes to go on, or --dry-run to see it only.",
        ]
        .map(str::to_owned)
    );
    let cluster = fleet.json(&["backup", "nobody/pay", "--mode", "full", "--yes"]).exits(1).quiet();
    assert_eq!(
        cluster.fault()[..2],
        ["There is no cluster nobody in the inventory.", "It lists: demo."].map(str::to_owned)
    );
    let tenant = fleet.json(&["backup", "demo/Pay", "--mode", "full", "--yes"]).exits(1).quiet();
    assert_eq!(tenant.fault()[1], "Its user tenants are: pay, order, report, dr.");
    let sys = fleet.json(&["backup", "demo/sys", "--mode", "full", "--yes"]).quiet();
    assert!([1, 10].contains(&sys.code), "{}", sys.out);
    let check = fleet.json(&["check", "demo/nobody"]).exits(1).quiet();
    assert_eq!(check.fault()[0], "There is no tenant nobody on demo.");
    let word = fleet.json(&["backup", "demo/pay", "--mode", "half"]).exits(1).quiet();
    assert!(word.fault()[0].contains("'half'"), "{}", word.out);
    let plain = fleet.run(&["backup", "demo/pay", "--mode", "half"]).exits(1);
    assert_eq!(plain.out, "");
    assert!(plain.err.contains("[possible values: full, incremental]"), "{}", plain.err);
    assert_eq!(fleet.statements(), Vec::<String>::new());
    assert!(fleet.json(&["tasks"]).of_kind("task").is_empty());
}

#[test]
fn plus_archivelog_is_sent_and_restorable() {
    let fleet = DemoFleet::serve("healthy");
    let ran = fleet.json(&["backup", "demo/pay", "--mode", "full", "--yes", "--plus-archivelog"]).exits(0).quiet();
    assert_eq!(ran.verdict("demo/pay")["verdict"], "restorable");
    let start = &fleet.starts()[0];
    assert!(start.contains("PLUS ARCHIVELOG"), "{start}");
    assert_eq!(fleet.job("pay")["plus_archivelog"], true);
}

#[test]
fn tasks_are_listed_newest_first() {
    let fleet = DemoFleet::serve("healthy");
    let first = fleet.json(&["backup", "demo/pay", "--mode", "full", "--yes"]).exits(0).task();
    let second = fleet.json(&["backup", "demo/order", "--mode", "incremental", "--yes"]).exits(0).task();
    let listed = fleet.json(&["tasks"]).exits(0).quiet().of_kind("task");
    let told: Vec<[&str; 4]> = listed
        .iter()
        .map(|task| ["task", "mode", "state", "verdict"].map(|field| task[field].as_str().unwrap()))
        .collect();
    assert_eq!(told, [[&*second, "incremental", "done", "restorable"], [&*first, "full", "done", "restorable"]]);
    assert!(listed.iter().all(|task| task["step"].is_null()), "nothing is left to do");
    let plain = fleet.run(&["tasks"]).exits(0);
    let lines: Vec<Vec<&str>> = plain.out.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines[0][..4], [&*second, "done", "incremental", "restorable"]);
    assert_eq!((lines.len(), lines[0].len(), lines[0][7]), (2, 8, "demo/order"), "{}", plain.out);
}

#[test]
fn one_cluster_can_be_named_instead_of_an_inventory() {
    let fleet = DemoFleet::serve("healthy");
    let shown = fleet.run(&["config", "show"]).exits(0);
    let endpoint = shown.out.lines().find_map(|line| line.trim().strip_prefix("- 127.0.0.1:")).unwrap();
    let host = format!("127.0.0.1:{endpoint}");
    let from = format!("file:{}", fleet.folder().join("fleet-password").display());
    let direct = ["--host", &host, "--user", "root@sys", "--password-from", &from];
    let with = |args: &[&str]| {
        let empty = tempfile::tempdir().unwrap();
        let mut command = std::process::Command::new(OBNOW);
        command.args(args).args(direct).arg("--json").env("XDG_CONFIG_HOME", empty.path());
        command.arg("--state").arg(fleet.state()).stdin(std::process::Stdio::null());
        CommandResult::of(args, &command.output().unwrap())
    };
    let rows = with(&["targets"]).exits(0).quiet().of_kind("target");
    assert_eq!(rows.len(), 5);
    let cluster = rows[0]["target"].as_str().unwrap().to_owned();
    let ran = with(&["backup", &format!("{cluster}/pay"), "--mode", "full", "--yes"]).exits(0).quiet();
    assert_eq!(ran.verdict(&format!("{cluster}/pay"))["verdict"], "restorable");
    assert_eq!(fleet.starts().len(), 1);
}

#[test]
fn a_password_from_nowhere_names_its_source() {
    let fleet = DemoFleet::serve("healthy");
    let ran = fleet.json(&["targets", "--host", "127.0.0.1:1", "--password-from", "env:NOT_SET_ANYWHERE"]);
    assert!(ran.out.contains("NOT_SET_ANYWHERE"), "{}", ran.out);
    // What was typed may be the secret itself: it is not repeated.
    for args in [&["--json"][..], &[]] {
        let typed = [&["targets", "--host", "127.0.0.1:1", "--password-from", "hunter2"], args].concat();
        let typed = fleet.run(&typed).exits(1);
        let said = format!("{}{}", typed.out, typed.err);
        assert!(said.contains("env:NAME, file:PATH or stdin") && !said.contains("hunter2"), "{said}");
    }
}

#[test]
fn an_example_inventory_is_written_once_and_shown() {
    let home = tempfile::tempdir().unwrap();
    let config = home.path().join("obnow/config.yaml");
    let run = |args: &[&str]| {
        let mut command = std::process::Command::new(OBNOW);
        command.args(args).arg("--config").arg(&config).arg("--state").arg(home.path().join("state"));
        CommandResult::of(args, &command.stdin(std::process::Stdio::null()).output().unwrap())
    };
    let init = run(&["config", "init"]).exits(0);
    assert_eq!(init.out, "");
    assert!(init.err.starts_with(&format!("Wrote {}. Put your clusters into it", config.display())), "{}", init.err);
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&config).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    let show = run(&["config", "show"]).exits(0);
    assert!(show.out.starts_with("clusters:\n"), "{}", show.out);
    let again = run(&["config", "init", "--json"]).exits(1).quiet();
    assert_eq!(again.fault()[1], "A file of that name exists, and is never overwritten.");
}

#[test]
fn without_an_inventory_it_says_how_to_begin() {
    let home = tempfile::tempdir().unwrap();
    let mut command = std::process::Command::new(OBNOW);
    command.args(["targets", "--json", "--config"]).arg(home.path().join("none.yaml"));
    command.arg("--state").arg(home.path()).stdin(std::process::Stdio::null());
    let ran = CommandResult::of(&["targets"], &command.output().unwrap()).exits(1).quiet();
    assert!(ran.fault()[2].contains("obnow config init"), "{}", ran.out);
}
