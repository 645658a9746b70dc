//! Tests of plan files: saved, shown, run later, refused for another target; and the equivalent command.

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::json;

use crate::fleet::{CommandResult, DemoFleet, OBNOW};

/// A name for a plan file in the fleet's place.
fn file(fleet: &DemoFleet, name: &str) -> (PathBuf, String) {
    let path = fleet.folder().join(name);
    let text = path.to_str().unwrap().to_owned();
    (path, text)
}

fn save(fleet: &DemoFleet, args: &[&str]) -> (PathBuf, String) {
    let (path, name) = file(fleet, "plan.yaml");
    let mut all = vec!["backup"];
    all.extend(args);
    all.extend(["--save-plan", &name]);
    fleet.run(&all).exits(0);
    (path, name)
}

/// Writes the plan anew with something changed in it.
fn edit(path: &Path, from: &str, to: &str) {
    let text = std::fs::read_to_string(path).unwrap();
    assert!(text.contains(from), "{from}\n{text}");
    std::fs::write(path, text.replacen(from, to, 1)).unwrap();
}

/// A line of shell, with this program as `obnow`.
fn shell(line: &str) -> CommandResult {
    let folder = Path::new(OBNOW).parent().unwrap();
    let path = format!("{}:/usr/bin:/bin", folder.display());
    let output = Command::new("sh").arg("-c").arg(line).env("PATH", path).output().unwrap();
    CommandResult {
        args: vec![line.to_owned()],
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
        code: output.status.code().unwrap(),
    }
}

/// The plan event of a `--json` run.
fn plan(ran: &CommandResult) -> serde_json::Value {
    ran.of_kind("plan").pop().unwrap()
}

#[test]
fn a_plan_is_saved_looked_at_and_run_to_restorable() {
    let fleet = DemoFleet::serve("healthy");
    let (path, name) = file(&fleet, "plan.yaml");
    let args = ["backup", "demo/pay", "demo/order", "--mode", "full", "--plus-archivelog", "--save-plan", &name];
    let saved = fleet.json(&args).exits(0);
    assert_eq!(plan(&saved)["saved_as"], json!(name));
    assert_eq!((fleet.statements(), fleet.run(&["tasks"]).exits(0).out), (Vec::new(), String::new()));

    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
    for line in [
        "format: 1",
        "  - demo/pay",
        "  mode: full",
        "  plus_archivelog: true",
        "  cluster_id: 1001",
        "    demo/order: 1004",
        "    - ALTER SYSTEM BACKUP TENANT = `pay`, `order` PLUS ARCHIVELOG DESCRIPTION = 'obnow {task}.1'",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
    // Never over what is there.
    let again = fleet.run(&args).exits(1);
    assert!(again.err.contains("never overwritten"), "{}", again.err);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text);

    let shown = fleet.run(&["backup", "--plan", &name, "--dry-run"]).exits(0);
    assert!(shown.out.contains(&format!("  As it was saved in {name} at ")), "{}", shown.out);
    let unconfirmed = fleet.run(&["backup", "--plan", &name]).exits(1);
    assert!(unconfirmed.err.contains("--yes"), "{}", unconfirmed.err);
    assert_eq!(fleet.starts(), Vec::<String>::new());

    let ran = fleet.json(&["backup", "--plan", &name, "--yes"]).exits(0);
    assert_eq!(plan(&ran)["differs"], json!([]));
    for target in ["demo/pay", "demo/order"] {
        assert_eq!(ran.verdict(target)["verdict"], "restorable");
    }
    let [start] = fleet.starts().try_into().unwrap();
    assert!(start.contains("PLUS ARCHIVELOG"), "{start}");
}

#[test]
fn the_command_under_a_plan_makes_the_same_plan() {
    let fleet = DemoFleet::serve("healthy");
    let base = format!("file://{}/data/{{tenant_id}}/{{kind}}", fleet.folder().display());
    let args = ["backup", "demo/pay", "--mode", "incremental", "--no-full", "full", "--storage", &base, "--dry-run"];
    let first = fleet.json(&args).exits(0);
    let same_as = plan(&first)["same_as"].as_str().unwrap().to_owned();
    let (config, state) = (fleet.config(), fleet.state());
    let reach =
        format!("obnow --config {} --state {} backup demo/pay --mode incremental", config.display(), state.display());
    assert!(same_as.starts_with(&reach), "{same_as}");
    assert!(same_as.contains("/{tenant_id}/{kind}'") && same_as.ends_with(" --no-full full"), "{same_as}");
    let second = shell(&format!("{same_as} --dry-run --json")).exits(0);
    let timeless = |ran: &CommandResult| {
        let mut plan = plan(ran);
        for step in plan["steps"].as_array_mut().unwrap() {
            if step["step"] == "Start data backup" {
                // Another task has another id.
                step["statements"] = json!(step["statements"].as_array().unwrap().len());
            }
        }
        plan
    };
    assert_eq!(timeless(&second), timeless(&first));
    let told = fleet.run(&args).exits(0);
    assert!(told.out.lines().any(|line| line == format!("  Same as: {same_as}")), "{}", told.out);
}

