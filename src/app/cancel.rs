//! A request to cancel: put into the task's own file, taken by its runner.

use super::Room;
use super::tasks::Task;
use crate::domain::fault::{Cause, Fault};
use crate::journal::requests::{self, Ask};

/// Asks the task's runner to cancel; the journal has its answer.
///
/// # Errors
/// The request cannot be written.
pub fn ask(room: &Room, task: &Task) -> Result<(), Fault> {
    let random = crate::journal::clock::random().map_err(|error| {
        let why = format!("The system gives no random bits: {error}.");
        Fault::new(Cause::Internal, "The request cannot be named.", why, "Check /dev/urandom.")
    })?;
    let ask = Ask { id: format!("{random:016x}"), verb: "cancel".to_owned(), who: room.who(), at: room.now() };
    requests::put(&room.places.state, &task.id, &ask)
}
