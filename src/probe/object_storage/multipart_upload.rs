//! Uploads a file as an object: in one request where it is small, else in parts, which become one object when the last one is
//! complete.

use std::fmt::Write as _;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncRead, AsyncReadExt as _};

use super::bucket::{Bucket, UploadFile, ask};
use super::faults::Operation;
use super::response::StorageError;
use super::signed_client::BucketRequest;
use crate::domain::fault::{Cause, Fault};

/// The largest file for one request and the size of a part, in bytes; it is held in memory.
const PART_BYTES: u64 = 16 << 20;

/// The most parts of an object (the same for S3, OSS and COS; Azure allows more).
const MAX_PARTS: u64 = 10_000;

/// Uploads a file.
pub(super) async fn put(bucket: &Bucket, file: &UploadFile<'_>) -> Result<(), Fault> {
    let mut content = tokio::fs::File::open(file.path).await.map_err(|error| read_fault(file, &error))?;
    let mut hasher = Sha256::new();
    if file.bytes <= PART_BYTES {
        let bytes = read_part(&mut content, file, PART_BYTES + 1, &mut hasher).await?;
        check_unchanged(file, bytes.len() as u64, hasher)?;
        bucket.done(Operation::Write, &BucketRequest { body: Some(&bytes), ..ask(Method::PUT, file.key) }).await?;
        file.took(bytes.len());
        return Ok(());
    }
    let target =
        if bucket.is_azure() { MultipartUpload::AzureBlocks } else { start_multipart(bucket, file.key).await? };
    let put = upload_parts(bucket, file, &target, &mut content, hasher).await;
    if let (Err(_), MultipartUpload::WithId { id }) = (&put, &target) {
        // Parts that never become an object take up space; where they cannot be removed now, the storage's lifecycle rules
        // remove them.
        bucket.send_once(&BucketRequest { query: &[("uploadId", id)], ..ask(Method::DELETE, file.key) }).await;
    }
    put
}

/// The upload that parts belong to.
enum MultipartUpload {
    /// Blocks of an Azure blob, without an upload id.
    AzureBlocks,
    /// An upload with an id (S3, OSS, COS).
    WithId { id: String },
}

/// Starts an upload in parts, and aborts unfinished ones under this key.
async fn start_multipart(bucket: &Bucket, key: &str) -> Result<MultipartUpload, Fault> {
    if let Some(left) =
        bucket.send_once(&BucketRequest { query: &[("prefix", key), ("uploads", "")], ..ask(Method::GET, "") }).await
    {
        let ids = left.texts("Key").zip(left.texts("UploadId"));
        for (_, id) in ids.filter(|(name, _)| name == key) {
            bucket.send_once(&BucketRequest { query: &[("uploadId", &id)], ..ask(Method::DELETE, key) }).await;
        }
    }
    let begun = BucketRequest { query: &[("uploads", "")], body: Some(&[]), ..ask(Method::POST, key) };
    let answer = bucket.done(Operation::Write, &begun).await?;
    let id =
        answer.text("UploadId").ok_or_else(|| bucket.refused(Operation::Write, &StorageError::NotObjectStorage))?;
    Ok(MultipartUpload::WithId { id })
}

async fn upload_parts(
    bucket: &Bucket,
    file: &UploadFile<'_>,
    target: &MultipartUpload,
    content: &mut (impl AsyncRead + Unpin + Send),
    mut hasher: Sha256,
) -> Result<(), Fault> {
    let size = PART_BYTES.max(file.bytes.div_ceil(MAX_PARTS));
    let (mut list, mut total, mut number) = (String::new(), 0, 0_u32);
    loop {
        let bytes = read_part(content, file, size, &mut hasher).await?;
        if bytes.is_empty() {
            break;
        }
        number += 1;
        total += bytes.len() as u64;
        let part = BucketRequest { body: Some(&bytes), ..ask(Method::PUT, file.key) };
        // Writing to a String cannot fail.
        match target {
            MultipartUpload::AzureBlocks => {
                let id = STANDARD.encode(format!("{number:06}"));
                bucket
                    .done(Operation::Write, &BucketRequest { query: &[("blockid", &id), ("comp", "block")], ..part })
                    .await?;
                let _ = write!(list, "<Latest>{id}</Latest>");
            }
            MultipartUpload::WithId { id } => {
                let number = number.to_string();
                let query = [("partNumber", number.as_str()), ("uploadId", id)];
                let answer = bucket.done(Operation::Write, &BucketRequest { query: &query, ..part }).await?;
                let tag = answer.headers.get(http::header::ETAG).and_then(|tag| tag.to_str().ok());
                let tag = tag.ok_or_else(|| bucket.refused(Operation::Write, &StorageError::NotObjectStorage))?;
                let _ = write!(list, "<Part><PartNumber>{number}</PartNumber><ETag>{tag}</ETag></Part>");
            }
        }
        file.took(bytes.len());
    }
    check_unchanged(file, total, hasher)?;
    match target {
        MultipartUpload::AzureBlocks => {
            let list = format!("<?xml version=\"1.0\" encoding=\"utf-8\"?><BlockList>{list}</BlockList>");
            let end = BucketRequest {
                query: &[("comp", "blocklist")],
                body: Some(list.as_bytes()),
                ..ask(Method::PUT, file.key)
            };
            bucket.done(Operation::Write, &end).await?;
        }
        MultipartUpload::WithId { id } => {
            let list = format!("<CompleteMultipartUpload>{list}</CompleteMultipartUpload>");
            let end = BucketRequest {
                query: &[("uploadId", id)],
                body: Some(list.as_bytes()),
                ..ask(Method::POST, file.key)
            };
            let answer = bucket.done(Operation::Write, &end).await?;
            // A storage may report an error after status 200.
            if let Some(code) = answer.code() {
                return Err(bucket.refused(Operation::Write, &StorageError::Other(code)));
            }
        }
    }
    Ok(())
}

/// Reads the next part of a file; empty at its end.
async fn read_part(
    content: &mut (impl AsyncRead + Unpin + Send),
    file: &UploadFile<'_>,
    most: u64,
    hasher: &mut Sha256,
) -> Result<Vec<u8>, Fault> {
    let mut bytes = Vec::new();
    content.take(most).read_to_end(&mut bytes).await.map_err(|error| read_fault(file, &error))?;
    hasher.update(&bytes);
    Ok(bytes)
}

/// Checks that the file did not change since it was measured.
fn check_unchanged(file: &UploadFile<'_>, bytes: u64, hasher: Sha256) -> Result<(), Fault> {
    let digits: Vec<String> = hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    if bytes == file.bytes && digits.concat() == file.sha256 {
        return Ok(());
    }
    Err(Fault::new(
        Cause::Storage,
        format!("{} was not uploaded.", file.path.display()),
        "It changed since it was proven.",
        "Do not restore from this dump; look for what writes there, and start a new backup.",
    ))
}

fn read_fault(file: &UploadFile<'_>, error: &std::io::Error) -> Fault {
    Fault::new(
        Cause::Storage,
        format!("Reading {} failed.", file.path.display()),
        format!("The operating system says: {error}."),
        "Check the folder and who may read there, then retry.",
    )
}
