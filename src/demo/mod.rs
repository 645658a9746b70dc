//! The embedded OceanBase: a fleet to talk to over loopback. It shares no code and no data with the real path.

pub mod clock;
pub mod fault;
pub mod fleet;
pub mod life;
pub mod orders;
pub mod projection;
pub mod scenario;
pub mod statement;
pub mod world;
