//! The inventory of a fleet: an ordinary one, with limits as small as a fleet on loopback allows.

use std::path::Path;

use serde::Serialize;
use serde_yaml::Value;

use crate::demo::scenario::{ClusterEntry, LoginEntry, Scenario, ScenarioError};

use super::PASSWORD;

#[derive(Serialize)]
struct Inventory {
    clusters: Vec<ClusterConfig>,
    limits: Limits,
}

#[derive(Serialize)]
struct ClusterConfig {
    name: String,
    environment: String,
    endpoints: Vec<String>,
    user: String,
    password: Secret,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    strategies: Vec<Value>,
}

#[derive(Serialize)]
struct Secret {
    file: String,
}

#[derive(Serialize)]
struct Limits {
    connect: &'static str,
    statement: &'static str,
    poll: &'static str,
    stall: &'static str,
    archive_wait: &'static str,
    heartbeat: &'static str,
    proof: &'static str,
}

const LIMITS: Limits = Limits {
    connect: "2s",
    statement: "5s",
    poll: "100ms",
    stall: "5s",
    archive_wait: "5s",
    heartbeat: "1s",
    proof: "10s",
};

/// Returns the text of `config.yaml`.
pub(super) fn inventory_text(scenario: &Scenario, dir: &Path, ports: &[u16]) -> Result<String, ScenarioError> {
    let mut ports = ports.iter();
    let data = dir.join("data").display().to_string();
    let of_cluster = |cluster: &ClusterEntry| -> Vec<ClusterConfig> {
        let endpoints: Vec<String> =
            ports.by_ref().take(cluster.servers).map(|port| format!("127.0.0.1:{port}")).collect();
        let root = LoginEntry { name: cluster.name.clone(), user: "root@sys".to_owned() };
        let logins = if cluster.logins.is_empty() { vec![root] } else { cluster.logins.clone() };
        let entry = |login: LoginEntry| ClusterConfig {
            name: login.name,
            environment: cluster.environment.clone(),
            endpoints: endpoints.clone(),
            user: login.user,
            password: Secret { file: dir.join(PASSWORD).display().to_string() },
            strategies: cluster.strategies.iter().map(|strategy| fill_data_dir(strategy, &data)).collect(),
        };
        logins.into_iter().map(entry).collect()
    };
    let clusters = scenario.clusters.iter().flat_map(of_cluster);
    let inventory = Inventory { clusters: clusters.collect(), limits: LIMITS };
    serde_yaml::to_string(&inventory)
        .map_err(|error| ScenarioError::Broken { name: "inventory".to_owned(), why: error.to_string() })
}

/// Returns a strategy with `{data}` replaced by the fleet's data directory.
fn fill_data_dir(value: &Value, data: &str) -> Value {
    match value {
        Value::String(text) => Value::String(text.replace("{data}", data)),
        Value::Sequence(items) => Value::Sequence(items.iter().map(|item| fill_data_dir(item, data)).collect()),
        Value::Mapping(items) => {
            Value::Mapping(items.iter().map(|(key, item)| (key.clone(), fill_data_dir(item, data))).collect())
        }
        other => other.clone(),
    }
}
