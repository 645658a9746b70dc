//! The end of a dump in words: which instant it is from, how it is restored, and what is not in it.

use std::path::Path;

use bytesize::ByteSize;

use super::begun::Begun;
use super::listing::Kind;
use super::manifest::{Manifest, NAME};
use super::upload::Objects;
use crate::domain::fault::{Cause, Fault};
use crate::domain::outcome::Outcome;
use crate::domain::scn::{Scn, span_text};
use crate::domain::time_zone::ServerTimeZone;

/// The zone of the server's times when the dump began; UTC where nothing was kept of it.
pub(super) fn time_zone(begun: Option<&Begun>) -> ServerTimeZone {
    ServerTimeZone::fixed(begun.map_or(0, |begun| begun.utc_offset))
}

/// What has become of a dump that was proven, or was not.
pub(super) fn outcome(proof: Result<Manifest, Fault>, folder: &Path, zone: &ServerTimeZone) -> Outcome {
    match proof {
        Ok(manifest) => {
            let folder = folder.display().to_string();
            restorable(&manifest, &folder, &folder, zone)
        }
        // Nobody could read it: that says nothing about it.
        Err(fault) if fault.cause == Cause::Unknown => Outcome::unknown(fault),
        Err(fault) => Outcome::not_restorable(fault),
    }
}

/// A proven dump that is in an object storage as it was here.
pub(super) fn uploaded(manifest: &Manifest, objects: &Objects, zone: &ServerTimeZone) -> Outcome {
    let mut outcome = restorable(manifest, &objects.shown, "<directory>", zone);
    let fetch = match objects.endpoint() {
        Some(endpoint) => {
            format!("fetch it: aws s3 cp --recursive --endpoint-url {endpoint} {} <directory>", objects.shown)
        }
        None => format!("fetch every object under {} into an empty <directory>", objects.shown),
    };
    outcome.recipe.insert(1, fetch);
    outcome.recipe.insert(2, format!("size and SHA-256 of every file are in its {NAME}"));
    outcome
}

/// `at`: where it is; `directory`: where it is for the loader.
fn restorable(manifest: &Manifest, at: &str, directory: &str, zone: &ServerTimeZone) -> Outcome {
    let instant = manifest.source.instant;
    let (from, to) = (Scn::from_timestamp(instant.not_before), Scn::from_timestamp(instant.not_after));
    let told = vec![
        format!("{}: {} (server time), one instant", manifest.source.target, from.to_local(zone)),
        format!("tables are all from one instant, within {} (server time)", span_text(from, to, zone)),
    ];
    let views = manifest.tables.iter().filter(|table| table.listed.kind == Kind::View).count();
    let recipe = vec![
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
        format!("not in the backup: {}", manifest.left_out.join(", ")),
    ];
    Outcome::instant(from, told, recipe)
}

/// A dump that ended badly: it failed, and what it wrote stays.
pub(super) fn failed(fault: Fault, attempt: u32, partial: &Path) -> Outcome {
    let mut outcome = Outcome::failed(fault, None);
    if partial.is_dir() {
        outcome.told.push(left(attempt, partial));
    }
    outcome
}

/// What an attempt that came to nothing left behind.
pub(super) fn left(attempt: u32, partial: &Path) -> String {
    format!("What attempt {attempt} wrote stays in {}; it is not usable.", partial.display())
}
