//! Tests that every row has only columns of its view, on every line, and that no key is shown.
#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

use crate::demo::harness::{DemoHarness, full_backup};
use crate::demo::scenario;
use crate::demo::view_definitions::views_of;

use super::*;

#[test]
fn every_column_shown_is_documented() {
    for (name, _) in scenario::list().unwrap() {
        let mut harness = DemoHarness::from_scenario(name);
        let _some_are_refused = harness.execute("sys", &full_backup(&[]));
        harness.advance_ms(8_000);
        for cluster in &harness.fleet.clusters {
            for (view, documented) in views_of(cluster.line.key).unwrap() {
                for tenant_id in [1, 1002] {
                    let context = ViewContext { fleet: &harness.fleet, cluster, tenant_id, zone: "+08:00" };
                    for row in rows(&context, view).unwrap() {
                        let unknown: Vec<_> = row.keys().filter(|column| documented.column(column).is_none()).collect();
                        assert!(unknown.is_empty(), "{name}: {view} has no {unknown:?}");
                    }
                }
            }
        }
    }
}

#[test]
fn the_key_of_a_destination_is_masked() {
    let mut harness = DemoHarness::from_scenario("healthy");
    harness.set_item("data_backup_dest", "oss://b/p?host=h&access_id=AK&access_key=SECRET", "pay").unwrap();
    let context = ViewContext { fleet: &harness.fleet, cluster: harness.cluster(), tenant_id: 1, zone: "+08:00" };
    let shown = format!("{:?}", rows(&context, "CDB_OB_BACKUP_PARAMETER").unwrap());
    assert!(shown.contains("oss://b/p?host=h&access_id=AK&encrypt_key="), "{shown}");
    assert!(!shown.contains("SECRET"));
    let stored = format!("{:?}", rows(&context, "CDB_OB_BACKUP_STORAGE_INFO").unwrap());
    assert!(!stored.contains("SECRET"));
}

#[test]
fn a_tenant_sees_itself_only() {
    let harness = DemoHarness::from_scenario("healthy");
    let context = ViewContext { fleet: &harness.fleet, cluster: harness.cluster(), tenant_id: 1002, zone: "+08:00" };
    let sets = rows(&context, "DBA_OB_BACKUP_SET_FILES").unwrap();
    assert_eq!(sets.len(), 2);
    assert!(sets.iter().all(|row| !row.contains_key("TENANT_ID")));
    let tenants = rows(&context, "DBA_OB_TENANTS").unwrap();
    assert_eq!(tenants.iter().map(|row| row["TENANT_ID"].clone()).collect::<Vec<_>>(), [int(1001), int(1002)]);
}

#[test]
fn a_cluster_that_ocp_manages_shows_its_signs() {
    let harness = DemoHarness::from_scenario("managed");
    let named = |view: &str, key: &str, name: &str, value: &str| {
        let (names, values) = (harness.column(view, key), harness.column(view, value));
        names.into_iter().zip(values).find(|(known, _)| *known == text(name)).map(|(_, value)| value)
    };
    let url = "http://ocp.example.com:8080/services?Action=ObRootServiceInfo&ObCluster=demo";
    assert_eq!(named("GV$OB_PARAMETERS", "NAME", "obconfig_url", "VALUE"), Some(text(url)));
    assert_eq!(named("GV$OB_PROCESSLIST", "USER", "ocp_monitor", "USER_CLIENT_IP"), Some(text("10.0.0.9")));
    let healthy = DemoHarness::from_scenario("healthy");
    assert!(!healthy.column("GV$OB_PROCESSLIST", "USER").contains(&text("ocp_monitor")));
}

#[test]
fn the_fleet_has_forty_rows() {
    let harness = DemoHarness::from_scenario("fleet");
    let tenants: usize = harness.fleet.clusters.iter().map(|cluster| cluster.user_tenants().count()).sum();
    assert!(tenants + harness.fleet.clusters.len() >= 40, "only {tenants} tenants");
}
