//! The content of a probe: bytes that cannot be compressed and are unique to each Test.

use std::hash::{BuildHasher, Hasher, RandomState};

use crate::domain::storage_check::PROBE_BYTES;

/// The bytes and the name of one probe.
pub(super) struct ProbeContent {
    id: u64,
    bytes: Vec<u8>,
}

impl ProbeContent {
    /// Returns a new random content.
    pub(super) fn new() -> Self {
        // The standard library seeds it from the system's randomness.
        Self::of(RandomState::new().build_hasher().finish())
    }

    fn of(id: u64) -> Self {
        let mut bytes = Vec::with_capacity(PROBE_BYTES);
        let mut state = id;
        while bytes.len() < PROBE_BYTES {
            // splitmix64
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut word = state;
            word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            bytes.extend_from_slice(&(word ^ (word >> 31)).to_le_bytes());
        }
        Self { id, bytes }
    }

    /// Returns the name of the probe, `.obnow-test-4f6b…`, which tells its origin.
    pub(super) fn name(&self) -> String {
        format!(".obnow-test-{:016x}", self.id)
    }

    /// Returns its [`PROBE_BYTES`] bytes.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probe_contents_are_unique() {
        let (a, b) = (ProbeContent::of(1), ProbeContent::of(2));
        assert_eq!((a.bytes().len(), b.bytes().len()), (PROBE_BYTES, PROBE_BYTES));
        assert_ne!(a.name(), b.name());
        let mut words: Vec<&[u8]> = a.bytes().chunks(8).chain(b.bytes().chunks(8)).collect();
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), 2 * PROBE_BYTES / 8);
    }
}
