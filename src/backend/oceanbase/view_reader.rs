//! Reads views: columns by name, never `*` (some hold passwords), and only the columns that the release has.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::column_types;
use super::release_profile::{ReleaseProfile, StatementId, TENANT_ID, ViewId, VisibleView};
use super::session::{Failure, Purpose, Row, Session, TypedSession, text, with_column};
use crate::domain::facts::Scope;
use crate::domain::fault::{Cause, Fault};
use crate::domain::sql::quoted_text;

#[cfg(test)]
mod tests;

/// A value that a column is compared with.
#[derive(Debug, Clone)]
pub enum FilterValue<'a> {
    /// A whole number.
    Number(u64),
    /// A text.
    Text(&'a str),
}

/// `column IN (values)`; with an empty list nothing matches and no query is sent.
pub type Filter<'a> = (&'a str, Vec<FilterValue<'a>>);

/// The tenant that a login sees the cluster from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginTenant {
    /// sys, or one tenant.
    pub scope: Scope,
    /// Its id; 1 is sys.
    pub id: u64,
    /// Its name.
    pub name: String,
}

/// The optional columns that each view has on this cluster; discovered once, then kept.
#[derive(Debug, Clone, Default)]
pub struct OptionalColumns {
    found: BTreeMap<ViewId, Vec<String>>,
}

impl OptionalColumns {
    /// Discovers the optional columns of these views; returns the result for each view that may have some.
    pub async fn discover(
        &mut self,
        session: &mut Session,
        line: &ReleaseProfile,
        home: &LoginTenant,
        ids: &[ViewId],
    ) -> Vec<(ViewId, Result<(), Failure>)> {
        let seen = ids.iter().filter_map(|id| Some((*id, line.view(*id, home.scope)?)));
        let views: Vec<(ViewId, &VisibleView)> = seen.filter(|(_, view)| !view.optional.is_empty()).collect();
        let questions: Vec<String> = views.iter().map(|(_, view)| format!("DESC oceanbase.{}", view.name)).collect();
        let answers = session.query_all(&questions).await;
        let found = views.into_iter().zip(answers).map(|((id, view), answer)| {
            let known = answer.and_then(|rows| {
                let names: Vec<String> = rows.iter().map(|row| text(row, "FIELD").to_uppercase()).collect();
                // A list that lacks a column of every release is unreadable, and proves no column absent.
                if let Some(column) = view.columns.iter().find(|column| !rows.is_empty() && !names.contains(column)) {
                    return Err(Failure::unreadable(incomplete_column_list(&view.name, column)));
                }
                let optional = view.optional.iter().filter(|column| names.contains(column)).cloned().collect();
                self.found.insert(id, optional);
                Ok(())
            });
            (id, known)
        });
        found.collect()
    }

    /// Returns the columns of a view that a query selects.
    fn of<'a>(&'a self, id: ViewId, view: &'a VisibleView) -> Vec<&'a str> {
        let found = self.found.get(&id).into_iter().flatten();
        view.columns.iter().chain(&view.time_columns).chain(found).map(String::as_str).collect()
    }

