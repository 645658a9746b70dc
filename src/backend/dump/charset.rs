//! The character set that a dump file declares to the server that loads it.

use std::fs::OpenOptions;
use std::io::Read as _;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use super::manifest::read_fault;
use crate::domain::fault::{Cause, Fault};

/// The first line of every file, as mydumper 0.10.0 writes it.
const BINARY_HEADER: &[u8; 28] = b"/*!40101 SET NAMES binary*/;";

/// The replacement, of the same length, so that the file need not be rewritten.
const UTF8_HEADER: &[u8; 28] = b"SET NAMES utf8mb4          ;";

/// Declares `utf8mb4` in a file; a file that declares it already, and an empty one, stays as it is. Values of binary columns are
/// loaded as their bytes either way.
///
/// # Errors
/// The file begins with another declaration, or cannot be written.
pub(super) fn declare_utf8(path: &Path) -> Result<(), Fault> {
    let failed = |error: &std::io::Error| read_fault("Changing", path, error);
    let mut file = OpenOptions::new().read(true).write(true).open(path).map_err(|error| failed(&error))?;
    let mut line = Vec::with_capacity(BINARY_HEADER.len());
    file.by_ref().take(BINARY_HEADER.len() as u64).read_to_end(&mut line).map_err(|error| failed(&error))?;
    if line == BINARY_HEADER {
        return file.write_all_at(UTF8_HEADER, 0).map_err(|error| failed(&error));
    }
    if line == UTF8_HEADER || line.is_empty() {
        return Ok(());
    }
    Err(Fault::new(
        Cause::Storage,
        format!("{} cannot be trusted.", path.display()),
        "It does not begin with the character set it speaks, and another release of mydumper may mean another one.",
        "Do not restore from this dump; start a new backup.",
    ))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn utf8_header_is_written_in_place_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pay.t.sql");
        let rest = "\n/*!40014 SET FOREIGN_KEY_CHECKS=0*/;\nINSERT INTO `t` (`a`) VALUES\n(1);\n";
        std::fs::write(&path, format!("/*!40101 SET NAMES binary*/;{rest}")).unwrap();
        for _ in 0..2 {
            declare_utf8(&path).unwrap();
            assert_eq!(std::fs::read_to_string(&path).unwrap(), format!("SET NAMES utf8mb4          ;{rest}"));
        }
        std::fs::write(&path, "").unwrap();
        declare_utf8(&path).unwrap();
        std::fs::write(&path, "INSERT INTO `t` VALUES (1);\n").unwrap();
        let fault = declare_utf8(&path).unwrap_err();
        assert!(fault.what.contains("pay.t.sql") && fault.why.contains("character set"), "{fault}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "INSERT INTO `t` VALUES (1);\n");
    }
}