/// The file as an older release saves it, which knows a cluster by its id alone.
fn by_its_id_alone(path: &Path) {
    let text = std::fs::read_to_string(path).unwrap();
    let (created, rest): (Vec<&str>, Vec<&str>) =
        text.lines().partition(|line| line.starts_with("  cluster_created: "));
    assert_eq!(created.len(), 1, "{text}");
    std::fs::write(path, rest.join("\n")).unwrap();
}

#[test]
fn changed_plan_is_diffed_and_todays_plan_runs() {
    let (then, now) = (DemoFleet::serve("healthy"), DemoFleet::serve("archiving-off"));
    let (path, name) = save(&then, &["demo/pay", "demo/order", "--mode", "full"]);
    edit(&path, "  - demo/order\n", "");
    edit(&path, "    demo/order: 1004\n", "");
    by_its_id_alone(&path);
    let shown = now.run(&["backup", "--plan", &name, "--dry-run"]).exits(0);
    let from = format!("  Differs from {name}, saved at ");
    let differs: Vec<&str> = shown.out.lines().skip_while(|line| !line.starts_with(&from)).skip(1).collect();
    assert_eq!(differs[0], "    demo/order: not asked for any more", "{}", shown.out);
    assert!(
        differs[1].starts_with("    demo/pay: Start log archiving: needed now: starts a new round."),
        "{differs:#?}"
    );
    assert_eq!(
        differs[2..5],
        [
            "    demo/pay: Start log archiving: added: ALTER SYSTEM ARCHIVELOG TENANT = `pay`",
            "    demo/pay, demo/order: Start data backup: removed: \
             ALTER SYSTEM BACKUP TENANT = `pay`, `order` DESCRIPTION = 'obnow {task}.1'",
            "    demo/pay: Start data backup: added: ALTER SYSTEM BACKUP TENANT = `pay` DESCRIPTION = 'obnow {task}.1'",
        ]
    );
    let ran = now.json(&["backup", "--plan", &name, "--yes"]).exits(0);
    let plan = plan(&ran);
    let changes: Vec<&str> =
        plan["differs"].as_array().unwrap().iter().map(|differs| differs["change"].as_str().unwrap()).collect();
    assert_eq!(
        changes[..5],
        ["no_longer_asked", "now_needed", "statement_added", "statement_removed", "statement_added"]
    );
    // The directories that the server would look at are others, and nobody looks for the tenant that is not asked for.
    assert_eq!(changes[5..], ["statement_removed", "statement_added", "statement_removed", "statement_removed"]);
    assert_eq!(ran.verdict("demo/pay")["verdict"], "restorable");
    assert_eq!(now.statements().len(), 2, "{:#?}", now.statements());
}

#[test]
fn plan_of_another_target_or_version_is_refused() {
    let fleet = DemoFleet::serve("fleet");
    let (path, name) = save(&fleet, &["test-b", "--mode", "full"]);
    // The inventory calls another cluster by that name now.
    let inventory = std::fs::read_to_string(fleet.config()).unwrap();
    let (other, other_name) = file(&fleet, "other.yaml");
    std::fs::copy(fleet.config(), &other).unwrap();
    let swapped = inventory.replace("name: test-b", "name: old").replace("name: test-a", "name: test-b");
    std::fs::write(&other, swapped).unwrap();
    let line = format!("obnow backup --plan {name} --yes --config {other_name} --state {}", fleet.state().display());
    let refused = shell(&line).exits(10);
    assert!(refused.err.contains("is not the cluster the plan was saved for."), "{}", refused.err);
    assert!(
        refused.err.contains("The plan expects cluster id 3002, and this one has cluster id 3001."),
        "{}",
        refused.err
    );
    assert!(refused.err.contains("Next: Check the endpoints"), "{}", refused.err);

    edit(&path, "version: V4.2.5.1", "version: V4.2.4.0");
    let refused = fleet.json(&["backup", "--plan", &name, "--yes"]).exits(10);
    let fault = refused.of_kind("fault").pop().unwrap();
    assert!(fault["what"].as_str().unwrap().contains("runs another version"), "{fault}");
    assert!(fault["why"].as_str().unwrap().starts_with("The plan expects V4.2.4.0"), "{fault}");
    assert!(fault["why"].as_str().unwrap().contains("it runs V4.2.5.1"), "{fault}");

    // The same name and the same cluster id, and another tenant behind the name.
    let (healthy, standby) = (DemoFleet::serve("healthy"), DemoFleet::serve("standby"));
    let (path, name) = save(&healthy, &["demo/dr", "--mode", "full"]);
    let refused = standby.run(&["backup", "--plan", &name, "--yes"]).exits(10);
    assert!(refused.err.contains("The plan expects one created at "), "{}", refused.err);
    by_its_id_alone(&path);
    let refused = standby.run(&["backup", "--plan", &name, "--yes"]).exits(10);
    assert!(refused.err.contains("demo/dr is not the tenant the plan was saved for."), "{}", refused.err);
    assert!(refused.err.contains("demo/dr is tenant 1002 now."), "{}", refused.err);
    // A named tenant that is gone.
    let (path, name) = file(&healthy, "pay.yaml");
    healthy.run(&["backup", "demo/pay", "--mode", "full", "--save-plan", &name]).exits(0);
    by_its_id_alone(&path);
    let refused = standby.run(&["backup", "--plan", &name, "--yes"]).exits(10);
    assert!(refused.err.contains("demo/pay is not the tenant"), "{}", refused.err);
    assert_eq!([fleet.statements(), healthy.statements(), standby.statements()].concat(), Vec::<String>::new());
}

