//! Reads the fields of a packet from its beginning. A missing field, or one longer than the packet, is malformed.

use super::client_error::ClientError;

/// The unread rest of a packet.
pub(super) struct PacketReader<'a>(pub(super) &'a [u8]);

/// A length-encoded integer before a value.
pub(super) enum Length {
    /// The value is NULL.
    Null,
    /// The value has this many bytes.
    Bytes(u64),
}

impl<'a> PacketReader<'a> {
    /// Takes this many bytes.
    pub(super) fn take(&mut self, count: usize) -> Result<&'a [u8], ClientError> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(ClientError::Malformed("a packet ends too early"))?;
        self.0 = rest;
        Ok(taken)
    }

    /// Reads a little-endian number of up to 8 bytes.
    pub(super) fn number(&mut self, bytes: usize) -> Result<u64, ClientError> {
        Ok(self.take(bytes)?.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    /// Takes the bytes before the next zero, or all where there is none.
    pub(super) fn until_zero(&mut self) -> &'a [u8] {
        let end = self.0.iter().position(|byte| *byte == 0).unwrap_or(self.0.len());
        let (taken, rest) = self.0.split_at(end);
        self.0 = rest.get(1..).unwrap_or_default();
        taken
    }

    /// Reads a length of one to nine bytes.
    pub(super) fn length(&mut self) -> Result<Length, ClientError> {
        let bytes = match self.number(1)? {
            0xFB => return Ok(Length::Null),
            0xFC => 2,
            0xFD => 3,
            0xFE => 8,
            0xFF => return Err(ClientError::Malformed("a length begins with 255")),
            short => return Ok(Length::Bytes(short)),
        };
        self.number(bytes).map(Length::Bytes)
    }

    /// Reads a value after its length; `None` for NULL.
    pub(super) fn value(&mut self) -> Result<Option<&'a [u8]>, ClientError> {
        match self.length()? {
            Length::Null => Ok(None),
            // What does not fit a usize is longer than any packet.
            Length::Bytes(length) => self.take(usize::try_from(length).unwrap_or(usize::MAX)).map(Some),
        }
    }
}
