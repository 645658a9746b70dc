//! Packets of the MySQL protocol over a stream. The buffer grows with the received bytes, never with an announced length.

use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use zeroize::Zeroizing;

use super::client_error::{ClientError, ERROR_TEXT_OVERLAP, ErrorPacket, MAX_ERROR_TEXT};

/// A frame of exactly this length is continued by the next one.
const MAX_FRAME: usize = 0xFF_FFFF;
/// Size of the read buffer, in bytes.
const BUFFER_BYTES: usize = 16 << 10;
/// Bytes before the text of an error packet: marker, code and SQLSTATE.
const BEFORE_ERROR_TEXT: usize = 9;

/// A connection, in clear or with TLS.
pub(super) trait ByteStream: AsyncRead + AsyncWrite + Send + Sync + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Sync + Unpin> ByteStream for T {}

/// Reads and writes the packets of a connection.
pub(super) struct PacketStream {
    stream: BufReader<Box<dyn ByteStream>>,
    /// The expected sequence number of the next frame.
    sequence: u8,
    /// The received part of the next frame's header.
    header: Vec<u8>,
    /// Bytes that the current frame still has; `None` where the next header comes first.
    left: Option<usize>,
    /// Whether another frame continues the current one.
    continued: bool,
    /// The received part of the packet.
    payload: Vec<u8>,
}

impl PacketStream {
    /// Returns a new packet stream.
    pub(super) fn new(stream: impl ByteStream + 'static) -> Self {
        Self::going_on(stream, 0)
    }

    /// Continues on another stream with the packet of this number.
    pub(super) fn going_on(stream: impl ByteStream + 'static, sequence: u8) -> Self {
        Self {
            stream: BufReader::with_capacity(BUFFER_BYTES, Box::new(stream)),
            sequence,
            header: Vec::new(),
            left: None,
            continued: false,
            payload: Vec::new(),
        }
    }

    /// Resets the sequence number for a new command.
    pub(super) fn begin_command(&mut self) {
        self.sequence = 0;
    }

    /// Reads a packet. If the future is dropped, the received bytes are kept for the next call.
    ///
    /// # Errors
    /// The connection broke, a packet is out of sequence, or `fits` refuses it by the received bytes and the rest of the frame.
    /// The text of an error packet is cut off at its limit and returned as that error.
    pub(super) async fn next(
        &mut self,
        fits: impl Fn(&[u8], usize) -> Result<(), ClientError> + Send,
    ) -> Result<Vec<u8>, ClientError> {
        loop {
            if self.left == Some(0) {
                self.left = None;
                if !self.continued {
                    return Ok(std::mem::take(&mut self.payload));
                }
            }
            let came = self.stream.fill_buf().await?;
            if came.is_empty() {
                return Err(std::io::Error::from(std::io::ErrorKind::UnexpectedEof).into());
            }
            let taken = if let Some(left) = self.left {
                let taken = came.len().min(left);
                self.payload.extend_from_slice(&came[..taken]);
                self.left = Some(left - taken);
                taken
            } else {
                let taken = came.len().min(4 - self.header.len());
                self.header.extend_from_slice(&came[..taken]);
                taken
            };
            self.stream.consume(taken);
            self.open_frame()?;
            match self.payload.first() {
                Some(0xFF) if self.payload.len() > BEFORE_ERROR_TEXT + MAX_ERROR_TEXT + ERROR_TEXT_OVERLAP => {
                    return Err(ClientError::Refused(ErrorPacket::read(&self.payload)));
                }
                Some(0xFF) | None => {}
                Some(_) => fits(&self.payload, self.left.unwrap_or_default())?,
            }
        }
    }

    /// Parses the header of a frame once it is complete.
    fn open_frame(&mut self) -> Result<(), ClientError> {
        let [low, middle, high, sequence] = self.header[..] else { return Ok(()) };
        self.header.clear();
        if sequence != self.sequence {
            return Err(ClientError::Malformed("a packet is out of sequence"));
        }
        self.sequence = self.sequence.wrapping_add(1);
        let length = usize::from(low) | usize::from(middle) << 8 | usize::from(high) << 16;
        self.left = Some(length);
        self.continued = length == MAX_FRAME;
        Ok(())
    }

    /// Writes a packet. If the future is dropped, it is unknown how much of it was sent.
    ///
    /// # Errors
    /// The connection broke.
    pub(super) async fn send(&mut self, payload: &[u8]) -> Result<(), ClientError> {
        // Statements and logins carry secrets.
        let mut out = Zeroizing::new(Vec::with_capacity(payload.len() + 8));
        let mut rest = payload;
        loop {
            let (frame, behind) = rest.split_at(rest.len().min(MAX_FRAME));
            let [low, middle, high, ..] = frame.len().to_le_bytes();
            out.extend_from_slice(&[low, middle, high, self.sequence]);
            out.extend_from_slice(frame);
            self.sequence = self.sequence.wrapping_add(1);
            rest = behind;
            if frame.len() < MAX_FRAME {
                break;
            }
        }
        self.stream.write_all(&out).await?;
        self.stream.flush().await?;
        Ok(())
    }

    /// Returns the stream, for TLS, and the number of the next packet.
    ///
    /// # Errors
    /// The server has already sent unencrypted bytes, which must not be read.
    pub(super) fn into_stream(self) -> Result<(Box<dyn ByteStream>, u8), ClientError> {
        if !self.stream.buffer().is_empty() {
            return Err(ClientError::Malformed("bytes in clear stand where TLS begins"));
        }
        Ok((self.stream.into_inner(), self.sequence))
    }

    /// Returns the capacity of the packet buffer, in bytes.
    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        self.payload.capacity()
    }
}
