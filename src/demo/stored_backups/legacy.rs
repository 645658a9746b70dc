//! RESTORE PREVIEW before V4: one directory with the sets and the log of the whole cluster, found by the cluster's name and id
//! (V3.1.5 source, `ObMultiBackupDestUtil`).

use super::{SetInfo, not_enough_log, pieces_of_round, restore_source, stored_sets};
use crate::demo::alter::server_error;
use crate::demo::clock::{self, Micros};
use crate::demo::fleet::{Cluster, Round};
use crate::demo::simulation::legacy;
use crate::demo::statement::{LegacyPreview, Preview, ServerError, Until, Value};
use crate::demo::view_rows::ViewContext;

/// Checks a PREVIEW when it is executed.
pub(super) fn check_preview(cluster: &Cluster, preview: &Preview) -> Result<(), ServerError> {
    let Some((old, _)) = requested_point(preview) else {
        return Err(server_error(1210, "Incorrect arguments to restore preview"));
    };
    parse_point(preview, "+08:00")?;
    let named = |key: &str| old.options.split('&').find_map(|pair| pair.strip_prefix(key)).unwrap_or_default();
    let own = named("backup_cluster_name=") == cluster.name && named("backup_cluster_id=") == cluster.id.to_string();
    if !own
        || !restore_source::names_path(&preview.from, legacy::destination(cluster))
        || cluster.tenant(&old.source).is_none()
    {
        return Err(server_error(4018, "Entry not exist"));
    }
    Ok(())
}

fn requested_point(preview: &Preview) -> Option<(&LegacyPreview, &str)> {
    match &preview.until {
        Until::Time(time) => preview.legacy.as_ref().map(|old| (old, time.as_str())),
        _ => None,
    }
}

/// Returns the requested restore point, parsed in the zone of the session.
fn parse_point(preview: &Preview, zone: &str) -> Result<Micros, ServerError> {
    let nothing = || server_error(1210, "Incorrect arguments to restore preview");
    let (_, time) = requested_point(preview).ok_or_else(nothing)?;
    parse_timestamp(time, zone)
}

/// Parses a time that is written in a time zone.
pub(super) fn parse_timestamp(text: &str, zone: &str) -> Result<Micros, ServerError> {
    clock::parse_time(text, zone).ok_or_else(|| server_error(1292, format!("Incorrect TIMESTAMP value: '{text}'")))
}

/// Returns the rows of SHOW RESTORE PREVIEW: sets, then pieces.
pub(super) fn preview_rows(
    context: &ViewContext<'_>,
    preview: &Preview,
) -> Result<Vec<Vec<(&'static str, Value)>>, ServerError> {
    let Some((old, _)) = requested_point(preview) else { return Err(not_enough_log()) };
    let (cluster, until) = (context.cluster, parse_point(preview, context.zone)?);
    let tenant = cluster.tenant(&old.source).map_or(0, |tenant| tenant.id);
    let path = legacy::destination(cluster).to_owned();
    let own: Vec<&SetInfo> = stored_sets(context, &path).into_iter().filter(|set| set.tenant_id == tenant).collect();
    let mut chosen: Vec<&SetInfo> = Vec::new();
    for set in own.into_iter().filter(|set| set.good && set.min_restore <= until) {
        if !set.incremental {
            chosen.clear();
        }
        chosen.push(set);
    }
    let last = chosen.last().ok_or_else(|| server_error(4018, "Entry not exist"))?;
    let covers = |round: &&Round| round.start.is_some_and(|start| start <= last.start_replay);
    let sys = cluster.tenants.first();
    let round = sys.and_then(|sys| Some((sys, sys.rounds.iter().rev().find(covers)?)));
    let pieces = round.map(|(sys, round)| pieces_of_round(context, sys, round)).unwrap_or_default();
    let usable: Vec<_> = pieces.into_iter().filter(|piece| piece.available && piece.end > last.start_replay).collect();
    if usable.last().is_none_or(|piece| piece.checkpoint < until) {
        let what = "Incorrect arguments to backup piece list, restore timestamp larger than largest checkpoint ts";
        return Err(server_error(1210, what));
    }
    let row = |kind: &str, id: i64| {
        vec![
            ("backup_type", Value::Text(kind.to_owned())),
            ("backup_id", Value::Integer(id.into())),
            ("copy_id", Value::Integer(0)),
            ("backup_dest", Value::Text(path.clone())),
            ("file_status", Value::Text("AVAILABLE".to_owned())),
        ]
    };
    let sets = chosen.iter().map(|set| row("BACKUP_SET", set.id));
    let pieces = usable.iter().filter(|piece| piece.start < until).map(|piece| row("BACKUP_PIECE", piece.id));
    Ok(sets.chain(pieces).collect())
}
