//! Chooses the sets and pieces that a server of V4 would restore from (V4.3.1 source, `ObRestoreUtil`, `ObBackupDataStore`,
//! `ObArchiveStore`).

use super::{
    PieceFile, SetInfo, not_enough_log, password_digest, path_of_uri, release_numbers, stored_pieces, stored_sets,
};
use crate::demo::alter::destination;
use crate::demo::alter::{not_supported, server_error};
use crate::demo::clock::{self, Micros};
use crate::demo::statement::{Preview, ServerError, Until, Value};
use crate::demo::storage::DirectoryOwner;
use crate::demo::view_rows::ViewContext;

/// Returns the rows of SHOW RESTORE PREVIEW: sets, then pieces.
pub(super) fn preview_rows(
    context: &ViewContext<'_>,
    preview: &Preview,
    passwords: &[String],
) -> Result<Vec<Vec<(&'static str, Value)>>, ServerError> {
    // These releases overwrite the requested point before they store it, and SHOW needs it (V4.2.1, V4.2.2, V4.3.0 and V4.3.1
    // source, `physical_restore_preview`).
    match release_numbers(context.cluster) {
        [4, 2, 1 | 2] | [4, 3, 0] => return Err(not_supported("show restore preview do not specify backup dest")),
        [4, 3, 1] => return Err(server_error(5112, "Variable __ob_restore_preview_scn__ does not exists")),
        _ => {}
    }
    let (mut data, mut log) = (None, None);
    for uri in preview.from.split(',') {
        let (path, owner) = destination::owner_of_uri(context.fleet, context.cluster.line, uri)?;
        if owner.dest_type != DirectoryOwner::ARCHIVE {
            if data.replace(path).is_some() {
                return Err(not_supported("It is not support to restore from multiple tenant backup paths."));
            }
        } else if log.is_none() {
            log = Some(path);
        }
    }
    let stored = data.as_deref().map(|path| stored_sets(context, path)).unwrap_or_default();
    let archived = log.as_deref().map(|path| stored_pieces(context, path));
    let until = restore_point(preview, &stored, archived.as_deref())?;
    let (chosen, start) = choose_sets(&stored, until, passwords)?;
    let row = |kind: &str, id: i64, dest: String| {
        vec![
            ("backup_type", Value::Text(kind.to_owned())),
            ("backup_id", Value::Integer(id.into())),
            ("backup_dest", Value::Text(dest)),
            ("description", Value::Text(format!("{kind} {id}"))),
        ]
    };
    let mut rows = Vec::new();
    for set in &chosen {
        let kind = if set.incremental { "inc" } else { "full" };
        rows.push(row("BACKUP_SET", set.id, format!("{}/backup_set_{}_{kind}", set.path, set.id)));
    }
    match (archived, log) {
        (Some(archived), Some(log)) => {
            for piece in choose_pieces(&archived, start, until)? {
                rows.push(row("BACKUP_PIECE", piece.id, format!("{log}/piece_d{}r_p{}", piece.dest_id, piece.id)));
            }
        }
        // Without a path of the archive it is the log inside the newest set that counts.
        _ => match chosen.last().filter(|set| set.plus_archivelog) {
            Some(set) => rows.push(row("BACKUP_PIECE", 1, format!("{}/complement_log", set.path))),
            None => return Err(server_error(4016, "Internal error")),
        },
    }
    Ok(rows)
}

/// Returns the restore point, in nanoseconds.
fn restore_point(preview: &Preview, stored: &[&SetInfo], archived: Option<&[PieceFile]>) -> Result<i128, ServerError> {
    match (&preview.until, archived) {
        (Until::Scn(scn), _) => Ok(*scn),
        // A set with its own log has one restore point, whatever time was requested.
        (_, None) => {
            let newest = stored.iter().filter(|set| set.good).map(|set| set.min_restore).max();
            newest.map(clock::scn).ok_or_else(|| server_error(4016, "Internal error"))
        }
        (Until::Latest, Some(archived)) => {
            let last = archived.iter().map(|piece| piece.checkpoint).max();
            last.map(clock::scn).ok_or_else(|| server_error(4016, "Internal error"))
        }
        // It is parsed in the time zone that the backup recorded, which is that of the servers.
        (Until::Time(time), Some(_)) => super::legacy::parse_timestamp(time, "+08:00").map(clock::scn),
    }
}

/// Returns the newest full at or before the restore point with its increments, and where the log must begin. It checks the
/// password of every set up to the point, and of the first one that is too new.
fn choose_sets<'a>(
    stored: &[&'a SetInfo],
    until: i128,
    passwords: &[String],
) -> Result<(Vec<&'a SetInfo>, Micros), ServerError> {
    let known: Vec<String> = passwords.iter().map(|password| password_digest(password)).collect();
    let mut chosen: Vec<&SetInfo> = Vec::new();
    let mut start = 0;
    for set in stored {
        if set.password.as_ref().is_some_and(|own| !known.contains(own)) {
            return Err(server_error(9047, "invalid password for backup"));
        }
        if clock::scn(set.min_restore) > until {
            break;
        }
        let stands = |id: i64| chosen.iter().any(|other| other.id == id);
        if !set.good || (set.incremental && !(stands(set.prev_full) && stands(set.prev_inc))) {
            continue;
        }
        if !set.incremental {
            chosen.clear();
        }
        chosen.push(set);
        start = set.start_replay;
    }
    Ok((chosen, start))
}

/// Returns the available pieces of the first destination that cover the time from `start` to the restore point without a gap.
fn choose_pieces(archived: &[PieceFile], start: Micros, until: i128) -> Result<Vec<&PieceFile>, ServerError> {
    if clock::scn(start) >= until {
        return Err(server_error(1210, "Incorrect arguments"));
    }
    let Some(dest_id) = archived.first().map(|piece| piece.dest_id) else { return Err(not_enough_log()) };
    let mut chosen: Vec<&PieceFile> = Vec::new();
    let usable = |piece: &&PieceFile| piece.dest_id == dest_id && piece.available && piece.end > start;
    for piece in archived.iter().filter(usable) {
        let continues = chosen.last().is_some_and(|last| last.end == piece.start);
        if clock::scn(piece.start) >= until {
            // One more may be needed whose log begins after the point, when the one before does not reach it.
            let short = chosen.last().is_some_and(|last| clock::scn(last.checkpoint) < until);
            chosen.extend((continues && short).then_some(piece));
            break;
        }
        if !continues {
            chosen.clear();
            if piece.start > start {
                return Err(not_enough_log());
            }
        }
        chosen.push(piece);
    }
    match chosen.last() {
        Some(last) if clock::scn(last.checkpoint) >= until => Ok(chosen),
        _ => Err(not_enough_log()),
    }
}

/// Returns whether a URI names that directory.
pub(super) fn names_path(uri: &str, path: &str) -> bool {
    path_of_uri(uri) == path
}
