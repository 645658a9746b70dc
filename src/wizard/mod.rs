//! The terminal face: six screens on the way to a backup, the list of tasks, and manners for any terminal.
//!
//! ```text
//! keys --keymap--> Msg --> update --> Effect --> effects --> app.detect / app.test / app.launch
//!                   ^                                             |
//!                   +------------- answer, with its question's number
//! ```
//!
//! [`update`] is a pure function and [`view`] changes nothing; [`effects`] is the only code here that spawns, and [`mod@run`]
//! the loop that joins them with a terminal.

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
