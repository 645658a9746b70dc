//! Tests that an unreadable value of any column never improves a verdict, a check or a plan.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test stops where its setup fails")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::watch;

use super::OceanBase;
use super::session::recording::{CellChange, Recording};
use super::statement::Secrets;
use crate::demo::clock;
use crate::demo::connection_registry::ConnectionRegistry;
use crate::demo::scenario::{self, FleetSettings};
use crate::demo::server;
use crate::demo::shared_fleet::SharedFleet;
use crate::domain::choices::{Choices, Mode};
use crate::domain::connection::{Connection, Limits, TlsMode};
use crate::domain::facts::{Facts, TenantKind};
use crate::domain::last_good::last_good;
use crate::domain::outcome::{Assessment, Outcome, VerdictKind, assess};
use crate::domain::plan::{Action, Plan, TargetPlan, plan};
use crate::domain::secret::Secret;
use crate::domain::target::TargetName;

/// The release lines of the embedded OceanBase, each with a version.
const LINES: [(&str, &str); 10] = [
    ("4.0", "4.0.0.0"),
    ("4.1", "4.1.0.0"),
    ("4.2.5", "4.2.5.1"),
    ("4.3.5", "4.3.5.0"),
    ("2.2.77", "2.2.77"),
    ("3.1.2", "3.1.2"),
    ("3.1.5", "3.1.5"),
    ("3.2.2", "3.2.2"),
    ("3.2.2-tenant", "3.2.2"),
    ("3.2.4", "3.2.4"),
];

/// Values that replace the value of a cell.
const GARBAGE: [Option<&str>; 5] = [None, Some(""), Some("abc"), Some("99999999999999999999"), Some("-1")];

/// A verdict with the start and the end of its window.
type VerdictWindow = (VerdictKind, Option<u64>, Option<u64>);

