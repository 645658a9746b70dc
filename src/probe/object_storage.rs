//! The storage Test of a directory in a bucket: S3 and compatible ones (`MinIO`, OBS, GCS), OSS, COS and Azure Blob.

use std::future::Future;
use std::time::Duration;

use super::{ProbeContext, ProbeEvent};
use crate::domain::destination::Destination;
use crate::domain::secret::Secret;
use crate::domain::storage_check::{Expected, StorageCheck};

pub mod bucket;
mod bucket_address;
mod bucket_test;
mod connection;
mod faults;
mod multipart_upload;
mod response;
mod signed_client;
mod signer;
#[cfg(test)]
mod tests;

use bucket_address::BucketAddress;
use bucket_test::BucketTest;
use signed_client::{RequestError, SignedClient};
use signer::Signer;

/// The most names of a directory that are read to assess it.
const MAX_NAMES: &str = "10";

/// Interval at which the stop signal is checked.
const STOP_POLL_INTERVAL: Duration = Duration::from_millis(20);

/// Time limit of the last request, which deletes the probe after a stop.
const CLEANUP_TIMEOUT: Duration = Duration::from_millis(1500);

const CHECKS_AFTER_CONNECT: [StorageCheck; 7] = [
    StorageCheck::Credentials,
    StorageCheck::Write,
    StorageCheck::ReadBack,
    StorageCheck::List,
    StorageCheck::Delete,
    StorageCheck::Clock,
    StorageCheck::Directory,
];

/// What a Test tests.
pub struct TestSubject<'a> {
    /// The directory.
    pub destination: &'a Destination,
    /// Its access key.
    pub access_key: Option<&'a Secret>,
    /// What the server requires of the directory.
    pub expected: &'a Expected,
    /// Time limit of one request.
    pub limit: Duration,
    /// Whether the directory is only inspected and nothing is written.
    pub looks_only: bool,
    /// Whether the probe is written into the directory itself, as requested, and not beside it.
    pub inside: bool,
}

/// Tests a directory on an object storage. A name lookup cannot be stopped and may delay the end.
pub fn probe(subject: &TestSubject<'_>, bench: &mut ProbeContext<'_>) {
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else {
        let made = bench.begin(StorageCheck::Connect);
        bench.fail(&made, faults::client_not_built());
        return;
    };
    runtime.block_on(test(subject, bench));
    runtime.shutdown_background();
}

/// Returns the result of a future, or `None` once `stopped` returns true.
async fn until_stopped<T>(stopped: &dyn Fn() -> bool, future: impl Future<Output = T>) -> Option<T> {
    let given_up = async {
        while !stopped() {
            tokio::time::sleep(STOP_POLL_INTERVAL).await;
        }
    };
    tokio::select! {
        biased;
        () = given_up => None,
        done = future => Some(done),
    }
}

async fn until_test_stopped<T>(bench: &ProbeContext<'_>, future: impl Future<Output = T>) -> Option<T> {
    until_stopped(bench.stopped, future).await
}

async fn test(subject: &TestSubject<'_>, bench: &mut ProbeContext<'_>) {
    let destination = subject.destination;
    let Some(place) = BucketAddress::of(destination) else {
        let made = bench.begin(StorageCheck::Resolve);
        bench.fail(&made, faults::missing_host(destination));
        bench.skip(&[StorageCheck::Connect, StorageCheck::Tls], "anything, as no host is named");
        bench.skip(&CHECKS_AFTER_CONNECT, "anything, as no host is named");
        return;
    };
    let told = std::cell::Cell::new(0);
    let way = [StorageCheck::Resolve, StorageCheck::Connect, StorageCheck::Tls];
    let client = {
        let mut tell = |news: ProbeEvent| {
            if matches!(news, ProbeEvent::CheckEnded(_)) {
                told.set(told.get() + 1);
            }
            (bench.tell)(news);
        };
        let mut counted = ProbeContext { tell: &mut tell, now: bench.now, stopped: bench.stopped };
        connection::reach(&place, subject.limit, &mut counted).await
    };
    let Some(client) = client else {
        if !(bench.stopped)() {
            let why = "anything behind it: the storage is not reached";
            bench.skip(&way[told.get()..], why);
            bench.skip(&CHECKS_AFTER_CONNECT, why);
        }
        return;
    };
    let key = match subject.access_key {
        _ if destination.attribute("role_arn").is_some() => {
            bench.skip(&CHECKS_AFTER_CONNECT, "what the role may do: only the servers assume it");
            return;
        }
        None => {
            bench.skip(&CHECKS_AFTER_CONNECT, "what needs the access key: none was given");
            return;
        }
        Some(key) => key,
    };
    if destination.attribute("access_id").is_none() {
        let made = bench.begin(StorageCheck::Credentials);
        bench.fail(&made, faults::no_id(destination));
        bench.skip(&CHECKS_AFTER_CONNECT[1..], "anything that is signed: the access id is missing");
        return;
    }
    let Some(signer) = Signer::new(&place, destination, key) else {
        let made = bench.begin(StorageCheck::Credentials);
        bench.fail(&made, faults::trouble(&place, &RequestError::CannotSign, subject.limit));
        bench.skip(&CHECKS_AFTER_CONNECT[1..], "anything that is signed: the access key cannot be used");
        return;
    };
    let store = SignedClient { client: &client, place: &place, signer: &signer, now: bench.now };
    let mut visit = BucketTest::new(store, subject);
    if visit.look(bench).await == Some(true) && !subject.looks_only {
        visit.with_a_probe(bench).await;
    }
}
