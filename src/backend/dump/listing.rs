//! What must be in a dump: the databases, tables and views of the server, listed before it starts.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::domain::fault::{Cause, Fault};

/// Databases of the server itself; never dumped. Compared without regard to case.
pub const SYSTEM_DATABASES: [&str; 5] = ["oceanbase", "mysql", "information_schema", "performance_schema", "sys"];

/// Lists databases: their names.
pub const LIST_DATABASES: &str = "SHOW DATABASES";

/// Lists tables and views: database, name, `BASE TABLE` or `VIEW`.
pub const LIST_TABLES: &str = "SELECT TABLE_SCHEMA, TABLE_NAME, TABLE_TYPE FROM information_schema.TABLES";

/// Lists columns: database, table, column.
pub const LIST_COLUMNS: &str = "SELECT TABLE_SCHEMA, TABLE_NAME, COLUMN_NAME FROM information_schema.COLUMNS";

/// A table or a view.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A table, with rows.
    Table,
    /// A view: its definition only.
    View,
}

/// One table or view that must be in the dump.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Listed {
    /// The database it is in.
    pub database: String,
    /// Its name.
    pub name: String,
    /// Table or view.
    pub kind: Kind,
}

/// All that must be in a dump.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Scope {
    /// Databases, without the server's own.
    pub databases: Vec<String>,
    /// Their tables and views.
    pub tables: Vec<Listed>,
}

