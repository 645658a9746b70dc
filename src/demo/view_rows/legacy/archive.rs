//! The archive of the cluster: a row for each tenant, and one with `TENANT_ID` 1 for all of them.

use super::super::{ViewContext, int, row, text};
use super::{LOCALHOST, flag, size_text};
use crate::demo::clock::Micros;
use crate::demo::fleet::{Round, RoundStatus, Tenant};
use crate::demo::simulation::{archive, legacy};
use crate::demo::statement::{Row, Value};

/// Returns a time as a `varchar(26)`: empty if there is none.
fn time_or_empty(context: &ViewContext<'_>, moment: Option<Micros>) -> Value {
    moment.map_or_else(|| text(""), |moment| context.time(moment))
}

/// Returns the rounds; with `current` only the last one.
fn listed_rounds<'a>(context: &'a ViewContext<'_>, current: bool) -> impl Iterator<Item = (&'a Tenant, &'a Round)> {
    let rounds = context.cluster.tenants.first().map_or(&[][..], |sys| &sys.rounds);
    let shown = if current { rounds.len().saturating_sub(1) } else { 0 };
    context.cluster.tenants.iter().flat_map(move |tenant| rounds[shown..].iter().map(move |round| (tenant, round)))
}

fn checkpoint(context: &ViewContext<'_>, tenant: &Tenant, round: &Round) -> Option<Micros> {
    legacy::checkpoint(context.fleet, context.cluster, tenant, round)
}

fn piece_at(round: &Round, reached: Option<Micros>) -> i64 {
    archive::last_piece(round, reached.unwrap_or_default())
}

/// Returns the state of a round: one that is not the last has been stopped.
fn round_state(context: &ViewContext<'_>, round: &Round) -> &'static str {
    let last = context.cluster.tenants.first().and_then(Tenant::current_round).map(|last| last.id);
    if last == Some(round.id) { round.status.as_str() } else { RoundStatus::Stop.as_str() }
}

pub(super) fn rounds(context: &ViewContext<'_>, current: bool) -> Vec<Row> {
    let to_row = |(tenant, round): (&Tenant, &Round)| {
        let reached = checkpoint(context, tenant, round);
        row([
            ("INCARNATION", int(1)),
            ("LOG_ARCHIVE_ROUND", int(round.id)),
            ("TENANT_ID", int(tenant.id)),
            ("STATUS", text(round_state(context, round))),
            ("START_PIECE_ID", int(round.base_piece)),
            ("BACKUP_PIECE_ID", int(piece_at(round, reached))),
            ("MIN_FIRST_TIME", time_or_empty(context, round.start)),
            ("MAX_NEXT_TIME", time_or_empty(context, reached)),
            // The server does not maintain the bytes.
            ("INPUT_BYTES", int(0)),
            ("OUTPUT_BYTES", int(0)),
            ("COMPRESSION_RATIO", Value::Null),
            ("INPUT_BYTES_DISPLAY", size_text(0)),
            ("OUTPUT_BYTES_DISPLAY", size_text(0)),
        ])
    };
    listed_rounds(context, current).map(to_row).collect()
}

/// Returns the rows of the inner tables: the current round, or those that have been stopped.
pub(super) fn base_rounds(context: &ViewContext<'_>, current: bool) -> Vec<Row> {
    let to_row = |(tenant, round): (&Tenant, &Round)| {
        let reached = checkpoint(context, tenant, round);
        let mut columns = row([
            ("TENANT_ID", int(tenant.id)),
            ("INCARNATION", int(1)),
            ("LOG_ARCHIVE_ROUND", int(round.id)),
            ("MIN_FIRST_TIME", context.time_or_null(round.start)),
            ("MAX_NEXT_TIME", context.time_or_null(reached)),
            ("INPUT_BYTES", int(0)),
            ("OUTPUT_BYTES", int(0)),
            ("DELETED_INPUT_BYTES", int(0)),
            ("DELETED_OUTPUT_BYTES", int(0)),
            ("PG_COUNT", int(200 + tenant.megabytes / 20)),
            ("COMPATIBLE", int(1)),
            ("START_PIECE_ID", int(round.base_piece)),
            ("BACKUP_PIECE_ID", int(piece_at(round, reached))),
            ("BACKUP_DEST", text(&*round.path)),
        ]);
        if current {
            columns.extend(row([("STATUS", text(round_state(context, round))), ("IS_MOUNT_FILE_CREATED", flag(true))]));
        } else {
            columns.insert("IS_MARK_DELETED", flag(false));
        }
        columns
    };
    listed_rounds(context, current)
        .filter(|(_, round)| current || round_state(context, round) == "STOP")
        .map(to_row)
        .collect()
}

/// Returns two partition groups for each tenant.
pub(super) fn progress(context: &ViewContext<'_>) -> Vec<Row> {
    let to_rows = |(tenant, round): (&Tenant, &Round)| {
        let reached = checkpoint(context, tenant, round);
        let server = context.cluster.servers.first().map_or(2882, |server| server.svr_port);
        let to_row = |table: i64| {
            row([
                ("INCARNATION", int(1)),
                ("TENANT_ID", int(tenant.id)),
                ("LOG_ARCHIVE_ROUND", int(round.id)),
                ("CUR_PIECE_ID", int(piece_at(round, reached))),
                ("SVR_IP", text(LOCALHOST)),
                ("SVR_PORT", int(server)),
                ("TABLE_ID", int((tenant.id << 40) | (50_000 + table))),
                ("PARTITION_ID", int(0)),
                ("MIN_FIRST_TIME", context.time_or_null(round.start)),
                ("MAX_NEXT_TIME", context.time_or_null(reached)),
                ("STATUS", text(round_state(context, round))),
            ])
        };
        [1, 2].map(to_row)
    };
    listed_rounds(context, true).filter(|(tenant, _)| tenant.id != 1).flat_map(to_rows).collect()
}

/// Returns the pieces of every round; without a switch interval a round is one piece.
pub(super) fn pieces(context: &ViewContext<'_>) -> Vec<Row> {
    let to_rows = |(tenant, round): (&Tenant, &Round)| {
        let Some((start, reached)) = round.start.zip(checkpoint(context, tenant, round)) else { return Vec::new() };
        let last = archive::last_piece(round, reached);
        let to_row = |id: i64| {
            let from = start + (id - round.base_piece) * round.piece_interval;
            let to = if id < last { from + round.piece_interval } else { reached };
            let frozen = id < last || round_state(context, round) == "STOP";
            let date =
                crate::demo::clock::format_time(from, context.zone).get(..10).unwrap_or_default().replace('-', "");
            row([
                ("INCARNATION", int(1)),
                ("TENANT_ID", int(tenant.id)),
                ("ROUND_ID", int(round.id)),
                ("BACKUP_PIECE_ID", int(id)),
                ("COPY_ID", int(0)),
                ("CREATE_DATE", int(date.parse::<i64>().unwrap_or_default())),
                ("START_TS", context.time(from)),
                ("CHECKPOINT_TS", context.time(to)),
                ("MAX_TS", context.time(to)),
                ("STATUS", text(if frozen { "FROZEN" } else { "ACTIVE" })),
                ("FILE_STATUS", text(round.piece_file_statuses.get(&id).map_or("AVAILABLE", String::as_str))),
                ("COMPATIBLE", int(1)),
                ("START_PIECE_ID", int(round.base_piece)),
            ])
        };
        (round.base_piece..=last).map(to_row).collect()
    };
    listed_rounds(context, false).flat_map(to_rows).collect()
}
