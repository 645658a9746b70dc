//! The archive of the cluster: a row for each tenant, and one with `TENANT_ID` 1 for all of them.

use super::super::{ViewContext, int, row, text};
use super::{LOCALHOST, flag, size_text};
use crate::demo::clock::Micros;
use crate::demo::fleet::{Round, RoundStatus, Tenant};
use crate::demo::simulation::{archive, legacy};
use crate::demo::statement::{Row, Value};

/// Returns a time as a `varchar(26)`: empty if there is none.
fn time_or_empty(look: &ViewContext<'_>, moment: Option<Micros>) -> Value {
    moment.map_or_else(|| text(""), |moment| look.time(moment))
}

/// Returns the rounds; with `current` only the last one.
fn listed_rounds<'a>(look: &'a ViewContext<'_>, current: bool) -> impl Iterator<Item = (&'a Tenant, &'a Round)> {
    let rounds = look.cluster.tenants.first().map_or(&[][..], |sys| &sys.rounds);
    let shown = if current { rounds.len().saturating_sub(1) } else { 0 };
    look.cluster.tenants.iter().flat_map(move |tenant| rounds[shown..].iter().map(move |round| (tenant, round)))
}

fn checkpoint(look: &ViewContext<'_>, tenant: &Tenant, round: &Round) -> Option<Micros> {
    legacy::checkpoint(look.fleet, look.cluster, tenant, round)
}

fn piece_at(round: &Round, reached: Option<Micros>) -> i64 {
    archive::last_piece(round, reached.unwrap_or_default())
}

/// Returns the state of a round: one that is not the last has been stopped.
fn round_state(look: &ViewContext<'_>, round: &Round) -> &'static str {
    let last = look.cluster.tenants.first().and_then(Tenant::current_round).map(|last| last.id);
    if last == Some(round.id) { round.status.as_str() } else { RoundStatus::Stop.as_str() }
}

pub(super) fn rounds(look: &ViewContext<'_>, current: bool) -> Vec<Row> {
    let line = |(tenant, round): (&Tenant, &Round)| {
        let reached = checkpoint(look, tenant, round);
        row([
            ("INCARNATION", int(1)),
            ("LOG_ARCHIVE_ROUND", int(round.id)),
            ("TENANT_ID", int(tenant.id)),
            ("STATUS", text(round_state(look, round))),
            ("START_PIECE_ID", int(round.base_piece)),
            ("BACKUP_PIECE_ID", int(piece_at(round, reached))),
            ("MIN_FIRST_TIME", time_or_empty(look, round.start)),
            ("MAX_NEXT_TIME", time_or_empty(look, reached)),
            // The server does not maintain the bytes.
            ("INPUT_BYTES", int(0)),
            ("OUTPUT_BYTES", int(0)),
            ("COMPRESSION_RATIO", Value::Null),
            ("INPUT_BYTES_DISPLAY", size_text(0)),
            ("OUTPUT_BYTES_DISPLAY", size_text(0)),
        ])
    };
    listed_rounds(look, current).map(line).collect()
}

/// Returns the rows of the inner tables: the current round, or those that have been stopped.
pub(super) fn base_rounds(look: &ViewContext<'_>, current: bool) -> Vec<Row> {
    let line = |(tenant, round): (&Tenant, &Round)| {
        let reached = checkpoint(look, tenant, round);
        let mut columns = row([
            ("TENANT_ID", int(tenant.id)),
            ("INCARNATION", int(1)),
            ("LOG_ARCHIVE_ROUND", int(round.id)),
            ("MIN_FIRST_TIME", look.time_or_null(round.start)),
            ("MAX_NEXT_TIME", look.time_or_null(reached)),
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
            columns.extend(row([("STATUS", text(round_state(look, round))), ("IS_MOUNT_FILE_CREATED", flag(true))]));
        } else {
            columns.insert("IS_MARK_DELETED", flag(false));
        }
        columns
    };
    listed_rounds(look, current).filter(|(_, round)| current || round_state(look, round) == "STOP").map(line).collect()
}

/// Returns two partition groups for each tenant.
pub(super) fn progress(look: &ViewContext<'_>) -> Vec<Row> {
    let lines = |(tenant, round): (&Tenant, &Round)| {
        let reached = checkpoint(look, tenant, round);
        let server = look.cluster.servers.first().map_or(2882, |server| server.svr_port);
        let line = |table: i64| {
            row([
                ("INCARNATION", int(1)),
                ("TENANT_ID", int(tenant.id)),
                ("LOG_ARCHIVE_ROUND", int(round.id)),
                ("CUR_PIECE_ID", int(piece_at(round, reached))),
                ("SVR_IP", text(LOCALHOST)),
                ("SVR_PORT", int(server)),
                ("TABLE_ID", int((tenant.id << 40) | (50_000 + table))),
                ("PARTITION_ID", int(0)),
                ("MIN_FIRST_TIME", look.time_or_null(round.start)),
                ("MAX_NEXT_TIME", look.time_or_null(reached)),
                ("STATUS", text(round_state(look, round))),
            ])
        };
        [1, 2].map(line)
    };
    listed_rounds(look, true).filter(|(tenant, _)| tenant.id != 1).flat_map(lines).collect()
}

/// Returns the pieces of every round; without a switch interval a round is one piece.
pub(super) fn pieces(look: &ViewContext<'_>) -> Vec<Row> {
    let lines = |(tenant, round): (&Tenant, &Round)| {
        let Some((start, reached)) = round.start.zip(checkpoint(look, tenant, round)) else { return Vec::new() };
        let last = archive::last_piece(round, reached);
        let line = |id: i64| {
            let from = start + (id - round.base_piece) * round.piece_interval;
            let to = if id < last { from + round.piece_interval } else { reached };
            let frozen = id < last || round_state(look, round) == "STOP";
            let date = crate::demo::clock::format_time(from, look.zone).get(..10).unwrap_or_default().replace('-', "");
            row([
                ("INCARNATION", int(1)),
                ("TENANT_ID", int(tenant.id)),
                ("ROUND_ID", int(round.id)),
                ("BACKUP_PIECE_ID", int(id)),
                ("COPY_ID", int(0)),
                ("CREATE_DATE", int(date.parse::<i64>().unwrap_or_default())),
                ("START_TS", look.time(from)),
                ("CHECKPOINT_TS", look.time(to)),
                ("MAX_TS", look.time(to)),
                ("STATUS", text(if frozen { "FROZEN" } else { "ACTIVE" })),
                ("FILE_STATUS", text(round.piece_file_statuses.get(&id).map_or("AVAILABLE", String::as_str))),
                ("COMPATIBLE", int(1)),
                ("START_PIECE_ID", int(round.base_piece)),
            ])
        };
        (round.base_piece..=last).map(line).collect()
    };
    listed_rounds(look, false).flat_map(lines).collect()
}