/// What a file of a dump is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role<'a> {
    /// When the dump began and ended, on the clock of the host that ran it.
    Metadata,
    /// `CREATE DATABASE`.
    Database(&'a str),
    /// `CREATE TABLE`.
    TableSchema(&'a Listed),
    /// The rows of a table.
    Rows(&'a Listed),
    /// A table that stands in for a view until its own definition is loaded.
    StandIn(&'a Listed),
    /// `CREATE VIEW`.
    View(&'a Listed),
}

impl Scope {
    /// The databases and tables of a server, its own left out.
    ///
    /// # Errors
    /// A kind of table that no dump was tried with.
    pub fn new<'a>(
        databases: impl IntoIterator<Item = &'a str>,
        tables: impl IntoIterator<Item = (&'a str, &'a str, &'a str)>,
    ) -> Result<Self, Fault> {
        let mut databases: Vec<String> =
            databases.into_iter().filter(|name| !is_system(name)).map(str::to_owned).collect();
        databases.sort();
        Ok(Self { databases, tables: listed(tables)? })
    }

    /// The files a dump of this scope has, by name.
    ///
    /// # Errors
    /// Two tables whose files would have one name, as ``t-schema`` beside ``t``: one would overwrite the other.
    pub fn files(&self) -> Result<BTreeMap<String, Role<'_>>, Fault> {
        let mut files = BTreeMap::new();
        let databases = self.databases.iter().map(|name| (format!("{name}-schema-create.sql"), Role::Database(name)));
        let tables = self.tables.iter().flat_map(|table| {
            let Listed { database, name, kind } = table;
            let (schema, content) = (format!("{database}.{name}-schema.sql"), format!("{database}.{name}"));
            match kind {
                Kind::Table => [(schema, Role::TableSchema(table)), (format!("{content}.sql"), Role::Rows(table))],
                Kind::View => {
                    [(schema, Role::StandIn(table)), (format!("{content}-schema-view.sql"), Role::View(table))]
                }
            }
        });
        for (file, role) in std::iter::once(("metadata".to_owned(), Role::Metadata)).chain(databases).chain(tables) {
            if files.insert(file.clone(), role).is_some() {
                return Err(Fault::new(
                    Cause::Precondition,
                    "Two tables cannot be dumped side by side.",
                    format!("mydumper would write both into the file {file}."),
                    "Rename one of them, or back this server up by other means.",
                ));
            }
        }
        Ok(files)
    }
}

/// True for a database that belongs to the server and is left out of every dump.
#[must_use]
pub fn is_system(database: &str) -> bool {
    SYSTEM_DATABASES.iter().any(|system| system.eq_ignore_ascii_case(database))
}

/// The rows of [`LIST_TABLES`] as a sorted list, the server's own databases left out.
///
/// # Errors
/// A kind of table that no dump was tried with; it is named.
pub fn listed<'a>(rows: impl IntoIterator<Item = (&'a str, &'a str, &'a str)>) -> Result<Vec<Listed>, Fault> {
    let mut list = Vec::new();
    for (database, name, word) in rows.into_iter().filter(|(database, ..)| !is_system(database)) {
        let kind = match word {
            "BASE TABLE" => Kind::Table,
            "VIEW" => Kind::View,
            _ => {
                return Err(Fault::new(
                    Cause::Precondition,
                    format!("{database}.{name} cannot be dumped."),
                    format!("It is a {word}, which no release of mydumper was tried with."),
                    "Drop it, or back this server up by other means.",
                ));
            }
        };
        list.push(Listed { database: database.to_owned(), name: name.to_owned(), kind });
    }
    list.sort();
    list.dedup();
    Ok(list)
}

/// Refuses names that mydumper cannot dump, or that a restore would change: other than ASCII (the dump speaks `binary`, in which
/// the server takes a name for latin1: a table is not found, a column comes back under another name), and those that
/// make no file name.
///
/// # Errors
/// The first few such names, and how many there are.
pub fn names_fit<'a>(
    tables: &'a [Listed],
    columns: impl IntoIterator<Item = (&'a str, &'a str, &'a str)>,
) -> Result<(), Fault> {
    let odd = |name: &str| !name.is_ascii() || name.chars().any(|c| c.is_ascii_control() || matches!(c, '/' | '`'));
    let odd_column = |name: &str| !name.is_ascii() || name.contains('`');
    let mut unfit: Vec<String> = tables
        .iter()
        .filter(|table| odd(&table.database) || odd(&table.name))
        .map(|table| format!("{}.{}", table.database, table.name))
        .collect();
    unfit.extend(
        columns
            .into_iter()
            .filter(|(database, _, column)| !is_system(database) && odd_column(column))
            .map(|(database, table, column)| format!("{database}.{table}.{column}")),
    );
    if unfit.is_empty() {
        return Ok(());
    }
    let shown = unfit.iter().take(5).cloned().collect::<Vec<_>>().join(", ");
    Err(Fault::new(
        Cause::Precondition,
        format!("{} names cannot be dumped so that they come back as they are: {shown}.", unfit.len()),
        "mydumper loses names outside ASCII and those with a slash or a backquote.",
        "Rename them, or back this server up by other means.",
    ))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_servers_own_databases_are_left_out_in_any_case() {
        let rows = [
            ("pay", "b", "VIEW"),
            ("SYS", "x", "BASE TABLE"),
            ("oceanbase", "y", "SYSTEM VIEW"),
            ("pay", "a", "BASE TABLE"),
        ];
        let list = listed(rows).unwrap();
        assert_eq!(
            list.iter().map(|t| (t.name.as_str(), t.kind)).collect::<Vec<_>>(),
            [("a", Kind::Table), ("b", Kind::View)]
        );
    }

    #[test]
    fn tables_that_would_overwrite_each_other_are_refused() {
        let scope = |names: &[&'static str]| {
            Scope::new(["pay", "MYSQL"], names.iter().map(|name| ("pay", *name, "BASE TABLE"))).unwrap()
        };
        let good = scope(&["t", "u"]);
        let files = good.files().unwrap();
        let names: Vec<&str> = files.keys().map(String::as_str).collect();
        assert_eq!(
            names,
            ["metadata", "pay-schema-create.sql", "pay.t-schema.sql", "pay.t.sql", "pay.u-schema.sql", "pay.u.sql"]
        );
        assert!(scope(&["t", "t-schema"]).files().unwrap_err().why.contains("pay.t-schema.sql"));
    }

    #[test]
    fn a_kind_nobody_tried_is_refused_by_name() {
        let fault = listed([("pay", "e", "EXTERNAL TABLE")]).unwrap_err();
        assert!(fault.what.contains("pay.e") && fault.why.contains("EXTERNAL TABLE"), "{fault}");
    }

    #[test]
    fn names_that_would_not_come_back_are_refused_by_name() {
        let table = |name: &str| Listed { database: "pay".into(), name: name.into(), kind: Kind::Table };
        let good = [table("order"), table("t.dot")];
        assert!(names_fit(&good, [("pay", "order", "select"), ("oceanbase", "x", "列")]).is_ok());
        for name in ["汉字", "a/b", "a`b", "a\nb"] {
            assert!(names_fit(&[table(name)], []).unwrap_err().what.contains(name), "{name}");
        }
        assert!(names_fit(&good, [("pay", "order", "列")]).unwrap_err().what.contains("pay.order.列"));
    }
}
