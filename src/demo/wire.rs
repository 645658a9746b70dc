//! Packets of the MySQL protocol as OceanBase speaks it: text protocol only, EOF packets (no `DEPRECATE_EOF`), no TLS.

use std::io;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::select_executor::ResultTable;
use super::statement::{ServerError, Value};
use super::view_definitions::ColumnType;

/// A packet of exactly this length is continued by the next one.
const MAX_PACKET_PART: usize = 0xFF_FFFF;
/// `max_allowed_packet`: more than any statement of obnow, and little enough for the demo's memory.
const MAX_ALLOWED_PACKET: usize = 64 << 20;
/// `utf8mb4_bin`, the collation OceanBase greets with.
pub const CHARSET: u8 = 46;
const BINARY_CHARSET: u16 = 63;
/// The status flag for autocommit.
const AUTOCOMMIT: u8 = 2;
/// The status flag for another result of the same query.
const MORE_RESULTS: u8 = 8;

/// A client's connection, packet by packet.
#[derive(Debug)]
pub struct PacketChannel {
    stream: TcpStream,
    sequence: u8,
    out: Vec<u8>,
}

impl PacketChannel {
    /// Returns the channel of an accepted connection.
    #[must_use]
    pub fn new(stream: TcpStream) -> Self {
        Self { stream, sequence: 0, out: Vec::new() }
    }

    /// Resets the sequence number for the next command.
    pub fn reset_sequence(&mut self) {
        self.sequence = 0;
    }

    /// Reads a packet and joins its parts. `None`: the client closed the connection between two packets.
    ///
    /// # Errors
    /// Where the connection breaks, a packet is out of sequence, or it is longer than `max_allowed_packet`.
    pub async fn read(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut packet = Vec::new();
        loop {
            let mut header = [0; 4];
            if packet.is_empty() && self.stream.read(&mut header[..1]).await? == 0 {
                return Ok(None);
            }
            let from = usize::from(packet.is_empty());
            self.stream.read_exact(&mut header[from..]).await?;
            let length = usize::from(header[0]) | usize::from(header[1]) << 8 | usize::from(header[2]) << 16;
            if header[3] != self.sequence || packet.len() + length > MAX_ALLOWED_PACKET {
                return Err(io::ErrorKind::InvalidData.into());
            }
            self.sequence = self.sequence.wrapping_add(1);
            // Grows with what arrives, not with what the header claims.
            let came = (&mut self.stream).take(length as u64).read_to_end(&mut packet).await?;
            if came < length {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if length < MAX_PACKET_PART {
                return Ok(Some(packet));
            }
        }
    }

    /// Returns when the client has closed its side; what it sends meanwhile is left for [`PacketChannel::read`].
    pub async fn closed_by_client(&self) {
        if let Ok(1..) = self.stream.peek(&mut [0]).await {
            // The next command is already here: the client is still connected.
            std::future::pending::<()>().await;
        }
    }

    /// Reads and discards until the client closes.
    pub async fn drain(&mut self) {
        while matches!(self.stream.read(&mut [0; 1024]).await, Ok(1..)) {}
    }

    /// Appends a packet to the reply, in parts if it is long.
    pub fn put(&mut self, payload: &[u8]) {
        let mut rest = payload;
        loop {
            let (part, behind) = rest.split_at(rest.len().min(MAX_PACKET_PART));
            self.out.extend_from_slice(&length_bytes(part.len())[..3]);
            self.out.push(self.sequence);
            self.out.extend_from_slice(part);
            self.sequence = self.sequence.wrapping_add(1);
            rest = behind;
            // A part of full length announces another one, which may be empty.
            if part.len() < MAX_PACKET_PART {
                return;
            }
        }
    }

    /// Appends an OK packet to the reply; `more`: another result follows.
    pub fn put_ok(&mut self, more: bool) {
        self.put(&[0, 0, 0, status(more), 0, 0, 0]);
    }

    /// Appends an error packet to the reply.
    pub fn put_error(&mut self, error: &ServerError) {
        let mut payload = vec![0xFF];
        payload.extend_from_slice(&error.code.to_le_bytes());
        payload.push(b'#');
        payload.extend_from_slice(error.state.as_bytes());
        payload.extend_from_slice(error.message.as_bytes());
        self.put(&payload);
    }

    /// Appends a result set in text form to the reply; `more`: another result follows.
    pub fn put_table(&mut self, table: &ResultTable, more: bool) {
        let mut count = Vec::new();
        put_length(&mut count, table.columns.len());
        self.put(&count);
        for (heading, column_type) in &table.columns {
            self.put(&column_definition(heading, *column_type));
        }
        self.put_eof(more);
        for row in &table.rows {
            let mut payload = Vec::new();
            for value in row {
                match value {
                    Value::Null => payload.push(0xFB),
                    Value::Integer(number) => put_text(&mut payload, number.to_string().as_bytes()),
                    Value::Text(text) => put_text(&mut payload, text.as_bytes()),
                }
            }
            self.put(&payload);
        }
        self.put_eof(more);
    }

    fn put_eof(&mut self, more: bool) {
        self.put(&[0xFE, 0, 0, status(more), 0]);
    }

    /// Sends the reply.
    ///
    /// # Errors
    /// Where the connection breaks.
    pub async fn send(&mut self) -> io::Result<()> {
        self.stream.write_all(&self.out).await?;
        self.out.clear();
        self.stream.flush().await
    }
}

fn status(more: bool) -> u8 {
    if more { AUTOCOMMIT | MORE_RESULTS } else { AUTOCOMMIT }
}

fn length_bytes(length: usize) -> [u8; 8] {
    (length as u64).to_le_bytes()
}

/// Appends a length-encoded integer.
fn put_length(payload: &mut Vec<u8>, length: usize) {
    let bytes = length_bytes(length);
    match length {
        0..=0xFA => payload.push(bytes[0]),
        0xFB..=0xFFFF => {
            payload.push(0xFC);
            payload.extend_from_slice(&bytes[..2]);
        }
        0x1_0000..=0xFF_FFFF => {
            payload.push(0xFD);
            payload.extend_from_slice(&bytes[..3]);
        }
        _ => {
            payload.push(0xFE);
            payload.extend_from_slice(&bytes);
        }
    }
}

fn put_text(payload: &mut Vec<u8>, text: &[u8]) {
    put_length(payload, text.len());
    payload.extend_from_slice(text);
}

/// Returns the definition of a column, as `ColumnDefinition41`.
fn column_definition(heading: &str, column_type: ColumnType) -> Vec<u8> {
    const UNSIGNED: u16 = 0x20;
    const BINARY_FLAG: u16 = 0x80;
    let text = u16::from(CHARSET);
    let (sql_type, charset, flags, length, decimals): (u8, u16, u16, u32, u8) = match column_type {
        ColumnType::Signed => (8, BINARY_CHARSET, BINARY_FLAG, 20, 0),
        ColumnType::Unsigned => (8, BINARY_CHARSET, BINARY_FLAG | UNSIGNED, 20, 0),
        ColumnType::Decimal => (246, BINARY_CHARSET, BINARY_FLAG, 32, 4),
        ColumnType::Double => (5, BINARY_CHARSET, BINARY_FLAG, 23, 31),
        ColumnType::Text => (253, text, 0, 65_536, 0),
        ColumnType::LongText => (252, text, 0, u32::MAX, 0),
        ColumnType::Timestamp => (7, BINARY_CHARSET, BINARY_FLAG, 26, 6),
        ColumnType::DateTime => (12, BINARY_CHARSET, BINARY_FLAG, 26, 6),
        ColumnType::Time => (11, BINARY_CHARSET, BINARY_FLAG, 17, 6),
    };
    let mut payload = Vec::new();
    for name in ["def", "", "", "", heading, heading] {
        put_text(&mut payload, name.as_bytes());
    }
    payload.push(0x0C);
    payload.extend_from_slice(&charset.to_le_bytes());
    payload.extend_from_slice(&length.to_le_bytes());
    payload.push(sql_type);
    payload.extend_from_slice(&flags.to_le_bytes());
    payload.extend_from_slice(&[decimals, 0, 0]);
    payload
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops where its setup fails")]

    use tokio::net::TcpListener;

    use super::*;

    async fn pair() -> (TcpStream, PacketChannel) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        (client, PacketChannel::new(listener.accept().await.unwrap().0))
    }

