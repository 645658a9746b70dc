//! The one place of the journal that reads the clock and the system's randomness; all else takes them as arguments.

use std::io::Read;

use jiff::Timestamp;

/// Returns the current time.
#[must_use]
#[allow(clippy::disallowed_methods, reason = "the journal's one clock")]
pub fn now() -> Timestamp {
    Timestamp::now()
}

/// Returns 64 random bits of the system.
///
/// # Errors
/// The system has none.
pub fn random() -> std::io::Result<u64> {
    let mut bytes = [0; 8];
    std::fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(u64::from_ne_bytes(bytes))
}
