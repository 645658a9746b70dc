//! One file a screen: its state, its keys, and what they and the answers do to it.

pub mod confirm;
pub mod confirm_dialog;
pub mod connect;
pub mod detected;
pub mod mode;
pub mod secret_prompt;
pub mod storage;
pub mod target;
pub mod task;
pub mod tasks;
