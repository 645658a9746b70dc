//! Detection of many clusters at once: each answers on its own, and a dead one delays no other.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;

use super::AppContext;
use crate::config::inventory::Cluster;
use crate::domain::facts::{Facts, WorkingDirectory};
use crate::domain::fault::{Cause, Fault};
use crate::domain::version::Method;

/// The folder of the state directory that holds dumps on their way to an object storage.
const DUMP_DIRECTORY: &str = "dumps";

/// Connections that are tried at the same time.
const MAX_CONCURRENT: usize = 256;

/// The result of detecting one cluster.
pub struct DetectionResult {
    /// Its name in the inventory.
    pub cluster: String,
    /// Its facts, or why there are none.
    pub facts: Result<Facts, Fault>,
}

/// Detects every cluster and returns the results in inventory order, after the last one has answered.
pub async fn collect_all(context: &AppContext) -> Vec<DetectionResult> {
    let (sender, mut answers) = mpsc::unbounded_channel();
    let asking = async {
        all(context, &sender).await;
        drop(sender);
    };
    let mut found = Vec::new();
    let taking = async {
        while let Some(answer) = answers.recv().await {
            found.push(answer);
        }
    };
    tokio::join!(asking, taking);
    let place = |name: &str| context.inventory.clusters.iter().position(|cluster| cluster.name == name);
    found.sort_by_key(|answer| place(&answer.cluster));
    found
}

/// Detects every cluster of the inventory; answers come in the order they arrive.
pub async fn all(context: &AppContext, answers: &mpsc::UnboundedSender<DetectionResult>) {
    detect_each(context, context.inventory.clusters.iter(), answers).await;
}

/// Detects the clusters of these names, the first ones first; a name nobody has is left out.
pub async fn named(context: &AppContext, names: &[String], answers: &mpsc::UnboundedSender<DetectionResult>) {
    let known: HashMap<&str, &Cluster> =
        context.inventory.clusters.iter().map(|cluster| (cluster.name.as_str(), cluster)).collect();
    detect_each(context, names.iter().filter_map(|name| known.get(name.as_str()).copied()), answers).await;
}

async fn detect_each<'a>(
    context: &AppContext,
    clusters: impl Iterator<Item = &'a Cluster>,
    answers: &mpsc::UnboundedSender<DetectionResult>,
) {
    let places = Arc::new(Semaphore::new(MAX_CONCURRENT));
    let mut running = JoinSet::new();
    for cluster in clusters {
        // Secrets are resolved one after the other: a password tool may ask its owner.
        let system = context.oceanbase(cluster).await;
        let name = cluster.name.clone();
        let (places, answers, state) = (Arc::clone(&places), answers.clone(), context.directories.state.clone());
        running.spawn(async move {
            let _place = places.acquire_owned().await;
            // In a task of its own: a panic in it is this cluster's fault and nobody else's.
            let facts = match system {
                Ok(mut system) => {
                    let asked = tokio::spawn(async move { system.detect().await });
                    asked
                        .await
                        .unwrap_or_else(|_| Err(detection_panicked(&name)))
                        .map(|facts| with_work_folder(facts, &state))
                }
                Err(fault) => Err(fault),
            };
            // A face that has gone wants no answer.
            let _ = answers.send(DetectionResult { cluster: name, facts });
        });
    }
    while running.join_next().await.is_some() {}
}

fn detection_panicked(cluster: &str) -> Fault {
    let what = format!("The detection of {cluster} broke off.");
    Fault::new(
        Cause::Internal,
        what,
        "This is a mistake in obnow.",
        "Report it, with what was printed on standard error.",
    )
}

/// Detects one cluster.
///
/// # Errors
/// The password, the connection, or what answers there.
pub async fn one(context: &AppContext, cluster: &Cluster) -> Result<Facts, Fault> {
    Ok(with_work_folder(context.oceanbase(cluster).await?.detect().await?, &context.directories.state))
}

/// Adds the work folder of this host, where a dump is written before it is uploaded.
fn with_work_folder(mut facts: Facts, state: &Path) -> Facts {
    if facts.cluster.method == Method::Logical {
        let path = state.join(DUMP_DIRECTORY);
        let there = path.ancestors().find_map(|path| rustix::fs::statvfs(path).ok());
        let free = there.map(|space| space.f_bavail.saturating_mul(space.f_frsize));
        facts.cluster.work = Some(WorkingDirectory { path: path.display().to_string(), free });
    }
    facts
}
