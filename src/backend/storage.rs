//! The object storage that a dump is uploaded to, as a trait: whoever builds the system passes an implementation.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use futures_util::future::BoxFuture;

use crate::domain::fault::Fault;

/// A file of this host to upload as an object.
#[derive(Debug, Clone)]
pub struct UploadRequest {
    /// Key of the object in the bucket.
    pub key: String,
    /// Path of the file.
    pub path: PathBuf,
    /// Its size in bytes.
    pub bytes: u64,
    /// The SHA-256 of its content, in hexadecimal digits.
    pub sha256: String,
    /// Counter of the bytes that the storage has accepted.
    pub sent_bytes: Arc<AtomicU64>,
}

/// A bucket. Its faults are texts for the user; transient errors were retried already.
pub trait ObjectStore: Send + Sync {
    /// Returns the sizes in bytes of all objects with this key prefix.
    fn sizes(&self, prefix: String) -> BoxFuture<'_, Result<BTreeMap<String, u64>, Fault>>;

    /// Uploads a file as one object, completely or not at all.
    fn put(&self, file: UploadRequest) -> BoxFuture<'_, Result<(), Fault>>;

    /// Returns the content of an object of at most `most` bytes.
    fn get(&self, key: String, most: usize) -> BoxFuture<'_, Result<Vec<u8>, Fault>>;
}

/// A shared object storage, which tasks of their own can use.
pub type SharedObjectStore = Arc<dyn ObjectStore>;
