//! The report of a task for a ticket, written where only its owner may read it.

use std::path::PathBuf;

use super::{AppContext, tasks};
use crate::domain::fault::Fault;
use crate::domain::report::Report;
use crate::domain::task::Event;
use crate::journal::{reader, reports};

/// Writes a report of the task whose id starts with `task`; returns its id and the report's path.
///
/// # Errors
/// Its journal cannot be read, or the report cannot be written.
pub fn write(context: &AppContext, task: &str) -> Result<(String, PathBuf), Fault> {
    let task = tasks::find(context, task)?;
    let journal = reader::read::<Event>(&context.directories.state, &task.id)?;
    let events: Vec<_> = journal.entries.into_iter().map(|entry| (entry.at, entry.event)).collect();
    let at = context.now();
    let report =
        Report { task: task.id.as_str(), events: &events, state: task.state(), version: env!("CARGO_PKG_VERSION"), at };
    let path = reports::keep(&context.directories.state, &task.id, at, &report.text())?;
    Ok((task.id.to_string(), path))
}
