//! `obnow report TASK`: everything about a task in one file, for a ticket.

use serde_json::json;

use super::args::ReportArgs;
use super::{Exit, Output};
use crate::app::{AppContext, report};
use crate::domain::fault::Fault;

/// Writes the report, and says where it is.
pub(super) fn run(context: &AppContext, say: &Output, args: &ReportArgs) -> Result<Exit, Fault> {
    let (task, path) = report::write(context, &args.task)?;
    say.event("report", json!({"task": task, "path": path}));
    say.line(&path.display().to_string());
    Ok(Exit::OK)
}
