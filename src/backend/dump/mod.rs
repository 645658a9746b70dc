//! The logical backup: starts `mydumper`, observes it, and proves the files it wrote.
//!
//! [`releases`] finds the program and lists the tested releases; [`run_paths`] has the paths of one run; [`contents`] is what must be
//! in the dump; [`process`] starts the process and finds it again; [`manifest`] proves the result, reading the files with [`row_counter`]
//! and [`schema`]. [`DumpSystem`] implements the steps on top of these; [`start_record`] is what it stores for a later process;
//! `upload` sends the files to an object storage.

mod catalogue;
mod charset;
mod command;
pub mod contents;
mod directory;
mod login;
pub mod manifest;
mod monitor;
mod outcome;
pub mod process;
mod queries;
pub mod releases;
pub mod row_counter;
pub mod run_paths;
pub mod schema;
mod service;
mod start;
pub mod start_record;
mod system;
mod upload;

pub(in crate::backend) use catalogue::read_bounded as catalogue;
pub use directory::inspect as inspect_dump_directory;
pub use login::Login;
pub use service::find_service;
pub use start::{PendingDump, preview};
pub use system::DumpSystem;

use crate::domain::diagnosis::foreign;
use crate::domain::fault::{Cause, Fault};

/// Returns the fault of a file or directory that could not be used, with the operating system's error.
fn io_fault(doing: &str, path: &std::path::Path, error: &std::io::Error) -> Fault {
    Fault::new(
        Cause::Storage,
        format!("{doing} {} failed.", path.display()),
        format!("The operating system says: {error}."),
        "Check the folder, its free space and who may write there, then retry.",
    )
}

/// Replaces a file atomically: `write` writes it under another name, which is then synced and renamed.
fn write_atomically(
    path: &std::path::Path,
    write: impl FnOnce(&std::path::Path) -> std::io::Result<()>,
) -> std::io::Result<()> {
    let new = path.with_extension("new");
    write(&new)?;
    std::fs::File::open(&new)?.sync_all()?;
    std::fs::rename(&new, path)?;
    path.parent().map_or(Ok(()), |folder| std::fs::File::open(folder)?.sync_all())
}

/// Runs blocking work on a separate thread.
async fn run_blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Fault> {
    tokio::task::spawn_blocking(work).await.map_err(|error| join_fault(&error))
}

fn join_fault(error: &tokio::task::JoinError) -> Fault {
    Fault::new(
        Cause::Unknown,
        "A part of obnow broke off its work on a dump.",
        format!("{}.", foreign(&error.to_string())),
        "Retry: it looks at the dump again; and report this.",
    )
}
