#![doc = include_str!("ARCHITECTURE.md")]

pub mod app;
pub mod backend;
pub mod child;
pub mod cli;
pub mod config;
pub mod demo;
pub mod domain;
pub mod journal;
pub mod probe;
pub mod process;
pub mod runner;
pub mod wizard;