    #[tokio::test]
    async fn a_long_packet_travels_in_parts() {
        // One byte short of a part, exactly one part (which needs an empty one behind it), and more than one.
        for length in [MAX_PACKET_PART - 1, MAX_PACKET_PART, MAX_PACKET_PART + 7] {
            let (client, mut server) = pair().await;
            let mut sender = PacketChannel::new(client);
            let payload = vec![b'x'; length];
            let sending = async {
                sender.put(&payload);
                sender.send().await.unwrap();
            };
            let (came, ()) = tokio::join!(server.read(), sending);
            assert!(came.unwrap().unwrap() == payload, "{length}");
            assert_eq!(sender.sequence, if length < MAX_PACKET_PART { 1 } else { 2 }, "{length}");
        }
    }

    #[tokio::test]
    async fn a_malformed_packet_is_an_error() {
        // Out of sequence, cut in the header, cut in the body.
        for bytes in [&[1, 0, 0, 9, 3][..], &[1, 0][..], &[5, 0, 0, 0, 3][..]] {
            let (mut client, mut server) = pair().await;
            client.write_all(bytes).await.unwrap();
            drop(client);
            assert!(server.read().await.is_err(), "{bytes:?}");
        }
    }

    #[tokio::test]
    async fn a_client_that_leaves_is_no_error_and_is_noticed() {
        let (client, mut server) = pair().await;
        drop(client);
        server.closed_by_client().await;
        assert_eq!(server.read().await.unwrap(), None);
    }

    #[test]
    fn lengths_are_encoded_as_the_protocol_has_them() {
        for (length, bytes) in [
            (250, &[250][..]),
            (251, &[0xFC, 251, 0]),
            (0xFFFF, &[0xFC, 0xFF, 0xFF]),
            (0x1_0000, &[0xFD, 0, 0, 1]),
            (0x100_0000, &[0xFE, 0, 0, 0, 1, 0, 0, 0, 0]),
        ] {
            let mut payload = Vec::new();
            put_length(&mut payload, length);
            assert_eq!(payload, bytes, "{length}");
        }
    }
}
