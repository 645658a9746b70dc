//! The object store that a runner's backend uploads to; it uses the requests of the storage Test.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tokio::sync::OnceCell;

use crate::backend::{ObjectStore, SharedObjectStore, UploadRequest};
use crate::domain::destination::Destination;
use crate::domain::fault::{Cause, Fault};
use crate::domain::plan::{Action, Plan};
use crate::domain::secret::Secret;
use crate::journal::clock::now;
use crate::probe::object_storage::bucket::{Bucket, UploadFile};

/// An object store that connects to its bucket on the first request.
struct BucketStore {
    destination: Destination,
    key: Option<Secret>,
    limit: Duration,
    bucket: OnceCell<Bucket>,
}

/// Returns the object store that a plan uploads to; `None` if it uploads nothing. `limit` is the timeout of a small request.
#[must_use]
pub fn object_store_for(plan: &Plan, key: Option<&Secret>, limit: Duration) -> Option<SharedObjectStore> {
    let mut actions = plan.targets.iter().flat_map(|target| &target.steps).flat_map(|step| &step.actions);
    actions.find_map(|action| match action {
        Action::Upload { destination, .. } => {
            let (destination, key) = (destination.clone(), key.cloned());
            Some(SharedObjectStore::from(
                Box::new(BucketStore { destination, key, limit, bucket: OnceCell::new() }) as Box<dyn ObjectStore>
            ))
        }
        _ => None,
    })
}

impl BucketStore {
    async fn bucket(&self) -> Result<&Bucket, Fault> {
        let key = self.key.as_ref().ok_or_else(|| missing_access_key(&self.destination))?;
        self.bucket.get_or_try_init(|| Bucket::open(&self.destination, key, self.limit, now)).await
    }
}

impl ObjectStore for BucketStore {
    fn sizes(&self, prefix: String) -> BoxFuture<'_, Result<BTreeMap<String, u64>, Fault>> {
        async move { self.bucket().await?.sizes(&prefix).await }.boxed()
    }

    fn put(&self, file: UploadRequest) -> BoxFuture<'_, Result<(), Fault>> {
        async move {
            let UploadRequest { key, path, bytes, sha256, sent_bytes: sent } = &file;
            let file = UploadFile { key, path, bytes: *bytes, sha256, sent };
            self.bucket().await?.put(&file).await
        }
        .boxed()
    }

    fn get(&self, key: String, most: usize) -> BoxFuture<'_, Result<Vec<u8>, Fault>> {
        async move { self.bucket().await?.get(&key, most).await }.boxed()
    }
}

fn missing_access_key(destination: &Destination) -> Fault {
    Fault::new(
        Cause::Usage,
        format!("{} cannot be asked.", destination.uri_without_attributes()),
        "This runner was not given the access key.",
        "Retry: it asks for the key, or takes it from --access-key-from.",
    )
}
