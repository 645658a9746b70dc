//! The end of a dump in words: which instant it is from, how it is restored, and what is not in it.

use std::path::Path;

use bytesize::ByteSize;

use super::listing::Kind;
use super::manifest::Manifest;
use crate::domain::fault::{Cause, Fault};
use crate::domain::outcome::Outcome;
use crate::domain::scn::{Scn, span_text};

/// What has become of a dump that was proven, or was not.
pub(super) fn outcome(proof: Result<Manifest, Fault>, folder: &Path, utc_offset: i32) -> Outcome {
    match proof {
        Ok(manifest) => restorable(&manifest, folder, utc_offset),
        // Nobody could read it: that says nothing about it.
        Err(fault) if fault.cause == Cause::Unknown => Outcome::unknown(fault),
        Err(fault) => Outcome::not_restorable(fault),
    }
}

fn restorable(manifest: &Manifest, folder: &Path, utc_offset: i32) -> Outcome {
    let instant = manifest.source.instant;
    let (from, to) = (Scn::from_timestamp(instant.not_before), Scn::from_timestamp(instant.not_after));
    let told = vec![
        format!("{}: {} (server time), one instant", manifest.source.target, from.to_local(utc_offset)),
        format!("tables are all from one instant, within {} (server time)", span_text(from, to, utc_offset)),
    ];
    let views = manifest.tables.iter().filter(|table| table.listed.kind == Kind::View).count();
    let recipe = vec![
        format!(
            "dump {}   databases {}, tables {}, views {views}, rows {}, size {}",
            folder.display(),
            manifest.databases.len(),
            manifest.tables.len() - views,
            manifest.rows(),
            ByteSize::b(manifest.bytes()),
        ),
        format!(
            "myloader --defaults-file=<file with user and password under [myloader]> --host=<host> --port=<port> \
             --threads=2 --directory={}",
            folder.display()
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
