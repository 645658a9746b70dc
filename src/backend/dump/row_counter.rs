//! Counts the rows of a data file as a stream and checks that it is complete: every statement ends, and every row has a value
//! for each column that its statement names.

/// Why a data file is incomplete or wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RowFileError {
    /// It ends inside a statement.
    #[error("it ends inside a statement")]
    Truncated,
    /// A byte at a position where no dump writes it.
    #[error("byte {0} is not where a dump would write it")]
    UnexpectedByte(u64),
    /// A row with another number of values than columns.
    #[error("row {0} has another number of values than its statement has columns")]
    WrongValueCount(u64),
    /// Rows of another table, or with columns that the table does not have.
    #[error("its rows are not of the table as its schema file has it")]
    WrongTable,
}

/// What a complete data file contains.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RowFileSummary {
    /// Number of rows.
    pub rows: u64,
    /// Length of its longest statement in bytes, as the loader sends it.
    pub longest_statement: u64,
    /// The table and the columns that its statements name; `None` in a file without rows.
    pub table_and_columns: Option<(String, Vec<String>)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ParseState {
    /// Between statements.
    BetweenStatements,
    /// In the head of a statement, up to its `VALUES` or `;`.
    Head,
    /// A quoted name in a head.
    Name,
    /// Before a row's `(`.
    BeforeRow,
    /// After a row's `)`.
    AfterRow,
    /// In a row, outside quotes.
    Row,
    /// In a row, inside double quotes.
    Text,
    /// In a row, after a backslash inside double quotes.
    Escaped,
}

/// The longest head of a statement, in bytes: a table's name and up to 4096 column names of 64 characters.
const MAX_HEAD_BYTES: usize = 1 << 20;

/// Counts the rows of a file that is passed in chunks of any size.
#[derive(Debug)]
pub struct RowCounter {
    at: ParseState,
    head: Vec<u8>,
    columns: usize,
    commas: usize,
    depth: u32,
    byte: u64,
    /// Byte offset at which the current statement began.
    began: u64,
    counted: RowFileSummary,
}

impl Default for RowCounter {
    fn default() -> Self {
        Self {
            at: ParseState::BetweenStatements,
            head: Vec::new(),
            columns: 0,
            commas: 0,
            depth: 0,
            byte: 0,
            began: 0,
            counted: RowFileSummary::default(),
        }
    }
}

impl RowCounter {
    /// Reads the next chunk.
    ///
    /// # Errors
    /// The file is not one that a dump writes.
    pub fn feed(&mut self, piece: &[u8]) -> Result<(), RowFileError> {
        for byte in piece {
            self.accept(*byte)?;
            self.byte += 1;
        }
        Ok(())
    }

    /// Ends the file and returns its summary.
    ///
    /// # Errors
    /// It ends inside a statement.
    pub fn finish(self) -> Result<RowFileSummary, RowFileError> {
        if self.at == ParseState::BetweenStatements { Ok(self.counted) } else { Err(RowFileError::Truncated) }
    }

    #[inline]
    fn accept(&mut self, byte: u8) -> Result<(), RowFileError> {
        match (self.at, byte) {
            (ParseState::Text, b'\\') => self.at = ParseState::Escaped,
            (ParseState::Text, b'"') => self.at = ParseState::Row,
            (ParseState::Escaped, _) | (ParseState::Row, b'"') => self.at = ParseState::Text,
            (ParseState::Row, b',') if self.depth == 1 => self.commas += 1,
            (ParseState::Row, b'(') => self.depth += 1,
            (ParseState::Row, b')') => {
                self.depth -= 1;
                if self.depth == 0 {
                    self.end_row()?;
                }
            }
            (ParseState::Row, b';' | b'\n') => return Err(self.unexpected()),
            (ParseState::BeforeRow, b'(') => (self.at, self.depth, self.commas) = (ParseState::Row, 1, 0),
            (ParseState::AfterRow, b',') => self.at = ParseState::BeforeRow,
            (ParseState::AfterRow, b';') => {
                self.counted.longest_statement = self.counted.longest_statement.max(self.byte + 1 - self.began);
                self.at = ParseState::BetweenStatements;
            }
            (ParseState::BetweenStatements | ParseState::BeforeRow, b'\n' | b'\r' | b' ')
            | (ParseState::Text | ParseState::Row, _) => {}
            (ParseState::BetweenStatements, _) => {
                self.at = ParseState::Head;
                self.began = self.byte;
                self.head.clear();
                self.head.push(byte);
            }
            (ParseState::Head | ParseState::Name, _) => self.accept_head(byte)?,
            (ParseState::BeforeRow | ParseState::AfterRow, _) => return Err(self.unexpected()),
        }
        Ok(())
    }

