//! The embedded OceanBase: a fleet to talk to over loopback. It shares no code and no data with the real path.
//!
//! Two halves meet in [`world`]. The wire ([`server`], [`grammar`], [`store`], [`views`]) speaks the protocol; the world
//! ([`fleet`] and its [`life`], the [`orders`] it obeys, the [`projection`] it shows) knows what there is. What differs
//! from one [`line`](mod@line) of OceanBase to the other is asked of that; V2.2 and V3, where everything is the cluster's, have a
//! `v3` beside each part that is about V4. A [`scenario`]
//! says how a fleet begins, a [`place`] is where one lives, and [`control`] is its own door.

mod accounts;
mod answer;
pub mod clock;
pub mod control;
pub mod embedded;
pub mod fault;
pub mod fleet;
pub mod grammar;
mod handshake;
pub mod holds;
pub mod lexer;
pub mod life;
pub mod line;
pub mod media;
pub mod orders;
pub mod place;
pub mod projection;
pub mod refusal;
pub mod registry;
pub mod said;
pub mod scenario;
pub mod server;
pub mod statement;
pub mod storage;
pub mod store;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]
mod testing;
pub mod views;
mod wire;
pub mod world;
