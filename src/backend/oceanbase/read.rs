//! Reading views: columns by name, never `*` (some hold passwords), and only the columns this release has.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::line::{Line, View, ViewId};
use super::session::{Failure, Row, Session, text};
use super::statement::quoted_text;

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

/// Which optional columns each view has on the servers of this cluster; found once, then kept.
#[derive(Debug, Clone, Default)]
pub struct Columns {
    found: BTreeMap<ViewId, Vec<String>>,
}

impl Columns {
    /// Asks the server which optional columns the line's views have.
    ///
    /// # Errors
    /// The failure of a question other than for a view that is not there.
    pub async fn find(session: &mut Session, line: &Line, views: &[ViewId]) -> Result<Self, Failure> {
        let mut found = BTreeMap::new();
        for id in views {
            let Some(view) = line.view(*id).filter(|view| !view.optional.is_empty()) else { continue };
            let rows = session.rows(&format!("DESC oceanbase.{}", view.name)).await?;
            let names: Vec<String> = rows.iter().map(|row| text(row, "FIELD").to_uppercase()).collect();
            found.insert(*id, view.optional.iter().filter(|column| names.contains(column)).cloned().collect());
        }
        Ok(Self { found })
    }

    /// The text of a question. None when a filter is empty.
    #[must_use]
    pub fn question(&self, id: ViewId, view: &View, filters: &[Filter<'_>], order: &str) -> Option<String> {
        let mut columns: Vec<&str> = view.columns.iter().map(String::as_str).collect();
        columns.extend(self.found.get(&id).into_iter().flatten().map(String::as_str));
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

/// Reads a view of the line.
///
/// # Errors
/// What the server answered. A view the line does not have has no rows.
pub async fn read(
    session: &mut Session,
    line: &Line,
    columns: &Columns,
    id: ViewId,
    filters: &[Filter<'_>],
    order: &str,
) -> Result<Vec<Row>, Failure> {
    let Some(view) = line.view(id) else { return Ok(Vec::new()) };
    match columns.question(id, view, filters, order) {
        Some(sql) => session.rows(&sql).await,
        None => Ok(Vec::new()),
    }
}