    /// Returns the SELECT of a view; `None` where a filter is empty.
    #[must_use]
    pub fn select_sql(&self, id: ViewId, view: &VisibleView, filters: &[Filter<'_>], order: &str) -> Option<String> {
        let mut columns: Vec<String> = view.columns.clone();
        columns.extend(view.time_columns.iter().map(|column| format!("UNIX_TIMESTAMP({column}) AS {column}")));
        columns.extend(self.found.get(&id).into_iter().flatten().cloned());
        let mut sql = format!("SELECT {} FROM oceanbase.{}", columns.join(", "), view.name);
        for (place, (column, values)) in filters.iter().enumerate() {
            if values.is_empty() {
                return None;
            }
            let values: Vec<String> = values
                .iter()
                .map(|value| match value {
                    FilterValue::Number(number) => number.to_string(),
                    FilterValue::Text(text) => quoted_text(text),
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

/// Returns the filters for a view of one tenant, which has no `TENANT_ID` column; `None` where its rows do not match.
fn tenant_view_filters<'a>(filters: &[Filter<'a>], home: &LoginTenant) -> Option<Vec<Filter<'a>>> {
    let mut left = Vec::new();
    for (column, values) in filters {
        if *column != TENANT_ID {
            left.push((*column, values.clone()));
        } else if !values.iter().any(|value| matches!(value, FilterValue::Number(id) if *id == home.id)) {
            return None;
        }
    }
    Some(left)
}

/// A view, its filters, and the order of its rows.
pub type ViewQuery<'a> = (ViewId, &'a [Filter<'a>], &'a str);

/// Returns the fault of a column list that lacks a column of every release.
fn incomplete_column_list(view: &str, column: &str) -> Fault {
    Fault::new(
        Cause::Server,
        format!("The columns of {view} were not read."),
        format!("The server's list of them lacks {column}, which the view has on every release."),
        "Check that the endpoint is an OceanBase server or OBProxy, and what stands in between.",
    )
}

/// A query of a view and what its result must contain.
struct PreparedQuery<'a> {
    id: ViewId,
    view: &'a VisibleView,
    home: &'a LoginTenant,
    columns: Vec<&'a str>,
    sql: String,
}

impl<'a> PreparedQuery<'a> {
    /// Returns the query; `None` where nothing can match, so that there are no rows.
    fn prepare(
        line: &'a ReleaseProfile,
        home: &'a LoginTenant,
        columns: &'a OptionalColumns,
        (id, filters, order): ViewQuery<'_>,
    ) -> Option<Self> {
        let view = line.view(id, home.scope)?;
        let filters = if view.own_rows_only { tenant_view_filters(filters, home)? } else { filters.to_vec() };
        let sql = columns.select_sql(id, view, &filters, order)?;
        Some(Self { id, view, home, columns: columns.of(id, view), sql })
    }

    /// Returns the checked rows of its result.
    ///
    /// # Errors
    /// A cell does not have the type of its column.
    fn rows(&self, rows: Vec<Row>) -> Result<Vec<Row>, Failure> {
        column_types::check(self.id, &self.columns, &rows)
            .map_err(|unread| Failure::unreadable(unread.fault(&self.view.name)))?;
        Ok(if self.view.own_rows_only { with_column(rows, TENANT_ID, &self.home.id.to_string()) } else { rows })
    }
}

/// Reads a view as the login sees it.
///
/// # Errors
/// The failure of the query. A view that the profile does not have has no rows.
pub async fn read<P: Purpose>(
    session: &mut TypedSession<P>,
    line: &ReleaseProfile,
    home: &LoginTenant,
    columns: &OptionalColumns,
    asked: ViewQuery<'_>,
) -> Result<Vec<Row>, Failure> {
    let Some(question) = PreparedQuery::prepare(line, home, columns, asked) else { return Ok(Vec::new()) };
    question.rows(session.rows(&question.sql).await?)
}

/// Reads several views in as few round trips as the server allows; returns for each what [`read`] returns.
pub async fn read_together<const N: usize>(
    session: &mut Session,
    line: &ReleaseProfile,
    home: &LoginTenant,
    columns: &OptionalColumns,
    asked: [ViewQuery<'_>; N],
) -> [Result<Vec<Row>, Failure>; N] {
    let questions = asked.map(|asked| PreparedQuery::prepare(line, home, columns, asked));
    let texts: Vec<&str> = questions.iter().flatten().map(|question| question.sql.as_str()).collect();
    let mut answers = session.query_all(&texts).await.into_iter();
    questions.map(|question| match question {
        Some(question) => question.rows(answers.next().unwrap_or_else(|| Err(unanswered_query(&question.view.name)))?),
        None => Ok(Vec::new()),
    })
}

fn unanswered_query(view: &str) -> Failure {
    let fault = Fault::new(
        Cause::Internal,
        format!("oceanbase.{view} was not read."),
        "It was asked with other views, and there is no answer of its own. This is a mistake in obnow.",
        "Report it; nothing was sent.",
    );
    Failure::lost(fault)
}

/// Reads parameters by name: from the view that has them all, or one by one where there is none.
///
/// # Errors
/// What the server answered.
pub async fn parameters<P: Purpose>(
    session: &mut TypedSession<P>,
    line: &ReleaseProfile,
    home: &LoginTenant,
    columns: &OptionalColumns,
    names: &[&str],
) -> Result<Vec<Row>, Failure> {
    let Some(words) = line.template(StatementId::ShowParameter, home.scope) else {
        let filter: Filter<'_> = ("NAME", names.iter().map(|name| FilterValue::Text(name)).collect());
        return read(session, line, home, columns, (ViewId::Parameters, &[filter], "")).await;
    };
    let questions: Vec<String> = names.iter().map(|name| words.replace("{value}", &quoted_text(name))).collect();
    let mut found = Vec::new();
    for (name, rows) in names.iter().zip(session.query_all(&questions).await) {
        let rows = rows?;
        // LIKE takes _ for any letter.
        found.extend(rows.into_iter().filter(|row| text(row, "NAME").eq_ignore_ascii_case(name)));
    }
    Ok(found)
}