    fn accept_head(&mut self, byte: u8) -> Result<(), RowFileError> {
        if self.head.len() >= MAX_HEAD_BYTES {
            return Err(self.unexpected());
        }
        self.head.push(byte);
        match (self.at, byte) {
            (ParseState::Head, b'`') => self.at = ParseState::Name,
            (ParseState::Name, b'`') => self.at = ParseState::Head,
            (ParseState::Head, b';') => {
                // Settings of the session; rows come only with VALUES.
                if !(self.head.starts_with(b"/*!") || self.head.starts_with(b"SET ")) {
                    return Err(self.unexpected());
                }
                self.at = ParseState::BetweenStatements;
            }
            (ParseState::Head, b'S') if self.head.ends_with(b") VALUES") => {
                let into = head(&self.head).ok_or_else(|| self.unexpected())?;
                self.columns = into.1.len();
                if self.counted.table_and_columns.get_or_insert_with(|| into.clone()) != &into {
                    return Err(RowFileError::WrongTable);
                }
                self.at = ParseState::BeforeRow;
            }
            _ => {}
        }
        Ok(())
    }

    fn end_row(&mut self) -> Result<(), RowFileError> {
        self.counted.rows += 1;
        if self.commas + 1 != self.columns {
            return Err(RowFileError::WrongValueCount(self.counted.rows));
        }
        self.at = ParseState::AfterRow;
        Ok(())
    }

    fn unexpected(&self) -> RowFileError {
        RowFileError::UnexpectedByte(self.byte)
    }
}

/// Parses the table and the columns of ``INSERT INTO `t` (`a`,`b`) VALUES``.
fn head(text: &[u8]) -> Option<(String, Vec<String>)> {
    let text = String::from_utf8_lossy(text);
    let names = text.strip_prefix("INSERT INTO `")?.strip_suffix("`) VALUES")?;
    let (table, columns) = names.split_once("` (`")?;
    Some((table.to_owned(), columns.split("`,`").map(str::to_owned).collect()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FILE: &str = "/*!40101 SET NAMES binary*/;\n/*!40103 SET TIME_ZONE='+00:00' */;\nINSERT INTO `t` (`a`,`b;`,`c`) VALUES\n\
        (1,\"x),\\\"(;\\\\\",NULL),\n(-2.5,\"\",CONVERT(\"{\\\"a\\\": [1,2]}\" USING UTF8MB4));\n\
        INSERT INTO `t` (`a`,`b;`,`c`) VALUES\n(3,\"\\n\n\",NULL);\n";

    fn count(text: &[u8]) -> Result<RowFileSummary, RowFileError> {
        let mut counter = RowCounter::default();
        counter.feed(text)?;
        counter.finish()
    }

    #[test]
    fn rows_are_counted() {
        let counted = count(FILE.as_bytes()).unwrap();
        assert_eq!(counted.rows, 3);
        let longest = FILE.split(";\n").nth(2).unwrap();
        assert!(longest.starts_with("INSERT INTO") && FILE.contains(&format!("{longest};\n")));
        assert_eq!(counted.longest_statement, longest.len() as u64 + 1);
        assert_eq!(counted.table_and_columns, Some(("t".into(), vec!["a".into(), "b;".into(), "c".into()])));
        assert_eq!(count(b"").unwrap(), RowFileSummary::default());
    }

    #[test]
    fn truncated_file_is_detected() {
        for end in 0..FILE.len() {
            let text = &FILE.as_bytes()[..end];
            let between = end == 0 || text.trim_ascii_end().ends_with(b";") && count(text).is_ok();
            assert_eq!(count(text).is_ok(), between, "cut at {end}");
            if let Ok(counted) = count(text) {
                assert!(matches!(counted.rows, 0 | 2 | 3), "cut at {end}: {}", counted.rows);
            }
        }
    }

    #[test]
    fn wrong_values_and_tables_are_detected() {
        assert_eq!(count(b"INSERT INTO `t` (`a`,`b`) VALUES\n(1,2),\n(3);\n"), Err(RowFileError::WrongValueCount(2)));
        let two = b"INSERT INTO `t` (`a`) VALUES\n(1);\nINSERT INTO `u` (`a`) VALUES\n(1);\n";
        assert_eq!(count(two), Err(RowFileError::WrongTable));
        assert!(matches!(count(b"DROP TABLE `t`;\n"), Err(RowFileError::UnexpectedByte(_))));
    }

    proptest! {
        #[test]
        fn any_bytes_in_quotes_are_one_value(values in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..20), 1..20),
                                             piece in 1_usize..9) {
            let mut file = b"INSERT INTO `t` (`a`,`b`) VALUES".to_vec();
            for (i, value) in values.iter().enumerate() {
                file.extend_from_slice(if i == 0 { b"\n(1,\"" } else { b",\n(1,\"" });
                for byte in value {
                    if matches!(byte, b'"' | b'\\') {
                        file.push(b'\\');
                    }
                    file.push(*byte);
                }
                file.extend_from_slice(b"\")");
            }
            file.extend_from_slice(b";\n");
            let mut counter = RowCounter::default();
            for part in file.chunks(piece) {
                counter.feed(part).unwrap();
            }
            prop_assert_eq!(counter.finish().unwrap().rows, values.len() as u64);
        }
    }
}
