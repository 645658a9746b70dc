//! Queries of a logical backup to the server: its tables, their size, and its clock.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::catalogue;
use super::contents::DumpContents;
use crate::backend::oceanbase::Session;
use crate::backend::oceanbase::session::{Row, number, text};
use crate::domain::dump::{Catalogue, ExcludedTables, is_system};
use crate::domain::fault::{Cause, Fault};
use crate::domain::preflight::in_the_way;

/// Sizes of tables, in bytes, by database.
const LIST_SIZES: &str = "SELECT TABLE_SCHEMA, DATA_LENGTH FROM information_schema.TABLES";

async fn rows(session: &mut Session, question: &str) -> Result<Vec<Row>, Fault> {
    session.rows(question).await.map_err(|failure| failure.fault)
}

/// Reads the databases, tables and views that a dump must contain.
///
/// # Errors
/// No answer, or a table kind that was never tested with mydumper.
pub(super) async fn read_contents(session: &mut Session, exclude: &ExcludedTables) -> Result<DumpContents, Fault> {
    let (databases, tables) = catalogue::read_tables(session).await?;
    contents_of(&databases, &tables, exclude)
}

/// Reads what a dump must contain, together with the catalogue, and refuses what cannot be dumped.
///
/// # Errors
/// An object that a restore would not bring back and that is not excluded, or no answer.
pub(super) async fn read_dumpable_contents(
    session: &mut Session,
    exclude: &ExcludedTables,
) -> Result<(DumpContents, Catalogue), Fault> {
    let (databases, tables, catalogue) = catalogue::read_all(session).await?;
    let found = catalogue.blocking_objects(exclude);
    if !found.is_empty() {
        let (why, next) = in_the_way(&found);
        let what = "The dump would not bring everything back.";
        return Err(Fault::new(Cause::Precondition, what, format!("{why}."), next));
    }
    let scope = contents_of(&databases, &tables, exclude)?;
    scope.files()?;
    Ok((scope, catalogue))
}

fn contents_of(databases: &[String], tables: &[TextTriple], exclude: &ExcludedTables) -> Result<DumpContents, Fault> {
    DumpContents::new(databases.iter().map(String::as_str), tables.iter().map(as_strs), exclude)
}

/// Returns the size of all tables by the server's statistics, in bytes; `None` where it counts none, as for rows not compacted
/// yet.
pub(super) async fn estimate_size(session: &mut Session) -> Option<u64> {
    // Without an answer there is no estimate, which stops nothing.
    let rows = rows(session, LIST_SIZES).await.ok()?;
    let own = rows.iter().filter(|row| !is_system(&text(row, "TABLE_SCHEMA")));
    Some(own.filter_map(|row| number(row, "DATA_LENGTH")).sum()).filter(|bytes| *bytes > 0)
}

/// Reads the server's time.
///
/// # Errors
/// No answer, or an answer that is not a time.
pub(super) async fn read_time(session: &mut Session) -> Result<Timestamp, Fault> {
    let rows = rows(session, "SELECT UTC_TIMESTAMP(6) AS UTC").await?;
    let said = rows.first().map(|row| text(row, "UTC")).unwrap_or_default();
    let moment = said.trim().parse::<DateTime>().and_then(|civil| civil.to_zoned(TimeZone::UTC));
    moment.map(|zoned| zoned.timestamp()).map_err(|_| {
        Fault::new(
            Cause::Server,
            "The server does not tell its time.",
            format!("It answers {said:?}."),
            "Without it nobody can say which instant a backup is from: look at the server's clock.",
        )
    })
}

/// Three text columns of a row.
pub(super) type TextTriple = (String, String, String);

pub(super) fn text_triples(rows: &[Row], [a, b, c]: [&str; 3]) -> Vec<TextTriple> {
    rows.iter().map(|row| (text(row, a), text(row, b), text(row, c))).collect()
}

pub(super) fn as_strs((a, b, c): &TextTriple) -> (&str, &str, &str) {
    (a, b, c)
}
