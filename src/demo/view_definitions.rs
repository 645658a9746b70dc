//! The definitions of the views of each line, parsed from `assets/demo/views.yaml`, which documents its format.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

use super::server_errors::{error_with_state, internal_error};
use super::server_model::Account;
use super::statement::ServerError;

/// The type of a column, as far as comparing, ordering and printing go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnType {
    /// `bigint` and `int`.
    Signed,
    /// `bigint unsigned`.
    Unsigned,
    /// `decimal`: text as printed, ordered as a number.
    Decimal,
    /// `double`: text as printed, ordered as a number.
    Double,
    /// `varchar`.
    Text,
    /// `longtext`.
    LongText,
    /// `timestamp`.
    Timestamp,
    /// `datetime`.
    DateTime,
    /// `time`.
    Time,
}

/// A column of a view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its name, in upper case.
    pub name: String,
    /// The type as DESC prints it.
    pub sql_type: String,
    /// The type for comparing and printing.
    pub column_type: ColumnType,
    /// Whether the documentation lets it be NULL.
    pub nullable: bool,
}

/// A view of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// Its columns, in the documented order.
    pub columns: Vec<Column>,
    /// Whether user tenants see it too.
    pub visible_to_tenants: bool,
}

impl View {
    /// Finds the column of that name, ignoring case, and its index.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<(usize, &Column)> {
        self.columns.iter().enumerate().find(|(_, column)| column.name.eq_ignore_ascii_case(name))
    }
}

/// Finds a view of a line for this account.
///
/// # Errors
/// Returns 1146 if the line has no such view, 1142 if it is for sys only, 1105 for an unknown line.
pub fn visible_view(line: &str, name: &str, account: &Account) -> Result<&'static View, ServerError> {
    let views = views_of(line)?;
    let full = if name.contains('.') { name.to_lowercase() } else { format!("oceanbase.{}", name.to_lowercase()) };
    let view =
        views.get(name).ok_or_else(|| error_with_state(1146, "42S02", format!("Table '{full}' doesn't exist")))?;
    if account.tenant_id != 1 && !view.visible_to_tenants {
        let message = format!("SELECT command denied to user '{}'@'%' for table '{name}'", account.user);
        return Err(error_with_state(1142, "42000", message));
    }
    Ok(view)
}

/// Returns every view of a line by name.
///
/// # Errors
/// 1105 for an unknown line.
pub fn views_of(line: &str) -> Result<&'static BTreeMap<String, View>, ServerError> {
    static LINES: LazyLock<Result<Lines, String>> =
        LazyLock::new(|| parse_views(include_str!("../../assets/demo/views.yaml")));
    let lines = LINES.as_ref().map_err(internal_error)?;
    lines.get(line).ok_or_else(|| internal_error(format!("no views for the line '{line}'")))
}

