//! Reading views: columns by name, never `*` (some hold passwords), and only the columns this release has.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::cells;
use super::line::{Line, Seen, StatementId, TENANT_ID, ViewId};
use super::session::{Failure, Row, Session, text, with_column};
use crate::domain::facts::Scope;
use crate::domain::sql::quoted_text;

#[cfg(test)]
mod tests;

/// A value a column is compared with.
#[derive(Debug, Clone)]
pub enum Is<'a> {
    /// A whole number.
    Number(u64),
    /// A text.
    Text(&'a str),
}

/// `column IN (values)`; an empty list matches nothing and asks nothing.
pub type Filter<'a> = (&'a str, Vec<Is<'a>>);

/// The tenant a login sees the cluster from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Home {
    /// sys, or a tenant of its own.
    pub scope: Scope,
    /// Its id; 1 is sys.
    pub id: u64,
    /// Its name.
    pub name: String,
}

/// Which optional columns each view has on the servers of this cluster; found once, then kept.
#[derive(Debug, Clone, Default)]
pub struct Columns {
    found: BTreeMap<ViewId, Vec<String>>,
}

impl Columns {
    /// Asks the server which optional columns a view has.
    ///
    /// # Errors
    /// The failure of the question.
    pub async fn find(&mut self, session: &mut Session, line: &Line, home: &Home, id: ViewId) -> Result<(), Failure> {
        let Some(view) = line.view(id, home.scope).filter(|view| !view.optional.is_empty()) else { return Ok(()) };
        let rows = session.rows(&format!("DESC oceanbase.{}", view.name)).await?;
        let names: Vec<String> = rows.iter().map(|row| text(row, "FIELD").to_uppercase()).collect();
        self.found.insert(id, view.optional.iter().filter(|column| names.contains(column)).cloned().collect());
        Ok(())
    }

    /// The columns of a view that a question asks for.
    fn of<'a>(&'a self, id: ViewId, view: &'a Seen) -> Vec<&'a str> {
        let found = self.found.get(&id).into_iter().flatten();
        view.columns.iter().chain(&view.moments).chain(found).map(String::as_str).collect()
    }

    /// The text of a question. None when a filter is empty.
    #[must_use]
    pub fn question(&self, id: ViewId, view: &Seen, filters: &[Filter<'_>], order: &str) -> Option<String> {
        let mut columns: Vec<String> = view.columns.clone();
        columns.extend(view.moments.iter().map(|column| format!("UNIX_TIMESTAMP({column}) AS {column}")));
        columns.extend(self.found.get(&id).into_iter().flatten().cloned());
        let mut sql = format!("SELECT {} FROM oceanbase.{}", columns.join(", "), view.name);
        for (place, (column, values)) in filters.iter().enumerate() {
            if values.is_empty() {
                return None;
            }
            let values: Vec<String> = values
                .iter()
                .map(|value| match value {
                    Is::Number(number) => number.to_string(),
                    Is::Text(text) => quoted_text(text),
                })
                .collect();
            let word = if place == 0 { "WHERE" } else { "AND" };
            let _ = write!(sql, " {word} {column} IN ({})", values.join(", "));
        }
        if !order.is_empty() {
            let _ = write!(sql, " ORDER BY {order}");
        }
        Some(sql)
    }
}

/// A view of one tenant has no column for it: whether its rows are wanted is decided here. None: they are not.
fn own_filters<'a>(filters: &[Filter<'a>], home: &Home) -> Option<Vec<Filter<'a>>> {
    let mut left = Vec::new();
    for (column, values) in filters {
        if *column != TENANT_ID {
            left.push((*column, values.clone()));
        } else if !values.iter().any(|value| matches!(value, Is::Number(id) if *id == home.id)) {
            return None;
        }
    }
    Some(left)
}

/// Reads a view of the line as it is seen from there.
///
/// # Errors
/// What the server answered. A view that is not there has no rows.
pub async fn read(
    session: &mut Session,
    line: &Line,
    home: &Home,
    columns: &Columns,
    (id, filters, order): (ViewId, &[Filter<'_>], &str),
) -> Result<Vec<Row>, Failure> {
    let Some(view) = line.view(id, home.scope) else { return Ok(Vec::new()) };
    let filters = if view.own_rows { own_filters(filters, home) } else { Some(filters.to_vec()) };
    let sql = filters.and_then(|filters| columns.question(id, view, &filters, order));
    let Some(sql) = sql else { return Ok(Vec::new()) };
    let rows = session.rows(&sql).await?;
    cells::check(id, &columns.of(id, view), &rows).map_err(|unread| Failure {
        fault: unread.fault(&view.name),
        answered: true,
        unread: true,
    })?;
    Ok(if view.own_rows { with_column(rows, TENANT_ID, &home.id.to_string()) } else { rows })
}

/// Configuration items by name: from the view that has them all, or one by one where there is none.
///
/// # Errors
/// What the server answered.
pub async fn parameters(
    session: &mut Session,
    line: &Line,
    home: &Home,
    columns: &Columns,
    names: &[&str],
) -> Result<Vec<Row>, Failure> {
    let Some(words) = line.statement(StatementId::ShowParameter, home.scope) else {
        let filter: Filter<'_> = ("NAME", names.iter().map(|name| Is::Text(name)).collect());
        return read(session, line, home, columns, (ViewId::Parameters, &[filter], "")).await;
    };
    let mut found = Vec::new();
    for name in names {
        let rows = session.rows(&words.replace("{value}", &quoted_text(name))).await?;
        // LIKE takes _ for any letter.
        found.extend(rows.into_iter().filter(|row| text(row, "NAME").eq_ignore_ascii_case(name)));
    }
    Ok(found)
}
