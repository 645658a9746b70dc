//! Reads from the server's catalogue what a dump can carry: each query is one SELECT, and none reads the rows of a table.

use std::borrow::Cow;

use super::contents::{DumpContents, LIST_DATABASES, LIST_TABLES};
use super::queries::{TextTriple, as_strs, text_triples};
use crate::backend::oceanbase::Session;
use crate::backend::oceanbase::session::{Row, text};
use crate::domain::dump::{
    Catalogue, CatalogueListing, Column, ExcludedTables, PLAIN_TYPES, SYSTEM_DATABASES, assess_catalogue, is_system,
};
use crate::domain::facts::Known;
use crate::domain::fault::Fault;

/// The most rows of one result that detection reads; right before a start all of them are read.
const MAX_ROWS: usize = 20_000;

/// The server's codes for a table, and for a table of `information_schema`, that does not exist.
const NO_SUCH_TABLE: [u32; 2] = [1146, 1109];

/// Reads what a dump can carry from a bounded number of rows; `NotChecked` where there are more, or where the server refuses a
/// query.
///
/// # Errors
/// The connection broke.
pub(in crate::backend) async fn read_bounded(session: &mut Session) -> Result<Known<Catalogue>, Fault> {
    let mut asker = CatalogueReader { session, max_rows: Some(MAX_ROWS), is_truncated: false };
    match asker.read_catalogue().await {
        Ok(_) if asker.is_truncated => {
            Ok(Known::NotChecked(format!("the catalogue has more than {MAX_ROWS} rows of one kind to look at")))
        }
        Ok((_, _, catalogue)) => Ok(Known::Known(catalogue)),
        Err(fault) if fault.code.is_some() => Ok(Known::NotChecked(fault.why)),
        Err(fault) => Err(fault),
    }
}

/// Reads all rows of the catalogue, with all databases, and all tables and views as database, name and kind.
///
/// # Errors
/// No answer, or a refusal.
pub(super) async fn read_all(session: &mut Session) -> Result<(Vec<String>, Vec<TextTriple>, Catalogue), Fault> {
    CatalogueReader { session, max_rows: None, is_truncated: false }.read_catalogue().await
}

/// Reads all databases, and all tables and views as database, name and kind.
///
/// # Errors
/// No answer, or a refusal.
pub(super) async fn read_tables(session: &mut Session) -> Result<(Vec<String>, Vec<TextTriple>), Fault> {
    CatalogueReader { session, max_rows: None, is_truncated: false }.read_databases_and_tables().await
}

/// Sends the queries and records whether a result was cut off at the limit.
struct CatalogueReader<'a> {
    session: &'a mut Session,
    max_rows: Option<usize>,
    is_truncated: bool,
}

