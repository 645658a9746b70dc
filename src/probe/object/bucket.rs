//! A bucket that files are put into and listed from: what an upload needs. The requests, their signatures and the words of their
//! faults are those of the Test.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::Method;
use jiff::Timestamp;
use reqwest::Client;

use super::answer::{Answer, No};
use super::faults::{self, Doing};
use super::parts;
use super::place::Place;
use super::reach;
use super::sign::Signer;
use super::store::{ANSWER_LIMIT, Ask, Store, Trouble};
use crate::domain::destination::{Destination, StorageKind};
use crate::domain::fault::{Cause, Fault};
use crate::domain::secret::Secret;

/// Pauses before a request that got no answer, or found the storage busy, is sent once more.
const AGAIN: [Duration; 3] = [Duration::from_millis(300), Duration::from_secs(2), Duration::from_secs(5)];

/// Pages of a list that are read: a million names.
const PAGES: usize = 1000;

/// A file of this host that is to become an object.
pub struct File<'a> {
    /// Its key in the bucket.
    pub key: &'a str,
    /// Where it lies.
    pub path: &'a Path,
    /// Its size in bytes.
    pub bytes: u64,
    /// The SHA-256 of its content, in hexadecimal digits.
    pub sha256: &'a str,
    /// Grows by what the storage took, in bytes.
    pub sent: &'a AtomicU64,
}

/// A bucket that is reached.
pub struct Bucket {
    client: Client,
    place: Place,
    signer: Signer,
    /// The directory as it is shown.
    shown: String,
    limit: Duration,
    now: fn() -> Timestamp,
}

impl Bucket {
    /// Finds the way to a bucket. `limit`: how long a request may take that carries little.
    ///
    /// # Errors
    /// No host, no address, nobody listens, or a key that cannot sign.
    pub async fn open(
        destination: &Destination,
        key: &Secret,
        limit: Duration,
        now: fn() -> Timestamp,
    ) -> Result<Self, Fault> {
        let place = Place::of(destination).ok_or_else(|| faults::no_host(destination))?;
        if destination.attribute("access_id").is_none() {
            return Err(faults::no_id(destination));
        }
        let signer =
            Signer::new(&place, destination, key).ok_or_else(|| faults::trouble(&place, &Trouble::Unsigned, limit))?;
        let client = reach::way(&place, limit).await?;
        Ok(Self { client, place, signer, shown: destination.bare(), limit, now })
    }

    /// The sizes of all objects whose keys begin so.
    ///
    /// # Errors
    /// No answer, or the storage refuses.
    pub async fn sizes(&self, prefix: &str) -> Result<BTreeMap<String, u64>, Fault> {
        let azure = self.place.kind == StorageKind::Azblob;
        let (name, size, marker) =
            if azure { ("Name", "Content-Length", "NextMarker") } else { ("Key", "Size", "NextMarker") };
        let mut found = BTreeMap::new();
        let mut from = String::new();
        for _ in 0..PAGES {
            let mut query =
                if azure { vec![("restype", "container"), ("comp", "list")] } else { vec![("max-keys", "1000")] };
            query.push(("prefix", prefix));
            if !from.is_empty() {
                query.push(("marker", &from));
            }
            let answer = self.done(Doing::List, &Ask { query: &query, ..ask(Method::GET, "") }).await?;
            if !answer.is_list() {
                return Err(self.refused(Doing::List, &No::Foreign));
            }
            let names: Vec<String> = answer.texts(name).collect();
            let sizes: Vec<Option<u64>> = answer.texts(size).map(|size| size.trim().parse().ok()).collect();
            if names.len() != sizes.len() {
                return Err(self.refused(Doing::List, &No::Foreign));
            }
            let last = names.last().cloned();
            for (name, size) in names.into_iter().zip(sizes) {
                found.insert(name, size.ok_or_else(|| self.refused(Doing::List, &No::Foreign))?);
            }
            let next = answer.text(marker).filter(|next| !next.is_empty());
            // Azure says by its marker alone that there is more.
            let more = azure || answer.is_truncated().ok_or_else(|| self.refused(Doing::List, &No::Foreign))?;
            match if azure { next } else { next.or(last).filter(|_| more) } {
                Some(next) if next != from => from = next,
                Some(_) => return Err(self.refused(Doing::List, &No::Foreign)),
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

    /// Puts a file there: in one request, or in parts where it is large. What changed since it was measured is not put.
    ///
    /// # Errors
    /// The file cannot be read or is another now, no answer, or the storage refuses.
    pub async fn put(&self, file: &File<'_>) -> Result<(), Fault> {
        parts::put(self, file).await
    }

    /// The content of an object.
    ///
    /// # Errors
    /// It is not there, or has more than `most` bytes; no answer, or the storage refuses.
    pub async fn get(&self, key: &str, most: usize) -> Result<Vec<u8>, Fault> {
        let answer = self.done(Doing::Read, &Ask { most, ..ask(Method::GET, key) }).await?;
        if answer.body.len() > most {
            return Err(faults::differs(&format!("{}, {key}", self.shown), answer.body.len()));
        }
        Ok(answer.body)
    }

    /// Whether the storage is addressed in Azure's way.
    pub(super) fn is_azure(&self) -> bool {
        self.place.kind == StorageKind::Azblob
    }

    /// Asks until there is an answer, a few times; a success or a fault.
    pub(super) async fn done(&self, doing: Doing, ask: &Ask<'_>) -> Result<Answer, Fault> {
        let mut pauses = AGAIN.iter();
        loop {
            let (fault, transient) = match self.store().ask(ask).await {
                Ok(answer) if answer.status.is_success() => return Ok(answer),
                Ok(answer) => {
                    let no = answer.no();
                    (self.refused(doing, &no), matches!(no, No::Busy(_)))
                }
                Err(trouble) => {
                    let transient = matches!(trouble, Trouble::Late | Trouble::Broken(_));
                    (faults::trouble(&self.place, &trouble, self.limit), transient)
                }
            };
            match pauses.next().filter(|_| transient) {
                Some(pause) => tokio::time::sleep(*pause).await,
                None => return Err(fault),
            }
        }
    }

    /// Asks once, for what does not matter if it fails.
    pub(super) async fn try_once(&self, ask: &Ask<'_>) -> Option<Answer> {
        self.store().ask(ask).await.ok().filter(|answer| answer.status.is_success())
    }

    pub(super) fn refused(&self, doing: Doing, no: &No) -> Fault {
        faults::refused(doing, &self.place, &self.shown, no)
    }

    fn store(&self) -> Store<'_> {
        Store { client: &self.client, place: &self.place, signer: &self.signer, now: self.now }
    }
}

impl File<'_> {
    pub(super) fn took(&self, bytes: usize) {
        self.sent.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}

/// A request without query and body.
pub(super) fn ask(method: Method, key: &str) -> Ask<'_> {
    Ask { method, key, query: &[], body: None, most: ANSWER_LIMIT }
}
