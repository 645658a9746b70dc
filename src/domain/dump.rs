//! What a dump can carry: judged from the server's catalogue before anything is started, by database, table and column.

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

/// What stands for every table of a database.
pub const ALL: &str = "*";

/// A table, a view, or one column of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DatabaseObject {
    /// The database it is in.
    pub database: String,
    /// The table or view.
    pub table: String,
    /// The column; None: all of it.
    pub column: Option<String>,
}

impl DatabaseObject {
    /// A whole table or view.
    #[must_use]
    pub fn table(database: &str, table: &str) -> Self {
        Self { database: database.to_owned(), table: table.to_owned(), column: None }
    }

    /// A database with all that is in it.
    #[must_use]
    pub fn database(database: &str) -> Self {
        Self::table(database, ALL)
    }

    /// The table as `--exclude-table` names it: `DB.TABLE`.
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

/// Tables and views that a dump leaves out: `DB.TABLE`, or `DB.*` for a database with all that is in it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ExcludedTables(pub BTreeSet<String>);

impl ExcludedTables {
    /// Whether nothing is left out.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a table, or the table of a column, is left out.
    #[must_use]
    pub fn has(&self, object: &DatabaseObject) -> bool {
        self.0.contains(&object.table_name()) || self.has_database(&object.database)
    }

    /// Whether a database is left out whole.
    #[must_use]
    pub fn has_database(&self, database: &str) -> bool {
        self.0.contains(&DatabaseObject::database(database).table_name())
    }

    /// Its words: `DB.TABLE, DB.*`.
    #[must_use]
    pub fn words(&self) -> String {
        self.0.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
    }
}

/// Something a dump treats otherwise than the rest, and why.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct DumpFinding {
    /// What.
    pub object: DatabaseObject,
    /// Why.
    pub why: String,
}

/// `DB.TABLE.COLUMN (why)`.
impl fmt::Display for DumpFinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.object, self.why)
    }
}

/// What a catalogue says of a dump of everything in it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Catalogue {
    /// Every table and view.
    pub objects: BTreeSet<DatabaseObject>,
    /// What may be left out by name: each of them as `DB.TABLE`, each database as `DB.*`.
    pub names: BTreeSet<String>,
    /// What no form of a dump brings back as it is.
    pub unfit: Vec<DumpFinding>,
    /// Columns whose values come back changed.
    pub changed: Vec<DumpFinding>,
    /// Generated columns: not in a dump, computed anew by the server that loads it.
    pub computed: Vec<DatabaseObject>,
    /// Which tables and views each view reads; None: the server does not say.
    pub reads: Option<BTreeMap<DatabaseObject, BTreeSet<DatabaseObject>>>,
    /// Which tables the foreign keys of each table point to; None: the server does not say.
    pub refers: Option<BTreeMap<DatabaseObject, BTreeSet<DatabaseObject>>>,
    /// Routines, triggers and what else no dump holds, by kind.
    pub left_out: Vec<(String, Vec<String>)>,
}

impl Catalogue {
    /// What must be mended or left out before a dump without these tables can start: what is unfit, and views that read what is
    /// left out, since the loading server refuses them.
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

    /// The foreign keys of a dump without these tables that point to one of them, in words; None: the server does not say.
    #[must_use]
    pub fn pointing_to(&self, exclude: &ExcludedTables) -> Option<Vec<String>> {
        let tables = self.refers.as_ref()?.iter().filter(|(table, _)| !exclude.has(table));
        let words = tables.flat_map(|(table, others)| {
            others.iter().filter(|other| exclude.has(other)).map(move |other| format!("{table} to {other}"))
        });
        Some(words.collect())
    }

    /// The columns of a dump without these tables whose values come back changed.
    pub fn changed<'a>(&'a self, exclude: &'a ExcludedTables) -> impl Iterator<Item = &'a DumpFinding> {
        self.changed.iter().filter(|finding| !exclude.has(&finding.object))
    }

    /// The generated columns of a dump without these tables.
    pub fn computed<'a>(&'a self, exclude: &'a ExcludedTables) -> impl Iterator<Item = &'a DatabaseObject> {
        self.computed.iter().filter(|object| !exclude.has(object))
    }

    /// Of these tables those that the server does not list.
    pub fn unknown<'a>(&'a self, exclude: &'a ExcludedTables) -> impl Iterator<Item = &'a String> {
        exclude.0.iter().filter(|name| !self.names.contains(*name))
    }

    /// How many tables and views a dump without these has.
    #[must_use]
    pub fn count(&self, exclude: &ExcludedTables) -> usize {
        self.objects.iter().filter(|object| !exclude.has(object)).count()
    }

    /// What the server has and no dump holds, in words: `routines pay.f, pay.g`.
    #[must_use]
    pub fn left_out_words(&self) -> Vec<String> {
        self.left_out.iter().map(|(kind, names)| format!("{kind} {}", abbreviated_list(names))).collect()
    }
}

/// Names that are listed before the rest is only counted.
const FEW: usize = 5;

/// The first few of a list, and how many more there are.
#[must_use]
pub fn abbreviated_list<T: fmt::Display>(all: &[T]) -> String {
    let shown = all.iter().take(FEW).map(ToString::to_string).collect::<Vec<_>>().join(", ");
    if all.len() > FEW { format!("{shown} and {} more", all.len() - FEW) } else { shown }
}
