//! The response of a storage. Only its error code, reduced to letters and digits, and cleaned names are shown to the user.

use http::{HeaderMap, StatusCode};
use jiff::Timestamp;

use crate::domain::diagnosis::foreign;

/// A complete response.
pub(super) struct StorageResponse {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

/// Why a storage refused a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum StorageError {
    /// The storage does not know the access id.
    UnknownAccessId,
    /// The signature is wrong, so the key is.
    WrongKey,
    /// The access id or the key is wrong; Azure does not say which.
    WrongIdOrKey,
    /// The clocks differ too much.
    ClockSkew,
    /// There is no such bucket.
    NoSuchBucket,
    /// The bucket is in another region or has another endpoint, which the storage may name.
    WrongRegion(Option<String>),
    /// The access id lacks the right.
    AccessDenied,
    /// There is no such object.
    NoSuchObject,
    /// The storage or its quota is full.
    StorageFull,
    /// The storage is overloaded or broken; the HTTP status.
    Busy(u16),
    /// Another error code.
    Other(String),
    /// The response is not one of an object storage.
    NotObjectStorage,
}

impl StorageResponse {
    /// Returns the error code of the storage.
    pub(super) fn code(&self) -> Option<String> {
        let header = self.headers.get("x-ms-error-code").and_then(|value| value.to_str().ok()).map(str::to_owned);
        header.or_else(|| self.text("Code")).map(|code| {
            let plain = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
            code.chars().filter(plain).take(60).collect()
        })
    }

    /// Returns the text of the first XML element of that name.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        self.texts(name).next()
    }

    /// Returns the texts of all XML elements of that name.
    pub(super) fn texts<'a>(&'a self, name: &str) -> impl Iterator<Item = String> + use<'a> {
        let body = String::from_utf8_lossy(&self.body);
        let (open, close) = (format!("<{name}>"), format!("</{name}>"));
        let mut found = Vec::new();
        let mut rest = body.as_ref();
        while let Some((_, behind)) = rest.split_once(&open) {
            let Some((text, behind)) = behind.split_once(&close) else { break };
            found.push(unescaped(text));
            rest = behind;
        }
        found.into_iter()
    }

    /// Returns whether it is the list of a bucket.
    pub(super) fn is_list(&self) -> bool {
        let body = String::from_utf8_lossy(&self.body);
        self.status.is_success() && (body.contains("<ListBucketResult") || body.contains("<EnumerationResults"))
    }

    /// Returns whether the list is truncated; `None` where it does not say.
    pub(super) fn is_truncated(&self) -> Option<bool> {
        self.text("IsTruncated")?.trim().parse().ok()
    }

    /// Returns the time of the storage, to the second.
    pub(super) fn date(&self) -> Option<Timestamp> {
        let text = self.headers.get(http::header::DATE)?.to_str().ok()?;
        jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()
    }

    /// Returns the version id of a written object, in a bucket with versions.
    pub(super) fn version(&self) -> Option<String> {
        let names = ["x-amz-version-id", "x-oss-version-id", "x-cos-version-id"];
        let version = names.into_iter().find_map(|name| self.headers.get(name))?.to_str().ok()?;
        (version != "null" && !version.is_empty()).then(|| version.to_owned())
    }

    /// Returns why the storage refused; only for a response that is not a success.
    pub(super) fn no(&self) -> StorageError {
        let code = self.code();
        let region = self.headers.get("x-amz-bucket-region").and_then(|value| value.to_str().ok()).map(str::to_owned);
        let elsewhere = || region.or_else(|| self.text("Region")).or_else(|| self.text("Endpoint"));
        match code.as_deref() {
            Some(
                "InvalidAccessKeyId" | "InvalidAccessKey" | "InvalidClientTokenId" | "UnrecognizedClientException",
            ) => StorageError::UnknownAccessId,
            Some("SignatureDoesNotMatch") => StorageError::WrongKey,
            Some("RequestTimeTooSkewed" | "RequestExpired") => StorageError::ClockSkew,
            // Azure uses the same code for an old request; only the text differs.
            Some("AuthenticationFailed") => {
                let why = self.text("AuthenticationErrorDetail").unwrap_or_default();
                if why.contains("too old") || why.contains("date header") {
                    StorageError::ClockSkew
                } else {
                    StorageError::WrongIdOrKey
                }
            }
            // Azurite's code for a wrong key is Azure's code for a forbidden network.
            Some("AuthorizationFailure") if self.text("Message").is_some_and(|text| text.contains("authenticate")) => {
                StorageError::WrongIdOrKey
            }
            Some("InvalidAuthenticationInfo" | "NoAuthenticationInformation") => StorageError::WrongIdOrKey,
            Some("NoSuchBucket" | "ContainerNotFound" | "ContainerBeingDeleted" | "InvalidBucketName") => {
                StorageError::NoSuchBucket
            }
            Some("NoSuchKey" | "BlobNotFound") => StorageError::NoSuchObject,
            Some(
                "PermanentRedirect"
                | "TemporaryRedirect"
                | "Redirect"
                | "AuthorizationHeaderMalformed"
                | "IllegalLocationConstraintException"
                | "InvalidRegionName"
                | "InvalidLocationConstraint",
            ) => StorageError::WrongRegion(elsewhere().map(|place| foreign(&place))),
            // OSS refuses a request that belongs to another endpoint.
            Some("AccessDenied") if self.text("Endpoint").is_some() => {
                StorageError::WrongRegion(elsewhere().map(|place| foreign(&place)))
            }
            Some(
                "QuotaExceeded"
                | "XMinioStorageFull"
                | "InsufficientStorage"
                | "AccountQuotaExceeded"
                | "InsufficientAccountStorage"
                | "XMinioAdminBucketQuotaExceeded",
            ) => StorageError::StorageFull,
            Some("SlowDown" | "ServiceUnavailable" | "ServerBusy" | "InternalError" | "RequestLimitExceeded") => {
                StorageError::Busy(self.status.as_u16())
            }
            Some(_) if self.status == StatusCode::FORBIDDEN => StorageError::AccessDenied,
            Some(code) => StorageError::Other(code.to_owned()),
            // A response to HEAD has no body.
            None if self.status == StatusCode::NOT_FOUND && self.body.is_empty() => StorageError::NoSuchObject,
            None if self.status == StatusCode::FORBIDDEN && self.body.is_empty() => StorageError::AccessDenied,
            None if self.status.is_server_error() => StorageError::Busy(self.status.as_u16()),
            None => StorageError::NotObjectStorage,
        }
    }
}

fn unescaped(text: &str) -> String {
    let codes = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&#39;", "'"), ("&amp;", "&")];
    codes.iter().fold(text.to_owned(), |text, (code, character)| text.replace(code, character))
}
