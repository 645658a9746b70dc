//! The embedded OceanBase: a fleet to talk to over loopback. It shares no code and no data with the real path.

mod answer;
pub mod grammar;
mod handshake;
pub mod lexer;
pub mod refusal;
pub mod registry;
pub mod server;
pub mod statement;
pub mod store;
pub mod views;
mod wire;
pub mod world;
