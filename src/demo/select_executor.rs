//! Executes a SELECT over one view: the fleet's rows are loaded into a table of `SQLite` with the documented columns, and the
//! statement, rebuilt from its parsed form, runs there.

use rusqlite::types::Value as Stored;
use rusqlite::{Connection, params_from_iter};

use super::server_errors::{error_with_state, internal_error};
use super::statement::{Literal, Row, Select, ServerError, Value};
use super::view_definitions::{Column, ColumnType, View};

/// A result set: rows with headings and types.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResultTable {
    /// Heading and type of each column.
    pub columns: Vec<(String, ColumnType)>,
    /// The rows, each as wide as `columns`.
    pub rows: Vec<Vec<Value>>,
}

/// Executes a SELECT over the rows of its view.
///
/// # Errors
/// Returns 1054 for an unknown column; 1105 if the fleet's rows do not fit the view.
pub fn execute_select(select: &Select, view: &View, rows: &[Row]) -> Result<ResultTable, ServerError> {
    let columns = find_columns(view, &select.columns, "field list")?;
    let (sql, parameters) = select_text(select, view, &columns)?;
    let database = load_rows(view, rows)?;
    let mut statement = database.prepare(&sql).map_err(internal_error)?;
    let mut found = statement.query(params_from_iter(parameters)).map_err(internal_error)?;
    let mut answers = Vec::new();
    while let Some(row) = found.next().map_err(internal_error)? {
        let values = columns.iter().enumerate().map(|(index, column)| {
            let stored = row.get::<_, Stored>(index).map_err(internal_error)?;
            from_stored(column, stored)
        });
        answers.push(values.collect::<Result<_, ServerError>>()?);
    }
    // The heading is the column as the client wrote it.
    let headings = select.columns.iter().cloned().zip(columns.iter().map(|column| column.column_type)).collect();
    Ok(ResultTable { columns: headings, rows: answers })
}

fn find_columns<'v>(view: &'v View, names: &[String], clause: &str) -> Result<Vec<&'v Column>, ServerError> {
    names.iter().map(|name| find_column(view, name, clause)).collect()
}

fn find_column<'v>(view: &'v View, name: &str, clause: &str) -> Result<&'v Column, ServerError> {
    let unknown = || error_with_state(1054, "42S22", format!("Unknown column '{name}' in '{clause}'"));
    view.column(name).map(|(_, column)| column).ok_or_else(unknown)
}

/// Returns the SELECT for `SQLite` and its parameters. Only names of the view go into its text; every literal is bound.
fn select_text(select: &Select, view: &View, columns: &[&Column]) -> Result<(String, Vec<Stored>), ServerError> {
    let mut parameters = Vec::new();
    // The first condition, so that there is always one.
    let mut filter = vec!["TRUE".to_owned()];
    for (name, literals) in &select.filter {
        let column = find_column(view, name, "where clause")?;
        filter.push(format!("{} IN ({})", comparable(column), placeholders(literals.len())));
        parameters.extend(literals.iter().map(|literal| bind_literal(column, literal)));
    }
    let mut order = Vec::new();
    for (name, descending) in &select.order {
        let column = find_column(view, name, "order clause")?;
        order.push(format!("{}{}", comparable(column), if *descending { " DESC" } else { "" }));
    }
    // Ties keep the order of the fleet, so that a result is always the same.
    order.push("rowid".to_owned());
    let limit = select.limit.and_then(|limit| i64::try_from(limit).ok()).unwrap_or(i64::MAX);
    parameters.push(Stored::Integer(limit));
    let columns: Vec<String> = columns.iter().map(|column| quote(column)).collect();
    let sql = format!(
        "SELECT {} FROM answer WHERE {} ORDER BY {} LIMIT ?",
        columns.join(", "),
        filter.join(" AND "),
        order.join(", ")
    );
    Ok((sql, parameters))
}

fn placeholders(count: usize) -> String {
    vec!["?"; count].join(", ")
}

fn quote(column: &Column) -> String {
    format!("\"{}\"", column.name)
}

/// Returns the column for comparing and ordering: a decimal is printed text that counts as a number.
fn comparable(column: &Column) -> String {
    match column.column_type {
        ColumnType::Decimal | ColumnType::Double => format!("CAST({} AS REAL)", quote(column)),
        _ => quote(column),
    }
}