#[test]
fn edited_plan_file_is_refused() {
    let fleet = DemoFleet::serve("healthy");
    let (path, name) = save(&fleet, &["demo/pay", "--mode", "full"]);
    let saved = std::fs::read_to_string(&path).unwrap();
    let run = |name: &str| fleet.run(&["backup", "--plan", name, "--yes"]);
    edit(&path, "  - demo/pay\n", "  - demo/order\n");
    let refused = run(&name).exits(10);
    assert!(refused.err.contains("The targets of the plan are others"), "{}", refused.err);
    edit(&path, "    demo/pay: 1002\n", "");
    edit(&path, "  tenant_ids:\n", "  tenant_ids: {}\n");
    let refused = run(&name).exits(10);
    assert!(refused.err.contains("demo/order is among its targets, and its tenant_ids keep no id"), "{}", refused.err);
    // Another place for the archive stops what runs now, and nobody has seen that.
    std::fs::write(&path, saved.replacen("  mode: full\n", "  mode: full\n  storage: file:///backup/other\n", 1))
        .unwrap();
    let refused = run(&name).exits(10);
    assert!(refused.out.contains("Its digest differs"), "{}", refused.out);
    assert!(refused.err.contains("The plan interrupts more than when it was saved"), "{}", refused.err);
    let shown = fleet.json(&["backup", "--plan", &name, "--dry-run"]).exits(0);
    assert_eq!(plan(&shown)["digest"], "differs");
    assert_eq!(fleet.statements(), Vec::<String>::new());
}

#[test]
fn a_bad_file_is_named_with_the_place_in_it() {
    let fleet = DemoFleet::serve("healthy");
    let (path, name) = save(&fleet, &["demo/pay", "--mode", "full"]);
    let good = std::fs::read_to_string(&path).unwrap();
    let faulty = |text: &str, expected: &str| {
        std::fs::write(&path, text).unwrap();
        let ran = fleet.run(&["backup", "--plan", &name, "--yes"]).exits(1);
        assert!(ran.err.contains(expected), "{expected}\n{}", ran.err);
    };
    faulty(
        &good.replace("  mode: full\n", "  mode: full\n  modus: full\n"),
        "choices.modus (line 9, column 3): there is no",
    );
    faulty(&good.replace("mode: full", "mode: [full]"), "choices.mode (line 8, column");
    faulty(&good.replace("format: 1", "format: 7"), "format (line 3, column 9): it is of a newer obnow");
    faulty(&good.replace("skip: []", "skip: [upgrading]"), "The check upgrading cannot be skipped.");
    faulty(
        &good.replace("  mode: full\n", "  mode: full\n  storage: nowhere\n"),
        "nowhere cannot be used as a destination.",
    );
    faulty("hello\n", "line 1");
    let missing = fleet.run(&["backup", "--plan", &format!("{name}.not"), "--yes"]).exits(1);
    assert!(missing.err.contains("is not there"), "{}", missing.err);
    for beside in [["demo/pay", "--yes"], ["--mode", "full"], ["--no-full", "skip"]] {
        let ran = fleet.run(&["backup", "--plan", &name, beside[0], beside[1]]).exits(1);
        assert!(ran.err.contains("cannot be used with"), "{}", ran.err);
    }
    assert_eq!(fleet.statements(), Vec::<String>::new());
}

