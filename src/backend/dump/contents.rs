//! What a dump must contain: the databases, tables and views of the server, listed before the dump starts.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::domain::dump::{DatabaseObject, ExcludedTables, is_system};
use crate::domain::fault::{Cause, Fault};

/// Lists the names of all databases.
pub const LIST_DATABASES: &str = "SHOW DATABASES";

/// Lists tables and views: database, name, `BASE TABLE` or `VIEW`.
pub const LIST_TABLES: &str = "SELECT TABLE_SCHEMA, TABLE_NAME, TABLE_TYPE FROM information_schema.TABLES";

/// A table or a view.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TableKind {
    /// A table, with rows.
    Table,
    /// A view: its definition only.
    View,
}

/// One table or view that must be in the dump.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ListedTable {
    /// The database it is in.
    pub database: String,
    /// Its name.
    pub name: String,
    /// Table or view.
    pub kind: TableKind,
}

/// Everything that must be in a dump.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct DumpContents {
    /// Databases, without the server's own.
    pub databases: Vec<String>,
    /// Their tables and views.
    pub tables: Vec<ListedTable>,
}

/// The role of a file in a dump.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileRole<'a> {
    /// When the dump began and ended, on the clock of the host that ran it.
    Metadata,
    /// `CREATE DATABASE`.
    Database(&'a str),
    /// `CREATE TABLE`.
    TableSchema(&'a ListedTable),
    /// The rows of a table.
    Rows(&'a ListedTable),
    /// A table that stands in for a view until its own definition is loaded.
    StandIn(&'a ListedTable),
    /// `CREATE VIEW`.
    View(&'a ListedTable),
}

impl DumpContents {
    /// Returns the databases and tables to dump, without system databases and excluded ones.
    ///
    /// # Errors
    /// A table kind that was never tested with mydumper.
    pub fn new<'a>(
        databases: impl IntoIterator<Item = &'a str>,
        tables: impl IntoIterator<Item = (&'a str, &'a str, &'a str)>,
        exclude: &ExcludedTables,
    ) -> Result<Self, Fault> {
        let databases = databases.into_iter().filter(|name| !is_system(name) && !exclude.has_database(name));
        let mut databases: Vec<String> = databases.map(str::to_owned).collect();
        databases.sort();
        let kept =
            tables.into_iter().filter(|(database, table, _)| !exclude.has(&DatabaseObject::table(database, table)));
        Ok(Self { databases, tables: listed(kept)? })
    }

    /// Returns the files of a dump of these contents, by name.
    ///
    /// # Errors
    /// Two tables whose files would have one name, as ``t-schema`` beside ``t``: one would overwrite the other.
    pub fn files(&self) -> Result<BTreeMap<String, FileRole<'_>>, Fault> {
        let mut files = BTreeMap::new();
        for (file, role) in self.all_files() {
            if files.insert(file.clone(), role).is_some() {
                return Err(Fault::new(
                    Cause::Precondition,
                    "Two tables cannot be dumped side by side.",
                    format!("mydumper would write both into the file {file}."),
                    "Rename one of them, or leave one out with --exclude-table DB.TABLE.",
                ));
            }
        }
        Ok(files)
    }

    /// Returns the tables whose files would have the name of another table's file.
    #[must_use]
    pub fn colliding_tables(&self) -> Vec<&ListedTable> {
        let mut seen = BTreeSet::new();
        let again = self.all_files().filter(|(file, _)| !seen.insert(file.clone()));
        again.filter_map(|(_, role)| role.listed()).collect()
    }

    fn all_files(&self) -> impl Iterator<Item = (String, FileRole<'_>)> {
        let databases =
            self.databases.iter().map(|name| (format!("{name}-schema-create.sql"), FileRole::Database(name)));
        let tables = self.tables.iter().flat_map(|table| {
            let ListedTable { database, name, kind } = table;
            let (schema, content) = (format!("{database}.{name}-schema.sql"), format!("{database}.{name}"));
            match kind {
                TableKind::Table => {
                    [(schema, FileRole::TableSchema(table)), (format!("{content}.sql"), FileRole::Rows(table))]
                }
                TableKind::View => {
                    [(schema, FileRole::StandIn(table)), (format!("{content}-schema-view.sql"), FileRole::View(table))]
                }
            }
        });
        std::iter::once(("metadata".to_owned(), FileRole::Metadata)).chain(databases).chain(tables)
    }
}

impl<'a> FileRole<'a> {
    fn listed(self) -> Option<&'a ListedTable> {
        match self {
            Self::Metadata | Self::Database(_) => None,
            Self::TableSchema(table) | Self::Rows(table) | Self::StandIn(table) | Self::View(table) => Some(table),
        }
    }
}

/// Parses the rows of [`LIST_TABLES`] into a sorted list, system databases left out.
///
/// # Errors
/// A table kind that was never tested with mydumper; the fault names it.
pub fn listed<'a>(rows: impl IntoIterator<Item = (&'a str, &'a str, &'a str)>) -> Result<Vec<ListedTable>, Fault> {
    let mut list = Vec::new();
    for (database, name, word) in rows.into_iter().filter(|(database, ..)| !is_system(database)) {
        let kind = match word {
            "BASE TABLE" => TableKind::Table,
            "VIEW" => TableKind::View,
            _ => {
                return Err(Fault::new(
                    Cause::Precondition,
                    format!("{database}.{name} cannot be dumped."),
                    format!("It is a {word}, which no release of mydumper was tried with."),
                    "Drop it, or back this server up by other means.",
                ));
            }
        };
        list.push(ListedTable { database: database.to_owned(), name: name.to_owned(), kind });
    }
    list.sort();
    list.dedup();
    Ok(list)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn system_databases_are_left_out() {
        let rows = [
            ("pay", "b", "VIEW"),
            ("SYS", "x", "BASE TABLE"),
            ("oceanbase", "y", "SYSTEM VIEW"),
            ("pay", "a", "BASE TABLE"),
        ];
        let list = listed(rows).unwrap();
        assert_eq!(
            list.iter().map(|t| (t.name.as_str(), t.kind)).collect::<Vec<_>>(),
            [("a", TableKind::Table), ("b", TableKind::View)]
        );
    }

    #[test]
    fn tables_with_colliding_files_are_refused() {
        let scope = |names: &[&'static str]| {
            let tables = names.iter().map(|name| ("pay", *name, "BASE TABLE"));
            DumpContents::new(["pay", "MYSQL"], tables, &ExcludedTables::default()).unwrap()
        };
        let good = scope(&["t", "u"]);
        let files = good.files().unwrap();
        let names: Vec<&str> = files.keys().map(String::as_str).collect();
        assert_eq!(
            names,
            ["metadata", "pay-schema-create.sql", "pay.t-schema.sql", "pay.t.sql", "pay.u-schema.sql", "pay.u.sql"]
        );
        let bad = scope(&["t", "t-schema"]);
        assert!(bad.files().unwrap_err().why.contains("pay.t-schema.sql"));
        assert_eq!(bad.colliding_tables().iter().map(|table| table.name.as_str()).collect::<Vec<_>>(), ["t-schema"]);
        assert!(good.colliding_tables().is_empty());
    }

    #[test]
    fn excluded_tables_are_no_dump_contents() {
        let rows = [("pay", "a", "EXTERNAL TABLE"), ("pay", "b", "BASE TABLE"), ("o.e", "t", "BASE TABLE")];
        let exclude = ExcludedTables(["pay.a".to_owned(), "o.e.*".to_owned()].into());
        let scope = DumpContents::new(["pay", "o.e"], rows, &exclude).unwrap();
        assert_eq!(scope.databases, ["pay"]);
        assert_eq!(scope.tables.iter().map(|table| table.name.as_str()).collect::<Vec<_>>(), ["b"]);
        assert!(DumpContents::new(["pay"], rows, &ExcludedTables::default()).is_err());
    }

    #[test]
    fn untested_table_kind_is_refused() {
        let fault = listed([("pay", "e", "EXTERNAL TABLE")]).unwrap_err();
        assert!(fault.what.contains("pay.e") && fault.why.contains("EXTERNAL TABLE"), "{fault}");
    }
}