/// Everything that is decided from facts.
#[derive(Debug)]
struct Decisions {
    /// The plan of a full and of an incremental backup of each tenant, where one may be made.
    plans: BTreeMap<(String, &'static str), Option<Plan>>,
    /// The verdict of each set of each tenant.
    verdicts: BTreeMap<(String, u64), VerdictWindow>,
    /// The last good backup of each tenant: its time, and up to when it can be restored.
    good: BTreeMap<String, Option<(u64, u64)>>,
}

fn decide(facts: &Facts) -> Decisions {
    let mut decided = Decisions { plans: BTreeMap::new(), verdicts: BTreeMap::new(), good: BTreeMap::new() };
    for mode in [Mode::Full, Mode::Incremental] {
        let made = plan(facts, &Choices::new(vec![facts.cluster.target.clone()], mode)).ok();
        decided.plans.insert(("the whole cluster".to_owned(), mode.word()), made);
    }
    for tenant in facts.tenants.iter().filter(|tenant| tenant.kind == TenantKind::User) {
        let target = facts.target(tenant);
        for mode in [Mode::Full, Mode::Incremental] {
            let made = plan(facts, &Choices::new(vec![target.clone()], mode)).ok();
            decided.plans.insert((tenant.name.clone(), mode.word()), made);
        }
        for set in &tenant.sets {
            let outcome = match assess(tenant, &target, set.id, true, &facts.cluster.time_zone) {
                Assessment::Final(outcome) => *outcome,
                Assessment::Pending { interim: meanwhile, .. } => *meanwhile,
            };
            let ends = |outcome: &Outcome| (outcome.from.map(|at| at.0), outcome.to.map(|at| at.0));
            let (from, to) = ends(&outcome);
            decided.verdicts.insert((tenant.name.clone(), set.id), (outcome.verdict, from, to));
        }
        let good = last_good(tenant).map(|good| (good.at.0, good.restorable_to.0));
        decided.good.insert(tenant.name.clone(), good);
    }
    decided
}

/// Returns every decision that improved.
fn improvements(before: &Decisions, after: &Decisions) -> Vec<String> {
    let mut found = Vec::new();
    for (key, (verdict, from, to)) in &after.verdicts {
        let Some((was, was_from, was_to)) = before.verdicts.get(key) else {
            found.push(format!("{key:?} is {verdict:?} and was not there"));
            continue;
        };
        let good = |word: &VerdictKind| match word {
            VerdictKind::Restorable => 2,
            VerdictKind::NotYetRestorable => 1,
            _ => 0,
        };
        if good(verdict) > good(was) || (*verdict == VerdictKind::Restorable && (from < was_from || to > was_to)) {
            found.push(format!("{key:?} is {verdict:?} {from:?} {to:?} and was {was:?} {was_from:?} {was_to:?}"));
        }
    }
    for (tenant, good) in &after.good {
        let was = before.good.get(tenant).copied().flatten();
        if good.is_some_and(|(_, to)| was.is_none_or(|(_, was)| to > was)) {
            found.push(format!("the last good backup of {tenant} is {good:?} and was {was:?}"));
        }
    }
    for (key, made) in &after.plans {
        match (before.plans.get(key), made) {
            (_, None) => {}
            // A storage proof may be left out, where a value that it needs was unreadable.
            (Some(Some(was)), Some(made))
                if acts(was) == acts(made)
                    && same_cluster(was, made)
                    && previews(made).iter().all(|look| previews(was).contains(look)) => {}
            (was, Some(_)) => {
                let how = if was.is_some_and(Option::is_some) { "otherwise" } else { "and was refused" };
                found.push(format!("{key:?} is planned {how}"));
            }
        }
    }
    found
}

/// Returns whether both plans are for the same cluster. A plan without the tenant's creation time may lack it, since servers may
/// leave it out.
fn same_cluster(was: &Plan, made: &Plan) -> bool {
    let mut known = was.cluster.clone();
    if made.cluster.created.is_none() {
        known.created = None;
    }
    known == made.cluster
}

/// Returns the actions of a plan with their targets, without storage proofs.
fn acts(plan: &Plan) -> Vec<String> {
    let acts = |target: &TargetPlan| {
        let actions = target.steps.iter().flat_map(|step| &step.actions).filter(|action| !is_preview(action));
        format!("{:?} {:?} {:?}", target.tenant, target.mode, actions.collect::<Vec<_>>())
    };
    plan.targets.iter().map(acts).collect()
}

/// Returns the storage proofs of a plan.
fn previews(plan: &Plan) -> Vec<&Action> {
    let actions = plan.targets.iter().flat_map(|target| &target.steps).flat_map(|step| &step.actions);
    actions.filter(|action| is_preview(action)).collect()
}

fn is_preview(action: &Action) -> bool {
    matches!(action, Action::ProveOnStorage { .. })
}

/// Returns a cluster of the release line with tenants of many kinds, and a recording of its results.
async fn record_cluster(line: &str, version: &str) -> (OceanBase, Recording, watch::Sender<bool>) {
    let of_v4 = if line.starts_with('4') {
        "  - {names: [bin], recycled: true, sets: []}\n  - {names: [dark], archive: null}\n  - {names: [dr], role: STANDBY}\n"
    } else {
        "  - {names: [bin], recycled: true, sets: []}\n"
    };
    let text = format!(
        "shows: a test\nclusters:\n- name: demo\n  id: 1001\n  version: {version}\n  line: {line}\n  engine: enterprise\n  \
         tenants:\n  - {{names: [pay, order], sets: [3d, 1d]}}\n{of_v4}"
    );
    let scenario = scenario::parse("test", &text).unwrap();
    let data = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let ports: Vec<u16> = std::iter::once(port).chain(1..).take(scenario.port_count()).collect();
    let making = FleetSettings { data: data.path(), ports: &ports, speed: 1, password: "p", now: clock::now() };
    let world = Arc::new(SharedFleet::new(scenario.build_fleet("test", &making).unwrap()));
    let (stop, stopped) = watch::channel(false);
    tokio::spawn(server::serve_endpoint(world, 0, listener, ConnectionRegistry::new(), stopped));
    let limits = Limits {
        connect: 60_000,
        statement: 60_000,
        poll: 1_000,
        stall: 60_000,
        archive_wait: 60_000,
        heartbeat: 10_000,
        proof: 60_000,
    };
    let connection = Connection {
        endpoints: vec![format!("127.0.0.1:{port}")],
        user: "root@sys".to_owned(),
        password: None,
        tls: TlsMode::Off,
        ca: None,
        mydumper: None,
        limits,
    };
    let login = Some(Secret::new("p".to_owned()));
    let secrets = Secrets { login, ..Secrets::default() };
    let mut cluster = OceanBase::new("demo".parse::<TargetName>().unwrap(), None, connection, secrets);
    cluster.ensure_session().await.unwrap();
    cluster.session.as_mut().unwrap().tape = Some(Recording::default());
    cluster.detect().await.unwrap();
    let tape = cluster.session.as_mut().unwrap().tape.take().unwrap();
    (cluster, tape, stop)
}

/// Returns the facts that are detected from a recording.
async fn replayed_facts(cluster: &mut OceanBase, tape: Recording) -> Option<Facts> {
    // Cached columns and login are discovered anew each time.
    cluster.columns = None;
    cluster.login = None;
    cluster.session.as_mut().unwrap().tape = Some(tape);
    let facts = cluster.detect().await.ok();
    assert!(cluster.session.is_some(), "the connection is kept");
    facts
}

#[tokio::test]
async fn unreadable_values_improve_nothing() {
    let mut changed = 0;
    let mut found = BTreeSet::new();
    for (line, version) in LINES {
        let (mut cluster, tape, _stop) = record_cluster(line, version).await;
        let before = decide(&replayed_facts(&mut cluster, tape.replaying(None)).await.expect("the tape is whole"));
        let restorable = before.verdicts.values().any(|(verdict, ..)| *verdict == VerdictKind::Restorable);
        assert!(restorable, "{line}: nothing could get worse: {:?}", before.verdicts);
        assert!(before.plans.values().any(Option::is_some), "{line}: nothing could be refused");
        // A tenant of another name is another tenant, and any name may be one.
        for (view, column) in tape.columns().into_iter().filter(|(_, column)| column != "TENANT_NAME") {
            for value in GARBAGE {
                let (view, column, value) = (view.clone(), column.clone(), value.map(str::to_owned));
                let what = format!("{line} {view}.{column} = {value:?}");
                changed += 1;
                if let Some(facts) =
                    replayed_facts(&mut cluster, tape.replaying(Some(CellChange { view, column, value }))).await
                {
                    found
                        .extend(improvements(&before, &decide(&facts)).into_iter().map(|how| format!("{what}: {how}")));
                }
            }
        }
    }
    assert!(changed > 3_000, "{changed}");
    assert!(found.is_empty(), "{} of {changed}:\n{}", found.len(), found.into_iter().collect::<Vec<_>>().join("\n"));
}

/// A garbled column list proves no column absent: without its column a role would be taken for PRIMARY.
#[tokio::test]
async fn unreadable_column_list_is_a_fault() {
    for (line, version, view) in [("4.2.5", "4.2.5.1", "DBA_OB_TENANTS"), ("3.1.5", "3.1.5", "__all_tenant")] {
        let (mut cluster, tape, _stop) = record_cluster(line, version).await;
        for value in GARBAGE {
            let (view, column) = (view.to_owned(), "FIELD".to_owned());
            let change = CellChange { view: view.clone(), column, value: value.map(str::to_owned) };
            cluster.session.as_mut().unwrap().tape = Some(tape.replaying(Some(change)));
            let fault = cluster.find_columns().await.expect_err("the list was not read");
            assert_eq!(fault.what, format!("The columns of {view} were not read."), "{value:?}");
        }
    }
}

/// A time after the server's clock makes the detection fail, and the fault names the column.
#[tokio::test]
async fn future_time_is_a_fault() {
    for (line, version, moments) in [
        ("4.2.5", "4.2.5.1", &["CHECKPOINT_SCN", "START_SCN", "START_REPLAY_SCN", "MIN_RESTORE_SCN"][..]),
        ("3.2.4", "3.2.4", &["MAX_NEXT_TIME", "MIN_FIRST_TIME", "SNAPSHOT_VERSION", "END_TIME"][..]),
    ] {
        let (mut cluster, tape, _stop) = record_cluster(line, version).await;
        for moment in moments {
            let of: Vec<_> = tape.columns().into_iter().filter(|(_, column)| column == moment).collect();
            assert!(!of.is_empty(), "{line}: nobody asks for {moment}");
            for (view, column) in of {
                let late = if column.ends_with("TIME") { "9999-12-31 00:00:00" } else { "4611686018427387903" };
                let change = CellChange { view, column, value: Some(late.to_owned()) };
                cluster.columns = None;
                cluster.login = None;
                cluster.session.as_mut().unwrap().tape = Some(tape.replaying(Some(change)));
                let fault = cluster.detect().await.expect_err("it was read");
                assert!(fault.why.contains(&format!("Its column {moment} says")), "{line}: {fault}");
            }
        }
    }
}
