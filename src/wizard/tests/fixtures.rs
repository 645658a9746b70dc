//! Fixtures: an inventory, and the facts of its clusters.

use std::sync::Arc;

use jiff::Timestamp;

use crate::app::inventory_summary::{ClusterSummary, InventorySummary};
use crate::domain::dump::{CatalogueListing, Column, assess_catalogue};
use crate::domain::facts::{self, BackupServiceFacts, Facts};
use crate::domain::fault::{Cause, Fault};
use crate::domain::restorable::BackupSet;
use crate::domain::samples;
use crate::domain::version::{Detected, Method};

/// The moment of every test.
pub fn now() -> Timestamp {
    Timestamp::from_second(samples::NOW.try_into().unwrap()).unwrap()
}

/// A cluster of the inventory.
pub fn cluster_summary(name: &str, environment: Option<&str>, asks_password: bool) -> ClusterSummary {
    ClusterSummary {
        name: samples::target(name),
        environment: environment.map(str::to_owned),
        endpoints: vec!["10.0.0.1:2881".into(), "10.0.0.2:2881".into()],
        user: "root@sys".into(),
        is_password_typed: asks_password,
        ssh_user: None,
        max_backup_age: Some(7 * 86_400),
        fallbacks: Vec::new(),
        compactions: Vec::new(),
    }
}

/// An inventory of these clusters.
pub fn inventory_of(clusters: Vec<ClusterSummary>) -> InventorySummary {
    InventorySummary { clusters, has_inventory: true, path: "/home/dba/.config/obnow/config.yaml".into() }
}

/// `prod` with pay and order, `dev-seek` without tenants, `vault` whose password is asked for.
pub fn three_clusters() -> InventorySummary {
    inventory_of(vec![
        cluster_summary("prod", Some("prod"), false),
        cluster_summary("dev-seek", None, false),
        cluster_summary("vault", Some("test"), true),
    ])
}

/// The same facts under another cluster's name.
pub fn with_name(mut facts: Facts, name: &str) -> Facts {
    facts.cluster.target = samples::target(name);
    facts
}

fn set(bytes: u64) -> BackupSet {
    BackupSet { bytes: Some(bytes), ..samples::full(3) }
}

/// `prod`: pay and order, each with a full that can be restored.
pub fn prod() -> Facts {
    let pay = facts::TenantFacts { sets: vec![set(44_238_000_000)], ..samples::tenant(1002, "pay") };
    let order = facts::TenantFacts { sets: vec![set(1_200_000_000)], ..samples::other_tenant(1004, "order") };
    samples::cluster(vec![pay, order])
}

/// The same, an upgrade half done: nothing may be backed up.
pub fn upgrading() -> Facts {
    let mut facts = prod();
    facts.cluster.upgrading = facts::Known::Known(vec!["upgrade mode is on".into()]);
    facts
}

/// The same, its builds mixed: it may be overridden.
pub fn mixed() -> Facts {
    let mut facts = prod();
    let mut servers = vec![samples::server(1), samples::server(2)];
    servers[1].build = "4.2.5.0_100000012024".into();
    facts.cluster.servers = facts::Known::Known(servers);
    facts
}

/// The same, somebody backs pay up.
pub fn busy() -> Facts {
    let mut facts = prod();
    let pay = facts.tenants.iter_mut().find(|tenant| tenant.name == "pay").unwrap();
    pay.running = vec![samples::job("by OCP")];
    facts
}

/// The same, pay's archive stopped: a start would begin a round, which is a change that stays.
pub fn not_archiving() -> Facts {
    let mut facts = prod();
    let pay = facts.tenants.iter_mut().find(|tenant| tenant.name == "pay").unwrap();
    pay.archive = samples::archive(None);
    facts
}

/// The same, its clusters' and tenants' destinations never set: the storage must be given.
pub fn without_storage() -> Facts {
    let mut facts = prod();
    for tenant in &mut facts.tenants {
        tenant.data_destination = None;
        tenant.archive.destination = None;
    }
    facts
}

/// A later look at the same: the archive is further, and the plan is the same.
pub fn read_later(facts: &Facts) -> Facts {
    Facts { at: facts.at.saturating_add(jiff::SignedDuration::from_secs(60)).unwrap(), ..facts.clone() }
}

/// An engine without tenants, backed up by a dump.
pub fn seek() -> Facts {
    let mut facts = with_name(prod(), "dev-seek");
    facts.cluster.version = Detected::read("seekdb 1.4.0").unwrap().version;
    facts.cluster.method = Method::Logical;
    facts.cluster.method_reason = "seekdb has no physical backup.".into();
    facts.cluster.environment = None;
    facts.cluster.id = None;
    facts.cluster.backup_service =
        Some(BackupServiceFacts::Ready { release: "mydumper 0.10.0".into(), path: "/usr/bin/mydumper".into() });
    let mut whole = samples::tenant(0, "dev-seek");
    whole.archive = samples::archive(None);
    whole.data_destination = None;
    facts.tenants = vec![whole];
    facts
}

/// The same with a table that no dump brings back, and a view on it.
pub fn failing_checks() -> Facts {
    let column = Column {
        database: "pay".into(),
        table: "inv".into(),
        name: "a".into(),
        data_type: "int".into(),
        column_type: "int(11)".into(),
        extra: "INVISIBLE".into(),
    };
    let listing = CatalogueListing {
        databases: vec!["pay".into()],
        tables: [("inv", "BASE TABLE"), ("v", "VIEW"), ("t", "BASE TABLE")]
            .map(|(name, kind)| ("pay".to_owned(), name.to_owned(), kind.to_owned()))
            .to_vec(),
        columns: vec![column],
        reads: Some(vec![["pay", "v", "pay", "inv"].map(str::to_owned)]),
        refers: Some(Vec::new()),
        ..CatalogueListing::default()
    };
    let mut seek = seek();
    seek.cluster.dump = Some(facts::Known::Known(assess_catalogue(listing)));
    seek
}

/// Names two cells wide.
pub fn chinese() -> Facts {
    let pay = facts::TenantFacts { sets: vec![set(44_238_000_000)], ..samples::tenant(1002, "\u{652f}\u{4ed8}") };
    let order =
        samples::other_tenant(1004, "\u{8ba2}\u{5355}\u{5e93}\u{5f88}\u{957f}\u{7684}\u{540d}\u{5b57}\u{5f88}\u{957f}");
    with_name(samples::cluster(vec![pay, order]), "\u{751f}\u{4ea7}")
}

/// As a cluster answers.
#[allow(clippy::unnecessary_wraps, reason = "the type of every answer")]
pub fn answer(facts: Facts) -> Result<Arc<Facts>, Fault> {
    Ok(Arc::new(facts))
}

pub fn unreachable() -> Fault {
    Fault::new(
        Cause::Unreachable,
        "10.0.0.1:2881 cannot be reached.",
        "Nobody answered within 5 s.",
        "Look at the network and the endpoints in the inventory.",
    )
}

pub fn refused_login() -> Fault {
    Fault::new(Cause::Rights, "The login was refused.", "The password of root@sys is wrong.", "Type it again.")
        .with_code(1045)
}
