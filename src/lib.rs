//! obnow: Back up Now for OceanBase, in a terminal.
//!
//! The map of the house. Code uses the floors below it, never one above, and never a neighbour on its own floor;
//! `tests/architecture.rs` holds it to that.
//!
//! ```text
//!  obnow                                             what a person sees            comes from
//!  +--------------------------------------------------+
//!  | obnow  prod-hz / pay  tenant 1004  V4.2.5.1 PROD |  <-- proof of the target     wizard::view::header
//!  | 1 Target [2 Detected] 3 Storage  4 Mode  ...     |  <-- where on the way        wizard::model::Screen
//!  |--------------------------------------------------|
//!  | OceanBase Version  V4.2.5.1                      |  <-- version, method         domain::version, backend
//!  |   ok   upgrading   upgrade mode off              |  <-- every check             domain::preflight
//!  |   6 Start data backup  ALTER SYSTEM BACKUP ...   |  <-- the one plan, its words domain::plan, backend::render
//!  |   ok   Wait for data backup   COMPLETED, set 41  |  <-- the task's journal      runner -> journal -> app::follow
//!  | RESTORABLE  pay: 03:31:40 to 03:31:55            |  <-- the verdict             domain::restorable, outcome
//!  |--------------------------------------------------|
//!  | fix: ...                                         |  <-- help for the focus      wizard::screens
//!  | Enter next  t test  Esc back              ? help |  <-- the keys that work now  wizard::keymap
//!  +--------------------------------------------------+
//!
//!  floor
//!   7  main       arguments -> the chosen face -> exit code; the only door to the demo
//!   6  wizard     the terminal face: screens, keys, and the loop that draws them
//!      cli        the command line: plain lines, JSON, exit codes
//!   5  app        joins inventory, backends, journal, probe and runner for any face
//!   4  runner     takes a task step by step to its verdict, in a process of its own
//!   3  backend    OceanBase and dumps: detection, statements, a look at each step
//!      probe      the Test of a storage
//!      journal    events, locks, requests, heartbeat, audit
//!      config     inventory, secrets, places, plan files
//!   2  child      asks programs of others, within bounds
//!   1  domain     values and rules: no I/O, no clock, no randomness
//!   -  demo       an embedded OceanBase to talk to; shares no code with the rest
//! ```
//!
//! The way of the data: inventory -> [`app::detect`] -> [`domain::facts`] -> [`domain::preflight`] and
//! [`domain::choices`] -> [`domain::plan`] -> a task in the [`journal`] -> [`runner`] -> [`backend`], and back through the
//! journal to whoever watches.

pub mod app;
pub mod backend;
pub mod child;
pub mod cli;
pub mod config;
pub mod demo;
pub mod domain;
pub mod journal;
pub mod probe;
pub mod runner;
pub mod wizard;
