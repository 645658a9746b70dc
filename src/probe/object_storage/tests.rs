//! Signatures of storages without a real server to test against: each is computed again by its manual.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at what it did not expect")]

use base64::Engine;
use hmac::{Hmac, KeyInit, Mac};
use http::StatusCode;
use http::request::Parts;
use jiff::Timestamp;
use sha1::{Digest, Sha1};

use super::response::{StorageError, StorageResponse};
use super::*;

const ID: &str = "AKIDEXAMPLE";
const KEY: &str = "the/secret+key";

#[allow(clippy::disallowed_methods, reason = "a test has a clock of its own")]
fn now() -> Timestamp {
    Timestamp::now()
}

async fn signed(uri: &str, method: &str, key: &str, query: &[(&str, &str)]) -> Parts {
    let destination = Destination::parse_user(&format!("{uri}&access_id={ID}")).unwrap();
    let place = BucketAddress::of(&destination).unwrap();
    let signer = Signer::new(&place, &destination, &Secret::new(KEY.to_owned())).unwrap();
    let request = http::Request::builder().method(method).uri(place.url(key, query)).body(()).unwrap();
    let (mut parts, ()) = request.into_parts();
    signer.sign(&mut parts, now()).await.unwrap();
    assert_eq!(parts.uri.to_string(), place.url(key, query), "a signature moves nothing");
    parts
}

fn sha1_of(key: &[u8], text: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha1>::new_from_slice(key).unwrap();
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    let digits: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    digits.concat()
}

fn header(parts: &Parts, name: &str) -> String {
    parts.headers.get(name).unwrap().to_str().unwrap().to_owned()
}

/// OSS, signature version 1: `VERB \n MD5 \n type \n date \n headers resource`, where the resource names the bucket and, of
/// the query, only what selects a part of it.
#[tokio::test]
async fn oss_signature_matches_the_manual() {
    for host in ["oss-cn-x.aliyuncs.com", "10.0.0.1:81"] {
        let uri = format!("oss://bucket/back%up?host={host}");
        for (method, key, query, resource) in [
            ("GET", "", &[("prefix", "back/"), ("max-keys", "10")][..], "/bucket/"),
            ("PUT", "back up/x", &[][..], "/bucket/back up/x"),
            ("DELETE", "back/x", &[("versionId", "v+1")][..], "/bucket/back/x?versionId=v+1"),
        ] {
            let parts = signed(&uri, method, key, query).await;
            let text = format!("{method}\n\n\n{}\n{resource}", header(&parts, "date"));
            let wanted = base64::engine::general_purpose::STANDARD.encode(sha1_of(KEY.as_bytes(), &text));
            assert_eq!(header(&parts, "authorization"), format!("OSS {ID}:{wanted}"), "{host} {text}");
        }
    }
}

/// COS: `verb \n path \n query \n headers \n` hashed, under a key for a span of time.
#[tokio::test]
async fn cos_signature_matches_the_manual() {
    let uri = "cos://bucket-1/back?host=cos.ap-x.myqcloud.com&appid=1";
    for (method, key, query, pairs) in [
        ("GET", "", &[("prefix", "back/"), ("max-keys", "10")][..], "max-keys=10&prefix=back%2F"),
        ("PUT", "back up/x", &[][..], ""),
    ] {
        let parts = signed(uri, method, key, query).await;
        let authorization = header(&parts, "authorization");
        let field = |name: &str| {
            let found = authorization.split('&').find_map(|pair| pair.strip_prefix(&format!("{name}=")));
            found.unwrap_or_else(|| panic!("no {name} in {authorization}")).to_owned()
        };
        assert_eq!((field("q-ak"), field("q-header-list")), (ID.to_owned(), String::new()));
        let text = format!("{}\n/{key}\n{pairs}\n\n", method.to_lowercase());
        let span = field("q-key-time");
        let text = format!("sha1\n{span}\n{}\n", hex(&Sha1::digest(text.as_bytes())));
        let sign_key = hex(&sha1_of(KEY.as_bytes(), &span));
        assert_eq!(field("q-signature"), hex(&sha1_of(sign_key.as_bytes(), &text)), "{text}");
    }
}

#[tokio::test]
async fn virtual_host_bucket_is_signed() {
    let parts = signed("s3://bucket/back?host=https://s3.example.com&s3_region=r9", "GET", "back/x", &[]).await;
    assert_eq!((parts.uri.host(), parts.uri.path()), (Some("bucket.s3.example.com"), "/back/x"));
    let authorization = header(&parts, "authorization");
    assert!(authorization.contains("/r9/s3/aws4_request, SignedHeaders=host;"), "{authorization}");
    assert_eq!(header(&parts, "host"), "bucket.s3.example.com");
}

#[test]
fn response_reveals_its_code_only() {
    let answer = |status: u16, body: &str| StorageResponse {
        status: StatusCode::from_u16(status).unwrap(),
        headers: http::HeaderMap::new(),
        body: body.as_bytes().to_vec(),
    };
    let listed = answer(200, "<ListBucketResult><Key>a&amp;b</Key><Key>c</Key><Key>cut off");
    assert_eq!(listed.texts("Key").collect::<Vec<_>>(), ["a&b", "c"]);
    assert!(listed.is_list() && !answer(403, "<ListBucketResult>").is_list());
    for (body, said) in [
        ("<IsTruncated>true</IsTruncated>", Some(true)),
        ("<IsTruncated>false</IsTruncated>", Some(false)),
        ("<IsTruncated>xyzzy</IsTruncated>", None),
        ("<IsTruncated></IsTruncated>", None),
        ("<Key>a</Key>", None),
    ] {
        assert_eq!(answer(200, body).is_truncated(), said, "{body}");
    }
    for (status, body, wanted) in [
        (403, "", StorageError::AccessDenied),
        (404, "", StorageError::NoSuchObject),
        (404, "<html>", StorageError::NotObjectStorage),
        (502, "<html>", StorageError::Busy(502)),
        (403, "<Code>AccessDenied</Code>", StorageError::AccessDenied),
        (404, "<Code>NoSuchBucket</Code>", StorageError::NoSuchBucket),
        (403, "<Code>AuthenticationFailed</Code>", StorageError::WrongIdOrKey),
        (
            403,
            "<Code>AuthenticationFailed</Code><AuthenticationErrorDetail>Request date header too old: x</AuthenticationErrorDetail>",
            StorageError::ClockSkew,
        ),
        (400, "<Code>X\u{1b}[31m&lt;i&gt;</Code>", StorageError::Other("X31mi".to_owned())),
    ] {
        assert_eq!(answer(status, body).no(), wanted, "{status} {body}");
    }
}