fn load_rows(view: &View, rows: &[Row]) -> Result<Connection, ServerError> {
    let database = Connection::open_in_memory().map_err(internal_error)?;
    // No declared type, so that SQLite converts nothing. NOCASE knows ASCII only, which is all that views hold but for
    // descriptions; a server compares by utf8mb4_general_ci.
    let columns: Vec<String> = view.columns.iter().map(|column| format!("{} COLLATE NOCASE", quote(column))).collect();
    database.execute_batch(&format!("CREATE TABLE answer ({})", columns.join(", "))).map_err(internal_error)?;
    let insert = format!("INSERT INTO answer VALUES ({})", placeholders(columns.len()));
    let mut insert = database.prepare(&insert).map_err(internal_error)?;
    for row in rows {
        if let Some(unknown) = row.keys().find(|name| !view.columns.iter().any(|column| column.name == **name)) {
            return Err(internal_error(format!("a row has the column {unknown}, the view has not")));
        }
        let values = view.columns.iter().map(|column| to_stored(column, row.get(column.name.as_str())));
        insert.execute(params_from_iter(values.collect::<Result<Vec<_>, _>>()?)).map_err(internal_error)?;
    }
    drop(insert);
    Ok(database)
}

/// Shifts an unsigned number by -2^63: `SQLite`'s integers are signed, and this keeps value and order.
fn shifted(number: i128) -> Option<i64> {
    i64::try_from(number - (1 << 63)).ok()
}

fn to_stored(column: &Column, value: Option<&Value>) -> Result<Stored, ServerError> {
    let stored = match (value, column.column_type) {
        (None | Some(Value::Null), _) => Some(Stored::Null),
        (Some(Value::Integer(number)), ColumnType::Signed) => i64::try_from(*number).ok().map(Stored::Integer),
        (Some(Value::Integer(number)), ColumnType::Unsigned) => shifted(*number).map(Stored::Integer),
        (Some(Value::Integer(_)), _) | (Some(Value::Text(_)), ColumnType::Signed | ColumnType::Unsigned) => None,
        (Some(Value::Text(text)), _) => Some(Stored::Text(text.clone())),
    };
    stored
        .ok_or_else(|| internal_error(format!("{value:?} does not fit the column {} {}", column.name, column.sql_type)))
}

fn from_stored(column: &Column, stored: Stored) -> Result<Value, ServerError> {
    match (stored, column.column_type) {
        (Stored::Null, _) => Ok(Value::Null),
        (Stored::Integer(number), ColumnType::Unsigned) => Ok(Value::Integer(i128::from(number) + (1 << 63))),
        (Stored::Integer(number), _) => Ok(Value::Integer(i128::from(number))),
        (Stored::Text(text), _) => Ok(Value::Text(text)),
        (other, _) => Err(internal_error(format!("{other:?} in the column {}", column.name))),
    }
}

/// Converts a literal for the comparison with a column: text into a number for a numeric column, as in MySQL, and a number into
/// text for a text column. A literal that no value of the column can equal becomes NULL, which equals nothing.
fn bind_literal(column: &Column, literal: &Literal) -> Stored {
    match (literal, column.column_type) {
        (Literal::Null, _) => Stored::Null,
        (Literal::Integer(number), ColumnType::Signed) => i64::try_from(*number).map_or(Stored::Null, Stored::Integer),
        (Literal::Integer(number), ColumnType::Unsigned) => shifted(*number).map_or(Stored::Null, Stored::Integer),
        (Literal::Text(text), ColumnType::Signed | ColumnType::Unsigned) => {
            text.trim().parse().map_or(Stored::Null, |number| bind_literal(column, &Literal::Integer(number)))
        }
        (Literal::Text(text), ColumnType::Decimal | ColumnType::Double) => {
            text.trim().parse().map_or(Stored::Null, Stored::Real)
        }
        (Literal::Integer(number), ColumnType::Decimal | ColumnType::Double) => {
            number.to_string().parse().map_or(Stored::Null, Stored::Real)
        }
        (Literal::Integer(number), _) => Stored::Text(number.to_string()),
        (Literal::Text(text), _) => Stored::Text(text.clone()),
    }
}
