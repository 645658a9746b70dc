//! Records the results of a server and replays them with one column of one view changed.

use std::collections::BTreeMap;

use super::{Failure, Row};
use crate::domain::fault::{Cause, Fault};

/// The recorded result of each query.
#[derive(Clone, Default)]
pub struct Recording {
    answers: BTreeMap<String, Result<Vec<Row>, Failure>>,
    plays: bool,
    change: Option<CellChange>,
}

/// A change of one column of a view in every row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CellChange {
    /// The view.
    pub view: String,
    /// Its column.
    pub column: String,
    /// The new value; `None` for NULL.
    pub value: Option<String>,
}

impl Recording {
    /// Returns a recording that replays these results with a change.
    #[must_use]
    pub fn replaying(&self, change: Option<CellChange>) -> Self {
        Self { answers: self.answers.clone(), plays: true, change }
    }

    pub(super) fn keep(&mut self, sql: &str, answer: &Result<Vec<Row>, Failure>) {
        self.answers.insert(sql.to_owned(), answer.clone());
    }

    /// Returns the replayed result; `None` where the server is to be asked.
    pub(super) fn answer(&self, sql: &str) -> Option<Result<Vec<Row>, Failure>> {
        if !self.plays {
            return None;
        }
        let Some(known) = self.answers.get(sql) else {
            let fault = Fault::new(Cause::Server, "This was not asked before.", sql, "");
            return Some(Err(Failure::refused(fault)));
        };
        let change = self.change.as_ref().filter(|change| view_of(sql) == Some(change.view.as_str()));
        Some(match (known, change) {
            (Ok(rows), Some(change)) => {
                Ok(rows.iter().map(|row| row.with_cell(&change.column, change.value.as_deref())).collect())
            }
            (known, _) => known.clone(),
        })
    }

    /// Returns every column of every view that had rows.
    #[must_use]
    pub fn columns(&self) -> Vec<(String, String)> {
        let mut found = Vec::new();
        for (sql, answer) in &self.answers {
            let (Some(view), Ok(rows)) = (view_of(sql), answer) else { continue };
            let Some(row) = rows.first() else { continue };
            found.extend(row.names().map(|column| (view.to_owned(), column.to_owned())));
        }
        found.sort();
        found.dedup();
        found
    }
}

/// Returns the view that a query reads or describes.
fn view_of(sql: &str) -> Option<&str> {
    let rest = sql.strip_prefix("DESC oceanbase.").or_else(|| Some(sql.split_once(" FROM oceanbase.")?.1))?;
    rest.split_whitespace().next()
}
