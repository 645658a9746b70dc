//! Plan files, and the command line that makes the same plan.

use std::path::Path;

use super::{AppContext, choices_from_inventory};
use crate::config::inventory::Cluster;
use crate::config::plan_file;
use crate::domain::choices::Choices;
use crate::domain::command_line;
use crate::domain::confirmation::NameConfirmation;
use crate::domain::facts::Facts;
use crate::domain::fault::Fault;
use crate::domain::saved_plan::SavedPlan;
use crate::domain::task::Prepared;

/// Saves a plan to a new file, 0600.
///
/// # Errors
/// The file exists, or cannot be written.
pub fn save(context: &AppContext, path: &Path, facts: &Facts, prepared: &Prepared) -> Result<(), Fault> {
    plan_file::write(path, &SavedPlan::of(facts, prepared, context.now()))
}

/// Opens a saved plan.
///
/// # Errors
/// It is not there, or cannot be used; with its place in the file.
pub fn open(path: &Path) -> Result<SavedPlan, Fault> {
    plan_file::read(path)
}

/// Returns the arguments, from `backup` on, that make the same choices on this cluster, with the name that is asked
/// for before it starts.
#[must_use]
pub fn equivalent_command(cluster: &Cluster, choices: &Choices, by_name: Option<&NameConfirmation>) -> Vec<String> {
    let usual = choices_from_inventory::default_compaction(cluster, &choices.targets);
    command_line::split_words(choices, usual, by_name.map(|asked| asked.name.as_str()))
}
