//! The format file, by which a V4 server recognises its own directory.
//!
//! Its layout is the V4 source's (`ob_backup_store.h`: `ObBackupFormatDesc`; `ob_backup_struct.h`: `ObBackupCommonHeader`;
//! `serialization.h`): a header that names its own length, then an object of three texts and six numbers. A number takes seven
//! bits of each byte, the lowest first; an object is its version, its length and its parts.

use serde::{Deserialize, Serialize};

use super::DirKind;

/// The name of the file in the directory (V4 source: `ob_backup_store.cpp`).
pub const FORMAT_FILE: &str = "format.obbak";

/// The offset of the header's length: behind data type, two versions and compression, of two bytes each.
const LENGTH_AT: usize = 8;

/// The owner of a directory, as its format file names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FormatFile {
    /// The cluster's name.
    pub cluster: String,
    /// The tenant's name.
    pub tenant: String,
    /// The directory it was written for, as the part of a URI before `?`.
    pub path: String,
    /// The cluster's id.
    pub cluster_id: u64,
    /// The tenant's id.
    pub tenant_id: u64,
    /// What the directory holds; None: something that is neither data nor log archive.
    pub kind: Option<DirKind>,
    /// The id that the owner's server has given to the destination.
    pub dest_id: u64,
}

impl FormatFile {
    /// Parses the file. None: the bytes are not a format file of a known layout.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let length: [u8; 2] = bytes.get(LENGTH_AT..LENGTH_AT + 2)?.try_into().ok()?;
        let mut file = Reader { rest: bytes.get(usize::from(u16::from_le_bytes(length))..)? };
        let mut body = file.object()?;
        let (cluster, tenant, path) = (body.text()?, body.text()?, body.text()?);
        let (cluster_id, tenant_id) = (body.number()?, body.number()?);
        // The incarnation comes first, and is always 1.
        let (_, dest_id) = (body.number()?, body.number()?);
        let kind = match body.number()? {
            0 => Some(DirKind::Data),
            1 => Some(DirKind::Clog),
            _ => None,
        };
        // For an object storage, the endpoint follows `?`.
        let path = path.split('?').next().unwrap_or_default().to_owned();
        path.contains("://").then_some(Self { cluster, tenant, path, cluster_id, tenant_id, kind, dest_id })
    }

    /// Formats the owner: `prod/pay (data)`.
    #[must_use]
    pub fn owner(&self) -> String {
        let what = self.kind.map_or_else(|| "neither data nor log".to_owned(), |kind| kind.to_string());
        format!("{}/{} ({what})", self.cluster, self.tenant)
    }
}

/// The bytes that are still to be read.
struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn number(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let (byte, rest) = self.rest.split_first()?;
            self.rest = rest;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.number()?).ok()?;
        let (bytes, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(bytes)
    }

    /// Reads an object: version 1, its length, and that many bytes.
    fn object(&mut self) -> Option<Self> {
        (self.number()? == 1).then_some(())?;
        Some(Self { rest: self.bytes()? })
    }

    /// Reads a text, which is an object of its own with a zero byte at its end.
    fn text(&mut self) -> Option<String> {
        let bytes = self.object()?.bytes()?;
        let text = std::str::from_utf8(bytes.strip_suffix(&[0])?).ok()?;
        Some(crate::domain::diagnosis::identifier(text))
    }
}

/// Returns a format file as a server writes it, for tests.
#[cfg(test)]
pub(crate) fn written(path: &str, cluster_id: u64, tenant_id: u64, kind: u64) -> Vec<u8> {
    fn number(mut value: u64, to: &mut Vec<u8>) {
        while value > 0x7f {
            to.extend(value.to_le_bytes().first().map(|low| low | 0x80));
            value >>= 7;
        }
        to.extend(value.to_le_bytes().first());
    }
    fn object(parts: &[u8]) -> Vec<u8> {
        let mut object = vec![1];
        // The server writes this length in five bytes, whatever its value.
        let length = parts.len();
        for byte in 0..4 {
            object.extend(((length >> (7 * byte)) & 0x7f).to_le_bytes().first().map(|low| low | 0x80));
        }
        object.push(0);
        object.extend_from_slice(parts);
        object
    }
    fn text(text: &str) -> Vec<u8> {
        let mut parts = Vec::new();
        number(text.len() as u64 + 1, &mut parts);
        parts.extend_from_slice(text.as_bytes());
        parts.push(0);
        object(&parts)
    }
    let mut body = [text("prod"), text("pay"), text(path)].concat();
    for value in [cluster_id, tenant_id, 1, 1002, kind, 1_763_600_000_000_000] {
        number(value, &mut body);
    }
    let body = object(&body);
    // BACKUP_FORMAT_FILE, versions, no compression, 48 bytes of header; the checksums are not read.
    let mut file = vec![29, 0, 1, 0, 1, 0, 0, 0, 48, 0];
    file.resize(48, 0);
    file.extend_from_slice(&body);
    file
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test stops at what it did not expect")]
mod tests {
    use super::*;

    #[test]
    fn a_format_file_says_whose_directory_it_is() {
        let file = FormatFile::read(&written("s3://b/data?host=s3.example.com", 20_261_120, 1004, 0)).unwrap();
        assert_eq!(
            file,
            FormatFile {
                cluster: "prod".into(),
                tenant: "pay".into(),
                path: "s3://b/data".into(),
                cluster_id: 20_261_120,
                tenant_id: 1004,
                kind: Some(DirKind::Data),
                dest_id: 1002,
            }
        );
        assert_eq!(file.owner(), "prod/pay (data)");
        let log = FormatFile::read(&written("file:///b", 1, 2, 1)).unwrap();
        assert_eq!(
            (log.kind, FormatFile::read(&written("file:///b", 1, 2, 2)).unwrap().kind),
            (Some(DirKind::Clog), None)
        );
    }

    #[test]
    fn what_is_cut_short_or_something_else_is_not_read() {
        let whole = written("file:///backup/data", 1, 1004, 0);
        for length in 0..whole.len() - 8 {
            assert_eq!(FormatFile::read(&whole[..length]), None, "the first {length} bytes");
        }
        let mut other = whole.clone();
        other[48] = 2;
        assert_eq!(FormatFile::read(&other), None, "another version of the object");
        assert_eq!(FormatFile::read(b"#!/bin/sh\necho a file of the same name, long enough to be looked at"), None);
        assert_eq!(FormatFile::read(&written("no uri", 1, 2, 0)), None);
    }
}