type Lines = BTreeMap<String, BTreeMap<String, View>>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ViewsFile {
    lines: BTreeMap<String, LineEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LineEntry {
    extends: Option<String>,
    #[serde(default)]
    without: Vec<String>,
    #[serde(default)]
    views: BTreeMap<String, ViewEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ViewEntry {
    cdb: Option<bool>,
    dba_keeps_tenant_id: Option<bool>,
    scope: Option<Scope>,
    columns: Option<Vec<String>>,
    #[serde(default)]
    add: Vec<String>,
    #[serde(default)]
    drop: Vec<String>,
    #[serde(default)]
    retype: Vec<String>,
}

#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
enum Scope {
    Sys,
    Tenant,
}

/// A view as the file defines it, with inherited columns, before its CDB_ and DBA_ forms are made.
#[derive(Clone)]
struct Definition {
    cdb: bool,
    dba_keeps_tenant_id: bool,
    scope: Scope,
    columns: Vec<Column>,
}

fn parse_views(yaml: &str) -> Result<Lines, String> {
    let file: ViewsFile = serde_yaml::from_str(yaml).map_err(|error| format!("views.yaml: {error}"))?;
    file.lines
        .keys()
        .map(|line| {
            let definitions = definitions(&file, line, file.lines.len())?;
            Ok((
                line.clone(),
                definitions.into_iter().flat_map(|(name, view)| views_of_definition(name, view)).collect(),
            ))
        })
        .collect()
}

/// Returns the definitions of a line; `depth` is how many more lines it may extend, so that a cycle ends.
fn definitions(file: &ViewsFile, line: &str, depth: usize) -> Result<BTreeMap<String, Definition>, String> {
    let entry = file.lines.get(line).ok_or_else(|| format!("views.yaml: no line '{line}'"))?;
    let mut views = match &entry.extends {
        Some(_) if depth == 0 => return Err(format!("views.yaml: '{line}' extends itself")),
        Some(base) => definitions(file, base, depth - 1)?,
        None => BTreeMap::new(),
    };
    for name in &entry.without {
        views.remove(name).ok_or_else(|| format!("views.yaml: {line} without {name}: it was not there"))?;
    }
    for (name, view) in &entry.views {
        let inherited = views.remove(name);
        let defined =
            derive_definition(inherited, view).map_err(|error| format!("views.yaml: {line}, {name}: {error}"))?;
        views.insert(name.clone(), defined);
    }
    Ok(views)
}

fn derive_definition(inherited: Option<Definition>, entry: &ViewEntry) -> Result<Definition, String> {
    let mut view = inherited.unwrap_or(Definition {
        cdb: false,
        dba_keeps_tenant_id: false,
        scope: Scope::Sys,
        columns: Vec::new(),
    });
    view.cdb = entry.cdb.unwrap_or(view.cdb);
    view.dba_keeps_tenant_id = entry.dba_keeps_tenant_id.unwrap_or(view.dba_keeps_tenant_id);
    view.scope = entry.scope.unwrap_or(view.scope);
    if let Some(columns) = &entry.columns {
        view.columns = columns.iter().map(|text| parse_column(text)).collect::<Result<_, _>>()?;
    }
    for name in &entry.drop {
        let index = view.columns.iter().position(|column| column.name == *name);
        view.columns.remove(index.ok_or_else(|| format!("no column {name} to drop"))?);
    }
    for text in &entry.retype {
        let changed = parse_column(text)?;
        let index = view.columns.iter().position(|column| column.name == changed.name);
        let index = index.ok_or_else(|| format!("no column {} to retype", changed.name))?;
        view.columns[index] = changed;
    }
    for text in &entry.add {
        view.columns.push(parse_column(text)?);
    }
    let mut names: Vec<&str> = view.columns.iter().map(|column| column.name.as_str()).collect();
    names.sort_unstable();
    if names.is_empty() || names.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err("no columns, or one of them twice".to_owned());
    }
    Ok(view)
}

/// Parses a column `NAME type[?]`.
fn parse_column(text: &str) -> Result<Column, String> {
    let (name, declared) = text.split_once(' ').ok_or_else(|| format!("'{text}' is not `NAME type`"))?;
    let (sql_type, nullable) = declared.strip_suffix('?').map_or((declared, false), |sql_type| (sql_type, true));
    let word = sql_type.split_once('(').map_or(sql_type, |(word, _)| word);
    let column_type = match word {
        "bigint" | "int" if sql_type.ends_with("unsigned") => ColumnType::Unsigned,
        "bigint" | "int" | "tinyint" => ColumnType::Signed,
        "decimal" => ColumnType::Decimal,
        "double" => ColumnType::Double,
        "varchar" => ColumnType::Text,
        "longtext" => ColumnType::LongText,
        "timestamp" => ColumnType::Timestamp,
        "datetime" => ColumnType::DateTime,
        "time" => ColumnType::Time,
        _ => return Err(format!("unknown type '{sql_type}'")),
    };
    Ok(Column { name: name.to_owned(), sql_type: sql_type.to_owned(), column_type, nullable })
}

/// Returns the views of a definition.
fn views_of_definition(name: String, definition: Definition) -> Vec<(String, View)> {
    if !definition.cdb {
        return vec![(
            name,
            View { columns: definition.columns, visible_to_tenants: definition.scope == Scope::Tenant },
        )];
    }
    let mut own = definition.columns.clone();
    if !definition.dba_keeps_tenant_id {
        own.retain(|column| column.name != "TENANT_ID");
    }
    vec![
        (format!("CDB_{name}"), View { columns: definition.columns, visible_to_tenants: false }),
        (format!("DBA_{name}"), View { columns: own, visible_to_tenants: true }),
    ]
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops where its setup fails")]

    use super::*;

    const BASE: &str = "lines:\n  a:\n    views:\n      OB_X:\n        cdb: true\n        columns: [TENANT_ID bigint(20), N bigint(20) unsigned?]\n      Y:\n        columns: [A varchar(1)]\n";

    fn names(view: &View) -> Vec<&str> {
        view.columns.iter().map(|column| column.name.as_str()).collect()
    }

    #[test]
    fn a_cdb_view_makes_a_dba_view_without_tenant_id() {
        let lines = parse_views(BASE).unwrap();
        let views = &lines["a"];
        assert_eq!(names(&views["CDB_OB_X"]), ["TENANT_ID", "N"]);
        assert_eq!(names(&views["DBA_OB_X"]), ["N"]);
        assert!(
            !views["CDB_OB_X"].visible_to_tenants
                && views["DBA_OB_X"].visible_to_tenants
                && !views["Y"].visible_to_tenants
        );
        let column = &views["DBA_OB_X"].columns[0];
        assert_eq!(
            (column.sql_type.as_str(), column.column_type, column.nullable),
            ("bigint(20) unsigned", ColumnType::Unsigned, true)
        );
    }

    #[test]
    fn a_line_lists_only_its_differences() {
        let yaml = format!(
            "{BASE}  b:\n    extends: a\n    without: [Y]\n    views:\n      OB_X: {{drop: [N], add: [M longtext]}}\n"
        );
        let lines = parse_views(&yaml).unwrap();
        assert_eq!(lines["b"].keys().collect::<Vec<_>>(), ["CDB_OB_X", "DBA_OB_X"]);
        assert_eq!(names(&lines["b"]["CDB_OB_X"]), ["TENANT_ID", "M"]);
        assert_eq!(names(&lines["a"]["CDB_OB_X"]), ["TENANT_ID", "N"], "the base keeps its own");
    }

    #[test]
    fn mistakes_in_the_file_are_named() {
        for (addition, says) in [
            ("  b:\n    extends: c\n", "no line 'c'"),
            ("  b:\n    extends: b\n", "extends itself"),
            ("  b:\n    extends: a\n    without: [Z]\n", "without Z"),
            ("  b:\n    extends: a\n    views: {Y: {drop: [B]}}\n", "no column B"),
            ("  b:\n    extends: a\n    views: {Y: {retype: [B int]}}\n", "no column B to retype"),
            ("  b:\n    views: {Z: {columns: [A float]}}\n", "unknown type"),
            ("  b:\n    views: {Z: {columns: [A int, A int]}}\n", "twice"),
            ("  b:\n    views: {Z: {colums: [A int]}}\n", "unknown field"),
        ] {
            let error = parse_views(&format!("{BASE}{addition}")).unwrap_err();
            assert!(error.contains(says), "{error}");
        }
    }
}
