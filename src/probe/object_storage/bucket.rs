//! A bucket for uploads: files are put into it and listed. Requests, signatures and faults are those of the storage Test.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::Method;
use jiff::Timestamp;
use reqwest::Client;

use super::bucket_address::BucketAddress;
use super::connection;
use super::faults::{self, Operation};
use super::multipart_upload;
use super::response::{StorageError, StorageResponse};
use super::signed_client::{BucketRequest, MAX_RESPONSE_BYTES, RequestError, SignedClient};
use super::signer::Signer;
use crate::domain::destination::{Destination, StorageKind};
use crate::domain::fault::{Cause, Fault};
use crate::domain::secret::Secret;

/// Delays before a request is sent again that got no response or found the storage busy.
const RETRY_DELAYS: [Duration; 3] = [Duration::from_millis(300), Duration::from_secs(2), Duration::from_secs(5)];

/// The most pages of a list that are read, a million names.
const MAX_PAGES: usize = 1000;

/// A file of this host to upload as an object.
pub struct UploadFile<'a> {
    /// Key of the object in the bucket.
    pub key: &'a str,
    /// Path of the file.
    pub path: &'a Path,
    /// Its size in bytes.
    pub bytes: u64,
    /// The SHA-256 of its content, in hexadecimal digits.
    pub sha256: &'a str,
    /// Counter of the bytes that the storage has accepted.
    pub sent: &'a AtomicU64,
}

/// A bucket with a connected client.
pub struct Bucket {
    client: Client,
    place: BucketAddress,
    signer: Signer,
    /// The URI of the directory as it is shown.
    shown: String,
    limit: Duration,
    now: fn() -> Timestamp,
}

impl Bucket {
    /// Connects to a bucket. `limit` is the time limit of a small request.
    ///
    /// # Errors
    /// The host is missing or has no address, the connection is refused, or the key cannot sign.
    pub async fn open(
        destination: &Destination,
        key: &Secret,
        limit: Duration,
        now: fn() -> Timestamp,
    ) -> Result<Self, Fault> {
        let place = BucketAddress::of(destination).ok_or_else(|| faults::missing_host(destination))?;
        if destination.attribute("access_id").is_none() {
            return Err(faults::no_id(destination));
        }
        let signer = Signer::new(&place, destination, key)
            .ok_or_else(|| faults::trouble(&place, &RequestError::CannotSign, limit))?;
        let client = connection::way(&place, limit).await?;
        Ok(Self { client, place, signer, shown: destination.uri_without_attributes(), limit, now })
    }

    /// Returns the sizes in bytes of all objects with this key prefix.
    ///
    /// # Errors
    /// No response, or the storage refuses.
    pub async fn sizes(&self, prefix: &str) -> Result<BTreeMap<String, u64>, Fault> {
        let azure = self.place.kind == StorageKind::Azblob;
        let (name, size, marker) =
            if azure { ("Name", "Content-Length", "NextMarker") } else { ("Key", "Size", "NextMarker") };
        let mut found = BTreeMap::new();
        let mut from = String::new();
        for _ in 0..MAX_PAGES {
            let mut query =
                if azure { vec![("restype", "container"), ("comp", "list")] } else { vec![("max-keys", "1000")] };
            query.push(("prefix", prefix));
            if !from.is_empty() {
                query.push(("marker", &from));
            }
            let answer = self.done(Operation::List, &BucketRequest { query: &query, ..ask(Method::GET, "") }).await?;
            if !answer.is_list() {
                return Err(self.refused(Operation::List, &StorageError::NotObjectStorage));
            }
            let names: Vec<String> = answer.texts(name).collect();
            let sizes: Vec<Option<u64>> = answer.texts(size).map(|size| size.trim().parse().ok()).collect();
            if names.len() != sizes.len() {
                return Err(self.refused(Operation::List, &StorageError::NotObjectStorage));
            }
            let last = names.last().cloned();
            for (name, size) in names.into_iter().zip(sizes) {
                found.insert(name, size.ok_or_else(|| self.refused(Operation::List, &StorageError::NotObjectStorage))?);
            }
            let next = answer.text(marker).filter(|next| !next.is_empty());
            // Azure marks a truncated list by its marker only.
            let more = azure
                || answer
                    .is_truncated()
                    .ok_or_else(|| self.refused(Operation::List, &StorageError::NotObjectStorage))?;
            match if azure { next } else { next.or(last).filter(|_| more) } {
                Some(next) if next != from => from = next,
                Some(_) => return Err(self.refused(Operation::List, &StorageError::NotObjectStorage)),
                None => return Ok(found),
            }
        }
        Err(Fault::new(
            Cause::Storage,
            format!("{} cannot be listed.", self.shown),
            "It holds more objects of this backup than obnow reads.",
            "Look at what else is written there.",
        ))
    }

    /// Uploads a file in one request, or in parts where it is large. A file that changed since it was measured is not uploaded.
    ///
    /// # Errors
    /// The file cannot be read or has changed, there is no response, or the storage refuses.
    pub async fn put(&self, file: &UploadFile<'_>) -> Result<(), Fault> {
        multipart_upload::put(self, file).await
    }

    /// Returns the content of an object.
    ///
    /// # Errors
    /// It does not exist or has more than `most` bytes, there is no response, or the storage refuses.
    pub async fn get(&self, key: &str, most: usize) -> Result<Vec<u8>, Fault> {
        let answer = self.done(Operation::Read, &BucketRequest { most, ..ask(Method::GET, key) }).await?;
        if answer.body.len() > most {
            return Err(faults::differs(&format!("{}, {key}", self.shown), answer.body.len()));
        }
        Ok(answer.body)
    }

    /// Returns whether the storage is Azure Blob.
    pub(super) fn is_azure(&self) -> bool {
        self.place.kind == StorageKind::Azblob
    }

    /// Sends a request, with retries after transient errors, and returns a success or a fault.
    pub(super) async fn done(&self, doing: Operation, ask: &BucketRequest<'_>) -> Result<StorageResponse, Fault> {
        let mut pauses = RETRY_DELAYS.iter();
        loop {
            let (fault, transient) = match self.signed_client().ask(ask).await {
                Ok(answer) if answer.status.is_success() => return Ok(answer),
                Ok(answer) => {
                    let no = answer.no();
                    (self.refused(doing, &no), matches!(no, StorageError::Busy(_)))
                }
                Err(trouble) => {
                    let transient = matches!(trouble, RequestError::TimedOut | RequestError::ConnectionBroken(_));
                    (faults::trouble(&self.place, &trouble, self.limit), transient)
                }
            };
            match pauses.next().filter(|_| transient) {
                Some(pause) => tokio::time::sleep(*pause).await,
                None => return Err(fault),
            }
        }
    }

    /// Sends a request once and ignores a failure.
    pub(super) async fn send_once(&self, ask: &BucketRequest<'_>) -> Option<StorageResponse> {
        self.signed_client().ask(ask).await.ok().filter(|answer| answer.status.is_success())
    }

    pub(super) fn refused(&self, doing: Operation, no: &StorageError) -> Fault {
        faults::refused(doing, &self.place, &self.shown, no)
    }

    fn signed_client(&self) -> SignedClient<'_> {
        SignedClient { client: &self.client, place: &self.place, signer: &self.signer, now: self.now }
    }
}

impl UploadFile<'_> {
    pub(super) fn took(&self, bytes: usize) {
        self.sent.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}

/// Returns a request without query and body.
pub(super) fn ask(method: Method, key: &str) -> BucketRequest<'_> {
    BucketRequest { method, key, query: &[], body: None, most: MAX_RESPONSE_BYTES }
}
