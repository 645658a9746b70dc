//! Benchmarks the detection of a thousand clusters, as the first screen and `obnow targets` do: reachable ones, and unreachable
//! ones that must not delay the others.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a benchmark stops where its setup fails")]

#[path = "../faulty_server/mod.rs"]
mod faulty_server;

use std::fmt::Write;
use std::os::unix::fs::PermissionsExt;

use faulty_server::{FaultyServers, PASSWORD, Tampering};
use obnow::app::AppContext;
use obnow::app::detect;
use tokio::runtime::Runtime;
use tokio::sync::mpsc;

fn main() {
    divan::main();
}

struct DetectionBench {
    room: AppContext,
    runtime: Runtime,
    _servers: FaultyServers,
    _place: tempfile::TempDir,
}

impl DetectionBench {
    /// Of a thousand clusters so many are good, closed, silent, and something else.
    fn new(good: usize, closed: usize, silent: usize, http: usize) -> Self {
        let (servers, place) = (FaultyServers::new(), tempfile::tempdir().unwrap());
        // A server is asked by many at once, but not by all of them.
        let good_ones: Vec<u16> = (0..10).map(|_| servers.tampered(Tampering::none())).collect();
        let ports = [
            (0, good),
            (servers.closed(), closed),
            (FaultyServers::answers_with_bytes(b"", false), silent),
            (FaultyServers::answers_with_bytes(b"HTTP/1.1 400 Bad Request\r\n\r\n", true), http),
        ];
        let private = |name: &str, text: &str| {
            let path = place.path().join(name);
            std::fs::write(&path, text).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
            path
        };
        let password = private("password", PASSWORD);
        let mut text = "limits: {connect: 2s, statement: 10s}\nclusters:\n".to_owned();
        // Mixed, as an inventory is: the dead stand between the others.
        let mut left = ports;
        for number in 0..1_000 {
            let most = (0..left.len()).max_by_key(|&kind| left[kind].1 * 1_000 / ports[kind].1.max(1)).unwrap();
            left[most].1 -= 1;
            let port = if most == 0 { good_ones[number % good_ones.len()] } else { left[most].0 };
            let file = password.display();
            writeln!(
                text,
                "- {{name: c{number}, endpoints: [\"127.0.0.1:{port}\"], user: root@sys, password: {{file: {file}}}}}"
            )
            .unwrap();
        }
        let config = private("config.yaml", &text);
        let room = AppContext::open(Some(config), Some(place.path().join("state")), None).unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        Self { room, runtime, _servers: servers, _place: place }
    }

    /// As many answer with facts as should.
    fn detect(&self, good: usize) {
        self.runtime.block_on(async {
            let (sender, mut answers) = mpsc::unbounded_channel();
            detect::all(&self.room, &sender).await;
            drop(sender);
            let (mut facts, mut faults) = (0, Vec::new());
            while let Some(answer) = answers.recv().await {
                match answer.facts {
                    Ok(_) => facts += 1,
                    Err(fault) => faults.push(fault),
                }
            }
            assert_eq!(facts, good, "{:#?}", faults.first());
        });
    }
}

#[divan::bench(sample_count = 3)]
fn a_thousand_good(bencher: divan::Bencher) {
    let bench = DetectionBench::new(1_000, 0, 0, 0);
    bencher.bench_local(|| bench.detect(1_000));
}

#[divan::bench(sample_count = 3)]
fn a_thousand_with_300_dead(bencher: divan::Bencher) {
    let bench = DetectionBench::new(700, 150, 100, 50);
    bencher.bench_local(|| bench.detect(700));
}

#[divan::bench(sample_count = 3)]
fn a_thousand_dead(bencher: divan::Bencher) {
    let bench = DetectionBench::new(0, 500, 250, 250);
    bencher.bench_local(|| bench.detect(0));
}
