//! Benchmarks the plan for a cluster of a thousand tenants, with every check, statement and the digest that is confirmed.
#![allow(clippy::unwrap_used, reason = "a benchmark stops where its setup fails")]

#[path = "../faulty_server/mod.rs"]
mod faulty_server;

use std::fmt::Write;
use std::os::unix::fs::PermissionsExt;

use faulty_server::{FaultyServers, PASSWORD, Tampering};
use obnow::app::prepare::prepare;
use obnow::app::{AppContext, detect};
use obnow::domain::choices::{Choices, Mode};
use obnow::domain::facts::Facts;

fn main() {
    divan::main();
}

/// The facts of a cluster of a thousand tenants, as they are detected.
fn facts() -> Facts {
    let (servers, place) = (FaultyServers::new(), tempfile::tempdir().unwrap());
    let mut lines = String::new();
    for number in 0..1_000 {
        writeln!(lines, "  - {{names: [t{number:04}]}}").unwrap();
    }
    let port = servers.tenants(&lines, Tampering::none());
    let private = |name: &str, text: &str| {
        let path = place.path().join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        path
    };
    let password = private("password", PASSWORD);
    let cluster = format!(
        "clusters: [{{name: demo, endpoints: [\"127.0.0.1:{port}\"], user: root@sys, password: {{file: {}}}}}]\n",
        password.display()
    );
    let config = private("config.yaml", &cluster);
    let room = AppContext::open(Some(config), Some(place.path().join("state")), None).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(detect::one(&room, room.cluster("demo").unwrap())).unwrap()
}

#[divan::bench(args = [Mode::Full, Mode::Incremental], sample_count = 10)]
fn a_thousand_tenants(bencher: divan::Bencher, mode: Mode) {
    let facts = facts();
    let choices = Choices::new(vec![facts.cluster.target.clone()], mode);
    bencher.bench_local(|| {
        let prepared = prepare(&facts, &choices, "1QJ45Y2V0ZZZ").unwrap();
        assert_eq!(prepared.plan.targets.len(), 1_000);
    });
}
