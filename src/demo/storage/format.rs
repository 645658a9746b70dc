//! The format file of a directory, as a server of V4 writes it (V4.3.1 source: `ObBackupFormatDesc` of `ob_backup_store.h`
//! behind the header of `ob_backup_struct.h`; `serialization.h`): a number takes seven bits of a byte, the lowest first; an
//! object is its version, its length in five bytes, and its parts.

use super::DirectoryOwner;
use crate::demo::clock::Micros;

/// The name of the format file.
pub(super) const FILE_NAME: &str = "format.obbak";

/// The length of the header, in bytes.
const HEADER_LENGTH: u8 = 48;

/// The data type of a format file in the header.
const DATA_TYPE: u8 = 29;

/// The `dest_type` values; the number in the file is the index.
const DEST_TYPES: [&str; 2] = ["backup_data", DirectoryOwner::ARCHIVE];

/// Who claims a directory, and when.
pub struct Claimant<'a> {
    /// The cluster's name.
    pub cluster: &'a str,
    /// The tenant's name.
    pub tenant: &'a str,
    /// The time of the server.
    pub at: Micros,
}

/// Returns the bytes of a directory's format file.
pub(super) fn encode(owner: &DirectoryOwner, by: &Claimant<'_>, path: &str) -> Vec<u8> {
    let mut body = [encode_text(by.cluster), encode_text(by.tenant), encode_text(path)].concat();
    let dest_type = DEST_TYPES.iter().position(|name| *name == owner.dest_type).unwrap_or(DEST_TYPES.len());
    let incarnation = 1;
    for value in [owner.cluster_id, owner.tenant_id, incarnation, owner.dest_id] {
        body.extend(encode_number(u64::try_from(value).unwrap_or(0)));
    }
    body.extend(encode_number(dest_type as u64));
    body.extend(encode_number(u64::try_from(by.at).unwrap_or(0)));
    let mut file = vec![DATA_TYPE, 0, 1, 0, 1, 0, 0, 0, HEADER_LENGTH, 0];
    file.resize(usize::from(HEADER_LENGTH), 0);
    file.extend(encode_object(&body));
    file
}

/// Parses a format file; `None` if it is malformed.
pub(super) fn decode(file: &[u8]) -> Option<DirectoryOwner> {
    let mut rest = file.get(usize::from(*file.get(8)?)..)?;
    let mut body = take_object(&mut rest)?;
    for _ in ["cluster", "tenant", "path"] {
        take_object(&mut body)?;
    }
    let mut id = || i64::try_from(take_number(&mut body)?).ok();
    let (cluster_id, tenant_id, _incarnation, dest_id) = (id()?, id()?, id()?, id()?);
    let dest_type = DEST_TYPES.get(usize::try_from(id()?).ok()?)?;
    Some(DirectoryOwner { dest_type: (*dest_type).to_owned(), cluster_id, tenant_id, dest_id })
}

fn low_bits(value: u64) -> u8 {
    value.to_le_bytes()[0] & 0x7f
}

fn encode_number(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value > 0x7f {
        bytes.push(low_bits(value) | 0x80);
        value >>= 7;
    }
    bytes.push(low_bits(value));
    bytes
}

fn encode_object(parts: &[u8]) -> Vec<u8> {
    let mut object = vec![1];
    let length = parts.len() as u64;
    object.extend((0..4).map(|group| low_bits(length >> (7 * group)) | 0x80));
    object.push(low_bits(length >> 28));
    object.extend_from_slice(parts);
    object
}

/// Encodes a text with a zero at its end.
fn encode_text(text: &str) -> Vec<u8> {
    encode_object(&[&encode_number(text.len() as u64 + 1), text.as_bytes(), &[0]].concat())
}

fn take_number(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (byte, behind) = rest.split_first()?;
        *rest = behind;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

fn take_object<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    take_number(rest).filter(|version| *version == 1)?;
    let length = usize::try_from(take_number(rest)?).ok()?;
    let (parts, behind) = rest.split_at_checked(length)?;
    *rest = behind;
    Some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn format_file_names_its_owner_unless_truncated() {
        let owner = DirectoryOwner { dest_type: "archive_log".into(), cluster_id: 1001, tenant_id: 1004, dest_id: 300 };
        let file = encode(&owner, &Claimant { cluster: "demo", tenant: "pay", at: 1_763_600_000_000_000 }, "file:///b");
        assert_eq!(decode(&file), Some(owner));
        assert_eq!(decode(&file[..60]), None);
        assert_eq!(decode(b"{}"), None);
    }
}
