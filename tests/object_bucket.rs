//! Tests what an upload needs of a bucket, on real servers: files in one request and in parts, sizes over many pages, contents.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail loudly")]
#![allow(clippy::disallowed_methods, reason = "a test has a clock of its own")]

mod buckets;

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use buckets::moto::Moto;
use buckets::{azurite, s3s_fs};
use obnow::domain::destination::Destination;
use obnow::domain::fault::Fault;
use obnow::domain::secret::Secret;
use obnow::journal::clock::now;
use obnow::probe::object_storage::bucket::{Bucket, UploadFile};
use sha2::{Digest as _, Sha256};

/// One part and a rest.
const LARGE: usize = (16 << 20) + 7;

/// Names as tables have them.
const ODD: &str = "p/t.1/db.a b+c&d%25=\u{6c49}.sql";

async fn open(uri: &str, id: &str, key: &str) -> Bucket {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let destination = Destination::parse_user(uri).unwrap().with_attribute("access_id", id).unwrap();
    Bucket::open(&destination, &Secret::new(key.to_owned()), Duration::from_secs(30), now).await.unwrap()
}

fn sha256(body: &[u8]) -> String {
    let digits: Vec<String> = Sha256::digest(body).iter().map(|byte| format!("{byte:02x}")).collect();
    digits.concat()
}

fn content(length: usize) -> Vec<u8> {
    (0..length).map(|i| u8::try_from(i * 31 % 251).unwrap()).collect()
}

async fn put(bucket: &Bucket, key: &str, path: &Path, body: &[u8]) -> Result<u64, Fault> {
    let sent = AtomicU64::new(0);
    let sha256 = sha256(body);
    bucket.put(&UploadFile { key, path, bytes: body.len() as u64, sha256: &sha256, sent: &sent }).await?;
    Ok(sent.load(Ordering::Relaxed))
}

/// A small, an empty, and a large file go in and come out; what changed meanwhile does not go in.
async fn goes_in_and_comes_out(bucket: &Bucket, large: usize) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let mut sizes = Vec::new();
    for (key, length) in [(ODD, 5), ("p/t.1/empty", 0), ("p/t.1/large", large)] {
        let body = content(length);
        std::fs::write(&path, &body).unwrap();
        assert_eq!(put(bucket, key, &path, &body).await.unwrap(), length as u64);
        let back = bucket.get(key, length).await.unwrap();
        assert!(back == body, "{key} came back otherwise");
        sizes.push((key.to_owned(), length as u64));
    }
    sizes.sort();
    let listed = bucket.sizes("p/t.1/").await.unwrap();
    assert_eq!(listed.into_iter().collect::<Vec<_>>(), sizes);
    assert_eq!(bucket.sizes("p/t.2/").await.unwrap().len(), 0);
    for length in [9, large] {
        let mut body = content(length);
        std::fs::write(&path, &body).unwrap();
        body[3] ^= 1;
        let fault = put(bucket, "p/t.1/changed", &path, &body).await.unwrap_err();
        assert_eq!(fault.why, "It changed since it was proven.");
    }
    assert!(!bucket.sizes("p/t.1/").await.unwrap().contains_key("p/t.1/changed"), "no half of it became an object");
    let fault = bucket.get("p/t.1/none", 9).await.unwrap_err();
    assert!(fault.what.ends_with("cannot be read."), "{fault}");
}

#[tokio::test]
async fn moto_takes_files_in_parts_and_lists_them_over_pages() {
    let Some(moto) = Moto::start().await else { return };
    let rights = ["PutObject", "GetObject", "ListBucket", "ListBucketMultipartUploads", "AbortMultipartUpload"];
    let user = moto.user("parts", &rights).await;
    for i in 0..1003 {
        moto.object(&format!("many/{i:05}"), vec![0; i % 7]).await;
    }
    moto.check_everybody().await;
    let bucket = open(&moto.uri("backups/p"), &user.id, &user.key).await;
    goes_in_and_comes_out(&bucket, LARGE).await;
    let many = bucket.sizes("many/").await.unwrap();
    assert_eq!((many.len(), many["many/01002"]), (1003, 1002 % 7), "a page is 1000 names");

    let wrong = open(&moto.uri("backups/p"), &user.id, "no/such+key").await;
    let fault = wrong.sizes("p/").await.unwrap_err();
    assert_eq!(fault.what, "s3://backups/p cannot be listed.");
    assert_eq!(fault.why, "The access key is wrong: the signature made with it does not match.");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_s3_takes_files_in_parts() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("backups")).unwrap();
    let server = s3s_fs::serve(folder.path());
    let uri = format!("s3://backups/p?host=http://127.0.0.1:{}&addressing_model=path_style", server.port);
    let bucket = open(&uri, s3s_fs::ID, s3s_fs::KEY).await;
    goes_in_and_comes_out(&bucket, LARGE).await;
}

#[tokio::test]
async fn azure_takes_files_in_blocks() {
    let folder = tempfile::tempdir().unwrap();
    let Some(server) = azurite::start(folder.path()) else { return };
    azurite::container(server.port, "backups").await;
    let uri = format!("azblob://backups/p?host=http://127.0.0.1:{}/{}", server.port, azurite::ACCOUNT);
    let bucket = open(&uri, azurite::ACCOUNT, azurite::KEY).await;
    goes_in_and_comes_out(&bucket, LARGE).await;
}
