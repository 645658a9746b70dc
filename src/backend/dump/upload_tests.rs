#![allow(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

use std::sync::Mutex;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tokio::sync::Notify;

use super::*;
use crate::backend::ObjectStore;
use crate::backend::dump::manifest::{DumpSource, SnapshotWindow};
use crate::domain::dump::ExcludedTables;

/// A bucket in memory that accepts a number of objects before it refuses.
#[derive(Default)]
struct MemoryBucket {
    objects: Mutex<BTreeMap<String, Vec<u8>>>,
    puts: Mutex<Vec<String>>,
    refuses_after: Option<usize>,
    /// Delays every object except the first until it is notified.
    held: Option<Notify>,
}

fn full() -> Fault {
    Fault::new(Cause::Storage, "It is full.", "No room.", "Make room.")
}

impl ObjectStore for MemoryBucket {
    fn sizes(&self, prefix: String) -> BoxFuture<'_, Result<BTreeMap<String, u64>, Fault>> {
        let objects = self.objects.lock().unwrap();
        let there = objects.iter().filter(|(key, _)| key.starts_with(&prefix));
        let sizes = there.map(|(key, body)| (key.clone(), body.len() as u64)).collect();
        async { Ok(sizes) }.boxed()
    }

    fn put(&self, file: UploadRequest) -> BoxFuture<'_, Result<(), Fault>> {
        if self.refuses_after.is_some_and(|most| self.puts.lock().unwrap().len() >= most) {
            return async { Err(full()) }.boxed();
        }
        if let Some(held) = self.held.as_ref().filter(|_| !self.puts.lock().unwrap().is_empty()) {
            return async {
                held.notified().await;
                held.notify_one();
                self.store(file)
            }
            .boxed();
        }
        let kept = self.store(file);
        async { kept }.boxed()
    }

    fn get(&self, key: String, most: usize) -> BoxFuture<'_, Result<Vec<u8>, Fault>> {
        let body = self.objects.lock().unwrap().get(&key).cloned().ok_or_else(full);
        assert!(body.as_ref().is_ok_and(|body| body.len() <= most));
        async { body }.boxed()
    }
}

impl MemoryBucket {
    #[allow(clippy::unnecessary_wraps, reason = "what a put answers")]
    fn store(&self, file: UploadRequest) -> Result<(), Fault> {
        let body = std::fs::read(&file.path).unwrap();
        assert_eq!((body.len() as u64, digest::digest_of(&body)), (file.bytes, file.sha256), "{}", file.key);
        file.sent_bytes.fetch_add(file.bytes, Ordering::Relaxed);
        self.puts.lock().unwrap().push(file.key.clone());
        self.objects.lock().unwrap().insert(file.key, body);
        Ok(())
    }
}

fn objects() -> RunObjects {
    let destination = Destination::parse_user("s3://b/dumps/{run}?host=h&access_id=i").unwrap();
    RunObjects::for_run(&destination, "t.2")
}

/// Writes a finished dump of three files.
fn finished_dump(folder: &Path) -> (RunPaths, Manifest) {
    let place = RunPaths::new(folder, "t.2").unwrap();
    std::fs::create_dir(place.finished()).unwrap();
    let files = [("metadata", "m"), ("a.t-schema.sql", "schema"), ("a.t.sql", "rows rows")].map(|(name, text)| {
        std::fs::write(place.finished().join(name), text).unwrap();
        FileEntry { name: name.to_owned(), bytes: text.len() as u64, sha256: digest::digest_of(text.as_bytes()) }
    });
    let at = "2026-11-19T19:31:40Z".parse().unwrap();
    let instant = SnapshotWindow { not_before: at, not_after: at };
    let manifest = Manifest {
        format: 1,
        run: "t.2".to_owned(),
        source: DumpSource {
            target: "lab".into(),
            server: "s".into(),
            release: "0.10.0".into(),
            instant,
            exclude: ExcludedTables::default(),
            changed: Vec::new(),
            left_out: Vec::new(),
        },
        databases: vec!["a".into()],
        tables: Vec::new(),
        files: files.to_vec(),
        left_out: Vec::new(),
        longest_statement: None,
    };
    std::fs::write(place.finished().join(MANIFEST_NAME), serde_json::to_vec(&manifest).unwrap()).unwrap();
    (place, manifest)
}

async fn upload(storage: &Arc<MemoryBucket>, place: &RunPaths, manifest: &Manifest) -> (Result<String, Fault>, u64) {
    let sent = Arc::new(AtomicU64::new(0));
    let lent: SharedObjectStore = Arc::clone(storage) as SharedObjectStore;
    let ended = upload_files(lent, objects(), place.finished(), manifest.clone(), Arc::clone(&sent)).await;
    (ended, sent.load(Ordering::Relaxed))
}

#[test]
fn each_run_has_its_own_prefix() {
    assert_eq!(objects().display_uri, "s3://b/dumps/t.2/t.2/");
    assert_eq!(objects().key("x"), "dumps/t.2/t.2/x");
    let whole = Destination::parse_user("oss://b?host=h&access_id=i").unwrap();
    let whole = RunObjects::for_run(&whole, "t.2");
    assert_eq!(
        (whole.display_uri.as_str(), whole.key("x").as_str(), whole.endpoint()),
        ("oss://b/t.2/", "t.2/x", None)
    );
    assert_eq!(objects().endpoint().unwrap(), "http://h");
}

