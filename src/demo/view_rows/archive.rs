//! Archive destinations, rounds, pieces and log streams.

use std::cmp::Ordering;

use crate::demo::clock::{self, Micros};
use crate::demo::fleet::{Round, RoundStatus, Tenant};
use crate::demo::simulation::archive;
use crate::demo::statement::{Row, Value};

use super::{ViewContext, int, row, scn, text};

/// How much log a tenant writes, in bytes a second, and what the compression of the archive leaves of it.
const LOG_RATE: i64 = 200_000;

pub(super) fn destinations(context: &ViewContext<'_>) -> Vec<Row> {
    let rows_of = |tenant: &Tenant| {
        let Some(dest) = &tenant.archive_dest else { return Vec::new() };
        let word = context.cluster.line.dest_states().iter().find(|(state, _)| *state == dest.state);
        let word = word.map_or("", |(_, word)| word);
        let items = [
            ("binding", dest.binding.to_ascii_uppercase()),
            ("dest_id", dest.location.dest_id.to_string()),
            ("path", dest.location.masked_uri()),
            ("piece_switch_interval", dest.piece_switch_interval.clone()),
            ("state", word.to_owned()),
        ];
        let to_row = |(name, value): (&str, String)| {
            row([("TENANT_ID", int(tenant.id)), ("DEST_NO", int(0)), ("NAME", text(name)), ("VALUE", text(value))])
        };
        items.into_iter().map(to_row).collect()
    };
    context.cluster.tenants.iter().flat_map(rows_of).collect()
}

fn checkpoint(context: &ViewContext<'_>, tenant: &Tenant, round: &Round) -> Option<Micros> {
    archive::checkpoint(tenant, round, context.faults(), context.fleet.speed, context.fleet.now)
}

fn furthest(context: &ViewContext<'_>, tenant: &Tenant, round: &Round) -> Option<Micros> {
    archive::furthest(tenant, round, context.faults(), context.fleet.speed, context.fleet.now)
}

/// Returns a time as a `datetime(6)` column; NULL if it has not begun.
fn shown_time(context: &ViewContext<'_>, moment: Option<Micros>) -> Value {
    context.time_or_null(moment)
}

fn size_columns(from: Option<Micros>, to: Option<Micros>) -> Row {
    let seconds = to.zip(from).map_or(0, |(to, from)| (to - from) / clock::SECOND);
    let bytes = seconds * LOG_RATE;
    let megabytes = |bytes: i64| format!("{}.{:02}MB", bytes / 1_048_576, bytes % 1_048_576 * 100 / 1_048_576);
    row([
        ("INPUT_BYTES", int(bytes)),
        ("INPUT_BYTES_DISPLAY", text(megabytes(bytes))),
        ("OUTPUT_BYTES", int(bytes)),
        ("OUTPUT_BYTES_DISPLAY", text(megabytes(bytes))),
        ("COMPRESSION_RATIO", text("1.00")),
        ("COMPATIBLE", int(1)),
        ("UNIT_SIZE", int(1)),
        ("COMPRESSION", text("none")),
        ("INCARNATION", int(1)),
        ("DEST_NO", int(0)),
    ])
}

pub(super) fn rounds(context: &ViewContext<'_>, current: bool) -> Vec<Row> {
    let to_row = |tenant: &Tenant, round: &Round| {
        let reached = checkpoint(context, tenant, round);
        let furthest = furthest(context, tenant, round);
        let mut columns = row([
            ("TENANT_ID", int(tenant.id)),
            ("DEST_ID", int(round.dest_id)),
            ("ROUND_ID", int(round.id)),
            ("STATUS", text(round.status.as_str())),
            ("START_SCN", scn(round.start)),
            ("START_SCN_DISPLAY", shown_time(context, round.start)),
            ("CHECKPOINT_SCN", scn(reached)),
            ("CHECKPOINT_SCN_DISPLAY", shown_time(context, reached)),
            ("BASE_PIECE_ID", int(round.base_piece)),
            ("USED_PIECE_ID", int(archive::last_piece(round, furthest.unwrap_or_default()))),
            ("PIECE_SWITCH_INTERVAL", int(round.piece_interval)),
            ("DELETED_INPUT_BYTES", int(0)),
            ("DELETED_INPUT_BYTES_DISPLAY", text("0.00MB")),
            ("DELETED_OUTPUT_BYTES", int(0)),
            ("DELETED_OUTPUT_BYTES_DISPLAY", text("0.00MB")),
            ("COMMENT", text(&*round.comment)),
            ("PATH", text(&*round.path)),
        ]);
        columns.extend(size_columns(round.start, reached));
        columns
    };
    let rows_of = |tenant: &Tenant| {
        let shown = if current { tenant.rounds.len().saturating_sub(1) } else { 0 };
        tenant.rounds[shown..].iter().map(|round| to_row(tenant, round)).collect::<Vec<_>>()
    };
    context.cluster.tenants.iter().flat_map(rows_of).collect()
}