#[test]
fn encrypted_plan_stores_no_secret() {
    const CANARY: &str = "CANARY-3fb1c0";
    let fleet = DemoFleet::serve("healthy");
    let (typed, typed_name) = file(&fleet, "typed.yaml");
    let (kept, kept_name) = file(&fleet, "kept.yaml");
    let run = |args: &[&str]| -> CommandResult {
        let output = fleet.command(args).env("CANARY", CANARY).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let ran = CommandResult {
            args: args.iter().map(|arg| (*arg).to_owned()).collect(),
            out: text(output.stdout),
            err: text(output.stderr),
            code: output.status.code().unwrap(),
        };
        assert!(!ran.out.contains(CANARY) && !ran.err.contains(CANARY), "{ran:#?}");
        ran
    };
    let base = "s3://bucket/{tenant_id}/{kind}?host=s3.example.com";
    let storage = ["--storage", base, "--access-id", "AKIA", "--access-key-from", "env:CANARY"];
    let with = |rest: &[&'static str]| [&["backup", "demo/pay", "--mode", "full"], rest].concat();
    let mut saving = with(&["--encrypt-from", "env:CANARY", "--save-plan"]);
    saving.push(&kept_name);
    saving.extend(storage);
    run(&saving).exits(0);
    let mut saving = with(&["--encrypt-from", "stdin", "--save-plan"]);
    saving.push(&typed_name);
    // It is read when the plan is made, and not kept.
    let without = run(&saving).exits(1);
    assert!(without.err.contains("encryption password"), "{}", without.err);
    let mut typing = fleet.command(&saving).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    writeln!(typing.stdin.take().unwrap(), "{CANARY}").unwrap();
    assert!(typing.wait().unwrap().success());
    let texts = [&kept, &typed].map(|path| std::fs::read_to_string(path).unwrap());
    assert!(texts.iter().all(|text| !text.contains(CANARY)), "{texts:#?}");
    assert!(texts[0].contains("  access_key_from: env:CANARY\n"), "{}", texts[0]);
    assert!(texts[0].contains("  encrypt_from: env:CANARY\n"), "{}", texts[0]);
    assert!(texts[0].contains("&access_key=***"), "{}", texts[0]);
    assert!(texts[0].contains("SET ENCRYPTION ON IDENTIFIED BY '***' ONLY"), "{}", texts[0]);
    assert!(texts[1].contains("  encrypt_from: stdin\n"), "{}", texts[1]);

    // A source that lasts is enough; one that was there only once is asked for by its flag.
    run(&["backup", "--plan", &kept_name, "--dry-run"]).exits(0);
    let refused = run(&["backup", "--plan", &typed_name, "--yes"]).exits(1);
    assert!(refused.err.contains("--encrypt-from is missing"), "{}", refused.err);
    assert_eq!(fleet.starts(), Vec::<String>::new());
    // A plan that encrypts cannot be made one that does not by emptying the key.
    edit(&typed, "encrypt_from: stdin", "encrypt_from:");
    let refused = run(&["backup", "--plan", &typed_name, "--yes"]).exits(1);
    assert!(refused.err.contains("choices.encrypt_from (line "), "{}", refused.err);
    edit(&typed, "encrypt_from:", "encrypt_from: stdin");
    let ran = run(&["backup", "--plan", &typed_name, "--yes", "--encrypt-from", "env:CANARY", "--json"]).exits(0);
    assert_eq!(plan(&ran)["differs"], json!([]));
    assert_eq!(ran.verdict("demo/pay")["verdict"], "restorable");

    // A key in a URI is refused before anything is kept.
    let (none, none_name) = file(&fleet, "none.yaml");
    let keyed = format!("{base}&access_key={CANARY}");
    let mut saving = with(&["--storage"]);
    saving.extend([keyed.as_str(), "--save-plan", &none_name]);
    run(&saving).exits(1);
    assert!(!none.exists());
}

#[test]
fn newly_eligible_target_of_a_saved_plan_is_named() {
    let fleet = DemoFleet::serve("no-full");
    let (_, name) = save(&fleet, &["demo", "--mode", "incremental", "--no-full", "skip"]);
    let same = fleet.json(&["backup", "--plan", &name, "--dry-run"]).exits(0);
    assert_eq!(plan(&same)["differs"], json!([]));
    let left = plan(&same)["left_out"][0]["target"].as_str().unwrap().to_owned();
    fleet.run(&["backup", &left, "--mode", "full", "--yes"]).exits(0);
    let now = fleet.json(&["backup", "--plan", &name, "--dry-run"]).exits(0);
    let first = &plan(&now)["differs"][0];
    assert_eq!((&first["targets"], &first["change"]), (&json!([left]), &json!("now_backed_up")));
    let reason = first["text"].as_str().unwrap();
    assert!(reason.starts_with("it was left out then: Full data backup needed"), "{reason}");
}
