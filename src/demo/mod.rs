//! The embedded OceanBase: a fleet to talk to over loopback. It shares no code and no data with the real path.
//!
//! Two halves meet in [`server_model`]. The wire half ([`server`], [`grammar`], [`select_executor`], [`view_definitions`]) speaks the MySQL protocol; the
//! model half keeps the state: [`fleet`] is the data, [`simulation`] moves it in time, [`alter`] executes `ALTER SYSTEM`, and
//! [`view_rows`] makes the rows of the views. Differences between release lines are features of [`release_line`]. The legacy
//! lines V2.2 and V3, where backup is of the whole cluster, have a module of their own beside each part that is about V4. A
//! [`scenario`] describes the initial state, [`service`] runs the server process, and [`control`] is its control socket.

mod accounts;
pub mod alter;
pub mod clock;
pub mod connection_registry;
pub mod control;
pub mod fault_injection;
pub mod fleet;
pub mod grammar;
mod handshake;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]
mod harness;
pub mod lexer;
pub mod release_line;
pub mod reply_holds;
pub mod scenario;
pub mod select_executor;
pub mod server;
pub mod server_errors;
pub mod server_model;
pub mod service;
pub mod shared_fleet;
pub mod simulation;
pub mod sql_text;
pub mod statement;
mod statement_executor;
pub mod storage;
pub mod stored_backups;
pub mod view_definitions;
pub mod view_rows;
mod wire;