pub(super) fn pieces(context: &ViewContext<'_>) -> Vec<Row> {
    let rows_of = |tenant: &Tenant| {
        tenant.rounds.iter().flat_map(|round| pieces_of_round(context, tenant, round)).collect::<Vec<_>>()
    };
    context.cluster.tenants.iter().flat_map(rows_of).collect()
}

/// Returns a round's pieces, which are contiguous: the end of one is the start of the next. There are pieces up to the furthest
/// log stream; those that the round's checkpoint has not reached are INCOMPLETE (V4.3.1 source, `ob_archive_checkpoint.cpp`).
fn pieces_of_round(context: &ViewContext<'_>, tenant: &Tenant, round: &Round) -> Vec<Row> {
    let Some((start, reached)) = round.start.zip(checkpoint(context, tenant, round)) else { return Vec::new() };
    if round.status == RoundStatus::Beginning && reached == start {
        return Vec::new();
    }
    let furthest = furthest(context, tenant, round).unwrap_or(reached);
    let active = archive::last_piece(round, reached);
    let to_row = |piece: i64| {
        let from = start + (piece - round.base_piece) * round.piece_interval;
        let end = from + round.piece_interval;
        let (status, file_status, to) = match piece.cmp(&active) {
            Ordering::Less => ("FROZEN", "AVAILABLE", end),
            Ordering::Equal if reached > start => ("ACTIVE", "AVAILABLE", reached),
            _ => ("ACTIVE", "INCOMPLETE", from),
        };
        // Whatever the state of the last pieces is, they are frozen with their round.
        let status = if round.status == RoundStatus::Stop { "FROZEN" } else { status };
        let file_status = round.piece_file_statuses.get(&piece).map_or(file_status, String::as_str);
        let mut columns = row([
            ("TENANT_ID", int(tenant.id)),
            ("DEST_ID", int(round.dest_id)),
            ("ROUND_ID", int(round.id)),
            ("PIECE_ID", int(piece)),
            ("STATUS", text(status)),
            ("START_SCN", scn(Some(from))),
            ("START_SCN_DISPLAY", context.time(from)),
            ("CHECKPOINT_SCN", scn(Some(to))),
            ("CHECKPOINT_SCN_DISPLAY", context.time(to)),
            ("MAX_SCN", scn(Some(furthest.min(end)))),
            ("END_SCN", scn(Some(end))),
            ("END_SCN_DISPLAY", context.time(end)),
            ("FILE_STATUS", text(file_status)),
            ("PATH", text(&*round.path)),
        ]);
        columns.extend(size_columns(Some(from), Some(to)));
        columns
    };
    (round.base_piece..=archive::last_piece(round, furthest)).map(to_row).collect()
}

pub(super) fn log_streams(context: &ViewContext<'_>) -> Vec<Row> {
    let rows_of = |tenant: &Tenant| {
        let Some(round) = tenant.current_round() else { return Vec::new() };
        let Some(reached) = checkpoint(context, tenant, round) else { return Vec::new() };
        let ahead = furthest(context, tenant, round);
        let to_row = |log_stream: i64| {
            let reached = if log_stream == 1 { ahead.unwrap_or(reached) } else { reached };
            row([
                ("TENANT_ID", int(tenant.id)),
                ("DEST_ID", int(round.dest_id)),
                ("LS_ID", int(log_stream)),
                ("ROUND_ID", int(round.id)),
                ("PIECE_ID", int(archive::last_piece(round, reached))),
                ("INCARNATION", int(1)),
                ("START_SCN", scn(round.start)),
                ("MIN_LSN", int(0)),
                ("MAX_LSN", int(67_108_864)),
                ("CHECKPOINT_SCN", scn(Some(reached))),
                ("STATUS", text(round.status.as_str())),
                ("FILE_ID", int(1)),
                ("FILE_OFFSET", int(0)),
                ("INPUT_BYTES", int(0)),
                ("OUTPUT_BYTES", int(0)),
            ])
        };
        [1, 1001].into_iter().map(to_row).collect()
    };
    context.cluster.tenants.iter().flat_map(rows_of).collect()
}
