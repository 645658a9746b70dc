//! R6: the parts of a plan. One BACKUP statement from sys starts one job, which has one mode and room for a bounded list of
//! tenants. Where a plan needs several jobs, each is a part with its own statement, marker, intent and end.

use super::TargetPlan;
use crate::domain::choices::Mode;

/// The length in bytes of the comma-separated tenant ids that a job has room for. The server prints them into 4,096 bytes and
/// answers 4019 beyond that (V4.3.1 source, `ObBackupJobAttr::get_executor_tenant_id_str`).
const ROOM: usize = 4_000;

/// A part that is being filled.
struct Part {
    number: u32,
    mode: Mode,
    bytes: usize,
}

/// Numbers the parts in the order of the targets; a plan that needs one job has no numbers.
pub(super) fn number(targets: &mut [TargetPlan]) {
    // The last part of each mode is the one that is being filled.
    let mut parts: Vec<Part> = Vec::new();
    let mut full = false;
    let mut numbers = Vec::with_capacity(targets.len());
    for target in targets.iter() {
        let id = target.tenant.id.to_string().len();
        let open = parts.iter_mut().rev().find(|part| part.mode == target.mode);
        let fits = open.as_ref().is_some_and(|part| part.bytes + 1 + id <= ROOM);
        if let Some(part) = open.filter(|_| fits) {
            part.bytes += 1 + id;
            numbers.push(part.number);
        } else {
            full |= parts.iter().any(|part| part.mode == target.mode);
            let number = u32::try_from(parts.len() + 1).unwrap_or(u32::MAX);
            parts.push(Part { number, mode: target.mode, bytes: id });
            numbers.push(number);
        }
    }
    if parts.len() < 2 {
        return;
    }
    let why =
        if full { "the server has room for 4,000 bytes of tenant ids in one" } else { "one is full or incremental" };
    let note = format!(
        "The backup is {} jobs, for {why}. Each has its own BACKUP statement, and one that fails does not stop the others.",
        parts.len()
    );
    for (target, number) in targets.iter_mut().zip(numbers) {
        target.part = Some(number);
        target.notes.push(note.clone());
    }
}
