//! Finds the objects that no dump holds, or that prevent one, in the rows of a catalogue.

use std::collections::{BTreeMap, BTreeSet};

use super::column::RoundTrip;
use super::{Catalogue, Column, DatabaseObject, DumpFinding};

/// The server's own databases, which are never dumped. Compared ignoring case.
pub const SYSTEM_DATABASES: [&str; 5] = ["oceanbase", "mysql", "information_schema", "performance_schema", "sys"];

/// Returns whether a database is the server's own.
#[must_use]
pub fn is_system(database: &str) -> bool {
    SYSTEM_DATABASES.iter().any(|system| system.eq_ignore_ascii_case(database))
}

/// The rows that were read of a catalogue; rows of the server's own databases may be among them.
#[derive(Debug, Clone, Default)]
pub struct CatalogueListing {
    /// The databases.
    pub databases: Vec<String>,
    /// The tables and views: database, name, `BASE TABLE` or `VIEW`.
    pub tables: Vec<(String, String, String)>,
    /// The columns of other types than [`super::PLAIN_TYPES`], and those that are generated, invisible or unusually named.
    pub columns: Vec<Column>,
    /// The views whose columns the server cannot list: database, view.
    pub broken_views: Vec<(String, String)>,
    /// The views that call a routine: database, view, routine.
    pub calling_views: Vec<(String, String, String)>,
    /// The table or view that a view reads: database, view, database, table; `None`: the server does not tell.
    pub reads: Option<Vec<[String; 4]>>,
    /// The table that a foreign key references: database, table, database, table; `None`: the server does not tell.
    pub refers: Option<Vec<[String; 4]>>,
    /// The columns of unique keys: database, table, column.
    pub unique: Vec<(String, String, String)>,
    /// The tables whose file would overwrite another's: database, table.
    pub same_file: Vec<(String, String)>,
    /// The objects that no dump holds, by kind.
    pub left_out: Vec<(String, Vec<String>)>,
}

/// Returns the findings about these rows.
#[must_use]
pub fn assess_catalogue(listing: CatalogueListing) -> Catalogue {
    let mut found = Catalogue { left_out: listing.left_out, ..Catalogue::default() };
    let mut views = BTreeSet::new();
    for database in listing.databases.iter().filter(|database| !is_system(database)) {
        let object = DatabaseObject::database(database);
        found.names.insert(object.table_name());
        if let Some(why) = unusual_database_name(database) {
            found.unfit.push(DumpFinding { object, why: why.to_owned() });
        }
    }
    for (database, name, kind) in listing.tables.iter().filter(|(database, ..)| !is_system(database)) {
        let object = DatabaseObject::table(database, name);
        found.names.insert(object.table_name());
        found.objects.insert(object.clone());
        // An unusual name of a database is reported once, for the database.
        if unusual_database_name(database).is_none()
            && let Some(why) = unusual_table_name(name, kind)
        {
            found.unfit.push(DumpFinding { object: object.clone(), why });
        }
        if kind == "VIEW" {
            views.insert(object);
        }
    }
    for (database, name) in &listing.same_file {
        let why = "its file would overwrite another table's".to_owned();
        found.unfit.push(DumpFinding { object: DatabaseObject::table(database, name), why });
    }
    for (database, name) in &listing.broken_views {
        let why = "a broken view: what it reads is gone, or may not be read".to_owned();
        found.unfit.push(DumpFinding { object: DatabaseObject::table(database, name), why });
    }
    for (database, name, routine) in &listing.calling_views {
        let why = format!("a view that calls the routine {routine}, which no dump holds");
        found.unfit.push(DumpFinding { object: DatabaseObject::table(database, name), why });
    }
    columns(&listing.columns, &listing.unique, &views, &mut found);
    found.reads = listing.reads.as_deref().map(by_first);
    found.refers = listing.refers.as_deref().map(by_first);
    found.unfit.sort();
    found.unfit.dedup_by(|a, b| a.object == b.object);
    found
}

/// Groups pairs of tables and views by the first of each pair.
fn by_first(pairs: &[[String; 4]]) -> BTreeMap<DatabaseObject, BTreeSet<DatabaseObject>> {
    let mut all: BTreeMap<DatabaseObject, BTreeSet<DatabaseObject>> = BTreeMap::new();
    for [database, name, of, other] in pairs {
        all.entry(DatabaseObject::table(database, name)).or_default().insert(DatabaseObject::table(of, other));
    }
    all
}

/// Returns why nothing of a database of that name can be dumped. The dump uses the character set `binary`, in which the server
/// takes a name for latin1 and finds nothing; its files are named after the database, and the loader ends that name at the first
/// dot.
fn unusual_database_name(name: &str) -> Option<&'static str> {
    unusual_name(name).or_else(|| name.contains('.').then_some("a database's name with a dot, where myloader ends it"))
}

/// Returns why a table or view of that name and kind cannot be dumped.
fn unusual_table_name(name: &str, kind: &str) -> Option<String> {
    if !matches!(kind, "BASE TABLE" | "VIEW") {
        return Some(format!("a {kind}, which no release of mydumper was tried with"));
    }
    unusual_name(name).map(str::to_owned)
}

fn unusual_name(name: &str) -> Option<&'static str> {
    if !name.is_ascii() {
        return Some("a name outside ASCII, under which mydumper finds nothing");
    }
    let odd = name.chars().any(|c| c.is_ascii_control() || matches!(c, '/' | '`'));
    odd.then_some("a name with a slash, a backquote or a control character, which makes no file")
}

fn columns(
    all: &[Column],
    unique: &[(String, String, String)],
    views: &BTreeSet<DatabaseObject>,
    found: &mut Catalogue,
) {
    let own = |column: &&Column| !is_system(&column.database);
    let with_generated: BTreeSet<DatabaseObject> = all
        .iter()
        .filter(own)
        .filter(|column| column.is_generated())
        .map(|column| DatabaseObject::table(&column.database, &column.table))
        .collect();
    for column in all.iter().filter(own) {
        let table = DatabaseObject::table(&column.database, &column.table);
        let object = DatabaseObject { column: Some(column.name.clone()), ..table.clone() };
        let mut unfit = |why: String| found.unfit.push(DumpFinding { object: object.clone(), why });
        if column.name.contains('`') {
            unfit("a backquote in its name, which mydumper does not double".to_owned());
            continue;
        }
        if views.contains(&table) {
            continue;
        }
        if column.is_invisible() && column.is_generated() {
            unfit("INVISIBLE and generated: the server writes a definition that it does not take back".to_owned());
            continue;
        }
        // mydumper lists the columns only for a table with generated columns.
        if column.is_invisible() && !with_generated.contains(&table) {
            unfit("INVISIBLE: mydumper leaves its values out".to_owned());
            continue;
        }
        if let Some(why) = column.broken_words() {
            unfit(format!("{}: {why}", column.data_type));
        }
        if column.is_generated() {
            found.computed.push(object);
            continue;
        }
        match column.round_trip() {
            RoundTrip::Exact => {}
            RoundTrip::Untried => unfit(format!("{}, a type that no dump was tried with", column.data_type)),
            RoundTrip::Lost(how) => unfit(format!("{}: {how}", column.data_type)),
            RoundTrip::Rounded(how) => {
                let key = (&column.database, &column.table, &column.name);
                if unique.iter().any(|(database, table, name)| (database, table, name) == key) {
                    unfit(format!("{} in a unique key, {how}: two values may become one", column.data_type));
                } else {
                    found.changed.push(DumpFinding { object, why: format!("{}, {how}", column.data_type) });
                }
            }
        }
    }
}
