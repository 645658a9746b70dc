//! The terminal front end: six screens that lead to a backup, and the list of tasks.
//!
//! ```text
//! keys --keymap--> Msg --> update --> Effect --> effect_runner --> app: detect, storage_check, launch
//!                   ^                                             |
//!                   +------------- answer, with its question's number
//! ```
//!
//! [`update`] is a pure function and [`view`] changes nothing; the effect runner is the only code here that spawns, and
//! the event loop joins them with a terminal.

pub mod effect;
pub mod effect_runner;
mod escape_decoder;
pub mod event_loop;
pub mod key;
pub mod keymap;
pub mod model;
pub mod msg;
pub mod screens;
mod terminal;
#[cfg(test)]
mod tests;
pub mod text_field;
pub mod update;
pub mod view;

pub use event_loop::{DemoFix, StartOptions, run};
