//! Tests of backups of single tenants below V4, which V3.2.2 has from build 20220304134610 on.

use crate::fleet::DemoFleet;

fn texts(fleet: &DemoFleet, cluster: &str) -> Vec<String> {
    fleet.statements_to(cluster).into_iter().map(|(text, _)| text).collect()
}

#[test]
fn build_without_tenant_backup_is_refused() {
    let fleet = DemoFleet::serve("tenant-gate");
    let found = "V3.2.2-20220120181545 cannot back up one tenant: that needs V3.2.2-20220304134610 or later";
    let check = fleet.json(&["check", "below/fund"]).exits(10).quiet();
    assert_eq!(check.check("below/fund", "version"), ("fail".into(), found.into()));
    let refused =
        fleet.json(&["backup", "below/fund", "--mode", "full", "--storage", "file:///own", "--yes"]).exits(10);
    let [what, why, next] = refused.fault();
    assert_eq!(what, "below/fund cannot be backed up now.");
    assert_eq!(why, format!("{found}."));
    assert_eq!(next, "Back up the whole cluster, below, or upgrade.");
    assert_eq!(texts(&fleet, "below"), Vec::<String>::new());
    let row = |target: &str| {
        let rows = fleet.json(&["targets"]).exits(0).of_kind("target");
        rows.into_iter().find(|row| row["target"] == target).unwrap()
    };
    assert_eq!((&row("below/fund")["eligible"], &row("below")["eligible"]), (&false.into(), &true.into()));
    assert_eq!(row("at/fund")["eligible"], true);
    // The whole cluster can be backed up there.
    let whole = fleet.json(&["backup", "below", "--mode", "full", "--yes"]).exits(0);
    assert_eq!(whole.verdict("below/fund")["verdict"], "restorable");
    assert_eq!(texts(&fleet, "below"), ["ALTER SYSTEM BACKUP DATABASE"]);
}

#[test]
fn at_the_gate_a_tenant_goes_to_a_directory_of_its_own() {
    let fleet = DemoFleet::serve("tenant-gate");
    let ran = fleet.json(&["backup", "at/fund", "--mode", "full", "--yes"]).exits(0);
    let verdict = ran.verdict("at/fund");
    assert_eq!((&verdict["verdict"], &verdict["type"]), (&"restorable".into(), &"full".into()));
    let said = texts(&fleet, "at");
    assert_eq!(said.len(), 1, "{said:?}");
    let to = format!("/tenants/fund/{}.1'", ran.task());
    assert!(said[0].starts_with("ALTER SYSTEM BACKUP TENANT ") && said[0].ends_with(&to), "{said:?}");
    let changes_nothing = "a backup of tenants has a directory of its own and changes no setting";
    assert_eq!(ran.step("at/fund", "Set backup destination"), ("not_needed".into(), changes_nothing.into()));
    // Each time another directory, and what a tenant has of its own is no base of an increment.
    let again = fleet.json(&["backup", "at/fund", "--mode", "full", "--yes"]).exits(0);
    assert!(texts(&fleet, "at")[1].ends_with(&format!("/tenants/fund/{}.1'", again.task())));
    let increment = fleet.json(&["backup", "at", "--mode", "incremental", "--yes"]).exits(0);
    assert_eq!(increment.step("at/fund", "Check if ready to data backup"), ("ok".into(), "set 2 is the base".into()));
    assert_eq!(increment.verdict("at/fund")["type"], "incremental");
    // The Oracle tenant too, from root@sys.
    let loan = fleet.json(&["backup", "at/loan", "--mode", "full", "--yes"]).exits(0);
    assert_eq!(loan.verdict("at/loan")["verdict"], "restorable");
}

#[test]
fn several_tenants_go_into_one_statement_and_one_directory() {
    let fleet = DemoFleet::serve("tenant-gate");
    let both = ["backup", "at/fund", "at/bond", "--mode", "full", "--yes"];
    let each = fleet.json(&both).exits(1);
    assert_eq!(each.fault()[1], "{tenant} stands for one tenant, and one directory takes them all.");
    let own = format!("file://{}", fleet.folder().join("data/together").display());
    let ran = fleet.json(&[&both[..], &["--storage", &own]].concat()).exits(0);
    let said = texts(&fleet, "at");
    assert_eq!(said.len(), 1, "{said:?}");
    for target in ["at/fund", "at/bond"] {
        assert_eq!(ran.verdict(target)["verdict"], "restorable", "{target}");
    }
}

#[test]
fn invalid_tenant_backup_options_are_refused() {
    let fleet = DemoFleet::serve("tenant-gate");
    let mode = fleet.json(&["backup", "at/fund", "--mode", "incremental", "--yes"]).exits(10);
    assert_eq!(mode.fault()[1], "A backup of one tenant is always full before V4.");
    let first = fleet.json(&["backup", "fresh/fund", "--mode", "full", "--storage", "file:///own", "--yes"]).exits(10);
    assert_eq!(first.fault()[2], "Back up the whole cluster first: obnow backup fresh --mode full.");
    let check = fleet.json(&["check", "fresh/fund"]).exits(10);
    assert_eq!(check.check("fresh/fund", "usable_full").0, "fail");
    let within = format!("file://{}", fleet.folder().join("data/at/more").display());
    let inside = fleet.json(&["backup", "at/fund", "--mode", "full", "--storage", &within, "--yes"]).exits(1);
    assert!(inside.fault()[1].starts_with("It lies in backup_dest, file://"), "{:?}", inside.fault());
    for cluster in ["at", "fresh"] {
        assert_eq!(texts(&fleet, cluster), Vec::<String>::new());
    }
}

/// What the server would refuse with 1235 is seen before anything is sent, and the tenant is named.
#[test]
fn a_tenant_without_gts_is_named_before_anything_is_sent() {
    let fleet = DemoFleet::serve("tenant-gate");
    let healthy = fleet.json(&["check", "at"]).exits(0).quiet();
    assert_eq!(healthy.check("at", "timestamp_service"), ("pass".into(), "every tenant uses GTS".into()));
    let refused = fleet.json(&["backup", "local", "--mode", "full", "--yes"]).exits(10).quiet();
    let found = "without GTS no tenant can be backed up before V4: clockwork";
    assert_eq!(refused.check("local", "timestamp_service"), ("fail".into(), found.into()));
    assert_eq!(refused.fault()[2], "In those tenants: SET GLOBAL ob_timestamp_service = 'GTS'.");
    assert_eq!(texts(&fleet, "local"), Vec::<String>::new());
}
