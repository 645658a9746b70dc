//! What a user has configured: the inventory, the sources of secrets, and the paths of obnow's files on this host.

pub mod directories;
pub mod first_cluster;
pub mod inventory;
pub mod inventory_file;
mod locate;
pub mod plan_file;
mod private_file;
pub mod rules;
pub mod secrets;
pub mod values;
mod yaml_bounds;

pub use directories::Directories;
pub use inventory::Inventory;
pub use inventory_file::{init, load, parse, show, write_new};
pub use secrets::{Resolver, SecretFlag, SecretRequest};
