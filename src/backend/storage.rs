//! The object storage of a dump, as a system needs it: whoever builds the system lends one that can be asked.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use futures_util::future::BoxFuture;

use crate::domain::fault::Fault;

/// A file of this host that is to become an object.
#[derive(Debug, Clone)]
pub struct ToStore {
    /// Its key in the bucket.
    pub key: String,
    /// Where it lies.
    pub path: PathBuf,
    /// Its size in bytes.
    pub bytes: u64,
    /// The SHA-256 of its content, in hexadecimal digits.
    pub sha256: String,
    /// Grows by what the storage took, in bytes.
    pub sent: Arc<AtomicU64>,
}

/// A bucket. Its faults are sentences for a person; what is worth another try was tried again already.
pub trait Storage: Send + Sync {
    /// The sizes in bytes of all objects whose keys begin so.
    fn sizes(&self, prefix: String) -> BoxFuture<'_, Result<BTreeMap<String, u64>, Fault>>;

    /// Puts a file there, whole or not at all.
    fn put(&self, file: ToStore) -> BoxFuture<'_, Result<(), Fault>>;

    /// The content of an object of at most so many bytes.
    fn get(&self, key: String, most: usize) -> BoxFuture<'_, Result<Vec<u8>, Fault>>;
}

/// A storage that outlives the look that asks it.
pub type LentStorage = Arc<dyn Storage>;
