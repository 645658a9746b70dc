//! obnow: Back up Now for OceanBase, in a terminal.

pub mod app;
pub mod backend;
pub mod cli;
pub mod config;
pub mod demo;
pub mod domain;
pub mod journal;
pub mod runner;
