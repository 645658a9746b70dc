//! Errors of logins and results, and the limits of what is read.

use std::io;

use crate::domain::secret::hide_secrets;

/// The longest result that is read, in bytes on the wire.
pub(super) const MAX_RESULT_BYTES: usize = 64 << 20;
/// The most rows of a result that are read.
pub(super) const MAX_ROWS: usize = 1_000_000;
/// The longest value that is read, in bytes.
pub(super) const MAX_CELL_BYTES: usize = 1 << 20;
/// The most columns of a result.
pub(super) const MAX_COLUMNS: usize = 4_096;
/// The longest text of an error that is read, in bytes.
pub(super) const MAX_ERROR_TEXT: usize = 16 << 10;
/// Bytes of the text that are read beyond the limit, so that a secret across the cut is recognized.
pub(super) const ERROR_TEXT_OVERLAP: usize = 1 << 10;
/// The longest packet that is read before the login is over, in bytes.
pub(super) const MAX_LOGIN_PACKET: usize = 16 << 10;

/// Why a login or a result failed. Every error except the server's own ends the connection too.
#[derive(Debug)]
pub(super) enum ClientError {
    /// The server returned an error packet.
    Refused(ErrorPacket),
    /// The network failed, or the other side closed the connection.
    Network(io::Error),
    /// TLS failed; the error text.
    Tls(String),
    /// The server requires this authentication plugin, which is not supported.
    UnsupportedPlugin(String),
    /// The received bytes are not the MySQL protocol.
    Malformed(&'static str),
    /// A limit of what is read was exceeded.
    LimitExceeded(ReadLimit),
}

/// An error packet.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ErrorPacket {
    /// The server's code.
    pub(super) code: u32,
    /// Its text without secrets of this process. Bytes that are not UTF-8 are replaced.
    pub(super) text: String,
    /// Whether the text is complete.
    pub(super) whole: bool,
}

/// A limit of what is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ReadLimit {
    /// [`MAX_RESULT_BYTES`].
    Answer,
    /// [`MAX_ROWS`].
    Rows,
    /// [`MAX_CELL_BYTES`].
    Cell,
    /// [`MAX_COLUMNS`].
    Columns,
    /// [`MAX_LOGIN_PACKET`].
    Login,
}

impl std::fmt::Display for ReadLimit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Answer => "64 MiB an answer",
            Self::Rows => "1,000,000 rows an answer",
            Self::Cell => "1 MiB a value",
            Self::Columns => "4,096 columns",
            Self::Login => "16 KiB a packet of the login",
        })
    }
}

impl std::fmt::Display for ClientError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Refused(refusal) => write!(f, "{}: {}", refusal.code, refusal.text),
            Self::Network(error) => error.fmt(f),
            Self::Tls(words) => f.write_str(words),
            Self::UnsupportedPlugin(plugin) => write!(f, "the authentication plugin {plugin} is asked for"),
            Self::Malformed(what) => f.write_str(what),
            Self::LimitExceeded(bound) => write!(f, "more than {bound}"),
        }
    }
}

impl From<io::Error> for ClientError {
    fn from(error: io::Error) -> Self {
        Self::Network(error)
    }
}

impl ErrorPacket {
    /// Parses an error packet, which may be truncated.
    pub(super) fn read(packet: &[u8]) -> Self {
        let code = packet.get(1..3).map_or(0, |code| u32::from(code[0]) | u32::from(code[1]) << 8);
        let rest = packet.get(3..).unwrap_or_default();
        // The SQLSTATE; servers that refuse a connection before the greeting leave it out.
        let text = if rest.first() == Some(&b'#') { rest.get(6..).unwrap_or_default() } else { rest };
        let read = text.get(..MAX_ERROR_TEXT + ERROR_TEXT_OVERLAP).unwrap_or(text);
        // Secrets are hidden before the cut, which may fall into one.
        let mut shown = hide_secrets(&String::from_utf8_lossy(read));
        shown.truncate(shown.floor_char_boundary(MAX_ERROR_TEXT));
        Self { code, text: shown, whole: text.len() <= MAX_ERROR_TEXT }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::secret::Secret;

    #[test]
    fn secret_at_the_cut_is_hidden() {
        let _held = Secret::new("across~9x.the-end".to_owned());
        for before in [MAX_ERROR_TEXT - 4, MAX_ERROR_TEXT - 12] {
            let mut packet = vec![0xFF, 0x89, 0x13];
            packet.extend(std::iter::repeat_n(b' ', before));
            packet.extend(b"across~9x.the-end and so on");
            let refusal = ErrorPacket::read(&packet);
            assert!(!refusal.text.contains("ac") && !refusal.whole, "{}", refusal.text.trim_start());
            assert!(refusal.text.len() <= MAX_ERROR_TEXT);
        }
    }
}