#[tokio::test]
async fn upload_resumes_and_sends_the_manifest_last() {
    let folder = tempfile::tempdir().unwrap();
    let (place, manifest) = finished_dump(folder.path());
    let broken = Arc::new(MemoryBucket { refuses_after: Some(2), ..MemoryBucket::default() });
    let (ended, _) = upload(&broken, &place, &manifest).await;
    assert_eq!(ended.unwrap_err(), full());
    let there = broken.objects.lock().unwrap().clone();
    assert_eq!(there.len(), 2);
    // One of them has another size, as a foreign object would.
    let storage = Arc::new(MemoryBucket { objects: Mutex::new(there), ..MemoryBucket::default() });
    storage.objects.lock().unwrap().insert("dumps/t.2/t.2/metadata".into(), b"longer".to_vec());
    let (ended, sent) = upload(&storage, &place, &manifest).await;
    assert!(ended.unwrap().ends_with("are in s3://b/dumps/t.2/t.2/, 1 of them since an earlier attempt"));
    let key = |name: &str| format!("dumps/t.2/t.2/{name}");
    assert_eq!(*storage.puts.lock().unwrap(), [key("metadata"), key("a.t.sql"), key(MANIFEST_NAME)]);
    let own = std::fs::metadata(place.finished().join(MANIFEST_NAME)).unwrap().len();
    assert_eq!(sent, manifest.bytes() + own);
}

#[tokio::test]
async fn upload_reports_progress() {
    let folder = tempfile::tempdir().unwrap();
    let (place, manifest) = finished_dump(folder.path());
    let storage = Arc::new(MemoryBucket { held: Some(Notify::new()), ..MemoryBucket::default() });
    let sent = Arc::new(AtomicU64::new(0));
    let (total, files) = (manifest.bytes(), manifest.files.len() + 1);
    let lent: SharedObjectStore = Arc::clone(&storage) as SharedObjectStore;
    let work = tokio::spawn(upload_files(lent, objects(), place.finished(), manifest, Arc::clone(&sent)));
    let mut uploading = BackgroundUpload { place, work, sent, total, files };
    while uploading.sent.load(Ordering::Relaxed) == 0 {
        tokio::task::yield_now().await;
    }
    let waiting = uploading.waiting(&objects());
    let task = waiting.task.unwrap();
    assert_eq!((task.phase.as_str(), task.bytes, task.bytes_total), ("uploading", Some(1), Some(total)));
    assert!(waiting.server_busy && waiting.what.starts_with("4 files, 16 B, go to s3://b/dumps/"), "{}", waiting.what);
    storage.held.as_ref().unwrap().notify_one();
    (&mut uploading.work).await.unwrap().unwrap();
    assert_eq!(uploading.waiting(&objects()).task.unwrap().bytes, Some(total));
}

#[tokio::test]
async fn compare_detects_every_difference() {
    let folder = tempfile::tempdir().unwrap();
    let (place, manifest) = finished_dump(folder.path());
    let storage = Arc::new(MemoryBucket::default());
    upload(&storage, &place, &manifest).await.0.unwrap();
    let lent = || Arc::clone(&storage) as SharedObjectStore;
    let compared = |found: Result<Manifest, CompareError>| match found {
        Ok(found) => {
            assert_eq!(found, manifest);
            String::new()
        }
        Err(CompareError::Different(fault)) => fault.why,
        Err(CompareError::Unreadable(fault)) => format!("unseen: {fault}"),
    };
    assert_eq!(compared(compare(lent(), objects(), place.clone()).await), "");
    let key = |name: &str| format!("dumps/t.2/t.2/{name}");
    let whole = storage.objects.lock().unwrap().clone();
    let mut other = whole[&key(MANIFEST_NAME)].clone();
    other[5] ^= 1;
    for (name, body, said) in [
        ("a.t.sql", Some(b"rows".to_vec()), "dumps/t.2/t.2/a.t.sql has 4 bytes there, not 9."),
        ("a.t.sql", None, "dumps/t.2/t.2/a.t.sql is not listed."),
        ("stranger", Some(Vec::new()), "dumps/t.2/t.2/stranger is there and does not belong to this dump."),
        (MANIFEST_NAME, Some(other), "The content of manifest.json there is not what was uploaded."),
        // An object for the directory itself is accepted.
        ("", Some(Vec::new()), ""),
    ] {
        let mut objects_there = whole.clone();
        match body {
            Some(body) => objects_there.insert(key(name), body),
            None => objects_there.remove(&key(name)),
        };
        *storage.objects.lock().unwrap() = objects_there;
        assert_eq!(compared(compare(lent(), objects(), place.clone()).await), said, "{name}");
    }
    // Without the copy here the verdict can be given again.
    assert_eq!(
        remove_local_copy(&place),
        format!("The copy on this host, {}, is removed.", place.finished().display())
    );
    assert!(!place.finished().exists() && place.uploaded_manifest().is_file());
    assert_eq!(compared(compare(lent(), objects(), place.clone()).await), "");
}
