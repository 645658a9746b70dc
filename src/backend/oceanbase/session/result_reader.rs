//! Reads the results of a text packet by packet, within the limits.

use std::sync::Arc;

use super::client_error::{
    ClientError, ErrorPacket, MAX_CELL_BYTES, MAX_COLUMNS, MAX_RESULT_BYTES, MAX_ROWS, ReadLimit,
};
use super::packet_reader::{Length, PacketReader};
use super::row::{Row, RowHeader};

/// Status flag: another result of the same text follows.
const MORE_RESULTS: u64 = 0x8;
/// An end packet is shorter than this; a value whose length begins with the same byte is longer.
const END_BELOW: usize = 9;
/// Header of a packet, in bytes.
const PACKET_HEADER: usize = 4;

/// What the next packet must be.
enum Stage {
    /// The first packet of a result: OK, or the number of columns.
    Start,
    /// Column definitions: the number of columns, and the names read so far.
    Columns(usize, Vec<String>),
    /// The end of the columns.
    ColumnsEnd(Vec<String>),
    /// A row, or the end.
    Rows(Arc<RowHeader>),
}

/// The results of one text while they are read. The limits apply to each of them and to all together.
pub(super) struct ResultReader {
    stage: Stage,
    rows: Vec<Row>,
    /// Bytes that may still come.
    left: usize,
    /// Rows that may still come.
    rows_left: usize,
    /// Results that may still follow the current one.
    following: usize,
    /// Whether the text has several statements.
    several: bool,
    /// Whether the results are discarded: they are only read to their end.
    forgotten: bool,
}

/// A result that was read to its end.
pub(super) struct CompleteResult {
    /// Its rows.
    pub(super) rows: Vec<Row>,
    /// Whether it is the last result of the text.
    pub(super) last: bool,
}

impl ResultReader {
    /// Returns the reader for a text of this many statements.
    pub(super) fn to(statements: usize) -> Self {
        Self {
            stage: Stage::Start,
            rows: Vec::new(),
            left: MAX_RESULT_BYTES,
            rows_left: MAX_ROWS,
            following: statements.saturating_sub(1),
            several: statements > 1,
            forgotten: false,
        }
    }

    /// Discards the rows from now on.
    pub(super) fn discard(&mut self) {
        self.forgotten = true;
        self.rows.clear();
    }

    /// Returns the check of a packet's length while it arrives.
    pub(super) fn bounds(&self) -> impl Fn(&[u8], usize) -> Result<(), ClientError> + Send + use<> {
        let left = self.left;
        let columns = if let Stage::Rows(header) = &self.stage { header.columns } else { 0 };
        move |came, to_come| {
            if came.len() + to_come + PACKET_HEADER > left {
                return Err(ClientError::LimitExceeded(ReadLimit::Answer));
            }
            check_cell_lengths(came, columns)
        }
    }

    /// Accepts the next packet; returns the result where it was its last packet.
    ///
    /// # Errors
    /// The server's error, a malformed packet, or a limit.
    pub(super) fn take(&mut self, packet: Vec<u8>) -> Result<Option<CompleteResult>, ClientError> {
        self.left = self.left.saturating_sub(packet.len() + PACKET_HEADER);
        let first = *packet.first().ok_or(ClientError::Malformed("a packet is empty"))?;
        if first == 0xFF {
            return Err(ClientError::Refused(ErrorPacket::read(&packet)));
        }
        let is_end = first == 0xFE && packet.len() < END_BELOW;
        match std::mem::replace(&mut self.stage, Stage::Start) {
            // Only queries are sent together, and every query has columns.
            Stage::Start if self.several && (first == 0 || is_end) => {
                Err(ClientError::Malformed("one of several questions is answered without columns"))
            }
            Stage::Start | Stage::Rows(_) if is_end => self.end_result(end_status(&packet)?),
            Stage::Start if first == 0 => {
                let mut fields = PacketReader(&packet[1..]);
                // Affected rows and last insert id.
                fields.length()?;
                fields.length()?;
                self.end_result(fields.number(2)?)
            }
            Stage::Start => {
                self.stage = Stage::Columns(columns(&packet)?, Vec::new());
                Ok(None)
            }
            Stage::Columns(count, mut names) => {
                names.push(name(&packet)?);
                self.stage = if names.len() < count { Stage::Columns(count, names) } else { Stage::ColumnsEnd(names) };
                Ok(None)
            }
            Stage::ColumnsEnd(names) if is_end => {
                self.stage = Stage::Rows(Arc::new(RowHeader::new(names)));
                Ok(None)
            }
            Stage::ColumnsEnd(_) => Err(ClientError::Malformed("there is no end of the columns")),
            Stage::Rows(header) => {
                self.row(&header, packet)?;
                self.stage = Stage::Rows(header);
                Ok(None)
            }
        }
    }

