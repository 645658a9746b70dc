//! The outcome of a dump: the instant it is from, how it is restored, and what it does not contain.

use std::path::Path;

use bytesize::ByteSize;

use super::contents::TableKind;
use super::manifest::{MANIFEST_NAME, Manifest};
use super::start_record::StartRecord;
use super::upload::RunObjects;
use crate::domain::dump::abbreviated_list;
use crate::domain::fault::{Cause, Fault};
use crate::domain::format;
use crate::domain::outcome::Outcome;
use crate::domain::scn::{Scn, span_text};
use crate::domain::time_zone::ServerTimeZone;

/// Returns the server's time zone at the start of the dump; UTC where there is no start record.
pub(super) fn server_time_zone(begun: Option<&StartRecord>) -> ServerTimeZone {
    ServerTimeZone::fixed(begun.map_or(0, |begun| begun.utc_offset))
}

/// Returns the outcome of a dump from its proof.
pub(super) fn proof_outcome(proof: Result<Manifest, Fault>, folder: &Path, zone: &ServerTimeZone) -> Outcome {
    match proof {
        Ok(manifest) => {
            let folder = folder.display().to_string();
            told(&manifest, &folder, &folder, zone)
        }
        // It could not be read, which says nothing about the dump.
        Err(fault) if fault.cause == Cause::Unknown => Outcome::unknown(fault),
        Err(fault) => Outcome::not_restorable(fault),
    }
}

/// Returns the outcome of a proven dump that was uploaded to an object storage.
pub(super) fn uploaded_outcome(manifest: &Manifest, objects: &RunObjects, zone: &ServerTimeZone) -> Outcome {
    let mut outcome = told(manifest, &objects.display_uri, "<directory>", zone);
    if outcome.restore_instructions.is_empty() {
        return outcome;
    }
    let fetch = match objects.endpoint() {
        Some(endpoint) => {
            format!("fetch it: aws s3 cp --recursive --endpoint-url {endpoint} {} <directory>", objects.display_uri)
        }
        None => format!("fetch every object under {} into an empty <directory>", objects.display_uri),
    };
    outcome.restore_instructions.insert(1, fetch);
    outcome.restore_instructions.insert(2, format!("size and SHA-256 of every file are in its {MANIFEST_NAME}"));
    outcome
}

/// The longest statement that a server accepts, in bytes: the limit of `max_allowed_packet`.
const MAX_PACKET_BYTES: u64 = 1 << 30;

/// Returns the least `max_allowed_packet` for a statement of that length, in bytes: a multiple of a mebibyte, with room for the
/// protocol.
fn needed_packet(longest: u64) -> u64 {
    (longest + 1024).next_multiple_of(1 << 20)
}

/// Returns the outcome of a proven dump. `at` is its location as shown; `directory` is the location that the loader uses.
fn told(manifest: &Manifest, at: &str, directory: &str, zone: &ServerTimeZone) -> Outcome {
    match manifest.longest_statement {
        Some(longest) if needed_packet(longest) > MAX_PACKET_BYTES => Outcome::not_restorable(Fault::new(
            Cause::Storage,
            format!("The dump {at} is whole, and no server loads it."),
            format!("Its longest statement has {}, and a server takes 1 GiB at most.", format::size(longest)),
            "Find the table whose rows are that long, leave it out with --exclude-table, and keep it by other means.",
        )),
        _ => restorable_outcome(manifest, at, directory, zone),
    }
}

