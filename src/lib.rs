//! obnow: Back up Now for OceanBase, in a terminal.
//!
//! The map of the house. Code uses the floors below it, never one above, and never a neighbour on its own floor;
//! `tests/architecture.rs` holds it to that.
//!
//! ```text
//!  obnow backup TARGET                                    what a person sees        comes from
//!  +---------------------------------------------+
//!  | prod-hz  at 10.0.0.1:2881   cluster id 1001  |  <--  version, method           domain::version, backend::detect
//!  |   ok   upgrading   upgrade mode off          |  <--  every check               domain::preflight
//!  |   1 Check target ... 6 Start data backup     |  <--  the one plan, its words   domain::plan, backend::render
//!  |      ALTER SYSTEM BACKUP TENANT = ...        |
//!  | Task 1M7W5...  ok  Wait for data backup      |  <--  the task, from its journal  runner -> journal -> app::follow
//!  | RESTORABLE  pay: 03:31:40 to 03:31:55        |  <--  the verdict               domain::restorable, domain::outcome
//!  +---------------------------------------------+
//!
//!  floor
//!   6  main       arguments -> the chosen face -> exit code; the only door to the demo
//!   5  cli        the command line: plain lines, JSON, exit codes
//!   4  app        joins inventory, backends, journal and runner for any face
//!   3  runner     takes a task step by step to its verdict, in a process of its own
//!   2  backend    OceanBase and dumps: detection, statements, a look at each step
//!      probe      the storage Test from this host: a folder
//!      journal    events, locks, requests, heartbeat, audit
//!      config     inventory, secrets, places, plan files
//!   1  domain     values and rules: no I/O, no clock, no randomness
//!   -  demo       an embedded OceanBase to talk to; shares no code with the rest
//! ```
//!
//! The way of the data: inventory -> [`app::detect`] -> [`domain::facts`] -> [`domain::preflight`] and
//! [`domain::choices`] -> [`domain::plan`] -> a task in the [`journal`] -> [`runner`] -> [`backend`], and back through the
//! journal to whoever watches.

pub mod app;
pub mod backend;
pub mod cli;
pub mod config;
pub mod demo;
pub mod domain;
pub mod journal;
pub mod probe;
pub mod runner;
pub mod wizard;
