//! Turns error codes and comments of the server into causes and remedies.

mod catalogue;
mod clean;
mod comment;
mod failure;
mod redact;
#[cfg(test)]
mod tests;

pub use catalogue::{Catalogue, CatalogueError, Entry, explain};
pub use clean::{escaped, foreign, identifier, is_invisible, printable, sentence, without_keys};
pub use comment::{Comment, Reporter};
pub use failure::{asks_for_compaction, located, server_fault};
