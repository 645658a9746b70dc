//! The embedded OceanBase: a fleet to talk to over loopback. It shares no code and no data with the real path.

pub mod grammar;
pub mod lexer;
pub mod refusal;
pub mod statement;
pub mod world;
