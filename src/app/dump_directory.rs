//! Inspects the directory that a dump would be written into, from this host, before there is a plan.

use std::path::PathBuf;
use std::sync::mpsc;
use std::time::Duration;

use crate::backend::dump;
use crate::domain::choices::Choices;
use crate::domain::dump::DumpDirectoryFacts;
use crate::domain::facts::{Facts, Known};
use crate::domain::plan::dump_directory;

/// Time a storage may take to answer.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The facts, with what is at the directory that a dump with these choices is written into; unchanged where nothing is dumped,
/// or nobody says where to.
#[must_use]
pub fn with_dump_directory(mut facts: Facts, choices: &Choices) -> Facts {
    let Some(directory) = dump_directory(&facts, choices) else { return facts };
    let base = dump::run_paths::RunPaths::base_directory(&directory);
    facts.cluster.dump_directory = Some(inspect(base, facts.cluster.target.to_string()));
    facts
}

/// Inspects the directory on a thread of its own: a storage that does not answer blocks only that thread.
fn inspect(base: PathBuf, target: String) -> Known<DumpDirectoryFacts> {
    let (answer, answered) = mpsc::channel();
    let path = base.display().to_string();
    std::thread::spawn(move || {
        // Nobody waits any longer: then nobody wants the answer.
        let _ = answer.send(dump::inspect_dump_directory(&base, &target));
    });
    answered
        .recv_timeout(TIMEOUT)
        .map_or_else(|_| Known::NotChecked(format!("{path}: no answer within {} s", TIMEOUT.as_secs())), Known::Known)
}
