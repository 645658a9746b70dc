//! An answer while it is being read: packet by packet, and never more than the bounds.

use std::sync::Arc;

use super::fields::{Fields, Length};
use super::row::{Header, Row};
use super::trouble::{ANSWER, Bound, CELL, COLUMNS, ROWS, Refusal, Trouble};

/// The server has a further answer to the same statement.
const MORE_RESULTS: u64 = 0x8;
/// An end packet is shorter than a value whose length begins with the same byte.
const END_BELOW: usize = 9;
/// What a packet costs beside its payload.
const HEADER: usize = 4;

/// What the next packet has to be.
enum Stage {
    /// The first of an answer: done, or how many columns.
    Begins,
    /// So many columns, these of which are known.
    Columns(usize, Vec<String>),
    /// The end of the columns.
    ColumnsEnd(Vec<String>),
    /// A row, or the end.
    Rows(Arc<Header>),
}

/// An answer of which nothing or a part has come.
pub(super) struct Answer {
    stage: Stage,
    rows: Vec<Row>,
    /// Bytes that may still come.
    left: usize,
    /// Rows that may still come.
    rows_left: usize,
    /// Whether nobody waits for it any more: it is read only to be over.
    forgotten: bool,
}

impl Answer {
    /// An answer of which nothing has come.
    pub(super) fn new() -> Self {
        Self { stage: Stage::Begins, rows: Vec::new(), left: ANSWER, rows_left: ROWS, forgotten: false }
    }

    /// Keeps nothing of it from now on.
    pub(super) fn forget(&mut self) {
        self.forgotten = true;
        self.rows.clear();
    }

    /// Whether a packet may be as long as it is; it is asked while it comes.
    pub(super) fn bounds(&self) -> impl Fn(&[u8], usize) -> Result<(), Trouble> + Send + use<> {
        let left = self.left;
        let columns = if let Stage::Rows(header) = &self.stage { header.columns } else { 0 };
        move |came, to_come| {
            if came.len() + to_come + HEADER > left {
                return Err(Trouble::TooMuch(Bound::Answer));
            }
            cells_fit(came, columns)
        }
    }

    /// Takes the next packet. Some: it was the last one, and these are the rows.
    ///
    /// # Errors
    /// The server's refusal, a packet that is none, or a bound.
    pub(super) fn take(&mut self, packet: Vec<u8>) -> Result<Option<Vec<Row>>, Trouble> {
        self.left = self.left.saturating_sub(packet.len() + HEADER);
        let first = *packet.first().ok_or(Trouble::Malformed("a packet is empty"))?;
        if first == 0xFF {
            return Err(Trouble::Refused(Refusal::read(&packet)));
        }
        let is_end = first == 0xFE && packet.len() < END_BELOW;
        match std::mem::replace(&mut self.stage, Stage::Begins) {
            Stage::Begins | Stage::Rows(_) if is_end => self.end(end_status(&packet)?),
            Stage::Begins if first == 0 => {
                let mut fields = Fields(&packet[1..]);
                // The rows that were changed, and the last number that was given to one.
                fields.length()?;
                fields.length()?;
                self.end(fields.number(2)?)
            }
            Stage::Begins => {
                self.stage = Stage::Columns(columns(&packet)?, Vec::new());
                Ok(None)
            }
            Stage::Columns(count, mut names) => {
                names.push(name(&packet)?);
                self.stage = if names.len() < count { Stage::Columns(count, names) } else { Stage::ColumnsEnd(names) };
                Ok(None)
            }
            Stage::ColumnsEnd(names) if is_end => {
                self.stage = Stage::Rows(Arc::new(Header::new(names)));
                Ok(None)
            }
            Stage::ColumnsEnd(_) => Err(Trouble::Malformed("there is no end of the columns")),
            Stage::Rows(header) => {
                self.row(&header, packet)?;
                self.stage = Stage::Rows(header);
                Ok(None)
            }
        }
    }

    fn row(&mut self, header: &Arc<Header>, packet: Vec<u8>) -> Result<(), Trouble> {
        self.rows_left = self.rows_left.checked_sub(1).ok_or(Trouble::TooMuch(Bound::Rows))?;
        let mut fields = Fields(&packet);
        for _ in 0..header.columns {
            fields.value()?;
        }
        if !fields.0.is_empty() {
            return Err(Trouble::Malformed("a row has more cells than its answer has columns"));
        }
        if !self.forgotten {
            self.rows.push(Row::new(header, packet));
        }
        Ok(())
    }

    fn end(&mut self, status: u64) -> Result<Option<Vec<Row>>, Trouble> {
        if status & MORE_RESULTS != 0 {
            return Err(Trouble::Malformed("another answer follows the one to its question"));
        }
        Ok(Some(std::mem::take(&mut self.rows)))
    }
}

/// The status in an end packet.
fn end_status(packet: &[u8]) -> Result<u64, Trouble> {
    let mut fields = Fields(packet);
    // The marker and the number of warnings.
    fields.take(3)?;
    fields.number(2)
}

fn columns(packet: &[u8]) -> Result<usize, Trouble> {
    match Fields(packet).length()? {
        // The server asks for a file of this host.
        Length::Null => Err(Trouble::Malformed("it asks for a file of this host")),
        Length::Bytes(0) => Err(Trouble::Malformed("an answer has no columns")),
        Length::Bytes(count) => {
            usize::try_from(count).ok().filter(|count| *count <= COLUMNS).ok_or(Trouble::TooMuch(Bound::Columns))
        }
    }
}

/// The name of a column, in upper case.
fn name(packet: &[u8]) -> Result<String, Trouble> {
    let mut fields = Fields(packet);
    // Catalogue, schema, table, and the table's own name.
    for _ in 0..4 {
        fields.value()?;
    }
    Ok(String::from_utf8_lossy(fields.value()?.unwrap_or_default()).to_uppercase())
}

/// Whether no cell of what has come of a row is announced to be too long.
fn cells_fit(row: &[u8], columns: usize) -> Result<(), Trouble> {
    let mut fields = Fields(row);
    for _ in 0..columns {
        match fields.length() {
            Ok(Length::Null) => {}
            Ok(Length::Bytes(length)) if length > CELL as u64 => return Err(Trouble::TooMuch(Bound::Cell)),
            Ok(Length::Bytes(length)) => {
                let Ok(length) = usize::try_from(length) else { break };
                if fields.take(length).is_err() {
                    break;
                }
            }
            // What is not there yet is judged when it is.
            Err(_) => break,
        }
    }
    Ok(())
}
