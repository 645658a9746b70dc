//! Sends signed requests to a bucket, each with a time limit.

use std::error::Error as _;
use std::net::SocketAddr;
use std::time::Duration;

use http::Method;
use jiff::Timestamp;
use reqwest::{Body, Client};
use rustls::{CertificateError, Error as Tls};
use sha2::{Digest, Sha256};

use super::bucket_address::BucketAddress;
use super::response::StorageResponse;
use super::signer::Signer;
use crate::domain::destination::StorageKind;
use crate::domain::diagnosis::foreign;

/// The most bytes of a response that are read: more than a probe or any list.
pub(super) const MAX_RESPONSE_BYTES: usize = 4 << 20;

/// A larger body, in bytes, gets more time than the usual limit.
const LARGE_BODY_BYTES: usize = 4 << 20;

/// The slowest accepted transfer of a large body, in bytes per second.
const MIN_BYTES_PER_SECOND: usize = 128 << 10;

/// Why a request has no response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum RequestError {
    /// The time limit has passed.
    TimedOut,
    /// TLS failed; one sentence says why, another what to do.
    Tls(&'static str, &'static str),
    /// The response is not HTTP.
    NotHttp,
    /// The request could not be signed: the key does not fit the storage.
    CannotSign,
    /// The connection broke; the error text of the system.
    ConnectionBroken(String),
}

/// A request for an object, or for the bucket with an empty key.
pub(super) struct BucketRequest<'a> {
    pub(super) method: Method,
    pub(super) key: &'a str,
    pub(super) query: &'a [(&'a str, &'a str)],
    pub(super) body: Option<&'a [u8]>,
    /// The most bytes of the response that are read.
    pub(super) most: usize,
}

/// A client that signs its requests to a bucket.
pub(super) struct SignedClient<'a> {
    pub(super) client: &'a Client,
    pub(super) place: &'a BucketAddress,
    pub(super) signer: &'a Signer,
    pub(super) now: fn() -> Timestamp,
}

/// Builds the client of one Test: for one address, without a proxy, because the servers use none, and without redirects.
pub(super) fn client(place: &BucketAddress, address: SocketAddr, limit: Duration) -> Option<Client> {
    let builder = || {
        Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(limit)
            .resolve(&place.host, address)
            .user_agent(concat!("obnow/", env!("CARGO_PKG_VERSION")))
    };
    // On a host without certificate authorities none is trusted, and unencrypted connections still work.
    builder().build().or_else(|_| builder().tls_certs_only([]).build()).ok()
}

/// Sends an unsigned request to the service itself to check the connection and its encryption.
pub(super) async fn knock(client: &Client, place: &BucketAddress) -> Result<(), RequestError> {
    client.head(place.root()).send().await.map(drop).map_err(|error| request_error(&error))
}

impl SignedClient<'_> {
    /// Sends a request and reads the complete response.
    pub(super) async fn ask(&self, ask: &BucketRequest<'_>) -> Result<StorageResponse, RequestError> {
        let request = http::Request::builder().method(ask.method.clone()).uri(self.place.url(ask.key, ask.query));
        let bytes = ask.body.unwrap_or_default();
        let mut request = request.body(()).map_err(|_| RequestError::CannotSign)?;
        let headers = request.headers_mut();
        match self.place.kind {
            StorageKind::S3 => {
                headers.insert(
                    "x-amz-content-sha256",
                    hex(&Sha256::digest(bytes)).parse().map_err(|_| RequestError::CannotSign)?,
                );
            }
            // A block is not a blob by itself.
            StorageKind::Azblob if ask.body.is_some() && ask.query.is_empty() => {
                headers.insert("x-ms-blob-type", http::HeaderValue::from_static("BlockBlob"));
            }
            StorageKind::Azblob | StorageKind::Oss | StorageKind::Cos | StorageKind::File => {}
        }
        if ask.body.is_some() {
            headers.insert(http::header::CONTENT_LENGTH, bytes.len().into());
        }
        let (mut parts, ()) = request.into_parts();
        self.signer.sign(&mut parts, (self.now)()).await.ok_or(RequestError::CannotSign)?;
        let request = http::Request::from_parts(parts, Body::from(bytes.to_vec()));
        let mut request = reqwest::Request::try_from(request).map_err(|_| RequestError::CannotSign)?;
        if bytes.len() > LARGE_BODY_BYTES {
            *request.timeout_mut() = Some(Duration::from_secs((bytes.len() / MIN_BYTES_PER_SECOND) as u64));
        }
        let mut response = self.client.execute(request).await.map_err(|error| request_error(&error))?;
        let mut body = Vec::new();
        while let Some(piece) = response.chunk().await.map_err(|error| request_error(&error))? {
            body.extend_from_slice(&piece);
            if body.len() > ask.most {
                break;
            }
        }
        Ok(StorageResponse { status: response.status(), headers: response.headers().clone(), body })
    }
}

fn hex(bytes: &[u8]) -> String {
    let digits: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    digits.concat()
}

fn request_error(error: &reqwest::Error) -> RequestError {
    if error.is_timeout() {
        return RequestError::TimedOut;
    }
    let mut source = error.source();
    let mut last = String::new();
    while let Some(cause) = source {
        if let Some(tls) = find_tls_error(cause) {
            return tls_error(tls);
        }
        last = cause.to_string();
        if last.contains("invalid HTTP") {
            return RequestError::NotHttp;
        }
        source = cause.source();
    }
    RequestError::ConnectionBroken(foreign(&last))
}

/// Finds a TLS error that may be wrapped in operating system errors, which do not return it as their source.
fn find_tls_error<'a>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a Tls> {
    error.downcast_ref::<Tls>().or_else(|| {
        let inner = error.downcast_ref::<std::io::Error>()?.get_ref()?;
        find_tls_error(inner)
    })
}

fn tls_error(error: &Tls) -> RequestError {
    let (why, next) = match error {
        Tls::InvalidCertificate(CertificateError::Expired | CertificateError::ExpiredContext { .. }) => {
            ("Its certificate has expired.", "Renew the certificate of the storage.")
        }
        Tls::InvalidCertificate(CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. }) => {
            ("Its certificate is not valid yet.", "Compare the clocks of this host and of the storage.")
        }
        Tls::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ) => (
            "Its certificate does not name this host.",
            "Use the name of the certificate; a bucket in the host's name goes into the path with addressing_model=path_style.",
        ),
        Tls::InvalidCertificate(CertificateError::UnknownIssuer) => (
            "Nobody this host trusts has signed its certificate.",
            "Add its CA to the certificate authorities of this host, or name it in SSL_CERT_FILE; the servers need it too.",
        ),
        Tls::InvalidCertificate(_) => ("Its certificate is not accepted.", "Reissue the certificate of the storage."),
        Tls::InvalidMessage(_) => {
            ("It does not speak TLS there.", "Write http:// in front of the host, or name its TLS port.")
        }
        _ => ("The TLS handshake failed.", "Compare the TLS versions that the storage offers."),
    };
    RequestError::Tls(why, next)
}
