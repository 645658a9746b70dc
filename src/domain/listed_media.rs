//! What the views of a V4 cluster list in a directory: the sets of its data backups, or the pieces of its log archive.

use super::destination::Destination;
use super::facts::TenantFacts;
use super::restorable::FileStatus;
use super::storage_check::ListedMedia;
use super::template::DirKind;

/// The number of the newest entries of a `DEST_ID` that are searched for: a directory may hold thousands.
const NEWEST: usize = 10;

/// Returns whether a PATH of a view is that directory. For an object storage its endpoint follows after `?`.
fn is_path_of(path: &str, destination: &Destination) -> bool {
    let bare = |path: &str| path.split('?').next().unwrap_or_default().trim_end_matches('/').to_owned();
    !path.is_empty() && bare(path) == bare(&destination.uri_without_attributes())
}

/// Returns the available sets, or pieces, of a tenant in a directory, for each `DEST_ID`, by the names of their own directories
/// (V4.3.1 source, `ObBackupPathUtil`: `backup_set_41_full`, `piece_d1002r1p3`).
#[must_use]
pub fn listed_media(tenant: &TenantFacts, kind: DirKind, destination: &Destination) -> Vec<ListedMedia> {
    let mut found: Vec<(u64, String)> = match kind {
        DirKind::Data => {
            let sets = tenant.sets.iter().filter(|set| set.file_status == FileStatus::Available);
            let here = sets.filter(|set| is_path_of(&set.path, destination));
            let named = |kind: &str| if kind == "full" { "full" } else { "inc" };
            here.map(|set| (set.dest_id, format!("backup_set_{}_{}", set.id, named(set.kind.word())))).collect()
        }
        DirKind::Clog => {
            let rounds = || tenant.archive.rounds.iter().filter(|round| is_path_of(&round.path, destination));
            let pieces = tenant.archive.known_pieces().unwrap_or_default().iter();
            let pieces = pieces.filter(|piece| piece.file_status == FileStatus::Available);
            let here = pieces.filter(|piece| rounds().any(|round| round.dest_id == piece.dest_id));
            here.map(|piece| {
                let (dest, round, id) = (piece.dest_id, piece.round_id, piece.piece_id);
                (dest, format!("piece_d{dest}r{round}p{id}"))
            })
            .collect()
        }
    };
    // The newest come last in the views.
    found.reverse();
    let mut all: Vec<ListedMedia> = Vec::new();
    for (dest_id, entry) in found {
        match all.iter_mut().find(|listed| listed.dest_id == dest_id) {
            Some(listed) if listed.entries.len() < NEWEST => listed.entries.push(entry),
            Some(_) => {}
            None => all.push(ListedMedia { dest_id, entries: vec![entry] }),
        }
    }
    all
}

/// Returns what is lost where a directory is set in which the views list something and which does not exist: the server then
/// marks all of it DELETED. `None`: nothing is listed in it.
#[must_use]
pub fn media_at_risk(tenant: &TenantFacts, kind: DirKind, destination: &Destination) -> Option<String> {
    match kind {
        DirKind::Data => {
            let sets = tenant.sets.iter().filter(|set| set.file_status != FileStatus::Deleted);
            let ids: Vec<String> =
                sets.rev().filter(|set| is_path_of(&set.path, destination)).map(|set| set.id.to_string()).collect();
            let more = if ids.len() > NEWEST { " and more" } else { "" };
            let few = ids.get(..NEWEST.min(ids.len()))?.join(", ");
            (!ids.is_empty()).then(|| format!("sets {few}{more} of {}", tenant.name))
        }
        DirKind::Clog => {
            let rounds = tenant.archive.rounds.iter().chain(&tenant.archive.current);
            let mut ids: Vec<u64> =
                rounds.filter(|round| is_path_of(&round.path, destination)).map(|round| round.round_id).collect();
            ids.dedup();
            let words: Vec<String> = ids.iter().map(ToString::to_string).collect();
            (!ids.is_empty()).then(|| format!("log archive rounds {} of {}", words.join(", "), tenant.name))
        }
    }
}

#[cfg(test)]
mod tests;
