//! What a dump asks the server itself: what there is, how much, and what time it is.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::listing::{LIST_COLUMNS, LIST_DATABASES, LIST_TABLES, Scope, is_system, names_fit};
use crate::backend::oceanbase::Session;
use crate::backend::oceanbase::session::{Row, number, text};
use crate::domain::fault::{Cause, Fault};

/// Sizes of tables, in bytes, by database.
const LIST_SIZES: &str = "SELECT TABLE_SCHEMA, DATA_LENGTH FROM information_schema.TABLES";

async fn rows(session: &mut Session, question: &str) -> Result<Vec<Row>, Fault> {
    session.rows(question).await.map_err(|failure| failure.fault)
}

/// The databases, tables and views that a dump must hold.
///
/// # Errors
/// No answer, or a kind of table that no dump was tried with.
pub(super) async fn scope(session: &mut Session) -> Result<Scope, Fault> {
    let databases = rows(session, LIST_DATABASES).await?;
    // The one column is called by different names.
    let databases: Vec<String> = databases.into_iter().filter_map(|row| row.into_values().next().flatten()).collect();
    let tables = three(&rows(session, LIST_TABLES).await?, ["TABLE_SCHEMA", "TABLE_NAME", "TABLE_TYPE"]);
    Scope::new(databases.iter().map(String::as_str), tables.iter().map(as_str))
}

/// The same, when all of it can be dumped.
///
/// # Errors
/// Names that would not come back, two tables whose files would have one name, or no answer.
pub(super) async fn dumpable_scope(session: &mut Session) -> Result<Scope, Fault> {
    let scope = scope(session).await?;
    scope.files()?;
    let columns = three(&rows(session, LIST_COLUMNS).await?, ["TABLE_SCHEMA", "TABLE_NAME", "COLUMN_NAME"]);
    names_fit(&scope.tables, columns.iter().map(as_str))?;
    Ok(scope)
}

/// The bytes that the server counts for all tables; None where it counts none, as for rows not compacted yet.
pub(super) async fn estimate(session: &mut Session) -> Option<u64> {
    // Without an answer there is no estimate, which stops nothing.
    let rows = rows(session, LIST_SIZES).await.ok()?;
    let own = rows.iter().filter(|row| !is_system(&text(row, "TABLE_SCHEMA")));
    Some(own.filter_map(|row| number(row, "DATA_LENGTH")).sum()).filter(|bytes| *bytes > 0)
}

/// The server's time.
///
/// # Errors
/// No answer, or one that is no time.
pub(super) async fn time(session: &mut Session) -> Result<Timestamp, Fault> {
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

type Three = (String, String, String);

fn three(rows: &[Row], [a, b, c]: [&str; 3]) -> Vec<Three> {
    rows.iter().map(|row| (text(row, a), text(row, b), text(row, c))).collect()
}

fn as_str((a, b, c): &Three) -> (&str, &str, &str) {
    (a, b, c)
}
