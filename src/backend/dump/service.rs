//! The backup service of this host, searched anew for every step, since it may be installed meanwhile.

use std::ffi::OsString;
use std::path::PathBuf;

use super::releases::{self, Tool};
use super::run_blocking;
use crate::domain::facts::BackupServiceFacts;
use crate::domain::fault::Fault;

/// The search path where PATH is not set.
const DEFAULT_SEARCH_PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// Returns the backup service of this host as facts: the program that the inventory names, else the first on PATH.
pub async fn find_service(named: Option<&str>) -> BackupServiceFacts {
    match find_tool(named).await {
        Ok(tool) => BackupServiceFacts::Ready { release: tool.to_string(), path: tool.path.display().to_string() },
        Err(fault) => BackupServiceFacts::Missing(fault),
    }
}

/// Finds the backup service of this host, ready to be used.
pub(super) async fn find_tool(named: Option<&str>) -> Result<Tool, Fault> {
    let named = named.map(PathBuf::from);
    let path = run_blocking(move || releases::find_program(named.as_deref(), &search_path())).await??;
    releases::identify_tool(path).await
}

#[allow(clippy::disallowed_methods, reason = "the one thing a dump takes from the environment: where programs are")]
fn search_path() -> OsString {
    std::env::var_os("PATH").filter(|path| !path.is_empty()).unwrap_or_else(|| DEFAULT_SEARCH_PATH.into())
}
