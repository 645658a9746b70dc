//! What the server says went wrong, made into a cause and a next command.

mod catalogue;
mod clean;
mod comment;
mod failure;
#[cfg(test)]
mod tests;

pub use catalogue::{Catalogue, CatalogueError, Entry, explain};
pub use clean::{escaped, foreign, identifier, is_invisible, printable, sentence};
pub use comment::{Comment, Reporter};
pub use failure::{asks_for_compaction, located, server_fault};
