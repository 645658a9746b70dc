//! Tests of a login without a password: it must be stated, and an empty source is an error.

use std::os::unix::fs::PermissionsExt as _;

use crate::fleet::DemoFleet;

/// Where the first server of the fleet listens.
fn endpoint(fleet: &DemoFleet) -> String {
    let config: serde_json::Value = serde_yaml::from_str(&std::fs::read_to_string(fleet.config()).unwrap()).unwrap();
    config["clusters"][0]["endpoints"][0].as_str().unwrap().to_owned()
}

#[test]
fn login_without_password_works_from_flag_and_config() {
    let fleet = DemoFleet::serve("no-privilege");
    let at = endpoint(&fleet);
    let host = ["--host", &at, "--user", "open@sys", "--password-from", "none"];
    let inventory = format!(
        "clusters:\n  - {{name: open, endpoints: [\"{at}\"], user: open@sys, password: none}}\nlimits: {{poll: 100ms, archive_wait: 5s}}\n"
    );
    std::fs::write(fleet.config(), inventory).unwrap();
    let check = fleet.json(&["check", "open/pay"]).exits(0);
    assert_eq!(check.check("open", "privileges").0, "pass");
    let shown = fleet.run(&["config", "show"]).exits(0);
    assert!(shown.out.contains("password: none"), "{}", shown.out);
    let ran = fleet.json(&["backup", "open/pay", "--mode", "full", "--yes"]).exits(0);
    assert_eq!(ran.verdict("open/pay")["verdict"], "restorable");
    // The journal says that there is none, and whoever goes on with it is not asked.
    let task = ran.task();
    let journal = std::fs::read_to_string(fleet.state().join("tasks").join(format!("{task}.jsonl"))).unwrap();
    assert!(journal.contains("\"password\":\"none\""), "{journal}");
    fleet.json(&["watch", &task]).exits(0);

    let direct = [&["targets"][..], &host].concat();
    let output = std::process::Command::new(crate::fleet::OBNOW)
        .args(&direct)
        .arg("--state")
        .arg(fleet.state())
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8_lossy(&output.stdout).contains("127.0.0.1/pay"));
}

#[test]
fn empty_password_source_is_an_error() {
    let fleet = DemoFleet::serve("no-privilege");
    let at = endpoint(&fleet);
    let file = fleet.folder().join("empty");
    std::fs::write(&file, "\n").unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    let from_file = format!("{{file: {}}}", file.display());
    for source in [from_file.as_str(), "{command: \"printf ''\"}"] {
        let inventory =
            format!("clusters:\n  - {{name: open, endpoints: [\"{at}\"], user: open@sys, password: {source}}}\n");
        std::fs::write(fleet.config(), inventory).unwrap();
        let refused = fleet.run(&["check", "open/pay"]).exits(1);
        let next = "A login that has no password is said by password: none in the inventory, or --password-from none.";
        assert!(refused.err.contains(next), "{source}: {}", refused.err);
    }
    let key = fleet.run(&["test-storage", "s3://b/p?host=h&access_id=A", "--access-key-from", "none"]).exits(1);
    assert!(key.err.contains("write env:NAME, file:PATH or stdin"), "only a login has none: {}", key.err);
}