fn restorable_outcome(manifest: &Manifest, at: &str, directory: &str, zone: &ServerTimeZone) -> Outcome {
    let instant = manifest.source.instant;
    let (from, to) = (Scn::from_timestamp(instant.not_before), Scn::from_timestamp(instant.not_after));
    let source = &manifest.source;
    let mut told = vec![
        format!("{}: {} (server time), one instant", source.target, from.to_local(zone)),
        format!("tables are all from one instant, within {} (server time)", span_text(from, to, zone)),
    ];
    if !source.changed.is_empty() {
        told.push(format!("values that lost digits: {}", abbreviated_list(&source.changed)));
    }
    if !source.exclude.is_empty() {
        told.push(format!("left out as asked: {}", source.exclude.words()));
    }
    let views = manifest.tables.iter().filter(|table| table.listed.kind == TableKind::View).count();
    let mut recipe = vec![
        format!(
            "dump {}   databases {}, tables {}, views {views}, rows {}, size {}",
            at,
            manifest.databases.len(),
            manifest.tables.len() - views,
            manifest.rows(),
            ByteSize::b(manifest.bytes()),
        ),
        format!(
            "myloader --defaults-file=<file with user and password under [myloader]> --host=<host> --port=<port> \
             --threads=2 --directory={directory}"
        ),
        "into a server that has none of these tables; it makes the databases".to_owned(),
    ];
    if let Some(longest) = manifest.longest_statement {
        let need = needed_packet(longest);
        recipe.push(format!(
            "its longest statement has {}: where SHOW VARIABLES LIKE 'max_allowed_packet' tells less than {need}, first \
             SET GLOBAL max_allowed_packet = {need}",
            format::size(longest)
        ));
    }
    let mut left_out = manifest.left_out.clone();
    left_out.extend(source.left_out.iter().map(|what| format!("in this server: {what}")));
    if !source.exclude.is_empty() {
        left_out.push(format!("as asked: {}", source.exclude.words()));
    }
    recipe.push(format!("not in the backup: {}", left_out.join(", ")));
    Outcome::instant(from, told, recipe)
}

/// Returns the outcome of a failed dump, whose files stay.
pub(super) fn failed_outcome(fault: Fault, attempt: u32, partial: &Path) -> Outcome {
    let mut outcome = Outcome::failed(fault, None);
    if partial.is_dir() {
        outcome.notes.push(leftover_note(attempt, partial));
    }
    outcome
}

/// Returns the note about the files that a failed attempt left.
pub(super) fn leftover_note(attempt: u32, partial: &Path) -> String {
    format!("What attempt {attempt} wrote stays in {}; it is not usable.", partial.display())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::manifest::{DumpSource, SnapshotWindow};
    use super::*;
    use crate::domain::dump::ExcludedTables;
    use crate::domain::outcome::VerdictKind;

    fn manifest(longest: Option<u64>) -> Manifest {
        let instant =
            SnapshotWindow { not_before: jiff::Timestamp::UNIX_EPOCH, not_after: jiff::Timestamp::UNIX_EPOCH };
        Manifest {
            format: 1,
            run: "t.1".into(),
            source: DumpSource {
                target: "lab".into(),
                server: "s".into(),
                release: "0.10.0".into(),
                instant,
                exclude: ExcludedTables(["pay.inv".to_owned()].into()),
                changed: vec!["pay.t.f (float, printed with 6 digits)".into()],
                left_out: vec!["routines pay.f".into()],
            },
            databases: vec!["pay".into()],
            tables: Vec::new(),
            files: Vec::new(),
            left_out: vec!["triggers".into()],
            longest_statement: longest,
        }
    }

    #[test]
    fn outcome_lists_needs_and_omissions() {
        let outcome = proof_outcome(Ok(manifest(Some(18_874_400))), Path::new("/b/t.1"), &ServerTimeZone::fixed(0));
        assert_eq!(outcome.verdict, VerdictKind::Restorable);
        let told = outcome.notes.join("\n");
        assert!(told.contains("values that lost digits: pay.t.f (float, printed with 6 digits)"), "{told}");
        assert!(told.contains("left out as asked: pay.inv"), "{told}");
        let recipe = outcome.restore_instructions.join("\n");
        assert!(recipe.contains("longest statement has 18.0 MiB"), "{recipe}");
        assert!(recipe.contains("SET GLOBAL max_allowed_packet = 19922944"), "{recipe}");
        assert!(
            recipe.contains("not in the backup: triggers, in this server: routines pay.f, as asked: pay.inv"),
            "{recipe}"
        );
        let older = super::proof_outcome(Ok(manifest(None)), Path::new("/b/t.1"), &ServerTimeZone::fixed(0))
            .restore_instructions
            .join("\n");
        assert!(!older.contains("max_allowed_packet"), "what was not measured is not told: {older}");
    }

    #[test]
    fn too_long_statement_is_not_restorable() {
        let outcome = proof_outcome(Ok(manifest(Some(1 << 30))), Path::new("/b/t.1"), &ServerTimeZone::fixed(0));
        assert_eq!(outcome.verdict, VerdictKind::NotRestorable);
        assert!(outcome.fault.unwrap().why.contains("1.0 GiB"));
        assert_eq!(needed_packet(0), 1 << 20);
        assert_eq!(needed_packet((1 << 20) - 1024), 1 << 20);
        assert_eq!(needed_packet((1 << 20) - 1023), 2 << 20);
    }
}