impl CatalogueReader<'_> {
    async fn query(&mut self, question: &str) -> Result<Vec<Row>, Fault> {
        let asked = match self.max_rows {
            Some(rows) => format!("{question} LIMIT {}", rows + 1),
            None => question.to_owned(),
        };
        let rows = self.session.rows(&asked).await.map_err(|failure| failure.fault)?;
        self.is_truncated |= self.max_rows.is_some_and(|most| rows.len() > most);
        Ok(rows)
    }

    /// Returns `None` where the server has no such view.
    async fn query_if_exists(&mut self, question: &str) -> Result<Option<Vec<Row>>, Fault> {
        match self.query(question).await {
            Ok(rows) => Ok(Some(rows)),
            Err(fault) if fault.code.is_some_and(|code| NO_SUCH_TABLE.contains(&code)) => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    async fn read_databases_and_tables(&mut self) -> Result<(Vec<String>, Vec<TextTriple>), Fault> {
        let databases = self.session.rows(LIST_DATABASES).await.map_err(|failure| failure.fault)?;
        // The one column is called by different names.
        let databases = databases.iter().filter_map(|row| row.first().map(Cow::into_owned)).collect();
        let tables = self.query(LIST_TABLES).await?;
        Ok((databases, text_triples(&tables, ["TABLE_SCHEMA", "TABLE_NAME", "TABLE_TYPE"])))
    }

    async fn read_catalogue(&mut self) -> Result<(Vec<String>, Vec<TextTriple>, Catalogue), Fault> {
        let (databases, tables) = self.read_databases_and_tables().await?;
        let columns = self.query(&special_columns_sql()).await?;
        let broken = self.query(&broken_views_sql()).await?;
        let used = self.query_if_exists(&view_usage_sql()).await?;
        let keys = self.query_if_exists(&foreign_keys_sql()).await?;
        let unique = self.query(&unique_floats_sql()).await?;
        let routines = self.read_names(LIST_ROUTINES).await?;
        let calling_views = if routines.is_empty() {
            Vec::new()
        } else {
            views_calling_routines(&self.query(LIST_VIEWS).await?, &routines)
        };
        let mut left_out = vec![("routines", routines)];
        for (kind, question) in [("triggers", LIST_TRIGGERS), ("events", LIST_EVENTS), ("sequences", LIST_SEQUENCES)] {
            left_out.push((kind, self.read_names(question).await?));
        }
        let catalogue = assess_catalogue(CatalogueListing {
            columns: columns.iter().map(parse_column).collect(),
            broken_views: broken.iter().map(|row| (text(row, "TABLE_SCHEMA"), text(row, "TABLE_NAME"))).collect(),
            calling_views,
            reads: used.map(|rows| rows.iter().map(|row| VIEW_USAGE_COLUMNS.map(|column| text(row, column))).collect()),
            refers: keys
                .map(|rows| rows.iter().map(|row| FOREIGN_KEY_COLUMNS.map(|column| text(row, column))).collect()),
            unique: text_triples(&unique, ["TABLE_SCHEMA", "TABLE_NAME", "COLUMN_NAME"]),
            same_file: colliding_tables(&databases, &tables)?,
            left_out: left_out.into_iter().filter_map(|(kind, rows)| left_out_entry(kind, &rows)).collect(),
            databases: databases.clone(),
            tables: tables.clone(),
        });
        Ok((databases, tables, catalogue))
    }

    /// Returns database and name of each listed object, system databases left out.
    async fn read_names(&mut self, question: &str) -> Result<Vec<(String, String)>, Fault> {
        let rows = self.query_if_exists(question).await?.unwrap_or_default();
        let named = rows.iter().map(|row| (text(row, "SCHEMA_NAME"), text(row, "NAME")));
        Ok(named.filter(|(database, _)| !is_system(database)).collect())
    }
}

/// Returns the kind (such as `routines`) with its objects; `None` where there are none.
fn left_out_entry(kind: &str, rows: &[(String, String)]) -> Option<(String, Vec<String>)> {
    let names: Vec<String> = rows.iter().map(|(database, name)| format!("{database}.{name}")).collect();
    (!names.is_empty()).then(|| (kind.to_owned(), names))
}

/// Returns the tables whose dump file would overwrite another's. Table kinds that were never tested have no known file.
fn colliding_tables(databases: &[String], tables: &[TextTriple]) -> Result<Vec<(String, String)>, Fault> {
    let tried = tables.iter().filter(|(.., kind)| matches!(kind.as_str(), "BASE TABLE" | "VIEW"));
    let scope =
        DumpContents::new(databases.iter().map(String::as_str), tried.map(as_strs), &ExcludedTables::default())?;
    Ok(scope.colliding_tables().into_iter().map(|table| (table.database.clone(), table.name.clone())).collect())
}

fn quoted_list(words: &[&str]) -> String {
    words.iter().map(|word| format!("'{word}'")).collect::<Vec<_>>().join(", ")
}

/// Returns the query for columns that are not of a plain type.
fn special_columns_sql() -> String {
    format!(
        "SELECT TABLE_SCHEMA, TABLE_NAME, COLUMN_NAME, DATA_TYPE, COLUMN_TYPE, EXTRA FROM information_schema.COLUMNS \
         WHERE TABLE_SCHEMA NOT IN ({}) AND (DATA_TYPE NOT IN ({}) OR EXTRA LIKE '%GENERATED%' OR EXTRA LIKE '%INVISIBLE%' \
         OR COLUMN_NAME LIKE '%`%')",
        quoted_list(&SYSTEM_DATABASES),
        quoted_list(PLAIN_TYPES)
    )
}

/// Returns the query for views whose columns the server does not list, since it cannot resolve them.
fn broken_views_sql() -> String {
    format!(
        "SELECT TABLE_SCHEMA, TABLE_NAME FROM information_schema.VIEWS V WHERE TABLE_SCHEMA NOT IN ({}) AND NOT EXISTS \
         (SELECT 1 FROM information_schema.COLUMNS C WHERE C.TABLE_SCHEMA = V.TABLE_SCHEMA AND C.TABLE_NAME = V.TABLE_NAME)",
        quoted_list(&SYSTEM_DATABASES)
    )
}

/// Returns the query for the tables that foreign keys refer to.
fn foreign_keys_sql() -> String {
    format!(
        "SELECT DISTINCT {} FROM information_schema.KEY_COLUMN_USAGE WHERE REFERENCED_TABLE_NAME IS NOT NULL \
         AND TABLE_SCHEMA NOT IN ({})",
        FOREIGN_KEY_COLUMNS.join(", "),
        quoted_list(&SYSTEM_DATABASES)
    )
}

fn view_usage_sql() -> String {
    format!(
        "SELECT {} FROM information_schema.VIEW_TABLE_USAGE \
         WHERE VIEW_SCHEMA NOT IN ({})",
        VIEW_USAGE_COLUMNS.join(", "),
        quoted_list(&SYSTEM_DATABASES)
    )
}

/// Returns the query for `float` columns in unique keys, whose values are rounded.
fn unique_floats_sql() -> String {
    format!(
        "SELECT S.TABLE_SCHEMA, S.TABLE_NAME, S.COLUMN_NAME FROM information_schema.STATISTICS S \
         JOIN information_schema.COLUMNS C ON C.TABLE_SCHEMA = S.TABLE_SCHEMA AND C.TABLE_NAME = S.TABLE_NAME \
         AND C.COLUMN_NAME = S.COLUMN_NAME WHERE S.NON_UNIQUE = 0 AND C.DATA_TYPE = 'float' AND S.TABLE_SCHEMA NOT IN ({})",
        quoted_list(&SYSTEM_DATABASES)
    )
}

const LIST_VIEWS: &str = "SELECT TABLE_SCHEMA, TABLE_NAME, VIEW_DEFINITION FROM information_schema.VIEWS";
const LIST_ROUTINES: &str =
    "SELECT ROUTINE_SCHEMA AS SCHEMA_NAME, ROUTINE_NAME AS NAME FROM information_schema.ROUTINES";
const LIST_TRIGGERS: &str =
    "SELECT TRIGGER_SCHEMA AS SCHEMA_NAME, TRIGGER_NAME AS NAME FROM information_schema.TRIGGERS";
const LIST_EVENTS: &str = "SELECT EVENT_SCHEMA AS SCHEMA_NAME, EVENT_NAME AS NAME FROM information_schema.EVENTS";
/// V4 docs, `DBA_OB_SEQUENCE_OBJECTS`: the sequences of a MySQL-mode tenant; seekdb has none.
const LIST_SEQUENCES: &str =
    "SELECT DATABASE_NAME AS SCHEMA_NAME, SEQUENCE_NAME AS NAME FROM oceanbase.DBA_OB_SEQUENCE_OBJECTS";

fn parse_column(row: &Row) -> Column {
    Column {
        database: text(row, "TABLE_SCHEMA"),
        table: text(row, "TABLE_NAME"),
        name: text(row, "COLUMN_NAME"),
        data_type: text(row, "DATA_TYPE"),
        column_type: text(row, "COLUMN_TYPE"),
        extra: text(row, "EXTRA"),
    }
}

/// Columns of a view and of the table that it reads.
const VIEW_USAGE_COLUMNS: [&str; 4] = ["VIEW_SCHEMA", "VIEW_NAME", "TABLE_SCHEMA", "TABLE_NAME"];
/// Columns of a table and of the table that its foreign key refers to.
const FOREIGN_KEY_COLUMNS: [&str; 4] =
    ["TABLE_SCHEMA", "TABLE_NAME", "REFERENCED_TABLE_SCHEMA", "REFERENCED_TABLE_NAME"];

/// Returns the views whose definition calls one of the routines: the server writes a call as a name in backquotes before a
/// parenthesis.
fn views_calling_routines(views: &[Row], routines: &[(String, String)]) -> Vec<TextTriple> {
    let calls: Vec<(String, &String)> =
        routines.iter().map(|(_, name)| (format!("`{}`(", name.replace('`', "``")), name)).collect();
    let named = views.iter().filter_map(|row| {
        let definition = text(row, "VIEW_DEFINITION");
        let (_, name) = calls.iter().find(|(call, _)| definition.contains(call))?;
        Some((text(row, "TABLE_SCHEMA"), text(row, "TABLE_NAME"), (*name).clone()))
    });
    named.filter(|(database, ..)| !is_system(database)).collect()
}
