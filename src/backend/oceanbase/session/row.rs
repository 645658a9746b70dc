//! Rows of a result: one header for all, and the cells of each row as the server sent them.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::packet_reader::PacketReader;

/// The columns of a result, by name in upper case.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct RowHeader {
    /// Position of each column; of two with one name, the last.
    places: BTreeMap<String, usize>,
    /// Number of columns.
    pub(super) columns: usize,
    /// Added columns that the result does not have, with the value for every row.
    constants: Vec<(&'static str, String)>,
}

impl RowHeader {
    pub(super) fn new(names: Vec<String>) -> Self {
        let columns = names.len();
        Self { places: names.into_iter().zip(0..).collect(), columns, constants: Vec::new() }
    }
}

/// A row of a result.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Row {
    header: Arc<RowHeader>,
    /// The cells, each after its length.
    cells: Box<[u8]>,
}

impl Row {
    /// Returns a row with this header. The caller has checked that `cells` has a cell for each column.
    pub(super) fn new(header: &Arc<RowHeader>, cells: Vec<u8>) -> Self {
        Self { header: Arc::clone(header), cells: cells.into_boxed_slice() }
    }

    /// Returns whether there is a column of this name, in upper case.
    #[must_use]
    pub fn has(&self, column: &str) -> bool {
        self.header.places.contains_key(column) || self.constant(column).is_some()
    }

    /// Returns the value of a column by its name in upper case; `None` for NULL or a missing column.
    #[must_use]
    pub fn get(&self, column: &str) -> Option<Cow<'_, str>> {
        self.constant(column).map(Cow::Borrowed).or_else(|| self.cell(*self.header.places.get(column)?))
    }

    /// Returns the value of the first column; `None` for NULL.
    #[must_use]
    pub fn first(&self) -> Option<Cow<'_, str>> {
        self.cell(0)
    }

    fn constant(&self, column: &str) -> Option<&str> {
        self.header.constants.iter().find(|(name, _)| *name == column).map(|(_, value)| value.as_str())
    }

    fn cell(&self, place: usize) -> Option<Cow<'_, str>> {
        let mut fields = PacketReader(&self.cells);
        for _ in 0..place {
            fields.value().ok()?;
        }
        fields.value().ok()?.map(String::from_utf8_lossy)
    }
}

/// Returns the rows with an added column that has this value in every row.
#[must_use]
pub fn with_column(mut rows: Vec<Row>, column: &'static str, value: &str) -> Vec<Row> {
    let Some(first) = rows.first() else { return rows };
    let mut header = RowHeader::clone(&first.header);
    header.constants.push((column, value.to_owned()));
    let header = Arc::new(header);
    for row in &mut rows {
        row.header = Arc::clone(&header);
    }
    rows
}

/// Returns the text of a column; empty for NULL and for a missing column.
#[must_use]
pub fn text(row: &Row, column: &str) -> String {
    row.get(column).map(Cow::into_owned).unwrap_or_default()
}

/// Returns the text of a column; `None` for NULL, a missing column or an empty text.
#[must_use]
pub fn some_text(row: &Row, column: &str) -> Option<String> {
    row.get(column).filter(|text| !text.is_empty()).map(Cow::into_owned)
}

/// Returns the whole number of a column; `None` for NULL, a missing column or garbage.
#[must_use]
pub fn number(row: &Row, column: &str) -> Option<u64> {
    row.get(column)?.trim().parse().ok()
}

#[cfg(test)]
impl Row {
    /// Returns the names of its columns.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.header.places.keys().map(String::as_str)
    }

    /// Returns the row with another value in a column.
    #[must_use]
    pub fn with_cell(&self, column: &str, value: Option<&str>) -> Self {
        let cell = |name: &str| {
            if name == column { value.map(str::to_owned) } else { self.get(name).map(Cow::into_owned) }
        };
        self.names().map(|name| (name.to_owned(), cell(name))).collect()
    }
}

/// Builds a row from cells, for tests.
#[cfg(test)]
impl FromIterator<(String, Option<String>)> for Row {
    fn from_iter<T: IntoIterator<Item = (String, Option<String>)>>(cells: T) -> Self {
        let mut names = Vec::new();
        let mut bytes = Vec::new();
        for (name, value) in cells {
            names.push(name);
            match value {
                None => bytes.push(0xFB),
                Some(value) => {
                    bytes.push(0xFE);
                    bytes.extend_from_slice(&(value.len() as u64).to_le_bytes());
                    bytes.extend_from_slice(value.as_bytes());
                }
            }
        }
        Self::new(&Arc::new(RowHeader::new(names)), bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(cells: &[(&str, Option<&str>)]) -> Row {
        cells.iter().map(|(name, value)| ((*name).to_owned(), value.map(str::to_owned))).collect()
    }

    #[test]
    fn a_value_is_found_by_its_column_and_null_is_none() {
        let row = row(&[("A", Some("1")), ("B", None), ("C", Some("")), ("A", Some(" 2 "))]);
        assert_eq!((number(&row, "A"), row.first().as_deref()), (Some(2), Some("1")), "of two with one name, the last");
        assert_eq!((text(&row, "B"), some_text(&row, "B"), row.has("B")), (String::new(), None, true));
        assert_eq!((some_text(&row, "C"), row.get("C").as_deref()), (None, Some("")));
        assert_eq!((text(&row, "D"), number(&row, "D"), row.has("D")), (String::new(), None, false));
        assert_eq!(Row::default().first(), None);
    }

    #[test]
    fn added_column_is_in_every_row() {
        let rows = with_column(vec![row(&[("A", Some("1"))]); 2], "TENANT_ID", "1002");
        for row in &rows {
            assert_eq!((number(row, "TENANT_ID"), number(row, "A"), row.has("TENANT_ID")), (Some(1002), Some(1), true));
        }
        assert!(with_column(Vec::new(), "TENANT_ID", "1002").is_empty());
    }
}