    fn row(&mut self, header: &Arc<RowHeader>, packet: Vec<u8>) -> Result<(), ClientError> {
        self.rows_left = self.rows_left.checked_sub(1).ok_or(ClientError::LimitExceeded(ReadLimit::Rows))?;
        let mut fields = PacketReader(&packet);
        for _ in 0..header.columns {
            fields.value()?;
        }
        if !fields.0.is_empty() {
            return Err(ClientError::Malformed("a row has more cells than its answer has columns"));
        }
        if !self.forgotten {
            self.rows.push(Row::new(header, packet));
        }
        Ok(())
    }

    fn end_result(&mut self, status: u64) -> Result<Option<CompleteResult>, ClientError> {
        let last = status & MORE_RESULTS == 0;
        if !last {
            let more = "another answer follows the one to its question";
            self.following = self.following.checked_sub(1).ok_or(ClientError::Malformed(more))?;
        }
        Ok(Some(CompleteResult { rows: std::mem::take(&mut self.rows), last }))
    }
}

/// Returns the status of an end packet.
fn end_status(packet: &[u8]) -> Result<u64, ClientError> {
    let mut fields = PacketReader(packet);
    // Marker and number of warnings.
    fields.take(3)?;
    fields.number(2)
}

fn columns(packet: &[u8]) -> Result<usize, ClientError> {
    match PacketReader(packet).length()? {
        // The server asks for a file of this host.
        Length::Null => Err(ClientError::Malformed("it asks for a file of this host")),
        Length::Bytes(0) => Err(ClientError::Malformed("an answer has no columns")),
        Length::Bytes(count) => usize::try_from(count)
            .ok()
            .filter(|count| *count <= MAX_COLUMNS)
            .ok_or(ClientError::LimitExceeded(ReadLimit::Columns)),
    }
}

/// Returns the name of a column in upper case.
fn name(packet: &[u8]) -> Result<String, ClientError> {
    let mut fields = PacketReader(packet);
    // Catalogue, schema, table, and the table's own name.
    for _ in 0..4 {
        fields.value()?;
    }
    Ok(String::from_utf8_lossy(fields.value()?.unwrap_or_default()).to_uppercase())
}

/// Checks that no cell of a partly received row announces too great a length.
fn check_cell_lengths(row: &[u8], columns: usize) -> Result<(), ClientError> {
    let mut fields = PacketReader(row);
    for _ in 0..columns {
        match fields.length() {
            Ok(Length::Null) => {}
            Ok(Length::Bytes(length)) if length > MAX_CELL_BYTES as u64 => {
                return Err(ClientError::LimitExceeded(ReadLimit::Cell));
            }
            Ok(Length::Bytes(length)) => {
                let Ok(length) = usize::try_from(length) else { break };
                if fields.take(length).is_err() {
                    break;
                }
            }
            // The rest is checked when it has arrived.
            Err(_) => break,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

    use super::*;

    const END: [u8; 5] = [0xFE, 0, 0, 2, 0];
    const MORE: [u8; 5] = [0xFE, 0, 0, 10, 0];

    /// Returns a reader of two results: this many rows in the first, and the columns of the second read.
    fn at_second_result(rows: usize, row: &[u8]) -> ResultReader {
        let mut answers = ResultReader::to(2);
        answers.discard();
        let definition = b"\x03def\0\0\0\x01N\0\x0c\x2e\0\xff\0\0\0\xfd\0\0\0\0\0";
        let head = || [&[1][..], definition, &END].map(<[u8]>::to_vec);
        let packets = head().into_iter().chain(std::iter::repeat_n(row.to_vec(), rows));
        for packet in packets.chain([MORE.to_vec()]).chain(head()) {
            answers.take(packet).unwrap();
        }
        answers
    }

    #[test]
    fn row_limit_spans_all_results() {
        let mut answers = at_second_result(MAX_ROWS - 1, b"\x01x");
        assert!(answers.take(b"\x01x".to_vec()).is_ok());
        let beyond = answers.take(b"\x01x".to_vec());
        assert!(matches!(beyond, Err(ClientError::LimitExceeded(ReadLimit::Rows))));
    }

    #[test]
    fn byte_limit_spans_all_results() {
        let mut row = vec![0xFD, 0, 0, 0x10];
        row.resize(4 + (1 << 20), b'x');
        let answers = at_second_result(63, &row);
        assert!(answers.bounds()(&[], 1 << 19).is_ok());
        assert!(matches!(answers.bounds()(&[], 1 << 20), Err(ClientError::LimitExceeded(ReadLimit::Answer))));
    }
}
