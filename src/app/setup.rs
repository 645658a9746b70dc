//! The inventory as a file: the example written, and what is there shown.

use std::path::PathBuf;

use super::Room;
use crate::config::{self, Places};
use crate::domain::fault::{Cause, Fault};

/// Writes the commented example where no inventory is, and says where.
///
/// # Errors
/// There is one already, or it cannot be written.
pub fn write_example(config: Option<PathBuf>, state: Option<PathBuf>) -> Result<PathBuf, Fault> {
    let places = Places::find(config, state)?;
    config::init(&places.config)?;
    Ok(places.config)
}

/// The inventory as it is understood, without secrets.
///
/// # Errors
/// There is none.
pub fn shown(room: &Room) -> Result<String, Fault> {
    if !room.has_inventory {
        return Err(Fault::new(
            Cause::Usage,
            "There is no inventory.",
            format!("{} is not there.", room.places.config.display()),
            "Write one with: obnow config init.",
        ));
    }
    config::show(&room.inventory)
}
