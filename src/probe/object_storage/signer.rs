//! Signs requests by the method of each storage.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use http::HeaderValue;
use http::request::Parts;
use jiff::Timestamp;
use reqsign_core::{Context, Signer as Stack};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::bucket_address::BucketAddress;
use crate::domain::destination::{Destination, StorageKind};
use crate::domain::secret::Secret;

/// The region of a bucket without one, which storages without regions accept.
const ANY_REGION: &str = "us-east-1";

/// The version of Azure's protocol.
const AZURE_VERSION: &str = "2021-08-06";

/// Signs requests with an access key.
pub(super) enum Signer {
    S3(Stack<reqsign_aws_v4::Credential>),
    Oss(Stack<reqsign_aliyun_oss::Credential>),
    Cos(Stack<reqsign_tencent_cos::Credential>),
    Azure { account: String, key: Zeroizing<Vec<u8>> },
}

impl Signer {
    /// Returns a signer; `None` where the key does not have the form of the storage's keys.
    pub(super) fn new(place: &BucketAddress, destination: &Destination, key: &Secret) -> Option<Self> {
        let (id, secret) = (destination.attribute("access_id").unwrap_or_default(), key.expose());
        Some(match place.kind {
            StorageKind::S3 | StorageKind::File => {
                let region = destination.attribute("s3_region").unwrap_or(ANY_REGION);
                let known = reqsign_aws_v4::StaticCredentialProvider::new(id, secret);
                Self::S3(Stack::new(Context::new(), known, reqsign_aws_v4::RequestSigner::new("s3", region)))
            }
            StorageKind::Oss => {
                let known = reqsign_aliyun_oss::StaticCredentialProvider::new(id, secret);
                // Version 1, the only one the server signs with (V4.2.5 docs, overview: backup media).
                let signer = reqsign_aliyun_oss::RequestSigner::new(&place.bucket);
                Self::Oss(Stack::new(Context::new(), known, signer))
            }
            StorageKind::Cos => {
                let known = reqsign_tencent_cos::StaticCredentialProvider::new(id, secret);
                Self::Cos(Stack::new(Context::new(), known, reqsign_tencent_cos::RequestSigner::new()))
            }
            StorageKind::Azblob => {
                Self::Azure { account: id.to_owned(), key: Zeroizing::new(STANDARD.decode(secret.trim()).ok()?) }
            }
        })
    }

    /// Adds the signature; `None` where the request cannot be signed.
    pub(super) async fn sign(&self, parts: &mut Parts, now: Timestamp) -> Option<()> {
        match self {
            Self::S3(stack) => stack.sign(parts, None).await.ok(),
            Self::Cos(stack) => stack.sign(parts, None).await.ok(),
            Self::Oss(stack) => stack.sign(parts, None).await.ok(),
            Self::Azure { account, key } => sign_azure(parts, account, key, now),
        }
    }
}

/// Signs with Azure's Shared Key (Microsoft docs, "Authorize with Shared Key", blob service, versions from 2009-09-19).
fn sign_azure(parts: &mut Parts, account: &str, key: &[u8], now: Timestamp) -> Option<()> {
    let date = jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&now).ok()?;
    parts.headers.insert("x-ms-date", HeaderValue::from_str(&date).ok()?);
    parts.headers.insert("x-ms-version", HeaderValue::from_static(AZURE_VERSION));
    let mut mac = Hmac::<Sha256>::new_from_slice(key).ok()?;
    mac.update(azure_string_to_sign(parts, account).as_bytes());
    let signature = STANDARD.encode(mac.finalize().into_bytes());
    let mut value = HeaderValue::from_str(&format!("SharedKey {account}:{signature}")).ok()?;
    value.set_sensitive(true);
    parts.headers.insert(http::header::AUTHORIZATION, value);
    Some(())
}

/// Returns the string to sign: the verb, eleven headers of which obnow sends at most a length, Azure's own headers, and the
/// resource.
fn azure_string_to_sign(parts: &Parts, account: &str) -> String {
    let header = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let length = header("content-length");
    let length = if length == "0" { "" } else { length };
    let mut text = format!("{}\n\n\n{length}\n\n{}\n\n\n\n\n\n\n", parts.method, header("content-type"));
    let mut own: Vec<&str> = parts.headers.keys().map(http::HeaderName::as_str).collect();
    own.retain(|name| name.starts_with("x-ms-"));
    own.sort_unstable();
    own.dedup();
    for name in own {
        text.extend([name, ":", header(name).trim(), "\n"]);
    }
    text.extend(["/", account, parts.uri.path()]);
    let decoded = |text: &str| percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned();
    let pairs = parts.uri.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
    let mut pairs: Vec<(String, String)> = pairs
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (decoded(name).to_lowercase(), decoded(value)))
        .collect();
    pairs.sort();
    for (name, value) in pairs {
        text.extend(["\n", &name, ":", &value]);
    }
    text
}
