//! obnow: Back up Now for OceanBase, in a terminal.

pub mod demo;
pub mod domain;
