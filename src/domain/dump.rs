//! The parts of a database that a dump can hold: found in the server's catalogue before the start, by database, table and column.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

mod assessment;
mod column;
mod directory;
#[cfg(test)]
mod tests;

pub use assessment::{CatalogueListing, SYSTEM_DATABASES, assess_catalogue, is_system};
pub use column::{Column, PLAIN_TYPES};
pub use directory::{DumpDirectoryFacts, DumpDirectoryState};

/// The name that means every table of a database.
pub const ALL: &str = "*";

/// A table, a view, or one column of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DatabaseObject {
    /// The database.
    pub database: String,
    /// The table or view.
    pub table: String,
    /// The column; `None`: the entire table or view.
    pub column: Option<String>,
}

impl DatabaseObject {
    /// Returns a table or view.
    #[must_use]
    pub fn table(database: &str, table: &str) -> Self {
        Self { database: database.to_owned(), table: table.to_owned(), column: None }
    }

    /// Returns a database with everything in it.
    #[must_use]
    pub fn database(database: &str) -> Self {
        Self::table(database, ALL)
    }

    /// Returns the table as `--exclude-table` names it: `DB.TABLE`.
    #[must_use]
    pub fn table_name(&self) -> String {
        format!("{}.{}", self.database, self.table)
    }
}

/// `DB.TABLE` or `DB.TABLE.COLUMN`.
impl fmt::Display for DatabaseObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.database, self.table)?;
        self.column.as_ref().map_or(Ok(()), |column| write!(f, ".{column}"))
    }
}

/// The tables and views that a dump excludes: `DB.TABLE`, or `DB.*` for a database with everything in it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ExcludedTables(pub BTreeSet<String>);

impl ExcludedTables {
    /// Returns whether nothing is excluded.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns whether a table, or the table of a column, is excluded.
    #[must_use]
    pub fn has(&self, object: &DatabaseObject) -> bool {
        self.0.contains(&object.table_name()) || self.has_database(&object.database)
    }

    /// Returns whether an entire database is excluded.
    #[must_use]
    pub fn has_database(&self, database: &str) -> bool {
        self.0.contains(&DatabaseObject::database(database).table_name())
    }

    /// Returns the names as a list: `DB.TABLE, DB.*`.
    #[must_use]
    pub fn words(&self) -> String {
        self.0.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
    }
}

/// An object that a dump treats differently, and why.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct DumpFinding {
    /// The object.
    pub object: DatabaseObject,
    /// The reason.
    pub why: String,
}

/// `DB.TABLE.COLUMN (why)`.
impl fmt::Display for DumpFinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.object, self.why)
    }
}

/// The findings about a dump of a complete catalogue.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Catalogue {
    /// All tables and views.
    pub objects: BTreeSet<DatabaseObject>,
    /// The names that can be excluded: each table as `DB.TABLE`, each database as `DB.*`.
    pub names: BTreeSet<String>,
    /// The objects that no form of a dump restores unchanged.
    pub unfit: Vec<DumpFinding>,
    /// The columns whose values are changed by a dump and its load.
    pub changed: Vec<DumpFinding>,
    /// The generated columns: not in a dump, computed by the server that loads it.
    pub computed: Vec<DatabaseObject>,
    /// The tables and views that each view reads; `None`: the server does not tell.
    pub reads: Option<BTreeMap<DatabaseObject, BTreeSet<DatabaseObject>>>,
    /// The tables that the foreign keys of each table reference; `None`: the server does not tell.
    pub refers: Option<BTreeMap<DatabaseObject, BTreeSet<DatabaseObject>>>,
    /// Routines, triggers and other objects that no dump holds, by kind.
    pub left_out: Vec<(String, Vec<String>)>,
}

impl Catalogue {
    /// Returns the objects that have to be changed or excluded before a dump without these tables can start: the unfit ones, and
    /// views that read an excluded table, since the loading server refuses them.
    #[must_use]
    pub fn blocking_objects(&self, exclude: &ExcludedTables) -> Vec<DumpFinding> {
        let mut found: Vec<DumpFinding> =
            self.unfit.iter().filter(|finding| !exclude.has(&finding.object)).cloned().collect();
        let mut out = exclude.clone();
        out.0.extend(found.iter().map(|finding| finding.object.table_name()));
        loop {
            let mut more = Vec::new();
            for (view, reads) in self.reads.iter().flatten().filter(|(view, _)| !out.has(view)) {
                if let Some(read) = reads.iter().find(|read| out.has(read)) {
                    let why = format!("a view that reads {read}, which would be left out");
                    more.push(DumpFinding { object: view.clone(), why });
                }
            }
            if more.is_empty() {
                return found;
            }
            out.0.extend(more.iter().map(|finding| finding.object.table_name()));
            found.extend(more);
        }
    }

    /// Returns the foreign keys of a dump without these tables that reference one of them, as text; `None`: the server does not
    /// tell.
    #[must_use]
    pub fn pointing_to(&self, exclude: &ExcludedTables) -> Option<Vec<String>> {
        let tables = self.refers.as_ref()?.iter().filter(|(table, _)| !exclude.has(table));
        let words = tables.flat_map(|(table, others)| {
            others.iter().filter(|other| exclude.has(other)).map(move |other| format!("{table} to {other}"))
        });
        Some(words.collect())
    }

    /// Returns the columns of a dump without these tables whose values are changed.
    pub fn changed<'a>(&'a self, exclude: &'a ExcludedTables) -> impl Iterator<Item = &'a DumpFinding> {
        self.changed.iter().filter(|finding| !exclude.has(&finding.object))
    }

    /// Returns the generated columns of a dump without these tables.
    pub fn computed<'a>(&'a self, exclude: &'a ExcludedTables) -> impl Iterator<Item = &'a DatabaseObject> {
        self.computed.iter().filter(|object| !exclude.has(object))
    }

    /// Returns those of these tables that the server does not list.
    pub fn unknown<'a>(&'a self, exclude: &'a ExcludedTables) -> impl Iterator<Item = &'a String> {
        exclude.0.iter().filter(|name| !self.names.contains(*name))
    }

    /// Returns the number of tables and views in a dump without these tables.
    #[must_use]
    pub fn count(&self, exclude: &ExcludedTables) -> usize {
        self.objects.iter().filter(|object| !exclude.has(object)).count()
    }

    /// Returns the objects of the server that no dump holds, as text: `routines pay.f, pay.g`.
    #[must_use]
    pub fn left_out_words(&self) -> Vec<String> {
        self.left_out.iter().map(|(kind, names)| format!("{kind} {}", abbreviated_list(names))).collect()
    }
}

/// The number of names that are listed; the rest is counted.
const FEW: usize = 5;

/// Returns the first names of a list, and how many more there are.
#[must_use]
pub fn abbreviated_list<T: fmt::Display>(all: &[T]) -> String {
    let shown = all.iter().take(FEW).map(ToString::to_string).collect::<Vec<_>>().join(", ");
    if all.len() > FEW { format!("{shown} and {} more", all.len() - FEW) } else { shown }
}
