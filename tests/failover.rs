//! Tests of a broken network between obnow and the servers: proxies that cut, freeze and reroute connections. One file for each
//! subject.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail loudly")]

#[path = "failover/after_login.rs"]
mod after_login;
#[path = "faults/fixtures.rs"]
#[allow(dead_code, reason = "what other tests need")]
mod fixtures;
mod fleet;
#[path = "failover/identity.rs"]
mod identity;
#[path = "fleet/proxy.rs"]
mod proxy;
#[path = "failover/reconnect.rs"]
mod reconnect;
#[path = "failover/starts.rs"]
mod starts;

use fixtures::{RunningCommand, journal_until, runs_step, wait};
use fleet::DemoFleet;
use obnow::demo::control::ControlRequest;
use proxy::Proxy;
use serde_json::Value;

/// The backup all these tests make.
const BACKUP: [&str; 6] = ["backup", "demo/pay", "--mode", "full", "--yes", "--json"];

/// The ports of a cluster in a fleet's inventory.
#[track_caller]
fn ports(fleet: &DemoFleet, cluster: &str) -> Vec<u16> {
    let config: Value = serde_yaml::from_str(&std::fs::read_to_string(fleet.config()).unwrap()).unwrap();
    let entry = config["clusters"].as_array().unwrap().iter().find(|entry| entry["name"] == cluster).unwrap();
    let endpoints = entry["endpoints"].as_array().unwrap().iter();
    endpoints.map(|endpoint| endpoint.as_str().unwrap().rsplit(':').next().unwrap().parse().unwrap()).collect()
}

/// Starts proxies, each in front of another server of the fleet's first cluster, and an inventory that has only them.
/// Limits are replaced as given.
fn through(fleet: &DemoFleet, proxies: usize, limits: &[(&str, &str)]) -> Vec<Proxy> {
    let proxies: Vec<Proxy> = ports(fleet, "demo").into_iter().take(proxies).map(Proxy::in_front_of).collect();
    let mut config: Value = serde_yaml::from_str(&std::fs::read_to_string(fleet.config()).unwrap()).unwrap();
    config["clusters"][0]["endpoints"] = proxies.iter().map(Proxy::endpoint).collect();
    for (limit, value) in limits {
        assert!(config["limits"][limit].is_string(), "no limit {limit}");
        config["limits"][limit] = (*value).into();
    }
    std::fs::write(fleet.config(), serde_yaml::to_string(&config).unwrap()).unwrap();
    proxies
}

/// A backup whose job is held in this phase, and whose runner waits for it.
#[track_caller]
fn held(fleet: &DemoFleet, phase: &str) -> RunningCommand {
    fleet.ask(&ControlRequest::HoldPhase { cluster: None, tenant: "pay".into(), phase: phase.to_owned() });
    let follower = RunningCommand::start(fleet, &BACKUP);
    wait(fleet, "pay", "task", phase);
    journal_until(fleet, "the wait", |event| runs_step(event, "wait_for_backup"));
    follower
}

/// Lets the held job go on.
fn release(fleet: &DemoFleet, phase: &str) {
    fleet.ask(&ControlRequest::ReleasePhase { cluster: None, tenant: "pay".into(), phase: phase.to_owned() });
}
