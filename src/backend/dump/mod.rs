//! The logical backup: `mydumper`, started, watched, and its directory proven.
//!
//! [`releases`] finds the program and knows which releases were tried; [`place`] says where everything of one run lies;
//! [`listing`] is what must be in the dump; [`run`] starts it and finds it again; [`manifest`] proves the result,
//! reading the files with [`rows`] and [`schema`].

pub mod listing;
mod login;
pub mod manifest;
pub mod place;
pub mod releases;
pub mod rows;
pub mod run;
pub mod schema;
mod steps;

pub use login::Login;
pub use steps::{DumpSystem, PendingDump, find_service, preview};

use crate::domain::fault::{Cause, Fault};

/// A file or folder of the backup that could not be used, in the operating system's words.
fn io_fault(doing: &str, path: &std::path::Path, error: &std::io::Error) -> Fault {
    Fault::new(
        Cause::Storage,
        format!("{doing} {} failed.", path.display()),
        format!("The operating system says: {error}."),
        "Check the folder, its free space and who may write there, then retry.",
    )
}
